"""Pictures of a study of GPT-2 models, drawn from its JSON document alone.

AdamW is blue, Muon is orange and what leads from one to the other is green. Solid is the polychain,
dashed the aligned straight line, dotted what serves as a reference.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from statistics import median
from typing import Any, TypeAlias

import numpy as np
from jaxtyping import Float
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator

from numerics.pictures.style import COLOURS, WIDE, optimizer_colour
from theory.claims.gpt2_study import Study, median_rank

_Values: TypeAlias = Float[np.ndarray, " t"]

OPTIMIZERS = {"adamw": "AdamW", "muon": "Muon"}
TEXTS = {"in": "in distribution", "out": "out of distribution"}
KINDS = ("query", "key", "value", "output", "mlp-in", "mlp-out")

_COLOUR = {
    "adamw": optimizer_colour("adamw"),
    "muon": optimizer_colour("muon"),
    "adamw-adamw": optimizer_colour("adamw"),
    "muon-muon": optimizer_colour("muon"),
    "adamw-muon": COLOURS[2],
}
_MARKER = {"adamw": "o", "muon": "s", "adamw-adamw": "o", "muon-muon": "s", "adamw-muon": "^"}
_HATCH = {"adamw-adamw": "", "muon-muon": "///", "adamw-muon": "..."}
_LINE: dict[str, Any] = {"polychain": "-", "linear": "--", "linear, not aligned": ":"}
_BY_OTHER = {f"polychain, by {optimizer}": OPTIMIZERS[optimizer] for optimizer in OPTIMIZERS}
"""Curves whose bend the other optimizer than that of `polychain` trained."""
_NAMED = {"polychain": "polychain", "linear": "straight line"}
_REFERENCE: dict[str, Any] = {"color": "black", "linewidth": 1.4, "linestyle": ":"}
_THIN: dict[str, Any] = {"linewidth": 0.8, "alpha": 0.45}
_BOLD: dict[str, Any] = {"linewidth": 2.2}
_BOX: dict[str, Any] = {"facecolor": "white", "edgecolor": "none", "pad": 1.2, "alpha": 0.85}
_STAGES = {
    "none": "as trained",
    "folded": "folded",
    "permutation": "permuted",
    "orthogonal": "rotated",
    "learned": "learned",
}
_PANELS_HIGH = 8.6  # inches of the small multiples


def named(cell: str) -> str:
    """A cell for people: AdamW to Muon."""
    first, last = cell.split("-")
    return f"{OPTIMIZERS[first]} to {OPTIMIZERS[last]}"


def cells(study: Study) -> list[str]:
    """The cells of a study, in its order."""
    return list(dict.fromkeys(pair["cell"] for pair in study["pairs"].values()))


def pairs(study: Study, cell: str) -> dict[str, Any]:
    """The pairs of a cell, by name."""
    return {name: pair for name, pair in study["pairs"].items() if pair["cell"] == cell}


# Losses


def draw_losses(axes: Axes, study: Study, cell: str, text: str) -> None:
    """The loss along the curves between the models of each pair, and the mean of the pairs.

    The picture ends above the aligned straight lines; what leaves it is named at the edge.
    """
    colour, found = _COLOUR[cell], pairs(study, cell)
    means = {}
    for kind, line in _LINE.items():
        curves = [pair["curves"][kind] for pair in found.values() if kind in pair["curves"]]
        if not curves:
            continue
        t, losses = np.array(curves[0]["t"]), np.array([curve["loss"][text] for curve in curves])
        shade = "#777777" if kind == "linear, not aligned" else colour
        for loss in losses if len(losses) > 1 else ():
            axes.plot(t, loss, color=shade, linestyle=line, **_THIN)
        means[kind] = losses.mean(axis=0)
        axes.plot(t, means[kind], color=shade, linestyle=line, **_BOLD)
    shown = [means[kind] for kind in means if kind != "linear, not aligned"]
    low, high = min(map(np.min, shown)), max(map(np.max, shown))
    bottom, top = low - 0.22 * (high - low), high + 0.28 * (high - low)
    axes.set(
        xlabel=f"from {OPTIMIZERS[cell.split('-')[0]]}'s model (0) to {_other(cell)} (1)",
        ylabel="loss, nats per token",
        title=f"{named(cell)}, {TEXTS[text]}",
        xlim=(0, 1),
        ylim=(bottom, top),
    )
    _name_losses(axes, means, colour)


def _other(cell: str) -> str:
    first, last = cell.split("-")
    return "the other" if first == last else f"{OPTIMIZERS[last]}'s"


def _name_losses(axes: Axes, means: Mapping[str, _Values], colour: str) -> None:
    """Labels in the middle: below the polychain, above the line, at the edge for the rest."""
    offsets = {"polychain": (-6, "top"), "linear": (5, "bottom")}
    for kind, (offset, side) in offsets.items():
        if kind in means:
            values = means[kind]
            middle = values[2 * len(values) // 5 : 3 * len(values) // 5 + 1]
            at = middle.min() if side == "top" else middle.max()
            axes.annotate(
                _NAMED[kind],
                (0.5, float(at)),
                (0, offset),
                textcoords="offset points",
                ha="center",
                va=side,
                color=colour,
                bbox=_BOX,
            )
    if "linear, not aligned" in means:
        values = means["linear, not aligned"]
        leaves = values.max() > axes.get_ylim()[1]
        axes.annotate(
            f"not aligned: to {values.max():.2f}{' ↑' if leaves else ''}",
            (0.5, 1),
            (0, -5),
            xycoords="axes fraction",
            textcoords="offset points",
            ha="center",
            va="top",
            color="#555555",
            bbox=_BOX,
        )


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
            color=_COLOUR[cell],
            alpha=0.6,
            edgecolor="black",
            linewidth=0.8,
            hatch=_HATCH[cell],
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
    ends = [*_ends(study, "ends"), *_ends(study, "longer")]
    last = {}
    for name, end in ends:
        steps = [record["step"] for record in end["history"] if record["step"] > 0]
        losses = [record["held_out"] for record in end["history"] if record["step"] > 0]
        longer = name in study.get("longer", {}) and end is study["longer"][name]
        colour = _COLOUR[end["optimizer"]]
        axes.plot(steps, losses, color=colour, linestyle="--" if longer else "-", linewidth=1.3)
        last[OPTIMIZERS[end["optimizer"]] + (", longer" if longer else "")] = (
            steps[-1],
            losses[-1],
            colour,
        )
    lowest = min(loss for _, loss, _ in last.values())
    most = max(end["history"][-1]["held_out"] for _, end in ends)
    axes.set(
        xlabel="step",
        ylabel="held-out loss, nats per token",
        title="Training of the models",
        xscale="log",
        ylim=(lowest - 0.1, most + 4 * max(most - lowest, 0.2)),
    )
    handles = [
        Line2D([], [], color=colour, linestyle="--" if "longer" in name else "-", label=name)
        for name, (_, _, colour) in last.items()
    ]
    axes.legend(handles=handles, loc="upper right", frameon=True, edgecolor="none")


def _ends(study: Study, kind: str) -> Iterable[tuple[str, Any]]:
    ends: Mapping[str, Any] = study.get(kind, {})
    return ends.items()


def draw_rank_over_loss(axes: Axes, study: Study) -> None:
    """Median stable rank of trained models over their loss: ends, longer ones, the sweep."""
    names: dict[str, None] = {}
    for kind, size, face in (("ends", 8, True), ("longer", 11, False)):
        for _, end in _ends(study, kind):
            optimizer = end["optimizer"]
            longer = ", trained longer" if kind == "longer" else ""
            label = f"{OPTIMIZERS[optimizer]}{longer}"
            axes.plot(
                end["loss"]["in"],
                median_rank(end),
                **_dot(optimizer, size, filled=face),
                label=None if label in names else label,
                zorder=4,
            )
            names[label] = None
    for optimizer in OPTIMIZERS:
        swept = sorted(
            (run["learning_rate"], run["loss"], run["stable_rank"])
            for run in study.get("sweep", ())
            if run["optimizer"] == optimizer
        )
        if swept:
            rates, losses, ranks = zip(*swept, strict=True)
            axes.plot(losses, ranks, color=_COLOUR[optimizer], linewidth=0.8, alpha=0.6)
            axes.plot(
                losses,
                ranks,
                **_dot(optimizer, 4.5, filled=False),
                label=f"{OPTIMIZERS[optimizer]}, rates swept",
            )
            for k in {0, len(rates) - 1}:
                axes.annotate(
                    f"{rates[k]:.3g}",
                    (losses[k], ranks[k]),
                    (6, 5),
                    textcoords="offset points",
                    fontsize=10,
                    color=_COLOUR[optimizer],
                )
    axes.axhline(median_rank(study["start"]), **_REFERENCE, label="random start")
    axes.margins(0.12)
    axes.set(
        xlabel="loss in distribution, nats per token",
        ylabel="median stable rank",
        title="Stable rank over loss",
    )
    axes.set_ylim(bottom=0)
    axes.legend(loc="upper center", bbox_to_anchor=(0.45, -0.2), ncols=2, fontsize=10.5)


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
    axes.set(
        xlabel="from the first model (0) to the second (1)",
        ylabel="loss, nats per token",
        title="Loss along the path, dotted the chords",
        xlim=(0, 1),
    )
    axes.legend(loc="upper center", bbox_to_anchor=(0.45, -0.2))


# Spectra


def draw_kinds(axes: Axes, along: Mapping[str, Any]) -> None:
    """The stable rank along one path by kind of matrix, the median over layers.

    along: with the points `t` and the `stable_rank` of each matrix there.
    """
    for k, kind in enumerate(KINDS):
        t, ranks = _ranks({"spectra": along}, (kind,))
        line = ("-", "--", "-.")[k % 3]
        axes.plot(t, ranks, color=COLOURS[k // 3], linestyle=line, label=kind, **_BOLD)
    axes.set(
        xlabel="from the first model (0) to the second (1)",
        ylabel="stable rank",
        title="Stable rank along the path",
        xlim=(0, 1),
    )
    axes.set_ylim(bottom=0)
    axes.legend(loc="upper left", bbox_to_anchor=(1, 1), handlelength=3)


def draw_median_ranks(axes: Axes, study: Study, shown: Sequence[str]) -> None:
    """The median stable rank along polychains and aligned straight lines, and at the random start.

    shown: cells. Where bends were trained by the other optimizer too, they are there as well.
    """
    by_other = {}
    for cell in shown:
        for kind in ("linear", "polychain", *_BY_OTHER):
            curves = [
                _ranks(pair["curves"][kind], KINDS)
                for pair in pairs(study, cell).values()
                if kind in pair["curves"]
            ]
            if curves:
                _draw_ranks(axes, curves, cell, kind)
                if kind in _BY_OTHER:
                    label = f"polychain, bend by {_BY_OTHER[kind]}"
                    by_other[kind] = Line2D([], [], color="black", linestyle="-.", label=label)
    axes.axhline(median_rank(study["start"]), **_REFERENCE)
    axes.set(
        xlabel="from the first model (0) to the second (1)",
        ylabel="median stable rank",
        title="Stable rank along the way",
        xlim=(0, 1),
    )
    axes.set_ylim(0, 1.08 * axes.get_ylim()[1])
    handles = [Line2D([], [], color=_COLOUR[cell], label=named(cell), **_BOLD) for cell in shown]
    _legend_of_lines(axes, [*handles, *by_other.values()])


def _draw_ranks(
    axes: Axes, curves: Sequence[tuple[_Values, _Values]], cell: str, kind: str
) -> None:
    """Thin lines for pairs, and their mean."""
    t = curves[0][0]
    ranks = np.array([rank for _, rank in curves])
    style = {"color": _COLOUR[cell], "linestyle": _LINE.get(kind, "-.")}
    for rank in ranks if len(ranks) > 1 else ():
        axes.plot(t, rank, **style, **_THIN)
    axes.plot(t, ranks.mean(axis=0), **style, **_BOLD)


def _legend_of_lines(axes: Axes, handles: Sequence[Line2D]) -> None:
    """What colours and lines mean, below the picture."""
    axes.legend(
        handles=[*handles, *_line_handles()],
        loc="upper center",
        bbox_to_anchor=(0.45, -0.2),
        ncols=2,
        fontsize=10.5,
        handlelength=2.6,
    )


def _line_handles() -> list[Line2D]:
    return [
        Line2D([], [], color="black", linestyle="-", label="polychain", **_BOLD),
        Line2D([], [], color="black", linestyle="--", label="straight line, aligned", **_BOLD),
        Line2D([], [], label="random start", **_REFERENCE),
    ]


def _ranks(curve: Mapping[str, Any], kinds: Sequence[str]) -> tuple[_Values, _Values]:
    """Points, and the median over the matrices of some kinds of the stable rank there."""
    spectra = curve["spectra"]
    ranks = [
        values for name, values in spectra["stable_rank"].items() if name.split(".", 1)[1] in kinds
    ]
    return np.array(spectra["t"]), np.median(np.array(ranks), axis=0)


def draw_small_multiples(study: Study) -> Figure:
    """The stable rank along the way: a row for each kind of matrix, a column for each cell."""
    shown = cells(study)
    figure = Figure(figsize=(WIDE, _PANELS_HIGH), layout="constrained")
    panels = figure.subplots(len(KINDS), len(shown), sharex=True, sharey="row", squeeze=False)
    start = study["start"]["stable_rank"]
    for kind, row in zip(KINDS, panels, strict=True):
        at_start = median(rank for name, rank in start.items() if name.split(".", 1)[1] == kind)
        for cell, axes in zip(shown, row, strict=True):
            for line in ("linear", "polychain"):
                curves = [
                    _ranks(pair["curves"][line], (kind,))
                    for pair in pairs(study, cell).values()
                    if line in pair["curves"]
                ]
                if curves:
                    _draw_ranks(axes, curves, cell, line)
            axes.axhline(at_start, **_REFERENCE)
            axes.set(xlim=(0, 1), xticks=[0, 0.5, 1], xticklabels=["0", "½", "1"])
            axes.yaxis.set_major_locator(MaxNLocator(4, integer=True))
            axes.tick_params(labelsize=9)
        row[0].set_ylim(bottom=0)
        row[0].set_ylabel(kind, fontsize=10.5)
    for cell, axes in zip(shown, panels[0], strict=True):
        axes.set_title(named(cell), fontsize=10.5, color=_COLOUR[cell])
    figure.legend(
        handles=_line_handles(), loc="outside lower center", ncols=3, fontsize=9.5, handlelength=2
    )
    return figure


def shown_matrix(study: Study, cell: str) -> str | None:
    """The matrix whose singular values `draw_singular_values` draws; None if there are none."""
    curve = next(iter(pairs(study, cell).values()))["curves"]["polychain"]
    found = list(curve["spectra"].get("singular_values", {}))
    return next((name for name in found if name.endswith("mlp-in")), found[0] if found else None)


def draw_singular_values(axes: Axes, study: Study, cell: str) -> None:
    """Singular values of one matrix over the largest, at points of the first pair's polychain."""
    matrix = shown_matrix(study, cell)
    name, pair = next(iter(pairs(study, cell).items()))
    values = pair["curves"]["polychain"]["spectra"]["singular_values"][matrix]
    for t, spectrum in zip(values["t"], values["values"], strict=True):
        axes.plot(*_sorted(spectrum), color=_shade(t), linewidth=2, label=f"t = {t:.2g}")
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
    optimizers = [name.rsplit("-", 1)[0] for name in (pair["first"], pair["last"])]
    for at, colour, marker, name, below in (
        (first, _COLOUR[optimizers[0]], _MARKER[optimizers[0]], pair["first"], first[1] < bend[1]),
        (last, _COLOUR[optimizers[1]], _MARKER[optimizers[1]], pair["last"], last[1] < bend[1]),
        (bend, "white", "D", "bend", False),
    ):
        axes.plot(
            *at, color=colour, marker=marker, markersize=10, markeredgecolor="black", zorder=5
        )
        axes.annotate(
            name,
            at,
            (0, -9 if below else 9),
            textcoords="offset points",
            ha="center",
            va="top" if below else "bottom",
            bbox=_BOX,
            zorder=6,
        )
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
    colour = _COLOUR[optimizer]
    norm = own_norm(optimizer)
    first = True
    for _, end in _ends(study, "ends"):
        if end["optimizer"] != optimizer:
            continue
        steps, sizes, reaches = _histories(end, norm)
        axes.fill_between(
            steps, sizes.min(axis=1), sizes.max(axis=1), color=colour, alpha=0.15, linewidth=0
        )
        middle = np.median(sizes, axis=1)
        axes.plot(steps, middle, color=colour, **_BOLD, label="matrices, median" if first else None)
        axes.plot(
            steps,
            sizes.max(axis=1),
            color=colour,
            linewidth=1,
            linestyle="-.",
            label="the largest" if first else None,
        )
        reach = reaches.max(axis=1)
        axes.plot(steps, reach, **_REFERENCE, label="within reach" if first else None)
        first = False
    axes.axhline(1, color="black", linewidth=1.4, label="the ball")
    axes.set(
        xlabel="step",
        ylabel=f"{norm} norm / radius",
        title=f"{OPTIMIZERS[optimizer]}'s ball",
        yscale="log",
    )
    axes.set_ylim(top=2)
    axes.yaxis.set_major_locator(LogLocator())
    axes.legend(loc="upper center", bbox_to_anchor=(0.45, -0.2), ncols=2, fontsize=10.5)


def own_norm(optimizer: str) -> str:
    """The norm that an optimizer's ball is of."""
    return {"adamw": "entrywise", "muon": "spectral"}[optimizer]


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
    _, sizes, reaches = _histories(end, own_norm(end["optimizer"]))
    return float((sizes[1:] / reaches[1:]).max())


def over_radius(end: Mapping[str, Any]) -> float:
    """The largest norm of a hidden matrix of a trained model over the radius."""
    _, sizes, _ = _histories(end, own_norm(end["optimizer"]))
    return float(sizes[-1].max())


def largest_on_path(study: Study, pair: Mapping[str, Any], kind: str, optimizer: str) -> _Values:
    """The largest norm of a hidden matrix along a curve over the optimizer's radius."""
    radius = next(end["radius"] for _, end in _ends(study, "ends") if end["optimizer"] == optimizer)
    norms = pair["curves"][kind]["spectra"][f"{own_norm(optimizer)}_norm"]
    largest: _Values = np.max([np.array(norms[m]) / radius[m] for m in radius], axis=0)
    return largest


def draw_norms_along(axes: Axes, study: Study, optimizer: str) -> None:
    """The largest norm of a hidden matrix along curves, over the radius of an optimizer's ball."""
    highest = 0.0
    chosen = [cell for cell in cells(study) if optimizer in cell.split("-")]
    for cell in chosen:
        for kind in ("linear", "polychain"):
            found = [pair for pair in pairs(study, cell).values() if kind in pair["curves"]]
            curves = [
                (
                    np.array(pair["curves"][kind]["spectra"]["t"]),
                    largest_on_path(study, pair, kind, optimizer),
                )
                for pair in found
            ]
            if curves:
                _draw_ranks(axes, curves, cell, kind)
                highest = max(highest, *(float(sizes.max()) for _, sizes in curves))
    axes.set(
        xlabel="from the first model (0) to the second (1)",
        ylabel=f"{own_norm(optimizer)} norm / radius",
        title=f"Along the way, in {OPTIMIZERS[optimizer]}'s ball",
        xlim=(0, 1),
        ylim=(0, 1.15 * highest),
    )
    if 0.5 < highest:
        axes.axhline(1, color="black", linewidth=1.4)
        axes.set_ylim(top=1.15 * max(highest, 1))
    handles = [Line2D([], [], color=_COLOUR[cell], label=named(cell), **_BOLD) for cell in chosen]
    axes.legend(
        handles=[*handles, *_line_handles()[:2]],
        loc="upper center",
        bbox_to_anchor=(0.45, -0.2),
        ncols=2,
        fontsize=10.5,
        handlelength=2.6,
    )
