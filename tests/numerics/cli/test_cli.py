"""The command line: its JSON contract, exit codes, and one line for each mistake."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from fractions import Fraction
from importlib import metadata
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command import run, run_json
from problems import planted

import theory.landscape
from theory.certificates.checker import check
from theory.landscape import analyse
from theory.loading import example, example_names
from theory.network import Network

FLAGSHIP_BARRIER = "32/45"


def off_diagonal(barriers: list[list[str]]) -> set[str]:
    return {value for i, row in enumerate(barriers) for j, value in enumerate(row) if i != j}


@pytest.fixture
def problem_file(tmp_path: Path) -> Path:
    path = tmp_path / "data.json"
    path.write_text(json.dumps(example("flagship").to_json()))
    return path


@pytest.fixture
def certificate(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    path = tmp_path / "proof.json"
    assert run(capsys, "barrier", "flagship", "--certificate", path)[0] == 0
    return path


# barrier


def test_barrier_json(capsys: pytest.CaptureFixture[str]) -> None:
    document = run_json(capsys, "barrier", "flagship")
    assert document["width"] == 2
    assert document["minimum"] == document["level"] == "0"
    assert document["labelled"] is False
    assert document["complete"] is True
    assert document["barriers"] == [["0", FLAGSHIP_BARRIER], [FLAGSHIP_BARRIER, "0"]]
    assert [component["id"] for component in document["components"]] == [0, 1]
    for component in document["components"]:
        assert Network.from_json(component["representative"]).loss(example("flagship")) == 0
    assert document["command"] == ["isthmus", "barrier", "flagship", "--json", "-"]
    assert "numpy" in document["versions"]


def test_an_activation(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """As an option and in the file; the certificate is of the same networks."""
    data = {"X": [["1"], ["-1"]], "y": ["1", "1"], "width": 1}
    relu, leaky = tmp_path / "relu.json", tmp_path / "leaky.json"
    relu.write_text(json.dumps(data))
    leaky.write_text(json.dumps({**data, "activation": "leaky_relu:1/10"}))
    proof = tmp_path / "proof.json"
    assert run_json(capsys, "barrier", relu)["minimum"] == "1/2"
    assert run_json(capsys, "barrier", leaky, "--activation", "abs")["minimum"] == "0"
    option = ("--activation", "leaky_relu:0.1")
    found = run_json(capsys, "barrier", relu, *option, "--certificate", proof)
    assert found["minimum"] == "121/202" == run_json(capsys, "barrier", leaky)["minimum"]
    assert "n = 2, d = 1, leaky_relu:1/10, width 1" in run(capsys, "barrier", leaky)[1]
    assert run(capsys, "check", proof, "--problem", leaky)[0] == 0
    code, out, _ = run(capsys, "check", proof, "--problem", relu)
    assert code == 1
    assert "its activation differs" in out
    code, _, err = run(capsys, "barrier", relu, "--activation", "leaky_relu:1")
    assert code == 2
    assert "activation: with slope 1 on both sides the network is linear" in err


def test_barrier_labelled(capsys: pytest.CaptureFixture[str]) -> None:
    document = run_json(capsys, "barrier", "flagship", "--labelled")
    assert document["labelled"] is True
    assert len(document["components"]) == 4
    assert off_diagonal(document["barriers"]) == {FLAGSHIP_BARRIER, "2"}


def test_barrier_at_a_level(capsys: pytest.CaptureFixture[str]) -> None:
    document = run_json(capsys, "barrier", "flagship", "--level", "0.75")
    assert document["level"] == "3/4"
    assert len(document["components"]) == 1


def test_barrier_table(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    code, out, err = run(capsys, "barrier", "flagship", "--json", path)
    assert (code, err) == (0, "")
    assert FLAGSHIP_BARRIER in out
    assert json.loads(path.read_text())["width"] == 2
    assert os.listdir(tmp_path) == ["result.json"]


def test_more_components_than_a_matrix_shows(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("theory.landscape.analysis.LARGEST_MATRIX", 3)
    code, out, _ = run(capsys, "barrier", "flagship", "--labelled")
    assert code == 0
    assert "barrier to" not in out
    _, merges = out.split("joined at level")
    assert merges.count(FLAGSHIP_BARRIER) == 2


def test_barrier_between(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    representatives = [
        component["representative"]
        for component in run_json(capsys, "barrier", "flagship")["components"]
    ]
    paths = [tmp_path / "a.json", tmp_path / "b.json"]
    for path, network in zip(paths, representatives, strict=True):
        path.write_text(json.dumps(network))
    proof = tmp_path / "proof.json"
    document = run_json(capsys, "barrier", "flagship", "--between", *paths, "--certificate", proof)
    between = document["between"]
    assert between["barrier"] == FLAGSHIP_BARRIER
    assert between["losses"] == ["0", "0"]
    losses = [
        Network.from_json(network).loss(example("flagship")) for network in between["breakpoints"]
    ]
    assert max(losses) == Fraction(FLAGSHIP_BARRIER)
    assert check(json.loads(proof.read_text()), example("flagship")).kind == "barrier"
    code, out, _ = run(capsys, "barrier", "flagship", "--between", *paths)
    assert code == 0
    assert f"barrier between the two networks {FLAGSHIP_BARRIER}" in out


def test_csv_with_bias(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    path.write_text("x,price\n-1,1\n0,0.5\n1,1\n")
    document = run_json(
        *(capsys, "barrier", path, "--target", "price", "--bias", "default"),
        *("--width", 1, "--json", "-"),
    )
    assert len(document["components"][0]["representative"]["W"]) == 2


def test_the_least_loss_depends_on_how_biases_are_treated(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """On X = [[0]] they are all there is: see proofs_notes/biases.md."""
    path = tmp_path / "data.json"
    path.write_text('{"X": [[0]], "y": [3], "width": 1}')
    inside = ("--within", "muon-adamw", "--rho", "2")
    for bias, least in (("decayed", 0.5), ("adamw", 0.5), ("default", 0.5), ("free", 0)):
        found = run_json(capsys, "barrier", path, "--bias", bias, *inside)["minimum"]
        upper = found if isinstance(found, str) else found["upper"]
        assert float(Fraction(upper)) == pytest.approx(least)
    stated = tmp_path / "stated.json"
    stated.write_text('{"X": [[0]], "y": [3], "width": 1, "bias": "free"}')
    assert run_json(capsys, "barrier", stated, *inside)["minimum"] == "0"
    assert run(capsys, "barrier", path, "--bias", "none", *inside) == (
        2,
        "",
        "isthmus: bias: 'none' is none; write default, decayed, adamw, free\n",
    )
    code, _, err = run(capsys, "barrier", stated, "--bias", "adamw", *inside)
    assert (code, err) == (2, "isthmus: bias: the problem has biases already, free ones\n")


def test_regions_know_decayed_biases_only_and_say_so(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = "regions", "flagship", "--optimizers", "adamw,muon", "--width", "1"
    code, out, err = run(capsys, *arguments, "--bias", "default")
    assert (code, out) == (2, "")
    assert re.search(r"^isthmus: bias: .* for decayed biases, not for adamw ones yet$", err, re.M)


def test_widths_with_biases_of_their_own_have_no_bound(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ("width", "two-points", "--optimizer", "muon", "--rho", "3", "--max-width", "2")
    found = [run_json(capsys, *arguments, "--bias", rule) for rule in ("decayed", "default")]
    assert [each["bound"] is None for each in found] == [False, True]
    lowest = [each["widths"][0]["minimum"] for each in found]
    ends = [float(Fraction(v["upper"] if isinstance(v, dict) else v)) for v in lowest]
    assert ends[1] <= ends[0] + 1e-9


def test_npz_floats(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "data.npz"
    np.savez(path, X=np.array([[0.1], [0.3]]), y=np.array([0.3, 0.9]))
    arguments = ["barrier", path, "--width", "1"]
    code, out, err = run(capsys, *arguments)
    assert (code, out) == (2, "")
    assert err.startswith("isthmus: floats: ")
    assert run_json(capsys, *arguments, "--floats", "10")["minimum"] == "0"
    assert run_json(capsys, *arguments, "--floats", "exact")["minimum"] != "0"


@pytest.mark.parametrize(
    ("X", "y"), [([[0, 0], [0, 0]], [1, 2]), ([[1, 2]], [3]), ([[1], [2]], [0, 0])]
)
def test_valid_extremes(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, X: list[list[int]], y: list[int]
) -> None:
    path = tmp_path / "data.json"
    path.write_text(json.dumps({"X": X, "y": y, "width": 2}))
    document = run_json(capsys, "barrier", path)
    attainable = any(any(row) for row in X)
    assert document["minimum"] == ("0" if attainable else "5/2")
    assert len(document["components"]) == 1


def test_too_large_is_refused_with_the_count(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "barrier", "flagship", "--max-cells", 100, "--json", "-")
    assert code == 3
    assert "136 needed, the limit is 100" in err
    assert "--max-cells 136" in err
    document = json.loads(out)
    assert document["complete"] is False
    assert document["components"] == document["barriers"] == []
    assert document["minimum"] is None
    assert run(capsys, "barrier", "flagship", "--max-cells", 136)[0] == 0


def test_a_time_budget_begins_on_any_number_of_cells(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Of 10 rows at width 6 there are billions; the clock here says that an hour passes at once."""
    problem, _ = planted(10, 3, 2, 0)
    file = tmp_path / "data.json"
    file.write_text(json.dumps(problem.to_json()))
    code, _, err = run(capsys, "barrier", file, "--width", 6)
    assert code == 3
    assert "cells" in err
    assert "needed, the limit is 200,000,000" in err
    hours = count()
    monkeypatch.setattr("numerics.cli.output.time.monotonic", lambda: 3600.0 * next(hours))
    code, out, err = run(capsys, "barrier", file, "--width", 6, "--time-budget", 60, "--json", "-")
    assert code == 3
    assert "the time budget of 60 s is spent\n" in err
    assert "interrupted; the minimum is at most" in err
    assert "the minimum is at most" in json.loads(out)["known"]
    assert run(capsys, "barrier", "flagship", "--time-budget", 10**9)[0] == 0


@pytest.mark.parametrize(("stage", "known"), [("lowest cells", False), ("passes", True)])
def test_control_c_prints_what_is_known(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, stage: str, known: bool
) -> None:
    def interrupted_in(*args: Any, progress: Callable[[str, int], None], **options: Any) -> Any:
        def tick(at: str, count: int) -> None:
            if stage in at:
                os.kill(os.getpid(), signal.SIGINT)
            progress(at, count)

        return analyse(*args, progress=tick, **options)

    monkeypatch.setattr(theory.landscape, "analyse", interrupted_in)
    code, out, err = run(capsys, "barrier", "flagship", "--json", "-")
    assert code == 3
    assert err.startswith("isthmus: interrupted")
    assert err.count("\n") == 1
    document = json.loads(out)
    assert document["complete"] is False
    assert known or document["known"].startswith("the minimum is at most ")
    if known:
        assert document["minimum"] == "0"
        assert len(document["components"]) == 2
        assert document["barriers"] == [["0", None], [None, "0"]]
        assert Fraction(document["lower_bounds"][0][1]) <= Fraction(FLAGSHIP_BARRIER)
        code, out, _ = run(capsys, "barrier", "flagship")
        assert code == 3
        assert "?" in out


def test_second_control_c_stops_at_once(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def deaf(*args: Any, **options: Any) -> Any:
        for _ in range(2):
            os.kill(os.getpid(), signal.SIGINT)
        raise AssertionError

    monkeypatch.setattr(theory.landscape, "analyse", deaf)
    before = signal.getsignal(signal.SIGINT)
    assert run(capsys, "barrier", "flagship") == (3, "", "isthmus: interrupted\n")
    assert signal.getsignal(signal.SIGINT) is before


# Mistakes


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["barrier", "nosuch"], "nosuch: is neither a file nor a shipped example"),
        (["barrier", "none.json"], "none.json: cannot be read"),
        (["barrier"], "Missing argument 'PROBLEM'"),
        (["barrier", "flagship", "--width", "0"], "width: 0 must be at least 1"),
        (
            ["barrier", "flagship", "--width", "two"],
            "'--width': width: 'two' is not an integer",
        ),
        (["barrier", "flagship", "--level", "-1"], "level: -1 is below the minimum, which is 0"),
        (["barrier", "flagship", "--level", "nan"], "level: 'nan' is not a finite number"),
        (["barrier", "flagship", "--level", "1/0"], "level: '1/0' divides by zero"),
        (["barrier", "flagship", "--max-cells", "0"], "max-cells: 0 must be at least 1"),
        (["barrier", "flagship", "--between", "a.json"], "--between"),
        (["barrier", "flagship", "--between", "a.json", "b.json"], "a.json: cannot be read"),
        (["barrier", "flagship", "--json", "no/such/folder.json"], "cannot be written"),
        (["barrier", "flagship", "--colour"], "No such option: --colour"),
        (["fly"], "No such command 'fly'"),
        (["verify", "nosuch"], "claim: 'nosuch' is not one of"),
        (["check", "none.json"], "none.json: cannot be read"),
        (["check", "none.json", "--max-steps", "0"], "max-steps: 0 must be at least 1"),
    ],
)
def test_mistakes_take_one_line(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, err = run(capsys, *arguments)
    assert (code, out) == (2, "")
    assert err.startswith("isthmus: ")
    assert err.count("\n") == 1
    assert message in err
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is not JSON"),
        ('{"X": [], "y": []}', "X: is empty"),
        ('{"X": [[1, 2], [3]], "y": [1, 2]}', "X[1]: has 1 entries"),
        ('{"X": [[NaN]], "y": [1]}', "NaN is not a finite number"),
        ('{"X": [[1]], "y": ["Infinity"]}', "y[0]: 'Infinity' is not a finite number"),
        ('{"X": [[1]], "y": [1]}', "width: the problem does not state one; pass --width"),
        ('{"X": [[1]], "y": [1], "width": 0}', "width: 0 must be at least 1"),
    ],
)
def test_bad_problem_files(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, text: str, message: str
) -> None:
    path = tmp_path / "data.json"
    path.write_text(text)
    code, out, err = run(capsys, "barrier", path, "--json", "-")
    assert (code, out) == (2, "")
    assert err.startswith("isthmus: ")
    assert err.count("\n") == 1
    assert message in err


@pytest.mark.parametrize(
    ("network", "message"),
    [
        ({"W": [[1, 0], [0, 1]]}, "a.json: a: is missing"),
        ({"W": [[1], [0]], "a": [1]}, "b.json: has 2 neurons, but the width is 1"),
        ({"W": [[1, 0]], "a": [1, 1]}, "W: has 1 rows, but the data have 2 features"),
    ],
)
def test_bad_networks(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, network: object, message: str
) -> None:
    first, second = tmp_path / "a.json", tmp_path / "b.json"
    first.write_text(json.dumps(network))
    second.write_text(json.dumps({"W": [[1, 0], [0, 1]], "a": [1, 1]}))
    code, out, err = run(capsys, "barrier", "flagship", "--between", first, second)
    assert (code, out) == (2, "")
    assert message in err


# check


def test_check_accepts(
    capsys: pytest.CaptureFixture[str], certificate: Path, problem_file: Path
) -> None:
    code, out, err = run(capsys, "check", certificate)
    assert (code, err) == (0, "")
    assert out.startswith("valid: {L <= 0} has 2 components modulo permutation at width 2")
    for problem in ("flagship", problem_file):
        assert run(capsys, "check", certificate, "--problem", problem)[0] == 0
    document = run_json(capsys, "check", certificate)
    assert document["valid"] is True
    assert document["statement"] in out


def test_check_rejects(
    capsys: pytest.CaptureFixture[str], certificate: Path, tmp_path: Path
) -> None:
    code, out, err = run(capsys, "check", certificate, "--problem", "opposite-preference")
    assert (code, err) == (1, "")
    assert out.startswith("invalid: problem")
    document = json.loads(certificate.read_text())
    document["barriers"][0][1] = document["barriers"][1][0] = "31/45"
    tampered = tmp_path / "tampered.json"
    tampered.write_text(json.dumps(document))
    code, out, _ = run(capsys, "check", tampered, "--json", "-")
    assert code == 1
    assert json.loads(out)["valid"] is False
    assert json.loads(out)["reason"]


def test_check_of_something_else(capsys: pytest.CaptureFixture[str], problem_file: Path) -> None:
    code, out, _ = run(capsys, "check", problem_file)
    assert code == 1
    assert out == "invalid: format: is missing\n"


def test_check_over_its_limit(capsys: pytest.CaptureFixture[str], certificate: Path) -> None:
    code, out, err = run(capsys, "check", certificate, "--max-steps", 1)
    assert (code, out) == (3, "")
    assert "--max-steps" in err


# problems, help


def test_problems(capsys: pytest.CaptureFixture[str]) -> None:
    document = run_json(capsys, "problems")
    assert [problem["name"] for problem in document["problems"]] == example_names()
    flagship = next(p for p in document["problems"] if p["name"] == "flagship")
    assert (flagship["n"], flagship["d"], flagship["width"]) == (4, 2, 2)
    _, out, _ = run(capsys, "problems")
    assert all(name in out for name in example_names())


def test_no_command_shows_help(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys)
    assert (code, err) == (0, "")
    assert "barrier" in out


def test_help_loads_nothing_heavy() -> None:
    heavy = {"numpy", "scipy", "flint", "matplotlib", "sympy", "torch", "cvxpy"}
    code = (
        "import sys; from numerics.cli import main; main(['--help']); "
        f"print(sorted({heavy} & set(sys.modules)))"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.splitlines()[-1] == "[]"


# Inside an optimizer's ball


@pytest.mark.parametrize(("rho", "components"), [("23/10", 1), ("2.4", 2)])
def test_within(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, rho: str, components: int
) -> None:
    proof = tmp_path / "proof.json"
    options = ("--within", "adamw", "--rho", rho, "--certificate", proof)
    code, out, _ = run(capsys, "barrier", "flagship", *options, "--json", "-")
    document = json.loads(out)
    assert code == 0
    assert (document["within"], Fraction(document["rho"])) == ("adamw", Fraction(rho))
    assert len(document["components"]) == components
    code, out, _ = run(capsys, "check", proof, "--problem", "flagship")
    assert code == 0
    assert f"inside the entrywise ball rho = {Fraction(rho)}" in out
    assert "in the adamw ball rho" in run(capsys, "barrier", "flagship", *options)[1]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--within", "adamw"), "isthmus: rho: is missing; --within needs it\n"),
        (("--rho", "2"), "isthmus: rho: needs --within"),
        (("--within", "adamw", "--rho", "0"), "isthmus: rho: 0 must be positive\n"),
        (("--within", "adamw", "--rho", "nan"), "isthmus: rho: 'nan' is not a finite number"),
        (("--within", "adam", "--rho", "2"), "isthmus: optimizer: 'adam' is not one of adamw, "),
        (("--within", "sgd", "--rho", "2"), "isthmus: optimizer: sgd has no norm ball"),
    ],
)
def test_within_mistakes(
    capsys: pytest.CaptureFixture[str], options: tuple[str, ...], message: str
) -> None:
    code, out, err = run(capsys, "barrier", "flagship", *options)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith(message)


def test_within_a_ball_that_is_no_polytope(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    proof = tmp_path / "proof.json"
    options = ("--within", "muon", "--rho", "6", "--certificate", proof)
    code, out, _ = run(capsys, "barrier", "flagship", *options, "--json", "-")
    document = json.loads(out)
    assert code == 0
    assert len(document["components"]) == 2
    assert document["level"] == "0"
    assert document["barriers"][0][1] == FLAGSHIP_BARRIER
    code, out, _ = run(capsys, "check", proof, "--problem", "flagship")
    assert code == 0
    assert "inside the muon ball rho = 6 with barrier 32/45, and the global minimum is 0" in out
    out = run(capsys, "barrier", "flagship", *options)[1]
    assert "in the muon ball rho = 6: minimum 0" in out
    assert "{loss <= 0} has 2 components" in out
    assert "10^-6" not in out


def test_within_a_ball_that_holds_no_exact_fit(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Muon's reaches one at about 3.06: below, the least loss and barriers are intervals."""
    proof = tmp_path / "proof.json"
    options = ("--within", "muon", "--rho", "3", "--certificate", proof)
    document = run_json(capsys, "barrier", "flagship", *options)
    bounds = document["minimum"]
    assert 0 < Fraction(bounds["lower"]) < Fraction(bounds["upper"]) < Fraction(document["level"])
    out = run(capsys, "check", proof, "--problem", "flagship")[1]
    assert "inside the muon ball rho = 3, and the global minimum is between 0.00" in out
    out = run(capsys, "barrier", "flagship", *options)[1]
    assert "the level is 10^-6 of the loss of zero above it" in out
    code, _, err = run(capsys, "barrier", "flagship", *options, "--level", "0")
    assert code == 2
    assert err.startswith("isthmus: level: 0 is below the minimum")


def test_fits_that_a_ball_only_touches(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Exit code 3, as nothing is decided, and what is open in words."""
    data = tmp_path / "data.json"
    data.write_text('{"X": [[1, 0], [0, 1]], "y": [1, -2]}')
    options = ("--width", "2", "--within", "ngd", "--rho", "3", "--level", "0")
    code, out, err = run(capsys, "barrier", data, *options)
    assert (code, out) == (3, "")
    assert err.startswith("isthmus: not decided: the ball may hold networks of loss 0 in some cell")
    assert "only touches them there" in err


@pytest.mark.parametrize(
    ("within", "rho", "shown"),
    [
        ("muon", "6", ["0", "1"]),
        ("muon", "4", ["1"]),
        ("adamw", "23/10", ["0"]),
        ("AdamW", "5/2", ["0", "1"]),
        ("adamw", "1", ["above the least loss"]),
    ],
)
def test_components_in_a_ball_are_named_as_without_one(
    capsys: pytest.CaptureFixture[str], within: str, rho: str, shown: list[str]
) -> None:
    """adamw reaches component 0 of the flagship first (rho 2, 12/5), muon 1 (3.06, 5): `radii`."""
    options = ("--within", within, "--rho", rho)
    document = run_json(capsys, "barrier", "flagship", *options)
    assert document["within"] == within.lower()
    ids = [component["without_ball"] for component in document["components"]]
    assert ids == [[int(each)] if each.isdigit() else [] for each in shown]
    code, out, err = run(capsys, "barrier", "flagship", *options)
    assert (code, err) == (0, "")
    rows = [line.split("│") for line in out.splitlines() if line.startswith("│")]
    assert [row[4].strip() for row in rows] == shown


def test_undecided_within_bounds(capsys: pytest.CaptureFixture[str]) -> None:
    options = ("--within", "muon", "--rho", "3", "--json", "-")
    bounds = json.loads(run(capsys, "barrier", "flagship", *options)[1])["minimum"]
    middle = (Fraction(bounds["lower"]) + Fraction(bounds["upper"])) / 2
    code, out, err = run(capsys, "barrier", "flagship", *options, "--level", middle)
    assert (code, err.count("\n")) == (3, 1)
    assert err.startswith("isthmus: not decided: a minimum between ")
    assert json.loads(out)["complete"] is False


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("--level", "1e400"), 0),
        (("--within", "adamw", "--rho", "1e400"), 0),
        (("--within", "ngd", "--rho", "1e400"), 0),
        (("--width", "20000", "--labelled"), 2),
        (("--width", "1000", "--labelled"), 3),
    ],
    ids=str,
)
def test_enormous_numbers(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], code: int
) -> None:
    found, _, err = run(capsys, "barrier", "two-points", *arguments)
    assert found == code
    assert err.count("\n") == (code != 0)


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "--version") == (0, f"isthmus {metadata.version('isthmus')}\n", "")
    assert theory.__version__ == metadata.version("isthmus")


def test_a_misspelt_command(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "barier", "flagship")
    assert (code, out) == (2, "")
    assert err == "isthmus: No such command 'barier'. Did you mean 'barrier'?\n"


@pytest.mark.parametrize(
    ("arguments", "heavy"),
    [
        (
            ("barrier", "flagship", "--certificate", "proof.json"),
            {"scipy", "numba", "llvmlite", "cvxpy", "torch"},
        ),
        (("verify", "--list"), {"torch", "cvxpy", "matplotlib"}),
        (("check", "proof.json"), {"numpy", "flint", "scipy", "numerics.cli.barrier"}),
    ],
)
def test_commands_load_what_they_need_only(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], heavy: set[str]
) -> None:
    run(capsys, "barrier", "flagship", "--certificate", tmp_path / "proof.json")
    code = (
        f"import sys; from numerics.cli import main; code = main({list(arguments)}); "
        f"print(code, sorted({heavy} & set(sys.modules)))"
    )
    shown = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert shown.stdout.splitlines()[-1] == "0 []"
