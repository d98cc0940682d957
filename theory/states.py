"""States of a neuron by number: the cone of its input weights with the sign of its output weight.

State 2 k has cone k and sign +, state 2 k + 1 cone k and sign -. Blocks of convex programs are
numbered alike, by activation patterns, and columns of least squares problems, by images of
generators. All functions take arrays of numbers as well.
"""

from __future__ import annotations

from typing import Any, TypeVar

Numbers = TypeVar("Numbers", int, Any)


def state_of(cone: Numbers, sign: Any) -> Numbers:
    """The state of a cone, or block of a pattern, or column of an image; sign: > 0 or < 0."""
    state: Numbers = 2 * cone + (sign < 0)
    return state


def cone_of(state: Numbers) -> Numbers:
    """The cone of a state, or pattern of a block, or image of a column."""
    return state // 2


def sign_of(state: Numbers) -> Numbers:
    """1 or -1: the sign of output weights."""
    return 1 - 2 * (state % 2)
