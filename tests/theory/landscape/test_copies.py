"""Landscapes that were found in other processes are what they would be here."""

from __future__ import annotations

import pickle
from fractions import Fraction
from functools import partial

import pytest

from theory.certificates import certify
from theory.certificates.checker import check
from theory.landscape import Analysis, analyse, limits
from theory.landscape.valleys import Valleys, valleys
from theory.loading import example
from theory.parallel import ALONE, Jobs, results
from theory.problem import Problem
from theory.types import Progress
from theory.within import Ball, Penalty, Within

FLAGSHIP = example("flagship")


@pytest.mark.parametrize("within", [None, Ball("adamw", "11/5"), Ball("muon", "3")])
@pytest.mark.parametrize("labelled", [False, True])
def test_copies_of_landscapes(within: Ball | None, labelled: bool) -> None:
    landscape = analyse(FLAGSHIP, 2, within=within, labelled=labelled)
    copy: Analysis = pickle.loads(pickle.dumps(landscape))
    assert copy.components == landscape.components
    assert copy.barriers == landscape.barriers
    assert copy.merges == landscape.merges
    assert certify(copy) == certify(landscape)
    assert check(certify(copy), FLAGSHIP).kind == "components"


@pytest.mark.parametrize("within", [None, Ball("adamw", "11/5"), Ball("muon", "3"), Penalty("1/9")])
def test_copies_of_trees(within: Within | None) -> None:
    tree = valleys(FLAGSHIP, 2, within=within)
    copy: Valleys = pickle.loads(pickle.dumps(tree))
    assert copy.valleys == tree.valleys
    for valley in tree.valleys:
        assert copy.home(valley.representative) == tree.home(valley.representative)
    if tree.exact:
        assert limits(copy) == limits(tree)


def tree_at(problem: Problem, rho: Fraction, progress: Progress) -> Valleys:
    return valleys(problem, 2, within=Ball("adamw", rho), progress=progress)


def test_trees_over_a_grid_of_radii_do_not_depend_on_the_number_of_processes() -> None:
    grid = [Fraction(k, 2) for k in range(1, 7)]
    found = []
    for jobs in (ALONE, Jobs(2)):
        with results(partial(tree_at, FLAGSHIP), grid, jobs) as trees:
            found.append([tree.valleys for tree in trees])
    assert found[0] == found[1]
    assert len({len(tree) for tree in found[0]}) > 1
