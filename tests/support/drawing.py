"""Pictures, drawn for real."""

from __future__ import annotations

from typing import Any


def draw(axes: Any) -> None:
    """Lay the picture out for real, so that warnings of the renderer count."""
    axes.figure.canvas.draw()
