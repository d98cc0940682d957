"""`isthmus solve`: the optimum of training inside an optimizer's ball, proved from both sides."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Annotated, Any

import typer

from numerics.cli import options
from numerics.cli.output import EXIT_DONE, EXIT_UNDECIDED, console, emit, progress, say
from numerics.cli.outputs import check_outputs
from numerics.text import decimal, show, show_interval
from theory.errors import InputError, Interrupted, SolverFailure
from theory.problem import format_rational, positive_integer, rational

if TYPE_CHECKING:
    from theory.programs import Loss, Optimum


def solve(
    context: typer.Context,
    problem: options.ProblemArgument,
    optimizer: options.Optimizer,
    width: options.Width = None,
    rho: options.Rho = None,
    weight_decay: options.WeightDecay = None,
    beta: options.Beta = None,
    loss: Annotated[
        str, typer.Option(metavar="LOSS", help="squared, logistic (labels 1, -1) or huber:M.")
    ] = "squared",
    max_patterns: Annotated[
        int | None,
        typer.Option(metavar="N", help="Search for patterns where there are more than this."),
    ] = None,
    max_cells: options.MaxCells = None,
    seed: Annotated[int, typer.Option(metavar="K", help="Of that search.")] = 0,
    certificate: options.Certificate = None,
    target: options.Target = None,
    drop: options.Drop = None,
    floats: options.Floats = None,
    bias: options.Bias = False,
    json: options.Json = None,
) -> int:
    """The least loss in an optimizer's ball (sgd: of loss + penalty): an interval, and a network.

    From the convex program over all activation patterns; where that is not tight at a small width,
    from all cells of that width. With more patterns than --max-patterns the lower bound holds over
    the patterns priced only, and proves nothing of others. Exit code 3 where a gap is left.
    """
    from numerics.files import write_json
    from theory.certificates import certify
    from theory.landscape.cells import DEFAULT_MAX_CELLS
    from theory.programs import MAX_PATTERNS
    from theory.programs import solve as compute
    from theory.within import within_of

    check_outputs([problem], json=json, certificate=certificate)
    data = options.load(problem, target, floats, bias, drop)
    within = within_of(optimizer, rho=options.radius(rho, weight_decay), beta=beta)
    chosen = _loss(loss)
    if certificate is not None and chosen.name != "squared":
        raise InputError("certificate", "only optima of the squared loss have one")
    if seed < 0:
        raise InputError("seed", f"{seed} must not be negative")
    found: Optimum | None = None
    failure = ""
    try:
        with progress() as report:
            found = compute(
                data,
                within,
                width=data.width if width is None else positive_integer(width, "width"),
                loss=chosen,
                max_patterns=MAX_PATTERNS if max_patterns is None else max_patterns,
                max_cells=DEFAULT_MAX_CELLS if max_cells is None else max_cells,
                seed=seed,
                progress=report,
            )
    except (SolverFailure, Interrupted) as error:
        failure = str(error)
        say(failure)
    if found is not None and certificate is not None:
        write_json(certificate, certify(found))
    known: dict[str, Any] = {"optimizer": within.optimizer, "complete": found is not None}
    if found is None:
        known["known"] = failure
    emit(known | _document(found), json, context.obj)
    if json != "-" and found is not None:
        _print(found)
        if certificate is not None:
            print(f"proof: {certificate}")
    elif found is not None and not found.decided:
        say(_undecided(found))
    return EXIT_DONE if found is not None and found.decided else EXIT_UNDECIDED


def _loss(name: str) -> Loss:
    from theory.programs import LOSSES, Huber

    kind, _, threshold = name.partition(":")
    if kind == "huber" and threshold:
        return Huber(rational(threshold, "loss"))
    if name not in LOSSES:
        raise InputError("loss", f"{name!r} is not one of {', '.join(LOSSES)}, huber:M")
    return LOSSES[name]


def _document(found: Optimum | None) -> dict[str, Any]:
    if found is None:
        return {}

    def text(value: Fraction | None) -> str | None:
        return None if value is None else format_rational(value)

    return {
        "width": found.width,
        "rho": text(found.within.rho),
        "beta": text(found.within.beta),
        "loss": found.loss.name,
        "value": text(found.upper),
        "lower": text(found.lower),
        "upper": text(found.upper),
        "lower_holds_for": "every network" if found.whole else "networks of the patterns priced",
        "relative_gap": found.relative_gap,
        "decided": found.decided,
        "neurons": found.neurons,
        "patterns": found.patterns,
        "all_patterns": found.whole,
        "all_cells": found.cells is not None,
        "network": found.network.to_json(),
        "relaxation": {
            "lower": text(found.relaxed.lower),
            "upper": text(found.relaxed.upper),
            "neurons": found.relaxed.neurons,
            "network": found.relaxed.network.to_json(),
        },
    }


def _what(found: Optimum) -> str:
    what = "loss" if found.within.beta is None else "loss + penalty"
    return f"least {what}{'' if found.whole else ' over the patterns priced'}"


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
        f"not decided at {width}: {_what(found)} {interval}, a relative gap of "
        f"{found.relative_gap:.2g}; {_program(found)}"
    )


def _print(found: Optimum) -> None:
    out = console()
    if found.lower is not None and not found.decided:
        out.print(_undecided(found))
    problem = found.problem
    width = "any width" if found.width is None else f"width {found.width}"
    within = found.within
    where = f"rho = {show(within.rho)}" if within.rho else f"beta = {show(within.beta)}"
    out.print(f"n = {problem.n}, d = {problem.d}, {width}, {within.optimizer}, {where}")
    scope = "all there are" if found.whole else "not all there are"
    out.print(f"activation patterns priced: {found.patterns:,} ({scope})")
    if found.lower is None:
        out.print(f"least {found.loss.name} loss {show(found.upper)}, not proved")
    else:
        out.print(f"{_what(found)}: {show_interval(found.lower, found.upper)}")
        kind = "proved gap" if found.whole else "gap over the patterns priced (no proof for others)"
        out.print(
            f"{kind} {decimal(found.gap or Fraction(), 3)}, relative {found.relative_gap:.2g}"
        )
    out.print(f"neurons of the network that attains the upper end: {found.neurons}")
    if found.relaxed.lower is not None and found.relaxed.upper < found.upper:
        out.print(_program(found))
