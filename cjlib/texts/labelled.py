"""Where labels come from: a file of labelled rows, or a rating beside the comment."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd

from cjlib.columns import require_columns
from cjlib.errors import JourneyError
from cjlib.study import Study
from cjlib.survey import Survey
from cjlib.texts.labels import FEWEST_PER_LABEL
from cjlib.texts.sentiment import SentimentModel, train_sentiment

NEUTRAL: Final = (0.4, 0.6)  # the middle of a scale: 3 of 1 to 5, 5 of 0 to 10


def read_labels(study: Study, file: str) -> pd.DataFrame:
    """Read a study's labelled rows: a CSV with the columns ``text`` and ``label``.

    Cells are texts as they stand ("NA" is a text); the path lies inside the study.
    """
    place = study.file(file)
    frame = pd.read_csv(place, dtype="string", keep_default_na=False, encoding="utf-8-sig")
    require_columns(frame, ["text", "label"], caller="read_labels")
    return frame[["text", "label"]]


def train_from_survey(
    survey: Survey, *, text: str, rating: str, rng: np.random.Generator, **settings: Any
) -> SentimentModel:
    """Learn sentiment from comments and the rating that the same person gave.

    Ratings above the middle fifth of the item's scale are positive, below it negative, in it
    neutral; a neutral label with too few texts for ``train_sentiment`` is left out. Items that
    the codebook reverses are turned round already. The rating judges the experience, the
    comment may speak of something else: expect less than from labels given to the texts.

    Parameters
    ----------
    survey : Survey
    text, rating : str
        Codebook names of the comment and of an item with ``low`` and ``high``.
    rng : Generator
    **settings
        Of ``train_sentiment``: language, folds, level.
    """
    frame = survey.respondents
    require_columns(frame, [text, rating], caller="train_from_survey")
    item = survey.study.codebook[rating]
    if item.low is None or item.high is None or item.high <= item.low:
        raise JourneyError(
            f"train_from_survey: the rating must have a scale; '{rating}' has no low and high "
            "in the codebook. Write them, or take another item."
        )
    share = (frame[rating].astype(float) - item.low) / (item.high - item.low)
    named = pd.Series(pd.NA, index=frame.index, dtype="string")
    named = named.mask(share.lt(NEUTRAL[0]), "negative").mask(share.gt(NEUTRAL[1]), "positive")
    middle = share.between(*NEUTRAL)
    if frame.loc[middle, text].nunique() >= FEWEST_PER_LABEL:
        named = named.mask(middle, "neutral")
    settings.setdefault("language", survey.study.language)
    settings.setdefault("level", survey.study.level)
    return train_sentiment(frame[text], named, rng=rng, **settings)
