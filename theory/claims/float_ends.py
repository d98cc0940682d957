"""The cells of a ball once more, in floating point: where a network is, and what lies below.

A cross-check of `theory.landscape.valleys` in balls: the cones, which of them touch, the least loss
on a cell or a face (one conic program each, by Clarabel) and the way down are found in other ways.
Only what is asked for is computed. For small problems.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import combinations_with_replacement
from typing import TYPE_CHECKING, Literal, TypeAlias

import clarabel  # type: ignore[import-untyped]
import numpy as np
from scipy import sparse

from theory.claims.float_landscape import Piece, pieces, shared_pieces
from theory.claims.sampled import slopes
from theory.claims.sign_vectors import SignVectors, sign_vectors
from theory.landscape.cells import Cell
from theory.problem import Problem
from theory.states import state_of
from theory.types import Array

if TYPE_CHECKING:
    from jaxtyping import Float

Kind: TypeAlias = Literal["global", "valley", "plateau"]
Room: TypeAlias = tuple[Piece | None, ...]
"""The pieces that neurons may be in; None for one that is zero."""

FLAT = 2.5e-7
"""How much a path may rise that counts as one of no higher loss, relative to ||y||^2."""

_COLUMNS = {"adamw": "entries", "lion": "entries", "signsgd": "entries", "colnorm": "columns"}
_BALLS = _COLUMNS | {"ngd": "sum", "muon": "shared", "muon-adamw": "spectral", "sgd": "lengths"}


@dataclass(frozen=True, eq=False)
class FloatCells:
    """The cells of networks in an optimizer's ball, modulo permutation of their neurons.

    rho: of the ball. For sgd, which has none, the beta of its penalty, which losses are then with.
    """

    problem: Problem
    width: int
    optimizer: str
    rho: float
    _least: dict[Room, float] = field(default_factory=dict)

    @cached_property
    def cones(self) -> SignVectors:
        """From all sign vectors."""
        return sign_vectors(self.problem)

    @cached_property
    def flat(self) -> float:
        """`FLAT` in the units of the loss."""
        return FLAT * float(self.problem.squared_length)

    @cached_property
    def minimum(self) -> float:
        """The least loss of all cells."""
        cells = combinations_with_replacement(range(len(self._own)), self.width)
        return min(map(self.least, cells))

    def cell_of(self, W: Float[Array, "d m"], a: Float[Array, " m"]) -> Cell:
        """A cell that holds a network."""
        cones = [self.cones.cone_of(w) for w in W.T]
        return tuple(sorted(state_of(*each) for each in zip(cones, a.tolist(), strict=True)))

    def least(self, cell: Cell) -> float:
        """The least loss of a cell."""
        return self._minimum(tuple(self._own[state] for state in cell))

    def kind(self, cell: Cell) -> Kind:
        """What the least loss of a cell is: `plateau` where a path of no higher loss leads lower,
        else the bottom of a valley, that of the least one `global`."""
        bottom = self.least(cell)
        if bottom <= self.minimum + self.flat:
            return "global"
        reached, waiting = {cell}, [cell]
        while waiting:
            here = waiting.pop()
            for target, face in self._moves(here):
                if target in reached or self._minimum(face) > bottom + self.flat:
                    continue
                if self.least(target) < bottom - self.flat:
                    return "plateau"
                reached.add(target)
                waiting.append(target)
        return "valley"

    def _moves(self, cell: Cell) -> list[tuple[Cell, Room]]:
        """The cells that one neuron leads to, and the faces on the way."""
        found = []
        for j, state in enumerate(cell):
            others = cell[:j] + cell[j + 1 :]
            room = tuple(self._own[other] for other in others)
            for target, common in self._touching[state]:
                found.append((tuple(sorted((*others, target))), (*room, common)))
        return found

    @cached_property
    def _own(self) -> list[Piece]:
        return pieces(self.cones)

    @cached_property
    def _touching(self) -> dict[int, list[tuple[int, Piece | None]]]:
        found = defaultdict(list)
        for (first, second), common in shared_pieces(self.cones).items():
            found[first].append((second, common))
            found[second].append((first, common))
        return found

    def _minimum(self, room: Room) -> float:
        if room not in self._least:
            self._least[room] = self._solved([piece for piece in room if piece is not None])
        return self._least[room]

    def _solved(self, room: Sequence[Piece]) -> float:
        """min 1/2 ||f - y||^2 over u_j = |a_j| w_j in the pieces and the ball, a cone program."""
        X, y = (np.array(data, dtype=float) for data in (self.problem.X, self.problem.y))
        if not room:
            return float(y @ y) / 2
        signs = np.array([each for _, each in room])  # (m, n)
        fits = [
            s * slopes(self.problem, row)[:, None] * X
            for (s, _), row in zip(room, signs, strict=True)
        ]
        ball, cones, more = _ball(_BALLS[self.optimizer], len(room), X.shape[1], self.rho)
        M = np.hstack([*fits, np.zeros((len(y), more))])
        sides: list[Array] = []
        on: list[Array] = []
        for j, row in enumerate(signs):
            for k in np.flatnonzero(X.any(axis=1)):
                normal = np.zeros(M.shape[1])
                normal[j * X.shape[1] : (j + 1) * X.shape[1]] = X[k]
                (sides if row[k] else on).append(-row[k] * normal if row[k] else normal)
        linear = -M.T @ y
        if self.optimizer == "sgd":  # beta times the lengths of the u_j
            linear[-more:] += self.rho
        A = np.vstack([*on, *sides, *ball[0]])
        b = np.concatenate([np.zeros(len(on) + len(sides)), ball[1]])
        kinds = [clarabel.ZeroConeT(len(on))] * bool(on)
        kinds += [clarabel.NonnegativeConeT(len(sides))] * bool(sides)
        settings = clarabel.DefaultSettings()
        settings.verbose = False
        solver = clarabel.DefaultSolver(
            sparse.triu(M.T @ M, format="csc"),
            linear,
            sparse.csc_matrix(A),
            b,
            [*kinds, *cones],
            settings,
        )
        found = np.array(solver.solve().x)
        error = M @ found - y
        penalty = self.rho * found[-more:].sum() if self.optimizer == "sgd" else 0.0
        return float(error @ error) / 2 + float(penalty)


def _ball(
    kind: str, m: int, d: int, rho: float
) -> tuple[tuple[Float[Array, "r v"], Float[Array, " r"]], list[object], int]:
    """A and b of b - A x in a product of cones, these, and the number of variables after u.

    By the norms of u_j = |a_j| w_j, with ||W||, ||a|| <= R and rho = R^2:
    `entries` and `columns`: |a_j| = R, so ||u_j|| <= rho. `sum`: sum ||u_j||_2 <= rho, with
    |a_j|^2 in proportion; `lengths`: the ||u_j||_2 without a bound. `spectral`: |a_j| = R, so
    ||U|| <= rho. `shared`: U diag(1/t) U^T <= rho I for t = a^2 of sum at most rho, as
    W = U diag(1/a).
    """
    size = m * d
    if kind == "entries":
        return (
            (np.vstack([np.eye(size), -np.eye(size)]), np.full(2 * size, rho)),
            [clarabel.NonnegativeConeT(2 * size)],
            0,
        )
    if kind in ("columns", "sum", "lengths"):
        more = 0 if kind == "columns" else m
        A, b, cones = [], [], []
        for j in range(m):
            block = np.zeros((d + 1, size + more))
            block[1:, j * d : (j + 1) * d] = -np.eye(d)
            if more:
                block[0, size + j] = -1
            A.append(block)
            b.append(np.array([0.0 if more else rho, *[0.0] * d]))
            cones.append(clarabel.SecondOrderConeT(d + 1))
        if kind == "sum":
            A.append(np.array([[0.0] * size + [1.0] * m]))
            b.append(np.array([rho]))
            cones.append(clarabel.NonnegativeConeT(1))
        return (np.vstack(A), np.concatenate(b)), cones, more
    more = m if kind == "shared" else 0
    # [[rho I, U], [U^T, D]], D = rho I or diag(t) with sum t <= rho, upper triangle by columns.
    rows: list[Array] = []
    heights: list[float] = []
    for column in range(d + m):
        for row in range(column + 1):
            entry, constant = np.zeros(size + more), 0.0
            if row == column:
                if row >= d and more:
                    entry[size + row - d] = -1
                else:
                    constant = rho
            elif row < d <= column:
                entry[(column - d) * d + row] = -np.sqrt(2)
            rows.append(entry)
            heights.append(constant)
    cones = [clarabel.PSDTriangleConeT(d + m)]
    if more:
        rows.append(np.array([0.0] * size + [1.0] * m))
        heights.append(rho)
        cones.append(clarabel.NonnegativeConeT(1))
    return (np.array(rows), np.array(heights)), cones, more
