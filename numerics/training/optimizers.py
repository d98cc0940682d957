"""The update rules of the optimizers, for many networks at once.

Every rule turns the gradient of one layer, for a batch of S networks, into a direction; the step is
the same for all, with decoupled weight decay:

    theta <- (1 - lr weight_decay) theta - lr direction

`LionKUpdate` covers the family of [CLLL]: direction = dK(beta1 m + (1 - beta1) g) with the momentum
m <- beta2 m + (1 - beta2) g, where K is the dual norm of the layer's ball of radius
1 / weight_decay. Muon with Nesterov momentum mu, as `torch.optim.Muon`, has beta1 = mu^2 and
beta2 = mu; without momentum (beta1 = beta2 = 0) a step is one of the Frank-Wolfe method, of size
lr weight_decay. `AdamWUpdate` is not of this family, but has the same ball as Lion [XL].

[CLLL] Chen, Liu, Liang, Liu, arXiv 2310.05898. [XL] Xie, Li, arXiv 2404.04454.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol, TypeAlias

import torch
from jaxtyping import Float
from torch import Tensor

from theory.errors import InputError
from theory.geometry import Geometry, geometry
from theory.problem import positive_integer
from theory.within import Within

Direction: TypeAlias = Callable[[Float[Tensor, "S ..."]], Float[Tensor, "S ..."]]
"""Takes the gradient of this step and returns the direction; keeps the momentum between steps."""


class Update(Protocol):
    """How the gradients of one layer become directions."""

    def start(self, parameter: Float[Tensor, "S ..."]) -> Direction:
        """The directions of a run that begins at `parameter`, with fresh momentum."""
        ...


@dataclass(frozen=True)
class LionKUpdate:
    """Lion-K [CLLL, equation 3]: `subgradient` is a subgradient of K, for each of S arrays."""

    subgradient: Callable[[Float[Tensor, "S ..."]], Float[Tensor, "S ..."]]
    beta1: float = 0.0
    beta2: float = 0.0

    def start(self, parameter: Float[Tensor, "S ..."]) -> Direction:
        momentum = torch.zeros_like(parameter)

        def direction(gradient: Float[Tensor, "S ..."]) -> Float[Tensor, "S ..."]:
            mixed = torch.lerp(gradient, momentum, self.beta1)
            momentum.lerp_(gradient, 1 - self.beta2)
            return self.subgradient(mixed)

        return direction


@dataclass(frozen=True)
class AdamWUpdate:
    """AdamW (Loshchilov, Hutter, arXiv 1711.05101), with the defaults of `torch.optim.AdamW`.

    For beta1^2 < beta2 the entries of a direction are at most (1 - beta1) / sqrt((1 - beta2)
    (1 - beta1^2 / beta2)), by Cauchy-Schwarz: runs may stray so far out of the ball on the way.
    """

    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8

    def start(self, parameter: Float[Tensor, "S ..."]) -> Direction:
        first, second = torch.zeros_like(parameter), torch.zeros_like(parameter)
        steps = 0

        def direction(gradient: Float[Tensor, "S ..."]) -> Float[Tensor, "S ..."]:
            nonlocal steps
            steps += 1
            first.lerp_(gradient, 1 - self.beta1)
            second.mul_(self.beta2).addcmul_(gradient, gradient, value=1 - self.beta2)
            scale = second.sqrt().div_(math.sqrt(1 - self.beta2**steps)).add_(self.epsilon)
            return torch.div(first, scale).div_(1 - self.beta1**steps)

        return direction


# Subgradients of the dual norms; each is zero at zero.


def normalised(g: Float[Tensor, "S ..."]) -> Float[Tensor, "S ..."]:
    """g / ||g||_2 for each of S arrays, taken as one vector each."""
    dimensions = tuple(range(1, g.ndim))
    return _divided(g, torch.linalg.vector_norm(g, dim=dimensions, keepdim=True))


def normalised_columns(g: Float[Tensor, "S d m"]) -> Float[Tensor, "S d m"]:
    """Each column of each matrix divided by its l2 norm."""
    # Several times as fast as vector_norm along rows.
    return _divided(g, g.square().sum(dim=-2, keepdim=True).sqrt_())


def _divided(g: Float[Tensor, "S ..."], norms: Float[Tensor, "S ..."]) -> Float[Tensor, "S ..."]:
    # Of smaller arrays, such as the momentum of dead neurons, the squares underflow: their norms
    # come out too small, or zero.
    precision = torch.finfo(g.dtype)
    return g / norms.clamp_min(math.sqrt(precision.tiny / precision.eps))


_COFACTORS = torch.tensor([[1], [-1], [-1], [1]])


def polar_factor(g: Float[Tensor, "S d m"]) -> Float[Tensor, "S d m"]:
    """U V^T of the compact singular value decomposition of each matrix, of its numerical rank.

    Matrices that are not finite give zeros: LAPACK would refuse the whole batch for one of them.
    """
    if not math.isfinite(g.sum()):  # which is one operation, and of few batches
        finite = g.isfinite().all(dim=-1, keepdim=True).all(dim=-2, keepdim=True)
        g = torch.where(finite, g, 0.0)
    if g.shape[-2:] == (2, 2):
        return _polar_factor_of_two(g)
    U, singular, Vt = torch.linalg.svd(g, full_matrices=False)
    threshold = singular.narrow(-1, 0, 1) * (max(g.shape[-2:]) * torch.finfo(g.dtype).eps)
    factor: Tensor = U.mul_(singular.gt(threshold).to(g.dtype).unsqueeze(-2)) @ Vt
    return factor


def _polar_factor_of_two(g: Float[Tensor, "S 2 2"]) -> Float[Tensor, "S 2 2"]:
    """The same without a decomposition: with the sign s of the determinant, A + s cof A is the sum
    of both singular values times the factor, and has that length in each row."""
    entries = g.flatten(1).mT.contiguous()  # (4, S): operations on long rows are faster
    entries = entries / entries.abs().amax(dim=0).clamp_min_(torch.finfo(g.dtype).tiny)
    determinant = torch.addcmul(entries[0] * entries[3], entries[1], entries[2], value=-1)
    side = torch.hardshrink(determinant, 4 * torch.finfo(g.dtype).eps).sign_()
    sums = torch.addcmul(entries, side, _COFACTORS * entries.flip(0))
    lengths = sums.square().sum(dim=0).div_(1 + side.abs()).sqrt_()
    return sums.div_(lengths.clamp_min_(torch.finfo(g.dtype).tiny)).mT.reshape(g.shape)


@dataclass(frozen=True)
class Schedule:
    """Learning rates initial / (1 + step / horizon)^power, non-increasing and of divergent sum.

    Raises InputError unless initial and horizon are positive and 0 <= power <= 1.
    """

    initial: float
    horizon: float = 1.0
    power: float = 0.0

    def __post_init__(self) -> None:
        for name in ("initial", "horizon"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value > 0):
                raise InputError(name, f"{value} must be positive and finite")
        if not 0 <= self.power <= 1:
            raise InputError(
                "power", f"{self.power} must be in [0, 1], else the learning rates' sum converges"
            )

    def __call__(self, step: int) -> float:
        """The learning rate of a step, counted from 0."""
        return self.initial * math.pow(1 + step / self.horizon, -self.power)


@dataclass(frozen=True)
class Cooling(Schedule):
    """Such learning rates for so many steps, then falling to a hundredth of the last one, by a
    constant factor, in `further` steps: so near does training come to where it rests.

    Raises InputError unless both are positive as well.
    """

    steps: int = 1
    further: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("steps", "further"):
            positive_integer(getattr(self, name), name)

    def __call__(self, step: int) -> float:
        """The learning rate of a step, counted from 0."""
        beyond = max(0, step - self.steps)
        return super().__call__(min(step, self.steps)) * math.pow(1e-2, beyond / self.further)


@dataclass(frozen=True)
class Optimizer:
    """How each layer is updated, and the geometry that this implies.

    What an output bias b and a linear part c do is in no ball, and without weight decay: b and c
    take the steps of the output layer, each on its own. Only for muon, whose steps are for layers
    of neurons, are these AdamW's, as users of `torch.optim.Muon` have it. So do free hidden biases.
    """

    geometry: Geometry
    hidden: Update  # of W (S, d, m)
    output: Update  # of a (S, m)

    @property
    def free(self) -> Update:
        """Of b (S, 1) and c (S, d)."""
        return ADAMW if self.geometry.name == "muon" else self.output

    @property
    def name(self) -> str:
        """The name of the geometry."""
        return self.geometry.name

    def default_schedule(self, within: Within, steps: int) -> Schedule:
        """A schedule for that ball which ends at 1/101 of its first learning rate.

        In a ball learning rates are relative to its radius, whatever the data. Without one (sgd)
        the largest stable learning rate depends on the data: choose your own where runs diverge.
        """
        initial = 0.01 if within.rho is None else 0.04 * math.sqrt(within.rho)
        return Schedule(initial=initial, horizon=steps / 100, power=1.0)


_SIGN = LionKUpdate(torch.sign)
_LION = LionKUpdate(torch.sign, beta1=0.9, beta2=0.99)
# Inside the ball, at zero loss, AdamW's second moment falls by (1 - beta2) (1 - rho* / rho) a step,
# rho* being the radius of the solution, and the loss with it: 0.999 would take 10^5 steps.
ADAMW = AdamWUpdate(beta1=0.9, beta2=0.95)
_NGD = LionKUpdate(normalised)

_SINGLE: dict[str, tuple[Update, Update]] = {
    "adamw": (ADAMW, ADAMW),
    "lion": (_LION, _LION),
    "signsgd": (_SIGN, _SIGN),
    "muon": (
        LionKUpdate(polar_factor, beta1=0.95**2, beta2=0.95),
        LionKUpdate(normalised, beta1=0.95**2, beta2=0.95),
    ),
    "ngd": (_NGD, _NGD),
    "colnorm": (LionKUpdate(normalised_columns), _SIGN),
    "sgd": (LionKUpdate(torch.positive), LionKUpdate(torch.positive)),
}
# The hidden layer by the first, the output layer by the second.
_PAIRS = (("muon", "adamw"), ("adamw", "ngd"), ("colnorm", "ngd"), ("ngd", "adamw"))

_UPDATES: dict[str, tuple[Update, Update]] = {
    **_SINGLE,
    **{f"{one}-{other}": (_SINGLE[one][0], _SINGLE[other][1]) for one, other in _PAIRS},
}

OPTIMIZERS: Mapping[str, Optimizer] = MappingProxyType(
    {name: Optimizer(geometry(name), *updates) for name, updates in _UPDATES.items()}
)
"""The optimizers by name; their balls are those of `theory.geometry`."""
