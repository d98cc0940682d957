"""The style of all pictures, and how they get into files and pages."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from numerics.files import write

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
    "svg.fonttype": "path",  # the page must look the same without our fonts
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


def save_figure(file: Path, draw: Callable[[], Figure]) -> None:
    """Write a figure in the project's style; the ending of the file says how."""
    content = io.BytesIO()
    with style():
        draw().savefig(content, format=file.suffix[1:], dpi=120)
    write(file, content.getvalue())


def panel(draw: Callable[[Axes], None]) -> Figure:
    """A figure of one picture."""
    # The layout "constrained" would cut legends off where the axes have a fixed aspect.
    figure = Figure(figsize=(WIDE, HIGH), layout="compressed")
    draw(figure.subplots())
    return figure


def svg(make: Callable[[], Figure], salt: str) -> str:
    """One picture as an element for an HTML page; names in it differ from those of other salts."""
    with style({"svg.hashsalt": salt}):
        buffer = io.StringIO()
        make().savefig(buffer, format="svg", metadata={"Date": None})
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    # HTML knows the namespaces; what remains refers to nothing outside the page.
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r' xmlns(:\w+)?="[^"]*"', "", text)
    return re.sub(r' (width|height)="[^"]*pt"', "", text, count=2)
