"""Certificates of kind `stationary`: around one network there is no lower one, at any n, d, width.

Near a network each neuron is in one of few states: on one side of the hyperplanes that its input
weights lie on, of one sign unless its output weight is zero. One dual vector nu, with multipliers
for each of these, bounds the objective in all cells around. Let sigma(z) = c z + b relu(z). Where
s b nu_k <= 0 both sides of row k are one: s b nu_k relu(z) <= -mu_k z for all z if
0 <= mu_k <= -s b nu_k.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import TypeAlias

from theory.certificates import algebra, balls, reading, work
from theory.certificates.algebra import Vector
from theory.certificates.balls import Penalty
from theory.certificates.cones import Arrangement
from theory.certificates.kinds import Checked, Kind
from theory.certificates.objective import Objective, Weights
from theory.certificates.reading import fail, show
from theory.problem import Problem

_FIELDS = ("format", "version", "kind", "problem", "within", "network", "slack", "dual")

_State: TypeAlias = tuple[int, int, str]
"""Neuron, sign and sigma."""


class Stationary:
    """A certificate of this kind; `statement` verifies it."""

    def __init__(self, fields: Mapping[str, object], problem: Problem) -> None:
        self.fields = fields
        self.problem = problem
        within = fields["within"]
        self.within = None if within is None else balls.read(within)
        self.objective = Objective(problem, self.within)
        self.X = self.objective.X
        self._sigma = self.objective.sigma
        self._jump = self._sigma.above - self._sigma.below

    def statement(self) -> str:
        """Verify everything; what is proved."""
        network = self.objective.read(self.fields["network"], None)
        outputs = self.objective.outputs(network)
        value = self.objective.value(network, outputs)
        slack = reading.rational(self.fields["slack"], "slack")
        if slack < 0:
            fail("slack", f"is {show(slack)}, but must not be negative")
        bound = self._bound(self.fields["dual"], network, outputs)
        if value - slack > bound:
            fail(
                "dual",
                f"proves {show(bound)} of the networks around, but {show(value)}, less the slack "
                f"{show(slack)}, is higher",
            )
        what = "loss and penalty" if isinstance(self.within, Penalty) else "loss"
        place = "" if self.within is None else str(self.within)
        if not slack:
            return (
                f"the network, of {what} {reading.show_above(value)}{place}, is a local minimum: "
                "no cell that holds it has a lower point"
            )
        return (
            f"the network has {what} {reading.show_above(value)}{place}, and no cell that holds it "
            f"has a point lower by more than {reading.show_above(slack)}"
        )

    def _states(self, j: int, sign: int, outputs: Sequence[int], nu: Vector) -> list[_State]:
        """The states of a neuron near the network: outputs are X w_j."""
        sigma = ["+" if v > 0 else "-" if v < 0 else "0" for v in outputs]
        rows = [k for k, v in enumerate(outputs) if not v and any(self.X[k])]
        split = [k for k in rows if sign * self._jump * nu[k] > 0]
        if not split:
            return [(j, sign, "".join(sigma))]
        around = Arrangement([self.X[k] for k in split], self._sigma)
        found = []
        for cone in around.cones():
            work.spend("states around the network", len(sigma) + work.kept())
            for k, side in zip(split, around.sigma(cone.sides), strict=True):
                sigma[k] = side
            found.append((j, sign, "".join(sigma)))
        return found

    def _bound(self, value: object, network: Weights, outputs: Sequence[Sequence[int]]) -> Fraction:
        """What the dual proves of networks around this one."""
        spectral = self.within is not None and self.within.spectral
        names = ("nu", "Z", "mu") if spectral else ("nu", "mu")
        fields = reading.fields(value, "dual", names)
        rationals = reading.vector(fields["nu"], "dual.nu", self.problem.n)
        proof = self.objective.loss.proof(rationals, "dual.nu")
        mu = self._multipliers(fields["mu"], len(outputs))
        everything = [*rationals, *(v for entries in mu.values() for v in entries.values())]
        flat, scale = algebra.integers(everything)
        nu = flat[: len(rationals)]
        cost = self.objective.cost(fields.get("Z"))
        if not any(nu):
            return Fraction()
        costs = []
        for j, own in enumerate(outputs):
            a = network.a[j]
            signs = [algebra.sign(a)] if a else [1, -1]
            states = [state for sign in signs for state in self._states(j, sign, own, nu)]
            columns = (self._column(nu, state, mu.pop(state, {}), scale) for state in states)
            costs.append(max(map(cost, columns)))
        for j, _, sigma in mu:
            fail("dual.mu", f"neuron {show(j)} has no state {show(sigma)} near the network")
        norms = self.within or Penalty("l2", Fraction(1))
        work.spend("costs of neurons", len(costs) * work.rational(work.lengths(costs)))
        return self.objective.bound(proof, norms.combined(costs) / scale)

    def _column(
        self, nu: Vector, state: _State, mu: Mapping[int, Fraction], scale: int
    ) -> list[int]:
        """w = s X^T D nu + X^T S mu, with S = -1 at rows on either side."""
        j, sign, sigma = state
        n, d = self.problem.n, self.problem.d
        bits = work.length(nu) + max(map(work.length, self.X)) + n.bit_length()
        work.spend("columns", (n + len(mu)) * d * work.integer(bits) + d * work.kept(bits))
        slopes = map(self._sigma.slope, sigma)
        factors = {k: sign * slope * nu[k] for k, slope in enumerate(slopes) if slope}
        for k, multiplier in mu.items():
            whole = self._sigma.unit * int(multiplier * scale)
            if sigma[k] == "0" and whole > -sign * self._jump * nu[k]:
                fail("dual.mu", f"the multiplier of neuron {j} at row {k} is too large")
            factors[k] = factors.get(k, 0) + (whole if sigma[k] == "+" else -whole)
        w = [0] * d
        for k, factor in factors.items():
            w = [v + factor * x for v, x in zip(w, self.X[k], strict=True)]
        return w

    def _multipliers(self, value: object, neurons: int) -> dict[_State, dict[int, Fraction]]:
        found: dict[_State, dict[int, Fraction]] = {}
        for i, entry in enumerate(reading.entries(value, "dual.mu")):
            where = f"dual.mu[{i}]"
            number, sign, sigma, pairs = reading.entries(entry, where, 4)
            j = reading.index(number, where, neurons, "neurons")
            state = (j, reading.sign(sign, where), reading.sigma(sigma, where, self.problem.n))
            if state in found:
                fail(where, "is a state for the second time")
            found[state] = reading.multipliers(pairs, f"{where}[3]", self.problem.n)
        return found


def _checked(fields: Mapping[str, object], problem: Problem) -> Checked:
    return Checked(Stationary(fields, problem).statement(), duals=1)


KINDS = {"stationary": Kind(_FIELDS, _checked)}
