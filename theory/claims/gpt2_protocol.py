"""What the claims about the second study of GPT-2 share: its protocol, and how they are decided.

The protocol, theory/examples/measured/gpt2-second.toml, was committed before the first run: it is
the study's configuration, and has the hypotheses with their bounds. The study's document,
gpt2-second/study.json beside it, says how many parts are done; until all are, a claim is not
decided, and the document of any other configuration decides nothing. gpt2-second/runs.jsonl has
every run of a part.

Tests are exact permutation tests: p is the share of all relabellings whose statistic is at least
as large as what was observed. They are one-sided, as the hypotheses are.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Mapping, Sequence
from fractions import Fraction
from functools import cache
from importlib import resources
from itertools import combinations, product
from pathlib import Path
from typing import Any

from theory.claims.base import Bounds, Observation, Prediction, Trainer, Values
from theory.claims.gpt2_study import Study, StudyClaim, median_rank, optimizer_of
from theory.errors import InputError, Undecided
from theory.types import Progress

_MEASURED = Path(str(resources.files("theory"))) / "examples" / "measured"

PROTOCOL = _MEASURED / "gpt2-second.toml"
"""The configuration of the second study, with its hypotheses."""


def digest(document: Mapping[str, Any]) -> str:
    """Of a configuration: what it says, not how it is written."""
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()


@cache
def protocol() -> Mapping[str, Any]:
    """The protocol."""
    return tomllib.loads(PROTOCOL.read_text(encoding="utf-8"))


@cache
def second_study() -> Study:
    """What is there of the second study."""
    study: Study = json.loads(
        (_MEASURED / "gpt2-second" / "study.json").read_text(encoding="utf-8")
    )
    return study


RECORDED: Mapping[str, bool] = {
    "gpt2-second-barriers": False,
    "gpt2-second-spectrum": True,
    "gpt2-second-polar": False,
    "gpt2-second-paths": False,
    "gpt2-second-cross": False,
    "gpt2-second-parts": False,
    "gpt2-second-beyond": True,
    "gpt2-second-ensembles": False,
}
"""By claim, whether it holds in the shipped study, as proofs_notes/gpt2-protocol.md has it."""


class ProtocolClaim(StudyClaim):
    """A hypothesis of the protocol, which has its bounds; study: None means the shipped one."""

    source = "theory/examples/measured/gpt2-second.toml; proofs_notes/gpt2-protocol.md"

    @property
    def document(self) -> Study:
        """The study that the claim is about."""
        return second_study() if self.study is None else self.study

    @property
    def recorded(self) -> bool | None:
        """The verdict on record, in RECORDED."""
        return RECORDED.get(self.id)

    @property
    def statement(self) -> str:
        """As the protocol says it."""
        text: str = protocol()["hypotheses"][self.id]["statement"]
        return text

    @property
    def hypotheses(self) -> Sequence[str]:
        """Under which conditions."""
        done, of = (self.document["parts"][key] for key in ("done", "of"))
        return (
            f"the second study, {done} of {of} parts done: hypotheses, bounds, seeds and sizes are "
            "those of a protocol that was committed before its first run",
            "p: exact one-sided permutation tests, not corrected for there being several",
        )

    def predicted(self) -> Values:
        """The bounds of the protocol."""
        bounds = protocol()["hypotheses"][self.id]["bounds"]
        return {name: Bounds(*map(Fraction, ends)) for name, ends in bounds.items()}

    def observe(
        self, prediction: Prediction[None], train: Trainer, progress: Progress
    ) -> Observation[None]:
        """What the study found. Raises Undecided until it is complete, and InputError for a study
        that was not made by the protocol."""
        require_decidable(self.document)
        return Observation(self.observed(), self.beside())

    def beside(self) -> Values:
        """Other quantities, which decide nothing."""
        return {}


def require_decidable(study: Study) -> None:
    """Raise Undecided where parts are missing, InputError where it is not the protocol's study."""
    if study.get("configuration") != digest(protocol()):
        raise InputError(
            "study", f"is not of the protocol, {PROTOCOL.name}: from it nothing is concluded"
        )
    done, of = study["parts"]["done"], study["parts"]["of"]
    if done < of:
        raise Undecided(f"{done} of {of} parts")


# Exact tests


def exchanged(first: Sequence[float], second: Sequence[float]) -> Fraction:
    """p of "the first are larger": all ways to choose which of the values are the first.

    >>> exchanged([3.0, 4.0], [1.0, 2.0]), exchanged([1.0], [1.0])
    (Fraction(1, 6), Fraction(1, 1))
    """
    values = [Fraction(value) for value in (*first, *second)]
    observed = sum(values[: len(first)])
    # The sum of all is fixed, so the difference of means rises with the sum of the first.
    sums = [sum(chosen) for chosen in combinations(values, len(first))]
    return Fraction(sum(total >= observed for total in sums), len(sums))


def flipped(differences: Sequence[float]) -> Fraction:
    """p of "the differences are positive": all signs.

    >>> flipped([1.0, 2.0, 0.5]), flipped([1.0, -1.0])
    (Fraction(1, 8), Fraction(3, 4))
    """
    values = [Fraction(value) for value in differences]
    sums = [
        sum(sign * value for sign, value in zip(signs, values, strict=True))
        for signs in product((1, -1), repeat=len(values))
    ]
    return Fraction(sum(total >= sum(values) for total in sums), len(sums))


# What claims read of the study


def rank_at_loss(points: Sequence[tuple[float, float]], loss: float) -> float:
    """The stable rank where a loss is reached, from points (loss, rank): linear between them.

    Outside of all losses it is that at the nearest.

    >>> rank_at_loss([(2.0, 10.0), (1.0, 20.0)], 1.5), rank_at_loss([(2.0, 10.0)], 1.0)
    (15.0, 10.0)
    """
    ordered = sorted(points)
    below = [point for point in ordered if point[0] <= loss]
    above = [point for point in ordered if point[0] > loss]
    if not below or not above:
        return (below[-1] if below else above[0])[1]
    (low, first), (high, last) = below[-1], above[0]
    return first + (last - first) * (loss - low) / (high - low)


def ranks_of(study: Study, optimizer: str) -> list[float]:
    """The median stable ranks of an optimizer's models, in the order of their seeds."""
    return [median_rank(end) for end in _ends(study, optimizer)]


def losses_of(study: Study, optimizer: str) -> list[float]:
    """Their losses in distribution."""
    return [end["loss"]["in"] for end in _ends(study, optimizer)]


def _ends(study: Study, optimizer: str) -> list[Mapping[str, Any]]:
    return [end for name, end in study["ends"].items() if optimizer_of(name) == optimizer]
