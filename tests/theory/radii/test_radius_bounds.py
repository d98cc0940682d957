"""The radii: known answers, proofs checked again by other means, invariances, degenerate data."""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import cache
from itertools import combinations, pairwise

import mpmath
import numpy as np
import pytest
import sympy
from flint import fmpq, fmpq_mat
from hypothesis import given
from hypothesis import strategies as st
from problems import planted
from profiles import part

import theory.gauges
import theory.radii.least_gauge
from theory.errors import InputError, Interrupted
from theory.gauges import gauge_of, has_gauge
from theory.geometry import LionK, MixedNorm, SchattenNorm, VectorNorm, geometry, names
from theory.landscape import Analysis, analyse
from theory.landscape.cells import Cell
from theory.loading import example
from theory.network import Network
from theory.problem import Problem
from theory.radii import OPTIMIZERS, DualPoint, Radii, Radius, least_radii
from theory.radii.fibre import Fibre
from theory.radii.fits import Fits
from theory.strategies import component_networks, planted_problems, problems
from theory.within import Ball

EXACT = ("adamw", "lion", "signsgd")
CONIC = ("colnorm", "muon-adamw", "colnorm-ngd", "muon", "ngd")  # unchanged by orthogonal maps
DIFFERENT = ("adamw", *CONIC, "adamw-ngd")

WIDTH = 1e-6  # what is promised, relative
FLOAT = 1e-9  # of the float gauges that proofs are compared with

# Many optimizers' conic programs in every example, of two problems in most.
fewer = part(3)


def only(problem: Problem, width: int, *optimizers: str) -> Mapping[str, Radius]:
    """The radii of the only component."""
    found = least_radii(analyse(problem, width), optimizers)
    assert len(found.components) == 1
    return found.components[0]


def matrix(values: Sequence[Sequence[Fraction]]) -> np.ndarray:
    return np.array(values, dtype=object)


# The proofs, checked by means other than those that found them.


def columns(analysis: Analysis, cell: Cell, point: DualPoint) -> np.ndarray:
    """w_j = s_j X^T D_j lam + X^T (2 D_j - I) mu_j as proofs_notes/radii.md has it, (m, d)."""
    X = [[integer_if_it_is(v) for v in row] for row in analysis.problem.X]
    result = []
    for state, mu in zip(cell, point.mu, strict=True):
        assert min(mu) >= 0
        sign = -1 if state % 2 else 1
        on = [int(v > 0) for v in analysis.complex.arrangement.signs[state // 2]]
        factors = [
            sign * d * v + (2 * d - 1) * w for d, v, w in zip(on, point.lam, mu, strict=True)
        ]
        result.append(np.array(factors, dtype=object) @ np.array(X, dtype=object))
    return np.array(result)


def integer_if_it_is(value: Fraction) -> Fraction | int:
    """Products of integers are much faster than those of fractions."""
    return value.numerator if value.denominator == 1 else value


@cache
def inverted(Z: tuple[tuple[int, ...], ...]) -> tuple[np.ndarray, int, int]:
    """Adjugate, determinant and trace of a metric, once for all cells that share it."""
    metric = sympy.Matrix(Z)
    assert metric == metric.T
    assert metric.is_positive_definite
    adjugate = np.array([[int(v) for v in row] for row in metric.adjugate().tolist()], dtype=object)
    return adjugate, int(metric.det()), int(metric.trace())


def dual_norm_at_most(
    name: str, W: np.ndarray, Z: tuple[tuple[int, ...], ...] | None, bound: Fraction
) -> bool:
    """Whether the dual norm of the columns W (m, d) is at most `bound`, in exact arithmetic."""
    squares = [sum(v * v for v in w) for w in W]
    if name in EXACT:
        return np.abs(W).sum() <= bound
    if name == "ngd":
        return max(squares) <= bound**2
    if name == "colnorm":
        with mpmath.workdps(60):
            roots = sum(
                mpmath.sqrt(mpmath.mpf(v.numerator) / v.denominator) for v in map(Fraction, squares)
            )
            return bool(roots <= mpmath.mpf(bound.numerator) / bound.denominator)
    if name == "adamw-ngd":
        return sum(np.abs(w).sum() ** 2 for w in W) <= bound**2
    if name in ("colnorm-ngd", "ngd-adamw"):
        return sum(squares) <= bound**2
    assert Z is not None
    adjugate, determinant, trace = inverted(Z)
    quadratics = [w @ adjugate @ w for w in W]
    total = max(quadratics) if name == "muon" else sum(quadratics)
    return bool(Fraction(total) * trace <= bound**2 * determinant)


def recheck(found: Radii) -> None:
    """Everything that a `Radii` claims."""
    analysis = found.analysis
    problem = analysis.problem
    for component, known in zip(analysis.components, found.components, strict=True):
        fit = component.representative.fit(problem)
        assert set(known) == set(found.optimizers)
        for name, radius in known.items():
            assert radius.lower <= radius.upper
            # The witness lies in the component, and in the ball of radius `upper`.
            network = radius.witness
            assert network.loss(problem) == analysis.level
            cell = analysis.complex.canonical(analysis.complex.cell_of(network))
            assert cell in component.cells or not any(fit)
            ball = geometry(name).ball
            W, a = np.array(network.W, dtype=float), np.array(network.a, dtype=float)
            size = ball.hidden.value(W) * ball.output.value(a)
            assert size <= float(radius.upper) * (1 + 1e-14)
            # A dual point for every cell.
            if radius.lower == 0:
                assert not any(fit)
                continue
            assert set(radius.proof) == set(component.cells)
            for cell, point in radius.proof.items():
                assert radius.lower <= point.bound
                height = sum((p * f for p, f in zip(point.lam, fit, strict=True)), Fraction())
                assert point.height == height  # of the one fit
                W = columns(analysis, cell, point)
                assert dual_norm_at_most(name, W, point.Z, height / radius.lower)


def relative_width(radius: Radius) -> float:
    return float((radius.upper - radius.lower) / radius.upper) if radius.upper else 0.0


@pytest.mark.parametrize("name", ["flagship", "opposite-preference", "two-points", "non-monotone"])
def test_proofs_of_the_examples(name: str) -> None:
    problem = example(name)
    assert problem.width is not None
    found = least_radii(analyse(problem, problem.width))
    recheck(found)
    for known in found.components:
        assert all(known[optimizer].lower == known[optimizer].upper for optimizer in EXACT)
        assert all(0 < relative_width(known[optimizer]) <= WIDTH for optimizer in CONIC)


@fewer
@given(problems(max_denominator=4), st.integers(1, 2))
def test_proofs(problem: Problem, width: int) -> None:
    found = least_radii(analyse(problem, width), DIFFERENT)
    recheck(found)
    for known in found.components:
        assert known["adamw"].lower == known["adamw"].upper
        assert all(relative_width(radius) <= WIDTH for radius in known.values())


@pytest.mark.parametrize(("n", "d", "m", "seed"), [(5, 3, 2, 3), (6, 2, 3, 1), (4, 3, 3, 5)])
def test_proofs_of_larger_problems(n: int, d: int, m: int, seed: int) -> None:
    problem, _ = planted(n, d, m, seed)
    found = least_radii(analyse(problem, m), DIFFERENT)
    recheck(found)
    for known in found.components:
        assert all(relative_width(radius) <= WIDTH for radius in known.values())


@fewer
@given(problems(), st.integers(1, 2), st.data())
def test_no_network_of_the_component_is_smaller(
    problem: Problem, width: int, data: st.DataObject
) -> None:
    analysis = analyse(problem, width)
    found = least_radii(analysis, DIFFERENT)
    for _ in range(3):
        component, network = data.draw(component_networks(analysis))
        U = np.array([u for _, u in network.convex_coordinates()], dtype=float).T
        for name, radius in found.components[component].items():
            assert geometry(name).gauge(U).upper >= float(radius.lower) * (1 - FLOAT)


@fewer
@given(problems(), st.integers(1, 2), st.integers(0, 2**32 - 1))
def test_weak_duality_at_random_networks(problem: Problem, width: int, seed: int) -> None:
    """lam.f(u) <= gauge(u) h on the whole cell, so networks in a smaller ball have another fit."""
    generator = np.random.default_rng(seed)
    analysis = analyse(problem, width)
    found = least_radii(analysis, DIFFERENT)
    arrangement = analysis.complex.arrangement
    kernel = [np.array(w, dtype=float)[:, 0] for w in sympy.Matrix(problem.X).nullspace()]
    for component, known in zip(analysis.components, found.components, strict=True):
        fit = np.array(component.representative.fit(problem), dtype=float)
        for name, radius in known.items():
            for cell, point in radius.proof.items():
                U = np.zeros((problem.d, width))
                for j, state in enumerate(cell):
                    rays = arrangement.rays[arrangement.cone_rays(state // 2)].astype(float)
                    U[:, j] = generator.exponential(size=len(rays)) @ rays
                    for direction in kernel:
                        U[:, j] += generator.normal() * direction
                signs = [1 - 2 * (state % 2) for state in cell]
                f = np.maximum(np.array(problem.X, dtype=float) @ U, 0) @ signs
                lam = np.array(point.lam, dtype=float)
                h = lam @ fit / float(point.bound)
                gauge = geometry(name).gauge(U).upper
                assert lam @ f <= gauge * h * (1 + FLOAT) + FLOAT * np.abs(lam).max()


# Known answers.


def test_flagship() -> None:
    """AdamW and Lion prefer one component, Muon the other."""
    found = least_radii(analyse(example("flagship"), 2))
    first, second = found.components
    assert found.complete
    for name in EXACT:
        assert (first[name].lower, second[name].lower) == (2, Fraction(12, 5))
        assert found.preferred(name) == 0
    assert math.isclose(first["muon"].upper, 5, rel_tol=1e-8)
    assert math.isclose(second["muon"].upper, 3.0594117, rel_tol=1e-7)
    assert found.preferred("muon") == 1


def test_opposite_preference() -> None:
    found = least_radii(analyse(example("opposite-preference"), 2), ["adamw", "muon"])
    assert found.preferred("adamw") == 1
    assert found.preferred("muon") == 0
    assert [known["adamw"].upper for known in found.components] == [2, Fraction(5, 3)]


def test_one_neuron_on_the_identity() -> None:
    """X = I, y = (3, 4): u = (3, 4) alone has this fit."""
    known = only(Problem(X=[[1, 0], [0, 1]], y=[3, 4]), 1, *OPTIMIZERS)
    for name in EXACT:
        assert known[name].lower == known[name].upper == 4
    for name in CONIC:
        assert known[name].lower <= 5 <= known[name].upper


def test_one_point() -> None:
    """n = 1, one neuron with x . u = y: the least norm is |y| over the dual norm of x."""
    known = only(Problem(X=[[3, -4]], y=[-10]), 1, *DIFFERENT)
    assert known["adamw"].upper == Fraction(10, 7)
    for name in CONIC:
        assert known[name].lower <= 2 <= known[name].upper


def test_two_neurons_on_the_identity() -> None:
    """X = I, y = (3, -4): u_1 = (3, p), u_2 = (q, 4) with p, q <= 0, and 0 is best for both.

    By the change of sign of one row all gauges are those of diag(3, 4) at least; the 2-summing
    norm of orthogonal columns is the root of their squares' sum, by alpha proportional to these.
    """
    known = only(Problem(X=[[1, 0], [0, 1]], y=[3, -4]), 2, *DIFFERENT)
    expected = {"adamw": 4, "colnorm": 4, "muon-adamw": 4, "muon": 5, "ngd": 7}
    expected |= {"adamw-ngd": 5, "colnorm-ngd": 5}
    for name, value in expected.items():
        assert known[name].lower <= value <= known[name].upper


def test_above_zero_loss() -> None:
    """X = (1, 2), y = (1, 1): the least squares slope 3/5."""
    analysis = analyse(Problem(X=[[1], [2]], y=[1, 1]), 1)
    assert analysis.minimum == Fraction(1, 10)
    found = least_radii(analysis, DIFFERENT)
    assert found.components[0]["adamw"].upper == Fraction(3, 5)
    recheck(found)


# Exactness.


def least_vertex(fibre: Fibre, fit: Sequence[Fraction]) -> Fraction:
    """The least max |u_jk| over all vertices of {(u, t) : u in the fibre, |u_jk| <= t}."""
    X, m, d = fibre.problem.X, len(fibre.signs), fibre.problem.d
    size = m * d + 1
    equal: list[tuple[list[Fraction], Fraction]] = []
    atleast: list[list[Fraction]] = []
    for k, x in enumerate(X):
        row = [s * on[k] * v for s, on in zip(fibre.signs, fibre.active, strict=True) for v in x]
        equal.append(([*row, Fraction()], fit[k]))
        for j, on in enumerate(fibre.active):
            row = [Fraction()] * size
            row[j * d : (j + 1) * d] = [v if on[k] else -v for v in x]
            atleast.append(row)
    for i in range(m * d):
        for sign in (1, -1):
            atleast.append([*(Fraction(sign * (k == i)) for k in range(m * d)), Fraction(1)])

    def exact(rows: Sequence[Sequence[Fraction | int]], width: int) -> fmpq_mat:
        flat = [fmpq(Fraction(v).numerator, Fraction(v).denominator) for row in rows for v in row]
        return fmpq_mat(len(rows), width, flat)

    best = None
    rank = exact([row for row, _ in equal], size).rref()[1]
    for tight in combinations(atleast, size - rank):
        system = [[*row, value] for row, value in equal] + [[*row, Fraction()] for row in tight]
        reduced, full = exact(system, size + 1).rref()
        if full != size or any(reduced[i, i] != 1 for i in range(size)):
            continue
        vertex = [Fraction(int(v.p), int(v.q)) for v in (reduced[i, size] for i in range(size))]
        if all(sum(p * q for p, q in zip(row, vertex, strict=True)) >= 0 for row in atleast):
            best = vertex[-1] if best is None else min(best, vertex[-1])
    assert best is not None
    return best


@fewer
@given(problems(n=(1, 3), max_denominator=4))
def test_adamw_against_all_vertices_of_all_cells(problem: Problem) -> None:
    analysis = analyse(problem, 1)
    found = least_radii(analysis, ["adamw"])
    for component, known in zip(analysis.components, found.components, strict=True):
        fit = component.representative.fit(problem)
        fibres = [Fibre.of(analysis.complex, cell, Fits.only(fit)) for cell in component.cells]
        assert known["adamw"].upper == min(least_vertex(fibre, fit) for fibre in fibres)


@pytest.mark.parametrize("seed", range(3))
def test_adamw_against_all_vertices_with_two_neurons(seed: int) -> None:
    problem, _ = planted(2, 1, 2, seed, entries=3)
    analysis = analyse(problem, 2)
    found = least_radii(analysis, ["adamw"])
    for component, known in zip(analysis.components, found.components, strict=True):
        fit = component.representative.fit(problem)
        fibres = [Fibre.of(analysis.complex, cell, Fits.only(fit)) for cell in component.cells]
        assert known["adamw"].upper == min(least_vertex(fibre, fit) for fibre in fibres)


# Relations.


@fewer
@given(problems(max_denominator=4), st.integers(1, 2))
def test_larger_gauges_have_larger_radii(problem: Problem, width: int) -> None:
    """max |u_jk| <= max ||u_j|| <= ||U||_op <= ||U||_F <= 2-summing <= sum ||u_j||, the root of the
    sum of squares of largest entries is between the first and ||U||_F, and ||U||_F belongs to two
    balls. For one neuron all l2 lengths are equal, and so are both largest entries."""
    orders = (("adamw", *CONIC), ("adamw", "adamw-ngd", "ngd-adamw"))
    equal: list[tuple[str, ...]] = [("colnorm-ngd", "ngd-adamw")]
    equal += [CONIC, ("adamw", "adamw-ngd")] if width == 1 else []
    for known in least_radii(analyse(problem, width), [*DIFFERENT, "ngd-adamw"]).components:
        for less, more in (pair for order in orders for pair in pairwise(order)):
            assert known[less].lower <= known[more].upper
        for group in equal:
            assert max(known[n].lower for n in group) <= min(known[n].upper for n in group)


def same(first: Radii, second: Radii, factor: Fraction = Fraction(1)) -> None:
    """Equal radii, up to the factor, in some order of the components."""
    for name in first.optimizers:
        for left, right, scale in ((first, second, factor), (second, first, 1 / factor)):
            lower = sorted(known[name].lower * scale for known in left.components)
            upper = sorted(known[name].upper for known in right.components)
            assert all(low <= high for low, high in zip(lower, upper, strict=True))


@fewer
@given(problems(max_denominator=4), st.integers(1, 2), st.fractions(Fraction(1, 9), 9))
def test_scaling_y_scales_the_radii(problem: Problem, width: int, factor: Fraction) -> None:
    other = replace(problem, y=tuple(factor * v for v in problem.y))
    first, second = (least_radii(analyse(p, width), DIFFERENT) for p in (problem, other))
    same(first, second, factor)


@fewer
@given(problems(max_denominator=4), st.integers(1, 2), st.data())
def test_permuting_data_rows(problem: Problem, width: int, data: st.DataObject) -> None:
    order = data.draw(st.permutations(range(problem.n)))
    other = replace(
        problem, X=tuple(problem.X[k] for k in order), y=tuple(problem.y[k] for k in order)
    )
    same(
        least_radii(analyse(problem, width), DIFFERENT),
        least_radii(analyse(other, width), DIFFERENT),
    )


@fewer
@given(planted_problems(width=(1, 2), max_denominator=4), st.data())
def test_repeating_a_row(instance: tuple[Problem, Network], data: st.DataObject) -> None:
    """Where the fit is exact, to fit a point twice is no more than to fit it once."""
    problem, network = instance
    analysis = analyse(problem, network.width)
    assert analysis.minimum == 0
    k = data.draw(st.integers(0, problem.n - 1))
    other = Problem(X=(*problem.X, problem.X[k]), y=(*problem.y, problem.y[k]))
    same(least_radii(analysis, DIFFERENT), least_radii(analyse(other, network.width), DIFFERENT))


ROTATION = ((Fraction(3, 5), Fraction(-4, 5)), (Fraction(4, 5), Fraction(3, 5)))
REFLECTION = ((Fraction(5, 13), Fraction(12, 13)), (Fraction(12, 13), Fraction(-5, 13)))
SIGNED_PERMUTATION = ((Fraction(0), Fraction(-1)), (Fraction(1), Fraction(0)))


@fewer
@given(
    problems().filter(lambda problem: problem.d == 2),
    st.integers(1, 2),
    st.sampled_from([ROTATION, REFLECTION, SIGNED_PERMUTATION]),
)
def test_orthogonal_maps_of_the_input(
    problem: Problem, width: int, Q: tuple[tuple[Fraction, ...], ...]
) -> None:
    X = tuple(map(tuple, matrix(problem.X) @ matrix(Q)))
    names = DIFFERENT if Q == SIGNED_PERMUTATION else CONIC
    other = replace(problem, X=X)
    same(least_radii(analyse(problem, width), names), least_radii(analyse(other, width), names))


def test_rotations_do_change_adamw() -> None:
    problem = Problem(X=[[1, 0], [0, 1]], y=[3, 4])
    turned = Problem(X=tuple(map(tuple, matrix(problem.X) @ matrix(ROTATION))), y=problem.y)
    values = [only(p, 1, "adamw")["adamw"].upper for p in (problem, turned)]
    assert values == [4, 5]


def test_permuting_neurons() -> None:
    """Each component modulo permutation is two labelled ones, so nothing is preferred."""
    modulo = least_radii(analyse(example("flagship"), 2), ["adamw", "muon"])
    labelled = least_radii(analyse(example("flagship"), 2, labelled=True), ["adamw", "muon"])
    recheck(labelled)
    assert sorted(known["adamw"].upper for known in labelled.components) == [
        2,
        2,
        Fraction(12, 5),
        Fraction(12, 5),
    ]
    for known in labelled.components:
        overlapping = [
            known["muon"].lower <= other["muon"].upper
            and other["muon"].lower <= known["muon"].upper
            for other in modulo.components
        ]
        assert sum(overlapping) == 1
    assert labelled.preferred("adamw") is labelled.preferred("muon") is None


# Degenerate data.


def test_zero_targets() -> None:
    known = only(Problem(X=[[1, 2], [3, -1]], y=[0, 0]), 2, *OPTIMIZERS)
    assert all(radius.lower == radius.upper == 0 for radius in known.values())
    assert all(not any(radius.witness.a) for radius in known.values())


def test_no_neuron_can_help() -> None:
    known = only(Problem(X=[[0, 0], [0, 0]], y=[1, 2]), 2, *DIFFERENT)
    assert all(radius.upper == 0 for radius in known.values())


def test_the_null_space_lowers_the_norm() -> None:
    """x = (1, 1), y = 2: u = (1, 1) is smaller than the landscape's representative."""
    analysis = analyse(Problem(X=[[1, 1]], y=[2]), 1)
    assert analysis.components[0].representative.W == ((2,), (0,))
    known = least_radii(analysis, DIFFERENT).components[0]
    assert known["adamw"].upper == 1
    assert known["adamw"].witness.W == ((1,), (1,))
    for name in CONIC:
        assert known[name].lower ** 2 <= 2 <= known[name].upper ** 2


@pytest.mark.parametrize("power", [-200, 200])
def test_data_beyond_the_range_of_floats(power: int) -> None:
    factor = Fraction(10) ** (2 * power)
    problem = example("flagship")
    other = Problem(X=tuple(tuple(v / factor for v in row) for row in problem.X), y=problem.y)
    found = least_radii(analyse(other, 2), DIFFERENT)
    same(least_radii(analyse(problem, 2), DIFFERENT), found, factor)


def test_columns_of_different_sizes() -> None:
    """Unscaled, the conic solver stops at its iteration limit in some cells."""
    problem = Problem(
        X=[["1/10", "-1/5", -5000], ["-3/10", "1/5", -3000], [0, "2/5", 0]], y=[2, -8, -4]
    )
    known = only(problem, 3, "ngd", "colnorm")
    assert all(relative_width(radius) <= WIDTH for radius in known.values())


# When the conic solver fails, and refusals.


def test_without_a_conic_solver_the_bounds_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(theory.radii.least_gauge._Compiled, "solve", lambda *_: None)
    found = least_radii(analyse(example("flagship"), 2), DIFFERENT)
    recheck(found)
    assert all(relative_width(known["muon"]) < 1 for known in found.components)
    assert found.preferred("adamw") == 0


def test_preferences_that_the_bounds_leave_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(theory.radii.least_gauge._Compiled, "solve", lambda *_: None)
    assert (
        least_radii(analyse(example("opposite-preference"), 2), ["muon"]).preferred("muon") is None
    )


def test_level_above_the_minimum() -> None:
    analysis = analyse(example("flagship"), 2, level=Fraction(1, 2))
    with pytest.raises(
        InputError, match=r"level: 1/2 is above the least loss of component 0, which"
    ):
        least_radii(analysis)


def test_unknown_optimizer() -> None:
    analysis = analyse(example("flagship"), 2)
    with pytest.raises(InputError, match=r"'adam' is not one of adamw, lion, signsgd, muon, "):
        least_radii(analysis, ["adam"])
    with pytest.raises(InputError, match="sgd has no norm ball"):
        least_radii(analysis, ["sgd"])
    assert "sgd" not in OPTIMIZERS


def test_a_geometry_of_ones_own_beside_a_name() -> None:
    """Equal norms have equal radii, whatever they are called; no radius is asked about."""
    mine = LionK("mine", MixedNorm(math.inf, math.inf), VectorNorm(math.inf))
    analysis = analyse(example("flagship"), 2)
    found = least_radii(analysis, [mine, "adamw"])
    assert found.optimizers == ("mine", "adamw")
    assert all(each["mine"] == each["adamw"] for each in found.components)
    assert found.preferred(mine) == found.preferred("adamw") == 0
    with pytest.raises(
        InputError, match=r"^optimizer: is Ball\('muon', '2'\), but must be a name, such as 'muon'"
    ):
        least_radii(analysis, [Ball("muon", 2)])  # type: ignore[list-item]
    with pytest.raises(InputError, match="^optimizer: is 2, but must be a name"):
        Ball(2, "muon")  # type: ignore[arg-type]


def test_norms_without_a_gauge() -> None:
    odd = LionK("odd", MixedNorm(3, 3), VectorNorm(3))
    with pytest.raises(InputError, match="no exact radii are known"):
        theory.gauges.gauge_of(odd)


@pytest.mark.parametrize("calls", [0, 1, 4])
def test_interrupt(calls: int) -> None:
    count = 0

    def progress(stage: str, done: int) -> None:
        nonlocal count
        assert "radius of component" in stage
        count += 1
        if count > calls:
            raise Interrupted

    found = least_radii(analyse(example("flagship"), 2), DIFFERENT, progress=progress)
    assert not found.complete
    assert found.preferred("ngd") is None
    assert ("adamw" in found.components[0]) == (calls > 2)


def test_cvxpy_is_loaded_only_when_needed() -> None:
    code = "import sys, theory.radii; print('cvxpy' in sys.modules)"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout == "False\n"


def test_a_problem_is_no_landscape() -> None:
    with pytest.raises(InputError, match=r"^analysis: is a Problem; pass analyse"):
        least_radii(example("flagship"))  # type: ignore[arg-type]


def test_geometries_of_users_have_no_exact_gauge() -> None:
    ball = LionK("mine", SchattenNorm(4), VectorNorm(2))
    assert not has_gauge(ball)
    assert not has_gauge(geometry("sgd"))
    assert tuple(filter(lambda name: has_gauge(geometry(name)), names())) == OPTIMIZERS
    with pytest.raises(InputError, match="^optimizer: no exact radii are known for"):
        gauge_of(ball)


def test_a_geometry_registered_by_a_user_does_not_stop_the_others() -> None:
    code = (
        "from theory.geometry import LionK, SchattenNorm, VectorNorm, optimizers\n"
        "optimizers._GEOMETRIES['mine'] = LionK('mine', SchattenNorm(4), VectorNorm(2))\n"
        "from theory import Problem, analyse\nfrom theory.radii import least_radii\n"
        "print(*least_radii(analyse(Problem(X=[[1]], y=[0]), 1)).optimizers)"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.split() == list(OPTIMIZERS)
