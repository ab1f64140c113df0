"""Both waves as survey tools export them: three header rows or drifted names, and dirt."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Hashable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from persiantools.jdatetime import JalaliDate

from cjlib.codebook import Codebook, Item, read_codebook
from cjlib.simulate.parameters import make_rng, read_stock

KNOWN_CUSTOMER = 0.85  # share of respondents who give their customer number
TWICE = 8  # rows exported twice (autumn), people who answered twice (spring)
ODD_ANSWERS = 5  # answers outside their scale, per wave
SKIPPED = 0.015  # share of single answers left out for no reason
PERSIAN_DIGITS, ARABIC_DIGITS = "۰۱۲۳۴۵۶۷۸۹", "٠١٢٣٤٥٦٧٨٩"
WORDS = {
    ("importance", "fa"): ("اصلاً مهم نیست", "کم‌اهمیت", "متوسط", "مهم", "خیلی مهم"),
    ("importance", "en"): ("Not at all important", "Slightly important", "Moderately important",
                           "Important", "Very important"),
    ("satisfaction", "fa"): ("خیلی ناراضی", "ناراضی", "نه راضی نه ناراضی", "راضی", "خیلی راضی"),
    ("satisfaction", "en"): ("Very dissatisfied", "Dissatisfied",
                             "Neither satisfied nor dissatisfied", "Satisfied",
                             "Very satisfied"),
    ("agreement", "fa"): ("کاملاً مخالفم", "مخالفم", "نه موافق نه مخالف", "موافقم", "کاملاً موافقم"),
    ("agreement", "en"): ("Strongly disagree", "Disagree", "Neither agree nor disagree", "Agree",
                          "Strongly agree"),
}  # fmt: skip
EMPTY = {
    "autumn": (("", "99", "نمی‌دانم"), (0.55, 0.3, 0.15)),
    "spring": (("-", "", "99"), (0.5, 0.3, 0.2)),
}
HOSTILE_COMMENTS = (
    "=1+1 is easier to understand than your delivery price",
    "<3 your tea cups; <b>really</b>",
    "First line: fine.\nSecond line: the \"free\" delivery was not free; was it?",
    "شمارهٔ من ۰۹۱۲۰۰۰۱۲۳۴ است، لطفاً تماس بگیرید.",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Hand:
    """How one respondent writes."""

    language: str
    digits: str  # ten digits, or "mixed"
    words: bool  # scale answers in words
    arabic: bool  # Arabic yeh and kaf
    joined: bool  # half-spaces lost


def write_surveys(waves: dict[str, pd.DataFrame], folder: Path, seed: int) -> pd.DataFrame:
    """Write survey/autumn.csv and survey/spring.csv.

    Returns
    -------
    DataFrame, one row per data row of the two files
        ``wave``, ``row`` (from 1), ``raw_id``, ``customer``, ``customer_given``, ``persona``,
        ``kind``: the truth about who answered and how.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with resources.as_file(resources.files("cjlib.simulate") / "stock" / "codebook.csv") as file:
        codebook, _ = read_codebook(file)
    truths = []
    for number, (wave, people) in enumerate(waves.items()):
        rng = np.random.default_rng([*make_rng(seed, wave).integers(0, 2**31, 4), number])
        known = _answer_twice(people.assign(wave=wave), wave, rng)
        rows = [_write_row(person, wave, codebook, rng) for person in known.to_dict("records")]
        _misplace(rows, wave, codebook, rng)
        if wave == "autumn":
            again = np.sort(rng.choice(len(rows) - 40, TWICE, replace=False))
            rows += [dict(rows[i]) for i in again]
            known = pd.concat([known, known.iloc[again].assign(kind="duplicate")])
        _write_file(rows, wave, codebook, folder / f"{wave}.csv")
        header = codebook["respondent"].headers(wave)[0]
        given = codebook["customer"].headers(wave)[0]
        truths.append(
            known[["wave", "customer", "persona", "kind"]].assign(
                row=range(1, len(known) + 1),
                raw_id=[r[header] for r in rows],
                customer_given=[r[given] not in ("", "-") for r in rows],
            )
        )
    return pd.concat(truths, ignore_index=True)


def _answer_twice(frame: pd.DataFrame, wave: str, rng: np.random.Generator) -> pd.DataFrame:
    """Give every person a raw id and a number; in spring some answer a second time."""
    careful = frame.index[frame["kind"].eq("careful")]
    known = rng.random(len(frame)) < KNOWN_CUSTOMER
    if wave == "spring":
        again = rng.choice(careful[: len(careful) - 60], TWICE, replace=False)
        known[again] = True
        second = frame.loc[np.sort(again)].assign(kind="duplicate")
        second["date"] = second["date"] + pd.Timedelta(hours=30)
        frame = pd.concat([frame.assign(known=known), second.assign(known=True)])
        frame = frame.sort_values("date", kind="stable", ignore_index=True)
        return frame.assign(raw_id=[str(20001 + 3 * i) for i in range(len(frame))])
    letters = np.array(list("ABCDEFGHJKLMNPQRSTUVWXYZabcdefghkmnpqrstuvwxyz123456789"))
    ids = ["R_" + "".join(rng.choice(letters, 15)) for _ in range(len(frame))]
    return frame.assign(known=known, raw_id=ids)


def _write_row(
    person: dict[Hashable, Any], wave: str, codebook: Codebook, rng: np.random.Generator
) -> dict[str, str]:
    """Return the cells of one respondent, as text, by header."""
    hand = _draw_hand(person["language"], wave, rng)
    cells: dict[str, str] = {}
    refused = person["consent"] == 0
    plain = _fill(person, wave, hand, rng)
    for item in codebook.items:
        headers = item.headers(wave)
        if not headers:
            continue
        if item.kind == "tick":
            cell = _tick(person[item.name], wave, hand) if not refused else ""
        elif item.kind in ("scale", "check"):
            cell = _rate(person[item.name], item, wave, hand, rng, refused=refused)
        elif item.kind == "nominal":
            cell = "" if refused else _name(person[item.name], item, wave, hand, rng)
        else:
            cell = plain[item.name]
        cells[headers[0]] = cell
    return cells


def _draw_hand(language: str, wave: str, rng: np.random.Generator) -> Hand:
    words = bool(rng.random() < (0.4 if wave == "autumn" else 0.25))
    draw = rng.random(3)
    if language == "en":
        return Hand("en", "0123456789", words, arabic=False, joined=False)
    digits = (
        "0123456789" if draw[0] < 0.38 else PERSIAN_DIGITS if draw[0] < 0.8
        else ARABIC_DIGITS if draw[0] < 0.9 else "mixed"
    )  # fmt: skip
    return Hand("fa", digits, words, arabic=bool(draw[1] < 0.2), joined=bool(draw[2] < 0.22))


def _rate(
    value: float, item: Item, wave: str, hand: Hand, rng: np.random.Generator, *, refused: bool
) -> str:
    draw = rng.random()
    if refused:
        return ""
    if pd.isna(value) or (item.kind == "scale" and draw < SKIPPED):
        choices, chances = EMPTY[wave]
        code = str(rng.choice(choices, p=chances))
        return code if hand.language == "fa" or not code.startswith("ن") else "-"
    words = WORDS.get((item.scale, hand.language))
    if hand.words and words and item.metric != "nps":
        return _spell(words[int(value) - 1], hand)
    return _digits(f"{value:.0f}", hand, rng)


def _tick(value: float, wave: str, hand: Hand) -> str:
    if wave == "autumn":
        return "1" if value else ""
    if hand.words:
        return {"fa": ("خیر", "بله"), "en": ("No", "Yes")}[hand.language][int(value)]
    return "1" if value else "0"


def _name(code: str, item: Item, wave: str, hand: Hand, rng: np.random.Generator) -> str:
    draw = rng.random()
    if draw < 0.02:
        return "-" if wave == "spring" else ""
    if wave == "spring" and item.name != "city":
        return code.upper() if draw > 0.9 else code
    label = item.labels[code].to(hand.language)
    return _spell(label, hand)


def _fill(
    person: dict[Hashable, Any], wave: str, hand: Hand, rng: np.random.Generator
) -> dict[str, str]:
    """Return the cells that are neither rated, ticked nor chosen from a list, by item."""
    when: datetime = person["date"].to_pydatetime()
    draw = rng.random()
    stamp = when.strftime("%Y-%m-%d %H:%M:%S")
    refused = person["consent"] == 0
    return {
        "respondent": person["raw_id"],
        "customer": person["customer"] if person["known"] and not refused else
        ("-" if draw < 0.1 else ""),
        "start_date": (person["date"] - pd.Timedelta(seconds=person["seconds"])).strftime(
            "%Y-%m-%d %H:%M:%S"
        ),
        "end_date": stamp, "status": "IP Address",
        "address": f"192.0.2.{int(draw * 250) + 1}",
        "progress": "100" if person["kind"] != "partial" else "38",
        "finished": "False" if person["kind"] == "partial" else "True",
        "email": f"visitor{int(draw * 9000) + 1000}@example.com" if draw < 0.2 else "",
        "date": stamp if wave == "autumn" else _day(when, hand, draw, rng),
        "duration": f"{person['seconds']:.0f}" if wave == "autumn" else
        _digits(f"{person['seconds']:.0f}", hand, rng),
        "language": hand.language.upper() if wave == "autumn" else hand.language,
        "consent": _consent(person["consent"], wave, hand),
        "age": "" if refused else "99" if draw < 0.015 else _digits(str(person["age"]), hand, rng),
        "comment": "" if refused or person["kind"] != "careful" or draw > 0.36
        else _comment(person["persona"], hand, rng),
    }  # fmt: skip


def _consent(value: float, wave: str, hand: Hand) -> str:
    if wave == "spring":
        return f"{value:.0f}"
    return {"fa": ("خیر", "بله"), "en": ("No", "Yes")}[hand.language][int(value)]


def _day(when: datetime, hand: Hand, draw: float, rng: np.random.Generator) -> str:
    if hand.language == "en":
        return when.strftime("%Y-%m-%d")
    day = JalaliDate(when.date())  # type: ignore[no-untyped-call]
    if draw < 0.15:
        return _digits(str(day.strftime("%d %B %Y", locale="fa")), hand, rng)
    return _digits(str(day.strftime("%Y/%m/%d", locale="en")), hand, rng)


def _comment(persona: str, hand: Hand, rng: np.random.Generator) -> str:
    own = _comments()[hand.language, persona]
    return _spell(own[int(rng.integers(len(own)))], hand)


@cache
def _comments() -> dict[tuple[str, str], list[str]]:
    groups: dict[tuple[str, str], list[str]] = {}
    for row in read_stock("comments.csv"):
        groups.setdefault((row["language"], row["persona"]), []).append(row["text"])
    return groups


def _spell(text: str, hand: Hand) -> str:
    if hand.arabic:
        text = text.replace("ی", "ي").replace("ک", "ك")
    return text.replace("\u200c", " ") if hand.joined else text


def _digits(text: str, hand: Hand, rng: np.random.Generator) -> str:
    digits = hand.digits
    if digits == "mixed":
        digits = "".join(rng.choice([p, a]) for p, a in zip(PERSIAN_DIGITS, "0123456789",
                                                           strict=True))  # fmt: skip
    plain = str.maketrans("0123456789۰۱۲۳۴۵۶۷۸۹", digits * 2)
    return text.translate(plain)


def _misplace(
    rows: list[dict[str, str]], wave: str, codebook: Codebook, rng: np.random.Generator
) -> None:
    """Put a few answers outside their scale, wrong ages, and comments that test a reader."""
    needs = [i.headers(wave)[0] for i in codebook.select(role="need")]
    age, comment = codebook["age"].headers(wave)[0], codebook["comment"].headers(wave)[0]
    for at in rng.choice(len(rows), ODD_ANSWERS, replace=False):
        if rows[at][needs[0]]:
            rows[at][str(rng.choice(needs))] = str(rng.choice(["55", "6", "0", "4.5.", "?"]))
    for at, wrong in zip(rng.choice(len(rows), 3, replace=False), ("1362", "340", "۲۰۰"),
                         strict=True):  # fmt: skip
        rows[at][age] = wrong
    for at, text in zip(rng.choice(len(rows), len(HOSTILE_COMMENTS), replace=False),
                        HOSTILE_COMMENTS, strict=True):  # fmt: skip
        rows[at][comment] = text


def _write_file(rows: list[dict[str, str]], wave: str, codebook: Codebook, path: Path) -> None:
    headers = [i.headers(wave)[0] for i in codebook.items if i.headers(wave)]
    separator = "," if wave == "autumn" else ";"
    text = io.StringIO()
    writer = csv.writer(text, delimiter=separator, lineterminator="\n")
    writer.writerow(headers)
    if wave == "autumn":
        writer.writerow([i.question.en for i in codebook.items if i.headers(wave)])
        writer.writerow([json.dumps({"ImportId": _import_id(h)}) for h in headers])
    writer.writerows([row[h] for h in headers] for row in rows)
    encoding = "utf-8-sig" if wave == "autumn" else "utf-8"
    path.write_bytes(text.getvalue().encode(encoding))


def _import_id(header: str) -> str:
    if header.startswith("Q") and header[1:2].isdigit():
        return f"QID{header[1:]}"
    known = {"Duration (in seconds)": "duration", "ResponseId": "_recordId"}
    return known.get(header, header[0].lower() + header[1:])
