"""The names of all ends, and merge trees with the runs at their leaves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from functools import partial

from matplotlib.axes import Axes

from numerics.pictures.ends import draw_ends
from numerics.report.sheets import Picture, Sheet
from theory.claims import Result
from theory.claims.where_training_ends import ALL, Ended, Landscape
from theory.landscape.valleys import Valleys
from theory.pictures.valleys import draw_disconnectivity_graph


def sheets(result: Result[Mapping[str, Landscape], Mapping[str, Ended]]) -> list[Sheet]:
    """The names of all ends, and merge trees with the runs at their leaves."""
    counts: dict[str, dict[str, Mapping[str, int]]] = {}
    for key, ended in result.observation.evidence.items():
        name, optimizer = key.split(", ")
        counts.setdefault(name, {})[optimizer] = ended.counts
    everywhere: dict[str, Mapping[str, int]] = {
        optimizer: {kind: sum(own[optimizer][kind] for own in counts.values()) for kind in ALL}
        for optimizer in next(iter(counts.values()))
    }
    bars: list[Picture] = [
        (
            partial(draw_ends, counts=own, title=title),
            f"{title}: what the places are called where runs of each optimizer ended. sgd has a "
            "penalty instead of a ball, and its places are those of loss and penalty.",
        )
        for title, own in {"all data sets": everywhere, **counts}.items()
    ]
    trees: list[Picture] = []
    # Those with most valleys first: the file shows some only.
    landscapes = sorted(result.prediction.evidence.items(), key=lambda item: -_valleys(item[1]))
    for key, landscape in landscapes:
        tree = landscape.tree
        if _valleys(landscape) < 2:
            continue
        name, optimizer = key.split(", ")
        runs = {optimizer: _leaves(tree, result.observation.evidence[key])}
        caption = (
            f"{key}: every valley of the loss in the ball, or for sgd of loss and penalty, from "
            "its bottom up to where it joins a deeper one, and below it how many runs ended "
            "there. Blue: the global one."
        )
        trees.append((partial(_draw_tree, tree=tree, runs=runs, name=name), caption))
    return [Sheet("", bars, columns=3), Sheet(".trees", trees, columns=3, most=6)]


def _draw_tree(axes: Axes, tree: Valleys, runs: Mapping[str, Mapping[int, int]], name: str) -> None:
    draw_disconnectivity_graph(axes, tree, runs)
    (optimizer,) = runs
    axes.set_title(f"{name}, {optimizer}: {len(tree.valleys)} valleys")


def _valleys(landscape: Landscape) -> int:
    return len(landscape.tree.valleys)


def _leaves(tree: Valleys, ended: Ended) -> Mapping[int, int]:
    """How many runs ended in each valley, by its id: that of the nearest bottom."""
    own = [loss for name, loss in ended.ends if name in ("global", "valley")]
    return Counter(
        min(tree.valleys, key=lambda valley: abs(float(valley.birth) - loss)).id for loss in own
    )
