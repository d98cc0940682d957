"""The components of a sublevel set, with all barriers between them, as theorems of Coq."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations
from typing import Any

from theory.errors import InputError
from theory.exact import dot
from theory.formal.barrier import exact_barrier
from theory.formal.cells import Cells, Face, keys
from theory.formal.certificate import Cell, Data, Dual, Key, interval
from theory.formal.paths import Path, aligning, moves, network, neurons, places
from theory.formal.terms import definitions, in_words, listed, quotients, real, truth
from theory.formal.terms import network as term
from theory.formal.text import Numbers, Table, many, text
from theory.network import Network
from theory.problem import rational

IMPORTS = (
    *("Vec", "Net", "Check", "Path", "Exact", "Rational", "Components", "Labelled"),
    *("Statements", "Layers", "Text"),
)


def components(data: Data, certificate: Mapping[str, Any]) -> tuple[str, str]:
    """The file, without its head, and its theorems in words."""
    labelled = bool(certificate["labelled"])
    level = rational(certificate["level"], "level")
    b = level * data.scale**2
    found = certificate["components"]
    duals = _Duals(data, certificate, b)
    representatives = [network(each["representative"]) for each in found]
    parts = [_Part.of(data, certificate, each) for each in found]
    table, hubs, before = Table(), list[Numbers](), 0
    for k, part in enumerate(parts):
        hubs += [_hub(k, before, table, *each) for each in part.hubs(representatives[k])]
        before += len(part.cells.cells)
    entries = [entry for part in parts for entry in part.cells.entries(duals.of_face)]
    for number in certificate["cover"]:
        duals.all[number].everywhere()
        duals.number(number)
    cert = text([*many([each.numbers() for each in duals.used]), *many(entries)])
    sizes = f"{data.width} {data.problem.d}"
    arguments = f"X y {sizes} ball {quotients([b])} all hubs comps"
    kind = "labelled" if labelled else "components"
    reps = listed(f"R{k}" for k in range(len(parts)))
    pairs = listed(f"(R{k}, part {k} all hubs)" for k in range(len(parts)))
    about = f"{truth(labelled)} {real(b, data.scale)} {reps}"
    inside = f"(forall A, In A {reps} -> {data.inside_layers('A')}) ->\n  "
    body = f"""{
        definitions(
            ("all", "cert", f"read (cert_of {data.problem.n} {sizes} table) {cert}"),
            *(
                (f"R{k}", "endpoint", f"{term(neurons(each))}%Q")
                for k, each in enumerate(representatives)
            ),
            (
                "hubs",
                "list hub",
                f"read (hubs_of {sizes}) {text([*table.numbers(), *many(hubs)])}",
            ),
            ("comps", "list (endpoint * list entry)", pairs),
        )
    }
Lemma accepted :
  scaled {data.scale} XQ yQ X y && Z.ltb 0 {b.denominator} && check_{kind} {arguments} = true.
Proof. vm_cast_no_check (eq_refl true). Qed.
Theorem components : are_components XQ yQ {sizes} ball {about}.
Proof. exact ({kind}_exact _ _ _ _ _ _ _ _ _ _ _ _ _ accepted). Qed.
{data.in_layers("components", ("components", "layers"), inside, about)}"""
    said = (
        f"the networks of {data.width} neurons{data.where} of loss at most {level} have exactly "
        f"{len(parts)} path components" + (", up to the order of neurons" if not labelled else "")
    )
    for i, j in combinations(range(len(parts)), 2):
        lower, upper = interval(certificate["barriers"][i][j])
        ends = representatives[i], representatives[j]
        path = _path(data, certificate, i, j, upper)
        cut = _cut(certificate, i, j, lower)
        body += exact_barrier(data, certificate, cut, upper, ends, path, f"_{i}_{j}")
        said += f"; the barrier between {i} and {j} is {in_words(lower, upper)}"
    return body, said


class _Duals:
    """The dual vectors of a certificate, numbered as they are used, and which bounds a face."""

    def __init__(self, data: Data, certificate: Mapping[str, Any], bound: Fraction) -> None:
        self.all = [Dual.of(data, each, bound, strict=True) for each in certificate["duals"]]
        first = [*certificate["cover"], *(wall[-1] for wall in certificate["walls"])]
        self._order = [*first, *(k for k in range(len(self.all)) if k not in first)]
        self._numbers: dict[int, int] = {}
        self._bounds: dict[Key, int] = {}
        self._found: dict[tuple[Key, ...], int] = {}

    @property
    def used(self) -> list[Dual]:
        return [self.all[k] for k in self._numbers]

    def number(self, dual: int) -> int:
        return self._numbers.setdefault(dual, len(self._numbers))

    def of_face(self, face: Face, target: Cell) -> int:
        """The first that proves more than the level on the face."""
        where = tuple(sorted(keys(face), key=str))
        if where not in self._found:
            self._found[where] = self._first(where)
        return self._found[where]

    def _first(self, where: Sequence[Key]) -> int:
        left = -1
        for key in where:
            left &= self._bounding(key)
        while left:
            place = (left & -left).bit_length() - 1
            if self.all[self._order[place]].covers(where):
                return self.number(self._order[place])
            left &= left - 1
        raise InputError("certificate", "has a face that none of its duals bounds above the level")

    def _bounding(self, key: Key) -> int:
        """Which duals bound a neuron there, in their order, as bits."""
        if key not in self._bounds:
            flags = (self.all[k].bounds(key) for k in self._order)
            self._bounds[key] = sum(1 << place for place, flag in enumerate(flags) if flag)
        return self._bounds[key]


@dataclass(frozen=True)
class _Part:
    """The cells of a component, each but the first with one before it that shares a network."""

    cells: Cells
    links: Sequence[tuple[int, Network] | None]

    @classmethod
    def of(cls, data: Data, certificate: Mapping[str, Any], component: Mapping[str, Any]) -> _Part:
        cells = Cells.of(data, certificate, component["cells"])
        parent = {i: (j, network(shared)) for i, j, shared in component["links"]}
        order, places = [0], {0: 0}
        for cell in range(1, len(cells.cells)):
            chain = [cell]
            while chain[-1] not in places:
                if len(chain) > len(cells.cells):
                    raise InputError("certificate", "has links that go round in a circle")
                chain.append(parent[chain[-1]][0])
            for each in chain[-2::-1]:
                places[each] = len(order)
                order.append(each)
        links = [None, *((places[parent[i][0]], parent[i][1]) for i in order[1:])]
        found = Cells(data, cells.labelled, [cells.cells[i] for i in order])
        return cls(found.ordered(network(component["representative"])), links)

    def hubs(self, representative: Network) -> Iterator[tuple[int | None, Path]]:
        """For each cell a path from a network in it, its neurons in the order of the cell's states,
        to that of an earlier cell, whose number is first, or to the representative."""
        data, labelled = self.cells.data, self.cells.labelled
        inside = [
            _within(data, cell, link[1] if link else representative, labelled)
            for cell, link in zip(self.cells.cells, self.links, strict=True)
        ]
        for here, link in zip(inside, self.links, strict=True):
            at, target = (link[0], inside[link[0]]) if link else (0, representative)
            # Both networks are in this cell: neurons that share a state belong together.
            mine, other = (
                _places(data, self.cells.cells[at], each, labelled) for each in (here, target)
            )
            last = target.permuted([other.index(slot) for slot in mine])
            yield (at if link else None), moves(data, here, [here, last], last)


def _places(data: Data, cell: Cell, of: Network, labelled: bool) -> list[int]:
    found = places(data, cell, of, labelled=labelled)
    if found is None:
        raise InputError("certificate", "has a network that is not in its cell")
    return found


def _within(data: Data, cell: Cell, of: Network, labelled: bool) -> Network:
    """The network with each neuron in the place of its state; one that adds nothing is zero."""
    order = _places(data, cell, of, labelled)
    inside = of.permuted([order.index(k) for k in range(len(order))])
    adding = [
        (w, a) if a and any(dot(row, w) for row in data.problem.X) else ((Fraction(),) * len(w), 0)
        for w, a in neurons(inside)
    ]
    return Network(zip(*(w for w, _ in adding), strict=True), [a for _, a in adding])


def _hub(component: int, before: int, table: Table, target: int | None, path: Path) -> Numbers:
    steps = [table.network(each) for each in (path if len(path) > 1 else path * 2)]
    to = 0 if target is None else before + target + 1
    return [component, to, *steps[0], *many(steps[1:-1]), *steps[-1]]


def _cut(certificate: Mapping[str, Any], i: int, j: int, lower: Fraction) -> Mapping[str, Any]:
    """A cut as high as the barrier's lower end that has one of the two components inside."""
    firsts = [certificate["components"][k]["cells"][0] for k in (i, j)]
    return next(
        cut
        for cut in certificate["cuts"]
        if rational(cut["value"], "value") >= lower
        and sum(cell in firsts for cell in cut["cells"]) == 1
    )


def _path(
    data: Data, certificate: Mapping[str, Any], i: int, j: int, value: Fraction
) -> list[Network]:
    """From one representative to the other over those between, no higher than the value."""
    pieces: dict[int, list[tuple[int, list[Network]]]] = {}
    for piece in certificate["paths"]:
        networks = [network(each) for each in piece["breakpoints"]]
        if max(each.loss(data.problem) for each in networks) <= value:
            pieces.setdefault(piece["from"], []).append((piece["to"], networks))
            pieces.setdefault(piece["to"], []).append((piece["from"], networks[::-1]))
    ways: dict[int, list[Network]] = {i: []}
    left = [i]
    while left:
        here = left.pop()
        for there, networks in pieces.get(here, ()):
            if there not in ways:
                way = ways[here]
                if way and not certificate["labelled"]:
                    order = aligning(networks[0], way[-1])
                    networks = [each.permuted(order) for each in networks]
                ways[there] = [*way, *networks]
                left.append(there)
    return ways[j]
