"""Whatever the checker accepts in the tests of this folder has to have the schema's shape."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from schemas import wrong

from theory.certificates import checker
from theory.certificates.checker import Verdict
from theory.problem import Problem


@pytest.fixture(autouse=True, scope="module")
def accepted() -> Iterator[list[str]]:
    """The kinds of the certificates that were accepted so far."""
    kinds: list[str] = []
    verify = checker._check

    def verified(document: object, problem: Problem | None) -> Verdict:
        verdict = verify(document, problem)
        assert not wrong(document)
        kinds.append(verdict.kind)
        return verdict

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checker, "_check", verified)
        yield kinds
