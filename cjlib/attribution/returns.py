"""What each channel cost and what came back, under every rule of attribution."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from cjlib.accounts import read_costs
from cjlib.attribution.models import MODELS, credit_channels, credit_paths, resample
from cjlib.attribution.models import total_by_customer as total
from cjlib.attribution.paths import Floats, Paths, find_paths
from cjlib.attribution.purchases import METHOD_NAME
from cjlib.columns import AMOUNT, CHANNEL, ESTIMATE, HIGH, LEVEL, LOW, METHOD, N, require_columns
from cjlib.errors import JourneyError, TooFewError
from cjlib.events import Interactions

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NO_SPEND: Final = "no spend on record: no return to speak of"
NO_CREDIT: Final = "no purchase credited under this rule: no interval"
NO_CONTACT: Final = "spend, but no contact on any path: nothing can be credited"


@dataclass(frozen=True, slots=True, eq=False)
class ChannelReturns:
    """What ``measure_returns`` found.

    Attributes
    ----------
    table : DataFrame
        One row per model and channel with spend or contacts: ``model, channel, spend,
        purchases, amount`` (credited in the months the costs cover), ``gain`` (amount ×
        margin), ``estimate`` (return on spend: (gain - spend) / spend; 0.2 means that 20 %
        more came back than was spent), ``low, high, level, n`` (customers who bought after a
        contact), ``method``; ``cost_per_purchase, cost_low, cost_high`` (high infinite where a
        resample holds no purchase of the channel).
    first, last : Timestamp
        First day of the first and of the last month compared.
    margin : float
        Share of an amount that is left (``positions.clv`` of the study).
    names : dict
        Channel -> name for readers.
    language : str
    """

    table: pd.DataFrame
    first: pd.Timestamp
    last: pd.Timestamp
    margin: float
    names: dict[str, str] = field(repr=False)
    language: str = "en"

    def summary(self) -> str:
        """Say which channels pay under every rule, which under none, and for which it depends."""
        known = self.table.dropna(subset=[ESTIMATE])
        if known.empty:
            return "No channel has both spend and enough purchases to speak of a return."
        by = known.groupby(CHANNEL, sort=False)
        pays = [str(c) for c, rows in by if (rows[LOW] > 0).all()]
        loses = [str(c) for c, rows in by if (rows[HIGH].fillna(rows[ESTIMATE]) < 0).all()]
        rest = [str(c) for c, _ in by if str(c) not in (*pays, *loses)]
        words = [
            f"{text}: {', '.join(who)}"
            for text, who in (
                ("more came back than was spent under every rule", pays),
                ("less under every rule", loses),
                ("it depends on the rule, or cannot be told", rest),
            )
            if who
        ]
        return (
            f"{self.first:%Y-%m} to {self.last:%Y-%m}, margin {self.margin:.0%}: "
            f"{'; '.join(words)}. Credit is not cause: who would have bought anyway is not known."
        )

    def plot(self, *, ax: Axes | None = None) -> Axes:
        """Draw each channel's return on spend under each model, with intervals."""
        from cjlib import plots

        return plots.draw_returns(self.table, names=self.names, language=self.language, ax=ax)


def measure_returns(
    interactions: Interactions,
    *,
    costs: pd.DataFrame | None = None,
    window_days: float = 30.0,
    half_life_days: float = 7.0,
    exposures: bool = False,
    draws: int = 200,
    rng: np.random.Generator | None = None,
) -> ChannelReturns:
    """Set each channel's spend beside the money it is credited with, under every model.

    Spend and purchases are those of the calendar months that both the costs and the log
    cover. The money of a purchase is divided as ``attribute_purchases`` divides purchases
    (markov: the money of all of them in proportion to the effects). Intervals are percentiles
    over resampled customers; what was spent is known and does not vary.

    Parameters
    ----------
    interactions : Interactions
    costs : DataFrame, optional
        ``channel, month, spend``; by default the study's own.
    window_days, half_life_days, exposures, draws, rng
        As for ``attribute_purchases``; ``exposures=True`` lets one-way channels (TV, say) earn
        credit, where the log holds them.

    Raises
    ------
    TooFewError
        If no purchase after a contact carries money in the months of the costs.
    JourneyError
        If costs and log have no month in common.
    """
    study = interactions.study
    if costs is None:
        costs = read_costs(study)
    require_columns(costs, [CHANNEL, "month", "spend"], caller="measure_returns")
    paths = find_paths(interactions, window_days=window_days, exposures=exposures)
    months, spend = _common(paths, costs)
    inside = np.isin(paths.times.astype("M8[M]"), months) & paths.bought
    money = np.where(inside, np.nan_to_num(paths.amounts), 0.0)
    if not money.any():
        raise TooFewError(
            "measure_returns: some purchase after a contact must carry an amount in the months of "
            f"the costs ({months[0]} to {months[-1]}); none does. Check events.purchase, the "
            "amount column and window_days."
        )
    credit = credit_paths(paths, half_life_days=half_life_days)
    generator = np.random.default_rng(study.seed) if rng is None else rng
    seed = int(generator.integers(2**63))  # purchases and money over the same resamples
    found = {}
    for name, worth in (("purchases", inside.astype(float)), (AMOUNT, money)):
        sums = total(paths, credit, worth)
        whole = credit_channels(np.asarray(sums.sums.sum(axis=0))[None, :], sums)[0]
        again = resample(sums, draws=draws, rng=np.random.default_rng(seed))
        found[name] = (whole, again[~np.isnan(again).any(axis=(1, 2))])
    buyers = len(np.unique(paths.owner[inside]))
    table = _tell(paths, spend, found, study, buyers)
    names = {c.id: c.label.to(study.language) for c in study.channels}
    return ChannelReturns(
        table, pd.Timestamp(months[0]), pd.Timestamp(months[-1]), study.positions.clv_margin,
        names, study.language,
    )  # fmt: skip


def _common(paths: Paths, costs: pd.DataFrame) -> tuple[Any, pd.Series]:
    """Return the months of both, and the spend of each channel in them."""
    paid = costs.dropna(subset=["spend"])
    spent = paid["month"].to_numpy(dtype="datetime64[M]")
    log = paths.times.astype("M8[M]")
    months = np.unique(spent)
    if len(log):
        months = months[(months >= log.min()) & (months <= log.max())]
    if not len(log) or not len(months):
        raise JourneyError(
            "measure_returns: costs and contacts must have a month in common; they have none. "
            "Check the months of the costs file."
        )
    return months, paid[np.isin(spent, months)].groupby(CHANNEL)["spend"].sum()


def _tell(
    paths: Paths, spend: pd.Series, found: dict[str, tuple[Floats, Floats]], study: Any, buyers: int
) -> pd.DataFrame:
    tail = (1 - study.level) / 2
    least, margin = study.privacy.minimum_base, study.positions.clv_margin
    met = np.bincount(paths.codes, minlength=len(paths.channels)) > 0
    places = {c: i for i, c in enumerate(paths.channels) if met[i]}
    sold, sold_again = found["purchases"]
    money, money_again = found[AMOUNT]
    rows = []
    for m, model in enumerate(MODELS):
        for channel in dict.fromkeys([*places, *map(str, spend.index)]):
            c, paid = places.get(channel), float(spend.get(channel, np.nan))
            row: dict[str, Any] = {"model": model, CHANNEL: channel, "spend": paid}
            method = METHOD_NAME
            if buyers < least:
                method = f"too few (n < {least})"
            elif c is None:
                method = NO_CONTACT
            elif not paid > 0:
                method = NO_SPEND
            if c is not None and buyers >= least:
                gain = margin * money[m, c]
                row |= {"purchases": sold[m, c], AMOUNT: money[m, c], "gain": gain}
            if method == METHOD_NAME and c is not None and not sold[m, c] > 0:
                method, row = NO_CREDIT, row | {ESTIMATE: -1.0}
            elif method == METHOD_NAME and c is not None:
                low, high = np.quantile(margin * money_again[:, m, c], [tail, 1 - tail])
                few, many = np.quantile(sold_again[:, m, c], [tail, 1 - tail])
                with np.errstate(divide="ignore"):
                    per = np.divide(paid, [sold[m, c], many, few])
                row |= {
                    ESTIMATE: gain / paid - 1, LOW: low / paid - 1, HIGH: high / paid - 1,
                    "cost_per_purchase": per[0], "cost_low": per[1], "cost_high": per[2],
                }  # fmt: skip
            rows.append(row | {LEVEL: study.level, N: buyers, METHOD: method})
    columns = [
        "model", CHANNEL, "spend", "purchases", AMOUNT, "gain", ESTIMATE, LOW, HIGH, LEVEL, N,
        METHOD, "cost_per_purchase", "cost_low", "cost_high",
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=columns)
