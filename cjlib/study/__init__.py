"""A study: one folder of definitions and raw files, loaded once and never changed."""

from cjlib.study.model import SOURCES, Study
from cjlib.study.reading import load_study, read_study

__all__ = ["SOURCES", "Study", "load_study", "read_study"]
