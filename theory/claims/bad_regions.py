"""What share of the activation regions has a global minimum, and what share a bad local one.

Setting: a few data sets of two to four points; networks anywhere, in AdamW's ball, or with an l2
penalty.

Claim: without a ball the share of regions with a global minimum tends to 1 with the width, but at
small widths it is small, and many have a bad local one; in a small ball it falls with every neuron.
With the penalty too many regions are bad at small widths.

Tight: shares are exact, over all regions, neurons and their output signs told apart; with the
penalty they are proved intervals, of which most are points.

Predicted: the least losses of all cells, and whether points of least loss are local minima, by
linear programs in rationals; with the penalty by the conditions of optimality, with margins.

Observed: every cell by an interior point method in floating point, and all cells around its point.

Source: Karhadkar, Murray, Tseran, Montufar, arXiv 2305.19510; Boursier, Bowditch, Englert, Lazic,
arXiv 2505.22578; `regions`, `penalty-regions`.

Note: proofs_notes/bad-regions.md
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import combinations_with_replacement, pairwise, product
from typing import Self

import numpy as np

from theory.claims.base import Bounds, Claim, Observation, Prediction, Trainer, Value, Values, agree
from theory.claims.float_landscape import TOLERANCE, pieces
from theory.claims.float_valleys import least_points
from theory.claims.sign_vectors import sign_vectors
from theory.landscape.penalty_shares import penalty_shares
from theory.landscape.shares import shares
from theory.loading import example
from theory.problem import Problem
from theory.types import Array, Progress
from theory.within import Ball, Penalty

_SMALL = Ball("adamw", Fraction(1, 100))
_PENALTY = Penalty(Fraction(1, 2))
_ON = 1e-4  # how large x_k . u may be of a neuron on that hyperplane, relative to the largest y_k


@dataclass(frozen=True)
class Case:
    """A data set, and the largest width to look at."""

    problem: Problem
    width: int

    @property
    def name(self) -> str:
        """The problem's."""
        return self.problem.name


def _cases() -> tuple[Case, ...]:
    return (
        Case(Problem([[1], [-1]], [2, 1], name="two points"), 6),
        Case(Problem([[1, 0], [0, 1]], [1, 1], name="orthogonal, equal signs"), 3),
        Case(Problem([[1, 0], [0, 1]], [1, -1], name="orthogonal, other signs"), 3),
        Case(Problem([[2, 1], [-1, 1], [1, -2]], [1, 2, -1], name="three points"), 3),
        Case(example("flagship"), 2),
    )


@dataclass(frozen=True)
class BadRegions(Claim):
    """The claim, on some cases."""

    cases: tuple[Case, ...] = field(default_factory=_cases)

    id = "bad-regions"
    source = (
        "K. Karhadkar, M. Murray, H. Tseran, G. Montufar, arXiv 2305.19510: most regions have no "
        "bad local minimum; E. Boursier, M. Bowditch, M. Englert, R. Lazic, arXiv 2505.22578: with "
        "an l2 penalty so at width min(n^d, 2^n); regions and penalty-regions in "
        "proofs_notes/bad-regions.md"
    )

    statement = (
        "The exact share of activation regions that hold a global minimum, and that hold a "
        "local minimum above it, over the width. Without a ball the first is at least "
        "$1 - S (1 - 1/S)^m$ at width $m$, $S$ being the states of a neuron, and so tends to 1; in "
        f"a small ball of AdamW, here $rho = {_SMALL.rho}$, it falls with every neuron. The same "
        f"with the $l_2$ penalty $beta = {_PENALTY.beta}$, as proved intervals."
    )

    @property
    def hypotheses(self) -> Sequence[str]:
        """Under which conditions."""
        data = "; ".join(
            f"{case.name}: $n = {case.problem.n}$, $d = {case.problem.d}$, widths to {case.width}"
            for case in self.cases
        )
        return (
            f"{data}; squared loss; anywhere, in AdamW's ball $rho = {_SMALL.rho}$, and with the "
            f"penalty $beta = {_PENALTY.beta}$",
            "region: for each neuron, told apart, the sign of its output weight and a closed cone "
            "of the arrangement; all count alike",
            "bad: a local minimum of the loss above the global minimum lies in the region, inside "
            "or at its border",
        )

    def quick(self) -> Self:
        """The first data set alone."""
        return replace(self, cases=self.cases[:1])

    def predict(self, progress: Progress) -> Prediction[None]:
        """The exact shares."""
        values: dict[str, Value] = {}
        for case, within in self.places():
            widths = range(1, case.width + 1)
            where = _where(case, within)
            if isinstance(within, Penalty):
                bounded = [
                    penalty_shares(case.problem, m, within, progress=progress) for m in widths
                ]
                values[_good(where)] = tuple(_value(*each.good) for each in bounded)
                values[_bad(where)] = tuple(_value(*each.bad) for each in bounded)
                values[_least(where)] = tuple(Bounds(*each.minimum) for each in bounded)
                continue
            found = [shares(case.problem, m, within=within, progress=progress) for m in widths]
            values[_good(where)] = tuple(each.good for each in found)
            values[_bad(where)] = tuple(each.bad for each in found)
            values[_least(where)] = tuple(Bounds(each.minimum, each.minimum) for each in found)
        return Prediction(values)

    def observe(
        self, prediction: Prediction[None], train: Trainer, progress: Progress
    ) -> Observation[None]:
        """The same by points of least loss of every cell, and the cells around them."""
        values: dict[str, Value] = {}
        for case, within in self.places():
            where = _where(case, within)
            progress(f"all cells and those around, {where}", 0)
            found = [_float_shares(case.problem, m, within) for m in range(1, case.width + 1)]
            good, bad, least = zip(*found, strict=True)
            values |= {_good(where): good, _bad(where): bad, _least(where): least}
        return Observation(values)

    def compare(self, predicted: Values, observed: Values) -> bool:
        """Theory and observation agree, and good regions become more and fewer as is said."""
        for case, within in self.places():
            if isinstance(within, Penalty):
                continue
            good, _ = self.shares(predicted, case, within)
            if within is not None and any(later >= share for share, later in pairwise(good)):
                return False
            states = 2 * len(sign_vectors(case.problem))
            if within is None and any(
                share < 1 - states * (1 - Fraction(1, states)) ** m
                for m, share in enumerate(good, start=1)
            ):
                return False
        return agree(predicted, observed)

    def places(self) -> Iterator[tuple[Case, Ball | Penalty | None]]:
        """Where shares are counted: anywhere (None), in a ball, with a penalty."""
        for case in self.cases:
            for within in (None, _SMALL, _PENALTY):
                yield case, within

    def shares(
        self, values: Values, case: Case, within: Ball | Penalty | None
    ) -> tuple[tuple[Fraction, ...], tuple[Fraction, ...]]:
        """Good and bad ones by width, among predicted values; of bounds the lower."""
        where = _where(case, within)
        return _lower(values[_good(where)]), _lower(values[_bad(where)])


def _lower(shares: Value) -> tuple[Fraction, ...]:
    """Of bounds the lower ones."""
    assert isinstance(shares, tuple)
    found = [each.lower if isinstance(each, Bounds) else each for each in shares]
    return tuple(each for each in found if isinstance(each, Fraction))


def _value(lower: Fraction, upper: Fraction) -> Value:
    return lower if lower == upper else Bounds(lower, upper)


def _float_shares(
    problem: Problem, width: int, within: Ball | Penalty | None
) -> tuple[float, float, float]:
    """The shares of good and of bad regions, and the least loss, in floating point."""
    cones = sign_vectors(problem)
    own = pieces(cones)
    X = np.array(problem.X, dtype=float)
    if within is None:
        least = least_points(problem, None, 0.0)
    else:
        strength = within.beta if isinstance(within, Penalty) else within.rho
        least = least_points(problem, within.optimizer, float(strength))
    limit = TOLERANCE * float(problem.squared_length)

    size = float(max(map(abs, problem.y)))

    def around(sign: int, u: Array) -> list[int]:
        """The states that hold a neuron."""
        side = np.where(abs(X @ u) > _ON * size, np.sign(X @ u), 0)
        return [
            state
            for state, (other, signs) in enumerate(own)
            if (other == sign or not side.any()) and (side * np.array(signs) >= 0).all()
        ]

    cells = list(combinations_with_replacement(range(len(own)), width))
    rooms = {cell: tuple(sorted(own[state] for state in cell)) for cell in cells}
    losses = {cell: least(rooms[cell])[0] for cell in cells}
    lowest = min(losses.values())
    good = bad = 0
    for cell, loss in losses.items():
        orders = math.factorial(width) // math.prod(map(math.factorial, Counter(cell).values()))
        if loss <= lowest + limit:
            good += orders
            continue
        points = least(rooms[cell])[1]
        holding = [around(sign, u) for (sign, _), u in zip(rooms[cell], points, strict=True)]
        if all(losses[tuple(sorted(each))] >= loss - limit for each in product(*holding)):
            bad += orders
    regions = len(own) ** width
    return good / regions, bad / regions, lowest


def _where(case: Case, within: Ball | Penalty | None) -> str:
    if isinstance(within, Penalty):
        return f"{case.name}, with the penalty beta = {within.beta}"
    place = "anywhere" if within is None else f"in adamw's ball rho = {within.rho}"
    return f"{case.name}, {place}"


def _good(where: str) -> str:
    return f"share of regions with a global minimum, by width, {where}"


def _bad(where: str) -> str:
    return f"share of regions with a bad local minimum, by width, {where}"


def _least(where: str) -> str:
    return f"least loss, by width, {where}"
