"""Second study: on other text the paths from AdamW's to Muon's models pass below the chord.

Setting: 4 disjoint pairs of an AdamW and a Muon model, aligned, and the polychain with one learned
bend. The chord is the straight line between the losses of the ends; a curve's depth below it is
max over t of chord(t) - loss(t), 0 at least, its barrier max over t of loss(t) - chord(t).

Claim: on text of another kind than that of training, in the mean over pairs, the depth is at least
0.02 nats and more than on text like that of training, and the barrier is lower.

Tight: no; measured on models of one small size, no theorem.

Predicted: the bounds of the protocol, around the paper's figure out of distribution, read off it:
depth 0.022 and barrier 0.010 (enwik8 to Stories), 0.06 and 0.019 (Stories to WikiText-103); in
distribution 0.005 and 0.025, 0.018 and 0.034.

Observed: the losses of the second study, when all its parts are done. Beside them: the depth by
pairs, along straight lines and between models of one optimizer; and the middle of the path above
the mean loss of ends that were trained on for as many steps: if that is not negative, more training
is all that a depth shows.

Source: Zhang, Kim, Zhang, Jiang, Pilanci, arXiv 2605.09991, figure out of distribution.

Note: proofs_notes/gpt2-protocol.md
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from theory.claims.base import Value, Values
from theory.claims.gpt2_protocol import ProtocolClaim
from theory.claims.gpt2_study import CROSS, SAME, TEXTS, Study, measured


@dataclass(frozen=True)
class Gpt2SecondBeyond(ProtocolClaim):
    """The claim, on the shipped study or another."""

    study: Study | None = None

    id = "gpt2-second-beyond"

    def observed(self) -> Values:
        """In the mean over the pairs of two optimizers."""
        depths = {text: fmean(self._depths(CROSS, "polychain", text)) for text in TEXTS}
        barriers = {text: fmean(self._barriers(text)) for text in TEXTS}
        return {
            "mean depth below the chord, out of distribution": depths["out"],
            "mean depth out of distribution less that in distribution": (
                depths["out"] - depths["in"]
            ),
            "mean barrier in distribution less that out of distribution": (
                barriers["in"] - barriers["out"]
            ),
        }

    def beside(self) -> Values:
        """By pair; and what else may be below a chord."""
        values: dict[str, Value] = {
            f"depths of pairs, {words}": tuple(self._depths(CROSS, "polychain", text))
            for text, words in TEXTS.items()
        }
        values["mean depth out of distribution, straight line"] = fmean(
            self._depths(CROSS, "linear", "out")
        )
        for cell in SAME:
            values[f"mean depth out of distribution, {cell}"] = fmean(
                self._depths(cell, "polychain", "out")
            )
        above = measured(self.document, CROSS, "polychain", "middle above ends trained on", "out")
        if above is not None and above["mean"] is not None:
            values["middle above ends trained on, out of distribution"] = above["mean"]
        return values

    def _depths(self, cell: str, curve: str, text: str) -> list[float]:
        return [
            max(-above for above in heights(pair["curves"][curve], text))
            for pair in self.document["pairs"].values()
            if pair["cell"] == cell
        ]

    def _barriers(self, text: str) -> list[float]:
        return [
            max(heights(pair["curves"]["polychain"], text))
            for pair in self.document["pairs"].values()
            if pair["cell"] == CROSS
        ]


def heights(curve: Mapping[str, Any], text: str) -> list[float]:
    """The loss above the chord at each t; zero at both ends.

    >>> heights({"t": [0, 0.5, 1], "loss": {"out": [1.0, 1.25, 2.0]}}, "out")
    [0.0, -0.25, 0.0]
    """
    losses = curve["loss"][text]
    first, last = losses[0], losses[-1]
    return [loss - ((1 - t) * first + t * last) for t, loss in zip(curve["t"], losses, strict=True)]
