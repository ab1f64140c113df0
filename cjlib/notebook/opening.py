"""Opening the study a notebook is about, and skipping cells whose source it lacks."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from IPython.core.getipython import get_ipython
from IPython.display import HTML, display

from cjlib.notebook.skipping import CellGate
from cjlib.notebook.tracing import trace_study
from cjlib.plots import use_style
from cjlib.study import Study, load_study

STUDY_VARIABLE: Final = "CJLIB_STUDY"
RAW_VARIABLE: Final = "CJLIB_RAW"
RESULTS_VARIABLE: Final = "CJLIB_RESULTS"

# JupyterLab renders right-to-left text well once paragraphs and cells find their own direction.
DIRECTION_CSS: Final = """<style>
.jp-RenderedHTMLCommon :is(p,li,h1,h2,h3,h4,td,th,blockquote,figcaption)
{unicode-bidi:plaintext;text-align:start}
.jp-RenderedHTMLCommon [dir=rtl] :is(ul,ol){direction:rtl;padding-right:2em}
.jp-RenderedHTMLCommon [dir=rtl] table{margin-right:0;margin-left:auto}
.cj-table{border-collapse:collapse;font-size:.92em}
.cj-table caption{caption-side:top;text-align:start;color:#5f6368;padding:.2em 0}
.cj-table :is(td,th){padding:.25em .7em;border-bottom:1px solid #dadce0;text-align:start}
.cj-table .num{text-align:end;white-space:nowrap;font-variant-numeric:tabular-nums}
.cj-note{border-inline-start:4px solid #0072B2;padding:.3em .8em;color:#202124}
</style>"""


def open_study(path: str | Path | None = None) -> Study:
    """Load the study this notebook is run on, and set up fonts, direction and ``%%needs``.

    Parameters
    ----------
    path : path, optional
        The study folder. Left out, it is the one ``python -m cjlib run`` names, and the
        shipped study in JupyterLab.

    Raises
    ------
    StudyError
        With every fault in the study.
    """
    use_style()
    _install_gate()
    display(HTML(DIRECTION_CSS))
    place = path or os.environ.get(STUDY_VARIABLE) or home() / "data" / "sepidar"
    study = load_study(place, raw=os.environ.get(RAW_VARIABLE) or None)
    return trace_study(study, results=results_folder(study))


def home() -> Path:
    """Return the top of the kit: the folder that holds cjlib, notebooks and data."""
    return Path(__file__).resolve().parents[2]


def results_folder(study: Study) -> Path:
    """Return where the results of ``study`` go: ``results/<study>`` unless the run says else."""
    named = os.environ.get(RESULTS_VARIABLE)
    return Path(named) if named else home() / "results" / study.id


def _install_gate() -> None:
    """Watch the cells of this notebook, once."""
    shell = get_ipython()
    if shell is None or any(
        isinstance(getattr(known, "__self__", None), CellGate)
        for known in shell.input_transformers_cleanup
    ):
        return
    CellGate(shell)
