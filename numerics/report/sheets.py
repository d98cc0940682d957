"""The pictures of a claim, found by its stem: those of theory/claims/NAME.py are in
numerics/report/claims/NAME.py, those of a claim in a file of one's own in that file.

Either way a function `sheets` takes the result and returns what there is to draw.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from typing import NamedTuple, TypeAlias

from matplotlib.axes import Axes

from numerics.training.runs import Runs
from theory.claims import Result

Picture: TypeAlias = tuple[Callable[[Axes], None], str]
"""What to draw, and the caption."""


class Sheet(NamedTuple):
    """Pictures that share a PNG, CLAIM + suffix; it shows the first `most`, the page all."""

    suffix: str
    pictures: list[Picture]
    columns: int
    most: int | None = None


def sheets_of(result: Result[Runs]) -> list[Sheet]:
    """What there is to draw of a claim; claims that share a base class may share its pictures."""
    for kind in type(result.claim).__mro__:
        package, _, stem = kind.__module__.rpartition(".")
        name = f"numerics.report.claims.{stem}"
        if package != "theory.claims":
            module = sys.modules.get(kind.__module__)
        else:
            module = import_module(name) if find_spec(name) else None
        draw = getattr(module, "sheets", None)
        if draw is not None:
            return [sheet for sheet in draw(result) if sheet.pictures]
    return []
