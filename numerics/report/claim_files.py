"""Claims of your own, read from a Python file for `isthmus verify my_claim.py`."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from types import ModuleType
from typing import Any

from numerics.formulas import typeset
from theory.claims import Claim
from theory.errors import InputError
from theory.own_file import OwnFile, described

_MEMBERS = (
    *("id", "statement", "hypotheses", "source"),
    *("recorded", "quick", "predict", "observe", "compare"),
)
_ID = re.compile(r"\w[\w.-]*")


@dataclass(frozen=True)
class ClaimFile:
    """A file of claims; other processes take them from it by id. quick: as `Claim.quick`."""

    file: OwnFile
    quick: bool = False

    def claims(self) -> list[Claim]:
        """The claims that the file defines, in its order.

        A claim is an object with the members of `theory.claims.Claim`, or a class of the file that
        makes one without arguments and of which the file has no object itself.

        Raises InputError, in one line, where the file fails and where, and where it defines none.
        """
        return _claims_of(self.file, self.quick)

    def claim(self, name: str) -> Claim:
        """The claim of this id."""
        return next(claim for claim in self.claims() if claim.id == name)


@cache
def _claims_of(file: OwnFile, quick: bool) -> list[Claim]:
    module = file.module()
    try:
        found = _found(module)
        return [_checked(claim.quick() if quick else claim) for claim in found]
    except (Exception, SystemExit) as error:
        said = str(error) if isinstance(error, _Wrong) else described(error)
        raise InputError(str(file.path), said) from None


class _Wrong(Exception):
    """What is wrong with a file, in words."""


def _found(module: ModuleType) -> list[Claim]:
    """The claims of a file."""
    values = list({id(value): value for value in vars(module).values()}.values())
    found = [value for value in values if not isinstance(value, type) and isinstance(value, Claim)]
    known = set(map(type, found))
    reasons = []
    for value in values:
        if _may_be_claim(value, module) and value not in known:
            made = _made(value)
            if isinstance(made, str):
                reasons.append(made)
            else:
                found.append(made)
    if not found:
        why = reasons or ["a claim derives from theory.claims.Claim"]
        raise _Wrong(f"defines no claim: {'; '.join(why)}")
    return found


def _checked(claim: Any) -> Claim:
    """A claim that says what it is."""
    if missing := ", ".join(_missing(claim)):
        raise _Wrong(f"quick returns {claim!r}, which lacks {missing}; it must return a claim")
    if not isinstance(claim.id, str) or not _ID.fullmatch(claim.id):
        raise _Wrong(f"id {claim.id!r} must be letters, digits, '-', '_' and '.', for files")
    if not isinstance(claim.recorded, bool):
        raise _Wrong(f"recorded {claim.recorded!r} must be True (it holds) or False (refuted)")
    for name in ("statement", "source"):
        if not isinstance(getattr(claim, name), str):
            raise _Wrong(f"{claim.id}: {name} {getattr(claim, name)!r} must be a text")
    if isinstance(claim.hypotheses, str) or not all(isinstance(h, str) for h in claim.hypotheses):
        raise _Wrong(f"{claim.id}: hypotheses {claim.hypotheses!r} must be a list of texts")
    checked: Claim = claim
    for text in (checked.statement, *checked.hypotheses):
        typeset(text)  # a formula that cannot be read is said now, not after the run
    return checked


def _may_be_claim(value: Any, module: ModuleType) -> bool:
    """Whether it is a class of this file that predicts and observes."""
    return (
        isinstance(value, type)
        and value.__module__ == module.__name__
        and hasattr(value, "predict")
        and hasattr(value, "observe")
    )


def _made(of: Any) -> Claim | str:
    """A claim of this class, or why there is none."""
    if missing := ", ".join(sorted(getattr(of, "__abstractmethods__", ()))):
        return f"class {of.__name__} lacks {missing}"
    try:
        inspect.signature(of).bind()
    except TypeError as error:
        return f"class {of.__name__}: {error}"
    claim: Claim = of()
    missing = ", ".join(_missing(claim))
    return f"class {of.__name__} lacks {missing}" if missing else claim


def _missing(claim: Any) -> Iterator[str]:
    return (name for name in _MEMBERS if not hasattr(claim, name))
