"""The cell complex of the loss landscape of a width-m network.

A neuron's *state* is the sign of its output weight with the closed cone of the arrangement that
holds its input weights; state 2 i + (0 if the sign is + else 1) has cone i. A *cell* assigns a
state to each neuron: a tuple of m states, sorted when networks are taken modulo permutation of
neurons. On a cell the network is linear in u_j = |a_j| w_j, so the loss is convex and its minimum
is a nonnegative least squares problem over the columns s relu(X v), v an extreme ray of a neuron's
cone. `theory.landscape.domain` has the details, and the same for cones cut off by a ball.

A *move* takes one neuron to a neighbouring state, across a facet of its cone or, through zero, to
the other sign; the *face* of a move is what the two cells share there.

Source: proofs_notes/landscape.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from copy import copy
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from math import comb
from typing import TypeAlias

from theory.arrangement import arrangement
from theory.errors import BudgetError, InputError
from theory.gauges import ColumnNorms, Spectral, gauge_of
from theory.geometry import geometry
from theory.landscape.conic import ConicBall
from theory.landscape.domain import (
    Domain,
    EntrywiseBall,
    Group,
    WholeSpace,
    count_box_vertices,
)
from theory.landscape.nnls import Minimum
from theory.network import Network
from theory.problem import Problem, positive_integer

Cell: TypeAlias = tuple[int, ...]
Neuron: TypeAlias = tuple[int, tuple[Fraction, ...]]  # (s, u) in convex coordinates

SIGN_FLIP = -1
_LARGEST_WIDTH = 1000  # the number of cells has to be computed before it can be refused
DEFAULT_MAX_CELLS = 20_000_000


@dataclass(frozen=True)
class Move:
    """A step of one neuron from its state to `target`, across `wall` (SIGN_FLIP: through zero)."""

    wall: int
    target: int
    generators: tuple[int, ...]  # of the neuron's part of the face
    group: Group  # their columns


class CellComplex:
    """The cells of a problem at one width, with exact minima of the loss on cells and faces.

    rho: only networks in the ball of radius R_W R_a = rho of the optimizer `within`.
    Raises BudgetError, before any enumeration, where there are more than `max_cells` cells.
    """

    def __init__(
        self,
        problem: Problem,
        width: int,
        *,
        labelled: bool = False,
        rho: Fraction | None = None,
        within: str = "adamw",
        max_cells: int = DEFAULT_MAX_CELLS,
    ) -> None:
        self.problem = problem
        self.width = positive_integer(width, "width")
        if self.width > _LARGEST_WIDTH:
            raise InputError("width", f"{self.width} is more than {_LARGEST_WIDTH}")
        self.labelled = labelled
        if rho is not None and rho <= 0:
            raise InputError("rho", f"{rho} must be positive")
        self.rho = rho
        self.within = within
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
        self.domain = self._domain(max_cells)
        self.groups = [
            self.domain.columns(state % 2, self.domain.cone(state // 2))
            for state in range(self.states)
        ]
        self.moves = lru_cache(maxsize=None)(self._moves)

    def modulo_permutation(self) -> CellComplex:
        """The same cells with neurons not distinguished; minima found in one are known in both."""
        plain = copy(self)
        plain.labelled = False
        plain.cells = comb(self.states + self.width - 1, self.width)
        return plain

    def _domain(self, max_cells: int) -> Domain:
        if self.rho is None:
            return WholeSpace(self.problem, self.arrangement)
        gauge = gauge_of(geometry(self.within).ball)
        if isinstance(gauge, ColumnNorms | Spectral):
            return ConicBall(self.problem, self.arrangement, gauge, self.rho)
        # Cells are mostly covered together, but every vertex is computed.
        vertices = 10 * count_box_vertices(len(self.arrangement.walls), self.problem.d)
        if vertices > max_cells:
            what = "vertices in the ball (each as 10 cells)"
            raise BudgetError(what, vertices, max_cells, "max_cells")
        return EntrywiseBall(self.problem, self.arrangement, self.rho)

    def _moves(self, state: int) -> tuple[Move, ...]:
        """The moves out of a state: one for each facet of its cone, and the change of sign."""
        cone, sign = divmod(state, 2)
        moves = []
        for wall, neighbour in self.arrangement.facets(cone):
            generators = tuple(self.domain.facet(cone, wall))
            group = self.domain.columns(sign, generators)
            moves.append(Move(wall, 2 * neighbour + sign, generators, group))
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
        return self.domain.minimum([self.groups[state] for state in cell])

    def face_groups(self, cell: Cell, position: int, move: Move) -> list[Group]:
        """The columns of each neuron on the face of a move."""
        groups = [self.groups[state] for state in cell]
        groups[position] = move.group
        return groups

    def face_minimum(self, cell: Cell, position: int, move: Move) -> Minimum:
        """The minimum of the loss over the face of a move, in the units of the integer problem."""
        return self.domain.minimum(self.face_groups(cell, position, move))

    def loss_of(self, value: Fraction) -> Fraction:
        """A loss of the integer problem in the units of the user's problem."""
        return value / self.domain.scale

    def scaled_level(self, level: Fraction) -> Fraction:
        """A level of the user's problem in the units of the integer problem."""
        return level * self.domain.scale

    def point(
        self, cell: Sequence[int], minimum: Minimum, *, moved: tuple[int, Move] | None = None
    ) -> list[Neuron]:
        """Convex coordinates (s_j, u_j) of the point of `minimum` in a cell, neuron by neuron.

        With `moved`, a position and a move, in the face of that move.
        """
        groups = [self.groups[state] for state in cell]
        generators = [self.domain.cone(state // 2) for state in cell]
        if moved is not None:
            groups[moved[0]], generators[moved[0]] = moved[1].group, moved[1].generators
        u = [[Fraction()] * self.problem.d for _ in cell]
        for j, column, coefficient in self.domain.shares(minimum, groups):
            generator = next(g for g in generators[j] if self.domain.column(g) == column // 2)
            for k, v in enumerate(self.domain.vector(generator)):
                u[j][k] += coefficient * v
        return [(1 - 2 * (state % 2), tuple(uj)) for state, uj in zip(cell, u, strict=True)]

    def cell_of(self, network: Network) -> Cell:
        """A cell that holds the network, neuron j in place j (not sorted)."""
        if len(network.W) != self.problem.d:
            raise InputError(
                "W", f"has {len(network.W)} rows, but the data have {self.problem.d} features"
            )
        if network.width != self.width:
            raise InputError("a", f"has {network.width} entries, but the width is {self.width}")
        neurons = network.convex_coordinates()
        norm = self.domain.norm([u for _, u in neurons])
        if self.rho is not None and norm > self.rho:
            raise InputError(
                "W", f"is not provably in the ball: needs rho = {float(norm):.15g}, not {self.rho}"
            )
        return tuple(
            2 * int(self.arrangement.cones_containing(u)[0]) + (1 if sign < 0 else 0)
            for sign, u in neurons
        )
