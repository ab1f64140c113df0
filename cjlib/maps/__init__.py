"""Journey maps as data: built from the tables, checked, drawn, compared, kept in versions."""

from cjlib.maps.assumptions import add_assumptions
from cjlib.maps.building import build_map
from cjlib.maps.checking import MapError, MapFault, check_map, read_map, require_map
from cjlib.maps.comparing import MapChanges, diff_maps
from cjlib.maps.exports import SavedMap, save_map_as, tabulate_map
from cjlib.maps.fonts import embed_fonts
from cjlib.maps.future import plan_future
from cjlib.maps.gaps import list_belief_gaps
from cjlib.maps.picture import draw_map, draw_whole_map, save_picture
from cjlib.maps.rendering import map_fragment, map_styles, render_html
from cjlib.maps.side_by_side import render_side_by_side
from cjlib.maps.starting import list_map_templates, new_map
from cjlib.maps.versions import find_staleness, is_stale, load_map, save_map

__all__ = [
    "MapChanges",
    "MapError",
    "MapFault",
    "SavedMap",
    "add_assumptions",
    "build_map",
    "check_map",
    "diff_maps",
    "draw_map",
    "draw_whole_map",
    "embed_fonts",
    "find_staleness",
    "is_stale",
    "list_belief_gaps",
    "list_map_templates",
    "load_map",
    "map_fragment",
    "map_styles",
    "new_map",
    "plan_future",
    "read_map",
    "render_html",
    "render_side_by_side",
    "require_map",
    "save_map",
    "save_map_as",
    "save_picture",
    "tabulate_map",
]
