"""Radii once more, in floating point: a cross-check of `theory.regions` and `theory.connectivity`.

One convex program for each cell, stated neuron by neuron as in proofs_notes/radii.md and
region-interaction.md and left to the solver; cells and faces are those of
`theory.claims.float_landscape`. Nothing is pruned, nothing is proved. For small problems.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import combinations_with_replacement, permutations
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from scipy.cluster.hierarchy import DisjointSet

from theory.claims.float_landscape import (
    TOLERANCE,
    Piece,
    least_loss,
    pieces,
    shared_pieces,
)
from theory.claims.sampled import slopes
from theory.claims.sign_vectors import SignVectors, sign_vectors
from theory.landscape.cells import Cell
from theory.problem import Problem
from theory.types import Array

if TYPE_CHECKING:
    import cvxpy


Room: TypeAlias = tuple[Piece, ...]
"""Where each neuron may be."""

ENTRYWISE = ("adamw", "lion", "signsgd")
"""Optimizers whose ball bounds entries; its least radii are linear programs."""

_AT_ONCE = 500  # programs solved as one

_SAME = 1e-9  # relative; radii as near as this are taken for equal


def float_radius(
    problem: Problem,
    cones: SignVectors,
    cells: Iterable[Cell],
    optimizer: str,
    *,
    fit: Sequence[Fraction] | None = None,
    within: tuple[str, Fraction] | None = None,
) -> float:
    """The least rho at which an optimizer's ball holds a network of this fit in one of the cells.

    fit: (n,), by default y. within: another optimizer and its rho, in whose ball the network has to
    be as well, R_W = R_a in each.
    Infinity where no cell has one, NaN where the solver fails.
    """
    room, wanted = pieces(cones), np.array(problem.y if fit is None else fit, dtype=float)
    neurons = [tuple(room[state] for state in cell) for cell in cells]
    if within is None and optimizer in ENTRYWISE:
        return float(np.min(_entrywise(problem, neurons, wanted)))
    return float(np.min([_conic(problem, each, wanted, optimizer, within) for each in neurons]))


def _entrywise(problem: Problem, rooms: Sequence[Room], fit: Array) -> list[float]:
    """min rho over |u_jk| <= rho for neurons in each of the rooms, by HiGHS: all at once, as they
    have no variables in common, or one by one where some hold no network of this fit."""
    from scipy.optimize import linprog
    from scipy.sparse import block_diag

    if len(rooms) > _AT_ONCE:
        half = len(rooms) // 2
        return _entrywise(problem, rooms[:half], fit) + _entrywise(problem, rooms[half:], fit)
    below, equal = zip(*(_linear(problem, room) for room in rooms), strict=True)
    last = np.cumsum([matrix.shape[1] for matrix in below]) - 1
    cost = np.zeros(last[-1] + 1)
    cost[last] = 1.0
    found = linprog(
        cost,
        A_ub=block_diag(below, format="csr"),
        b_ub=np.zeros(sum(map(len, below))),
        A_eq=block_diag(equal, format="csr"),
        b_eq=np.concatenate([[*fit, *[0.0] * (len(matrix) - len(fit))] for matrix in equal]),
        bounds=(None, None),
        method="highs-ds",
    )
    if found.success:
        radii: list[float] = found.x[last].tolist()
        return radii
    if len(rooms) > 1:
        return [_entrywise(problem, [room], fit)[0] for room in rooms]
    return [math.inf if found.status == 2 else math.nan]


def _linear(problem: Problem, room: Room) -> tuple[Array, Array]:
    """What is at most 0, and what has to be the fit, and 0 on walls; in U and rho."""
    X, d = np.array(problem.X, dtype=float), problem.d
    size = d * len(room)
    fits = np.zeros((problem.n, size + 1))
    signs: list[Any] = []
    walls: list[Any] = []
    for j, (sign, limits) in enumerate(room):
        place = slice(j * d, (j + 1) * d)
        fits[:, place] = sign * X * slopes(problem, np.array(limits))[:, None]
        for row, limit in zip(X, limits, strict=True):
            line = np.zeros(size + 1)
            line[place] = row * (-limit or 1)
            (signs if limit else walls).append(line)
    largest = np.hstack([np.vstack([np.eye(size), -np.eye(size)]), -np.ones((2 * size, 1))])
    return np.vstack([largest, *signs]), np.vstack([fits, *walls])


def _conic(
    problem: Problem,
    neurons: Room,
    fit: Array,
    optimizer: str,
    within: tuple[str, Fraction] | None,
) -> float:
    """min rho over R_W = R_a = sqrt(rho), by an interior point method."""
    import cvxpy

    X = np.array(problem.X, dtype=float)
    sides = np.array([limits for _, limits in neurons], dtype=float)  # (m, n)
    signs = np.array([sign for sign, _ in neurons])
    program = _compiled(*X.shape, len(neurons), optimizer, within and within[0])
    given = program.param_dict
    given["cones"].value = np.vstack([side[:, None] * X for side in sides])
    given["fits"].value = np.hstack(
        [s * own[:, None] * X for s, own in zip(signs, slopes(problem, sides), strict=True)]
    )
    given["fit"].value = fit
    if within is not None:
        given["bound"].value = float(within[1])
    try:
        # Warm, the scaling would be that of an earlier solve.
        program.solve(solver=cvxpy.CLARABEL, warm_start=False)  # type: ignore[no-untyped-call]
    except cvxpy.SolverError:
        return math.nan
    if program.status == cvxpy.INFEASIBLE:
        return math.inf
    return float(program.value) if program.status == cvxpy.OPTIMAL else math.nan


@lru_cache(maxsize=64)
def _compiled(n: int, d: int, m: int, optimizer: str, other: str | None) -> cvxpy.Problem:
    """The program for all cells of one shape: CVXPY canonicalises it once."""
    import cvxpy

    cp: Any = cvxpy  # mypy does not see the functions it exports
    U, alpha, rho = cp.Variable((d, m)), cp.Variable(m), cp.Variable()
    cones, fits = cp.Parameter((n * m, d), name="cones"), cp.Parameter((n, d * m), name="fits")
    constraints = [
        cp.hstack([cones[j * n : (j + 1) * n] @ U[:, j] for j in range(m)]) >= 0,
        fits @ U.flatten(order="F") == cp.Parameter(n, name="fit"),
        *_in_ball(optimizer, U, alpha, rho),
    ]
    if other is not None:
        constraints += _in_ball(other, U, alpha, cp.Parameter(nonneg=True, name="bound"))
    program: cvxpy.Problem = cp.Problem(cp.Minimize(rho), constraints)
    return program


def _in_ball(
    optimizer: str, U: cvxpy.Variable, alpha: cvxpy.Variable, rho: cvxpy.Expression
) -> list[cvxpy.Constraint]:
    """R_W = R_a = sqrt(rho), with alpha_j = a_j^2 and u_j = |a_j| w_j."""
    import cvxpy

    cp: Any = cvxpy  # mypy does not see the functions it exports
    d, m = U.shape
    squares = [cp.quad_over_lin(U[:, j], alpha[j]) for j in range(m)]  # ||w_j||^2
    if optimizer == "sgd":  # the penalty over beta is at most rho
        return [cp.sum(cp.hstack(squares)) + cp.sum(alpha) <= 2 * rho]
    hidden = {
        "adamw": lambda: [
            cp.quad_over_lin(U[k, j], alpha[j]) <= rho for k in range(d) for j in range(m)
        ],
        "colnorm": lambda: [square <= rho for square in squares],
        "ngd": lambda: [cp.sum(cp.hstack(squares)) <= rho],
        "muon": lambda: [cp.bmat([[rho * np.eye(d), U], [U.T, cp.diag(alpha)]]) >> 0],
    }
    hidden |= {"lion": hidden["adamw"], "signsgd": hidden["adamw"]}
    # Of two names the first is for the hidden layer, the last for the output layer.
    of_W, of_a = optimizer.split("-")[0], optimizer.split("-")[-1]
    return [*hidden[of_W](), (cp.sum(alpha) if of_a in ("muon", "ngd") else alpha) <= rho]


@dataclass(frozen=True)
class _Face:
    """One neuron moves between two states, the others are in `rest`; possible from `radius` on."""

    radius: float
    rest: Cell
    states: tuple[int, int]

    def sides(self, labelled: bool) -> Iterator[tuple[Cell, ...]]:
        """The cells on both sides, for each order of the neurons if they are labelled."""
        if not labelled:
            yield tuple(tuple(sorted((*self.rest, state))) for state in self.states)
            return
        for others in set(permutations(self.rest)):
            for j in range(len(others) + 1):
                yield tuple((*others[:j], state, *others[j:]) for state in self.states)


class EntrywiseFits:
    """The exact fits in AdamW's ball at one width, for every rho: all cells and faces, one by one.

    A cell or face belongs to the ball from its least rho on; that is all there is to it.
    """

    def __init__(self, problem: Problem, width: int) -> None:
        cones = sign_vectors(problem)
        own, shared = pieces(cones), shared_pieces(cones)
        cells = {
            cell: tuple(sorted(own[state] for state in cell))
            for cell in combinations_with_replacement(range(len(own)), width)
        }
        faces = {
            (rest, states): tuple(sorted([*(own[s] for s in rest), *([common] if common else [])]))
            for rest in combinations_with_replacement(range(len(own)), width - 1)
            for states, common in shared.items()
        }
        radii = _radii(problem, cones, {*cells.values(), *faces.values()})
        self._cells = {cell: radii[room] for cell, room in cells.items() if room in radii}
        self._faces = [_Face(radii[room], *moved) for moved, room in faces.items() if room in radii]

    def components(self, rho: float, *, labelled: bool) -> int:
        """How many components the fits of the ball have, modulo permutation or labelled."""
        limit = rho * (1 + _SAME)
        joined = DisjointSet(
            order
            for cell, radius in self._cells.items()
            if radius <= limit
            for order in (set(permutations(cell)) if labelled else (cell,))
        )
        for face in self._faces:
            if face.radius <= limit:
                for first, second in face.sides(labelled):
                    joined.merge(first, second)
        return int(joined.n_subsets)

    def interval(self, rho: float) -> tuple[float, float]:
        """The radii around rho, from one inclusive to the other, with the same components."""
        here = self._counts(rho)
        lower, upper = 0.0, math.inf
        for radius in self._critical():
            same = self._counts(radius) == here
            if radius > rho * (1 + _SAME) and not same:
                upper = radius
                break
            if radius <= rho * (1 + _SAME):
                lower = (lower or radius) if same else 0.0
        return lower, upper

    def joined_from(self, rho: float) -> float:
        """The least radius at which the components at rho, modulo permutation, are fewer."""
        here = self.components(rho, labelled=False)
        later = (r for r in self._critical() if r > rho)
        return next((r for r in later if self.components(r, labelled=False) < here), math.inf)

    def _counts(self, rho: float) -> tuple[int, int]:
        return self.components(rho, labelled=False), self.components(rho, labelled=True)

    def _critical(self) -> Iterator[float]:
        """The radii at which something may change, ascending."""
        last = -1.0
        for radius in sorted([*self._cells.values(), *(face.radius for face in self._faces)]):
            if radius > last * (1 + _SAME):
                yield radius
                last = radius


def _radii(problem: Problem, cones: SignVectors, rooms: Iterable[Room]) -> dict[Room, float]:
    """The least rho for an exact fit in AdamW's ball, of those rooms that hold exact fits."""
    loss, y = least_loss(problem, cones), np.array(problem.y, dtype=float)
    limit = TOLERANCE * float(problem.squared_length)
    fitting = [room for room in rooms if room and loss(room) <= limit]
    radii = dict(zip(fitting, _entrywise(problem, fitting, y), strict=True)) if fitting else {}
    return radii if y.any() else radii | {(): 0.0}
