"""Shared by all tests: one thread, one Hypothesis profile and a fixed random generator."""

from __future__ import annotations

import gc
import os
from typing import Any

import numpy as np
import profiles  # noqa: F401  # registers them
import pytest
from hypothesis import settings

# On small arrays more threads mostly wait for each other; read when torch is loaded.
os.environ.setdefault("OMP_NUM_THREADS", "1")
settings.load_profile("isthmus")


def pytest_collection_finish() -> None:
    """What is loaded by now stays: the garbage collector need not look through it again."""
    gc.collect()
    gc.freeze()


@pytest.fixture
def generator() -> np.random.Generator:
    """A random generator, the same in every run."""
    return np.random.default_rng(20260101)


@pytest.fixture
def axes() -> Any:
    """Those of a figure of one picture; matplotlib loads where it is asked for."""
    from matplotlib.figure import Figure

    return Figure(layout="constrained").subplots()
