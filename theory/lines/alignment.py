"""The order of one network's neurons in which the straight line to it rises least, exactly.

Neuron i of B in place j of A adds g_ji(t) (n,) to the fits on the line, and output biases and
linear parts add c(t). For every t and dual vector lam

    max over t of L  >=  L(t)  >=  D(lam) - lam . c(t) - max over orders of sum_j lam . g_j,i(j)(t),

an assignment problem, for all orders that continue a choice of the first neurons. Branch and bound
goes through these. Floating point finds lam, from a mixture of orders of small loss (Frank-Wolfe),
and the dual of the assignment; both are rounded, and the bound is computed in integers. What no
bound excludes has its maximum compared exactly.

Note: proofs_notes/lines.md
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import combinations, count
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float, Int, Shaped
from scipy.optimize import linear_sum_assignment

from theory.documents import interval_document
from theory.errors import BudgetError, Interrupted
from theory.lines.real import Real
from theory.lines.segment import Line, between, free_part, line, require
from theory.losses import Separable
from theory.network import Network
from theory.problem import Problem, in_integers
from theory.tables import Between, Shown, Table
from theory.types import Array, Progress, silent

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DEFAULT_MAX_ORDERS = math.factorial(12)

_PARTS = 8
_TIMES = (4, 2, 6, 3, 5, 1, 7)  # parts of the line, at which orders are bounded in this order
_STEPS = 12  # of Frank-Wolfe
_STARTS = 40  # of the search for an order to begin with
_GRID = np.arange(1, 64) / 64  # of t, for what is complete
_FIT_BITS, _ALL_BITS = 30, 62  # of what a pair adds to a fit, and of integers that arrays hold


@dataclass(frozen=True, repr=False)
class Alignment(Shown):
    """An order of the second network's neurons whose line has the least maximum of all m! orders.

    line: from the first network to the second one so `permuted`. maximum: the least, which is that
    of the line; where that is not exact, an interval of the least one.
    """

    line: Line
    order: tuple[int, ...]
    maximum: Real

    @property
    def summary(self) -> str:
        """The order, and the maximum."""
        order = " ".join(map(str, self.order))
        return f"neurons in the order {order}, highest loss {Between(*self.maximum.ends)}"

    def _table(self) -> Table:
        """What was found of the line, row by row."""
        return self.line._table()

    def plot(self, axes: Axes | None = None) -> Axes:
        """The loss on the line: see `Line.plot`."""
        return self.line.plot(axes)

    def to_json(self) -> dict[str, Any]:
        """The document of `isthmus line --align all`."""
        found = {"maximum": interval_document(*self.maximum.ends), "permutation": [*self.order]}
        return self.line.to_json() | found


def align(
    problem: Problem,
    first: Network,
    second: Network,
    *,
    max_orders: int = DEFAULT_MAX_ORDERS,
    progress: Progress = silent,
) -> Alignment:
    """The order of the second network's neurons with the least maximum on the line to it.

    `progress` may raise Interrupted, which then leaves with the best order so far. Raises
    BudgetError for more orders than max_orders, and InputError as `line` does.
    """
    loss = require(problem, first, second)
    needed = math.factorial(first.width)
    if needed > max_orders:
        raise BudgetError("orders of the neurons", needed, max_orders, "max_orders")
    search = _Search(problem, loss, first, second)
    nodes = count()
    try:
        with np.errstate(over="ignore", invalid="ignore"):  # guesses need not be numbers
            search.see(search.guess())
            for order in search.left(lambda: progress("choices of neurons bounded", next(nodes))):
                search.see(order)
    except Interrupted:
        raise Interrupted(f"the least maximum is at most {search.level}") from None
    return search.best


class _Search:
    """Pairs of neurons at some t, and the best order seen.

    What they add to the fits is in multiples of a unit, rounded down.
    """

    def __init__(self, problem: Problem, loss: Separable, first: Network, second: Network) -> None:
        self._problem, self._loss, self._networks = problem, loss, (first, second)
        self._X, self._y = (np.array(v, dtype=float) for v in (problem.X, problem.y))
        self._float_weights = np.array(loss.every_weight(problem.n), dtype=float)
        self._times = [*range(len(_TIMES))]  # those that excluded orders last come first
        self._twins = [_same([*zip(net.neurons(), net.a, strict=True)]) for net in self._networks]
        self._pairs, self._linear, places = _rounded(problem, first, second)
        self._unit, self._float_unit = Fraction(2) ** -places, math.ldexp(1.0, -places)
        # Neurons of A whose places matter most first, those that are one after another.
        spread = self._pairs.std(axis=3).sum(axis=(0, 1))
        self._rows = sorted(range(first.width), key=lambda j: (-spread[j], self._twins[0][j], j))
        sums = 2 * problem.n * (first.width + 1) ** 2  # of products, in the dual of the assignment
        self._bits = _ALL_BITS - _FIT_BITS - sums.bit_length()  # of dual vectors
        self.best = self._exactly(tuple(range(first.width)))
        self._floor = max(loss.below(net.fit(problem), problem.y) for net in self._networks)

    @property
    def level(self) -> Fraction:
        """What the maximum on the best line is at most."""
        return self.best.maximum.upper

    def see(self, order: Sequence[int]) -> None:
        """Compare an order with the best one."""
        if self._is_above(order):
            return
        found, best = self._exactly(tuple(order)), self.best
        one, two = found.maximum, best.maximum
        if one.is_exact and two.is_exact:
            self.best = found if one < two else best
            return
        better = found if one.upper < two.upper else best
        ends = (min(one.lower, two.lower), min(one.upper, two.upper))
        self.best = replace(better, maximum=Real(*ends))

    def _is_above(self, order: Sequence[int]) -> bool:
        """Whether the loss at one t, where floating point has it highest, is no less than the
        level."""
        first, second = self._networks
        second = second.permuted(order)
        weights = [
            [np.array(v, dtype=float) for v in (net.W, net.a, free_part(self._problem, net))]
            for net in (first, second)
        ]
        W, a, free = (p + np.multiply.outer(_GRID, q - p) for p, q in zip(*weights, strict=True))
        fits = self._problem.activation.fit(self._X, W, a) + free
        heights = [self._loss.at(fit, self._y) for fit in fits]
        t = Fraction(float(_GRID[np.argmax(heights)]))
        network = between(first, second, t)
        return self._loss.below(network.fit(self._problem), self._problem.y) >= self.level

    def _exactly(self, order: tuple[int, ...]) -> Alignment:
        first, second = self._networks
        found = line(self._problem, first, second.permuted(order))
        return Alignment(found, order, found.maximum)

    def guess(self) -> Sequence[int]:
        """The lowest found of some orders that no exchange of two neurons lowers."""
        random, width = np.random.default_rng(0), len(self._rows)
        exchanges = np.array([_exchanged(width, *two) for two in combinations(range(width), 2)])
        best = (math.inf, [*range(width)])
        for _ in range(_STARTS if width > 1 else 0):
            order, height = random.permutation(width), math.inf
            while True:
                others = order[exchanges]
                heights = self._heights(others)
                lowest = int(heights.argmin())
                if not heights[lowest] < height:
                    break
                order, height = others[lowest], float(heights[lowest])
            best = min(best, (height, order.tolist()))
        return best[1]

    def _heights(self, orders: Int[Array, "S m"]) -> Float[Array, " S"]:
        """The highest loss at some t of each line, in floating point."""
        pairs = self._pairs[:, :, np.arange(orders.shape[1]), orders].sum(axis=-1)  # (T, n, S)
        fits = (self._linear[..., None] + pairs).transpose(0, 2, 1) * self._float_unit
        heights: Float[Array, " S"] = (self._loss.terms(fits, self._y) @ self._float_weights).max(
            axis=0
        )
        return heights

    def left(self, progress: Callable[[], None]) -> Iterator[Sequence[int]]:
        """Orders that no bound excludes."""
        yield from self._from([], self._linear, progress)

    def _from(
        self, chosen: list[int], fixed: Int[Array, "T n"], progress: Callable[[], None]
    ) -> Iterator[Sequence[int]]:
        """Those that begin with the chosen neurons, which add so much to the fits."""
        progress()
        rows = self._rows[len(chosen) :]
        columns = [i for i in range(len(self._rows)) if i not in chosen]
        if self._excluded(fixed, rows, columns):
            return
        if len(rows) == 1:
            places = dict(zip(self._rows, [*chosen, *columns], strict=True))
            yield [places[j] for j in range(len(self._rows))]
            return
        mine, theirs = self._twins
        row = rows[0]
        before = self._rows[len(chosen) - 1] if chosen else None
        twin = before is not None and mine[before] == mine[row]
        tried = set()
        for i in columns:
            if theirs[i] in tried or (twin and i < chosen[-1]):
                continue
            tried.add(theirs[i])
            yield from self._from([*chosen, i], fixed + self._pairs[:, :, row, i], progress)

    def _excluded(
        self, fixed: Int[Array, "T n"], rows: Sequence[int], columns: Sequence[int]
    ) -> bool:
        """Whether all orders with these pairs still to be chosen are proved to be no better."""
        if self.level <= self._floor:
            return True
        for time in self._times:
            pairs = self._pairs[time][:, rows][:, :, columns]
            lam = self._direction(fixed[time], pairs)
            if lam is not None and self._bound(lam, fixed[time], pairs) >= self.level:
                self._times.remove(time)
                self._times.insert(0, time)
                return True
        return False

    def _direction(
        self, fixed: Int[Array, " n"], pairs: Int[Array, "n r r"]
    ) -> Float[Array, " n"] | None:
        """A dual vector that may exclude all orders; None where a mixture of them is lower."""
        loss, y, level = self._loss, self._y, float(self.level)
        adds = pairs * self._float_unit
        size = len(pairs[0])
        fit = fixed * self._float_unit + adds.sum(axis=(1, 2)) / size
        for step in range(_STEPS):
            value, slopes = loss.at(fit, y), loss.gradient(fit, y)
            if value < level:
                return None
            costs = np.tensordot(slopes, adds, 1)
            if not np.isfinite(costs).all():
                return None
            rows, columns = linear_sum_assignment(costs)
            move = fixed * self._float_unit + adds[:, rows, columns].sum(axis=1) - fit
            fall = -slopes @ move
            if value - fall >= level:
                return -slopes
            bend = move @ (loss.curvature(fit, y) * move)
            fit = fit + move * (min(1.0, fall / bend) if bend > 0 else 2 / (step + 2))
        return None

    def _bound(
        self, direction: Float[Array, " n"], fixed: Int[Array, " n"], pairs: Int[Array, "n r r"]
    ) -> Fraction:
        """What a dual vector proves of all orders."""
        _, exponent = math.frexp(np.abs(direction).max())
        places = self._bits - exponent
        # Towards zero: what a dual vector may be is an interval around it.
        whole = np.trunc(np.ldexp(direction, places)).astype(np.int64)
        values = (whole @ pairs.reshape(len(whole), -1)).reshape(pairs.shape[1:])
        # Every pair, and what is linear, may be a unit more than it was rounded to.
        lost = (len(self._rows) + 1) * int(whole.clip(min=0).sum())
        height = int(whole @ fixed) + _assignment(values) + lost
        step = Fraction(2) ** -places
        lam = [Fraction(v * step.numerator, step.denominator) for v in whole.tolist()]
        return self._loss.bound(lam, step * self._unit * height, self._problem.y)


def _exchanged(width: int, i: int, j: int) -> list[int]:
    """The order with two neurons in each other's places."""
    order = [*range(width)]
    order[i], order[j] = j, i
    return order


def _assignment(values: Int[Array, "r r"]) -> int:
    """At least the largest sum of one entry in each row and column: by a dual solution."""
    _, columns = linear_sum_assignment(values, maximize=True)
    # u_i - u_j is at least what row i gains by taking the column of row j.
    gains = values[:, columns]
    gains = gains - gains.diagonal()
    u = np.zeros(len(values), dtype=np.int64)
    for _ in u:
        u = (u + gains).max(axis=1)
    return int(u.sum() + (values - u[:, None]).max(axis=0).sum())


def _same(columns: Sequence[object]) -> list[int]:
    """For each the first that equals it."""
    return [columns.index(column) for column in columns]


def _rounded(
    problem: Problem, first: Network, second: Network
) -> tuple[Int[Array, "T n m m"], Int[Array, "T n"], int]:
    """(pairs, linear, places): what neuron i of the second network in place j of the first adds to
    the fits at each t, at [.., j, i], and what is linear adds, times 2^places and rounded down."""
    networks = (first, second)
    sigma, steps = problem.activation.whole
    X, in_data = _whole(problem.X)
    W, in_hidden = _whole([row for network in networks for row in network.W])
    a, in_output = _whole([network.a for network in networks])
    free, in_free = _whole([free_part(problem, network) for network in networks])
    ends = X @ W.reshape(2, problem.d, -1)  # (2, n, m)
    parts = [(_PARTS - part, part) for part in _TIMES]
    pairs = np.array(
        [
            sigma.at(p * ends[0][:, :, None] + q * ends[1][:, None])
            * (p * a[0][:, None] + q * a[1])
            for p, q in parts
        ]
    )
    linear = np.array([p * free[0] + q * free[1] for p, q in parts])
    unit = Fraction(1, _PARTS**2 * steps * in_data * in_hidden * in_output)
    free_unit = Fraction(1, _PARTS * in_free)
    largest = max(unit * np.abs(pairs).max(), free_unit * np.abs(linear).max())
    places = _FIT_BITS - _bits(largest)
    return _down(pairs, unit, places), _down(linear, free_unit, places), places


def _whole(rows: Sequence[Sequence[Fraction]]) -> tuple[Shaped[Array, "k l"], int]:
    """Rows as integers, of any length, and their common denominator."""
    whole, denominator = in_integers([v for row in rows for v in row])
    return np.array(whole, dtype=object).reshape(len(rows), -1), denominator


def _bits(value: Fraction) -> int:
    """k for which the value is less than 2^k; 0 for zero."""
    return value.numerator.bit_length() - value.denominator.bit_length() + 1 if value else 0


def _down(whole: Shaped[Array, "*shape"], unit: Fraction, places: int) -> Int[Array, "*shape"]:
    """Integers in a unit, times 2^places, rounded down."""
    factor = unit * Fraction(2) ** places
    rounded: Int[Array, "*shape"] = (whole * factor.numerator // factor.denominator).astype(
        np.int64
    )
    return rounded
