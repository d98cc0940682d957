"""Studies of GPT-2 models: configurations of small ones, and a planted one, in which the three
claims hold and no control explains them."""

from __future__ import annotations

import statistics
from typing import Any

import numpy as np

TINY = """
seeds = 2
windows = 2
points = 3
[text]
training = ["python-docs"]
other = ["stdlib"]
[model]
layers = 1
width = 8
heads = 2
block = 8
[ends]
steps = 2
batch = 2
[alignment]
steps = 1
batch = 2
weight_decay = 0.0
[bends]
steps = 1
batch = 2
"""

SMALL = """
seeds = 2
windows = 4
points = 3
[text]
training = ["python-docs"]
other = ["stdlib"]
[model]
layers = 1
width = 16
heads = 2
block = 16
[ends]
steps = 6
batch = 8
[alignment]
steps = 2
batch = 8
learning_rate = 3e-3
weight_decay = 0.0
[bends]
steps = 4
batch = 8
learning_rate = 2e-3
muon_learning_rate = 0.01
[paths]
kinds = ["polychain", "bezier"]
[controls.longer]
optimizers = ["adamw"]
steps = 12
[controls.low]
optimizers = ["adamw"]
learning_rate = 2e-3
"""
"""Every part that there is."""

KINDS = ("query", "key", "value", "output", "mlp-in", "mlp-out")
MATRICES = [f"{layer}.{kind}" for layer in range(2) for kind in KINDS]
PAIRS = ("adamw-0--adamw-1", "adamw-0--adamw-2", "muon-0--muon-1", "muon-0--muon-2")
CROSS_PAIRS = ("adamw-0--muon-0", "adamw-1--muon-1")

START, LOSS, RANK = 17.7, {"adamw": 1.53, "muon": 1.37}, {"adamw": 7.8, "muon": 36.0}

# Barriers: in the middle of each kind of curve, by cell.
HEIGHTS = {
    "linear, not aligned": {"adamw-adamw": 2.07, "muon-muon": 2.69, "adamw-muon": 1.62},
    "linear": {"adamw-adamw": 0.32, "muon-muon": 0.74, "adamw-muon": 0.59},
    "polychain": {"adamw-adamw": 0.03, "muon-muon": 0.09, "adamw-muon": 0.08},
    "polychain, not aligned": {"adamw-adamw": 0.38, "muon-muon": 0.47, "adamw-muon": 0.52},
    "bezier": {"adamw-adamw": 0.04, "muon-muon": 0.1, "adamw-muon": 0.09},
}
# Losses less that of the better end, of ensembles and what they are compared with.
ENSEMBLES = {
    "best end": 0.0,
    "best point": -0.02,
    "ends averaged": -0.04,
    "three averaged": -0.055,
    "three models averaged": -0.05,
}
# How far the stable rank bulges in the middle: a part of it.
BULGES = {
    "linear, not aligned": 0.9,
    "linear": 0.7,
    "polychain": 0.1,
    "polychain, not aligned": 0.6,
    "bezier": 0.1,
}
RADIUS = 10.0


def statistic(values: list[float]) -> dict[str, Any]:
    """Mean, standard deviation and values, as a study has them."""
    return {
        "mean": statistics.fmean(values),
        "std": statistics.stdev(values) if len(values) > 1 else None,
        "n": len(values),
        "values": values,
    }


def study(pairs: int = 2) -> dict[str, Any]:
    """A study of so many pairs a cell, 1 or 2."""
    names = [name for group in (PAIRS[:2], PAIRS[2:], CROSS_PAIRS) for name in group[:pairs]]
    ends = sorted({end for name in names for end in name.split("--")})
    generator = np.random.default_rng(0)
    found = {name: _pair(name, generator, plane=not k % pairs) for k, name in enumerate(names)}
    spread = dict(zip(MATRICES, np.linspace(0.7, 1.3, len(MATRICES)), strict=True))
    return {
        "name": "planted",
        "config": {"shape": {"layers": 2, "width": 64}, "end": {"steps": 1500}, "pairs": pairs},
        "corpus": {
            "in": {"sources": ["stdlib"], "training": 4463628, "held_out": 234927},
            "out": {"sources": ["licences"], "training": 0, "held_out": 81920},
        },
        "start": {
            "stable_rank": {name: START * part for name, part in spread.items()},
            "effective_rank": dict.fromkeys(MATRICES, 50.0),
            "singular_values": {"0.mlp-in": np.linspace(1.6, 0.6, 64).tolist()},
        },
        "ends": {name: _end(name, spread) for name in ends},
        "longer": {"adamw-0": _end("adamw-0", spread, longer=True)},
        "sweep": [
            {"optimizer": name, "learning_rate": rate, "seed": 0, "loss": loss, "stable_rank": rank}
            for name, rate, loss, rank in (
                ("adamw", 0.001, 2.2, 9.9),
                ("adamw", 0.002, 2.0, 7.0),
                ("adamw", 0.005, 1.88, 4.9),
                ("adamw", 0.01, 2.09, 3.8),
                ("muon", 0.005, 1.86, 34.7),
                ("muon", 0.015, 1.57, 36.1),
                ("muon", 0.04, 1.53, 36.3),
            )
        ],
        "pairs": found,
        "continued": {
            name: {"in": LOSS[name[:-2]] - 0.02, "out": LOSS[name[:-2]] + 0.48} for name in ends
        },
        "cells": _cells(found),
        "ensembles": _ensembles(found),
        "seconds": 1234.5,
        "command": ["isthmus", "gpt2", "table", "planted"],
        "versions": {"python": "3.11.9", "torch": "2.9.0"},
    }


def _end(name: str, spread: dict[str, float], *, longer: bool = False) -> dict[str, Any]:
    optimizer, seed = name.split("-")
    steps = 6000 if longer else 1500
    rank = RANK[optimizer] * (0.9 if longer else 1)
    loss = LOSS[optimizer] + 0.01 * int(seed) - (0.12 if longer else 0)
    history = []
    for step in range(0, steps + 1, steps // 15):
        part = step / steps
        remainder = float(np.exp(-0.3 * part))
        history.append(
            {
                "step": step,
                "loss": loss + 4 * np.exp(-12 * part),
                "held_out": loss + 4 * np.exp(-12 * part) + 0.02,
                "spectral": {m: 1 + 1.2 * part * spread[m] for m in MATRICES},
                "entrywise": {m: 0.1 + 0.7 * part * spread[m] for m in MATRICES},
                "reach": dict.fromkeys(MATRICES, RADIUS * (1 - remainder) + remainder),
                "remainder": remainder,
            }
        )
    return {
        "optimizer": optimizer,
        "seed": int(seed),
        "learning_rate": {"adamw": 0.004, "muon": 0.03}[optimizer],
        "steps": steps,
        "loss": {"in": loss, "out": loss + 0.5},
        "stable_rank": {m: rank * part for m, part in spread.items()},
        "effective_rank": dict.fromkeys(MATRICES, 40.0),
        "history": history,
        "radius": dict.fromkeys(MATRICES, RADIUS),
        "weight_decay": 0.1,
        "seconds": 81.0,
    }


def _pair(name: str, generator: np.random.Generator, *, plane: bool) -> dict[str, Any]:
    first, last = name.split("--")
    cell = f"{first[:-2]}-{last[:-2]}"
    line = HEIGHTS["linear"][cell]
    return {
        "cell": cell,
        "first": first,
        "last": last,
        "alignment": {
            "none": HEIGHTS["linear, not aligned"][cell],
            "folded": 0.95 * HEIGHTS["linear, not aligned"][cell],
            "permutation": 2 * line,
            "orthogonal": 1.5 * line,
            "learned": line,
        },
        "curves": {
            kind: _curve(kind, first, last, heights[cell] * generator.uniform(0.9, 1.1))
            for kind, heights in HEIGHTS.items()
        },
        "ensembles": {
            "t": 0.5,
            "loss": {
                text: {
                    name: min(LOSS[end[:-2]] for end in (first, last)) + above + gain
                    for name, gain in ENSEMBLES.items()
                }
                for text, above in (("in", 0.0), ("out", 0.5))
            },
        },
        **({"plane": _plane(first, last)} if plane else {}),
    }


def _curve(kind: str, first: str, last: str, height: float) -> dict[str, Any]:
    t, few = np.linspace(0, 1, 21), np.linspace(0, 1, 11)
    ends = [name[:-2] for name in (first, last)]
    losses, barriers, maxima = {}, {}, {}
    for text, above in (("in", 0.0), ("out", 0.5)):
        start, end = (LOSS[name] + above for name in ends)
        chord = (1 - t) * start + t * end
        loss = chord + height * (1 + above) * 4 * t * (1 - t)
        losses[text], barriers[text] = loss.tolist(), float((loss - chord).max())
        maxima[text] = float(loss.max())
    low, high = (RANK[name] for name in ends)
    bulge = 1 + BULGES[kind] * 4 * few * (1 - few)
    if low != high:  # otherwise the line between the optimizers would not be steady
        bulge = 1 + (0.7 * np.sin(4 * np.pi * few) if kind != "polychain" else 0 * few)
    ranks = (low ** (1 - few) * high**few) * bulge
    spread = np.linspace(0.7, 1.3, len(MATRICES))
    shown = ranks[[0, 2, 3, 5, 7, 8, 10]]
    values = [(6 * np.exp(-np.linspace(0, 40 / rank, 64))).tolist() for rank in shown]
    return {
        "t": t.tolist(),
        "loss": losses,
        "barrier": barriers,
        "maximum": maxima,
        "spectra": {
            "t": few.tolist(),
            "stable_rank": {m: (ranks * k).tolist() for m, k in zip(MATRICES, spread, strict=True)},
            "effective_rank": {m: (2 * ranks).tolist() for m in MATRICES},
            "spectral_norm": {m: (2.2 - 0.02 * ranks).tolist() for m in MATRICES},
            "entrywise_norm": {m: (0.9 - 0.01 * ranks).tolist() for m in MATRICES},
            "singular_values": {
                "0.mlp-in": {"t": [0, 0.2, 0.3, 0.5, 0.7, 0.8, 1], "values": values}
            },
        },
    }


def _plane(first: str, last: str) -> dict[str, Any]:
    x, y = np.linspace(-0.3, 1.3, 21), np.linspace(-0.5, 0.8, 17)
    models = np.array([[0, 0], [1, 0], [0.47, 0.42]])
    points = np.stack(np.meshgrid(x, y), axis=-1)
    away = np.linalg.norm(points[..., None, :] - models, axis=-1)
    loss = 1.4 + 2 * away.min(axis=-1) + 0.5 * away.max(axis=-1) - 0.4
    return {"x": x.tolist(), "y": y.tolist(), "loss": loss.tolist(), "models": models.tolist()}


def _ensembles(pairs: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for pair in pairs.values():
        found.setdefault(pair["cell"], []).append(pair["ensembles"]["loss"])
    return {
        cell: {
            text: {
                name: statistic([float(np.exp(losses[text][name])) for losses in of])
                for name in ENSEMBLES
            }
            for text in ("in", "out")
        }
        for cell, of in found.items()
    }


def _cells(pairs: dict[str, Any]) -> dict[str, Any]:
    cells: dict[str, Any] = {}
    for cell in dict.fromkeys(pair["cell"] for pair in pairs.values()):
        inside = [pair["curves"] for pair in pairs.values() if pair["cell"] == cell]
        cells[cell] = {kind: _statistics([curves[kind] for curves in inside]) for kind in HEIGHTS}
    return cells


def _statistics(curves: list[dict[str, Any]]) -> dict[str, Any]:
    ranks = [np.median(list(c["spectra"]["stable_rank"].values()), axis=0) for c in curves]
    rises = [r[-1] - r[0] for r in ranks]
    steps = [np.abs(np.diff(r)) for r in ranks]
    return {
        measure: {text: statistic([c[measure][text] for c in curves]) for text in ("in", "out")}
        for measure in ("barrier", "maximum")
    } | {
        "middle above ends trained on": {
            "in": statistic([curve["barrier"]["in"] + 0.02 for curve in curves])
        },
        "change": statistic([float(r.max() / r.min()) - 1 for r in ranks]),
        "monotonicity": statistic(
            [float(rise / step.sum()) for rise, step in zip(rises, steps, strict=True)]
        ),
        "largest_jump": statistic(
            [float(s.max() / (abs(r) or 1e-9)) for r, s in zip(rises, steps, strict=True)]
        ),
    }
