"""Exact nonnegative least squares: the minimum of 1/2 ||sum_c z_c c - y||^2 over z >= 0.

The loss on a cell or a face is such a problem in the coefficients of its generators; inside a ball
the coefficients of each neuron have a sum of at most one. Other losses add columns, costs, weights
or a form (`theory.landscape.form`). Floating point guesses which coefficients
are positive; integer arithmetic then solves on that support and checks the optimality conditions,
so every value returned is exact. A wrong guess costs time, never correctness: an exact active set
iteration goes on from it.

Source: C. L. Lawson and R. J. Hanson, Solving Least Squares Problems (1974), chapter 23.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache, cached_property, partial
from itertools import chain, cycle
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import numpy as np
from flint import fmpq, fmpq_mat, fmpz_mat

from theory.exact import dot, some_solution, transposed
from theory.landscape.form import Form
from theory.landscape.rounded_form import RoundedForm

if TYPE_CHECKING:
    from jaxtyping import Bool, Float64, Int8, Shaped

    from theory.landscape.kernel import Fits
    from theory.landscape.residues import Residues

_LOG = logging.getLogger(__name__)


def primitive(vector: Sequence[int]) -> tuple[int, ...]:
    """`vector` divided by the greatest common divisor of its entries."""
    divisor = math.gcd(*vector)
    return tuple(v // divisor for v in vector) if divisor > 1 else tuple(vector)


_ALONE = -1  # the group of a variable that is in none
_TIMES = 1 << 30
"""How much more the targets weigh than costs, at first, where the sum has to be them."""

_FIRST = 500
"""So many problems are solved without a float guess: loading the kernel takes longer than that."""


def order_of(value: Fraction) -> tuple[float, Fraction]:
    """A sort key of numbers >= 0: rounding is monotone, so floats settle most cases."""
    try:
        return (float(value), value)
    except OverflowError:
        return (math.inf, value)


@dataclass(frozen=True)
class Minimum:
    """The solution of one problem: `numerators / denominator` on `support`, zero elsewhere.

    residual: (n,) integers, the optimal dual vector in units of `scale`; for least squares it is
    denominator * (y - fit). signs: of its products with all columns, if they are known.
    """

    value: Fraction
    support: tuple[Any, ...]  # names of columns; None serves no neuron
    numerators: tuple[int, ...]
    denominator: int
    residual: tuple[int, ...]
    scale: Fraction
    signs: Int8[np.ndarray, " c"] | None = field(
        default=None, kw_only=True, repr=False, compare=False
    )

    @property
    def lower(self) -> Fraction:
        """A lower bound of the minimum: itself, where it is known exactly."""
        return self.value

    @cached_property
    def order(self) -> tuple[float, Fraction]:
        """`order_of` the value."""
        return order_of(self.value)

    def coefficients(self) -> list[tuple[Any, Fraction]]:
        """The columns of nonzero coefficient, with it."""
        return [
            (name, Fraction(numerator, self.denominator))
            for name, numerator in zip(self.support, self.numerators, strict=True)
            if numerator and name is not None
        ]


class _Stationary(NamedTuple):
    """Least squares on a support, without signs: z = numerators / denominator."""

    numerators: tuple[int, ...]
    denominator: int
    missing: tuple[int, ...]  # denominator * (y - fit)
    residual: tuple[int, ...]  # the same, times the weights or the form
    prices: dict[int, int]  # by group: denominator * the multiplier of its sum
    limit: tuple[int, ...]  # denominator * (z without costs): what z / times tends to


def _integers(vector: fmpz_mat) -> tuple[int, ...]:
    return tuple(map(int, vector.entries()))


class _Program:
    """One problem: variables z >= 0 with a column each; those of a group have a sum of at most one.

    names: what a solution calls the variables. groups: of each, or nothing where there are none. To
    them come the extras of the form, and a slack for each group, all with the name None.
    """

    def __init__(
        self,
        names: Sequence[Any],
        columns: Sequence[Sequence[int]],
        form: Form,
        groups: Sequence[int] = (),
        many: int = 0,
    ) -> None:
        """many: the number of groups."""
        extras, slack = form.extras, many + form.caps
        self.names: Sequence[Any] = names
        self.columns: Sequence[Sequence[int]] = columns
        self.groups: list[int] = []
        self.costs: list[int] = []  # nothing where all are zero
        if extras or slack:
            self.names = [*names, *[None] * (len(extras) + slack)]
            nothing = [0] * len(form.y)
            self.columns = [*columns, *(e.column for e in extras), *[nothing] * slack]
        if slack:
            self.groups = [*(groups or [_ALONE] * len(names))]
            self.groups += [_ALONE if e.cap < 0 else many + e.cap for e in extras]
            self.groups += range(slack)
        if any(e.cost for e in extras):
            self.costs = [0] * len(names) + [e.cost for e in extras] + [0] * slack
        self._slack = range(len(self.names) - slack, len(self.names))
        self._form = form
        self._y = fmpz_mat(len(form.y), 1, list(form.y))
        self._times = _TIMES if form.linear else 1  # of y and of the sums, against costs

    @cached_property
    def _all(self) -> fmpz_mat:
        return self._matrix(range(len(self.columns)))

    def _matrix(self, variables: Iterable[int]) -> fmpz_mat:
        rows = [self.columns[i] for i in variables]
        return fmpz_mat(len(rows), self._y.nrows(), list(chain.from_iterable(rows)))

    @cached_property
    def _square(self) -> fmpz_mat | None:
        """The form Q of the loss, if it has one."""
        matrix = self._form.matrix
        return None if matrix is None else fmpz_mat([list(row) for row in matrix])

    def _weighted(self, A: fmpz_mat) -> fmpz_mat:
        """A W, or A Q"""
        if self._square is not None:
            return A * self._square
        weights = self._form.weights
        if weights is None:
            return A
        entries = [v * w for v, w in zip(A.entries(), cycle(weights), strict=False)]
        return fmpz_mat(A.nrows(), A.ncols(), entries)

    def _solve(self, support: Sequence[int]) -> _Stationary | None:
        """Least squares on `support`; None where its columns and sums are dependent."""
        k, times = len(support), self._times
        y = self._y if times == 1 else self._y * times
        if not k:
            weighted = self._weighted(y.transpose())
            return _Stationary((), 1, _integers(y), _integers(weighted), {}, ())
        A = self._matrix(support)
        AW = self._weighted(A)
        gram, target = AW * A.transpose(), AW * self._y
        sums = sorted({self.groups[i] for i in support} - {_ALONE}) if self.groups else []
        if sums:
            # Stationarity A W (y - A^T z) - costs = E^T prices, bordered by the sums E z = times.
            E = [[int(self.groups[i] == group) for i in support] for group in sums]
            size, entries = k + len(sums), gram.entries()
            bordered: list[Any] = []
            for row in range(k):
                bordered += entries[row * k : row * k + k]
                bordered += [line[row] for line in E]
            for line in E:
                bordered += line + [0] * len(sums)
            gram = fmpz_mat(size, size, bordered)
            target = fmpz_mat(size, 1, target.entries() + [1] * len(sums))
        if self.costs:
            costs = [*(self.costs[i] for i in support), *[0] * len(sums)]
            rows: list[Any] = [*chain(*zip(target.entries(), costs, strict=True))]
            target = fmpz_mat(len(costs), 2, rows)
        try:
            solution = gram.solve(target)
        except ZeroDivisionError:
            return None
        exact, denominator = cast(fmpq_mat, solution).numer_denom()  # flint's types say less
        limit = numbers = _integers(exact)
        if self.costs:
            limit = numbers[::2]
            numbers = tuple(times * v - c for v, c in zip(limit, numbers[1::2], strict=True))
        z = fmpz_mat(k, 1, numbers[:k]) if sums or self.costs else exact
        missing = (y * denominator - A.transpose() * z).transpose()
        weighted, left = self._weighted(missing), _integers(missing)
        residual = left if weighted is missing else _integers(weighted)
        prices = dict(zip(sums, numbers[k:], strict=True))
        return _Stationary(numbers[:k], int(denominator), left, residual, prices, limit[:k])

    def _products(self, residual: Sequence[int]) -> list[Any]:
        return (self._all * fmpz_mat(len(residual), 1, residual)).entries()

    def _gains(self, point: _Stationary) -> list[int]:
        """How fast the loss falls as each variable enters, times the denominator; of the support
        they are zero."""
        gains = self._products(point.residual)
        if self.costs:
            costs = zip(gains, self.costs, strict=True)
            gains = [gain - point.denominator * cost for gain, cost in costs]
        if self.groups:
            groups = zip(self.groups, gains, strict=True)
            gains = [gain - point.prices.get(group, 0) for group, gain in groups]
        return gains

    def _minimum(
        self, support: Sequence[int], point: _Stationary, numerators: Sequence[int]
    ) -> Minimum:
        """numerators: of the solution on the support, over the point's denominator."""
        unit = Fraction(1, point.denominator)
        value = Fraction()
        if not self._form.linear:
            value = Fraction(dot(point.missing, point.residual), 2 * point.denominator**2)
        if self.costs:
            pairs = zip(support, numerators, strict=True)
            value += Fraction(sum(self.costs[i] * v for i, v in pairs), point.denominator)
        ordered = sorted(zip(support, numerators, strict=True))
        return Minimum(
            value,
            tuple(self.names[i] for i, _ in ordered),
            tuple(numerator for _, numerator in ordered),
            point.denominator,
            point.residual,
            unit,
        )

    def minimum(self, guess: Sequence[int] = ()) -> Minimum:
        """By the exact method, from a guess of the support: where that is right, it has no step to
        do. It ends because the loss falls strictly at each."""
        support, point = self._descent(guess)
        if guess and {*support} != {*guess}:
            _LOG.debug("the support that floats find is not confirmed: active sets go on from it")
        if not self._form.linear:
            return self._minimum(support, point, point.numerators)
        while not self._certain(support, point):
            self._times *= _TIMES
            support, point = self._descent(support)
        return self._minimum(support, point, point.limit)

    def _certain(self, support: Sequence[int], point: _Stationary) -> bool:
        """Whether a support of min costs . z + 1/2 ||sum z c - times y||^2 is one of the linear
        program: it is for all large enough `times`.

        On it z / times tends to a point where the sum is y, and the dual vector is optimal then.
        """
        if min(point.limit, default=0) < 0:
            return False
        z = fmpz_mat(1, len(support), point.limit)
        return z * self._matrix(support) == self._y.transpose() * point.denominator

    def _start(self, guess: Sequence[int]) -> tuple[list[int], _Stationary]:
        """Least squares on what is positive there of a support; on none where a sum has no part in
        it, or its columns are dependent."""
        support = list(guess)
        while support and (point := self._solve(support)) is not None:
            if len(point.prices) < len(self._slack):
                break
            if min(point.numerators) > 0:
                return support, point
            support = [i for i, v in zip(support, point.numerators, strict=True) if v > 0]
        support = list(self._slack)
        point = self._solve(support)
        assert point is not None
        return support, point

    def _descent(self, guess: Sequence[int]) -> tuple[list[int], _Stationary]:
        """The optimal support, without zeros, and least squares on it."""
        point: _Stationary | None
        support, point = self._start(guess)
        numbers = zip(support, point.numerators, strict=True)
        z = {i: fmpq(v, point.denominator) for i, v in numbers}
        while True:
            assert point is not None
            gains = self._gains(point)
            gain, entering = max(zip(gains, range(len(gains)), strict=True), default=(0, -1))
            if gain <= 0:
                return support, point
            point = self._solve([*support, entering])
            if point is None:  # as others with higher costs span it
                self._exchange(z, support, entering)
                support = [i for i in z if z[i] > 0]
                z = {i: z[i] for i in support}
                point = self._solve(support)
            else:
                support.append(entering)
                z[entering] = fmpq()
            while True:
                assert point is not None
                target = [fmpq(v, point.denominator) for v in point.numerators]
                blocked = [
                    (z[i] / (z[i] - t), i) for i, t in zip(support, target, strict=True) if t <= 0
                ]
                if not blocked:
                    z = dict(zip(support, target, strict=True))
                    break
                step = min(blocked)[0]
                for i, t in zip(support, target, strict=True):
                    z[i] += step * (t - z[i])
                support = [i for i in support if z[i] > 0]
                z = {i: z[i] for i in support}
                point = self._solve(support)

    def _exchange(self, z: dict[int, fmpq], support: Sequence[int], entering: int) -> None:
        """Let a variable grow at the cost of the support until one of these is zero: the sum does
        not change, and costs fall. It is above zero then."""
        caps = sorted({self.groups[i] for i in support} - {_ALONE}) if self.groups else []

        def equations(i: int) -> list[fmpq]:
            return [*map(fmpq, self.columns[i]), *(fmpq(self.groups[i] == cap) for cap in caps)]

        own = equations(entering)
        rows = transposed([equations(i) for i in support], len(own))
        shares = some_solution(rows, own, len(support))
        assert shares is not None
        step = min(z[i] / share for i, share in zip(support, shares, strict=True) if share > 0)
        for i, share in zip(support, shares, strict=True):
            z[i] -= step * share
        z[entering] = step


class _Problems:
    """All problems over subsets of one set of columns, memoised.

    columns: (c, n) integers, one column of the least squares problem a row, none of them zero.
    form: of the loss, and the targets (n,).
    """

    def __init__(self, columns: Shaped[np.ndarray, "c n"], form: Form) -> None:
        self.columns = [[int(v) for v in row] for row in columns]
        self.form = form
        self.y = list(form.y)
        self._rounded = cache(partial(RoundedForm, form))
        self._memo: dict[Any, Minimum] = {}
        self.many = False
        """Whether so many problems are to come that the kernel is worth loading at once."""

    def __len__(self) -> int:
        """The number of different problems solved so far."""
        return len(self._memo)

    @property
    def guessing(self) -> bool:
        """Whether floating point comes first, in the kernel."""
        return self.many or len(self) >= _FIRST


class _Free(_Program):
    """One problem of `LeastSquares`, whose columns have these numbers there."""

    def __init__(self, problems: LeastSquares, ids: tuple[int, ...]) -> None:
        super().__init__(ids, [problems.columns[c] for c in ids], problems.form)
        self._problems = problems
        self._places = [*ids, *problems.further]

    def _products(self, residual: Sequence[int]) -> list[Any]:
        # A matrix of these columns alone takes longer to make than all of them to multiply, where
        # there are few.
        every = self._problems.products(residual)
        products = [every[c] for c in self._places]
        products += [0] * len(self._slack)
        return products


class LeastSquares(_Problems):
    """min 1/2 ||sum_c z_c c - y||^2 over z >= 0, for subsets of the columns."""

    def __init__(self, columns: Shaped[np.ndarray, "c n"], form: Form) -> None:
        super().__init__(columns, form)
        rows = [*self.columns, *(extra.column for extra in form.extras)]
        self._every = fmpz_mat(len(rows), len(self.y), [*chain.from_iterable(rows)])
        self.further = range(len(self.columns), len(rows))
        """Those that serve no neuron, which are in every problem."""
        self._beside = range(len(self.columns), len(rows) + form.caps)  # with slacks

    @cached_property
    def _scale(self) -> tuple[int, int]:
        return self._rounded().scale.as_integer_ratio()

    @cached_property
    def _floats(self) -> Float64[np.ndarray, "k r"]:
        """The columns, and those that serve no neuron, of unit length."""
        whole = _Free(self, tuple(range(len(self.columns))))
        return self._rounded().columns(whole.columns, whole.costs, whole.groups)

    @cached_property
    def _fits(self) -> Fits:
        from theory.landscape.kernel import Fits

        return Fits(self._floats, self._rounded().target)

    @cached_property
    def _residues(self) -> Residues:
        from theory.landscape.residues import Residues

        return Residues(self.columns, self.y, self._floats)

    def minimum(self, ids: tuple[int, ...]) -> Minimum:
        """The exact minimum over the columns `ids`, which must be sorted and distinct."""
        if ids in self._memo:
            return self._memo[ids]
        found = self._memo[ids] = (
            self._guessed(ids) if self.guessing else _Free(self, ids).minimum()
        )
        return found

    def _guessed(self, ids: tuple[int, ...]) -> Minimum:
        every = [*ids, *self._beside]
        support = self._fits.support(every)
        if support is None:
            return _Free(self, ids).minimum()
        found = self._in_words(support, ids) if self.form.plain else None
        if found is None:
            places = {c: place for place, c in enumerate(every)}
            found = _Free(self, ids).minimum([places[c] for c in support])
        return found

    def _in_words(self, support: Sequence[int], ids: tuple[int, ...]) -> Minimum | None:
        """The minimum, if it is attained on a support and its numbers are not too large."""
        solution = self._residues.solution(support, ids)
        if solution is None:
            return None
        determinant, *others = solution.numbers
        size = len(support)
        divisor = math.gcd(determinant, *others[:size])
        numbers = [v // divisor for v in others]
        denominator, residual = determinant // divisor, tuple(numbers[size:])
        return Minimum(
            Fraction(dot(residual, self.y), 2 * denominator),  # as it is orthogonal to the fit
            tuple(support),
            tuple(numbers[:size]),
            denominator,
            residual,
            Fraction(1, denominator),
            signs=solution.signs,
        )

    def products(self, vector: Sequence[int]) -> list[Any]:
        """Those of an integer vector (n,) with all columns, then with those that serve no
        neuron."""
        return (self._every * fmpz_mat(len(vector), 1, vector)).entries()

    def rising_in(self, minimum: Minimum) -> Bool[np.ndarray, " c"]:
        """Which columns would lower a minimum, exactly."""
        if minimum.signs is not None:
            return minimum.signs > 0
        products = self.products(minimum.residual)[: len(self.columns)]
        return np.array([product > 0 for product in products], bool)

    def estimate(self, ids: Sequence[int]) -> float:
        """The minimum in units of `relative`, in floating point: good for deciding what to try."""
        if not self.guessing:
            return self.relative(self.minimum(tuple(sorted(ids))).value)
        return self._rounded().value(self._fits.rest([*ids, *self._beside]))

    def relative(self, value: Fraction) -> float:
        """A loss as a part of what it is at most, about, without neurons."""
        scale, divisor = self._scale
        try:
            return value.numerator * divisor / (value.denominator * scale)
        except OverflowError:
            return math.inf

    def rising(self, ids: Sequence[int]) -> Bool[np.ndarray, " c"]:
        """Which columns would lower the minimum over some, as far as floats can tell."""
        if self.guessing:
            return self._fits.rising([*ids, *self._beside])[: len(self.columns)]
        return self.rising_in(self.minimum(tuple(sorted(ids))))


class CappedLeastSquares(_Problems):
    """The same with several groups of columns; in each the coefficients have a sum of at most 1.

    uncapped: columns of which the sums do not count the coefficients.
    """

    def __init__(
        self,
        columns: Shaped[np.ndarray, "c n"],
        form: Form,
        uncapped: frozenset[int] = frozenset(),
    ) -> None:
        super().__init__(columns, form)
        self.uncapped = uncapped

    def minimum(self, groups: tuple[tuple[int, ...], ...]) -> Minimum:
        """The exact minimum; the support consists of pairs (place of the group, column)."""
        if groups in self._memo:
            return self._memo[groups]
        names = [(place, c) for place, group in enumerate(groups) for c in group]
        columns = [self.columns[c] for group in groups for c in group]
        places = [_ALONE if c in self.uncapped else place for place, c in names]
        program = _Program(names, columns, self.form, places, len(groups))
        guess = self._guessed(program, len(groups)) if self.guessing else ()
        found = self._memo[groups] = program.minimum(guess)
        return found

    def _guessed(self, program: _Program, groups: int) -> Sequence[int]:
        from theory.landscape.kernel import Fits

        rounded = self._rounded(groups)
        columns = rounded.columns(program.columns, program.costs, program.groups)
        return Fits(columns, rounded.target).support(range(len(columns))) or ()
