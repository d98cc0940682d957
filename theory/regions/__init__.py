"""What optimizers' balls hold of the landscape: the least radius that reaches a component, and how
the regions of two optimizers meet.

>>> from theory import analyse, example
>>> found = radii(analyse(example("flagship"), width=2), ["adamw", "muon"])
>>> [str(component["adamw"].upper) for component in found.components]
['2', '12/5']
>>> found.preferred("adamw"), found.preferred("muon")
(0, 1)
>>> from fractions import Fraction
>>> found = regions(example("flagship"), ("adamw", "muon"), width=2)
>>> [found.at(Fraction(5, 2), Fraction(rho)).phase for rho in ("3", "3.05", "3.06")]
['empty', 'empty', 'overlap']
"""

from theory.regions.grid import grid
from theory.regions.least_radius import LeastRadius
from theory.regions.meeting import Frontier, Meeting, Regions, regions, split
from theory.regions.radii import OPTIMIZERS, DualPoint, Radii, Radius, radii

__all__ = [
    "OPTIMIZERS",
    "DualPoint",
    "Frontier",
    "LeastRadius",
    "Meeting",
    "Radii",
    "Radius",
    "Regions",
    "grid",
    "radii",
    "regions",
    "split",
]
