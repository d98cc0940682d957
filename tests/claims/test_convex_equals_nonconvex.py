"""The claim that trained networks respect and attain the proved optima."""

from fractions import Fraction

import pytest

from numerics.runs import train_runs
from theory.certificates.checker import check
from theory.claims import Bounds, ConvexEqualsNonconvex, verify

SHORT = ConvexEqualsNonconvex(examples=("flagship",))


@pytest.fixture(scope="module")
def result():
    return verify(SHORT, train_runs)


def test_it_holds_with_certificates(result):
    assert result.holds
    assert result.prediction.values["least loss, flagship adamw"] == Bounds(
        Fraction(13, 20), Fraction(13, 20)
    )
    for name, certificate in result.prediction.certificates.items():
        check(certificate, result.prediction.problems[name])
    assert len(result.prediction.certificates) == 6


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("least loss, flagship muon", 2.3),  # below its bound
        ("share of runs that attain it, flagship lion", "none"),
        ("proof, flagship ngd", "invalid: value"),
    ],
)
def test_an_observation_that_differs_makes_it_false(result, key, value):
    assert key in result.observation.values
    changed = {**result.observation.values, key: value}
    assert not SHORT.compare(result.prediction.values, changed)


def test_networks_that_were_hardly_trained_do_not_attain_the_optimum():
    short = ConvexEqualsNonconvex(examples=("flagship",), seeds=16, steps=3)
    assert not verify(short, train_runs).holds
