"""Muon: torch's own step, and what directions are, whatever they are taken together with."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("transformers")

import torch
from torch import Tensor, nn

from numerics.gpt2.muon import Muon, newton_schulz

SHAPES = [(16, 16), (48, 16), (16, 16), (16, 48), (48, 16), (1, 5), (7, 1)]
OPTIONS: dict[str, Any] = {"lr": 0.03, "weight_decay": 0.1, "momentum": 0.95}


def drawn(seed: int) -> list[Tensor]:
    """Matrices of all shapes, as transposed views, which those of GPT-2 are."""
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(i, o, generator=generator).T for o, i in SHAPES]


def test_a_step_is_torchs() -> None:
    """Momenta to the bit; directions to bfloat16, whose sums may be taken in another order."""
    ours, theirs = ([nn.Parameter(weight) for weight in drawn(0)] for _ in range(2))
    optimizer, reference = Muon(ours, **OPTIONS), torch.optim.Muon(theirs, **OPTIONS)
    for step in range(3):
        begun = [weight.detach().clone() for weight in theirs]
        for mine, their, gradient in zip(ours, theirs, drawn(step + 1), strict=True):
            mine.grad, their.grad = gradient.clone(), gradient.clone()
        optimizer.step()
        reference.step()
        for mine, their, before in zip(ours, theirs, begun, strict=True):
            moved = (their - before).norm()
            assert (mine - their).norm() <= 0.03 * moved
            momentum = reference.state[their]["momentum_buffer"]
            assert torch.equal(optimizer.state[mine]["momentum_buffer"], momentum)
            with torch.no_grad():
                mine.copy_(their)


def test_weights_without_a_gradient_stay() -> None:
    weights = [nn.Parameter(weight) for weight in drawn(0)]
    before = [weight.detach().clone() for weight in weights]
    optimizer = Muon(weights, **OPTIONS)
    weights[1].grad = torch.randn(SHAPES[1])
    optimizer.step()
    moved = [not torch.equal(weight, old) for weight, old in zip(weights, before, strict=True)]
    assert moved == [k == 1 for k in range(len(SHAPES))]


@pytest.mark.parametrize("shape", [(24, 24), (48, 12), (12, 48)])
def test_directions_are_nearly_polar_factors(shape: tuple[int, int]) -> None:
    torch.manual_seed(0)
    count = min(shape)
    left, _, right = torch.linalg.svd(torch.randn(5, *shape), full_matrices=False)
    matrices = left * torch.linspace(1, 0.3, count) @ right
    inner = left.mT @ newton_schulz(matrices) @ right.mT
    values = inner.diagonal(dim1=1, dim2=2)
    assert 0.65 < values.min() < values.max() < 1.25
    assert (inner - torch.diag_embed(values)).abs().max() < 0.05


def test_each_direction_is_its_matrix_s_own() -> None:
    """In any order, at any scale, among zeros."""
    torch.manual_seed(0)
    matrices = torch.randn(4, 6, 9)
    found, order = newton_schulz(matrices), torch.tensor([2, 0, 3, 1])
    assert torch.equal(newton_schulz(matrices[order]), found[order])
    assert torch.equal(newton_schulz(4.0 * matrices), found)
    matrices[1] = 0
    found[1] = 0
    assert torch.equal(newton_schulz(matrices), found)
