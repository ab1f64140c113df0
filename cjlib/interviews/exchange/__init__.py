"""Codings to and from other tools: REFI-QDA projects and Taguette's tables."""

from cjlib.interviews.exchange.model import Exchange, Written
from cjlib.interviews.exchange.reading import read_refi
from cjlib.interviews.exchange.refi import write_refi
from cjlib.interviews.exchange.taguette import read_taguette, write_taguette

__all__ = ["Exchange", "Written", "read_refi", "read_taguette", "write_refi", "write_taguette"]
