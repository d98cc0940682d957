"""Certificates with a cover of all directions: valid in every ball, refused where changed."""

from __future__ import annotations

import json
from fractions import Fraction
from functools import cache
from math import factorial
from typing import Any

import numpy as np
import pytest
from documents import REMOVE, tampered
from hypothesis import given
from hypothesis import strategies as st
from problems import planted
from profiles import part

from theory.activation import Activation
from theory.certificates import certify
from theory.certificates.algebra import Sigma, sigma_of
from theory.certificates.checker import CertificateInvalid, check
from theory.certificates.cone_cover import Cover
from theory.errors import BudgetError
from theory.problem import Problem
from theory.programs import solve
from theory.programs.cover import cover as cone_cover
from theory.within import Ball, Penalty

BALLS = (
    *("adamw", "lion", "signsgd", "muon", "muon-adamw", "ngd", "colnorm"),
    *("adamw-ngd", "colnorm-ngd", "ngd-adamw"),
)


@cache
def certified(name: str, *, d: int = 3) -> tuple[Problem, str]:
    """Of data with more cones than are listed."""
    problem, _ = planted(14, d, 3, 0)
    within = Penalty(20) if name == "sgd" else Ball(name, "1/8")
    found = solve(problem, within, width=3, max_patterns=6, max_cells=1)
    assert found.whole
    return problem, json.dumps(certify(found))


@pytest.mark.parametrize("name", [*BALLS, "sgd"])
def test_every_ball_has_a_certificate_for_all_patterns(name: str) -> None:
    problem, text = certified(name)
    document = json.loads(text)
    assert document["patterns"] is None
    assert set(document["dual"]) - {"Z"} == {"nu", "cover"}
    assert "the least loss" in check(document, problem).statement
    # The bound that listed cones prove is as high, up to the gap.
    whole = solve(
        problem, Penalty(20) if name == "sgd" else Ball(name, "1/8"), width=3, max_cells=1
    )
    lower = Fraction(document["value"][0])
    assert float(lower) == pytest.approx(float(whole.relaxed.lower), rel=1e-6)


@pytest.mark.parametrize("activation", ["relu", "abs", "leaky_relu:1/3", "leaky_relu:5/2"])
@pytest.mark.parametrize("d", [1, 2, 3, 4])
def test_the_checker_finds_what_the_producer_says(d: int, activation: str) -> None:
    random = np.random.default_rng(d)
    # No centre of a cone is on a wall, where rounding may not tell the side.
    X = [tuple(row) for row in random.integers(-(10**6), 10**6, (12, d)).tolist()]
    nu = tuple(random.integers(-9, 10, 12).tolist())
    points = {s: random.standard_normal((2, d)) for s in (1, -1)}
    found = cone_cover(
        *(X, nu, Activation.named(activation), None),
        entries=False,
        points=points,
        level=1.0,
        slack=0.1,
        limit=500,
    )
    halves = [
        {
            "atoms": [
                {"point": list(atom.point), "slopes": [[k, str(v)] for k, v in atom.slopes.items()]}
                for atom in half.atoms
            ],
            "tree": half.tree,
        }
        for half in found.halves.values()
    ]
    document = {"frame": None, "+": halves[0], "-": halves[1]}
    unit = [tuple(int(i == k) for i in range(d)) for k in range(d)]
    sigma = sigma_of(Problem(X=X, y=nu, activation=activation))
    exact = Cover(document, X, nu, unit, sigma, entries=False).cost() / sigma.unit**2
    assert exact <= found.length**2
    assert float(found.length) == pytest.approx(float(exact) ** 0.5, rel=1e-9)


TREE = ("dual", "cover", "+", "tree")
CHANGES: list[tuple[str, tuple[Any, ...], Any, str]] = [
    ("ngd", ("patterns",), ["+" * 14], "patterns: must be null where the dual has 'cover'"),
    ("ngd", ("dual", "mu"), [], "dual: 'mu' is not a field"),
    ("ngd", ("dual", "nu", 0), "12345678901234567", "value: the lower end .* is above the dual's"),
    ("ngd", ("dual", "nu"), ["0"] * 14, "value: the lower end .* is above the dual's bound 0"),
    ("ngd", ("dual", "cover"), None, "dual.cover: must be a JSON object"),
    ("ngd", ("dual", "cover", "+"), REMOVE, "dual.cover: the field '\\+' is missing"),
    ("ngd", ("dual", "cover", "frame"), [[1, 0, 0]] * 3, "dual.cover.frame: is singular"),
    ("ngd", ("dual", "cover", "frame"), [[1, 0, 0]], "dual.cover.frame: has 1 entries"),
    ("muon", ("dual", "cover", "frame", 0, 0), "1", "frame\\[0\\]\\[0\\]: must be an integer"),
    ("muon", ("dual", "Z"), REMOVE, "dual: the field 'Z' is missing"),
    ("muon", ("dual", "Z", 0, 0), "0", "dual.Z: is not positive definite"),
    (
        *("adamw", ("dual", "cover", "frame"), [[1, 0, 0], [0, 1, 0], [0, 0, 1]]),
        "dual.cover.frame: must be null where the largest entry counts",
    ),
    ("ngd", (*TREE, 0), 3, "tree\\[0\\]: is 3, but a cone has 3 edges"),
    ("ngd", (*TREE, 0), True, "tree\\[0\\]: must be an integer"),
    ("ngd", (*TREE, 0), -99, "tree\\[0\\]: names atom 97 of"),
    (
        *("ngd", ("dual", "cover", "-"), {"atoms": [], "tree": [-1] * 12}),
        "value: the lower end .* is above the dual's bound",
    ),
    ("ngd", TREE, [-1] * 11, "tree\\[11\\]: is missing: cones are left over"),
    ("ngd", TREE, [-1] * 13, "tree\\[12\\]: is one more than the cones"),
    ("ngd", ("dual", "cover", "-", "tree"), [], "-.tree\\[0\\]: is missing"),
]


@pytest.mark.parametrize(("name", "at", "value", "message"), CHANGES)
def test_what_is_changed_is_refused_for_its_reason(
    name: str, at: tuple[Any, ...], value: Any, message: str
) -> None:
    problem, text = certified(name)
    with pytest.raises(CertificateInvalid, match=message):
        check(tampered(json.loads(text), at, value), problem)


ATOM = {"point": [1, 0, 0], "slopes": [[0, "1/2"]]}


@pytest.mark.parametrize(
    ("at", "value", "message"),
    [
        (("point",), [1, 0], "atoms\\[0\\].point: has 2 entries, but must have 3"),
        (("point", 0), "1", "atoms\\[0\\].point\\[0\\]: must be an integer"),
        (("point",), [0, 0, 0], "tree\\[.*\\]: is a cone that does not lie in front of"),
        (("slopes", 0, 0), 14, "slopes\\[0\\]: is 14, but there are 14 rows"),
        (("slopes", 0, 1), "3/2", "slopes\\[0\\]: the slope 3/2 is not between 0 and 1"),
        (("slopes", 0, 1), "-1/2", "slopes\\[0\\]: the slope -1/2 is not between 0 and 1"),
        (("slopes", 1), [0, "1/2"], "slopes\\[1\\]: row 0 stands twice"),
        (("sides",), [], "atoms\\[0\\]: 'sides' is not a field"),
    ],
)
def test_atoms_have_to_be_directions_with_slopes(
    at: tuple[Any, ...], value: Any, message: str
) -> None:
    problem, text = certified("ngd")
    document = json.loads(text)
    document["dual"]["cover"]["+"] = {"atoms": [tampered(ATOM, at, value)], "tree": [-2] * 12}
    with pytest.raises(CertificateInvalid, match=message):
        check(document, problem)


def half(tree: list[int], *atoms: Any) -> dict[str, Any]:
    return {"atoms": list(atoms), "tree": tree}


def cost(X: Any, nu: Any, tree: list[int], *atoms: Any, entries: bool = False) -> Fraction:
    unit = [tuple(int(i == k) for i in range(len(X[0]))) for k in range(len(X[0]))]
    sigma = Sigma(1, 0, 1)
    document = {"frame": None, "+": half(tree, *atoms), "-": half([-1] * len(tree))}
    return Cover(document, X, nu, unit, sigma, entries=entries)._half("+", document["+"])


def test_by_hand_in_one_dimension() -> None:
    # g(u) = 2 relu(3 u) - relu(-u): 6 on one side, -1 on the other.
    assert cost([(3,), (-1,)], (2, -1), [-1, -1]) == 36
    assert cost([(3,), (-1,)], (2, -1), [-1, -1], entries=True) == 36


def test_by_hand_on_a_kink_of_two_dimensions() -> None:
    """g(u) = y - relu(x) - relu(-x) is at most 1, at (0, 1). The cone of (-1, 1) and (1, 1) has its
    centre there: with theta = 0 for both rows the bound is g <= y, exactly; so it is with any atom
    of equal slopes, and with unequal ones c leans to a side."""
    X, nu = [(1, 0), (-1, 0), (0, 1)], (-1, -1, 1)
    leaves = [-1, -1, -1, -1]  # e_1, -e_1, e_2, -e_2
    assert cost(X, nu, leaves) == 1
    assert cost(X, nu, leaves, entries=True) == 1
    atom = {"point": [0, 1], "slopes": [[0, "1/2"], [1, "1/2"]]}
    assert cost(X, nu, [-1, -1, -2, -1], atom) == 1
    atom = {"point": [0, 1], "slopes": [[0, "1"], [1, "0"]]}
    assert cost(X, nu, [-1, -1, -2, -1], atom) == 4  # y - x <= 2 y
    # Halved in the middle, both cones are on one side of the kink.
    assert cost(X, nu, [-1, -1, 0, -1, -1, -1], entries=True) == 1


@part(2)
@given(
    st.integers(1, 3).flatmap(
        lambda d: st.lists(st.tuples(*[st.integers(-4, 4)] * d), min_size=1, max_size=6)
    ),
    st.data(),
    st.booleans(),
)
def test_any_tree_proves_a_bound(X: Any, data: st.DataObject, entries: bool) -> None:
    """A random cover, atoms and slopes included, is not below what random directions attain."""
    d = len(X[0])
    nu = tuple(data.draw(st.lists(st.integers(-4, 4), min_size=len(X), max_size=len(X))))
    codes = data.draw(st.lists(st.integers(-1, d * (d - 1) // 2 - 1), max_size=30))
    tree, open_ = [], 2 * factorial(d)
    for code in codes:
        if open_:
            tree.append(code)
            open_ += 1 if code >= 0 else -1
    tree += [-1] * open_
    bound = cost(X, nu, tree, entries=entries)
    directions = np.random.default_rng(0).standard_normal((500, d))
    directions /= (
        np.abs(directions).max(axis=1) if entries else np.linalg.norm(directions, axis=1)
    )[:, None]
    gains = np.maximum(directions @ np.array(X).T, 0) @ np.array(nu)
    assert max(gains.max(), 0) ** 2 <= bound * (1 + 1e-12)


def test_steps_are_counted_before_they_are_taken() -> None:
    problem, text = certified("muon")
    with pytest.raises(BudgetError, match="steps of the check, up to cones of a cover"):
        check(json.loads(text), problem, max_steps=50_000)
    document = with_columns(6, rows=1000)
    with pytest.raises(BudgetError, match="first cones of a cover"):
        check(document)


def test_more_columns_have_no_cover() -> None:
    with pytest.raises(CertificateInvalid, match="cover: is for at most 6 columns, not 7"):
        check(with_columns(7, rows=2))


def with_columns(d: int, *, rows: int) -> Any:
    """A certificate of other data, with the tree of those of three columns."""
    document = json.loads(certified("ngd")[1])
    X = [["1"] * (d - 1) + [str(k)] for k in range(rows)]
    document["problem"] = {"X": X, "y": ["1"] * rows}
    document["dual"]["nu"] = ["1"] * rows
    document["network"] = {"W": [["0"]] * d, "a": ["0"]}
    document["value"] = ["0", str(rows)]
    return document
