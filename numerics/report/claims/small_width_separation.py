"""The whole story of one landscape, and where trained networks land in it."""

from __future__ import annotations

from functools import partial

from numerics.pictures.runs import draw_landings, draw_levels, draw_runs, is_entrywise
from numerics.report.sheets import Picture, Sheet
from numerics.training.runs import Runs
from theory.claims import Result
from theory.claims.small_width_separation import EXCESS, Landscapes
from theory.claims.training import Trained
from theory.landscape import Analysis, Merge
from theory.pictures import landscapes
from theory.pictures.data import is_line
from theory.radii import Radii
from theory.text import show, show_interval


def sheets(result: Result[Landscapes, Trained[Runs]]) -> list[Sheet]:
    return [
        Sheet("", _landscape(result), columns=3, most=3),
        Sheet(".training", _training(result), columns=2),
    ]


def _landscape(result: Result[Landscapes, Trained[Runs]]) -> list[Picture]:
    """The whole story of the first landscape, then the trees of the others."""
    analyses = result.prediction.evidence.analyses
    first = next(iter(analyses.values()))
    pictures: list[Picture] = [
        (partial(landscapes.draw_fits, analysis=first), _fits_caption(first))
    ]
    if first.merges:
        highest = first.merges[-1]
        draw_path = partial(landscapes.draw_path, analysis=first, merge=highest)
        pictures.append((draw_path, _path_caption(highest)))
    pictures.extend(
        (partial(landscapes.draw_tree, analysis=analysis), _tree_caption(name, analysis))
        for name, analysis in analyses.items()
    )
    return pictures


def _fits_caption(analysis: Analysis) -> str:
    problem = analysis.problem
    shown = (
        "One network of least loss from each component"
        + (" (the first four)" if len(analysis.components) > 4 else "")
        + ". "
    )
    if is_line(problem):
        what = "Crosses are the data. Open marks are hinges, where a neuron switches on or off. "
    elif problem.d == 2:
        what = (
            "$f(c x) = c f(x)$ for $c > 0$, so the values in all directions of $x$ say everything; "
            "crosses are the data, their $y$ divided by $|x|$. "
            "Open marks are hinges, where a neuron switches on or off. "
        )
    else:
        what = "For each data point, the parts that the neurons add up to; black lines are the y. "
    return shown + what + ("All of them fit the data exactly." if analysis.minimum == 0 else "")


def _path_caption(merge: Merge) -> str:
    return (
        "The loss on the way between two of these networks. Solid: the exact minimax path, open "
        f"circles at its breakpoints. It climbs to {show(merge.value)}, the barrier on the right "
        "edge, and the proof shows that no continuous path stays lower. Dashed: the straight line "
        "between the same networks."
    )


def _tree_caption(name: str, analysis: Analysis) -> str:
    caption = (
        f"The components of {{loss <= level}} as the level rises, networks taken {name}: each "
        f"mark at the foot is a component at level {show(analysis.level)}."
    )
    if analysis.merges:
        caption += " Bars stand at the exact barriers, named on the right edge, where two join."
    return caption


def _training(result: Result[Landscapes, Trained[Runs]]) -> list[Picture]:
    """Where the runs of each optimizer ended: in the plane, if d = 2, and counted."""
    radii, trained = result.prediction.evidence.radii, result.observation.evidence.runs
    pictures: list[Picture] = []
    if radii.analysis.problem.d == 2:
        pictures = [
            (
                partial(draw_runs, radii=radii, runs=runs),
                _runs_caption(radii, runs),
            )
            for runs in trained.values()
        ]
    if trained:
        draw = partial(draw_landings, trained=list(trained.values()))
        pictures.append((draw, _landings_caption(radii)))
        pictures.append(_levels(result))
    return pictures


def _levels(result: Result[Landscapes, Trained[Runs]]) -> Picture:
    """How far the runs that landed are below the levels of the theorem."""
    near = {
        name: membership.around(EXCESS)
        for name, membership in result.prediction.evidence.memberships.items()
    }
    levels = [None if each is None else each.below for each in near.values()]
    trained = list(result.observation.evidence.runs.values())
    draw = partial(draw_levels, levels=levels, excess=EXCESS, trained=trained)
    caption = (
        "The loss of each run that landed. Below the level, a black bar, every network in the ball "
        f"of radius $(1 + {EXCESS}) rho$ is by theorem in the component that the ball reaches, "
        "whatever found it: at the level, in that ball, another valley is born or joins it."
    )
    return draw, caption


def _runs_caption(radii: Radii, runs: Runs) -> str:
    config = runs.result.config
    name = config.optimizer.name
    needs = ", ".join(
        f"component {component} from {show_interval(found[name].lower, found[name].upper)} on"
        for component, found in enumerate(radii.components)
    )
    caption = (
        "Each neuron of a network is a point $u = |a| w$. Large open marks: an exact fit from each "
        "component, the one with the smallest ball. Filled marks: trained networks that fit, all "
        "but on top of each other. Grey points: trained networks that do not. Thin lines: where a "
        "neuron is zero at a data point. "
    )
    if is_entrywise(config.optimizer.geometry):
        caption += f"Dashed square: {name}'s ball. "
    return f"{caption}By exact theory {name} reaches {needs}; here $rho$ is {show(config.rho)}."


def _landings_caption(radii: Radii) -> str:
    preferred = {name: radii.preferred(name) for name in radii.optimizers}
    said = ", ".join(
        f"{name} component {component}"
        for name, component in preferred.items()
        if component is not None
    )
    return (
        "How many of the runs ended in which component. Theory predicts the component, not how "
        f"many runs find it: {said}. The grey runs ended at a higher loss."
    )
