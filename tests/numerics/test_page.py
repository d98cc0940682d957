"""The parts of HTML pages: verdicts, values, what is folded."""

from __future__ import annotations

from fractions import Fraction

import pytest
from matplotlib.figure import Figure

from numerics.page import badge, describe, figures, verdict_of
from numerics.report.chapters import _quantities
from theory.claims import Bounds


@pytest.mark.parametrize(
    ("holds", "recorded", "said", "colour"),
    [
        (True, True, "holds", "holds"),
        (False, True, "is false", "false"),
        (False, False, "refuted, as recorded", "refuted"),
        (True, False, "holds, though recorded as refuted", "false"),
        (True, None, "holds, and no verdict is recorded", "false"),
        (False, None, "is false, and no verdict is recorded", "false"),
    ],
)
def test_verdicts(holds: bool, recorded: bool | None, said: str, colour: str) -> None:
    verdict = verdict_of(holds, recorded)
    assert verdict == said
    assert badge(verdict) == f'<span class="{colour}">{said}</span>'


def test_a_wide_range_is_no_prediction_of_a_value() -> None:
    assert describe(Bounds(Fraction(0), Fraction(1))) == "anything from 0 to 1"
    assert describe(Bounds(Fraction(1, 2), Fraction(1, 2))) == "1/2"
    narrow = Bounds(Fraction(3), 3 + Fraction(1, 10**8))
    assert describe((narrow, narrow)) == "≈ 3 (2 times)"


def test_pictures_beyond_the_first_are_folded() -> None:
    pictures = [(Figure, f"caption {k}") for k in range(3)]
    first, rest = figures(pictures, "name", most=2).split("<details>")
    assert (first.count("<svg"), rest.count("<svg")) == (2, 1)
    assert rest.startswith("<summary>More pictures (1)</summary>")
    assert "<details" not in figures(pictures, "name")
    assert "<details" not in figures(pictures, "name", most=3)


def test_long_tables_are_folded_unless_something_is_wrong() -> None:
    rows = [(f"quantity {k}", "1", "1") for k in range(11)]
    assert "<details><summary>11 quantities" in _quantities(rows, unfolded=False)
    assert "<details open><summary>11 quantities" in _quantities(rows, unfolded=True)
    assert "<details" not in _quantities(rows[:10], unfolded=False)
