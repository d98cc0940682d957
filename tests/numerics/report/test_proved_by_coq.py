"""What a report says of theorems, with a compiler that says what it is told to."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from numerics.page import FAILED, HOLDS
from numerics.report.chapters import Chapter
from numerics.report.verification import verify_claims
from theory import analyse, certify, example
from theory.claims import Claim
from theory.claims.base import Observation, Prediction, Trainer
from theory.types import Progress, silent

AXIOMS = "Axioms:\nClassical_Prop.classic : forall P : Prop, P \\/ ~ P"


@dataclass(frozen=True)
class Components(Claim):
    """The components of the flagship, and a theorem of them."""

    id = "of-coq"
    statement = "two components"
    hypotheses = ()
    source = "none"

    def predict(self, progress: Progress) -> Prediction[None]:
        flagship = example("flagship")
        proofs = {"as sets": certify(analyse(flagship))}
        return Prediction({}, proofs, {"as sets": flagship}, theorems=("as sets",))

    def observe(
        self, prediction: Prediction[Any], train: Trainer, progress: Progress
    ) -> Observation[None]:
        return Observation({})


def reported(folder: Path) -> Chapter:
    (found,) = verify_claims([Components()], folder, progress=silent)
    return found


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """All that is on it."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return folder


def says(folder: Path, last: str) -> None:
    """A compiler that accepts the library, and ends like this with a theorem."""
    file = folder / "coqc"
    script = f'case "$*" in *Theorem.v) {last};; esac'
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)


def test_what_coq_proves_is_in_the_report(path: Path, tmp_path: Path) -> None:
    says(path, f"echo '{AXIOMS}'")
    found = reported(tmp_path)
    assert found.verdict == HOLDS
    (proved,) = found.document["coq"].values()
    assert proved["proved"]
    assert proved["axioms"] == ["Classical_Prop.classic"]
    assert proved["statement"] in found.body
    assert "<b>proved by Coq, with the axioms Classical_Prop.classic</b>" in found.body
    file = tmp_path / "of-coq.as-sets.json"
    assert f"isthmus prove {file} --problem flagship --check" in found.body
    assert found.coq == [
        f"{proved['statement']}: proved by Coq, with the axioms Classical_Prop.classic"
    ]


def test_a_claim_fails_where_coq_refuses_its_theorem(path: Path, tmp_path: Path) -> None:
    says(path, "echo 'Unable to unify' >&2; exit 1")
    found = reported(tmp_path)
    assert found.verdict == FAILED
    assert "Coq refuses the theorem of as sets: Unable to unify" in found.error


def test_without_a_compiler_nothing_is_proved(path: Path, tmp_path: Path) -> None:
    found = reported(tmp_path)
    assert found.verdict == HOLDS
    (proved,) = found.document["coq"].values()
    assert (proved["proved"], proved["axioms"]) == (None, None)
    assert "<b>not checked here: coqc is not on the path</b>" in found.body
