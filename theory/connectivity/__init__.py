"""Connectivity of one optimizer's solution set: at which widths it is connected.

`width_profile` counts components width by width, exactly; `connected_from` is the theorem's bound.
"""

from theory.connectivity.bounds import connected_from, largest_mass
from theory.connectivity.profile import Profile, WidthRow, width_profile

__all__ = ["Profile", "WidthRow", "connected_from", "largest_mass", "width_profile"]
