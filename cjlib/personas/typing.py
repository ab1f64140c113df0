"""Typing new people: the few questions that tell personas apart, and how well they do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from cjlib.columns import CUSTOMER, ESTIMATE, HIGH, LOW, PERSONA, RESPONDENT, WAVE, WEIGHT
from cjlib.definitions import Text
from cjlib.errors import JourneyError, TooFewError
from cjlib.intervals import estimate_weighted_share
from cjlib.personas.clustering import Floats, Ints
from cjlib.personas.discriminant import Discriminant, fit_discriminant, to_probabilities
from cjlib.personas.questions import Question, find_questions, read_answers_to
from cjlib.personas.selection import choose_questions, deal_folds
from cjlib.study import Study

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from cjlib.personas.model import Personas

OUTER: Final = 10  # folds on which the whole choice of questions is judged
MOST_ROWS: Final = 20_000  # people the tool is learned from; more change nothing one can see
MOST_MISSING: Final = 0.5  # with more than this share of the questions open, nobody is placed
UNSURE_BELOW: Final = 0.5  # probability: another persona may then be as likely
ALL: Final = "all"
NONE: Final = "none"


@dataclass(frozen=True, slots=True, eq=False)
class TypingTool:
    """A few questions and the numbers that turn their answers into a persona.

    Attributes
    ----------
    table : DataFrame
        One row per number of questions: ``questions`` (0: everybody is put into the largest
        persona; then 1, 2, ...; the last row, ``step`` "all": every question the segments were made
        on), ``step`` (none, the item added, all), ``text_en, text_fa``; ``estimate``: share
        of people put into their own persona when their answers had no part in choosing
        questions or coefficients, with ``low, high, level, n, method``; ``kept``; ``again``:
        share of the folds that chose this item too.
    confusion : DataFrame
        ``persona, typed`` and the share of the persona's people typed so (``estimate, low,
        high, level, n, method``), from the same held-out answers. These are errors of the tool,
        not answers of people: small cells are shown.
    questions : tuple of Question
        Kept, in the order they were chosen.
    personas : dict of str to Text
        Id and name.
    model : Discriminant
    study : str
        Id of the study.
    language : str
    notes : tuple of str
    """

    table: pd.DataFrame
    confusion: pd.DataFrame
    questions: tuple[Question, ...]
    personas: dict[str, Text]
    model: Discriminant
    study: str
    language: str
    notes: tuple[str, ...]

    @property
    def wording(self) -> pd.DataFrame:
        """The kept questions: ``item, text_en, text_fa, low, high, codes``."""
        return pd.DataFrame(
            [
                {"item": q.item, "text_en": q.text.to("en"), "text_fa": q.text.to("fa"),
                 LOW: q.low, HIGH: q.high, "codes": "|".join(q.codes)}
                for q in self.questions
            ]
        )  # fmt: skip

    def type_people(self, respondents: pd.DataFrame) -> pd.DataFrame:
        """Say for each person which persona their answers speak for.

        Parameters
        ----------
        respondents : DataFrame
            One column per kept question, coded as in the respondents table (reversed items
            turned round already). Not changed. Other columns may stand beside them.

        Returns
        -------
        DataFrame
            Same rows and index. ``respondent_id, customer_id, wave`` where known;
            ``persona``: the most probable; ``probability``; ``margin``: probability less that
            of the next; ``answered``: questions with an answer; ``unplaced``: why there is no
            persona (empty where there is one). A person with gaps is placed by the questions
            answered, unless more than half of them are open.

        Raises
        ------
        ColumnError
            If a question has no column, or an answer is none of those it may have.
        """
        x = read_answers_to(self.questions, respondents, caller="TypingTool.type_people")
        starts = np.cumsum([0, *(q.width for q in self.questions)])[:-1]
        answered = (~np.isnan(x[:, starts])).sum(axis=1)
        chances = to_probabilities(self.model.score(x))
        best = chances.argmax(axis=1)
        two = np.partition(chances, -2, axis=1)[:, -2:]
        open_ = answered < (1 - MOST_MISSING) * len(self.questions)
        ids = pd.Categorical.from_codes(np.where(open_, -1, best), pd.Index(list(self.personas)))
        found = {name: respondents[name] for name in (RESPONDENT, CUSTOMER, WAVE)
                 if name in respondents.columns}  # fmt: skip
        blank = np.where(open_, np.nan, 1.0)
        found |= {
            PERSONA: pd.Series(ids, index=respondents.index).astype("string"),
            "probability": pd.Series(two[:, 1] * blank, index=respondents.index),
            "margin": pd.Series((two[:, 1] - two[:, 0]) * blank, index=respondents.index),
            "answered": pd.Series(answered, index=respondents.index),
            "unplaced": pd.Series(
                pd.Categorical.from_codes(open_.astype(int), pd.Index(["", "too few answers"])),
                index=respondents.index,
            ).astype("string"),
        }
        return pd.DataFrame(found)

    def summary(self) -> str:
        """Say how many questions place how many people rightly, beside none and all."""
        kept = self.table[self.table["kept"]].iloc[-1]
        none, every = self.table.iloc[0], self.table.iloc[-1]
        return (
            f"{len(self.questions)} questions ({', '.join(q.item for q in self.questions)}) put "
            f"{_percent(kept)} of people who belong to a persona into their own; all "
            f"{int(every['questions'])} would put {every[ESTIMATE]:.0%}, none "
            f"(everybody in the largest) {none[ESTIMATE]:.0%}."
        )

    def plot(self, *, ax: Axes | None = None) -> Axes:
        """Draw accuracy against the number of questions, beside none and all."""
        from cjlib import plots

        return plots.draw_typing(self.table, language=self.language, ax=ax)


def build_typing_tool(
    groups: Personas, survey: Any, study: Study, *, questions: int = 6, rng: np.random.Generator
) -> TypingTool:
    """Choose the few questions that tell personas apart, and learn how to read their answers.

    The candidates are the survey questions that the segments were made on. Questions are
    added one by one, each time the one that most raises the cross-validated accuracy of a
    linear discriminant (see ``choose_questions``). Accuracy is judged on people who had no part
    in it: for each of ``OUTER`` folds the whole choice is made again on the others. Answers of
    one customer to two waves stay in one fold. Accuracy is agreement with the persona
    a person was given; those who belong to none have no part in it.

    Parameters
    ----------
    groups : Personas
        Made from a survey.
    survey : Survey
        Anything with a ``respondents`` table; weights in ``weight`` are used.
    study : Study
    questions : int
        Questions to keep.
    rng : Generator
        Deals people into folds.

    Raises
    ------
    JourneyError
        If there is one persona, or personas come from a log, or ``questions`` is too large.
    TooFewError
        If a persona has fewer people than there are folds.

    References
    ----------
    Stone, M. (1974). Journal of the Royal Statistical Society B 36, 111-147.
    Varma, S. and Simon, R. (2006). Bias in error estimation when using cross-validation for
    model selection. BMC Bioinformatics 7, 91.
    """
    if groups.k < 2 or groups.source != "survey":
        raise JourneyError(
            "build_typing_tool: there must be two personas or more, made from a survey; got "
            f"{groups.k} from the {groups.source}. Nothing can be asked that would tell them apart."
        )
    frame, labels, notes = _members(groups, survey, rng)
    asked, others = find_questions(study, groups.items, frame)
    if others:
        notes.append(f"No question stands behind {', '.join(others)}: left out.")
    if not 1 <= questions <= len(asked):
        raise JourneyError(
            f"build_typing_tool: questions must lie between 1 and {len(asked)}, the number of "
            f"survey questions the segments were made on; got {questions}."
        )
    x = read_answers_to(tuple(asked), frame, caller="build_typing_tool")
    weights = _weights(frame)
    _require_people(labels, groups)
    units = frame[CUSTOMER].fillna(frame[RESPONDENT]).astype("string")
    blocks = _blocks(asked)
    chosen = choose_questions(x, labels, weights, blocks, units, count=questions, rng=rng)
    guesses, again = _judge(x, labels, weights, blocks, units, questions=questions, rng=rng)
    kept = tuple(asked[i] for i in chosen)
    columns = [j for i in chosen for j in blocks[i]]
    model = fit_discriminant(x, labels, weights, groups.k).take(columns)
    names = {card.persona: card.name for card in groups.cards}
    return TypingTool(
        table=_tabulate(
            guesses, again, labels, weights, asked=asked, chosen=chosen, level=study.level
        ),
        confusion=_cross(guesses[questions], labels, weights, list(names), level=study.level),
        questions=kept, personas=names, model=model, study=study.id, language=study.language,
        notes=tuple(notes),
    )  # fmt: skip


def _members(
    groups: Personas, survey: Any, rng: np.random.Generator
) -> tuple[pd.DataFrame, Ints, list[str]]:
    """Respondents with a persona, and its number from 0."""
    own = groups.members.loc[groups.members[PERSONA].notna(), [RESPONDENT, PERSONA]]
    respondents = survey.respondents.drop(columns=PERSONA, errors="ignore")
    frame = respondents.merge(own, on=RESPONDENT, how="inner", validate="1:1")
    notes = [
        f"Learned from {min(len(frame), MOST_ROWS):,} of {len(groups.members):,} people: "
        f"those who belong to a persona{' (a random sample)' * (len(frame) > MOST_ROWS)}."
    ]
    if len(frame) > MOST_ROWS:
        frame = frame.iloc[np.sort(rng.choice(len(frame), MOST_ROWS, replace=False))]
        frame = frame.reset_index(drop=True)
    if CUSTOMER not in frame.columns:
        frame[CUSTOMER] = pd.Series(pd.NA, index=frame.index, dtype="string")
    number = {persona: i for i, persona in enumerate(groups.ids)}
    return frame, frame[PERSONA].map(number).to_numpy(dtype=np.int64), notes


def _weights(frame: pd.DataFrame) -> Floats:
    if WEIGHT not in frame.columns:
        return np.ones(len(frame))
    found: Floats = frame[WEIGHT].fillna(0).to_numpy(dtype=np.float64)
    return found


def _require_people(labels: Ints, groups: Personas) -> None:
    sizes = np.bincount(labels, minlength=groups.k)
    if sizes.min() < OUTER:
        raise TooFewError(
            f"build_typing_tool: every persona must have {OUTER} people with their answers in the "
            f"survey; {groups.ids[int(sizes.argmin())]} has {int(sizes.min())}. Pass the survey "
            "the personas were made from, or make fewer personas."
        )


def _blocks(asked: list[Question]) -> list[list[int]]:
    """Columns of each question."""
    ends = np.cumsum([q.width for q in asked])
    return [list(range(int(e) - q.width, int(e))) for q, e in zip(asked, ends, strict=True)]


def _judge(
    x: Floats, labels: Ints, weights: Floats, blocks: list[list[int]], units: pd.Series,
    *, questions: int, rng: np.random.Generator,
) -> tuple[dict[int, Ints], Floats]:  # fmt: skip
    """Guess each person's persona from a choice made without them, for 0, 1, ... questions.

    Also the share of the folds in which each question was chosen.
    """
    k = int(labels.max()) + 1
    folds = deal_folds(labels, units, OUTER, rng=rng)
    counts = [*range(questions + 1), len(blocks)]
    guesses = {count: np.zeros(len(x), dtype=np.int64) for count in counts}
    again = np.zeros(len(blocks))
    for fold in range(OUTER):
        out, rest = folds == fold, folds != fold
        order = choose_questions(
            x[rest], labels[rest], weights[rest], blocks, units[rest], count=questions, rng=rng
        )
        again[order] += 1 / OUTER
        model = fit_discriminant(x[rest], labels[rest], weights[rest], k)
        for count in counts:
            taken = order[:count] if count <= questions else list(range(len(blocks)))
            columns = [j for i in taken for j in blocks[i]]
            guesses[count][out] = model.take(columns).score(x[np.ix_(out, columns)]).argmax(axis=1)
    return guesses, again


def _tabulate(
    guesses: dict[int, Ints], again: Floats, labels: Ints, weights: Floats,
    *, asked: list[Question], chosen: list[int], level: float,
) -> pd.DataFrame:  # fmt: skip
    everyone = "everybody in the largest persona", "همه در بزرگ‌ترین پرسونا"
    steps: list[tuple[int, str, str, str, float]] = [(0, NONE, *everyone, float("nan"))]
    for count, i in enumerate(chosen, start=1):
        q = asked[i]
        steps.append((count, q.item, q.text.to("en"), q.text.to("fa"), float(again[i])))
    every = "all questions", "همهٔ پرسش‌ها"
    steps.append((len(asked), ALL, *every, float("nan")))
    rows = []
    for count, step, en, fa, share in steps:
        found = estimate_weighted_share(guesses[count] == labels, weights, level=level)
        rows.append(
            {"questions": count, "step": step, "text_en": en, "text_fa": fa, **found.as_dict(),
             "kept": step not in (NONE, ALL), "again": share}
        )  # fmt: skip
    return pd.DataFrame(rows)


def _cross(
    guesses: Ints, labels: Ints, weights: Floats, ids: list[str], *, level: float
) -> pd.DataFrame:
    rows = []
    for i, persona in enumerate(ids):
        own = labels == i
        for j, typed in enumerate(ids):
            found = estimate_weighted_share(guesses[own] == j, weights[own], level=level)
            rows.append({PERSONA: persona, "typed": typed, **found.as_dict()})
    return pd.DataFrame(rows)


def _percent(row: pd.Series) -> str:
    return f"{row[ESTIMATE]:.0%} [{row[LOW]:.0%}, {row[HIGH]:.0%}]"
