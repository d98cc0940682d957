"""The balls of two optimizers in common coordinates, where their intersection is convex.

A neuron is (s, alpha, u) with alpha = a^2 and u = |a| w. Here the layers are not rescaled: the ball
of radius rho has R_W = R_a = sqrt(rho), and all of its constraints are rational and jointly convex
in (alpha, u, rho):

| geometry             | hidden layer                        | output layer        |
|----------------------|-------------------------------------|---------------------|
| adamw, lion, signsgd | u_jk^2 <= rho alpha_j               | alpha_j <= rho      |
| colnorm              | ||u_j||^2 <= rho alpha_j            | alpha_j <= rho      |
| muon-adamw           | sum_j u_j u_j^T / alpha_j <= rho I  | alpha_j <= rho      |
| muon                 | sum_j u_j u_j^T / alpha_j <= rho I  | sum_j alpha_j <= rho|
| ngd                  | sum_j ||u_j||^2 / alpha_j <= rho    | sum_j alpha_j <= rho|

sgd has no ball; for it rho bounds sum_j (||u_j||^2 / alpha_j + alpha_j) / 2, the penalty over beta:
minimisers with a penalty have least loss in that set.

A layer is either *shared*, so that neurons divide what there is, or each neuron has its *own* room.
That decides what width does: room of one's own grows with it. Source:
proofs_notes/region-interaction.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from flint import fmpq, fmpq_mat

from theory.connectivity.solutions import Neuron, Point, outer
from theory.errors import InputError
from theory.exact import from_flint, is_positive_semidefinite, simplest_between, squared, to_flint
from theory.geometry import LionK, Norm, VectorNorm, geometry
from theory.problem import Problem

if TYPE_CHECKING:
    import cvxpy

_CLOSE = Fraction(1, 10**12)  # an eigenvalue is first tried as the simplest fraction this near


class Constraints(NamedTuple):
    """A ball in CVXPY; the multipliers of `hidden` and `output` are its shared weights, if any."""

    all: list[cvxpy.Constraint]
    hidden: cvxpy.Constraint | None
    output: cvxpy.Constraint | None


@dataclass(frozen=True)
class BallShape:
    """The norms of one geometry.

    name: in certificates. hidden: entrywise, column, frobenius or spectral. output: max, l2, or
    hidden, where the two layers are bounded together. Either may be free: see `at_any_width`.
    """

    name: str
    hidden: str
    output: str

    @property
    def shared_hidden(self) -> bool:
        """Whether the neurons divide the ball of the hidden layer."""
        return self.hidden in ("frobenius", "spectral")

    @property
    def shared_output(self) -> bool:
        """Whether the neurons divide the ball of the output layer."""
        return self.output in ("l2", "hidden")

    @property
    def own_hidden(self) -> bool:
        """Whether each neuron has a ball of its own for w."""
        return self.hidden in ("entrywise", "column")

    @property
    def own_output(self) -> bool:
        """Whether each neuron has an interval of its own for a."""
        return self.output == "max"

    def at_any_width(self) -> BallShape:
        """What is left of the ball where neurons may be split into as many equal ones as needed:
        no bounds of each neuron's own."""
        return replace(
            self,
            hidden=self.hidden if self.shared_hidden else "free",
            output=self.output if self.shared_output else "free",
        )

    def needed(self, point: Point) -> Fraction:
        """The least rho of a ball that holds the point; with a spectral norm a little more."""
        used = [neuron for neuron in point if neuron.alpha]
        if not used:
            return Fraction()
        alphas = [neuron.alpha for neuron in used]
        output = hidden = Fraction()
        if self.shared_output:
            output = sum(alphas, Fraction())
        elif self.own_output:
            output = max(alphas)
        if self.hidden == "entrywise":
            hidden = max(v * v / alpha for _, alpha, u in used for v in u)
        elif self.hidden == "column":
            hidden = max(squared(neuron.u) / neuron.alpha for neuron in used)
        elif self.hidden == "frobenius":
            hidden = sum((squared(neuron.u) / neuron.alpha for neuron in used), Fraction())
        elif self.hidden == "spectral":
            hidden = _eigenvalue(_gram(used))
        return (hidden + output) / 2 if self.output == "hidden" else max(hidden, output)

    def holds(self, point: Point, rho: Fraction) -> bool:
        """Whether the ball of radius rho holds the point, exactly."""
        if self.hidden != "spectral":
            return self.needed(point) <= rho
        used = [neuron for neuron in point if neuron.alpha]
        rest = replace(self, hidden="free")
        return rest.needed(point) <= rho and (not used or _below(_gram(used), rho))

    def constraints(
        self,
        U: cvxpy.Expression,
        alpha: cvxpy.Expression,
        room: cvxpy.Expression,
        rho: cvxpy.Expression,
    ) -> Constraints:
        """The ball in terms of blocks of equal neurons, of which U (d, b) and alpha (b) are sums.

        room: (b,), rho times the number of neurons in each block; for what is their own.
        """
        import cvxpy

        cp: Any = cvxpy  # mypy does not see the functions it exports
        d, blocks = U.shape
        all_: list[cvxpy.Constraint] = []
        hidden = output = None
        if self.shared_hidden:
            if self.hidden == "spectral":
                hidden = cp.bmat([[rho * np.eye(d), U], [U.T, cp.diag(alpha)]]) >> 0
            else:
                squares = cp.Variable(blocks)
                all_.append(
                    cp.SOC(squares + alpha, cp.vstack([2 * U, squares[None] - alpha[None]]))
                )
                if self.output == "hidden":
                    hidden = cp.sum(squares) + cp.sum(alpha) <= 2 * rho
                else:
                    hidden = cp.sum(squares) <= rho
            all_.append(hidden)
        elif self.own_hidden:
            rows = [U] if self.hidden == "column" else [U[k : k + 1] for k in range(d)]
            difference = (room - alpha)[None]
            all_ += [cp.SOC(room + alpha, cp.vstack([2 * row, difference])) for row in rows]
        if self.output == "l2":
            output = cp.sum(alpha) <= rho
            all_.append(output)
        elif self.own_output:
            all_.append(alpha <= room)
        return Constraints(all_, hidden, output)


def _norms(optimizer: str) -> tuple[Norm, VectorNorm] | None:
    """Those of the layers; None for a penalty."""
    found = geometry(optimizer)
    return found.norms if isinstance(found, LionK) else None


_SHAPES = {
    _norms(name): shape
    for name, shape in {
        "adamw": BallShape("entrywise", "entrywise", "max"),
        "colnorm": BallShape("colnorm", "column", "max"),
        "muon": BallShape("muon", "spectral", "l2"),
        "muon-adamw": BallShape("muon-adamw", "spectral", "max"),
        "ngd": BallShape("ngd", "frobenius", "l2"),
        "sgd": BallShape("l2", "frobenius", "hidden"),
    }.items()
}


def ball_of(optimizer: str) -> BallShape:
    """The ball of an optimizer by its name; raises InputError for an unknown one."""
    norms = _norms(optimizer)
    if norms not in _SHAPES:
        raise InputError("optimizers", f"the regions of {optimizer} are not known here")
    return _SHAPES[norms]


def image(problem: Problem, neuron: Neuron) -> tuple[Fraction, ...]:
    """s relu(X u), (n,)"""
    values = (
        sum((x * v for x, v in zip(row, neuron.u, strict=True)), Fraction()) for row in problem.X
    )
    return tuple(neuron.sign * max(value, Fraction()) for value in values)


def _gram(point: Sequence[Neuron]) -> fmpq_mat:
    """sum_j u_j u_j^T / alpha_j"""
    d = len(point[0].u)
    total = [fmpq()] * (d * d)
    for neuron in point:
        total = [t + v for t, v in zip(total, outer(neuron), strict=True)]
    return fmpq_mat(d, d, total)


def _below(gram: fmpq_mat, rho: Fraction) -> bool:
    """Whether gram <= rho I"""
    d, top = gram.nrows(), to_flint([rho])[0]
    identity = fmpq_mat(d, d, [top if i == k else fmpq() for i in range(d) for k in range(d)])
    return is_positive_semidefinite(identity - gram)


def _eigenvalue(gram: fmpq_mat) -> Fraction:
    """The largest eigenvalue, from above: exact where it is a simple fraction."""
    d = gram.nrows()
    trace = sum(from_flint([gram[k, k] for k in range(d)]), Fraction())
    if not trace:
        return trace
    floats = np.array([[float(v / trace) for v in from_flint(row)] for row in gram.tolist()])
    top = trace * Fraction(float(np.linalg.eigvalsh(floats)[-1]))
    excess = _CLOSE
    bound = simplest_between(top * (1 - excess), top * (1 + excess))
    while not _below(gram, bound):
        bound = top * (1 + excess)
        excess *= 2
    return bound
