"""Event logs in XES, read as text; entities and document types are refused."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO, Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
from defusedxml import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser, ParseError

from cjlib.errors import ColumnError, UnsafeFileError

CHUNK: Final = 1 << 20  # bytes of XML parsed at a time


def read_xes(stream: IO[bytes], *, shown: str) -> pd.DataFrame:
    """Read an XES log whole, as one row of text per event; see ``iterate_xes``."""
    table = pa.concat_tables(iterate_xes(stream, shown=shown))
    kinds = pd.StringDtype(na_value=np.nan)
    found: pd.DataFrame = table.to_pandas(types_mapper=lambda kind: kinds)
    return found


def iterate_xes(stream: IO[bytes], *, shown: str, rows: int | None = None) -> Iterator[pa.Table]:
    """Read an XES log as one row of text per event, in file order, a table at a time.

    Parameters
    ----------
    stream : binary file
        Unpacked XML.
    shown : str
        How messages name the file.
    rows : int, optional
        Hand over a table each time about this many events are read; else one table.

    Yields
    ------
    Table of text
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
    log = _Log()
    parser = DefusedXMLParser(target=log, forbid_dtd=True)
    found = False
    try:
        while chunk := stream.read(CHUNK):
            parser.feed(chunk)
            if rows is not None and log.events >= rows:
                found = True
                yield log.hand_over()
        parser.close()
    except DefusedXmlException as error:
        raise UnsafeFileError(
            f"read_xes: XES must declare no entities; {shown} does ({error}). Export it again."
        ) from error
    except ParseError as error:
        raise ColumnError(
            f"read_xes: a log must be well-formed XML; {shown} is not ({error}). Export it again."
        ) from error
    if log.events:
        yield log.hand_over()
    elif not found:
        raise ColumnError(f"read_xes: the log must hold events; {shown} holds none.")


class _Log:
    """What the parser tells: columns grow event by event; no tree is built."""

    def __init__(self) -> None:
        self.events = 0
        self._columns: dict[str, list[str]] = {}
        self._cases: list[tuple[int, dict[str, str]]] = []  # first event of each trace
        self._case: dict[str, str] = {}
        self._depth = 0
        self._event_at = self._trace_at = -1

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._event_at >= 0:
            if self._depth == self._event_at + 1 and "key" in attributes:
                column = self._columns.setdefault(attributes["key"], [])
                lag = self.events - len(column)
                if lag > 0:
                    column.extend([""] * lag)
                if lag >= 0:
                    column.append(attributes.get("value", ""))
                else:
                    column[-1] = attributes.get("value", "")
            return
        name = tag.rpartition("}")[2]
        if name == "event":
            self._event_at = self._depth
        elif name == "trace":
            self._trace_at = self._depth
            self._case = {}
            self._cases.append((self.events, self._case))
        elif self._trace_at >= 0 and self._depth == self._trace_at + 1 and "key" in attributes:
            self._case[f"case:{attributes['key']}"] = attributes.get("value", "")

    def end(self, tag: str) -> None:
        if self._depth == self._event_at:
            self.events += 1
            self._event_at = -1
        elif self._depth == self._trace_at:
            self._trace_at = -1
            self._cases.append((self.events, {}))  # an event outside traces has no case
        self._depth -= 1

    def close(self) -> None:
        """Nothing is left to do at the end of the file."""

    def hand_over(self) -> pa.Table:
        """Return the events since the last time, and begin anew inside the same trace.

        A trace's own attributes that follow an event handed over count for the later ones.
        """
        made: dict[str, Any] = {}
        for name, column in self._columns.items():
            filled = [*column, *[""] * (self.events - len(column))]
            made[name] = pa.array(filled[: self.events], type=pa.large_string())
        ends = [first for first, _ in self._cases[1:]] + [self.events]
        names = dict.fromkeys(name for _, case in self._cases for name in case)
        before = self._cases[0][0] if self._cases else self.events
        for name in names:
            values = [""] * before
            for (first, case), end in zip(self._cases, ends, strict=True):
                values += [case.get(name, "")] * (end - first)
            made[name] = pa.array(values, type=pa.large_string())
        open_event = {k: c[self.events :] for k, c in self._columns.items() if len(c) > self.events}
        self._columns = open_event
        self.events = 0
        self._cases = [(0, self._case)] if self._trace_at >= 0 else []
        return pa.table(made)
