"""What the claims about GPT-2 share: they read a study that was made before, and train nothing.

A study is the JSON document of `isthmus gpt2 table`; the shipped one is
theory/examples/measured/gpt2.json. Predictions are bounds around numbers of Zhang, Kim, Zhang,
Jiang and Pilanci (arXiv 2605.09991). These bounds were fixed before any study was made; the
configuration was not: bends were trained for longer after a first run, in which AdamW's had been
above the bound of gpt2-polychain-beats-linear (0.26 and 0.27 of the line's barrier, not 0.25).

A *control* is another explanation of what a claim states: it is a quantity whose name begins with
CONTROL. Predicted is "no"; observed is "yes: ..." where the control explains the picture as well.
Controls do not decide whether a claim holds, which is about the picture, but what it means.
"""

from __future__ import annotations

import json
import math
from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib import resources
from statistics import median
from typing import Any, TypeAlias

from theory.claims.base import (
    Claim,
    Observation,
    Prediction,
    Trainer,
    Values,
    agree,
)
from theory.errors import InputError
from theory.types import Progress

Study: TypeAlias = Mapping[str, Any]

SAME = ("adamw-adamw", "muon-muon")
"""Cells: pairs of models by one optimizer."""

CROSS = "adamw-muon"
"""The cell of pairs by both, AdamW's model first."""

TEXTS = {"in": "in distribution", "out": "out of distribution"}
"""What losses are measured on, by their keys in a study."""

CONTROL = "control: "

SOURCE = "Zhang, Kim, Zhang, Jiang, Pilanci, arXiv 2605.09991"


@cache
def shipped() -> Study:
    """The study that was measured for this version."""
    file = resources.files("theory") / "examples" / "measured" / "gpt2.json"
    study: Study = json.loads(file.read_text(encoding="utf-8"))
    return study


class StudyClaim(Claim):
    """A claim about the numbers of a study; None means the shipped one."""

    study: Study | None

    @property
    def document(self) -> Study:
        """The study that the claim is about."""
        return shipped() if self.study is None else self.study

    @property
    def hypotheses(self) -> Sequence[str]:
        """Under which conditions."""
        document = self.document
        shape = ", ".join(f"{kind} {count}" for kind, count in _pairs(document).items())
        return (
            f"the study {document['name']}, pairs of models: {shape}; GPT-2 models far smaller "
            "than those of the paper, and trained on other text",
            "predicted: bounds around the paper's numbers, fixed before any study was made. The "
            "shipped configuration was not: in a first run, with bends of 1,500 steps, AdamW's "
            "polychains had 0.26 and 0.27 of the line's barrier, above the bound of 0.25, and "
            "bends were lengthened after it",
            "controls say whether something else explains the picture; they do not decide whether "
            "the claim holds",
        )

    @abstractmethod
    def predicted(self) -> Values:
        """The paper's numbers, as bounds, and "no" for each control."""

    @abstractmethod
    def observed(self) -> Values:
        """The same quantities in the study. Raises InputError where it lacks one."""

    def predict(self, progress: Progress) -> Prediction[None]:
        """What the paper says."""
        return Prediction(self.predicted())

    def observe(
        self, prediction: Prediction[None], train: Trainer, progress: Progress
    ) -> Observation[None]:
        """What the study found; nothing is trained. Raises InputError where it is too small."""
        if not is_judged(self.document):
            raise InputError("study", "is too small for verdicts, as its configuration says")
        return Observation(self.observed())

    def compare(self, predicted: Values, observed: Values) -> bool:
        """All but the controls is as predicted."""
        return agree(stated(predicted), stated(observed))


def is_judged(study: Study) -> bool:
    """Whether the study is one that claims can be held to."""
    judged: bool = study["config"].get("verdicts", True)
    return judged


def stated(values: Values) -> Values:
    """The quantities that decide: all but controls."""
    return {name: value for name, value in values.items() if not name.startswith(CONTROL)}


def explained(observed: Values) -> list[str]:
    """The controls that explain the picture as well, with what was observed."""
    return [
        f"{name.removeprefix(CONTROL)}: {value}"
        for name, value in observed.items()
        if name.startswith(CONTROL) and str(value).startswith("yes")
    ]


def measured(study: Study, cell: str, curve: str, *names: str) -> Mapping[str, Any] | None:
    """A measure of one curve of the pairs in a cell: statistics and values; None without it."""
    found = study["cells"].get(cell, {}).get(curve)
    for name in names:
        found = found and found.get(name)
    return found or None


def per_pair(study: Study, cell: str, curve: str, *names: str) -> list[float]:
    """The values of a measure, in the order of the pairs. Raises InputError without it."""
    found = measured(study, cell, curve, *names)
    if found is None:
        raise InputError("study", f"lacks {', '.join((cell, curve, *names))}")
    values: list[float] = found["values"]
    return values


def has(study: Study, cell: str, curve: str, *names: str) -> bool:
    """Whether `per_pair` has something to say."""
    return measured(study, cell, curve, *names) is not None


def answer(applies: bool, why: str) -> str:
    """What is observed of a control."""
    return f"{'yes' if applies else 'no'}: {why}"


NOT_MEASURED = "not measured"
"""What is observed of a control that a study leaves out."""


def optimizer_of(end: str) -> str:
    """The optimizer of a trained model, by its name in a study: muon-0 is muon's."""
    return end.rsplit("-", 1)[0]


def median_rank(end: Mapping[str, Any]) -> float:
    """The median over matrices of the stable rank of a model, or of the random start."""
    return float(median(end["stable_rank"].values()))


def mean_rank(study: Study, optimizer: str, *, kind: str = "ends") -> float:
    """The mean of that over the trained models of an optimizer.

    kind: "ends", or "longer" for those that were trained longer. Raises InputError without any.
    """
    ranks = [
        median_rank(end)
        for name, end in study.get(kind, {}).items()
        if optimizer_of(name) == optimizer
    ]
    if not ranks:
        raise InputError("study", f"has no {kind} of {optimizer}")
    return math.fsum(ranks) / len(ranks)


def ratio(first: float, second: float) -> float:
    """first / second, infinite where the second is not positive."""
    return first / second if second > 0 else math.inf


def listed(values: Iterable[float]) -> str:
    """Measured numbers in a sentence."""
    return ", ".join(f"{value:.3g}" for value in values)


def _pairs(study: Study) -> dict[str, int]:
    cells = [pair["cell"] for pair in study["pairs"].values()]
    return {cell: cells.count(cell) for cell in dict.fromkeys(cells)}
