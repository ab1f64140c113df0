"""The codebook: what every survey column means, validated line by line."""

from cjlib.codebook.items import (
    FIELDS,
    KINDS,
    METRICS,
    MIDPOINT,
    ROLES,
    YES_NO,
    Codebook,
    Condition,
    Item,
)
from cjlib.codebook.reading import read_codebook

__all__ = [
    "FIELDS",
    "KINDS",
    "METRICS",
    "MIDPOINT",
    "ROLES",
    "YES_NO",
    "Codebook",
    "Condition",
    "Item",
    "read_codebook",
]
