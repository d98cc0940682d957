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
    """A figure of one picture, which `draw` puts on its axes: `plot` of an object does."""
    # The layout "constrained" would cut legends off where the axes have a fixed aspect.
    figure = Figure(figsize=(WIDE, HIGH), layout="compressed")
    draw(figure.subplots())
    return figure


def svg(make: Callable[[], Figure], salt: str) -> str:
    """One picture as an element for an HTML page; names in it differ from those of other salts.

    Text is text, which a page can search, in fonts of the page's own.
    """
    with style({"svg.hashsalt": salt, "svg.fonttype": "none"}):
        buffer = io.StringIO()
        make().savefig(buffer, format="svg", metadata={"Date": None})
    text = buffer.getvalue()
    return _slim(text[text.index("<svg") :])


def _slim(text: str) -> str:
    """An SVG without what an HTML page does not need: half of it or less.

    Coordinates are to a tenth of a point. How lines join is for the style of the page to say.
    """
    # HTML knows the namespaces; what remains refers to nothing outside the page.
    for what in (r"<metadata>.*?</metadata>", r"<defs>\s*<style.*?</defs>", r"<!--.*?-->"):
        text = re.sub(what, "", text, flags=re.DOTALL)
    text = re.sub(r' (xmlns(:\w+)?|version)="[^"]*"', "", text)
    text = re.sub(r' (width|height)="[^"]*pt"', "", text, count=2)
    text = text.replace("xlink:href", "href")
    named = set(re.findall(r"#([\w.-]+)", text))
    text = re.sub(r' id="([^"]*)"', lambda found: found[0] if found[1] in named else "", text)
    text = re.sub(r' transform="rotate\(-?0 [^"]*"', "", text)
    text = re.sub(r' (d|x|y|width|height|transform)="([^"]*)"', _rounded, text)
    text = re.sub(r' style="([^"]*)"', _without_fonts, text)
    return _unwrapped(re.sub(r">\s+<", "><", text.strip()))


def _rounded(attribute: re.Match[str]) -> str:
    name, value = attribute.groups()
    # The factors of matrices are small.
    digits = 4 if "matrix" in value else 1
    value = re.sub(r"-?\d+\.\d+", lambda found: f"{round(float(found[0]), digits) + 0.0:g}", value)
    if name == "d":
        value = re.sub(r"\s*([A-Za-z])\s*", r"\1", value).strip()
    return f' {name}="{value}"'


def _without_fonts(attribute: re.Match[str]) -> str:
    """A style without the families of fonts, which are the page's."""
    rules = (rule.strip() for rule in attribute[1].split(";"))
    kept = [rule.replace(": ", ":") for rule in rules if rule and "font-family" not in rule]
    return f' style="{";".join(kept)}"'


def _unwrapped(text: str) -> str:
    """Without groups that say nothing of what is in them."""
    parts: list[str] = []
    kept: list[bool] = []
    for part in re.split(r"(<g\b[^>]*>|</g>)", text):
        if part == "</g>":
            if kept.pop():
                parts.append(part)
        elif re.match(r"<g\b", part):
            kept.append(part != "<g>")
            if kept[-1]:
                parts.append(part)
        else:
            parts.append(part)
    return "".join(parts)
