"""Connectivity of one optimizer's solution set: at which widths it is connected.

`width_profile` counts components width by width, exactly; `connected_from` is the theorem's bound.
`optimal_polytope` does the same for the l2-penalised problem, from the vertices of one polytope.
"""

from theory.connectivity.bounds import connected_from, largest_mass
from theory.connectivity.exhaustive import count_components
from theory.connectivity.profile import Profile, WidthRow, width_profile
from theory.connectivity.staircase import (
    Direction,
    OptimalPolytope,
    Step,
    active_directions,
    optimal_polytope,
    plant,
)

__all__ = [
    "Direction",
    "OptimalPolytope",
    "Profile",
    "Step",
    "WidthRow",
    "active_directions",
    "connected_from",
    "count_components",
    "largest_mass",
    "optimal_polytope",
    "plant",
    "width_profile",
]
