"""`isthmus radii`: its JSON contract, table, exit codes, and one line for each mistake."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from command import run, run_json

import theory.landscape
import theory.radii
from theory.loading import example
from theory.network import Network
from theory.radii import OPTIMIZERS


def test_json(capsys: pytest.CaptureFixture[str]) -> None:
    document = run_json(capsys, "radii", "flagship", "--optimizers", "adamw, muon")
    assert document["width"] == 2
    assert document["minimum"] == "0"
    assert document["complete"] is True
    assert document["preferred"] == {"adamw": 0, "muon": 1}
    assert [component["id"] for component in document["components"]] == [0, 1]
    for component, exact in zip(document["components"], ("2", "12/5"), strict=True):
        assert Network.from_json(component["representative"]).loss(example("flagship")) == 0
        assert set(component["rho"]) == {"adamw", "muon"}
        for rho in component["rho"].values():
            assert Network.from_json(rho["witness"]).loss(example("flagship")) == 0
        assert component["rho"]["adamw"]["lower"] == component["rho"]["adamw"]["upper"] == exact
        muon = {bound: Fraction(component["rho"]["muon"][bound]) for bound in ("lower", "upper")}
        assert 0 < muon["upper"] - muon["lower"] < Fraction(1, 10**6)
    assert document["command"][:3] == ["isthmus", "radii", "flagship"]


def test_all_optimizers_with_a_ball_by_default(capsys: pytest.CaptureFixture[str]) -> None:
    document = run_json(capsys, "radii", "two-points", "--width", 1)
    assert document["width"] == 1
    for component in document["components"]:
        assert tuple(component["rho"]) == OPTIMIZERS
    assert tuple(document["preferred"]) == OPTIMIZERS


def test_table(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    code, out, err = run(capsys, "radii", "flagship", "--json", path)
    assert (code, err) == (0, "")
    rows = [
        [cell.strip() for cell in line.replace("┃", "│").split("│")[1:-1]]
        for line in out.splitlines()
        if line[0] in "┃│"
    ]
    first = next(k for k, row in enumerate(rows) if row[0] == "0")  # names above take some lines
    header = [" ".join(words).split() for words in zip(*rows[:first], strict=True)]
    assert header[0] == ["component"]
    assert {"adamw", "lion", "signsgd"} <= set(header[1])  # one ball
    assert header[2] == ["muon"]
    assert rows[first][:3] == ["0", "2", "≈ 5"]
    assert rows[first + 1][:3] == ["1", "12/5", "≈ 3.05941"]
    assert rows[first + 2][:3] == ["preferred", "0", "1"]
    assert json.loads(path.read_text())["complete"] is True


def test_a_wide_interval_is_shown_as_one(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(theory.radii.least_gauge._Compiled, "solve", lambda *_: None)
    code, out, _ = run(capsys, "radii", "flagship", "--optimizers", "muon")
    assert code == 0
    assert " to " in out.split("preferred")[0]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--optimizers", "adam"), "optimizer: 'adam' is not one of adamw"),
        (("--optimizers", "adamw,"), "optimizer: '' is not one of adamw"),
        (("--optimizers", "sgd"), "optimizer: sgd has no norm ball"),
        (("--width", 0), "width: 0 must be at least 1"),
        (("--max-cells", "-3"), "max-cells: -3 must be at least 1"),
        (("--level", "1"), "No such option"),
    ],
)
def test_wrong_options(
    capsys: pytest.CaptureFixture[str], arguments: tuple[object, ...], message: str
) -> None:
    code, out, err = run(capsys, "radii", "flagship", *arguments)
    assert (code, out) == (2, "")
    assert err.startswith(f"isthmus: {message}")
    assert err.count("\n") == 1


def test_too_large_is_refused_with_the_count(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "radii", "flagship", "--max-cells", 100, "--json", "-")
    assert code == 3
    assert "--max-cells 136" in err
    document = json.loads(out)
    assert document["complete"] is False
    assert document["components"] == []
    assert document["preferred"] == {}


def interrupt_in(
    monkeypatch: pytest.MonkeyPatch, module: Any, name: str, stage: str, calls: int
) -> None:
    """Ctrl-C at the given call of `progress` whose stage has these words, in module.name."""
    function = getattr(module, name)
    count = 0

    def interrupted(*args: Any, progress: Callable[[str, int], None], **options: Any) -> Any:
        def tick(at: str, number: int) -> None:
            nonlocal count
            count += stage in at
            if stage in at and count == calls:
                os.kill(os.getpid(), signal.SIGINT)
            progress(at, number)

        return function(*args, progress=tick, **options)

    monkeypatch.setattr(module, name, interrupted)


def test_control_c_in_the_landscape(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupt_in(monkeypatch, theory.landscape, "analyse", "lowest cells", 1)
    code, out, err = run(capsys, "radii", "flagship", "--json", "-")
    assert code == 3
    assert err.startswith("isthmus: interrupted")
    assert err.count("\n") == 1
    document = json.loads(out)
    assert document["complete"] is False
    assert document["known"].startswith("the minimum is at most ")


def test_control_c_between_radii(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupt_in(monkeypatch, theory.radii, "least_radii", "component 1 for adamw", 1)
    code, out, err = run(capsys, "radii", "flagship", "--optimizers", "adamw", "--json", "-")
    assert (code, err) == (3, "isthmus: interrupted\n")
    document = json.loads(out)
    assert document["complete"] is False
    assert [list(component["rho"]) for component in document["components"]] == [["adamw"], []]
    assert document["preferred"] == {"adamw": None}
    code, out, _ = run(capsys, "radii", "flagship", "--optimizers", "adamw")
    assert code == 0  # the interrupt comes once
