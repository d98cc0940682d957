"""Solution sets of an optimizer in convex coordinates, where they are convex cell by cell.

A neuron is (s, alpha, u) with s = sign a, alpha = a^2 and u = |a| w; a network is a point, a tuple
of neurons. Balls are taken with R_a = 1 and R_W = rho, which a common rescaling (c W, a / c) of the
layers reaches. In these coordinates all of the constraints are convex and, for rational data,
rational:

| layer or optimizer   | constraint                                                          |
|----------------------|---------------------------------------------------------------------|
| entrywise            | u_jk^2 <= rho^2 alpha_j                                             |
| column               | ||u_j||^2 <= rho^2 alpha_j                                          |
| Frobenius            | sum_j ||u_j||^2 / alpha_j <= rho^2                                  |
| spectral             | sum_j u_j u_j^T / alpha_j <= rho^2 I                                |
| output max           | alpha_j <= 1                                                        |
| output l2            | sum_j alpha_j <= 1                                                  |
| sgd                  | loss + (beta/2) sum_j (||u_j||^2 / alpha_j + alpha_j) <= level      |

A ball has one constraint on its hidden and one on its output layer. Where hidden biases are apart
that is one on the u_j without their last entries b_j, and b_j^2 <= rho^2 alpha_j where they are
bounded.

Source: proofs_notes/paths.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from typing import Any, NamedTuple, TypeAlias

from flint import fmpq, fmpq_mat

from theory.errors import InputError
from theory.exact import from_flint, sqrt_above, squared, to_flint
from theory.gauges import Gauge
from theory.landscape.completed import free_fit, free_part_json
from theory.network import Network
from theory.problem import Problem, rational
from theory.within import Ball, Penalty, Within, require_within, settled


class Neuron(NamedTuple):
    """One neuron in convex coordinates: sign a, a^2 and |a| w (d,)."""

    sign: int
    alpha: Fraction
    u: tuple[Fraction, ...]

    @property
    def blank(self) -> bool:
        """Whether it computes zero as u = 0; its sign is then free."""
        return not any(self.u)


Point: TypeAlias = tuple[Neuron, ...]


@dataclass(frozen=True)
class SolutionSet:
    """{theta : L(theta) <= level} in a ball, or with the l2 penalty added to L.

    Raises InputError where the level is negative, or `within` neither.
    """

    problem: Problem
    within: Within
    level: Fraction

    def __post_init__(self) -> None:
        require_within(self.within, Ball, Penalty)
        problem, within = settled(self.problem, self.within)
        object.__setattr__(self, "problem", problem)
        object.__setattr__(self, "within", within)
        object.__setattr__(self, "level", rational(self.level, "level"))
        if self.level < 0:
            raise InputError("level", f"{self.level} must not be negative")

    @property
    def gauge(self) -> Gauge | None:
        """The norm of the ball; None for a penalty."""
        return self.within.gauge if isinstance(self.within, Ball) else None

    def at_level(self, level: Fraction) -> SolutionSet:
        """The same set at another level."""
        return replace(self, level=level)

    @property
    def summed(self) -> bool:
        """Whether neurons share all that they may use, but for bounds of biases, or each has room
        of its own."""
        return self.gauge is None or self.gauge.power == 1

    @property
    def joint(self) -> bool:
        """Whether more than the lengths of neurons counts: the sum of u u^T / alpha."""
        return self.gauge is not None and self.gauge.hidden.joint

    def counted(self, u: Sequence[Fraction]) -> Sequence[Fraction]:
        """The entries of u that the norm of W is of: those but the bias, where that is apart."""
        return u[:-1] if self.gauge is not None and self.gauge.apart else u

    def outer(self, neuron: Neuron) -> list[fmpq]:
        """u u^T / alpha as entries, of those that are counted."""
        return outer(neuron._replace(u=tuple(self.counted(neuron.u))))

    def stretch(self, neuron: Neuron) -> Fraction:
        """||u||^2 / alpha = ||w||^2, of the entries that are counted."""
        return squared(self.counted(neuron.u)) / neuron.alpha if any(neuron.u) else Fraction()

    def coordinates(self, network: Network) -> Point:
        """The network, rescaled so that ||a|| = 1 where there is a ball.

        Where a_j = 0 nothing is left of w_j: `violation_of` and `objective_of` count it.
        Raises InputError where its shape does not fit the data.
        """
        network.require(self.problem)
        unit = Fraction(1)
        if self.gauge is not None:
            unit = self.gauge.output_squared(network.a) or unit
        pairs = zip(network.convex_coordinates(), network.a, strict=True)
        return tuple(Neuron(sign or 1, a * a / unit, u) for (sign, u), a in pairs)

    def fit(self, point: Sequence[Neuron]) -> tuple[Fraction, ...]:
        """sum_j s_j sigma(X u_j), (n,)."""
        total = [fmpq()] * self.problem.n
        for neuron in point:
            if not neuron.blank:
                total = [f + v for f, v in zip(total, self.image(neuron), strict=True)]
        return from_flint(total)

    def image(self, neuron: Neuron) -> list[fmpq]:
        """s sigma(X u), (n,)."""
        sigma = self.problem.activation.value
        return [neuron.sign * sigma(v) for v in self.preactivations(neuron)]

    def preactivations(self, neuron: Neuron) -> list[fmpq]:
        """X u, (n,)."""
        product: fmpq_mat = self._X * fmpq_mat(len(neuron.u), 1, to_flint(neuron.u))
        return product.entries()

    @cached_property
    def _X(self) -> fmpq_mat:
        return fmpq_mat([to_flint(row) for row in self.problem.X])

    def loss(self, point: Sequence[Neuron]) -> Fraction:
        """The loss of its fit, with the best output bias and linear part where there are."""
        return self.problem.loss_of(free_fit(self.problem, self.fit(point)))

    def linear(self, point: Sequence[Neuron]) -> dict[str, Any]:
        """The best of these, as networks in JSON have them; nothing where the problem has none."""
        if not self.problem.has_free_part:
            return {}
        return free_part_json(self.problem, self.fit(point))

    def objective(self, point: Sequence[Neuron]) -> Fraction:
        """The loss, and the penalty where there is one."""
        if self.within.beta is None:
            return self.loss(point)
        return self.loss(point) + self.within.beta * sum(map(self.cost, point), Fraction())

    def objective_of(self, network: Network) -> Fraction:
        """The objective of the network as it is given, where a_j = 0 with w_j as well."""
        point = self.coordinates(network)
        objective = self.objective(point) + self._excess(network, point)
        if self.within.beta is None:
            return objective
        unused = map(squared, network.unused().values())
        return objective + self.within.beta * sum(unused, Fraction()) / 2

    def cost(self, neuron: Neuron) -> Fraction:
        """What the neuron takes of what neurons share: alpha, or its part of the penalty / beta."""
        if self.within.beta is None:
            return neuron.alpha
        return (self.stretch(neuron) + neuron.alpha) / 2

    def violation(self, point: Sequence[Neuron]) -> str:
        """Why the point is not in the set; empty where it is."""
        for j, (_, alpha, u) in enumerate(point):
            if alpha < 0 or (not alpha and any(u)):
                return f"neuron {j} has output weight 0, but not u"
        if not self.holds(point):
            return f"it lies outside {self.within}"
        objective = self.objective(point)
        return self._above(objective) if objective > self.level else ""

    def violation_of(self, network: Network) -> str:
        """Why the network, as it is given, is not in the set; empty where it is."""
        point = self.coordinates(network)
        reason = self.violation(point)
        excess = self._excess(network, point)
        if excess and not reason and (objective := self.objective(point) + excess) > self.level:
            reason = self._above(objective)
        unused = network.unused()
        if reason or not unused:
            return reason
        if self.within.rho is not None:
            assert self.gauge is not None
            if self.gauge.holds(network, self.within.rho):
                return ""
            reason = f"it lies outside {self.within}"
        else:
            objective = self.objective_of(network)
            if objective <= self.level:
                return ""
            reason = self._above(objective)
        largest = max(unused, key=lambda j: squared(unused[j]))
        return f"{reason}: neuron {largest} has output weight 0, but its input weights count"

    def _excess(self, network: Network, point: Point) -> Fraction:
        """What the network's own output bias and linear part cost more than the best."""
        if not self.problem.has_free_part:
            return Fraction()
        return network.loss(self.problem) - self.loss(point)

    def _above(self, objective: Fraction) -> str:
        what = "loss" if self.within.beta is None else "loss with penalty"
        return f"its {what} is {float(objective):.6g}, above the level {float(self.level):.6g}"

    def holds(self, point: Sequence[Neuron]) -> bool:
        """Whether the point is in the ball, if there is one."""
        if self.within.rho is None or not point:
            return True
        assert self.gauge is not None
        if self.gauge.output.total(neuron.alpha for neuron in point) > 1:
            return False
        used = [(neuron.alpha, neuron.u) for neuron in point if not neuron.blank]
        return not used or self.gauge.hidden.at_most(used, self.within.rho * self.within.rho)

    def prepared(self, point: Point) -> Point:
        """The point with output weights such that neurons can be scaled one by one.

        Where each has room of its own for them, alpha_j = 1; where it has that for w_j only, the
        least that its length allows, so that sum_j alpha_j <= 1 is all of the constraint; for ngd
        alpha_j >= ||u_j|| / rho, likewise; else the point itself. The straight line to it stays in
        the set.
        """
        return tuple(neuron._replace(alpha=self._prepared(neuron)) for neuron in point)

    def _prepared(self, neuron: Neuron) -> Fraction:
        gauge = self.gauge
        if gauge is None or (self.summed and gauge.hidden.joint):
            return neuron.alpha
        if not gauge.output.shared:
            return Fraction(1)
        if neuron.blank:
            return neuron.alpha / 2 if gauge.summed else Fraction()
        if not any(self.counted(neuron.u)):  # a free bias needs something, if next to nothing
            return neuron.alpha
        assert self.within.rho is not None
        square = self.within.rho * self.within.rho
        if gauge.summed:
            return (self.stretch(neuron) / square + neuron.alpha) / 2
        return gauge.hidden.squared([neuron.u]) / square

    def scaled(self, neuron: Neuron, factor: Fraction) -> Neuron:
        """A prepared neuron with its image times a factor >= 0."""
        u = tuple(factor * v for v in neuron.u)
        return Neuron(neuron.sign, self._growth(factor) * neuron.alpha, u)

    def _growth(self, factor: Fraction) -> Fraction:
        """By what alpha grows with u: not at all, with its square or as u does."""
        if self.summed:
            return factor
        assert self.gauge is not None
        return factor * factor if self.gauge.output.shared else Fraction(1)

    def merged(self, neurons: Sequence[Neuron]) -> Neuron:
        """One prepared neuron for prepared neurons of one closed cone and sign."""
        u = tuple(sum(row, Fraction()) for row in zip(*(n.u for n in neurons), strict=True))
        alpha = sum((neuron.alpha for neuron in neurons), Fraction())
        whole = Neuron(neurons[0].sign, alpha, u)
        return whole if self.summed else whole._replace(alpha=self._prepared(whole))

    def room(self, neuron: Neuron) -> Fraction | None:
        """How far a prepared neuron, not blank, may be scaled while all others stay; at least 1, or
        None where nothing of its own bounds it.

        Where neurons share one layer that is what they have.
        """
        gauge = self.gauge
        if gauge is None or gauge.summed:
            return None
        if gauge.free and not any(self.counted(neuron.u)):
            return None
        assert self.within.rho is not None
        if gauge.power == 2:
            return Fraction(1)
        if gauge.power == 1:  # of its bias, whose square grows as alpha does
            square = neuron.u[-1] ** 2
            return self.within.rho**2 * neuron.alpha / square if square else None
        (size,) = gauge.hidden.sizes((neuron.u,))
        if gauge.exact:
            return self.within.rho / size
        # Few digits, rounded down: exact arithmetic would carry more along.
        return max(Fraction(1), Fraction(int(self.within.rho / size * 2**10), 2**10))

    def blank(self) -> Neuron:
        """A prepared neuron that computes zero."""
        own = self.gauge is not None and not self.gauge.output.shared
        return Neuron(1, Fraction(own), (Fraction(),) * self.problem.d)


def network_of(point: Sequence[Neuron], d: int, width: int) -> Network:
    """The network a = s sqrt(alpha), w = u / |a|, with neurons of zeros up to the width.

    Its fit is that of the point, exactly. Where a root is no rational it is one from above, 2^-63
    too large at most, relatively. d: the number of features.
    """
    neurons = [neuron for neuron in point if not neuron.blank]
    sizes = [sqrt_above(neuron.alpha) for neuron in neurons]
    columns = [
        tuple(v / size for v in neuron.u) for neuron, size in zip(neurons, sizes, strict=True)
    ]
    outputs = [neuron.sign * size for neuron, size in zip(neurons, sizes, strict=True)]
    missing = width - len(neurons)
    return Network(
        W=tuple(zip(*columns, *[(Fraction(),) * d] * missing, strict=True)),
        a=(*outputs, *[Fraction()] * missing),
    )


def outer(neuron: Neuron) -> list[fmpq]:
    """u u^T / alpha as d^2 entries."""
    u, (alpha,) = to_flint(neuron.u), to_flint([neuron.alpha])
    return [v * w / alpha for v in u for w in u]
