"""`isthmus regions`: how the regions of two optimizers meet."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from numerics.cli import options
from numerics.cli.output import EXIT_DONE, EXIT_UNDECIDED, console
from numerics.cli.task import Task
from theory.errors import BudgetError, InputError, Interrupted, Undecided
from theory.problem import format_rational, integer, is_number, positive_integer, rational
from theory.text import show

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from rich.console import Console

    from theory.connectivity.solutions import Point
    from theory.problem import Problem
    from theory.regions import Frontier, LeastRadius, Meeting, Regions
    from theory.types import Progress

_LARGE = "large"  # in place of a width: what holds at every large one

_MEANINGS = {
    "overlap": "some network is in both regions",
    "disjoint": "the same loss, but no network is in both regions",
}


@dataclass
class _Found:
    """What is known at one width; `reason` says why it is not all that was asked for."""

    width: int | None
    regions: Regions | None = None
    least: tuple[LeastRadius, ...] = ()
    frontier: Frontier | None = None
    grid: Mapping[tuple[Fraction, Fraction], Meeting | None] | None = None
    joint: LeastRadius | None = None
    meeting: Meeting | None = None
    enough: int | None = None
    reason: str = ""


def regions(
    context: typer.Context,
    problem: options.ProblemArgument,
    optimizers: Annotated[str, options.optimizers_option("Two of them, by name.", "A,B")],
    width: Annotated[
        str | None,
        typer.Option(
            metavar="M,...",
            help="Number of neurons, if PROBLEM does not say; `large` for every large one.",
        ),
    ] = None,
    at: Annotated[
        str | None,
        typer.Option(metavar="RHO_A,RHO_B", help="Only at this radius of each ball."),
    ] = None,
    weight_decay: Annotated[
        str | None,
        typer.Option(metavar="L_A,L_B", help="In place of --at: weight decays, rho = 1/L^2."),
    ] = None,
    level: Annotated[
        str | None,
        typer.Option(
            metavar="L",
            help="Of the loss; by default the least one of the width.",
        ),
    ] = None,
    vertices: Annotated[
        int, typer.Option(metavar="N", help="Radii of A at which the frontier is computed.")
    ] = 8,
    max_cells: Annotated[
        int | None,
        options.count("With more cells, look at none: only what holds at every large width."),
    ] = None,
    max_coefficients: Annotated[
        int | None, options.count("Refuse a larger program of what holds at every large width.")
    ] = None,
    time_budget: options.TimeBudget = None,
    certificate: options.Certificate = None,
    plot: Annotated[Path | None, options.plot("the phase diagram")] = None,
    reading: options.Reading = options.AS_IT_IS,
    json: options.Json = None,
) -> int:
    """How the sets {loss <= L} in the balls of two optimizers meet.

    They overlap, are disjoint although both reach L, or one of them is empty: then the least losses
    differ. A ball of radius rho has R_W = R_a = sqrt(rho), a weight decay of 1/sqrt(rho); for sgd
    rho bounds (||W||_F^2 + ||a||^2) / 2.
    """
    outputs = {"certificate": certificate, "plot": plot}
    task = Task(context.obj, [problem], json=json, time_budget=time_budget, **outputs)
    data = options.load(problem, reading)
    names = _optimizers(optimizers)
    widths = _widths(width, data.width)
    if certificate is not None and len(widths) > 1:
        raise InputError("certificate", "is of one width; pass one --width")
    if vertices < 2:
        raise InputError("vertices", f"{vertices} must be at least 2")
    radii = _radii(names, at, weight_decay)
    threshold = None if level is None else rational(level, "level")
    limits = options.given(max_cells=max_cells, max_coefficients=max_coefficients)

    studied: list[_Found] = []
    for each in widths:
        found = _Found(each)
        studied.append(found)
        with task.working(what=f"width {_shown(each)}") as report:
            _study(found, data, names, threshold, radii, vertices, plot, limits, report)
        found.reason = task.reason
        if isinstance(task.stop, Interrupted):
            break
    documents = [_document(found, names, radii) for found in studied]
    drawn = [(found.frontier, found.meeting) for found in studied if found.frontier is not None]
    if drawn:
        task.draw(partial(_figure, drawn))

    def show_all() -> None:
        out = console()
        out.print(f"{data.summary}, {names[0]} and {names[1]}")
        for found in studied:
            _print(out, found, names, radii)

    complete = len(studied) == len(widths) and not any(found.reason for found in studied)
    return task.finish(
        documents[0] if len(widths) == 1 else {"widths": documents},
        show_all,
        proved=studied[0].frontier if radii is None else studied[0].meeting,
        code=EXIT_DONE if complete else EXIT_UNDECIDED,
    )


def _figure(drawn: Sequence[tuple[Frontier, Meeting | None]]) -> Figure:
    from numerics.pictures.regions import draw_regions

    return draw_regions(drawn)


def _optimizers(text: str) -> tuple[str, str]:
    from theory.geometry import geometry

    names = [geometry(name).name for name in options.names(text)]
    if len(names) != 2:
        raise InputError("optimizers", f"name two of them, as in adamw,muon, not {len(names)}")
    if names[0] == names[1]:
        raise InputError("optimizers", f"{names[0]} is named twice; name two different ones")
    return names[0], names[1]


def _widths(text: str | None, stated: int | None) -> list[int | None]:
    if text is None:
        return [options.choose_width(None, stated)]
    widths: list[int | None] = []
    for word in options.names(text):
        if word != _LARGE and not is_number(word):
            raise InputError("width", f"{word!r} is not a number of neurons or `{_LARGE}`")
        number = None if word == _LARGE else integer(word, "width")
        widths.append(None if number is None else positive_integer(number, "width"))
    return widths


def _radii(
    names: tuple[str, str], at: str | None, decay: str | None
) -> tuple[Fraction, Fraction] | None:
    """`--at`, or what `--weight-decay` makes it."""
    if at is None and decay is None:
        return None
    if at is not None and decay is not None:
        raise InputError("at", "give it or --weight-decay, not both")
    option, text = ("at", at) if decay is None else ("weight-decay", decay)
    parts = options.names(text or "")
    if len(parts) != 2:
        raise InputError(option, f"{text!r} must be two numbers, one for each optimizer")
    values = [rational(part, option) for part in parts]
    for name, value in zip(names, values, strict=True):
        if value <= 0:
            raise InputError(option, f"{format_rational(value)} for {name} must be positive")
        if decay is not None and name == "sgd":
            raise InputError(option, "sgd has no ball; pass --at, the bound of its penalty")
    first, second = values
    return (first, second) if decay is None else (1 / first**2, 1 / second**2)


def _study(
    found: _Found,
    data: Problem,
    names: tuple[str, str],
    level: Fraction | None,
    radii: tuple[Fraction, Fraction] | None,
    vertices: int,
    plot: Path | None,
    limits: Mapping[str, Any],
    report: Progress,
) -> None:
    """Fill in one result after the other, so that an interrupt leaves what is known."""
    from theory.regions import grid
    from theory.regions import optimizer_regions as compute

    here = compute(data, names, found.width, level=level, progress=report, **limits)
    found.regions = here
    for which in range(2):
        found.least = (*found.least, here.least(which))
    if radii is None or plot is not None:
        for count in range(2, vertices + 1):  # earlier vertices are not computed again
            found.frontier = here.frontier(count)
    if radii is not None:
        found.joint = here.meet(radii[0])
        found.meeting = here.at(*radii)
        found.enough = _enough(here, found.meeting)
    if radii is None and found.frontier is not None:
        found.grid = grid(found.frontier)
        open_ = sum(point is None for point in found.grid.values())
        if open_:
            raise Undecided(f"{open_} of {len(found.grid)} points of the grid are open")


def _enough(here: Regions, meeting: Meeting) -> int | None:
    """A width from which on the regions overlap; None where there is none, or none is known."""
    if meeting.witness is not None:
        return here.width or max(1, len(meeting.witness))  # more neurons may be zero
    try:
        return here.enough(*meeting.rho)
    except (BudgetError, InputError, Undecided):
        return None


def _document(
    found: _Found, names: tuple[str, str], radii: tuple[Fraction, Fraction] | None
) -> dict[str, Any]:
    from theory.regions.grid import grid_document

    document: dict[str, Any] = {
        "width": found.width or _LARGE,
        "level": None,
        "optimizers": list(names),
        "exact": None,
        "complete": not found.reason,
        "least": {name: least.to_json() for name, least in zip(names, found.least, strict=False)},
    }
    document |= found.regions.to_json() if found.regions else {}
    if found.reason:
        document["known"] = found.reason
    if radii is None:
        document |= {"grid": grid_document(found.grid or {}), "frontier": []}
        return document | (found.frontier.to_json() if found.frontier else {})
    document |= dict.fromkeys(("rho", "phase", "empty", "witness", "neurons", "reached"))
    document |= {
        "rho": [format_rational(rho) for rho in radii],
        "joint": found.joint and found.joint.to_json(),
        "enough": found.enough,
    }
    return document | (found.meeting.to_json() if found.meeting else {})


def _shown(width: int | None) -> str:
    return _LARGE if width is None else str(width)


def _decay(rho: Fraction | None) -> str:
    return f"{1 / math.sqrt(rho):.4g}" if rho else "any"


def _print(
    out: Console,
    found: _Found,
    names: tuple[str, str],
    radii: tuple[Fraction, Fraction] | None,
) -> None:
    here = found.regions
    if here is None:
        return
    out.print(f"\n{here.size}")
    for name, least in zip(names, found.least, strict=False):
        out.print(f"least rho of {name} by itself: {least}")
    if radii is not None:
        _print_meeting(out, found, names, radii)
    elif found.frontier is not None:
        _print_frontier(out, found.frontier, names)
        _print_phases(out, found.grid or {}, names)


def _print_frontier(out: Console, frontier: Frontier, names: Sequence[str]) -> None:
    from rich.table import Table

    first, second = names
    out.print(f"the frontier: from which rho of {second} on the regions overlap")
    table = Table(f"rho of {first}", f"rho of {second}", f"1/sqrt(rho) of {first}", f"of {second}")
    for vertex in frontier.vertices:
        rho = vertex.fixed[0]
        table.add_row(show(rho), str(vertex), _decay(rho), _decay(vertex.upper))
    out.print(table)


def _print_phases(
    out: Console,
    grid: Mapping[tuple[Fraction, Fraction], Meeting | None],
    names: Sequence[str],
) -> None:
    """Each phase that occurs, what it means, and one pair of radii for it."""
    from rich.table import Table

    table = Table("phase", "that is", *(f"e.g. rho of {name}" for name in names))
    seen = set()
    for rho, meeting in grid.items():
        phase = _phase(meeting)
        if phase not in seen:
            seen.add(phase)
            table.add_row(phase, _meaning(meeting, names), *map(show, rho))
    out.print(table)


def _phase(meeting: Meeting | None) -> str:
    if meeting is None:
        return "?"
    return f"{' and '.join(meeting.empty)} empty" if meeting.empty else meeting.phase


def _meaning(meeting: Meeting | None, names: Sequence[str]) -> str:
    if meeting is None:
        return "not decided"
    if not meeting.empty:
        return _MEANINGS[meeting.phase]
    reaching = [name for name in names if name not in meeting.empty]
    if not reaching:
        return "neither reaches that loss"
    return f"different losses: {reaching[0]} reaches that loss, {meeting.empty[0]} does not"


def _print_meeting(
    out: Console,
    found: _Found,
    names: tuple[str, str],
    radii: tuple[Fraction, Fraction],
) -> None:
    first, second = names
    if found.joint is not None:
        out.print(f"least rho of {second} where {first} has {show(radii[0])}: {found.joint}")
    if found.meeting is None:
        return
    pairs = " and ".join(
        f"{name} rho = {show(rho)} (1/sqrt(rho) = {_decay(rho)})"
        for name, rho in zip(names, radii, strict=True)
    )
    out.print(f"at {pairs}")
    out.print(f"{_phase(found.meeting)}: {_meaning(found.meeting, names)}")
    if found.meeting.reached is not None:
        for who, ids in zip((*names, "both"), found.meeting.reached, strict=True):
            out.print(f"components reached by {who}: {', '.join(map(str, ids)) or 'none'}")
    if found.enough is not None:
        out.print(f"they overlap at every width >= {found.enough}")
    if found.meeting.witness is not None:
        _print_witness(out, found.meeting.witness)


def _print_witness(out: Console, witness: Point) -> None:
    from rich.table import Table

    out.print("a network of both regions, equal neurons in one row:")
    table = Table("neurons", "sign of a", "a^2", "|a| w")
    for neuron, count in Counter(witness).items():
        u = ", ".join(map(show, neuron.u))
        table.add_row(str(count), f"{neuron.sign:+d}", show(neuron.alpha), u)
    out.print(table)
