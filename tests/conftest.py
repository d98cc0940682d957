"""Shared by all tests: one Hypothesis profile and a fixed random generator."""

from __future__ import annotations

import numpy as np
import profiles  # noqa: F401  # registers them
import pytest
from hypothesis import settings

settings.load_profile("isthmus")


@pytest.fixture
def generator() -> np.random.Generator:
    """A random generator, the same in every run."""
    return np.random.default_rng(20260101)
