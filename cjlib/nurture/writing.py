"""The folder for a marketing-automation tool: members, funnel, checks, rules and a dictionary."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from cjlib.columns import CUSTOMER, PERSONA, STAGE, require_columns
from cjlib.errors import JourneyError
from cjlib.language import phrase
from cjlib.nurture.consent import CONSENT, find_consent
from cjlib.nurture.follow_ups import choose_follow_ups
from cjlib.nurture.leads import LeadFunnel, find_lead_stages, lead_stages, measure_lead_funnel
from cjlib.nurture.scoring import LeadScores, score_leads
from cjlib.study import Study
from cjlib.tables import write_table

MEMBERS: Final = (
    CUSTOMER, PERSONA, "persona_name", "membership", STAGE, "stage_label", "since", "last_contact",
    "score", "score_rule", "follow_up", "say", "follow_up_channel", CONSENT,
)  # fmt: skip
SIDE: Final = ("funnel", "score_checks", "score_calibration", "left_out", "rules")
FILES: Final = (
    "members.csv", "members.parquet", *(f"{name}.csv" for name in SIDE), "data_dictionary.csv",
)  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class HandOver:
    """What ``write_handover`` wrote.

    Attributes
    ----------
    folder : Path
    members : DataFrame
        One row per customer who gave consent: ``customer_id`` (pseudonym), ``persona,
        persona_name, membership``; ``stage, stage_label, since, last_contact``; ``score,
        score_rule``; ``follow_up, say, follow_up_channel``; ``consent``.
    funnel : LeadFunnel
        Of all customers, also those without consent: counts say nothing of one person.
    scores : LeadScores
    left_out : DataFrame
        ``reason, people``: who is not in the folder, and why.
    dictionary : DataFrame
        ``file, column, type, meaning_en, meaning_fa``.
    """

    folder: Path
    members: pd.DataFrame
    funnel: LeadFunnel
    scores: LeadScores
    left_out: pd.DataFrame
    dictionary: pd.DataFrame

    def summary(self) -> str:
        """Say who is handed over and who is not, in one sentence."""
        out = "; ".join(f"{row['people']:,} {row['reason']}" for _, row in self.left_out.iterrows())
        named = int(self.members["follow_up"].ne("none applies").sum())
        return (
            f"{len(self.members):,} customers with consent are handed over, {named:,} with a "
            f"follow-up; left out: {out or 'nobody'}."
        )


def write_handover(
    study: Study,
    folder: Path,
    *,
    interactions: Any,
    survey: Any | None = None,
    personas: Any | None = None,
    consent: pd.DataFrame | None = None,
    rng: np.random.Generator | None = None,
) -> HandOver:
    """Write the folder that a marketing-automation tool reads: whole, or not at all.

    Only customers who agreed to be contacted are in it (``find_consent``); the others are
    counted in left_out.csv. Customers appear under the study's pseudonyms and nothing else;
    whoever holds the key can join them to addresses. members.csv and members.parquet hold
    the same rows, by pseudonym; in CSV texts that a spreadsheet would run get an apostrophe.

    Parameters
    ----------
    study : Study
        ``nurture``: stages, score, follow-ups and consent question.
    folder : Path
        Made anew; an earlier hand-over there is replaced, any other file refused.
    interactions : Interactions
    survey : Survey, optional
        For consent, and the pains that follow-ups ask for.
    personas : Personas or DataFrame, optional
        Or ``type_people(...)`` of a typing tool: ``customer_id, persona`` and ``probability``
        or ``margin``, with ``persona_name`` where there is one. A customer's last row counts.
    consent : DataFrame, optional
        ``customer_id, consent`` from elsewhere, see ``find_consent``.
    rng : Generator, optional
        For the score's check.

    Raises
    ------
    MissingSourceError
        If nobody was asked for consent.
    JourneyError
        If the folder holds other files.
    """
    folder = Path(folder)
    _require_free(folder)
    study.require("events", caller="write_handover")
    respondents = None if survey is None else survey.respondents
    asked = getattr(survey, "everyone", respondents)  # also who was removed for refusing
    agreed = find_consent(study, asked, given=consent)
    scores = score_leads(study, interactions, rng=rng)
    everyone = _gather(study, interactions, agreed, personas, scores)
    nexts = choose_follow_ups(study, everyone, interactions=interactions, respondents=respondents)
    everyone = everyone.merge(nexts, on=CUSTOMER, how="left", validate="one_to_one")
    yes = everyone[CONSENT].fillna(False).astype(bool)
    members = everyone.loc[yes, list(MEMBERS)].sort_values(CUSTOMER, ignore_index=True)
    left_out = _count_left_out(everyone, respondents)
    funnel = measure_lead_funnel(study, interactions)
    found = HandOver(folder, members, funnel, scores, left_out, _describe(study, members, scores))
    _write(found, _tell_rules(study))
    return found


def _gather(
    study: Study, interactions: Any, agreed: pd.Series, personas: Any | None, scores: LeadScores
) -> pd.DataFrame:
    leads = find_lead_stages(study, interactions)[[CUSTOMER, STAGE, "since", "last_contact"]]
    table = leads.astype({CUSTOMER: "string"})
    only = agreed.index.difference(pd.Index(table[CUSTOMER]))  # agreed, but no contact in the log
    table = pd.concat([table, pd.DataFrame({CUSTOMER: only}, dtype="string")], ignore_index=True)
    labels = {stage.id: stage.label.to(study.language) for stage in lead_stages(study)}
    table["stage_label"] = table[STAGE].map(labels).astype("string")
    for name in ("since", "last_contact"):
        table[name] = pd.to_datetime(table[name]).dt.normalize()
    score = scores.table.set_index(CUSTOMER)["score"]
    table["score"] = table[CUSTOMER].map(score).astype(float)
    table["score_rule"] = pd.Series(scores.rule, index=table.index, dtype="string")
    table["score_rule"] = table["score_rule"].mask(table["score"].isna())
    table[CONSENT] = table[CUSTOMER].map(agreed).astype("boolean")
    return _add_personas(table, personas)


def _add_personas(table: pd.DataFrame, personas: Any | None) -> pd.DataFrame:
    blank = pd.Series(pd.NA, index=table.index, dtype="string")
    if personas is None:
        return table.assign(persona=blank, persona_name=blank, membership=np.nan)
    members: pd.DataFrame = getattr(personas, "members", personas)
    require_columns(members, (CUSTOMER, PERSONA), caller="write_handover")
    names: dict[str, str] = getattr(personas, "names", {})
    known = members[members[CUSTOMER].notna()].drop_duplicates(CUSTOMER, keep="last")
    known = known.set_index(known[CUSTOMER].astype(str))
    table[PERSONA] = table[CUSTOMER].map(known[PERSONA]).astype("string")
    if "persona_name" in known:
        table["persona_name"] = table[CUSTOMER].map(known["persona_name"]).astype("string")
    else:
        table["persona_name"] = table[PERSONA].map(names).astype("string") if names else blank
    sure = next((name for name in ("probability", "margin") if name in known), None)
    table["membership"] = table[CUSTOMER].map(known[sure]).astype(float) if sure else np.nan
    return table


def _count_left_out(everyone: pd.DataFrame, respondents: pd.DataFrame | None) -> pd.DataFrame:
    counts = {
        "without consent on record": int(everyone[CONSENT].isna().sum()),
        "who refused": int(everyone[CONSENT].eq(False).fillna(False).sum()),
    }
    if respondents is not None:
        nameless = int(respondents[CUSTOMER].isna().sum())
        counts["answers to the survey without a customer number"] = nameless
    rows = [(reason, people) for reason, people in counts.items() if people]
    return pd.DataFrame(rows, columns=["reason", "people"])


def _tell_rules(study: Study) -> pd.DataFrame:
    """Every rule that made a column, as the study states it."""
    rows = [
        ("stage", stage.id, stage.label.to(study.language),
         f"contact number {stage.times} at {', '.join(stage.at)}")
        for stage in lead_stages(study)
    ]  # fmt: skip
    scoring = study.nurture.scoring
    rows += [
        ("score", "points", f"{line.points:g}",
         f"each contact at {', '.join(line.at)} in {scoring.window_days} days"
         + (f", at most {line.most:g}" if line.most is not None else ""))
        for line in scoring.points if scoring.rule == "points"
    ]  # fmt: skip
    names = ("stages", "personas", "pains", "quiet_days", "complained_days", "score_at_least",
             "score_below")  # fmt: skip
    for rule in study.nurture.follow_ups:
        given = {name: getattr(rule, name) for name in names}
        told = [f"{k}: {_spell(v)}" for k, v in given.items() if v not in (None, ())]
        rows.append(("follow_up", rule.id, rule.say.to(study.language),
                     "; ".join(told) or "always"))  # fmt: skip
    return pd.DataFrame(rows, columns=["kind", "id", "label", "rule"])


def _spell(value: Any) -> str:
    return ", ".join(value) if isinstance(value, tuple) else f"{value:g}"


def _describe(study: Study, members: pd.DataFrame, scores: LeadScores) -> pd.DataFrame:
    rows = [
        {"file": "members", "column": name, "type": _type(members[name]),
         "meaning_en": phrase(f"nurture.{name}", "en"),
         "meaning_fa": phrase(f"nurture.{name}", "fa")}
        for name in MEMBERS
    ]  # fmt: skip
    rows[MEMBERS.index("score")]["meaning_en"] += f" {scores.summary()}"
    rows += [
        {"file": f"{name}.csv", "column": "", "type": "table",
         "meaning_en": phrase(f"nurture.{name}", "en"),
         "meaning_fa": phrase(f"nurture.{name}", "fa")}
        for name in SIDE
    ]  # fmt: skip
    return pd.DataFrame(rows)


def _type(column: pd.Series) -> str:
    if pd.api.types.is_datetime64_any_dtype(column):
        return "date"
    if pd.api.types.is_bool_dtype(column):
        return "true or false"
    return "number" if pd.api.types.is_numeric_dtype(column) else "text"


def _write(found: HandOver, rules: pd.DataFrame) -> None:
    place = found.folder
    part = place.with_name(place.name + ".part")
    if part.exists():
        shutil.rmtree(part)
    part.mkdir(parents=True)
    write_table(found.members, part / "members.csv")
    found.members.to_parquet(part / "members.parquet", index=False)
    tables = (
        found.funnel.table, found.scores.checks, found.scores.calibration, found.left_out, rules,
    )  # fmt: skip
    for name, table in zip(SIDE, tables, strict=True):
        write_table(table, part / f"{name}.csv")
    write_table(found.dictionary, part / "data_dictionary.csv")
    if place.exists():
        shutil.rmtree(place)
    part.rename(place)


def _require_free(folder: Path) -> None:
    if not folder.exists():
        return
    if not folder.is_dir():
        raise JourneyError(f"write_handover: folder must be a folder; '{folder}' is a file.")
    strange = sorted(f.name for f in folder.iterdir() if f.name not in FILES)
    if strange:
        raise JourneyError(
            f"write_handover: folder must be new or hold an earlier hand-over only; '{folder}' "
            f"also holds {len(strange)} other files ({strange[0]}). Name another folder."
        )
