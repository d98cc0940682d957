"""Training with every loss, with weights, output biases and linear parts: against torch alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch
from quadratic_forms import formed
from torch import Tensor
from torch.nn import functional

from numerics.training.loop import BatchLoss, TrainingResult, landing, train, train_together
from numerics.training.losses import Terms
from numerics.training.optimizers import (
    OPTIMIZERS,
    AdamWUpdate,
    Optimizer,
    Schedule,
    polar_factor,
)
from numerics.training.runs import Runs, located
from theory.errors import InputError, Interrupted
from theory.geometry import geometry
from theory.landscape import analyse
from theory.landscape.ends import Ends, summary
from theory.landscape.valleys import valleys
from theory.losses import SQUARED, Custom, Loss
from theory.network import Network
from theory.problem import Problem
from theory.within import Ball, Penalty

# What torch users write, by the names of the losses.
OF_TORCH: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "squared": lambda f, y: functional.mse_loss(f, y, reduction="none") / 2,
    "absolute": lambda f, y: functional.l1_loss(f, y, reduction="none"),
    "quantile:1/4": lambda f, y: 0.25 * torch.relu(y - f) + 0.75 * torch.relu(f - y),
    "epsilon:1/10": lambda f, y: torch.relu(torch.abs(f - y) - 0.1),
    "huber:1/2": lambda f, y: functional.huber_loss(f, y, reduction="none", delta=0.5),
    "hinge": lambda f, y: torch.relu(1 - y * f),
    "squared_hinge": lambda f, y: torch.relu(1 - y * f) ** 2,
    "logistic": lambda f, y: functional.binary_cross_entropy_with_logits(
        f, (y + 1) / 2, reduction="none"
    ),
}
LOSSES = list(OF_TORCH)
ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": torch.relu,
    "leaky_relu:1/10": torch.nn.LeakyReLU(0.1),
    "abs": torch.abs,
}

X = [[1, 2, -1], [0, -1, 3], [-2, 1, 1], [1, 1, 1], [3, 0, -2]]
Y = [1, -1, -1, 1, 1]
WEIGHTS: list[Fraction | int] = [1, 3, Fraction(1, 2), 2, 1]
WIDTH, RHO = 2, 4
# The rate is irrational, so that a fit of biases alone, a sum of steps, never is at a kink of a
# loss, where rounding would choose the slope. The decay is 1 / sqrt(RHO).
RATE, DECAY = 2**0.5 / 70, 0.5
STEPS = 40


def problem_of(loss: str, **more: Any) -> Problem:
    """With all that a problem may have."""
    full = {"weights": WEIGHTS, "output_bias": True, "skip": True, **more}
    return Problem(X, Y, width=WIDTH, loss=loss, **full)


def within_of(optimizer: str) -> Ball | Penalty:
    return Penalty("1/2") if optimizer == "sgd" else Ball(optimizer, RHO)


def reference_loss(problem: Problem, layers: Sequence[Tensor]) -> Tensor:
    """From formulas of torch's own; layers (..., shape) as `BatchLoss` has them."""
    rows, y = (torch.tensor(np.array(v, dtype=float)) for v in (problem.X, problem.y))
    W, a, *free = layers
    fit = (ACTIVATIONS[str(problem.activation)](rows @ W) @ a[..., None])[..., 0]
    if problem.output_bias:
        fit = fit + free.pop(0)
    if problem.skip:
        fit = fit + (rows @ free.pop(0)[..., None])[..., 0]
    weights = torch.tensor([float(w) for w in problem.loss.weights or [1] * problem.n])
    return (OF_TORCH[str(problem.loss)](fit, y.expand_as(fit)) * weights.double()).sum(dim=-1)


def result_of(loss: str, optimizer: str, **options: Any) -> TrainingResult:
    return train(
        problem_of(loss), WIDTH, within_of(optimizer), **{"seeds": 3, "steps": 100, **options}
    )


# Values and slopes


@pytest.mark.parametrize("loss", LOSSES)
def test_terms_are_those_of_torch_and_of_the_theory(loss: str) -> None:
    """At the kinks too, where slopes are 0 as those of torch's abs and relu are."""
    fits = torch.tensor([-3, -1, -0.9, -0.5, 0, 0.5, 0.9, 1, 1.1, 1.5, 4], dtype=torch.float64)
    fits.requires_grad_()
    for label in (-1.0, 1.0):
        y = torch.full_like(fits, label)
        expected = OF_TORCH[loss](fits, y)
        (slopes,) = torch.autograd.grad(expected.sum(), fits)
        terms = Terms(Loss.named(loss))
        torch.testing.assert_close(terms.values(fits, y), expected)
        torch.testing.assert_close(terms.slopes(fits.detach(), y), slopes)
        theory: Any = Loss.named(loss)
        plain, targets = fits.detach().numpy(), y.numpy()
        np.testing.assert_allclose(theory.terms(plain, targets), expected.detach(), atol=1e-15)
        np.testing.assert_allclose(theory.slopes(plain, targets), slopes, atol=1e-15)


@pytest.mark.parametrize("loss", LOSSES)
def test_terms_of_fits_of_any_size_are_finite(loss: str) -> None:
    fits = torch.tensor([-1e100, -1e4, 1e4, 1e100], dtype=torch.float64)
    terms, y = Terms(Loss.named(loss)), torch.ones_like(fits)
    assert terms.values(fits, y).isfinite().all()
    assert terms.slopes(fits, y).isfinite().all()
    assert (terms.values(fits, y) >= 0).all()


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("weights", [None, WEIGHTS])
@pytest.mark.parametrize(("output_bias", "skip"), [(False, False), (True, False), (True, True)])
def test_gradients_are_those_of_autograd(
    loss: str,
    activation: str,
    weights: list[Any] | None,
    output_bias: bool,
    skip: bool,
    generator: np.random.Generator,
) -> None:
    options = {"weights": weights, "output_bias": output_bias, "skip": skip}
    problem = problem_of(loss, activation=activation, **options)
    shapes = [(3, 4), (4,), *[(1,)] * output_bias, *[(3,)] * skip]
    layers = [
        torch.from_numpy(generator.normal(size=(6, *shape))).requires_grad_() for shape in shapes
    ]
    values = reference_loss(problem, layers)
    expected = torch.autograd.grad(values.sum(), layers)
    batch = BatchLoss((problem, 6))
    with torch.no_grad():
        torch.testing.assert_close(batch.value(*layers), values.detach())
        for found, gradient in zip(batch.gradients(*layers), expected, strict=True):
            torch.testing.assert_close(found, gradient)


FORM = formed(5, 3, seed=2)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("free", [False, True])
def test_gradients_of_forms_are_those_of_autograd(
    activation: str, free: bool, generator: np.random.Generator
) -> None:
    problem = Problem(X, Y, activation=activation, output_bias=free, skip=free, form=FORM)
    shapes = [(3, 4), (4,), *[(1,), (3,)] * free]
    layers = [
        torch.from_numpy(generator.normal(size=(6, *shape))).requires_grad_() for shape in shapes
    ]
    plain = replace(problem, loss=SQUARED)
    W, a, *further = layers
    rows = torch.tensor(X, dtype=torch.float64)
    fit = (ACTIVATIONS[activation](rows @ W) @ a[..., None])[..., 0]
    if free:
        fit = fit + further[0] + (rows @ further[1][..., None])[..., 0]
    rest = fit - torch.tensor(Y, dtype=torch.float64)
    Q = torch.tensor(np.array(FORM, dtype=float))
    values = torch.einsum("sn,nk,sk->s", rest, Q, rest) / 2
    expected = torch.autograd.grad(values.sum(), layers)
    batch = BatchLoss((problem, 6))
    with torch.no_grad():
        torch.testing.assert_close(batch.value(*layers), values.detach())
        for found, gradient in zip(batch.gradients(*layers), expected, strict=True):
            torch.testing.assert_close(found, gradient)
        assert not torch.allclose(BatchLoss((plain, 6)).value(*layers), values)


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
@pytest.mark.parametrize("free", [False, True])
def test_forms_are_trained_together_with_forms_and_without(optimizer: str, free: bool) -> None:
    """Data sets of other sizes, with another form and with weights."""
    options: dict[str, Any] = {"output_bias": free}
    mixed = [
        Problem(X, Y, form=FORM, **options),
        Problem(X[:3], Y[:3], form=formed(3, 3, seed=3), **options),
        Problem(X[:4], Y[:4], weights=WEIGHTS[:4], **options),
    ]
    balls = [Ball(optimizer, rho) for rho in (2, 3, 2)]
    steps: dict[str, Any] = {"seeds": 3, "steps": 30, "cooling": 10}
    for problem, ball, result in zip(
        mixed, balls, train_together(mixed, WIDTH, balls, **steps), strict=True
    ):
        (alone,) = train_together([problem], WIDTH, [ball], **steps)
        np.testing.assert_allclose(result.W, alone.W, rtol=1e-10)
        np.testing.assert_allclose(result.loss, alone.loss, rtol=1e-10)
        exact = [float(network.loss(problem)) for network in result.networks().values()]
        np.testing.assert_allclose(result.loss, exact, rtol=1e-9)


# Step by step


def start_of(problem: Problem, within: Ball | Penalty) -> list[Tensor]:
    """The layers from which run 1 starts."""

    def stop(stage: str, steps: int) -> None:
        raise Interrupted

    result = train(problem, WIDTH, within, seeds=3, steps=1, progress=stop)
    assert not any(layer.any() for layer in result.free)
    return [torch.tensor(layer[1]) for layer in (result.W, result.a, *result.free)]


def assert_step_for_step(
    loss: str,
    optimizer: Optimizer,
    reference: Callable[[list[Tensor]], Callable[[], None]],
    **more: Any,
) -> None:
    """Run 1 of the batch is the reference, which steps layers along their .grad."""
    problem, within = problem_of(loss, **more), within_of(optimizer.name)
    layers = [layer.requires_grad_() for layer in start_of(problem, within)]
    step = reference(layers)
    for count in range(1, STEPS + 1):
        for layer in layers:
            layer.grad = None
        reference_loss(problem, layers).backward()
        step()
        result = train(
            problem,
            WIDTH,
            within,
            optimizer=optimizer,
            seeds=3,
            steps=count,
            schedule=Schedule(RATE),
        )
        ended = (result.W, result.a, *result.free)
        for found, layer in zip(ended, layers, strict=True):
            np.testing.assert_allclose(found[1], layer.detach(), rtol=1e-9, atol=1e-11)


def groups(layers: list[Tensor]) -> list[dict[str, Any]]:
    """Of torch.optim: b and c are without weight decay."""
    return [
        {"params": layers[:2], "weight_decay": DECAY},
        {"params": layers[2:], "weight_decay": 0.0},
    ]


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("loss", LOSSES)
def test_adamw_equals_torch(loss: str, activation: str) -> None:
    def reference(layers: list[Tensor]) -> Callable[[], None]:
        return torch.optim.AdamW(groups(layers), lr=RATE, betas=(0.8, 0.97), eps=1e-3).step

    update = AdamWUpdate(beta1=0.8, beta2=0.97, epsilon=1e-3)
    optimizer = Optimizer(geometry("adamw"), update, update)
    assert_step_for_step(loss, optimizer, reference, activation=activation)


@pytest.mark.parametrize("loss", LOSSES)
def test_sgd_equals_torch(loss: str) -> None:
    def reference(layers: list[Tensor]) -> Callable[[], None]:
        return torch.optim.SGD(groups(layers), lr=RATE).step

    assert_step_for_step(loss, OPTIMIZERS["sgd"], reference)


@pytest.mark.parametrize("loss", LOSSES)
def test_lion_equals_a_plain_loop(loss: str) -> None:
    """Chen et al., arXiv 2302.06675, algorithm 2."""

    def reference(layers: list[Tensor]) -> Callable[[], None]:
        momenta = [torch.zeros_like(layer) for layer in layers]

        @torch.no_grad()
        def step() -> None:
            for k, (layer, momentum) in enumerate(zip(layers, momenta, strict=True)):
                assert layer.grad is not None
                direction = torch.sign(0.9 * momentum + 0.1 * layer.grad)
                decay = DECAY if k < 2 else 0.0
                layer.copy_(layer - RATE * (direction + decay * layer))
                momentum.copy_(0.99 * momentum + 0.01 * layer.grad)

        return step

    assert_step_for_step(loss, OPTIMIZERS["lion"], reference)


@pytest.mark.parametrize("loss", ["logistic", "huber:1/2"])
@pytest.mark.parametrize("name", ["muon", "muon-adamw"])
def test_muon_leaves_biases_and_linear_parts_to_adamw(loss: str, name: str) -> None:
    """torch.optim.AdamW on b and c; W by a loop, as torch's Muon iterates in bfloat16."""

    def reference(layers: list[Tensor]) -> Callable[[], None]:
        W, a, *free = layers
        free_step = torch.optim.AdamW(free, lr=RATE, betas=(0.9, 0.95), weight_decay=0.0).step
        adamw = torch.optim.AdamW([a], lr=RATE, betas=(0.9, 0.95), weight_decay=DECAY)
        momenta = [torch.zeros_like(W), torch.zeros_like(a)]

        @torch.no_grad()
        def normalised(layer: Tensor, momentum: Tensor, unit: Callable[[Tensor], Tensor]) -> None:
            assert layer.grad is not None
            momentum.copy_(0.95 * momentum + 0.05 * layer.grad)
            ahead = 0.95 * momentum + 0.05 * layer.grad
            layer.copy_(layer - RATE * (unit(ahead) + DECAY * layer))

        def step() -> None:
            normalised(W, momenta[0], lambda g: polar_factor(g[None])[0])
            if name == "muon":
                normalised(a, momenta[1], lambda g: g / g.norm())
            else:
                adamw.step()
            free_step()

        return step

    assert_step_for_step(loss, OPTIMIZERS[name], reference)


@pytest.mark.parametrize("name", ["ngd", "colnorm-ngd"])
def test_normalised_gradients_are_those_of_each_layer(name: str) -> None:
    """b and c are two layers: each takes a step of its own length."""
    result = result_of("logistic", name, steps=1, schedule=Schedule(RATE))
    assert result.b is not None
    assert result.c is not None
    np.testing.assert_allclose(np.abs(result.b), RATE)
    np.testing.assert_allclose(np.linalg.norm(result.c, axis=1), RATE)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_neither_weight_decay_nor_a_ball_counts_what_is_free(name: str) -> None:
    """b alone fits, far outside the ball: it stays, while neurons that do nothing decay."""
    problem = Problem([[1], [-1]], [50, 50], output_bias=True, skip=True)
    start = Network(W=[[1]], a=[0], b=50, c=[0])
    within = within_of(name)
    options: dict[str, Any] = {"seeds": 1, "steps": 30, "start": start, "start_scale": 0.0}
    result = train(problem, 1, within, **options, schedule=Schedule(0.1))
    assert (result.b, result.c, result.loss) == ([50.0], [[0.0]], [0.0])
    assert result.W.item() == pytest.approx((1 - 0.1 * DECAY) ** 30)
    if result.violation is not None:
        assert result.violation == [0]


# Batches


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("name", ["adamw", "muon"])
def test_a_run_is_the_same_whatever_the_number_of_seeds(loss: str, name: str) -> None:
    many, few = (result_of(loss, name, seeds=seeds) for seeds in (37, 5))
    for found, layer in zip((few.W, few.a, *few.free), (many.W, many.a, *many.free), strict=True):
        np.testing.assert_array_equal(found, layer[:5])


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("free", [True, False])
@pytest.mark.parametrize("weights", [None, WEIGHTS])
def test_training_together_is_training_alone(
    loss: str, free: bool, weights: list[Any] | None
) -> None:
    """Data sets of different sizes, weighted and not: rows that are filled up weigh nothing."""
    full = problem_of(loss, output_bias=free, skip=free, weights=weights)
    rows = Problem(X[:3], Y[:3], loss=loss, output_bias=free, skip=free)
    balls = [Ball("adamw", 2), Ball("adamw", 3)]
    steps: dict[str, Any] = {"seeds": 3, "steps": 30, "cooling": 10}
    for problem, ball, result in zip(
        (full, rows), balls, train_together([full, rows], WIDTH, balls, **steps), strict=True
    ):
        (alone,) = train_together([problem], WIDTH, [ball], **steps)
        np.testing.assert_allclose(result.W, alone.W, rtol=1e-10)
        np.testing.assert_allclose(result.loss, alone.loss, rtol=1e-10)
        for found, layer in zip(result.free, alone.free, strict=True):
            np.testing.assert_allclose(found, layer, rtol=1e-10)


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"loss": "hinge"}, "must share one loss, not absolute, hinge"),
        ({"output_bias": True}, "must share one choice of output_bias, not False, True"),
        ({"skip": True}, "must share one choice of skip, not False, True"),
        ({"activation": "abs"}, "must share one activation, not abs, relu"),
    ],
)
def test_what_is_trained_together_is_alike(other: dict[str, Any], message: str) -> None:
    first = Problem(X, Y, loss="absolute")
    pair = [first, Problem(X, Y, **{"loss": "absolute", **other})]
    with pytest.raises(InputError, match=f"problems: {message}"):
        train_together(pair, 2, [Ball("lion", 2)] * 2, seeds=1, steps=1, cooling=1)


@pytest.mark.parametrize("loss", LOSSES)
def test_weights_are_repeated_rows(loss: str) -> None:
    weighted = Problem(X, Y, loss=loss, weights=[1, 2, 3, 1, 1], output_bias=True)
    repeats = [0, 1, 1, 2, 2, 2, 3, 4]
    repeated = Problem(
        [X[k] for k in repeats], [Y[k] for k in repeats], loss=loss, output_bias=True
    )
    first, second = (
        train(problem, WIDTH, Ball("muon", RHO), seeds=4, steps=60)
        for problem in (weighted, repeated)
    )
    for found, layer in zip((first.W, *first.free), (second.W, *second.free), strict=True):
        np.testing.assert_allclose(found, layer, rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(first.loss, second.loss, rtol=1e-7)


# Where runs end

MIXED = [[1, 2], [2, -1], [-1, 1], [-1, -2], [2, 2]]


def ending_at(problem: Problem, networks: Sequence[Network]) -> TrainingResult:
    result = train(problem, WIDTH, Ball("lion", 2), seeds=len(networks), steps=1)
    free = [
        *([np.array([[float(net.b)] for net in networks])] if problem.output_bias else []),
        *(
            [np.array([net.c or [0] * problem.d for net in networks], dtype=float)]
            if problem.skip
            else []
        ),
    ]
    return replace(
        result,
        W=np.array([net.W for net in networks], dtype=float),
        a=np.array([net.a for net in networks], dtype=float),
        free=tuple(free),
        loss=np.array([float(net.loss(problem)) for net in networks]),
    )


@pytest.mark.parametrize("loss", LOSSES)
def test_losses_and_networks_are_those_at_the_end(loss: str) -> None:
    """Exactly so, but for rounding; in the ball nothing is shrunk."""
    result = result_of(loss, "lion", steps=500)
    problem = result.config.problem
    for run, network in result.networks().items():
        assert network.b == Fraction(float(result.free[0][run, 0]))
        assert network.c == tuple(map(Fraction, result.free[1][run].tolist()))
        assert float(network.loss(problem)) == pytest.approx(result.loss[run], abs=1e-12)
        fit = np.array(network.fit(problem), dtype=float)
        neurons = problem.activation.fit(np.array(X, dtype=float), result.W[run], result.a[run])
        np.testing.assert_allclose(result.linear[run], fit - neurons, atol=1e-12)
    radius = result.config.radius
    inside = replace(
        result,
        W=result.W * (radius / np.abs(result.W).max()),
        a=result.a * (radius / np.abs(result.a).max()),
    )
    losses = [float(network.loss(problem)) for network in inside.networks().values()]
    np.testing.assert_allclose(Runs(inside).inside, losses, atol=1e-12)


def test_runs_with_a_bias_that_is_not_finite_have_diverged() -> None:
    result = train(
        Problem([[1]], [1], output_bias=True),
        1,
        Penalty("1/100"),
        seeds=2,
        steps=4000,
        schedule=Schedule(2.5),
    )
    assert result.diverged.all()
    assert result.networks() == {}


def test_losses_without_a_minimum_fall() -> None:
    """Labels that can be told apart: the least logistic loss is nowhere, and runs go on."""
    problem = Problem([[1, 0], [0, 1], [-1, -1]], [1, 1, -1], loss="logistic", output_bias=True)
    slow: dict[str, Any] = {"seeds": 8, "schedule": Schedule(0.5)}
    first, last = (
        train(problem, 6, Penalty("1/100000000"), steps=steps, **slow) for steps in (200, 20_000)
    )
    told = first.loss < 0.1
    assert told.sum() >= 4
    assert (last.loss[told] < first.loss[told] / 10).all()
    assert (last.loss > 0).all()
    assert not last.diverged.any()


@pytest.mark.parametrize(
    ("loss", "more"),
    [
        ("squared", {"weights": WEIGHTS}),
        ("squared", {"output_bias": True}),
        ("huber:1/2", {"weights": WEIGHTS}),
        ("hinge", {"output_bias": True}),
        ("absolute", {}),
        ("epsilon:1/10", {}),
        ("squared_hinge", {"skip": True}),
    ],
)
def test_exact_minima_land_in_their_component(loss: str, more: dict[str, Any]) -> None:
    """Rescaled and permuted too; what is further above the least loss has not arrived."""
    problem = Problem(MIXED, Y, loss=loss, **more)
    analysis = analyse(problem, WIDTH)
    networks = [
        Network(
            W=[[v / scale for v in row] for row in network.W],
            a=[v * scale for v in network.a],
            b=network.b,
            c=network.c,
        )
        for component in analysis.components
        for network in (component.representative, component.representative.permuted([1, 0]))
        for scale in (1, 4)
    ]
    result = ending_at(problem, networks)
    landed = landing(result, analysis)
    assert landed.converged.all()
    expected = [component.id for component in analysis.components for _ in range(4)]
    assert landed.component.tolist() == expected
    assert landed.distance.max() < 1e-9
    away = replace(result, loss=result.loss + 2.1e-5 * float(problem.zero))
    assert not landing(away, analysis).converged.any()
    near = replace(result, loss=result.loss + 1.9e-5 * float(problem.zero))
    assert landing(near, analysis).converged.all()
    assert located(near, analysis).at_minimum == len(networks)


@pytest.mark.parametrize(
    ("optimizer", "loss", "more"),
    [
        ("lion", "hinge", {}),
        ("lion", "squared", {"weights": WEIGHTS, "output_bias": True}),
        ("adamw", "huber:1/2", {"skip": True}),
        ("adamw", "absolute", {"output_bias": True}),
        ("muon", "squared", {"weights": WEIGHTS}),
        ("muon", "huber:1/2", {}),
    ],
)
def test_bottoms_of_valleys_have_their_names(
    optimizer: str, loss: str, more: dict[str, Any]
) -> None:
    """With what b and c add to their fits, and not without; higher points of the cell move."""
    problem = Problem(MIXED, Y, loss=loss, **more)
    tree = valleys(problem, WIDTH, within=Ball(optimizer, 1))
    networks = [valley.representative for valley in tree.valleys]
    result = ending_at(problem, networks)
    naming = Ends(tree, step=0.0)
    for valley, end in zip(tree.valleys, naming.of(result.W, result.a, result.linear), strict=True):
        assert (end.kind in ("global", "valley"), end.valley) == (True, valley.id)
        assert end.loss == pytest.approx(float(valley.birth), abs=1e-7)
        assert end.above == pytest.approx(0, abs=1e-7)
    assert {end.kind for end in naming.of(0.9 * result.W, result.a, result.linear)} == {"moving"}
    if problem.output_bias or problem.skip:
        without = naming.of(result.W, result.a)
        moved = np.abs(result.linear).max(axis=1) > 0.01
        assert moved.any()
        assert all(end.kind == "moving" for end, each in zip(without, moved, strict=True) if each)


@pytest.mark.parametrize("loss", ["hinge", "huber:1/2", "logistic"])
def test_runs_are_named_where_there_is_a_tree(loss: str) -> None:
    """Names are of losses as low as the run's, and theorems where runs are in valleys."""
    problem = Problem(MIXED, Y, loss=loss)
    ball = Ball("lion", 1)
    runs = Runs(train(problem, WIDTH, ball, seeds=16, steps=4000))
    named = runs.named(valleys(problem, WIDTH, within=ball))
    assert named.ends is not None
    found = summary(named.ends)
    assert sum(found["global"].values()) + sum(found["valleys"].values()) >= 4
    for run, end in enumerate(named.ends):
        if end.loss is not None:
            assert float(end.loss) == pytest.approx(named.result.loss[run], abs=2e-2)
    assert named.proved <= {run for run, end in enumerate(named.ends) if end.valley is not None}
    assert named.proved


def test_a_loss_of_ones_own_is_refused() -> None:
    problem = Problem([[1]], [1], loss=Custom(build=lambda f, y: (f - y).sum()))
    with pytest.raises(InputError, match="loss: is custom; networks are trained with the named"):
        train(problem, 1, Ball("lion", 1), seeds=1, steps=1)


def test_a_start_with_a_bias_needs_a_problem_with_one() -> None:
    start = Network(W=[[1], [1]], a=[1], b=1)
    with pytest.raises(InputError, match="b: 1 must be 0: the problem has no output bias"):
        train(Problem([[1, 1]], [1]), 1, Ball("lion", 1), seeds=1, steps=1, start=start)
