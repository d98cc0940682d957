"""Regions of every loss that can be zero, with weights, output biases and linear parts."""

from __future__ import annotations

import copy
import re
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from scipy.optimize import linprog

from theory.certificates import certify
from theory.certificates.checker import CertificateInvalid, check
from theory.errors import InputError
from theory.landscape import analyse
from theory.loading import example
from theory.problem import Problem
from theory.radii import least_radii
from theory.regions import optimizer_regions

PAIR = ("adamw", "muon")
TWO = example("two-regions")
HINGES: dict[str, Any] = {"X": [[1, 1], [1, -1], [-1, 2]], "y": [1, -1, 1], "loss": "hinge"}


@pytest.mark.parametrize(
    ("data", "least"),
    [
        ({"X": [[1], [2]], "y": [1, 1], "loss": "hinge"}, "1"),
        ({"X": [[1], [2]], "y": [1, 1], "loss": "squared_hinge"}, "1"),
        ({"X": [[1], [2]], "y": [1, 2], "loss": "epsilon:1/2"}, "3/4"),
        ({"X": [[1], [2]], "y": [1, 3], "output_bias": True}, "2"),
        ({"X": [[1], [2]], "y": [1, 3], "output_bias": True, "loss": "absolute"}, "2"),
        ({"X": [[1], [-1]], "y": [3, -1], "skip": True}, "2"),
        ({"X": [[1], [-1]], "y": [1, 1], "output_bias": True}, "0"),
        ({"X": [[1], [-1]], "y": [1, -1], "loss": "hinge", "skip": True}, "0"),
    ],
    ids=["hinge", "squared hinge", "epsilon", "bias", "absolute", "skip", "bias alone", "c alone"],
)
def test_the_least_radius_of_one_neuron(data: dict[str, Any], least: str) -> None:
    """|u| as small as may be: u >= 1; 2 u >= 3/2; u = 2, b = -1; u = 2, c = 1; nothing. At width 1
    and d = 1 all balls are {|u| <= rho}, so that both regions meet there."""
    problem, rho = Problem(**data), Fraction(least)
    found = optimizer_regions(problem, PAIR, 1)
    assert (found.least(0).lower, found.least(0).upper) == (rho, rho)
    assert found.least(1).upper == pytest.approx(rho, rel=1e-6)
    if rho:
        meeting = found.at(rho * Fraction(101, 100), rho * Fraction(101, 100))
        assert meeting.phase == "overlap"
        assert check(certify(meeting), problem).kind == "regions"
        assert found.at(rho * Fraction(99, 100), rho).empty == ("adamw",)
    assert check(certify(found.frontier(3)), problem).kind == "regions"


@pytest.mark.parametrize("loss", ["squared", "absolute", "quantile:1/4", "huber:1/2"])
@pytest.mark.parametrize("weights", [None, [2, 3]])
def test_exact_fits_do_not_depend_on_the_loss(loss: str, weights: list[int] | None) -> None:
    """The radii of the claim: 1/2, root 2, and 5/3 at 3/5, exactly."""
    problem = Problem(TWO.X, TWO.y, loss=loss, weights=weights)
    found, plain = optimizer_regions(problem, PAIR, 2), optimizer_regions(TWO, PAIR, 2)
    assert found.least(0).upper == found.least(0).lower == plain.least(0).upper
    assert found.meet(Fraction(3, 5)).upper == found.meet(Fraction(3, 5)).lower == Fraction(5, 3)
    assert float(found.least(1).upper or 0) == pytest.approx(2**0.5, rel=1e-6)
    frontier = found.frontier(3)
    assert check(certify(frontier), problem).duals > 0


def test_margins_of_epsilon_shrink_regions_to_their_targets() -> None:
    """Zero losses within e of the targets (2, 1) ask for (2 - e, 1 - e) at least: with e = 1/4 the
    entries are 7/8 and 3/4 of those of exact fits, and never more than those."""
    exact = optimizer_regions(TWO, PAIR, 2)
    for margin in ("1/4", "1/1000"):
        found = optimizer_regions(Problem(TWO.X, TWO.y, loss=f"epsilon:{margin}"), PAIR, 2)
        least, before = found.least(0).upper, exact.least(0).upper
        assert least is not None
        assert before is not None
        assert before - Fraction(margin) <= least < before
    assert optimizer_regions(Problem(TWO.X, TWO.y, loss="epsilon:1/4"), PAIR, 2).least(
        0
    ).upper == Fraction(7, 16)


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("loss", ["hinge", "squared_hinge"])
def test_the_entries_of_hinges_are_those_of_linear_programs(loss: str, bias: bool) -> None:
    """The largest entry over all cells by HiGHS: min t, |u| <= t, y f >= 1, f with b."""
    problem = Problem(**{**HINGES, "loss": loss}, output_bias=bias)
    X, y = np.array(problem.X, dtype=float), np.array(problem.y, dtype=float)
    found = optimizer_regions(problem, PAIR, 2)
    best = np.inf
    arrangement = found.complex.arrangement
    sides = [
        np.where(row, 1.0, -1.0) for row in arrangement.active(range(arrangement.signs.shape[0]))
    ]
    states = [(sign, side) for side in sides for sign in (1, -1)]
    for first in states:
        for second in states:
            parts = [sign * (side > 0)[:, None] * X for sign, side in (first, second)]
            fit = np.hstack([*parts, np.full((3, 1), float(bias)), np.zeros((3, 1))])
            cones = np.zeros((6, 6))
            for j, (_, side) in enumerate((first, second)):
                cones[3 * j : 3 * j + 3, 2 * j : 2 * j + 2] = side[:, None] * X
            box = np.zeros((8, 6))
            box[:4, :4], box[4:, :4], box[:, 5] = np.eye(4), -np.eye(4), -1
            A = np.vstack([-y[:, None] * fit, -cones, box])
            b = np.concatenate([-np.ones(3), np.zeros(14)])
            solved = linprog([0] * 5 + [1], A_ub=A, b_ub=b, bounds=[(None, None)] * 6)
            if solved.status == 0:
                best = min(best, solved.fun)
    assert found.least(0).lower == found.least(0).upper
    assert float(found.least(0).upper or 0) == pytest.approx(best, rel=1e-8)


def test_weights_are_rows_that_are_repeated_above_the_least_loss() -> None:
    """Squared losses at a level, and at the least, where the fit is one."""
    heavy = Problem([[1], [2], [3]], [1, 3, 1], weights=[1, 2, 3])
    rows = [0, 1, 1, 2, 2, 2]
    repeated = Problem([heavy.X[k] for k in rows], [heavy.y[k] for k in rows])
    for level in (None, Fraction(5)):
        one, other = (optimizer_regions(each, PAIR, 1, level=level) for each in (heavy, repeated))
        assert one.level == other.level
        for which in (0, 1):
            mine, its = one.least(which), other.least(which)
            assert float(mine.upper or 0) == pytest.approx(float(its.upper or 0), rel=1e-6)
            assert float(mine.lower or 0) == pytest.approx(float(its.lower or 0), rel=1e-6)
        assert check(certify(one.frontier(3)), heavy).kind == "regions"


def test_an_output_bias_at_a_level() -> None:
    """y = (1, 3) with b: loss (2 - u)^2 / 4 at the best b, so 1/16 takes u = 3/2."""
    problem = Problem([[1], [2]], [1, 3], output_bias=True)
    found = optimizer_regions(problem, PAIR, 1, level=Fraction(1, 16))
    for which in (0, 1):
        assert float(found.least(which).upper or 0) == pytest.approx(1.5, rel=1e-6)
        assert float(found.least(which).lower or 0) == pytest.approx(1.5, rel=1e-6)
    assert check(certify(found.frontier(3)), problem).kind == "regions"


def test_at_every_large_width_regions_of_hinges_overlap_at_less() -> None:
    problem = Problem(**HINGES)
    narrow, large = optimizer_regions(problem, PAIR, 2), optimizer_regions(problem, PAIR, None)
    for which in (0, 1):
        assert (large.least(which).lower or 0) <= (narrow.least(which).upper or 0)
    rho = Fraction(2)
    assert large.at(rho, rho).phase == "overlap"
    assert check(certify(large.at(rho, rho)), problem).kind == "regions"


def test_order_and_scale() -> None:
    """Rows in another order: the same. Targets and margin times 3: radii too."""
    data = Problem(TWO.X, TWO.y, loss="epsilon:1/4")
    other = Problem(TWO.X[::-1], TWO.y[::-1], loss="epsilon:1/4")
    longer = Problem(TWO.X, [3 * v for v in TWO.y], loss="epsilon:3/4")
    least = optimizer_regions(data, PAIR, 2).least(0).upper
    assert optimizer_regions(other, PAIR, 2).least(0).upper == least
    assert optimizer_regions(longer, PAIR, 2).least(0).upper == 3 * (least or 0)


@pytest.mark.parametrize(
    ("loss", "least"),
    [
        *(("absolute", "1"), ("hinge", "1"), ("squared_hinge", "1"), ("huber:1/2", "1")),
        *(("quantile:1/4", "1"), ("epsilon:1/10", "9/10")),
    ],
)
def test_the_least_loss_may_be_positive(loss: str, least: str) -> None:
    """f = (u, 0) or (0, u) on targets (1, 1): the loss of one of them is left, and u is as before.
    Both components are reached at once; quadratic losses have intervals."""
    problem, rho = Problem([[1], [-1]], [1, 1], loss=loss), Fraction(least)
    found = optimizer_regions(problem, PAIR, 1)
    assert found.level > 0
    for which in (0, 1):
        mine = found.least(which)
        assert mine.upper == pytest.approx(rho, rel=1e-6)
        assert mine.lower == pytest.approx(rho, rel=1e-6)
    meeting = found.at(2 * rho, 2 * rho)
    assert (meeting.phase, meeting.reached) == ("overlap", ((0, 1), (0, 1), (0, 1)))
    assert check(certify(found.frontier(3)), problem).duals > 0


def test_between_two_medians_the_smallest_weight_counts() -> None:
    """|u - 1| + |u - 2| + |2 u - 3| + |2 u - 5| is least, 3, from u = 3/2 to 2."""
    problem = Problem([[1], [1], [2], [2]], [1, 2, 3, 5], loss="absolute")
    found = optimizer_regions(problem, PAIR, 1)
    assert found.level == 3
    assert found.least(0).lower == found.least(0).upper == Fraction(3, 2)
    meeting = found.at(Fraction(8, 5), Fraction(8, 5))
    assert meeting.witness is not None
    assert problem.loss_of(found.fit_of(meeting.witness)) == 3
    assert check(certify(found.frontier(3)), problem).kind == "regions"


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("loss", ["absolute", "epsilon:1/4", "huber:1/2", "hinge", "squared_hinge"])
def test_one_optimizer_alone_is_what_radii_are_of(loss: str, bias: bool) -> None:
    """Two ways: other duals, and other points; in both components and all balls."""
    X = [[1, 0], [-1, 2], [1, 1], [2, 1]]
    y = [1, 1, -1, 1] if "hinge" in loss else [2, 1, -1, 3]
    problem = Problem(X, y, loss=loss, weights=[1, 2, 1, 3], output_bias=bias)
    analysis = analyse(problem, 1)
    one = least_radii(analysis, list(PAIR))
    found = optimizer_regions(problem, PAIR, 1)
    assert found.level == analysis.minimum
    for which, name in enumerate(PAIR):
        mine = found.least(which)
        upper = min(component[name].upper for component in one.components)
        lower = min(component[name].lower for component in one.components)
        assert mine.lower is not None
        assert mine.upper is not None
        assert float(mine.lower) <= float(upper) * (1 + 1e-9)
        assert float(lower) <= float(mine.upper) * (1 + 1e-9)
        assert float(mine.upper) == pytest.approx(float(upper), rel=1e-5, abs=1e-9)
        assert float(mine.lower) == pytest.approx(float(lower), rel=1e-5, abs=1e-9)


@pytest.mark.parametrize(
    ("data", "level", "match"),
    [
        (Problem([[1], [-1]], [1, 1], loss="logistic"), None, "loss: regions are for losses that"),
        (Problem([[1], [-1]], [1, 1], loss="hinge"), 2, "level: 2 is above the least: regions of"),
        (Problem([[1], [-1]], [1, 1], loss="hinge"), 0, "level: 0 is below the least loss"),
    ],
    ids=["logistic", "above", "below"],
)
def test_what_is_refused(data: Problem, level: int | None, match: str) -> None:
    with pytest.raises(InputError, match=match):
        optimizer_regions(data, PAIR, 1, level=None if level is None else Fraction(level))


@pytest.fixture(scope="module")
def hinges() -> dict[str, Any]:
    return certify(optimizer_regions(Problem(**HINGES, output_bias=True), PAIR, 2).frontier(3))


def _signs(document: dict[str, Any]) -> None:
    for dual in document["duals"]:
        dual["lam"] = [str(-Fraction(v)) for v in dual["lam"]]


def _leaned(document: dict[str, Any]) -> None:
    lam = document["duals"][-1]["lam"]
    lam[0] = str(Fraction(lam[0]) * 2)


def _smaller(document: dict[str, Any]) -> None:
    point = next(point for point in document["points"] if "neurons" in point)
    point["b"] = str(Fraction(point["b"]) + 5)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (_signs, "fits of no loss have no end there"),
        (_leaned, "its entries do not add up to 0, but the output bias is free"),
        (_smaller, "is above the level 0"),
    ],
    ids=["signs", "not orthogonal", "another bias"],
)
def test_what_is_changed_is_seen(hinges: dict[str, Any], change: Any, reason: str) -> None:
    altered = copy.deepcopy(hinges)
    change(altered)
    with pytest.raises(CertificateInvalid, match=re.escape(reason)):
        check(altered)
