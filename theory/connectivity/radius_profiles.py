"""A search for data sets with a connectivity profile of some kind: small random integers, seeded.

For adamw, lion and signsgd the radii are exact and so is what is found. For the other balls they
are estimates: `width_profile` at a radius inside decides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from theory.connectivity.estimates import intervals
from theory.errors import Interrupted
from theory.exact import simplest_between
from theory.problem import Problem
from theory.types import Progress, silent

_ENTRIES = 2  # of X, and one more of y, at most: larger ones seldom add a new arrangement


@dataclass(frozen=True)
class RadiusProfile:
    """The components of exact fits at widths 1, 2, ... for all lower <= rho < upper.

    upper: None where the profile is that of all larger balls. unconstrained: labelled, without a
    ball.
    """

    problem: Problem
    optimizer: str
    lower: Fraction
    upper: Fraction | None
    components: tuple[int, ...]
    components_labelled: tuple[int, ...]
    unconstrained: tuple[int, ...]

    @property
    def rho(self) -> Fraction:
        """A simple radius well inside."""
        upper = 2 * self.lower + 1 if self.upper is None else self.upper
        return simplest_between((3 * self.lower + 2 * upper) / 5, (2 * self.lower + 3 * upper) / 5)

    @property
    def margin(self) -> float:
        """How much larger the upper end is, relatively."""
        if self.upper is None or not self.lower:
            return np.inf
        return float(self.upper / self.lower) - 1


def radius_profiles(
    problem: Problem,
    optimizer: str,
    max_width: int,
    *,
    progress: Progress = silent,
) -> Iterator[RadiusProfile]:
    """All profiles of a problem at widths 1 to `max_width`, by increasing radius."""
    widths = [
        intervals(problem, optimizer, width, progress=progress) for width in range(1, max_width + 1)
    ]
    ends = sorted({each.lower for steps in widths for each in steps})
    for lower, upper in zip(ends, [*ends[1:], None], strict=True):
        at = [next(each for each in steps if lower in each) for steps in widths]
        yield RadiusProfile(
            problem,
            optimizer,
            lower,
            upper,
            tuple(each.components for each in at),
            tuple(each.components_labelled for each in at),
            tuple(steps[-1].components_labelled for steps in widths),
        )


def longest_loss(counts: tuple[int, ...]) -> int:
    """The most disconnected widths in a row, with a connected one before them."""
    longest = run = 0
    connected = False
    for count in counts:
        run = run + 1 if connected and count > 1 else 0
        connected = connected or count == 1
        longest = max(longest, run)
    return longest


@dataclass(frozen=True)
class Found:
    """tried: problems looked at. hits: those with some score. best: of the largest score, and among
    these of the largest margin; None where no problem has one."""

    tried: int
    hits: int
    score: int
    best: RadiusProfile | None


def search(
    optimizer: str,
    score: Callable[[RadiusProfile], int],
    *,
    n: int,
    d: int,
    max_width: int,
    instances: int,
    seed: int,
    margin: float = 1e-3,
    progress: Progress = silent,
) -> Found:
    """Random problems with small integer entries, and the profile of the largest positive score.

    margin: intervals of the radius relatively narrower than this are passed over.
    `progress` may raise Interrupted: what is found by then is returned.
    """
    random = np.random.default_rng(seed)
    found = Found(0, 0, 0, None)
    while found.tried < instances:
        X = random.integers(-_ENTRIES, _ENTRIES + 1, (n, d))
        y = random.integers(-_ENTRIES - 1, _ENTRIES + 2, n)
        if not X.any(axis=1).all() or not y.any():
            continue
        problem = Problem(X=X.tolist(), y=y.tolist())
        try:
            progress("problems tried", found.tried)
            profiles = [*radius_profiles(problem, optimizer, max_width, progress=progress)]
        except Interrupted:
            break
        scored = [(score(each), each.margin, each) for each in profiles if each.margin >= margin]
        top, room, best = max(scored, key=lambda item: item[:2])
        hits = found.hits + (top > 0)
        if top > 0 and (top, room) > (found.score, found.best.margin if found.best else 0.0):
            found = Found(found.tried, hits, top, best)
        found = replace(found, tried=found.tried + 1, hits=hits)
    return found
