"""`isthmus classify`: what kind of point one network is, at any size, with proof."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from numerics.cli import options
from numerics.cli.bounds import lower_bound
from numerics.cli.output import console
from numerics.cli.task import Task
from theory.documents import exact
from theory.text import show, show_interval

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from theory.landscape.classify import Classified
    from theory.network import Network
    from theory.problem import Problem


def classify(
    context: typer.Context,
    network: Annotated[
        Path,
        typer.Argument(metavar="NETWORK", help='A network {"W", "a"}, JSON; floats are exact.'),
    ],
    problem: options.ProblemOption,
    within: Annotated[
        str | None,
        options.within_option("In this optimizer's ball, or with the penalty of sgd."),
    ] = None,
    rho: options.Rho = None,
    weight_decay: options.WeightDecay = None,
    beta: options.Beta = None,
    polish: Annotated[
        bool,
        typer.Option(
            "--polish",
            help="Follow the loss down, cell by cell, to a local minimum: exact where that can be.",
        ),
    ] = False,
    max_cells: Annotated[
        int | None, options.count("Refuse neurons on kinks with more cones to go to than this.")
    ] = None,
    time_budget: options.TimeBudget = None,
    certificate: options.Certificate = None,
    plot: Annotated[
        Path | None, options.plot("what the network, and the one it is led to, say at the data")
    ] = None,
    reading: options.Reading = options.AS_IT_IS,
    json: options.Json = None,
) -> int:
    """Say whether a network is a minimum, a plateau, a saddle, at rest on a kink, or none of these.

    By the cells around it, so at any n, d and width. The certificate is of the stationary point
    that the network is at or near, or with --polish is led to.
    """
    reads, outputs = (problem, network), {"certificate": certificate, "plot": plot}
    task = Task(context.obj, reads, json=json, time_budget=time_budget, **outputs)
    data = options.load(problem, reading)
    point = options.load_network(network)
    place = options.ball_or_penalty(within, rho, weight_decay, beta)

    from theory.landscape.classify import Classifier

    found: Classified | None = None
    polished: Classified | None = None
    with task.working() as report:
        limit = options.given(max_cells=max_cells)
        bound = None if place is None else lower_bound(data, place, point.width)
        classifier = Classifier(data, point.width, place, bound=bound, progress=report, **limit)
        found = classifier.of(point)
        polished = classifier.polished(found) if polish else None
    document: dict[str, Any] = {
        "within": place and place.optimizer,
        "rho": exact(None if place is None else place.rho),
        "beta": exact(None if place is None else place.beta),
        "verdict": None,
        **task.known,
    }
    if found is not None:
        document |= found.to_json()
        document["polished"] = None if polished is None else polished.to_json()
    last = polished or found
    proved = None if last is None or last.dual is None else last
    if last is not None and proved is None and certificate is not None:
        why = f"there is none that a network is {last.verdict}"
        if last.slack is not None and last.stationary is not None:
            why = "it takes a dual vector for each cell around, and certificates have one for all"
        task.lines.append(f"no proof written: {why}")

    if found is not None:
        task.draw(partial(_figure, data, found, polished))

    def show_all() -> None:
        if found is not None:
            _print(found)
        if polished is not None:
            print("the loss falls from cell to cell to")
            _print(polished)

    return task.finish(document, show_all, proved=proved)


def _figure(data: Problem, found: Classified, polished: Classified | None) -> Figure:
    from numerics.pictures.results import fits

    networks: dict[str, Network] = {found.verdict: found.network}
    if polished is not None:
        networks[f"polished, {polished.verdict}"] = polished.network
    return fits(data, networks)


def _print(found: Classified) -> None:
    out = console()
    what = "loss" if found.within is None or found.within.rho is not None else "loss + penalty"
    out.print(f"{found.verdict}, of {what} {show(found.loss)}")
    lower, upper = found.cell_minimum
    out.print(f"the cells around it have a least {what} of {show_interval(lower, upper)}")
    out.print(f"it is above that by at most {show(found.distance)}")
    name = "length of the gradient" if found.within is None else "Frank-Wolfe gap"
    if found.within is not None and found.within.rho is None:
        name = "length of the gradient"
    out.print(f"{name} {found.gap:.3g}")
    if found.valley is not None:
        out.print(f"in valley {found.valley} of `isthmus valleys`")
    if found.slack is not None:
        point = "it" if found.stationary == found.network else "the stationary point nearby"
        by = "" if not found.slack else f" by more than {show(found.slack)}"
        out.print(f"proved: no network around {point} is lower{by}")
    if found.lower is not None:
        out.print(f"a path of no higher {what} leads to one lower")
    if found.rest is not None:
        for (row, neuron), share in zip(found.rest.kinks, found.rest.shares.tolist(), strict=True):
            out.print(f"neuron {neuron} on the kink of row {row}: {share:.3g} of the steps beyond")
