"""Training with vanishing weight decay ends at the largest margin of its optimizer's ball.

Setting: labels of 1 and -1, the logistic loss, and weight decay that falls slowly.

Claim: no network has a larger margin than the largest of the optimizer's ball of radius 1, and the
best of some runs comes as near to it as the least loss asks for. So AdamW and Muon may end in
different components of the networks with all labels right, and label new points differently.

Tight: for minimisers log n / rho is proved; how near training comes is measured.

Predicted: components, AdamW's margin in each, the largest margins, the component of each optimizer
and its labels of new points, by exact linear programs and by proved intervals.

Observed: linear programs of HiGHS on all cells, and training by automatic differentiation.

Source: arXiv 2502.04664, 2602.16340, 2510.26303 (optimizers and margins in their norms);
`vanishing-decay`.

Note: proofs_notes/margin.md
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any, Protocol, Self

import numpy as np

from theory.claims.base import Bounds, Claim, Observation, Prediction, Trainer, Training, Value
from theory.claims.float_margins import FloatMargins, float_margins
from theory.errors import Interrupted
from theory.loading import example
from theory.margins import Margins, MaxMargin, max_margins
from theory.problem import Problem
from theory.types import Array, Progress

NORMS = {"adamw": (np.inf, np.inf), "lion": (np.inf, np.inf), "muon": ("op", 2), "ngd": ("fro", 2)}
"""Of W and a, as the observation knows them: the largest entry, singular value, or l2."""

_SHARE = Fraction(99, 100)  # of what a minimiser has, for the best of some runs


@dataclass(frozen=True)
class Data:
    """Labelled data that state a width, and a further point, if one is to be labelled."""

    problem: Problem
    point: tuple[int, ...] | None = None

    @property
    def width(self) -> int:
        """That of the problem."""
        return self.problem.stated_width


DATA: Mapping[str, Data] = {
    "xor": Data(example("xor")),
    "opposite-labels": Data(example("opposite-labels"), (-1, 3)),
    "opposite-margins": Data(example("opposite-margins")),
}
"""AdamW and Muon label the point differently; on the last data their components differ."""


class Ended(Protocol):
    """Networks at the end of training: arrays W (S, d, m) and a (S, m)."""

    @property
    def W(self) -> Any:
        """Of the hidden layers."""

    @property
    def a(self) -> Any:
        """Of the output layers."""

    @property
    def complete(self) -> bool:
        """Whether they were trained to the end, and not interrupted."""


@dataclass(frozen=True)
class TrainToMargin(Training[Ended]):
    """Networks from random starts under the logistic loss, data having the largest entry 1.

    rho: R_W R_a at the end, where weight decay has fallen to 1 / R, R_W = R_a = R.
    """

    problem: Problem
    width: int
    optimizer: str
    seeds: int
    steps: int
    rho: int


@dataclass(frozen=True)
class Margin(Claim):
    """The claim, on some data sets; seeds, steps: for each of them and each optimizer."""

    data: Mapping[str, Data] = field(default_factory=lambda: DATA, hash=False)
    optimizers: tuple[str, ...] = tuple(NORMS)
    seeds: int = 48
    steps: int = 3000
    rho: int = 64

    id = "margin"
    statement = (
        "Trained with the logistic loss and weight decay that falls slowly, the best of some runs "
        "has the largest margin of its optimizer's ball, up to what is left of the decay; so "
        "AdamW and Muon end in different components, and label new points differently."
    )
    source = "arXiv 2502.04664, 2602.16340, 2510.26303; vanishing-decay in proofs_notes/margin.md"

    @property
    def hypotheses(self) -> Sequence[str]:
        """Under which conditions."""
        return (
            "three small data sets, two found by search; margins are divided by $||W|| ||a||$",
            "theorem: margins of networks are at most the largest one, $gamma$, and minimisers in "
            "the ball of radius $rho$ have at least $gamma - (log(n) + n exp(-rho gamma)) / rho$",
            f"training: {self.seeds} random starts, {self.steps:,} steps, $R_W R_a$ growing from "
            f"1 to {self.rho} in units of the largest entry of $X$, in the first half; in the "
            "second the learning rate falls to a thousandth. Measured: the best run has 99 % of "
            "$gamma - log(n) / rho$",
        )

    def quick(self) -> Self:
        """The data with a new point, for two optimizers."""
        data = {name: each for name, each in self.data.items() if each.point is not None}
        return replace(self, data=data, optimizers=("adamw", "muon"), seeds=24)

    def predict(self, progress: Progress) -> Prediction[Mapping[str, Margins]]:
        """From exact programs."""
        values: dict[str, Value] = {}
        found = {}
        for name, each in self.data.items():
            known = found[name] = max_margins(
                each.problem, ("adamw", *self.optimizers), each.width, progress=progress
            )
            exact = [component["adamw"].lower for component in known.components]
            values[_components(name)] = tuple(sorted(exact))
            for optimizer in self.optimizers:
                largest = known.largest(optimizer)
                values[_best(name, optimizer)] = Bounds(
                    _SHARE * (largest.lower - self._left(each.problem)), largest.upper
                )
                first = known.preferred(optimizer)
                if first is not None:
                    values[_home(name, optimizer)] = exact[first]
                if each.point is not None:
                    networks = MaxMargin(each.problem, optimizer, each.width, progress=progress)
                    label = networks.label(each.point).label
                    values[_label(name, optimizer)] = label or 0
        return Prediction(values, evidence=found)

    def _left(self, problem: Problem) -> Fraction:
        """log(n) / rho, rounded up; rho is in units of the largest entry of X."""
        top = max(abs(v) for row in problem.X for v in row)
        return top * Fraction(math.nextafter(math.log(problem.n), math.inf)) / self.rho

    def observe(
        self, prediction: Prediction[Mapping[str, Margins]], train: Trainer, progress: Progress
    ) -> Observation[Mapping[str, Array]]:
        """By brute force, and by training."""
        values: dict[str, Value] = {}
        measured: dict[str, Value] = {}
        evidence = {}
        for name, each in self.data.items():
            brute = float_margins(each.problem, each.width)
            values[_components(name)] = tuple(sorted(brute.margins))
            for optimizer in self.optimizers:
                asked = TrainToMargin(
                    each.problem, each.width, optimizer, self.seeds, self.steps, self.rho
                )
                runs = train(asked, progress)
                if not runs.complete:
                    raise Interrupted
                found = evidence[f"{name}, {optimizer}"] = _margins(each.problem, optimizer, runs)
                best = int(found.argmax())
                values[_best(name, optimizer)] = float(found[best])
                home = brute.home(runs.W[best], runs.a[best])
                if prediction.evidence[name].preferred(optimizer) is not None:
                    values[_home(name, optimizer)] = -1 if home is None else brute.margins[home]
                if each.point is not None:
                    fit = _fit([each.point], runs)[best, 0]
                    values[_label(name, optimizer)] = int(np.sign(fit))
                measured |= _counts(name, optimizer, found, brute, runs)
        return Observation(values, measured, evidence)


def _components(name: str) -> str:
    return f"{name}: largest margins of AdamW, by component"


def _best(name: str, optimizer: str) -> str:
    return f"{name}, {optimizer}: margin of the best run"


def _home(name: str, optimizer: str) -> str:
    return f"{name}, {optimizer}: component of the best run, by AdamW's margin in it"


def _label(name: str, optimizer: str) -> str:
    return f"{name}, {optimizer}: label of the new point"


def _fit(X: Sequence[Sequence[Any]], runs: Ended) -> Array:
    """f of every network at every row, (S, n)."""
    images = np.maximum(np.array(X, dtype=float) @ runs.W, 0)
    fit: Array = np.einsum("snm,sm->sn", images, runs.a)
    return fit


def _margins(problem: Problem, optimizer: str, runs: Ended) -> Array:
    """min_k y_k f_k / (||W|| ||a||) of every network, (S,)."""
    hidden, output = NORMS[optimizer]
    sizes = {
        np.inf: lambda W: np.abs(W).max(axis=(1, 2)),
        "op": lambda W: np.linalg.norm(W, 2, axis=(1, 2)),
        "fro": lambda W: np.linalg.norm(W, axis=(1, 2)),
    }[hidden](runs.W) * np.linalg.norm(runs.a, output, axis=1)
    y = np.array(problem.y, dtype=float)
    found: Array = (y * _fit(problem.X, runs)).min(axis=1) / sizes
    return found


def _counts(
    name: str, optimizer: str, found: Array, brute: FloatMargins, runs: Ended
) -> dict[str, Value]:
    """Runs that have all labels right, those near the best one, and where they are."""
    right = np.flatnonzero(found > 0)
    homes = [brute.home(runs.W[i], runs.a[i]) for i in right]
    return {
        f"{name}, {optimizer}: runs with all labels right": len(right),
        f"{name}, {optimizer}: runs within 1 % of the best": int(
            (found > 0.99 * found.max()).sum()
        ),
        f"{name}, {optimizer}: runs in each component": tuple(
            homes.count(i) for i in range(len(brute.margins))
        ),
    }
