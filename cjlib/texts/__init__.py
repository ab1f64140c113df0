"""Texts: sentiment learned from labelled rows, and themes; nothing is downloaded."""

from cjlib.texts.comments import find_words, gather_comments
from cjlib.texts.groups import SentimentBy, adjust_share, measure_sentiment_by
from cjlib.texts.labelled import read_labels, train_from_survey
from cjlib.texts.learning import LearningCurve, learning_curve
from cjlib.texts.sentiment import SentimentModel, train_sentiment
from cjlib.texts.stop_words import stop_words
from cjlib.texts.themes import Themes, find_themes

__all__ = [
    "LearningCurve",
    "SentimentBy",
    "SentimentModel",
    "Themes",
    "adjust_share",
    "find_themes",
    "find_words",
    "gather_comments",
    "learning_curve",
    "measure_sentiment_by",
    "read_labels",
    "stop_words",
    "train_from_survey",
    "train_sentiment",
]
