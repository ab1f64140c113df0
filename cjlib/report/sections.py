"""The report's sections, each made of result files and of the user's own words only."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from cjlib.language import format_number
from cjlib.maps import map_fragment
from cjlib.report.own_words import read_own_words
from cjlib.report.page import Block, Section, absent, heading, markup, words
from cjlib.report.shelf import ESTIMATE, Shelf
from cjlib.report.summary import PARTS, make_tiles, write_summary
from cjlib.study import Study


def build_sections(shelf: Shelf) -> list[Section]:
    """Return the sections that the study asks for, in its order.

    What a section has no result for is left out of it; a section with none says so. The
    user's own words open a section, or end it, or are one by themselves.
    """
    study = shelf.study
    own = read_own_words(study)
    sections = []
    for name in study.report.sections:
        shelf.section.append(name)
        made = list(MAKERS[name](shelf)) if name in MAKERS else []
        before, after = own.get(name), own.get(f"{name}.after")
        if name in MAKERS:
            title = shelf.say(name)
            made = made or [absent(shelf.say("absent", what=title))]
        else:
            title = before.title if before and before.title else name.replace("-", " ")
        blocks = [
            *([markup(before.html)] if before else []), *made,
            *([markup(after.html)] if after else []),
        ]  # fmt: skip
        sections.append(Section(name, title, tuple(blocks)))
    return sections


def _summary(shelf: Shelf) -> Iterator[Block]:
    tiles = make_tiles(shelf.study, shelf.files)
    if tiles:
        yield Block("tiles", tiles=tuple(tiles))
    sentences = write_summary(shelf.study, shelf.files)
    shelf.sentences.extend(sentences)
    for part in PARTS:
        lines = tuple(sentence.text for sentence in sentences if sentence.part == part)
        if lines:
            yield heading(shelf.say(f"part.{part}"))
            yield Block("list", lines=lines)


def _goals(shelf: Shelf) -> Iterator[Block]:
    if shelf.study.goals:
        yield from shelf.figures("05_metrics-goals")
        yield from shelf.table(
            "05_metrics", "goals",
            ("goal", "kpi", "target", *ESTIMATE, "reached", "source", "by"), key="goals",
            folded=True,
        )  # fmt: skip


def _data(shelf: Shelf) -> Iterator[Block]:
    study = shelf.study
    sources = [name for name in ("survey", "interviews", "comments", "events") if study.has(name)]
    done = [shelf.say(f"method.{name}") for name in sources]
    if study.has("survey") and study.weights.rake:
        done.append(shelf.say("method.weights"))
    if shelf.files.table("04_personas", "sizes") is not None:
        done.append(shelf.say("method.personas"))
    if done:
        yield Block("list", lines=tuple(done))
    yield from shelf.figures("02_survey-flow")
    yield from shelf.table(
        "02_survey", "profile", ("item", "answer", *ESTIMATE), key="profile", rows=40, folded=True
    )
    yield from shelf.folds("table.cleaning", shelf.figures("02_survey-cleaning-matters"))
    yield from shelf.table(
        "06_journeys", "scope", ("reason", "rows", "share", "customers"), key="scope", folded=True
    )
    yield from shelf.table(
        "01_goals", "positions", ("topic", "position"), key="positions", rows=20, folded=True
    )


def _voices(shelf: Shelf) -> Iterator[Block]:
    yield from shelf.figures("03_interviews-codes")
    yield from shelf.table(
        "03_interviews", "quotes", ("stage", "text", "kind"), key="quotes", rows=8
    )
    yield from shelf.figures("03_interviews-comment_codes")
    yield from shelf.folds("table.agreement", shelf.figures("03_interviews-agreement"))


def _personas(shelf: Shelf) -> Iterator[Block]:
    language = shelf.study.language
    yield from shelf.table(
        "04_personas", "sizes", (f"name_{language}", *ESTIMATE), key="sizes", rows=12
    )
    yield from shelf.figures("04_personas-targets", "04_personas-profiles")
    names = shelf.files.table("04_personas", "sizes")
    known = {} if names is None else names.set_index("persona")[f"name_{language}"].to_dict()
    for place, fragment in shelf.files.pages("04_personas-card-").items():
        title = str(known.get(place, place))
        yield Block("paper_fold", shelf.say("card", persona=title), inner=(markup(fragment),))
    verdict = shelf.files.table("04_personas", "verdict")
    how = list(shelf.figures("04_personas-choice", "04_personas-judgement", "04_personas-believed"))
    if verdict is not None and language == "en":  # the sentence of the verdict is English
        how.insert(0, words(str(verdict["summary"].iloc[0])))
    yield from shelf.folds("table.firmness", how)


def _maps(shelf: Shelf) -> Iterator[Block]:
    language = shelf.study.language
    for name, journey_map in shelf.files.maps().items():
        drawn = markup(map_fragment(journey_map, language=language, appendix=False))
        title = journey_map["title"]
        shown = title.get(language) or next(iter(title.values()), name)
        kind = "paper_fold" if name == "everybody" else "fold"
        yield Block(kind, str(shown), inner=(drawn,))
    yield from shelf.table(
        "07_maps", "belief",
        ("label", "believed", "lived", "estimate", "low", "high", "lived_n", "significant"),
        key="belief",
    )  # fmt: skip


def _metrics(shelf: Shelf) -> Iterator[Block]:
    yield from shelf.figures("05_metrics-csat", "05_metrics-drivers")
    yield from shelf.table(
        "05_metrics", "metrics", ("metric", "item", *ESTIMATE, "method"), key="metrics",
        rows=40, folded=True,
    )  # fmt: skip
    yield from shelf.table(
        "05_metrics", "rating_distribution", ("answer", "count", *ESTIMATE), key="ratings"
    )
    yield from shelf.table(
        "05_metrics", "stage_kpis", ("stage", "kpi", *ESTIMATE, "unit", "source"),
        key="stage_kpis", rows=40, folded=True,
    )  # fmt: skip


def _journeys(shelf: Shelf) -> Iterator[Block]:
    yield from shelf.figures("06_journeys-funnel", "06_journeys-flow")
    yield from shelf.table(
        "06_journeys", "wasted", ("what", "label", "times", "customers", "hours", "median_hours"),
        key="wasted",
    )  # fmt: skip
    moves = shelf.figures("06_journeys-transitions", "06_journeys-exits", "06_journeys-belief")
    yield from shelf.folds("table.moves", moves)
    yield from shelf.table(
        "06_journeys", "departures", ("from", "to", "count", "customers", *ESTIMATE),
        key="departures", rows=8, folded=True,
    )  # fmt: skip
    yield from shelf.table(
        "06_journeys", "loops", ("kind", "label", "via", *ESTIMATE, "extra_contacts", "cost"),
        key="loops", rows=8, folded=True,
    )  # fmt: skip
    yield from shelf.folds("table.attribution", shelf.figures("06_journeys-attribution"))


def _value(shelf: Shelf) -> Iterator[Block]:
    yield from shelf.figures("08_value-value", "08_value-survival")
    yield from shelf.table(
        "08_value", "value", ("by", "group", *ESTIMATE, "method"), key="value", rows=16,
        folded=True,
    )  # fmt: skip
    yield from shelf.table(
        "08_value", "clv", ("figure", *ESTIMATE, "definition"), key="clv", folded=True
    )
    yield from shelf.table(
        "08_value", "churn", ("model", "measure", *ESTIMATE), key="churn", folded=True
    )


def _actions(shelf: Shelf) -> Iterator[Block]:
    yield from shelf.figures("09_actions-opportunities")
    yield from shelf.table(
        "09_actions", "opportunities",
        ("rank", "measure", "stage", "touchpoint", "kind", *ESTIMATE, "severity"),
        key="opportunities", rows=8,
    )  # fmt: skip
    yield from shelf.table(
        "09_actions", "plan",
        ("action", "stage", "owner", "team", "due", "kpi", "target", "status", "overdue",
         "ownerless"),
        key="plan", rows=20,
    )  # fmt: skip
    yield from shelf.table(
        "09_actions", "effects",
        ("action", "label", "before", "after", "target", "target_reached", "difference", "low",
         "high", "effect", "effect_low", "effect_high", "verdict"),
        key="effects", rows=20,
    )  # fmt: skip
    yield from shelf.table(
        "09_actions", "decisions",
        ("action", "decide", "stage", "owner", "team", "due", "budget", "evidence", *ESTIMATE),
        key="decisions", rows=20,
    )  # fmt: skip
    yield from shelf.folds("table.impact", shelf.figures("09_actions-impact"))
    yield from shelf.folds("table.leads", shelf.figures("09_actions-lead_funnel"))
    yield from shelf.table(
        "09_actions", "responsibility", ("stage", "team_label", "role", "actions", "overdue"),
        key="responsibility", rows=24, folded=True,
    )  # fmt: skip
    yield from shelf.figures("09_actions-waves")
    yield from shelf.table(
        "09_actions", "waves",
        ("name", "metric", "from_wave", "to_wave", "earlier", "later", "difference", "low",
         "high", "p_holm", "smallest_change", "verdict"),
        key="waves", rows=40, folded=True,
    )  # fmt: skip


def _limits(shelf: Shelf) -> Iterator[Block]:
    study = shelf.study
    names = ["association"]
    names += [name for name, source in (("sample", "survey"), ("interviews", "interviews"),
                                        ("log", "events")) if study.has(source)]  # fmt: skip
    sign = "٪" if study.digits == "arabext" else " %"
    level = format_number(study.level * 100, study.digits, decimals=0) + sign
    lines = [shelf.say(f"limit.{name}") for name in [*names, "personas"]]
    yield Block("list", lines=(*lines, shelf.say("limit.level", level=level)))


def _appendix(shelf: Shelf) -> Iterator[Block]:
    manifest = shelf.files.manifest()
    if manifest is None:
        return
    yield words(shelf.say("reproduce"))
    yield Block("code", f"python3 kit.py run {_show_folder(shelf.study)}")
    yield words(shelf.say("tables_file"))
    yield shelf.draw(_versions(manifest), shelf.say("table.versions"), rows=20)
    made = [(name, sums["made_from"], sums["made"])
            for name, sums in manifest["notebooks"].items() if name < "10"]  # fmt: skip
    if made:
        frame = pd.DataFrame(made, columns=["notebook", "made_from", "made"])
        yield from shelf.folds(
            "table.notebooks", [shelf.draw(frame, shelf.say("table.notebooks"), rows=20)]
        )
    inputs = pd.DataFrame(manifest["inputs"])[["file", "bytes", "sha256"]]
    yield from shelf.folds(
        "table.inputs", [shelf.draw(inputs, shelf.say("table.inputs"), rows=len(inputs))]
    )


def _show_folder(study: Study) -> str:
    """Tell the study's folder, from the kit's own where it lies there; never the whole path."""
    kit = Path(__file__).resolve().parents[2]
    place = study.path.resolve()
    return place.relative_to(kit).as_posix() if place.is_relative_to(kit) else place.name


def _versions(manifest: dict[str, Any]) -> pd.DataFrame:
    parts = {
        "cjlib": manifest["kit"],
        "python": manifest["python"],
        **manifest["packages"],
        "seed": str(manifest["seed"]),
        "inputs": manifest["inputs_sha256"],
    }
    return pd.DataFrame(list(parts.items()), columns=["part", "version"])


MAKERS: dict[str, Callable[[Shelf], Iterator[Block]]] = {
    "summary": _summary, "goals": _goals, "data": _data, "voices": _voices,
    "personas": _personas, "maps": _maps, "metrics": _metrics, "journeys": _journeys,
    "value": _value, "actions": _actions, "limits": _limits, "appendix": _appendix,
}  # fmt: skip
