"""One run of a command: what stops its work is said, kept, and decides the exit code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from numerics.cli import options
from numerics.cli.output import EXIT_DONE, EXIT_FALSE, EXIT_UNDECIDED
from numerics.cli.task import Task
from theory.certificates.checker import check
from theory.errors import BudgetError, InputError, Interrupted, SolverFailure, Undecided
from theory.landscape import analyse
from theory.loading import example

STOPS = [
    (BudgetError("cells", 9, 2, "max_cells"), "cells: 9 needed, the limit is 2", {}),
    (Interrupted("it is at most 1"), "interrupted; it is at most 1", {"known": "it is at most 1"}),
    (Interrupted(), "interrupted", {}),
    (Undecided("too near"), "not decided: too near", {}),
    (SolverFailure(["infeasible"]), "no convex solver succeeded", {}),
]


@pytest.mark.parametrize(("stop", "said", "known"), STOPS)
def test_what_stops_the_work_is_said_and_kept(
    capsys: pytest.CaptureFixture[str],
    stop: BudgetError | Interrupted | Undecided | SolverFailure,
    said: str,
    known: dict[str, str],
) -> None:
    task = Task(["toy"], [], json="-")
    with task.working():
        raise stop
    code = task.finish({"value": None}, lambda: print("a table"))
    out, err = capsys.readouterr()
    assert err.startswith(f"isthmus: {said}")
    assert err.count("\n") == 1
    assert code == EXIT_UNDECIDED
    assert task.known == known
    assert task.reason in err
    assert json.loads(out)["command"] == ["isthmus", "toy"]  # and no table beside the JSON


def test_other_errors_leave() -> None:
    task = Task(None, [], json=None)
    with pytest.raises(InputError, match="rho"), task.working():
        raise InputError("rho", "is wrong")


def test_work_that_ends_forgets_what_stopped_the_work_before() -> None:
    task = Task(None, [], json=None)
    with task.working(what="first"):
        raise Undecided("too near")
    assert task.reason == "too near"
    with task.working(what="second") as report:
        report("stage", 1)
    assert task.reason == ""
    assert task.finish({}, None) == EXIT_DONE
    assert task.finish({}, None, code=EXIT_FALSE) == EXIT_FALSE


def test_the_proof_is_written_below_what_is_shown(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    proof, problem = tmp_path / "proof.json", example("flagship")
    task = Task(None, ["flagship"], json=None, certificate=proof)
    task.finish({}, lambda: print("a table"), proved=analyse(problem, 2))
    assert capsys.readouterr().out == f"a table\nproof: {proof}\n"
    check(json.loads(proof.read_text()), problem)


@given(st.dictionaries(st.sampled_from("abc"), st.none() | st.integers()))
def test_what_is_not_given_keeps_its_default(values: dict[str, int | None]) -> None:
    defaults = dict.fromkeys("abc", "default")
    filled = defaults | options.given(**values)
    assert all(
        filled[name] == ("default" if values.get(name) is None else values[name])
        for name in defaults
    )
