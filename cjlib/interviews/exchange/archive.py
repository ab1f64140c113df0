"""Exchange files from elsewhere, opened with care: sizes, names, links and entities."""

from __future__ import annotations

import io
import re
import stat
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from cjlib.errors import JourneyError, UnsafeFileError

MAX_XML_BYTES: Final = 50_000_000  # of the project file, unpacked
MAX_TEXT_BYTES: Final = 100_000_000  # of all parts that are read
MAX_ALL_BYTES: Final = 4_000_000_000  # of all parts; recordings are never unpacked
MAX_PARTS: Final = 20_000
MAX_DEPTH: Final = 100  # of elements in elements; codes below codes
_BROKEN: Final = (zipfile.BadZipFile, RuntimeError, NotImplementedError, zlib.error, EOFError)


def read_archive(path: Path) -> tuple[bytes, Mapping[str, bytes]]:
    """Return the project file of a qdpx and its plain-text sources by name, all in memory.

    Nothing is written, and recordings, pictures and PDFs are not unpacked.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            parts = archive.infolist()
            _check_parts(path, parts)
            projects = [p for p in parts if re.fullmatch(r"[^/\\]+\.qde", p.filename, re.I)]
            if len(projects) != 1:
                raise JourneyError(
                    f"read_refi: a qdpx must hold one project file (.qde) at its top; "
                    f"'{path.name}' holds {len(projects)}. Export the project again."
                )
            texts = [p for p in parts if p.filename.casefold().endswith(".txt")]
            unpacked = sum(p.file_size for p in [*projects, *texts])
            if projects[0].file_size > MAX_XML_BYTES or unpacked > MAX_TEXT_BYTES:
                raise UnsafeFileError(
                    f"read_refi: project file and texts must unpack to at most "
                    f"{MAX_TEXT_BYTES:,} bytes, the project file to {MAX_XML_BYTES:,}; those of "
                    f"'{path.name}' unpack to {unpacked:,}. Export fewer sources at once."
                )
            names = {p.filename.replace("\\", "/").casefold(): archive.read(p) for p in texts}
            return archive.read(projects[0]), names
    except _BROKEN:
        raise JourneyError(
            f"read_refi: a qdpx must be a zip archive without a password; '{path.name}' is "
            "damaged, locked or something else. Export the project again."
        ) from None


def check_xml(raw: bytes, *, name: str) -> None:
    """Refuse XML that defines entities, nests too deep or is no XML, before it is read."""
    from defusedxml import DefusedXmlException, ElementTree

    depth = 0
    try:
        for event, _ in ElementTree.iterparse(
            io.BytesIO(raw), events=("start", "end"), forbid_dtd=True
        ):
            depth += 1 if event == "start" else -1
            if depth > MAX_DEPTH:
                raise UnsafeFileError(
                    f"read_refi: elements must nest at most {MAX_DEPTH} deep; those of '{name}' "
                    "nest deeper. Export it again."
                )
    except DefusedXmlException:
        raise UnsafeFileError(
            f"read_refi: exchange files must not define entities; '{name}' does. Export it again."
        ) from None
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        if isinstance(error, JourneyError):
            raise
        raise JourneyError(
            f"read_refi: '{name}' must be XML; it is not ({error}). Export it again."
        ) from None


def _check_parts(path: Path, parts: list[zipfile.ZipInfo]) -> None:
    unpacked = sum(part.file_size for part in parts)
    if unpacked > MAX_ALL_BYTES or len(parts) > MAX_PARTS:
        raise UnsafeFileError(
            f"read_refi: a qdpx must unpack to at most {MAX_ALL_BYTES:,} bytes in {MAX_PARTS:,} "
            f"parts; '{path.name}' unpacks to {unpacked:,} in {len(parts):,}. Export less at once."
        )
    for part in parts:
        name = part.filename
        out = name.startswith(("/", "\\")) or ".." in re.split(r"[/\\]", name) or name[1:2] == ":"
        if out or stat.S_ISLNK(part.external_attr >> 16):
            raise UnsafeFileError(
                f"read_refi: the parts of a qdpx must lie inside it; one of '{path.name}' leads "
                "out. Export the project again."
            )
