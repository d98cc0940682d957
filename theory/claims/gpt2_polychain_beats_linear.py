"""Between GPT-2 models of one optimizer a bent path has a far lower barrier than the straight line.

Setting: pairs of small GPT-2 models, both by AdamW or both by Muon, the second brought into the
coordinates of the first; the straight line, and the polychain with one learned bend.

Claim: in every pair the polychain's barrier is below the line's, on text like that of training and
on other text, and in the mean it is at most a quarter of it.

Tight: no; measured on models of one small size, no theorem.

Predicted: the paper's Table 1 has line over polychain from 0.26/0.04 = 6.5 to 0.18/0.01 = 18;
a quarter leaves room for smaller models.

Observed: the barriers of the study. Controls: the loss in the middle of the polychain above the
mean loss of ends that were trained on for as many steps as the bend, and the polychain between
models that were not aligned.

Source: Zhang, Kim, Zhang, Jiang, Pilanci, arXiv 2605.09991, Table 1.

Note: proofs_notes/gpt2-polychain-beats-linear.md
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from theory.claims.base import Bounds, Value, Values
from theory.claims.gpt2_study import (
    CONTROL,
    NOT_MEASURED,
    SAME,
    SOURCE,
    TEXTS,
    Study,
    StudyClaim,
    answer,
    has,
    listed,
    per_pair,
    ratio,
)

_SHARE = Fraction(1, 4)  # the paper's largest is 0.04/0.26 = 0.154


@dataclass(frozen=True)
class Gpt2PolychainBeatsLinear(StudyClaim):
    """The claim, on the shipped study or another."""

    study: Study | None = None

    id = "gpt2-polychain-beats-linear"
    source = f"{SOURCE}, Table 1; proofs_notes/gpt2-polychain-beats-linear.md"

    statement = (
        "Between two GPT-2 models of the same optimizer, aligned, the polychain with one "
        "learned bend has a lower barrier than the straight line: in every pair, on text like "
        "that of training and on other text, and in the mean at most a quarter. Controls: is "
        "the bend only more training, and does it need the alignment?"
    )

    def predicted(self) -> Values:
        """The paper's order, and a bound of its ratio."""
        values: dict[str, Value] = {}
        for cell in SAME:
            for text in TEXTS:
                values[_not_lower(cell, text)] = 0
                values[_share(cell, text)] = Bounds(Fraction(0), _SHARE)
        return values | {name(cell): "no" for name in (_training, _bend) for cell in SAME}

    def observed(self) -> Values:
        """Pair by pair, and in the mean."""
        values: dict[str, Value] = {}
        for cell in SAME:
            for text in TEXTS:
                line, bent = (
                    per_pair(self.document, cell, curve, "barrier", text)
                    for curve in ("linear", "polychain")
                )
                values[_not_lower(cell, text)] = _count_not_lower(bent, line)
                values[_share(cell, text)] = ratio(sum(bent), sum(line))
        values |= {_training(cell): self._explained_by_training(cell) for cell in SAME}
        return values | {_bend(cell): self._bends_alone(cell) for cell in SAME}

    def _explained_by_training(self, cell: str) -> str:
        """Whether above ends that were trained on the polychain's middle is not lower."""
        above = ("middle above ends trained on", "in")
        if not has(self.document, cell, "polychain", *above):
            return NOT_MEASURED
        bent = per_pair(self.document, cell, "polychain", *above)
        line = per_pair(self.document, cell, "linear", "barrier", "in")
        failed = _count_not_lower(bent, line)
        return answer(
            failed > 0, f"{listed(bent)} above trained-on ends in the middle, line {listed(line)}"
        )

    def _bends_alone(self, cell: str) -> str:
        """Whether in some pair the polychain is as low between models that were not aligned."""
        if not has(self.document, cell, "polychain, not aligned", "barrier", "in"):
            return NOT_MEASURED
        without = per_pair(self.document, cell, "polychain, not aligned", "barrier", "in")
        aligned = per_pair(self.document, cell, "polychain", "barrier", "in")
        failed = _count_not_lower(aligned, without)
        return answer(failed > 0, f"{listed(without)} without, {listed(aligned)} with alignment")


def _count_not_lower(lower: list[float], higher: list[float]) -> int:
    return sum(not first < second for first, second in zip(lower, higher, strict=True))


def _not_lower(cell: str, text: str) -> str:
    return f"pairs where the polychain is not below the line, {cell}, {TEXTS[text]}"


def _share(cell: str, text: str) -> str:
    return f"polychain's mean barrier over the line's, {cell}, {TEXTS[text]}"


def _training(cell: str) -> str:
    return f"{CONTROL}more training of the ends explains it, {cell}"


def _bend(cell: str) -> str:
    return f"{CONTROL}the bend does not need the alignment, {cell}"
