"""Singular values of the hidden matrices of GPT-2: ranks along a path, and optimizers' balls.

Matrices go by LAYER.KIND, as in `hidden_matrices`. What is preserved along a path, or moves from
one end to the other, is said of a sequence of ranks r(0) .. r(1): `change`, `monotonicity` and
`largest_jump` take any, those of one matrix or medians over matrices.

>>> from numerics.gpt2.model import Shape, build
>>> from numerics.gpt2.paths import straight
>>> first, last = (build(Shape(layers=1, width=8, heads=2, block=4), seed=seed) for seed in (0, 1))
>>> found = spectra(straight(first, last), points=5)
>>> print(len(found.stable_rank["0.query"]), change(found.stable_rank["0.query"]) >= 0)
5 True

Sources: Roy, Vetterli, "The effective rank: a measure of effective dimensionality", EUSIPCO 2007;
Rudelson, Vershynin, "Sampling from large matrices: an approach through geometric functional
analysis", J. ACM 2007, for the stable rank (numerical rank there).
"""

from __future__ import annotations

import itertools
import math
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from numerics.gpt2.model import Parameters, hidden_matrices
from numerics.gpt2.paths import Path, grid
from theory.errors import InputError
from theory.types import Progress, silent


def singular_values(model: nn.Module | Parameters) -> dict[str, Float[Tensor, " k"]]:
    """The singular values of each hidden matrix in float64, largest first."""
    return {name: _values(matrix) for name, matrix in hidden_matrices(model).items()}


def _values(matrix: Float[Tensor, "o i"]) -> Float[Tensor, " k"]:
    found: Tensor = torch.linalg.svdvals(matrix.detach().cpu().double())
    return found


def stable_rank(values: Float[Tensor, " k"]) -> float:
    """||W||_F^2 / ||W||_2^2 from the singular values; from 1 to the rank, and 0 for zeros.

    >>> stable_rank(torch.tensor([2.0, 1.0, 1.0]))
    1.5
    """
    largest = values.max()
    return float((values / largest).square().sum()) if largest > 0 else 0.0


def effective_rank(values: Float[Tensor, " k"]) -> float:
    """exp(-sum p log p), p the singular values divided by their sum [Roy, Vetterli].

    From 1 to the rank, which it is where all that are not zero are equal; 0 for zeros.

    >>> round(effective_rank(torch.tensor([3.0, 3.0, 0.0])), 6)
    2.0
    """
    total = values.sum()
    return math.exp(float(torch.special.entr(values / total).sum())) if total > 0 else 0.0


def norms(model: nn.Module | Parameters) -> dict[str, dict[str, float]]:
    """The norms of the optimizers' balls: spectral (Muon) and entrywise maximum (AdamW).

    By norm, then by matrix.
    """
    return {
        "spectral": {name: float(values[0]) for name, values in singular_values(model).items()},
        "entrywise": {
            name: float(matrix.detach().abs().max())
            for name, matrix in hidden_matrices(model).items()
        },
    }


# Along a path


@dataclass(frozen=True, eq=False)
class Spectra:
    """Ranks and norms of each hidden matrix along a path, at each t.

    singular_values: those asked for, at each t of `chosen`.
    """

    t: tuple[float, ...]
    stable_rank: Mapping[str, Sequence[float]]
    effective_rank: Mapping[str, Sequence[float]]
    spectral_norm: Mapping[str, Sequence[float]]
    entrywise_norm: Mapping[str, Sequence[float]]
    chosen: tuple[float, ...]
    singular_values: Mapping[str, Sequence[Sequence[float]]]

    def to_json(self) -> dict[str, Any]:
        """The same as dicts and lists."""
        return {
            name: list(value) if isinstance(value, tuple) else dict(value)
            for name, value in vars(self).items()
        }


def spectra(
    path: Path,
    *,
    points: int = 21,
    matrices: Iterable[str] = (),
    chosen: Iterable[float] = (0.0, 0.5, 1.0),
    progress: Progress = silent,
) -> Spectra:
    """Spectra at that many t's, both ends among them.

    matrices, chosen: of which, and at which t's, which need not be on the grid, all singular values
    are kept. Raises InputError for a matrix that is not there.
    """
    t, chosen = grid(points), tuple(chosen)
    names = list(hidden_matrices(path.first))
    kept: dict[str, list[list[float]]] = {name: [] for name in matrices}
    if unknown := sorted(kept.keys() - names):
        raise InputError("matrices", f"{', '.join(unknown)} not among {', '.join(names)}")

    def empty() -> dict[str, list[float]]:
        return {name: [] for name in names}

    stable, effective, spectral, entrywise = empty(), empty(), empty(), empty()
    with torch.no_grad():
        for k, each in enumerate(t):
            progress("decomposing matrices along a path, points", k)
            for name, matrix in hidden_matrices(path.weights(each)).items():
                values = _values(matrix)
                stable[name].append(stable_rank(values))
                effective[name].append(effective_rank(values))
                spectral[name].append(float(values[0]))
                entrywise[name].append(float(matrix.abs().max()))
        for each in chosen if kept else ():
            found = hidden_matrices(path.weights(each))
            for name, rows in kept.items():
                rows.append(_values(found[name]).tolist())
    return Spectra(t, stable, effective, spectral, entrywise, chosen if kept else (), kept)


def medians(ranks: Mapping[str, Sequence[float]]) -> list[float]:
    """At each point of a path the median over the matrices.

    >>> medians({"a": [1.0, 2.0], "b": [3.0, 9.0], "c": [4.0, 3.0]})
    [3.0, 3.0]
    """
    return [statistics.median(at_t) for at_t in zip(*ranks.values(), strict=True)]


def change(ranks: Sequence[float]) -> float:
    """max r / min r - 1: the largest relative change from any point of a path to another.

    Small is what "preserved" means. Infinite where some are zero, but not all.

    >>> change([10.0, 12.0, 11.0]), change([10.0, 8.0, 10.0])
    (0.19999999999999996, 0.25)
    """
    low, high = min(ranks), max(ranks)
    if low == high:
        return 0.0
    return high / low - 1 if low > 0 else math.inf


def monotonicity(ranks: Sequence[float]) -> float:
    """(r(1) - r(0)) / sum |steps|: 1 where r only rises, -1 where it only falls.

    Between, it went back and forth; 0 where it comes back to where it began, or never moves.

    >>> monotonicity([1.0, 2.0, 4.0]), monotonicity([4.0, 1.0]), monotonicity([1.0, 3.0, 2.0])
    (1.0, -1.0, 0.3333333333333333)
    """
    total = sum(abs(step) for step in _steps(ranks))
    return (ranks[-1] - ranks[0]) / total if total > 0 else 0.0


def largest_jump(ranks: Sequence[float]) -> float | None:
    """The largest step between neighbours, as a share of |r(1) - r(0)|; None where that is zero.

    K equal steps have 1/K each, one sudden step has 1. More than 1 overshoots.

    >>> largest_jump([1.0, 2.0, 3.0]), largest_jump([1.0, 1.0, 3.0]), largest_jump([1.0, 1.0])
    (0.5, 1.0, None)
    """
    span = abs(ranks[-1] - ranks[0])
    return max(abs(step) for step in _steps(ranks)) / span if span > 0 else None


def shuffled_values(
    first: Float[Tensor, " k"],
    last: Float[Tensor, " k"],
    shape: tuple[int, ...],
    at: Iterable[float],
    *,
    seed: int,
) -> list[Float[Tensor, " k"]]:
    """The singular values, at these t's, on the line between two matrices that have those given.

    shape: of both; seed: of their singular vectors. These are random, uniformly: those of the first
    can be axes.

    >>> ones = torch.ones(4)
    >>> start, middle = shuffled_values(ones, ones, (4, 4), (0, 0.5), seed=0)
    >>> print([round(float(value), 6) for value in start], float(middle.max()) < 1)
    [1.0, 1.0, 1.0, 1.0] True
    """
    generator = torch.Generator().manual_seed(seed)

    def orthogonal(size: int) -> Float[Tensor, "n n"]:
        normal = torch.randn(size, size, dtype=torch.float64, generator=generator)
        q, r = torch.linalg.qr(normal)
        uniform: Tensor = q * r.diagonal().sign()
        return uniform

    def of(values: Float[Tensor, " k"]) -> Float[Tensor, "o i"]:
        matrix = torch.zeros(*shape, dtype=torch.float64)
        matrix.diagonal().copy_(values)
        return matrix

    left, right = orthogonal(shape[0]), orthogonal(shape[1])
    ends = of(first), left @ of(last) @ right
    return [_values((1 - t) * ends[0] + t * ends[1]) for t in at]


def shuffled_ranks(
    first: Float[Tensor, " k"],
    last: Float[Tensor, " k"],
    shape: tuple[int, ...],
    *,
    points: int = 11,
    seed: int,
) -> list[float]:
    """The stable ranks of `shuffled_values` at that many t's.

    >>> ones = torch.ones(4)
    >>> ranks = shuffled_ranks(ones, ones, (4, 4), points=3, seed=0)
    >>> print(round(ranks[0], 6), round(ranks[2], 6), ranks[1] < 4)
    4.0 4.0 True
    """
    along = shuffled_values(first, last, shape, grid(points), seed=seed)
    return [stable_rank(values) for values in along]


SUMMARIES: Mapping[str, Callable[[Sequence[float]], float | None]] = {
    "change": change,
    "monotonicity": monotonicity,
    "largest_jump": largest_jump,
}
"""What is said of the ranks along a path."""


def _steps(ranks: Sequence[float]) -> list[float]:
    return [after - before for before, after in itertools.pairwise(ranks)]


# The balls of the optimizers

MUON_LENGTH = 1.21
"""About the largest spectral norm of a direction of `numerics.gpt2.muon.Muon`.

One step of its Newton-Schulz iteration maps singular values by p(s) = 3.4445 s - 4.775 s^3 +
2.0315 s^5. On [0, 1], where they begin, p is at most p(0.5545) < 1.2024; and p maps [0, 1.2024]
to itself. So 1.2024 would be proved, but for the rounding of bfloat16; the rest is for that.
"""


def _muon_scale(shape: tuple[int, int]) -> float:
    return math.sqrt(max(1, shape[0] / shape[1]))


_SCALES = {"adamw": lambda shape: 1.0, "muon": _muon_scale, "kaon": _muon_scale}


def radius(optimizer: str, weight_decay: float, shape: tuple[int, int]) -> float:
    """The radius of the ball that decoupled weight decay imposes on a hidden matrix.

    adamw: of the entrywise maximum, 1 / weight_decay. muon, kaon: of the spectral norm, sqrt(max(1,
    out / in)) / weight_decay, since Muon scales its orthogonal matrices so, but not the weight
    decay. All are for directions of norm one. Newton-Schulz steps have singular values
    up to MUON_LENGTH, Kaon's up to `numerics.gpt2.kaon.LENGTH`, AdamW's entries are up to c of
    proofs_notes/implicit-bias.md: such weights may stay outside by that factor.
    shape: outputs and inputs, that of the matrices in `hidden_matrices`. Raises InputError for
    another optimizer, and weight decay that is not positive.

    >>> radius("adamw", 0.1, (256, 64)), radius("muon", 0.1, (256, 64)), radius("muon", 0.1, (4, 9))
    (10.0, 20.0, 10.0)
    """
    if not (math.isfinite(weight_decay) and weight_decay > 0):
        raise InputError("weight_decay", f"{weight_decay} must be positive: without it is no ball")
    return _scale(optimizer, shape) / weight_decay


def reach(
    optimizer: str,
    start_norm: float,
    learning_rates: Iterable[float],
    weight_decay: float,
    shape: tuple[int, int],
    *,
    length: float = 1.0,
) -> float:
    """How large the norm of `radius` can be at all after steps with these learning rates:

        q start_norm + (1 - q) length radius,    q = prod_k (1 - learning_rates[k] weight_decay).

    length: the largest norm of the optimizer's directions, before Muon scales them. With that it is
    a theorem. Proof by induction: a step is W+ = (1 - eta lambda) W + eta s D with ||D|| <= length
    and s = lambda radius, so ||W+|| <= (1 - eta lambda) ||W|| + eta lambda length radius, which is
    the formula for one step, and the formula for k steps put into it is that for k + 1. [] One is
    the length of signs and of exactly orthogonal matrices. It is MUON_LENGTH for Newton-Schulz, and
    for AdamW `theory.claims.implicit_bias.adamw_length`, 1.165 for beta = 0.9, 0.95.

    Without weight decay it is the limit, start_norm + length sum_k s learning_rates[k].
    Raises InputError unless 0 <= eta lambda <= 1, and for another optimizer.

    >>> print(round(reach("adamw", 0.5, [0.01] * 100, 0.1, (64, 64)), 3))
    1.404
    >>> reach("adamw", 0.5, [0.01] * 100000, 0.1, (64, 64)) <= radius("adamw", 0.1, (64, 64))
    True
    """
    size, norm = length * _scale(optimizer, shape), start_norm
    for rate in learning_rates:
        if not 0 <= rate * weight_decay <= 1:
            raise InputError(
                "learning_rates", f"{rate} times the weight decay {weight_decay} is not in [0, 1]"
            )
        norm = (1 - rate * weight_decay) * norm + rate * size
    return norm


def _scale(optimizer: str, shape: tuple[int, int]) -> float:
    if optimizer not in _SCALES:
        raise InputError("optimizer", f"{optimizer!r} is not one of {', '.join(_SCALES)}")
    return _SCALES[optimizer](shape)
