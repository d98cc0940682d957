"""How commands speak while they work."""

from __future__ import annotations

import re
import sys
import warnings

import pytest

from numerics.cli import output


class Clock:
    """In place of `time.monotonic`."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr("numerics.cli.output.time.monotonic", made)
    return made


def watch(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a terminal of 60 columns would."""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    for name, value in (("TERM", "xterm"), ("COLUMNS", "60"), ("LINES", "25")):
        monkeypatch.setenv(name, value)


def test_work_that_nobody_watches_says_where_it_stands(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """After 20 s, and whenever twice the time has passed."""
    now = 0.0
    monkeypatch.setattr("numerics.cli.output.time.monotonic", lambda: now)
    with output.progress() as report:
        for second in range(100):
            now = float(second)
            report("minima computed", 10 * second)
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [
        "isthmus: after 21 s: minima computed: 210",
        "isthmus: after 43 s: minima computed: 430",
        "isthmus: after 87 s: minima computed: 870",
    ]


def test_the_time_left_is_said_where_it_is_known(
    capsys: pytest.CaptureFixture[str], clock: Clock
) -> None:
    """30 s for a quarter are 90 s more; 300 s for 50 of 51 are 6 s."""
    with output.progress(51) as report:
        for clock.now, count in ((30.0, 17), (300.0, 50), (1000.0, 51)):
            report("steps", count)
    assert capsys.readouterr().err.splitlines() == [
        "isthmus: after 30 s: steps: 17; to go: 60 s",
        "isthmus: after 300 s: steps: 50; to go: 6 s",
        "isthmus: after 1000 s: steps: 51; to go: 0 s",
    ]


def test_each_part_of_the_work_has_its_time_left(
    capsys: pytest.CaptureFixture[str], clock: Clock
) -> None:
    with output.progress() as report:
        report.expect(10)
        clock.now = 30
        report("first", 5)
        report.expect(100)
        clock.now = 70
        report("second", 1)
    assert capsys.readouterr().err.splitlines() == [
        "isthmus: after 30 s: first: 5; to go: 30 s",
        "isthmus: after 70 s: second: 1; to go: 66 min",  # 99 times 40 s
    ]


def test_what_is_done_need_not_be_the_count(
    capsys: pytest.CaptureFixture[str], clock: Clock
) -> None:
    with output.progress(4, done=lambda: 3) as report:
        clock.now = 30
        report("claims, minima", 1234)
    assert capsys.readouterr().err == "isthmus: after 30 s: claims, minima: 1,234; to go: 10 s\n"


def test_a_budget_says_how_long_it_takes_at_most(
    capsys: pytest.CaptureFixture[str], clock: Clock
) -> None:
    with output.progress(seconds=8 * 3600) as report:
        clock.now = 3600
        report("cells", 7)
    assert capsys.readouterr().err == "isthmus: after 3600 s: cells: 7; at most: 7 h\n"


def test_nothing_is_said_of_the_time_left_before_anything_is_done(
    capsys: pytest.CaptureFixture[str], clock: Clock
) -> None:
    with output.progress(10) as report:
        clock.now = 30
        report("steps", 0)
        clock.now = 90
        report("steps", 11)  # more than all
    assert capsys.readouterr().err.splitlines() == [
        "isthmus: after 30 s: steps: 0",
        "isthmus: after 90 s: steps: 11",
    ]


def test_on_a_narrow_terminal_times_and_counts_are_whole(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    watch(monkeypatch)
    with output.progress(2000) as report:
        report("searching for the lowest cells, minima computed", 1234)
        report.expect(4321)
        report("searching for the lowest cells, minima computed", 1234)
    shown = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", capsys.readouterr().err)
    last = shown.rstrip().splitlines()[-1].rpartition("\r")[2]
    assert re.fullmatch(r". searching for[\w ]*… 1,234 \d:\d\d:\d\d .{12} to go: [-\d:]+ *", last)
    assert len(last) <= 60


def test_a_quiet_command_shows_nothing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    watch(monkeypatch)
    with output.quietly(True), output.progress(10) as report:
        clock.now = 1000
        report("steps", 5)
        output.note("something is doubtful")
        warnings.warn("something is odd", RuntimeWarning, stacklevel=1)
        assert capsys.readouterr().err == ""
        output.say("it is wrong")
    assert capsys.readouterr().err == "isthmus: it is wrong\n"


def test_it_is_quiet_no_longer_than_that(capsys: pytest.CaptureFixture[str], clock: Clock) -> None:
    with output.quietly(True), output.quietly(False):
        output.note("first")
    output.note("second")
    assert capsys.readouterr().err == "isthmus: first\nisthmus: second\n"
    with output.quietly(True), pytest.raises(RuntimeError, match="^it ends$"):
        raise RuntimeError("it ends")
    output.note("third")
    assert capsys.readouterr().err == "isthmus: third\n"
