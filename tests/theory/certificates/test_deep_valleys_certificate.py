"""Certificates of kind deep-valleys: accepted as they are, rejected for what was changed."""

from __future__ import annotations

import copy
import re
from fractions import Fraction
from typing import Any

import pytest
from documents import REMOVE, tampered
from hypothesis import given
from hypothesis import strategies as st
from profiles import part

from theory.certificates import certify
from theory.certificates.checker import CertificateInvalid, check
from theory.landscape import analyse, valleys
from theory.landscape.ways import ways
from theory.loading import example
from theory.problem import Problem
from theory.strategies import problems
from theory.within import Ball, Penalty, Within

ROUND = ("muon", "muon-adamw", "ngd", "colnorm", "adamw-ngd", "colnorm-ngd", "ngd-adamw")


WITHIN = (Ball("muon", 3), Ball("ngd", 3), Ball("colnorm", 2), Penalty("1/2"))


@pytest.fixture(scope="module", params=WITHIN, ids=str)
def document(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Of three valleys, four or five, where no network fits exactly."""
    return certify(valleys(example("flagship"), 2, within=request.param))


def rejected(document: dict[str, Any], where: str) -> None:
    with pytest.raises(CertificateInvalid, match=f"^{where}"):
        check(document)


def reason_of(document: dict[str, Any]) -> str:
    """Why it is rejected; nothing where it is not."""
    try:
        check(document)
    except CertificateInvalid as error:
        return str(error)
    return ""


@given(
    problem=problems(n=(1, 4), d=(1, 2)),
    within=st.one_of(
        st.builds(Ball, st.sampled_from(ROUND), st.sampled_from(["1/2", "3"])),
        st.builds(Penalty, st.sampled_from(["1/10", "2"])),
    ),
    depth=st.sampled_from([None, Fraction(), Fraction(1, 10)]),
)
@part(4)
def test_trees_of_intervals_are_whole(
    problem: Problem, within: Within, depth: Fraction | None
) -> None:
    tree = valleys(problem, 2, within=within, min_depth=depth)
    proof = certify(tree)
    count = len(tree.valleys)
    many = f"exactly {count} valley{'' if count == 1 else 's'} modulo permutation deeper than"
    assert many in check(proof, problem).statement
    assert Fraction(proof["depth"]) >= tree.min_depth


@given(
    problem=problems(n=(1, 4), d=(1, 2)),
    rho=st.sampled_from([None, Fraction(1), Fraction(3)]),
    depth=st.sampled_from([Fraction(1, 100), Fraction(1, 2)]),
)
@part(4)
def test_exact_trees_without_their_shallow_valleys_are_whole(
    problem: Problem, rho: Fraction | None, depth: Fraction
) -> None:
    tree = valleys(problem, 2, within=None if rho is None else Ball("adamw", rho), min_depth=depth)
    proof = certify(tree)
    assert Fraction(proof["depth"]) == depth
    count = len(tree.valleys)
    said = f"exactly {count} valley{'' if count == 1 else 's'} modulo permutation deeper than"
    assert f"{said} {depth}" in check(proof, problem).statement


def test_of_a_depth_between_two_valleys_as_many_are_told_as_are_deeper() -> None:
    """By hand: one neuron between the fits (2, 0) and (0, 1), of losses 1/2 and 2, over 5/2."""
    problem = Problem([["1"], ["-1"]], [2, 1])
    for depth, count in (("2/5", 2), ("1/2", 1), ("3/5", 1)):
        tree = valleys(problem, 1, min_depth=depth)
        assert f"exactly {count} valley" in check(certify(tree)).statement
    two = certify(valleys(problem, 1, min_depth="2/5"))
    rejected(two | {"depth": "1/2"}, r"valleys\[1\]\.cut: is 1/2 above valleys 0 and 1, not 1/2$")
    one = certify(valleys(problem, 1, min_depth="1/2"))
    assert check(one | {"depth": "1/2"})
    rejected(one | {"depth": "499/1000"}, "points: none is nearly the least of the cell ")


def test_minima_known_too_badly_are_no_proof() -> None:
    tree = valleys(example("flagship"), 2, within=Ball("muon", "7/2"))
    found = ways(tree)
    assert found is not None
    assert found.depth == tree.min_depth
    least = tree.valleys[-1].depth
    assert least is not None
    object.__setattr__(tree, "min_depth", 2 * least)
    assert ways(tree) is None
    assert certify(tree)["kind"] == "valleys"


# Tampering


def test_a_dual_vector_of_zeros_proves_nothing(document: dict[str, Any]) -> None:
    exact = certify(valleys(Problem([["1"], ["-1"]], [2, 1]), 1, min_depth="2/5"))
    for each in (document, exact):
        first = each["duals"][0]
        zeros = ["0"] * len(each["problem"]["y"])
        zero = {**first, "nu": zeros} if isinstance(first, dict) else zeros
        altered = {**each, "duals": [*each["duals"], zero]}
        altered["points"] = [[net, next_, len(each["duals"])] for net, next_, _ in each["points"]]
        rejected(altered, "points: none is nearly the least of the cell ")


def test_a_valley_kept_quiet_is_rejected(document: dict[str, Any]) -> None:
    """Its points have nowhere to go, or too high."""
    last = len(document["valleys"]) - 1
    altered = copy.deepcopy(document)
    del altered["valleys"][last]
    for point in altered["points"]:
        point[1] = 0 if point[1] == last else point[1] - (point[1] > last)
    where = r"(points\[\d+\]\[1\]: no cell holds it|points: none is nearly the least of the cell) "
    rejected(altered, where)


def without_the_last(document: dict[str, Any]) -> dict[str, Any]:
    """The shallowest valley is no longer one: its path is a way to the valley that it joins."""
    altered = copy.deepcopy(document)
    last = altered["valleys"].pop()
    way = last["path"][-2::-1]  # from the valley that it joins
    count = len(altered["valleys"])
    goals = [last["into"], *range(count, count + len(way) - 1)]
    bottom = count + len(way) - 1
    for point in altered["points"]:
        if point[1] >= count:
            point[1] = bottom if point[1] == count else point[1] + len(way) - 1
    steps = [[network, goal, None] for network, goal in zip(way, goals, strict=True)]
    return altered | {"points": [*steps, *altered["points"]]}


def test_a_valley_may_be_left_out_from_its_depth_on(document: dict[str, Any]) -> None:
    altered = without_the_last(document)
    last = document["valleys"][-1]
    height = Fraction(last["death"][0] if isinstance(last["death"], list) else last["death"])
    rise = height - Fraction(last["loss"])
    enough = altered | {"depth": str(rise * Fraction(1001, 1000))}
    count = len(document["valleys"]) - 1
    assert f"exactly {count} valleys modulo permutation deeper than" in check(enough).statement
    less = altered | {"depth": str(rise * Fraction(999, 1000))}
    rejected(less, "points: none is nearly the least of the cell ")


def test_a_valley_told_twice_is_rejected(document: dict[str, Any]) -> None:
    altered = copy.deepcopy(document)
    count = len(altered["valleys"])
    altered["valleys"].append(copy.deepcopy(altered["valleys"][1]))
    rejected(altered, rf"valleys\[1\]\.cut\.cells: and those of valley {count} overlap")


def test_points_left_out_are_rejected(document: dict[str, Any]) -> None:
    rejected(document | {"points": []}, "points: none is nearly the least of the cell ")
    without = (tampered(document, ("points", k, 2), None) for k in range(len(document["points"])))
    said = [reason for reason in map(reason_of, without) if reason]
    assert all(each.startswith("points: none is nearly the least of the cell ") for each in said)
    assert len(said) > len(document["points"]) / 2


def test_a_lower_depth_is_rejected(document: dict[str, Any]) -> None:
    rejected(document | {"depth": "0"}, "points: none is nearly the least of the cell ")
    rejected(document | {"depth": "-1"}, "depth: is -1, but must not be negative$")
    rejected(document | {"depth": ["0", "1"]}, "depth: ")
    rejected(tampered(document, ("depth",), REMOVE), "certificate: the field 'depth' is missing")


def test_a_depth_that_a_valley_has_not_is_rejected(document: dict[str, Any]) -> None:
    rejected(document | {"depth": "100"}, r"valleys\[1\]\.cut: is \S+ above valleys 0 and 1, not 1")


def test_a_way_through_no_cell_is_rejected(document: dict[str, Any]) -> None:
    moved = (tampered(document, ("points", k, 1), 1) for k in range(len(document["points"])))
    said = set(map(reason_of, moved)) - {""}
    straight = [each for each in said if each.endswith("[1]: no cell holds it and point 1")]
    others = said - set(straight)
    assert len(straight) > 3
    assert all(each.startswith("points: none is nearly the least of") for each in others)


def test_a_way_to_a_later_point_is_rejected(document: dict[str, Any]) -> None:
    number = len(document["valleys"]) + 3
    altered = tampered(document, ("points", 3, 1), number)
    rejected(altered, rf"points\[3\]\[1\]: is {number}, but there are {number} points before it")


def test_a_way_up_serves_nothing(document: dict[str, Any]) -> None:
    """All points go on to the zero network, whose loss is higher."""
    altered = copy.deepcopy(document)
    zero = {"W": [["0"] * 2] * 2, "a": ["0"] * 2}
    far = len(altered["valleys"])
    altered["points"] = [[zero, 0, None], *altered["points"]]
    for point in altered["points"][1:]:
        point[1] = far
    rejected(altered, "points: none is nearly the least of the cell ")


def test_a_network_outside_the_ball_is_rejected(document: dict[str, Any]) -> None:
    """With a penalty it is no way: too high."""
    altered = copy.deepcopy(document)
    for network, _, _ in altered["points"]:
        network["a"] = [str(2 * Fraction(v)) for v in network["a"]]
    if "ball" in document["within"]:
        rejected(altered, r"points\[\d\]\[0\]: the network lies outside the ball")
    else:
        rejected(altered, "points: none is nearly the least of the cell ")


def test_a_moved_network_is_rejected(document: dict[str, Any]) -> None:
    """A tenth shorter, they are in the same cells, but no longer nearly the least of all."""
    altered = copy.deepcopy(document)
    for network, _, _ in altered["points"]:
        network["a"] = [str(Fraction(v) * Fraction(9, 10)) for v in network["a"]]
    rejected(altered, "points: none is nearly the least of the cell ")


def test_another_dual_is_rejected(document: dict[str, Any]) -> None:
    count = len(document["duals"])
    missing = tampered(document, ("points", 4, 2), count)
    rejected(missing, re.escape(f"points[4][2]: is {count}, but there are {count} duals"))
    altered = copy.deepcopy(document)
    for point in altered["points"]:
        point[2] = None if point[2] is None else 0
    rejected(altered, "points: none is nearly the least of the cell ")


def test_labelled_networks_are_refused(document: dict[str, Any]) -> None:
    rejected(document | {"labelled": True}, "labelled: must be false")


def test_another_radius_is_rejected(document: dict[str, Any]) -> None:
    """In a smaller ball some network lies outside, in a larger one duals prove less; of another
    penalty objectives are others."""
    if "beta" in document["within"]:
        for beta in ("1/3", "2/3"):
            other = tampered(document, ("within", "beta"), beta)
            rejected(other, r"valleys\[0\]\.network: its loss is ")
        return
    smaller = tampered(document, ("within", "rho"), "1")
    rejected(smaller, r"valleys\[0\]\.network: the network lies outside the ball")
    larger = tampered(document, ("within", "rho"), "4")
    faces = r"valleys\[1\]\.cut\.faces\[\d\]"
    rejected(larger, faces + r": the bound \S+ of dual \d is not at least ")


def test_of_the_other_kinds_none_takes_a_penalty(document: dict[str, Any]) -> None:
    """But valleys, of which there are at least as many."""
    listed = {k: v for k, v in document.items() if k not in ("depth", "points")}
    count = len(document["valleys"])
    assert f"at least {count} valleys" in check(listed | {"kind": "valleys"}).statement
    penalty = {"penalty": "l2", "beta": "1/2"}
    flagship = example("flagship")
    barrier = certify(analyse(flagship, 2, within=Ball("ngd", "7/2")))
    rejected(barrier | {"within": penalty}, "within: must be a ball: this is about the loss")


def test_the_penalty_of_each_network_counts_as_it_is() -> None:
    """By hand: u = w = 3/4, a = 1 has the loss 1/2 (u - 1)^2 = 1/32 and the penalty 1/8 (u^2 + 1),
    which is more than u / 4, that of the balanced network of this u."""
    document = certify(valleys(Problem([[1], [-1]], [1, 0]), 1, within=Penalty("1/4")))
    network = {"W": [["3/4"]], "a": ["1"]}
    for penalty in (Fraction(0), Fraction(3, 16), Fraction(25, 128)):
        own = {"network": network, "loss": str(Fraction(1, 32) + penalty)}
        said = reason_of(tampered(document, ("valleys", 0), document["valleys"][0] | own))
        wrong = said.startswith("valleys[0].network: its loss is 29/128, not ")
        assert wrong == (penalty != Fraction(25, 128))


@pytest.mark.parametrize("within", [*(Ball(name, 2) for name in ROUND), Penalty("1/3")], ids=str)
def test_degenerate_data(within: Within) -> None:
    """A column of zeros, rows of zeros, parallel rows; three dimensions of rank two."""
    for problem in (
        Problem([[0, 0], [0, 0]], [1, 2]),
        Problem([[1, 0], [2, 0], [-1, 0], [0, 0]], [1, -1, 2, 3]),
        Problem([[1, 1], [1, 1]], [0, 0]),
        Problem([[1, 0, 1], [0, 1, 1], [1, 1, 2]], [1, -1, 2]),
    ):
        tree = valleys(problem, 1, within=within)
        said = check(certify(tree), problem).statement
        assert f"exactly {len(tree.valleys)} valley" in said
