"""All valleys of the loss, and where each first joins a deeper one: the merge tree over all levels.

A *valley* is a component of {loss <= t} that holds no lower point than its own bottom. It is born
at the loss of its bottom and dies at the level where it first joins a component with a lower one
(of equal bottoms, with the one of the first cell); its depth is the difference. No valley is
spurious exactly if all but the global one have its bottom's loss.

>>> from theory import Ball, example
>>> found = valleys(example("flagship"), 2, within=Ball("adamw", "11/5"))
>>> [(str(valley.birth), str(valley.death)) for valley in found.valleys]
[('0', 'None'), ('49/650', '73/90'), ('1/10', '9/70')]

Bottoms are found among the minima of all cells (`theory.landscape.optima`), and the flood that
finds barriers (`theory.landscape.flood`) grows the tree from them. In balls that are no polytopes
minima are intervals, and only valleys deeper than a tolerance are told. Source:
proofs_notes/valleys.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, partial
from itertools import combinations_with_replacement, permutations, product
from typing import TYPE_CHECKING, Any

from theory.documents import bounds_document, exact
from theory.errors import BudgetError, InputError, Interrupted
from theory.landscape.cells import Cell, CellComplex
from theory.landscape.domain import Polyhedral
from theory.landscape.flood import Edge, Flood
from theory.landscape.merge_tree import Component, Cut, Merge, flooded, merge_tree, tree_path
from theory.landscape.minimax import MinimaxPath
from theory.landscape.nnls import Minimum
from theory.landscape.optima import optima
from theory.network import Network
from theory.problem import Problem, Rational, format_rational, rational
from theory.tables import Between, Shown, Table, Tabled, counted
from theory.types import Progress, silent
from theory.within import Penalty, Within

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DEFAULT_MAX_CELLS = 2_000_000  # each of them is looked at
_PROGRAMS = 20_000  # the same where each takes a convex program

_DEEP = Fraction(1, 10**6)
"""How deep valleys are where minima are intervals, relative to the loss of zero."""


@dataclass(frozen=True, repr=False)
class Valley(Shown):
    """One valley of a merge tree.

    id: the deeper ones first; 0 is the global one, which never dies. birth: the loss of its bottom.
    death: where it joins the valley `into`; both None for the global one, and while not known
    (after an interrupt). cells: those that reach the bottom. representative: a network there.
    proved_birth, proved_death: lower bounds, equal to the two where minima are exact.
    """

    id: int
    birth: Fraction
    death: Fraction | None
    into: int | None
    proved_birth: Fraction
    proved_death: Fraction | None
    representative: Network
    cells: tuple[Cell, ...]

    @property
    def depth(self) -> Fraction | None:
        """From its bottom to the way out, at least; None where it has none."""
        return None if self.proved_death is None else self.proved_death - self.birth

    @property
    def _bottom(self) -> Between:
        return Between(self.proved_birth, self.birth)

    @property
    def _way_out(self) -> Between | None:
        if self.proved_death is None:
            return None
        return Between(self.proved_death, self.death)

    @property
    def summary(self) -> str:
        """Its number, its bottom, and its way out."""
        out = "" if self._way_out is None else f", way out {self._way_out} into {self.into}"
        return f"{self.id}, bottom {self._bottom}{out}"

    def _table(self) -> Table:
        """The network at its bottom."""
        return self.representative._table()

    def plot(self, axes: Axes | None = None) -> Axes:
        """The neurons of the network at its bottom: see `Network.plot`."""
        return self.representative.plot(axes)

    def to_json(self) -> dict[str, Any]:
        """{"id", "birth", "death", "depth", "into", "cells", "representative"}"""
        death = None
        if self.proved_death is not None:
            death = bounds_document(self.proved_death, self.death)
        return {
            "id": self.id,
            "birth": bounds_document(self.proved_birth, self.birth),
            "death": death,
            "depth": exact(self.depth),
            "into": self.into,
            "cells": len(self.cells),
            "representative": self.representative.to_json(),
        }


@dataclass(frozen=True, repr=False)
class Valleys(Tabled):
    """The merge tree of the loss at one width: all valleys deeper than `min_depth`.

    minimum: the least loss. cells: the number of cells. complete: whether all deaths are known.
    """

    problem: Problem
    width: int
    labelled: bool
    within: Within | None
    cells: int
    minimum: Fraction
    min_depth: Fraction
    valleys: tuple[Valley, ...]
    complete: bool
    complex: CellComplex
    flood: Flood

    @property
    def exact(self) -> bool:
        """Whether minima are, or only bracketed."""
        return self.complex.domain.exact

    @property
    def summary(self) -> str:
        """The problem, how many valleys there are, and the least loss."""
        place = "" if self.within is None else f", {self.within.summary}"
        least = Between(self.valleys[0].proved_birth, self.minimum)
        return (
            f"{self.problem.summary}, width {self.width}{place}: "
            f"{counted(len(self.valleys), 'valley')}, least loss {least}"
            f"{'' if self.complete else ', not complete'}"
        )

    def _table(self) -> Table:
        """A row for each valley, the deeper ones first."""
        names = ("valley", "bottom", "way out", "into", "depth", "cells")
        return Table(
            names,
            [
                (each.id, each._bottom, each._way_out, each.into, each.depth, len(each.cells))
                for each in self.valleys
            ],
        )

    def plot(self, axes: Axes | None = None) -> Axes:
        """A line for each valley, up to where it joins a deeper one.

        Drawn on these axes, or on new ones of pyplot; they are handed back.
        """
        from theory.pictures.style import on
        from theory.pictures.valleys import draw_disconnectivity_graph

        return on(axes, draw_disconnectivity_graph, self)

    def to_json(self) -> dict[str, Any]:
        """The document of `isthmus valleys`, without where training can rest."""
        return {
            "width": self.width,
            "minimum": bounds_document(self.valleys[0].proved_birth, self.minimum),
            "labelled": self.labelled,
            "within": self.within and self.within.optimizer,
            "rho": self.within and exact(self.within.rho),
            "beta": self.within and exact(self.within.beta),
            "cells": self.cells,
            "min_depth": format_rational(self.min_depth),
            "valleys": [valley.to_json() for valley in self.valleys],
            "complete": self.complete,
        }

    def home(self, network: Network) -> Valley | None:
        """The valley of lowest bottom that a path of no higher loss leads to from the network.

        Decided in exact arithmetic: where its loss is below the death of that valley, every path
        to a deeper one has to rise. In balls where minima are intervals it is a valley that such
        a path leads to, and the lowest if the loss is below its `proved_death`. None where it is
        in one that was left out as too shallow.
        Raises InputError where the network does not fit the data or the ball, or deaths are not
        all known.
        """
        return self.lowest(self.complex.cell_of(network), self.complex.domain.objective(network))

    def lowest(self, start: Cell, level: Fraction) -> Valley | None:
        """The same from a point of loss at most `level` in a cell, of neurons in any order."""
        if not self.complete:
            raise InputError("tree", "is not complete: it was interrupted")
        complex_ = self.complex
        level = complex_.scaled_level(level)
        cells = [complex_.canonical(start)]
        reached = set(cells)
        for cell in cells:  # grows while it is walked through
            if cell in self._homes:
                valley = self.valleys[self._homes[cell]]
                while valley.death is not None and valley.into is not None:
                    if complex_.scaled_level(valley.death) > level:
                        break
                    valley = self.valleys[valley.into]
                return valley
            for position in complex_.positions(cell):
                for move in complex_.moves(cell[position]):
                    target = complex_.neighbour(cell, position, move)
                    if target in reached:
                        continue
                    if complex_.face_minimum(cell, position, move).value <= level:
                        reached.add(target)
                        cells.append(target)
        return None

    def path(self, valley: Valley) -> MinimaxPath:
        """From the bottom of a valley to that of `into`; its largest loss is `death`."""
        assert valley.into is not None
        start = self.valleys[valley.into].cells[0]
        return tree_path(self.complex, self.flood, start, valley.cells[0]).reversed()

    def cut(self, valley: Valley) -> Cut:
        """The cells below the way out of a valley, and what is proved of the faces around them."""
        assert valley.death is not None
        complex_ = self.complex
        level = complex_.scaled_level(valley.death)
        cells = list(valley.cells)
        reached = set(cells)
        least = level
        for cell in cells:  # grows while it is walked through
            for position in complex_.positions(cell):
                for move in complex_.moves(cell[position]):
                    target = complex_.neighbour(cell, position, move)
                    if target in reached:
                        continue
                    face = complex_.face_minimum(cell, position, move)
                    if face.value < level:
                        reached.add(target)
                        cells.append(target)
                    else:
                        least = min(least, face.lower)
        return Cut(valley.death, complex_.loss_of(least), frozenset(reached))

    @cached_property
    def _homes(self) -> dict[Cell, int]:
        """The valley whose bottom a cell reaches."""
        return {cell: valley.id for valley in self.valleys for cell in valley.cells}


def valleys(
    problem: Problem,
    width: int | None = None,
    *,
    within: Within | None = None,
    labelled: bool = False,
    min_depth: Rational | None = None,
    max_cells: int | None = None,
    progress: Progress = silent,
) -> Valleys:
    """All valleys of the loss with their births and deaths, exactly.

    width: by default that of the problem. within: only networks in this ball, anywhere by default;
        under a penalty the loss is that with the penalty, which is known as intervals.
    labelled: distinguish the neurons; by default networks are taken modulo permutation.
    min_depth: in the units of the loss; only deeper valleys are told. By default 0, and 10^-6 of
        the loss of zero weights where minima are only known as intervals: in the balls of muon,
        muon-adamw, ngd and colnorm. There births and deaths are upper bounds, with proved lower
        bounds beside them.
    max_cells: all are looked at; by default 2,000,000, and 20,000 where minima are intervals.
    Raises InputError where an argument is no exact number or min_depth is negative, BudgetError
    beyond `max_cells` cells.
    `progress` may raise Interrupted: while deaths are computed this returns what is known, with
    complete=False; earlier the exception leaves with what is known of the minimum.
    Source: proofs_notes/valleys.md.
    """
    width = problem.stated_width if width is None else width
    limit = DEFAULT_MAX_CELLS if max_cells is None else max_cells
    ball, penalty = (None, within) if isinstance(within, Penalty) else (within, None)
    complex_ = CellComplex.of(
        problem, width, labelled=labelled, within=ball, penalty=penalty, max_cells=limit
    )
    domain = complex_.domain
    if max_cells is None and not domain.exact and complex_.count > _PROGRAMS:
        what = "cells, with a convex program for each"
        raise BudgetError(what, complex_.count, _PROGRAMS, "max_cells")
    zero = problem.zero
    least_depth = Fraction() if domain.exact else _DEEP * zero
    if min_depth is not None:
        least_depth = rational(min_depth, "min_depth")
        if least_depth < 0:
            raise InputError("min_depth", f"{format_rational(least_depth)} must not be negative")
    bottoms = _bottoms(complex_, progress)
    flood, complete = flooded(
        complex_, bottoms, partial(progress, "looking for the ways out, cells reached")
    )
    merges, _ = merge_tree(complex_, flood, bottoms)
    return Valleys(
        problem=problem,
        width=width,
        labelled=labelled,
        within=penalty or complex_.within,
        cells=complex_.count,
        minimum=bottoms[0].minimum,
        min_depth=least_depth,
        valleys=_numbered(bottoms, merges, least_depth),
        complete=complete,
        complex=complex_,
        flood=flood,
    )


def _numbered(
    bottoms: Sequence[Component], merges: Sequence[Merge], min_depth: Fraction
) -> tuple[Valley, ...]:
    """The valleys that are deeper, by depth: one that a deep one joins is as deep at least."""
    ends = {merge.second: merge for merge in merges}

    def depth(bottom: Component) -> Fraction | None:
        end = ends.get(bottom.id)
        return None if end is None else end.proved - bottom.minimum

    deep = [(depth(bottom), bottom) for bottom in bottoms]
    kept = [
        bottom
        for found, bottom in sorted(
            ((found, bottom) for found, bottom in deep if found is None or found > min_depth),
            key=lambda item: (item[1].id > 0 and item[0] is not None, -(item[0] or 0), item[1].id),
        )
    ]
    place = {bottom.id: k for k, bottom in enumerate(kept)}
    valleys = []
    for k, bottom in enumerate(kept):
        end = ends.get(bottom.id)
        valleys.append(
            Valley(
                id=k,
                birth=bottom.minimum,
                death=None if end is None else end.value,
                into=None if end is None else place[end.first],
                proved_birth=bottom.proved,
                proved_death=None if end is None else end.proved,
                representative=bottom.representative,
                cells=bottom.cells,
            )
        )
    return tuple(valleys)


def _bottoms(complex_: CellComplex, progress: Progress) -> list[Component]:
    """What may be the bottoms of valleys, the lowest first: all that are, and others of depth 0."""
    domain = complex_.domain
    found = (
        _plateaus(complex_, domain, progress)
        if isinstance(domain, Polyhedral) and domain.exact
        else _low_cells(complex_, progress)
    )
    bottoms = sorted(found, key=lambda item: (item[2].order, item[0][0]))
    return [
        Component(
            id=k,
            cells=tuple(cells),
            links=tuple(links),
            representative=domain.network(complex_.point(cells[0], minimum)),
            minimum=complex_.loss_of(minimum.value),
            proved=complex_.loss_of(minimum.lower),
        )
        for k, (cells, links, minimum) in enumerate(bottoms)
    ]


def _plateaus(
    complex_: CellComplex, domain: Polyhedral, progress: Progress
) -> Iterator[tuple[list[Cell], list[Edge], Minimum]]:
    """The plateaus from which no move leads down, where minima are exact.

    Each point of least loss in a cell of such a plateau is a local minimum, also those that
    `optima` finds; a plateau is grown from them over the faces of its level.
    """
    lowest: Fraction | None = None

    def tick(looked_at: int) -> None:
        try:
            progress("minima of all cells, cells looked at", looked_at)
        except Interrupted:
            known = "" if lowest is None else f"the minimum is at most {complex_.loss_of(lowest)}"
            raise Interrupted(known) from None

    starts = []
    for optimum in optima(domain, complex_.groups, complex_.width, tick):
        if lowest is None or optimum.value < lowest:
            lowest = optimum.value
        # Of a loss with kinks another dual vector may allow the states that this one does not.
        if optimum.local or not domain.loss.smooth:
            starts.append(optimum.cell)
    seen: set[Cell] = set()
    for start in sorted(starts):
        for first in sorted(set(permutations(start))) if complex_.labelled else [start]:
            tick(complex_.count)
            if first in seen:
                continue
            cells, links, steep = _plateau(complex_, first, seen)
            if not steep:
                cells.sort()
                yield cells, links, complex_.minimum(cells[0])


def _plateau(
    complex_: CellComplex, start: Cell, seen: set[Cell]
) -> tuple[list[Cell], list[Edge], bool]:
    """The cells that faces of the level of its minimum join to a cell, and whether one of these
    leads lower; they are then not all of them. Those seen before are on a plateau that does."""
    level = complex_.minimum(start).value
    cells: list[Cell] = [start]
    links: list[Edge] = []
    here = {start}
    for cell in cells:  # grows while it is walked through
        if cell in seen:
            return cells, links, True
        for position in complex_.positions(cell):
            for move in complex_.moves(cell[position]):
                target = complex_.neighbour(cell, position, move)
                if target in here:
                    continue
                face = complex_.face_minimum(cell, position, move)
                if face.value > level:
                    continue
                if complex_.minimum(target).value < level:
                    seen |= here
                    return cells, links, True
                here.add(target)
                cells.append(target)
                links.append(Edge(cell, position, move, target, face))
    seen |= here
    return cells, links, False


def _low_cells(
    complex_: CellComplex, progress: Progress
) -> Iterator[tuple[list[Cell], list[Edge], Minimum]]:
    """The cells whose faces to lower ones are all higher than they, each by itself, where minima
    are intervals: the tree tells which of them are valleys."""
    states = range(complex_.states)
    cells = (
        product(states, repeat=complex_.width)
        if complex_.labelled
        else combinations_with_replacement(states, complex_.width)
    )
    for looked_at, cell in enumerate(cells):
        progress("minima of all cells, cells looked at", looked_at)
        if way_down(complex_, cell) is None:
            yield [cell], [], complex_.minimum(cell)


def way_down(complex_: CellComplex, cell: Cell) -> Edge | None:
    """A face no higher than the cell, as far as is known, that leads to a lower one."""
    minimum = complex_.minimum(cell)
    for position in complex_.positions(cell):
        for move in complex_.moves(cell[position]):
            target = complex_.neighbour(cell, position, move)
            if complex_.minimum(target).value < minimum.value:
                face = complex_.face_minimum(cell, position, move)
                if face.lower <= minimum.value:
                    return Edge(cell, position, move, target, face)
    return None
