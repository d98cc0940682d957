"""Certificates of merge trees: accepted as they are, and rejected for what was changed in them."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from problems import REGRESSION
from profiles import part

from theory.certificates import certify
from theory.certificates.checker import CertificateInvalid, check
from theory.errors import BudgetError, InputError, Interrupted
from theory.landscape import valleys
from theory.loading import example
from theory.problem import Problem
from theory.strategies import problems
from theory.within import Ball


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    """Of five valleys, of which two join others than the global one."""
    return certify(valleys(REGRESSION, 2))


def rejected(document: dict[str, Any], where: str) -> None:
    with pytest.raises(CertificateInvalid, match=f"^{re.escape(where)}"):
        check(document)


def test_what_it_says(document: dict[str, Any]) -> None:
    said = check(document, REGRESSION).statement
    assert said.startswith("the loss at width 2 has exactly 5 valleys modulo permutation")


@given(
    problem=problems(n=(1, 4), d=(1, 2)),
    labelled=st.booleans(),
    rho=st.sampled_from([None, Fraction(1), Fraction(3)]),
)
@part(2)
def test_trees_are_accepted(problem: Problem, labelled: bool, rho: Fraction | None) -> None:
    within = None if rho is None else Ball("adamw", rho)
    tree = valleys(problem, 2, within=within, labelled=labelled)
    said = check(certify(tree), problem).statement
    count = len(tree.valleys)
    many = "at least" if labelled else "exactly"
    assert f"{many} {count} valley{'' if count == 1 else 's'}" in said


def test_nothing_is_certified_after_an_interrupt() -> None:
    def stop(stage: str, count: int) -> None:
        if stage.startswith("looking for the ways out"):
            raise Interrupted

    with pytest.raises(InputError, match="result: is not complete"):
        certify(valleys(REGRESSION, 2, progress=stop))


def changed(document: dict[str, Any], valley: int, **fields: Any) -> dict[str, Any]:
    altered = copy.deepcopy(document)
    altered["valleys"][valley] |= fields
    return altered


def test_a_valley_told_twice_is_rejected(document: dict[str, Any]) -> None:
    altered = copy.deepcopy(document)
    altered["valleys"].append(copy.deepcopy(altered["valleys"][1]))
    rejected(altered, "valleys[1].cut.cells: and those of valley 5 overlap")


def test_a_higher_way_out_is_rejected(document: dict[str, Any]) -> None:
    death = Fraction(document["valleys"][1]["death"])
    higher = changed(document, 1, death=str(death + 1))
    rejected(higher, "valleys[1].cut.value: is")
    higher["valleys"][1]["cut"]["value"] = str(death + 1)
    rejected(higher, "valleys[1].cut.faces[")


def test_a_lower_way_out_is_rejected(document: dict[str, Any]) -> None:
    valley = document["valleys"][1]
    death = (Fraction(valley["death"]) + Fraction(valley["loss"])) / 2
    lower = changed(document, 1, death=str(death), cut=valley["cut"] | {"value": str(death)})
    rejected(lower, "valleys[1].path: reaches")


def test_another_loss_is_rejected(document: dict[str, Any]) -> None:
    loss = Fraction(document["valleys"][2]["loss"])
    rejected(changed(document, 2, loss=str(loss + 1)), "valleys[2].network: its loss is")


def test_a_way_to_a_higher_valley_is_rejected(document: dict[str, Any]) -> None:
    losses = [Fraction(valley["loss"]) for valley in document["valleys"]]
    low = min(range(1, len(losses)), key=losses.__getitem__)
    high = max(range(1, len(losses)), key=losses.__getitem__)
    rejected(changed(document, low, into=high), f"valleys[{low}].into: valley {high} is no lower")
    rejected(changed(document, low, into=low), f"valleys[{low}].into: valley {low} is no lower")


def test_a_way_out_of_the_lowest_is_rejected(document: dict[str, Any]) -> None:
    rejected(changed(document, 0, into=1), "valleys[0].into: must be null")


def test_a_missing_face_or_cell_is_rejected(document: dict[str, Any]) -> None:
    cut = copy.deepcopy(document["valleys"][1]["cut"])
    left_out = cut | {"faces": cut["faces"][1:]}
    rejected(changed(document, 1, cut=left_out), "valleys[1].cut.faces: leaves out cell")
    rejected(changed(document, 1, cut=cut | {"cells": [], "faces": []}), "valleys[1].cut.cells: do")


def test_a_network_outside_its_cut_is_rejected(document: dict[str, Any]) -> None:
    other = document["valleys"][2]
    swapped = changed(document, 1, network=other["network"], loss=other["loss"])
    with pytest.raises(CertificateInvalid, match=r"valleys\[1\]\.(into|network|cut|path)"):
        check(swapped)


def test_no_valley_at_all_is_rejected(document: dict[str, Any]) -> None:
    rejected(document | {"valleys": []}, "valleys: is empty")


# That there are no more.


WHOLE = [(REGRESSION, None), (example("flagship"), Ball("adamw", "11/5"))]


@pytest.fixture(scope="module", params=WHOLE, ids=["anywhere", "in a ball"])
def whole(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Of all valleys, of which three at least."""
    problem, within = request.param
    return certify(valleys(problem, 2, within=within))


def test_points_without_a_use_say_at_least(document: dict[str, Any]) -> None:
    """Certificates that do not claim that there are no more stay as they were."""
    some = {name: value for name, value in document.items() if name not in ("columns", "points")}
    said = check(some | {"kind": "valleys"}).statement
    assert said.startswith("the loss at width 2 has at least 5 valleys modulo permutation")


def test_a_valley_kept_quiet_is_rejected(whole: dict[str, Any]) -> None:
    """Its points have nowhere to go."""
    named = {valley["into"] for valley in whole["valleys"]}
    for quiet in set(range(len(whole["valleys"]))) - named - {0}:
        altered = copy.deepcopy(whole)
        del altered["valleys"][quiet]
        for valley in altered["valleys"][1:]:
            valley["into"] -= valley["into"] > quiet
        for point in altered["points"]:
            point[1] = 0 if point[1] == quiet else point[1] - (point[1] > quiet)
        with pytest.raises(
            CertificateInvalid, match=r"^points\[\d+\]\[1\]: (no cell|\S+ there is)"
        ):
            check(altered)


def test_a_point_left_out_is_rejected(whole: dict[str, Any]) -> None:
    """Each of them is the least of some cell, or on the way of one that is; the last is no way."""
    altered = copy.deepcopy(whole)
    altered["points"].pop()
    rejected(altered, "points: none is the least of the cell ")


def reasons(documents: Iterable[dict[str, Any]]) -> set[str]:
    """What is said of those that are rejected."""
    found = set()
    for document in documents:
        try:
            check(document)
        except CertificateInvalid as error:
            found.add(str(error))
    return found


def test_a_point_that_is_not_the_least_of_its_cells_is_rejected(whole: dict[str, Any]) -> None:
    """Points that are no way for others, moved; another one may serve their cells as well."""
    ways = {next_ for _, next_ in whole["points"]}
    ends = [k for k in range(len(whole["points"])) if len(whole["valleys"]) + k not in ways]

    def moved() -> Iterator[dict[str, Any]]:
        for k in ends:
            altered = copy.deepcopy(whole)
            for _, parts in altered["points"][k][0]:
                for part_ in parts:
                    part_[1] = str(Fraction(part_[1]) * Fraction(99, 100))
            yield altered

    missed = [each.startswith("points: none is the least of the cell") for each in reasons(moved())]
    assert len(missed) > 3
    assert all(missed)


def test_a_way_up_is_rejected(whole: dict[str, Any]) -> None:
    altered = copy.deepcopy(whole)
    count, points = len(altered["valleys"]), altered["points"]
    points.append([points[0][0], count + len(points) - 1])
    where = f"points[{len(points) - 1}][1]"
    with pytest.raises(CertificateInvalid, match=rf"^{re.escape(where)}: \S+ there is above its"):
        check(altered)


def test_a_way_through_no_cell_is_rejected(whole: dict[str, Any]) -> None:
    """From each point straight to the lowest network, which some share a cell with."""

    def straight() -> Iterator[dict[str, Any]]:
        for k in range(len(whole["points"])):
            altered = copy.deepcopy(whole)
            altered["points"][k][1] = 0
            yield altered

    said = reasons(straight())
    assert 0 < len(said) < len(whole["points"])
    assert all(each.endswith("[1]: no cell holds it and point 0") for each in said)


def test_a_way_to_a_later_point_is_rejected(whole: dict[str, Any]) -> None:
    altered = copy.deepcopy(whole)
    count = len(altered["valleys"])
    altered["points"][3][1] = count + 3
    rejected(altered, f"points[3][1]: is {count + 3}, but there are {count + 3} points before it")


def test_a_column_of_no_generator_is_rejected(whole: dict[str, Any]) -> None:
    altered = copy.deepcopy(whole)
    altered["columns"][0] = ["1", *["7"] * (len(altered["columns"][0]) - 1)]
    rejected(altered, "columns[0]: is that of no generator")
    altered["columns"][0] = ["0"] * len(altered["columns"][0])
    rejected(altered, "columns[0]: is that of no generator")


def test_a_column_of_another_length_is_one_without_a_ball_only(whole: dict[str, Any]) -> None:
    altered = copy.deepcopy(whole)
    altered["columns"][0] = [str(2 * Fraction(v)) for v in altered["columns"][0]]
    for neurons, _ in altered["points"]:
        for _, parts in neurons:
            for part_ in parts:
                part_[1] = str(Fraction(part_[1]) / (2 if part_[0] == 0 else 1))
    if altered["within"] is None:
        assert check(altered).statement == check(whole).statement
    else:
        rejected(altered, "columns[0]: is that of no generator")


def test_columns_that_no_cone_has_together_are_rejected(whole: dict[str, Any]) -> None:
    altered = copy.deepcopy(whole)
    everything = [[k, "1/100"] for k in range(len(altered["columns"]))]
    altered["points"][0][0] = [["+", everything]]
    rejected(altered, "points[0][0][0][1]: no state has all these columns")


def test_a_neuron_outside_the_ball_is_rejected() -> None:
    altered = certify(valleys(example("flagship"), 2, within=Ball("adamw", "11/5")))
    (neuron, *_), _ = altered["points"][0]
    neuron[1][0][1] = "2"
    rejected(altered, "points[0][0][0][1]: its coefficients are more than 1 together")


def test_too_many_neurons_are_rejected(whole: dict[str, Any]) -> None:
    altered = copy.deepcopy(whole)
    altered["points"][-1][0] = [["+", []]] * 3
    rejected(altered, f"points[{len(altered['points']) - 1}][0]: has 3 neurons, but the width is 2")


def test_labelled_networks_and_other_balls_are_refused(whole: dict[str, Any]) -> None:
    rejected(whole | {"labelled": True}, "labelled: must be false")
    within = {"ball": "muon", "rho": "3"}
    rejected(whole | {"within": within, "duals": []}, "within: must be null or an entrywise ball")


def test_labelled_trees_have_at_least_so_many() -> None:
    assert certify(valleys(REGRESSION, 2, labelled=True))["kind"] == "valleys"


def test_cells_are_counted_first() -> None:
    """Three thousand neurons have 4.5 * 10^9 cells on a line."""
    document = certify(valleys(Problem([[1], [-1]], [0, 0]), 1))
    zero = {"W": [["0"] * 3000], "a": ["0"] * 3000}
    document["valleys"][0]["network"] = zero
    document |= {"width": 3000, "points": []}
    with pytest.raises(BudgetError, match=r"^steps of the check, up to cells: 4[.,]?5"):
        check(document)


@pytest.mark.parametrize("within", [None, Ball("adamw", 2)])
def test_degenerate_data_have_exactly_one(within: Ball | None) -> None:
    """A column of zeros, rows of zeros, parallel rows; dead neurons are the most of a plateau."""
    for problem in (
        Problem([[0, 0], [0, 0]], [1, 2]),
        Problem([[1, 0], [2, 0], [-1, 0], [0, 0]], [1, -1, 2, 3]),
        Problem([[1, 1], [1, 1]], [0, 0]),
    ):
        tree = valleys(problem, 2, within=within)
        said = check(certify(tree), problem).statement
        assert f"exactly {len(tree.valleys)} valley" in said
