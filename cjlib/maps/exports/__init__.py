"""A map in the forms that other people ask for: documents, slides, pictures, tables, data."""

from cjlib.maps.exports.rows import tabulate_map
from cjlib.maps.exports.saving import SavedMap, save_map_as

__all__ = ["SavedMap", "save_map_as", "tabulate_map"]
