"""The cell complex of the loss landscape of a width-m network.

A neuron's *state* is the sign of its output weight with the closed cone of the arrangement that
holds its input weights, by its number (`theory.states`). A *cell* assigns a
state to each neuron: a tuple of m states, sorted when networks are taken modulo permutation of
neurons. On a cell the network is linear in u_j = |a_j| w_j, so the loss is convex and its minimum
is a nonnegative least squares problem over the columns s sigma(X v), v an extreme ray of a neuron's
cone. `theory.landscape.domain` has the details, and the same for cones cut off by a ball.

A *move* takes one neuron to a neighbouring state, across a facet of its cone or, through zero, to
the other sign; the *face* of a move is what the two cells share there.

Source: `components`, proofs_notes/landscape.md.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from fractions import Fraction
from functools import partial
from itertools import compress
from math import comb
from typing import TYPE_CHECKING, Any, Self, TypeAlias

from theory.arrangement import arrangement, count_cones
from theory.errors import WITHIN_REACH, BudgetError, InputError
from theory.landscape.conic import ConvexBall
from theory.landscape.domain import Domain, Group, Move, Polyhedral, WholeSpace
from theory.landscape.domains import domain_of
from theory.landscape.nnls import Minimum, order_of
from theory.network import Network
from theory.problem import Problem, positive_integer
from theory.states import cone_of, sign_of, state_of
from theory.within import Ball, Penalty, require_within, settled

if TYPE_CHECKING:
    from theory.landscape.bounds import FaceBounds
    from theory.landscape.free_bounds import FreeBounds

Cell: TypeAlias = tuple[int, ...]
Neuron: TypeAlias = tuple[int, tuple[Fraction, ...]]  # (s, u) in convex coordinates

_LARGEST_WIDTH = 1000  # the number of cells has to be computed before it can be refused
_SMALLER = "take a smaller width, or fewer rows or columns of the data"
_COUNTED = 5000  # cones that are counted in any case, for the sake of the message
DEFAULT_MAX_CELLS = 20_000_000
MAX_CELLS_ANYWHERE = 200_000_000  # without a ball minima take less time, and most are never needed
UNTIL_STOPPED = 10**12  # cells of a search that something else may end
_MAX_CONES = 20_000_000  # which are listed, whatever the width
_LARGE = 10_000  # cells from which on compiled loops pay, which are loaded in some 50 ms


def require_cells(
    problem: Problem, width: int, *, labelled: bool, max_cells: int = DEFAULT_MAX_CELLS
) -> None:
    """Raise BudgetError where there are more cells; at once, where listing cones may take minutes.

    Cones of which there are too many for any machine are not counted to the end.
    """
    if width == 1:  # hardly more cells than cones, which have a budget of their own
        return
    reach = max(max_cells, WITHIN_REACH)
    most = bisect_right(range(1, reach), reach, key=lambda n: _count(2 * n, width, labelled))
    most = max(most, _COUNTED)
    cones = count_cones(problem.X, at_most=most)
    _require(cones, width, labelled, max_cells, "at least " if cones > most else "")


def _require(cones: int, width: int, labelled: bool, max_cells: int, known: str = "") -> None:
    """Raise BudgetError where so many cones make more than `max_cells` cells."""
    cells = _count(2 * cones, width, labelled)
    if cells > max_cells:
        what = f"cells ({known}{2 * cones} states, width {width}{', labelled' * labelled})"
        raise BudgetError(what, cells, max_cells, "max_cells", _SMALLER)


def _width(width: int) -> int:
    width = positive_integer(width, "width")
    if width > _LARGEST_WIDTH:
        raise InputError("width", f"{width} is more than {_LARGEST_WIDTH}")
    return width


def _count(states: int, width: int, labelled: bool) -> int:
    """The number of cells."""
    return states**width if labelled else comb(states + width - 1, width)


class CellComplex:
    """The cells of a domain at one width, with exact minima of the loss on cells and faces.

    Complexes on one domain share its minima, whatever their widths.
    Raises BudgetError where there are more than `max_cells` cells.
    """

    def __init__(
        self,
        domain: Domain,
        width: int,
        *,
        labelled: bool = False,
        max_cells: int = DEFAULT_MAX_CELLS,
    ) -> None:
        self.width = _width(width)
        _require(len(domain.arrangement), self.width, labelled, max_cells)
        self.domain = domain
        self.labelled = labelled
        self.problem, self.arrangement = domain.problem, domain.arrangement
        self.within, self.loss = domain.within, domain.loss
        self.states, self.groups, self.moves = domain.states, domain.groups, domain.moves
        self._bounds: FaceBounds | FreeBounds | None = None
        if self.large and isinstance(domain, Polyhedral):
            domain.least_squares.many = True

    @classmethod
    def of(
        cls,
        problem: Problem,
        width: int,
        *,
        labelled: bool = False,
        within: Ball | None = None,
        penalty: Penalty | None = None,
        max_cells: int | None = None,
    ) -> Self:
        """The cells of a problem at one width, on a domain of their own.

        within: the ball that networks are in; None where they may be anywhere. penalty: the
            objective is then the loss with it.
        Raises BudgetError, before any enumeration, where there are more than `max_cells` cells, by
        default 200 million, and 20 million in a ball or with a penalty.
        """
        if within is not None:
            require_within(within, Ball)
        problem, place = settled(problem, penalty or within)
        if max_cells is None:
            max_cells = DEFAULT_MAX_CELLS if within or penalty else MAX_CELLS_ANYWHERE
        require_cells(problem, _width(width), labelled=labelled, max_cells=max_cells)
        try:
            arranged = arrangement(problem.X, max_cones=min(max_cells, _MAX_CONES))
        except BudgetError as error:  # there are more cells than cones
            option = "max_cells" if error.needed <= _MAX_CONES else ""
            raise BudgetError(error.what, error.needed, error.limit, option, _SMALLER) from None
        _require(len(arranged), width, labelled, max_cells)
        domain = domain_of(problem, arranged, place, max_cells)
        return cls(domain, width, labelled=labelled, max_cells=max_cells)

    @property
    def count(self) -> int:
        """The number of cells."""
        return _count(self.states, self.width, self.labelled)

    @property
    def large(self) -> bool:
        """Whether compiled loops pay."""
        return self.count >= _LARGE

    @property
    def bounds(self) -> FaceBounds | FreeBounds | None:
        """What is known of faces without solving them; None before it is of use."""
        if self._bounds is None:
            domain = self.domain
            if isinstance(domain, WholeSpace) and domain.least_squares.guessing:
                from theory.landscape.bounds import FaceBounds

                self._bounds = FaceBounds(self, domain)
            elif isinstance(domain, ConvexBall) and domain.free is not None:
                from theory.landscape.free_bounds import FreeBounds

                self._bounds = FreeBounds(self, domain, domain.free)
        return self._bounds

    def modulo_permutation(self) -> CellComplex:
        """The same cells with neurons not distinguished."""
        return CellComplex(self.domain, self.width, max_cells=self.count)

    def canonical(self, cell: Iterable[int]) -> Cell:
        """The name of a cell: the tuple itself if labelled, else sorted."""
        return tuple(cell) if self.labelled else tuple(sorted(cell))

    def positions(self, cell: Cell) -> Iterable[int]:
        """The neurons with moves of their own: of equal ones in a multiset only the first."""
        for position, state in enumerate(cell):
            if self.labelled or position == 0 or cell[position - 1] != state:
                yield position

    def faces(self, cell: Cell) -> Iterator[tuple[int, int, Move]]:
        """The moves out of a cell: the neuron's place, the move's number in its state, the move."""
        for position in self.positions(cell):
            for number, move in enumerate(self.moves(cell[position])):
                yield position, number, move

    def face(self, cell: Cell, number: int) -> tuple[int, int, Move]:
        """One of `faces`, by its number among them."""
        for position in self.positions(cell):
            moves = self.moves(cell[position])
            if number < len(moves):
                return position, number, moves[number]
            number -= len(moves)
        raise IndexError

    def open_faces(self, cell: Cell, level: Fraction) -> Iterator[tuple[int, int, Move]]:
        """Those of `faces` whose minimum is not known to be above the level (integer problem's
        units), without solving any."""
        if self.bounds is None:
            yield from self.faces(cell)
        else:
            low = self.bounds.of_faces(cell)[0] <= order_of(level)[0]
            yield from compress(self.faces(cell), low.tolist())

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
        generators = [self.domain.cone(cone_of(state)) for state in cell]
        if moved is not None:
            groups[moved[0]], generators[moved[0]] = moved[1].group, moved[1].generators
        return self.combined(cell, self.domain.shares(minimum, groups), generators)

    def combined(
        self,
        cell: Sequence[int],
        shares: Iterable[tuple[int, int, Fraction]],
        generators: Sequence[Sequence[int]],
    ) -> list[Neuron]:
        """Convex coordinates of neurons in the states of a cell, made of shares: each a neuron's
        place, a column of it, and its coefficient. generators: of each neuron."""
        u = [[Fraction()] * self.problem.d for _ in cell]
        for j, column, coefficient in shares:
            generator = next(g for g in generators[j] if self.domain.column(g) == cone_of(column))
            for k, v in enumerate(self.domain.vector(generator)):
                u[j][k] += coefficient * v
        return [(sign_of(state), tuple(uj)) for state, uj in zip(cell, u, strict=True)]

    def cell_of(self, network: Network) -> Cell:
        """A cell that holds the network, neuron j in place j (not sorted)."""
        network.require(self.problem)
        if network.width != self.width:
            raise InputError("a", f"has {network.width} entries, but the width is {self.width}")
        neurons = network.convex_coordinates()
        norm = self.domain.norm([u for _, u in neurons])
        if self.within is not None and norm > self.within.rho:
            needs = f"needs rho = {float(norm):.15g}, not {self.within.rho}"
            raise InputError("W", f"is not provably in the ball: {needs}")
        return self.states_of(neurons)

    def states_of(self, neurons: Iterable[Neuron]) -> Cell:
        """A cell that holds these neurons, each in its place (not sorted)."""
        cones = (int(self.arrangement.cones_containing(u)[0]) for _, u in neurons)
        return tuple(map(state_of, cones, (sign for sign, _ in neurons)))

    def __reduce__(self) -> tuple[Callable[..., CellComplex], tuple[Any, ...]]:
        """Copies, as other processes get them, find their minima for themselves."""
        beta = self.domain.beta
        options: dict[str, Any] = {
            "labelled": self.labelled,
            "within": self.within,
            "penalty": None if beta is None else Penalty(beta),
            "max_cells": UNTIL_STOPPED,
        }
        return partial(CellComplex.of, **options), (self.problem, self.width)
