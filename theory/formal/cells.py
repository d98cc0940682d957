"""Sets of cells with what is across each of their faces, as terms of the library's checker."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from theory.formal.certificate import Cell, Data, Key, State
from theory.formal.paths import places
from theory.formal.text import Numbers
from theory.network import Network

Face: TypeAlias = tuple[Cell, int, int | None]  # cell, position, wall; None: the sign changes


@dataclass(frozen=True)
class Cells:
    """Cells of which the neurons are in their order or not."""

    data: Data
    labelled: bool
    cells: Sequence[Cell]

    @classmethod
    def of(
        cls, data: Data, certificate: Mapping[str, Any], cells: Sequence[Sequence[int]]
    ) -> Cells:
        """From the indices of states that a certificate has."""
        states = [data.state(each) for each in certificate["states"]]
        labelled = bool(certificate["labelled"])
        return cls(data, labelled, [tuple(states[s] for s in cell) for cell in cells])

    def canonical(self, cell: Cell) -> Cell:
        """One for all orders of its neurons, unless these are labelled."""
        return cell if self.labelled else tuple(sorted(cell))

    def holds(self, cell: Cell, of: Network) -> bool:
        """Whether a network is in a cell."""
        return places(self.data, cell, of, labelled=self.labelled) is not None

    def ordered(self, of: Network) -> Cells:
        """The first that holds the network has the order of its neurons, as the library asks."""
        found = list(self.cells)
        for k, cell in enumerate(found):
            order = places(self.data, cell, of, labelled=self.labelled)
            if order is not None:
                found[k] = tuple(cell[place] for place in order)
                break
        return Cells(self.data, self.labelled, found)

    def faces(self, cell: Cell) -> Iterator[tuple[int, int | None, Cell]]:
        """Position, wall or None, and the cell across."""
        for j, (sign, cone) in enumerate(cell):
            targets: list[tuple[int | None, State]] = [(None, (-sign, cone))]
            targets += [(wall, (sign, other)) for wall, other in self.data.cones.facets(cone)]
            for wall, state in targets:
                yield j, wall, (*cell[:j], state, *cell[j + 1 :])

    def entries(self, dual_of: Callable[[Face, Cell], int]) -> list[Numbers]:
        """A term for each; dual_of: the number of a dual vector for a face and the cell behind it,
        from 0, where that is none of the cells."""
        known = {self.canonical(cell) for cell in self.cells}
        terms = []
        for cell in self.cells:
            term: Numbers = []
            at = None
            for j, wall, target in self.faces(cell):
                if at != j:
                    at, (sign, cone) = j, cell[j]
                    term.append(2 * cone + (sign > 0))
                inside = self.canonical(target) in known
                term.append(0 if inside else dual_of((cell, j, wall), target) + 1)
            terms.append(term)
        return terms


def keys(face: Face) -> list[Key]:
    """Where the neurons are on a face; a neuron whose sign changes is zero."""
    cell, position, wall = face
    return [
        (state, wall if j == position else None)
        for j, state in enumerate(cell)
        if j != position or wall is not None
    ]
