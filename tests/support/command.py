"""The command line in this process, for the tests of its commands."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import pytest

from numerics.cli import main


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    """Exit code, stdout, and stderr without what only a slow machine says."""
    code = main([str(argument) for argument in arguments])
    out, err = capsys.readouterr()
    return code, out, said(err)


def said(err: str) -> str:
    """Stderr but for the lines that say how far long work is, which come on a slow machine."""
    lines = err.splitlines(keepends=True)
    return "".join(line for line in lines if not re.match(r"isthmus: after \d+ s: ", line))


def run_json(capsys: pytest.CaptureFixture[str], *arguments: object) -> Any:
    """The JSON document on stdout of a command that succeeds and says nothing else."""
    code, out, err = run(capsys, *arguments, "--json", "-")
    assert (code, err) == (0, "")
    return json.loads(out)


ROOT = Path(__file__).parents[2]
_SCRIPT = "import sys; from numerics.cli import main; sys.exit(main())"


def started(*arguments: object, folder: Path, before: str = "") -> subprocess.Popen[str]:
    """The command in a process of its own, in a folder, as the console script runs it.

    before: what the process runs first.
    """
    return script(before + _SCRIPT, *arguments, folder=folder)


# What a shell starts in the background ignores Ctrl-C, and what that starts does too.
_INTERRUPTIBLE = "import signal\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n"


def script(code: str, *arguments: object, folder: Path) -> subprocess.Popen[str]:
    """Python code in a process of its own, in a folder that it does not search for modules. It
    leads a group, as in a terminal."""
    return subprocess.Popen(
        [sys.executable, "-P", "-c", _INTERRUPTIBLE + code, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=folder,
        start_new_session=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


def wait_until(true: Callable[[], bool], process: subprocess.Popen[str] | None = None) -> None:
    """Wait, as long as the process runs."""
    for _ in range(6000):
        if true():
            return
        if process is not None and process.poll() is not None:
            raise AssertionError(process.communicate())
        time.sleep(0.05)
    raise AssertionError("waited in vain")


def running(pid: int) -> bool:
    """Whether there is such a process, not counting one that has ended and was not asked how."""
    try:
        os.kill(pid, 0)
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def kill(process: subprocess.Popen[str], others: Collection[int]) -> None:
    """Kill the process, and wait until the others are gone too."""
    assert all(map(running, others))
    process.send_signal(signal.SIGKILL)
    process.communicate()
    wait_until(lambda: not any(map(running, others)))
