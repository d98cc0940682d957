"""The gallery: theorems of other papers, each in a module of its own, checked exactly.

A module here that is no part of the frame is an entry: its theorem has the module's name as id,
with dashes. Nothing else has to be told of a new one.
"""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from theory.claims.gallery.base import TOPICS, Proved, Relation, Theorem

__all__ = ["GALLERY", "TOPICS", "Proved", "Relation", "Theorem"]

_FRAME = ("base", "teacher", "template", "zigzag")


def _theorem(name: str) -> Theorem[Any]:
    module = import_module(f"{__name__}.{name}")
    (found,) = (
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Theorem) and value is not Theorem
    )
    theorem: Theorem[Any] = found()
    return theorem


def _gallery() -> dict[str, Theorem[Any]]:
    names = [each.name for each in iter_modules(__path__) if each.name not in _FRAME]
    theorems = sorted(map(_theorem, names), key=lambda each: (TOPICS.index(each.topic), each.id))
    return {theorem.id: theorem for theorem in theorems}


GALLERY: dict[str, Theorem[Any]] = _gallery()
"""The entries by id, in the order of the page."""
