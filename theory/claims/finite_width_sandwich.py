"""How much a relaxation over all widths loses at a finite width: the sandwich theorems.

Setting: training at width m in a ball; p(m) is its optimum, relax(m) that of the convex program.

Claim: p(m + k) <= relax(m) <= p(m), with k = n - 1 for AdamW, column norms and NGD, and k = q - 2
for the spectral balls, q = n + d (d + 1) / 2.

Tight: for AdamW with n <= 6, of which those to 4 are computed here, and for Muon with n = 3, d = 2.

Predicted: k, and the optima around it with proofs.

Observed: the convex program and its dual, the minimum over all cells, and the checker.

Source: `adamw-sandwich`, `muon-exact`, `muon-adamw`, `group-lasso` of proofs_notes/README.md.

Note: proofs_notes/finite-width-sandwich.md
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import count, product
from typing import Self

import numpy as np

from theory.certificates import certify
from theory.claims.base import (
    VALID,
    Bounds,
    Claim,
    Observation,
    Prediction,
    Trainer,
    Value,
    proof,
)
from theory.claims.instances import integer_problem
from theory.landscape.cells import CellComplex
from theory.landscape.least import least
from theory.problem import Problem
from theory.programs import relax, solve
from theory.types import Progress
from theory.within import Ball

_SIZES = (2, 3, 4)  # n of the random instances
_D = 2
_MOST = 8  # neurons are added; more than any theorem here needs


@dataclass(frozen=True)
class _Instance:
    """Training at width 1; X (n, 2)."""

    problem: Problem
    optimizer: str
    rho: Fraction

    @property
    def ball(self) -> Ball:
        """Where the instance's networks are."""
        return Ball(self.optimizer, self.rho)

    @property
    def shift(self) -> int:
        """p(1 + shift) <= relax(1) by theory."""
        return _shift(self.optimizer, self.problem.n)


def _shift(optimizer: str, n: int) -> int:
    """n - 1 where norms count neuron by neuron; q - 2 where the matrix W does, as a whole."""
    q = n + _D * (_D + 1) // 2
    return {"adamw": n - 1, "colnorm": n - 1, "ngd": n - 1, "muon": q - 2, "muon-adamw": q - 2}[
        optimizer
    ]


_BALLS = ("adamw", "colnorm", "ngd", "muon", "muon-adamw")


def _instance(optimizer: str, X: list[list[int]], y: list[int], rho: str) -> _Instance:
    return _Instance(integer_problem(X, y), optimizer, Fraction(rho))


_TIGHT = (
    _instance("adamw", [[1, 0]], [1], "2"),
    _instance("adamw", [[1, 0], [0, 1]], [1, -1], "2"),
    _instance("adamw", [[1, -1], [1, 0], [1, 1]], [1, -1, 1], "5"),
    _instance("adamw", [[1, 0], [-1, 3], [3, -3], [1, 2]], [1, 3, -2, -1], "3"),
    # A little above the least radius that fits exactly, about 3.36805.
    _instance("muon", [[2, 0], [-1, -1], [0, 1]], [-3, -3, -1], "3.369"),
)


@dataclass(frozen=True)
class FiniteWidthSandwich(Claim):
    """The claim, on tight instances and on a search through random ones."""

    tight: tuple[_Instance, ...] = _TIGHT
    searched: int = 12  # instances in each ball, of each n
    seed: int = 0

    id = "finite-width-sandwich"
    source = (
        "proofs_notes/sup-norm.md: rounding a vertex up; two-summing.md and matrix-fractional.md"
    )

    statement = (
        "In each ball the convex relaxation at width $m$ is at most the optimum $p(m)$ of training "
        "at that width, and some further neurons reach it: $n - 1$ for AdamW, column norms and "
        "(in all) $n$ for NGD; $q - 2$ for Muon's $W$ with AdamW's $a$, and (in all) $q - 1$ for "
        "Muon, $q = n + d (d + 1) / 2$. For AdamW with $n = 1$, 2, 3, 4 (and 5, 6: sup-norm.md) "
        "and for Muon with $n = 3$, $d = 2$ no smaller number will always do."
    )

    @property
    def hypotheses(self) -> Sequence[str]:
        """Under which conditions."""
        return (
            "balls $||W|| <= R_W$, $||a|| <= R_a$, $rho = R_W R_a$, squared loss, $d = 2$",
            "neurons missing at width 1: the least $k$ for which $p(1 + k)$ is not proved to be "
            "above $relax(1)$, whose upper bound is the loss of a network inside the relaxation's "
            "ball",
            f"search: in each ball {self.searched} random integer instances for each of $n = 2$, "
            "3, 4 (entries to 3, $rho$ drawn from 1/2 to 4); $relax(1)$ by the convex program and "
            "its dual, $p$ by all cells of the exact landscape: exact for AdamW, else proved "
            "intervals",
        )

    def quick(self) -> Self:
        """The tight instances, and fewer random ones."""
        return replace(self, searched=1)

    def predict(self, progress: Progress) -> Prediction[None]:
        """What the theorem allows, and the optima around the number of neurons it names."""
        values: dict[str, Value] = {_tight(instance): instance.shift for instance in self.tight}
        certificates, problems = {}, {}
        for instance in self.tight:
            for width in range(max(1, instance.shift), instance.shift + 2):
                found = solve(instance.problem, instance.ball, width=width)
                key = _proof(instance, width)
                values[proof(key)] = VALID
                certificates[key], problems[key] = certify(found), instance.problem
        for optimizer, n in product(_BALLS, _SIZES):
            values[_above(optimizer, n)] = 0
            values[_most(optimizer, n)] = Bounds(Fraction(), Fraction(_shift(optimizer, n)))
        return Prediction(values, certificates, problems)

    def observe(
        self, prediction: Prediction[None], train: Trainer, progress: Progress
    ) -> Observation[None]:
        """The convex program, and the minimum over all cells at each width."""
        values: dict[str, Value] = {_tight(instance): _missing(instance) for instance in self.tight}
        values |= prediction.verdicts()
        for optimizer, n in product(_BALLS, _SIZES):
            most = above = 0
            for k, instance in enumerate(_random(optimizer, n, self.searched, self.seed)):
                progress(f"random instances, {optimizer}, n = {n}", k)
                missing = _missing(instance)
                above += missing < 0
                most = max(most, missing)
            values[_above(optimizer, n)] = above
            values[_most(optimizer, n)] = float(most)
        return Observation(values)


def _missing(instance: _Instance) -> int:
    """The least k with p(1 + k) <= relax(1), _MOST if that is not enough.

    -1 if relax(1) is proved to be above p(1).
    """
    problem = instance.problem
    relaxed = relax(problem, instance.ball, width=1)
    for k in count():
        optimum = least(CellComplex.of(problem, 1 + k, within=instance.ball))
        if k == 0 and relaxed.lower is not None and relaxed.lower > optimum.value:
            return -1
        if optimum.lower <= relaxed.upper or k == _MOST:
            return k
    raise AssertionError("count() does not end")


def _random(optimizer: str, n: int, searched: int, seed: int) -> Iterator[_Instance]:
    """Integer instances in general position or not, with a radius."""
    random = np.random.default_rng([seed, n])
    for _ in range(searched):
        X, y = random.integers(-3, 4, (n, _D)), random.integers(-3, 4, n)
        rho = Fraction(int(random.integers(1, 9)), 2)
        if y.any():
            yield _Instance(Problem(X=X.tolist(), y=y.tolist()), optimizer, rho)


def _tight(instance: _Instance) -> str:
    return f"neurons missing at width 1, {instance.optimizer}, tight with n = {instance.problem.n}"


def _proof(instance: _Instance, width: int) -> str:
    return f"{instance.optimizer} n {instance.problem.n} width {width}"


def _above(optimizer: str, n: int) -> str:
    return f"relaxations above the optimum, {optimizer}, instances with n = {n}"


def _most(optimizer: str, n: int) -> str:
    return f"most neurons missing, {optimizer}, instances with n = {n}"
