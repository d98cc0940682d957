"""`isthmus solve`: the optimum of training inside an optimizer's ball, proved from both sides."""

from __future__ import annotations

from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from numerics.cli import options
from numerics.cli.output import EXIT_DONE, EXIT_UNDECIDED, console, say
from numerics.cli.task import Task
from theory.problem import positive_integer
from theory.text import decimal, show, show_interval

if TYPE_CHECKING:
    from theory.programs import Optimum


def solve(
    context: typer.Context,
    problem: options.ProblemArgument,
    optimizer: options.Optimizer,
    width: options.Width = None,
    rho: options.Rho = None,
    weight_decay: options.WeightDecay = None,
    beta: options.Beta = None,
    max_patterns: Annotated[
        int | None,
        typer.Option(metavar="N", help="Search for patterns where there are more than this."),
    ] = None,
    max_cells: options.MaxCells = None,
    time_budget: options.TimeBudget = None,
    seed: Annotated[int, options.seed("Of that search.")] = 0,
    certificate: options.Certificate = None,
    plot: Annotated[Path | None, options.plot("what the network found says at the data")] = None,
    reading: options.Reading = options.AS_IT_IS,
    json: options.Json = None,
) -> int:
    """The least loss in an optimizer's ball (sgd: of loss + penalty): an interval, and a network.

    From the convex program over all activation patterns; where that is not tight at a small width,
    from all cells of that width. With more patterns than --max-patterns those in use are searched
    for, and all others priced by a cover of all directions, up to six features. Beyond that the
    lower bound holds over the patterns priced only, and what is known over all of them is said
    beside it. Exit code 3 where a gap is left.
    """
    from theory.programs import solve as compute

    outputs = {"certificate": certificate, "plot": plot}
    task = Task(context.obj, [problem], json=json, time_budget=time_budget, **outputs)
    data = options.load(problem, reading)
    within = options.within(optimizer, rho, weight_decay, beta)
    found: Optimum | None = None
    with task.working() as report:
        found = compute(
            data,
            within,
            width=data.width if width is None else positive_integer(width, "width"),
            seed=seed,
            progress=report,
            **options.given(max_patterns=max_patterns, max_cells=max_cells),
        )
    document: dict[str, Any] = {"optimizer": within.optimizer, "complete": found is not None}
    if found is None:
        return task.finish(document | {"known": task.reason}, None)
    task.plot(found.plot)
    if json == "-" and not found.decided:
        say(_undecided(found))
    code = EXIT_DONE if found.decided else EXIT_UNDECIDED
    show_found = partial(_print, found)
    return task.finish(document | found.to_json(), show_found, proved=found, code=code)


def _program(found: Optimum) -> str:
    """What the convex program says, and the width at which a network does as well."""
    relaxed = found.relaxed
    assert relaxed.lower is not None
    interval = show_interval(relaxed.lower, relaxed.upper)
    where = "in the ball " if found.within.beta is None else ""
    return f"convex program: {interval}, attained {where}by {relaxed.neurons} neurons"


def _undecided(found: Optimum) -> str:
    assert found.lower is not None
    interval = show_interval(found.lower, found.upper)
    width = "any width" if found.width is None else f"width {found.width}"
    return (
        f"not decided at {width}: {found.what} {interval}, a relative gap of "
        f"{found.relative_gap:.2g}; {_program(found)}"
    )


def _print(found: Optimum) -> None:
    out = console()
    if found.lower is not None and not found.decided:
        out.print(_undecided(found))
    problem = found.problem
    width = "any width" if found.width is None else f"width {found.width}"
    out.print(f"{problem.summary}, {width}, {found.within.summary}")
    scope = "all there are" if found.whole else "not all there are"
    if found.dual is not None and found.dual.cover is not None:
        scope = "all others by a cover of directions"
    out.print(f"activation patterns priced: {found.patterns:,} ({scope})")
    if found.lower is None:
        out.print(f"least {found.problem.loss!s} loss {show(found.upper)}, not proved")
    else:
        out.print(f"{found.what}: {show_interval(found.lower, found.upper)}")
        kind = "proved gap" if found.whole else "gap over the patterns priced (no proof for others)"
        out.print(
            f"{kind} {decimal(found.gap or Fraction(), 3)}, relative {found.relative_gap:.2g}"
        )
    if not found.whole and found.everywhere is not None:
        out.print(
            f"over all patterns: at least {decimal(found.everywhere, 6)}, a proved relative gap of "
            f"{found.relative_gap_everywhere:.2g}"
        )
    out.print(f"neurons of the network that attains the upper end: {found.neurons}")
    if found.relaxed.lower is not None and found.relaxed.upper < found.upper:
        out.print(_program(found))
