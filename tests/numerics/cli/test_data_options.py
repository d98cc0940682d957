"""Data as people have them, on the command line: the same options for whatever takes a PROBLEM."""

from __future__ import annotations

import json
import os
import re
import shlex
import threading
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
from command import ROOT, run, run_json

from numerics.cli import application
from numerics.cli.options import AS_IT_IS, ProblemArgument, Reading, Width, load, with_options
from theory.landscape import analyse
from theory.loading import example
from theory.problem import Problem
from theory.radii import least_radii

MESSY = (
    "\ufeff;x1;x2;kind;note\r\n"
    "0;2,0;-1;wide;\r\n"
    "1;0;-2,0;narrow;missing\r\n"
    "2;1;2;narrow;?\r\n"
    "3;-2;-1;narrow;\r\n"
    "4;7,5;3;other;NA\r\n"
)
"""The flagship's rows with labels, and one row more."""

READ = ("--target", "kind", "--columns", "x1,x2", "--labels", "narrow,wide", "--rows", "0:4")
LABELLED: dict[str, Any] = {
    "X": [[2, -1], [0, -2], [1, 2], [-2, -1]],
    "y": [1, -1, -1, -1],
    "width": 1,
}

COMMANDS = {
    "barrier": "barrier {problem} --width 1",
    "valleys": "valleys {problem} --width 1",
    "radii": "radii {problem} --width 1 --optimizers adamw",
    "width": "width {problem} --optimizer adamw --rho 1 --max-width 1",
    "solve": "solve {problem} --optimizer adamw --rho 1 --width 1",
    "margin": "margin {problem} --optimizer adamw --width 1",
    "regions": "regions {problem} --optimizers adamw,muon --width 1 --at 1,1",
    "train": "train {problem} --width 1 --optimizer adamw --rho 1 --steps 20 --seeds 2",
    "classify": "classify {network} --problem {problem}",
    "line": "line {network} {other} --problem {problem}",
    "path": "path {network} {other} --problem {problem} --optimizer muon --rho 9 --level 99",
    "check": "check {proof} --problem {problem}",
    "prove": "prove {proof} --problem {problem} --out {theorem}",
}
"""Whatever has the options of `Reading`."""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("messy.csv").write_text(MESSY, encoding="utf-8", newline="")
    Path("clean.json").write_text(json.dumps(LABELLED))
    Path("a.json").write_text('{"W": [["1"], ["0"]], "a": ["1"]}')
    Path("b.json").write_text('{"W": [["1"], ["1"]], "a": ["1"]}')
    return tmp_path


def words(command: str, problem: str) -> list[str]:
    files = {"network": "a.json", "other": "b.json", "proof": "p.json", "theorem": "T.v"}
    return COMMANDS[command].format(problem=problem, **files).split()


def test_all_commands_that_read_problems_are_here() -> None:
    commands = [command.callback for command in application().registered_commands]
    reading = {each.__name__ for each in commands if "standardise" in each.__annotations__}
    assert reading == set(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_reads_the_same(
    capsys: pytest.CaptureFixture[str], folder: Path, command: str
) -> None:
    """A table with a byte order mark, semicolons, decimal commas, an index and text, and the same
    as JSON."""
    proof = ("--certificate", "p.json")
    if command in ("check", "prove"):
        assert run(capsys, *words("barrier", "messy.csv"), *READ, *proof)[0] == 0
    found = []
    for arguments in (words(command, "clean.json"), [*words(command, "messy.csv"), *READ]):
        code, _, err = run(capsys, *arguments, "--json", "out.json")
        assert (code, err) == (0, "")
        document = json.loads(Path("out.json").read_text())
        found.append({key: document[key] for key in document if key not in ("command", "seconds")})
    assert found[0] == found[1]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_refuses_in_one_line(
    capsys: pytest.CaptureFixture[str], folder: Path, command: str
) -> None:
    assert run(capsys, *words("barrier", "clean.json"), "--certificate", "p.json")[0] == 0
    arguments = [*words(command, "messy.csv"), *READ[:-1], "9"]
    assert run(capsys, *arguments) == (
        2,
        "",
        "isthmus: rows: messy.csv has 5 rows, from 0, and no row 9\n",
    )


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ((), "target: name the column to fit (one of '', x1, x2, kind, note)"),
        (("--target", "y"), "target: 'y' is not a column of messy.csv: '', x1, x2, kind, note"),
        (("--target", "x2", "--drop", "kind,z"), "drop: 'z' is not a column"),
        (("--target", "x2", "--columns", "x1,x1"), "columns: 'x1' is named twice"),
        (("--target", "x2", "--columns", "x1", "--drop", "note"), "columns: give it or --drop"),
        (("--target", "x2", "--columns", "x1", "--rows", "5:"), "rows: '5:' takes none"),
        (("--target", "kind", "--columns", "x1", "--labels", "wide"), "labels: 'wide' must be two"),
        (("--target", "kind", "--columns", "x1", "--labels", "a,b"), "labels: no row that is read"),
        (("--target", "x2", "--columns", "x1", "--rows", "0", "--standardise"), "standardise: col"),
        (
            ("--target", "x2", "--columns", "x1,note"),
            "messy.csv: values are missing: column 'note'",
        ),
        (("--target", "x2", "--columns", "x1,kind"), "messy.csv row 0 (line 2), column 'kind': "),
        (
            ("--target", "kind", "--columns", "x1"),
            "messy.csv row 0 (line 2), column 'kind': 'wide' ",
        ),
        (("--target", "x2", "--columns", "x1\nx2"), "columns: 'x1\\nx2' cannot be read"),
    ],
)
def test_bad_options_are_named(
    capsys: pytest.CaptureFixture[str], folder: Path, options: tuple[str, ...], said: str
) -> None:
    code, out, err = run(capsys, "barrier", "messy.csv", "--width", "1", *options)
    assert (code, out) == (2, "")
    assert err.startswith(f"isthmus: {said}")
    assert err.count("\n") == 1


def test_lists_of_columns(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    """Between commas, or again and again; names with commas are quoted, as in the file."""
    Path("data.csv").write_text('"a, b",c,"say ""x""",y\n1,2,0,1\n2,1,5,2\n0,3,1,1\n')
    arguments = ("barrier", "data.csv", "--target", "y", "--width", "1")
    ways: list[tuple[str, ...]] = [
        ("--columns", '"a, b", c'),
        ("--columns", "0,1"),
        ("--columns", "c", "--columns", "-4"),
        ("--drop", '"say ""x"""'),
        ("--drop", "2"),
    ]
    assert len({run_json(capsys, *arguments, *way)["minimum"] for way in ways}) == 1
    index = ("barrier", "messy.csv", "--target", "x1", "--width", "1", "--rows", "0:4")
    dropped = run_json(capsys, *index, "--drop", ",kind,note")["minimum"]
    assert run_json(capsys, *index, "--columns", "x2")["minimum"] == dropped
    again = ("--drop", "", "--drop", "kind", "--drop", "note")
    assert run_json(capsys, *index, *again)["minimum"] == dropped


def test_rows_that_are_left_out_are_said(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    arguments = ("barrier", "messy.csv", *READ[:-2], "--width", "1")
    code, _, err = run(capsys, *arguments)
    assert (code, err) == (
        0,
        "isthmus: 1 row of messy.csv left out: column 'kind' has other labels there, other\n",
    )


def test_a_matrix_in_a_pipe(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    problem = example("flagship")
    rows = [(*row, y) for row, y in zip(problem.X, problem.y, strict=True)]
    np.save("data.npy", np.array(rows, dtype=float))
    pipe = folder / "pipe"
    os.mkfifo(pipe)
    content = Path("data.npy").read_bytes()
    for source in ("data.npy", pipe):
        writer = threading.Thread(target=lambda: pipe.write_bytes(content), daemon=True)
        if source is pipe:
            writer.start()
        found = run_json(
            *(capsys, "barrier", source, "--target", "2", "--floats", "exact", "--width", "2")
        )
        assert found["barriers"] == run_json(capsys, "barrier", "flagship")["barriers"]


def test_a_certificate_of_standardised_data(
    capsys: pytest.CaptureFixture[str], folder: Path
) -> None:
    """It holds for these, and not for the data as they were."""
    standardised = ("barrier", "clean.json", "--standardise", "--certificate", "p.json")
    assert run(capsys, *standardised)[0] == 0
    written = json.loads(Path("p.json").read_text())["problem"]
    for column in zip(*written["X"], strict=True):
        values = [Fraction(value) for value in column]
        assert (sum(values), sum(map(abs, values))) == (0, 4)
    assert run(capsys, "check", "p.json", "--problem", "clean.json", "--standardise")[0] == 0
    assert run(capsys, "check", "p.json", "--problem", "clean.json")[0] == 1


def test_examples_can_be_cut(capsys: pytest.CaptureFixture[str]) -> None:
    """Of the flagship's last two rows width 2 makes an exact fit."""
    assert run_json(capsys, "barrier", "flagship", "--rows", "2:")["minimum"] == "0"
    code, out, err = run(capsys, "barrier", "flagship", "--target", "price")
    assert (code, out) == (2, "")
    assert err == "isthmus: target: flagship states y itself; leave the option out\n"


def test_help_has_every_option_of_reading(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "barrier", "--help")
    assert code == 0
    for name in Reading.__dataclass_fields__:
        assert f"--{name.replace('_', '-')}" in out


# What the page about data says


PAGE = (ROOT / "docs" / "data.md").read_text(encoding="utf-8")
MADE = re.compile(r'^```sh\npython -c "(.*)"\nisthmus barrier (.*)\n```$', re.MULTILINE)


def loaded(arguments: list[str]) -> Problem:
    """What `isthmus barrier` works on."""
    found: list[Problem] = []

    def command(problem: ProblemArgument, width: Width = None, reading: Reading = AS_IT_IS) -> int:
        found.append(replace(load(problem, reading), width=width))
        return 0

    app = typer.Typer()
    app.command()(with_options(command))
    app(arguments, standalone_mode=False)
    return found[0]


def test_the_page_says_how_each_real_example_was_made() -> None:
    sections = re.findall(r"^### `(.*)`\n((?:(?!^###).*\n)*)", PAGE, re.MULTILINE)
    assert {name for name, _ in sections} == set(MADE_OF_REAL_DATA)
    assert all(len(MADE.findall(section)) == 1 for _, section in sections)


MADE_OF_REAL_DATA = ("linnerud-chins", "iris-sepal-petal", "diabetes-bp-s5", "diabetes-bmi")


@pytest.mark.parametrize("name", MADE_OF_REAL_DATA)
def test_real_examples_are_made_again_from_their_sources(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the two lines of the page, from what scikit-learn bundles."""
    monkeypatch.chdir(tmp_path)
    code, arguments = MADE.search(PAGE, PAGE.index(f"### `{name}`")).groups()
    exec(code, {})
    assert loaded(shlex.split(arguments)) == example(name)


def test_a_matrix_as_on_the_page(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    code, arguments = MADE.search(PAGE).groups()
    exec(code, {})
    assert "data.npy" in arguments
    assert run(capsys, "barrier", *shlex.split(arguments))[0] == 0


def test_the_pass_of_linnerud_is_the_best_of_one_neuron() -> None:
    problem = example("linnerud-chins")
    landscape = analyse(problem, 2)
    assert len(landscape.components) == 2
    assert landscape.barriers[0][1] == analyse(problem, 1).minimum == Fraction(52159587, 231656)
    assert "52159587/231656" in problem.description


def test_optimizers_disagree_about_five_patients() -> None:
    found = least_radii(analyse(example("diabetes-bp-s5"), 2), ("adamw", "lion", "muon", "ngd"))
    assert found.analysis.minimum == 0
    assert [found.preferred(name) for name in found.optimizers] == [1, 1, 0, 0]
    between = {"adamw": (1, 99, 0), "muon": (0, 182, 1)}
    for name, (near, rho, far) in between.items():
        assert found.components[near][name].upper < rho < found.components[far][name].lower


def test_one_of_two_classifiers_of_irises_is_far_away() -> None:
    found = least_radii(analyse(example("iris-sepal-petal"), 2), ("adamw",))
    assert (found.analysis.minimum, found.analysis.barriers[0][1]) == (2, Fraction(83, 28))
    assert [each["adamw"].upper for each in found.components] == [197, Fraction(200, 19)]
