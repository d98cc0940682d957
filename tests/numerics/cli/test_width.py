"""`isthmus width`: JSON, exit codes, good and bad input."""

from __future__ import annotations

import json
from fractions import Fraction
from itertools import count
from typing import Any

import pytest
from command import run, run_json

import theory.connectivity
from theory.connectivity.profile import Profile

ARGUMENTS = ("width", "non-monotone", "--optimizer", "adamw", "--rho", "1/2")


def test_json_contract(capsys: pytest.CaptureFixture[str]) -> None:
    found = run_json(capsys, *ARGUMENTS, "--max-width", "4", "--level", "0")
    assert [row["width"] for row in found["widths"]] == [1, 2, 3, 4]
    assert [row["components"] for row in found["widths"]] == [0, 1, 2, 1]
    assert [row["components_labelled"] for row in found["widths"]] == [0, 1, 4, 1]
    assert [row["minimum"] for row in found["widths"]] == ["1/10", "0", "0", "0"]
    assert (found["last_disconnected"], found["bound"], found["monotone"]) == (3, 6, False)
    assert found["bound_from_counts"] == 4
    assert found["complete"]


def test_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, *ARGUMENTS, "--max-width", "4", "--level", "0")
    assert (code, err) == (0, "")
    assert "empty" in out
    assert "last width seen disconnected: 3, after a connected one" in out
    assert "connected at every width >= 6 (theorem" in out
    assert "connected at every width >= 4 (minimal counts)" in out


def test_what_does_not_fit_is_told_and_exits_3(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """First of all: nothing is computed before it is said."""
    profile = theory.connectivity.width_profile
    said = []

    def watched(*args: Any, **options: Any) -> Profile:
        said.append(capsys.readouterr().err)
        return profile(*args, **options)

    monkeypatch.setattr(theory.connectivity, "width_profile", watched)
    code, out, err = run(capsys, *ARGUMENTS, "--max-width", "50", "--max-cells", "130")
    assert (code, err) == (3, "")
    (err,) = said
    assert err.startswith("isthmus: width 3: cells (8 states, width 3, labelled): 512 needed")
    assert err.endswith("allow it with --max-cells 512\n")
    assert err.count("\n") == 1
    assert "1/10" in out


def test_a_level_above_the_least_loss_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    """Exact in AdamW's ball; in Muon's where it holds exact fits, as it does of two neurons."""
    found = run_json(capsys, *ARGUMENTS, "--max-width", "2")
    assert [row["level"] for row in found["widths"]] == ["1/10", "0"]
    muon = ("width", "split-in-muon", "--optimizer", "muon", "--rho", "3", "--max-width", "2")
    one, two = run_json(capsys, *muon)["widths"]
    assert 0 < Fraction(one["minimum"]["upper"]) < Fraction(one["level"])
    assert (two["minimum"], two["level"], two["components_labelled"]) == ("0", "0", 4)
    _, out, _ = run(capsys, *muon)
    assert "components of loss <= level, the least loss of each width or a little above it" in out
    assert "networks of exactly that are not told from those just above" in " ".join(out.split())
    _, out, _ = run(capsys, *ARGUMENTS, "--max-width", "2")
    assert "a little above" not in out
    _, out, _ = run(capsys, *muon, "--level", "1/100")
    assert "components of loss <= 1/100" in out


def test_exact_fits_in_a_ball_that_is_no_polytope(capsys: pytest.CaptureFixture[str]) -> None:
    muon = ("width", "non-monotone-muon", "--optimizer", "muon", "--rho", "341/100")
    code, out, err = run(capsys, *muon, "--level", "0", "--json", "-")
    found = json.loads(out)
    assert (code, err) == (0, "")
    assert found["complete"]
    assert [row["components"] for row in found["widths"]] == [0, 0, 1, 4]
    assert [row["components_labelled"] for row in found["widths"]] == [0, 0, 6, 73]
    assert [row["minimum"] for row in found["widths"][2:]] == ["0", "0"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--optimizer sgd --rho 1", "optimizer: sgd has no norm ball"),
        ("--optimizer adamw --rho 0", "rho: 0 must be positive"),
        ("--optimizer adamw --rho x", "rho: 'x' is not a finite number"),
        ("--optimizer adamw --rho 1 --max-width 0", "max-width: 0 must be at least 1"),
        ("--optimizer adamw --rho 1 --max-cells 0", "max-cells: 0 must be at least 1"),
        ("--optimizer adamw --rho 1 --max-counts 0", "max-counts: 0 must be at least 1"),
    ],
)
def test_wrong_input(capsys: pytest.CaptureFixture[str], options: str, message: str) -> None:
    code, out, err = run(capsys, "width", "non-monotone", *options.split())
    assert (code, out) == (2, "")
    assert err.startswith(f"isthmus: {message}")


def test_intervals(capsys: pytest.CaptureFixture[str]) -> None:
    found = run_json(capsys, *ARGUMENTS, "--max-width", "3", "--intervals")
    assert [row["width"] for row in found["intervals"]] == [1, 2, 3]
    assert found["intervals"][2]["intervals"] == [
        {"lower": "0", "upper": "1/3", "components": 0, "components_labelled": 0},
        {"lower": "1/3", "upper": "2/5", "components": 1, "components_labelled": 1},
        {"lower": "2/5", "upper": "2/3", "components": 2, "components_labelled": 4},
        {"lower": "2/3", "upper": None, "components": 1, "components_labelled": 1},
    ]
    code, out, err = run(capsys, *ARGUMENTS, "--max-width", "2", "--intervals")
    assert (code, err) == (0, "")
    assert "exactly from one radius on" in out
    assert "2/3" in out


def test_intervals_are_for_entrywise_balls(capsys: pytest.CaptureFixture[str]) -> None:
    options = ("--optimizer", "muon", "--rho", "1", "--intervals")
    code, out, err = run(capsys, "width", "non-monotone", *options)
    assert (code, out) == (2, "")
    assert "the ball of muon is no polytope" in err


def test_a_time_budget_leaves_the_widths_that_are_known(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The clock here says that a second passes between two looks at it."""

    def with_budget(seconds: int) -> tuple[int, str, list[int]]:
        clock = count()
        with monkeypatch.context() as patch:
            patch.setattr("numerics.cli.output.time.monotonic", lambda: float(next(clock)))
            told = (*ARGUMENTS, "--level", "0", "--time-budget", seconds, "--json", "-")
            code, out, err = run(capsys, *told)
        found = json.loads(out)
        assert found["complete"] == (code == 0)
        looks.append(next(clock))
        return code, err, [row["components"] for row in found["widths"]]

    looks: list[int] = []
    assert with_budget(10**6)[::2] == (0, [0, 1, 2, 1])
    enough = looks[0]
    code, err, components = with_budget(enough - 10)
    assert (code, components) == (3, [0, 1, 2])
    assert f"the time budget of {enough - 10} s is spent\n" in err
    assert with_budget(1)[::2] == (3, [])
