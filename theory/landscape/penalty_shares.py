"""With the l2 penalty, how many activation regions hold a global minimum, and how many a bad one.

Minima are known as intervals, but which regions are good and bad is decided exactly wherever a few
signs are, of numbers that are known up to the residual: how far the gradient of a neuron is from
the walls of its cone, and its dual length from beta. Neurons in the same state merge without a
higher penalty, so that only the set of states of a region counts. For one or two features. Source:
`penalty-regions`, proofs_notes/bad-regions.md.

>>> from theory import Problem
>>> found = penalty_shares(Problem([[1], [-1]], [2, 1]), 2, Penalty("1/2"))
>>> [str(share) for share in (*found.good, *found.bad)]
['1/8', '1/8', '1/8', '1/8']
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import chain, combinations
from math import comb
from typing import TypeAlias

from theory.errors import InputError
from theory.exact import dot, sqrt_above, squared
from theory.landscape.cells import DEFAULT_MAX_CELLS, CellComplex
from theory.problem import Problem
from theory.states import cone_of, sign_of
from theory.types import Progress, silent
from theory.within import Penalty

Atom: TypeAlias = tuple[int, int, bool]
"""Where a neuron is led: the sign, and a ray (True), or the inside of a cone."""

_ZERO: Atom = (0, 0, False)  # nowhere

States: TypeAlias = frozenset[int]


@dataclass(frozen=True)
class PenaltyShares:
    """regions: how many there are. good: bounds of the share with a global minimum of loss and
    penalty. bad: of that with a local minimum above it. minimum: bounds of the least."""

    regions: int
    good: tuple[Fraction, Fraction]
    bad: tuple[Fraction, Fraction]
    minimum: tuple[Fraction, Fraction]


def penalty_shares(
    problem: Problem,
    width: int,
    penalty: Penalty,
    *,
    max_cells: int = DEFAULT_MAX_CELLS,
    progress: Progress = silent,
) -> PenaltyShares:
    """The shares of good and bad regions; both bounds are equal where all signs are decided.

    Raises InputError for data whose rows do not span one or two features, BudgetError beyond
    `max_cells` cells.
    """
    complexes = [
        CellComplex.of(problem, size, penalty=penalty, max_cells=max_cells)
        for size in range(1, width + 1)
    ]
    states = complexes[0].states
    lines = all(len(complexes[0].domain.cone(cone)) == problem.d for cone in range(states // 2))
    if problem.d > 2 or not lines:
        raise InputError("X", "must be of one or two features, which its rows span")
    regions: dict[States, _Region] = {}
    for size, complex_ in enumerate(complexes, start=1):
        for chosen in combinations(range(states), size):
            progress("sets of states", len(regions))
            regions[frozenset(chosen)] = _Region(complex_, penalty.beta, chosen)
    least = min(region.upper for region in regions.values())
    lowest = min(region.lower for region in regions.values())
    candidates = {own for own, region in regions.items() if region.lower <= least}
    places = {regions[own].atoms for own in candidates}
    # One of them is good; where neurons are led to the same places, all are.
    certain = candidates if len(places) == 1 and None not in places else set()
    found = {own: _bad(own, regions) for own in regions if own not in candidates}

    def share(sets: Iterable[States]) -> Fraction:
        return Fraction(sum(_onto(width, len(own)) for own in sets), states**width)

    undecided = candidates - certain
    proved_bad = [own for own, bad in found.items() if bad]
    perhaps = [own for own, bad in found.items() if bad is not False]
    return PenaltyShares(
        regions=states**width,
        good=(share(certain), share(candidates)),
        bad=(share(proved_bad), share(chain(perhaps, undecided))),
        minimum=(lowest, least),
    )


def _onto(width: int, size: int) -> int:
    """The regions of exactly so many states, given ones: maps onto them."""
    return sum((-1) ** k * comb(size, k) * (size - k) ** width for k in range(size + 1))


def _bad(own: States, regions: dict[States, _Region]) -> bool | None:
    """Whether a set of states that is not good holds a local minimum; None where undecided.

    A local minimum with a zero neuron is global, so each neuron has to be led somewhere, and to be
    needed there; on a ray the cones beside it must not lead further.
    """
    region = regions[own]
    led = {state: region.led(state) for state in own}
    if _ZERO in led.values():
        return False
    if region.atoms is None or None in led.values():
        return None
    for atom in region.atoms:
        rest = frozenset(state for state in own if led[state] != atom)
        lower = regions[rest].lower if rest else region.zero
        if lower <= region.upper:
            return None
    sides = [region.rests(atom) for atom in region.atoms]
    if False in sides:
        return False
    return None if None in sides else True


class _Region:
    """The least of loss and penalty over one neuron in each of some states.

    residual: y - f at a point near it. radius: how far the residual of the least may be from it, by
    the strong convexity of the loss in f.
    """

    def __init__(self, complex_: CellComplex, beta: Fraction, states: tuple[int, ...]) -> None:
        problem = complex_.problem
        minimum = complex_.minimum(states)
        point = complex_.point(states, minimum)
        sigma = problem.activation.value
        fit = [
            sum((sign * sigma(dot(row, u)) for sign, u in point), Fraction()) for row in problem.X
        ]
        self.complex, self.beta, self.states = complex_, beta, states
        self.residual = [y - f for y, f in zip(problem.y, fit, strict=True)]
        self.zero = problem.squared_length / 2
        penalty = beta * sum((sqrt_above(squared(u)) for _, u in point), Fraction())
        self.upper = squared(self.residual) / 2 + penalty
        self.lower = min(complex_.loss_of(minimum.lower), self.upper)
        self.radius = sqrt_above(2 * (self.upper - self.lower))

    @cached_property
    def atoms(self) -> frozenset[Atom] | None:
        """Where the neurons are led that are not zero; None where undecided."""
        found = set()
        for state in self.states:
            atom = self.led(state)
            if atom is None:
                return None
            if atom != _ZERO:
                found.add(atom)
        return frozenset(found)

    def led(self, state: int) -> Atom | None:
        """Where a neuron in a state is, `_ZERO` where it is zero; None where that is undecided.

        That is where nu . f has its largest value over vectors of length one in the cone.
        """
        sign, cone = sign_of(state), cone_of(state)
        rays = [int(ray) for ray in self.complex.domain.cone(cone)]
        inward = [self._inward(state, ray) for ray in rays]
        if None in inward:
            return None
        outside = [ray for ray, side in zip(rays, inward, strict=True) if side != 1]
        if not outside:
            size = sqrt_above(squared(self._gradient(state)))
            error = self.radius * sqrt_above(sum(map(squared, self._rows(state)), Fraction()))
            return _ZERO if size + error < self.beta else (sign, cone, False)
        # Beyond both rays of a wide cone the gradient may be nearer to one of them.
        gains = {ray: self._gain(state, ray) for ray in outside}
        if max(upper for _, upper in gains.values()) < self.beta:
            return _ZERO
        best = max(outside, key=lambda ray: gains[ray])
        if any(gains[ray][1] >= gains[best][0] for ray in outside if ray != best):
            return None
        return sign, best, True

    def _gain(self, state: int, ray: int) -> tuple[Fraction, Fraction]:
        """Bounds of nu . f for the vector of length one on a ray."""
        v = self._ray(ray)
        value, error = dot(self._gradient(state), v), self._error(state, v)
        size = sqrt_above(squared(v))
        below = squared(v) / size  # both are near the length
        ends = [(value - error) / each for each in (size, below)]
        ends += [(value + error) / each for each in (size, below)]
        return min(ends), max(ends)

    def _error(self, state: int, v: list[Fraction]) -> Fraction:
        """How far nu . f may be from what it is at the point near the least, for a vector v."""
        return self.radius * sqrt_above(squared([dot(row, v) for row in self._rows(state)]))

    def _ray(self, ray: int) -> list[Fraction]:
        return [Fraction(int(v)) for v in self.complex.arrangement.rays[ray]]

    def rests(self, atom: Atom) -> bool | None:
        """Whether no cone beside a ray leads further; None where undecided."""
        sign, place, ray = atom
        if not ray:
            return True
        complex_ = self.complex
        decided = True
        for state in range(complex_.states):
            if sign_of(state) == sign and place in complex_.domain.cone(cone_of(state)):
                inward = self._inward(state, place)
                if inward is None:
                    decided = False
                elif inward > 0:
                    return False
        return True if decided else None

    def _inward(self, state: int, ray: int) -> int | None:
        """On which side of a ray the gradient is, seen from the cone: 1, where it leads into it,
        -1, or 0 for all residuals; None where undecided."""
        v = self._ray(ray)
        if len(v) == 1:
            return 0
        normal = [-v[1], v[0]]
        (other,) = (g for g in self.complex.domain.cone(cone_of(state)) if g != ray)
        if dot(normal, self._ray(other)) < 0:
            normal = [-x for x in normal]
        value, error = dot(self._gradient(state), normal), self._error(state, normal)
        if not error and not value:
            return 0
        return None if abs(value) <= error else 1 if value > 0 else -1

    def _rows(self, state: int) -> list[list[Fraction]]:
        """The rows of X times the slopes of a state."""
        X = self.complex.problem.X
        signs = self.complex.arrangement.signs[cone_of(state)].tolist()
        slopes = self.complex.problem.activation.part(
            [side > 0 for side in signs], [Fraction(1)] * len(X)
        )
        return [[slope * v for v in row] for slope, row in zip(slopes, X, strict=True)]

    def _gradient(self, state: int) -> list[Fraction]:
        """s X^T D nu"""
        rows = self._rows(state)
        return [
            sign_of(state) * dot(self.residual, [row[i] for row in rows])
            for i in range(len(rows[0]))
        ]
