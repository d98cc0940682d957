"""What an entry of the gallery is: one published theorem, both sides of it computed on instances.

The docstring of its module is its text, in PARTS, and is what lists and pages show; formulas are
between dollars, in plain notation, except in the title and the source. An entry is a claim:
`theorem` says what the theorem says of an instance, from the data alone, `computed` what is so,
exactly; how the second has to stand to the first is its `relation`. From all instances together
follows the verdict, which the entry has on record:

- `tight`: a bound that holds and is attained;
- `holds`: an equality, or a yes or no, that is so on each instance;
- `loose by 2`, `loose by a factor 4/3`: a bound that no instance attains, and by how much at least;
- `counterexample`: some instance for which it is not so.
"""

from __future__ import annotations

import re
import sys
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from fractions import Fraction
from itertools import islice
from typing import Any, ClassVar, Generic, Self, TypeVar

from theory.claims.base import (
    VALID,
    Bounds,
    Claim,
    Observation,
    Prediction,
    Trainer,
    Value,
    Values,
    proof,
    verdict,
)
from theory.errors import InputError
from theory.problem import Problem
from theory.types import Progress

Instance = TypeVar("Instance")

TIGHT, HOLDS, COUNTEREXAMPLE, UNDECIDED = "tight", "holds", "counterexample", "undecided"

PARTS = ("Setting", "Statement", "Hypotheses", "Source", "Tight", "Computed")
"""Of the docstring of an entry, in this order; then perhaps Note, a page of proofs_notes/."""

TOPICS = (
    "Convex programs and optimal networks",
    "Connected sets of solutions",
    "Valleys and width",
    "Stationary points and regions",
    "Straight lines and short paths",
    "Optimizers and margins",
)
"""The order of the gallery's page."""


class Relation(Enum):
    """How what is computed stands to what the theorem says."""

    EQUAL = "="
    AT_MOST = "<="
    AT_LEAST = ">="


@dataclass(frozen=True)
class Proved:
    """A computed value with its certificate, which the independent checker has to accept."""

    value: Value
    certificate: dict[str, Any]
    problem: Problem


@dataclass(frozen=True)
class _Slack:
    """How far a number is on the right side, negative on the wrong one.

    sure: not only since an interval is wide. factor: the larger by the smaller, of quantities that
    are no counts.
    """

    difference: Fraction
    sure: bool = True
    factor: Fraction | None = None


@dataclass(frozen=True)
class Theorem(Claim, Generic[Instance]):
    """A published statement; entries derive from it, and set topic, relation and on_record.

    topic: one of TOPICS. on_record: the verdict. few: how many instances the quick form has, so
    those that decide the verdict come first. most: how many instances there are; None for all.
    """

    most: int | None = None

    topic: ClassVar[str]
    relation: ClassVar[Relation] = Relation.EQUAL
    on_record: ClassVar[str] = HOLDS
    few: ClassVar[int] = 2

    @property
    def id(self) -> str:
        """The name of the module, with dashes for underscores."""
        name = type(self).__module__.removesuffix(".py").rpartition(".")[2]
        return name.rpartition("/")[2].replace("_", "-")

    @property
    def title(self) -> str:
        """The first line of the docstring."""
        return self._text.partition("\n")[0].rstrip(".")

    @property
    def statement(self) -> str:
        """What is stated, in the words of the docstring."""
        return self._parts["Statement"]

    @property
    def hypotheses(self) -> Sequence[str]:
        """Parts of the docstring: setting, hypotheses, what is computed."""
        named = ("Setting", "Hypotheses", "Computed")
        return tuple(f"{part}: {self._parts[part]}" for part in named)

    @property
    def tight(self) -> str:
        """Whether it is tight and where, or how it fails."""
        return self._parts["Tight"]

    @property
    def source(self) -> str:
        """Authors, venue, arXiv number, theorem."""
        return self._parts["Source"]

    @property
    def _text(self) -> str:
        return sys.modules[type(self).__module__].__doc__ or ""

    @property
    def _parts(self) -> dict[str, str]:
        """Raises InputError where one is missing, or they are in another order."""
        found = re.split(r"^([A-Z]\w+): ", self._text, flags=re.MULTILINE)
        texts = (" ".join(text.split()) for text in found[2::2])
        parts = dict(zip(found[1::2], texts, strict=True))
        if tuple(parts)[: len(PARTS)] != PARTS or not all(parts.values()):
            raise InputError(
                "docstring",
                f"of {self.id} has the parts {', '.join(parts) or 'none'}; it must "
                f"have {', '.join(PARTS)}, in this order",
            )
        return parts

    @abstractmethod
    def instances(self) -> Mapping[str, Instance]:
        """What it is checked on, by name."""

    @abstractmethod
    def theorem(self, instance: Instance) -> Value:
        """What the theorem says of an instance: of all its quantities a tuple."""

    @abstractmethod
    def computed(self, instance: Instance, progress: Progress) -> Value | Proved:
        """What is so, by exact computation that the theorem is no part of."""

    def quick(self) -> Self:
        """The first instances."""
        return replace(self, most=self.few)

    def predict(self, progress: Progress) -> Prediction[None]:
        """What the theorem says."""
        chosen = self._chosen()
        values = {name: self.theorem(instance) for name, instance in chosen.items()}
        return Prediction(values)

    def observe(
        self, prediction: Prediction[None], train: Trainer, progress: Progress
    ) -> Observation[None]:
        """What is so, with the checker's verdict on its proofs."""
        values: dict[str, Value] = {}
        certificates, problems = {}, {}
        for k, (name, instance) in enumerate(self._chosen().items()):
            progress(name, k)
            found = self.computed(instance, progress)
            if isinstance(found, Proved):
                values[proof(name)] = verdict(found.certificate, found.problem)
                certificates[name], problems[name] = found.certificate, found.problem
                found = found.value
            values[name] = found
        return Observation(values, certificates=certificates, problems=problems)

    def compare(self, predicted: Values, observed: Values) -> bool:
        """Whether the verdict is the one on record."""
        return self.judge(predicted, observed) == self.on_record

    def judge(self, predicted: Values, observed: Values) -> str:
        """The verdict; `undecided` where an interval leaves it open, or a proof is not accepted."""
        proofs = {proof(name) for name in predicted}
        if predicted.keys() != observed.keys() - proofs:
            raise InputError("computed", "has other instances than the theorem")
        accepted = all(observed[name] == VALID for name in observed.keys() & proofs)
        slacks = [
            slack
            for name, value in predicted.items()
            for slack in self._slacks(value, observed[name])
        ]
        if any(slack.sure and slack.difference < 0 for slack in slacks):
            return COUNTEREXAMPLE if accepted else UNDECIDED
        if not accepted or not slacks or any(slack.difference < 0 for slack in slacks):
            return UNDECIDED
        if self.relation is Relation.EQUAL:
            return HOLDS
        if any(slack.sure and not slack.difference for slack in slacks):
            return TIGHT
        factors = [slack.factor for slack in slacks if slack.factor is not None]
        if len(factors) < len(slacks):
            return f"loose by {min(slack.difference for slack in slacks)}"
        return f"loose by a factor {min(factors)}"

    def _chosen(self) -> dict[str, Instance]:
        return dict(islice(self.instances().items(), self.most))

    def _slacks(self, said: Value, found: Value) -> Iterator[_Slack]:
        """How far each number is on the right side of what the theorem says."""
        if isinstance(said, tuple) and isinstance(found, tuple):
            if len(said) != len(found):
                raise InputError("computed", f"{found!r} must be as many as in {said!r}")
            for one, other in zip(said, found, strict=True):
                yield from self._slacks(one, other)
        elif isinstance(said, str) or isinstance(found, str):
            yield _Slack(Fraction() if said == found else Fraction(-1))
        else:
            yield self._slack(_ends(said), _ends(found))

    def _slack(self, said: Bounds, found: Bounds) -> _Slack:
        """Of a number; what an interval may add is not counted as slack."""
        above, below = said.lower - found.upper, found.lower - said.upper
        exact = said.lower == said.upper and found.lower == found.upper
        if self.relation is Relation.EQUAL:
            apart = max(above, below, Fraction())
            return _Slack(-apart, sure=exact or apart > 0)
        at_most = self.relation is Relation.AT_MOST
        larger, smaller = (said, found) if at_most else (found, said)
        least, most = larger.lower - smaller.upper, larger.upper - smaller.lower
        counts = all(v.denominator == 1 for v in (*_both(said), *_both(found)))
        return _Slack(
            difference=most if most < 0 else least,
            sure=exact or most < 0,
            factor=None if counts or smaller.upper <= 0 else larger.lower / smaller.upper,
        )


def _ends(value: Value) -> Bounds:
    """An exact number as an interval."""
    if isinstance(value, Bounds):
        return value
    if isinstance(value, int | Fraction):
        return Bounds(Fraction(value), Fraction(value))
    raise InputError("computed", f"{value!r} must be exact: an integer, a Fraction or Bounds")


def _both(bounds: Bounds) -> tuple[Fraction, Fraction]:
    return bounds.lower, bounds.upper
