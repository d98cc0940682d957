"""The meetings of regions at which both optimizers were trained: the table of
proofs_notes/region-interaction.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from functools import partial

from numerics.training.meetings import TrainedMeeting, train_meeting
from theory.loading import example
from theory.parallel import ALONE, Jobs, results
from theory.regions import optimizer_regions
from theory.types import Progress, silent

STUDY: Mapping[tuple[str, tuple[str, str]], Sequence[tuple[str, str]]] = {
    ("two-regions", ("adamw", "muon")): (
        *(("3/5", "3/2"), ("3/5", "33/20"), ("3/5", "17/10"), ("4/5", "8/5")),
        *(("3/5", "7/5"), ("9/20", "8/5"), ("9/20", "7/5")),
    ),
    ("split-by-adamw-2", ("adamw", "muon")): (("8/5", "29/10"), ("8/5", "31/10"), ("9/5", "3")),
    ("split-by-adamw-2", ("lion", "muon")): (
        *(("39/25", "59/20"), ("8/5", "29/10"), ("8/5", "31/10"), ("9/5", "3")),
        *(("8/5", "27/10"), ("3/2", "3")),
    ),
    ("flagship", ("adamw", "muon")): (
        *(("11/5", "9/2"), ("11/5", "13/2"), ("5/2", "7/2"), ("11/5", "14/5")),
        *(("19/10", "4"), ("19/10", "14/5")),
    ),
    ("flagship", ("lion", "ngd")): (("11/5", "5"), ("5/2", "4")),
}
"""Data sets of width 2, pairs of optimizers and of radii."""


def rows(
    seeds: int = 256, steps: int = 10_000, *, jobs: Jobs = ALONE, progress: Progress = silent
) -> Iterator[str]:
    """All of `STUDY`, a line for each pair of radii. jobs: pairs at a time."""
    pairs = [(*where, *radii) for where, each in STUDY.items() for radii in each]
    with results(partial(_trained, seeds, steps), pairs, jobs, progress=progress) as found:
        yield from found


def _trained(
    seeds: int, steps: int, pair: tuple[str, tuple[str, str], str, str], progress: Progress
) -> str:
    name, optimizers, first, second = pair
    found = optimizer_regions(example(name), optimizers, 2)
    meeting = found.at(Fraction(first), Fraction(second))
    return row(train_meeting(meeting, seeds=seeds, steps=steps, progress=progress))


def row(trained: TrainedMeeting) -> str:
    """One line of the table of the note."""
    meeting = trained.meeting
    squared = float(meeting.regions.problem.squared_length)
    cells = [
        f"`{meeting.regions.problem.name}`",
        ", ".join(meeting.regions.optimizers),
        ", ".join(map(str, meeting.rho)),
        meeting.phase + (f": {', '.join(meeting.empty)}" if meeting.empty else ""),
        ", ".join(map(str, trained.reached)),
        ", ".join(map(str, trained.shared)),
        ", ".join(f"{value:.1g}" for value in trained.violations),
        ", ".join(f"{value:.1g}" for value in trained.gaps),
        ", ".join(f"{loss / squared:.1g}" for loss in trained.witness_losses),
    ]
    return f"| {' | '.join(cells)} |"
