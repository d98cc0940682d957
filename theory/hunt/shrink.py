"""Shrinking a find: Hypothesis makes it as small as it can, single moves do the rest."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

from theory.errors import Interrupted, Undecided
from theory.hunt.conjecture import Conjecture, Facts
from theory.hunt.instances import Rows, Space, canonical, measure, problem_of, rows_of, smaller
from theory.problem import Problem
from theory.types import Progress, silent


def shrink(
    conjecture: Conjecture,
    problem: Problem,
    facts: Facts,
    space: Space,
    *,
    progress: Progress = silent,
) -> tuple[Problem, Facts, bool]:
    """A smaller instance that refutes the conjecture too, with its facts, and whether no single
    move makes it smaller: False after an interrupt.

    First by the moves of `smaller`, as far as they go. Hypothesis then tries changes of several
    numbers at once, and the moves are tried again, so that none of them makes the result smaller.
    It is a local minimum: a smaller instance that no move leads to may exist. Of those that are the
    same up to symmetry it is the largest, which has few signs.
    `progress` may raise Interrupted: the smallest instance so far is returned.
    """
    trials = _Trials(conjecture, problem, facts, progress)
    try:
        _descend(trials, space)
        _with_hypothesis(trials, space)
        _descend(trials, space)
    except Interrupted:
        return trials.problem, trials.facts, False
    named = problem_of(canonical(rows_of(trials.problem)), trials.problem.width or 0)
    with suppress(Undecided):
        again = conjecture.decide(named)
        if again is not None:  # somebody's own conjecture need not have the symmetry
            return named, again, True
    return trials.problem, trials.facts, True


class _Trials:
    """Tests, each made once, and the smallest instance that refutes so far."""

    def __init__(
        self, conjecture: Conjecture, problem: Problem, facts: Facts, progress: Progress
    ) -> None:
        self.problem, self.facts = problem, facts
        self._conjecture = conjecture
        self._progress = progress
        self._known: dict[tuple[Rows, int], bool] = {}

    def refutes(self, problem: Problem) -> bool:
        """Whether an instance refutes the conjecture for certain."""
        key = (rows_of(problem), problem.width or 0)
        if key not in self._known:
            self._progress("shrinking, smaller instances tried", len(self._known))
            try:
                facts = self._conjecture.decide(problem)
            except Undecided:
                facts = None
            self._known[key] = facts is not None
            if facts is not None and measure(problem) < measure(self.problem):
                self.problem, self.facts = problem, facts
        return self._known[key]


def _descend(trials: _Trials, space: Space) -> None:
    while any(trials.refutes(candidate) for candidate in smaller(trials.problem, space)):
        pass


def _with_hypothesis(trials: _Trials, space: Space) -> None:
    """Hypothesis's shrinker, started at the smallest instance so far.

    It replays what its database holds before anything else: here the numbers of that instance, in
    the order in which the strategy draws them.
    """
    from hypothesis import HealthCheck, Phase, Verbosity, given, seed, settings
    from hypothesis import strategies as st
    from hypothesis.database import ExampleDatabase, choices_to_bytes

    start = trials.problem
    rows, width = rows_of(start), start.width or 0
    top = max(abs(v) for row in rows for v in row)
    sizes = (start.n, start.d, width)
    least = (space.n[0], space.d[0], space.width[0])
    free = [low < size for low, size in zip(least, sizes, strict=True)]
    # Of what can only be one number Hypothesis makes no choice.
    chosen = [size for size, can in zip(sizes, free, strict=True) if can]
    numbers = choices_to_bytes((*chosen, *(v for row in rows for v in row)))

    class Start(ExampleDatabase):
        def fetch(self, key: bytes) -> Iterable[bytes]:
            # Under the other keys are failures that it takes to be small already.
            return [numbers] if key.endswith(b".secondary") else []

        def save(self, key: bytes, value: bytes) -> None:
            pass

        def delete(self, key: bytes, value: bytes) -> None:
            pass

    @st.composite
    def instances(draw: st.DrawFn) -> Problem | None:
        n, d, m = (
            draw(st.integers(low, size)) if can else size
            for low, size, can in zip(least, sizes, free, strict=True)
        )
        entry = st.integers(-top, top)
        drawn = tuple(tuple(draw(entry) for _ in range(d + 1)) for _ in range(n))
        usable = all(any(row[:-1]) for row in drawn) and any(row[-1] for row in drawn)
        return problem_of(drawn, m) if usable else None

    @settings(
        database=Start(),
        derandomize=False,  # the seed below does that, and a database can be used
        phases=[Phase.reuse, Phase.shrink],
        deadline=None,
        print_blob=False,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
        verbosity=Verbosity.quiet,
    )
    @seed(0)
    @given(instances())
    def none_refutes(problem: Problem | None) -> None:
        try:
            refuted = problem is not None and trials.refutes(problem)
        except Interrupted:
            raise _Stopped from None
        if refuted:
            raise _Refuted

    try:
        with suppress(_Refuted):
            none_refutes()
    except _Stopped:
        raise Interrupted from None


class _Refuted(Exception):
    """For Hypothesis, which makes failures small."""


class _Stopped(BaseException):
    """For Hypothesis, which takes any Exception for a failure and runs the test again."""
