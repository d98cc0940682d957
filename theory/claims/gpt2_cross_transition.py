"""From an AdamW to a Muon model the stable rank rises steadily along a path of low loss.

Setting: polychains with one learned bend from aligned small GPT-2 models of AdamW to those of Muon.
The stable rank of a matrix is ||M||_F^2 / ||M||_2^2; r(t) is the median over all hidden matrices.

Claim: along every such polychain the rise r(1) - r(0) is at least 0.9 of the total variation of r,
and no step between neighbouring points is more than 2.4 times what it would be in an even rise.

Tight: no; measured on models of one small size, no theorem.

Predicted: the paper's path has 60.6 61.1 77.8 100.3 108.1 123.3 139.9 for an MLP matrix: monotone,
its largest step 22.5 where an even rise has 79.3/6, 1.7 times that.

Observed: the stable ranks of the study. Controls: along the straight line, whose loss is high;
along the polychain without alignment; and along one whose bend the other optimizer trained.

Source: Zhang, Kim, Zhang, Jiang, Pilanci, arXiv 2605.09991, figure of spectra.

Note: proofs_notes/gpt2-cross-transition.md
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from theory.claims.base import Bounds, Values
from theory.claims.gpt2_study import (
    CONTROL,
    CROSS,
    NOT_MEASURED,
    SOURCE,
    Study,
    StudyClaim,
    answer,
    has,
    listed,
    per_pair,
)

_MONOTONE = Fraction(9, 10)
_STEEPEST = Fraction(12, 5)
_LEAST = "least share of the rise in the total variation along a polychain"
_LARGEST = "largest step over an even step along a polychain"
_CONTROLS = {
    f"{CONTROL}the straight line passes as steadily": "linear",
    f"{CONTROL}the polychain without alignment passes as steadily": "polychain, not aligned",
}
_BEND = f"{CONTROL}the optimizer that trains the bend decides"
_OTHERS = ("polychain, by adamw", "polychain, by muon")


@dataclass(frozen=True)
class Gpt2CrossTransition(StudyClaim):
    """The claim, on the shipped study or another."""

    study: Study | None = None

    id = "gpt2-cross-transition"
    source = f"{SOURCE}, figure of spectra; proofs_notes/gpt2-cross-transition.md"

    statement = (
        "Along every polychain from an AdamW to a Muon model of GPT-2 the median stable rank "
        "of the hidden matrices rises steadily: the rise is at least 0.9 of the total "
        "variation, and no step between neighbouring points is more than 2.4 times that of an "
        "even rise. "
        "Controls: does it rise as steadily along the straight line, whose loss is high, and "
        "is it the bend's optimizer that makes it so?"
    )

    @property
    def recorded(self) -> bool:
        """The shipped study refutes it; of another study nothing is on record."""
        return self.study is not None

    def predicted(self) -> Values:
        """Bounds around the paper's numbers."""
        return {
            _LEAST: Bounds(_MONOTONE, Fraction(1)),
            _LARGEST: Bounds(Fraction(0), _STEEPEST),
            **dict.fromkeys((*_CONTROLS, _BEND), "no"),
        }

    def observed(self) -> Values:
        """Of the worst pair."""
        monotone, steps = self._steadiness("polychain")
        return {
            _LEAST: min(monotone),
            _LARGEST: max(steps),
            **{name: self._as_well(curve) for name, curve in _CONTROLS.items()},
            _BEND: self._bend(),
        }

    def _steadiness(self, curve: str) -> tuple[list[float], list[float]]:
        """Of each pair the share of the rise in the variation, and the largest step in even ones.

        Shares of the rise would depend on how many points are looked at.
        """
        monotone = per_pair(self.document, CROSS, curve, "monotonicity")
        jumps = per_pair(self.document, CROSS, curve, "largest_jump")
        pairs = self.document["pairs"].values()
        pair = next(pair for pair in pairs if pair["cell"] == CROSS)
        steps = len(pair["curves"][curve]["spectra"]["t"]) - 1
        return monotone, [jump * steps for jump in jumps]

    def _as_well(self, curve: str) -> str:
        """Whether another curve passes as steadily."""
        if not has(self.document, CROSS, curve, "monotonicity"):
            return NOT_MEASURED
        return answer(self._is_steady(curve), self._told(curve))

    def _bend(self) -> str:
        """Whether a bend by the other optimizer is on the other side of the bounds."""
        for curve in _OTHERS:
            if has(self.document, CROSS, curve, "monotonicity"):
                differ = self._is_steady(curve) != self._is_steady("polychain")
                return answer(differ, f"{curve.partition(', ')[2]}, {self._told(curve)}")
        return NOT_MEASURED

    def _is_steady(self, curve: str) -> bool:
        monotone, steps = self._steadiness(curve)
        return min(monotone) >= _MONOTONE and max(steps) <= _STEEPEST

    def _told(self, curve: str) -> str:
        monotone, steps = self._steadiness(curve)
        return (
            f"rise over variation {listed(monotone)}, largest step over an even one {listed(steps)}"
        )
