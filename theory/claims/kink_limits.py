"""On a kink training rests where its optimizer's equations say, which need be no KKT point.

Setting: one neuron that a datum on its wall pushes back and forth, trained with weight decay.

Claim: loss, weights and shares of steps are those of the equations of rest, at the optimizer's own
memory; no optimizer stops where a mixture of the two gradients is that of a KKT point in its ball,
and Muon comes nearest.

Tight: the equations are of small rates; how far training is off is said.

Predicted: from `theory.landscape.kinks`, sought from the least loss on the wall.

Observed: training with falling rates, and the signs counted in its last steps.

Source: `rest-on-kinks`; Xie, Li, arXiv 2404.04454 (smooth losses: limits of AdamW are KKT points).

Note: proofs_notes/kink-limits.md
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Self

import numpy as np

from theory.claims.base import Bounds, Claim, Observation, Prediction, Trainer, Value
from theory.claims.instances import integer_problem
from theory.claims.sampled import losses
from theory.claims.training import EndedRuns, TrainTogether
from theory.claims.where_training_ends import rests_at
from theory.errors import Interrupted
from theory.landscape.gap import least_gap
from theory.landscape.kinks import RestPoint
from theory.landscape.valleys import valleys
from theory.loading import example
from theory.problem import Problem
from theory.types import Array, Progress
from theory.within import Ball

RHO = Fraction(3)

_LION = integer_problem([[2, 3], [-3, -2], [-2, -2], [-1, -3]], [8, -5, 8, 5])


@dataclass(frozen=True)
class Place:
    """A wall of one neuron, as in `where_training_ends.PLACES`."""

    problem: Problem
    signs: str


_OFTEN = Place(replace(example("separation-08"), width=None), "-:+0+-")

PLACES: Mapping[str, Place] = {
    **dict.fromkeys(("adamw", "signsgd", "ngd", "colnorm", "muon", "muon-adamw"), _OFTEN),
    "lion": Place(_LION, "+:-0++"),
}
"""By optimizer."""


@dataclass(frozen=True)
class Slack:
    """How far observations may be off: loss and gap relative to ||y||^2, weights to R."""

    loss: Fraction
    share: Fraction
    weight: Fraction


SLACK = Slack(Fraction(3, 10**5), Fraction(2, 10**3), Fraction(2, 10**3))
"""Training ends at rates that are small, but not zero."""


@dataclass(frozen=True)
class KinkLimits(Claim):
    """The claim, at width 1 in balls of one radius; seeds, steps: for each optimizer."""

    places: Mapping[str, Place] = field(default_factory=lambda: PLACES, hash=False)
    seeds: int = 16
    steps: int = 10_000
    cooling: int = 4000

    id = "kink-limits"
    statement = (
        "Runs that chatter across a kink rest where the equations of their optimizer say: loss, "
        "weights, the share of steps on each side and how far it is from a KKT point."
    )
    source = "kink-limits in proofs_notes/kink-limits.md"

    @property
    def hypotheses(self) -> Sequence[str]:
        """Under which conditions."""
        return (
            "width 1, $rho = 3$, separation-08; Lion: data found by a search; the note has a study "
            "of data not chosen; "
            f"{self.seeds} random starts, {self.steps:,} steps and {self.cooling:,} in which the "
            "learning rate falls to a hundredth; observed are the runs that cross the wall in the "
            "last half of these",
            "equations are for small rates: losses and gaps are compared up to $3e-5 ||y||^2$, "
            "shares up to 0.002, weights up to $0.002 R$",
        )

    def quick(self) -> Self:
        """Some optimizers."""
        return replace(self, places={name: self.places[name] for name in ("adamw", "ngd")})

    def predict(self, progress: Progress) -> Prediction[Mapping[str, RestPoint]]:
        """The points of rest."""
        values: dict[str, Value] = {}
        found = {}
        for optimizer, place in self.places.items():
            within = Ball(optimizer, RHO)
            tree = valleys(place.problem, 1, within=within, progress=progress)
            rests = rests_at(tree, place.signs)
            if not rests:
                continue
            rest = found[optimizer] = rests[0]
            gap = Fraction(least_gap(place.problem, within, rest.W, rest.a, rest.kinks))
            height = SLACK.loss * place.problem.squared_length
            values[f"{optimizer}: loss"] = _about(rest.loss, height)
            values[_share(optimizer)] = _about(rest.shares[0], SLACK.share)
            radius = float(RHO) ** 0.5
            values[f"{optimizer}: w / R"] = tuple(
                _about(each / radius, SLACK.weight) for each in rest.W[:, 0].tolist()
            )
            values[f"{optimizer}: least gap of mixtures"] = _about(gap, height)
        return Prediction(values, evidence=found)

    def observe(
        self, prediction: Prediction[Mapping[str, RestPoint]], train: Trainer, progress: Progress
    ) -> Observation[Mapping[str, EndedRuns]]:
        """Training, and the median over the runs at the place."""
        values: dict[str, Value] = {}
        measured: dict[str, Value] = {}
        evidence = {}
        for optimizer, place in self.places.items():
            asked = TrainTogether(
                (place.problem,),
                1,
                (Ball(optimizer, RHO),),
                self.seeds,
                self.steps,
                self.cooling,
            )
            (runs,) = train(asked, progress)
            if runs.watched is None:
                raise Interrupted
            evidence[optimizer] = runs
            there = _there(place, runs)
            measured[f"{optimizer}: runs on the kink"] = int(there.sum())
            if not there.any():
                continue
            W, a = runs.watched.W[there], runs.watched.a[there]
            (row,) = _walls(place)
            radius = float(RHO) ** 0.5
            lost = np.median(losses(place.problem, W, a))
            values[f"{optimizer}: loss"] = float(lost)
            share = np.median(runs.watched.shares[there, row, 0])
            values[_share(optimizer)] = float(share)
            values[f"{optimizer}: w / R"] = np.median(W[:, :, 0] / radius, axis=0)
            gaps = [_gap(place, optimizer, w[:, 0], b[0]) for w, b in zip(W, a, strict=True)]
            values[f"{optimizer}: least gap of mixtures"] = float(np.median(gaps))
        return Observation(values, measured, evidence)


def _share(optimizer: str) -> str:
    return f"{optimizer}: share of steps on the + side"


def _about(value: Fraction | float, slack: Fraction) -> Bounds:
    return Bounds(Fraction(value) - slack, Fraction(value) + slack)


def _walls(place: Place) -> list[int]:
    """The row on the wall."""
    return [k for k, sign in enumerate(place.signs[2:]) if sign == "0"]


def _there(place: Place, runs: EndedRuns) -> Array:
    """The runs that stay on the sides of the place, and cross its wall."""
    shares = runs.watched.shares[:, :, 0]
    sides = {"+": shares == 1, "-": shares == 0, "0": (shares > 0) & (shares < 1)}
    found: Array = np.sign(runs.watched.a[:, 0]) == (1 if place.signs[0] == "+" else -1)
    for row, sign in enumerate(place.signs[2:]):
        found = found & sides[sign][:, row]
    return found


def _gap(place: Place, optimizer: str, w: Array, a: float) -> float:
    """The least of <g, theta> + R ||g||_* (each layer its own) over mixtures g of both gradients;
    a neuron's columns have the largest entry or the l2 norm for their size."""
    X, y = (np.array(data, dtype=float) for data in (place.problem.X, place.problem.y))
    (row,) = _walls(place)
    z = X @ w
    z[row] = 0.0
    error = np.maximum(z, 0) * a - y
    share = np.linspace(0, 1, 10_001)[:, None]
    g = a * ((z > 0) * error) @ X + share * a * error[row] * X[row]
    order = 1 if optimizer in ("adamw", "lion", "signsgd") else 2
    radius = float(RHO) ** 0.5
    slope = float(np.maximum(z, 0) @ error)
    hidden = g @ w + radius * np.linalg.norm(g, order, axis=1)
    return float(hidden.min() + slope * a + radius * abs(slope))
