"""Data in the plane, one more than neurons, of which some network is a strict local minimum.

Strict but for the scales of neurons, and not global, for every odd number of neurons from 5 on.
Source: Lemma (one datum more), proofs_notes/gallery.md.
"""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple, TypeAlias

from theory.exact import dot, independent, squared, to_flint
from theory.network import Network
from theory.problem import Problem

_Shape: TypeAlias = tuple[tuple[int, ...], tuple[int, ...], Fraction]

_SHAPES: dict[int, _Shape] = {
    5: ((1, 1, 1, 3), (-1, 1, 1, -1, -1), Fraction(2, 3)),
    7: ((1, 1, 1, 1, 2, 2), (-1, 1, -1, 1, 1, -1, -1), Fraction(1, 2)),
}


class Zigzag(NamedTuple):
    """Data of n = width + 1, the local minimum, and a lower network."""

    problem: Problem
    strict: Network
    lower: Network


def zigzag(width: int) -> Zigzag:
    """For an odd width from 5 on."""
    gaps, signs, end = _SHAPES.get(width) or _evenly(width)
    times = [Fraction(sum(gaps[:k])) for k in range(width)]
    slopes = [end, *(Fraction(1, gap) for gap in gaps), end]
    bends = [1 if k % 2 else -1 for k in range(width)]
    X = [(s * u, -s * u * t) for s, u, t in zip(signs, bends, times, strict=True)]
    X.append((0, Fraction(-1)))
    residual = [u * (slopes[k] + slopes[k + 1]) for k, u in enumerate(bends)]
    residual.append(1 + end * times[-1])
    u = [(-bend * t, Fraction(-bend)) for bend, t in zip(bends, times, strict=True)]
    # With little of the first neuron another one in its place fits better.
    u[0] = (u[0][0] / width**4, u[0][1] / width**4)
    a = [-bend for bend in bends]
    strict = Network(zip(*u, strict=True), a)
    data = Problem(X, residual, width)
    fit = strict.fit(data)
    data = Problem(X, [f + r for f, r in zip(fit, residual, strict=True)], width)
    return Zigzag(data, strict, _turned(data, u, a))


def _turned(data: Problem, u: list[tuple[Fraction, Fraction]], a: list[int]) -> Network:
    """The first neuron turned round, with the output weight that fits best."""
    turned = [(-u[0][0], -u[0][1]), *u[1:]]
    left = Network(zip(*turned, strict=True), [0, *a[1:]]).fit(data)
    own = Network(zip(*turned, strict=True), [1, *(0 for _ in a[1:])]).fit(data)
    best = dot(own, [y - f for y, f in zip(data.y, left, strict=True)]) / squared(own)
    return Network(zip(*turned, strict=True), [best, *a[1:]])


def _evenly(width: int) -> _Shape:
    """At even distances, for an odd width from 9 on."""
    middle = (width - 3) // 2
    few = (middle - 3) // 2
    turned = {middle, 1, *([0] if middle % 2 == 0 else [])}
    turned |= {sign * t for t in range(middle - few, middle) for sign in (1, -1)}
    inner = (-1 if t in turned else 1 for t in range(-middle, middle + 1))
    return (1,) * (width - 1), (-1, *inner, -1), Fraction(2)


def is_strict(problem: Problem, network: Network) -> bool:
    """Whether the loss rises on both sides of each neuron, and curves upwards along them.

    For d = 2, and neurons with one datum on the kink of each. On the cells around, on each of which
    the loss is convex, these are all directions.
    """
    residual = [y - f for y, f in zip(problem.y, network.fit(problem), strict=True)]
    fits = []
    for sign, u in network.convex_coordinates():
        fit = [max(dot(u, x), Fraction()) for x in problem.X]
        fits.append(to_flint(fit))
        (kink,) = (k for k, x in enumerate(problem.X) if not dot(u, x))
        across = problem.X[kink]  # orthogonal to u
        active = zip(residual, fit, problem.X, strict=True)
        slope = sign * sum((r * dot(x, across) for r, f, x in active if f), Fraction())
        bend = sign * residual[kink] * squared(across)
        if dot(residual, fit) or slope + bend >= 0 or slope <= 0:
            return False
    return len(independent(fits, problem.n)) == network.width
