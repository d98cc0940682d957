"""Narrow networks: exact fits that no path of low loss connects, and which of them training finds.

Setting: one data set, of width m <= n; balls of AdamW, Lion and Muon.

Claim: the global minimisers have several components, even modulo permutation, with exact barriers
between them; networks that fit, trained in a ball that reaches only the nearest one, end there, and
AdamW and Muon need not agree on which that is. Below a level that the merge tree of the ball gives,
this is a theorem about every network, and the runs are far below it.

Tight: barriers, radii and levels of AdamW and Lion are exact, those of Muon intervals. An example.

Predicted: the exact landscape and its proofs, least radii, and the levels.

Observed: all cells and faces in floating point, radii by a solver, the checker, and training.

Source: Nguyen, arXiv 2101.08576, on widths above n; Zhang, Kim, Zhang, Jiang, Pilanci, arXiv
2605.09991, on AdamW and Muon.

Note: proofs_notes/small-width-separation.md
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import combinations
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
    agree,
    proof,
)
from theory.claims.float_landscape import float_landscape
from theory.claims.float_radii import ENTRYWISE, float_radius
from theory.claims.float_valleys import float_bars
from theory.claims.training import Runs, Trained, TrainRuns
from theory.errors import Interrupted
from theory.exact import simplest_between
from theory.landscape import Analysis, analyse
from theory.landscape.membership import Membership, Neighbourhood
from theory.loading import example
from theory.network import Network
from theory.problem import Problem
from theory.radii import Radii, Radius, least_radii
from theory.types import Progress
from theory.within import Ball

Matrix: TypeAlias = Sequence[Sequence[Fraction | None]] | Sequence[Sequence[float]]

# Networks modulo permutation of their neurons, and networks as they are.
_LANDSCAPES = {"modulo permutation": False, "labelled": True}

_OPTIMIZERS = ("adamw", "lion", "muon")

EXCESS = Fraction(1, 100)
"""By how much of rho runs may leave their ball."""

ANY, NOWHERE = "any", "none"  # levels, where networks of all losses are in it, or not even all fits
_NEAR = 1e-7  # losses as near as this, relative to ||y||^2, are equal for a conic solver


@dataclass(frozen=True)
class Landscapes:
    """What the values were read from.

    analyses: by the kind of landscape. radii: of the components of the first. memberships: of the
    balls in which to train, by optimizer, where it is predicted which component it reaches.
    """

    analyses: Mapping[str, Analysis]
    radii: Radii
    memberships: Mapping[str, Membership]

    @property
    def balls(self) -> Mapping[str, Ball]:
        """Of the memberships."""
        return {name: each.within for name, each in self.memberships.items()}


@dataclass(frozen=True)
class SmallWidthSeparation(Claim):
    """The claim about one problem, at the width that the problem states.

    seeds, steps: of the training, for each optimizer.
    """

    problem: Problem = field(default_factory=lambda: example("flagship"))
    seeds: int = 200
    steps: int = 10_000

    id = "small-width-separation"
    source = (
        "Q. Nguyen, arXiv 2101.08576: connected at width n + 1, not below in general; "
        "Zhang, Kim, Zhang, Jiang, Pilanci, arXiv 2605.09991: AdamW and Muon may differ"
    )

    @property
    def width(self) -> int:
        """Number of hidden neurons."""
        assert self.problem.width is not None
        return self.problem.width

    @property
    def statement(self) -> str:
        """What is claimed, in a sentence."""
        return (
            f"On the data set {self.problem.name or 'given'} ($n = {self.problem.n}$, "
            f"$d = {self.problem.d}$) the global minimisers of width {self.width} are not "
            "connected, even modulo permutation of the neurons: every path between two of their "
            "components crosses a barrier. Trained with the weight decay of a ball that reaches "
            "only one component, networks that fit the data end in that one: by a theorem about "
            f"all networks that leave the ball by at most {EXCESS} of $rho$ and have a loss below "
            "a level of the ball."
        )

    @property
    def hypotheses(self) -> Sequence[str]:
        """Under which conditions."""
        rows = ", ".join(f"({', '.join(map(str, row))})" for row in self.problem.X)
        return (
            f"data $X$ with rows {rows}; $y = ({', '.join(map(str, self.problem.y))})$",
            "two-layer ReLU network without biases, scalar output, squared loss $1/2 ||f - y||^2$",
            f"width $m = {self.width} <= n = {self.problem.n}$",
            "radius of a component: the least $rho = R_W R_a$ for which the optimizer's ball "
            "$||W|| <= R_W$, $||a|| <= R_a$ holds a network of it",
            f"training: {self.seeds} random starts, {self.steps:,} steps, weight decay "
            "$1 / sqrt(rho)$ on both layers, $rho$ in the middle between the two smallest radii",
        )

    def quick(self) -> Self:
        """Fewer and shorter runs."""
        return replace(self, seeds=48, steps=3_000)

    def predict(self, progress: Progress) -> Prediction[Landscapes]:
        """The exact landscape, with and without labels, its proofs, and the components' radii."""
        values: dict[str, Value] = {}
        analyses = {}
        proofs: dict[str, tuple[str, ...]] = {}
        for name, labelled in _LANDSCAPES.items():
            analysis = analyse(self.problem, self.width, labelled=labelled, progress=progress)
            if not analysis.complete:
                raise Interrupted
            analyses[name] = analysis
            found = _values(name, analysis.minimum, analysis.barriers)
            values |= found | {proof(name): VALID}
            proofs |= {each: (*proofs.get(each, ()), name) for each in found}
        certificates = {name: certify(analysis) for name, analysis in analyses.items()}
        reached = least_radii(analyses["modulo permutation"], _OPTIMIZERS, progress=progress)
        if not reached.complete:
            raise Interrupted
        values |= {
            _radii(optimizer): tuple(
                _bounds(component[optimizer]) for component in reached.components
            )
            for optimizer in _OPTIMIZERS
        }
        between = {name: between_radii(reached, name) for name in _OPTIMIZERS}
        memberships = {
            name: Membership(self.problem, self.width, within=Ball(name, rho), progress=progress)
            for name, rho in between.items()
            if rho
        }
        for name, membership in memberships.items():
            ball = membership.within
            preferred = reached.preferred(name)
            assert preferred is not None
            values[_landed(ball)] = (preferred,)
            near = membership.around(EXCESS)
            values[_level(ball)] = NOWHERE if near is None else _level_of(near)
            values[_unproved(ball)] = 0
        problems = dict.fromkeys(certificates, self.problem)
        read_from = Landscapes(analyses, reached, memberships)
        return Prediction(
            values,
            certificates,
            problems,
            read_from,
            theorems=tuple(certificates),
            proofs=proofs,
        )

    def observe(
        self, prediction: Prediction[Landscapes], train: Trainer, progress: Progress
    ) -> Observation[Trained[Runs]]:
        """Cells, faces and radii minimised in float64, the checker's verdict, and training."""
        values: dict[str, Value] = {}
        for name, labelled in _LANDSCAPES.items():
            progress("minimising over all cells and faces", 0)
            floats = float_landscape(self.problem, self.width, labelled=labelled)
            values |= _values(name, floats.minimum, floats.barriers.tolist())
        progress("checking the proofs", 0)
        values |= prediction.verdicts()
        analysis = prediction.evidence.analyses["modulo permutation"]
        for optimizer in _OPTIMIZERS:
            progress(f"radii in floating point, {optimizer}", 0)
            values[_radii(optimizer)] = tuple(
                self._radius(component.representative, optimizer)
                for component in analysis.components
            )
        runs: dict[str, Runs] = {}
        for optimizer, ball in prediction.evidence.balls.items():
            asked = TrainRuns(analysis, ball, self.seeds, self.steps)
            runs[optimizer] = train(asked, progress)
            if not runs[optimizer].complete:
                raise Interrupted
            landed = (component for component, count in runs[optimizer].landed.items() if count)
            values[_landed(ball)] = tuple(sorted(landed))
            progress(f"levels in floating point, {optimizer}", 0)
            values[_level(ball)] = self._least_event(ball)
            level = prediction.values[_level(ball)]
            networks = runs[optimizer].landed_networks
            values[_unproved(ball)] = sum(not self._is_near(each, ball, level) for each in networks)
        return Observation(values, evidence=Trained(runs, landing=True))

    def _radius(self, network: Network, optimizer: str) -> float:
        """The least radius, in floating point, of the component with this network."""
        floats = float_landscape(self.problem, self.width)
        home = floats.home(network)
        if home is None:
            return math.nan
        fit = network.fit(self.problem)
        cells = floats.components[home]
        return float_radius(self.problem, floats.cones, cells, optimizer, fit=fit)

    def _least_event(self, ball: Ball) -> float | str:
        """In floating point, the least loss above zero at which, in the larger ball, components of
        exact fits join, or a valley is born."""
        name = "adamw" if ball.optimizer in ENTRYWISE else ball.optimizer
        bars = float_bars(self.problem, self.width, name, float(ball.rho * (1 + EXCESS)))
        near = _NEAR * float(self.problem.squared_length)
        least = min(
            birth if birth > near else death for birth, death in bars if death > birth + near
        )
        return least if math.isfinite(least) else ANY

    def _is_near(self, network: Network, ball: Ball, level: Value) -> bool:
        """Whether the theorem is about a network as it is: exactly."""
        bound = level.lower if isinstance(level, Bounds) else level
        low = bound == ANY or (isinstance(bound, Fraction) and network.loss(self.problem) < bound)
        return low and ball.gauge.holds(network, ball.rho * (1 + EXCESS))

    def compare(self, predicted: Values, observed: Values) -> bool:
        """Several components, and theory and observation agree."""
        return predicted[_components("modulo permutation")] != 1 and agree(predicted, observed)


def between_radii(found: Radii, optimizer: str) -> Fraction | None:
    """A rho whose ball reaches one component of exact fits and is clearly too small for the others.

    The simplest fraction in the middle fifth between the two smallest radii; None where the
    components do not fit exactly, or no component is clearly the first.
    """
    first = found.preferred(optimizer)
    if found.analysis.level != 0 or first is None or len(found.components) == 1:
        return None
    low = found.components[first][optimizer].upper
    high = min(c[optimizer].lower for i, c in enumerate(found.components) if i != first)
    return simplest_between((3 * low + 2 * high) / 5, (2 * low + 3 * high) / 5)


def _components(name: str) -> str:
    return f"components, {name}"


def _radii(optimizer: str) -> str:
    return f"radii of the components, {optimizer}"


def _landed(ball: Ball) -> str:
    return f"component that {ball.optimizer} reaches at rho = {ball.rho}"


def _level(ball: Ball) -> str:
    return f"level below which all are in it, {ball.optimizer}"


def _unproved(ball: Ball) -> str:
    return f"runs in it without a proof, {ball.optimizer}"


def _level_of(near: Neighbourhood) -> Value:
    if near.below is None or near.event is None:
        return ANY
    return near.below if near.below == near.event else Bounds(near.below, near.event)


def _bounds(radius: Radius) -> Fraction | Bounds:
    exact = radius.lower == radius.upper
    return radius.upper if exact else Bounds(radius.lower, radius.upper)


def _values(name: str, minimum: Fraction | float, barriers: Matrix) -> dict[str, Value]:
    """The quantities of one landscape; barriers as a sorted list, as components have no order."""
    pairs = (barriers[i][j] for i, j in combinations(range(len(barriers)), 2))
    return {
        "global minimum": minimum,
        _components(name): len(barriers),
        f"barriers, {name}": tuple(sorted(value for value in pairs if value is not None)),
    }
