"""No spurious valleys from the dimension of the networks' function space on.

Setting: two-layer networks of width $m$ without biases, scalar output, squared loss on $n$ data. A
spurious valley is a component of a set ${L <= c}$ without a global minimum. $D$ is the dimension of
the space that the vectors $(sigma(v . x_1), ..., sigma(v . x_n))$, $v in R^d$, span.

Statement: There are no spurious valleys if $m >= D$; so there are none if $m >= n$.

Hypotheses: $sigma$ is continuous; the loss is convex and has a global minimum.

Source: L. Venturi, A. S. Bandeira and J. Bruna, JMLR 20(133), 2019, arXiv 1802.06384, Theorem 8 and
Corollary 9.

Tight: $D$ at two, three and four data, $n$ at two and three. With a zero row, or data on a line,
$n$ is more than $D$. Some labels need less than $D$, as those of the last instance.

Computed: the least width from which on, and up to $n$, no valley of the exact tree of all levels
has a bottom above the least loss; certified at this width. It stands against $D$ and $n$.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from theory.certificates import certify
from theory.claims.gallery.base import TIGHT, TOPICS, Proved, Relation, Theorem
from theory.claims.sign_vectors import sign_vectors
from theory.exact import flint_matrix, to_flint
from theory.landscape import Valleys, valleys
from theory.problem import Problem
from theory.types import Progress


@dataclass(frozen=True)
class SpuriousValleysWidth(Theorem[Problem]):
    """The widths of Venturi, Bandeira and Bruna."""

    topic = TOPICS[2]
    relation = Relation.AT_MOST
    on_record = TIGHT

    def instances(self) -> Mapping[str, Problem]:
        """Data at which D is needed, then some at which less will do."""
        line = [[1], [-1], [2], [-3]]
        return {
            "two rows": Problem(X=[[1, 0], [0, 1]], y=[1, -2]),
            "three rows": Problem(X=[[2, 0], [1, -1], [0, -1]], y=[3, 2, -2]),
            "data on a line": Problem(X=line, y=[1, -2, 1, 1]),
            "data on a line, abs": Problem(X=line, y=[1, -2, 1, 1], activation="abs"),
            "a zero row": Problem(X=[[1, 0], [0, 1], [0, 0]], y=[1, -2, 1]),
            "three rows in a plane": Problem(X=[[1, 0], [0, 1], [1, 1]], y=[1, -2, 1]),
        }

    def theorem(self, instance: Problem) -> tuple[int, int]:
        """D, the rank of what all cones of weights span, and n."""
        X, slopes = instance.X, instance.activation
        columns = [
            to_flint((slopes.positive if s > 0 else slopes.negative) * v for s, v in pairs)
            for signs in sign_vectors(instance).signs
            for pairs in (zip(signs, column, strict=True) for column in zip(*X, strict=True))
        ]
        return int(flint_matrix(columns, instance.n).rank()), instance.n

    def computed(self, instance: Problem, progress: Progress) -> Proved:
        """The same width, by exact trees."""
        tree = valleys(instance, instance.n, progress=progress)
        for width in range(instance.n - 1, 0, -1):
            narrower = valleys(instance, width, progress=progress)
            if _spurious(narrower):
                break
            tree = narrower
        least = tree.width + _spurious(tree)
        return Proved((least, least), certify(tree), instance)


def _spurious(tree: Valleys) -> bool:
    return any(valley.birth > tree.minimum for valley in tree.valleys)
