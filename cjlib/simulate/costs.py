"""What the brand spends in each month to win customers, per channel.

Advertising and promotion only (in shops: window and street promotion). What it costs to serve a
contact is in the log, so phone, chat and courier, which nobody advertises, have no row here.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from cjlib.simulate.parameters import FIRST_DAY, make_rng

MONTHLY = {  # spend (million Toman), impressions and reach (thousand), share that clicks
    "web": (15, 155, 58, 0.024), "app": (10, 80, 24, 0.034), "social": (4.5, 120, 42, 0.015),
    "email": (0.5, 12, 6, 0.012), "tv": (24, 130, 62, None), "billboard": (12, 85, 36, None),
    "shop": (8, None, None, None),
}  # fmt: skip
SEASON = {3: 1.5, 2: 1.2, 11: 1.25, 12: 1.1}  # before Nowruz, and the autumn sale


def make_costs(seed: int) -> pd.DataFrame:
    """Return spend, impressions, reach and clicks per channel and month; empty where none."""
    rng = make_rng(seed, "costs")
    rows = []
    for month in pd.period_range(FIRST_DAY, periods=12, freq="M"):
        for channel, (spend, seen, reach, clicks) in MONTHLY.items():
            factor = SEASON.get(month.month, 1.0) * float(rng.lognormal(0, 0.08))
            luck = float(rng.lognormal(0, 0.06))
            impressions = round(seen * 1000 * factor * luck) if seen else None
            rows.append(
                {
                    "channel": channel, "month": str(month),
                    "spend": int(np.round(spend * factor * 100) * 10_000),
                    "impressions": impressions,
                    "reach": round(reach * 1000 * factor * luck) if reach else None,
                    "clicks": round(impressions * clicks) if impressions and clicks else None,
                }
            )  # fmt: skip
    frame = pd.DataFrame(rows)
    counts = ["impressions", "reach", "clicks"]
    return frame.astype(dict.fromkeys(counts, "Int64"))
