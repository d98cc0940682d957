"""The compiled loops find what plain Python finds, and their bounds are bounds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from itertools import combinations_with_replacement
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st
from problems import ACTIVATIONS, LOSSES, planted, with_loss

from theory.certificates import certify
from theory.certificates.checker import check
from theory.errors import Interrupted
from theory.landscape import analyse
from theory.landscape.bounds import FaceBounds
from theory.landscape.cells import CellComplex
from theory.landscape.domain import Barred
from theory.landscape.kernel import Escapes
from theory.landscape.least import least
from theory.landscape.sublevel import sublevel
from theory.loading import example
from theory.problem import Problem
from theory.strategies import problems
from theory.within import Ball


def both(run: Callable[[], object]) -> tuple[object, object]:
    """What it gives in compiled loops, and without."""
    with patch("theory.landscape.cells._LARGE", 0):
        compiled = run()
    return compiled, run()


def small(problem: Problem, width: int, within: Ball | None = None) -> CellComplex:
    """Of a thousand cells or fewer: of few neurons if need be."""
    complex_ = CellComplex.of(problem, width, within=within)
    return complex_ if complex_.count <= 1000 else small(problem, width - 1, within)


balls = st.none() | st.builds(
    Ball, st.sampled_from(["adamw", "muon"]), st.fractions(Fraction(1, 4), 4, max_denominator=4)
)


@given(problems(activations=ACTIVATIONS), st.integers(1, 3), st.none() | st.fractions(0, 20), balls)
def test_same_low_cells_and_cover(
    problem: Problem, width: int, level: Fraction | None, within: Ball | None
) -> None:
    def run() -> object:
        found = sublevel(small(problem, width, within), level)
        cover = [(each.proof.dual.vector, each.limit) for each in found.cover]
        low = {cell: minimum.value for cell, minimum in found.low.items()}
        return found.level, low, cover

    compiled, plain = both(run)
    assert compiled == plain


@given(problems(activations=ACTIVATIONS), st.integers(1, 3))
def test_same_least_loss(problem: Problem, width: int) -> None:
    def run() -> object:
        found = least(small(problem, width))
        return found.value, found.cell, [each.proof.dual.vector for each in found.cover]

    compiled, plain = both(run)
    assert compiled == plain


@given(
    problems(activations=ACTIVATIONS),
    st.integers(1, 3),
    st.none() | st.fractions(0, 20),
    st.booleans(),
)
def test_same_components_and_barriers(
    problem: Problem, width: int, above: Fraction | None, labelled: bool
) -> None:
    width = small(problem, width).width
    least_loss = analyse(problem, width).minimum

    def run() -> object:
        level = None if above is None else least_loss + above
        found = analyse(problem, width, level=level, labelled=labelled and width < 3)
        check(certify(found), problem)
        parts = [(each.cells, each.minimum, each.representative) for each in found.components]
        return parts, found.barriers, [cut.value for cut in found.cuts]

    compiled, plain = both(run)
    assert compiled == plain


@pytest.mark.parametrize("loss", LOSSES[1:])
@given(problem=problems(activations=ACTIVATIONS), width=st.integers(1, 3), labelled=st.booleans())
def test_same_components_and_barriers_of_other_losses(
    loss: str, problem: Problem, width: int, labelled: bool
) -> None:
    """Networks of least loss may be others: where nothing is squared, there may be many."""
    problem = with_loss(problem, loss)
    width = small(problem, width).width

    def run() -> object:
        found = analyse(problem, width, labelled=labelled and width < 3)
        assert all(each.representative.loss(problem) == each.minimum for each in found.components)
        parts = [(each.cells, each.minimum) for each in found.components]
        return parts, found.barriers, [cut.value for cut in found.cuts]

    compiled, plain = both(run)
    assert compiled == plain


@given(
    st.lists(st.lists(st.integers(0, 4), min_size=70, max_size=70), max_size=5),
    st.lists(st.integers(-1, 9), min_size=5, max_size=5),
    st.sampled_from([1, 10**30]),
    st.integers(1, 2),
)
def test_escapes_are_what_exceeds_every_limit(
    weights: list[list[int]], limits: list[int], unit: int, width: int
) -> None:
    """Also of sets of more than one word, and of weights that have to be rounded."""
    search = Escapes(70, width)
    for own, limit in zip(weights, limits, strict=False):
        assert search.add([unit * v for v in own], unit * limit) == (
            unit > 1 and (any(own) or limit > 0)
        )
    found = [tuple(sorted(cell)) for cell in search.found() if cell is not None]
    assert len(found) == len(set(found))
    outside = {
        cell
        for cell in combinations_with_replacement(range(70), width)
        if all(
            sum(own[state] for state in cell) > limit
            for own, limit in zip(weights, limits, strict=False)
        )
    }
    assert outside <= set(found)
    if unit == 1:
        assert outside == set(found)


@given(problems(activations=ACTIVATIONS), st.sampled_from(LOSSES), st.integers(1, 3), st.data())
def test_bounds_of_faces(problem: Problem, loss: str, width: int, data: st.DataObject) -> None:
    problem = with_loss(problem, loss)
    with patch("theory.landscape.cells._LARGE", 0):
        complex_ = small(problem, width)
        bounds = complex_.bounds
        assert isinstance(bounds, FaceBounds)
        states = st.integers(0, complex_.states - 1)
        for _ in range(5):
            cell = complex_.canonical(data.draw(states) for _ in range(complex_.width))
            faces = list(complex_.faces(cell))
            found, proofs = (each.tolist() for each in bounds.of_faces(cell))
            known = [bounds.order(proof) for proof in proofs]
            assert [key for key, _ in known] == found
            exact = [complex_.face_minimum(cell, at, move) for at, _, move in faces]
            for (_, low), face in zip(known, exact, strict=True):
                assert low <= face.value
            for face in exact:
                dual = complex_.domain.dual(face)
                assert isinstance(dual, Barred)
                bounds.add(dual)
            level = data.draw(st.sampled_from(exact)).value
            left = [move for _, _, move in complex_.open_faces(cell, level)]
            assert all(
                move in left
                for (_, _, move), face in zip(faces, exact, strict=True)
                if face.value <= level
            )


def test_multiples_of_a_dual_vector_have_bounds_of_their_own() -> None:
    """As losses other than the squared one mind its length."""
    with patch("theory.landscape.cells._LARGE", 0):
        complex_ = CellComplex.of(with_loss(planted(4, 2, 2, 1)[0], "huber:1/2"), 2)
        bounds = complex_.bounds
        assert isinstance(bounds, FaceBounds)
        minima = [complex_.minimum((s, s)) for s in range(complex_.states)]
        low, high = (find(minima, key=lambda each: each.value) for find in (min, max))
        assert low.value < high.value
        dual = complex_.domain.dual(high)
        assert isinstance(dual, Barred)
        known = [
            bounds.order(bounds.add(each)[0])
            for each in (dual, replace(dual, scale=dual.scale / 2, minimum=low), dual)
        ]
    assert known == [high.order, low.order, high.order]


def test_more_vectors_than_a_word_holds() -> None:
    """Tables grow; the barriers are those without compiled loops."""
    problem, _ = planted(6, 2, 3, 3)
    compiled, plain = both(lambda: analyse(problem, 3).barriers)
    assert compiled == plain


def test_an_interrupt_leaves_what_is_known() -> None:
    def stop(stage: str, count: int) -> None:
        if stage.startswith("looking") and count > 3:
            raise Interrupted

    problem, _ = planted(6, 2, 3, 3)
    with patch("theory.landscape.cells._LARGE", 0):
        whole = analyse(problem, 3)
        part = analyse(problem, 3, progress=stop)
    assert not part.complete
    for known, bounds, exact in zip(part.barriers, part.lower_bounds, whole.barriers, strict=True):
        for value, lower, barrier in zip(known, bounds, exact, strict=True):
            assert value in (None, barrier)
            assert lower <= barrier


def test_the_search_can_be_interrupted() -> None:
    def stop(solved: int) -> None:
        if solved > 10:
            raise Interrupted

    with (
        patch("theory.landscape.cells._LARGE", 0),
        pytest.raises(Interrupted, match="the minimum is at most"),
    ):
        sublevel(CellComplex.of(example("flagship"), 2), None, stop)
