"""The least radius of one optimizer's ball that reaches given cells, inside another's ball.

Best first, as for single optimizers: a dual vector found in one cell bounds others too, and only a
cell that might need less is looked at itself. Both ends of the answer are exact.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import zip_longest

import numpy as np
from jaxtyping import Bool, Float, Int

from theory.connectivity.solutions import Neuron, Point
from theory.documents import interval_document
from theory.exact import dot, rounded, snapped
from theory.gauges import Point as UPoint
from theory.landscape.cells import Cell, CellComplex
from theory.landscape.completed import free_fit
from theory.losses import Separable
from theory.radii.fibre import Fibre
from theory.radii.fits import Condition, Fits
from theory.radii.radii import DIGITS
from theory.regions.balls import BallShape, image
from theory.regions.joint import Block, Joint, JointDual, Own, Shared, Solution
from theory.regions.prices import GRIDS, SIMPLE, Pricing, Rounding
from theory.regions.tilt import Tilt
from theory.states import cone_of, sign_of
from theory.tables import Between
from theory.types import Array

_SLACK = 1e-7  # relative: a cell whose bound is so near the best network is settled
# Entries become the simplest fractions this near, relatively: first what finds exact answers, then
# what stays inside a ball and a level where the solver had some distance from the boundary.
_NEAR = (1e-8, 1e-12)
_FARTHER = 1 - 1e-7  # of the distance from y, where it is so small that the first try fails
_AT_END = 1e-6  # relative to the targets: outputs so near an end of those of zero loss are at it
_SIMPLE = 10**6  # the largest denominator of an answer that is tried as the exact one
_ROUNDING = 1e-9  # relative, of floats, generously
_CANCELLED = 1e-6  # relative to what it is of: a smaller difference of floats is not used
_UNUSED = 1e-5  # relative to the largest: blocks of smaller alpha are left out where possible
_TINY = 1e-7  # relative: blocks of smaller u have alpha to spare, so that u^2 / alpha stays small


@dataclass(frozen=True)
class LeastRadius:
    """lower <= the least radius of the last ball <= upper, with those before it `fixed`.

    upper, witness: None where no network was found. lower: None where it is proved that there is
    none, at any radius. duals: what proves the lower end, cell by cell.
    """

    balls: tuple[BallShape, ...]
    fixed: tuple[Fraction, ...]
    lower: Fraction | None
    upper: Fraction | None
    witness: Point | None
    duals: tuple[JointDual, ...]

    def __str__(self) -> str:
        return "none" if self.lower is None else str(Between(self.lower, self.upper))

    def to_json(self) -> dict[str, str | None]:
        """Both ends: null where no network was found, or where there is none at any radius."""
        return interval_document(self.lower, self.upper)


class Search:
    """Least radii over cells of one complex, for one or two balls, at one level of the loss.

    tilt: where the level is the least loss > 0 of the cells, for the fit that they have there.
    Dual vectors hold at all radii, so they are kept from one search to the next.
    """

    def __init__(
        self,
        complex_: CellComplex,
        cells: Sequence[Cell],
        balls: tuple[BallShape, ...],
        level: Fraction,
        tilt: Tilt | None = None,
    ) -> None:
        self.complex = complex_
        self.cells = tuple(cells)
        self.balls = balls
        self.level = level
        self._tilt = tilt
        self._problem = complex_.problem
        # The fits of least loss are known, as at level 0.
        self._fitted = tilt is not None or not level
        within = Fraction() if self._fitted else level
        loss, y = self._problem.loss, self._problem.y
        assert isinstance(loss, Separable)
        nothing = (Fraction(),) * len(y)
        self._ends = tuple(loss.minimisers(nothing, y)) if tilt is None else tilt.ends
        self._fits = Fits.least(loss, y, nothing, Fraction()) if tilt is None else tilt.fits
        tight = tilt.lam if tilt is not None and tilt.tight else None
        self.joint = Joint(self._problem, complex_.arrangement, balls, within, self._ends, tight)
        self.pool: list[JointDual] = []
        self._first = Search(complex_, cells, balls[:1], level, tilt) if len(balls) > 1 else None

    def run(
        self,
        fixed: tuple[Fraction, ...] = (),
        cells: Sequence[Cell] | None = None,
        tick: Callable[[int], None] = lambda settled: None,
    ) -> LeastRadius:
        """The least radius over `cells` (default: all); tick is told how many are settled."""
        chosen = self.cells if cells is None else tuple(cells)
        if self._unlimited or self._loss(()) <= self.level:
            return LeastRadius(
                self.balls, fixed, Fraction(), Fraction(), self._anything(chosen[0]), ()
            )
        bounds = _Bounds(chosen, self.complex.states, fixed)
        for known in self.pool:
            bounds.learn(known)
        upper: Fraction | None = None
        witness: Point | None = None
        tried: set[int] = set()
        while (place := bounds.weakest(tried, upper)) is not None:
            tick(len(tried))
            tried.add(place)
            for point, dual in self._attempts(chosen[place], fixed):
                if point is not None:
                    size = self.balls[-1].needed(point)
                    if upper is None or size < upper:
                        upper, witness = size, point
                if dual is not None:
                    proved = dual if self._tilt is None else self._tilt.tilted(dual)
                    self.pool.append(proved)
                    bounds.learn(proved)
                if not bounds.below(upper)[place]:
                    break
        lower, cell, used = bounds.proved()
        if upper is not None and upper.denominator <= _SIMPLE and self._tilt is None:
            # Then the bounds may be fractions as simple, and meet it exactly.
            while lower is not None and lower < upper:
                solution = self.joint.solve(Counter(cell), fixed)
                exact = solution and self._dual(cell, solution, fixed, SIMPLE)
                if not exact or exact.bound(cell, fixed) != upper:
                    break
                bounds.learn(exact)
                lower, cell, used = bounds.proved()
        if lower != upper:
            lower = None if lower is None else rounded(lower, DIGITS, math.floor)
            upper = None if upper is None else rounded(upper, DIGITS, math.ceil)
        return LeastRadius(self.balls, fixed, lower, upper, witness, used)

    @property
    def _unlimited(self) -> bool:
        """Whether every radius will do, as nothing bounds one of the layers."""
        return not (any(b.hidden for b in self.balls) and any(b.output for b in self.balls))

    def _anything(self, cell: Cell) -> Point:
        """The best network of a cell; none is needed where zero will do."""
        if self._loss(()) <= self.level:
            return ()
        neurons = self.complex.point(cell, self.complex.minimum(cell))
        return tuple(Neuron(sign, max(map(abs, u)), u) for sign, u in neurons)

    def _attempts(
        self, cell: Cell, fixed: tuple[Fraction, ...]
    ) -> Iterator[tuple[Point | None, JointDual | None]]:
        """Points of the cell, and dual vectors made for it."""
        if not fixed and self.balls[0].box and self._fitted:
            yield self._exact(cell)
            return
        solution = self.joint.solve(Counter(cell), fixed)
        if solution is None:
            # Perhaps the first ball does not reach the cell.
            if self._first is not None:
                for _, dual in self._first._attempts(cell, ()):
                    yield None, None if dual is None else self._extended(dual)
            return
        duals = (self._dual(cell, solution, fixed, rounding) for rounding in GRIDS)
        yield from zip_longest(self._points(cell, solution, fixed), duals)

    def _points(
        self, cell: Cell, solution: Solution, fixed: tuple[Fraction, ...]
    ) -> Iterator[Point | None]:
        """Exact points near the solution, or near others that are farther from the boundary."""
        # Blocks that are almost zero would spoil an exact point.
        sizes = dict(zip(Counter(cell), solution.alpha.tolist(), strict=True))
        used = tuple(s for s in cell if sizes[s] > _UNUSED * max(sizes.values()))
        found: Solution | None = solution
        if len(used) < len(cell):
            found = self.joint.solve(Counter(used), fixed)
        for near in _NEAR:
            yield found and self._point(used, found, fixed, near)
        yield self._point(cell, solution, fixed, _NEAR[-1])
        if not self._fitted:
            found = self.joint.solve(Counter(cell), fixed, inside=_FARTHER)
            yield found and self._point(cell, found, fixed, _NEAR[-1])

    def _dual(
        self, cell: Cell, solution: Solution, fixed: tuple[Fraction, ...], rounding: Rounding
    ) -> JointDual | None:
        radii = [*fixed, Fraction(solution.rho)]
        return self._pricing.dual(solution, cell, radii, rounding)

    @cached_property
    def _states(self) -> list[int]:
        return sorted({state for cell in self.cells for state in cell})

    @cached_property
    def _pricing(self) -> Pricing:
        return Pricing(self.joint, self._states)

    def _extended(self, dual: JointDual) -> JointDual:
        """A dual vector of the first ball alone, with no weights for the last one."""
        zero = (Fraction(),) * self.complex.problem.d
        shared = (*dual.shared, Shared((zero,) * len(zero), Fraction()))
        blocks = {
            state: Block((*block.own, Own()), block.mu) for state, block in dual.blocks.items()
        }
        return JointDual(self.balls, dual.lam, shared, blocks, dual.height, dual.tilt)

    def _exact(self, cell: Cell) -> tuple[Point, JointDual]:
        """For the largest entry: a linear program, solved exactly."""
        problem = self._problem
        fibre = Fibre.of(self.complex, cell, self._fits)
        nearest = fibre.nearest(tuple(tuple(Fraction() for _ in u) for u in fibre.start))
        point = tuple(
            Neuron(sign, max(map(abs, u)), u)
            for sign, u in zip(fibre.signs, nearest.point, strict=True)
        )
        coefficients = {(Fraction(),) * problem.n, *fibre.coefficients(nearest.lam, nearest.mu)}
        blocks = {state: self._priced(state, nearest.lam, coefficients) for state in self._states}
        zero = (Fraction(),) * problem.d
        shared = (Shared((zero,) * len(zero), Fraction()),)
        tilt = self.joint.best_tilt(nearest.lam)
        height = self.joint.height(nearest.lam, tilt)
        return point, JointDual(self.balls, nearest.lam, shared, blocks, height, tilt)

    def _priced(
        self,
        state: int,
        lam: Sequence[Fraction],
        coefficients: Iterable[tuple[Fraction, ...]],
    ) -> Block:
        """The least price that coefficients of the rows in w allow, moved to where they serve the
        state: at least s D_k lam_k where it is active, at most that elsewhere."""
        sign = sign_of(state)
        active = self.complex.arrangement.active(cone_of(state)).tolist()
        least = self.complex.problem.activation.part(active, [sign * v for v in lam])
        features = list(zip(*self.complex.problem.X, strict=True))
        choices = []
        for moved in coefficients:
            rows = zip(active, moved, least, strict=True)
            c = [max(v, end) if on else min(v, end) for on, v, end in rows]
            # The least of sum_k tau_k + sigma with sum_k w_k^2 / tau_k <= 4 sigma.
            hidden = tuple(abs(dot(c, x)) / 2 for x in features)
            mu = tuple(abs(v - end) for v, end in zip(c, least, strict=True))
            choices.append(Block((Own(hidden, sum(hidden, Fraction())),), mu))
        return min(choices, key=lambda block: block.own[0].price)

    def _point(
        self,
        cell: Cell,
        solution: Solution,
        fixed: tuple[Fraction, ...],
        near: float,
    ) -> Point | None:
        """An exact point near the solution, in the fixed ball; blocks are split into neurons.

        near: relative to the largest, how far entries may be moved to the simplest fractions.
        """
        problem, joint = self._problem, self.joint
        counts = Counter(cell)
        top = float(np.abs(solution.U).max()) or 1.0
        target = tuple(tuple(snapped(v, near * top) for v in u) for u in solution.U.T.tolist())
        signs = tuple(map(sign_of, counts))
        fibre = Fibre(
            problem=problem,
            fits=self._near_ends(solution.fit),
            signs=signs,
            active=tuple(tuple((side > 0).tolist()) for side in joint.sides(list(counts))),
            start=(),
        )
        box = bool(fixed) and self.balls[0].box
        caps = [count * fixed[0] for count in counts.values()] if box else []
        u = fibre.near(target, caps, self._free_near(fibre, target, solution.fit))
        if u is None:
            return None
        neurons = []
        for sign, uj, size, count in zip(
            signs, u, solution.alpha.tolist(), counts.values(), strict=True
        ):
            largest = max(map(abs, uj))
            if not largest:
                neurons += [Neuron(sign, Fraction(), uj)] * count
                continue
            alpha = snapped(size, near * float(solution.alpha.max()))
            if largest < _TINY * Fraction(top):
                alpha = max(alpha, largest)
            if box:
                room = count * fixed[0]
                alpha = min(max(alpha, largest**2 / room), room)
            if not alpha:
                return None
            neurons += [Neuron(sign, alpha / count, tuple(v / count for v in uj))] * count
        point = tuple(neurons)
        if fixed:
            ball, rho = self.balls[0], fixed[0]
            if not ball.together:
                # What one layer lacks the other may have to spare.
                hidden, output = ball.hidden_needed(point), ball.output_needed(point)
                if hidden > rho > output:
                    point = tuple(n._replace(alpha=n.alpha * hidden / rho) for n in point)
                elif output > rho > hidden:
                    point = tuple(n._replace(alpha=n.alpha * rho / output) for n in point)
            if not ball.holds(point, rho):
                return None
        return point if self._loss(point) <= self.level else None

    def _near_ends(self, fit: Float[Array, " n"]) -> Fits:
        """The ends that the outputs of a solution are at, as equations."""
        if not self._fitted:
            return Fits()
        equal = []
        for k, (f, ends) in enumerate(zip(fit.tolist(), self._ends, strict=True)):
            for end in ends:
                near = _AT_END * float(self.joint.size * self.joint.tops[k])
                if end is not None and (ends[0] == ends[1] or abs(f - float(end)) <= near):
                    equal.append(Condition.of(k, end))
                    break
        further = tuple(each for each in self._fits.equal if len(each.row) > 1)
        return Fits((*equal, *further))

    def _free_near(self, fibre: Fibre, target: UPoint, fit: Float[Array, " n"]) -> list[Fraction]:
        """The coefficients of the fibre's free columns with which these neurons have this fit."""
        if not fibre.free_columns:
            return []
        own = np.zeros(len(fit))
        for sign, active, u in zip(fibre.signs, fibre.active, target, strict=True):
            slopes = self._problem.activation.slopes(np.array(active))
            own += (
                sign * slopes * (np.array(self._problem.X, dtype=float) @ np.array(u, dtype=float))
            )
        columns = np.array(fibre.free_columns, dtype=float).T
        return list(map(Fraction, np.linalg.lstsq(columns, fit - own)[0].tolist()))

    def _loss(self, point: Point) -> Fraction:
        """With the best output bias and linear part."""
        problem = self.complex.problem
        fit: Sequence[Fraction] = [Fraction()] * problem.n
        for neuron in point:
            fit = [f + v for f, v in zip(fit, image(problem, neuron), strict=True)]
        return problem.loss_of(free_fit(problem, fit))


class _Bounds:
    """What dual vectors prove of the least radius on each cell.

    Floats lead the search and tell cells far above the lowest bound; those near it are decided
    exactly.
    """

    def __init__(self, cells: Sequence[Cell], states: int, fixed: tuple[Fraction, ...]) -> None:
        self._cells = cells
        self._places: Int[Array, "C m"] = np.array(cells)
        self._states = states
        self._fixed = fixed
        self._duals: list[JointDual] = []
        self._rows: list[Float[Array, " C"]] = []
        self._values = np.zeros(len(cells))

    def learn(self, dual: JointDual) -> None:
        """Use one more dual vector."""
        prices, shared = dual.floats(self._states)
        *first, last = shared[:, None] + prices[:, self._places].sum(axis=2)
        rest = np.full(len(self._cells), float(dual.height))
        for rho, price in zip(self._fixed, first, strict=True):
            rest -= float(rho) * price
        # A quotient needs a difference with digits left, its sign fewer.
        least = np.where(last > 0, _CANCELLED, _ROUNDING) * float(dual.height)
        with np.errstate(divide="ignore", invalid="ignore"):
            row = np.where(rest > least, rest / last, 0.0)
        self._duals.append(dual)
        self._rows.append(row)
        self._values = np.maximum(self._values, row)

    def below(self, upper: Fraction | None) -> Bool[Array, " C"]:
        """Whether a cell may reach below the radius of the best network."""
        limit = math.inf if upper is None else float(upper) * (1 - _SLACK)
        found: Bool[Array, " C"] = self._values < limit
        return found

    def weakest(self, tried: set[int], upper: Fraction | None) -> int | None:
        """The cell of lowest bound that was not tried and may reach below."""
        values = np.where(self.below(upper), self._values, math.inf)
        values[list(tried)] = math.inf
        place = int(values.argmin())
        return None if values[place] == math.inf else place

    def proved(self) -> tuple[Fraction | None, Cell, tuple[JointDual, ...]]:
        """The lowest bound, its cell, and dual vectors that prove it for all cells.

        None where all cells are proved to be out of reach at every radius.
        """
        low = self._values.min()
        if not low:
            return Fraction(), self._cells[int(self._values.argmin())], ()
        rows = np.array(self._rows)
        # Of equally good dual vectors the last: those made to be exact come last.
        good = rows >= self._values * (1 - _ROUNDING)
        best = len(self._duals) - 1 - good[::-1].argmax(axis=0)
        enough = rows >= low * (1 + _ROUNDING)
        enough[best, np.arange(len(self._cells))] = True
        lowest: tuple[Fraction, Cell] | None = None
        for place in np.flatnonzero(self._values <= low * (1 + 2 * _ROUNDING)).tolist():
            bound = self._duals[best[place]].bound(self._cells[place], self._fixed)
            if bound is not None and (lowest is None or bound < lowest[0]):
                lowest = bound, self._cells[place]
        used = []
        while enough.shape[1]:
            most = int(enough.sum(axis=1).argmax())
            used.append(self._duals[most])
            enough = enough[:, ~enough[most]]
        return (*(lowest or (None, self._cells[0])), tuple(used))
