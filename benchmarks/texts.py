"""Sentiment on public Persian and English texts: quality beside published figures, CPU seconds.

    python benchmarks/texts.py FOLDER [--rows N]

FOLDER holds snappfood_fa, digikala_fa, womens_clothing_reviews and parsinlu_food_fa, each as it
is published. Every line tells on how many labelled texts ours learned, how it does on texts it
has not seen (macro F1, interval), the dull rules beside it, what was published and with how many
texts, and the CPU seconds of learning (its five-fold judging included) and of labelling. A model
learned in one field is also tried in another, where it should not be trusted.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import f1_score

from cjlib.texts import SentimentModel, train_sentiment

PUBLISHED = {
    "SnappFood": "ParsBERT .88 with 56,700 texts (Farahani et al. 2021)",
    "ParsiNLU": "aspects: not published for reviews taken whole",
}


def main() -> int:
    """Learn and judge on each set in turn."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rows", type=int, default=5_000, help="of the clothing reviews")
    given = parser.parse_args()
    snapp = given.folder / "snappfood_fa"
    dev, test = (pd.read_csv(snapp / f"{part}.csv") for part in ("dev", "test"))
    model = learn("SnappFood", dev["comment"], dev["label"])
    tell("  on the official test", model, test["comment"], test["label"].astype("string"))
    print(f"  published: {PUBLISHED['SnappFood']}")
    rows = pd.read_csv(given.folder / "digikala_fa" / "digikala_score_suggestion_3261.csv")
    rows = rows[rows["Suggestion"].isin([1, 2])]
    yes = rows["Suggestion"].map({1: "HAPPY", 2: "SAD"}).astype("string")
    tell("  the SnappFood model on phones (digikala)", model, rows["Text"], yes)
    learn("digikala, recommended or not", rows["Text"], yes)
    place = given.folder / "womens_clothing_reviews" / "womens_clothing_reviews.csv.gz"
    reviews = pd.read_csv(place).dropna(subset="Review Text").head(given.rows)
    learn("clothing reviews (English)", reviews["Review Text"], reviews["Recommended IND"])
    food(given.folder / "parsinlu_food_fa")
    return 0


def learn(name: str, texts: pd.Series, labels: pd.Series, **settings: Any) -> SentimentModel:
    """Learn, and say how well and for how many CPU seconds."""
    model, spent = timed(
        lambda: train_sentiment(texts, labels, rng=np.random.default_rng(1), **settings)
    )
    row = model.row("model", "macro_f1")
    print(f"{name}: {row['n']:,} labelled texts, {spent:.1f} CPU s to learn and judge")
    dull = model.quality.query("measure == 'macro_f1'").set_index("model")["estimate"]
    words = ", ".join(f"{m} {v:.3f}" for m, v in dull.items() if "gain" not in str(m))
    print(f"  macro F1 by model, out of fold: {words} [{row['low']:.3f}, {row['high']:.3f}]")
    return model


def tell(name: str, model: SentimentModel, texts: pd.Series, truth: pd.Series) -> None:
    """Judge a model on texts of its own or of another field."""
    told, spent = timed(lambda: model.predict(texts))
    label = told["label"]
    kept = label.notna() & truth.notna()
    score = f1_score(truth[kept].astype(object), label[kept].astype(object), average="macro")
    rate = len(texts) / spent
    print(f"{name}: macro F1 {score:.3f} of {kept.sum():,} texts, {rate:,.0f} texts a CPU second")


def food(folder: Path) -> None:
    """Aspects of food reviews: not mentioned, bad or good; the official test left out."""

    def read(name: str) -> pd.DataFrame:
        lines = (folder / name).read_text(encoding="utf-8").splitlines()
        return pd.DataFrame([json.loads(line) for line in lines])

    def named(code: str) -> str | None:
        number = int(code)
        return {-3: "not mentioned", -2: "bad", -1: "bad", 1: "good", 2: "good"}.get(number)

    rows, every = read("food.jsonl"), read("food_test.jsonl")
    for aspect in ("طعم", "کیفیت", "ارزش خرید"):
        test = every[every["aspect"].eq(aspect)].drop_duplicates("review")
        own = rows[~rows["review"].isin(test["review"])]
        labels = own["aspects"].map(lambda found, a=aspect: named(found.get(a, "-3")))
        values = {"bad": -1, "not mentioned": 0, "good": 1}
        model = learn(f"ParsiNLU food, {aspect}", own["review"], labels, values=values)
        tell("  on the official test", model, test["review"], test["label"].map(named))
    print(f"  published: {PUBLISHED['ParsiNLU']}")


def timed(work: Callable[[], Any]) -> tuple[Any, float]:
    """Return what the work gives and its CPU seconds."""
    start = time.process_time()
    made = work()
    return made, time.process_time() - start


if __name__ == "__main__":
    raise SystemExit(main())
