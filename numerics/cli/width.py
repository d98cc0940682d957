"""`isthmus width`: at which widths an optimizer's solution set is connected."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from numerics.cli import options
from numerics.cli.output import EXIT_DONE, EXIT_UNDECIDED, console, over_budget, progress, say
from numerics.cli.task import Task
from theory.documents import interval_document
from theory.problem import rational
from theory.text import show, show_interval

if TYPE_CHECKING:
    from collections.abc import Mapping

    from theory.connectivity import Profile, RadiusInterval
    from theory.problem import Problem
    from theory.types import Progress


def width(
    context: typer.Context,
    problem: options.ProblemArgument,
    optimizer: options.Optimizer,
    rho: options.Rho = None,
    weight_decay: options.WeightDecay = None,
    max_width: Annotated[int, options.count("The widths are 1 to M.", "M")] = 4,
    level: Annotated[
        str | None,
        typer.Option(
            metavar="L",
            help="By default the least loss in the ball, at each width; where it is not decided "
            "which networks attain that, 10^-6 of the loss of zero weights above it.",
        ),
    ] = None,
    max_cells: options.MaxCells = None,
    time_budget: options.TimeBudget = None,
    max_bases: Annotated[
        int | None, options.count("Refuse a search for the theorem's bound that is larger.")
    ] = None,
    max_counts: Annotated[
        int | None, options.count("Do without minimal counts of neurons where it takes more.")
    ] = None,
    intervals: Annotated[
        bool,
        typer.Option("--intervals", help="Also for which RHO exact fits have how many components."),
    ] = False,
    plot: Annotated[Path | None, options.plot("the components, by width")] = None,
    reading: options.Reading = options.AS_IT_IS,
    json: options.Json = None,
) -> int:
    """Count the components of {loss <= L} in an optimizer's ball at widths 1, 2, ..., M.

    Connectivity is not monotone in the width: a connected set may fall apart again. Beside it
    stands the width from which on a theorem says that the set of least loss is connected.
    """
    from theory.connectivity import width_profile
    from theory.within import Ball

    task = Task(context.obj, [problem], json=json, plot=plot)
    data = options.load(problem, reading)
    ball = Ball(optimizer, options.needed_radius(rho, weight_decay))
    cells = options.given(max_cells=max_cells)
    too_large = _too_large(data, max_width, cells)
    with progress(seconds=time_budget) as report:
        steps = _intervals(data, ball.optimizer, max_width, cells, report) if intervals else None
        found = width_profile(
            data,
            ball,
            max_width,
            level=None if level is None else rational(level, "level"),
            progress=report,
            **cells,
            **options.given(max_bases=max_bases, max_counts=max_counts),
        )
    if found.reason and len(found.rows) + 1 != too_large:
        say(found.reason)
    document = found.to_json()
    if steps is not None:
        document["intervals"] = [_interval_document(*item) for item in steps.items()]

    if found.rows:
        task.plot(found.plot)

    def show_found() -> None:
        _print(found)
        if steps is not None:
            _print_intervals(steps)

    code = EXIT_DONE if found.complete else EXIT_UNDECIDED
    return task.finish(document, show_found, code=code)


def _too_large(problem: Problem, max_width: int, limit: Mapping[str, Any]) -> int | None:
    """The first width with too many cells, which is said before any other is computed."""
    from theory.errors import BudgetError
    from theory.landscape.cells import require_cells

    for width in range(1, max_width + 1):
        try:
            require_cells(problem, width, labelled=True, **limit)
        except BudgetError as error:
            say(f"width {width}: {over_budget(error)}")
            return width
    return None


def _intervals(
    problem: Problem,
    optimizer: str,
    max_width: int,
    limit: Mapping[str, Any],
    report: Progress,
) -> dict[int, tuple[RadiusInterval, ...]]:
    """By width; widths too large, and those after an interrupt, are left out."""
    from theory.connectivity import radius_intervals
    from theory.errors import BudgetError, Interrupted

    found = {}
    try:
        for width in range(1, max_width + 1):
            found[width] = radius_intervals(problem, optimizer, width, progress=report, **limit)
    except BudgetError as error:
        say(f"intervals at width {width}: {over_budget(error)}")
    except Interrupted as error:
        say(f"intervals at width {width}: {error}")
    return found


def _interval_document(width: int, steps: tuple[RadiusInterval, ...]) -> dict[str, Any]:
    return {
        "width": width,
        "intervals": [
            {
                **interval_document(step.lower, step.upper),
                "components": step.components,
                "components_labelled": step.components_labelled,
            }
            for step in steps
        ],
    }


def _print_intervals(found: dict[int, tuple[RadiusInterval, ...]]) -> None:
    from rich.table import Table

    out = console()
    out.print("components of exact fits, exactly from one radius on and below the next")
    table = Table("width", "from rho", "below", "components", "labelled")
    for width, steps in found.items():
        for step in steps:
            end = "" if step.upper is None else show(step.upper)
            counts = (str(step.components), str(step.components_labelled))
            shown = counts if step.components else ("empty", "empty")
            table.add_row(str(width), show(step.lower), end, *shown)
    out.print(table)


def _print(found: Profile) -> None:
    from rich.table import Table

    out = console()
    level = "the least loss of each width" if found.level is None else f"loss <= {found.level}"
    above = found.level is None and any(row.level > row.upper for row in found.rows)
    if above:
        level = "loss <= level, the least loss of each width or a little above it"
    out.print(f"{found.within.summary}: components of {level}")
    table = Table("width", "least loss", *(["level"] if above else []), "components", "labelled")
    for row in found.rows:
        counts = (str(row.components), str(row.components_labelled))
        shown = counts if row.components else ("empty", "empty")
        at = [show(row.level)] if above else []
        table.add_row(str(row.width), show_interval(row.lower, row.upper), *at, *shown)
    out.print(table)
    if above:
        out.print(
            "where the level is above the least loss, networks of exactly that are not told from "
            "those just above"
        )
    if found.last_disconnected is not None:
        again = "" if found.monotone else ", after a connected one"
        out.print(f"last width seen disconnected: {found.last_disconnected}{again}")
    if found.bound is not None:
        out.print(f"connected at every width >= {found.bound} (theorem, for the least loss)")
    if found.bound_from_counts is not None:
        out.print(f"connected at every width >= {found.bound_from_counts} (minimal counts)")
