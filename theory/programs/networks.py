"""From block coordinates to a network: exact rationals, in the ball, with few neurons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from flint import fmpq, fmpq_mat
from jaxtyping import Float

from theory.exact import dependence, float_of, from_flint, to_flint
from theory.gauges import Gauge, Point
from theory.network import Network
from theory.problem import Problem
from theory.types import Array

_BITS = 40  # kept of float coordinates, relative to the largest
_ON_WALL = 1e-7  # of x_k . u / ||x_k||, relative to the largest
_DEPENDENT = 1e-9  # singular values this small, relatively, are looked at exactly


@dataclass(frozen=True)
class Neurons:
    """Convex coordinates (s_j, u_j), u_j != 0, exactly."""

    signs: tuple[int, ...]
    u: Point

    @classmethod
    def near(cls, signs: Float[Array, " k"], u: Float[Array, "k d"]) -> Neurons:
        """Float coordinates as rationals of few digits; those that vanish are left out."""
        top = float(np.abs(u).max(initial=0.0))
        if not top:
            return cls((), ())
        unit = Fraction(top) / 2**_BITS
        kept = [
            (int(s), tuple(unit * round(v / top * 2**_BITS) for v in row))
            for s, row in zip(signs.tolist(), u.tolist(), strict=True)
            if max(map(abs, row)) > top * 2.0**-_BITS
        ]
        return cls(tuple(s for s, _ in kept), tuple(row for _, row in kept))

    def rounded(self) -> Neurons:
        """The same to a few digits: exact weights can have thousands."""
        if not self.u:
            return self
        top = Fraction(float(max(abs(v) for uj in self.u for v in uj)))
        floats = np.array([[float(v / top) for v in uj] for uj in self.u])
        near = Neurons.near(np.array(self.signs, dtype=float), floats.reshape(len(self.u), -1))
        return Neurons(near.signs, tuple(tuple(top * v for v in uj) for uj in near.u))

    def __len__(self) -> int:
        return len(self.signs)

    def images(self, problem: Problem) -> list[list[fmpq]]:
        """s_j sigma(X u_j), for each neuron."""
        if not self.u:
            return []
        X = fmpq_mat([to_flint(row) for row in problem.X])
        outputs = fmpq_mat([to_flint(row) for row in self.u]) * X.transpose()
        sigma = problem.activation.value
        return [
            [s * sigma(v) for v in row] for s, row in zip(self.signs, outputs.tolist(), strict=True)
        ]

    def scaled(self, factors: Sequence[Fraction]) -> Neurons:
        """Each u_j times a factor >= 0; those of factor 0 are left out."""
        kept = [j for j, factor in enumerate(factors) if factor]
        return Neurons(
            tuple(self.signs[j] for j in kept),
            tuple(tuple(factors[j] * v for v in self.u[j]) for j in kept),
        )

    def split(self, counts: Sequence[int]) -> Neurons:
        """Each u_j as so many equal neurons."""
        copies = [(s, uj, k) for s, uj, k in zip(self.signs, self.u, counts, strict=True)]
        return Neurons(
            tuple(s for s, _, k in copies for _ in range(k)),
            tuple(tuple(v / k for v in uj) for _, uj, k in copies for _ in range(k)),
        )

    def merged(self, problem: Problem, gauge: Gauge) -> Neurons:
        """Fewer neurons of the same fit and no larger gauge (Caratheodory), in rationals.

        For the gauge of the relaxation, a sum over the neurons. An atom is the image of a neuron,
        for the spectral norms with u_j u_j^T / alpha_j beside it, whose sum is kept, of the weights
        that count. As long as the
        atoms are dependent, a null vector of non-increasing cost removes one.
        """
        if len(self) < 2:
            return self
        atoms, costs = self._atoms(problem, gauge)
        weights = [fmpq(1)] * len(self)
        used = list(range(len(self)))
        while len(used) > 1 and not _clearly_independent([atoms[j] for j in used]):
            rows = [list(column) for column in zip(*(atoms[j] for j in used), strict=True)]
            change = dependence(rows, len(used))
            if change is None:
                break
            if sum((costs[j] * v for j, v in zip(used, change, strict=True)), fmpq()) > 0:
                change = [-v for v in change]
            if all(v >= 0 for v in change):
                change = [-v for v in change]  # of cost zero
            step = min(weights[j] / -v for j, v in zip(used, change, strict=True) if v < 0)
            for j, v in zip(used, change, strict=True):
                weights[j] += step * v
            used = [j for j in used if weights[j] > 0]
        return self.scaled(from_flint(weights))

    def _atoms(self, problem: Problem, gauge: Gauge) -> tuple[list[list[fmpq]], list[fmpq]]:
        """Rows of what has to keep its sum, and costs whose sum must not grow."""
        images, sizes = self.images(problem), gauge.hidden.sizes(self.u)
        counted = gauge.metric_size(problem.d)
        if not gauge.hidden.joint:
            return images, to_flint(sizes)
        squares = [
            to_flint(uj[i] * uj[k] / size for i in range(counted) for k in range(i + 1))
            if size
            else [fmpq()] * (counted * (counted + 1) // 2)
            for uj, size in zip(self.u, sizes, strict=True)
        ]
        return [f + s for f, s in zip(images, squares, strict=True)], to_flint(sizes)

    def inside(self, gauge: Gauge, rho: Fraction) -> Network:
        """A network with these convex coordinates, shrunk into the ball where it is outside."""
        network, size = gauge.witness(self.signs, self.u)
        if size <= rho:
            return network
        # One layer takes all of the change; only the product of the norms counts.
        shrink = rho / size
        return Network(W=network.W, a=tuple(shrink * v for v in network.a))


def interpolating(
    problem: Problem, neurons: Neurons, coefficients: Sequence[Fraction]
) -> tuple[Neurons, tuple[Fraction, ...]] | None:
    """These neurons, each scaled a little, and coefficients of free columns near these, so that the
    fit is y exactly; None where they cannot."""
    columns = neurons.images(problem) + [to_flint(column) for column in problem.free_columns]
    if not columns:
        return None
    A = fmpq_mat([list(row) for row in zip(*columns, strict=True)])
    near = [fmpq(1)] * len(neurons) + to_flint(coefficients)
    fit = (A * fmpq_mat([[v] for v in near])).entries()
    missing = [[v - f] for v, f in zip(to_flint(problem.y), fit, strict=True)]
    try:
        weights = (A * A.transpose()).solve(fmpq_mat(missing))
    except ZeroDivisionError:
        return None
    changes = (A.transpose() * weights).entries()
    found = from_flint(v + change for v, change in zip(near, changes, strict=True))
    factors, others = found[: len(neurons)], found[len(neurons) :]
    return None if min(factors, default=0) < 0 else (neurons.scaled(factors), others)


def _clearly_independent(atoms: list[list[fmpq]]) -> bool:
    """Whether floats can tell, rounding being far below the smallest singular value."""
    floats = np.array([[float_of(v) for v in row] for row in atoms])
    if len(atoms) > floats.shape[1]:
        return False
    floats /= np.maximum(np.linalg.norm(floats, axis=1, keepdims=True), np.finfo(float).tiny)
    values = np.linalg.svd(floats, compute_uv=False)
    return bool(values[-1] > _DEPENDENT * values[0])


def united(
    X: Float[Array, "n d"], signs: Float[Array, " k"], u: Float[Array, "k d"]
) -> tuple[Float[Array, " j"], Float[Array, "j d"]]:
    """Neurons that lie in one closed cone, up to rounding, summed: their images add up.

    Blocks that meet in a wall share what lies on it, so solutions hold such neurons in several.
    """
    lengths = np.maximum(np.linalg.norm(X, axis=1), np.finfo(float).tiny)
    sides = u @ X.T / lengths
    sides[np.abs(sides) <= _ON_WALL * np.abs(sides).max(axis=1, keepdims=True, initial=0.0)] = 0.0
    sides = np.sign(sides)
    groups: list[list[int]] = []
    common: list[Float[Array, " n"]] = []
    for j in np.argsort(-np.linalg.norm(u, axis=1)).tolist():
        for group, side in zip(groups, common, strict=True):
            if signs[group[0]] == signs[j] and (side * sides[j]).min(initial=0.0) >= 0:
                group.append(j)
                side[side == 0] = sides[j][side == 0]
                break
        else:
            groups.append([j])
            common.append(sides[j].copy())
    first = np.array([group[0] for group in groups], dtype=int)
    summed = np.array([u[group].sum(axis=0) for group in groups])
    return signs[first], summed.reshape(-1, X.shape[1])
