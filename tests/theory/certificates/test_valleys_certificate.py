"""Certificates of merge trees: accepted as they are, and rejected for what was changed in them."""

from __future__ import annotations

import copy
import re
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from profiles import part

from theory.certificates import certify
from theory.certificates.checker import CertificateInvalid, check
from theory.errors import InputError, Interrupted
from theory.landscape import valleys
from theory.loading import example
from theory.problem import Problem
from theory.strategies import problems
from theory.within import Ball

REGRESSION = Problem([[x, 1] for x in range(-3, 3)], [2, 2, -4, 0, 4, 3])


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    """Of five valleys, of which two join others than the global one."""
    return certify(valleys(REGRESSION, 2))


def rejected(document: dict[str, Any], where: str) -> None:
    with pytest.raises(CertificateInvalid, match=f"^{re.escape(where)}"):
        check(document)


def test_what_it_says(document: dict[str, Any]) -> None:
    said = check(document, REGRESSION).statement
    assert said.startswith("the loss at width 2 has at least 5 valleys modulo permutation")


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
    assert f"at least {count} valley{'' if count == 1 else 's'}" in said


@pytest.mark.parametrize("optimizer", ["muon", "ngd", "colnorm-ngd"])
def test_trees_of_intervals_are_accepted(optimizer: str) -> None:
    tree = valleys(example("flagship"), 2, within=Ball(optimizer, "7/2"))
    assert f"at least {len(tree.valleys)} valley" in check(certify(tree)).statement


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
