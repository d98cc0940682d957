"""Processes for work side by side: what they return, what they inherit, and when they end."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from command import ROOT, kill, wait_until
from joblib import delayed

from theory.processes import processes


def slow_square(number: int) -> int:
    time.sleep(0.2 / number)
    return number * number


def environment(name: str) -> str | None:
    return os.environ.get(name)


def test_results_in_order_or_as_they_come(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    for ordered in (True, False):
        with processes(2, ordered=ordered) as run:
            found = list(run(delayed(slow_square)(number) for number in (1, 2, 3)))
        assert (found if ordered else sorted(found)) == [1, 4, 9]


@pytest.mark.parametrize("before", [None, "", "1"])
def test_the_environment_is_as_before(monkeypatch: pytest.MonkeyPatch, before: str | None) -> None:
    if before is None:
        monkeypatch.delenv("PYTHONSAFEPATH", raising=False)
    else:
        monkeypatch.setenv("PYTHONSAFEPATH", before)
    with processes(2) as run:
        assert set(run(delayed(os.environ.get)("PYTHONSAFEPATH") for _ in range(2))) == {"1"}
    assert environment("PYTHONSAFEPATH") == before


WORK = """
import os, sys, time
from pathlib import Path
from joblib import delayed
from theory.processes import processes

def work(name):
    Path(name).write_text(str(os.getpid()))
    time.sleep({seconds})

with processes(2) as run:
    results = run(delayed(work)(str(k)) for k in range(2))
    for _ in results:
        pass
    Path("done").touch()
    time.sleep(600)
"""


@pytest.mark.parametrize("seconds", [600, 0.5], ids=["busy", "idle"])
def test_they_end_when_their_parent_is_killed(tmp_path: Path, seconds: float) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", WORK.format(seconds=seconds)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    waited = [tmp_path / "0", tmp_path / "1"] if seconds > 1 else [tmp_path / "done"]
    wait_until(lambda: all(path.exists() for path in waited), process)
    wait_until(lambda: all((tmp_path / name).read_text() for name in "01"), process)
    kill(process, {int((tmp_path / name).read_text()) for name in "01"})
