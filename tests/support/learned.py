"""A trainer whose curves are learned in fewer steps, and once between the same networks."""

from __future__ import annotations

from functools import cache, partial
from typing import Any

import pytest

from numerics.training import curves
from numerics.training.trainer import trainer
from theory.claims.training import LearnCurves


class Learner:
    """A curve that was learned in few steps is a curve too: it only stays higher."""

    def __init__(self, steps: int) -> None:
        self.steps = steps

    def __call__(self, asked: Any, progress: Any) -> Any:
        """Curves without progress; what else is asked for as it is."""
        if isinstance(asked, LearnCurves):
            return _connected(tuple(asked.pairs), self.steps)
        return trainer(asked, progress)


@cache
def _connected(pairs: Any, steps: int) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(curves, "connect", partial(curves.connect, steps=steps))
        return curves.maxima(pairs)
