"""Ctrl-C: the work hands back what it knows at the next callback, or where it is."""

from __future__ import annotations

import os
import signal
import time

import pytest

from numerics.cli import output
from numerics.cli.output import progress
from theory.errors import Interrupted


def control_c(times: int = 1, then_work: float = 0) -> None:
    for _ in range(times):
        os.kill(os.getpid(), signal.SIGINT)
    wait(then_work)


def wait(seconds: float) -> None:
    """As work does that calls nobody."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        pass


def handlers() -> list[object]:
    return [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGALRM)]


def test_the_next_callback_raises() -> None:
    before = handlers()
    with progress() as report:
        report("stage", 0)
        control_c()
        with pytest.raises(Interrupted, match="^interrupted$"):
            report("stage", 1)
        assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)
        with pytest.raises(Interrupted, match="^interrupted$"):
            report("stage", 1)
    assert handlers() == before


def test_work_without_callbacks_is_interrupted_where_it_is() -> None:
    before = handlers()
    with pytest.raises(Interrupted, match="^interrupted$"), progress():
        control_c(then_work=60)
    assert handlers() == before
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)


def test_work_that_ends_first_is_not_interrupted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output, "_PATIENCE", 0.05)
    with progress():
        control_c()
    wait(0.1)


def test_a_second_one_does_not_wait() -> None:
    with pytest.raises(KeyboardInterrupt, match="^$"), progress():
        control_c(2)


def test_work_in_other_processes_is_not_waited_for() -> None:
    with pytest.raises(Interrupted, match="^interrupted$"), progress(at_once=True):
        control_c()


@pytest.mark.parametrize("at_once", [True, False])
def test_nor_is_it_when_its_time_is_spent(
    capsys: pytest.CaptureFixture[str], at_once: bool
) -> None:
    """Where no callback comes."""
    with (
        pytest.raises(Interrupted, match="^interrupted$"),
        progress(at_once=at_once, seconds=0),
    ):
        wait(60)
    assert capsys.readouterr().err == "isthmus: the time budget of 0 s is spent\n"
    wait(0.01)  # and no second time


def test_a_callback_after_that_time_leaves_once(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the work that hands back what it knows is not interrupted again."""
    monkeypatch.setattr(output, "_PATIENCE", 0.05)
    with progress(seconds=0) as report:
        with pytest.raises(Interrupted, match="^interrupted$"):
            report("stage", 1)
        wait(0.2)
    assert capsys.readouterr().err == "isthmus: the time budget of 0 s is spent\n"


def test_the_time_of_earlier_work_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    with (
        pytest.raises(Interrupted, match="^interrupted$"),
        progress(seconds=1000, since=time.monotonic() - 2000),
    ):
        wait(60)
