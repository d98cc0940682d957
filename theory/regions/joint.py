"""Networks of one cell in the balls of one or two optimizers: a convex program and its dual.

With the radii of all balls but the last one fixed, the least radius of the last is a conic program
in (u, alpha). Equal neurons are one block with a count, by convexity. Floating point solves it;
what counts is exact: a rational point, and a dual vector with weights for each ball, which bounds
the radius on every cell whose states it prices (proofs_notes/region-interaction.md).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, lru_cache
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from flint import fmpq
from jaxtyping import Bool, Float

from theory.arrangement import Arrangement
from theory.cone_program import ConeProgram
from theory.exact import dot, sqrt_above, to_flint
from theory.landscape.cells import Cell
from theory.losses import Separable, Squared
from theory.problem import Problem, in_integers
from theory.programs.free import orthogonal
from theory.regions.balls import BallShape
from theory.states import cone_of, sign_of
from theory.types import Array

_NOTHING = Fraction()
_KINDS_OF_SIDES = ("=", ">|", "<|")
_INSIDE = 1 - 1e-9  # of fixed radii, and of the distance from y, so that rounding stays inside
_BELOW = 1 - Fraction(1, 2**60)  # of a bound that has to be strict


Ends: TypeAlias = "Sequence[tuple[Fraction | None, Fraction | None]]"
"""Between which each output has to be; None: no end."""


class Solution(NamedTuple):
    """A float solution for blocks b of a cell: U (d, b), alpha (b,), the fit and its lam (n,), how
    much of the tilt's lam the height takes, and the shared weights of each ball: Z (d, d) and nu,
    zero where it shares nothing; rho of the last.
    """

    U: Float[Array, "d b"]
    alpha: Float[Array, " b"]
    fit: Float[Array, " n"]
    lam: Float[Array, " n"]
    tilt: float
    shared: tuple[tuple[Float[Array, "d d"], float], ...]
    rho: float


@dataclass(frozen=True)
class Own:
    """The weights that a neuron has for itself in one ball: of the entries of w, and of a.

    hidden: (d,) entrywise, (1,) for columns, else empty.
    """

    hidden: tuple[Fraction, ...] = ()
    output: Fraction = Fraction()

    @property
    def price(self) -> Fraction:
        """What they contribute to the bound, per unit of the radius."""
        return sum(self.hidden, self.output)

    def times(self, share: Fraction) -> Own:
        """A share of them."""
        return Own(tuple(share * v for v in self.hidden), share * self.output)


@dataclass(frozen=True)
class Shared:
    """The weights that all neurons share in one ball, of W W^T and of ||a||^2.

    hidden: (d, d) positive semidefinite, a multiple of I for the Frobenius norm.
    """

    hidden: tuple[tuple[Fraction, ...], ...]
    output: Fraction

    def price(self, ball: BallShape) -> Fraction:
        """What they contribute to the bound, per unit of the radius."""
        if not ball.joint:
            return self.hidden[0][0] + self.output
        return sum((row[k] for k, row in enumerate(self.hidden)), self.output)

    def times(self, share: Fraction) -> Shared:
        """A share of them."""
        hidden = tuple(tuple(share * v for v in row) for row in self.hidden)
        return Shared(hidden, share * self.output)


@dataclass(frozen=True)
class Block:
    """A state of a neuron as a dual vector prices it: weights for each ball, and mu (n,) >= 0."""

    own: tuple[Own, ...]
    mu: tuple[Fraction, ...]


@dataclass(frozen=True, eq=False)
class JointDual:
    """Why the last ball has to be so large, on every cell whose states are among `blocks`.

    With w = s X^T D lam + X^T (2 D - I) mu, and Q, c the weights of a neuron in state b summed
    over balls, [[Q, w/2], [w^T/2, c]] is positive semidefinite. So where loss <= level

        height = lam.y - sqrt(2 level) ||lam|| <= sum_i rho_i (shared price_i + sum_j own price_i),

    the length of lam with weights 1 / w; at level 0 the least that lam.f is where the loss is zero.
    With an output bias or a linear part lam is orthogonal to their columns.

    lam: (n,). shared: one for each ball. blocks: by state.
    """

    balls: tuple[BallShape, ...]
    lam: tuple[Fraction, ...]
    shared: tuple[Shared, ...]
    blocks: Mapping[int, Block]
    height: Fraction
    tilt: Fraction = Fraction()  # how much of `Tilt.lam` the height takes it to have beside

    @cached_property
    def _prices(self) -> dict[int, tuple[Fraction, ...]]:
        return {
            state: tuple(own.price for own in block.own) for state, block in self.blocks.items()
        }

    @cached_property
    def _shared(self) -> list[Fraction]:
        return [own.price(ball) for own, ball in zip(self.shared, self.balls, strict=True)]

    def floats(self, states: int) -> tuple[Float[Array, "B S"], Float[Array, " B"]]:
        """The prices of all states for each ball, infinite where there is none; and shared ones."""
        prices = np.full((len(self.balls), states), np.inf)
        for state, price in self._prices.items():
            prices[:, state] = [float(v) for v in price]
        return prices, np.array([float(v) for v in self._shared])

    def bound(self, cell: Cell, fixed: Sequence[Fraction]) -> Fraction | None:
        """The least radius of the last ball, with those before it fixed; None where no radius does.

        Zero where a state of the cell has no price.
        """
        if any(state not in self._prices for state in cell):
            return Fraction()
        *first, last = (
            sum((self._prices[state][i] for state in cell), shared)
            for i, shared in enumerate(self._shared)
        )
        rest = self.height - sum((rho * v for rho, v in zip(fixed, first, strict=True)), Fraction())
        if rest <= 0:
            return Fraction()
        if not last:
            return None
        # Where all of it is the neurons' own, equality would prove nothing of smaller radii.
        return rest / last if self._shared[-1] or not fixed else rest / last * _BELOW


class Joint:
    """The programs of a problem for the balls of one or two optimizers.

    level: above 0, of the squared loss. ends: where it is 0, between which outputs have to be.
    tight: a lam (n,) for which also lam.f = 0; None: there is none.
    """

    def __init__(
        self,
        problem: Problem,
        arrangement: Arrangement,
        balls: tuple[BallShape, ...],
        level: Fraction,
        ends: Ends,
        tight: Sequence[Fraction] | None = None,
    ) -> None:
        self.problem = problem
        self.tight = tight
        self.balls = balls
        self.level = level
        self.ends = ends
        self._arrangement = arrangement
        # Rows and outputs of largest entry 1, as the solver's tolerances are absolute.
        self.tops = [max(map(abs, row)) or Fraction(1) for row in problem.X]
        outputs = [y / top for y, top in zip(problem.y, self.tops, strict=True)]
        known = outputs
        if not level:
            pairs = zip(ends, self.tops, strict=True)
            known = [end / top for own, top in pairs for end in own if end is not None]
        self.size = max(map(abs, known), default=Fraction()) or Fraction(1)
        self._rows = [[v / top for v in row] for row, top in zip(problem.X, self.tops, strict=True)]
        self.X = np.array([[float(v) for v in row] for row in self._rows])
        self._y = np.array([float(v / self.size) for v in outputs])
        # The loss weighs rows by their size.
        self._sizes = np.array([float(top) for top in self.tops])
        assert isinstance(problem.loss, Separable)
        own = problem.loss.every_weight(problem.n)
        self._weights = self._sizes * np.sqrt([float(w) for w in own])
        self._free = np.array(problem.free_columns, dtype=float).reshape(-1, problem.n).T
        self._free = self._free / self._sizes[:, None]
        self._radius = math.sqrt(2 * float(level / self.size**2))

    def sides(self, states: Sequence[int]) -> Float[Array, "S n"]:
        """The diagonals of 2 D - I; on rows of zeros they do not matter."""
        return np.where(self._active(states), 1.0, -1.0)

    def cones(self, states: Sequence[int]) -> Float[Array, "k d"]:
        """(2 D - I) X of each state below that of the one before; X has rows of largest entry 1."""
        return np.vstack([side[:, None] * self.X for side in self.sides(states)])

    def gradients(self, states: Sequence[int], lam: Float[Array, " n"]) -> Float[Array, "S d"]:
        """s X^T D lam for each state, (S, d); X has rows of largest entry 1."""
        columns: Float[Array, "S d"] = (self._masks(states) * lam) @ self.X
        return columns

    def _active(self, states: Sequence[int]) -> Bool[Array, "S n"]:
        return self._arrangement.active(list(map(cone_of, states)))

    def _masks(self, states: Sequence[int]) -> Float[Array, "S n"]:
        """The diagonals of s D."""
        signs = np.array(list(map(sign_of, states)), dtype=float)
        masks: Array = signs[:, None] * self.problem.activation.slopes(self._active(states))
        return masks

    def column(self, state: int, lam: Sequence[Fraction], mu: Sequence[Fraction]) -> list[fmpq]:
        """w = s X^T D lam + X^T S mu, S = diag(+-1), exactly; X has rows of largest entry 1."""
        sign, active = sign_of(state), self._arrangement.active(cone_of(state)).tolist()
        part = self.problem.activation.part(active, lam)
        rows = zip(active, part, mu, strict=True)
        weights = [sign * v + (u if on else -u) for on, v, u in rows]
        return to_flint(dot(weights, column) for column in zip(*self._rows, strict=True))

    def height(self, lam: Sequence[Fraction], tilt: Fraction = _NOTHING) -> Fraction:
        """What lam.f is at least where the loss is at most the level, from below; tilt: with so
        much of `tight` beside lam."""
        if self.level:
            loss = self.problem.loss
            assert isinstance(loss, Squared)
            length = loss.length_squared(lam)
            return dot(lam, self.problem.y) - sqrt_above(2 * self.level * length)
        total = Fraction()
        for v, (low, high) in zip(self.beside(lam, tilt), self.ends, strict=True):
            end = low if v > 0 else high
            if v:
                assert end is not None  # as `allowed` sees to
                total += v * end
        return total

    def best_tilt(self, lam: Sequence[Fraction]) -> Fraction:
        """How much of `tight` beside an exact lam tells the most of lam.f; nothing where lam alone
        has all that it needs. The height is concave in it, and linear between signs."""
        if self.tight is None:
            return Fraction()
        found: list[tuple[Fraction, Fraction]] = []
        for tilt in {Fraction(), *(-v / w for v, w in zip(lam, self.tight, strict=True) if w)}:
            pairs = zip(self.beside(lam, tilt), self.ends, strict=True)
            if all(not v or (low if v > 0 else high) is not None for v, (low, high) in pairs):
                found.append((self.height(lam, tilt), tilt))
        return max(found)[1]

    def beside(self, lam: Sequence[Fraction], tilt: Fraction) -> Sequence[Fraction]:
        """lam with so much of `tight`."""
        if self.tight is None or not tilt:
            return lam
        return [v + tilt * w for v, w in zip(lam, self.tight, strict=True)]

    def allowed(self, lam: Sequence[Fraction], tilt: Fraction) -> list[Fraction] | None:
        """A vector near this one that proves something: orthogonal to free columns, and no entry of
        a sign for which there is no end, with what is beside it. None where that takes more than
        rounding. Both are of rows of largest entry 1.
        """
        aside = [Fraction()] * len(self.tops)
        if self.tight is not None:
            pairs = zip(self.tight, self.tops, strict=True)
            aside = [tilt * w * top for w, top in pairs]

        def signed(values: Sequence[Fraction]) -> list[Fraction]:
            parts = zip(values, aside, self.ends, strict=True)
            return [
                -w if v + w and (low if v + w > 0 else high) is None else v
                for v, w, (low, high) in parts
            ]

        found = list(lam) if self.level else signed(lam)
        if not self.problem.has_free_part:
            return found
        whole, scale = in_integers([v / top for v, top in zip(found, self.tops, strict=True)])
        moved, parts = orthogonal(self.problem, whole)
        found = [Fraction(v, scale * parts) * top for v, top in zip(moved, self.tops, strict=True)]
        return found if self.level or signed(found) == found else None

    def solve(
        self, counts: Mapping[int, int], fixed: Sequence[Fraction], *, inside: float = _INSIDE
    ) -> Solution | None:
        """The least radius of the last ball over networks with so many neurons in each state.

        None where the solver finds none; that proves nothing. inside: of the distance from y that
        the level allows.
        """
        states = tuple(counts)
        sides = None if self.level else tuple(map(_side, self.ends))
        shape = (self.problem.n, self.problem.d, len(states), self._free.shape[1])
        tight, norm = None, 1.0
        if self.tight is not None:
            pairs = zip(self.tight, self.tops, strict=True)
            tight = np.array([float(v * top) for v, top in pairs])
            norm = float(np.abs(tight).max())
            tight = tight / norm
        program = _compiled(self.balls, *shape, sides, tight is not None)
        low, high = (
            np.array(
                [
                    float((end or 0) / (top * self.size))
                    for end, top in zip(each, self.tops, strict=True)
                ]
            )
            for each in zip(*self.ends, strict=True)
        )
        found = program.solve(
            fit_map=np.hstack([mask[:, None] * self.X for mask in self._masks(states)]),
            cones=self.cones(states),
            y=self._y * self._weights,
            low=low,
            high=high,
            free=self._free,
            tight=tight,
            weights=self._weights,
            radius=self._radius * inside,
            counts=np.array([float(counts[state]) for state in states]),
            fixed=[float(rho / self.size) * _INSIDE for rho in fixed],
        )
        if found is None:
            return None
        size = float(self.size)
        return found._replace(
            U=found.U * size,
            alpha=found.alpha * size,
            fit=found.fit * size * self._sizes,
            lam=found.lam / self._sizes,
            tilt=found.tilt / norm,
            rho=found.rho * size,
        )


class _Program:
    """The program for all cells of one shape: CVXPY canonicalises it once."""

    def __init__(
        self,
        balls: tuple[BallShape, ...],
        n: int,
        d: int,
        blocks: int,
        free: int,
        ends: tuple[str, ...] | None,
        tight: bool,
    ) -> None:
        """ends: see `_side`; None: of fits near y, at a level above 0."""
        import cvxpy

        cp: Any = cvxpy  # mypy does not see the functions it exports
        self._balls, self._d = balls, d
        self._U, self._alpha = cp.Variable((d, blocks)), cp.Variable(blocks, nonneg=True)
        fit, self._rho = cp.Variable(n), cp.Variable(nonneg=True)
        self._fit_map = cp.Parameter((n, d * blocks))
        self._cones = cp.Parameter((n * blocks, d))
        # Products of parameters are not parametrised: y is weighted like the fit, and rooms come as
        # parameters of their own.
        self._y, self._weights = cp.Parameter(n), cp.Parameter(n, nonneg=True)
        self._counts = cp.Parameter(blocks, nonneg=True)
        self._fixed = [cp.Parameter(nonneg=True) for _ in balls[1:]]
        self._rooms = [cp.Parameter(blocks, nonneg=True) for _ in balls[1:]]
        self._radius = cp.Parameter(nonneg=True)
        outputs = self._fit_map @ self._U.flatten(order="F")
        self._free = None
        if free:
            self._free = cp.Parameter((n, free))
            outputs = outputs + self._free @ cp.Variable(free)
        self._fit = fit
        self._on_fit = outputs == fit
        sides = [self._cones[j * n : (j + 1) * n] @ self._U[:, j] for j in range(blocks)]
        constraints = [self._on_fit, cp.hstack(sides) >= 0]
        self._low, self._high = cp.Parameter(n), cp.Parameter(n)
        if ends is None:
            constraints.append(cp.norm(cp.multiply(self._weights, fit) - self._y) <= self._radius)
        else:
            only, low, high = (
                [k for k, end in enumerate(ends) if end in kinds] for kinds in _KINDS_OF_SIDES
            )
            if only:
                constraints.append(fit[only] == self._low[only])
            if low:
                constraints.append(fit[low] >= self._low[low])
            if high:
                constraints.append(fit[high] <= self._high[high])
        self._tight, self._on_tight = None, None
        if tight:
            self._tight = cp.Parameter(n)
            self._on_tight = self._tight @ fit == 0
            constraints.append(self._on_tight)
        radii = [*self._fixed, self._rho]
        rooms = [*self._rooms, self._counts * self._rho]
        self._found = [
            ball.constraints(self._U, self._alpha, room, radius)
            for ball, room, radius in zip(balls, rooms, radii, strict=True)
        ]
        for found in self._found:
            constraints += found.all
        self._program = ConeProgram(cp.Problem(cp.Minimize(self._rho), constraints))

    def solve(
        self,
        *,
        fit_map: Float[Array, "n k"],
        cones: Float[Array, "k d"],
        y: Float[Array, " n"],
        low: Float[Array, " n"],
        high: Float[Array, " n"],
        free: Float[Array, "n r"],
        tight: Float[Array, " n"] | None,
        weights: Float[Array, " n"],
        radius: float,
        counts: Float[Array, " b"],
        fixed: Sequence[float],
    ) -> Solution | None:
        """With everything in the solver's units."""
        self._fit_map.save_value(fit_map)
        self._cones.save_value(cones)
        self._y.save_value(y)
        self._low.save_value(low)
        self._high.save_value(high)
        if self._free is not None:
            self._free.save_value(free)
        if self._tight is not None:
            self._tight.save_value(tight)
        self._weights.save_value(weights)
        self._radius.save_value(radius)
        self._counts.save_value(counts)
        for parameter, room, rho in zip(self._fixed, self._rooms, fixed, strict=True):
            parameter.save_value(rho)
            room.save_value(rho * counts)
        if not self._program.solve():
            return None
        shared = []
        for ball, found in zip(self._balls, self._found, strict=True):
            hidden, output = np.zeros((self._d, self._d)), 0.0
            if found.hidden is not None:
                multiplier = found.hidden.dual_value
                hidden = (
                    multiplier[: self._d, : self._d] if ball.joint else multiplier * np.eye(self._d)
                )
                output = float(multiplier) if ball.together else 0.0
            if found.output is not None:
                output = float(found.output.dual_value)
            shared.append((np.array(hidden), output))
        # CVXPY's multipliers of equations have the other sign.
        return Solution(
            self._U.value,
            np.maximum(self._alpha.value, 0.0),
            self._fit.value,
            -self._on_fit.dual_value,
            0.0 if self._on_tight is None else float(self._on_tight.dual_value),
            tuple(shared),
            float(self._rho.value),
        )


@lru_cache(maxsize=64)
def _compiled(
    balls: tuple[BallShape, ...],
    n: int,
    d: int,
    blocks: int,
    free: int,
    sides: tuple[str, ...] | None,
    tight: bool,
) -> _Program:
    return _Program(balls, n, d, blocks, free, sides, tight)


def _side(ends: tuple[Fraction | None, Fraction | None]) -> str:
    """Whether an output has one value (=), or is above (>), below (<), between (|) or anywhere."""
    low, high = ends
    if low is None or high is None:
        return ("<" if high is not None else "") or (">" if low is not None else "")
    return "=" if low == high else "|"
