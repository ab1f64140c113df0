"""What the notebooks need: opening a study, keeping results, showing tables, figures and words."""

from cjlib.notebook.opening import open_study, results_folder
from cjlib.notebook.results import Results, describe_data, made_with, open_results, say
from cjlib.notebook.running import NotebookError, Run, find_notebooks, run_notebooks

__all__ = [
    "NotebookError",
    "Results",
    "Run",
    "describe_data",
    "find_notebooks",
    "made_with",
    "open_results",
    "open_study",
    "results_folder",
    "run_notebooks",
    "say",
]
