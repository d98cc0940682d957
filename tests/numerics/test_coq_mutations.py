"""What one checker refuses of changed certificates, and the other: `make prove` runs this file."""

from __future__ import annotations

import pytest
from coq_mutations import (
    ACCEPTED,
    BY_HAND,
    REFUSED,
    Outcome,
    documents,
    examined,
    is_true,
    outcomes,
)

from numerics.coq import coqc

pytestmark = pytest.mark.skipif(coqc() is None, reason="coqc is not on the path")


@pytest.fixture(scope="module")
def found() -> list[Outcome]:
    return outcomes(count=3, seed=0)


def test_unchanged_certificates_are_accepted_by_both() -> None:
    given = documents()
    unchanged = [(name, "nothing", document) for name, document in given.items()]
    for each in examined(given, unchanged):
        assert (each.python, each.writer, each.accepted) == ("", "", True), each.certificate


def test_what_coq_accepts_is_true(found: list[Outcome]) -> None:
    """A statement that is not that of the unchanged certificate."""
    accepted = [each for each in found if each.accepted and each.changed]
    assert len(accepted) > 10
    for each in accepted:
        assert is_true(each), (each.certificate, each.change)


def test_both_accept_the_same_but_for_what_is_explained(found: list[Outcome]) -> None:
    for each in found:
        assert each.agreed or each.explained, (each.certificate, each.change, each.python)
    refused = [each for each in found if each.python and each.said and not each.accepted]
    assert len(refused) > 50
    assert sum(each.accepted and not each.python for each in found) > 10


def test_changes_by_hand_are_taken_as_they_should(found: list[Outcome]) -> None:
    by_hand = [each for each in found if each.change in BY_HAND]
    assert len(by_hand) > 50
    for each in by_hand:
        verdict = BY_HAND[each.change][1]
        if verdict == REFUSED:
            assert each.python, (each.certificate, each.change)
            assert not each.accepted, (each.certificate, each.change)
        if verdict == ACCEPTED:
            assert not each.python, (each.certificate, each.change, each.python)
            assert each.accepted, (each.certificate, each.change)
