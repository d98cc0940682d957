"""The examples separation-01 to separation-10: AdamW and Muon prefer different components.

The search goes through planted integer instances (n = 4, d = 2, m = 2, entries from -3 to 3) in a
fixed order and keeps the first ten in general position with two components of exact fits whose
radii differ by a fifth at least, one way for AdamW and the other for Muon, and of which each
optimizer finds its own in training. Shipped are the problems, and what was measured on all of them
in theory/examples/measured/separation.json.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from decimal import ROUND_FLOOR, Decimal, localcontext
from fractions import Fraction
from itertools import combinations, count, islice
from pathlib import Path
from typing import Any

import numpy as np

import theory
from numerics.files import write
from numerics.training.runs import Runs
from numerics.training.trainer import trainer
from theory.activation import RELU
from theory.claims import Result, SmallWidthSeparation, verify
from theory.claims.small_width_separation import Landscapes
from theory.claims.training import Trained
from theory.landscape import analyse
from theory.landscape.membership import EXCESSES, Membership
from theory.loading import example
from theory.parallel import ALONE, Jobs, results
from theory.problem import Problem, format_rational
from theory.radii import Radii, Radius, least_radii
from theory.text import show
from theory.types import Progress, silent

MEASURED = Path(theory.__file__).parent / "examples" / "measured" / "separation.json"
NAMES = tuple(f"separation-{k:02}" for k in range(1, 11))

_POINTS, _FEATURES, _WIDTH, _LARGEST = 4, 2, 2, 3
_MARGIN = Fraction(6, 5)  # between the radii of the two components
_FOUND = 5  # runs that have to reach zero loss, with each optimizer


def planted(seed: int) -> Problem:
    """Small integer data that some integer network fits exactly."""
    generator = np.random.default_rng(seed)

    def draw(*shape: int) -> Any:
        return generator.integers(-_LARGEST, _LARGEST + 1, shape)

    X, W = draw(_POINTS, _FEATURES), draw(_FEATURES, _WIDTH)
    y = RELU.fit(X, W, generator.choice([-1, 1], _WIDTH))
    return Problem(X=X.tolist(), y=y.tolist(), width=_WIDTH)


def search() -> Iterator[Problem]:
    """Problems as the docstring of this module says, in order; described, but without a name."""
    for problem in map(planted, count()):
        if not _general_position(problem):
            continue
        analysis = analyse(problem, _WIDTH)
        if len(analysis.components) != 2:
            continue
        if not _clear(least_radii(analysis, ["adamw"]), "adamw"):
            continue
        found = least_radii(analysis, ["adamw", "muon"])
        if not _clear(found, "muon") or found.preferred("adamw") == found.preferred("muon"):
            continue
        described = replace(problem, description=_describe(found))
        runs = verify(SmallWidthSeparation(described), trainer).observation.evidence.runs
        if all(trained.zero_loss >= _FOUND for trained in runs.values()):
            yield described


def _general_position(problem: Problem) -> bool:
    """No two rows of X on a line through 0 (d = 2)."""
    return all(a[0] * b[1] != a[1] * b[0] for a, b in combinations(problem.X, 2))


def _clear(found: Radii, optimizer: str) -> bool:
    """Whether the larger of two radii is clearly larger."""
    near, far = sorted((c[optimizer] for c in found.components), key=lambda radius: radius.upper)
    return near.upper * _MARGIN <= far.lower


def _describe(found: Radii) -> str:
    """Who prefers which component, by how much, and how far apart they are."""
    words = []
    for name, optimizer in (("AdamW", "adamw"), ("Muon", "muon")):
        first = found.preferred(optimizer)
        assert first is not None
        near, far = (_short(found.components[i][optimizer]) for i in (first, 1 - first))
        words.append(f"{name} reaches component {first} first (rho {near}, the other {far})")
    return f"{', '.join(words)}; barrier {show(found.analysis.barriers[0][1])}."


def _short(radius: Radius) -> str:
    exact = radius.lower == radius.upper
    return format_rational(radius.upper) if exact else f"about {float(radius.upper):.4g}"


def examples() -> dict[str, Problem]:
    """The flagship and the shipped problems by name."""
    return {name: example(name) for name in ("flagship", *NAMES)}


def found_again() -> dict[str, Problem]:
    """The same, looked for; in a few minutes."""
    return dict(zip(NAMES, islice(search(), len(NAMES)), strict=True))


def write_example(file: Path, problem: Problem) -> None:
    """Write it as people would: a line for each field."""
    document = {
        "X": [[int(v) for v in row] for row in problem.X],
        "y": [int(v) for v in problem.y],
        "width": problem.width,
        "description": problem.description,
    }
    lines = (f"  {json.dumps(key)}: {json.dumps(value)}" for key, value in document.items())
    write(file, "{\n" + ",\n".join(lines) + "\n}\n")


def measure(problem: Problem, progress: Progress = silent) -> Result[Landscapes, Trained[Runs]]:
    """The claim about one of the problems."""
    return verify(SmallWidthSeparation(problem), trainer, progress)


def measured_facts(
    problems: Iterable[Problem], jobs: Jobs = ALONE, progress: Progress = silent
) -> Iterator[dict[str, Any]]:
    """The facts of each problem, as they are there. jobs: problems at a time."""
    with results(_facts, problems, jobs, progress=progress) as found:
        yield from found


def _facts(problem: Problem, progress: Progress) -> dict[str, Any]:
    return facts(measure(problem, progress))


def facts(result: Result[Landscapes, Trained[Runs]]) -> dict[str, Any]:
    """The exact barrier, the radii (exact, or their bounds), where the trained runs landed, and up
    to where that is a theorem."""
    evidence, trained = result.prediction.evidence, result.observation.evidence.runs
    found = evidence.radii
    barrier = found.analysis.barriers[0][1]
    assert barrier is not None
    return {
        "holds": result.holds,
        "barrier": format_rational(barrier),
        "radii": {
            optimizer: [
                {
                    "lower": format_rational(component[optimizer].lower),
                    "upper": format_rational(component[optimizer].upper),
                }
                for component in found.components
            ]
            for optimizer in found.optimizers
        },
        "preferred": {optimizer: found.preferred(optimizer) for optimizer in found.optimizers},
        "training": {
            optimizer: {
                key: value
                for key, value in runs.to_json().items()
                if key in {"rho", "runs", "steps", "seed", "landed", "not_converged", "diverged"}
            }
            for optimizer, runs in trained.items()
        },
        "membership": {
            optimizer: theorem(membership, trained[optimizer])
            for optimizer, membership in evidence.memberships.items()
        },
    }


def theorem(membership: Membership, runs: Runs) -> dict[str, Any]:
    """The loss below which all networks are in one component, by how much of rho they may be
    outside the ball (as text, rounded down; None where components do not correspond); the most that
    may be; and the runs that are, with their worst loss and excess."""
    around = {excess: membership.around(excess) for excess in EXCESSES}
    members = runs.placed(membership).members or {}
    return {
        "rho": format_rational(membership.within.rho),
        "below": {
            format_rational(excess): each and _level(each.below) for excess, each in around.items()
        },
        "largest_excess": [end and float(end) for end in membership.largest_excess()],
        "landed": len(runs.landed_networks),
        "proved": len(members),
        "worst_loss": float(max((each.loss for each in members.values()), default=0)),
        "worst_excess": float(max((each.excess for each in members.values()), default=0)),
    }


def _level(below: Fraction | None) -> str:
    """Four digits, rounded down."""
    if below is None:
        return "any"
    with localcontext(prec=4, rounding=ROUND_FLOOR):
        return str(Decimal(below.numerator) / Decimal(below.denominator))


def rows(measured: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """The table of a note: of each data set and optimizer, a line of Markdown."""
    levels = " | ".join(f"eps, {excess}" for excess in EXCESSES)
    yield f"| data set | optimizer | rho | {levels} | largest delta | proved | loss | delta |"
    yield "|" + "---|" * (len(EXCESSES) + 7)
    for name, each in measured.items():
        for optimizer, found in each["membership"].items():
            levels = " | ".join(level or "none" for level in found["below"].values())
            most = math.floor(10**4 * found["largest_excess"][0]) / 10**4
            yield (
                f"| {name} | {optimizer} | {found['rho']} | {levels} | {most} "
                f"| {found['proved']} of {found['landed']} "
                f"| {found['worst_loss']:.1e} | {found['worst_excess']:.1g} |"
            )
