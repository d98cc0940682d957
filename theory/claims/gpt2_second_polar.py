"""Second study: it is the polar factor that gives Muon's models and paths their spectrum.

Setting: 8 models of Muon and 8 of Kaon, which keeps the singular directions of the momentum and
scrambles its singular values; 4 disjoint pairs of each, aligned, with polychains of one bend.

Claim: Kaon's models have a lower median stable rank, Muon's at least 5/4 of it, and along its
polychains the rank changes at least 1.5 times as much as along Muon's.

Tight: no; measured on models of one small size, no theorem.

Predicted: the bounds of the protocol: what follows if Muon's geometry is what matters. The source
says of training that it is not.

Observed: the ranks of the second study, when all its parts are done. Beside them: the losses.

Source: Shumaylov et al., arXiv 2605.11181, for Kaon; Zhang, Kim, Zhang, Jiang, Pilanci, arXiv
2605.09991, for spectra along paths.

Note: proofs_notes/gpt2-protocol.md
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import fmean

from theory.claims.base import Values
from theory.claims.gpt2_protocol import ProtocolClaim, exchanged, losses_of, ranks_of
from theory.claims.gpt2_study import Study, per_pair, ratio


@dataclass(frozen=True)
class Gpt2SecondPolar(ProtocolClaim):
    """The claim, on the shipped study or another."""

    study: Study | None = None

    id = "gpt2-second-polar"

    def observed(self) -> Values:
        """Models, and pairs."""
        muon, kaon = (ranks_of(self.document, name) for name in ("muon", "kaon"))
        kept, lost = (
            per_pair(self.document, cell, "polychain", "change")
            for cell in ("muon-muon", "kaon-kaon")
        )
        return {
            "mean r of Muon's models over Kaon's": ratio(fmean(muon), fmean(kaon)),
            "p, models of Muon and Kaon exchanged": exchanged(muon, kaon),
            "mean change of r along Kaon's polychains over Muon's": ratio(fmean(lost), fmean(kept)),
            "p, pairs of Kaon and Muon exchanged": exchanged(lost, kept),
        }

    def beside(self) -> Values:
        """Whether Kaon trains as well."""
        return {
            f"mean loss of {name}'s models": fmean(losses_of(self.document, name))
            for name in ("muon", "kaon", "adamw")
        }
