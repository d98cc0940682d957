"""The cell complex of the loss landscape of a width-m network.

A neuron's *state* is the sign of its output weight with the closed cone of the arrangement that
holds its input weights; state 2 i + (0 if the sign is + else 1) has cone i. A *cell* assigns a
state to each neuron: a tuple of m states, sorted when networks are taken modulo permutation of
neurons. On a cell the network is linear in u_j = |a_j| w_j, so the loss is convex and its minimum
is a nonnegative least squares problem over the columns s relu(X v), v an extreme ray of a neuron's
cone.

A *move* takes one neuron to a neighbouring state, across a facet of its cone or, through zero, to
the other sign; the *face* of a move is what the two cells share there.

Source: proofs_notes/landscape.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from math import comb
from typing import TypeAlias

import numpy as np
from jaxtyping import Shaped

from theory.arrangement import arrangement
from theory.errors import BudgetError, InputError
from theory.landscape.nnls import LeastSquares, Minimum, dot
from theory.network import Network
from theory.problem import Problem, positive_integer

Cell: TypeAlias = tuple[int, ...]
Neuron: TypeAlias = tuple[int, tuple[Fraction, ...]]  # (s, u) in convex coordinates

SIGN_FLIP = -1
DEFAULT_MAX_CELLS = 20_000_000


@dataclass(frozen=True)
class Move:
    """A step of one neuron from its state to `target`, across `wall` (SIGN_FLIP: through zero)."""

    wall: int
    target: int
    rays: tuple[int, ...]  # of the arrangement, spanning the neuron's part of the face
    columns: tuple[int, ...]  # of the least squares problem, for the neuron's part of the face


def bit_set(members: Iterable[int]) -> int:
    """The integer whose bits are the members."""
    bits = 0
    for member in members:
        bits |= 1 << member
    return bits


class CellComplex:
    """The cells of a problem at one width, with exact minima of the loss on cells and faces.

    Raises BudgetError, before any enumeration, where there are more than `max_cells` cells.
    """

    def __init__(
        self,
        problem: Problem,
        width: int,
        *,
        labelled: bool = False,
        max_cells: int = DEFAULT_MAX_CELLS,
    ) -> None:
        self.problem = problem
        self.width = positive_integer(width, "width")
        self.labelled = labelled
        try:
            self.arrangement = arrangement(problem.X, max_cones=max_cells)
        except BudgetError as error:  # there are more cells than cones
            raise BudgetError(error.what, error.needed, max_cells, "max_cells") from None
        self.states = 2 * len(self.arrangement)
        self.cells = self.states**width if labelled else comb(self.states + width - 1, width)
        if self.cells > max_cells:
            raise BudgetError(
                f"cells ({self.states} states, width {width})", self.cells, max_cells, "max_cells"
            )
        self._X, self._x_scale, self._y, self._y_scale = problem.integer_form()
        images = self._ray_images()
        divisors = np.gcd.reduce(images, axis=1)
        images //= np.maximum(divisors, 1)[:, None]
        index: dict[tuple[int, ...], int] = {}
        # Per ray: its column (-1 where relu(X v) = 0) and what the column was divided by.
        self._ray_column = [
            index.setdefault(tuple(image.tolist()), len(index)) if divisor else -1
            for image, divisor in zip(images, divisors, strict=True)
        ]
        self._ray_divisor = [int(divisor) for divisor in divisors]
        positive = np.array(list(index), dtype=object).reshape(len(index), problem.n)
        # Column 2 k serves neurons of sign +, column 2 k + 1 those of sign -.
        signed = np.stack([positive, -positive], axis=1).reshape(2 * len(index), problem.n)
        self._positive_columns = [list(image) for image in index]
        self.least_squares = LeastSquares(signed, self._y)
        self.state_columns = [
            self._columns(state, self.arrangement.cone_rays(state // 2))
            for state in range(self.states)
        ]
        self.column_bits = [bit_set(columns) for columns in self.state_columns]
        self.moves = lru_cache(maxsize=None)(self._moves)

    def _ray_images(self) -> Shaped[np.ndarray, "R n"]:
        """relu(X v) for every ray v, with the integer X; in Python integers where it needs them."""
        rays = self.arrangement.rays
        X = np.array(self._X, dtype=object)
        bound = int(np.abs(X).sum(axis=1).max(initial=0)) * int(abs(rays).max(initial=0))
        kind = np.dtype(np.int64 if bound < 2**62 else object)
        images: Shaped[np.ndarray, "R n"] = np.maximum(rays.astype(kind) @ X.astype(kind).T, 0)
        return images

    def _columns(self, state: int, rays: Iterable[int]) -> tuple[int, ...]:
        columns = {self._ray_column[ray] for ray in rays}
        columns.discard(-1)
        return tuple(sorted(2 * column + state % 2 for column in columns))

    def _moves(self, state: int) -> tuple[Move, ...]:
        """The moves out of a state: one for each facet of its cone, and the change of sign."""
        cone, sign = divmod(state, 2)
        moves = []
        for wall, neighbour in self.arrangement.facets(cone):
            rays = tuple(int(ray) for ray in self.arrangement.facet_rays(cone, wall))
            moves.append(Move(wall, 2 * neighbour + sign, rays, self._columns(state, rays)))
        moves.append(Move(SIGN_FLIP, state ^ 1, (), ()))
        return tuple(moves)

    def canonical(self, cell: Iterable[int]) -> Cell:
        """The name of a cell: the tuple itself if labelled, else sorted."""
        return tuple(cell) if self.labelled else tuple(sorted(cell))

    def positions(self, cell: Cell) -> Iterable[int]:
        """The neurons with moves of their own: of equal ones in a multiset only the first."""
        for position, state in enumerate(cell):
            if self.labelled or position == 0 or cell[position - 1] != state:
                yield position

    def neighbour(self, cell: Cell, position: int, move: Move) -> Cell:
        """The cell a move of the neuron at `position` leads to."""
        return self.canonical((*cell[:position], move.target, *cell[position + 1 :]))

    def minimum(self, cell: Sequence[int]) -> Minimum:
        """The minimum of the loss over a cell, in the units of the integer problem."""
        columns = {c for state in set(cell) for c in self.state_columns[state]}
        return self.least_squares.minimum(tuple(sorted(columns)))

    def face_minimum(self, cell: Cell, position: int, move: Move) -> Minimum:
        """The minimum of the loss over the face of a move, in the units of the integer problem."""
        others = {*cell[:position], *cell[position + 1 :]}
        columns = {c for state in others for c in self.state_columns[state]}.union(move.columns)
        return self.least_squares.minimum(tuple(sorted(columns)))

    def loss_of(self, value: Fraction) -> Fraction:
        """A loss of the integer problem in the units of the user's problem."""
        return value / self._y_scale**2

    def scaled_level(self, level: Fraction) -> Fraction:
        """A level of the user's problem in the units of the integer problem."""
        return level * self._y_scale**2

    def point(
        self, cell: Sequence[int], minimum: Minimum, *, moved: tuple[int, Move] | None = None
    ) -> list[Neuron]:
        """Convex coordinates (s_j, u_j) of the point of `minimum` in a cell, neuron by neuron.

        With `moved`, a position and a move, in the face of that move.
        """
        source: dict[int, tuple[int, int]] = {}  # column: a neuron and a ray that produce it
        rays = [self.arrangement.cone_rays(state // 2).tolist() for state in cell]
        if moved is not None:
            rays[moved[0]] = moved[1].rays
        for j, state in enumerate(cell):
            for ray in rays[j]:
                column = self._ray_column[ray]
                if column >= 0:
                    source.setdefault(2 * column + state % 2, (j, ray))
        u = [[Fraction()] * self.problem.d for _ in cell]
        for column, numerator in zip(minimum.support, minimum.numerators, strict=True):
            j, ray = source[column]
            scale = self._y_scale * minimum.denominator * self._ray_divisor[ray]
            coefficient = Fraction(numerator * self._x_scale, scale)
            for k, v in enumerate(self.arrangement.rays[ray]):
                u[j][k] += coefficient * int(v)
        return [(1 - 2 * (state % 2), tuple(uj)) for state, uj in zip(cell, u, strict=True)]

    def cell_of(self, network: Network) -> Cell:
        """A cell that holds the network, neuron j in place j (not sorted)."""
        if len(network.W) != self.problem.d:
            raise InputError(
                "W", f"has {len(network.W)} rows, but the data have {self.problem.d} features"
            )
        if network.width != self.width:
            raise InputError("a", f"has {network.width} entries, but the width is {self.width}")
        return tuple(
            2 * int(self.arrangement.cones_containing(u)[0]) + (1 if sign < 0 else 0)
            for sign, u in network.convex_coordinates()
        )

    def positive_columns(self, dual: Sequence[int]) -> int:
        """The columns c with dual . c > 0, as a bit set."""
        bits = 0
        for k, column in enumerate(self._positive_columns):
            product = dot(column, dual)
            if product:
                bits |= 1 << (2 * k + (product < 0))
        return bits

    def states_with(self, columns: int) -> int:
        """The states that have one of the columns (a bit set), as a bit set."""
        return sum(1 << state for state, own in enumerate(self.column_bits) if own & columns)
