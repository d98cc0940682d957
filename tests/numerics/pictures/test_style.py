"""What all pictures have in common: optimizers' colours, and no part of the user's settings."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb

from numerics.pictures.style import panel, save_figure, svg
from numerics.training.optimizers import OPTIMIZERS
from theory.pictures.style import optimizer_line

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
