"""Names of types that many modules use."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

Array: TypeAlias = np.ndarray[Any, Any]

Progress: TypeAlias = Callable[[str, int], None]
"""Called often with the stage and a count; may raise Interrupted to stop with what is known."""


def silent(stage: str, count: int) -> None:
    """Progress that nobody looks at."""
