"""Dual vectors of the fits of least loss as dual vectors of that loss, where it is positive.

Where lam_0 proves that the least loss is L, the networks of loss L have fits f in a polyhedron: an
output between two ends, and lam_0.f = 0. A dual vector lam with its height there bounds their radii
as at level 0. A certificate says it of all networks of loss at most L, whose height is D(lam) - L.
That of lam_0 + e lam is e times as much, or nearly, for small e > 0. In the states of these
cells s lam_0.relu(X u) <= 0, so there is mu >= 0 with s X^T D lam_0 + X^T (2 D - I) mu = 0: lam_0
leaves every price as it is.

Of the squared loss lam_0 is r = y - f, with weights w r, the fit is one, and the height of
lam + t r is lam.y + t r.y - sqrt(2 L) ||lam + t r||, which rises to lam.f as t grows.

Source: `joint-dual`, proofs_notes/region-interaction.md.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from functools import cache

import numpy as np

from theory.exact import dot, sqrt_above
from theory.landscape.cells import CellComplex
from theory.landscape.form import Form
from theory.landscape.nnls import LeastSquares
from theory.losses import Separable, Squared
from theory.radii.fits import Fits
from theory.regions.joint import Block, JointDual
from theory.states import cone_of, sign_of

_ALL = 1 - Fraction(1, 2**40)  # of a height, where D is curved
_HALVINGS = 200  # of a dual vector, until the height of the loss is that of the fits
_STEEP = 2**40  # about how many times lam.f the height may fall short of it
_MORE = 2**64  # finer than roots are: heights are small differences


class Tilt:
    """What it takes to turn dual vectors of fits of least loss into those of the loss.

    lam: a dual vector that proves it. ends: between which each output is. fits: all of this.
    """

    def __init__(self, complex_: CellComplex, lam: Sequence[Fraction], level: Fraction) -> None:
        self.problem = problem = complex_.problem
        assert isinstance(problem.loss, Separable)
        self._loss = problem.loss
        self.lam, self.level = tuple(lam), level
        self.ends = tuple(problem.loss.minimisers(lam, problem.y))
        self.fits = Fits.least(problem.loss, problem.y, lam, level)
        self._arrangement = complex_.arrangement
        self._multipliers = cache(self._solved)

    @property
    def tight(self) -> bool:
        """Whether lam.f = 0 says more than the ends."""
        return any(len(condition.row) > 1 for condition in self.fits.equal)

    def tilted(self, dual: JointDual) -> JointDual:
        """A dual vector of almost the same height for what it costs; only states of these cells
        keep a price."""
        if dual.height <= 0:
            return dual
        y, tilt = self.problem.y, dual.tilt
        box = [v + tilt * w for v, w in zip(dual.lam, self.lam, strict=True)]
        for power in range(_HALVINGS):
            share = Fraction(1, 2**power)
            lam = tuple(w + share * v for v, w in zip(box, self.lam, strict=True))
            height = self._loss.height(lam, self.level, y)
            if height is not None and height >= _ALL * share * dual.height:
                break
        else:  # floats that are no dual vector of these fits
            return replace(dual, height=Fraction(), tilt=Fraction())
        blocks = {}
        for state, block in dual.blocks.items():
            if (mu := self._multipliers(state)) is not None and 1 + share * tilt >= 0:
                pairs = zip(block.mu, mu, strict=True)
                sums = tuple(share * v + (1 + share * tilt) * w for v, w in pairs)
                blocks[state] = Block(tuple(own.times(share) for own in block.own), sums)
        shared = tuple(each.times(share) for each in dual.shared)
        return replace(dual, lam=lam, shared=shared, blocks=blocks, height=height, tilt=Fraction())

    def _solved(self, state: int) -> tuple[Fraction, ...] | None:
        """mu (n,) of a state; None where networks with it may have less loss."""
        sign, active = sign_of(state), self._arrangement.active(cone_of(state)).tolist()
        X, residual = self.problem.X, self.lam
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


class SquaredTilt(Tilt):
    """The same of the squared loss, whose dual vectors prove something at any length."""

    def tilted(self, dual: JointDual) -> JointDual:
        """A dual vector of almost the same height; only states of the component keep a price."""
        assert isinstance(self._loss, Squared)
        square = self._loss.length_squared(dual.lam)
        if dual.height <= 0:
            return dual
        ratio = square / dual.height * _STEEP
        steep = Fraction(2) ** (ratio.numerator.bit_length() - ratio.denominator.bit_length() + 1)
        lam = tuple(v + steep * r for v, r in zip(dual.lam, self.lam, strict=True))
        blocks = {}
        for state, block in dual.blocks.items():
            if (mu := self._multipliers(state)) is not None:
                sums = (v + steep * w for v, w in zip(block.mu, mu, strict=True))
                blocks[state] = Block(block.own, tuple(sums))
        length = self._loss.length_squared
        lost = sqrt_above(length(self.lam) * length(lam) * _MORE**2) / _MORE
        return replace(dual, lam=lam, blocks=blocks, height=dot(lam, self.problem.y) - lost)
