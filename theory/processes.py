"""Processes of joblib for work side by side, which end when the one that started them does."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from joblib import Parallel

_LOOK = 0.5  # seconds between two looks at whether the parent is there


@contextmanager
def processes(jobs: int, *, ordered: bool = False) -> Iterator[Parallel]:
    """`Parallel` of so many processes: call it with delayed calls for a generator of results.

    ordered: results in the order of the calls, else as they come. Ctrl-C is left to this process,
    and an exception in the generator ends the others. The current folder is not searched for
    modules, where a `random.py` would be taken for Python's.
    """
    from joblib import Parallel

    before = os.environ.get("PYTHONSAFEPATH")
    os.environ["PYTHONSAFEPATH"] = "1"
    try:
        yield Parallel(
            n_jobs=jobs,
            batch_size=1,
            return_as="generator" if ordered else "generator_unordered",
            initializer=_begin,
            initargs=(os.getpid(),),
        )
    finally:
        if before is None:
            del os.environ["PYTHONSAFEPATH"]
        else:
            os.environ["PYTHONSAFEPATH"] = before


def _begin(parent: int) -> None:
    """First in each process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: int) -> None:
    """A process that was killed tells nobody: those it started would wait for work for minutes."""
    while os.getppid() == parent:
        time.sleep(_LOOK)
    os._exit(1)
