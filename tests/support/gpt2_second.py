"""A planted second study of GPT-2 models: by the protocol, complete, and all hypotheses hold."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gpt2_studies import KINDS, statistic

from theory.claims.gpt2_protocol import digest, protocol

LAYERS, SEEDS, PAIRS = 4, 8, 4
MATRICES = [f"{layer}.{kind}" for layer in range(LAYERS) for kind in KINDS]
LOSS = {"adamw": 1.60, "muon": 1.40, "kaon": 1.45}
RANK = {"adamw": 10.0, "muon": 25.0, "kaon": 15.0}
_MUON_ON = {"muon_vof": ("value", "output", "mlp-in", "mlp-out"), "muon_qk": ("query", "key")}
CHANGES = {  # of the median stable rank along a curve
    "polychain": {"adamw-adamw": 0.2, "muon-muon": 0.1, "kaon-kaon": 0.3},
    "linear": {"adamw-adamw": 0.3, "muon-muon": 0.2, "kaon-kaon": 0.3},
    "random directions": {"adamw-adamw": 0.5, "muon-muon": 0.25, "kaon-kaon": 0.4},
}
ENSEMBLES = {  # how far below the better end
    "best end": 0.0,
    "best point": 0.02,
    "ends averaged": 0.04,
    "three averaged": 0.05,
    "three models averaged": 0.06,
}
HEIGHTS = {"linear": 0.6, "polychain": 0.06, "polychain, by adamw": 0.07}


def second() -> dict[str, Any]:
    """The study; models differ by a little, with their seeds."""
    names = [f"{name}-{seed}" for name in RANK for seed in range(SEEDS)]
    controls = {
        **_rates(),
        "muon-0-quarter": _model("muon", 0, loss=1.70, rank=22.0),
        "muon-0-half": _model("muon", 0, loss=1.50, rank=24.0),
        **{
            f"{name}-{seed}-parts": _on_parts(name, seed, loss)
            for name, loss in (("muon_vof", 1.43), ("muon_qk", 1.55))
            for seed in (0, 1)
        },
    }
    for name in ("adamw", "muon"):
        for k, noise in enumerate(("all", "rate", "decay", "batch")):
            controls[f"{name}-0-noise-{noise}"] = _model(name, k, loss=LOSS[name] + 0.03 * k)
    return {
        "name": "planted",
        "configuration": digest(protocol()),
        "parts": {"done": 155, "of": 155},
        "config": {"verdicts": True, "protocol": digest(protocol())},
        "start": {"stable_rank": dict.fromkeys(MATRICES, 30.0)},
        "ends": {name: _model(name[:-2], int(name[-1])) for name in names},
        "controls": controls,
        "pairs": {
            f"{cell.partition('-')[0]}-{k}--{cell.rpartition('-')[2]}-{k + 1}": _pair(cell)
            for cell in ("adamw-adamw", "adamw-muon", "muon-muon", "kaon-kaon")
            for k in range(0, SEEDS, 2)
        },
        "cells": {
            **{cell: _cell(cell) for cell in CHANGES["polychain"]},
            "adamw-muon": {
                curve: _barriers(curve) | _steady(0.95, 0.15)
                for curve in ("polychain", "polychain, by adamw", "linear")
            }
            | {"random directions": _steady(1.0, 0.1)},
        },
    }


def _pair(cell: str) -> dict[str, Any]:
    """Its polychain rises steadily from AdamW to Muon, and is below the chord on other text."""
    t = [0.0, 0.25, 0.5, 0.75, 1.0]
    above = {"in": [0, 0.06, 0.02, -0.01, 0], "out": [0, 0.02, -0.03, -0.04, 0]}
    optimizers = cell.split("-")

    def curve(scale: float, ranks: list[float]) -> dict[str, Any]:
        losses = {}
        for text, more in (("in", 0.0), ("out", 0.5)):
            first, last = (LOSS[name] + more for name in optimizers)
            chord = [(1 - each) * first + each * last for each in t]
            losses[text] = [c + scale * h for c, h in zip(chord, above[text], strict=True)]
        return {
            "t": t,
            "loss": losses,
            "spectra": {"stable_rank": dict.fromkeys(MATRICES, ranks)},
        }

    best = min(LOSS[name] for name in optimizers)
    return {
        "cell": cell,
        "curves": {
            "polychain": curve(1.0, [10 + 1.5 * k for k in range(11)]),
            "polychain, by adamw": curve(1.1, [10 + 1.4 * k for k in range(11)]),
            "linear": curve(2.0, [10 + 1.5 * k for k in range(11)]),
        },
        "ensembles": {
            "t": 0.75,
            "loss": {
                text: {name: best + more - gain for name, gain in ENSEMBLES.items()}
                for text, more in (("in", 0.0), ("out", 0.5))
            },
        },
    }


def _model(
    optimizer: str, seed: int, *, loss: float | None = None, rank: float | None = None
) -> dict[str, Any]:
    loss = LOSS[optimizer] if loss is None else loss
    rank = (RANK[optimizer] if rank is None else rank) + 0.1 * seed
    history = [
        {"step": step, "held_out": loss + 2 * (1 - step / 100), "median_rank": rank}
        for step in range(0, 101, 5)
    ]
    ranks = dict.fromkeys(MATRICES, rank)
    return {
        "optimizer": optimizer,
        "loss": {"in": loss, "out": loss + 0.5},
        "stable_rank": ranks,
        "history": history,
    }


def _rates() -> dict[str, Any]:
    return {
        f"{name}-0-{rate}": _model(name, 0, loss=LOSS[name] + more)
        for name in RANK
        for rate, more in (("low", 0.1), ("high", 0.2))
    }


def _on_parts(name: str, seed: int, loss: float) -> dict[str, Any]:
    """Each matrix has the rank of the rule that trained it."""
    by_muon, by_adamw = (_model(rule, seed)["stable_rank"] for rule in ("muon", "adamw"))
    kinds = _MUON_ON[name]
    ranks = {m: (by_muon if m.partition(".")[2] in kinds else by_adamw)[m] for m in MATRICES}
    return _model("muon", seed, loss=loss) | {"optimizer": name, "stable_rank": ranks}


def _spread(value: float) -> dict[str, Any]:
    return statistic([value * (1 + 0.01 * k) for k in range(PAIRS)])


def _barriers(curve: str) -> dict[str, Any]:
    return {"barrier": {text: _spread(HEIGHTS[curve]) for text in ("in", "out")}}


def _cell(cell: str) -> dict[str, Any]:
    above = {"in": {"mean": 0.01, "std": None, "n": 1, "values": [0.01, None, None, None]}}
    return {
        **{
            curve: _barriers(curve) | {"change": _spread(CHANGES[curve][cell])}
            for curve in ("linear", "polychain")
        },
        "random directions": {"change": _spread(CHANGES["random directions"][cell])},
    } | {
        "polychain": _barriers("polychain")
        | {"change": _spread(CHANGES["polychain"][cell]), "middle above ends trained on": above}
    }


def _steady(share: float, jump: float) -> dict[str, Any]:
    return {
        "monotonicity": statistic([share] * PAIRS),
        "largest_jump": statistic([jump] * PAIRS),
    }


# Faults that each hypothesis notices


def _set(*path: str | int) -> Callable[[Any, Any], None]:
    def change(document: Any, value: Any) -> None:
        at = document
        for key in path[:-1]:
            at = at[key]
        at[path[-1]] = value

    return change


def _values(cell: str, curve: str, *names: str) -> Callable[[Any, Any], None]:
    return _set("cells", cell, curve, *names, "values")


def _pairs(cell: str, *names: str) -> Callable[[Any, Any], None]:
    """Of the last pair of a cell."""

    def change(document: Any, value: Any) -> None:
        *_, pair = (pair for pair in document["pairs"].values() if pair["cell"] == cell)
        _set(*names)(pair, value)

    return change


def _losses(text: str, k: int) -> Callable[[Any, Any], None]:
    """Of the polychains from AdamW to Muon, above the chord at one point."""

    def change(document: Any, value: float) -> None:
        for pair in document["pairs"].values():
            if pair["cell"] == "adamw-muon":
                losses = pair["curves"]["polychain"]["loss"][text]
                losses[k] = losses[0] + k * (losses[-1] - losses[0]) / 4 + value

    return change


def _ranks(prefix: str, kinds: str = "") -> Callable[[Any, Any], None]:
    def change(document: Any, value: float) -> None:
        for group in ("ends", "controls"):
            for name, end in document[group].items():
                if name.startswith(prefix):
                    for matrix in end["stable_rank"]:
                        if matrix.endswith(kinds):
                            end["stable_rank"][matrix] = value
                    for record in end["history"]:
                        record["median_rank"] = value

    return change


def _shallow(document: Any, value: float) -> None:
    for k in (2, 3):
        _losses("out", k)(document, value)


_ENSEMBLE = ("ensembles", "loss", "in")

_FAULTS: dict[str, dict[str, tuple[Callable[[Any, Any], None], Any]]] = {
    "gpt2-second-barriers": {
        "a pair above the line": (
            _values("muon-muon", "polychain", "barrier", "out"),
            [0.01, 0.01, 0.01, 0.7],
        ),
        "above a quarter": (_values("adamw-adamw", "polychain", "barrier", "in"), [0.16] * 4),
    },
    "gpt2-second-spectrum": {
        "Muon as AdamW": (_ranks("muon-"), 14.0),
        "a best rate as AdamW": (_ranks("adamw-0"), 17.0),
        "a schedule as AdamW": (_ranks("muon-0-half"), 2.0),
        "a setting of noise as AdamW": (_ranks("muon-0-noise-decay"), 9.9),
    },
    "gpt2-second-polar": {
        "Kaon's models as Muon's": (_ranks("kaon-"), 24.0),
        "Kaon's paths as Muon's": (_values("kaon-kaon", "polychain", "change"), [0.1] * 4),
    },
    "gpt2-second-paths": {
        "a change": (_values("muon-muon", "polychain", "change"), [0.1, 0.1, 0.1, 0.41]),
        "lines as little": (_values("adamw-adamw", "linear", "change"), [0.01] * 4),
        "random directions as little": (
            _values("adamw-adamw", "random directions", "change"),
            [0.01] * 4,
        ),
    },
    "gpt2-second-cross": {
        "a way back": (_values("adamw-muon", "polychain", "monotonicity"), [1, 1, 1, 0.89]),
        "a jump of AdamW's": (
            _values("adamw-muon", "polychain, by adamw", "largest_jump"),
            [0.1, 0.1, 0.1, 0.25],
        ),
    },
    "gpt2-second-parts": {
        "values and MLP gain less": (_set("controls", "muon_vof-1-parts", "loss", "in"), 1.5),
        "queries gain more": (_set("controls", "muon_qk-0-parts", "loss", "in"), 1.45),
        "another rule's spectrum": (_ranks("muon_qk-0", "query"), 10.0),
    },
    "gpt2-second-beyond": {
        "nowhere below by so much": (_shallow, -0.019),
        "as far below on text of training": (_losses("in", 3), -0.05),
        "a barrier on other text": (_losses("out", 1), 0.07),
    },
    "gpt2-second-ensembles": {
        "a point above its end": (_pairs("muon-muon", *_ENSEMBLE, "best point"), 1.41),
        "an average above the point": (_pairs("adamw-muon", *_ENSEMBLE, "ends averaged"), 1.39),
        "a point that does not help": (_pairs("adamw-adamw", *_ENSEMBLE, "three averaged"), 1.57),
    },
}


def _planted(change: Callable[[Any, Any], None], value: Any) -> Callable[[Any], None]:
    return lambda document: change(document, value)


FAULTS: dict[str, dict[str, Callable[[Any], None]]] = {
    name: {fault: _planted(change, value) for fault, (change, value) in faults.items()}
    for name, faults in _FAULTS.items()
}
"""By claim: what spoils the planted study, in place."""
