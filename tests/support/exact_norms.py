"""Norms and losses of networks in rationals, for tests only: nothing of the project is used."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

Matrix = Sequence[Sequence[Fraction]]

BALLS = (
    *("entrywise", "muon", "muon-adamw", "ngd", "colnorm"),
    *("adamw-ngd", "colnorm-ngd", "ngd-adamw"),
)


def loss(X: Matrix, y: Sequence[Fraction], W: Matrix, a: Sequence[Fraction]) -> Fraction:
    """1/2 ||f - y||^2 of the network W (d, m), a (m,)."""
    total = Fraction()
    for row, target in zip(X, y, strict=True):
        fit = Fraction()
        for w, weight in zip(zip(*W, strict=True), a, strict=True):
            fit += weight * max(Fraction(), sum(x * v for x, v in zip(row, w, strict=True)))
        total += (fit - target) ** 2 / 2
    return total


def squares(W: Matrix, a: Sequence[Fraction]) -> Fraction:
    """||W||_F^2 + ||a||^2"""
    return sum((v * v for row in [*W, a] for v in row), Fraction())


def output_squared(ball: str, a: Sequence[Fraction]) -> Fraction:
    """||a||^2 in the norm of the ball."""
    if ball in ("muon", "ngd", "adamw-ngd", "colnorm-ngd"):
        return sum((v * v for v in a), Fraction())
    return max(v * v for v in a)


def hidden_within(ball: str, gram: Matrix, W2: Matrix, limit: Fraction) -> bool:
    """Whether ||W||^2 <= limit. gram: W W^T (d, d). W2: the squares of the entries of W (d, m)."""
    if ball in ("entrywise", "adamw-ngd"):
        return all(v <= limit for row in W2 for v in row)
    if ball in ("colnorm", "colnorm-ngd"):
        return all(sum(column) <= limit for column in zip(*W2, strict=True))
    if ball in ("ngd", "ngd-adamw"):
        return sum(v for row in W2 for v in row) <= limit
    return _positive_semidefinite(
        [[(limit if i == k else 0) - v for k, v in enumerate(row)] for i, row in enumerate(gram)]
    )


def inside(ball: str, W: Matrix, a: Sequence[Fraction], rho: Fraction) -> bool:
    """Whether ||W|| ||a|| <= rho, the layers as they stand."""
    size = output_squared(ball, a)
    gram = [[sum(v * w for v, w in zip(p, q, strict=True)) * size for q in W] for p in W]
    W2 = [[v * v * size for v in row] for row in W]
    return hidden_within(ball, gram, W2, rho * rho)


def _positive_semidefinite(matrix: Matrix) -> bool:
    """By L D L^T: no pivot is negative, and below a pivot of zero is nothing."""
    rows = [list(row) for row in matrix]
    while rows:
        (pivot, *first), *others = rows
        if pivot < 0 or (not pivot and any(first)):
            return False
        rows = [
            [v - row[0] * w / pivot for v, w in zip(row[1:], first, strict=True)]
            if pivot
            else row[1:]
            for row in others
        ]
    return True
