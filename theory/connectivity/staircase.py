"""The optimal networks of the l2-penalised problem, and their components at every width, exactly.

L(f) + (beta/2)(||W||_F^2 + ||a||^2), the problem of `sgd`, is the group lasso L + beta sum ||u_j||.
Its optimal fit f* is unique, and each neuron of an optimal network points in one of finitely many
directions v_i, so with the images phi_i = s_i sigma(X v_i) all optima are described by one polytope

    {c >= 0 : sum_i c_i phi_i = f*}

(the optimal polytope of Kim, Mishkin and Pilanci). How many components the optimal networks of m
neurons form depends on the supports of its vertices alone; `OptimalPolytope.step` counts them.

>>> problem, beta = plant([[3, 0], [-3, 0], [0, 4], [0, -4]], [1, 1, 1, 1], [1, 1, 1, 1])
>>> optima = optimal_polytope(problem, beta)
>>> optima.fewest, optima.most, optima.bound
(2, 2, 4)
>>> [optima.step(width).components for width in range(1, 6)]
[0, 2, 2, 1, 1]

1. `active_directions`: where nu . f / ||u|| is largest over single neurons u of output f, for a
   rational dual vector nu: exact projections onto the cones of the arrangement.
2. `optimal_polytope`: nu is guessed by the convex solver and rounded; the optimality conditions
   decide in rationals. `plant` makes data for which a given nu is the right one.
3. `_vertices`: the vertices are the minimal supports, by increasing size.

Source: Kim, Mishkin, Pilanci, ICLR 2025, arXiv 2411.07729; proofs_notes/staircase.md.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import combinations
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from flint import fmpq_mat
from scipy.cluster.hierarchy import DisjointSet

from theory.activation import RELU, Activation
from theory.arrangement import arrangement
from theory.errors import BudgetError, InputError, Undecided
from theory.exact import (
    dot,
    flint_matrix,
    from_flint,
    independent,
    some_solution,
    squared,
    to_flint,
    transposed,
)
from theory.landscape.form import Form
from theory.landscape.nnls import LeastSquares, primitive
from theory.problem import (
    Problem,
    Rational,
    positive_integer,
    positive_rational,
    rational_matrix,
    rational_vector,
)
from theory.within import Penalty

Vector: TypeAlias = tuple[Fraction, ...]

MAX_CONES = 20_000
"""Cones of the arrangement, by default: each may take two exact projections."""

MAX_SUPPORTS = 200_000
"""Sets of directions that may be tried as supports of vertices, by default."""

_DENOMINATORS = (1, 10, 100, 1_000, 10_000)  # up to which a float dual vector is rounded, in turn


class Direction(NamedTuple):
    """A neuron u = c v of output sign s adds c s sigma(X v) to the fit and costs c beta ||v||.

    vector: v (d,), of length beta. image: s sigma(X v), (n,).
    """

    sign: int
    vector: Vector
    image: Vector


@dataclass(frozen=True)
class Step:
    """The optimal networks of one width, modulo permutation of the neurons and labelled.

    components: 0 where no network of that width attains the optimum over all widths. isolated:
    the components that are single points.
    """

    width: int
    components: int
    components_labelled: int
    isolated: int
    isolated_labelled: int

    @property
    def connected(self) -> bool:
        """Not empty, and one component, labelled."""
        return self.components_labelled == 1

    @property
    def finite(self) -> bool:
        """Whether there are optimal networks of this width, and only finitely many."""
        return 0 < self.components == self.isolated


@dataclass(frozen=True)
class OptimalPolytope:
    """All optimal networks of the penalised problem: c >= 0 with sum_i c_i phi_i = f*.

    beta: the weight of the penalty. nu: y - f*, (n,). directions: the k possible ones, by vector.
    vertices: coefficients c (k,), ordered by the size of the support, then by its members.
    """

    problem: Problem
    beta: Fraction
    nu: Vector
    directions: tuple[Direction, ...]
    vertices: tuple[Vector, ...]

    @property
    def fit(self) -> Vector:
        """f* (n,)"""
        return tuple(t - v for t, v in zip(self.problem.y, self.nu, strict=True))

    @property
    def objective(self) -> Fraction:
        """The optimum, loss and penalty: 1/2 ||nu||^2 + nu . f*."""
        return squared(self.nu) / 2 + dot(self.nu, self.fit)

    @cached_property
    def supports(self) -> tuple[frozenset[int], ...]:
        """Which directions each vertex uses. None contains another."""
        return tuple(frozenset(i for i, v in enumerate(c) if v) for c in self.vertices)

    @property
    def fewest(self) -> int:
        """m*: the fewest neurons of an optimal network."""
        return min(map(len, self.supports))

    @property
    def most(self) -> int:
        """M*: the most neurons of an optimal network whose images are linearly independent."""
        return max(map(len, self.supports))

    @cached_property
    def rank(self) -> int:
        """The number of linearly independent images among all possible directions, at most n."""
        images = [to_flint(direction.image) for direction in self.directions]
        return flint_matrix(images, self.problem.n).rank()

    @property
    def bound(self) -> int:
        """min(m* + M*, n + 1): connected from this width on (Kim, Mishkin, Pilanci)."""
        return min(self.fewest + self.most, self.problem.n + 1)

    @property
    def rank_bound(self) -> int:
        """min(m* + M*, rank + 1), which is connected from too, and at most `bound`."""
        return min(self.fewest + self.most, self.rank + 1)

    @cached_property
    def connected_from(self) -> int:
        """The least width from which on the optimal networks are connected, labelled.

        At most `rank_bound`; at least M* + 1 if M* >= 2, and 1 if M* is less.
        """
        widths = range(self.bound - 1, 0, -1)
        return next((m + 1 for m in widths if not self.step(m).connected), 1)

    def step(self, width: int) -> Step:
        """The components of the optimal networks of `width` neurons.

        Raises InputError if the width is not a positive integer.
        """
        width = positive_integer(width, "width")
        if not any(self.fit):
            return Step(width, 1, 1, 1, 1)  # zero weights alone
        fitting = [support for support in self.supports if len(support) <= width]
        joined = DisjointSet(fitting)
        for first, second in combinations(fitting, 2):
            if len(first | second) <= width:
                joined.merge(first, second)
        isolated = sum(len(support) == width for support in fitting)
        orbit = math.factorial(width)  # of an isolated network: its neurons all differ
        wide = joined.n_subsets - isolated
        return Step(width, joined.n_subsets, wide + orbit * isolated, isolated, orbit * isolated)


def optimal_polytope(
    problem: Problem,
    beta: Fraction,
    *,
    max_cones: int = MAX_CONES,
    max_supports: int = MAX_SUPPORTS,
) -> OptimalPolytope:
    """The optimal polytope of L + (beta/2)(||W||_F^2 + ||a||^2), if the optimal fit is rational.

    max_cones: of the arrangement. max_supports: sets of directions to try as supports of vertices.

    Raises Undecided where rounding the solver's dual vector does not satisfy the optimality
    conditions exactly (in general the optimal fit is irrational), InputError for a wrong beta,
    BudgetError where there are too many cones or supports.
    """
    problem.require_plain("optimal polytopes are")
    beta = positive_rational(beta, "beta")
    for nu in _candidates(problem, beta):
        square, directions = active_directions(
            problem.X, nu, activation=problem.activation, max_cones=max_cones
        )
        if square > beta**2:
            continue
        if square < beta**2:
            directions = ()
        fit = tuple(t - v for t, v in zip(problem.y, nu, strict=True))
        vertices = _vertices([direction.image for direction in directions], fit, max_supports)
        if vertices:
            return OptimalPolytope(problem, beta, nu, directions, vertices)
    raise Undecided(
        f"no dual vector with denominators up to {_DENOMINATORS[-1]:,} satisfies the optimality "
        "conditions exactly: the optimal fit is irrational, as it is for most data, or has larger "
        "ones; `plant` makes data whose optimal fit is rational"
    )


def plant(
    X: Iterable[Iterable[Rational]], nu: Iterable[Rational], weights: Iterable[Rational]
) -> tuple[Problem, Fraction]:
    """A problem with the optimal dual vector nu, and the beta for which it is optimal.

    X: (n, d), nu: (n,), exact rationals. weights: c_i >= 0 of the active directions of nu, in the
    order of `active_directions`; y = nu + sum_i c_i phi_i.

    Raises InputError where their number is wrong, one is negative, or beta is not rational.
    """
    rows, nu = rational_matrix(X, "X"), rational_vector(nu, "nu")
    square, directions = active_directions(rows, nu)
    c = rational_vector(weights, "weights")
    if len(c) != len(directions):
        raise InputError("weights", f"has {len(c)} entries; nu has {len(directions)} directions")
    if min(c, default=0) < 0:
        raise InputError("weights", f"{min(c)} must not be negative")
    beta = Fraction(math.isqrt(square.numerator), math.isqrt(square.denominator))
    if beta**2 != square or not beta:
        raise InputError("nu", f"its beta, sqrt({square}), must be rational and not zero")
    images = [direction.image for direction in directions]
    y = [v + dot(c, column) for v, column in zip(nu, zip(*images, strict=True), strict=True)]
    return Problem(X=rows, y=tuple(y)), beta


def active_directions(
    X: Iterable[Iterable[Rational]],
    nu: Iterable[Rational],
    *,
    activation: Activation = RELU,
    max_cones: int = MAX_CONES,
) -> tuple[Fraction, tuple[Direction, ...]]:
    """h^2 and where it is attained: h = max of s nu . sigma(X u) / ||u|| over u and s = +-1.

    X: (n, d), nu: (n,), exact rationals. The directions have length h, all different, ordered by
    vector; none if h = 0. On a block s nu . sigma(X u) is g . u, g = s X^T D nu, and the maximum is
    the length of the projection of g on the cone, where it is attained alone.

    Raises InputError where X or nu is wrong, BudgetError where X has more than `max_cones` cones.
    """
    rows, nu = rational_matrix(X, "X"), rational_vector(nu, "nu")
    if len(nu) != len(rows):
        raise InputError("nu", f"has {len(nu)} entries, but X has {len(rows)} rows")
    cones = arrangement(rows, max_cones=max_cones)
    generators = _in_row_space(rows, cones.rays)
    gradients = []
    for cone, signs in enumerate(cones.signs.tolist()):
        part = activation.part((sign > 0 for sign in signs), nu)
        gradient = tuple(dot(part, column) for column in zip(*rows, strict=True))
        for sign in (1, -1):
            g = tuple(sign * v for v in gradient)
            gradients.append((squared(g), cone, sign, g))
    # A projection is never longer than what is projected.
    gradients.sort(key=lambda entry: entry[0], reverse=True)
    best = Fraction()
    found: dict[Vector, int] = {}
    for square, cone, sign, g in gradients:
        if square < best or not square:
            break
        vector = _projection(g, [generators[ray] for ray in cones.cone_rays(cone)])
        length = squared(vector)
        if length > best:
            best, found = length, {}
        if length == best and length:
            found[vector] = sign  # of one direction on the wall of two cones the sign is the same
    directions = []
    for vector, sign in sorted(found.items()):
        image = tuple(sign * activation.value(dot(row, vector)) for row in rows)
        directions.append(Direction(sign, vector, image))
    return best, tuple(directions)


def _in_row_space(rows: Sequence[Vector], rays: Any) -> list[tuple[int, ...]]:
    """Positive multiples of the rays' projections on the row space of X; (R, d) integers.

    Up to the kernel of X these span the cones, and optimal directions are orthogonal to the kernel.
    """
    d = len(rows[0])
    matrix = [to_flint(row) for row in rows]
    basis = flint_matrix([matrix[k] for k in independent(matrix, d)], d)
    if basis.nrows() == d:
        return [tuple(map(int, ray)) for ray in rays]
    projected = []
    for ray in rays:
        products = basis * fmpq_mat(d, 1, to_flint(map(int, ray)))
        shadow = basis.transpose() * (basis * basis.transpose()).solve(products)
        projected.append(_integers(from_flint(shadow.entries())))
    return projected


def _integers(vector: Sequence[Fraction]) -> tuple[int, ...]:
    """The primitive integer vector that is a positive multiple; zero for zero."""
    common = math.lcm(*(v.denominator for v in vector))
    return primitive([int(v * common) for v in vector]) if any(vector) else (0,) * len(vector)


def _projection(g: Vector, generators: Sequence[tuple[int, ...]]) -> Vector:
    """The nearest point to g of the cone with these generators."""
    if not generators:
        return (Fraction(),) * len(g)
    common = math.lcm(*(v.denominator for v in g))
    target = Form.squares([int(v * common) for v in g])
    program = LeastSquares(np.array(generators, dtype=object), target)
    coefficients = program.minimum(tuple(range(len(generators)))).coefficients()
    return tuple(
        sum((c * generators[ray][k] for ray, c in coefficients), Fraction()) / common
        for k in range(len(g))
    )


def _candidates(problem: Problem, beta: Fraction) -> Iterator[Vector]:
    """Rational dual vectors that may be optimal: y itself, then the solver's, rounded."""
    yield problem.y
    from theory.programs import solve  # CVXPY is slow to load, and not needed for f* = 0

    dual = solve(problem, Penalty(beta)).dual
    if dual is None:
        return
    # The solver's lam is known up to scale; at the optimum the largest price is beta.
    _, x_scale, _, _ = problem.integer_form()
    scale = beta * x_scale / dual.length
    exact = [scale * v for v in dual.lam]
    yield from dict.fromkeys(
        tuple(v.limit_denominator(limit) for v in exact) for limit in _DENOMINATORS
    )


def _vertices(
    images: Sequence[Vector], fit: Sequence[Fraction], max_supports: int
) -> tuple[Vector, ...]:
    """The vertices of {c >= 0 : sum_i c_i image_i = fit}, by size and members of their support.

    The polytope is bounded: nu . image is the same positive number for all. So a set of directions
    that reaches the fit contains the support of a vertex, and vertices are the minimal such sets.
    """
    n, k = len(fit), len(images)
    columns, target = [to_flint(image) for image in images], to_flint(fit)
    rank = flint_matrix(columns, n).rank() if k else 0
    needed = sum(math.comb(k, size) for size in range(rank + 1))
    if needed > max_supports:
        raise BudgetError("supports of vertices", needed, max_supports, "max_supports")
    vertices: list[Vector] = []
    known: list[set[int]] = []
    for size in range(rank + 1):
        for chosen in combinations(range(k), size):
            if any(support.issubset(chosen) for support in known):
                continue
            c = some_solution(transposed([columns[i] for i in chosen], n), target, size)
            if c is not None and all(v > 0 for v in c):
                known.append(set(chosen))
                entries = dict(zip(chosen, from_flint(c), strict=True))
                vertices.append(tuple(entries.get(i, Fraction()) for i in range(k)))
    return tuple(vertices)
