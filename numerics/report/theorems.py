"""Certificates of claims as theorems of Coq, where it is there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from numerics import coq
from theory.claims import Result
from theory.formal import theorem
from theory.types import Progress


@dataclass(frozen=True)
class Proved:
    """statement: in words. axioms: what the proof rests on; None where there is no coqc."""

    statement: str
    axioms: tuple[str, ...] | None


class CoqRefuses(Exception):
    """A theorem of a certificate that the checker accepts."""


def theorems(result: Result[Any, Any], progress: Progress) -> dict[str, Proved]:
    """Those that a prediction names, by the names of their certificates.

    Raises CoqRefuses: then either Coq's library or our checker is wrong.
    """
    found = {}
    prediction = result.prediction
    for name in prediction.theorems:
        made = theorem(prediction.certificates[name], prediction.problems[name])
        axioms = None
        if coq.coqc():
            progress(f"proving in Coq, {name}", 0)
            said = coq.compiled(made.text, lambda doing: progress(doing, 0))
            if not said.accepted:
                raise CoqRefuses(f"Coq refuses the theorem of {name}: {said.errors}")
            axioms = said.axioms
        found[name] = Proved(made.statement, axioms)
    return found
