"""`isthmus barrier`: the components of a sublevel set and the exact barriers between them."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

from numerics.cli import options
from numerics.cli.output import console
from numerics.cli.task import Task
from theory.documents import exact
from theory.errors import InputError, Interrupted
from theory.problem import format_rational, rational
from theory.text import show, show_interval

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from theory.landscape import Analysis, Barrier

    Outside: TypeAlias = tuple[tuple[int, ...], ...]  # components without a ball, by component


def barrier(
    context: typer.Context,
    problem: options.ProblemArgument,
    width: options.Width = None,
    labelled: options.Labelled = False,
    level: Annotated[
        str | None,
        typer.Option(
            metavar="L",
            help="Components of {loss <= L}; by default L is the minimum, and 10^-6 of the loss of "
            "zero weights above it where it is not decided which networks attain that.",
        ),
    ] = None,
    within: Annotated[
        str | None,
        options.within_option(
            "Only networks in this optimizer's ball; needs --rho or --weight-decay."
        ),
    ] = None,
    rho: options.Rho = None,
    weight_decay: options.WeightDecay = None,
    max_cells: options.MaxCells = None,
    time_budget: options.TimeBudgetAnyCells = None,
    between: Annotated[
        tuple[Path, Path] | None,
        typer.Option(metavar="A.json B.json", help="Also the barrier between these two networks."),
    ] = None,
    certificate: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Write the proof, for `isthmus check`; with --between, of that barrier.",
        ),
    ] = None,
    plot: Annotated[
        Path | None,
        options.plot("the fits, the loss along the path over the highest pass, and the tree"),
    ] = None,
    reading: options.Reading = options.AS_IT_IS,
    json: options.Json = None,
) -> int:
    """The components of {loss <= L} and the exact minimax barrier between each two of them.

    Modulo permutation of the neurons, unless --labelled.
    """
    reads = [problem, *(between or ())]
    outputs = {"certificate": certificate, "plot": plot}
    task = Task(context.obj, reads, json=json, time_budget=time_budget, **outputs)
    data = options.load(problem, reading)
    ends = None if between is None else [options.load_network(path) for path in between]
    width = options.choose_width(width, ends[0].width if ends else data.width)
    for path, network in zip(between or (), ends or (), strict=True):
        if network.width != width:
            raise InputError(str(path), f"has {network.width} neurons, but the width is {width}")
    threshold = None if level is None else rational(level, "level")
    ball = options.ball(within, rho, weight_decay)

    from theory.landscape import analyse, barrier_between
    from theory.landscape.cells import UNTIL_STOPPED

    if time_budget is not None and max_cells is None and ball is None:
        max_cells = UNTIL_STOPPED
    limit = options.given(max_cells=max_cells)
    analysis: Analysis | None = None
    crossing: Barrier | None = None
    outside: Outside | None = None
    with task.working() as report:
        analysis = analyse(
            data,
            width,
            level=threshold,
            labelled=labelled,
            within=ball,
            progress=report,
            **limit,
        )
        if not analysis.complete:
            raise Interrupted
        if ball is not None:
            outside = analysis.without_ball(report)
        if ends:
            crossing = barrier_between(
                data, *ends, labelled=labelled, within=ball, progress=report, **limit
            )
    known: dict[str, Any] = {
        "width": width,
        "minimum": None,
        "level": exact(threshold),
        "labelled": labelled,
        "within": ball and ball.optimizer,
        "rho": ball and format_rational(ball.rho),
        "complete": task.stop is None,
        "components": [],
        "barriers": [],
    }
    found = _landscape(analysis, outside) | {"complete": task.stop is None}
    if crossing is not None:
        found["between"] = crossing.to_json()

    def show_all() -> None:
        if analysis:
            _print_landscape(analysis, outside, threshold is None)
        if crossing:
            _print_crossing(crossing)

    if analysis is not None:
        task.draw(partial(_figure, analysis, crossing))
    proved = (crossing or analysis) if task.stop is None else None
    return task.finish(known | task.known | found, show_all, proved=proved)


def _figure(analysis: Analysis, crossing: Barrier | None) -> Figure:
    from numerics.pictures.results import landscape

    return landscape(analysis, crossing)


def _landscape(analysis: Analysis | None, outside: Outside | None) -> dict[str, Any]:
    if analysis is None:
        return {}
    document = analysis.to_json()
    for component, each in zip(document["components"], outside or (), strict=False):
        component["without_ball"] = list(each)
    return document


def _print_landscape(analysis: Analysis, outside: Outside | None, default: bool) -> None:
    from rich.table import Table

    from theory.landscape.analysis import LARGEST_MATRIX

    problem, components = analysis.problem, analysis.components
    out = console()
    out.print(f"{problem.summary}, width {analysis.width}: {analysis.cells:,} cells")
    minimum = show_interval(analysis.proved, analysis.minimum)
    if analysis.within is None:
        out.print(f"global minimum {minimum}")
    else:
        out.print(f"in {analysis.within}: minimum {minimum}")
    out.print(
        f"{{loss <= {show(analysis.level)}}} has {len(components)} "
        f"component{'s' if len(components) > 1 else ''} "
        f"({'labelled' if analysis.labelled else 'modulo permutation of neurons'})"
    )
    if default and analysis.level != analysis.minimum:
        out.print(
            "(which networks attain the least loss is not decided: the level is 10^-6 of the loss "
            "of zero above it)"
        )
    table = Table("component", "cells", "least loss")
    if outside is not None:
        table.add_column("without a ball")
    as_matrix = 1 < len(components) <= LARGEST_MATRIX
    for component in components if as_matrix else ():
        table.add_column(f"barrier to {component.id}")
    matrices = zip(analysis.lower_bounds, analysis.barriers, strict=True)
    for component, rows in zip(components, matrices, strict=True):
        barriers = [
            "" if other == component.id else show_interval(lower, value) if value else "?"
            for other, (lower, value) in enumerate(zip(*rows, strict=True))
        ]
        table.add_row(
            str(component.id),
            str(len(component.cells)),
            show_interval(component.proved, component.minimum),
            *([] if outside is None else [_shared(outside[component.id])]),
            *(barriers if as_matrix else ()),
        )
    out.print(table)
    if analysis.merges and not as_matrix:
        merges = Table("joined at level", "component", "and component")
        for merge in analysis.merges:
            level = show_interval(merge.proved, merge.value)
            merges.add_row(level, str(merge.first), str(merge.second))
        out.print(merges)


def _shared(ids: tuple[int, ...]) -> str:
    """The components of least loss without a ball that a component belongs to there."""
    return ", ".join(map(str, ids)) or "above the least loss"


def _print_crossing(crossing: Barrier) -> None:
    first, second = (show(loss) for loss in crossing.losses)
    console().print(
        f"barrier between the two networks {show_interval(crossing.proved, crossing.value)} (their "
        f"losses {first}, {second}; a path with {len(crossing.path.breakpoints)} breakpoints "
        "attains it)"
    )
