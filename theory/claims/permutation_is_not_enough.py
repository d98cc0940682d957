"""Two exact fits that no permutation of neurons brings together: every alignment has a barrier.

Setting: two networks that fit a data set exactly, the neurons of one in any order.

Claim: the least barrier over all m! orders, the barrier modulo permutation, is positive.

Tight: barriers are exact. An example; for contrast one where permutations are enough.

Predicted: exact minimax barriers, labelled at each alignment and modulo permutation, with proofs.

Observed: all cells and faces in floating point, straight lines and learned curves at each
alignment, and the checker.

Source: the conjecture that permutations are enough for wide networks is that of Entezari, Sedghi,
Saukh, Neyshabur, ICLR 2022.

Note: proofs_notes/permutation-is-not-enough.md
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import permutations

import numpy as np

from theory.certificates import certify
from theory.claims.base import (
    VALID,
    Claim,
    Observation,
    Prediction,
    Trainer,
    Value,
    Values,
    agree,
    proof,
)
from theory.claims.float_landscape import float_landscape
from theory.claims.instances import integer_problem
from theory.claims.training import LearnCurves
from theory.landscape import Barrier, analyse, barrier_between
from theory.lines import line
from theory.loading import example
from theory.network import Network
from theory.problem import Problem
from theory.types import Progress

_KINDS = ("linear", "polychain", "bezier")
_ROUNDING = 1e-9  # of a maximum, relative to the barrier
_ZERO = 1e-9  # of a maximum, relative to the loss of zero weights


@dataclass(frozen=True)
class Case:
    """A data set, a width, and whether permutations are to be enough."""

    problem: Problem
    width: int
    enough: bool = False


def _cases() -> dict[str, Case]:
    five = integer_problem([[-1, 0], [0, -1], [2, 0], [1, 1], [1, 2]], [-2, 0, -6, -5, -7])
    two = integer_problem([[3, 1], [1, -2]], [1, -1])
    return {
        "flagship": Case(example("flagship"), 2),
        "five points": Case(five, 3),
        "two points": Case(two, 2, enough=True),
    }


@dataclass(frozen=True)
class PermutationIsNotEnough(Claim):
    """The claim, on cases where permutations are not enough, and for contrast where they are."""

    cases: Mapping[str, Case] = field(default_factory=_cases)

    id = "permutation-is-not-enough"
    source = (
        "proofs_notes/permutation-is-not-enough.md; the conjecture that permutations are enough "
        "for wide networks: Entezari, Sedghi, Saukh, Neyshabur, ICLR 2022; the alignment of "
        "trained ones: Ainsworth, Hayase, Srinivasa, ICLR 2023"
    )

    statement = (
        "There are data and two networks that fit them exactly whose minimax barrier is "
        "positive at every alignment: however the neurons of one are permuted, every path "
        "between the two, straight, curved or any other, rises to the barrier modulo "
        "permutation."
    )

    @property
    def hypotheses(self) -> Sequence[str]:
        """Under which conditions."""
        told = "; ".join(
            f"{name}: $n = {case.problem.n}$, $d = {case.problem.d}$, width {case.width}"
            + (", where permutations are enough" if case.enough else "")
            for name, case in self.cases.items()
        )
        return (
            f"{told}; squared loss, no ball",
            "networks: of the first two components of exact fits, modulo permutation; where these "
            "are one, labelled",
            "theorem: the barrier modulo permutation is the least of the labelled barriers over "
            "all $m!$ alignments, so no curve at any alignment stays below it",
            "observed: both sides by brute force over all cells and faces; at each alignment the "
            "exact maximum on the straight line, and learned polychains and Bezier curves",
        )

    def predict(self, progress: Progress) -> Prediction[Sequence[Barrier]]:
        """The exact barriers with their proofs; what they say of every alignment."""
        values: dict[str, Value] = {}
        certificates, problems, barriers = {}, {}, []
        for name, case in self.cases.items():
            found = analyse(case.problem, case.width, labelled=case.enough, progress=progress)
            first, second = (component.representative for component in found.components[:2])
            modulo = barrier_between(case.problem, first, second, progress=progress)
            labelled = [
                barrier_between(case.problem, first, network, labelled=True, progress=progress)
                for network in _alignments(second)
            ]
            values[_modulo(name)] = modulo.value
            values[_labelled(name)] = tuple(barrier.value for barrier in labelled)
            for kind in _KINDS:
                if modulo.value:
                    values[_below(name, kind)] = 0
                else:
                    values[_lowest(name, kind)] = Fraction()
            barriers.append(modulo)
            for barrier, told in ((modulo, "modulo permutation"), (labelled[0], "labelled")):
                key = f"{name} {told}"
                certificates[key], problems[key] = certify(barrier), case.problem
                values[proof(key)] = VALID
        proofs = {_modulo(name): (f"{name} modulo permutation",) for name in self.cases}
        return Prediction(values, certificates, problems, barriers, proofs=proofs)

    def observe(
        self, prediction: Prediction[Sequence[Barrier]], train: Trainer, progress: Progress
    ) -> Observation[None]:
        """Brute force, curves at every alignment, and the checker's verdict."""
        values = prediction.verdicts()
        measured: dict[str, Value] = {}
        for (name, case), barrier in zip(self.cases.items(), prediction.evidence, strict=True):
            progress(f"all cells and faces, {name}", 0)
            first, second = barrier.networks
            aligned = _alignments(second)
            (modulo,) = _brute(barrier, [second], labelled=False)
            labelled = _brute(barrier, aligned, labelled=True)
            values[_modulo(name)] = modulo
            values[_labelled(name)] = tuple(labelled)
            pairs = [(case.problem, first, network) for network in aligned]
            straight = [float(line(*pair).maximum) for pair in pairs]
            learned = train(LearnCurves(pairs), progress)
            maxima = {"linear": straight, **learned}
            zero = float(case.problem.squared_length / 2)
            for kind in _KINDS:
                highest = np.array(maxima[kind])
                lowest = float(highest.min())
                if case.enough:
                    values[_lowest(name, kind)] = 0.0 if lowest <= _ZERO * zero else lowest
                else:
                    # Of what is not a number it is not known that it is no lower.
                    values[_below(name, kind)] = int((~(highest >= (1 - _ROUNDING) * modulo)).sum())
                    measured[_near(name, kind)] = modulo / lowest if lowest else math.nan
        return Observation(values, measured)

    def compare(self, predicted: Values, observed: Values) -> bool:
        """Zero at some alignment where permutations are enough, and only there; all agrees."""
        right = (
            (predicted[_modulo(name)] == 0) == case.enough for name, case in self.cases.items()
        )
        return all(right) and agree(predicted, observed)


def _alignments(network: Network) -> list[Network]:
    """All m! orders of its neurons, first as they are."""
    return [network.permuted(order) for order in permutations(range(network.width))]


def _brute(barrier: Barrier, seconds: Sequence[Network], *, labelled: bool) -> list[float]:
    """Barriers from the first network to others, in floating point; NaN where one fits worse."""
    found = float_landscape(barrier.problem, barrier.width, labelled=labelled)
    start, *ends = (found.home(network) for network in (barrier.networks[0], *seconds))
    return [
        math.nan if start is None or end is None else float(found.barriers[start, end])
        for end in ends
    ]


def _modulo(name: str) -> str:
    return f"barrier modulo permutation, {name}"


def _labelled(name: str) -> str:
    return f"labelled barriers at each alignment, {name}"


def _below(name: str, kind: str) -> str:
    return f"alignments with a curve below the barrier, {kind}, {name}"


def _lowest(name: str, kind: str) -> str:
    return f"lowest maximum over all alignments, {kind}, {name}"


def _near(name: str, kind: str) -> str:
    return f"barrier / lowest maximum over all alignments, {kind}, {name}"
