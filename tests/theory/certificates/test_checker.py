"""The certificate checker: what it accepts, and what it refuses for which reason."""

from __future__ import annotations

import copy
import itertools
import json
import random
import subprocess
import sys
from fractions import Fraction
from functools import cache
from math import comb
from pathlib import Path
from typing import Any

import pytest
from documents import BARRIER, COMMON, COMPONENTS, CUT, DIRECT, REMOVE, network, tampered

from theory.certificates import algebra, cones, covering, landscape
from theory.certificates.checker import CertificateInvalid, Verdict, check, check_file
from theory.errors import InputError
from theory.problem import Problem

ROOT = Path(__file__).parents[3]

# A producer by brute force: it finds the cones by sampling and solves every cell and face over all
# subsets of columns. `rays` are those of the arrangement; without them, the data have rank d = 2.

Vector = tuple[Fraction, ...]
Cell = tuple[int, ...]
WHOLE = "whole"  # the move of a neuron that stays: its face is the cell


def dot(u: Any, v: Any) -> Any:
    return sum(a * b for a, b in zip(u, v, strict=True))


def solve(columns: list[Vector], y: Vector) -> list[Fraction] | None:
    """Least squares by the normal equations; None where the columns are dependent."""
    rows = [[Fraction(v) for v in (*(dot(a, b) for b in columns), dot(a, y))] for a in columns]
    for i in range(len(columns)):
        if not rows[i][i]:  # a Gram matrix needs no pivoting
            return None
        rows[i] = [v / rows[i][i] for v in rows[i]]
        for k in range(len(columns)):
            if k != i:
                rows[k] = [v - rows[k][i] * w for v, w in zip(rows[k], rows[i], strict=True)]
    return [row[-1] for row in rows]


@cache
def nnls(columns: tuple[Vector, ...], y: Vector) -> tuple[Fraction, list[Fraction], Vector]:
    """The least loss over nonnegative combinations, the coefficients, and the residual y - f."""
    best = (dot(y, y) / 2, [Fraction()] * len(columns), y)
    for size in range(1, min(len(columns), len(y)) + 1):
        for subset in itertools.combinations(range(len(columns)), size):
            found = solve([columns[i] for i in subset], y)
            if found is None or min(found) < 0:
                continue
            values = [
                found[subset.index(i)] if i in subset else Fraction() for i in range(len(columns))
            ]
            residual = tuple(
                v - dot(values, row) for v, row in zip(y, zip(*columns, strict=True), strict=True)
            )
            best = min(best, (dot(residual, residual) / 2, values, residual))
    return best


def least(columns: list[Vector], y: Vector) -> tuple[Fraction, list[Fraction], Vector]:
    """The same of the distinct columns, in order: faces that differ in the order of neurons, as
    most of labelled ones do, are solved once."""
    distinct = sorted({column for column in columns if any(column)})
    loss, found, residual = nnls(tuple(distinct), y)
    values = [Fraction()] * len(columns)
    for column, value in zip(distinct, found, strict=True):
        values[columns.index(column)] = value
    return loss, values, residual


def number(value: int | str) -> Any:
    """An integer where it is one: much faster than a fraction of the same value."""
    exact = Fraction(value)
    return exact.numerator if exact.denominator == 1 else exact


class Producer:
    def __init__(
        self, X: Any, y: Any, m: int, labelled: bool = False, rays: Any = None, level: Any = None
    ) -> None:
        self.X = [tuple(map(number, row)) for row in X]
        self.y, self.m, self.labelled = tuple(map(Fraction, y)), m, labelled
        if rays is None:
            rays = {(-s * row[1], s * row[0]) for row in self.X if any(row) for s in (1, -1)}
        self.rays = sorted(rays)
        points = itertools.product(range(-6, 7), repeat=len(self.X[0]))
        sigmas = {tuple((dot(x, u) > 0) - (dot(x, u) < 0) for x in self.X) for u in points}
        support = [any(x) for x in self.X]
        cones = [g for g in sorted(sigmas) if list(map(bool, g)) == support]
        self.states = [(s, sigma) for sigma in cones for s in (1, -1)]
        self.walls = [
            k
            for k, x in enumerate(self.X)
            if any(x) and not any(self.parallel(j, k) for j in range(k))
        ]
        self.duals: dict[Vector, int] = {}
        self.moves = cache(self._moves)
        self.cells = [
            cell
            for cell in itertools.product(range(len(self.states)), repeat=m)
            if labelled or list(cell) == sorted(cell)
        ]
        self.best = {cell: self.minimum([(i, WHOLE) for i in cell]) for cell in self.cells}
        self.lowest = min(loss for loss, _, _ in self.best.values())
        self.level = self.lowest if level is None else Fraction(level)

    def parallel(self, j: int, k: int) -> bool:
        a, b = self.X[j], self.X[k]
        return bool(dot(a, a) and dot(a, b) ** 2 == dot(a, a) * dot(b, b))

    def minimum(self, parts: list[tuple[int, Any]]) -> tuple[Fraction, dict[str, Any], Vector]:
        """(least loss, network, residual) over a face, as a state and a move for each neuron."""
        rays = [
            (j, v)
            for j, (state, move) in enumerate(parts)
            for v in self.rays
            if all(g * dot(x, v) >= 0 for g, x in zip(self.states[state][1], self.X, strict=True))
            and (move == WHOLE or (move != "sign" and dot(self.X[move], v) == 0))
        ]
        signs = [self.states[state][0] for state, _ in parts]
        columns = [tuple(signs[j] * max(0, dot(x, v)) for x in self.X) for j, v in rays]
        loss, coefficients, residual = least(columns, self.y)
        u = [[Fraction()] * len(self.X[0]) for _ in parts]
        for c, (j, v) in zip(coefficients, rays, strict=True):
            u[j] = [a + c * b for a, b in zip(u[j], v, strict=True)]
        W = [[str(v) for v in row] for row in zip(*u, strict=True)]
        return loss, {"W": W, "a": list(map(str, signs))}, residual

    def across(self, state: int, move: Any) -> int | None:
        s, sigma = self.states[state]
        if move == "sign":
            return self.states.index((-s, sigma))
        flipped = tuple(-g if self.parallel(move, k) else g for k, g in enumerate(sigma))
        return self.states.index((s, flipped)) if (s, flipped) in self.states else None

    def face(self, cell: Any, position: int, move: Any) -> Any:
        return self.minimum([(i, move if q == position else WHOLE) for q, i in enumerate(cell)])

    def _moves(self, cell: Cell) -> list[tuple[int, Any, Cell, Any]]:
        """(position, move, target, minimum of the face)."""
        found = []
        for p, state in enumerate(cell):
            if not self.labelled and p and cell[p - 1] == state:
                continue
            for move in ["sign", *self.walls]:
                other = self.across(state, move)
                if other is not None:
                    target = (*cell[:p], other, *cell[p + 1 :])
                    target = target if self.labelled else tuple(sorted(target))
                    found.append((p, move, target, self.face(cell, p, move)))
        return found

    def route(self, start: Cell) -> dict[Cell, tuple[Fraction, Any]]:
        """The bottleneck and the last move on the way to each cell (Dijkstra)."""
        reached: dict[Cell, tuple[Fraction, Any]] = {}
        front: dict[Cell, tuple[Fraction, Any]] = {start: (Fraction(-1), None)}
        while front:
            cell = min(front, key=lambda c: front[c][0])
            reached[cell] = front.pop(cell)
            for p, move, target, (loss, _, _) in self.moves(cell):
                height = max(loss, reached[cell][0])
                if target not in reached and (target not in front or height < front[target][0]):
                    front[target] = (height, (cell, p, move))
        return reached

    def path(self, start: Cell, end: Cell, reached: Any) -> list[Any]:
        steps, cell = [], end
        while cell != start:
            steps.append(reached[cell][1])
            cell = steps[-1][0]
        order = list(start)  # the state of each neuron on the way
        points = [self.best[start][1]]
        for cell, p, move in reversed(steps):
            j = p if self.labelled else order.index(cell[p])
            points.append(self.face(order, j, move)[1])
            order[j] = self.across(order[j], move)
            if move == "sign":
                points.append({**points[-1], "a": [str(self.states[i][0]) for i in order]})
        last, free = self.best[end][1], list(range(self.m))
        places = [free.pop(next(k for k, q in enumerate(free) if end[q] == i)) for i in order]
        W = [[row[q] for q in places] for row in last["W"]]
        return [*points, {"W": W, "a": [last["a"][q] for q in places]}]

    def dual(self, residual: Vector) -> int:
        return self.duals.setdefault(residual, len(self.duals))

    def covering(self, cells: Any) -> list[int]:
        return sorted({self.dual(self.best[cell][2]) for cell in cells})

    def flood(self, start: Cell, stays: Any) -> tuple[list[Cell], list[Any]]:
        """The cells reached through faces whose loss `stays` accepts, and a link for each."""
        cells, links = [start], []
        for k, cell in enumerate(cells):
            for _, _, target, (loss, point, _) in self.moves(cell):
                if stays(loss) and target not in cells:
                    cells.append(target)
                    links.append([len(cells) - 1, k, point])
        return cells, links

    def cut(self, value: Fraction, start: Cell) -> dict[str, Any]:
        cells, _ = self.flood(start, lambda loss: loss < value)
        faces = [
            [k, p, move, self.dual(residual)]
            for k, cell in enumerate(cells)
            for p, move, target, (_, _, residual) in self.moves(cell)
            if target not in cells
        ]
        return {"value": str(value), "cells": list(map(list, cells)), "faces": faces}

    def components(self) -> dict[str, Any]:
        home: dict[Cell, int] = {}
        parts: list[dict[str, Any]] = []
        for seed in sorted(self.cells, key=lambda cell: self.best[cell][0]):
            least, representative, _ = self.best[seed]
            if seed in home or least > self.level:
                continue
            cells, links = self.flood(seed, lambda loss: loss <= self.level)
            home |= dict.fromkeys(cells, len(parts))
            part = {"minimum": str(least), "representative": representative, "links": links}
            floor = [] if least in (0, self.lowest) else self.covering(cells)
            parts.append({**part, "cells": list(map(list, cells)), "floor": floor})
        starts = [tuple(part["cells"][0]) for part in parts]
        routes = [self.route(start) for start in starts]
        heights = [[route[start][0] for start in starts] for route in routes]
        pairs = list(itertools.combinations(range(len(parts)), 2))
        document = {
            "kind": "components",
            "level": str(self.level),
            "minimum": str(self.lowest),
            "minimum_network": min(self.best.values(), key=lambda found: found[0])[1],
            "minimum_cover": self.covering(self.cells) if self.lowest else [],
            "components": parts,
            "walls": [
                [i, k, p, move, self.dual(face[2])]
                for i, part in enumerate(parts)
                for k, cell in enumerate(part["cells"])
                for p, move, target, face in self.moves(tuple(cell))
                if home.get(target, -1) > i
            ],
            "cover": self.covering(cell for cell in self.cells if cell not in home),
            "barriers": [
                [parts[i]["minimum"] if i == j else str(height) for j, height in enumerate(row)]
                for i, row in enumerate(heights)
            ],
            "cuts": [self.cut(heights[i][j], starts[i]) for i, j in pairs],
            "paths": [
                {"from": i, "to": j, "breakpoints": self.path(starts[i], starts[j], routes[i])}
                for i, j in pairs
            ],
        }
        return {**self.common(), **document}

    def common(self) -> dict[str, Any]:
        return {
            "within": None,
            "format": "isthmus-certificate",
            "version": 1,
            "problem": {"X": [list(map(str, x)) for x in self.X], "y": list(map(str, self.y))},
            "width": self.m,
            "labelled": self.labelled,
            "states": [
                ["+" if s > 0 else "-", "".join("0+-"[g] for g in sigma)]
                for s, sigma in self.states
            ],
            "duals": [list(map(str, nu)) for nu in self.duals],
        }


LINE: dict[str, Any] = {"rays": [(1,), (-1,)]}
FLAGSHIP = ([[2, -1], [0, -2], [1, 2], [-2, -1]], [5, 2, 2, 2], 2)
TWO_POINTS = ([[3, 1], [1, -2]], [1, -1])
AXES = [tuple(s * (i == j) for j in range(3)) for i in range(3) for s in (1, -1)]

# name: arguments of the producer, barriers
INSTANCES: dict[str, tuple[tuple[Any, ...], dict[str, Any], list[list[str]]]] = {
    "one row": (([[1]], [1], 1), LINE, [["0"]]),
    "one row, two neurons": (([[1]], [1], 2), LINE, [["0"]]),
    "one row, two neurons, labelled": (([[1]], [1], 2), {**LINE, "labelled": True}, [["0"]]),
    "opposite rows": (
        ([[1], [-1]], [2, 1], 1),
        {**LINE, "level": 2},
        [["1/2", "5/2"], ["5/2", "2"]],
    ),
    "opposite rows, labelled": (
        ([[1], [-1]], [2, 1], 1),
        {**LINE, "level": 2, "labelled": True},
        [["1/2", "5/2"], ["5/2", "2"]],
    ),
    "opposite rows, two neurons, labelled": (
        ([[1], [-1]], [2, 1], 2),
        {**LINE, "labelled": True},
        [["0", "1/2"], ["1/2", "0"]],
    ),
    "two points, labelled": (
        (*TWO_POINTS, 2),
        {"labelled": True},
        [["0", "1/2"], ["1/2", "0"]],
    ),
    "two points, labelled, three neurons": ((*TWO_POINTS, 3), {"labelled": True}, [["0"]]),
    "flagship": (FLAGSHIP, {}, [["0", "32/45"], ["32/45", "0"]]),
    "flagship, labelled": (
        FLAGSHIP,
        {"labelled": True},
        [
            ["0", "32/45", "2", "2"],
            ["32/45", "0", "2", "2"],
            ["2", "2", "0", "32/45"],
            ["2", "2", "32/45", "0"],
        ],
    ),
    "no data": (([["0", "0"]], ["0"], 2), {"rays": []}, [["0"]]),
    "X is zero": (([[0, 0], [0, 0]], [1, "-2"], 2), {"rays": []}, [["5/2"]]),
    "zero and parallel rows of rank 1": (
        ([[1, 2], [0, 0], [-2, -4], ["1/2", 1]], [1, 1, "-1/3", 3], 1),
        {"rays": [(1, 0), (-1, 0)]},
        [["55/18"]],
    ),
    "zero and parallel rows": (
        ([[0, 0], [1, 0], [2, 0], [-1, 0], [0, 1]], ["1/2", 1, -1, 2, 1], 1),
        {},
        [["9/8"]],
    ),
    "rank 2 of 3": (
        ([[1, 0, 1], [0, 1, 1], [1, 1, 2]], [1, -1, 1], 2),
        {"rays": [(0, 1, 0), (0, -1, 0), (1, 0, 0), (-1, 0, 0), (1, -1, 0), (-1, 1, 0)]},
        [["0"]],
    ),
    "three axes": (([[1, 0, 0], [0, 1, 0], [0, 0, 1]], [1, 2, -3], 1), {"rays": AXES}, [["5/2"]]),
}


@cache
def produced(name: str) -> dict[str, Any]:
    args, options, _ = INSTANCES[name]
    producer = Producer(*args, **options)
    document = producer.components()
    return {**document, **producer.common()}  # the duals once more: they were collected on the way


def barrier_of(document: dict[str, Any]) -> dict[str, Any]:
    """The certificate of kind "barrier" for components 0 and 1."""
    ends = [part["representative"] for part in document["components"][:2]]
    parts = {"value": document["barriers"][0][1], "networks": ends, "cut": document["cuts"][0]}
    common = {name: document[name] for name in COMMON}
    return {**common, "kind": "barrier", **parts, "path": document["paths"][0]["breakpoints"]}


# What is accepted.


@pytest.mark.parametrize("document", [COMPONENTS, BARRIER], ids=["components", "barrier"])
@pytest.mark.parametrize("labelled", [True, False])
def test_by_hand(document: dict[str, Any], labelled: bool) -> None:
    problem = Problem(X=[[1], [-1]], y=[2, 1], width=7)
    verdict = check({**document, "labelled": labelled}, problem)
    if document["kind"] == "barrier":
        statement = (
            f"the minimax barrier{'' if labelled else ' modulo permutation'} at width 1 is 5/2"
        )
        assert verdict == Verdict("barrier", statement, 1, 2, 3)
    else:
        quotient = "" if labelled else " modulo permutation"
        statement = (
            f"{{L <= 2}} has 2 components{quotient} at width 1 with barrier 5/2, "
            "and the global minimum is 1/2"
        )
        assert verdict == Verdict("components", statement, 3, 3, 3)


@pytest.mark.parametrize("name", INSTANCES)
def test_produced(name: str) -> None:
    document = produced(name)
    barriers = INSTANCES[name][2]
    assert document["barriers"] == barriers
    assert check(document).kind == "components"
    if len(barriers) > 1:
        verdict = check(barrier_of(document))
        assert verdict.statement.endswith(f" is {barriers[0][1]}")


def test_redundant_paths_and_cuts() -> None:
    low = {"value": "9/4", "cells": CUT["cells"], "faces": CUT["faces"]}
    detour = [network("2"), network("6"), *DIRECT]
    paths = [
        {"from": i, "to": j, "breakpoints": p} for i, j, p in ((0, 1, detour), (0, 0, DIRECT[:1]))
    ]
    paths += [{"from": 1, "to": 0, "breakpoints": DIRECT[::-1]}, *COMPONENTS["paths"]]
    check({**COMPONENTS, "paths": paths, "cuts": [low, CUT, low]})


def test_barrier_without_cut() -> None:
    ends = [network("2"), network("0", "-3")]  # downhill all the way from f = 0
    check({**BARRIER, "networks": ends, "path": [network("2"), network("0")], "cut": None})


def test_cut_around_the_second_network() -> None:
    check({**BARRIER, "networks": BARRIER["networks"][::-1], "path": DIRECT[::-1]})


@pytest.mark.parametrize(("end", "holds"), [(0, "both networks"), (-1, "neither network")])
def test_cut_must_separate_the_networks(end: int, holds: str) -> None:
    ends = [DIRECT[end], DIRECT[end]]
    with pytest.raises(CertificateInvalid, match=f"^cut.cells: hold {holds}"):
        check({**BARRIER, "networks": ends, "path": ends})


def test_barrier_to_a_permutation() -> None:
    document = barrier_of(produced("flagship"))
    first, second = document["networks"]
    turned = {"W": [row[::-1] for row in second["W"]], "a": second["a"][::-1]}
    check({**document, "networks": [first, turned]})


def test_null_space_and_idle_neurons_are_rescalings() -> None:
    X = [["1", "2"], ["0", "0"]]  # (2, -1) is in the null space
    ends: list[Any] = [{"W": [["1", "9"], ["0", "9"]], "a": ["1", "0"]}]
    ends.append({"W": [["5", "2"], ["-2", "-1"]], "a": ["1", "-8"]})
    document = {
        **COMMON,
        "kind": "barrier",
        "problem": {"X": X, "y": ["1", "0"]},
        "width": 2,
        "labelled": True,
        "states": [],
        "duals": [],
        "value": "0",
        "networks": ends,
        "path": [ends[1]],
        "cut": None,
    }
    check(document)
    ends[1]["W"][0][0] = "6"
    with pytest.raises(CertificateInvalid, match=r"path\[0\]: is not the first network, up to"):
        check(document)


def test_check_file(tmp_path: Any) -> None:
    path = tmp_path / "certificate.json"
    path.write_text(json.dumps(COMPONENTS))
    assert check_file(path) == check(COMPONENTS)
    for text in ("{", '{"version": NaN}', "[" * 100_000):
        path.write_text(text)
        with pytest.raises(InputError, match="is not"):
            check_file(path)
    with pytest.raises(InputError, match="cannot be read"):
        check_file(tmp_path / "nothing.json")
    path.write_text("[1.5]")
    with pytest.raises(CertificateInvalid, match="^certificate: must be a JSON object"):
        check_file(path)


def test_other_problem() -> None:
    for X, y, name in (([[1], [1]], [2, 1], "X"), ([[1], [-1]], [2, 0], "y")):
        with pytest.raises(CertificateInvalid, match=f"^problem: its {name} differs from"):
            check(COMPONENTS, Problem(X=X, y=y))


def test_imports_nothing_else() -> None:
    code = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r}); import theory.certificates.checker;"
        "print(*(m for m in sys.modules if m.split('.')[0] not in sys.stdlib_module_names))"
    )
    # Without site there are no other packages either: an import of numpy would fail.
    run = [sys.executable, "-I", "-S", "-c", code]
    loaded = subprocess.run(run, capture_output=True, text=True, check=True).stdout.split()
    own = {path.stem for path in (ROOT / "theory" / "certificates").glob("[!_]*.py")}
    assert set(loaded) - {"__main__"} == {
        "theory",
        *(f"theory.{name}" for name in ("activation", "errors", "losses", "names", "problem")),
        "theory.semidefinite",
        *("theory.certificates", *(f"theory.certificates.{name}" for name in own - {"producer"})),
    }


# What is refused. Each row: where to write, what (REMOVE: take it out), and the message.

PLACE = r"^\w+(\.\w+|\[\d+\])*: "  # where it is wrong, before what
BIG = "1" * 5000


def rows(table: list[tuple[tuple[Any, ...], Any, str]]) -> pytest.MarkDecorator:
    names = [message.replace("\\", "") for _, _, message in table]
    return pytest.mark.parametrize(("at", "value", "message"), table, ids=names)


TAMPERED_COMMON: list[tuple[tuple[Any, ...], Any, str]] = [
    (("format",), REMOVE, "format: is missing"),
    (("format",), "zip", "format: must be 'isthmus-certificate', not 'zip'"),
    (("version",), True, "version: must be 1, not True"),
    (("version",), 2, "version: must be 1, not 2"),
    (("kind",), "region", "kind: must be one of all-valleys, barrier, .*, valleys, not 'region'"),
    (("kind",), [], "kind: must be one of"),
    (("problem",), REMOVE, "certificate: the field 'problem' is missing"),
    (("comment",), "", "certificate: 'comment' is not a field of it"),
    ((7,), "", "certificate: 7 is not a field of it"),
    (("problem",), [], "problem: must be a JSON object, not \\[\\]"),
    (("problem", "width"), 1, "problem: 'width' is not a field"),
    (("problem", "X"), [], "problem.X: is empty"),
    (("problem", "X", 1), [], "problem.X\\[1\\]: has 0 entries"),
    (("problem", "X", 0, 0), 1, "problem.X\\[0\\]\\[0\\]: must be a rational as text, .* not 1"),
    (("problem", "X", 0, 0), "0.5", "problem.X\\[0\\]\\[0\\]: must be a rational as text"),
    (("problem", "X", 0, 0), "1\n", "problem.X\\[0\\]\\[0\\]: must be a rational as text"),
    (("problem", "X", 0, 0), "1/0", "problem.X\\[0\\]\\[0\\]: '1/0' divides by zero"),
    (("problem", "X", 0, 0), BIG, "problem.X\\[0\\]\\[0\\]: Exceeds the limit"),
    (("problem", "y"), ["1"], "problem.y: has 1 entries, but X has 2 rows"),
    (("width",), "1", "width: must be an integer, not '1'"),
    (("width",), True, "width: must be an integer, not True"),
    (("width",), 0, "width: is 0, but must be at least 1"),
    (("width",), 10**9, ".*: has 1 entries, but must have 1000000000"),
    (("width",), 10**5000, ".*: has 1 entries, but must have a very long int"),
    (("labelled",), 0, "labelled: must be true or false, not 0"),
    (("states",), {}, "states: must be a list"),
    (("states", 1), ["+"], "states\\[1\\]: has 1 entries, but must have 2"),
    (("states", 1, 0), "*", "states\\[1\\]: its sign must be"),
    (("states", 1, 1), "-", "states\\[1\\]: its sigma must be 2 characters"),
    (("states", 1, 1), "-x", "states\\[1\\]: its sigma must be 2 characters"),
    (("states", 1, 1), "0+", "states\\[1\\]: sigma\\[0\\] is '0', but row 0 of X is not zero"),
    (("states", 1, 1), "++", "states\\[1\\]: the cone \\+\\+ is not full-dimensional"),
    (("states", 1, 1), "+-", "states\\[1\\]: repeats states\\[0\\]"),
    (("problem", "X", 1, 0), "0", "states\\[0\\]: sigma\\[1\\] is '-', but row 1 of X is zero"),
    (("duals", 0), ["1"], "duals\\[0\\]: has 1 entries, but must have 2"),
    (("duals", 0, 0), None, "duals\\[0\\]\\[0\\]: must be a rational as text, .* not None"),
]
TAMPERED_BARRIER: list[tuple[tuple[Any, ...], Any, str]] = [
    (("value",), 1, "value: must be a rational"),
    (("networks", 1), REMOVE, "networks: has 1 entries, but must have 2"),
    (("networks", 0, "b"), [], "networks\\[0\\].b: the problem has no output bias"),
    (("networks", 0, "a"), REMOVE, "networks\\[0\\]: the field 'a' is missing"),
    (("networks", 0, "W", 1), ["0"], "networks\\[0\\].W: has 2 entries, but must have 1"),
    (("networks", 0, "W", 0), [], "networks\\[0\\].W\\[0\\]: has 0 entries, but must have 1"),
    (("networks", 0, "a", 1), "0", "networks\\[0\\].a: has 2 entries, but must have 1"),
    (("path",), [], "path: has no breakpoints"),
    (("path", 0), network("1"), "path\\[0\\]: is not the first network, up to rescaling and order"),
    (("path", 0), network("-1", "-1"), "path\\[0\\]: is not the first network"),
    (("path", 2), network("1"), "path\\[2\\]: is not the second network"),
    (("path", 1), REMOVE, "path\\[1\\]: neuron 0 crosses the hyperplane of row 0"),
    (("value",), "2", "path\\[1\\]: its loss 5/2 is above 2"),
    (("cut",), None, "value: is 5/2, but without a cut it must be 2"),
    (("value",), "3", "cut.value: is 5/2, but must be 3"),
    (("cut",), [], "cut: must be a JSON object"),
    (("cut", "value"), "3", "cut.faces\\[0\\]: the bound 5/2 of dual 0 is not at least 3"),
    (("cut", "value"), "1", "cut.value: is 1, but must be 5/2"),
    (("cut", "cells", 0), 0, "cut.cells\\[0\\]: must be a list"),
    (("cut", "cells", 0), [0, 0], "cut.cells\\[0\\]: has 2 entries, but must have 1"),
    (("cut", "cells", 0, 0), 2, "cut.cells\\[0\\]\\[0\\]: is 2, but there are 2 states"),
    (("cut", "cells", 0, 0), -1, "cut.cells\\[0\\]\\[0\\]: is -1, but there are 2 states"),
    (("cut", "cells", 0, 0), False, "cut.cells\\[0\\]\\[0\\]: must be an integer, not False"),
    (("cut", "cells", 1), [0], "cut.cells\\[1\\]: repeats cut.cells\\[0\\]"),
    (("cut", "faces", 0), [0], "cut.faces\\[0\\]: has 1 entries, but must have 4"),
    (("cut", "faces", 0, 0), 1, "cut.faces\\[0\\]: there is no cell \\[1\\]"),
    (("cut", "faces", 0, 0), False, "cut.faces\\[0\\]\\[0\\]: must be an integer"),
    (("cut", "faces", 0, 1), 1, "cut.faces\\[0\\]: position 1 is not one of 1 neurons"),
    (("cut", "faces", 0, 1), -1, "cut.faces\\[0\\]: position -1 is not one of 1 neurons"),
    (("cut", "faces", 0, 2), 1, "cut.faces\\[0\\]: row 1 names no facet of the cone \\+-"),
    (("cut", "faces", 0, 2), 9, "cut.faces\\[0\\]: row 9 names no facet of the cone"),
    (("cut", "faces", 0, 2), "x", "cut.faces\\[0\\]: the move must be a row or 'sign', not 'x'"),
    (("cut", "faces", 0, 2), False, "cut.faces\\[0\\]: the move must be a row or 'sign', not Fal"),
    (("cut", "faces", 0, 3), 3, "cut.faces\\[0\\]\\[3\\]: is 3, but there are 3 duals"),
    (("cut", "faces", 0, 3), 2, "cut.faces\\[0\\]: the bound 2 of dual 2 is not at least 5/2"),
    (("cut", "faces", 1, 2), 0, "cut.faces\\[1\\]: is listed twice"),
    (("cut", "faces", 1), REMOVE, "cut.faces: leaves out cell \\[0\\], position 0, move 'sign'"),
    (("cut", "faces", 0), REMOVE, "cut.faces: leaves out cell \\[0\\], position 0, move 0"),
    (
        ("cut", "cells", 1),
        [1],
        "cut.faces\\[0\\]: the move 0 of position 0 does not lead out of the cut",
    ),
]
TAMPERED_COMPONENTS: list[tuple[tuple[Any, ...], Any, str]] = [
    (("value",), "0", "certificate: 'value' is not a field"),
    (("level",), "1/3", "level: is 1/3, below the minimum 1/2"),
    (("minimum",), "0", "minimum_network: its loss is 1/2, not 0"),
    (("minimum_network",), network("0"), "minimum_network: its loss is 5/2, not 1/2"),
    (("minimum_cover", 0), 3, "minimum_cover\\[0\\]: is 3, but there are 3 duals"),
    (
        ("minimum_cover", 0),
        REMOVE,
        "minimum_cover: no dual covers the cell \\+\\(\\+-\\), which may",
    ),
    (("duals", 1, 0), "-2", "minimum_cover\\[0\\]: the bound 0 of dual 1 is not at least 1/2"),
    (("components",), {}, "components: must be a list"),
    (("components", 0, "id"), 0, "components\\[0\\]: 'id' is not a field"),
    (("components", 1, "minimum"), "3", "components\\[1\\].minimum: is 3, above the level 2"),
    (("level",), "1", "components\\[1\\].minimum: is 2, above the level 1"),
    (("components", 1, "minimum"), "1", "components\\[1\\].representative: its loss is 2, not 1"),
    (("components", 0, "cells"), [], "components\\[0\\].cells: is empty"),
    (
        ("components", 0, "representative"),
        {"W": [["1"]], "a": ["2"], "b": []},
        "components\\[0\\].representative.b: the problem has no output bias",
    ),
    (
        ("components", 0, "cells", 0),
        [1],
        "components\\[0\\].representative: the network does not lie in cell 0",
    ),
    (("components", 0, "cells", 1), [1], "components\\[0\\].links: has 0 entries, but must have 1"),
    (("components", 0, "links"), [0], "components\\[0\\].links: has 1 entries, but must have 0"),
    (("components", 0, "floor"), [1], "components\\[0\\].floor: must be empty"),
    (("components", 1, "floor"), [], "components\\[1\\].floor: no dual covers cell 0"),
    (("components", 1, "floor"), [0], "components\\[1\\].floor: no dual covers cell 0"),
    (
        ("components", 1, "floor"),
        [1],
        "components\\[1\\].floor\\[0\\]: the bound 1/2 of dual 1 is not at least 2",
    ),
    (("walls", 0), REMOVE, "walls: leaves out cell \\[0, 0\\], position 0, move 0"),
    (
        ("walls", 0, 0),
        1,
        "walls\\[0\\]: the move 0 of position 0 does not lead to a later component",
    ),
    (
        ("walls", 0, 3),
        "sign",
        "walls\\[0\\]: the move 'sign' of position 0 does not lead to a later",
    ),
    (("walls", 0, 1), 1, "walls\\[0\\]: there is no cell \\[0, 1\\]"),
    (("walls", 0, 4), 2, "walls\\[0\\]: the bound 2 of dual 2 is not above 2"),
    (("walls", 1), [0, 0, 0, 0, 0], "walls\\[1\\]: is listed twice"),
    (("cover",), [], "cover: no dual covers the cell .*, and no component lists it"),
    (("cover",), [2], "cover\\[0\\]: the bound 2 of dual 2 is not above 2"),
    (("cover",), "", "cover: must be a list"),
    (("components", 1), REMOVE, "walls\\[0\\]: the move 0 of position 0 does not lead to a later"),
    (("barriers", 1), REMOVE, "barriers: has 1 entries, but must have 2"),
    (("barriers", 1), ["0"], "barriers\\[1\\]: has 1 entries, but must have 2"),
    (("barriers", 0, 0), "0", "barriers\\[0\\]\\[0\\]: is 0, but the component's minimum is 1/2"),
    (("barriers", 1, 0), "3", "barriers\\[1\\]\\[0\\]: is 3, but the highest cut is 5/2"),
    (("cuts",), [], "barriers\\[0\\]\\[1\\]: no cut separates the components"),
    (("cuts", 0, "value"), "9/4", "barriers\\[0\\]\\[1\\]: is 5/2, but the highest cut is 9/4"),
    (("cuts", 0, "value"), "2", "cuts\\[0\\].value: is 2, not above 2"),
    (
        ("cuts", 0, "faces", 0),
        REMOVE,
        "cuts\\[0\\].faces: leaves out cell \\[0\\], position 0, move 0",
    ),
    (("paths",), [], "barriers\\[0\\]\\[1\\]: no paths join the components"),
    (("paths", 0, "to"), 2, "paths\\[0\\].to: is 2, but there are 2 components"),
    (
        ("paths", 0, "from"),
        1,
        "paths\\[0\\].breakpoints\\[0\\]: is not the representative of compo",
    ),
    (
        ("paths", 0, "to"),
        0,
        "paths\\[0\\].breakpoints\\[2\\]: is not the representative of component 0",
    ),
    (
        ("paths", 0, "breakpoints"),
        [network("2"), network("6"), *DIRECT],
        "barriers\\[0\\]\\[1\\]: is 5/2, but the paths reach 17/2",
    ),
]


def refused(document: dict[str, Any], message: str) -> None:
    with pytest.raises(CertificateInvalid, match=f"^{message}"):
        check(document)


@rows(TAMPERED_COMMON + TAMPERED_COMPONENTS)
def test_tampered_components(at: tuple[Any, ...], value: Any, message: str) -> None:
    refused(tampered(COMPONENTS, at, value), message)


@rows(TAMPERED_BARRIER)
def test_tampered_barrier(at: tuple[Any, ...], value: Any, message: str) -> None:
    refused(tampered(BARRIER, at, value), message)


LINK = ("components", 0, "links", 0)
TAMPERED_LINKS: list[tuple[tuple[Any, ...], Any, str]] = [
    (LINK, [], "components\\[0\\].links\\[0\\]: has 0 entries, but must have 3"),
    ((*LINK, 0), 2, "components\\[0\\].links\\[0\\]\\[0\\]: is 2, but must be 1"),
    ((*LINK, 1), 1, "components\\[0\\].links\\[0\\]\\[1\\]: is 1, but there are 1 earlier cells"),
    ((*LINK, 2, "W", 0, 0), "3", "components\\[0\\].links\\[0\\]\\[2\\]: its loss .* is above 0"),
    ((*LINK, 2, "a", 1), "0", "components\\[0\\].links\\[0\\]\\[2\\]: its loss .* is above 0"),
    (
        LINK,
        [1, 0, {"W": [["-1", "1"]], "a": ["1", "1"]}],
        "components\\[0\\].links\\[0\\]\\[2\\]: the network does not lie in cell 1",
    ),
    (
        LINK,
        [1, 0, {"W": [["-1", "1"]], "a": ["-1", "1"]}],
        "components\\[0\\].links\\[0\\]\\[2\\]: the network does not lie in cell 0",
    ),
]


@rows(TAMPERED_LINKS)
def test_tampered_links(at: tuple[Any, ...], value: Any, message: str) -> None:
    document = produced("one row, two neurons, labelled")
    assert document["states"] == [["+", "-"], ["-", "-"], ["+", "+"], ["-", "+"]]
    assert document["components"][0]["cells"][:2] == [[0, 2], [1, 2]]
    refused(tampered(document, at, value), message)


def test_unsorted_and_shared_cells() -> None:
    document = produced("one row, two neurons")
    cells = document["components"][0]["cells"]
    k = next(k for k, cell in enumerate(cells) if cell[0] < cell[1])
    at = ("components", 0, "cells", k)
    refused(tampered(document, at, cells[k][::-1]), "components.*: .* must be sorted, as it is not")
    twice = [*document["components"], document["components"][0]]
    refused({**document, "components": twice}, "components\\[1\\].cells\\[0\\]: is a cell of compo")


def test_no_cover_of_a_minimum_of_zero() -> None:
    document = produced("flagship")
    refused({**document, "minimum_cover": [0]}, "minimum_cover: must be empty, as the minimum is 0")


def test_a_component_told_as_two() -> None:
    document = copy.deepcopy(produced("one row, two neurons, labelled"))
    (part,) = document["components"]
    *_, point = part["links"].pop()
    alone = {**part, "representative": point, "cells": [part["cells"].pop()], "links": []}
    document["components"].append(alone)
    refused(document, "walls: leaves out cell")


def test_a_component_left_out() -> None:
    document = produced("two points, labelled")
    parts = document["components"][:1]
    less = {"components": parts, "walls": [], "barriers": [["0"]], "cuts": [], "paths": []}
    refused(
        {**document, **less},
        "cover: no dual covers the cell .*, and no component lists it in every",
    )


def test_barrier_ends_too_high() -> None:
    high = {"networks": [network("0"), network("-1")], "path": DIRECT[1:]}
    refused({**BARRIER, **high}, "networks\\[0\\]: its loss 5/2 is not below the cut")


def test_only_the_first_of_equal_positions_moves() -> None:
    fields = {**COMPONENTS, "width": 2}
    cut = {"value": "0", "cells": [[0, 0]], "faces": [[0, 0, 0, 1], [0, 0, "sign", 1]]}
    problem = Problem(X=[[1], [-1]], y=[2, 1])  # that of the fields
    landscape.Certificate(fields, problem).check_cut(cut, "cut")
    for labelled, message in (
        (False, "position 1 repeats the state before it"),
        (True, "leaves out"),
    ):
        more = tampered(cut, ("faces", 1, 1), 1)
        certificate = landscape.Certificate({**fields, "labelled": labelled}, problem)
        with pytest.raises(CertificateInvalid, match=message):
            certificate.check_cut(more, "cut")
    with pytest.raises(CertificateInvalid, match=r"faces\[0\]: dual 0 does not cover the face"):
        certificate.check_cut(tampered(cut, ("faces", 0, 3), 0), "cut")


def places(document: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where every value inside a JSON document stands."""
    found = [at] if at else []
    if isinstance(document, dict | list):
        keys = document if isinstance(document, dict) else range(len(document))
        found += [place for key in keys for place in places(document[key], (*at, key))]
    return found


@pytest.mark.parametrize("document", [COMPONENTS, BARRIER], ids=["components", "barrier"])
def test_nothing_can_be_taken_out_or_be_of_another_type(document: dict[str, Any]) -> None:
    junk = [1.5, "x", "", -1, 10**9, 10**5000, True, {}, [[[]]], object(), {1: 2}, ("1",), "9/0"]
    unused = [("duals", 1), ("duals", 2), ("states", 1)]
    # Without state 0 the cut is around the other network, which proves the same.
    unused = [] if document is COMPONENTS else [*unused, ("states", 0)]
    for at in places(document):
        if at not in unused:
            with pytest.raises(CertificateInvalid, match=PLACE):
                check(tampered(document, at, REMOVE))
        for value in junk:
            if at == ("labelled",) and value is True:
                continue
            with pytest.raises(CertificateInvalid, match=PLACE):
                check(tampered(document, at, value))


@pytest.mark.parametrize("name", ["flagship", "two points, labelled", "X is zero"])
def test_swapped_values_never_crash(name: str) -> None:
    document = produced(name)
    everywhere, choose, accepted = places(document), random.Random(7), 0
    statement = check(document).statement
    for _ in range(150):
        value: Any = document
        for step in choose.choice(everywhere):
            value = value[step]
        broken = tampered(document, choose.choice(everywhere), value)
        try:
            verdict = check(broken)
        except CertificateInvalid:
            continue
        # What is still proved must be what was: only redundant parts may have changed.
        if broken["problem"] == document["problem"] and broken["level"] == document["level"]:
            assert verdict.statement == statement
            assert broken["barriers"] == document["barriers"]
            accepted += 1
    assert 0 < accepted < 150  # some changes change nothing


# The parts, against brute force.

RELU = algebra.Sigma(above=1, below=0, unit=1)
DATA: list[list[list[int]]] = [
    [[0, 0]],
    [[0], [3], [-2]],
    [[1, 0], [2, 0], [-1, 0], [0, 1], [1, 1], [0, 0]],
    [[1, 0, 1], [0, 1, 1], [1, 1, 2], [1, -1, 0]],
    [[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 1], [1, 1, 0], [-2, -2, 0]],
    [[2, 1, 0, 1], [0, 1, 3, -1], [1, 1, 1, 1], [1, -2, 0, 5], [1, 0, 1, 0], [0, 2, 1, 1]],
]


@pytest.mark.parametrize("X", DATA)
def test_arrangement(X: list[list[int]]) -> None:
    arrangement = cones.Arrangement(X, RELU)
    walls = len(arrangement.names)
    full = {sides for sides in range(1 << walls) if arrangement.cone(sides) is not None}
    assert {cone.sides for cone in arrangement.cones()} == full
    for sides in full:
        cone = arrangement.cone(sides)
        assert cone is not None
        assert arrangement.sides(arrangement.sigma(sides)) == sides
        assert {across for _, across in cone.facets.values()} == {
            sides ^ 1 << wall for wall in range(walls) if sides ^ 1 << wall in full
        }
    choose = random.Random(1)
    for _ in range(500):  # every generic point lies in one of them
        u = [choose.randint(-50, 50) for _ in X[0]]
        sigma = "".join("0" if not any(x) else "+" if dot(x, u) > 0 else "-" for x in X)
        if all(dot(x, u) for x in X if any(x)):
            assert arrangement.sides(sigma) in full


@pytest.mark.parametrize(("n", "d"), [(1, 1), (4, 2), (7, 3), (10, 3), (6, 4)])
def test_counts_in_general_position(n: int, d: int) -> None:
    X = [[(k + 1) ** j for j in range(d)] for k in range(n)]  # Vandermonde
    arrangement = cones.Arrangement(X, RELU)
    assert arrangement.rank == d
    assert len(arrangement.rays) == 2 * comb(n, d - 1)
    assert len(list(arrangement.cones())) == 2 * sum(comb(n - 1, i) for i in range(d))


def test_parallel_rows_that_contradict_are_no_cone() -> None:
    arrangement = cones.Arrangement([[1, 0], [0, 1], [-2, 0]], RELU)
    assert arrangement.sides("+++") is None
    assert arrangement.names == [0, 1]
    assert arrangement.sides("++-") == 3


@pytest.mark.parametrize("width", [1, 2, 3, 4])
def test_escaping_multisets(width: int) -> None:
    choose = random.Random(width)
    for count, heaviest in itertools.product((0, 1, 2, 3, 5, 8), (1, 2, 9)):
        weights = [
            [choose.randint(1, heaviest) if choose.random() < 0.6 else 0 for _ in range(7)]
            for _ in range(count)
        ]
        limits = [choose.randint(-1, width * heaviest // 2) for _ in range(count)]
        found = list(covering.escaping(7, weights, limits, width))
        assert sorted(found) == [
            cell
            for cell in itertools.combinations_with_replacement(range(7), width)
            if all(
                limit < 0 or sum(own[i] for i in cell) > limit
                for own, limit in zip(weights, limits, strict=True)
            )
        ]


def test_matching() -> None:
    choose = random.Random(5)
    for _ in range(300):
        size = choose.randint(1, 5)
        options = [[p for p in range(size) if choose.random() < 0.45] for _ in range(size)]
        orders = itertools.permutations(range(size))
        expected = any(all(p in options[j] for j, p in enumerate(order)) for order in orders)
        assert landscape.has_matching(options) == expected
    assert landscape.has_matching([list(range(k + 1)) for k in reversed(range(60))])
    # The last takes the place of the one before it, and so on: deeper than Python recurses.
    size = 2 * sys.getrecursionlimit()
    assert landscape.has_matching([*([k + 1, k] for k in range(size)), [size]])
    assert not landscape.has_matching([*([k + 1, k] for k in range(size)), [size], [size]])


def test_many_neurons_are_no_recursion() -> None:
    width = 1500
    point = {"W": [["1"] * width], "a": ["0"] * width}
    document = {**COMPONENTS, "width": width, "level": "5/2", "minimum": "5/2"}
    refused({**document, "minimum_network": point}, "minimum_cover\\[0\\]: the bound 1/2 of dual 1")
    few = {"minimum_network": point, "duals": [["2", "1"]], "minimum_cover": [0]}
    refused({**document, **few}, "minimum_cover: no dual covers the cell")
