"""The codebook: what every survey column means."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from cjlib.definitions import Text

KINDS = (
    "id", "customer", "date", "language", "weight", "duration", "scale", "number", "money",
    "nominal", "tick", "multi", "codes", "text", "check", "consent", "personal", "ignore",
)  # fmt: skip
METRICS = ("", "nps", "csat", "ces")
ROLES = (
    "", "need", "pain", "behaviour", "attitude", "trust", "description", "outcome", "comment",
)  # fmt: skip
FIELDS = (
    "name", "source", "question_en", "question_fa", "kind", "scale", "low", "high", "reverse",
    "missing", "labels", "role", "group", "stage", "touchpoint", "metric", "check",
    "unit", "asked_if",
)  # fmt: skip
REQUIRED_FIELDS = ("name", "kind")
MIDPOINT = "midpoint"  # scale of a number or money item: a range stands for its middle
ASKABLE = ("scale", "number", "nominal", "tick", "multi", "consent", "language")
YES_NO = {"1": True, "yes": True, "true": True, "0": False, "no": False, "false": False}
WAVE_PREFIX = re.compile(r"([a-z0-9][a-z0-9_-]*):\s*(?=\S)")  # the wave's id, then the header
_ESCAPED = re.compile(r"\\([\\|/=:+@-])")


@dataclass(frozen=True, slots=True)
class Condition:
    """Whom a question was asked: those who gave (or did not give) one of some answers.

    Attributes
    ----------
    item : str
        The question that decides.
    codes : tuple of str
        Answers as coded in the export; missing codes may be named too.
    equal : bool
        Asked of those with one of the codes (``=``), or of those with another (``!=``).
    """

    item: str
    codes: tuple[str, ...]
    equal: bool = True

    def __str__(self) -> str:
        return f"{self.item}{'=' if self.equal else '!='}{'|'.join(self.codes)}"


@dataclass(frozen=True, slots=True)
class Item:
    """One survey column.

    Attributes
    ----------
    name : str
        The kit's own name for it; the column of the respondents table.
    source : tuple of str
        Headers it may have in the raw export, in order of preference; ``wave:header`` holds
        for that wave only and goes first. Empty: the name itself. As written: ``headers``
        takes off the backslashes.
    question : Text
    kind : str
        One of ``KINDS``. ``tick``: one option of a multi-response ``group``, chosen or not;
        ``multi``: options of a group in one cell, parted by ``;``; ``codes``: one code of a
        coded comment.
    scale : str
        Family of scale words (agreement, satisfaction, ...) for worded answers; may be
        empty. Dates: dmy or mdy. Numbers and money: ``midpoint``, where "25-34" is 29.5.
    low, high : float or None
        Ends of the scale or range, as coded in the export (money: in ``unit``); anything
        outside becomes missing.
    reverse : bool
        A high answer means the opposite: recoded to ``low + high - answer``.
    missing : tuple of str
        Codes that mean "no answer".
    wave_missing : tuple of (str, str)
        Wave and code: ``wave:code`` under missing means "no answer" in that wave only.
    labels : dict of str to Text
        Code to label, for nominal items, options and comment codes.
    recodes : dict of str to dict
        Wave to its codes: ``2014:5>6`` under labels says that a 5 of 2014 is our 6. A wave
        that has any has only those.
    codes : dict of str to str
        The codes of the one wave that ``in_wave`` was asked for.
    role : str
        What it says about a person: need, pain, behaviour, trust, description, outcome ...
    group : str
        Multi-response group or comment group it belongs to.
    stage, touchpoint : str
        What part of the journey it is about.
    metric : str
        nps, csat or ces where it is one of these.
    check : str
        The right answer of an attention check.
    unit : str
        Unit of a cell of money that names none: toman, rial, or a currency id.
    asked_if : tuple of Condition
        Skip logic: asked only where all of these hold; empty: of everyone.
    line : int
        Line in codebook.csv.
    """

    name: str
    kind: str
    source: tuple[str, ...] = ()
    question: Text = field(default_factory=Text)
    scale: str = ""
    low: float | None = None
    high: float | None = None
    reverse: bool = False
    missing: tuple[str, ...] = ()
    labels: dict[str, Text] = field(default_factory=dict)
    role: str = ""
    group: str = ""
    stage: str = ""
    touchpoint: str = ""
    metric: str = ""
    check: str = ""
    line: int = 0
    unit: str = ""
    asked_if: tuple[Condition, ...] = ()
    wave_missing: tuple[tuple[str, str], ...] = ()
    recodes: dict[str, dict[str, str]] = field(default_factory=dict)
    codes: dict[str, str] = field(default_factory=dict)

    def headers(self, wave: str) -> list[str]:
        """Return the raw headers to look for in ``wave``, the most specific first."""
        own = [header for name, header in self.wave_headers if name == wave]
        if own:
            return own
        plain = [take_literally(s) for s in self.source if not WAVE_PREFIX.match(s)]
        return plain or ([] if self.source else [self.name])

    @property
    def drifts(self) -> bool:
        """Say whether some wave has codes of its own."""
        return bool(self.wave_missing or self.recodes)

    def in_wave(self, wave: str) -> Item:
        """Return the item as it was coded in ``wave``."""
        own = tuple(code for name, code in self.wave_missing if name == wave)
        return replace(self, missing=self.missing + own, codes=self.recodes.get(wave, {}))

    @property
    def wave_headers(self) -> list[tuple[str, str]]:
        """Wave and header of each ``wave:header`` source; "Rate us: price" is a header alone."""
        found = [(WAVE_PREFIX.match(s), s) for s in self.source]
        return [(m[1], take_literally(s[m.end() :])) for m, s in found if m]


def take_literally(text: str) -> str:
    """Drop the backslash before a sign of the codebook's that stands for itself."""
    return _ESCAPED.sub(r"\1", text)


@dataclass(frozen=True, slots=True)
class Codebook:
    """All items, in file order."""

    items: tuple[Item, ...] = ()

    def __getitem__(self, name: str) -> Item:
        for item in self.items:
            if item.name == name:
                return item
        raise KeyError(name)

    def __contains__(self, name: object) -> bool:
        return any(item.name == name for item in self.items)

    def select(
        self, *, kind: str = "", role: str = "", metric: str = "", group: str = ""
    ) -> list[Item]:
        """Return the items that match every given property, in file order."""
        return [
            item
            for item in self.items
            if (not kind or item.kind == kind)
            and (not role or item.role == role)
            and (not metric or item.metric == metric)
            and (not group or item.group == group)
        ]

    def first(self, kind: str) -> Item | None:
        """Return the first item of a kind, or None."""
        return next((item for item in self.items if item.kind == kind), None)
