"""Certificates with hidden biases apart from the ball of W: by hand, of whatever is found, and
refused for their own reason once they are changed."""

from __future__ import annotations

import json
from fractions import Fraction
from functools import cache
from typing import Any

import pytest
from documents import REMOVE, tampered
from hypothesis import given
from hypothesis import strategies as st
from profiles import part

from theory.certificates import certify
from theory.certificates.checker import CertificateInvalid, check
from theory.errors import BudgetError
from theory.landscape import analyse, valleys
from theory.landscape.analysis import barrier_between
from theory.landscape.cells import CellComplex
from theory.landscape.least import least
from theory.problem import Problem
from theory.strategies import problems
from theory.within import Ball

LINE = Problem([[0], [1], [2]], [1, -1, 2])
PLANE = Problem([[1, 0], [0, 1], [1, 1], [-1, 2]], [1, -1, 1, 2])
MUONS = ("muon", "muon-adamw")
CASES = [
    *((ball, "free") for ball in ("adamw", "adamw-ngd", "ngd", "colnorm", "ngd-adamw", *MUONS)),
    *((ball, "adamw") for ball in ("adamw", *MUONS, "ngd", "ngd-adamw")),
]
SAID = {"free": " (biases free)", "adamw": " (biases as adamw's)"}

few = part(10)
HALF = Fraction(1, 2)


def written(found: Any) -> dict[str, Any]:
    """The certificate, as a file would hold it."""
    document: dict[str, Any] = json.loads(json.dumps(certify(found)))
    return document


def refused(document: dict[str, Any], message: str, problem: Problem | None = None) -> None:
    with pytest.raises(CertificateInvalid, match=f"^{message}"):
        check(document, problem)


# By hand: only biases count on X = [[0]], and the largest fit of one neuron is rho.

BY_HAND: dict[str, Any] = {
    "format": "isthmus-certificate",
    "version": 1,
    "kind": "minimum",
    "problem": {"X": [["0"]], "y": ["3"], "bias": "adamw"},
    "width": 1,
    "within": {"ball": "muon-adamw", "rho": "1"},
    # nu.f <= 1 / (2 k) + max b = 1 + 1/2000
    "duals": [{"nu": ["1"], "Z": [["1"]], "k": "1000"}],
    "value": [str(Fraction(3999, 2000) ** 2 / 2), "2"],
    "network": {"W": [["0"], ["1"]], "a": ["1"]},
}
FREE: dict[str, Any] = {
    **BY_HAND,
    "problem": {"X": [["0"]], "y": ["3"], "bias": "free"},
    "duals": [],
    "value": "0",
    "network": {"W": [["0"], ["3"]], "a": ["1"]},
}


def test_certificates_by_hand() -> None:
    said = "the least loss at width 1 inside the muon-adamw ball rho = 1 (biases as adamw's) is"
    assert check(BY_HAND).statement.startswith(said)
    assert check(FREE).statement.endswith("(biases free) is 0")
    # The same where W has the Frobenius norm: Z is a multiple of the identity, which counts once.
    plane = {"X": [["0", "0"]], "y": ["3"], "bias": "adamw"}
    network = {"W": [["0"], ["0"], ["1"]], "a": ["1"]}
    other = {**BY_HAND, "problem": plane, "network": network}
    other["within"] = {"ball": "ngd-adamw", "rho": "1"}
    other["duals"] = [{"nu": ["1"], "Z": [["1", "0"], ["0", "1"]], "k": "1000"}]
    assert "ngd-adamw ball rho = 1 (biases as adamw's)" in check(other).statement
    other["duals"][0]["Z"][0][0] = "2"
    refused(other, r"duals\[0\].Z: is no multiple of the identity")


@pytest.mark.parametrize(
    ("at", "value", "message"),
    [
        (("duals", 0, "k"), "999", "duals: no dual covers the cell"),
        (("duals", 0, "k"), "0", "duals: no dual covers the cell"),
        (("duals", 0, "k"), "-1", r"duals\[0\].k: is -1, but must not be negative"),
        (("duals", 0, "k"), 1000, r"duals\[0\].k: must be a rational as text"),
        (("duals", 0, "k"), REMOVE, r"duals\[0\]: the field 'k' is missing"),
        (("duals", 0, "Z"), [["0"]], r"duals\[0\].Z: is not positive definite"),
        (("duals", 0, "Z"), [["2"]], "duals: no dual covers the cell"),
        (("duals", 0, "Z"), [["1", "0"], ["0", "1"]], r"duals\[0\].Z"),
        (("network", "W", 1, 0), "1000001/1000000", "network: the network lies outside the ball"),
        (("problem", "bias"), "free", r"duals\[0\]: 'k' is not a field of it"),
        (("problem", "bias"), "decayed", r"duals\[0\]: 'k' is not a field of it"),
        (("problem", "bias"), "default", "problem.bias: must be one of decayed, adamw, free"),
        (("problem", "bias"), ["free"], "problem.bias: must be one of decayed, adamw, free"),
        (("problem", "bias"), REMOVE, r"duals\[0\]: 'k' is not a field of it"),
        (("within", "ball"), "colnorm", "problem.bias: as adamw's is for norms of W that are"),
    ],
)
def test_what_is_changed_is_refused(at: tuple[Any, ...], value: Any, message: str) -> None:
    refused(tampered(BY_HAND, at, value), message)


@pytest.mark.parametrize(
    ("at", "value", "message"),
    [
        (("problem", "bias"), "decayed", "network: the network lies outside the ball"),
        (("network", "W", 0, 0), "2", "network: the network lies outside the ball"),
        (("network", "W", 1, 0), "2", "network: its loss"),
        (("within",), {"penalty": "l2", "beta": "1"}, "problem.bias: is free, but a penalty"),
    ],
)
def test_free_biases_are_not_decayed(at: tuple[Any, ...], value: Any, message: str) -> None:
    refused(tampered(FREE, at, value), message)


def test_a_dual_that_grows_with_free_biases_proves_nothing() -> None:
    for ball, dual in (
        ("entrywise", ["1"]),
        ("ngd", ["1"]),
        ("colnorm", ["1"]),
        ("adamw-ngd", ["1"]),
        ("muon", {"nu": ["1"], "Z": [["1"]]}),
    ):
        document = {**FREE, "within": {"ball": ball, "rho": "1"}, "duals": [dual], "value": "1/2"}
        document["network"] = {"W": [["0"], ["2"]], "a": ["1"]}
        refused(document, "duals: no dual covers the cell")


def test_the_problem_has_the_same_biases() -> None:
    plain = Problem([[0]], [3])
    assert check(BY_HAND, plain.with_bias())
    assert check(BY_HAND, plain.with_bias("adamw"))
    for given_ in (plain.with_bias("free"), plain.with_bias("decayed"), Problem([[0, 1]], [3])):
        refused(BY_HAND, "problem: its biases are adamw, not", given_)
    entrywise = written(analyse(LINE.with_bias("adamw"), 1, within=Ball("adamw", 1)))
    assert check(entrywise, LINE.with_bias("adamw"))
    assert check(entrywise, LINE.with_bias())
    refused(entrywise, "problem: its biases are decayed, not free", LINE.with_bias("free"))
    anywhere = written(analyse(LINE.with_bias("free"), 1))
    assert check(anywhere, LINE.with_bias("free"))


@pytest.mark.parametrize("kind", ["stationary"])
def test_other_kinds_are_for_decayed_biases(kind: str) -> None:
    from theory.certificates.checker import _KINDS

    fields = dict.fromkeys(_KINDS[kind].fields, 1)
    document = {**fields, **BY_HAND, "kind": kind}
    document = {name: document[name] for name in _KINDS[kind].fields}
    refused(document, "problem.bias: is adamw, but of this kind must be decayed")


# One neuron on x = -1 and x = 1 with y = (0, 2), in the ball of largest weight 1/2: relu(v x + b)
# with v = 1/2 and b = 1/2 has the fit (0, 1); any b is allowed, and (1/2, 3/2) is the best fit.

ALL: dict[str, Any] = {
    **{name: BY_HAND[name] for name in ("format", "version")},
    "kind": "all-valleys",
    "problem": {"X": [["-1"], ["1"]], "y": ["0", "2"], "bias": "free"},
    "width": 1,
    "labelled": False,
    "within": {"ball": "entrywise", "rho": "1/2"},
    "states": [],
    "duals": [],
}


def test_all_valleys_with_a_free_bias_by_hand() -> None:
    """What is free counts in no ball, and is told from what does."""
    problem = Problem.from_json(ALL["problem"])
    document = written(valleys(problem, 1, within=Ball("adamw", HALF)))
    assert {name: document[name] for name in ALL if name not in ("states", "duals")} == {
        name: value for name, value in ALL.items() if name not in ("states", "duals")
    }
    (bottom,) = [each for each in document["valleys"] if each["into"] is None]
    assert bottom["loss"] == "1/4"
    assert check(document).statement.endswith(
        f"{len(document['valleys'])} valley modulo permutation"
    )
    k = next(k for k, column in enumerate(document["columns"]) if isinstance(column, dict))
    assert document["columns"][k] == {"free": ["1", "1"]}
    bounded = tampered(document, ("columns", k), ["1", "1"])
    refused(bounded, rf"columns\[{k}\]: is that of no generator")
    refused(
        tampered(document, ("columns", k, "free"), ["1", "2"]), rf"columns\[{k}\].free: is that"
    )
    refused(tampered(document, ("columns", k, "more"), "1"), rf"columns\[{k}\]: 'more' is not a")
    other = next(i for i in range(len(document["columns"])) if i != k)
    vertex = document["columns"][other]
    refused(
        tampered(document, ("columns", other), {"free": vertex}),
        rf"columns\[{other}\].free: is that of no generator",
    )
    decayed = tampered(document, ("problem", "bias"), "decayed")
    refused(decayed, r"(valleys|columns)\[\d\]")


@few
@given(
    problems(n=(1, 4), d=(1, 1), max_denominator=2),
    st.sampled_from(["squared", "absolute", "huber:1/2"]),
    st.sampled_from(["relu", "leaky_relu:1/10"]),
    st.integers(1, 2),
    st.booleans(),
)
def test_all_valleys_with_free_biases_are_proved_to_be_all(
    problem: Problem, loss: str, activation: str, width: int, output_bias: bool
) -> None:
    data = Problem(
        problem.X, problem.y, loss=loss, activation=activation, output_bias=output_bias
    ).with_bias("free")
    tree = valleys(data, width, within=Ball("adamw", HALF))
    verdict = check(written(tree), data)
    assert verdict.kind == "all-valleys"
    assert f"has exactly {len(tree.valleys)} valley" in verdict.statement


# Whatever is found.


@pytest.mark.parametrize(("ball", "bias"), CASES)
@pytest.mark.parametrize("rho", ["1", "5"])
def test_whatever_is_found_is_valid(ball: str, bias: str, rho: str) -> None:
    data, within = LINE.with_bias(bias), Ball(ball, rho)
    said = "" if ball == "adamw" and bias == "adamw" else SAID[bias]
    found = analyse(data, 2, within=within)
    for result in (found, least(CellComplex.of(data, 2, within=within))):
        assert f" ball rho = {rho}{said}" in check(written(result), data).statement
    tree = valleys(data, 2, within=within)
    verdict = check(written(tree), data)
    assert f"exactly {len(tree.valleys)} valley" in verdict.statement
    if len(found.components) > 1:
        ends = [component.representative for component in found.components[:2]]
        barrier = barrier_between(data, *ends, within=within)
        assert check(written(barrier), data).kind == "barrier"


@pytest.mark.parametrize(("ball", "bias"), CASES)
def test_two_features(ball: str, bias: str) -> None:
    data = PLANE.with_bias(bias)
    found = analyse(data, 2, within=Ball(ball, 1))
    assert check(written(found), data).kind == "components"


@pytest.mark.parametrize("loss", ["absolute", "hinge", "huber:1/2", "logistic"])
@pytest.mark.parametrize(("ball", "bias"), CASES)
def test_other_losses(ball: str, bias: str, loss: str) -> None:
    y = [1, -1, 1] if loss in ("hinge", "logistic") else [1, -1, 2]
    data = Problem([[0], [1], [2]], y, loss=loss, weights=[1, 2, 1]).with_bias(bias)
    result = least(CellComplex.of(data, 2, within=Ball(ball, 1)))
    assert result.value - result.lower < Fraction(1, 10**6)
    assert check(written(result), data).kind == "minimum"


small = st.fractions(-2, 2, max_denominator=3)


@few
@given(
    st.lists(st.tuples(small, small), min_size=1, max_size=3),
    st.lists(small, min_size=3, max_size=3),
    st.sampled_from(CASES),
    st.sampled_from(["abs", "relu", "leaky_relu:1/3"]),
)
def test_drawn_data(
    X: list[tuple[Fraction, Fraction]],
    y: list[Fraction],
    case: tuple[str, str],
    activation: str,
) -> None:
    ball, bias = case
    data = Problem(X, y[: len(X)], activation=activation).with_bias(bias)
    result = least(CellComplex.of(data, 1, within=Ball(ball, 1)))
    assert check(written(result), data)


# Tampering with what is found.


@cache
def components(ball: str, bias: str) -> dict[str, Any]:
    data = LINE.with_bias(bias)
    return written(analyse(data, 2, within=Ball(ball, 5)))


@pytest.mark.parametrize(("ball", "bias"), [("muon", "adamw"), ("muon-adamw", "adamw")])
def test_every_level_counts(ball: str, bias: str) -> None:
    """Half or twice k of all duals proves less than is claimed."""
    document = components(ball, bias)
    assert check(document)
    for factor in (Fraction(1, 2), Fraction(2)):
        duals = [{**dual, "k": str(Fraction(dual["k"]) * factor)} for dual in document["duals"]]
        if duals == document["duals"]:
            continue
        refused({**document, "duals": duals}, ".*(no dual covers|does not reach|bound)")


@pytest.mark.parametrize("ball", ["muon", "muon-adamw"])
def test_the_work_is_counted(ball: str) -> None:
    with pytest.raises(BudgetError, match="steps of the check"):
        check(components(ball, "adamw"), max_steps=30_000)
