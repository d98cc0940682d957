"""Both optimizers of a meeting, trained: counts at planted networks, and runs from the witness."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from numerics.studies.meetings import row
from numerics.training.meetings import INSIDE, TOLERANCE, TrainedMeeting, train_meeting
from theory.errors import InputError, Interrupted
from theory.loading import example
from theory.regions import Meeting, Regions, optimizer_regions

TWO = example("two-regions")
FITTED = float(TOLERANCE * sum(v * v for v in TWO.y))  # the loss that counts as zero


@pytest.fixture(scope="module")
def found() -> Regions:
    return optimizer_regions(TWO, ("adamw", "muon"), 2)


@pytest.fixture(scope="module")
def overlap(found: Regions) -> Meeting:
    return found.at(Fraction(3, 5), Fraction(17, 10))


@pytest.fixture(scope="module")
def trained(overlap: Meeting) -> TrainedMeeting:
    return train_meeting(overlap, seeds=4, steps=400, stay_steps=500)


def planted(
    trained: TrainedMeeting, *networks: tuple[list[list[float]], list[float]]
) -> TrainedMeeting:
    """The same, with these networks at the end of the first optimizer's runs."""
    W, a = (np.array(layer) for layer in zip(*networks, strict=True))
    fits = (np.maximum(np.array(TWO.X, dtype=float) @ W, 0) @ a[..., None])[..., 0]
    loss = ((fits - np.array(TWO.y, dtype=float)) ** 2).sum(axis=1) / 2
    first = replace(trained.results[0], W=W, a=a, loss=loss)
    return replace(trained, results=(first, trained.results[1]))


def equal_neurons(alpha: float, scale: float = 1.0) -> tuple[list[list[float]], list[float]]:
    """u_1 = u_2 = (1/2, 1/2) fits exactly; scaled in both layers."""
    a = math.sqrt(alpha)
    return [[scale / 2 / a] * 2] * 2, [scale * a] * 2


def test_planted_networks_are_counted(trained: TrainedMeeting) -> None:
    """AdamW's ball takes alpha from 5/12 to 3/5, Muon's from 10/17 to 17/20."""
    assert planted(trained, equal_neurons(0.6)).reached[0] == 1
    in_both, in_adamw, in_muon = map(equal_neurons, (0.6, 0.5, 0.7))
    counted = planted(trained, in_both, in_adamw, in_muon)
    assert (counted.reached[0], counted.shared[0]) == (2, 1)
    assert counted.at_level[0].tolist() == [True, True, False]


def test_what_is_tolerated(trained: TrainedMeeting) -> None:
    """A norm up to 1 + INSIDE times R, and a loss of TOLERANCE ||y||^2."""
    inside, outside = (0.6 * (1 + share * INSIDE) ** 2 for share in (0.99, 1.01))
    assert planted(trained, equal_neurons(inside)).reached[0] == 1
    assert planted(trained, equal_neurons(outside)).reached[0] == 0
    # Scaled by c in both layers f is c^2 y, and the loss (1 - c^2)^2 ||y||^2 / 2.
    for share, counted in ((0.99, 1), (1.01, 0)):
        scale = math.sqrt(1 - share * math.sqrt(2 * TOLERANCE))
        ends = planted(trained, equal_neurons(0.6, scale))
        assert ends.results[0].loss[0] == pytest.approx(share**2 * FITTED, rel=1e-6)
        assert ends.reached[0] == counted


def test_runs_that_diverged_count_nowhere(trained: TrainedMeeting) -> None:
    first = trained.results[0]
    lost = replace(
        first,
        W=np.full_like(first.W, np.nan),
        loss=np.full_like(first.loss, np.nan),
        violation=np.where(np.arange(4) == 0, np.nan, 0.25),
        gap=np.array([np.nan, 1.0, 2.0, 9.0]),
        diverged=np.arange(4) == 0,
    )
    ends = replace(trained, results=(lost, trained.results[1]))
    assert (ends.reached[0], ends.shared[0]) == (0, 0)
    assert (ends.violations[0], ends.gaps[0]) == (0.25, 2.0)


def test_each_is_trained_in_its_own_ball(trained: TrainedMeeting) -> None:
    adamw, muon = (result.config for result in trained.results)
    assert (adamw.optimizer.name, adamw.rho) == ("adamw", Fraction(3, 5))
    assert (muon.optimizer.name, muon.rho) == ("muon", Fraction(17, 10))
    assert trained.complete


def test_runs_from_the_witness_stay(trained: TrainedMeeting) -> None:
    assert trained.stays is not None
    for stay in trained.stays:
        assert stay.history.losses[0, 0] < 1e-28
        assert len(stay.history.steps) == 101
    assert max(map(abs, trained.witness_gaps)) < 1e-14
    assert max(trained.witness_losses) < 10 * FITTED
    assert trained.witness_violations == (0.0, 0.0)


def test_no_witness_where_the_regions_are_disjoint(found: Regions) -> None:
    disjoint = train_meeting(found.at(Fraction(3, 5), Fraction(3, 2)), seeds=2, steps=50)
    assert disjoint.stays is None
    assert disjoint.witness_gaps == disjoint.witness_losses == disjoint.witness_violations == ()
    assert "| `two-regions` | adamw, muon | 3/5, 3/2 | disjoint |" in row(disjoint)


def test_adamw_leaves_a_fit_at_a_wall_and_lion_does_not() -> None:
    """proofs_notes/region-interaction.md: the disagreement that training shows."""
    losses = {}
    for name in ("adamw", "lion"):
        found = optimizer_regions(example("split-by-adamw-2"), (name, "muon"), 2)
        meeting = found.at(Fraction(8, 5), Fraction(31, 10))
        losses[name] = train_meeting(meeting, seeds=1, steps=1).witness_losses[0] / 10
    assert losses["lion"] < 1e-5 < 3e-4 < losses["adamw"]


def test_errors(found: Regions, overlap: Meeting) -> None:
    large = optimizer_regions(TWO, ("adamw", "muon"), None).at(Fraction(3, 5), Fraction(17, 10))
    with pytest.raises(InputError, match="meeting: is that of every large width"):
        train_meeting(large, seeds=1, steps=1)
    penalised = optimizer_regions(TWO, ("adamw", "sgd"), 2).at(Fraction(3, 5), Fraction(2))
    with pytest.raises(InputError, match="sgd has no norm ball"):
        train_meeting(penalised, seeds=1, steps=1)


def test_an_interrupt_leaves_it_incomplete(overlap: Meeting) -> None:
    def stop(stage: str, steps: int) -> None:
        raise Interrupted

    assert not train_meeting(overlap, seeds=1, steps=10, progress=stop).complete
