"""Work side by side: what it returns, what processes inherit, how they fail, and when they end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import joblib
import pytest
from command import ROOT, kill, running, script, wait_until

from theory.errors import InputError, WorkerDied
from theory.parallel import ALONE, BACKENDS, Jobs, results
from theory.types import Progress

CLUSTERS = ("dask", "ray")


def needs(backend: str) -> None:
    if backend in CLUSTERS:
        pytest.importorskip(backend, reason="clusters are optional extras")


@pytest.fixture(autouse=True)
def this_file_can_be_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parent))


def slow_square(number: int, progress: Progress) -> int:
    """The first takes longest."""
    progress("squaring", number)
    time.sleep(0.2 / number)
    return number * number


def environment(name: str, progress: Progress) -> str | None:
    return os.environ.get(name)


def failing(number: int, progress: Progress) -> int:
    if number == 3:
        raise InputError("number", "is three")
    return number


def dying(number: int, progress: Progress) -> int:
    if number == 3:
        os._exit(1)
    return number


@pytest.mark.parametrize("jobs", [ALONE, Jobs(2)])
def test_results_in_order_or_as_they_come(jobs: Jobs) -> None:
    for ordered in (True, False):
        with results(slow_square, (1, 2, 3), jobs, ordered=ordered) as found:
            assert (list if ordered else sorted)(found) == [1, 4, 9]


@pytest.mark.parametrize("backend", BACKENDS)
def test_failures_come_back_after_what_was_done(backend: str) -> None:
    """And in the order of the items."""
    needs(backend)
    for function, error, message in (
        (failing, InputError, "number: is three"),
        (dying, WorkerDied, "a process died, perhaps for want of memory"),
    ):
        done: list[int] = []
        with (
            pytest.raises(error, match=message),
            results(function, (1, 2, 3, 4), Jobs(2, backend)) as found,
        ):
            done.extend(found)
        assert done == [1, 2] or error is WorkerDied


def test_progress_is_told_where_one_process_does_everything() -> None:
    told: list[int] = []
    with results(slow_square, (8, 9), progress=lambda _, number: told.append(number)) as found:
        assert next(found) == 64
        assert told == [8]  # an item is begun when its result is asked for
    assert told == [8]


def test_a_block_that_is_left_early_waits_only_for_calls_under_way() -> None:
    taken = []

    def items() -> Iterator[int]:
        for number in range(1, 1000):
            taken.append(number)
            yield number

    with results(slow_square, items(), Jobs(2)) as found:
        assert next(found) == 1
    assert len(taken) < 20


@pytest.mark.parametrize("before", [None, "", "1"])
def test_the_environment_is_as_before(monkeypatch: pytest.MonkeyPatch, before: str | None) -> None:
    if before is None:
        monkeypatch.delenv("PYTHONSAFEPATH", raising=False)
    else:
        monkeypatch.setenv("PYTHONSAFEPATH", before)
    with results(environment, ["PYTHONSAFEPATH"] * 2, Jobs(2)) as found:
        assert set(found) == {"1"}
    assert os.environ.get("PYTHONSAFEPATH") == before


def test_cores_are_those_that_this_process_may_use() -> None:
    """Not those that the machine has."""
    script = (
        "import os; from theory.parallel import Jobs\n"
        "os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})\n"
        "print(Jobs(None).cores, Jobs(3).cores, Jobs(None).alone)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=True,
    )
    assert done.stdout.split() == ["1", "3", "True"]
    assert Jobs(None).cores == joblib.cpu_count()


@pytest.mark.parametrize("count", [0, -1])
def test_counts_that_are_wrong(count: int) -> None:
    with pytest.raises(InputError, match=f"jobs: {count} must be at least 1"):
        Jobs(count)


def test_backends_that_are_wrong() -> None:
    with pytest.raises(InputError, match="backend: 'lokki' is not one of loky, dask, ray; did you"):
        Jobs(2, "lokki")


@pytest.mark.parametrize("backend", CLUSTERS)
def test_a_backend_that_is_not_installed(backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, backend, None)
    message = f"backend: {backend} is not installed: .*; pip install 'isthmus\\[{backend}\\]'"
    with (
        pytest.raises(InputError, match=message),
        results(slow_square, [1], Jobs(2, backend)) as found,
    ):
        list(found)


def process(number: int, progress: Progress) -> int:
    return os.getpid()


def test_workers_of_a_cluster_are_taken_and_left_there() -> None:
    dask = pytest.importorskip("dask", reason="clusters are optional extras")
    from distributed import Client, LocalCluster

    own = {"n_workers": 1, "threads_per_worker": 1, "dashboard_address": None}
    with LocalCluster(**own) as cluster, Client(cluster) as client:
        (pid,) = client.run(os.getpid).values()
        with dask.config.set({"scheduler-address": cluster.scheduler_address}):
            for count in (None, 1, 3):
                with results(process, range(3), Jobs(count, "dask")) as found:
                    assert set(found) == {pid}
            with (
                pytest.raises(InputError, match="number: is three"),
                results(failing, [3], Jobs(2, "dask")) as found,
            ):
                list(found)
        assert list(client.run(os.getpid).values()) == [pid]


def test_a_cluster_that_is_not_there() -> None:
    dask = pytest.importorskip("dask", reason="clusters are optional extras")
    nowhere = {"scheduler-address": "tcp://127.0.0.1:1", "distributed.comm.timeouts.connect": 0.1}
    with (
        dask.config.set(nowhere),
        pytest.raises(InputError, match="backend: dask: .*; see DASK_SCHEDULER_ADDRESS"),
        results(process, [1], Jobs(2, "dask")) as found,
    ):
        list(found)


def test_no_more_processes_than_items() -> None:
    assert Jobs(4).at_most(3) == Jobs(3)
    assert Jobs(4).at_most(0) == ALONE
    assert Jobs(4, "dask").at_most(1) == Jobs(4, "dask")


WORK = """
import os, sys, time
from pathlib import Path
from theory.parallel import Jobs, results

def work(name, progress):
    Path("new" + name).write_text(str(os.getpid()))
    Path("new" + name).rename(name)
    time.sleep({seconds})

try:
    with results(work, "01", Jobs(2, "{backend}")) as found:
        for _ in found:
            pass
        Path("done").touch()
        time.sleep(600)
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""


GROWING = """
import sys, time, warnings
from pathlib import Path
from theory.parallel import Jobs, results

warnings.simplefilter("error")

def grow(number, progress):
    kept = vars(sys).setdefault("kept", [])  # one for all calls of a process
    kept.append(b"1" * (400 * 2**20 if len(kept) == 1 else 1))
    time.sleep(0.6)
    return number

with results(grow, range(10), Jobs(2)) as found:
    Path("new").write_text(str([*found]))
Path("new").rename("done")
"""


def test_processes_that_have_grown_are_replaced(tmp_path: Path) -> None:
    """Also where warnings are errors: loky warns in the thread that replaces them."""
    pytest.importorskip("psutil", reason="loky asks it how large processes are")
    process = script(GROWING, folder=tmp_path)
    wait_until((tmp_path / "done").exists, process)
    assert (tmp_path / "done").read_text() == str([*range(10)])
    assert process.communicate()[1] == ""


def working(folder: Path, backend: str, seconds: float) -> tuple[subprocess.Popen[str], set[int]]:
    """A process whose two processes are at work, or were; and these."""
    process = script(WORK.format(seconds=seconds, backend=backend), folder=folder)
    waited = ["0", "1"] if seconds > 1 else ["0", "1", "done"]
    wait_until(lambda: all((folder / name).exists() for name in waited), process)
    return process, {int((folder / name).read_text()) for name in "01"}


@pytest.mark.parametrize(
    ("backend", "seconds"), [*((backend, 600) for backend in BACKENDS), ("loky", 0.5)]
)
def test_they_end_when_their_parent_is_killed(tmp_path: Path, backend: str, seconds: float) -> None:
    needs(backend)
    kill(*working(tmp_path, backend, seconds))


@pytest.mark.parametrize("backend", BACKENDS)
def test_control_c_ends_calls_at_once(tmp_path: Path, backend: str) -> None:
    """As a terminal sends it, to all processes."""
    needs(backend)
    process, others = working(tmp_path, backend, 600)
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate()
    assert out == "interrupted\n"
    assert "Traceback" not in err
    wait_until(lambda: not any(map(running, others)))
