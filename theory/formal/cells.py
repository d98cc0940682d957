"""Sets of cells with what is across each of their faces, as terms of the library's checker."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from theory.formal.certificate import Cell, Data, Dual, Key, State
from theory.formal.terms import listed, natural, truth

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

    def faces(self, cell: Cell) -> Iterator[tuple[int, int | None, Cell]]:
        """Position, wall or None, and the cell across."""
        for j, (sign, cone) in enumerate(cell):
            targets: list[tuple[int | None, State]] = [(None, (-sign, cone))]
            targets += [(wall, (sign, other)) for wall, other in self.data.cones.facets(cone)]
            for wall, state in targets:
                yield j, wall, (*cell[:j], state, *cell[j + 1 :])

    def entries(self, dual_of: Callable[[Face, Cell], int]) -> str:
        """The term; dual_of: the number of a dual vector for a face and the cell behind it, from 0,
        where that is none of the cells."""
        ids = {self.canonical(cell): k + 1 for k, cell in enumerate(self.cells)}
        walls = len(self.data.cones.walls)
        terms = []
        for cell in self.cells:
            steps: dict[tuple[int, int | None], str] = {}
            for j, wall, target in self.faces(cell):
                inside = ids.get(self.canonical(target))
                steps[j, wall] = (
                    f"Above {dual_of((cell, j, wall), target) + 1}"
                    if inside is None
                    else f"Into {inside}"
                )
            states = listed(f"({truth(sign > 0)},{natural(cone)})" for sign, cone in cell)
            flips = listed(steps[j, None] for j in range(len(cell)))
            crossings = listed(
                listed(steps.get((j, wall), "NoFacet") for wall in range(walls))
                for j in range(len(cell))
            )
            terms.append(f"Entry {states} {flips} {crossings}")
        return listed(terms, lines=True)


def keys(face: Face) -> list[Key]:
    """Where the neurons are on a face; a neuron whose sign changes is zero."""
    cell, position, wall = face
    return [
        (state, wall if j == position else None)
        for j, state in enumerate(cell)
        if j != position or wall is not None
    ]


def certificate_term(data: Data, duals: Sequence[Dual], entries: str) -> str:
    """What the library calls a certificate."""
    used = listed((each.term() for each in duals), lines=True)
    return f"Cert\n {data.walls}\n {data.patterns}\n {used}\n {entries}"
