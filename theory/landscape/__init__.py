"""The exact loss landscape of a small network: components, barriers, minimax paths."""

from theory.landscape.analysis import (
    Analysis,
    Barrier,
    Component,
    Cut,
    Merge,
    analyse,
    barrier_between,
)
from theory.landscape.cells import DEFAULT_MAX_CELLS
from theory.landscape.minimax import MinimaxPath

__all__ = [
    "DEFAULT_MAX_CELLS",
    "Analysis",
    "Barrier",
    "Component",
    "Cut",
    "Merge",
    "MinimaxPath",
    "analyse",
    "barrier_between",
]
