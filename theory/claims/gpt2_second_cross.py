"""Second study: from AdamW's to Muon's models the stable rank rises steadily, whoever bends.

Setting: 4 disjoint pairs of an AdamW and a Muon model, aligned; polychains with one bend that Muon
trained, and others whose bend AdamW trained.

Claim: along every one of them the rise of the median stable rank is at least 0.9 of its total
variation, and no step between neighbouring points is more than 2.4 times that of an even rise.

Tight: no; measured on models of one small size, no theorem.

Predicted: the bounds of the protocol. The paper's path rises monotonely, its largest step 1.7 times
that of an even rise. In the first study bends by Muon were outside (0.88, 3.9), those by AdamW
inside of the first bound and out of the second (0.97, 2.6).

Observed: the stable ranks of the second study, when all its parts are done. Beside them: the same
along straight lines and between random directions, and where the middle is, by who trained the
bend, with p that this does not matter.

Source: Zhang, Kim, Zhang, Jiang, Pilanci, arXiv 2605.09991, figure of spectra.

Note: proofs_notes/gpt2-protocol.md
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import fmean, median

from theory.claims.base import Value, Values
from theory.claims.gpt2_protocol import ProtocolClaim, exchanged
from theory.claims.gpt2_study import CROSS, Study, per_pair

_BENDS = {"muon": "polychain", "adamw": "polychain, by adamw"}
_STEPS = 10  # between the points of spectra along a curve


@dataclass(frozen=True)
class Gpt2SecondCross(ProtocolClaim):
    """The claim, on the shipped study or another."""

    study: Study | None = None

    id = "gpt2-second-cross"

    def observed(self) -> Values:
        """Of the worst pair, by who trained the bends."""
        values: dict[str, Value] = {}
        for by, curve in _BENDS.items():
            share, step = self._steadiness(curve)
            values[f"least share of the rise in the total variation, bends by {by}"] = share
            values[f"largest step over an even step, bends by {by}"] = step
        return values

    def beside(self) -> Values:
        """What has no low loss, and the middle of the curves as a share of the rise."""
        values: dict[str, Value] = {}
        for curve in ("linear", "random directions"):
            share, step = self._steadiness(curve)
            values[f"least share, {curve}"], values[f"largest step, {curve}"] = share, step
        muon, adamw = (self._middles(curve) for curve in _BENDS.values())
        return values | {
            "mean rise until the middle, bends by muon": fmean(muon),
            "mean rise until the middle, bends by adamw": fmean(adamw),
            "p, bends of the two exchanged": exchanged(muon, adamw),
        }

    def _steadiness(self, curve: str) -> tuple[float, float]:
        shares = per_pair(self.document, CROSS, curve, "monotonicity")
        jumps = per_pair(self.document, CROSS, curve, "largest_jump")
        return min(shares), max(_STEPS * jump for jump in jumps)

    def _middles(self, curve: str) -> list[float]:
        """(r(1/2) - r(0)) / (r(1) - r(0)) of each pair."""
        found = []
        for pair in self.document["pairs"].values():
            if pair["cell"] == CROSS:
                ranks = pair["curves"][curve]["spectra"]["stable_rank"].values()
                along = [median(at) for at in zip(*ranks, strict=True)]
                first, middle, last = along[0], along[len(along) // 2], along[-1]
                found.append((middle - first) / (last - first))
        return found
