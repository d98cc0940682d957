"""Components of the optimal networks of the l2-penalised problem, width by width.

Setting: the optima of loss and l2 penalty, of m neurons.

Claim: finitely many at m*, a continuum above, isolated ones at M* and at none above, connected from
min(m* + M*, n + 1) on.

Tight: the theorem's widths are sufficient; components are exact at every width.

Predicted: the vertices of one polytope, with proofs of the optima.

Observed: all directions, all assignments of neurons to them, the landscape in ngd's ball, a convex
program neuron by neuron, the checker.

Source: Kim, Mishkin, Pilanci, ICLR 2025, arXiv 2411.07729.

Note: proofs_notes/staircase.md
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import combinations, product
from typing import Any, Self, TypeAlias

import numpy as np
from flint import fmpq, fmpq_mat

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
from theory.claims.sampled import slopes
from theory.claims.sign_vectors import sign_vectors
from theory.connectivity import (
    OptimalPolytope,
    Step,
    count_components,
    optimal_polytope,
    width_profile,
)
from theory.errors import InputError
from theory.exact import dot, flint_matrix, from_flint, some_solution, squared, to_flint, transposed
from theory.loading import example
from theory.problem import Problem
from theory.programs import solve
from theory.types import Progress
from theory.within import Ball, Penalty

Vector: TypeAlias = tuple[Fraction, ...]

_IN_BALL = {"staircase-square": 3, "staircase-wedge": 3}  # and the largest width, for time
_ABOVE = Fraction(1, 10)  # the level in the ball, above the least loss
_DENOMINATOR = 1000  # of nu, which floating point gives to seven digits
_CELLS = 20_000  # of a random instance: widths with more are not looked at


@dataclass(frozen=True)
class Staircase(Claim):
    """The claim, on shipped data sets, each at a beta, and on random ones.

    searched: how many random instances, from the seed.
    """

    instances: tuple[tuple[str, Fraction], ...] = (
        ("staircase-square", Fraction(5)),
        ("staircase-wedge", Fraction(5)),
        ("staircase-prism", Fraction(10)),
        ("staircase-cube", Fraction(3)),
        ("staircase-hexagon", Fraction(5)),
    )
    searched: int = 56
    seed: int = 0

    id = "staircase"
    source = "Kim, Mishkin, Pilanci, ICLR 2025, arXiv 2411.07729; proofs_notes/staircase.md"

    statement = (
        "The optimal networks of the $l_2$-penalised problem climb a staircase in the width $m$: "
        "with $m*$ the fewest neurons of an optimum and $M*$ the most of one with independent "
        "images, they are finitely many at $m*$ and at no larger width, some are isolated at $M*$ "
        "and none at a larger width, and from $min(m* + M*, n + 1)$ on they are connected. "
        "Vertices of one polytope tell the components at every width. Connectivity may come "
        "before that width, and it may come, go and come again."
    )

    @property
    def hypotheses(self) -> Sequence[str]:
        """Under which conditions."""
        sets = ", ".join(f"{name} at $beta = {beta}$" for name, beta in self.instances)
        return (
            f"data sets: {sets}; squared loss, $y$ not so small that zero weights are optimal",
            "observed by brute force: the directions by all sign vectors and all sets of rows, and "
            "every assignment of neurons to them, a linear program each, all in rationals; and, "
            "where it is named, by the landscape of all cells in ngd's ball of the optimum's size, "
            "a little above its least loss",
            "optima: the convex program and its dual; observed by a program in floating point with "
            "one neuron in each cone, whose dual vector is rounded and proved in rationals",
            f"search: {self.searched} random instances on the same $X$ and two more, the optimal "
            "fit a random combination of the possible directions, rows in a random order",
        )

    def quick(self) -> Self:
        """The first data sets, and fewer random ones."""
        return replace(self, instances=self.instances[:2], searched=12)

    def predict(self, progress: Progress) -> Prediction[None]:
        """The components from the vertices of the optimal polytope, and the theorem's widths."""
        values: dict[str, Value] = {}
        certificates, problems = {}, {}
        for name, beta in self.instances:
            optima = optimal_polytope(example(name), beta)
            values[_optimum(name)] = Bounds(optima.objective, optima.objective)
            values |= _counts(name, [optima.step(m) for m in range(1, optima.rank_bound + 1)])
            # At width M* > 1 there are isolated points, M*! of them labelled.
            first = optima.most + 1 if optima.most > 1 else 1
            values[_first(name)] = Bounds(Fraction(first), Fraction(optima.rank_bound))
            if name in _IN_BALL:
                steps = [optima.step(m) for m in range(1, _IN_BALL[name] + 1)]
                values[_ball(name)] = tuple(step.components for step in steps)
                values[f"{_ball(name)}, labelled"] = tuple(s.components_labelled for s in steps)
            certificates[name] = certify(solve(optima.problem, Penalty(beta)))
            problems[name] = optima.problem
            values[proof(name)] = VALID
        drawn = [optimal_polytope(*each) for each in _random(self.searched, self.seed)]
        values[_BROKEN] = 0
        values[_EARLIER] = sum(each.connected_from < each.bound for each in drawn)
        values |= _totals(
            [each.step(m) for each in drawn for m in _few(len(each.directions), each.bound)]
        )
        proofs = {_optimum(name): (name,) for name in certificates}
        return Prediction(values, certificates, problems, proofs=proofs)

    def observe(
        self, prediction: Prediction[None], train: Trainer, progress: Progress
    ) -> Observation[None]:
        """Brute force, the landscape in ngd's ball, and a convex program neuron by neuron."""
        values = prediction.verdicts()
        for name, beta in self.instances:
            progress(f"all assignments of neurons, {name}", 0)
            problem = example(name)
            value, nu = _solved(problem, beta)
            optima = _Optima(problem, beta, nu)
            steps = [optima.step(m) for m in range(1, optima.rank_bound + 1)]
            values |= _counts(name, steps)
            values[_first(name)] = float(_connected_from(steps))
            values[_optimum(name)] = value
            if name in _IN_BALL:
                values |= _in_ball(name, optima, progress)
        broken = earlier = 0
        found: list[Step] = []
        for k, (problem, beta) in enumerate(_random(self.searched, self.seed)):
            progress("random instances", k)
            optima = _Optima(problem, beta, (Fraction(1),) * problem.n)
            steps = [optima.step(m) for m in optima.few]
            broken += sum(not _holds(step, optima) for step in steps)
            earlier += _connected_from(steps) < optima.bound
            found += steps
        return Observation(values | {_BROKEN: broken, _EARLIER: earlier} | _totals(found))


def _holds(step: Step, optima: OptimalPolytope | _Optima) -> bool:
    """The five statements of Kim, Mishkin and Pilanci about one width."""
    m, fewest, most = step.width, optima.fewest, optima.most
    return (
        (m != fewest or step.finite)
        and (m <= fewest or step.components > step.isolated)
        and (m != most or step.isolated > 0)
        and (m <= most or step.isolated == 0)
        and (m < optima.bound or step.connected)
    )


def _few(directions: int, bound: int) -> list[int]:
    """The widths up to the theorem's at which brute force is quick."""
    return [m for m in range(1, bound + 1) if (directions + 1) ** m <= _CELLS]


def _connected_from(steps: Sequence[Step]) -> int:
    """The width after the last that is not connected."""
    return max((step.width + 1 for step in steps if not step.connected), default=1)


# Observations


class _Optima:
    """The optima of a problem by brute force, in rationals; nu (n,) is y less their fit.

    Raises InputError where nu is not optimal: of some neuron nu . f / ||u|| is more than beta, or
    the fit is no combination of those where it is beta.
    """

    def __init__(self, problem: Problem, beta: Fraction, nu: Vector) -> None:
        self.problem, self.beta, self.nu = problem, beta, nu
        self.fit = tuple(t - v for t, v in zip(problem.y, nu, strict=True))
        square, self.images = _longest(problem, nu)
        if square != beta**2:
            raise InputError("nu", f"its beta is the root of {square}, not {beta}")
        columns = [to_flint(image) for image in self.images]
        self.rank = flint_matrix(columns, problem.n).rank()
        supports = list(self._supports(columns))
        if not supports:
            raise InputError("nu", "leaves a fit that no neurons have")
        self.fewest, self.most = min(supports), max(supports)
        self.bound = min(self.fewest + self.most, problem.n + 1)
        self.rank_bound = min(self.fewest + self.most, self.rank + 1)
        self.few = _few(len(self.images), self.bound)

    def _supports(self, columns: Sequence[list[fmpq]]) -> Iterator[int]:
        """The sizes of independent sets of images whose positive combination the fit is."""
        target = to_flint(self.fit)
        for size in range(self.rank + 1):
            for chosen in combinations(columns, size):
                matrix = flint_matrix(chosen, self.problem.n)
                if matrix.rank() < size:
                    continue
                c = some_solution(transposed(chosen, self.problem.n), target, size)
                if c is not None and all(v > 0 for v in c):
                    yield size

    def step(self, width: int) -> Step:
        """The components at one width, from all assignments of neurons to directions."""
        return count_components(self.images, self.fit, width)


def _longest(problem: Problem, nu: Vector) -> tuple[Fraction, list[Vector]]:
    """The largest (nu . f / ||u||)^2 over single neurons, and the images f that attain it, scaled.

    On the cone of a sign vector nu . f is linear, g . u. Its largest ratio is attained where g
    has its projection on the cone, so on the span of a face: {x_k . u = 0} for some rows k. All
    cones and all sets of rows are tried.
    """
    spans = _spans(problem)
    found: dict[Vector, Vector] = {}
    best = fmpq()
    X = flint_matrix([to_flint(row) for row in problem.X], problem.d)
    slope = {1: problem.activation.positive, -1: problem.activation.negative, 0: 0}
    for signs, sign in product(sign_vectors(problem).signs.tolist(), (1, -1)):
        own = [sign * slope[s] for s in signs]
        on = [s * v for s, v in zip(own, nu, strict=True)]
        g = X.transpose() * fmpq_mat(problem.n, 1, to_flint(on))
        for span in spans:
            u = span * g
            products = (X * u).entries()
            inside = all(v * s >= 0 for v, s in zip(products, signs, strict=True))
            length = sum((v * v for v in u.entries()), fmpq())
            if inside and length and length >= best:
                if length > best:
                    best, found = length, {}
                image = tuple(s * v for s, v in zip(own, from_flint(products), strict=True))
                found[from_flint(u.entries())] = image
    (square,) = from_flint([best])
    return square, [found[vector] for vector in sorted(found)]


def _spans(problem: Problem) -> list[fmpq_mat]:
    """The projections (d, d) on {x_k . u = 0, k in S}, S independent rows, without the kernel."""
    rows, d = [to_flint(row) for row in problem.X], problem.d
    unit = fmpq_mat(d, d, [fmpq(int(i == j)) for i in range(d) for j in range(d)])

    def away(chosen: Sequence[Sequence[fmpq]]) -> fmpq_mat | None:
        """The projection on what is orthogonal to the rows; None where these are dependent."""
        if not chosen:
            return unit
        matrix = flint_matrix(chosen, d)
        gram = matrix * matrix.transpose()
        return None if not gram.det() else unit - matrix.transpose() * gram.solve(matrix)

    rank = flint_matrix(rows, d).rank()
    sets = (chosen for size in range(rank) for chosen in combinations(rows, size))
    return [span for chosen in sets if (span := away(chosen)) is not None]


def _solved(problem: Problem, beta: Fraction) -> tuple[float, Vector]:
    """The least loss and penalty, and nu: one neuron in each cone, in floating point, rounded."""
    import cvxpy

    cp: Any = cvxpy  # mypy does not see the functions it exports
    cones = sign_vectors(problem).signs
    X, y = (np.array(data, dtype=float) for data in (problem.X, problem.y))
    fit: Any = 0
    lengths: Any = 0
    constraints = []
    for signs, sign in product(cones, (1, -1)):
        u = cp.Variable(problem.d)
        fit = fit + sign * (X * slopes(problem, signs)[:, None]) @ u
        lengths = lengths + cp.norm(u)
        constraints.append((X * signs[:, None]) @ u >= 0)
    value = cp.sum_squares(fit - y) / 2 + float(beta) * lengths
    program = cp.Problem(cp.Minimize(value), constraints)
    program.solve(solver=cp.CLARABEL)
    nu = tuple(Fraction(v).limit_denominator(_DENOMINATOR) for v in y - fit.value)
    return float(program.value), nu


def _in_ball(name: str, optima: _Optima, progress: Progress) -> dict[str, Value]:
    """Optima of the penalty are the least losses in ngd's ball of radius sum ||u_j||."""
    size, least = dot(optima.nu, optima.fit), squared(optima.nu) / 2
    profile = width_profile(
        optima.problem,
        Ball("ngd", size / optima.beta),
        _IN_BALL[name],
        level=least + _ABOVE,
        progress=progress,
    )
    return {
        _ball(name): tuple(row.components for row in profile.rows),
        f"{_ball(name)}, labelled": tuple(row.components_labelled for row in profile.rows),
    }


# Data


def _random(searched: int, seed: int) -> Iterator[tuple[Problem, Fraction]]:
    """Data with nu = 1 for their optimum, whose directions tie, by symmetry; and the beta."""
    random = np.random.default_rng(seed)
    sets = [
        example(f"staircase-{name}").X for name in ("square", "wedge", "prism", "cube", "hexagon")
    ]
    sets.append(_rows([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]))
    sets.append(_rows([[1, 1, 1, 1], [-1, -1, -1, 1], [0, 0, 0, -2]]))
    for k in range(searched):
        X = sets[k % len(sets)]
        rows = tuple(X[i] for i in random.permutation(len(X)))
        nu = (Fraction(1),) * len(rows)
        square, images = _longest(Problem(X=rows, y=nu), nu)
        weights = random.integers(0, 3, len(images))
        weights[random.integers(len(weights))] += 1
        fits = zip(*images, strict=True)
        y = [1 + sum(int(c) * v for c, v in zip(weights, fit, strict=True)) for fit in fits]
        yield (
            Problem(X=rows, y=y),
            Fraction(math.isqrt(square.numerator), math.isqrt(square.denominator)),
        )


def _rows(X: list[list[int]]) -> tuple[tuple[Fraction, ...], ...]:
    return tuple(tuple(map(Fraction, row)) for row in X)


def _counts(name: str, steps: Sequence[Step]) -> dict[str, Value]:
    what = f"{name}, widths 1 to {len(steps)}"
    return {
        f"components, {what}": tuple(step.components for step in steps),
        f"components, labelled, {what}": tuple(step.components_labelled for step in steps),
        f"isolated points, {what}": tuple(step.isolated for step in steps),
    }


def _totals(steps: Sequence[Step]) -> dict[str, Value]:
    """Of all random instances together."""
    what = "random instances, all widths together"
    return {
        f"components, {what}": sum(step.components for step in steps),
        f"components, labelled, {what}": sum(step.components_labelled for step in steps),
        f"isolated points, {what}": sum(step.isolated for step in steps),
    }


_BROKEN = "widths of random instances at which one of the five statements fails"
_EARLIER = "random instances connected before min(m* + M*, n + 1)"


def _optimum(name: str) -> str:
    return f"least loss and penalty, {name}"


def _first(name: str) -> str:
    return f"connected from width, {name}"


def _ball(name: str) -> str:
    return f"components in the ball of ngd, {name}, widths 1 to {_IN_BALL[name]}"
