"""`isthmus path`: a certified path between two networks inside one optimizer's solution set."""

from __future__ import annotations

from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from numerics.cli import options
from numerics.cli.output import EXIT_FALSE, console
from numerics.cli.task import Task
from theory.documents import bounds_document, exact
from theory.errors import InputError
from theory.problem import format_rational, rational
from theory.text import show, show_interval

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from theory.connectivity import Projection, SolutionPath, SolutionSet
    from theory.landscape import Barrier

_ROWS = 12  # breakpoints printed; the JSON has all


def path(
    context: typer.Context,
    first: Annotated[Path, typer.Argument(metavar="FIRST", help='A network {"W", "a"}, JSON.')],
    second: Annotated[Path, typer.Argument(metavar="SECOND", help="Another, of equal width.")],
    problem: options.ProblemOption,
    optimizer: options.Optimizer,
    rho: options.Rho = None,
    weight_decay: options.WeightDecay = None,
    beta: options.Beta = None,
    level: Annotated[
        str | None,
        typer.Option(metavar="L", help="By default the larger loss of the two; 0 with --project."),
    ] = None,
    project: Annotated[
        bool,
        typer.Option("--project", help="Move the networks into the solution set first."),
    ] = False,
    max_cells: options.MaxCells = None,
    time_budget: options.TimeBudget = None,
    certificate: options.Certificate = None,
    plot: Annotated[Path | None, options.plot("the path")] = None,
    reading: options.Reading = options.AS_IT_IS,
    json: options.Json = None,
) -> int:
    """Join two networks by a path of loss at most L that stays in the optimizer's ball.

    The neurons keep their order: the path ends at the second network itself. For sgd the loss
    includes the penalty. Trained networks are near the solution set, not in it: see --project.
    """
    from theory.connectivity import SolutionPath, SolutionSet, connect
    from theory.connectivity import project as into_set

    reads = (problem, first, second)
    outputs = {"certificate": certificate, "plot": plot}
    task = Task(context.obj, reads, json=json, time_budget=time_budget, **outputs)
    data = options.load(problem, reading)
    ends = (options.load_network(first), options.load_network(second))
    within = options.within(optimizer, rho, weight_decay, beta)
    solutions = SolutionSet(data, within, Fraction())
    if level is not None:
        solutions = solutions.at_level(rational(level, "level"))
    elif not project:
        solutions = solutions.at_level(max(map(solutions.objective_of, ends)))
    elif within.beta is not None:
        raise InputError("level", "is missing; with --beta no network has loss and penalty 0")

    projections: list[Projection] = []
    found: SolutionPath | Barrier | None = None
    with task.working() as report:
        if project:
            projections = [into_set(solutions, network) for network in ends]
            ends = (projections[0].network, projections[1].network)
        limit = options.given(max_cells=max_cells)
        found = connect(solutions, *ends, progress=report, **limit)
    if isinstance(found, SolutionPath):
        task.draw(partial(_figure, found))
    known = (solutions, ends[0].width, projections, found)
    document = _document(*known) | ({"known": task.reason} if found is None else {})
    code = task.finish(document, lambda: _print(*known), proved=found)
    return EXIT_FALSE if found and not isinstance(found, SolutionPath) else code


def _figure(path: SolutionPath) -> Figure:
    from numerics.pictures.paths import draw_solution_path

    return draw_solution_path(path)


def _document(
    solutions: SolutionSet,
    width: int,
    projections: list[Projection],
    found: SolutionPath | Barrier | None,
) -> dict[str, Any]:
    from theory.connectivity import SolutionPath

    document: dict[str, Any] = {
        "optimizer": solutions.within.optimizer,
        "width": width,
        "rho": exact(solutions.within.rho),
        "beta": exact(solutions.within.beta),
        "level": format_rational(solutions.level),
        "projections": [
            {"distance": each.distance, "network": each.network.to_json()} for each in projections
        ],
        "connected": None,
        "breakpoints": [],
        "max_loss": None,
    }
    if isinstance(found, SolutionPath):
        return document | found.to_json()
    if found is not None:
        barrier = bounds_document(found.proved, found.value)
        return document | {"connected": False, "barrier": barrier}
    return document


def _print(
    solutions: SolutionSet,
    width: int,
    projections: list[Projection],
    found: SolutionPath | Barrier | None,
) -> None:
    from rich.table import Table

    from theory.connectivity import SolutionPath

    out = console()
    data = solutions.problem
    out.print(f"{data.summary}, width {width}, {solutions.within.summary}")
    for name, each in zip(("first", "second"), projections, strict=False):
        out.print(f"{name} network: moved by {each.distance:.3g} into the solution set")
    what = "loss" if solutions.within.beta is None else "loss + penalty"
    if isinstance(found, SolutionPath):
        out.print(
            f"connected by {len(found.points) - 1} straight segments of {what} at most "
            f"{show(solutions.level)}"
        )
        for name, network in zip(("first", "second"), found.ends, strict=True):
            for j in network.unused():
                out.print(
                    f"neuron {j} of the {name} network has output weight 0: between it and the "
                    "breakpoints its input weights shrink to 0"
                )
        table = Table("breakpoint", "loss", "neurons that are not zero")
        shown = range(len(found.points))
        if len(shown) > _ROWS:
            out.print(f"the first {_ROWS} of {len(shown)} breakpoints:")
        for k in shown[:_ROWS]:
            active = sum(not neuron.blank for neuron in found.points[k])
            table.add_row(str(k), show(found.losses[k]), str(active))
        out.print(table)
    elif found is not None:
        out.print(
            f"not connected: every path in the ball has a loss of at least "
            f"{show_interval(found.proved, found.value)}, above {show(solutions.level)}"
        )
