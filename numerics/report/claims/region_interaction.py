"""Phase diagrams with the points at which networks were trained; these points one by one."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import numpy as np
from matplotlib.axes import Axes

from numerics.report.sheets import Picture, Sheet
from numerics.training.meetings import TrainedMeeting
from theory.claims import Result
from theory.claims.region_interaction import Meetings
from theory.pictures import regions
from theory.text import show


def sheets(result: Result[Meetings, Mapping[str, TrainedMeeting]]) -> list[Sheet]:
    """Phase diagrams with the points at which networks were trained; these points one by one."""
    trained = result.observation.evidence.values()
    places = [each.meeting for each in trained]
    diagrams: list[Picture] = []
    for frontier in result.prediction.evidence.frontiers.values():
        found = frontier.regions
        runs = {
            str(k): meeting.rho
            for k, meeting in enumerate(places, start=1)
            if (meeting.regions.problem, meeting.regions.width, meeting.regions.balls)
            == (found.problem, found.width, found.balls)
        }
        caption = (
            "What the exact fits in the two balls do, over the two weight decays. Dots: pairs of "
            "radii with a network of both regions and a proof that the second ball cannot be "
            "smaller; in white steps between them neither is proved."
        )
        if runs:
            caption += f" Networks were trained at {', '.join(runs)}: see the pictures below."
        diagrams.append((partial(regions.phase_diagram, frontier=frontier, runs=runs), caption))
    close: list[Picture] = [
        (partial(_draw_trained, trained=each, number=k), _trained_caption(each, k))
        for k, each in enumerate(trained, start=1)
    ]
    return [Sheet("", diagrams, columns=3, most=9), Sheet(".training", close, columns=3)]


def _draw_trained(axes: Axes, trained: TrainedMeeting, number: int) -> None:
    found = trained.meeting.regions
    needs = {
        name: np.stack(
            [regions.needed(each, result.W, result.a)[runs] for each in found.optimizers],
            axis=1,
        )
        for name, result, runs in zip(
            found.optimizers, trained.results, trained.at_level, strict=True
        )
    }
    regions.both_regions(axes, found.frontier(), trained.meeting, needs)
    axes.set_title(f"{number}: {found.problem.name}, {axes.get_title()}")


def _trained_caption(trained: TrainedMeeting, number: int) -> str:
    meeting, names = trained.meeting, trained.meeting.regions.optimizers
    radii = " and ".join(
        f"{name} with $rho = {show(rho)}$" for name, rho in zip(names, meeting.rho, strict=True)
    )
    runs = "; ".join(
        f"{name}: {reached} reached their region, {shared} of these lie in both"
        for name, reached, shared in zip(names, trained.reached, trained.shared, strict=True)
    )
    return (
        f"{number}. {meeting.regions.problem.name}, width {meeting.regions.width}, {radii}. Every "
        "exact fit needs a pair of radii on the black line or above it; hatched: those in one ball "
        f"or the other. Of {len(trained.results[0].loss)} trained networks each, {runs}."
    )
