"""Trained networks of one optimizer are joined inside its solution set, at and above the bound.

Setting: two trained networks of one optimizer, at the theorem's width and at a large one.

Claim: a path joins them inside the solution set, neurons in their order.

Tight: a sufficient width; where less does not do is said by width-profile.

Predicted: connected.

Observed: training, a constructed path, its norms in floating point, and the checker.

Source: `ngd-connected`, `muon-connected`, `adamw-connected`; Zhang, Kim, Zhang, Jiang, Pilanci,
arXiv 2605.09991.

Note: proofs_notes/same-optimizer-connectivity.md
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Self

import numpy as np

from theory.certificates import certify
from theory.claims.base import (
    VALID,
    Claim,
    Observation,
    Prediction,
    Trainer,
    Training,
    Value,
    proof,
    verdict,
)
from theory.claims.sampled import losses
from theory.connectivity import SolutionPath, SolutionSet, connect, connected_from, project
from theory.errors import InputError, Undecided
from theory.loading import example
from theory.network import Network
from theory.problem import Problem
from theory.types import Progress
from theory.within import Ball, Penalty, Within

CONNECTED = "connected"

_BETA = Fraction(1, 3)
_WIDTH = 8  # where no theorem names one
_SEEDS, _STEPS = 32, 3000
_SAMPLES = 64


@dataclass(frozen=True)
class TrainNetworks(Training[Sequence[Network]]):
    """Networks from random starts exactly as they are in binary, those of least loss first."""

    problem: Problem
    width: int
    within: Within
    seeds: int
    steps: int


@dataclass(frozen=True)
class Case:
    """Networks of one optimizer to train on a problem, and to join.

    seeds: the best two are joined.
    """

    name: str
    within: Within
    problem: Problem
    width: int
    seeds: int
    steps: int

    @property
    def solutions(self) -> SolutionSet:
        """Exact fits in the ball; for sgd the level is to be chosen."""
        return SolutionSet(self.problem, self.within, Fraction())


@dataclass(frozen=True)
class SameOptimizerConnectivity(Claim):
    """The claim, on a shipped example at the bound, and on random data at width `wide`."""

    wide: int = 500

    id = "same-optimizer-connectivity"
    statement = (
        "Two networks of one optimizer's solution set are joined by a path inside it, neurons in "
        "their order, at the width that the theorem names and far above it. Networks are trained; "
        "paths have proofs."
    )
    source = (
        "ngd-connected and muon-connected in proofs_notes/paths.md, adamw-connected in "
        "proofs_notes/width-profile.md"
    )

    @property
    def hypotheses(self) -> Sequence[str]:
        """Under which conditions."""
        return (
            "squared loss. bound: the example flagship ($n = 4$, $d = 2$) at the width from which "
            "a theorem says that the set is connected; for colnorm and muon-adamw, where none "
            f"names a width, {_WIDTH}",
            f"wide: integer data up to 9, $n = 20$, $d = 5$, width {self.wide}",
            f"the two best of {_SEEDS} trained networks (wide: the only two) are moved into the "
            "set of exact fits in the ball first; for sgd the set is that of loss and penalty at "
            "most the larger of the two, which they are in as they are",
            "observed: a path is constructed, the independent checker accepts its certificate, and "
            f"at {_SAMPLES} of its breakpoints loss and norms, in floating point, are those of the "
            "set",
        )

    def cases(self) -> Iterator[Case]:
        """At the bound for every optimizer, then wide ones."""
        small = example("flagship")
        radii = {
            **{"adamw": 3, "lion": 3, "signsgd": 3, "muon": 8, "muon-adamw": 6},
            **{"colnorm": 6, "ngd": 12, "sgd": None},
        }
        for optimizer, radius in radii.items():
            within = Penalty(_BETA) if radius is None else Ball(optimizer, radius)
            width = connected_from(small, within) or _WIDTH
            name = f"{optimizer}, width {width}"
            yield Case(name, within, small, width, _SEEDS, _STEPS)
        generator = np.random.default_rng(0)
        X, y = generator.integers(-9, 10, (20, 5)), generator.integers(-9, 10, 20)
        large = Problem(X=X.tolist(), y=y.tolist())
        for optimizer, radius in {"adamw": 2, "lion": 2, "muon": 20}.items():
            name = f"{optimizer}, width {self.wide}"
            yield Case(name, Ball(optimizer, radius), large, self.wide, 2, _STEPS // 2)

    def quick(self) -> Self:
        """Less wide."""
        return replace(self, wide=100)

    def predict(self, progress: Progress) -> Prediction[None]:
        """The theorem."""
        values: dict[str, Value] = {}
        problems, proofs = {}, {}
        for case in self.cases():
            values[case.name], values[proof(case.name)] = CONNECTED, VALID
            values[_beyond(case)], proofs[_beyond(case)] = (Fraction(), Fraction()), (case.name,)
            problems[case.name] = case.problem
        return Prediction(values, {}, problems, proofs=proofs)

    def observe(
        self, prediction: Prediction[None], train: Trainer, progress: Progress
    ) -> Observation[Mapping[str, SolutionPath]]:
        """Train, join, and have the proof checked."""
        values: dict[str, Value] = {}
        paths: dict[str, SolutionPath] = {}
        certificates = {}
        for case in self.cases():
            path = self._path(case, train, progress)
            if isinstance(path, str):
                values[case.name] = path
                continue
            values[case.name], paths[case.name] = CONNECTED, path
            values[_beyond(case)] = _outside(case, path)
            certificates[case.name] = certify(path)
            values[proof(case.name)] = verdict(certificates[case.name], case.problem)
        return Observation(values, evidence=paths, certificates=certificates)

    @staticmethod
    def _path(case: Case, train: Trainer, progress: Progress) -> SolutionPath | str:
        """The path, or why there is none."""
        solutions = case.solutions
        asked = TrainNetworks(case.problem, case.width, case.within, case.seeds, case.steps)
        first, second = train(asked, progress)[:2]
        try:
            if case.within.rho is None:
                solutions = solutions.at_level(max(map(solutions.objective_of, (first, second))))
            else:
                first, second = (project(solutions, network).network for network in (first, second))
            # One cell: the construction is tested, not the landscape that decides where it fails.
            path = connect(solutions, first, second, max_cells=1, progress=progress)
        except (InputError, Undecided) as error:
            return str(error)
        assert isinstance(path, SolutionPath)
        return path


def _outside(case: Case, path: SolutionPath) -> tuple[float, float]:
    """The largest loss on the path over that of zero weights, and how far it leaves the ball.

    For sgd, which has no ball, how far loss and penalty exceed those of the ends, and 0.
    """
    points = [*path.points[:: -(-len(path.points) // _SAMPLES)], path.points[-1]]
    alpha, u, signs = (
        np.array([[getattr(neuron, name) for neuron in point] for point in points], dtype=float)
        for name in ("alpha", "u", "sign")
    )
    a = np.sqrt(alpha)
    W = np.divide(u, a[..., None], out=np.zeros_like(u), where=a[..., None] > 0)  # (T, m, d)
    zero = float(case.problem.squared_length / 2)
    lost = losses(case.problem, W.swapaxes(1, 2), signs * a) / zero
    columns = np.linalg.norm(W, axis=2)
    if case.within.rho is None:
        penalty = float(_BETA) * ((columns**2).sum(axis=1) + alpha.sum(axis=1)) / 2
        total = lost + penalty / zero
        return max(0.0, float((total / max(total[0], total[-1])).max()) - 1), 0.0
    hidden = {
        "muon": np.linalg.norm(W, 2, axis=(1, 2)),
        "ngd": np.linalg.norm(columns, axis=1),
        "colnorm": columns.max(axis=1),
        "adamw": np.abs(W).max(axis=(1, 2)),
    }
    # Of two names the first is for the hidden layer, the last for the output layer.
    of_W, of_a = (case.within.optimizer.split("-")[place] for place in (0, -1))
    output = np.linalg.norm(a, axis=1) if of_a in ("muon", "ngd") else a.max(axis=1)
    sizes = hidden.get(of_W, hidden["adamw"]) * output
    return float(lost.max()), max(0.0, float(sizes.max() / float(case.within.rho)) - 1)


def _beyond(case: Case) -> str:
    return f"excess of loss and of norms on the path, {case.name}"
