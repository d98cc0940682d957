"""Runs trained on an analysed problem, with the component of the exact landscape each one reached.

>>> from theory import Ball, analyse, example
>>> flagship = analyse(example("flagship"), 2)
>>> runs = train_runs(flagship, Ball("lion", "11/5"), seeds=8, steps=2000)
>>> print(set(runs.landed), sum(runs.landed.values()) == runs.zero_loss)
{0, 1} True
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from jaxtyping import Bool, Float

from numerics.training.loop import (
    NO_COMPONENT,
    BatchLoss,
    History,
    Landing,
    TrainingResult,
    landing,
    train,
)
from numerics.training.optimizers import Optimizer
from theory.landscape import Analysis, Valleys
from theory.landscape.cell_ends import CellEnds
from theory.landscape.classify import Classifier
from theory.landscape.ends import End, Ends, proved, summary
from theory.landscape.kinks import MOST
from theory.landscape.membership import Member, Membership
from theory.network import Network
from theory.problem import Problem, format_rational
from theory.tables import Table, Tabled, counted
from theory.types import Array, Progress, silent
from theory.within import Within

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DEFAULT_TOLERANCE = 1e-5
"""Of the loss above the least, relative to twice the loss of zero weights (||y||^2 where it is
squared), up to which a run counts as at the least."""

DEFAULT_MAX_ASSIGNMENTS = 1_000_000


@dataclass(frozen=True, eq=False, repr=False)
class Runs(Tabled):
    """S trained networks and where they landed.

    landing: in the components of least loss; None where these are not known, or where the ball
    reaches none. minimum: the least loss in the ball, from above; None where it is not known.
    tolerance: how far above it, relative to twice the loss of zero weights, runs count as at it.
    ends: a name for the place where each run ended; None where they were not named. slack: by how
    much points around a local minimum may be lower, of those that are named. proved: the runs of
    which the valley is a theorem. members: those of which it is one that they are in the component
    where they landed; None where that was not asked.
    """

    result: TrainingResult
    landing: Landing | None = None
    minimum: Fraction | None = None
    tolerance: float = DEFAULT_TOLERANCE
    ends: Sequence[End] | None = None
    slack: Fraction = Fraction()
    proved: frozenset[int] = frozenset()
    members: Mapping[int, Member] | None = None

    @property
    def summary(self) -> str:
        """The optimizer, how many runs there are, and how many came to the least loss."""
        config = self.result.config
        ended = f"{self.at_minimum} at the least loss" if self.minimum is not None else ""
        ended = ended or f"{self.zero_loss} at zero loss"
        return (
            f"{config.within.summary}, width {config.width}: {counted(self.count, 'run')}, {ended}"
        )

    def _table(self) -> Table:
        """A row for each run."""
        result, ends = self.result, self.ends
        columns: dict[str, Sequence[object]] = {"loss": result.loss.tolist()}
        if result.violation is not None:
            columns["outside the ball"] = result.violation.tolist()
        if result.gap is not None:
            columns["Frank-Wolfe gap"] = result.gap.tolist()
        if self.landing is not None:
            found = self.landing.component.tolist()
            columns["component"] = [None if each == NO_COMPONENT else each for each in found]
        if ends is not None:
            columns["end"] = [end.kind for end in ends]
            columns["valley"] = [end.valley for end in ends]
        rows = zip(range(self.count), *columns.values(), strict=True)
        return Table(("run", *columns), list(rows))

    def plot(self, axes: Axes | None = None) -> Axes:
        """How many runs ended in each component, and how many in none.

        Drawn on these axes, or on new ones of pyplot; they are handed back.
        """
        from numerics.pictures.runs import draw_landing
        from theory.pictures.style import on

        return on(axes, draw_landing, self)

    @property
    def count(self) -> int:
        """S"""
        return len(self.result.loss)

    @property
    def complete(self) -> bool:
        """Whether all steps were done."""
        return self.result.complete

    @property
    def inside(self) -> Float[Array, " S"]:
        """Losses of the networks, each layer shrunk into its ball where it is outside."""
        result = self.result
        ball, radius = result.config.optimizer.geometry.ball, result.config.radius
        norms = (ball.hidden.value(result.W), ball.output.value(result.a))
        W, a = (
            layer / np.maximum(norm / radius, 1.0).reshape(-1, *[1] * (layer.ndim - 1))
            for layer, norm in zip((result.W, result.a), norms, strict=True)
        )
        loss = BatchLoss((result.config.problem, self.count))
        losses: Array = loss.value(*map(torch.from_numpy, (W, a, *result.free))).numpy()
        return losses

    @property
    def history(self) -> History:
        """What was recorded on the way."""
        assert self.result.history is not None
        return self.result.history

    @property
    def remainder(self) -> Float[Array, " T"]:
        """What weight decay alone leaves of a start, at the recorded steps: prod (1 - lr / R)."""
        config = self.result.config
        factors = [1 - config.schedule(step) / config.radius for step in range(config.steps)]
        remainder: Array = np.cumprod([1.0, *factors])[self.history.steps]
        return remainder

    def excess(self, length: float) -> float:
        """The most by which a recorded violation exceeds what directions of norm <= length allow.

        They keep ||theta|| / R - length below max(0, its start) times the remainder. Source:
        `confinement`, proofs_notes/implicit-bias.md.
        """
        violations = self.history.violations
        assert violations is not None
        beyond = np.maximum(violations[0] - (length - 1), 0)
        bounds = length - 1 + self.remainder[:, None] * beyond
        return float(np.maximum(violations - bounds, 0).max())

    @property
    def landed(self) -> dict[int, int]:
        """How many runs reached the least loss in each component, by its id."""
        return {} if self.landing is None else self.landing.counts

    @property
    def landed_networks(self) -> list[Network]:
        """Those, exactly as they are in binary."""
        found = self.result.networks()
        return [found[run] for run in np.flatnonzero(self.converged).tolist()]

    @property
    def proved_landed(self) -> dict[int, int] | None:
        """How many of those of each component are in it by theorem; None where not asked."""
        if self.landing is None or self.members is None:
            return None
        found = Counter(self.landing.component[run] for run in self.members)
        return {component: found[component] for component in self.landed}

    @property
    def above(self) -> Float[Array, " S"] | None:
        """How far each run ended above the least loss in the ball; None where that is not known.

        Runs a little outside their ball may end below.
        """
        return None if self.minimum is None else self.result.loss - float(self.minimum)

    @property
    def converged(self) -> Bool[Array, " S"]:
        """Whether each run reached the least loss, or zero where that is not known."""
        if self.landing is not None:
            return self.landing.converged
        limit = float(self.minimum or 0) + self._width
        close: Bool[Array, " S"] = self.result.loss <= limit
        return close

    @property
    def _width(self) -> float:
        """The tolerance, in the units of the loss."""
        return self.tolerance * float(2 * self.result.config.problem.zero)

    @property
    def at_minimum(self) -> int:
        """How many runs did."""
        return int(self.converged.sum())

    @property
    def zero_loss(self) -> int:
        """How many runs reached zero loss."""
        return 0 if self.minimum else self.at_minimum

    @property
    def diverged(self) -> int:
        """How many runs ended with a loss or weights that are not finite."""
        return int(self.result.diverged.sum())

    @property
    def not_converged(self) -> int:
        """How many runs did neither."""
        return self.count - self.at_minimum - self.diverged

    @property
    def other_losses(self) -> list[tuple[float, int]]:
        """The losses of the runs that did neither, and how many runs ended at each, lowest first.

        Losses no further apart than the tolerance are one; it is named by the least of them.
        """
        rest = np.sort(self.result.loss[~self.result.diverged & ~self.converged])
        found: list[tuple[float, int]] = []
        for loss in rest.tolist():
            if found and loss - found[-1][0] <= self._width:
                found[-1] = (found[-1][0], found[-1][1] + 1)
            else:
                found.append((loss, 1))
        return found

    @property
    def ended(self) -> dict[str, Any] | None:
        """How many runs ended where: see `theory.landscape.ends.summary`."""
        return None if self.ends is None else summary(self.ends, apart=self._width)

    def named(self, tree: Valleys, *, max_cells: int | None = None) -> Runs:
        """The same runs with their ends, in the merge tree of their ball.

        Raises BudgetError beyond `max_cells` cells.
        """
        result = self.result
        step = result.config.schedule(result.steps)
        ends = Ends(tree, step=step, tolerance=self.tolerance).of(result.W, result.a, result.linear)
        certain = proved(tree, result.networks(), ends, max_cells=max_cells)
        return replace(self, ends=ends, proved=frozenset(certain))

    def named_by_cells(self, classifier: Classifier) -> Runs:
        """The same runs with their ends, where the merge tree of their ball is too large."""
        result = self.result
        step = result.config.schedule(result.steps)
        naming = CellEnds(classifier, step=step, tolerance=self.tolerance)
        ends = naming.of(result.W, result.a, result.linear)
        return replace(self, ends=ends, slack=naming.slack)

    def placed(self, membership: Membership) -> Runs:
        """The same runs with what is proved of where they landed."""
        if self.landing is None:
            return self
        networks = self.result.networks()
        members = {}
        for run in np.flatnonzero(self.converged).tolist():
            member = membership.member(networks[run])
            if member is not None:
                names = membership.without_ball[member.component]
                if names == (self.landing.component[run],):
                    members[run] = member
        return replace(self, members=members)

    def _ends_document(self) -> dict[str, Any] | None:
        found = self.ended
        if found is None or self.ends is None:
            return None
        valleys = Counter(self.ends[run].valley for run in self.proved)
        moving = [end for end in self.ends if end.kind == "moving"]
        by_loss = {
            kind: {format_rational(loss): count for loss, count in found[kind].items()}
            for kind in ("minima", "plateaus")
        }
        return {
            "global": {_valley(valley): count for valley, count in found["global"].items()},
            "valleys": {_valley(valley): count for valley, count in found["valleys"].items()},
            **by_loss,
            "slack": float(self.slack),
            "kinks": found["kinks"],
            "moving": found["moving"],
            "undecided": found["undecided"],
            "diverged": found["diverged"],
            "proved": {str(valley): valleys[valley] for valley in sorted(valleys, key=str)},
            "moving_above": max((end.above for end in moving), default=None),
            "moving_on_kinks": sum(end.kinks > MOST for end in moving),
        }

    def _members_document(self) -> dict[str, list[dict[str, Any]]] | None:
        """By component the runs that are in it by theorem, with loss and excess as rationals."""
        if self.landing is None or self.members is None:
            return None
        found: dict[str, list[dict[str, Any]]] = {str(component): [] for component in self.landed}
        for run, member in self.members.items():
            figures = {"loss": member.loss, "excess": member.excess}
            exact = {name: format_rational(value) for name, value in figures.items()}
            found[str(self.landing.component[run])].append({"run": run, **exact})
        return found

    def to_json(self) -> dict[str, Any]:
        """The figures of the command line; those of diverged runs are left out of the measures."""
        result, landed = self.result, self.landing
        config = result.config
        finite = ~result.diverged

        def measure(values: Float[Array, " S"] | None, of: Any) -> float | None:
            return None if values is None or not finite.any() else float(of(values[finite]))

        return {
            "optimizer": config.optimizer.name,
            "width": config.width,
            "rho": format_rational(config.rho),
            "runs": self.count,
            "steps": result.steps,
            "seed": config.seed,
            "complete": self.complete,
            "learning_rate": config.schedule.initial,
            "zero_loss": self.zero_loss,
            "at_minimum": None if self.minimum is None else self.at_minimum,
            "not_converged": self.not_converged,
            "diverged": self.diverged,
            "landed": None
            if self.minimum is None
            else {str(component): count for component, count in self.landed.items()},
            "proved": self._members_document(),
            "outside_cells": 0
            if landed is None
            else int((landed.converged & ~landed.in_cell).sum()),
            "ends": self._ends_document(),
            "tolerance": self.tolerance,
            "least_loss": measure(result.loss, np.min),
            "median_loss": measure(result.loss, np.median),
            "above_minimum": {
                "best": measure(self.above, np.min),
                "median": measure(self.above, np.median),
            },
            "other_losses": [{"loss": loss, "runs": runs} for loss, runs in self.other_losses],
            "max_violation": measure(result.violation, np.max),
            "median_fw_gap": measure(result.gap, np.median),
            "largest_distance": None if landed is None else landed.largest_distance,
        }


def _valley(valley: int | None) -> str:
    """Its name in JSON: of a global minimum it need not be known."""
    return "unknown" if valley is None else str(valley)


def train_runs(
    analysis: Analysis,
    within: Within,
    *,
    optimizer: Optimizer | None = None,
    seeds: int,
    steps: int,
    seed: int = 0,
    tolerance: float | None = None,
    max_assignments: int = DEFAULT_MAX_ASSIGNMENTS,
    start_scale: float = 1.0,
    record_every: int | None = None,
    progress: Progress = silent,
) -> Runs:
    """Train on the problem of the analysis, at its width, and see where the runs land.

    Arguments and errors: see `located` and `numerics.training.loop.train`.
    """
    result = train(
        analysis.problem,
        analysis.width,
        within,
        optimizer=optimizer,
        seeds=seeds,
        steps=steps,
        seed=seed,
        start_scale=start_scale,
        record_every=record_every,
        progress=progress,
    )
    return located(result, analysis, tolerance=tolerance, max_assignments=max_assignments)


def located(
    result: TrainingResult,
    analysis: Analysis,
    *,
    tolerance: float | None = None,
    max_assignments: int = DEFAULT_MAX_ASSIGNMENTS,
) -> Runs:
    """Where runs landed in the landscape of their problem, if that is of its least loss.

    tolerance: see `numerics.training.loop.landing`; by default DEFAULT_TOLERANCE, or less where
    half the lowest barrier is less. Errors: see there too.
    """
    if analysis.level != analysis.minimum:
        return Runs(result)
    if tolerance is None:
        tolerance = default_tolerance(analysis)
    landed = landing(result, analysis, tolerance=tolerance, max_assignments=max_assignments)
    return Runs(result, landed, analysis.minimum, tolerance)


def default_tolerance(analysis: Analysis) -> float:
    """DEFAULT_TOLERANCE, or so much less that half the lowest barrier is not exceeded."""
    passes = [float(merge.value - analysis.level) for merge in analysis.merges]
    unit = float(2 * analysis.problem.zero)
    return min([DEFAULT_TOLERANCE, *(height / 2 / unit for height in passes)])


def best_networks(
    problem: Problem,
    width: int,
    within: Within,
    *,
    seeds: int,
    steps: int,
    progress: Progress = silent,
) -> list[Network]:
    """Trained networks exactly as they are in binary, those of least loss first.

    Diverged runs are left out. Arguments and errors: see `numerics.training.loop.train`.
    """
    result = train(problem, width, within, seeds=seeds, steps=steps, progress=progress)
    networks = result.networks()
    return [networks[run] for run in np.argsort(result.loss).tolist() if run in networks]
