"""Claims verified one after another or side by side, each reduced to its chapter of the report."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from time import perf_counter
from typing import Any

from joblib import delayed
from threadpoolctl import threadpool_limits

from numerics.report.chapters import Chapter, chapter, failure
from numerics.report.claim_files import ClaimFile
from numerics.report.sheets import modules_of
from theory.claims import Claim, verify
from theory.errors import Interrupted
from theory.own_file import described
from theory.processes import processes
from theory.types import Progress, silent

# Started first, in this order, so that no long one is left for the end.
_LONGEST = ("finite-width-sandwich", "region-interaction", "curves-above-barrier")


def verify_claims(
    claims: Sequence[Claim],
    folder: Path,
    *,
    jobs: int,
    progress: Progress,
    files: Mapping[str, ClaimFile] | None = None,
) -> Iterator[Chapter]:
    """The chapters of the claims, each as it is done; those that fail say how.

    folder: where the report will be. jobs: processes; with 1 all is done in this one. What is
    found does not depend on it. `progress` may raise Interrupted, which then leaves.
    files: where claims come from, by their ids, that are of no module.
    """
    ordered = sorted(claims, key=_rank)
    if jobs == 1:
        return _in_turn(ordered, folder, progress)
    return _side_by_side(ordered, folder, jobs, progress, files or {})


def _rank(claim: Claim) -> int:
    return _LONGEST.index(claim.id) if claim.id in _LONGEST else len(_LONGEST)


def _in_turn(claims: Sequence[Claim], folder: Path, progress: Progress) -> Iterator[Chapter]:
    for done, claim in enumerate(claims):
        where = f"{done} of {len(claims)} done, {claim.id}: "

        def tick(stage: str, count: int, where: str = where) -> None:
            progress(where + stage, count)

        yield _examine(claim, folder, tick)


def _side_by_side(
    claims: Sequence[Claim],
    folder: Path,
    jobs: int,
    progress: Progress,
    files: Mapping[str, ClaimFile],
) -> Iterator[Chapter]:
    left = {claim.id: claim for claim in claims}

    def tick() -> None:
        # Processes take claims in order.
        running = ", ".join(list(left)[:jobs])
        progress(f"running {running}; done of {len(claims)}", len(claims) - len(left))

    tick()
    tasks = (delayed(_alone)(claim.id, files.get(claim.id, claim), folder) for claim in claims)
    try:
        with processes(jobs) as work:
            for made in work(tasks):
                del left[made.id]
                yield made
                if left:
                    tick()
    except BrokenProcessPool:
        for claim in left.values():
            yield failure(claim, "a process died, perhaps for want of memory", 0.0)


def _alone(name: str, source: Claim | ClaimFile, folder: Path) -> Chapter:
    """In a process of its own, which the one that started it ends on Ctrl-C."""
    claim = source.claim(name) if isinstance(source, ClaimFile) else source
    return _examine(claim, folder, silent)


def _examine(claim: Claim, folder: Path, progress: Progress) -> Chapter:
    start = perf_counter()
    try:
        # One thread: processes do not fight, and rounding does not depend on how many there are.
        with threadpool_limits(1):
            modules_of(claim)  # where it may have registered training of its own
            return chapter(verify(claim, _train, progress), folder, start)
    except Interrupted:
        raise
    except (Exception, SystemExit) as error:
        return failure(claim, described(error), perf_counter() - start)


def _train(asked: Any, progress: Progress) -> Any:
    """Loads torch when a claim first trains."""
    from numerics.training.trainer import trainer

    return trainer(asked, progress)
