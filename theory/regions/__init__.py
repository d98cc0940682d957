"""How the regions of two optimizers meet in the landscape.

>>> from fractions import Fraction
>>> from theory import example
>>> found = optimizer_regions(example("flagship"), ("adamw", "muon"), width=2)
>>> [found.at(Fraction(5, 2), Fraction(rho)).phase for rho in ("3", "3.05", "3.06")]
['empty', 'empty', 'overlap']
"""

from theory.regions.grid import grid
from theory.regions.least_radius import LeastRadius
from theory.regions.meeting import Frontier, Meeting, Regions, optimizer_regions, split

__all__ = ["Frontier", "LeastRadius", "Meeting", "Regions", "grid", "optimizer_regions", "split"]
