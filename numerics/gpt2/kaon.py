"""Kaon: Muon with scrambled singular values in place of the polar factor.

The direction keeps the singular vectors of the momentum and replaces its singular values by those
of a chaotic map, f(s) = 4.1 (1 - s^2)^2 s, which maps [0, 1.1735] onto itself and forgets where it
began: spread over the whole interval, they have no geometry to be faithful to. What Kaon's models
have in common with Muon's is then not due to the polar factor.

>>> matrix = torch.diag(torch.tensor([3.0, 2.0, 1.0]))
>>> found = scrambled(matrix[None])[0]
>>> print(bool((found - torch.diag(found.diagonal())).abs().max() < 1e-2))
True

Source: Shumaylov et al., "Muon is not that special: random or inverted spectra work just as well",
arXiv 2605.11181, for the map. There the learning rate is swept; here directions are divided by the
root mean square of the map's values, so that they are as long as polar factors in the Frobenius
norm, and only their spectrum differs.
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor

from numerics.gpt2.muon import Muon, like, wide

_SLOPE = 4.1
_ITERATIONS = 6  # 4.1^6 = 4,750: what is above 1/4750 of the Frobenius norm is spread out
_RMS = 0.681  # of values that the map has been applied to 200 times, a million of them

HIGHEST = _SLOPE * 0.8**2 / math.sqrt(5)
"""max f = f(1 / sqrt(5)), and f(HIGHEST) < HIGHEST: singular values of iterates are below it."""

LENGTH = 1.75
"""About the largest spectral norm of a direction: HIGHEST / _RMS < 1.724, the rest for rounding."""


def scrambled(matrices: Float[Tensor, "k o i"]) -> Float[Tensor, "k o i"]:
    """The singular vectors of each, with singular values of the map, of about unit mean square.

    In bfloat16, as Muon's iteration is; zeros stay zeros.
    """
    found = wide(matrices.bfloat16())
    norms = torch.linalg.matrix_norm(found, keepdim=True)
    found = found / norms.clamp(min=torch.finfo(torch.bfloat16).tiny)
    one = torch.eye(found.shape[1], dtype=found.dtype, device=found.device)
    for _ in range(_ITERATIONS):
        rest = one - found @ found.mT
        found = _SLOPE * (rest @ (rest @ found))
    return like(found / _RMS, matrices)


class Kaon(Muon):
    """Muon but for its directions."""

    directions = staticmethod(scrambled)
