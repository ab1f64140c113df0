"""A study: one folder of definitions and raw files, loaded once and never changed."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pandas as pd

from cjlib.codebook import Codebook, read_codebook
from cjlib.definitions import (
    Channel,
    Cleaning,
    EventRules,
    EventSource,
    Goal,
    Join,
    PersonaRules,
    Positions,
    Privacy,
    Stage,
    Text,
    Touchpoint,
    Wave,
)
from cjlib.errors import Fault, MissingSourceError, StudyError, UnsafeFileError, nearest
from cjlib.validation import Path_, line_of, read_schema, read_yaml, schema_faults

PUBLIC_KEY = b"cjlib: public or invented data, no secret"
KEY_FILE = "private/pseudonym.key"
SOURCES = ("survey", "interviews", "coding", "events", "costs", "beliefs", "actions")


@dataclass(frozen=True, slots=True)
class Study:
    """Everything a study defines; made by ``load_study``.

    Attributes
    ----------
    path, raw : Path
        The study folder, and the folder its raw files are read from (the same by default).
    stages, channels, touchpoints, teams, goals, waves
        Definitions, in file order.
    codebook : Codebook
    lines : dict
        Line of every entry of study.yaml, for messages.
    """

    path: Path
    raw: Path
    id: str
    title: Text
    brand: Text
    language: str
    stages: tuple[Stage, ...]
    digits: str = "latn"
    calendar: str = "gregory"
    currency: str = ""
    currency_label: Text = field(default_factory=Text)
    simulated: bool = False
    seed: int = 0
    level: float = 0.95
    channels: tuple[Channel, ...] = ()
    touchpoints: tuple[Touchpoint, ...] = ()
    teams: dict[str, Text] = field(default_factory=dict)
    goals: tuple[Goal, ...] = ()
    waves: tuple[Wave, ...] = ()
    cleaning: Cleaning = field(default_factory=Cleaning)
    interviews_folder: str = ""
    people_file: str = ""
    coding_file: str = ""
    codes_file: str = ""
    events: EventRules | None = None
    believed_start: tuple[str, ...] = ()
    believed_moves: dict[str, tuple[str, ...]] = field(default_factory=dict)
    personas: PersonaRules = field(default_factory=PersonaRules)
    privacy: Privacy = field(default_factory=Privacy)
    positions: Positions = field(default_factory=Positions)
    costs_file: str = ""
    beliefs_file: str = ""
    actions_file: str = ""
    maps_folder: str = "map"
    codebook: Codebook = field(default_factory=Codebook)
    lines: dict[Path_, int] = field(default_factory=dict, repr=False)

    @property
    def stage_ids(self) -> list[str]:
        """Stage ids in journey order."""
        return [stage.id for stage in self.stages]

    def has(self, source: str) -> bool:
        """Whether the study declares ``source``, one of ``SOURCES``."""
        declared = {
            "survey": bool(self.waves),
            "interviews": bool(self.interviews_folder),
            "coding": bool(self.coding_file),
            "events": self.events is not None,
            "costs": bool(self.costs_file),
            "beliefs": bool(self.beliefs_file),
            "actions": bool(self.actions_file),
        }
        if source not in declared:
            hint = nearest(source, SOURCES)
            raise KeyError(f"Study.has: no source {source!r}; did you mean {hint!r}?")
        return declared[source]

    def require(self, source: str, *, caller: str) -> None:
        """Raise ``MissingSourceError`` unless the study has ``source``."""
        if not self.has(source):
            raise MissingSourceError(
                f"{caller}: the study '{self.id}' must have {source}; study.yaml names none. "
                f"Add '{source}' to study.yaml, or skip this step."
            )

    def file(self, name: str) -> Path:
        """Return the place of a file named in study.yaml: in the raw folder, else the study's.

        Raises
        ------
        UnsafeFileError
            If the path is absolute or leads out of the folder.
        MissingSourceError
            If there is no such file.
        """
        for folder in dict.fromkeys((self.raw, self.path)):
            place = _inside(folder, name)
            if place.exists():
                return place
        raise MissingSourceError(
            f"Study.file: '{name}' must lie in {self.raw}; there is none. "
            "Put it there, or pass the folder of the raw files (--raw)."
        )

    def label(self, kind: str, key: str) -> str:
        """Return the label of a stage, channel, touchpoint, team or wave in the study's language.

        An id the study does not define is its own label.
        """
        if kind == "team":
            return self.teams.get(key, Text(key)).to(self.language)
        known: dict[str, Any] = {
            "stage": self.stages, "channel": self.channels,
            "touchpoint": self.touchpoints, "wave": self.waves,
        }  # fmt: skip
        found = next((d.label for d in known[kind] if d.id == key), Text(str(key)))
        return found.to(self.language)

    def touchpoint(self, key: str) -> Touchpoint | None:
        """Return the definition of a touchpoint, or None."""
        return next((t for t in self.touchpoints if t.id == key), None)

    def pseudonyms(self, ids: pd.Series, prefix: str) -> pd.Series:
        """Replace raw ids by keyed pseudonyms; missing stays missing.

        The same id gives the same pseudonym in every file of the study. Without the key
        (``private/pseudonym.key`` in the study folder) it cannot be reversed by trying ids.

        Parameters
        ----------
        ids : Series of str
            Surrounding spaces are dropped, nothing else is changed.
        prefix : str
            One letter before the 16 hexadecimal digits ("C" for customers).
        """
        key = self._key()
        text = ids.astype("string").str.strip()
        text = text.mask(text.eq(""))
        made = {
            raw: prefix + hmac.new(key, raw.encode(), hashlib.sha256).hexdigest()[:16]
            for raw in text.dropna().unique()
        }
        return text.map(made).astype("string")

    def _key(self) -> bytes:
        if self.privacy.key == "public":
            return PUBLIC_KEY
        file = self.path / KEY_FILE
        if not file.exists():
            file.parent.mkdir(exist_ok=True)
            handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "w", encoding="ascii") as out:
                out.write(secrets.token_hex(32))
        return bytes.fromhex(file.read_text(encoding="ascii").strip())


def load_study(path: str | Path, *, raw: str | Path | None = None) -> Study:
    """Load a study folder.

    Parameters
    ----------
    path : path
        Folder with study.yaml (and codebook.csv where there is a survey).
    raw : path, optional
        Folder of the raw files, where they lie elsewhere.

    Raises
    ------
    StudyError
        With every fault found in the definitions and files, each with file and line.
    """
    study, faults = read_study(path, raw=raw)
    if faults or study is None:
        raise StudyError(faults)
    return study


def read_study(
    path: str | Path, *, raw: str | Path | None = None
) -> tuple[Study | None, list[Fault]]:
    """Load a study as far as possible and list every fault in it.

    Returns
    -------
    (Study or None, list of Fault)
        None where study.yaml is so broken that nothing can be read from it.
    """
    folder = Path(path).resolve()
    file = folder / "study.yaml"
    if not file.is_file():
        expected = "a study folder with study.yaml; make one with 'python -m cjlib new PATH'"
        return None, [Fault(str(path), 0, "no study.yaml", expected)]
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        return None, [Fault("study.yaml", 0, "text that is not UTF-8", "YAML saved as UTF-8")]
    values, lines, faults = read_yaml(text, "study.yaml")
    if not isinstance(values, dict):
        return None, faults or [Fault("study.yaml", 1, "no keys", "a mapping of keys to values")]
    faults += schema_faults(values, read_schema("study"), lines, "study.yaml")
    try:
        study = _build(values, folder, Path(raw).resolve() if raw else folder, lines)
    except (KeyError, TypeError, ValueError, AttributeError):
        if faults:  # what the schema already names kept us from building it
            return None, faults
        raise
    study, more = _with_codebook(study, str(values.get("codebook", "codebook.csv")))
    faults += [*more, *_reference_faults(study), *_file_faults(study)]
    return study, sorted(faults, key=lambda f: (f.file != "study.yaml", f.file, f.line))


def _inside(folder: Path, name: str) -> Path:
    place = (folder / name).resolve()
    if Path(name).is_absolute() or "://" in name or not place.is_relative_to(folder.resolve()):
        raise UnsafeFileError(
            f"Study.file: a path must lie inside the study; '{name}' leads out of it. "
            "Copy the file into the study folder."
        )
    return place


def _build(v: dict[str, Any], folder: Path, raw: Path, lines: dict[Path_, int]) -> Study:
    survey, interviews = v.get("survey") or {}, v.get("interviews") or {}
    currency, privacy = v.get("currency") or {}, v.get("privacy") or {}
    believed, positions = v.get("believed_journey") or {}, dict(v.get("positions") or {})
    clv = positions.pop("clv", {})
    if "margin" in clv:
        positions["clv_margin"] = clv["margin"]
    if "acquisition_cost" in clv:
        positions["acquisition_cost"] = clv["acquisition_cost"]
    return Study(
        path=folder, raw=raw, lines=lines,
        id=str(v.get("id", folder.name)), title=Text.read(v.get("title")),
        brand=Text.read(v.get("brand")), language=str(v.get("language", "en")),
        digits=v.get("digits", "latn"), calendar=v.get("calendar", "gregory"),
        currency=currency.get("id", ""), currency_label=Text.read(currency.get("label")),
        simulated=bool(v.get("simulated", False)), seed=int(v.get("seed", 0)),
        level=float(v.get("level", 0.95)),
        stages=tuple(
            Stage(s["id"], Text.read(s["label"]), s.get("kind", ""), _ids(s, "teams"))
            for s in v.get("stages", [])
        ),
        channels=tuple(
            Channel(
                c["id"], Text.read(c["label"]), c.get("two_way", True), c.get("one_to_one", True)
            )
            for c in v.get("channels", [])
        ),
        touchpoints=tuple(
            Touchpoint(
                t["id"], Text.read(t["label"]), t["stage"], t.get("channel", ""),
                t.get("with", "brand"), t.get("within", ""), _ids(t, "teams"), _ids(t, "names"),
            )
            for t in v.get("touchpoints", [])
        ),
        teams={t["id"]: Text.read(t["label"]) for t in v.get("teams", [])},
        goals=tuple(
            Goal(
                g["id"], Text.read(g["business"]), g["kpi"], float(g["target"]),
                g.get("kind", ""), Text.read(g.get("customer")), g.get("stage", ""),
                g.get("better", "higher"), g.get("by", ""),
            )
            for g in v.get("goals", [])
        ),
        waves=tuple(
            Wave(w["id"], _ids(w, "files"), Text.read(w.get("label"), w["id"]), w.get("date", ""))
            for w in survey.get("waves", [])
        ),
        cleaning=Cleaning(**(survey.get("cleaning") or {})),
        interviews_folder=interviews.get("folder", ""), people_file=interviews.get("people", ""),
        coding_file=interviews.get("coding", ""), codes_file=interviews.get("codes", ""),
        events=_build_events(v.get("events")),
        believed_start=_ids(believed, "start"),
        believed_moves={k: tuple(t) for k, t in (believed.get("moves") or {}).items()},
        personas=_build_personas(v.get("personas") or {}),
        privacy=Privacy(**privacy), positions=Positions(**positions),
        costs_file=v.get("costs", ""), beliefs_file=v.get("beliefs", ""),
        actions_file=v.get("actions", ""), maps_folder=v.get("maps", "map"),
    )  # fmt: skip


def _ids(mapping: dict[str, Any], key: str) -> tuple[str, ...]:
    return tuple(mapping.get(key) or ())


def _build_personas(v: dict[str, Any]) -> PersonaRules:
    default = PersonaRules()
    k = v.get("k", "auto")
    return PersonaRules(
        tuple(v.get("segment_on", default.segment_on)),
        tuple(v.get("describe_by", default.describe_by)),
        None if k == "auto" else int(k), v.get("basis", "typical"),
        tuple(Text.read(n) for n in v.get("names", [])),
    )  # fmt: skip


def _build_events(v: dict[str, Any] | None) -> EventRules | None:
    if not v:
        return None
    sources = tuple(
        EventSource(
            s["path"], dict(s["columns"]), dict(s.get("times") or {}), s.get("touchpoint", ""),
            tuple(
                Join(j["path"], j["on"], _ids(j, "columns"), _ids(j, "sum"))
                for j in s.get("joins", [])
            ),
        )
        for s in v["sources"]
    )  # fmt: skip
    scale = v.get("rating_scale", (1, 5))
    return EventRules(
        sources, v.get("time_zone", "UTC"), float(v.get("session_gap_minutes", 30)),
        _ids(v, "purchase"), _ids(v, "complaint"), _ids(v, "return"), _ids(v, "nothing_gained"),
        _ids(v, "funnel"), (float(scale[0]), float(scale[1])),
    )  # fmt: skip


def _with_codebook(study: Study, name: str) -> tuple[Study, list[Fault]]:
    file = study.path / name
    if not file.is_file():
        if not study.waves:
            return study, []
        return study, [Fault(name, 0, "no codebook", "a codebook.csv for the survey")]
    codebook, faults = read_codebook(file, shown=name)
    return replace(study, codebook=codebook), faults


def _reference_faults(study: Study) -> list[Fault]:
    """Every id that names a stage, channel, touchpoint or team the study does not define."""
    faults: list[Fault] = []
    stages = study.stage_ids
    channels = [c.id for c in study.channels]
    touchpoints = [t.id for t in study.touchpoints]
    teams = list(study.teams)

    def check(key: str, known: list[str], noun: str, place: Path_) -> None:
        if key and key not in known:
            faults.append(
                Fault("study.yaml", line_of(study.lines, place), f"unknown {noun} '{key}'",
                      f"one of {', '.join(known) or 'none defined'}", nearest(key, known))
            )  # fmt: skip

    for noun, definitions in (
        ("stages", study.stages), ("channels", study.channels),
        ("touchpoints", study.touchpoints), ("goals", study.goals),
    ):  # fmt: skip
        ids = [d.id for d in definitions]
        faults += [
            Fault("study.yaml", line_of(study.lines, (noun, i)), f"id '{key}' again in {noun}",
                  "each id once")
            for i, key in enumerate(ids) if key in ids[:i]
        ]  # fmt: skip
    for i, stage in enumerate(study.stages):
        for team in stage.teams:
            check(team, teams, "team", ("stages", i, "teams"))
    for i, touchpoint in enumerate(study.touchpoints):
        check(touchpoint.stage, stages, "stage", ("touchpoints", i, "stage"))
        check(touchpoint.channel, channels, "channel", ("touchpoints", i, "channel"))
        check(touchpoint.within, touchpoints, "touchpoint", ("touchpoints", i, "within"))
    for i, goal in enumerate(study.goals):
        check(goal.stage, stages, "stage", ("goals", i, "stage"))
    for key, targets in study.believed_moves.items():
        place = ("believed_journey", "moves", key)
        for stage_id in (key, *targets):
            check(stage_id, stages, "stage", place)
    for stage_id in study.believed_start:
        check(stage_id, stages, "stage", ("believed_journey", "start"))
    if study.events:
        events = study.events
        for key, ids in (
            ("purchase", events.purchase), ("complaint", events.complaint),
            ("return", events.product_return), ("nothing_gained", events.nothing_gained),
        ):  # fmt: skip
            for touchpoint_id in ids:
                check(touchpoint_id, touchpoints, "touchpoint", ("events", key))
        for stage_id in events.funnel:
            check(stage_id, stages, "stage", ("events", "funnel"))
        for i, source in enumerate(events.sources):
            for touchpoint_id in (*source.times.values(), source.touchpoint):
                check(touchpoint_id, touchpoints, "touchpoint", ("events", "sources", i))
    for item in study.codebook.items:
        for key, known, noun in (
            (item.stage, stages, "stage"), (item.touchpoint, touchpoints, "touchpoint"),
        ):  # fmt: skip
            if key and key not in known:
                faults.append(
                    Fault("codebook.csv", item.line, f"unknown {noun} '{key}'",
                          f"one of {', '.join(known)}", nearest(key, known))
                )  # fmt: skip
    return faults


def _file_faults(study: Study) -> list[Fault]:
    """Every file that study.yaml names and that is not there, or leads out of the study."""
    named: list[tuple[str, Path_]] = [
        (name, ("survey", "waves", i, "files"))
        for i, wave in enumerate(study.waves)
        for name in wave.files
    ]
    if study.events:
        for i, source in enumerate(study.events.sources):
            named.append((source.path, ("events", "sources", i, "path")))
            named += [(j.path, ("events", "sources", i, "joins")) for j in source.joins]
    named += [
        (study.interviews_folder, ("interviews", "folder")),
        (study.people_file, ("interviews", "people")),
        (study.coding_file, ("interviews", "coding")),
        (study.codes_file, ("interviews", "codes")),
        (study.costs_file, ("costs",)),
        (study.beliefs_file, ("beliefs",)),
        (study.actions_file, ("actions",)),
    ]
    faults = []
    for name, place in named:
        if not name:
            continue
        try:
            study.file(name)
        except UnsafeFileError:
            expected = "a path inside the study"
        except MissingSourceError:
            expected = f"a file in {study.raw}"
        else:
            continue
        faults.append(Fault("study.yaml", line_of(study.lines, place), f"file '{name}'", expected))
    return faults
