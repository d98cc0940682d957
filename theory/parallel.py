"""Work side by side: one function for many items, in processes of this machine or of several.

What comes out does not depend on how many processes there are, or on who runs them: each call has
one thread, and results can be taken in the order of the items. joblib runs the calls: by default
in processes of its own, loky's; through dask or ray, where these are installed, also on machines
that DASK_SCHEDULER_ADDRESS or RAY_ADDRESS leads to.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
import traceback
import warnings
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import takewhile
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar
from weakref import WeakKeyDictionary, WeakSet

from theory.errors import InputError, WorkerDied, unknown
from theory.types import Progress, silent

if TYPE_CHECKING:
    from joblib import Parallel

BACKENDS = ("loky", "dask", "ray")

_LOOK = 0.5  # seconds between two looks at whether the parent is there
_OBJECTS = 80 * 2**20  # bytes that ray keeps of results: its least

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")
_Deaths: TypeAlias = tuple[type[Exception], ...]


@dataclass(frozen=True)
class Jobs:
    """How many processes at a time, and who runs them.

    count: None for one for each core that this process may use, by its affinity and its control
    group; or for all that a cluster has. On a cluster that was there before it is how many calls
    are under way. backend: loky, dask or ray.
    """

    count: int | None = 1
    backend: str = "loky"

    def __post_init__(self) -> None:
        if self.count is not None and self.count < 1:
            raise InputError("jobs", f"{self.count} must be at least 1")
        if self.backend not in BACKENDS:
            raise InputError("backend", unknown(self.backend, BACKENDS))

    def at_most(self, items: int) -> Jobs:
        """No more than there are items: one process is this one."""
        if self.backend != "loky":
            return self
        return Jobs(min(self.cores, max(1, items)))

    @property
    def cores(self) -> int:
        """The count, on this machine."""
        from joblib import cpu_count

        return self.count or int(cpu_count())

    @property
    def alone(self) -> bool:
        """Whether this process does everything by itself."""
        return self.backend == "loky" and self.cores == 1


ALONE = Jobs()


@contextmanager
def results(
    function: Callable[[_Item, Progress], _Result],
    items: Iterable[_Item],
    jobs: Jobs = ALONE,
    *,
    progress: Progress = silent,
    ordered: bool = True,
) -> Iterator[Iterator[_Result]]:
    """What `function` makes of the items, as it is there.

    function: it is told `progress` where one process does everything, and is silent in others.
    ordered: in the order of the items, else as they are done.

    A block that is left early waits for calls under way; an exception in it, as Ctrl-C makes, ends
    them at once (with a scheduler of dask that was there before: those not begun). Ctrl-C is left
    to this process, and the others end when it does. An exception of a call is raised where its
    result would be, and WorkerDied at once where a process dies.
    """
    if jobs.alone:
        yield (_call(function, progress, item) for item in items)
        return
    from joblib import delayed

    call, ended = delayed(partial(_contained, function)), threading.Event()
    start = {"loky": _loky, "dask": _dask, "ray": _ray}[jobs.backend]
    deaths: _Deaths = ()
    try:
        with start(jobs.count, "generator" if ordered else "generator_unordered") as (work, deaths):
            found = work(call(each) for each in takewhile(lambda _: not ended.is_set(), items))
            try:
                yield map(_opened, found)
            except BaseException as error:
                found.throw(error)  # which ends the calls
                raise
            ended.set()
            for _ in found:  # a few under way
                pass
    except deaths as error:
        raise WorkerDied from error


def _call(
    function: Callable[[_Item, Progress], _Result], progress: Progress, item: _Item
) -> _Result:
    """In one thread: processes do not fight, and rounding does not depend on how many there are."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        return function(item, progress)


@dataclass(frozen=True)
class _Raised:
    """The exception of a call, with what was done when it was raised."""

    error: BaseException
    trace: str


def _contained(function: Callable[[_Item, Progress], _Result], item: _Item) -> _Result | _Raised:
    """In another process. joblib would raise an exception before it hands out earlier results."""
    try:
        return _call(function, silent, item)
    except BaseException as error:
        return _Raised(error, traceback.format_exc())


def _opened(result: _Result | _Raised) -> _Result:
    if isinstance(result, _Raised):
        result.error.add_note(f"In another process:\n{result.trace}")
        raise result.error
    return result


_Started: TypeAlias = tuple[Callable[[Iterable[Any]], Generator[Any, None, None]], _Deaths]
"""What makes results of joblib's delayed calls, and the exceptions that say that a process died."""


@contextmanager
def _loky(count: int | None, return_as: str) -> Iterator[_Started]:
    """Processes of this machine, which stay for the next calls for a while."""
    from concurrent.futures.process import BrokenProcessPool

    from joblib import Parallel

    work = Parallel(
        n_jobs=count or -1,
        batch_size=1,
        return_as=return_as,
        initializer=_begin,
        initargs=(os.getpid(),),
    )

    def run(calls: Iterable[Any]) -> Generator[Any, None, None]:
        with _interrupts_blocked():
            found: Generator[Any, None, None] = work(calls)  # which starts them
        return found

    with _environment(), warnings.catch_warnings():
        # A process that has grown is replaced, which is as it should be. Where warnings are errors,
        # loky's thread that does it would end by this one, and results be waited for for ever.
        warnings.filterwarnings("ignore", "A worker stopped while some jobs", UserWarning)
        yield run, (BrokenProcessPool,)


@contextmanager
def _dask(count: int | None, return_as: str) -> Iterator[_Started]:
    """The workers of a scheduler that dask is configured for, or some of this machine."""
    try:
        import dask
        from distributed import Client, LocalCluster
        from distributed.scheduler import KilledWorker
    except ImportError as error:
        raise _not_installed("dask", error) from None
    from joblib import cpu_count

    with ExitStack() as stack:
        if dask.config.get("scheduler-address", None):
            try:
                client = stack.enter_context(Client())
            except OSError as error:
                raise InputError("backend", f"dask: {error}; see DASK_SCHEDULER_ADDRESS") from None
        else:
            # By default the call is repeated three times where its worker died.
            stack.enter_context(dask.config.set({"distributed.scheduler.allowed-failures": 0}))
            with _environment(), _interrupts_blocked():
                cluster = stack.enter_context(
                    LocalCluster(
                        n_workers=count or cpu_count(),
                        threads_per_worker=1,
                        dashboard_address=None,
                        silence_logs=50,  # of workers that end
                    )
                )
            client = stack.enter_context(Client(cluster))
        workers = count or max(1, sum(client.ncores().values()))

        def submit(call: Callable[[], Any], done: Callable[[Any], None]) -> Any:
            future = client.submit(call, pure=False)
            future.add_done_callback(done)
            return future

        yield _through(submit, client.cancel, workers, return_as), (KilledWorker,)


@contextmanager
def _ray(count: int | None, return_as: str) -> Iterator[_Started]:
    """The cluster at RAY_ADDRESS, or one of this machine."""
    try:
        import ray
    except ImportError as error:
        raise _not_installed("ray", error) from None
    from joblib import cpu_count

    quiet = {"log_to_driver": False, "logging_level": "ERROR"}
    # It would send statistics of use to its makers, and announce what it will do about GPUs. Its
    # processes know of this one's path only the folder of the script.
    variables = {
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
    }
    with _environment(**variables), _interrupts_blocked():
        if "RAY_ADDRESS" in os.environ:
            try:
                ray.init(**quiet)
            except ConnectionError as error:
                raise InputError("backend", f"ray: {error}; see RAY_ADDRESS") from None
        else:
            ray.init(
                "local",  # though there may be one that was started on this machine
                num_cpus=count or cpu_count(),
                include_dashboard=False,
                object_store_memory=_OBJECTS,
                **quiet,
            )
    try:
        workers = count or int(ray.cluster_resources()["CPU"])
        remote = ray.remote(num_cpus=1, max_retries=0)(_made)
        running: WeakKeyDictionary[Any, Any] = WeakKeyDictionary()

        def submit(call: Callable[[], Any], done: Callable[[Any], None]) -> Any:
            reference = remote.remote(call)
            future = reference.future()
            running[future] = reference
            future.add_done_callback(done)
            return future

        def cancel(futures: list[Any]) -> None:
            for future in futures:
                ray.cancel(running[future], force=True)

        deaths = (ray.exceptions.WorkerCrashedError, ray.exceptions.OutOfMemoryError)
        yield _through(submit, cancel, workers, return_as), deaths
    finally:
        ray.shutdown()


def _made(call: Callable[[], Any]) -> Any:
    """In ray, which takes functions only."""
    return call()


def _not_installed(backend: str, error: ImportError) -> InputError:
    return InputError(
        "backend", f"{backend} is not installed: {error}; pip install 'isthmus[{backend}]'"
    )


def _through(
    submit: Callable[[Callable[[], Any], Callable[[Any], None]], Any],
    cancel: Callable[[list[Any]], None],
    count: int,
    return_as: str,
) -> Parallel:
    """joblib on futures of a cluster. Its own backend for dask waits for ever for a call whose
    worker died, and that of ray hands no result back before all are there."""
    from joblib import Parallel
    from joblib.parallel import ParallelBackendBase

    class Futures(ParallelBackendBase):  # type: ignore[misc]  # joblib is not typed
        supports_retrieve_callback = True

        def __init__(self) -> None:
            super().__init__()
            self.pending: WeakSet[Any] = WeakSet()  # joblib holds them until it has the results

        def effective_n_jobs(self, n_jobs: int) -> int:
            return max(2, n_jobs)  # of one joblib would make this process

        def submit(self, func: Callable[[], Any], callback: Callable[[Any], None]) -> Any:
            future = submit(func, callback)
            self.pending.add(future)
            return future

        def retrieve_result_callback(self, out: Any) -> Any:
            return out.result()

        def abort_everything(self, ensure_ready: bool = True) -> None:
            cancel(list(self.pending))

    return Parallel(n_jobs=count, backend=Futures(), batch_size=1, return_as=return_as)


@contextmanager
def _environment(**more: str) -> Iterator[None]:
    """Of processes that are started. They do not search the current folder for modules, where a
    `random.py` would be taken for Python's."""
    more["PYTHONSAFEPATH"] = "1"
    before = {name: os.environ.get(name) for name in more}
    os.environ.update(more)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextmanager
def _interrupts_blocked() -> Iterator[None]:
    """For processes that inherit it, from their first instruction on; here they are late."""
    from multiprocessing import resource_tracker

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
