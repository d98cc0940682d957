"""Certificates with other losses, weights, output biases and linear parts: those made by hand and
those of whatever is found are valid, and what is changed is refused for its own reason."""

from __future__ import annotations

import json
from fractions import Fraction
from math import lcm
from typing import Any

import pytest
from documents import REMOVE, tampered
from flint import arb, ctx, fmpq
from hypothesis import given
from hypothesis import strategies as st
from profiles import part

from theory.certificates import certify
from theory.certificates.checker import CertificateInvalid, check
from theory.certificates.losses import Loss, _entropy, _exp, _softplus
from theory.connectivity import SolutionSet, connect
from theory.errors import InputError
from theory.landscape import analyse, valleys
from theory.landscape.analysis import barrier_between
from theory.network import Network
from theory.problem import Problem
from theory.programs import Custom, solve
from theory.strategies import networks, problems
from theory.within import Ball, Penalty, Within

HALF = Fraction(1, 2)
EXACT = (
    *("squared", "absolute", "quantile:1/4", "epsilon:1/10", "huber:1/2"),
    *("hinge", "squared_hinge"),
)
LOSSES = (*EXACT, "logistic")
LABELS = ("hinge", "squared_hinge", "logistic")
COMMON = {"format": "isthmus-certificate", "version": 1}


def refused(document: dict[str, Any], message: str) -> None:
    with pytest.raises(CertificateInvalid, match=f"^{message}"):
        check(document)


def written(found: Any) -> dict[str, Any]:
    """The certificate, as a file would hold it."""
    document: dict[str, Any] = json.loads(json.dumps(certify(found)))
    return document


# The arithmetic.

small = st.fractions(-4, 4, max_denominator=6)
weights = st.fractions(Fraction(1, 3), 3, max_denominator=3)


@st.composite
def losses(draw: st.DrawFn, names: tuple[str, ...] = LOSSES, n: int = 3) -> Problem:
    """Data of n rows whose loss is one of these, with weights or without."""
    name = draw(st.sampled_from(names))
    labels: st.SearchStrategy[Fraction] = st.sampled_from([Fraction(1), Fraction(-1)])
    y = draw(st.lists(labels if name in LABELS else small, min_size=n, max_size=n))
    return Problem(
        [[k + 1] for k in range(n)],
        y,
        loss=name,
        weights=draw(st.none() | st.lists(weights, min_size=n, max_size=n)),
    )


def vectors(n: int = 3) -> st.SearchStrategy[list[Fraction]]:
    return st.lists(small, min_size=n, max_size=n)


def in_integers(fit: list[Fraction]) -> tuple[list[int], int]:
    scale = lcm(*(v.denominator for v in fit))
    return [int(v * scale) for v in fit], scale


@given(losses(), vectors(), vectors())
def test_no_dual_vector_proves_more_than_is_true(
    problem: Problem, fit: list[Fraction], lam: list[Fraction]
) -> None:
    """Weak duality, from tables that know nothing of each other."""
    loss = Loss(problem)
    try:
        proof = loss.proof(lam, "lam")
    except CertificateInvalid:
        return
    height = sum((v * f for v, f in zip(lam, fit, strict=True)), Fraction())
    value = loss.least(*in_integers(fit))
    assert proof.below(height) <= value <= loss.value(*in_integers(fit))
    if height > 0:
        assert proof.shortened(1 / height) <= value + 1  # t lam.f <= 1


@given(losses(), vectors())
def test_minus_the_gradient_proves_the_loss(problem: Problem, fit: list[Fraction]) -> None:
    """Where D is attained: so it is nowhere less than it may be."""
    loss = Loss(problem)
    w = problem.loss.weights or (Fraction(1),) * 3
    slopes = {
        "squared": lambda f, y: f - y,
        "huber": lambda f, y: max(-HALF, min(HALF, f - y)),
        "absolute": lambda f, y: (f > y) - (f < y),
        "quantile": lambda f, y: Fraction(3, 4) * (f > y) - Fraction(1, 4) * (f < y),
        "epsilon": lambda f, y: (f - y > Fraction(1, 10)) - (y - f > Fraction(1, 10)),
        "hinge": lambda f, y: -y * (y * f < 1),
        "squared_hinge": lambda f, y: -2 * y * max(0, 1 - y * f),
        # Of floats: the error is of second order.
        "logistic": lambda f, y: -y * Fraction(1 / (1 + 2.718281828459045 ** float(y * f))),
    }
    slope = slopes[problem.loss.name]
    lam = [-v * slope(f, y) for v, f, y in zip(w, fit, problem.y, strict=True)]
    proof = loss.proof(lam, "lam")
    height = sum((v * f for v, f in zip(lam, fit, strict=True)), Fraction())
    value = loss.value(*in_integers(fit))
    assert value - Fraction(1, 10**20) <= proof.below(height) <= value
    if loss.exact:
        assert proof.below(height) == value


@given(losses(), vectors(), vectors())
def test_the_checker_and_the_ground_floor_say_the_same(
    problem: Problem, fit: list[Fraction], lam: list[Fraction]
) -> None:
    ours, value = Loss(problem), problem.loss_of(fit)
    rounding = 0 if ours.exact else Fraction(1, 2**45)
    assert 0 <= value - ours.value(*in_integers(fit)) <= rounding
    theirs = problem.loss.dual(lam, problem.y)
    if theirs is None:
        with pytest.raises(CertificateInvalid, match="out of the range of the loss"):
            ours.proof(lam, "lam")
        return
    proof = ours.proof(lam, "lam")
    if proof.norm is None:
        assert 0 <= proof.gain - theirs <= rounding
    else:
        assert proof.gain - proof.norm / 2 == theirs


@pytest.mark.parametrize(
    "x",
    [*map(Fraction, (0, 1, -1, 40, -40, -700, -2000, 700)), Fraction(-1, 10**9), Fraction(22, 7)],
)
def test_exponentials_and_logarithms_are_bounded_from_both_sides(x: Fraction) -> None:
    """Against Arb, with more digits than they claim to have."""
    before, ctx.prec = ctx.prec, 8000
    try:

        def ball(value: Fraction) -> arb:
            return arb(fmpq(value.numerator, value.denominator))

        def encloses(lower: Fraction, true: arb, upper: Fraction) -> bool:
            near = ball(upper - lower) <= ball(upper) * arb(2) ** -150
            return bool(ball(lower) <= true <= ball(upper) and near)

        for sign in (1, -1):
            exact = ball(sign * x).exp()
            ends = [_softplus(sign * x, up=up) for up in (False, True)]
            assert encloses(ends[0], exact.log1p(), ends[1])
        size = -abs(x)
        assert encloses(_exp(size, up=False), ball(size).exp(), _exp(size, up=True))
        p = 1 / (1 + abs(x))
        if p < 1:
            entropy = -ball(p) * ball(p).log() - ball(1 - p) * ball(1 - p).log()
            assert ball(_entropy(p)) <= entropy
            assert entropy - ball(_entropy(p)) <= entropy * arb(2) ** -150
    finally:
        ctx.prec = before


def test_what_is_too_small_for_an_exponential_is_rounded_the_safe_way() -> None:
    assert _exp(Fraction(-(10**9)), up=False) == 0
    assert _exp(Fraction(-(10**9)), up=True) == Fraction(1, 2**4096)
    assert _entropy(Fraction()) == _entropy(Fraction(1)) == 0


# By hand. One neuron fits one of two points: f(u) = s (max(u, 0), max(-u, 0)), y = (1, 1).


def least(loss: str, value: str, dual: str, **problem: Any) -> dict[str, Any]:
    """The least loss, where one target is fitted and lam is `dual` at the other."""
    return {
        **COMMON,
        "kind": "minimum",
        "problem": {"X": [["1"], ["-1"]], "y": ["1", "1"], "loss": loss, **problem},
        "width": 1,
        "within": None,
        "duals": [["0", dual], [dual, "0"]],
        "value": value,
        "network": {"W": [["1"]], "a": ["1"]},
    }


CLOSED = {
    "squared": ("1/2", "1"),
    "huber:1/2": ("3/8", "1/2"),
    "absolute": ("1", "1"),
    "quantile:1/4": ("1/4", "1/4"),
    "epsilon:1/10": ("9/10", "1"),
    "hinge": ("1", "1"),
    "squared_hinge": ("1", "2"),
}


@pytest.mark.parametrize("loss", CLOSED)
def test_closed_forms(loss: str) -> None:
    value, dual = CLOSED[loss]
    document = least(loss, value, dual)
    assert check(document).statement == f"the least loss at width 1 is {value}"
    assert valleys(Problem.from_json(document["problem"]), 1).minimum == Fraction(value)
    # Weights: fitting the second point leaves the first, of weight 2 and not 5.
    weighted = least(loss, str(2 * Fraction(value)), str(2 * Fraction(dual)), weights=["2", "5"])
    weighted["network"] = {"W": [["-1"]], "a": ["1"]}
    assert check(weighted)
    refused({**weighted, "network": document["network"]}, "network: its loss is ")
    if loss != "squared":
        longer = [["0", str(Fraction(dual) * 3 / 2)], [dual, "0"]]
        outside = r"duals\[0\]: (its entry 1 is .*: out of the range of the loss|the bound .* of)"
        refused({**document, "duals": longer}, outside)
        shorter = [[str(Fraction(v) / 2) for v in each] for each in document["duals"]]
        refused({**document, "duals": shorter}, r"duals\[0\]: the bound .* is not at least")


def test_the_logistic_loss_is_between_rationals() -> None:
    """One point is fitted ever better, the other one has log 2: D is attained at lam = 1/2."""
    document = least("logistic", "0", "1/2")
    document["value"] = ["693147180559/1000000000000", "693147180561/1000000000000"]
    document["network"]["W"] = [["1000"]]
    assert "between 0.693147180559 and 0.693147180561" in check(document).statement
    document["value"][1] = "693147180559/1000000000000"
    refused(document, "network: its loss is ")
    document["value"][0] = "0"
    document["duals"] = []
    document["value"][1] = "7/10"
    assert check(document)
    document["value"] = ["69315/100000", "7/10"]
    document["duals"] = [["0", "1/2"], ["1/2", "0"]]
    refused(document, r"duals\[0\]: the bound .* of dual 0 is not at least 13863/20000")


TENT: dict[str, Any] = {
    **COMMON,
    "kind": "minimum",
    "problem": {
        "X": [["-1"], ["0"], ["1"]],
        "y": ["0", "1", "0"],
        "loss": "absolute",
        "output_bias": True,
    },
    "width": 1,
    "within": None,
    "duals": [["-1/2", "1", "-1/2"], ["-1", "1", "0"], ["0", "1", "-1"]],
    "value": "1",
    "network": {"W": [["0"]], "a": ["0"]},
}
"""With b one neuron still bends at 0 only: f = (b, b, b) + s (max(-u, 0), 0, max(u, 0))."""
TAMPERED: list[tuple[tuple[Any, ...], Any, str]] = [
    (("problem", "loss"), "quantile:1/4", r"duals\[0\]: its entry 1 is 1: out of the range of the"),
    (("problem", "loss"), "huber", "problem.loss: 'huber' is none; write one of"),
    (("problem", "loss"), 1, "problem.loss: must be text, not 1"),
    (("problem", "loss"), "hinge", r"problem.y\[0\]: 0 is no label"),
    (("problem", "weights"), ["1", "2", "1"], "network: its loss is 2, not 1"),
    (("problem", "weights"), ["1", "1/2", "1"], r"duals\[0\]: its entry 1 is 1 / 1/2: out of the"),
    (("problem", "weights"), ["1", "1"], "problem.weights: has 2 entries, but X has 3 rows"),
    (("problem", "weights"), ["1", "0", "1"], r"problem.weights\[1\]: 0 must be positive"),
    (("problem", "weights"), "1", "problem.weights: must be a list"),
    (("problem", "output_bias"), 1, "problem.output_bias: must be true or false, not 1"),
    (("problem", "skip"), True, r"duals\[1\]: is not orthogonal to column 0 of X, but the skip"),
    (("duals", 0), ["-1", "2", "-1"], r"duals\[0\]: its entry 1 is 2: out of the range of the"),
    (("duals", 0), ["0", "1", "-1/2"], r"duals\[0\]: its entries do not add up to 0, but the out"),
    (("duals", 1), ["-1/2", "1/2", "0"], r"duals\[1\]: the bound 1/2 of dual 1 is not at least 1"),
    (("duals", 1), REMOVE, r"duals: no dual covers the cell -\(-0\+\)"),
    (("network", "b"), "1/2", "network: its loss is 3/2, not 1"),
    (("network", "b"), "-1", "network: its loss is 4, not 1"),
    (("network", "c"), ["1"], "network.c: the problem has no skip connection"),
    (("value",), ["1", "1"], "value: must be one rational, as it can be known exactly"),
]


def test_an_output_bias_by_hand() -> None:
    verdict = check(TENT)
    assert verdict.statement == "the least loss at width 1 is 1"
    found = analyse(Problem.from_json(TENT["problem"]), 1)
    assert found.minimum == 1
    without = tampered(TENT, ("problem", "output_bias"), False)
    assert check(without)  # the neuron is of no more use than before
    refused(tampered(without, ("network", "b"), "0"), "network.b: the problem has no output bias")
    # Squared: 1/4 at b = 1/2, where one target of the three is fitted.
    squared = {**TENT, "value": "1/4"}
    squared["problem"] = {k: v for k, v in TENT["problem"].items() if k != "loss"}
    squared["network"] = {"W": [["1/2"]], "a": ["-1"], "b": "1/2"}
    assert check(squared)
    refused(tampered(squared, ("network", "b"), "1/3"), "network: its loss is 7/24, not 1/4")
    refused(tampered(squared, ("duals", 1), ["-1", "2", "0"]), r"duals\[1\]: its entries do not ad")


@pytest.mark.parametrize(
    ("at", "value", "message"), TAMPERED, ids=[row[2][:60] for row in TAMPERED]
)
def test_what_is_changed_is_refused(at: tuple[Any, ...], value: Any, message: str) -> None:
    refused(tampered(TENT, at, value), message)


def test_it_is_for_the_given_problem_only() -> None:
    assert check(TENT, Problem.from_json(TENT["problem"]))
    for field, value in (("loss", "huber:1/2"), ("weights", ["1", "2", "1"])):
        with pytest.raises(CertificateInvalid, match="its loss differs from that of the given"):
            check(TENT, Problem.from_json({**TENT["problem"], field: value}))
    for field in ("output_bias", "skip"):
        other = {**TENT["problem"], field: field == "skip"}
        with pytest.raises(CertificateInvalid, match=f"its {field} differs"):
            check(TENT, Problem.from_json(other))


def test_a_linear_part_by_hand() -> None:
    """What is linear costs nothing: of |x| - 1, at -2, -1, 1, 2, the neuron is all that is left."""
    X = [["-2", "1"], ["-1", "1"], ["1", "1"], ["2", "1"]]
    document = {
        **COMMON,
        "kind": "minimum",
        "problem": {"X": X, "y": ["1", "0", "0", "1"], "loss": "hinge", "skip": True},
        "width": 1,
        "within": None,
        "duals": [],
        "value": "0",
        "network": {"W": [["2"], ["0"]], "a": ["1"], "c": ["-1", "-1"]},
    }
    document["problem"] = {**document["problem"], "loss": "absolute"}  # type: ignore[dict-item]
    assert check(document)
    refused(tampered(document, ("network", "c", 1), "0"), "network: its loss is 4, not 0")
    refused(tampered(document, ("network", "c"), ["1"]), "network.c: has 1 entries, but must have")
    refused(tampered(document, ("network", "b"), "1"), "network.b: the problem has no output bias")


def test_a_path_moves_the_output_bias() -> None:
    """The absolute loss is 2 at b = 0, and none at b = 1."""
    document: dict[str, Any] = {
        **COMMON,
        "kind": "path",
        "problem": {"X": [["1"], ["-1"]], "y": ["1", "1"], "loss": "absolute", "output_bias": True},
        "width": 1,
        "within": {"ball": "entrywise", "rho": "1"},
        "level": "2",
        "networks": [
            {"W": [["0"]], "a": ["0"]},
            {"W": [["1"]], "a": ["1"], "b": "1/2"},
        ],
        "start": [["+", "0", ["0"]], {"b": "0"}],
        "steps": [[{"b": "1"}], [[0, "+", "1", ["1"]], {"b": "1/2"}]],
    }
    assert "with loss at most 2" in check(document).statement
    refused({**document, "level": "199/100"}, "start: its loss 2 is above the level 199/100")
    wrong = tampered(document, ("steps", 1, 1), {"b": "1/3"})
    refused(wrong, r"steps\[1\]: its b or c is not that of networks\[1\]")
    refused(tampered(document, ("steps", 0, 0), {"b": "4"}), r"steps\[0\]: its loss 6 is above the")
    refused(tampered(document, ("start", 1), {"b": "1"}), r"start: its b or c is not that of")
    refused(
        tampered(document, ("start", 1), {"c": ["1"]}), r"start\[1\].c: the problem has no skip"
    )
    plain = tampered(document, ("problem", "output_bias"), REMOVE)
    plain["networks"] = [{k: v for k, v in net.items() if k != "b"} for net in plain["networks"]]
    refused(plain, "start: has 2 neurons, but must have 1")


def test_a_least_radius_by_hand() -> None:
    """One target of 2, to be fitted up to 1/2: f = u = 3/2. For the squared loss 1 is enough."""
    own = [{"hidden": ["1/2"], "output": "1/2"}]
    document: dict[str, Any] = {
        **COMMON,
        "kind": "regions",
        "problem": {"X": [["1"]], "y": ["2"], "loss": "absolute"},
        "width": 1,
        "level": "1/2",
        "balls": ["entrywise"],
        "duals": [{"lam": ["1"], "shared": [{}], "blocks": [["+", "+", own, []]]}],
        "points": [
            {"rho": ["3/2"], "neurons": [["+", "3/2", ["3/2"]]]},
            {"rho": ["3/2"], "duals": [0]},
        ],
    }
    assert "1 are attained, 1 are lower bounds, and 1 are both" in check(document).statement
    refused(
        tampered(document, ("problem", "loss"), "squared"), r"points\[1\].duals: no dual covers"
    )
    refused(tampered(document, ("points", 1, "rho"), ["8/5"]), r"points\[1\].duals: no dual covers")
    refused(
        tampered(document, ("points", 0, "b"), "1"), r"points\[0\].b: the problem has no output"
    )
    refused(
        tampered(document, ("duals", 0, "lam"), ["2"]), r"duals\[0\].lam: its entry 0 is 2: out"
    )
    free = tampered(document, ("problem", "output_bias"), True)
    refused(free, r"duals\[0\].lam: its entries do not add up to 0")
    shifted = {**free, "duals": [], "points": [{"rho": ["1/8"], "neurons": [], "b": "3/2"}]}
    assert "lies in the entrywise ball rho = 1/8" in check(shifted).statement
    refused(
        tampered(shifted, ("points", 0, "b"), "1"), r"points\[0\]: its loss 1 is above the level"
    )


def test_a_local_minimum_by_hand() -> None:
    document: dict[str, Any] = {
        **COMMON,
        "kind": "stationary",
        "problem": {"X": [["1"], ["-1"]], "y": ["1", "1"], "loss": "absolute"},
        "within": None,
        "network": {"W": [["1"]], "a": ["1"]},
        "slack": "0",
        "dual": {"nu": ["0", "1"], "mu": []},
    }
    assert "is a local minimum" in check(document).statement
    refused(tampered(document, ("dual", "nu"), ["0", "2"]), "dual.nu: its entry 1 is 2: out of the")
    refused(tampered(document, ("dual", "nu"), ["0", "1/2"]), "dual: proves 1/2 of the networks")
    refused(
        tampered(document, ("problem", "weights"), ["1", "2"]), "dual: proves 1 of the networks"
    )
    free = tampered(document, ("problem", "output_bias"), True)
    refused(free, "dual.nu: its entries do not add up to 0, but the output bias is free")


def test_the_logistic_loss_has_no_valleys_where_weights_have_no_bound() -> None:
    problem = {"X": [["1"], ["-1"]], "y": ["1", "1"], "loss": "logistic"}
    found = written(valleys(Problem.from_json(problem), 1, within=Ball("ngd", 1)))
    assert "exactly 2 valleys" in check(found).statement
    refused({**found, "within": None}, "problem.loss: is logistic, which may have no least point")
    free = tampered({**found, "duals": []}, ("problem", "output_bias"), True)
    refused(free, "problem.loss: is logistic, which may have no least point")
    with pytest.raises(InputError, match="loss: is logistic: its valleys are certified where all"):
        certify(valleys(Problem.from_json(problem), 1))


# What is found has a valid certificate.


@st.composite
def landscapes(draw: st.DrawFn, names: tuple[str, ...]) -> Problem:
    """Any data, with any loss of these, weights, an output bias and a linear part."""
    problem = draw(problems(n=(1, 4), d=(1, 2), max_denominator=2))
    name = draw(st.sampled_from(names))
    n = problem.n
    y = draw(st.lists(st.sampled_from([1, -1]), min_size=n, max_size=n))
    return Problem(
        problem.X,
        y if name in LABELS else problem.y,
        loss=name,
        weights=draw(st.none() | st.lists(weights, min_size=n, max_size=n)),
        output_bias=draw(st.booleans()),
        skip=draw(st.booleans()),
    )


polyhedral = st.sampled_from([None, Ball("adamw", HALF), Ball("adamw", 2)])


@part(2)
@given(landscapes(EXACT), st.integers(1, 2), polyhedral)
def test_valleys_of_every_loss_are_proved_to_be_all(
    problem: Problem, width: int, within: Within | None
) -> None:
    tree = valleys(problem, width, within=within)
    verdict = check(written(tree), problem)
    assert verdict.kind == "all-valleys"
    assert f"has exactly {len(tree.valleys)} valley" in verdict.statement


@part(2)
@given(landscapes(EXACT), st.integers(1, 2), polyhedral, st.booleans())
def test_components_of_every_loss_have_a_valid_certificate(
    problem: Problem, width: int, within: Ball | None, labelled: bool
) -> None:
    found = analyse(problem, width, within=within, labelled=labelled)
    verdict = check(written(found), problem)
    assert f"the global minimum is {found.minimum}" in verdict.statement


@part(2)
@given(st.data(), landscapes(EXACT), st.integers(1, 2))
def test_barriers_of_every_loss_lead_from_and_to_any_output_bias(
    data: st.DataObject, problem: Problem, width: int
) -> None:
    def network() -> Network:
        drawn = data.draw(networks(problem.d, width))
        b = data.draw(small) if problem.output_bias else 0
        c = data.draw(vectors(problem.d)) if problem.skip else None
        return Network(drawn.W, drawn.a, b, c)

    found = barrier_between(problem, network(), network())
    document = written(found)
    assert f"is {found.value}" in check(document, problem).statement
    if problem.output_bias:
        last = len(document["path"]) - 1
        b = str(found.networks[1].b + 1)
        moved = tampered(document, ("networks", 1, "b"), b)
        refused(moved, rf"path\[{last}\]: its b or c is not that of the second network")


ROUND = (
    *("adamw", "muon", "muon-adamw", "ngd", "colnorm"),
    *("adamw-ngd", "colnorm-ngd", "ngd-adamw"),
)


@part(2)
@given(
    losses(n=2), st.sampled_from([*(Ball(name, 1) for name in ROUND), Penalty(HALF), Penalty(2)])
)
def test_optima_of_every_loss_have_a_valid_certificate(problem: Problem, within: Within) -> None:
    found = solve(problem, within, width=1, max_cells=1)
    verdict = check(written(found), problem)
    assert verdict.kind == "optimum"
    if problem.loss.name != "squared" and found.dual is not None and found.lower:
        longer = written(found)
        longer["dual"]["nu"] = [str(1000 * Fraction(v)) for v in longer["dual"]["nu"]]
        with pytest.raises(CertificateInvalid, match="out of the range|above the dual's bound"):
            check(longer, problem)


@part(2)
@given(landscapes(EXACT), st.sampled_from([*(Ball(name, 1) for name in ROUND), Penalty(HALF)]))
def test_valleys_in_balls_have_a_valid_certificate(problem: Problem, within: Within) -> None:
    tree = valleys(problem, 1, within=within)
    verdict = check(written(tree), problem)
    assert verdict.kind in ("deep-valleys", "all-valleys", "valleys")
    assert f"{len(tree.valleys)} valley" in verdict.statement


@part(2)
@given(landscapes(("logistic",)), st.data())
def test_the_logistic_loss_has_components_and_barriers_anywhere(
    problem: Problem, data: st.DataObject
) -> None:
    found = analyse(problem, 1, level=2 * problem.zero)
    assert "the global minimum is between" in check(written(found), problem).statement
    ends = [data.draw(networks(problem.d, 1)) for _ in range(2)]
    barrier = barrier_between(problem, *ends)
    assert "the minimax barrier" in check(written(barrier), problem).statement


@pytest.mark.parametrize("loss", LOSSES)
def test_paths_of_solutions_have_a_valid_certificate(loss: str) -> None:
    problem = Problem([[1], [-1]], [1, 1], loss=loss, weights=[2, 1])
    solutions = SolutionSet(problem, Ball("muon", 3), Fraction(3))
    ends = (
        Network([["1/2", "0", "0"]], [1, 0, 0]),
        Network([["-1/2", "0", "1/4"]], [1, 0, 1]),
    )
    document = written(connect(solutions, *ends, max_cells=1))
    assert "with loss at most 3" in check(document, problem).statement
    refused({**document, "level": "1/10"}, "start: its loss .* is above the level 1/10")


def test_a_loss_with_kinks_has_valleys_that_one_dual_vector_does_not_show() -> None:
    """The least point of a cell has many dual vectors, and that found may allow too few states."""
    X = [[-1, 1], [0, -1], [1, 0], [2, 1]]
    problem = Problem(X, [-4, -3, 0, -3], loss="quantile:1/4", output_bias=True)
    tree = valleys(problem, 1)
    assert [(v.birth, v.death) for v in tree.valleys] == [
        (3 * HALF / 2, None),
        (3 * HALF / 2, 3 * HALF),
    ]
    assert "exactly 2 valleys" in check(written(tree), problem).statement


def test_targets_in_parts_are_no_matter_in_balls_that_mix_norms() -> None:
    problem = Problem([[3], [-3], [3]], [-1, 2, HALF], loss="absolute")
    found = analyse(problem, 1, within=Ball("adamw-ngd", 2))
    assert check(written(found), problem)


def test_a_loss_of_ones_own_has_none() -> None:
    problem = Problem([[1], [-1]], [1, 1], loss=Custom(lambda fit, y: ((fit - y) ** 2).sum()))
    found = solve(problem, Ball("ngd", 1))
    with pytest.raises(InputError, match="loss: is one's own, of which nothing is proved"):
        certify(found)
