"""How many neurons have given labels 0 and 1, with no datum on a kink.

Setting: two-layer ReLU networks without biases, $n$ data in $R^d$, labels 0 and 1.

Statement: $4 ceil(n / (2 d - 2))$ neurons are enough for an exact fit that has no datum on the kink
of a neuron.

Hypotheses: almost all data, $d >= 2$.

Source: D. Soudry and E. Hoffer, 2017, arXiv 1702.05777, Theorem 8.

Tight: nowhere here. At $d = 2$ already $n$ neurons with independent features do it, half as many;
on these data 3 for 8 at $n = 4$, $d = 2$, and 2 for 4 at $d = 3$.

Computed: the least width whose least loss is 0, by exact landscapes; then an exact linear program
for a network in the inside of one of its cells. Certified is the loss of one neuron less.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count

from flint import fmpq

from theory.certificates import certify
from theory.claims.gallery.base import TOPICS, Proved, Relation, Theorem
from theory.exact import to_flint
from theory.landscape import analyse
from theory.landscape.cells import Cell, CellComplex
from theory.linear import LinearProgram
from theory.problem import Problem
from theory.states import cone_of, sign_of
from theory.types import Progress


@dataclass(frozen=True)
class BinaryLabelsWidth(Theorem[Problem]):
    """The width of Soudry and Hoffer."""

    topic = TOPICS[2]
    relation = Relation.AT_MOST
    on_record = "loose by 2"

    def instances(self) -> Mapping[str, Problem]:
        """Of four data each, with labels that need most."""
        space = [[1, t, t * t] for t in range(4)]
        return {
            "d = 3": Problem(X=space, y=[0, 1, 0, 1]),
            "d = 2": Problem(X=[row[:2] for row in space], y=[0, 1, 0, 1]),
            "d = 2, around": Problem(X=[[1, 0], [-1, 1], [-1, -1], [0, 1]], y=[1, 1, 1, 1]),
        }

    def theorem(self, instance: Problem) -> int:
        """The number of neurons."""
        return 4 * -(-instance.n // (2 * instance.d - 2))

    def computed(self, instance: Problem, progress: Progress) -> Proved:
        """The least number."""
        narrower = None
        for width in count(1):
            found = analyse(instance, width, progress=progress)
            cells = (cell for component in found.components for cell in component.cells)
            if not found.minimum and any(_has_inside(found.complex, cell) for cell in cells):
                break
            narrower = found
        return Proved(width, certify(narrower or found), instance)


def _has_inside(complex_: CellComplex, cell: Cell) -> bool:
    """Whether an exact fit is in the inside of a cell: the largest t <= 1 by which it can be."""
    problem = complex_.problem
    start = [v for _, u in complex_.point(cell, complex_.minimum(cell)) for v in u]
    size, rows = len(start) + 1, [to_flint(row) for row in problem.X]
    fits = [[fmpq()] * size for _ in rows]
    sides = []
    for j, state in enumerate(cell):
        places = range(j * problem.d, (j + 1) * problem.d)
        for k, side in enumerate(complex_.arrangement.signs[cone_of(state)]):
            within = [fmpq()] * (size - 1) + [fmpq(-1)]
            for place, v in zip(places, rows[k], strict=True):
                within[place] = int(side) * v
                fits[k][place] = fmpq(sign_of(state)) * v * (side > 0)
            sides.append(within)
    last = [fmpq(int(i == size - 1)) for i in range(size)]
    sides.append([-v for v in last])
    kept = [k for k, row in enumerate(fits) if any(row)]  # the others have label 0
    fits, labels = [fits[k] for k in kept], to_flint(problem.y[k] for k in kept)
    ends = [fmpq()] * (len(sides) - 1) + [fmpq(-1)]
    program = LinearProgram([-v for v in last], fits, labels, sides, ends)
    return bool(program.minimum([*to_flint(start), fmpq()]).x[-1] > 0)
