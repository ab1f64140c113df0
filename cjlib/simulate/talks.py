"""Twenty-four interviews, as transcribed by different people, and two coders' codings."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cjlib.simulate.customers import CITY_NAMES
from cjlib.simulate.parameters import PERSONAS, STAGES, make_rng, read_stock

PER_PERSONA = {"planner": 4, "hurried": 3, "reassurance": 3, "enthusiast": 2}  # per language
FORMATS = ("txt", "vtt", "md", "srt")
NO_CONSENT = 17  # number of the interview whose participant did not agree
KEEPS = {"A": 0.93, "B": 0.81}  # chance that a coder gives the true code
SLIPS = 0.7  # of the codes not kept, the share given another code instead of none
LABELS = {"en": ("Interviewer", "P{:02d}"), "fa": ("مصاحبه‌گر", "شرکت‌کننده")}
PERSONAL = {
    3: "By the way, my name is Laleh Rezaei, you can call me on 0912 000 4321.",
    8: "You have my address, don't you? It is m.karami@example.com.",
    14: "راستی من نرگس احمدی هستم، شماره‌ام ۰۹۱۲۰۰۰۱۲۳۴ است.",
    19: "اگر لازم شد به r.mohammadi@example.com ایمیل بزنید.",
    22: "اسمم کاوه شریفی است، خانه‌ام هم خیابان گلستان، پلاک ۱۲.",
}  # something to pseudonymise, by number of the interview


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn: who speaks, what, and the stock sentences in it."""

    asks: bool
    text: str
    sentences: tuple[dict[str, str], ...] = ()


def write_interviews(
    customers: pd.DataFrame, waves: dict[str, pd.DataFrame], folder: Path, seed: int
) -> pd.DataFrame:
    """Write interviews/, interviews/people.csv and coding.csv.

    Returns
    -------
    DataFrame, one row per interview
        ``interview``, ``participant``, ``customer``, ``persona``: the truth.
    """
    rng = make_rng(seed, "interviews")
    place = folder / "interviews"
    place.mkdir(parents=True, exist_ok=True)
    people = _choose_people(customers, waves, rng)
    decks = _deal_sentences(people, rng)
    rows, codings = [], []
    for number, person in enumerate(people.to_dict("records"), start=1):
        name = f"i{number:02d}"
        turns = _talk(decks[number], person["language"], number, rng)
        turns = [_soil(turn, person["language"], number) for turn in turns]
        ending = FORMATS[(number + (number - 1) // 12) % 4]
        text = _transcribe(turns, ending, person["language"], number, rng)
        (place / f"{name}.{ending}").write_bytes(text.encode("utf-8"))
        codings += _code(turns, name, rng)
        rows.append(
            {
                "interview": name, "participant": f"P{number:02d}",
                "customer_id": person["customer"], "language": person["language"],
                "consent": "no" if number == NO_CONSENT else "yes", "age": person["age"],
                "gender": person["gender"], "place": CITY_NAMES[person["city"]],
                "file": f"{name}.{ending}", "persona": person["persona"],
            }
        )  # fmt: skip
    table = pd.DataFrame(rows)
    _write_csv(table.drop(columns="persona"), place / "people.csv")
    columns = ["interview", "turn", "coder", "code", "stage", "touchpoint", "valence", "quote"]
    coding = pd.DataFrame(codings, columns=columns)
    coding = coding.sort_values(["interview", "turn", "coder"], kind="stable")
    _write_csv(coding, folder / "coding.csv")
    return table.rename(columns={"customer_id": "customer"})[
        ["interview", "participant", "customer", "persona"]
    ]


def _choose_people(
    customers: pd.DataFrame, waves: dict[str, pd.DataFrame], rng: np.random.Generator
) -> pd.DataFrame:
    """Choose buyers who answered the spring wave with care, persona by persona."""
    spring = waves["spring"]
    ready = spring[spring["kind"].eq("careful") & ~spring["prospect"]]
    chosen = []
    for language in ("en", "fa"):
        part = ready[ready["language"].eq(language)]
        some = []
        for persona, count in PER_PERSONA.items():
            own = part.index[part["persona"].eq(persona)]
            some += list(rng.choice(own, count, replace=False))
        chosen += list(rng.permutation(some))
    return ready.loc[chosen, list(customers.columns)].reset_index(drop=True)


def _deal_sentences(
    people: pd.DataFrame, rng: np.random.Generator
) -> dict[int, list[dict[str, str]]]:
    """Give every sentence of the stock to one participant of its persona and language."""
    stock = read_stock("sentences.csv")
    decks: dict[int, list[dict[str, str]]] = {n: [] for n in range(1, len(people) + 1)}
    for language in ("en", "fa"):
        for persona in PERSONAS:
            mine = people["language"].eq(language) & people["persona"].eq(persona)
            numbers = (np.flatnonzero(mine) + 1).tolist()
            at = 0
            for stage in STAGES:
                kind = (language, persona, stage)
                cards = [c for c in stock if (c["language"], c["persona"], c["stage"]) == kind]
                for card in rng.permutation(len(cards)):
                    decks[numbers[at % len(numbers)]].append(cards[int(card)])
                    at += 1
    return decks


def _talk(
    cards: list[dict[str, str]], language: str, number: int, rng: np.random.Generator
) -> list[Turn]:
    """Set the sentences into questions and answers, in journey order."""
    stock = [row for row in read_stock("questions.csv") if row["language"] == language]
    asked: set[str] = set()

    def say(part: str) -> str:
        lines = [row["text"] for row in stock if row["part"] == part]
        fresh = [line for line in lines if line not in asked]
        if not fresh and part != "more":
            return say("more")
        line = (fresh or lines)[int(rng.integers(len(fresh or lines)))]
        asked.add(line)
        return line

    opening = f"{say('answer_open')} {PERSONAL.get(number, '')}".strip()
    turns = [Turn(True, say("open")), Turn(False, opening)]
    for stage in STAGES:
        stage_cards = [c for c in cards if c["stage"] == stage]
        while stage_cards:
            size = (
                2 if len(stage_cards) > 2 or (len(stage_cards) == 2 and rng.random() < 0.75) else 1
            )
            answer, stage_cards = stage_cards[:size], stage_cards[size:]
            turns.append(Turn(True, say(stage)))
            turns.append(Turn(False, " ".join(c["text"] for c in answer), tuple(answer)))
    return [*turns, Turn(True, say("close")), Turn(False, say("answer_close"))]


def _soil(turn: Turn, language: str, number: int) -> Turn:
    """Let some Persian typists lose half-spaces or use Arabic letters."""
    if language == "en" or number % 4 in (0, 1):
        return turn

    def spell(text: str) -> str:
        if number % 4 == 2:
            return text.replace("ی", "ي").replace("ک", "ك")
        return text.replace("\u200c", " ")

    cards = tuple(card | {"text": spell(card["text"])} for card in turn.sentences)
    return Turn(turn.asks, spell(turn.text), cards)


def _transcribe(
    turns: list[Turn], ending: str, language: str, number: int, rng: np.random.Generator
) -> str:
    asker, answerer = (name.format(number) for name in LABELS[language])
    now, lines = 0.0, []
    if ending == "vtt":
        lines += ["WEBVTT", ""]
    if ending == "md":
        lines += [
            f"# Interview i{number:02d}" if language == "en" else f"# مصاحبهٔ i{number:02d}",
            "",
        ]
    for count, turn in enumerate(turns, start=1):
        name = asker if turn.asks else answerer
        start, now = now, now + 1.5 + 0.42 * len(turn.text.split()) * float(rng.uniform(0.8, 1.3))
        end = now
        now += float(rng.uniform(0.3, 1.5))
        if ending == "txt":
            lines += [f"{name}: {turn.text}"]
        elif ending == "md":
            lines += [f"**{name}:** {turn.text}", ""]
        elif ending == "vtt":
            lines += [
                f"{_clock(start, '.')} --> {_clock(end, '.')}",
                f"<v {name}>{turn.text}</v>",
                "",
            ]
        else:
            lines += [str(count), f"{_clock(start, ',')} --> {_clock(end, ',')}",
                      f"{name}: {turn.text}", ""]  # fmt: skip
    return "\n".join(lines).rstrip("\n") + "\n"


def _clock(seconds: float, point: str) -> str:
    whole, milli = divmod(round(seconds * 1000), 1000)
    return f"{whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d}{point}{milli:03d}"


def _code(turns: list[Turn], name: str, rng: np.random.Generator) -> list[tuple[Any, ...]]:
    """Let both coders code every answer; neither is without error."""
    codes = read_stock("codes.csv")
    lane_of = {row["code"]: row["lane"] for row in codes}
    rows = []
    for number, turn in enumerate(turns, start=1):
        for card in turn.sentences:
            for coder, keeps in KEEPS.items():
                code, valence = card["code"], int(card["valence"])
                if rng.random() >= keeps:
                    if rng.random() >= SLIPS:
                        continue
                    near = [c for c in lane_of if lane_of[c] == lane_of[code] and c != code]
                    code = near[int(rng.integers(len(near)))]
                if rng.random() > keeps + 0.05:
                    valence = 0
                rows.append((name, number, coder, code, card["stage"], card["touchpoint"],
                             valence, card["text"]))  # fmt: skip
    once = {row[:4]: row for row in reversed(rows)}  # a coder gives a turn each code once
    return list(once.values())


def _write_csv(frame: pd.DataFrame, path: Path) -> None:
    path.write_bytes(frame.to_csv(index=False, lineterminator="\n").encode("utf-8"))
