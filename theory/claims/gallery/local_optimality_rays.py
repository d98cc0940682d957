"""At kinks two directions for each datum on them decide whether a network is a local minimum.

Setting: two-layer ReLU networks with hidden biases, squared loss. $M$ data $x_i$ are on the kink of
a neuron with weights $v = (w, b)$ and output weight $a$; $e = f - y$. While the other weights rest,
the loss changes at the rate $g . v$ + sum over these $i$ of $c_i relu(x_i . v)$, with $c_i = a
e_i$, $x_i$ with a last entry 1, and $g$ the sum of $a e_k x_k$ over the active data.

Statement: The rate is $>= 0$ for all $v$ exactly if $g + sum_i c_i s_i x_i = 0$ with multipliers
$s_i in [0, 1]$ and it is so for $2 M$ directions: up and down along each $x_i$, orthogonal to the
others. These take the place of $2^M$ linear programs.

Hypotheses: $v$ is not 0; no $d + 1$ data are on one hyperplane, so the $x_i$ are independent.

Source: C. Yun, S. Sra and A. Jadbabaie, ICLR 2019, arXiv 1809.10858, Section 3.2.

Tight: it is an equivalence, also where a rate is 0, or only one of the two conditions holds.

Computed: the least rate over each of the $2^M$ cones, by exact linear programs; and whether the
network is a local minimum, by the cells around it, with a certificate. For one neuron that is the
same, as the loss is convex on cells.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product

from flint import fmpq

from theory.certificates import certify
from theory.claims.gallery.base import HOLDS, TOPICS, Proved, Theorem
from theory.exact import dot, some_solution, sparse_dot, to_flint, transposed
from theory.landscape.classify import classify
from theory.linear import LinearProgram
from theory.network import Network
from theory.problem import Problem
from theory.types import Progress

YES, NO = "local minimum", "way down"
HALF, MORE = Fraction(1, 2), Fraction(2, 3)


@dataclass(frozen=True)
class AtKink:
    """One neuron w = (1, 0, ...), b = 0, a = 1 with data on its kink and active ones; e of both."""

    on_kink: Sequence[Sequence[int]]
    active: Sequence[Sequence[Fraction | int]]
    over: Sequence[Fraction | int]
    over_active: Sequence[int]

    @property
    def problem(self) -> Problem:
        """The data, with the labels that make it so."""
        X = [*self.on_kink, *self.active]
        e = [*self.over, *self.over_active]
        y = [row[0] - v for row, v in zip(X, e, strict=True)]
        return Problem(X=[[*row, 1] for row in X], y=y, bias="decayed")

    def pull(self) -> list[Fraction]:
        """The vector g."""
        columns = zip(*self.problem.X[len(self.on_kink) :], strict=True)
        return [dot(map(Fraction, self.over_active), column) for column in columns]


@dataclass(frozen=True)
class LocalOptimalityRays(Theorem[AtKink]):
    """The test of Yun, Sra and Jadbabaie."""

    topic = TOPICS[3]
    on_record = HOLDS
    few = 3

    def instances(self) -> Mapping[str, AtKink]:
        """Two, and three, data on a kink, with several residuals."""
        plane = [(0, 0), (0, 1)], [(1, HALF), (2, HALF)]
        space = [(0, 0, 0), (0, 1, 0), (0, 0, 1)], [(1, HALF, HALF), (2, MORE, MORE)]
        return {
            "two data": AtKink(*plane, (2, 2), (-4, 2)),
            "a multiplier above 1": AtKink(*plane, (HALF, 2), (-4, 2)),
            "multipliers, but a way down": AtKink(*plane, (-2, -2), (4, -2)),
            "a rate of 0": AtKink(*plane, (1, 1), (-4, 2)),
            "no multipliers": AtKink(*plane, (2, 2), (-4, 3)),
            "three data": AtKink(*space, (2, 1, 3), (-6, 3)),
        }

    def theorem(self, instance: AtKink) -> tuple[str, str]:
        """By multipliers, and by the rates c_i (1 - s_i) and c_i s_i along the directions."""
        rows = [to_flint(row) for row in instance.problem.X[: len(instance.on_kink)]]
        pull = to_flint(instance.pull())
        shares = some_solution(transposed(rows, len(pull)), [-v for v in pull], len(rows))
        up = shares is not None and all(
            0 <= share <= c for share, c in zip(shares, to_flint(instance.over), strict=True)
        )
        return (YES, YES) if up else (NO, NO)

    def computed(self, instance: AtKink, progress: Progress) -> tuple[str, str] | Proved:
        """By all cones, and by the cells around the network."""
        cones = product((1, -1), repeat=len(instance.on_kink))
        rests = YES if all(_least_rate(instance, cone) >= 0 for cone in cones) else NO
        problem = instance.problem
        found = classify(problem, Network([[int(i == 0)] for i in range(problem.d)], [1]))
        rested = found.slack is not None
        return Proved((rests, YES), certify(found), problem) if rested else (rests, NO)


def _least_rate(instance: AtKink, cone: Sequence[int]) -> fmpq:
    """Over v with entries up to 1 on these sides of the data on the kink."""
    slopes, sided = to_flint(instance.pull()), []
    for side, factor, row in zip(cone, instance.over, instance.problem.X, strict=False):
        (c,) = to_flint([factor * (side > 0)])
        sided.append([side * v for v in to_flint(row)])
        slopes = [s + c * v for s, v in zip(slopes, to_flint(row), strict=True)]
    size = len(slopes)
    box = [[fmpq(s * (i == k)) for i in range(size)] for k in range(size) for s in (1, -1)]
    ends = [*[fmpq()] * len(sided), *[fmpq(-1)] * len(box)]
    program = LinearProgram(slopes, [], [], [*sided, *box], ends)
    return sparse_dot(slopes, program.minimum([fmpq()] * size).x)
