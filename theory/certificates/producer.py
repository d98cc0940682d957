"""Certificates for what `theory.landscape` finds; the format is proofs_notes/certificates.md.

Nothing here needs to be trusted: the checker re-derives what these documents claim.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import partial
from itertools import chain, pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from theory.certificates.losses import Loss
from theory.errors import InputError, unknown
from theory.gauges import Metric
from theory.landscape.analysis import Analysis, Barrier
from theory.landscape.biased import BiasDual, BoundedBiasBall
from theory.landscape.cells import Cell, CellComplex
from theory.landscape.completed import free_part_json
from theory.landscape.descents import Descent, descends, descents
from theory.landscape.domain import SIGN_FLIP, Dual, Move, Polyhedral, Proof
from theory.landscape.least import Least
from theory.landscape.merge_tree import Component, Cut
from theory.landscape.minimax import MinimaxPath
from theory.landscape.nnls import Minimum
from theory.landscape.sublevel import Cover, thin
from theory.landscape.valleys import Valleys
from theory.landscape.ways import Ways, ways
from theory.losses import Custom, Logistic, Scaling
from theory.network import Network
from theory.problem import DEFAULT, Problem, format_rational, in_integers
from theory.states import cone_of, sign_of, state_of
from theory.within import Penalty, Within

if TYPE_CHECKING:
    from theory.connectivity import SolutionPath
    from theory.connectivity.solutions import Neuron
    from theory.landscape.classify import Classified
    from theory.margins import MarginProof
    from theory.programs import Optimum  # importing it takes the convex solvers
    from theory.programs.cover import ConeCover
    from theory.programs.duals import BlockDual
    from theory.regions import Frontier, LeastRadius, Meeting, Regions
    from theory.regions.balls import BallShape
    from theory.regions.joint import JointDual, Own, Shared

Document = dict[str, Any]

_ALL = 1_000_000  # cells up to which a merge tree is proved to be whole
_DEEP = 100_000  # the same where it tells the deeper valleys only: each cell is solved by itself


def certify(
    result: Analysis
    | Barrier
    | Valleys
    | Classified
    | Least
    | Optimum
    | SolutionPath
    | Frontier
    | Meeting
    | MarginProof,
) -> Document:
    """The certificate of what was found.

    Kind `components` for a complete analysis, `barrier` for a barrier, `all-valleys` for a merge
    tree, `deep-valleys` where it tells the deeper ones only, `valleys` where it may have more than
    those listed, `stationary` for the point that a network is at or near, `minimum` for the least
    loss over all cells, `optimum` for that of the convex program (unless cells decided it), `path`
    for a path inside a solution set, `regions` for how two optimizers' regions meet, at one pair of
    radii or at all vertices of the frontier, and `margin` for the largest margin in a ball, or the
    label of a further point.
    """
    name = type(result).__name__
    if name not in _KINDS:
        raise InputError("result", f"has no certificate: {unknown(name, tuple(_KINDS))}")
    return _KINDS[name](result)


class _Writer:
    """Numbers the states and dual vectors that a certificate mentions."""

    def __init__(self, complex_: CellComplex, within: Within | None, cells: Iterable[Cell]) -> None:
        self.complex, self.within = complex_, within
        self._states = sorted({state for cell in cells for state in cell})
        # Increasing, so that sorted multisets stay sorted.
        self._number = {state: k for k, state in enumerate(self._states)}
        self._duals: dict[Any, int] = {}

    def cell(self, cell: Cell) -> list[int]:
        return [self._number[state] for state in cell]

    def dual(self, dual: Any) -> int:
        written = _written(self.complex, dual)
        return self._duals.setdefault(written, len(self._duals))

    def move(self, move: Move) -> int | str:
        return "sign" if move.wall == SIGN_FLIP else self.complex.arrangement.walls[move.wall][0]

    def point(self, cell: Cell, minimum: Minimum, position: int, move: Move) -> Document:
        neurons = self.complex.point(cell, minimum, moved=(position, move))
        return self.complex.domain.network(neurons).to_json()

    def document(self, kind: str, **fields: object) -> Document:
        return _document(
            kind,
            self.complex.problem,
            width=self.complex.width,
            labelled=self.complex.labelled,
            within=_within(self.within),
            states=[_state(self.complex, state) for state in self._states],
            duals=[_dual(*dual) for dual in self._duals],
            **fields,
        )


class _FaceBounds:
    """Dual vectors that prove loss >= level on faces (strict: loss > level).

    One that serves already, else the optimal one of the face.
    """

    def __init__(self, complex_: CellComplex, level: Fraction, *, strict: bool) -> None:
        self.complex = complex_
        self.level = complex_.scaled_level(level)
        self.strict = strict
        self._pool: list[Proof] = []

    def dual(self, cell: Cell, position: int, move: Move) -> Any:
        """A dual vector that serves, for the face of a move."""
        domain, groups = self.complex.domain, self.complex.face_groups(cell, position, move)
        for proof in self._pool:
            if sum(domain.weight(proof, group) for group in groups) <= proof.limit:
                return proof.dual
        dual = domain.dual(self.complex.face_minimum(cell, position, move))
        self._pool.append(domain.proof(dual, self.level, strict=self.strict))
        return dual


def _inside(complex_: CellComplex, network: Network) -> Network:
    """The network as it is given, where it is outside the ball rescaled neuron by neuron."""
    if complex_.within is None:
        return network
    if complex_.within.gauge.holds(network, complex_.within.rho):
        return network
    neurons = [(sign or 1, u) for sign, u in network.convex_coordinates()]
    return replace(complex_.domain.network(neurons), b=network.b, c=network.c)


def _document(kind: str, problem: Problem, **fields: object) -> Document:
    """The fields that all kinds have, and those of this one."""
    if isinstance(problem.loss, Custom):
        raise InputError("loss", "is one's own, of which nothing is proved")
    data = {k: v for k, v in problem.to_json().items() if k != "width"}
    if problem.bias == DEFAULT:  # which is to be decided in Muon's balls only
        data["bias"] = "decayed"
    return {"format": "isthmus-certificate", "version": 1, "kind": kind, "problem": data, **fields}


def _within(within: Within | None) -> Document | None:
    if within is None:
        return None
    if isinstance(within, Penalty):
        return {"penalty": "l2", "beta": format_rational(within.beta)}
    return {"ball": within.gauge.name, "rho": format_rational(within.rho)}


def _lam(problem: Problem, vector: Iterable[Fraction | int], scale: Fraction) -> list[str]:
    """A dual vector, or what goes with it, in parts of `scale`, which is of importance unless the
    loss is squared."""
    if isinstance(problem.loss, Scaling):
        return [format_rational(v) for v in vector]
    return [format_rational(scale * v) for v in vector]


def _written(
    complex_: CellComplex, dual: Any
) -> tuple[tuple[str, ...], Metric | None, Fraction | None]:
    """A dual vector as text, its metric, and the number that goes with bounds of biases."""
    lam, level, domain = _lam(complex_.problem, dual.vector, dual.scale), None, complex_.domain
    if isinstance(dual, BiasDual):
        assert isinstance(domain, BoundedBiasBall)
        plain = isinstance(complex_.problem.loss, Scaling)
        level = dual.stated(domain.unit, Fraction(1) if plain else dual.scale)
    return tuple(lam), dual.metric, level


def _dual(
    lam: Sequence[str], metric: Metric | None, level: Fraction | None = None
) -> Document | list[str]:
    nu = list(lam)
    if metric is None:
        return nu
    found: Document = {"nu": nu, "Z": [[str(v) for v in row] for row in metric.Z]}
    return found if level is None else {**found, "k": format_rational(level)}


def _range(lower: Fraction, upper: Fraction) -> str | list[str]:
    """A value, or bounds of it where it is not known exactly."""
    ends = [format_rational(lower), format_rational(upper)]
    return ends[0] if lower == upper else ends


def _path(path: MinimaxPath) -> list[Document]:
    return [network.to_json() for network in path.breakpoints]


def _cut(writer: _Writer, cut: Cut) -> Document:
    complex_ = writer.complex
    bounds = _FaceBounds(complex_, cut.proved, strict=False)
    cells = sorted(cut.cells)
    faces = []
    for k, cell in enumerate(cells):
        for position in complex_.positions(cell):
            for move in complex_.moves(cell[position]):
                if complex_.neighbour(cell, position, move) not in cut.cells:
                    dual = bounds.dual(cell, position, move)
                    faces.append([k, position, writer.move(move), writer.dual(dual)])
    return {
        "value": format_rational(cut.proved),
        "cells": [writer.cell(cell) for cell in cells],
        "faces": faces,
    }


def _barrier(barrier: Barrier) -> Document:
    complex_ = barrier.complex
    writer = _Writer(complex_, complex_.within, barrier.cut.cells if barrier.cut else ())
    networks = [_inside(complex_, network) for network in barrier.networks]
    proved = barrier.proved
    if barrier.cut is None:
        proved = max(_least_loss(barrier.problem, network) for network in networks)
    return writer.document(
        "barrier",
        value=_range(proved, barrier.value),
        networks=[network.to_json() for network in networks],
        path=_path(barrier.path),
        cut=None if barrier.cut is None else _cut(writer, barrier.cut),
    )


def _least_loss(problem: Problem, network: Network) -> Fraction:
    """Of a network, or a rational just below it."""
    fit, scale = in_integers(network.fit(problem))
    return Loss(problem).least(fit, scale)


def _components(analysis: Analysis) -> Document:
    if not analysis.complete:
        raise ValueError("result: the analysis was interrupted: nothing to certify yet")
    complex_ = analysis.complex
    cells = {cell for cut in analysis.cuts for cell in cut.cells}
    cells.update(cell for component in analysis.components for cell in component.cells)
    writer = _Writer(complex_, complex_.within, cells)
    low = analysis.sublevel
    floors = {cell: complex_.domain.dual(minimum) for cell, minimum in low.low.items()}
    outside = [cover.proof.dual for cover in low.cover]
    minimum_cover: list[Cover] = []
    least = analysis.proved
    if least > 0:
        pool = [*outside, *floors.values()]
        minimum_cover = thin(complex_, pool, complex_.scaled_level(least), strict=False)
    cover = thin(complex_, outside, low.level, strict=True, exempt=low.low)
    lowest = min(analysis.components, key=lambda component: component.minimum)
    return writer.document(
        "components",
        level=format_rational(analysis.level),
        minimum=_range(least, analysis.minimum),
        minimum_network=lowest.representative.to_json(),
        minimum_cover=[writer.dual(each.proof.dual) for each in minimum_cover],
        components=[
            _component(writer, component, least, floors) for component in analysis.components
        ],
        walls=_walls(writer, analysis.components, analysis.level),
        cover=[writer.dual(each.proof.dual) for each in cover],
        barriers=[
            [_range(low, high) for low, high in zip(*rows, strict=True) if high is not None]
            for rows in zip(analysis.lower_bounds, analysis.barriers, strict=True)
        ],
        cuts=[_cut(writer, cut) for cut in analysis.cuts],
        paths=[
            {"from": merge.first, "to": merge.second, "breakpoints": _path(path)}
            for merge in analysis.merges
            for path in [analysis.path(merge.first, merge.second)]
        ],
    )


def _valleys(tree: Valleys) -> Document:
    if not tree.complete:
        raise InputError("result", "is not complete: it was interrupted")
    problem = tree.problem
    if isinstance(problem.loss, Logistic) and (tree.within is None or problem.has_free_part):
        raise InputError("loss", "is logistic: its valleys are certified where all is bounded only")
    complex_ = tree.complex
    cuts = [tree.cut(valley) for valley in tree.valleys[1:]]
    writer = _Writer(complex_, tree.within, {cell for cut in cuts for cell in cut.cells})
    entries: list[Document] = []
    for valley, cut in zip(tree.valleys, [None, *cuts], strict=True):
        network = _inside(complex_, valley.representative)
        death = path = None
        if cut is not None:
            path = tree.path(valley)
            # With a penalty networks are balanced nearly, so that the path may be a little higher.
            death = _range(cut.proved, max(cut.value, path.value))
        entries.append(
            {
                "network": network.to_json(),
                "loss": format_rational(complex_.domain.objective(network)),
                "death": death,
                "into": valley.into,
                "cut": None if cut is None else _cut(writer, cut),
                "path": None if path is None else _path(path),
            }
        )
    if descends(tree) and tree.cells <= _ALL:
        points = _descents(writer, descents(tree))
        return writer.document("all-valleys", valleys=entries, **points)
    found = ways(tree) if not tree.labelled and tree.cells <= _DEEP else None
    if found is not None:
        return writer.document("deep-valleys", valleys=entries, **_ways(writer, found))
    return writer.document("valleys", valleys=entries)


def _ways(writer: _Writer, found: Ways) -> Document:
    """The networks with their next ones, and the duals that they need."""
    return {
        "depth": format_rational(found.depth),
        "points": [
            [step.network.to_json(), step.next, step.dual and writer.dual(step.dual)]
            for step in found.steps
        ],
    }


def _descents(writer: _Writer, found: Sequence[Descent]) -> Document:
    """The points with their next ones, and the columns and duals that they need."""
    problem, domain = writer.complex.problem, writer.complex.domain
    assert isinstance(domain, Polyhedral)
    unit = domain.least_squares.form.unit  # of y in the integer problem
    numbers: dict[int, int] = {}
    points = []
    for each in found:
        neurons: list[object] = []
        for parts in each.neurons:
            told = [
                [numbers.setdefault(cone_of(column), len(numbers)), format_rational(coefficient)]
                for column, coefficient in parts
            ]
            neurons.append([_sign(sign_of(parts[0][0])), told])
        point: list[object] = [neurons, each.next]
        if not isinstance(problem.loss, Scaling):
            point.append(each.minimum and writer.dual(domain.dual(each.minimum)))
        if problem.has_free_part:
            point.append(_linear(domain, each))
        points.append(point)
    columns: list[object] = []
    for number in numbers:
        column = [format_rational(Fraction(v, unit)) for v in domain.positive_columns[number]]
        columns.append({"free": column} if state_of(number, 1) in domain.uncapped else column)
    return {"columns": columns, "points": points}


def _linear(domain: Polyhedral, point: Descent) -> Document:
    """The best output bias and linear part of a point."""
    unit = domain.least_squares.form.unit
    fit = [Fraction()] * domain.problem.n
    for column, coefficient in chain.from_iterable(point.neurons):
        share = sign_of(column) * coefficient / unit
        values = domain.positive_columns[cone_of(column)]
        fit = [f + share * v for f, v in zip(fit, values, strict=True)]
    return free_part_json(domain.problem, fit)


def _stationary(found: Classified) -> Document:
    point, dual = found.stationary, found.dual
    if point is None or dual is None or found.slack is None:
        raise InputError("result", f"is of a network that is {found.verdict}: nothing to prove")
    fields: Document = {
        "nu": [format_rational(Fraction(v, dual.scale)) for v in dual.nu],
        "mu": [
            [
                state.neuron,
                _sign(state.sign),
                "".join("0+-"[side] for side in state.sides),
                [[k, format_rational(v / dual.scale)] for k, v in price.mu.items()],
            ]
            for state, price in dual.prices.items()
            if price.mu
        ],
    }
    if dual.metric is not None:
        fields["Z"] = [[str(v) for v in row] for row in dual.metric.Z]
    return _document(
        "stationary",
        found.problem,
        within=_within(found.within),
        network=point.to_json(),
        slack=format_rational(found.slack),
        dual=fields,
    )


def _component(
    writer: _Writer, component: Component, minimum: Fraction, floors: dict[Cell, Dual]
) -> Document:
    number = {cell: k for k, cell in enumerate(component.cells)}
    floor: list[int] = []
    if component.proved > minimum:
        duals = [floors[tuple(sorted(cell))] for cell in component.cells]
        floor = sorted({writer.dual(dual) for dual in duals})
    return {
        "minimum": _range(component.proved, component.minimum),
        "representative": component.representative.to_json(),
        "cells": [writer.cell(cell) for cell in component.cells],
        "links": [
            [
                number[link.target],
                number[link.cell],
                writer.point(link.cell, link.minimum, link.position, link.move),
            ]
            for link in component.links
        ],
        "floor": floor,
    }


def _walls(
    writer: _Writer, components: Sequence[Component], level: Fraction
) -> list[list[int | str]]:
    """The faces between different components, each with a bound above the level."""
    complex_ = writer.complex
    bounds = _FaceBounds(complex_, level, strict=True)
    owner = {cell: component.id for component in components for cell in component.cells}
    walls: list[list[int | str]] = []
    for component in components:
        for k, cell in enumerate(component.cells):
            for position in complex_.positions(cell):
                for move in complex_.moves(cell[position]):
                    target = complex_.neighbour(cell, position, move)
                    if owner.get(target, -1) > component.id:
                        dual = bounds.dual(cell, position, move)
                        walls.append(
                            [component.id, k, position, writer.move(move), writer.dual(dual)]
                        )
    return walls


def _minimum(least: Least) -> Document:
    complex_ = least.complex
    beta = complex_.domain.beta
    duals = [cover.proof.dual for cover in least.cover]
    return _document(
        "minimum",
        complex_.problem,
        width=complex_.width,
        within=_within(complex_.within if beta is None else Penalty(beta)),
        duals=[_dual(*_written(complex_, dual)) for dual in duals],
        value=_range(least.lower, least.value),
        network=_inside(complex_, least.network).to_json(),
    )


def _margin(found: MarginProof) -> Document:
    point = None
    if found.point is not None:
        x = [format_rational(v) for v in found.point]
        point = {"x": x, "label": "+" if found.label > 0 else "-"}
    return _document(
        "margin",
        found.problem,
        width=found.width,
        within={"ball": found.ball, "rho": "1"},
        point=point,
        lower=format_rational(found.lower),
        upper=format_rational(found.upper),
        network=found.network.to_json(),
        duals=[_margin_dual(found, *dual) for dual in found.duals],
    )


def _margin_dual(
    found: MarginProof, vector: Sequence[int], Z: Any, level: Fraction | None
) -> Document | list[str]:
    if Z is None:
        return [str(v) for v in vector]
    if level is None:
        return {"nu": [str(v) for v in vector], "Z": [[*map(str, row)] for row in Z]}
    total = sum(map(abs, vector[: found.problem.n])) or 1
    nu = [format_rational(Fraction(v, total)) for v in vector]
    return {"nu": nu, "Z": [[*map(str, row)] for row in Z], "k": format_rational(level)}


def _optimum(found: Optimum) -> Document:
    if found.cells is not None and found.lower == found.cells.lower:
        return _minimum(found.cells)
    problem = found.problem
    if found.lower is None:
        raise InputError("loss", "is one's own, of which nothing is proved")
    nonzero = np.array([any(row) for row in problem.X])
    dual = found.dual
    sigmas = list(found.relaxation.patterns.sigmas(nonzero))
    document = _document(
        "optimum",
        problem,
        width=found.width,
        within=_within(found.within),
        patterns=None if found.whole else sigmas,
        value=_range(found.lower, found.upper),
        network=found.network.to_json(),
        dual=_point(problem, dual, sigmas) if dual is not None and found.lower > 0 else None,
    )
    if found.covered is not None and found.everywhere is not None:
        document["everywhere"] = {
            "value": format_rational(found.everywhere),
            "dual": _point(problem, found.covered, sigmas),
        }
    return document


def _point(problem: Problem, dual: BlockDual, sigmas: Sequence[str]) -> Document:
    """A dual point, and what proves its costs."""
    from theory.programs.cover import ConeCover  # it takes scipy, as what is certified did

    scale = dual.scale
    scale *= problem.loss.multiple([scale * v for v in dual.lam], problem.y)
    point: Document = {"nu": _lam(problem, dual.lam, scale)}
    if dual.metric is not None:
        point["Z"] = [[str(v) for v in row] for row in dual.metric.Z]
    if dual.cover is None:
        point["mu"] = [
            [
                *(_sign(sign_of(b)), sigmas[cone_of(b)]),
                [[k, *_lam(problem, [v], scale)] for k, v in rows.items()],
            ]
            for b, rows in dual.mu.items()
            if rows
        ]
    elif isinstance(dual.cover, ConeCover):
        point["cover"] = _cone_cover(dual.cover)
    else:
        point["quadratics"] = {
            _sign(sign): {
                "b": _lam(problem, half.curvatures, scale),
                "t": _lam(problem, half.weights, scale),
            }
            for sign, half in dual.cover.halves.items()
        }
    return point


def _cone_cover(cover: ConeCover) -> Document:
    halves = {
        _sign(sign): {
            "atoms": [
                {
                    "point": list(atom.point),
                    "slopes": [[k, format_rational(v)] for k, v in atom.slopes.items()],
                }
                for atom in half.atoms
            ],
            "tree": half.tree,
        }
        for sign, half in cover.halves.items()
    }
    frame = None if cover.frame is None else [list(row) for row in cover.frame]
    return {"frame": frame, **halves}


def _neuron(neuron: Neuron) -> list[object]:
    u = [format_rational(v) for v in neuron.u]
    return [_sign(neuron.sign), format_rational(neuron.alpha), u]


def _sign(sign: int) -> str:
    return "+" if sign > 0 else "-"


def _solution_path(path: SolutionPath) -> Document:
    solutions = path.solutions
    steps: list[list[Any]] = [
        [[j, *_neuron(new)] for j, (old, new) in enumerate(zip(*pair, strict=True)) if old != new]
        for pair in pairwise(path.points)
    ]
    start: list[Any] = [_neuron(each) for each in path.points[0]]
    if solutions.problem.has_free_part:
        # From the network's own to the best, along with the points, and to the other's own.
        best = map(solutions.linear, path.points)
        first, last = (
            {key: v for key, v in end.to_json().items() if key in ("b", "c")} for end in path.ends
        )
        start.append(first)
        steps = [[*step, now] for step, now in zip([[], *steps], best, strict=True)]
        steps.append([last])
    return _document(
        "path",
        solutions.problem,
        width=len(path.points[0]),
        within=_within(solutions.within),
        level=format_rational(solutions.level),
        networks=[network.to_json() for network in path.ends],
        start=start,
        steps=steps,
    )


def _frontier(frontier: Frontier) -> Document:
    writer = _RegionsWriter(frontier.regions)
    for which, least in enumerate(frontier.least):
        writer.least((which,), least)
    for vertex in frontier.vertices:
        writer.least((0, 1), vertex)
    return writer.document()


def _meeting(meeting: Meeting) -> Document:
    """What the phase says: a network of both regions, or of each, and bounds above the radii."""
    writer = _RegionsWriter(meeting.regions)
    if meeting.witness is not None:
        writer.attained((0, 1), meeting.rho, meeting.joint)
        return writer.document()
    for which, (least, name) in enumerate(
        zip(meeting.least, meeting.regions.optimizers, strict=True)
    ):
        if name in meeting.empty:
            writer.excluded((which,), (), least)
        else:
            writer.attained((which,), (meeting.rho[which],), least)
    if not meeting.empty:
        writer.excluded((0, 1), meeting.rho[:1], meeting.joint, beyond=meeting.rho[1])
    return writer.document()


class _RegionsWriter:
    """Collects the points of a certificate, and the dual vectors that they need."""

    def __init__(self, regions: Regions) -> None:
        self.regions = regions
        self._duals: dict[Any, tuple[int, Document]] = {}
        self._points: list[Document] = []
        # Cells that do not reach the level at all, with any radii.
        self._everywhere: list[int] = []
        if regions.low is not None:
            for cover in regions.low.cover:
                self._everywhere.append(self._add(cover, partial(self._of_loss, cover.proof.dual)))

    def least(self, order: tuple[int, ...], found: LeastRadius) -> None:
        """Both ends of a least radius; where every radius will do, it is attained at 1."""
        if found.upper is not None:
            self.attained(order, (*found.fixed, found.upper or Fraction(1)), found)
        if found.lower:
            self.excluded(order, found.fixed, found)

    def attained(
        self, order: tuple[int, ...], radii: tuple[Fraction, ...], found: LeastRadius
    ) -> None:
        """A network in these balls."""
        point = self.regions.point_in(order, radii, found) or ()
        neurons = [_neuron(neuron) for neuron in point]
        free = free_part_json(self.regions.problem, self.regions.fit_of(point))
        self._points.append({"rho": self._rho(order, radii), "neurons": neurons, **free})

    def excluded(
        self,
        order: tuple[int, ...],
        fixed: Sequence[Fraction],
        found: LeastRadius,
        beyond: Fraction = Fraction(1),
    ) -> None:
        """The lower end of a least radius; twice `beyond`, where there is none at any radius."""
        lower = 2 * beyond if found.lower is None else found.lower
        duals = [self._add(dual, partial(self._of_radius, order, dual)) for dual in found.duals]
        rho = self._rho(order, [*fixed, lower])
        self._points.append({"rho": rho, "duals": [*self._everywhere, *duals]})

    def document(self) -> Document:
        return _document(
            "regions",
            self.regions.problem,
            width=self.regions.width if self.regions.exact else None,
            level=format_rational(self.regions.level),
            balls=[ball.name for ball in self.regions.balls],
            duals=[document for _, document in self._duals.values()],
            points=self._points,
        )

    def _rho(self, order: tuple[int, ...], radii: Sequence[Fraction]) -> list[str | None]:
        known = dict(zip(order, map(format_rational, radii), strict=True))
        return [known.get(which) for which in range(len(self.regions.balls))]

    def _add(self, key: Any, write: Callable[[], Document]) -> int:
        """The number of a dual vector, written where it is new: vertices share many."""
        if key not in self._duals:
            self._duals[key] = len(self._duals), write()
        return self._duals[key][0]

    def _of_loss(self, dual: Any) -> Document:
        shared = [self._shared(ball, None) for ball in self.regions.balls]
        lam = _lam(self.regions.problem, dual.vector, dual.scale)
        return {"lam": lam, "shared": shared, "blocks": []}

    def _of_radius(self, order: tuple[int, ...], dual: JointDual) -> Document:
        balls = self.regions.balls
        shared = dict(zip(order, dual.shared, strict=True))
        blocks = []
        for state, block in dual.blocks.items():
            own = dict(zip(order, block.own, strict=True))
            blocks.append(
                [
                    *_state(self.regions.complex, state),
                    [self._own(ball, own.get(which)) for which, ball in enumerate(balls)],
                    [[k, format_rational(v)] for k, v in enumerate(block.mu) if v],
                ]
            )
        return {
            "lam": [format_rational(v) for v in dual.lam],
            "shared": [self._shared(ball, shared.get(which)) for which, ball in enumerate(balls)],
            "blocks": blocks,
        }

    def _shared(self, ball: BallShape, weights: Shared | None) -> Document:
        d = self.regions.problem.d
        hidden = weights.hidden if weights else ((Fraction(),) * d,) * d
        document: Document = {}
        if ball.joint:
            document["hidden"] = [[format_rational(v) for v in row] for row in hidden]
        elif ball.shared_hidden:
            document["hidden"] = format_rational(hidden[0][0])
        if ball.shared_output and not ball.together:
            document["output"] = format_rational(weights.output if weights else Fraction())
        return document

    def _own(self, ball: BallShape, weights: Own | None) -> Document:
        size = self.regions.problem.d if ball.entries else 1
        hidden = [format_rational(v) for v in (weights and weights.hidden) or (Fraction(),) * size]
        document: Document = {}
        if ball.own_hidden:
            document["hidden"] = hidden if ball.entries else hidden[0]
        if ball.own_output:
            document["output"] = format_rational(weights.output if weights else Fraction())
        return document


def _state(complex_: CellComplex, state: int) -> list[str]:
    """Its sign and its cone, as text."""
    cone = complex_.arrangement.signs[cone_of(state)]
    return [_sign(sign_of(state)), "".join("0+-"[int(side)] for side in cone)]


# By the name of what was found: importing all of it takes longer than a small landscape takes.
_KINDS: dict[str, Callable[[Any], Document]] = {
    "Analysis": _components,
    "Barrier": _barrier,
    "Classified": _stationary,
    "Frontier": _frontier,
    "Least": _minimum,
    "MarginProof": _margin,
    "Meeting": _meeting,
    "Optimum": _optimum,
    "SolutionPath": _solution_path,
    "Valleys": _valleys,
}
