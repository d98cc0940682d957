"""Files as users bring them: what is read, what is doubtful, and what each refusal advises."""

from __future__ import annotations

import gzip
import io
import os
import threading
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from theory.errors import InputError
from theory.loading import DataWarning, example, load_problem
from theory.problem import Problem, read_json

FLAGSHIP = example("flagship")
INDEXED = ",x1,x2,y\n0,2,-1,5\n1,0,-2,2\n2,1,2,2\n3,-2,-1,2\n"
SMALL = Problem(X=[[1, 2], [2, 1]], y=[3, 4])


# Text and delimiters


def test_json_with_a_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "data.json"
    path.write_text('{"X": [[1, 2], [2, 1]], "y": [3, 4]}', encoding="utf-8-sig")
    assert load_problem(path) == SMALL
    assert read_json(path)["y"] == [3, 4]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("name", ["data.csv", "data.tsv", "data.txt", "data"])
def test_delimiters(tmp_path: Path, name: str, delimiter: str) -> None:
    path = tmp_path / name
    path.write_text("a,b,y\n1,2,3\n\n2,1,4\n".replace(",", delimiter))
    assert load_problem(path, target="y") == SMALL


@given(
    table=st.lists(
        st.tuples(st.fractions(max_denominator=99), st.fractions(max_denominator=99)), min_size=1
    ),
    delimiter=st.sampled_from(",;\t"),
    header=st.sampled_from(["u,y", '"a;b",y', '"a\tb",y', '"a,b",y']),
)
def test_the_delimiter_does_not_matter(
    tmp_path_factory: pytest.TempPathFactory,
    table: list[tuple[object, object]],
    delimiter: str,
    header: str,
) -> None:
    """Even where a quoted name holds another one."""
    path = tmp_path_factory.getbasetemp() / "table.csv"
    lines = [header.replace(",y", f"{delimiter}y"), *(f"{u}{delimiter}{y}" for u, y in table)]
    path.write_text("\n".join(lines))
    expected = Problem(X=[[u] for u, _ in table], y=[y for _, y in table])  # type: ignore[misc, list-item]
    assert load_problem(path, target="y") == expected


def test_json_by_its_content(tmp_path: Path) -> None:
    path = tmp_path / "data.txt"
    path.write_text(' \n{"X": [[1, 2], [2, 1]], "y": [3, 4]}')
    assert load_problem(path) == SMALL
    path.write_text('{"X": ')
    with pytest.raises(InputError, match=r"data\.txt: is not JSON"):
        load_problem(path)


def _archive() -> bytes:
    content = io.BytesIO()
    np.savez(content, X=np.array([[1, 2], [2, 1]]), y=np.array([3, 4]))
    return content.getvalue()


@pytest.mark.parametrize(
    "content",
    [b'{"X": [[1, 2], [2, 1]], "y": [3, 4]}', b"a;b;y\n1;2;3\n2;1;4\n", _archive()],
    ids=["json", "csv", "npz"],
)
def test_a_pipe_is_read_once(tmp_path: Path, content: bytes) -> None:
    """As `<(...)` makes them; the kind is seen from the content."""
    pipe = tmp_path / "63"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(content,), daemon=True)
    writer.start()
    assert load_problem(pipe, target="y") == SMALL


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("data.npy", b"\x93NUMPY\x01\x00", r"holds one array; .*np\.savez"),
        ("data.xlsx", b"PK\x03\x04", "is a spreadsheet; save it as CSV"),
        ("data.xls", b"\xd0\xcf\x11\xe0", "is a spreadsheet; save it as CSV"),
        ("data.parquet", b"PAR1", r"save the table as CSV, in pandas with to_csv"),
        ("data.csv.gz", gzip.compress(b"a,b\n", mtime=0), "is compressed; unpack it first"),
        ("data.csv", gzip.compress(b"a,b\n", mtime=0), "is compressed; unpack it first"),
        ("data", b"\x93NUMPY\x01\x00", r"np\.savez"),
        ("data.csv", "a,b\n1,2".encode("utf-16"), "is text in UTF-16; save it as UTF-8"),
        ("data.csv", b"a,b\n1,caf\xe9", "line 2 is not text in UTF-8; save it as UTF-8"),
        ("data.json", b"\x00\x01", "is not text; a problem is a JSON, CSV or NPZ file"),
        ("data.dat", b"a b y\n1 2 3\n", "has columns with ' ' between them; .* comma, semicolon"),
        ("data.csv", b"a|b\n1|2\n", r"has columns with '\|' between them"),
        ("data.txt", b"hello\n", "has one column; it must be JSON, or a table"),
        ("data.npz", b"PK\x05\x06" + 18 * b"\0", "is an archive without arrays"),
    ],
)
def test_other_files_are_told_what_to_do(
    tmp_path: Path, name: str, content: bytes, reason: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(InputError, match=reason) as caught:
        load_problem(path, target="y")
    assert caught.value.field == str(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["none.tsv", "none.xlsx", "none.txt", "no/data"])
def test_files_that_are_not_there(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    with pytest.raises(InputError, match="cannot be read: No such file or directory"):
        load_problem(path, target="y")


def test_what_does_not_end() -> None:
    with pytest.raises(InputError, match="^/dev/zero: has more than 64 MiB; take fewer rows"):
        load_problem("/dev/zero")


# Cells


@pytest.mark.parametrize(
    ("cell", "column", "reason"),
    [
        ("", "a", "a value is missing; fill it in, or remove the row or the column"),
        ("NA", "a", "'NA' is a missing value"),
        ("NaN", "y", "'NaN' is a missing value"),
        ("?", "a", r"'\?' is a missing value"),
        ("setosa", "a", "'setosa' is not a number; write categories .* with --drop 'a'"),
        ("True", "a", "'True' is not a number; write categories as columns of 0 and 1"),
        ("M", "y", "'M' is not a number; write labels as numbers, such as 1 and -1$"),
        ("1,5", "a", "'1,5' has a comma; write decimals with a point"),
        ("inf", "a", "'inf' is not a finite number"),
        ("1_000", "a", "'1_000' is not a finite number"),
        ("1/0", "y", "'1/0' divides by zero"),
    ],
)
def test_a_bad_cell_names_its_place(tmp_path: Path, cell: str, column: str, reason: str) -> None:
    path = tmp_path / "data.csv"
    last = {"a": "4", "b": "5", "y": "6"} | {column: cell}
    path.write_text(f"a;b;y\n1;2;3\n\n{';'.join(last.values())}\n")
    with pytest.raises(InputError, match=reason) as caught:
        load_problem(path, target="y")
    assert caught.value.field == f"data.csv row 2 (line 4), column '{column}'"


def test_a_column_that_is_left_out_may_hold_anything(tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    path.write_text("a,kind,b,note,y\n1,u,2,,3\n2,v,1,nan,4\n")
    assert load_problem(path, target="y", drop=["kind", "3"]) == SMALL


# Columns that are no features


@pytest.mark.parametrize("name", ["", "Unnamed: 0", "Id"])
@pytest.mark.parametrize("first", [0, 1])
def test_a_column_that_counts_the_rows(tmp_path: Path, name: str, first: int) -> None:
    """Written by pandas, unless index=False."""
    path = tmp_path / "data.csv"
    lines = INDEXED.splitlines()
    rows = [f"{k}{line[1:]}" for k, line in enumerate(lines[1:], first)]
    path.write_text("\n".join([f"{name}{lines[0]}", *rows]))
    with pytest.warns(DataWarning, match=f"counts the rows.*leave it out with --drop '{name}'"):
        assert load_problem(path, target="y").d == 3
    for chosen in (name, "0", "-4"):
        assert load_problem(path, target="y", drop=[chosen]) == Problem(FLAGSHIP.X, FLAGSHIP.y)


@pytest.mark.parametrize("text", [INDEXED.replace("3,-2", "4,-2"), f"x0{INDEXED}"])
def test_other_first_columns_are_features(tmp_path: Path, text: str) -> None:
    path = tmp_path / "data.csv"
    path.write_text(text)
    assert load_problem(path, target="y").d == 3  # warnings are errors


def test_columns_that_pandas_numbers(tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    path.write_text(",0,1,2\n0,1,2,3\n1,2,1,4\n")
    assert load_problem(path, target="2", drop=[""]) == SMALL
    path.write_text("0,1,2\n1,2,3\n2,1,4\n")
    with pytest.warns(DataWarning, match="first line of data.csv, 0, 1, 2, is read as data"):
        assert load_problem(path, target="2").n == 3


@pytest.mark.parametrize(
    ("name", "text", "drop", "reason"),
    [
        ("data.csv", "a,y\n1,2\n", "b", "^drop: 'b' is not a column of data.csv: a, y"),
        ("data.csv", "a,y\n1,2\n", "y", "^drop: 'y' is the column to fit"),
        ("data.csv", "a,y\n1,2\n", "a", "^X: has no columns"),
        ("data.json", '{"X": [[1]], "y": [1]}', "a", "^drop: data.json holds X as a whole"),
    ],
)
def test_bad_drops(tmp_path: Path, name: str, text: str, drop: str, reason: str) -> None:
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(InputError, match=reason):
        load_problem(path, target="y", drop=[drop])


def test_drop_of_arrays(tmp_path: Path) -> None:
    path = tmp_path / "data.npz"
    np.savez(path, index=[0, 1], a=[1, 2], b=[2, 1], y=[3, 4])
    assert load_problem(path, target="y", drop=["index"]) == SMALL
    np.savez(path, X=np.array([[1]]), y=np.array([1]))
    with pytest.raises(InputError, match="^drop: data.npz holds X as a whole"):
        load_problem(path, drop=["0"])


# Widths


@pytest.mark.parametrize("width", ["2", "2.0", '"2"'])
def test_a_whole_width(tmp_path: Path, width: str) -> None:
    """As `--width` takes it."""
    path = tmp_path / "data.json"
    path.write_text(f'{{"X": [[1]], "y": [1], "width": {width}}}')
    problem = load_problem(path)
    assert (problem.width, type(problem.width)) == (2, int)


@pytest.mark.parametrize("width", ["1.5", '"two"', "true", "[2]"])
def test_no_whole_width(tmp_path: Path, width: str) -> None:
    path = tmp_path / "data.json"
    path.write_text(f'{{"X": [[1]], "y": [1], "width": {width}}}')
    with pytest.raises(InputError, match=r"^width: .* is not an integer"):
        load_problem(path)


# Sizes


@pytest.mark.parametrize("read", [load_problem, read_json])
def test_long_files_are_refused_unread(tmp_path: Path, read: Callable[[Path], object]) -> None:
    path = tmp_path / "data.json"
    with path.open("wb") as file:
        file.truncate((1 << 26) + 1)  # it takes no room on the disk
    with pytest.raises(InputError, match="has more than 64 MiB; take fewer rows"):
        read(path)


@pytest.mark.parametrize("name", ["data.json", "data.csv", "network"])
def test_many_numbers_are_refused_before_they_are_converted(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text("0," * (1 << 19) + "0,0")
    with pytest.raises(InputError, match="holds more than 524,288 numbers; take fewer rows"):
        load_problem(path, target="0")
    with pytest.raises(InputError, match="holds more than 524,288 numbers"):
        read_json(path)


def test_what_is_packed_counts_as_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "data.npz"
    np.savez_compressed(path, X=np.zeros((1 << 20, 2), dtype=np.int64), y=np.zeros(1 << 20))
    assert path.stat().st_size < 1 << 17
    with pytest.raises(InputError, match="holds more than 524,288 numbers"):
        load_problem(path)


def test_common_denominators_are_bounded() -> None:
    long = [Fraction(1, 10**3000 + k) for k in range(2000)]
    problem = Problem(X=[[v] for v in long], y=[1] * 2000)
    with pytest.raises(InputError, match="X: its common denominator has more than 80,530 digits"):
        problem.integer_form()
