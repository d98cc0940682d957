"""`isthmus line`: the exact maximum of the loss on the straight line between two networks."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from numerics.cli import completion, options
from numerics.cli.output import console
from numerics.cli.task import Task
from theory.errors import InputError
from theory.text import show, show_interval

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from theory.lines import Alignment, Line, Star
    from theory.problem import Problem


def line(
    context: typer.Context,
    networks: Annotated[
        list[Path],
        typer.Argument(metavar="FIRST SECOND...", help='Networks {"W", "a"} of equal width, JSON.'),
    ],
    problem: options.ProblemOption,
    align: Annotated[
        str | None,
        typer.Option(
            metavar="all",
            help="Take the order of the second network's neurons, of all, with the least maximum.",
            autocompletion=completion.among("all"),
        ),
    ] = None,
    middle: Annotated[
        bool,
        typer.Option(
            "--middle",
            help="Look for a network between them, or a centre of more, with low straight lines.",
        ),
    ] = False,
    max_orders: Annotated[
        int | None, options.count("Refuse networks whose neurons have more orders than this.")
    ] = None,
    max_cells: options.MaxCells = None,
    time_budget: options.TimeBudget = None,
    plot: Annotated[Path | None, options.plot("the loss on the lines")] = None,
    reading: options.Reading = options.AS_IT_IS,
    json: options.Json = None,
) -> int:
    """Find the highest loss on the straight line between two networks, exactly.

    The neurons keep their order, unless --align all looks for the best one. What bounds a middle
    from below is the landscape, which --max-cells is for.
    """
    task = Task(context.obj, (problem, *networks), json=json, plot=plot, time_budget=time_budget)
    data = options.load(problem, reading)
    ends = [options.load_network(file) for file in networks]
    if align not in (None, "all"):
        raise InputError("align", f"{align!r} is none; write all, or leave it out")
    if len(ends) != 2 and (align or not middle):
        raise InputError("networks", f"are {len(ends)}; a line has two, a centre may have more")

    from theory import lines

    straight: Line | None = None
    found: Alignment | None = None
    star: Star | None = None
    with task.working() as report:
        if align:
            found = lines.align(
                data, *ends, progress=report, **options.given(max_orders=max_orders)
            )
            straight = found.line
            ends[1] = straight.networks[1]
        elif len(ends) == 2:
            straight = lines.line(data, *ends)
        if middle:
            star = lines.least_star(data, ends, max_cells=max_cells, progress=report)
    if straight or star:
        task.draw(partial(_figure, straight, star))
    document = _line_document(straight, found) | {"middle": star and star.to_json()}
    return task.finish(document | task.known, lambda: _print(data, straight, found, star))


def _line_document(straight: Line | None, found: Alignment | None) -> dict[str, Any]:
    if straight is None:
        return dict.fromkeys(("maximum", "at", "permutation", "barrier"))
    return straight.to_json() if found is None else found.to_json()


def _print(
    data: Problem, straight: Line | None, found: Alignment | None, star: Star | None
) -> None:
    out = console()
    if straight is not None:
        out.print(f"{data.summary}, width {straight.networks[0].width}")
        maximum = straight.maximum if found is None else found.maximum
        out.print(
            f"highest loss on the straight line {show_interval(*maximum.ends)}, "
            f"{show_interval(*straight.at.ends)} of the way"
        )
        out.print(f"above both networks by {show_interval(*straight.barrier)}")
    if found is not None:
        order = " ".join(map(str, found.order))
        out.print(f"with the second network's neurons in the order {order}; no other is lower")
    if star is not None:
        highest = show_interval(*star.highest.maximum.ends)
        out.print(f"highest loss on the straight lines to one network between them {highest}")
        out.print(
            "no other network is better"
            if star.is_least
            else f"with another it is at least {show(star.lower)}, the barrier of the landscape"
        )


def _figure(straight: Line | None, star: Star | None) -> Figure:
    from numerics.pictures.style import panel
    from theory.pictures.landscapes import draw_star

    if star is not None:
        return panel(partial(draw_star, star=star, straight=straight))
    assert straight is not None
    return panel(straight.plot)
