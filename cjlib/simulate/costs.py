"""What the brand spends on each channel in each month."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cjlib.simulate.parameters import FIRST_DAY, make_rng

MONTHLY = {  # spend (million Toman), impressions and reach (thousand), share that clicks
    "web": (420, 900, 310, 0.031), "app": (260, 420, 120, 0.042), "social": (310, 1500, 480, 0.018),
    "email": (35, 260, 90, 0.024), "tv": (1400, 5200, 2100, None),
    "billboard": (520, 2600, 900, None), "shop": (1250, None, None, None),
    "phone": (190, None, None, None), "chat": (85, None, None, None),
    "courier": (640, None, None, None),
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
                    "spend": int(np.round(spend * factor * 10) * 100_000),
                    "impressions": impressions,
                    "reach": round(reach * 1000 * factor * luck) if reach else None,
                    "clicks": round(impressions * clicks) if impressions and clicks else None,
                }
            )  # fmt: skip
    frame = pd.DataFrame(rows)
    counts = ["impressions", "reach", "clicks"]
    return frame.astype(dict.fromkeys(counts, "Int64"))
