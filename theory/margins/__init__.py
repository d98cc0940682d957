"""Classification: which networks have all labels right, and by which margins in whose ball.

>>> from theory import Problem
>>> two = Problem(X=[[1], [-2]], y=[1, 1])
>>> found = max_margins(two, ["adamw", "ngd"], width=2)
>>> [str(component["adamw"].upper) for component in found.components]
['1']
"""

from theory.margins.margins import (
    Labelled,
    Margin,
    MarginProof,
    Margins,
    MaxMargin,
    max_margins,
)
from theory.margins.separation import Component, Separation, separation

__all__ = [
    "Component",
    "Labelled",
    "Margin",
    "MarginProof",
    "Margins",
    "MaxMargin",
    "Separation",
    "max_margins",
    "separation",
]
