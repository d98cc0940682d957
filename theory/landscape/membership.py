"""How far around the least level of a ball each network is, by theorem, in one of its components.

The components of least loss of a ball are matched with those of {loss <= eps} in a larger ball, one
in each and each with one: then every network of the larger ball and of loss at most eps is in the
component of exactly one of them, whatever found it. That holds for all eps below the first of two
events in the merge tree of the larger ball: two of the components join, or a valley is born that
holds none of them.

>>> from theory import Ball, example
>>> found = Membership(example("flagship"), 2, within=Ball("adamw", "11/5"))
>>> print(found.around(Fraction(1, 100)).below, found.around(Fraction(1, 10)))
444889/6500000 None
>>> low, high = found.largest_excess()
>>> low < Fraction(1, 11) < high  # from rho = 12/5 on the ball holds the other exact fits
True

Source: `membership`, proofs_notes/valleys.md.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache, cached_property, partial
from typing import Any

from theory.errors import Interrupted, Undecided
from theory.landscape.analysis import analyse, components_of, reached
from theory.landscape.cells import CellComplex
from theory.landscape.valleys import Valleys, valleys
from theory.network import Network
from theory.problem import Problem
from theory.types import Progress, silent
from theory.within import Ball

EXCESSES = tuple(Fraction(1, q) for q in (10**6, 10**4, 100, 10))
"""By how much of rho networks may be outside their ball."""

_FARTHEST = Fraction(64)  # excess that is tried
_CLOSE = Fraction(1, 2**16)  # ends of the bracket of the largest one
_SLACK = Fraction(
    1, 10**6
)  # of twice the loss of zero weights, below an event that is only known as an interval
_TRIES = 3  # of such levels, each with four times the slack of the last


@dataclass(frozen=True)
class Member:
    """A network that is in one component by theorem.

    excess: of the ball that it needs, over rho, at most; 0 inside. component: its id among those of
    the ball.
    """

    loss: Fraction
    excess: Fraction
    component: int


@dataclass(frozen=True)
class Neighbourhood:
    """What is near the components of a ball: the networks in the ball of (1 + excess) rho with a
    loss less than `below` (None: of any loss) are in the component of exactly one of them there.

    below: exact where minima are, and else proved. event: the least loss of which that is no longer
    true, as far as is found; equal to `below` where exact. tree: of the larger ball.
    """

    excess: Fraction
    below: Fraction | None
    event: Fraction | None
    tree: Valleys = field(repr=False)
    _homes: Mapping[int, int] = field(repr=False)

    def component(self, network: Network) -> int | None:
        """The component that a network is in by theorem; None where it is not near enough.

        Raises InputError where it is outside the larger ball.
        """
        if self.below is not None and network.loss(self.tree.problem) >= self.below:
            return None
        home = self.tree.home(network)
        return None if home is None else self._homes.get(home.id)


class Membership:
    """The components of least loss in a ball at one width, modulo permutation, and what is near.

    analysis: of the ball; where minima are intervals its level is a little above the least one.
    max_cells: see `valleys`. Raises BudgetError beyond them; `progress` may raise Interrupted,
    which then leaves.
    """

    def __init__(
        self,
        problem: Problem,
        width: int,
        *,
        within: Ball,
        max_cells: int | None = None,
        progress: Progress = silent,
    ) -> None:
        self.problem, self.within, self.progress = problem, within, progress
        self.max_cells = max_cells
        self._limit: dict[str, Any] = {} if max_cells is None else {"max_cells": max_cells}
        self.analysis = analyse(problem, width, within=within, progress=progress, **self._limit)
        if not self.analysis.complete:
            raise Interrupted
        self.around = cache(self._around)

    @cached_property
    def without_ball(self) -> tuple[tuple[int, ...], ...]:
        """For each component those that it belongs to anywhere: see `Analysis.without_ball`."""
        return self.analysis.without_ball(self.progress)

    def _around(self, excess: Fraction) -> Neighbourhood | None:
        """Of this excess; None where even at the least level the components of the two balls do not
        correspond, or that is not proved."""
        level = self.analysis.level
        tree = valleys(
            self.problem,
            self.analysis.width,
            within=self._ball(excess),
            max_cells=self.max_cells,
            progress=self.progress,
        )
        if not tree.complete:
            raise Interrupted
        found = [tree.lowest(part.cells[0], level) for part in self.analysis.components]
        homes = {valley.id: k for k, valley in enumerate(found) if valley is not None}
        below, event = min(_events(tree, homes, level), default=(None, None))
        if len(homes) < len(found) or (below is not None and below <= level):
            return None
        if not tree.exact and below is not None:
            below = next(filter(partial(self._corresponds, tree.complex), self._lower(below)), None)
            if below is None:
                return None
        return Neighbourhood(excess, below, event, tree, homes)

    def _lower(self, bound: Fraction) -> Iterator[Fraction]:
        """Levels below a bound that is an end of an interval: more and more so."""
        slack = _SLACK * 2 * self.problem.zero
        for _ in range(_TRIES):
            if bound - slack > self.analysis.level:
                yield bound - slack
            slack *= 4

    def member(self, network: Network) -> Member | None:
        """What is proved of a network, from the least of `EXCESSES` that allows for it; None where
        that is too far from its ball, or nothing is."""
        convex = [u for _, u in network.convex_coordinates()]
        needed = self.analysis.complex.domain.norm(convex) / self.within.rho - 1
        excess = next((each for each in EXCESSES if needed <= each), None)
        around = None if excess is None else self.around(excess)
        component = None if around is None else around.component(network)
        if component is None:
            return None
        return Member(network.loss(self.problem), max(needed, Fraction()), component)

    def largest_excess(self) -> tuple[Fraction, Fraction | None]:
        """An excess at which components correspond at the least level, and one a little larger at
        which they do not, or are not proved to; None where they do at all that are tried."""
        low, high = Fraction(), Fraction(1)
        while self.corresponds(high):
            low, high = high, 2 * high
            if high > _FARTHEST:
                return low, None
        while high - low > _CLOSE:
            middle = (low + high) / 2
            if self.corresponds(middle):
                low = middle
            else:
                high = middle
        return low, high

    def corresponds(self, excess: Fraction) -> bool:
        """Whether at the least level the components of the ball of (1 + excess) rho are matched
        with those of the ball; False also where that is not decided."""
        ball = self._ball(excess)
        larger = CellComplex.of(self.problem, self.analysis.width, within=ball, **self._limit)
        return self._corresponds(larger, self.analysis.level)

    def _corresponds(self, larger: CellComplex, level: Fraction) -> bool:
        try:
            found = components_of(larger, reached(larger, level))
        except Undecided:
            return False
        homes = {cell: part.id for part in found for cell in part.cells}
        matched = {homes[part.cells[0]] for part in self.analysis.components}
        return len(found) == len(matched) == len(self.analysis.components)

    def _ball(self, excess: Fraction) -> Ball:
        return Ball(self.within.geometry, self.within.rho * (1 + excess))


def _events(
    tree: Valleys, matched: Container[int], level: Fraction
) -> Iterator[tuple[Fraction, Fraction]]:
    """Where, above the level, valleys that are matched join lower ones and others are born: what is
    proved of it, and what is found."""
    for valley in tree.valleys:
        if valley.id not in matched:
            if valley.death is None or valley.death > level:
                yield valley.proved_birth, valley.birth
        elif valley.death is not None and valley.proved_death is not None:
            yield valley.proved_death, valley.death
