"""The smallest ball of each optimizer that reaches each component of the set of least loss."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property, lru_cache, partial
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.optimize import nnls

from theory.documents import bounds_document, interval_document
from theory.errors import InputError, Interrupted
from theory.exact import dot, rounded
from theory.gauges import Cost, Gauge, has_gauge
from theory.geometry import Geometry, geometry, names
from theory.landscape import Analysis
from theory.landscape.cells import Cell, CellComplex
from theory.landscape.completed import completed, free_fit
from theory.landscape.domain import Polyhedral
from theory.landscape.form import has_form
from theory.landscape.merge_tree import Component
from theory.losses import Scaling, Separable
from theory.network import Network
from theory.problem import Problem
from theory.radii.fibre import Fibre
from theory.radii.fits import Fits
from theory.radii.least_gauge import Solution, attempts
from theory.states import cone_of, sign_of
from theory.tables import Between, Shown, Table, Tabled, by_component, said_of_components
from theory.types import Array, Progress, silent
from theory.within import gauge_in

if TYPE_CHECKING:
    from jaxtyping import Float
    from matplotlib.axes import Axes

OPTIMIZERS = tuple(name for name in names() if has_gauge(geometry(name)))
"""The optimizers whose balls are known exactly; `sgd` has none, but ngd's radius is its least
penalty."""

# How much below the upper bound, relatively, a bound may be that settles a cell without a program
# of its own. Exact gauges have no such slack.
_SLACK = Fraction(1, 10**7)
_DEAR = 1e4  # against other numbers of order one
DIGITS = 13
"""Of a bound that is no exact value, rounded outwards."""


@dataclass(frozen=True)
class DualPoint:
    """Why no ball of radius below `bound` reaches the fibre of a cell.

    With w_j = s_j X^T D_j lam + X^T (2 D_j - I) mu_j every network (s, u) of the cell with one of
    the fits f obeys height <= lam.f <= sum_j w_j . u_j <= gauge(u) * h, h the dual norm of
    (w_1 .. w_m). So gauge(u) >= height / h.

    lam: (n,), orthogonal to 1 where networks have an output bias, to the columns of X where they
    have a linear part. height: what lam.f is at least. mu: (m, n), >= 0. Z: (d, d) positive
    definite, for the spectral norms, where h <= sqrt(tr Z q), q the largest (muon) or the sum
    (muon-adamw) of w_j^T Z^-1 w_j. Integers: a common factor of lam, height and mu, or one of Z,
    changes nothing.
    """

    lam: tuple[int, ...]
    height: Fraction
    mu: tuple[tuple[int, ...], ...]
    Z: tuple[tuple[int, ...], ...] | None
    bound: Fraction


@dataclass(frozen=True, repr=False)
class Radius(Shown):
    """lower <= rho <= upper, for the least rho = R_W R_a of a ball that reaches a component.

    witness: a network of the component with ||W|| ||a|| <= upper in the optimizer's norms, exactly
    (scaled, as (c W, a / c), its layers' norms can be any R_W, R_a of that product).
    proof: a dual point for each cell of the component; empty where lower is 0.
    """

    lower: Fraction
    upper: Fraction
    witness: Network
    proof: Mapping[Cell, DualPoint]

    @property
    def summary(self) -> str:
        """The radius."""
        return str(Between(self.lower, self.upper))

    def _table(self) -> Table:
        """The witness."""
        return self.witness._table()

    def to_json(self) -> dict[str, Any]:
        """{"lower", "upper", "witness"}"""
        ends = interval_document(self.lower, self.upper)
        return {**ends, "witness": self.witness.to_json()}


@dataclass(frozen=True, repr=False)
class Radii(Tabled):
    """The radius of each component (by its id) for each optimizer (by its name).

    After an interrupt complete=False, and some optimizers are missing in some components.
    """

    analysis: Analysis
    optimizers: tuple[str, ...]
    components: tuple[Mapping[str, Radius], ...]
    complete: bool

    def preferred(self, optimizer: str | Geometry) -> int | None:
        """The component that the optimizer's ball reaches first; None where the bounds leave it
        open, as they do for a tie."""
        name = geometry(optimizer).name
        known = [found[name] for found in self.components if name in found]
        if len(known) < len(self.components):
            return None
        first = min(range(len(known)), key=lambda i: known[i].upper)
        others = (radius.lower for i, radius in enumerate(known) if i != first)
        return first if all(known[first].upper < lower for lower in others) else None

    @property
    def summary(self) -> str:
        """The problem, how many components there are, and for which optimizers."""
        setting = f"{self.analysis.problem.summary}, width {self.analysis.width}"
        return said_of_components(setting, self.optimizers, self.components, complete=self.complete)

    def _table(self) -> Table:
        """A row for each component."""
        return by_component(self.optimizers, self.components)

    def plot(self, axes: Axes | None = None) -> Axes:
        """The least radius of each optimizer for each component.

        Drawn on these axes, or on new ones of pyplot; they are handed back.
        """
        from theory.pictures.radii import draw_radii
        from theory.pictures.style import on

        return on(axes, draw_radii, self)

    def to_json(self) -> dict[str, Any]:
        """The document of `isthmus radii`."""
        analysis = self.analysis
        return {
            "width": analysis.width,
            "minimum": bounds_document(analysis.proved, analysis.minimum),
            "complete": self.complete,
            "components": [
                {
                    "id": component.id,
                    "representative": component.representative.to_json(),
                    "rho": {name: radius.to_json() for name, radius in known.items()},
                }
                for component, known in zip(analysis.components, self.components, strict=True)
            ],
            "preferred": {name: self.preferred(name) for name in self.optimizers},
        }


def least_radii(
    analysis: Analysis,
    optimizers: Iterable[str | Geometry] = OPTIMIZERS,
    *,
    progress: Progress = silent,
) -> Radii:
    """For each component of the set of least loss and each optimizer the least rho = R_W R_a for
    which the optimizer's ball reaches the component. As rho is looked for, the optimizers come
    without one: by name, or as geometries.

    Exact (lower = upper) for adamw, lion and signsgd. For the others an interval, proved from both
    sides; it is about 1e-8 wide, relatively, where the conic solver does well.

    Raises InputError for an unknown optimizer, for sgd, and for an analysis at a level above the
    minimum of a component. `progress` may raise Interrupted to stop with what is known.
    Source: `radii`, proofs_notes/radii.md.
    """
    if not isinstance(analysis, Analysis):
        raise InputError(
            "analysis", f"is a {type(analysis).__name__}; pass analyse(problem, width)"
        )
    _require_form(analysis.problem)
    balls = {ball.name: ball for ball in (geometry(name).ball for name in optimizers)}
    chosen = tuple(balls)
    gauges = {name: gauge_in(analysis.problem, ball) for name, ball in balls.items()}
    for component in analysis.components:
        if component.minimum != analysis.level:
            raise InputError(
                "level",
                f"{analysis.level} is above the least loss of component {component.id}, which is "
                f"{component.minimum}; radii are of sets of least loss: analyse without a level",
            )
    found: list[dict[str, Radius]] = [{} for _ in analysis.components]
    complete = True
    try:
        for component, known in zip(analysis.components, found, strict=True):
            by_gauge: dict[Gauge, Radius] = {}
            for name, gauge in gauges.items():
                if gauge not in by_gauge:
                    tick = partial(
                        progress, f"radius of component {component.id} for {name}, cells"
                    )
                    by_gauge[gauge] = _of_component(analysis.complex, component, gauge, tick)
                known[name] = by_gauge[gauge]
    except Interrupted:
        complete = False
    return Radii(analysis, chosen, tuple(found), complete)


def _require_form(problem: Problem) -> None:
    """Raise InputError for losses whose least values are no rationals, or not attained."""
    if not has_form(problem):
        raise InputError(
            "loss",
            f"the least {problem.loss} loss is no rational number, and need not be attained: radii "
            "are for losses that are piecewise linear or quadratic",
        )


def radius_of(complex_: CellComplex, component: Component, optimizer: str | Geometry) -> Radius:
    """The least radius of one component of a set of least loss for one optimizer."""
    gauge = gauge_in(complex_.problem, optimizer)
    return _of_component(complex_, component, gauge, lambda cells: None)


def _of_component(
    complex_: CellComplex, component: Component, gauge: Gauge, tick: Callable[[int], None]
) -> Radius:
    problem = complex_.problem
    none = (Fraction(),) * problem.n
    if problem.loss_of(free_fit(problem, none)) == component.minimum:
        zero = Network.zero(problem.d, complex_.width)
        return Radius(Fraction(), Fraction(), completed(problem, zero), {})
    fits = least_fits(complex_, component)

    def fibre(cell: Cell) -> Fibre:
        return Fibre.of(complex_, cell, fits[cell])

    found = Search(complex_, gauge, fits, fibre).run(component.representative, tick)
    return replace(found, witness=completed(problem, found.witness))


def least_fits(complex_: CellComplex, component: Component) -> dict[Cell, Fits]:
    """The fits of the networks of least loss in each cell of a component, by one dual vector for as
    many cells as it is optimal in."""
    problem, level = complex_.problem, component.minimum
    loss, domain = problem.loss, complex_.domain
    if isinstance(loss, Scaling):  # one fit, or what the loss sees of it: it is strictly convex
        fit, form = component.representative.fit(problem), loss.form
        seen = [image for _, image, _ in form.basis] if form and form.kernel else None
        return dict.fromkeys(component.cells, Fits.only(fit, seen))
    assert isinstance(loss, Separable)
    if not level:  # zero proves that no loss is lower
        zero = (Fraction(),) * problem.n
        return dict.fromkeys(component.cells, Fits.least(loss, problem.y, zero, level))
    if not isinstance(domain, Polyhedral):
        assert complex_.within is not None
        ball = f"the ball of {complex_.within.optimizer} is no polytope"
        raise InputError("within", f"{ball}: least values of {loss} loss in it are not exact")
    found: dict[Cell, Fits] = {}
    for lam, served in least_duals(complex_, component.cells, level):
        found |= dict.fromkeys(served, Fits.least(loss, problem.y, lam, level))
    return found


def least_duals(
    complex_: CellComplex, cells: Sequence[Cell], level: Fraction
) -> Iterator[tuple[list[Fraction], list[Cell]]]:
    """Dual vectors by which no network in these cells is below the level, their least loss, each
    with the cells it serves first. Where minima are exact."""
    domain, left = complex_.domain, list(cells)
    assert isinstance(domain, Polyhedral)
    while left:
        dual = domain.dual(complex_.minimum(left[0]))
        proof = domain.proof(dual, complex_.scaled_level(level), strict=False)
        weights = domain.weights(proof)
        served = [c for c in left if sum(weights[state] for state in c) <= proof.limit]
        yield [dual.scale * v for v in dual.vector], served
        left = [cell for cell in left if cell not in set(served)]


class Search:
    """The least gauge on the fibres of some cells, none of which has the zero network.

    Best first over the cells: a dual point found in one cell bounds others of the same fits too,
    and only a cell that might hold a smaller network gets a program of its own.
    """

    def __init__(
        self,
        complex_: CellComplex,
        gauge: Gauge,
        fits: Mapping[Cell, Fits],
        fibre: Callable[[Cell], Fibre],
    ) -> None:
        """fits: those looked for in each cell."""
        self.complex = complex_
        self.gauge = gauge
        self.fits = fits
        self.fibre = fibre

    def run(self, start: Network, tick: Callable[[int], None]) -> Radius:
        """The radius; start: a network on one of the fibres. tick is told the number of cells
        settled."""
        slack = Fraction() if self.gauge.exact else _SLACK
        witness, upper = self.gauge.witness(*zip(*start.convex_coordinates(), strict=True))
        bounds = dict.fromkeys(self.fits, Fraction())
        duals: dict[Cell, _Dual] = {}
        unsettled = set(bounds)
        while unsettled:
            tick(len(bounds) - len(unsettled))
            cell = min(unsettled, key=lambda cell: (bounds[cell], cell))
            fibre = self.fibre(cell)
            for solution in attempts(self.gauge, fibre):
                # Of exact gauges the target is in the fibre.
                exact = self.gauge.exact
                point = solution.target if exact else fibre.nearest(solution.target).point
                network, size = self.gauge.witness(fibre.signs, point)
                if size < upper:
                    witness, upper = network, size
                dual = _Dual(self.gauge, self.complex, fibre, solution)
                for other in unsettled:
                    if self.fits[other] is not fibre.fits:
                        continue
                    bound = dual.bound(other)
                    if bound > bounds[other]:
                        bounds[other], duals[other] = bound, dual
                if bounds[cell] >= min(size, upper) * (1 - slack):
                    break
            unsettled.remove(cell)
            unsettled = {c for c in unsettled if bounds[c] < upper * (1 - slack)}
        lower = min(bounds.values())
        if not self.gauge.exact:
            lower, upper = rounded(lower, DIGITS, math.floor), rounded(upper, DIGITS, math.ceil)
        proof = {cell: dual.point(cell) for cell, dual in duals.items()}
        return Radius(lower, upper, witness, proof)


class _Dual:
    """A dual vector lam, and what it proves on any cell: mu is fitted neuron by neuron.

    In w_j = X^T c_j row k may have any coefficient c_jk >= s_j D_jk lam_k where the neuron is
    active, any c_jk <= s_j D_jk lam_k elsewhere, D_j having the activation's slopes (1 and 0). The
    coefficients of the neurons of the cell where lam was found, moved into these intervals, serve
    the neurons of other cells; and so do zeros, and those of least cost where this is a length.
    """

    def __init__(
        self, gauge: Gauge, complex_: CellComplex, fibre: Fibre, solution: Solution
    ) -> None:
        self.gauge = gauge
        self.complex = complex_
        self.metric = solution.metric
        found = fibre.coefficients(solution.lam, solution.mu)
        numbers = [*solution.lam, *(v for row in found for v in row)]
        scale = math.lcm(*(v.denominator for v in numbers))
        self.lam = tuple(int(v * scale) for v in solution.lam)
        self.coefficients: dict[int, set[tuple[int, ...]]] = {
            sign: {(0,) * len(self.lam)} for sign in (1, -1)
        }
        for sign, coefficients in zip(fibre.signs, found, strict=True):
            self.coefficients[sign].add(tuple(int(v * scale) for v in coefficients))
        X, x_scale, _, _ = complex_.problem.integer_form()
        self._features = list(zip(*X, strict=True))
        self.height = scale * solution.height
        self._scaled = x_scale * self.height  # for columns of integer rows
        self.choices = lru_cache(maxsize=None)(self._choices)

    def _choices(self, state: int) -> list[tuple[Cost, tuple[int, ...]]]:
        """The costs of a neuron in this state, and its mu."""
        sign = sign_of(state)
        active = self.complex.arrangement.active(cone_of(state)).tolist()
        least = self.complex.problem.activation.part(active, [sign * v for v in self.lam])
        choices = []
        for coefficients in [*sorted(self.coefficients[sign]), *self._fitted(active, least)]:
            rows = zip(active, coefficients, least, strict=True)
            c = [max(v, end) if on else min(v, end) for on, v, end in rows]
            if self.gauge.free and not _balanced(c, active, least):
                continue
            w = [dot(c, x) for x in self._features]
            mu = tuple(abs(v - end) for v, end in zip(c, least, strict=True))
            choices.append((self.gauge.cost(w, self.metric), mu))
        return choices

    def _fitted(
        self, active: Sequence[bool], least: Sequence[int | Fraction]
    ) -> Iterator[tuple[int, ...]]:
        """Where costs are lengths, the coefficients of least cost, by floats."""
        top = max(map(abs, self.lam))
        if self.gauge.hidden.entries or not top:
            return
        ends = np.array([float(Fraction(v, top)) for v in least])
        sides = np.where(active, 1.0, -1.0)
        try:
            mu, _ = nnls(self._lengths * sides, -self._lengths @ ends)
        except RuntimeError:  # too many iterations
            return
        yield tuple(round(top * Fraction(v)) for v in (ends + sides * mu).tolist())

    @cached_property
    def _lengths(self) -> Float[Array, "d n"]:
        """A matrix A for which the length of A c is in proportion to the cost of X^T c; about so
        where biases have a bound apart, and with biases far too dear where they have to be 0."""
        top = max(abs(v) for x in self._features for v in x) or 1
        features = np.array([[float(Fraction(v, top)) for v in x] for x in self._features])
        counted, biases = np.split(features, [self.gauge.metric_size(len(features))])
        if self.metric is not None:
            Z, size = self.metric, self.metric.denominator
            inverse = np.array([[float(Fraction(v, size)) for v in row] for row in Z.numerators])
            counted = np.linalg.cholesky(inverse / np.trace(inverse)).T @ counted
            biases = biases / math.sqrt(float(Z.trace) * float(np.trace(inverse)))
        return np.vstack([counted, _DEAR * biases if self.gauge.free else biases])

    def bound(self, cell: Cell) -> Fraction:
        """A lower bound of the gauge on the fibre of the cell."""
        return self._best(cell)[0]

    def _best(self, cell: Cell) -> tuple[Fraction, Sequence[tuple[int, ...]]]:
        """The bound, with the mu of all neurons."""
        best: tuple[Fraction, Sequence[tuple[int, ...]]] = Fraction(), ()
        if self.height <= 0 or not all(map(self.choices, cell)):
            return best
        for cheaper in self.gauge.orders:
            chosen = [min(self.choices(state), key=cheaper) for state in cell]
            costs, mu = zip(*chosen, strict=True)
            best = max(best, (self._scaled / self.gauge.dual(costs), mu))
        return best

    def point(self, cell: Cell) -> DualPoint:
        """The proof of `bound`."""
        bound, mu = self._best(cell)
        Z = self.metric.Z if self.metric else None
        return DualPoint(lam=self.lam, height=self.height, mu=tuple(mu), Z=Z, bound=bound)


def _balanced(c: list[int], active: Sequence[bool], ends: Sequence[int]) -> bool:
    """Move coefficients so that their sum, which is that of a free bias, is zero; whether that can
    be. They are at least their ends where the neuron is active, at most these elsewhere."""
    excess = sum(c)
    for k, (on, end) in enumerate(zip(active, ends, strict=True)):
        without_end = on if excess < 0 else not on
        room = abs(excess) if without_end else abs(c[k] - end)
        change = min(abs(excess), room)
        c[k] -= change if excess > 0 else -change
        excess -= change if excess > 0 else -change
    return not excess
