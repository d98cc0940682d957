"""`isthmus line`: JSON, exit codes, orders, middles, pictures, good and bad input."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import pytest
from command import run, run_json

from theory.landscape import analyse
from theory.loading import example

FLAGSHIP = ("--problem", "flagship")
FITS = [part.representative for part in analyse(example("flagship"), 2, labelled=True).components]


@pytest.fixture
def fits(tmp_path: Path) -> list[Path]:
    """Exact fits of the flagship; the third is the first in another order."""
    files = [tmp_path / f"{k}.json" for k in range(3)]
    for file, network in zip(files, FITS, strict=False):
        file.write_text(json.dumps(network.to_json()))
    return files


def test_json_contract(fits: list[Path], capsys: pytest.CaptureFixture[str]) -> None:
    found = run_json(capsys, "line", *fits[:2], *FLAGSHIP)
    exact = {"lower": "370/441", "upper": "370/441"}
    assert found["maximum"] == found["barrier"] == exact
    assert (found["at"], found["permutation"], found["middle"]) == ("10/21", [0, 1], None)


def test_the_best_order(fits: list[Path], capsys: pytest.CaptureFixture[str]) -> None:
    found = run_json(capsys, "line", fits[0], fits[2], *FLAGSHIP)
    assert found["maximum"]["lower"] == "33/2"
    found = run_json(capsys, "line", fits[0], fits[2], *FLAGSHIP, "--align", "all")
    assert found["maximum"] == {"lower": "0", "upper": "0"}
    assert found["permutation"] == [1, 0]


def test_a_middle(fits: list[Path], capsys: pytest.CaptureFixture[str]) -> None:
    middle = run_json(capsys, "line", *fits[:2], *FLAGSHIP, "--middle")["middle"]
    assert set(middle["network"]) == {"W", "a"}
    assert (middle["least"], middle["is_least"]) == ("32/45", False)
    upper = Fraction(middle["maximum"]["upper"])
    assert Fraction(32, 45) < upper < Fraction(370, 441)


def test_a_centre_of_three(
    fits: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture = tmp_path / "lines.svg"
    found = run_json(capsys, "line", *fits, *FLAGSHIP, "--middle", "--plot", picture)
    assert found["maximum"] is found["at"] is found["permutation"] is None
    assert Fraction(found["middle"]["maximum"]["lower"]) >= Fraction(found["middle"]["least"]) == 2
    assert "from network 2" in picture.read_text(encoding="utf-8")


def test_an_algebraic_maximum_is_an_interval(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = {name: tmp_path / f"{name}.json" for name in ("problem", "first", "second")}
    documents = (
        {"X": [[1, 0], [0, 1]], "y": [-1, 0]},
        {"W": [[0, 0], [0, 1]], "a": [1, 0]},
        {"W": [[1, 0], [0, 1]], "a": [0, "1/2"]},
    )
    for file, document in zip(files.values(), documents, strict=True):
        file.write_text(json.dumps(document))
    words = ("line", files["first"], files["second"], "--problem", files["problem"])
    found = run_json(capsys, *words)
    for interval in (found["maximum"], found["at"]):
        lower, upper = (Fraction(interval[end]) for end in ("lower", "upper"))
        assert 0 < upper - lower < Fraction(1, 10**9)


def test_what_is_printed(
    fits: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture = tmp_path / "lines.png"
    words = ("line", *fits[:2], *FLAGSHIP, "--align", "all", "--middle", "--plot", picture)
    code, out, err = run(capsys, *words)
    assert (code, err) == (0, "")
    assert "highest loss on the straight line 370/441, 10/21 of the way" in out
    assert "above both networks by 370/441" in out
    assert "in the order 0 1; no other is lower" in out
    assert "with another it is at least 32/45, the barrier of the landscape" in out
    assert picture.read_bytes().startswith(b"\x89PNG")
    code, out, _ = run(capsys, "line", fits[0], fits[0], *FLAGSHIP, "--middle")
    assert code == 0
    assert "no other network is better" in out


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (("--align", "some"), 2, "align: 'some' is none; write all, or leave it out"),
        (("--align", "all", "--max-orders", "1"), 3, "2 needed, the limit is 1; allow it with"),
        (("--middle", "--max-cells", "3"), 3, "allow it with --max-cells"),
        (("--loss", "hinge"), 2, "is no label"),
    ],
)
def test_what_is_refused(
    fits: list[Path],
    options: tuple[str, ...],
    code: int,
    message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    found, _, err = run(capsys, "line", *fits[:2], *FLAGSHIP, *options)
    assert (found, err.count("\n")) == (code, 1)
    assert message in err


def test_a_line_has_two_ends(fits: list[Path], capsys: pytest.CaptureFixture[str]) -> None:
    for networks, options in ((fits, ()), (fits, ("--middle", "--align", "all")), (fits[:1], ())):
        code, _, err = run(capsys, "line", *networks, *FLAGSHIP, *options)
        assert code == 2
        assert f"networks: are {len(networks)}; a line has two" in err


def test_numbers_beyond_floats_are_exact_on_one_line_and_else_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, problem = tmp_path / "large.json", tmp_path / "problem.json"
    file.write_text('{"W": [["1e400", "-1"]], "a": ["1", "0"]}')
    problem.write_text('{"X": [["1"], ["2"]], "y": ["1e400", "2e400"]}')
    words = ("line", file, file, "--problem", problem)
    assert run_json(capsys, *words)["maximum"]["upper"] == "0"
    code, _, err = run(capsys, *words, "--align", "all")
    assert (code, err.count("\n")) == (3, 1)
    assert "the numbers are too large" in err


def test_what_the_straight_line_is_remains_where_the_middle_is_refused(
    fits: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("line", *fits[:2], *FLAGSHIP, "--middle", "--max-cells", "3", "--json", "-")
    code, out, _ = run(capsys, *words)
    assert code == 3
    found = json.loads(out)
    assert (found["maximum"]["upper"], found["middle"]) == ("370/441", None)
