"""Pictures of a study of GPT-2 models, drawn from its JSON document alone.

AdamW is blue, Muon is orange and what leads from one to the other is green. Solid is the polychain,
dashed the aligned straight line, dotted what serves as a reference.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from statistics import median
from typing import Any, TypeAlias

import numpy as np
from jaxtyping import Float
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator, StrMethodFormatter

from numerics.gpt2.names import (
    COMMON,
    KINDS,
    LINE,
    NORMS,
    OPTIMIZERS,
    POLYCHAIN,
    TEXTS,
    Cell,
    Curve,
    kind_of,
)
from theory.claims.gpt2_second_beyond import heights
from theory.claims.gpt2_second_spectrum import NOISE, Gpt2SecondSpectrum
from theory.claims.gpt2_study import Study, median_rank
from theory.pictures.style import COLOURS, WIDE, optimizer_colour

_Values: TypeAlias = Float[np.ndarray, " t"]

_COLOUR = {name: optimizer_colour(name) for name in OPTIMIZERS}
_MARKER = {"adamw": "o", "muon": "s", "kaon": "^", "muon_vof": "D", "muon_qk": "v"}
_HATCH = {
    Cell("adamw", "adamw"): "",
    Cell("muon", "muon"): "///",
    Cell("adamw", "muon"): "---",
    Cell("kaon", "kaon"): "xxx",
}
_UNALIGNED = LINE._replace(aligned=False)
_LINE: dict[Curve, Any] = {POLYCHAIN: "-", LINE: "--", _UNALIGNED: ":"}
_BY_OTHER = [POLYCHAIN._replace(by=name) for name in OPTIMIZERS]
"""Curves whose bend the other optimizer than that of the polychain trained."""
_REFERENCE: dict[str, Any] = {"color": "black", "linewidth": 1.4, "linestyle": ":"}
_SHUFFLED: dict[str, Any] = {"linewidth": 1.3, "linestyle": (0, (5, 1, 1, 1, 1, 1))}
_THIN: dict[str, Any] = {"linewidth": 0.8, "alpha": 0.45}
_BOLD: dict[str, Any] = {"linewidth": 2.2}
_ALONG = {"xlabel": "from the first model (0) to the second (1)", "xlim": (0, 1)}
_BELOW: dict[str, Any] = {"loc": "upper center", "bbox_to_anchor": (0.45, -0.2)}
_COLUMNS: dict[str, Any] = _BELOW | {"ncols": 2, "fontsize": 10.5}
"""Of a legend below the picture."""
_BOX: dict[str, Any] = {"facecolor": "white", "edgecolor": "none", "pad": 1.2, "alpha": 0.85}
_STAGES = {
    "none": "as trained",
    "folded": "folded",
    "permutation": "permuted",
    "orthogonal": "rotated",
    "learned": "learned",
}
_ENSEMBLES = {
    "best end": "better\nend",
    "best point": "best\npoint",
    "ends averaged": "ends\naveraged",
    "three averaged": "ends and\npoint",
    "three models averaged": "ends and\nthird model",
}
_END, _OTHER = 8.0, 4.5  # sizes of marks
_PANELS_HIGH = 8.6  # inches of the small multiples


def named(cell: Cell) -> str:
    """A cell for people: AdamW to Muon."""
    return " to ".join(OPTIMIZERS[name] for name in cell)


def cells(study: Study) -> list[Cell]:
    """The cells of a study, in its order."""
    return list(dict.fromkeys(Cell.read(pair["cell"]) for pair in study["pairs"].values()))


def pairs(study: Study, cell: Cell) -> dict[str, Any]:
    """The pairs of a cell, by name."""
    return {name: pair for name, pair in study["pairs"].items() if pair["cell"] == str(cell)}


def curves(study: Study, cell: Cell, curve: Curve) -> list[Any]:
    """What was measured along this curve of each pair in a cell; of those that have it."""
    found = (pair["curves"].get(str(curve)) for pair in pairs(study, cell).values())
    return [each for each in found if each is not None]


def _colour(cell: Cell) -> str:
    return _COLOUR[cell.first] if cell.first == cell.last else COLOURS[2]


def _label(axes: Axes, text: str, at: Any, offset: tuple[float, float], **options: Any) -> None:
    """Text so many points from a place, centred unless told otherwise."""
    options = {"ha": "center", "textcoords": "offset points", **options}
    axes.annotate(text, at, offset, **options)


# Losses


def draw_losses(axes: Axes, study: Study, cell: Cell, text: str) -> None:
    """The loss along the curves between the models of each pair, and the mean of the pairs.

    The picture ends above the aligned straight lines; what leaves it is named at the edge.
    """
    means: dict[Curve, _Values] = {}
    for curve, line in _LINE.items():
        found = curves(study, cell, curve)
        if not found:
            continue
        t, losses = np.array(found[0]["t"]), np.array([each["loss"][text] for each in found])
        shade = _colour(cell) if curve.aligned else "#777777"
        means[curve] = _draw_each(axes, t, losses, color=shade, linestyle=line)
    shown = [mean for curve, mean in means.items() if curve.aligned]
    low, high = min(map(np.min, shown)), max(map(np.max, shown))
    bottom, top = low - 0.22 * (high - low), high + 0.28 * (high - low)
    other = "the other" if cell.first == cell.last else f"{OPTIMIZERS[cell.last]}'s"
    axes.set(
        xlabel=f"from {OPTIMIZERS[cell.first]}'s model (0) to {other} (1)",
        ylabel="loss, nats per token",
        title=f"{named(cell)}, {TEXTS[text]}",
        xlim=(0, 1),
        ylim=(bottom, top),
    )
    _name_losses(axes, means, _colour(cell))


def _name_losses(axes: Axes, means: Mapping[Curve, _Values], colour: str) -> None:
    """Labels in the middle: below the polychain, above the line, at the edge for the rest."""
    for curve, name, offset, side, extreme in (
        (POLYCHAIN, "polychain", -6, "top", np.min),
        (LINE, "straight line", 5, "bottom", np.max),
    ):
        if curve in means:
            values = means[curve]
            middle = extreme(values[2 * len(values) // 5 : 3 * len(values) // 5 + 1])
            at = 0.5, float(middle)
            _label(axes, name, at, (0, offset), va=side, color=colour, bbox=_BOX)
    if _UNALIGNED in means:
        highest = means[_UNALIGNED].max()
        text = f"not aligned: to {highest:.2f}{' ↑' if highest > axes.get_ylim()[1] else ''}"
        edge: dict[str, Any] = {"xycoords": "axes fraction", "va": "top", "color": "#555555"}
        _label(axes, text, (0.5, 1), (0, -5), bbox=_BOX, **edge)


def draw_alignment(axes: Axes, study: Study) -> None:
    """The barrier of the straight line after each stage of the alignment, a dot for each pair."""
    stages = [
        stage
        for stage in _STAGES
        if all(stage in pair["alignment"] for pair in study["pairs"].values())
    ]
    wide = 0.8 / len(cells(study))
    for k, cell in enumerate(cells(study)):
        found = np.array(
            [[pair["alignment"][stage] for stage in stages] for pair in pairs(study, cell).values()]
        )
        place = np.arange(len(stages)) + (k - (len(cells(study)) - 1) / 2) * wide
        axes.bar(
            place,
            found.mean(axis=0),
            0.9 * wide,
            color=_colour(cell),
            alpha=0.6,
            edgecolor="black",
            linewidth=0.8,
            hatch=_HATCH.get(cell, ""),
            label=named(cell),
        )
        if len(found) > 1:
            for barriers in found:
                axes.plot(place, barriers, "k.", markersize=5)
    axes.set(
        xlabel="coordinates of the second model",
        ylabel="barrier, nats per token",
        title="Straight lines, stage by stage",
        xticks=range(len(stages)),
        xticklabels=[_STAGES[stage] for stage in stages],
    )
    axes.tick_params(axis="x", labelsize=10.5)
    axes.grid(visible=False, axis="x")
    axes.legend(loc="upper right")


def draw_learning(axes: Axes, study: Study) -> None:
    """The held-out loss of each model while it was trained."""
    handles: dict[str, Line2D] = {}
    reached = []
    for kind, line, more in (("ends", "-", ""), ("longer", "--", ", longer")):
        for end in _ends(study, kind):
            records = [record for record in end["history"] if record["step"] > 0]
            steps, losses = ([each[key] for each in records] for key in ("step", "held_out"))
            reached.append(losses[-1])
            style: dict[str, Any] = {"color": _COLOUR[end["optimizer"]], "linestyle": line}
            axes.plot(steps, losses, **style, linewidth=1.3)
            name = OPTIMIZERS[end["optimizer"]] + more
            handles[name] = Line2D([], [], **style, label=name)
    lowest, most = min(reached), max(reached)
    axes.set(
        xlabel="step",
        ylabel="held-out loss, nats per token",
        title="Training of the models",
        xscale="log",
        ylim=(lowest - 0.1, most + 4 * max(most - lowest, 0.2)),
    )
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.legend(handles=[*handles.values()], loc="upper right", frameon=True, edgecolor="none")


def _ends(study: Study, kind: str) -> list[Any]:
    """The models of a kind: "ends", or "longer" for those that were trained longer."""
    return list(study.get(kind, {}).values())


def draw_rank_over_loss(axes: Axes, study: Study) -> None:
    """Median stable rank of trained models over their loss: ends, longer ones, all others."""
    handles: dict[str, Line2D] = {}

    def mark(optimizer: str, loss: float, rank: float, size: float, label: str) -> None:
        style = _dot(optimizer, size, filled=size == _END)
        axes.plot(loss, rank, **style, zorder=4)
        handles.setdefault(label, Line2D([], [], **style, label=label))

    for kind, size, more in (
        ("ends", _END, ""),
        ("longer", 11, ", trained longer"),
        ("controls", _OTHER, ", other settings"),
    ):
        for end in _ends(study, kind):
            name = end["optimizer"]
            label = OPTIMIZERS[name] + (more if name in COMMON else "")
            mark(name, end["loss"]["in"], median_rank(end), size, label)
    for optimizer, name in OPTIMIZERS.items():
        swept = sorted(
            (run["learning_rate"], run["loss"], run["stable_rank"])
            for run in study.get("sweep", ())
            if run["optimizer"] == optimizer
        )
        if swept:
            _, losses, ranks = zip(*swept, strict=True)
            for loss, rank in zip(losses, ranks, strict=True):
                mark(optimizer, loss, rank, _OTHER, f"{name}, other settings")
            for start, end in pairwise(zip(losses, ranks, strict=True)):
                arrow = {"arrowstyle": "->", "color": _COLOUR[optimizer], "linewidth": 0.9}
                axes.annotate("", end, start, arrowprops=arrow)
    random = axes.axhline(median_rank(study["start"]), **_REFERENCE, label="random start")
    axes.margins(0.12)
    axes.set(
        xlabel="loss in distribution, nats per token",
        ylabel="median stable rank",
        title="Stable rank over loss",
    )
    axes.set_ylim(bottom=0)
    axes.legend(handles=[*handles.values(), random], **_BELOW, ncols=2, fontsize=9)


def draw_noise(axes: Axes, study: Study) -> None:
    """The median stable rank at one loss of the settings of noise, beside the random start."""
    for name, ranks in Gpt2SecondSpectrum(study).at_one_loss().items():
        axes.plot(range(len(NOISE)), ranks, **_dot(name, _END, filled=True), label=OPTIMIZERS[name])
    axes.axhline(median_rank(study["start"]), **_REFERENCE, label="random start")
    axes.set(
        xlabel="what is high, toward noise",
        ylabel="median stable rank",
        title="Stable rank at one loss, by noise",
        xticks=range(len(NOISE)),
        xticklabels=["all three", "rate", "decay", "1 / batch", "none"],
        xlim=(-0.5, len(NOISE) - 0.5),
    )
    axes.set_ylim(0, 1.08 * axes.get_ylim()[1])
    axes.legend(**_BELOW, ncols=3, fontsize=10.5)


def draw_parts(axes: Axes, study: Study) -> None:
    """The stable ranks of models that Muon trained on parts, by kind of matrix; a mark for each
    model, beside those of the same seeds by AdamW and by Muon, and the random start."""
    on_parts = {name: end for name, end in study["controls"].items() if _is_on_parts(end)}
    seeds = sorted({name.split("-")[1] for name in on_parts})
    whole = [study["ends"][f"{name}-{seed}"] for name in ("adamw", "muon") for seed in seeds]
    for k, name in enumerate(("adamw", "muon_qk", "muon_vof", "muon")):
        ends = [end for end in (*whole, *on_parts.values()) if end["optimizer"] == name]
        for end in ends:
            place = np.arange(len(KINDS)) + 0.16 * (k - 1.5)
            label = OPTIMIZERS[name] if end is ends[0] else None
            ranks = _by_kind(end["stable_rank"])
            axes.plot(place, ranks, **_dot(name, 6.5, filled=name in COMMON), label=label)
    for k, rank in enumerate(_by_kind(study["start"]["stable_rank"])):
        axes.plot([k - 0.4, k + 0.4], [rank, rank], **_REFERENCE)
    axes.plot([], [], **_REFERENCE, label="random start")
    axes.set(
        ylabel="median stable rank",
        title="Stable rank by kind of matrix",
        xticks=range(len(KINDS)),
        xticklabels=KINDS,
    )
    axes.set_ylim(bottom=0)
    axes.legend(**_COLUMNS)


def has_noise(study: Study) -> bool:
    """Whether all settings of noise were made."""
    made = study.get("controls", {})
    return all(f"{name}-0-{noise}" in made for name in ("adamw", "muon") for noise in NOISE[:-1])


def has_parts(study: Study) -> bool:
    """Whether Muon trained parts of models."""
    return any(map(_is_on_parts, study.get("controls", {}).values()))


def _is_on_parts(end: Mapping[str, Any]) -> bool:
    return end["optimizer"] not in COMMON


def _by_kind(ranks: Mapping[str, float]) -> list[float]:
    """The median over layers for each kind of matrix."""
    return [median(rank for name, rank in ranks.items() if kind_of(name) == k) for k in KINDS]


def _dot(optimizer: str, size: float, *, filled: bool) -> dict[str, Any]:
    colour = _COLOUR[optimizer]
    return {
        "color": colour,
        "marker": _MARKER[optimizer],
        "markersize": size,
        "markerfacecolor": colour if filled else "white",
        "markeredgewidth": 1.4,
        "linestyle": "none",
    }


def draw_connection(axes: Axes, measured: Mapping[str, Any]) -> None:
    """The losses along one path and the chords between its ends.

    measured: what `numerics.gpt2.connection.measure` says.
    """
    t = np.array(measured["t"])
    for text, colour in zip(TEXTS, COLOURS, strict=False):
        losses = np.array(measured["loss"][text])
        barrier = measured["barrier"][text]
        label = f"{TEXTS[text]}, barrier {barrier:.3g}"
        axes.plot(t, losses, color=colour, marker=".", label=label, **_BOLD)
        axes.plot(t, losses[0] + t * (losses[-1] - losses[0]), color=colour, linestyle=":")
    title = "Loss along the path, dotted the chords"
    axes.set(**_ALONG, ylabel="loss, nats per token", title=title)
    axes.legend(**_BELOW)


def draw_heights(axes: Axes, study: Study, shown: Sequence[Cell], text: str) -> None:
    """The loss above the chord along polychains and aligned lines, which may leave the picture."""
    lowest, highest = 0.0, 0.0
    for cell in shown:
        for curve in (LINE, POLYCHAIN):
            found = curves(study, cell, curve)
            above = [(np.array(each["t"]), np.array(heights(each, text))) for each in found]
            _draw_pairs(axes, above, cell, curve)
            lowest = min([lowest, *(float(values.min()) for _, values in above)])
            if curve == POLYCHAIN:
                highest = max([highest, *(float(values.max()) for _, values in above)])
    axes.axhline(0, color="black", linewidth=1.2)
    axes.set(
        **_ALONG,
        ylabel="loss above the chord, nats",
        title=f"Above the chord, {TEXTS[text]}",
        ylim=(1.1 * lowest - 0.005, 1.3 * highest + 0.02),
    )
    _name_curves(axes, shown)


def draw_ensembles(axes: Axes, study: Study, shown: Sequence[Cell], text: str) -> None:
    """Losses of what pairs predict together, less that of the better end; by pair and in the mean.

    What only some pairs have, the third model, is at the right.
    """
    for cell in shown:
        found = [pair["ensembles"]["loss"][text] for pair in pairs(study, cell).values()]
        names = [name for name in _ENSEMBLES if name in found[0]]
        place = [list(_ENSEMBLES).index(name) for name in names]
        losses = np.array([[each[name] - each["best end"] for name in names] for each in found])
        of_mean = {"marker": "o", "label": named(cell)}
        _draw_each(axes, place, losses, of_mean, color=_colour(cell))
    axes.axhline(0, color="black", linewidth=1.2)
    axes.set(
        ylabel="loss less the better end's, nats",
        title=f"Ensembles, {TEXTS[text]}",
        xticks=range(len(_ENSEMBLES)),
        xticklabels=[*_ENSEMBLES.values()],
    )
    axes.tick_params(axis="x", labelsize=10.5)
    axes.legend(loc="upper center", bbox_to_anchor=(0.45, -0.17), ncols=2, fontsize=10.5)


# Spectra


def draw_kinds(axes: Axes, along: Mapping[str, Any]) -> None:
    """The stable rank along one path by kind of matrix, the median over layers.

    along: with the points `t` and the `stable_rank` of each matrix there.
    """
    for k, kind in enumerate(KINDS):
        t, ranks = _ranks(along, (kind,))
        line = ("-", "--", "-.")[k % 3]
        axes.plot(t, ranks, color=COLOURS[k // 3], linestyle=line, label=kind, **_BOLD)
    axes.set(**_ALONG, ylabel="stable rank", title="Stable rank along the path")
    axes.set_ylim(bottom=0)
    axes.legend(loc="upper left", bbox_to_anchor=(1, 1), handlelength=3)


def draw_median_ranks(axes: Axes, study: Study, shown: Sequence[Cell]) -> None:
    """The median stable rank along polychains and aligned straight lines, and at the random start.

    Where bends were trained by the other optimizer too, they are there as well.
    """
    by_other: dict[Curve, Line2D] = {}
    for cell in shown:
        for curve in (LINE, POLYCHAIN, *_BY_OTHER):
            if _draw_ranks(axes, study, cell, curve, KINDS) and curve.by is not None:
                label = f"polychain, bend by {OPTIMIZERS[curve.by]}"
                by_other[curve] = Line2D([], [], color="black", linestyle="-.", label=label)
    shuffled = [_draw_shuffled(axes, study, cell, KINDS) for cell in shown]
    axes.axhline(median_rank(study["start"]), **_REFERENCE)
    axes.set(**_ALONG, ylabel="median stable rank", title="Stable rank along the way")
    axes.set_ylim(0, 1.08 * axes.get_ylim()[1])
    handles = [*_cell_handles(shown), *by_other.values(), *_line_handles(shuffled=any(shuffled))]
    axes.legend(handles=handles, handlelength=2.6, **_COLUMNS)


def _draw_shuffled(axes: Axes, study: Study, cell: Cell, kinds: Sequence[str]) -> bool:
    """The mean over pairs of the ranks between random directions, where they were measured."""
    found = [pair["shuffled"] for pair in pairs(study, cell).values() if "shuffled" in pair]
    if found:
        t, ranks = found[0]["t"], [_ranks(each, kinds)[1] for each in found]
        axes.plot(t, np.mean(ranks, axis=0), color=_colour(cell), **_SHUFFLED)
    return bool(found)


def _draw_ranks(axes: Axes, study: Study, cell: Cell, curve: Curve, kinds: Sequence[str]) -> bool:
    """The median stable rank of some kinds of matrices along a cell's curves, if it has any."""
    ranks = [_ranks(each["spectra"], kinds) for each in curves(study, cell, curve)]
    _draw_pairs(axes, ranks, cell, curve)
    return bool(ranks)


def _draw_pairs(
    axes: Axes, measured: Sequence[tuple[_Values, _Values]], cell: Cell, curve: Curve
) -> None:
    """Thin lines for pairs, and their mean."""
    if not measured:
        return
    t, values = measured[0][0], np.array([each for _, each in measured])
    _draw_each(axes, t, values, color=_colour(cell), linestyle=_LINE.get(curve, "-."))


def _draw_each(
    axes: Axes,
    x: Any,
    values: Float[np.ndarray, "k t"],
    of_mean: Mapping[str, Any] | None = None,
    **style: Any,
) -> _Values:
    """A thin line for each row, if there are several, and a bold one for their mean: the latter."""
    for each in values if len(values) > 1 else ():
        axes.plot(x, each, **style, **_THIN)
    mean: _Values = values.mean(axis=0)
    axes.plot(x, mean, **style, **_BOLD, **(of_mean or {}))
    return mean


def _name_curves(axes: Axes, shown: Iterable[Cell]) -> None:
    """A legend of cells, polychains and lines."""
    handles = [*_cell_handles(shown), *_line_handles()[:2]]
    axes.legend(handles=handles, handlelength=2.6, **_COLUMNS)


def _cell_handles(shown: Iterable[Cell]) -> list[Line2D]:
    return [Line2D([], [], color=_colour(cell), label=named(cell), **_BOLD) for cell in shown]


def _line_handles(*, shuffled: bool = False) -> list[Line2D]:
    """What lines mean; after the second, references.

    shuffled: whether the line between random directions is drawn.
    """
    random = [Line2D([], [], color="black", label="random directions", **_SHUFFLED)]
    return [
        Line2D([], [], color="black", linestyle="-", label="polychain", **_BOLD),
        Line2D([], [], color="black", linestyle="--", label="straight line, aligned", **_BOLD),
        Line2D([], [], label="random start", **_REFERENCE),
        *(random if shuffled else []),
    ]


def _ranks(spectra: Mapping[str, Any], kinds: Sequence[str]) -> tuple[_Values, _Values]:
    """Points, and the median over the matrices of some kinds of the stable rank there."""
    ranks = [values for name, values in spectra["stable_rank"].items() if kind_of(name) in kinds]
    return np.array(spectra["t"]), np.median(np.array(ranks), axis=0)


def draw_small_multiples(study: Study) -> Figure:
    """The stable rank along the way: a row for each kind of matrix, a column for each cell."""
    shown = cells(study)
    figure = Figure(figsize=(WIDE, _PANELS_HIGH), layout="constrained")
    panels = figure.subplots(len(KINDS), len(shown), sharex=True, sharey="row", squeeze=False)
    starts, shuffled = _by_kind(study["start"]["stable_rank"]), False
    for kind, at_start, row in zip(KINDS, starts, panels, strict=True):
        for cell, axes in zip(shown, row, strict=True):
            for curve in (LINE, POLYCHAIN):
                _draw_ranks(axes, study, cell, curve, (kind,))
            shuffled |= _draw_shuffled(axes, study, cell, (kind,))
            axes.axhline(at_start, **_REFERENCE)
            axes.set(xlim=(0, 1), xticks=[0, 0.5, 1], xticklabels=["0", "½", "1"])
            axes.yaxis.set_major_locator(MaxNLocator(4, integer=True))
            axes.tick_params(labelsize=9)
        row[0].set_ylim(bottom=0)
        row[0].set_ylabel(kind, fontsize=10.5)
    for cell, axes in zip(shown, panels[0], strict=True):
        size = 10.5 if len(shown) <= 3 else 8
        axes.set_title(named(cell), fontsize=size, color=_colour(cell))
    handles = _line_handles(shuffled=shuffled)
    figure.legend(
        handles=handles,
        loc="outside lower center",
        ncols=3 - shuffled,
        fontsize=9.5,
        handlelength=2,
    )
    return figure


def shown_matrix(study: Study, cell: Cell) -> str | None:
    """The matrix whose singular values `draw_singular_values` draws; None if there are none."""
    found = curves(study, cell, POLYCHAIN)[0]["spectra"]
    return next(iter(found.get("singular_values", {})), None)


def draw_singular_values(axes: Axes, study: Study, cell: Cell) -> None:
    """Singular values of one matrix over the largest, at points of the first pair's polychain.

    Beside the random start's, and those half way between random matrices with the values of both
    ends.
    """
    matrix, name = shown_matrix(study, cell), next(iter(pairs(study, cell)))
    values = curves(study, cell, POLYCHAIN)[0]["spectra"]["singular_values"][matrix]
    for t, spectrum in zip(values["t"], values["values"], strict=True):
        axes.plot(*_sorted(spectrum), color=_shade(t), linewidth=2, label=f"t = {t:.2g}")
    shuffled = pairs(study, cell)[name].get("half_way_shuffled", {}).get(matrix)
    if shuffled is not None:
        style: dict[str, Any] = {"color": "black", "label": "random directions, t = 0.5"}
        axes.plot(*_sorted(shuffled), **style, **_SHUFFLED)
    start = study["start"].get("singular_values", {}).get(matrix)
    if start is not None:
        axes.plot(*_sorted(start), **_REFERENCE, label="random start")
    axes.set(
        xlabel="number of the singular value over all",
        ylabel="over the largest",
        title=f"{matrix}, {name.replace('--', ' to ')}",
        xlim=(0, 1),
        ylim=(0, 1.02),
    )
    axes.legend(loc="upper left", bbox_to_anchor=(1, 1), fontsize=10.5)


def _shade(t: float) -> Any:
    return colormaps["viridis"](0.92 * t)  # its end is too light for a line


def _sorted(values: Sequence[float]) -> tuple[_Values, _Values]:
    found = np.sort(np.array(values))[::-1]
    return np.arange(1, len(found) + 1) / len(found), found / found[0]


# The loss plane


def draw_plane(axes: Axes, pair: Mapping[str, Any]) -> None:
    """The loss in the plane through the two models and the bend of their polychain."""
    plane = pair["plane"]
    unit = plane["models"][1][0]  # the distance of the two models
    x, y, loss = np.array(plane["x"]) / unit, np.array(plane["y"]) / unit, np.array(plane["loss"])
    levels = _levels(loss)
    shades = axes.contourf(x, y, loss, levels=levels, cmap="YlGnBu_r", extend="max")
    axes.contour(x, y, loss, levels=levels[1:], colors="white", linewidths=0.6)
    models = np.array(plane["models"]) / unit
    first, last, bend = models
    axes.plot(*np.array([first, last]).T, color="black", linestyle="--", linewidth=1.8)
    axes.plot(*np.array([first, bend, last]).T, color="black", linewidth=2.2)
    cell = Cell.read(pair["cell"])
    for at, colour, marker, name, below in (
        (first, _COLOUR[cell.first], _MARKER[cell.first], pair["first"], first[1] < bend[1]),
        (last, _COLOUR[cell.last], _MARKER[cell.last], pair["last"], last[1] < bend[1]),
        (bend, "white", "D", "bend", False),
    ):
        axes.plot(
            *at, color=colour, marker=marker, markersize=10, markeredgecolor="black", zorder=5
        )
        offset, side = (-9, "top") if below else (9, "bottom")
        _label(axes, name, at, (0, offset), va=side, bbox=_BOX, zorder=6)
    bar = axes.figure.colorbar(shades, ax=axes, fraction=0.05, pad=0.03, format="%.3g")
    bar.ax.set_title("loss", fontsize=11)
    bar.ax.yaxis.set_minor_locator(NullLocator())
    axes.set(
        title=f"{pair['first']}, {pair['last']} and the bend",
        aspect="equal",
        xlabel="along the straight line",
        ylabel="towards the bend",
    )
    axes.grid(visible=False)


def _levels(loss: Float[np.ndarray, "y x"]) -> _Values:
    """Closer near the least loss; the highest tenth of the plane shares a colour."""
    low, high = float(loss.min()), float(np.quantile(loss, 0.9))
    return low + (max(high, low + 1e-6) - low) * np.linspace(0, 1, 13) ** 1.5


# Optimizers' balls


def draw_ball(axes: Axes, study: Study, optimizer: str) -> None:
    """Norms of hidden matrices while models were trained, over the radius of the optimizer's ball.

    The norm is that of the ball: entrywise for AdamW, spectral for Muon.
    """
    colour, norm = _COLOUR[optimizer], NORMS[optimizer]
    labels: Sequence[str | None] = ("matrices, median", "the largest", "within reach")
    for end in watched(study).values():
        if end["optimizer"] != optimizer:
            continue
        steps, sizes, reaches = _histories(end, norm)
        low, middle, high = (f(sizes, axis=1) for f in (np.min, np.median, np.max))
        axes.fill_between(steps, low, high, color=colour, alpha=0.15, linewidth=0)
        axes.plot(steps, middle, color=colour, **_BOLD, label=labels[0])
        axes.plot(steps, high, color=colour, linewidth=1, linestyle="-.", label=labels[1])
        axes.plot(steps, reaches.max(axis=1), **_REFERENCE, label=labels[2])
        labels = (None, None, None)
    axes.axhline(1, color="black", linewidth=1.4, label="the ball")
    axes.set(
        xlabel="step",
        ylabel=f"{norm} norm / radius",
        title=f"{OPTIMIZERS[optimizer]}'s ball",
        yscale="log",
    )
    axes.set_ylim(top=2)
    axes.yaxis.set_major_locator(LogLocator())
    axes.legend(**_COLUMNS)


def watched(study: Study) -> dict[str, Any]:
    """The models whose norms were kept for all of their training."""
    ends: Mapping[str, Any] = study["ends"]
    return {name: end for name, end in ends.items() if NORMS[end["optimizer"]] in end["history"][0]}


def _histories(
    end: Mapping[str, Any], norm: str
) -> tuple[_Values, Float[np.ndarray, "T k"], Float[np.ndarray, "T k"]]:
    """Steps; norms and what is within reach over the radius, a column for each matrix."""
    radius, history = end["radius"], end["history"]
    sizes, reaches = (
        np.array([[record[key][m] / radius[m] for m in radius] for record in history])
        for key in (norm, "reach")
    )
    return np.array([record["step"] for record in history]), sizes, reaches


def over_reach(end: Mapping[str, Any]) -> float:
    """The largest norm of a hidden matrix on the way over what was within reach; > 1 is outside.

    Without the start, where it is 1.
    """
    _, sizes, reaches = _histories(end, NORMS[end["optimizer"]])
    return float((sizes[1:] / reaches[1:]).max())


def over_radius(end: Mapping[str, Any]) -> float:
    """The largest norm of a hidden matrix of a trained model over the radius."""
    _, sizes, _ = _histories(end, NORMS[end["optimizer"]])
    return float(sizes[-1].max())


def largest_on_path(study: Study, curve: Mapping[str, Any], optimizer: str) -> _Values:
    """The largest norm of a hidden matrix along a curve over the optimizer's radius."""
    radius = next(end["radius"] for end in _ends(study, "ends") if end["optimizer"] == optimizer)
    norms = curve["spectra"][f"{NORMS[optimizer]}_norm"]
    largest: _Values = np.max([np.array(norms[m]) / radius[m] for m in radius], axis=0)
    return largest


def draw_norms_along(axes: Axes, study: Study, optimizer: str) -> None:
    """The largest norm of a hidden matrix along curves, over the radius of an optimizer's ball."""
    highest = 0.0
    chosen = [cell for cell in cells(study) if optimizer in cell]
    for cell in chosen:
        for curve in (LINE, POLYCHAIN):
            measured = [
                (np.array(each["spectra"]["t"]), largest_on_path(study, each, optimizer))
                for each in curves(study, cell, curve)
            ]
            _draw_pairs(axes, measured, cell, curve)
            highest = max([highest, *(float(sizes.max()) for _, sizes in measured)])
    axes.set(
        **_ALONG,
        ylabel=f"{NORMS[optimizer]} norm / radius",
        title=f"Along the way, in {OPTIMIZERS[optimizer]}'s ball",
        ylim=(0, 1.15 * highest),
    )
    if 0.5 < highest:
        axes.axhline(1, color="black", linewidth=1.4)
        axes.set_ylim(top=1.15 * max(highest, 1))
    _name_curves(axes, chosen)
