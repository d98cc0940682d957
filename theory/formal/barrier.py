"""The barrier between two networks as a theorem of Coq."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from theory.errors import InputError
from theory.formal.cells import Cells, Face, keys
from theory.formal.certificate import Cell, Data, Dual, interval
from theory.formal.paths import aligning, moves, network, neurons
from theory.formal.terms import definitions, quotients, stated, truth
from theory.formal.terms import network as term
from theory.formal.text import many, text, way
from theory.network import Network
from theory.problem import rational as read_rational

IMPORTS = ("Vec", "Net", "Check", "Path", "Exact", "Rational", "Layers", "Text")


def barrier(data: Data, certificate: Mapping[str, Any]) -> tuple[str, str]:
    """The file, without its head, and its theorem in words: the barrier is exactly the value."""
    if certificate["cut"] is None:
        raise InputError(
            "certificate",
            "has its barrier at the larger loss of the networks: there is none to prove",
        )
    first, last = map(network, certificate["networks"])
    path = [network(each) for each in certificate["path"]]
    lower, upper = interval(certificate["value"])
    body = exact_barrier(data, certificate, certificate["cut"], upper, (first, last), path, "")
    m = data.width
    order = "" if certificate["labelled"] else ", their neurons in any order,"
    said = (
        f"every continuous path of networks of {m} neurons{data.where} between the two networks"
        f"{order} reaches loss {lower}, and one stays at or below "
        f"{'it' if lower == upper else upper}"
    )
    return body, said


def exact_barrier(
    data: Data,
    certificate: Mapping[str, Any],
    cut: Mapping[str, Any],
    upper: Fraction,
    ends: tuple[Network, Network],
    path: Sequence[Network],
    suffix: str,
) -> str:
    """Definitions and theorem `barrier` + suffix. upper: what the path does not exceed."""
    first, last = ends
    labelled = bool(certificate["labelled"])
    listed = Cells.of(data, certificate, cut["cells"])
    if not any(listed.holds(cell, first) for cell in listed.cells):
        first, last, path = last, first, path[::-1]
    cells = listed.ordered(first)
    end = last
    if not labelled:  # the path takes the order that the first network has
        order = aligning(path[0], first)
        path = [each.permuted(order) for each in path]
        end = last.permuted(aligning(last, path[-1]))
    steps = moves(data, first, path, end)
    b = read_rational(cut["value"], "value") * data.scale**2
    duals = [Dual.of(data, each, b, strict=False) for each in certificate["duals"]]
    of_face: dict[tuple[int, int, int | None], int] = {}
    for cell, position, move, dual in cut["faces"]:
        wall = None if move == "sign" else data.wall(move)
        of_face[cell, position, wall] = dual
    numbers = {cell: k for k, cell in enumerate(cells.cells)}
    used: dict[int, int] = {}

    def dual_of(face: Face, target: Cell) -> int:
        cell, position, wall = face
        place = position
        if not labelled:  # the certificate has one of those alike
            place = listed.cells[numbers[cell]].index(cell[position])
        number = of_face[numbers[cell], place, wall]
        if not duals[number].covers(keys(face)):
            raise InputError("certificate", f"has a face that its dual {number} does not bound")
        return used.setdefault(number, len(used))

    entries = cells.entries(dual_of)
    cert = text([*many([duals[k].numbers() for k in used]), *many(entries)])
    lab, sizes = truth(labelled), f"{data.width} {data.problem.d}"
    named = f"A{suffix} B{suffix} C{suffix} (fst way{suffix}) (snd way{suffix})"
    top = upper * data.scale**2
    arguments = f"X y {sizes} {lab} ball {quotients((b, top))} {named}"
    statement, reals, both = stated("is_barrierq", "barrier_withinq", (b, top), data.scale)
    inside = "".join(f"{data.inside_layers(f'{end}{suffix}')} ->\n  " for end in "AB")
    about = f"{lab} A{suffix} B{suffix} {both}"
    layers = data.in_layers("barrier", (f"barrier{suffix}", f"layers{suffix}"), inside, about)
    return f"""{
        definitions(
            (f"A{suffix}", "endpoint", f"{term(neurons(first))}%Q"),
            (f"B{suffix}", "endpoint", f"{term(neurons(last))}%Q"),
            (f"C{suffix}", "cert", f"read (cert_of {data.problem.n} {sizes} table) {cert}"),
            (
                f"way{suffix}",
                "list endpoint * endpoint",
                f"read (way {sizes}) {text(way(steps))}",
            ),
        )
    }
Lemma accepted{suffix} :
  scaled {data.scale} XQ yQ X y && check_exact {arguments} = true.
Proof. vm_cast_no_check (eq_refl true). Qed.
Theorem barrier{suffix} : {statement} XQ yQ {sizes} {lab} ball A{suffix} B{suffix}
  {reals}.
Proof. exact (barrier_exact_rational _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ accepted{suffix}). Qed.
{layers}"""
