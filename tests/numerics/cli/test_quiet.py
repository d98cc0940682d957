"""--quiet: the same result on stdout, and on stderr nothing but errors."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command import run

INDEXED = ",x1,x2,y\n0,2,-1,5\n1,0,-2,2\n2,1,2,2\n3,-2,-1,2\n"
TRAIN = "train flagship --optimizer adamw --rho 5/2 --seeds 3 --steps 5 --max-cells 9"


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "i.csv"
    file.write_text(INDEXED)
    return file


@pytest.mark.parametrize(
    "command",
    ["barrier i.csv --target y --width 2", "radii i.csv --target y --width 1"],
)
def test_doubts_about_data_are_left_out(
    capsys: pytest.CaptureFixture[str], table: Path, command: str
) -> None:
    code, out, err = run(capsys, *command.split())
    assert (code, err.count("\n")) == (0, 1)
    assert run(capsys, *command.split(), "--quiet") == (0, out, "")
    assert run(capsys, *command.split())[2] == err  # and not for the next command


def test_what_is_not_computed_is_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, *TRAIN.split())
    assert code == 0
    assert "the least loss, and where runs land, will not be computed" in err
    assert run(capsys, *TRAIN.split(), "--quiet") == (0, out, "")


def test_json_is_on_stdout_alone(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, *TRAIN.split(), "--quiet", "--json", "-")
    assert (code, err) == (0, "")
    assert json.loads(out)["runs"] == 3


@pytest.mark.parametrize(
    ("command", "code", "message"),
    [
        ("barrier nosuch", 2, "nosuch: is neither a file"),
        ("barrier flagship --max-cells 9", 3, "cells (16 states"),
        ("barrier flagship --time-budget 0", 3, "the time budget of 0 s is spent"),
        ("hunt nosuch", 2, "nosuch: is neither a file"),
        ("gpt2 spectrum nosuch", 2, "nosuch"),
        ("study separation --out no/such.json", 2, "no/such.json: cannot be written"),
        ("new claim margin", 2, "name: 'margin' is a claim already"),
    ],
)
def test_errors_are_not(
    capsys: pytest.CaptureFixture[str], command: str, code: int, message: str
) -> None:
    found, _, err = run(capsys, *command.split(), "--quiet")
    assert found == code
    assert err.startswith(f"isthmus: {message}")


def test_an_invalid_certificate_is_a_result(
    capsys: pytest.CaptureFixture[str], table: Path
) -> None:
    assert run(capsys, "barrier", "flagship", "--certificate", "p.json", "--quiet")[0] == 0
    document = json.loads(Path("p.json").read_text())
    document["problem"]["y"][0] = "7"
    Path("p.json").write_text(json.dumps(document))
    code, out, err = run(capsys, "check", "p.json", "--quiet")
    assert (code, err) == (1, "")
    assert out.startswith("invalid: ")
