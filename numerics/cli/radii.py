"""`isthmus radii`: the smallest ball of each optimizer that reaches each component."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from numerics.cli import options
from numerics.cli.output import console
from numerics.cli.task import Task
from theory.errors import Interrupted
from theory.text import show, show_interval

if TYPE_CHECKING:
    from theory.radii import Radii, Radius


def radii(
    context: typer.Context,
    problem: options.ProblemArgument,
    width: options.Width = None,
    optimizers: Annotated[
        str | None,
        options.optimizers_option("Only these optimizers; by default all with a ball."),
    ] = None,
    max_cells: options.MaxCells = None,
    time_budget: options.TimeBudget = None,
    plot: Annotated[Path | None, options.plot("the radii, by optimizer and component")] = None,
    reading: options.Reading = options.AS_IT_IS,
    json: options.Json = None,
) -> int:
    """The least rho = R_W R_a whose ball reaches each component of the set of least loss.

    So also which component each optimizer prefers. Exact for adamw, lion and signsgd, else a proved
    interval. Modulo permutation of the neurons.
    """
    from theory.geometry import geometry
    from theory.landscape import analyse
    from theory.radii import OPTIMIZERS
    from theory.radii import least_radii as compute

    task = Task(context.obj, [problem], json=json, plot=plot, time_budget=time_budget)
    data = options.load(problem, reading)
    width = options.choose_width(width, data.width)
    chosen = OPTIMIZERS
    if optimizers is not None:
        chosen = tuple(geometry(name).ball.name for name in options.names(optimizers))
    found: Radii | None = None
    with task.working() as report:
        analysis = analyse(data, width, progress=report, **options.given(max_cells=max_cells))
        found = compute(analysis, chosen, progress=report)
        if not found.complete:
            raise Interrupted
    known: dict[str, Any] = {
        "width": width,
        "minimum": None,
        "complete": task.stop is None,
        "components": [],
        "preferred": {},
    }
    if found is not None:
        task.plot(found.plot)
    show_found = None if found is None else partial(_print, found)
    document = {} if found is None else found.to_json()
    return task.finish(known | task.known | document, show_found)


def _show(radius: Radius | None) -> str:
    return "?" if radius is None else show_interval(radius.lower, radius.upper)


def _print(found: Radii) -> None:
    from rich.table import Table

    out = console()
    problem, components = found.analysis.problem, found.components
    out.print(f"{problem.summary}, width {found.analysis.width}")
    out.print(
        f"{{loss = {show(found.analysis.minimum)}}} has {len(components)} "
        f"component{'s' if len(components) > 1 else ''}; the least rho = R_W R_a that reaches each:"
    )
    together: dict[tuple[str, ...], list[str]] = {}  # what reads alike shares a column
    for name in found.optimizers:
        shown = (*(_show(radii.get(name)) for radii in components), _preferred(found, name))
        together.setdefault(shown, []).append(name)
    table = Table("component", *("\n".join(names) for names in together.values()))
    labels = [*map(str, range(len(components))), "preferred"]
    for label, *row in zip(labels, *together, strict=True):
        if label == "preferred":
            table.add_section()
        table.add_row(label, *row)
    out.print(table)


def _preferred(found: Radii, name: str) -> str:
    component = found.preferred(name)
    return "?" if component is None else str(component)
