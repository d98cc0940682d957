"""`isthmus path`: JSON, certificates, pictures, exit codes, good and bad input."""

from __future__ import annotations

import json
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command import run, run_json

PROBLEM: dict[str, Any] = {"X": [[1, 0], [0, 1]], "y": [1, -1]}
FIRST: dict[str, Any] = {"W": [[1, 0, 0], [0, 1, 0]], "a": [1, -1, 0]}
SECOND: dict[str, Any] = {"W": [[0, 1, 0], [1, 0, 0]], "a": [-1, 1, 0]}


@pytest.fixture
def files(tmp_path: Path) -> Callable[..., Any]:
    def write(**documents: Any) -> list[Path | str]:
        for name, document in documents.items():
            (tmp_path / f"{name}.json").write_text(json.dumps(document))
        first, second, problem = (tmp_path / f"{n}.json" for n in ("first", "second", "problem"))
        return [first, second, "--problem", problem]

    return write


@pytest.fixture
def arguments(files: Callable[..., Any]) -> list[Path | str]:
    return files(first=FIRST, second=SECOND, problem=PROBLEM)


def narrow(net: dict[str, Any]) -> dict[str, Any]:
    return {"W": [row[:2] for row in net["W"]], "a": net["a"][:2]}


def test_json_contract(capsys: pytest.CaptureFixture[str], arguments: list[Path | str]) -> None:
    found = run_json(capsys, "path", *arguments, "--optimizer", "ngd", "--rho", "2")
    assert found["connected"] is True
    assert (found["max_loss"], found["level"], found["rho"]) == ("0", "0", "2")
    assert found["optimizer"] == "ngd"
    assert set(found["losses"]) == {"0"}
    ends = [found["breakpoints"][k] for k in (0, -1)]
    assert ends[0] == {
        "s": [1, -1, 1],
        "alpha": ["1/2", "1/2", "0"],
        "u": [["1", "0"], ["0", "1"], ["0", "0"]],
    }
    assert ends[1]["u"] == [["0", "1"], ["1", "0"], ["0", "0"]]


def test_certificate_and_table(
    capsys: pytest.CaptureFixture[str], arguments: list[Path | str], tmp_path: Path
) -> None:
    proof = tmp_path / "proof.json"
    code, out, err = run(
        capsys, "path", *arguments, "--optimizer", "muon", "--rho", "2", "--certificate", proof
    )
    assert (code, err) == (0, "")
    assert "connected by" in out
    assert f"proof: {proof}" in out
    code, out, _ = run(capsys, "check", proof, "--problem", tmp_path / "problem.json")
    assert code == 0
    assert "joins the two networks of width 3 inside the muon ball rho = 2" in out


@pytest.mark.parametrize("ending", ["svg", "png", "pdf"])
def test_pictures(
    capsys: pytest.CaptureFixture[str], arguments: list[Path | str], tmp_path: Path, ending: str
) -> None:
    file = tmp_path / f"path.{ending}"
    options = ("--optimizer", "sgd", "--beta", "1/2", "--level", "1", "--plot", file)
    code, _, err = run(capsys, "path", *arguments, *options)
    assert (code, err) == (0, "")
    assert file.stat().st_size > 5_000


def test_a_weight_decay_is_a_radius(
    capsys: pytest.CaptureFixture[str], arguments: list[Path | str]
) -> None:
    options = ("--optimizer", "adamw", "--weight-decay", "1/2")
    assert run_json(capsys, "path", *arguments, *options)["rho"] == "4"


def test_not_connected_exits_1_with_a_proof(
    capsys: pytest.CaptureFixture[str], files: Callable[..., Any], tmp_path: Path
) -> None:
    arguments = files(first=narrow(FIRST), second=narrow(SECOND), problem=PROBLEM)
    proof = tmp_path / "proof.json"
    options = ("--optimizer", "adamw", "--rho", "1", "--certificate", proof, "--json", "-")
    code, out, err = run(capsys, "path", *arguments, *options)
    assert (code, err) == (1, "")
    found = json.loads(out)
    assert (found["connected"], found["barrier"], found["breakpoints"]) == (False, "1/2", [])
    assert run(capsys, "check", proof)[0] == 0
    code, out, _ = run(capsys, "path", *arguments, "--optimizer", "adamw", "--rho", "1")
    assert code == 1
    assert "not connected: every path in the ball has a loss of at least 1/2, above 0" in out


def test_not_decided_exits_3(capsys: pytest.CaptureFixture[str], files: Callable[..., Any]) -> None:
    arguments = files(first=narrow(FIRST), second=narrow(SECOND), problem=PROBLEM)
    options = ("--optimizer", "adamw", "--rho", "1", "--max-cells", "1", "--json", "-")
    code, out, err = run(capsys, "path", *arguments, *options)
    assert code == 3
    assert err.startswith("isthmus: not decided: no path was found")
    assert json.loads(out)["connected"] is None


def test_trained_networks_are_projected(
    capsys: pytest.CaptureFixture[str], files: Callable[..., Any]
) -> None:
    noise = np.random.default_rng(0).normal(0, 1e-3, (2, 3))
    near = {
        name: {"W": (np.array(net["W"]) + noise).round(6).astype(str).tolist(), "a": net["a"]}
        for name, net in (("first", FIRST), ("second", SECOND))
    }
    arguments = files(**near, problem=PROBLEM)
    options = ("--optimizer", "muon", "--rho", "3", "--project")
    found = run_json(capsys, "path", *arguments, *options)
    assert found["connected"]
    assert found["max_loss"] == "0"
    assert all(0 < each["distance"] < 0.1 for each in found["projections"])
    # Without it the level is the larger of their losses.
    loose = run_json(capsys, "path", *arguments, *options[:-1])
    assert 0 < Fraction(loose["max_loss"]) <= Fraction(loose["level"])
    assert loose["projections"] == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--optimizer adamw", "rho: is needed, and no beta: adamw has a ball"),
        ("--optimizer sgd", "beta: is needed, and no rho: sgd has a penalty"),
        ("--optimizer sgd --rho 1", "beta: is needed, and no rho: sgd has a penalty"),
        ("--optimizer sgd --beta 1 --project", "level: is missing"),
        ("--optimizer adamw --rho 0", "rho: 0 must be positive"),
        ("--optimizer adamw --rho 1/2", "first network: it lies outside the adamw ball rho = 1/2"),
        ("--optimizer adamw --rho 1 --level -1", "level: -1 must not be negative"),
        ("--optimizer adamw --rho 1 --weight-decay 1", "rho: give it or --weight-decay, not both"),
        ("--optimizer adam --rho 1", "optimizer: 'adam' is not one of"),
        ("--optimizer adamw --rho 1 --max-cells 0", "max-cells: 0 must be at least 1"),
        ("--optimizer adamw --rho 1 --plot x.bmp", "x.bmp: must end in .svg, .png, .pdf"),
    ],
)
def test_wrong_input(
    capsys: pytest.CaptureFixture[str], arguments: list[Path | str], options: str, message: str
) -> None:
    code, out, err = run(capsys, "path", *arguments, *options.split())
    assert (code, out) == (2, "")
    assert err.startswith(f"isthmus: {message}")
    assert err.count("\n") == 1


def test_wrong_networks(capsys: pytest.CaptureFixture[str], files: Callable[..., Any]) -> None:
    arguments = files(first=FIRST, second=narrow(SECOND), problem=PROBLEM)
    code, _, err = run(capsys, "path", *arguments, "--optimizer", "adamw", "--rho", "1")
    assert (code, err) == (2, "isthmus: width: 3 and 2 neurons: they must be equal\n")
    wrong = {"W": [[1, 0, 0]], "a": [1, -1, 0]}
    arguments = files(first=wrong, second=wrong, problem=PROBLEM)
    code, _, err = run(capsys, "path", *arguments, "--optimizer", "adamw", "--rho", "1")
    assert code == 2
    assert "W: has 1 rows, but the data have 2 features" in err


def test_input_weights_of_output_weight_zero_count(
    capsys: pytest.CaptureFixture[str], files: Callable[..., Any], tmp_path: Path
) -> None:
    dead = {"W": [[1, 0, 2], [0, 1, 0]], "a": [1, -1, 0]}
    arguments = files(first=dead, second=SECOND, problem=PROBLEM)
    code, out, err = run(capsys, "path", *arguments, "--optimizer", "adamw", "--rho", "1")
    assert (code, out) == (2, "")
    assert err == (
        "isthmus: first network: it lies outside the adamw ball rho = 1: neuron 2 has output "
        "weight 0, but its input weights count\n"
    )
    # With a penalty they are part of the level: 1/4 (2^2 + 4) where the second network has 1.
    proof = tmp_path / "proof.json"
    options = ("--optimizer", "sgd", "--beta", "1/2", "--certificate", proof)
    code, out, err = run(capsys, "path", *arguments, *options)
    assert (code, err) == (0, "")
    assert "loss + penalty at most 2" in out
    assert "neuron 2 of the first network has output weight 0" in out
    assert run(capsys, "check", proof, "--problem", tmp_path / "problem.json")[0] == 0
