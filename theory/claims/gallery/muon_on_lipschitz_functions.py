"""Muon need not converge on a convex Lipschitz function, whatever its learning rates.

Setting: Muon without momentum on $2 times 2$ matrices $W$, $W <- W - eta_t P_t$, with $P_t$ the
polar factor of a subgradient of $f$ at $W$, and $f(W) = |tr S^T W| + c |tr T^T W|$, convex and
Lipschitz.

Statement: On the class of convex Lipschitz functions Muon does not converge, regardless of the
schedule of learning rates.

Hypotheses: here $0 < c$, $c$ other than 1, and $S, T = R diag(1, +-1)$ for an orthogonal $R$; at a
kink the subgradient is a gradient beside it. The abstract says nothing of momentum; with it some
schedules leave the line below, and these $f$ decide nothing.

Source: T. Parshakova, A. Khaled, M. Crawshaw, G. Garrigos, R. M. Gower, 2026, arXiv 2605.08980,
abstract.

Tight: it is a yes or no. $c = 1$ is another case: gradients have rank one, and of diagonal matrices
each step makes the larger entry smaller, so that some schedules converge.

Computed: the polar factors of all subgradients, by their definition ($G = P H$, $P$ orthogonal, $H$
positive definite). Where they are $+P$ and $-P$ of one $P$, all schedules stay on the line $W_0 + s
P$; the least value of $f$ there is exact, at a breakpoint, and is compared with the least of $f$,
which is 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from typing import NamedTuple

from flint import fmpq, fmpq_mat

from theory.claims.gallery.base import TOPICS, Theorem
from theory.exact import dot
from theory.types import Progress


class Start(NamedTuple):
    """Where it starts, and which function it is: R by its entries, row after row."""

    R: fmpq_mat
    c: fmpq
    W: fmpq_mat


@dataclass(frozen=True)
class MuonOnLipschitzFunctions(Theorem[Start]):
    """That steps of one size in all directions miss the minimum."""

    topic = TOPICS[5]

    def instances(self) -> Mapping[str, Start]:
        """Diagonal matrices, where Muon is sign descent; then others."""
        unit, half = _of(1, 0, 0, 1), fmpq(1, 2)
        turned = _of(3, -4, 4, 3) / fmpq(5)
        return {
            "diagonal": Start(unit, half, _of(3, 0, 0, 1)),
            "turned": Start(turned, half, turned * _of(3, 0, 0, 1)),
            "the second term is steeper": Start(unit, fmpq(2), _of(3, 0, 0, 1)),
            "nearly flat": Start(unit, fmpq(1, 100), _of(2, 1, 0, 1)),
            "a reflection": Start(_of(0, 1, 1, 0), half, _of(0, 1, 5, 0)),
        }

    def theorem(self, instance: Start) -> str:
        """Whether some schedule converges."""
        return "no"

    def computed(self, instance: Start, progress: Progress) -> str:
        """By the least value on the line that no schedule leaves."""
        R, c, W = instance
        S, T = R, R * _of(1, 0, 0, -1)
        gradients = [S * fmpq(s) + T * (c * t) for s, t in product((1, -1), repeat=2)]
        factors = [next(P for P in (S, -S, T, -T) if _is_polar(P, G)) for G in gradients]
        P = factors[0]
        if any(factor not in (P, -P) for factor in factors):
            return "not known"
        slopes = [(_inner(side, W), _inner(side, P)) for side in (S, T)]
        stops = [-at / slope for at, slope in slopes if slope]
        least = min(_f(S, T, c, W + P * stop) for stop in stops)
        return "no" if least > 0 else "yes"


def _of(*entries: int) -> fmpq_mat:
    return fmpq_mat(2, 2, list(entries))


def _is_polar(P: fmpq_mat, G: fmpq_mat) -> bool:
    """Whether G = P H for an orthogonal P and a positive definite H."""
    H = P.transpose() * G
    whole = P.transpose() * P == _of(1, 0, 0, 1) and H == H.transpose()
    return whole and H[0, 0] > 0 and H.det() > 0


def _inner(A: fmpq_mat, B: fmpq_mat) -> fmpq:
    return dot(A.entries(), B.entries())


def _f(S: fmpq_mat, T: fmpq_mat, c: fmpq, W: fmpq_mat) -> fmpq:
    return abs(_inner(S, W)) + c * abs(_inner(T, W))
