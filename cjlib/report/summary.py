"""The summary: sentences whose every number is read from a result file."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd

from cjlib.language import format_number, phrase
from cjlib.report.files import ResultFiles
from cjlib.study import Study

CHANGED = "changed beyond noise"


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
        parts = [self.number(row[name] * factor, decimals) for name in ("estimate", "low", "high")]
        if pd.isna(row["low"]):
            return f"\u2066{parts[0]}\u2069"
        return f"\u2066{parts[0]} [{parts[1]}, {parts[2]}]\u2069"

    def percent(self, row: pd.Series) -> str:
        """Return a share with its interval, in percent."""
        sign = "٪" if self.study.digits == "arabext" else "%"
        return self.interval(row, 1, 100) + f"\u00a0{sign}"


def write_summary(study: Study, files: ResultFiles) -> list[str]:
    """Return the report's summary, a sentence per finding; what has no result has no sentence."""
    teller = Teller(study, files)
    tellers: tuple[Callable[[Teller], Iterator[str]], ...] = (
        _tell_sample, _tell_scores, _tell_ratings, _tell_personas, _tell_change,
        _tell_belief, _tell_journeys, _tell_value, _tell_goals, _tell_opportunity,
    )  # fmt: skip
    return [sentence for tell in tellers for sentence in tell(teller)]


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


def _tell_scores(t: Teller) -> Iterator[str]:
    metrics = t.files.table("05_metrics", "metrics")
    if metrics is None:
        return
    if (metrics["weighting"] == "weighted").any():  # what the study's weights are for
        metrics = metrics[metrics["weighting"] == "weighted"]
        weighted = "_weighted"
    else:
        weighted = ""
    for name, metric, decimals in (("nps", "nps", 1), ("overall", "csat_mean", 2)):
        rows = metrics[(metrics["metric"] == metric) & metrics["estimate"].notna()]
        if metric == "csat_mean":
            rows = rows[rows["stage"].isna() & rows["touchpoint"].isna()]
        for _, row in rows.head(1).iterrows():
            key, value = name + weighted, t.interval(row, decimals)
            yield t.say(key, value=value, n=t.number(row["n"]))
    rated = metrics[
        (metrics["metric"] == "csat_mean") & metrics["stage"].notna() & metrics["estimate"].notna()
    ].drop_duplicates("item")
    if t.study.codebook.items:
        asked = {i.name: i for i in t.study.codebook.items}
        rated = rated[[bool(asked[i].stage) for i in rated["item"]]]
    if len(rated) >= 2:
        order = rated["estimate"].to_numpy(dtype=float)
        best, worst = rated.iloc[int(np.argmax(order))], rated.iloc[int(np.argmin(order))]
        yield t.say(
            "csat",
            best=_place(t.study, best), best_value=t.interval(best),
            worst=_place(t.study, worst), worst_value=t.interval(worst),
        )  # fmt: skip


def _place(study: Study, row: pd.Series) -> str:
    touchpoint = row.get("touchpoint")
    if isinstance(touchpoint, str) and touchpoint:
        return study.label("touchpoint", touchpoint)
    return study.label("stage", str(row["stage"]))


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
    yield t.say("personas", count=t.number(len(named)), names=joined.join(names))
    verdict = t.files.table("04_personas", "verdict")
    if verdict is not None:
        yield t.say("verdict", verdict=t.word(str(verdict["verdict"].iloc[0])))


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


def name_item(study: Study, name: str) -> str:
    """Return what an item is about: its stage or touchpoint with its metric, else its question."""
    if name not in study.codebook:
        return name
    item = study.codebook[name]
    metric = item.metric.upper()
    if item.touchpoint:
        return f"{metric} {study.label('touchpoint', item.touchpoint)}".strip()
    if item.stage:
        return f"{metric} {study.label('stage', item.stage)}".strip()
    return metric or item.question.to(study.language) or name


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


def _tell_opportunity(t: Teller) -> Iterator[str]:
    found = t.files.table("09_actions", "opportunities")
    if found is None or found.empty:
        return
    first = found.iloc[0]
    place = _place(t.study, first)
    where = "" if place == first["measure"] else f"{place}, "
    yield t.say("opportunity", what=f"{first['measure']} ({where}{t.percent(first)})")
