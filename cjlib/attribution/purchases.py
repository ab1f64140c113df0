"""Which channels a purchase is owed to, under eight rules, and how far the rules disagree."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from cjlib.attribution.models import (
    MODELS,
    Totals,
    credit_channels,
    credit_paths,
    divide,
    measure_disagreement,
    resample,
    total_by_customer,
)
from cjlib.attribution.paths import NO_CHANNEL, Floats, Paths, find_paths
from cjlib.columns import AMOUNT, CHANNEL, ESTIMATE, HIGH, LEVEL, LOW, METHOD, N
from cjlib.errors import JourneyError, TooFewError
from cjlib.events import Interactions
from cjlib.intervals import Estimate, unknown

if TYPE_CHECKING:
    from matplotlib.axes import Axes

METHOD_NAME: Final = "bootstrap over customers"


@dataclass(frozen=True, slots=True, eq=False)
class Attribution:
    """What ``attribute_purchases`` found.

    Attributes
    ----------
    table : DataFrame
        One row per model and channel with any contact on a path: ``model``, ``channel``;
        ``estimate``: share of the purchases owed to it, 0 to 1, adding to 1 within a model,
        with ``low, high, level, n, method`` (``n``: customers who bought after a contact);
        ``purchases`` and ``amount``: the same share of the purchases and of their money.
    disagreement : Estimate
        Mean over all pairs of models of half the summed absolute difference of their
        shares: 0 where all agree, 1 where no two give credit to the same channel.
    purchases, direct, paths : int
        Purchases with a contact before them; without; and all paths, bought or not.
    exposures : bool
        Whether one-way and mass messages counted as contacts.
    names : dict
        Channel -> name for readers.
    language : str
    """

    table: pd.DataFrame
    disagreement: Estimate
    purchases: int
    direct: int
    paths: int
    exposures: bool
    names: dict[str, str] = field(repr=False)
    language: str = "en"

    def summary(self) -> str:
        """Name the channel each model puts first, and the disagreement."""
        if self.table[ESTIMATE].isna().all():
            return f"Too few customers bought to divide {self.purchases:,} purchases."
        tops = self.table.loc[self.table.groupby("model", sort=False)[ESTIMATE].idxmax()]
        said = ", ".join(
            f"{model}: {channel} {share:.0%}"
            for model, channel, share in zip(
                tops["model"], tops[CHANNEL], tops[ESTIMATE], strict=True
            )
        )
        return (
            f"Of {self.purchases:,} purchases after a contact ({self.direct:,} had none), most "
            f"is owed to {said}; the models disagree by {self.disagreement:.2f} of 1."
        )

    def plot(self, *, ax: Axes | None = None) -> Axes:
        """Draw each channel's share under each model, with intervals."""
        from cjlib import plots

        return plots.draw_attribution(self.table, names=self.names, language=self.language, ax=ax)


def attribute_purchases(
    interactions: Interactions,
    *,
    window_days: float = 30.0,
    half_life_days: float = 7.0,
    exposures: bool = False,
    purchase_is_contact: bool = False,
    draws: int = 200,
    rng: np.random.Generator | None = None,
) -> Attribution:
    """Divide the purchases among the channels customers met before them.

    A path is a customer's contacts in the ``window_days`` before a purchase (a contact at
    one of the study's purchase touchpoints) and after the purchase before it. Contacts too
    early for the window, and those no purchase follows, are paths that did not sell; they
    stay, because the Markov model learns from them. The first contact gets all (first), the
    last (last), all alike (linear), each by 2^(-age / half-life) (time decay), 40 % the
    first, 40 % the last and the rest those between (position; one or two contacts: alike),
    or each channel of the path alike (shapley, see ``credit_paths``). By removal effects, the
    share of purchases lost if every path ended at the channel: all purchases in proportion
    to the effects (markov), or each purchase among the contacts of its own path in
    proportion to theirs (markov by path). Both sharings are in use, under one name; they
    may differ much.

    Parameters
    ----------
    interactions : Interactions
    window_days, half_life_days : float, days
    exposures : bool
        Also count one-way and mass messages, which are no interactions, as contacts: for
        questions about advertising channels.
    purchase_is_contact : bool
        Whether the purchase itself is the last contact of its path, for logs where only the
        buying visit tells the channel. By default it is not.
    draws : int
        Resamples of customers for the percentile intervals.
    rng : Generator, optional
        By default one seeded by the study.

    Returns
    -------
    Attribution

    Raises
    ------
    JourneyError
        If the study names no purchase touchpoints, or a number is out of range.
    TooFewError
        If no purchase has a contact before it.

    Notes
    -----
    Credit is not cause: no model sees who would have bought anyway. Time grows with the
    contacts, times the draws for the intervals.

    References
    ----------
    Anderl, E. et al. (2016). International Journal of Research in Marketing 33(3), 457-474.
    Zhao, K., Mahboobi, S. H. and Bagheri, S. R. (2018). arXiv:1804.05327 (Shapley).
    """
    _check(interactions, window_days=window_days, half_life_days=half_life_days, draws=draws)
    study = interactions.study
    paths = find_paths(
        interactions, window_days=window_days, exposures=exposures,
        purchase_is_contact=purchase_is_contact,
    )  # fmt: skip
    if not paths.bought.any():
        raise TooFewError(
            "attribute_purchases: some purchase must have a contact before it; none of "
            f"{paths.direct:,} has one within {window_days:g} days. Widen the window."
        )
    rng = np.random.default_rng(study.seed) if rng is None else rng
    credit_by_rule = credit_paths(paths, half_life_days=half_life_days)
    totals, level = total_by_customer(paths, credit_by_rule), study.level
    shares = divide(_whole(totals))
    again = divide(resample(totals, draws=draws, rng=rng))
    ends = [(1 - level) / 2, (1 + level) / 2]
    again = again[~np.isnan(again).any(axis=(1, 2))]  # a resample in which nobody bought
    bounds = (
        np.quantile(again, ends, axis=0) if len(again) else np.full((2, *shares[0].shape), np.nan)
    )
    gap = float(measure_disagreement(shares)[0])
    spread = np.quantile(measure_disagreement(again), ends) if len(again) else [np.nan, np.nan]
    buyers = len(np.unique(paths.owner[paths.bought]))
    money = np.full(shares[0].shape, np.nan)
    if not np.isnan(paths.amounts).all():
        money = _whole(total_by_customer(paths, credit_by_rule, np.nan_to_num(paths.amounts)))[0]
    table = _tell(paths, shares[0], bounds, money=money, level=level, buyers=buyers)
    disagreement = Estimate(gap, float(spread[0]), float(spread[1]), level, buyers, METHOD_NAME)
    least = study.privacy.minimum_base
    if buyers < least:
        why = f"too few (n < {least})"
        table[[ESTIMATE, LOW, HIGH, "purchases", AMOUNT]] = np.nan
        table[METHOD] = why
        disagreement = unknown(buyers, level=level, why=why)
    names = {c.id: c.label.to(study.language) for c in study.channels} | {NO_CHANNEL: NO_CHANNEL}
    return Attribution(
        table=table, disagreement=disagreement, purchases=int(paths.bought.sum()),
        direct=paths.direct, paths=len(paths.bought), exposures=exposures, names=names,
        language=study.language,
    )  # fmt: skip


def _check(interactions: Interactions, **numbers: float) -> None:
    rules = interactions.study.events
    if rules is None or not rules.purchase:
        raise JourneyError(
            "attribute_purchases: the study must say which touchpoints are purchases; "
            "events.purchase in study.yaml is empty. Name them."
        )
    for name, value in numbers.items():
        if not value > 0:
            raise JourneyError(f"attribute_purchases: {name} must be above 0; got {value!r}.")


def _tell(
    paths: Paths, shares: Floats, bounds: Floats, *, money: Floats, level: float, buyers: int
) -> pd.DataFrame:
    """Tidy table of one (models x channels) array of shares and its bounds."""
    met = np.bincount(paths.codes, minlength=len(paths.channels)) > 0
    sold = int(paths.bought.sum())
    rows = [
        {
            "model": model, CHANNEL: paths.channels[c], ESTIMATE: shares[m, c],
            LOW: bounds[0, m, c], HIGH: bounds[1, m, c], LEVEL: level, N: buyers,
            METHOD: METHOD_NAME, "purchases": shares[m, c] * sold, AMOUNT: money[m, c],
        }
        for m, model in enumerate(MODELS) for c in np.flatnonzero(met)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def _whole(totals: Totals) -> Floats:
    """Credit of the customers as they are, as one replicate."""
    return credit_channels(np.asarray(totals.sums.sum(axis=0))[None, :], totals)
