"""Connectivity of one optimizer's solution set: paths inside it, and the widths that suffice.

`connect` finds a path between two networks of a `SolutionSet`, into which `project` takes trained
ones. `width_profile` counts components width by width, exactly; `connected_from` is the theorem's
bound, `minimal_counts` are what a smaller one comes from. `radius_intervals` says for which radii
of an entrywise ball the counts stay as they are, and `search` looks for data with a profile of some
kind. `unconstrained_path` is the classical path, which leaves the ball; `largest_radius` says how
far. `optimal_polytope` counts components for the l2-penalised problem, from the vertices of one
polytope.
"""

from theory.connectivity.brute_force import count_components
from theory.connectivity.critical_radii import RadiusInterval, radius_intervals
from theory.connectivity.estimates import estimated_intervals
from theory.connectivity.minimal_counts import MinimalCounts, minimal_counts
from theory.connectivity.paths import SolutionPath, connect
from theory.connectivity.profile import Profile, WidthRow, width_profile, width_row
from theory.connectivity.projection import Projection, project
from theory.connectivity.radius_profiles import Found, RadiusProfile, radius_profiles, search
from theory.connectivity.solutions import Neuron, SolutionSet
from theory.connectivity.staircase import (
    Direction,
    OptimalPolytope,
    Step,
    active_directions,
    optimal_polytope,
    plant,
)
from theory.connectivity.theorems import connected_from, largest_mass
from theory.connectivity.unconstrained import RadiusBounds, largest_radius, unconstrained_path

__all__ = [
    "Direction",
    "Found",
    "MinimalCounts",
    "Neuron",
    "OptimalPolytope",
    "Profile",
    "Projection",
    "RadiusBounds",
    "RadiusInterval",
    "RadiusProfile",
    "SolutionPath",
    "SolutionSet",
    "Step",
    "WidthRow",
    "active_directions",
    "connect",
    "connected_from",
    "count_components",
    "estimated_intervals",
    "largest_mass",
    "largest_radius",
    "minimal_counts",
    "optimal_polytope",
    "plant",
    "project",
    "radius_intervals",
    "radius_profiles",
    "search",
    "unconstrained_path",
    "width_profile",
    "width_row",
]
