"""The cells around one network, and what one dual vector proves of all of them together.

Neuron j may be in several states near a network: on each side of the kinks x_k . w_j = 0, with both
signs where a_j = 0, in every cone where w_j = 0. A dual vector nu with multipliers mu >= 0 for each
of its states, of sign s, slopes D and sides S, gives the columns

    w = s X^T D nu + X^T S mu,    nu . f <= sum_j max over its states of w . u_j,

and so bounds the loss from below on all cells around at once, L >= D(nu) - nu . f: neurons are
looked at one by one, not cells. Let sigma(z) = c z + b relu(z). Kinks with s b nu_k <= 0 need no
state for each side: s b nu_k relu(z) <= -mu_k z for all z if 0 <= mu_k <= -s b nu_k. A network that
attains the bound is a local minimum, whatever n, d and the width are. Source: `around`,
proofs_notes/valleys.md.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np
from flint import fmpz_mat

from theory.arrangement import arrangement
from theory.cone_program import ConeProgram
from theory.exact import dot, integer_solution
from theory.gauges import Metric
from theory.network import Network
from theory.problem import Problem
from theory.types import Array
from theory.within import Penalty, Within

if TYPE_CHECKING:
    from jaxtyping import Float

_BITS = 45  # of multipliers that are rounded, relative to the largest
_POSITIVE = 1e-9  # of multipliers, relative to the largest, in units of one for rows and gradient

Sides: TypeAlias = tuple[int, ...]
"""Of each row x_k: 1 or -1, the side on which a neuron is; 0 where it may be on either."""

Vector: TypeAlias = "Sequence[Fraction]"


class State(NamedTuple):
    """A state of a neuron, or several that differ at rows of either side only."""

    neuron: int
    sign: int
    sides: Sides


class Price(NamedTuple):
    """What a state has against a dual vector.

    square: ||w||^2 in the dual norm, in the units of `Data`; without a ball only whether it is zero
    counts. mu: by row, where it is not zero. steepest: u (d,) in the closed state, of
    largest nu . f for its size, in floats.
    """

    square: Fraction
    mu: Mapping[int, Fraction]
    steepest: Float[Array, " d"]


@dataclass(frozen=True)
class Dual:
    """A dual vector nu / scale, nu (n,), and what it proves; of the squared loss all multiples are
    one.

    metric: Z, where the norm is spectral. prices: of the states it was asked about. bound: of the
    loss, with the penalty if there is one.
    """

    nu: tuple[int, ...]
    scale: int
    metric: Metric | None
    prices: Mapping[State, Price]
    bound: Fraction


class Data:
    """X, y and sigma in integers: X' = p X, y' = q y, and sigma times `steps`.

    unit: p times steps, by which sigma(X u) is multiplied.
    """

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.X, self.p, self.y, self.q = problem.integer_form()
        self.sigma, self.steps = problem.activation.whole
        self.unit = self.p * self.steps
        self.rows = [k for k, row in enumerate(self.X) if any(row)]
        self._matrix = fmpz_mat(self.X)

    def outputs(self, u: Sequence[Vector]) -> tuple[list[list[int]], int]:
        """X u_j for each of m vectors (m, n), as numerators over one denominator."""
        if not u:
            return [], 1
        scale = math.lcm(*(v.denominator for uj in u for v in uj))
        columns = fmpz_mat([[int(v * scale) for v in uj] for uj in u]).transpose()
        return [list(map(int, row)) for row in (self._matrix * columns).transpose().tolist()], (
            scale * self.p
        )

    def fit(self, u: Sequence[Vector], signs: Sequence[int]) -> tuple[list[int], int]:
        """f for convex coordinates of neurons alone, as numerators over one denominator."""
        outputs, scale = self.outputs(u)
        fit = [0] * len(self.y)
        for sign, values in zip(signs, outputs, strict=True):
            fit = [f + sign * self.sigma.value(v) for f, v in zip(fit, values, strict=True)]
        return fit, scale * self.steps

    def gradient(self, nu: Sequence[int], state: State) -> list[int]:
        """s X'^T D nu: what nu . f gains per unit of u, in integers."""
        slopes = self.sigma.part([side > 0 for side in state.sides], nu)
        row = fmpz_mat([[state.sign * v for v in slopes]]) * self._matrix
        return list(map(int, row.entries()))


class Prices:
    """Prices of states, for one data set and one place where networks may be."""

    def __init__(self, problem: Problem, within: Within | None) -> None:
        self.data = Data(problem)
        self.problem = problem
        self.within = within
        A = [[float(v) for v in problem.X[k]] for k in self.data.rows]
        self._A = np.array(A).reshape(len(A), problem.d)
        self._scales = np.abs(self._A).max(axis=1, initial=0.0)
        self._A = self._A / self._scales[:, None]

    def bound(
        self,
        nu: Sequence[int],
        scale: int,
        metric: Metric | None,
        states: Sequence[Sequence[State]],
    ) -> Dual:
        """What nu / scale proves of networks whose neurons are each in one of its states."""
        prices = {state: self.price(nu, metric, state) for own in states for state in own}
        squares = [max((prices[s].square for s in own), default=Fraction()) for own in states]
        return Dual(tuple(nu), scale, metric, prices, self._proved(nu, scale, squares))

    def again(self, dual: Dual, states: Sequence[Sequence[State]]) -> Dual:
        """What a dual vector proves of other states."""
        return self.bound(dual.nu, dual.scale, dual.metric, states)

    def _proved(self, nu: Sequence[int], scale: int, squares: Sequence[Fraction]) -> Fraction:
        """The least loss, from the costs of the neurons."""
        loss, y = self.problem.loss, self.problem.y
        lam, height = [Fraction(v, scale) for v in nu], Fraction()
        if any(squares):
            if self.within is None:
                return Fraction()
            costs = [self.within.gauge.cost_of(square) for square in squares]
            height = self.within.gauge.dual(costs) / (self.data.unit * scale)
        if isinstance(self.within, Penalty):
            times = loss.multiple(lam, y)
            if height:
                times = min(times, self.within.beta / height)
            return max(Fraction(), loss.dual([times * v for v in lam], y) or Fraction())
        return loss.bound(lam, self.within.rho * height if self.within else height, y)

    def together(self, dual: Dual, states: Sequence[Sequence[State]]) -> Dual | None:
        """What a dual vector proves with the Z that is best for all these states; None where no
        solver finds it.

        In floats the directions of largest nu . f are looked for, one in each state, together in
        the ball, whose multiplier is Z; they are the `steepest` of the prices.
        """
        import cvxpy

        cp: Any = cvxpy
        assert self.within is not None
        nu = dual.nu
        every = [state for own in states for state in own]
        gradients = [self.data.gradient(nu, state) for state in every]
        top = max((abs(v) for c in gradients for v in c), default=0)
        if not top:
            return None
        U = cp.Variable((self.problem.d, len(every)))
        outputs = self._A @ U
        sides = np.array([[state.sides[k] for k in self.data.rows] for state in every]).T
        # What a row of either side costs beyond its wall.
        costs = np.zeros(sides.shape)
        for i, place in np.argwhere(sides == 0).tolist():
            jump = self.data.sigma.jump * nu[self.data.rows[i]]
            costs[i, place] = -every[place].sign * jump / top * self.data.p * self._scales[i]
        gain = cp.sum(cp.multiply(np.array([[v / top for v in c] for c in gradients]).T, U))
        gain -= cp.sum(cp.multiply(costs, cp.pos(outputs)))
        gauge = self.within.gauge
        size = gauge.hidden.ball(U, 1.0, gauge.power)
        assert size.arrow is not None
        constraints = [cp.multiply(sides, outputs) >= 0, *size.constraints]
        if not ConeProgram(cp.Problem(cp.Maximize(gain), constraints)).solve():
            return None
        Z = size.arrow.dual_value[: self.problem.d, : self.problem.d]
        found = self.bound(nu, dual.scale, Metric.near(Z), states)
        directions = dict(zip(every, U.value.T, strict=True))
        prices = {s: each._replace(steepest=directions[s]) for s, each in found.prices.items()}
        return replace(found, prices=prices)

    def price(self, nu: Sequence[int], metric: Metric | None, state: State) -> Price:
        """What a state has against a dual vector."""
        c = self.data.gradient(nu, state)
        either = [k for k in self.data.rows if not state.sides[k]]
        if not any(c):
            return Price(Fraction(), {}, np.zeros(len(c)))
        # In floats c has largest entry 1, and so have the rows.
        top = max(map(abs, c))
        sides = np.array([state.sides[k] or -1 for k in self.data.rows])
        most, jump = np.full(len(sides), np.inf), int(self.data.sigma.jump)
        for k in either:
            i = self.data.rows.index(k)
            most[i] = -state.sign * jump * nu[k] / top * self.data.p * self._scales[i]
        entries = self.within is not None and self.within.gauge.hidden.entries
        guess = self._linear if entries else self._projected
        values, steepest, free = guess(np.array([v / top for v in c]), sides, most, metric)
        limits = {k: -state.sign * jump * nu[k] for k in either}
        signs = {k: state.sides[k] or -1 for k in self.data.rows}
        mu = None
        if self.within is None or entries:
            mu = self._solved(c, signs, limits, values, most, free)
        if mu is None:
            mu = self._rounded(top, limits, values)
        w = [Fraction(v) for v in c]
        for k, value in mu.items():
            w = [v + signs[k] * value * x for v, x in zip(w, self.data.X[k], strict=True)]
        common = math.lcm(*(v.denominator for v in w))
        whole = [int(v * common) for v in w]
        if self.within is None:
            square = Fraction(dot(whole, whole))
        else:
            square = self.within.gauge.hidden.dual_squared(whole, metric) / common**2
        own = {k: value / self.data.steps for k, value in mu.items()}
        return Price(square, own, steepest)

    def _projected(
        self,
        c: Float[Array, " d"],
        sides: Float[Array, " k"],
        most: Float[Array, " k"],
        metric: Metric | None,
    ) -> tuple[Float[Array, " k"], Float[Array, " d"], list[int]]:
        """The mu <= `most` of least ||w||, and u; no entry of w is free to be other than zero."""
        from scipy.optimize import lsq_linear, nnls

        root = np.eye(len(c))
        if metric is not None:
            inverse = [[v / metric.denominator for v in row] for row in metric.numerators]
            root = np.linalg.cholesky(np.array(inverse)).T
            root /= np.linalg.norm(root @ c)  # solvers' tolerances are absolute
        rows = sides[:, None] * self._A
        values = np.zeros(len(rows))
        used = most > 0
        if used.any() and np.isinf(most).all():
            values, _ = nnls(root @ rows.T, -root @ c, maxiter=100 * len(rows))
        elif used.any():
            bounds = (0, most[used])
            A = root @ rows[used].T
            values[used] = lsq_linear(A, -root @ c, bounds, method="bvls", tol=1e-14).x
        return values, root.T @ root @ (c + rows.T @ values), []

    def _linear(
        self,
        c: Float[Array, " d"],
        sides: Float[Array, " k"],
        most: Float[Array, " k"],
        metric: Metric | None,
    ) -> tuple[Float[Array, " k"], Float[Array, " d"], list[int]]:
        """The mu <= `most` of least sum |w_i|, and u, of entries of at most 1: where a row may be
        on either side, what it costs is most max(0, x . u)."""
        from scipy.optimize import linprog

        rows = sides[:, None] * self._A
        d, bounded = len(c), np.flatnonzero(np.isfinite(most))
        costs = np.concatenate([-c, most[bounded]])
        slack = np.zeros((len(rows), len(bounded)))
        slack[bounded, np.arange(len(bounded))] = 1.0
        found = linprog(
            costs,
            A_ub=-np.hstack([rows, slack]),
            b_ub=np.zeros(len(rows)),
            bounds=[(-1, 1)] * d + [(0, None)] * len(bounded),
            method="highs-ds",
        )
        if found.status != 0:
            return np.zeros(len(rows)), np.sign(c), list(range(d))
        values = np.clip(-found.ineqlin.marginals, 0, most)
        free = (found.lower.marginals[:d] > _POSITIVE) | (found.upper.marginals[:d] < -_POSITIVE)
        return values, found.x[:d], np.flatnonzero(free).tolist()

    def _solved(
        self,
        c: Sequence[int],
        signs: Mapping[int, int],
        limits: Mapping[int, int],
        values: Float[Array, " k"],
        most: Float[Array, " k"],
        free: Sequence[int],
    ) -> dict[int, Fraction] | None:
        """The multipliers, exactly: at 0 or their limit where they are in floats, elsewhere such
        that w = 0 where it is not free. None where some are out of their range, or there are
        none."""
        X, rows = self.data.X, self.data.rows
        small = _POSITIVE * max(float(values.max(initial=0.0)), 1.0)
        full = [rows[i] for i in np.flatnonzero(values >= most - small)]
        full = [k for k in full if limits.get(k)]
        chosen = [rows[i] for i in np.flatnonzero(values > small) if rows[i] not in full]
        mu = {k: Fraction(limits[k]) for k in full}
        rest = [v + sum(signs[k] * limits[k] * X[k][i] for k in full) for i, v in enumerate(c)]
        equations = [i for i in range(len(c)) if i not in free]
        if not chosen or not equations:
            return mu if not any(rest[i] for i in equations) else None
        A = [[signs[k] * X[k][i] for k in chosen] for i in equations]
        found = integer_solution(A, [-rest[i] for i in equations], [0] * len(chosen))
        if found is None:
            return None
        for k, value in zip(chosen, found, strict=True):
            if value < 0 or (k in limits and value > limits[k]):
                return None
            mu[k] = value
        return {k: v for k, v in mu.items() if v}

    def _rounded(
        self, top: int, limits: Mapping[int, int], values: Float[Array, " k"]
    ) -> dict[int, Fraction]:
        """The float multipliers, with few digits."""
        largest = float(values.max(initial=0.0))
        mu = {}
        scales = self._scales.tolist()
        for k, value, scale in zip(self.data.rows, values.tolist(), scales, strict=True):
            if value > largest * 2.0**-_BITS:
                share = Fraction(round(value / largest * 2**_BITS), 2**_BITS)
                # A row is `scale` p times that of A, c is `top` times the floats.
                exact = share * Fraction(largest) * top / (Fraction(scale) * self.data.p)
                mu[k] = min(exact, Fraction(limits[k])) if k in limits else exact
        return {k: v for k, v in mu.items() if v}


def states_around(
    data: Data,
    network: Network,
    max_cones: int,
    *,
    nu: Sequence[int] | None = None,
    neurons: Sequence[int] | None = None,
) -> list[list[State]]:
    """The states of each neuron near a network: one, unless it is on kinks or zero.

    nu: a dual vector; then kinks at which it needs no state for each side are left on either.
    neurons: all by default.
    Raises BudgetError where a neuron has more than `max_cones` cones to go to.
    """
    outputs, _ = data.outputs(network.neurons())
    found = []
    for j in range(network.width) if neurons is None else neurons:
        a = network.a[j]
        signs = [(a > 0) - (a < 0)] if a else [1, -1]
        found.append(
            [
                State(j, sign, sides)
                for sign in signs
                for sides in _patterns(data, outputs[j], sign, nu, max_cones)
            ]
        )
    return found


def _patterns(
    data: Data, values: Sequence[int], sign: int, nu: Sequence[int] | None, max_cones: int
) -> list[Sides]:
    """The sides of all cones that a w lies in; values: X w."""
    sides, jump = [(v > 0) - (v < 0) for v in values], data.sigma.jump
    rows = [k for k in data.rows if not values[k] and (nu is None or sign * jump * nu[k] > 0)]
    if not rows:
        return [tuple(sides)]
    found = []
    for local in arrangement([data.X[k] for k in rows], max_cones=max_cones).signs.tolist():
        for k, side in zip(rows, local, strict=True):
            sides[k] = side
        found.append(tuple(sides))
    return found
