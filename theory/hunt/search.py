"""The search: instances in batches, on many cores, in the order of their indices.

What is found does not depend on the number of processes or on how often the hunt was broken off:
batches have fixed bounds, and their results are taken in order.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from pathlib import Path
from typing import TypeAlias

from theory.errors import InputError, Interrupted, Undecided, WorkerDied
from theory.hunt.conjecture import Conjecture, Document, Facts
from theory.hunt.instances import Drawn, Enumeration, Space, measure
from theory.hunt.shrink import shrink
from theory.parallel import ALONE, Jobs, results
from theory.problem import Problem
from theory.types import Progress, silent

Source: TypeAlias = Drawn | Enumeration


@dataclass(frozen=True)
class Find:
    """An instance that refutes the conjecture, with what it states."""

    index: int
    problem: Problem
    facts: Facts

    def to_json(self) -> Document:
        """The index, the problem and the facts."""
        return {
            "index": self.index,
            "problem": self.problem.to_json(),
            "facts": dict(self.facts),
        }

    @classmethod
    def from_json(cls, document: Document) -> Find:
        """The inverse of `to_json`."""
        problem = Problem.from_json(document["problem"])
        return cls(document["index"], problem, document["facts"])


@dataclass(frozen=True)
class Batch:
    """The results for the indices from start to stop, without the latter."""

    start: int
    stop: int
    tested: int
    undecided: int
    finds: tuple[Find, ...]


@dataclass(frozen=True)
class Hunt:
    """What a hunt came to.

    tested: instances decided exactly, in this run and before a resumption; undecided: others.
    indices: looked at, from 0. finds: in the order of their indices. seconds: of this run, in which
    `fresh` instances were decided. complete: whether the budget was used up, or the finds asked for
    are there; False after an interrupt.
    """

    conjecture: Conjecture
    source: Source
    finds: tuple[Find, ...] = ()
    tested: int = 0
    undecided: int = 0
    indices: int = 0
    fresh: int = 0
    seconds: float = 0.0
    complete: bool = False

    @property
    def rate(self) -> float:
        """Instances decided exactly in a second, in this run."""
        return self.fresh / self.seconds if self.seconds else 0.0

    @property
    def smallest(self) -> Find | None:
        """The smallest find, by `measure`."""
        return min(self.finds, key=lambda find: measure(find.problem), default=None)


@dataclass(frozen=True)
class Counterexample:
    """A find with its certificates by name.

    minimal: whether no single move makes it smaller; False after an interrupt.
    """

    conjecture: Conjecture
    problem: Problem
    facts: Facts
    minimal: bool
    certificates: dict[str, Document] = field(repr=False)

    def to_json(self) -> Document:
        """The problem, the facts and the certificates."""
        return {
            "problem": self.problem.to_json(),
            "facts": dict(self.facts),
            "minimal": self.minimal,
            "certificates": self.certificates,
        }


def hunt(
    conjecture: Conjecture,
    *,
    space: Space | None = None,
    enumerate_all: bool = False,
    seed: int = 0,
    instances: int | None = None,
    seconds: float | None = None,
    finds: int = 1,
    jobs: Jobs = ALONE,
    journal: Path | None = None,
    progress: Progress = silent,
) -> Hunt:
    """Look for instances that refute the conjecture, until so many `finds` are there.

    space: by default that of the conjecture. enumerate_all: every instance up to symmetry in place
    of random ones, from `seed`. instances, seconds: the budget, of indices looked at and of time.
    jobs: batches at a time.
    journal: a file that keeps what is done, from which the same hunt goes on.
    `progress` may raise Interrupted: what is found by then is returned.
    Raises InputError for a journal of another hunt, and where the conjecture's test fails.
    """
    where = conjecture.space if space is None else space
    source: Source = Enumeration(where) if enumerate_all else Drawn(where, seed, conjecture.planted)
    limits = [limit for limit in (instances, source.count) if limit is not None]
    record = _Journal(journal, conjecture, source)
    started = time.perf_counter()
    done = _Totals(conjecture, source, finds)
    complete = True
    try:
        for batch in record.batches:
            if done.enough:
                break
            # Runs with other budgets may have left batches that overlap.
            if batch.start == done.indices and batch.stop <= min(limits, default=batch.stop):
                done.add(batch)
        fresh = done.tested
        ranges = _ranges(done.indices, conjecture.batch, min(limits) if limits else None)
        with results(partial(_look, conjecture, source), ranges, jobs) as batches:
            while not done.enough:
                progress(_stage(done, time.perf_counter() - started, fresh), done.indices)
                if seconds is not None and time.perf_counter() - started >= seconds:
                    break
                fetched = next(batches, None)
                if fetched is None:
                    break
                record.write(fetched)
                done.add(fetched)
    except Interrupted:
        complete = False
    except WorkerDied:
        raise InputError(
            conjecture.name,
            f"the test ended its process on an instance from index {done.indices} on, or there was "
            "not enough memory for so many jobs",
        ) from None
    return Hunt(
        conjecture,
        source,
        finds=tuple(done.finds),
        tested=done.tested,
        undecided=done.undecided,
        indices=done.indices,
        fresh=done.tested - fresh,
        seconds=time.perf_counter() - started,
        complete=complete,
    )


def minimal(found: Hunt, *, progress: Progress = silent) -> Counterexample | None:
    """The smallest find, shrunk and proved; None where there is no find.

    `progress` may raise Interrupted, which ends the shrinking: what it came to is proved. The find
    of a hunt that was interrupted is proved as it is.
    """
    smallest = found.smallest
    if smallest is None:
        return None
    conjecture = found.conjecture
    problem, facts, least = smallest.problem, smallest.facts, False
    if found.complete:
        problem, facts, least = shrink(
            conjecture, problem, facts, found.source.space, progress=progress
        )
    return Counterexample(conjecture, problem, facts, least, conjecture.proofs(problem, facts))


class _Totals:
    """The batches so far, added up."""

    def __init__(self, conjecture: Conjecture, source: Source, wanted: int) -> None:
        self.finds: list[Find] = []
        self.tested = self.undecided = self.indices = 0
        self._wanted = wanted

    @property
    def enough(self) -> bool:
        return len(self.finds) >= self._wanted

    def add(self, batch: Batch) -> None:
        self.finds += batch.finds
        self.tested += batch.tested
        self.undecided += batch.undecided
        self.indices = batch.stop


def _stage(done: _Totals, seconds: float, before: int) -> str:
    rate = (done.tested - before) / seconds if seconds else 0.0
    return f"{len(done.finds)} found, {rate:.3g} instances/s, looked at"


def _ranges(start: int, step: int, stop: int | None) -> Iterator[tuple[int, int]]:
    for first in count(start, step):
        if stop is not None and first >= stop:
            return
        yield first, first + step if stop is None else min(stop, first + step)


def _look(
    conjecture: Conjecture, source: Source, bounds: tuple[int, int], progress: Progress
) -> Batch:
    """One batch, in any process."""
    start, stop = bounds
    tested = undecided = 0
    finds = []
    for index in range(start, stop):
        problem = source(index)
        if problem is None:
            continue
        try:
            facts = conjecture.decide(problem)
        except Undecided:
            undecided += 1
            continue
        tested += 1
        if facts is not None:
            finds.append(Find(index, problem, facts))
    return Batch(start, stop, tested, undecided, tuple(finds))


class _Journal:
    """A file of JSON lines: what the hunt is, then each finished batch, appended whole.

    A last line that was cut off is not counted, and what follows is written over it. A file that
    is no journal of this hunt is left as it is.
    """

    def __init__(self, path: Path | None, conjecture: Conjecture, source: Source) -> None:
        self.path = path
        self.batches: list[Batch] = []
        if path is None:
            return
        head = {
            "hunt": conjecture.name,
            "statement": conjecture.statement,
            "source": type(source).__name__.lower(),
            "space": source.space.to_json(),
            "seed": source.seed if isinstance(source, Drawn) else None,
            "batch": conjecture.batch,
        }
        first = json.dumps(head)
        try:
            text = path.read_text(encoding="utf-8") if path.exists() else ""
            if first.startswith(text):  # new, or cut off in its first line
                path.write_text(first + "\n", encoding="utf-8")
                return
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(str(path), f"cannot be used as a journal: {error}") from None
        whole = text[: text.rfind("\n") + 1]
        try:
            if json.loads(text.partition("\n")[0]) != head:
                raise InputError(
                    str(path), "is the journal of another hunt; name another file to start anew"
                )
            self.batches = [_batch_of(json.loads(line)) for line in whole.splitlines()[1:]]
        except (ValueError, KeyError, TypeError) as error:
            if isinstance(error, InputError):
                raise
            raise InputError(
                str(path), f"is not the journal of a hunt; name another file ({error})"
            ) from None
        if whole != text:
            os.truncate(path, len(whole.encode()))

    def write(self, batch: Batch) -> None:
        """Append a batch that is not there yet."""
        if self.path is not None:
            line = {
                "from": batch.start,
                "to": batch.stop,
                "tested": batch.tested,
                "undecided": batch.undecided,
                "finds": [find.to_json() for find in batch.finds],
            }
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")


def _batch_of(line: Document) -> Batch:
    finds = tuple(map(Find.from_json, line["finds"]))
    return Batch(line["from"], line["to"], line["tested"], line["undecided"], finds)
