"""The components of a sublevel set, with all barriers between them, as theorems of Coq."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from itertools import combinations
from typing import Any

from theory.errors import InputError
from theory.exact import dot
from theory.formal.barrier import exact_barrier
from theory.formal.cells import Cells, Face, certificate_term, keys
from theory.formal.certificate import Cell, Data, Dual, interval, primitive
from theory.formal.paths import Path, aligning, moves, network, neurons, places
from theory.formal.terms import definitions, integer, listed, natural, truth
from theory.formal.terms import network as term
from theory.network import Network
from theory.problem import rational

IMPORTS = (
    *("Vec", "Net", "Check", "Path", "Exact", "Rational", "Components", "Labelled"),
    *("Statements", "Layers"),
)


def components(data: Data, certificate: Mapping[str, Any]) -> tuple[str, str]:
    """The file, without its head, and its theorems in words."""
    labelled = bool(certificate["labelled"])
    level = rational(certificate["level"], "level")
    b = level * data.scale**2
    found = certificate["components"]
    duals = _Duals(data, certificate, b)
    parts = [Cells.of(data, certificate, each["cells"]) for each in found]
    whole = Cells(data, labelled, [cell for part in parts for cell in part.cells])
    representatives = [network(each["representative"]) for each in found]
    hubs = [
        _hub(k, path)
        for k, (each, part) in enumerate(zip(found, parts, strict=True))
        for path in _ways(data, each, part)
    ]
    entries = [each.entries(duals.of_face) for each in (whole, *parts)]
    for number in certificate["cover"]:
        duals.all[number].everywhere()
        duals.number(number)
    shared = certificate_term(data, duals.used, "").partition("Cert")[2]
    sizes = f"{data.width} {data.problem.d}"
    arguments = f"X y {sizes} ball {integer(b.numerator)} {b.denominator} all hubs comps"
    kind = "labelled" if labelled else "components"
    pairs = listed(f"(R{k}, C{k})" for k in range(len(parts)))
    value = f"({integer(b.numerator)} / ({b.denominator} * {data.scale} * {data.scale}))%R"
    about = f"{truth(labelled)} {value} (map fst comps)"
    inside = f"(forall A, In A (map fst comps) -> {data.inside_layers('A')}) ->\n  "
    text = f"""{
        definitions(
            ("cert_of", "list entry -> cert", f"Cert{shared.rstrip()}"),
            ("all", "cert", f"cert_of {entries[0]}"),
            *((f"C{k}", "cert", f"cert_of {each}") for k, each in enumerate(entries[1:])),
            *(
                (f"R{k}", "endpoint", f"{term(neurons(each))}%Q")
                for k, each in enumerate(representatives)
            ),
            ("hubs", "list hub", f"{listed(hubs, lines=True)}%Q"),
            ("comps", "list (endpoint * cert)", pairs),
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
        text += exact_barrier(data, certificate, cut, upper, ends, path, f"_{i}_{j}")
        between = lower if lower == upper else f"between {lower} and {upper}"
        said += f"; the barrier between {i} and {j} is {between}"
    return text, said


class _Duals:
    """The dual vectors of a certificate, numbered as they are used, and which bounds a face."""

    def __init__(self, data: Data, certificate: Mapping[str, Any], bound: Any) -> None:
        self.all = [Dual(data, primitive(nu), bound, strict=True) for nu in certificate["duals"]]
        first = [*certificate["cover"], *(wall[-1] for wall in certificate["walls"])]
        self._order = [*first, *(k for k in range(len(self.all)) if k not in first)]
        self._numbers: dict[int, int] = {}

    @property
    def used(self) -> list[Dual]:
        return [self.all[k] for k in self._numbers]

    def number(self, dual: int) -> int:
        return self._numbers.setdefault(dual, len(self._numbers))

    def of_face(self, face: Face, target: Cell) -> int:
        """The first that proves more than the level on the face."""
        where = keys(face)
        for k in self._order:
            if self.all[k].covers(where):
                return self.number(k)
        raise InputError("certificate", "has a face that none of its duals bounds above the level")


def _ways(data: Data, component: Mapping[str, Any], part: Cells) -> list[Path]:
    """From a network in each cell, its neurons in the order of the cell's states, to the
    representative, its neurons in some order."""
    parent: dict[int, tuple[int, Network]] = {
        i: (j, network(found)) for i, j, found in component["links"]
    }
    last = network(component["representative"])
    paths = []
    for i, cell in enumerate(part.cells):
        here = parent[i][1] if i else last
        breakpoints = [_within(data, cell, here, part.labelled)]
        at = i
        while at:
            at, _ = parent[at]
            target = parent[at][1] if at else last
            # Both networks are in this cell: neurons that share a state belong together.
            mine, other = (
                _places(data, part.cells[at], each, part.labelled)
                for each in (breakpoints[-1], target)
            )
            breakpoints.append(target.permuted([other.index(slot) for slot in mine]))
        paths.append(moves(breakpoints[0], breakpoints, breakpoints[-1]))
    return paths


def _places(data: Data, cell: Cell, of: Network, labelled: bool) -> list[int]:
    found = places(data, cell, of, labelled=labelled)
    if found is None:
        raise InputError("certificate", "has a network that is not in its cell")
    return found


def _within(data: Data, cell: Cell, of: Network, labelled: bool) -> Network:
    """The network with each neuron in the place of its state; one that adds nothing is zero there,
    with the sign of the state."""
    order = _places(data, cell, of, labelled)
    inside = of.permuted([order.index(k) for k in range(len(order))])
    adding = [
        (w, a) if a and any(dot(row, w) for row in data.problem.X) else ((Fraction(),) * len(w), s)
        for (w, a), (s, _) in zip(neurons(inside), cell, strict=True)
    ]
    return Network(zip(*(w for w, _ in adding), strict=True), [a for _, a in adding])


def _hub(component: int, path: Path) -> str:
    steps = path if len(path) > 1 else path * 2
    inner = listed(map(term, steps[1:-1]), lines=True)
    return f"Hub {natural(component)} {term(steps[0])} {inner} {term(steps[-1])}"


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
