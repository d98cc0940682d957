"""Small data whose patterns are searched for as those of many dimensions are."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from theory.problem import Problem
from theory.programs import solve
from theory.programs.solve import Optimum
from theory.within import Within


def in_many_dimensions(problem: Problem, within: Within, **options: Any) -> Optimum:
    """The optimum over a few patterns, with what quadratics prove of all; local search is short."""
    module = sys.modules["theory.programs.solve"]
    with pytest.MonkeyPatch.context() as changed:
        changed.setattr(module, "MAX_DIMENSION", 0)
        changed.setattr(module, "_STARTS", 1)
        changed.setattr("theory.programs.columns._WIDE", 1)
        return solve(problem, within, max_patterns=6, **options)
