"""`isthmus train`: many seeds at once, and the component each run lands in."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from numerics.cli import options
from numerics.cli.bounds import lower_bound
from numerics.cli.output import (
    EXIT_DONE,
    EXIT_UNDECIDED,
    console,
    note,
    over_budget,
    say,
    seen,
)
from numerics.cli.outputs import Folder
from numerics.cli.task import Task
from theory.documents import bounds_document, interval_document
from theory.errors import BudgetError, InputError, Interrupted, Undecided
from theory.problem import format_rational
from theory.text import show, show_interval

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from matplotlib.figure import Figure
    from rich.table import Table

    from numerics.training.runs import Runs
    from theory.landscape import Analysis
    from theory.problem import Problem
    from theory.radii import Radii, Radius
    from theory.types import Progress
    from theory.within import Ball


def train(
    context: typer.Context,
    problem: options.ProblemArgument,
    optimizer: options.Optimizer,
    rho: options.Rho = None,
    weight_decay: options.WeightDecay = None,
    seeds: Annotated[int, options.count("Number of random starts.", "S")] = 200,
    steps: Annotated[int, options.count("Steps of each run.")] = 10_000,
    learning_rate: Annotated[
        float | None,
        typer.Option(
            metavar="LR",
            help="Of the first step; that of step t is LR / (1 + 100 t / N). By default 0.04 "
            "sqrt(RHO), and 0.01 for sgd.",
        ),
    ] = None,
    seed: Annotated[int, options.seed("Of the random starts.")] = 0,
    width: options.Width = None,
    tolerance: Annotated[
        float | None,
        typer.Option(
            metavar="T",
            help="At the least loss means at most T times twice the loss of zero weights above it "
            "(T ||y||^2 where it is squared); by default 1e-5.",
        ),
    ] = None,
    max_cells: options.MaxCells = None,
    max_assignments: Annotated[
        int | None, options.count("Refuse a search for nearest cells that is larger.")
    ] = None,
    time_budget: options.TimeBudget = None,
    networks: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Write the trained networks there, as 0.json, 1.json, ...",
        ),
    ] = None,
    plot: Annotated[Path | None, options.plot("where the runs end")] = None,
    reading: options.Reading = options.AS_IT_IS,
    json: options.Json = None,
) -> int:
    """Train many networks at once and see which component of least loss each one reaches.

    A run that does not reach the least loss is counted as not converged, one whose weights overflow
    as diverged. For sgd, which has no ball, the weight decay is the beta of the l2 penalty. Where
    the landscape has too many cells the runs are trained all the same.
    """
    from numerics.files import as_json, write_folder
    from theory.geometry import geometry

    nets = networks and Folder(networks, ("[0-9]*.json",))
    task = Task(
        context.obj, [problem], json=json, plot=plot, time_budget=time_budget, networks=nets
    )
    data = options.load(problem, reading)
    width = options.choose_width(width, data.width)
    radius = options.needed_radius(rho, weight_decay)
    optimizer = geometry(optimizer).name
    if learning_rate is not None and not 0 < learning_rate < math.inf:
        raise InputError("learning-rate", f"{learning_rate} must be positive and finite")
    if tolerance is not None and not 0 <= tolerance < math.inf:
        raise InputError("tolerance", f"{tolerance} must be a number, at least 0")

    with seen("loading torch"):
        from numerics.training.loop import require_apart, require_memory
        from numerics.training.loop import train as train_networks
        from numerics.training.optimizers import OPTIMIZERS
        from numerics.training.runs import DEFAULT_TOLERANCE, Runs, located
    from theory.within import Ball, Penalty, Within, settled

    # Without a ball the weight decay 1 / sqrt(rho) is that of a penalty.
    within: Within
    if optimizer == Penalty.optimizer:
        within = Penalty(1 / Fraction(math.sqrt(radius)))
    else:
        within = Ball(optimizer, radius)
    data, _ = settled(data, within)
    schedule = OPTIMIZERS[optimizer].default_schedule(within, steps)
    if learning_rate is not None:
        schedule = replace(schedule, initial=learning_rate)
    require_memory(data, width, seeds)
    cells = options.given(max_cells=max_cells)
    known = _Known(data, width, optimizer, radius, cells)
    runs: Runs | None = None
    with task.working() as report:
        try:
            known.study(report)
        except BudgetError as error:
            note(f"the least loss, and where runs land, will not be computed: {over_budget(error)}")
        _refuse_small_ball(known)
        if tolerance is not None and known.analysis is not None:
            require_apart(known.analysis, tolerance)
    if task.stop is None:
        with task.working(steps) as report:
            result = train_networks(
                data,
                width,
                within,
                seeds=seeds,
                steps=steps,
                seed=seed,
                schedule=schedule,
                progress=report,
            )
            near = DEFAULT_TOLERANCE if tolerance is None else tolerance
            runs = Runs(result, None, known.minimum, near)
    if runs is not None:
        if known.at_least and known.analysis is not None:
            with task.working(what="where runs landed is not known"):
                limit = options.given(max_assignments=max_assignments)
                runs = located(result, known.analysis, tolerance=tolerance, **limit)
        if runs.complete and task.stop is None:
            with task.working(what="where runs end is not named") as report:
                runs = _named(runs, known, cells, report)
                if isinstance(within, Ball) and runs.landing is not None:
                    runs = _placed(runs, within, cells, report)
        if not runs.complete:
            say(str(Interrupted()))
    if runs is not None:
        task.draw(partial(_figure, runs))
    complete = runs is not None and runs.complete and task.stop is None
    if runs is not None and networks is not None:
        trained_networks = runs.result.networks().items()
        documents = {f"{run}.json": as_json(network.to_json()) for run, network in trained_networks}
        write_folder(networks, documents, command="train")
        task.lines.append(f"networks: {networks}")

    nothing: dict[str, Any] = {
        "optimizer": optimizer,
        "width": width,
        "rho": format_rational(radius),
        "runs": seeds,
        "steps": 0,
        "seed": seed,
        "learning_rate": schedule.initial,
        "complete": False,
        "zero_loss": 0,
        "landed": None,
        "max_violation": None,
        "median_fw_gap": None,
    }
    figures = runs.to_json() if runs else {}
    figures["rho"] = nothing["rho"]  # of a penalty it is known in floating point only
    return task.finish(
        nothing | figures | known.to_json(),
        None if runs is None else partial(_print, runs, known),
        code=EXIT_DONE if complete else EXIT_UNDECIDED,
    )


def _figure(runs: Runs) -> Figure:
    from numerics.pictures.results import ends

    return ends(runs)


@dataclass
class _Known:
    """What is known of the landscape before the training; each of it only where it is complete.

    analysis: without a ball. radii: the least that reach its components. bounds: of the least loss
    in the ball.
    """

    data: Problem
    width: int
    optimizer: str
    rho: Fraction
    limit: Mapping[str, Any]  # on cells
    analysis: Analysis | None = None
    radii: Radii | None = None
    bounds: tuple[Fraction, Fraction] | None = None

    @property
    def minimum(self) -> Fraction | None:
        """The least loss in the ball, from above."""
        return self.bounds and self.bounds[1]

    @property
    def at_least(self) -> bool:
        """Whether the ball reaches the components of least loss, which are known exactly."""
        analysis = self.analysis
        return analysis is not None and analysis.level == analysis.minimum == self.minimum

    @property
    def out_of_reach(self) -> bool:
        """Whether there are exact fits, but the ball holds none."""
        if self.radii is None or self.analysis is None or self.analysis.minimum:
            return False
        bounds = (component[self.optimizer] for component in self.radii.components)
        return self.data.loss.fits and all(self.rho < radius.lower for radius in bounds)

    def to_json(self) -> dict[str, Any]:
        document: dict[str, Any] = {
            "minimum": self.analysis and format_rational(self.analysis.minimum),
            "minimum_in_ball": self.bounds and bounds_document(*self.bounds),
        }
        if self.radii is not None:
            document["radii"] = {
                str(component): interval_document(
                    each[self.optimizer].lower, each[self.optimizer].upper
                )
                for component, each in enumerate(self.radii.components)
            }
        return document

    def study(self, report: Progress) -> None:
        """Fill in one result after the other, so that an interrupt leaves what is known."""
        from theory.radii import OPTIMIZERS

        try:
            self._components(report)
        except InputError as error:
            if _usual(self.data):
                raise
            what = "where runs land" if self.analysis is None else "the radii of components"
            note(f"{what} will not be computed: {error}")
            if self.optimizer in OPTIMIZERS:
                try:
                    self.bounds = self._least_in_ball(report)
                except InputError as why:
                    note(f"the least loss in the ball will not be computed: {why}")

    def _components(self, report: Progress) -> None:
        """The components of least loss without a ball, which of them the ball reaches, and the
        least loss in it."""
        from theory.landscape import analyse
        from theory.radii import OPTIMIZERS, least_radii

        analysis = analyse(self.data, self.width, progress=report, **self.limit)
        if not analysis.complete:
            raise Interrupted
        self.analysis = analysis
        if self.optimizer not in OPTIMIZERS:  # without a ball
            self.bounds = analysis.minimum, analysis.minimum
            return
        found = least_radii(analysis, [self.optimizer], progress=report)
        if not found.complete:
            raise Interrupted
        self.radii = found
        bounds = [component[self.optimizer] for component in found.components]
        if any(radius.upper <= self.rho for radius in bounds):
            self.bounds = analysis.minimum, analysis.minimum
        elif not self.out_of_reach:
            self.bounds = self._least_in_ball(report)

    def _least_in_ball(self, report: Progress) -> tuple[Fraction, Fraction] | None:
        """From both sides; None where that leaves open which runs are at it."""
        from numerics.training.runs import DEFAULT_TOLERANCE
        from theory.landscape.cells import CellComplex
        from theory.landscape.least import least
        from theory.within import Ball

        inside = Ball(self.optimizer, self.rho)
        ball = CellComplex.of(self.data, self.width, within=inside, **self.limit)
        lowest = least(ball, tick=partial(report, "least loss in the ball, minima computed"))
        if lowest.value - lowest.lower > DEFAULT_TOLERANCE * 2 * self.data.zero:
            between = show_interval(lowest.lower, lowest.value)
            note(f"the least loss in the ball is not known; it is proved to be in {between}")
            return None
        return lowest.lower, lowest.value


def _usual(problem: Problem) -> bool:
    """Whether everything is known of such problems, but for their size."""
    return problem.is_plain and problem.bias in (None, "decayed")


def _named(runs: Runs, known: _Known, limit: Mapping[str, Any], report: Progress) -> Runs:
    """The runs with names for where they ended: by the whole tree, where it is in reach, else by
    the cell of each; without them where neither is known for such a problem."""
    from theory.landscape import valleys

    config = runs.result.config
    problem = config.problem
    try:
        if known.analysis is not None or not _usual(problem):
            try:
                within = config.within
                tree = valleys(problem, config.width, within=within, progress=report, **limit)
                if not tree.complete:
                    raise Interrupted
                return runs.named(tree, **limit)
            except BudgetError as error:
                note(f"runs will be named without the merge tree: {over_budget(error)}")
        return _named_by_cells(runs, report)
    except InputError as error:
        if _usual(problem):
            raise
        note(f"where runs end is not named: {error}")
        return runs


def _named_by_cells(runs: Runs, report: Progress) -> Runs:
    """The same where that takes no longer than seconds, or than the training did."""
    from theory.landscape.classify import Classifier

    config = runs.result.config
    problem, width, within = config.problem, config.width, config.within
    entries = runs.count * problem.n * problem.d * width
    if entries > _ENTRIES and config.steps < _AS_LONG:
        note(
            f"where runs end is not named: programs of their cells have {entries:,} entries, which "
            f"takes as long as {_AS_LONG:,} steps; train for that many, or fewer seeds"
        )
        return runs
    bound = lower_bound(problem, within, width)
    return runs.named_by_cells(Classifier(problem, width, within, bound=bound, progress=report))


def _placed(runs: Runs, ball: Ball, limit: Mapping[str, Any], report: Progress) -> Runs:
    """The runs that are by theorem where they landed."""
    from theory.landscape.membership import Membership

    config = runs.result.config
    try:
        found = Membership(config.problem, config.width, within=ball, progress=report, **limit)
        return runs.placed(found)
    except BudgetError as error:
        note(f"where runs landed is not proved: {over_budget(error)}")
    except Undecided as error:
        note(f"where runs landed is not proved: {error}")
    return runs


def _refuse_small_ball(known: _Known) -> None:
    """No run could fit where even the nearest component is out of reach."""
    if known.radii is not None and known.out_of_reach:
        optimizer, rho = known.optimizer, known.rho
        nearest = min((each[optimizer] for each in known.radii.components), key=lambda r: r.upper)
        exact = nearest.lower == nearest.upper
        enough = show(nearest.upper) if exact else f"{math.ceil(nearest.upper * 10**6) / 10**6:.6f}"
        raise InputError(
            "rho",
            f"{show(rho)} is too small: the ball of {optimizer} holds no network of zero loss; "
            f"the smallest that does has rho = {enough}",
        )


def _print(runs: Runs, known: _Known) -> None:
    from rich.table import Table

    out = console()
    config = runs.result.config
    problem = config.problem
    name, rho, figures = known.optimizer, known.rho, runs.to_json()
    out.print(f"{problem.summary}, width {config.width}")
    out.print(
        f"{name}, rho = {show(rho)}: {runs.count:,} runs of {runs.result.steps:,} steps, "
        f"first learning rate {config.schedule.initial:.3g}"
    )
    for line in _minima(known):
        out.print(line)
    table = Table("runs end", "runs", "proved", "least rho that reaches it")
    proved = runs.proved_landed
    for component, count in runs.landed.items():
        radius = known.radii.components[component][name] if known.radii else None
        certain = "" if proved is None else str(proved[component])
        table.add_row(f"in component {component}", str(count), certain, _reach(radius, rho))
    if runs.landing is None:
        least = "at the least loss in the ball" if runs.minimum else "at zero loss"
        table.add_row(least, str(runs.at_minimum))
    rest = "above the least loss" if runs.minimum else "not at zero loss"
    table.add_row(rest, str(runs.not_converged))
    table.add_row("diverged", str(runs.diverged))
    out.print(table)
    above = figures["above_minimum"]
    if runs.minimum and above["best"] is not None:
        out.print(
            f"loss above the minimum: best {above['best']:.3g}, median {above['median']:.3g}; "
            f"up to {runs.tolerance:.3g} times twice the loss of zero weights counts as at it"
        )
    elif runs.minimum is None and figures["least_loss"] is not None:
        out.print(f"loss: best {figures['least_loss']:.6g}, median {figures['median_loss']:.6g}")
    if runs.ends is not None:
        out.print(_ends(runs))
    if runs.other_losses and (runs.ends is None or figures["ends"]["moving"]):
        out.print(_losses(runs.other_losses))
    for key, label in _MEASURES.items():
        if figures[key] is not None:
            if key == "median_fw_gap" and not problem.loss.smooth:
                label = _ONE_SUBGRADIENT
            out.print(f"{label} {figures[key]:.3g}")


def _minima(known: _Known) -> Iterator[str]:
    """What losses are to be compared with, where that is not zero."""
    analysis, bounds = known.analysis, known.bounds
    if analysis is not None and analysis.minimum:
        least = show_interval(analysis.proved, analysis.minimum)
        yield f"no network of this width has loss 0: the global minimum is {least}"
        if bounds is not None and bounds[1] != analysis.minimum:
            yield f"the global minimum in the ball of {known.optimizer} is {show_interval(*bounds)}"


def _ends(runs: Runs) -> Table:
    """Where all runs ended, by name."""
    from rich.table import Table

    from theory.landscape.kinks import MOST

    assert runs.ends is not None
    smooth = runs.result.config.problem.loss.smooth
    found = runs.ended or {}
    table = Table("runs rest", "loss there", "runs", "proved")
    bottoms = {end.valley: end.loss for end in runs.ends if end.kind in ("global", "valley")}
    for kind, name in (("global", "in the global valley"), ("valleys", "in valley")):
        for valley, count in found[kind].items():
            proved = sum(runs.ends[run].valley == valley for run in runs.proved)
            loss = f"{float(bottoms[valley] or 0):.6g}"
            which = "at a global minimum" if valley is None else f"{name} {valley}"
            table.add_row(which, loss, str(count), str(proved))
    for kind, name, others in (
        ("minima", "at a local minimum, valley unknown", "at higher ones"),
        ("plateaus", "on a plateau", "on higher plateaus"),
    ):
        levels = list(found[kind].items())
        for loss, count in levels[:_LOSSES]:
            table.add_row(name, f"{float(loss):.6g}", str(count), "")
        if rest := levels[_LOSSES:]:
            table.add_row(others, f"to {float(rest[-1][0]):.6g}", str(sum(c for _, c in rest)), "")
    for kind, name in (
        ("kinks", "on a kink"),
        ("undecided", "at the least of a cell, a minimum or not"),
        ("moving", "nowhere: still moving" if smooth else "nowhere, or on a kink of the loss"),
    ):
        if found[kind]:
            table.add_row(name, "", str(found[kind]), "")
    many = sum(end.kinks > MOST for end in runs.ends if end.kind == "moving")
    if many:
        table.add_row(f"  on more than {MOST} kinks, no rest found", "", str(many), "")
    return table


def _losses(found: list[tuple[float, int]]) -> Table:
    """Where the runs end that are not at the least loss, the lowest losses first."""
    from rich.table import Table

    table = Table("loss of the other runs", "runs")
    for loss, count in found[:_LOSSES]:
        table.add_row(f"{loss:.6g}", str(count))
    if rest := found[_LOSSES:]:
        table.add_row(f"higher, to {rest[-1][0]:.6g}", str(sum(count for _, count in rest)))
    return table


_LOSSES = 8  # that are listed

_ENTRIES = 10**6  # of matrices of convex programs, which take some seconds
_AS_LONG = 2500  # steps of a run take as long as the program of its cell

_MEASURES = {
    "max_violation": "largest distance outside the ball, relative to its radius:",
    "median_fw_gap": "median Frank-Wolfe gap (zero at KKT points):",
    "largest_distance": "largest distance of a run at the least loss to its component:",
}
_ONE_SUBGRADIENT = (
    "median Frank-Wolfe gap, of one subgradient (on kinks of the loss another is less):"
)


def _reach(radius: Radius | None, rho: Fraction) -> str:
    if radius is None:
        return ""
    outside = " (outside the ball)" if rho < radius.lower else ""
    return show_interval(radius.lower, radius.upper) + outside
