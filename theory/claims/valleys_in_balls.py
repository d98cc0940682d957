"""How many valleys the loss has in an optimizer's ball, over its radius and the width.

Setting: a few data sets; the balls of AdamW, column norms, Muon, Muon with AdamW's output layer and
normalised gradient descent.

Claim: in a small ball whose neurons share no layer there are C(K + m - 1, m) valleys at width m, K
being those of one neuron: width adds spurious ones. Where neurons share both layers none is
spurious from one width on, which is the same for all radii.

Tight: counts are exact for AdamW, and of valleys deeper than 10^-6 of the loss of zero weights in
other balls. Radii at which AdamW's change are bracketed by exact trees.

Predicted: merge trees, some with proofs; in small balls and from the theorem's width on, theorems.

Observed: all cells and faces in floating point, in other coordinates; the checker.

Source: Venturi, Bandeira, Bruna, arXiv 1802.06384, for spurious valleys; `merge-tree`,
`small-balls`, `ngd-connected`, `muon-connected`.

Note: proofs_notes/valleys-in-balls.md
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import pairwise
from typing import Self, TypeAlias

from theory.certificates import certify
from theory.claims.base import (
    VALID,
    Bounds,
    Claim,
    Observation,
    Prediction,
    Trainer,
    Value,
    Values,
    proof,
)
from theory.claims.float_valleys import Bar, float_bars
from theory.connectivity import connected_from
from theory.errors import Interrupted
from theory.exact import simplest_between
from theory.landscape.valleys import Valleys, valleys
from theory.loading import example
from theory.problem import Problem
from theory.types import Progress
from theory.within import Ball

OWN, SHARED = ("adamw", "colnorm"), ("muon", "ngd")
"""Optimizers whose ball gives each neuron both layers for itself, or shares out both."""
OPTIMIZERS = (*OWN, "muon-adamw", *SHARED)

_DEEP = 1e-6  # how deep valleys are that are counted, of the loss of zero weights
_EXACT = 1e-8  # the same for adamw, where all are: floats have to tell them from none
_SMALL = Fraction(1, 100)
_NEAR = Fraction(1, 1000)  # relative, of the radii on both sides of a change


@dataclass(frozen=True)
class Case:
    """A data set with the radii and, by optimizer, the largest width to look at.

    changes: widths at which to find a change of AdamW's number between each two radii that differ.
    small: the largest width at which to count in a small ball.
    """

    problem: Problem
    radii: tuple[Fraction, ...]
    widths: Mapping[str, int]
    changes: tuple[int, ...] = ()
    small: int = 0

    @property
    def name(self) -> str:
        """The problem's."""
        return self.problem.name


def _cases() -> tuple[Case, ...]:
    def radii(*texts: str) -> tuple[Fraction, ...]:
        return tuple(map(Fraction, texts))

    two, line = (
        Problem([[1], [-1]], [2, 1], name="two points"),
        Problem([[-1, 1], [0, 1], [1, 1]], [1, -1, 1], name="a line with a bias"),
    )
    narrow = dict.fromkeys(OPTIMIZERS, 2)
    wide = dict.fromkeys(OPTIMIZERS, 3) | {"adamw": 4, "muon": 4}
    return (
        Case(two, radii("1/4", "3/4", "9/4"), wide, changes=(2, 3), small=4),
        Case(line, radii("1/4", "4"), narrow | {"adamw": 3}),
        Case(example("separation-09"), radii("3"), narrow),
        Case(
            example("flagship"),
            radii("1/4", "2"),
            {"adamw": 3, "colnorm": 2, "ngd": 2},
            changes=(2,),
            small=2,
        ),
    )


_At: TypeAlias = tuple[Fraction, Valleys]
"""A radius and the tree there."""


@dataclass(frozen=True)
class ValleysInBalls(Claim):
    """The claim, on some cases."""

    cases: tuple[Case, ...] = field(default_factory=_cases)

    id = "valleys-in-balls"
    source = (
        "L. Venturi, A. Bandeira, J. Bruna, arXiv 1802.06384: spurious valleys; small-balls in "
        "proofs_notes/valleys-in-balls.md; ngd-connected and muon-connected in "
        "proofs_notes/paths.md"
    )

    @property
    def statement(self) -> str:
        """What is claimed, in a sentence."""
        return (
            "How many valleys the loss has depends on the optimizer's ball, its radius and the "
            "width. In small balls of AdamW and of column norms, where each neuron has both layers "
            "to itself, there are $C(K + m - 1, m)$ at width $m$, $K$ being those of one neuron: a "
            "further neuron adds spurious ones. In the balls of normalised gradient descent and "
            "of Muon, where neurons share both layers, none is spurious from one width on, "
            "whatever the radius."
        )

    @property
    def hypotheses(self) -> Sequence[str]:
        """Under which conditions."""
        data = "; ".join(
            f"{case.name}: $n = {case.problem.n}$, $d = {case.problem.d}$, $rho$ = "
            + ", ".join(map(str, case.radii))
            for case in self.cases
        )
        return (
            f"{data}; squared loss; networks modulo permutation of the neurons",
            "adamw: all valleys, exactly; Lion and signSGD have the same ball. Others: those "
            f"deeper than {_DEEP:g} of the loss of zero weights, from intervals",
            f"small balls: $rho = {_SMALL}$; $K$ is the number at width 1 there. The theorem is "
            "about all radii small enough for the width, where no two vertices of AdamW's ball in "
            "one cone have the same least product with $y$",
            f"changes of AdamW's number: between radii at most {_NEAR} apart, relatively, with the "
            "exact tree at both; in floating point found by bisection again",
        )

    def quick(self) -> Self:
        """The first data set alone."""
        return replace(self, cases=self.cases[:1])

    def predict(self, progress: Progress) -> Prediction[None]:
        """Trees over radii and widths, what theorems say, and proofs of some."""
        values: dict[str, Value] = {}
        certificates, problems = {}, {}
        proofs: dict[str, list[str]] = {}
        for case, optimizer, width in self._maps():
            where = _where(case, optimizer, width)
            trees = [_tree(case, Ball(optimizer, rho), width, progress) for rho in case.radii]
            values[_count(where)] = tuple(len(each.valleys) for each in trees)
            values[_least(where)] = tuple(
                Bounds(each.valleys[0].proved_birth, each.minimum) for each in trees
            )
            values[_depth(where)] = tuple(map(_total_depth, trees))
            if optimizer in SHARED and width >= _none_from(case, optimizer):
                values[_by_theorem(where)] = (1,) * len(trees)
            asked = zip(case.radii, trees, strict=True)
            for low, high in pairwise(asked) if _changing(case, optimizer, width) else ():
                if len(low[1].valleys) == len(high[1].valleys):
                    continue
                sides = _change(case, low, high, progress)
                between = _between(low[0], high[0], where)
                values[_radius(between)] = Bounds(*(rho for rho, _ in sides))
                values[_numbers(between)] = tuple(len(tree.valleys) for _, tree in sides)
                for rho, tree in sides:
                    label = f"{case.name} width {width} rho {rho}".replace("/", "-")
                    certificates[label], problems[label] = certify(tree), case.problem
                    values[proof(label)] = VALID
                    proofs.setdefault(_numbers(between), []).append(label)
        for case, optimizer in self._small():
            single = len(_tree(case, Ball(optimizer, _SMALL), 1, progress).valleys)
            values[_in_small(case, optimizer)] = tuple(
                math.comb(single + width - 1, width) for width in range(1, case.small + 1)
            )
        return Prediction(values, certificates, problems, proofs=proofs)

    def observe(
        self, prediction: Prediction[None], train: Trainer, progress: Progress
    ) -> Observation[None]:
        """All cells and faces in floating point, and the checker's verdict."""
        values: dict[str, Value] = prediction.verdicts()
        for case, optimizer, width in self._maps():
            where = _where(case, optimizer, width)
            progress(f"all cells and faces, {where}", 0)
            found = [_deep(case, optimizer, rho, width) for rho in map(float, case.radii)]
            counts = tuple(map(len, found))
            values[_count(where)] = counts
            values[_least(where)] = tuple(min(each)[0] for each in found)
            values[_depth(where)] = tuple(
                sum(death - birth for birth, death in each if death < math.inf) for each in found
            )
            if _by_theorem(where) in prediction.values:
                values[_by_theorem(where)] = counts
            for low, high in pairwise(case.radii) if _changing(case, optimizer, width) else ():
                between = _between(low, high, where)
                if _radius(between) in prediction.values:
                    rho = _bisected(case, width, float(low), float(high))
                    values[_radius(between)] = rho
                    values[_numbers(between)] = tuple(
                        len(_deep(case, optimizer, rho * (1 + side * float(_NEAR)), width))
                        for side in (-1, 1)
                    )
        for case, optimizer in self._small():
            values[_in_small(case, optimizer)] = tuple(
                len(_deep(case, optimizer, float(_SMALL), width))
                for width in range(1, case.small + 1)
            )
        return Observation(values)

    def counts(self, values: Values, case: Case, optimizer: str) -> tuple[tuple[int, ...], ...]:
        """How many valleys there are, by width and radius, among predicted or observed values."""
        widths = range(1, case.widths[optimizer] + 1)
        return tuple(values[_count(_where(case, optimizer, m))] for m in widths)  # type: ignore[misc]

    def _maps(self) -> Iterator[tuple[Case, str, int]]:
        """What to count at all radii of a case."""
        for case in self.cases:
            for optimizer, widest in case.widths.items():
                for width in range(1, widest + 1):
                    yield case, optimizer, width

    def _small(self) -> Iterator[tuple[Case, str]]:
        """What to count in small balls."""
        return ((case, optimizer) for case in self.cases if case.small for optimizer in OWN)


def _tree(case: Case, ball: Ball, width: int, progress: Progress) -> Valleys:
    found = valleys(case.problem, width, within=ball, progress=progress)
    if not found.complete:
        raise Interrupted
    return found


def _total_depth(tree: Valleys) -> Bounds:
    """How deep all spurious valleys are together."""
    least, most = Fraction(), Fraction()
    for valley in tree.valleys[1:]:
        assert valley.death is not None
        assert valley.depth is not None
        least, most = least + valley.depth, most + valley.death - valley.proved_birth
    return Bounds(least, most)


def _none_from(case: Case, optimizer: str) -> float:
    """The width from which on all sublevel sets of the ball are connected, by theorem."""
    return connected_from(case.problem, Ball(optimizer, 1)) or math.inf


def _changing(case: Case, optimizer: str, width: int) -> bool:
    return optimizer == "adamw" and width in case.changes


def _change(case: Case, below: _At, above: _At, progress: Progress) -> tuple[_At, _At]:
    """Two near radii with their trees; the upper one has the number of the upper one given."""
    while above[0] - below[0] > _NEAR * above[0]:
        low, high = below[0], above[0]
        rho = simplest_between((2 * low + high) / 3, (low + 2 * high) / 3)
        middle = rho, _tree(case, Ball("adamw", rho), below[1].width, progress)
        if len(middle[1].valleys) == len(above[1].valleys):
            above = middle
        else:
            below = middle
    return below, above


def _deep(case: Case, optimizer: str, rho: float, width: int) -> list[Bar]:
    """The valleys that count, in floating point; the global one is infinitely deep."""
    least = (_EXACT if optimizer == "adamw" else _DEEP) * float(case.problem.squared_length) / 2
    found = float_bars(case.problem, width, optimizer, rho)
    return [(birth, death) for birth, death in found if death - birth > least]


def _bisected(case: Case, width: int, low: float, high: float) -> float:
    """A radius from which on the number is that of the upper one."""

    def count(rho: float) -> int:
        return len(_deep(case, "adamw", rho, width))

    last = count(high)
    while high - low > float(_NEAR) / 10 * high:
        middle = (low + high) / 2
        low, high = (low, middle) if count(middle) == last else (middle, high)
    return (low + high) / 2


def _where(case: Case, optimizer: str, width: int) -> str:
    return f"{optimizer}, {case.name}, width {width}"


def _between(low: Fraction, high: Fraction, where: str) -> str:
    return f"between rho = {low} and {high}, {where}"


def _count(where: str) -> str:
    return f"valleys, {where}"


def _by_theorem(where: str) -> str:
    return f"valleys where none is spurious by theorem, {where}"


def _least(where: str) -> str:
    return f"least loss, {where}"


def _depth(where: str) -> str:
    return f"depth of all spurious valleys, {where}"


def _radius(between: str) -> str:
    return f"radius at which the number changes {between}"


def _numbers(between: str) -> str:
    return f"valleys below and above the change {between}"


def _in_small(case: Case, optimizer: str) -> str:
    return f"valleys in a small ball by width, {optimizer}, {case.name}"
