"""`isthmus train`: many seeds at once, and the component each run lands in."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from numerics.cli import options
from numerics.cli.output import (
    EXIT_DONE,
    EXIT_UNDECIDED,
    console,
    emit,
    over_budget,
    progress,
    say,
)
from numerics.cli.outputs import Folder, check_outputs
from numerics.text import show, show_interval
from theory.errors import BudgetError, InputError, Interrupted
from theory.problem import format_rational, positive_integer, rational

if TYPE_CHECKING:
    from fractions import Fraction

    from numerics.runs import Runs
    from theory.landscape import Analysis
    from theory.regions import Radii, Radius


def train(
    context: typer.Context,
    problem: options.ProblemArgument,
    optimizer: options.Optimizer,
    rho: Annotated[
        str, typer.Option(metavar="RHO", help="R_W R_a: weight decay 1/sqrt(RHO) on both layers.")
    ],
    seeds: Annotated[int, typer.Option(metavar="S", help="Number of random starts.")] = 200,
    steps: Annotated[int, typer.Option(metavar="N", help="Steps of each run.")] = 10_000,
    seed: Annotated[int, typer.Option(metavar="K", help="Of the random starts.")] = 0,
    width: options.Width = None,
    tolerance: Annotated[
        float | None,
        typer.Option(metavar="T", help="Zero loss means at most T ||y||^2; by default 1e-5."),
    ] = None,
    max_cells: options.MaxCells = None,
    max_assignments: Annotated[
        int | None,
        typer.Option(metavar="N", help="Refuse a search for nearest cells that is larger."),
    ] = None,
    networks: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Write the trained networks there, as 0.json, 1.json, ...; then also where the "
            "landscape is too large to say where they land.",
        ),
    ] = None,
    target: options.Target = None,
    drop: options.Drop = None,
    floats: options.Floats = None,
    bias: options.Bias = False,
    json: options.Json = None,
) -> int:
    """Train many networks at once and see which component of exact fits each one reaches.

    A run that does not reach zero loss is counted as not converged, one whose weights overflow as
    diverged. For sgd, which has no ball, the weight decay is the beta of the l2 penalty.
    """
    from numerics.files import as_json, provenance, write_folder
    from theory.geometry import geometry

    nets = networks and Folder(networks, ("[0-9]*.json",))
    check_outputs([problem], json=json, networks=nets)
    data = options.load(problem, target, floats, bias, drop)
    width = options.choose_width(width, data.width)
    radius = rational(rho, "rho")
    if radius <= 0:
        raise InputError("rho", f"{rho} must be positive")
    optimizer = geometry(optimizer).name
    positive_integer(seeds, "seeds")
    positive_integer(steps, "steps")
    if seed < 0:
        raise InputError("seed", f"{seed} must not be negative")
    if tolerance is not None and not 0 <= tolerance < math.inf:
        raise InputError("tolerance", f"{tolerance} must be a number, at least 0")

    from numerics.runs import DEFAULT_MAX_ASSIGNMENTS, Runs, train_runs
    from numerics.training import train as train_networks
    from theory.landscape import DEFAULT_MAX_CELLS, analyse
    from theory.regions import OPTIMIZERS, radii

    cells = DEFAULT_MAX_CELLS if max_cells is None else positive_integer(max_cells, "max-cells")
    assignments = (
        DEFAULT_MAX_ASSIGNMENTS
        if max_assignments is None
        else positive_integer(max_assignments, "max-assignments")
    )
    analysis: Analysis | None = None
    found: Radii | None = None
    runs: Runs | None = None
    try:
        with progress() as report:
            analysis = analyse(data, width, max_cells=cells, progress=report)
            if analysis.complete and analysis.minimum == 0 and optimizer in OPTIMIZERS:
                found = radii(analysis, [optimizer], progress=report)
        if analysis.complete and (found is None or found.complete):
            if found is not None:
                _refuse_small_ball(found, optimizer, radius)
            with progress(steps) as report:
                runs = train_runs(
                    analysis,
                    optimizer,
                    radius,
                    seeds=seeds,
                    steps=steps,
                    seed=seed,
                    tolerance=tolerance,
                    max_assignments=assignments,
                    progress=report,
                )
        if runs is None or not runs.complete:
            say(str(Interrupted()))
    except BudgetError as error:
        say(over_budget(error))
        if networks is not None:
            say("training all the same; where the networks land is not known")
            with progress(steps) as report:
                trained = train_networks(
                    data,
                    width,
                    optimizer,
                    radius,
                    seeds=seeds,
                    steps=steps,
                    seed=seed,
                    progress=report,
                )
            runs = Runs(trained, None)
    except Interrupted as error:
        say(str(error))
    complete = runs is not None and runs.complete
    if runs is not None and networks is not None:
        trained_networks = runs.result.networks().items()
        documents = {f"{run}.json": as_json(network.to_json()) for run, network in trained_networks}
        write_folder(networks, documents, command="train")

    nothing: dict[str, Any] = {
        "optimizer": optimizer,
        "width": width,
        "rho": format_rational(radius),
        "runs": seeds,
        "steps": 0,
        "seed": seed,
        "complete": False,
        "zero_loss": 0,
        "landed": {},
        "max_violation": None,
        "median_fw_gap": None,
    }
    landscape = {} if analysis is None else _landscape(analysis, found, optimizer)
    emit(nothing | (runs.to_json() if runs else {}) | landscape | provenance(context.obj), json)
    if json != "-" and runs:
        _print(runs, analysis, found)
        if networks is not None:
            print(f"networks: {networks}")
    return EXIT_DONE if complete else EXIT_UNDECIDED


def _refuse_small_ball(found: Radii, optimizer: str, rho: Fraction) -> None:
    """No run could reach zero loss where even the nearest component is out of reach."""
    nearest = min((component[optimizer] for component in found.components), key=lambda r: r.upper)
    if all(rho < component[optimizer].lower for component in found.components):
        exact = nearest.lower == nearest.upper
        enough = show(nearest.upper) if exact else f"{math.ceil(nearest.upper * 10**6) / 10**6:.6f}"
        raise InputError(
            "rho",
            f"{show(rho)} is too small: the ball of {optimizer} holds no network of zero loss; "
            f"the smallest that does has rho = {enough}",
        )


def _landscape(analysis: Analysis, found: Radii | None, optimizer: str) -> dict[str, Any]:
    """What is known of the components before the training."""
    document: dict[str, Any] = {"minimum": format_rational(analysis.minimum)}
    if found is not None and found.complete:
        document["radii"] = {
            str(component): {
                "lower": format_rational(radius[optimizer].lower),
                "upper": format_rational(radius[optimizer].upper),
            }
            for component, radius in enumerate(found.components)
        }
    return document


def _print(runs: Runs, analysis: Analysis | None, found: Radii | None) -> None:
    from rich.table import Table

    out = console()
    config = runs.result.config
    problem = config.problem
    name, figures = config.optimizer.name, runs.to_json()
    out.print(f"n = {problem.n}, d = {problem.d}, width {config.width}")
    out.print(
        f"{name}, rho = {show(config.rho)}: {runs.count:,} runs of {runs.result.steps:,} steps"
    )
    if analysis is None:
        if figures["least_loss"] is not None:
            out.print(f"least loss of a run {figures['least_loss']:.6g}")
    elif runs.landing is None:
        out.print(
            f"no network of this width fits exactly: the least loss is {show(analysis.minimum)}, "
            f"the runs' least {figures['least_loss']:.6g}"
        )
    table = Table("runs end", "runs", "least rho that reaches it")
    for component, count in runs.landed.items():
        radius = found.components[component][name] if found else None
        table.add_row(f"in component {component}", str(count), _reach(radius, config.rho))
    if analysis is not None:
        table.add_row("not at zero loss", str(runs.not_converged), "")
    table.add_row("diverged", str(runs.diverged), "")
    out.print(table)
    for key, label in _MEASURES.items():
        if figures[key] is not None:
            out.print(f"{label} {figures[key]:.3g}")


_MEASURES = {
    "max_violation": "largest distance outside the ball, relative to its radius:",
    "median_fw_gap": "median Frank-Wolfe gap (zero at KKT points):",
    "largest_distance": "largest distance of a run at zero loss to its component:",
}


def _reach(radius: Radius | None, rho: Fraction) -> str:
    if radius is None:
        return ""
    outside = " (outside the ball)" if rho < radius.lower else ""
    return show_interval(radius.lower, radius.upper) + outside
