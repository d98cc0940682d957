"""The optimum of training inside an optimizer's ball, with a network and a proof of the gap.

1. Patterns: the whole arrangement where it has at most `max_patterns` cones, else those that column
   generation finds.
2. The convex program over all blocks, by CVXPY or Newton's method (columns.py): a relaxation of
   training at any width.
3. Its dual point, repaired to exact feasibility, proves a lower bound (bounds.py); its solution,
   lifted to a network in the ball of at most `width` neurons, attains an upper one (networks.py).
4. Where the gap is left open because the width is too small for the relaxation to be tight, all
   cells of that width are searched, if they are few: exactly for the entrywise ball, where a
   mixed-integer program finds the best cell first (counts.py).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, TypeAlias

import numpy as np
from jaxtyping import Float, Int

from theory.arrangement import arrangement, general_position_count
from theory.errors import BudgetError, InputError
from theory.gauges import ColumnNorms, Entrywise, Gauge, gauge_of
from theory.geometry import L2Penalty, geometry
from theory.landscape.cells import DEFAULT_MAX_CELLS, CellComplex
from theory.landscape.least import Least, least
from theory.network import Network
from theory.problem import Problem, positive_integer
from theory.programs.blocks import Patterns, distinct
from theory.programs.bounds import BlockDual
from theory.programs.columns import ColumnGeneration, Relaxation, Search
from theory.programs.counts import best_counts
from theory.programs.family import Family
from theory.programs.group_lasso import GroupNorms
from theory.programs.losses import Custom, Loss, Squared
from theory.programs.matrix_fractional import MatrixFractional
from theory.programs.networks import Neurons, interpolating, united
from theory.programs.program import BlockProgram
from theory.programs.sup_norm import SupNorms
from theory.programs.two_summing import TwoSumming

_Array: TypeAlias = np.ndarray[Any, Any]

Progress: TypeAlias = Callable[[str, int], None]

MAX_PATTERNS = 4000
"""Cones up to which the whole arrangement is taken, by default."""

TOLERANCE = 1e-6
"""A gap this small, relative to the value, needs no search of the cells."""

_FIRST_PATTERNS = 200  # of random neurons, where patterns are searched for
_ABSOLUTE = Fraction(1, 10**4)  # of the loss of zero weights: what counts as small
_INTERPOLATED = 30  # data points up to which exact interpolation is tried
_LARGEST = 1e100  # number of the data
_RANGE = 1e12  # between the largest and the smallest, zero left out
_DIGITS = 15  # of bounds that are no exact values, rounded outwards


@dataclass(frozen=True, eq=False)
class Optimum:
    """lower <= the least loss (with the penalty, for sgd) of training <= upper, at this width.

    rho: R_W R_a of the ball. beta: the weight of the penalty, for sgd. width: None where any is
    meant. network: attains `upper`. neurons: how many of it are not zero. patterns: how many
    were priced; whole: whether these are all, so that `lower` is global. Else it holds for networks
    with these patterns only. lower: None where the loss has no dual bound.
    relaxation, dual: of the convex program; cells: of the search of all cells, where that was made.
    """

    problem: Problem
    optimizer: str
    loss: Loss
    rho: Fraction | None
    beta: Fraction | None
    width: int | None
    lower: Fraction | None
    upper: Fraction
    network: Network
    neurons: int
    whole: bool
    relaxation: Relaxation = field(repr=False)
    dual: BlockDual | None = field(repr=False)
    cells: Least | None = field(repr=False)

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
        if self.gap is None:
            return None
        zero = self.loss.value((Fraction(),) * self.problem.n, self.problem.y)
        return float(self.gap / max(self.upper, _ABSOLUTE * zero)) if self.gap else 0.0


def family_of(gauge: Gauge) -> Family:
    """The convex programs of a gauge."""
    if isinstance(gauge, Entrywise):
        return SupNorms()
    if isinstance(gauge, ColumnNorms):
        return GroupNorms(gauge)
    return TwoSumming() if getattr(gauge, "summed", False) else MatrixFractional()


def solve(
    problem: Problem,
    optimizer: str,
    *,
    rho: Fraction | None = None,
    beta: Fraction | None = None,
    width: int | None = None,
    loss: Loss | None = None,
    max_patterns: int = MAX_PATTERNS,
    max_cells: int = DEFAULT_MAX_CELLS,
    seed: int = 0,
    progress: Progress = lambda stage, count: None,
) -> Optimum:
    """The least loss of networks of `width` neurons in an optimizer's ball, from both sides.

    rho: R_W R_a of the ball; for sgd instead `beta`, of the penalty (beta/2)(||W||_F^2 + ||a||^2).
    width: None, for as many neurons as it takes, is possible for muon, ngd and sgd only: in the
        other balls each neuron adds to what can be fitted.
    loss: squared by default; its bounds are rationals that a certificate carries.
    max_patterns: with more cones than that, patterns are searched for (from `seed`), and `lower`
        holds over these only. max_cells: the most cells to search at a small width.

    Raises InputError for wrong options, SolverFailure where no convex solver succeeds.
    Source: THEORY: proofs_notes/group-lasso.md, sup-norm.md, two-summing.md, matrix-fractional.md.
    """
    loss = loss or Squared()
    loss.check(problem.y)
    gauge = _gauge(optimizer, rho, beta)
    summed = bool(getattr(gauge, "summed", False))
    if width is not None:
        width = positive_integer(width, "width")
    elif not summed:
        raise InputError("width", f"is needed: in the ball of {optimizer} every neuron adds room")
    positive_integer(max_patterns, "max_patterns")

    X = np.array([[float(v) for v in row] for row in problem.X])
    y = np.array([float(v) for v in problem.y])
    for field_, values in (("X", X), ("y", y)):
        sizes = np.abs(values[values != 0])
        if len(sizes) and not (_LARGEST >= sizes.max() and sizes.max() <= _RANGE * sizes.min()):
            raise InputError(
                field_,
                f"its numbers go from {sizes.min():.3g} to {sizes.max():.3g}; convex solvers need "
                f"them below {_LARGEST:g}, and no more than {_RANGE:g} times apart",
            )
    patterns, whole = _patterns(problem, X, max_patterns, seed)
    family = family_of(gauge)
    columns = ColumnGeneration(
        patterns,
        y,
        family,
        loss,
        penalised=beta is not None,
        search=None if whole else Search(max_patterns, np.random.default_rng(seed)),
        tick=lambda count: progress("convex program, blocks priced", count),
    )
    weight = family.radius(rho, width or 1) if rho is not None else float(beta or 0)
    relaxation = columns.solve(weight)

    dual, lower = None, None
    if not isinstance(loss, Custom):
        dual = BlockDual.repaired(problem, gauge, relaxation)
        lower = Fraction()
        if dual is not None:
            lower = _bound(dual, loss, rho, beta, width)
    network, upper = _lifted(problem, gauge, family, loss, relaxation, rho, beta, width)
    cells = None
    if lower is not None and upper - lower > TOLERANCE * upper:
        better = _interpolated(problem, gauge, loss, relaxation, rho, width)
        if better is not None:
            network, upper = better, Fraction()
        elif rho is not None and width is not None and whole and isinstance(loss, Squared):
            cells = _searched(problem, optimizer, rho, width, network, max_cells, progress)
    if cells is not None and cells.value <= upper:
        network, lower, upper = cells.network, cells.lower, cells.value
    else:
        upper = _short(upper, math.ceil)
        # Summed neurons may have patterns that were not priced, and so a loss below the bound.
        lower = None if lower is None else min(_short(lower, math.floor), upper)
        if cells is not None and lower is not None:
            lower = max(lower, cells.lower)
    return Optimum(
        problem=problem,
        optimizer=optimizer,
        loss=loss,
        rho=rho,
        beta=beta,
        width=width,
        lower=lower,
        upper=upper,
        network=network,
        neurons=sum(1 for _, u in network.convex_coordinates() if any(u)),
        whole=whole,
        relaxation=relaxation,
        dual=dual,
        cells=cells,
    )


def _gauge(optimizer: str, rho: Fraction | None, beta: Fraction | None) -> Gauge:
    found = geometry(optimizer)
    if isinstance(found, L2Penalty):
        if beta is None or rho is not None:
            raise InputError("beta", f"is needed, and no rho: {optimizer} has a penalty, no ball")
        if beta <= 0:
            raise InputError("beta", f"{beta} must be positive")
        return ColumnNorms(summed=True)
    if rho is None or beta is not None:
        raise InputError("rho", f"is needed, and no beta: {optimizer} has a ball, no penalty")
    if rho <= 0:
        raise InputError("rho", f"{rho} must be positive: no other ball holds a network")
    return gauge_of(found.ball)


def _patterns(
    problem: Problem, X: Float[_Array, "n d"], max_patterns: int, seed: int
) -> tuple[Patterns, bool]:
    """All patterns, or some of random neurons; and whether these are all."""
    rank = int(np.linalg.matrix_rank(X)) if X.any() else 0
    if general_position_count(problem.n, rank) <= 64 * max_patterns:
        try:
            cones = arrangement(problem.X, max_cones=max_patterns)
            return Patterns(X, cones.signs > 0), True
        except BudgetError:
            pass
    starts = np.random.default_rng(seed).standard_normal(
        (min(_FIRST_PATTERNS, max_patterns), problem.d)
    )
    return Patterns(X, distinct(starts @ X.T > 0)), False


def _bound(
    dual: BlockDual, loss: Loss, rho: Fraction | None, beta: Fraction | None, width: int | None
) -> Fraction:
    if rho is not None:
        return dual.bound(loss, rho, width)
    assert beta is not None
    return dual.penalised_bound(loss, beta)


def _objective(problem: Problem, loss: Loss, network: Network, beta: Fraction | None) -> Fraction:
    """The loss, with the penalty if there is one."""
    value = loss.value(network.fit(problem), problem.y)
    if beta is not None:
        squares = (v * v for row in (*network.W, network.a) for v in row)
        value += beta * sum(squares, Fraction()) / 2
    return value


def _neurons(
    problem: Problem, gauge: Gauge, relaxation: Relaxation, width: int | None
) -> Neurons | None:
    """The solution of the relaxation as neurons; None where these are more than `width`."""
    signs, u = united(relaxation.patterns.X, relaxation.signs, relaxation.u)
    neurons = Neurons.near(signs, u)
    neurons = neurons.merged(problem, gauge).rounded()
    return None if width is not None and len(neurons) > width else neurons


def _lifted(
    problem: Problem,
    gauge: Gauge,
    family: Family,
    loss: Loss,
    relaxation: Relaxation,
    rho: Fraction | None,
    beta: Fraction | None,
    width: int | None,
) -> tuple[Network, Fraction]:
    """A network of at most `width` neurons in the ball, and its objective."""
    neurons = _neurons(problem, gauge, relaxation, width)
    if neurons is None:
        assert width is not None
        neurons = _best_cell(problem, family, loss, relaxation, rho, beta, width)
    if not len(neurons):
        network = Network(W=((Fraction(),),) * problem.d, a=(Fraction(),))
    elif beta is not None:
        network = neurons.balanced()
    else:
        assert rho is not None
        if width is not None and not getattr(gauge, "summed", False):
            neurons = _copied(neurons, family, width)
        network = neurons.inside(gauge, rho)
    return network, _objective(problem, loss, network, beta)


def _best_cell(
    problem: Problem,
    family: Family,
    loss: Loss,
    relaxation: Relaxation,
    rho: Fraction | None,
    beta: Fraction | None,
    width: int,
) -> Neurons:
    """The optimum over one cell: `width` neurons in the largest blocks of the relaxation."""
    sizes = family.lengths(relaxation.u, None)
    largest = np.argsort(-sizes)[:width]
    counts = _counts(sizes[largest], width)
    program = BlockProgram(
        relaxation.patterns,
        relaxation.blocks[largest],
        np.array([float(v) for v in problem.y]),
        family,
        loss,
        penalised=beta is not None,
        counts=counts.astype(float),
    )
    u, _, _ = program.solve(float(rho if beta is None and rho is not None else beta or 0))
    signs = relaxation.signs[largest]
    if getattr(family.gauge, "summed", False):
        return Neurons.near(signs, u)
    return Neurons.near(np.repeat(signs, counts), np.repeat(u / counts[:, None], counts, axis=0))


def _counts(sizes: Float[_Array, " k"], width: int) -> Int[_Array, " k"]:
    """`width` neurons for the blocks, one at least; the largest blocks get the most."""
    counts: Int[_Array, " k"] = np.ones(len(sizes), dtype=int)
    while counts.sum() < width:
        counts[np.argmax(sizes / counts)] += 1
    return counts


def _copied(neurons: Neurons, family: Family, width: int) -> Neurons:
    """`width` neurons of the same fit: each split equally, the largest into the most."""
    sizes = family.lengths(np.array([[float(v) for v in uj] for uj in neurons.u]), None)
    copies = _counts(sizes, width)
    signs = [s for s, k in zip(neurons.signs, copies.tolist(), strict=True) for _ in range(k)]
    u = [
        tuple(v / k for v in uj)
        for uj, k in zip(neurons.u, copies.tolist(), strict=True)
        for _ in range(k)
    ]
    return Neurons(tuple(signs), tuple(u))


def _interpolated(
    problem: Problem,
    gauge: Gauge,
    loss: Loss,
    relaxation: Relaxation,
    rho: Fraction | None,
    width: int | None,
) -> Network | None:
    """A network in the ball that fits y exactly, near the solution; None if that is not one."""
    if rho is None or not isinstance(loss, Squared) or problem.n > _INTERPOLATED:
        return None
    found = _neurons(problem, gauge, relaxation, width)
    neurons = None if found is None else interpolating(problem, found)
    if neurons is None:
        return None
    if width is not None and not getattr(gauge, "summed", False):
        neurons = _copied(neurons, family_of(gauge), width)
    network = neurons.inside(gauge, rho)
    return network if not network.loss(problem) else None


def _searched(
    problem: Problem,
    optimizer: str,
    rho: Fraction,
    width: int,
    network: Network,
    max_cells: int,
    progress: Progress,
) -> Least | None:
    """The least loss over all cells of this width; None where there are too many."""
    try:
        complex_ = CellComplex(problem, width, rho=rho, within=optimizer, max_cells=max_cells)
    except (BudgetError, InputError):
        return None
    zero = (Fraction(),) * problem.d
    neurons = [(s or 1, u) for s, u in network.convex_coordinates()]
    neurons += [(1, zero)] * (width - len(neurons))
    cell = tuple(2 * int(complex_.arrangement.cones_containing(u)[0]) + (s < 0) for s, u in neurons)
    cell = complex_.canonical(cell)
    if complex_.domain.exact:
        cell = best_counts(complex_, cell)
    return least(
        complex_,
        cell,
        lambda solved: progress("cells of this width, minima computed", solved),
    )


def _short(value: Fraction, to_integer: Callable[[Fraction], int]) -> Fraction:
    """A value >= 0 to so many significant digits, down or up."""
    if not value or value.denominator == 1:
        return value
    exponent = math.floor(math.log10(value.numerator) - math.log10(value.denominator))
    unit = Fraction(10) ** (exponent - _DIGITS + 1)
    return to_integer(value / unit) * unit
