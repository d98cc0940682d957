"""From a float solution of one cell to an exact dual vector that prices every state.

The shared weights and lam are those of the solution. For each state the least own weights and mu
come from a conic program; then exact arithmetic makes the output weight, or the length of lam, just
large, or small, enough.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from fractions import Fraction
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from flint import fmpq, fmpq_mat
from jaxtyping import Float

from theory.cone_program import ConeProgram
from theory.exact import (
    binary,
    from_flint,
    is_positive_semidefinite,
    snapped,
    some_solution,
    sqrt_above,
    to_flint,
)
from theory.regions.balls import BallShape
from theory.regions.joint import Block, Joint, JointDual, Own, Shared, Solution
from theory.types import Array

_BITS = 50  # kept of a float, absolutely: weights are at most about 1
_ELASTIC = 1e5  # what a multiple of I costs in floating point; exact arithmetic has none
_MARGIN = Fraction(2**40 - 1, 2**40)  # of a length, so that its square leaves room


class _Price(NamedTuple):
    """What a state needs, exactly: own hidden weights by ball, the output weight in all, and mu."""

    hidden: dict[int, tuple[Fraction, ...]]
    output: Fraction
    mu: tuple[Fraction, ...]


class Pricing:
    """Dual vectors over a fixed set of states."""

    def __init__(self, joint: Joint, states: Iterable[int]) -> None:
        self.joint = joint
        self.states = tuple(states)
        d = joint.problem.d
        self._sizes = tuple(
            (i, d if ball.entries else 1) for i, ball in enumerate(joint.balls) if ball.own_hidden
        )

    def dual(
        self,
        solution: Solution,
        cell: Sequence[int],
        radii: Sequence[Fraction],
        rounding: Rounding,
    ) -> JointDual | None:
        """A dual vector like that of the solution of a cell; None where floating point fails.

        radii: of all balls, at which own weights of least cost are looked for.
        """
        joint, rounded = self.joint, rounding.rounded
        tops = np.array([float(v) for v in joint.tops])
        tilt = rounded(solution.tilt)
        lam = joint.allowed([rounded(v) for v in (solution.lam * tops).tolist()], tilt)
        if lam is None:
            return None
        shared = [
            _shared(hidden, output, ball, rounding)
            for ball, (hidden, output) in zip(joint.balls, solution.shared, strict=True)
        ]
        if any(
            not is_positive_semidefinite(fmpq_mat(list(map(to_flint, s.hidden)))) for s in shared
        ):
            return None
        d = joint.problem.d
        Q = [
            [sum((s.hidden[i][k] for s in shared), Fraction()) for k in range(d)] for i in range(d)
        ]
        c = sum((s.output for s in shared), Fraction())
        roomy = [i for i, ball in enumerate(joint.balls) if ball.own_output]
        cheapest = min(roomy, key=lambda i: radii[i], default=None)
        # Where all share `a`, weights of its own for it are to be avoided, if others can do.
        dear = _ELASTIC / 100 if self._sizes else 1.0
        size = float(joint.size)
        terms = _Terms(
            lam=np.array([float(v) for v in lam]),
            Q=np.array([[float(v) for v in row] for row in Q]),
            c=float(c) if self._sizes or cheapest is not None else 0.0,
            output_price=dear if cheapest is None else float(radii[cheapest]) / size,
            hidden_prices={
                i: float(radii[i]) / size for i, ball in enumerate(joint.balls) if ball.own_hidden
            },
        )
        # States of the cell apart: among many the solver's accuracy is that of the largest price.
        own = sorted(set(cell))
        others = [state for state in self.states if state not in own]
        prices: dict[int, _Price] = {}
        for states in (own, others):
            for state, weights in zip(states, self._weights(states, terms), strict=False):
                price = self._price(state, lam, Q, weights, rounding)
                if price is not None:
                    prices[state] = price
        if cheapest is None:
            # All share `a`: lam and mu have to be so short that the output weights suffice.
            if any(state not in prices for state in own) or not c:
                return None
            most = max(prices[state].output for state in own)
            factor = _MARGIN / sqrt_above(max(most / c, Fraction(1, 2**60)))
            prices = {s: p for s, p in prices.items() if p.output * factor * factor <= c}
        else:
            factor = Fraction(1)
        blocks = {
            state: Block(
                tuple(
                    Own(
                        price.hidden.get(i, ()),
                        max(Fraction(), rounding.up(price.output - c))
                        if i == cheapest
                        else Fraction(),
                    )
                    for i in range(len(joint.balls))
                ),
                tuple(factor * v / top for v, top in zip(price.mu, joint.tops, strict=True)),
            )
            for state, price in prices.items()
        }
        vector = tuple(factor * v / top for v, top in zip(lam, joint.tops, strict=True))
        tilt *= factor
        height = joint.height(vector, tilt)
        return JointDual(joint.balls, vector, tuple(shared), blocks, height, tilt)

    def _weights(self, states: Sequence[int], terms: _Terms) -> Iterator[_Weights]:
        """The least own weights of each state, in floating point; nothing where that fails."""
        if not states:
            return iter(())
        problem = self.joint.problem
        program = _compiled(problem.n, problem.d, len(states), self._sizes)
        return program.solve(self.joint, states, terms)

    def _price(
        self,
        state: int,
        lam: Sequence[Fraction],
        Q: Sequence[Sequence[Fraction]],
        weights: _Weights,
        rounding: Rounding,
    ) -> _Price | None:
        def exact(values: Float[Array, " k"], excess: Fraction) -> tuple[Fraction, ...]:
            return tuple(rounding.rounded(max(v, 0.0)) + excess for v in values.tolist())

        hidden = {i: exact(tau, rounding.excess) for i, tau in weights.hidden.items()}
        mu = exact(weights.mu, Fraction())
        d = self.joint.problem.d
        rows = [to_flint(row) for row in Q]
        for tau in hidden.values():
            for k in range(d):
                rows[k][k] += to_flint([tau[k if len(tau) == d else 0]])[0]
        w = self.joint.column(state, lam, mu)
        x = some_solution(rows, w, d)  # of a matrix that is positive semidefinite
        if x is None:
            return None
        (output,) = from_flint([sum((v * z for v, z in zip(w, x, strict=True)), fmpq()) / 4])
        return _Price(hidden, output, mu)


class _Terms(NamedTuple):
    """What the program of own weights is about, in floats: lam, the shared weights Q and c, and the
    prices of own ones."""

    lam: Float[Array, " n"]
    Q: Float[Array, "d d"]
    c: float
    output_price: float
    hidden_prices: dict[int, float]


class _Weights(NamedTuple):
    """Own hidden weights by ball, and mu."""

    hidden: dict[int, Float[Array, " k"]]
    mu: Float[Array, " n"]


class _Program:
    """The least own weights for so many states: CVXPY canonicalises it once.

    sizes: the indices of balls with own hidden weights, and how many of them a state has.
    """

    def __init__(self, n: int, d: int, count: int, sizes: Sequence[tuple[int, int]]) -> None:
        import cvxpy

        cp: Any = cvxpy  # mypy does not see the functions it exports
        self._W, self._Q = cp.Parameter((d, count)), cp.Parameter((d, d))
        self._cones, self._c = cp.Parameter((n * count, d)), cp.Parameter(nonneg=True)
        self._mu, sigma = cp.Variable((n, count), nonneg=True), cp.Variable(count, nonneg=True)
        self._sigma_price = cp.Parameter(nonneg=True)
        self._tau = {i: cp.Variable((size, count), nonneg=True) for i, size in sizes}
        self._tau_prices = {i: cp.Parameter(nonneg=True) for i, _ in sizes}
        # What no multiplier can price would make the program infeasible for all states.
        elastic = cp.Variable(count, nonneg=True)
        cost = self._sigma_price * cp.sum(sigma) + _ELASTIC * cp.sum(elastic)
        for i, tau in self._tau.items():
            cost += self._tau_prices[i] * cp.sum(tau)
        constraints = []
        for j in range(count):
            Q = self._Q + elastic[j] * np.eye(d)
            for tau in self._tau.values():
                Q = Q + cp.diag(tau[:, j] + np.zeros(d))
            w = self._W[:, j] + self._cones[j * n : (j + 1) * n].T @ self._mu[:, j]
            half = cp.reshape(w / 2, (d, 1), order="F")
            corner = cp.reshape(self._c + sigma[j], (1, 1), order="F")
            constraints.append(cp.bmat([[Q, half], [half.T, corner]]) >> 0)
        self._program = ConeProgram(cp.Problem(cp.Minimize(cost), constraints))

    def solve(self, joint: Joint, states: Sequence[int], terms: _Terms) -> Iterator[_Weights]:
        """In the order of the states; nothing where the solver fails."""
        self._W.save_value(joint.gradients(states, terms.lam).T)
        self._cones.save_value(joint.cones(states))
        self._Q.save_value(terms.Q)
        self._c.save_value(terms.c)
        self._sigma_price.save_value(terms.output_price)
        for i, price in terms.hidden_prices.items():
            self._tau_prices[i].save_value(price)
        if self._program.solve():
            for j in range(len(states)):
                hidden = {i: tau.value[:, j] for i, tau in self._tau.items()}
                yield _Weights(hidden, self._mu.value[:, j])


@lru_cache(maxsize=256)  # as many numbers of states occur
def _compiled(n: int, d: int, count: int, sizes: tuple[tuple[int, int], ...]) -> _Program:
    return _Program(n, d, count, sizes)


def _shared(
    hidden: Float[Array, "d d"], output: float, ball: BallShape, rounding: Rounding
) -> Shared:
    rows = [[Fraction()] * len(hidden) for _ in hidden]
    if ball.shared_hidden and not ball.joint:
        weight = rounding.rounded(max(float(hidden[0, 0]), 0.0))
        for k, row in enumerate(rows):
            row[k] = weight + rounding.excess
    elif ball.joint:
        # Clipping eigenvalues leaves a matrix that rounding and the excess make definite.
        values, vectors = np.linalg.eigh((hidden + hidden.T) / 2)
        clipped = vectors * np.maximum(values, 0.0) @ vectors.T
        rows = [[rounding.rounded(v) for v in row] for row in ((clipped + clipped.T) / 2).tolist()]
        for k, row in enumerate(rows):
            row[k] += rounding.excess
    if ball.together:
        return Shared(tuple(map(tuple, rows)), rows[0][0])
    return Shared(tuple(map(tuple, rows)), rounding.rounded(max(output, 0.0)))


class Rounding(NamedTuple):
    """How floats become rationals: near a grid, with some excess of what may be singular, or as
    the simplest fractions, which may hit an optimum exactly."""

    rounded: Callable[[float], Fraction]
    up: Callable[[Fraction], Fraction]
    excess: Fraction


GRIDS = [
    Rounding(
        rounded=lambda value: binary(value, _BITS),
        up=lambda value: Fraction(math.ceil(value * 2**_BITS), 2**_BITS),
        excess=excess,
    )
    for excess in (Fraction(1, 10**9), Fraction(1, 10**8), Fraction(1, 10**10), Fraction(1, 10**7))
]
SIMPLE = Rounding(
    rounded=lambda value: snapped(value, 1e-6), up=lambda value: value, excess=Fraction()
)
