"""Dual vectors of one fit as dual vectors of the least loss, where that is positive.

The networks of least loss L of a component have one fit f, and with lam.f in place of a height a
dual vector bounds their radii as at level 0. A certificate says it of all networks of loss at most
L, whose height is lam.y - sqrt(2 L) ||lam||. With r = y - f, where r.f = 0 and ||r||^2 = 2 L, the
height of lam + t r rises to lam.f as t grows. In the states of the component s r.relu(X u) <= 0, so
there is mu >= 0 with s X^T D r + X^T (2 D - I) mu = 0: t times that leaves every price as it is.
With weights w the vector is w r, and lengths are those of weights 1 / w.

Source: `joint-dual`, proofs_notes/region-interaction.md.
"""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction
from functools import cache

import numpy as np

from theory.exact import dot, sqrt_above
from theory.landscape.cells import CellComplex
from theory.landscape.form import Form
from theory.landscape.nnls import LeastSquares
from theory.losses import Squared
from theory.regions.joint import Block, JointDual
from theory.states import cone_of, sign_of

_STEEP = 2**40  # about how many times lam.f the height may fall short of it
_MORE = 2**64  # finer than roots are: heights are small differences


class Tilt:
    """A fit of least loss, and what it takes to turn dual vectors of it into those of the loss."""

    def __init__(self, complex_: CellComplex, fit: tuple[Fraction, ...]) -> None:
        problem = complex_.problem
        self.problem = replace(problem, y=fit)
        self._y = problem.y
        loss = problem.loss
        assert isinstance(loss, Squared)
        self._loss = loss
        pairs = zip(problem.y, fit, loss.every_weight(problem.n), strict=True)
        self._residual = tuple(w * (y - f) for y, f, w in pairs)
        self._arrangement = complex_.arrangement
        self._multipliers = cache(self._solved)

    def tilted(self, dual: JointDual) -> JointDual:
        """A dual vector of almost the same height; only states of the component keep a price."""
        square = self._loss.length_squared(dual.lam)
        if dual.height <= 0:
            return dual
        ratio = square / dual.height * _STEEP
        steep = Fraction(2) ** (ratio.numerator.bit_length() - ratio.denominator.bit_length() + 1)
        lam = tuple(v + steep * r for v, r in zip(dual.lam, self._residual, strict=True))
        blocks = {}
        for state, block in dual.blocks.items():
            if (mu := self._multipliers(state)) is not None:
                sums = (v + steep * w for v, w in zip(block.mu, mu, strict=True))
                blocks[state] = Block(block.own, tuple(sums))
        length = self._loss.length_squared
        lost = sqrt_above(length(self._residual) * length(lam) * _MORE**2) / _MORE
        return replace(dual, lam=lam, blocks=blocks, height=dot(lam, self._y) - lost)

    def _solved(self, state: int) -> tuple[Fraction, ...] | None:
        """mu (n,) of a state; None where networks with it may have less loss."""
        sign, active = sign_of(state), self._arrangement.active(cone_of(state)).tolist()
        X, residual = self.problem.X, self._residual
        common = math.lcm(*(v.denominator for row in X for v in row))
        size = math.lcm(*(r.denominator for r in residual))
        rows = [k for k, row in enumerate(X) if any(row)]
        walls = [[int(v * common) * (1 if active[k] else -1) for v in X[k]] for k in rows]
        sigma, steps = self.problem.activation.whole
        part = sigma.part(active, [int(r * size) for r in residual])
        features = [[int(v * common) for v in column] for column in zip(*X, strict=True)]
        target = [-sign * dot(part, column) for column in features]
        columns = np.array(walls, dtype=object).reshape(len(rows), len(X[0]))
        minimum = LeastSquares(columns, Form.squares(target)).minimum(tuple(range(len(rows))))
        if minimum.value:
            return None
        mu = [Fraction()] * len(X)
        for place, coefficient in minimum.coefficients():
            mu[rows[place]] = coefficient / (size * steps)
        return tuple(mu)
