"""Update rules against torch.optim and plain loops, and the balls that weight decay keeps."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
import torch
from torch import Tensor

from numerics.training.loop import TrainingResult, train
from numerics.training.optimizers import (
    OPTIMIZERS,
    AdamWUpdate,
    LionKUpdate,
    Optimizer,
    Schedule,
    normalised,
    normalised_columns,
    polar_factor,
)
from theory.errors import InputError, Interrupted
from theory.geometry import geometry as geometry_named
from theory.geometry import names
from theory.problem import Problem
from theory.within import Ball, Penalty

PROBLEM = Problem(X=[[1, 2, -1], [0, -1, 3], [-2, 1, 1], [1, 1, 1]], y=[1, -2, 3, 1])
WIDTH = 2  # less than the 3 features: torch.optim.Muon then scales its step
RHO = 4
LEARNING_RATE, WEIGHT_DECAY = 0.02, 0.5
STEPS = 40
BALLS = [name for name in names() if name != "sgd"]


def stop(stage: str, steps: int) -> None:
    raise Interrupted


def runs(optimizer: Optimizer, steps: int) -> TrainingResult:
    schedule = Schedule(initial=LEARNING_RATE)
    within = Penalty("1/2") if optimizer.name == "sgd" else Ball(optimizer.name, RHO)
    return train(
        PROBLEM, WIDTH, within, optimizer=optimizer, seeds=3, steps=steps, schedule=schedule
    )


def start() -> tuple[Tensor, Tensor]:
    """The weights from which run 1 of `runs` starts."""
    result = train(PROBLEM, WIDTH, Ball("adamw", RHO), seeds=3, steps=1, progress=stop)
    return torch.tensor(result.W[1]), torch.tensor(result.a[1])


def loss(W: Tensor, a: Tensor) -> Tensor:
    X, y = (torch.tensor(np.array(v, dtype=float)) for v in (PROBLEM.X, PROBLEM.y))
    return ((torch.relu(X @ W) @ a - y) ** 2).sum() / 2


def assert_step_for_step(
    optimizer: Optimizer, reference: Callable[[Tensor, Tensor], Callable[[], None]]
) -> None:
    """Run 1 of the batch equals the reference, which steps W and a along their .grad."""
    W, a = (layer.requires_grad_() for layer in start())
    step = reference(W, a)
    for count in range(1, STEPS + 1):
        W.grad = a.grad = None
        loss(W, a).backward()
        step()
        result = runs(optimizer, count)
        np.testing.assert_allclose(result.W[1], W.detach(), rtol=1e-10, atol=1e-12)
        np.testing.assert_allclose(result.a[1], a.detach(), rtol=1e-10, atol=1e-12)


def test_adamw_equals_torch() -> None:
    update = AdamWUpdate(beta1=0.8, beta2=0.97, epsilon=1e-3)

    def reference(W: Tensor, a: Tensor) -> Callable[[], None]:
        optimizer = torch.optim.AdamW(
            [W, a], lr=LEARNING_RATE, betas=(0.8, 0.97), eps=1e-3, weight_decay=WEIGHT_DECAY
        )
        return optimizer.step

    assert_step_for_step(Optimizer(geometry_named("adamw"), update, update), reference)


def test_defaults_of_the_adamw_update_are_those_of_torch() -> None:
    defaults = torch.optim.AdamW([torch.zeros(1)]).defaults
    update = AdamWUpdate()
    assert ((update.beta1, update.beta2), update.epsilon) == (defaults["betas"], defaults["eps"])


def newton_schulz(g: Tensor, dtype: torch.dtype) -> Tensor:
    """The polar factors of g (S, d, m), nearly, as `torch.optim.Muon` has them: K. Jordan,
    https://kellerjordan.github.io/posts/muon/ (2024)."""
    a, b, c = 3.4445, -4.775, 2.0315
    tall = g.shape[-2] > g.shape[-1]
    Q = g.to(dtype)
    Q = Q.mT if tall else Q
    Q = Q / torch.linalg.vector_norm(Q, dim=(-2, -1), keepdim=True).clamp_min(1e-7)
    for _ in range(5):
        gram = Q @ Q.mT
        Q = torch.baddbmm(Q, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), Q, beta=a)
    return (Q.mT if tall else Q).to(g.dtype)


@pytest.mark.parametrize("nesterov", [True, False])
def test_muon_equals_torch(nesterov: bool) -> None:
    """With AdamW on the output layer, as in practice; torch iterates in bfloat16."""
    momentum = 0.9
    taller = math.sqrt(PROBLEM.d / WIDTH)

    def subgradient(g: Tensor) -> Tensor:
        return taller * newton_schulz(g, torch.bfloat16)

    def reference(W: Tensor, a: Tensor) -> Callable[[], None]:
        muon = torch.optim.Muon(
            [W],
            lr=LEARNING_RATE,
            weight_decay=WEIGHT_DECAY,
            momentum=momentum,
            nesterov=nesterov,
        )
        adamw = torch.optim.AdamW([a], lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY)

        def step() -> None:
            muon.step()
            adamw.step()

        return step

    mixed = momentum**2 if nesterov else momentum
    hidden = LionKUpdate(subgradient, beta1=mixed, beta2=momentum)
    optimizer = Optimizer(geometry_named("muon-adamw"), hidden, AdamWUpdate())
    assert_step_for_step(optimizer, reference)


def test_lion_equals_a_plain_loop() -> None:
    """Chen et al., Symbolic Discovery of Optimization Algorithms, arXiv 2302.06675, algorithm 2."""

    def reference(W: Tensor, a: Tensor) -> Callable[[], None]:
        layers = [W, a]
        momenta = [torch.zeros_like(layer) for layer in layers]

        @torch.no_grad()
        def step() -> None:
            for layer, momentum in zip(layers, momenta, strict=True):
                assert layer.grad is not None
                direction = torch.sign(0.9 * momentum + 0.1 * layer.grad)
                layer.copy_(layer - LEARNING_RATE * (direction + WEIGHT_DECAY * layer))
                momentum.copy_(0.99 * momentum + 0.01 * layer.grad)

        return step

    assert_step_for_step(OPTIMIZERS["lion"], reference)


def normalised_gradients(layer: Tensor, *, columns: bool = False) -> Callable[[], None]:
    """theta <- theta - lr (g / ||g|| + weight_decay theta), of the layer or of each column."""

    @torch.no_grad()
    def step() -> None:
        g = layer.grad
        assert g is not None
        size = g.norm(dim=0, keepdim=True) if columns else g.norm()
        unit = torch.where(size > 0, g / size, 0.0)  # dead neurons have no gradient
        layer.copy_(layer - LEARNING_RATE * (unit + WEIGHT_DECAY * layer))

    return step


def adamw_of_torch(layer: Tensor) -> Callable[[], None]:
    return torch.optim.AdamW(
        [layer], lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY, betas=(0.9, 0.95)
    ).step


@pytest.mark.parametrize(
    ("name", "hidden", "output"),
    [
        ("adamw-ngd", adamw_of_torch, normalised_gradients),
        ("ngd-adamw", normalised_gradients, adamw_of_torch),
        ("colnorm-ngd", partial(normalised_gradients, columns=True), normalised_gradients),
    ],
)
def test_pairs_update_each_layer_by_its_own_rule(
    name: str,
    hidden: Callable[[Tensor], Callable[[], None]],
    output: Callable[[Tensor], Callable[[], None]],
) -> None:
    def reference(W: Tensor, a: Tensor) -> Callable[[], None]:
        steps = hidden(W), output(a)

        def step() -> None:
            for each in steps:
                each()

        return step

    assert_step_for_step(OPTIMIZERS[name], reference)


def test_sgd_equals_torch() -> None:
    """Without momentum decoupled weight decay is the gradient of the penalty."""

    def reference(W: Tensor, a: Tensor) -> Callable[[], None]:
        return torch.optim.SGD([W, a], lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY).step

    assert_step_for_step(OPTIMIZERS["sgd"], reference)


def test_names_are_those_of_the_geometries() -> None:
    assert set(OPTIMIZERS) == set(names())
    assert all(optimizer.name == name for name, optimizer in OPTIMIZERS.items())


@pytest.mark.parametrize("name", ["lion", "signsgd", "muon", "ngd", "colnorm", "colnorm-ngd"])
def test_direction_is_the_oracle_of_the_ball(name: str, generator: np.random.Generator) -> None:
    """From fresh momentum the step is -lr times the unit ball's extreme point for the gradient."""
    optimizer, ball = OPTIMIZERS[name], geometry_named(name).ball
    W, a = generator.normal(size=(5, 3, 2)), generator.normal(size=(5, 2))
    W[0], a[0] = 0, 0
    W[1] = np.outer(W[1, :, 0], a[1])  # of rank one
    for layer, update, norm in (
        (W, optimizer.hidden, ball.hidden),
        (a, optimizer.output, ball.output),
    ):
        gradient = torch.from_numpy(layer)
        direction = update.start(gradient)(gradient).numpy()
        np.testing.assert_allclose(direction, -norm.lmo(layer, 1.0), atol=1e-12)


# By Cauchy-Schwarz an entry of AdamW's direction is at most this, with its default momenta here:
# (1 - beta1) / sqrt((1 - beta2) (1 - beta1^2 / beta2)).
ADAMW_EXCESS = 0.1 / math.sqrt(0.05 * (1 - 0.81 / 0.95)) - 1


@pytest.mark.parametrize("name", BALLS)
@pytest.mark.parametrize("step_size", [0.3, 1.0])  # lr * weight decay
def test_weight_decay_keeps_the_ball(
    name: str, step_size: float, generator: np.random.Generator
) -> None:
    """Once inside, always inside where lr * weight_decay <= 1, whatever the gradients."""
    optimizer, ball, radius, batch = OPTIMIZERS[name], geometry_named(name).ball, 3.0, 4
    slack = ADAMW_EXCESS if "adamw" in name else 0.0
    for shape, update, norm in (
        ((3, 2), optimizer.hidden, ball.hidden),
        ((2,), optimizer.output, ball.output),
    ):
        layer = torch.zeros(batch, *shape, dtype=torch.float64)
        drift = torch.from_numpy(generator.normal(size=(batch, *shape)))
        direction = update.start(layer)
        for _ in range(60):
            gradient = drift + torch.from_numpy(generator.normal(size=(batch, *shape)))
            layer.mul_(1 - step_size).sub_(direction(gradient), alpha=step_size * radius)
            assert norm.value(layer.numpy()).max() <= radius * (1 + slack + 1e-12)
        assert norm.value(layer.numpy()).max() > radius / 2  # they have used the ball


@pytest.mark.parametrize("name", BALLS)
def test_runs_come_into_the_ball(name: str) -> None:
    """From outside the distance to the ball shrinks by 1 - lr * weight_decay a step."""
    radius, steps, step_size = 0.5, 200, 0.05
    result = train(
        PROBLEM,
        WIDTH,
        Ball(name, "1/4"),
        seeds=8,
        steps=steps,
        schedule=Schedule(initial=step_size * radius),
        start_scale=20.0,
    )
    assert result.violation is not None
    slack = ADAMW_EXCESS if "adamw" in name else 0.0
    assert result.violation.max() < slack + 200 * (1 - step_size) ** steps


def test_polar_factor(generator: np.random.Generator) -> None:
    for shape in ((2, 2), (3, 2), (2, 5), (1, 3), (4, 4)):
        g = torch.from_numpy(generator.normal(size=(6, *shape)))
        factor = polar_factor(g)
        singular = np.linalg.svd(factor.numpy(), compute_uv=False)
        np.testing.assert_allclose(singular, 1, atol=1e-12)
        product = (factor.mT @ g).numpy()  # symmetric and positive semidefinite
        np.testing.assert_allclose(product, np.swapaxes(product, 1, 2), atol=1e-12)
        assert np.linalg.eigvalsh(product).min() > -1e-12


def test_polar_factor_of_degenerate_matrices() -> None:
    """It keeps the rank; matrices that are not finite leave the others alone."""
    rank_one = torch.tensor([[3.0, 4.0], [6.0, 8.0]], dtype=torch.float64)
    bad = torch.tensor([[math.nan, 0.0], [0.0, 1.0]], dtype=torch.float64)
    factors = polar_factor(torch.stack([rank_one, torch.zeros_like(bad), bad, bad.nan_to_num(1.0)]))
    torch.testing.assert_close(factors[0], rank_one / math.sqrt(125))
    assert torch.equal(factors[1], torch.zeros_like(bad))
    assert torch.equal(factors[2], torch.zeros_like(bad))
    torch.testing.assert_close(factors[3], torch.eye(2, dtype=torch.float64))


@pytest.mark.parametrize("scale", [1.0, 1e-300, 1e300])
def test_polar_factor_of_two_by_two_is_that_of_the_decomposition(
    scale: float, generator: np.random.Generator
) -> None:
    """Of all ranks: a row of zeros below asks for the decomposition of the same matrix."""
    columns, rows = generator.normal(size=(2, 40, 2, 1))
    one = columns * np.swapaxes(rows, 1, 2)
    dead = one * [1.0, 0.0]
    matrices = [generator.normal(size=(40, 2, 2)), one, one + 1e-9 * np.eye(2), dead, 0 * one]
    g = scale * torch.from_numpy(np.concatenate(matrices))
    decomposed = polar_factor(torch.nn.functional.pad(g, (0, 0, 0, 1)))
    torch.testing.assert_close(polar_factor(g), decomposed[:, :2], atol=1e-14, rtol=0)


@pytest.mark.parametrize("shape", [(2, 2), (3, 2), (2, 5)])
def test_newton_schulz_is_nearly_the_polar_factor(
    shape: tuple[int, int], generator: np.random.Generator
) -> None:
    """The singular vectors are those of g; the singular values are between 0.65 and 1.25."""
    g = torch.from_numpy(generator.normal(size=(20, *shape)))
    approximate = newton_schulz(g, g.dtype)
    singular = np.linalg.svd(approximate.numpy(), compute_uv=False)
    assert singular.min() > 0.65
    assert singular.max() < 1.25
    symmetric = (approximate.mT @ polar_factor(g)).numpy()
    np.testing.assert_allclose(symmetric, np.swapaxes(symmetric, 1, 2), atol=1e-9)


def test_normalisations() -> None:
    g = torch.tensor([[[3.0, 0.0], [4.0, 0.0]], [[0.0, 0.0], [0.0, 0.0]]], dtype=torch.float64)
    assert torch.equal(normalised(g), g / 5)
    assert torch.equal(normalised_columns(3 * g), g / 5)
    wide = torch.tensor([[[3.0, 5.0], [4.0, 12.0]]], dtype=torch.float64)
    torch.testing.assert_close(
        normalised_columns(wide), torch.tensor([[[0.6, 5 / 13], [0.8, 12 / 13]]]).double()
    )


@pytest.mark.parametrize("size", [1e-140, 1e-150, 1e-160, 1e-200, 1e-320])
def test_normalisation_lengthens_nothing_beyond_one(size: float) -> None:
    """The momentum of a dead neuron decays until its square underflows."""
    g = torch.tensor([[[3.0, 0.0], [4.0, 0.0]]], dtype=torch.float64) * size
    for direction in (normalised(g), normalised_columns(g)):
        assert torch.linalg.vector_norm(direction) <= 1 + 1e-12
    if size == 1e-140:
        torch.testing.assert_close(normalised(g), g / (5 * size))


def test_schedule() -> None:
    schedule = Schedule(initial=0.1, horizon=10, power=0.5)
    assert schedule(0) == 0.1
    assert schedule(30) == pytest.approx(0.05)
    assert Schedule(initial=0.3)(1000) == 0.3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"initial": 0.0}, "initial: 0.0 must be positive and finite"),
        ({"initial": math.nan}, "initial: nan must be positive"),
        ({"initial": 1.0, "horizon": -1.0}, "horizon: -1.0 must be positive"),
        ({"initial": 1.0, "power": 1.5}, "power: 1.5 must be in .0, 1."),
        ({"initial": 1.0, "power": -0.5}, "power: -0.5 must be in"),
    ],
)
def test_schedule_errors(arguments: dict[str, float], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Schedule(**arguments)
