"""How two optimizers' regions meet: closed forms, planted networks, invariances, certificates."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import combinations, pairwise
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import example as on
from hypothesis import strategies as st
from problems import planted
from profiles import part

from theory import Network, Problem, certify, check, example
from theory.connectivity.solutions import Neuron, Point
from theory.errors import InputError, Interrupted, Undecided
from theory.geometry import LionK, MixedNorm, VectorNorm
from theory.radii import least_radii
from theory.regions import Regions, optimizer_regions
from theory.regions.balls import ball_of
from theory.regions.meeting import at_large_width
from theory.strategies import problems

PAIRS = tuple(combinations(("adamw", "muon", "muon-adamw", "ngd", "colnorm", "sgd"), 2))
PAIRS += (("adamw", "adamw-ngd"), ("adamw-ngd", "muon-adamw"), ("colnorm-ngd", "muon"))
PAIRS += (("colnorm-ngd", "ngd-adamw"), ("ngd-adamw", "sgd"), ("adamw-ngd", "colnorm-ngd"))
HALF_SHARED = ("muon-adamw", "adamw-ngd", "colnorm-ngd", "ngd-adamw")
NARROW = Fraction(1, 10**6)
few = part(4)


def narrow(found: Any) -> bool:
    """Known to a relative 1e-6, and no more than that."""
    return bool(found.lower <= found.upper <= found.lower * (1 + NARROW))


def fits(problem: Problem, point: Point) -> Fraction:
    """The loss of a point, from its definition."""
    fit = [
        sum(s * max(0, sum(x * v for x, v in zip(row, u, strict=True))) for s, _, u in point)
        for row in problem.X
    ]
    return sum(((f - y) ** 2 for f, y in zip(fit, problem.y, strict=True)), Fraction()) / 2


def point_of(network: Network) -> Point:
    return tuple(
        Neuron(sign or 1, a * a, u)
        for (sign, u), a in zip(network.convex_coordinates(), network.a, strict=True)
    )


def scaled(problem: Problem, rows: int | Fraction, outputs: int | Fraction) -> Problem:
    return Problem(
        X=[[rows * v for v in row] for row in problem.X], y=[outputs * v for v in problem.y]
    )


# Closed forms


@pytest.mark.parametrize("width", [1, 2, 3])
def test_the_exact_threshold(width: int) -> None:
    """For (1,1) -> 2, (1,0) -> 1: AdamW from 1/m, Muon from sqrt 2, together from 2 / (m rho)."""
    found = optimizer_regions(example("two-regions"), ("adamw", "muon"), width)
    assert found.least(0).lower == found.least(0).upper == Fraction(1, width)
    second = found.least(1)
    assert second.lower is not None
    assert second.upper is not None
    assert second.lower**2 <= 2 <= second.upper**2
    assert narrow(second)
    for rho in (Fraction(6, 5) / width, Fraction(9, 7) / width):
        assert narrow(found.meet(rho))
        assert found.meet(rho).upper == 2 / (width * rho)


def test_instances_of_theory() -> None:
    found = optimizer_regions(example("two-regions"), ("adamw", "muon"), 2)
    rho = Fraction(3, 5)
    assert found.meet(rho).lower == found.meet(rho).upper == Fraction(5, 3)
    assert found.at(rho, Fraction(3, 2)).phase == "disjoint"
    assert found.at(rho, Fraction(17, 10)).phase == "overlap"
    assert found.at(rho, Fraction(5, 3)).phase == "overlap"
    assert found.at(rho, Fraction(7, 5)).empty == ("muon",)
    assert found.at(Fraction(2, 5), Fraction(7, 5)).empty == ("adamw", "muon")
    found = optimizer_regions(example("split-by-adamw-2"), ("adamw", "muon"), 2)
    assert found.least(0).lower == found.least(0).upper == Fraction(14, 9)
    assert abs(found.least(1).upper - Fraction("2.86744")) < Fraction(1, 10**5)
    assert found.meet(Fraction(8, 5)).upper == Fraction(53, 18)
    assert narrow(found.least(1))
    assert narrow(found.meet(Fraction(8, 5)))


@pytest.mark.parametrize("pair", PAIRS)
@pytest.mark.parametrize("width", [1, 3])
def test_one_feature_and_one_datum(pair: tuple[str, str], width: int) -> None:
    """x = 1, y = 3: m neurons of room 3/m, or 3 in all, and nothing is in the way of both."""
    found = optimizer_regions(Problem(X=[[1]], y=[3]), pair, width)
    roomy = ("adamw", "colnorm")
    least = [Fraction(3, width) if name in roomy else Fraction(3) for name in pair]
    shared = [at for at in (0, 1) if pair[at] in HALF_SHARED]
    for at in shared:  # such as alpha <= rho each, sum u^2 / alpha <= rho: sum u <= rho sqrt(m)
        assert narrow(found.least(at))
        assert float(found.least(at).upper or 0) == pytest.approx(3 / width**0.5)
    if shared:
        return
    for which in (0, 1):
        assert narrow(found.least(which))
        assert abs(found.least(which).upper - least[which]) <= least[which] * NARROW
    joint = found.meet(least[0] * (1 + NARROW))
    assert abs(joint.upper - least[1]) <= least[1] * 3 * NARROW


# Coincidences


@few
@given(seed=st.integers(0, 10**6))
def test_one_neuron_sees_no_difference(seed: int) -> None:
    """At width 1 all balls of l2 lengths are one, so nothing is disjoint."""
    problem, _ = planted(2, 2, 1, seed, entries=3)
    pairs = (("colnorm", "ngd"), ("muon", "colnorm-ngd"), ("ngd-adamw", "muon-adamw"))
    for pair in (*pairs, ("adamw-ngd", "adamw")):
        found = optimizer_regions(problem, pair, 1)
        first, second = found.least(0), found.least(1)
        assert first.lower <= second.upper
        assert second.lower <= first.upper
        if first.upper:
            vertices = found.frontier(3).vertices
            assert len(vertices) <= 2
            assert all(abs(v.upper - first.upper) <= 9 * NARROW * first.upper for v in vertices)


@few
@given(seed=st.integers(0, 10**6), width=st.integers(1, 3))
def test_one_feature_sees_no_difference(seed: int, width: int) -> None:
    """At d = 1 Muon and NGD have one ball, and so do AdamW and column norms, also with NGD."""
    problem, _ = planted(3, 1, width, seed, entries=3)
    for pair in (("muon", "ngd"), ("adamw", "colnorm"), ("adamw-ngd", "colnorm-ngd")):
        found = optimizer_regions(problem, pair, width)
        first, second = found.least(0), found.least(1)
        assert first.lower <= second.upper
        assert second.lower <= first.upper


def test_the_same_ball_twice() -> None:
    frontier = optimizer_regions(example("flagship"), ("adamw", "lion"), 2).frontier()
    assert [vertex.fixed for vertex in frontier.vertices] == [(Fraction(2),)]
    assert narrow(frontier.vertices[0])
    assert abs(frontier.vertices[0].upper - 2) < NARROW


# Planted networks, other ways to the same number


@few
@given(pair=st.sampled_from(PAIRS), seed=st.integers(0, 10**6), width=st.integers(1, 3))
def test_planted_networks_are_seen(pair: tuple[str, str], width: int, seed: int) -> None:
    """No bound is above what a network needs that is known to fit; and all bounds have proofs."""
    problem, network = planted(2, 2, width, seed, entries=3)
    point = point_of(network)
    needs = [ball_of(name).needed(point) for name in pair]
    found = optimizer_regions(problem, pair, width)
    for which in (0, 1):
        assert found.least(which).lower <= needs[which]
    if all(needs):
        assert (found.meet(needs[0]).lower or Fraction()) <= needs[1]
        check(certify(found.at(needs[0] * 2, needs[1] * 2)), problem)
        assert found.at(needs[0] * 2, needs[1] * 2).phase == "overlap"
    frontier = found.frontier(2)
    check(certify(frontier), problem)


def test_geometries_of_ones_own() -> None:
    """At one width and at every large one; equal norms have equal radii."""
    mine = LionK("mine", MixedNorm(math.inf, math.inf), VectorNorm(math.inf))
    for width in (2, None):
        own, named = (
            optimizer_regions(example("flagship"), (first, "muon"), width)
            for first in (mine, "adamw")
        )
        assert own.optimizers == ("mine", "muon")
        assert (own.least(0).lower, own.least(0).upper) == (
            named.least(0).lower,
            named.least(0).upper,
        )
    assert at_large_width(own).balls == own.balls


@pytest.mark.parametrize("name", ["flagship", "split-by-adamw-2", "split-in-muon"])
def test_radii_of_one_optimizer_agree(name: str) -> None:
    """With the search that knows gauges and not weights."""
    problem = example(name)
    optimizers = (
        *("adamw", "muon", "muon-adamw", "ngd", "colnorm"),
        *("adamw-ngd", "colnorm-ngd", "ngd-adamw"),
    )
    from theory import analyse

    other = least_radii(analyse(problem, problem.width or 2), optimizers)
    for optimizer in optimizers:
        found = optimizer_regions(problem, (optimizer, "ngd"), problem.width).least(0)
        lower = min(component[optimizer].lower for component in other.components)
        upper = min(component[optimizer].upper for component in other.components)
        assert narrow(found)
        assert lower <= found.upper
        assert found.lower <= upper


@few
@given(problem=problems(n=(1, 3)), width=st.integers(1, 2), pair=st.sampled_from(PAIRS))
def test_witnesses_are_what_they_are_said_to_be(
    problem: Problem, width: int, pair: tuple[str, str]
) -> None:
    """Degenerate data among them: zero and parallel rows, y = 0, least losses above 0."""
    found = optimizer_regions(problem, pair, width)
    vertices = found.frontier(2).vertices
    for least in (found.least(0), found.least(1), *vertices):
        if least.witness is not None:
            assert len(least.witness) <= width
            assert fits(problem, least.witness) <= found.level
            radii = (*least.fixed, least.upper)
            pairs = zip(least.balls, radii, strict=True)
            assert all(ball.holds(least.witness, rho) for ball, rho in pairs)
    assert any(vertex.witness is not None for vertex in vertices)


# Invariances


@pytest.mark.parametrize("pair", [("adamw", "muon"), ("muon", "ngd"), ("muon-adamw", "colnorm")])
def test_scales_and_orders(pair: tuple[str, str]) -> None:
    """Radii grow with y and shrink with X; the order of data does not matter."""
    compared = 0

    @part(10)
    @given(seed=st.integers(0, 10**6), factor=st.sampled_from([Fraction(1, 3), Fraction(5)]))
    def agree(seed: int, factor: Fraction) -> None:
        nonlocal compared
        problem, network = planted(3, 2, 2, seed, entries=3)
        needs = ball_of(pair[0]).needed(point_of(network))
        assume(needs and any(problem.y))
        order = [2, 0, 1]
        permuted = Problem(X=[problem.X[k] for k in order], y=[problem.y[k] for k in order])
        expected = optimizer_regions(problem, pair, 2).meet(needs)
        cases = (
            (permuted, Fraction(1)),
            (scaled(problem, 1, factor), factor),
            (scaled(problem, factor, 1), 1 / factor),
        )
        for other, times in cases:
            found = optimizer_regions(other, pair, 2).meet(needs * times)
            assert found.lower <= expected.upper * times * (1 + NARROW)
            assert expected.lower * times <= found.upper * (1 + NARROW)
        compared += 1

    agree()
    assert compared >= 2


@part(6)
@given(seed=st.integers(0, 10**6))
@on(seed=510509)  # whose least ball has no inside that solvers find
def test_rotations_do_not_matter_to_muon_and_ngd(seed: int) -> None:
    problem, _ = planted(3, 2, 2, seed, entries=3)
    turn = ((Fraction(3, 5), Fraction(4, 5)), (Fraction(-4, 5), Fraction(3, 5)))
    turned = Problem(
        X=[
            [sum(x * q for x, q in zip(row, col, strict=True)) for col in turn] for row in problem.X
        ],
        y=problem.y,
    )
    expected = optimizer_regions(problem, ("muon", "ngd"), 2)
    found = optimizer_regions(turned, ("muon", "ngd"), 2)
    for first, second in zip(
        expected.frontier(3).vertices, found.frontier(3).vertices, strict=False
    ):
        # The least radius is from the outside, and where solvers fail there, from farther.
        assert abs(first.fixed[0] - second.fixed[0]) <= 30 * NARROW * first.fixed[0]


def test_negated_outputs() -> None:
    problem = example("flagship")
    negated = Problem(X=problem.X, y=[-v for v in problem.y])
    rho = Fraction(9, 4)
    first = optimizer_regions(problem, ("adamw", "muon"), 2).meet(rho)
    second = optimizer_regions(negated, ("adamw", "muon"), 2).meet(rho)
    assert first.lower <= second.upper
    assert second.lower <= first.upper


# Widths


def test_regions_merge_as_width_grows() -> None:
    problem, pair = example("flagship"), ("adamw", "muon")
    by_width = [optimizer_regions(problem, pair, width) for width in (2, 3, 4)]
    large = optimizer_regions(problem, pair, None)
    rho = Fraction(9, 4)
    needs = [found.meet(rho) for found in (*by_width, large)]
    for wide, wider in pairwise(needs):
        assert wider.lower <= wide.upper
    assert needs[1].upper < needs[0].lower
    assert needs[3].upper <= needs[2].lower * (1 + Fraction(1, 10))
    gam = large.least(1)
    assert narrow(gam)
    assert narrow(large.meet(rho))
    assert large.meet(rho).lower <= gam.upper
    assert gam.lower <= large.meet(rho).upper


@pytest.mark.parametrize("name", ["flagship", "two-regions", "split-by-adamw-2"])
@pytest.mark.parametrize("first", ["1/2", "2"])
def test_large_width(name: str, first: str) -> None:
    """Overlap if and only if Muon's ball holds the 2-summing radius; then from a width on."""
    problem, rho = example(name), Fraction(first)
    large = optimizer_regions(problem, ("adamw", "muon"), None)
    gam = large.least(1)
    above, below = gam.upper * (1 + NARROW), gam.lower * (1 - NARROW)
    meeting = large.at(rho, above)
    assert meeting.phase == "overlap"
    assert meeting.reached is None
    assert large.at(rho, below).empty == ("muon",)
    check(certify(meeting), problem)
    check(certify(large.at(rho, below)), problem)
    enough = large.enough(rho, above)
    q, states = problem.n + problem.d * (problem.d + 1) // 2, large.complex.states
    x = (problem.d + 1) * above / rho
    assert enough <= min(states, q - 1) - 1 - (-x // 1)
    wide = optimizer_regions(problem, ("adamw", "muon"), max(enough, 2), max_cells=10)
    assert not wide.exact
    assert wide.at(rho, above).phase == "overlap"
    if enough > 1:
        narrower = optimizer_regions(problem, ("adamw", "muon"), enough - 1, max_cells=1)
        with pytest.raises(Undecided, match=f"open at width {enough - 1}"):
            narrower.at(rho, above)
    with pytest.raises(InputError, match="do not overlap"):
        large.enough(rho, below)


@pytest.mark.parametrize("first", ["muon-adamw", "colnorm-ngd"])
def test_one_shared_layer_and_muon_at_large_width(first: str) -> None:
    """rho_B min(rho_A, rho_B) >= gam^2."""
    found = optimizer_regions(example("split-by-adamw-2"), (first, "muon"), None)
    gam = found.least(1).upper
    for vertex in found.frontier(4).vertices:
        rho = vertex.fixed[0]
        expected = max(gam, gam * gam / rho)
        assert narrow(vertex)
        assert abs(vertex.upper - expected) < 3 * NARROW * expected


def test_one_layer_each_at_large_width() -> None:
    """rho_A of the output layer and rho_B of the hidden one: rho_A rho_B >= gam^2, that of NGD."""
    problem = example("split-by-adamw-2")
    gam = optimizer_regions(problem, ("ngd", "adamw"), None).least(0).upper
    found = optimizer_regions(problem, ("adamw-ngd", "ngd-adamw"), None)
    assert found.least(0).upper == found.least(1).upper == 0
    for rho in (Fraction(1, 2), Fraction(3)):
        least = found.meet(rho)
        assert narrow(least)
        assert abs(least.upper * rho - gam * gam) < 3 * NARROW * gam * gam


@pytest.mark.parametrize(
    "pair", [("adamw", "muon-adamw"), ("adamw", "colnorm"), ("colnorm-ngd", "adamw")]
)
def test_no_ball_in_the_way_at_large_width(pair: tuple[str, str]) -> None:
    problem = example("flagship")
    large = optimizer_regions(problem, pair, None)
    tiny = Fraction(1, 5)
    meeting = large.at(tiny, tiny)
    assert meeting.phase == "overlap"
    assert fits(problem, meeting.witness) == 0
    check(certify(meeting), problem)


# Components, levels, degenerate data, errors


def test_components_that_both_reach() -> None:
    """AdamW prefers component 0 of the flagship and Muon 1; they meet in 1 first."""
    found = optimizer_regions(example("flagship"), ("adamw", "muon"), 2)
    assert found.at(Fraction(11, 5), Fraction(7, 2)).reached == ((0,), (1,), ())
    assert found.at(Fraction(5, 2), Fraction(7, 2)).reached == ((0, 1), (1,), (1,))
    assert found.at(Fraction(5, 2), Fraction(7)).reached == ((0, 1), (0, 1), (0, 1))
    assert found.at(Fraction(11, 5), Fraction(7)).reached == ((0,), (0, 1), (0,))
    assert found.at(Fraction(11, 5), Fraction(7, 2)).phase == "disjoint"


def test_a_higher_level_needs_less() -> None:
    problem, pair, rho = example("flagship"), ("adamw", "muon"), Fraction(2)
    levels = [None, Fraction(1, 100), Fraction(1, 2)]
    found = [optimizer_regions(problem, pair, 2, level=level) for level in levels]
    for lower, higher in pairwise(found):
        assert higher.meet(rho).upper < lower.meet(rho).lower
        assert narrow(higher.meet(rho))
        assert fits(problem, higher.meet(rho).witness) <= higher.level
    check(certify(found[1].at(rho, Fraction(3))), problem)


def test_a_least_loss_above_zero() -> None:
    """The best fit of 1 and 0 in one place is 1/2, of loss 1/4; in all balls it needs rho 1/2
    where one neuron is all that counts, and 1/4 where two share."""
    problem = Problem(X=[[1, 0], [1, 0]], y=[1, 0])
    found = optimizer_regions(problem, ("adamw", "muon"), 2)
    assert found.level == Fraction(1, 4)
    for which, rho in enumerate((Fraction(1, 4), Fraction(1, 2))):
        least = found.least(which)
        assert narrow(least)
        assert least.lower is not None
        assert least.upper is not None
        assert least.lower <= rho <= least.upper
    check(certify(found.frontier(3)), problem)


@pytest.mark.parametrize("pair", PAIRS)
def test_nothing_to_fit(pair: tuple[str, str]) -> None:
    problem = Problem(X=[[1, 2], [0, 0]], y=[0, 0])
    for width in (1, None):
        found = optimizer_regions(problem, pair, width)
        meeting = found.at(Fraction(1, 10), Fraction(1, 10))
        assert meeting.phase == "overlap"
        assert meeting.witness == ()
        check(certify(meeting), problem)


def test_at_the_edge_and_between_the_bounds() -> None:
    found = optimizer_regions(example("flagship"), ("adamw", "muon"), 2)
    assert found.at(Fraction(2), Fraction(7)).phase == "overlap"
    assert found.at(Fraction(199, 100), Fraction(7)).empty == ("adamw",)
    least = found.least(1)
    between = (least.lower + least.upper) / 2
    with pytest.raises(Undecided, match="least radius of muon is between"):
        found.at(Fraction(3), between)


def test_an_open_component_leaves_the_phase_alone() -> None:
    """Muon needs some 5 for component 0 of the flagship, up to 1e-8; component 1 decides."""
    meeting = optimizer_regions(example("flagship"), ("muon", "ngd"), 2).at(
        Fraction(5), Fraction(7)
    )
    assert meeting.phase == "overlap"
    assert meeting.reached is None


@pytest.mark.parametrize(
    ("arguments", "options", "what"),
    [
        ((("adamw", "sam"), 2), {}, "sam"),
        ((("adamw", "muon"), 0), {}, "width"),
        ((("adamw", "muon"), 2), {"level": Fraction(-1)}, "level"),
        ((("adamw", "muon"), None), {"level": Fraction(-1)}, "level"),
    ],
)
def test_wrong_input(arguments: Any, options: dict[str, Any], what: str) -> None:
    with pytest.raises(InputError, match=what):
        optimizer_regions(example("flagship"), *arguments, **options)


def test_radii_must_be_positive() -> None:
    found = optimizer_regions(example("two-regions"), ("adamw", "muon"), 1)
    for pair in ((Fraction(), Fraction(1)), (Fraction(1), Fraction(-1))):
        with pytest.raises(InputError, match="must be positive"):
            found.at(*pair)


def test_progress_may_interrupt() -> None:
    def stop(stage: str, count: int) -> None:
        if "least radius" in stage:
            raise Interrupted

    found = optimizer_regions(example("flagship"), ("adamw", "muon"), 2, progress=stop)
    assert isinstance(found, Regions)
    with pytest.raises(Interrupted, match="^interrupted$"):
        found.meet(Fraction(2))


@pytest.mark.parametrize("radii", [("5/2", "7"), ("11/5", "7/2"), ("1", "7"), ("1", "1")])
def test_certificates_of_all_phases(radii: tuple[str, str]) -> None:
    """Accepted for the problem, and not for larger claims."""
    problem = example("flagship")
    first, second = map(Fraction, radii)
    document = certify(optimizer_regions(problem, ("adamw", "muon"), 2).at(first, second))
    assert check(document, problem).kind == "regions"
    assert document["width"] == 2
    for point in document["points"]:
        factor = Fraction(1, 3) if "neurons" in point else Fraction(11, 10)
        right = point["rho"]
        point["rho"] = [rho and str(Fraction(rho) * factor) for rho in right]
        with pytest.raises(ValueError, match="point"):
            check(document, problem)
        point["rho"] = right
