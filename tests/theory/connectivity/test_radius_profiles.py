"""The search: what it finds is confirmed by landscapes, it is seeded, and it can be stopped."""

from __future__ import annotations

from fractions import Fraction

import pytest

from theory import example
from theory.connectivity import (
    estimated_intervals,
    radius_intervals,
    radius_profiles,
    search,
    width_profile,
)
from theory.connectivity.radius_profiles import Found, RadiusProfile, longest_loss
from theory.errors import InputError, Interrupted
from theory.problem import Problem
from theory.within import Ball


def unimplied(profile: RadiusProfile) -> int:
    """The most components, modulo permutation, at a width where no ball means one component."""
    pairs = zip(profile.components, profile.unconstrained, strict=True)
    most = max((count for count, free in pairs if free == 1), default=0)
    return most if most > 1 else 0


def test_profiles_of_the_known_example() -> None:
    half = Fraction(1, 2)
    (at,) = [p for p in radius_profiles(example("non-monotone"), "adamw", 4) if p.lower == half]
    assert (at.lower, at.upper) == (Fraction(1, 2), Fraction(2, 3))
    assert at.rho == Fraction(3, 5)
    assert at.components == (0, 1, 2, 1)
    assert at.components_labelled == (0, 1, 4, 1)
    assert at.unconstrained == (1, 1, 1, 1)
    assert longest_loss(at.components_labelled) == 1
    assert unimplied(at) == 2


@pytest.mark.parametrize(
    ("counts", "longest"),
    [((0, 1, 2, 3, 1), 2), ((2, 3, 1, 1), 0), ((1, 2, 1, 2, 2, 0), 2), ((0, 0), 0), ((), 0)],
)
def test_runs_of_disconnected_widths(counts: tuple[int, ...], longest: int) -> None:
    assert longest_loss(counts) == longest


def test_what_is_found_is_so_and_the_same_again() -> None:
    def run() -> Found:
        return search("adamw", unimplied, n=2, d=2, max_width=3, instances=12, seed=0)

    found = run()
    assert found == run()
    assert found.tried == 12
    assert found.hits >= 1
    best = found.best
    rows = width_profile(best.problem, Ball("adamw", best.rho), 3, level=Fraction()).rows
    assert tuple(row.components for row in rows) == best.components
    assert tuple(row.components_labelled for row in rows) == best.components_labelled


def test_an_interrupt_keeps_what_was_tried() -> None:
    def stop(stage: str, count: int) -> None:
        if stage == "problems tried" and count == 2:
            raise Interrupted

    found = search("lion", lambda p: 0, n=2, d=1, max_width=2, instances=5, seed=1, progress=stop)
    assert (found.tried, found.hits, found.best) == (2, 0, None)


def test_estimates() -> None:
    found = estimated_intervals(Problem(X=[[1, 0], [0, 1]], y=[1, -1]), "ngd", 2)
    assert [(each.components, each.components_labelled) for each in found] == [(0, 0), (1, 2)]
    assert float(found[1].lower) == pytest.approx(2)
    muon = estimated_intervals(Problem(X=[[-1, -2], [0, 1], [-2, -1]], y=[1, 2, 3]), "muon", 2)
    counts = [(each.components, each.components_labelled) for each in muon]
    assert counts == [(0, 0), (1, 2), (2, 4), (1, 2)]
    assert float(muon[2].lower) == pytest.approx(2.86744, abs=1e-5)
    assert float(muon[2].upper) == pytest.approx(10.25**0.5)


def test_estimates_are_for_balls_without_exact_radii() -> None:
    with pytest.raises(InputError, match="adamw has exact intervals"):
        estimated_intervals(example("non-monotone"), "adamw", 2)
    with pytest.raises(InputError, match="sgd"):
        radius_intervals(example("non-monotone"), "sgd", 2)
