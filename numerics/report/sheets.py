"""The pictures of a claim, found by its stem: those of theory/claims/NAME.py are in
numerics/report/claims/NAME.py, those of a claim in a file of one's own in that file.

Either way a function `sheets` takes the result and returns what there is to draw. A kind of
training that no other claim asks for is registered there too, with `numerics.training.trainer`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any, NamedTuple, TypeAlias

from matplotlib.axes import Axes

from theory.claims import Claim, Result

Picture: TypeAlias = tuple[Callable[[Axes], None], str]
"""What to draw, and the caption."""


class Sheet(NamedTuple):
    """Pictures that share a PNG, CLAIM + suffix; it shows the first `most`, the page all."""

    suffix: str
    pictures: list[Picture]
    columns: int
    most: int | None = None


def modules_of(claim: Claim) -> list[ModuleType]:
    """Where the pictures of a claim may be; claims that share a base class may share them."""
    modules = []
    for kind in type(claim).__mro__:
        package, _, stem = kind.__module__.rpartition(".")
        name = f"numerics.report.claims.{stem}"
        if package not in ("theory.claims", "theory.claims.gallery"):
            modules.append(sys.modules.get(kind.__module__))
        elif find_spec(name):
            modules.append(import_module(name))
    return [module for module in modules if module is not None]


def sheets_of(result: Result[Any, Any]) -> list[Sheet]:
    """What there is to draw of a claim."""
    for module in modules_of(result.claim):
        draw = getattr(module, "sheets", None)
        if draw is not None:
            return [sheet for sheet in draw(result) if sheet.pictures]
    return []
