"""The exact loss landscape of a small network: components, barriers, minimax paths."""

from theory.landscape.analysis import Analysis, Barrier, analyse, barrier_between
from theory.landscape.cells import DEFAULT_MAX_CELLS
from theory.landscape.limits import Limit, limits
from theory.landscape.merge_tree import Component, Cut, Merge
from theory.landscape.minimax import MinimaxPath
from theory.landscape.valleys import Valley, Valleys, valleys

__all__ = [
    "DEFAULT_MAX_CELLS",
    "Analysis",
    "Barrier",
    "Component",
    "Cut",
    "Limit",
    "Merge",
    "MinimaxPath",
    "Valley",
    "Valleys",
    "analyse",
    "barrier_between",
    "limits",
    "valleys",
]
