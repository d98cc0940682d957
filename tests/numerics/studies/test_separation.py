"""The shipped examples on which AdamW and Muon prefer different components, and their figures."""

from __future__ import annotations

import json
from fractions import Fraction
from functools import cache
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from numerics.studies import separation
from numerics.studies.separation import MEASURED, NAMES, planted, rows
from numerics.training.runs import train_runs
from theory.landscape import Analysis, analyse
from theory.landscape.membership import Membership
from theory.loading import example, example_names
from theory.radii import least_radii
from theory.within import Ball


@cache
def measured() -> dict[str, Any]:
    return json.loads(MEASURED.read_text())["data_sets"]


@cache
def landscape(name: str) -> Analysis:
    return analyse(example(name), 2)


def test_all_ten_are_shipped_and_measured() -> None:
    assert len(NAMES) == 10
    assert set(NAMES) <= set(example_names())
    assert tuple(measured()) == ("flagship", *NAMES)
    assert all(figures["holds"] for figures in measured().values())
    assert len({figures["barrier"] for figures in measured().values()}) == 11


@pytest.mark.parametrize("name", NAMES)
def test_barrier_and_radii_are_what_the_file_says(name: str) -> None:
    analysis, figures = landscape(name), measured()[name]
    assert analysis.minimum == 0
    assert len(analysis.components) == 2
    assert analysis.barriers[0][1] == Fraction(figures["barrier"])
    found = least_radii(analysis, figures["radii"])
    assert found.complete
    assert found.optimizers == ("adamw", "lion", "muon")
    for optimizer, stated in figures["radii"].items():
        bounds = [(Fraction(r["lower"]), Fraction(r["upper"])) for r in stated]
        for component, (lower, upper) in zip(found.components, bounds, strict=True):
            radius = component[optimizer]
            if optimizer == "muon":  # two proved intervals of one number
                assert max(lower, radius.lower) <= min(upper, radius.upper)
                assert upper - lower <= upper / 10**6
            else:
                assert lower == radius.lower == radius.upper == upper
        near, far = sorted(bounds)
        assert near[1] * Fraction(6, 5) <= far[0]
        assert figures["preferred"][optimizer] == found.preferred(optimizer) == bounds.index(near)
        rho = Fraction(figures["training"][optimizer]["rho"])
        assert near[1] < rho < far[0]
    assert figures["preferred"]["adamw"] == figures["preferred"]["lion"]
    assert figures["preferred"]["adamw"] != figures["preferred"]["muon"]


def test_all_measured_runs_at_zero_loss_are_in_the_preferred_component() -> None:
    for figures in measured().values():
        for optimizer, training in figures["training"].items():
            landed = dict(training["landed"])
            reached = landed.pop(str(figures["preferred"][optimizer]))
            assert reached >= 5
            assert set(landed.values()) == {0}
            assert reached + training["not_converged"] + training["diverged"] == training["runs"]


def test_all_of_them_are_proved_to_be_there_and_the_note_has_the_table() -> None:
    for figures in measured().values():
        for optimizer, found in figures["membership"].items():
            landed = figures["training"][optimizer]["landed"].values()
            assert found["proved"] == found["landed"] == sum(landed)
    note = Path(separation.__file__).parents[2] / "proofs_notes" / "small-width-separation.md"
    assert "\n".join(rows(measured())) in note.read_text()


def test_levels_are_what_the_file_says() -> None:
    figures = measured()["separation-09"]["membership"]["adamw"]
    membership = Membership(example("separation-09"), 2, within=Ball("adamw", figures["rho"]))
    for excess, level in figures["below"].items():
        near = membership.around(Fraction(excess))
        assert near is not None
        assert near.below is not None
        assert 0 <= near.below - Fraction(level) < near.below / 1000
    low, high = figures["largest_excess"]
    assert membership.corresponds(Fraction(low))
    assert not membership.corresponds(Fraction(high))


@pytest.mark.parametrize(
    ("name", "optimizer"),
    [
        ("separation-03", "adamw"),
        ("separation-09", "lion"),
        ("separation-09", "muon"),
    ],
)
def test_a_few_runs_land_as_the_file_says(name: str, optimizer: str) -> None:
    """With the settings of the file; a run does not depend on the number of seeds."""
    figures = measured()[name]
    training = figures["training"][optimizer]
    runs = train_runs(
        landscape(name),
        Ball(optimizer, training["rho"]),
        seeds=16,
        steps=training["steps"],
        seed=training["seed"],
    )
    assert 0 < runs.zero_loss <= training["landed"][str(figures["preferred"][optimizer])]
    assert runs.landed[figures["preferred"][optimizer]] == runs.zero_loss


# Where they come from


def test_the_first_is_the_one_that_the_search_finds() -> None:
    assert planted(646) == example("separation-01")
    assert planted(646) == planted(646) != planted(647)


def test_planted_problems_have_exact_fits() -> None:
    for seed in range(5):
        assert analyse(planted(seed), 2).minimum == 0


@pytest.mark.parametrize("name", NAMES)
def test_general_position(name: str) -> None:
    for (a, b), (c, d) in combinations(example(name).X, 2):
        assert a * d != b * c


def test_the_description_is_made_of_the_radii() -> None:
    for name in NAMES:
        found = least_radii(landscape(name), ["adamw", "muon"])
        assert separation._describe(found) == example(name).description
