"""What a claim is: a statement with a prediction from theory and an observation that tests it.

`predict` uses exact theory only, `observe` solvers or training only, and `compare` is one line.

Theory trains neither networks nor curves between them: whoever verifies a claim hands in a
`Trainer`, such as `numerics.training.runs.Trainer`.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Generic, Protocol, Self, TypeAlias, TypeVar, runtime_checkable

import numpy as np

from theory.certificates.checker import CertificateInvalid, check
from theory.connectivity import SolutionPath
from theory.errors import InputError
from theory.landscape import Analysis, Barrier
from theory.network import Network
from theory.problem import Problem
from theory.radii import Radii
from theory.regions import Frontier, Meeting

Progress: TypeAlias = Callable[[str, int], None]

TOLERANCE = 1e-9
"""Predictions are exact and observations float64, whose error on small problems is far below."""

SOLVER_TOLERANCE = 1e-6
"""The same for a quantity that is predicted by bounds and observed by a conic solver."""

VALID = "valid"


def proof(name: str) -> str:
    """The quantity that says whether a certificate of this name is accepted."""
    return f"proof, {name}"


def verdict(certificate: dict[str, Any], problem: Problem) -> str:
    """What the independent checker says of a certificate: VALID, or what is wrong."""
    try:
        check(certificate, problem)
    except CertificateInvalid as error:
        return f"invalid: {error}"
    return VALID


@dataclass(frozen=True)
class Bounds:
    """A quantity that is proved to be in [lower, upper]."""

    lower: Fraction
    upper: Fraction


Value: TypeAlias = "Fraction | float | int | str | Bounds | tuple[Value, ...]"
Values: TypeAlias = Mapping[str, Value]
"""Quantities by name; numpy's numbers and arrays, and lists, become Python's numbers and tuples."""


def _as_values(values: Any) -> Values:
    if not isinstance(values, Mapping):
        raise InputError("values", f"{values!r} must be a dictionary of quantities by name")
    return {name: _as_value(name, value) for name, value in values.items()}


def _as_value(name: object, value: Any) -> Value:
    if isinstance(value, np.generic | np.ndarray):
        value = value.tolist()
    if isinstance(value, list | tuple):
        return tuple(_as_value(name, each) for each in value)
    if isinstance(value, Fraction | float | int | str | Bounds):
        return value
    raise InputError(
        str(name),
        f"{value!r} must be a number, a text, Bounds, or several of these in a list or an array",
    )


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


AnyRuns = TypeVar("AnyRuns", bound=Runs)
RunsMade = TypeVar("RunsMade", bound=Runs, covariant=True)


Pair: TypeAlias = tuple[Problem, Network, Network]
"""Two networks of one width, and the data they are for."""


class Trainer(Protocol[RunsMade]):
    """Trains networks on the problem of an analysis, at its width; others; curves between them."""

    def __call__(
        self,
        analysis: Analysis,
        optimizer: str,
        rho: Fraction,
        *,
        seeds: int,
        steps: int,
        start_scale: float = 1.0,
        record_every: int | None = None,
        progress: Progress,
    ) -> RunsMade: ...

    def networks(
        self,
        problem: Problem,
        optimizer: str,
        width: int,
        rho: Fraction,
        *,
        seeds: int,
        steps: int,
        progress: Progress,
    ) -> Sequence[Network]:
        """Trained networks exactly as they are in binary, those of least loss first."""

    def connect(
        self, pairs: Sequence[Pair], *, progress: Progress
    ) -> Mapping[str, Sequence[float]]:
        """By kind of curve, the highest loss on a curve of that kind between each pair."""

    def meet(self, meeting: Meeting, *, seeds: int, steps: int, progress: Progress) -> MeetingRuns:
        """Both optimizers in their balls, from random starts and from the witness."""


@dataclass(frozen=True)
class Prediction:
    """What theory says: exact values, their proofs, and what they were read from.

    problems: what the certificates, also those of the observation, are about; named alike. A claim
    about components also has their analyses, named after the kind of landscape, the radii of the
    components of the first, and rho, at which to train each optimizer, where a run's end is
    predicted. A claim about curves has the barriers between the networks that they connect. One
    about two regions has frontiers, and meetings at which to train both optimizers.
    """

    values: Values
    certificates: Mapping[str, dict[str, Any]] = field(default_factory=dict)
    problems: Mapping[str, Problem] = field(default_factory=dict)
    analyses: Mapping[str, Analysis] = field(default_factory=dict)
    radii: Radii | None = None
    rho: Mapping[str, Fraction] = field(default_factory=dict)
    barriers: Sequence[Barrier] = ()
    frontiers: Mapping[str, Frontier] = field(default_factory=dict)
    meetings: Mapping[str, Meeting] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", _as_values(self.values))

    def verdicts(self) -> dict[str, Value]:
        """What the independent checker says of each certificate: VALID, or what is wrong."""
        return {
            proof(name): verdict(certificate, self.problems[name])
            for name, certificate in self.certificates.items()
        }


@dataclass(frozen=True)
class Observation(Generic[AnyRuns]):
    """The predicted quantities as they were measured, and the trained runs by optimizer.

    measured: other quantities, of which theory says nothing; they decide nothing. maxima: by kind
    of curve, the highest loss on one for each barrier of the prediction. paths: inside solution
    sets; their certificates, named alike. meetings: the runs at those of the prediction, named
    alike.
    """

    values: Values
    runs: Mapping[str, AnyRuns] = field(default_factory=dict)
    measured: Values = field(default_factory=dict)
    maxima: Mapping[str, Sequence[float]] = field(default_factory=dict)
    paths: Mapping[str, SolutionPath] = field(default_factory=dict)
    meetings: Mapping[str, MeetingRuns] = field(default_factory=dict)
    certificates: Mapping[str, dict[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", _as_values(self.values))


@runtime_checkable
class Claim(Protocol):
    """One theorem or example; a claim of your own derives from this: see the README.

    Claims cross to other processes, so they can be pickled.
    """

    @property
    @abstractmethod
    def id(self) -> str:
        """The name on the command line, of files, and of the note in proofs_notes/."""

    @property
    @abstractmethod
    def statement(self) -> str:
        """What is claimed, in a sentence."""

    @property
    @abstractmethod
    def hypotheses(self) -> Sequence[str]:
        """Under which conditions."""

    @property
    @abstractmethod
    def source(self) -> str:
        """Paper and theorem."""

    @property
    def recorded(self) -> bool:
        """The verdict on record, with which `isthmus verify` compares: whether it holds.

        False for a prediction that a measurement has refuted, and that is kept because it has.
        """
        return True

    def quick(self) -> Self:
        """The same claim of fewer instances, seeds or steps, for a few seconds; still a test."""
        return self

    @abstractmethod
    def predict(self, progress: Progress) -> Prediction:
        """Exact values from theory, with certificates."""

    @abstractmethod
    def observe(
        self, prediction: Prediction, train: Trainer[AnyRuns], progress: Progress
    ) -> Observation[AnyRuns]:
        """The same quantities by other means: an independent checker, floats, training.

        Of the prediction it takes what to look at (proofs, components, rho), never a value.
        """

    def compare(self, predicted: Values, observed: Values) -> bool:
        """Whether the claim holds: theory and observation agree, unless it says more."""
        return agree(predicted, observed)


@dataclass(frozen=True)
class Result(Generic[AnyRuns]):
    """The outcome of one claim."""

    claim: Claim
    holds: bool
    prediction: Prediction
    observation: Observation[AnyRuns]


def verify(
    claim: Claim,
    train: Trainer[AnyRuns],
    progress: Progress = lambda stage, count: None,
) -> Result[AnyRuns]:
    """Predict, observe, compare. Raises InputError where one of these returns something else."""
    prediction = _returned("predict", claim.predict(progress), Prediction)
    observation = _returned("observe", claim.observe(prediction, train, progress), Observation)
    compared = claim.compare(prediction.values, observation.values)
    holds = _returned("compare", compared, bool, np.bool_)
    return Result(claim, bool(holds), prediction, observation)


def _returned(name: str, value: Any, *kinds: type) -> Any:
    if isinstance(value, kinds):
        return value
    raise InputError(name, f"returns {value!r}; that must be of type {kinds[0].__name__}")


def agree(predicted: Values, observed: Values) -> bool:
    """The same quantities with equal values: numbers up to TOLERANCE, or in their bounds up to
    SOLVER_TOLERANCE (both relative above 1)."""
    return predicted.keys() == observed.keys() and all(
        _equal(value, observed[name]) for name, value in predicted.items()
    )


def _equal(first: Value, second: Value) -> bool:
    if isinstance(first, tuple) and isinstance(second, tuple):
        return len(first) == len(second) and all(map(_equal, first, second))
    if isinstance(first, Bounds) and isinstance(second, Fraction | float | int):
        second = float(second)
        slack = SOLVER_TOLERANCE * max(1.0, abs(second))  # infinite where `second` is
        return math.isfinite(second) and first.lower - slack <= second <= first.upper + slack
    if isinstance(first, Fraction | float) and isinstance(second, Fraction | float):
        return abs(float(first) - float(second)) <= TOLERANCE * max(1.0, abs(float(first)))
    return first == second
