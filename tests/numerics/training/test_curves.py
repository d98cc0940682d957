"""Curves between networks: closed forms, invariances, and the exact barrier below all of them."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import combinations, pairwise
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from learned import Learner
from problems import having, planted
from profiles import part
from quadratic_forms import formed

from numerics.training.curves import BASES, Curves, Pairs, connect, maxima, segment
from numerics.training.loop import train
from theory.claims.training import LearnCurves
from theory.errors import InputError, Interrupted
from theory.landscape import analyse, barrier_between
from theory.loading import example
from theory.network import Network
from theory.problem import Problem
from theory.strategies import networks, problems
from theory.within import Ball

FLAGSHIP = example("flagship")
OTHERS = [
    having(FLAGSHIP, loss="absolute", output_bias=True),
    having(FLAGSHIP, loss="huber:1/2", weights=[1, 2, "1/2", 1]),
    having(FLAGSHIP, loss="quantile:1/4", output_bias=True),
]
KINDS = sorted(BASES)
SHORT = 20  # steps


@st.composite
def pairs_of_networks(draw: st.DrawFn) -> tuple[Problem, Network, Network]:
    problem, width = draw(problems(n=(1, 3))), draw(st.integers(1, 2))
    # Integers: zero weights and dead neurons are common.
    small = networks(problem.d, width, max_denominator=1)
    return problem, draw(small), draw(small)


def random_pairs(count: int, width: int = 2) -> list[tuple[Problem, Network, Network]]:
    """Exact fits with their neurons in another order, on data of one size."""
    found = []
    for seed in range(count):
        problem, fit = planted(n=4, d=2, m=width, seed=seed)
        found.append((problem, fit, fit.permuted([*range(1, width), 0])))
    return found


def highest(problem: Problem, first: Network, second: Network) -> float:
    """The exact maximum of the loss on the straight line, which is quartic between switches."""
    X, y = np.array(problem.X, float), np.array(problem.y, float)
    (W0, a0), (W1, a1) = ((np.array(v.W, float), np.array(v.a, float)) for v in (first, second))
    start, slope = X @ W0, X @ (W1 - W0)
    with np.errstate(divide="ignore", invalid="ignore"):
        switches = (-start / slope).ravel()
    inside = switches[np.isfinite(switches) & (switches > 0) & (switches < 1)]
    times = np.unique([0.0, 1.0, *inside])
    found = []
    for low, high in pairwise(times):
        active = start + (low + high) / 2 * slope > 0
        fit = [
            ((start * active) @ a0),
            (start * active) @ (a1 - a0) + (slope * active) @ a0,
            (slope * active) @ (a1 - a0),
        ]
        fit[0] = fit[0] - y
        residuals = [np.polynomial.Polynomial(c) for c in np.transpose(fit)]
        loss = sum((r**2 for r in residuals), np.polynomial.Polynomial([0])) / 2
        critical = loss.deriv().roots() if loss.degree() > 0 else np.zeros(0)
        critical = np.real(critical[np.abs(np.imag(critical)) < 1e-6])
        found += [loss(t) for t in (low, high, *critical[(critical > low) & (critical < high)])]
    return float(max(found))


def times(count: int = 33) -> torch.Tensor:
    return torch.linspace(0, 1, count, dtype=torch.float64)[None]


def polychain_through(problem: Problem, breakpoints: tuple[Network, ...]) -> Curves:
    """The polychain with these networks for control points."""
    ends = (problem, breakpoints[0], breakpoints[-1])
    control = Pairs.of([(problem, network, network) for network in breakpoints]).ends[None, :, 0]
    return Curves(Pairs.of([ends]), "polychain", control)


# Closed forms


@pytest.mark.parametrize("points", [2, 5, 1025])
def test_a_neuron_and_its_negative(points: int) -> None:
    """f = (1 - 2t)^2 c until the neuron dies at t = 1/2; with s = 1 - 2t the loss is
    c^2/2 (1 - s^2)^2 there, and c^2/2 afterwards."""
    c = 3
    problem = Problem(X=[[1]], y=[c])
    pairs = Pairs.of([(problem, Network(W=[[1]], a=[c]), Network(W=[[-1]], a=[-c]))])
    straight = segment(pairs)
    assert straight.maximum(points).item() == pytest.approx(c**2 / 2, rel=1e-12)
    # The chord is c^2/2 t, so the excess is highest where its derivative 1/2 - 4s (1 - s^2) is 0.
    s = min(root.real for root in np.roots([-4, 0, 4, -1 / 2]) if root.real > 0)
    barrier = c**2 / 2 * ((1 - s**2) ** 2 - (1 - s) / 2)
    assert straight.barrier(1025).item() == pytest.approx(barrier, rel=1e-12)


@pytest.mark.parametrize("points", [2, 4, 6, 1025])
def test_two_neurons_exchanged(points: int) -> None:
    """f = (1 - 2t)^2 c, so the loss is c^2/2 (1 - (1 - 2t)^2)^2: highest, c^2/2, in the middle."""
    problem = Problem(X=[[1]], y=[4])
    fit = Network(W=[[5, 1]], a=[1, -1])
    straight = segment(Pairs.of([(problem, fit, fit.permuted([1, 0]))]))
    t = times()
    torch.testing.assert_close(straight.loss(t), 8 * (1 - (1 - 2 * t) ** 2) ** 2)
    assert straight.maximum(points).item() == pytest.approx(8, rel=1e-12)
    assert straight.barrier(points).item() == pytest.approx(8, rel=1e-12)


@given(pairs_of_networks())
def test_the_maximum_of_a_straight_line(pair: tuple[Problem, Network, Network]) -> None:
    found = segment(Pairs.of([pair])).maximum().item()
    assert found == pytest.approx(highest(*pair), rel=1e-9, abs=1e-9)


def test_a_maximum_is_a_lower_estimate_that_a_finer_grid_improves() -> None:
    """Nine points show the higher of two peaks as the lower one; two points show one alone."""
    problem = Problem(X=[[1], [-1]], y=[3, 1])
    first, second = Network(W=[[3, 0, -3]], a=[1, -2, -1]), Network(W=[[-4, -2, 1]], a=[2, -2, 1])
    exact = highest(problem, first, second)
    assert exact > 8.6
    straight = segment(Pairs.of([(problem, first, second)]))
    grid = straight.loss(times(9))[0]
    assert int(grid.argmax()) == 0
    assert grid.max() < 8.01
    assert straight.maximum(2).item() < 8.01
    for points in (9, 1025):
        assert straight.maximum(points).item() == pytest.approx(exact, rel=1e-12)


@pytest.mark.parametrize("labelled", [False, True])
@pytest.mark.parametrize("problem", [FLAGSHIP, *OTHERS], ids=str)
def test_the_exact_path_attains_the_barrier(labelled: bool, problem: Problem) -> None:
    """Its breakpoints have |a_j| = 1, so it is a polychain; its peaks are kinks off the grid."""
    analysis = analyse(problem, 2, labelled=labelled)
    assert analysis.merges
    for merge in analysis.merges:
        curve = polychain_through(problem, analysis.path(merge.first, merge.second).breakpoints)
        assert curve.maximum().item() == pytest.approx(float(merge.value), rel=1e-11)
        assert curve.barrier().item() == pytest.approx(float(merge.value), rel=1e-11)


# What curves are


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("k", [2, 3, 5])
def test_a_basis_is_convex_and_starts_and_ends_at_the_networks(kind: str, k: int) -> None:
    values = BASES[kind](times()[0], k)
    assert values.shape == (33, k)
    assert (values >= 0).all()
    torch.testing.assert_close(values.sum(dim=1), torch.ones(33, dtype=torch.float64))
    ends = values[[0, -1]]
    assert ends.equal(torch.eye(k, dtype=torch.float64)[[0, -1]])


@pytest.mark.parametrize("kind", KINDS)
def test_learned_curves_keep_both_networks_exactly(kind: str) -> None:
    pairs = Pairs.of(random_pairs(3))
    curves = connect(pairs, kind, steps=SHORT)
    assert curves.control.shape == (3, 5, 3, 2)
    assert curves.at(times(2)).equal(pairs.ends)
    assert curves.control[:, [0, -1]].equal(pairs.ends)
    assert (curves.maximum() < segment(pairs).maximum()).all()  # they are not the straight lines
    assert not curves.control.requires_grad


@pytest.mark.parametrize("kind", KINDS)
def test_without_bends_both_kinds_are_the_straight_line(kind: str) -> None:
    pairs = Pairs.of(random_pairs(2))
    curves, t = connect(pairs, kind, bends=0), times()
    assert curves.control.equal(pairs.ends)
    first, second = pairs.ends[:, :1], pairs.ends[:, 1:]
    line = (1 - t[..., None, None]) * first + t[..., None, None] * second
    torch.testing.assert_close(curves.at(t), line)
    torch.testing.assert_close(segment(pairs).at(t), line)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=4), st.sampled_from(KINDS))
def test_control_points_on_a_line_give_that_line(places: list[float], kind: str) -> None:
    """Whatever the speed, it runs through the whole segment and nothing else."""
    pairs = Pairs.of(random_pairs(2))
    line = segment(pairs)
    control = line.at(torch.tensor([[0.0, *places, 1.0]], dtype=torch.float64))
    curves = Curves(pairs, kind, control)
    torch.testing.assert_close(curves.maximum(), line.maximum(), rtol=1e-9, atol=1e-9)


def test_a_polychain_passes_through_its_bends_and_a_bezier_curve_is_that_of_de_casteljau() -> None:
    pairs = Pairs.of(random_pairs(1))
    generator = torch.Generator().manual_seed(0)
    bends = torch.randn(1, 2, 3, 2, generator=generator, dtype=torch.float64)
    control = torch.cat([pairs.ends[:, :1], bends, pairs.ends[:, 1:]], dim=1)
    assert Curves(pairs, "polychain", control).at(times(4)).allclose(control)
    points = list(control[0])
    while len(points) > 1:
        points = [0.7 * p + 0.3 * q for p, q in pairwise(points)]
    t = torch.tensor([[0.3]], dtype=torch.float64)
    torch.testing.assert_close(Curves(pairs, "bezier", control).at(t)[0, 0], points[0])


# Networks and their loss


@given(pairs_of_networks())
def test_losses_of_the_ends_are_exact_ones(pair: tuple[Problem, Network, Network]) -> None:
    problem, *ends = pair
    pairs = Pairs.of([pair])
    exact = [float(network.loss(problem)) for network in ends]
    np.testing.assert_allclose(pairs.loss(pairs.ends)[0], exact, rtol=1e-12)
    straight = segment(pairs)
    assert straight.maximum().item() >= max(exact) * (1 - 1e-12)
    assert straight.barrier().item() >= -1e-12 * max(exact)


LABELS = Problem(X=[[1, 2], [2, -1], [-1, 1]], y=[1, -1, 1])
WEIGHED = {"weights": [1, 3, 2]}


@pytest.mark.parametrize("loss", ["absolute", "epsilon:1/10", "hinge", "squared_hinge", "logistic"])
@pytest.mark.parametrize(
    "more", [WEIGHED, {"skip": True}, {**WEIGHED, "skip": True, "output_bias": True}]
)
def test_losses_of_runs_of_every_kind_are_exact_ones(loss: str, more: dict[str, Any]) -> None:
    """Along straight lines too, on which b and c go along."""
    problem = having(LABELS, loss=loss, **more)
    runs = train(problem, 3, Ball("lion", 3), seeds=2, steps=50)
    first, second = runs.networks().values()
    pairs = Pairs.of_runs(runs, [0], [1])
    same = Pairs.of([(problem, first, second)])
    assert same.ends.equal(pairs.ends)
    np.testing.assert_allclose(pairs.loss(pairs.ends)[0], runs.loss, rtol=1e-12)
    middle = Network(
        W=[
            [(v + w) / 2 for v, w in zip(*rows, strict=True)]
            for rows in zip(first.W, second.W, strict=True)
        ],
        a=[(v + w) / 2 for v, w in zip(first.a, second.a, strict=True)],
        b=(first.b + second.b) / 2,
        c=None
        if first.c is None or second.c is None
        else [(v + w) / 2 for v, w in zip(first.c, second.c, strict=True)],
    )
    found = segment(same).loss(torch.tensor([[0.5]], dtype=torch.float64))
    assert found.item() == pytest.approx(float(middle.loss(problem)), rel=1e-12)


@pytest.mark.parametrize("loss", ["hinge", "absolute"])
def test_data_of_other_sizes_and_weights_are_as_alone(loss: str) -> None:
    """Where data sets are filled up, no bias pays for it."""
    full = having(LABELS, loss=loss, output_bias=True, **WEIGHED)
    rows = Problem(X=[[1, 1]], y=[1], loss=loss, output_bias=True)
    networks = [Network(W=[[1], [1]], a=[v], b=b) for v, b in ((1, 3), (-1, 2))]
    both = [(problem, networks[0], networks[1]) for problem in (full, rows)]
    together = Pairs.of(both)
    for k, pair in enumerate(both):
        assert segment(together).maximum()[k] == segment(Pairs.of([pair])).maximum()[0]


def test_data_of_other_sizes_and_forms_are_as_alone() -> None:
    """Losses along the way are exact ones, and what fills data up has none."""
    full = having(LABELS, form=formed(3, 2, seed=1), output_bias=True)
    rows = Problem(X=[[1, 1], [0, 1]], y=[1, 2], form=[[2, -1], [-1, 1]], output_bias=True)
    networks = [Network(W=[[1], [1]], a=[v], b=b) for v, b in ((1, 3), (-1, 2))]
    plain = Problem(X=[[2, 1]], y=[3], weights=[5], output_bias=True)
    both = [(problem, networks[0], networks[1]) for problem in (plain, full, rows)]
    together = Pairs.of(both)
    losses = together.loss(together.ends)
    for k, (problem, *ends) in enumerate(both):
        exact = [float(network.loss(problem)) for network in ends]
        np.testing.assert_allclose(losses[k], exact, rtol=1e-12)
        assert segment(together).maximum()[k] == segment(Pairs.of([both[k]])).maximum()[0]


def test_pairs_of_other_losses_are_apart() -> None:
    network = Network(W=[[1], [1]], a=[1])
    pairs = [(having(LABELS, loss=loss), network, network) for loss in ("hinge", "logistic")]
    with pytest.raises(InputError, match="pairs: must share one loss, not hinge, logistic"):
        Pairs.of(pairs)
    biased = Network(W=[[1], [1]], a=[1], b=1)
    with pytest.raises(InputError, match="b: 1 must be 0: the problem has no output bias"):
        Pairs.of([(LABELS, biased, network)])


def test_pairs_of_runs() -> None:
    runs = train(FLAGSHIP, 3, Ball("muon", 3), seeds=4, steps=200)
    pairs = Pairs.of_runs(runs, first=[0, 3], second=[2, 1])
    losses = pairs.loss(pairs.ends)
    np.testing.assert_allclose(losses, runs.loss[[[0, 2], [3, 1]]], rtol=1e-12)
    exact = [
        Network(
            W=[[Fraction(v) for v in row] for row in runs.W[k].tolist()],
            a=[Fraction(v) for v in runs.a[k].tolist()],
        )
        for k in range(4)
    ]
    same = Pairs.of([(FLAGSHIP, exact[0], exact[2]), (FLAGSHIP, exact[3], exact[1])])
    assert same.ends.equal(pairs.ends)
    assert segment(same).maximum().equal(segment(pairs).maximum())


@pytest.mark.parametrize("kind", KINDS)
def test_a_network_with_itself(kind: str) -> None:
    problem, network, _ = random_pairs(1)[0]
    pairs = Pairs.of([(problem, network, network)])
    curves = connect(pairs, kind, steps=SHORT)
    assert curves.barrier().item() == pytest.approx(0, abs=1e-12)
    assert curves.maximum().item() == pytest.approx(float(network.loss(problem)), abs=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_many_at_once_are_as_one_by_one(kind: str) -> None:
    pairs = random_pairs(6)
    pairs[2] = (Problem(X=[[1, 2], [-1, 0]], y=[1, -2]), *pairs[2][1:])  # fewer data points
    batch = Pairs.of(pairs)
    together = connect(batch, kind, steps=SHORT)
    assert (together.maximum() < segment(batch).maximum()).sum() > 3
    for k, pair in enumerate(pairs):
        alone = Pairs.of([pair])
        for many, one in (
            (segment(batch).maximum()[k], segment(alone).maximum()[0]),
            (segment(batch).barrier()[k], segment(alone).barrier()[0]),
            (together.control[k], connect(alone, kind, steps=SHORT).control[0]),
        ):
            torch.testing.assert_close(many, one, rtol=1e-6, atol=1e-9)


@given(pairs_of_networks(), st.randoms(use_true_random=False))
@part(2)
def test_permuting_the_neurons_of_both_changes_nothing(
    pair: tuple[Problem, Network, Network], random: Any
) -> None:
    problem, first, second = pair
    order = random.sample(range(first.width), first.width)
    permuted = segment(Pairs.of([(problem, first.permuted(order), second.permuted(order))]))
    straight = segment(Pairs.of([pair]))
    torch.testing.assert_close(permuted.maximum(), straight.maximum())
    torch.testing.assert_close(permuted.barrier(), straight.barrier(), rtol=1e-9, atol=1e-9)


@given(pairs_of_networks())
@part(2)
def test_going_back_changes_nothing(pair: tuple[Problem, Network, Network]) -> None:
    problem, first, second = pair
    there, back = (segment(Pairs.of([(problem, *p)])) for p in ((first, second), (second, first)))
    torch.testing.assert_close(there.maximum(), back.maximum())
    torch.testing.assert_close(there.barrier(), back.barrier(), rtol=1e-9, atol=1e-9)


# Learned curves and the exact barrier


@given(pairs_of_networks(), st.sampled_from(KINDS))
@part(2)
def test_no_curve_is_below_the_minimax_barrier(
    pair: tuple[Problem, Network, Network], kind: str
) -> None:
    barrier = float(barrier_between(*pair, labelled=True).value)
    pairs = Pairs.of([pair])
    for curves in (segment(pairs), connect(pairs, kind, steps=SHORT)):
        assert curves.maximum().item() >= barrier * (1 - 1e-9)


@pytest.mark.parametrize("kind", KINDS)
def test_learned_curves_come_down_to_the_barrier(kind: str) -> None:
    """From straight lines that are up to eight times as high."""
    analysis = analyse(FLAGSHIP, 2, labelled=True)
    components = [component.representative for component in analysis.components]
    chosen = list(combinations(range(4), 2))
    exact = torch.tensor([float(analysis.barriers[i][j]) for i, j in chosen], dtype=torch.float64)
    pairs = Pairs.of([(FLAGSHIP, components[i], components[j]) for i, j in chosen])
    found = connect(pairs, kind, steps=200).maximum()
    straight = segment(pairs).maximum()
    assert (found >= exact * (1 - 1e-9)).all()
    assert (found <= straight * (1 + 1e-12)).all()
    assert (found / exact).median() < 1.05 < 8 < (straight / exact).max()


@pytest.mark.parametrize("kind", KINDS)
def test_learned_curves_with_output_biases_come_down(kind: str) -> None:
    """Not below the exact barrier."""
    problem = OTHERS[0]
    analysis = analyse(problem, 2, labelled=True)
    nets = [component.representative for component in analysis.components[:4]]
    chosen = list(combinations(range(4), 2))
    exact = torch.tensor([float(analysis.barriers[i][j]) for i, j in chosen], dtype=torch.float64)
    pairs = Pairs.of([(problem, nets[i], nets[j]) for i, j in chosen])
    found, straight = connect(pairs, kind, steps=100).maximum(), segment(pairs).maximum()
    assert (found >= exact * (1 - 1e-9)).all()
    assert (found < 0.9 * straight).any()


def test_learning_never_ends_above_the_straight_line() -> None:
    pairs = Pairs.of(random_pairs(10))
    for kind in KINDS:
        found = connect(pairs, kind, steps=1).maximum()
        assert (found <= segment(pairs).maximum() * (1 + 1e-12) + 1e-12).all()


def test_seeds() -> None:
    pairs = Pairs.of(random_pairs(4))
    first, again, other = (
        connect(pairs, "bezier", steps=SHORT, seed=seed).control for seed in (0, 0, 1)
    )
    assert first.equal(again)
    assert not first.equal(other)


def test_maxima_of_pairs_of_any_width() -> None:
    """In their order, and each as alone."""
    pairs = [random_pairs(2)[0], random_pairs(2, width=3)[1], random_pairs(2)[1]]
    found = Learner(SHORT)(LearnCurves(pairs), None)
    assert set(found) == {"polychain", "bezier"}
    for k, pair in enumerate(pairs):
        for kind in KINDS:
            assert float(pair[1].loss(pair[0])) <= found[kind][k] <= highest(*pair) * 1.000001
    assert maxima([]) == {"polychain": [], "bezier": []}


def test_progress_and_interrupt() -> None:
    calls: list[tuple[str, int]] = []

    def stop(stage: str, steps: int) -> None:
        calls.append((stage, steps))
        if steps:
            raise Interrupted

    threads = torch.get_num_threads()
    with pytest.raises(Interrupted, match="^interrupted$"):
        connect(Pairs.of(random_pairs(1)), "bezier", progress=stop)
    assert calls == [("learning curves, bezier, steps", steps) for steps in (0, 50)]
    assert torch.get_num_threads() == threads


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"kind": "spline"}, "kind: 'spline' is not one of polychain, bezier"),
        ({"bends": -1}, "bends: -1 must not be negative"),
        ({"seed": -1}, "seed: -1 must not be negative"),
        ({"steps": 0}, "steps: 0 must be at least 1"),
    ],
)
def test_errors(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        connect(Pairs.of(random_pairs(1)), **{"kind": "bezier", **arguments})


def test_errors_of_pairs() -> None:
    narrow, wide = random_pairs(1)[0], random_pairs(1, width=3)[0]
    line = Problem(X=[[1]], y=[1])
    for pairs in ([narrow, wide], [(line, *narrow[1:])], [(narrow[0], narrow[1], wide[2])], []):
        with pytest.raises(InputError, match="pairs: must share one d and one width, not"):
            Pairs.of(pairs)
    with pytest.raises(InputError, match="points: 1 must be at least 2"):
        segment(Pairs.of([narrow])).maximum(1)
    runs = train(FLAGSHIP, 2, Ball("lion", 2), seeds=2, steps=1)
    runs.W[1, 0, 0] = math.nan
    with pytest.raises(InputError, match="ends: hold weights that are not finite"):
        Pairs.of_runs(runs, [0], [1])
