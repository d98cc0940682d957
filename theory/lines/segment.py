"""The highest loss on a straight line between two networks, exactly.

On theta(t) = (1 - t) A + t B each preactivation w_j(t) . x_k is linear in t, so the fits are
quadratic between the rational t at which one vanishes, and the loss is a polynomial of degree four
wherever no fit passes a kink of the loss. Branch and bound over intervals of t: the loss of a datum
that stays between kinks is such a polynomial; the others are, as convex functions of the fit, below
their chords over its range, polynomials too. Bernstein coefficients bound the sum. Where it is the
loss itself, its critical points are isolated, and compared as algebraic numbers.

A maximum is never at a kink of the loss alone: there the slope in t only grows. So it is at a
switch of a neuron, at an end, or at a critical point, and the logistic loss has just intervals.

Note: proofs_notes/lines.md
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import count
from operator import mul
from typing import TYPE_CHECKING, Any, NamedTuple

from flint import fmpq, fmpq_poly

from theory.documents import bounds_document, interval_document
from theory.errors import InputError
from theory.exact import from_flint, to_flint
from theory.lines.real import Real, bernstein, image, roots
from theory.losses import Separable
from theory.network import Network
from theory.problem import Problem
from theory.tables import Between, Shown, Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_BITS = 40  # of an interval, where a maximum is not known exactly


@dataclass(frozen=True, repr=False)
class Line(Shown):
    """The maximum of the loss on (1 - t) A + t B, 0 <= t <= 1, and where it is: `at`, the first t.

    Both are exact unless the loss is logistic, or the maximum is at a kink of a loss that has a
    gradient there. Then the maximum is in an interval, and so is the loss at `at`.
    """

    problem: Problem
    networks: tuple[Network, Network]
    maximum: Real
    at: Real

    @property
    def end(self) -> Fraction:
        """The larger loss of the two networks, or a rational just above it."""
        return max(network.loss(self.problem) for network in self.networks)

    @property
    def barrier(self) -> tuple[Fraction, Fraction]:
        """Bounds of how far the maximum is above the larger loss of the two networks."""
        return max(Fraction(), self.maximum.lower - self.end), self.maximum.upper - self.end

    @property
    def summary(self) -> str:
        """The maximum, and where it is."""
        return f"highest loss {Between(*self.maximum.ends)}, {Between(*self.at.ends)} of the way"

    def _table(self) -> Table:
        """What was found, row by row."""
        values = {"highest loss": self.maximum.ends, "at": self.at.ends, "barrier": self.barrier}
        return Table(("", "value"), [(name, Between(*ends)) for name, ends in values.items()])

    def plot(self, axes: Axes | None = None) -> Axes:
        """The loss on the line.

        Drawn on these axes, or on new ones of pyplot; they are handed back.
        """
        from theory.pictures.landscapes import draw_line
        from theory.pictures.style import on

        return on(axes, draw_line, self)

    def to_json(self) -> dict[str, Any]:
        """The document of `isthmus line`: neurons are in their order."""
        return {
            "maximum": interval_document(*self.maximum.ends),
            "at": bounds_document(*self.at.ends),
            "permutation": [*range(self.networks[0].width)],
            "barrier": interval_document(*self.barrier),
        }


def line(problem: Problem, first: Network, second: Network) -> Line:
    """The maximum of the loss on the straight line from one network to another of equal width.

    Raises InputError for widths that differ, networks that the problem does not have, and a loss of
    one's own.
    """
    loss = require(problem, first, second)
    highest = _highest(problem, loss, list(_pieces(problem, first, second)))
    return Line(problem, (first, second), *highest)


def require(problem: Problem, first: Network, second: Network) -> Separable:
    """The loss, where there is a line between the networks; raises InputError elsewhere."""
    for network in (first, second):
        network.require(problem)
    if first.width != second.width:
        raise InputError("networks", f"have widths {first.width} and {second.width}; one is needed")
    if problem.loss.form is not None:
        raise InputError("form", "mixes the data; lines are for losses that are sums over them")
    if not isinstance(problem.loss, Separable):
        raise InputError("loss", f"lines are for losses with exact values, not {problem.loss}")
    return problem.loss


def between(first: Network, second: Network, t: Fraction) -> Network:
    """(1 - t) A + t B"""

    def mix(p: Iterable[Fraction], q: Iterable[Fraction]) -> list[Fraction]:
        return [v + t * (w - v) for v, w in zip(p, q, strict=True)]

    rows = zip(first.W, second.W, strict=True)
    (b,) = mix([first.b], [second.b])
    none = (Fraction(),) * len(first.W)
    c = mix(first.c or none, second.c or none)
    return Network([mix(*row) for row in rows], mix(first.a, second.a), b, c)


class _Piece(NamedTuple):
    """An interval of t in which no neuron switches, and the fits there, (n,) quadratics."""

    low: fmpq
    high: fmpq
    fits: Sequence[fmpq_poly]

    def halves(self) -> tuple[_Piece, _Piece]:
        middle = (self.low + self.high) / 2
        return self._replace(high=middle), self._replace(low=middle)

    def at(self, t: fmpq) -> list[Fraction]:
        return list(from_flint(fit(t) for fit in self.fits))


def _pieces(problem: Problem, first: Network, second: Network) -> Iterator[_Piece]:
    ends = list(zip(_preactivations(problem, first), _preactivations(problem, second), strict=True))
    outputs = [_between(*a) for a in zip(to_flint(first.a), to_flint(second.a), strict=True)]
    fits = [
        _between(*f)
        for f in zip(*(to_flint(free_part(problem, v)) for v in (first, second)), strict=True)
    ]
    positive, negative, jump = to_flint(
        (problem.activation.positive, problem.activation.negative, problem.activation.jump)
    )
    switches = []
    for k, (start, end) in enumerate(ends):
        for p, q, a in zip(start, end, outputs, strict=True):
            image = a * _between(p, q)
            fits[k] += image * (positive if p > 0 or (p == 0 and q > 0) else negative)
            if (p > 0) != (q > 0) and p != 0 and q != 0:
                switches.append((p / (p - q), k, image * (jump if q > 0 else -jump)))
    low = fmpq()
    for t, k, change in sorted(switches, key=lambda switch: switch[0]):
        if t > low:
            yield _Piece(low, t, tuple(fits))
            low = t
        fits[k] += change
    yield _Piece(low, fmpq(1), tuple(fits))


def _between(p: fmpq, q: fmpq) -> fmpq_poly:
    return fmpq_poly([p, q - p])


def _preactivations(problem: Problem, network: Network) -> list[list[fmpq]]:
    """(n, m)"""
    neurons = [to_flint(w) for w in network.neurons()]
    return [[sum(map(mul, x, w), fmpq()) for w in neurons] for x in map(to_flint, problem.X)]


def free_part(problem: Problem, network: Network) -> list[Fraction]:
    """What an output bias and a linear part add to the fit, (n,)."""
    return [sum(map(mul, network.c or (), x), network.b) for x in problem.X]


class _Bound(NamedTuple):
    """A polynomial that is at least the loss on a piece, or the loss itself (`exact`)."""

    piece: _Piece
    polynomial: fmpq_poly
    exact: bool
    upper: fmpq  # of the polynomial


def _range(fit: fmpq_poly, low: fmpq, high: fmpq) -> tuple[fmpq, fmpq]:
    """Bounds of a quadratic: the least and the largest of its Bernstein coefficients."""
    ends = fit(low), fit(high)
    values = *ends, (ends[0] + ends[1] - fit[2] * (high - low) ** 2) / 2
    return min(values), max(values)


class _Terms:
    """The loss of each datum as a polynomial of its fit."""

    def __init__(self, problem: Problem, loss: Separable) -> None:
        self._loss, self._y = loss, problem.y
        self._weights = to_flint(loss.every_weight(problem.n))
        kinks = map(loss.kinks, problem.y)
        self._kinks = [None if each is None else to_flint(dict.fromkeys(each)) for each in kinks]
        self._found: dict[tuple[int, int], fmpq_poly] = {}
        self._last: dict[int, tuple[fmpq_poly, fmpq_poly]] = {}  # the fit, and its term

    def bound(self, piece: _Piece) -> _Bound:
        """What all of them add up to on a piece, or more."""
        total, exact = fmpq_poly(), True
        for k, fit in enumerate(piece.fits):
            if self._kinks[k] == []:
                total += self._everywhere(k, fit)
                continue
            low, high = _range(fit, piece.low, piece.high)
            term = self._between_kinks(k, low, high)
            exact &= term is not None
            total += (self._chord(k, low, high) if term is None else term)(fit)
        return _Bound(piece, total, exact, max(bernstein(total, piece.low, piece.high)))

    def _everywhere(self, k: int, fit: fmpq_poly) -> fmpq_poly:
        """The term of a loss without kinks; most fits are those of the piece before."""
        if k not in self._last or self._last[k][0] is not fit:
            term = self._between_kinks(k, fmpq(), fmpq())
            assert term is not None
            self._last[k] = (fit, term(fit))
        return self._last[k][1]

    def _between_kinks(self, k: int, low: fmpq, high: fmpq) -> fmpq_poly | None:
        """The polynomial of the fits from low to high, if it is one."""
        kinks = self._kinks[k]
        if kinks is None:
            return None
        place = sum(kink <= low for kink in kinks)
        beyond = kinks[place:]
        if beyond and high > beyond[0]:
            return None
        if (k, place) not in self._found:
            start = kinks[place - 1] if place else (beyond[0] - 2 if beyond else fmpq())
            end = beyond[0] if beyond else start + 2
            self._found[k, place] = self._through(k, [start, (start + end) / 2, end])
        return self._found[k, place]

    def _chord(self, k: int, low: fmpq, high: fmpq) -> fmpq_poly:
        return self._through(k, [low, high] if low < high else [low])

    def _through(self, k: int, fits: Sequence[fmpq]) -> fmpq_poly:
        """The polynomial of least degree that has the loss's values at these fits."""
        total = fmpq_poly()
        for f in fits:
            (at,) = from_flint([f])
            value = self._loss.term(at, self._y[k])
            part = fmpq_poly([self._weights[k] * fmpq(value.numerator, value.denominator)])
            for g in fits:
                if g != f:
                    part *= fmpq_poly([-g, 1]) / (f - g)
            total += part
        return total


def _highest(problem: Problem, loss: Separable, pieces: Sequence[_Piece]) -> tuple[Real, Real]:
    """The maximum over all pieces, and the first t of it."""
    terms = _Terms(problem, loss)
    best = (Real.of(Fraction(-1)), Real.of(Fraction()))  # what is attained, and where

    def see(value: Real, at: Real) -> None:
        nonlocal best
        if value > best[0] or (value == best[0] and at < best[1]):
            best = (value, at)

    heap: list[tuple[fmpq, int, _Bound]] = []
    order = count()  # where bounds are equal

    def add(piece: _Piece) -> None:
        bound = terms.bound(piece)
        for end in (piece.low, piece.high):
            value = (
                from_flint([bound.polynomial(end)])[0]
                if bound.exact
                else loss.below(piece.at(end), problem.y)
            )
            see(Real.of(value), Real.of(*from_flint([end])))
        heapq.heappush(heap, (-bound.upper, next(order), bound))

    for piece in pieces:
        add(piece)
    (highest,) = from_flint([-heap[0][0]])
    while heap:
        _, _, bound = heap[0]
        (upper,) = from_flint([bound.upper])
        if Real.of(upper) <= best[0]:
            break
        if not bound.exact and upper - best[0].lower <= highest / 2**_BITS:
            return Real(best[0].lower, upper), best[1]
        heapq.heappop(heap)
        if not bound.exact:
            for half in bound.piece.halves():
                add(half)
        elif slope := bound.polynomial.derivative():
            for root in roots(slope, bound.piece.low, bound.piece.high):
                see(image(bound.polynomial, root).to(_BITS), root.to(_BITS))
    return best
