"""Connectivity of one optimizer's solution set: paths inside it, and the widths that suffice.

`connect` finds a path between two networks of a `SolutionSet`, into which `project` takes trained
ones. `width_profile` counts components width by width, exactly; `connected_from` is the theorem's
bound.
"""

from theory.connectivity.bounds import connected_from, largest_mass
from theory.connectivity.paths import SolutionPath, connect
from theory.connectivity.profile import Profile, WidthRow, width_profile
from theory.connectivity.projection import Projection, project
from theory.connectivity.solutions import Neuron, SolutionSet

__all__ = [
    "Neuron",
    "Profile",
    "Projection",
    "SolutionPath",
    "SolutionSet",
    "WidthRow",
    "connect",
    "connected_from",
    "largest_mass",
    "project",
    "width_profile",
]
