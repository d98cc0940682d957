"""No curve between two exact fits stays below their minimax barrier; learned ones come down to it.

Setting: pairs of exact fits of random data, neurons labelled.

Claim: every straight line, polychain and Bezier curve rises at least as high as the barrier.

Tight: a polychain with enough bends attains it; how near learned ones come is measured.

Predicted: exact minimax barriers, some with proofs.

Observed: exact maxima on exact paths and on lines, those on learned curves, and the checker.

Source: Garipov, Izmailov, Podoprikhin, Vetrov, Wilson, NeurIPS 2018, and Draxler, Veschgini,
Salmhofer, Hamprecht, ICML 2018, for the curves.

Note: proofs_notes/curves-above-barrier.md
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from typing import Self

import numpy as np

from theory.certificates import certify
from theory.claims.base import (
    VALID,
    Claim,
    Observation,
    Prediction,
    Trainer,
    Value,
    proof,
)
from theory.claims.training import LearnCurves
from theory.landscape import Barrier, barrier_between
from theory.landscape.analysis import components_of, reached
from theory.landscape.cells import CellComplex
from theory.lines import line
from theory.problem import Problem
from theory.types import Progress

KINDS = ("linear", "polychain", "bezier")

# (n, width). At width n + 1 exact fits are connected (Nguyen, arXiv 2101.08576).
_SHAPES = ((2, 2), (3, 2), (4, 2), (3, 3), (4, 3))
_D = 2
_LARGEST = 3
_ROUNDING = 1e-9  # of a maximum, relative to the barrier
_NEAR, _FAR = 1.01, 2  # times the barrier


@dataclass(frozen=True)
class CurvesAboveBarrier(Claim):
    """The claim, on random integer problems; searched: pairs of networks for each n and width."""

    searched: int = 42
    seed: int = 0

    id = "curves-above-barrier"
    source = (
        "proofs_notes/landscape.md: the minimax barrier; Garipov, Izmailov, Podoprikhin, Vetrov, "
        "Wilson, NeurIPS 2018, and Draxler, Veschgini, Salmhofer, Hamprecht, ICML 2018: the curves"
    )

    @property
    def pairs(self) -> int:
        """How many pairs of networks are connected."""
        return self.searched * len(_SHAPES)

    @property
    def statement(self) -> str:
        """What is claimed, in a sentence."""
        return (
            f"Between two exact fits of {self.pairs} random data sets, neurons labelled, every "
            "straight line, learned polychain and learned Bezier curve rises at least as high as "
            "the exact minimax barrier. How much higher the curves rise is measured."
        )

    @property
    def hypotheses(self) -> Sequence[str]:
        """Under which conditions."""
        shapes = ", ".join(f"({n}, {m})" for n, m in _SHAPES)
        return (
            f"data: $d = {_D}$, integers from $-{_LARGEST}$ to {_LARGEST}; for each ($n$, width) "
            f"of {shapes} the first {self.searched} that the width fits exactly, in more than one "
            "labelled component",
            "networks: exact fits from two components drawn at random, so that the barrier is "
            "positive",
            "theorem: every continuous path has a loss of at least the barrier somewhere. Maxima "
            "of straight lines are exact. That of a learned curve is sought on a grid and refined "
            "around its peaks, so it is a lower estimate: a narrower peak between two points of "
            f"the grid would be overlooked (a maximum {_ROUNDING:g} below the barrier is rounding)",
            "barriers: from below by these curves and by proofs; from above by the highest loss on "
            "an exact path, exactly",
            "measured, not predicted: how near to 1 barrier / maximum comes",
        )

    def quick(self) -> Self:
        """Fewer pairs of networks."""
        return replace(self, searched=5)

    def predict(self, progress: Progress) -> Prediction[Sequence[Barrier]]:
        """The exact barriers; a certificate for the first of each n and width."""
        barriers: list[Barrier] = []
        certificates, problems = {}, {}
        values: dict[str, Value] = {}
        for n, width in _SHAPES:
            found: list[Barrier] = []
            for barrier in self._barriers(n, width):
                progress(f"exact barriers, n = {n}, width {width}", len(found))
                found.append(barrier)
                if len(found) == self.searched:
                    break
            name = f"n {n} width {width}"
            certificates[name], problems[name] = certify(found[0]), found[0].problem
            values[proof(name)] = VALID
            values[_mean(n, width)] = sum((b.value for b in found), Fraction()) / len(found)
            barriers += found
        values |= {_below(kind): 0 for kind in KINDS}
        return Prediction(values, certificates, problems, barriers)

    def observe(
        self, prediction: Prediction[Sequence[Barrier]], train: Trainer, progress: Progress
    ) -> Observation[Mapping[str, Sequence[float]]]:
        """The checker's verdict, exact paths and straight lines, and learned curves."""
        values = prediction.verdicts()
        pairs = [(barrier.problem, *barrier.networks) for barrier in prediction.evidence]
        straight = [float(line(*pair).maximum) for pair in pairs]
        learned = train(LearnCurves(pairs), progress)
        maxima = {"linear": straight, **learned}
        attained = np.array([_highest(barrier) for barrier in prediction.evidence])
        for shape, some in zip(_SHAPES, np.split(attained, len(_SHAPES)), strict=True):
            values[_mean(*shape)] = float(some.mean())
        measured: dict[str, Value] = {}
        for kind in KINDS:
            share = attained / maxima[kind]
            # Of what is no number it is not known that it is above.
            values[_below(kind)] = int((~(share <= 1 + _ROUNDING)).sum())
            measured[_nearest(kind)] = float(share.max())
            measured[_median(kind)] = float(np.median(share))
            measured[_near(kind)] = float((share >= 1 / _NEAR).mean())
            measured[_far(kind)] = float((share <= 1 / _FAR).mean())
        return Observation(values, measured, maxima)

    def _barriers(self, n: int, width: int) -> Iterator[Barrier]:
        """Barriers between labelled components of exact fits of random data, without end."""
        random = np.random.default_rng([self.seed, n, width])
        while True:
            X, y = (random.integers(-_LARGEST, _LARGEST + 1, shape) for shape in ((n, _D), n))
            problem = Problem(X=X.tolist(), y=y.tolist())
            complex_ = CellComplex.of(problem, width, labelled=True)
            components = components_of(complex_, reached(complex_, Fraction()))
            if len(components) > 1:
                chosen = random.choice(len(components), 2, replace=False)
                first, second = (components[i].representative for i in chosen)
                yield barrier_between(problem, first, second, labelled=True)


def _highest(barrier: Barrier) -> float:
    """The highest loss on the path that is to attain the barrier; NaN if it joins others."""
    path = barrier.path.breakpoints
    if (path[0], path[-1]) != tuple(barrier.networks):
        return math.nan
    return float(max(line(barrier.problem, *ends).maximum for ends in pairwise(path)))


def _mean(n: int, width: int) -> str:
    return f"mean of the barriers, n = {n}, width {width}"


def _below(kind: str) -> str:
    return f"curves below the barrier, {kind}"


def _nearest(kind: str) -> str:
    return f"barrier / maximum on the curve, largest, {kind}"


def _median(kind: str) -> str:
    return f"barrier / maximum on the curve, median, {kind}"


def _near(kind: str) -> str:
    return f"share of curves at most {_NEAR - 1:.0%} above the barrier, {kind}"


def _far(kind: str) -> str:
    return f"share of curves at least {_FAR} times as high as the barrier, {kind}"
