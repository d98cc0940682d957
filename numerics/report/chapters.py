"""The report of `isthmus verify`: one HTML page that needs nothing else, pictures and proofs.

Written into a folder: index.html, and for each claim CLAIM.png, CLAIM.training.png (those it has)
and its certificates CLAIM.NAME.json, which `isthmus check` verifies.
"""

from __future__ import annotations

import html
import io
import math
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.image import imsave

from numerics.pictures import paths as path_plots
from numerics.pictures import landscapes as plots
from numerics.pictures import regions as region_plots
from numerics.files import as_json, write_folder
from numerics.gpt2.report import claim_pictures
from numerics.training.meetings import TrainedMeeting
from numerics.page import (
    AS_RECORDED,
    FAILED,
    badge,
    describe,
    figures,
    folded,
    page,
    table,
    verdict_of,
)
from numerics.pictures.style import panel, style
from numerics.studies.real_data_report import real_data_section
from numerics.training.runs import Runs
from numerics.text import show, show_interval
from theory.claims import Bounds, Claim, PermutationIsNotEnough, Result, Staircase
from theory.claims.base import Value, Values
from theory.claims.convex_equals_nonconvex import REACHED, optimum
from theory.claims.gpt2_study import StudyClaim
from theory.claims.implicit_bias import STARTS
from theory.claims.width_profile import WidthProfile
from theory.connectivity import optimal_polytope
from theory.landscape import Analysis, Merge
from theory.loading import example
from theory.problem import format_rational
from theory.radii import Radii


@dataclass(frozen=True)
class Chapter:
    """What there is to say of one claim: text and pictures, which go from process to process.

    statement, verdict, quantities (name, predicted, observed) and training (rows below TRAINING):
    for the terminal. error: how it failed, if it did. section: for the page. document: for JSON.
    files: what lies beside the page, by name.
    """

    id: str
    statement: str
    verdict: str
    error: str
    quantities: Sequence[tuple[str, str, str]]
    training: Sequence[Sequence[str]]
    section: str
    document: Mapping[str, Any]
    files: Mapping[str, str | bytes]

    @property
    def as_recorded(self) -> bool:
        """Whether the verdict is the one recorded with the claim."""
        return self.verdict in AS_RECORDED


def chapter(result: Result[Runs], folder: Path, start: float) -> Chapter:
    """The chapter of a claim. folder: where the report will be. start: by `time.perf_counter`."""
    claim, values = result.claim, result.prediction.values
    observed, runs = result.observation.values, result.observation.runs
    quantities = [
        (name, _described(values, name), _described(observed, name))
        for name in {**values, **observed}
    ]
    measured = result.observation.measured
    quantities += [(name, "nothing", describe(value)) for name, value in measured.items()]
    training = [training_row(each) for each in runs.values()] if result.prediction.radii else []
    files: dict[str, str | bytes] = {}
    paths: dict[str, str] = {}
    certificates = {**result.prediction.certificates, **result.observation.certificates}
    for name, certificate in certificates.items():
        file = f"{claim.id}.{name.replace(',', '').replace(' ', '-')}.json"
        files[file], paths[name] = as_json(certificate), str(folder / file)
    for sheet in _sheets(result):
        png = _png(sheet.pictures[: sheet.most], columns=sheet.columns)
        files[f"{claim.id}{sheet.suffix}.png"] = png
    verdict = verdict_of(result.holds, claim.recorded)
    body = _body(result, quantities, training, paths)
    document = {
        "id": claim.id,
        "holds": result.holds,
        "recorded": claim.recorded,
        "predicted": _plain(values),
        "observed": _plain(observed),
        "measured": _plain(measured),
        "certificate": paths,
        "training": [each.to_json() for each in runs.values()],
        "seconds": round(perf_counter() - start, 1),
    }
    return Chapter(
        id=claim.id,
        statement=claim.statement,
        verdict=verdict,
        error="",
        quantities=quantities,
        training=training,
        section=_section(claim, verdict, body),
        document=document,
        files=files,
    )


def failure(claim: Claim, error: str, seconds: float) -> Chapter:
    """The chapter of a claim that raised an error."""
    return Chapter(
        id=claim.id,
        statement=claim.statement,
        verdict=FAILED,
        error=error,
        quantities=(),
        training=(),
        section=_section(
            claim,
            FAILED,
            f"<p>It is not known whether it holds: <code>{html.escape(error)}</code></p>",
        ),
        document={
            "id": claim.id,
            "holds": False,
            "recorded": claim.recorded,
            "error": error,
            "predicted": {},
            "observed": {},
            "measured": {},
            "certificate": {},
            "training": [],
            "seconds": round(seconds, 1),
        },
        files={},
    )


def write_report(
    chapters: Sequence[Chapter],
    folder: Path,
    record: Mapping[str, Any],
    *,
    quick: bool = False,
    unfinished: Sequence[str] = (),
) -> None:
    """Write the page and what lies beside it, in place of an earlier report.

    record: what `numerics.files.provenance` says, for the foot of the page. unfinished: the ids of
    the claims that were not reached.
    """
    files = {name: content for each in chapters for name, content in each.files.items()}
    page = _page(chapters, record, quick, unfinished)
    write_folder(folder, {**files, "index.html": page}, command="verify")


def _plain(values: Values) -> dict[str, Any]:
    """Exact values as text, others as JSON numbers, lists and text."""

    def plain(value: Value) -> Any:
        if isinstance(value, tuple):
            return [plain(v) for v in value]
        if isinstance(value, Bounds):
            return {"lower": plain(value.lower), "upper": plain(value.upper)}
        if isinstance(value, float) and not math.isfinite(value):
            return None  # a solver failed; JSON has no NaN
        return value if isinstance(value, int | float | str) else format_rational(value)

    return {name: plain(value) for name, value in values.items()}


def _described(values: Values, name: str) -> str:
    return describe(values[name]) if name in values else "missing"


TRAINING = (
    "optimizer",
    "rho",
    "runs",
    "landed in component",
    "not at zero loss",
    "diverged",
    "largest distance",
    "median gap",
)
"""The columns of the table of trained runs."""


def training_row(runs: Runs) -> list[str]:
    """One row of that table; the gap is that of Frank and Wolfe."""
    config, figures = runs.result.config, runs.to_json()
    return [
        config.optimizer.name,
        show(config.rho),
        str(runs.count),
        ", ".join(f"{component}: {count}" for component, count in runs.landed.items()),
        str(runs.not_converged),
        str(runs.diverged),
        *(
            "none" if figures[key] is None else f"{figures[key]:.2g}"
            for key in ("largest_distance", "median_fw_gap")
        ),
    ]


# Pictures

Picture: TypeAlias = tuple[Callable[[Axes], None], str]
"""What to draw, and the caption."""

_DPI = 90  # of the PNGs
_WIDE_NETWORK = 100  # neurons, from which on networks have a picture of their own


class Sheet(NamedTuple):
    """Pictures that share a PNG, CLAIM + suffix; it shows the first `most`, the page all."""

    suffix: str
    pictures: list[Picture]
    columns: int
    most: int | None = None


def _sheets(result: Result[Runs]) -> list[Sheet]:
    """What there is to draw of a claim."""
    if result.claim.id not in _DRAWN:
        return []
    return [sheet for sheet in _DRAWN[result.claim.id](result) if sheet.pictures]


def _separation(result: Result[Runs]) -> list[Sheet]:
    return [
        Sheet("", _landscape(result), columns=3, most=3),
        Sheet(".training", _training(result), columns=2),
    ]


def _landscape(result: Result[Runs]) -> list[Picture]:
    """The whole story of the first landscape, then the trees of the others."""
    analyses = result.prediction.analyses
    first = next(iter(analyses.values()))
    pictures: list[Picture] = [(partial(plots.draw_fits, analysis=first), _fits_caption(first))]
    if first.merges:
        highest = first.merges[-1]
        draw_path = partial(plots.draw_path, problem=first.problem, merge=highest)
        pictures.append((draw_path, _path_caption(highest)))
    pictures.extend(
        (partial(plots.draw_tree, analysis=analysis), _tree_caption(name, analysis))
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
    if plots.is_line(problem):
        what = "Crosses are the data. Open marks are hinges, where a neuron switches on or off. "
    elif problem.d == 2:
        what = (
            "f(c x) = c f(x) for c > 0, so the values in all directions of x say everything; "
            "crosses are the data, their y divided by |x|. "
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


def _training(result: Result[Runs]) -> list[Picture]:
    """Where the runs of each optimizer ended: in the plane, if d = 2, and counted."""
    radii, trained = result.prediction.radii, result.observation.runs
    assert radii is not None
    pictures: list[Picture] = []
    if radii.analysis.problem.d == 2:
        pictures = [
            (partial(plots.draw_runs, radii=radii, runs=runs), _runs_caption(radii, runs))
            for runs in trained.values()
        ]
    if trained:
        draw = partial(plots.draw_landings, trained=list(trained.values()))
        pictures.append((draw, _landings_caption(radii)))
    return pictures


def _implicit_bias(result: Result[Runs]) -> list[Sheet]:
    """What was recorded on the way: how far outside the ball, and the Frank-Wolfe gap."""
    started: dict[str, list[Runs]] = {start: [] for start in STARTS}
    for key, runs in result.observation.runs.items():
        started[key.rsplit(", ")[1]].append(runs)
    band = "Lines are medians over the random starts, bands hold the middle half."
    pictures: list[Picture] = [
        (
            partial(plots.draw_violations, trained=started["outside"]),
            "How far outside the optimizer's ball the weights are: the larger of ||W|| / R - 1 and "
            f"||a|| / R - 1. {band} Where a line ends, half of the runs are in the ball. Dotted: "
            "what weight decay alone leaves of the largest violation at the start, a proved bound "
            "for directions of norm one at most; AdamW's may stay above it, up to 0.165.",
        )
    ]
    pictures.extend(
        (
            partial(plots.draw_gaps, trained=started[start], start=start),
            f"The Frank-Wolfe gap of runs that start {start} the ball, in units of the loss of "
            "zero weights: zero where no small step within the ball lowers the loss to first "
            f"order. {band} Dotted: the learning rate, relative to R.",
        )
        for start in reversed(STARTS)
    )
    return [Sheet(".training", pictures, columns=3)]


def _optima(result: Result[Runs]) -> list[Sheet]:
    """How far above the proved optimum the runs ended, a picture for each data set and rho."""
    alike: dict[str, dict[str, Runs]] = {}
    for key, runs in result.observation.runs.items():
        config = runs.result.config
        title = f"{config.problem.name}, rho = {show(config.rho)}"
        alike.setdefault(title, {})[key] = runs
    caption = (
        "The share of runs that end at most so far above the proved lower bound of the optimum, in "
        f"units of the loss of zero weights. Runs left of the dotted line, {show(REACHED)}, have "
        "reached the optimum. What is nearer than the left edge is drawn there."
    )
    pictures: list[Picture] = [
        (
            partial(
                plots.draw_ends,
                trained=list(trained.values()),
                lower=[float(optimum(result.prediction, key).lower) for key in trained],
                reached=float(REACHED),
                title=title,
            ),
            f"{title}. {caption}",
        )
        for title, trained in alike.items()
    ]
    return [Sheet(".training", pictures, columns=3)]


def _paths(result: Result[Runs]) -> list[Sheet]:
    """Norms along all paths, and how the neurons move on one of them."""
    paths = result.observation.paths
    wide = {name: path for name, path in paths.items() if len(path.points[0]) >= _WIDE_NETWORK}
    small = {name: path for name, path in paths.items() if name not in wide}
    norms: list[Picture] = [
        (
            partial(path_plots.draw_norms, paths=some, title=title),
            "The product of the norms along each path, relative to the radius of the ball; for "
            "sgd the loss with the penalty, relative to the level. No path may pass 1.",
        )
        for some, title in ((small, "At the theorem's width"), (wide, "Far above it"))
        if some
    ]
    sheets = [Sheet("", norms, columns=2)]
    shown = next((name for name in paths if name.startswith("muon,")), None)
    if shown is not None:
        steps = path_plots.shown_points(paths[shown])
        moves: list[Picture] = [
            (
                partial(path_plots.draw_neurons, path=paths[shown], k=k, before=before),
                f"{shown}, breakpoint {k} of {len(paths[shown].points) - 1}: u = |a| w of each "
                "neuron, with a line from where it was in the picture before. Discs: a > 0; "
                "squares: a < 0.",
            )
            for before, k in zip([0, *steps], steps, strict=False)
        ]
        sheets.append(Sheet(".neurons", moves, columns=4))
    return sheets


def _curves(result: Result[Runs]) -> list[Sheet]:
    """The highest losses on the curves beside the exact barriers."""
    exact = [float(barrier.value) for barrier in result.prediction.barriers]
    maxima = result.observation.maxima
    pictures: list[Picture] = [
        (
            partial(plots.draw_maxima, barriers=exact, maxima=maxima),
            "Each mark is a curve between two exact fits: straight lines, and polychains and "
            "Bezier curves whose bends were learned to lower the highest loss. On the dotted line "
            "it would be the exact minimax barrier, below it theory allows no curve.",
        ),
        (
            partial(plots.draw_excess, barriers=exact, maxima=maxima),
            "The share of curves whose highest loss exceeds the exact barrier by at most so much, "
            "relative to the barrier. What is nearer than the left edge is drawn there.",
        ),
    ]
    return [Sheet("", pictures, columns=2)]


def _alignments(result: Result[Runs]) -> list[Sheet]:
    """Straight lines at every alignment above the barrier modulo permutation."""
    assert isinstance(result.claim, PermutationIsNotEnough)
    pictures: list[Picture] = []
    for (name, case), barrier in zip(
        result.claim.cases.items(), result.prediction.barriers, strict=True
    ):
        title = f"{name}, width {case.width}"
        told = (
            "Here one alignment has no barrier, as the networks are permutations of each other."
            if case.enough
            else f"No path at any alignment stays below {show(barrier.value)}, the level named on "
            "the right edge; lines that leave the picture rise higher."
        )
        caption = (
            f"{title}: the loss between two exact fits. Solid: an exact minimax path modulo "
            "permutation. Dashed: the straight line to the second network with its neurons in "
            f"each order. {told}"
        )
        pictures.append((partial(plots.draw_alignments, barrier=barrier, title=title), caption))
    return [Sheet("", pictures, columns=3)]


def _width_profiles(result: Result[Runs]) -> list[Sheet]:
    """A staircase for each instance."""
    claim, values = result.claim, result.prediction.values
    assert isinstance(claim, WidthProfile)
    pictures: list[Picture] = []
    for instance in claim.instances:
        plain, labelled = claim.counts(values, instance)
        bound = claim.bound(instance)
        title = f"{instance.name}: {instance.optimizer}, rho = {show(instance.rho)}"
        told = "no width is known" if bound is None else f"the theorem names width {bound}"
        what = "the exact fits" if instance.exact else "the networks of a loss just above the least"
        draw = partial(
            plots.draw_width_profile,
            counts={"labelled": labelled, "modulo permutation": plain},
            bound=bound,
            title=title,
        )
        caption = (
            f"{title}. Components of {what} in the ball at each width. Solid, circles: "
            "neurons distinguished; dashed, squares: modulo permutation of the neurons. From which "
            f"width on they stay connected: {told}."
        )
        pictures.append((draw, caption))
    return [Sheet("", pictures, columns=3)]


def _staircase(result: Result[Runs]) -> list[Sheet]:
    """The components at every width, a picture for each data set."""
    assert isinstance(result.claim, Staircase)
    pictures: list[Picture] = []
    for name, beta in result.claim.instances:
        optima = optimal_polytope(example(name), beta)
        title = f"{name}, beta = {show(beta)}"
        caption = (
            f"{title}: the components of the optimal networks of each width, from the vertices of "
            "the optimal polytope. Labelled: networks that differ by a permutation of the neurons "
            "are different; the other counts are modulo permutation. Dotted: the widths that the "
            f"theorem names. It proves them connected from width {optima.bound} on; they are from "
            f"{optima.connected_from} on."
        )
        pictures.append((partial(plots.draw_staircase, optima=optima, title=title), caption))
    return [Sheet("", pictures, columns=3)]


def _region_interaction(result: Result[Runs]) -> list[Sheet]:
    """Phase diagrams with the points at which networks were trained; these points one by one."""
    trained = result.observation.meetings.values()
    places = [each.meeting for each in trained if isinstance(each, TrainedMeeting)]
    diagrams: list[Picture] = []
    for frontier in result.prediction.frontiers.values():
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
        diagrams.append(
            (partial(region_plots.phase_diagram, frontier=frontier, runs=runs), caption)
        )
    close: list[Picture] = [
        (partial(_draw_trained, trained=each, number=k), _trained_caption(each, k))
        for k, each in enumerate(trained, start=1)
        if isinstance(each, TrainedMeeting)
    ]
    return [Sheet("", diagrams, columns=3, most=9), Sheet(".training", close, columns=3)]


def _draw_trained(axes: Axes, trained: TrainedMeeting, number: int) -> None:
    found = trained.meeting.regions
    needs = {
        name: np.stack(
            [region_plots.needed(each, result.W, result.a)[runs] for each in found.optimizers],
            axis=1,
        )
        for name, result, runs in zip(
            found.optimizers, trained.results, trained.at_level, strict=True
        )
    }
    region_plots.both_regions(axes, found.frontier(), trained.meeting, needs)
    axes.set_title(f"{number}: {found.problem.name}, {axes.get_title()}")


def _trained_caption(trained: TrainedMeeting, number: int) -> str:
    meeting, names = trained.meeting, trained.meeting.regions.optimizers
    radii = " and ".join(
        f"{name} with rho = {show(rho)}" for name, rho in zip(names, meeting.rho, strict=True)
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


def _gpt2(result: Result[Runs]) -> list[Sheet]:
    """What the study shows; its own page has more."""
    assert isinstance(result.claim, StudyClaim)
    return [Sheet("", claim_pictures(result.claim), columns=2, most=4)]


_DRAWN: Mapping[str, Callable[[Result[Runs]], list[Sheet]]] = {
    "small-width-separation": _separation,
    "implicit-bias": _implicit_bias,
    "convex-equals-nonconvex": _optima,
    "same-optimizer-connectivity": _paths,
    "curves-above-barrier": _curves,
    "permutation-is-not-enough": _alignments,
    "width-profile": _width_profiles,
    "staircase": _staircase,
    "region-interaction": _region_interaction,
    "gpt2-polychain-beats-linear": _gpt2,
    "gpt2-spectrum-preserved": _gpt2,
    "gpt2-cross-transition": _gpt2,
}


def _runs_caption(radii: Radii, runs: Runs) -> str:
    config = runs.result.config
    name = config.optimizer.name
    needs = ", ".join(
        f"component {component} from {show_interval(found[name].lower, found[name].upper)} on"
        for component, found in enumerate(radii.components)
    )
    caption = (
        "Each neuron of a network is a point u = |a| w. Large open marks: an exact fit from each "
        "component, the one with the smallest ball. Filled marks: trained networks that fit, all "
        "but on top of each other. Grey points: trained networks that do not. Thin lines: where a "
        "neuron is zero at a data point. "
    )
    if plots.is_entrywise(config.optimizer.geometry):
        caption += f"Dashed square: {name}'s ball. "
    return f"{caption}By exact theory {name} reaches {needs}; here rho is {show(config.rho)}."


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


def _png(drawings: Sequence[Picture], columns: int) -> bytes:
    """Pictures beside and below each other, as a PNG."""
    tiles = []
    with style({"figure.dpi": _DPI}):
        for draw, _ in drawings:
            canvas = FigureCanvasAgg(panel(draw))
            canvas.draw()  # type: ignore[no-untyped-call]
            pixels = canvas.buffer_rgba()  # type: ignore[no-untyped-call]
            tiles.append(np.asarray(pixels)[..., :3])
    columns = min(columns, len(tiles))
    tiles += [np.full_like(tiles[0], 255)] * (-len(tiles) % columns)
    rows = [np.hstack(tiles[k : k + columns]) for k in range(0, len(tiles), columns)]
    buffer = io.BytesIO()
    # None leaves out what would change with each version of matplotlib.
    undated: dict[str, Any] = {"Software": None}
    imsave(buffer, np.vstack(rows), format="png", metadata=undated)
    return buffer.getvalue()


# The page

_ROWS = 10  # of the quantities, from which on the table is folded
_PICTURES = 2  # of a claim that are not folded: one row on a wide screen


def _body(
    result: Result[Runs],
    quantities: Sequence[tuple[str, str, str]],
    trained: Sequence[Sequence[str]],
    certificates: Mapping[str, str],
) -> str:
    """Tables, pictures, and how to check the proofs."""
    pictures = [
        (partial(panel, draw), caption)
        for draw, caption in chain(*(sheet.pictures for sheet in _sheets(result)))
    ]
    training = ""
    if trained:
        head = "".join(f"<th>{html.escape(text)}</th>" for text in TRAINING)
        body = "".join(
            "<tr>" + "".join(f"<td>{html.escape(text)}</td>" for text in row) + "</tr>"
            for row in trained
        )
        training = (
            f"<h3>Training</h3>\n<div class=wide><table><thead><tr>{head}</tr></thead>"
            f"<tbody>{body}</tbody></table></div>\n<p>Distance: of a run at zero loss to the "
            "component it is in, in convex coordinates. Gap: the Frank-Wolfe gap of all runs, zero "
            "where no small step within the ball lowers the loss to first order.</p>"
        )
    problems = result.prediction.problems
    checks = "\n".join(
        # Data without a name stand in the certificate alone.
        shlex.join(["isthmus", "check", path, *(["--problem", at] if at else [])])
        for name, path in certificates.items()
        for at in [problems[name].name]
    )
    proofs = ""
    if certificates:
        how = f"{_CHECK}\n<pre>{html.escape(checks)}</pre>"
        proofs = folded(f"{len(certificates)} proofs, and how to check them yourself", how)
    return f"""{_quantities(quantities, unfolded=not result.holds)}
{training}
{figures(pictures, result.claim.id, most=_PICTURES)}
{proofs}"""


def _quantities(rows: Sequence[tuple[str, str, str]], *, unfolded: bool) -> str:
    """What was predicted and observed; long tables are folded where nothing is wrong."""
    shown = table(("quantity", "predicted", "observed"), rows)
    if len(rows) <= _ROWS:
        return shown
    return folded(f"{len(rows)} quantities, predicted and observed", shown, unfolded=unfolded)


def _section(claim: Claim, verdict: str, body: str) -> str:
    hypotheses = "".join(f"<li>{html.escape(text)}</li>" for text in claim.hypotheses)
    conditions = f"<ul>{hypotheses}</ul>\n<p>Source: {html.escape(claim.source)}</p>"
    return f"""
<section>
<h2 id="{html.escape(claim.id)}">{html.escape(claim.id)} {badge(verdict)}</h2>
<p class=statement>{html.escape(claim.statement)}</p>
{folded("Under which conditions, and where it is from", conditions)}
{body}
</section>"""


def _page(
    chapters: Sequence[Chapter],
    record: Mapping[str, Any],
    quick: bool,
    unfinished: Sequence[str],
) -> str:
    contents = "".join(
        f'<li><a href="#{html.escape(each.id)}">{html.escape(each.id)}</a> '
        f"{badge(each.verdict)}</li>"
        for each in chapters
    )
    notes = f"<p>{QUICK}</p>" if quick else ""
    if unfinished:
        notes += f"<p>Interrupted before these were done: {html.escape(', '.join(unfinished))}.</p>"
    body = f"""<p>Each claim is predicted by exact theory and observed by other means: every cell
and face of the landscape minimised in floating point, the proof read by an independent checker,
networks trained, and for GPT-2 a study read that was measured before.</p>
{notes}
<ul class=contents>{contents}</ul>
{"".join(each.section for each in chapters)}
{real_data_section()}"""
    return page("Isthmus: claims verified", body, record)


QUICK = "A quick run: fewer instances, fewer networks and less training than in a full one."

_CHECK = """<p>The certificates beside this page hold the data, networks, a cut and a path for
every barrier, and dual vectors that bound the loss from below. The checker uses integer arithmetic
and the standard library alone, and derives again whatever it can:</p>"""
