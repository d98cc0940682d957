"""Between GPT-2 models of one optimizer the stable rank stays what that optimizer made it.

Setting: polychains with one learned bend between aligned small GPT-2 models of one optimizer. The
stable rank of a matrix is ||M||_F^2 / ||M||_2^2; r(t) is the median over all hidden matrices.

Claim: along every such polychain max r / min r - 1 <= 0.4, and that is less than how far Muon's
models are from AdamW's: the ratio of their median stable ranks, less 1.

Tight: no; measured on models of one small size, no theorem.

Predicted: along the paper's paths the stable rank of an MLP matrix is 58.5 to 79.5 (AdamW: 0.36)
and 127.3 to 145.4 (Muon: 0.14), and the optimizers' ends differ by 139.9/60.6 = 2.3.

Observed: the stable ranks of the study. Controls: along the straight line, whose loss is high;
without alignment; at the random start; at other learning rates of AdamW, and trained for longer.

Source: Zhang, Kim, Zhang, Jiang, Pilanci, arXiv 2605.09991, figure of spectra.

Note: proofs_notes/gpt2-spectrum-preserved.md
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
    Study,
    StudyClaim,
    answer,
    has,
    listed,
    mean_rank,
    median_rank,
    per_pair,
    ratio,
)

_CHANGE = Fraction(2, 5)  # the paper's largest is 79.5/58.5 - 1 = 0.36
_OVER_GAP = "largest change over the gap between the optimizers"
_START = f"{CONTROL}it is the random start's stable rank that is preserved"
_SWEEP = f"{CONTROL}AdamW at its best learning rate closes the gap"
_LONGER = f"{CONTROL}AdamW trained longer closes the gap"


@dataclass(frozen=True)
class Gpt2SpectrumPreserved(StudyClaim):
    """The claim, on the shipped study or another."""

    study: Study | None = None

    id = "gpt2-spectrum-preserved"
    source = f"{SOURCE}, figure of spectra; proofs_notes/gpt2-spectrum-preserved.md"

    statement = (
        "Along every polychain between two GPT-2 models of the same optimizer the median "
        "stable rank of the hidden matrices changes by at most 0.4 of its least value, and by "
        "less than Muon's models differ from AdamW's. Controls: does the straight line, whose "
        "loss is high, preserve it as well, and is it the optimizer that made it?"
    )

    def predicted(self) -> Values:
        """Bounds around the paper's numbers."""
        values: dict[str, Value] = {}
        values |= {_change(cell): Bounds(Fraction(0), _CHANGE) for cell in SAME}
        values[_OVER_GAP] = Bounds(Fraction(0), Fraction(1))
        values |= {name(cell): "no" for name in (_line, _unaligned) for cell in SAME}
        return values | dict.fromkeys((_START, _SWEEP, _LONGER), "no")

    def observed(self) -> Values:
        """The largest change in a cell, and the gap between the optimizers' models."""
        study = self.document
        changes = {cell: max(per_pair(study, cell, "polychain", "change")) for cell in SAME}
        most, muon = max(changes.values()), mean_rank(study, "muon")
        values: dict[str, Value] = {_change(cell): change for cell, change in changes.items()}
        values[_OVER_GAP] = ratio(most, muon / mean_rank(study, "adamw") - 1)
        values |= {_line(cell): self._as_well(cell, "linear") for cell in SAME}
        values |= {_unaligned(cell): self._as_well(cell, "polychain, not aligned") for cell in SAME}
        values[_START] = self._is_the_start(most)
        values[_SWEEP] = self._swept(most, muon)
        values[_LONGER] = NOT_MEASURED
        if study.get("longer"):
            longer = mean_rank(study, "adamw", kind="longer")
            values[_LONGER] = answer(
                muon / longer - 1 <= most, f"{longer:.3g} trained longer, muon {muon:.3g}"
            )
        return values

    def _as_well(self, cell: str, curve: str) -> str:
        """Whether other curves stay within the same bound."""
        if not has(self.document, cell, curve, "change"):
            return NOT_MEASURED
        changes = per_pair(self.document, cell, curve, "change")
        polychain = per_pair(self.document, cell, "polychain", "change")
        return answer(
            max(changes) <= _CHANGE, f"{listed(changes)}, along polychains {listed(polychain)}"
        )

    def _is_the_start(self, most: float) -> str:
        """Whether an optimizer's models have the stable rank of random matrices."""
        start = median_rank(self.document["start"])
        ranks = {name: mean_rank(self.document, name) for name in ("adamw", "muon")}
        same = [
            name for name, rank in ranks.items() if max(rank, start) / min(rank, start) - 1 <= most
        ]
        told = ", ".join(f"{name} {rank:.3g}" for name, rank in ranks.items())
        if same:
            told += f"; as near to it as paths vary: {' and '.join(same)}"
        return answer(bool(same), f"start {start:.3g}, {told}")

    def _swept(self, most: float, muon: float) -> str:
        """Whether AdamW at its best learning rate comes as near to Muon as the paths vary.

        (A learning rate that hardly trains keeps the start's stable rank, and says nothing.)
        """
        runs = [run for run in self.document.get("sweep", ()) if run["optimizer"] == "adamw"]
        if not runs:
            return NOT_MEASURED
        best = min(runs, key=lambda run: run["loss"])
        rank, ranks = best["stable_rank"], [run["stable_rank"] for run in runs]
        return answer(
            muon / rank - 1 <= most,
            f"{rank:.3g} at {best['learning_rate']:.3g}, the least loss, {min(ranks):.3g} to "
            f"{max(ranks):.3g} in the sweep, muon {muon:.3g}",
        )


def _change(cell: str) -> str:
    return f"largest change of the median stable rank along a polychain, {cell}"


def _line(cell: str) -> str:
    return f"{CONTROL}the straight line preserves it as well, {cell}"


def _unaligned(cell: str) -> str:
    return f"{CONTROL}it is preserved without alignment, {cell}"
