"""With more neurons than data every sublevel set is connected; with as many it need not be.

Setting: a convex loss, here squared; no ball; neurons in their order.

Claim: every {L <= b} of width m >= n + 1 is connected; for n = 2, 3, 4 there are data whose exact
fits of width n are not.

Tight: n + 1 is the least number that holds for all data, for these n.

Predicted: the theorem; the exact landscapes of the counterexamples, with proofs.

Observed: exact landscapes at every critical level, the exact maximum on the path of the proof, all
cells and faces of the counterexamples in floating point, and the checker.

Source: Nguyen, arXiv 2101.08576.

Note: proofs_notes/width-n-plus-1.md
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations, combinations_with_replacement, pairwise
from typing import Self

import numpy as np

from theory.certificates import certify
from theory.claims.base import (
    VALID,
    Claim,
    Observation,
    Prediction,
    Trainer,
    Value,
    Values,
    proof,
)
from theory.claims.float_landscape import float_landscape
from theory.claims.instances import integer_problem
from theory.connectivity import unconstrained_path
from theory.errors import Interrupted
from theory.landscape import analyse
from theory.landscape.analysis import components_of, reached
from theory.landscape.cells import CellComplex
from theory.lines import Real, line
from theory.network import Network
from theory.problem import Problem
from theory.types import Progress

_SHAPES = ((1, 1), (1, 2), (2, 1), (2, 2), (2, 3), (3, 2))  # (n, d), every level
_LARGER = ((4, 2), (5, 3), (8, 4))  # for paths, which need no landscape
_LARGEST = 3  # entry of the data
_ROUNDING = 1e-9  # of a loss, relative to the loss of zero weights
_CERTIFIED = 3  # the largest n whose proofs at width n + 1 are kept: they grow quickly


def _counterexamples() -> dict[str, Problem]:
    return {
        "two points": integer_problem([[3, 1], [1, -2]], [1, -1]),
        "three roles": integer_problem([[1, 0], [-1, 0], [0, 1]], [1, 1, -1]),
        "four roles": integer_problem([[1, 0], [-1, 0], [0, 1], [0, -1]], [1, 1, -1, -1]),
    }


@dataclass(frozen=True)
class WidthNPlus1(Claim):
    """The claim, on random integer problems and on counterexamples at width n.

    searched: random problems of each shape; pairs: of networks, for each shape.
    """

    counterexamples: Mapping[str, Problem] = field(default_factory=_counterexamples)
    searched: int = 4
    pairs: int = 50
    seed: int = 0

    id = "width-n-plus-1"
    source = "Q. Nguyen, arXiv 2101.08576; proofs_notes/width-n-plus-1.md"

    statement = (
        "At width $n + 1$ and above every sublevel set ${L <= b}$ is connected, neuron by neuron. "
        "At width $n$ it need not be: there are data, shown for $n = 2$, 3 and 4, whose exact fits "
        "of width $n$ have $n!$ labelled components, 1/2 apart."
    )

    @property
    def hypotheses(self) -> Sequence[str]:
        """Under which conditions."""
        shapes, larger = (", ".join(map(str, each)) for each in (_SHAPES, _LARGER))
        return (
            "two-layer ReLU networks without biases or a ball; any convex loss, here squared",
            f"levels: {self.searched} random problems for each $(n, d)$ of {shapes}, integers to "
            f"{_LARGEST}, width $n + 1$; at every level at which a cell of the landscape appears, "
            "which decides for all levels; observed: components by exact landscapes, labelled and "
            "modulo permutation",
            f"paths: for each of these and of {larger} {self.pairs} pairs of networks, each the "
            "best of a random cell; observed: the path of the proof, its highest loss "
            "exactly",
            "counterexamples: predicted by exact landscapes with proofs; observed by all cells and "
            "faces in floating point",
        )

    def quick(self) -> Self:
        """Fewer problems and pairs, two counterexamples."""
        two = dict(list(self.counterexamples.items())[:2])
        return replace(self, counterexamples=two, searched=2, pairs=10)

    def predict(self, progress: Progress) -> Prediction[None]:
        """The theorem; the landscapes of the counterexamples, with proofs."""
        values: dict[str, Value] = {}
        certificates, problems, proofs = {}, {}, {}
        for n, d in _SHAPES:
            values[_split(n, d)] = 0
        for n, d in _SHAPES + _LARGER:
            values[_joined(n, d)] = self.pairs
        for name, problem in self.counterexamples.items():
            for width in (problem.n, problem.n + 1):
                found = analyse(problem, width, labelled=True, progress=progress)
                if not found.complete:
                    raise Interrupted
                barriers = (found.barriers[i][j] for i, j in _couples(len(found.components)))
                values[_components(name, width)] = len(found.components)
                values[_barriers(name, width)] = tuple(sorted(b for b in barriers if b is not None))
                if width <= max(problem.n, _CERTIFIED + 1):
                    key = f"{name} width {width}"
                    certificates[key], problems[key] = certify(found), problem
                    values[proof(key)] = VALID
                    proofs[_components(name, width)] = proofs[_barriers(name, width)] = (key,)
        return Prediction(values, certificates, problems, proofs=proofs)

    def observe(
        self, prediction: Prediction[None], train: Trainer, progress: Progress
    ) -> Observation[None]:
        """Landscapes at every level, paths, brute force, and the checker's verdict."""
        values = prediction.verdicts()
        for n, d in _SHAPES:
            split = 0
            for k, problem in enumerate(self._problems(n, d)):
                progress(f"levels at width {n + 1}, n = {n}, d = {d}, problem", k)
                split += sum(components > 1 for components in _at_every_level(problem))
            values[_split(n, d)] = split
        for n, d in _SHAPES + _LARGER:
            progress(f"paths, n = {n}, d = {d}", 0)
            values[_joined(n, d)] = sum(map(_stays_low, *zip(*self._pairs(n, d), strict=True)))
        for name, problem in self.counterexamples.items():
            for width in (problem.n, problem.n + 1):
                progress(f"all cells and faces, {name}, width", width)
                floats = float_landscape(problem, width, labelled=True)
                couples = _couples(len(floats.components))
                values[_components(name, width)] = len(floats.components)
                values[_barriers(name, width)] = tuple(
                    sorted(float(floats.barriers[i, j]) for i, j in couples)
                )
        return Observation(values)

    def compare(self, predicted: Values, observed: Values) -> bool:
        """Each counterexample is one, and theory and observation agree."""
        split = (
            predicted[_components(name, problem.n)] != 1
            for name, problem in self.counterexamples.items()
        )
        return all(split) and super().compare(predicted, observed)

    def _problems(self, n: int, d: int) -> Iterator[Problem]:
        random = np.random.default_rng([self.seed, n, d])
        for _ in range(self.searched):
            X, y = (random.integers(-_LARGEST, _LARGEST + 1, shape) for shape in ((n, d), n))
            yield Problem(X=X.tolist(), y=y.tolist())

    def _pairs(self, n: int, d: int) -> Iterator[tuple[Problem, Network, Network]]:
        """Networks of width n + 1, each the best of a random cell of a random problem."""
        random = np.random.default_rng([self.seed, n, d, 1])
        for _ in range(self.pairs):
            X, y = (random.integers(-_LARGEST, _LARGEST + 1, shape) for shape in ((n, d), n))
            problem = Problem(X=X.tolist(), y=y.tolist())
            cells = CellComplex.of(problem, n + 1, max_cells=10**18)  # none is listed
            first, second = (
                cells.domain.network(cells.point(cell, cells.minimum(cell)))
                for cell in random.integers(cells.states, size=(2, n + 1)).tolist()
            )
            yield problem, first, second


def _at_every_level(problem: Problem) -> Iterator[int]:
    """Components, labelled and modulo permutation, at width n + 1 and each least loss of a cell.

    A level with two components has them at the higher of their least losses too.
    """
    labelled = CellComplex.of(problem, problem.n + 1, labelled=True)
    plain = labelled.modulo_permutation()
    levels = {
        plain.loss_of(plain.minimum(cell).value)
        for cell in combinations_with_replacement(range(plain.states), plain.width)
    }
    for level in sorted(levels):
        low = reached(plain, level)
        for cells in (labelled, plain):
            yield len(components_of(cells, low))


def _stays_low(problem: Problem, first: Network, second: Network) -> bool:
    """Whether the path of the proof stays at the losses of its ends."""
    path = unconstrained_path(problem, first, second)
    level = Real.of(max(first.loss(problem), second.loss(problem)))
    joins = path[0] == first and path[-1] == second
    return joins and all(line(problem, *ends).maximum <= level for ends in pairwise(path))


def _couples(count: int) -> Iterator[tuple[int, int]]:
    return combinations(range(count), 2)


def _split(n: int, d: int) -> str:
    return f"sublevel sets at width {n + 1} that are not connected, n = {n}, d = {d}"


def _joined(n: int, d: int) -> str:
    return f"pairs joined at their level, n = {n}, d = {d}, width {n + 1}"


def _components(name: str, width: int) -> str:
    return f"components at width {width}, labelled, {name}"


def _barriers(name: str, width: int) -> str:
    return f"barriers at width {width}, labelled, {name}"
