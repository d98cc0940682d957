"""The optimum of training inside an optimizer's ball, with a network and a proof of the gap.

1. Patterns: the whole arrangement where it has at most `max_patterns` cones, else those that column
   generation finds.
2. The convex program over all blocks (columns.py), by Newton's method for l2 lengths and squared
   losses, an interior-point method for spectral norms and smooth ones, and CVXPY else: a relaxation
   of training at any width. An output bias and a linear part are free columns of it (free.py),
   hidden biases apart from the ball have programs of their own (apart.py).
   Where patterns were searched for, a cover of all directions prices all others (cover.py), and
   those that cost more join.
3. Its dual point, repaired to exact feasibility, proves a lower bound (bounds.py); its solution,
   lifted to a network in the ball of at most `width` neurons, attains an upper one (networks.py).
4. Where the gap is left open because the width is too small for the relaxation to be tight, all
   cells of that width are searched, if they are few: exactly for the entrywise ball, where for the
   squared loss a mixed-integer program finds the best cell first (counts.py).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float

from theory.arrangement import arrangement, general_position_count
from theory.documents import exact
from theory.errors import BudgetError, InputError, Interrupted
from theory.exact import rounded
from theory.gauges import Gauge, gauge_of
from theory.geometry import geometry
from theory.landscape.cells import DEFAULT_MAX_CELLS, CellComplex
from theory.landscape.least import Least, least
from theory.losses import Custom
from theory.network import Network
from theory.problem import Problem, positive_integer
from theory.programs.apart import FreeEntries, FreeLengths, SharedLengths
from theory.programs.blocks import Patterns, distinct
from theory.programs.columns import ColumnGeneration, Relaxation, Search
from theory.programs.counts import best_counts
from theory.programs.cover import MAX_DIMENSION, ConeCover
from theory.programs.descent import Found, LocalSearch
from theory.programs.duals import BlockDual
from theory.programs.family import Family
from theory.programs.free import constant_neurons, free_basis
from theory.programs.group_lasso import GroupNorms
from theory.programs.lift import Lift, Lifted, objective
from theory.programs.sup_norm import SupNorms
from theory.programs.two_summing import TwoSumming
from theory.tables import Between, Shown, Table
from theory.types import Array, Progress, silent
from theory.units import Units
from theory.within import Ball, Penalty, Within, require_within, settled

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MAX_PATTERNS = 4000
"""Cones up to which the whole arrangement is taken, by default."""

TOLERANCE = 1e-6
"""A gap this small, relative to the value, needs no search of the cells."""

DECIDED = 1e-5
"""A relative gap up to which an optimum counts as decided: the programs aim at a tenth of it."""

_TOLERANCE, _TOLERANCE_SEARCHED = 1e-8, 1e-6  # of the convex program
_STARTS = 32  # of the local search for networks of the given width
_WIDE = Fraction(
    1, 100
)  # a gap this wide, relative, that makes the search go on from the best of them
_FIRST_PATTERNS = 200  # of random neurons, where patterns are searched for
_ABSOLUTE = Fraction(1, 10**4)  # of the loss of zero weights: what counts as small
_RANGE = 10**12  # between the largest number of the data and the smallest, zero left out
_DIGITS = 15  # of bounds that are no exact values, rounded outwards


@dataclass(frozen=True, eq=False, repr=False)
class Relaxed(Shown):
    """The convex program: lower <= its optimum <= upper.

    network: attains `upper` in the ball, with as many neurons as that takes. lower: as of an
    `Optimum`, and None where the loss has no dual bound.
    """

    lower: Fraction | None
    upper: Fraction
    network: Network

    @property
    def neurons(self) -> int:
        """How many of `network` are not zero."""
        return _alive(self.network)

    @property
    def summary(self) -> str:
        """The optimum, and the neurons it takes."""
        return f"{Between(self.lower, self.upper)}, attained by {self.neurons} neurons"

    def _table(self) -> Table:
        """The network that attains the upper bound."""
        return self.network._table()

    def to_json(self) -> dict[str, Any]:
        """{"lower", "upper", "neurons", "network"}"""
        return {
            "lower": exact(self.lower),
            "upper": exact(self.upper),
            "neurons": self.neurons,
            "network": self.network.to_json(),
        }


@dataclass(frozen=True, eq=False, repr=False)
class Optimum(Shown):
    """lower <= the least loss (with the penalty, for sgd) of training <= upper, at this width.

    width: None where any is meant. network: attains `upper`. whole: whether all patterns were
    priced, so that `lower` is global. Else it holds for networks with these patterns only, and
    `everywhere` for all. lower, everywhere: None where nothing is known, as where the loss has no
    dual bound.
    relaxed: the optimum of the convex program, which some wider network attains. relaxation, dual:
    its solution in floats, and what proves `lower`; covered: what proves `everywhere`, where that
    is something else; cells: of the search of all cells, where that was made.
    """

    problem: Problem
    within: Within
    width: int | None
    lower: Fraction | None
    everywhere: Fraction | None
    upper: Fraction
    network: Network
    whole: bool
    relaxed: Relaxed
    relaxation: Relaxation
    dual: BlockDual | None
    covered: BlockDual | None
    cells: Least | None

    @property
    def neurons(self) -> int:
        """How many of `network` are not zero."""
        return _alive(self.network)

    @property
    def patterns(self) -> int:
        """The number of patterns priced."""
        return len(self.relaxation.patterns.active)

    @property
    def gap(self) -> Fraction | None:
        """upper - lower"""
        return None if self.lower is None else self.upper - self.lower

    @property
    def relative_gap(self) -> float | None:
        """The gap in units of `upper`, or of 10^-4 of the loss of zero weights if that is more."""
        return self._relative(self.lower)

    @property
    def relative_gap_everywhere(self) -> float | None:
        """The same from `everywhere`, for networks with any patterns."""
        return self._relative(self.everywhere)

    def _relative(self, lower: Fraction | None) -> float | None:
        if lower is None or lower == self.upper:
            return None if lower is None else 0.0
        least = _small(self.problem)
        return float((self.upper - lower) / max(self.upper, least))

    @property
    def decided(self) -> bool:
        """Whether the relative gap is at most `DECIDED`."""
        return self.relative_gap is not None and self.relative_gap <= DECIDED

    @property
    def what(self) -> str:
        """What `lower` and `upper` are bounds of."""
        least = "least loss" if self.within.beta is None else "least loss + penalty"
        return f"{least}{'' if self.whole else ' over the patterns priced'}"

    @property
    def summary(self) -> str:
        """The problem, where, and the optimum."""
        width = "any width" if self.width is None else f"width {self.width}"
        value = Between(self.lower, self.upper)
        return f"{self.problem.summary}, {width}, {self.within.summary}: {self.what} {value}"

    def _table(self) -> Table:
        """What was found, row by row."""
        return Table(
            ("", "value"),
            [
                (self.what, Between(self.lower, self.upper)),
                ("of every network, at least", self.everywhere),
                ("relative gap", self.relative_gap),
                ("decided", self.decided),
                ("neurons", self.neurons),
                ("patterns priced", self.patterns),
                ("convex program", Between(self.relaxed.lower, self.relaxed.upper)),
                ("its neurons", self.relaxed.neurons),
            ],
        )

    def plot(self, axes: Axes | None = None) -> Axes:
        """The data, and what the network that attains the upper bound makes of them.

        Drawn on these axes, or on new ones of pyplot; they are handed back.
        """
        from theory.pictures.data import draw_optimum
        from theory.pictures.style import on

        return on(axes, draw_optimum, self)

    def to_json(self) -> dict[str, Any]:
        """The document of `isthmus solve`."""
        return {
            "optimizer": self.within.optimizer,
            "width": self.width,
            "rho": exact(self.within.rho),
            "beta": exact(self.within.beta),
            "loss": str(self.problem.loss),
            "value": exact(self.upper),
            "lower": exact(self.lower),
            "upper": exact(self.upper),
            "lower_holds_for": "every network" if self.whole else "networks of the patterns priced",
            "lower_for_every_network": exact(self.everywhere),
            "relative_gap": self.relative_gap,
            "relative_gap_for_every_network": self.relative_gap_everywhere,
            "decided": self.decided,
            "met_tolerance": self.decided,
            "neurons": self.neurons,
            "patterns": self.patterns,
            "all_patterns": self.whole,
            "all_cells": self.cells is not None,
            "network": self.network.to_json(),
            "relaxation": self.relaxed.to_json(),
        }


def _alive(network: Network) -> int:
    return sum(1 for _, u in network.convex_coordinates() if any(u))


_FAMILIES: dict[str, type[Family]] = {
    "entrywise": SupNorms,
    "column": GroupNorms,
    "frobenius": GroupNorms,
    "spectral": TwoSumming,
}


def family_of(
    gauge: Gauge, width: int | None = None, X: Float[Array, "n d"] | None = None
) -> Family:
    """The convex programs of a gauge: they go by the lengths of neurons.

    width: of the networks, where biases have a bound apart. X: the data, where they are free.
    """
    if gauge.bounded:
        return SharedLengths(gauge, width)
    if gauge.free:
        assert X is not None
        return (FreeEntries if gauge.hidden.entries else FreeLengths)(gauge, X)
    return _FAMILIES[gauge.hidden.name](gauge)


def solve(
    problem: Problem,
    within: Within,
    *,
    width: int | None = None,
    max_patterns: int = MAX_PATTERNS,
    max_cells: int = DEFAULT_MAX_CELLS,
    tolerance: float | None = None,
    seed: int = 0,
    progress: Progress = silent,
) -> Optimum:
    """The least loss of networks of `width` neurons in a ball or with a penalty, from both sides.

    width: None, for as many neurons as it takes, is possible for muon, ngd and sgd only: in the
        other balls, and where biases are as AdamW's, each neuron adds to what can be fitted.
    max_patterns: with more cones than that, patterns are searched for (from `seed`); in many
        dimensions `lower` holds over these only.
    max_cells: the most cells to search at a small width.
    tolerance: of the convex program, relative; by default 10^-8, and 10^-6 where patterns are
        searched for.

    Raises InputError for wrong options, SolverFailure where no convex solver succeeds.
    Source: proofs_notes/group-lasso.md, sup-norm.md, two-summing.md, matrix-fractional.md, and
    losses.md for other losses.
    """
    return _optimum(
        problem,
        within,
        width,
        max_patterns=max_patterns,
        max_cells=max_cells,
        tolerance=tolerance,
        seed=seed,
        progress=progress,
    )


def relax(
    problem: Problem,
    within: Within,
    *,
    width: int | None = None,
) -> Relaxed:
    """The optimum of the convex program alone: `solve(...).relaxed`, without looking for networks
    of this width. Arguments and errors are those of `solve`.
    """
    return _optimum(problem, within, width, max_cells=None).relaxed


def _optimum(
    problem: Problem,
    within: Within,
    width: int | None,
    *,
    max_cells: int | None,
    max_patterns: int = MAX_PATTERNS,
    tolerance: float | None = None,
    seed: int = 0,
    progress: Progress = silent,
) -> Optimum:
    """max_cells: None where no networks of the width are asked for, beyond the lifted ones."""
    require_within(within, Ball, Penalty)
    problem, place = settled(problem, within)
    assert place is not None
    within, loss = place, problem.loss
    # With a penalty the sum of ||u_j|| counts, as in the ball of ngd.
    ball = within.geometry if isinstance(within, Ball) else geometry("ngd").ball
    gauge = gauge_of(ball)
    summed = gauge.summed
    if width is not None:
        width = positive_integer(width, "width")
    elif not summed:
        ball_of = f"in the ball of {within.optimizer} every neuron adds room"
        raise InputError("width", f"is needed: {ball_of}")
    positive_integer(max_patterns, "max_patterns")

    _check_range("X", [v for row in problem.X for v in row])
    _check_range("y", problem.y)
    units = Units.of(problem)
    data = units.problem(problem)
    radius = units.reach(within.rho) if isinstance(within, Ball) else None
    penalty = units.penalty(within.beta) if isinstance(within, Penalty) else None
    X = np.array(data.X, dtype=float)
    y = np.array(data.y, dtype=float)
    random = np.random.default_rng(seed)
    patterns, whole = _patterns(problem, X, max_patterns, random)
    patterns = replace(patterns, free=free_basis(data))
    beside = None if constant_neurons(data) else patterns.free  # of networks, without a neuron

    def local(size: float) -> LocalSearch:
        """Among networks in the ball R_W R_a = size."""
        balls = (ball.hidden, ball.output)
        radius = math.sqrt(size)
        return LocalSearch(X, y, problem.activation, data.loss, balls, radius, beside)

    def trained(size: float) -> list[Found]:
        """Such networks, of this width."""
        progress("local search among networks", 0)
        assert width is not None
        return local(size).from_random(width, _STARTS, random)

    networks = []
    if not whole and radius is not None and width is not None and y.any():
        networks = trained(float(radius))
        patterns = patterns.joined(np.concatenate([each.blocks(X)[2] for each in networks]))
    family = family_of(gauge, width, X)
    columns = ColumnGeneration(
        patterns,
        y,
        family,
        data.loss,
        penalised=isinstance(within, Penalty),
        search=None if whole else Search(max_patterns, random),
        tolerance=tolerance or (_TOLERANCE if whole else _TOLERANCE_SEARCHED),
        tick=lambda count: progress("convex program, blocks priced", count),
    )
    weight = family.radius(radius, width or 1) if radius is not None else float(penalty or 0)
    covered = None
    try:
        relaxation = columns.solve(weight)
        if not whole and not isinstance(loss, Custom) and problem.zero:
            priced = (columns, relaxation, weight, data, family.relaxed)
            relaxation, covered = _everywhere(*priced, progress)
    except Interrupted:
        known = ""
        if networks:
            least_known = units.value(Fraction(networks[0].value))
            known = f"the least loss is at most about {_decimal(least_known, 6)}"
        raise Interrupted(known) from None

    def bound(dual: BlockDual) -> Fraction:
        if isinstance(within, Ball):
            return dual.bound(data.loss, units.radius(within.rho), width)
        return dual.penalised_bound(data.loss, units.penalty(within.beta))

    dual, lower, everywhere = None, None, None
    if not isinstance(loss, Custom):
        if problem.zero:  # else no bound is better than zero
            dual = BlockDual.repaired(data, family.relaxed, relaxation)
        lower = Fraction() if dual is None else bound(dual)
        everywhere = Fraction()  # as losses are not negative
        whole = whole or dual is None
        if covered is not None:
            everywhere = bound(covered)
            if isinstance(covered.cover, ConeCover) and covered.cover.complete:
                dual, lower, whole = covered, everywhere, True
    lift = Lift(data, gauge, family, relaxation, radius, penalty, width)
    lifted = lift.narrow
    if lower is not None:
        # Summed neurons may have patterns that were not priced, and so a loss below the bound.
        lower = min(lower, lifted.value, lift.wide.value)

    def attained(lifted: Lifted) -> tuple[Network, Fraction]:
        """The network for the user's data, and its objective."""
        network = units.network(lifted.network, balanced=isinstance(within, Penalty))
        return network, objective(problem, within.beta, network)

    def wide(lower: Fraction, upper: Fraction) -> bool:
        return upper - lower > _WIDE * max(upper, _small(problem))

    cells = None
    if (
        max_cells is not None
        and lower is not None
        and lifted.value - lower > TOLERANCE * lifted.value
    ):
        if lift.interpolating is not None:
            lifted = lift.interpolating
        elif width is not None and lifted.value - lower > TOLERANCE * _small(data):
            if whole:
                network, _ = attained(lifted)
                cells = _searched(problem, within, width, network, max_cells, progress)
            size = float(family.lengths(relaxation.u, None).sum() if radius is None else radius)
            if size and (cells is None or wide(cells.lower, cells.value)):
                networks = networks or trained(size)
                lifted = lift.improved(networks[0])
                if wide(units.value(lower), units.value(lifted.value)):
                    found = local(size).hop(
                        networks[0],
                        float(lower),
                        random,
                        polish=lambda found: lift.polished(found, ball),
                        tick=lambda count: progress("local search among networks", count),
                    )
                    lifted = min(lifted, lift.improved(found), key=lambda each: each.value)
    network, upper = attained(lifted)
    relaxed_network, relaxed_upper = attained(lift.wide)
    if lower is not None:
        lower = min(rounded(units.value(lower), _DIGITS, math.floor), relaxed_upper)
    if everywhere is not None:
        everywhere = rounded(units.value(everywhere), _DIGITS, math.floor)
    relaxed = Relaxed(lower, rounded(relaxed_upper, _DIGITS, math.ceil), relaxed_network)
    if cells is not None and cells.value <= upper:
        network, lower, upper = cells.network, cells.lower, cells.value
    else:
        upper = rounded(upper, _DIGITS, math.ceil)
        if lower is not None:
            lower = min(lower, upper)
        if cells is not None and lower is not None:
            lower = max(lower, cells.lower)
    return Optimum(
        problem=problem,
        within=within,
        width=width,
        lower=lower,
        everywhere=lower if whole else everywhere,
        upper=upper,
        network=network,
        whole=whole,
        relaxed=relaxed,
        relaxation=relaxation,
        dual=None if dual is None else dual.of(problem, units),
        covered=None if whole or covered is None else covered.of(problem, units),
        cells=cells,
    )


def _everywhere(
    columns: ColumnGeneration,
    found: Relaxation,
    weight: float,
    data: Problem,
    gauge: Gauge,
    progress: Progress,
) -> tuple[Relaxation, BlockDual | None]:
    """The optimum over all patterns, from that over a pool, and the dual point that proves it.

    While the cover of all directions has some that cost more than the pool's, their patterns join.
    In many dimensions the optimum stays that over the pool, and what quadratics prove of all
    patterns is known besides.
    """
    if gauge.free or (data.d > MAX_DIMENSION and gauge.apart):
        return found, None
    if data.d > MAX_DIMENSION:
        progress("patterns of all directions priced, besides", len(columns.patterns.active))
        return found, BlockDual.relaxed(data, gauge, found, weight, penalised=columns.penalised)
    while True:
        dual = BlockDual.repaired(data, gauge, found)
        if dual is None:
            return found, None
        progress("patterns of all directions priced, besides", len(columns.patterns.active))
        slack = columns.slack(found, weight)
        covered = dual.everywhere(found, slack, stop=True)
        assert isinstance(covered.cover, ConeCover)
        dearer = covered.cover.active
        if not len(dearer):
            return found, covered
        further = columns.extended(found, weight, dearer, slack)
        if further is None:  # their costs differ by rounding
            return found, dual.everywhere(found, slack)
        found = further


def _check_range(field_: str, values: Sequence[Fraction]) -> None:
    sizes = [abs(v) for v in values if v]
    if sizes and max(sizes) > _RANGE * min(sizes):
        raise InputError(
            field_,
            f"its numbers go from {_decimal(min(sizes), 3)} to {_decimal(max(sizes), 3)}; convex "
            f"solvers need them no more than {float(_RANGE):g} times apart",
        )


def _decimal(value: Fraction, digits: int) -> str:
    """A decimal of any size."""
    quotient = Decimal(value.numerator) / Decimal(value.denominator)
    return f"{quotient.normalize():.{digits}g}"


def _small(problem: Problem) -> Fraction:
    """A loss so small that gaps are compared with this."""
    return _ABSOLUTE * problem.zero


def _patterns(
    problem: Problem, X: Float[Array, "n d"], max_patterns: int, random: np.random.Generator
) -> tuple[Patterns, bool]:
    """All patterns, or some of random neurons; and whether these are all."""
    rank = int(np.linalg.matrix_rank(X)) if X.any() else 0
    if general_position_count(problem.n, rank) <= 64 * max_patterns:
        try:
            cones = arrangement(problem.X, max_cones=max_patterns)
            return Patterns(X, problem.activation, cones.signs > 0), True
        except BudgetError:
            pass
    starts = random.standard_normal((min(_FIRST_PATTERNS, max_patterns), problem.d))
    return Patterns(X, problem.activation, distinct(starts @ X.T > 0)), False


def _option(within: Within) -> Any:
    """How `CellComplex.of` is told."""
    return {"within" if isinstance(within, Ball) else "penalty": within}


def _searched(
    problem: Problem,
    within: Within,
    width: int,
    network: Network,
    max_cells: int,
    progress: Progress,
) -> Least | None:
    """The least loss over all cells of this width; None where there are too many."""
    try:
        complex_ = CellComplex.of(problem, width, max_cells=max_cells, **_option(within))
    except (BudgetError, InputError):
        return None
    zero = (Fraction(),) * problem.d
    neurons = [(s or 1, u) for s, u in network.convex_coordinates()]
    neurons += [(1, zero)] * (width - len(neurons))
    cell = complex_.canonical(complex_.states_of(neurons))
    if complex_.domain.exact and problem.is_plain and problem.bias != "free":
        cell = best_counts(complex_, cell)
    return least(
        complex_,
        cell,
        lambda solved: progress("cells of this width, minima computed", solved),
    )
