"""The balls of two optimizers in common coordinates, where their intersection is convex.

A neuron is (s, alpha, u) with alpha = a^2 and u = |a| w. Here the layers are not rescaled: the ball
of radius rho has R_W = R_a = sqrt(rho), and all of its constraints are rational and jointly convex
in (alpha, u, rho):

| norm on W | constraint                          | norm on a | constraint           |
|-----------|-------------------------------------|-----------|----------------------|
| entrywise | u_jk^2 <= rho alpha_j               | max       | alpha_j <= rho       |
| column    | ||u_j||^2 <= rho alpha_j            | l2        | sum_j alpha_j <= rho |
| Frobenius | sum_j ||u_j||^2 / alpha_j <= rho    |           |                      |
| spectral  | sum_j u_j u_j^T / alpha_j <= rho I  |           |                      |

sgd has no ball; for it rho bounds sum_j (||u_j||^2 / alpha_j + alpha_j) / 2, the penalty over beta:
minimisers with a penalty have least loss in that set.

A layer is either *shared*, so that neurons divide what there is, or each neuron has its *own* room.
That decides what width does: room of one's own grows with it. Source:
proofs_notes/region-interaction.md.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from theory.connectivity.solutions import Neuron, Point
from theory.errors import InputError
from theory.exact import dot
from theory.gauges import EUCLIDEAN, Frobenius, Hidden, Output, Scaled, gauge_of, has_gauge
from theory.geometry import Geometry, L2Penalty, geometry
from theory.problem import Problem

if TYPE_CHECKING:
    import cvxpy


class Constraints(NamedTuple):
    """A ball in CVXPY; the multipliers of `hidden` and `output` are its shared weights, if any."""

    all: list[cvxpy.Constraint]
    hidden: cvxpy.Constraint | None
    output: cvxpy.Constraint | None


@dataclass(frozen=True)
class BallShape:
    """The norms of one geometry, each of which may be left free: see `at_any_width`.

    name: in certificates. together: whether the two layers are bounded by one sum, as for sgd.
    """

    name: str
    hidden: Hidden | None
    output: Output | None
    together: bool = False

    @property
    def shared_hidden(self) -> bool:
        """Whether the neurons divide the ball of the hidden layer."""
        return self.hidden is not None and self.hidden.shared

    @property
    def shared_output(self) -> bool:
        """Whether the neurons divide the ball of the output layer."""
        return self.output is not None and self.output.shared

    @property
    def own_hidden(self) -> bool:
        """Whether each neuron has a ball of its own for w."""
        return self.hidden is not None and not self.hidden.shared

    @property
    def own_output(self) -> bool:
        """Whether each neuron has an interval of its own for a."""
        return self.output is not None and not self.output.shared

    @property
    def entries(self) -> bool:
        """Whether the hidden layer is bounded entry by entry."""
        return self.hidden is not None and self.hidden.entries

    @property
    def joint(self) -> bool:
        """Whether the hidden layer has a spectral norm."""
        return self.hidden is not None and self.hidden.joint

    @property
    def box(self) -> bool:
        """Whether a neuron in the ball has any |u_jk| <= rho: a polytope."""
        return self.entries and self.own_output

    def at_any_width(self) -> BallShape:
        """What is left of the ball where neurons may be split into as many equal ones as needed:
        no bounds of each neuron's own."""
        return replace(
            self,
            hidden=self.hidden if self.shared_hidden else None,
            output=self.output if self.shared_output else None,
        )

    def needed(self, point: Point) -> Fraction:
        """The least rho of a ball that holds the point; with a spectral norm a little more."""
        hidden, output = self.hidden_needed(point), self.output_needed(point)
        return (hidden + output) / 2 if self.together else max(hidden, output)

    def hidden_needed(self, point: Point) -> Fraction:
        """||W||^2"""
        used = _used(point)
        return self.hidden.stretched(used) if self.hidden and used else Fraction()

    def output_needed(self, point: Point) -> Fraction:
        """||a||^2"""
        return self.output.total(n.alpha for n in point) if self.output and point else Fraction()

    def holds(self, point: Point, rho: Fraction) -> bool:
        """Whether the ball of radius rho holds the point, exactly."""
        if self.together or not self.hidden:
            return self.needed(point) <= rho
        used = _used(point)
        inside = not used or self.hidden.at_most(used, rho)
        return inside and self.output_needed(point) <= rho

    def constraints(
        self,
        U: cvxpy.Expression,
        alpha: cvxpy.Expression,
        room: cvxpy.Expression,
        rho: cvxpy.Expression,
    ) -> Constraints:
        """The ball in terms of blocks of equal neurons, of which U (d, b) and alpha (b) are sums.

        room: (b,), rho times the number of neurons in each block; for what is their own.
        """
        import cvxpy

        cp: Any = cvxpy  # mypy does not see the functions it exports
        d, blocks = U.shape
        all_: list[cvxpy.Constraint] = []
        hidden = output = None
        if self.shared_hidden:
            if self.joint:
                hidden = cp.bmat([[rho * np.eye(d), U], [U.T, cp.diag(alpha)]]) >> 0
            else:
                squares = cp.Variable(blocks)
                all_.append(
                    cp.SOC(squares + alpha, cp.vstack([2 * U, squares[None] - alpha[None]]))
                )
                if self.together:
                    hidden = cp.sum(squares) + cp.sum(alpha) <= 2 * rho
                else:
                    hidden = cp.sum(squares) <= rho
            all_.append(hidden)
        elif self.own_hidden:
            rows = [U[k : k + 1] for k in range(d)] if self.entries else [U]
            difference = (room - alpha)[None]
            all_ += [cp.SOC(room + alpha, cp.vstack([2 * row, difference])) for row in rows]
        if self.shared_output and not self.together:
            output = cp.sum(alpha) <= rho
            all_.append(output)
        elif self.own_output:
            all_.append(alpha <= room)
        return Constraints(all_, hidden, output)


def ball_of(optimizer: str | Geometry) -> BallShape:
    """The ball of an optimizer; raises InputError for one that is not known here."""
    found = geometry(optimizer)
    if isinstance(found, L2Penalty):
        return BallShape("l2", Frobenius(), EUCLIDEAN, together=True)
    if not has_gauge(found):
        raise InputError("optimizers", f"the regions of {found.name} are not known here")
    gauge = gauge_of(found.ball)
    return BallShape(gauge.name, gauge.hidden, gauge.output)


def image(problem: Problem, neuron: Neuron) -> tuple[Fraction, ...]:
    """s sigma(X u), (n,)"""
    sigma = problem.activation.value
    return tuple(neuron.sign * sigma(dot(row, neuron.u)) for row in problem.X)


def _used(point: Point) -> Scaled:
    """The pairs (alpha, u) of neurons that are not zero."""
    return [(neuron.alpha, neuron.u) for neuron in point if neuron.alpha]
