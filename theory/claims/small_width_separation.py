"""Narrow networks: exact fits that no path of low loss connects, and which of them training finds.

Setting: one data set, of width m <= n; balls of AdamW, Lion and Muon.

Claim: the global minimisers have several components, even modulo permutation, with exact barriers
between them; networks that fit, trained in a ball that reaches only the nearest one, end there
(proved for Lion and Muon, which the ball confines; observed for AdamW), and AdamW and Muon need not
agree on which that is.

Tight: barriers and the radii of AdamW and Lion are exact, those of Muon intervals. An example.

Predicted: the exact landscape and its proofs, and least radii.

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
from theory.claims.float_radii import float_radius
from theory.claims.training import Runs, Trained, TrainRuns
from theory.errors import Interrupted
from theory.exact import simplest_between
from theory.landscape import Analysis, analyse
from theory.loading import example
from theory.network import Network
from theory.problem import Problem
from theory.radii import Radii, Radius, radii
from theory.types import Progress
from theory.within import Ball

Matrix: TypeAlias = Sequence[Sequence[Fraction | None]] | Sequence[Sequence[float]]

# Networks modulo permutation of their neurons, and networks as they are.
_LANDSCAPES = {"modulo permutation": False, "labelled": True}

_OPTIMIZERS = ("adamw", "lion", "muon")


@dataclass(frozen=True)
class Landscapes:
    """What the values were read from.

    analyses: by the kind of landscape. radii: of the components of the first. balls: in which to
    train, by optimizer, where it is predicted which component it reaches.
    """

    analyses: Mapping[str, Analysis]
    radii: Radii
    balls: Mapping[str, Ball]


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
            f"On the data set {self.problem.name or 'given'} (n = {self.problem.n}, "
            f"d = {self.problem.d}) the global minimisers of width {self.width} are not "
            "connected, even modulo permutation of the neurons: every path between two of their "
            "components crosses a barrier. Trained with the weight decay of a ball that reaches "
            "only one component, networks that fit the data end in that one: by theorem for Lion "
            "and Muon, which stay in the ball, as an observation for AdamW, which may leave it."
        )

    @property
    def hypotheses(self) -> Sequence[str]:
        """Under which conditions."""
        rows = ", ".join(f"({', '.join(map(str, row))})" for row in self.problem.X)
        return (
            f"data X with rows {rows}; y = ({', '.join(map(str, self.problem.y))})",
            "two-layer ReLU network without biases, scalar output, squared loss 1/2 ||f - y||^2",
            f"width m = {self.width} <= n = {self.problem.n}",
            "radius of a component: the least rho = R_W R_a for which the optimizer's ball "
            "||W|| <= R_W, ||a|| <= R_a holds a network of it",
            f"training: {self.seeds} random starts, {self.steps:,} steps, weight decay "
            "1 / sqrt(rho) on both layers, rho in the middle between the two smallest radii",
        )

    def quick(self) -> Self:
        """Fewer and shorter runs."""
        return replace(self, seeds=48, steps=3_000)

    def predict(self, progress: Progress) -> Prediction[Landscapes]:
        """The exact landscape, with and without labels, its proofs, and the components' radii."""
        values: dict[str, Value] = {}
        analyses = {}
        for name, labelled in _LANDSCAPES.items():
            analysis = analyse(self.problem, self.width, labelled=labelled, progress=progress)
            if not analysis.complete:
                raise Interrupted
            analyses[name] = analysis
            values |= _values(name, analysis.minimum, analysis.barriers) | {proof(name): VALID}
        certificates = {name: certify(analysis) for name, analysis in analyses.items()}
        found = radii(analyses["modulo permutation"], _OPTIMIZERS, progress=progress)
        if not found.complete:
            raise Interrupted
        values |= {
            _radii(optimizer): tuple(
                _bounds(component[optimizer]) for component in found.components
            )
            for optimizer in _OPTIMIZERS
        }
        between = {name: between_radii(found, name) for name in _OPTIMIZERS}
        balls = {name: Ball(name, rho) for name, rho in between.items() if rho}
        for ball in balls.values():
            preferred = found.preferred(ball.optimizer)
            assert preferred is not None
            values[_landed(ball)] = (preferred,)
        problems = dict.fromkeys(certificates, self.problem)
        return Prediction(values, certificates, problems, Landscapes(analyses, found, balls))

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
