"""Certificates of one local minimum: tampered ones are rejected for what was changed in them."""

from __future__ import annotations

import copy
import re
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from problems import REGRESSION
from profiles import part

from theory.certificates import certify
from theory.certificates.checker import CertificateInvalid, check
from theory.errors import BudgetError, InputError
from theory.landscape import valleys
from theory.landscape.classify import Classifier, classify
from theory.loading import example
from theory.network import Network
from theory.problem import Problem
from theory.strategies import networks, problems
from theory.within import Ball

FLAGSHIP = example("flagship")
BALL = Ball("adamw", "11/5")


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    """Of the bottom 1/10 of the flagship in AdamW's ball."""
    bottom = valleys(FLAGSHIP, 2, within=BALL).valleys[2]
    return certify(classify(FLAGSHIP, bottom.representative, BALL))


@pytest.fixture(scope="module")
def on_kinks() -> dict[str, Any]:
    """Of a local minimum on a kink, found on the way down."""
    classifier = Classifier(REGRESSION, 2)
    for seed in range(1, 20):
        start = Network([[seed, -3], [1, seed]], [1, -1])
        document = (
            certify(found)
            if ((found := classifier.polished(classifier.of(start))).slack is not None)
            else None
        )
        if document is not None and any("0" in entry[2] for entry in document["dual"]["mu"]):
            return document
    raise AssertionError("no local minimum on a kink was found")


def rejected(document: dict[str, Any], where: str) -> None:
    with pytest.raises(CertificateInvalid, match=f"^{re.escape(where)}"):
        check(document)


def test_what_it_says(document: dict[str, Any], on_kinks: dict[str, Any]) -> None:
    assert check(document, FLAGSHIP).statement == (
        "the network, of loss 1/10 inside the entrywise ball rho = 11/5, is a local minimum: no "
        "cell that holds it has a lower point"
    )
    assert "is a local minimum" in check(on_kinks, REGRESSION).statement


@given(problem=problems(n=(1, 4), d=(1, 2)), data=st.data())
@part(2)
def test_whatever_is_proved_is_accepted(problem: Problem, data: st.DataObject) -> None:
    """And with a slack less than it is, it is not."""
    classifier = Classifier(problem, 2)
    found = classifier.polished(classifier.of(data.draw(networks(d=problem.d, width=2))))
    if found.slack is None:
        with pytest.raises(InputError, match="nothing to prove"):
            certify(found)
        return
    document = certify(found)
    assert check(document, problem).kind == "stationary"
    if found.slack:
        rejected(document | {"slack": "0"}, "dual")


def test_cells_are_those_of_w_also_where_a_neuron_adds_nothing() -> None:
    problem = Problem([[1], [-1]], [1, 1])
    document = certify(classify(problem, Network([[1, 1]], [1, 0])))
    assert check(document).statement.startswith("the network, of loss 1/2, is a local minimum")
    # In a cell of |a_j| w_j that the network is in as well, as a_2 = 0.
    assert Network([[1, -1]], [1, 1]).loss(problem) == 0


def test_another_network_is_rejected(document: dict[str, Any]) -> None:
    altered = copy.deepcopy(document)
    altered["network"]["W"][0][0] = "0"
    rejected(altered, "dual")


def test_a_network_outside_the_ball_is_rejected(document: dict[str, Any]) -> None:
    altered = copy.deepcopy(document)
    altered["within"]["rho"] = "2"
    rejected(altered, "network: lies outside the ball")


def test_a_smaller_ball_than_the_multipliers_are_for(document: dict[str, Any]) -> None:
    altered = copy.deepcopy(document)
    altered["within"]["rho"] = "12/5"
    rejected(altered, "dual: proves")


def test_another_dual_vector_is_rejected(document: dict[str, Any]) -> None:
    altered = copy.deepcopy(document)
    altered["dual"]["nu"][0] = str(Fraction(altered["dual"]["nu"][0]) + 1)
    rejected(altered, "dual: proves")


def test_a_negative_slack_is_rejected(document: dict[str, Any]) -> None:
    rejected(document | {"slack": "-1/100"}, "slack: is -1/100")


def test_multipliers_left_out_are_rejected(on_kinks: dict[str, Any]) -> None:
    altered = copy.deepcopy(on_kinks)
    altered["dual"]["mu"] = []
    rejected(altered, "dual: proves")


def test_multipliers_of_a_state_that_the_network_is_not_in(on_kinks: dict[str, Any]) -> None:
    altered = copy.deepcopy(on_kinks)
    entry = altered["dual"]["mu"][0]
    entry[2] = entry[2].translate(str.maketrans("+-", "-+"))
    rejected(altered, f"dual.mu: neuron {entry[0]} has no state")


def test_multipliers_beyond_what_either_side_allows(on_kinks: dict[str, Any]) -> None:
    altered = copy.deepcopy(on_kinks)
    entry = next(entry for entry in altered["dual"]["mu"] if "0" in entry[2])
    pair = next(pair for pair in entry[3] if entry[2][pair[0]] == "0")
    pair[1] = str(10**9 * Fraction(pair[1]))
    rejected(altered, f"dual.mu: the multiplier of neuron {entry[0]} at row {pair[0]} is too large")


def test_a_state_told_twice_is_rejected(on_kinks: dict[str, Any]) -> None:
    altered = copy.deepcopy(on_kinks)
    altered["dual"]["mu"].append(copy.deepcopy(altered["dual"]["mu"][0]))
    rejected(altered, f"dual.mu[{len(altered['dual']['mu']) - 1}]: is a state for the second time")


def test_hostile_sizes_are_counted_before_they_are_met() -> None:
    """A zero neuron on many rows has very many states."""
    X = [[str(k), str(k * k + 1), str(k**3 - 2), str(3 * k + 1), "1"] for k in range(60)]
    document = {
        "format": "isthmus-certificate",
        "version": 1,
        "kind": "stationary",
        "problem": {"X": X, "y": ["1"] * 60},
        "within": None,
        "network": {"W": [["0"]] * 5, "a": ["1"]},
        "slack": "0",
        "dual": {"nu": ["1"] * 60, "mu": []},
    }
    with pytest.raises(BudgetError, match="steps of the check"):
        check(document, max_steps=10**7)


@pytest.fixture(scope="module")
def absolute() -> tuple[dict[str, Any], Problem]:
    """With an output bias: f = (3, 1, 4) is fitted in the first place and the last only."""
    problem = Problem([[-1], [0], [2]], [3, 1, 4], loss="absolute", output_bias=True)
    found = Classifier(problem, 1).of(Network([["1/2"]], [1], b=3))
    return certify(found), problem


def test_other_losses_are_accepted(absolute: tuple[dict[str, Any], Problem]) -> None:
    """f = (3, 3, 4): the loss is 2, and least."""
    document, problem = absolute
    assert check(document, problem).statement == (
        "the network, of loss 2, is a local minimum: no cell that holds it has a lower point"
    )
    assert document["network"]["b"] == "3"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda d: d["dual"].update(nu=["2", "-2", "0"]), "its entry 0 is 2: out of the range"),
        (lambda d: d["dual"].update(nu=["1", "0", "0"]), "its entries do not add up to 0"),
        (lambda d: d["network"].update(b="2"), "dual: proves"),
        (lambda d: d["problem"].update(weights=["1", "2", "1"]), "dual: proves"),
        (
            lambda d: d["dual"].update(nu=[str(Fraction(v) / 2) for v in d["dual"]["nu"]]),
            "dual: pr",
        ),
    ],
    ids=["too long", "not orthogonal", "another bias", "weights", "half"],
)
def test_what_is_changed_in_one_of_another_loss_is_seen(
    absolute: tuple[dict[str, Any], Problem], change: Any, reason: str
) -> None:
    """Of the squared loss half a dual vector proves as much; not of others."""
    altered = copy.deepcopy(absolute[0])
    change(altered)
    with pytest.raises(CertificateInvalid, match=re.escape(reason)):
        check(altered)
