"""Reads one SPSS file in a process of its own: damaged ones can crash the interpreter.

Run as ``python spss_child.py FILE FOLDER ENCODING``; writes cells.arrow and meta.json.
"""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path
from typing import Any

MEMORY = 6_000_000_000  # bytes of address space
DAYS_BEFORE_1970 = 141_428  # SPSS counts seconds from 14 October 1582
DATES = ("DATE", "ADATE", "EDATE", "JDATE", "SDATE", "QYR", "MOYR", "WKYR")
TIMES = ("TIME", "DTIME", "MTIME")


def read_spss(file: str, folder: str, encoding: str) -> None:
    """Read ``file`` and write what it holds, as text, into ``folder``."""
    _limit_memory()
    import pyarrow as pa
    import pyreadstat

    columns, meta = pyreadstat.read_sav(
        file, encoding=encoding or None, user_missing=True, disable_datetime_conversion=True,
        output_format="dict",
    )  # fmt: skip
    names = list(meta.column_names)
    arrays, missing = [], {}
    for place, name in enumerate(names):
        values = columns[name]
        kind = str(meta.original_variable_types.get(name, ""))
        text = meta.readstat_variable_types.get(name) == "string"
        arrays.append(_write_cells(values, kind, text=text))
        ranges: list[Any] = list(meta.missing_ranges.get(name) or [])
        labelled = (meta.variable_value_labels or {}).get(name) or {}
        missing[place] = _find_missing(ranges, values, labelled) if ranges else []
    table = pa.table(arrays, names=[str(place) for place in range(len(names))])
    place_of_cells = str(Path(folder) / "cells.arrow")
    with pa.OSFile(place_of_cells, "wb") as out, pa.ipc.new_file(out, table.schema) as writer:
        writer.write_table(table)
    told = {
        "names": names,
        "questions": [label or "" for label in meta.column_labels],
        "encoding": str(meta.file_encoding or ""),
        "labels": {
            place: {_write_number(code): str(label) for code, label in labels.items()}
            for place, name in enumerate(names)
            if (labels := (meta.variable_value_labels or {}).get(name))
        },
        "missing": {place: codes for place, codes in missing.items() if codes},
        "groups": _find_groups(meta, names),
    }
    (Path(folder) / "meta.json").write_text(json.dumps(told), encoding="utf-8")


def _limit_memory() -> None:
    try:
        import resource
    except ImportError:  # Windows has no such limits; the time limit remains
        return
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    limit = MEMORY if hard == resource.RLIM_INFINITY else min(MEMORY, hard)
    resource.setrlimit(resource.RLIMIT_AS, (limit, hard))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _write_cells(values: list[Any], kind: str, *, text: bool) -> Any:
    """Return an arrow array of text; each different number is written once."""
    import pyarrow as pa

    if text:
        return pa.array([value or "" for value in values], type=pa.large_string())
    kind = kind.rstrip("0123456789.").upper()
    write = _write_number
    if kind in DATES or kind in ("DATETIME", "YMDHMS"):
        write = _write_moment
    elif kind in TIMES:
        write = _write_time
    coded = pa.array(values, type=pa.float64(), from_pandas=True).dictionary_encode()
    texts = [write(value) for value in coded.dictionary.to_pylist()]
    return pa.array(texts, type=pa.large_string()).take(coded.indices).fill_null("")


def _is_gap(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def _write_number(value: Any) -> str:
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    return str(value)


def _write_moment(value: Any) -> str:
    """Write seconds since 1582 as an ISO day, with the time of day if there is one."""
    from datetime import UTC, datetime, timedelta

    try:
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(
            days=-DAYS_BEFORE_1970, seconds=float(value)
        )
    except (OverflowError, ValueError, TypeError):
        return _write_number(value)
    text = moment.replace(tzinfo=None).isoformat(" ", timespec="seconds")
    return text.removesuffix(" 00:00:00")


def _write_time(value: Any) -> str:
    try:
        seconds = round(float(value))
    except (OverflowError, ValueError, TypeError):
        return _write_number(value)
    sign, seconds = ("-" if seconds < 0 else ""), abs(seconds)
    return f"{sign}{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


def _find_missing(ranges: list[Any], values: Any, labelled: Any) -> list[str]:
    """Return the codes declared missing; of a range, those that occur or have a label."""
    listed = values.tolist() if hasattr(values, "tolist") else values
    held = {value for value in [*listed, *labelled] if not _is_gap(value)}
    codes = set()
    for entry in ranges:
        low, high = entry["lo"], entry["hi"]
        if low == high:
            codes.add(low)
        elif not isinstance(low, str):
            codes |= {v for v in held if not isinstance(v, str) and low <= v <= high}
    return [_write_number(code) for code in sorted(codes, key=lambda c: (isinstance(c, str), c))]


def _find_groups(meta: Any, names: list[str]) -> dict[int, str]:
    """Return the multiple-response set of each column that is in one."""
    groups = {}
    for name, entry in (getattr(meta, "mr_sets", None) or {}).items():
        for member in entry.get("variable_list", []):
            if member in names:
                groups[names.index(member)] = str(entry.get("label") or name.lstrip("$"))
    return groups


if __name__ == "__main__":
    read_spss(sys.argv[1], sys.argv[2], sys.argv[3])
