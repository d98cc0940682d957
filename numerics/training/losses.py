"""The losses in torch, where networks are trained: only here is it said what they compute."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from jaxtyping import Float
from torch import Tensor, hardshrink, where
from torch.nn.functional import logsigmoid, relu

from theory.errors import InputError
from theory.losses import Loss

_Of: TypeAlias = Callable[[Tensor, Tensor, float], Tensor]
"""Of the fit, the targets, and the number that the loss states, 0 where it states none."""


@dataclass(frozen=True)
class Terms:
    """The same loss of each datum as `theory.losses` has it, of tensors, without weights.

    Its kinks have the slopes of torch's own functions: those of |t| and of max(0, t) are 0 at 0.
    Raises InputError for a loss of one's own.
    """

    loss: Loss

    def __post_init__(self) -> None:
        if self.loss.name not in _VALUES:
            raise InputError(
                "loss", f"is {self.loss}; networks are trained with the named ones only"
            )

    def values(
        self, fit: Float[Tensor, "*shape"], y: Float[Tensor, "*shape"]
    ) -> Float[Tensor, "*shape"]:
        """The loss of every entry; autograd can follow."""
        return _VALUES[self.loss.name](fit, y, self._number)

    def slopes(
        self, fit: Float[Tensor, "*shape"], y: Float[Tensor, "*shape"]
    ) -> Float[Tensor, "*shape"]:
        """Its derivative by the fit."""
        return _SLOPES[self.loss.name](fit, y, self._number)

    @property
    def _number(self) -> float:
        return float(self.loss.parameter or 0)


def _huber(f: Tensor, y: Tensor, threshold: float) -> Tensor:
    size = (f - y).abs()
    near = size.clamp(max=threshold)
    return near * (size - near / 2)


def _quantile(f: Tensor, y: Tensor, share: float) -> Tensor:
    return share * relu(y - f) + (1 - share) * relu(f - y)


def _quantile_slopes(f: Tensor, y: Tensor, share: float) -> Tensor:
    side = (f - y).sign()
    return where(side > 0, (1 - share) * side, share * side)


def _beyond(f: Tensor, y: Tensor, margin: float) -> Tensor:
    return relu((f - y).abs() - margin)


def _beyond_slopes(f: Tensor, y: Tensor, margin: float) -> Tensor:
    return hardshrink(f - y, margin).sign()


_VALUES: Mapping[str, _Of] = {
    "squared": lambda f, y, _: (f - y).square() / 2,
    "huber": _huber,
    "quantile": _quantile,
    "absolute": _beyond,
    "epsilon": _beyond,
    "hinge": lambda f, y, _: relu(1 - y * f),
    "squared_hinge": lambda f, y, _: relu(1 - y * f).square(),
    "logistic": lambda f, y, _: -logsigmoid(y * f),
}

_SLOPES: Mapping[str, _Of] = {
    "squared": lambda f, y, _: f - y,
    "huber": lambda f, y, threshold: (f - y).clamp(-threshold, threshold),
    "quantile": _quantile_slopes,
    "absolute": _beyond_slopes,
    "epsilon": _beyond_slopes,
    "hinge": lambda f, y, _: where(y * f < 1, -y, 0.0),
    "squared_hinge": lambda f, y, _: -2 * y * relu(1 - y * f),
    "logistic": lambda f, y, _: -y * (-y * f).sigmoid(),
}
