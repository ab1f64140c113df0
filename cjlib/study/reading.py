"""Loading a study folder, with every fault in it found at once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from cjlib.codebook import read_codebook
from cjlib.definitions import (
    Channel,
    Cleaning,
    CommentRules,
    Dialect,
    EventRules,
    EventSource,
    Goal,
    Join,
    PersonaRules,
    Positions,
    Privacy,
    ReportRules,
    Stage,
    Text,
    Touchpoint,
    Wave,
    WeightRules,
)
from cjlib.errors import Fault, StudyError
from cjlib.study.faults import find_file_faults, find_reference_faults
from cjlib.study.model import Study
from cjlib.study.nurture import build_nurture, find_nurture_faults
from cjlib.study.report_texts import find_report_faults
from cjlib.study.weights import find_weight_faults
from cjlib.validation import Path_, read_schema, read_yaml, schema_faults


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
    faults += [*more, *find_reference_faults(study), *find_weight_faults(study)]
    faults += [*find_nurture_faults(study), *find_file_faults(study)]
    faults += find_report_faults(study)
    return study, sorted(faults, key=lambda f: (f.file != "study.yaml", f.file, f.line))


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
            _build_wave(w) for w in survey.get("waves", [])
        ),
        cleaning=Cleaning(**(survey.get("cleaning") or {})),
        weights=_build_weights(v.get("weights") or {}),
        interviews_folder=interviews.get("folder", ""), people_file=interviews.get("people", ""),
        coding_file=interviews.get("coding", ""), codes_file=interviews.get("codes", ""),
        comments=CommentRules(**v["comments"]) if v.get("comments") else None,
        events=_build_events(v.get("events")),
        believed_start=_ids(believed, "start"),
        believed_moves={k: tuple(t) for k, t in (believed.get("moves") or {}).items()},
        personas=_build_personas(v.get("personas") or {}),
        nurture=build_nurture(v.get("nurture") or {}),
        privacy=Privacy(**privacy), positions=Positions(**positions),
        scales={k: tuple(names) for k, names in (v.get("scales") or {}).items()},
        missing_answers=v.get("missing_answers", "by_analysis"),
        costs_file=v.get("costs", ""), beliefs_file=v.get("beliefs", ""),
        published_file=v.get("published", ""),
        actions_file=v.get("actions", ""), maps_folder=v.get("maps", "map"),
        report=_build_report(v.get("report") or {}),
    )  # fmt: skip


def _build_report(v: dict[str, Any]) -> ReportRules:
    default = ReportRules()
    return ReportRules(_ids(v, "sections") or default.sections, v.get("texts", default.texts))


def _ids(mapping: dict[str, Any], key: str) -> tuple[str, ...]:
    return tuple(mapping.get(key) or ())


def _build_wave(v: dict[str, Any]) -> Wave:
    files = [dict(f) if isinstance(f, dict) else {"path": f} for f in v.get("files") or ()]
    paths = tuple(str(file.pop("path")) for file in files)
    dialects = tuple(Dialect(**file) for file in files) if any(files) else ()
    label = Text.read(v.get("label"), v["id"])
    return Wave(v["id"], paths, label, v.get("date", ""), dialects)


def _build_weights(v: dict[str, Any]) -> WeightRules:
    rake = {
        item: {code: float(share) for code, share in (goals or {}).items()}
        for item, goals in (v.get("rake") or {}).items()
    }
    trim = v.get("trim")
    taken = {key: value for key, value in v.items() if key != "waves"}  # what a wave leaves out
    own = {wave: taken | dict(rules or {}) for wave, rules in (v.get("waves") or {}).items()}
    waves = {wave: _build_weights(rules) for wave, rules in own.items()}
    return WeightRules(rake, (float(trim[0]), float(trim[-1])) if trim else None, waves)


def _build_personas(v: dict[str, Any]) -> PersonaRules:
    default = PersonaRules()
    k = v.get("k", "auto")
    return PersonaRules(
        tuple(v.get("segment_on", default.segment_on)),
        tuple(v.get("describe_by", default.describe_by)),
        None if k == "auto" else int(k), v.get("basis", "typical"),
        tuple(Text.read(n) for n in v.get("names", [])), v.get("method", default.method),
        v.get("style", default.style), _ids(v, "events"), _ids(v, "themes"),
        believed=v.get("believed", default.believed),
    )  # fmt: skip


def _build_events(v: dict[str, Any] | None) -> EventRules | None:
    if not v:
        return None
    sources = tuple(
        EventSource(
            s.get("path", ""), dict(s["columns"]), dict(s.get("times") or {}),
            s.get("touchpoint", ""),
            tuple(
                Join(j["path"], j["on"], _ids(j, "columns"), _ids(j, "sum"))
                for j in s.get("joins", [])
            ),
            s.get("url", ""), s.get("url_from", ""), s.get("frame", ""), s.get("table", ""),
            s.get("query", ""), s.get("lifecycle", "pair"),
        )
        for s in v["sources"]
    )  # fmt: skip
    scale = v.get("rating_scale", (1, 5))
    return EventRules(
        sources, v.get("time_zone", "UTC"), float(v.get("session_gap_minutes", 30)),
        _ids(v, "purchase"), _ids(v, "complaint"), _ids(v, "return"), _ids(v, "nothing_gained"),
        _ids(v, "funnel"), (float(scale[0]), float(scale[1])),
        str(v.get("since", "")), str(v.get("until", "")),
    )  # fmt: skip


def _with_codebook(study: Study, name: str) -> tuple[Study, list[Fault]]:
    file = study.path / name
    if not file.is_file():
        if not study.waves:
            return study, []
        return study, [Fault(name, 0, "no codebook", "a codebook.csv for the survey")]
    codebook, faults = read_codebook(file, shown=name)
    return replace(study, codebook=codebook), faults
