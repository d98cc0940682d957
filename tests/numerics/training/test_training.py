"""Batched training: gradients, independence of the batch, divergence, and landing."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from functools import cache
from itertools import permutations
from typing import Any

import numpy as np
import pytest
import torch
from scipy.optimize import minimize

from numerics.training.loop import (
    NO_COMPONENT,
    BatchLoss,
    TrainingResult,
    landing,
    train,
)
from numerics.training.optimizers import OPTIMIZERS, Schedule
from theory.errors import BudgetError, InputError, Interrupted
from theory.geometry import LionK, MixedNorm, VectorNorm, frank_wolfe_gap, geometry
from theory.landscape import Analysis, analyse
from theory.loading import example
from theory.network import Network
from theory.problem import Problem
from theory.within import Ball, Penalty

FLAGSHIP = example("flagship")
WIDTH = 2
MINE = Ball(LionK("mine", MixedNorm(1, 1), VectorNorm(1)), 2)
START = Network(W=[[1, -2], [Fraction(1, 2), 3]], a=[2, Fraction(-1, 4)])


@cache
def flagship_analysis() -> Analysis:
    return analyse(FLAGSHIP, WIDTH)


def with_networks(*networks: Network, problem: Problem = FLAGSHIP) -> TrainingResult:
    """A result that ends at the given networks."""
    result = train(problem, networks[0].width, Ball("lion", 2), seeds=len(networks), steps=1)
    return replace(
        result,
        W=np.array([network.W for network in networks], dtype=np.float64),
        a=np.array([network.a for network in networks], dtype=np.float64),
        loss=np.array([float(network.loss(problem)) for network in networks]),
    )


def moved(network: Network, amount: str) -> Network:
    """The network with one weight changed."""
    (first, *rest), *rows = network.W
    return Network(W=[[first + Fraction(amount), *rest], *rows], a=network.a)


# Training


@pytest.mark.parametrize(
    ("activation", "sigma"),
    [
        ("relu", torch.relu),
        ("leaky_relu:1/10", torch.nn.LeakyReLU(0.1)),
        ("abs", lambda z: torch.where(z > 0, z, -z)),  # torch's abs has slope 0 at 0
        ("leaky_relu:-5/2", lambda z: torch.where(z > 0, z, -2.5 * z)),
    ],
    ids=["relu", "leaky_relu", "abs", "steep"],
)
@pytest.mark.parametrize(("n", "d", "m"), [(4, 2, 2), (5, 3, 1), (1, 1, 4), (12, 5, 9)])
def test_gradients_are_those_of_autograd(
    n: int,
    d: int,
    m: int,
    activation: str,
    sigma: Callable[[torch.Tensor], torch.Tensor],
    generator: np.random.Generator,
) -> None:
    X, y = generator.integers(-5, 6, (n, d)).tolist(), generator.integers(-5, 6, n).tolist()
    problem = Problem(X, y, activation=activation)
    W = torch.from_numpy(generator.normal(size=(3, d, m))).requires_grad_()
    a = torch.from_numpy(generator.normal(size=(3, m))).requires_grad_()
    with torch.no_grad():
        W[0, :, 0] = 0  # the slope at 0
    rows, targets = (torch.tensor(np.array(v, dtype=float)) for v in (problem.X, problem.y))
    residual = (sigma(rows @ W) @ a[:, :, None])[:, :, 0] - targets
    values = (residual**2).sum(dim=1) / 2
    values.sum().backward()
    loss = BatchLoss((problem, 3))
    with torch.no_grad():
        torch.testing.assert_close(loss.value(W, a), values.detach())
        grad_W, grad_a = loss.gradients(W, a)
    torch.testing.assert_close(grad_W, W.grad)
    torch.testing.assert_close(grad_a, a.grad)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_run_is_the_same_whatever_the_number_of_seeds(name: str) -> None:
    within = Penalty("7/10") if name == "sgd" else Ball(name, 2)
    many, few, again = (train(FLAGSHIP, 3, within, seeds=s, steps=100) for s in (37, 5, 5))
    for result in (few, again):
        np.testing.assert_array_equal(result.W, many.W[:5])
        np.testing.assert_array_equal(result.a, many.a[:5])


def test_a_run_of_a_wider_network_is_the_same_alone(generator: np.random.Generator) -> None:
    """Sizes at which torch takes other kernels for one matrix than for many."""
    problem = Problem(
        X=generator.integers(-3, 4, (40, 6)).tolist(), y=generator.integers(-3, 4, 40).tolist()
    )
    for name in ("adamw", "muon"):
        alone, *others = (train(problem, 12, Ball(name, 3), seeds=s, steps=50) for s in (1, 3, 20))
        assert all(np.array_equal(alone.W[0], other.W[0]) for other in others)


def test_seeds_differ() -> None:
    result = train(FLAGSHIP, WIDTH, Ball("adamw", 2), seeds=6, steps=1)
    other = train(FLAGSHIP, WIDTH, Ball("adamw", 2), seeds=6, steps=1, seed=1)
    W = np.concatenate([result.W, other.W]).reshape(12, -1)
    assert len(np.unique(W, axis=0)) == 12


def test_start_has_the_stated_scale() -> None:
    def stop(stage: str, steps: int) -> None:
        raise Interrupted

    result = train(
        FLAGSHIP, 8, Ball("lion", 2), seeds=2000, steps=1, start_scale=3.0, progress=stop
    )
    assert result.W.std() == pytest.approx(3 / math.sqrt(FLAGSHIP.d), rel=0.02)
    assert result.a.std() == pytest.approx(3 / math.sqrt(8), rel=0.02)


def test_start_at_a_network_and_near_it() -> None:
    def stop(stage: str, steps: int) -> None:
        raise Interrupted

    def start(scale: float, at: Network | None) -> TrainingResult:
        ball = Ball("lion", 2)
        return train(
            FLAGSHIP, WIDTH, ball, seeds=3, steps=1, start=at, start_scale=scale, progress=stop
        )

    there = start(0.0, START)
    assert (there.W == [[1, -2], [0.5, 3]]).all()
    assert (there.a == [2, -0.25]).all()
    near, noise = start(0.1, START), start(0.1, None)
    np.testing.assert_array_equal(near.W, there.W + noise.W)
    np.testing.assert_array_equal(near.a, there.a + noise.a)


def test_measures_are_those_of_the_final_networks() -> None:
    result = train(FLAGSHIP, WIDTH, Ball("muon", "7/2"), seeds=4, steps=300)
    radius = math.sqrt(3.5)
    for k in range(4):
        exact = Network(
            W=[[Fraction(v) for v in row] for row in result.W[k].tolist()],
            a=[Fraction(v) for v in result.a[k].tolist()],
        )
        assert result.loss[k] == pytest.approx(float(exact.loss(FLAGSHIP)))
    W = torch.from_numpy(result.W).requires_grad_()
    a = torch.from_numpy(result.a).requires_grad_()
    loss = BatchLoss((FLAGSHIP, 4))
    grad_W, grad_a = torch.autograd.grad(loss.value(W, a).sum(), [W, a])
    gap = frank_wolfe_gap(
        geometry("muon"), result.W, result.a, grad_W.numpy(), grad_a.numpy(), radius, radius
    )
    assert result.gap is not None
    np.testing.assert_allclose(result.gap, gap)
    largest = np.maximum(np.linalg.norm(result.W, 2, axis=(1, 2)), np.linalg.norm(result.a, axis=1))
    assert result.violation is not None
    np.testing.assert_allclose(result.violation, np.maximum(largest / radius - 1, 0), atol=1e-12)


def test_training_reduces_loss_and_gap() -> None:
    first, last = (
        train(
            FLAGSHIP,
            WIDTH,
            Ball("colnorm", 4),
            seeds=20,
            steps=steps,
            schedule=Schedule(0.1, 20, 1),
        )
        for steps in (1, 2000)
    )
    assert np.median(last.loss) < np.median(first.loss) / 4
    assert first.gap is not None
    assert last.gap is not None
    assert last.gap.min() > -1e-9
    assert np.median(last.gap) < np.median(first.gap) / 10


def test_sgd_has_no_ball() -> None:
    result = train(FLAGSHIP, WIDTH, Penalty("1/10"), seeds=2, steps=10)
    assert result.violation is None
    assert result.gap is None


@pytest.mark.parametrize("name", ["sgd", "muon"])
def test_diverged_runs_are_reported_and_leave_the_others_alone(name: str) -> None:
    """Weight decay beyond 2 makes every run grow; sgd's learning rate is too large for some."""
    rate = 0.2 if name == "sgd" else 1e4
    within = Penalty("1/100") if name == "sgd" else Ball(name, 10**4)
    result = train(FLAGSHIP, WIDTH, within, seeds=64, steps=300, schedule=Schedule(rate))
    finite = np.isfinite(result.W).all(axis=(1, 2)) & np.isfinite(result.loss)
    np.testing.assert_array_equal(result.diverged, ~finite)
    assert result.diverged.any()
    if name == "sgd":
        assert not result.diverged.all()
        survivor = int(np.flatnonzero(~result.diverged)[0])
        alone = train(
            FLAGSHIP, WIDTH, within, seeds=survivor + 1, steps=300, schedule=Schedule(rate)
        )
        np.testing.assert_array_equal(alone.W[survivor], result.W[survivor])
    assert not landing(result, flagship_analysis()).converged[result.diverged].any()


def test_history() -> None:
    result = train(FLAGSHIP, WIDTH, Ball("lion", 2), seeds=3, steps=25, record_every=10)
    assert result.history is not None
    assert result.history.steps.tolist() == [0, 10, 20, 25]
    np.testing.assert_array_equal(result.history.losses[-1], result.loss)
    middle = train(
        FLAGSHIP,
        WIDTH,
        Ball("lion", 2),
        seeds=3,
        steps=20,
        schedule=result.config.schedule,
    )
    np.testing.assert_array_equal(result.history.losses[2], middle.loss)


def test_progress_and_interrupt() -> None:
    calls: list[tuple[str, int]] = []

    def progress(stage: str, steps: int) -> None:
        calls.append((stage, steps))
        if steps >= 100:
            raise Interrupted

    schedule = Schedule(0.01)
    cut = train(
        FLAGSHIP,
        WIDTH,
        Ball("lion", 2),
        seeds=3,
        steps=1000,
        schedule=schedule,
        record_every=30,
        progress=progress,
    )
    assert {stage for stage, _ in calls} == {"training, steps"}
    assert (cut.complete, cut.steps) == (False, calls[-1][1])
    assert cut.history is not None
    assert cut.history.steps[-1] == cut.steps
    full = train(FLAGSHIP, WIDTH, Ball("lion", 2), seeds=3, steps=cut.steps, schedule=schedule)
    assert full.complete
    np.testing.assert_array_equal(cut.W, full.W)


def test_the_number_of_threads_is_left_alone() -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        train(FLAGSHIP, WIDTH, Ball("lion", 2), seeds=1, steps=1)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"within": "lion"}, r"within: is 'lion', but must be such as Ball\('muon', '3/2'\) or "),
        ({"within": MINE}, "optimizer: is needed: how to train in the mine ball rho = 2 is not"),
        ({"optimizer": OPTIMIZERS["muon"]}, "optimizer: is muon, which does not belong to Ball"),
        ({"seeds": 0}, "seeds: 0 must be at least 1"),
        ({"steps": 0}, "steps: 0 must be at least 1"),
        ({"width": 0}, "width: 0 must be at least 1"),
        ({"seed": -1}, "seed: -1 must not be negative"),
        ({"record_every": 0}, "record_every: 0 must be at least 1"),
        ({"start_scale": 0.0}, "start_scale: 0.0 must be positive"),
        ({"start_scale": -1.0, "start": START}, "start_scale: -1.0 must be positive"),
        ({"start": START, "width": 3}, r"start: has W of shape \(2, 2\), but \(2, 3\) are trained"),
    ],
)
def test_errors(arguments: dict[str, Any], message: str) -> None:
    ball = Ball("lion", 2)
    valid = {"problem": FLAGSHIP, "width": 2, "within": ball, "seeds": 1, "steps": 1}
    options: dict[str, Any] = {**valid, **arguments}
    with pytest.raises(InputError, match=message):
        train(**options)


# Landing


def test_exact_solutions_land_in_their_component() -> None:
    """Those on walls too, and with weights rescaled and neurons permuted."""
    components = flagship_analysis().components
    networks = [
        Network(
            W=[[v / scale for v in row] for row in network.W],
            a=[v * scale for v in network.a],
        )
        for component in components
        for network in (component.representative, component.representative.permuted([1, 0]))
        for scale in (1, 4)
    ]
    landed = landing(with_networks(*networks), flagship_analysis())
    assert landed.converged.all()
    assert landed.component.tolist() == [c.id for c in components for _ in range(4)]
    assert landed.distance.max() < 1e-9
    assert landed.counts == {0: 4, 1: 4}
    assert landed.largest_distance == landed.distance.max()


def test_a_network_above_the_tolerance_is_not_converged() -> None:
    solution = flagship_analysis().components[0].representative
    networks = [moved(solution, "1/100000"), moved(solution, "1/10")]
    landed = landing(with_networks(*networks), flagship_analysis())
    assert landed.converged.tolist() == [True, False]
    assert landed.component.tolist() == [0, NO_COMPONENT]
    assert 0 < landed.distance[0] < 2e-5
    assert np.isnan(landed.distance[1])
    assert landed.counts == {0: 1, 1: 0}


def test_nothing_converged() -> None:
    solution = flagship_analysis().components[0].representative
    landed = landing(with_networks(moved(solution, "1")), flagship_analysis())
    assert landed.counts == {0: 0, 1: 0}
    assert landed.largest_distance is None


DELTA = Fraction(1, 1000)


def across_a_wall() -> tuple[TrainingResult, Analysis]:
    """One neuron: the only solution is (DELTA, 1), the run ends at (-DELTA, 1)."""
    problem = Problem(X=[[1, 0], [0, 1], [1, 1]], y=[DELTA, 1, 1 + DELTA])
    run = Network(W=[[-DELTA], [1]], a=[1])
    return with_networks(run, problem=problem), analyse(problem, 1)


def of_another_sign() -> tuple[TrainingResult, Analysis]:
    """f(1) = 1 and f(-1) = DELTA take one neuron each; in the run the second has the other sign."""
    problem = Problem(X=[[1], [-1]], y=[1, DELTA])
    runs = [
        Network(W=[[1, -DELTA]], a=[1, -1]),
        Network(W=[[-DELTA, 1]], a=[-1, 1]),
    ]
    return with_networks(*runs, problem=problem), analyse(problem, 2)


def test_the_nearest_component_and_its_distance() -> None:
    """Where the run's cell holds no solution; the distances are known in closed form."""
    for (result, analysis), distance in (
        (across_a_wall(), 2 * float(DELTA)),
        (of_another_sign(), math.sqrt(2) * float(DELTA)),
    ):
        landed = landing(result, analysis, tolerance=1e-5)
        assert landed.converged.all()
        assert not landed.in_cell.any()
        assert (landed.component == 0).all()
        np.testing.assert_allclose(landed.distance, distance, rtol=1e-6)


def test_silent_and_blank_neurons() -> None:
    problem = Problem(X=[[1], [2]], y=[1, 2])  # one neuron solves it
    networks = [
        Network(W=[[1, 3]], a=[1, 0]),
        Network(W=[[0, 1]], a=[-1, 1]),
        Network(W=[["1/2", "1/2"]], a=[1, 1]),
    ]
    landed = landing(with_networks(*networks, problem=problem), analyse(problem, 2))
    assert landed.component.tolist() == [0, 0, 0]
    assert landed.distance.max() < 1e-9


@pytest.mark.parametrize("component", [0, 1])
def test_distance_within_the_cells(component: int) -> None:
    """It is that of a general solver, minimised over the component's cells and orders."""
    analysis = flagship_analysis()
    solution = analysis.components[component].representative
    networks = [moved(solution, "1/300"), moved(solution, "-1/300")]
    result = with_networks(*networks, *(network.permuted([1, 0]) for network in networks))
    landed = landing(result, analysis, tolerance=1e-4)
    assert landed.component.tolist() == [component] * 4
    for k in range(4):
        expected = min(
            _distance_by_slsqp(analysis, result.W[k], result.a[k], order)
            for cell in analysis.components[component].cells
            for order in permutations(cell)
        )
        assert landed.distance[k] == pytest.approx(expected, rel=1e-3)


def _distance_by_slsqp(
    analysis: Analysis, W: np.ndarray, a: np.ndarray, states: tuple[int, ...]
) -> float:
    """All signs of the flagship's zero-loss cells are alike, so only u matters."""
    X, y = (np.array(v, dtype=float) for v in (FLAGSHIP.X, FLAGSHIP.y))
    signs = np.array([1 - 2 * (state % 2) for state in states])
    if (signs != np.sign(a)).any():
        return math.inf
    active = analysis.complex.arrangement.signs[[state // 2 for state in states]]  # (m, n)
    u = (np.abs(a) * W).T
    margins = np.einsum("mn,nd->mnd", active, X)
    fit = np.einsum("m,mn,nd->nmd", signs, active > 0, X).reshape(len(y), -1)
    found = minimize(
        lambda v: ((v - u.ravel()) ** 2).sum() * 1e6,
        np.zeros(u.size),
        jac=lambda v: 2e6 * (v - u.ravel()),
        constraints=[
            {"type": "eq", "fun": lambda v: fit @ v - y},
            {
                "type": "ineq",
                "fun": lambda v: np.einsum("mnd,md->mn", margins, v.reshape(u.shape)).ravel(),
            },
        ],
        options={"maxiter": 1000, "ftol": 1e-14},
    )
    return math.sqrt(found.fun / 1e6) if found.success else math.inf


def test_trained_runs_land() -> None:
    """Whatever component each run is in, permuting its neurons does not change it."""
    result = train(FLAGSHIP, WIDTH, Ball("muon", 6), seeds=40, steps=3000)
    landed = landing(result, flagship_analysis(), tolerance=1e-4)
    assert landed.converged.sum() > 5
    swapped = replace(result, W=result.W[:, :, ::-1], a=result.a[:, ::-1])
    again = landing(swapped, flagship_analysis(), tolerance=1e-4)
    np.testing.assert_array_equal(landed.component, again.component)
    np.testing.assert_allclose(landed.distance, again.distance, rtol=1e-6)
    assert sum(landed.counts.values()) == landed.converged.sum()


def test_labelled_components_tell_permutations_apart() -> None:
    analysis = analyse(FLAGSHIP, WIDTH, labelled=True)
    networks = [component.representative for component in analysis.components]
    landed = landing(with_networks(*networks), analysis)
    assert landed.component.tolist() == [component.id for component in analysis.components]
    swapped = landing(with_networks(*(n.permuted([1, 0]) for n in networks)), analysis)
    assert sorted(swapped.component) == sorted(landed.component)
    assert (swapped.component != landed.component).all()


def test_null_space_of_the_data_does_not_count() -> None:
    """With a feature that is always 0 its weights are free."""
    wide = Problem(X=[[*row, 0] for row in FLAGSHIP.X], y=FLAGSHIP.y)
    analysis = analyse(wide, WIDTH)
    networks = [
        Network(W=[*c.representative.W[:2], (5, -7)], a=c.representative.a)
        for c in analysis.components
    ]
    landed = landing(with_networks(*networks, problem=wide), analysis)
    assert landed.component.tolist() == [0, 1]
    assert landed.distance.max() < 1e-9


def test_data_of_rank_zero() -> None:
    problem = Problem(X=[[0, 0]], y=[0])
    landed = landing(train(problem, 1, Ball("muon", 1), seeds=2, steps=5), analyse(problem, 1))
    assert landed.component.tolist() == [0, 0]
    assert landed.distance.tolist() == [0, 0]


def test_landing_errors() -> None:
    solution = flagship_analysis().components[0].representative
    result = with_networks(solution)
    with pytest.raises(InputError, match="analysis: is of another problem or width"):
        landing(result, analyse(FLAGSHIP, 1))
    with pytest.raises(InputError, match="analysis: is of another problem or width"):
        landing(result, analyse(example("opposite-preference"), WIDTH))
    with pytest.raises(InputError, match="analysis: is of the loss 1/10"):
        landing(result, analyse(FLAGSHIP, WIDTH, level=Fraction(1, 10)))
    with pytest.raises(InputError, match="tolerance: 0.02 times .* barrier .* is 32/45"):
        landing(result, flagship_analysis(), tolerance=0.02)
    away, analysis = of_another_sign()
    with pytest.raises(BudgetError, match="max_assignments=2"):
        landing(away, analysis, tolerance=1e-5, max_assignments=1)
