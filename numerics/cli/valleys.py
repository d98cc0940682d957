"""`isthmus valleys`: the merge tree of the loss, and every loss at which training can rest."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from numerics.cli import options
from numerics.cli.output import console, over_budget
from numerics.cli.task import Task
from theory.documents import exact
from theory.errors import BudgetError, InputError, Interrupted
from theory.problem import rational
from theory.text import show, show_interval

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from theory.landscape import Limit, Valleys

_LISTED = 20  # valleys and limits in a table; JSON has all


def valleys(
    context: typer.Context,
    problem: options.ProblemArgument,
    width: options.Width = None,
    labelled: options.Labelled = False,
    within: Annotated[
        str | None,
        options.within_option(
            "Only networks in this optimizer's ball; needs --rho or --weight-decay, or --beta for "
            "sgd."
        ),
    ] = None,
    rho: options.Rho = None,
    weight_decay: options.WeightDecay = None,
    beta: options.Beta = None,
    min_depth: Annotated[
        str | None,
        typer.Option(
            metavar="D",
            help="Only valleys deeper than D; by default 0, and 10^-6 of the loss of zero weights "
            "where only bounds of losses are known: in other balls than adamw's, and for sgd.",
        ),
    ] = None,
    max_cells: options.MaxCells = None,
    time_budget: options.TimeBudget = None,
    plot: Annotated[
        Path | None,
        options.plot("the tree, and its births and deaths"),
    ] = None,
    persistence: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.npy",
            help="Write births and deaths, the global one's infinite, as an array (K, 2).",
        ),
    ] = None,
    certificate: options.Certificate = None,
    reading: options.Reading = options.AS_IT_IS,
    json: options.Json = None,
) -> int:
    """All valleys of the loss: where each is born, and where it first joins a deeper one. For sgd
    the loss is that with the l2 penalty.

    Beside them the losses at which training can rest: the least ones over all strata. Modulo
    permutation of the neurons, unless --labelled.
    """
    outputs = {"certificate": certificate, "plot": plot, "persistence": persistence}
    task = Task(context.obj, [problem], json=json, time_budget=time_budget, **outputs)
    data = options.load(problem, reading)
    width = options.choose_width(width, data.width)
    depth = None if min_depth is None else rational(min_depth, "min-depth")
    if depth is not None and depth < 0:
        raise InputError("min-depth", f"{min_depth} must not be negative")
    place = options.ball_or_penalty(within, rho, weight_decay, beta)

    from theory.landscape import limits
    from theory.landscape import valleys as all_valleys

    given = options.given(max_cells=max_cells)
    tree: Valleys | None = None
    rests: tuple[Limit, ...] | None = None
    with task.working() as report:
        tree = all_valleys(
            data,
            width,
            within=place,
            labelled=labelled,
            min_depth=depth,
            progress=report,
            **given,
        )
        if not tree.complete:
            raise Interrupted
        if tree.exact and not tree.min_depth:
            try:
                rests = limits(tree, tick=lambda done: report("strata", done), **given)
            except BudgetError as error:
                task.lines.append(f"where training can rest is not listed: {over_budget(error)}")
    document: dict[str, Any] = {
        "width": width,
        "minimum": None,
        "labelled": labelled,
        "within": place and place.optimizer,
        "rho": place and exact(place.rho),
        "beta": place and exact(place.beta),
        "valleys": [],
        "limits": None,
        "complete": task.stop is None,
    }
    if tree is not None:
        document |= tree.to_json() | {"complete": task.stop is None}
    if rests is not None:
        document["limits"] = [limit.to_json() for limit in rests]
    if tree is not None:
        task.draw(partial(_figure, tree))
        if persistence is not None:
            _write(tree, persistence)
            task.lines.append(f"births and deaths: {persistence}")

    def show_all() -> None:
        if tree is not None:
            _print(tree, rests)

    proved = tree if task.stop is None else None
    return task.finish(document | task.known, show_all, proved=proved)


def _figure(tree: Valleys) -> Figure:
    from numerics.pictures.valleys import both

    return both(tree)


def _write(tree: Valleys, persistence: Path) -> None:
    import io

    import numpy as np

    from numerics.files import write

    bars = [
        (float(valley.birth), float("inf") if valley.death is None else float(valley.death))
        for valley in tree.valleys
    ]
    content = io.BytesIO()
    np.lib.format.write_array(content, np.array(bars, dtype=np.float64))
    write(persistence, content.getvalue())


def _print(tree: Valleys, rests: tuple[Limit, ...] | None) -> None:
    from rich.table import Table

    out = console()
    problem = tree.problem
    out.print(f"{problem.summary}, width {tree.width}, {tree.cells:,} cells")
    if tree.within is not None:
        out.print(f"{'in' if tree.within.beta is None else 'with'} {tree.within}")
    lowest = tree.valleys[0]
    out.print(f"global minimum {show_interval(lowest.proved_birth, lowest.birth)}")
    table = Table("valley", "bottom", "way out", "into", "depth")
    for valley in tree.valleys[:_LISTED]:
        table.add_row(
            str(valley.id),
            show_interval(valley.proved_birth, valley.birth),
            ""
            if valley.death is None or valley.proved_death is None
            else show_interval(valley.proved_death, valley.death),
            "" if valley.into is None else str(valley.into),
            "" if valley.depth is None else show(valley.depth),
        )
    out.print(table)
    if (rest := len(tree.valleys) - _LISTED) > 0:
        out.print(f"and {rest} shallower ones")
    if tree.min_depth:
        out.print(f"only valleys deeper than {show(tree.min_depth)}")
    if rests is not None:
        listed = Table("training can rest at", "which is")
        named = [limit for limit in rests if limit.kind != "stratum"]
        for limit in named[:_LISTED]:
            listed.add_row(show(limit.loss), _KINDS[limit.kind])
        out.print(listed)
        more = f" {len(named) - _LISTED} more of these," if len(named) > _LISTED else ""
        strata = len(rests) - len(named)
        out.print(
            f"and at{more} {strata} losses with lower points beside them, {len(rests)} in all"
        )


_KINDS = {
    "global": "the global minimum",
    "valley": "the bottom of a valley",
    "plateau": "a local minimum from which a path of no higher loss leads down",
}
