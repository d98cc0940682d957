"""The least loss of networks of one width, with dual vectors that prove it on every cell."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

from theory.errors import Interrupted
from theory.landscape.cells import Cell, CellComplex
from theory.landscape.nnls import Minimum
from theory.landscape.sublevel import Cover, EscapeSearch, Tick, thin
from theory.network import Network


@dataclass(frozen=True)
class Least:
    """lower <= the least loss <= value, equal where minima are exact.

    network: of loss at most `value`, in `cell`. cover: each cell is covered by one of them, for
    loss >= lower; empty where lower is 0.
    """

    complex: CellComplex = field(repr=False)
    value: Fraction
    lower: Fraction
    cell: Cell
    network: Network
    cover: tuple[Cover, ...] = field(repr=False)


def least(
    complex_: CellComplex, start: Cell | None = None, tick: Tick = lambda solved: None
) -> Least:
    """The least loss over all cells: exact where minima are, else a proved interval.

    start: a multiset of states to look at first; a good guess shortens the search.
    tick: told the number of minima computed, often; it may raise Interrupted to stop the search,
        which then leaves with the lowest loss seen.
    """
    lowest: tuple[Cell, Minimum] | None = None
    level: Fraction | None = None
    duals = []

    def visit(cell: Cell) -> list[Cover]:
        # Its own dual vector covers a cell, at its minimum and so at any lower level.
        nonlocal lowest, level
        minimum = complex_.minimum(cell)
        if lowest is None or minimum.value < lowest[1].value:
            lowest = (cell, minimum)
        level = minimum.lower if level is None else min(level, minimum.lower)
        if not level:
            raise _Zero
        duals.append(complex_.domain.dual(minimum))
        return [Cover(complex_, complex_.domain.proof(duals[-1], level, strict=False))]

    cover: list[Cover] = []
    try:
        search = EscapeSearch(complex_, visit, tick)
        search.run([] if start is None else [tuple(sorted(start))])
        assert level is not None
        cover = thin(complex_, duals, level, strict=False)
    except _Zero:
        pass
    except Interrupted:
        known = "" if lowest is None else f"at most {complex_.loss_of(lowest[1].value)}"
        raise Interrupted(f"the minimum is {known}" if known else "") from None
    assert lowest is not None
    assert level is not None
    cell, minimum = lowest
    return Least(
        complex=complex_,
        value=complex_.loss_of(minimum.value),
        lower=complex_.loss_of(level),
        cell=cell,
        network=complex_.domain.network(complex_.point(cell, minimum)),
        cover=tuple(cover),
    )


class _Zero(Exception):
    """A level of zero needs no proof."""
