"""Column generation: the convex program over many patterns, of which few are in use.

A restricted master program over some blocks gives a dual vector lam; pricing finds blocks that cost
more than those in use, and these join the master. When no block of the pool does, the solution of
the master is optimal over the pool, and lam with the multipliers of the prices proves it. If the
pool is the whole arrangement that is the global optimum; else new patterns are searched for, and
the bound is one over the patterns priced, if no cover of all directions prices the others.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
from jaxtyping import Bool, Float, Int

from theory.errors import SolverFailure
from theory.losses import SQUARED, Loss, Squared
from theory.programs.blocks import Patterns, distinct
from theory.programs.descent import LocalSearch
from theory.programs.family import Family, Multipliers, Prices
from theory.programs.free import complement
from theory.programs.networks import united
from theory.programs.newton import GroupLasso, Point
from theory.programs.program import BlockProgram, Solved
from theory.programs.spectral import SpectralProgram
from theory.types import Array

_LOG = logging.getLogger(__name__)

_WHOLE = 64  # blocks up to which the master takes all of them
_WHOLE_NEWTON = 1024  # the same where the master is solved by Newton's method
_NEW_OWN, _NEW = 200, 30  # blocks to join the master at once; the first where no CVXPY is needed
_GAIN_NEWTON, _GAIN = 0.0, 1e-3  # of the value, relative: for less no patterns are sought
_WIDTH, _WIDE = 64, 8  # of the networks that patterns are learnt from, and how many
_VIOLATED = 1e-9  # of the level, relative
_SMALL = 1e-4  # of the loss of zero weights: gaps of smaller losses are relative to this
# What a master may leave of the tolerance; over a whole arrangement the neurons are counted.
_INNER, _INNER_WHOLE = 0.25, 1e-3
_FIRST = 0.3  # the gap, relative, that is taken to be there at first
_AHEAD = 0.3  # times the gap that is reached: the tolerance of the next master
_USED = 1e-8  # of the largest block, relative
_SHARES = (0.1, 0.01, 1e-3)  # of the largest block: what may be left out, in turn
_KEPT = 1e-2  # times the tolerance: the size of blocks, relative, that stay in the master
_ROUNDS = 100
_LOOSE = 1e-3  # tolerance while the pool grows: of the gap, and of what counts as better
_STARTS = 400  # of the search for patterns, in each round
_CLIMBS = 20  # steps of each
_TRIED = 4  # times as many of the patterns passed are priced as may join
_MOVES, _NOISE = 4, 0.1  # times a solution is moved, and by how much first, relatively
_SUMS = 10  # rounds for the patterns of summed neurons


@dataclass(frozen=True, eq=False)
class Search:
    """Patterns beyond the pool are looked for until it has `limit` of them, or none is better."""

    limit: int
    random: np.random.Generator


@dataclass(frozen=True, eq=False)
class Relaxation:
    """A solution of the program over a pool of patterns, with what proves it; all in floats.

    blocks: (k,) in use, u: (k, d). lam: (n,). metric: Z for spectral norms. shift: (n,), what free
    columns add to the fit. prices: of all blocks.
    value: the objective. gap: value less the lower bound over the pool, before exact repair.
    """

    patterns: Patterns
    blocks: Int[Array, " k"]
    u: Float[Array, "k d"]
    lam: Float[Array, " n"]
    metric: Float[Array, "d d"] | None
    shift: Float[Array, " n"]
    prices: Prices
    value: float
    gap: float

    def kept(self, tolerance: float) -> Int[Array, " j"]:
        """The blocks in use that are not much smaller than the largest."""
        lengths = np.linalg.norm(self.u, axis=1)
        kept: Array = self.blocks[lengths > _KEPT * tolerance * lengths.max(initial=0.0)]
        return kept

    @property
    def signs(self) -> Float[Array, " k"]:
        """s_b of the blocks in use."""
        return self.patterns.signs(self.blocks)


class ColumnGeneration:
    """The program over a growing pool of patterns; solves start where the last one ended."""

    def __init__(
        self,
        patterns: Patterns,
        y: Float[Array, " n"],
        family: Family,
        loss: Loss = SQUARED,
        *,
        penalised: bool = False,
        search: Search | None = None,
        tolerance: float = 1e-8,
        tick: Callable[[int], None] = lambda blocks: None,
    ) -> None:
        """search: look for patterns beyond the pool; None: the pool is all there is.

        tolerance: of the gap, relative to the value, or to `_SMALL` of the loss of zero weights.
        tick: told the number of blocks priced.
        """
        self.patterns, self.y, self.family = patterns, y, family
        self.loss = loss
        self.penalised = penalised
        self.search = search
        self.tolerance = tolerance
        self.tick = tick
        self._newton = family.newton and isinstance(loss, Squared)
        self._spectral = family.interior and SpectralProgram.solves(patterns, loss)
        self._new = _NEW_OWN if self._newton or self._spectral else _NEW
        self._gain = _GAIN_NEWTON if self._newton else _GAIN
        self._inner = _INNER if search else _INNER_WHOLE
        self._active: Int[Array, " a"] = np.zeros(0, dtype=int)
        self._master: GroupLasso | SpectralProgram | BlockProgram | None = None
        self._point: Point | None = None
        self._relative_gap = _FIRST  # of the last round
        self._multipliers: Multipliers = {}
        nothing = np.zeros(len(y))
        self._zero = self.loss.at(nothing, y)
        # Newton's method has no weights, but rows times their roots.
        self._roots = np.sqrt(loss.curvature(nothing, y)) if self._newton else nothing

    def solve(self, weight: float) -> Relaxation:
        """The optimum for this radius, or this weight of the penalty."""
        if self.search is not None and self._zero:  # else zero weights are optimal
            if not self.penalised:
                self._learn(weight, self.search)
            value = math.inf
            while len(self.patterns.active) < self.search.limit:
                found = self._over_pool(weight, _LOOSE)
                gained, value = value - found.value, found.value
                if gained <= self._gain * found.value:
                    break
                if not self._extend(found, weight, self._candidates(found, weight), _LOOSE):
                    break
        found = self._over_pool(weight, self.tolerance)
        if self.search is not None and self.tolerance < _LOOSE:
            # Neurons in one closed cone will be summed: its pattern has to be priced too.
            for _ in range(_SUMS):
                if not self._extend(found, weight, _sums(found), self._gain or _VIOLATED):
                    break
                found = self._over_pool(weight, self.tolerance)
        # Where little is asked for, neither is a solution of few blocks, which takes a while.
        return self._sparser(found, weight) if self._spectral and self.tolerance < _LOOSE else found

    def _sparser(self, found: Relaxation, weight: float) -> Relaxation:
        """As good a solution of fewer blocks: interior points leave something in many of them."""
        lengths = np.linalg.norm(found.u, axis=1)
        allowed = self.tolerance * max(found.value, _SMALL * self._zero)
        for share in _SHARES:
            used = np.flatnonzero(lengths > share * lengths.max(initial=0.0))
            if len(used) == len(lengths):
                break
            blocks = found.blocks[used]
            program = SpectralProgram(self.patterns, blocks, self.y, self.loss)
            try:
                u, _, _, shift = program.solve(weight, self.tolerance * self._inner)
            except SolverFailure as error:
                _LOG.info("%s", error)
                continue
            fit = _fit(self.patterns, blocks, u) + shift
            more = self.loss.at(fit, self.y) - found.value
            if found.gap + more <= max(allowed, found.gap):
                value, gap = found.value + more, found.gap + more
                return replace(found, blocks=blocks, u=u, shift=shift, value=value, gap=gap)
        return found

    def slack(self, found: Relaxation, weight: float) -> float:
        """By how much the largest cost may be off, relative, for a gap of a quarter of the
        tolerance."""
        if self.penalised:
            return self.tolerance / 4
        reach = weight * float(found.prices.costs.max(initial=0.0))
        allowed = self.tolerance * max(found.value, _SMALL * self._zero) / 4
        return allowed / reach if reach else self.tolerance

    def extended(
        self, found: Relaxation, weight: float, active: Bool[Array, "q n"], better_by: float
    ) -> Relaxation | None:
        """The optimum with those of the patterns that cost more than the blocks in use, by this
        much, relative; None where none does."""
        if not self._extend(found, weight, active, better_by):
            return None
        return self._over_pool(weight, self.tolerance)

    def _learn(self, weight: float, search: Search) -> None:
        """Patterns of wide networks in the ball join the pool; the best one's are used first."""
        X = self.patterns.X
        networks = self._local(math.sqrt(weight)).from_random(_WIDTH, _WIDE, search.random)
        active = [network.blocks(X)[2] for network in networks]
        self.patterns = self.patterns.joined(np.concatenate(active))
        signs, _, used = networks[0].blocks(X)
        self._activate(self.patterns.blocks(used, signs), np.zeros(self.patterns.count))

    def _local(self, radius: float) -> LocalSearch:
        """Among networks with both layers in balls of this radius."""
        X, activation, free = self.patterns.X, self.patterns.activation, self.patterns.free
        return LocalSearch(X, self.y, activation, self.loss, self.family.balls, radius, free)

    def _over_pool(self, weight: float, tolerance: float) -> Relaxation:
        """The optimum over the pool, to this relative gap."""
        if not len(self._active):
            lam = -self.loss.gradient(np.zeros(len(self.y)), self.y)  # any, at a kink
            first = self.family.prices(self.patterns, lam, None, np.inf)
            self._activate(np.zeros(0, dtype=int), first.costs)
        aim = max(tolerance, self._relative_gap * _AHEAD) if self._spectral else tolerance
        before = math.inf
        for _ in range(_ROUNDS):
            self.tick(self.patterns.count)
            found = self._round(weight, aim)
            violated = found.prices.costs > self._level(found, weight) * (1 + _VIOLATED)
            violated[self._active] = False
            self._relative_gap = found.gap / (max(found.value, _SMALL * self._zero) or 1.0)
            accurate = self._relative_gap <= tolerance
            if accurate or (aim == tolerance and not violated.any()):
                break
            aim = max(tolerance, min(aim, self._relative_gap) * _AHEAD)
            if violated.any():
                # At kinks many dual vectors are optimal: blocks left out might come back for ever.
                stuck = not self.loss.smooth and found.value >= before * (1 - tolerance)
                kept = self._active if stuck else found.kept(tolerance)
                self._activate(kept, np.where(violated, found.prices.costs, 0.0))
                before = found.value
        if self._newton and not accurate:
            found = self._by_program(found, weight)
        return found

    def _by_program(self, found: Relaxation, weight: float) -> Relaxation:
        """The same by CVXPY, where Newton's method has stalled; the better of the two."""
        blocks = self._active
        try:
            solved = self._program().solve(weight)
        except SolverFailure as error:
            _LOG.info("Newton's method stalled at a gap of %.1e, and %s", found.gap, error)
            return found
        other = self._priced(blocks, solved, weight)
        return other if other.gap < found.gap else found

    def _activate(self, used: Int[Array, " k"], costs: Float[Array, " B"]) -> None:
        """The blocks in use and those of the largest costs form the next master; or all blocks."""
        before = self._active
        whole = _WHOLE_NEWTON if self._newton else _WHOLE
        if self.search is None and self.patterns.count <= whole:
            self._active = np.arange(self.patterns.count)
        else:
            order = np.argsort(-costs, kind="stable")[: self._new]
            self._active = np.union1d(used, order[costs[order] > 0])
        if not len(self._active):
            self._active = np.zeros(1, dtype=int)  # any block: nothing costs more than zero
        if self._newton:
            blocks = self._active
            masks, sides = self.patterns.masks(blocks), self.patterns.sides(blocks)
            free, roots = self.patterns.free, self._roots
            beside = None if free is None else complement(roots[:, None] * free)
            master = GroupLasso(self.patterns.X, roots * self.y, roots * masks, sides, beside)
            if self._point is not None and isinstance(self._master, GroupLasso):
                u = np.zeros((len(blocks), self.patterns.X.shape[1]))
                _, here, there = np.intersect1d(blocks, before, return_indices=True)
                u[here] = self._point.u[there]
                master.cones.tight[here] = self._master.cones.tight[there]
                self._point = Point(u, self._point.lam)
            self._master = master
        elif self._spectral:
            program = SpectralProgram(self.patterns, self._active, self.y, self.loss)
            if isinstance(self._master, SpectralProgram):
                _, here, there = np.intersect1d(self._active, before, return_indices=True)
                mu = np.zeros((len(self._active), len(self.y)))
                for k, block in enumerate(self._active.tolist()):
                    rows, values = self._multipliers.get(block, ([], []))
                    mu[k, rows] = values
                program.follow(self._master, here, there, mu, self._relative_gap)
            self._master = program
        else:
            self._master = self._program()

    def _program(self) -> BlockProgram:
        """The master for CVXPY."""
        blocks, penalised = self._active, self.penalised
        return BlockProgram(
            self.patterns, blocks, self.y, self.family, self.loss, penalised=penalised
        )

    def _round(self, weight: float, tolerance: float) -> Relaxation:
        """Solve the master, and price the pool."""
        master = self._master
        if isinstance(master, GroupLasso):
            start = self._point or master.start()
            self._point = self._by_newton(master, start, weight, tolerance)
            u = self._point.u
            residual = master.whole(master.y - master.fit(u))
            shift = np.zeros_like(residual)
            if self.patterns.free is not None:
                shift = self.y - _fit(self.patterns, self._active, u) - residual / self._roots
            found = Solved(u, self._roots * residual, None, shift)
        elif isinstance(master, SpectralProgram):
            try:
                found = master.solve(weight, tolerance * self._inner)
            except SolverFailure as error:
                _LOG.info("%s", error)
                found = self._program().solve(weight)
        else:
            assert master is not None
            found = master.solve(weight)
        lengths = np.linalg.norm(found.u, axis=1)
        used = np.flatnonzero(lengths > _USED * lengths.max(initial=0.0))
        return self._priced(self._active[used], found._replace(u=found.u[used]), weight)

    def _by_newton(
        self, master: GroupLasso, start: Point, weight: float, tolerance: float
    ) -> Point:
        options = {"beta": weight} if self.penalised else {"radius": weight}

        def enough(point: Point) -> bool:
            fit = master.fit(point.u)
            lam = master.y - fit
            size = np.linalg.norm(point.u, axis=1).sum()
            v = master.gradient(lam)
            level = weight if self.penalised else float(lam @ fit) / weight
            on = np.flatnonzero(np.linalg.norm(v, axis=1) > level)
            w, _ = master.cones.project(v[on], on, level)
            top = np.linalg.norm(w, axis=1).max(initial=level)
            value = lam @ lam / 2 + (weight * size if self.penalised else 0.0)
            gap = self._gap(weight, size, top, value) - float(lam @ fit)
            return bool(gap <= tolerance * max(value, _SMALL * self._zero) / 4)

        return master.solve(start, enough=enough, **options)

    def _priced(
        self,
        blocks: Int[Array, " k"],
        solved: Solved,
        weight: float,
    ) -> Relaxation:
        patterns = self.patterns
        u, lam, metric, shift = solved
        fit = _fit(patterns, blocks, u) + shift
        value = self.loss.at(fit, self.y)
        slack = self._slack_of(lam, fit, value)
        size = float(np.linalg.norm(u, axis=1).sum())
        level = float(lam @ fit) / weight if weight else 0.0
        if self.penalised:
            value += weight * size
            level = weight
        prices = self.family.prices(patterns, lam, metric, level, self._multipliers)
        self._multipliers = prices.multipliers
        gap = self._gap(weight, size, float(prices.costs.max(initial=0.0)), value)
        gap += slack - float(lam @ fit)
        return Relaxation(patterns, blocks, u, lam, metric, shift, prices, value, gap)

    def _slack_of(self, lam: Float[Array, " n"], fit: Float[Array, " n"], value: float) -> float:
        """L(f) + lam . f - D(lam): zero where -lam is a subgradient, and that is not sure only for
        losses with kinks."""
        if self.loss.smooth:
            return 0.0
        y = [Fraction(v) for v in self.y.tolist()]
        exact = [Fraction(v) for v in lam.tolist()]
        times = self.loss.multiple(exact, y)  # lam may be too long by rounding
        dual = self.loss.dual([times * v for v in exact], y)
        return 0.0 if dual is None else max(0.0, value + float(lam @ fit) - float(dual))

    def _gap(self, weight: float, size: float, top: float, value: float) -> float:
        """What lam . fit falls short of, for a gap of zero; top: the largest cost of a block.

        In a ball lam . f <= weight top for every fit f. With a penalty, as L is convex, any other
        point has an objective of at least L + lam . fit - (top - weight) times its sum of lengths,
        which at the optimum is at most value / weight: being as expensive as all others is not
        enough for the blocks in use, they have to cost `weight`.
        """
        if not self.penalised:
            return weight * top
        return weight * size + max(0.0, top - weight) * value / weight

    def _level(self, found: Relaxation, weight: float) -> float:
        """The cost of blocks in use, up to rounding."""
        if self.penalised:
            return weight
        return float(found.prices.costs[found.blocks].max(initial=0.0))

    def _candidates(self, found: Relaxation, weight: float) -> Bool[Array, "t n"]:
        """Patterns to try: where the solution moves as a network, and those of a random search."""
        assert self.search is not None
        climbed = _climbed(found, self.family, self._level(found, weight), self.search.random)
        moved = self._moved(found, self.search.random)
        return np.concatenate([moved, _sums(found), climbed])

    def _moved(self, found: Relaxation, random: np.random.Generator) -> Bool[Array, "k n"]:
        """Patterns that the solution has once its neurons may leave their cones.

        At the solution itself, on many walls, gradients lead nowhere; from close by they do.
        """
        X = self.patterns.X
        hidden, output = self.family.balls
        if not len(found.u):
            return np.zeros((0, len(X)), dtype=bool)
        _, gauge, scale = hidden.factorise(found.u.T, output)
        radius = math.sqrt(gauge)
        a = scale * radius
        W, search = found.u.T / a, self._local(radius)
        active = []
        for _ in range(_MOVES):
            noise = 1 + _NOISE * random.standard_normal(W.shape)
            network = search.descend(W * noise, found.signs * a, found.shift)
            active.append(network.blocks(X)[2])
        return np.concatenate(active)

    def _extend(
        self, found: Relaxation, weight: float, candidates: Bool[Array, "t n"], better_by: float
    ) -> bool:
        """Those that cost more than the blocks in use join the pool; whether any did."""
        level = self._level(found, weight)
        known = len(self.patterns.active)
        fresh = self.patterns.joined(candidates).active[known:]
        if not len(fresh):
            return False
        costs = self.family.prices(
            replace(self.patterns, active=fresh), found.lam, found.metric, level
        ).costs.reshape(-1, 2)
        better = np.flatnonzero(costs.max(axis=1) > level * (1 + better_by))
        if not len(better):
            return False
        order = better[np.argsort(-costs.max(axis=1)[better], kind="stable")][: self._new]
        grown = np.concatenate([self.patterns.active, fresh[order]])
        self.patterns = replace(self.patterns, active=grown)
        joined = np.zeros(self.patterns.count)
        joined[2 * known :] = costs[order].ravel()
        joined[joined <= level] = 0.0
        self._activate(found.kept(better_by), joined)
        return True


def _sums(found: Relaxation) -> Bool[Array, "t n"]:
    """The patterns of neurons that lie in one closed cone, summed."""
    _, u = united(found.patterns.X, found.signs, found.u)
    sums: Array = u @ found.patterns.X.T > 0
    return sums


def _fit(
    patterns: Patterns, blocks: Int[Array, " k"], u: Float[Array, "k d"]
) -> Float[Array, " n"]:
    """sum_b s_b D_b X u_b"""
    fit: Array = (u @ patterns.X.T * patterns.masks(blocks)).sum(axis=0)
    return fit


def _climbed(
    found: Relaxation, family: Family, level: float, random: np.random.Generator
) -> Bool[Array, "t n"]:
    """Patterns on the way up +-lam . sigma(X u) that exceed the level, from random u and neurons.

    Each step goes half way to the best u of the linear piece that it is on, cone or not: a whole
    step often jumps between two pieces for ever.
    """
    X, lam, activation = found.patterns.X, found.lam, found.patterns.activation
    starts = np.concatenate([random.standard_normal((_STARTS, X.shape[1])), found.u])
    seen, gains = [], []
    for sign in (1.0, -1.0):
        u = starts
        for _ in range(_CLIMBS):
            outputs = u @ X.T
            active = outputs > 0
            gain = sign * activation.at(outputs) @ lam / family.lengths(u, found.metric)
            above = gain > level * (1 + _LOOSE)
            seen.append(active[above])
            gains.append(gain[above])
            goal = family.best(sign * (activation.slopes(active) * lam) @ X, found.metric)
            u = _unit(u) + _unit(goal)
    best = np.argsort(-np.concatenate(gains), kind="stable")[: _TRIED * _NEW_OWN]
    return distinct(np.concatenate(seen)[best])


def _unit(u: Float[Array, "b d"]) -> Float[Array, "b d"]:
    """Rows of length one, or zero."""
    unit: Array = u / np.maximum(np.linalg.norm(u, axis=1, keepdims=True), np.finfo(float).tiny)
    return unit
