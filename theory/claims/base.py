"""What a claim is: a statement with a prediction from theory and an observation that tests it.

`predict` uses exact theory only, `observe` solvers or training only, and `compare` is one line.

What a claim looks at beside the values, and draws, is its evidence, of a type of its own. Theory
trains neither networks nor curves between them: whoever verifies a claim hands in a `Trainer`, such
as `numerics.training.trainer`, and the claim asks it for `Training` of the kinds it needs.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Generic, Protocol, Self, TypeAlias, TypeVar, runtime_checkable

import numpy as np

from theory.certificates.checker import CertificateInvalid, check
from theory.errors import InputError
from theory.problem import Problem
from theory.types import Progress, silent

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


Made = TypeVar("Made")
Evidence = TypeVar("Evidence")
Predicted = TypeVar("Predicted")
Observed = TypeVar("Observed")


class Training(Generic[Made]):
    """What a trainer can be asked for: a kind derives from this, with what it takes as fields.

    Made: what comes of it. Kinds that several claims ask for are in `theory.claims.training`.
    """


class Trainer(Protocol):
    """Trains what it is asked for; the kinds that it knows are its own business."""

    def __call__(self, asked: Training[Made], progress: Progress) -> Made: ...


@dataclass(frozen=True)
class Prediction(Generic[Evidence]):
    """What theory says: exact values, their proofs, and what they were read from.

    problems: what the certificates, also those of the observation, are about; named alike.
    evidence: what to observe, and to draw; None where the values are all. theorems: the names of
    certificates that Coq is to prove too, where it is there. proofs: which certificates show which
    quantity, by their names; it need not name those of a quantity that is named alike.
    """

    values: Values
    certificates: Mapping[str, dict[str, Any]] = field(default_factory=dict)
    problems: Mapping[str, Problem] = field(default_factory=dict)
    evidence: Evidence = None  # type: ignore[assignment]
    theorems: Sequence[str] = ()
    proofs: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", _as_values(self.values))
        for quantity, names in self.proofs.items():
            unknown = [name for name in names if name not in self.problems]
            if quantity not in self.values or unknown:
                raise InputError(
                    "proofs",
                    f"of {quantity!r} are {list(names)!r}; it must be one of the values, and they "
                    "must have problems",
                )

    def verdicts(self) -> dict[str, Value]:
        """What the independent checker says of each certificate: VALID, or what is wrong."""
        return {
            proof(name): verdict(certificate, self.problems[name])
            for name, certificate in self.certificates.items()
        }


@dataclass(frozen=True)
class Observation(Generic[Evidence]):
    """The predicted quantities as they were measured.

    measured: other quantities, of which theory says nothing; they decide nothing. evidence: what
    was trained or found, to draw. certificates: of what was found; problems: what these are about,
    named alike, where the prediction does not say.
    """

    values: Values
    measured: Values = field(default_factory=dict)
    evidence: Evidence = None  # type: ignore[assignment]
    certificates: Mapping[str, dict[str, Any]] = field(default_factory=dict)
    problems: Mapping[str, Problem] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", _as_values(self.values))


@runtime_checkable
class Claim(Protocol):
    """One theorem or example; a claim of your own derives from this: see docs/your-own-claim.md.

    Claims cross to other processes, so they can be pickled.
    """

    @property
    @abstractmethod
    def id(self) -> str:
        """The name on the command line, of files, and of the note in proofs_notes/."""

    @property
    @abstractmethod
    def statement(self) -> str:
        """What is claimed, in a sentence. Formulas, here and in hypotheses, are between dollars, in
        plain notation: `$||W|| <= R_W$`; a terminal shows them without, a page typeset."""

    @property
    @abstractmethod
    def hypotheses(self) -> Sequence[str]:
        """Under which conditions."""

    @property
    @abstractmethod
    def source(self) -> str:
        """Paper and theorem."""

    @property
    def recorded(self) -> bool | None:
        """The verdict on record, with which `isthmus verify` compares: whether it holds.

        False for a prediction that a measurement has refuted, and that is kept because it has. None
        while the measurement is not complete: to observe it then raises Undecided.
        """
        return True

    def quick(self) -> Self:
        """The same claim of fewer instances, seeds or steps, for a few seconds; still a test."""
        return self

    @abstractmethod
    def predict(self, progress: Progress) -> Prediction[Any]:
        """Exact values from theory, with certificates."""

    @abstractmethod
    def observe(
        self, prediction: Prediction[Any], train: Trainer, progress: Progress
    ) -> Observation[Any]:
        """The same quantities by other means: an independent checker, floats, training.

        Of the prediction it takes what to look at (proofs, evidence), never a value.
        """

    def compare(self, predicted: Values, observed: Values) -> bool:
        """Whether the claim holds: theory and observation agree, unless it says more."""
        return agree(predicted, observed)


@dataclass(frozen=True)
class Result(Generic[Predicted, Observed]):
    """The outcome of one claim."""

    claim: Claim
    holds: bool
    prediction: Prediction[Predicted]
    observation: Observation[Observed]


def verify(
    claim: Claim,
    train: Trainer,
    progress: Progress = silent,
) -> Result[Any, Any]:
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
