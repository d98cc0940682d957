"""What the pairs of a cell have in common: statistics of their curves."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from numerics.gpt2.names import RANDOM, TEXTS
from numerics.gpt2.spectra import SUMMARIES, medians


def cells(
    pairs: Mapping[str, Mapping[str, Any]], continued: Mapping[str, Mapping[str, float]]
) -> dict[str, dict[str, dict[str, Any]]]:
    """By cell and curve: barriers, maxima, and how the median stable rank goes along the curve.

    "middle above ends trained on" is the loss at t = 1/2 less the mean loss of the two ends after
    as many steps more as the bends got, None where they were not trained on: a path through ends
    trained as long has at least that barrier. Where pairs of a cell share ends, their spread is not
    that of independent pairs. RANDOM, beside the curves, has only the ranks.
    """
    members: dict[str, list[Mapping[str, Any]]] = {}
    for pair in pairs.values():
        members.setdefault(pair["cell"], []).append(pair)
    return {
        cell: {
            **{curve: _common(found, curve, continued) for curve in found[0]["curves"]},
            RANDOM: _ranks([pair["shuffled"] for pair in found]),
        }
        for cell, found in members.items()
    }


def ensemble_cells(
    pairs: Mapping[str, Mapping[str, Any]],
) -> dict[str, dict[str, dict[str, dict[str, Any]]]]:
    """By cell, text and ensemble: the perplexity of a token, exp of the mean loss."""
    members: dict[str, list[Mapping[str, Any]]] = {}
    for pair in pairs.values():
        members.setdefault(pair["cell"], []).append(pair["ensembles"]["loss"])
    return {
        cell: {
            text: {
                name: _statistic([math.exp(losses[text][name]) for losses in found])
                for name in found[0][text]
            }
            for text in found[0]
        }
        for cell, found in members.items()
    }


def _common(
    pairs: Sequence[Mapping[str, Any]], name: str, continued: Mapping[str, Mapping[str, float]]
) -> dict[str, Any]:
    curves = [pair["curves"][name] for pair in pairs]

    def above(pair: Mapping[str, Any], text: str) -> float | None:
        if not {pair["first"], pair["last"]} <= continued.keys():
            return None
        curve = pair["curves"][name]
        middle = np.interp(0.5, curve["t"], curve["loss"][text])
        ends = [continued[pair[end]][text] for end in ("first", "last")]
        return float(middle) - statistics.fmean(ends)

    return {
        **{
            key: {text: _statistic([curve[key][text] for curve in curves]) for text in TEXTS}
            for key in ("barrier", "maximum")
        },
        "middle above ends trained on": {
            text: _statistic([above(pair, text) for pair in pairs]) for text in TEXTS
        },
        **_ranks([curve["spectra"] for curve in curves]),
    }


def _ranks(spectra: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """How the median stable rank goes along curves."""
    ranks = [medians(each["stable_rank"]) for each in spectra]
    return {key: _statistic([of(r) for r in ranks]) for key, of in SUMMARIES.items()}


def _statistic(values: Sequence[float | None]) -> dict[str, Any]:
    """The values of the pairs; std is with n - 1, and None of one value."""
    known = [v for v in values if v is not None]
    return {
        "mean": statistics.fmean(known) if known else None,
        "std": statistics.stdev(known) if len(known) > 1 else None,
        "n": len(known),
        "values": list(values),
    }
