"""The largest cost of a neuron over all directions, and so over all patterns: branch and bound.

A dual vector lam costs a neuron with input weights u at most c ||u|| exactly if the gain
+-g(u), g(u) = lam . sigma(X u), is at most that. On the cone of the vectors v_1 .. v_d, with g the
difference p - q of two convex functions that are homogeneous and made of ramps,

    g(u) <= c . u <= ||c||_* ||u||   wherever   (c + s) . v_i >= p(v_i) for all i,

s any subgradient of q: p is at most its interpolation at the vertices, q at least s . u. Cones are
halved until this proves what is asked for. The first ones lie over a triangulation of the facets of
a cube. Far from the largest gain few and large cones do; near it, where q may have a kink, the
slopes of s there are those that a dual solution of the neuron has (`Atom`).

All is done in floating point, with bounds of the rounding errors added, so what comes out is
proved; the checker follows the tree in integers. Source: `all-patterns`,
proofs_notes/all-patterns.md.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import permutations
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.optimize import linprog, lsq_linear

from theory.activation import Activation
from theory.gauges import Metric
from theory.programs.blocks import distinct
from theory.quiet import quiet
from theory.types import Array

_LOG = logging.getLogger(__name__)

MAX_CONES = 1 << 18
"""Cones up to which the gains of one sign are looked at, by default."""

MAX_DIMENSION = 6
"""The largest d for which there is a cover: it begins with 2 d! cones."""

_AT_ONCE = 1 << 21  # entries of the largest float array
_SPLIT = 1 << 12  # cones to split at once, those of the largest bounds, and a quarter if more
_SHORTEST = 2.0**-40  # an edge that is not halved: vertices are exact in floating point
_KINK = 1e-6  # of ||x_k|| ||u||: as near a wall as this a neuron is on it
_FRAME_BITS, _ATOM_BITS = 12, 40
_TINY = np.finfo(float).tiny
_ENOUGH = 1 << 12  # cones after which a search ends that has seen a cost above the level
_STARTS, _CLIMBS = 32, 20  # of each part of the cones: centres to climb from, and steps


class Atom(NamedTuple):
    """A direction of nearly the largest gain, in the coordinates of the frame.

    slopes: those of s on the rows whose walls it lies on, in units of what the gain has there.
    """

    point: tuple[int, ...]
    slopes: Mapping[int, Fraction]


class Half(NamedTuple):
    """The cones for the gains of one sign.

    tree: the nodes in preorder, cone by cone of `first_cones`: the number of an edge that is
    halved, -1 for a cone that its centre serves, -2 - k for one that atom k serves.
    """

    atoms: tuple[Atom, ...]
    tree: list[int]


@dataclass(frozen=True, eq=False)
class ConeCover:
    """What proves that no direction costs more than `length`.

    frame: (d, d) integers; u = frame v. None for the identity. length: in the units of
    `BlockDual.length`. halves: for gains of the sign + and -. complete: whether `length` is as
    small as was asked for. active: patterns of directions that cost more than that.
    """

    frame: tuple[tuple[int, ...], ...] | None
    halves: Mapping[int, Half]
    length: Fraction
    complete: bool
    active: Bool[Array, "q n"]

    def of(self, factor: Fraction) -> ConeCover:
        """The same where the integer X is so many times as large."""
        return replace(self, length=self.length * factor)


def cover(
    X: Sequence[Sequence[int]],
    lam: Sequence[int],
    activation: Activation,
    metric: Metric | None,
    *,
    entries: bool,
    points: Mapping[int, Float[Array, "k d"]],
    level: float,
    slack: float,
    stop: bool = True,
    limit: int = MAX_CONES,
) -> ConeCover:
    """Bound the cost of every direction u: +-lam . sigma(X u) per unit of ||u||.

    X: (n, d) and lam: (n,) integers. The norm is the largest entry for `entries`, else
    sqrt(u^T Z u / tr Z) with a metric Z, else l2. points: where gains of each sign are probably
    largest. The bound is to be at most `slack` above the level. stop: soon after a direction is
    found that costs more. limit: stop in any case after so many cones of one sign, with the bound
    that there is.
    """
    space = _Space(X, lam, activation, metric, entries)
    halves, lengths, active = {}, [], []
    complete = True
    for sign in (1, -1):
        search = _Search(space, sign, points[sign], level, slack)
        length = search.run(limit, stop=stop)
        halves[sign] = Half(search.atoms, search.tree())
        lengths.append(length)
        complete = complete and bool(length <= search.target)
        active.append(search.peaks())
    return ConeCover(space.frame, halves, Fraction(max(lengths)), complete, np.concatenate(active))


def first_cones(d: int) -> Float[Array, "cones d d"]:
    """Vertices of the simplices of the facets +-e_k of the cube: k, sign +, -, then the orders in
    which the other coordinates go from -1 to 1."""
    cones = []
    for k in range(d):
        for sign in (1.0, -1.0):
            for order in permutations([j for j in range(d) if j != k]):
                vertex = -np.ones(d)
                vertex[k] = sign
                vertices = [vertex]
                for j in order:
                    vertex = vertex.copy()
                    vertex[j] = 1.0
                    vertices.append(vertex)
                cones.append(vertices)
    return np.array(cones)


class _Space:
    """The data in the coordinates v of the frame, in which the norm is nearly round.

    rows: (n, d) floats of x_k . frame times |kappa_k|, kappa_k what the slope of lam_k sigma grows
    by at zero; relative rounding errors of single entries. base: what lam . sigma adds that is
    linear. metric: frame^T Z frame.
    """

    def __init__(
        self,
        X: Sequence[Sequence[int]],
        lam: Sequence[int],
        activation: Activation,
        metric: Metric | None,
        entries: bool,
    ) -> None:
        d = len(X[0])
        self.entries = entries
        self.frame = None if metric is None else _frame(metric)
        frame = np.eye(d, dtype=int).astype(object) if self.frame is None else _objects(self.frame)
        inner = _objects(X) @ frame
        slopes, unit = activation.whole
        growth = [int(v * slopes.jump) for v in lam]
        self.kappa = np.array(growth, dtype=float) / unit
        scaled = inner * np.array([abs(v) for v in growth], dtype=object)[:, None]
        self.rows = scaled.astype(float) / unit
        linear = np.array([int(v * slopes.negative) for v in lam], dtype=object)
        self.base = (linear @ inner).astype(float) / unit
        self.frame_floats = frame.astype(float)
        self.outer = np.array([[float(v) for v in row] for row in X])
        Z = np.eye(d) if metric is None else (frame.T @ _objects(metric.Z) @ frame).astype(float)
        self.metric = Z
        self.trace = 1.0 if metric is None else float(metric.trace)
        # Twice the usual bound of sums of n d products of rounded numbers.
        self.error = 2 * (len(X) + 2 * d + 16) * np.finfo(float).eps

    def norms(self, v: Float[Array, "b d"]) -> Float[Array, " b"]:
        """Those that costs are per unit of."""
        sizes: Array = np.abs(v).max(axis=1)
        if not self.entries:
            sizes = np.sqrt(np.maximum(((v @ self.metric) * v).sum(axis=1), 0.0) / self.trace)
        return sizes


class _Search:
    """Branch and bound for gains of one sign."""

    def __init__(
        self, space: _Space, sign: int, points: Float[Array, "k d"], level: float, slack: float
    ) -> None:
        self.space, self.level = space, level
        self._peaks: list[Float[Array, "k d"]] = []
        self.order = np.argsort(sign * space.kappa <= 0, kind="stable")  # p's rows, then q's
        self.rows = space.rows[self.order]
        self.ups = int((sign * space.kappa > 0).sum())
        self.base = sign * space.base
        self.sizes = np.abs(self.rows).sum(axis=0) + np.abs(self.base)
        self.least_norm = self._least_norm()
        rounding = 4 * space.error * float(self.sizes.sum()) / self.least_norm
        self.target = level + slack + rounding
        self.atoms = self._atoms(points)
        self._codes: list[Int[Array, " b"]] = []
        self._split: dict[int, tuple[int, int]] = {}

    def _least_norm(self) -> float:
        """Of vectors with a largest entry of one."""
        if self.space.entries:
            return 1.0
        return math.sqrt(max(np.linalg.eigvalsh(self.space.metric)[0], 0.0) / self.space.trace)

    def run(self, limit: int, *, stop: bool) -> float:
        """Halve cones until the bound, which is returned, is at most the target, if it can be."""
        cones = first_cones(self.rows.shape[1])
        numbers = np.arange(len(cones))
        count, closed = len(cones), 0.0
        pairs = np.stack(np.triu_indices(cones.shape[1], 1), axis=1)
        bounds, edges = self._measure(cones)
        while True:
            on = edges >= 0
            closed = max(closed, float(bounds[~on].max(initial=0.0)))
            cones, numbers, bounds, edges = cones[on], numbers[on], bounds[on], edges[on]
            if not len(cones) or count >= (_ENOUGH if stop and self._peaks else limit):
                return max(closed, float(bounds.max(initial=0.0)))
            order = np.argsort(-bounds, kind="stable")
            step = max(_SPLIT, len(order) // 4)
            now, later = order[:step], order[step:]
            first, second = pairs[edges[now]].T
            at = np.arange(len(now))
            middle = (cones[now][at, first] + cones[now][at, second]) / 2
            halves = np.repeat(cones[now], 2, axis=0)
            halves[2 * at, first] = middle
            halves[2 * at + 1, second] = middle
            children = np.arange(count, count + len(halves))
            split = zip(edges[now].tolist(), children[::2].tolist(), strict=True)
            self._split.update(zip(numbers[now].tolist(), split, strict=True))
            count += len(halves)
            new_bounds, new_edges = self._measure(halves)
            cones = np.concatenate([cones[later], halves])
            numbers = np.concatenate([numbers[later], children])
            bounds = np.concatenate([bounds[later], new_bounds])
            edges = np.concatenate([edges[later], new_edges])

    def tree(self) -> list[int]:
        """The nodes in preorder, see `Half`."""
        codes = np.concatenate(self._codes).tolist()
        found, stack = [], list(range(len(first_cones(self.rows.shape[1])) - 1, -1, -1))
        while stack:
            node = stack.pop()
            if node in self._split:
                edge, child = self._split[node]
                found.append(edge)
                stack += [child + 1, child]
            else:
                found.append(codes[node])
        return found

    def _measure(self, cones: Float[Array, "b d d"]) -> tuple[Float[Array, " b"], Int[Array, " b"]]:
        """Bounds, and the edges to halve: -1 for cones to be left as they are."""
        step = max(1, _AT_ONCE // (len(self.rows) * cones.shape[1]))
        bounds, edges = [], []
        for start in range(0, len(cones), step):
            part = _Part(self, cones[start : start + step])
            self._climb(part.best(_STARTS))
            bound, code = part.bounds()
            bounds.append(bound)
            self._codes.append(code)
            edges.append(part.edges(bound > self.target))
        return np.concatenate(bounds), np.concatenate(edges)

    def _climb(self, v: Float[Array, "k d"]) -> None:
        """Keep where gains above the target are. Each step goes to the best direction of the linear
        piece that it is on, or half way there if that is not better."""
        gain, goal = self._gain(v)
        top, best = gain, v
        for _ in range(_CLIMBS):
            size = np.maximum(self.space.norms(v), _TINY)[:, None]
            far, beyond = self._gain(goal)
            half = v / size + goal / np.maximum(self.space.norms(goal), _TINY)[:, None]
            near, between = self._gain(half)
            whole = far > np.maximum(near, gain)
            v = np.where(whole[:, None], goal, half)
            gain = np.where(whole, far, near)
            goal = np.where(whole[:, None], beyond, between)
            best = np.where((gain > top)[:, None], v, best)
            top = np.maximum(gain, top)
        if (top > self.target).any():
            self._peaks.append(best[top > self.target])

    def _gain(self, v: Float[Array, "k d"]) -> tuple[Float[Array, " k"], Float[Array, "k d"]]:
        """Gains per unit of the norm, and the best directions of the linear pieces."""
        signs = np.ones(len(self.rows))
        signs[self.ups :] = -1.0
        outputs = v @ self.rows.T
        gain = np.maximum(outputs, 0.0) @ signs + v @ self.base
        w = (outputs > 0) * signs @ self.rows + self.base
        goal = np.sign(w) if self.space.entries else np.linalg.solve(self.space.metric, w.T).T
        return gain / np.maximum(self.space.norms(v), _TINY), goal

    def peaks(self) -> Bool[Array, "q n"]:
        """Patterns of directions whose gains are above the target."""
        points = np.concatenate([np.zeros((0, len(self.base))), *self._peaks])
        return distinct(points @ self.space.frame_floats.T @ self.space.outer.T > 0)

    def _atoms(self, points: Float[Array, "k d"]) -> tuple[Atom, ...]:
        """At each point the slopes of s for which ||c||_* is least, and that c."""
        found = []
        inner = np.linalg.solve(self.space.frame_floats, points.T).T
        lengths = np.maximum(np.linalg.norm(self.rows, axis=1), _TINY)
        for point in inner:
            size = np.linalg.norm(point)
            if not size:
                continue
            sides = self.rows @ point / lengths / size
            down = np.arange(len(self.rows)) >= self.ups
            kinks = np.flatnonzero(down & (np.abs(sides) < _KINK) & self.rows.any(axis=1))
            on = sides > 0
            on[kinks] = False
            signs = np.where(down, -1.0, 1.0)
            w = (on * signs) @ self.rows + self.base
            if len(kinks):
                slopes = self._slopes(w, self.rows[kinks])
                w = w - slopes @ self.rows[kinks]
            elif self.space.entries:
                continue  # such an atom says no more than centres do
            else:
                slopes = np.zeros(0)
            if not self.space.entries:
                point = np.linalg.solve(self.space.metric, w)
            top = np.abs(point).max()
            if not top:  # nothing is gained there
                continue
            whole = tuple(round(float(v) * 2**_ATOM_BITS) for v in point / top)
            values = [Fraction(round(v * 2**_ATOM_BITS), 2**_ATOM_BITS) for v in slopes.tolist()]
            found.append(Atom(whole, dict(zip(self.order[kinks].tolist(), values, strict=True))))
        return tuple(found)

    def _slopes(self, w: Float[Array, " d"], rows: Float[Array, "k d"]) -> Float[Array, " k"]:
        """The theta in [0, 1] for which w - theta . rows has the least dual norm."""
        if self.space.entries:
            # min sum t with -t <= w - rows^T theta <= t
            k, d = rows.shape
            A = np.block([[-rows.T, -np.eye(d)], [rows.T, -np.eye(d)]])
            limits = [(0, 1)] * k + [(0, None)] * d
            unit = np.abs(w).max() or 1.0
            A[:, :k] /= unit
            with quiet():
                found = linprog(
                    np.r_[np.zeros(k), np.ones(d)], A, np.r_[-w, w] / unit, bounds=limits
                )
            theta = found.x[:k] if found.status == 0 else np.zeros(k)
        else:
            root = np.linalg.inv(np.linalg.cholesky(self.space.metric))
            theta = lsq_linear((rows @ root.T).T, root @ w, bounds=(0, 1), tol=1e-14).x
        clipped: Array = np.clip(theta, 0.0, 1.0)
        return clipped


class _Part:
    """Some cones (b, d, d), with the values of all rows at their vertices."""

    def __init__(self, search: _Search, cones: Float[Array, "b d d"]) -> None:
        self.search, self.space, self.cones = search, search.space, cones
        b, d, _ = cones.shape
        self.values = (cones.reshape(-1, d) @ search.rows.T).reshape(b, d, -1)
        self.centres = cones.sum(axis=1)
        self.error = self.space.error * (np.abs(cones) @ search.sizes)
        ups = search.ups
        self.up, self.down = self.values[..., :ups], self.values[..., ups:]
        self.convex = np.maximum(self.up, 0.0).sum(axis=2) + cones @ search.base

    def best(self, count: int) -> Float[Array, "k d"]:
        """The centres of the largest gains, and the vertices if the ball has corners."""
        gains = np.maximum(self.up.sum(axis=1), 0.0).sum(axis=1) + self.centres @ self.search.base
        gains -= np.maximum(self.down.sum(axis=1), 0.0).sum(axis=1)
        found: Array = self.centres[np.argsort(-gains / self.space.norms(self.centres))[:count]]
        if self.space.entries:
            gains = (self.convex - np.maximum(self.down, 0.0).sum(axis=2)).ravel()
            vertices = self.cones.reshape(len(gains), -1)
            found = np.concatenate([found, vertices[np.argsort(-gains)[:count]]])
        return found

    def bounds(self) -> tuple[Float[Array, " b"], Int[Array, " b"]]:
        """The best bounds, and the codes of what gives them: the centres, else an atom."""
        middle = self.down.sum(axis=1)
        on = middle > 0
        heights = self.convex - np.einsum("bn,bdn->bd", on.astype(float), self.down) + self.error
        # Where rounding hides on which side of a row the centre is, it may be either.
        sizes = np.abs(self.search.rows[self.search.ups :]).sum(axis=1)
        near = np.abs(self.centres).max(axis=1)[:, None] * sizes * self.space.error
        unclear = np.abs(middle) <= near
        if unclear.any():
            heights += np.einsum("bn,bdn->bd", unclear.astype(float), np.abs(self.down))
        found = self._cost(heights, self.cones, self.centres)
        codes = np.full(len(found), -1)
        open_ = np.flatnonzero(found > self.search.target)
        for k, atom in enumerate(self.search.atoms):
            if not len(open_):
                break
            cones, above = self.cones[open_], heights[open_]
            for row, slope in atom.slopes.items():
                column = int(np.flatnonzero(self.search.order == row)[0]) - self.search.ups
                above = above + self._changed(open_, column, on, near, float(slope))
            point = np.array([float(v) for v in atom.point])
            bound = self._cost(above, cones, np.broadcast_to(point, (len(cones), len(point))))
            better = bound < found[open_]
            found[open_[better]] = bound[better]
            codes[open_[better]] = -2 - k
            open_ = open_[found[open_] > self.search.target]
        return found, codes

    def _changed(
        self,
        which: Int[Array, " k"],
        column: int,
        on: Bool[Array, "b m"],
        near: Float[Array, "b m"],
        slope: float,
    ) -> Float[Array, "k d"]:
        """What the heights change by if a row that the cone is on both sides of has this slope."""
        values = self.down[which, :, column]
        change = (on[which, column].astype(float) - slope)[:, None] * values
        low, high, unsure = values.min(axis=1), values.max(axis=1), near[which, column]
        mixed = (low < -unsure) & (high > unsure)
        definite = (low >= unsure) | (high <= -unsure)
        changed: Array = np.where(mixed[:, None], change, 0.0)
        return np.where((mixed | definite)[:, None], changed, np.abs(change))

    def _cost(
        self,
        heights: Float[Array, "b d"],
        cones: Float[Array, "b d d"],
        points: Float[Array, "b d"],
    ) -> Float[Array, " b"]:
        """||c||_* for the c in the direction of the points that is above the heights."""
        if self.space.entries:
            top: Array = np.maximum(heights.max(axis=1), 0.0)
            return top * (1 + self.space.error)
        normals = points @ self.space.metric
        along = np.einsum("bkd,bd->bk", cones, normals)
        along -= self.space.error * np.einsum(
            "bkd,bd->bk", np.abs(cones), np.abs(points) @ np.abs(self.space.metric)
        )
        ratio = np.where(along > 0, heights / np.where(along > 0, along, 1.0), np.inf)
        ratio = np.where(heights <= 0, 0.0, ratio)
        ratio = np.where((along > 0).all(axis=1, keepdims=True), ratio, np.inf)
        length = np.sqrt(np.maximum((normals * points).sum(axis=1), 0.0) * self.space.trace)
        bound: Array = ratio.max(axis=1) * length * (1 + self.space.error)
        return bound

    def edges(self, open_: Bool[Array, " b"]) -> Int[Array, " b"]:
        """The edge of each open cone whose middle brings most; -1 where all are too short."""
        chosen = np.full(len(open_), -1)
        d = self.cones.shape[1]
        which = np.flatnonzero(open_)
        if d == 1 or not len(which):
            return chosen
        cones, values = self.cones[which], self.values[which]
        scores = []
        for i, j in zip(*np.triu_indices(d, 1), strict=True):
            length = np.abs(cones[:, i] - cones[:, j]).max(axis=1)
            low, high = values[:, i], values[:, j]
            crossed = np.minimum(low, high) < 0
            crossed &= np.maximum(low, high) > 0
            between = np.abs(low) / np.where(crossed, np.abs(low - high), 1.0) * np.abs(high)
            gain = (between * crossed).sum(axis=1)
            score = gain + self.level_of_length * length**2
            scores.append(np.where(length > _SHORTEST, score, -np.inf))
        table = np.stack(scores, axis=1)
        best = table.argmax(axis=1)
        chosen[which] = np.where(np.isfinite(table.max(axis=1)), best, -1)
        return chosen

    @property
    def level_of_length(self) -> float:
        """What the norm adds to the error over an edge of length one: nothing for corners."""
        return self.search.level * self.search.least_norm * (1e-9 if self.space.entries else 1 / 8)


def _frame(metric: Metric) -> tuple[tuple[int, ...], ...]:
    """Integers near a multiple of Z^-1/2."""
    Z = _objects(metric.Z)
    values, vectors = np.linalg.eigh((Z / metric.trace).astype(float))
    root = vectors / np.sqrt(np.maximum(values, np.finfo(float).eps))
    root *= 2**_FRAME_BITS / np.linalg.norm(root, axis=0).min()
    return tuple(tuple(round(float(v)) for v in row) for row in root)


def _objects(rows: Sequence[Sequence[int]]) -> Array:
    return np.array([list(row) for row in rows], dtype=object)
