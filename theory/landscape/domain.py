"""Where the neurons of a network may be: anywhere, or inside an optimizer's ball.

A domain cuts each cone of the arrangement down to a convex set of input weights u, and describes it
by generators: for the whole space the extreme rays of the cone, of which u is any nonnegative
combination; for an entrywise ball ||u||_inf <= rho the vertices of the polytope, of which u is any
combination with weights of sum at most one. A generator v makes the columns s sigma(X v) of the
least squares problem that is the loss on a cell.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache, cached_property
from itertools import chain, combinations, product
from math import comb, floor, isqrt
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from flint import fmpz_mat

from theory.activation import Activation
from theory.arrangement import Arrangement
from theory.exact import dot
from theory.landscape.completed import completed
from theory.landscape.form import Form
from theory.landscape.nnls import CappedLeastSquares, LeastSquares, Minimum, primitive
from theory.losses import Scaling
from theory.network import Network
from theory.problem import Problem
from theory.states import cone_of, sign_of, state_of
from theory.within import Ball

if TYPE_CHECKING:
    from jaxtyping import Bool, Shaped

    from theory.landscape.kernel import Parts

Group: TypeAlias = tuple[int, ...]  # the columns of one neuron, ascending
Choice: TypeAlias = Callable[[list[int]], list[int]]

_MARGIN = 1e-6  # of float estimates, relative to max |y_k|^2; exact arithmetic has the last word


def bit_set(members: Iterable[int]) -> int:
    """The integer whose bits are the members."""
    bits = 0
    for member in members:
        bits |= 1 << member
    return bits


def marked(flags: Bool[np.ndarray, " k"]) -> int:
    """The integer whose bits are the places of what is true."""
    return int.from_bytes(np.packbits(flags, bitorder="little").tobytes(), "little")


@cache
def _mask(group: Group) -> int:
    return bit_set(group)


SIGN_FLIP = -1


@dataclass(frozen=True)
class Move:
    """A step of one neuron from its state to `target`, across `wall` (SIGN_FLIP: through zero)."""

    wall: int
    target: int
    generators: tuple[int, ...]  # of the neuron's part of the face
    group: Group  # their columns


@dataclass(frozen=True, eq=False)
class Dual:
    """A dual vector nu (n,), and its products with the columns c where these are positive.

    scale: of one unit of nu, where the loss minds its length.
    """

    vector: tuple[int, ...]
    products: dict[int, int]
    scale: Fraction = Fraction(1)
    metric = None  # only conic balls have one


@dataclass(frozen=True, eq=False)
class Barred:
    """A dual vector nu (n,), and which columns have a positive product with it: neurons with one
    of these are what it says nothing about."""

    vector: tuple[int, ...]
    positive: Bool[np.ndarray, " c"]
    minimum: Minimum  # of which it is the optimal one
    scale: Fraction = Fraction(1)  # of one unit of nu, where the loss minds its length
    metric = None

    @cached_property
    def bits(self) -> int:
        """These columns, as a bit set."""
        return marked(self.positive)


@dataclass(frozen=True, eq=False)
class Proof:
    """What a dual vector is to prove, loss >= level or > level, and when it does.

    On a face it does if the weights of the neurons have a sum of at most `limit`; -1: never.
    """

    dual: Any
    limit: int
    height: Fraction = Fraction()  # what the weights are parts of, where they are


class Domain(ABC):
    """The part of the cones that neurons may use, and the least squares problems on it.

    Losses are in the units of the integer problem: `scale` times those of the user's problem.
    Column 2 k serves neurons of sign +, column 2 k + 1 those of sign -.
    """

    scale: int
    exact = True  # whether all minima are, or some only bracketed
    beta: Fraction | None = None  # of the penalty, where there is one

    def __init__(self, problem: Problem, arrangement: Arrangement, within: Ball | None) -> None:
        self.problem = problem
        self.arrangement = arrangement
        self.within = within
        self.loss = problem.loss
        self.moves = cache(self._moves)

    @property
    def states(self) -> int:
        """The number of states of a neuron."""
        return 2 * len(self.arrangement)

    @cached_property
    def groups(self) -> list[Group]:
        """The columns of a neuron in each state."""
        return [self.columns(s, self.cone(cone_of(s))) for s in range(self.states)]

    def _moves(self, state: int) -> tuple[Move, ...]:
        """The moves out of a state: one for each facet of its cone, and the change of sign."""
        cone, sign = cone_of(state), sign_of(state)
        moves = []
        for wall, neighbour in self.arrangement.facets(cone):
            generators = tuple(self.facet(cone, wall))
            group = self.columns(state, generators)
            moves.append(Move(wall, state_of(neighbour, sign), generators, group))
        moves.append(Move(SIGN_FLIP, state_of(cone, -sign), (), ()))
        return tuple(moves)

    @abstractmethod
    def solved(self) -> int:
        """The number of different problems solved so far."""

    @abstractmethod
    def cone(self, cone: int) -> Sequence[int]:
        """The generators of a cone."""

    @abstractmethod
    def facet(self, cone: int, wall: int) -> Sequence[int]:
        """The generators of a facet of a cone."""

    @abstractmethod
    def column(self, generator: int) -> int:
        """The column of a generator, without sign; -1 where sigma(X v) = 0."""

    @abstractmethod
    def vector(self, generator: int) -> Sequence[Fraction]:
        """The input weights (d,) that one unit of the generator's column stands for."""

    @abstractmethod
    def minimum(self, groups: Sequence[Group]) -> Minimum:
        """The least loss of a network whose neurons have these columns."""

    def shares(self, minimum: Minimum, groups: Sequence[Group]) -> list[tuple[int, int, Fraction]]:
        """The solution of `minimum(groups)`: neuron, column and coefficient, where not zero.

        By default the problem was solved for the sorted groups; names are pairs (place, column).
        """
        order = sorted(range(len(groups)), key=lambda j: groups[j])
        return [
            (order[place], column, coefficient)
            for (place, column), coefficient in minimum.coefficients()
        ]

    @abstractmethod
    def dual(self, minimum: Minimum) -> Any:
        """A good dual vector for the cell or face of a minimum."""

    @abstractmethod
    def weight(self, proof: Proof, group: Group) -> int:
        """What one neuron with these columns counts against the limit."""

    def weights(self, proof: Proof) -> list[int]:
        """The same of a neuron in each state."""
        return [self.weight(proof, group) for group in self.groups]

    @abstractmethod
    def proof(self, dual: Any, level: Fraction, *, strict: bool) -> Proof:
        """When the dual vector proves loss >= level (strict: > level)."""

    def norm(self, u: Sequence[Sequence[Fraction]]) -> Fraction:
        """An upper bound of the radius that a network with these convex coordinates needs."""
        return Fraction()

    def objective(self, network: Network) -> Fraction:
        """What the landscape is of: the loss."""
        return network.loss(self.problem)

    def network(self, neurons: Sequence[tuple[int, Sequence[Fraction]]]) -> Network:
        """A network with convex coordinates (s_j, u_j), in the ball if there is one."""
        return Network.from_convex(neurons)

    def columns(self, state: int, generators: Iterable[int]) -> Group:
        """The columns of generators, for neurons of the sign of a state."""
        sign = sign_of(state)
        found = {self.column(generator) for generator in generators}
        found.discard(-1)
        return tuple(sorted(state_of(column, sign) for column in found))

    def covering(self, groups: Sequence[Group], level: Fraction, choose: Choice) -> Any | None:
        """A dual vector that proves a loss above the level for neurons with these columns, and for
        others, found without their minimum.

        choose: some of the states it is given, to try whether they can be covered as well. None
        where the loss may not be above the level, or the domain has no cheap way to tell.
        """
        return None


class Polyhedral(Domain):
    """Minima are least squares problems, solved exactly."""

    positive_columns: list[list[int]]  # those of sign +; (c, n) integers
    least_squares: LeastSquares | CappedLeastSquares
    uncapped: frozenset[int] = frozenset()  # columns of which neurons in a ball have any multiple

    def solved(self) -> int:
        """The number of different least squares problems solved so far."""
        return len(self.least_squares)

    def dual(self, minimum: Minimum) -> Any:
        """The optimal dual vector of a cell or face: it proves loss >= the minimum there."""
        return self.priced(*self.vector_of(minimum))

    def vector_of(self, minimum: Minimum) -> tuple[tuple[int, ...], Fraction]:
        """The optimal dual vector, in integers without a common divisor, and what one unit is in
        those of the problem; 1 where only multiples matter."""
        vector = primitive(minimum.residual)
        if self.loss.name == "squared":
            return vector, Fraction(1)
        divisor = math.gcd(*minimum.residual) or 1
        return vector, divisor * minimum.scale * self.least_squares.form.slope

    def priced(self, vector: tuple[int, ...], scale: Fraction = Fraction(1)) -> Dual:
        """A dual vector with its products."""
        return Dual(vector, self.products(vector), scale)

    def products(self, vector: Sequence[int]) -> dict[int, int]:
        """Those with the columns where they are positive."""
        values = (self._stacked * fmpz_mat(len(vector), 1, list(vector))).entries()
        return {
            2 * k + (value < 0): abs(value) for k, value in enumerate(map(int, values)) if value
        }

    @cached_property
    def _stacked(self) -> fmpz_mat:
        n = self.problem.n
        return fmpz_mat(len(self.positive_columns), n, list(chain(*self.positive_columns)))

    @property
    def column_count(self) -> int:
        """The number of columns, of both signs."""
        return 2 * len(self.positive_columns)

    def network(self, neurons: Sequence[tuple[int, Sequence[Fraction]]]) -> Network:
        """With the best output bias and linear part, where there are."""
        return completed(self.problem, super().network(neurons))


class WholeSpace(Polyhedral):
    """No ball: a neuron is any nonnegative combination of the rays of its cone."""

    def __init__(self, problem: Problem, arrangement: Arrangement) -> None:
        super().__init__(problem, arrangement, None)
        X, x_scale, _, y_scale = problem.integer_form()
        form = Form.of(problem, y_scale)
        sigma, steps = problem.activation.whole
        self._x_scale, self._y_scale = steps * x_scale, form.unit
        self.scale = form.scale
        images = _images(arrangement.rays, X, sigma)
        divisors = np.gcd.reduce(images, axis=1)
        images //= np.maximum(divisors, 1)[:, None]
        index: dict[tuple[Any, ...], int] = {}
        self._column = [
            index.setdefault((tuple(image.tolist()), sigma.folds and ray), len(index))
            if divisor
            else -1
            for ray, (image, divisor) in enumerate(zip(images, divisors, strict=True))
        ]
        self._divisor = [int(divisor) for divisor in divisors]
        self.positive_columns = [list(image) for image, _ in index]
        self.least_squares: LeastSquares = LeastSquares(
            _signed(self.positive_columns, problem.n), form
        )

    def cone(self, cone: int) -> Sequence[int]:
        """The extreme rays of a cone."""
        return list(map(int, self.arrangement.cone_rays(cone)))

    def facet(self, cone: int, wall: int) -> Sequence[int]:
        """The extreme rays of a facet."""
        return list(map(int, self.arrangement.facet_rays(cone, wall)))

    def column(self, generator: int) -> int:
        """Rays with the same sigma(X v), up to scale, share a column, unless sigma folds."""
        return self._column[generator]

    def vector(self, generator: int) -> Sequence[Fraction]:
        """Columns are divided by their common divisor, and X and y are scaled to integers."""
        scale = Fraction(self._x_scale, self._y_scale * self._divisor[generator])
        return [scale * int(v) for v in self.arrangement.rays[generator]]

    def minimum(self, groups: Sequence[Group]) -> Minimum:
        """Only the union of the columns matters."""
        columns = set().union(*groups)
        return self.least_squares.minimum(tuple(sorted(columns)))

    def shares(self, minimum: Minimum, groups: Sequence[Group]) -> list[tuple[int, int, Fraction]]:
        """Each column goes to the first neuron that has it."""
        return [
            (next(j for j, group in enumerate(groups) if c in group), c, coefficient)
            for c, coefficient in minimum.coefficients()
        ]

    def dual(self, minimum: Minimum) -> Barred:
        """The optimal dual vector of a cell or face: it proves loss >= the minimum there."""
        vector, scale = self.vector_of(minimum)
        return Barred(vector, self.least_squares.rising_in(minimum), minimum, scale)

    @cached_property
    def _of_states(self) -> Parts:
        from theory.landscape.kernel import Parts

        return Parts(self.groups, self.column_count)

    def weight(self, proof: Proof, group: Group) -> int:
        """A positive product can be made arbitrarily large: one such neuron is one too many."""
        return int(proof.dual.bits & _mask(group) != 0)

    def weights(self, proof: Proof) -> list[int]:
        """The same of a neuron in each state."""
        if not self.least_squares.guessing:
            return super().weights(proof)
        weights: list[int] = self._of_states.having(proof.dual.positive).tolist()
        return weights

    def proof(self, dual: Barred, level: Fraction, *, strict: bool) -> Proof:
        """The limit is zero if the minimum that it is optimal for is high enough."""
        value = dual.minimum.value
        return Proof(dual, -int(value < level or (strict and value == level)))

    def covering(self, groups: Sequence[Group], level: Fraction, choose: Choice) -> Barred | None:
        """Floating point tells which further states the optimal dual vector may cover as well."""
        problems = self.least_squares
        columns = set().union(*groups)
        threshold = problems.relative(level) + _MARGIN
        if problems.estimate(tuple(columns)) <= threshold:
            return None
        for state in choose(self._states_with(problems.rising(tuple(columns)))):
            union = columns.union(self.groups[state])
            if problems.estimate(tuple(union)) > threshold:
                columns = union
        found = problems.minimum(tuple(sorted(columns)))
        return self.dual(found) if found.value > level else None

    def _states_with(self, columns: Bool[np.ndarray, " c"]) -> list[int]:
        """The states that have some of the columns marked."""
        if self.least_squares.guessing:
            return np.flatnonzero(self._of_states.having(columns)).tolist()
        bits = marked(columns)
        return [state for state, group in enumerate(self.groups) if bits & _mask(group)]


class EntrywiseBall(Polyhedral):
    """Neurons with ||u||_inf <= rho: the ball of AdamW, Lion and signSGD, rho = R_W R_a.

    The generators are the nonzero vertices of {u in cone, ||u||_inf <= rho}; zero is the other one.
    Where biases are free the bound is on the other entries, and the set is, in the cones that are
    active or inactive on all data, unbounded: the bias directions (0, 1) and (0, -1) are generators
    of which u is any nonnegative multiple more.
    """

    within: Ball

    def __init__(self, problem: Problem, arrangement: Arrangement, within: Ball) -> None:
        super().__init__(problem, arrangement, within)
        free = within.gauge.free
        self._bounded = problem.d - free
        vertices = _box_vertices(arrangement, self._bounded)
        self.points = [[within.rho * v for v in point] for point in vertices]
        self.points += bias_directions(problem.d) if free else []
        unbounded = [place >= len(vertices) for place in range(len(self.points))]
        values = [[dot(row, u) for row in problem.X] for u in self.points]
        signs = [[(v > 0) - (v < 0) for v in row] for row in values]
        self._signs = np.array(signs, dtype=np.int8).reshape(len(signs), problem.n)
        images = [tuple(map(problem.activation.value, row)) for row in values]
        common = math.lcm(*(v.denominator for row in (*images, problem.y) for v in row))
        form = self._form(common)
        common, self.scale = form.unit, form.scale
        folds, index = problem.activation.folds, dict[tuple[Any, ...], int]()
        self._column = [
            index.setdefault((image, folds and tuple(sides), ray), len(index)) if any(image) else -1
            for image, sides, ray in zip(images, signs, unbounded, strict=True)
        ]
        self.positive_columns = [[int(v * common) for v in image] for image, *_ in index]
        self.uncapped = frozenset(
            state_of(column, sign)
            for column, ray in zip(self._column, unbounded, strict=True)
            for sign in (1, -1)
            if ray and column >= 0
        )
        self.least_squares: CappedLeastSquares = CappedLeastSquares(
            _signed(self.positive_columns, problem.n), form, self.uncapped
        )

    def _form(self, unit: int) -> Form:
        return Form.of(self.problem, unit)

    def cone(self, cone: int) -> Sequence[int]:
        """The vertices in a closed cone."""
        clash = self.arrangement.signs[cone] * self._signs < 0
        return np.flatnonzero(~clash.any(axis=1)).tolist()

    def facet(self, cone: int, wall: int) -> Sequence[int]:
        """The vertices on a facet: those of the cone that lie on the wall."""
        row = self.arrangement.walls[wall][0]
        return [generator for generator in self.cone(cone) if not self._signs[generator, row]]

    def column(self, generator: int) -> int:
        """Vertices with the same sigma(X v) share a column, unless sigma folds."""
        return self._column[generator]

    def vector(self, generator: int) -> Sequence[Fraction]:
        """The vertex itself."""
        return self.points[generator]

    def minimum(self, groups: Sequence[Group]) -> Minimum:
        """Each neuron has coefficients of sum at most one; the order of neurons does not matter."""
        return self.least_squares.minimum(tuple(sorted(groups)))

    def norm(self, u: Sequence[Sequence[Fraction]]) -> Fraction:
        """The largest entry that counts."""
        return max(abs(v) for column in u for v in column[: self._bounded])

    def proof(self, dual: Dual, level: Fraction, *, strict: bool) -> Proof:
        """The weights together count against nu . y, and more where the loss is not squared."""
        form = self.least_squares.form
        if isinstance(self.loss, Scaling):
            length = self.loss.length_squared(tuple(map(Fraction, dual.vector)))
            assert length is not None  # as they are of least points
            length *= Fraction(form.unit**2, form.scale)  # weights, or the form, are integers here
            return Proof(dual, _limit(dual.vector, form.y, length, level, strict))
        lam = [dual.scale * v for v in dual.vector]
        value = self.loss.dual(lam, self.problem.y)
        if value is None or not dual.scale:
            return Proof(dual, -1)
        # What is to spare, in units of the products of nu with columns.
        spare = (value - form.loss(level)) / dual.scale * form.unit
        whole = floor(spare) - int(strict and spare.denominator == 1)
        return Proof(dual, max(-1, whole))

    def weight(self, proof: Proof, group: Group) -> int:
        """The largest product with a vertex, or zero; too much where it has no bound."""
        if self.uncapped and self.unbounded(proof.dual, group):
            return max(proof.limit, 0) + 1
        return max((proof.dual.products.get(c, 0) for c in group), default=0)

    def unbounded(self, dual: Dual, group: Group) -> bool:
        """Whether nu.f has no bound for a neuron with these columns."""
        return any(c in self.uncapped and c in dual.products for c in group)


def bias_directions(d: int) -> list[list[Fraction]]:
    """More and less bias, of d input weights."""
    return [[Fraction(sign * (k == d - 1)) for k in range(d)] for sign in (1, -1)]


def _signed(columns: list[list[int]], n: int) -> Shaped[np.ndarray, "c n"]:
    positive = np.array(columns, dtype=object).reshape(len(columns), n)
    return np.stack([positive, -positive], axis=1).reshape(2 * len(columns), n)


def _images(
    points: Shaped[np.ndarray, "R d"], X: list[list[int]], activation: Activation
) -> Shaped[np.ndarray, "R n"]:
    """sigma(X v) for every row v of integer points, by integer slopes; in Python integers where
    they are needed."""
    A = np.array(X, dtype=object)
    steepest = max(1, *(abs(int(slope)) for slope in (activation.negative, activation.positive)))
    bound = int(np.abs(A).sum(axis=1).max(initial=0)) * int(abs(points).max(initial=0)) * steepest
    kind = np.dtype(np.int64 if bound < 2**62 else object)
    return activation.at(points.astype(kind) @ A.astype(kind).T)


def _limit(
    vector: Sequence[int], y: Sequence[int], length: Fraction, level: Fraction, strict: bool
) -> int:
    """The largest integer H with nu.y - H > 0 and (nu.y - H)^2 / (2 ||nu||^2) > level (or >=).

    Where nu.f <= H the loss is at least t nu.y - t^2 ||nu||^2 / 2 - t H for all t >= 0. length: the
    square of that of nu, as the loss measures it.
    """
    square = 2 * level * length
    whole = isqrt(square.numerator // square.denominator)
    needed = whole if not strict and square == whole**2 else whole + 1
    return max(-1, dot(vector, y) - needed)


def count_box_vertices(walls: int, d: int, bounded: int) -> int:
    """How many points `_box_vertices` looks at."""
    fixed = range(max(1, d - walls), bounded + 1)
    return sum(comb(bounded, k) * 2**k * comb(walls, d - k) for k in fixed)


def _box_vertices(arrangement: Arrangement, bounded: int) -> list[list[Fraction]]:
    """The nonzero points of |u_k| <= 1, for the first k, on d independent walls and sides."""
    d = arrangement.rays.shape[1]
    found: dict[tuple[Fraction, ...], None] = {}
    for fixed in range(1, bounded + 1):
        for coordinates in combinations(range(bounded), fixed):
            free = [k for k in range(d) if k not in coordinates]
            for walls in combinations(arrangement.normals, len(free)):
                A = fmpz_mat(len(free), len(free), [v[k] for v in walls for k in free])
                sides = [
                    [-dot([v[k] for k in coordinates], signs) for v in walls]
                    for signs in product((-1, 1), repeat=fixed)
                ]
                try:
                    B = fmpz_mat(len(sides), len(free), [v for side in sides for v in side])
                    solved = A.solve(B.transpose())
                except ZeroDivisionError:
                    continue
                for column, signs in enumerate(product((-1, 1), repeat=fixed)):
                    point = dict(zip(coordinates, map(Fraction, signs), strict=True))
                    for row, k in enumerate(free):
                        value = solved[row, column]
                        point[k] = Fraction(int(value.p), int(value.q))
                    if all(abs(point[k]) <= 1 for k in range(bounded)):
                        found[tuple(point[k] for k in range(d))] = None
    return [list(point) for point in found]
