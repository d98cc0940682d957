"""`isthmus valleys`: JSON, exit codes, pictures, good and bad input."""

from __future__ import annotations

import json
from fractions import Fraction
from itertools import count
from pathlib import Path

import numpy as np
import pytest
from command import run, run_json

from theory.errors import Interrupted
from theory.landscape import flood

BALL = ("valleys", "flagship", "--within", "adamw", "--rho", "11/5")


def test_json_contract(capsys: pytest.CaptureFixture[str]) -> None:
    found = run_json(capsys, *BALL)
    assert (found["width"], found["minimum"], found["complete"]) == (2, "0", True)
    assert [
        [valley[key] for key in ("id", "birth", "death", "depth", "into")]
        for valley in found["valleys"]
    ] == [
        [0, "0", None, None, None],
        [1, "49/650", "73/90", "2152/2925", 0],
        [2, "1/10", "9/70", "1/35", 1],
    ]
    assert set(found["valleys"][0]["representative"]) == {"W", "a"}
    assert found["limits"][:2] == [
        {"loss": "0", "kind": "global"},
        {"loss": "49/650", "kind": "valley"},
    ]
    assert len(found["limits"]) == 26


def test_what_is_known_as_an_interval_is_written_as_one(
    capsys: pytest.CaptureFixture[str],
) -> None:
    found = run_json(capsys, "valleys", "flagship", "--within", "muon", "--rho", "7/2")
    assert found["limits"] is None
    for valley in found["valleys"][1:]:
        lower, upper = (Fraction(valley["death"][end]) for end in ("lower", "upper"))
        assert lower <= upper
        assert Fraction(valley["depth"]) == lower - Fraction(valley["birth"]["upper"])


def test_under_a_penalty(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    penalty = ("valleys", "flagship", "--within", "SGD", "--beta", "1/2")
    found = run_json(capsys, *penalty)
    assert (found["within"], found["rho"], found["beta"]) == ("sgd", None, "1/2")
    assert len(found["valleys"]) == 5
    assert found["limits"] is None
    picture = tmp_path / "tree.svg"
    code, out, err = run(capsys, *penalty, "--plot", picture)
    assert (code, err) == (0, "")
    assert "with the l2 penalty beta = 1/2" in out
    assert picture.exists()


def test_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, *BALL)
    assert (code, err) == (0, "")
    assert "in the adamw ball rho = 11/5" in out
    assert "49/650" in out
    assert "and at 15 losses with lower points beside them, 26 in all" in out


def test_pictures_and_arrays(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    picture, array = tmp_path / "tree.svg", tmp_path / "bars.npy"
    code, out, _ = run(capsys, *BALL, "--plot", picture, "--persistence", array)
    assert code == 0
    assert picture.read_text().startswith("<?xml")
    assert np.load(array).tolist() == [[0.0, np.inf], [49 / 650, 73 / 90], [0.1, 9 / 70]]
    assert f"picture: {picture}" in out
    assert f"births and deaths: {array}" in out


@pytest.mark.parametrize(
    ("place", "count"), [(("muon", "--rho", "3"), 2), (("sgd", "--beta", "1/2"), 3)]
)
def test_the_proof_where_minima_are_intervals(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, place: tuple[str, ...], count: int
) -> None:
    proof = tmp_path / "proof.json"
    told = ("valleys", "flagship", "--within", *place, "--min-depth", "1/50")
    code, out, err = run(capsys, *told, "--certificate", proof)
    assert (code, err) == (0, "")
    assert f"proof: {proof}" in out
    code, out, _ = run(capsys, "check", proof, "--problem", "flagship")
    assert code == 0
    assert f"exactly {count} valleys modulo permutation deeper than 1/50" in " ".join(out.split())
    proof.write_text(proof.read_text().replace('"depth": "1/50"', '"depth": "1/10000"'))
    code, out, err = run(capsys, "check", proof)
    assert code == 1
    assert "points: none is nearly the least of the cell" in " ".join((out + err).split())


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (("--min-depth", "-1"), 2, "min-depth: -1 must not be negative"),
        (("--min-depth", "deep"), 2, "min-depth"),
        (("--rho", "3"), 2, "rho: needs --within"),
        (("--within", "adamw"), 2, "rho: is missing"),
        (("--within", "adamw", "--beta", "1"), 2, "rho: is needed, and no beta"),
        (("--within", "sgd", "--rho", "1"), 2, "beta: is needed, and no rho"),
        (("--beta", "1"), 2, "beta: needs --within sgd"),
        (("--within", "nobody", "--rho", "1"), 2, "optimizer"),
        (("--max-cells", "10"), 3, "136 needed, the limit is 10; allow it with --max-cells 136"),
        (("--plot", "tree.txt"), 2, "must end in"),
    ],
)
def test_bad_input(
    capsys: pytest.CaptureFixture[str], options: tuple[str, ...], code: int, message: str
) -> None:
    found, _, err = run(capsys, "valleys", "flagship", *options)
    assert found == code
    assert message in err
    assert err.count("\n") == 1


def test_strata_that_are_too_many_are_counted(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "valleys", "flagship", "--max-cells", "200")
    assert code == 0
    assert "where training can rest is not listed: strata (25 of a neuron): 325 needed" in out
    assert "--max-cells 325" in out


def test_an_interrupt_leaves_what_is_known(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(self: flood.Flood, tick: object) -> None:
        raise Interrupted

    monkeypatch.setattr(flood.Flood, "run", stop)
    code, out, err = run(capsys, *BALL, "--json", "-")
    assert code == 3
    assert '"minimum": "0"' in out
    assert '"complete": false' in out
    assert err.count("\n") == 1


def test_a_time_budget_leaves_what_is_known(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The clock here says that a second passes between two looks at it: all cells take longer than
    a few, and a thousand seconds are enough for both."""
    seconds = count()
    monkeypatch.setattr("numerics.cli.output.time.monotonic", lambda: float(next(seconds)))
    code, out, err = run(capsys, *BALL, "--time-budget", "5", "--json", "-")
    assert code == 3
    assert "the time budget of 5 s is spent\n" in err
    found = json.loads(out)
    assert (found["valleys"], found["complete"]) == ([], False)
    assert found["known"].startswith("the minimum is at most")
    code, _, err = run(capsys, *BALL, "--time-budget", "100000")
    assert code == 0
    assert "budget" not in err
