"""Components of an optimizer's solution set, width by width."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from theory.connectivity.minimal_counts import MAX_COUNTS, minimal_counts
from theory.connectivity.theorems import MAX_BASES, connected_from
from theory.documents import bounds_document, exact
from theory.errors import BudgetError, Interrupted, Undecided
from theory.landscape import DEFAULT_MAX_CELLS
from theory.landscape.analysis import components_of, reached
from theory.landscape.cells import CellComplex
from theory.landscape.least import least
from theory.problem import Problem, format_rational, positive_integer
from theory.tables import Between, Table, Tabled
from theory.text import show
from theory.types import Progress, silent
from theory.within import Ball, are_decayed, require_within

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True)
class WidthRow:
    """The networks of {loss <= level} in the ball at one width.

    lower <= minimum <= upper in the ball, equal where it is exact. components: modulo permutation
    of the neurons, and labelled; 0 where no network in the ball reaches the level.
    """

    width: int
    lower: Fraction
    upper: Fraction
    level: Fraction
    components: int
    components_labelled: int

    @property
    def connected(self) -> bool:
        """Not empty, and one component, labelled."""
        return self.components_labelled == 1

    def to_json(self) -> dict[str, Any]:
        """{"width", "minimum", "level", "components", "components_labelled"}"""
        return {
            "width": self.width,
            "minimum": bounds_document(self.lower, self.upper),
            "level": format_rational(self.level),
            "components": self.components,
            "components_labelled": self.components_labelled,
        }


@dataclass(frozen=True, repr=False)
class Profile(Tabled):
    """Components of {loss <= level} in a ball at widths 1, 2, ...

    level: None for the least loss of each width, or a little above it (see `width_profile`). bound:
    a width from which on the set of least loss is connected by theorem; None where no theorem names
    one. bound_from_counts: the same from all minimal counts of neurons, often smaller; None where
    they are not known (see `minimal_counts`). complete: whether all widths asked for are there;
    else `reason` says why not.
    """

    problem: Problem
    within: Ball
    level: Fraction | None
    rows: tuple[WidthRow, ...]
    bound: int | None
    bound_from_counts: int | None
    complete: bool
    reason: str = ""

    @property
    def last_disconnected(self) -> int | None:
        """The largest width seen with more than one labelled component; None if there is none."""
        return max((row.width for row in self.rows if row.components_labelled > 1), default=None)

    @property
    def monotone(self) -> bool:
        """Whether no connected width seen comes before a disconnected one."""
        first = next((row.width for row in self.rows if row.connected), None)
        last = self.last_disconnected
        return first is None or last is None or last < first

    @property
    def summary(self) -> str:
        """Where, at which level, and the numbers of components."""
        level = "the least loss" if self.level is None else f"loss <= {show(self.level)}"
        counts = ", ".join(str(row.components) for row in self.rows)
        more = "" if self.complete else ", not complete"
        return f"{self.within.summary}, {level}: components {counts or 'not known'}{more}"

    def _table(self) -> Table:
        """A row for each width."""
        names = ("width", "least loss", "level", "components", "labelled")
        return Table(
            names,
            [
                (
                    row.width,
                    Between(row.lower, row.upper),
                    row.level,
                    row.components,
                    row.components_labelled,
                )
                for row in self.rows
            ],
        )

    def plot(self, axes: Axes | None = None) -> Axes:
        """The components at each width, and the theorem's width.

        Drawn on these axes, or on new ones of pyplot; they are handed back.
        """
        from theory.pictures.style import on
        from theory.pictures.widths import draw_profile

        return on(axes, draw_profile, self)

    def to_json(self) -> dict[str, Any]:
        """The document of `isthmus width`."""
        return {
            "optimizer": self.within.optimizer,
            "rho": format_rational(self.within.rho),
            "level": exact(self.level),
            "complete": self.complete,
            "widths": [row.to_json() for row in self.rows],
            "last_disconnected": self.last_disconnected,
            "monotone": self.monotone,
            "bound": self.bound,
            "bound_from_counts": self.bound_from_counts,
        }


def width_profile(
    problem: Problem,
    within: Ball,
    max_width: int,
    *,
    level: Fraction | None = None,
    max_cells: int = DEFAULT_MAX_CELLS,
    max_bases: int = MAX_BASES,
    max_counts: int = MAX_COUNTS,
    progress: Progress = silent,
) -> Profile:
    """The components of {loss <= level} in the ball at widths 1 to `max_width`.

    level: by default the least loss in the ball, at each width its own. For an entrywise ball all
    is exact, and so are exact fits in the others, unless ball and fits only touch. Where the least
    loss is an interval, or not decided, the default level is 10^-6 of the loss of zero weights
    above it, and networks of exactly least loss are not told from those a little above.
    max_cells: labelled cells at one width; max_bases: see `largest_mass`; max_counts: see
    `minimal_counts`.

    A width too large or not decided, or an interrupt, ends the profile: `complete` is False.
    Raises InputError for a wrong width.
    Source: `not-monotone`, proofs_notes/width-profile.md; proofs_notes/landscape.md for why
    components are counted exactly.
    """
    max_width = positive_integer(max_width, "max_width")
    require_within(within, Ball)
    rows: list[WidthRow] = []
    bound = from_counts = None
    reason = ""
    try:
        bound = connected_from(problem, within, max_bases=max_bases)
    except BudgetError as error:
        reason = f"no bound: {error}"
    complete = True
    try:
        from_counts = _from_counts(problem, within, max_counts, max_bases, progress)
        first = CellComplex.of(problem, 1, within=within, max_cells=max_cells)
        for width in range(1, max_width + 1):
            cells = CellComplex(first.domain, width, labelled=True, max_cells=max_cells)
            rows.append(width_row(cells, level=level, progress=progress))
    except (BudgetError, Interrupted, Undecided) as error:
        complete, reason = False, f"width {len(rows) + 1}: {error}"
    return Profile(problem, within, level, tuple(rows), bound, from_counts, complete, reason)


def _from_counts(
    problem: Problem,
    within: Ball,
    max_counts: int,
    max_bases: int,
    progress: Progress,
) -> int | None:
    """The width that minimal counts of neurons prove; None where they are not known or too many."""
    if not within.gauge.exact or not problem.is_plain or not are_decayed(problem, within):
        return None
    try:
        return minimal_counts(
            problem,
            within,
            max_counts=max_counts,
            max_bases=max_bases,
            progress=progress,
        ).connected_from
    except BudgetError:
        return None


def width_row(
    labelled: CellComplex,
    *,
    level: Fraction | None = None,
    progress: Progress = silent,
) -> WidthRow:
    """One row of `width_profile`, of labelled cells in a ball. Raises Interrupted and Undecided."""
    width = labelled.width

    def tick(solved: int) -> None:
        progress(f"width {width}, minima computed", solved)

    plain = labelled.modulo_permutation()
    low = reached(plain, level, tick)
    if level is not None and not low.low:
        minimum = least(plain, tick=tick)
        return WidthRow(width, minimum.lower, minimum.value, level, 0, 0)
    return WidthRow(
        width,
        plain.loss_of(min(minimum.lower for minimum in low.low.values())),
        plain.loss_of(min(minimum.value for minimum in low.low.values())),
        plain.loss_of(low.level) if level is None else level,
        len(components_of(plain, low, tick)),
        len(components_of(labelled, low, tick)),
    )
