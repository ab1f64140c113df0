"""A study: one folder of definitions and raw files, loaded once and never changed."""

from cjlib.study.model import SOURCES, Study
from cjlib.study.reading import load_study, read_study
from cjlib.study.report_texts import list_report_texts

__all__ = ["SOURCES", "Study", "list_report_texts", "load_study", "read_study"]
