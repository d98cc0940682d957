"""Kaon: Muon with scrambled singular values in place of the polar factor.

The direction keeps the singular vectors of the momentum and replaces its singular values by those
of a chaotic map, f(s) = 4.1 (1 - s^2)^2 s, which maps [0, 1.1735] onto itself and forgets where it
began: spread over the whole interval, they have no geometry to be faithful to. What Kaon's models
have in common with Muon's is then not due to the polar factor.

>>> matrix = torch.diag(torch.tensor([3.0, 2.0, 1.0]))
>>> found = scrambled(matrix)
>>> print(bool((found - torch.diag(found.diagonal())).abs().max() < 1e-2))
True

Source: Shumaylov et al., "Muon is not that special: random or inverted spectra work just as well",
arXiv 2605.11181, for the map. There the learning rate is swept; here directions are divided by the
root mean square of the map's values, so that they are as long as polar factors in the Frobenius
norm, and only their spectrum differs.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

_SLOPE = 4.1
_ITERATIONS = 6  # 4.1^6 = 4,750: what is above 1/4750 of the Frobenius norm is spread out
_RMS = 0.681  # of values that the map has been applied to 200 times, a million of them

HIGHEST = _SLOPE * 0.8**2 / math.sqrt(5)
"""max f = f(1 / sqrt(5)), and f(HIGHEST) < HIGHEST: singular values of iterates are below it."""

LENGTH = 1.75
"""About the largest spectral norm of a direction: HIGHEST / _RMS < 1.724, the rest for rounding."""


def scrambled(matrix: Float[Tensor, "o i"]) -> Float[Tensor, "o i"]:
    """The singular vectors of a matrix with singular values of the map, of about unit mean square.

    In bfloat16, as Muon's iteration is; zeros stay zeros.
    """
    found = matrix.bfloat16()
    if tall := len(matrix) > matrix.shape[1]:
        found = found.T
    found = found / found.norm().clamp(min=torch.finfo(torch.bfloat16).tiny)
    one = torch.eye(len(found), dtype=found.dtype, device=found.device)
    for _ in range(_ITERATIONS):
        rest = one - found @ found.T
        found = _SLOPE * (rest @ (rest @ found))
    scaled: Tensor = (found.T if tall else found) / _RMS
    return scaled.to(matrix.dtype)


class Kaon(torch.optim.Optimizer):
    """As `torch.optim.Muon`: Nesterov momentum, decoupled weight decay, sqrt(max(1, out / in))."""

    def __init__(
        self, params: Iterable[nn.Parameter], *, lr: float, weight_decay: float, momentum: float
    ) -> None:
        super().__init__(params, {"lr": lr, "weight_decay": weight_decay, "momentum": momentum})

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]  # no closures here
        """One step of every parameter that has a gradient."""
        for group in self.param_groups:
            rate, momentum = group["lr"], group["momentum"]
            for parameter in (p for p in group["params"] if p.grad is not None):
                state = self.state[parameter]
                if not state:
                    state["momentum_buffer"] = torch.zeros_like(parameter.grad)
                buffer = state["momentum_buffer"].lerp_(parameter.grad, 1 - momentum)
                update = scrambled(parameter.grad.lerp(buffer, momentum))
                outputs, inputs = parameter.shape
                parameter.mul_(1 - rate * group["weight_decay"])
                parameter.add_(update, alpha=-rate * math.sqrt(max(1, outputs / inputs)))
