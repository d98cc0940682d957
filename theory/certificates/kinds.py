"""What a module says of the kinds of certificates it checks; the checker has them in one table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from theory.problem import Problem


class Checked(NamedTuple):
    """What is proved, and how much was checked of it: see `theory.certificates.checker.Verdict`."""

    statement: str
    cells: int = 0
    faces: int = 0
    duals: int = 0


class Kind(NamedTuple):
    """The names of all fields, and what verifies them, all read but the problem. optional: of
    fields that may be left out."""

    fields: tuple[str, ...]
    check: Callable[[Mapping[str, object], Problem], Checked]
    optional: tuple[str, ...] = ()
