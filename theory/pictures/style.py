"""The style of all pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any, TypeVar

import matplotlib as mpl
import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

_Shown = TypeVar("_Shown")

STYLE: dict[Any, Any] = {
    "font.size": 12,
    "axes.titlesize": 12,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e4e4e4",
    "legend.frameon": False,
    "legend.fontsize": 11,
    "svg.fonttype": "path",  # a file must look the same without our fonts
}

# Okabe and Ito's colours, which colour-blind readers can tell apart.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#AA4499")

# By name, the same in all pictures. Lines differ as well, for print without colours; dots are left
# to bounds.
_OPTIMIZERS: dict[str, tuple[str, Any]] = {
    "adamw": (COLOURS[0], "-"),
    "muon": (COLOURS[1], "--"),
    "lion": (COLOURS[2], "-."),
    "ngd": (COLOURS[3], (0, (7, 2))),
    "muon-adamw": ("#E69F00", (0, (5, 1, 1, 1, 1, 1))),
    "colnorm": ("#56B4E9", (0, (3, 1, 1, 1))),
    "adamw-ngd": ("#117733", (0, (7, 1, 1, 1))),
    "colnorm-ngd": ("#882255", (0, (5, 3))),
    "ngd-adamw": ("#CC6677", (0, (1, 1, 5, 1))),
    "signsgd": ("#332288", (0, (9, 2, 2, 2))),
    "sgd": ("#8A8A3C", (0, (2, 2))),
    "kaon": (COLOURS[3], (0, (1, 1))),
    "muon_vof": ("#E69F00", (0, (5, 1, 1, 1))),
    "muon_qk": ("#56B4E9", (0, (3, 3))),
}
_OWN = ("#777777", "-")  # of an optimizer of one's own

LINES = ("-", "--", "-.", ":")
_MARKERS = ("o", "s", "^", "D")
HATCHES = ("", "///", "---", "xxx")
CURVES = len(LINES)
"""More curves than this are not drawn in one picture."""

DOTTED: dict[str, Any] = {"color": "black", "linewidth": 1.4, "linestyle": ":"}

WIDE, HIGH = 5.2, 3.9
"""Inches of one picture; legible on a telephone."""


def optimizer_colour(name: str) -> str:
    """The colour of an optimizer in all pictures."""
    return _OPTIMIZERS.get(name, _OWN)[0]


def optimizer_line(name: str) -> dict[str, Any]:
    """The line of an optimizer in all pictures."""
    colour, line = _OPTIMIZERS.get(name, _OWN)
    return {"color": colour, "linestyle": line, "linewidth": 1.8}


@contextmanager
def style(more: Mapping[Any, Any] = MappingProxyType({})) -> Iterator[None]:
    """The project's style, and `more` settings, whatever the user's matplotlibrc says."""
    with mpl.rc_context():
        mpl.rcdefaults()
        settings: Any = mpl.rcParams  # typed with a literal for each name
        settings.update({**STYLE, **more})
        yield


def on(axes: Axes | None, draw: Callable[[Axes, _Shown], None], shown: _Shown) -> Axes:
    """Draw something on these axes, or on new ones of pyplot in the project's style.

    Nothing is saved, and nothing shown but by what shows figures of pyplot, as notebooks do.
    """
    if axes is not None:
        draw(axes, shown)
        return axes
    from matplotlib import pyplot

    # Outside of the style, which would undo that a notebook's backend wants figures shown.
    figure = pyplot.figure(figsize=(WIDE, HIGH), layout="compressed")
    with style():
        new = figure.add_subplot()
        draw(new, shown)
    return new


def curve(number: int) -> dict[str, Any]:
    """The line of the curve of this number."""
    return {"color": COLOURS[number], "linestyle": LINES[number], "linewidth": 2}


def mark(number: int) -> dict[str, Any]:
    """The marker of the curve of this number."""
    return {
        "color": COLOURS[number],
        "marker": _MARKERS[number],
        "markersize": 7,
        "markerfacecolor": "white",
        "markeredgewidth": 1.6,
        "linestyle": "none",
    }


def legend(axes: Axes, columns: int) -> None:
    """A legend above the curves, with room made for it."""
    rows = -(-len(axes.get_legend_handles_labels()[1]) // columns)
    bottom, top = axes.get_ylim()
    axes.set_ylim(bottom, bottom + (top - bottom) / (1 - 0.085 * rows))
    axes.legend(loc="upper center", ncols=columns, borderaxespad=0)


def whole_ticks(axes: Axes) -> None:
    """Ticks at whole numbers only, of things that are counted."""
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))


def floats(values: object) -> Float[np.ndarray, " *shape"]:
    """Exact values as float64, for drawing only."""
    return np.array(values, dtype=float)
