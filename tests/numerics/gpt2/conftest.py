"""Shared by the tests of GPT-2."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from numerics.training.loop import one_thread


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """Tiny models: with more threads, on a busy machine, they mostly wait for each other."""
    with one_thread():
        yield
