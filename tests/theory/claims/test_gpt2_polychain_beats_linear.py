"""The claim on planted studies: it holds, and fails with each inequality; controls are seen."""

from __future__ import annotations

from typing import Any

import pytest
from gpt2_studies import statistic, study

from numerics.training.trainer import trainer
from theory.claims import Gpt2PolychainBeatsLinear, verify
from theory.claims.base import Result
from theory.claims.gpt2_study import NOT_MEASURED, explained
from theory.errors import InputError


def judge(document: dict[str, Any]) -> Result[Any, Any]:
    return verify(Gpt2PolychainBeatsLinear(document), trainer)


@pytest.mark.parametrize("cell", ["adamw-adamw", "muon-muon"])
@pytest.mark.parametrize("text", ["in", "out"])
def test_one_pair_makes_it_false(cell: str, text: str) -> None:
    document = study()
    line = document["cells"][cell]["linear"]["barrier"][text]["values"]
    # Far above in one pair, the other lower: the mean share stays what it is.
    document["cells"][cell]["polychain"]["barrier"][text] = statistic([line[0], -line[0]])
    result = judge(document)
    assert not result.holds
    where = f"{cell}, {'in' if text == 'in' else 'out of'} distribution"
    assert (
        result.observation.values[f"pairs where the polychain is not below the line, {where}"] == 1
    )


@pytest.mark.parametrize(("share", "holds"), [(0.2499, True), (0.2501, False)])
def test_a_quarter_is_the_limit(share: float, holds: bool) -> None:
    document = study()
    cell = document["cells"]["muon-muon"]
    line = cell["linear"]["barrier"]["out"]["values"]
    cell["polychain"]["barrier"]["out"] = statistic([share * value for value in line])
    assert judge(document).holds == holds


def test_more_training_is_seen_and_does_not_decide() -> None:
    document = study()
    cell = document["cells"]["adamw-adamw"]
    line = cell["linear"]["barrier"]["in"]["values"]
    cell["polychain"]["middle above ends trained on"]["in"] = statistic([0.01, line[1]])
    result = judge(document)
    assert result.holds
    (said,) = explained(result.observation.values)
    assert said.startswith("more training of the ends explains it, adamw-adamw: yes: 0.01, ")


def test_a_bend_that_needs_no_alignment_is_seen() -> None:
    document = study()
    document["cells"]["muon-muon"]["polychain, not aligned"]["barrier"]["in"] = statistic([0, 0.5])
    result = judge(document)
    assert result.holds
    (said,) = explained(result.observation.values)
    assert said.startswith("the bend does not need the alignment, muon-muon: yes: 0, 0.5 without")


def test_controls_that_were_left_out() -> None:
    document = study()
    for cell in document["cells"].values():
        del cell["polychain, not aligned"], cell["polychain"]["middle above ends trained on"]
    result = judge(document)
    assert result.holds
    assert list(result.observation.values.values()).count(NOT_MEASURED) == 4


def test_a_study_without_a_cell() -> None:
    document = study()
    del document["cells"]["muon-muon"]
    with pytest.raises(InputError, match="study: lacks muon-muon, linear, barrier, in"):
        judge(document)


def test_it_holds_in_the_shipped_study() -> None:
    assert verify(Gpt2PolychainBeatsLinear(), trainer).holds
