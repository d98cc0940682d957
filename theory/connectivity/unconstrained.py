"""The classical path between two networks, which no ball confines, and how large it gets.

From width n + 1 on every two networks are joined by a path whose fits go straight from one to the
other, so that a convex loss exceeds neither end's: with more neurons than data the hidden features
are dependent, so output weights move along a null vector until one is zero, and the hidden weights
of that neuron are free; the neurons are exchanged one at a time. Inside an optimizer's ball that
proves nothing, as the path may leave it.

Between breakpoints either the output weights move in a straight line, or hidden weights of neurons
whose output weight is zero. So a_j w_j is affine, and the least R_W R_a, a norm of it, is convex:
its largest value is at a breakpoint.

Source: Q. Nguyen, "A note on connectivity of sublevel sets in deep learning", arXiv 2101.08576;
proofs_notes/width-n-plus-1.md, proofs_notes/not-implied-by-prior-work.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from theory.errors import InputError
from theory.exact import (
    dot,
    flint_matrix,
    from_flint,
    null_vector,
    to_flint,
    transposed,
)
from theory.gauges import gauge_of
from theory.geometry import geometry
from theory.network import Network
from theory.problem import Problem


@dataclass(frozen=True)
class RadiusBounds:
    """lower <= rho <= upper; equal for entrywise balls."""

    lower: Fraction
    upper: Fraction


def unconstrained_path(problem: Problem, first: Network, second: Network) -> tuple[Network, ...]:
    """Breakpoints of a path from one network to another, neurons in their places.

    The fit is constant but for one piece, on which it goes straight from the first to the second.
    Raises InputError where the widths differ or are less than n + 1.
    """
    if first.width != second.width:
        raise InputError("second", f"has {second.width} neurons, but first has {first.width}")
    if first.width <= problem.n:
        raise InputError("first", f"has {first.width} neurons; n + 1 = {problem.n + 1} are needed")
    start, end = _Walk(problem, first), _Walk(problem, second)
    for walk in (start, end):
        while any(null := walk.dependence(walk.active)):
            walk.eliminate(null, walk.active)
    # The neurons of the other end come in, each into a place whose output weight is zero.
    places: dict[int, int] = {}  # of the neurons of `second` in the walk
    for neuron in end.active:
        own = [j for j in range(first.width) if j not in places.values()]
        if all(start.a[j] for j in own):
            # Neurons of `second` are independent, so one of the others takes part.
            start.eliminate(start.dependence(range(first.width)), own)
        place = next(j for j in own if not start.a[j])
        start.replace(place, end.columns[neuron])
        places[neuron] = place
    output = [Fraction()] * first.width
    for neuron, place in places.items():
        output[place] = end.a[neuron]
    start.output(output)
    start.rearrange(places)
    for j in range(first.width):
        if not start.a[j]:
            start.replace(j, end.columns[j])
    return _without_repeats([*start.path, *reversed(end.path)])


def largest_radius(optimizer: str, path: Sequence[Network]) -> RadiusBounds:
    """The least rho whose ball holds the whole path, up to rescaling of neurons.

    path: breakpoints between which a_j w_j is affine, as of `unconstrained_path` and of minimax
    paths. Exact for entrywise balls.
    """
    gauge = gauge_of(geometry(optimizer).ball)
    lower = upper = Fraction()
    for network in path:
        signs, u = zip(*network.convex_coordinates(), strict=True)
        if any(map(any, u)):
            lower = max(lower, gauge.below(u))
            upper = max(upper, gauge.witness(signs, u)[1])
    return RadiusBounds(lower, upper)


class _Walk:
    """A path under construction: columns w_j and output weights, and the networks passed."""

    def __init__(self, problem: Problem, network: Network) -> None:
        self._problem = problem
        self.columns = network.neurons()
        self.a = list(network.a)
        self.path = [network]

    @property
    def active(self) -> list[int]:
        """Neurons of nonzero output weight."""
        return [j for j, a in enumerate(self.a) if a]

    def dependence(self, neurons: Sequence[int]) -> list[Fraction]:
        """A null vector (m,) of the features of these neurons; zero where they are independent."""
        features = [to_flint(self._feature(j)) for j in neurons]
        null = [Fraction()] * len(self.a)
        if flint_matrix(features, self._problem.n).rank() < len(neurons):
            rows = transposed(features, self._problem.n)
            for j, v in zip(neurons, from_flint(null_vector(rows, len(neurons))), strict=True):
                null[j] = v
        return null

    def eliminate(self, null: Sequence[Fraction], neurons: Sequence[int]) -> None:
        """Along a null vector, the shorter way, until one of these neurons has no output."""
        step = min((-self.a[j] / null[j] for j in neurons if null[j]), key=abs)
        self.output([a + step * v for a, v in zip(self.a, null, strict=True)])

    def output(self, a: Sequence[Fraction]) -> None:
        """Other output weights."""
        self.a = list(a)
        self._pass()

    def replace(self, place: int, column: tuple[Fraction, ...]) -> None:
        """Other hidden weights, of a neuron whose output weight is zero."""
        assert not self.a[place]
        self.columns[place] = column
        self._pass()

    def rearrange(self, places: dict[int, int]) -> None:
        """Bring each neuron, by its place now, into its own place; others have no output."""
        for neuron in list(places):
            other = next((k for k, place in places.items() if place == neuron), neuron)
            if other != neuron:
                free = set(range(len(self.a))) - set(places.values())
                self._shift(neuron, min(free))
                places[other] = min(free)
            self._shift(places[neuron], neuron)
            places[neuron] = neuron

    def _shift(self, source: int, target: int) -> None:
        if source != target:
            self.replace(target, self.columns[source])
            a = list(self.a)
            a[target], a[source] = a[source], Fraction()
            self.output(a)

    def _pass(self) -> None:
        self.path.append(Network(W=tuple(zip(*self.columns, strict=True)), a=tuple(self.a)))

    def _feature(self, neuron: int) -> list[Fraction]:
        """sigma(X w_j), (n,)."""
        w, sigma = self.columns[neuron], self._problem.activation.value
        return [sigma(dot(row, w)) for row in self._problem.X]


def _without_repeats(path: Sequence[Network]) -> tuple[Network, ...]:
    return tuple(network for k, network in enumerate(path) if k == 0 or network != path[k - 1])
