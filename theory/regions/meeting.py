"""How the regions of two optimizers meet: overlap, disjoint, or one of them empty.

The region of an optimizer is {loss <= level} in its ball, R_W = R_a = sqrt(rho). With the radius of
the first ball fixed, the second optimizer has a least radius at which the two regions meet, and
each has a least radius of its own; these three decide. All are known from both sides, exactly.

>>> from theory import Problem
>>> found = optimizer_regions(Problem(X=[[1, 1], [1, 0]], y=[2, 1]), ("adamw", "muon"), width=2)
>>> found.meet(Fraction(3, 5)).upper == found.meet(Fraction(3, 5)).lower == Fraction(5, 3)
True
>>> found.at(Fraction(3, 5), Fraction(3, 2)).phase, found.at(Fraction(3, 5), Fraction(17, 10)).phase
('disjoint', 'overlap')
>>> found.at(Fraction(3, 5), Fraction(7, 5)).empty
('muon',)
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any, TypeAlias

from flint import fmpq

from theory.arrangement import count_cones
from theory.connectivity.exchange import Exchange
from theory.connectivity.solutions import Neuron, Point, network_of, outer
from theory.errors import WITHIN_REACH, BudgetError, InputError, Undecided
from theory.exact import from_flint, simplest_between, to_flint
from theory.geometry import Geometry, LionK, geometry
from theory.landscape.analysis import components_of, reached
from theory.landscape.cells import Cell, CellComplex
from theory.landscape.completed import completed
from theory.landscape.merge_tree import Component
from theory.landscape.sublevel import Sublevel
from theory.losses import Logistic, Separable, Squared
from theory.problem import Problem, format_rational, positive_rational
from theory.radii.radii import least_duals
from theory.regions.balls import BallShape, ball_of, image
from theory.regions.least_radius import LeastRadius, Search
from theory.regions.tilt import SquaredTilt, Tilt
from theory.tables import Shown, Table, Tabled, counted
from theory.text import show
from theory.types import Progress, silent
from theory.within import Ball, require_decayed

if TYPE_CHECKING:
    from matplotlib.axes import Axes

OVERLAP, DISJOINT, EMPTY = "overlap", "disjoint", "empty"
DEFAULT_MAX_CELLS = 200_000  # beyond, what is known at every width has to do
DEFAULT_MAX_COEFFICIENTS = 100_000
"""Of the one conic program of every large width, which has all states at once: half a minute."""
_NARROW = Fraction(
    1, 10**6
)  # relative: how far vertices are above ends that are no simple fractions
_FLAT = Fraction(1, 10**6)  # relative: an area between neighbours that is not halved further


Part: TypeAlias = "tuple[Sequence[Cell], Tilt | None]"
"""Cells, and what is known of their fits."""

Reached: TypeAlias = tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]


@dataclass(frozen=True, repr=False)
class Meeting(Shown):
    """How the regions meet at one pair of radii.

    phase: `overlap`; `disjoint`, though both optimizers reach the level; or `empty`, where those
    named in `empty` do not: the least losses of the two optimizers then differ, unless both are
    empty. witness: a point of both regions, where they overlap.
    reached: for each optimizer and for both together, the components of {loss <= level} modulo
    permutation that they reach, by number; None at widths whose components are not computed, and
    where one of them lies between the bounds.
    least: the least radius of each optimizer. joint: that of the second, inside the first's ball.
    """

    regions: Regions
    rho: tuple[Fraction, Fraction]
    phase: str
    empty: tuple[str, ...]
    witness: Point | None
    reached: Reached | None
    least: tuple[LeastRadius, LeastRadius]
    joint: LeastRadius

    @property
    def summary(self) -> str:
        """The phase, and at which radii."""
        pairs = zip(self.regions.optimizers, self.rho, strict=True)
        where = ", ".join(f"{name} rho = {show(rho)}" for name, rho in pairs)
        phase = f"{' and '.join(self.empty)} empty" if self.empty else self.phase
        return f"{phase} at {where}, {self.regions.size}"

    def _table(self) -> Table:
        """A row for each optimizer."""
        reached = (None, None) if self.reached is None else self.reached[:2]
        rows = [
            (name, rho, str(least), None if ids is None else ", ".join(map(str, ids)))
            for name, rho, least, ids in zip(
                self.regions.optimizers, self.rho, self.least, reached, strict=True
            )
        ]
        return Table(("optimizer", "rho", "least rho", "components reached"), rows)

    def plot(self, axes: Axes | None = None) -> Axes:
        """The two regions, in the plane of the radii that a network needs.

        Drawn on these axes, or on new ones of pyplot; they are handed back.
        """
        from theory.pictures.regions import draw_meeting
        from theory.pictures.style import on

        return on(axes, draw_meeting, self)

    def to_json(self) -> dict[str, Any]:
        """The document of `isthmus regions --at`, but for the width that is enough."""
        first, second = self.regions.optimizers
        witness: dict[str, Any] = {"witness": None, "neurons": None}
        if self.witness is not None:
            # Exactly, as in certificates; and a network with its fit, to read.
            problem, width = self.regions.problem, self.regions.width
            network = network_of(self.witness, problem.d, width or max(1, len(self.witness)))
            witness = {
                "witness": completed(problem, network).to_json(),
                "neurons": [
                    [sign, format_rational(alpha), [*map(format_rational, u)]]
                    for sign, alpha, u in self.witness
                ],
            }
        reached = None
        if self.reached is not None:
            pairs = zip((first, second, "both"), self.reached, strict=True)
            reached = {name: list(ids) for name, ids in pairs}
        return {
            **self.regions.to_json(),
            "least": {first: self.least[0].to_json(), second: self.least[1].to_json()},
            "rho": [format_rational(rho) for rho in self.rho],
            "phase": self.phase,
            "empty": list(self.empty),
            **witness,
            "reached": reached,
            "joint": self.joint.to_json(),
        }


@dataclass(frozen=True, repr=False)
class Frontier(Tabled):
    """The edge of the pairs of radii at which the regions overlap.

    least: the least radius of each optimizer by itself. vertices: by increasing radius of the first
    (`fixed`), with the least radius of the second there. Each network of both regions is on the
    edge or above it, and from a vertex on the regions overlap for all larger radii.
    """

    regions: Regions
    least: tuple[LeastRadius, LeastRadius]
    vertices: tuple[LeastRadius, ...]

    @property
    def summary(self) -> str:
        """The optimizers, the width, and how many points are known."""
        names = " and ".join(self.regions.optimizers)
        return f"{names}, {self.regions.size}: {counted(len(self.vertices), 'vertex', 'vertices')}"

    def _table(self) -> Table:
        """A row for each vertex."""
        first, second = self.regions.optimizers
        names = (f"rho of {first}", f"rho of {second}, lower", f"rho of {second}, upper")
        return Table(names, [(each.fixed[0], each.lower, each.upper) for each in self.vertices])

    def plot(self, axes: Axes | None = None) -> Axes:
        """The plane of the two weight decays, and the phases in it.

        Drawn on these axes, or on new ones of pyplot; they are handed back.
        """
        from theory.pictures.regions import phase_diagram
        from theory.pictures.style import on

        return on(axes, phase_diagram, self)

    def to_json(self) -> dict[str, Any]:
        """The document of `isthmus regions`, without its grid."""
        first, second = self.regions.optimizers
        return {
            **self.regions.to_json(),
            "least": {first: self.least[0].to_json(), second: self.least[1].to_json()},
            "frontier": [
                {"rho": format_rational(vertex.fixed[0]), **vertex.to_json()}
                for vertex in self.vertices
            ],
        }


class Regions(Shown):
    """The regions of two optimizers at one width, or (width None) at every large one.

    level: of the loss. components: the cells of each component of {loss <= level}, in parts with
    what fits are there where the level is its least loss, and positive; else None.
    exact: whether all cells of the width were looked at; otherwise the answers are those of every
    large width, and `at` says whether the width suffices for them.
    """

    def __init__(
        self,
        complex_: CellComplex,
        geometries: tuple[Geometry, Geometry],
        width: int | None,
        level: Fraction,
        components: Sequence[Sequence[Part]],
        low: Sublevel | None,
        progress: Progress,
    ) -> None:
        self.problem = complex_.problem
        self.complex = complex_
        self.geometries = geometries
        self.optimizers = (geometries[0].name, geometries[1].name)
        self.width = width
        self.level = level
        self.components = tuple(
            tuple(cell for cells, _ in parts for cell in cells) for parts in components
        )
        self._parts = components
        self.low = low
        self.exact = low is not None
        self.balls = (ball_of(geometries[0]), ball_of(geometries[1]))
        self._progress = progress
        self._searches: dict[tuple[tuple[int, ...], Tilt | None], Search] = {}
        self._found: dict[tuple[tuple[int, ...], tuple[Fraction, ...]], list[LeastRadius]] = {}

    @property
    def size(self) -> str:
        """The width, and the level."""
        width = f"width {self.width}" if self.exact else "every large width"
        if not (self.exact or self.width is None):
            width += f" (width {self.width} has too many cells)"
        return f"{width}, loss <= {show(self.level)}"

    @property
    def summary(self) -> str:
        """The problem, the optimizers, and the width."""
        return f"{self.problem.summary}, {' and '.join(self.optimizers)}, {self.size}"

    def _table(self) -> Table:
        """A row for each component of the sublevel set; what balls reach is for `at` to tell."""
        rows = [(k, len(cells)) for k, cells in enumerate(self.components)]
        return Table(("component", "cells"), rows)

    def plot(self, axes: Axes | None = None) -> Axes:
        """The frontier, which may take long to find: see `Frontier.plot`."""
        return self.frontier().plot(axes)

    def to_json(self) -> dict[str, Any]:
        """{"width", "level", "optimizers", "exact"}; width is `large` for every large one."""
        return {
            "width": self.width or "large",
            "level": format_rational(self.level),
            "optimizers": list(self.optimizers),
            "exact": self.exact,
        }

    def fit_of(self, point: Point) -> tuple[Fraction, ...]:
        """That of the neurons of a point alone, (n,)."""
        images = [image(self.problem, neuron) for neuron in point]
        return tuple(sum(values, Fraction()) for values in zip(*images, strict=True)) or (
            (Fraction(),) * self.problem.n
        )

    def least(self, which: int) -> LeastRadius:
        """The least radius of the first (0) or the second (1) optimizer by itself."""
        return _best(self._by_component((which,), ()))

    def meet(self, first: Fraction) -> LeastRadius:
        """The least radius of the second optimizer at which its region meets that of the first,
        whose radius is given."""
        return _best(self._by_component((0, 1), (first,)))

    def meet_first(self, second: Fraction) -> LeastRadius:
        """The same with the optimizers exchanged: the balls of the result are too."""
        return _best(self._by_component((1, 0), (second,)))

    def _by_component(
        self, order: tuple[int, ...], fixed: tuple[Fraction, ...]
    ) -> list[LeastRadius]:
        key = (order, fixed)
        if key not in self._found:
            names = " in ".join(self.optimizers[i] for i in reversed(order))
            tick = partial(self._progress, f"least radius of {names}, cells")
            self._found[key] = [
                _best([self._search(order, tilt).run(fixed, cells, tick) for cells, tilt in parts])
                for parts in self._parts
            ]
        return self._found[key]

    def _search(self, order: tuple[int, ...], tilt: Tilt | None) -> Search:
        """Cells of one tilt share their dual vectors, as all do where none has one."""
        key = order, tilt
        if key not in self._searches:
            balls = tuple(self.balls[i] for i in order)
            if not self.exact:
                balls = tuple(ball.at_any_width() for ball in balls)
            cells = [
                cell
                for parts in self._parts
                for component, own in parts
                if own is tilt
                for cell in component
            ]
            self._searches[key] = Search(self.complex, cells, balls, self.level, tilt)
        return self._searches[key]

    def at(self, first: Fraction, second: Fraction) -> Meeting:
        """How the regions meet at these radii, both positive.

        Raises Undecided where a radius lies between the bounds of a least one, or where the width
        is too large to look at all cells and too small for what holds at every large one.
        """
        for name, rho in zip(self.optimizers, (first, second), strict=True):
            positive_rational(rho, f"at, for {name}")
        joint = self._by_component((0, 1), (first,))
        singles = [self._by_component((which,), ()) for which in (0, 1)]
        both = [self._answer((0, 1), (first, second), least) for least in joint]
        alone = [
            [
                # What is in both balls is in each; at large widths that may be all that is known.
                answer if isinstance(answer, tuple) else self._answer((which,), (rho,), least)
                for answer, least in zip(both, singles[which], strict=True)
            ]
            for which, rho in enumerate((first, second))
        ]
        found = [_some(answers) for answers in alone]
        empty = tuple(
            name for name, some in zip(self.optimizers, found, strict=True) if some is None
        )
        witness = None if empty else _some(both)
        return Meeting(
            regions=self,
            rho=(first, second),
            phase=EMPTY if empty else OVERLAP if witness is not None else DISJOINT,
            empty=empty,
            witness=witness,
            reached=self._reached([*alone, both]),
            least=(_best(singles[0]), _best(singles[1])),
            joint=_best(joint),
        )

    def _reached(self, answers: list[list[Point | Undecided | None]]) -> Reached | None:
        """The components by number; None where they are not computed, or one of them is open."""
        if not self.exact or any(isinstance(each, Undecided) for row in answers for each in row):
            return None
        first, second, both = (
            tuple(i for i, each in enumerate(row) if each is not None) for row in answers
        )
        return first, second, both

    def _answer(
        self, order: tuple[int, ...], radii: tuple[Fraction, ...], least: LeastRadius
    ) -> Point | Undecided | None:
        """`point_in`, with what it raises as a value."""
        try:
            return self.point_in(order, radii, least)
        except Undecided as error:
            return error

    def point_in(
        self, order: tuple[int, ...], radii: tuple[Fraction, ...], least: LeastRadius
    ) -> Point | None:
        """A point in the balls of these radii; None where it is proved that there is none.

        order: which optimizers they are of. least: the least radius of the last of them.
        """
        target = radii[-1]
        if least.lower is None or target < least.lower:
            return None
        names = " and ".join(self.optimizers[i] for i in order)
        if least.witness is None or least.upper is None or target < least.upper:
            bounds = f"between {float(least.lower):.9g} and "
            bounds += "an unknown one" if least.upper is None else f"{float(least.upper):.9g}"
            raise Undecided(
                f"whether the regions of {names} reach the level is open at {target}: the least "
                f"radius of {self.optimizers[order[-1]]} is {bounds}"
            )
        if self.exact:
            return least.witness
        balls = [self.balls[i] for i in order]
        point = split(fewer(self.problem, least.witness, balls), balls, radii)
        if self.width is not None and len(point) > self.width:
            raise Undecided(
                f"whether the regions of {names} meet is open at width {self.width}: it is known "
                f"from width {len(point)} on, and for widths with few cells"
            )
        return point

    def enough(self, first: Fraction, second: Fraction) -> int:
        """A width from which on the regions overlap, wherever those of all large widths do.

        A point of both regions has to be split into so many equal neurons that they have room.
        Raises InputError where the regions do not overlap at large width.
        """
        large = self if not self.exact else at_large_width(self)
        point = large.point_in((0, 1), (first, second), large.meet(first))
        if point is None:
            raise InputError("at", "the regions do not overlap at any width")
        return len(point)

    def frontier(self, vertices: int = 8) -> Frontier:
        """The edge of the overlap, at so many radii of the first optimizer at most.

        From its least radius to where the second one has its own least radius, the largest step
        between neighbours halved again and again.
        Raises Undecided where no network of one of the regions was found.
        """
        first, second = self.least(0), self.least(1)
        if first.upper is None or second.upper is None:
            raise Undecided("no network of one of the regions was found, so there is no frontier")
        end = self.meet_first(_above(second.upper or Fraction(1))).upper
        if not first.upper:  # any radius of the first will do
            found = [self.meet(simplest_between(end / 8, end / 7) if end else Fraction(1))]
        else:
            # The least ball may have no inside, which solvers need.
            exact = [first.upper] if first.upper == first.lower else []
            for radius in (*exact, _above(first.upper), _above(first.upper, 10)):
                found = [self.meet(radius)]
                if found[0].upper is not None:
                    break
        start = found[0].fixed[0]
        if end is not None and end > start:
            found.append(self.meet(_above(end)))
        while len(found) < vertices:
            areas = [
                (right.fixed[0] - left.fixed[0]) * ((left.upper or 0) - (right.upper or 0))
                for left, right in pairwise(found)
            ]
            if not areas or max(areas) <= _FLAT * start * second.upper:
                break
            place = areas.index(max(areas))
            low, high = found[place].fixed[0], found[place + 1].fixed[0]
            middle = simplest_between(low + (high - low) * 2 / 5, low + (high - low) * 3 / 5)
            found.insert(place + 1, self.meet(middle))
        return Frontier(self, (first, second), tuple(found))


def optimizer_regions(
    problem: Problem,
    optimizers: tuple[str | Geometry, str | Geometry],
    width: int | None,
    *,
    level: Fraction | None = None,
    max_cells: int = DEFAULT_MAX_CELLS,
    max_coefficients: int = DEFAULT_MAX_COEFFICIENTS,
    progress: Progress = silent,
) -> Regions:
    """The regions {loss <= level} of two optimizers at a width; None: at every large one.

    optimizers: by name, or as geometries; their radii are what is asked for.
    level: by default the least loss of the width without any ball.
    Of more than `max_cells` cells none is looked at: the answers are then those for every large
    width, where these apply, from a convex program of at most `max_coefficients`.
    Of other losses than the squared one the level is the least loss.
    Raises InputError for unknown optimizers, another level there, one below the least loss, a width
    below 1, and BudgetError, before anything is computed, where the width is too large and the
    program too.
    Source: proofs_notes/region-interaction.md.
    """
    if not isinstance(problem.loss, Separable) or isinstance(problem.loss, Logistic):
        raise InputError("loss", f"regions are for losses that can be zero, not for {problem.loss}")
    first, second = geometry(optimizers[0]), geometry(optimizers[1])
    ball_of(first), ball_of(second)
    for optimizer in (first, second):
        if isinstance(optimizer, LionK):
            require_decayed(problem, Ball(optimizer, 1), "regions are")
    if width is not None:
        try:
            complex_ = CellComplex.of(problem, width, max_cells=max_cells)
        except BudgetError as error:
            _require_small(problem, max_coefficients, f"{error.excess} (max-cells); ")
        else:
            tick = partial(progress, "searching for the lowest cells, minima computed")
            low = reached(complex_, level, tick)
            if not low.low:
                raise InputError("level", f"{level} is below the least loss at width {width}")
            components = components_of(complex_, low, tick)
            found = complex_.loss_of(low.level)
            return Regions(
                complex_,
                (first, second),
                width,
                found,
                list(_parts(complex_, components, found)),
                low,
                progress,
            )
    _require_small(problem, max_coefficients)
    complex_ = CellComplex.of(problem, 1)
    everything = tuple(range(complex_.states))
    minimum = complex_.minimum(everything)
    least = complex_.loss_of(minimum.value)
    if level is None:
        level = least
    if level < least:
        raise InputError("level", f"{level} is below the least loss of any width, which is {least}")
    parts: list[Part] = [([everything], None)]
    if level == least != 0:
        tilts = _Tilts(complex_, level)
        fit = complex_.domain.network(complex_.point(everything, minimum)).fit(problem)
        parts = tilts.parts([everything], fit)
    else:
        _require_squared(problem, level)
    return Regions(complex_, (first, second), width, level, [parts], None, progress)


class _Tilts:
    """Tilts of a least loss that is positive, one for each dual vector."""

    def __init__(self, complex_: CellComplex, level: Fraction) -> None:
        self._complex, self._level = complex_, level
        self._known: dict[tuple[Fraction, ...], Tilt] = {}

    def parts(self, cells: Sequence[Cell], fit: Sequence[Fraction]) -> list[Part]:
        """Cells that all have networks of this least loss, one of which has this fit."""
        problem = self._complex.problem
        loss = problem.loss
        if not isinstance(loss, Squared):
            found = least_duals(self._complex, cells, self._level)
            return [(served, self._tilt(tuple(lam), Tilt)) for lam, served in found]
        weights = loss.every_weight(problem.n)
        residual = (w * (y - f) for w, y, f in zip(weights, problem.y, fit, strict=True))
        return [(cells, self._tilt(tuple(residual), SquaredTilt))]

    def _tilt(self, lam: tuple[Fraction, ...], kind: type[Tilt]) -> Tilt:
        if lam not in self._known:
            self._known[lam] = kind(self._complex, lam, self._level)
        return self._known[lam]


def _parts(
    complex_: CellComplex, components: Sequence[Component], level: Fraction
) -> Iterator[list[Part]]:
    """Those of each component: what fits it has where the level is its least loss, and positive."""
    tilts = _Tilts(complex_, level)
    for each in components:
        if level and each.minimum == level:
            yield tilts.parts(each.cells, each.representative.fit(complex_.problem))
        else:
            _require_squared(complex_.problem, level)
            yield [(each.cells, None)]


def _require_squared(problem: Problem, level: Fraction) -> None:
    if level and not isinstance(problem.loss, Squared):
        raise InputError(
            "level",
            f"{level} is above the least: regions of the {problem.loss} loss are of that only",
        )


def _require_small(problem: Problem, max_coefficients: int, before: str = "") -> None:
    """Refuse a program of all states at once that is too large, before the cones are listed.

    before: what was refused already.
    """
    most = math.isqrt(WITHIN_REACH) // 2 + 1
    cones = count_cones(problem.X, at_most=most)
    states = 2 * cones
    needed = states * (states + problem.n * problem.d)
    if needed > max_coefficients:
        known = f"{'at least ' * (cones > most)}{states} states of a neuron"
        raise BudgetError(
            f"{before}coefficients of the program of every large width ({known})",
            needed,
            max_coefficients,
            "max_coefficients",
            "take fewer rows or columns of the data",
        )


def at_large_width(found: Regions) -> Regions:
    """The same question for every large width."""
    return optimizer_regions(found.problem, found.geometries, None, level=found.level)


def fewer(problem: Problem, point: Point, balls: Sequence[BallShape]) -> Point:
    """As many of the neurons as there are sums that matter at most, in other sizes.

    The fit stays, and what the balls share of the hidden layer; ||a|| does not grow. So there are
    at most n neurons, and d (d + 1) / 2 more for a spectral norm, or one for the Frobenius norm.
    """
    used = [neuron for neuron in point if not neuron.blank]
    if not used:
        return ()
    columns = []
    for neuron in used:
        square = outer(neuron)
        if not any(ball.joint for ball in balls):
            square = [sum(square[:: problem.d + 1], fmpq())]
        columns.append([*to_flint(image(problem, neuron)), *square])
    costs = to_flint(neuron.alpha for neuron in used)
    weights = Exchange(columns, costs, [None] * len(used)).vertex([fmpq(1)] * len(used))
    return tuple(
        Neuron(neuron.sign, weight * neuron.alpha, tuple(weight * v for v in neuron.u))
        for neuron, weight in zip(used, from_flint(weights), strict=True)
        if weight
    )


def split(point: Point, balls: Sequence[BallShape], radii: Sequence[Fraction]) -> Point:
    """The point with its neurons split into so many equal ones that each has room in all balls.

    That leaves everything shared as it is. Where no ball bounds ||a||, output weights are first
    made so large that the hidden layer fits; where what a ball bounds of the hidden layer is the
    neurons' own, so small that the output layer does.
    """
    pairs = list(zip(balls, radii, strict=True))
    if not any(ball.shared_output for ball in balls):
        needs = (b.hidden_needed(point) / rho for b, rho in pairs if b.shared_hidden)
        point = _resized(point, max([Fraction(1), *needs]))
    elif not any(ball.shared_hidden for ball in balls):
        needs = (b.output_needed(point) / rho for b, rho in pairs if b.shared_output)
        point = _resized(point, 1 / max([Fraction(1), *needs]))
    neurons = []
    for neuron in point:
        if neuron.blank:
            continue
        room = [
            need((neuron,)) / rho
            for ball, rho in pairs
            for own, need in (
                (ball.own_hidden, ball.hidden_needed),
                (ball.own_output, ball.output_needed),
            )
            if own
        ]
        count = max(1, math.ceil(max(room, default=1)))
        part = Neuron(neuron.sign, neuron.alpha / count, tuple(v / count for v in neuron.u))
        neurons += [part] * count
    return tuple(neurons)


def _resized(point: Point, factor: Fraction) -> Point:
    """Output weights with other squares: the input weights make up for it."""
    return tuple(neuron._replace(alpha=factor * neuron.alpha) for neuron in point)


def _some(answers: Sequence[Point | Undecided | None]) -> Point | None:
    """The first point; raises where there is none, but one may exist."""
    for answer in answers:
        if isinstance(answer, tuple):
            return answer
    for answer in answers:
        if isinstance(answer, Undecided):
            raise answer
    return None


def _best(found: Sequence[LeastRadius]) -> LeastRadius:
    """Of the components, that of the least radius; with the proofs of all."""
    proved = [least.lower for least in found if least.lower is not None]
    known = [least for least in found if least.upper is not None]
    best = min(known, key=lambda least: least.upper or Fraction(), default=found[0])
    duals = tuple(dict.fromkeys(dual for least in found for dual in least.duals))
    return replace(best, lower=min(proved, default=None), duals=duals)


def _above(value: Fraction, times: int = 1) -> Fraction:
    """A simple fraction that is a little more, or so many times that."""
    little = times * _NARROW
    return simplest_between(value * (1 + little), value * (1 + 2 * little))
