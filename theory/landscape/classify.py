"""What kind of point one network is, at any n, d and width: no landscape is enumerated.

The cells around a network are few, and each has a convex program. Its minimum says how far above
rest the network is at most; at a minimum one dual vector proves that no cell around has a lower
point (`theory.landscape.around`), or a network in one of them shows that one has.

>>> from theory import Ball, Network, example
>>> found = classify(example("flagship"), Network([[1, 0], [0, 1]], [1, 1]), Ball("adamw", "11/5"))
>>> found.verdict, str(found.distance)
('not stationary', '7')
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from itertools import chain, islice, product
from math import prod
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

from theory.documents import exact, interval_document
from theory.errors import BudgetError, InputError, Undecided
from theory.landscape.around import Dual, State, states_around
from theory.landscape.cell_program import CellMinimum, CellProgram
from theory.landscape.cells import require_cells
from theory.landscape.ends import TOLERANCE
from theory.landscape.gap import least_gap
from theory.landscape.kinks import MOST, RULES, RestPoint, rest_points
from theory.landscape.penalised import balanced
from theory.landscape.valleys import Valleys, valleys
from theory.losses import Separable
from theory.network import Network
from theory.problem import Problem, format_rational
from theory.tables import Between, Shown, Table
from theory.text import show
from theory.types import Array, Progress, silent
from theory.within import Ball, Penalty, Within, require_decayed

if TYPE_CHECKING:
    from jaxtyping import Float

DEFAULT_MAX_CELLS = 20_000
"""Cones that a neuron may go to, and cells of a landscape whose tree is grown beside."""

_PROGRAMS = 500  # the same for a landscape in which each takes a convex program
_AROUND = 64  # cells up to which all around a network are looked at, or states of neurons
_MORE = 1 + Fraction(1, 10**9)  # times what a state has to have more, to be steeper
_LOWER = Fraction(1, 1000)  # of the tolerance: a network lower by so much is lower
_NONE = 1e-9  # of x . u, for rows and directions of size one: on neither side
_NEAR = 1e-3  # how near kinks are at which a run may be at rest, relative to rows and weights
_AT = Fraction(1, 10**6)  # of the targets: an output so near a kink of the loss is at it
_STARTS = 64  # of a search for directions in which a zero neuron may leave
_ROUNDS = 20  # of each of them
_TRIED = 4  # of those found
_ALLOWANCE = Fraction(1, 2**50)  # of a loss, for a checker that rounds roots more coarsely

Verdict: TypeAlias = Literal[
    "global minimum",
    "local minimum",
    "plateau",
    "saddle",
    "kink",
    "escapes through a blank neuron",
    "not stationary",
]


@dataclass(frozen=True, repr=False)
class Classified(Shown):
    """What a network is.

    verdict: `global minimum`, if a lower bound of all losses is at hand; `local minimum`, no cell
        around has a lower point; `plateau`, a local minimum from which a path of no higher loss
        leads lower (found for dead neurons, and by the merge tree where that is small); `escapes
        through a blank neuron`, at rest, but for a neuron that is zero; `saddle`, Clarke stationary
        with lower points around; `kink`, at rest of its optimizer on kinks, though not stationary;
        else `not stationary`.
    loss: with the penalty, if there is one. cell_minimum: of the cells around, from both sides,
        with zero neurons at zero. distance: how far the loss is above it at most.
    gap: the Frank-Wolfe gap in a ball, in units of the loss; else the length of the gradient, in
        units of loss over weights. On kinks the least over mixtures: see `gap.least_gap`.
    valley: of the merge tree, where it is small: see `Valleys.home`.
    stationary: the point of least loss of these cells, where the network is as low.
        Its dual proves that no point around is lower by more than `slack`; None where one is. With
        kinks of the loss it may take one dual vector for each cell around: `dual` is None then.
    lower: a network of lower loss in a closed cell that holds the stationary point, or to which a
        path of no higher loss leads; None for minima. rest: what a kink's equations say.
    """

    problem: Problem
    within: Within | None
    network: Network
    verdict: Verdict
    loss: Fraction
    cell_minimum: tuple[Fraction, Fraction]
    distance: Fraction
    gap: float
    valley: int | None = None
    stationary: Network | None = None
    slack: Fraction | None = None
    dual: Dual | None = None
    lower: Network | None = None
    rest: RestPoint | None = None

    @property
    def summary(self) -> str:
        """The verdict, and the loss."""
        return f"{self.verdict}, of loss {show(self.loss)}"

    def _table(self) -> Table:
        """What was found, row by row."""
        return Table(
            ("", "value"),
            [
                ("verdict", self.verdict),
                ("loss", self.loss),
                ("least loss of the cells around", Between(*self.cell_minimum)),
                ("above that by at most", self.distance),
                ("gap", self.gap),
                ("valley", self.valley),
                ("no point around lower by more than", self.slack),
            ],
        )

    def to_json(self) -> dict[str, Any]:
        """The document of `isthmus classify`."""
        return {
            "within": self.within and self.within.optimizer,
            "rho": self.within and exact(self.within.rho),
            "beta": self.within and exact(self.within.beta),
            "verdict": self.verdict,
            "loss": format_rational(self.loss),
            "cell_minimum": interval_document(*self.cell_minimum),
            "distance": format_rational(self.distance),
            "gap": self.gap,
            "valley": self.valley,
            "slack": exact(self.slack),
            "stationary": None if self.stationary is None else self.stationary.to_json(),
            "lower": None if self.lower is None else self.lower.to_json(),
            "kinks": None
            if self.rest is None
            else [
                {"row": row, "neuron": neuron, "share": share}
                for (row, neuron), share in zip(
                    self.rest.kinks, self.rest.shares.tolist(), strict=True
                )
            ],
        }


def classify(
    problem: Problem,
    network: Network,
    within: Within | None = None,
    *,
    bound: Fraction | None = None,
    max_cells: int = DEFAULT_MAX_CELLS,
) -> Classified:
    """What kind of point a network is: see `Classified`.

    bound: a lower bound of all losses there, as of `theory.programs.relax`, by which a minimum may
    be known for a global one where the landscape is large; zero by default.

    Losses count as equal up to 10^-5 times twice that of zero weights, ||y||^2 where it is squared;
    distance and slack say how far they are proved to be.
    max_cells: the most cones that a neuron on kinks may go to.
    Raises InputError for a network of other data or outside its ball, BudgetError where a neuron
    has more cones to go to, SolverFailure, and Undecided where a zero neuron has more and none was
    found that leads lower.
    Source: `around`, `distance`, proofs_notes/valleys.md.
    """
    classifier = Classifier(problem, network.width, within, bound=bound, max_cells=max_cells)
    return classifier.of(network)


class Classifier:
    """`classify` for many networks of one width: what they share is computed once.

    Raises InputError for losses without proofs, and hidden biases apart from the ball.
    """

    def __init__(
        self,
        problem: Problem,
        width: int,
        within: Within | None = None,
        *,
        bound: Fraction | None = None,
        max_cells: int = DEFAULT_MAX_CELLS,
        progress: Progress = silent,
    ) -> None:
        if not isinstance(problem.loss, Separable):
            raise InputError(
                "loss", "points are classified for losses with proofs, not for one's own"
            )
        require_decayed(problem, within, "points are classified")
        self.problem, self.width, self.within = problem, width, within
        self.bound = bound or Fraction()
        self.progress = progress
        self.max_cells = max_cells
        self.program = CellProgram(problem, within)
        self.tolerance = 2 * Fraction(TOLERANCE) * problem.zero

    def of(self, network: Network) -> Classified:
        """What kind of point a network is; see `classify`."""
        point = _Point(self, network)
        point.require_inside()
        return point.classified()

    def least_of_cell(self, network: Network) -> Network:
        """The network of least loss in the cell of one, which may be outside the ball.

        Dead neurons are as they were, where the ball has room, else zero. Errors: see `classify`.
        """
        return _Point(self, network).least()

    def polished(self, found: Classified) -> Classified:
        """The local minimum that a network is at, or to which a path of no higher loss leads.

        It leads to the least point of the cell, then of one beside it in which the loss falls, and
        so on: in each cell the loss is convex, and falls along a segment. Errors: see `classify`.
        """
        steps = 0
        while found.slack is None and (following := found.lower or found.stationary) is not None:
            if following == found.network:
                break
            self.progress("cells on the way down", steps)
            steps += 1
            found = _Point(self, following).classified(passing=True)
        if found.stationary is not None and found.stationary != found.network:
            found = self.of(found.stationary)
        return found

    @cached_property
    def tree(self) -> Valleys | None:
        """The merge tree, where it is small."""
        if isinstance(self.within, Penalty):
            return None
        linear = self.within is None or self.within.gauge.exact
        limit = min(self.max_cells, DEFAULT_MAX_CELLS if linear else _PROGRAMS)
        try:
            require_cells(self.problem, self.width, labelled=False, max_cells=limit)
            return valleys(
                self.problem,
                self.width,
                within=self.within,
                max_cells=limit,
                progress=self.progress,
            )
        except BudgetError:
            return None

    @cached_property
    def least(self) -> Fraction:
        """A lower bound of all losses: of the landscape, where it is small, else the one given."""
        return self.bound if self.tree is None else self.tree.valleys[0].proved_birth


class _Point:
    """One network, as it is looked at."""

    def __init__(self, classifier: Classifier, network: Network) -> None:
        problem, within = classifier.problem, classifier.within
        network.require(problem)
        self.problem, self.network, self.within = problem, network, within
        self.classifier = classifier
        self.max_cells, self.tolerance = classifier.max_cells, classifier.tolerance
        self.program, self.data = classifier.program, classifier.program.data
        self.u = [u for _, u in network.convex_coordinates()]
        self.loss = self._objective(network)
        sigma = problem.activation.value
        outputs, _ = self.data.outputs(self.u)
        # Neurons that do nothing: they are zero, or dead.
        self.idle = [not any(map(sigma, values)) for values in outputs]
        self._busy = [j for j, idle in enumerate(self.idle) if not idle]
        X = np.array(problem.X, dtype=float)
        self._X = X / (np.abs(X).max() or 1.0)

    def _objective(self, network: Network) -> Fraction:
        """The loss, with the penalty of the weights as they stand."""
        loss = network.loss(self.problem)
        return loss + self.within.of(network) if isinstance(self.within, Penalty) else loss

    def require_inside(self) -> None:
        """Raise InputError where the network is outside the ball."""
        ball = self.within
        if not isinstance(ball, Ball):
            return
        if self.network.unused():
            square = ball.gauge.hidden.squared(self.network.neurons())
            needed = square * ball.gauge.output_squared(self.network.a)
            inside, needs = ball.gauge.holds(self.network, ball.rho), float(needed) ** 0.5
        else:
            norm = self.program.norm(self.u)
            inside, needs = norm <= ball.rho, float(norm)
        if not inside:
            more = f"rho = {needs:.15g}, which is {needs - float(ball.rho):.3g} more"
            raise InputError("W", f"is outside {ball}: it needs {more}")

    def classified(self, *, passing: bool = False) -> Classified:
        """passing: of a network on the way down only lower ones are asked for; its gap is nan."""
        minima, proved = self._cells_around()
        least = min(minima, key=lambda minimum: minimum.upper)
        self.found: dict[str, Any] = {
            "problem": self.problem,
            "within": self.within,
            "network": self.network,
            "loss": self.loss,
            "cell_minimum": (min(proved, least.upper), least.upper),
            "distance": self.loss - min(proved, least.upper),
            "gap": math.nan,
        }
        if passing and self.loss - least.upper > self.tolerance:
            lower = self._network(least)
            return Classified(verdict="not stationary", lower=lower, **self.found)
        self.found["gap"] = self._gap(self.network)
        tree = self.classifier.tree
        if tree is not None:
            home = tree.home(self.network)
            self.found["valley"] = None if home is None else home.id
        if self.loss - least.upper <= self.tolerance:
            return self._at_rest(least)
        lower = self._network(least)
        if self._is_flat(self.found["gap"]):
            return Classified(verdict="saddle", lower=lower, **self.found)
        rest = self._on_kinks()
        if rest is not None:
            return Classified(verdict="kink", rest=rest, lower=lower, **self.found)
        return Classified(verdict="not stationary", lower=lower, **self.found)

    def least(self) -> Network:
        """The least point of the cell; of one of them, if there are several."""
        states = states_around(self.data, self.network, self.max_cells, neurons=self._busy)
        return self._network(self.program.minimum([own[0] for own in states]))

    def _cells_around(self) -> tuple[list[CellMinimum], Fraction]:
        """Minima of the cells around, idle neurons left out, and a lower bound of all of them.

        Where they are many, of the first and of the steepest. The bound is then that of a neuron in
        each of the states, which can do what any cell can, or by the dual vector of the first.
        """
        busy = self._busy
        states = states_around(self.data, self.network, self.max_cells, neurons=busy)
        if prod(map(len, states)) <= _AROUND:
            minima = [self.program.minimum(cell) for cell in product(*states)]
            return minima, min(minimum.lower for minimum in minima)
        first = self.program.minimum([own[0] for own in states])
        every = [state for own in states for state in own]
        nu = first.dual.nu
        states = states_around(self.data, self.network, self.max_cells, nu=nu, neurons=busy)
        dual = self.program.prices.again(first.dual, states)
        steepest = [self._beside(first, cell) for cell in islice(self._steep(first, dual), 1)]
        proved = dual.bound
        if len(every) <= _AROUND:
            proved = max(proved, self.program.minimum(every).lower)
        return [first, *steepest], proved

    def _resolved(self, state: State, dual: Dual, beside: State) -> State:
        """A state with each row on the side that its direction is on; where on none, as beside, or
        on either: what has a row on no side would be no cell."""
        values = self._X @ dual.prices[state].steepest
        sides = list(state.sides)
        for k in self.data.rows:
            if not sides[k]:
                v = float(values[k])
                sides[k] = (1 if v > 0 else -1) if abs(v) > _NONE else beside.sides[k] or -1
        return state._replace(sides=tuple(sides))

    def _at_rest(self, least: CellMinimum) -> Classified:
        """Of a network that is as low as the cells around it: is their least point a minimum?"""
        tree = self.classifier.tree
        point = self._as_it_stands() if self.loss == least.upper else self._network(least)
        value = self._objective(point)
        self.found["stationary"] = point
        blank = [not any(u) for _, u in point.convex_coordinates()]
        try:
            states = states_around(self.data, point, self.max_cells, nu=least.dual.nu)
        except BudgetError:  # a zero neuron has too many cones to go to
            if value <= self.tolerance:
                return Classified(verdict="global minimum", **self.found)
            return self._leaving(least, point, value, self._search(least, blank), blank)
        dual = self.program.prices.again(least.dual, states)
        if value - dual.bound > self.tolerance and not self.problem.loss.smooth:
            dual = max(dual, self._common(point) or dual, key=lambda each: each.bound)
        candidates = self._steep(least, dual)
        few = sum(map(len, states)) <= _AROUND
        if value - dual.bound > _LOWER * self.tolerance and dual.metric is not None and few:
            # Z of one cell may be bad for others.
            joint = self.program.prices.together(least.dual, states)
            if joint is not None:
                dual = max(dual, joint, key=lambda each: each.bound)
                candidates = chain(self._together(least, joint), candidates)
        slack = value - dual.bound
        found: Dual | None = dual
        if slack > self.tolerance and not self.problem.loss.smooth:
            # What one dual vector says is not all.
            candidates = chain(candidates, self._every(point))
            cells = list(self._cells(point))
            if cells:
                found, slack = None, value - min(self.program.minimum(c).lower for c in cells)
        if slack > self.tolerance:
            return self._leaving(least, point, value, candidates, blank)
        slack = slack and max(slack, Fraction()) + _ALLOWANCE * value
        self.found |= {"dual": found, "slack": slack}
        if value - self.classifier.least <= self.tolerance:
            return Classified(verdict="global minimum", **self.found)
        if tree is not None:
            home = tree.home(point)
            if home is None or value - home.birth > self.tolerance:
                lower = None if home is None else home.representative
                return Classified(verdict="plateau", lower=lower, **self.found)
        dead = [idle and not zero for idle, zero in zip(self.idle, blank, strict=True)]
        for states_of_dead in self._search(least, dead):
            lower = self._lower(least, states_of_dead, value)
            if lower is not None:
                return Classified(verdict="plateau", lower=lower, **self.found)
        return Classified(verdict="local minimum", **self.found)

    def _common(self, point: Network) -> Dual | None:
        """Of the dual vectors of a point, which are many where the loss has kinks, that which
        proves the most of all states around; None where these are too many."""
        states = states_around(self.data, point, self.max_cells)
        if sum(map(len, states)) > _AROUND:
            return None
        found = self.program.together(states)
        around = states_around(self.data, point, self.max_cells, nu=found.nu)
        return self.program.prices.again(found, around)

    def _cells(self, point: Network) -> Iterator[tuple[State, ...]]:
        """All cells around a point, where they are few."""
        states = states_around(self.data, point, self.max_cells)
        if prod(map(len, states)) <= _AROUND:
            yield from product(*states)

    def _every(self, point: Network) -> Iterator[list[State]]:
        """All states around a point, neuron by neuron and then together, where they are few."""
        states = states_around(self.data, point, self.max_cells)
        if sum(map(len, states)) <= _AROUND:
            yield from ([state] for own in states for state in own)
        yield from map(list, self._cells(point))

    def _steep(self, least: CellMinimum, dual: Dual) -> Iterator[list[State]]:
        """States to which neurons are led: those that have more against a dual vector than those of
        the cell. First the best for all neurons at once, then one by one, most first."""
        own = {state.neuron: state for state in least.cell}
        prices = self.program.prices
        here = {j: prices.price(dual.nu, dual.metric, state).square for j, state in own.items()}
        steep = sorted(
            (
                (price.square - here.get(state.neuron, 0), state)
                for state, price in dual.prices.items()
                if price.square > here.get(state.neuron, 0) * _MORE
            ),
            key=lambda item: item[0],
        )
        states = [self._resolved(state, dual, own.get(state.neuron, state)) for _, state in steep]
        joint = {state.neuron: state for state in states if state.neuron in own}
        if len(joint) > 1:
            yield list(joint.values())
        yield from ([state] for state in reversed(states))

    def _together(self, least: CellMinimum, joint: Dual) -> Iterator[list[State]]:
        """States to which all neurons are led at once, by the directions of `Prices.together`."""
        own = {state.neuron: state for state in least.cell}
        gradients = {state: self.data.gradient(joint.nu, state) for state in joint.prices}
        top = max(abs(v) for gradient in gradients.values() for v in gradient)
        best: dict[int, tuple[float, State]] = {}
        for state, price in joint.prices.items():
            gain = float(np.dot([v / top for v in gradients[state]], price.steepest))
            if state.neuron in own and gain > best.get(state.neuron, (0.0,))[0]:
                best[state.neuron] = gain, state
        if best:
            yield [self._resolved(state, joint, own[j]) for j, (_, state) in best.items()]

    def _leaving(
        self,
        least: CellMinimum,
        point: Network,
        value: Fraction,
        candidates: Iterator[list[State]],
        blank: Sequence[bool],
    ) -> Classified:
        """Of a point with states around that may lead lower: look for some that do."""
        for states in candidates:
            lower = self._lower(least, states, value)
            if lower is None:
                continue
            verdict: Verdict = "not stationary"
            if blank[states[0].neuron]:
                verdict = "escapes through a blank neuron"
            elif self._is_flat(self._gap(point)):
                verdict = "saddle"
            return Classified(verdict=verdict, lower=lower, **self.found)
        raise Undecided(
            "neither a proof that no network around has a lower loss, nor one that has, was found"
        )

    def _lower(
        self, least: CellMinimum, states: Sequence[State], value: Fraction
    ) -> Network | None:
        """A network of lower loss where some neurons are in other states."""
        found = self._beside(least, states)
        # Lower than the whole cell, or by more than minima are uncertain by.
        enough = min(_LOWER * self.tolerance, value - least.lower)
        return self._network(found) if value - found.upper > enough else None

    def _beside(self, least: CellMinimum, states: Sequence[State]) -> CellMinimum:
        """The minimum of a cell of which some neurons are in other states."""
        moved = {state.neuron for state in states}
        cell = [each for each in least.cell if each.neuron not in moved]
        return self.program.minimum([*cell, *states])

    def _search(self, least: CellMinimum, which: Sequence[bool]) -> Iterator[list[State]]:
        """States in which neurons that do nothing may lead lower: those of largest nu . f for
        inputs of length one, by a search from random starts."""
        if not any(which):
            return
        top = max(map(abs, least.dual.nu), default=0) or 1
        nu = np.array([v / top for v in least.dual.nu])
        X = self._X
        slopes = self.problem.activation.slopes
        rng = np.random.default_rng(0)
        found: dict[tuple[int, tuple[int, ...]], float] = {}
        for sign in (1, -1):
            for start in rng.standard_normal((_STARTS, X.shape[1])):
                u = start
                for _ in range(_ROUNDS):
                    ascent = sign * X.T @ (slopes(X @ u > 0) * nu)
                    size = float(np.linalg.norm(ascent))
                    if not size:
                        break
                    u = ascent / size
                Z = X @ u
                gain = sign * float(nu @ self.problem.activation.at(Z))
                sides = tuple(
                    (1 if z > 0 else -1) if any(row) else 0
                    for z, row in zip(Z.tolist(), self.problem.X, strict=True)
                )
                if gain > 0:
                    found[sign, sides] = max(found.get((sign, sides), 0.0), gain)
        # One neuron that does nothing is as good as another.
        for sign, sides in sorted(found, key=lambda key: -found[key])[:_TRIED]:
            yield [State(which.index(True), sign, sides)]

    def _as_it_stands(self) -> Network:
        """The network, where it is outside the ball as a whole with its neurons rescaled."""
        ball = self.within
        if not isinstance(ball, Ball) or ball.gauge.holds(self.network, ball.rho):
            return self.network
        network = self._with([(sign or 1, u) for sign, u in self.network.convex_coordinates()])
        return replace(network, b=self.network.b, c=self.network.c)

    def _network(self, minimum: CellMinimum) -> Network:
        """The network of a point of a cell; dead neurons are as they were, if there is room."""
        zero = (Fraction(),) * self.problem.d
        neurons = [(sign or 1, u) for sign, u in self.network.convex_coordinates()]
        cleared = [
            (sign, zero if idle else u) for (sign, u), idle in zip(neurons, self.idle, strict=True)
        ]
        for state, u in zip(minimum.cell, minimum.u, strict=True):
            neurons[state.neuron] = cleared[state.neuron] = (state.sign, u)
        if isinstance(self.within, Ball):
            room = self.program.norm([u for _, u in neurons]) <= self.within.rho
        else:
            room = self.within is None
        network = self._with(neurons if room else cleared)
        return network.with_free(self.problem, minimum.free)

    def _with(self, neurons: Sequence[tuple[int, Sequence[Fraction]]]) -> Network:
        """Convex coordinates as a network of the least norms, or penalty."""
        if self.within is None or not any(any(u) for _, u in neurons):
            return Network.from_convex(neurons)
        if isinstance(self.within, Penalty):
            return balanced(neurons)
        signs, u = zip(*neurons, strict=True)
        return self.within.gauge.witness(signs, tuple(map(tuple, u)))[0]

    def _is_flat(self, gap: float) -> bool:
        """Whether a gap is none, in the units of the tolerance."""
        if isinstance(self.within, Ball):
            return bool(gap <= self.tolerance)
        X = max((abs(v) for row in self.problem.X for v in row), default=Fraction(1)) or 1
        y = max(map(abs, self.problem.y), default=Fraction(1)) or 1
        return bool(gap * float(y / X) ** 0.5 <= self.tolerance)

    def _gap(self, network: Network) -> float:
        """See `Classified`."""
        W, a = np.array(network.W, dtype=float), np.array(network.a, dtype=float)
        outputs, _ = self.data.outputs(network.neurons())
        kinks = [
            (k, j)
            for j, values in enumerate(outputs)
            for k in self.data.rows
            if not values[k] and network.a[j] and any(values)
        ]
        if isinstance(self.within, Ball):  # with its layers rescaled against each other
            ball = self.within.geometry
            size_W, size_a = float(ball.hidden.value(W)), float(ball.output.value(a))
            scale = (size_a / size_W) ** 0.5 if size_W and size_a else 1.0
            W, a = W * scale, a / scale
        return least_gap(self.problem, self.within, W, a, kinks, self._slopes(network))

    def _slopes(self, network: Network) -> tuple[Float[Array, " n"], Float[Array, " n"]]:
        """The least and the largest subgradient of the loss in each output."""
        fit, y = network.fit(self.problem), self.problem.y
        loss = self.problem.loss
        assert isinstance(loss, Separable)
        if loss.smooth:
            slopes = loss.gradient(np.array(fit, dtype=float), np.array(y, dtype=float))
            return slopes, slopes
        near = _AT * loss.unit(y)
        ranges = loss.subgradients([f - near for f in fit], [f + near for f in fit], y)
        least, most = np.array(ranges, dtype=float).T
        return least, most

    def _on_kinks(self) -> RestPoint | None:
        """Where the optimizer rests on kinks nearby; known for the plain problem."""
        ball = self.within
        if not isinstance(ball, Ball) or ball.optimizer not in RULES or not self.problem.is_plain:
            return None
        X = np.array(self.problem.X, dtype=float)
        W, a = np.array(self.network.W, dtype=float), np.array(self.network.a, dtype=float)
        lengths = np.abs(X).max(axis=1)[:, None] * np.abs(W).max(axis=0)
        idle = np.array(self.idle)
        near = (np.abs(X @ W) <= _NEAR * lengths) & (lengths > 0) & ~idle
        places = [(int(k), int(j)) for k, j in np.argwhere(near)]
        if not places or len(places) > MOST:
            return None
        fit = self.problem.activation.fit
        allowed = _NEAR * max(abs(float(v)) for v in self.problem.y)
        for rest in rest_points(self.problem, ball, W, a, places, np.flatnonzero(idle).tolist()):
            if np.abs(fit(X, W, a) - fit(X, rest.W, rest.a)).max() <= allowed:
                return rest
        return None
