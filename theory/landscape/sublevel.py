"""Which cells reach down to a level, without visiting the others.

A dual vector nu bounds the loss from below wherever the neurons together can add little to nu . f,
so a few vectors dispose of exponentially many cells. For each vector the states have weights, the
most a neuron in that state can add, and the cells of total weight at most a limit are covered. The
cells that escape all vectors found so far exceed every limit; the search walks through these,
branching on a state heavy enough for a limit not yet exceeded. Each cell it visits is either low,
or its own optimal dual vector joins the cover.
"""

from __future__ import annotations

import random
from bisect import bisect_right
from collections.abc import Callable, Container, Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import Any, Generic, TypeAlias, TypeVar

from theory.errors import Interrupted
from theory.landscape.cells import Cell, CellComplex
from theory.landscape.domain import Dual, Proof, bit_set
from theory.landscape.nnls import Minimum

Tick: TypeAlias = Callable[[int], None]

_FURTHER = 4  # states to try, that one dual vector may cover besides


class Weights:
    """Weights of all states, which cover the cells whose sum is within the limit."""

    def __init__(self, weights: list[int], limit: int) -> None:
        self.weights = weights
        self.limit = limit

    @cached_property
    def _heavier(self) -> tuple[list[int], list[int]]:
        """The distinct weights, and for each the states that are heavier, as a bit set."""
        steps = sorted({0, *self.weights})
        states = range(len(self.weights))
        return steps, [bit_set(s for s in states if self.weights[s] > step) for step in steps]

    def heavier(self, weight: int) -> int:
        """The states of more than this weight (>= 0), as a bit set."""
        steps, sets = self._heavier
        return sets[bisect_right(steps, weight) - 1]

    def left(self, states: Cell) -> int:
        """What some neurons in these states leave of the limit; covered cells leave >= 0."""
        return self.limit - sum(self.weights[state] for state in states)


class Cover(Weights):
    """A dual vector with what it is to prove, and the weights of all states."""

    def __init__(self, complex_: CellComplex, proof: Proof) -> None:
        super().__init__(complex_.domain.weights(proof), proof.limit)
        self.proof = proof


Covers = TypeVar("Covers", bound=Weights)


@dataclass
class Sublevel:
    """The cells that meet {loss <= level} and the dual vectors that cover all others.

    level: in the integer problem's units. low: multisets of states, sorted, with their minima.
    cover: each other cell is covered by one of them, for loss > level.
    """

    level: Fraction
    low: dict[Cell, Minimum] = field(default_factory=dict)
    cover: list[Cover] = field(default_factory=list)


class EscapeSearch(Generic[Covers]):
    """Depth-first search for the multisets of states that escape every cover found so far.

    Each one is shown to `visit`, which returns what joins the cover from then on.
    """

    def __init__(
        self, complex_: CellComplex, visit: Callable[[Cell], list[Covers]], tick: Tick
    ) -> None:
        self.complex = complex_
        self.visit = visit
        self.tick = tick
        self.cover: list[Covers] = []
        # For each node on the way down: its states, and the duals whose limit these do not exceed,
        # with what is left of the limit.
        self._stack: list[tuple[Cell, list[tuple[Covers, int]]]] = [((), [])]

    def run(self, first: Iterable[Cell] = ()) -> list[Covers]:
        """Visit until the cover leaves only visited multisets, `first` first; the cover."""
        for cell in first:
            self._show(cell)
        # A start from which the first branches are narrow.
        for state in range(self.complex.states):
            self._show((state,) * self.complex.width)
        if self.complex.large:
            self._hunt()
        else:
            self._descend((1 << self.complex.states) - 1)
        return self.cover

    def _hunt(self) -> None:
        """What `_descend` does, in compiled loops."""
        from theory.landscape.kernel import Escapes

        escapes = Escapes(self.complex.states, self.complex.width)
        rounded: list[Covers] = []
        taken = 0

        def take() -> None:
            nonlocal taken
            for cover in self.cover[taken:]:
                if escapes.add(cover.weights, cover.limit):
                    rounded.append(cover)
            taken = len(self.cover)

        take()
        for cell in escapes.found():
            self.tick(self.complex.domain.solved())
            if cell is not None and not any(cover.left(cell) >= 0 for cover in rounded):
                self._show(cell)
                take()

    def _show(self, cell: Cell) -> None:
        for cover in self.visit(tuple(sorted(cell))):
            self.cover.append(cover)
            for states, pending in self._stack:
                left = cover.left(states)
                if left >= 0:
                    pending.append((cover, left))

    def _descend(self, allowed: int) -> None:
        """Visit what escapes among the multisets that complete the top of the stack."""
        self.tick(self.complex.domain.solved())
        states, pending = self._stack[-1]
        remaining = self.complex.width - len(states)
        if remaining == 1:
            candidates, seen = allowed, 0
            while True:
                while seen < len(pending) and candidates:
                    cover, left = pending[seen]
                    candidates &= cover.heavier(left)
                    seen += 1
                if not candidates:
                    return
                bit = candidates & -candidates
                candidates ^= bit
                self._show((*states, bit.bit_length() - 1))
        # To exceed what is left, one of the remaining states must exceed its share of it.
        branch = min(
            (cover.heavier(left // remaining) & allowed for cover, left in pending),
            key=int.bit_count,
            default=allowed,
        )
        while branch:
            bit = branch & -branch
            branch ^= bit
            state = bit.bit_length() - 1
            unspent = ((cover, left - cover.weights[state]) for cover, left in pending)
            self._stack.append(((*states, state), [item for item in unspent if item[1] >= 0]))
            self._descend(allowed)
            self._stack.pop()
            # What holds this state has now been seen; leaving it out visits each multiset once.
            allowed ^= bit


def sublevel(
    complex_: CellComplex, level: Fraction | None = None, tick: Tick = lambda solved: None
) -> Sublevel:
    """The cells that meet {loss <= level} (default: the global minimum), and a cover of the rest.

    level: in the integer problem's units, >= 0.
    tick: told the number of minima computed, often; it may raise Interrupted to stop the search,
        which then leaves with the lowest loss seen.
    """
    first = (0,) * complex_.width
    result = Sublevel(complex_.minimum(first).value if level is None else level)
    domain, dice = complex_.domain, random.Random(0)

    def choose(states: list[int]) -> list[int]:
        # A few random ones suffice: more make the cover smaller, but the search no faster.
        return dice.sample(states, min(_FURTHER, len(states)))

    def covering(cell: Cell) -> Any | None:
        return domain.covering([complex_.groups[state] for state in cell], result.level, choose)

    def cover(dual: Any) -> Cover:
        return Cover(complex_, domain.proof(dual, result.level, strict=True))

    def visit(cell: Cell) -> list[Cover]:
        dual = covering(cell)
        if dual is not None:
            return [cover(dual)]
        minimum = complex_.minimum(cell)
        raised: dict[Cell, Minimum] = {}
        if level is None and minimum.value < result.level:
            raised, result.low = result.low, raised
            result.level = minimum.value
        if minimum.lower <= result.level:
            result.low[cell] = minimum
        else:
            raised[cell] = minimum
        return [cover(covering(high) or domain.dual(minimum)) for high, minimum in raised.items()]

    try:
        result.cover = EscapeSearch(complex_, visit, tick).run()
    except Interrupted:
        lowest = min((minimum.value for minimum in result.low.values()), default=None)
        known = "" if lowest is None else f"the minimum is at most {complex_.loss_of(lowest)}"
        raise Interrupted(known) from None
    return result


def thin(
    complex_: CellComplex,
    pool: Iterable[Dual],
    level: Fraction,
    *,
    strict: bool,
    exempt: Container[Cell] = (),
) -> list[Cover]:
    """A smaller cover: from `pool`, vectors that cover every multiset outside `exempt`.

    The pool must do so as a whole. level (integer problem's units) and strict: what is to be proved
    of the covered cells, loss >= level or loss > level.
    """
    proofs = (complex_.domain.proof(dual, level, strict=strict) for dual in pool)
    covers = [Cover(complex_, proof) for proof in proofs if proof.limit >= 0]
    covers.sort(key=lambda cover: cover.heavier(cover.limit // complex_.width).bit_count())

    def visit(cell: Cell) -> list[Cover]:
        if cell in exempt:
            return []
        return [next(cover for cover in covers if cover.left(cell) >= 0)]

    return EscapeSearch(complex_, visit, lambda solved: None).run()
