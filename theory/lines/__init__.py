"""Straight lines between networks: how high the loss rises on them, exactly.

`line` is the maximum on one, `align` the order of neurons with the least one, and `least_star` a
network between others.
"""

from theory.lines.alignment import Alignment, align
from theory.lines.centre import Star, least_star
from theory.lines.real import Real
from theory.lines.segment import Line, between, line

__all__ = ["Alignment", "Line", "Real", "Star", "align", "between", "least_star", "line"]
