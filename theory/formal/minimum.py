"""The least loss as a theorem of Coq."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from theory.formal.certificate import Data, Dual, primitive
from theory.formal.paths import network, neurons
from theory.formal.terms import definitions, integer
from theory.formal.terms import network as term
from theory.formal.text import many, text
from theory.problem import rational

IMPORTS = ("Vec", "Net", "Check", "Statements", "Text")


def minimum(data: Data, certificate: Mapping[str, Any]) -> tuple[str, str]:
    """The file, without its head, and its theorem in words: the least loss is exactly the value."""
    value = rational(certificate["value"], "value")
    b = value * data.scale**2
    duals = [Dual(data, primitive(nu), b, strict=False) for nu in certificate["duals"]]
    for dual in duals:
        dual.everywhere()
    sizes = f"{data.width} {data.problem.d}"
    arguments = f"{data.scale} XQ yQ X y {sizes} ball {integer(b.numerator)} {b.denominator} A C"
    cert = text([*many([each.numbers() for each in duals]), 0])
    body = f"""{
        definitions(
            ("A", "endpoint", f"{term(neurons(network(certificate['network'])))}%Q"),
            ("C", "cert", f"read (cert_of {data.problem.n} {data.width} table) {cert}"),
        )
    }
Lemma accepted : check_least {arguments} = true.
Proof. vm_cast_no_check (eq_refl true). Qed.
Theorem minimum : is_least XQ yQ {sizes} ball
  ({integer(b.numerator)} / ({b.denominator} * {data.scale} * {data.scale}))%R.
Proof. exact (least_exact _ _ _ _ _ _ _ _ _ _ _ _ accepted). Qed.
"""
    said = f"the least loss of networks of {data.width} neurons{data.where} is {value}"
    return body, said
