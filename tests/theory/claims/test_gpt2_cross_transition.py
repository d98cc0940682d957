"""The claim on planted studies: it holds, and fails with each inequality; the control is seen."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from gpt2_studies import statistic, study

from numerics.training.trainer import trainer
from theory.claims import Gpt2CrossTransition, verify
from theory.claims.base import Result
from theory.claims.gpt2_study import NOT_MEASURED, explained, shipped

PAPER = [60.6, 61.1, 77.8, 100.3, 108.1, 123.3, 139.9]


def judge(document: dict[str, Any]) -> Result[Any, Any]:
    return verify(Gpt2CrossTransition(document), trainer)


@pytest.mark.parametrize(
    ("measure", "value", "holds"),
    [
        ("monotonicity", 0.9001, True),
        ("monotonicity", 0.8999, False),
        ("monotonicity", -1.0, False),
        ("largest_jump", 0.2399, True),  # of 10 steps
        ("largest_jump", 0.2401, False),
    ],
)
def test_one_pair_that_is_not_steady_makes_it_false(
    measure: str, value: float, holds: bool
) -> None:
    document = study()
    cell = document["cells"]["adamw-muon"]["polychain"]
    cell[measure] = statistic([cell[measure]["values"][0], value])
    assert judge(document).holds == holds


def test_the_paper_is_within_the_bounds() -> None:
    rise = PAPER[-1] - PAPER[0]
    steps = [second - first for first, second in pairwise(PAPER)]
    assert rise / sum(map(abs, steps)) == pytest.approx(1)
    assert max(steps) / (rise / len(steps)) == pytest.approx(1.70, abs=0.01)


@pytest.mark.parametrize(
    ("curve", "name"),
    [("linear", "straight line"), ("polychain, not aligned", "polychain without alignment")],
)
def test_another_curve_as_steady_is_seen(curve: str, name: str) -> None:
    document = study()
    document["cells"]["adamw-muon"][curve] |= {
        "monotonicity": statistic([0.99, 1.0]),
        "largest_jump": statistic([0.2, 0.22]),
    }
    result = judge(document)
    assert result.holds
    (said,) = explained(result.observation.values)
    assert said == (
        f"the {name} passes as steadily: yes: rise over variation 0.99, 1, "
        "largest step over an even one 2, 2.2"
    )


@pytest.mark.parametrize(("jump", "decides"), [(0.2, False), (0.3, True)])
def test_a_bend_by_the_other_optimizer(jump: float, decides: bool) -> None:
    document = study()
    cell = document["cells"]["adamw-muon"]
    cell["polychain, by adamw"] = cell["polychain"] | {"largest_jump": statistic([0.2, jump])}
    for pair in document["pairs"].values():
        pair["curves"]["polychain, by adamw"] = pair["curves"]["polychain"]
    result = judge(document)
    assert result.holds
    said = explained(result.observation.values)
    assert any(text.startswith("the optimizer that trains the bend decides") for text in said) == (
        decides
    )


def test_controls_that_were_left_out() -> None:
    document = study()
    cell = document["cells"]["adamw-muon"]
    del cell["linear"], cell["polychain, not aligned"]
    result = judge(document)
    assert result.holds
    assert list(result.observation.values.values()).count(NOT_MEASURED) == 3


def test_the_shipped_study_is_read_where_none_is_given() -> None:
    claim = Gpt2CrossTransition()
    assert claim.document is shipped()
    result = verify(claim, trainer)
    assert result.observation.values == claim.observed()
    assert result.holds is claim.recorded is False


def test_of_another_study_nothing_is_on_record() -> None:
    assert Gpt2CrossTransition(study=study()).recorded
