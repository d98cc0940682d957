"""The valleys of the loss as theorems of Coq: how many there are, and the ways out of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations_with_replacement, permutations, product
from typing import Any, TypeAlias

from theory.errors import InputError
from theory.exact import dot
from theory.formal.barrier import exact_barrier
from theory.formal.cells import Cells
from theory.formal.certificate import Data, Dual, State, interval
from theory.formal.paths import network, neurons
from theory.formal.terms import Neurons, definitions, in_words, listed, quotients, real, truth
from theory.formal.terms import network as term
from theory.formal.terms import rational as quotient
from theory.formal.text import Numbers, Table, many, signed, text
from theory.network import Network
from theory.problem import rational

IMPORTS = (
    *("Vec", "Net", "Check", "Path", "Exact", "Rational", "Cover", "Statements", "Layers"),
    *("Text", "Valleys"),
)

Neuron: TypeAlias = tuple[Sequence[Fraction], Fraction]


def valleys(data: Data, certificate: Mapping[str, Any]) -> tuple[str, str]:
    """The file, without its head, and its theorems in words."""
    kind = certificate["kind"]
    found = certificate["valleys"]
    networks = [network(each["network"]) for each in found]
    losses = [each.loss(data.problem) for each in networks]
    depth = rational(certificate["depth"], "depth") if kind == "deep-valleys" else Fraction()
    body, cuts, out = "", [], ""
    for k, valley in enumerate(found[1:], 1):
        lower, upper = interval(valley["death"])
        path = [network(each) for each in valley["path"]]
        ends = networks[k], networks[valley["into"]]
        body += exact_barrier(data, certificate, valley["cut"], upper, ends, path, f"_{k}")
        cuts.append(f"Cut C_{k} {quotient(lower * data.scale**2)}%Q")
        out += f"; the way out of valley {k} reaches {in_words(lower, upper)}"
    points = _Points(data, depth)
    points.read(certificate, networks)
    numbers = points.numbers(_between(data, certificate, networks, losses, depth))
    sizes = f"{data.width} {data.problem.d}"
    labelled = truth(certificate["labelled"])
    names = listed(f"N{k}" for k in range(len(found)))
    form = "apart" if kind == "valleys" else "deep" if depth else "valleys"
    which = "all_valleys" if form != "apart" else "valleys"
    about = {
        "apart": f"{labelled} nets",
        "deep": f"{real(depth * data.scale**2, data.scale)} nets",
        "valleys": "nets",
    }[form]
    inside = f"(forall A, In A nets -> {data.inside_layers('A')}) ->\n  "
    arguments = f"{sizes} {labelled if form == 'apart' else ''} ball table"
    arguments += f" {quotients([depth * data.scale**2])}"
    unknown = {"apart": 13, "deep": 14, "valleys": 12}[form]
    layers = data.in_layers(form, ("valleys", "layers"), inside, about)
    reader = f"points_of {data.problem.n} {sizes} table"
    body += f"""{
        definitions(
            *((f"N{k}", "endpoint", f"{term(neurons(each))}%Q") for k, each in enumerate(networks)),
            ("nets", "list endpoint", names),
            ("cuts", "list cut", listed(cuts)),
            ("ways", "points", f"read ({reader}) {text(numbers)}"),
        )
    }
Lemma accepted :
  check_{which} {data.scale} XQ yQ X y {arguments} nets ways cuts = true.
Proof. vm_cast_no_check (eq_refl true). Qed.
Theorem valleys : are_{form} XQ yQ {sizes} ball {about}.
Proof. exact ({form}_exact {"_ " * unknown}accepted). Qed.
{layers}"""
    return body, _in_words(data, certificate, depth) + out


def _in_words(data: Data, certificate: Mapping[str, Any], depth: Fraction) -> str:
    number, m = len(certificate["valleys"]), data.width
    if certificate["kind"] == "valleys":
        said = (
            f"every path{data.where} between two of {number} networks of {m} neurons rises above "
        )
        said += "both"
    else:
        said = f"the loss of networks of {m} neurons{data.where} has exactly {number} valley"
        said += "s" * (number > 1) + (f" deeper than {depth}" if depth else "")
    return said + ("" if certificate["labelled"] else ", up to the order of neurons")


def _between(
    data: Data,
    certificate: Mapping[str, Any],
    networks: Sequence[Network],
    losses: Sequence[Fraction],
    depth: Fraction,
) -> list[Numbers]:
    """For each network the number of a cut that holds it or the other one, for each before it."""
    cuts = []
    for valley in certificate["valleys"][1:]:
        cut = Cells.of(data, certificate, valley["cut"]["cells"])
        holds = [any(cut.holds(cell, each) for cell in cut.cells) for each in networks]
        cuts.append((rational(valley["cut"]["value"], "value"), holds))

    def number(i: int, j: int) -> int:
        for k, (value, holds) in enumerate(cuts):
            if holds[i] != holds[j] and value > max(losses[i], losses[j]) + depth:
                return k
        raise InputError("certificate", f"has no cut between its valleys {j} and {i}")

    return [[number(i, j) for j in range(i)] for i in range(len(networks))]


@dataclass(frozen=True)
class _Point:
    """A point of a way down. places: its neurons in all states that may hold them. top: the largest
    loss from here on. next: the number of an earlier point. nu: what bounds the cells it is in."""

    places: Sequence[Mapping[State, Neuron]]
    top: Fraction
    next: int | None
    nu: Any

    def neurons(self, states: Sequence[State]) -> Neurons:
        """The network, its neurons in these states."""
        return [places[state] for places, state in zip(self.places, states, strict=True)]


class _Points:
    """The points of a certificate as networks, each with the straight way to an earlier one."""

    def __init__(self, data: Data, depth: Fraction) -> None:
        self._data, self._depth = data, depth
        self._zero: Neuron = ((Fraction(),) * data.problem.d, Fraction())
        self._states = [(sign, cone) for cone in range(len(data.cones)) for sign in (1, -1)]
        self._points: list[_Point] = []
        self._bases: list[int] = []  # of each point one of its stops
        self._table = Table()
        self._stops: list[tuple[int, Numbers]] = []  # a point, and what a stop has but its dual
        self._numbers: dict[tuple[int, tuple[int, ...]], int] = {}
        self._duals: dict[int, tuple[int, Dual]] = {}  # of points, by number
        self._serving: list[int] = []

    def read(self, certificate: Mapping[str, Any], networks: Sequence[Network]) -> None:
        """All points; the networks of the valleys are the first."""
        data, problem, kind = self._data, self._data.problem, certificate["kind"]
        for each in networks:
            nu = self._residual(each) if kind == "all-valleys" else None
            self._points.append(_Point(self._of_network(each), each.loss(problem), None, nu))
            self._bases.append(self._stop(len(self._points) - 1, neurons(each), None))
        if kind == "valleys":
            return
        columns = [self._by_cone(each) for each in certificate.get("columns", ())]
        duals = certificate["duals"]
        for document, next_, *dual in certificate["points"]:
            if kind == "all-valleys":
                places = self._of_columns(document, columns)
                of = _network([next(iter(each.values())) for each in places])
                top, nu = of.loss(problem), self._residual(of)
            else:
                of = network(document)
                places = self._of_network(of)
                top = max(of.loss(problem), self._points[next_].top)
                nu = None if dual[0] is None else duals[dual[0]]
            self._points.append(_Point(places, top, next_, nu))
            self._bases.append(self._first(len(self._points) - 1))
        self._serve(data.width)

    def numbers(self, between: Sequence[Numbers]) -> Numbers:
        """All of it, as `points_of` reads it."""
        stops = []
        for point, numbers in self._stops:
            dual = self._duals[point][0] + 1 if point in self._duals else 0
            stops.append([*numbers, dual])
        bounds = []
        for number, (_, dual_) in sorted(self._duals.items(), key=lambda item: item[1][0]):
            bounds.append([*dual_.numbers(), *_quotient(self._level(self._points[number]))])
        serving = [[k] for k in self._serving]
        return [
            *self._table.numbers(),
            *(v for part in (stops, bounds, serving) for v in many(part)),
            *many([many([[k] for k in row]) for row in between]),
        ]

    def _level(self, point: _Point) -> Fraction:
        """What has to be proved of cells that lead there, in the units of the integer data."""
        return (point.top - self._depth) * self._data.scale**2

    def _residual(self, of: Network) -> list[str]:
        fit = of.fit(self._data.problem)
        return [str(v - f) for v, f in zip(self._data.problem.y, fit, strict=True)]

    def _of_network(self, of: Network) -> list[Mapping[State, Neuron]]:
        """Neurons that add nothing are zero, in every state."""
        found: list[Mapping[State, Neuron]] = []
        for (w, a), (sign, u) in zip(neurons(of), of.convex_coordinates(), strict=True):
            if a and any(dot(row, w) for row in self._data.problem.X):
                cones = self._data.cones.cones_containing(u).tolist()
                found.append({(sign, cone): (w, a) for cone in cones})
            else:
                found.append(dict.fromkeys(self._states, self._zero))
        return found

    def _by_cone(self, column: Sequence[str]) -> Mapping[int, Sequence[Fraction]]:
        """For each cone that has one a generator v with relu(X v) the column."""
        data = self._data
        target = [data.scale * rational(v, "columns") for v in column]
        vectors: dict[int, Sequence[Fraction]] = {}
        for k, (point, image) in enumerate(zip(data.points, data.images, strict=True)):
            i = next((i for i, v in enumerate(image) if v), None)
            if i is not None:
                factor = target[i] / image[i] if data.rho is None else data.rho
                if factor > 0 and all(factor * v == t for v, t in zip(image, target, strict=True)):
                    vectors[k] = [factor * v for v in point]
        found = {}
        for cone in range(len(data.cones)):
            for k in data.points_of(cone, None):
                if k in vectors:
                    found[cone] = vectors[k]
        return found

    def _of_columns(
        self, document: Sequence[Any], columns: Sequence[Mapping[int, Sequence[Fraction]]]
    ) -> list[Mapping[State, Neuron]]:
        """Neurons that are left out are zero."""
        found: list[Mapping[State, Neuron]] = []
        for sign, parts in document:
            s = 1 if sign == "+" else -1
            scaled = [(columns[k], rational(z, "points")) for k, z in parts]
            cones = set.intersection(*(set(column) for column, _ in scaled))
            if not cones:
                raise InputError("certificate", "has a neuron of columns that no cone has together")
            at: dict[State, Neuron] = {}
            for cone in sorted(cones):
                vectors = [[z * v for v in column[cone]] for column, z in scaled]
                u = tuple(sum(each, Fraction()) for each in zip(*vectors, strict=True))
                at[s, cone] = u, Fraction(s)
            found.append(at)
        rest = self._data.width - len(found)
        return found + [dict.fromkeys(self._states, self._zero)] * rest

    def _stop(self, point: int, at: Neurons, next_: tuple[int, Sequence[int]] | None) -> int:
        """The number of a network of a point; it is there from now on."""
        network_ = self._table.network(at)
        key = point, tuple(network_)
        if key not in self._numbers:
            self._numbers[key] = len(self._stops)
            top = self._points[point].top * self._data.scale**2
            then = [0] if next_ is None else [next_[0] + 1, *next_[1]]
            self._stops.append((point, [*network_, *_quotient(top), *then]))
        return self._numbers[key]

    def _at(self, point: int, states: Sequence[State]) -> int:
        """A network of a point with its neurons in these states: f is the same on the straight way
        to the one that is there first."""
        order = range(self._data.width)
        return self._stop(point, self._points[point].neurons(states), (self._bases[point], order))

    def _first(self, point: int) -> int:
        """A network of the point from which the straight way to one of the next never rises."""
        here = self._points[point]
        assert here.next is not None
        there = self._points[here.next]
        for order in permutations(range(self._data.width)):
            shared = [
                next((state for state in mine if state in there.places[k]), None)
                for mine, k in zip(here.places, order, strict=True)
            ]
            states = [state for state in shared if state is not None]
            if len(states) == len(shared):
                target = self._at(here.next, [states[order.index(k)] for k in range(len(order))])
                return self._stop(point, here.neurons(states), (target, order))
        raise InputError("certificate", f"has a point, {point}, in no cell of its next one")

    def _serve(self, width: int) -> None:
        """Find a point for each cell."""
        number = {state: k for k, state in enumerate(self._states)}
        cells = combinations_with_replacement(range(len(self._states)), width)
        serving: dict[tuple[int, ...], int | None] = dict.fromkeys(cells)
        for k, point in enumerate(self._points):
            level = self._level(point)
            dual = None
            if level > 0:
                if point.nu is None:
                    continue
                dual = Dual.of(self._data, point.nu, level, strict=False)
            for states in product(*point.places):
                cell = tuple(sorted(number[state] for state in states))
                if serving[cell] is None and (
                    dual is None or dual.covers([(state, None) for state in states])
                ):
                    serving[cell] = self._at(k, states)
                    if dual is not None:
                        self._duals.setdefault(k, (len(self._duals), dual))
        for stop in serving.values():
            if stop is None:
                raise InputError("certificate", "has a cell that none of its points serves")
            self._serving.append(stop)


def _network(at: Neurons) -> Network:
    return Network(zip(*(w for w, _ in at), strict=True), [a for _, a in at])


def _quotient(value: Fraction) -> Numbers:
    return [signed(value.numerator), value.denominator]
