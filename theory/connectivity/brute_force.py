"""The components of the optimal networks of one width once more, by brute force, exactly.

Every assignment of the neurons to directions, or to none, is a cell; a linear program decides
whether it holds an optimal network. Nothing is known of vertices, blanks or permutations: a
cross-check of `theory.connectivity.staircase` for small widths.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Int
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from theory.connectivity.staircase import Step, Vector
from theory.errors import BudgetError
from theory.landscape.form import Form
from theory.landscape.nnls import LeastSquares
from theory.problem import positive_integer

MAX_CELLS = 2_000_000
"""Assignments at one width, by default; some 200 bytes each."""


def count_components(
    images: Sequence[Vector], fit: Vector, width: int, *, max_cells: int = MAX_CELLS
) -> Step:
    """The components of {neurons j with c_j >= 0 and a direction : sum_j c_j image_j = fit}.

    images: (k, n), of the directions a neuron may have. fit: (n,). A neuron with c_j = 0 has none.

    Two cells share a point if and only if the cell of the neurons on which they agree is not empty,
    so cells are joined to those with one neuron fewer. A point is isolated if and only if its cell
    has no such neighbour: else a neuron can shrink to zero, or a zero neuron can take a part of
    another one.

    Raises BudgetError where there are more than `max_cells` cells.
    """
    width, k = positive_integer(width, "width"), len(images)
    cells = (k + 1) ** width
    if cells > max_cells:
        raise BudgetError("cells", cells, max_cells, "max_cells")
    feasible = _feasible(images, fit)
    # Digit j of a cell in base k + 1 is the direction of neuron j, or k for none.
    digits = np.stack([np.arange(cells) // (k + 1) ** j % (k + 1) for j in range(width)])
    members = np.bitwise_or.reduce(1 << digits, axis=0) & ((1 << k) - 1)
    there = feasible[members]
    pairs = [np.zeros((2, 0), dtype=np.int64)]
    for j in range(width):
        emptied = np.arange(cells) + (k - digits[j]) * (k + 1) ** j
        moves = there & there[emptied] & (digits[j] != k)
        pairs.append(np.stack([np.flatnonzero(moves), emptied[moves]]))
    edges = np.concatenate(pairs, axis=1)
    nodes = np.flatnonzero(there)
    powers = (k + 1) ** np.arange(width)
    sorted_ = (np.sort(digits, axis=0) * powers[:, None]).sum(axis=0)
    permuted = np.stack([nodes, sorted_[nodes]])
    labelled = _components(edges, nodes, nodes)
    modulo = _components(np.concatenate([edges, permuted], axis=1), nodes, sorted_[nodes])
    if not any(fit):
        return Step(width, len(modulo), len(labelled), 1, 1)  # one point, in all of its cells
    return Step(
        width, len(modulo), len(labelled), int((modulo == 1).sum()), int((labelled == 1).sum())
    )


def _feasible(images: Sequence[Vector], fit: Vector) -> Bool[np.ndarray, " sets"]:
    """For each set of directions, as bits: whether the fit is a nonnegative combination."""
    k = len(images)
    common = math.lcm(*(v.denominator for row in (*images, fit) for v in row))
    columns = np.array([[int(v * common) for v in image] for image in images], dtype=object)
    target = [int(v * common) for v in fit]
    program = LeastSquares(columns.reshape(k, len(fit)), Form.squares(target))
    found = []
    for bits in range(1 << k):
        chosen = tuple(i for i in range(k) if bits >> i & 1)
        found.append(program.minimum(chosen).value == 0)
    return np.array(found)


def _components(
    edges: Int[np.ndarray, "2 e"], nodes: Int[np.ndarray, " v"], names: Int[np.ndarray, " v"]
) -> Int[np.ndarray, " components"]:
    """How many different names the nodes of each component have."""
    if not len(nodes):
        return np.zeros(0, dtype=np.int64)
    size = int(nodes.max()) + 1
    graph = coo_array((np.ones(edges.shape[1], dtype=bool), tuple(edges)), shape=(size, size))
    _, component = connected_components(graph, directed=False)
    pairs = np.unique(component[nodes].astype(np.int64) * (names.max() + 1) + names)
    _, counts = np.unique(pairs // (names.max() + 1), return_counts=True)
    return counts
