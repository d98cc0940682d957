"""Connectivity of one optimizer's solution set: at which widths it is connected.

`width_profile` counts components width by width, exactly; `connected_from` is the theorem's bound.
`radius_intervals` says for which radii of an entrywise ball the counts stay as they are.
"""

from theory.connectivity.bounds import connected_from, largest_mass
from theory.connectivity.critical_radii import RadiusInterval, radius_intervals
from theory.connectivity.profile import Profile, WidthRow, width_profile

__all__ = [
    "Profile",
    "RadiusInterval",
    "WidthRow",
    "connected_from",
    "largest_mass",
    "radius_intervals",
    "width_profile",
]
