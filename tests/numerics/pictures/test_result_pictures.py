"""Pictures of what commands find: values are where they belong, and each command draws its own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from command import run
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from numerics.pictures.results import fits, landscape
from theory.landscape import analyse, barrier_between
from theory.loading import example
from theory.network import Network
from theory.problem import Problem


def drawn(line: Line2D) -> list[tuple[float, float]]:
    x, y = (np.asarray(values, dtype=float).tolist() for values in line.get_data())
    return [*zip(x, y, strict=True)]


def points(axes: Axes, label: str) -> list[tuple[float, float]]:
    """The marks that a legend has this label for."""
    (line,) = (each for each in axes.lines if each.get_label() == label)
    return drawn(line)


def test_networks_are_side_by_side() -> None:
    problem = Problem([[3], [-1], [0]], [1, 2, 3])
    networks = {"first": Network([[1]], [2]), "second": Network([[-1]], [1])}
    left, right = fits(problem, networks).axes
    assert [left.get_title(), right.get_title()] == ["first", "second"]
    assert points(left, "network") == [(3, 6), (-1, 0), (0, 0)]
    assert points(right, "network") == [(3, 0), (-1, 1), (0, 0)]
    assert points(left, "data") == points(right, "data") == [(3, 1), (-1, 2), (0, 3)]


def test_a_landscape_has_a_path_where_there_is_a_pass() -> None:
    data = example("flagship")
    analysis = analyse(data, 2)
    assert [axes.get_title() for axes in landscape(analysis).axes] == [
        "The data and the fits",
        "From component 0 to component 1",
        "Components as the level rises",
    ]
    assert len(landscape(analyse(data, 1)).axes) == 2
    ends = [component.representative for component in analysis.components]
    crossing = barrier_between(data, *ends)
    middle = landscape(analysis, crossing).axes[1]
    assert middle.get_title() == "From the first network to the second"
    (path,) = (line for line in middle.lines if line.get_label() == "minimax path")
    assert max(loss for _, loss in drawn(path)) == pytest.approx(float(crossing.value))


BALL = "--optimizer adamw --rho 5/2"
NETS = "nets/0.json nets/1.json --problem flagship"


@pytest.mark.parametrize(
    "command",
    [
        "barrier flagship",
        "barrier flagship --level 1",
        "barrier flagship --within adamw --rho 5/2 --between nets/0.json nets/1.json",
        "valleys flagship --width 1",
        "classify nets/0.json --problem flagship --polish",
        "radii flagship --optimizers adamw,muon",
        "margin opposite-margins --optimizer adamw,muon",
        f"width flagship {BALL} --max-width 2",
        f"path {NETS} {BALL}",
        f"line {NETS}",
        "solve flagship --optimizer muon --rho 2",
        f"train flagship {BALL} --seeds 3 --steps 50",
        f"train flagship {BALL} --seeds 3 --steps 50 --max-cells 9",
        "train flagship --optimizer sgd --rho 5/2 --seeds 3 --steps 50",
    ],
)
def test_each_command_draws_and_says_so(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    command: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("nets").mkdir()
    networks = [each.representative for each in analyse(example("flagship"), 2).components]
    for k, network in enumerate(networks[:1] * 2):
        file = Path("nets", f"{k}.json")
        file.write_text(str(network.to_json()).replace("'", '"'))
    code, out, err = run(capsys, *command.split(), "--plot", "p.svg")
    assert code == 0, err
    assert out.splitlines().count("picture: p.svg") == 1
    assert Path("p.svg").read_text().count("<svg") == 1
    without = run(capsys, *command.split())
    assert without[1] == out.replace("picture: p.svg\n", "")
