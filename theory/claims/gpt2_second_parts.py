"""Second study: Muon on values, outputs and MLP has its gain; matrices have their rule's spectrum.

Setting: models of two seeds by AdamW, by Muon, by Muon on values, outputs and MLP with AdamW on
queries and keys, and the other way round.

Claim: of what Muon's models gain in loss over AdamW's of the same seed the first have at least
three quarters, the second at most half; and a matrix has the median stable rank of the matrices of
its kind in the models of the rule that trained it, to a quarter.

Tight: no; measured on models of one small size, no theorem.

Predicted: the bounds of the protocol. The source has it that Muon on values, outputs and MLP nearly
recovers Muon; of spectra in such models it says nothing.

Observed: losses and ranks of the second study, when all its parts are done. Beside them: by seed,
of Muon on values, outputs and MLP first.

Source: Wang, Zhang, Li, Du, Du, Pang, Yang, Hong, Tan, arXiv 2509.26030.

Note: proofs_notes/gpt2-protocol.md
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any

from theory.claims.base import Value, Values
from theory.claims.gpt2_protocol import ProtocolClaim
from theory.claims.gpt2_study import Study, ratio

_SEEDS = (0, 1)
_MUONS = {
    "muon_vof": ("value", "output", "mlp-in", "mlp-out"),
    "muon_qk": ("query", "key"),
}
"""The kinds of matrices that Muon trains."""


@dataclass(frozen=True)
class Gpt2SecondParts(ProtocolClaim):
    """The claim, on the shipped study or another."""

    study: Study | None = None

    id = "gpt2-second-parts"

    def observed(self) -> Values:
        """Of the worst seed, and of the worst group of matrices."""
        muon, adamw = self._ratios("muon"), self._ratios("adamw")
        by = "stable rank of matrices by {} over those of {}'s models, {}"
        return {
            "least share of the gain, Muon on values, outputs and MLP": min(
                self._shares("muon_vof")
            ),
            "largest share of the gain, Muon on queries and keys": max(self._shares("muon_qk")),
            by.format("Muon", "Muon", "least"): min(muon),
            by.format("Muon", "Muon", "largest"): max(muon),
            by.format("AdamW", "AdamW", "least"): min(adamw),
            by.format("AdamW", "AdamW", "largest"): max(adamw),
        }

    def beside(self) -> Values:
        """The gain that is shared, and all of which the worst was taken."""
        values: dict[str, Value] = {
            f"loss of AdamW's model less that of Muon's, seed {seed}": self._gain("muon", seed)
            for seed in _SEEDS
        }
        values["shares, Muon on values, outputs and MLP"] = self._shares("muon_vof")
        values["shares, Muon on queries and keys"] = self._shares("muon_qk")
        for rule, name in (("muon", "Muon"), ("adamw", "AdamW")):
            values[f"matrices by {name} over those of {name}'s models"] = tuple(self._ratios(rule))
        return values

    def _model(self, optimizer: str, seed: int) -> Mapping[str, Any]:
        name = f"{optimizer}-{seed}"
        found: Mapping[str, Any] = (
            self.document["controls"][f"{name}-parts"]
            if optimizer in _MUONS
            else self.document["ends"][name]
        )
        return found

    def _gain(self, optimizer: str, seed: int) -> float:
        of, adamw = (self._model(name, seed)["loss"]["in"] for name in (optimizer, "adamw"))
        return float(adamw - of)

    def _shares(self, optimizer: str) -> tuple[float, ...]:
        return tuple(
            ratio(self._gain(optimizer, seed), self._gain("muon", seed)) for seed in _SEEDS
        )

    def _ratios(self, rule: str) -> list[float]:
        """Of the matrices that a rule trained in a model on parts, to those in its own models."""
        found = []
        for optimizer, kinds in _MUONS.items():
            for seed in _SEEDS:
                ranks, own = (self._model(name, seed)["stable_rank"] for name in (optimizer, rule))
                names = [
                    name for name in ranks if (name.partition(".")[2] in kinds) == (rule == "muon")
                ]
                first, second = (median(each[name] for name in names) for each in (ranks, own))
                found.append(first / second)
        return found
