"""Components, barriers and paths: known answers, theorems, invariances, degenerate data."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import pairwise, permutations
from math import comb
from typing import Any

import numpy as np
import pytest
import sympy
from hypothesis import assume, given
from hypothesis import strategies as st
from problems import ACTIVATIONS, planted

from theory.certificates import certify
from theory.certificates.checker import check
from theory.errors import BudgetError, InputError, Interrupted
from theory.landscape import Analysis, MinimaxPath, analyse, barrier_between, cells
from theory.landscape.cells import Cell, CellComplex
from theory.landscape.flood import Flood, Fragment
from theory.landscape.nnls import Minimum
from theory.loading import example
from theory.network import Network
from theory.problem import Problem
from theory.strategies import problems
from theory.within import Ball, Penalty

HALF = Fraction(1, 2)


def off_diagonal(analysis: Analysis) -> list[Fraction]:
    """The barriers between different components, sorted."""
    size = len(analysis.components)
    values = [analysis.barriers[i][j] for i in range(size) for j in range(i)]
    return sorted(value for value in values if value is not None)


def interpolate(first: Network, second: Network, t: Fraction) -> Network:
    """The point (1 - t) first + t second of parameter space."""
    W = [
        [(1 - t) * v + t * w for v, w in zip(row, other, strict=True)]
        for row, other in zip(first.W, second.W, strict=True)
    ]
    a = [(1 - t) * v + t * w for v, w in zip(first.a, second.a, strict=True)]
    return Network(W=tuple(map(tuple, W)), a=tuple(a))


def highest(problem: Problem, path: MinimaxPath) -> Fraction:
    """The largest loss at the breakpoints and at points between them."""
    ts = [Fraction(k, 7) for k in range(8)]
    points = path.breakpoints
    between = [interpolate(*pair, t).loss(problem) for pair in pairwise(points) for t in ts]
    return max([*between, *(network.loss(problem) for network in points)])


def same_up_to_order(first: Network, second: Network) -> bool:
    return any(first.permuted(order) == second for order in permutations(range(first.width)))


# Known answers.


@pytest.mark.parametrize(
    ("labelled", "barriers"),
    [(False, [Fraction(32, 45)]), (True, [Fraction(32, 45)] * 2 + [Fraction(2)] * 4)],
)
def test_flagship(labelled: bool, barriers: list[Fraction]) -> None:
    analysis = analyse(example("flagship"), 2, labelled=labelled)
    assert analysis.minimum == 0
    assert off_diagonal(analysis) == barriers
    assert all(c.representative.loss(analysis.problem) == 0 for c in analysis.components)


def test_two_points() -> None:
    problem = example("two-points")
    assert off_diagonal(analyse(problem, 2, labelled=True)) == [HALF]
    assert len(analyse(problem, 2).components) == 1
    assert len(analyse(problem, 3, labelled=True).components) == 1


def test_one_neuron_by_hand() -> None:
    """X = I, y = (2, -1): one neuron fits one point; on the way between f passes through zero."""
    problem = Problem(X=[[1, 0], [0, 1]], y=[2, -1])
    analysis = analyse(problem, 1, level=Fraction(2))
    assert [component.minimum for component in analysis.components] == [HALF, 2]
    assert analysis.barriers == ((HALF, Fraction(5, 2)), (Fraction(5, 2), 2))
    # At width 2 both are fitted. For neurons to change places, at some time none is negative: then
    # f_2 >= 0 > y_2. The positive one can hand its share to the other there: f = (2, 0) suffices.
    assert off_diagonal(analyse(problem, 2)) == []
    assert off_diagonal(analyse(problem, 2, labelled=True)) == [HALF]


# Theorems.


@given(
    problems(activations=ACTIVATIONS, n=(1, 2)),
    st.sampled_from([Fraction(), Fraction(1, 10), HALF, Fraction(3)]),
)
def test_sublevel_sets_are_connected_at_width_n_plus_1(problem: Problem, excess: Fraction) -> None:
    """Nguyen, A note on connectivity of sublevel sets in deep learning (2021): labelled."""
    width = problem.n + 1
    minimum = analyse(problem, width).minimum
    analysis = analyse(problem, width, level=minimum + excess, labelled=True)
    assert len(analysis.components) == 1


@pytest.mark.parametrize("seed", range(4))
def test_width_n_plus_1_for_three_points(seed: int) -> None:
    problem, _ = planted(3, 2, 2, seed, entries=3)
    for level in (Fraction(), Fraction(1, 3)):
        assert len(analyse(problem, 4, level=level, labelled=True).components) == 1


@given(problems(activations=ACTIVATIONS), st.integers(1, 2))
def test_barriers_are_an_ultrametric_and_lower_modulo_permutation(
    problem: Problem, width: int
) -> None:
    labelled = analyse(problem, width, labelled=True)
    quotient = analyse(problem, width)
    assert labelled.minimum == quotient.minimum
    assert len(labelled.components) >= len(quotient.components)
    assert len(labelled.merges) == len(labelled.cuts) == len(labelled.components) - 1
    B = np.array(labelled.barriers, dtype=object)
    assert (B == B.T).all()
    for i, j, k in np.ndindex(B.shape[0], B.shape[0], B.shape[0]):
        assert B[i, j] <= max(B[i, k], B[k, j])
    for i, first in enumerate(labelled.components):
        for j, second in enumerate(labelled.components[:i]):
            crossing = barrier_between(problem, first.representative, second.representative)
            assert crossing.value <= B[i, j]


# Invariances.


def barriers_of(problem: Problem, width: int, labelled: bool) -> tuple[Fraction, list[Fraction]]:
    analysis = analyse(problem, width, labelled=labelled)
    return analysis.minimum, off_diagonal(analysis)


@given(st.data(), problems(activations=ACTIVATIONS), st.integers(1, 2), st.booleans())
def test_permuting_data_rows(
    data: st.DataObject, problem: Problem, width: int, labelled: bool
) -> None:
    order = data.draw(st.permutations(range(problem.n)))
    other = replace(
        problem, X=tuple(problem.X[k] for k in order), y=tuple(problem.y[k] for k in order)
    )
    assert barriers_of(problem, width, labelled) == barriers_of(other, width, labelled)


@given(st.data(), problems(activations=ACTIVATIONS), st.integers(1, 2), st.booleans())
def test_rational_invertible_maps_of_the_input(
    data: st.DataObject, problem: Problem, width: int, labelled: bool
) -> None:
    entry = st.fractions(-3, 3, max_denominator=3)
    d = problem.d
    A = data.draw(st.lists(st.lists(entry, min_size=d, max_size=d), min_size=d, max_size=d))
    assume(sympy.Matrix(A).det() != 0)
    columns = list(zip(*A, strict=True))
    X = tuple(
        tuple(sum((x * v for x, v in zip(row, c, strict=True)), Fraction()) for c in columns)
        for row in problem.X
    )
    other = replace(problem, X=X)
    assert barriers_of(problem, width, labelled) == barriers_of(other, width, labelled)


factors = st.fractions(-3, 3, max_denominator=5).filter(bool)


@given(problems(activations=ACTIVATIONS, max_denominator=4), st.integers(1, 2), factors)
def test_scaling_y_scales_losses_quadratically(
    problem: Problem, width: int, factor: Fraction
) -> None:
    other = replace(problem, y=tuple(factor * v for v in problem.y))
    minimum, barriers = barriers_of(problem, width, False)
    scaled = (factor**2 * minimum, [factor**2 * value for value in barriers])
    assert barriers_of(other, width, False) == scaled


@given(st.data(), st.integers(0, 30))
def test_permuting_neurons(data: st.DataObject, seed: int) -> None:
    problem, teacher = planted(4, 2, 2, seed, entries=3)
    other = analyse(problem, 2).components[-1].representative
    order = data.draw(st.permutations(range(2)))
    for labelled in (False, True):
        plain = barrier_between(problem, teacher, other, labelled=labelled)
        both = (teacher.permuted(order), other.permuted(order))
        assert barrier_between(problem, *both, labelled=labelled).value == plain.value
    assert barrier_between(problem, teacher.permuted(order), other).value == (
        barrier_between(problem, teacher, other).value
    )


@given(problems(activations=ACTIVATIONS, max_denominator=4), st.integers(1, 2))
def test_repeating_a_column_of_X_changes_nothing(problem: Problem, width: int) -> None:
    """The extra direction is in the null space of X."""
    wider = replace(problem, X=tuple((*row, row[0]) for row in problem.X))
    assert barriers_of(problem, width, True) == barriers_of(wider, width, True)


# Paths and certificates.


@given(problems(activations=ACTIVATIONS, max_denominator=4), st.integers(1, 2), st.booleans())
def test_paths_attain_the_barriers(problem: Problem, width: int, labelled: bool) -> None:
    analysis = analyse(problem, width, labelled=labelled)
    for merge in analysis.merges:
        assert merge.value == analysis.barriers[merge.first][merge.second]
    for i, first in enumerate(analysis.components):
        for j, second in enumerate(analysis.components):
            path = analysis.path(i, j)
            assert highest(problem, path) == path.value == analysis.barriers[i][j]
            start, end = path.breakpoints[0], path.breakpoints[-1]
            assert start == first.representative
            assert end == second.representative or (
                not labelled and same_up_to_order(end, second.representative)
            )


@given(
    problems(activations=ACTIVATIONS, max_denominator=4),
    st.integers(1, 2),
    st.booleans(),
    st.booleans(),
)
def test_the_checker_accepts_what_is_found(
    problem: Problem, width: int, labelled: bool, above: bool
) -> None:
    level = None
    if above:
        level = analyse(problem, width).minimum + sum((v * v for v in problem.y), Fraction()) / 30
    analysis = analyse(problem, width, level=level, labelled=labelled)
    verdict = check(certify(analysis), problem)
    assert f"has {len(analysis.components)} component" in verdict.statement
    first, last = (analysis.components[k].representative for k in (0, -1))
    barrier = barrier_between(problem, first, last, labelled=labelled)
    assert barrier.value == analysis.barriers[0][len(analysis.components) - 1]
    assert check(certify(barrier), problem).statement.endswith(f" is {barrier.value}")


def networks(d: int, width: int) -> st.SearchStrategy[Network]:
    entry = st.integers(-2, 2)
    row = st.lists(entry, min_size=width, max_size=width)
    return st.builds(Network, W=st.lists(row, min_size=d, max_size=d), a=row)


@given(st.data(), problems(activations=ACTIVATIONS), st.integers(1, 2), st.booleans())
def test_barrier_between_any_networks(
    data: st.DataObject, problem: Problem, width: int, labelled: bool
) -> None:
    first = data.draw(networks(problem.d, width))
    second = data.draw(networks(problem.d, width))
    barrier = barrier_between(problem, first, second, labelled=labelled)
    check(certify(barrier), problem)
    assert barrier.losses == (first.loss(problem), second.loss(problem))
    assert max(barrier.losses) <= barrier.value == highest(problem, barrier.path)
    assert (barrier.cut is None) == (barrier.value == max(barrier.losses))
    back = barrier_between(problem, second, first, labelled=labelled)
    assert back.value == barrier.value
    # Everything joins at the zero network at the latest.
    assert barrier.value <= max(*barrier.losses, sum(v * v for v in problem.y) / 2)


def test_a_network_and_its_permutation() -> None:
    problem = example("flagship")
    network = analyse(problem, 2).components[0].representative
    turned = network.permuted([1, 0])
    assert barrier_between(problem, network, turned).value == 0
    assert barrier_between(problem, network, turned, labelled=True).value == 2


# Degenerate data.


@pytest.mark.parametrize("labelled", [False, True])
@pytest.mark.parametrize(
    ("X", "y", "minimum"),
    [
        ([[0, 0], [0, 0]], [1, 2], Fraction(5, 2)),
        ([[0]], [0], Fraction()),
        ([[1, 2], [3, 4]], [0, 0], Fraction()),
        ([[2]], [-3], Fraction()),
        ([[1], [-1]], [1, 1], Fraction()),
        ([[1], [2]], [1, 1], Fraction(1, 10)),
        ([[1, 1], [1, 1], [-2, -2]], [1, 2, 1], Fraction(1, 4)),
        ([[0, 0], [1, 0]], [1, 1], HALF),
    ],
    ids=str,
)
def test_degenerate(X: list[list[int]], y: list[int], minimum: Fraction, labelled: bool) -> None:
    problem = Problem(X=X, y=y)
    analysis = analyse(problem, 2, labelled=labelled)
    assert analysis.minimum == minimum
    check(certify(analysis), problem)


def test_y_zero_is_connected_at_every_width() -> None:
    problem = Problem(X=[[1, 2], [3, -1], [0, 1]], y=[0, 0, 0])
    assert [len(analyse(problem, m, labelled=True).components) for m in (1, 2)] == [1, 1]


# Refusals and interrupts.


def test_level_below_the_minimum() -> None:
    with pytest.raises(InputError, match=r"level: 1/3 is below the minimum, which is 1/2"):
        analyse(Problem(X=[[1, 0], [0, 1]], y=[2, -1]), 1, level=Fraction(1, 3))


def test_too_many_cells() -> None:
    with pytest.raises(BudgetError, match=r"cells \(16 states, width 2\): 136 needed") as caught:
        analyse(example("flagship"), 2, max_cells=100)
    assert (caught.value.needed, caught.value.limit, caught.value.option) == (136, 100, "max_cells")
    assert len(analyse(example("flagship"), 2, max_cells=136).components) == 2


def test_what_is_out_of_reach_is_refused_before_the_cones_are_listed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def listed(*args: object, **options: object) -> None:
        raise AssertionError("the cones were listed")

    monkeypatch.setattr(cells, "arrangement", listed)
    parabola = Problem(X=[[1, k, k * k, k**3] for k in range(20)], y=range(20))
    # In general position 2 (1 + 19 + 171 + 969) = 2320 cones.
    with pytest.raises(BudgetError, match=r"cells \(4640 states, width 3\)") as caught:
        analyse(parabola, 3)
    assert caught.value.needed == 4640 * 4641 * 4642 // 6
    assert "out of reach: take a smaller width, or fewer rows" in str(caught.value)
    assert "max_cells" not in str(caught.value)
    larger = Problem(X=[[1, k, k * k, k**3] for k in range(60)], y=range(60))
    with pytest.raises(BudgetError, match=r"cells \(at least \d+ states, width 3\)") as caught:
        analyse(larger, 3)
    assert 10**10 < caught.value.needed < comb(4 * (1 + 59 + 1711 + 32509) + 2, 3)


@pytest.mark.parametrize("width", [0, -1, True, "2"])
def test_wrong_width(width: object) -> None:
    with pytest.raises(InputError, match="^width: "):
        analyse(example("flagship"), width)  # type: ignore[arg-type]


def test_network_of_another_shape() -> None:
    problem = example("flagship")
    with pytest.raises(InputError, match="^W: has 1 rows, but the data have 2 features"):
        barrier_between(problem, *[Network(W=[[1, 2]], a=[1, 1])] * 2)
    ends = Network(W=[[1], [1]], a=[1]), Network(W=[[1, 0], [1, 0]], a=[1, 1])
    with pytest.raises(InputError, match="^a: has 2 entries, but the width is 1"):
        barrier_between(problem, *ends)


@pytest.fixture(scope="module")
def whole() -> Analysis:
    """The landscape of which interrupted searches find a part."""
    problem, _ = planted(6, 2, 3, seed=3)
    return analyse(problem, 3)


@pytest.mark.parametrize("after", range(0, 120, 8))
def test_interrupt_leaves_proved_bounds(whole: Analysis, after: int) -> None:
    calls = 0

    def stop(stage: str, count: int) -> None:
        nonlocal calls
        calls += stage.startswith("looking for the passes")
        if calls > after:
            raise Interrupted

    partial = analyse(whole.problem, 3, progress=stop)
    for i, row in enumerate(partial.barriers):
        for j, value in enumerate(row):
            assert value in (None, whole.barriers[i][j])
            assert partial.lower_bounds[i][j] <= whole.barriers[i][j]
    undecided = any(value is None for row in partial.barriers for value in row)
    assert undecided != partial.complete
    if undecided:
        with pytest.raises(ValueError, match="interrupted"):
            certify(partial)


@pytest.mark.parametrize("after", range(0, 200, 16))
def test_an_interrupt_between_two_callbacks(
    monkeypatch: pytest.MonkeyPatch, whole: Analysis, after: int
) -> None:
    """Faces that were not looked at count for none: no bound is too high."""
    expanding, looked_at = Flood._push_faces, CellComplex.face_minimum
    left = iter(range(after))
    inside = False

    last = None

    def push_faces(flood: Flood, fragment: Fragment, cell: Cell) -> None:
        nonlocal inside, last
        inside, last = True, cell
        expanding(flood, fragment, cell)
        inside = False

    def face_minimum(*arguments: Any) -> Minimum:
        nonlocal inside
        if inside and next(left, None) is None:
            inside = False
            raise Interrupted
        return looked_at(*arguments)

    monkeypatch.setattr(Flood, "_push_faces", push_faces)
    monkeypatch.setattr(CellComplex, "face_minimum", face_minimum)
    partial = analyse(whole.problem, 3)
    assert not partial.complete
    assert last is not None
    assert partial.flood.floor(last) is None
    for i, row in enumerate(partial.barriers):
        for j, value in enumerate(row):
            assert value in (None, whole.barriers[i][j])
            assert partial.lower_bounds[i][j] <= whole.barriers[i][j]


@pytest.mark.parametrize("at", ["_extend", "_join", "_merge"])
def test_an_interrupt_while_fragments_are_joined(monkeypatch: pytest.MonkeyPatch, at: str) -> None:
    """Then nothing is said of the passes."""
    problem = example("flagship")
    ends = [component.representative for component in analyse(problem, 2).components]
    joining = getattr(Flood, at)

    def stop(flood: Flood, *arguments: Any) -> None:
        joining(flood, *arguments)
        if flood.torn:  # not where it starts
            raise Interrupted

    monkeypatch.setattr(Flood, at, stop)
    with pytest.raises(Interrupted, match="^interrupted"):
        analyse(problem, 2)
    with pytest.raises(Interrupted, match="the barrier is at least 0$"):
        barrier_between(problem, *ends)


def test_interrupted_barrier_between() -> None:
    problem = example("flagship")
    ends = [component.representative for component in analyse(problem, 2).components]

    def stop(stage: str, count: int) -> None:
        if count > 2:
            raise Interrupted

    with pytest.raises(Interrupted, match="the barrier is at least "):
        barrier_between(problem, *ends, progress=stop)


@pytest.mark.parametrize(
    ("ball", "message"),
    [
        ("muon", "^within: is 'muon', but must be such as Ball"),
        (("muon", 2), "^within: is \\('muon', 2\\), but must be such as Ball"),
        (Penalty(1), "^within: is Penalty\\('1'\\), but must be such as Ball"),
    ],
)
def test_within_is_a_ball(ball: Any, message: str) -> None:
    problem = example("flagship")
    with pytest.raises(InputError, match=message):
        analyse(problem, 2, within=ball)
    network = Network(W=[[1, 0], [0, 1]], a=[1, 1])
    with pytest.raises(InputError, match=message):
        barrier_between(problem, network, network, within=ball)


def test_numbers_as_text_and_the_width_of_the_problem() -> None:
    problem = example("flagship")
    assert problem.width == 2
    found = analyse(problem, within=Ball("adamw", "23/10"), level="1/2")
    assert (found.width, found.within, found.level) == (2, Ball("adamw", "2.3"), Fraction(1, 2))
    with pytest.raises(InputError, match="^level: 0.5 is a float"):
        analyse(problem, 2, level=0.5)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="^width: the problem does not state one"):
        analyse(Problem(X=[[1]], y=[1]))


def test_a_landscape_shows_itself_in_a_line() -> None:
    assert repr(analyse(example("flagship"))) == (
        "<Analysis: n = 4, d = 2, width 2: 2 components of {loss <= 0}, least loss 0>"
    )
    assert ", adamw, rho = 3: " in repr(analyse(example("flagship"), within=Ball("adamw", 3)))


def test_the_first_problems_solved_without_a_float_guess_come_out_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With a guess from the first on, or never one: minima and barriers are exact either way."""
    problem = Problem(X=[[2, -1], [0, -2], [1, 2], [-2, -1], [1, 1]], y=[5, 2, 2, 2, -1])
    found = []
    for first in (0, 10**9):
        monkeypatch.setattr("theory.landscape.nnls._FIRST", first)
        landscape = analyse(problem, 2, labelled=True)
        ball = analyse(problem, 2, within=Ball("adamw", 2))
        found.append([(a.minimum, a.barriers, a.lower_bounds) for a in (landscape, ball)])
    assert found[0] == found[1]
