"""The evidence behind a map's cells: one entry per source of a claim, with a lasting id."""

from __future__ import annotations

import hashlib
import re
from typing import Any

from cjlib.definitions import Privacy

ENOUGH_INTERVIEWS = 3  # a finding heard in three interviews is more than one person's view


class EvidenceBook:
    """Collects the evidence of one map; the same claim always gets the same id."""

    def __init__(self, *, period: dict[str, str], tables: dict[str, str]) -> None:
        self._entries: dict[str, dict[str, Any]] = {}
        self._period = period
        self._tables = tables

    def add(self, kind: str, *parts: str, source: str, **facts: Any) -> str:
        """Note a piece of evidence and return its id.

        Parameters
        ----------
        kind : str
            survey, event-log, interview, quote, team or document.
        parts : str
            What it is about; makes the id.
        source : str
            Where it is from, in words.
        facts : values
            n, text, method, respondent, row_ref, consent; empty ones are left out.
        """
        key = make_id("e", kind, *parts)
        entry: dict[str, Any] = {"id": key, "type": kind, "source": source}
        entry |= {name: value for name, value in facts.items() if value not in (None, "")}
        if kind in ("survey", "event-log") and self._period:
            entry["collected"] = self._period
        if self._tables.get(kind):
            entry["uri"] = self._tables[kind]
        self._entries.setdefault(key, entry)
        return key

    def entries(self) -> list[dict[str, Any]]:
        """Return the entries, ordered by id."""
        return [self._entries[key] for key in sorted(self._entries)]


def make_id(*parts: str) -> str:
    """Return a short id of a-z, 0-9, _ and -; what had to be dropped is told by a checksum."""
    words = [re.sub(r"[^a-z0-9_]+", "-", part.lower()).strip("-") for part in parts if part]
    plain = "-".join(word for word in words if word)
    raw = "-".join(part for part in parts if part)
    if plain != raw or not re.match(r"[a-z]", plain) or len(plain) > 60:
        digest = hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:8]
        plain = f"{plain[:50].strip('-')}-{digest}".strip("-")
    return plain if re.match(r"[a-z]", plain) else f"x-{plain}"


def judge_level(*, people: int = 0, interviews: int = 0, privacy: Privacy) -> str:
    """Return how well a cell is founded.

    "validated": at least ``minimum_base`` people, or three interviews. "partial": some
    people or interviews, but fewer. "assumption": none.
    """
    if people >= privacy.minimum_base or interviews >= ENOUGH_INTERVIEWS:
        return "validated"
    return "partial" if people or interviews else "assumption"
