"""Files as users bring them: what is read, what is doubtful, and what each refusal advises."""

from __future__ import annotations

import gzip
import io
import json
import math
import os
import threading
import warnings
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from theory.errors import InputError
from theory.landscape import analyse
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
        ("data.npy", b"\x93NUMPY\x01\x00", "cannot be read: "),
        ("data.xlsx", b"PK\x03\x04", "is a spreadsheet; save it as CSV"),
        ("data.xls", b"\xd0\xcf\x11\xe0", "is a spreadsheet; save it as CSV"),
        ("data.parquet", b"PAR1", r"save the table as CSV, in pandas with to_csv"),
        ("data.csv.gz", gzip.compress(b"a,b\n", mtime=0), "is compressed; unpack it first"),
        ("data.csv", gzip.compress(b"a,b\n", mtime=0), "is compressed; unpack it first"),
        ("data", b"\x93NUMPY\x01\x00", "cannot be read: "),
        ("data.npy", b"a,y\n1,2\n", "cannot be read: "),
        ("data.csv", "a,b\n1,2".encode("utf-16"), "is text in UTF-16; save it as UTF-8"),
        ("data.csv", b"a,b\n1,caf\xe9", "line 2 is not text in UTF-8; save it as UTF-8"),
        ("data.json", b"\x00\x01", "is not text; a problem is a JSON, CSV, NPY or NPZ file"),
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
        ("setosa", "a", "'setosa' is not a number; write categories .* with --drop 'a'"),
        ("True", "a", "'True' is not a number; write categories as columns of 0 and 1"),
        (
            "M",
            "y",
            "'M' is not a number; name the labels of -1 and 1 with --labels .*POSITIVE, .* 3,M",
        ),
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
    assert caught.value.field == f"data.csv row 1 (line 4), column '{column}'"


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
        ("data.json", '{"X": [[1]], "y": [1]}', "a", "^drop: 'a' is not a column of data.json: 0$"),
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
    np.savez(path, X=np.array([[0, 1, 2], [1, 2, 1]]), y=np.array([3, 4]))
    assert load_problem(path, drop=["0"]) == SMALL
    with pytest.raises(InputError, match="^drop: 'y' is not a column of data.npz: 0, 1, 2"):
        load_problem(path, drop=["y"])


# Decimal commas


def decimal(value: Fraction, mark: str) -> str:
    """A number of hundredths as text."""
    whole = abs(int(value * 100))
    return f"{'-' * (value < 0)}{whole // 100}{mark}{whole % 100:02}"


@given(
    table=st.lists(st.lists(st.integers(-999, 999), min_size=3, max_size=3), min_size=1),
    header=st.booleans(),
    mark=st.booleans(),
    end=st.sampled_from(["\n", "\r\n"]),
)
def test_decimal_commas_between_semicolons(
    tmp_path_factory: pytest.TempPathFactory,
    table: list[list[int]],
    header: bool,
    mark: bool,
    end: str,
) -> None:
    """As spreadsheets write them in half of the world."""
    path = tmp_path_factory.getbasetemp() / "table.csv"
    numbers = [[Fraction(v, 100) for v in row] for row in table]
    lines = ["u;v;y"] * header + [";".join(decimal(v, ",") for v in row) for row in numbers]
    path.write_text(end.join(lines), encoding="utf-8-sig" if mark else "utf-8", newline="")
    expected = Problem(X=[row[:2] for row in numbers], y=[row[2] for row in numbers])
    assert load_problem(path, target="2") == expected
    path.write_text("\n".join(lines).replace(",", "."))
    assert load_problem(path, target="2") == expected


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a;y\n1,5;2\n1.500;3\n", r"row 1 .*: '1\.500' has a point, but '1,5' has a comma"),
        ("a;y\n1.234,5;2\n", r"'1\.234,5' is not a number"),
        ("a\ty\n1,5\t2\n", "'1,5' has a comma; write decimals with a point"),
        ('a,y\n"1,5",2\n', "'1,5' has a comma; write decimals with a point"),
    ],
)
def test_commas_that_may_mean_anything(tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "data.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=reason):
        load_problem(path, target="y")


# Missing values


@pytest.mark.parametrize("cell", ["", " ", "NA", "NaN", "?", "null", "-"])
def test_missing_values_are_named_together(tmp_path: Path, cell: str) -> None:
    path = tmp_path / "data.csv"
    path.write_text(f"a,b,c,y\n1,2,3,4\n1,{cell},3,4\n\n1,{cell},3,{cell}\n")
    with pytest.raises(InputError, match="^data.csv: ") as caught:
        load_problem(path, target="y")
    assert str(caught.value) == (
        "data.csv: values are missing: column 'b', row 1 (line 3) and 1 more; column 'y', row 2 "
        "(line 5); fill them in, or leave rows out with --rows, columns with --drop"
    )
    assert load_problem(path, target="y", rows="0").X == ((1, 2, 3),)
    assert load_problem(path, target="y", rows=":2", drop=["b"]).y == (4, 4)


def test_missing_floats(tmp_path: Path) -> None:
    path = tmp_path / "data.npy"
    np.save(path, np.array([[1, math.nan, 2], [math.nan, math.nan, 3]]))
    match = r"column '0', row 1; column '1', row 0 and 1 more; fill"
    with pytest.raises(InputError, match=match):
        load_problem(path, target="2", floats="exact")
    assert load_problem(path, target="2", floats="exact", columns=["0"], rows="0").X == ((1,),)


# Columns and rows


TABLE = "id,a,b,kind,y\n" + "".join(
    f"{k},{k * k},{5 - k},{'uvw'[k % 3]},{2 * k}\n" for k in range(9)
)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "data.csv"
    path.write_text(TABLE)
    return path


def test_columns_in_the_order_they_are_named(table: Path) -> None:
    found = load_problem(table, target="y", columns=["b", "1"], rows=":3")
    assert found == Problem(X=[[5, 0], [4, 1], [3, 4]], y=[0, 2, 4])
    named = load_problem(table, target="y", columns=["id", "a", "b"])  # no warning of an index
    with pytest.warns(DataWarning, match="counts the rows"):
        assert load_problem(table, target="y", drop=["kind"]) == named


@pytest.mark.parametrize(
    ("rows", "taken"),
    [
        ("0:4", [0, 1, 2, 3]),
        ("::4", [0, 4, 8]),
        ("-2:", [7, 8]),
        ("8:2:-3", [8, 5]),
        ("3,5,8", [3, 5, 8]),
        ("-1, 0", [8, 0]),
        ("6:, 0:2", [6, 7, 8, 0, 1]),
        ("7:99", [7, 8]),
    ],
)
def test_rows(table: Path, rows: str, taken: list[int]) -> None:
    found = load_problem(table, target="y", columns=["id"], rows=rows)
    assert [row[0] for row in found.X] == taken
    assert found.y == tuple(2 * k for k in taken)


@given(
    n=st.integers(1, 12),
    ends=st.lists(st.none() | st.integers(-15, 15), min_size=2, max_size=3),
)
def test_slices_are_those_of_python(
    tmp_path_factory: pytest.TempPathFactory, n: int, ends: list[int | None]
) -> None:
    path = tmp_path_factory.getbasetemp() / "rows.csv"
    path.write_text("a,y\n" + "".join(f"{k},1\n" for k in range(n)))
    text = ":".join("" if each is None else str(each) for each in ends)
    assume(ends[2:] != [0])
    if expected := list(range(n))[slice(*ends)]:
        found = load_problem(path, target="y", rows=text)
        assert [row[0] for row in found.X] == expected
    else:
        with pytest.raises(InputError, match=r"^rows: '.*' takes none of the \d+ rows of rows.csv"):
            load_problem(path, target="y", rows=text)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"rows": "9"}, "^rows: data.csv has 9 rows, from 0, and no row 9$"),
        ({"rows": "-10"}, "^rows: data.csv has 9 rows, from 0, and no row -10$"),
        ({"rows": "5:5"}, "^rows: '5:5' takes none of the 9 rows"),
        ({"rows": "0:3,2"}, "^rows: '0:3,2' takes row 2 twice"),
        ({"rows": "::0"}, "^rows: '::0' has step 0"),
        ({"rows": "first"}, "^rows: 'first' is neither a number nor a slice"),
        ({"rows": ""}, "^rows: '' is neither"),
        ({"rows": "1,"}, "^rows: '' is neither"),
        ({"rows": "1:2:3:4"}, "^rows: '1:2:3:4' is neither"),
        ({"rows": "1" * 5000}, "^rows: '1+' is neither"),
        ({"columns": ["c"]}, "^columns: 'c' is not a column of data.csv: id, a, b, kind, y"),
        ({"columns": ["a", "1"]}, "^columns: 'a' is named twice"),
        ({"columns": ["a", "y"]}, "^columns: 'y' is the column to fit"),
        ({"columns": ["a"], "drop": ["b"]}, "^columns: give it or --drop, not both"),
        ({"columns": []}, "^X: has no columns"),
        ({"columns": ["a", "kind"]}, "row 0 .line 2., column 'kind': 'u' is not a number; write"),
    ],
)
def test_bad_choices(table: Path, options: dict[str, Any], reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        load_problem(table, target="y", **{"columns": ["a"]} | options)


def test_many_columns_are_not_all_listed(tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    path.write_text(",".join(f"x{k}" for k in range(500)) + "\n" + ",".join(["1"] * 500))
    with pytest.raises(InputError, match=r"one of x0, .*, x11, \.\.\. \(500 in all\)\)$"):
        load_problem(path)


def test_choices_in_json(tmp_path: Path) -> None:
    """X is a table without names; what the file says of each row goes with the row."""
    path = tmp_path / "data.json"
    document = {"X": [[1, 2], [3, 4], [5, 6]], "y": [7, 8, 9], "weights": [1, 2, 3], "width": 2}
    path.write_text(json.dumps(document | {"bias": "free", "description": "Three rows."}))
    found = load_problem(path, rows="2,0", columns=["1"])
    assert found == Problem(
        X=[[6, 1], [2, 1]], y=[9, 7], weights=[3, 1], width=2, bias="free", name="data"
    )
    assert found.description == ""
    assert load_problem(path, target="y").description == "Three rows."
    with pytest.raises(InputError, match="^target: data.json states y itself"):
        load_problem(path, target="0")
    with pytest.raises(InputError, match="^columns: '2' is not a column of data.json: 0, 1"):
        load_problem(path, columns=["2"])
    path.write_text(json.dumps({"X": [[1], [2]], "y": [1, 2], "form": [[1, 0], [0, 1]]}))
    assert load_problem(path, rows=":").loss.form is not None
    with pytest.raises(InputError, match="^form: is of all rows; leave out --rows"):
        load_problem(path, rows="0")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[1]", "must be a JSON object"),
        ('{"X": [[1]]}', "^y: is missing"),
        ('{"X": [[1]], "y": 2}', "^y: must be a list"),
        ('{"X": [[1], [2]], "y": [1]}', "^y: has 1 entries, but X has 2 rows"),
        ('{"X": [[1]], "y": [null]}', "^data.json: values are missing: column 'y', row 0"),
    ],
)
def test_bad_json_is_refused_before_anything_is_chosen(
    tmp_path: Path, text: str, reason: str
) -> None:
    path = tmp_path / "data.json"
    path.write_text(text)
    with pytest.raises(InputError, match=reason):
        load_problem(path, rows="0")


def test_rows_of_a_shipped_example() -> None:
    assert load_problem("flagship", rows="2:") == Problem(X=FLAGSHIP.X[2:], y=[2, 2], width=2)


@given(st.permutations(range(4)), st.permutations(["x1", "x2"]))
def test_the_order_of_rows_and_columns_does_not_matter(
    tmp_path_factory: pytest.TempPathFactory, rows: list[int], columns: list[str]
) -> None:
    path = tmp_path_factory.getbasetemp() / "flagship.csv"
    path.write_text(INDEXED)
    text = ",".join(map(str, rows))
    found = analyse(load_problem(path, target="y", rows=text, columns=columns), 2)
    assert sorted(found.barriers[0]) == [0, Fraction(32, 45)]


# Labels


def test_labels(table: Path) -> None:
    chosen: dict[str, Any] = {"target": "kind", "columns": ["a"], "rows": "0,1,3,4"}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = load_problem(table, labels=["u", "v"], **chosen)
    assert found == Problem(X=[[0], [1], [9], [16]], y=[-1, 1, -1, 1])
    assert load_problem(table, labels=["v", "u"], **chosen).y == (1, -1, 1, -1)


def test_rows_with_other_labels_are_left_out_and_counted(table: Path) -> None:
    match = "^3 rows of data.csv left out: column 'kind' has other labels there, w$"
    with pytest.warns(DataWarning, match=match):
        found = load_problem(table, target="kind", columns=["id"], labels=["v", "u"])
    assert found.X == ((0,), (1,), (3,), (4,), (6,), (7,))


@pytest.mark.parametrize(
    ("labels", "rows", "reason"),
    [
        (["u", "x"], ":", "^labels: no row that is read has 'x' in column 'kind'; .* u, v, w$"),
        (["u", "v"], "::3", "^labels: no row that is read has 'v' in column 'kind'; there are u$"),
        (["U", "v"], ":", "^labels: no row that is read has 'U'"),
        (["u", "v"], "2", "^labels: no row that is read has 'u' in column 'kind'; there are w$"),
        (["u"], ":", "^labels: 'u' must be two different texts, NEGATIVE,POSITIVE$"),
        (["u", "u"], ":", "^labels: 'u,u' must be two different texts"),
        (["u", "v", "w"], ":", "^labels: 'u,v,w' must be two different texts"),
        ([], ":", "^labels: '' must be two different texts"),
    ],
)
def test_bad_labels(table: Path, labels: list[str], rows: str, reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        load_problem(table, target="kind", columns=["a"], labels=labels, rows=rows)


@pytest.mark.parametrize(
    ("cells", "labels"),
    [
        ("0;1;1;0", ["0", "1"]),
        ("0.0;1.0;1;0", ["0", "1"]),
        ("2,5;1;1,0;2,50", ["2,5", "1"]),
        ("False;True;True;False", ["False", "True"]),
        (" no;yes ;yes;no", ["no", "yes"]),
        ("caf\u00e9;th\u00e9;th\u00e9;caf\u00e9", ["caf\u00e9", "th\u00e9"]),
    ],
)
def test_labels_of_any_kind(tmp_path: Path, cells: str, labels: list[str]) -> None:
    path = tmp_path / "data.csv"
    lines = [f"{k};{cell}" for k, cell in enumerate(cells.split(";"))]
    path.write_text("\n".join(["a;y", *lines]), encoding="utf-8")
    assert load_problem(path, target="y", labels=labels).y == (-1, 1, 1, -1)


def test_labels_in_arrays_and_json(tmp_path: Path) -> None:
    path = tmp_path / "data.npz"
    for y in ([0, 1], [0.0, 1.0], ["0", "1"]):
        np.savez(path, X=np.array([[1], [2]]), y=np.array(y))
        assert load_problem(path, labels=["1", "0"]).y == (1, -1)
    np.savez(path, X=np.array([[1], [2]]), y=np.array([False, True]))
    assert load_problem(path, labels=["False", "True"]).y == (-1, 1)
    other = tmp_path / "data.json"
    other.write_text('{"X": [[1], [2]], "y": ["no", "yes"], "loss": "hinge"}')
    assert load_problem(other, labels=["no", "yes"]) == Problem([[1], [2]], [-1, 1], loss="hinge")


def test_a_missing_label_is_no_other_label(tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    path.write_text("a,y\n1,u\n2,\n,v\n")
    match = r"column 'a', row 2 \(line 4\); column 'y', row 1 \(line 3\)"
    with pytest.raises(InputError, match=match):
        load_problem(path, target="y", labels=["u", "v"])


# Standardised features


COLUMNS = st.lists(st.fractions(-9, 9, max_denominator=9), min_size=2, max_size=7).filter(
    lambda column: len({*column}) > 1
)


@given(COLUMNS, st.fractions(1, 9).filter(bool), st.fractions(-9, 9), st.booleans())
def test_standardised_features_know_no_units(
    tmp_path_factory: pytest.TempPathFactory,
    column: list[Fraction],
    unit: Fraction,
    shift: Fraction,
    negative: bool,
) -> None:
    """The mean is 0 and the mean absolute value 1, exactly; the target stays."""
    path = tmp_path_factory.getbasetemp() / "column.csv"
    path.write_text("a,y\n" + "".join(f"{v},{v}\n" for v in column))
    found = load_problem(path, target="y", standardise=True)
    values = [row[0] for row in found.X]
    assert sum(values) == 0
    assert sum(map(abs, values)) == len(values)
    assert found.y == tuple(column)
    sign = -1 if negative else 1
    path.write_text("a,y\n" + "".join(f"{sign * unit * v + shift},{v}\n" for v in column))
    again = load_problem(path, target="y", standardise=True)
    assert [row[0] for row in again.X] == [sign * v for v in values]
    path.write_text("a,y\n" + "".join(f"{v},{v}\n" for v in values))
    assert [row[0] for row in load_problem(path, target="y", standardise=True).X] == values


def test_rows_that_are_left_out_do_not_count_for_the_mean(table: Path) -> None:
    found = load_problem(table, target="y", columns=["id"], rows="2,4", standardise=True)
    assert found.X == ((-1,), (1,))


def test_a_constant_column_cannot_be_standardised(tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    path.write_text("a,one,y\n1,1,2\n3,1,4\n")
    match = "^standardise: column 'one' is constant; leave it out with --drop 'one'$"
    with pytest.raises(InputError, match=match):
        load_problem(path, target="y", standardise=True)
    assert load_problem(path, target="y", drop=["one"], standardise=True).X == ((-1,), (1,))
    with pytest.raises(InputError, match="^standardise: column 'a' is constant"):
        load_problem(path, target="y", rows="0", standardise=True)


def test_the_feature_of_biases_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "data.json"
    path.write_text('{"X": [[1], [3]], "y": [1, 2], "bias": "decayed"}')
    assert load_problem(path, standardise=True).X == ((-1, 1), (1, 1))


@pytest.mark.parametrize("text", ["a,y\n", "y,z\n1,2\n"])
def test_nothing_to_standardise(tmp_path: Path, text: str) -> None:
    path = tmp_path / "data.csv"
    path.write_text(text)
    with pytest.raises(InputError, match="^X: (is empty|has no columns)"):
        load_problem(path, target="y", drop=["z"] * ("z" in text), standardise=True)


# Anything


@given(
    text=st.text(st.sampled_from('01,;.\t\n"-axyn\ufeff?e/ \r'), max_size=60),
    options=st.fixed_dictionaries(
        {},
        optional={
            "drop": st.lists(st.sampled_from(["a", "0", "-1", ""]), max_size=2),
            "columns": st.lists(st.sampled_from(["a", "0", "1", ""]), max_size=2),
            "rows": st.text(st.sampled_from("012:-,"), max_size=5),
            "labels": st.lists(st.sampled_from(["0", "1", "a", "x"]), max_size=3),
            "standardise": st.booleans(),
        },
    ),
)
def test_whatever_stands_in_a_table_it_is_read_or_refused_in_one_line(
    tmp_path_factory: pytest.TempPathFactory, text: str, options: dict[str, Any]
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.csv"
    path.write_text(text, encoding="utf-8", newline="")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        try:
            found = load_problem(path, target="-1", **options)
        except InputError as error:
            assert "\n" not in str(error)  # noqa: PT017
        else:
            assert found.n > 0 < found.d


# Matrices


def test_a_matrix_names_its_target_by_number(tmp_path: Path) -> None:
    path = tmp_path / "data.npy"
    np.save(path, np.array([[3, 1, 2], [4, 2, 1]]))
    assert load_problem(path, target="0") == SMALL
    assert load_problem(path, target="-3", columns=["1", "2"]).name == "data"
    assert load_problem(path, target="2", columns=["1"]) == Problem(X=[[1], [2]], y=[2, 1])
    with pytest.raises(InputError, match=r"^target: name the column to fit \(one of 0, 1, 2\)"):
        load_problem(path)
    with pytest.raises(InputError, match="^target: 'y' is not a column of data.npy: 0, 1, 2"):
        load_problem(path, target="y")


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64, np.longdouble])
def test_a_matrix_of_floats(tmp_path: Path, kind: type) -> None:
    path = tmp_path / "data.npy"
    np.save(path, np.array([[0.5, 0.25], [1, 2]], dtype=kind))
    expected = Problem(X=[["1/2"], [1]], y=["1/4", 2])
    assert load_problem(path, target="1", floats="exact") == expected
    with pytest.raises(InputError, match="^floats: data.npy holds floats; say which rationals"):
        load_problem(path, target="1")


def test_integers_beside_floats_stay_exact(tmp_path: Path) -> None:
    """2^53 + 1 is no double."""
    path = tmp_path / "data.npz"
    np.savez(path, a=np.array([0.5]), y=np.array([2**53 + 1]))
    assert load_problem(path, target="y", floats="exact").y == (2**53 + 1,)


@pytest.mark.parametrize("name", ["data.npy", "data", "data.npz"])
def test_a_matrix_is_known_by_its_content(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    with path.open("wb") as file:
        np.save(file, np.array([[1, 2, 3], [2, 1, 4]]))
    assert load_problem(path, target="2") == SMALL


@pytest.mark.parametrize("rows", [3, 10**9, 10**15, 10**25])
def test_a_matrix_that_says_it_is_larger_than_it_is(tmp_path: Path, rows: int) -> None:
    path = tmp_path / "data.npy"
    header = {"descr": "<f8", "fortran_order": False, "shape": (rows, 2)}
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        file.write(bytes(32))
    with pytest.raises(InputError, match="data.npy: cannot be read: "):
        load_problem(path, target="0", floats="exact")


@pytest.mark.parametrize(
    ("array", "reason"),
    [
        ([1, 2], r"holds an array of shape \(2,\); it must be a matrix .*np\.savez"),
        ([[[1]]], r"holds an array of shape \(1, 1, 1\)"),
        (3, r"holds an array of shape \(\)"),
        (np.zeros((0, 2), dtype=int), "^X: is empty"),
        (np.zeros((2, 1), dtype=int), "^X: has no columns"),
        ([[1, 2j]], r"^data\.npy row 0, column '0': \(1\+0j\) is not a number"),
        ([["u", "1"]], "^data.npy row 0, column '0': 'u' is not a number"),
        (np.array([[None, 1]], dtype=object), "cannot be read: Object arrays cannot be loaded"),
        (np.zeros((1 << 19, 2), dtype=np.int8), "holds more than 524,288 numbers"),
    ],
)
def test_bad_matrices(tmp_path: Path, array: Any, reason: str) -> None:
    path = tmp_path / "data.npy"
    np.save(path, np.array(array))
    with pytest.raises(InputError, match=reason):
        load_problem(path, target="0")


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
