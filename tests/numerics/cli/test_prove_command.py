"""`isthmus prove`, with and without a compiler."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command import run, run_json

from numerics.coq import INSTALL, Compiled
from theory import analyse, certify, example

ACCEPTED = Compiled(True, ("Classical_Prop.classic",), "")


@pytest.fixture
def proof(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "my proof-1.json"
    file.write_text(json.dumps(certify(analyse(example("flagship")))))
    return file


def test_it_writes_a_file_of_a_name_that_coq_takes(
    proof: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run(capsys, "prove", proof, "--problem", "flagship")
    assert (code, err) == (0, "")
    assert "my_proof_1.v: the networks of 2 neurons of loss at most 0" in out
    text = (proof.parent / "my_proof_1.v").read_text(encoding="utf-8")
    assert "Theorem components" in text
    assert "Theorem barrier_0_1" in text


def test_the_page_has_the_theorems_as_they_are(
    proof: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(capsys, "prove", proof, "--out", "flagship.v")
    text = " ".join(Path("flagship.v").read_text(encoding="utf-8").split())
    page = Path(__file__).parents[3] / "docs" / "how-to" / "prove.md"
    shown = (
        page.read_text(encoding="utf-8").partition("```coq\n")[2].partition("```")[0].splitlines()
    )
    assert len(shown) == 2
    for theorem in shown:
        assert theorem in text


def test_it_says_what_a_proof_rests_on(
    proof: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("numerics.coq.coqc", lambda: "coqc")
    monkeypatch.setattr("numerics.coq.compiled", lambda text, tell: ACCEPTED)
    found = run_json(capsys, "prove", proof, "--check", "--out", "t.v")
    assert (found["proved"], found["axioms"]) == (True, ["Classical_Prop.classic"])
    assert found["file"] == "t.v"
    assert found["bytes"] == len(Path("t.v").read_text())


def test_what_coq_refuses(
    proof: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("numerics.coq.coqc", lambda: "coqc")
    monkeypatch.setattr("numerics.coq.compiled", lambda text, tell: Compiled(False, (), "no"))
    code, out, _ = run(capsys, "prove", proof, "--check")
    assert code == 1
    assert "Coq refuses it: no" in out


def test_without_a_compiler(
    proof: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("numerics.coq.coqc", lambda: None)
    code, out, err = run(capsys, "prove", proof, "--check")
    assert code == 3
    assert INSTALL in err
    assert "my_proof_1.v" in out


def test_bad_certificates(proof: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document = json.loads(proof.read_text())
    document["barriers"][0][1] = "1"
    bad = proof.parent / "bad.json"
    bad.write_text(json.dumps(document))
    code, out, _ = run(capsys, "prove", bad)
    assert (code, "invalid: barriers" in out) == (1, True)
    assert not (proof.parent / "bad.v").exists()
    code, out, _ = run(capsys, "prove", proof, "--problem", "smallest")
    assert (code, "invalid: problem" in out) == (1, True)
    code, _, err = run(capsys, "prove", proof, "--out", proof)
    assert (code, "is read by this command" in err) == (2, True)
    code, _, err = run(capsys, "prove", proof.parent / "none.json")
    assert code == 2
