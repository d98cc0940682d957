"""Muon as torch has it, but for the order of work: matrices of one shape are taken together.

One model has tens of small matrices, which one by one keep no processor busy. `make bench` compares
this with `torch.optim.Muon`.

>>> polar = newton_schulz(torch.diag(torch.tensor([3.0, 2.0, 1.0]))[None])[0]
>>> print(bool((polar - torch.eye(3)).abs().max() < 0.35))
True

Source: Jordan et al., "Muon: an optimizer for hidden layers in neural networks", 2024, for the
step and the coefficients.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

_COEFFICIENTS = 3.4445, -4.775, 2.0315
_ITERATIONS = 5
_LEAST = 1e-7  # norm that is divided by


def newton_schulz(matrices: Float[Tensor, "k o i"]) -> Float[Tensor, "k o i"]:
    """About the polar factor of each: its singular vectors, with singular values near one.

    In bfloat16; singular values far below the Frobenius norm stay smaller.
    """
    first, third, fifth = _COEFFICIENTS
    found = wide(matrices.bfloat16())
    found = found / torch.linalg.matrix_norm(found, keepdim=True).clamp(min=_LEAST)
    for _ in range(_ITERATIONS):
        gram = found @ found.mT
        found = torch.baddbmm(
            found, torch.baddbmm(gram, gram, gram, beta=third, alpha=fifth), found, beta=first
        )
    return like(found, matrices)


def wide(matrices: Float[Tensor, "k o i"]) -> Float[Tensor, "k o i"]:
    """The matrices, or their transposes where these have fewer rows."""
    return matrices.mT if matrices.shape[1] > matrices.shape[2] else matrices


def like(found: Float[Tensor, "k o i"], matrices: Float[Tensor, "k o i"]) -> Float[Tensor, "k o i"]:
    """What was found of wide matrices, in the shape and the precision of these."""
    back = found if found.shape == matrices.shape else found.mT
    return back.to(matrices.dtype)


class Muon(torch.optim.Optimizer):
    """Directions of Nesterov momenta, times sqrt(max(1, out / in)); decoupled weight decay."""

    directions = staticmethod(newton_schulz)
    """Of momenta of one shape."""

    def __init__(
        self, params: Iterable[nn.Parameter], *, lr: float, weight_decay: float, momentum: float
    ) -> None:
        super().__init__(params, {"lr": lr, "weight_decay": weight_decay, "momentum": momentum})

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]  # no closures here
        """One step of every parameter that has a gradient."""
        for group in self.param_groups:
            rate, momentum = group["lr"], group["momentum"]
            by_shape: dict[torch.Size, list[nn.Parameter]] = {}
            for parameter in group["params"]:
                if parameter.grad is not None:
                    by_shape.setdefault(parameter.shape, []).append(parameter)
            for (outputs, inputs), parameters in by_shape.items():
                momenta = [self._momentum(parameter, momentum) for parameter in parameters]
                for parameter, direction in zip(
                    parameters, self.directions(torch.stack(momenta)), strict=True
                ):
                    parameter.mul_(1 - rate * group["weight_decay"])
                    parameter.add_(direction, alpha=-rate * math.sqrt(max(1, outputs / inputs)))

    def _momentum(self, parameter: nn.Parameter, momentum: float) -> Tensor:
        """With the gradient once more, as Nesterov has it."""
        assert parameter.grad is not None
        state = self.state[parameter]
        if not state:
            state["momentum_buffer"] = torch.zeros_like(parameter.grad)
        buffer: Tensor = state["momentum_buffer"].lerp_(parameter.grad, 1 - momentum)
        return parameter.grad.lerp(buffer, momentum)
