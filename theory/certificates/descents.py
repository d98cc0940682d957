"""Certificates of kind all-valleys: valleys, and why there are no more of them.

From every network a path that never rises leads to one of their networks. It goes straight to the
least point of its cell, which is one of the points, and on from each point straight to an earlier
one, in a cell that both are in. Of a neuron only s sigma(X u) is told, in columns; it is in all the
states that have these. What a point is least of is not told: its residual is a dual vector, which
says for each of these states whether the point is optimal there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain, combinations_with_replacement, product
from math import comb, prod

from theory.certificates import algebra, reading, states, work
from theory.certificates.algebra import Vector, mask
from theory.certificates.covering import Multisets
from theory.certificates.kinds import Checked, Kind
from theory.certificates.landscape import KINDS as LANDSCAPE
from theory.certificates.landscape import Certificate, Placed, has_matching
from theory.certificates.neurons import dot
from theory.certificates.reading import fail, show
from theory.problem import Problem


@dataclass(frozen=True)
class _Column:
    """Of a generator, without sign. states: by sign the set of those that have it."""

    entries: tuple[Fraction, ...]
    states: Mapping[int, int]


@dataclass(frozen=True)
class _Point:
    """holding: for each neuron the set of the states that it may be in. residual: y - f."""

    holding: list[int]
    residual: Sequence[Fraction]
    loss: Fraction


class _AllValleys(Certificate):
    def all_valleys(self) -> str:
        """Verify a certificate of kind "all-valleys"; returns what it proves."""
        if self.labelled:
            fail("labelled", "must be false: points are taken modulo permutation")
        if self.sigma.above * self.sigma.below < 0:
            fail("problem.activation", "folds: neurons of equal columns may be apart")
        if self.ball is not None and self.ball.name != "entrywise":
            fail("within", "must be null or an entrywise ball, where least losses are rational")
        said, networks = self.listed_valleys("exactly")
        self.everything = self.all_states()
        self.columns = self._read_columns()
        points = list(map(self._placed, networks))
        for k, entry in enumerate(reading.entries(self.fields["points"], "points")):
            points.append(self._point(entry, f"points[{k}]", points))
        self._check_served(points)
        return said

    def _read_columns(self) -> list[_Column]:
        entries = reading.entries(self.fields["columns"], "columns")
        generators = self._generators()
        words = 2 + len(self.arrangement.generators.points) // 64
        work.spend("states with a column", len(entries) * len(self.everything) * words)
        found = []
        for k, entry in enumerate(entries):
            vector = reading.vector(entry, f"columns[{k}]", self.problem.n)
            key: tuple[Fraction | int, ...] = vector
            if self.ball is not None:
                unit = self.image_scale * self.arrangement.corner_scale / self.ball.rho
                key = tuple(unit * v for v in vector)
            elif any(vector):
                key = algebra.primitive(algebra.integers(vector)[0])
            if key not in generators:
                fail(f"columns[{k}]", "is that of no generator")
            having = {
                sign: mask(
                    state.sign == sign and state.cone.generators & generators[key] != 0
                    for state in self.everything
                )
                for sign in (1, -1)
            }
            found.append(_Column(vector, having))
        return found

    def _generators(self) -> dict[tuple[Fraction | int, ...], int]:
        """By column, up to scale where there is no ball, the set of those that have it."""
        columns = self.arrangement.generators.columns
        work.spend("columns of generators", len(columns) * self.problem.n * work.kept())
        found: dict[tuple[Fraction | int, ...], int] = {}
        for i, column in enumerate(columns):
            if any(column):
                key = column if self.ball else algebra.primitive(column)
                found[key] = found.get(key, 0) | 1 << i
        return found

    def _placed(self, network: Placed) -> _Point:
        """A network, its neurons in all the closed cones that hold them."""
        walls = 8 + len(self.arrangement.names) // 64
        work.spend("states of points", self.width * len(self.everything) * walls)
        bits = work.lengths(self.problem.y)
        bits += sum(work.lengths(vector) for _, vector in network.outputs)
        work.spend("residuals", self.width * self.problem.n * work.rational(bits))
        holding, residual = [], list(self.problem.y)
        for (sign, vector), (on, off) in zip(network.outputs, network.sides, strict=True):
            holding.append(
                mask(
                    not sign
                    or (sign == state.sign and not on & ~state.cone.sides | off & state.cone.sides)
                    for state in self.everything
                )
            )
            pairs = zip(residual, vector, strict=True)
            residual = [r - Fraction(sign * self.sigma(v), self.sigma.unit) for r, v in pairs]
        return _Point(holding, residual, network.loss)

    def _point(self, value: object, where: str, earlier: Sequence[_Point]) -> _Point:
        """A point from which the straight way to an earlier one never rises."""
        document, next_ = reading.entries(value, where, 2)
        point = self._of_columns(document, f"{where}[0]")
        number = reading.index(next_, f"{where}[1]", len(earlier), "points before it")
        goal = earlier[number]
        if goal.loss > point.loss:
            fail(f"{where}[1]", f"{show(goal.loss)} there is above its loss {show(point.loss)}")
        pairs = self.width**2
        work.spend("cells of points", pairs * (4 + len(self.everything) // 64))
        options = [
            [k for k, theirs in enumerate(goal.holding) if own & theirs] for own in point.holding
        ]
        if not has_matching(options):
            fail(f"{where}[1]", f"no cell holds it and point {number}")
        return point

    def _of_columns(self, value: object, where: str) -> _Point:
        """Neurons that are left out are zero, and in every state."""
        neurons = reading.entries(value, where)
        if len(neurons) > self.width:
            fail(where, f"has {len(neurons)} neurons, but the width is {self.width}")
        everywhere = (1 << len(self.everything)) - 1
        work.spend("states of points", self.width * (4 + len(self.everything) // 64))
        holding = [everywhere] * self.width
        residual: Sequence[Fraction] = self.problem.y
        for j, neuron in enumerate(neurons):
            here = f"{where}[{j}]"
            sign, parts = reading.entries(neuron, here, 2)
            s = reading.sign(sign, here)
            weights = reading.multipliers(parts, f"{here}[1]", len(self.columns))
            if self.ball is not None and sum(weights.values()) > 1:
                fail(f"{here}[1]", "its coefficients are more than 1 together: outside the ball")
            for column, coefficient in weights.items():
                entries = self.columns[column].entries
                bits = work.lengths((*residual, coefficient)) + work.lengths(entries)
                each = work.rational(bits) + len(self.everything) // 64
                work.spend("residuals", 2 * len(entries) * each)
                holding[j] &= self.columns[column].states[s]
                pairs = zip(residual, entries, strict=True)
                residual = [r - s * coefficient * v for r, v in pairs]
            if not holding[j]:
                fail(f"{here}[1]", "no state has all these columns")
        bits = 2 * work.lengths(residual)
        work.spend("losses", 2 * len(residual) * work.rational(bits * len(residual)))
        return _Point(holding, residual, dot(residual, residual) / 2)

    def _check_served(self, points: Sequence[_Point]) -> None:
        """Each cell has one of the points, which is the least there."""
        cells = Multisets(len(self.everything), self.width)
        work.spend("cells", cells.count)
        served = bytearray(cells.count)
        self.cells += cells.count
        for point in points:
            for cell in self._products(self._serving(point)):
                served[cells.rank(cell)] = 1
        rank = served.find(0)
        if rank >= 0:
            missed = [self.everything[i] for i in cells.at(rank)]
            text = states.show_cell(missed, self.arrangement)
            fail("points", f"none is the least of the cell {text}")

    def _serving(self, point: _Point) -> list[Vector]:
        """For each neuron states such that the point is the least of all cells of them; none where
        it is the least of no cell."""
        work.spend("states of points", 8 * self.width * len(self.everything))
        holding = [list(algebra.bits(each)) for each in point.holding]
        used = sorted(set(chain(*holding)))
        parts = [(self.everything[i].sign, self.everything[i].cone.generators) for i in used]
        weights, limit = self.dual_of(point.residual).weigh(parts, point.loss, False)
        weight = dict(zip(used, weights, strict=True))
        least = [min(weight[i] for i in each) for each in holding]
        if sum(least) > limit:
            return []
        return [
            tuple(i for i in each if weight[i] == lowest)
            for each, lowest in zip(holding, least, strict=True)
        ]

    def _products(self, allowed: Sequence[Vector]) -> Iterator[Vector]:
        """The multisets with a state of each of the sets."""
        times = Counter(allowed)
        count = prod(comb(len(each) + n - 1, n) for each, n in times.items())
        work.spend("cells of points", count * (16 + 4 * self.width) if allowed else 0)
        choices = [combinations_with_replacement(each, n) for each, n in times.items()]
        for chosen in product(*choices) if allowed else ():
            yield tuple(sorted(chain(*chosen)))


def _checked(fields: Mapping[str, object], problem: Problem) -> Checked:
    certificate = _AllValleys(fields, problem)
    return certificate.checked(certificate.all_valleys())


KINDS = {
    "all-valleys": Kind((*LANDSCAPE["valleys"].fields, "columns", "points"), _checked),
}
