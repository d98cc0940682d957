"""The least loss as a theorem of Coq."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from theory.formal.certificate import Data, Dual, interval
from theory.formal.paths import network, neurons
from theory.formal.terms import definitions, in_words, quotients, stated
from theory.formal.terms import network as term
from theory.formal.text import many, text

IMPORTS = ("Vec", "Net", "Check", "Statements", "Layers", "Text")


def minimum(data: Data, certificate: Mapping[str, Any]) -> tuple[str, str]:
    """The file, without its head, and its theorem in words: the least loss is exactly the value."""
    lower, upper = interval(certificate["value"])
    b, top = (each * data.scale**2 for each in (lower, upper))
    duals = [Dual.of(data, each, b, strict=False) for each in certificate["duals"]]
    for dual in duals:
        dual.everywhere()
    sizes = f"{data.width} {data.problem.d}"
    arguments = f"{data.scale} XQ yQ X y {sizes} ball {quotients((b, top))} A C"
    statement, reals, both = stated("is_least", "least_within", (b, top), data.scale)
    cert = text([*many([each.numbers() for each in duals]), 0])
    body = f"""{
        definitions(
            ("A", "endpoint", f"{term(neurons(network(certificate['network'])))}%Q"),
            ("C", "cert", f"read (cert_of {data.problem.n} {sizes} table) {cert}"),
        )
    }
Lemma accepted : check_least {arguments} = true.
Proof. vm_cast_no_check (eq_refl true). Qed.
Theorem minimum : {statement} XQ yQ {sizes} ball
  {reals}.
Proof. exact (least_exact _ _ _ _ _ _ _ _ _ _ _ _ _ _ accepted). Qed.
{data.in_layers("least", ("minimum", "layers"), "", both)}"""
    value = in_words(lower, upper)
    said = f"the least loss of networks of {data.width} neurons{data.where} is {value}"
    return body, said
