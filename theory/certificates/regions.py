"""Certificates of kind `regions`: which radii of one or two balls networks of a small loss reach.

A point that is attained has a network, one that is excluded has duals: weights of the balls'
constraints that bound lam.f, state by state, as in `proofs_notes/certificates.md`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import TypeAlias

from theory.certificates import algebra, covering, reading, states, work
from theory.certificates.algebra import mask
from theory.certificates.balls import BALLS, Norms
from theory.certificates.cones import Arrangement
from theory.certificates.kinds import Checked, Kind
from theory.certificates.losses import Loss
from theory.certificates.neurons import Inputs, Sums, read_neuron
from theory.certificates.reading import fail, show
from theory.certificates.states import State
from theory.problem import Problem

_FIELDS = (
    *("format", "version", "kind", "problem", "width", "level"),
    *("balls", "duals", "points"),
)

_NAMES = (*BALLS, "l2")

Radii: TypeAlias = list[Fraction | None]  # by ball; None where it is not asked for


@dataclass(frozen=True)
class _Weights:
    """Of the constraints of one ball, shared by all neurons or of one: they bound its part of
    u^T hidden u / alpha + output alpha by rho times the price."""

    hidden: list[list[Fraction]]  # (d, d)
    output: Fraction
    price: Fraction


@dataclass(frozen=True)
class _Dual:
    gain: Fraction  # h: at most lam.f where the loss is at most the level
    shared: list[Fraction]  # prices by ball
    blocks: dict[tuple[int, int], list[Fraction]]  # by state: the prices of its own weights
    positive: dict[int, int]  # sign: set of the rays v with lam.(s sigma(X v)) > 0

    def costs(self, everything: Sequence[State], radii: Radii) -> list[Fraction | None]:
        """What a neuron of each state adds to the bound on lam.f; None: no bound."""
        words = 1 + self.positive[1].bit_length() // 64
        work.spend("costs of states", len(everything) * (32 + words))
        costs: list[Fraction | None] = []
        for state in everything:
            own = self.blocks.get(state.key)
            if own is None:
                free = not state.cone.generators & self.positive[state.sign]
                costs.append(Fraction() if free else None)
            else:
                costs.append(_bound(own, radii))
        return costs


def _bound(prices: Sequence[Fraction], radii: Radii) -> Fraction | None:
    """sum rho_i price_i; None if there is a price for a ball that is not asked for."""
    total = Fraction()
    work.spend("prices", 4 * work.rational(sum(map(work.size, (*prices, *filter(None, radii))))))
    for price, rho in zip(prices, radii, strict=True):
        if price:
            if rho is None:
                return None
            total += rho * price
    return total


class Regions:
    """A certificate of this kind; `statement` verifies its points."""

    def __init__(self, fields: Mapping[str, object], problem: Problem) -> None:
        self.fields = fields
        self.problem = problem
        self.width = None if fields["width"] is None else reading.width(fields["width"])
        self.level = _not_negative(fields["level"], "level")
        self.balls: list[Norms] = []
        for k, name in enumerate(reading.entries(fields["balls"], "balls")):
            if not isinstance(name, str) or name not in _NAMES:
                fail(f"balls[{k}]", f"must be one of {', '.join(_NAMES)}, not {show(name)}")
            self.balls.append(Norms(name))
        if len(self.balls) not in (1, 2):
            fail("balls", f"has {len(self.balls)} entries, but must have 1 or 2")
        self._sigma = algebra.sigma_of(problem)
        self._loss = Loss(problem)
        duals = reading.entries(fields["duals"], "duals")
        self.duals = [self._dual(value, f"duals[{i}]") for i, value in enumerate(duals)]

    def statement(self) -> str:
        """Verify every point; what is proved."""
        attained: list[Radii] = []
        excluded: list[Radii] = []
        for k, value in enumerate(reading.entries(self.fields["points"], "points")):
            where = f"points[{k}]"
            if "neurons" in reading.mapping(value, where):
                point = ("rho", "neurons")
                fields, linear = reading.with_linear(value, where, point, self.problem)
                radii = self._radii(fields["rho"], f"{where}.rho")
                self._check_attained(radii, fields["neurons"], linear, where)
                attained.append(radii)
            else:
                fields = reading.fields(value, where, ("rho", "duals"))
                radii = self._radii(fields["rho"], f"{where}.rho")
                self._check_excluded(radii, fields["duals"], where)
                excluded.append(radii)
        if not attained and not excluded:
            fail("points", "is empty")
        width = "any width" if self.width is None else f"width {show(self.width)}"
        if len(attained) + len(excluded) > 1:
            below = set(map(tuple, excluded))
            both = sum(tuple(radii) in below for radii in attained)
            names = " and ".join(ball.name for ball in self.balls)
            return (
                f"at {width} and loss at most {show(self.level)}, of the points of radii in the "
                f"{names} balls {len(attained)} are attained, {len(excluded)} "
                f"are lower bounds, and {both} are both, so the least"
            )
        networks = f"of {width} with loss at most {show(self.level)}"
        (radii,) = attained or excluded
        asked = [(ball.name, rho) for ball, rho in zip(self.balls, radii, strict=True) if rho]
        places = [f" in the {name} ball rho = {show(rho)}" for name, rho in asked]
        if attained:
            return f"a network {networks} lies{' and'.join(places)}"
        given, (last, least) = "".join(places[:-1]), asked[-1]
        return f"every network {networks}{given} needs rho >= {show(least)} in the {last} ball"

    @cached_property
    def _arrangement(self) -> Arrangement:
        return Arrangement(algebra.integer_form(self.problem)[0], self._sigma)

    @cached_property
    def _inputs(self) -> Inputs:
        return Inputs(self.problem)

    @cached_property
    def _states(self) -> list[State]:
        return [State(s, cone) for cone in self._arrangement.cones() for s in (1, -1)]

    # Duals.

    def _dual(self, value: object, where: str) -> _Dual:
        fields = reading.fields(value, where, ("lam", "shared", "blocks"))
        lam = reading.vector(fields["lam"], f"{where}.lam", self.problem.n)
        if self.level:
            gain = self._loss.proof(lam, f"{where}.lam").height(self.level)
        else:
            gain = self._loss.zero_height(lam, f"{where}.lam")
        if gain <= 0:
            fail(f"{where}.lam", "proves nothing: lam.f need not be positive at this level")
        shared = self._weights(fields["shared"], f"{where}.shared", own=False)
        blocks: dict[tuple[int, int], list[Fraction]] = {}
        for j, entry in enumerate(reading.entries(fields["blocks"], f"{where}.blocks")):
            here = f"{where}.blocks[{j}]"
            sign, sigma, values, pairs = reading.entries(entry, here, 4)
            state = states.read(sign, sigma, here, self._arrangement)
            if state.key in blocks:
                fail(here, "is a block for the second time")
            own = self._weights(values, f"{here}[2]", own=True)
            mu = reading.multipliers(pairs, f"{here}[3]", self.problem.n)
            if not algebra.is_positive(
                _form(self._column(state, lam, mu), shared + own), definite=False
            ):
                fail(here, "its weights do not bound lam.f: their matrix is not positive")
            blocks[state.key] = [weights.price for weights in own]
        integer_lam = algebra.integers(lam)[0]
        columns = self._arrangement.generators.columns
        bits = work.length(integer_lam) + max(map(work.length, columns), default=0)
        each = len(lam) * work.integer(bits) + work.kept(bits) + 8
        work.spend("products of duals with rays", len(columns) * each)
        products = [algebra.dot(integer_lam, v) for v in columns]
        positive = {1: mask(p > 0 for p in products), -1: mask(p < 0 for p in products)}
        return _Dual(gain, [weights.price for weights in shared], blocks, positive)

    def _weights(self, value: object, where: str, *, own: bool) -> list[_Weights]:
        """One entry for each ball, for the layers that neurons share or do not; others are zero."""
        d = self.problem.d
        found = []
        for k, entry in enumerate(reading.entries(value, where, len(self.balls))):
            here, ball = f"{where}[{k}]", self.balls[k]
            # The penalty has one constraint for both layers.
            layers = ("hidden",) if ball.name == "l2" else ("hidden", "output")
            names = tuple(v for v in layers if (v in ball.shared) != own)
            fields = reading.fields(entry, here, names)
            hidden, price = [[Fraction()] * d] * d, Fraction()
            if "hidden" in fields:
                hidden, price = self._hidden(fields["hidden"], f"{here}.hidden", ball)
            output = Fraction()
            if "output" in fields:
                output = _not_negative(fields["output"], f"{here}.output")
            elif ball.name == "l2":
                output = price
            found.append(_Weights(hidden, output, price + output))
        return found

    def _hidden(
        self, value: object, where: str, ball: Norms
    ) -> tuple[list[list[Fraction]], Fraction]:
        """The matrix of hidden weights, and its price."""
        d = self.problem.d
        if ball.spectral:
            Z = reading.symmetric(value, where, d)
            if not algebra.is_positive(Z, definite=False):
                fail(where, "is not positive semidefinite")
            return [list(row) for row in Z], sum((Z[k][k] for k in range(d)), Fraction())
        if ball.hidden == "entrywise":
            entries = reading.entries(value, where, d)
            diagonal = [_not_negative(v, f"{where}[{k}]") for k, v in enumerate(entries)]
            return _diagonal(diagonal), sum(diagonal, Fraction())
        weight = _not_negative(value, where)
        return _diagonal([weight] * d), weight

    def _column(
        self, state: State, lam: Sequence[Fraction], mu: Mapping[int, Fraction]
    ) -> list[Fraction]:
        """w = s X^T D lam + X^T (2 D - I) mu"""
        w = [Fraction()] * self.problem.d
        sigma = self._arrangement.sigma(state.cone.sides)
        for k, (row, side) in enumerate(zip(self.problem.X, sigma, strict=True)):
            factor = mu.get(k, Fraction())
            slope = Fraction(self._sigma.slope(side), self._sigma.unit)
            factor = state.sign * slope * lam[k] + (factor if side == "+" else -factor)
            bits = work.size(factor) + work.lengths(row) + work.lengths(w)
            work.spend("columns of blocks", 2 * len(w) * work.rational(bits))
            if factor:
                w = [v + factor * x for v, x in zip(w, row, strict=True)]
        return w

    # Points.

    def _radii(self, value: object, where: str) -> Radii:
        radii: Radii = []
        for k, entry in enumerate(reading.entries(value, where, len(self.balls))):
            rho = None if entry is None else reading.rational(entry, f"{where}[{k}]")
            if rho is not None and rho <= 0:
                fail(f"{where}[{k}]", f"is {show(rho)}, but must be positive")
            radii.append(rho)
        if not any(radii):
            fail(where, "asks for no ball")
        return radii

    def _check_attained(
        self, radii: Radii, value: object, linear: Sequence[Fraction], where: str
    ) -> None:
        """The network lies in the balls asked for, and its loss is at most the level."""
        values = reading.entries(value, f"{where}.neurons")
        if self.width is not None and len(values) > self.width:
            fail(f"{where}.neurons", f"has {len(values)} neurons, but the width is {self.width}")
        neurons = [
            read_neuron(v, f"{where}.neurons[{j}]", self._inputs) for j, v in enumerate(values)
        ]
        for ball, rho in zip(self.balls, radii, strict=True):
            if rho is None:
                continue
            sums = Sums(self.problem, ball, linear)
            for neuron in neurons:
                sums.add(neuron, 1)
            if not sums.inside(neurons, rho, rho):
                fail(where, f"the network lies outside the {ball.name} ball rho = {show(rho)}")
            if sums.loss > self.level:
                fail(where, f"its loss {show(sums.loss)} is above the level {show(self.level)}")

    def _check_excluded(self, radii: Radii, value: object, where: str) -> None:
        """Each multiset of states is covered by one of the duals."""
        asked = [k for k, rho in enumerate(radii) if rho is not None]
        weights, limits = [], []
        for k, entry in enumerate(reading.entries(value, f"{where}.duals")):
            here = f"{where}.duals[{k}]"
            index = reading.index(entry, here, len(self.duals), "duals")
            dual = self.duals[index]
            shared = _bound(dual.shared, radii)
            if shared is None:
                fail(here, f"dual {index} has shared weights for a ball that is not asked for")
            strict = len(asked) > 1 and not dual.shared[asked[-1]]
            own, limit = covering.weigh(
                dual.costs(self._states, radii), dual.gain - shared, strict=strict
            )
            weights.append(own)
            limits.append(limit)
        if self.width is None:
            covers = zip(weights, limits, strict=True)
            if not any(limit >= 0 and not any(own) for own, limit in covers):
                fail(f"{where}.duals", "no dual bounds networks of any width")
            return
        # No network of the certificate needs to have so many neurons.
        work.spend("neurons of each multiset", self.width)
        for multiset in covering.escaping(len(self._states), weights, limits, self.width):
            cell = states.show_cell([self._states[i] for i in multiset], self._arrangement)
            fail(f"{where}.duals", f"no dual covers the cell {cell}")


def _diagonal(entries: Sequence[Fraction]) -> list[list[Fraction]]:
    zero = Fraction()
    return [[v if i == k else zero for i in range(len(entries))] for k, v in enumerate(entries)]


def _form(w: Sequence[Fraction], weights: Sequence[_Weights]) -> list[list[Fraction]]:
    """[[Q, w/2], [w/2, c]], of which Q and c add up over the balls."""
    rows = [
        [sum(entries, Fraction()) for entries in zip(*rows, strict=True)] + [v / 2]
        for v, *rows in zip(w, *(part.hidden for part in weights), strict=True)
    ]
    return [*rows, [*(v / 2 for v in w), sum((part.output for part in weights), Fraction())]]


def _not_negative(value: object, where: str) -> Fraction:
    found = reading.rational(value, where)
    if found < 0:
        fail(where, f"is {show(found)}, but must not be negative")
    return found


def _checked(fields: Mapping[str, object], problem: Problem) -> Checked:
    found = Regions(fields, problem)
    return Checked(found.statement(), duals=len(found.duals))


KINDS = {"regions": Kind(_FIELDS, _checked)}
