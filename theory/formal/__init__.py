"""Certificates as theorems of Coq: `isthmus prove`.

`theorem` writes a file whose compilation with the library beside this module proves, about real
networks and continuous paths, what the certificate says: nothing of Isthmus' Python, and no theorem
of its notes, has to be believed. The library's statements are in `library/Net.v`, its first lines.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from theory.certificates.checker import check
from theory.errors import InputError
from theory.formal import barrier, components, minimum, route, stationary, valleys
from theory.formal.certificate import Data, read
from theory.formal.terms import definitions, integers, listed, rational
from theory.problem import Problem

LIBRARY = Path(__file__).parent / "library"

MODULES = (
    *("Vec", "Net", "Chain", "Perm", "Ball", "Definite", "Check", "Path", "Exact", "Rational"),
    *("Cover", "Connect", "Components", "Labelled", "Statements", "Layers", "Inside", "Route"),
    "Text",
    *("Stationary", "Valleys"),
)
"""The library, in the order of compilation and of reading."""

_THEOREM = re.compile(r"^Theorem (\w+)", re.MULTILINE)

_KINDS: Mapping[
    str, tuple[tuple[str, ...], Callable[[Data, Mapping[str, Any]], tuple[str, str]]]
] = {
    "barrier": (barrier.IMPORTS, barrier.barrier),
    "components": (components.IMPORTS, components.components),
    "minimum": (minimum.IMPORTS, minimum.minimum),
    "path": (route.IMPORTS, route.route),
    "stationary": (stationary.IMPORTS, stationary.stationary),
    "valleys": (valleys.IMPORTS, valleys.valleys),
    "all-valleys": (valleys.IMPORTS, valleys.valleys),
    "deep-valleys": (valleys.IMPORTS, valleys.valleys),
}


@dataclass(frozen=True)
class Theorem:
    """text: of the file. statement: in words."""

    text: str
    statement: str


def theorem(certificate: Mapping[str, Any], problem: Problem | None = None) -> Theorem:
    """The certificate as a theorem; problem: the data that it has to be about.

    Raises CertificateInvalid where the checker refuses it, and InputError where the library has no
    statement of its kind, ball or loss.
    """
    check(certificate, problem)
    return written(certificate)


def written(certificate: Mapping[str, Any]) -> Theorem:
    """The same without the checker: Coq alone then says whether it is one."""
    kind = certificate["kind"]
    if kind not in _KINDS:
        raise InputError("certificate", f"is of kind {kind}; the library has {', '.join(_KINDS)}")
    modules, write = _KINDS[kind]
    data = read(certificate, Problem.from_json(certificate["problem"]))
    body, said = write(data, certificate)
    of = data.problem
    head = definitions(
        ("XQ", "list (list Q)", f"{listed(listed(map(rational, row)) for row in of.X)}%Q"),
        ("yQ", "list Q", f"{listed(map(rational, of.y))}%Q"),
        ("X", "list row", listed(map(integers, data.X))),
        ("y", "list Z", integers(data.y)),
        ("ball", "balls", data.ball),
    )
    if "table" in body:  # there may be too many cones to list where nothing asks for them
        table = ("table", "list row * list pattern", f"read (cones {of.d}) {data.table}")
        head += "\n" + definitions(table)
    theorems = ", ".join(_THEOREM.findall(body))
    text = f"""(* {said}. *)
Require Import Reals List ZArith QArith Bool.
Require Import {" ".join(f"Isthmus.{name}" for name in modules)}.
Import ListNotations.
Open Scope Z_scope.
{head}
{body}Definition proved := ({theorems}).
Print Assumptions proved.
"""
    return Theorem(text, said)
