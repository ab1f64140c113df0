"""Results are files: every table and figure a notebook shows is also written, whole."""

from __future__ import annotations

import base64
import html
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from IPython.display import HTML, Markdown, display
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cjlib import __version__
from cjlib.errors import JourneyError
from cjlib.maps import render_html, save_picture
from cjlib.notebook.opening import results_folder
from cjlib.notebook.tracing import looked_up
from cjlib.provenance import PACKAGES, checksum_file, combine_checksums, describe_inputs
from cjlib.study import Study
from cjlib.survey import find_quasi_identifiers, suppress_small_groups
from cjlib.tables import display_table, write_table


@dataclass(frozen=True, slots=True)
class Results:
    """Where one notebook keeps what it finds.

    Attributes
    ----------
    folder : Path
        ``results/<study>``.
    notebook : str
        Number and name, such as ``05_metrics``; the folder of its tables.
    quasi : tuple of str
        Quasi-identifiers of the study: in tables of people they are shown only where at
        least ``k`` people share them.
    k : int
        0 where there is nobody to protect.
    """

    folder: Path
    notebook: str
    quasi: tuple[str, ...] = ()
    k: int = 0

    def table(
        self,
        frame: pd.DataFrame,
        name: str,
        *,
        caption: str = "",
        rows: int = 12,
        columns: Sequence[str] | None = None,
    ) -> HTML:
        """Write a table to ``tables/<notebook>/<name>.csv`` and show its first rows.

        In a table with rows about people (respondent_id or customer_id) the answers that
        single somebody out are withheld in the file and on the page, and the caption says
        how many (``survey.suppress_small_groups``).

        Parameters
        ----------
        frame : DataFrame
        name : str
            File name without ending.
        caption : str
            What the table says, above it.
        rows : int, default 12
            Rows shown; the file holds all.
        columns : sequence of str, optional
            Columns shown; the file holds all.
        """
        frame, withheld = suppress_small_groups(frame, quasi=self.quasi, k=self.k)
        if withheld:
            caption += (
                f" · {withheld:,} cells withheld: fewer than {self.k} people of the table share "
                "these descriptions"
            )
        write_table(frame, self.folder / "tables" / self.notebook / f"{name}.csv")
        shown = frame if columns is None else frame[list(columns)]
        table = display_table(shown, caption=caption, rows=rows)
        return HTML(f'<div style="overflow-x:auto">{table}</div>')

    def figure(self, ax: Axes | Figure, name: str, *, alt: str) -> HTML:
        """Write a figure to ``figures/<notebook>-<name>.svg`` and show it with its alt text."""
        if not alt.strip():
            raise JourneyError(
                f"Results.figure: a figure must have an alt text; '{name}' has none. "
                "Say in a sentence what it shows."
            )
        figure = ax if isinstance(ax, Figure) else ax.get_figure()
        if not isinstance(figure, Figure):
            raise JourneyError(f"Results.figure: '{name}' must be axes of a figure of its own.")
        drawing = io.BytesIO()
        with mpl.rc_context({"svg.hashsalt": "cjlib"}):  # the same figure, the same bytes
            figure.savefig(drawing, format="svg", metadata={"Date": None, "Description": alt})
        _write(self.folder / "figures" / f"{self.notebook}-{name}.svg", drawing.getvalue())
        picture = io.BytesIO()
        figure.savefig(picture, format="png", metadata={"Software": None})
        width = int(figure.get_size_inches()[0] * 96)
        code = base64.b64encode(picture.getvalue()).decode()
        plt.close(figure)
        return HTML(
            f'<img alt="{html.escape(alt)}" width="{width}" style="max-width:100%" '
            f'src="data:image/png;base64,{code}">'
        )

    def page(self, fragment: str, name: str) -> HTML:
        """Write an HTML fragment to ``pages/<notebook>-<name>.html`` and show it."""
        _write(self.folder / "pages" / f"{self.notebook}-{name}.html", fragment.encode())
        return HTML(fragment)

    def map(self, journey_map: dict[str, Any], name: str) -> None:
        """Write a map to ``maps/<name>.json``, as a page of its own and as a picture (SVG)."""
        folder = self.folder / "maps"
        folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps(journey_map, ensure_ascii=False, indent=1, default=_plain)
        (folder / f"{name}.json").write_text(text + "\n", encoding="utf-8", newline="\n")
        page = render_html(journey_map, root="..")
        (folder / f"{name}.html").write_text(page, encoding="utf-8", newline="\n")
        save_picture(journey_map, folder / f"{name}.svg")

    def data(self, value: Any, name: str) -> None:
        """Write a JSON file to ``data/<notebook>-<name>.json``."""
        text = json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True, default=_plain)
        _write(self.folder / "data" / f"{self.notebook}-{name}.json", (text + "\n").encode())


def open_results(study: Study, notebook: str) -> Results:
    """Return where this notebook's results of ``study`` go."""
    return Results(
        results_folder(study),
        notebook,
        quasi=find_quasi_identifiers(study),
        k=study.privacy.minimum_cell,
    )


def say(text: str) -> None:
    """Show a sentence whose numbers come from code, as Markdown."""
    display(Markdown(text))


def describe_data(study: Study, *sources: str) -> HTML:
    """Show the files a notebook reads, with size and checksum.

    Parameters
    ----------
    *sources : str
        Only files of these sources (survey, interviews, ...); all, with the definitions,
        where none is named.
    """
    files = pd.DataFrame(
        describe_inputs(study, *sources), columns=["source", "file", "bytes", "sha256"]
    )
    files["sha256"] = files["sha256"].str[:12]
    caption = "Files read, with the first 12 digits of their SHA-256"
    return HTML(display_table(files, caption=caption))


def made_with(study: Study) -> HTML:
    """Show what this notebook was run with: versions, seed, one checksum of the files it read."""
    parts = [("cjlib", __version__), *((name, metadata.version(name)) for name in PACKAGES)]
    inputs = [
        {"file": f"{name}/{file.name}", "sha256": checksum_file(file)}
        for name in sorted(looked_up())
        for place in [study.file(name)]
        for file in (sorted(place.rglob("*")) if place.is_dir() else [place])
        if file.is_file()
    ]
    parts += [("seed", str(study.seed)), ("files read", combine_checksums(inputs)[:12])]
    frame = pd.DataFrame(parts, columns=["part", "version"])
    return HTML(display_table(frame, caption="Made with", rows=20))


def _write(file: Path, content: bytes) -> None:
    """Write a file, whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_name(file.name + ".part")
    part.write_bytes(content)
    part.replace(file)


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, (pd.Timestamp, Path)):
        return str(value)
    if value is pd.NA:
        return None
    raise TypeError(f"cannot write {type(value).__name__} as JSON")
