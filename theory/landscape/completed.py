"""The output bias and the linear part that suit given neurons best.

No ball and no penalty counts them, so a landscape is that of the loss minimised over them: it is
convex on every cell, as the loss is, and has the same components and barriers.
Source: `free-parts`, proofs_notes/losses.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np

from theory.landscape.form import Form, directions, has_form
from theory.landscape.nnls import LeastSquares
from theory.network import Network
from theory.problem import Problem

_STEPS = 100  # of Newton's method, where there is no form


def completed(problem: Problem, network: Network) -> Network:
    """The network with the output bias and the linear part of least loss: see `free_part`.

    As it is where the problem has neither.
    """
    if not problem.output_bias and not problem.skip:
        return network
    b, c = free_part(problem, replace(network, b=Fraction(), c=None).fit(problem))
    return replace(network, b=b, c=c)


def free_part(
    problem: Problem, fit: Sequence[Fraction]
) -> tuple[Fraction, tuple[Fraction, ...] | None]:
    """b, and c (d,), of least loss where neurons alone have this fit (n,).

    Exactly, but for the logistic loss. Where several are best the choice is always the same.
    """
    both = [tuple(side * v for v in each) for each in directions(problem) for side in (1, -1)]
    used = [i for i, each in enumerate(both) if any(each)]
    if has_form(problem):
        form = Form.of(replace(problem, output_bias=False, skip=False), 1, fit)
        table = np.array([both[i] for i in used], dtype=object).reshape(-1, problem.n)
        least = LeastSquares(table, form).minimum(tuple(range(len(used))))
        weights = [(used[place], v / form.unit) for place, v in least.coefficients()]
    else:
        forward = used[::2]
        found = _newton(problem, fit, [both[i] for i in forward]) if forward else []
        weights = list(zip(forward, found, strict=True))
    own: list[Sequence[Fraction]] = [(Fraction(1),) * problem.n] * problem.output_bias
    own += [*zip(*problem.X, strict=True)] * problem.skip
    parts = [Fraction()] * len(own)
    for i, weight in weights:
        # What one unit of the direction in integers is of the number itself.
        k = next(k for k, v in enumerate(both[i]) if v)
        parts[i // 2] += weight * both[i][k] / own[i // 2][k]
    b = parts.pop(0) if problem.output_bias else Fraction()
    return b, tuple(parts) if problem.skip else None


def free_fit(problem: Problem, fit: Sequence[Fraction]) -> Sequence[Fraction]:
    """The fit (n,) of neurons with the best output bias and linear part."""
    if not problem.output_bias and not problem.skip:
        return fit
    b, c = free_part(problem, fit)
    linear = [sum(v * w for v, w in zip(c or (), x, strict=False)) for x in problem.X]
    return [f + b + v for f, v in zip(fit, linear, strict=True)]


def _newton(
    problem: Problem, fit: Sequence[Fraction], columns: Sequence[Sequence[int]]
) -> list[Fraction]:
    """Weights of columns (n,) of nearly least loss, where that is smooth."""
    D = np.array([[float(v) for v in column] for column in columns]).T
    start, y = (np.array([float(v) for v in values]) for values in (fit, problem.y))
    z = np.zeros(D.shape[1])
    value = problem.loss.at(start, y)
    for _ in range(_STEPS):
        here = start + D @ z
        curved = problem.loss.curvature(here, y)[:, None] * D
        step = np.linalg.lstsq(D.T @ curved, -D.T @ problem.loss.gradient(here, y))[0]
        while problem.loss.at(start + D @ (z + step), y) >= value and np.abs(step).max() > 1e-12:
            step = step / 2
        least = problem.loss.at(start + D @ (z + step), y)
        if not least < value:
            break
        z, value = z + step, least
    return [Fraction(v).limit_denominator(10**9) for v in z.tolist()]
