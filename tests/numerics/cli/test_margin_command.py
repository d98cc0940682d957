"""`isthmus margin`: its JSON contract, table, exit codes, and one line for each mistake."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import pytest
from command import run, run_json

from theory.network import Network
from theory.problem import Problem
from theory.within import Ball

XOR = Problem(X=[[1, 1], [-1, -1], [1, -1], [-1, 1]], y=[1, 1, -1, -1], width=4)


@pytest.fixture
def xor(tmp_path: Path) -> Path:
    path = tmp_path / "xor.json"
    path.write_text(json.dumps(XOR.to_json()))
    return path


def test_json_of_one_optimizer(capsys: pytest.CaptureFixture[str], xor: Path) -> None:
    document = run_json(capsys, "margin", xor, "--optimizer", "AdamW")
    assert (document["width"], document["labelled"], document["complete"]) == (4, False, True)
    (component,) = document["components"]
    assert set(component) == {"id", "representative", "margin"}
    assert (component["margin"]["lower"], component["margin"]["upper"]) == ("2", "2")
    witness = Network.from_json(component["margin"]["witness"])
    assert min(y * f for y, f in zip(XOR.y, witness.fit(XOR), strict=True)) == 2
    assert document["preferred"] == {"adamw": 0}
    assert "together" not in document


def test_json_of_several_optimizers(capsys: pytest.CaptureFixture[str], xor: Path) -> None:
    document = run_json(
        capsys,
        *("margin", xor, "--optimizer", "muon, Lion"),
        *("--point", "2,1", "--point", "1,0"),
    )
    (component,) = document["components"]
    assert component["margin"] == component["margins"]["muon"]
    muon = component["margins"]["muon"]
    assert Fraction(muon["lower"]) <= Fraction(1, 2) <= Fraction(muon["upper"])
    assert Ball("muon", 1).gauge.holds(Network.from_json(muon["witness"]), Fraction(1))
    assert document["largest"]["lion"]["lower"] == "2"
    assert document["together"] == [{"optimizers": ["muon", "lion"], "together": True}]
    assert document["labels"] == {"muon": [1, None], "lion": [1, None]}


def test_a_proof_of_the_margin_and_of_a_label(
    capsys: pytest.CaptureFixture[str], xor: Path, tmp_path: Path
) -> None:
    file = tmp_path / "proof.json"
    options = ("margin", xor, "--optimizer", "adamw", "--certificate", file)
    for more, told in (((), "the largest margin"), (("--point", "2,1"), "point (2, 1) with +1")):
        code, out, _ = run(capsys, *options, *more)
        assert code == 0
        assert f"proof: {file}" in out
        code, out, _ = run(capsys, "check", file, "--problem", xor)
        assert code == 0
        assert told in " ".join(out.split())
    code, _, err = run(capsys, *options, "--point", "1,0")
    assert code == 3
    assert "may label the point differently" in err
    for wrong in (("--optimizer", "adamw,muon"), ("--point", "1,1", "--point", "2,1")):
        code, _, err = run(capsys, *options, *wrong)
        assert (code, err.count("\n")) == (2, 1)
        assert err.startswith("isthmus: certificate: is for one optimizer")


def test_labelled(capsys: pytest.CaptureFixture[str], xor: Path) -> None:
    document = run_json(capsys, "margin", xor, "--optimizer", "adamw", "--labelled")
    assert len(document["components"]) == 24
    assert document["preferred"] == {"adamw": None}


def test_labels_that_no_network_has_right(capsys: pytest.CaptureFixture[str], xor: Path) -> None:
    options = ("margin", xor, "--optimizer", "muon", "--width", 3)
    document = run_json(capsys, *options, "--point", "1,0")
    assert document["components"] == []
    assert document["largest"]["muon"]["upper"] == "0"
    assert document["preferred"] == {"muon": None}
    assert document["labels"] == {}
    code, out, _ = run(capsys, *options)
    assert code == 0
    assert "no network of this width has all labels right: the largest margin is 0" in out


def test_table(capsys: pytest.CaptureFixture[str], xor: Path) -> None:
    code, out, err = run(
        capsys,
        *("margin", xor, "--optimizer", "adamw,muon", "--point", "2,1"),
    )
    assert (code, err) == (0, "")
    assert out.startswith("n = 4, d = 2, width 4\n{y f > 0} has 1 component; ")
    assert "│ 0         │ 2     │ ≈ 0.5 │" in out
    assert "adamw and muon, networks of largest margin: in one component" in out
    assert "muon labels (2, 1): +1" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--optimizer", "adam"), "optimizer: 'adam' is not one of adamw"),
        (("--optimizer", "sgd"), "optimizer: sgd has no norm ball"),
        ((), "Missing option '--optimizer'"),
        (("--optimizer", "muon", "--width", 0), "width: 0 must be at least 1"),
        (("--optimizer", "muon", "--point", "1"), "point: has 1 entries, but the data have 2"),
        (("--optimizer", "muon", "--point", "1,x"), "point[1]: 'x' is not a finite number"),
        (("--optimizer", "muon", "--skip"), "skip: margins are for networks of hidden neurons"),
    ],
)
def test_wrong_options(
    capsys: pytest.CaptureFixture[str], xor: Path, arguments: tuple[object, ...], message: str
) -> None:
    code, out, err = run(capsys, "margin", xor, *arguments)
    assert (code, out) == (2, "")
    assert err.startswith(f"isthmus: {message}")
    assert err.count("\n") == 1


def test_targets_that_are_no_labels(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "margin", "flagship", "--optimizer", "muon")
    assert (code, out) == (2, "")
    assert err == "isthmus: y[0]: 5 is no label; margins need 1 and -1\n"


def test_too_large_is_refused_with_the_count(capsys: pytest.CaptureFixture[str], xor: Path) -> None:
    code, out, err = run(
        capsys, "margin", xor, "--optimizer", "muon", "--max-cells", 9, "--json", "-"
    )
    assert code == 3
    assert "--max-cells 330" in err
    document = json.loads(out)
    assert document["complete"] is False
    assert document["components"] == []
