"""The radii at which the components of exact fits in an entrywise ball are born and merge.

An exact fit is a network of no loss. At one width a cell holds one inside the ball rho = R_W R_a
once rho reaches a critical radius, and so does a face. A component is born with a cell and merges
with another through a face, so the number of components is a step function of rho, constant on
half-open intervals. (It is the zeroth persistent homology of the norm, filtering the networks of
zero loss.)

A critical radius is a linear program over the rationals: with k_b neurons in block b, and phi_v the
images s sigma(X v) of the vertices v of {u in the cone of b, ||u||_inf <= 1},

    min rho  s.t.  sum_v z_v phi_v = y, z >= 0, sum over v in b of z_v <= k_b rho
    = max lam.y  s.t.  lam.phi_v <= t_b for v in b, t >= 0, sum_b k_b t_b <= 1.

What an output bias, a linear part, and losses that are zero on intervals add are further columns
(`theory.landscape.form`): those of no cost, with lam.phi <= 0, and those of a cap, to which
coefficients of sum at most one count, with a price for lam.phi that lam.y falls by.

Source: `critical-radii`, proofs_notes/width-profile.md.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations_with_replacement, groupby, permutations
from typing import NamedTuple

import numpy as np
from flint import fmpq
from scipy.cluster.hierarchy import DisjointSet

from theory.errors import InputError
from theory.exact import dot, from_flint, independent
from theory.gauges import gauge_of
from theory.geometry import geometry
from theory.landscape import DEFAULT_MAX_CELLS
from theory.landscape.cells import Cell, CellComplex
from theory.landscape.domain import EntrywiseBall, Group
from theory.landscape.form import both_ways, has_form
from theory.landscape.nnls import LeastSquares
from theory.linear import LinearProgram
from theory.problem import Problem
from theory.types import Progress, silent
from theory.within import Ball, require_decayed


@dataclass(frozen=True)
class RadiusInterval:
    """The components of exact fits for lower <= rho < upper, or all rho >= lower: upper None.

    components: modulo permutation of the neurons, and labelled; 0 where the ball holds no exact
    fit. rho is positive, also where lower is 0.
    """

    lower: Fraction
    upper: Fraction | None
    components: int
    components_labelled: int

    def __contains__(self, rho: Fraction) -> bool:
        return self.lower <= rho and (self.upper is None or rho < self.upper)


class _Face(NamedTuple):
    """The neuron in `state` moves to `target`, the others are in `rest`; possible from `radius`."""

    radius: Fraction
    rest: Cell
    state: int
    target: int

    @property
    def sides(self) -> tuple[Cell, Cell]:
        """The two cells, modulo permutation."""
        one, other = (tuple(sorted((*self.rest, state))) for state in (self.state, self.target))
        return one, other

    def labelled(self) -> Iterator[tuple[Cell, Cell]]:
        """The two cells, for each order of the neurons."""
        for others in set(permutations(self.rest)):
            for place in range(len(others) + 1):
                before, after = others[:place], others[place:]
                yield (*before, self.state, *after), (*before, self.target, *after)


def radius_intervals(
    problem: Problem,
    optimizer: str,
    width: int,
    *,
    max_cells: int = DEFAULT_MAX_CELLS,
    progress: Progress = silent,
) -> tuple[RadiusInterval, ...]:
    """The intervals of rho on which exact fits of a width have the same components, ascending.

    Only for entrywise balls: adamw, lion, signsgd. `progress` may raise Interrupted, which leaves.
    Raises InputError for another optimizer, BudgetError beyond `max_cells` labelled cells.
    """
    if not has_form(problem):
        raise InputError("loss", f"{problem.loss} losses are never zero, as radii of fits need")
    require_decayed(problem, Ball(optimizer, 1), "intervals of radii are")
    if not gauge_of(geometry(optimizer).ball).exact:
        raise InputError(
            "optimizer", f"the ball of {optimizer} is no polytope: radii are not exact"
        )
    complex_ = CellComplex.of(
        problem, width, labelled=True, within=Ball(optimizer, 1), max_cells=max_cells
    )
    return intervals_of(complex_, CriticalRadii(complex_).of, progress)


def intervals_of(
    complex_: CellComplex,
    critical_radius: Callable[[Sequence[Group]], Fraction | None],
    progress: Progress,
) -> tuple[RadiusInterval, ...]:
    """The intervals, given the critical radius of a cell or face by the columns of its neurons."""
    born = {
        cell: radius
        for cell in combinations_with_replacement(range(complex_.states), complex_.width)
        if (radius := critical_radius([complex_.groups[state] for state in cell])) is not None
    }
    faces: list[_Face] = []
    for done, cell in enumerate(born):
        progress(f"critical radii at width {complex_.width}, cells", done)
        for face in _faces(complex_, critical_radius, cell):
            # A face lies in two cells, so its radius is at least theirs; an estimate may not be.
            one, other = (born.get(side) for side in face.sides)
            if one is not None and other is not None:
                faces.append(face._replace(radius=max(face.radius, one, other)))
    counts = (
        _counts(born.items(), ((face.radius, *face.sides) for face in faces)),
        _counts(
            ((order, radius) for cell, radius in born.items() for order in set(permutations(cell))),
            ((face.radius, *sides) for face in faces for sides in face.labelled()),
        ),
    )
    return tuple(_intervals(counts))


def _intervals(counts: tuple[dict[Fraction, int], dict[Fraction, int]]) -> Iterator[RadiusInterval]:
    """From the counts at the critical radii, the same for both; the empty set comes first."""
    found = [(Fraction(), (0, 0))] * (Fraction() not in counts[0])
    found += [(rho, (counts[0][rho], counts[1][rho])) for rho in counts[0]]
    runs = [next(same) for _, same in groupby(found, key=lambda step: step[1])]
    ends = [*(rho for rho, _ in runs[1:]), None]
    for (lower, (plain, labelled)), upper in zip(runs, ends, strict=True):
        yield RadiusInterval(lower, upper, plain, labelled)


class CriticalRadii:
    """Critical radii of cells and faces, given the columns of each neuron; each solved once."""

    def __init__(self, complex_: CellComplex) -> None:
        ball = complex_.domain
        assert isinstance(ball, EntrywiseBall)
        assert ball.within.rho == 1
        self._columns = ball.least_squares.columns
        form = ball.least_squares.form
        self._y = form.y
        self._free = [extra for extra in form.extras if not extra.cost]
        if complex_.loss.form is not None:  # which does not see these
            self._free += both_ways(complex_.loss.form.kernel)
        table = np.array(self._columns, dtype=object).reshape(-1, len(self._y))
        self._cones = LeastSquares(table, form)
        self._known: dict[tuple[Group, ...], Fraction | None] = {}

    def of(self, groups: Sequence[Group]) -> Fraction | None:
        """The least rho for an exact fit; None where there is none in the cones."""
        key = tuple(sorted(groups))
        if key not in self._known:
            self._known[key] = self._solve(key)
        return self._known[key]

    def _solve(self, groups: tuple[Group, ...]) -> Fraction | None:
        ids = sorted(set().union(*groups))
        if self._cones.minimum(tuple(ids)).value:
            return None
        if not self._cones.minimum(()).value:
            return Fraction()
        # y is in the span of the columns, so equations of dependent rows say nothing new.
        n = len(self._y)
        every = [*(self._columns[c] for c in ids), *(extra.column for extra in self._free)]
        rows = independent([[fmpq(column[k]) for column in every] for k in range(n)], len(every))
        counts = Counter(group for group in groups if group)
        caps = sorted({extra.cap for extra in self._free} - {-1})
        blocks, rank = len(counts), len(rows)
        zero, one = fmpq(), fmpq(1)

        def at_most(column: Sequence[int], price: int | None) -> list[fmpq]:
            """lam.column is at most one of the prices, of blocks and then of caps, or zero."""
            prices = [one if other == price else zero for other in range(blocks + len(caps))]
            return [*(-fmpq(column[k]) for k in rows), *prices]

        nothing = [0] * n
        G = [at_most(nothing, price) for price in range(blocks + len(caps))]
        for b, group in enumerate(counts):
            G += [at_most(self._columns[c], b) for c in group]
        for extra in self._free:
            cap = None if extra.cap < 0 else blocks + caps.index(extra.cap)
            G.append(at_most(extra.column, cap))
        G.append([*([zero] * rank), *(-fmpq(k) for k in counts.values()), *([zero] * len(caps))])
        c = [*(-fmpq(self._y[k]) for k in rows), *([zero] * blocks), *([one] * len(caps))]
        program = LinearProgram(c=c, E=[], e=[], G=G, g=[*([zero] * (len(G) - 1)), -one])
        x = program.minimum([zero] * len(c)).x
        return from_flint([-dot(c, x)])[0]


def _faces(
    complex_: CellComplex,
    critical_radius: Callable[[Sequence[Group]], Fraction | None],
    cell: Cell,
) -> Iterator[_Face]:
    """The faces of a multiset of states that hold an exact fit, each from one of its two sides."""
    for position, state in enumerate(cell):
        if position and cell[position - 1] == state:
            continue
        rest = (*cell[:position], *cell[position + 1 :])
        for move in complex_.moves(state):
            if state < move.target:
                radius = critical_radius([*(complex_.groups[other] for other in rest), move.group])
                if radius is not None:
                    yield _Face(radius, rest, state, move.target)


def _counts(
    born: Iterable[tuple[Cell, Fraction]], joined: Iterable[tuple[Fraction, Cell, Cell]]
) -> dict[Fraction, int]:
    """The number of components from each critical radius on, ascending."""
    events: dict[Fraction, tuple[list[Cell], list[tuple[Cell, Cell]]]] = {}
    for cell, radius in born:
        events.setdefault(radius, ([], []))[0].append(cell)
    for radius, cell, target in joined:
        events.setdefault(radius, ([], []))[1].append((cell, target))
    clusters = DisjointSet()
    counts = {}
    for radius in sorted(events):
        cells, pairs = events[radius]
        for cell in cells:
            clusters.add(cell)
        for cell, target in pairs:
            clusters.merge(cell, target)
        counts[radius] = clusters.n_subsets
    return counts
