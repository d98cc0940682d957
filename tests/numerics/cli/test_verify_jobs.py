"""`isthmus verify` with several processes, claims from files, failures, interrupts, `--quick`."""

from __future__ import annotations

import json
import os
import re
import signal
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from command import kill, run, said, started, wait_until
from gpt2_second import second

from numerics.files import MANIFEST
from numerics.report.claim_files import ClaimFile
from numerics.report.verification import verify_claims
from theory.certificates.checker import check_file
from theory.claims import CLAIMS
from theory.claims.gpt2_protocol import RECORDED, digest, protocol
from theory.own_file import OwnFile
from theory.parallel import Jobs, results
from theory.problem import Problem

PAGE = Path(__file__).parents[3] / "docs" / "your-own-claim.md"

PLAIN = """
from theory.claims import Claim, Observation, Prediction

class Equal(Claim):
    statement = "Equal."
    hypotheses = ()
    source = "here"
    observed = 1

    def __init__(self, id="equal"):
        self.name = id

    @property
    def id(self):
        return self.name

    def predict(self, progress):
        return Prediction({"one": 1})

    def observe(self, prediction, train, progress):
        return Observation({"one": self.observed})
"""

SMALL = """
from theory.claims import FiniteWidthSandwich, SmallWidthSeparation
from theory.claims.finite_width_sandwich import _TIGHT

class Trained(SmallWidthSeparation):
    id = "trained"  # without the pictures of that claim, which take most of its time

conic = FiniteWidthSandwich(_TIGHT[-1:], searched=0)  # in Muon's ball
trained = Trained(seeds=32, steps=2000)
"""


def claims_of(path: Path) -> list[Any]:
    return list(json.loads(path.read_text())["claims"])


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the command runs; what files add to the search path goes again."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    return tmp_path


# Processes


def test_results_do_not_depend_on_the_number_of_jobs_or_who_runs_them(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Training, a conic solver, exact landscapes and pictures; a claim of a file beside a shipped
    one, which is refuted."""
    (folder / "mine.py").write_text(f"{PLAIN}{SMALL}")
    names = ("gpt2-cross-transition", "mine.py")
    clusters = [name for name in ("dask", "ray") if find_spec(name) is not None]  # optional extras
    found: list[list[Any]] = []
    for jobs, backend in ((1, "loky"), (2, "loky"), *((2, name) for name in clusters)):
        options = ("--jobs", jobs, "--backend", backend, "--json", "record")
        code, out, err = run(capsys, "verify", *names, *options)
        assert (code, said(err)) == (0, "")
        assert "gpt2-cross-transition refuted, as recorded\n" in out
        claims = claims_of(folder / "record")
        page = (folder / "report" / "part" / "index.html").read_text().split("<footer>")[0]
        assert "<svg" in page
        for claim in claims:
            assert claim.pop("seconds") >= 0
        found.append([*claims, page])
    refuted, *others = found[0][:-1]
    assert (refuted["id"], refuted["holds"], refuted["recorded"]) == (names[0], False, False)
    assert [claim["id"] for claim in others] == ["finite-width-sandwich", "trained", "equal"]
    assert [runs["runs"] for runs in others[1]["training"]] == [32] * 3
    assert all(each == found[0] for each in found)
    refuted_ids = {each.id for each in CLAIMS.values() if each.recorded is False}
    assert refuted_ids == {names[0], *(name for name, holds in RECORDED.items() if not holds)}


@pytest.mark.parametrize("jobs", [1, 2])
def test_one_that_fails_does_not_lose_the_others(
    folder: Path, capsys: pytest.CaptureFixture[str], jobs: int
) -> None:
    lines = [
        PLAIN,
        "class Failing(Equal):",
        "    def observe(self, prediction, train, progress):",
        "        raise ZeroDivisionError('by\\nnothing')",
        "good, bad, other = Equal('good'), Failing('bad'), Equal('other')",
    ]
    (folder / "mine.py").write_text("\n".join(lines))
    code, out, err = run(capsys, "verify", "mine.py", "--jobs", jobs, "--json", "record")
    line = 1 + (folder / "mine.py").read_text().splitlines().index(lines[3])
    said = f"line {line}: ZeroDivisionError: by nothing"
    assert (code, err) == (2, f"isthmus: mine.py: bad failed: {said}\n")
    assert f"bad failed: {said}\n" in out
    assert "good holds" in out
    assert "other holds" in out
    good, bad, other = claims_of(folder / "record")
    assert good["holds"] is other["holds"] is True
    assert (bad["holds"], bad["error"]) == (False, said)
    page = (folder / "report" / "part" / "index.html").read_text()
    assert "ZeroDivisionError: by nothing" in page
    assert '<span class="false">failed</span>' in page


def test_the_longest_start_first(folder: Path) -> None:
    ids = ("width-profile", "curves-above-barrier", "staircase", "finite-width-sandwich")
    (folder / "mine.py").write_text(f"{PLAIN}\nmade = a, b, c, d = [*map(Equal, {ids})]")
    claims = ClaimFile(OwnFile.read(folder / "mine.py")).claims()
    assert [claim.id for claim in claims] == list(ids)
    done = verify_claims(claims, folder, progress=lambda stage, count: None)
    assert [chapter.id for chapter in done] == [ids[3], ids[1], ids[0], ids[2]]


def test_a_false_claim_beside_one_that_fails(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = [
        PLAIN,
        "class Wrong(Equal):",
        "    observed = 2",
        "class Failing(Equal):",
        "    def predict(self, progress):",
        "        raise SystemExit",
        "wrong, failing = Wrong('wrong'), Failing('failing')",
    ]
    (folder / "mine.py").write_text("\n".join(lines))
    line = 1 + (folder / "mine.py").read_text().splitlines().index(lines[5])
    code, out, err = run(capsys, "verify", "mine.py")
    assert (code, err) == (1, f"isthmus: mine.py: failing failed: line {line}: SystemExit:\n")
    assert "wrong is FALSE" in out


@pytest.mark.parametrize(
    ("method", "said"),
    [
        ("predict", "predict: returns None; that must be of type Prediction"),
        ("observe", "observe: returns None; that must be of type Observation"),
        ("compare", "compare: returns None; that must be of type bool"),
    ],
)
def test_what_a_claim_returns_is_checked(
    folder: Path, capsys: pytest.CaptureFixture[str], method: str, said: str
) -> None:
    lines = [PLAIN, "class Own(Equal):", f"    def {method}(self, *arguments):", "        pass"]
    (folder / "mine.py").write_text("\n".join([*lines, "own = Own('own')", "del Equal"]))
    code, _, err = run(capsys, "verify", "mine.py")
    assert (code, err) == (2, f"isthmus: mine.py: own failed: InputError: {said}\n")


def test_what_cannot_be_pickled_crosses_to_other_processes(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "random.py").write_text("1 / 0")
    (folder / "beside_the_claims.py").write_text("one = 1")
    lines = [
        "import random, threading",
        PLAIN,
        "class Locked(Equal):",
        "    def quick(self):",
        "        return Locked(f'{self.id}')",
        "    def __init__(self, id):",
        "        super().__init__(id)",
        "        self.lock = threading.Lock()",
        "    def observe(self, prediction, train, progress):",
        "        import beside_the_claims",
        "        with self.lock:",
        "            return Observation({'one': beside_the_claims.one})",
        "first, second = Locked('first'), Locked('second')",
    ]
    (folder / "mine.py").write_text("\n".join(lines))
    code, out, err = run(capsys, "verify", "mine.py", "--jobs", 2, "--quick")
    assert (code, err) == (0, "")
    assert "first holds" in out
    assert "second holds" in out


@pytest.mark.parametrize("jobs", ["0", "-1"])
def test_jobs_must_be_positive(capsys: pytest.CaptureFixture[str], jobs: str) -> None:
    code, out, err = run(capsys, "verify", "--jobs", jobs)
    assert (code, out) == (2, "")
    assert err == f"isthmus: jobs: {jobs} must be at least 1\n"


SLOW = """
import os
from importlib.util import find_spec
from pathlib import Path
from time import sleep

class Slow(Equal):
    def observe(self, prediction, train, progress):
        Path(f"pid-{self.id}").write_text(str(os.getpid()))
        while True:
            progress("waiting", 0)
            sleep(0.05)

claims = quick, slow, never = Equal("quick"), Slow("slow"), Equal("never")
"""


def reports_what_is_done(folder: Path, code: int, out: str, err: str) -> None:
    """Interrupted while `slow` runs, with `quick` done."""
    assert (code, said(err)) == (3, "isthmus: interrupted; not done: slow, never\n")
    assert "quick holds" in out
    assert [claim["id"] for claim in claims_of(folder / "record")] == ["quick"]
    assert json.loads((folder / "record").read_text())["unfinished"] == ["slow", "never"]
    page = (folder / "report" / "part" / "index.html").read_text()
    assert "Interrupted before these were done: slow, never." in page


def test_ctrl_c_reports_what_is_done(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """In the one process that there is; `never` has not begun then."""
    interrupting = SLOW.replace("while True", "os.kill(os.getpid(), 2)\n        while True")
    (folder / "mine.py").write_text(f"{PLAIN}{interrupting}")
    told = run(capsys, "verify", "mine.py", "--jobs", 1, "--json", "record")
    assert (folder / "pid-slow").read_text() == str(os.getpid())
    reports_what_is_done(folder, *told)


COUNTING = """
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
import numerics.cli.verify
progress = numerics.cli.verify.progress

@contextmanager
def counting(*total, **options):
    with progress(*total, **options) as tick:
        def told(stage, count):
            tick(stage, count)
            Path(f"done-{count}").touch()
        yield told

numerics.cli.verify.progress = counting
"""  # leaves a file when so many claims are done


def test_ctrl_c_with_several_processes(folder: Path) -> None:
    """As a terminal sends it, to all processes; those of the claims are gone afterwards."""
    (folder / "mine.py").write_text(f'{PLAIN}{SLOW}never = Slow("never")')
    process = started(
        "verify", "mine.py", "--jobs", 2, "--json", "record", folder=folder, before=COUNTING
    )
    pids = [folder / f"pid-{name}" for name in ("slow", "never")]
    wait_until(lambda: all(path.exists() and path.read_text() for path in pids), process)
    wait_until((folder / "done-1").exists, process)
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate()
    reports_what_is_done(folder, process.returncode, out, err)
    for path in pids:
        with pytest.raises(ProcessLookupError, match="No such process"):
            os.kill(int(path.read_text()), 0)


def test_processes_end_with_the_one_that_started_them(folder: Path) -> None:
    (folder / "mine.py").write_text(f'{PLAIN}{SLOW}never = Slow("never")')
    process = started("verify", "mine.py", "--jobs", 2, folder=folder)
    paths = [folder / "pid-slow", folder / "pid-never"]
    wait_until(lambda: all(path.exists() and path.read_text() for path in paths), process)
    kill(process, {int(path.read_text()) for path in paths})


# Verdicts on record


@pytest.mark.parametrize(
    ("observed", "recorded", "code", "verdict"),
    [
        (1, True, 0, "holds"),
        (2, True, 1, "is FALSE"),
        (2, False, 0, "refuted, as recorded"),
        (1, False, 1, "holds, though recorded as refuted"),
    ],
)
def test_the_verdict_on_record(
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    observed: int,
    recorded: bool,
    code: int,
    verdict: str,
) -> None:
    text = PLAIN.replace("observed = 1", f"observed, recorded = {observed}, {recorded}")
    (folder / "mine.py").write_text(text)
    found, out, err = run(capsys, "verify", "mine.py", "--json", "record")
    assert (found, err) == (code, "")
    assert f"\nequal {verdict}\n" in out
    (claim,) = claims_of(folder / "record")
    assert (claim["holds"], claim["recorded"]) == (observed == 1, recorded)
    assert f">{verdict.lower()}</span>" in (folder / "report" / "part" / "index.html").read_text()


def test_a_claim_is_not_decided_while_its_measurement_is_not_complete(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Which is as recorded, where no verdict is; so says the page, and the list."""
    name = "gpt2-second-paths"
    study = {"configuration": digest(protocol()), "parts": {"done": 3, "of": 155}}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("theory.claims.gpt2_protocol.second_study", lambda: study)
        patch.setattr("theory.claims.gpt2_protocol.RECORDED", {})
        code, out, err = run(capsys, "verify", name, "--json", "record")
        assert (code, said(err)) == (0, "")
        assert f"{name} not decided: 3 of 155 parts\n" in out
        (claim,) = claims_of(folder / "record")
        assert (claim["holds"], claim["recorded"]) == (None, None)
        page = (folder / "report" / "part" / "index.html").read_text()
        assert '<span class="refuted">not decided</span>' in page
        # A verdict that is recorded, and cannot be had, is no longer as recorded.
        patch.setattr("theory.claims.gpt2_protocol.RECORDED", {name: True})
        code, out, _ = run(capsys, "verify", name)
        assert code == 1
        assert f"{name} failed: " in out


def test_a_claim_that_is_decided_needs_a_record(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    name, study = "gpt2-second-parts", second()
    monkeypatch.setattr("theory.claims.gpt2_protocol.second_study", lambda: study)
    monkeypatch.setattr("theory.claims.gpt2_protocol.RECORDED", {})
    code, out, _ = run(capsys, "verify", name)
    assert code == 1
    assert f"{name} holds, and no verdict is recorded\n" in out
    for holds, found in ((True, "holds"), (False, "holds, though recorded as refuted")):
        monkeypatch.setattr("theory.claims.gpt2_protocol.RECORDED", {name: holds})
        code, out, _ = run(capsys, "verify", name)
        assert code == (0 if holds else 1)
        assert f"{name} {found}\n" in out


def test_a_claim_that_fails_is_not_refuted(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    failing = "recorded, observed = False, property(lambda of: 1 / 0)"
    (folder / "mine.py").write_text(PLAIN.replace("observed = 1", failing))
    code, out, _ = run(capsys, "verify", "mine.py")
    assert code == 2  # its file is wrong
    assert "equal failed: line 8: ZeroDivisionError" in out


# --quick


def test_quick_is_said(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "verify", "width-n-plus-1", "--quick", "--json", "record")
    assert code == 0
    assert out.startswith("A quick run: ")
    document = json.loads((folder / "record").read_text())
    assert document["quick"] is True
    full = len(CLAIMS["width-n-plus-1"].counterexamples)  # type: ignore[attr-defined]
    counted = [name for name in document["claims"][0]["predicted"] if name.startswith("components")]
    assert 0 < len(counted) < 2 * full
    assert "A quick run: " in (folder / "report" / "part" / "index.html").read_text()


def test_a_full_run_does_not_say_so(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "mine.py").write_text(PLAIN)
    _, out, _ = run(capsys, "verify", "mine.py", "--json", "record")
    assert "quick" not in out
    assert json.loads((folder / "record").read_text())["quick"] is False
    assert "quick" not in (folder / "report" / "part" / "index.html").read_text()


# Folders of reports


CERTIFIED = """
from theory.certificates import certify
from theory.claims import Claim, Observation, Prediction
from theory.landscape import analyse
from theory.problem import Problem

class Certified(Claim):
    id, statement, hypotheses, source = "certified", "Equal.", (), "here"

    def predict(self, progress):
        one = Problem(X=[[1]], y=[1])
        proofs = {"landscape": certify(analyse(one, 1))}
        return Prediction({"one": 1}, certificates=proofs, problems={"landscape": one})

    def observe(self, prediction, train, progress):
        return Observation({"one": 1})
"""


def test_a_report_has_nothing_of_an_earlier_one(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "certified.py").write_text(CERTIFIED)
    (folder / "mine.py").write_text(PLAIN)
    (folder / "kept").mkdir()
    (folder / "kept" / "notes.txt").write_text("mine")
    for name, files in (("certified.py", {"certified.landscape.json"}), ("mine.py", set())):
        assert run(capsys, "verify", name, "--jobs", 1, "--report", "kept")[0] == 0
        there = set(os.listdir(folder / "kept"))
        assert there == files | {"index.html", "notes.txt", MANIFEST}


def test_only_the_whole_run_writes_the_report(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "mine.py").write_text(PLAIN)
    (claim,) = ClaimFile(OwnFile.read(folder / "mine.py")).claims()
    monkeypatch.setattr("theory.claims.CLAIMS", {claim.id: claim})
    monkeypatch.setattr("theory.claims.claim", lambda name: claim)
    assert run(capsys, "verify", "--jobs", 1)[0] == 0
    whole = {path: path.read_bytes() for path in (folder / "report").iterdir()}
    assert folder / "report" / "index.html" in whole
    for arguments in (("mine.py",), ("--quick",)):
        code, out, _ = run(capsys, "verify", "--jobs", 1, *arguments)
        assert code == 0
        assert f"report: {Path('report', 'part', 'index.html')}" in out
        there = {path: path.read_bytes() for path in (folder / "report").glob("*.*")}
        assert there == whole


# Claims from files


def test_the_claim_of_the_page_runs(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = re.search(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert code is not None
    (folder / "my_claim.py").write_text(code[1])
    told = run(capsys, "verify", "my_claim.py", "--json", "record")
    assert (told[0], told[2]) == (0, "")
    (claim,) = claims_of(folder / "record")
    assert (claim["id"], claim["predicted"]["least loss of one neuron"]) == ("two-sides", "2")
    (certificate,) = claim["certificate"].values()
    check_file(certificate, Problem(X=[[-1], [1]], y=[-2, 3]))
    changed = code[1].replace("kind[:, None], y", "kind[:, None], y + 1")
    (folder / "my_claim.py").write_text(changed)
    assert run(capsys, "verify", "my_claim.py")[0] == 1


def test_quantities_that_only_one_side_has(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    changed = PLAIN.replace('Observation({"one"', 'Observation({"two"')
    (folder / "mine.py").write_text(changed)
    code, out, _ = run(capsys, "verify", "mine.py")
    assert code == 1
    rows = [line.split("│")[1:4] for line in out.splitlines() if "missing" in line]
    assert [[cell.strip() for cell in row] for row in rows] == [
        ["one", "1", "missing"],
        ["two", "missing", "1"],
    ]


def test_objects_classes_and_what_is_imported(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each claim once: objects, else classes; imported classes are none of the file's."""
    # Processes that are already there know nothing of the folder yet.
    with results(lambda number, _: abs(number), (-2, -1), Jobs(2)) as numbers:
        assert [*numbers] == [2, 1]
    (folder / "helper.py").write_text(PLAIN)
    lines = [
        "from helper import Equal",
        "from theory.claims import Staircase",
        "class Own(Equal):",
        "    def __init__(self):",
        "        super().__init__('own')",
        "class Other(Equal):",
        "    pass",
        "first = again = Other('first')",
        "second = Equal('second')",
    ]
    (folder / "mine.py").write_text("\n".join(lines))
    assert run(capsys, "verify", "mine.py", "--json", "record")[0] == 0
    found = [claim["id"] for claim in claims_of(folder / "record")]
    assert found == ["first", "second", "own"]
    assert not (folder / "__pycache__" / "mine.pyc").exists()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("x = 1", "defines no claim: a claim derives from theory.claims.Claim"),
        ("x = 1\ny = z", "line 2: NameError: name 'z' is not defined"),
        ("def f():\n    return 1 / 0\n\nf()", "line 2: ZeroDivisionError: division by zero"),
        ("import nosuchmodule", "line 1: ModuleNotFoundError: No module named 'nosuchmodule'"),
        ("x = 1\nx = (", "line 2: SyntaxError: '(' was never closed"),
        ("raise SystemExit(0)", "line 1: SystemExit: 0"),
        (PLAIN.replace("    source", "    origin"), "defines no claim: class Equal lacks source"),
        (
            PLAIN.replace('id="equal"', "id"),
            "defines no claim: class Equal: missing a required argument: 'id'",
        ),
        (
            "class Bare:\n    id = 'bare'\n    predict = observe = None",
            "defines no claim: class Bare lacks statement, hypotheses, source, recorded, quick",
        ),
        (PLAIN.replace("self.name = id", "self.name = nosuch"), "line 11: NameError"),
        (PLAIN.replace('"equal"', '"a/b"'), "id 'a/b' must be letters, digits"),
        (f"{PLAIN}    recorded = 'no'", "recorded 'no' must be True (it holds) or False (refuted)"),
        (PLAIN.replace('"Equal."', "None"), "equal: statement None must be a text"),
        (
            PLAIN.replace("hypotheses = ()", "hypotheses = 'n > 1'"),
            "equal: hypotheses 'n > 1'",
        ),
        (PLAIN.replace("self.name = id", "raise SystemExit"), "line 11: SystemExit"),
    ],
)
def test_a_file_without_a_claim(
    folder: Path, capsys: pytest.CaptureFixture[str], text: str, reason: str
) -> None:
    (folder / "mine.py").write_text(text)
    code, out, err = run(capsys, "verify", "mine.py")
    assert (code, out) == (2, "")
    assert err.startswith(f"isthmus: mine.py: {reason}")
    assert err.count("\n") == 1
    assert not (folder / "report").exists()


def test_a_file_that_is_not_there(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run(capsys, "verify", "nosuch.py")
    assert code == 2
    assert err == "isthmus: nosuch.py: cannot be read: No such file or directory\n"


def test_an_id_twice(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "mine.py").write_text(PLAIN.replace('"equal"', '"staircase"'))
    for names in (("staircase", "mine.py"), ("mine.py", "mine.py"), ("staircase",) * 2):
        code, _, err = run(capsys, "verify", *names)
        assert (code, err) == (2, "isthmus: claim: 'staircase' is there twice\n")


# Last, as those after it would have to start processes anew


def test_a_process_that_dies_is_reported(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = [
        "import os",
        PLAIN,
        "class Dying(Equal):",
        "    def observe(self, prediction, train, progress):",
        "        os._exit(7)",
        "first, second = Dying('first'), Dying('second')",
    ]
    (folder / "mine.py").write_text("\n".join(lines))
    code, out, _ = run(capsys, "verify", "mine.py", "--jobs", 2)
    assert code == 2
    for name in ("first", "second"):
        assert f"{name} failed: a process died" in out
