"""Certificates of regions: radii derived by hand, every reason to refuse, and random networks."""

from __future__ import annotations

import copy
import random
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from fractions import Fraction
from functools import cache
from itertools import combinations_with_replacement, product
from math import isqrt
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from theory.certificates import algebra, covering
from theory.certificates.checker import CertificateInvalid, check
from theory.errors import BudgetError
from theory.problem import Problem
from theory.strategies import Matrix

BALLS = (
    *("entrywise", "colnorm", "muon-adamw", "muon", "ngd", "l2"),
    *("adamw-ngd", "colnorm-ngd", "ngd-adamw"),
)
OWN = {
    "entrywise": ("hidden", "output"),
    "colnorm": ("hidden", "output"),
    "muon-adamw": ("output",),
    "adamw-ngd": ("hidden",),
    "colnorm-ngd": ("hidden",),
    "ngd-adamw": ("output",),
}
SHARED = {
    "muon-adamw": ("hidden",),
    "adamw-ngd": ("output",),
    "colnorm-ngd": ("output",),
    "ngd-adamw": ("hidden",),
    "muon": ("hidden", "output"),
    "ngd": ("hidden", "output"),
    "l2": ("hidden",),
}
REMOVE = object()
PLACE = r"^\w+(\.\w+|\[\d+\])*: "  # where it is wrong, before what


def text(value: Any) -> Any:
    """Numbers as text, everywhere in a document: indices and names stay."""
    if isinstance(value, dict):
        return {key: text(v) for key, v in value.items()}
    if isinstance(value, list | tuple):
        return [text(v) for v in value]
    return str(value) if isinstance(value, Fraction) else value


def rationals(values: Any) -> list[Any]:
    return [rationals(v) if isinstance(v, list | tuple) else Fraction(v) for v in values]


def document(
    X: Any,
    y: Sequence[Fraction | int],
    balls: Sequence[str],
    *,
    width: int | None,
    duals: Any = (),
    points: Sequence[Any] = (),
    level: Fraction | int | str = 0,
) -> dict[str, Any]:
    return text(
        {
            "format": "isthmus-certificate",
            "version": 1,
            "kind": "regions",
            "problem": {"X": rationals(X), "y": rationals(y)},
            "width": width,
            "level": Fraction(level),
            "balls": list(balls),
            "duals": duals,
            "points": points,
        }
    )


def changed(document: Any, where: Any, value: Any) -> Any:
    """Copied along the way only."""
    key, *way = where
    document = copy.copy(document)
    if way:
        document[key] = changed(document[key], way, value)
    elif value is REMOVE:
        del document[key]
    else:
        document[key] = value(document[key]) if callable(value) else value
    return document


def refused(document: dict[str, Any], message: str) -> None:
    with pytest.raises(CertificateInvalid, match=f"^{re.escape(message)}"):
        check(document)


# By hand: relu(u1 + u2) and relu(u1) are to be 2 and 1, with two neurons. With lam = (1, 0) only
# the states +(++) and +(+-) count, w = (1, 1) in both, and h = 2.

X, Y = [[1, 1], [1, 0]], [2, 1]
ROOT = "1414213/1000000"  # below sqrt(2)
HALVES = [["+", "3/5", ["1/2", "1/2"]]] * 2


def ones(lam: list[str], shared: list[Any], own: list[Any]) -> dict[str, Any]:
    blocks = [["+", sigma, own, []] for sigma in ("++", "+-")]
    return {"lam": lam, "shared": shared, "blocks": blocks}


def metric(z: str) -> list[list[str]]:
    return [[z, z], [z, z]]


TOGETHER = ones(
    ["1", "0"],
    [{}, {"hidden": metric("3/10"), "output": "0"}],
    [{"hidden": ["0", "0"], "output": "5/6"}, {}],
)
ALONE = ones(
    ["1", "0"],
    [{}, {"hidden": metric("0"), "output": "0"}],
    [{"hidden": ["1/2", "1/2"], "output": "1"}, {}],
)
# 4 z c >= 1 for z = 35355/100000, a little less than 1 / (2 sqrt 2).
MUON = ones(
    ["1", "0"],
    [{}, {"hidden": metric("35355/100000"), "output": "25000/35355"}],
    [{"hidden": ["0", "0"], "output": "0"}, {}],
)
POINTS = [
    {"rho": ["3/5", "5/3"], "neurons": HALVES},
    {"rho": ["3/5", "5/3"], "duals": [0]},
    {"rho": ["1/2", None], "neurons": [["+", "1/2", ["1/2", "1/2"]]] * 2},
    {"rho": ["1/2", None], "duals": [1]},
    {"rho": [None, "1414214/1000000"], "neurons": [["+", "1414214/1000000", ["1", "1"]]]},
    {"rho": [None, ROOT], "duals": [2]},
]
DOCUMENT = document(
    X, Y, ("entrywise", "muon"), width=2, duals=[TOGETHER, ALONE, MUON], points=POINTS
)


def alone(k: int) -> dict[str, Any]:
    return changed(DOCUMENT, ("points",), lambda points: points[k : k + 1])


def test_by_hand() -> None:
    verdict = check(DOCUMENT, Problem(X=X, y=Y))
    assert (verdict.kind, verdict.duals) == ("regions", 3)
    assert verdict.statement == (
        "at width 2 and loss at most 0, of the points of radii in the entrywise and muon balls "
        "3 are attained, 3 are lower bounds, and 2 are both, so the least"
    )


STATEMENTS = [
    "a network of width 2 with loss at most 0 lies in the entrywise ball rho = 3/5 and in the muon "
    "ball rho = 5/3",
    "every network of width 2 with loss at most 0 in the entrywise ball rho = 3/5 needs "
    "rho >= 5/3 in the muon ball",
    "a network of width 2 with loss at most 0 lies in the entrywise ball rho = 1/2",
    "every network of width 2 with loss at most 0 needs rho >= 1/2 in the entrywise ball",
    "a network of width 2 with loss at most 0 lies in the muon ball rho = 707107/500000",
    f"every network of width 2 with loss at most 0 needs rho >= {ROOT} in the muon ball",
]


@pytest.mark.parametrize("k", range(6))
def test_one_point_is_told_in_full(k: int) -> None:
    assert check(alone(k)).statement == STATEMENTS[k]


@pytest.mark.parametrize(("k", "ball"), [(0, 0), (0, 1), (2, 0), (4, 1)])
def test_no_less_is_attained(k: int, ball: int) -> None:
    smaller = changed(
        alone(k), ("points", 0, "rho", ball), lambda rho: str(Fraction(rho) - Fraction(1, 10**30))
    )
    name = DOCUMENT["balls"][ball]
    refused(smaller, f"points[0]: the network lies outside the {name} ball")


@pytest.mark.parametrize(("k", "ball"), [(1, 0), (1, 1), (3, 0), (5, 1)])
def test_no_more_is_excluded(k: int, ball: int) -> None:
    more = Fraction(1, 10**5) if k == 5 else Fraction(1, 10**30)
    larger = changed(alone(k), ("points", 0, "rho", ball), lambda rho: str(Fraction(rho) + more))
    refused(larger, "points[0].duals: no dual covers the cell")


def test_the_width_counts() -> None:
    three = changed(DOCUMENT, ("width",), 3)
    refused(three, "points[1].duals: no dual covers the cell +(+-) +(+-) +(+-)")
    for k in (0, 2, 4, 5):
        assert check({**three, "points": [POINTS[k]]}).kind == "regions"
    one = changed(DOCUMENT, ("width",), 1)
    refused(one, "points[0].neurons: has 2 neurons, but the width is 1")
    assert check({**one, "points": POINTS[4:]}).kind == "regions"


def test_a_width_too_large_to_search_is_a_budget() -> None:
    many = changed(DOCUMENT, ("width",), 10**5000)
    assert check({**many, "points": [POINTS[0]]}).kind == "regions"
    with pytest.raises(BudgetError, match="neurons of each multiset: 10\\^5000 needed"):
        check({**many, "points": [POINTS[5]]})


def test_any_width() -> None:
    anyone = changed(DOCUMENT, ("width",), None)
    assert "any width" in check({**anyone, "points": POINTS[4:]}).statement
    assert check({**anyone, "points": POINTS[:1]}).kind == "regions"
    refused({**anyone, "points": POINTS[1:2]}, "points[0].duals: no dual bounds networks of any")
    # Free neurons, but shared weights that alone are too much.
    more = {"rho": [None, "3/2"], "duals": [2]}
    refused({**anyone, "points": [more]}, "points[0].duals: no dual bounds networks of any width")


def test_strict_where_the_last_radius_changes_nothing() -> None:
    """With the balls the other way round equality proves nothing: no price depends on the last."""
    last = {**TOGETHER, "shared": TOGETHER["shared"][::-1]}
    for block in last["blocks"]:
        block[2] = block[2][::-1]
    turned = {**DOCUMENT, "balls": ["muon", "entrywise"], "duals": [last]}

    def point(muon: str, entrywise: str) -> dict[str, Any]:
        return {**turned, "points": [{"rho": [muon, entrywise], "duals": [0]}]}

    refused(point("5/3", "3/5"), "points[0].duals: no dual covers the cell")
    assert check(point("5/3", "599999/1000000")).kind == "regions"


# One point x = 1, y = c: a network with f(1) = c has sum of s_j max(u_j, 0) = c.


def one_neuron(ball: str, c: int, width: int) -> Any:
    """(least radius, network, dual), by hand: lam = 1, and a state + of w = 1 with 4 q c >= 1."""
    split = Fraction(1, 2), Fraction(1, 2)
    least, m = Fraction(c), 1
    if ball in ("entrywise", "colnorm"):
        least, m = Fraction(c, width), width
    if ball in ("muon-adamw", "ngd-adamw"):  # m (c / m)^2 / rho <= rho
        root = isqrt(width)
        assert root * root == width
        least, m = Fraction(c, root), width
        split = Fraction(root, 2), Fraction(1, 2 * root)
    if ball in ("adamw-ngd", "colnorm-ngd"):  # (c / m)^2 <= rho rho / m
        root = isqrt(width)
        least, m = Fraction(c, root), width
        split = Fraction(1, 2 * root), Fraction(root, 2)
        return least, [["+", least / m, [Fraction(c, m)]]] * m, scalar_dual(ball, *split)
    return least, [["+", least, [Fraction(c, m)]]] * m, scalar_dual(ball, *split)


def scalar_dual(ball: str, hidden: Fraction, output: Fraction) -> dict[str, Any]:
    weights: dict[str, Any] = {"hidden": hidden, "output": output}
    if ball in ("entrywise", "adamw-ngd", "muon", "muon-adamw"):
        weights["hidden"] = [[hidden]] if ball.startswith("muon") else [hidden]
    own = {key: weights[key] for key in OWN.get(ball, ())}
    shared = {key: weights[key] for key in SHARED.get(ball, ())}
    return {"lam": [Fraction(1)], "shared": [shared], "blocks": [["+", "+", [own], []]]}


@pytest.mark.parametrize("ball", BALLS)
@pytest.mark.parametrize("width", [1, 4])
def test_one_point_of_data(ball: str, width: int) -> None:
    least, neurons, dual = one_neuron(ball, 3, width)
    if ball in ("muon", "ngd", "l2"):
        least, neurons = Fraction(3), [["+", Fraction(3), [Fraction(3)]]]
    both = [{"rho": [least], "neurons": neurons}, {"rho": [least], "duals": [0]}]
    right = document([[1]], [3], [ball], width=width, duals=[dual], points=both)
    assert "1 are attained, 1 are lower bounds, and 1 are both" in check(right).statement
    tiny = Fraction(1, 10**40)
    refused(
        changed(right, ("points", 0, "rho", 0), str(least - tiny)),
        f"points[0]: the network lies outside the {ball} ball",
    )
    refused(
        changed(right, ("points", 1, "rho", 0), str(least + tiny)),
        "points[1].duals: no dual covers the cell",
    )


@pytest.mark.parametrize("ball", BALLS)
def test_one_point_of_data_at_any_width(ball: str) -> None:
    _, neurons, dual = one_neuron(ball, 3, 1)
    points = [{"rho": ["3"], "neurons": neurons}, {"rho": ["3"], "duals": [0]}]
    right = document([[1]], [3], [ball], width=None, duals=[dual], points=points)
    if ball in ("muon", "ngd", "l2"):
        assert "at any width" in check(right).statement
    else:
        refused(right, "points[1].duals: no dual bounds networks of any width")
        alpha = Fraction(1, 300) if ball in ("adamw-ngd", "colnorm-ngd") else Fraction(1)
        many = [["+", alpha, [Fraction(1, 100)]]] * 300
        small = {"rho": ["1"], "neurons": many}
        assert check({**right, "points": text([small])}).kind == "regions"


@pytest.mark.parametrize("ball", BALLS)
def test_a_level(ball: str) -> None:
    """c = 2 and level 1/2: f >= 1. Level 1: f >= 2 - sqrt 2."""
    _, _, dual = one_neuron(ball, 2, 1)
    points = [
        {"rho": ["1"], "neurons": [["+", "1", ["1"]]]},
        {"rho": ["1"], "duals": [0]},
    ]
    half = document([[1]], [2], [ball], width=1, duals=[dual], points=points, level="1/2")
    assert check(half).kind == "regions"
    lower = changed(half, ("level",), "499/1000")
    refused(lower, "points[0]: its loss 1/2 is above the level 499/1000")
    higher = changed(half, ("level",), "501/1000")
    refused(higher, "points[1].duals: no dual covers the cell +(+)")
    one = {**half, "level": "1"}
    for rho, fits in (("585786/1000000", True), ("585787/1000000", False)):  # 2 - sqrt 2 between
        point = {**one, "points": [{"rho": [rho], "duals": [0]}]}
        if fits:
            assert check(point).kind == "regions"
        else:
            refused(point, "points[0].duals: no dual covers the cell")


def test_multipliers_free_a_state() -> None:
    """x = 1, -1 and lam = (2, 1): in -(+-) w = -2 with u >= 0, and mu = 2 makes it zero."""
    free = {"hidden": ["0"], "output": "0"}
    costs = {"hidden": ["1"], "output": "1"}
    dual = {
        "lam": ["2", "1"],
        "shared": [{}],
        "blocks": [
            ["+", "+-", [costs], []],
            ["+", "-+", [costs], []],
            ["-", "+-", [free], [[0, "2"]]],
            ["-", "-+", [free], [[1, "1"]]],
        ],
    }
    points = [{"rho": ["3"], "duals": [0]}]
    right = document([[1], [-1]], [3, 0], ["entrywise"], width=1, duals=[dual], points=points)
    assert check(right).kind == "regions"
    message = "duals[0].blocks[2]: its weights do not bound lam.f"
    refused(changed(right, ("duals", 0, "blocks", 2, 3), []), message)
    refused(changed(right, ("duals", 0, "blocks", 2, 3, 0, 1), "1"), message)
    assert check(changed(right, ("duals", 0, "blocks", 2, 3, 0, 0), 1)).kind == "regions"
    refused(
        changed(right, ("duals", 0, "blocks", 3, 3, 0, 1), "2"),
        "duals[0].blocks[3]: its weights do not bound lam.f",
    )
    # In the other direction they only make it worse: w = 2 + 1.
    worse = changed(right, ("duals", 0, "blocks", 0, 3), [[0, "1"]])
    refused(worse, "duals[0].blocks[0]: its weights do not bound lam.f")


def test_zero_rows_and_a_null_space() -> None:
    """x = (1, 1) twice, once doubled and turned, and a row of zeros: only u1 + u2 counts."""
    rows = [[0, 0], [1, 1], [-2, -2]]
    own = {"hidden": ["1/2", "1/2"], "output": "1"}
    dual = {
        "lam": ["5", "1", "0"],
        "shared": [{}],
        "blocks": [["+", "0+-", [own], [[0, "7"]]]],
    }
    points = [
        {"rho": ["1"], "neurons": [["+", "1", ["1", "1"]]]},
        {"rho": ["1"], "duals": [0]},
    ]
    right = document(rows, [0, 2, 0], ["entrywise"], width=1, duals=[dual], points=points)
    assert "1 are both" in check(right).statement
    at = ("duals", 0, "blocks", 0, 1)
    refused(changed(right, at, "++-"), "duals[0].blocks[0]: sigma[0] is '+', but row 0 of X is")
    refused(changed(right, at, "00-"), "duals[0].blocks[0]: sigma[1] is '0', but row 1 of X is not")
    refused(changed(right, at, "0++"), "duals[0].blocks[0]: the cone 0++ is not full-dimensional")


def test_without_a_signal_everything_is_attained() -> None:
    """y = 0: the network without neurons is in every ball, and no dual has anything to say."""
    points = [{"rho": ["1/1000000"], "neurons": []}]
    for ball in BALLS:
        assert check(document(X, [0, 0], [ball], width=1, points=points)).kind == "regions"
    _, _, dual = one_neuron("ngd", 1, 1)
    nothing = [{"rho": ["1"], "duals": [0]}]
    refused(
        document([[1]], [0], ["ngd"], width=1, duals=[dual], points=nothing),
        "duals[0].lam: proves nothing",
    )
    refused(
        document([[1]], [0], ["ngd"], width=1, points=[{"rho": ["1"], "duals": []}]),
        "points[0].duals: no dual covers the cell",
    )
    refused(
        document([[1]], [0], ["ngd"], width=None, points=[{"rho": ["1"], "duals": []}]),
        "points[0].duals: no dual bounds networks of any width",
    )


def test_zero_data_reach_nothing() -> None:
    """X = 0 and y = 1: lam = 1 excludes every radius, with no weights at all."""
    dual = {"lam": ["1"], "shared": [{}], "blocks": []}
    points = [{"rho": ["1000"], "duals": [0]}]
    for width in (1, 5, None):
        empty = document([[0]], [1], ["entrywise"], width=width, duals=[dual], points=points)
        assert "needs rho >= 1000" in check(empty).statement


def test_several_duals_share_the_multisets() -> None:
    """y = (1, 1) on the axes of the line: +(+-) and +(-+) are both needed, each has its dual."""
    own = {"hidden": ["1/2"], "output": "1/2"}
    duals = [
        {"lam": lam, "shared": [{}], "blocks": [["+", sigma, [own], []]]}
        for lam, sigma in ((["1", "0"], "+-"), (["0", "1"], "-+"))
    ]
    points = [
        {"rho": ["1"], "neurons": [["+", "1", ["1"]], ["+", "1", ["-1"]]]},
        {"rho": ["1"], "duals": [0, 1]},
    ]
    right = document([[1], [-1]], [1, 1], ["entrywise"], width=2, duals=duals, points=points)
    assert "1 are both" in check(right).statement
    for k, cell in ((0, "+(+-) +(+-)"), (1, "+(-+) +(-+)")):
        less = changed(right, ("points", 1, "duals"), [k])
        refused(less, f"points[1].duals: no dual covers the cell {cell}")


def test_wide_data_are_attained_without_an_arrangement() -> None:
    d = 40
    wide = [[Fraction(int(i == k)) for k in range(d)] for i in range(d)]
    neuron = ["+", Fraction(7), [Fraction(1)] * d]
    points = [{"rho": [Fraction(7)], "neurons": [neuron]}]
    right = document(wide, [1] * d, ["muon"], width=1, points=points)
    assert check(right).kind == "regions"
    excluded = {**right, "points": [{"rho": ["1"], "duals": []}]}
    with pytest.raises(BudgetError, match="cones of the arrangement"):
        check(excluded)


def test_the_given_problem_decides() -> None:
    with pytest.raises(CertificateInvalid, match="its y differs from that of the given problem"):
        check(DOCUMENT, Problem(X=X, y=[2, 2]))


# What is changed is refused.

BLOCK = ("duals", 0, "blocks", 0)
OWN_AT = (*BLOCK, 2, 0)
SHARED_AT = ("duals", 0, "shared", 1)
TAMPERED = [
    (("width",), 0, "width: is 0, but must be at least 1"),
    (("width",), "2", "width: must be an integer"),
    (("level",), "-1", "level: is -1, but must not be negative"),
    (("level",), 0, "level: must be a rational as text"),
    (("level",), REMOVE, "certificate: the field 'level' is missing"),
    (("within",), None, "certificate: 'within' is not a field"),
    (("balls",), "muon", "balls: must be a list"),
    (("balls",), [], "balls: has 0 entries, but must have 1 or 2"),
    (("balls",), ["muon"] * 3, "balls: has 3 entries, but must have 1 or 2"),
    (("balls", 0), "adamw", "balls[0]: must be one of entrywise, "),
    (("balls", 0), ["muon"], "balls[0]: must be one of entrywise, "),
    (("balls", 0), "muon", "duals[0].shared[0]: the field 'hidden' is missing"),
    (("balls", 1), "entrywise", "duals[0].shared[1]: 'hidden' is not a field"),
    (("balls", 1), "ngd", "duals[0].shared[1].hidden: must be a rational as text"),
    (("duals",), {}, "duals: must be a list"),
    (("duals", 0), [], "duals[0]: must be a JSON object"),
    (("duals", 0, "mu"), [], "duals[0]: 'mu' is not a field"),
    (("duals", 0, "lam"), ["1"], "duals[0].lam: has 1 entries, but must have 2"),
    (("duals", 0, "lam", 0), 1, "duals[0].lam[0]: must be a rational as text"),
    (("duals", 0, "lam", 0), "0", "duals[0].lam: proves nothing: lam.f need not be"),
    (("duals", 0, "lam", 0), "-1", "duals[0].lam: proves nothing: lam.f need not be"),
    (("duals", 0, "lam", 0), "1000001/1000000", "duals[0].blocks[0]: its weights do not bound"),
    (("duals", 0, "lam", 1), "1", "duals[0].blocks[0]: its weights do not bound lam.f"),
    (("duals", 0, "lam", 1), "-1", "duals[0].blocks[0]: its weights do not bound lam.f"),
    (("duals", 0, "shared"), [], "duals[0].shared: has 0 entries, but must have 2"),
    ((*SHARED_AT, "output"), REMOVE, "duals[0].shared[1]: the field 'output' is missing"),
    ((*SHARED_AT, "output"), "-1", "duals[0].shared[1].output: is -1, but must not be"),
    ((*SHARED_AT, "output"), "1", "points[1].duals: no dual covers the cell"),
    ((*SHARED_AT, "hidden"), None, "duals[0].shared[1].hidden: must be a list"),
    ((*SHARED_AT, "hidden", 1), REMOVE, "duals[0].shared[1].hidden: has 1 entries"),
    ((*SHARED_AT, "hidden", 1), ["3/10"], "duals[0].shared[1].hidden[1]: has 1 entries"),
    ((*SHARED_AT, "hidden", 1, 0), "1/10", "duals[0].shared[1].hidden: is not symmetric"),
    ((*SHARED_AT, "hidden", 1, 1), "29/100", "duals[0].shared[1].hidden: is not positive"),
    ((*SHARED_AT, "hidden"), metric("29/100"), "duals[0].blocks[0]: its weights do not"),
    ((*SHARED_AT, "hidden"), metric("31/100"), "points[1].duals: no dual covers the cell"),
    (("duals", 0, "blocks"), None, "duals[0].blocks: must be a list"),
    (("duals", 0, "blocks", 1), REMOVE, "points[1].duals: no dual covers the cell +(++) +(+-)"),
    (BLOCK, ["+"], "duals[0].blocks[0]: has 1 entries, but must have 4"),
    ((*BLOCK, 0), 1, "duals[0].blocks[0]: its sign must be '+' or '-', not 1"),
    ((*BLOCK, 1), "+", "duals[0].blocks[0]: its sigma must be 2 characters"),
    ((*BLOCK, 1), "+0", "duals[0].blocks[0]: sigma[1] is '0', but row 1 of X is not zero"),
    ((*BLOCK, 1), "+-", "duals[0].blocks[1]: is a block for the second time"),
    ((*BLOCK, 2), [], "duals[0].blocks[0][2]: has 0 entries, but must have 2"),
    ((*OWN_AT, "hidden"), ["0"], "duals[0].blocks[0][2][0].hidden: has 1 entries"),
    ((*OWN_AT, "hidden", 0), "-1/9", "duals[0].blocks[0][2][0].hidden[0]: is -1/9, but must not"),
    ((*OWN_AT, "hidden", 0), "1/9", "points[1].duals: no dual covers the cell +(++) +(++)"),
    ((*OWN_AT, "output"), "-5/6", "duals[0].blocks[0][2][0].output: is -5/6, but must not be"),
    ((*OWN_AT, "output"), "4/5", "duals[0].blocks[0]: its weights do not bound lam.f"),
    ((*OWN_AT, "output"), "6/7", "points[1].duals: no dual covers the cell +(++) +(++)"),
    ((*BLOCK, 2, 1), {"output": "0"}, "duals[0].blocks[0][2][1]: 'output' is not a field"),
    ((*BLOCK, 3), {}, "duals[0].blocks[0][3]: must be a list"),
    ((*BLOCK, 3), [[0]], "duals[0].blocks[0][3][0]: has 1 entries, but must have 2"),
    ((*BLOCK, 3), [[2, "1"]], "duals[0].blocks[0][3][0]: is 2, but there are 2 rows"),
    ((*BLOCK, 3), [[0, "0"]], "duals[0].blocks[0][3][0]: the multiplier 0 must be positive"),
    ((*BLOCK, 3), [[0, "1"]] * 2, "duals[0].blocks[0][3][1]: row 0 stands twice"),
    ((*BLOCK, 3), [[1, "1/9"]], "duals[0].blocks[0]: its weights do not bound lam.f"),
    (("points",), [], "points: is empty"),
    (("points",), None, "points: must be a list"),
    (("points", 0), [], "points[0]: must be a JSON object"),
    (("points", 0, "duals"), [0], "points[0]: 'duals' is not a field"),
    (("points", 0, "neurons"), REMOVE, "points[0]: the field 'duals' is missing"),
    (("points", 0, "rho"), ["1"], "points[0].rho: has 1 entries, but must have 2"),
    (("points", 0, "rho"), [None, None], "points[0].rho: asks for no ball"),
    (("points", 0, "rho", 0), "0", "points[0].rho[0]: is 0, but must be positive"),
    (("points", 0, "rho", 0), "-1", "points[0].rho[0]: is -1, but must be positive"),
    (("points", 0, "rho", 0), 1, "points[0].rho[0]: must be a rational as text"),
    (("points", 0, "neurons"), {}, "points[0].neurons: must be a list"),
    (("points", 0, "neurons"), HALVES * 2, "points[0].neurons: has 4 neurons, but the width is 2"),
    (("points", 0, "neurons"), HALVES[:1], "points[0]: its loss 5/8 is above the level 0"),
    (("points", 0, "neurons"), [], "points[0]: its loss 5/2 is above the level 0"),
    (("points", 0, "neurons", 0, 0), "-", "points[0]: its loss 5/2 is above the level 0"),
    (("points", 0, "neurons", 0, 0), "*", "points[0].neurons[0]: its sign must be"),
    (("points", 0, "neurons", 0, 1), "-1", "points[0].neurons[0][1]: is -1, but a^2"),
    (("points", 0, "neurons", 0, 1), "0", "points[0].neurons[0]: has alpha = 0"),
    (("points", 0, "neurons", 0, 1), "59/100", "points[0]: the network lies outside the muon"),
    (("points", 0, "neurons", 0, 1), "61/100", "points[0]: the network lies outside the entry"),
    (("points", 0, "neurons", 0, 2), ["1"], "points[0].neurons[0][2]: has 1 entries"),
    (("points", 1, "duals"), None, "points[1].duals: must be a list"),
    (("points", 1, "duals"), [], "points[1].duals: no dual covers the cell"),
    (("points", 1, "duals"), [1], "points[1].duals: no dual covers the cell"),
    (("points", 1, "duals", 0), 3, "points[1].duals[0]: is 3, but there are 3 duals"),
    (("points", 1, "duals", 0), "0", "points[1].duals[0]: must be an integer"),
    (("points", 1, "level"), "0", "points[1]: 'level' is not a field"),
    (
        ("points", 3, "duals"),
        [0],
        "points[3].duals[0]: dual 0 has shared weights for a ball that is not asked for",
    ),
    (("points", 5, "duals"), [1], "points[5].duals: no dual covers the cell -(++) +(+-)"),
]


@pytest.mark.parametrize(
    ("where", "value", "message"), TAMPERED, ids=[f"{k} {row[2]}" for k, row in enumerate(TAMPERED)]
)
def test_what_is_changed_is_refused(where: tuple[Any, ...], value: Any, message: str) -> None:
    refused(changed(DOCUMENT, where, value), message)


def places(value: Any, at: Any = ()) -> Iterator[Any]:
    """Where everything inside a document stands, with the value."""
    if at:
        yield at, value
    if isinstance(value, dict | list):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield from places(value[key], (*at, key))


COUNTED = "^steps of the check, up to .* needed"  # such as for a width of 5000 digits


def test_nothing_can_be_taken_out_or_be_of_another_type() -> None:
    junk = [1.5, "x", "", -1, 10**5000, True, {}, [[[]]], object(), {1: 2}, ("1",), "9/0"]
    for at, found in places(DOCUMENT):
        if at[:-1] != ("points",):
            with pytest.raises(CertificateInvalid, match=PLACE):
                check(changed(DOCUMENT, at, REMOVE))
        for value in junk:
            if value != found:
                with pytest.raises((CertificateInvalid, BudgetError), match=f"{PLACE}|{COUNTED}"):
                    check(changed(DOCUMENT, at, value))


# Duals for any lam: each ball bounds its share of every w, by rational weights.


def dot(u: Sequence[Fraction | int], v: Any) -> Fraction:
    return sum((a * b for a, b in zip(u, v, strict=True)), Fraction())


def image(X: Matrix, u: Sequence[Fraction | int]) -> list[Fraction]:
    return [max(Fraction(), dot(x, u)) for x in X]


@cache
def cones_of(X: Matrix) -> Any:
    """{sigma: points of the closed cone, its rays among them}: for d <= 2 and |x_kj| <= 2."""
    points = list(product(range(-4, 5), repeat=len(X[0])))
    signs = {u: tuple((dot(x, u) > 0) - (dot(x, u) < 0) for x in X) for u in points}
    support = tuple(any(x) for x in X)
    return {
        "".join("-0+"[v + 1] for v in sigma): [
            u for u, v in signs.items() if all(a * b >= 0 for a, b in zip(sigma, v, strict=True))
        ]
        for sigma in set(signs.values())
        if tuple(map(bool, sigma)) == support
    }


def ways(X: Matrix) -> list[tuple[str, str]]:
    """All states."""
    return [(s, sigma) for sigma in sorted(cones_of(X)) for s in ("+", "-")]


@cache
def images_of(X: Matrix) -> dict[str, Any]:
    """{sigma: images of those points, each once}"""
    return {
        sigma: sorted({tuple(image(X, u)) for u in points}) for sigma, points in cones_of(X).items()
    }


def is_free(X: Matrix, state: tuple[str, str], lam: list[Fraction]) -> bool:
    s, sigma = state
    values = (dot(lam, f) for f in images_of(X)[sigma])
    return all(v <= 0 if s == "+" else v >= 0 for v in values)


def column(X: Matrix, state: tuple[str, str], lam: list[Fraction]) -> list[Fraction]:
    s, sigma = state
    factors = [(v if s == "+" else -v) if c == "+" else 0 for v, c in zip(lam, sigma, strict=True)]
    return [dot(factors, x) for x in zip(*X, strict=True)]


def bounding(ball: str, ws: list[list[Fraction]]) -> Any:
    """(shared, own of each) with Q, c such that 4 c Q - w w^T >= 0 for every w."""
    sizes = [sum(map(abs, w), Fraction()) for w in ws]  # at least the lengths
    most = max(sizes, default=Fraction())
    d = len(ws[0]) if ws else 1
    Z = [[most / 2 if i == k else Fraction() for i in range(d)] for k in range(d)]
    if ball == "entrywise":
        return {}, [
            {"hidden": [abs(v) / 2 for v in w], "output": size / 2}
            for w, size in zip(ws, sizes, strict=True)
        ]
    if ball == "colnorm":
        return {}, [{"hidden": size / 2, "output": size / 2} for size in sizes]
    if ball in ("muon-adamw", "ngd-adamw"):
        outputs = [dot(w, w) / (2 * most) if most else Fraction() for w in ws]
        hidden = Z if ball == "muon-adamw" else most / 2
        return {"hidden": hidden}, [{"output": output} for output in outputs]
    if ball in ("adamw-ngd", "colnorm-ngd"):
        each = [size * size / (2 * most) if most else Fraction() for size in sizes]
        own = [{"hidden": [v] * d if ball == "adamw-ngd" else v} for v in each]
        return {"output": most / 2}, own
    shared = {"hidden": Z if ball == "muon" else most / 2}
    return shared if ball == "l2" else {**shared, "output": most / 2}, [{}] * len(ws)


def general_dual(
    X: Matrix,
    balls: Sequence[str],
    lam: list[Fraction],
    shares: tuple[Fraction, ...],
) -> dict[str, Any]:
    """Blocks for all states that are not free."""
    listed = [state for state in ways(X) if not is_free(X, state, lam)]
    ws = [column(X, state, lam) for state in listed]
    parts = [
        bounding(ball, [[share * v for v in w] for w in ws])
        for ball, share in zip(balls, shares, strict=True)
    ]
    blocks = [[s, sigma, [own[k] for _, own in parts], []] for k, (s, sigma) in enumerate(listed)]
    return {"lam": lam, "shared": [shared for shared, _ in parts], "blocks": blocks}


def price(ball: str, weights: dict[str, Any]) -> Fraction:
    hidden, output = weights.get("hidden", Fraction()), weights.get("output", Fraction())
    if ball == "l2":
        return 2 * hidden
    if isinstance(hidden, list):
        hidden = sum(v[k] if isinstance(v, list) else v for k, v in enumerate(hidden))
    return hidden + output


def prices(
    balls: Sequence[str], dual: dict[str, Any]
) -> tuple[list[Fraction], dict[tuple[str, str], list[Fraction]]]:
    """(shared prices, {state: own prices})"""
    shared = [price(*pair) for pair in zip(balls, dual["shared"], strict=True)]
    own = {
        (s, sigma): [price(*pair) for pair in zip(balls, values, strict=True)]
        for s, sigma, values, _ in dual["blocks"]
    }
    return shared, own


def needed(ball: str, neurons: list[tuple[str, Fraction, list[Fraction]]]) -> Fraction:
    """A radius that holds the network, the least but for roots."""
    alphas = [alpha for _, alpha, _ in neurons]
    squares = [dot(u, u) / alpha for _, alpha, u in neurons]
    entries = [v * v / alpha for _, alpha, u in neurons for v in u]
    if ball in ("entrywise", "adamw-ngd"):
        output = sum(alphas, Fraction()) if ball == "adamw-ngd" else max(alphas)
        return max(output, *entries)
    if ball in ("colnorm", "colnorm-ngd"):
        output = sum(alphas, Fraction()) if ball == "colnorm-ngd" else max(alphas)
        return max(output, *squares)
    if ball in ("ngd", "ngd-adamw"):
        output = sum(alphas, Fraction()) if ball == "ngd" else max(alphas)
        return max(output, sum(squares, Fraction()))
    if ball == "l2":
        return sum([*alphas, *squares], Fraction()) / 2
    W = np.array([[float(v) / float(alpha) ** 0.5 for v in u] for _, alpha, u in neurons])
    norm = Fraction(float(np.linalg.norm(W, 2)) ** 2 * (1 + 1e-12))
    return max(norm, sum(alphas, Fraction()) if ball == "muon" else max(alphas))


SMALL = st.integers(-2, 2).map(Fraction)
PARTS = st.sampled_from([Fraction(k, 4) for k in range(5)])


@st.composite
def planted_networks(draw: st.DrawFn) -> Any:
    """(X, neurons, y, level): a network and data that it fits up to the level."""
    n, d = draw(st.integers(1, 3)), draw(st.integers(1, 2))
    X = tuple(tuple(draw(SMALL) for _ in range(d)) for _ in range(n))
    neurons = []
    for _ in range(draw(st.integers(1, 3))):
        u = [draw(st.fractions(-3, 3, max_denominator=3)) for _ in range(d)]
        # A neuron in balance needs the least radius: |a| = ||w||.
        balanced = max(map(abs, u)) or Fraction(1)
        alpha = draw(st.one_of(st.just(balanced), st.fractions(Fraction(1, 4), 3)))
        neurons.append((draw(st.sampled_from("++-")), alpha, u))
    signed = [[v if s == "+" else -v for v in image(X, u)] for s, _, u in neurons]
    errors = draw(st.sampled_from([[Fraction()] * n, [Fraction(1, 5)] * n]))
    y = [sum(column, e) for e, *column in zip(errors, *signed, strict=True)]
    return X, neurons, y, dot(errors, errors) / 2


def test_a_network_is_never_excluded() -> None:
    """The most that a dual excludes is less than what a network needs, and the check agrees."""
    outcomes: Counter[str] = Counter()

    @given(
        planted_networks(),
        st.lists(st.sampled_from(BALLS), min_size=2, max_size=2),
        PARTS,
        st.lists(st.fractions(-1, 1, max_denominator=2), min_size=3, max_size=3),
    )
    def never_excluded(
        planted: Any, balls: list[str], share: Fraction, direction: list[Fraction]
    ) -> None:
        X, neurons, y, level = planted
        lam = [v + e for v, e in zip(y, direction, strict=False)]
        h = dot(lam, y) - algebra.root(2 * level * dot(lam, lam))
        dual = general_dual(X, balls, lam, (share, 1 - share))
        radii = [needed(ball, neurons) for ball in balls]

        def certificate(used: list[Any], **point: Any) -> dict[str, Any]:
            options = {"width": len(neurons), "level": level, "duals": used}
            return document(X, y, balls, points=[point], **options)

        assert check(certificate([], rho=radii, neurons=neurons)).kind == "regions"
        if h <= 0:
            refused(certificate([dual], rho=radii, duals=[0]), "duals[0].lam: proves nothing")
            outcomes["nothing"] += 1
            return
        above = certificate([dual], rho=[radii[0], radii[1] * Fraction(1001, 1000)], duals=[0])
        refused(above, "points[0].duals: no dual covers the cell")
        outcomes["no more"] += 1
        shared, own = prices(balls, dual)
        per = {tuple(o) for o in own.values()} or {(Fraction(), Fraction())}
        spare = h - radii[0] * (shared[0] + len(neurons) * max(a for a, _ in per))
        steepest = shared[1] + len(neurons) * max(b for _, b in per)
        if spare <= 0 or not steepest:
            return
        most = spare / steepest
        assert most <= radii[1]
        if not shared[1]:
            most *= Fraction(999, 1000)
        assert check(certificate([dual], rho=[radii[0], most], duals=[0])).kind == "regions"
        outcomes["as much"] += 1

    never_excluded()
    assert set(outcomes) == {"nothing", "no more", "as much"}


# The cover, against brute force.


def is_covered(
    balls: Any,
    X: Matrix,
    y: list[Fraction],
    duals: list[Any],
    radii: Sequence[Fraction | None],
    width: int,
) -> bool:
    """Whether each multiset is covered at level 0, by the words of the page."""
    asked = [k for k, rho in enumerate(radii) if rho is not None]
    rho = [r or Fraction() for r in radii]
    rules = []
    for dual in duals:
        shared, own = prices(balls, dual)
        limit = dot(dual["lam"], y) - dot(rho, shared)
        strict = len(asked) == 2 and not shared[asked[-1]]
        costs = {}
        for state in ways(X):
            values = own.get(state)
            if values is None:
                costs[state] = Fraction(0 if is_free(X, state, dual["lam"]) else 10**9)
            elif any(v and k not in asked for k, v in enumerate(values)):
                costs[state] = Fraction(10**9)
            else:
                costs[state] = dot(rho, values)
        rules.append((costs, limit, strict))
    return all(
        any(
            (total := sum(costs[s] for s in cell)) < limit or (total == limit and not strict)
            for costs, limit, strict in rules
        )
        for cell in combinations_with_replacement(ways(X), width)
    )


AXES = ((Fraction(1), Fraction(1)), (Fraction(1), Fraction(0)), (Fraction(0), Fraction(1)))
PAIRS: list[tuple[str, ...]] = [*combinations_with_replacement(BALLS, 2), *((b,) for b in BALLS)]


def test_the_cover_against_brute_force() -> None:
    choose = random.Random(3)
    outcomes: Counter[bool] = Counter()
    y = [Fraction(v) for v in (2, 1, -1)]
    for balls in PAIRS * 3:
        duals = []
        for _ in range(choose.randint(1, 3)):
            # The parts of y that one sign fits, and steps from there.
            lam = [v * choose.choice((0, 1, 1)) for v in y]
            lam[choose.randrange(3)] += Fraction(choose.randint(-1, 1), 2)
            share = Fraction(choose.randint(0, 2), 2) if len(balls) == 2 else Fraction(1)
            if dot(lam, y) > 0:
                duals.append(general_dual(AXES, balls, lam, (share, 1 - share)[: len(balls)]))
                if choose.random() < 0.3:
                    blocks = duals[-1]["blocks"]
                    del blocks[choose.randrange(len(blocks))]
        radii = [Fraction(choose.randint(1, 12), 12) for _ in balls]
        if len(balls) == 2 and choose.random() < 0.3:
            radii[choose.randrange(2)] = None
        usable = [
            k
            for k, dual in enumerate(duals)
            if not any(
                rho is None and cost
                for rho, cost in zip(radii, prices(balls, dual)[0], strict=True)
            )
        ]
        width = choose.randint(1, 2)
        point = {"rho": radii, "duals": usable}
        certificate = document(AXES, y, balls, width=width, duals=duals, points=[point])
        expected = is_covered(balls, AXES, y, [duals[k] for k in usable], radii, width)
        outcomes[expected] += 1
        if expected:
            assert check(certificate).kind == "regions"
        else:
            refused(certificate, "points[0].duals: no dual covers the cell")
    assert min(outcomes[True], outcomes[False]) >= 20


COSTS = st.one_of(st.none(), st.fractions(0, 2, max_denominator=6), st.just(Fraction()))


@given(
    st.lists(COSTS, min_size=1, max_size=5), st.fractions(-1, 4, max_denominator=6), st.booleans()
)
def test_weights_are_exact(costs: Sequence[Fraction | None], limit: Fraction, strict: bool) -> None:
    weights, most = covering.weigh(costs, limit, strict=strict)
    for cell in combinations_with_replacement(range(len(costs)), 3):
        finite = [costs[i] for i in cell if costs[i] is not None]
        total = sum(finite, Fraction())
        covered = len(finite) == 3 and (total < limit if strict else total <= limit)
        assert (most >= 0 and sum(weights[i] for i in cell) <= most) == covered


@given(
    st.lists(COSTS, min_size=1, max_size=5), st.fractions(0, 4, max_denominator=6), st.booleans()
)
def test_weights_of_long_denominators_err_on_the_safe_side(
    costs: Sequence[Fraction | None], limit: Fraction, strict: bool
) -> None:
    """A state of a denominator of 5000 bits makes all of them rounded up."""
    costs = [*costs, Fraction(1, 3**4000)]
    weights, most = covering.weigh(costs, limit, strict=strict)
    assert all(weight.bit_length() < 200 for weight in weights)
    for cell in combinations_with_replacement(range(len(costs)), 3):
        finite = [costs[i] for i in cell if costs[i] is not None]
        total = sum(finite, Fraction())
        covered = most >= 0 and sum(weights[i] for i in cell) <= most
        if covered:
            assert len(finite) == 3
            assert total < limit if strict else total <= limit
        elif len(finite) == 3:
            assert total >= limit * (1 - Fraction(1, 10**12))
