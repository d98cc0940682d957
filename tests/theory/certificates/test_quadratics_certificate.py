"""Certificates by quadratics over ramps: valid in every ball, refused where changed."""

from __future__ import annotations

import json
from fractions import Fraction
from functools import cache, partial
from typing import Any

import numpy as np
import pytest
from documents import REMOVE, tampered
from hypothesis import given
from hypothesis import strategies as st
from problems import planted
from searched import in_many_dimensions

from theory.certificates import algebra, certify, checker, work
from theory.certificates.algebra import sigma_of
from theory.certificates.checker import CertificateInvalid, check
from theory.certificates.losses import Loss
from theory.certificates.quadratics import Norm, Quadratics
from theory.errors import BudgetError
from theory.gauges import Metric
from theory.problem import Problem
from theory.programs import duals, relax, solve
from theory.programs import quadratic as producer
from theory.programs.cover import cover
from theory.within import Ball, Penalty

BALLS = ("adamw", "muon", "muon-adamw", "ngd", "colnorm", "adamw-ngd", "colnorm-ngd", "ngd-adamw")


def within(name: str) -> Ball | Penalty:
    return Penalty(20) if name == "sgd" else Ball(name, "1/8")


@cache
def certified(name: str) -> tuple[Problem, str]:
    problem, _ = planted(10, 3, 3, 0)
    found = in_many_dimensions(problem, within(name), width=2, max_cells=1)
    assert not found.whole
    assert found.covered is not None
    return problem, json.dumps(certify(found))


def alone(document: Any) -> Any:
    """The statement of all patterns without the one of those listed."""
    value, dual = document["everywhere"]["value"], document["everywhere"]["dual"]
    return {
        **{name: part for name, part in document.items() if name != "everywhere"},
        **{"patterns": None, "value": [value, document["value"][1]], "dual": dual},
    }


@pytest.mark.parametrize("name", [*BALLS, "sgd"])
def test_every_ball_has_a_certificate_for_all_patterns(name: str) -> None:
    problem, text = certified(name)
    document = json.loads(text)
    verdict = check(document, problem)
    lower, everywhere = Fraction(document["value"][0]), Fraction(document["everywhere"]["value"])
    assert verdict.statement.endswith(
        f"the {len(document['patterns'])} patterns priced at least {lower}, all others at least "
        f"{everywhere}"
    )
    assert verdict.duals == 2
    assert check(alone(document), problem).statement.startswith("the least loss of width 2")
    whole = relax(problem, within(name), width=2)
    assert whole.upper / 3 < everywhere <= whole.upper


@pytest.mark.parametrize("name", ["ngd", "adamw", "muon", "sgd"])
@pytest.mark.parametrize(
    ("activation", "loss", "weights"),
    [
        ("leaky_relu:1/3", "squared", None),
        ("abs", "huber:3", [Fraction(k + 1, 3) for k in range(10)]),
        ("relu", "absolute", None),
        ("leaky_relu:1/3", "logistic", None),
    ],
)
def test_other_activations_and_losses_have_certificates(
    activation: str, loss: str, weights: Any, name: str
) -> None:
    data, _ = planted(10, 3, 3, 0)
    X = [[v / 3 for v in row] for row in data.X]
    y = [1 if v > 0 else -1 for v in data.y] if loss == "logistic" else data.y
    problem = Problem(X=X, y=y, activation=activation, loss=loss, weights=weights)
    ball = Penalty(1) if name == "sgd" else Ball(name, "1/4")
    found = in_many_dimensions(problem, ball, width=1 if name == "adamw" else None)
    document = json.loads(json.dumps(certify(found)))
    assert 0 < found.everywhere <= found.upper
    assert "all others at least" in check(document, problem).statement
    assert check(alone(document), problem).kind == "optimum"


@pytest.mark.parametrize("loss", ["squared", "huber:3", "logistic"])
@pytest.mark.parametrize("name", ["ngd", "muon"])
def test_free_parts_have_certificates(name: str, loss: str) -> None:
    data, _ = planted(10, 3, 3, 0)
    y = [1, -1] * 5 if loss == "logistic" else data.y
    problem = Problem(X=data.X, y=y, loss=loss, output_bias=True, skip=True)
    found = in_many_dimensions(problem, Ball(name, "1/16"))
    assert 0 < found.everywhere <= found.upper
    assert check(alone(json.loads(json.dumps(certify(found)))), problem).kind == "optimum"


def test_seven_columns_are_proved_so_by_themselves() -> None:
    problem, _ = planted(12, 7, 3, 0)
    found = solve(problem, Ball("ngd", "1/4"), max_patterns=20)
    assert "all others at least" in check(certify(found), problem).statement


def test_what_a_cover_leaves_open_is_certified_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(duals, "cover", partial(cover, limit=100))
    problem, _ = planted(30, 4, 4, 0, entries=9)
    found = solve(problem, Ball("ngd", "1/4"), max_patterns=50)
    assert not found.whole
    document = json.loads(json.dumps(certify(found)))
    assert "cover" in document["everywhere"]["dual"]
    assert 0 < found.everywhere < found.lower
    assert "all others at least" in check(document, problem).statement


def length(problem: Problem, half: Any, norm: Norm) -> Fraction:
    """By the checker, of relu(X u) . y with one half for both signs."""
    X, scale, _, _ = algebra.integer_form(problem)
    assert scale == 1
    proof = Loss(problem).proof(problem.y, "nu")
    quadratics = Quadratics({"+": half, "-": half}, X, proof, sigma_of(problem), norm)
    return quadratics._half("+", half) / proof.unit / sigma_of(problem).unit


def norm_of(X: Any, kind: str) -> tuple[Norm, producer.Norm]:
    """What the checker is given, and the producer's."""
    d = len(X[0])
    A = np.random.default_rng(d).integers(-2, 3, (d, d))
    metric = Metric.near(A @ A.T + 0.1 * np.eye(d)) if kind == "spectral" else None
    own = producer.Norm(X, metric, entries=kind == "entrywise")
    return Norm(own.entries, own.form, own.trace, own.reaches), own


def half_of(b: Any, t: Any) -> dict[str, list[str]]:
    return {"b": list(map(str, b)), "t": list(map(str, t))}


@given(
    st.integers(1, 4).flatmap(
        lambda d: st.lists(st.tuples(*[st.integers(-4, 4)] * d), min_size=1, max_size=6)
    ),
    st.data(),
    st.sampled_from(["entrywise", "l2", "spectral"]),
    st.sampled_from(["relu", "abs", "leaky_relu:1/3"]),
)
def test_the_checker_finds_what_the_producer_says(
    X: Any, data: st.DataObject, kind: str, activation: str
) -> None:
    n, d = len(X), len(X[0])
    numbers = st.fractions(-4, 4, max_denominator=5)
    lam = tuple(data.draw(st.lists(st.integers(-4, 4), min_size=n, max_size=n)))
    b = tuple(data.draw(st.lists(numbers, min_size=n, max_size=n)))
    weights = d if kind == "entrywise" else 1
    t = tuple(data.draw(st.lists(st.fractions(0, 99), min_size=weights, max_size=weights)))
    problem = Problem(X=X, y=lam, activation=activation)
    norm, own = norm_of(X, kind)
    exact = producer.length(X, lam, problem.activation, own, producer.Half(b, t))
    if exact is None:
        with pytest.raises(CertificateInvalid, match="G - A is not positive definite"):
            length(problem, half_of(b, t), norm)
    else:
        assert length(problem, half_of(b, t), norm) == exact


def test_closed_form_of_one_ramp() -> None:
    """relu(3 u_1 + 4 u_2) is at most 5 ||u||, and b = 1 / 5, t = 5 prove that: (10 - 5)^2 / 2."""
    document = {
        "format": "isthmus-certificate",
        "version": 1,
        "kind": "optimum",
        "problem": {"X": [["3", "4"]], "y": ["10"]},
        "width": None,
        "within": {"ball": "ngd", "rho": "1"},
        "patterns": None,
        "value": "25/2",
        "network": {"W": [["3/5"], ["4/5"]], "a": ["1"]},
        "dual": {
            "nu": ["1"],
            "quadratics": {"+": half_of(["1/5"], ["5"]), "-": half_of(["-2/5"], ["1"])},
        },
    }
    assert check(document).statement.endswith("ngd ball rho = 1 is 25/2")
    for b in ("1/6", "1/4"):
        with pytest.raises(CertificateInvalid, match="25/2 is above the dual's bound"):
            check(tampered(document, ("dual", "quadratics", "+", "b", 0), b))
    with pytest.raises(CertificateInvalid, match="quadratics.\\+: G - A is not positive definite"):
        check(tampered(document, ("dual", "quadratics", "+", "t", 0), "5/2"))


HALF = ("everywhere", "dual", "quadratics", "+")
ABOVE = "everywhere.value: .* is above the dual's bound"
CHANGES: list[tuple[str, tuple[Any, ...], Any, str]] = [
    ("ngd", (*HALF, "b", 0), str(10**30), "everywhere.dual.quadratics.\\+: G - A is not positive"),
    ("ngd", (*HALF, "b", 0), str(-(10**30)), ABOVE),
    ("ngd", (*HALF, "b"), ["0"] * 9, "quadratics.\\+.b: has 9 entries, but must have 10"),
    ("ngd", (*HALF, "b", 0), 1, "quadratics.\\+.b\\[0\\]: must be a rational as text"),
    ("ngd", (*HALF, "t"), ["1"] * 3, "quadratics.\\+.t: has 3 entries, but must have 1"),
    ("adamw", (*HALF, "t"), ["1"], "quadratics.\\+.t: has 1 entries, but must have 3"),
    ("ngd", (*HALF, "t", 0), "-1", "quadratics.\\+.t\\[0\\]: is -1, but must not be negative"),
    ("ngd", (*HALF, "t", 0), str(10**30), ABOVE),
    ("ngd", HALF, REMOVE, "everywhere.dual.quadratics: the field '\\+' is missing"),
    ("ngd", (*HALF, "c"), [], "everywhere.dual.quadratics.\\+: 'c' is not a field"),
    ("ngd", ("everywhere", "dual", "nu", 0), str(10**20), ABOVE),
    ("ngd", ("everywhere", "dual", "nu"), ["0"] * 10, f"{ABOVE} 0|not positive definite"),
    ("ngd", ("everywhere", "dual", "mu"), [], "everywhere.dual: 'mu' is not a field"),
    ("ngd", ("everywhere", "dual"), {"nu": ["1"] * 10, "mu": []}, "everywhere.dual: must have one"),
    ("ngd", ("everywhere", "dual"), None, "everywhere.dual: must have one of cover, quadratics"),
    ("ngd", ("everywhere", "value"), "10000", ABOVE),
    ("ngd", ("everywhere", "value"), ["0", "1"], "everywhere.value: must be a rational"),
    ("ngd", ("everywhere",), None, "everywhere: must be a JSON object"),
    ("ngd", ("patterns",), None, "everywhere: is a field of certificates that list patterns only"),
    ("ngd", ("within", "rho"), "1", ABOVE + "|value: the lower end"),
    ("muon", ("everywhere", "dual", "Z"), REMOVE, "everywhere.dual: the field 'Z' is missing"),
    ("muon", ("everywhere", "dual", "Z", 0, 0), "0", "everywhere.dual.Z: is not positive definite"),
    (
        *("muon", ("everywhere", "dual", "Z"), [["9", "0", "0"], ["0", "1", "0"], ["0", "0", "1"]]),
        f"{ABOVE}|not positive definite",
    ),
    ("ngd", ("dual",), {"nu": ["1"] * 10, "quadratics": {}}, "patterns: must be null where the"),
]


@pytest.mark.parametrize(("name", "at", "value", "message"), CHANGES)
def test_what_is_changed_is_refused_for_its_reason(
    name: str, at: tuple[Any, ...], value: Any, message: str
) -> None:
    problem, text = certified(name)
    with pytest.raises(CertificateInvalid, match=message):
        check(tampered(json.loads(text), at, value), problem)


def test_each_sign_has_curvatures_of_its_own() -> None:
    problem, text = certified("ngd")
    document = json.loads(text)
    halves = document["everywhere"]["dual"]["quadratics"]
    halves["+"], halves["-"] = halves["-"], halves["+"]
    with pytest.raises(CertificateInvalid, match=f"{ABOVE}|not positive definite"):
        check(document, problem)


@pytest.mark.parametrize("name", ["ngd", "muon", "adamw"])
def test_steps_are_counted_before_they_are_taken(name: str) -> None:
    document = alone(json.loads(certified(name)[1]))
    with work.limited(10**12) as done:
        checker._check(document, None)
    for part in (10, 3, 2):
        limit = done.spent * (part - 1) // part
        with pytest.raises(BudgetError, match="steps of the check, up to ") as caught:
            check(document, max_steps=limit)
        assert caught.value.needed > limit


def wide(d: int, half: dict[str, list[str]]) -> dict[str, Any]:
    """Of one row of d ones."""
    return {
        "format": "isthmus-certificate",
        "version": 1,
        "kind": "optimum",
        "problem": {"X": [["1"] * d], "y": ["1"]},
        "width": 1,
        "within": {"ball": "entrywise", "rho": "1"},
        "patterns": None,
        "value": ["0", "1/2"],
        "network": {"W": [["0"]] * d, "a": ["0"]},
        "dual": {"nu": ["1"], "quadratics": {"+": half, "-": half}},
    }


@pytest.mark.parametrize(
    ("half", "what"),
    [
        (half_of(["1"], [str(10**2000)] * 60), "elimination"),
        (half_of(["1"], [f"1/{10**1000 + k}" for k in range(60)]), "quadratics"),
    ],
)
def test_long_numbers_are_refused_by_their_count(half: dict[str, list[str]], what: str) -> None:
    assert check(wide(60, half_of(["1"], ["40"] * 60))).kind == "optimum"
    with pytest.raises(BudgetError, match=f"up to {what}"):
        check(wide(60, half))


@given(st.integers(1, 5), st.randoms(use_true_random=False))
def test_forms_of_inverses(d: int, random: Any) -> None:
    """By elimination over the integers, and as solutions of systems in rationals."""
    rows = [[random.randint(-3, 3) for _ in range(d)] for _ in range(d)]
    A = [[algebra.dot(u, v) for u in rows] for v in rows]
    w = [random.randint(-9, 9) for _ in range(d)]
    solution = algebra.solve(A, w)
    found = algebra.inverse_form(A, w)
    if solution is None:
        assert found is None
    else:
        assert found == sum(p * q for p, q in zip(w, solution, strict=True))
        assert algebra.inverse_form([[-v for v in row] for row in A], w) is None
