"""Training as convex programs: optima inside each optimizer's ball, proved from both sides.

`solve` does it all; its module tells the order in which the others are used.
"""

from theory.losses import Custom, Huber, Logistic, Loss, Squared
from theory.programs.solve import MAX_PATTERNS, Optimum, Relaxed, relax, solve

__all__ = [
    "MAX_PATTERNS",
    "Custom",
    "Huber",
    "Logistic",
    "Loss",
    "Optimum",
    "Relaxed",
    "Squared",
    "relax",
    "solve",
]
