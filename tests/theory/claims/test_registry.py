"""All claims alike: their names, their notes, the order of their docstrings, their quick forms."""

from __future__ import annotations

import pickle
import re
from pathlib import Path
from sys import modules
from typing import Any

import pytest

from theory.claims import CLAIMS, Claim, Prediction
from theory.claims.gpt2_protocol import ProtocolClaim
from theory.errors import InputError
from theory.loading import example

ROOT = Path(__file__).parents[3]
PARTS = ["Setting", "Claim", "Tight", "Predicted", "Observed", "Source", "Note"]


def note(claim: Any) -> str:
    """Hypotheses of one protocol share a note, and tests."""
    return "gpt2-protocol" if isinstance(claim, ProtocolClaim) else claim.id


each = pytest.mark.parametrize("claim", CLAIMS.values(), ids=CLAIMS)


@each
def test_module_note_and_test_have_the_name(claim: Any) -> None:
    stem = claim.id.replace("-", "_")
    assert type(claim).__module__ == f"theory.claims.{stem}"
    assert (ROOT / "proofs_notes" / f"{note(claim)}.md").read_text().startswith("# ")
    tests = ROOT / "tests" / "theory" / "claims"
    assert list(tests.glob(f"test_{note(claim).replace('-', '_')}*.py"))


@each
def test_docstrings_have_one_order(claim: Any) -> None:
    text = modules[type(claim).__module__].__doc__
    assert re.findall(r"^([A-Z]\w+): ", text, re.MULTILINE) == PARTS
    assert text.rstrip().endswith(f"Note: proofs_notes/{note(claim)}.md")


@each
def test_it_is_a_claim_and_so_is_its_quick_form(claim: Any) -> None:
    for form in (claim, claim.quick()):
        assert isinstance(form, Claim)
        assert type(form) is type(claim)
        assert form.id == claim.id
        assert all(isinstance(text, str) for text in (form.statement, form.source))
        assert all(isinstance(text, str) for text in form.hypotheses)


@each
def test_it_goes_to_other_processes(claim: Any) -> None:
    assert pickle.loads(pickle.dumps(claim)) == claim


@pytest.mark.parametrize(
    "proofs", [{"area": ("sets",)}, {"count": ("sets", "others")}], ids=["quantity", "certificate"]
)
def test_proofs_of_nothing_are_refused(proofs: dict[str, tuple[str, ...]]) -> None:
    """Quantities are values, and certificates have problems: a slip would lose a link."""
    problems = {"sets": example("flagship")}
    assert Prediction({"count": 2}, {}, problems, proofs={"count": ("sets",)}).proofs
    with pytest.raises(InputError, match=f"^proofs: of {next(iter(proofs))!r} are .* must be one"):
        Prediction({"count": 2}, {}, problems, proofs=proofs)
