"""Personas: who belongs to which, how sure that is, and what each is like."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
from matplotlib.axes import Axes

from cjlib.errors import JourneyError, nearest
from cjlib.personas.cards import Card
from cjlib.personas.choice import Choice
from cjlib.personas.variables import Variables


@dataclass(frozen=True, slots=True, eq=False)
class Personas:
    """What ``build_personas`` found.

    Attributes
    ----------
    members : DataFrame
        ``respondent_id, customer_id, wave, persona, margin`` of everybody: ``persona`` is
        "persona-1" (the largest) and so on, missing for those who belong to none;
        ``margin`` says how clearly they belong, 0 on the border: 1 - distance to the nearest
        centre / to the second nearest or, of mixtures, 1 - chance of the second most probable
        / of the most probable (``Segments.margin``).
    sizes : DataFrame
        One row per persona, and "none": ``persona, name_en, name_fa, estimate`` (share of
        all, weighted), ``low, high, level, n, method, minimum`` (lower end of the interval in
        people of this sample), ``persistence`` (mean Jaccard overlap with bootstrap refits),
        ``margin`` (median), ``source``. The interval is that of sampling people, given the
        segments.
    number : Choice
        How the number of segments was chosen: every criterion, what each alone would take, and
        the segments of every number tried.
    variables : Variables
        What the segments were made on.
    k : int
    verdict : str
        "natural", "reproducible", "constructive" or "none".
    reason : str
    tests : DataFrame
        Comparisons with data without segments.
    profiles : DataFrame
        See ``measure_profiles``.
    distinctness : DataFrame
        Differences on what the segments were not made on; see ``measure_distinctness``.
    sensitivity : DataFrame
        Agreement with other ways of making them; see ``measure_sensitivity``.
    contradictions : DataFrame
        Signs of two kinds of people in one persona; see ``find_contradictions``.
    cards : tuple of Card
        In order of size.
    items : tuple of str
        What the segments were made on.
    source : str
        "survey" or "interactions".
    notes : tuple of str
        Decisions on the way, in words.
    language : str
    """

    members: pd.DataFrame
    sizes: pd.DataFrame
    number: Choice
    variables: Variables
    k: int
    verdict: str
    reason: str
    tests: pd.DataFrame
    profiles: pd.DataFrame
    distinctness: pd.DataFrame
    sensitivity: pd.DataFrame
    contradictions: pd.DataFrame
    cards: tuple[Card, ...]
    items: tuple[str, ...]
    source: str
    notes: tuple[str, ...]
    language: str

    @property
    def choice(self) -> pd.DataFrame:
        """Every number of segments with every criterion; see ``Choice.table``."""
        return self.number.table

    @property
    def ids(self) -> list[str]:
        """Ids of the personas, the largest first."""
        return [card.persona for card in self.cards]

    @property
    def names(self) -> dict[str, str]:
        """Name of each persona in the study's language, by id."""
        return {card.persona: card.name.to(self.language) for card in self.cards}

    @property
    def unassignable(self) -> float:
        """Weighted share of people who belong to no persona; missing where suppressed."""
        return float(self.sizes.loc[self.sizes["persona"].eq("none"), "estimate"].iloc[0])

    def card(self, persona: str) -> Card:
        """Return the card of one persona.

        Raises
        ------
        JourneyError
            If there is no such persona.
        """
        for card in self.cards:
            if card.persona == persona:
                return card
        hint = nearest(persona, self.ids)
        raise JourneyError(
            f"Personas.card: persona must be one of {', '.join(self.ids)}; got {persona!r}."
            + (f" Did you mean {hint!r}?" if hint else "")
        )

    def summary(self) -> str:
        """Say how many personas there are, how large, and how far they hold."""
        if self.k == 1:
            return f"One persona stands for all customers. {self.reason}"
        placed = self.sizes[self.sizes["persona"].ne("none")]
        shares = ", ".join(
            "too few" if pd.isna(share) else f"{share:.0%}" for share in placed["estimate"]
        )
        outside = "too few to say" if pd.isna(self.unassignable) else f"{self.unassignable:.0%}"
        held = placed["persistence"].min()
        return (
            f"{self.k} personas ({shares}; {outside} belong to none; least overlap "
            f"with refits {held:.2f}). {self.reason}"
        )

    def plot(self, *, ax: Axes | None = None) -> Axes:
        """Draw what each persona is higher and lower on than all, item by item."""
        from cjlib import plots

        return plots.draw_personas(self._shown(), names=self.names, language=self.language, ax=ax)

    def plot_choice(self, *, ax: Axes | None = None) -> Axes:
        """Draw how well refits agree for each number, and what each criterion would take."""
        return self.number.plot(language=self.language, ax=ax)

    def plot_segments(self, *, ax: Axes | None = None) -> Axes:
        """Draw the segments of every number, where their people came from and how they hold."""
        return self.number.plot_segments(language=self.language, ax=ax)

    def _shown(self) -> pd.DataFrame:
        table = self.profiles
        if self.source == "interactions":
            return table[table["source"].eq("interactions")]
        return table[table["used"] | table["role"].isin(["outcome", "pain"])]
