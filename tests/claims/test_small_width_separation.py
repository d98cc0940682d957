"""The first claim: the flagship facts, a false instance, and observations that disagree."""

from __future__ import annotations

import copy
from fractions import Fraction

import pytest

from theory.claims import CLAIMS, SmallWidthSeparation, claim, verify
from theory.claims.base import Result, agree
from theory.errors import InputError
from theory.problem import example


@pytest.fixture(scope="module")
def flagship() -> Result:
    return verify(claim("small-width-separation"))


def test_flagship_facts(flagship: Result) -> None:
    assert flagship.holds
    assert flagship.prediction.values == {
        "global minimum": 0,
        "components, modulo permutation": 2,
        "barriers, modulo permutation": (Fraction(32, 45),),
        "proof, modulo permutation": "valid",
        "components, labelled": 4,
        "barriers, labelled": (Fraction(32, 45),) * 2 + (2,) * 4,
        "proof, labelled": "valid",
    }


def test_observation_is_floating_point(flagship: Result) -> None:
    (barrier,) = flagship.observed["barriers, modulo permutation"]
    assert type(barrier) is float


def test_connected_minimisers_make_it_false() -> None:
    # Both labelled components of this example are one network, with its neurons exchanged.
    result = verify(SmallWidthSeparation(example("two-points")))
    assert result.prediction.values["components, modulo permutation"] == 1
    assert result.prediction.values["components, labelled"] == 2
    assert not result.holds


def test_another_instance_holds() -> None:
    assert verify(SmallWidthSeparation(example("opposite-preference"))).holds


def test_a_rejected_proof_makes_it_false(flagship: Result) -> None:
    certificates = copy.deepcopy(dict(flagship.prediction.certificates))
    certificates["labelled"]["barriers"][0][1] = "1"
    observed = flagship.claim.observe(certificates, lambda stage, count: None)
    assert str(observed["proof, labelled"]).startswith("invalid: ")
    assert observed["proof, modulo permutation"] == "valid"
    assert not flagship.claim.compare(flagship.prediction.values, observed)


def test_a_different_barrier_makes_it_false(flagship: Result) -> None:
    observed = {**flagship.observed, "barriers, modulo permutation": (32 / 45 + 1e-6,)}
    assert not flagship.claim.compare(flagship.prediction.values, observed)


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
    ],
)
def test_agreement(predicted: object, observed: object, same: bool) -> None:
    assert agree({"a": predicted}, {"a": observed}) is same


def test_agreement_is_about_the_same_quantities() -> None:
    assert not agree({"a": 1}, {"a": 1, "b": 2})
    assert not agree({"a": 1, "b": 2}, {"a": 1})


def test_registry() -> None:
    assert all(claim.id == name for name, claim in CLAIMS.items())
    with pytest.raises(InputError, match="'nosuch' is not one of small-width-separation"):
        claim("nosuch")
