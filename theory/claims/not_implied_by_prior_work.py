"""Widths at which exact fits are connected, and those in an optimizer's ball are not.

Setting: the exact fits of a data set at a width, with and without the ball of AdamW or Muon.

Claim: without the ball they are connected, neuron by neuron; those in the ball are not,
even modulo permutation, and the classical path leaves the ball, as every path does.

Tight: examples; radii of paths and, for AdamW, the least radius of any path are exact.

Predicted: landscapes with and without the ball, with proofs, and radii of paths.

Observed: all cells and faces in floating point, for Muon's ball critical radii, samples of paths,
and the checker.

Source: Nguyen, arXiv 2101.08576, on connectivity without a ball.

Note: proofs_notes/not-implied-by-prior-work.md
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Self

import numpy as np

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
from theory.claims.float_radii import EntrywiseFits
from theory.claims.instances import Instance, split_by_the_ball
from theory.claims.sampled import losses, samples
from theory.connectivity import (
    RadiusBounds,
    largest_radius,
    unconstrained_path,
)
from theory.errors import Interrupted
from theory.geometry import geometry
from theory.landscape import Analysis, analyse
from theory.landscape.analysis import barrier_between
from theory.network import Network
from theory.types import Progress, silent

_SAMPLES = 32  # of each piece of a path


@dataclass(frozen=True)
class NotImpliedByPriorWork(Claim):
    """The claim, on the instances."""

    instances: tuple[Instance, ...] = field(default_factory=split_by_the_ball)

    id = "not-implied-by-prior-work"
    source = (
        "Q. Nguyen, arXiv 2101.08576: all sublevel sets are connected at width n + 1, without a "
        "ball; proofs_notes/not-implied-by-prior-work.md"
    )

    statement = (
        "There are data and widths at which the exact fits are connected, neuron by neuron, "
        "while those in AdamW's, or in Muon's, ball are not, even modulo permutation of the "
        "neurons. The classical path between two of its components leaves the ball, as every "
        "path does."
    )

    hypotheses = (
        "squared loss, $m$: the width. Exact fits: networks of loss 0",
        "radius of a path: the least $rho = R_W R_a$ whose ball holds all its networks. The "
        "classical path exchanges one neuron at a time, at widths above $n$; the landscape's is "
        "a path of least loss through the cells",
        "observed: components in AdamW's ball, the least radius, and components without a "
        "ball by all cells and faces of a list of its own, in floating point; components in "
        "Muon's ball by the radii at which they are born and merge, in floating point; paths "
        f"at {_SAMPLES} points of each piece",
    )

    def quick(self) -> Self:
        """One instance of each ball."""
        return replace(self, instances=(self.instances[0], *self.instances[-4:-3]))

    def predict(self, progress: Progress) -> Prediction[Mapping[str, Analysis]]:
        """Landscapes with and without the ball, their proofs, and the radii of paths."""
        values: dict[str, Value] = {}
        certificates, problems, analyses, proofs = {}, {}, {}, {}
        for instance in self.instances:
            inside = _landscape(instance, progress)
            free = analyse(
                instance.problem, instance.width, level=0, labelled=True, progress=progress
            )
            if not (inside.complete and free.complete):
                raise Interrupted
            values[_inside(instance)] = len(inside.components)
            values[_free(instance)] = len(free.components)
            for quantity, where, analysis in (
                (_inside(instance), "in the ball", inside),
                (_free(instance), "without a ball", free),
            ):
                name = f"{instance.label} {where}"
                proofs[quantity] = (name,)
                certificates[name], problems[name] = certify(analysis), instance.problem
                values[proof(name)] = VALID
            analyses[instance.name] = inside
            paths = _paths(inside)
            for kind, path in paths.items():
                values[_radius(instance, kind)] = _bounds(largest_radius(instance.optimizer, path))
                values[_loss(instance, kind)] = max(step.loss(instance.problem) for step in path)
            if paths and instance.exact:
                upper = instance.interval(instance.width).upper
                assert upper is not None
                values[_least(instance)] = upper
        return Prediction(values, certificates, problems, analyses, proofs=proofs)

    def observe(
        self, prediction: Prediction[Mapping[str, Analysis]], train: Trainer, progress: Progress
    ) -> Observation[None]:
        """Brute force, samples of the paths, and the checker's verdict."""
        values: dict[str, Value] = prediction.verdicts()
        for instance in self.instances:
            progress(f"components and paths, {instance.name}", 0)
            inside = prediction.evidence[instance.name]
            rho = float(instance.rho)
            fits = EntrywiseFits(instance.data, instance.width) if instance.exact else None
            values[_inside(instance)] = (
                fits.components(rho, labelled=False)
                if fits
                else instance.interval(instance.width).components
            )
            floats = float_landscape(
                instance.problem, instance.width, level=Fraction(), labelled=True
            )
            values[_free(instance)] = len(floats.components)
            paths = _paths(inside)
            for kind, path in paths.items():
                radius, loss = _sampled(instance, path)
                values[_radius(instance, kind)], values[_loss(instance, kind)] = radius, loss
            if paths and fits:
                values[_least(instance)] = fits.joined_from(rho)
        return Observation(values)

    def compare(self, predicted: Values, observed: Values) -> bool:
        """Connected without the ball, not in it; theory and observation agree."""
        inside = [predicted[_inside(instance)] for instance in self.instances]
        free = [predicted[_free(instance)] for instance in self.instances]
        return 1 not in inside and set(free) == {1} and agree(predicted, observed)


def _landscape(instance: Instance, progress: Progress = silent) -> Analysis:
    """Exact fits in the ball."""
    return analyse(
        instance.problem,
        instance.width,
        level=0,
        within=instance.ball,
        progress=progress,
    )


def _paths(inside: Analysis) -> dict[str, Sequence[Network]]:
    """Paths without a ball between the first two components: the classical, and one of least loss.

    The classical one needs a width above n. None where the ball does not split them.
    """
    problem = inside.problem
    if len(inside.components) == 1:
        return {}
    first, second = (component.representative for component in inside.components[:2])
    paths: dict[str, Sequence[Network]] = {
        "landscape's": barrier_between(problem, first, second).path.breakpoints
    }
    if inside.width > problem.n:
        paths["classical"] = unconstrained_path(problem, first, second)
    return paths


def _sampled(instance: Instance, path: Sequence[Network]) -> tuple[float, float]:
    """The largest gauge and loss on the way, in floating point."""
    gauge = geometry(instance.optimizer).gauge
    radius = loss = 0.0
    for W, a in samples(path, _SAMPLES):
        loss = max(loss, float(losses(instance.problem, W, a).max()))
        radius = max(radius, float(gauge(W * np.abs(a)[:, None]).upper.max()))
    return radius, loss


def _bounds(radius: RadiusBounds) -> Fraction | Bounds:
    exact = radius.lower == radius.upper
    return radius.upper if exact else Bounds(radius.lower, radius.upper)


def _inside(instance: Instance) -> str:
    return f"components at width {instance.width}, modulo permutation, {instance.where}"


def _free(instance: Instance) -> str:
    return f"components at width {instance.width} without a ball, labelled, {instance.name}"


def _radius(instance: Instance, kind: str) -> str:
    return f"radius of the {kind} path, {instance.where}"


def _loss(instance: Instance, kind: str) -> str:
    return f"largest loss on the {kind} path, {instance.where}"


def _least(instance: Instance) -> str:
    return f"least radius of any path, {instance.where}"
