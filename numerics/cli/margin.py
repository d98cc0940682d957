"""`isthmus margin`: the largest margin in the balls of optimizers, component by component."""

from __future__ import annotations

from functools import partial
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from numerics.cli import options
from numerics.cli.output import console
from numerics.cli.task import Task
from theory.errors import InputError, Interrupted
from theory.text import show, show_interval

if TYPE_CHECKING:
    from theory.margins import Labelled, Margin, MarginProof, Margins


def margin(
    context: typer.Context,
    problem: options.ProblemArgument,
    optimizer: Annotated[str, options.optimizers_option("Whose ball; more than one are compared.")],
    width: options.Width = None,
    labelled: options.Labelled = False,
    point: Annotated[
        list[str] | None,
        typer.Option(
            metavar="X,X,...",
            help="Which label all networks of the largest margin give to a point; again for more.",
        ),
    ] = None,
    max_cells: options.MaxCells = None,
    time_budget: options.TimeBudget = None,
    certificate: options.Certificate = None,
    plot: Annotated[Path | None, options.plot("the margins, by optimizer and component")] = None,
    reading: options.Reading = options.AS_IT_IS,
    json: options.Json = None,
) -> int:
    """The largest margin min y f in the ball R_W R_a = 1, for labels y of 1 and -1.

    In each component of the networks with all labels right, y f > 0, and so which component each
    optimizer prefers, and whether two of them prefer the same. Exact for adamw, lion and signsgd,
    else a proved interval.
    """
    from theory.geometry import geometry
    from theory.margins import MaxMargin, max_margins

    outputs = {"certificate": certificate, "plot": plot}
    task = Task(context.obj, [problem], json=json, time_budget=time_budget, **outputs)
    names = [geometry(name).ball.name for name in options.names(optimizer)]
    if certificate is not None and (len(names) > 1 or len(point or ()) > 1):
        raise InputError("certificate", "is for one optimizer, and one point if any")
    data = options.load(problem, reading)
    width = options.choose_width(width, data.width)
    constant = ["1"] if data.bias else []
    points = [[*text.split(","), *constant] for text in point or ()]
    found: Margins | None = None
    labels: dict[str, list[Labelled]] = {}
    proved: MarginProof | None = None
    limit = options.given(max_cells=max_cells)
    with task.working() as report:
        found = max_margins(data, names, width, labelled=labelled, progress=report, **limit)
        if not found.complete:
            raise Interrupted
        for name in names if (points or certificate) and found.components else ():
            largest = MaxMargin(data, name, width, progress=report, **limit)
            labels[name] = [largest.label(at) for at in points]
            if certificate is not None:
                proved = largest.proof(*points)
    known: dict[str, Any] = {
        "width": width,
        "labelled": labelled,
        "complete": task.stop is None,
        "components": [],
        "largest": {},
        "preferred": {},
    }
    document = {} if found is None else found.to_json() | {"complete": task.stop is None}
    if points:
        document["labels"] = {
            name: [each.label for each in found_there] for name, found_there in labels.items()
        }
    if found is not None:
        task.plot(found.plot)
    show_found = None if found is None else partial(_print, found, labels)
    return task.finish(known | task.known | document, show_found, proved=proved)


def _print(found: Margins, labels: dict[str, list[Labelled]]) -> None:
    from rich.table import Table

    out = console()
    separation = found.separation
    out.print(f"{separation.problem.summary}, width {separation.width}")
    count = len(separation.components)
    if not count:
        out.print("no network of this width has all labels right: the largest margin is 0")
        return
    out.print(
        f"{{y f > 0}} has {count} component{'s' if count > 1 else ''}; the largest margin in the "
        "ball R_W R_a = 1 of each:"
    )
    together: dict[tuple[str, ...], list[str]] = {}  # what reads alike shares a column
    for name in found.optimizers:
        shown = (*(_show(each.get(name)) for each in found.components), _preferred(found, name))
        together.setdefault(shown, []).append(name)
    table = Table("component", *("\n".join(names) for names in together.values()))
    for label, *row in zip([*map(str, range(count)), "preferred"], *together, strict=True):
        if label == "preferred":
            table.add_section()
        table.add_row(label, *row)
    out.print(table)
    for pair in combinations(found.optimizers, 2) if found.complete else ():
        where = {True: "in one component", False: "not in one component", None: "open"}
        out.print(
            f"{' and '.join(pair)}, networks of largest margin: {where[found.together(*pair)]}"
        )
    for name, found_there in labels.items():
        for each in found_there:
            said = "not the same by all, or open" if each.label is None else f"{each.label:+d}"
            out.print(f"{name} labels ({', '.join(map(show, each.point))}): {said}")


def _show(margin: Margin | None) -> str:
    return "?" if margin is None else show_interval(margin.lower, margin.upper)


def _preferred(found: Margins, name: str) -> str:
    leading = found.leading(name)
    return " or ".join(map(str, leading)) if leading else "?"
