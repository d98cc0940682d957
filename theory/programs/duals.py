"""Exact lower bounds from float dual points.

Any integers lam, mu_b >= 0 and definite Z give a bound, so repair is rounding: lam and mu_b to
integers of a common unit, mu_b clipped at zero, Z to a definite matrix near it. Then w_b, its norms
and the bound are computed in rationals (roots rounded the safe way). With free columns lam has to
be orthogonal to them as well (free.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property

import numpy as np

from theory.exact import sqrt_above
from theory.gauges import Gauge, Metric
from theory.losses import Loss, Squared
from theory.problem import Problem
from theory.programs.blocks import Patterns
from theory.programs.columns import Relaxation
from theory.programs.cover import ConeCover, cover
from theory.programs.free import free_basis, orthogonal
from theory.programs.quadratic import Norm, Quadratics, Relaxed, Training, quadratics
from theory.states import cone_of, sign_of
from theory.units import Units

_BITS = 45  # of lam and mu, relative to the largest of lam: floats hold such integers exactly
_ALLOWANCE = 1 - Fraction(1, 2**50)  # for a checker that rounds roots more coarsely


@dataclass(frozen=True, eq=False)
class BlockDual:
    """lam (n,), mu_b and Z in integers; a factor of lam and mu, or one of Z, changes nothing.

    mu: for blocks with mu_b != 0 the rows and their multipliers > 0. cost: the largest over all
    blocks, in units in which X is integer: ||w_b||_1^2, ||w_b||_2^2, or tr Z w_b^T Z^-1 w_b. cover:
    what proves that of all patterns, whatever blocks there are here; mu is then not needed. It may
    be one by quadratics, of many dimensions.
    """

    problem: Problem
    gauge: Gauge
    patterns: Patterns
    lam: tuple[int, ...]
    mu: Mapping[int, Mapping[int, int]]
    metric: Metric | None
    scale: Fraction  # of one unit of lam
    cover: ConeCover | Quadratics | None = None

    @classmethod
    def repaired(cls, problem: Problem, gauge: Gauge, found: Relaxation) -> BlockDual | None:
        """The float dual of a relaxation, rounded; None for lam = 0, which proves nothing."""
        top = float(np.abs(found.lam).max(initial=0.0))
        if not top:
            return None
        unit = top / 2**_BITS
        mu = {}
        for block, (rows, values) in found.prices.multipliers.items():
            pairs = zip(rows.tolist(), values.tolist(), strict=True)
            whole = {row: round(value / unit) for row, value in pairs}
            mu[block] = {row: value for row, value in whole.items() if value > 0}
        metric = None
        if gauge.hidden.joint:
            size = gauge.metric_size(problem.d)
            metric = gauge.metric_near(np.eye(size) if found.metric is None else found.metric)
        lam, parts = orthogonal(problem, [round(v / unit) for v in found.lam.tolist()])
        if not any(lam):
            return None
        if gauge.free:
            _, steps = problem.activation.whole
            lam, parts = tuple(steps * v for v in lam), steps * parts
        mu = {b: {row: parts * value for row, value in rows.items()} for b, rows in mu.items()}
        scale = Fraction(unit) / parts
        dual = cls(problem, gauge, found.patterns, lam, mu, metric, scale)
        return dual._settled() if gauge.free else dual

    def _settled(self) -> BlockDual:
        """The same with multipliers such that no w_b has anything for the bias, which is free."""
        X, active = self.patterns.X, self.patterns.active
        slopes, steps = self.problem.activation.whole
        lam = np.array([v // steps for v in self.lam], dtype=object)
        gains = np.where(active, int(slopes.positive), int(slopes.negative)).astype(object) @ lam
        shortest = np.argsort(np.linalg.norm(X[:, :-1], axis=1)).tolist()
        mu = {}
        for block in range(self.patterns.count):
            on = active[cone_of(block)].tolist()
            rows = dict(self.mu.get(block, {}))
            left = sign_of(block) * gains[cone_of(block)]
            left += sum(value if on[row] else -value for row, value in rows.items())
            row = next((k for k in shortest if on[k] == (left < 0)), None)
            if left and row is not None:
                rows[row] = rows.get(row, 0) + abs(left)
            elif left:  # all rows are on one side, where nothing is left but what these make up
                rows = {}
            if rows:
                mu[block] = rows
        return replace(self, mu=mu)

    def everywhere(self, found: Relaxation, slack: float, *, stop: bool = False) -> BlockDual:
        """The same with a cover of all patterns: costs within `slack`, relative, of those priced.

        found: the relaxation that the dual is of; its neurons are where the largest costs are.
        stop: without such a cover, once there are patterns that cost more.
        """
        X, _, _, _ = self.problem.integer_form()
        level = float(self.length)
        points = {s: found.u[found.signs == s] for s in (1, -1)}
        proof = cover(
            *(X, self.lam, self.problem.activation, self.metric),
            entries=self.gauge.hidden.entries,
            points=points,
            level=level,
            slack=slack * level,
            stop=stop,
        )
        return replace(self, cover=proof)

    @classmethod
    def relaxed(
        cls,
        problem: Problem,
        gauge: Gauge,
        found: Relaxation,
        weight: float,
        *,
        penalised: bool,
    ) -> BlockDual | None:
        """The best dual point that quadratics prove for all patterns: for the squared loss among
        all lam, else that of `found`. Where none is found, None."""
        X, unit, _, _ = problem.integer_form()
        weights = problem.loss.weights
        training = Training(
            np.array(problem.y, dtype=float),
            weight,
            penalised,
            fixed=None if isinstance(problem.loss, Squared) else found.lam,
            shares=None if weights is None else np.array(weights, dtype=float),
            free=free_basis(problem),
        )
        floats = np.array(problem.X, dtype=float)

        def program(metric: Metric | None) -> Relaxed:
            norm = Norm(X, metric, entries=gauge.hidden.entries)
            return Relaxed(floats, problem.activation, norm, 1 / float(unit), training)

        metric = None
        if gauge.hidden.joint:
            metric = Metric.near(np.eye(problem.d) if found.metric is None else found.metric)
            better = program(metric).better()
            metric = metric if better is None else Metric.near(better)
        relaxed = program(metric)
        solved = relaxed.solve()
        if solved is None or not solved[0].any():
            return None
        values, halves = solved
        scale = float(np.abs(values).max()) / 2**_BITS
        lam, parts = orthogonal(problem, [round(v / scale) for v in values.tolist()])
        scale = Fraction(scale) / parts
        whole = {
            sign: (b / float(unit * scale), own * float(unit / scale))
            for sign, (b, own) in halves.items()
        }
        if not any(lam):
            return None
        proof = quadratics(X, lam, problem.activation, relaxed.norm, whole)
        return cls(problem, gauge, found.patterns, lam, {}, metric, scale, proof)

    def of(self, problem: Problem, units: Units) -> BlockDual:
        """The same for data that are `problem` in these units."""
        proof = self.cover
        if proof is not None:
            (_, inner, _, _), (_, outer, _, _) = self.problem.integer_form(), problem.integer_form()
            proof = proof.of(outer * units.x / inner)
        return replace(self, problem=problem, scale=self.scale * units.slope, cover=proof)

    @cached_property
    def cost(self) -> Fraction:
        """The largest cost, exactly, or what the cover says of it; see the class."""
        if self.cover is not None:
            return self.cover.length**2
        best = Fraction()
        for block, above in self._candidates():
            if above < np.inf and Fraction(above) ** 2 <= best:
                break
            best = max(best, self.gauge.hidden.dual_squared(self._column(block), self.metric))
        return best

    @property
    def length(self) -> Fraction:
        """The root of the cost, rounded up."""
        return sqrt_above(self.cost)

    def _column(self, block: int) -> list[int]:
        """w_b = s X^T D lam + X^T S mu, for the integer X."""
        active = self.patterns.active[cone_of(block)].tolist()
        sign = sign_of(block)
        c = [sign * v for v in self.patterns.activation.part(active, self.lam)]
        for row, value in self.mu.get(block, {}).items():
            c[row] += value if active[row] else -value
        return [sum(p * q for p, q in zip(c, x, strict=True) if p) for x in self._features]

    @cached_property
    def _features(self) -> list[tuple[int, ...]]:
        X, _, _, _ = self.problem.integer_form()
        return list(zip(*X, strict=True))

    def _candidates(self) -> Iterator[tuple[int, float]]:
        """Blocks with float upper bounds of the roots of their costs, falling, rounding included.

        For the spectral norms, whose Z may be ill-conditioned, every block has to be looked at.
        """
        blocks = np.arange(self.patterns.count)
        if self.metric is not None:
            yield from ((int(b), np.inf) for b in blocks)
            return
        X = np.array(self._features, dtype=float).T
        sizes = np.abs(X)
        patterns = replace(self.patterns, X=X)
        w = patterns.gradients(np.array(self.lam, dtype=float))
        # What the sums could lose: the usual bound n eps sum |x| |c|, doubled for X and the norm.
        loss = 2 * (self.problem.n + 8) * np.finfo(float).eps
        slopes = np.abs(patterns.activation.slopes(patterns.active))
        error = np.repeat(slopes @ (np.abs(self.lam)[:, None] * sizes), 2, axis=0)
        for block, mu in self.mu.items():
            rows = np.array(list(mu), dtype=int)
            values = np.array(list(mu.values()), dtype=float)
            w[block] += (patterns.sides(block)[rows] * values) @ X[rows]
            error[block] += values @ sizes[rows]
        order = 1 if self.gauge.hidden.entries else 2
        above = (np.linalg.norm(w, order, axis=1) + loss * error.sum(axis=1)) * (1 + loss)
        for block in np.argsort(-above):
            yield int(block), float(above[block])

    def height(self, rho: Fraction, width: int | None) -> Fraction:
        """h >= lam . f for networks of this width in the ball, in units of lam and the user's X."""
        _, x_scale, _, _ = self.problem.integer_form()
        costs = [self.gauge.cost_of(self.cost)] * (1 if self.gauge.summed else width or 1)
        return rho * self.gauge.dual(costs) / x_scale if self.cost else Fraction()

    def bound(self, loss: Loss, rho: Fraction, width: int | None) -> Fraction:
        """What it proves about the loss in the ball; at least 0."""
        unit = self._unit(loss)
        height = unit * self.height(rho, width)
        return _ALLOWANCE * loss.bound(self._times(unit), height, self.problem.y)

    def penalised_bound(self, loss: Loss, beta: Fraction) -> Fraction:
        """What it proves of the loss plus beta sum_b ||u_b||: scaled until costs are <= beta."""
        unit = self._unit(loss)
        if self.cost:
            _, x_scale, _, _ = self.problem.integer_form()
            unit = min(unit, beta * x_scale / self.length * _ALLOWANCE)
        value = loss.dual(self._times(unit), self.problem.y)
        return Fraction() if value is None else max(Fraction(), value)

    def _unit(self, loss: Loss) -> Fraction:
        """The size of one unit of lam that the loss likes best."""
        return self.scale * loss.multiple(self._times(self.scale), self.problem.y)

    def _times(self, unit: Fraction) -> list[Fraction]:
        return [unit * v for v in self.lam]
