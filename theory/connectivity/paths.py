"""Paths inside one optimizer's solution set, from one network to another, neuron by neuron.

    first -> few neurons -> exchanged one at a time for those of the second -> second

Every step is a straight line in convex coordinates inside one cell, where the set is convex, so its
ends say all about it. Source: `path-lemma`, proofs_notes/paths.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from flint import fmpq
from jaxtyping import Bool, Int8
from scipy.optimize import linear_sum_assignment

from theory.connectivity.exchange import Walk, Weights
from theory.connectivity.reduction import exchange_of, reductions
from theory.connectivity.solutions import Neuron, Point, SolutionSet
from theory.documents import exact
from theory.errors import BudgetError, InputError, Undecided
from theory.exact import from_flint
from theory.landscape import DEFAULT_MAX_CELLS, Barrier, barrier_between
from theory.network import Network
from theory.problem import format_rational
from theory.tables import Table, Tabled, counted
from theory.text import show
from theory.types import Array, Progress, silent
from theory.within import Ball

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True, repr=False)
class SolutionPath(Tabled):
    """A continuous path in a solution set: straight in convex coordinates between its points.

    Where networks have an output bias or a linear part, these are the best at all points.
    ends: the two networks, as they were given. points: the first and last are these, rescaled;
    where a_j = 0 the path from a network to its point shrinks w_j to zero.
    """

    solutions: SolutionSet
    ends: tuple[Network, Network]
    points: tuple[Point, ...]

    def at(self, segment: int, step: Fraction) -> Point:
        """The point after a part 0 <= step <= 1 of a segment, which are counted from 0."""
        if len(self.points) == 1:
            return self.points[0]
        return tuple(
            Neuron(
                old.sign if new.blank else new.sign,
                old.alpha + step * (new.alpha - old.alpha),
                tuple(v + step * (w - v) for v, w in zip(old.u, new.u, strict=True)),
            )
            for old, new in zip(*self.points[segment : segment + 2], strict=True)
        )

    @cached_property
    def losses(self) -> tuple[Fraction, ...]:
        """The loss at every point; between two of them it is convex."""
        return tuple(map(self.solutions.loss, self.points))

    @property
    def max_loss(self) -> Fraction:
        """The largest loss on the path: at a breakpoint, or of the networks, whose output biases
        need not be the best."""
        return max(*self.losses, *(end.loss(self.solutions.problem) for end in self.ends))

    @property
    def summary(self) -> str:
        """Where, how many segments it has, and its level."""
        segments = counted(len(self.points) - 1, "segment")
        where = self.solutions.within.summary
        return f"{where}: {segments}, loss at most {show(self.max_loss)}"

    def _table(self) -> Table:
        """A row for each breakpoint."""
        neurons = [sum(not neuron.blank for neuron in point) for point in self.points]
        rows = [(k, *row) for k, row in enumerate(zip(self.losses, neurons, strict=True))]
        return Table(("breakpoint", "loss", "neurons not zero"), rows)

    def plot(self, axes: Axes | None = None) -> Axes:
        """The loss (with the penalty) along the path, and the level it must not pass.

        Drawn on these axes, or on new ones of pyplot; they are handed back.
        """
        from theory.pictures.paths import draw_loss
        from theory.pictures.style import on

        return on(axes, draw_loss, self)

    def to_json(self) -> dict[str, Any]:
        """The document of `isthmus path`; points are in convex coordinates."""
        solutions = self.solutions
        return {
            "optimizer": solutions.within.optimizer,
            "width": self.ends[0].width,
            "rho": exact(solutions.within.rho),
            "beta": exact(solutions.within.beta),
            "level": format_rational(solutions.level),
            "connected": True,
            "breakpoints": [
                {
                    "s": [neuron.sign for neuron in point],
                    "alpha": [format_rational(neuron.alpha) for neuron in point],
                    "u": [[format_rational(v) for v in neuron.u] for neuron in point],
                }
                | solutions.linear(point)
                for point in self.points
            ],
            "losses": [format_rational(loss) for loss in self.losses],
            "max_loss": format_rational(self.max_loss),
        }


def connect(
    solutions: SolutionSet,
    first: Network,
    second: Network,
    *,
    max_cells: int = DEFAULT_MAX_CELLS,
    progress: Progress = silent,
) -> SolutionPath | Barrier:
    """A path inside the solution set from the first network to the second, neurons in their order.

    One is found at every width that a theorem of `connected_from` says is enough, and often
    below. Where the construction finds none, the landscape decides if it has at most `max_cells`
    cells, and may return the Barrier, above the level, that proves there is none.

    Raises InputError where a network is not in the set, or their widths differ; Undecided where
    neither the construction nor the landscape answers.
    """
    if first.width != second.width:
        raise InputError("width", f"{first.width} and {second.width} neurons: they must be equal")
    points = []
    for name, network in (("first", first), ("second", second)):
        reason = solutions.violation_of(network)
        if reason:
            raise InputError(f"{name} network", reason)
        points.append(solutions.coordinates(network))
    walker = _Walker(solutions, progress)
    start, end = points
    for middle in walker.attempts(solutions.prepared(start), solutions.prepared(end)):
        path = walker.straightened([start, *middle, end])
        if not any(map(solutions.violation, path[1:-1])):
            return SolutionPath(solutions, (first, second), tuple(path))
    return _by_landscape(solutions, (first, second), walker, max_cells, progress)


class _Walker:
    """Steps between prepared points: few neurons in place of many, and one for another."""

    def __init__(self, solutions: SolutionSet, progress: Progress) -> None:
        self.solutions = solutions
        self.progress = progress
        self._pivots = 0

    def tick(self) -> None:
        self._pivots += 1
        self.progress("exchanging neurons, pivots", self._pivots)

    def attempts(self, start: Point, end: Point) -> Iterator[list[Point]]:
        """Sequences of points from start to end, the shorter ones first."""
        pairs = zip(
            reductions(self.solutions, start), reductions(self.solutions, end), strict=False
        )
        for ahead, back in pairs:
            for step in (self.aligned, self.exchanged):
                middle = step(ahead[-1], back[-1])
                if middle is not None:
                    yield [*ahead, *middle, *reversed(back)]

    def aligned(self, start: Point, end: Point) -> list[Point] | None:
        """Neurons moved to free places so that a straight line leads to the end."""
        old, new = self.sides(start), self.sides(end)
        free = np.array([neuron.blank for neuron in end])
        moving = [j for j, neuron in enumerate(start) if not neuron.blank]
        if not moving:
            return []
        allowed = free | self.fitting(start, old, end, new)[moving]
        costs = np.where(allowed, 1.0, len(start) + 1.0)
        for row, j in enumerate(moving):
            costs[row, j] -= allowed[row, j]
        rows, places = linear_sum_assignment(costs)
        if not allowed[rows, places].all():
            return None
        return self.permuted(start, {moving[r]: int(p) for r, p in zip(rows, places, strict=True)})

    def permuted(self, point: Point, places: dict[int, int]) -> list[Point] | None:
        """Points on a path that takes neuron j to places[j], through blank ones.

        (x, 0) -> (0, x) is a straight line of constant fit. None where no neuron is blank.
        """
        points = []
        here = list(point)
        waiting = {j: k for j, k in places.items() if j != k}
        while waiting:
            moves = {j: k for j, k in waiting.items() if here[k].blank}
            for j in moves:
                del waiting[j]
            if not moves:  # only cycles are left: one neuron steps aside
                aside = next((k for k, neuron in enumerate(here) if neuron.blank), None)
                if aside is None:
                    return None
                j = next(iter(waiting))
                waiting[aside] = waiting.pop(j)
                moves = {j: aside}
            taken = {k: here[j] for j, k in moves.items()}
            for j in moves:
                here[j] = self.solutions.blank()
            for k, neuron in taken.items():
                here[k] = neuron
            points.append(tuple(here))
        return points

    def exchanged(self, start: Point, end: Point) -> list[Point] | None:
        """Neurons of the start exchanged for those of the end by simplex pivots, then put in place.

        None where there are too few blank neurons.
        """
        owners = [(start, j) for j, neuron in enumerate(start) if not neuron.blank]
        split = len(owners)
        owners += [(end, j) for j, neuron in enumerate(end) if not neuron.blank]
        neurons, weights, exchange = exchange_of(self.solutions, [point[j] for point, j in owners])
        x = [v if k < split else fmpq() for k, v in enumerate(weights)]
        goal = [v if k >= split else fmpq() for k, v in enumerate(weights)]
        ends = zip(exchange.total(x), exchange.total(goal), strict=True)
        change = [after - before for before, after in ends]
        walk = Walk(exchange, x, change, self.tick)
        steps = [x, *walk.descend()]
        if any(change):
            steps += walk.carry()
        back = [goal, *Walk(exchange, goal, change, self.tick).descend(exchange.towards(walk.x))]
        assert back[-1] == walk.x
        steps += back[-2::-1]
        return self._placed(start, end, [j for _, j in owners], split, neurons, steps)

    def _placed(
        self,
        start: Point,
        end: Point,
        homes: Sequence[int],
        split: int,
        neurons: Sequence[Neuron],
        steps: Sequence[Weights],
    ) -> list[Point] | None:
        """The steps with a place for every neuron, and all at home at the end."""
        here = list(start)
        place = {k: homes[k] for k in range(split)}
        points = []
        for x in steps[1:]:
            blanks = [j for j, neuron in enumerate(here) if neuron.blank]
            for k, weight in enumerate(x):
                if weight and k not in place:
                    if not blanks:
                        return None
                    place[k] = homes[k] if homes[k] in blanks else blanks[0]
                    blanks.remove(place[k])
            for k in list(place):
                here[place[k]] = self.solutions.scaled(neurons[k], from_flint([x[k]])[0])
                if not x[k]:
                    here[place.pop(k)] = self.solutions.blank()
            points.append(tuple(here))
        moved = self.permuted(tuple(here), {j: homes[k] for k, j in place.items()})
        return None if moved is None else points + moved

    def sides(self, point: Point) -> Int8[Array, "m n"]:
        """On which side of each row every neuron is."""
        outputs = map(self.solutions.preactivations, point)
        return np.array([[(v > 0) - (v < 0) for v in row] for row in outputs], dtype=np.int8)

    @staticmethod
    def fitting(
        start: Point, old: Int8[Array, "m n"], end: Point, new: Int8[Array, "m n"]
    ) -> Bool[Array, "m m"]:
        """Which neurons of the start share a closed cone and a sign with which of the end."""
        signs = np.array([n.sign for n in start])[:, None] == np.array([n.sign for n in end])
        apart = (old > 0).astype(float) @ (new < 0).T + (old < 0).astype(float) @ (new > 0).T
        together: Bool[Array, "m m"] = signs & (apart == 0)
        return together

    def straightened(self, points: Sequence[Point]) -> list[Point]:
        """Leave out points where the straight line stays in one cell."""
        distinct = [points[0], *(q for p, q in pairwise(points) if p != q)]
        sides = [self.sides(point) for point in distinct]

        def straight(i: int, j: int) -> bool:
            one, other = distinct[i], distinct[j]
            if ((sides[i] * sides[j]) < 0).any():
                return False
            return all(
                p.sign == q.sign or p.blank or q.blank for p, q in zip(one, other, strict=True)
            )

        kept = [0]
        while kept[-1] < len(distinct) - 1:
            here = kept[-1]
            ahead = range(len(distinct) - 1, here + 1, -1)
            kept.append(next((j for j in ahead if straight(here, j)), here + 1))
        return [distinct[k] for k in kept]


def _by_landscape(
    solutions: SolutionSet,
    ends: tuple[Network, Network],
    walker: _Walker,
    max_cells: int,
    progress: Progress,
) -> SolutionPath | Barrier:
    """The exact minimax path decides, where the landscape is small enough."""
    if not isinstance(solutions.within, Ball):
        raise Undecided("no path was found; with a penalty there is no landscape that decides")
    try:
        barrier = barrier_between(
            solutions.problem,
            *ends,
            labelled=True,
            within=solutions.within,
            max_cells=max_cells,
            progress=progress,
        )
    except BudgetError as error:
        raise Undecided(
            f"no path was found, and the landscape is too large: {error.what}: {error.count}, "
            f"the limit is {error.limit:,}"
        ) from None
    except InputError as error:  # on the boundary of a ball whose norm it knows from above only
        raise Undecided(f"no path was found, and the landscape does not decide: {error}") from None
    if barrier.proved > solutions.level:
        return barrier
    start, *middle, end = map(solutions.coordinates, (ends[0], *barrier.path.breakpoints, ends[1]))
    path = walker.straightened([start, *middle, end])
    reasons = [reason for reason in map(solutions.violation, path[1:-1]) if reason]
    if reasons:
        raise Undecided(
            f"no path was found, and the best one of the landscape has loss "
            f"{float(barrier.value):.6g}, proved to be at least {float(barrier.proved):.6g}"
        )
    return SolutionPath(solutions, ends, tuple(path))
