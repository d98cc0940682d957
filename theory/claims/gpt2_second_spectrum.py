"""Second study: the optimizer makes the spectrum of a GPT-2 model; loss, rate and noise do not.

Setting: 8 models of AdamW and 8 of Muon at standard rates; each at two rates beside; Muon's with
the whole schedule in fewer steps; both at five settings of learning rate, weight decay and batch.

Claim: Muon's models have at least 1.5 times the median stable rank of AdamW's, at the standard
rates, each at its best rate, and at equal loss; at equal loss no setting of the noise closes the
gap.

Tight: no; measured on models of one small size, no theorem.

Predicted: the bounds of the protocol: the paper has 139.9/60.6 = 2.3 for an MLP matrix; the first
study had 17.4/8.1 = 2.1.

Observed: the ranks of the second study, when all its parts are done. At equal loss: of Muon's
shorter schedules, linear in the loss between them; in the settings of noise, from the records of
each training, at the largest of their last losses. Beside them: the random start's rank; those in
the settings of noise: all three high, the rate alone, the decay alone, the batch alone, the centre.

Source: Zhang, Kim, Zhang, Jiang, Pilanci, arXiv 2605.09991, figure of spectra; the noise: Zhang,
Theus, Teney, Orvieto, Pang, Mauw, arXiv 2510.04686.

Note: proofs_notes/gpt2-protocol.md
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from theory.claims.base import Values
from theory.claims.gpt2_protocol import ProtocolClaim, exchanged, flipped, rank_at_loss, ranks_of
from theory.claims.gpt2_study import Study, median_rank, ratio

_RATES = ("low", "", "high")
_SHORTER = ("quarter", "half", "")
NOISE = ("noise-all", "noise-rate", "noise-decay", "noise-batch", "")
"""What is high there: rate, decay and 1 / batch, or one of them; at last the centre, the ends."""


@dataclass(frozen=True)
class Gpt2SecondSpectrum(ProtocolClaim):
    """The claim, on the shipped study or another."""

    study: Study | None = None

    id = "gpt2-second-spectrum"

    def observed(self) -> Values:
        """Muon's against AdamW's."""
        adamw, muon = (ranks_of(self.document, name) for name in ("adamw", "muon"))
        best = {name: median_rank(self._best(name)) for name in ("adamw", "muon")}
        noisy = self.at_one_loss()
        settings = list(zip(noisy["muon"], noisy["adamw"], strict=True))
        return {
            "mean r of Muon's models over AdamW's": ratio(fmean(muon), fmean(adamw)),
            "p, models of the two exchanged": exchanged(muon, adamw),
            "r of Muon's over AdamW's, each at its best rate": ratio(best["muon"], best["adamw"]),
            "r of Muon's over AdamW's, at AdamW's loss": self._at_the_loss_of_adamw(),
            "least r of Muon's over largest of AdamW's at one loss, five settings of noise": ratio(
                min(noisy["muon"]), max(noisy["adamw"])
            ),
            "p, signs of Muon's less AdamW's r in five settings of noise": flipped(
                [first - second for first, second in settings]
            ),
        }

    def beside(self) -> Values:
        """The random start, the losses at which models were compared, and what noise does."""
        noisy = self.at_one_loss()
        return {
            "r of the random start": median_rank(self.document["start"]),
            "loss of AdamW's model of seed 0": self._model("adamw")["loss"]["in"],
            "losses of Muon's shorter schedules": tuple(
                self._model("muon", name)["loss"]["in"] for name in _SHORTER
            ),
            "one loss, of the settings of noise": self._one_loss(),
            "r of AdamW's models at that loss": tuple(noisy["adamw"]),
            "r of Muon's models at that loss": tuple(noisy["muon"]),
        }

    def _model(self, optimizer: str, variant: str = "") -> Mapping[str, Any]:
        """The model of seed 0."""
        kind = "controls" if variant else "ends"
        model: Mapping[str, Any] = self.document[kind][f"{optimizer}-0{variant and '-'}{variant}"]
        return model

    def _best(self, optimizer: str) -> Mapping[str, Any]:
        models = [self._model(optimizer, name) for name in _RATES]
        return min(models, key=lambda model: float(model["loss"]["in"]))

    def _at_the_loss_of_adamw(self) -> float:
        adamw = self._model("adamw")
        muons = [self._model("muon", name) for name in _SHORTER]
        points = [(model["loss"]["in"], median_rank(model)) for model in muons]
        return ratio(rank_at_loss(points, adamw["loss"]["in"]), median_rank(adamw))

    def _one_loss(self) -> float:
        """The least that all ten models reach."""
        models = [self._model(name, noise) for name in ("adamw", "muon") for noise in NOISE]
        return max(float(model["history"][-1]["held_out"]) for model in models)

    def at_one_loss(self) -> dict[str, list[float]]:
        """The ranks by optimizer, in each setting: where training first reached that loss."""
        loss = self._one_loss()
        return {
            name: [_first_reached(self._model(name, noise), loss) for noise in NOISE]
            for name in ("adamw", "muon")
        }


def _first_reached(model: Mapping[str, Any], loss: float) -> float:
    points = [(record["held_out"], record["median_rank"]) for record in model["history"]]
    k = next(k for k, (held_out, _) in enumerate(points) if held_out <= loss)
    return rank_at_loss(points[max(0, k - 1) : k + 1], loss)
