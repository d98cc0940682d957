"""The claim on planted studies: it holds, and fails with each inequality; controls are seen."""

from __future__ import annotations

from typing import Any

import pytest
from gpt2_studies import MATRICES, statistic, study

from numerics.training.trainer import trainer
from theory.claims import Gpt2SpectrumPreserved, verify
from theory.claims.base import Result
from theory.claims.gpt2_study import NOT_MEASURED, explained
from theory.errors import InputError


def judge(document: dict[str, Any]) -> Result[Any, Any]:
    return verify(Gpt2SpectrumPreserved(document), trainer)


@pytest.mark.parametrize("cell", ["adamw-adamw", "muon-muon"])
@pytest.mark.parametrize(("change", "holds"), [(0.3999, True), (0.4001, False)])
def test_one_polychain_that_changes_makes_it_false(cell: str, change: float, holds: bool) -> None:
    document = study()
    document["cells"][cell]["polychain"]["change"] = statistic([0.1, change])
    assert judge(document).holds == holds


@pytest.mark.parametrize(("rank", "holds"), [(8.7, True), (8.5, False), (7.0, False)])
def test_optimizers_that_are_too_alike_make_it_false(rank: float, holds: bool) -> None:
    """The paths change by 0.1, and AdamW's models have 7.8."""
    document = study()
    for name, end in document["ends"].items():
        if name.startswith("muon"):
            end["stable_rank"] = dict.fromkeys(MATRICES, rank)
    assert judge(document).holds == holds


@pytest.mark.parametrize(
    ("curve", "words"),
    [
        ("linear", "the straight line preserves it as well, muon-muon: yes: 0.1, 0.2"),
        ("polychain, not aligned", "it is preserved without alignment, muon-muon: yes: 0.1, 0.2"),
    ],
)
def test_another_curve_with_the_same_spectrum_is_seen(curve: str, words: str) -> None:
    document = study()
    document["cells"]["muon-muon"][curve]["change"] = statistic([0.1, 0.2])
    result = judge(document)
    assert result.holds
    (said,) = explained(result.observation.values)
    assert said.startswith(words)


@pytest.mark.parametrize(("rank", "optimizer"), [(36.5, "muon"), (7.5, "adamw")])
def test_the_stable_rank_of_the_start_is_seen(rank: float, optimizer: str) -> None:
    document = study()
    document["start"]["stable_rank"] = dict.fromkeys(MATRICES, rank)
    result = judge(document)
    assert result.holds
    (said,) = explained(result.observation.values)
    assert said.startswith(
        f"it is the random start's stable rank that is preserved: yes: start {rank}"
    )
    assert said.endswith(f": {optimizer}")


def test_only_the_best_learning_rate_counts() -> None:
    document = study()
    document["sweep"][0]["stable_rank"] = 36.0
    assert explained(judge(document).observation.values) == []
    document["sweep"][0]["loss"] = 1.0
    (said,) = explained(judge(document).observation.values)
    assert said.startswith("AdamW at its best learning rate closes the gap: yes: 36 at 0.001")


def test_longer_training_that_closes_the_gap_is_seen() -> None:
    document = study()
    document["longer"]["adamw-0"]["stable_rank"] = dict.fromkeys(MATRICES, 35.0)
    (said,) = explained(judge(document).observation.values)
    assert said == "AdamW trained longer closes the gap: yes: 35 trained longer, muon 36"


def test_controls_that_were_left_out() -> None:
    document = study()
    del document["longer"], document["sweep"]
    for cell in document["cells"].values():
        del cell["linear"], cell["polychain, not aligned"]
    result = judge(document)
    assert result.holds
    assert list(result.observation.values.values()).count(NOT_MEASURED) == 6


def test_a_study_without_an_optimizer() -> None:
    document = study()
    document["ends"] = {"muon-0": document["ends"]["muon-0"]}
    with pytest.raises(InputError, match="study: has no ends of adamw"):
        judge(document)


def test_it_holds_in_the_shipped_study() -> None:
    assert verify(Gpt2SpectrumPreserved(), trainer).holds
