"""The least loss is at most that of the network that is zero.

Setting: two-layer ReLU networks of a given width, squared loss, no ball.

Statement: With $m >= 1$ neurons the least loss is at most $1/2 ||y||^2$.

Hypotheses: none; the data are any rationals.

Source: authors, venue and year, arXiv 0000.00000, Theorem 0.

Tight: where the labels are zero, and where no neuron can help.

Computed: the least loss over all cells of the exact landscape, with a certificate.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from theory.certificates import certify
from theory.claims.gallery.base import TIGHT, TOPICS, Proved, Relation, Theorem
from theory.landscape import analyse
from theory.problem import Problem
from theory.types import Progress


@dataclass(frozen=True)
class Template(Theorem[Problem]):
    """The theorem: change everything here, the name of the class too."""

    topic = TOPICS[0]  # the heading of the gallery's page that it belongs to
    relation = Relation.AT_MOST  # what is computed is at most what the theorem says
    on_record = TIGHT  # or HOLDS, "loose by 2", COUNTEREXAMPLE

    def instances(self) -> Mapping[str, Problem]:
        """Those that decide the verdict first: `isthmus verify --quick` takes two."""
        return {
            "a zero row": Problem(X=[[0, 0], [1, 2]], y=[3, 0], width=1),
            "two rows": Problem(X=[[1, 0], [1, 1]], y=[1, -1], width=1),
        }

    def theorem(self, instance: Problem) -> Fraction:
        """What the theorem says of the data, from its formula and nothing else."""
        return sum((v * v for v in instance.y), Fraction()) / 2

    def computed(self, instance: Problem, progress: Progress) -> Proved:
        """What is so, by exact computation; a bare value where there is nothing to certify."""
        found = analyse(instance, progress=progress)
        return Proved(found.minimum, certify(found), instance)
