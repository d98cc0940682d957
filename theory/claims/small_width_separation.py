"""Narrow networks: exact fits of one data set that no path of low loss connects.

An example, not a bound: with n data points every sublevel set is connected at width n + 1 [N], and
this shows that a narrower network's need not be.

[N] Q. Nguyen, "A note on connectivity of sublevel sets in deep learning", arXiv 2101.08576 (2021).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import combinations
from typing import Any, TypeAlias

from theory.certificates import certify
from theory.certificates.checker import CertificateInvalid, check
from theory.claims.base import Prediction, Progress, Value, Values, agree
from theory.errors import Interrupted
from theory.landscape import analyse
from theory.landscape.exhaustive import exhaustive
from theory.problem import Problem, example

Matrix: TypeAlias = Sequence[Sequence[Fraction | None]] | Sequence[Sequence[float]]

# Networks modulo permutation of their neurons, and networks as they are.
_LANDSCAPES = {"modulo permutation": False, "labelled": True}


@dataclass(frozen=True)
class SmallWidthSeparation:
    """The claim about one problem, at the width that the problem states."""

    problem: Problem = field(default_factory=lambda: example("flagship"))

    id = "small-width-separation"
    source = "Q. Nguyen, arXiv 2101.08576: connected at width n + 1, not below in general"

    @property
    def width(self) -> int:
        """Number of hidden neurons."""
        assert self.problem.width is not None
        return self.problem.width

    @property
    def statement(self) -> str:
        """What is claimed, in a sentence."""
        return (
            f"On the data set {self.problem.name or 'given'} (n = {self.problem.n}, "
            f"d = {self.problem.d}) the global minimisers of width {self.width} are not "
            "connected, even modulo permutation of the neurons: every path between two of their "
            "components crosses a barrier."
        )

    @property
    def hypotheses(self) -> Sequence[str]:
        """Under which conditions."""
        rows = ", ".join(f"({', '.join(map(str, row))})" for row in self.problem.X)
        return (
            f"data X with rows {rows}; y = ({', '.join(map(str, self.problem.y))})",
            "two-layer ReLU network without biases, scalar output, squared loss 1/2 ||f - y||^2",
            f"width m = {self.width} <= n = {self.problem.n}",
        )

    def predict(self, progress: Progress) -> Prediction:
        """The exact landscape, with and without labels, and its proofs."""
        values: dict[str, Value] = {}
        analyses = {}
        for name, labelled in _LANDSCAPES.items():
            analysis = analyse(self.problem, self.width, labelled=labelled, progress=progress)
            if not analysis.complete:
                raise Interrupted
            analyses[name] = analysis
            values |= _values(name, analysis.minimum, analysis.barriers) | {_proof(name): "valid"}
        certificates = {name: certify(analysis) for name, analysis in analyses.items()}
        return Prediction(values, certificates, analyses)

    def observe(self, certificates: Mapping[str, dict[str, Any]], progress: Progress) -> Values:
        """Every cell and face minimised in float64, and the independent checker's verdict."""
        values: dict[str, Value] = {}
        for name, labelled in _LANDSCAPES.items():
            progress("minimising over all cells and faces", 0)
            floats = exhaustive(self.problem, self.width, labelled=labelled)
            values |= _values(name, floats.minimum, floats.barriers.tolist())
            progress("checking the proofs", 0)
            try:
                check(certificates[name], self.problem)
                values[_proof(name)] = "valid"
            except CertificateInvalid as error:
                values[_proof(name)] = f"invalid: {error}"
        return values

    def compare(self, predicted: Values, observed: Values) -> bool:
        """Several components, and theory and observation agree."""
        return predicted[_components("modulo permutation")] != 1 and agree(predicted, observed)


def _components(name: str) -> str:
    return f"components, {name}"


def _proof(name: str) -> str:
    return f"proof, {name}"


def _values(name: str, minimum: Fraction | float, barriers: Matrix) -> dict[str, Value]:
    """The quantities of one landscape; barriers as a sorted list, as components have no order."""
    pairs = (barriers[i][j] for i, j in combinations(range(len(barriers)), 2))
    return {
        "global minimum": minimum,
        _components(name): len(barriers),
        f"barriers, {name}": tuple(sorted(value for value in pairs if value is not None)),
    }
