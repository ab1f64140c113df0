"""What goes with an outcome: how much of it, and whether lows and highs count alike."""

from cjlib.drivers.asymmetry import Asymmetry, measure_asymmetry
from cjlib.drivers.shares import Drivers, measure_drivers
from cjlib.drivers.variance import share_out, share_variance

__all__ = [
    "Asymmetry",
    "Drivers",
    "measure_asymmetry",
    "measure_drivers",
    "share_out",
    "share_variance",
]
