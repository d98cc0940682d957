"""The three claims about GPT-2 on planted studies in which they hold."""

from __future__ import annotations

from typing import Any

import pytest
from gpt2_studies import study

from numerics.training.trainer import trainer
from theory.claims import (
    Gpt2CrossTransition,
    Gpt2PolychainBeatsLinear,
    Gpt2SpectrumPreserved,
    verify,
)
from theory.claims.gpt2_study import explained


@pytest.mark.parametrize("pairs", [1, 2])
@pytest.mark.parametrize(
    "claim", [Gpt2PolychainBeatsLinear, Gpt2SpectrumPreserved, Gpt2CrossTransition]
)
def test_it_holds_and_no_control_explains_it(claim: Any, pairs: int) -> None:
    result = verify(claim(study(pairs)), trainer)
    assert result.holds
    assert explained(result.observation.values) == []
    assert result.prediction.values.keys() == result.observation.values.keys()
