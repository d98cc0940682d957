"""Where runs come to rest that are on many kinks: the chatter of `theory.landscape.kinks`, of runs
that go on to walls as they meet them, and leave those that do not hold them.

On a few kinks all walls are given, and a run that leaves one is another case. On dozens, of
hundreds that are near, nobody can say which ones hold a run, and the map finds them: a run starts
on none. One that crosses a wall is put on it, at the side that it came to, and if it does not come
back in many steps it is let go there.

Source: `rest-on-kinks` in proofs_notes/valleys.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from theory.landscape.kinks import (
    RULES,
    Chatter,
    RestPoint,
    Slid,
    apart,
    require_rules,
    rest_point,
    slide,
)
from theory.problem import Problem
from theory.types import Array
from theory.within import Ball

if TYPE_CHECKING:
    from jaxtyping import Float

_CONSTANT = 3000  # steps before the rate falls, and as many after
# Of the weights: faster ones jump over several walls at once.
_RATES = np.concatenate([np.full(_CONSTANT, 5e-4), np.geomspace(5e-4, 1e-5, _CONSTANT)])
_ROUNDS = 8  # after the first
_STILL = 1e-2  # of the weights from one round to the next: the chatter of many walls is never even
_TOGETHER = 16  # runs, for whose neurons on all rows there is a fast memory
_AT = 0.1  # steps: how far from a wall runs are put that meet it
_OFF = 1e-9  # of the radius: and those that leave it


def rest_on_many(
    problem: Problem, within: Ball, W: Float[Array, "S d m"], a: Float[Array, "S m"]
) -> list[RestPoint | None]:
    """Where each of S runs rests that the optimizer of the ball has brought to (W, a), if it does.

    kinks: of the walls that it is on those that it crosses in the last steps.
    Raises InputError as `rest_points` does.
    """
    require_rules(problem, within)
    found: list[RestPoint | None] = []
    for start in range(0, len(a), _TOGETHER):
        own = slice(start, start + _TOGETHER)
        found += _together(problem, within, W[own], a[own])
    return found


def _together(
    problem: Problem, within: Ball, W: Float[Array, "S d m"], a: Float[Array, "S m"]
) -> list[RestPoint | None]:
    radius = float(within.rho) ** 0.5
    none = np.zeros((len(a), problem.n, a.shape[1]))
    walls = none.astype(bool), none, none
    rules = RULES[within.optimizer]
    chatter = _Free(problem, W, a, *walls, rules=rules, radius=radius, networks=len(a))
    found: list[RestPoint | None] = [None] * len(a)
    moving = np.arange(len(a))
    before = slide(chatter, _RATES)
    for _ in range(_ROUNDS):
        slid = slide(chatter, _RATES)
        at_rest = (apart(before, slid) <= _STILL * radius) & slid.even
        for place in np.flatnonzero(at_rest).tolist():
            found[moving[place]] = _point(problem, chatter, slid, place)
        if at_rest.all():
            break
        moving, before = moving[~at_rest], slid.of(~at_rest)
        chatter.keep(~at_rest)
    return found


def _point(problem: Problem, chatter: Chatter, slid: Slid, run: int) -> RestPoint:
    shares = slid.shares[run]
    crossed = np.argwhere(chatter.on[run] & (shares > 0) & (shares < 1))
    kinks = [(int(k), int(j)) for k, j in crossed]
    residual = float(slid.residuals[run])
    return rest_point(
        problem, slid.W[run], slid.a[run], kinks, shares, residual=residual, frequency=1.0
    )


class _Free(Chatter):
    """Of runs that are held by the walls that they meet, as long as those hold them."""

    def step(self, rate: float) -> None:
        """See `Chatter`."""
        before = self.signs
        super().step(rate)
        met = (self.signs != before) & ~self.on
        left = self.on & (np.abs(self.distances) >= self.far)
        changed = met | left
        if not changed.any():
            return
        for run, k, j in np.argwhere(left).tolist():
            side = np.sign(self.distances[run, k, j])
            self.W[run, :, j] += side * _OFF * self.radius * self._X[k]
        self.on &= ~left
        for run, k, j in np.argwhere(met).tolist():
            self.on[run, k, j] = True
            # Walls that only w = 0 is on hold nobody.
            if np.linalg.matrix_rank(self._X[self.on[run, :, j]]) == len(self.W[run]):
                self.on[run, k, j] = False
            else:
                side = np.sign(self.outputs[run, k, j])
                self.distances[run, k, j] = side * _AT * np.linalg.norm(self._X[k])
        self.hold(np.unique(np.argwhere(changed)[:, [0, 2]], axis=0))
