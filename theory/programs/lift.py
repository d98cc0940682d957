"""From a solution of the convex program to networks in the ball, as exact rationals."""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from theory.errors import SolverFailure
from theory.gauges import Gauge
from theory.geometry import LionK
from theory.landscape.completed import completed
from theory.landscape.penalised import balanced
from theory.losses import Logistic
from theory.network import Network
from theory.problem import Problem
from theory.programs.blocks import Patterns, distinct
from theory.programs.columns import Relaxation
from theory.programs.descent import Found
from theory.programs.family import Family
from theory.programs.free import coefficients_of, constant_neurons
from theory.programs.networks import Neurons, interpolating, united
from theory.programs.program import BlockProgram, Solved
from theory.programs.spectral import SpectralProgram
from theory.types import Array
from theory.within import Penalty

_LOG = logging.getLogger(__name__)

_TOLERANCE = 1e-9  # of the best network of a cell, in a ball of muon
_INTERPOLATED = 30  # data points up to which exact interpolation is tried
_ROUNDING = Fraction(1, 10**6)  # of a neuron: no further one is needed for so little


class Lifted(NamedTuple):
    """A network in the ball (or any, with a penalty) and its objective, exactly."""

    network: Network
    value: Fraction


class _OfCell(NamedTuple):
    """A float network: signs and coordinates of its neurons, and what free columns add."""

    signs: Float[Array, " k"]
    u: Float[Array, "k d"]
    shift: Float[Array, " n"]


def objective(problem: Problem, beta: Fraction | None, network: Network) -> Fraction:
    """The loss, with the penalty if there is one."""
    value = network.loss(problem)
    return value if beta is None else value + Penalty(beta).of(network)


@dataclass(frozen=True, eq=False)
class Lift:
    """The networks that a relaxation leads to, at one radius or weight of the penalty.

    width: the most neurons of `narrow`; None where any number will do.
    """

    problem: Problem
    gauge: Gauge
    family: Family
    relaxation: Relaxation
    rho: Fraction | None
    beta: Fraction | None
    width: int | None

    def objective(self, network: Network) -> Lifted:
        """The network with its objective."""
        return Lifted(network, objective(self.problem, self.beta, network))

    @cached_property
    def wide(self) -> Lifted:
        """Of as many neurons as the relaxation takes: its objective is that of the relaxation.

        Where the ball counts neurons, c_b times the largest neuron of block b becomes ceil(c_b)
        equal ones: fewer than the width plus the number of blocks.
        """
        neurons, free = self._neurons, self._free
        if not len(neurons) or self.rho is None or self.gauge.summed:
            return self._in_ball(neurons, free)
        neurons, counts = self._inside(neurons)
        return self._in_ball(neurons.split([math.ceil(c - _ROUNDING) or 1 for c in counts]), free)

    def _inside(self, neurons: Neurons) -> tuple[Neurons, list[Fraction]]:
        """A little inside the relaxation's ball, so that what they attain bounds the relaxation;
        and the room of how many neurons each of them takes."""
        assert self.width is not None
        assert self.rho is not None
        sizes = self.family.relaxed.hidden.sizes(neurons.u)
        radius = self.gauge.relaxed(self.rho, self.width)
        total = sum(sizes, Fraction())
        excess = max(Fraction(1), total / radius)
        neurons = neurons.scaled([1 / excess] * len(neurons))
        if self.gauge.power != 1:
            counts = [size / excess / radius * self.width for size in sizes]
        if self.gauge.bounded:
            biases = [abs(uj[-1]) / self.rho for uj in neurons.u]
            if self.gauge.power != 1:
                counts = list(map(max, counts, biases))
            else:  # of all that is to be shared, alpha, they have the parts size / total
                shares = zip(biases, sizes, strict=True)
                counts = [b * b * total / size for b, size in shares]
        return neurons, counts

    @cached_property
    def narrow(self) -> Lifted:
        """Of at most `width` neurons: those of the relaxation, or else the best of one cell."""
        neurons = self._neurons
        if self.width is None or len(neurons) <= self.width:
            filled = self._filled(neurons)
            if filled is neurons:
                return self.wide
            lifted = self._in_ball(filled, self._free)
            return self._balanced(lifted) if self.gauge.bounded else lifted
        largest = np.argsort(-self.family.lengths(self.relaxation.u, None))[: self.width]
        sizes = self.family.lengths(self.relaxation.u[largest], None)
        cell = self._best_of_cell(
            self.relaxation.patterns, self.relaxation.blocks[largest], _counts(sizes, self.width)
        )
        return self._of_cell(cell)

    def _balanced(self, lifted: Lifted) -> Lifted:
        """The better of a network and the best of its cell: of neurons whose biases are bounded a
        few are too large for their counts, and all shrink."""
        W = np.array(lifted.network.W, dtype=float)
        a = np.array(lifted.network.a, dtype=float)
        cell = self._cell(Found(W, a, float(lifted.value), self.relaxation.shift))
        if cell is None:
            return lifted
        return min(lifted, self._of_cell(cell), key=lambda each: each.value)

    def improved(self, found: Found) -> Lifted:
        """The better of `narrow` and the best network of the cell that a float network is in."""
        cell = self._cell(found)
        if cell is None:
            return self.narrow
        return min(self.narrow, self._of_cell(cell), key=lambda each: each.value)

    def polished(self, found: Found, ball: LionK) -> Found:
        """The float network, or the best one of its cell where there is a ball."""
        cell = None if self.rho is None else self._cell(found)
        if cell is None or not cell.u.any():
            return found
        W, a = ball.lift(cell.signs, cell.u.T)
        blanks = len(found.a) - len(a)
        W, a = np.pad(W, ((0, 0), (0, blanks))), np.pad(a, (0, blanks))
        fit = self.problem.activation.fit(self.relaxation.patterns.X, W, a) + cell.shift
        other = Found(W, a, self.problem.loss.at(fit, self._targets), cell.shift)
        return min(found, other, key=lambda each: each.value)

    @cached_property
    def interpolating(self) -> Lifted | None:
        """A network in the ball that fits y exactly, near the solution; None if that is not one."""
        neurons = self._neurons
        few = self.width is None or len(neurons) <= self.width
        if self.rho is None or self.problem.loss_of(self.problem.y) or not few:
            return None
        if self.problem.n > _INTERPOLATED:
            return None
        exact = interpolating(self.problem, neurons, self._free)
        lifted = None if exact is None else self._in_ball(self._filled(exact[0]), exact[1])
        return None if lifted is None or lifted.value else lifted

    @cached_property
    def _neurons(self) -> Neurons:
        """The solution of the relaxation as few neurons (Caratheodory), of short numbers."""
        found = self.relaxation
        signs, u = found.signs, found.u
        if constant_neurons(self.problem):
            constant = found.shift.mean() / found.patterns.X[0, -1]
            signs, u = np.append(signs, np.sign(constant)), np.vstack([u, np.zeros(u.shape[1])])
            u[-1, -1] = abs(constant)
        neurons = Neurons.near(*united(found.patterns.X, signs, u))
        return neurons.merged(self.problem, self.family.relaxed).rounded()

    @cached_property
    def _free(self) -> tuple[Fraction, ...]:
        """The coefficients of the free columns that go with them."""
        return self._coefficients(self.relaxation.shift)

    def _coefficients(self, shift: Float[Array, " n"]) -> tuple[Fraction, ...]:
        return () if constant_neurons(self.problem) else coefficients_of(self.problem, shift)

    def _of_cell(self, cell: _OfCell) -> Lifted:
        free = self._coefficients(cell.shift)
        return self._in_ball(Neurons.near(cell.signs, cell.u), free)

    def _in_ball(self, neurons: Neurons, free: Sequence[Fraction]) -> Lifted:
        none = Network.zero(self.problem.d, 1)
        if not len(neurons):
            network = none
        elif self.rho is None:
            network = balanced(list(zip(neurons.signs, neurons.u, strict=True)))
        else:
            network = neurons.inside(self.gauge, self.rho)
        lifted = self.objective(network.with_free(self.problem, free))
        if not free or not isinstance(self.problem.loss, Logistic):
            return lifted
        # Where free columns separate the labels the least loss is at infinity: solvers stop early.
        further = [self.objective(completed(self.problem, each)) for each in (network, none)]
        return min(lifted, *further, key=lambda each: each.value)

    def _filled(self, neurons: Neurons) -> Neurons:
        """`width` neurons of the same fit, where each has its own share of the ball."""
        if self.width is None or self.rho is None or self.gauge.summed or not len(neurons):
            return neurons
        if self.gauge.bounded:
            sizes = np.array(self._inside(neurons)[1], dtype=float)
        else:
            sizes = self.family.lengths(np.array(neurons.u, dtype=float), None)
        return neurons.split(_counts(sizes, self.width).tolist())

    def _cell(self, found: Found) -> _OfCell | None:
        """The best network of the cell that a float network is in."""
        signs, _, active = found.blocks(self.relaxation.patterns.X)
        if not len(active):
            return None
        patterns = replace(self.relaxation.patterns, active=distinct(active))
        blocks, counts = np.unique(patterns.blocks(active, signs), return_counts=True)
        try:
            return self._best_of_cell(patterns, blocks, counts)
        except SolverFailure as error:
            _LOG.info("the best network of a cell is not found: %s", error)
            return None

    def _best_of_cell(
        self, patterns: Patterns, blocks: Int[Array, " b"], counts: Int[Array, " b"]
    ) -> _OfCell:
        """The best network with so many neurons in each block."""
        weight = self.rho if self.beta is None else self.beta
        assert weight is not None
        if constant_neurons(self.problem):  # there is room for these neurons only
            patterns = replace(patterns, free=None)
        u, _, _, shift = self._solved(patterns, blocks, counts.astype(float), float(weight))
        signs = patterns.signs(blocks)
        if not self.gauge.summed:
            signs, u = np.repeat(signs, counts), np.repeat(u / counts[:, None], counts, axis=0)
        return _OfCell(signs, u, shift)

    def _solved(
        self,
        patterns: Patterns,
        blocks: Int[Array, " b"],
        counts: Float[Array, " b"],
        weight: float,
    ) -> Solved:
        loss = self.problem.loss
        if self.family.interior and SpectralProgram.solves(patterns, loss):
            own = None if self.gauge.summed else counts
            program = SpectralProgram(patterns, blocks, self._targets, loss, counts=own)
            try:
                return program.solve(weight, _TOLERANCE)
            except SolverFailure as error:
                _LOG.info("%s", error)
        data = (patterns, blocks, self._targets, self.family, loss)
        penalised = self.beta is not None
        return BlockProgram(*data, penalised=penalised, counts=counts).solve(weight)

    @cached_property
    def _targets(self) -> Float[Array, " n"]:
        return np.array(self.problem.y, dtype=float)


def _counts(sizes: Float[Array, " k"], width: int) -> Int[Array, " k"]:
    """`width` neurons for the blocks, one at least; the largest blocks get the most."""
    counts: Int[Array, " k"] = np.ones(len(sizes), dtype=int)
    while counts.sum() < width:
        counts[np.argmax(sizes / counts)] += 1
    return counts
