"""Second study: the best point of a path betters its models, alone and averaged with them.

Setting: 4 disjoint pairs of AdamW's models, 4 of Muon's and 4 of both, aligned, and the polychain
with one learned bend. Averaged are probabilities of tokens. Which end and which point between are
best is chosen on half of the windows in distribution, and losses are of the other half.

Claim: in every pair the best point has a lower loss than the better end, both ends averaged have a
lower one than that, and both ends and the point averaged the lowest.

Tight: no; measured on models of one small size, no theorem. (That an average is at most the mean of
its models' losses is one, by convexity; that it is below the best of them is not.)

Predicted: the bounds of the protocol, after the paper's table of ensembles, whose perplexities are
54.6 53.3 52.5 51.8 for AdamW, 53.6 52.3 51.4 50.6 for Muon and 53.6 52.2 51.8 51.1 for both.

Observed: the losses of the second study, when all its parts are done. Beside them: perplexities by
kind of pair; and, where there is a third model beside a pair, how the average with that compares
with the average with the point, which is no third model but costs no training of one.

Source: Zhang, Kim, Zhang, Jiang, Pilanci, arXiv 2605.09991, table of ensembles.

Note: proofs_notes/gpt2-protocol.md
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean

from theory.claims.base import Value, Values
from theory.claims.gpt2_protocol import ProtocolClaim, flipped
from theory.claims.gpt2_study import CROSS, SAME, TEXTS, Study

_CELLS = (*SAME, CROSS)
_ORDER = ("best end", "best point", "ends averaged", "three averaged")
"""By falling loss, as predicted."""

_THIRD = "three models averaged"


@dataclass(frozen=True)
class Gpt2SecondEnsembles(ProtocolClaim):
    """The claim, on the shipped study or another."""

    study: Study | None = None

    id = "gpt2-second-ensembles"

    def observed(self) -> Values:
        """Pair by pair, of all three kinds."""
        pairs = [losses for cell in _CELLS for losses in self._losses(cell)]
        values: dict[str, Value] = {
            f"pairs of {len(pairs)} where {lower} is not below {higher}": sum(
                not losses[lower] < losses[higher] for losses in pairs
            )
            for higher, lower in pairwise(_ORDER)
        }
        # Of one optimizer: a pair of both shares its models with two of these.
        gains = [
            losses["ends averaged"] - losses["three averaged"]
            for cell in SAME
            for losses in self._losses(cell)
        ]
        name = "p, signs of ends averaged less three averaged, pairs of one optimizer"
        return values | {name: flipped(gains)}

    def beside(self) -> Values:
        """Perplexities, out of distribution too, and a third model in place of the point."""
        values: dict[str, Value] = {}
        for text, words in TEXTS.items():
            for cell in _CELLS:
                pairs = self._losses(cell, text)
                for name in _ORDER:
                    mean = fmean(math.exp(losses[name]) for losses in pairs)
                    values[f"mean perplexity, {name}, {cell}, {words}"] = mean
        third = [
            losses[_THIRD] - losses["three averaged"]
            for cell in _CELLS
            for losses in self._losses(cell)
            if _THIRD in losses
        ]
        if third:
            values["mean loss with a third model less that with the point"] = fmean(third)
            values["p, signs of that"] = flipped(third)
        return values

    def _losses(self, cell: str, text: str = "in") -> list[dict[str, float]]:
        return [
            pair["ensembles"]["loss"][text]
            for pair in self.document["pairs"].values()
            if pair["cell"] == cell
        ]
