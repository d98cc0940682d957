"""The terminal, on which no number is cut."""

from __future__ import annotations

import sys
from typing import Any

from rich.console import Console
from rich.measure import measure_renderables
from rich.table import Table

_WIDTH = 100  # of piped text, which does not depend on the caller


class Screen(Console):
    """Breaks lines between words. What is longer is folded on a terminal, and whole where piped."""

    def __init__(self) -> None:
        self._piped = not sys.stdout.isatty()
        width = _WIDTH if self._piped else None
        super().__init__(highlight=False, markup=False, emoji=False, width=width)

    def print(self, *objects: Any, **options: Any) -> None:
        """As Console does; tables too keep their words."""
        for table in objects:
            for column in table.columns if isinstance(table, Table) else ():
                column.overflow = "fold"
                if self._piped:
                    cells = [column.header, *column.cells]
                    column.min_width = measure_renderables(self, self.options, cells).minimum
        if self._piped:
            options = {"overflow": "ignore", "crop": False, **options}
        super().print(*objects, **options)
