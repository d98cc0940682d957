"""How the exact fits of two optimizers meet: overlap, disjoint, or some are missing.

Setting: exact fits in the balls of two optimizers, at small and at large width.

Claim: least radii decide whether they overlap, are disjoint or are missing; AdamW's and Muon's are
disjoint at small width only.

Tight: radii are known from both sides; how many runs reach a region is measured.

Predicted: frontiers and phases, with proofs.

Observed: radii in floating point, training in each phase, and the checker.

Source: `dichotomy`, `joint-dual`; the question: Zhang, Kim, Zhang, Jiang, Pilanci, arXiv
2605.09991.

Note: proofs_notes/region-interaction.md
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cache
from itertools import islice
from typing import Protocol, Self, TypeAlias

import numpy as np

from theory.certificates import certify
from theory.claims.base import (
    VALID,
    Bounds,
    Claim,
    Observation,
    Prediction,
    Trainer,
    Training,
    Value,
    proof,
)
from theory.claims.float_landscape import fitting_cells
from theory.claims.float_radii import float_radius
from theory.claims.sampled import losses
from theory.claims.sign_vectors import sign_vectors
from theory.connectivity.solutions import Neuron
from theory.errors import Interrupted, Undecided
from theory.exact import simplest_between
from theory.loading import example
from theory.regions import Frontier, LeastRadius, Meeting, Regions, optimizer_regions
from theory.types import Progress

_PAIR = ("adamw", "muon")
_TRAINED_WIDTH = 2
_WIDTHS = (_TRAINED_WIDTH, 3, None)

Pair: TypeAlias = tuple[str, str]
"""Two optimizers, or two radii."""


def _thresholds() -> dict[str, str]:
    return {"two-regions": "3/5", "split-by-adamw-2": "8/5", "flagship": "11/5"}


def _others() -> dict[Pair, str]:
    return {
        ("adamw", "muon-adamw"): "split-by-adamw-2",
        ("lion", "ngd"): "split-by-adamw-2",
        ("muon", "ngd"): "flagship",
        ("adamw", "sgd"): "flagship",
    }


def _trained() -> dict[tuple[str, Pair], tuple[Pair, ...]]:
    return {
        ("two-regions", _PAIR): (
            *(("3/5", "3/2"), ("3/5", "17/10")),
            *(("3/5", "13/10"), ("9/20", "8/5")),
        ),
        # AdamW finds no fit here, and the note says why.
        ("split-by-adamw-2", ("lion", "muon")): (
            *(("39/25", "59/20"), ("8/5", "31/10"), ("3/2", "3")),
        ),
        ("flagship", _PAIR): (
            *(("11/5", "9/2"), ("5/2", "7/2")),
            *(("11/5", "14/5"), ("19/10", "14/5")),
        ),
    }


_SMALL = (Fraction(1), Fraction(1, 10))  # radii of AdamW's ball, at large width
_NEAR = Fraction(1, 100)  # above the least radius of Muon's

_STAYED = Fraction(1, 10**5)  # of ||y||^2; steps of constant size jump over a fit
_VANISHED = Fraction(1, 1000)  # of R, as in implicit-bias
_ROUNDING = 1e-12  # of a gap, relative to the loss of zero weights
_SOME, _NONE = "some", "none"


@dataclass(frozen=True)
class Meetings:
    """What is predicted of: frontiers, and meetings at which to train both optimizers."""

    frontiers: Mapping[str, Frontier]
    meetings: Mapping[str, Meeting]


class MeetingRuns(Protocol):
    """Both optimizers of a meeting, trained; pairs are of the first and the second."""

    @property
    def reached(self) -> tuple[int, ...]:
        """How many runs reached the level in their own ball."""

    @property
    def shared(self) -> tuple[int, ...]:
        """How many of these lie in the other optimizer's ball too."""

    @property
    def witness_gaps(self) -> tuple[float, ...]:
        """Frank-Wolfe gaps at the witness, in the units of the loss; none without a witness."""

    @property
    def witness_losses(self) -> tuple[float, ...]:
        """The highest loss on the way of a run that starts at the witness."""

    @property
    def witness_violations(self) -> tuple[float, ...]:
        """How far outside its own ball it came, relative."""

    @property
    def complete(self) -> bool:
        """Whether all were trained to the end, and not interrupted."""


@dataclass(frozen=True)
class TrainMeeting(Training[MeetingRuns]):
    """Both optimizers of a meeting in their balls, from random starts and from the witness."""

    meeting: Meeting
    seeds: int
    steps: int


@dataclass(frozen=True)
class RegionInteraction(Claim):
    """The claim, on shipped data sets.

    thresholds: for AdamW and Muon, with a radius that AdamW's frontier at width 2 has to have.
    others: other pairs of optimizers. trained: pairs of radii at width 2, in each of the phases.
    vertices: of each frontier. seeds, steps: of the training of each optimizer.
    """

    thresholds: Mapping[str, str] = field(default_factory=_thresholds)
    others: Mapping[Pair, str] = field(default_factory=_others)
    trained: Mapping[tuple[str, Pair], Sequence[Pair]] = field(default_factory=_trained)
    vertices: int = 6
    seeds: int = 64
    steps: int = 4000

    id = "region-interaction"
    source = (
        "joint-convexity, large-width and dichotomy in proofs_notes/region-interaction.md; the "
        "question: Zhang, Kim, Zhang, Jiang, Pilanci, arXiv 2605.09991"
    )

    statement = (
        "The exact fits in two optimizers' balls overlap, are disjoint though both balls hold "
        "some, or are missing in one ball or both. Least radii decide which it is, and are "
        "known from both sides. AdamW's and Muon's are disjoint at small width only: at large "
        "width they overlap if and only if Muon's ball reaches the 2-summing norm of $y$."
    )

    @property
    def hypotheses(self) -> Sequence[str]:
        """Under which conditions."""
        return (
            "balls $||W|| <= R_W$, $||a|| <= R_a$ with $R_W = R_a = sqrt(rho)$ for each optimizer; "
            "for sgd $(||W||_F^2 + ||a||^2) / 2 <= rho$; loss 0",
            f"frontiers: AdamW and Muon on {', '.join(self.thresholds)} at widths 2, 3 and large, "
            f"{len(self.others)} other pairs at width 2; at each vertex a network of both regions "
            "and a proof that the second optimizer needs so large a ball. Observed: the same radii "
            "in floating point (at width 3, at the middle vertex), one program for each cell",
            f"training: {self.seeds} random starts, {self.steps:,} steps, weight decay "
            "$1 / sqrt(rho)$. A run is in a region at a loss of $10^-6 ||y||^2$ and norms to "
            "$1.002 R$",
            "theorem: where a ball holds no fit, no run reaches one; where the regions are "
            "disjoint, no run of one optimizer lies in the other's ball. Observation: where a ball "
            "holds a fit, some run reaches one. How many do, and how many of these are in both "
            "regions where they overlap, is measured, not predicted",
            "large width: a network of both regions has at most $N + ceil(x) - 1$ neurons, of the "
            "theorem; observed: that its fit and its norms, in floating point, are what they have "
            "to be, and how many neurons it has",
            "at a network of both regions both Frank-Wolfe gaps are zero, as the gradient is. "
            "Measured: 2500 steps of constant size from there, $R / 2500$ each, leave the loss "
            "below $10^-5 ||y||^2$ and the norms below $1.001 R$",
        )

    def quick(self) -> Self:
        """One data set with AdamW and Muon, and Muon and NGD, who share neurons."""
        return replace(
            self,
            thresholds=dict(islice(self.thresholds.items(), 1)),
            others={pair: name for pair, name in self.others.items() if pair == ("muon", "ngd")},
            trained=dict(islice(self.trained.items(), 1)),
            vertices=3,
            seeds=32,
        )

    def predict(self, progress: Progress) -> Prediction[Meetings]:
        """Least radii, phases and sufficient widths, with proofs."""
        values: dict[str, Value] = {}
        certificates, problems = {}, {}
        frontiers = {_title(each.regions): each for each in self._frontiers(progress)}
        meetings = {_place(each): each for each in self._meetings(frontiers, progress)}
        everything: dict[str, Frontier | Meeting] = {**frontiers, **meetings}
        for name, found in everything.items():
            certificates[name], problems[name] = certify(found), found.regions.problem
            values[proof(name)] = VALID
        for frontier in frontiers.values():
            for which in _limited(frontier.regions):
                values[_own(frontier, which)] = _bounds(frontier.least[which])
            values[_joint(frontier)] = tuple(map(_bounds, _shown(frontier)))
        for meeting in meetings.values():
            if meeting.regions.width is None:
                values[_neurons(meeting)] = Bounds(Fraction(1), Fraction(_sufficient(meeting)))
                values[_misses(meeting)] = (Fraction(),) * 3
            else:
                values |= self._expected(meeting)
        proofs = {_joint(each): (name,) for name, each in frontiers.items()}
        proofs |= {
            (_neurons if each.regions.width is None else _phase)(each): (name,)
            for name, each in meetings.items()
        }
        read_from = Meetings(frontiers, meetings)
        return Prediction(values, certificates, problems, read_from, proofs=proofs)

    def observe(
        self, prediction: Prediction[Meetings], train: Trainer, progress: Progress
    ) -> Observation[Mapping[str, MeetingRuns]]:
        """The checker's verdict, least radii in floating point, and training."""
        values = prediction.verdicts()
        for name, frontier in prediction.evidence.frontiers.items():
            progress(f"least radii in floating point, {name}", 0)
            for which in _limited(frontier.regions):
                values[_own(frontier, which)] = _float(frontier.regions, which)
            values[_joint(frontier)] = tuple(
                _float(frontier.regions, 1, vertex.fixed[0]) for vertex in _shown(frontier)
            )
        trained: dict[str, MeetingRuns] = {}
        measured: dict[str, Value] = {}
        for name, meeting in prediction.evidence.meetings.items():
            if meeting.regions.width is None:
                point = meeting.witness or ()
                values[_neurons(meeting)] = float(len(point))
                values[_misses(meeting)] = _outside(meeting, point)
                continue
            trained[name] = train(TrainMeeting(meeting, self.seeds, self.steps), progress)
            if not trained[name].complete:
                raise Interrupted
            values |= _observed(meeting, trained[name])
            measured |= {
                _count(meeting): trained[name].reached,
                _both(meeting): trained[name].shared,
            }
        return Observation(values, measured, trained)

    def _frontiers(self, progress: Progress) -> Iterator[Frontier]:
        """AdamW's and Muon's with the radii that are asked for, then those of other pairs."""
        for name, rho in self.thresholds.items():
            for width in _WIDTHS:
                found = optimizer_regions(example(name), _PAIR, width, progress=progress)
                frontier = found.frontier(self.vertices)
                if width == _TRAINED_WIDTH:
                    asked = found.meet(Fraction(rho))
                    vertices = {least.fixed: least for least in (*frontier.vertices, asked)}
                    ordered = tuple(vertices[fixed] for fixed in sorted(vertices))
                    frontier = replace(frontier, vertices=ordered)
                yield frontier
        for optimizers, name in self.others.items():
            found = optimizer_regions(example(name), optimizers, _TRAINED_WIDTH, progress=progress)
            yield found.frontier(self.vertices)

    def _meetings(self, frontiers: Mapping[str, Frontier], progress: Progress) -> Iterator[Meeting]:
        """Those at which to train, and some of every large width, just where the regions meet."""
        for (name, optimizers), radii in self.trained.items():
            found = optimizer_regions(example(name), optimizers, _TRAINED_WIDTH, progress=progress)
            for pair in radii:
                first, second = map(Fraction, pair)
                yield found.at(first, second)
        for frontier in frontiers.values():
            upper = frontier.least[1].upper
            if frontier.regions.width is None and upper is not None:
                second = simplest_between(upper, upper * (1 + _NEAR))
                for first in _SMALL:
                    yield frontier.regions.at(first, second)

    @staticmethod
    def _expected(meeting: Meeting) -> dict[str, Value]:
        """What a phase says of runs."""
        optimizers = meeting.regions.optimizers
        values: dict[str, Value] = {
            _phase(meeting): _told(meeting.phase, meeting.empty),
            _reached(meeting): tuple(
                _NONE if name in meeting.empty else _SOME for name in optimizers
            ),
        }
        if meeting.witness is None:
            return values | {_shared(meeting): (_NONE, _NONE)}
        return values | {
            _gap(meeting): (Fraction(),) * 2,
            _loss(meeting): (Bounds(Fraction(), _STAYED),) * 2,
            _violation(meeting): (Bounds(Fraction(), _VANISHED),) * 2,
        }


def _sufficient(meeting: Meeting) -> int:
    """N + ceil((d + 1) gam / R_A^2) - 1 neurons, N = min(2 P, q - 1), gam <= R_M^2."""
    problem, least = meeting.regions.problem, meeting.least[1].upper
    assert least is not None
    blocks = 2 * len(meeting.regions.complex.arrangement.signs)
    q = problem.n + problem.d * (problem.d + 1) // 2
    return min(blocks, q - 1) + math.ceil((problem.d + 1) * least / meeting.rho[0]) - 1


def _limited(found: Regions) -> tuple[int, ...]:
    """Which optimizers have a least radius: at large width not AdamW, whose norms neurons do not
    share."""
    return (1,) if found.width is None else (0, 1)


def _shown(frontier: Frontier) -> Sequence[LeastRadius]:
    """The vertices that are found again in floating point."""
    middle = len(frontier.vertices) // 2
    wide = frontier.regions.width not in (None, _TRAINED_WIDTH)
    return frontier.vertices[middle : middle + 1] if wide else frontier.vertices


def _bounds(least: LeastRadius) -> Bounds:
    if least.lower is None or least.upper is None:
        raise Undecided(f"no radius is known from both sides inside {least.fixed}")
    return Bounds(least.lower, least.upper)


# Observations


_fits = cache(fitting_cells)


def _float(found: Regions, which: int, first: Fraction | None = None) -> float:
    """The least radius of one of the optimizers, perhaps inside the ball of the first."""
    problem, optimizers = found.problem, found.optimizers
    if found.width is None:
        # One neuron for each block: there Muon's ball holds most, and that of AdamW is no limit.
        cones = sign_vectors(problem)
        return float_radius(problem, cones, [tuple(range(2 * len(cones)))], "muon")
    within = None if first is None else (optimizers[0], first)
    return float_radius(problem, *_fits(problem, found.width), optimizers[which], within=within)


def _outside(meeting: Meeting, point: Sequence[Neuron]) -> tuple[float, ...]:
    """The squared error of a network over ||y||^2, and by how much it is outside of each ball.

    The balls are those of AdamW and Muon.
    """
    problem, rho = meeting.regions.problem, np.array(meeting.rho, dtype=float)
    U = np.array([neuron.u for neuron in point], dtype=float).reshape(-1, problem.d)
    a = np.sqrt(np.array([neuron.alpha for neuron in point], dtype=float))
    signs, W = np.array([neuron.sign for neuron in point]), U / a[:, None]
    loss = losses(problem, W.T, signs * a)
    needed = (
        max(np.abs(W).max(initial=0), a.max(initial=0)) ** 2,
        max(np.linalg.norm(W, 2), np.linalg.norm(a)) ** 2 if len(a) else 0.0,
    )
    beyond = np.maximum(np.array(needed) / rho - 1, 0)
    return float(2 * loss / float(problem.squared_length)), *map(float, beyond)


def _observed(meeting: Meeting, trained: MeetingRuns) -> dict[str, Value]:
    """The phase by radii in floating point, and what came of the runs."""
    found, (first, second) = meeting.regions, meeting.rho
    empty = [found.optimizers[i] for i in (0, 1) if meeting.rho[i] < _float(found, i)]
    meet = not empty and second >= _float(found, 1, first)
    values: dict[str, Value] = {
        _phase(meeting): _told("empty" if empty else "overlap" if meet else "disjoint", empty),
        _reached(meeting): tuple(_SOME if count else _NONE for count in trained.reached),
    }
    if not trained.witness_gaps:
        return values | {
            _shared(meeting): tuple(_SOME if count else _NONE for count in trained.shared)
        }
    squared = float(found.problem.squared_length)
    return values | {
        # What is below the floor is rounding, which can have either sign.
        _gap(meeting): tuple(
            0.0 if abs(gap) <= _ROUNDING * squared / 2 else gap for gap in trained.witness_gaps
        ),
        _loss(meeting): tuple(loss / squared for loss in trained.witness_losses),
        _violation(meeting): trained.witness_violations,
    }


# Names


def _where(found: Regions) -> str:
    width = "large width" if found.width is None else f"width {found.width}"
    return f"{found.problem.name}, {width}"


def _title(found: Regions) -> str:
    return f"{_where(found)}, {' and '.join(found.optimizers)}"


def _at(meeting: Meeting) -> str:
    pairs = zip(meeting.regions.optimizers, meeting.rho, strict=True)
    return ", ".join([_where(meeting.regions), *(f"{name} {rho}" for name, rho in pairs)])


def _place(meeting: Meeting) -> str:
    """For names of files: no slashes."""
    return _at(meeting).replace("/", "-")


def _own(frontier: Frontier, which: int) -> str:
    return f"least rho of {frontier.regions.optimizers[which]}, {_where(frontier.regions)}"


def _joint(frontier: Frontier) -> str:
    first, second = frontier.regions.optimizers
    at = ", ".join(str(vertex.fixed[0]) for vertex in _shown(frontier))
    return f"least rho of {second} to meet {first} at {at}, {_where(frontier.regions)}"


def _phase(meeting: Meeting) -> str:
    return f"phase, {_at(meeting)}"


def _told(phase: str, empty: Sequence[str]) -> str:
    return f"{phase}: {', '.join(empty)}" if empty else phase


def _neurons(meeting: Meeting) -> str:
    return f"neurons of a network of both regions, {_at(meeting)}"


def _misses(meeting: Meeting) -> str:
    return f"its squared error / ||y||^2, and how far it is outside each ball, {_at(meeting)}"


def _reached(meeting: Meeting) -> str:
    return f"runs reach their region, {_at(meeting)}"


def _shared(meeting: Meeting) -> str:
    return f"of these in both regions, {_at(meeting)}"


def _count(meeting: Meeting) -> str:
    return f"number of runs that reach their region, {_at(meeting)}"


def _both(meeting: Meeting) -> str:
    return f"number of these in both regions, {_at(meeting)}"


def _gap(meeting: Meeting) -> str:
    return f"Frank-Wolfe gaps at a network of both, {_at(meeting)}"


def _loss(meeting: Meeting) -> str:
    return f"highest loss / ||y||^2 from there on, {_at(meeting)}"


def _violation(meeting: Meeting) -> str:
    return f"violation from there on, {_at(meeting)}"
