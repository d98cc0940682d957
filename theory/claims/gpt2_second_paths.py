"""Second study: low loss keeps one optimizer's spectrum, better than what has a high loss.

Setting: 4 disjoint pairs of AdamW's and 4 of Muon's models, aligned; the polychain with one learned
bend, the straight line, and the line between matrices with the singular values of both models in
random directions.

Claim: along every polychain the median stable rank changes by at most 0.4 of its least value, and
over all 8 pairs by less than along the straight lines, and than between random directions.

Tight: no; measured on models of one small size, no theorem.

Predicted: the bounds of the protocol. The paper's paths have 79.5/58.5 - 1 = 0.36 and
145.4/127.3 - 1 = 0.14. In the first study straight lines changed less, so the second part is likely
to be refuted; it is what "a path of low loss preserves the spectrum" would need to mean anything.

Observed: the stable ranks of the second study, when all its parts are done.

Source: Zhang, Kim, Zhang, Jiang, Pilanci, arXiv 2605.09991, figure of spectra.

Note: proofs_notes/gpt2-protocol.md
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import fmean

from theory.claims.base import Value, Values
from theory.claims.gpt2_protocol import ProtocolClaim, flipped
from theory.claims.gpt2_study import SAME, Study, per_pair

_OTHERS = {"linear": "the straight line's", "random directions": "the random directions'"}


@dataclass(frozen=True)
class Gpt2SecondPaths(ProtocolClaim):
    """The claim, on the shipped study or another."""

    study: Study | None = None

    id = "gpt2-second-paths"

    def observed(self) -> Values:
        """The largest change in a cell, and the polychains' against others' over all pairs."""
        values: dict[str, Value] = {
            f"largest change of r along a polychain, {cell}": max(self._changes(cell, "polychain"))
            for cell in SAME
        }
        for curve, whose in _OTHERS.items():
            differences = [
                other - own
                for cell in SAME
                for other, own in zip(
                    self._changes(cell, curve), self._changes(cell, "polychain"), strict=True
                )
            ]
            values[f"p, signs of {whose} less the polychain's change"] = flipped(differences)
        return values

    def beside(self) -> Values:
        """The mean changes."""
        return {
            f"mean change, {cell}, {curve}": fmean(self._changes(cell, curve))
            for cell in SAME
            for curve in ("polychain", *_OTHERS)
        }

    def _changes(self, cell: str, curve: str) -> list[float]:
        return per_pair(self.document, cell, curve, "change")
