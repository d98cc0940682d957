"""Kaon: what it keeps of the momentum, what it scrambles, and how long its steps are."""

from __future__ import annotations

import math

import pytest

pytest.importorskip("transformers")

import torch
from torch import Tensor, nn

from numerics.gpt2.kaon import HIGHEST, LENGTH, Kaon, scrambled

SHAPES = [(64, 64), (96, 24), (24, 96)]


def with_spectrum(shape: tuple[int, int], values: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """A matrix with these singular values, and its singular vectors."""
    torch.manual_seed(0)
    left, _, right = torch.linalg.svd(torch.randn(shape), full_matrices=False)
    return left * values @ right, left, right


def spread(count: int) -> Tensor:
    """Over three decades, as momenta have them."""
    return 10 ** torch.linspace(0, -3, count)


def test_the_map_never_leaves_its_interval() -> None:
    assert pytest.approx(max(f(k / 1000) for k in range(1001))) == HIGHEST
    assert max(f(HIGHEST * k / 1000) for k in range(1001)) <= HIGHEST


def f(s: float) -> float:
    return 4.1 * (1 - s * s) ** 2 * s


@pytest.mark.parametrize("shape", SHAPES)
def test_singular_directions_are_kept(shape: tuple[int, int]) -> None:
    """In the bases of the momentum the direction is diagonal, up to bfloat16."""
    matrix, left, right = with_spectrum(shape, spread(min(shape)))
    inner = left.T @ scrambled(matrix[None])[0] @ right.T
    rest = inner - torch.diag(inner.diagonal())
    assert rest.norm() < 0.25 * inner.norm()
    other, _ = torch.linalg.qr(torch.randn(left.shape))
    foreign = other.T @ scrambled(matrix[None])[0] @ right.T  # in another matrix's it is not
    assert (foreign - torch.diag(foreign.diagonal())).norm() > 0.8 * foreign.norm()


@pytest.mark.parametrize("shape", SHAPES)
def test_singular_values_are_scrambled_to_about_unit_mean_square(shape: tuple[int, int]) -> None:
    matrix, _, _ = with_spectrum(shape, spread(min(shape)))
    found = torch.linalg.svdvals(scrambled(matrix[None])[0])
    assert found.max() <= LENGTH
    assert 0.7 < found.square().mean().sqrt() < 1.3
    assert found.std() > 0.3  # no polar factor
    # Close to no scale of the momentum, and the order is lost.
    assert torch.equal(scrambled(4.0 * matrix[None])[0], scrambled(matrix[None])[0])


def test_nothing_comes_of_nothing() -> None:
    assert not scrambled(torch.zeros(1, 4, 3)).any()


def test_a_step_is_that_of_muon_but_for_the_direction() -> None:
    """Momentum, weight decay and scale by the shape, over two steps by hand."""
    torch.manual_seed(1)
    weight = nn.Parameter(torch.randn(12, 3))
    optimizer = Kaon([weight], lr=0.1, weight_decay=0.2, momentum=0.9)
    expected, buffer = weight.detach().clone(), torch.zeros(12, 3)
    for _ in range(2):
        weight.grad = torch.randn(12, 3)
        buffer = 0.9 * buffer + 0.1 * weight.grad
        direction = scrambled((0.1 * weight.grad + 0.9 * buffer)[None])[0]
        expected = (1 - 0.1 * 0.2) * expected - 0.1 * math.sqrt(12 / 3) * direction
        optimizer.step()
        # The nearest momenta may scramble otherwise: both are given the same one.
        torch.testing.assert_close(optimizer.state[weight]["momentum_buffer"], buffer)
    difference = weight.detach() - expected
    assert difference.norm() < 0.2 * (0.1 * 2 * math.sqrt(3))
