"""Cells that a study cannot answer: those without a source, and those with too few data."""

from __future__ import annotations

import ast
from typing import Any, Final

from IPython.core.interactiveshell import InteractiveShell

from cjlib.errors import JourneyError, TooFewError
from cjlib.study import SOURCES, Study

NEEDS: Final = "%%needs"


class CellGate:
    """Lets a cell run, or puts a note in its place; one per notebook.

    A cell that begins with ``%%needs survey`` runs only where the study has a survey. Where
    a cell stopped because there were too few data, later cells that use what it would have
    made are skipped with a note, instead of stopping for a missing name.
    """

    def __init__(self, shell: InteractiveShell) -> None:
        self.shell = shell
        self.unmade: set[str] = set()
        shell.input_transformers_cleanup.append(self.admit)
        shell.events.register("post_run_cell", self.note_outcome)

    def admit(self, lines: list[str]) -> list[str]:
        """Return the lines to run instead of ``lines``."""
        needs: list[str] = []
        if lines and lines[0].startswith(NEEDS):
            needs, lines = lines[0].split()[1:], lines[1:]
            why = skip_unless(needs, self.shell.user_ns.get("study"))
            if why:
                return _note(why)
        made, used = find_names("".join(lines))
        lacking = sorted(name for name in used & self.unmade if name not in self.shell.user_ns)
        if not lacking:
            return lines
        self.unmade |= made
        names = ", ".join(lacking)
        return _note(f"Skipped: it needs {names}, for which there were too few data.")

    def note_outcome(self, result: Any) -> None:
        """Remember what a cell would have made, had there been enough data."""
        source = str(result.info.raw_cell or "")
        if source.startswith(NEEDS):
            source = source.partition("\n")[2]
        made, _ = find_names(source)
        if isinstance(result.error_in_exec, TooFewError):
            self.unmade |= made
        elif result.success:
            self.unmade -= {name for name in made if name in self.shell.user_ns}


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


def find_names(source: str) -> tuple[set[str], set[str]]:
    """Return the names a cell assigns and the names it uses; none where it is no Python."""
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return set(), set()
    names = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
    made = {node.id for node in names if isinstance(node.ctx, ast.Store)}
    used = {node.id for node in names if isinstance(node.ctx, ast.Load)}
    return made, used


def _note(text: str) -> list[str]:
    for sign, entity in (("&", "&amp;"), ("<", "&lt;"), ("'", "&#39;"), ('"', "&quot;")):
        text = text.replace(sign, entity)
    text = text.replace("\\", "\\\\")
    return [
        "from IPython.display import HTML\n",
        f"HTML('<p class=\"cj-note\">{text}</p>')\n",
    ]
