"""Opening the study a notebook is about, and skipping cells whose source it lacks."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Final

from IPython.core.getipython import get_ipython
from IPython.display import HTML, display

from cjlib.errors import JourneyError
from cjlib.plots import use_style
from cjlib.study import SOURCES, Study, load_study

STUDY_VARIABLE: Final = "CJLIB_STUDY"
RAW_VARIABLE: Final = "CJLIB_RAW"
RESULTS_VARIABLE: Final = "CJLIB_RESULTS"
NEEDS: Final = "%%needs"

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
    _install_needs()
    display(HTML(DIRECTION_CSS))
    place = path or os.environ.get(STUDY_VARIABLE) or home() / "data" / "sepidar"
    return load_study(place, raw=os.environ.get(RAW_VARIABLE) or None)


def home() -> Path:
    """Return the top of the kit: the folder that holds cjlib, notebooks and data."""
    return Path(__file__).resolve().parents[2]


def results_folder(study: Study) -> Path:
    """Return where the results of ``study`` go: ``results/<study>`` unless the run says else."""
    named = os.environ.get(RESULTS_VARIABLE)
    return Path(named) if named else home() / "results" / study.id


def skip_unless(needs: list[str], study: Study | None) -> str:
    """Return why a cell that needs these sources is skipped; an empty text if it is not.

    Raises
    ------
    JourneyError
        If there is no study yet, or a source is misspelt.
    """
    if study is None:
        raise JourneyError("%%needs: a study must be open; there is none. Run the first cell.")
    unknown = [name for name in needs if name not in SOURCES]
    if unknown or not needs:
        raise JourneyError(
            f"%%needs: sources must be of {', '.join(SOURCES)}; got {' '.join(needs) or 'none'}."
        )
    missing = [name for name in needs if not study.has(name)]
    if not missing:
        return ""
    return f"Skipped: the study '{study.id}' has no {' and no '.join(missing)}."


def _install_needs() -> None:
    """Make cells that begin with ``%%needs survey`` run only where the study has a survey."""
    shell = get_ipython()
    if shell is None or any(
        getattr(known, "__name__", "") == "transform_needs"
        for known in shell.input_transformers_cleanup
    ):
        return

    def transform_needs(lines: list[str]) -> list[str]:
        if not lines or not lines[0].startswith(NEEDS):
            return lines
        space: dict[str, Any] = shell.user_ns
        why = skip_unless(lines[0].split()[1:], space.get("study"))
        if not why:
            return lines[1:]
        return [
            "from IPython.display import HTML\n",
            f"HTML('<p class=\"cj-note\">{_escape(why)}</p>')\n",
        ]

    shell.input_transformers_cleanup.append(transform_needs)


def _escape(text: str) -> str:
    for sign, entity in (("&", "&amp;"), ("<", "&lt;"), ("'", "&#39;"), ('"', "&quot;")):
        text = text.replace(sign, entity)
    return text.replace("\\", "\\\\")
