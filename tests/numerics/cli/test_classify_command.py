"""`isthmus classify`: JSON, exit codes, proofs, good and bad input."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command import run, run_json

from theory.certificates.checker import check_file
from theory.loading import example

BALL = ("--problem", "flagship", "--within", "adamw", "--rho", "11/5")


@pytest.fixture
def network(tmp_path: Path) -> Path:
    file = tmp_path / "network.json"
    file.write_text('{"W": [[1, 0], [0, 1]], "a": [1, 1]}')
    return file


def test_json_contract(network: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = run_json(capsys, "classify", network, *BALL, "--polish")
    assert (found["within"], found["rho"], found["beta"]) == ("adamw", "11/5", None)
    assert found["verdict"] == "not stationary"
    assert (found["loss"], found["distance"], found["valley"]) == ("9", "7", 0)
    assert found["cell_minimum"] == {"lower": "2", "upper": "2"}
    assert found["gap"] > 0
    assert set(found["lower"]) == {"W", "a"}
    polished = found["polished"]
    assert (polished["verdict"], polished["loss"], polished["slack"]) == ("plateau", "2", "0")


def test_the_table_and_the_proof(
    network: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    proof = tmp_path / "proof.json"
    code, out, err = run(capsys, "classify", network, *BALL, "--polish", "--certificate", proof)
    assert (code, err) == (0, "")
    assert out.startswith("not stationary, of loss 9\n")
    assert "plateau, of loss 2" in out
    assert check_file(proof, example("flagship")).kind == "stationary"


def test_no_proof_of_what_is_none(
    network: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    proof = tmp_path / "proof.json"
    code, out, _ = run(capsys, "classify", network, *BALL, "--certificate", proof)
    assert code == 0
    assert "no proof written" in out
    assert not proof.exists()


def test_with_the_penalty(network: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ("--problem", "flagship", "--within", "sgd", "--beta", "1/10")
    code, out, _ = run(capsys, "classify", network, *options)
    assert code == 0
    assert "loss + penalty 46/5" in out
    found = run_json(capsys, "classify", network, *options)
    assert (found["within"], found["rho"], found["beta"]) == ("sgd", None, "1/10")
    found = run_json(capsys, "classify", network, "--problem", "flagship")
    assert found["within"] is found["rho"] is found["beta"] is None


@pytest.mark.parametrize(
    ("document", "options", "message"),
    [
        ({"W": [[3, 0], [0, 1]], "a": [1, 1]}, BALL, "is outside the adamw ball rho = 11/5"),
        ({"W": [[1, 0]], "a": [1, 1]}, BALL, "W: has 1 rows, but the data have 2 features"),
        ({"W": [[1e999], [0]], "a": [1]}, BALL, "is not a finite number"),
        ({"W": [[1], [0]], "a": [1]}, (*BALL[:2], "--rho", "1"), "rho: needs --within"),
        ({"W": [[1], [0]], "a": [1]}, BALL[:4], "rho"),
    ],
    ids=["outside", "another d", "not finite", "no optimizer", "no radius"],
)
def test_bad_input(
    document: object,
    options: tuple[str, ...],
    message: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = tmp_path / "network.json"
    file.write_text(json.dumps(document))
    code, out, err = run(capsys, "classify", file, *options)
    assert (code, out) == (2, "")
    assert message in err
    assert err.count("\n") == 1
