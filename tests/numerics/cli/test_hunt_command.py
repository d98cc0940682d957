"""`isthmus hunt`: JSON, exit codes, files of one's own, good and bad input, Ctrl-C."""

from __future__ import annotations

import json
import os
import re
import signal
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from command import kill, run, run_json, said, started, wait_until

from numerics.cli import main
from theory.certificates.checker import check
from theory.hunt import CONJECTURES
from theory.hunt.atlas import entries
from theory.problem import Problem

SMALL = ("--n", 4, "--d", 2, "--entries", 3, "--jobs", 1)
QUICK = ("hunt", "disconnected-at-width", "--width", 2, *SMALL)
MANY = ("--instances", 320, "--finds", 99)


@pytest.fixture(scope="module")
def whole() -> dict[str, Any]:
    """What a search in one go prints."""
    with redirect_stdout(StringIO()) as out, redirect_stderr(StringIO()) as err:
        assert main(list(map(str, (*QUICK, *MANY, "--json", "-")))) == 0
    assert said(err.getvalue()) == ""
    return json.loads(out.getvalue())


def test_json_contract(whole: dict[str, Any]) -> None:
    document = whole
    assert document["conjecture"] == "disconnected-at-width"
    searched = document["searched"]
    assert searched["space"] == {"n": [4, 4], "d": [2, 2], "width": [2, 2], "entries": 3}
    assert (searched["seed"], searched["enumerated"]) == (0, False)
    assert searched["indices"] == searched["tested"] == MANY[1]
    assert searched["found"] > 1
    assert searched["rate"] > 0
    assert document["complete"]
    assert document["minimal"]
    problem = Problem.from_json(document["problem"])
    verdict = check(document["certificates"]["landscape"], problem)
    assert f"{document['facts']['components']} components" in verdict.statement
    assert document["command"][:3] == ["isthmus", "hunt", "disconnected-at-width"]
    assert "numpy" in document["versions"]


def test_nothing_found(capsys: pytest.CaptureFixture[str]) -> None:
    document = run_json(
        capsys, "hunt", "disconnected-at-width", "--enumerate", "--n", 1, "--d", 1, "--width", 2,
        "--entries", 1, "--jobs", 1,
    )  # fmt: skip
    assert document["problem"] is None
    assert document["searched"]["found"] == 0
    assert document["searched"]["tested"] == 1
    assert document["complete"]


def test_table_proof_and_picture(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    proof, picture = tmp_path / "proof.json", tmp_path / "picture.svg"
    code, out, err = run(
        capsys, *QUICK, "--instances", 64, "--certificate", proof, "--plot", picture
    )
    assert (code, err) == (0, "")
    assert "conjecture: exact fits of one width are connected" in out
    assert re.search(r"^\d+ found among 64 instances", out, re.MULTILINE)
    assert "no single move makes it smaller" in out
    assert f"proof: {proof}" in out
    assert run(capsys, "check", proof)[0] == 0
    assert picture.read_text().startswith("<?xml")


def test_several_proofs_get_files_of_their_own(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    code, _, _ = run(
        capsys, "hunt", "sharp-extra-neurons", "--enumerate", "--n", 2, "--jobs", 1,
        "--certificate", tmp_path / "proof.json",
    )  # fmt: skip
    assert code == 0
    assert sorted(os.listdir(tmp_path)) == ["proof-enough.json", "proof-too-few.json"]
    for name in os.listdir(tmp_path):
        assert run(capsys, "check", tmp_path / name)[0] == 0


def test_options_of_a_conjecture(capsys: pytest.CaptureFixture[str]) -> None:
    options = ("--set", "first=muon", "--set", "second=lion", "--instances", 16)
    document = run_json(capsys, "hunt", "separation", *SMALL, *options)
    assert document["options"] == {"first": "muon", "second": "lion"}
    assert document["statement"].startswith("muon and lion reach the same component")


def test_resuming(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, whole: dict[str, Any]
) -> None:
    journal = tmp_path / "journal.jsonl"
    first = run_json(capsys, *QUICK, *MANY, "--instances", 160, "--journal", journal)
    second = run_json(capsys, *QUICK, *MANY, "--journal", journal)
    assert first["searched"]["tested"] == 160
    at_once = {**whole, "searched": dict(whole["searched"])}
    for document in (second, at_once):
        for name in ("seconds", "rate"):
            del document["searched"][name]
        del document["command"]
    assert second == at_once


def test_lists(capsys: pytest.CaptureFixture[str]) -> None:
    document = run_json(capsys, "hunt")
    assert [each["name"] for each in document["conjectures"]] == list(CONJECTURES)
    assert document["conjectures"][0]["options"]["second"] == "muon"
    code, out, err = run(capsys, "hunt")
    assert (code, err) == (0, "")
    assert "separation" in out
    assert "second=muon" in out


def test_the_atlas(capsys: pytest.CaptureFixture[str]) -> None:
    document = run_json(capsys, "hunt", "--atlas")
    assert [each["name"] for each in document["atlas"]] == list(entries())
    code, out, err = run(capsys, "hunt", "--atlas")
    assert (code, err) == (0, "")
    assert len(entries()) >= 10
    assert "monotone-adamw" in out


INTERRUPTING = """
import os, signal
calls = 0
def holds(problem):
    global calls
    calls += 1
    if calls == {calls}:
        os.kill(os.getpid(), signal.SIGINT)
    return problem.n < 3
"""


@pytest.mark.parametrize(("calls", "minimal"), [(5, None), (40, False)])
def test_control_c_prints_what_is_known(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, calls: int, minimal: bool | None
) -> None:
    """In the search, and while shrinking."""
    path = tmp_path / "mine.py"
    path.write_text(INTERRUPTING.format(calls=calls))
    before = signal.getsignal(signal.SIGINT)
    code, out, err = run(
        capsys, "hunt", path, "--jobs", 1, "--finds", 1 if minimal is False else 10**6,
        "--n", "1-4", "--instances", 32 if minimal is False else 10**6, "--json", "-",
    )  # fmt: skip
    assert code == 3
    assert err == "isthmus: interrupted\n"
    assert signal.getsignal(signal.SIGINT) is before
    document = json.loads(out)
    assert document["searched"]["tested"] == 16
    assert document["searched"]["found"] > 0
    assert Problem.from_json(document["problem"]).n >= 3
    if minimal is False:
        assert not document["minimal"]
    else:
        assert not document["complete"]


WAITING = """
import os, random, time
from pathlib import Path
from beside import most
def holds(problem):
    Path(f"pid-{os.getpid()}").touch()
    if problem.n == 4:
        Path(f"waiting-{os.getpid()}").touch()
        while True:
            time.sleep(0.01)
    return problem.n <= most
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the command runs: with a module beside the file, and some that must hide none."""
    for name in ("random", "theory", "numpy"):
        (tmp_path / f"{name}.py").write_text("raise ImportError('the wrong one')")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "beside.py").write_text("most = 2")
    (tmp_path / "sub" / "mine.py").write_text(WAITING)
    return tmp_path


def pids(folder: Path, what: str = "pid") -> set[int]:
    return {int(path.name.partition("-")[2]) for path in folder.glob(f"{what}-*")}


@pytest.mark.parametrize("jobs", [1, 2])
def test_control_c_does_not_wait_for_an_instance(folder: Path, jobs: int) -> None:
    """As a terminal sends it, to all processes."""
    process = started(
        "hunt", "sub/mine.py", "--jobs", jobs, "--enumerate", "--n", "1-4", "--d", 1, "--width", 1,
        "--entries", 1, "--finds", 10**6, "--json", "-", folder=folder,
    )  # fmt: skip
    wait_until(lambda: len(pids(folder, "waiting")) == jobs, process)
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate()
    assert (process.returncode, said(err)) == (3, "isthmus: interrupted\n")
    document = json.loads(out)
    assert not document["complete"]
    assert document["searched"]["found"] > 0
    assert len(document["problem"]["y"]) == 3


def test_processes_end_with_the_one_that_started_them(folder: Path) -> None:
    process = started("hunt", "sub/mine.py", "--jobs", 2, "--n", 4, folder=folder)
    wait_until(lambda: len(pids(folder, "waiting")) == 2, process)
    kill(process, pids(folder))


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="has no affinity")
def test_one_process_for_each_core_that_may_be_used(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "mine.py"
    path.write_text(f"most = 2\n{WAITING}".replace("from beside import most\n", ""))
    monkeypatch.chdir(tmp_path)
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    try:
        code, _, err = run(capsys, "hunt", path, "--n", 3, "--instances", 64)
    finally:
        os.sched_setaffinity(0, before)
    assert (code, err) == (0, "")
    assert pids(tmp_path) == {os.getpid()}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("nosuch", "nosuch: is neither a file nor a shipped conjecture"),
        ("nosuch.py", "nosuch.py: cannot be read"),
        ("separation --set first", "set: 'first' must be OPTION=VALUE"),
        ("separation --set third=ngd", "third: is no option of separation"),
        ("separation --n 4-2", "n: 4 to 2 must go from 1 or more upwards"),
        ("separation --n few", "n: 'few' must be a number such as 3"),
        ("separation --entries 0", "entries: 0 must be at least 1"),
        ("separation --instances 0", "instances: 0 must be at least 1"),
        ("separation --finds 0", "finds: 0 must be at least 1"),
        ("separation --time-budget soon", "Invalid value for '--time-budget': 'soon' must be"),
        ("separation --seed -1", "seed: -1 must not be negative"),
        ("separation --jobs 0", "jobs: 0 must be at least 1"),
        ("separation --backend threads", "backend: 'threads' is not one of"),
        ("separation --plot picture.txt", "picture.txt: must end in"),
        ("separation --journal nosuch/journal", "nosuch/journal: cannot be used as a journal"),
    ],
)
def test_wrong_input(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: str,
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, err = run(capsys, "hunt", *arguments.split())
    assert (code, out) == (2, "")
    assert err.startswith(f"isthmus: {message}")
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = 1", "must state one function holds(problem) or refute(problem)"),
        ("def holds(problem):\n    return problem.nosuch", "line 2: AttributeError: "),
        ("def holds(problem):\n    pass", "holds returns None; it must return True where"),
        ("def refute(problem):\n    return True", "refute returns True; it must return None where"),
        ("import sys\nsys.exit(1)", "mine.py: line 2: SystemExit: 1"),
        ("import sys\ndef holds(problem):\n    sys.exit(1)", "line 3: SystemExit: 1"),
    ],
)
def test_wrong_files(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, text: str, message: str
) -> None:
    path = tmp_path / "mine.py"
    path.write_text(text)
    # What is met in the search ends the processes: two kinds of it are enough with several.
    for jobs in (1,) if "returns" in message else (1, 2):
        code, out, err = run(capsys, "hunt", path, "--jobs", jobs, "--instances", 16)
        assert (code, out) == (2, "")
        assert message in err
        assert err.count("\n") == 1


def test_a_file_that_is_no_journal_is_left_alone(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "h.txt"
    path.write_text("hello")
    code, out, err = run(capsys, "hunt", "separation", "--journal", path, "--time-budget", 1)
    assert (code, out) == (2, "")
    assert err.startswith(f"isthmus: {path}: is not the journal of a hunt; name another file")
    assert path.read_text() == "hello"


def test_a_file_has_no_options(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text("def holds(problem):\n    return True\n")
    code, _, err = run(capsys, "hunt", path, "--set", "a=b")
    assert (code, err) == (2, "isthmus: set: a conjecture from a file has no options\n")
