"""Neurons whose output weight cannot change its sign split what training conserves.

Setting: two-layer ReLU networks without biases, one output, $m$ neurons $(w_j, a_j)$ in $R^d times
R$. Gradient flow conserves $c_j = ||w_j||^2 - a_j^2$, so it stays on $H(c)$, the set where all are
given.

Statement: $H(c)$ has $2^l$ components, $l$ the number of $j$ with $c_j < 0$; up to permutations of
the neurons, with rescaling, $l + 1$.

Hypotheses: $d >= 2$. For one feature, $w_j != 0$ where $c_j > 0$ splits too: $2^m$ with no $c_j =
0$.

Source: M. Nurisso, P. Leroy, F. Vaccarino, NeurIPS 2024, arXiv 2410.14837, abstract and the figure
of two such neurons, which have four components, three of them up to permutations.

Tight: it is an equality. Components matter: with $c_j < 0$ and $a_j < 0$ for all $j$ labels that
are positive are never fitted, and the loss stays at that of zero or above it.

Computed: components by patterns of signs, which no path changes where a weight cannot be 0. With $P
= ||w_j||^2$ and $Q = a_j^2$ what is conserved is the half-line $P - Q = c_j$, $P, Q >= 0$, and $Q$,
or $P$ for $d = 1$, can be 0 on it or not. Then the orbits of the patterns under permutations, one
by one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import permutations, product
from typing import NamedTuple

from theory.claims.gallery.base import TOPICS, Theorem
from theory.types import Progress


class Conserved(NamedTuple):
    """The number of features, and c_j for each neuron."""

    d: int
    c: tuple[int, ...]


@dataclass(frozen=True)
class ConservedSigns(Theorem[Conserved]):
    """The obstruction of Nurisso, Leroy and Vaccarino."""

    topic = TOPICS[1]

    def instances(self) -> Mapping[str, Conserved]:
        """By what is conserved."""
        values = ((-1, -2), (1, -1), (-3, -1, -2, 2), (0, -1, -1, -1), (1, 2), (-1, -1, -1, -1, -1))
        return {", ".join(map(str, c)): Conserved(2, c) for c in values}

    def theorem(self, instance: Conserved) -> tuple[int, int]:
        """All components, and up to permutations."""
        negative = sum(c < 0 for c in instance.c)
        return 2**negative, negative + 1

    def computed(self, instance: Conserved, progress: Progress) -> tuple[int, int]:
        """The same, one by one."""
        kept = [_kept(instance.d, c) for c in instance.c]
        patterns = set(product(*([(s, t) for s in signs[0] for t in signs[1]] for signs in kept)))
        split = [j for j, (_, a) in enumerate(kept) if len(a) > 1]
        orbits = {
            min(_moved(pattern, split, order) for order in permutations(split))
            for pattern in patterns
        }
        return len(patterns), len(orbits)


def _kept(d: int, c: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The signs of w, for d = 1, and of a that no path changes; (0,) where there is none.

    On P - Q = c, P, Q >= 0, the least Q is max(0, -c) and the least P max(0, c).
    """
    both, none = (1, -1), (0,)
    return both if d == 1 and max(0, c) > 0 else none, both if max(0, -c) > 0 else none


def _moved(
    pattern: tuple[tuple[int, int], ...], places: list[int], order: tuple[int, ...]
) -> tuple[tuple[int, int], ...]:
    moved = list(pattern)
    for place, other in zip(places, order, strict=True):
        moved[place] = pattern[other]
    return tuple(moved)
