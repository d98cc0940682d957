"""A trainer whose curves are learned in fewer steps, and once between the same networks."""

from __future__ import annotations

from functools import cache, partial
from typing import Any

import pytest

from numerics.training import curves
from numerics.training.runs import Trainer


class Learner(Trainer):
    """A curve that was learned in few steps is a curve too: it only stays higher."""

    def __init__(self, steps: int) -> None:
        self.steps = steps

    def connect(self, pairs: Any, *, progress: Any) -> Any:
        """Without progress."""
        return _connected(tuple(pairs), self.steps)


@cache
def _connected(pairs: Any, steps: int) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(curves, "connect", partial(curves.connect, steps=steps))
        return curves.maxima(pairs)
