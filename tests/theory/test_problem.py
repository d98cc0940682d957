"""Problems: exact conversion, the three file formats, and errors that name the field."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Callable, Iterator
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from theory.errors import InputError
from theory.loading import example, example_names, load_problem
from theory.problem import Problem, format_rational, rational, read_json

fractions = st.fractions(max_denominator=10**6)


@st.composite
def problems(draw: st.DrawFn) -> Problem:
    d = draw(st.integers(1, 4))
    rows = draw(st.lists(st.lists(fractions, min_size=d, max_size=d), min_size=1, max_size=5))
    y = draw(st.lists(fractions, min_size=len(rows), max_size=len(rows)))
    return Problem(X=rows, y=y, width=draw(st.none() | st.integers(1, 9)))


@given(problems())
def test_json_round_trip(problem: Problem) -> None:
    assert Problem.from_json(json.loads(json.dumps(problem.to_json()))) == problem


@given(fractions)
def test_text_round_trip(value: Fraction) -> None:
    assert rational(format_rational(value), "value") == value


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-1000, max_value=1000))
def test_decimals_are_exact(value: Decimal) -> None:
    if value == 0 or abs(value.adjusted()) < 100:
        assert rational(value, "value") == Fraction(value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0.1", Fraction(1, 10)),
        ("-1/3", Fraction(-1, 3)),
        (".5", Fraction(1, 2)),
        ("2.", Fraction(2)),
        ("1e3", Fraction(1000)),
        ("1.5E-3", Fraction(3, 2000)),
        (" 7 ", Fraction(7)),
        ("6/4", Fraction(3, 2)),
    ],
)
def test_text_is_exact(text: str, value: Fraction) -> None:
    assert rational(text, "value") == value


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("1/0", "divides by zero"),
        ("1e999999", "not a finite number"),
        ("nan", "not a finite number"),
        ("Infinity", "not a finite number"),
        ("", "not a finite number"),
        ("1/2/3", "not a finite number"),
        ("1_000", "not a finite number"),
        ("\u0663", "not a finite number"),  # a digit, but not one of ours
        ("9" * 5000, "digits"),
        (0.5, r"is a float; pass text such as '0\.1', or convert with Problem\.from_floats"),
        (math.nan, "not a finite number"),
        (-math.inf, "not a finite number"),
        (Decimal("NaN"), "not a finite number"),
        (Decimal("1e9999"), "not a finite number"),
        (True, "True is not a number"),
        (None, "None is not a number"),
        (1j, "is not a number"),
        ([1], "must be one number, not a list of them"),
    ],
)
def test_what_is_not_an_exact_number(value: object, reason: str) -> None:
    with pytest.raises(InputError, match=reason) as caught:
        rational(value, "X[2][0]")
    assert caught.value.field == "X[2][0]"


def test_numpy_integers_are_exact() -> None:
    problem = Problem(X=np.array([[2, -1], [0, 3]]), y=np.array([1, 2]), width=np.int64(2))  # type: ignore[arg-type]
    assert problem == Problem(X=[["2", "-1"], ["0", "3"]], y=[1, "4/2"], width=2)
    assert type(problem.width) is int


@pytest.mark.parametrize(
    ("X", "y", "field", "reason"),
    [
        ([], [], "X", "is empty"),
        ([[]], [1], "X", "no columns"),
        ([[1, 2], [3]], [1, 2], "X[1]", "has 1 entries, but X[0] has 2"),
        ([[1], [2]], [1], "y", "has 1 entries, but X has 2 rows"),
        ([[1], ["a"]], [1, 2], "X[1][0]", "'a' is not a finite number"),
        ([[1], [2]], [1, math.inf], "y[1]", "inf is not a finite number"),
        ([[1], [0.5]], [1, 2], "X[1][0]", "is a float"),
        ([1, 2], [1, 2], "X[0]", "must be a list, not int"),
        ("12", [1, 2], "X", "must be a list, not str"),
        ({"a": 1}, [1], "X", "must be a list, not dict"),
        ([[1]], 5, "y", "must be a list, not int"),
    ],
)
def test_errors_name_the_field(X: Any, y: Any, field: str, reason: str) -> None:
    with pytest.raises(InputError, match=reason.replace("[", r"\[")) as caught:
        Problem(X=X, y=y)
    assert caught.value.field == field
    assert str(caught.value).startswith(f"{field}: ")


@pytest.mark.parametrize("width", [0, -1, True, "2", 2.0])
def test_width_must_be_a_positive_integer(width: Any) -> None:
    with pytest.raises(InputError, match=r"^width: "):
        Problem(X=[[1]], y=[1], width=width)


def test_valid_extremes() -> None:
    assert Problem(X=[[0, 0]], y=[0]).n == 1
    assert Problem(X=[[0], [0]], y=["1", "2"]).d == 1


def test_integer_form_is_least() -> None:
    X, p, y, q = Problem(X=[["1/2", "1/3"], [2, 0]], y=["1/4", "1/6"]).integer_form()
    assert (X, p) == ([[3, 2], [12, 0]], 6)
    assert (y, q) == ([3, 2], 12)


def test_bias_appends_the_constant_feature() -> None:
    problem = Problem(X=[[2], [3]], y=[1, 2], width=4).with_bias()
    assert problem.X == ((2, 1), (3, 1))
    assert problem.width == 4
    assert problem.bias == "default"
    with pytest.raises(InputError, match=r"^bias: the problem has biases already, default ones"):
        problem.with_bias("free")


@pytest.mark.parametrize("bias", ["default", "decayed", "adamw", "free"])
def test_files_have_the_treatment_in_place_of_the_feature(bias: str) -> None:
    problem = Problem(X=[[2], [3]], y=[1, 2]).with_bias(bias)
    document = {"X": [["2"], ["3"]], "y": ["1", "2"], "bias": bias}
    assert problem.to_json() == document
    assert Problem.from_json(document) == problem
    assert Problem([[4, "1/2"], [6, "1/2"]], problem.y, bias=bias).bias == bias  # in other units


@pytest.mark.parametrize(
    ("X", "bias", "message"),
    [
        ([[1, 1]], "none", r"^bias: 'none' is none; write default, decayed, adamw, free"),
        ([[1, 1]], 1, r"^bias: 1 is none"),
        ([[1, 1], [1, 2]], "free", r"^bias: needs a constant positive last column of X"),
        ([[1, -1]], "free", r"^bias: needs a constant positive last column of X"),
        ([[1]], "free", r"^X: has no columns"),
    ],
)
def test_wrong_biases(X: list[list[int]], bias: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Problem(X, [0] * len(X), bias=bias)


def test_floats_by_binary_value_or_nearest_fraction() -> None:
    exact = Problem.from_floats(np.array([[0.1]]), np.array([0.5], dtype=np.float32))
    assert exact.X[0][0] == Fraction(3602879701896397, 36028797018963968)
    near = Problem.from_floats([[0.1]], [1 / 3], floats=1000, width=3)
    assert near == Problem(X=[["1/10"]], y=["1/3"], width=3)


def test_bad_floats_name_their_place() -> None:
    with pytest.raises(InputError, match=r"^X\[0\]\[1\]: nan is not a finite number"):
        Problem.from_floats([[0.0, math.nan]], [1.0])
    with pytest.raises(InputError, match=r"^floats: 0 must be at least 1"):
        Problem.from_floats([[1.0]], [1.0], floats=0)


# Files


def test_json_decimals_mean_what_they_say(tmp_path: Path) -> None:
    path = tmp_path / "data.json"
    path.write_text('{"X": [[0.1, "1/3"], [2, 1e2]], "y": [1, -0.25], "width": 2}')
    problem = load_problem(path)
    assert problem == Problem(X=[["1/10", "1/3"], [2, 100]], y=[1, "-1/4"], width=2)
    assert problem.name == "data"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "is not JSON"),
        ("", "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ("[1]", "must be a JSON object"),
        ('{"y": [1]}', "^X: is missing"),
        ('{"X": [[1]]}', "^y: is missing"),
        ('{"X": [[NaN]], "y": [1]}', "NaN is not a finite number"),
        ('{"X": [[1]], "y": [-Infinity]}', "-Infinity is not a finite number"),
        ('{"X": [[1e999]], "y": [0]}', None),
        ('{"X": [[1e9999]], "y": [0]}', r"^X\[0\]\[0\]: '1e9999' is not a finite number"),
        ('{"X": [[1]], "y": [1], "widht": 2}', "^widht: is not a known field"),
        ('{"X": [[1]], "y": [1], "width": 1.5}', "^width: '1.5' is not an integer"),
    ],
)
def test_bad_json(tmp_path: Path, text: str, reason: str | None) -> None:
    path = tmp_path / "data.json"
    path.write_text(text)
    if reason is None:
        assert load_problem(path).X[0][0] == Fraction(10) ** 999
        return
    with pytest.raises(InputError, match=reason):
        load_problem(path)


def test_missing_file_and_unknown_example(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.json: cannot be read"):
        load_problem(tmp_path / "none.json")
    with pytest.raises(InputError, match="^nosuch: is neither a file nor a shipped example; `isth"):
        load_problem("nosuch")


def test_not_utf8(tmp_path: Path) -> None:
    path = tmp_path / "data.json"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="cannot be read"):
        read_json(path)


@pytest.mark.parametrize("target", ["price", "2", "-1"])
def test_csv(tmp_path: Path, target: str) -> None:
    path = tmp_path / "data.csv"
    path.write_text("a,b,price\n0.1,2,3\n\n1/3,-4,5\n")
    assert load_problem(path, target=target) == Problem(X=[["0.1", 2], ["1/3", -4]], y=[3, 5])


def test_csv_without_header(tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    path.write_text("1,2\n3,4\n")
    assert load_problem(path, target="0") == Problem(X=[[2], [4]], y=[1, 3])


@pytest.mark.parametrize(
    ("text", "target", "reason"),
    [
        ("a,b\n1,2\n", None, "^target: name the column to fit .*a, b"),
        ("a,b\n1,2\n", "c", "^target: 'c' is not a column"),
        ("a,b\n1,2\n", "2", "^target: '2' is not a column"),
        ("a,b\n1\n", "a", r"row 0 \(line 2\): has 1 entries, but the table has 2"),
        ("", "a", "is empty"),
        ("a,b\n", "a", "^X: is empty"),
        ("a,b\n1,x\n", "a", r"^data.csv row 0 \(line 2\), column 'b': 'x' is not a number"),
        ("a,b\n1,nan\n", "b", r"^data.csv: values are missing: column 'b', row 0 \(line 2\)"),
    ],
)
def test_bad_csv(tmp_path: Path, text: str, target: str | None, reason: str) -> None:
    path = tmp_path / "data.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=reason):
        load_problem(path, target=target)


def test_npz_arrays(tmp_path: Path) -> None:
    path = tmp_path / "data.npz"
    np.savez(path, X=np.array([[1, 2], [3, 4]]), y=np.array([5, 6]), z=np.array([7, 8]))
    assert load_problem(path) == Problem(X=[[1, 2], [3, 4]], y=[5, 6])
    assert load_problem(path, target="z").y == (7, 8)


def test_npz_columns(tmp_path: Path) -> None:
    path = tmp_path / "data.npz"
    np.savez(path, a=np.array([1, 3]), price=np.array([5, 6]))
    assert load_problem(path, target="price") == Problem(X=[[1], [3]], y=[5, 6])


def test_npz_floats_need_a_meaning(tmp_path: Path) -> None:
    path = tmp_path / "data.npz"
    np.savez(path, X=np.array([[0.1]]), y=np.array([0.5]))
    with pytest.raises(InputError, match="^floats: data.npz holds floats"):
        load_problem(path)
    assert load_problem(path, floats="10").X == ((Fraction(1, 10),),)
    assert load_problem(path, floats="exact").X == ((Fraction(0.1),),)
    for wrong in ("0", "-1", "some"):
        with pytest.raises(InputError, match="^floats: "):
            load_problem(path, floats=wrong)


@pytest.mark.parametrize(
    ("arrays", "target", "reason"),
    [
        ({"X": [[1]]}, None, "^target: 'y' is not an array"),
        ({"a": [1, 2], "b": [1]}, "a", "columns of different lengths"),
        ({"a": 1}, "a", "neither an array X nor one-dimensional columns"),
        ({"X": [1, 2], "y": [1, 2]}, None, "X is of shape .2,., and must be a matrix"),
        ({"X": 3, "y": [1, 2]}, None, "X is of shape .., and must be a matrix"),
        ({"X": [["u"]], "y": [1]}, None, "^data.npz row 0, column '0': 'u' is not a number"),
        ({"X": [[True]], "y": [1]}, None, "^data.npz row 0, column '0': True is not a number"),
    ],
)
def test_bad_npz(tmp_path: Path, arrays: dict[str, Any], target: str, reason: str) -> None:
    path = tmp_path / "data.npz"
    np.savez(path, **{key: np.array(value) for key, value in arrays.items()})  # type: ignore[arg-type]
    with pytest.raises(InputError, match=reason):
        load_problem(path, target=target)


@pytest.mark.parametrize("content", [b"", b"not a zip", b"PK\x03\x04 cut short"])
def test_broken_npz(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "data.npz"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"data\.npz: cannot be read"):
        load_problem(path)


def test_npz_with_pickles_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "data.npz"
    np.savez(path, X=np.array([[object()]], dtype=object), y=np.array([1]))
    with pytest.raises(InputError, match="cannot be read"):
        load_problem(path)


# Examples


@pytest.mark.parametrize("name", example_names())
def test_shipped_examples_are_complete(name: str) -> None:
    problem = example(name)
    assert problem.name == name
    assert problem.width is not None
    assert problem.description.endswith(".")


def test_import_is_light() -> None:
    heavy = {"numpy", "scipy", "flint", "matplotlib", "sympy", "torch", "cvxpy", "hypothesis"}
    code = f"import sys, theory, theory.problem; print(sorted({heavy} & set(sys.modules)))"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert loaded.stdout.strip() == "[]"


def test_csv_with_a_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    path.write_text("\ufeff1,2,3\n4,5,6\n", encoding="utf-8")
    assert load_problem(path, target="2").y == (3, 6)
    path.write_text("\ufeffa,b\n1,2\n", encoding="utf-8")
    assert load_problem(path, target="a").y == (1,)


def test_a_bad_cell_in_the_first_row_is_no_header(tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    path.write_text("1,nan,3\n4,5,6\n", encoding="utf-8")
    with pytest.raises(InputError, match="values are missing: column '1', row 0 .line 1.;"):
        load_problem(path, target="2")


def test_columns_of_the_same_name(tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    path.write_text("a,y,y\n1,2,3\n", encoding="utf-8")
    with pytest.raises(InputError, match="two columns named 'y'"):
        load_problem(path, target="y")


def test_numbers_with_more_digits_than_python_writes_are_no_mistake_of_the_input() -> None:
    with pytest.raises(OverflowError, match="4300 digits"):
        format_rational(Fraction(10**5000, 3))


class Frame:
    """As much of a pandas data frame as is looked at: iterating it gives the column names."""

    def __init__(self, values: object) -> None:
        self.values = np.array(values)

    def __iter__(self) -> Iterator[str]:
        return iter("ab")

    def to_numpy(self) -> np.ndarray:
        return self.values


@pytest.mark.parametrize("kind", [np.array, torch.tensor, Frame])
def test_arrays_tensors_and_frames_of_integers(kind: Callable[[object], Any]) -> None:
    assert Problem(X=kind([[1, 2], [3, 4]]), y=np.array([5, 6])) == Problem(
        [[1, 2], [3, 4]], [5, 6]
    )


@pytest.mark.parametrize("kind", [np.array, torch.tensor, Frame])
def test_arrays_tensors_and_frames_of_floats(kind: Callable[[object], Any]) -> None:
    values = [[0.5, 2.0], [1.0, 0.25]]
    with pytest.raises(InputError, match=r"^X\[0\]\[0\]: 0.5 is a float; .*Problem.from_floats"):
        Problem(X=kind(values), y=[1, 2])
    assert Problem.from_floats(kind(values), [1, 2]).X == ((Fraction(1, 2), 2), (1, Fraction(1, 4)))


@pytest.mark.parametrize("kind", [np.array, torch.tensor])
def test_arrays_of_another_shape_name_the_place(kind: Callable[[object], Any]) -> None:
    with pytest.raises(InputError, match=r"^y\[0\]: must be one number, not a list of them"):
        Problem(X=[[1], [2]], y=kind([[1], [2]]))
    with pytest.raises(InputError, match=r"^X\[0\]\[0\]: must be one number, not a list of them"):
        Problem(X=kind([[[1]], [[2]]]), y=[1, 2])
    with pytest.raises(InputError, match=r"^X: must be a list, not int"):
        Problem(X=kind(3), y=[1])
