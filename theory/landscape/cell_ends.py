"""Where trained networks have come to rest, where the landscape is too large for its merge tree.

Floats tell whether a run has the least loss of its cell, by one convex program for each cell; only
then is that point classified, with proof (`theory.landscape.classify`). Runs of one cell share it.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING, TypeAlias

from theory.errors import BudgetError, InputError, SolverFailure, Undecided
from theory.landscape.around import State, states_around
from theory.landscape.classify import Classifier, Verdict
from theory.landscape.ends import TOLERANCE, Kind, Naming
from theory.network import Network

if TYPE_CHECKING:
    from jaxtyping import Float

    from theory.types import Array

Place: TypeAlias = "tuple[tuple[tuple[int, tuple[int, ...]], ...], bool]"
"""Sign and sides of each neuron that does something, sorted; whether others are dead, not zero."""

_DIGITS = 10**12  # up to which denominators of losses are told
_ROUNDED = 1000  # parts of the tolerance, to which other losses are rounded up

_KINDS: dict[Verdict, Kind] = {
    "global minimum": "global",
    "local minimum": "minimum",
    "plateau": "plateau",
    # A neuron that has died, or is dying, does not escape.
    "escapes through a blank neuron": "plateau",
    # The least of a cell, with lower points beyond a wall that it is on.
    "saddle": "moving",
    "not stationary": "moving",
    "kink": "moving",
}


class CellEnds(Naming[Place]):
    """Names ends of runs by the cells that they are in: see `End`.

    The point of least loss of a cell is in the ball, and what is said of it is proved; runs may be
    a little outside. On walls only what is as low as that point is at it: runs that chatter on many
    kinks stay above. Losses of many digits are rounded up, by a thousandth of the tolerance at
    most. slack: by how much points around a local minimum may be lower, of all that were found.
    Arguments: see `Naming`. Raises InputError for a classifier of the loss without a ball.
    """

    chatter = False

    def __init__(
        self, classifier: Classifier, *, step: float, tolerance: float = TOLERANCE
    ) -> None:
        if classifier.within is None:
            raise InputError("classifier", "has no ball, but its optimizer has to be known")
        super().__init__(classifier.problem, classifier.within, step=step, tolerance=tolerance)
        self.classifier = classifier
        self.slack = Fraction()
        self._networks: dict[Place, tuple[Network, list[State]]] = {}  # a run in each cell
        self._estimates: dict[Place, float] = {}
        self._known: dict[Place, tuple[Fraction | None, Kind, int | None]] = {}

    def _cell(self, W: Float[Array, "d m"], a: Float[Array, " m"], Z: Float[Array, "n m"]) -> Place:
        network = Network.from_floats(W, a)
        data, sigma = self.classifier.program.data, self.problem.activation.value
        outputs, _ = data.outputs(network.neurons())
        idle = [
            not v or not any(map(sigma, own)) for v, own in zip(network.a, outputs, strict=True)
        ]
        busy = [j for j, each in enumerate(idle) if not each]
        states = states_around(data, network, self.classifier.max_cells, neurons=busy)
        cell = [own[0] for own in states]
        dead = any(
            any(u) for (_, u), each in zip(network.convex_coordinates(), idle, strict=True) if each
        )
        place = (tuple(sorted((state.sign, state.sides) for state in cell)), dead)
        self._networks.setdefault(place, (network, cell))
        return place

    def least(self, cell: Place) -> float:
        """The least loss of a cell that a run is in, in floats; nan where no solver finds it."""
        if cell not in self._estimates:
            self.classifier.progress("cells of runs, programs solved", len(self._estimates))
            try:
                estimate = self.classifier.program.estimate(self._networks[cell][1])
            except SolverFailure:
                estimate = math.nan
            self._estimates[cell] = estimate
        return self._estimates[cell]

    def place(self, cell: Place) -> tuple[Fraction | None, Kind, int | None]:
        """The least loss of a cell that a run is in, and what it is, by proof."""
        if cell not in self._known:
            try:
                self._known[cell] = self._classified(self._networks[cell][0])
            except (BudgetError, SolverFailure, Undecided):
                self._known[cell] = None, "undecided", None
        return self._known[cell]

    def _classified(self, network: Network) -> tuple[Fraction | None, Kind, int | None]:
        found = self.classifier.of(self.classifier.least_of_cell(network))
        kind = _KINDS[found.verdict]
        if kind == "moving":
            return None, kind, None
        if kind == "minimum":
            self.slack = max(self.slack, found.slack or Fraction())
        return self._rounded(found.loss), kind, None

    def _rounded(self, loss: Fraction) -> Fraction:
        if loss.denominator <= _DIGITS:
            return loss
        # A power of ten, so that it is short in decimals as well.
        parts = 10 ** max(0, math.ceil(math.log10(_ROUNDED / self._near)))
        return Fraction(math.ceil(loss * parts), parts)
