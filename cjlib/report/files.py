"""The result files a report is made from; the report knows nothing else of the data."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
from defusedxml import ElementTree

from cjlib.provenance import read_manifest

DESCRIPTION = "{http://purl.org/dc/elements/1.1/}description"


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure as written by a notebook: its SVG and what it shows in words."""

    svg: bytes
    alt: str


@dataclass(frozen=True, slots=True)
class ResultFiles:
    """Reader of ``results/<study>``; a file that is not there is None, never made up.

    Attributes
    ----------
    folder : Path
    read : list of str
        The tables read so far, ``<notebook>/<name>``.
    """

    folder: Path
    read: list[str] = field(default_factory=list)

    def table(self, notebook: str, name: str) -> pd.DataFrame | None:
        """Return ``tables/<notebook>/<name>.csv``, or None."""
        file = self.folder / "tables" / notebook / f"{name}.csv"
        if not file.exists():
            return None
        self.read.append(f"{notebook}/{name}")
        return pd.read_csv(file, keep_default_na=True, na_values=[""])

    def figure(self, name: str) -> Figure | None:
        """Return ``figures/<name>.svg`` with its alt text, or None."""
        file = self.folder / "figures" / f"{name}.svg"
        if not file.exists():
            return None
        svg = file.read_bytes()
        found = next(ElementTree.fromstring(svg).iter(DESCRIPTION), None)
        return Figure(svg, (found.text or "") if found is not None else "")

    def data(self, name: str) -> Any:
        """Return ``data/<name>.json``, or None."""
        file = self.folder / "data" / f"{name}.json"
        return json.loads(file.read_text(encoding="utf-8")) if file.exists() else None

    def pages(self, prefix: str) -> dict[str, str]:
        """Return the HTML fragments ``pages/<prefix><name>.html``, by name."""
        files = sorted((self.folder / "pages").glob(f"{prefix}*.html"))
        return {f.stem.removeprefix(prefix): f.read_text(encoding="utf-8") for f in files}

    def maps(self) -> dict[str, dict[str, Any]]:
        """Return the maps in ``maps/*.json``, by name."""
        return {
            file.stem: json.loads(file.read_text(encoding="utf-8"))
            for file in sorted((self.folder / "maps").glob("*.json"))
        }

    def manifest(self) -> dict[str, Any] | None:
        """Return ``manifest.json``, or None."""
        return read_manifest(self.folder)
