"""All weights of one run on its way, at a constant rate: how it slides along a kink.

>>> from theory import Ball, example
>>> from theory.network import Network
>>> start = Network.from_floats([[-1.4], [-0.9]], [-1.7])
>>> W, a = slide(example("separation-08"), Ball("ngd", 3), start, rate=0.01, steps=100)
>>> print(W.shape, a.shape)
(101, 2, 1) (101, 1)
"""

from __future__ import annotations

import math

import numpy as np
import torch
from jaxtyping import Float

from numerics.training.loop import BatchLoss, one_thread
from numerics.training.optimizers import OPTIMIZERS
from theory.network import Network
from theory.problem import Problem
from theory.types import Array
from theory.within import Ball


def slide(
    problem: Problem, within: Ball, start: Network, *, rate: float, steps: int
) -> tuple[Float[Array, "T d m"], Float[Array, "T m"]]:
    """W and a before each step and at the end, T = steps + 1; weight decay 1 / R.

    Raises InputError for problems that are not plain.
    """
    problem.require_plain("slides are")
    optimizer, radius = OPTIMIZERS[within.optimizer], math.sqrt(within.rho)
    W, a = (torch.from_numpy(np.array([layer], dtype=float)) for layer in (start.W, start.a))
    loss = BatchLoss((problem, 1))
    layers = [(W, optimizer.hidden.start(W)), (a, optimizer.output.start(a))]
    kept = [(W.numpy()[0].copy(), a.numpy()[0].copy())]
    with one_thread(), torch.inference_mode():
        for _ in range(steps):
            for (layer, direction), gradient in zip(layers, loss.gradients(W, a), strict=True):
                layer.mul_(1 - rate / radius).sub_(direction(gradient), alpha=rate)
            kept.append((W.numpy()[0].copy(), a.numpy()[0].copy()))
    weights, outputs = zip(*kept, strict=True)
    return np.array(weights), np.array(outputs)
