"""All losses at which training can come to rest: the least losses over strata, a finite list.

A *stratum* gives each neuron a sign and a face of the arrangement: a cone, one of its facets, down
to 0. The loss is convex on it, and a point where training is stationary (Clarke) lies in the inside
of one stratum and has the least loss there. So no other losses are possible, whatever the
optimizer, without a ball or in it. Source: proofs_notes/valleys.md.

>>> from theory import Ball, example
>>> from theory.landscape.valleys import valleys
>>> tree = valleys(example("flagship"), 2, within=Ball("adamw", "11/5"))
>>> for limit in limits(tree)[:4]:
...     print(limit.loss, limit.kind)
0 global
49/650 valley
2/25 stratum
1/10 valley
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from math import comb
from typing import Literal, NamedTuple, TypeAlias

from flint import fmpq

from theory.errors import BudgetError, InputError
from theory.exact import to_flint
from theory.landscape.cells import CellComplex
from theory.landscape.domain import SIGN_FLIP, Group, Polyhedral
from theory.landscape.nnls import primitive
from theory.landscape.optima import Optimum, optima
from theory.landscape.valleys import DEFAULT_MAX_CELLS, Valleys
from theory.problem import format_rational
from theory.states import cone_of, sign_of, state_of
from theory.within import require_decayed

Kind: TypeAlias = Literal["global", "valley", "plateau", "stratum"]


@dataclass(frozen=True)
class Limit:
    """A loss at which training can be stationary.

    kind: `global`, the least loss; `valley`, the bottom of a valley; `plateau`, the loss of other
    local minima, from which a path of no higher loss leads lower; `stratum`, of none of these: the
    least loss over a stratum with lower points beside it.
    """

    loss: Fraction
    kind: Kind

    def to_json(self) -> dict[str, str]:
        """{"loss", "kind"}"""
        return {"loss": format_rational(self.loss), "kind": self.kind}


def limits(
    tree: Valleys,
    *,
    max_cells: int = DEFAULT_MAX_CELLS,
    tick: Callable[[int], None] = lambda served: None,
) -> tuple[Limit, ...]:
    """The losses at which training can be stationary, ascending, each once.

    tree: with all valleys (min_depth 0). tick: told the number of strata looked at; may raise
    Interrupted, which leaves.
    Raises InputError for balls in which minima are no exact numbers and for trees whose shallow
    valleys were left out, BudgetError beyond `max_cells` strata.
    """
    complex_ = tree.complex
    domain = complex_.domain
    require_decayed(tree.problem, tree.within, "limits are")
    if not (isinstance(domain, Polyhedral) and tree.exact):
        raise InputError("within", f"in {tree.within} minima are known as intervals only")
    if tree.min_depth or not tree.complete:
        raise InputError("tree", "has not all valleys; take one with min_depth 0")
    parts = _parts(complex_)
    width = complex_.width
    strata = comb(len(parts) + width - 1, width)
    if strata > max_cells:
        raise BudgetError(f"strata ({len(parts)} of a neuron)", strata, max_cells, "max_cells")
    kinds: dict[Fraction, Kind] = {}
    for optimum in optima(domain, parts, width, tick):
        kinds.setdefault(complex_.loss_of(optimum.value), "stratum")
    plateaus = Plateaus(complex_, domain)
    for optimum in optima(domain, complex_.groups, width):
        loss = complex_.loss_of(optimum.value)
        if kinds[loss] == "stratum" and plateaus.has(optimum):
            kinds[loss] = "plateau"
    for valley in tree.valleys:
        kinds[valley.birth] = "valley"
    kinds[tree.minimum] = "global"
    return tuple(Limit(loss, kinds[loss]) for loss in sorted(kinds))


def _parts(complex_: CellComplex) -> list[Group]:
    """The columns of a neuron on each face of a cone, signed; faces with the same ones are one."""
    domain = complex_.domain
    found: set[Group] = set()
    for state in range(complex_.states):
        cone = frozenset(domain.cone(cone_of(state)))
        facets = [
            frozenset(move.generators) for move in complex_.moves(state) if move.wall != SIGN_FLIP
        ]
        faces = {cone}
        for facet in facets:
            faces |= {face & facet for face in faces}
        found |= {domain.columns(state, face) for face in faces}
    return sorted(found | {()})


class Plateaus:
    """Whether a cell of given least loss has a local minimum of it.

    Of all points of least loss in a cell those in the inside of their set lie in the fewest other
    cells, so they are local minima if any are.
    """

    def __init__(self, complex_: CellComplex, domain: Polyhedral) -> None:
        self.complex = complex_
        self.domain = domain
        self._generators = [domain.cone(cone_of(state)) for state in range(complex_.states)]
        self._having: dict[tuple[int, int], int] = {}  # the states of a sign with a generator
        for state, generators in enumerate(self._generators):
            for generator in generators:
                key = (sign_of(state), generator)
                self._having[key] = self._having.get(key, 0) | 1 << state

    def has(self, optimum: Optimum) -> bool:
        """Whether one of the cells that the optimum serves has one."""
        return any(local for _, local in self.cells(optimum))

    def cells(self, optimum: Optimum) -> Iterator[tuple[tuple[int, ...], bool]]:
        """The cells that the optimum serves, neurons in its order, and whether each has one."""
        products = self.domain.products(primitive(optimum.minimum.residual))
        choices = []
        for state, states in zip(optimum.cell, optimum.states, strict=True):
            price = max((products.get(c, 0) for c in self.complex.groups[state]), default=0)
            free = self._free(products, price)
            neurons = [_Neuron(s, price, free, self._able(products, price, s)) for s in states]
            choices.append([(neuron, self._rests(neuron, neuron.able)) for neuron in neurons])
        for chosen in product(*choices):
            neurons = [neuron for neuron, _ in chosen]
            # Where a neuron does not rest even with all of its generators positive, none is.
            rests = all(rests for _, rests in chosen)
            cell = tuple(neuron.state for neuron in neurons)
            yield cell, rests and self._local(optimum, neurons)

    def _free(self, products: dict[int, int], price: int) -> int:
        """The states in which no column has a larger product, as a bit set."""
        bits = 0
        for state, group in enumerate(self.complex.groups):
            if max((products.get(c, 0) for c in group), default=0) <= price:
                bits |= 1 << state
        return bits

    def _able(self, products: dict[int, int], price: int, state: int) -> list[int]:
        """The generators of a state that a point of least loss may have."""
        found = []
        for generator in self._generators[state]:
            column = self.domain.column(generator)
            own, other = (state_of(column, sign) for sign in (sign_of(state), -sign_of(state)))
            value = 0 if column < 0 else products.get(own, -products.get(other, 0))
            if value == price:
                found.append(generator)
        return found

    def _rests(self, neuron: _Neuron, used: Sequence[int]) -> bool:
        """Whether no state leads down that holds a neuron made of these generators; with none of
        them it is 0, and in all states."""
        bits = (1 << self.complex.states) - 1
        for generator in used:
            bits &= self._having[sign_of(neuron.state), generator]
        return not bits & ~neuron.free

    def _local(self, optimum: Optimum, neurons: Sequence[_Neuron]) -> bool:
        """Whether the inside of the set of points of least loss in a cell is of local minima."""
        used = self._positive(optimum, neurons)
        return all(self._rests(neuron, own) for neuron, own in zip(neurons, used, strict=True))

    def _positive(self, optimum: Optimum, neurons: Sequence[_Neuron]) -> list[list[int]]:
        """The generators of each neuron that are positive in some point of least loss.

        By one linear program over a point z times k >= 1: as many entries as can be are >= 1.
        """
        from theory.linear import LinearProgram  # its SciPy loads longer than most trees take

        places = [(j, generator) for j, neuron in enumerate(neurons) for generator in neuron.able]
        size, zero, one = len(places), fmpq(), fmpq(1)
        images = [self._image(sign_of(neurons[j].state), generator) for j, generator in places]
        shares = self.domain.shares(
            optimum.minimum, [self.complex.groups[state] for state in optimum.cell]
        )
        start, fit = [zero] * size, [zero] * self.complex.problem.n
        for j, column, coefficient in shares:
            (value,) = to_flint([coefficient])
            at = next(
                i
                for i, (neuron, generator) in enumerate(places)
                if neuron == j and self.domain.column(generator) == cone_of(column)
            )
            start[at] += value
            fit = [f + value * v for f, v in zip(fit, images[at], strict=True)]
        # Unknowns: k z, of each how much counts, and k.
        unit = [[fmpq(i == k) for i in range(2 * size + 1)] for k in range(2 * size + 1)]
        E = [
            [*(image[row] for image in images), *[zero] * size, -value]
            for row, value in enumerate(fit)
        ]
        G = [[a - b for a, b in zip(unit[i], unit[size + i], strict=True)] for i in range(size)]
        G += unit[size:]
        G += [[-v for v in unit[size + i]] for i in range(size)]
        g = [zero] * (2 * size) + [one] + [-one] * size
        if self.complex.within is not None:  # the sums of coefficients are at most 1
            for j, neuron in enumerate(neurons):
                total = [-fmpq(place[0] == j) for place in places] + [zero] * size + [one]
                if neuron.price:
                    E.append(total)
                else:
                    G.append(total)
                    g.append(zero)
        E = [row for row in E if any(row)]
        program = LinearProgram(
            c=[zero] * size + [-one] * size + [zero], E=E, e=[zero] * len(E), G=G, g=g
        )
        found = program.minimum([*start, *[zero] * size, one])
        used: list[list[int]] = [[] for _ in neurons]
        for i, (j, generator) in enumerate(places):
            if found.x[size + i]:
                used[j].append(generator)
        return used

    def _image(self, sign: int, generator: int) -> list[fmpq]:
        """The column of a generator, (n,)."""
        column = self.domain.column(generator)
        if column < 0:
            return [fmpq()] * self.complex.problem.n
        return [fmpq(sign * v) for v in self.domain.positive_columns[column]]


class _Neuron(NamedTuple):
    """A neuron of a cell: the largest product it may have, the states of no larger one (a bit
    set), and the generators that it may be made of."""

    state: int
    price: int
    free: int
    able: list[int]
