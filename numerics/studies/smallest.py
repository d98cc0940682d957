"""The smallest data on which AdamW and Muon prefer different components of exact fits: all of them,
up to symmetry, for the table of proofs_notes/small-width-separation.md.

Each space is gone through whole. No smaller n, d or width has exact fits that are not connected
(`least-sizes` there), so nothing is smaller in any of the three than what is found in the first.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial

from theory.hunt.conjecture import Facts
from theory.hunt.exact_fits import separate_components
from theory.hunt.instances import Enumeration, Space, rows_of
from theory.hunt.shipped import named
from theory.landscape.cells import CellComplex
from theory.parallel import ALONE, Jobs, results
from theory.problem import Problem, rational
from theory.text import show
from theory.types import Progress, silent

SPACES = (
    Space(n=(3, 3), d=(2, 2), width=(2, 2), entries=2),
    Space(n=(3, 3), d=(3, 3), width=(2, 2), entries=1),
    Space(n=(4, 4), d=(2, 2), width=(2, 2), entries=1),
)
"""Those of the note; entries from -1 up to the last."""

_TOGETHER = 2000  # indices of an enumeration that one process goes through at a time


@dataclass(frozen=True)
class Census:
    """Of the instances of a space with one largest entry: how many there are up to symmetry, how
    many have exact fits that are not connected, and those with opposite preferences."""

    instances: int = 0
    disconnected: int = 0
    opposite: tuple[tuple[Problem, Facts], ...] = ()

    def __add__(self, other: Census) -> Census:
        return Census(
            self.instances + other.instances,
            self.disconnected + other.disconnected,
            self.opposite + other.opposite,
        )


def census(space: Space, *, jobs: Jobs = ALONE, progress: Progress = silent) -> dict[int, Census]:
    """By the largest entry."""
    count = Enumeration(space).count
    blocks = [range(k, min(k + _TOGETHER, count)) for k in range(0, count, _TOGETHER)]
    found = {entry: Census() for entry in range(1, space.entries + 1)}
    with results(partial(_census, space), blocks, jobs, progress=progress) as parts:
        for part in parts:
            for entry, each in part.items():
                found[entry] += each
    return found


def _census(space: Space, indices: Sequence[int], progress: Progress) -> dict[int, Census]:
    every, conjecture = Enumeration(space), named("separation")
    found: dict[int, Census] = {}
    for index in indices:
        problem = every(index)
        if problem is None:
            continue
        entry = max(abs(v) for row in rows_of(problem) for v in row)
        disconnected = bool(separate_components(CellComplex.of(problem, problem.stated_width)))
        facts = conjecture.test(problem) if disconnected else None
        one = Census(1, int(disconnected), () if facts is None else ((problem, facts),))
        found[entry] = found.get(entry, Census()) + one
    return found


def rows(
    spaces: Sequence[Space] = SPACES, *, jobs: Jobs = ALONE, progress: Progress = silent
) -> Iterator[str]:
    """Two tables in Markdown: how many there are, and all with opposite preferences."""
    yield "| n, d, width | largest entry | data up to symmetry | not connected | opposite |"
    yield "|---|---|---|---|---|"
    opposite: list[tuple[Problem, Facts]] = []
    for space in spaces:
        for entry, found in census(space, jobs=jobs, progress=progress).items():
            sizes = f"{space.n[0]}, {space.d[0]}, {space.width[0]}"
            yield (
                f"| {sizes} | {entry} | {found.instances:,} | {found.disconnected:,} "
                f"| {len(found.opposite)} |"
            )
            opposite += found.opposite
    yield ""
    yield "| X | y | AdamW | Muon | barrier | by the loss of zero |"
    yield "|---|---|---|---|---|---|"
    for problem, facts in sorted(opposite, key=lambda each: -_relative(*each)):
        yield row(problem, facts)


def row(problem: Problem, facts: Facts) -> str:
    """One line of the second table; radii of both components, AdamW's first one first."""
    first = facts["preferred"]["adamw"]
    radii = {name: _radii(both, first) for name, both in facts["radii"].items()}
    X = ", ".join(f"({', '.join(map(str, row[:-1]))})" for row in rows_of(problem))
    y = ", ".join(str(row[-1]) for row in rows_of(problem))
    return (
        f"| {X} | {y} | {radii['adamw']} | {radii['muon']} "
        f"| {facts['barrier']} | {show(_relative(problem, facts))} |"
    )


def _radii(both: Sequence[Sequence[str]], first: int) -> str:
    ordered = (both[first], *(each for k, each in enumerate(both) if k != first))
    return ", ".join(_shown([rational(v, "radius") for v in each]) for each in ordered)


def _shown(ends: Sequence[Fraction]) -> str:
    """A radius, or some digits of its bounds."""
    return show(ends[0]) if len(ends) == 1 else f"{float(ends[-1]):.4f}"


def _relative(problem: Problem, facts: Facts) -> Fraction:
    return rational(facts["barrier"], "barrier") / (problem.squared_length / 2)
