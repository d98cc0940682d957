"""Hidden biases in training: decayed with W, by AdamW with decay, or free; step by step against
`torch.nn.Linear` layers and torch's optimizers."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
import torch
from torch import Tensor

from numerics.training.loop import TrainingResult, train, train_together
from numerics.training.optimizers import OPTIMIZERS, Schedule, polar_factor
from theory.errors import InputError
from theory.geometry import Apart, geometry
from theory.network import Network
from theory.problem import Problem
from theory.within import Ball, Penalty

DATA = Problem([[1, -1], [2, 0], [0, 3], [-1, "1/2"]], [1, -2, "1/2", 3])
RHO = Fraction(4)  # R_W = R_a = 2, weight decay 1/2
DECAY, RATE, WIDTH, STEPS = 0.5, 0.01, 3, 12
START = Network(
    W=[["1/2", -1, "1/3"], ["3/4", "1/5", -1], ["1/4", "1/2", "-1/3"]], a=[1, "-1/2", "3/4"]
)


def trained(name: str, bias: str, steps: int, rate: float = RATE) -> TrainingResult:
    return train(
        DATA.with_bias(bias),
        WIDTH,
        Ball(name, RHO),
        seeds=1,
        steps=steps,
        start=START,
        start_scale=0.0,
        schedule=Schedule(rate),
    )


def layers() -> tuple[torch.nn.Linear, torch.nn.Linear]:
    """What `Network.from_torch` makes START of."""
    hidden = torch.nn.Linear(2, WIDTH, dtype=torch.float64)
    output = torch.nn.Linear(WIDTH, 1, bias=False, dtype=torch.float64)
    W = torch.tensor(np.array(START.W, dtype=float))
    with torch.no_grad():
        hidden.weight.copy_(W[:-1].T)
        hidden.bias.copy_(W[-1])
        output.weight.copy_(torch.tensor([[float(v) for v in START.a]]))
    return hidden, output


def assert_step_for_step(
    name: str,
    bias: str,
    reference: Callable[[Tensor, Tensor, Tensor], Callable[[], None]],
) -> None:
    """reference: the step of V (m, d), of the biases (m,) and of a (1, m), from their gradients."""
    hidden, output = layers()
    X, y = (torch.tensor(np.array(each, dtype=float)) for each in (DATA.X, DATA.y))
    step = reference(hidden.weight, hidden.bias, output.weight)
    for _ in range(STEPS):
        hidden.zero_grad()
        output.zero_grad()
        loss = (output(torch.relu(hidden(X)))[:, 0] - y).square().sum() / 2
        loss.backward()
        step()
    result = trained(name, bias, STEPS)
    expected = Network.from_torch(hidden, output)
    found = result.networks()[0]
    for mine, theirs in zip((*found.W, found.a), (*expected.W, expected.a), strict=True):
        assert [float(v) for v in mine] == pytest.approx([float(v) for v in theirs], abs=1e-12)


def adamw(parameters: list[Tensor], decay: float) -> Callable[[], None]:
    return torch.optim.AdamW(
        parameters, lr=RATE, betas=(0.9, 0.95), eps=1e-8, weight_decay=decay
    ).step


def together(*steps: Callable[[], object]) -> Callable[[], None]:
    def step() -> None:
        for each in steps:
            each()

    return step


def muon_step(layer: Tensor, unit: Callable[[Tensor], Tensor]) -> Callable[[], None]:
    """With Nesterov momentum 0.95 and weight decay."""
    momentum = torch.zeros_like(layer)

    @torch.no_grad()
    def step() -> None:
        assert layer.grad is not None
        momentum.copy_(0.95 * momentum + 0.05 * layer.grad)
        ahead = 0.95 * momentum + 0.05 * layer.grad
        layer.copy_(layer - RATE * (unit(ahead) + DECAY * layer))

    return step


@pytest.mark.parametrize("bias", ["default", "decayed", "adamw"])
def test_adamw_decays_biases_as_torch_does(bias: str) -> None:
    """One parameter group: the default of torch.optim.AdamW; the bound of AdamW is there anyhow."""
    assert_step_for_step("adamw", bias, lambda V, b, a: adamw([V, b, a], DECAY))


def test_adamw_without_decay_of_biases() -> None:
    """Two parameter groups, as is usual with torch."""
    assert_step_for_step(
        "adamw", "free", lambda V, b, a: together(adamw([V, a], DECAY), adamw([b], 0.0))
    )


@pytest.mark.parametrize(("bias", "decay"), [("default", DECAY), ("adamw", DECAY), ("free", 0.0)])
@pytest.mark.parametrize("name", ["muon", "muon-adamw"])
def test_muon_leaves_biases_to_adamw(name: str, bias: str, decay: float) -> None:
    def reference(V: Tensor, b: Tensor, a: Tensor) -> Callable[[], None]:
        output = adamw([a], DECAY)
        if name == "muon":
            output = muon_step(a, lambda g: g / g.norm())
        hidden = muon_step(V, lambda g: polar_factor(g[None])[0])
        return together(hidden, adamw([b], decay), output)

    assert_step_for_step(name, bias, reference)


def test_decayed_biases_are_a_row_of_the_matrix() -> None:
    plain = Problem(DATA.with_bias().X, DATA.y)
    for name in ("muon", "lion", "ngd", "colnorm"):
        found = [
            train(problem, WIDTH, Ball(name, RHO), seeds=3, steps=20, schedule=Schedule(RATE))
            for problem in (plain, DATA.with_bias("decayed"))
        ]
        assert np.array_equal(found[0].W, found[1].W)
        assert np.array_equal(found[0].gap, found[1].gap)


@pytest.mark.parametrize("name", [name for name in OPTIMIZERS if name != "sgd"])
def test_free_biases_do_not_decay(name: str) -> None:
    """Where nothing is to be learnt W and a shrink, and biases stay as they are."""
    flat = Problem([[1], [2]], [0, 0]).with_bias("free")
    start = Network(W=[[1], [-5]], a=[1])  # dead on all data
    result = train(
        flat,
        1,
        Ball(name, 1),
        seeds=1,
        steps=10,
        start=start,
        start_scale=0.0,
        schedule=Schedule(0.1),
    )
    assert result.W[0, 1, 0] == -5
    assert result.W[0, 0, 0] == pytest.approx(0.9**10)


def test_biases_apart_from_ngd_are_adamws_too() -> None:
    """Their first step is one of the learning rate, whatever the rest does."""
    steps = [trained(name, "adamw", 1).W[0, -1] for name in ("muon", "ngd", "ngd-adamw")]
    assert np.allclose(steps[1:], steps[0], rtol=0, atol=1e-12)
    assert not np.allclose(trained("ngd", "decayed", 1).W[0, -1], steps[0], rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", ["muon", "muon-adamw", "ngd", "ngd-adamw"])
def test_the_ball_of_bounded_biases(name: str) -> None:
    """Far outside a run comes near it at the rate of its weight decay; violation and gap are those
    of the norm with biases apart."""
    result = trained(name, "adamw", 2000, 0.01)
    hidden = result.config.optimizer.geometry.ball.hidden
    assert isinstance(hidden, Apart)
    assert hidden.rest == geometry(name).ball.hidden
    radius = result.config.radius
    assert np.abs(result.W[:, -1]).max() <= radius * 1.01
    assert result.violation is not None
    V = geometry(name).ball.hidden.value(result.W[0, :-1])
    layers_ = [V, np.abs(result.W[0, -1]).max(), geometry(name).ball.output.value(result.a)[0]]
    assert result.violation[0] == pytest.approx(max(0.0, max(layers_) / radius - 1))
    assert result.gap is not None
    assert math.isfinite(result.gap[0])
    free = trained(name, "free", 200)
    assert free.gap is not None
    assert math.isfinite(free.gap[0])


def test_treatments_that_are_not_known_are_refused() -> None:
    with pytest.raises(InputError, match=r"^bias: as adamw's in the ball of colnorm is not known"):
        trained("colnorm", "adamw", 1)
    with pytest.raises(InputError, match=r"^bias: is free, but sgd decays all"):
        train(DATA.with_bias("free"), 2, Penalty(1), seeds=1, steps=1)
    with pytest.raises(InputError, match=r"^problems: must share one rule for biases, not "):
        train_together(
            [DATA.with_bias("free"), DATA.with_bias("adamw")],
            2,
            [Ball("muon", 1)] * 2,
            seeds=1,
            steps=1,
            cooling=2,
        )
