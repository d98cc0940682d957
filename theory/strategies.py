"""Hypothesis strategies for properties of small networks: data, arrangements, networks, radii.

All they draw is exact, degenerate cases are common, and each shrinks towards few points, few
features, few neurons and small integers. A failing property then ends at a data set that fits in
one line:

>>> from hypothesis import Phase, find, settings
>>> from theory import analyse
>>> phases = [Phase.generate, Phase.shrink]
>>> exact = settings(database=None, derandomize=True, max_examples=100, phases=phases)
>>> found = find(problems(), lambda p: len(analyse(p, 1).components) > 1, settings=exact)
>>> [[str(v) for v in row] for row in found.X], [str(v) for v in found.y]
([['1'], ['-1']], ['1', '1'])

A size is a number or an inclusive range (least, most):

| strategy                   | draws                                                             |
|----------------------------|-------------------------------------------------------------------|
| data_matrices, problems    | X; X and y: any, in general position, or degenerate as told       |
| planted_problems           | a problem with an integer network that fits it exactly            |
| arrangements               | the arrangement of a data matrix                                  |
| networks, networks_in_ball | any rational weights; those in an optimizer's ball, exactly       |
| solutions, solution_pairs  | networks of loss <= level in a ball, with their `SolutionSet`     |
| minimiser_pairs            | networks of least loss in an entrywise ball, of the theorem's width |
| component_networks         | networks of a given landscape, component by component             |
| radii_near_critical        | radii at, just below and just above those where a set changes     |

Source: proofs_notes/strategies.md, with worked tests of bounds.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from fractions import Fraction
from functools import cache
from itertools import chain, combinations, count
from math import ceil
from typing import Any, TypeAlias, TypedDict, Unpack

import numpy as np
from flint import fmpq, fmpz_mat
from hypothesis import assume
from hypothesis import strategies as st
from jaxtyping import Int

from theory.arrangement import Arrangement, arrangement
from theory.connectivity import Neuron, SolutionSet, largest_mass, radius_intervals
from theory.connectivity.exchange import Exchange
from theory.errors import BudgetError, InputError
from theory.exact import (
    dot,
    from_flint,
    simplest_between,
    some_solution,
    sqrt_above,
    to_flint,
    transposed,
)
from theory.gauges import gauge_of
from theory.geometry import geometry
from theory.landscape import Analysis, analyse
from theory.landscape.domain import EntrywiseBall
from theory.network import Network
from theory.problem import Problem, positive_integer
from theory.radii import least_radii
from theory.radii.fibre import Fibre
from theory.radii.radii import least_fits
from theory.within import Ball, within_of

__all__ = [
    "DEGENERACIES",
    "arrangements",
    "component_networks",
    "data_matrices",
    "minimiser_pairs",
    "networks",
    "networks_in_ball",
    "planted_problems",
    "problems",
    "radii_near_critical",
    "solution_pairs",
    "solutions",
]

Matrix: TypeAlias = tuple[tuple[Fraction, ...], ...]
Size: TypeAlias = int | tuple[int, int]
"""A number, or the least and the most."""

DEGENERACIES = (
    "one-point",  # n = 1
    "one-feature",  # d = 1
    "zero-row",
    "duplicate-rows",  # not zero
    "parallel-rows",  # one is 2 or 3 times the other
    "antiparallel-rows",  # one is -1 or -2 times the other
    "rank-deficient",  # rank X < d
    "zero-targets",  # y = 0
)
"""What may be prescribed of a problem, several at once where they agree."""

# A row that is to depend on another is this multiple of it.
_MULTIPLES = {
    "zero-row": (0,),
    "duplicate-rows": (1,),
    "parallel-rows": (2, 3),
    "antiparallel-rows": (-1, -2),
}
_CLOSE = Fraction(1, 16)  # what scaling into a ball may leave, relatively, for simple numbers
_STEPS = 1024  # between neighbouring critical radii
_AT_ONCE = 500  # rows compared with all hyperplanes
_WIDEST = 25  # pair of minimisers, or tests would be slow


class DataOptions(TypedDict, total=False):
    """The options of `data_matrices`, which other strategies pass on."""

    n: Size
    d: Size
    entries: int
    max_denominator: int
    general_position: bool
    degeneracies: Collection[str]


# Data


@st.composite
def data_matrices(draw: st.DrawFn, **options: Unpack[DataOptions]) -> Matrix:
    """Data X (n, d); shrinks to few rows, few columns and zeros.

    n, d: sizes, by default (1, 4) and (1, 2). entries: integers up to that in absolute value, by
        default 3. max_denominator: each column is divided by an integer up to that, by default 1.
    general_position: any min(n, d) rows are independent. A row that is in the way is moved to the
        nearest one that is not, which may exceed `entries`.
    degeneracies: names from `DEGENERACIES`, all of which hold. Rows and columns that depend on
        others may exceed `entries`. Without any, degenerate data are common and not certain.

    Raises InputError, when drawn from, for unknown names and for options that contradict each
    other.
    """
    if "zero-targets" in options.get("degeneracies", ()):
        raise InputError("degeneracies", "zero-targets is for `problems`: here are no targets")
    return _points(draw, st.just(Fraction()), **options)[0]


def arrangements(**options: Unpack[DataOptions]) -> st.SearchStrategy[Arrangement]:
    """The arrangement {x_k . u = 0} of a data matrix; options and shrinking of `data_matrices`."""
    return data_matrices(**options).map(arrangement)


@st.composite
def problems(
    draw: st.DrawFn,
    *,
    targets: int = 4,
    activations: Sequence[str] = ("relu",),
    **options: Unpack[DataOptions],
) -> Problem:
    """Problems with the data of `data_matrices`; shrinks to few points and zeros.

    targets: y has integers up to that in absolute value, or fractions of denominators up to
    `max_denominator`. activations: names that `Activation.named` knows; shrinks to the first.
    Options and errors of `data_matrices`.
    """
    y = _fractions(targets, options.get("max_denominator", 1))
    if "zero-targets" in options.get("degeneracies", ()):
        y = st.just(Fraction())
    X, y_drawn = _points(draw, y, **options)
    return Problem(X, y_drawn, activation=draw(st.sampled_from(activations)))


@st.composite
def planted_problems(
    draw: st.DrawFn, *, width: Size = (1, 2), **options: Unpack[DataOptions]
) -> tuple[Problem, Network]:
    """A problem with a network that fits it exactly, of integer weights W and a_j = +-1.

    Shrinks to the zero network of one neuron. Options and errors of `data_matrices`; `entries`
    bounds those of W too.
    """
    X = draw(data_matrices(**options))
    fewest, most = _range(width, "width", 1)
    w = st.lists(_fractions(options.get("entries", 3)), min_size=len(X[0]), max_size=len(X[0]))
    neurons = draw(st.lists(st.tuples(_SIGNS, w), min_size=fewest, max_size=most))
    network = Network.from_convex(neurons)
    fit = network.fit(Problem(X, (Fraction(),) * len(X)))
    return Problem(X, fit), network


def _points(
    draw: st.DrawFn,
    target: st.SearchStrategy[Fraction],
    n: Size = (1, 4),
    d: Size = (1, 2),
    entries: int = 3,
    max_denominator: int = 1,
    general_position: bool = False,
    degeneracies: Collection[str] = (),
) -> tuple[Matrix, tuple[Fraction, ...]]:
    """X as `data_matrices` says, with a target for each row."""
    for name in degeneracies:
        if name not in DEGENERACIES:
            raise InputError("degeneracies", f"{name!r} is not one of {', '.join(DEGENERACIES)}")
    multiples = [c for name, c in _MULTIPLES.items() if name in degeneracies]
    deficient = "rank-deficient" in degeneracies
    if general_position and (multiples or deficient):
        raise InputError("degeneracies", "rows in general position have none of their own")
    nonzero = any(0 not in c for c in multiples)  # one row more, of which these are multiples
    fewest, most = _range(n, "n", len(multiples) + nonzero, "one-point" in degeneracies)
    narrowest, widest = _range(d, "d", 1 + (nonzero and deficient), "one-feature" in degeneracies)
    columns = draw(st.integers(narrowest, widest))

    free = columns - deficient
    # A point at a time, so that shrinking can leave one out. Of each row the last entries are used,
    # for it is the first ones that shrink to zero; so can columns be left out, too.
    row = st.lists(st.integers(-entries, entries), min_size=widest, max_size=widest)
    points = draw(st.lists(st.tuples(row, target), min_size=fewest, max_size=most))
    rows = [x[widest - free :] for x, _ in points]
    if general_position:
        rows = _into_general_position(rows)
    if multiples:
        if nonzero and not any(rows[0]):
            rows[0][0] = 1
        for k, choices in enumerate(multiples, start=nonzero):
            c = draw(st.sampled_from(choices))
            rows[k] = [c * v for v in rows[0]]
        rows = draw(st.permutations(rows))
    if deficient:
        place = draw(st.integers(0, free))
        combination = [draw(st.integers(-1, 1)) for _ in range(free)]
        for x in rows:
            x.insert(place, sum(c * v for c, v in zip(combination, x, strict=True)))
    # Columns at a time: that keeps the rank, and rows that are multiples of each other.
    scales = [draw(st.integers(1, max_denominator)) for _ in range(columns)]
    X = tuple(tuple(Fraction(v, q) for v, q in zip(x, scales, strict=True)) for x in rows)
    return X, tuple(y for _, y in points)


def _range(size: Size, field: str, least: int, only_one: bool = False) -> tuple[int, int]:
    """The part of a size that `least` leaves, and 1 if it has to be that."""
    low, high = (size, size) if isinstance(size, int) else size
    positive_integer(low, field)
    if low > high:
        raise InputError(field, f"{size} is empty: the least size comes first")
    if only_one:
        low, high = max(low, 1), min(high, 1)
    low = max(low, least)
    if low > high:
        raise InputError(field, f"{size} has no room for what is prescribed")
    return low, high


def _drawn(draw: st.DrawFn, size: Size, field: str) -> int:
    return draw(st.integers(*_range(size, field, 1)))


@st.composite
def _fractions(draw: st.DrawFn, size: int, max_denominator: int = 1) -> Fraction:
    """In [-size, size]; shrinks to integers first, then to zero."""
    q = draw(st.integers(1, max_denominator))
    return Fraction(draw(st.integers(-size * q, size * q)), q)


@st.composite
def _radii(draw: st.DrawFn) -> Fraction:
    """In [1/3, 3]; shrinks to 1."""
    q = draw(st.integers(1, 3))
    return Fraction(draw(st.integers(1, 3 * q)), q)


def _into_general_position(rows: Sequence[Sequence[int]]) -> list[list[int]]:
    """Row by row the nearest one that lies in no hyperplane through d - 1 of those before."""
    d = len(rows[0])
    placed: list[list[int]] = []
    normals = [[1]] if d == 1 else []  # of these hyperplanes
    for row in rows:
        if len(placed) < d - 1:
            rank = len(placed) + 1
            moved = ([*map(sum, zip(row, step, strict=True))] for step in _steps(d))
            placed.append(next(x for x in moved if fmpz_mat([*placed, x]).rank() == rank))
            continue
        if d > 1:
            *before, last = placed
            normals += (_normal([*span, last]) for span in combinations(before, d - 2))
        placed.append(_off(normals, row))
    return placed


def _off(normals: Sequence[Sequence[int]], row: Sequence[int]) -> list[int]:
    """The nearest row that lies in none of the hyperplanes."""
    largest = max(map(abs, (v for normal in normals for v in normal)))
    for size in count():
        reach = max(map(abs, row)) + size
        exact: type = np.int64 if len(row) * largest * reach < 2**63 else object
        planes: Any = np.array(normals, dtype=exact).T
        moved = np.array(row, dtype=exact) + _shell(len(row), size)
        for some in np.array_split(moved, len(moved) // _AT_ONCE + 1):
            free = (some @ planes != 0).all(axis=1)
            if free.any():
                return [int(v) for v in some[free.argmax()]]
    raise AssertionError


def _normal(span: Sequence[Sequence[int]]) -> list[int]:
    """Of the hyperplane through d - 1 independent rows: their minors, with alternating signs."""
    columns = list(zip(*span, strict=True))
    minors = (fmpz_mat(columns[:j] + columns[j + 1 :]).det() for j in range(len(columns)))
    return [int(minor) * (-1) ** j for j, minor in enumerate(minors)]


def _steps(d: int) -> Iterator[list[int]]:
    """All integer vectors, nearest first; of two opposite ones the positive one first."""
    return chain.from_iterable(_shell(d, size).tolist() for size in count())


@cache
def _shell(d: int, size: int) -> Int[np.ndarray, "steps d"]:
    """Those whose largest entry is of this size."""
    cube = np.indices((2 * size + 1,) * d).reshape(d, -1).T - size
    shell = cube[abs(cube).max(axis=1) == size]
    order = np.lexsort((*-shell.T[::-1], abs(shell).sum(axis=1)))
    return np.asarray(shell[order])


# Networks

_SIGNS = st.sampled_from([1, -1])


@st.composite
def networks(
    draw: st.DrawFn, d: int, width: Size = (1, 3), *, entries: int = 3, max_denominator: int = 3
) -> Network:
    """Networks on d features, zero weights among them; shrinks to one neuron of zeros.

    entries: the weights are rationals up to that in absolute value.
    """
    fewest, most = _range(width, "width", 1)
    number = _fractions(entries, max_denominator)
    neuron = st.lists(number, min_size=d + 1, max_size=d + 1)
    *W, a = zip(*draw(st.lists(neuron, min_size=fewest, max_size=most)), strict=True)
    return Network(W=tuple(W), a=a)


@st.composite
def networks_in_ball(
    draw: st.DrawFn,
    ball: Ball,
    d: int,
    width: Size = (1, 3),
    *,
    boundary: bool = False,
) -> Network:
    """Networks with ||W|| <= rho and ||a|| <= 1 in the norms of the ball, exactly.

    That is the ball R_W R_a = rho up to rescaling the layers. boundary: only those with
    ||W|| = rho and ||a|| = 1; otherwise these are common. Nothing is rejected: layers too large are
    scaled by a simple fraction, and those on the boundary are built from rational rotations.
    Shrinks to one neuron of zeros; on the boundary to small multiples of unit vectors.

    Source: theory/connectivity/solutions.py.
    """
    gauge, rho = ball.gauge, ball.rho
    m = _drawn(draw, width, "width")
    if boundary or draw(st.booleans()):
        unit = _unit_layer(draw, gauge.hidden.name, d, m)
        W = [[rho * v for v in row] for row in unit]
        (a,) = _unit_layer(draw, "frobenius" if gauge.output.shared else "entrywise", 1, m)
    else:
        free = draw(networks(d, m, entries=ceil(rho)))
        c = _factor(gauge.hidden.squared(free.neurons()), rho)
        W = [[c * v for v in row] for row in free.W]
        c = _factor(gauge.output_squared(free.a), Fraction(1))
        a = [c * v for v in free.a]
    return Network(W=tuple(map(tuple, W)), a=tuple(a))


def _factor(square: Fraction, bound: Fraction) -> Fraction:
    """What to multiply a layer of this norm by to bring it to the bound or a little below."""
    if square <= bound * bound:
        return Fraction(1)
    most = bound / sqrt_above(square)
    return simplest_between(most * (1 - _CLOSE), most)


def _unit_layer(draw: st.DrawFn, norm: str, d: int, m: int) -> list[list[Fraction]]:
    """A matrix (d, m) of norm 1."""
    if norm == "spectral":
        sizes = _largest_is_one(draw, min(d, m))
        diagonal = [[sizes[i] if i == j else Fraction() for j in range(m)] for i in range(d)]
        return _product(_product(_reflection(draw, d), diagonal), _reflection(draw, m))
    if norm == "column":
        sizes = _largest_is_one(draw, m)
        columns = [[size * v for v in _reflection(draw, d)[0]] for size in sizes]
        return [list(row) for row in zip(*columns, strict=True)]
    flat = _reflection(draw, d * m)[0] if norm == "frobenius" else _largest_is_one(draw, d * m)
    return [flat[i * m : (i + 1) * m] for i in range(d)]


def _largest_is_one(draw: st.DrawFn, size: int) -> list[Fraction]:
    """Numbers in [-1, 1], of which one is 1 or -1."""
    numbers = [draw(_fractions(1, 3)) for _ in range(size)]
    numbers[draw(st.integers(0, size - 1))] = Fraction(draw(_SIGNS))
    return numbers


def _reflection(draw: st.DrawFn, size: int) -> list[list[Fraction]]:
    """I - 2 v v^T / ||v||^2, or I: orthogonal, and its rows are rational unit vectors."""
    v = [draw(st.integers(-2, 2)) for _ in range(size)]
    factor = Fraction(2, sum(x * x for x in v) or 1)
    return [[(i == j) - factor * v[i] * v[j] for j in range(size)] for i in range(size)]


def _product(A: list[list[Fraction]], B: list[list[Fraction]]) -> list[list[Fraction]]:
    return [[dot(row, column) for column in zip(*B, strict=True)] for row in A]


# Solutions


@st.composite
def solution_pairs(
    draw: st.DrawFn,
    optimizer: str,
    *,
    width: Size | Callable[[Problem], Size] = (1, 3),
    exact: bool = False,
    **options: Unpack[DataOptions],
) -> tuple[SolutionSet, Network, Network]:
    """Two networks of one width in an optimizer's ball, and the solution set at the lowest level
    that holds both; for sgd that of the penalised loss.

    width: also a function of the problem, such as a theorem's bound; not with `exact`.
    exact: both fit the problem, and the level is 0. The first network is planted; the second has
        other hidden weights where these can fit, else the neurons of the first in another order.
    Options of `data_matrices`. Shrinks to one point and one neuron of zeros.

    Raises InputError, when drawn from, for `exact` with sgd or with a function, and as
    `data_matrices` does.
    """
    penalised = geometry(optimizer).name == "sgd"
    if penalised and exact:
        raise InputError("exact", "the penalised loss of sgd is not zero")
    if callable(width) and exact:
        raise InputError("width", "no function with `exact`: targets are planted once it is known")
    problem = draw(problems(**options))
    m = _drawn(draw, width(problem) if callable(width) else width, "width")
    if penalised:
        pair = [draw(networks(problem.d, m)) for _ in range(2)]
        beta = draw(_radii())
        solutions = SolutionSet(problem, within_of(optimizer, beta=beta), Fraction())
    else:
        rho = draw(_radii())
        inside = networks_in_ball(Ball(optimizer, rho), problem.d, m)
        pair = [draw(inside)]
        if exact:
            problem = Problem(problem.X, pair[0].fit(problem))
            second, needed = _other_fit(draw, optimizer, problem, pair[0])
            pair.append(second)
            rho = max(rho, needed)
        else:
            pair.append(draw(inside))
        solutions = SolutionSet(problem, Ball(optimizer, rho), Fraction())
    level = max(map(solutions.objective_of, pair))
    return solutions.at_level(level), pair[0], pair[1]


@st.composite
def solutions(
    draw: st.DrawFn,
    optimizer: str,
    *,
    width: Size | Callable[[Problem], Size] = (1, 3),
    exact: bool = False,
    **options: Unpack[DataOptions],
) -> tuple[SolutionSet, Network]:
    """A network in an optimizer's solution set: one of `solution_pairs`, whose options these are.

    Its loss is the level or, about as often, below it.
    """
    found, first, second = draw(solution_pairs(optimizer, width=width, exact=exact, **options))
    return found, draw(st.sampled_from([first, second]))


def _other_fit(
    draw: st.DrawFn, optimizer: str, problem: Problem, first: Network
) -> tuple[Network, Fraction]:
    """A network of the same fit with ||a|| <= 1, and a simple number that ||W|| is at most."""
    drawn = draw(networks(problem.d, first.width))
    single = [Network(W=tuple((v,) for v in w), a=(Fraction(1),)) for w in drawn.neurons()]
    images = [to_flint(network.fit(problem)) for network in single]
    found = some_solution(transposed(images, problem.n), to_flint(problem.y), first.width)
    if found is None:
        return first.permuted(draw(st.permutations(range(first.width)))), Fraction()
    gauge = gauge_of(geometry(optimizer).ball)
    a = from_flint(found)
    c = _above(gauge.output_squared(a)) or Fraction(1)
    W = tuple(tuple(c * v for v in row) for row in drawn.W)
    second = Network(W=W, a=tuple(v / c for v in a))
    return second, _above(gauge.hidden.squared(second.neurons()))


def _above(square: Fraction) -> Fraction:
    """A simple number that is the root or a little more."""
    root = sqrt_above(square)
    return simplest_between(root, root * (1 + _CLOSE)) if root else root


@st.composite
def minimiser_pairs(
    draw: st.DrawFn, optimizer: str = "adamw", **options: Unpack[DataOptions]
) -> tuple[SolutionSet, Network, Network]:
    """Two networks of least loss in an entrywise ball, of a width from ceil(S) + n on.

    There the set is connected (theory/connectivity/theorems.py). Each is a vertex of the polytope
    of least loss, over corners of the ball, with its neurons split and shuffled. Options of
    `data_matrices`, with n = (1, 3) by default. Problems of a bound beyond 25 neurons are left out.

    Raises InputError, when drawn from, for an optimizer without an entrywise ball.
    """
    if not gauge_of(geometry(optimizer).ball).exact:
        raise InputError("optimizer", f"{optimizer} has no entrywise ball: no width is known")
    options.setdefault("n", (1, 3))
    problem = draw(problems(**options))
    rho = draw(_radii())
    try:
        mass = largest_mass(problem, rho, max_bases=5_000)
    except BudgetError:
        assume(False)
    width = ceil(mass) + problem.n + draw(st.integers(0, 1))
    assume(width <= _WIDEST)
    cones = arrangement(problem.X)
    ball = EntrywiseBall(problem, cones, Ball(optimizer, rho))
    vertices = sorted({k for cone in range(len(cones)) for k in ball.cone(cone)})
    found = SolutionSet(problem, Ball(optimizer, rho), Fraction())
    corners = [
        Neuron(sign, Fraction(1), tuple(ball.vector(k)))
        for k in vertices
        for sign in (1, -1)
        if ball.column(k) >= 0
    ]
    first, second = (draw(_at_corners(found, corners, width)) for _ in range(2))
    return found.at_level(first.loss(problem)), first, second


@st.composite
def _at_corners(draw: st.DrawFn, found: SolutionSet, corners: list[Neuron], width: int) -> Network:
    """A network of least loss: a basic solution over corners of the ball, split and shuffled."""
    images = [found.image(corner) for corner in corners]
    exchange = Exchange(
        images, [fmpq(draw(st.integers(1, 9))) for _ in corners], [None] * len(corners)
    )
    # Both signs of every column are there, so that some combination fits as well as any.
    start = []
    for v in _nearest(images[::2], to_flint(found.problem.y)):
        start += [max(v, fmpq()), max(-v, fmpq())]
    neurons: list[tuple[int, tuple[Fraction, ...]]] = []
    for corner, mass in zip(corners, from_flint(exchange.vertex(start)), strict=True):
        for k in range(ceil(mass)):
            part = min(Fraction(1), mass - k)
            neurons.append((corner.sign, tuple(part * v for v in corner.u)))
    while len(neurons) < width:
        if draw(st.booleans()) and neurons:
            sign, u = neurons.pop(draw(st.integers(0, len(neurons) - 1)))
            part = draw(st.fractions(0, 1, max_denominator=3))
            neurons += [(sign, tuple(p * v for v in u)) for p in (part, 1 - part)]
        else:
            neurons.append((1, (Fraction(),) * found.problem.d))
    return Network.from_convex(draw(st.permutations(neurons)))


def _nearest(columns: list[list[fmpq]], y: list[fmpq]) -> list[fmpq]:
    """Coefficients of the projection of y on the columns."""
    gram = [[dot(v, w) for w in columns] for v in columns]
    solution = some_solution(gram, [dot(v, y) for v in columns], len(columns))
    assert solution is not None  # the normal equations have one
    return solution


@st.composite
def component_networks(draw: st.DrawFn, analysis: Analysis) -> tuple[int, Network]:
    """A component of a landscape without a ball, by its id, and a network in it, exactly.

    The network has the least loss in one of the component's cells, and is the one nearest to
    weights drawn at random. Shrinks to component 0 and small weights.

    Raises InputError, when drawn from, for an analysis in a ball.
    """
    if analysis.within is not None:
        raise InputError("analysis", "is of a ball; pass one without: analyse(problem, width)")
    component = draw(st.sampled_from(analysis.components))
    cell = draw(st.sampled_from(component.cells))
    complex_, problem = analysis.complex, analysis.problem
    fibre = Fibre.of(complex_, cell, least_fits(complex_, component)[cell])
    entry = _fractions(4, 4)
    target = tuple(tuple(draw(entry) for _ in range(problem.d)) for _ in cell)
    point = fibre.nearest(target).point
    neurons = list(zip(fibre.signs, point, strict=True))
    return component.id, complex_.domain.network(neurons)


# Radii


def radii_near_critical(
    problem: Problem, optimizer: str, width: int
) -> st.SearchStrategy[Fraction]:
    """Radii rho > 0 at, just below and just above each one where the optimizer's set may change.

    Critical are the least radii of the components of least loss (for balls that are no polytopes,
    the two ends of their proved intervals), and for entrywise balls the radii at which components
    of exact fits are born or merge. Just below and above: by 1/1024 of the way to the next one. 1
    where no radius is critical, as for y = 0. Shrinks to the least.

    Raises InputError for an optimizer without a ball, BudgetError where there are too many cells.
    Source: theory/radii/radii.py, theory/connectivity/critical_radii.py.
    """
    components = least_radii(analyse(problem, width), [optimizer]).components
    ends = {end for known in components for end in (known[optimizer].lower, known[optimizer].upper)}
    if gauge_of(geometry(optimizer).ball).exact:
        ends |= {interval.lower for interval in radius_intervals(problem, optimizer, width)}
    critical = sorted(ends - {0})
    if not critical:
        return st.just(Fraction(1))
    values = []
    for below, at, above in zip(
        [Fraction(), *critical], critical, [*critical[1:], 2 * critical[-1]], strict=False
    ):
        values += [at - (at - below) / _STEPS, at, at + (above - at) / _STEPS]
    return st.sampled_from(values)
