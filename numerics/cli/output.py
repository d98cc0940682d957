"""How every command speaks: tables or JSON on stdout, everything else on stderr."""

from __future__ import annotations

import json
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from numerics.files import provenance, write_json
from theory.errors import BudgetError, Interrupted

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress

_QUIET = 20.0
"""Seconds until work that nobody watches says where it stands; then at each doubling."""

EXIT_DONE = 0
EXIT_FALSE = 1  # a claim is false or a certificate is not valid
EXIT_INPUT = 2  # the input or the options are wrong
EXIT_UNDECIDED = 3  # not decided within the budget, or interrupted

_SOON = 1e-3  # seconds; zero would be never
_PATIENCE = 0.5  # seconds from Ctrl-C to the next call of a callback


def console() -> Console:
    """The terminal."""
    from numerics.cli.screen import Screen

    return Screen()


def say(message: str) -> None:
    """One line on stderr."""
    print(f"isthmus: {' '.join(message.split())}", file=sys.stderr)


def emit(
    document: dict[str, Any], target: str | None, command: Sequence[str] | None = None
) -> None:
    """The JSON result to stdout ("-") or into a file, where it was asked for.

    command: recorded with it, with the versions it ran with.
    """
    if target is not None and command is not None:
        document = document | provenance(command)
    if target == "-":
        print(json.dumps(document, indent=1))
    elif target is not None:
        write_json(Path(target), document)


def over_budget(error: BudgetError) -> str:
    """What a refusal needs and which option of the command line allows it."""
    option = error.option.replace("_", "-")
    return f"{error.excess}; {error.remedy(f'allow it with --{option} ')}"


def _bar(total: int | None) -> Progress:
    """A bar on stderr, with one task on it."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        Progress,
        ProgressColumn,
        SpinnerColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns: list[ProgressColumn] = [
        SpinnerColumn(),
        TextColumn("{task.description}"),
        TimeElapsedColumn(),
    ]
    if total is not None:
        columns += [BarColumn(), TextColumn("to go:"), TimeRemainingColumn()]
    bar = Progress(*columns, console=Console(stderr=True), transient=True)
    bar.add_task("starting", total=total)
    return bar


@contextmanager
def progress(
    total: int | None = None, *, at_once: bool = False, seconds: int | None = None
) -> Iterator[Callable[[str, int], None]]:
    """A callback (stage, count) that shows where long work stands: a bar if a person watches
    stderr, else a line now and then.

    total: the count at which the work is done, where that is known: a bar then shows the rest.
    Ctrl-C makes it raise Interrupted at the next call, or wherever the work is where none comes
    within half a second, so that the work can hand back what it knows; a second one stops at once.
    at_once: for work in other processes, for which this one waits: the first Ctrl-C raises
    Interrupted where it is. seconds: after so many the work is interrupted likewise.
    """
    stopping = False
    spent = f"the time budget of {seconds} s is spent"

    def stop(signum: int, frame: FrameType | None) -> None:
        nonlocal stopping
        if stopping:
            raise KeyboardInterrupt
        stopping = True
        if at_once:
            raise Interrupted
        signal.setitimer(signal.ITIMER_REAL, _PATIENCE)

    def force(signum: int, frame: FrameType | None) -> None:
        if not stopping:
            say(spent)
        raise Interrupted

    bar = _bar(total) if sys.stderr.isatty() else None
    start, quiet = time.monotonic(), _QUIET

    def report(stage: str, count: int) -> None:
        nonlocal quiet
        if stopping:
            signal.setitimer(signal.ITIMER_REAL, 0)
            raise Interrupted
        passed = time.monotonic() - start
        if seconds is not None and passed > seconds:
            say(spent)
            raise Interrupted
        if bar is None and passed > quiet:
            say(f"after {passed:.0f} s: {stage}: {count:,}")
            quiet = 2 * passed
        if bar is not None:
            bar.update(bar.task_ids[0], description=f"{stage}: {count:,}", completed=count)

    previous = {
        number: signal.signal(number, handler)
        for number, handler in ((signal.SIGINT, stop), (signal.SIGALRM, force))
    }
    if at_once and seconds is not None:
        signal.setitimer(signal.ITIMER_REAL, max(seconds, _SOON))
    try:
        with nullcontext() if bar is None else bar:
            yield report
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in previous.items():
            signal.signal(number, handler)
