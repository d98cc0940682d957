"""Shared by all tests: one Hypothesis profile and a fixed random generator."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import settings

# Exact arithmetic is slow on an unlucky example, and a shared machine slower still.
settings.register_profile("isthmus", deadline=None, derandomize=True)
settings.load_profile("isthmus")


@pytest.fixture
def generator() -> np.random.Generator:
    """A random generator, the same in every run."""
    return np.random.default_rng(20260101)
