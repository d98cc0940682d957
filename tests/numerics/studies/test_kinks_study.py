"""Data that were not chosen, and counts of kinks that add up."""

from __future__ import annotations

import numpy as np

from numerics.studies.kinks import data, rows, rows_of_many
from theory.parallel import ALONE, Jobs
from theory.problem import Problem


def test_rows_of_few_data() -> None:
    assert data(3) == data(5)[:3]
    for row in rows(count=4, steps=2000, cooling=2000):
        name, *counts = (cell.strip() for cell in row.strip("|").split("|"))
        kinks, near, far, off, none, moving = map(int, counts)
        assert kinks == near + far + off + none
        assert 0 <= moving <= 4 * 16, name


def test_rows_of_many_kinks() -> None:
    generator = np.random.default_rng(6)
    problem = Problem(generator.integers(-9, 10, (20, 2)).tolist(), [*range(-10, 10)])
    found = list(rows_of_many(problem, 2, seeds=4, steps=2000, cooling=2000))
    assert len(found) == 2
    for row in found:
        _, *counts = (cell.strip() for cell in row.strip("|").split("|"))
        kinks, near, ten, off, none, others = map(int, counts)
        assert kinks + others == 4
        assert kinks == near + ten + off + none
        assert near > 0


def test_rows_do_not_depend_on_the_number_of_processes() -> None:
    alone, together = (
        [*rows(count=2, steps=300, cooling=300, jobs=jobs)] for jobs in (ALONE, Jobs(2))
    )
    assert alone == together
    assert len(alone) == 5
