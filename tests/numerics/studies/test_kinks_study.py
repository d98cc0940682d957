"""Data that were not chosen, and counts of kinks that add up."""

from __future__ import annotations

from numerics.studies.kinks import data, rows


def test_rows_of_few_data() -> None:
    assert data(3) == data(5)[:3]
    for row in rows(count=4, steps=2000, cooling=2000):
        name, *counts = (cell.strip() for cell in row.strip("|").split("|"))
        kinks, near, far, off, none, moving = map(int, counts)
        assert kinks == near + far + off + none
        assert 0 <= moving <= 4 * 16, name
