"""How well the items of a scale hang together: alpha, omega, and what each item adds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from cjlib.columns import ESTIMATE, HIGH, LEVEL, LOW, METHOD, N, require_columns
from cjlib.errors import ColumnError, JourneyError, MissingSourceError, TooFewError
from cjlib.intervals import Estimate, Floats, require_level, unknown
from cjlib.survey.cleaning import Survey
from cjlib.survey.coefficients import (
    Measure,
    alpha_of,
    estimate_alpha,
    estimate_by_bootstrap,
    estimate_feldt,
    estimate_spearman_brown,
    mean_correlation_of,
    pairwise_covariances,
    standardised_alpha_of,
)
from cjlib.survey.one_factor import fit_one_factor, omega_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LEAST_ROWS: Final = 3
COMPLETE: Final = "complete"
PAIRWISE: Final = "pairwise"


@dataclass(frozen=True, slots=True, eq=False)
class Scale:
    """What ``measure_scale`` found.

    Attributes
    ----------
    name : str
        Id of the scale in study.yaml; empty where it has none.
    table : DataFrame
        One row per coefficient, rows used and interval: ``coefficient`` ("alpha",
        "standardised alpha", "omega total", "Spearman-Brown", "mean correlation"), ``rows``
        ("complete": answered every item; "pairwise": each pair of items from all who
        answered both), ``estimate, low, high, level, n, method``. The first row is the one to
        report.
    items : DataFrame
        One row per item, over complete rows: ``item, reversed, n`` (who answered it), ``mean,
        sd`` (of the column as it stands), ``item_rest`` (correlation with the sum of the others),
        ``alpha_if_dropped`` (missing with two items), ``loading`` (on the one factor, as a
        correlation), ``note`` ("reverse?" where ``item_rest`` is negative).
    n, n_complete : int
        Rows with an answer to any item, and to all.
    warnings : tuple of str
        What a reader must know before trusting the scale.
    language : str
    """

    name: str
    table: pd.DataFrame
    items: pd.DataFrame
    n: int
    n_complete: int
    warnings: tuple[str, ...]
    language: str

    def estimate(self, coefficient: str, rows: str = COMPLETE) -> Estimate:
        """Return one coefficient with its interval.

        Raises
        ------
        JourneyError
            If the scale has no such coefficient.
        """
        found = self.table[self.table["coefficient"].eq(coefficient) & self.table["rows"].eq(rows)]
        if found.empty:
            known = ", ".join(f"{r.coefficient} ({r.rows})" for r in self.table.itertuples())
            raise JourneyError(
                f"Scale.estimate: coefficient and rows must be one of {known}; got "
                f"{coefficient!r} ({rows}). Choose one of these."
            )
        row = found.iloc[0]
        value, low, high, level = (float(row[f]) for f in (ESTIMATE, LOW, HIGH, LEVEL))
        return Estimate(value, low, high, level, int(row[N]), str(row[METHOD]))

    def summary(self) -> str:
        """Say how far the items measure one thing, in one sentence."""
        name = self.name or "the scale"
        alpha = self.estimate("alpha")
        parts = [f"alpha {alpha}"]
        kinds = set(self.table["coefficient"])
        for kind in ("omega total", "Spearman-Brown"):
            if kind in kinds:
                parts.append(f"{kind} {self.estimate(kind)}")
        better = self.items[self.items["alpha_if_dropped"] > alpha.estimate].sort_values(
            "alpha_if_dropped", ascending=False, kind="stable"
        )
        if len(better):
            top = better.iloc[0]
            parts.append(f"without {top['item']} alpha would be {top['alpha_if_dropped']:.2f}")
        told = f" {' '.join(self.warnings)}" if self.warnings else ""
        return (
            f"{name} ({len(self.items)} items, {self.n_complete:,} complete of {self.n:,} rows): "
            f"{'; '.join(parts)}.{told}"
        )

    def plot(self, *, ax: Axes | None = None, labels: dict[str, str] | None = None) -> Axes:
        """Draw each item's correlation with the rest, and alpha without it."""
        from cjlib import plots

        alpha = self.estimate("alpha").estimate
        return plots.draw_scale(
            self.items, alpha=alpha, labels=labels, language=self.language, ax=ax
        )


@dataclass(frozen=True, slots=True, eq=False)
class Scales:
    """What ``measure_scales`` found.

    Attributes
    ----------
    table : DataFrame
        ``Scale.table`` of every scale, with its ``scale`` and number of ``items``.
    items : DataFrame
        ``Scale.items`` of every scale, with its ``scale``.
    scales : dict of str to Scale
    """

    table: pd.DataFrame
    items: pd.DataFrame
    scales: dict[str, Scale]

    def summary(self) -> str:
        """Say how each scale does, a sentence a scale."""
        return " ".join(scale.summary() for scale in self.scales.values())


def measure_scales(
    survey: Survey, *, level: float | None = None, rng: np.random.Generator | None = None
) -> Scales:
    """Measure every scale that the study declares, see ``measure_scale``.

    Parameters
    ----------
    survey : Survey
        Its study names the scales: ``scales: {name: [items]}`` in study.yaml.
    level : float, optional
        The study's by default.
    rng : Generator, optional
        For the bootstrap intervals; without it those are missing.

    Raises
    ------
    MissingSourceError
        If the study declares no scale.
    """
    study = survey.study
    if not study.scales:
        raise MissingSourceError(
            f"measure_scales: study.yaml must declare scales; '{study.id}' declares none. Add "
            "'scales: {name: [item, item, item]}', or call measure_scale with items=."
        )
    found: dict[str, Scale] = {}
    for name, items in study.scales.items():
        one = measure_scale(survey, items=items, level=level or study.level, rng=rng)
        found[name] = replace(one, name=name)
    tables = [s.table.assign(scale=name, items=len(s.items)) for name, s in found.items()]
    table = pd.concat(tables, ignore_index=True)
    items_table = pd.concat(
        [s.items.assign(scale=name) for name, s in found.items()], ignore_index=True
    )
    first = ["scale", "items"]
    return Scales(
        table[[*first, *(c for c in table.columns if c not in first)]],
        items_table[["scale", *(c for c in items_table.columns if c != "scale")]],
        found,
    )


def measure_scale(
    data: Survey | pd.DataFrame, *, items: Sequence[str], reverse: Sequence[str] = (),
    level: float = 0.95, rng: np.random.Generator | None = None,
) -> Scale:  # fmt: skip
    """Measure how far some items measure one thing.

    Alpha: k / (k - 1) times (1 - sum of the items' variances / variance of their sum), k the
    number of items; standardised alpha the same of the correlations. It is the share of the
    sum's variance that the items have in common if all measure it alike, else a lower bound.
    Omega total (McDonald): the same share without that condition, (sum of loadings)² by
    itself plus the sum of unshared variances, of one factor fitted by maximum likelihood.
    Neither says that there is but one factor. Two items fit no factor: the Spearman-Brown
    coefficient 2r / (1 + r) is told instead.

    Rows with every item answered carry all but the "pairwise" coefficients. Alpha's interval
    is distribution-free (delta method on log(1 - alpha), t with n - 1 degrees of freedom), as
    ratings are skew: simulated with four in five answers at the top it covers .85 at 50 rows,
    .91 at 200, .93 at 300, where Feldt's, which takes normal answers (also given), covers .74
    throughout; with normal or evenly spread answers both cover about .95. The others are
    percentiles of ``BOOTSTRAPS`` resamples of rows. Weights are not used: it describes the
    items as answered by this sample.

    Parameters
    ----------
    data : Survey or DataFrame
        Of a survey its ``respondents``, whose reversed items are turned already. With fewer
        complete rows than the study's minimum base nothing is told.
    items : sequence of str
        Two or more columns of numbers.
    reverse : sequence of str
        Items to turn round here.
    level : float, 0 to 1
    rng : Generator, optional
        For the bootstrap; without it those intervals are missing, and ``method`` says so.

    Raises
    ------
    ColumnError
        For unknown, repeated or too few items, or one without numbers.
    TooFewError, JourneyError
        With fewer than 3 complete rows, or an item without any spread in them.

    References
    ----------
    Cronbach, L. J. (1951). Psychometrika 16, 297-334. Feldt, L. S. (1965). Psychometrika 30,
    357-370. McDonald, R. P. (1999). Test Theory. Maydeu-Olivares, A., Coffman, D. L. and
    Hartmann, W. M. (2007). Psychological Methods 12, 157-176. Eisinga, R., te Grotenhuis, M.
    and Pelzer, B. (2013). International Journal of Public Health 58, 637-642.
    """
    require_level(level, caller="measure_scale")
    names = list(items)
    numbers = _read(data, names, list(reverse))
    answered = numbers[numbers.notna().any(axis=1)]
    values = answered.to_numpy(dtype=float)
    whole = values[~np.isnan(values).any(axis=1)]
    base = data.study.privacy.minimum_base if isinstance(data, Survey) else 0
    language = data.study.language if isinstance(data, Survey) else "en"
    if len(whole) < base:
        table = _nothing(len(whole), base, level)
        described = _describe_items(numbers, list(reverse), None)
        why = (f"Too few (n < {base}) answered every item.",)
        return Scale("", table, described, len(values), len(whole), why, language)
    _require_spread(whole, names)
    covariance = pairwise_covariances(whole)[0]
    table = _estimate_all(values, whole, level, rng)
    described = _describe_items(numbers, list(reverse), covariance)
    warned = _find_warnings(described, covariance)
    return Scale("", table, described, len(values), len(whole), warned, language)


def _read(data: Survey | pd.DataFrame, names: list[str], reverse: list[str]) -> pd.DataFrame:
    frame = data.respondents if isinstance(data, Survey) else data
    require_columns(frame, [*names, *reverse], caller="measure_scale")
    if len(set(names)) < max(len(names), 2):
        raise ColumnError(
            "measure_scale: items must be two or more different columns; got "
            f"{', '.join(names) or 'none'}. Name each once."
        )
    stray = [name for name in reverse if name not in names]
    if stray:
        raise ColumnError(
            f"measure_scale: reverse must name items of the scale; {', '.join(stray)} is not "
            "among items. Add it there, or leave it out here."
        )
    wrong = [n for n in names if not pd.api.types.is_numeric_dtype(frame[n])]
    if wrong:
        raise ColumnError(
            f"measure_scale: every item must hold numbers; {', '.join(wrong)} does not. "
            "Code its answers by the codebook (kind scale) first."
        )
    values = frame[names].to_numpy(dtype=float, na_value=np.nan)
    numbers = pd.DataFrame(values, index=frame.index, columns=names)
    return numbers.assign(**{name: -numbers[name] for name in reverse})


def _require_spread(whole: Floats, names: list[str]) -> None:
    if len(whole) < LEAST_ROWS:
        raise TooFewError(
            f"measure_scale: at least {LEAST_ROWS} rows must have every item answered; got "
            f"{len(whole)}. Take fewer items, or items asked of the same people."
        )
    flat = [n for n, wide in zip(names, np.ptp(whole, axis=0) > 0, strict=True) if not wide]
    if flat or not np.ptp(whole.sum(axis=1)) > 0:
        said = f"everyone gave the same answer to {', '.join(flat)}" if flat else "all sums agree"
        raise JourneyError(
            f"measure_scale: items and their sum must differ between people; {said} (n = "
            f"{len(whole)}). Leave it out, or check which items are reversed."
        )


def _nothing(n: int, base: int, level: float) -> pd.DataFrame:
    fields = unknown(n, level=level, why=f"too few (n < {base})").as_dict()
    kinds = [("alpha", COMPLETE), ("omega total", COMPLETE)]
    return pd.DataFrame([{"coefficient": k, "rows": r, **fields} for k, r in kinds])


def _estimate_all(
    values: Floats, whole: Floats, level: float, rng: np.random.Generator | None
) -> pd.DataFrame:
    rows: list[tuple[str, str, Estimate]] = [
        ("alpha", COMPLETE, estimate_alpha(whole, level=level)),
        ("alpha", COMPLETE, estimate_feldt(whole, level=level)),
    ]
    both: dict[str, Measure] = {
        "standardised alpha": standardised_alpha_of,
        "mean correlation": mean_correlation_of,
    }
    if whole.shape[1] == 2:
        rows.append(("Spearman-Brown", COMPLETE, estimate_spearman_brown(whole, level=level)))
        complete = both
    else:
        complete = {"omega total": omega_of, **both}
    pairwise = {"alpha": alpha_of, **both}
    for used, part, measures in ((COMPLETE, whole, complete), (PAIRWISE, values, pairwise)):
        found = estimate_by_bootstrap(part, measures, level=level, rng=rng)
        rows += [(kind, used, estimate) for kind, estimate in found.items()]
    return pd.DataFrame([{"coefficient": k, "rows": r, **e.as_dict()} for k, r, e in rows])


def _describe_items(
    numbers: pd.DataFrame, reverse: list[str], covariance: Floats | None
) -> pd.DataFrame:
    names, size = list(numbers.columns), numbers.shape[1]
    sign = np.where(numbers.columns.isin(reverse), -1, 1)
    told = pd.DataFrame(
        {"item": pd.array(names, dtype="string"), "reversed": sign < 0,
         "n": numbers.notna().sum().to_numpy(), "mean": np.nan, "sd": np.nan,
         "item_rest": np.nan, "alpha_if_dropped": np.nan, "loading": np.nan,
         "note": pd.array([""] * size, dtype="string")}
    )  # fmt: skip
    if covariance is None:
        return told
    whole = numbers.dropna()
    variance, total = np.diag(covariance), covariance.sum()
    with_all = covariance.sum(axis=1)
    rest = total - 2 * with_all + variance
    told["mean"], told["sd"] = sign * whole.mean().to_numpy(), np.sqrt(variance)
    shared = np.sqrt(variance * np.maximum(rest, 0))
    told["item_rest"] = np.divide(
        with_all - variance, shared, out=np.full(size, np.nan), where=shared > 0
    )
    if size > 2:
        left = [np.delete(np.delete(covariance, j, 0), j, 1) for j in range(size)]
        told["alpha_if_dropped"] = alpha_of(np.stack(left))
        factor = fit_one_factor(covariance[None])
        told["loading"] = factor.loadings[0] / np.sqrt(variance)
    told.loc[told["item_rest"] < 0, "note"] = "reverse?"
    return told


def _find_warnings(items: pd.DataFrame, covariance: Floats) -> tuple[str, ...]:
    found = []
    against = items.loc[items["note"].eq("reverse?"), "item"]
    if len(against):
        found.append(
            f"{', '.join(against)} runs against the other items: is it worded the other way, and "
            "should be reversed?"
        )
    if len(items) == 2:
        found.append("Two items fit no factor: Spearman-Brown is told in place of omega.")
        return tuple(found)
    factor = fit_one_factor(covariance[None])
    if factor.at_floor[0] or not factor.converged[0]:
        found.append(
            "The one factor leaves an item no variance of its own (a Heywood case): omega is "
            "not to be relied on."
        )
    return tuple(found)
