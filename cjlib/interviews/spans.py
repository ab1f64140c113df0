"""Where coded words stand in a turn: as they are written, or else whatever their spelling."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from cjlib.language import key

_CLUSTER: Final = re.compile(r".[\u0300-\u036f\u064b-\u065f\u0670]*", re.DOTALL)


def find_spans(text: str, quote: str) -> list[tuple[int, int]]:
    """Return every place of ``quote`` in ``text``, as characters from and up to.

    Places that do not overlap, from the left. The quote is looked for as it is written; only
    where it stands nowhere so, by ``cjlib.language.key``, which passes over spaces,
    half-spaces, punctuation, case and the spelling of letters. Characters are Unicode code
    points. A quote without letters or digits is found as written or not at all.
    """
    exact = find_exact(text, quote)
    if exact:
        return exact
    keyed, places = key_places(text)
    wanted = key(quote)
    return [(places[a][0], places[b - 1][1]) for a, b in find_exact(keyed, wanted)]


@lru_cache(maxsize=4096)
def key_places(text: str) -> tuple[str, tuple[tuple[int, int], ...]]:
    """Return the key of a text, and for each sign of it the characters it came from."""
    signs: list[str] = []
    places: list[tuple[int, int]] = []
    for cluster in _CLUSTER.finditer(text):
        folded = _key_sign(cluster[0])
        signs.append(folded)
        places += [cluster.span()] * len(folded)
    return "".join(signs), tuple(places)


def find_exact(text: str, wanted: str) -> list[tuple[int, int]]:
    """Return every place of ``wanted`` in ``text`` as it is written."""
    found = []
    at = text.find(wanted) if wanted else -1
    while at >= 0:
        found.append((at, at + len(wanted)))
        at = text.find(wanted, at + len(wanted))
    return found


@lru_cache(maxsize=8192)
def _key_sign(cluster: str) -> str:
    return key(cluster)
