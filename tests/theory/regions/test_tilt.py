"""Dual vectors at a positive least loss, and what the checker says of radii there."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from theory.certificates import certify
from theory.certificates.checker import check
from theory.landscape import analyse
from theory.loading import example
from theory.problem import Problem
from theory.radii import least_radii
from theory.regions import optimizer_regions
from theory.regions.joint import JointDual

NARROW = Fraction(1, 10**10)


def test_a_tilted_vector_keeps_its_columns_and_almost_its_height() -> None:
    problem = example("flagship")
    found = optimizer_regions(problem, ("adamw", "muon"), 1)
    (cells,) = found.components
    fit = analyse(problem, 1).components[0].representative.fit(problem)
    ((_, tilt),) = found._parts[0]
    assert tilt is not None
    search = found._search((0,), tilt)
    _, dual = next(search._attempts(cells[0], ()))
    assert isinstance(dual, JointDual)
    assert dual.height == sum(p * q for p, q in zip(dual.lam, fit, strict=True)) > 0
    tilted = tilt.tilted(dual)
    assert dual.height * (1 - NARROW) < tilted.height < dual.height
    joint = search.joint
    tops = joint.tops  # rows of the joint program have largest entry 1
    for state in cells[0]:

        def column(of: JointDual, state: int = state) -> list[Any]:
            lam, mu = (
                [v * top for v, top in zip(vector, tops, strict=True)]
                for vector in (of.lam, of.blocks[state].mu)
            )
            return joint.column(state, lam, mu)

        assert column(tilted) == column(dual)
        assert tilted.blocks[state].own == dual.blocks[state].own
        assert min(tilted.blocks[state].mu) >= 0


@pytest.mark.parametrize("optimizers", [("adamw", "muon"), ("muon-adamw", "ngd")])
@pytest.mark.parametrize(
    ("problem", "width", "minimum", "components"),
    [
        # One neuron fits one of two opposite rows: four components, each of its own fit.
        (Problem(X=[[2, 1], [-2, -1], [1, 3], [-1, -3]], y=[3, 3, 1, 1]), 1, "5", 4),
        (
            Problem(X=[[1, 1], [-2, 3], [-3, 3], [1, 3], [3, 3]], y=[0, -4, -3, -3, -4]),
            *(2, "369/371", 2),
        ),
    ],
    ids=["of different fits", "of one fit"],
)
def test_the_least_radii_are_those_of_the_components_and_proved(
    optimizers: tuple[str, str], problem: Problem, width: int, minimum: str, components: int
) -> None:
    analysis = analyse(problem, width)
    assert (str(analysis.minimum), len(analysis.components)) == (minimum, components)
    known = least_radii(analysis, optimizers)
    found = optimizer_regions(problem, optimizers, width)
    assert found.level == analysis.minimum
    assert len(found.components) == len(analysis.components)
    for which, name in enumerate(optimizers):
        least = found.least(which)
        nearest = min((each[name] for each in known.components), key=lambda radius: radius.upper)
        assert least.lower is not None
        assert least.upper is not None
        assert least.lower <= nearest.upper
        assert nearest.lower <= least.upper
        assert least.upper - least.lower <= least.upper / 10**6
    assert check(certify(found.frontier(2)), problem).kind == "regions"


def test_every_large_width() -> None:
    """Opposite outputs of one row: a least loss of (3 - 1)^2 / 4 at any width."""
    problem = Problem(X=[[1, 0], [1, 0], [0, 1]], y=[3, 1, 1])
    found = optimizer_regions(problem, ("muon", "ngd"), None)
    assert found.level == 1
    least = found.least(0)
    assert least.lower is not None
    assert least.upper is not None
    assert 0 < least.upper - least.lower <= least.upper / 10**6
    assert check(certify(found.at(2 * least.upper, 2 * least.upper)), problem).kind == "regions"
    assert check(certify(found.at(least.lower / 2, least.lower / 2)), problem).kind == "regions"
