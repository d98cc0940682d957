"""How every command speaks: tables or JSON on stdout, everything else on stderr."""

from __future__ import annotations

import json
import signal
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from numerics.files import provenance, write_json
from theory.errors import BudgetError, Interrupted

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, ProgressColumn

_QUIET = 20.0
"""Seconds until work that nobody watches says where it stands; then at each doubling."""

EXIT_DONE = 0
EXIT_FALSE = 1  # a claim is false or a certificate is not valid
EXIT_INPUT = 2  # the input or the options are wrong
EXIT_UNDECIDED = 3  # not decided within the budget, or interrupted

_SOON = 1e-3  # seconds; zero would be never
_LONG = 1e8  # longer than any work; timers do not take much more
_PATIENCE = 0.5  # seconds from Ctrl-C to the next call of a callback


_QUIETLY: ContextVar[bool] = ContextVar("quietly", default=False)


@contextmanager
def quietly(wanted: bool) -> Iterator[None]:
    """Within this block, where it is wanted, stderr has errors only."""
    token = _QUIETLY.set(wanted)
    try:
        with warnings.catch_warnings():
            if wanted:
                warnings.simplefilter("ignore")
            yield
    finally:
        _QUIETLY.reset(token)


def console() -> Console:
    """The terminal."""
    from numerics.cli.screen import Screen

    return Screen()


def say(message: str) -> None:
    """One line on stderr, why there is less than what was asked for."""
    print(f"isthmus: {' '.join(message.split())}", file=sys.stderr)


def note(message: str) -> None:
    """One line on stderr that `--quiet` leaves out."""
    if not _QUIETLY.get():
        say(message)


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


def _bar(total: float | None, left: str) -> Progress:
    """A bar on stderr, with one task on it. left: what the time left is."""
    from rich.console import Console
    from rich.progress import Progress

    columns = _columns("" if total is None else left)
    bar = Progress(*columns, console=Console(stderr=True), transient=True, expand=True)
    bar.add_task("starting", total=total, count="")
    return bar


def _columns(left: str) -> tuple[ProgressColumn, ...]:
    """Of a bar; left: empty where no time left is known."""
    from rich.progress import (
        BarColumn,
        SpinnerColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )
    from rich.table import Column

    # Numbers are whole on a narrow terminal, and the stage has what room they leave.
    stage = Column(ratio=1, no_wrap=True, overflow="ellipsis")
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}", table_column=stage),
        TextColumn("{task.fields[count]}"),
        TimeElapsedColumn(),
    )
    if not left:
        return columns
    return *columns, BarColumn(bar_width=12), TextColumn(left), TimeRemainingColumn()


def _time(seconds: float) -> str:
    """In the largest unit of which there are two."""
    for unit, name in ((3600, "h"), (60, "min")):
        if seconds >= 2 * unit:
            return f"{seconds / unit:.0f} {name}"
    return f"{seconds:.0f} s"


@dataclass(frozen=True)
class Report:
    """What `progress` yields. expect: is told how many counts the part of the work takes that
    begins; the time left is then that of this part."""

    tell: Callable[[str, int], None]
    expect: Callable[[float], None]

    def __call__(self, stage: str, count: int) -> None:
        self.tell(stage, count)


@contextmanager
def progress(
    total: float | None = None,
    *,
    done: Callable[[], float] | None = None,
    at_once: bool = False,
    seconds: float | None = None,
    since: float | None = None,
) -> Iterator[Report]:
    """A callback (stage, count) that shows where long work stands: a bar if a person watches
    stderr, else a line now and then; nothing where stderr is to be quiet.

    total: the count at which the work is done, where that is known: the time left is then shown.
    done: how much of it is, where that is not the count.
    Ctrl-C makes it raise Interrupted at the next call, or wherever the work is where none comes
    within half a second, so that the work can hand back what it knows; a second one stops at once.
    at_once: for work in other processes, for which this one waits: the first Ctrl-C raises
    Interrupted where it is. seconds: after so many the work is interrupted likewise: at the next
    call, or where it is; counted from `since`, a time of `time.monotonic`, by default now.
    """
    stopping = False
    start = begun = time.monotonic()  # of all, and of the part with this total
    quiet = _QUIET
    if since is None:
        since = start
    spent = f"the time budget of {seconds or 0:.10g} s is spent"
    left = "to go:"

    def passed() -> float:
        return time.monotonic() - since

    if total is None and seconds is not None:
        left, total, done = "at most:", seconds, passed

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

    watched = sys.stderr.isatty() and not _QUIETLY.get()
    bar = _bar(total, left) if watched else None

    def expect(part: float) -> None:
        nonlocal total, begun
        total, begun = part, time.monotonic()
        if bar is not None:
            bar.columns = _columns(left)
            bar.reset(bar.task_ids[0], total=part)

    def report(stage: str, count: int) -> None:
        nonlocal quiet
        if stopping:
            signal.setitimer(signal.ITIMER_REAL, 0)
            raise Interrupted
        now = time.monotonic()
        if seconds is not None and now - since > seconds:
            signal.setitimer(signal.ITIMER_REAL, 0)
            say(spent)
            raise Interrupted
        if bar is None and now - start > quiet:
            quiet = 2 * (now - start)
            part = (count if done is None else done()) / total if total else 0
            rest = f"; {left} {_time((now - begun) * (1 / part - 1))}" if 0 < part <= 1 else ""
            note(f"after {now - start:.0f} s: {stage}: {count:,}{rest}")
        if bar is not None:
            completed = count if done is None else done()
            (task,) = bar.task_ids
            shown = f"{count:,}" if count else ""
            bar.update(task, description=stage, count=shown, completed=completed)

    previous = {
        number: signal.signal(number, handler)
        for number, handler in ((signal.SIGINT, stop), (signal.SIGALRM, force))
    }
    if seconds is not None:
        rest = max(seconds - passed(), _SOON) + (0 if at_once else _PATIENCE)
        signal.setitimer(signal.ITIMER_REAL, min(rest, _LONG))
    try:
        with nullcontext() if bar is None else bar:
            yield Report(report, expect)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in previous.items():
            signal.signal(number, handler)


@contextmanager
def seen(doing: str) -> Iterator[None]:
    """What this block does may take seconds, which are seen."""
    with progress() as report:
        report(doing, 0)
        yield
