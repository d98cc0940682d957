"""Every run of every optimizer ends at a loss that the landscape of its ball predicts, by name.

Setting: training with the weight decay of a ball, for sgd with an l2 penalty, from random starts.

Claim: each run comes to rest at the global minimum, in a valley, on a plateau or on a kink, at a
loss from a finite list; none is left moving.

Tight: the list is exact in entrywise balls and within intervals elsewhere; that runs come to rest
is measured.

Predicted: from the merge tree, for sgd that of loss and penalty, and the equations of rest on
kinks: the losses under each name.

Observed: training; where a run is, and what lies below it, by a brute force in floating point.

Source: `ends`, `rest-points`, `rest-on-kinks`, `strata`, `merge-tree`.

Note: proofs_notes/where-training-ends.md
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import combinations_with_replacement
from typing import Any, Self, TypeAlias

import numpy as np

from theory.claims.base import (
    Bounds,
    Claim,
    Observation,
    Prediction,
    Trainer,
    Value,
    Values,
    agree,
)
from theory.claims.float_ends import FloatCells
from theory.claims.instances import integer_problem
from theory.claims.sampled import losses
from theory.claims.training import EndedRuns, TrainTogether
from theory.errors import InputError, Interrupted
from theory.landscape.cells import CellComplex
from theory.landscape.ends import TOLERANCE, Ends
from theory.landscape.gap import Kink
from theory.landscape.kinks import RestPoint, rest_points
from theory.landscape.valleys import Valleys, valleys
from theory.loading import example
from theory.network import Network
from theory.problem import Problem
from theory.states import state_of
from theory.types import Array, Progress
from theory.within import Ball, Penalty

NAMES = ("global", "valley", "plateau", "kink")

ALL = (*NAMES, "moving", "diverged")
"""Those and what else runs can be."""

OPTIMIZERS = ("adamw", "lion", "signsgd", "muon", "muon-adamw", "ngd", "colnorm", "sgd")

_BETA = Fraction(1)  # of sgd
_RATE = 0.005  # of sgd: constant, as penalties shrink weights by beta times the rate
_RATES = Fraction(5, 10**5)
"""How far losses on kinks may be from those at rates of zero, relative to ||y||^2."""
_BLANK = 1e-3  # of rho: neurons with |a| |w| below count as zero
_SETTLED = 5  # times the tolerance: what runs that cross no wall may have before them
_START = (1.0, 0.9, 0.6, 0.3)  # of W of least loss: where equations of rest are solved from
_SHARE = 1e-4  # of the steps at least on each side of a kink
_SAME = Fraction(1, 10**7)  # how far minima of intervals may differ that are one
_FLAT = 2.5e-7  # of ||y||^2: how far plateaus are level where minima are intervals

_PLANTED = integer_problem([[3, 1], [1, 3], [1, 2], [2, -2], [-3, -1]], [4, -5, -3, 8, -1])


Data: TypeAlias = Mapping[str, tuple[Problem, Fraction]]


def every() -> Data:
    """Data sets of width 2, and radii of the balls."""
    names = [f"separation-{k:02}" for k in range(1, 11)]
    return {
        "flagship": (example("flagship"), Fraction(11, 5)),
        **{name: (example(name), Fraction(3)) for name in names},
        "opposite-preference": (example("opposite-preference"), Fraction(3)),
        "planted": (_PLANTED, Fraction(3)),
    }


PLACES: Mapping[tuple[str, str], Sequence[str]] = {
    ("flagship", "muon"): ("+:++-+ +:+0+-",),
    ("flagship", "colnorm"): ("+:++-+ +:+0+-",),
    ("separation-02", "muon-adamw"): ("+:+-0- -:+++-",),
    ("separation-05", "muon-adamw"): ("+:++-+ -:-++0",),
    ("separation-06", "adamw"): ("-:+0+-",),
    ("separation-08", "adamw"): ("-:+0+-", "+:---+ -:+0+-", "-:+0+- -:+0+-"),
    ("separation-08", "signsgd"): ("-:+0+-", "+:---+ -:+0+-", "-:+0+- -:+0+-"),
    ("separation-08", "muon"): ("-:+0+-", "-:+0+- -:+0+-"),
    ("separation-08", "muon-adamw"): ("-:+0+-", "-:+0+- -:+0+-"),
    ("separation-08", "ngd"): ("-:+0+-", "-:+0+- -:+0+-"),
    ("separation-08", "colnorm"): ("-:+0+-", "-:+0+- -:+0+-"),
    ("separation-10", "adamw"): ("+:+--0",),
    ("planted", "adamw"): ("-:----+ -:0++-0",),
    ("planted", "signsgd"): ("-:----+ -:0++-0",),
    ("planted", "colnorm"): ("-:----+ -:0++-0",),
}
"""Kinks on which runs were seen to rest: of each neuron that is not zero the sign of a, and those
of x_k . w, 0 on the kink. What their losses are is predicted."""

SLOW: Mapping[tuple[str, str], int] = {
    ("flagship", "muon"): 4,
    ("separation-02", "muon-adamw"): 4,
    ("separation-06", "muon"): 4,
    ("separation-06", "adamw"): 4,
}
"""Where runs slide along a kink for long: how many times as long they are trained."""


@dataclass(frozen=True)
class Landscape:
    """What there is to end in: the merge tree, and the losses by name."""

    tree: Valleys
    losses: Mapping[str, tuple[Value, ...]]


@dataclass(frozen=True)
class Ended:
    """Where the runs of one optimizer on one data set ended: name and loss of each, and how many
    have each name."""

    ends: tuple[tuple[str, float], ...]

    @property
    def counts(self) -> Mapping[str, int]:
        """By name."""
        names = [name for name, _ in self.ends]
        return {name: names.count(name) for name in ALL}


@dataclass(frozen=True)
class WhereTrainingEnds(Claim):
    """The claim, on data sets with the radii of their balls.

    seeds, steps: for each data set and optimizer; cooling: further steps at falling rates.
    """

    data: Data = field(default_factory=every, hash=False)
    optimizers: Sequence[str] = OPTIMIZERS
    seeds: int = 64
    steps: int = 10_000
    cooling: int = 2000

    id = "where-training-ends"
    statement = (
        "Every run has a name: it ends at the global minimum of its ball, in another valley, on a "
        "plateau or on a kink, at a loss that theory lists under that name; none is left moving."
    )
    source = "rest-points, strata and merge-tree in proofs_notes/valleys.md"

    @property
    def hypotheses(self) -> Sequence[str]:
        """Under which conditions."""
        return (
            f"data sets of width 2: {', '.join(self.data)}; {self.seeds} random starts each, "
            f"{self.steps:,} steps, then {self.cooling:,} in which the learning rate falls to a "
            "hundredth; four times as many steps where runs slide along a kink for long",
            "off kinks: the loss is within $5e-5 ||y||^2$ of the least one of the run's cell (1e-5 "
            "where the run crosses a wall), whose name a brute force tells: paths of no higher "
            "loss are looked for from it",
            "on kinks: which are visited was seen, and is listed; their losses are predicted, up "
            "to $5e-5 ||y||^2$ as rates are small, but not zero",
            f"sgd has no ball, and a penalty instead, $beta = {_BETA}$: losses are with the "
            "penalty, and no rest on kinks is predicted but at the least of a cell",
        )

    def quick(self) -> Self:
        """Two data sets, with kinks and without, and fewer seeds."""
        names = ("separation-08", "separation-09")
        return replace(
            self,
            data={name: self.data[name] for name in names if name in self.data},
            optimizers=("adamw", "ngd", "sgd"),
            seeds=16,
        )

    def predict(self, progress: Progress) -> Prediction[Mapping[str, Landscape]]:
        """Merge trees, and rest points on kinks."""
        values: dict[str, Value] = {}
        found = {}
        for name, (problem, rho) in self.data.items():
            for optimizer in self.optimizers:
                key = f"{name}, {optimizer}"
                values[f"{key}: moving"] = 0
                within = _within(optimizer, rho)
                tree = valleys(problem, 2, within=within, progress=progress)
                found[key] = Landscape(tree, _predicted(tree, PLACES.get((name, optimizer), ())))
                for kind, predicted in found[key].losses.items():
                    values[f"{key}: {kind}"] = predicted
        return Prediction(values, evidence=found)

    def observe(
        self, prediction: Prediction[Mapping[str, Landscape]], train: Trainer, progress: Progress
    ) -> Observation[Mapping[str, Ended]]:
        """Training, and a name for each run from its weights alone."""
        values: dict[str, Value] = {}
        measured: dict[str, Value] = {}
        ended: dict[str, Ended] = {}
        for optimizer in self.optimizers:
            for name, runs in self._trained(optimizer, train, progress):
                key = f"{name}, {optimizer}"
                problem, rho = self.data[name]
                within = _within(optimizer, rho)
                size = within.rho if isinstance(within, Ball) else within.beta
                ends = ends_of(FloatCells(problem, 2, optimizer, float(size)), runs)
                ended[key] = Ended(tuple(ends))
                counts = ended[key].counts
                values[f"{key}: moving"] = counts["moving"] + counts["diverged"]
                measured[key] = ", ".join(f"{kind} {counts[kind]}" for kind in ALL if counts[kind])
                for kind in NAMES:
                    own = sorted(loss for its, loss in ends if its == kind)
                    values[f"{key}: {kind}"] = _apart(own)
        named = [f"{name}, {optimizer}" for name in self.data for optimizer in self.optimizers]
        return Observation(
            values,
            {key: measured[key] for key in named},
            {key: ended[key] for key in named},
        )

    def compare(self, predicted: Values, observed: Values) -> bool:
        """Each loss is one of those predicted under its name, and no run is moving."""
        return predicted.keys() == observed.keys() and all(
            _among(observed[key], value) if isinstance(value, tuple) else value == observed[key]
            for key, value in predicted.items()
        )

    def _trained(
        self, optimizer: str, train: Trainer, progress: Progress
    ) -> list[tuple[str, EndedRuns]]:
        """Runs by data set, those trained equally long together."""
        found: list[tuple[str, EndedRuns]] = []
        times = {name: SLOW.get((name, optimizer), 1) for name in self.data}
        for factor in sorted(set(times.values())):
            names = [name for name in self.data if times[name] == factor]
            balls = [_within(optimizer, self.data[name][1]) for name in names]
            problems = tuple(self.data[name][0] for name in names)
            asked = TrainTogether(
                problems,
                2,
                tuple(balls),
                self.seeds,
                factor * self.steps,
                self.cooling,
                _RATE if optimizer == "sgd" else None,
            )
            trained = train(asked, progress)
            if any(runs.watched is None for runs in trained):
                raise Interrupted
            found += zip(names, trained, strict=True)
        return found


def _within(optimizer: str, rho: Fraction) -> Ball | Penalty:
    """Where networks may be: in the ball, or for sgd anywhere with the penalty."""
    return Penalty(_BETA) if optimizer == "sgd" else Ball(optimizer, rho)


# Predicted


def _predicted(tree: Valleys, places: Sequence[str]) -> dict[str, tuple[Value, ...]]:
    """The losses under each name."""
    ends = Ends(tree, step=0.0, tolerance=_FLAT)
    cells = combinations_with_replacement(range(tree.complex.states), tree.width)
    named = {ends.place(cell)[:2] for cell in cells}
    found: dict[str, tuple[Value, ...]] = {
        kind: _different(sorted(loss for loss, its in named if its == kind)) for kind in NAMES
    }
    slack = _RATES * tree.problem.squared_length
    rests = {Fraction(round(rest.loss, 4)) for place in places for rest in rests_at(tree, place)}
    return found | {"kink": tuple(Bounds(loss - slack, loss + slack) for loss in sorted(rests))}


def _different(ordered: Sequence[Fraction]) -> tuple[Fraction, ...]:
    """Of losses that intervals do not tell apart the first."""
    found: list[Fraction] = []
    for loss in ordered:
        if not found or loss - found[-1] > _SAME * max(Fraction(1), loss):
            found.append(loss)
    return tuple(found)


def rests_at(tree: Valleys, place: str) -> list[RestPoint]:
    """Where runs rest on the kinks of a place, of `PLACES`, sought from the least loss on a face
    there. Raises InputError where that is none."""
    within, domain = tree.within, tree.complex.domain
    assert isinstance(within, Ball)
    neurons = [neuron.split(":") for neuron in place.split()]
    signs = np.array([["-0+".index(each) - 1 for each in row] for _, row in neurons])
    kinks: list[Kink] = [(int(k), int(j)) for j, k in np.argwhere(signs == 0)]
    beside = [
        [
            state_of(cone, 1 if output == "+" else -1)
            for cone, row in enumerate(tree.complex.arrangement.signs)
            if (row * own >= 0).all()
        ]
        for (output, _), own in zip(neurons, signs, strict=True)
    ]
    if not all(beside):
        raise InputError("place", f"{place} is on no facet")
    cell = tuple(states[0] for states in beside)
    j = kinks[0][1]
    moves = [move for move in domain.moves(cell[j]) if move.target in beside[j]]
    if not moves:
        raise InputError("place", f"{place} is on no facet")
    move = moves[0]
    own = CellComplex(domain, len(cell))
    point = own.point(cell, own.face_minimum(cell, j, move), moved=(j, move))
    # Neurons alike share the work: the least loss leaves it open.
    same = [[i for i, other in enumerate(neurons) if other == neuron] for neuron in neurons]
    shared = [
        (sign, [sum((point[i][1][k] for i in own), Fraction()) / len(own) for k in range(len(u))])
        for (sign, u), own in zip(point, same, strict=True)
    ]
    W, a = _in_ball(within, domain.network(shared))
    blanks = range(len(cell), tree.width)
    W, a = (np.pad(layer, [*[(0, 0)] * (layer.ndim - 1), (0, len(blanks))]) for layer in (W, a))
    starts = np.multiply.outer(_START, W), np.tile(a, (len(_START), 1))
    return [
        rest
        for rest in rest_points(tree.problem, within, *starts, kinks, blanks)
        if (abs(rest.shares - 0.5) < 0.5 - _SHARE).all()
    ]


def _in_ball(within: Ball, network: Network) -> tuple[Array, Array]:
    """W and a of a network, of which a is on the sphere of its ball."""
    W, a = (np.array(layer, dtype=float) for layer in (network.W, network.a))
    sizes = np.abs(a)
    if within.optimizer in ("muon", "ngd"):  # the l2 norm
        sizes = np.full_like(a, np.linalg.norm(a))
    factor = float(within.rho) ** 0.5 / sizes
    return W / factor, a * factor


def _among(observed: Value, predicted: tuple[Value, ...]) -> bool:
    """Whether each of several losses is one of those predicted."""
    return isinstance(observed, tuple) and all(
        any(_agree(value, loss) for value in predicted) for loss in observed
    )


def _agree(predicted: Value, loss: Value) -> bool:
    """Up to the tolerance of conic solvers, which found the loss."""
    if isinstance(predicted, Fraction):
        predicted = Bounds(predicted, predicted)
    return agree({"loss": predicted}, {"loss": loss})


# Observed


def ends_of(cells: FloatCells, runs: EndedRuns) -> list[tuple[str, float]]:
    """Name and loss of each run.

    The loss is the least one of the run's cell, where the run is near it, or of what its neurons
    that are not zero can do; on a kink, which a run has crossed in its last steps, that of its mean
    weights. A run that crosses none is in one cell, whose least loss it can only end at.
    """
    problem = cells.problem
    near = TOLERANCE * float(problem.squared_length)
    zero = np.abs(runs.watched.a) * np.abs(runs.watched.W).max(axis=1) <= _BLANK * cells.rho
    lost, rests = (
        losses(problem, each.W, each.a) + _penalties(cells, each) for each in (runs, runs.watched)
    )
    chatter = _crosses(runs, ~zero)
    found = []
    for run, loss in enumerate(lost.tolist()):
        if runs.diverged[run]:
            found.append(("diverged", loss))
            continue
        W, a = runs.W[run], runs.a[run]
        cell = cells.cell_of(W, a)
        least = cells.least(cell)
        rest = cells.least(cells.cell_of(W[:, ~zero[run]], a[~zero[run]]))
        if abs(loss - least) <= (near if chatter[run] else _SETTLED * near):
            found.append((cells.kind(cell), least))
        elif zero[run].any() and abs(loss - rest) <= near:
            found.append(("plateau", rest))
        else:
            found.append(("kink" if chatter[run] else "moving", float(rests[run])))
    return found


def _penalties(cells: FloatCells, networks: Any) -> Any:
    """What the penalty adds to the losses of networks, (S,): nothing in a ball."""
    if cells.optimizer != "sgd":
        return 0.0
    return cells.rho / 2 * ((networks.W**2).sum(axis=(1, 2)) + (networks.a**2).sum(axis=1))


def _crosses(runs: EndedRuns, counted: Array) -> Array:
    """Which runs cross a wall again and again, with a neuron that counts (S, m)."""
    shares = runs.watched.shares
    found: Array = ((shares > 0) & (shares < 1) & counted[:, None]).any(axis=(1, 2))
    return found


def _apart(ordered: Sequence[float]) -> tuple[float, ...]:
    """Losses that differ by more than the tolerance; of others the first."""
    found: list[float] = []
    for loss in ordered:
        if not found or not _agree(Fraction(found[-1]), loss):
            found.append(loss)
    return tuple(found)
