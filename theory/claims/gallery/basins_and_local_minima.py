"""From as many neurons as data on there are no bad basins, though there are bad local minima.

Setting: two-layer ReLU networks of width $m$ on $n >= 2$ data, with hidden and output biases,
squared loss. A bad basin is a set of networks of one loss, not the least, around which losses are
higher.

Statement: With $m >= n$ neurons there is no bad basin, so no strict local minimum that is not
global.

Hypotheses: a continuous activation, a convex loss, data that differ in one coordinate.

Source: D. Li, T. Ding and R. Sun, 2018, arXiv 1812.11039, abstract.

Tight: nowhere here. With an output bias $n - 1$ neurons are enough, which is attained at $n = 2$,
3, 4. Local minima that are not strict remain: the affine fit, see spurious-affine-minimum.

Computed: the least width from which on, and up to $n$, no valley of the exact tree has a bottom
above the least loss; certified at this width.

Note: proofs_notes/gallery.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile

from theory.certificates import certify
from theory.claims.gallery.base import TOPICS, Proved, Relation, Theorem
from theory.landscape import Valleys, valleys
from theory.problem import Problem
from theory.types import Progress


@dataclass(frozen=True)
class BasinsAndLocalMinima(Theorem[Problem]):
    """The width of Li, Ding and Sun."""

    topic = TOPICS[2]
    relation = Relation.AT_MOST
    on_record = "loose by 1"

    def instances(self) -> Mapping[str, Problem]:
        """Points on a line; the first labels make a kink."""
        return {
            "three points": _on_a_line([0, 0, 1]),
            "four points": _on_a_line([0, 0, 1, 1]),
            "two points": _on_a_line([0, 1]),
            "three equal labels": _on_a_line([1, 1, 1]),
        }

    def theorem(self, instance: Problem) -> int:
        """From which width on."""
        return instance.n

    def computed(self, instance: Problem, progress: Progress) -> int | Proved:
        """The same, by exact trees."""
        trees = (valleys(instance, m, progress=progress) for m in range(instance.n, 0, -1))
        tree, least = None, instance.n + 1
        for narrower in takewhile(_has_no_bad_basin, trees):
            tree, least = narrower, narrower.width
        return least if tree is None else Proved(least, certify(tree), instance)


def _has_no_bad_basin(tree: Valleys) -> bool:
    return all(valley.birth == tree.minimum for valley in tree.valleys)


def _on_a_line(y: Sequence[int]) -> Problem:
    X = [[k, 1] for k in range(len(y))]
    return Problem(X=X, y=y, bias="decayed", output_bias=True)
