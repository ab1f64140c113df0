"""The journey questions as other programs answer them: what ``journeys.py`` runs beside cjlib."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

STAGES = ["t00", "t01", "t02", "t03"]
STEPS = 8


def load_polars(file: Path) -> dict[str, Callable[[], Any]]:
    """Ask polars, on coded and sorted columns, what a frame answers directly: no funnel."""
    import polars as pl

    table = (
        pl.read_parquet(file)
        .with_columns(pl.col("touchpoint").cast(pl.Categorical))
        .sort(["customer", "time"], maintain_order=True)
    )

    def moves() -> Any:
        after = table.select(
            "touchpoint",
            to=pl.col("touchpoint").shift(-1).over("customer"),
            gap=(
                pl.col("time").shift(-1).over("customer") - pl.col("time")
            ).dt.total_microseconds(),
        )
        return after.drop_nulls("to").group_by(["touchpoint", "to"])

    def variants() -> list[int]:
        paths = table.group_by("customer", maintain_order=True).agg(
            pl.col("touchpoint").cast(pl.String).str.join(">")
        )
        found = paths.group_by("touchpoint").len().sort("len", descending=True)
        return [int(n) for n in found["len"].head(5)]

    return {
        "transitions": lambda: int(moves().len()["len"].sum()),
        "variants": variants,
        "times": lambda: round(float(moves().agg(pl.col("gap").median())["gap"].sum()) / 3.6e9, 6),
        "exits": lambda: int(
            table.group_by("customer").agg(pl.col("touchpoint").last())["touchpoint"]
            .value_counts()["count"].max()
        ),
    }  # fmt: skip


def load_duckdb(file: Path) -> dict[str, Callable[[], Any]]:
    """Ask DuckDB, straight on the file with window functions, what one query answers."""
    import duckdb

    base = duckdb.connect()
    base.read_parquet(str(file)).create_view("log")
    base.execute(
        "CREATE OR REPLACE VIEW moves AS SELECT touchpoint, lead(touchpoint) OVER w AS later, "
        "epoch_us(lead(time) OVER w) - epoch_us(time) AS gap "
        "FROM log WINDOW w AS (PARTITION BY customer ORDER BY time)"
    )

    def ask(query: str) -> list[Any]:
        return [row[0] for row in base.execute(query).fetchall()]

    return {
        "transitions": lambda: int(ask("SELECT count(*) FROM moves WHERE later IS NOT NULL")[0]),
        "variants": lambda: ask(
            "SELECT count(*) AS n FROM (SELECT string_agg(touchpoint, '>' ORDER BY time) AS path "
            "FROM log GROUP BY customer) GROUP BY path ORDER BY n DESC LIMIT 5"
        ),
        "times": lambda: round(
            float(ask("SELECT sum(m) / 3.6e9 FROM (SELECT median(gap) AS m FROM moves "
                      "WHERE later IS NOT NULL GROUP BY touchpoint, later)")[0]), 6
        ),
        "exits": lambda: int(
            ask("SELECT count(*) AS n FROM moves WHERE later IS NULL GROUP BY touchpoint "
                "ORDER BY n DESC LIMIT 1")[0]
        ),
    }  # fmt: skip


def load_pandas(file: Path) -> dict[str, Callable[[], Any]]:
    """Ask plain pandas on text columns, as most notebooks do."""
    import pandas as pd

    table = pd.read_parquet(file).sort_values(["customer", "time"], kind="stable")

    def moves() -> pd.DataFrame:
        after = table.groupby("customer", sort=False)[["touchpoint", "time"]].shift(-1)
        found = table.assign(to=after["touchpoint"], gap=after["time"] - table["time"])
        return found[found["to"].notna()]

    def funnel() -> list[int]:
        reached = None
        counts = []
        for stage in STAGES:
            rows = table[table["touchpoint"] == stage]
            if reached is not None:
                rows = rows.merge(reached.rename("since"), left_on="customer", right_index=True)
                rows = rows[rows["time"] >= rows["since"]]
            reached = rows.groupby("customer")["time"].min()
            counts.append(len(reached))
        return counts

    def times() -> float:
        gaps = moves().groupby(["touchpoint", "to"])["gap"]
        gaps.quantile(0.9)
        return round(float((gaps.median() / pd.Timedelta(hours=1)).sum()), 6)

    def steps() -> int:
        place = table.groupby("customer", sort=False).cumcount()
        early = table[place < STEPS]
        return int(pd.crosstab(early["touchpoint"], place[place < STEPS]).to_numpy().sum())

    def variants() -> list[int]:
        paths = table.groupby("customer", sort=False)["touchpoint"].agg(" > ".join)
        return [int(n) for n in paths.value_counts().head(5)]

    return {
        "transitions": lambda: int(moves().groupby(["touchpoint", "to"]).size().sum()),
        "variants": variants,
        "times": times,
        "steps": steps,
        "funnel": funnel,
        "exits": lambda: int(
            table.groupby("customer", sort=False)["touchpoint"].last().value_counts().iloc[0]
        ),
    }


def load_pm4py(file: Path) -> dict[str, Callable[[], Any]]:
    """Ask pm4py, on a pandas log, what it has of the six: no ordered funnel, no step matrix."""
    import pandas as pd
    import pm4py

    table = pd.read_parquet(file)
    log = pm4py.format_dataframe(
        table, case_id="customer", activity_key="touchpoint", timestamp_key="time"
    )

    def variants() -> list[int]:
        return sorted(pm4py.get_variants(log).values(), reverse=True)[:5]

    def times() -> None:
        pm4py.discover_performance_dfg(log)

    return {
        "transitions": lambda: int(sum(pm4py.discover_dfg(log)[0].values())),
        "variants": variants,
        "times": times,
        "exits": lambda: int(max(pm4py.get_end_activities(log).values())),
    }


def load_retentioneering(file: Path) -> dict[str, Callable[[], Any]]:
    """Ask retentioneering what it has of the six as data: no variants."""
    import pandas as pd
    from retentioneering.eventstream import Eventstream

    table = pd.read_parquet(file).rename(
        columns={"customer": "user_id", "time": "timestamp", "touchpoint": "event"}
    )
    stream = Eventstream(table)

    def run(question: Callable[..., Any], **options: Any) -> None:
        question(**options)

    return {
        "transitions": lambda: run(stream.transition_graph_data, edge_weight="count"),
        "times": lambda: run(stream.transition_graph_data, edge_weight="time_median"),
        "steps": lambda: run(stream.step_matrix_data, max_steps=STEPS),
        "funnel": lambda: run(stream.funnel_data, steps=STAGES),
    }
