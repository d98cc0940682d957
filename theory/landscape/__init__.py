"""The exact loss landscape of a small network: components, barriers, minimax paths.

>>> from theory import example
>>> found = analyse(example("flagship"), width=2)
>>> found
<Analysis: n = 4, d = 2, width 2: 2 components of {loss <= 0}, least loss 0>
>>> found.path(0, 1)
<MinimaxPath: 4 breakpoints, loss at most 32/45>
>>> [str(loss) for loss in found.path(0, 1).to_dataframe()["loss"]]
['0', '32/45', '32/45', '0']
>>> found.to_json()["barriers"]
[['0', '32/45'], ['32/45', '0']]
"""

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
