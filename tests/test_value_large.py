"""Large data take shorter ways to the same numbers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from cjlib.intervals import estimate_survival
from cjlib.value import fit_bgnbd, fit_gamma_gamma, summarise_purchases


@pytest.fixture
def buyers():
    """3,000 buyers of the story of BG/NBD, each with a typical amount of their own."""
    rng = np.random.default_rng(4)
    rows = np.zeros((3000, 2))
    for row in rows:
        rate, leave, t = rng.gamma(0.8, 1 / 6), rng.beta(1.2, 3.0), 0.0
        while (t := t + rng.exponential(1 / rate)) <= 60:
            row[:] = row[0] + 1, t
            if rng.random() < leave:
                break
    table = pd.DataFrame(rows, columns=["x", "t_x"]).assign(T=60.0)
    times = np.maximum(table["x"], 1)
    spend = rng.gamma(6 * times, 1 / rng.gamma(4, 1 / 15, 3000)) / times
    table["amount"] = spend.where(table["x"] > 0)
    table.insert(0, "customer_id", [f"C{i}" for i in range(3000)])
    one = pd.DataFrame({"customer_id": ["a"], "time": [pd.Timestamp("2025-01-01")]})
    return replace(summarise_purchases(one), table=table)


@pytest.mark.parametrize(
    ("fit", "module"), [(fit_bgnbd, "bgnbd"), (fit_gamma_gamma, "gamma_gamma")]
)
def test_a_rough_fit_first_leads_to_the_same_top(buyers, monkeypatch, fit, module):
    plain = fit(buyers)
    monkeypatch.setattr(f"cjlib.value.{module}.THIN", 300)
    rough = fit(buyers)

    assert rough.log_likelihood == pytest.approx(plain.log_likelihood, abs=1e-6)
    for column in ("estimate", "low", "high"):
        assert rough.table[column].to_numpy() == pytest.approx(
            plain.table[column].to_numpy(), rel=1e-4
        )


def test_survival_by_whole_days_and_by_any_time_is_the_same():
    rng = np.random.default_rng(2)
    days, gone = rng.integers(0, 50, 400).astype(float), rng.random(400) < 0.6
    whole = estimate_survival(days, gone)
    halves = estimate_survival(days / 2, gone)
    grouped = estimate_survival(days, gone, groups=["all"] * 400)

    assert (2 * halves["time"]).tolist() == whole["time"].tolist()
    columns = ["at_risk", "events", "lost", "estimate", "low", "high", "n"]
    pd.testing.assert_frame_equal(whole[columns], halves[columns])
    pd.testing.assert_frame_equal(whole, grouped)
    at = whole["time"].iloc[7]
    assert whole["at_risk"].iloc[7] == (days >= at).sum()
    assert whole["events"].iloc[7] == ((days == at) & gone).sum()
