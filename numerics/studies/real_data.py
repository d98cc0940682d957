"""Optima on real data beside trained networks; shipped: theory/examples/measured/real-data.json.

For each data set sgd's penalised optimum at beta = beta_max / 10 sets the scale: each optimizer's
ball is the least that holds its network. Then for each optimizer the convex program, with bounds
over the patterns priced, and the best of some trained networks of the same width in the same ball.
Each result is written as soon as it is there, so an interrupted measurement goes on. `everywhere`
is the bound over all patterns; `seconds` are the processor time of the solver.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

import theory
from numerics.files import provenance, write_json
from numerics.studies.datasets import DATASETS, Dataset, dataset
from theory.errors import InputError, unknown
from theory.gauges import gauge_of
from theory.geometry import LionK, geometry
from theory.network import Network
from theory.problem import format_rational
from theory.programs import Optimum, solve
from theory.within import Ball, Penalty, Within

MEASURED = Path(theory.__file__).parent / "examples" / "measured" / "real-data.json"
OPTIMIZERS = ("sgd", "ngd", "colnorm", "adamw", "muon", "muon-adamw")
ALL_ROWS = "sgd-all-rows"
"""The same as sgd, without rows held out."""

WIDTH = 8
_SHARE = 10  # of beta_max, the least beta at which no neuron of some random patterns pays
_RANDOM = 500  # patterns for beta_max
_PATTERNS = 1500  # to search for
# Semidefinite programs with large X take a minute each: few patterns more, and a gap of 1e-3.
_LARGE = 10_000  # entries of X
_PATTERNS_LARGE, _TOLERANCE_LARGE = 200, 1e-3
_SEEDS, _STEPS = 16, 4000
_STABLE = 0.3  # of sgd's learning rate
_START = 0.5  # of random weights, so that few starts are far outside the ball


def penalty(data: Dataset) -> Fraction:
    """beta_max / 10, to three digits."""
    X = np.array([[float(v) for v in row] for row in data.train.X])
    y = np.array([float(v) for v in data.train.y])
    patterns = np.random.default_rng(0).standard_normal((_RANDOM, X.shape[1])) @ X.T > 0
    largest = float(np.linalg.norm((patterns * y) @ X, axis=1).max())
    return Fraction(f"{largest / _SHARE:.3g}")


def radius(network: Network, optimizer: str) -> Fraction:
    """The least rho of a ball that holds the network, rescaled neuron by neuron; to three digits.

    Rounded up. Neurons of a_j = 0 take no part: rescaled, their w_j vanish.
    """
    ball = geometry(optimizer).ball
    neurons = [(s, u) for s, u in network.convex_coordinates() if any(u)]
    _, size = gauge_of(ball).witness([s for s, _ in neurons], tuple(u for _, u in neurons))
    unit = Fraction(10) ** (len(str(int(size * 10**6))) - 9)
    return -(-size // unit) * unit


def measure(data: Dataset, optimizer: str, reference: Network | None) -> dict[str, Any]:
    """One row of the tables. reference: the network that sets the radius; None for sgd."""
    within: Within
    if reference is None:
        within = Penalty(penalty(data))
    else:
        within = Ball(optimizer, radius(reference, optimizer))
    large = optimizer.startswith("muon") and data.train.n * data.train.d > _LARGE
    start = time.process_time()
    found = solve(
        data.train,
        within,
        width=WIDTH,
        max_patterns=_PATTERNS_LARGE if large else _PATTERNS,
        tolerance=_TOLERANCE_LARGE if large else None,
        progress=_say,
    )
    seconds = time.process_time() - start
    row = _row(found, data) | {"seconds": round(seconds, 1)}
    return row | {"trained": _trained(found, data)}


def _row(found: Optimum, data: Dataset) -> dict[str, Any]:
    within = found.within
    return {
        "n": data.train.n,
        "d": data.train.d,
        "width": WIDTH,
        "rho": None if within.rho is None else format_rational(within.rho),
        "beta": None if within.beta is None else format_rational(within.beta),
        "lower": float(found.lower or 0),
        "everywhere": float(found.everywhere or 0),
        "upper": float(found.upper),
        "relative_gap": found.relative_gap,
        "patterns": found.patterns,
        "all_patterns": found.whole,
        "neurons": found.neurons,
        "test_error": _test_error(data, found.network.W, found.network.a),
        "network": found.network.to_json(),
        "relaxation": {
            "lower": float(found.relaxed.lower or 0),
            "upper": float(found.relaxed.upper),
            "neurons": found.relaxed.neurons,
            "test_error": _test_error(data, found.relaxed.network.W, found.relaxed.network.a),
        },
    }


def _test_error(data: Dataset, W: object, a: object) -> float:
    """Of a network with these weights."""
    W, a = np.array(W, dtype=float), np.array(a, dtype=float)
    return data.test_error(data.train.activation.fit(data.X_test, W, a))


def _trained(found: Optimum, data: Dataset) -> dict[str, Any]:
    """The best of some networks trained by the same optimizer at the same radius."""
    from numerics.training.loop import train
    from numerics.training.optimizers import Schedule

    within, schedule = found.within, None
    if within.beta is not None:
        # Weights stay below one, so the loss is about as curved as X^T X.
        X = np.array([[float(v) for v in row] for row in data.train.X])
        schedule = Schedule(initial=_STABLE / float(np.linalg.norm(X, 2)) ** 2)
    result = train(
        data.train,
        WIDTH,
        within,
        seeds=_SEEDS,
        steps=_STEPS,
        schedule=schedule,
        start_scale=_START,
    )
    objective = result.loss.copy()
    if within.beta is not None:
        squares = (result.W**2).sum(axis=(1, 2)) + (result.a**2).sum(axis=1)
        objective += float(within.beta) * squares / 2
    best = int(np.nanargmin(np.where(result.diverged, np.nan, objective)))
    return {
        "seeds": _SEEDS,
        "steps": _STEPS,
        "objective": float(objective[best]),
        "violation": None if result.violation is None else float(result.violation[best]),
        "below_lower": bool(objective[best] < float(found.lower or 0)),
        "test_error": _test_error(data, result.W[best], result.a[best]),
    }


def _say(stage: str, count: int) -> None:
    print(f"  {stage}: {count}", file=sys.stderr, flush=True)


def load(file: Path | None = None) -> dict[str, dict[str, Any]]:
    """What a file has of it, by data set and optimizer; by default the shipped one."""
    file = file or MEASURED
    if not file.exists():
        return {}
    try:
        measured: dict[str, dict[str, Any]] = json.loads(file.read_text(encoding="utf-8"))[
            "datasets"
        ]
    except (ValueError, TypeError, KeyError):
        raise InputError(str(file), "is no study of real data; name another file") from None
    return measured


def _reference(known: Mapping[str, Any]) -> Network:
    return Network.from_json(known["sgd"]["network"])


def measure_all(
    file: Path, only: str | None, optimizer: str | None, *, command: Sequence[str]
) -> Iterator[tuple[str, str]]:
    """Measure what is asked for, or what the file lacks, and write it there; the rows' names.

    only: a data set. Raises InputError for names that are not known, and where sgd's network, which
    sets the radius, is not measured.
    """
    rows = (ALL_ROWS, *OPTIMIZERS)
    for value, field, known in ((only, "dataset", tuple(DATASETS)), (optimizer, "optimizer", rows)):
        if value is not None and value.lower() not in known:
            raise InputError(field, unknown(value, known))
    measured = load(file)
    for row in rows if optimizer is None else [optimizer.lower()]:
        for name in DATASETS if only is None else [only.lower()]:
            found = measured.setdefault(name, {})
            if row in found and optimizer is None:
                continue
            own = row.removesuffix("-all-rows")
            balled = isinstance(geometry(own), LionK)
            if balled and "sgd" not in found:
                raise InputError("optimizer", f"measure sgd on {name} first: it sets the radius")
            yield name, row
            data = dataset(name, held_out=row != ALL_ROWS)
            found[row] = measure(data, own, _reference(found) if balled else None)
            write_json(file, {"datasets": measured, **provenance(command)})
