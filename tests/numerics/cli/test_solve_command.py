"""`isthmus solve`: JSON, certificates, exit codes, good and bad input."""

from __future__ import annotations

import ctypes
import json
import os
import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import cvxpy
import pytest
from command import run, run_json, said
from cvxpy.problems.problem import Problem

import theory.programs
from theory import Network, example
from theory.errors import Interrupted, SolverFailure


def test_json_contract(capsys: pytest.CaptureFixture[str]) -> None:
    found = run_json(capsys, "solve", "flagship", "--optimizer", "adamw", "--rho", "1.5")
    assert found["optimizer"] == "adamw"
    assert found["value"] == found["lower"] == found["upper"] == "13/20"
    assert (found["width"], found["rho"], found["beta"]) == (2, "3/2", None)
    assert found["all_patterns"]
    assert found["all_cells"]
    assert found["relative_gap"] == 0
    assert len(found["network"]["a"]) == 2
    assert found["versions"]["isthmus"]


@pytest.mark.parametrize(
    "name",
    ["lion", "muon", "muon-adamw", "ngd", "colnorm", "adamw-ngd", "colnorm-ngd", "ngd-adamw"],
)
def test_every_optimizer_gives_a_narrow_interval(
    capsys: pytest.CaptureFixture[str], name: str
) -> None:
    found = run_json(capsys, "solve", "flagship", "--optimizer", name, "--rho", "3/2")
    assert Fraction(found["lower"]) <= Fraction(found["upper"])
    assert found["relative_gap"] <= 1e-6


def test_the_relaxation_and_the_network_that_attains_it(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ("solve", "flagship", "--optimizer", "adamw", "--rho", "1")
    relaxed = run_json(capsys, *arguments)["relaxation"]
    assert Fraction(relaxed["lower"]) <= Fraction(relaxed["upper"]) < Fraction(21, 10)
    network = Network.from_json(relaxed["network"])
    assert network.width == relaxed["neurons"] == 3
    assert network.loss(example("flagship")) <= Fraction(relaxed["upper"])
    _, out, _ = run(capsys, *arguments)
    assert "convex program: ≈ 1.35135, attained in the ball by 3 neurons" in out
    _, out, _ = run(capsys, *arguments, "--width", "4")
    assert "convex program" not in out


def test_weight_decay_is_one_over_the_radius_of_each_layer(
    capsys: pytest.CaptureFixture[str],
) -> None:
    decay = run_json(
        capsys, "solve", "flagship", "--optimizer", "ngd", "--weight-decay", "2", "--width", "6"
    )
    rho = run_json(capsys, "solve", "flagship", "--optimizer", "ngd", "--rho", "1/4", "--width", 6)
    assert decay["rho"] == rho["rho"] == "1/4"
    assert decay["upper"] == rho["upper"]


def test_sgd_takes_beta_and_says_penalty(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(
        capsys, "solve", "flagship", "--optimizer", "sgd", "--beta", "2", "--width", 6
    )
    assert (code, err) == (0, "")
    assert "loss + penalty" in out
    assert "width 6, sgd, beta = 2" in out


@pytest.mark.parametrize(("name", "weight"), [("muon", "--rho"), ("sgd", "--beta")])
def test_the_certificate_is_valid(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, name: str, weight: str
) -> None:
    path = tmp_path / "proof.json"
    code, out, _ = run(
        capsys,
        *("solve", "flagship", "--optimizer", name, weight, "1", "--width", 6),
        *("--certificate", path),
    )
    assert code == 0
    assert f"proof: {path}" in out
    assert json.loads(path.read_text())["kind"] == "optimum"
    code, out, _ = run(capsys, "check", path, "--problem", "flagship")
    assert code == 0
    assert "valid" in out


def test_a_gap_that_is_left_is_said_first(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ("solve", "flagship", "--optimizer", "adamw", "--rho", "1", "--max-cells", "1")
    code, out, err = run(capsys, *arguments)
    assert (code, err) == (3, "")
    first = " ".join(" ".join(out.splitlines()[:2]).split())
    assert first.startswith(
        "not decided at width 2: least loss 1.351 to 2.1, a relative gap of 0.36"
    )
    assert "convex program: ≈ 1.35135, attained in the ball by 3 neurons" in first
    code, out, err = run(capsys, *arguments, "--json", "-")
    assert code == 3
    assert err.startswith("isthmus: not decided at width 2: least loss 1.351 to 2.1")
    assert err.count("\n") == 1
    found = json.loads(out)
    assert not found["decided"]
    assert not found["met_tolerance"]
    assert found["complete"]
    assert found["relative_gap"] > 0.3
    assert run_json(capsys, *arguments[:-2])["met_tolerance"]


def test_a_penalty_has_no_ball(capsys: pytest.CaptureFixture[str]) -> None:
    asked = ("solve", "flagship", "--optimizer", "sgd", "--beta", "2", "--width", "1")
    code, out, _ = run(capsys, *asked)
    assert code == 0  # from all cells
    assert "attained by 4 neurons" in out
    assert "ball" not in out
    code, out, _ = run(capsys, *asked, "--max-cells", "1")
    assert code == 3
    assert "not decided at width 1: least loss + penalty" in out
    assert "ball" not in out


def test_patterns_priced_are_not_called_all(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    data = tmp_path / "data.csv"
    # Seven columns: too many for a cover of all directions.
    columns = [(7, 11), (5, 13), (3, 7), (2, 9), (4, 17), (6, 19), (8, 23)]
    rows = [",".join(str(a * k % b - b // 2) for a, b in (*columns, (1, 5))) for k in range(30)]
    data.write_text("\n".join(["a,b,c,d,e,f,g,y", *rows]))
    arguments = ("solve", data, "--target", "y", "--optimizer", "sgd", "--beta", "9")
    record = tmp_path / "record.json"
    code, out, _ = run(capsys, *arguments, "--max-patterns", "20", "--json", record)
    assert code == 0
    assert "not all there are" in out
    assert "over the patterns priced" in out
    assert "proved gap" not in out
    assert "over all patterns: at least" in out
    found = json.loads(record.read_text())
    assert found["lower_holds_for"] == "networks of the patterns priced"
    assert 0 <= Fraction(found["lower_for_every_network"]) < Fraction(found["lower"])
    assert found["relative_gap_for_every_network"] > 1e-5
    few = [word for name in "defg" for word in ("--drop", name)]
    code, out, _ = run(capsys, *arguments, *few, "--max-patterns", "20", "--json", record)
    assert code == 0
    assert "all others by a cover of directions" in out
    assert "over the patterns priced" not in out
    assert "proved gap" in out
    found = json.loads(record.read_text())
    assert found["lower_holds_for"] == "every network"
    assert found["lower_for_every_network"] == found["lower"]


@pytest.mark.parametrize("loss", ["huber:1/2", "absolute", "quantile:1/4", "epsilon:1/10"])
def test_other_losses(loss: str, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ("solve", "flagship", "--optimizer", "ngd", "--rho", "1", "--loss", loss)
    found = run_json(capsys, *asked)
    assert found["loss"] == loss
    assert found["relative_gap"] <= 1e-6
    free = run_json(capsys, *asked, "--output-bias", "--skip")
    assert free["relative_gap"] <= 1e-6
    assert {"b", "c"} <= set(free["network"])
    assert Fraction(free["upper"]) < Fraction(found["lower"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--optimizer nothing --rho 1", "optimizer: 'nothing' is not one of"),
        ("--optimizer muon", "rho: is needed"),
        ("--optimizer muon --rho 0", "rho: 0 must be positive"),
        ("--optimizer muon --rho x", "rho: 'x' is not a finite number"),
        ("--optimizer muon --rho 1 --weight-decay 1", "rho: give it or --weight-decay"),
        ("--optimizer muon --weight-decay 0", "weight-decay: 0 must be positive"),
        ("--optimizer muon --beta 1", "rho: is needed, and no beta"),
        ("--optimizer sgd --rho 1", "beta: is needed, and no rho"),
        ("--optimizer muon --rho 1 --loss l0", "loss: 'l0' is none; write one of squared"),
        ("--optimizer muon --rho 1 --loss huber:0", "threshold: 0 must be positive"),
        ("--optimizer muon --rho 1 --loss logistic", "y[0]: 5 is no label"),
        ("--optimizer muon --rho 1 --loss huber", "loss: 'huber' is none; write one of squared"),
        ("--optimizer muon --rho 1 --seed -1", "seed: -1 must not be negative"),
        ("--optimizer muon --rho 1 --max-patterns 0", "max_patterns: 0 must be at least 1"),
        ("--optimizer muon --rho 1 --width 0", "width: 0 must be at least 1"),
    ],
)
def test_wrong_input(capsys: pytest.CaptureFixture[str], options: str, message: str) -> None:
    code, out, err = run(capsys, "solve", "flagship", *options.split())
    assert (code, out) == (2, "")
    assert err.startswith(f"isthmus: {message}")
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (SolverFailure(["CLARABEL: failed", "SCS: failed"]), "no convex solver succeeded"),
        (Interrupted("the minimum is at most 1"), "interrupted; the minimum is at most 1"),
    ],
)
def test_failure_exits_3_and_says_what_is_known(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    error: Interrupted | SolverFailure,
    message: str,
) -> None:
    def fail(*arguments: Any, **options: Any) -> None:
        raise error

    monkeypatch.setattr(theory.programs, "solve", fail)
    code, out, err = run(
        capsys, "solve", "flagship", "--optimizer", "muon", "--rho", "1", "--json", "-"
    )
    assert code == 3
    assert message in err
    document = json.loads(out)
    assert not document["complete"]
    assert message in document["known"]


def test_nothing_but_json_on_stdout(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Solvers written in C print past Python, whatever they are told, as this one does."""
    whole, printed = cvxpy.Problem.solve, []

    def loud(problem: Problem, *arguments: Any, **options: Any) -> float:
        os.write(1, b"at once\n")
        ctypes.CDLL(None).printf(b"kept back\n")
        printed.append(options.get("solver"))
        return whole(problem, *arguments, **options)

    monkeypatch.setattr(cvxpy.Problem, "solve", loud)
    found = run_json(capfd, "solve", "flagship", "--optimizer", "adamw", "--rho", "3/2")
    ctypes.CDLL(None).fflush(None)
    out, err = capfd.readouterr()
    assert Fraction(found["value"]) == Fraction("13/20")
    assert (out, said(err)) == ("", "")
    assert {"CLARABEL", "SCIPY"} <= set(printed)


def test_what_c_prints_inside_quiet_is_not_seen() -> None:
    code = (
        "import ctypes, os, sys\n"
        "from theory.quiet import quiet\n"
        "libc = ctypes.CDLL(None)\n"
        "print('before'); libc.printf(b'too\\n')\n"
        "with quiet():\n"
        "    print('inside'); libc.printf(b'buffered\\n'); os.write(1, b'at once\\n')\n"
        "libc.printf(b'after\\n')\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "before\ntoo\nafter\n"
