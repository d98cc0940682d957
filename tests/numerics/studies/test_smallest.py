"""The smallest data: counts that add up, two ways of counting, what cannot be smaller."""

from __future__ import annotations

from itertools import product

import pytest

from numerics.studies.smallest import census, row, rows
from theory.hunt.instances import Enumeration, Space, canonical, rows_of
from theory.hunt.shipped import named
from theory.landscape import analyse
from theory.parallel import Jobs
from theory.problem import Problem

TINY = Space(n=(3, 3), d=(2, 2), width=(2, 2), entries=1)
FOUND = Problem(X=[[2, 2], [2, -1], [-1, -2]], y=[0, 2, 0], width=2)


def test_each_instance_is_counted_once_up_to_symmetry() -> None:
    (found,) = census(TINY).values()
    every = [each for k in range(Enumeration(TINY).count) if (each := Enumeration(TINY)(k))]
    assert found.instances == len({canonical(rows_of(each)) for each in every})
    landscapes = [analyse(each) for each in every]
    split = [each for each in landscapes if not each.minimum and len(each.components) > 1]
    assert found.disconnected == len(split) > 0
    assert found.opposite == ()


def test_processes_make_no_difference() -> None:
    assert census(TINY, jobs=Jobs(2)) == census(TINY)
    table = list(rows([TINY]))
    assert table[2].startswith("| 3, 2, 2 | 1 | ")
    assert table[-1] == "|---|---|---|---|---|---|"


def test_a_line_of_the_table() -> None:
    facts = named("separation").test(FOUND)
    assert facts is not None
    assert row(FOUND, facts) == (
        "| (2, 2), (2, -1), (-1, -2) | 0, 2, 0 | 2/3, 4/5 | 0.9938, 0.9428 | 8/65 | 4/65 |"
    )


@pytest.mark.parametrize("X", [[[1]], [[1], [-1]], [[1, 0], [0, 1]]])
def test_one_row_two_and_one_feature_are_too_few(X: list[list[int]]) -> None:
    """Up to what changes no component these are all data of them (`least-sizes`)."""
    for y in product((-1, 0, 1), repeat=len(X)):
        found = analyse(Problem(X=X, y=list(y)), 2)
        assert (found.minimum, len(found.components)) == (0, 1)
