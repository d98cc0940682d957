"""The components of a sublevel set, and the exact minimax barriers between them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from itertools import permutations
from typing import TYPE_CHECKING, Any

from theory.documents import bounds_document
from theory.errors import InputError, Interrupted, Undecided
from theory.exact import rounded
from theory.landscape.cells import Cell, CellComplex, Neuron
from theory.landscape.conic import Bracket
from theory.landscape.domain import WholeSpace
from theory.landscape.flood import Edge, Flood, flood_of
from theory.landscape.merge_tree import (
    Component,
    Cut,
    Merge,
    closed_cuts,
    flooded,
    merge_tree,
    tree_path,
)
from theory.landscape.minimax import MinimaxPath, along, minimax_path
from theory.landscape.nnls import Minimum
from theory.landscape.sublevel import Sublevel, Tick, sublevel
from theory.network import Network
from theory.problem import Problem, Rational, format_rational, rational
from theory.tables import Between, Shown, Table, Tabled, counted
from theory.text import show
from theory.types import Progress, silent
from theory.within import Ball

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_ABOVE = Fraction(1, 10**6)
"""How far the default level is above the least loss where that is not decided, relative to the loss
of zero."""

LARGEST_MATRIX = 8
"""Components whose barriers a table has; of more, merges are listed."""


@dataclass(frozen=True, repr=False)
class Analysis(Tabled):
    """Components of {loss <= level} at one width, and the barriers between them.

    within: the ball that all networks are in; None where they may be anywhere.
    minimum: the global minimum of the loss (in the ball). cells: the number of cells.
    barriers: minimax barriers between components; on the diagonal the least loss in the component.
    An entry is None while undecided (after an interrupt). lower_bounds: what is proved of each.
    merges: the tree of components over the level, by increasing value.
    cuts: one less than the components; each pair is separated at its barrier by one of them.
    """

    problem: Problem
    width: int
    labelled: bool
    within: Ball | None
    cells: int
    minimum: Fraction
    level: Fraction
    components: tuple[Component, ...]
    barriers: tuple[tuple[Fraction | None, ...], ...]
    lower_bounds: tuple[tuple[Fraction, ...], ...]
    merges: tuple[Merge, ...]
    cuts: tuple[Cut, ...]
    complete: bool
    complex: CellComplex
    sublevel: Sublevel
    flood: Flood

    @property
    def summary(self) -> str:
        """The problem, how many components there are at which level, and the least loss."""
        ball = "" if self.within is None else f", {self.within.summary}"
        count = counted(len(self.components), "component")
        return (
            f"{self.problem.summary}, width {self.width}{ball}: {count} of {{loss <= "
            f"{show(self.level)}}}, least loss {Between(self.proved, self.minimum)}"
            f"{'' if self.complete else ', not complete'}"
        )

    def _table(self) -> Table:
        """A row for each component, with the barriers to the others where they are few."""
        as_matrix = 1 < len(self.components) <= LARGEST_MATRIX
        names = [f"barrier to {each.id}" for each in self.components if as_matrix]
        matrices = zip(self.lower_bounds, self.barriers, strict=True)
        rows: list[tuple[object, ...]] = []
        for each, bounds in zip(self.components, matrices, strict=True):
            least = Between(each.proved, each.minimum)
            barriers: list[object] = [Between(*pair) for pair in zip(*bounds, strict=True)]
            barriers[each.id] = None
            rows.append((each.id, len(each.cells), least, *(barriers if as_matrix else ())))
        return Table(("component", "cells", "least loss", *names), rows)

    def plot(self, axes: Axes | None = None) -> Axes:
        """How the components join as the level rises.

        Drawn on these axes, or on new ones of pyplot; they are handed back.
        """
        from theory.pictures.landscapes import draw_tree
        from theory.pictures.style import on

        return on(axes, draw_tree, self)

    def to_json(self) -> dict[str, Any]:
        """The document of `isthmus barrier`."""
        document: dict[str, Any] = {
            "width": self.width,
            "minimum": bounds_document(self.proved, self.minimum),
            "level": format_rational(self.level),
            "labelled": self.labelled,
            "within": self.within and self.within.optimizer,
            "rho": self.within and format_rational(self.within.rho),
            "complete": self.complete,
            "cells": self.cells,
            "components": [component.to_json() for component in self.components],
            "barriers": [
                [bounds_document(*pair) for pair in zip(*rows, strict=True)]
                for rows in zip(self.lower_bounds, self.barriers, strict=True)
            ],
        }
        if not self.complete:
            document["lower_bounds"] = [
                [format_rational(value) for value in row] for row in self.lower_bounds
            ]
        return document

    @property
    def proved(self) -> Fraction:
        """A lower bound of the minimum, equal to it where exact."""
        return min(component.proved for component in self.components)

    def without_ball(self, progress: Progress = silent) -> tuple[tuple[int, ...], ...]:
        """For each component the components of least loss without a ball (as `analyse` numbers
        them) that belong to it there: paths of loss <= level lead to these.

        They share a cell with it, in which a sublevel set is convex. `progress` may raise
        Interrupted, which then leaves.
        """
        free = CellComplex(
            WholeSpace(self.problem, self.complex.arrangement),
            self.width,
            labelled=self.labelled,
            max_cells=self.cells,
        )
        tick = partial(progress, "without a ball, minima computed")
        found = components_of(free, reached(free, None, tick), tick)
        homes = {cell: each.id for each in found for cell in each.cells}
        return tuple(
            tuple(sorted({homes[cell] for cell in component.cells if cell in homes}))
            for component in self.components
        )

    def path(self, first: int, second: int) -> MinimaxPath:
        """A minimax path from the representative of one component to that of another.

        Modulo permutation it may end at the second representative with its neurons permuted.
        """
        start, end = self.components[first], self.components[second]
        return tree_path(self.complex, self.flood, start.cells[0], end.cells[0])


@dataclass(frozen=True, repr=False)
class Barrier(Shown):
    """The minimax barrier between two networks: value, a path that attains it, and a cut.

    losses: of the two networks. cut: None where the barrier is the larger of them.
    """

    problem: Problem
    width: int
    labelled: bool
    networks: tuple[Network, Network]
    losses: tuple[Fraction, Fraction]
    value: Fraction
    path: MinimaxPath
    cut: Cut | None
    complex: CellComplex

    @property
    def proved(self) -> Fraction:
        """A lower bound of the barrier, equal to `value` where exact."""
        return self.cut.proved if self.cut else max(self.losses)

    @property
    def summary(self) -> str:
        """Its height, and the losses of the two networks."""
        first, second = map(show, self.losses)
        return f"{Between(self.proved, self.value)}, of networks of loss {first} and {second}"

    def _table(self) -> Table:
        """The path that attains it."""
        return self.path._table()

    def plot(self, axes: Axes | None = None) -> Axes:
        """The loss along the path that attains it, and on the straight line.

        Drawn on these axes, or on new ones of pyplot; they are handed back.
        """
        from theory.pictures.landscapes import draw_barrier
        from theory.pictures.style import on

        return on(axes, draw_barrier, self)

    def to_json(self) -> dict[str, Any]:
        """The document of `isthmus barrier --between`."""
        return {
            "barrier": bounds_document(self.proved, self.value),
            "losses": [format_rational(loss) for loss in self.losses],
            "breakpoints": [network.to_json() for network in self.path.breakpoints],
        }


def analyse(
    problem: Problem,
    width: int | None = None,
    *,
    level: Rational | None = None,
    labelled: bool = False,
    within: Ball | None = None,
    max_cells: int | None = None,
    progress: Progress = silent,
) -> Analysis:
    """Components of {loss <= level} and all barriers between them, exactly.

    width: by default that of the problem. level: in the units of the loss; by default the global
        minimum.
    labelled: distinguish the neurons; by default networks are taken modulo permutation.
    within: only networks in this ball, up to rescaling of neurons; anywhere by default. The
        minimum is then that over the ball. Exact for adamw, lion and signsgd. For the other balls
        minima and barriers are exact where the ball attains the least loss without it, exact fits
        among them; else they are upper bounds, with proved lower bounds beside them. Where the
        least loss is such a bound, the default level is a little above it.
    Raises InputError where the level is below the minimum or an argument is no exact number,
    BudgetError beyond `max_cells` cells, by default 200 million, and 20 million in a ball.
    `progress` may raise Interrupted: while barriers are computed this returns what is known, with
    complete=False; earlier the exception leaves with what is known of the minimum.
    Source: `components`, `cuts`, proofs_notes/landscape.md.
    """
    width = problem.stated_width if width is None else width
    threshold = None if level is None else rational(level, "level")
    complex_ = CellComplex.of(problem, width, labelled=labelled, within=within, max_cells=max_cells)

    def tick(solved: int) -> None:
        progress("searching for the lowest cells, minima computed", solved)

    low = reached(complex_, threshold, tick)
    if not low.low:
        minimum = complex_.loss_of(sublevel(complex_, None, tick).level)
        raise InputError("level", f"{threshold} is below the minimum, which is {minimum}")
    if complex_.bounds is not None:
        for cover in low.cover:
            complex_.bounds.add(cover.proof.dual)
    components = components_of(complex_, low, tick)
    flood, complete = flooded(
        complex_, components, partial(progress, "looking for the passes, cells reached")
    )
    merges, cuts = merge_tree(complex_, flood, components)
    barriers, lower_bounds = _matrices(complex_, flood, components, merges)
    return Analysis(
        problem=problem,
        width=width,
        labelled=labelled,
        within=complex_.within,
        cells=complex_.count,
        minimum=min(component.minimum for component in components),
        level=complex_.loss_of(low.level),
        components=components,
        barriers=barriers,
        lower_bounds=lower_bounds,
        merges=merges,
        cuts=cuts,
        complete=complete,
        complex=complex_,
        sublevel=low,
        flood=flood,
    )


def reached(
    complex_: CellComplex, level: Fraction | None, tick: Tick = lambda solved: None
) -> Sublevel:
    """The cells that meet {loss <= level}, by default the least loss, or a little above it where
    cells and faces are not decided there.

    They do not depend on whether neurons are distinguished. None where the level is below the
    minimum. Raises Undecided where a minimum may be on either side of the level.
    """
    scaled = None if level is None else complex_.scaled_level(level)
    possible = scaled is None or scaled >= 0  # losses are
    low = sublevel(complex_, scaled, tick) if possible else Sublevel(Fraction())
    if level is None and not _least_is_decided(complex_, low, tick):
        zero = complex_.problem.zero
        low = sublevel(complex_, rounded(low.level + _ABOVE * zero, 3, math.ceil), tick)
    _require_decided(complex_, low.low.values(), low.level)
    return low


def _least_is_decided(complex_: CellComplex, low: Sublevel, tick: Tick) -> bool:
    """Whether it is known exactly which cells and faces hold networks of least loss."""
    if complex_.domain.exact:
        return True
    if any(minimum.lower != minimum.value for minimum in low.low.values()):
        return False
    try:
        components_of(complex_.modulo_permutation(), low, tick)
    except Undecided:
        return False
    return True


def barrier_between(
    problem: Problem,
    first: Network,
    second: Network,
    *,
    labelled: bool = False,
    within: Ball | None = None,
    max_cells: int | None = None,
    progress: Progress = silent,
) -> Barrier:
    """The minimax barrier between two networks of equal width, exactly, with its proof.

    labelled: distinguish the neurons; by default the path may end at any permutation of the second.
    within: the path has to stay in this ball, as the networks must; see `analyse`. Those in it only
        up to rescaling, neuron by neuron (any w_j where a_j = 0), are rescaled first.
    `progress` may raise Interrupted, which then leaves with a lower bound.
    """
    complex_ = CellComplex.of(
        problem, first.width, labelled=labelled, within=within, max_cells=max_cells
    )
    start, end = complex_.cell_of(first), complex_.cell_of(second)
    losses = (first.loss(problem), second.loss(problem))
    source, sink = complex_.canonical(start), complex_.canonical(end)
    groups = [[source], [sink]] if source != sink else [[source]]
    flood = flood_of(complex_, groups)
    try:
        flood.run(lambda cells: progress("looking for the pass, cells reached", cells))
    except Interrupted:
        floors = [flood.floor(cell) for cell in (source, sink)]
        known = max([*losses, *(complex_.loss_of(floor) for floor in floors if floor is not None)])
        raise Interrupted(f"the barrier is at least {known}") from None
    edges = flood.path(source, sink)
    points, states = along(complex_, start, edges)
    # `states` is an order of `end`: the second network's neurons take the places it says.
    order: list[int] = []
    for state in states:
        order.append(next(j for j, s in enumerate(end) if s == state and j not in order))
    path = minimax_path(
        complex_, [_normalised(first), *points, _normalised(second.permuted(order))]
    )
    if problem.has_free_part:  # from and to those that the networks have
        ends = zip((path.breakpoints[0], path.breakpoints[-1]), (first, second), strict=True)
        here, there = (replace(best, b=own.b, c=own.c) for best, own in ends)
        breakpoints = (here, *path.breakpoints, there)
        path = replace(path, breakpoints=breakpoints, value=max(path.value, *losses))
    cut = None
    if path.value > max(losses):
        scaled = complex_.scaled_level(path.value)
        regions = sorted((flood.region(cell, scaled) for cell in (source, sink)), key=len)
        cut = closed_cuts(flood, regions, scaled)[0]
        if cut.proved <= max(losses):  # the bound of the losses is as good
            cut = None
    return Barrier(
        problem=problem,
        width=first.width,
        labelled=labelled,
        networks=(first, second),
        losses=losses,
        value=path.value,
        path=path,
        cut=cut,
        complex=complex_,
    )


def _normalised(network: Network) -> list[Neuron]:
    """Convex coordinates with a sign for every neuron; where a_j = 0 either serves."""
    return [(sign or 1, u) for sign, u in network.convex_coordinates()]


def components_of(
    complex_: CellComplex, low: Sublevel, tick: Tick = lambda solved: None
) -> tuple[Component, ...]:
    """The components of the graph of low cells; breadth-first from the lowest cell of each.

    Their ids are the same whatever else is asked of the set. tick: told the number of minima
    computed, often; it may raise Interrupted, which leaves with the lowest loss.
    """
    minima = (
        {order: minimum for cell, minimum in low.low.items() for order in set(permutations(cell))}
        if complex_.labelled
        else low.low
    )
    components: list[Component] = []
    reached: set[Cell] = set()
    open_faces: list[tuple[Cell, Cell, Minimum]] = []
    # There may be millions of labelled cells, but few values among them.
    values = sorted({minimum.order for minimum in low.low.values()})
    rank = {value: place for place, value in enumerate(values)}
    ranked = sorted((rank[minimum.order], cell) for cell, minimum in minima.items())
    for _, lowest in ranked:
        if lowest in reached:
            continue
        reached.add(lowest)
        cells, links = [lowest], []
        for cell in cells:  # grows while it is walked through
            try:
                tick(complex_.domain.solved())
            except Interrupted:
                best = complex_.loss_of(min(each.value for each in minima.values()))
                raise Interrupted(f"the minimum is at most {best}") from None
            for position, _, move in complex_.open_faces(cell, low.level):
                target = (*cell[:position], move.target, *cell[position + 1 :])
                if not complex_.labelled:
                    target = tuple(sorted(target))
                if target in reached or target not in minima:
                    continue
                face = complex_.face_minimum(cell, position, move)
                if face.value <= low.level:
                    reached.add(target)
                    cells.append(target)
                    links.append(Edge(cell, position, move, target, face))
                else:
                    open_faces.append((cell, target, face))
        components.append(
            Component(
                id=len(components),
                cells=tuple(cells),
                links=tuple(links),
                representative=complex_.domain.network(complex_.point(lowest, minima[lowest])),
                minimum=complex_.loss_of(minima[lowest].value),
                proved=complex_.loss_of(min(minima[cell].lower for cell in cells)),
            )
        )
    if not complex_.domain.exact:
        components.sort(key=lambda component: min(component.cells))
        components = [replace(component, id=i) for i, component in enumerate(components)]
    home = {cell: component.id for component in components for cell in component.cells}
    between = (face for cell, target, face in open_faces if home[cell] != home[target])
    _require_decided(complex_, between, low.level)
    return tuple(components)


def _require_decided(complex_: CellComplex, minima: Iterable[Minimum], level: Fraction) -> None:
    """Raise Undecided where bounds lie on both sides of the level."""
    for minimum in minima:
        if minimum.lower <= level < minimum.value:
            if isinstance(minimum, Bracket) and minimum.open_at == level:
                raise Undecided(
                    f"the ball may hold networks of loss {complex_.loss_of(level)} in some cell or "
                    "not: as far as floats can tell it only touches them there; choose another "
                    "radius, or a level above"
                )
            bounds = (minimum.lower, minimum.value, level)
            lower, upper, at = (float(complex_.loss_of(v)) for v in bounds)
            raise Undecided(
                f"a minimum between {lower:.12g} and {upper:.12g} may be on either side of the "
                f"level {at:.12g}; choose another level"
            )


def _matrices(
    complex_: CellComplex,
    flood: Flood,
    components: Sequence[Component],
    merges: Sequence[Merge],
) -> tuple[tuple[tuple[Fraction | None, ...], ...], tuple[tuple[Fraction, ...], ...]]:
    """Barriers and lower bounds of all pairs: a barrier is where two components first join."""
    size = len(components)
    barriers: list[list[Fraction | None]] = [[None] * size for _ in range(size)]
    floors = [flood.floor(component.cells[0]) for component in components]
    known = [
        component.proved if floor is None else max(component.proved, complex_.loss_of(floor))
        for floor, component in zip(floors, components, strict=True)
    ]
    lower_bounds = [[max(a, b) for a in known] for b in known]
    for i, component in enumerate(components):
        barriers[i][i], lower_bounds[i][i] = component.minimum, component.proved
    cluster = {i: [i] for i in range(size)}
    for merge in merges:
        first, second = cluster[merge.first], cluster[merge.second]
        for i in first:
            for j in second:
                barriers[i][j] = barriers[j][i] = merge.value
                lower_bounds[i][j] = lower_bounds[j][i] = merge.proved
        for i in second:
            cluster[i] = first
        first += second
    return tuple(map(tuple, barriers)), tuple(map(tuple, lower_bounds))
