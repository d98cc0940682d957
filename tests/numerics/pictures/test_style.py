"""What all pictures have in common: optimizers' colours, and no part of the user's settings."""

from __future__ import annotations

import re
import subprocess
import sys
from io import StringIO
from pathlib import Path
from xml.etree import ElementTree

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb

from numerics.pictures.style import panel, save_figure, svg
from numerics.training.optimizers import OPTIMIZERS
from theory.pictures.style import optimizer_line, style

ROOT = Path(__file__).parents[3]
ARGUMENTS = ["regions", "two-regions", "--optimizers", "adamw,lion", "--width", "1", "--plot"]
FILES = ["regions.svg", "regions.png"]
COMMAND = f"""
import sys
from numerics.cli import main
sys.exit(max(main([*{ARGUMENTS}, file]) for file in {FILES}))
"""
RC = "text.usetex: True\naxes.grid: False\nfont.size: 30\n"


def draw(axes: Axes) -> None:
    axes.plot([0, 1], label="$x_1$")
    axes.set_title("a title with 10_000 % & more")
    axes.legend()


def test_each_optimizer_has_a_colour_and_a_line_of_its_own() -> None:
    lines = [optimizer_line(name) for name in OPTIMIZERS]
    assert len({line["color"] for line in lines}) == len(lines)
    assert len({str(line["linestyle"]) for line in lines}) == len(lines)
    colours = np.array([to_rgb(line["color"]) for line in lines])
    apart = np.linalg.norm(colours[:, None] - colours[None], axis=-1)
    assert apart[~np.eye(len(lines), dtype=bool)].min() > 0.2


def test_one_of_ones_own_is_drawn_too() -> None:
    assert optimizer_line("mine")["color"] not in {optimizer_line(n)["color"] for n in OPTIMIZERS}


def test_pictures_do_not_depend_on_the_users_settings(tmp_path: Path) -> None:
    before = svg(lambda: panel(draw), "salt")
    with mpl.rc_context({"text.usetex": True, "font.size": 30, "axes.grid": False}):
        assert svg(lambda: panel(draw), "salt") == before
        save_figure(tmp_path / "a.png", lambda: panel(draw))
        assert mpl.rcParams["font.size"] == 30  # which they have back afterwards
    save_figure(tmp_path / "b.png", lambda: panel(draw))
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def crowded(axes: Axes) -> None:
    """Of each kind that pictures have: lines, marks, hatches, formulas, rotated text, an image."""
    draw(axes)
    axes.bar([0, 1], [2, 10.125], hatch="--", alpha=0.5)
    axes.scatter(np.linspace(0, 1, 9), np.linspace(-3, 3, 9) ** 2)
    axes.fill_between([0, 1], [1, 2], color="#abcdef")
    axes.imshow(np.eye(3), extent=(0, 1, 0, 1), aspect="auto")
    axes.set(ylabel="up, <b>", xlabel="$10^{-3}$ of $x$", yscale="symlog")


def leaves(text: str) -> list[tuple[str, str, list[float]]]:
    """What an SVG draws: elements that show something, with their text and numbers, in order."""
    found = []
    for element in ElementTree.fromstring(text).iter():
        tag = element.tag.rpartition("}")[2]
        values = {name.rpartition("}")[2]: value for name, value in element.attrib.items()}
        numbers = " ".join(values.get(name, "") for name in ("d", "x", "y", "width", "height"))
        if tag in ("path", "use", "text", "tspan", "rect"):
            shown = (element.text or "").strip()
            found.append((tag, shown, list(map(float, re.findall(r"-?\d[\d.]*", numbers)))))
    return found


def test_pictures_of_a_page_draw_what_matplotlib_drew() -> None:
    """Slimmed down to less than three quarters; coordinates to a tenth of a point."""
    with style({"svg.hashsalt": "salt", "svg.fonttype": "none"}):
        whole = StringIO()
        panel(crowded).savefig(whole, format="svg", metadata={"Date": None})
    shown = svg(lambda: panel(crowded), "salt")
    expected, found = leaves(whole.getvalue()), leaves(shown)
    assert [each[:2] for each in found] == [each[:2] for each in expected]
    for (_, _, ours), (_, _, theirs) in zip(found, expected, strict=True):
        assert ours == pytest.approx(theirs, abs=0.0501)
    assert len(shown) < 0.75 * len(whole.getvalue())
    for what in ("http", "font-family", "<g>", "xlink", "<!--"):
        assert what not in shown


def test_text_in_pictures_of_a_page_is_text() -> None:
    shown = svg(lambda: panel(crowded), "salt")
    assert ">a title with 10_000 % &amp; more</text>" in shown
    assert ">up, &lt;b&gt;</text>" in shown


def test_plots_with_settings_that_would_stop_matplotlib(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "matplotlibrc").write_text(RC)
    monkeypatch.setenv("MATPLOTLIBRC", str(tmp_path / "matplotlibrc"))
    monkeypatch.setenv("MPLBACKEND", "nonsense")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    done = subprocess.run(
        [sys.executable, "-c", COMMAND],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert all((tmp_path / file).stat().st_size > 1000 for file in FILES)
