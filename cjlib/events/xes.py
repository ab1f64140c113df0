"""Event logs in XES, read as text; entities and document types are refused."""

from __future__ import annotations

from typing import IO, Any

import pandas as pd
from defusedxml import DefusedXmlException
from defusedxml.ElementTree import ParseError, iterparse

from cjlib.errors import ColumnError, UnsafeFileError


def read_xes(stream: IO[bytes], *, shown: str) -> pd.DataFrame:
    """Read an XES log as one row of text per event, in file order.

    Parameters
    ----------
    stream : binary file
        Unpacked XML.
    shown : str
        How messages name the file.

    Returns
    -------
    DataFrame of str
        A column per event attribute (``concept:name``, ``time:timestamp`` ...) and, as
        ``case:concept:name``, per attribute of its trace; empty text where an event has none.
        Attributes nested in others are left out.

    Raises
    ------
    UnsafeFileError
        If the file declares entities or a document type.
    ColumnError
        If it is not well-formed XML, or holds no event.

    References
    ----------
    IEEE Std 1849-2016, eXtensible Event Stream (XES).
    """
    rows: list[dict[str, str]] = []
    trace: dict[str, str] = {}
    first = 0
    depth: list[str] = []
    try:
        for kind, element in iterparse(stream, events=("start", "end"), forbid_dtd=True):
            name = element.tag.rpartition("}")[2]
            if kind == "start":
                depth.append(name)
                if name == "trace":
                    trace, first = {}, len(rows)
                continue
            depth.pop()
            parent = depth[-1] if depth else ""
            if name == "event":
                rows.append(_attributes(element))
                element.clear()
            elif name == "trace":
                for row in rows[first:]:
                    row.update(trace)
                element.clear()
            elif parent == "trace" and element.get("key"):
                trace[f"case:{element.get('key')}"] = element.get("value", "")
            elif parent == "log":
                element.clear()
    except DefusedXmlException as error:
        raise UnsafeFileError(
            f"read_xes: XES must declare no entities; {shown} does ({error}). Export it again."
        ) from error
    except ParseError as error:
        raise ColumnError(
            f"read_xes: a log must be well-formed XML; {shown} is not ({error}). Export it again."
        ) from error
    if not rows:
        raise ColumnError(f"read_xes: the log must hold events; {shown} holds none.")
    return pd.DataFrame(rows, dtype="str").fillna("")


def _attributes(element: Any) -> dict[str, str]:
    return {child.get("key"): child.get("value", "") for child in element if child.get("key")}
