"""Data of size one for floating point, and the exact way back.

With X = x X', y = t y' and u = (t / x) u' a network has the loss s L', s = t^2 where the loss is
squared, in a ball of radius rho' = rho x / t or with a penalty of weight beta' = beta t / (x s).
All factors are rational, so nothing is lost.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

from theory.exact import sqrt_above, unit_of
from theory.network import Network
from theory.problem import Problem

ROOMY = Fraction(10**5)
"""A ball so large, for data of size one, that solvers fail in larger ones."""


@dataclass(frozen=True)
class Units:
    """What X and y are divided by: common factors of the user's numbers are in here, all of them.

    Losses that fix the size of the targets have y = 1.
    """

    x: Fraction
    y: Fraction
    loss: Fraction  # s

    @classmethod
    def of(cls, problem: Problem) -> Units:
        """The units in which the largest numbers are near one."""
        y = problem.loss.unit(problem.y)
        return cls(unit_of(v for row in problem.X for v in row), y, problem.loss.factor(y))

    def problem(self, problem: Problem) -> Problem:
        """(X', y'), with its loss L'."""
        X = tuple(tuple(v / self.x for v in row) for row in problem.X)
        y = tuple(v / self.y for v in problem.y)
        return replace(problem, X=X, y=y, loss=problem.loss.rescaled(self.y))

    def radius(self, rho: Fraction) -> Fraction:
        """rho'"""
        return rho * self.x / self.y

    def reach(self, rho: Fraction) -> Fraction:
        """rho', or all of it that floats can make use of: a smaller ball is inside."""
        return min(self.radius(rho), ROOMY)

    def penalty(self, beta: Fraction) -> Fraction:
        """beta'"""
        return beta * self.y / (self.x * self.loss)

    @property
    def slope(self) -> Fraction:
        """s / t: the gradient of the loss in the fit, from one in these units."""
        return self.loss / self.y

    def value(self, value: Fraction) -> Fraction:
        """The loss, from one in these units."""
        return self.loss * value

    def inner(self, network: Network) -> Network:
        """The network for (X', y'), with a as it is."""
        factor = self.x / self.y
        return replace(
            network,
            W=tuple(tuple(factor * v for v in row) for row in network.W),
            b=network.b / self.y,
            c=None if network.c is None else tuple(factor * v for v in network.c),
        )

    def network(self, network: Network, *, balanced: bool) -> Network:
        """The network for (X, y), from one for (X', y').

        balanced: whether both layers share the factor, so that |a_j| = ||w_j|| remains; else W
        takes it all.
        """
        factor = self.y / self.x
        output = sqrt_above(factor) if balanced else Fraction(1)
        hidden = factor / output
        return Network(
            W=tuple(tuple(hidden * v for v in row) for row in network.W),
            a=tuple(output * v for v in network.a),
            b=self.y * network.b,
            c=None if network.c is None else tuple(factor * v for v in network.c),
        )
