"""A few pairs of radii among which each way in which two regions meet occurs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction
from itertools import pairwise, product
from typing import Any

from theory.errors import Undecided
from theory.exact import simplest_between
from theory.problem import format_rational
from theory.regions.meeting import Frontier, Meeting

_APART = Fraction(1, 10**4)  # relative: levels nearer to each other have no row between them


def grid(frontier: Frontier) -> dict[tuple[Fraction, Fraction], Meeting | None]:
    """How the regions meet at the radii of the frontier's vertices, at smaller and at larger ones.

    The radii of the second optimizer are simple fractions between the levels of the frontier, below
    and above. None where `Regions.at` is undecided.
    """
    found = frontier.regions
    first, second = frontier.least
    fixed = [vertex.fixed[0] for vertex in frontier.vertices]
    columns = [_below(first.lower or fixed[0]), *fixed, _beyond(fixed[-1])]
    edge = (least.upper for least in (second, *frontier.vertices))
    rows = _rows(level for level in edge if level is not None)
    points: dict[tuple[Fraction, Fraction], Meeting | None] = {}
    for rho in product(columns, rows):
        try:
            points[rho] = found.at(*rho)
        except Undecided:
            points[rho] = None
    return points


def grid_document(
    points: Mapping[tuple[Fraction, Fraction], Meeting | None],
) -> list[dict[str, Any]]:
    """The part `grid` of the document of `isthmus regions`."""
    return [
        {
            "rho": [format_rational(rho) for rho in point],
            "phase": meeting and meeting.phase,
            "empty": meeting and list(meeting.empty),
        }
        for point, meeting in points.items()
    ]


def _rows(levels: Iterable[Fraction]) -> list[Fraction]:
    rising = sorted(set(levels))
    between = [
        simplest_between((2 * low + high) / 3, (low + 2 * high) / 3)
        for low, high in pairwise(rising)
        if high - low > _APART * high
    ]
    below = [_below(rising[0])] if rising[0] else []
    return [*below, *between, _beyond(rising[-1] or Fraction(1))]


def _below(value: Fraction) -> Fraction:
    return simplest_between(value / 2, value * 3 / 4)


def _beyond(value: Fraction) -> Fraction:
    return simplest_between(value * 5 / 4, value * 3 / 2)
