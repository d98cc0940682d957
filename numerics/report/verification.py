"""Claims verified one after another or side by side, each reduced to its chapter of the report."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

from numerics.report.chapters import Chapter, chapter, failure, undecided
from numerics.report.claim_files import ClaimFile
from numerics.report.sheets import modules_of
from numerics.report.theorems import theorems
from theory.claims import Claim, verify
from theory.errors import Interrupted, Undecided, WorkerDied
from theory.own_file import described
from theory.parallel import ALONE, Jobs, results
from theory.types import Progress

# Started first, in this order, so that no long one is left for the end.
_LONGEST = ("finite-width-sandwich", "region-interaction", "curves-above-barrier")


def verify_claims(
    claims: Sequence[Claim],
    folder: Path,
    *,
    jobs: Jobs = ALONE,
    progress: Progress,
    files: Mapping[str, ClaimFile] | None = None,
    quick: bool = False,
) -> Iterator[Chapter]:
    """The chapters of the claims, each as it is done; those that fail say how.

    folder: where the report will be. jobs: claims at a time; what is found does not depend on it.
    `progress` may raise Interrupted, which then leaves.
    files: where claims come from, by their ids, that are of no module. quick: whether the claims
    are in their quick form.
    """
    left = {claim.id: claim for claim in sorted(claims, key=_rank)}

    def tick(stage: str, count: int) -> None:
        """Of the one claim that this process is at."""
        progress(
            f"{len(claims) - len(left)} of {len(claims)} done, {next(iter(left))}: {stage}", count
        )

    def tell() -> None:
        """Of those that other processes are at, which take them in order."""
        if left and not jobs.alone:
            running = ", ".join(list(left)[: jobs.cores])
            progress(f"running {running}; done of {len(claims)}", len(claims) - len(left))

    known = files or {}
    sources = [known.get(claim.id, claim) for claim in left.values()]
    tell()
    try:
        work = partial(_examine, folder, ["--quick"] if quick else [])
        with results(
            work, zip(list(left), sources, strict=True), jobs, progress=tick, ordered=False
        ) as done:
            for made in done:
                del left[made.id]
                yield made
                tell()
    except WorkerDied as error:
        for claim in left.values():
            yield failure(claim, str(error), 0.0)


def _rank(claim: Claim) -> int:
    return _LONGEST.index(claim.id) if claim.id in _LONGEST else len(_LONGEST)


def _examine(
    folder: Path,
    options: Sequence[str],
    named: tuple[str, Claim | ClaimFile],
    progress: Progress,
) -> Chapter:
    start = perf_counter()
    name, source = named
    claim = source.claim(name) if isinstance(source, ClaimFile) else source
    try:
        modules_of(claim)  # where it may have registered training of its own
        result = verify(claim, _train, progress)
        at = str(source.file.path) if isinstance(source, ClaimFile) else name
        again = ["isthmus", "verify", at, *options]
        return chapter(result, folder, start, theorems(result, progress), again=again)
    except Interrupted:
        raise
    except Undecided as error:
        if claim.recorded is not None:
            return failure(claim, described(error), perf_counter() - start)
        return undecided(claim, str(error), perf_counter() - start)
    except (Exception, SystemExit) as error:
        return failure(claim, described(error), perf_counter() - start)


def _train(asked: Any, progress: Progress) -> Any:
    """Loads torch when a claim first trains."""
    from numerics.training.trainer import trainer

    return trainer(asked, progress)
