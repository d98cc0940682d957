"""What the errors say: limits that a machine can have, and the names that were meant."""

from __future__ import annotations

import pickle
from collections.abc import Callable

import pytest

from numerics.cli.output import over_budget
from theory.claims import claim
from theory.errors import WITHIN_REACH, BudgetError, InputError, unknown
from theory.hunt import named
from theory.loading import example


@pytest.mark.parametrize("needed", [101, WITHIN_REACH])
def test_a_limit_within_reach_is_advised(needed: int) -> None:
    error = BudgetError("cells", needed, 100, "max_cells", "take fewer rows")
    said = f"cells: {needed:,} needed, the limit is 100; raise it with max_cells={needed}"
    assert str(error) == said
    assert over_budget(error).endswith(f"; allow it with --max-cells {needed}")


@pytest.mark.parametrize(
    ("needed", "shown"),
    [(WITHIN_REACH + 1, "10,000,000,001"), (10**45, "10^45"), (7 * 10**5000, "10^5000")],
    ids=["just", "far", "more digits than Python writes"],
)
def test_no_limit_is_advised_that_no_machine_has(needed: int, shown: str) -> None:
    error = BudgetError("cells", needed, 100, "max_cells", "take fewer rows")
    said = f"cells: {shown} needed, the limit is 100; that is out of reach: take fewer rows"
    assert str(error) == over_budget(error) == said


def test_budgets_come_back_from_other_processes() -> None:
    error = BudgetError("cells", 10**45, 100, "max_cells", "take fewer rows")
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), vars(again)) == (str(error), vars(error))


def test_what_was_meant() -> None:
    few, many = ("adamw", "muon"), [f"claim-{k:02}" for k in range(20)]
    assert unknown("Adam", few) == "'Adam' is not one of adamw, muon; did you mean adamw?"
    assert unknown("nothing", few) == "'nothing' is not one of adamw, muon"
    assert unknown("clam-07", many) == "'clam-07' is not known; did you mean claim-07?"
    assert unknown("nothing", many).endswith("claim-18, claim-19")


@pytest.mark.parametrize(
    ("look_up", "written", "meant"),
    [
        (example, "flagshp", "flagship"),
        (example, "Flagship", "flagship"),
        (claim, "starcase", "staircase"),
        (named, "seperation", "separation"),
    ],
)
def test_a_misspelt_name_is_recognised(
    look_up: Callable[[str], object], written: str, meant: str
) -> None:
    with pytest.raises(InputError, match=rf"; did you mean {meant}\?$") as caught:
        look_up(written)
    assert len(str(caught.value)) < 100
