"""The folder that a new study starts from: valid definitions and example rows to replace."""

from __future__ import annotations

import re
import shutil
import tempfile
from importlib import resources
from pathlib import Path
from typing import Final

from cjlib.errors import JourneyError

FOLDER: Final = "new_study"
EXAMPLE_ID: Final = "my_study"  # in study.yaml; becomes the folder's name where that is an id


def copy_template(path: str | Path) -> list[Path]:
    """Make a new study folder with every file a study can have, filled with example rows.

    The folder appears whole or not at all: it is written under a temporary name beside its
    place and then renamed. Where the folder's name can be an id (a-z, 0-9, _ and -), it
    becomes the study's.

    Parameters
    ----------
    path : path
        Folder to make; it may exist if it is empty.

    Returns
    -------
    list of Path
        The files made, in alphabetical order.

    Raises
    ------
    JourneyError
        If ``path`` is a file or a folder that holds anything, or cannot be written.
    """
    place = Path(path)
    if place.is_symlink() or (place.exists() and not place.is_dir()):
        raise JourneyError(
            f"copy_template: a new study needs a folder of its own; {place} is a file or a link. "
            "Choose another name."
        )
    if place.is_dir() and any(place.iterdir()):
        raise JourneyError(
            f"copy_template: the folder of a new study must be empty; {place} holds "
            f"{sum(1 for _ in place.iterdir()):,} files or folders. Choose another name."
        )
    try:
        return _write(place)
    except OSError as error:
        raise JourneyError(
            f"copy_template: the folder must be writable; {place} is not ({error.strerror}). "
            "Choose another place."
        ) from error


def _write(place: Path) -> list[Path]:
    place.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=place.parent, prefix=".new-study-") as temporary:
        made = Path(temporary) / FOLDER
        with resources.as_file(resources.files("cjlib.templates") / FOLDER) as source:
            ignored = shutil.ignore_patterns("__pycache__", ".*")
            shutil.copytree(source, made, ignore=ignored, copy_function=shutil.copyfile)
        for folder in (made, *(f for f in made.rglob("*") if f.is_dir())):
            folder.chmod(0o755)  # an installed kit may be read-only
        _name_study(made / "study.yaml", place.resolve().name)
        if place.is_dir():
            place.rmdir()
        made.rename(place)
    return sorted(file for file in place.rglob("*") if file.is_file())


def _name_study(file: Path, name: str) -> None:
    wanted = name.lower()
    if re.fullmatch("[a-z][a-z0-9_-]*", wanted):
        text = file.read_text(encoding="utf-8")
        line = f"id: {EXAMPLE_ID}"
        file.write_text(
            text.replace(line, f"id: {wanted}".ljust(len(line)), 1), encoding="utf-8", newline="\n"
        )
