"""The losses of critical points of linear networks.

Setting: linear networks of any depth, $x -> W_H ... W_1 x$, and the loss $||W_H ... W_1 X - Y||^2$.
$lambda_1 > lambda_2 > ...$ are the eigenvalues of $S_YX S_XX^-1 S_XY$, with $S_XX = X X^T$ and so
on.

Statement: The losses of critical points are $tr S_YY - sum_{i in S} lambda_i$ for the sets $S$ of
at most $r$ of the outputs, $r$ the least width of all layers.

Hypotheses: as many inputs as outputs or more, $X$ of full row rank, $S_XY$ of full rank, and
distinct eigenvalues. These make $S$ unique for a critical point; the losses are the same for equal
ones.

Source: E. M. Achour, F. Malgouyres, S. Gerchinovitz, JMLR 25 (2024), arXiv 2107.13289, Assumption
1, Propositions 1 and 2.

Tight: it is an equality, for complex weights as well.

Computed: all weights are eliminated from the equations of critical points, by a Groebner basis: the
losses are the roots of the polynomial that is left.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations
from typing import Any, NamedTuple

from flint import Ordering, fmpq, fmpq_mat, fmpz_mat, fmpz_mpoly_ctx, fmpz_mpoly_vec

from theory.claims.gallery.base import TOPICS, Theorem
from theory.exact import from_flint
from theory.types import Progress

Rows = Sequence[Sequence[int]]


class Linear(NamedTuple):
    """Widths from the inputs to the outputs, X (inputs, n) and Y (outputs, n)."""

    widths: tuple[int, ...]
    X: Rows
    Y: Rows


@dataclass(frozen=True)
class LinearCriticalValues(Theorem[Linear]):
    """Achour, Malgouyres and Gerchinovitz, of first order."""

    topic = TOPICS[3]

    def instances(self) -> Mapping[str, Linear]:
        """Data with rational eigenvalues."""
        two, three = ((1, 0), (0, 1)), ((1, 0, 0), (0, 1, 0), (0, 0, 1))
        turned, stretched = ((3, 4), (-8, 6)), ((3, 0, 0), (0, 2, 0), (0, 0, 1))
        return {
            "one neuron": Linear((2, 1, 2), two, turned),
            "two neurons": Linear((2, 2, 2), two, ((2, 0), (0, 1))),
            "three layers": Linear((2, 1, 1, 2), two, turned),
            "one neuron, three outputs": Linear((3, 1, 3), three, stretched),
            "other inputs": Linear((2, 1, 2), ((1, 1, 0), (0, 1, 0)), ((3, 4, 1), (-8, 6, 2))),
            "more inputs": Linear((3, 1, 2), three, ((3, 4, 0), (-8, 6, 0))),
            "equal eigenvalues": Linear((2, 1, 2), two, two),
            "one output": Linear((2, 2, 1), two, ((3, 4),)),
        }

    def theorem(self, instance: Linear) -> tuple[Fraction, ...]:
        """Ascending, each once."""
        X, Y = (fmpq_mat(fmpz_mat(list(map(list, rows)))) for rows in instance[1:])
        product = Y * X.transpose()
        sigma = product * (X * X.transpose()).inv() * product.transpose()
        values = []
        for root, times in sigma.charpoly().roots():
            values += [root] * times
        assert len(values) == len(instance.Y)
        whole = sum(v * v for v in Y.entries())
        sets = (s for r in range(min(instance.widths) + 1) for s in combinations(values, r))
        return from_flint(sorted({whole - sum(s, fmpq()) for s in sets}))

    def computed(self, instance: Linear, progress: Progress) -> tuple[Fraction, ...]:
        """The same."""
        shapes = list(zip(instance.widths[1:], instance.widths[:-1], strict=True))
        sizes = [rows * columns for rows, columns in shapes]
        names = [f"w{k}" for k in range(sum(sizes))]
        *weights, loss = fmpz_mpoly_ctx.get((*names, "loss"), Ordering.lex).gens()
        rest = iter(weights)
        product: Any = instance.X
        for rows, columns in shapes:
            W = [[next(rest) for _ in range(columns)] for _ in range(rows)]
            product = [[_dot(row, column) for column in zip(*product, strict=True)] for row in W]
        errors = [
            fit - y
            for fits, labels in zip(product, instance.Y, strict=True)
            for fit, y in zip(fits, labels, strict=True)
        ]
        total = _dot(errors, errors)
        equations = [total.derivative(k) for k in range(len(weights))]
        basis = fmpz_mpoly_vec([*equations, total - loss], loss.context()).buchberger_naive()
        left = [each for each in basis if not any(each.degrees()[:-1])]
        _, factors = min(left, key=lambda each: each.degrees()[-1]).factor()
        return tuple(sorted(_root(factor) for factor, _ in factors))


def _dot(a: Sequence[Any], b: Sequence[Any]) -> Any:
    first, *others = (v * w for v, w in zip(a, b, strict=True))
    return sum(others, first)


def _root(factor: Any) -> Fraction:
    """Of p loss + q; of another degree none, and then the losses are others than the theorem's."""
    *_, degree = factor.degrees()
    assert degree == 1
    nothing = (0,) * (len(factor.degrees()) - 1)
    return Fraction(-int(factor[(*nothing, 0)]), int(factor[(*nothing, 1)]))
