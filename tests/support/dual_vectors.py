"""What a dual vector proves of a cell, from the columns of its states alone."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from theory.landscape.cells import Cell, CellComplex
from theory.landscape.domain import Polyhedral


def proved(complex_: CellComplex, cell: Cell, lam: Sequence[Fraction]) -> Fraction:
    """D(lam) less the most that the neurons of the cell add to lam . f, where there is a ball;
    without one no column may add anything."""
    domain = complex_.domain
    assert isinstance(domain, Polyhedral)
    value = complex_.problem.loss.dual(lam, complex_.problem.y)
    assert value is not None
    images = domain.positive_columns
    for group in (complex_.groups[state] for state in cell):
        sides = [(1 if c % 2 == 0 else -1, images[c // 2]) for c in group]
        products = [side * sum(v * x for v, x in zip(lam, c, strict=True)) for side, c in sides]
        if complex_.within is None:
            assert max(products, default=0) <= 0
        else:
            value -= Fraction(max([0, *products])) / domain.least_squares.form.unit
    return value
