"""The output bias and the linear part that suit given neurons best.

No ball and no penalty counts them, so a landscape is that of the loss minimised over them: it is
convex on every cell, as the loss is, and has the same components and barriers.
Source: `free-parts`, proofs_notes/losses.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np

from theory.exact import dot
from theory.landscape.form import Form, free_extras, has_form
from theory.landscape.nnls import LeastSquares
from theory.network import Network
from theory.problem import Problem, format_rational, in_integers

_STEPS = 100  # of Newton's method, where there is no form


def completed(problem: Problem, network: Network) -> Network:
    """The network with the output bias and the linear part of least loss: see `free_part`.

    As it is where the problem has neither.
    """
    if not problem.has_free_part:
        return network
    b, c = free_part(problem, replace(network, b=Fraction(), c=None).fit(problem))
    return replace(network, b=b, c=c)


def free_part(
    problem: Problem, fit: Sequence[Fraction]
) -> tuple[Fraction, tuple[Fraction, ...] | None]:
    """b, and c (d,), of least loss where neurons alone have this fit (n,).

    Exactly, but for the logistic loss. Where several are best the choice is always the same.
    """
    columns = problem.free_columns
    whole = {i: in_integers(column) for i, column in enumerate(columns) if any(column)}
    parts = [Fraction()] * len(columns)
    if has_form(problem):
        form = Form.of(replace(problem, output_bias=False, skip=False), 1, fit)
        table = np.array([extra.column for extra in free_extras(problem)], dtype=object)
        table = table.reshape(-1, problem.n)
        numbers = list(whole)
        for place, v in LeastSquares(table, form).minimum(tuple(range(len(table)))).coefficients():
            i = numbers[place // 2]
            parts[i] += (-1) ** place * v * whole[i][1] / form.unit
    elif whole:
        found = _newton(problem, fit, [direction for direction, _ in whole.values()])
        for (i, (_, unit)), v in zip(whole.items(), found, strict=True):
            parts[i] = v * unit
    b = parts.pop(0) if problem.output_bias else Fraction()
    return b, tuple(parts) if problem.skip else None


def free_part_json(problem: Problem, fit: Sequence[Fraction]) -> dict[str, Any]:
    """The same as networks in JSON have it."""
    b, c = free_part(problem, fit)
    parts: dict[str, Any] = {"b": format_rational(b)} if problem.output_bias else {}
    return parts if c is None else parts | {"c": [format_rational(v) for v in c]}


def free_fit(problem: Problem, fit: Sequence[Fraction]) -> Sequence[Fraction]:
    """The fit (n,) of neurons with the best output bias and linear part."""
    if not problem.has_free_part:
        return fit
    b, c = free_part(problem, fit)
    weights = (*(b,) * problem.output_bias, *(c or ()))
    linear = (dot(weights, row) for row in zip(*problem.free_columns, strict=True))
    return [f + v for f, v in zip(fit, linear, strict=True)]


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
