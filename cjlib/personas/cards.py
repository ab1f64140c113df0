"""Persona cards: every line with its number, its people and its source, or marked as assumption."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from cjlib.columns import AMOUNT, CUSTOMER, PERSONA, RATING, TOUCHPOINT
from cjlib.definitions import Text
from cjlib.intervals import Estimate, Floats, estimate_mean, estimate_nps, estimate_share, unknown
from cjlib.language import phrase
from cjlib.personas.behaviour import find_common_path
from cjlib.personas.medians import estimate_median
from cjlib.personas.profiles import MEAN, SHARE, Trait
from cjlib.study import Study

SECTIONS: Final = (
    "who", "needs", "pains", "behaviour", "trust", "outcomes", "journey", "value",
)  # fmt: skip
TOP: Final = 3  # lines of a section chosen by rule
MEASURED, ASSUMPTION = "measured", "assumption"


@dataclass(frozen=True, slots=True, eq=False)
class Card:
    """One persona on a page.

    Attributes
    ----------
    persona : str
        Its id.
    name : Text
    basis : str
        "typical" or "ideal".
    lines : DataFrame
        ``section, key, label_en, label_fa, text_en, text_fa, unit`` (share, mean, median,
        nps, money or words), ``estimate, low, high, level, n, method, overall, source,
        evidence`` (measured or assumption).
    quotes : DataFrame
        ``text, language, participant, interview_id, turn, kind`` (typical or dissenting),
        ``known``: whether the speaker is a member.
    warnings : tuple of Text
    """

    persona: str
    name: Text
    basis: str
    lines: pd.DataFrame
    quotes: pd.DataFrame
    warnings: tuple[Text, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Material:
    """Everything a card is written from.

    Attributes
    ----------
    study : Study
    frame : DataFrame, personas : Series, weights : array
        One row per person who was asked (or per customer, where segments come from the log).
    traits : list of Trait
    profiles, sizes : DataFrame
    of_customer : Series
        Persona by customer id.
    behaviour, interactions : DataFrame or None
        One row per customer; one row per contact.
    """

    study: Study
    frame: pd.DataFrame
    personas: pd.Series
    weights: Floats
    traits: list[Trait]
    profiles: pd.DataFrame
    sizes: pd.DataFrame
    of_customer: pd.Series
    behaviour: pd.DataFrame | None
    interactions: pd.DataFrame | None


def write_card(
    material: Material, persona: str, name: Text, quotes: pd.DataFrame, warnings: tuple[Text, ...]
) -> Card:
    """Write the card of one persona.

    Rules: demographics are medians and commonest answers; needs the three items on which the
    persona stands highest above all; pains the three named by most members; behaviour the
    three ways most members use (from a log alone: what differs most from all); trust the
    three that differ most from all; journey the commonest order of stages and the three
    touchpoints most of its customers use; outcomes NPS, overall CSAT, CES and the lowest CSAT of a
    stage. A section nothing is known about says "assumption".
    """
    rows: list[dict[str, Any]] = []
    for section in SECTIONS:
        found = _SECTIONS[section](material, persona)
        rows += found or [_line(section, "", Text(), None, evidence=ASSUMPTION)]
    lines = pd.DataFrame(rows)
    lines["n"] = lines["n"].astype("Int64")
    return Card(persona, name, material.study.personas.basis, lines, quotes, warnings)


def _who(material: Material, persona: str) -> list[dict[str, Any]]:
    size = material.sizes.set_index(PERSONA).loc[persona]
    source = str(size["source"])
    label = _phrase("persona.share" if source == "survey" else "persona.share_customers")
    rows = [_line("who", "share", label, _estimate(size), unit="share", source=source)]
    own = _members(material, persona)
    level = material.study.level
    for trait in material.traits:
        if trait.role != "description":
            continue
        if trait.kind == MEAN:
            values = material.frame.loc[own, trait.name].to_numpy(dtype=float)
            found = _protect(material, estimate_median(values, material.weights[own], level=level))
            rows.append(_line("who", trait.name, trait.label, found, unit="median"))
            continue
        part = _profile(material, persona, [trait.name])
        known = part[part["estimate"].notna()]
        if trait.kind == SHARE or known.empty:
            rows += [_profile_line("who", row) for row in part.head(1).to_dict("records")]
            if trait.kind == "nominal" and rows:
                rows[-1]["label_en"], rows[-1]["label_fa"] = trait.label.en, trait.label.fa
            continue
        best = known.iloc[int(known["estimate"].argmax())]
        rows.append(
            _line("who", trait.name, trait.label, _estimate(best), unit="share",
                  text=Text(best["label_en"], best["label_fa"]), overall=best["overall"])
        )  # fmt: skip
    return rows


def _needs(material: Material, persona: str) -> list[dict[str, Any]]:
    used = [t.name for t in material.traits if t.role == "need"]
    return _top(material, persona, "needs", used, by="effect")


def _pains(material: Material, persona: str) -> list[dict[str, Any]]:
    return _top(material, persona, "pains", _named(material, "pain"), by="estimate")


def _behaviour(material: Material, persona: str) -> list[dict[str, Any]]:
    asked = _top(material, persona, "behaviour", _named(material, "behaviour"), by="estimate")
    if asked:
        return asked + _top(material, persona, "behaviour", ["channels"], by="far")
    seen = [t.name for t in material.traits if t.source == "interactions"]
    seen = [name for name in seen if name not in (AMOUNT, RATING, "contacts", "wait_hours")]
    return _top(material, persona, "behaviour", seen, by="far")


def _trust(material: Material, persona: str) -> list[dict[str, Any]]:
    return _top(material, persona, "trust", _named(material, "trust", "attitude"), by="far")


def _outcomes(material: Material, persona: str) -> list[dict[str, Any]]:
    own = _members(material, persona)
    asked = {i.name: i for i in material.study.codebook.items if i.metric}
    rows: list[dict[str, Any]] = []
    stages: list[str] = []
    for trait in material.traits:
        item = asked.get(trait.name)
        if item is None:
            continue
        if trait.metric == "nps":
            values = material.frame[trait.name].to_numpy(dtype=float)
            level = material.study.level
            found = estimate_nps(values[own], material.weights[own], level=level)
            everyone = estimate_nps(values, material.weights, level=level).estimate
            rows.append(
                _line("outcomes", trait.name, trait.label, _protect(material, found),
                      unit="nps", overall=everyone)
            )  # fmt: skip
        elif trait.metric == "ces" or not (item.stage or item.touchpoint):
            part = _profile(material, persona, [trait.name])
            rows += [_profile_line("outcomes", row) for row in part.to_dict("records")]
        elif trait.metric == "csat" and item.stage:
            stages.append(trait.name)
    if RATING in set(material.profiles["item"]):
        part = _profile(material, persona, [RATING])
        rows += [_profile_line("outcomes", row) for row in part.to_dict("records")]
    part = _profile(material, persona, stages)
    if part["estimate"].notna().any():
        lowest = _profile_line("outcomes", part.iloc[int(part["estimate"].argmin())].to_dict())
        said = _phrase("persona.lowest_stage")
        rows.append({**lowest, "text_en": said.en, "text_fa": said.fa})
    return rows


def _journey(material: Material, persona: str) -> list[dict[str, Any]]:
    if material.behaviour is None or material.interactions is None:
        return []
    study = material.study
    people = material.of_customer[material.of_customer == persona].index
    rows = material.interactions[material.interactions[CUSTOMER].isin(people)]
    contacts = material.behaviour[material.behaviour[CUSTOMER].isin(people)]
    if contacts.empty:
        return []
    found = []
    path, n = find_common_path(study, rows)
    if path and n >= study.privacy.minimum_cell:
        stages = {s.id: s.label for s in study.stages}
        text = Text(
            " → ".join(stages[s].to("en") for s in path),
            " ← ".join(stages[s].to("fa") for s in path),
        )
        share = _protect(material, estimate_share(n, len(contacts), level=study.level))
        found.append(
            _line("journey", "path", _phrase("persona.path"), share, unit="share", text=text,
                  source="interactions")
        )  # fmt: skip
    found += _touchpoints(material, rows, people=len(contacts))
    for name, key in (("contacts", "persona.contacts"), ("wait_hours", "persona.wait")):
        values = contacts[name].to_numpy(dtype=float)
        middle = estimate_median(values, np.ones(len(values)), level=study.level)
        found.append(
            _line("journey", name, _phrase(key), _protect(material, middle), unit="median",
                  source="interactions")
        )  # fmt: skip
    return found


def _touchpoints(material: Material, rows: pd.DataFrame, *, people: int) -> list[dict[str, Any]]:
    """Share of a persona's customers who use each of the touchpoints most of them use."""
    study = material.study
    everyone = material.interactions
    if everyone is None or TOUCHPOINT not in rows.columns:
        return []
    counts = rows.dropna(subset=[TOUCHPOINT]).groupby(TOUCHPOINT)[CUSTOMER].nunique()
    counts = counts[counts >= study.privacy.minimum_cell]
    counts = counts.sort_index().sort_values(ascending=False, kind="stable").head(TOP)
    total = everyone[CUSTOMER].nunique()
    used = everyone.groupby(TOUCHPOINT)[CUSTOMER].nunique()
    lines = []
    for touchpoint, n in counts.items():
        defined = study.touchpoint(str(touchpoint))
        label = defined.label if defined else Text(str(touchpoint))
        share = _protect(material, estimate_share(int(n), people, level=study.level))
        lines.append(
            _line("journey", f"touchpoint:{touchpoint}", _phrase("persona.touchpoint"), share,
                  unit="share", text=label, overall=float(used.loc[str(touchpoint)]) / total,
                  source="interactions")
        )  # fmt: skip
    return lines


def _value(material: Material, persona: str) -> list[dict[str, Any]]:
    if material.behaviour is None or not material.behaviour[AMOUNT].gt(0).any():
        return []
    study = material.study
    people = material.of_customer[material.of_customer == persona].index
    values = material.behaviour.loc[material.behaviour[CUSTOMER].isin(people), AMOUNT]
    found = _protect(material, estimate_mean(values.to_numpy(dtype=float), level=study.level))
    currency = study.currency_label
    label = Text(
        phrase("persona.amount", "en", currency=currency.to("en") or study.currency),
        phrase("persona.amount", "fa", currency=currency.to("fa") or study.currency),
    )
    everyone = float(material.behaviour[AMOUNT].mean())
    return [
        _line("value", "amount", label, found, unit="money", overall=everyone,
              source="interactions")
    ]  # fmt: skip


_SECTIONS: Final = {
    "who": _who, "needs": _needs, "pains": _pains, "behaviour": _behaviour, "trust": _trust,
    "outcomes": _outcomes, "journey": _journey, "value": _value,
}  # fmt: skip


def _top(
    material: Material, persona: str, section: str, names: list[str], *, by: str
) -> list[dict[str, Any]]:
    traits = {t.name: t for t in material.traits}
    part = _profile(material, persona, names)
    shown = [
        _shows(traits.get(str(item)), str(answer))
        for item, answer in zip(part["item"], part["answer"], strict=True)
    ]
    part = part[np.array(shown, dtype=bool)]
    part = part[part["estimate"].notna()] if part["estimate"].notna().any() else part.head(1)
    order = part["effect"].abs() if by == "far" else part[by]
    chosen = part.loc[order.sort_values(ascending=False, kind="stable").index].head(TOP)
    return [_asked(_profile_line(section, row), row, traits) for row in chosen.to_dict("records")]


def _shows(trait: Trait | None, answer: str) -> bool:
    """Of a yes/no question asked as two codes, only the first (yes) is a line."""
    return trait is None or len(trait.codes) != 2 or answer == trait.codes[0][0]


def _asked(line: dict[str, Any], row: dict[Any, Any], traits: dict[str, Trait]) -> dict[str, Any]:
    """Put the question before the answer of a nominal item."""
    if not row["answer"]:
        return line
    question = traits[str(row["item"])].label
    said = {"text_en": line["label_en"], "text_fa": line["label_fa"]}
    return {**line, **said, "label_en": question.to("en"), "label_fa": question.to("fa")}


def _named(material: Material, *roles: str) -> list[str]:
    return [t.name for t in material.traits if t.role in roles and t.source == "survey"]


def _profile(material: Material, persona: str, names: list[str]) -> pd.DataFrame:
    table = material.profiles
    return table[table[PERSONA].eq(persona) & table["item"].isin(names)]


def _members(material: Material, persona: str) -> np.ndarray:
    return material.personas.eq(persona).fillna(value=False).to_numpy(dtype=bool)


def _protect(material: Material, found: Estimate) -> Estimate:
    privacy = material.study.privacy
    if found.n < privacy.minimum_cell:
        return unknown(0, level=found.level, why=f"suppressed (n < {privacy.minimum_cell})")
    if found.n < privacy.minimum_base:
        return unknown(found.n, level=found.level, why=f"too few (n < {privacy.minimum_base})")
    return found


def _estimate(row: Any) -> Estimate:
    n = row["n"]
    return Estimate(
        float(row["estimate"]), float(row["low"]), float(row["high"]), float(row["level"]),
        0 if pd.isna(n) else int(n), str(row["method"]),
    )  # fmt: skip


def _profile_line(section: str, row: dict[Any, Any]) -> dict[str, Any]:
    label = Text(row["label_en"], row["label_fa"])
    return _line(
        section, str(row["item"]), label, _estimate(row), unit=str(row["unit"]),
        overall=row["overall"], source=str(row["source"]),
    )  # fmt: skip


def _line(
    section: str, key: str, label: Text, found: Estimate | None, *, unit: str = "words",
    text: Text | None = None, overall: float = float("nan"), source: str = "survey",
    evidence: str = MEASURED,
) -> dict[str, Any]:  # fmt: skip
    words = text or Text()
    numbers = found or unknown(0, why="nothing measured")
    return {
        "section": section, "key": key, "label_en": label.to("en"), "label_fa": label.to("fa"),
        "text_en": words.to("en"), "text_fa": words.to("fa"), "unit": unit, **numbers.as_dict(),
        "overall": overall, "source": source if evidence == MEASURED else "",
        "evidence": evidence,
    }  # fmt: skip


def _phrase(name: str) -> Text:
    return Text(phrase(name, "en"), phrase(name, "fa"))
