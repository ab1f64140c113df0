"""What a study defines: bilingual labels, stages, channels, touchpoints, goals, waves, rules."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Text:
    """A label in English, Persian or both.

    Attributes
    ----------
    en, fa : str
        The two forms; one may be empty.
    """

    en: str = ""
    fa: str = ""

    def to(self, language: str) -> str:
        """Return the label in ``language`` ("en" or "fa"), or the other where it is empty."""
        return (self.fa or self.en) if language == "fa" else (self.en or self.fa)

    @classmethod
    def read(cls, value: Any, default: str = "") -> Text:
        """Make a label from a text, a ``{en, fa}`` mapping or nothing (then ``default``)."""
        if isinstance(value, dict):
            return cls(str(value.get("en", "")), str(value.get("fa", "")))
        return cls(en=str(value)) if value else cls(en=default)


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage of the journey; ``kind`` is its family of marketing KPIs."""

    id: str
    label: Text
    kind: str = ""  # awareness, consideration, decision ...: metrics.stages.FAMILIES has all
    teams: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Channel:
    """A channel; only two-way, one-to-one contact counts as an interaction."""

    id: str
    label: Text
    two_way: bool = True
    one_to_one: bool = True


@dataclass(frozen=True, slots=True)
class Touchpoint:
    """A place of contact; ``counterparty`` is who the customer deals with there."""

    id: str
    label: Text
    stage: str
    channel: str = ""
    counterparty: str = "brand"  # brand, partner, customer, media
    within: str = ""
    teams: tuple[str, ...] = ()
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Goal:
    """A business goal beside the customer's own, and the KPI that tells whether it is reached."""

    id: str
    business: Text
    kpi: str
    target: float
    kind: str = ""
    customer: Text = field(default_factory=Text)
    stage: str = ""
    better: str = "higher"
    by: str = ""


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one survey file is written, where study.yaml says so; empty or None: detected.

    ``short_rows`` is "fill" where cells that rows lack at their end are empty ones.
    """

    encoding: str = ""
    separator: str = ""
    header_rows: int | None = None
    form: str = ""
    sheet: str = ""
    short_rows: str = ""


@dataclass(frozen=True, slots=True)
class Wave:
    """One wave of the survey: its files, as exported, and when it was in the field.

    ``dialects`` has one entry for each file, or is empty where nothing is said of any.
    """

    id: str
    files: tuple[str, ...]
    label: Text
    date: str = ""
    dialects: tuple[Dialect, ...] = ()


SOFT_RULES = (
    "seconds_per_item", "longstring_share", "irv", "mahalanobis_p", "even_odd", "synonyms",
    "antonyms", "person_total",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Cleaning:
    """The stated rule for removing a respondent. None: not used.

    Each hard rule suffices: ``duplicates``, ``missing_share``, ``failed_checks``. The others
    are soft: a respondent leaves when at least ``at_least`` of those in use hit.
    """

    seconds_per_item: float | None = None
    longstring_share: float | None = None
    failed_checks: int | None = None
    duplicates: bool = True
    missing_share: float | None = None
    irv: float | None = None
    mahalanobis_p: float | None = None
    even_odd: float | None = None
    synonyms: float | None = None
    antonyms: float | None = None
    person_total: float | None = None
    at_least: int = 1


@dataclass(frozen=True, slots=True)
class WeightRules:
    """What respondents are raked to, wave by wave, after cleaning; empty: not at all.

    ``rake`` maps an item to the share of each of its codes in the population; ``trim`` are
    the limits of a weight, in units of the mean; ``waves`` holds the rules of the waves that
    have their own.
    """

    rake: dict[str, dict[str, float]] = field(default_factory=dict)
    trim: tuple[float, float] | None = None
    waves: dict[str, WeightRules] = field(default_factory=dict)

    def of_wave(self, wave: str) -> WeightRules:
        """Return the rules of one wave."""
        return self.waves.get(wave, self)


@dataclass(frozen=True, slots=True)
class Join:
    """A lookup table joined to an event source; ``sum`` columns are totalled per key first."""

    path: str
    on: str
    columns: tuple[str, ...] = ()
    sum: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EventSource:
    """One source of events: ``columns`` maps our names to its headers.

    Long: one row per event, with ``time`` and ``touchpoint`` columns (or one fixed
    ``touchpoint``). Wide: one row per case, ``times`` maps each time column to a touchpoint.
    The rows are in a file or folder (``path``), a database (``url``, or ``url_from``: the
    environment variable that holds it), or a data frame given by name (``frame``); a
    database's rows are a ``table`` or the answer to a ``query``. ``lifecycle`` says which
    rows of a contact's life make it.
    """

    path: str = ""
    columns: dict[str, str] = field(default_factory=dict)
    times: dict[str, str] = field(default_factory=dict)
    touchpoint: str = ""
    joins: tuple[Join, ...] = ()
    url: str = field(default="", repr=False)  # may hold a password
    url_from: str = ""
    frame: str = ""
    table: str = ""
    query: str = ""
    lifecycle: str = "pair"

    @property
    def shown(self) -> str:
        """How messages and tables name the source; never with a database's address."""
        if self.url or self.url_from:
            return f"database {self.table or 'query'}"
        return self.path or self.frame


@dataclass(frozen=True, slots=True)
class EventRules:
    """How the log is read: sources, sessions, and which touchpoints mean what."""

    sources: tuple[EventSource, ...]
    time_zone: str = "UTC"
    session_gap_minutes: float = 30.0
    purchase: tuple[str, ...] = ()
    complaint: tuple[str, ...] = ()
    product_return: tuple[str, ...] = ()
    nothing_gained: tuple[str, ...] = ()
    funnel: tuple[str, ...] = ()
    rating_scale: tuple[float, float] = (1.0, 5.0)
    since: str = ""  # first and last day of the log; what is dated outside is set aside
    until: str = ""


@dataclass(frozen=True, slots=True)
class PersonaRules:
    """What makes the segments and what only describes them (codebook roles), and how many."""

    segment_on: tuple[str, ...] = ("need",)
    describe_by: tuple[str, ...] = ("description", "pain", "behaviour", "trust", "outcome")
    k: int | None = None  # None: chosen from the data, in the open
    basis: str = "typical"
    names: tuple[Text, ...] = ()
    method: str = "kmeans"
    style: str = "auto"  # what of a person's way of answering is taken out of the ratings
    events: tuple[str, ...] = ()  # behaviour in the log that makes segments beside the survey
    themes: tuple[str, ...] = ()  # codes of the interviews that do
    believed: str = ""  # CSV of the personas the team believes in


@dataclass(frozen=True, slots=True)
class NurtureStage:
    """A stage of a lead: met by at least ``times`` contacts at the touchpoints ``at``."""

    id: str
    label: Text
    at: tuple[str, ...]
    times: int = 1


@dataclass(frozen=True, slots=True)
class Points:
    """Points of a lead for each contact at ``at``, ``most`` at most, in the score's window."""

    at: tuple[str, ...]
    points: float
    most: float | None = None


@dataclass(frozen=True, slots=True)
class LeadScoring:
    """How leads are scored: the chance of the next stage within the horizon, or stated points."""

    rule: str = "next_stage"  # next_stage or points
    horizon_days: int = 30
    window_days: int = 90
    points: tuple[Points, ...] = ()


@dataclass(frozen=True, slots=True)
class FollowUp:
    """What to say next, and on which channel, to whom all the conditions given apply."""

    id: str
    say: Text
    channel: str = ""
    stages: tuple[str, ...] = ()
    personas: tuple[str, ...] = ()
    pains: tuple[str, ...] = ()
    quiet_days: float | None = None
    complained_days: float | None = None
    score_at_least: float | None = None
    score_below: float | None = None


@dataclass(frozen=True, slots=True)
class NurtureRules:
    """What is handed over to marketing automation; the first follow-up that applies is taken."""

    stages: tuple[NurtureStage, ...] = ()
    scoring: LeadScoring = field(default_factory=LeadScoring)
    follow_ups: tuple[FollowUp, ...] = ()
    consent: str = ""  # codebook name; privacy.consent where empty


@dataclass(frozen=True, slots=True)
class CommentRules:
    """What may be done with what customers wrote: in the survey's open questions and the log."""

    quote: bool = False  # whether their words may be shown; codes are counted either way
    codes: str = ""  # CSV of codes with the words that give them
    labels: str = ""  # CSV of texts labelled by hand, from which sentiment is learned


REPORT_SECTIONS = (
    "summary", "goals", "data", "voices", "personas", "maps", "metrics", "journeys", "value",
    "actions", "limits", "appendix",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ReportRules:
    """What the report holds, in order, and where the user's own words for it lie.

    A section is one of ``REPORT_SECTIONS`` or the name of a Markdown file in ``texts``.
    """

    sections: tuple[str, ...] = REPORT_SECTIONS
    texts: str = "report"


@dataclass(frozen=True, slots=True)
class Privacy:
    """How people are protected in everything the kit writes."""

    key: str = "file"
    minimum_cell: int = 5
    minimum_base: int = 30
    consent: str = ""
    staff: str = "pseudonym"  # or "name": how members of staff are named


@dataclass(frozen=True, slots=True)
class Positions:
    """Where the field's sources disagree, what this study takes; shown wherever it matters."""

    advertising: str = "exposure"
    word_of_mouth: str = "exposure"
    csat: str = "mean"
    ces: str = "ease"
    clv_margin: float = 0.3
    acquisition_cost: str = "once"
    return_rate: str = "returns"
    persona: str = "typical"
