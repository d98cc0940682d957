"""Certificates of kind minimum, barrier and components: landscapes, cell by cell.

The generators, rays of the arrangement or vertices in the ball, are numbered once, and a set of
them is an int with a bit for each. A column depends on its sign and generator only, so what a dual
does to a face follows from its products with the columns of all generators.

Balls that are no polytopes bring square roots into the bounds; these are rounded the safe way.

The search for cells that a cover leaves out is exponential in the width in the worst case.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from itertools import combinations
from math import ceil, comb, factorial, floor, isqrt, prod
from typing import NoReturn, TypeAlias

from theory.certificates import algebra, balls, covering, reading, states, work
from theory.certificates.algebra import Vector, dot, mask
from theory.certificates.balls import Ball, Penalty
from theory.certificates.biases import BiasDual
from theory.certificates.cones import Arrangement, Points
from theory.certificates.kinds import Checked, Kind
from theory.certificates.losses import Loss, Proof
from theory.certificates.reading import fail, show
from theory.certificates.states import State
from theory.problem import Problem

Cell: TypeAlias = tuple[int, ...]  # a state for each neuron, as indices into `states`
Face: TypeAlias = list[tuple[int, int]]  # sign and set of generators, for each neuron
Move: TypeAlias = "int | str"  # the row that names the wall crossed, or "sign"

COMMON = (
    *("format", "version", "kind", "problem", "width", "labelled", "within"),
    *("states", "duals"),
)
_FIELDS = {
    "minimum": (
        *("format", "version", "kind", "problem", "width", "within"),
        *("duals", "value", "network"),
    ),
    "barrier": (*COMMON, "value", "networks", "path", "cut"),
    "components": (
        *(*COMMON, "level", "minimum", "minimum_network", "minimum_cover", "components"),
        *("walls", "cover", "barriers", "cuts", "paths"),
    ),
}


def _move(value: object, where: str) -> Move:
    if value != "sign" and type(value) is not int:
        fail(where, f"the move must be a row or 'sign', not {show(value)}")
    return value if type(value) is int else "sign"


@dataclass(frozen=True)
class Dual:
    """A vector lam, in units in which all of these are integers: `unit` of them are one."""

    gain: int  # lam . y of the squared loss, else D(lam)
    norm: Fraction | None  # sum lam_k^2 / w_k, in units of lam alone; of the squared loss only
    unit: int
    products: list[int]  # lam . sigma(X v) for each generator v
    positive: dict[int, int]  # sign: set of the generators whose column has a positive product
    unbounded: int  # the set of the generators that are rays, not vertices in a ball

    def weight(self, sign: int, generators: int) -> int | None:
        """The most that a neuron spanned by the generators adds to lam . f; None: no limit."""
        hit = generators & self.positive[sign]
        if not hit:
            return 0
        work.spend("weights of neurons", 8 + hit.bit_length() // 16 + 2 * hit.bit_count())
        if hit & self.unbounded:
            return None
        return max(abs(self.products[i]) for i in algebra.bits(hit))

    def bound(self, face: Face) -> Fraction | None:
        """What lam proves about the loss on the face; None if the face is not covered."""
        rest = self.gain
        work.spend("bounds", len(face) * (8 + len(self.products) // 64))
        for sign, generators in face:
            weight = self.weight(sign, generators)
            if weight is None:
                return None
            rest -= weight
        if rest <= 0 or self.norm == 0:
            return Fraction()
        if self.norm is None:
            return Fraction(rest, self.unit)
        return Fraction(rest * rest, 2 * self.unit**2) / self.norm

    def weigh(self, parts: Face, least: Fraction, strict: bool) -> tuple[list[int], int]:
        """Weights of neurons, and a limit: lam proves a loss of at least `least` (or above it)
        where the sum of weights is within the limit. It is -1 where lam proves nothing.
        """
        work.spend("weights of states", len(parts) * (16 + len(self.products) // 64))
        limit = -1
        if self.norm is None:
            spare = self.gain - least * self.unit
            limit = max(limit, ceil(spare) - 1 if strict else floor(spare))
        elif self.norm:
            square = 2 * least * self.norm * self.unit**2  # (gain - weight)^2 has to reach it
            root = isqrt(ceil(square))
            while root * root < square or (strict and root * root == square):
                root += 1
            limit = max(limit, self.gain - root)
        weights = (self.weight(*part) for part in parts)
        return [limit + 1 if weight is None else weight for weight in weights], limit


class ConicDual:
    """A vector lam, with Z for spectral norms, in a ball that is no polytope.

    With nu the integers of lam let q be, where generators are rays, the maximum of 2 nu.f(u) -
    u^T Z u over a neuron's cone (Z = I without a Z), times tr Z if there is one; where they are
    vertices of |u_k| <= 1, the square of the largest nu.f(v), in units in which sigma(X u) is
    integer for integers. `Norms.combined` makes a dual norm of the q of all neurons. With the
    penalty as in the ball of ngd. image_scale: of sigma(X u).
    """

    def __init__(
        self,
        proof: Proof,
        Z: list[Vector] | None,
        image_scale: int,
        within: Ball | Penalty,
        generators: Points,
        corner_scale: int,
        unbounded: int = 0,
    ) -> None:
        """unbounded: the set of the generators without a length."""
        self.proof, self.Z, self.within = proof, Z, within
        self.nu, self.unit = proof.lam, image_scale * proof.unit
        self.generators = generators
        self.corner_scale = corner_scale  # of vertices, where generators are these
        self.unbounded = unbounded
        # Where biases are free lengths are those of the other weights.
        self._points = [u[:-1] for u in generators.points] if unbounded else generators.points
        self.trace = 1 if Z is None else sum(row[k] for k, row in enumerate(Z))
        self._maxima: dict[tuple[int, int], Fraction] = {}

    def _count(self, chosen: Sequence[int]) -> None:
        """Count the steps of `_maximum`, but for the elimination."""
        points = [self._points[i] for i in chosen]
        d = len(points[0]) if points else 0
        longest = max(map(work.length, (self.nu, *(self.Z or ()), *points)))
        each = work.integer(3 * longest + d.bit_length())
        work.spend("independent generators", 256 + len(chosen) * (len(self.nu) + d * d) * each)
        sizes = range(1, min(len(chosen), d) + 1)
        sets = [comb(len(chosen), size) for size in sizes]
        entries = sum(count * size**2 for count, size in zip(sets, sizes, strict=True))
        work.require("independent generators", entries * (d * each + work.rational(0)))
        work.spend("independent generators", entries * d * each + 64 * sum(sets))

    def _maximum(self, sign: int, generators: int) -> Fraction:
        """q: on rays attained on independent ones, where it is the unconstrained maximum."""
        if (sign, generators) not in self._maxima:
            chosen = list(algebra.bits(generators))
            if self.within.hidden == "entrywise":
                self._maxima[sign, generators] = self._largest(sign, chosen)
                return self._maxima[sign, generators]
            self._count(chosen)
            rays = [self._points[i] for i in chosen]
            gains = [sign * dot(self.nu, self.generators.columns[i]) for i in chosen]
            images = rays if self.Z is None else [tuple(dot(z, v) for z in self.Z) for v in rays]
            best = Fraction()
            for size in range(1, min(len(chosen), len(rays[0]) if rays else 0) + 1):
                for subset in combinations(range(len(chosen)), size):
                    b = [gains[i] for i in subset]
                    z = algebra.solve(
                        [[dot(rays[i], images[k]) for k in subset] for i in subset], b
                    )
                    if z is not None and min(z) >= 0:
                        best = max(
                            best, sum((v * g for v, g in zip(z, b, strict=True)), Fraction())
                        )
            self._maxima[sign, generators] = self.trace * best
        return self._maxima[sign, generators]

    def _largest(self, sign: int, chosen: Sequence[int]) -> Fraction:
        columns = [self.generators.columns[i] for i in chosen]
        bits = work.length(self.nu) + max(map(work.length, columns), default=0)
        work.spend("products with vertices", len(chosen) * len(self.nu) * work.integer(bits))
        most = max((sign * dot(self.nu, column) for column in columns), default=0)
        return Fraction(max(0, most), self.corner_scale) ** 2

    def _grows(self, sign: int, generators: int) -> bool:
        """Whether lam.f of a neuron does, along a direction without a length."""
        return any(
            sign * dot(self.nu, self.generators.columns[i]) > 0
            for i in algebra.bits(generators & self.unbounded)
        )

    def bound(self, face: Face) -> Fraction | None:
        """What lam proves about the loss on the face; None if it does not cover it."""
        if any(self._grows(*part) for part in face):
            return None
        maxima = [self._maximum(*part) for part in face]
        terms = 1 if len(self.within.shared) == 2 else len(face)
        return self._bound(self.within.combined(maxima), terms * work.lengths(maxima))

    def _bound(self, length: Fraction, bits: int) -> Fraction:
        """The same from the dual norm, of so many bits, of the columns."""
        work.spend("bounds", 2 * work.rational(bits + work.size(self.proof.gain) + 256))
        return self.within.bound(self.proof, length / self.unit)

    def weigh(self, parts: Face, least: Fraction, strict: bool) -> tuple[list[int], int]:
        """As for other duals."""
        layers = len(self.within.shared)
        if layers == 2:  # the heaviest neuron decides
            return self._allowed(parts, least, strict)
        assert isinstance(self.within, Ball)
        spare = self.unit * self.proof.height(least)
        if spare < 0:
            return [0] * len(parts), -1
        rho = self.within.rho
        costs: list[Fraction | None] = []
        for part in parts:
            q = self._maximum(*part)
            cost = rho**2 * q if layers == 1 else rho * algebra.root(q)
            costs.append(None if self._grows(*part) else cost)
        return covering.weigh(costs, spare**2 if layers == 1 else spare, strict=strict)

    def _allowed(self, parts: Face, least: Fraction, strict: bool) -> tuple[list[int], int]:
        """0 where the bound is high enough for a neuron, else 1; -1 where it never is, else 0."""

        def too_low(q: Fraction) -> bool:
            bound = self._bound(algebra.root(q), work.lengths([q]))
            return bound < least or (strict and bound == least)

        weights = [int(self._grows(*part) or too_low(self._maximum(*part))) for part in parts]
        return weights, -int(too_low(Fraction()))


@dataclass(frozen=True)
class Placed:
    outputs: list[tuple[int, tuple[Fraction, ...]]]  # sign a_j, 0 if the other is; |a_j| X w_j
    sides: list[tuple[int, int]]  # walls of which |a_j| w_j is on the positive, the negative side
    linear: tuple[Fraction, ...]  # b 1 + X c
    loss: Fraction  # with the penalty, if there is one, or a rational just above it
    least: Fraction  # or one just below it


@dataclass(frozen=True)
class _Component:
    minimum: tuple[Fraction, Fraction]
    representative: Placed
    cells: list[Cell]


class Certificate:
    """A certificate with its common fields read; a method for each kind verifies the rest."""

    def __init__(self, fields: Mapping[str, object], problem: Problem) -> None:
        self.fields = fields
        self.problem = problem
        self.loss = self.loss_of(problem)
        self.X, self.x_scale, _, _ = algebra.integer_form(problem)
        self.affine = algebra.Affine(problem)
        self.width = reading.width(fields["width"])
        labelled = fields.get("labelled", False)
        if not isinstance(labelled, bool):
            fail("labelled", f"must be true or false, not {show(labelled)}")
        self.labelled = labelled
        self.within = self.place(fields["within"])
        self.sigma = algebra.sigma_of(problem)
        self.image_scale = self.x_scale * self.sigma.unit  # of sigma(X u), for integers
        hidden = self.within.hidden if self.within else None
        free = isinstance(self.within, Ball) and self.within.free
        self.arrangement = Arrangement(self.X, self.sigma, hidden, free=free)
        self.state_index: dict[tuple[int, int], int] = {}
        self.states: list[State] = []
        for k, state in enumerate(reading.entries(fields.get("states", []), "states")):
            self._read_state(state, f"states[{k}]")
        duals = reading.entries(fields["duals"], "duals")
        self.duals = [self._dual(dual, f"duals[{k}]") for k, dual in enumerate(duals)]
        self.cells = self.faces = 0

    # The common fields.

    def loss_of(self, problem: Problem) -> Loss:
        """What dual vectors prove something of."""
        return Loss(problem)

    def place(self, value: object) -> Ball | Penalty | None:
        """The field `within`."""
        within = None if value is None else balls.read(value, self.problem.bias)
        if isinstance(within, Penalty) and self.fields["kind"] != "minimum":
            fail("within", "must be a ball: this is about the loss, without a penalty")
        return within

    def _read_state(self, value: object, where: str) -> None:
        sign, sigma = reading.entries(value, where, 2)
        state = states.read(sign, sigma, where, self.arrangement)
        if state.key in self.state_index:
            fail(where, f"repeats states[{self.state_index[state.key]}]")
        self.state_index[state.key] = len(self.states)
        self.states.append(state)

    @property
    def polyhedral(self) -> bool:
        """Whether neurons are combinations of generators, in a ball of sum at most one."""
        return self.within is None or self.within.name == "entrywise"

    @property
    def exact(self) -> bool:
        """Whether least losses are rational."""
        return self.polyhedral and self.loss.exact

    def _dual(self, value: object, where: str) -> Dual | ConicDual | BiasDual:
        if self.within is not None and not self.polyhedral:
            return self._conic_dual(value, where, self.within)
        return self.dual_of(reading.vector(value, where, self.problem.n), where)

    def dual_of(self, vector: Sequence[Fraction], where: str) -> Dual:
        """A dual vector without a metric."""
        proof = self.loss.proof(vector, where)
        nu = proof.lam
        columns = self.arrangement.generators.columns
        bits = work.length(nu) + max(map(work.length, columns), default=0)
        each = self.problem.n * work.integer(bits) + work.kept(bits) + 8
        work.spend("products of duals with generators", len(columns) * each)
        products = [dot(nu, column) for column in columns]
        positive = {1: mask(p > 0 for p in products), -1: mask(p < 0 for p in products)}
        gain, unit = proof.gain.numerator, proof.gain.denominator
        if isinstance(self.within, Ball):
            # A vertex of the ball is rho / corner_scale times an integer vector.
            rho = self.within.rho
            weigh = self.image_scale * self.arrangement.corner_scale * rho.denominator * proof.unit
            products = [p * rho.numerator * unit for p in products]
            gain, unit = gain * weigh, unit * weigh
        return Dual(gain, proof.norm, unit, products, positive, self.arrangement.unbounded)

    def _conic_dual(
        self, value: object, where: str, within: Ball | Penalty
    ) -> ConicDual | BiasDual:
        n, d = self.problem.n, self.problem.d
        bounded = isinstance(within, Ball) and within.bounded
        if isinstance(within, Ball) and within.biases != "decayed":
            d -= 1  # Z is of the weights that count
        Z = None
        if within.metric:
            fields = reading.fields(value, where, ("nu", "Z", *(["k"] if bounded else [])))
            proof = self.loss.proof(reading.vector(fields["nu"], f"{where}.nu", n), f"{where}.nu")
            rows = reading.symmetric(fields["Z"], f"{where}.Z", d)
            # A factor of Z is nothing but with k.
            entries, z_scale = algebra.integers([v for row in rows for v in row])
            Z = [entries[i * d : (i + 1) * d] for i in range(d)]
            if not algebra.is_positive(Z, definite=True):
                fail(f"{where}.Z", "is not positive definite")
            if isinstance(within, Ball) and within.bounded:
                if not within.spectral and not algebra.is_scalar(Z):
                    fail(f"{where}.Z", "is no multiple of the identity")
                k = reading.rational(fields["k"], f"{where}.k")
                if k < 0:
                    fail(f"{where}.k", f"is {show(k)}, but must not be negative")
                points = self.arrangement.generators
                return BiasDual(proof, Z, z_scale, k, self.image_scale, within, points)
        else:
            proof = self.loss.proof(reading.vector(value, where, n), where)
        points, scale = self.arrangement.generators, self.arrangement.corner_scale
        endless = self.arrangement.unbounded
        return ConicDual(proof, Z, self.image_scale, within, points, scale, endless)

    def network(self, value: object, where: str) -> Placed:
        d = self.problem.d
        columns, a, linear = reading.network(value, where, self.problem, self.width)
        flat, w_scale = algebra.integers([v for w in columns for v in w])
        weights, a_scale = algebra.integers(a)
        neurons = [flat[i : i + d] for i in range(0, len(flat), d)]
        bits = work.length(flat) + work.length(weights) + max(map(work.length, self.X))
        each = self.problem.d * work.integer(bits) + 2 * work.rational(bits) + work.kept(bits)
        work.spend("outputs of networks", self.width * self.problem.n * each)
        penalty = Fraction()
        if isinstance(self.within, Penalty):
            squares = Fraction(dot(flat, flat), w_scale**2) + Fraction(
                dot(weights, weights), a_scale**2
            )
            penalty = self.within.of(squares)
        elif self.within is not None and not self.within.holds(neurons, weights, w_scale * a_scale):
            fail(where, "the network lies outside the ball")
        activations = [tuple(dot(row, w) for row in self.X) for w in neurons]
        scale = self.x_scale * w_scale * a_scale
        outputs, sides = [], []
        for weight, activation in zip(weights, activations, strict=True):
            vector = tuple(Fraction(abs(weight) * v, scale) for v in activation)
            outputs.append((algebra.sign(weight) if any(vector) else 0, vector))
            on_walls = [vector[name] for name in self.arrangement.names]
            sides.append((mask(v > 0 for v in on_walls), mask(v < 0 for v in on_walls)))
        fit = tuple(
            sum(w * self.sigma(v[k]) for w, v in zip(weights, activations, strict=True))
            for k in range(self.problem.n)
        )
        free, free_scale = self.affine(linear)
        fit, scale = algebra.added(fit, scale * self.sigma.unit, free, free_scale)
        loss = self.loss.value(fit, scale)
        least = loss if self.loss.exact else self.loss.least(fit, scale)
        shift = tuple(Fraction(v, free_scale) for v in free)
        return Placed(outputs, sides, shift, loss + penalty, least + penalty)

    # Cells, faces and what covers them.

    def _read_cells(self, value: object, where: str) -> list[Cell]:
        cells: dict[Cell, int] = {}
        for i, entry in enumerate(reading.entries(value, where)):
            here = f"{where}[{i}]"
            cell = tuple(
                reading.index(state, f"{here}[{j}]", len(self.states), "states")
                for j, state in enumerate(reading.entries(entry, here, self.width))
            )
            if not self.labelled and any(cell[j] > cell[j + 1] for j in range(len(cell) - 1)):
                fail(here, f"{show(list(cell))} must be sorted, as it is not labelled")
            if cell in cells:
                fail(here, f"repeats {where}[{cells[cell]}]")
            cells[cell] = i
        self.cells += len(cells)
        return list(cells)

    def _face_of(self, cell: Cell) -> Face:
        """The whole cell as a face."""
        return [(self.states[i].sign, self.states[i].cone.generators) for i in cell]

    def _moves(self, cell: Cell) -> Iterator[tuple[int, Move, int, Cell | None]]:
        """Position, move, generators left to its neuron, and the cell it leads to.

        None stands for cells with a state that is not listed: they are in no list of cells.
        """
        for position, i in enumerate(cell):
            facets = len(self.states[i].cone.facets)
            work.spend("moves between cells", (1 + facets) * (4 * self.width + 64))
            if not self.labelled and position and cell[position - 1] == i:
                continue
            sign, cone = self.states[i].sign, self.states[i].cone
            moves: list[tuple[Move, int, tuple[int, int]]] = [("sign", 0, (-sign, cone.sides))]
            moves += [(k, left, (sign, across)) for k, (left, across) in cone.facets.items()]
            for move, left, neighbour in moves:
                state = self.state_index.get(neighbour)
                if state is None:
                    yield position, move, left, None
                    continue
                target = (*cell[:position], state, *cell[position + 1 :])
                yield position, move, left, target if self.labelled else tuple(sorted(target))

    def _check_faces(
        self,
        value: object,
        where: str,
        cells: Mapping[Vector, Cell],
        crosses: Callable[[Vector, Cell | None], bool],
        direction: str,
        least: Fraction,
        strict: bool,
    ) -> None:
        """Verify a list of [*key, position, move, dual].

        It must hold every move from cells[key] to a cell that `crosses` accepts, in the `direction`
        so described, once and nothing else, with a dual that covers the face with a bound of at
        least `least` (strict: above it).
        """
        expected: dict[tuple[Vector, int, Move], int] = {}
        for key, cell in cells.items():
            for position, move, left, target in self._moves(cell):
                if crosses(key, target):
                    expected[key, position, move] = left
        entries = reading.entries(value, where)
        seen: set[tuple[Vector, int, Move]] = set()
        for k, entry in enumerate(entries):
            here = f"{where}[{k}]"
            *numbers, third, last = reading.entries(entry, here, len(next(iter(cells), (0,))) + 3)
            *ahead, position = (reading.integer(v, f"{here}[{i}]") for i, v in enumerate(numbers))
            key, move = tuple(ahead), _move(third, here)
            dual = reading.index(last, f"{here}[{len(numbers) + 1}]", len(self.duals), "duals")
            if key not in cells:
                fail(here, f"there is no cell {show(ahead)}")
            face = (key, position, move)
            if face not in expected:
                self._explain_no_face(here, cells[key], position, move, direction)
            if face in seen:
                fail(here, "is listed twice")
            seen.add(face)
            parts = self._face_of(cells[key])
            parts[position] = (parts[position][0], expected[face])
            bound = self.duals[dual].bound(parts)
            if bound is None:
                fail(here, f"dual {dual} does not cover the face")
            self._require_bound(bound, dual, least, strict, here)
        for key, position, move in expected:
            if (key, position, move) not in seen:
                fail(where, f"leaves out cell {list(key)}, position {position}, move {move!r}")
        self.faces += len(entries)

    def _explain_no_face(
        self, here: str, cell: Cell, position: int, move: Move, direction: str
    ) -> NoReturn:
        if not 0 <= position < self.width:
            fail(here, f"position {show(position)} is not one of {self.width} neurons")
        if not self.labelled and position and cell[position - 1] == cell[position]:
            fail(here, f"position {position} repeats the state before it; only the first moves")
        cone = self.states[cell[position]].cone
        if move != "sign" and move not in cone.facets:
            sigma = self.arrangement.sigma(cone.sides)
            fail(here, f"row {show(move)} names no facet of the cone {sigma}")
        fail(here, f"the move {move!r} of position {position} does not lead {direction}")

    def _read_duals(
        self, value: object, where: str, least: Fraction, strict: bool
    ) -> list[Dual | ConicDual | BiasDual]:
        """Duals, by their indices, with bounds of at least `least`, or above it."""
        duals = []
        for k, entry in enumerate(reading.entries(value, where)):
            index = reading.index(entry, f"{where}[{k}]", len(self.duals), "duals")
            duals.append(self.duals[index])
            # Neurons that are zero leave the most.
            self._require_bound(duals[-1].bound([]), index, least, strict, f"{where}[{k}]")
        return duals

    def _require_bound(
        self, bound: Fraction | None, dual: int, least: Fraction, strict: bool, where: str
    ) -> None:
        if bound is None or bound < least or (strict and bound == least):
            needed = f"not {'above' if strict else 'at least'} {show(least)}"
            fail(where, f"the bound {show(bound)} of dual {dual} is {needed}")

    def all_states(self) -> list[State]:
        """Those that are listed, and then the others."""
        found = list(self.states)
        for cone in self.arrangement.cones():
            both = (State(s, cone) for s in (1, -1))
            found += [state for state in both if state.key not in self.state_index]
        return found

    def _check_cover(
        self,
        where: str,
        duals: Sequence[Dual | ConicDual | BiasDual],
        least: Fraction,
        strict: bool,
        listed: Collection[Cell],
        exempt: str,
    ) -> None:
        """Each cell is listed, or one of the duals proves a loss of at least `least` on it.

        strict: above `least`.
        """
        work.spend("listed cells", 4 * self.width * len(listed))
        everything = self.all_states()
        orders = Counter(tuple(sorted(cell)) for cell in listed)
        parts = [(state.sign, state.cone.generators) for state in everything]
        weighed = [dual.weigh(parts, least, strict) for dual in duals]
        weights, limits = [own for own, _ in weighed], [limit for _, limit in weighed]
        for multiset in covering.escaping(len(everything), weights, limits, self.width):
            repeats = Counter(multiset).values()
            needed = 1
            if self.labelled:
                work.spend("orders of cells", 1 + self.width**2 // 64)
                needed = factorial(self.width) // prod(map(factorial, repeats))
            if orders[multiset] < needed:
                text = states.show_cell([everything[i] for i in multiset], self.arrangement)
                fail(where, f"no dual covers the cell {text}, {exempt}")

    def lies_in(self, network: Placed, cell: Cell) -> bool:
        """Whether neurons can be assigned to the states of the cell; in place if labelled."""

        def fits(neuron: int, i: int) -> bool:
            sign, (positive, negative) = network.outputs[neuron][0], network.sides[neuron]
            state = self.states[i]
            if sign == 0:
                return True
            outside = positive & ~state.cone.sides | negative & state.cone.sides
            return sign == state.sign and not outside

        neurons = range(self.width)
        pairs = self.width if self.labelled else self.width**2
        work.spend("cells of networks", pairs * (8 + len(self.arrangement.names) // 64))
        if self.labelled:
            return all(fits(j, cell[j]) for j in neurons)
        return has_matching([[p for p in neurons if fits(j, cell[p])] for j in neurons])

    def range(self, value: object, where: str) -> tuple[Fraction, Fraction]:
        """A value, or bounds of it where it may not be rational."""
        if isinstance(value, list) and self.exact:
            fail(where, "must be one rational, as it can be known exactly")
        return reading.interval(value, where)

    def require_loss(self, net: Placed, lower: Fraction, upper: Fraction, where: str) -> None:
        if net.loss > upper or (self.loss.exact and lower == upper != net.loss):
            fail(where, f"its loss is {show(net.loss)}, not {show(upper)}")

    def _require_in(self, network: Placed, cells: Sequence[Cell], index: int, where: str) -> None:
        if not self.lies_in(network, cells[index]):
            fail(where, f"the network does not lie in cell {index}")

    # Paths and cuts.

    def read_path(self, value: object, where: str) -> list[Placed]:
        """The breakpoints, after verifying that f is affine between them."""
        points = [
            self.network(v, f"{where}[{k}]") for k, v in enumerate(reading.entries(value, where))
        ]
        if not points:
            fail(where, "has no breakpoints")
        for k in range(1, len(points)):
            before, after = points[k - 1], points[k]
            for j in range(self.width):
                (old_sign, old), (sign, new) = before.outputs[j], after.outputs[j]
                if old_sign * sign < 0:
                    fail(f"{where}[{k}]", f"neuron {j} changes its sign without being zero")
                for row, (v, w) in enumerate(zip(old, new, strict=True)):
                    if v * w < 0:
                        fail(f"{where}[{k}]", f"neuron {j} crosses the hyperplane of row {row}")
        return points

    def require_same(self, end: Placed, network: Placed, where: str, what: str) -> None:
        """Equal up to rescaling, and up to a permutation of neurons unless labelled."""
        same = end.outputs == network.outputs
        if not same and not self.labelled:
            same = Counter(end.outputs) == Counter(network.outputs)
        if not same:
            fail(where, f"is not {what}, up to rescaling{'' if self.labelled else ' and order'}")
        if end.linear != network.linear:
            fail(where, f"its b or c is not that of {what}")

    def check_cut(self, value: object, where: str) -> tuple[Fraction, set[Cell]]:
        fields = reading.fields(value, where, ("value", "cells", "faces"))
        height = reading.rational(fields["value"], f"{where}.value")
        cells = self._read_cells(fields["cells"], f"{where}.cells")
        inside = set(cells)
        self._check_faces(
            fields["faces"],
            f"{where}.faces",
            {(i,): cell for i, cell in enumerate(cells)},
            lambda _, target: target not in inside,
            "out of the cut",
            height,
            strict=False,
        )
        return height, inside

    # The kinds.

    def checked(self, said: str) -> Checked:
        """That it is valid, and says this."""
        return Checked(said, self.cells, self.faces, len(self.duals))

    def barrier(self) -> str:
        """Verify a certificate of kind "barrier"; returns what it proves."""
        least, value = self.range(self.fields["value"], "value")
        entries = reading.entries(self.fields["networks"], "networks", 2)
        first, second = (self.network(v, f"networks[{k}]") for k, v in enumerate(entries))
        path = self.read_path(self.fields["path"], "path")
        self.require_same(path[0], first, "path[0]", "the first network")
        self.require_same(path[-1], second, f"path[{len(path) - 1}]", "the second network")
        for k, point in enumerate(path):
            if point.loss > value:
                fail(f"path[{k}]", f"its loss {show(point.loss)} is above {show(value)}")
        if self.fields["cut"] is None:
            larger = max(first.least, second.least)
            if least > larger or (self.loss.exact and least != larger):
                fail("value", f"is {show(least)}, but without a cut it must be {show(larger)}")
        else:
            for k, network in enumerate((first, second)):
                if network.loss >= least:
                    fail(f"networks[{k}]", f"its loss {show(network.loss)} is not below the cut")
            height, inside = self.check_cut(self.fields["cut"], "cut")
            if height != least:
                fail("cut.value", f"is {show(height)}, but must be {show(least)}")
            holds = [any(self.lies_in(net, cell) for cell in inside) for net in (first, second)]
            if holds[0] == holds[1]:
                which = "both networks" if holds[0] else "neither network"
                fail("cut.cells", f"hold {which}; they must separate one from the other")
        quotient = "" if self.labelled else " modulo permutation"
        return (
            f"the minimax barrier{quotient} at width {self.width}{self.within or ''} is "
            f"{reading.show_interval((least, value))}"
        )

    def minimum(self) -> str:
        """Verify a certificate of kind "minimum"; returns what it proves."""
        lower, upper = self.range(self.fields["value"], "value")
        network = self.network(self.fields["network"], "network")
        self.require_loss(network, lower, upper, "network")
        if lower > 0:
            for k, dual in enumerate(self.duals):
                self._require_bound(dual.bound([]), k, lower, False, f"duals[{k}]")
            self._check_cover("duals", self.duals, lower, False, (), "as one has to")
        elif self.duals:
            fail("duals", "must be empty, as nothing is to be proved")
        return (
            f"the least loss at width {self.width}{self.within or ''} is "
            f"{reading.show_interval((lower, upper))}"
        )

    def components(self) -> str:
        """Verify a certificate of kind "components"; returns what it proves."""
        level = reading.rational(self.fields["level"], "level")
        minimum, least_found = self.range(self.fields["minimum"], "minimum")
        if level < least_found:
            fail("level", f"is {show(level)}, below the minimum {show(least_found)}")
        best = self.network(self.fields["minimum_network"], "minimum_network")
        self.require_loss(best, minimum, least_found, "minimum_network")
        floor = self._read_duals(self.fields["minimum_cover"], "minimum_cover", minimum, False)
        if minimum > 0:
            exempt = "which may be below the minimum"
            self._check_cover("minimum_cover", floor, minimum, False, (), exempt)
        elif floor:
            fail("minimum_cover", "must be empty, as the minimum is 0")
        entries = reading.entries(self.fields["components"], "components")
        parts = [self._component(entry, i, level, minimum) for i, entry in enumerate(entries)]
        home: dict[Cell, int] = {}
        for i, part in enumerate(parts):
            for k, cell in enumerate(part.cells):
                if cell in home:
                    fail(f"components[{i}].cells[{k}]", f"is a cell of component {home[cell]} too")
                home[cell] = i
        self._check_faces(
            self.fields["walls"],
            "walls",
            {(i, k): cell for i, part in enumerate(parts) for k, cell in enumerate(part.cells)},
            lambda key, target: target is not None and home.get(target, -1) > key[0],
            "to a later component",
            level,
            strict=True,
        )
        cover = self._read_duals(self.fields["cover"], "cover", level, True)
        orders = " in every order" if self.labelled else ""
        exempt = f"and no component lists it{orders}"
        self._check_cover("cover", cover, level, True, home, exempt)
        rows = reading.entries(self.fields["barriers"], "barriers", len(parts))
        barriers = [
            [
                self.range(value, f"barriers[{i}][{j}]")
                for j, value in enumerate(reading.entries(row, f"barriers[{i}]", len(parts)))
            ]
            for i, row in enumerate(rows)
        ]
        self._check_barriers(barriers, parts, level)
        count = f"{len(parts)} component{'' if len(parts) == 1 else 's'}"
        quotient = "" if self.labelled else " modulo permutation"
        heights = sorted({barriers[i][j] for i in range(len(parts)) for j in range(i)})
        between = ""
        if len(heights) == 1:
            between = f" with barrier {reading.show_interval(heights[0])}"
        elif heights:
            lowest, highest = (
                reading.show_interval(height) for height in (heights[0], heights[-1])
            )
            between = f" with barriers from {lowest} to {highest}"
        return (
            f"{{L <= {level}}} has {count}{quotient} at width {self.width}{self.within or ''}"
            f"{between}, and the global minimum is {reading.show_interval((minimum, least_found))}"
        )

    def _component(self, value: object, i: int, level: Fraction, lowest: Fraction) -> _Component:
        where = f"components[{i}]"
        names = ("minimum", "representative", "cells", "links", "floor")
        fields = reading.fields(value, where, names)
        minimum, found = self.range(fields["minimum"], f"{where}.minimum")
        if found > level:
            fail(f"{where}.minimum", f"is {show(found)}, above the level {show(level)}")
        representative = self.network(fields["representative"], f"{where}.representative")
        self.require_loss(representative, minimum, found, f"{where}.representative")
        cells = self._read_cells(fields["cells"], f"{where}.cells")
        if not cells:
            fail(f"{where}.cells", "is empty")
        self._require_in(representative, cells, 0, f"{where}.representative")
        links = reading.entries(fields["links"], f"{where}.links", len(cells) - 1)
        for k, link in enumerate(links):
            here = f"{where}.links[{k}]"
            head, tail, document = reading.entries(link, here, 3)
            if reading.integer(head, f"{here}[0]") != k + 1:
                fail(f"{here}[0]", f"is {show(head)}, but must be {k + 1}")
            earlier = reading.index(tail, f"{here}[1]", k + 1, "earlier cells")
            network = self.network(document, f"{here}[2]")
            if network.loss > level:
                fail(f"{here}[2]", f"its loss {show(network.loss)} is above {show(level)}")
            self._require_in(network, cells, k + 1, f"{here}[2]")
            self._require_in(network, cells, earlier, f"{here}[2]")
        floor = self._read_duals(fields["floor"], f"{where}.floor", minimum, False)
        if minimum in (0, lowest):
            if floor:
                fail(f"{where}.floor", "must be empty, as the minimum is 0 or the global one")
        else:
            for k, cell in enumerate(cells):
                bounds = (dual.bound(self._face_of(cell)) for dual in floor)
                if not any(bound is not None and bound >= minimum for bound in bounds):
                    fail(f"{where}.floor", f"no dual covers cell {k}")
        return _Component((minimum, found), representative, cells)

    def _check_barriers(
        self,
        barriers: list[list[tuple[Fraction, Fraction]]],
        parts: list[_Component],
        level: Fraction,
    ) -> None:
        cuts = []
        for k, entry in enumerate(reading.entries(self.fields["cuts"], "cuts")):
            height, inside = self.check_cut(entry, f"cuts[{k}]")
            if height <= level:
                fail(f"cuts[{k}].value", f"is {show(height)}, not above {show(level)}")
            cuts.append((height, [part.cells[0] in inside for part in parts]))
        cuts.sort(reverse=True)
        upper = self._minimax(parts)
        work.spend("barriers", len(barriers) ** 2 * (8 + 2 * len(cuts)))
        for i, row in enumerate(barriers):
            for j, claimed in enumerate(row):
                where = f"barriers[{i}][{j}]"
                if i == j:
                    if claimed != parts[i].minimum:
                        told, least = (
                            reading.show_interval(claimed),
                            reading.show_interval(parts[i].minimum),
                        )
                        fail(where, f"is {told}, but the component's minimum is {least}")
                    continue
                lower = next((h for h, inside in cuts if inside[i] != inside[j]), None)
                if lower is None:
                    fail(where, "no cut separates the components")
                reached = upper[i][j]
                if reached is None:
                    fail(where, "no paths join the components")
                if claimed[0] > lower or (claimed[0] == claimed[1] != lower):
                    fail(where, f"is {show(claimed[0])}, but the highest cut is {show(lower)}")
                if reached > claimed[1] or (claimed[0] == claimed[1] != reached):
                    fail(where, f"is {show(claimed[1])}, but the paths reach {show(reached)}")

    def _minimax(self, parts: list[_Component]) -> list[list[Fraction | None]]:
        """The least over chains of paths of the largest loss on them; None where there is none."""
        edges = []
        for k, entry in enumerate(reading.entries(self.fields["paths"], "paths")):
            where = f"paths[{k}]"
            fields = reading.fields(entry, where, ("from", "to", "breakpoints"))
            i, j = (
                reading.index(fields[end], f"{where}.{end}", len(parts), "components")
                for end in ("from", "to")
            )
            points = self.read_path(fields["breakpoints"], f"{where}.breakpoints")
            for point, at, c in ((points[0], 0, i), (points[-1], len(points) - 1, j)):
                what = f"the representative of component {c}"
                end = f"{where}.breakpoints[{at}]"
                self.require_same(point, parts[c].representative, end, what)
            edges.append((max(point.loss for point in points), i, j))
        # Kruskal: the first path to join two groups is the lowest between their members.
        upper: list[list[Fraction | None]] = [[None] * len(parts) for _ in parts]
        group = [[i] for i in range(len(parts))]
        for loss, i, j in sorted(edges):
            if group[i] is group[j]:
                continue
            for a in group[i]:
                for b in group[j]:
                    upper[a][b] = upper[b][a] = loss
            merged = group[i] + group[j]
            for member in merged:
                group[member] = merged
        return upper


def has_matching(options: Sequence[Sequence[int]]) -> bool:
    """Whether each neuron can have a position of its own among its options (augmenting paths)."""
    owner: dict[int, int] = {}
    seat: dict[int, int] = {}
    for start in range(len(options)):
        work.spend("cells of networks", 4 * sum(map(len, options)))
        reached_from: dict[int, int] = {}
        queue = [start]
        free = None
        for neuron in queue:
            for position in options[neuron]:
                if position not in reached_from:
                    reached_from[position] = neuron
                    if position not in owner:
                        free = position
                        break
                    queue.append(owner[position])
            if free is not None:
                break
        while free is not None:
            neuron = reached_from[free]
            owner[free] = neuron
            left = seat.get(neuron)
            seat[neuron] = free
            free = left
        if start not in seat:
            return False
    return True


def _checked(
    fields: Mapping[str, object], problem: Problem, statement: Callable[[Certificate], str]
) -> Checked:
    certificate = Certificate(fields, problem)
    return certificate.checked(statement(certificate))


KINDS = {
    "minimum": Kind(_FIELDS["minimum"], partial(_checked, statement=Certificate.minimum)),
    "barrier": Kind(_FIELDS["barrier"], partial(_checked, statement=Certificate.barrier)),
    "components": Kind(_FIELDS["components"], partial(_checked, statement=Certificate.components)),
}
