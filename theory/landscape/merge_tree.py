"""The tree in which components of sublevel sets join as the level rises, with the proof of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import groupby

from theory.errors import Interrupted
from theory.landscape.cells import Cell, CellComplex
from theory.landscape.flood import Edge, Flood
from theory.landscape.minimax import MinimaxPath, along, minimax_path
from theory.landscape.sublevel import Tick
from theory.network import Network


@dataclass(frozen=True)
class Component:
    """A connected component of {loss <= level}.

    id: by least loss, then by the first cell (of lowest numbers); by the first cell alone where
    minima are bracketed only, whose last digits would decide.
    cells: the cells it meets. links: faces that connect them at the level (a tree).
    representative: a network of least loss in the component, which is `minimum`; it lies in
    cells[0]. proved: a lower bound of the loss in the component, equal to `minimum` where exact.
    """

    id: int
    cells: tuple[Cell, ...]
    links: tuple[Edge, ...]
    representative: Network
    minimum: Fraction
    proved: Fraction


@dataclass(frozen=True)
class Merge:
    """Two components join at level `value`, along a path from the first to the second.

    proved: a lower bound of their barrier, equal to `value` where exact.
    """

    value: Fraction
    proved: Fraction
    first: int
    second: int
    path: MinimaxPath


@dataclass(frozen=True)
class Cut:
    """Cells such that no path of loss below `proved` leaves them; `value` is found on the way out.

    The two are equal where minima are exact.
    """

    value: Fraction
    proved: Fraction
    cells: frozenset[Cell]


def flooded(
    complex_: CellComplex, components: Sequence[Component], tick: Tick
) -> tuple[Flood, bool]:
    """The flood from all components, and whether it came to its end: an interrupt leaves what is
    known, unless it tears the flood. tick: told the number of cells reached."""
    flood = Flood(
        complex_,
        [component.cells for component in components],
        [link for component in components for link in component.links],
    )
    try:
        flood.run(tick)
    except Interrupted:
        if flood.torn:
            raise
        return flood, False
    return flood, True


def merge_tree(
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
            regions = [flood.region(components[i].cells[0], value) for i in joined]
            around = closed_cuts(flood, sorted(regions, key=len), value)
            proved = min(cut.proved for cut in around)
            for other in joined[1:]:
                path = tree_path(complex_, flood, components[joined[0]], components[other])
                merges.append(Merge(complex_.loss_of(value), proved, joined[0], other, path))
            cuts += around
    return tuple(merges), tuple(cuts)


def tree_path(
    complex_: CellComplex, flood: Flood, first: Component, second: Component
) -> MinimaxPath:
    """The tree path between two representatives, as a path in parameter space."""
    start, end = first.cells[0], second.cells[0]
    points, states = along(complex_, start, flood.path(start, end))
    # Neurons share columns by their order: the second network is that of its own cell, permuted.
    rest = list(zip(end, complex_.point(end, complex_.minimum(end)), strict=True))
    last = [rest.pop([s for s, _ in rest].index(state))[1] for state in states]
    return minimax_path(complex_, [complex_.point(start, complex_.minimum(start)), *points, last])


def closed_cuts(flood: Flood, regions: Sequence[set[Cell]], level: Fraction) -> tuple[Cut, ...]:
    """Cuts at `level` (integer problem's units) from all but one of the regions.

    The flood left at most one of the regions below one pass before it was explored completely.
    """
    loss_of = flood.complex.loss_of
    cuts: list[Cut] = []
    for region in regions:
        if len(cuts) == len(regions) - 1:  # the last, the largest, need not be looked at
            break
        proved = level
        for minimum in flood.leaving(region, level):
            if minimum.value < level:
                break
            proved = min(proved, minimum.lower)
        else:
            cuts.append(Cut(loss_of(level), loss_of(proved), frozenset(region)))
    assert len(cuts) == len(regions) - 1
    return tuple(cuts)


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
