"""Solvers written in C print past Python: what they say on stdout goes nowhere."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quiet() -> Iterator[None]:
    """Nothing written to the process's stdout inside is seen; results come after.

    HiGHS, for one, has lines that no option of its own silences.
    """
    try:
        shown = os.dup(1)
    except OSError:  # there is no stdout
        yield
        return
    _flush()
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 1)
        yield
    finally:
        _flush()
        os.dup2(shown, 1)
        os.close(shown)
        os.close(nowhere)


def _flush() -> None:
    """Lines in the buffers of Python and of C belong to what was written to before."""
    if sys.stdout is not None:
        sys.stdout.flush()
    if os.name == "posix":
        ctypes.CDLL(None).fflush(None)
