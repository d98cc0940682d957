"""A stationary point of the margin problem need not be a local optimum.

Setting: two-layer ReLU networks without biases, $theta$ all their weights, and the margin problem:
$min ||theta||^2 / 2$ such that $y_k f(x_k) >= 1$ for all $k$. Where gradient flow of the logistic
loss ends, in direction, is a KKT point of it (Lyu, Li, ICLR 2020, arXiv 1906.05890, Theorem 4.4).

Statement: In many cases a KKT point is not even a local optimum.

Hypotheses: a neuron is zero, or inactive on some data; subdifferentials are Clarke's.

Source: G. Vardi, O. Shamir, N. Srebro, NeurIPS 2022, arXiv 2110.02732, abstract.

Tight: it is a yes or no. The first instance is the smallest in $n$, $d$ and width: with one datum,
or one feature, a new neuron gains no more than those that fit. Of $x = (1, e)$, $(1, -e)$ one
neuron at (1, 0) is a KKT point for all $e$, and no local optimum from $e^2 > 3$ on; at $e^2 <= 3$
it is one.

Computed: whether the given network meets all conditions with multipliers $lambda$, by linear
equations; and whether a zero neuron can grow: it can where $sum_k lambda_k y_k relu(v . x_k)$ or
its negative is above $||v||$ for some $v$, which the rays of all cones and the gradients inside
them decide in the plane. Then the others can shrink by more than it needs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from theory.claims.gallery.base import TOPICS, Theorem
from theory.claims.sign_vectors import sign_vectors
from theory.exact import dot, from_flint, some_solution, squared, to_flint
from theory.network import Network
from theory.problem import Problem
from theory.types import Progress


@dataclass(frozen=True)
class MarginsThatCanGrow(Theorem[tuple[Problem, Network]]):
    """KKT points that are no local optimum."""

    topic = TOPICS[5]

    def instances(self) -> Mapping[str, tuple[Problem, Network]]:
        """Data in the plane, and one neuron beside one that is zero."""
        one = Network([[1, 0], [0, 0]], [1, 0])  # W has a column for each neuron
        turned = Network([[Fraction(3, 5), 0], [Fraction(4, 5), 0]], [1, 0])
        return {
            "two data": (_data([[1, 2], [1, -2]]), one),
            "just above e^2 = 3": (_data([[1, Fraction(7, 4)], [1, Fraction(-7, 4)]]), one),
            "a third datum": (_data([[1, 3], [1, -2], [2, 1]]), one),
            "two data, turned": (_data([[-1, 2], [Fraction(11, 5), Fraction(-2, 5)]]), turned),
        }

    def theorem(self, instance: tuple[Problem, Network]) -> tuple[str, str]:
        """A KKT point, and no local optimum."""
        return "stationary", "not optimal"

    def computed(self, instance: tuple[Problem, Network], progress: Progress) -> tuple[str, str]:
        """The same."""
        problem, network = instance
        weights = _multipliers(problem, network)
        if weights is None:
            return "not stationary", "undecided"
        gains = [weight * y for weight, y in zip(weights, problem.y, strict=True)]
        grows = _steepest(problem, gains) > 1
        return "stationary", "not optimal" if grows else "optimal beside zero neurons"


def _data(X: Sequence[Sequence[Fraction | int]]) -> Problem:
    return Problem(X=X, y=[1] * len(X))


def _multipliers(problem: Problem, network: Network) -> list[Fraction] | None:
    """lambda >= 0, zero off margins of 1, with w = a sum_k lambda_k y_k x_k over active data.

    None where there are none, or a margin is below 1. For these neurons, on whose kinks there are
    no data, the condition for a follows: |a| = ||w||.
    """
    margins = [y * f for y, f in zip(problem.y, network.fit(problem), strict=True)]
    tight = [k for k, margin in enumerate(margins) if margin == 1]
    rows, values = [], []
    for w, a in zip(network.neurons(), network.a, strict=True):
        assert squared(w) == a * a
        gains = [a * problem.y[k] * (dot(w, problem.X[k]) > 0) for k in tight]
        for i, value in enumerate(w):
            rows.append(to_flint(g * problem.X[k][i] for g, k in zip(gains, tight, strict=True)))
            values.append(value)
    found = some_solution(rows, to_flint(values), len(tight))
    if found is None or min(margins) < 1 or min(found) < 0:
        return None
    weights = dict(zip(tight, from_flint(found), strict=True))
    return [weights.get(k, Fraction()) for k in range(problem.n)]


def _steepest(problem: Problem, gains: Sequence[Fraction]) -> Fraction:
    """The square of the largest |sum_k gains_k relu(v . x_k)| over ||v|| = 1, for d = 2."""
    cones = sign_vectors(problem)
    candidates = [(tuple(map(Fraction, map(int, ray)))) for ray in cones.rays]
    for signs in cones.signs:
        active = [k for k, sign in enumerate(signs) if sign > 0]
        slope = tuple(
            dot((gains[k] for k in active), (problem.X[k][i] for k in active)) for i in (0, 1)
        )
        # Where the gradient of a cone lies elsewhere it is one more direction, which does no harm.
        candidates += [slope, (-slope[0], -slope[1])]
    values = (
        (
            sum(
                (g * max(dot(v, x), Fraction()) for g, x in zip(gains, problem.X, strict=True)),
                Fraction(),
            ),
            v,
        )
        for v in candidates
        if any(v)
    )
    return max((value * value / squared(v) for value, v in values), default=Fraction())
