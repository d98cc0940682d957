"""Where each of many trained networks has come to rest: a name for every run.

Off the kinks a network at rest has the least loss of its cell (`proofs_notes/valleys.md`), so the
merge tree names it: the global valley, another, or a plateau. Where that is too large,
`theory.landscape.cell_ends` looks at that cell alone. On a kink the equations of rest of its
optimizer name it (`theory.landscape.kinks`, on many `many_kinks`). Whatever is neither is still
moving; so are runs that fit a datum up to a kink of the loss, on which no equations are known here.

Names are observations on floats: a loss counts as the least of a cell within a tolerance, and
within what one step of training can change it.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeAlias, TypeVar

import numpy as np

from theory.errors import InputError
from theory.landscape.cells import Cell
from theory.landscape.gap import Kink
from theory.landscape.kinks import MOST, RULES, RestPoint, rest_points
from theory.landscape.many_kinks import rest_on_many
from theory.landscape.valleys import Valleys, valleys
from theory.network import Network
from theory.problem import Problem
from theory.states import state_of
from theory.types import Array
from theory.within import Ball, Penalty, Within, require_decayed

if TYPE_CHECKING:
    from jaxtyping import Float

_Place: TypeAlias = tuple[tuple[Kink, ...], tuple[int, ...]]

Kind: TypeAlias = Literal[
    "global", "valley", "minimum", "plateau", "kink", "moving", "undecided", "diverged"
]

TOLERANCE = 1e-5
"""Of the loss above the least of a cell, relative to twice the loss of zero weights (||y||^2 where
it is squared), up to which a network is at rest."""

_ATTEMPTS = 3  # to find a rest point on the same kinks, from different runs
_CHATTER = 8  # steps that training may be away from where it is at rest


@dataclass(frozen=True)
class End:
    """Where one run ended.

    kind: `global`, a valley whose bottom has the least loss; `valley`, another; `plateau`, the
    least loss of a cell that is no bottom; `kink`, at rest on a kink; `moving`; `diverged`.
    Where there is no merge tree, `minimum`, a local minimum by proof, of which the valley is not
    known, and `undecided`, the least of a cell, but whether a local minimum is not decided.
    valley: its id, where there is one. loss: predicted for that place, exact but for a kink, and
    in balls where minima are intervals; None where it is moving, undecided or diverged. above: how
    far the run's loss is above the least of its cell; nan where that is not known.
    """

    kind: Kind
    valley: int | None
    loss: Fraction | float | None
    above: float
    kink: RestPoint | None = None
    kinks: int = 0


Place = TypeVar("Place", bound=Hashable)


class Naming(ABC, Generic[Place]):
    """Names ends of runs in one ball, or with the l2 penalty, cell by cell.

    step: how far one step of training goes, in units of the weights: its last learning rate.
    tolerance: see `TOLERANCE`. chatter: whether runs at a wall, too, may be a few steps above the
    least of their cell.
    """

    chatter = True

    def __init__(self, problem: Problem, within: Within, *, step: float, tolerance: float) -> None:
        require_decayed(problem, within, "ends are named")
        self.problem, self.within, self.step = problem, within, step
        self._X = np.array(problem.X, dtype=float)
        self._y = np.array(problem.y, dtype=float)
        self._activation = problem.activation
        self._near = tolerance * float(2 * problem.zero)
        self._rows = np.flatnonzero(self._X.any(axis=1))
        self._reach = _CHATTER * step * np.abs(self._X).sum(axis=1)  # of x . w

    @abstractmethod
    def _cell(self, W: Float[Array, "d m"], a: Float[Array, " m"], Z: Float[Array, "n m"]) -> Place:
        """The cell of a run; Z = X W."""

    @abstractmethod
    def least(self, cell: Place) -> Fraction | float:
        """The least loss of a cell."""

    @abstractmethod
    def place(self, cell: Place) -> tuple[Fraction | None, Kind, int | None]:
        """The least loss of a cell, what it is, and in which valley."""

    def of(
        self,
        W: Float[Array, "S d m"],
        a: Float[Array, "S m"],
        linear: Float[Array, "#S #n"] | float = 0.0,
    ) -> list[End]:
        """The end of each of S runs. linear: what b and c add to their fits."""
        loss = self.problem.loss
        with np.errstate(over="ignore", invalid="ignore"):  # of runs that diverged
            Z = self._X @ W
            fits = self._activation.fit(self._X, W, a) + linear
            losses = np.array([loss.at(fit, self._y) for fit in fits])
            slopes = loss.gradient(fits, self._y)
            if isinstance(self.within, Penalty):
                squares = (W**2).sum(axis=(-2, -1)) + (a**2).sum(axis=-1)
                losses = losses + float(self.within.beta) * squares / 2
        finite = np.isfinite(losses) & np.isfinite(W).all(axis=(1, 2)) & np.isfinite(a).all(axis=1)
        found = []
        for run in range(len(a)):
            if finite[run]:
                found.append(self._end(W[run], a[run], Z[run], slopes[run], float(losses[run])))
            else:
                found.append(End("diverged", None, None, float("nan")))
        many = [run for run, end in enumerate(found) if end.kind == "moving" and end.kinks > MOST]
        for run, point in zip(many, self._on_many(W[many], a[many], Z[many]), strict=True):
            if point is not None:
                found[run] = End("kink", None, point.loss, found[run].above, point)
        return found

    def _end(
        self,
        W: Float[Array, "d m"],
        a: Float[Array, " m"],
        Z: Float[Array, "n m"],
        slopes: Float[Array, " n"],
        loss: float,
    ) -> End:
        cell = self._cell(W, a, Z)
        above = loss - float(self.least(cell))
        if abs(above) > self._near:  # below the least it is outside the ball
            kinks, blanks = self._near_by(W, a, Z)
            kink = self._kink(W, a, kinks, blanks)
            if kink is not None:
                return End("kink", None, kink.loss, above, kink)
            allowed = _CHATTER * self._one_step(W, a, Z, slopes)
            if abs(above) > self._near + (allowed if self.chatter or not kinks else 0.0):
                return End("moving", None, None, above, kinks=len(kinks))
        predicted, kind, valley = self.place(cell)
        return End(kind, valley, predicted, above)

    def _one_step(
        self,
        W: Float[Array, "d m"],
        a: Float[Array, " m"],
        Z: Float[Array, "n m"],
        slopes: Float[Array, " n"],
    ) -> float:
        """What one step can change of the loss, to first order."""
        grad_W = self._X.T @ (self._activation.slopes(Z > 0) * (slopes[:, None] * a))
        grad_a = self._activation.at(Z).T @ slopes
        problem = self.problem
        free = [
            *([slopes.sum()[None]] if problem.output_bias else []),
            *([self._X.T @ slopes] if problem.skip else []),
        ]
        if not isinstance(self.within, Ball):  # the gradient is the step
            beta = float(self.within.beta)
            square = sum(float((g**2).sum()) for g in (grad_W + beta * W, grad_a + beta * a, *free))
            return self.step * square
        ball = self.within.geometry
        slope = float(ball.hidden.dual_value(grad_W) + ball.output.dual_value(grad_a))
        # Entries of steps without weight decay are at most about a learning rate.
        return self.step * (slope + sum(float(np.abs(g).sum()) for g in free))

    def _kink(
        self,
        W: Float[Array, "d m"],
        a: Float[Array, " m"],
        kinks: tuple[Kink, ...],
        blanks: tuple[int, ...],
    ) -> RestPoint | None:
        """The rest point near the run, where it has come near kinks."""
        ball = self._ruled
        if ball is None:
            return None
        if len(kinks) > MOST or not (kinks or blanks):
            return None
        fit, allowed = self._activation.fit(self._X, W, a), self._allowed(a)
        known, failures = self._rests.setdefault((kinks, blanks), ([], 0))
        for point, its_fit in known:
            if (np.abs(fit - its_fit) <= allowed).all():
                return point
        if failures == _ATTEMPTS:
            return None
        near = None
        for found in rest_points(self.problem, ball, W, a, kinks, blanks):
            its_fit = self._activation.fit(self._X, found.W, found.a)
            known.append((found, its_fit))
            if near is None and (np.abs(fit - its_fit) <= allowed).all():
                near = found
        if near is None:
            self._rests[kinks, blanks] = known, failures + 1
        return near

    @property
    def _ruled(self) -> Ball | None:
        """The ball, where it is known how training in it rests on kinks."""
        ball = self.within
        known = isinstance(ball, Ball) and ball.optimizer in RULES
        described = self.problem.loss.smooth or not self.problem.has_free_part
        return ball if known and described and isinstance(ball, Ball) else None

    def _allowed(self, a: Float[Array, " m"]) -> Float[Array, " n"]:
        """How far the fit of a run may be from that of a point that it is a few steps from."""
        allowed: Array = self._reach * (np.abs(a).sum() + self.step)
        return allowed

    def _on_many(
        self, W: Float[Array, "S d m"], a: Float[Array, "S m"], Z: Float[Array, "S n m"]
    ) -> list[RestPoint | None]:
        """The rest points near runs that have come near more than `MOST` kinks."""
        ball = self._ruled
        if ball is None:
            return [None] * len(a)
        fits, starts = self._activation.fit(self._X, W, a), (W.copy(), a.copy())
        for run in range(len(a)):
            _, blanks = self._near_by(W[run], a[run], Z[run])
            starts[0][run][:, list(blanks)], starts[1][run][list(blanks)] = 0.0, 0.0
        found = rest_on_many(self.problem, ball, *starts)
        for run, point in enumerate(found):
            if point is not None:
                its_fit = self._activation.fit(self._X, point.W, point.a)
                if (np.abs(fits[run] - its_fit) > self._allowed(a[run])).any():
                    found[run] = None
        return found

    def _near_by(
        self, W: Float[Array, "d m"], a: Float[Array, " m"], Z: Float[Array, "n m"]
    ) -> _Place:
        """The kinks that a run is within a few steps of, and the neurons that are zero or dead."""
        reach = self._reach[:, None]
        small = np.maximum(np.abs(a), np.abs(W).max(axis=0)) <= _CHATTER * self.step
        blank = small | (Z <= reach)[self._rows].all(axis=0)
        near = ((np.abs(Z) <= reach) & ~blank)[self._rows]
        kinks = tuple((int(self._rows[k]), int(j)) for k, j in np.argwhere(near))
        return kinks, tuple(np.flatnonzero(blank).tolist())

    @cached_property
    def _rests(self) -> dict[_Place, tuple[list[tuple[RestPoint, Array]], int]]:
        """By kinks and blanks: the rest points that runs were at, with their fits, and how many
        other runs were at none."""
        return {}


class Ends(Naming[Cell]):
    """Names ends of runs in the ball of a merge tree, of networks modulo permutation.

    Where the tree is of loss and penalty, losses are with the penalty, and kinks have no names.
    Arguments: see `Naming`. Raises InputError for a tree of labelled neurons, or one of the loss
    without a ball.
    """

    def __init__(self, tree: Valleys, *, step: float, tolerance: float = TOLERANCE) -> None:
        if tree.labelled:
            raise InputError("tree", "tells the neurons apart; take one with labelled=False")
        if tree.within is None:
            raise InputError("tree", "has no ball, but its optimizer has to be known")
        super().__init__(tree.problem, tree.within, step=step, tolerance=tolerance)
        self.tree = tree
        signs = tree.complex.arrangement.signs
        self._cones = {row.tobytes(): cone for cone, row in enumerate(signs[:, self._rows])}

    def _cell(self, W: Float[Array, "d m"], a: Float[Array, " m"], Z: Float[Array, "n m"]) -> Cell:
        """Of the signs of x_k . w_j; exactly where a float may have a wrong one."""
        sizes = np.abs(self._X) @ np.abs(W)
        if (np.abs(Z) <= 1e-14 * sizes)[self._rows].any():
            exact = Network.from_floats(W, a).convex_coordinates()
            return tuple(sorted(self.tree.complex.states_of(exact)))
        signs = np.sign(Z[self._rows]).astype(np.int8).T
        return tuple(
            sorted(
                state_of(self._cones[row.tobytes()], output)
                for row, output in zip(signs, a, strict=True)
            )
        )

    def least(self, cell: Cell) -> Fraction:
        """The least loss of a cell."""
        return self.place(cell)[0]

    def place(self, cell: Cell) -> tuple[Fraction, Kind, int | None]:
        """The least loss of a cell, and what of the tree it is."""
        if cell not in self._known:
            complex_ = self.tree.complex
            loss = complex_.loss_of(complex_.minimum(cell).value)
            valley = self._homes.get(cell)
            if valley is None:
                self._known[cell] = loss, "plateau", None
            else:
                least = self.tree.valleys[valley].proved_birth <= self.tree.minimum
                self._known[cell] = loss, "global" if least else "valley", valley
        return self._known[cell]

    @cached_property
    def _known(self) -> dict[Cell, tuple[Fraction, Kind, int | None]]:
        return {}

    @cached_property
    def _homes(self) -> dict[Cell, int]:
        """The valley of each cell that reaches a bottom; where minima are intervals, up to the
        tolerance, but not those of a lower bottom, to which ways out of shallow valleys lead."""
        complex_ = self.tree.complex
        homes = {cell: valley.id for valley in self.tree.valleys for cell in valley.cells}
        if complex_.domain.exact:
            return homes
        slack = Fraction(self._near)
        for valley in self.tree.valleys:
            least, most = (complex_.scaled_level(valley.birth + s) for s in (-slack, slack))
            for cell in self.tree.flood.region(valley.cells[0], most):
                if complex_.minimum(cell).value >= least:
                    homes.setdefault(cell, valley.id)
        return homes


def proved(
    tree: Valleys, networks: Mapping[int, Network], ends: Sequence[End], *, max_cells: int | None
) -> set[int]:
    """The runs of which it is a theorem that they are in the valley of their end: exact arithmetic
    on their floats as they are.

    networks: of the runs that did not diverge. Runs may be a little outside the ball, so that the
    valleys are those of the least ball that holds them all, and matched with those of the tree by
    cells of their bottoms. A run is in the valley that it is at home in there, and in no other, if
    its loss is below the proved ways out of it and of those that join it: every path to another
    bottom, in that ball, rises above the run. With a penalty none is.
    """
    ball, problem = tree.within, tree.problem
    named = [run for run in networks if ends[run].valley is not None]
    if not named or not isinstance(ball, Ball):
        return set()
    norm = tree.complex.domain.norm
    needed = {run: norm([u for _, u in networks[run].convex_coordinates()]) for run in named}
    beyond = max(max(needed.values()) / ball.rho, Fraction(1))
    # Few digits: vertices of the ball carry those of its radius along.
    outer = Ball(ball.geometry, ball.rho * Fraction(math.ceil(beyond * 2**20), 2**20))
    wider = valleys(problem, tree.width, within=outer, max_cells=max_cells)
    found = set()
    for run in named:
        home = wider.home(networks[run])
        valley = tree.valleys[ends[run].valley or 0]
        if home is None or not set(home.cells) & set(valley.cells):
            continue
        ways = [each.proved_death for each in wider.valleys if home.id in (each.id, each.into)]
        loss = networks[run].loss(problem)
        if all(way is None or loss < way for way in ways):
            found.add(run)
    return found


def summary(ends: Sequence[End], *, apart: float = 0.0) -> dict[str, Any]:
    """How many runs ended where: by valley, by loss of a plateau or minimum, and in all.

    apart: those whose losses differ by no more are one, named by the lowest.
    """
    kinds = Counter(end.kind for end in ends)
    valleys: dict[str, dict[int | None, int]] = {"global": {}, "valley": {}}
    for kind, ids in valleys.items():
        found = Counter(end.valley for end in ends if end.kind == kind)
        ids.update(sorted(found.items(), key=lambda item: -1 if item[0] is None else item[0]))
    return {
        "global": valleys["global"],
        "valleys": valleys["valley"],
        "minima": _by_loss(ends, "minimum", apart),
        "plateaus": _by_loss(ends, "plateau", apart),
        "kinks": kinds["kink"],
        "moving": kinds["moving"],
        "undecided": kinds["undecided"],
        "diverged": kinds["diverged"],
    }


def _by_loss(ends: Sequence[End], kind: Kind, apart: float) -> dict[Fraction, int]:
    found: dict[Fraction, int] = {}
    for loss in sorted(Fraction(end.loss or 0) for end in ends if end.kind == kind):
        last = next(reversed(found), None)
        same = last is not None and loss - last <= apart
        name = last if same and last is not None else loss
        found[name] = found.get(name, 0) + 1
    return found
