"""How much a relaxation over all widths loses at a finite width: the sandwich theorems."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import count

import numpy as np

from theory.claims.base import (
    AnyRuns,
    Bounds,
    Observation,
    Prediction,
    Progress,
    Trainer,
    Value,
    Values,
    agree,
)
from theory.landscape.cells import CellComplex
from theory.landscape.sublevel import sublevel
from theory.problem import Problem
from theory.programs import solve

_SAME = 1e-7  # losses this close, relative to that of zero weights, are equal


@dataclass(frozen=True)
class _Instance:
    problem: Problem
    optimizer: str
    rho: Fraction
    width: int
    shift: int  # p(width + shift) <= relax(width) by theory


def _entrywise(X: list[list[int]], y: list[int], rho: int) -> _Instance:
    problem = Problem(X=tuple(map(tuple, X)), y=tuple(y))  # type: ignore[arg-type]
    return _Instance(problem, "adamw", Fraction(rho), 1, problem.n - 1)


_TIGHT = (
    _entrywise([[1]], [1], 2),
    _entrywise([[1, 0], [0, 1]], [1, -1], 2),
    _entrywise([[1, -1], [1, 0], [1, 1]], [1, -1, 1], 5),
    _entrywise([[1, 0], [-1, 3], [3, -3], [1, 2]], [1, 3, -2, -1], 3),
)


_MUON = _Instance(
    Problem(X=((2, 0), (-1, -1), (0, 1)), y=(-3, -3, -1)),  # type: ignore[arg-type]
    "muon",
    Fraction("3.369"),  # a little above the least radius that fits exactly, about 3.36805
    1,
    7,
)
_ENOUGH = 5  # q - 1 = n + d (d + 1) / 2 - 1


@dataclass(frozen=True)
class FiniteWidth:
    """The claim, on tight instances and on a search through random ones."""

    searched: int = 60  # instances of each n
    seed: int = 0

    id = "finite-width"
    source = "proofs_notes/sup-norm.md: p(m + n - 1) <= relax(m) <= p(m), rounding a vertex up"

    @property
    def statement(self) -> str:
        """What is claimed, in a sentence."""
        return (
            "In the ball of AdamW the convex relaxation at width m is at most the optimum p(m) of "
            "training at that width, and n - 1 further neurons reach it: p(m + n - 1) <= relax(m) "
            "<= p(m). For n = 1, 2, 3, 4 no smaller number of neurons will always do. In that of "
            "Muon q - 1 = n + d (d + 1) / 2 - 1 neurons reach the relaxation over all widths, and "
            "for n = 3, d = 2 no fewer will always do."
        )

    @property
    def hypotheses(self) -> Sequence[str]:
        """Under which conditions."""
        return (
            "balls ||W|| <= R_W, ||a|| <= R_a, rho = R_W R_a, squared loss",
            "neurons missing at width m: the least k with p(m + k) <= relax(m)",
            f"search: {self.searched} random integer instances for each of n = 2, 3, 4 (d = 2, "
            "entries to 3, m = 1, rho drawn from 1/2 to 4); relax(m) by the convex program, p(m) "
            "by the exact landscape in the ball",
            f"Muon: X = [(2,0), (-1,-1), (0,1)], y = (-3,-3,-1), rho = {_MUON.rho}, where the "
            "relaxation fits exactly; p(m) by proved intervals",
        )

    def predict(self, progress: Progress) -> Prediction:
        """What the theorem allows."""
        values: dict[str, Value] = {_tight(instance): instance.shift for instance in _TIGHT}
        for n in (2, 3, 4):
            values[_violations(n)] = 0
            values[_most(n)] = Bounds(Fraction(), Fraction(n - 1))
        values[_least_width(_MUON)] = _ENOUGH
        return Prediction(values, {}, {})

    def observe(
        self, prediction: Prediction, train: Trainer[AnyRuns], progress: Progress
    ) -> Observation[AnyRuns]:
        """The convex program, and the exact minimum over all cells at each width."""
        values: dict[str, Value] = {_tight(instance): _missing(instance) for instance in _TIGHT}
        for n in (2, 3, 4):
            most = violations = 0
            for k, instance in zip(range(self.searched), _random(n, self.seed), strict=False):
                progress(f"random instances, n = {n}", k)
                missing = _missing(instance)
                violations += missing > instance.shift or missing < 0
                most = max(most, missing)
            values[_violations(n)] = violations
            values[_most(n)] = float(most)
        values[_least_width(_MUON)] = _attaining(_MUON, progress)
        return Observation(values, {})

    def compare(self, predicted: Values, observed: Values) -> bool:
        """The theorem's bounds hold, and are attained where they are said to be."""
        return agree(predicted, observed)


def _missing(instance: _Instance) -> int:
    """The least k with p(m + k) <= relax(m); -1 if relax(m) is above p(m)."""
    problem, width = instance.problem, instance.width
    relaxed = solve(
        problem, instance.optimizer, rho=instance.rho, width=width, max_cells=1
    ).relaxation.value
    slack = _SAME * float(sum(v * v for v in problem.y) / 2)
    for k in count():
        complex_ = CellComplex(problem, width + k, rho=instance.rho, within=instance.optimizer)
        exact = float(complex_.loss_of(sublevel(complex_).level))
        if k == 0 and relaxed > exact + slack:
            return -1
        if exact <= relaxed + slack or k > instance.shift:
            return k
    raise AssertionError("count() does not end")


def _attaining(instance: _Instance, progress: Progress) -> int:
    """The least width at which the optimum is that of the relaxation, which is 0."""
    problem = instance.problem
    slack = _SAME * float(sum(v * v for v in problem.y) / 2)
    for width in count(1):
        found = solve(problem, instance.optimizer, rho=instance.rho, width=width, progress=progress)
        if found.upper <= slack or width > instance.shift:
            return width
        assert found.lower is not None
        assert found.lower > slack, "the interval says on which side"
    raise AssertionError("count() does not end")


def _random(n: int, seed: int) -> Iterator[_Instance]:
    """Integer instances in general position or not, with a radius."""
    random = np.random.default_rng([seed, n])
    while True:
        X, y = random.integers(-3, 4, (n, 2)), random.integers(-3, 4, n)
        rho = Fraction(int(random.integers(1, 9)), 2)
        if y.any():
            yield _Instance(Problem(X=X.tolist(), y=y.tolist()), "adamw", rho, 1, n - 1)


def _tight(instance: _Instance) -> str:
    return f"neurons missing at width 1, tight instance with n = {instance.problem.n}"


def _least_width(instance: _Instance) -> str:
    return f"least width that attains the relaxation, {instance.optimizer}, n = 3, d = 2"


def _violations(n: int) -> str:
    return f"violations of the sandwich, random instances with n = {n}"


def _most(n: int) -> str:
    return f"most neurons missing, random instances with n = {n}"
