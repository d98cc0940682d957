"""The components of a sublevel set, and the exact minimax barriers between them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import groupby, permutations

from theory.errors import InputError, Interrupted
from theory.landscape.cells import DEFAULT_MAX_CELLS, Cell, CellComplex, Neuron
from theory.landscape.flood import Edge, Flood
from theory.landscape.paths import MinimaxPath, along, minimax_path
from theory.landscape.sublevel import Sublevel, sublevel
from theory.network import Network
from theory.problem import Problem

Progress = Callable[[str, int], None]
"""Called often with the stage and a count; may raise Interrupted to stop with what is known."""


@dataclass(frozen=True)
class Component:
    """A connected component of {loss <= level}.

    cells: the cells it meets. links: faces that connect them at the level (a tree).
    representative: a network of least loss in the component, which is `minimum`; it lies in
    cells[0].
    """

    id: int
    cells: tuple[Cell, ...]
    links: tuple[Edge, ...]
    representative: Network
    minimum: Fraction


@dataclass(frozen=True)
class Merge:
    """Two components join at level `value`, along a path from the first to the second."""

    value: Fraction
    first: int
    second: int
    path: MinimaxPath


@dataclass(frozen=True)
class Cut:
    """Cells such that no path of loss below `value` leaves them."""

    value: Fraction
    cells: frozenset[Cell]


@dataclass(frozen=True)
class Analysis:
    """Components of {loss <= level} at one width, and the barriers between them.

    rho: of the entrywise ball that all networks are in, if any.
    minimum: the global minimum of the loss (in the ball). cells: the number of cells.
    barriers: minimax barriers between components; on the diagonal the least loss in the component.
    An entry is None while undecided (after an interrupt); `lower_bounds` holds what is proved then.
    merges: the tree of components over the level, by increasing value.
    cuts: one less than the components; each pair is separated at its barrier by one of them.
    """

    problem: Problem
    width: int
    labelled: bool
    rho: Fraction | None
    cells: int
    minimum: Fraction
    level: Fraction
    components: tuple[Component, ...]
    barriers: tuple[tuple[Fraction | None, ...], ...]
    lower_bounds: tuple[tuple[Fraction, ...], ...]
    merges: tuple[Merge, ...]
    cuts: tuple[Cut, ...]
    complete: bool
    complex: CellComplex = field(repr=False)
    sublevel: Sublevel = field(repr=False)
    flood: Flood = field(repr=False)

    def path(self, first: int, second: int) -> MinimaxPath:
        """A minimax path from the representative of one component to that of another.

        Modulo permutation it may end at the second representative with its neurons permuted.
        """
        return _path(self.complex, self.flood, self.components[first], self.components[second])


@dataclass(frozen=True)
class Barrier:
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
    complex: CellComplex = field(repr=False)


def analyse(
    problem: Problem,
    width: int,
    *,
    level: Fraction | None = None,
    labelled: bool = False,
    rho: Fraction | None = None,
    max_cells: int = DEFAULT_MAX_CELLS,
    progress: Progress = lambda stage, count: None,
) -> Analysis:
    """Components of {loss <= level} and all barriers between them, exactly.

    level: in the units of the loss; by default the global minimum.
    labelled: distinguish the neurons; by default networks are taken modulo permutation.
    rho: only networks in the ball |a_j| |W_kj| <= rho of AdamW, Lion and signSGD (R_W R_a = rho);
        the minimum is then that over the ball.
    Raises InputError where the level is below the minimum, BudgetError beyond `max_cells` cells.
    `progress` may raise Interrupted: while barriers are computed this returns what is known, with
    complete=False; earlier the exception leaves with what is known of the minimum.
    Source: proofs_notes/landscape.md.
    """
    complex_ = CellComplex(problem, width, labelled=labelled, rho=rho, max_cells=max_cells)

    def tick(solved: int) -> None:
        progress("searching for the lowest cells, minima computed", solved)

    scaled = None if level is None else complex_.scaled_level(level)
    reached = scaled is None or scaled >= 0  # losses are
    low = sublevel(complex_, scaled, tick) if reached else Sublevel(Fraction())
    if not low.low:
        minimum = complex_.loss_of(sublevel(complex_, None, tick).level)
        raise InputError("level", f"{level} is below the minimum, which is {minimum}")
    components = _components(complex_, low)
    flood = Flood(
        complex_,
        [component.cells for component in components],
        [link for component in components for link in component.links],
    )
    complete = True
    try:
        flood.run(lambda cells: progress("looking for the passes, cells reached", cells))
    except Interrupted:
        complete = False
    merges, cuts = _merge_tree(complex_, flood, components)
    barriers, lower_bounds = _matrices(complex_, flood, components, merges)
    return Analysis(
        problem=problem,
        width=width,
        labelled=labelled,
        rho=rho,
        cells=complex_.cells,
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


def barrier_between(
    problem: Problem,
    first: Network,
    second: Network,
    *,
    labelled: bool = False,
    rho: Fraction | None = None,
    max_cells: int = DEFAULT_MAX_CELLS,
    progress: Progress = lambda stage, count: None,
) -> Barrier:
    """The minimax barrier between two networks of equal width, exactly, with its proof.

    labelled: distinguish the neurons; by default the path may end at any permutation of the second.
    rho: the path has to stay in the ball of AdamW, Lion and signSGD, as the networks must.
    `progress` may raise Interrupted, which then leaves with a lower bound.
    """
    complex_ = CellComplex(problem, first.width, labelled=labelled, rho=rho, max_cells=max_cells)
    start, end = complex_.cell_of(first), complex_.cell_of(second)
    losses = (first.loss(problem), second.loss(problem))
    source, sink = complex_.canonical(start), complex_.canonical(end)
    groups = [[source], [sink]] if source != sink else [[source]]
    flood = Flood(complex_, groups)
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
    path = minimax_path(problem, [_normalised(first), *points, _normalised(second.permuted(order))])
    cut = None
    if path.value > max(losses):
        scaled = complex_.scaled_level(path.value)
        regions = sorted((flood.region(cell, scaled) for cell in (source, sink)), key=len)
        cut = _closed_cuts(flood, regions, scaled)[0]
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


def _components(complex_: CellComplex, low: Sublevel) -> tuple[Component, ...]:
    """The components of the graph of low cells; breadth-first from the lowest cell of each."""
    minima = (
        {order: minimum for cell, minimum in low.low.items() for order in set(permutations(cell))}
        if complex_.labelled
        else low.low
    )
    components: list[Component] = []
    reached: set[Cell] = set()
    for lowest in sorted(minima, key=lambda cell: (minima[cell].order, cell)):
        if lowest in reached:
            continue
        reached.add(lowest)
        cells, links = [lowest], []
        for cell in cells:  # grows while it is walked through
            for position in complex_.positions(cell):
                for move in complex_.moves(cell[position]):
                    target = complex_.neighbour(cell, position, move)
                    if target not in minima or target in reached:
                        continue
                    face = complex_.face_minimum(cell, position, move)
                    if face.value <= low.level:
                        reached.add(target)
                        cells.append(target)
                        links.append(Edge(cell, position, move, target, face))
        components.append(
            Component(
                id=len(components),
                cells=tuple(cells),
                links=tuple(links),
                representative=Network.from_convex(complex_.point(lowest, minima[lowest])),
                minimum=complex_.loss_of(minima[lowest].value),
            )
        )
    return tuple(components)


def _path(complex_: CellComplex, flood: Flood, first: Component, second: Component) -> MinimaxPath:
    """The tree path between two representatives, as a path in parameter space."""
    start, end = first.cells[0], second.cells[0]
    points, states = along(complex_, start, flood.path(start, end))
    return minimax_path(
        complex_.problem,
        [
            complex_.point(start, complex_.minimum(start)),
            *points,
            complex_.point(states, complex_.minimum(end)),
        ],
    )


def _closed_cuts(flood: Flood, regions: Sequence[set[Cell]], level: Fraction) -> tuple[Cut, ...]:
    """Cuts at `level` (integer problem's units) from all but one of the regions.

    The flood left at most one of the regions below one pass before it was explored completely.
    """
    closed = [region for region in regions if flood.is_closed(region, level)]
    assert len(closed) >= len(regions) - 1
    value = flood.complex.loss_of(level)
    return tuple(Cut(value, frozenset(region)) for region in closed[: len(regions) - 1])


def _merge_tree(
    complex_: CellComplex, flood: Flood, components: Sequence[Component]
) -> tuple[tuple[Merge, ...], tuple[Cut, ...]]:
    """Kruskal's algorithm over the edges of the flood's forest: where components join."""
    clusters = _Clusters(components)
    merges: list[Merge] = []
    cuts: list[Cut] = []
    edges = [e for cell, at in flood.forest.items() for e in at if e.cell == cell]
    edges.sort(key=lambda edge: edge.minimum.order)
    for value, group in groupby(edges, key=lambda edge: edge.value):
        for joined in clusters.join((edge.cell, edge.target) for edge in group):
            loss = complex_.loss_of(value)
            for other in joined[1:]:
                path = _path(complex_, flood, components[joined[0]], components[other])
                merges.append(Merge(loss, joined[0], other, path))
            regions = [flood.region(components[i].cells[0], value) for i in joined]
            cuts += _closed_cuts(flood, sorted(regions, key=len), value)
    return tuple(merges), tuple(cuts)


class _Clusters:
    """Union-find over cells that knows the first component of each cluster."""

    def __init__(self, components: Iterable[Component]) -> None:
        self._parent: dict[Cell, Cell] = {}
        self._first: dict[Cell, int] = {}  # by root: the least component id in the cluster
        for component in components:
            for cell in component.cells:
                self._parent[cell] = component.cells[0]
            self._first[component.cells[0]] = component.id

    def _root(self, cell: Cell) -> Cell:
        parent = self._parent.setdefault(cell, cell)
        while (above := self._parent[parent]) != parent:
            self._parent[cell] = above
            cell, parent = parent, above
        return parent

    def join(self, pairs: Iterable[tuple[Cell, Cell]]) -> list[list[int]]:
        """Join clusters pair by pair; each list holds clusters of components now together.

        A cluster of components is named by the first of them.
        """
        together: dict[int, list[int]] = {}
        for pair in pairs:
            one, other = map(self._root, pair)
            if one == other:
                continue
            self._parent[other] = one
            ids = sorted(self._first[root] for root in (one, other) if root in self._first)
            if ids:
                self._first[one] = ids[0]
            if len(ids) == 2:
                low, high = (together.pop(i, [i]) for i in ids)
                together[ids[0]] = sorted(low + high)
        return list(together.values())


def _matrices(
    complex_: CellComplex,
    flood: Flood,
    components: Sequence[Component],
    merges: Sequence[Merge],
) -> tuple[tuple[tuple[Fraction | None, ...], ...], tuple[tuple[Fraction, ...], ...]]:
    """Barriers and lower bounds of all pairs: a barrier is where two components first join."""
    size = len(components)
    barriers: list[list[Fraction | None]] = [[None] * size for _ in range(size)]
    for i, component in enumerate(components):
        barriers[i][i] = component.minimum
    cluster = {i: [i] for i in range(size)}
    for merge in merges:
        first, second = cluster[merge.first], cluster[merge.second]
        for i in first:
            for j in second:
                barriers[i][j] = barriers[j][i] = merge.value
        for i in second:
            cluster[i] = first
        first += second
    floors = [flood.floor(component.cells[0]) for component in components]
    known = [
        component.minimum if floor is None else max(component.minimum, complex_.loss_of(floor))
        for floor, component in zip(floors, components, strict=True)
    ]
    lower_bounds = tuple(
        tuple(
            value if value is not None else max(known[i], known[j]) for j, value in enumerate(row)
        )
        for i, row in enumerate(barriers)
    )
    return tuple(map(tuple, barriers)), lower_bounds
