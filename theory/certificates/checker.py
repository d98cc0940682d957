"""Check a certificate about a loss landscape, trusting nothing that made it.

The format is specified in `proofs_notes/certificates.md`; this module is written from that page.

Trusted: Python's integers and `fractions`, the reading of problems and JSON in `theory.problem`,
and the four facts of the page's section "Why this suffices". Not trusted: any line of the
certificate. The arrangement, its cones, rays and facets are derived again from the data, exactly.

Limits: the numbers of rays, of cones and of vertices in a ball are binomial in n and d. So steps,
in the sense of `theory.certificates.work`, are counted before they are taken; more than `max_steps`
are refused.

A new kind is a module with a table `KINDS` of its own, and a place in the one below.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from theory.certificates import (
    landscape,
    margin,
    optimum,
    path,
    reading,
    regions,
    stationary,
    valleys,
    work,
)
from theory.certificates.reading import CertificateInvalid, fail, show
from theory.problem import Problem, parse_json, read_bytes

__all__ = ["CertificateInvalid", "Verdict", "check", "check_file"]

_CHECKED = (landscape, valleys, optimum, path, regions, stationary, margin)
_KINDS = {name: kind for module in _CHECKED for name, kind in module.KINDS.items()}
_APART = (
    *("minimum", "barrier", "components", "valleys", "all-valleys", "deep-valleys"),
    *("margin", "optimum", "path"),
)
"""The kinds that know hidden biases apart from the ball of W."""


@dataclass(frozen=True)
class Verdict:
    """What a valid certificate proves, and how much of it was checked."""

    kind: str
    statement: str
    cells: int  # listed in components and cuts
    faces: int  # listed in walls and cuts
    duals: int


def check(
    document: object, problem: Problem | None = None, *, max_steps: int = work.DEFAULT_LIMIT
) -> Verdict:
    """Verify a certificate, given as the JSON document it is.

    problem: the problem it is meant for; without it, the certificate speaks of the one inside it.
    max_steps: the most steps; one is about a multiplication of two integers of up to 64 bits.
    Raises CertificateInvalid at the first thing that fails, and BudgetError, before they are taken,
    where more than `max_steps` steps are needed.
    """
    with work.limited(max_steps):
        return _check(document, problem)


def _check(document: object, problem: Problem | None) -> Verdict:
    head = reading.mapping(document, "certificate")
    for name, expected in (("format", "isthmus-certificate"), ("version", 1)):
        if name not in head:
            fail(name, "is missing")
        if type(head[name]) is not type(expected) or head[name] != expected:
            fail(name, f"must be {expected!r}, not {show(head[name])}")
    kind = head.get("kind")
    if not isinstance(kind, str) or kind not in _KINDS:
        fail("kind", f"must be one of {', '.join(sorted(_KINDS))}, not {show(kind)}")
    names, verify, optional = _KINDS[kind]
    names += tuple(name for name in optional if name in head)
    fields = reading.fields(document, "certificate", names)
    within = fields.get("within")
    data = _given(fields["problem"], problem, within)
    anywhere = "within" in fields and within is None
    if data.bias not in (None, "decayed") and kind not in _APART and not anywhere:
        fail("problem.bias", f"is {data.bias}, but of this kind must be decayed")
    found = verify(fields, data)
    return Verdict(kind, found.statement, found.cells, found.faces, found.duals)


def _given(value: object, problem: Problem | None, within: object) -> Problem:
    """The problem of the certificate, which has to be the given one."""
    found = reading.problem(value)
    if problem is not None:
        for name in ("X", "y", "activation", "loss", "output_bias", "skip"):
            if getattr(found, name) != getattr(problem, name):
                fail("problem", f"its {name} differs from that of the given problem")
        if not _same_biases(found.bias, problem.bias, within):
            fail("problem", f"its biases are {found.bias}, not {problem.bias} as those given")
    return found


def _same_biases(found: str | None, given: str | None, within: object) -> bool:
    """Whether biases are treated as those given. The default is the certificate's own; entries of W
    have the bound of AdamW's biases anyhow."""
    if given == "default":
        return found is not None
    if given == "adamw" and found == "decayed":
        return isinstance(within, dict) and within.get("ball") in ("entrywise", "adamw-ngd")
    return (found or "decayed") == (given or "decayed")


def check_file(
    file: str | Path, problem: Problem | None = None, *, max_steps: int = work.DEFAULT_LIMIT
) -> Verdict:
    """`check` a JSON file; raises InputError where it cannot be read or is not JSON."""
    with work.limited(max_steps):
        data = read_bytes(file, lambda size: work.require("the certificate's text", size))
        values = sum(map(data.count, (b",", b"[", b"{")))
        work.spend("the certificate's text", len(data) + values * work.kept())
        return _check(parse_json(data, str(file)), problem)
