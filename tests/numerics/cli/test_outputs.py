"""What commands write: checked before they work, and never over an input or each other."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from command import run, run_json, said

import numerics

NETWORK = '{"W": [[1, 0], [0, 1]], "a": [1, 1]}'
TABLE = "a,b,y\n1,2,3\n2,1,4\n"
CLIPPED = {
    "X": [[4, -9], [7, -2], [5, 6], [8, -2]],
    "y": ["453/7", "793/7", "879/11", "396/7"],
}
LOSSES = ("393850178/349125", "81636222590/53224633", "5319076624/4500111")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the command runs, with its inputs."""
    monkeypatch.chdir(tmp_path)
    inputs = {"v.csv": TABLE, "A.json": NETWORK, "B.json": NETWORK, "o.json": json.dumps(CLIPPED)}
    for name, text in inputs.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def shell(folder: Path, line: str) -> subprocess.CompletedProcess[str]:
    command = f'"{sys.executable}" -c "from numerics.cli import main; raise SystemExit(main())"'
    return subprocess.run(
        ["bash", "-c", line.replace("isthmus", command)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(Path(numerics.__file__).parents[1])},
        capture_output=True,
        text=True,
    )


BARRIER = "barrier v.csv --target y --width 1"
PATH = "path A.json B.json --problem v.csv --target y --optimizer adamw --rho 4"
REGIONS = "regions v.csv --target y --width 1 --optimizers adamw,muon"
TRAIN = "train v.csv --target y --width 1 --optimizer lion --rho 9"
COMMANDS = (
    BARRIER,
    PATH,
    REGIONS,
    TRAIN,
    "radii v.csv --target y --width 1",
    "width v.csv --target y --optimizer adamw --rho 3",
    "solve v.csv --target y --optimizer adamw --rho 3",
    "check v.csv",
    "problems",
    "hunt separation --time-budget 1",
    "verify staircase",
    "gpt2 train --out new",
    "gpt2 connect A B --out new",
    "gpt2 spectrum A",
    "gpt2 table smoke --out new",
    "gpt2 table smoke --estimate",
)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_checks_its_outputs_first(
    capsys: pytest.CaptureFixture[str], folder: Path, command: str
) -> None:
    """Before inputs that are missing, and before any work."""
    before = sorted(os.listdir(folder))
    code, out, err = run(capsys, *command.split(), "--json", "no/such.json")
    assert (code, out) == (2, "")
    assert err.startswith("isthmus: no/such.json: cannot be written: there is no folder")
    assert err.count("\n") == 1
    assert sorted(os.listdir(folder)) == before


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (f"{BARRIER} --certificate no/p.json", "no/p.json: cannot be written"),
        (f"{BARRIER} --certificate .", ".: is a folder; name a file"),
        (f"{BARRIER} --certificate /proc/p.json", "/proc/p.json: cannot be written"),
        (f"{BARRIER} --certificate -", "certificate: only --json writes to stdout"),
        (f"{REGIONS} --plot p.jpg", "p.jpg: must end in .svg, .png, .pdf"),
        (f"{REGIONS} --plot no/p.svg", "no/p.svg: cannot be written"),
        (f"{PATH} --plot A.json/p.svg", "A.json/p.svg: cannot be written: Not a directory"),
        (f"{TRAIN} --networks v.csv", "v.csv: cannot be written into: Not a directory"),
        (f"{TRAIN} --networks /proc/new", "/proc/new: cannot be written into"),
        ("verify staircase --report v.csv", "v.csv: cannot be written into"),
        ("gpt2 train --out v.csv", "v.csv: cannot be written into"),
        ("hunt separation --plot no/p.svg", "no/p.svg: cannot be written"),
    ],
)
def test_outputs_that_cannot_be(
    capsys: pytest.CaptureFixture[str], folder: Path, command: str, message: str
) -> None:
    before = sorted(os.listdir(folder))
    code, out, err = run(capsys, *command.split())
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith(f"isthmus: {message}")
    assert sorted(os.listdir(folder)) == before


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (f"{BARRIER} --json v.csv", "json: v.csv is read by"),
        (f"{BARRIER} --json ./V.csv", "json: V.csv is read by"),
        (f"{BARRIER} --json hard.csv", "json: hard.csv is read by"),
        (f"{BARRIER} --json soft.csv", "json: soft.csv is read by"),
        (f"{BARRIER} --certificate v.csv", "certificate: v.csv is read by"),
        (f"{BARRIER} --between A.json B.json --json B.json", "json: B.json is read by"),
        (f"{BARRIER} --json p --certificate p", "certificate: p is what --json writes"),
        (f"{BARRIER} --json p --certificate sub/../P", "certificate: sub/../P is what --json"),
        (f"{BARRIER} --json p --certificate there/p", "certificate: there/p is what --json"),
        (f"{PATH} --certificate A.json", "certificate: A.json is read by"),
        (f"{PATH} --certificate p.svg --plot p.svg", "plot: p.svg is what --certificate writes"),
        (f"{REGIONS} --json p.svg --plot p.svg", "plot: p.svg is what --json writes"),
        ("check A.json --json A.json", "json: A.json is read by"),
        ("check A.json --problem v.csv --target y --json v.csv", "json: v.csv is read by"),
        ("solve o.json --optimizer adamw --rho 3 --json o.json", "json: o.json is read by"),
        (f"{TRAIN} --networks nets --json nets/3.json", "networks: would overwrite nets/3.json"),
        (f"{TRAIN} --networks nets --json nets", "json: nets is the folder of --networks"),
        ("train 0.json --optimizer lion --rho 9 --networks .", "networks: would overwrite 0.json"),
        ("verify staircase --report r --json r/index.html", "report: would overwrite r/index.html"),
        (
            "verify staircase --report r --json r/staircase.x.json",
            "report: would overwrite r/stair",
        ),
        ("verify claim.py --json claim.py", "json: claim.py is read by"),
        ("hunt A.json --journal p --json p", "json: p is read by"),
        (
            "hunt separation --json c-x.json --certificate c.json",
            "certificates: would overwrite c-",
        ),
        ("gpt2 train --text sub --out new --json sub/t.txt", "json: sub/t.txt is read by"),
        ("gpt2 train --out new --json new/training.json", "out: would overwrite new/training.json"),
        ("gpt2 spectrum sub --json sub/config.json", "json: sub/config.json is read by"),
    ],
)
def test_nothing_is_overwritten(
    capsys: pytest.CaptureFixture[str], folder: Path, command: str, message: str
) -> None:
    os.link("v.csv", "hard.csv")
    Path("soft.csv").symlink_to("v.csv")
    Path("sub").mkdir()
    Path("there").symlink_to(".")
    claim = "from theory.claims import Staircase\nclass Mine(Staircase): pass\n"
    more = {"0.json": NETWORK, "p": "", "claim.py": claim, "sub/t.txt": "", "sub/config.json": ""}
    for name, text in more.items():
        if name != "p" or "--journal" in command:
            Path(name).write_text(text)
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    code, out, err = run(capsys, *command.split())
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith(f"isthmus: {message}")
    assert {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()} == before


def test_an_output_may_lie_in_a_folder_that_is_made(
    capsys: pytest.CaptureFixture[str], folder: Path
) -> None:
    arguments = (*TRAIN.split(), "--seeds", 2, "--steps", 20)
    assert run(capsys, *arguments, "--networks", "new/nets", "--json", "new/nets/all.json")[0] == 0
    assert {"0.json", "1.json", "all.json"} < set(os.listdir("new/nets"))


def test_fewer_networks_leave_none_of_an_earlier_run(
    capsys: pytest.CaptureFixture[str], folder: Path
) -> None:
    Path("nets").mkdir()
    Path("nets/7.json").write_text("mine")
    for seeds in (3, 1):
        arguments = (*TRAIN.split(), "--seeds", seeds, "--steps", 20, "--networks", "nets")
        assert run(capsys, *arguments)[0] == 0
        networks = {name for name in os.listdir("nets") if not name.startswith(".")}
        assert networks == {"7.json", *(f"{k}.json" for k in range(seeds))}
    assert Path("nets/7.json").read_text() == "mine"


# Special files


def test_json_through_stdout_and_pipes(folder: Path) -> None:
    """As bash makes them, in both directions."""
    done = shell(folder, "isthmus barrier <(cat v.csv) --target y --width 1 --json /dev/stdout")
    assert (done.returncode, said(done.stderr)) == (0, "")
    assert json.loads(done.stdout)["minimum"] == "0"
    line = "isthmus barrier - --width 2 --json - --certificate >(cat >&2) < o.json"
    done = shell(folder, line)
    assert done.returncode == 0
    assert json.loads(done.stdout)["minimum"] == LOSSES[0]
    assert json.loads(done.stderr)["format"] == "isthmus-certificate"


def test_a_proof_on_stdout(folder: Path) -> None:
    """Below the table, redirected too; beside the JSON it has no room."""
    line = f"isthmus {BARRIER} --certificate /dev/stdout"
    done = shell(folder, f"{line} > out && cat out")
    assert (done.returncode, said(done.stderr)) == (0, "")
    table, proof, end = re.split(r"\n(?=\{\n)|(?<=\n\})\n", done.stdout)
    assert table.startswith("n = 2, d = 2, width 1")
    assert json.loads(proof)["format"] == "isthmus-certificate"
    assert end == "proof: /dev/stdout\n"
    done = shell(folder, f"{line} --json -")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("isthmus: certificate: /dev/stdout is where stdout goes")


@pytest.mark.parametrize(
    "command", ["problems", "problems --json -", "hunt", f"{BARRIER} --json -"]
)
def test_a_reader_that_stops_is_no_false_claim(folder: Path, command: str) -> None:
    """Exit code 1 is for those: `isthmus ... | head` is an interrupt."""
    done = shell(folder, f"set -o pipefail; isthmus {command} | true")
    assert (done.returncode, done.stderr) in ((3, ""), (0, ""))
    done = shell(folder, f"isthmus {command} > /dev/full")
    assert done.returncode == 2
    assert done.stderr.startswith("isthmus: cannot write the output: No space left on device\n")


def test_a_file_that_stdout_goes_to(folder: Path) -> None:
    done = shell(folder, "isthmus barrier v.csv --target y --width 1 --json out > out")
    assert done.returncode == 2
    assert done.stderr == "isthmus: json: out is where stdout goes; name another file\n"


def test_null_devices_take_everything(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    null = ("--json", "/dev/null", "--certificate", "/dev/null")
    assert run(capsys, *BARRIER.split(), *null)[0] == 0
    assert Path("/dev/null").is_char_device()


# Tables


@pytest.mark.parametrize("columns", [30, 100])
def test_piped_tables_keep_their_numbers(
    capsys: pytest.CaptureFixture[str],
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    columns: int,
) -> None:
    monkeypatch.setattr("numerics.cli.screen._WIDTH", columns)
    code, out, _ = run(capsys, "barrier", "o.json", "--labelled", "--width", 2)
    assert code == 0
    words = out.split()
    assert [words.count(number) for number in LOSSES] == [5, 8, 4]  # the minimum is said above
    assert "…" not in out


@pytest.mark.parametrize("columns", [40, 60, 80, 200])
def test_on_a_terminal_of_any_width_numbers_are_whole(
    capsys: pytest.CaptureFixture[str],
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    columns: int,
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "dumb")  # without colours
    monkeypatch.setenv("COLUMNS", str(columns))
    code, out, _ = run(capsys, "barrier", "o.json", "--labelled", "--width", 2)
    assert code == 0
    words = out.split()
    assert [words.count(number) for number in LOSSES] == [5, 8, 4]
    assert max(map(len, out.splitlines())) <= columns
    assert ("│" in out) == (columns == 200)


def test_prose_is_wrapped_between_words(capsys: pytest.CaptureFixture[str]) -> None:
    for command in ("problems", "hunt"):
        code, out, _ = run(capsys, command)
        assert code == 0
        assert 60 < max(map(len, out.splitlines())) <= 100


# Inputs


INDEXED = ",x1,x2,y\n0,2,-1,5\n1,0,-2,2\n2,1,2,2\n3,-2,-1,2\n"


def test_an_index_is_said_and_can_be_dropped(
    capsys: pytest.CaptureFixture[str], folder: Path
) -> None:
    """The flagship as pandas writes it: with the index it is another problem."""
    Path("i.csv").write_text(INDEXED)
    arguments = ("barrier", "i.csv", "--target", "y", "--width", 2, "--json", "-")
    code, out, err = run(capsys, *arguments)
    assert (code, err.count("\n")) == (0, 1)
    assert err.startswith("isthmus: the first column of i.csv, '', counts the rows")
    assert err.endswith("leave it out with --drop ''\n")
    assert json.loads(out)["barriers"][0] == ["0", "2401/2102", "2401/2102"]
    for name in ("", "0"):
        found = run_json(capsys, *arguments[:-2], "--drop", name)
        assert found["barriers"] == run_json(capsys, "barrier", "flagship")["barriers"]


@pytest.mark.parametrize(("width", "code"), [("2", 0), ("2.0", 0), ("1.5", 2), ("two", 2)])
def test_widths_on_the_command_line_and_in_files(
    capsys: pytest.CaptureFixture[str], folder: Path, width: str, code: int
) -> None:
    assert run(capsys, *BARRIER.split()[:-1], width)[0] == code
    assert run(capsys, *REGIONS.replace("1", width).split(), "--at", "1,1")[0] == code
    Path("w.json").write_text(f'{{"X": [[1]], "y": [1], "width": {json.dumps(width)}}}')
    assert run(capsys, "barrier", "w.json")[0] == code


def test_certificates_with_a_byte_order_mark(
    capsys: pytest.CaptureFixture[str], folder: Path
) -> None:
    proof: Any = folder / "p.json"
    assert run(capsys, *BARRIER.split(), "--certificate", proof)[0] == 0
    proof.write_text(proof.read_text(), encoding="utf-8-sig")
    assert run(capsys, "check", proof, "--problem", "v.csv", "--target", "y")[0] == 0
