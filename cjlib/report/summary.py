"""The summary: sentences whose every number is read from a result file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cjlib.language import format_number, phrase
from cjlib.report.files import ResultFiles
from cjlib.report.page import Tile
from cjlib.study import Study

CHANGED = "changed beyond noise"
EFFECTS = ("better beyond noise", "worse beyond noise")
ESTIMATES = ("estimate", "low", "high")


class Teller:
    """Says results in the study's language and digits."""

    def __init__(self, study: Study, files: ResultFiles) -> None:
        self.study = study
        self.files = files

    def say(self, key: str, **values: str) -> str:
        """Return a phrase of the report in the study's language."""
        return phrase(f"report.sum.{key}", self.study.language, **values)

    def word(self, text: str) -> str:
        """Return a word of the kit's own vocabulary in the study's language."""
        return phrase(f"word.{text}", self.study.language)

    def number(self, value: float, decimals: int = 0) -> str:
        """Return a number in the study's digits."""
        return format_number(float(value), self.study.digits, decimals=decimals)

    def interval(self, row: pd.Series, decimals: int = 2, factor: float = 1.0) -> str:
        """Return "estimate [low, high]", kept left to right inside Persian text."""
        parts = [self.number(row[name] * factor, decimals) for name in ESTIMATES]
        if pd.isna(row["low"]):
            return f"\u2066{parts[0]}\u2069"
        return f"\u2066{parts[0]} [{parts[1]}, {parts[2]}]\u2069"

    def tile(self, name: str, row: pd.Series, decimals: int, *, percent: bool = False) -> Tile:
        """Return a headline number with its interval and n below it."""
        factor = 100.0 if percent else 1.0
        sign = "\u00a0" + ("٪" if self.study.digits == "arabext" else "%") if percent else ""
        value, low, high = (
            self.number(row[part] * factor, decimals) for part in ("estimate", "low", "high")
        )
        around = () if pd.isna(row["low"]) else (f"\u2066[{low}, {high}]\u2069{sign}",)
        people = phrase("n_is", self.study.language, n=self.number(row["n"]))
        return Tile(name, f"\u2066{value}\u2069{sign}", (*around, people))

    def percent(self, row: pd.Series) -> str:
        """Return a share with its interval, in percent."""
        sign = "٪" if self.study.digits == "arabext" else "%"
        return self.interval(row, 1, 100) + f"\u00a0{sign}"


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of the summary, the part it stands in, and the tables its numbers come from."""

    part: str
    text: str
    tables: tuple[str, ...]


def write_summary(study: Study, files: ResultFiles) -> list[Sentence]:
    """Return the report's summary, findings first; what has no result has no sentence."""
    teller = Teller(study, files)
    found = []
    for part, tellers in PARTS.items():
        for tell in tellers:
            files.read.clear()
            texts = list(tell(teller))
            tables = tuple(dict.fromkeys(files.read))
            found += [Sentence(part, text, tables) for text in texts]
    return found


def make_tiles(study: Study, files: ResultFiles) -> list[Tile]:
    """Return the headline numbers: recommendation, satisfaction, the funnel's end, goals."""
    t = Teller(study, files)
    return [tile for make in (_tile_scores, _tile_funnel, _tile_goals) for tile in make(t)]


def _tile_scores(t: Teller) -> Iterator[Tile]:
    for name, row, decimals in _headlines(t):
        yield t.tile(phrase(f"report.tile.{name}", t.study.language), row, decimals)


def _tile_funnel(t: Teller) -> Iterator[Tile]:
    funnel = t.files.table("06_journeys", "funnel")
    if funnel is not None and len(funnel) > 1:
        last = funnel.iloc[-1]
        name = t.study.label("stage", str(last["stage"]))
        text = phrase("report.tile.funnel", t.study.language, last=name)
        yield t.tile(text, last, 1, percent=True)


def _tile_goals(t: Teller) -> Iterator[Tile]:
    goals = t.files.table("05_metrics", "goals")
    if goals is not None and len(goals):
        yes, all_ = (t.number(n) for n in ((goals["reached"] == "yes").sum(), len(goals)))
        language = t.study.language
        yield Tile(
            phrase("report.tile.goals", language), yes,
            (phrase("report.tile.goals_of", language, all=all_),),
        )  # fmt: skip


def _tell_sample(t: Teller) -> Iterator[str]:
    flow = t.files.table("02_survey", "flow")
    if flow is not None:
        read, kept = flow["rows"].iloc[0], flow["rows"].iloc[-1]
        yield t.say(
            "sample", kept=t.number(kept), read=t.number(read), removed=t.number(read - kept)
        )
    people = t.files.table("03_interviews", "people")
    if people is not None:
        yield t.say("interviews", count=t.number(len(people)))
    scope = t.files.table("06_journeys", "scope")
    if scope is not None:
        kept_rows = scope.iloc[0]
        yield t.say(
            "log",
            rows=t.number(kept_rows["rows"]),
            customers=t.number(kept_rows["customers"]),
            aside=t.number(scope["rows"].iloc[1:].sum()),
        )


def _headlines(t: Teller) -> Iterator[tuple[str, pd.Series, int]]:
    """Yield the recommendation and the overall satisfaction, weighted where there are weights."""
    metrics = _weighed(t.files.table("05_metrics", "metrics"))
    if metrics is None:
        return
    for name, metric, decimals in (("nps", "nps", 1), ("overall", "csat_mean", 2)):
        rows = metrics[(metrics["metric"] == metric) & metrics["estimate"].notna()]
        if metric == "csat_mean":
            rows = rows[rows["stage"].isna() & rows["touchpoint"].isna()]
        for _, row in rows.head(1).iterrows():
            yield name, row, decimals


def _weighed(metrics: pd.DataFrame | None) -> pd.DataFrame | None:
    """Keep the weighted rows where there are any: that is what the study's weights are for."""
    if metrics is None or not (metrics["weighting"] == "weighted").any():
        return metrics
    return metrics[metrics["weighting"] == "weighted"]


def _tell_scores(t: Teller) -> Iterator[str]:
    for name, row, decimals in _headlines(t):
        key = name + ("_weighted" if row["weighting"] == "weighted" else "")
        yield t.say(key, value=t.interval(row, decimals), n=t.number(row["n"]))
    metrics = _weighed(t.files.table("05_metrics", "metrics"))
    if metrics is None:
        return
    rated = metrics[
        (metrics["metric"] == "csat_mean") & metrics["stage"].notna() & metrics["estimate"].notna()
    ].drop_duplicates("item")
    if t.study.codebook.items:
        asked = {i.name: i for i in t.study.codebook.items}
        rated = rated[[bool(asked[i].stage) for i in rated["item"]]]
    if len(rated) >= 2:
        order = rated["estimate"].to_numpy(dtype=float)
        best, worst = rated.iloc[int(np.argmax(order))], rated.iloc[int(np.argmin(order))]
        places = [_place(t.study, row) for row in (best, worst)]
        everywhere = [_place(t.study, row) for _, row in rated.iterrows()]
        if any(everywhere.count(place) > 1 for place in places):  # asked twice there: the question
            questions = {i.name: i.question.to(t.study.language) for i in t.study.codebook.items}
            places = [questions.get(name, name) for name in (best["item"], worst["item"])]
        yield t.say(
            "csat",
            best=places[0], best_value=t.interval(best),
            worst=places[1], worst_value=t.interval(worst),
        )  # fmt: skip


def _place(study: Study, row: pd.Series) -> str:
    touchpoint, stage = row.get("touchpoint"), row["stage"]
    if isinstance(touchpoint, str) and touchpoint:
        return study.label("touchpoint", touchpoint)
    return study.label("stage", stage) if isinstance(stage, str) and stage else ""


def _tell_ratings(t: Teller) -> Iterator[str]:
    stars = t.files.table("05_metrics", "rating_distribution")
    if stars is None or stars.empty:
        return
    top = stars.iloc[int(np.argmax(stars["answer"].to_numpy(dtype=float)))]
    yield t.say("rating", n=t.number(top["n"]), top=t.percent(top))


def _tell_personas(t: Teller) -> Iterator[str]:
    sizes = t.files.table("04_personas", "sizes")
    if sizes is None:
        return
    column = f"name_{t.study.language}"
    named = sizes[sizes["persona"] != "none"]
    if len(named) == 1:
        yield t.say("one_persona")
        return
    names = [f"{row[column]} ({t.percent(row)})" for _, row in named.iterrows()]
    joined = "؛ " if t.study.language == "fa" else "; "
    verdict = t.files.table("04_personas", "verdict")
    held = "" if verdict is None else t.word(str(verdict["verdict"].iloc[0]))
    key = "personas_held" if held else "personas"
    yield t.say(key, count=t.number(len(named)), names=joined.join(names), held=held)


def _tell_change(t: Teller) -> Iterator[str]:
    waves = t.files.table("09_actions", "waves")
    if waves is None:
        return
    changed = waves[waves["verdict"] == CHANGED]
    if changed.empty:
        yield t.say("no_change")
        return
    for _, row in changed.sort_values("p_holm", kind="stable").head(3).iterrows():
        estimate = {"estimate": row["difference"], "low": row["low"], "high": row["high"]}
        decimals = 1 if row["metric"] == "nps" else 2
        yield t.say(
            "change",
            what=name_item(t.study, str(row["name"])),
            earlier=t.number(row["earlier"], decimals), later=t.number(row["later"], decimals),
            first=t.study.label("wave", str(row["from_wave"])),
            second=t.study.label("wave", str(row["to_wave"])),
            difference=t.interval(pd.Series(estimate), decimals),
        )  # fmt: skip


def _tell_effects(t: Teller) -> Iterator[str]:
    """Tell what came of the actions that can be told from noise, at most three."""
    effects = t.files.table("09_actions", "effects")
    if effects is None or effects.empty:
        return
    told = effects[effects["verdict"].isin(EFFECTS)]
    for _, row in told.sort_values("p_holm", kind="stable").head(3).iterrows():
        decimals = 1 if str(row["kpi"]).startswith("nps") else 2
        names = ("effect", "effect_low", "effect_high")
        if pd.isna(row["effect"]):  # no comparison: after minus before
            names = ("difference", "low", "high")
        effect = pd.Series(dict(zip(ESTIMATES, row[list(names)], strict=True)))
        yield t.say(
            "effect" if names[0] == "effect" else "effect_alone",
            action=str(row["action"]), kpi=str(row["label"]),
            before=t.number(row["before"], decimals), after=t.number(row["after"], decimals),
            effect=t.interval(effect, decimals), verdict=t.word(str(row["verdict"])),
        )  # fmt: skip


def name_item(study: Study, name: str) -> str:
    """Return what an item is about: its stage or touchpoint with its metric, else its question."""
    if name not in study.codebook:
        return name
    item = study.codebook[name]
    place = item.touchpoint or item.stage
    kind = "touchpoint" if item.touchpoint else "stage"
    where = study.label(kind, place) if place else ""
    if item.metric in ("nps", "csat", "ces"):
        metric = phrase(f"kpi.{item.metric}", study.language)
        return f"{metric} ({where})" if where else metric
    return where or item.question.to(study.language) or name


def _tell_belief(t: Teller) -> Iterator[str]:
    gaps = t.files.table("07_maps", "belief")
    if gaps is None or gaps.empty:
        return
    wrong = gaps[gaps["significant"].astype(bool)]
    if wrong.empty:
        return
    worst = wrong.iloc[int(np.argmax(wrong["estimate"].abs().to_numpy(dtype=float)))]
    lived = {"estimate": worst["lived"], "low": worst["lived_low"], "high": worst["lived_high"]}
    yield t.say(
        "belief",
        count=t.number(len(wrong)), all=t.number(len(gaps)), stage=str(worst["label"]),
        believed=t.number(worst["believed"], 1), lived=t.interval(pd.Series(lived)),
    )  # fmt: skip


def _tell_journeys(t: Teller) -> Iterator[str]:
    funnel = t.files.table("06_journeys", "funnel")
    if funnel is not None and len(funnel) > 1:
        last = funnel.iloc[-1]
        narrow = 1 + int(np.argmin(funnel["step"].iloc[1:].to_numpy(dtype=float)))
        yield t.say(
            "funnel",
            first=t.study.label("stage", str(funnel["stage"].iloc[0])), value=t.percent(last),
            last=t.study.label("stage", str(last["stage"])),
            narrow=t.study.label("stage", str(funnel["stage"].iloc[narrow])),
        )  # fmt: skip
    fit = t.files.table("06_journeys", "belief_fit")
    if fit is not None and not np.isnan(fit["estimate"].iloc[0]):
        yield t.say("fit", value=t.percent(fit.iloc[0]))


def _tell_value(t: Teller) -> Iterator[str]:
    worth = t.files.table("08_value", "value")
    if worth is None or np.isnan(worth["estimate"].iloc[0]):
        return
    row = worth.iloc[0]
    money = t.study.currency_label.to(t.study.language)
    yield t.say("value", value=t.interval(row, 0), currency=money, n=t.number(row["n"]))


def _tell_goals(t: Teller) -> Iterator[str]:
    goals = t.files.table("05_metrics", "goals")
    if goals is None or goals.empty:
        return
    counts = goals["reached"].value_counts()
    yes, no = int(counts.get("yes", 0)), int(counts.get("no", 0))
    yield t.say(
        "goals",
        yes=t.number(yes), no=t.number(no), all=t.number(len(goals)),
        open=t.number(len(goals) - yes - no),
    )  # fmt: skip


def _tell_opportunities(t: Teller) -> Iterator[str]:
    found = t.files.table("09_actions", "opportunities")
    if found is None or found.empty:
        return
    for _, row in found.head(3).iterrows():
        place = _place(t.study, row)
        where = "" if place in ("", row["measure"]) else f" ({place})"
        what = f"{row['measure']}{where}"
        yield t.say("opportunity", what=what, value=t.percent(row), n=t.number(row["n"]))


def _tell_plan(t: Teller) -> Iterator[str]:
    plan = t.files.table("09_actions", "plan")
    if plan is None or plan.empty:
        return
    late, alone = (int(plan[name].astype(bool).sum()) for name in ("overdue", "ownerless"))
    yield t.say("plan", all=t.number(len(plan)), overdue=t.number(late), ownerless=t.number(alone))


PARTS: dict[str, tuple[Callable[[Teller], Iterator[str]], ...]] = {
    "findings": (
        _tell_goals, _tell_scores, _tell_ratings, _tell_personas, _tell_belief,
        _tell_journeys, _tell_value,
    ),
    "change": (_tell_change, _tell_effects),
    "next": (_tell_opportunities, _tell_plan),
    "basis": (_tell_sample,),
}  # fmt: skip
