"""Which cells hold networks with all labels right, and how these networks hang together.

On a cell the fit is a nonnegative combination of columns. By Gordan's theorem either some
combination has all labels right, or some p >= 0, not zero, has no positive product with a column:
an exact linear program decides, and what it finds decides other cells as well. Source:
`separable-cells`, proofs_notes/margin.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import partial
from itertools import permutations
from typing import TypeAlias

from flint import fmpq

from theory.exact import from_flint, to_flint
from theory.landscape.cells import Cell, CellComplex, Neuron
from theory.landscape.domain import Group, WholeSpace, bit_set
from theory.landscape.sublevel import EscapeSearch, Tick, Weights
from theory.linear import LinearProgram
from theory.losses import SQUARED, require_labels
from theory.network import Network
from theory.problem import Problem, in_integers
from theory.radii.fibre import Fibre
from theory.radii.fits import Condition, Fits
from theory.states import cone_of, sign_of
from theory.types import Progress, silent

Combination: TypeAlias = Mapping[int, Fraction]  # coefficients > 0, by column


@dataclass(frozen=True)
class Component:
    """A connected component of the networks with all labels right.

    id: by the first cell. cells: those it meets. representative: one of its networks, in cells[0].
    """

    id: int
    cells: tuple[Cell, ...]
    representative: Network


@dataclass(frozen=True)
class Separation:
    """The networks of one width with all labels right, y_k f_k > 0, by component.

    They do not depend on the loss, nor on its weights.
    """

    problem: Problem
    width: int
    labelled: bool
    components: tuple[Component, ...]
    cells: Separable = field(repr=False)


def require_classes(problem: Problem) -> None:
    """Raise InputError for targets that are no labels, and for networks with more than neurons."""
    require_labels(problem.y, "margins need")
    problem.require_plain("margins are", loss=False)


def separation(
    problem: Problem,
    width: int | None = None,
    *,
    labelled: bool = False,
    max_cells: int | None = None,
    progress: Progress = silent,
) -> Separation:
    """The components of {theta : y_k f_k > 0 for all k}, exactly; none where no network of the
    width has all labels right.

    width: by default that of the problem. labelled: distinguish the neurons; by default networks
        are taken modulo permutation. They are the same in every optimizer's ball.
    Raises InputError for targets other than 1 and -1, BudgetError beyond `max_cells` cells.
    `progress` may raise Interrupted, which then leaves.
    Source: `separable-components`, proofs_notes/margin.md.
    """
    require_classes(problem)
    width = problem.stated_width if width is None else width
    cells = Separable.of(
        problem,
        width,
        labelled=labelled,
        max_cells=max_cells,
        tick=partial(progress, "separating cells, linear programs"),
    )
    return Separation(problem, cells.complex.width, labelled, cells.components(), cells)


class Separable:
    """The cells that hold networks with sides_k f_k >= |targets_k| for all k, up to scale.

    targets: (n,), of which those that are 0 ask for a side only. found: a combination of columns
    for each of these cells, neurons being sorted.
    """

    def __init__(
        self, complex_: CellComplex, targets: Sequence[Fraction], sides: Sequence[int], tick: Tick
    ) -> None:
        domain = complex_.domain
        assert isinstance(domain, WholeSpace)
        self.complex = complex_
        self.targets, self.sides = tuple(targets), tuple(sides)
        self._domain = domain
        self._good: list[tuple[int, Combination]] = []  # with their columns, as bit sets
        self._opposed: list[_Opposed] = []
        self._states = [bit_set(group) for group in complex_.groups]
        self._programs = 0
        self.fits = Fits(beyond=tuple(map(Condition.of, range(len(sides)), targets, sides)))
        self.found: dict[Cell, Combination] = {}
        seen: set[int] = set()

        def visit(cell: Cell) -> list[_Opposed]:
            groups = [complex_.groups[state] for state in cell]
            decided = self._decide(groups)
            if not isinstance(decided, _Opposed):
                self.found[cell] = decided
                return []
            if id(decided) in seen:
                return []
            seen.add(id(decided))
            return [decided]

        EscapeSearch(complex_, visit, lambda _: tick(self._programs)).run()

    @classmethod
    def of(
        cls,
        problem: Problem,
        width: int,
        *,
        sides: Sequence[int] | None = None,
        labelled: bool = False,
        max_cells: int | None = None,
        tick: Tick = lambda _: None,
    ) -> Separable:
        """Of a problem at one width; sides: by default those of its targets."""
        plain = replace(problem, loss=SQUARED)
        complex_ = CellComplex.of(plain, width, labelled=labelled, max_cells=max_cells)
        return cls(
            complex_, problem.y, [int(v) for v in problem.y] if sides is None else sides, tick
        )

    @property
    def opposing(self) -> tuple[tuple[int, ...], ...]:
        """For each other cell some p (n,), with the sides for signs, opposes all its columns."""
        return tuple(opposed.vector for opposed in self._opposed)

    def components(self) -> tuple[Component, ...]:
        """Of these cells, through faces that hold such networks as well."""
        found = sorted(self.found)
        if self.complex.labelled:
            found = sorted({order for cell in found for order in permutations(cell)})
        left, components = set(found), list[Component]()
        for first in found:
            if first not in left:
                continue
            left.remove(first)
            cells = [first]
            for cell in cells:  # grows while it is walked through
                for target in self._neighbours(cell, left):
                    left.remove(target)
                    cells.append(target)
            cells.sort()
            neurons = self.point(cells[0])
            components.append(
                Component(len(components), tuple(cells), Network.from_convex(neurons))
            )
        return tuple(components)

    def _neighbours(self, cell: Cell, among: set[Cell]) -> Iterator[Cell]:
        """The cells across faces that hold such networks, each when it is asked for."""
        for position, _, move in self.complex.faces(cell):
            target = self.complex.neighbour(cell, position, move)
            if target in among:
                face = self.complex.face_groups(cell, position, move)
                if not isinstance(self._decide(face), _Opposed):
                    yield target

    def point(self, cell: Cell) -> list[Neuron]:
        """Convex coordinates of such a network in a cell."""
        groups = [self.complex.groups[state] for state in cell]
        shares = (
            (next(j for j, group in enumerate(groups) if column in group), column, coefficient)
            for column, coefficient in self.found[tuple(sorted(cell))].items()
        )
        generators = [self._domain.cone(cone_of(state)) for state in cell]
        return self.complex.combined(cell, shares, generators)

    def fibre(self, cell: Cell) -> Fibre:
        """All of these networks in a cell."""
        signs, u = zip(*self.point(cell), strict=True)
        active = self.complex.arrangement.active
        return Fibre(
            problem=self.complex.problem,
            fits=self.fits,
            signs=signs,
            active=tuple(tuple(active(cone_of(state)).tolist()) for state in cell),
            start=u,
        )

    def _decide(self, groups: Sequence[Group]) -> Combination | _Opposed:
        """What neurons with these columns can do, or why they cannot."""
        columns = set().union(*groups)
        bits = bit_set(columns)
        for support, combination in self._good:
            if not support & ~bits:
                return combination
        for opposed in self._opposed:
            if not opposed.positive & bits:
                return opposed
        return self._solve(sorted(columns))

    def _solve(self, columns: Sequence[int]) -> Combination | _Opposed:
        """The largest t with sides_k f_k >= t |targets_k|, by combinations of sum at most one."""
        self._programs += 1
        images = [
            [sign_of(c) * v for v in self._domain.positive_columns[cone_of(c)]] for c in columns
        ]
        size = len(columns)
        rows = {}
        for k, (side, target) in enumerate(zip(self.sides, self.targets, strict=True)):
            row = to_flint([*(side * image[k] for image in images), -abs(target)])
            if any(row):
                rows[k] = row
        units = [[fmpq(int(i == j)) for j in range(size + 1)] for i in range(size)]
        most = [[fmpq(-1)] * size + [fmpq()]] if size else []
        optimum = LinearProgram(
            c=[*[fmpq()] * size, fmpq(-1)],
            E=[],
            e=[],
            G=[*rows.values(), *units, *most],
            g=[fmpq()] * (len(rows) + size) + [fmpq(-1)] * len(most),
        ).minimum([fmpq()] * (size + 1))
        *z, t = from_flint(optimum.x)
        if t > 0:
            combination = {c: v / t for c, v in zip(columns, z, strict=True) if v}
            self._good.append((bit_set(combination), combination))
            return combination
        p = dict(zip(rows, from_flint(optimum.inequalities[: len(rows)]), strict=True))
        nu, _ = in_integers([p.get(k, Fraction()) * side for k, side in enumerate(self.sides)])
        opposed = _Opposed(nu, bit_set(self._domain.products(nu)), self._states)
        self._opposed.append(opposed)
        return opposed


class _Opposed(Weights):
    """A p >= 0 whose products with columns other than the positive ones are none above zero.

    vector: p, with the sides for signs. positive: a bit set, as are the columns of states.
    """

    def __init__(self, vector: Sequence[int], positive: int, states: Sequence[int]) -> None:
        super().__init__([int(positive & state != 0) for state in states], 0)
        self.vector = tuple(vector)
        self.positive = positive
