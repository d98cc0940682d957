"""The interior-point method for balls of muon: against CVXPY, closed forms and invariances."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from theory.activation import RELU
from theory.errors import SolverFailure
from theory.gauges import gauge_of
from theory.geometry import geometry
from theory.losses import Huber, Logistic, Loss, Squared
from theory.programs import spectral
from theory.programs.blocks import Patterns, distinct
from theory.programs.columns import ColumnGeneration
from theory.programs.program import BlockProgram
from theory.programs.solve import family_of
from theory.programs.spectral import SpectralProgram, _Packing

MUON, MIXED = (family_of(gauge_of(geometry(name).ball)) for name in ("muon", "muon-adamw"))
LOSSES = (Squared(), Huber(Fraction(1, 2)), Logistic())
ACCURATE = 1e-8


def random_patterns(
    n: int, d: int, count: int, seed: int, *, whole: bool = False
) -> tuple[Patterns, Any]:
    """Patterns of random neurons, and targets; whole: data of few values, so that rows repeat."""
    random = np.random.default_rng(seed)
    X = random.standard_normal((n, d))
    if whole:
        X = random.integers(-1, 2, (n, d)).astype(float)
    y = np.maximum(X @ random.standard_normal((d, 3)), 0) @ [1.0, -1.0, 1.0]
    y = (y + 0.3 * random.standard_normal(n)).round(3)
    return Patterns(X, RELU, distinct(random.standard_normal((count, d)) @ X.T > 0)), y


def value(patterns: Patterns, y: Any, loss: Loss, u: Any, blocks: Any) -> float:
    return loss.at((u @ patterns.X.T * patterns.masks(blocks)).sum(axis=0), y)


def require_in_cones(patterns: Patterns, blocks: Any, u: Any) -> None:
    """Up to rounding."""
    outputs = (u @ patterns.X.T) * patterns.sides(blocks)
    assert outputs.min() >= -1e-7 * max(1.0, np.abs(u).max())


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.name)
@pytest.mark.parametrize("counted", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_it_finds_what_cvxpy_finds(loss: Loss, counted: bool, seed: int) -> None:
    patterns, y = random_patterns(12, 3, 6, seed, whole=seed == 3)
    if loss.name == "logistic":
        y = np.where(y > 0, 1.0, -1.0)
    blocks = np.arange(patterns.count)
    counts = 1.0 + blocks % 3 if counted else None
    radius = (0.3, 0.8, 2.0, 0.8)[seed]
    found = SpectralProgram(patterns, blocks, y, loss, counts=counts).solve(radius, ACCURATE)
    family = MIXED if counted else MUON
    expected = BlockProgram(patterns, blocks, y, family, loss, counts=counts).solve(radius)
    zero = loss.at(np.zeros(len(y)), y)
    ours, theirs = (value(patterns, y, loss, each.u, blocks) for each in (found, expected))
    assert ours == pytest.approx(theirs, abs=1e-6 * zero)
    require_in_cones(patterns, blocks, found.u)
    if counted:
        assert np.linalg.norm(found.u.T / np.sqrt(counts), 2) <= radius * (1 + 1e-7)
    fit = (found.u @ patterns.X.T * patterns.masks(blocks)).sum(axis=0)
    assert found.lam == pytest.approx(-loss.gradient(fit, y))


@pytest.mark.parametrize("radius", [0.1, 1.0])
def test_one_data_point_is_fitted_as_far_as_the_ball_reaches(radius: float) -> None:
    X = np.array([[3.0, 4.0]])
    patterns = Patterns(X, RELU, np.array([[True], [False]]))
    found = SpectralProgram(patterns, np.arange(4), np.array([2.0]), Squared()).solve(radius, 1e-9)
    least = max(0.0, 2.0 - 5.0 * radius) ** 2 / 2
    assert value(patterns, np.array([2.0]), Squared(), found.u, np.arange(4)) == pytest.approx(
        least, abs=1e-6
    )


@pytest.mark.parametrize("radius", [0.5, 1.5])
def test_on_a_line_two_points_share_the_ball(radius: float) -> None:
    """The 2-summing norm of numbers is the sum of their sizes, so each point gets half of it."""
    patterns = Patterns(np.array([[1.0], [-1.0]]), RELU, np.array([[True, False], [False, True]]))
    y = np.ones(2)
    found = SpectralProgram(patterns, np.arange(4), y, Squared()).solve(radius, 1e-9)
    least = (1 - radius / 2) ** 2
    assert value(patterns, y, Squared(), found.u, np.arange(4)) == pytest.approx(least, rel=1e-7)


@pytest.mark.parametrize("seed", [0, 1])
def test_turning_the_data_turns_the_solution(seed: int) -> None:
    patterns, y = random_patterns(20, 4, 8, seed)
    Q, _ = np.linalg.qr(np.random.default_rng(seed).standard_normal((4, 4)))
    turned = Patterns(patterns.X @ Q, RELU, patterns.active)
    blocks = np.arange(patterns.count)
    one, other = (
        SpectralProgram(each, blocks, y, Squared()).solve(0.5, ACCURATE)
        for each in (patterns, turned)
    )
    assert other.u == pytest.approx(one.u @ Q, abs=1e-4)
    assert one.metric is not None
    assert other.metric is not None
    assert other.metric == pytest.approx(Q.T @ one.metric @ Q, abs=1e-4)
    values = [value(p, y, Squared(), s.u, blocks) for p, s in ((patterns, one), (turned, other))]
    assert values[0] == pytest.approx(values[1], rel=1e-7)


def test_zero_rows_change_nothing() -> None:
    patterns, y = random_patterns(12, 3, 6, 5)
    blocks = np.arange(patterns.count)
    X = np.vstack([patterns.X, np.zeros((2, 3))])
    active = np.pad(patterns.active, ((0, 0), (0, 2)))
    more = Patterns(X, RELU, active)
    one = SpectralProgram(patterns, blocks, y, Squared()).solve(0.5, ACCURATE)
    other = SpectralProgram(more, blocks, np.append(y, [0.0, 0.0]), Squared()).solve(0.5, ACCURATE)
    assert other.u == pytest.approx(one.u, abs=1e-4)


def test_cones_without_interior_are_no_obstacle() -> None:
    """Rows x and -x, both active: only u orthogonal to x is in the cone."""
    X = np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0]])
    y = np.array([1.0, 1.0, 1.0])
    patterns = Patterns(X, RELU, np.array([[True, True, True]]))
    found = SpectralProgram(patterns, np.arange(2), y, Squared()).solve(0.5, 1e-7)
    assert found.u[0] == pytest.approx([0.0, 0.5], abs=1e-4)


@pytest.mark.parametrize("y", [[0.0, 0.0, 0.0], [1.0, -2.0, 1.0]])
def test_zero_weights_where_nothing_can_be_gained(y: list[float]) -> None:
    """Targets of zero, or data of zero."""
    X = np.eye(3) if not any(y) else np.zeros((3, 3))
    patterns = Patterns(X, RELU, np.array([[True, False, True]]))
    found = SpectralProgram(patterns, np.arange(2), np.array(y), Squared()).solve(1.0, 1e-8)
    assert not found.u.any()
    assert found.lam.tolist() == y


@pytest.mark.parametrize("family", [MUON, MIXED])
def test_the_price_of_its_dual_point_closes_the_gap(family: Any) -> None:
    patterns, y = random_patterns(40, 4, 150, 2)
    found = ColumnGeneration(patterns, y, family, tolerance=1e-7).solve(0.7)
    assert len(found.blocks) < patterns.count  # a master over some of the blocks
    assert 0 <= found.gap <= 1e-7 * found.value


def test_a_path_of_radii_is_monotone_and_starts_afresh() -> None:
    patterns, y = random_patterns(30, 3, 60, 4)
    columns = ColumnGeneration(patterns, y, MUON, tolerance=1e-6)
    values = [columns.solve(radius).value for radius in (0.2, 0.4, 0.8, 0.4)]
    assert values[0] > values[1] > values[2]
    assert values[3] == pytest.approx(values[1], rel=1e-5)


def test_a_method_that_breaks_down_says_so_and_cvxpy_takes_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    patterns, y = random_patterns(12, 3, 6, 0)
    expected = ColumnGeneration(patterns, y, MUON).solve(0.5)
    monkeypatch.setattr(spectral, "_ROUNDS", 2)
    with pytest.raises(
        SolverFailure, match=r"interior-point method: a relative gap of \S+ is left"
    ):
        SpectralProgram(patterns, np.arange(patterns.count), y, Squared()).solve(0.5, 1e-8)
    found = ColumnGeneration(patterns, y, MUON).solve(0.5)
    assert found.value == pytest.approx(expected.value, rel=1e-6)


def test_packed_products_are_those_of_matrices() -> None:
    random = np.random.default_rng(0)
    packing = _Packing(4)
    A = random.standard_normal((3, 4, 4))
    A = A @ A.transpose(0, 2, 1)
    S = random.standard_normal((4, 4))
    S = S + S.T
    assert packing.unpack(packing.pack(S)) == pytest.approx(S)
    assert packing.pack(S) @ packing.pack(S) == pytest.approx((S * S).sum())
    products = packing.products(A) @ packing.pack(S)
    assert packing.unpack(products) == pytest.approx(sum(a @ S @ a for a in A))
