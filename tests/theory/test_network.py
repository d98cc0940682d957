"""Networks: fit and loss by hand and in floats, symmetries, and errors that name the field."""

from __future__ import annotations

import json
import random
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from theory.errors import InputError
from theory.network import Network
from theory.problem import Problem

entries = st.fractions(min_value=-5, max_value=5, max_denominator=20)


@st.composite
def networks_with_data(draw: st.DrawFn) -> tuple[Network, Problem]:
    n, d, m = draw(st.integers(1, 4)), draw(st.integers(1, 3)), draw(st.integers(1, 4))

    def matrix(rows: int, columns: int) -> list[list[Fraction]]:
        return [[draw(entries) for _ in range(columns)] for _ in range(rows)]

    network = Network(W=matrix(d, m), a=matrix(1, m)[0])
    return network, Problem(X=matrix(n, d), y=matrix(1, n)[0])


def test_fit_and_loss_by_hand() -> None:
    network = Network(W=[[1, 0], ["1/2", -1]], a=[2, -3])
    problem = Problem(X=[[1, 2], [0, -1]], y=[3, "-5/2"])
    assert network.fit(problem) == (4, -3)
    assert network.loss(problem) == Fraction(1 + Fraction(1, 4), 2)


@given(networks_with_data())
def test_fit_agrees_with_floats(case: tuple[Network, Problem]) -> None:
    network, problem = case
    X, W, a = (np.array(v, dtype=float) for v in (problem.X, network.W, network.a))
    expected = np.maximum(X @ W, 0) @ a
    np.testing.assert_allclose(np.array(network.fit(problem), dtype=float), expected, atol=1e-9)


@given(networks_with_data())
def test_json_round_trip(case: tuple[Network, Problem]) -> None:
    network, _ = case
    assert Network.from_json(json.loads(json.dumps(network.to_json()))) == network


@given(networks_with_data(), st.randoms(use_true_random=False))
def test_permutation_and_convex_coordinates_keep_the_function(
    case: tuple[Network, Problem], random: random.Random
) -> None:
    network, problem = case
    order = list(range(network.width))
    random.shuffle(order)
    assert network.permuted(order).fit(problem) == network.fit(problem)
    coordinates = [(sign or 1, u) for sign, u in network.convex_coordinates()]
    assert Network.from_convex(coordinates).fit(problem) == network.fit(problem)


def test_convex_coordinates_of_a_silent_neuron() -> None:
    network = Network(W=[[3, 1], [4, 1]], a=[0, -2])
    assert network.convex_coordinates() == [(0, (0, 0)), (-1, (2, 2))]
    assert network.unused() == {0: (3, 4)}
    assert Network(W=[[0, 1], [0, 1]], a=[0, -2]).unused() == {}


@pytest.mark.parametrize(
    ("W", "a", "field", "reason"),
    [
        ([], [1], "W", "is empty"),
        ([[1]], [], "a", "is empty"),
        ([[1, 2]], [1], "a", "has 1 entries, but W has 2 columns"),
        ([[1, 2], [3]], [1, 2], "W[1]", "has 1 entries"),
        ([[0.5]], [1], "W[0][0]", "is a float"),
        ([[1]], [float("nan")], "a[0]", "not a finite number"),
    ],
)
def test_errors_name_the_field(W: Any, a: Any, field: str, reason: str) -> None:
    with pytest.raises(InputError, match=reason) as caught:
        Network(W=W, a=a)
    assert caught.value.field == field


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ([], "^network: must be a JSON object"),
        ({"a": [1]}, "^W: is missing"),
        ({"W": [[1]]}, "^a: is missing"),
    ],
)
def test_bad_documents(document: object, reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        Network.from_json(document)


def test_wrong_number_of_features() -> None:
    with pytest.raises(InputError, match="^W: has 1 rows, but the data have 2 features"):
        Network(W=[[1]], a=[1]).fit(Problem(X=[[1, 2]], y=[1]))


def test_unknown_fields() -> None:
    with pytest.raises(InputError, match="^e: is not a field of a network"):
        Network.from_json({"W": [[1]], "a": [1], "e": [0]})


def test_floats_stand_for_their_binary_values() -> None:
    network = Network.from_floats(np.array([[0.1, 2.0]]), np.array([0.5, -1.0]))
    assert network == Network(W=[[Fraction(0.1), 2]], a=["1/2", -1])
    with pytest.raises(InputError, match=r"^W\[0\]\[1\]: inf is not a finite number"):
        Network.from_floats([[1.0, np.inf]], [1.0, 1.0])


@pytest.mark.parametrize("bias", [True, False])
def test_torch_layers_are_the_network_they_compute(bias: bool) -> None:
    torch.manual_seed(0)
    hidden = torch.nn.Linear(3, 4, bias=bias, dtype=torch.float64)
    output = torch.nn.Linear(4, 1, bias=bias, dtype=torch.float64)
    skip = torch.nn.Linear(3, 1, bias=False, dtype=torch.float64) if bias else None
    problem = Problem([[1, 2, -1], [0, -3, 2]], [0, 0], output_bias=bias, skip=bias)
    data = torch.tensor(np.array(problem.X, dtype=float))
    with torch.no_grad():
        outputs = output(torch.relu(hidden(data)))
        expected = (outputs if skip is None else outputs + skip(data))[:, 0]
    network = Network.from_torch(hidden, output, skip)
    assert (len(network.W), network.width) == (3 + bias, 4)
    found = network.fit(problem.with_bias() if bias else problem)
    np.testing.assert_allclose(np.array(found, dtype=float), expected.numpy(), atol=1e-14)


def test_torch_layers_that_are_no_such_network() -> None:
    hidden = torch.nn.Linear(2, 3)
    with pytest.raises(InputError, match="^output: has 2 outputs, but must have one"):
        Network.from_torch(hidden, torch.nn.Linear(3, 2))
    biased = torch.nn.Linear(3, 1)
    with pytest.raises(InputError, match="^skip: has a bias; make the layer with bias=False"):
        Network.from_torch(hidden, biased, torch.nn.Linear(3, 1))
