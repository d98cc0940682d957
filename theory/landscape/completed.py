"""The output bias and the linear part that suit given neurons best.

No ball and no penalty counts them, so a landscape is that of the loss minimised over them: it is
convex on every cell, as the loss is, and has the same components and barriers.
Source: `forms`, proofs_notes/losses.md.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np

from theory.landscape.form import Form, directions
from theory.landscape.nnls import LeastSquares
from theory.network import Network
from theory.problem import Problem


def completed(problem: Problem, network: Network) -> Network:
    """The network with the output bias and the linear part of least loss, exactly.

    As it is where the problem has neither. Where several are best the choice is always the same.
    """
    if not problem.output_bias and not problem.skip:
        return network
    neurons = replace(network, b=Fraction(), c=None)
    fixed = replace(problem, output_bias=False, skip=False)
    form = Form.of(fixed, 1, neurons.fit(problem))
    both = [tuple(side * v for v in each) for each in directions(problem) for side in (1, -1)]
    used = [i for i, each in enumerate(both) if any(each)]
    table = np.array([both[i] for i in used], dtype=object).reshape(-1, problem.n)
    found = LeastSquares(table, form).minimum(tuple(range(len(used))))
    parts = [Fraction()] * (len(both) // 2)
    own = [(Fraction(1),) * problem.n] * problem.output_bias
    own += [*zip(*problem.X, strict=True)] * problem.skip
    for place, coefficient in found.coefficients():
        part, negative = divmod(used[place], 2)
        # What one unit of the direction in integers is of the number itself.
        k = next(k for k, v in enumerate(own[part]) if v)
        unit = abs(both[used[place]][k]) / abs(own[part][k]) / form.unit
        parts[part] += coefficient * unit * (-1 if negative else 1)
    b = parts.pop(0) if problem.output_bias else Fraction()
    return replace(network, b=b, c=tuple(parts) if problem.skip else None)
