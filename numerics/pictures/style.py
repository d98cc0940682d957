"""How pictures get into files and pages."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from numerics.files import write
from theory.pictures.style import HIGH, WIDE, style


def save_figure(file: Path, draw: Callable[[], Figure]) -> None:
    """Write a figure in the project's style; the ending of the file says how."""
    content = io.BytesIO()
    with style():
        draw().savefig(content, format=file.suffix[1:], dpi=120)
    write(file, content.getvalue())


def panel(draw: Callable[[Axes], object]) -> Figure:
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
