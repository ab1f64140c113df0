"""A map's page as a PDF and as one long picture, by whichever printer there is."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np

from cjlib.errors import JourneyError

TOOLS = ("weasyprint", "chromium", "matplotlib")  # in the order in which they are tried
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
SECONDS = 180  # for a browser to print a page
SCALE = 2.0  # pixels per point of the PDF: 144 to the inch
GAP = 12  # white pixels between pages
MOST_PIXELS = 60_000  # of height; more than viewers show


def choose_tool(using: str | None) -> str:
    """Return the tool asked for, or the first that is there; matplotlib always is."""
    there = {
        "weasyprint": importlib.util.find_spec("weasyprint") is not None,
        "chromium": _browser() is not None,
        "matplotlib": True,
    }
    if using is None:
        return next(tool for tool in TOOLS if there[tool])
    if not there[using]:
        known = ", ".join(name for name in TOOLS if there[name])
        raise JourneyError(
            f"save_map_as: '{using}' must be installed; it is not. There is: {known}. "
            "Install it, or leave 'using' out."
        )
    return using


def choose_printer(using: str | None, *, caller: str) -> str:
    """Return the printer of pages that is asked for, or the first that is there.

    Raises
    ------
    JourneyError
        If there is none: a whole page cannot be drawn by matplotlib.
    """
    there = {
        "weasyprint": importlib.util.find_spec("weasyprint") is not None,
        "chromium": _browser() is not None,
    }
    found = [tool for tool in there if there[tool] and using in (None, tool)]
    if not found:
        known = ", ".join(tool for tool in there if there[tool]) or "neither"
        raise JourneyError(
            f"{caller}: a page is printed by {using or 'Chromium or WeasyPrint'}, which must be "
            f"installed; there is {known}. Install it, or open the .html file in a browser and "
            "print it from there."
        )
    return found[0]


def write_pdf(page: str, file: Path, *, tool: str, caller: str = "save_map_as") -> None:
    """Print a page, tagged for screen readers, into a PDF without dates in it."""
    if tool == "weasyprint":
        _print_with_weasyprint(page, file)
    else:
        _print_with_browser(page, file, caller=caller)


def write_picture_of_pdf(page: str, file: Path, *, tool: str) -> None:
    """Draw the pages of the page's PDF below one another as one PNG."""
    import pypdfium2
    from matplotlib.image import imsave

    with tempfile.TemporaryDirectory(prefix="cjlib-") as folder:
        printed = Path(folder) / "map.pdf"
        write_pdf(page, printed, tool=tool)
        document = pypdfium2.PdfDocument(printed)
        try:
            shots = [p.render(scale=SCALE, rev_byteorder=True).to_numpy() for p in document]
        finally:
            document.close()
    high = sum(shot.shape[0] for shot in shots) + GAP * (len(shots) - 1)
    if high > MOST_PIXELS:
        raise JourneyError(
            f"save_map_as: a picture must be at most {MOST_PIXELS:,} pixels high; this map has "
            f"{len(shots):,} pages, {high:,} pixels. Save it as .pdf or .html."
        )
    picture = np.full((high, max(s.shape[1] for s in shots), 3), 255, dtype=np.uint8)
    top = 0
    for shot in shots:
        picture[top : top + shot.shape[0], : shot.shape[1]] = shot[:, :, :3]
        top += shot.shape[0] + GAP
    imsave(str(file), picture)


def _browser() -> str | None:
    return next((found for name in BROWSERS if (found := shutil.which(name))), None)


def _print_with_weasyprint(page: str, file: Path) -> None:
    from weasyprint import HTML  # no dependency: used where somebody installed it

    HTML(string=page).write_pdf(file, pdf_variant="pdf/ua-1")
    _undate(file)


def _print_with_browser(page: str, file: Path, *, caller: str) -> None:
    """Print with Chromium, which gets a folder of its own and nothing from the network."""
    with tempfile.TemporaryDirectory(prefix="cjlib-", ignore_cleanup_errors=True) as folder:
        source = Path(folder) / "page.html"
        source.write_text(page, encoding="utf-8")
        command = [
            str(_browser()), "--headless", "--disable-gpu", "--no-first-run", "--disable-sync",
            "--disable-background-networking", "--disable-component-update", "--disable-quic",
            f"--user-data-dir={Path(folder) / 'profile'}", "--no-pdf-header-footer",
            "--export-tagged-pdf", f"--print-to-pdf={file.resolve()}", source.as_uri(),
        ]  # fmt: skip
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            command.insert(1, "--no-sandbox")  # as root Chromium runs in no other way
        try:
            done = subprocess.run(command, capture_output=True, timeout=SECONDS, check=False)
        except subprocess.TimeoutExpired as error:
            raise JourneyError(
                f"{caller}: Chromium must print the page within {SECONDS} seconds; it did not. "
                "Try again when the machine is free, or print the .html file from a browser."
            ) from error
    if done.returncode or not file.is_file():
        last = (done.stderr.decode("utf-8", "replace").strip().splitlines() or ["no message"])[-1]
        raise JourneyError(
            f"{caller}: Chromium must print the page; it ended with {done.returncode}: "
            f"{last[:200]}. Print the .html file from a browser instead."
        )
    _undate(file)


def _undate(file: Path) -> None:
    """Set the dates inside a PDF to one day and number its parts anew: same map, same bytes.

    Chromium counts the parts of the page from a number that differs from run to run; their
    order and the length of each name stay, so that every offset in the file still holds.
    """
    dated = re.compile(rb"(/(?:CreationDate|ModDate)\s*\(D:)(\d{14})")
    raw = dated.sub(rb"\g<1>20000101000000", file.read_bytes())
    part = re.compile(rb"\(node(\d{8})\)")
    numbers = {name: b"(node%08d)" % i for i, name in enumerate(sorted(set(part.findall(raw))), 1)}
    file.write_bytes(part.sub(lambda found: numbers[found[1]], raw))
