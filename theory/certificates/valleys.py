"""Certificates of kind valleys, all-valleys and deep-valleys: so many valleys, and why there are no
more of them.

From every network a path that never rises, or by little, leads to one of their networks. It goes
straight to a point of its cell, and on from each point straight to an earlier one, in a cell that
both are in. A dual vector says for each state that its neurons may be in how low the cell may be.

Where least losses are rational, points are the least of cells; with the squared loss their
residuals are these vectors. Of a neuron only s sigma(X u) is told, in columns; it is in all the
states that have these.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from itertools import chain

from theory.certificates import algebra, balls, reading, states, work
from theory.certificates.algebra import Vector, mask
from theory.certificates.balls import Ball, Penalty
from theory.certificates.biases import BiasDual
from theory.certificates.covering import Multisets
from theory.certificates.kinds import Checked, Kind
from theory.certificates.landscape import (
    COMMON,
    Cell,
    Certificate,
    ConicDual,
    Dual,
    Placed,
    has_matching,
)
from theory.certificates.reading import fail, show
from theory.problem import Problem


class _Valleys(Certificate):
    """Valleys with a way out of each, of the loss or of that with the penalty."""

    def __init__(self, fields: Mapping[str, object], problem: Problem) -> None:
        super().__init__(fields, problem)
        if self.loss.exact or (self.within and not problem.has_free_part):
            return
        fail("problem.loss", "is logistic, which may have no least point but where all is bounded")

    def place(self, value: object) -> Ball | Penalty | None:
        """Penalties as well."""
        return None if value is None else balls.read(value, self.problem.bias)

    def statement(self) -> str:
        """Verify everything; what is proved."""
        return self.listed("at least")[0]

    def listed(self, many: str, depth: Fraction | None = None) -> tuple[str, list[Placed]]:
        """Verify that there are so many, deeper than `depth`; returns that, and their networks."""
        entries = reading.entries(self.fields["valleys"], "valleys")
        if not entries:
            fail("valleys", "is empty")
        names = ("network", "loss", "death", "into", "cut", "path")
        parts = [reading.fields(entry, f"valleys[{k}]", names) for k, entry in enumerate(entries)]
        bottoms = []
        for k, part in enumerate(parts):
            bottoms.append(self.network(part["network"], f"valleys[{k}].network"))
            loss = reading.rational(part["loss"], f"valleys[{k}].loss")
            self.require_loss(bottoms[k], loss, loss, f"valleys[{k}].network")
        for name in names[2:]:
            if parts[0][name] is not None:
                fail(f"valleys[0].{name}", "must be null: it is the lowest, with no way out")
        regions: list[set[Cell]] = [set()]
        heights = [Fraction()]
        for k, part in enumerate(parts[1:], 1):
            height, region = self._way_out(part, k, bottoms)
            regions.append(region)
            heights.append(height)
        least: Fraction | None = None
        for k in range(1, len(parts)):
            for i, bottom in enumerate(bottoms):
                between = self._between(k, i, bottom, regions, heights)
                if between is None:
                    continue
                rise = between - max(bottom.loss, bottoms[k].loss)
                if depth is not None and rise <= depth:
                    where = f"valleys[{k}].cut"
                    fail(where, f"is {show(rise)} above valleys {i} and {k}, not {show(depth)}")
                least = rise if least is None else min(least, rise)
        quotient = "" if self.labelled else " modulo permutation"
        said = (
            f"the loss at width {self.width}{self.within or ''} has {many} {len(parts)} "
            f"valley{'' if len(parts) == 1 else 's'}{quotient}"
        )
        if depth is not None:
            said += f" deeper than {show(depth)}"
        if least is not None:
            said += f", all but one at least {reading.show_below(least)} deep"
        return said, bottoms

    def _way_out(
        self, part: Mapping[str, object], k: int, bottoms: Sequence[Placed]
    ) -> tuple[Fraction, set[Cell]]:
        """The proved height of the way out of a valley, and the cells that it is closed in by."""
        where, bottom = f"valleys[{k}]", bottoms[k]
        least, most = self.range(part["death"], f"{where}.death")
        into = reading.index(part["into"], f"{where}.into", len(bottoms), "valleys")
        # Of bottoms that are as low, last digits decide where they are rounded.
        if into == k or (self.exact and bottoms[into].loss > bottom.loss):
            fail(f"{where}.into", f"valley {into} is no lower one")
        height, region = self.check_cut(part["cut"], f"{where}.cut")
        if height != least:
            fail(f"{where}.cut.value", f"is {show(height)}, but must be {show(least)}")
        if bottom.loss >= height:
            fail(f"{where}.network", f"its loss {show(bottom.loss)} is not below the cut")
        if not any(self.lies_in(bottom, cell) for cell in region):
            fail(f"{where}.cut.cells", "do not hold the network")
        if any(self.lies_in(bottoms[into], cell) for cell in region):
            fail(f"{where}.cut.cells", f"hold the network of valley {into} too")
        path = self.read_path(part["path"], f"{where}.path")
        self.require_same(path[0], bottom, f"{where}.path[0]", "its network")
        end = f"{where}.path[{len(path) - 1}]"
        self.require_same(path[-1], bottoms[into], end, f"that of valley {into}")
        reached = max(point.loss for point in path)
        if reached > most or (least == most != reached):
            fail(f"{where}.path", f"reaches {show(reached)}, but the way out is {show(most)}")
        return height, region

    def _between(
        self,
        k: int,
        i: int,
        bottom: Placed,
        regions: Sequence[set[Cell]],
        heights: Sequence[Fraction],
    ) -> Fraction | None:
        """What every path from the network of valley i, the bottom given, to that of valley k has
        to reach; None where it is the same valley, or known of k and i."""
        if i == k or (i and regions[i] < regions[k]):
            return None
        if i and not regions[i] & regions[k]:
            return max(heights[i], heights[k])
        where = f"valleys[{k}].cut.cells"
        if i and not regions[k] < regions[i]:
            fail(where, f"and those of valley {i} overlap, but neither holds the other")
        if any(self.lies_in(bottom, cell) for cell in regions[k]):
            fail(where, f"hold the network of valley {i} too")
        if bottom.loss >= heights[k]:
            fail(where, f"do not keep out valley {i}, whose network is not below the cut")
        return heights[k]


@dataclass(frozen=True)
class _Column:
    """Of a generator, without sign. states: by sign the set of those that have it. free: whether
    neurons may have any multiple of it, in a ball."""

    entries: tuple[Fraction, ...]
    states: Mapping[int, int]
    free: bool


@dataclass(frozen=True)
class _Point:
    """holding: for each neuron the set of the states that it may be in. top: the largest loss on
    the way from here to the network of a valley. dual: proves of cells that none is much lower;
    None: only that no loss is negative."""

    holding: list[int]
    top: Fraction
    dual: Dual | ConicDual | BiasDual | None


class _Points(_Valleys):
    """Points on ways to the networks of valleys, modulo permutation."""

    def __init__(self, fields: Mapping[str, object], problem: Problem) -> None:
        super().__init__(fields, problem)
        if self.labelled:
            fail("labelled", "must be false: points are taken modulo permutation")
        self.everything = self.all_states()

    def read_dual(self, value: object, where: str) -> Dual | ConicDual | BiasDual | None:
        """The dual of a number, or null."""
        if value is None:
            return None
        return self.duals[reading.index(value, where, len(self.duals), "duals")]

    def holding(self, network: Placed) -> list[int]:
        """For each neuron all the closed cones that hold it."""
        walls = 8 + len(self.arrangement.names) // 64
        work.spend("states of points", self.width * len(self.everything) * walls)
        return [
            mask(
                not sign
                or (sign == state.sign and not on & ~state.cone.sides | off & state.cone.sides)
                for state in self.everything
            )
            for (sign, _), (on, off) in zip(network.outputs, network.sides, strict=True)
        ]

    def next(
        self, value: object, where: str, holding: Sequence[int], earlier: Sequence[_Point]
    ) -> _Point:
        """An earlier point, in a cell that both are in."""
        number = reading.index(value, where, len(earlier), "points before it")
        goal = earlier[number]
        work.spend("cells of points", self.width**2 * (4 + len(self.everything) // 64))
        options = [[k for k, theirs in enumerate(goal.holding) if own & theirs] for own in holding]
        if not has_matching(options):
            fail(where, f"no cell holds it and point {number}")
        return goal

    def check_served(self, points: Sequence[_Point], depth: Fraction, what: str) -> None:
        """Each cell has a point from which the way reaches at most `depth` above what is proved of
        the cell."""
        cells = Multisets(len(self.everything), self.width)
        work.spend("cells", cells.count)
        served = bytearray(cells.count)
        self.cells += cells.count
        for point in points:
            for cell in self._served(point, point.top - depth):
                served[cells.rank(cell)] = 1
        rank = served.find(0)
        if rank >= 0:
            missed = [self.everything[i] for i in cells.at(rank)]
            text = states.show_cell(missed, self.arrangement)
            fail("points", f"none is {what} the cell {text}")

    def _served(self, point: _Point, least: Fraction) -> Iterator[Vector]:
        """The cells that the point is in and whose loss is proved to be at least so much."""
        work.spend("states of points", 8 * self.width * len(self.everything))
        holding = [list(algebra.bits(each)) for each in sorted(point.holding)]
        used = sorted(set(chain(*holding)))
        weights, limit = [0] * len(used), 0
        if least > 0:
            if point.dual is None:
                return
            parts = [(self.everything[i].sign, self.everything[i].cone.generators) for i in used]
            weights, limit = point.dual.weigh(parts, least, False)
        weight = dict(zip(used, weights, strict=True))
        options = [sorted((weight[i], i) for i in each) for each in holding]
        rest = [sum(each[0][0] for each in options[j:]) for j in range(self.width + 1)]
        stack: list[tuple[int, int, Vector]] = [(0, 0, ())]
        while stack:
            first, spent, chosen = stack.pop()
            j = len(chosen)
            if j == self.width:
                yield tuple(sorted(chosen))
                continue
            again = j + 1 < self.width and holding[j + 1] == holding[j]
            for i in range(first, len(options[j])):
                own, state = options[j][i]
                work.spend("cells of points", 16 + 4 * self.width)
                if spent + own + rest[j + 1] > limit:
                    break
                stack.append((i if again else 0, spent + own, (*chosen, state)))


class _AllValleys(_Points):
    """Where least losses are rational: exactly those that are listed."""

    def statement(self) -> str:
        """Verify everything; what is proved."""
        if self.sigma.above * self.sigma.below < 0:
            fail("problem.activation", "folds: neurons of equal columns may be apart")
        if not self.exact:
            fail("within", "must be null or an entrywise ball, where least losses are rational")
        said, networks = self.listed("exactly")
        self.columns = self._read_columns()
        points = [self._placed(each, f"valleys[{k}]") for k, each in enumerate(networks)]
        for k, entry in enumerate(reading.entries(self.fields["points"], "points")):
            points.append(self._point(entry, f"points[{k}]", points))
        self.check_served(points, Fraction(), "the least of")
        return said

    def _read_columns(self) -> list[_Column]:
        entries = reading.entries(self.fields["columns"], "columns")
        # Directions of free biases are the last generators.
        endless = self.arrangement.unbounded if isinstance(self.within, Ball) else 0
        bounded, free = (
            self._generators(which)
            for which in (self.arrangement.generators.all & ~endless, endless)
        )
        words = 2 + len(self.arrangement.generators.points) // 64
        work.spend("states with a column", len(entries) * len(self.everything) * words)
        found = []
        for k, entry in enumerate(entries):
            where, generators = f"columns[{k}]", bounded
            if endless and isinstance(entry, dict):
                where, generators = f"columns[{k}].free", free
                entry = reading.fields(entry, f"columns[{k}]", ("free",))["free"]
            vector = reading.vector(entry, where, self.problem.n)
            key: tuple[Fraction | int, ...] = vector
            if isinstance(self.within, Ball) and generators is bounded:
                unit = self.image_scale * self.arrangement.corner_scale / self.within.rho
                key = tuple(unit * v for v in vector)
            elif any(vector):
                key = algebra.primitive(algebra.integers(vector)[0])
            if key not in generators:
                fail(where, "is that of no generator")
            having = {
                sign: mask(
                    state.sign == sign and state.cone.generators & generators[key] != 0
                    for state in self.everything
                )
                for sign in (1, -1)
            }
            found.append(_Column(vector, having, free=generators is free))
        return found

    def _generators(self, which: int) -> dict[tuple[Fraction | int, ...], int]:
        """By column, up to scale where any multiple of it is allowed, the set of those of a set of
        generators that have it."""
        columns = self.arrangement.generators.columns
        work.spend("columns of generators", len(columns) * self.problem.n * work.kept())
        vertices = isinstance(self.within, Ball) and not which & self.arrangement.unbounded
        found: dict[tuple[Fraction | int, ...], int] = {}
        for i in algebra.bits(which):
            column = columns[i]
            if any(column):
                key = column if vertices else algebra.primitive(column)
                found[key] = found.get(key, 0) | 1 << i
        return found

    def _placed(self, network: Placed, where: str) -> _Point:
        """A network, its neurons in all the closed cones that hold them."""
        dual = None
        if self.loss.scales:
            bits = work.lengths(network.linear)
            bits += sum(work.lengths(vector) for _, vector in network.outputs)
            work.spend("residuals", self.width * self.problem.n * work.rational(bits))
            fit = network.linear
            for sign, vector in network.outputs:
                pairs = zip(fit, vector, strict=True)
                fit = tuple(f + Fraction(sign * self.sigma(v), self.sigma.unit) for f, v in pairs)
            dual = self.dual_of(self.loss.residual(fit), f"the residual of {where}")
        return _Point(self.holding(network), network.loss, dual)

    def _point(self, value: object, where: str, earlier: Sequence[_Point]) -> _Point:
        """A point from which the straight way to an earlier one never rises."""
        free = self.problem.has_free_part
        document, next_, *rest = reading.entries(value, where, 3 + free - self.loss.scales)
        linear: Sequence[Fraction] = ()
        if free:
            here = f"{where}[{1 + len(rest)}]"
            _, linear = reading.with_linear(rest.pop(), here, (), self.problem)
        holding, fit = self._of_columns(document, f"{where}[0]", linear)
        dual: Dual | ConicDual | BiasDual | None
        if self.loss.scales:
            dual = self.dual_of(self.loss.residual(fit), f"the residual of {where}")
        else:
            dual = self.read_dual(rest[0], f"{where}[2]")
        point = _Point(holding, self.loss.value(*algebra.integers(fit)), dual)
        goal = self.next(next_, f"{where}[1]", point.holding, earlier)
        if goal.top > point.top:
            fail(f"{where}[1]", f"{show(goal.top)} there is above its loss {show(point.top)}")
        return point

    def _of_columns(
        self, value: object, where: str, linear: Sequence[Fraction]
    ) -> tuple[list[int], tuple[Fraction, ...]]:
        """The states that neurons may be in, and f; those left out are zero, and in every one.

        linear: b, with c.
        """
        neurons = reading.entries(value, where)
        if len(neurons) > self.width:
            fail(where, f"has {len(neurons)} neurons, but the width is {self.width}")
        everywhere = (1 << len(self.everything)) - 1
        work.spend("states of points", self.width * (4 + len(self.everything) // 64))
        holding = [everywhere] * self.width
        free, scale = self.affine(linear)
        fit = tuple(Fraction(v, scale) for v in free)
        for j, neuron in enumerate(neurons):
            here = f"{where}[{j}]"
            sign, parts = reading.entries(neuron, here, 2)
            s = reading.sign(sign, here)
            weights = reading.multipliers(parts, f"{here}[1]", len(self.columns))
            counted = (v for column, v in weights.items() if not self.columns[column].free)
            if self.within is not None and sum(counted) > 1:
                fail(f"{here}[1]", "its coefficients are more than 1 together: outside the ball")
            for column, coefficient in weights.items():
                entries = self.columns[column].entries
                bits = work.lengths((*fit, coefficient)) + work.lengths(entries)
                each = work.rational(bits) + len(self.everything) // 64
                work.spend("fits of points", 2 * len(entries) * each)
                holding[j] &= self.columns[column].states[s]
                pairs = zip(fit, entries, strict=True)
                fit = tuple(f + s * coefficient * v for f, v in pairs)
            if not holding[j]:
                fail(f"{here}[1]", "no state has all these columns")
        return holding, fit


class _DeepValleys(_Points):
    """In every ball: those that are deeper than so much."""

    def statement(self) -> str:
        """Verify everything; what is proved."""
        depth = reading.rational(self.fields["depth"], "depth")
        if depth < 0:
            fail("depth", f"is {show(depth)}, but must not be negative")
        said, networks = self.listed("exactly", depth)
        points = [_Point(self.holding(each), each.loss, None) for each in networks]
        for k, entry in enumerate(reading.entries(self.fields["points"], "points")):
            points.append(self._point(entry, f"points[{k}]", points))
        self.check_served(points, depth, "nearly the least of")
        return said

    def _point(self, value: object, where: str, earlier: Sequence[_Point]) -> _Point:
        document, next_, number = reading.entries(value, where, 3)
        network = self.network(document, f"{where}[0]")
        holding = self.holding(network)
        goal = self.next(next_, f"{where}[1]", holding, earlier)
        dual = self.read_dual(number, f"{where}[2]")
        return _Point(holding, max(network.loss, goal.top), dual)


def _checked(fields: Mapping[str, object], problem: Problem, kind: type[_Valleys]) -> Checked:
    certificate = kind(fields, problem)
    return certificate.checked(certificate.statement())


KINDS = {
    "valleys": Kind((*COMMON, "valleys"), partial(_checked, kind=_Valleys)),
    "all-valleys": Kind(
        (*COMMON, "valleys", "columns", "points"), partial(_checked, kind=_AllValleys)
    ),
    "deep-valleys": Kind(
        (*COMMON, "valleys", "depth", "points"), partial(_checked, kind=_DeepValleys)
    ),
}
