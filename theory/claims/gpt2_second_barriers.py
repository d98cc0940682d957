"""Second study: between GPT-2 models of one optimizer a bent path is far below the straight line.

Setting: 4 disjoint pairs of AdamW's and 4 of Muon's models, the second model of each brought into
the coordinates of the first; the straight line, and the polychain with one learned bend.

Claim: in every pair the polychain's barrier is below the line's, on text like that of training and
on other text, and in the mean it is at most a quarter of it.

Tight: no; measured on models of one small size, no theorem.

Predicted: the bounds of the protocol, around the paper's Table 1, which has line over polychain
from 0.26/0.04 = 6.5 to 0.18/0.01 = 18.

Observed: the barriers of the second study, when all its parts are done. Beside them: the loss in
the middle of polychains above the mean loss of ends that were trained on for as many steps.

Source: Zhang, Kim, Zhang, Jiang, Pilanci, arXiv 2605.09991, Table 1.

Note: proofs_notes/gpt2-protocol.md
"""

from __future__ import annotations

from dataclasses import dataclass

from theory.claims.base import Value, Values
from theory.claims.gpt2_protocol import ProtocolClaim, flipped
from theory.claims.gpt2_study import SAME, TEXTS, Study, measured, per_pair, ratio


@dataclass(frozen=True)
class Gpt2SecondBarriers(ProtocolClaim):
    """The claim, on the shipped study or another."""

    study: Study | None = None

    id = "gpt2-second-barriers"

    def observed(self) -> Values:
        """Pair by pair, and in the mean."""
        values: dict[str, Value] = {}
        differences: list[float] = []
        for text, words in TEXTS.items():
            lower = 0
            for cell in SAME:
                line, bent = (
                    per_pair(self.document, cell, curve, "barrier", text)
                    for curve in ("linear", "polychain")
                )
                values[f"polychain's mean barrier over the line's, {cell}, {words}"] = ratio(
                    sum(bent), sum(line)
                )
                own = [first - second for first, second in zip(line, bent, strict=True)]
                lower += sum(each > 0 for each in own)
                differences += own if text == "in" else []
            values[f"pairs of 8 where the polychain is not below the line, {words}"] = 8 - lower
        name = "p, signs of the line's less the polychain's barrier"
        return values | {name: flipped(differences)}

    def beside(self) -> Values:
        """Of the pairs whose ends were trained on."""
        values: dict[str, Value] = {}
        for cell in SAME:
            above = measured(self.document, cell, "polychain", "middle above ends trained on", "in")
            if above is not None and above["mean"] is not None:
                values[f"polychain's middle above ends trained on, {cell}"] = above["mean"]
        return values
