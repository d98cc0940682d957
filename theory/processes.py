"""Processes of joblib for work side by side, which end when the one that started them does."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker
from typing import Any, TypeAlias

Run: TypeAlias = Callable[[Iterable[Any]], Generator[Any, None, None]]
"""Of joblib's delayed calls to a generator of what they return."""

_LOOK = 0.5  # seconds between two looks at whether the parent is there


@contextmanager
def processes(jobs: int, *, ordered: bool = False) -> Iterator[Run]:
    """So many processes.

    ordered: results in the order of the calls, else as they come. Ctrl-C is left to this process,
    and an exception in the generator ends the others. The current folder is not searched for
    modules, where a `random.py` would be taken for Python's.
    """
    from joblib import Parallel

    work = Parallel(
        n_jobs=jobs,
        batch_size=1,
        return_as="generator" if ordered else "generator_unordered",
        initializer=_begin,
        initargs=(os.getpid(),),
    )

    def run(calls: Iterable[Any]) -> Generator[Any, None, None]:
        with _interrupts_blocked():
            results: Generator[Any, None, None] = work(calls)  # which starts them
        return results

    before = os.environ.get("PYTHONSAFEPATH")
    os.environ["PYTHONSAFEPATH"] = "1"
    try:
        yield run
    finally:
        if before is None:
            del os.environ["PYTHONSAFEPATH"]
        else:
            os.environ["PYTHONSAFEPATH"] = before


@contextmanager
def _interrupts_blocked() -> Iterator[None]:
    """For processes that inherit it, from their first instruction on; here they are late."""
    from joblib.externals.loky.backend import resource_tracker as lokys

    # These two, where they are started, would unblock them.
    resource_tracker.ensure_running()
    lokys.ensure_running()
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


def _begin(parent: int) -> None:
    """First in each process."""
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: int) -> None:
    """A process that was killed tells nobody: those it started would wait for work for minutes."""
    while os.getppid() == parent:
        time.sleep(_LOOK)
    os._exit(1)
