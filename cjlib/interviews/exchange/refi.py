"""REFI-QDA projects (.qdpx): interviews, codes and codings for other tools."""

from __future__ import annotations

import re
import tempfile
import uuid
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import pandas as pd

from cjlib.columns import CODE, CODER, INTERVIEW, STAGE, TOUCHPOINT, TURN, VALENCE
from cjlib.interviews.coding import CODE_COLUMNS
from cjlib.interviews.exchange.layout import lay_out, prepare
from cjlib.interviews.exchange.model import Written
from cjlib.interviews.model import Interviews

CODE_FACTS: Final = tuple(name for name in CODE_COLUMNS if name != CODE)
CODING_FACTS: Final = (STAGE, TOUCHPOINT, VALENCE)
_GUIDS: Final = uuid.UUID("2b0a1d0c-6f0e-5c55-9a5e-4f1c0c7c9b11")  # ours; any fixed one would do
_NOT_XML: Final = re.compile("[^\t\n\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)  # the same inputs, the same bytes


def write_refi(interviews: Interviews, path: Path) -> Written:
    """Write interviews, codebook and codings as a REFI-QDA project.

    Every interview is one plain-text source (UTF-8) with a line for each turn,
    ``[4] participant-1: ...``, as pseudonymised; only turns that may be quoted are written,
    and ``Written.left_out`` tells of the others. Coders are users. A coding marks the
    characters of its quote (Unicode code points from 0, the end not included), the first time
    it stands in the turn unless ``start`` and ``end`` say another; without a quote the line.

    What the format has no place for (labels, lane, stage of a code; stage, touchpoint, valence
    of a coding) stands in descriptions, one ``field: value`` a line, from where ``read_refi``
    takes it back.

    Parameters
    ----------
    interviews : Interviews
    path : Path
        Of the file, usually ending in .qdpx. Written beside it first, so that an older file
        stays whole if writing fails. The same interviews give the same bytes.

    Returns
    -------
    Written

    References
    ----------
    REFI-QDA Standard, project exchange, version 1.5, https://www.qdasoftware.org.
    """
    from pyrefiqda import RefiProject, models

    ready = prepare(interviews)
    coders = sorted(set(ready.codings[CODER]))
    sources, texts = [], {}
    for name, spoken in ready.spoken.groupby(INTERVIEW, sort=False):
        text, places = lay_out(spoken)
        guid = _guid("source", name)
        selections = []
        own = ready.codings[ready.codings[INTERVIEW] == name]
        for number, row in enumerate(own.to_dict("records")):
            place = places[int(row[TURN])]
            whole = row["start"] < 0
            start = place.first if whole else place.start + row["start"]
            end = place.end if whole else place.start + row["end"]
            which = ("coding", name, number)
            coding = models.CodingType(
                guid=_guid(*which), creating_user=_guid("user", row[CODER]),
                code_ref=models.CodeRefType(target_guid=_guid("code", row[CODE])),
            )  # fmt: skip
            selections.append(
                models.PlainTextSelectionType(
                    guid=_guid("selection", *which[1:]), name=_xml(text[start:end]),
                    start_position=start, end_position=end, coding=[coding],
                    creating_user=_guid("user", row[CODER]), description=_say(row, CODING_FACTS),
                )
            )  # fmt: skip
        texts[f"{guid}.txt"] = text
        sources.append(
            models.TextSourceType(
                guid=guid, name=_xml(str(name)), plain_text_path=f"internal://{guid}.txt",
                plain_text_selection=selections,
            )
        )  # fmt: skip
    project = models.Project(
        name=_xml(path.stem), origin="cjlib",
        users=models.UsersType(user=[_user(c) for c in coders]) if coders else None,
        code_book=_codebook(interviews, ready.codings),
        sources=models.SourcesType(text_source=sources),
    )  # fmt: skip
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        RefiProject.save(project, Path(folder) / "project.qdpx")
        with zipfile.ZipFile(Path(folder) / "project.qdpx") as made:
            xml = made.read("project.qde")
    part = path.with_name(path.name + ".part")
    with zipfile.ZipFile(part, "w") as archive:
        _add(archive, "project.qde", xml)
        for name, text in texts.items():
            _add(archive, f"sources/{name}", text.encode("utf-8"))
    part.replace(path)
    return Written((path,), len(sources), len(ready.codings), ready.left_out)


def _codebook(interviews: Interviews, codings: pd.DataFrame) -> Any:
    from pyrefiqda import models

    listed = {str(row[CODE]): row for row in interviews.codes.to_dict("records")}
    names = [*listed, *sorted(set(codings[CODE]) - set(listed))]
    if not names:  # a codebook of the format has at least one code
        return None
    codes = [
        models.ProjectCodeType(
            guid=_guid("code", name), name=_xml(name), is_codable=True,
            description=_say(listed.get(name, {}), CODE_FACTS),
        )
        for name in names
    ]  # fmt: skip
    return models.ProjectCodeBookType(codes=models.ProjectCodesType(code=codes))


def _user(coder: str) -> Any:
    from pyrefiqda import models

    return models.UserType(guid=_guid("user", coder), name=_xml(coder))


def _say(row: dict[Any, Any], facts: Iterable[str]) -> str | None:
    """Return facts that are known as lines of ``field: value``."""
    known = {name: row[name] for name in facts if not pd.isna(row.get(name)) and row[name] != ""}
    lines = [
        f"{name}: {value:g}" if name == VALENCE else f"{name}: {' '.join(str(value).split())}"
        for name, value in known.items()
    ]
    return _xml("\n".join(lines)) or None


def _guid(*what: object) -> str:
    return str(uuid.uuid5(_GUIDS, "\x1f".join(map(str, what))))


def _xml(text: str) -> str:
    return _NOT_XML.sub(" ", text)


def _add(archive: zipfile.ZipFile, name: str, raw: bytes) -> None:
    info = zipfile.ZipInfo(name, date_time=_EPOCH)
    info.compress_type = zipfile.ZIP_DEFLATED
    archive.writestr(info, raw)
