"""Components width by width: connectivity in a ball is not monotone in the width.

Setting: exact fits in the balls of AdamW, Muon, NGD and column norms, at widths 1, 2, ...

Claim: they can be connected, fall apart at the next width, and be connected again; from the
theorem's width on they stay connected.

Tight: counts are exact. The theorem's width suffices.

Predicted: critical radii for AdamW, landscapes for the other balls, with proofs.

Observed: all cells and faces in floating point for AdamW, radii in floating point for the other
balls, and the checker.

Source: Zhang, Kim, Zhang, Jiang, Pilanci, arXiv 2605.09991; `not-monotone`, `any-region`.

Note: proofs_notes/width-profile.md
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cache, lru_cache
from itertools import islice
from typing import Self

from theory.certificates import certify
from theory.claims.base import (
    VALID,
    Bounds,
    Claim,
    Observation,
    Prediction,
    Trainer,
    Value,
    Values,
    agree,
    proof,
)
from theory.claims.float_radii import EntrywiseFits
from theory.claims.instances import Instance, profiled
from theory.connectivity import (
    connected_from,
    minimal_counts,
    width_row,
)
from theory.connectivity.radius_profiles import longest_loss
from theory.errors import BudgetError, Interrupted
from theory.landscape import analyse
from theory.landscape.cells import CellComplex
from theory.types import Progress

Counts = tuple[tuple[int, ...], tuple[int, ...]]
"""Components at widths 1, 2, ...: modulo permutation, and labelled."""


@dataclass(frozen=True)
class WidthProfile(Claim):
    """The claim, on instances with the widths up to which to count."""

    instances: Mapping[Instance, int] = field(default_factory=profiled)

    id = "width-profile"
    source = (
        "Zhang, Kim, Zhang, Jiang, Pilanci, arXiv 2605.09991: connected at sufficiently large "
        "width; any-region in proofs_notes/width-profile.md"
    )

    statement = (
        "The exact fits in an optimizer's ball can be connected at one width, fall apart at "
        "the next, and be connected again: for AdamW, NGD and column norms neuron by neuron, "
        "for Muon modulo permutation of the neurons. From the theorem's width on they stay "
        "connected. For AdamW, at one width, the components are the same for all radii from "
        "one critical radius, inclusive, up to the next."
    )

    hypotheses = (
        "balls $||W|| <= R_W$, $||a|| <= R_a$, $rho = R_W R_a$; loss 0. 0 components: no exact fit "
        "in the ball",
        "AdamW: predicted from the radii at which components are born and merge, exactly; "
        "observed by all cells and faces of a list of its own, a linear program in floating "
        "point each",
        "Muon, NGD and column norms: predicted from landscapes, each cell and face decided by "
        "a fit in the ball or a dual vector; observed from radii in floating point, over the "
        "same list of cells and faces",
        "the theorem's width is put to the test where it is among the widths counted",
    )

    def quick(self) -> Self:
        """The first instance alone."""
        return replace(self, instances=dict(islice(self.instances.items(), 1)))

    def predict(self, progress: Progress) -> Prediction[None]:
        """Counts, the radii for which they hold, the theorem's bound, and proofs."""
        values: dict[str, Value] = {}
        certificates, problems = {}, {}
        proofs: dict[str, list[str]] = {}
        for instance, widths in self.instances.items():
            counts = _by_radii if instance.exact else _by_landscapes
            plain, labelled = counts(instance, widths, progress)
            values[_plain(instance)], values[_labelled(instance)] = plain, labelled
            bound = self.bound(instance)
            if bound is not None and bound <= widths:
                values[_last(instance)] = Bounds(Fraction(), Fraction(bound - 1))
            if instance.exact:
                here = instance.interval(instance.width)
                assert here.upper is not None
                values[_between(instance)] = (here.lower, here.upper)
            for width in range(max(1, instance.width - 1), min(widths, instance.width + 1) + 1):
                if plain[width - 1]:
                    name = f"{instance.label} width {width}"
                    certificates[name] = _certificate(instance, width, progress)
                    problems[name] = instance.problem
                    values[proof(name)] = VALID
                    proofs.setdefault(_plain(instance), []).append(name)
        return Prediction(values, certificates, problems, proofs=proofs)

    def observe(
        self, prediction: Prediction[None], train: Trainer, progress: Progress
    ) -> Observation[None]:
        """The same counts the other way, and the checker's verdict."""
        values: dict[str, Value] = prediction.verdicts()
        for instance, widths in self.instances.items():
            counts = _by_hand if instance.exact else _by_radii
            plain, labelled = counts(instance, widths, progress)
            values[_plain(instance)], values[_labelled(instance)] = plain, labelled
            if _last(instance) in prediction.values:
                split = (width for width, count in enumerate(labelled, 1) if count > 1)
                values[_last(instance)] = float(max(split, default=0))
            if instance.exact:
                fits = _fits(instance.data, instance.width)
                values[_between(instance)] = fits.interval(float(instance.rho))
        return Observation(values)

    def compare(self, predicted: Values, observed: Values) -> bool:
        """In each kind of ball some profile is not monotone, and theory and observation agree."""
        lost = {
            instance.optimizer
            for instance in self.instances
            if longest_loss(self.counts(predicted, instance)[0])
        }
        balls = {instance.optimizer for instance in self.instances}
        return lost == balls and agree(predicted, observed)

    def counts(self, values: Values, instance: Instance) -> Counts:
        """The components of one instance among predicted or observed values."""
        plain, labelled = values[_plain(instance)], values[_labelled(instance)]
        return plain, labelled  # type: ignore[return-value]

    def bound(self, instance: Instance) -> int | None:
        """The least width from which on connectivity is proved; None where there is none."""
        return _bound(instance)


def _by_radii(instance: Instance, widths: int, progress: Progress) -> Counts:
    """From the radii at which components are born and merge."""
    at = []
    for width in range(1, widths + 1):
        progress(f"critical radii, {instance.where}, width", width)
        at.append(instance.interval(width))
    return tuple(e.components for e in at), tuple(e.components_labelled for e in at)


def _by_hand(instance: Instance, widths: int, progress: Progress) -> Counts:
    """From all cells and faces, in floating point."""
    rho = float(instance.rho)
    found = []
    for width in range(1, widths + 1):
        progress(f"all cells and faces, {instance.where}, width", width)
        fits = _fits(instance.data, width)
        found.append([fits.components(rho, labelled=labelled) for labelled in (False, True)])
    plain, labelled = zip(*found, strict=True)
    return plain, labelled


_fits = lru_cache(maxsize=8)(EntrywiseFits)


def _by_landscapes(instance: Instance, widths: int, progress: Progress) -> Counts:
    """From the cells and faces of each width at the instance's radius."""
    cells = CellComplex.of(instance.problem, 1, labelled=True, within=instance.ball)
    rows = [
        width_row(
            CellComplex(cells.domain, width, labelled=True), level=Fraction(), progress=progress
        )
        for width in range(1, widths + 1)
    ]
    return tuple(row.components for row in rows), tuple(row.components_labelled for row in rows)


@cache
def _bound(instance: Instance) -> int | None:
    bound = connected_from(instance.problem, instance.ball)
    if not instance.exact or bound is None:
        return bound
    try:
        counts = minimal_counts(instance.problem, instance.ball)
    except BudgetError:
        return bound
    return min(bound, counts.connected_from)


def _certificate(instance: Instance, width: int, progress: Progress) -> dict[str, object]:
    found = analyse(instance.problem, width, level=0, within=instance.ball, progress=progress)
    if not found.complete:
        raise Interrupted
    return certify(found)


def _plain(instance: Instance) -> str:
    return f"components by width, modulo permutation, {instance.where}"


def _labelled(instance: Instance) -> str:
    return f"components by width, labelled, {instance.where}"


def _last(instance: Instance) -> str:
    return f"last disconnected width is below the theorem's, {instance.where}"


def _between(instance: Instance) -> str:
    return (
        f"radii from and below which the components at width {instance.width} are these, "
        f"{instance.where}"
    )
