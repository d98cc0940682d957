"""Bottleneck paths between groups of cells, exploring only what lies below the barriers.

Each group starts a fragment of a minimum spanning tree of the graph of cells and faces. A fragment
may always be extended by the lowest face that leaves it (the blue rule: that edge lies in a minimum
spanning tree), so fragments grow and merge in any order; the smallest goes first, and the flood
ends when one fragment holds all groups. Between cells of a fragment, the path in the tree is a
minimax path.

Every value is exact. Source: R. E. Tarjan, Data Structures and Network Algorithms (1983), chapter
6.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from itertools import count
from typing import Literal, TypeAlias

import numpy as np

from theory.landscape.cells import Cell, CellComplex
from theory.landscape.domain import Move, WholeSpace
from theory.landscape.nnls import Minimum, order_of
from theory.types import Array


@dataclass(frozen=True)
class Edge:
    """The face between `cell` and `target` that the neuron at `position` crosses by `move`."""

    cell: Cell
    position: int
    move: Move
    target: Cell
    minimum: Minimum

    @property
    def value(self) -> Fraction:
        """The least loss on the face, in the integer problem's units."""
        return self.minimum.value


@dataclass(frozen=True, eq=False)
class _Faces:
    """Faces of a cell that are not solved, by ascending bounds.

    serial: of the cell. numbers: among the faces of the cell. proofs: the vectors of the bounds.
    """

    cell: Cell
    serial: int
    numbers: Array
    proofs: Array


_Entry: TypeAlias = (
    "tuple[float, Fraction, Literal[False], tuple[int, int, int], Edge]"
    " | tuple[float, Fraction, Literal[True], tuple[int, int, int], _Faces]"
)
"""What may leave a fragment, lowest first: faces whose minima are known, and others by a bound of
the lowest of them, after those of that value: these may lead to the same cells. Then the serial of
the cell, the face's number there, and its place in `_Faces`, of which those before are done."""


@dataclass(eq=False)
class Fragment:
    """A connected part of the tree: its cells, and the faces that may leave it, lowest first."""

    cells: list[Cell]
    unexpanded: list[Cell]  # cells whose faces are not on the heap yet
    heap: list[_Entry] = field(default_factory=list)


def _across(edge: Edge, cell: Cell) -> Cell:
    """The other of the two cells that an edge joins."""
    return edge.target if edge.cell == cell else edge.cell


def _known(edge: Edge, serial: int, face: int) -> _Entry:
    key, value = edge.minimum.order
    return (key, value, False, (serial, face, 0), edge)


class Flood:
    """Grows fragments from groups of cells; each group must be connected through `links`.

    forest: the tree edges at each cell. Edges that a fragment chose start in that fragment.
    torn: whether it was interrupted while it took a cell in, or joined two fragments: nothing can
        be read off it then.
    """

    def __init__(
        self, complex_: CellComplex, groups: Sequence[Sequence[Cell]], links: Iterable[Edge] = ()
    ) -> None:
        self.complex = complex_
        self.forest: dict[Cell, list[Edge]] = defaultdict(list)
        self.fragments = [Fragment(list(group), list(group)) for group in groups]
        self._owner = {cell: fragment for fragment in self.fragments for cell in fragment.cells}
        self._starts = [*self._owner]
        self._serial = count()  # equal values leave the heap in the order they came
        self.torn = False
        for edge in links:
            self._join(edge)

    def run(self, tick: Callable[[int], None] = lambda cells: None) -> None:
        """Merge all fragments into one; `tick` is told the number of cells and may raise.

        An interrupt may come anywhere: a cell counts as expanded when its last face is there.
        """
        while len(self.fragments) > 1:
            fragment = min(self.fragments, key=lambda fragment: len(fragment.cells))
            while fragment.unexpanded:
                tick(len(self._owner))
                self._push_faces(fragment, fragment.unexpanded[-1])
                fragment.unexpanded.pop()
            while (edge := self._lowest(fragment)) is None:
                tick(len(self._owner))
            self.torn = True
            self._extend(fragment, edge)
            self.torn = False

    def floor(self, cell: Cell) -> Fraction | None:
        """The value below which no path leaves the fragment of `cell`, if known."""
        fragment = self._owner[cell]
        if self.torn or fragment.unexpanded or not fragment.heap:
            return None
        return min(entry[1] if entry[2] else entry[4].minimum.lower for entry in fragment.heap)

    def _lowest(self, fragment: Fragment) -> Edge | None:
        """The lowest face on the heap; None, after a step towards it, where it is not known.

        At any time each face has an entry, so that an interrupt does no harm.
        """
        entry = fragment.heap[0]
        if not entry[2]:
            return entry[4]
        (_, _, first), faces = entry[3:]
        for at in range(first, len(faces.numbers)):
            face = faces.numbers.item(at)
            position, _, move = self.complex.face(faces.cell, face)
            target = self.complex.neighbour(faces.cell, position, move)
            if self._owner.get(target) is not fragment:
                break
        else:
            heapq.heappop(fragment.heap)
            return None
        if at > first:
            heapq.heapreplace(fragment.heap, self._bounded(faces, at))
            return None
        found = self.complex.face_minimum(faces.cell, position, move)
        edge = Edge(faces.cell, position, move, target, found)
        if at + 1 < len(faces.numbers):
            heapq.heappush(fragment.heap, self._bounded(faces, at + 1))
        heapq.heapreplace(fragment.heap, _known(edge, faces.serial, face))
        return None

    def _bounded(self, faces: _Faces, at: int) -> _Entry:
        """The entry of faces that are not solved, from one of them on."""
        assert self.complex.bounds is not None
        key, bound = self.complex.bounds.order(faces.proofs.item(at))
        return (key, bound, True, (faces.serial, faces.numbers.item(at), at), faces)

    def _extend(self, fragment: Fragment, edge: Edge) -> None:
        heapq.heappop(fragment.heap)
        other = self._owner.get(edge.target)
        if other is fragment:
            return
        self._join(edge)
        if other is None:
            self._owner[edge.target] = fragment
            fragment.cells.append(edge.target)
            fragment.unexpanded.append(edge.target)
        else:
            self._merge(fragment, other)

    def _push_faces(self, fragment: Fragment, cell: Cell) -> None:
        serial = next(self._serial)
        if self.complex.bounds is not None:
            found, proofs = self.complex.bounds.of_faces(cell)
            order = np.argsort(found, kind="stable")
            faces = _Faces(cell, serial, order, proofs[order])
            heapq.heappush(fragment.heap, self._bounded(faces, 0))
            return
        for face, (position, _, move) in enumerate(self.complex.faces(cell)):
            target = self.complex.neighbour(cell, position, move)
            if self._owner.get(target) is not fragment:
                minimum = self.complex.face_minimum(cell, position, move)
                edge = Edge(cell, position, move, target, minimum)
                heapq.heappush(fragment.heap, _known(edge, serial, face))

    def _join(self, edge: Edge) -> None:
        self.forest[edge.cell].append(edge)
        self.forest[edge.target].append(edge)

    def _merge(self, first: Fragment, second: Fragment) -> None:
        if len(first.heap) + len(first.cells) < len(second.heap) + len(second.cells):
            first, second = second, first
        for cell in second.cells:
            self._owner[cell] = first
        first.cells += second.cells
        first.unexpanded += second.unexpanded
        for entry in second.heap:
            heapq.heappush(first.heap, entry)
        self.fragments.remove(second)

    def path(self, start: Cell, end: Cell) -> list[Edge]:
        """The edges of the tree from one cell to another of the same fragment, in order, once the
        flood has ended."""
        first, last = self._to_root(start), self._to_root(end)
        while first and last and first[-1] is last[-1]:
            first.pop()
            last.pop()
        return first + last[::-1]

    def _to_root(self, cell: Cell) -> list[Edge]:
        edges = []
        while (edge := self._up[cell]) is not None:
            edges.append(edge)
            cell = _across(edge, cell)
        return edges

    @cached_property
    def _up(self) -> dict[Cell, Edge | None]:
        """The edge from each cell towards the root of its tree, which is any of its cells."""
        up: dict[Cell, Edge | None] = {}
        for root in (*self._starts, *self.forest):
            if root in up:
                continue
            up[root] = None
            cells = [root]
            for cell in cells:  # grows while it is walked through
                for edge in self.forest.get(cell, ()):
                    other = _across(edge, cell)
                    if other not in up:
                        up[other] = edge
                        cells.append(other)
        return up

    def region(self, start: Cell, below: Fraction) -> set[Cell]:
        """The cells that tree edges of value < `below` join to `start`."""
        found = {start}
        queue = [start]
        end = order_of(below)
        while queue:
            cell = queue.pop()
            for edge in self.forest[cell]:
                if edge.minimum.order < end:
                    other = _across(edge, cell)
                    if other not in found:
                        found.add(other)
                        queue.append(other)
        return found

    def leaving(self, region: frozenset[Cell], level: Fraction) -> Iterator[Minimum]:
        """The minima of the faces between cells of the region and others, but for faces whose
        minimum is known not to be below the level."""
        for cell in region:
            for position, _, move in self.complex.open_faces(cell, level):
                if self.complex.neighbour(cell, position, move) not in region:
                    yield self.complex.face_minimum(cell, position, move)


def flood_of(
    complex_: CellComplex, groups: Sequence[Sequence[Cell]], links: Iterable[Edge] = ()
) -> Flood:
    """A flood from groups of cells, in compiled loops where there are any."""
    if complex_.bounds is None or not isinstance(complex_.domain, WholeSpace):
        return Flood(complex_, groups, links)
    from theory.landscape.compiled_flood import CompiledFlood

    return CompiledFlood(complex_, groups, links)
