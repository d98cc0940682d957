"""The largest margins in optimizers' balls, and the labels that networks with these give to others.

Networks are positively homogeneous in convex coordinates, and so are the gauges of balls: the
largest margin in the ball of radius 1 is 1 / rho for the least rho whose ball holds a network with
y_k f_k >= 1 for all k. The search for such radii is that of `theory.radii`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import partial
from itertools import combinations, permutations
from typing import TYPE_CHECKING, Any

from theory.documents import interval_document
from theory.errors import InputError, Interrupted, Undecided
from theory.exact import dot, rounded
from theory.gauges import Gauge
from theory.geometry import Geometry, geometry
from theory.landscape.cells import Cell, CellComplex
from theory.margins.separation import (
    Component,
    Separable,
    Separation,
    require_classes,
    separation,
)
from theory.network import Network
from theory.problem import Problem, Rational, rational_vector
from theory.radii.radii import DIGITS, DualPoint, Radius, Search
from theory.states import cone_of, sign_of
from theory.tables import Between, Shown, Table, Tabled, by_component, said_of_components
from theory.types import Progress, silent
from theory.within import Ball, gauge_in, settled

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True, repr=False)
class Margin(Shown):
    """lower <= margin <= upper, for the largest min_k y_k f_k of networks in a ball of radius 1.

    witness: a network with ||W|| ||a|| <= 1 in the optimizer's norms and a margin of at least
    `lower`. In the ball of radius rho all are rho times as large.
    """

    lower: Fraction
    upper: Fraction
    witness: Network

    @property
    def summary(self) -> str:
        """The margin."""
        return str(Between(self.lower, self.upper))

    def _table(self) -> Table:
        """The witness."""
        return self.witness._table()

    def to_json(self) -> dict[str, Any]:
        """{"lower", "upper", "witness"}"""
        ends = interval_document(self.lower, self.upper)
        return {**ends, "witness": self.witness.to_json()}


@dataclass(frozen=True, repr=False)
class Margins(Tabled):
    """The largest margin in each component (by its id) for each optimizer (by its name).

    After an interrupt complete=False, and some optimizers are missing in some components.
    """

    separation: Separation
    optimizers: tuple[str, ...]
    components: tuple[Mapping[str, Margin], ...]
    complete: bool

    def largest(self, optimizer: str | Geometry) -> Margin:
        """Of all networks; 0 where none has all labels right."""
        name = geometry(optimizer).name
        if not self.components:
            zero = Network.zero(self.separation.problem.d, self.separation.width)
            return Margin(Fraction(), Fraction(), zero)
        found = [component[name] for component in self.components]
        best = max(found, key=lambda margin: margin.lower)
        return replace(best, upper=max(margin.upper for margin in found))

    def leading(self, optimizer: str | Geometry) -> tuple[int, ...]:
        """The components that may hold a network of the largest margin; all of them do where
        margins are exact. Empty while some are not known."""
        name = geometry(optimizer).name
        if not all(name in component for component in self.components):
            return ()
        best = max((component[name].lower for component in self.components), default=Fraction())
        return tuple(i for i, each in enumerate(self.components) if each[name].upper >= best)

    def preferred(self, optimizer: str | Geometry) -> int | None:
        """The component of all networks of the largest margin; None where there are several, as
        for a tie, or bounds leave it open."""
        leading = self.leading(optimizer)
        return leading[0] if len(leading) == 1 else None

    def together(self, first: str | Geometry, second: str | Geometry) -> bool | None:
        """Whether the networks of largest margin of two optimizers lie in one component: paths
        then lead from the one to the other on which all labels are right. None where it is open.
        """
        ours, others = self.leading(first), self.leading(second)
        if not ours or not others:
            return None
        if len({*ours, *others}) == 1:
            return True
        largest = (self.largest(name) for name in (first, second))
        exact = all(margin.lower == margin.upper for margin in largest)
        return False if exact or not set(ours) & set(others) else None

    @property
    def summary(self) -> str:
        """The problem, how many components there are, and for which optimizers."""
        setting = f"{self.separation.problem.summary}, width {self.separation.width}"
        return said_of_components(setting, self.optimizers, self.components, complete=self.complete)

    def _table(self) -> Table:
        """A row for each component."""
        return by_component(self.optimizers, self.components)

    def plot(self, axes: Axes | None = None) -> Axes:
        """The largest margin of each optimizer in each component.

        Drawn on these axes, or on new ones of pyplot; they are handed back.
        """
        from theory.pictures.radii import draw_margins
        from theory.pictures.style import on

        return on(axes, draw_margins, self)

    def to_json(self) -> dict[str, Any]:
        """The document of `isthmus margin`."""
        document: dict[str, Any] = {
            "width": self.separation.width,
            "labelled": self.separation.labelled,
            "complete": self.complete,
            "components": [],
        }
        for component, known in zip(self.separation.components, self.components, strict=True):
            margins = {name: margin.to_json() for name, margin in known.items()}
            entry: dict[str, Any] = {
                "id": component.id,
                "representative": component.representative.to_json(),
            }
            if margins:  # of the first optimizer that was asked for
                entry["margin"] = next(iter(margins.values()))
            if len(self.optimizers) > 1:
                entry["margins"] = margins
            document["components"].append(entry)
        if not self.complete:
            return document
        document["largest"] = {name: self.largest(name).to_json() for name in self.optimizers}
        document["preferred"] = {name: self.preferred(name) for name in self.optimizers}
        if len(self.optimizers) > 1:
            document["together"] = [
                {"optimizers": [*pair], "together": self.together(*pair)}
                for pair in combinations(self.optimizers, 2)
            ]
        return document


def max_margins(
    problem: Problem,
    optimizers: Iterable[str | Geometry],
    width: int | None = None,
    *,
    labelled: bool = False,
    max_cells: int | None = None,
    progress: Progress = silent,
) -> Margins:
    """For each component of the networks with all labels right, and each optimizer, the largest
    margin min_k y_k f_k in the optimizer's ball of radius R_W R_a = 1.

    width: by default that of the problem. labelled: distinguish the neurons; by default networks
        are taken modulo permutation.
    Exact (lower = upper) for adamw, lion and signsgd. For the others an interval, proved from both
    sides. The loss of the problem, and its weights, do not count.
    Raises InputError for targets other than 1 and -1 and for an unknown optimizer, BudgetError
    beyond `max_cells` cells. `progress` may raise Interrupted: while margins are computed this
    returns what is known, with complete=False; earlier the exception leaves.
    Source: `margin-radius`, proofs_notes/margin.md.
    """
    balls = {ball.name: ball for ball in (geometry(name).ball for name in optimizers)}
    gauges = {name: gauge_in(problem, ball) for name, ball in balls.items()}
    separated = separation(
        problem, width, labelled=labelled, max_cells=max_cells, progress=progress
    )
    found: list[dict[str, Margin]] = [{} for _ in separated.components]
    complete = True
    memo: dict[tuple[Gauge, frozenset[Cell]], Margin] = {}
    try:
        for component, known in zip(separated.components, found, strict=True):
            # The margin of labelled components depends on these only.
            cells = frozenset(tuple(sorted(cell)) for cell in component.cells)
            for name, gauge in gauges.items():
                if (gauge, cells) not in memo:
                    tick = partial(
                        progress, f"margin in component {component.id} for {name}, cells"
                    )
                    found_there = _search(separated.cells, cells, gauge, tick)
                    memo[gauge, cells] = _margin(gauge, found_there)
                known[name] = _in_order(memo[gauge, cells], separated, component)
    except Interrupted:
        complete = False
    return Margins(separated, tuple(balls), tuple(found), complete)


def _in_order(margin: Margin, separated: Separation, component: Component) -> Margin:
    """The same with the neurons of the witness in an order in which it lies in the component."""
    if not separated.labelled:
        return margin
    neurons = [(sign or 1, u) for sign, u in margin.witness.convex_coordinates()]
    states = separated.cells.complex.states_of(neurons)
    cells = set(component.cells)
    order = next(
        order
        for order in permutations(range(len(states)))
        if tuple(states[j] for j in order) in cells
    )
    return replace(margin, witness=margin.witness.permuted(order))


def _search(
    separable: Separable, cells: Iterable[Cell], gauge: Gauge, tick: Callable[[int], None]
) -> Radius:
    """The least radius of networks with margin 1, in some of the cells."""
    cells = sorted(cells)
    start = Network.from_convex(separable.point(cells[0]))
    fits = dict.fromkeys(cells, separable.fits)
    return Search(separable.complex, gauge, fits, separable.fibre).run(start, tick)


def _margin(gauge: Gauge, found: Radius) -> Margin:
    """The largest margin in the ball of radius 1."""
    rows = [[v / found.upper for v in row] for row in found.witness.W]
    lower, upper = 1 / found.upper, 1 / found.lower
    if not gauge.exact:
        lower, upper = rounded(lower, DIGITS, math.floor), rounded(upper, DIGITS, math.ceil)
    return Margin(lower, upper, Network(rows, found.witness.a))


# Labels of other points


@dataclass(frozen=True)
class Labelled:
    """What the networks of the largest margin say about a point.

    margin: bounds of the largest margin. positive, negative: upper bounds of the margins of
    networks with f(point) >= 0 and f(point) <= 0; 0 where no such network has all labels right.
    """

    point: tuple[Fraction, ...]
    margin: Margin
    positive: Fraction
    negative: Fraction

    @property
    def label(self) -> int | None:
        """1 or -1 where all networks of the largest margin say so; None where they do not agree,
        or bounds leave it open."""
        if self.negative < self.margin.lower:
            return 1
        return -1 if self.positive < self.margin.lower else None


@dataclass(frozen=True)
class MarginProof:
    """That margins in a ball of radius 1 are at most `upper`, or those of networks that do not
    label a point so; and a network of margin `lower` in it.

    duals: lam (n,), with a further entry for the point, Z for the spectral norms, and k where
    biases have a bound apart, for lam of which the entries of the data have the sum one. Each
    multiset of states has one that proves it.
    """

    problem: Problem
    width: int
    ball: str
    point: tuple[Fraction, ...] | None
    label: int
    lower: Fraction
    upper: Fraction
    network: Network
    duals: tuple[tuple[tuple[int, ...], Any, Fraction | None], ...] = field(repr=False)


class MaxMargin(Tabled):
    """The networks of largest margin of one width in one optimizer's ball, and their labels.

    `progress` may raise Interrupted, which then leaves.
    Raises InputError for targets other than 1 and -1, and for data whose labels no network of the
    width has right; BudgetError beyond `max_cells` cells.
    Source: `labels-of-points`, proofs_notes/margin.md.
    """

    def __init__(
        self,
        problem: Problem,
        optimizer: str | Geometry,
        width: int | None = None,
        *,
        max_cells: int | None = None,
        progress: Progress = silent,
    ) -> None:
        require_classes(problem)
        self.problem, ball = settled(problem, Ball(optimizer, 1))
        assert isinstance(ball, Ball)
        self.width = problem.stated_width if width is None else width
        self.optimizer, self.gauge = ball.optimizer, ball.gauge
        self._max_cells, self._progress = max_cells, progress
        self._sides = [int(v) for v in problem.y]
        self._cells, found = self._over_all_cells(problem, self._sides)
        if found is None:
            raise InputError("y", f"no network of width {self.width} has all these labels right")
        self._found = found
        self.margin = _margin(self.gauge, found)

    @property
    def summary(self) -> str:
        """The optimizer, the width, and the margin."""
        return f"{self.optimizer}, width {self.width}: {self.margin.summary}"

    def _table(self) -> Table:
        """A row for each data point, with the output of a network of this margin."""
        outputs = self.margin.witness.fit(self.problem)
        pairs = enumerate(zip(self.problem.y, outputs, strict=True))
        return Table(("point", "label", "output"), [(k, *pair) for k, pair in pairs])

    def plot(self, axes: Axes | None = None) -> Axes:
        """The labels, and the outputs of a network of this margin.

        Drawn on these axes, or on new ones of pyplot; they are handed back.
        """
        from theory.pictures.data import draw_max_margin
        from theory.pictures.style import on

        return on(axes, draw_max_margin, self)

    def to_json(self) -> dict[str, Any]:
        """{"optimizer", "width", "margin"}"""
        margin = self.margin.to_json()
        return {"optimizer": self.optimizer, "width": self.width, "margin": margin}

    def label(self, point: Sequence[Rational]) -> Labelled:
        """What all networks of the largest margin say about a point (d,)."""
        x = self._point(point)
        found = [self._on_a_side(x, side)[1] for side in (1, -1)]
        positive, negative = (
            Fraction() if each is None else _margin(self.gauge, each).upper for each in found
        )
        return Labelled(x, self.margin, positive, negative)

    def proof(self, point: Sequence[Rational] | None = None) -> MarginProof:
        """Of the largest margin, or of the label of a point.

        Raises Undecided where the networks of the largest margin do not agree on it, or bounds
        leave it open.
        """
        if point is None:
            return self._proved(self._cells, self._found, None, 0)
        labelled = self.label(point)
        if labelled.label is None:
            raise Undecided("the networks of the largest margin may label the point differently")
        cells, found = self._on_a_side(labelled.point, -labelled.label)
        return self._proved(cells, found, labelled.point, labelled.label)

    def _point(self, point: Sequence[Rational]) -> tuple[Fraction, ...]:
        x = rational_vector(point, "point")
        if len(x) != self.problem.d:
            raise InputError(
                "point", f"has {len(x)} entries, but the data have {self.problem.d} features"
            )
        return x

    def _on_a_side(self, x: tuple[Fraction, ...], side: int) -> tuple[Separable, Radius | None]:
        """Networks with side f(x) >= 0."""
        X, y = (*self.problem.X, x), (*self.problem.y, Fraction())
        more = Problem(X, y, activation=self.problem.activation, bias=self.problem.bias)
        return self._over_all_cells(more, [*self._sides, side])

    def _over_all_cells(
        self, problem: Problem, sides: Sequence[int]
    ) -> tuple[Separable, Radius | None]:
        tick = partial(self._progress, "margin over all cells, cells")
        cells = Separable.of(problem, self.width, sides=sides, max_cells=self._max_cells, tick=tick)
        return cells, _search(cells, cells.found, self.gauge, tick) if cells.found else None

    def _level(self, complex_: CellComplex, cell: Cell, dual: DualPoint) -> Fraction:
        """k of a dual point, for its lam of which the entries of the data have the sum one."""
        X, x_scale, _, _ = complex_.problem.integer_form()
        metric, features = self.gauge.metric_of(dual.Z or ()), list(zip(*X, strict=True))
        costs = []
        for state, mu in zip(cell, dual.mu, strict=True):
            active = complex_.arrangement.active(cone_of(state)).tolist()
            signed = [sign_of(state) * v for v in dual.lam]
            slopes = complex_.problem.activation.part(active, signed)
            rows = zip(slopes, mu, active, strict=True)
            c = [v + (m if on else -m) for v, m, on in rows]
            costs.append(self.gauge.cost([dot(c, x) for x in features], metric))
        unit = x_scale * sum(map(abs, dual.lam[: self.problem.n]))
        level = self.gauge.level(costs, metric)  # type: ignore[arg-type]  # pairs, as it is bounded
        return level / unit**2 if self.gauge.output.shared else level * unit

    def _proved(
        self,
        cells: Separable,
        found: Radius | None,
        point: tuple[Fraction, ...] | None,
        label: int,
    ) -> MarginProof:
        """upper: of networks that label the point otherwise."""
        duals: dict[tuple[tuple[int, ...], Any, Fraction | None], None] = {}
        for cell, each in found.proof.items() if found is not None else ():
            level = self._level(cells.complex, cell, each) if self.gauge.bounded else None
            duals[each.lam, each.Z, level] = None
        Z = next((Z for _, Z, _ in duals if Z is not None), None)
        if Z is None and self.gauge.hidden.joint:
            d = self.gauge.metric_size(self.problem.d)
            Z = tuple(tuple(int(i == k) for k in range(d)) for i in range(d))
        # What opposes all columns needs no bound of biases.
        nothing = Fraction() if self.gauge.bounded else None
        duals.update(dict.fromkeys((vector, Z, nothing) for vector in cells.opposing))
        return MarginProof(
            problem=self.problem,
            width=self.width,
            ball=self.gauge.name,
            point=point,
            label=label,
            lower=self.margin.lower,
            upper=Fraction() if found is None else _margin(self.gauge, found).upper,
            network=self.margin.witness,
            duals=tuple(duals),
        )
