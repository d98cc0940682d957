"""Two networks with half of their neurons zero are joined by a few straight segments.

Setting: two-layer ReLU networks of width $m$, squared loss, neurons in order; each of the two has
$m / 2$ neurons or fewer in use.

Statement: Some path of 8 segments joins them, with no loss above the larger of theirs.

Hypotheses: the loss is convex in the output.

Source: R. Kuditipudi, X. Wang, H. Lee, Y. Zhang, Z. Li, W. Hu, R. Ge and S. Arora, NeurIPS 2019,
arXiv 1906.06247, Lemma 2, for networks of two layers.

Tight: nowhere. For two layers 5 segments are enough, and 3 if no place is in use in both.

Computed: the segments of a path that is written down, and checked: on each only output weights
move, so that the loss is convex, or only input weights of neurons whose output weight is 0; the
losses at all breakpoints are exact.

Note: proofs_notes/gallery.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from theory.claims.gallery.base import TOPICS, Relation, Theorem
from theory.network import Network
from theory.problem import Problem
from theory.types import Progress


@dataclass(frozen=True)
class Halves:
    """Two networks of one width, each with half of it in use at most."""

    problem: Problem
    first: Network
    second: Network


@dataclass(frozen=True)
class SegmentsBetweenHalves(Theorem[Halves]):
    """The number of segments of Kuditipudi and others."""

    topic = TOPICS[4]
    relation = Relation.AT_MOST
    on_record = "loose by 3"

    def instances(self) -> Mapping[str, Halves]:
        """The same places in use, other ones, and one of two in common."""
        problem = Problem(X=[[1, 0], [0, 1]], y=[1, -1])
        ends = [
            Network([[1, 0, 0, 0], [0, 1, 0, 0]], [1, -1, 0, 0]),
            Network([[0, 2, 0, 0], [2, 0, 0, 0]], ["-1/2", "1/2", 0, 0]),
            Network([[0, 0, 1, 0], [0, 0, 0, 1]], [0, 0, 1, -1]),
            Network([[0, 0, 3, 0], [0, 1, 0, 0]], [0, -1, "1/3", 0]),
        ]
        names = "the same places", "other places", "one in common"
        return {
            name: Halves(problem, ends[0], end) for name, end in zip(names, ends[1:], strict=True)
        }

    def theorem(self, instance: Halves) -> int:
        """The number of segments."""
        return 8

    def computed(self, instance: Halves, progress: Progress) -> int | str:
        """Of the path of the note; `none` if it does not do what it should."""
        path = _path(instance.first, instance.second)
        losses = [network.loss(instance.problem) for network in path]
        low = max(losses) <= max(losses[0], losses[-1])
        joins = (path[0], path[-1]) == (instance.first, instance.second)
        fine = low and joins and all(_is_convex_on(*ends) for ends in pairwise(path))
        return len(path) - 1 if fine else "none"


def _path(first: Network, second: Network) -> list[Network]:
    """Breakpoints, each once."""
    used = [j for j, a in enumerate(first.a) if a]
    wanted = [j for j, a in enumerate(second.a) if a]
    free = [j for j in range(first.width) if j not in (*used, *wanted)]
    place = {j: free.pop() if j in used else j for j in wanted}
    columns, target = first.neurons(), second.neurons()
    moved = [*columns]
    for j, at in place.items():
        moved[at] = target[j]
    rest = [moved[j] if j in place.values() else target[j] for j in range(first.width)]
    outputs = {at: second.a[j] for j, at in place.items()}
    a = [outputs.get(j, Fraction()) for j in range(first.width)]
    steps = [
        *((columns, first.a), (moved, first.a), (moved, a), (rest, a)),
        *((rest, second.a), (target, second.a)),
    ]
    networks = [Network(zip(*w, strict=True), outputs) for w, outputs in steps]
    return [networks[0], *(b for a, b in pairwise(networks) if a != b)]


def _is_convex_on(first: Network, second: Network) -> bool:
    """Whether a straight segment moves output weights alone, or input weights that do nothing."""
    if first.W == second.W:
        return True
    moves = [v != w for v, w in zip(first.neurons(), second.neurons(), strict=True)]
    return first.a == second.a and not any(a for a, m in zip(first.a, moves, strict=True) if m)
