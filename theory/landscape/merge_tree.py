"""The tree in which components of sublevel sets join as the level rises, with the proof of it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain, groupby
from typing import TYPE_CHECKING, Any

from theory.documents import bounds_document
from theory.errors import Interrupted
from theory.landscape.cells import Cell, CellComplex
from theory.landscape.flood import Edge, Flood, flood_of
from theory.landscape.minimax import MinimaxPath, along, minimax_path
from theory.landscape.sublevel import Tick
from theory.network import Network
from theory.tables import Between, Shown, Table, counted

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True, repr=False)
class Component(Shown):
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

    @property
    def summary(self) -> str:
        """Its number, how large it is, and its least loss."""
        least = Between(self.proved, self.minimum)
        return f"{self.id}, {counted(len(self.cells), 'cell')}, least loss {least}"

    def _table(self) -> Table:
        """Its network of least loss."""
        return self.representative._table()

    def plot(self, axes: Axes | None = None) -> Axes:
        """The neurons of its network of least loss: see `Network.plot`."""
        return self.representative.plot(axes)

    def to_json(self) -> dict[str, Any]:
        """{"id", "minimum", "representative"}"""
        return {
            "id": self.id,
            "minimum": bounds_document(self.proved, self.minimum),
            "representative": self.representative.to_json(),
        }


@dataclass(frozen=True)
class Merge:
    """Two components join at level `value`.

    proved: a lower bound of their barrier, equal to `value` where exact.
    """

    value: Fraction
    proved: Fraction
    first: int
    second: int


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
    flood = flood_of(
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
        for joined in clusters.join([(edge.cell, edge.target) for edge in group]):
            around = closed_cuts(flood, sorted(joined.values(), key=len), value)
            proved = min(cut.proved for cut in around)
            first, *others = joined
            merges += [Merge(complex_.loss_of(value), proved, first, other) for other in others]
            cuts += around
    return tuple(merges), tuple(cuts)


def tree_path(complex_: CellComplex, flood: Flood, start: Cell, end: Cell) -> MinimaxPath:
    """The tree path between points of least loss in two cells, as a path in parameter space."""
    points, states = along(complex_, start, flood.path(start, end))
    # Neurons share columns by their order: the second network is that of its own cell, permuted.
    rest = list(zip(end, complex_.point(end, complex_.minimum(end)), strict=True))
    last = [rest.pop([s for s, _ in rest].index(state))[1] for state in states]
    return minimax_path(complex_, [complex_.point(start, complex_.minimum(start)), *points, last])


def closed_cuts(
    flood: Flood, regions: Sequence[Collection[Cell]], level: Fraction
) -> tuple[Cut, ...]:
    """Cuts at `level` (integer problem's units) from all but one of the regions.

    The flood left at most one of the regions below one pass before it was explored completely.
    """
    loss_of = flood.complex.loss_of
    cuts: list[Cut] = []
    for region in regions:
        if len(cuts) == len(regions) - 1:  # the last, the largest, need not be looked at
            break
        proved, cells = level, frozenset(region)
        for minimum in flood.leaving(cells, level):
            if minimum.value < level:
                break
            proved = min(proved, minimum.lower)
        else:
            cuts.append(Cut(loss_of(level), loss_of(proved), cells))
    assert len(cuts) == len(regions) - 1
    return tuple(cuts)


@dataclass(eq=False)
class _Cluster:
    """Cells that edges join so far, and the least id of a component among them."""

    cells: list[Cell]
    first: int | None = None


class _Clusters:
    """All clusters, each cell by default one of its own."""

    def __init__(self, components: Iterable[Component]) -> None:
        self._of: dict[Cell, _Cluster] = {}
        for component in components:
            cluster = _Cluster(list(component.cells), component.id)
            self._of |= dict.fromkeys(component.cells, cluster)

    def join(self, pairs: Sequence[tuple[Cell, Cell]]) -> list[dict[int, list[Cell]]]:
        """Join clusters pair by pair; each dictionary holds clusters of components now together,
        named by the first of these, with the cells that they had before."""
        before: dict[int, tuple[list[Cell], int]] = {}  # only appended to
        for cell in chain(*pairs):
            cluster = self._of.setdefault(cell, _Cluster([cell]))
            if cluster.first is not None:
                before[cluster.first] = cluster.cells, len(cluster.cells)
        together: dict[int, list[int]] = {}
        for pair in pairs:
            small, large = sorted((self._of[cell] for cell in pair), key=_size)
            if small is large:
                continue
            large.cells += small.cells
            self._of |= dict.fromkeys(small.cells, large)
            ids = sorted(each.first for each in (small, large) if each.first is not None)
            if ids:
                large.first = ids[0]
            if len(ids) == 2:
                low, high = (together.pop(i, [i]) for i in ids)
                together[ids[0]] = sorted(low + high)
        return [
            {i: cells[:size] for i, (cells, size) in ((i, before[i]) for i in ids)}
            for ids in together.values()
        ]


def _size(cluster: _Cluster) -> int:
    return len(cluster.cells)
