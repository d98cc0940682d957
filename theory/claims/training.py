"""Kinds of training that several claims ask for, and what comes of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeAlias, TypeVar

from theory.claims.base import Training
from theory.landscape import Analysis
from theory.network import Network
from theory.problem import Problem
from theory.within import Within


class History(Protocol):
    """Arrays (T,) of steps and (T, S) of measurements, one column a run; None without a ball."""

    @property
    def steps(self) -> Any:
        """The steps."""

    @property
    def violations(self) -> Any:
        """The larger of ||W|| / R_W - 1 and ||a|| / R_a - 1, and 0 in the ball."""

    @property
    def gaps(self) -> Any:
        """Frank-Wolfe gaps, in the units of the loss."""


class Runs(Protocol):
    """Networks that were trained: where they ended, and what was recorded on the way."""

    @property
    def landed(self) -> Mapping[int, int]:
        """How many runs reached zero loss in each component, by its id."""

    @property
    def landed_networks(self) -> Sequence[Network]:
        """Those runs, exactly as they are in binary."""

    @property
    def inside(self) -> Any:
        """Losses (S,) of the networks, shrunk into the ball where they are outside."""

    @property
    def history(self) -> History:
        """Losses, violations of the ball and Frank-Wolfe gaps on the way."""

    def excess(self, length: float) -> float:
        """The most by which a recorded violation exceeds what directions of norm <= length allow.

        See proofs_notes/implicit-bias.md.
        """

    @property
    def complete(self) -> bool:
        """Whether they were trained to the end, and not interrupted."""


@dataclass(frozen=True)
class TrainRuns(Training[Runs]):
    """Networks from random starts, on the problem of an analysis, at its width."""

    analysis: Analysis
    within: Within
    seeds: int
    steps: int
    start_scale: float = 1.0
    record_every: int | None = None


class Watched(Protocol):
    """What S runs did in their last steps."""

    @property
    def W(self) -> Any:
        """Means of weights, (S, d, m)."""

    @property
    def a(self) -> Any:
        """Means of weights, (S, m)."""

    @property
    def shares(self) -> Any:
        """The part of the steps in which x_k . w_j > 0, (S, n, m)."""


class EndedRuns(Protocol):
    """S networks at the end of training: arrays W (S, d, m), a (S, m), and diverged (S,)."""

    @property
    def W(self) -> Any:
        """Of the hidden layers."""

    @property
    def a(self) -> Any:
        """Of the output layers."""

    @property
    def diverged(self) -> Any:
        """Which are not finite."""

    @property
    def watched(self) -> Any:
        """`Watched`; None where training was interrupted."""


@dataclass(frozen=True)
class TrainTogether(Training[Sequence[EndedRuns]]):
    """Networks on several data sets, each with a ball of its own of one optimizer, or a penalty.

    After `steps` learning rates fall to a hundredth in `cooling` steps; in the last half of these
    the runs are watched. rate: a constant one before that, in place of the optimizer's default.
    """

    problems: Sequence[Problem]
    width: int
    withins: Sequence[Within]
    seeds: int
    steps: int
    cooling: int
    rate: float | None = None


AnyRuns = TypeVar("AnyRuns", bound=Runs)


@dataclass(frozen=True)
class Trained(Generic[AnyRuns]):
    """Evidence of an observation that trained networks: the runs by optimizer, for the report.

    landing: whether it is predicted where they end, which the report then lists.
    """

    runs: Mapping[str, AnyRuns]
    landing: bool = False


Pair: TypeAlias = tuple[Problem, Network, Network]
"""Two networks of one width, and the data they are for."""


@dataclass(frozen=True)
class LearnCurves(Training[Mapping[str, Sequence[float]]]):
    """Curves between the networks of each pair: by their kind, the highest loss on each."""

    pairs: Sequence[Pair]
