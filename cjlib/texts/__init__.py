"""Texts: sentiment learned from labelled rows, and themes; nothing is downloaded."""

from cjlib.texts.sentiment import SentimentModel, train_sentiment

__all__ = ["SentimentModel", "train_sentiment"]
