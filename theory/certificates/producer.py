"""Certificates for what `theory.landscape` finds; the format is proofs_notes/certificates.md.

Nothing here needs to be trusted: the checker re-derives what these documents claim.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Any

from theory.landscape.analysis import Analysis, Barrier, Component, Cut
from theory.landscape.cells import SIGN_FLIP, Cell, CellComplex, Move
from theory.landscape.domain import Dual, Proof
from theory.landscape.nnls import Minimum
from theory.landscape.paths import MinimaxPath
from theory.landscape.sublevel import Cover, thin
from theory.network import Network
from theory.problem import format_rational

Document = dict[str, Any]


def certify(result: Analysis | Barrier) -> Document:
    """The certificate of a complete analysis (`components`) or of a barrier (`barrier`)."""
    if isinstance(result, Barrier):
        return _barrier(result)
    if not result.complete:
        raise ValueError("result: the analysis was interrupted, so there is nothing to certify yet")
    return _components(result)


class _Writer:
    """Numbers the states and dual vectors that a certificate mentions."""

    def __init__(self, complex_: CellComplex, cells: Iterable[Cell]) -> None:
        self.complex = complex_
        self._states = sorted({state for cell in cells for state in cell})
        # Increasing, so that sorted multisets stay sorted.
        self._number = {state: k for k, state in enumerate(self._states)}
        self._duals: dict[tuple[int, ...], int] = {}

    def cell(self, cell: Cell) -> list[int]:
        return [self._number[state] for state in cell]

    def dual(self, dual: Dual) -> int:
        return self._duals.setdefault(dual.vector, len(self._duals))

    def move(self, move: Move) -> int | str:
        return "sign" if move.wall == SIGN_FLIP else self.complex.arrangement.walls[move.wall][0]

    def point(self, cell: Cell, minimum: Minimum, position: int, move: Move) -> Document:
        neurons = self.complex.point(cell, minimum, moved=(position, move))
        return Network.from_convex(neurons).to_json()

    def document(self, kind: str, **fields: object) -> Document:
        symbols = {1: "+", -1: "-", 0: "0"}
        signs = self.complex.arrangement.signs
        return {
            "format": "isthmus-certificate",
            "version": 1,
            "kind": kind,
            "problem": {k: v for k, v in self.complex.problem.to_json().items() if k in ("X", "y")},
            "width": self.complex.width,
            "labelled": self.complex.labelled,
            "within": None
            if self.complex.rho is None
            else {"ball": "entrywise", "rho": format_rational(self.complex.rho)},
            "states": [
                ["+-"[state % 2], "".join(symbols[int(s)] for s in signs[state // 2])]
                for state in self._states
            ],
            "duals": [[str(v) for v in vector] for vector in self._duals],
            **fields,
        }


class _FaceBounds:
    """Dual vectors that prove loss >= level on faces (strict: loss > level).

    One that serves already, else the optimal one of the face.
    """

    def __init__(self, complex_: CellComplex, level: Fraction, *, strict: bool) -> None:
        self.complex = complex_
        self.level = complex_.scaled_level(level)
        self.strict = strict
        self._pool: list[Proof] = []

    def dual(self, cell: Cell, position: int, move: Move) -> Dual:
        """One that serves, for the face of a move."""
        domain, groups = self.complex.domain, self.complex.face_groups(cell, position, move)
        for proof in self._pool:
            if sum(domain.weight(proof, group) for group in groups) <= proof.limit:
                return proof.dual
        dual = domain.dual(self.complex.face_minimum(cell, position, move))
        self._pool.append(domain.proof(dual, self.level, strict=self.strict))
        return dual


def _path(path: MinimaxPath) -> list[Document]:
    return [network.to_json() for network in path.breakpoints]


def _cut(writer: _Writer, cut: Cut) -> Document:
    complex_ = writer.complex
    bounds = _FaceBounds(complex_, cut.value, strict=False)
    cells = sorted(cut.cells)
    faces = []
    for k, cell in enumerate(cells):
        for position in complex_.positions(cell):
            for move in complex_.moves(cell[position]):
                if complex_.neighbour(cell, position, move) not in cut.cells:
                    dual = bounds.dual(cell, position, move)
                    faces.append([k, position, writer.move(move), writer.dual(dual)])
    return {
        "value": format_rational(cut.value),
        "cells": [writer.cell(cell) for cell in cells],
        "faces": faces,
    }


def _barrier(barrier: Barrier) -> Document:
    writer = _Writer(barrier.complex, barrier.cut.cells if barrier.cut else ())
    return writer.document(
        "barrier",
        value=format_rational(barrier.value),
        networks=[network.to_json() for network in barrier.networks],
        path=_path(barrier.path),
        cut=None if barrier.cut is None else _cut(writer, barrier.cut),
    )


def _components(analysis: Analysis) -> Document:
    complex_ = analysis.complex
    listed = [cell for component in analysis.components for cell in component.cells]
    writer = _Writer(complex_, [*listed, *(cell for cut in analysis.cuts for cell in cut.cells)])
    low = analysis.sublevel
    floors = {cell: complex_.domain.dual(minimum) for cell, minimum in low.low.items()}
    outside = [cover.proof.dual for cover in low.cover]
    minimum_cover: list[Cover] = []
    if analysis.minimum > 0:
        pool = [*outside, *floors.values()]
        least = complex_.scaled_level(analysis.minimum)
        minimum_cover = thin(complex_, pool, least, strict=False)
    cover = thin(complex_, outside, low.level, strict=True, exempt=low.low)
    lowest = analysis.components[0]
    return writer.document(
        "components",
        level=format_rational(analysis.level),
        minimum=format_rational(analysis.minimum),
        minimum_network=lowest.representative.to_json(),
        minimum_cover=[writer.dual(each.proof.dual) for each in minimum_cover],
        components=[
            _component(writer, component, analysis.minimum, floors)
            for component in analysis.components
        ],
        walls=_walls(writer, analysis.components, analysis.level),
        cover=[writer.dual(each.proof.dual) for each in cover],
        barriers=[
            [format_rational(value) for value in row if value is not None]
            for row in analysis.barriers
        ],
        cuts=[_cut(writer, cut) for cut in analysis.cuts],
        paths=[
            {"from": merge.first, "to": merge.second, "breakpoints": _path(merge.path)}
            for merge in analysis.merges
        ],
    )


def _component(
    writer: _Writer, component: Component, minimum: Fraction, floors: dict[Cell, Dual]
) -> Document:
    number = {cell: k for k, cell in enumerate(component.cells)}
    floor: list[int] = []
    if component.minimum > minimum:
        duals = [floors[tuple(sorted(cell))] for cell in component.cells]
        floor = sorted({writer.dual(dual) for dual in duals})
    return {
        "minimum": format_rational(component.minimum),
        "representative": component.representative.to_json(),
        "cells": [writer.cell(cell) for cell in component.cells],
        "links": [
            [
                number[link.target],
                number[link.cell],
                writer.point(link.cell, link.minimum, link.position, link.move),
            ]
            for link in component.links
        ],
        "floor": floor,
    }


def _walls(
    writer: _Writer, components: Sequence[Component], level: Fraction
) -> list[list[int | str]]:
    """The faces between different components, each with a bound above the level."""
    complex_ = writer.complex
    bounds = _FaceBounds(complex_, level, strict=True)
    owner = {cell: component.id for component in components for cell in component.cells}
    walls: list[list[int | str]] = []
    for component in components:
        for k, cell in enumerate(component.cells):
            for position in complex_.positions(cell):
                for move in complex_.moves(cell[position]):
                    target = complex_.neighbour(cell, position, move)
                    if owner.get(target, -1) > component.id:
                        dual = bounds.dual(cell, position, move)
                        walls.append(
                            [component.id, k, position, writer.move(move), writer.dual(dual)]
                        )
    return walls
