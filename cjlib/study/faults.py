"""Ids that name nothing and files that are not there: every one of them, with its line."""

from __future__ import annotations

from collections.abc import Iterator

from cjlib.codebook import Item
from cjlib.definitions import SOFT_RULES, EventRules
from cjlib.errors import Fault, MissingSourceError, UnsafeFileError, nearest
from cjlib.language import convert_money, parse_date
from cjlib.study.model import Study
from cjlib.validation import Path_, line_of


def find_reference_faults(study: Study) -> list[Fault]:
    """Every id that names a stage, channel, touchpoint or team the study does not define."""
    known = {
        "stage": study.stage_ids,
        "channel": [c.id for c in study.channels],
        "touchpoint": [t.id for t in study.touchpoints],
        "team": list(study.teams),
    }
    faults = _repeated_ids(study)
    for noun, key, place in _references(study):
        if key and key not in known[noun]:
            expected = f"one of {', '.join(known[noun]) or 'none defined'}"
            line = line_of(study.lines, place)
            near = nearest(key, known[noun])
            faults.append(Fault("study.yaml", line, f"unknown {noun} '{key}'", expected, near))
    waves = [wave.id for wave in study.waves]
    for item in study.codebook.items:
        for noun, key in (("stage", item.stage), ("touchpoint", item.touchpoint)):
            if key and key not in known[noun]:
                expected = f"one of {', '.join(known[noun]) or 'none defined'}"
                near = nearest(key, known[noun])
                found = f"unknown {noun} '{key}'"
                faults.append(Fault("codebook.csv", item.line, found, expected, near))
        faults += [*_wave_faults(item, waves), *_money_faults(item, study.currency)]
    return (
        faults
        + _scale_faults(study)
        + _cleaning_faults(study)
        + _period_faults(study)
        + _nesting_faults(study)
    )


def _cleaning_faults(study: Study) -> list[Fault]:
    """Find a rule that asks for more soft rules to hit than are in use."""
    rule = study.cleaning
    used = sum(getattr(rule, name) is not None for name in SOFT_RULES)
    if rule.at_least <= max(used, 1):
        return []
    line = line_of(study.lines, ("survey", "cleaning", "at_least"))
    found = f"at_least: {rule.at_least} with {used} soft rule(s) in use"
    return [Fault("study.yaml", line, found, f"at most that many of {', '.join(SOFT_RULES)}")]


def _period_faults(study: Study) -> list[Fault]:
    """Find a first or last day of the log that is no date, or a last one before the first."""
    if study.events is None:
        return []
    days = {name: getattr(study.events, name) for name in ("since", "until")}
    read = {name: parse_date(text) for name, text in days.items() if text}
    faults = [
        Fault(
            "study.yaml", line_of(study.lines, ("events", name)), f"{name}: {days[name]}",
            'a date such as "2025-12-31"',
        )
        for name, day in read.items()
        if day is None
    ]  # fmt: skip
    first, last = read.get("since"), read.get("until")
    if first and last and last < first:
        line = line_of(study.lines, ("events", "until"))
        faults.append(Fault("study.yaml", line, f"until: {days['until']}", "a day after since"))
    return faults


def _nesting_faults(study: Study) -> list[Fault]:
    """Find touchpoints that lie in themselves, directly or through others."""
    within = {t.id: t.within for t in study.touchpoints}
    faults = []
    for i, touchpoint in enumerate(study.touchpoints):
        trail, above = [touchpoint.id], touchpoint.within
        while above and above not in trail:
            trail.append(above)
            above = within.get(above, "")
        if above == touchpoint.id:
            line = line_of(study.lines, ("touchpoints", i, "within"))
            found = f"touchpoint '{touchpoint.id}' within itself"
            faults.append(Fault("study.yaml", line, found, "a touchpoint that does not lie in it"))
    return faults


def _wave_faults(item: Item, waves: list[str]) -> Iterator[Fault]:
    """Headers and codes of waves that the study does not have."""
    named = [(wave, f"source '{wave}:{header}'") for wave, header in item.wave_headers]
    named += [(wave, f"missing '{wave}:{code}'") for wave, code in item.wave_missing]
    named += [(wave, f"label '{wave}:...>...'") for wave in item.recodes]
    for wave, found in named:
        if wave not in waves:
            expected = f"one of {', '.join(waves) or 'none defined'}"
            near = nearest(wave, waves)
            yield Fault("codebook.csv", item.line, f"{found} of an unknown wave", expected, near)


def _money_faults(item: Item, currency: str) -> Iterator[Fault]:
    """Money that cannot be told in the study's currency: rates of exchange are not ours."""
    if item.kind == "money" and convert_money(1, item.unit, currency) is None:
        found = f"unit '{item.unit}' in a study " + (
            f"whose currency is '{currency}'" if currency else "without currency"
        )
        expected = "the currency of study.yaml; only toman and rial convert into one another"
        yield Fault("codebook.csv", item.line, found, expected)


def _scale_faults(study: Study) -> list[Fault]:
    """Items of a declared scale that are no item, are not rated, or come twice."""
    rated = [item.name for item in study.codebook.select(kind="scale")]
    faults = []
    for scale, names in study.scales.items():
        for i, name in enumerate(names):
            near = ""
            if name in names[:i]:
                found, expected = f"item '{name}' again in scale '{scale}'", "each item once"
            elif name in rated:
                continue
            elif name in study.codebook:
                kind = study.codebook[name].kind
                found = f"item '{name}' of kind {kind} in scale '{scale}'"
                expected = "items of kind scale"
            else:
                found = f"unknown item '{name}' in scale '{scale}'"
                expected, near = "items of the codebook", nearest(name, rated)
            line = line_of(study.lines, ("scales", scale, i))
            faults.append(Fault("study.yaml", line, found, expected, near))
    return faults


def _repeated_ids(study: Study) -> list[Fault]:
    named = {
        "stages": [d.id for d in study.stages],
        "channels": [d.id for d in study.channels],
        "touchpoints": [d.id for d in study.touchpoints],
        "goals": [d.id for d in study.goals],
    }
    return [
        Fault(
            "study.yaml",
            line_of(study.lines, (noun, i)),
            f"id '{key}' again in {noun}",
            "each id once",
        )
        for noun, ids in named.items()
        for i, key in enumerate(ids)
        if key in ids[:i]
    ]


def _references(study: Study) -> Iterator[tuple[str, str, Path_]]:
    """Yield (noun, id, place in study.yaml) for every id that must be defined elsewhere."""
    for i, stage in enumerate(study.stages):
        yield from (("team", team, ("stages", i, "teams")) for team in stage.teams)
    for i, touchpoint in enumerate(study.touchpoints):
        yield "stage", touchpoint.stage, ("touchpoints", i, "stage")
        yield "channel", touchpoint.channel, ("touchpoints", i, "channel")
        yield "touchpoint", touchpoint.within, ("touchpoints", i, "within")
        yield from (("team", team, ("touchpoints", i, "teams")) for team in touchpoint.teams)
    for i, goal in enumerate(study.goals):
        yield "stage", goal.stage, ("goals", i, "stage")
    for stage_id, targets in study.believed_moves.items():
        place: Path_ = ("believed_journey", "moves", stage_id)
        yield from (("stage", key, place) for key in (stage_id, *targets))
    yield from (("stage", key, ("believed_journey", "start")) for key in study.believed_start)
    if study.events:
        yield from _event_references(study.events)


def _event_references(events: EventRules) -> Iterator[tuple[str, str, Path_]]:
    for rule, ids in (
        ("purchase", events.purchase),
        ("complaint", events.complaint),
        ("return", events.product_return),
        ("nothing_gained", events.nothing_gained),
    ):
        yield from (("touchpoint", key, ("events", rule)) for key in ids)
    yield from (("stage", key, ("events", "funnel")) for key in events.funnel)
    for i, source in enumerate(events.sources):
        for key in (*source.times.values(), source.touchpoint):
            yield "touchpoint", key, ("events", "sources", i)


def find_file_faults(study: Study) -> list[Fault]:
    """Every file that study.yaml names and that is not there, or leads out of the study."""
    named: list[tuple[str, Path_]] = [
        (name, ("survey", "waves", i, "files"))
        for i, wave in enumerate(study.waves)
        for name in wave.files
    ]
    if study.events:
        for i, source in enumerate(study.events.sources):
            if source.path:
                named.append((source.path, ("events", "sources", i, "path")))
            named += [(j.path, ("events", "sources", i, "joins")) for j in source.joins]
    named += [
        (study.interviews_folder, ("interviews", "folder")),
        (study.people_file, ("interviews", "people")),
        (study.coding_file, ("interviews", "coding")),
        (study.codes_file, ("interviews", "codes")),
        (study.comments.codes if study.comments else "", ("comments", "codes")),
        (study.comments.labels if study.comments else "", ("comments", "labels")),
        (study.costs_file, ("costs",)),
        (study.beliefs_file, ("beliefs",)),
        (study.published_file, ("published",)),
        (study.actions_file, ("actions",)),
        (study.personas.believed, ("personas", "believed")),
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
