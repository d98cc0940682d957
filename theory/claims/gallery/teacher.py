"""Solutions of a ReLU student of a ReLU teacher with orthonormal neurons, by their types.

Student sum_i relu(w_i . x), i <= m; teacher sum_j relu(e_j . x), j <= M. Each w_i of a solution is
0 or a positive multiple of some e_j (Lin, Li, Wu, arXiv 2404.06391, Theorem 6): its type says
which. Whether the straight line between two solutions consists of solutions depends on their types
only.
"""

from __future__ import annotations

from itertools import product

import numpy as np
from jaxtyping import Bool

from theory.types import Array

_SHARES = 60  # of a teacher's neuron, which up to six of the student's share


def types(M: int, m: int) -> list[tuple[int, ...]]:
    """All types: for each neuron 0, or j where it is a part of e_j; each j is some neuron's."""
    return [each for each in product(range(M + 1), repeat=m) if len({*each} - {0}) == M]


def neighbours(M: int, m: int) -> Bool[Array, "T T"]:
    """Which two types are joined by a straight line of solutions: where their middle is one, at
    every x with entries -1, 0 and 1, in integers."""
    every = types(M, m)
    W = np.zeros((len(every), m, M), dtype=np.int64)  # equal shares of the teacher's neurons
    for k, each in enumerate(every):
        for i, j in enumerate(each):
            if j:
                W[k, i, j - 1] = _SHARES // each.count(j)
    x = np.array(list(product((-1, 0, 1), repeat=M))).T
    teacher = 2 * _SHARES * np.maximum(x, 0).sum(axis=0)
    return np.array(
        [(np.maximum((W + each) @ x, 0).sum(axis=1) == teacher).all(axis=1) for each in W]
    )
