"""Writing the whole study, and telling the truth behind it."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import pandas as pd
import yaml

from cjlib.simulate.answers import draw_respondents
from cjlib.simulate.costs import make_costs
from cjlib.simulate.customers import draw_customers
from cjlib.simulate.log import draw_log, read_moves
from cjlib.simulate.log_export import soil_log, write_log
from cjlib.simulate.parameters import (
    BUYS_SHAPE,
    LATE_COSTS,
    LATE_LEAVES,
    LEAVES_SIZE,
    PERSONAS,
    PROMISE_DAYS,
    SLOTS_FROM,
    WAIT_DAYS,
    read_stock,
)
from cjlib.simulate.survey_export import write_surveys
from cjlib.simulate.talks import write_interviews

SEED = 1404
COPIED = (
    "study.yaml",
    "codebook.csv",
    "codes.csv",
    "comment_codes.csv",
    "beliefs.csv",
    "believed_personas.csv",
    "published.csv",
    "actions.csv",
)


@dataclass(frozen=True, slots=True)
class _World:
    """Everything that is drawn, before and after the exports soil it."""

    customers: pd.DataFrame
    log: pd.DataFrame
    waves: dict[str, pd.DataFrame]


def write_study(path: str | Path, *, seed: int = SEED) -> Path:
    """Write the whole Sepidar study into a folder.

    Parameters
    ----------
    path : path
        The folder; made if it is not there. Files of the study that lie in it are replaced,
        others are left alone.
    seed : int
        The same seed gives the same bytes.

    Returns
    -------
    Path
        The folder.
    """
    folder = Path(path)
    folder.mkdir(parents=True, exist_ok=True)
    stock = resources.files("cjlib.simulate") / "stock"
    for name in COPIED:
        (folder / name).write_bytes((stock / name).read_bytes())
    _write_drawn(_draw_world(seed), folder, seed)
    return folder


def truth_tables(seed: int = SEED) -> dict[str, pd.DataFrame]:
    """Return what is true in the study and written in none of its files.

    Returns
    -------
    dict of str to DataFrame
        ``customers`` (persona and rates of every customer), ``respondents`` (who answered
        each row of the survey files, and how carefully), ``interviews`` (persona of every
        participant), ``personas`` (one row per persona, dotted columns for its needs, pains,
        channels and satisfaction), ``moves`` (chance of each move between touchpoints) and
        ``effects`` (what was planted, with its size).
    """
    world = _draw_world(seed)
    with tempfile.TemporaryDirectory() as folder:
        written = _write_drawn(world, Path(folder), seed)
    return {
        "customers": world.customers,
        **written,
        "personas": _persona_table(),
        "moves": read_moves(),
        "effects": _effect_table(),
    }


def truth() -> dict[str, pd.DataFrame]:
    """Return ``truth_tables`` of the study as shipped."""
    return truth_tables(SEED)


def _draw_world(seed: int) -> _World:
    defined = yaml.safe_load(
        (resources.files("cjlib.simulate") / "stock" / "study.yaml").read_text(encoding="utf-8")
    )
    channels = {t["id"]: t["channel"] for t in defined["touchpoints"]}
    customers = draw_customers(seed)
    log = draw_log(customers, channels, seed)
    return _World(customers, log, draw_respondents(customers, log, seed))


def _write_drawn(world: _World, folder: Path, seed: int) -> dict[str, pd.DataFrame]:
    respondents = write_surveys(world.waves, folder / "survey", seed)
    shutil.rmtree(folder / "interviews", ignore_errors=True)
    interviews = write_interviews(world.customers, world.waves, folder, seed)
    write_log(soil_log(world.log, seed), folder / "events.csv.gz")
    costs = make_costs(seed).to_csv(index=False, lineterminator="\n")
    (folder / "costs.csv").write_bytes(costs.encode("utf-8"))
    return {"respondents": respondents, "interviews": interviews}


def _persona_table() -> pd.DataFrame:
    rows = []
    for name, p in PERSONAS.items():
        row: dict[str, object] = {"persona": name, "share": p.share}
        for group in ("needs", "pains", "channels", "csat"):
            row |= {f"{group}.{key}": value for key, value in getattr(p, group).items()}
        row |= {"ease.checkout": p.ease[0], "ease.call_centre": p.ease[1], "spend": p.spend,
                "visits": p.visits, "buys": p.buys, "leaves": p.leaves}  # fmt: skip
        rows.append(row)
    return pd.DataFrame(rows)


def _effect_table() -> pd.DataFrame:
    rows = [
        ("delivery satisfaction, spring minus autumn", 0.5, "points of 5"),
        ("support satisfaction, spring minus autumn", 0.0, "points of 5"),
        ("delivery satisfaction, all late minus none late", -LATE_COSTS, "points of 5"),
        (
            f"median wait drawn for delivery, before {SLOTS_FROM.date()}",
            WAIT_DAYS["before"],
            "days",
        ),
        (f"median wait drawn for delivery, from {SLOTS_FROM.date()}", WAIT_DAYS["after"], "days"),
        ("a delivery is late after", PROMISE_DAYS, "days"),
        ("purchase rates: shape of the gamma distribution", BUYS_SHAPE, ""),
        ("chance to leave after a purchase: a + b of the beta distribution", LEAVES_SIZE, ""),
        ("chance to leave after a late delivery", LATE_LEAVES, "share"),
    ]
    rows += [
        (f"believed satisfaction with {row['stage']}", float(row["satisfaction"]), "points of 5")
        for row in read_stock("beliefs.csv")
    ]
    return pd.DataFrame(rows, columns=["effect", "size", "unit"])
