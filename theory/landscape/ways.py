"""From every network a path that rises by little at most, to a network at the bottom of a valley:
why there are no more deep valleys than those found.

Where minima are intervals, what looks like a shallow valley may be none, and only valleys deeper
than some depth are told. From a network of any cell a way leads straight to a point on a face to a
lower cell, and on from there to that cell's own point, until it comes to the network of a valley. A
cell is *served* by a point of it from which the way on reaches less than the depth above what a
dual vector proves of the cell. Source: `no-more-deep-valleys`, proofs_notes/valleys.md.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations_with_replacement, count
from typing import Any

from theory.exact import dot, simplest_between
from theory.landscape.cells import Cell, Neuron
from theory.landscape.flood import Edge
from theory.landscape.nnls import Minimum
from theory.landscape.optima import Multisets
from theory.landscape.valleys import Valleys, way_down
from theory.network import Network
from theory.states import state_of


@dataclass(frozen=True)
class Step:
    """A network, and another one that shares a cell with it.

    next: its number, counting the networks of the valleys first; it is an earlier one. dual: what
    proves that the cells it serves have hardly lower ones; None where nothing is to be proved.
    """

    network: Network
    next: int
    dual: Any


@dataclass(frozen=True)
class Ways:
    """Steps such that every cell has a network of one of them, or of a valley, from which no way
    rises by more than `depth` above the least of the cell."""

    depth: Fraction
    steps: list[Step]


def ways(tree: Valleys) -> Ways | None:
    """The ways in a tree that is complete, modulo permutation; None where some rise by as much as
    its shallowest valley is deep: minima are known too badly to tell."""
    return _Forest(tree).grown()


class _Forest:
    """The steps found so far; cells have a place in it from the lowest on."""

    def __init__(self, tree: Valleys) -> None:
        self.complex = tree.complex
        self.depth = tree.min_depth
        self.cells = Multisets(self.complex.states, self.complex.width)
        self.steps: list[Step] = []
        objective = self.complex.domain.objective
        self.tops = [objective(valley.representative) for valley in tree.valleys]
        self.roots = {valley.cells[0]: valley.id for valley in tree.valleys}
        self.place: dict[int, int] = {}  # of cells, by number: a step that is in them
        depths = [
            valley.proved_death - max(self.tops[valley.id], self.tops[valley.into])
            for valley in tree.valleys
            if valley.proved_death is not None and valley.into is not None
        ]
        self.shallowest = min(depths, default=None)

    def grown(self) -> Ways | None:
        """All of them, from the lowest cell on."""
        complex_ = self.complex
        cells = combinations_with_replacement(range(complex_.states), complex_.width)
        for cell in sorted(cells, key=lambda cell: complex_.minimum(cell).order):
            if cell in self.roots:
                self._add(complex_.point(cell, complex_.minimum(cell)), self.roots[cell], cell)
            elif self._goal(cell) is None:
                first, *others = self._way(cell)
                goal = self._goal((first, *others)[-1].target)
                assert goal is not None
                for edge in reversed(others):
                    goal = self._add(self._on(edge), goal, None)
                self._add(self._on(first), goal, cell)
            if self.shallowest is not None and self.depth >= self.shallowest:
                return None
        return Ways(self.depth, self.steps)

    def _goal(self, cell: Cell) -> int | None:
        """What is there already of a cell: the network of a valley, or a step."""
        root = self.roots.get(cell)
        return self.place.get(self.cells.rank(cell)) if root is None else root

    def _way(self, cell: Cell) -> list[Edge]:
        """Over the lowest faces to a cell that has a place; a lower one, if a face leads there."""
        complex_ = self.complex
        down = way_down(complex_, cell)
        if down is not None:
            return [down]
        came: dict[Cell, Edge | None] = {cell: None}
        heap: list[tuple[tuple[float, Fraction], int, Edge]] = []
        serial = count()
        here = cell
        while self._goal(here) is None:
            for position in complex_.positions(here):
                for move in complex_.moves(here[position]):
                    target = complex_.neighbour(here, position, move)
                    if target not in came:
                        face = complex_.face_minimum(here, position, move)
                        edge = Edge(here, position, move, target, face)
                        heapq.heappush(heap, (face.order, next(serial), edge))
            while here in came:
                _, _, edge = heapq.heappop(heap)
                here = edge.target
            came[here] = edge
        edges = []
        while (step := came[here]) is not None:
            edges.append(step)
            here = step.cell
        return edges[::-1]

    def _on(self, edge: Edge) -> list[Neuron]:
        return self.complex.point(edge.cell, edge.minimum, moved=(edge.position, edge.move))

    def _add(self, neurons: Sequence[Neuron], next_: int, cell: Cell | None) -> int:
        """A step, with all the cells that it serves if it does that one."""
        domain = self.complex.domain
        network = domain.network(neurons)
        top = max(domain.objective(network), self.tops[next_])
        number = len(self.tops)
        dual = None
        if cell is not None:
            minimum = self.complex.minimum(cell)
            rise = top - self.complex.loss_of(minimum.lower)
            if rise > self.depth:
                self.depth = simplest_between(rise, 2 * rise)
            self.place.setdefault(self.cells.rank(cell), number)
            if top > self.depth:
                dual = domain.dual(minimum)
            for each in self._served(neurons, minimum, top):
                self.place.setdefault(self.cells.rank(each), number)
        self.steps.append(Step(network, next_, dual))
        self.tops.append(top)
        return number

    def _served(self, neurons: Sequence[Neuron], minimum: Minimum, top: Fraction) -> Iterator[Cell]:
        """Cells with these neurons whose least is proved to be less than half the depth below."""
        domain = self.complex.domain
        level = self.complex.scaled_level(max(Fraction(), top - self.depth / 2))
        proof = domain.proof(domain.dual(minimum), level, strict=False) if level else None
        options = []
        for states in sorted(map(self._states, neurons)):
            groups = (self.complex.groups[state] for state in states)
            weights = [0 if proof is None else domain.weight(proof, group) for group in groups]
            options.append(sorted(zip(weights, states, strict=True)))
        return _within(options, 0 if proof is None else proof.limit)

    def _states(self, neuron: Neuron) -> list[int]:
        """Those that the neuron is in."""
        sign, u = neuron
        cones = self.complex.arrangement.cones_containing(u).tolist()
        signs = (sign,) if any(dot(row, u) for row in self.complex.problem.X) else (1, -1)
        return sorted(state_of(cone, s) for cone in cones for s in signs)


def _within(options: Sequence[Sequence[tuple[int, int]]], limit: int) -> Iterator[Cell]:
    """The multisets of a state of each of the options whose weights have at most such a sum.

    options: (weight, state), ascending; equal ones side by side.
    """
    rest = [0]
    for each in reversed(options):
        rest.append(rest[-1] + each[0][0])
    rest.reverse()
    stack: list[tuple[int, int, Cell]] = [(0, 0, ())]
    while stack:
        first, spent, chosen = stack.pop()
        j = len(chosen)
        if j == len(options):
            yield tuple(sorted(chosen))
            continue
        again = j + 1 < len(options) and options[j + 1] == options[j]
        for i in range(first, len(options[j])):
            weight, state = options[j][i]
            if spent + weight + rest[j + 1] > limit:
                break
            stack.append((i if again else 0, spent + weight, (*chosen, state)))
