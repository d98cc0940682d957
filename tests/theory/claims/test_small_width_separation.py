"""The first claim: the flagship facts, a false instance, and observations that disagree."""

from __future__ import annotations

import copy
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest

from numerics.training.runs import Runs
from numerics.training.trainer import trainer
from theory.claims import (
    CLAIMS,
    Bounds,
    SmallWidthSeparation,
    claim,
    small_width_separation,
    verify,
)
from theory.claims.base import Observation, Prediction, Result, Values, agree
from theory.claims.float_landscape import float_landscape
from theory.claims.float_radii import float_radius
from theory.claims.float_valleys import float_bars
from theory.claims.small_width_separation import Landscapes, between_radii
from theory.claims.training import Trained, TrainRuns
from theory.errors import InputError, Interrupted
from theory.landscape import analyse
from theory.loading import example
from theory.network import Network
from theory.problem import Problem
from theory.radii import least_radii
from theory.within import Ball

LANDED_ADAMW = "component that adamw reaches at rho = 11/5"
UNPROVED_ADAMW = "runs in it without a proof, adamw"
AT_ENTRIES = Fraction(444889, 6500000)  # the least loss of another valley, at 101/100 rho


@dataclass(frozen=True)
class Landed:
    """What a claim sees of trained runs."""

    landed: Mapping[int, int]
    complete: bool
    landed_networks: Sequence[Network] = ()


@dataclass(frozen=True)
class Pretence:
    """A trainer that trains nothing: whatever the optimizer, the runs land as told."""

    landed: Mapping[int, int]
    complete: bool = True
    networks: Sequence[Network] = ()

    def __call__(self, asked: TrainRuns, progress: Any) -> Landed:
        return Landed(self.landed, self.complete, self.networks)


SEEDS = 64
NOWHERE: Any = Pretence(MappingProxyType({}))


@pytest.fixture(scope="module", autouse=True)
def brute_force_once() -> Iterator[None]:
    """It observes the same, whatever it is compared with."""
    with pytest.MonkeyPatch.context() as patch:
        for whole in (float_bars, float_landscape):
            patch.setattr(small_width_separation, whole.__name__, cache(whole))
        yield


@pytest.fixture(scope="module")
def flagship() -> Result[Landscapes, Trained[Runs]]:
    return verify(SmallWidthSeparation(seeds=SEEDS, steps=4000), trainer)


def observed(
    claim: SmallWidthSeparation, prediction: Prediction[Landscapes], trainer: Any
) -> Values:
    return claim.observe(prediction, trainer, lambda stage, count: None).values


def test_flagship_facts(flagship: Result[Landscapes, Trained[Runs]]) -> None:
    assert flagship.holds
    values: dict[str, Any] = dict(flagship.prediction.values)
    level = values.pop("level below which all are in it, muon")
    assert level.upper - level.lower < Fraction(1, 10**4)
    assert float(level.upper) == pytest.approx(0.2647029)
    five, three = values.pop("radii of the components, muon")
    assert isinstance(five, Bounds)
    assert isinstance(three, Bounds)
    for radius, value in ((five, 5), (three, 3.0594117)):
        assert radius.lower <= radius.upper <= radius.lower * (1 + Fraction(1, 10**6))
        assert float(radius.upper) == pytest.approx(value, rel=1e-7)
    assert values == {
        "global minimum": 0,
        "components, modulo permutation": 2,
        "barriers, modulo permutation": (Fraction(32, 45),),
        "proof, modulo permutation": "valid",
        "components, labelled": 4,
        "barriers, labelled": (Fraction(32, 45),) * 2 + (2,) * 4,
        "proof, labelled": "valid",
        "radii of the components, adamw": (2, Fraction(12, 5)),
        "radii of the components, lion": (2, Fraction(12, 5)),
        LANDED_ADAMW: (0,),
        "component that lion reaches at rho = 11/5": (0,),
        "component that muon reaches at rho = 4": (1,),
        **{f"level below which all are in it, {name}": AT_ENTRIES for name in ("adamw", "lion")},
        **{f"runs in it without a proof, {name}": 0 for name in ("adamw", "lion", "muon")},
    }


def test_every_trained_run_that_fits_is_where_theory_says(
    flagship: Result[Landscapes, Trained[Runs]],
) -> None:
    runs = flagship.observation.evidence.runs
    assert {name: trained.count for name, trained in runs.items()} == dict.fromkeys(
        ("adamw", "lion", "muon"), SEEDS
    )
    for name, least in {"adamw": 3, "lion": 16, "muon": 16}.items():
        preferred = flagship.prediction.evidence.radii.preferred(name)
        assert runs[name].landed[preferred] == runs[name].zero_loss >= least
        assert runs[name].diverged == 0


def test_observation_is_floating_point(flagship: Result[Landscapes, Trained[Runs]]) -> None:
    values: Mapping[str, Any] = flagship.observation.values
    for name in ("barriers, modulo permutation", "radii of the components, adamw"):
        assert {type(value) for value in values[name]} == {float}


def test_connected_minimisers_make_it_false() -> None:
    # Both labelled components of this example are one network, with its neurons exchanged.
    result = verify(SmallWidthSeparation(example("two-points")), NOWHERE)
    assert result.prediction.values["components, modulo permutation"] == 1
    assert result.prediction.values["components, labelled"] == 2
    assert not result.holds
    assert not result.observation.evidence.runs  # with one component there is nothing to prefer


def test_another_instance_holds() -> None:
    claim = SmallWidthSeparation(example("separation-01"), seeds=32, steps=3000)
    assert verify(claim, trainer).holds


@pytest.mark.parametrize(
    ("landed", "same"),
    [({0: 1, 1: 0}, True), ({0: 199, 1: 1}, False), ({0: 0, 1: 5}, False), ({0: 0, 1: 0}, False)],
)
def test_where_runs_land_decides(
    flagship: Result[Landscapes, Trained[Runs]], landed: dict[int, int], same: bool
) -> None:
    """All that fit must be in the predicted component, and some must."""
    claim = SmallWidthSeparation()
    values = observed(claim, flagship.prediction, Pretence(landed))
    assert (values[LANDED_ADAMW] == flagship.prediction.values[LANDED_ADAMW]) is same
    mixed = {**flagship.observation.values, LANDED_ADAMW: values[LANDED_ADAMW]}
    assert claim.compare(flagship.prediction.values, mixed) is same


def test_only_runs_that_the_theorem_is_about_are_proved(
    flagship: Result[Landscapes, Trained[Runs]],
) -> None:
    """Not one with too high a loss, nor an exact fit too far outside the ball."""
    inside, outside = (
        component.representative
        for component in flagship.prediction.evidence.radii.analysis.components
    )
    high = Network([[0, 0], [0, 0]], [0, 0])
    for networks, count in (([inside], 0), ([high], 1), ([inside, high, outside], 2)):
        pretence = Pretence({0: len(networks)}, networks=networks)
        values = observed(SmallWidthSeparation(), flagship.prediction, pretence)
        assert values[UNPROVED_ADAMW] == count
        mixed = {**flagship.observation.values, UNPROVED_ADAMW: count}
        holds = flagship.claim.compare(flagship.prediction.values, mixed)
        assert holds is (count == 0)


def test_where_no_level_separates_nothing_is_proved(
    flagship: Result[Landscapes, Trained[Runs]],
) -> None:
    level = "level below which all are in it, adamw"
    claimed = {**flagship.prediction.values, level: small_width_separation.NOWHERE}
    fit = flagship.prediction.evidence.radii.analysis.components[0].representative
    pretence = Pretence({0: 1}, networks=[fit])
    found = replace(flagship.prediction, values=claimed)
    values = observed(SmallWidthSeparation(), found, pretence)
    assert values[UNPROVED_ADAMW] == 1


def test_an_interrupted_training_decides_nothing(
    flagship: Result[Landscapes, Trained[Runs]],
) -> None:
    with pytest.raises(Interrupted, match="^interrupted$"):
        observed(SmallWidthSeparation(), flagship.prediction, Pretence({0: 1}, complete=False))


def test_a_rejected_proof_makes_it_false(flagship: Result[Landscapes, Trained[Runs]]) -> None:
    certificates = copy.deepcopy(dict(flagship.prediction.certificates))
    certificates["labelled"]["barriers"][0][1] = "1"
    tampered = replace(flagship.prediction, certificates=certificates)
    values = observed(SmallWidthSeparation(), tampered, NOWHERE)
    assert str(values["proof, labelled"]).startswith("invalid: ")
    assert values["proof, modulo permutation"] == "valid"
    name = "proof, labelled"
    seen = {**flagship.observation.values, name: values[name]}
    assert not flagship.claim.compare(flagship.prediction.values, seen)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("barriers, modulo permutation", (32 / 45 + 1e-6,)),
        ("radii of the components, adamw", (2.0, 2.4 + 1e-6)),
        ("radii of the components, muon", (5.0, 3.06)),
        ("radii of the components, muon", (5.0, float("nan"))),
        ("level below which all are in it, lion", float(AT_ENTRIES) - 1e-6),
        ("level below which all are in it, muon", 0.2648),
    ],
)
def test_a_different_value_makes_it_false(
    flagship: Result[Landscapes, Trained[Runs]], name: str, value: Any
) -> None:
    values = {**flagship.observation.values, name: value}
    assert not flagship.claim.compare(flagship.prediction.values, values)


# What the training is asked to do


def test_rho_lies_in_the_middle_between_the_radii(
    flagship: Result[Landscapes, Trained[Runs]],
) -> None:
    assert flagship.prediction.evidence.balls == {
        name: Ball(name, rho) for name, rho in (("adamw", "11/5"), ("lion", "11/5"), ("muon", 4))
    }
    found = least_radii(analyse(example("separation-03"), 2), ["adamw", "muon"])
    for name in found.optimizers:
        low, high = sorted(component[name].upper for component in found.components)
        rho = between_radii(found, name)
        assert abs(rho - (low + high) / 2) <= (high - low) / 10
        # No simpler fraction is as near to the middle.
        fifth = ((3 * low + 2 * high) / 5, (2 * low + 3 * high) / 5)
        for q in range(1, rho.denominator):
            assert -(-fifth[0] * q // 1) > fifth[1] * q


@pytest.mark.parametrize(
    "problem",
    [
        Problem(X=[[1], [-1]], y=[1, 1], width=2),  # connected, modulo permutation
        Problem(X=[[1], [1]], y=[1, 2], width=1),  # no exact fit
        Problem(X=[[1, 0], [0, 1]], y=[1, -1], width=2),  # connected, modulo permutation
    ],
)
def test_no_rho_without_a_preference(problem: Problem) -> None:
    assert between_radii(least_radii(analyse(problem, problem.width), ["lion"]), "lion") is None


def test_radii_in_floating_point_of_problems_with_several_cells() -> None:
    for name in ("opposite-preference", "separation-02"):
        analysis = analyse(example(name), 2)
        found, floats = least_radii(analysis, ["adamw", "muon"]), float_landscape(example(name), 2)
        for component, exact in zip(analysis.components, found.components, strict=True):
            cells = floats.components[floats.home(component.representative)]
            assert cells == set(component.cells)
            for optimizer, radius in exact.items():
                value = float_radius(analysis.problem, floats.cones, cells, optimizer)
                assert value == pytest.approx(float(radius.upper), rel=1e-6)


def test_theory_of_claims_loads_no_training() -> None:
    code = (
        "import sys, theory.claims; "
        "print(sorted({'torch', 'numerics', 'cvxpy', 'matplotlib'} & set(sys.modules)))"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout == "[]\n"


# Agreement


@pytest.mark.parametrize(
    ("predicted", "observed", "same"),
    [
        (Fraction(1, 3), 1 / 3, True),
        (Fraction(1, 3), 1 / 3 + 1e-10, True),
        (Fraction(1, 3), 1 / 3 + 1e-8, False),
        (Fraction(10**6), 1e6 + 1e-4, True),
        (2, 2, True),
        (2, 3, False),
        ("valid", "valid", True),
        ("valid", "invalid", False),
        ((Fraction(1), Fraction(2)), (1.0, 2.0), True),
        ((Fraction(1), Fraction(2)), (1.0,), False),
        ((Fraction(1),), 1.0, False),
        (Bounds(Fraction(3), Fraction(3)), 3.0 + 1e-7, True),
        (Bounds(Fraction(3), Fraction(3)), 3.0 + 1e-5, False),
        (Bounds(Fraction(1), Fraction(3)), 2.0, True),
        (Bounds(Fraction(1), Fraction(3)), 0.9, False),
        (Bounds(Fraction(1), Fraction(3)), float("nan"), False),
        (Bounds(Fraction(1), Fraction(3)), float("inf"), False),
    ],
)
def test_agreement(predicted: Any, observed: Any, same: bool) -> None:
    assert agree({"a": predicted}, {"a": observed}) is same


def test_values_of_numpy_become_numbers() -> None:
    told: dict[str, Any] = {
        "half": np.float32(0.5),
        "found": np.bool_(True),
        "count": np.int64(3),
        "several": [np.float64(1.5), np.array([1, 2])],
    }
    observed: Observation[None] = Observation(told)
    values = dict(observed.values)
    assert values == {"half": 0.5, "found": True, "count": 3, "several": (1.5, (1, 2))}
    assert {name: type(value) for name, value in values.items()} == {
        "half": float,
        "found": bool,
        "count": int,
        "several": tuple,
    }
    assert agree(Prediction({"half": Fraction(1, 2)}).values, {"half": values["half"]})
    assert agree({"a": Bounds(Fraction(2), Fraction(4))}, {"a": values["count"]})


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"one": None}, "^one: None must be a number, a text, Bounds"),
        ({"one": [1, {2}]}, r"^one: \{2\} must be a number"),
        ({"one": np.array([1j])}, "^one: 1j must be a number"),
        ([1], r"^values: \[1\] must be a dictionary of quantities by name"),
    ],
)
def test_values_that_are_none(values: Any, message: str) -> None:
    for kind in (Prediction, Observation):
        with pytest.raises(InputError, match=message):
            kind(values)


def test_agreement_is_about_the_same_quantities() -> None:
    assert not agree({"a": 1}, {"a": 1, "b": 2})
    assert not agree({"a": 1, "b": 2}, {"a": 1})


def test_registry() -> None:
    assert all(claim.id == name for name, claim in CLAIMS.items())
    with pytest.raises(InputError, match="'nosuch' is not one of small-width-separation"):
        claim("nosuch")
