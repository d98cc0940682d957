"""Objects show themselves: in one line, as a table, as a picture, as JSON and for pandas."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from fractions import Fraction
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib import pyplot
from matplotlib.figure import Figure

import theory
from theory import Ball, Network, Problem, example
from theory.errors import InputError
from theory.pictures.landscapes import draw_minimax_path
from theory.strategies import networks, problems
from theory.tables import Between, Table

FLAGSHIP = example("flagship")
TWO = example("two-regions")


def shown() -> Iterator[tuple[str, Any]]:
    """One of each kind."""
    landscape = theory.analyse(FLAGSHIP, 2)
    ends = [each.representative for each in landscape.components]
    yield "Problem", FLAGSHIP
    yield "Network", ends[0]
    yield "Analysis", landscape
    yield "Component", landscape.components[1]
    barrier = theory.barrier_between(FLAGSHIP, *ends)
    yield "Barrier", barrier
    yield "MinimaxPath", barrier.path
    tree = theory.valleys(FLAGSHIP, 2, within=Ball("adamw", "11/5"))
    yield "Valleys", tree
    yield "Valley", tree.valleys[1]
    yield "Radii", theory.least_radii(landscape, ["adamw", "lion"])
    yield "Margins", theory.max_margins(example("xor"), ["adamw", "lion"], 4)
    yield "MaxMargin", theory.MaxMargin(example("xor"), "adamw", 4)
    regions = theory.optimizer_regions(TWO, ("adamw", "muon"), 2)
    yield "Regions", regions
    yield "Frontier", regions.frontier(3)
    yield "Meeting", regions.at(Fraction(3, 5), Fraction(17, 10))
    yield "Optimum", theory.solve(FLAGSHIP, Ball("adamw", 2), width=2)
    yield "Profile", theory.width_profile(FLAGSHIP, Ball("adamw", "11/5"), 2)
    wide = [Network([[*row, 0, 0] for row in end.W], [*end.a, 0, 0]) for end in ends]
    solutions = theory.SolutionSet(FLAGSHIP, Ball("adamw", 5), Fraction())
    yield "SolutionPath", theory.connect(solutions, *wide)
    yield "Line", theory.line(FLAGSHIP, ends[0], ends[1])
    yield "Alignment", theory.align(FLAGSHIP, ends[0], ends[1])
    yield "Classified", theory.classify(FLAGSHIP, ends[0])


NAMES = (
    *("Problem", "Network", "Analysis", "Component", "Barrier", "MinimaxPath", "Valleys"),
    *("Valley", "Radii", "Margins", "MaxMargin", "Regions", "Frontier", "Meeting", "Optimum"),
    *("Profile", "SolutionPath", "Line", "Alignment", "Classified"),
)
TABLES = (
    *("Problem", "Network", "Analysis", "MinimaxPath", "Valleys", "Radii", "Margins"),
    *("MaxMargin", "Frontier", "Profile", "SolutionPath"),
)
each_kind = pytest.mark.parametrize("name", NAMES)


@pytest.fixture(scope="module")
def objects() -> dict[str, Any]:
    return dict(shown())


def test_all_kinds_are_looked_at(objects: dict[str, Any]) -> None:
    assert tuple(objects) == NAMES
    assert all(type(value).__name__ == name for name, value in objects.items())


@each_kind
def test_in_one_line(objects: dict[str, Any], name: str) -> None:
    line = repr(objects[name])
    assert "\n" not in line
    assert len(line) <= 160
    assert line.startswith((f"<{name}: ", f"{name}("))


@each_kind
def test_as_a_table_without_scripts(objects: dict[str, Any], name: str) -> None:
    table = ElementTree.fromstring(objects[name]._repr_html_())
    tags = {element.tag for element in table.iter()}
    assert tags == {"table", "caption", "thead", "tbody", "tr", "th", "td"}
    assert (table.findtext("caption") or "").startswith(name)
    widths = {len(row) for row in table.iter("tr")}
    assert len(widths) == 1


@each_kind
def test_as_a_document(objects: dict[str, Any], name: str) -> None:
    document = objects[name].to_json()
    assert json.loads(json.dumps(document, allow_nan=False)) == document


@pytest.mark.parametrize("name", [name for name in NAMES if name != "Classified"])
def test_on_axes_that_are_given_and_on_new_ones(objects: dict[str, Any], name: str) -> None:
    figure = Figure()
    axes = figure.subplots()
    assert objects[name].plot(axes) is axes
    assert axes.has_data()
    assert not pyplot.get_fignums()
    new = objects[name].plot()
    assert new.has_data()
    assert pyplot.get_fignums() == [new.figure.number]
    for each in (figure, new.figure):
        each.canvas.draw()  # so that warnings of the renderer count
    pyplot.close("all")


@pytest.mark.parametrize("name", TABLES)
def test_for_pandas(objects: dict[str, Any], name: str) -> None:
    frame = objects[name].to_dataframe()
    table = objects[name]._table()
    assert len(frame) == len(table.rows)
    # The same cells as in the notebook's table, intervals in two columns each.
    found = iter(frame.columns)
    for column, cells in zip(table.columns, zip(*table.rows, strict=True), strict=True):
        if any(isinstance(cell, Between) for cell in cells):
            pairs = [cell if isinstance(cell, Between) else (None, None) for cell in cells]
            for end, values in zip(("lower", "upper"), zip(*pairs, strict=True), strict=True):
                name = next(found)
                assert name == f"{column}, {end}"
                assert frame[name].tolist() == list(values)
        else:
            assert frame[next(found)].tolist() == list(cells)


def test_figures_stand_in_the_tables(objects: dict[str, Any]) -> None:
    assert "<td>32/45</td>" in objects["Analysis"]._repr_html_()
    assert "<td>12/5</td>" in objects["Radii"]._repr_html_()
    assert objects["Radii"].to_dataframe()["adamw, lower"].tolist() == [2, Fraction(12, 5)]
    assert objects["Valleys"].to_dataframe()["into"].tolist() == [None, 0, 1]
    assert repr(objects["Barrier"]) == "<Barrier: 32/45, of networks of loss 0 and 0>"


def test_text_is_escaped() -> None:
    name = "<script>alert('x & y')</script>"
    html = Problem([[1]], [1], name=name)._repr_html_()
    assert "<script" not in html
    assert (ElementTree.fromstring(html).findtext("caption") or "").startswith(f"Problem {name}: ")


@pytest.mark.parametrize(("n", "d"), [(500, 2), (3, 500), (500, 500)])
def test_large_data_stay_short(n: int, d: int) -> None:
    problem = Problem(np.arange(n * d).reshape(n, d), range(n))
    assert repr(problem) == f"<Problem: n = {n}, d = {d}>"
    html = problem._repr_html_()
    assert len(html) < 12_000
    table = ElementTree.fromstring(html)
    said = " ".join(table.itertext())
    assert (f"{n - 20:,} more" in said) is (n > 20)
    assert (f"{d - 18:,} more" in said) is (d > 20)
    assert len(repr(Network(problem.X, [1] * d))) < 120


@given(problem=problems(n=(1, 4), d=(1, 3)))
def test_short_problems_are_calls_that_make_them(problem: Problem) -> None:
    text = repr(problem)
    assert text.startswith("<") or eval(text, {"Problem": Problem}) == problem


@given(network=st.integers(1, 3).flatmap(lambda d: networks(d, (1, 3))))
def test_short_networks_are_calls_that_make_them(network: Network) -> None:
    text = repr(network)
    assert text.startswith("<") or eval(text, {"Network": Network}) == network


def test_what_is_not_as_usual_stands_in_the_call() -> None:
    problem = Problem([[1]], ["1/3"], 3, activation="abs", loss="huber:1/2", output_bias=True)
    problem = problem.with_bias("free")
    assert eval(repr(problem), {"Problem": Problem}) == problem
    weighted = Problem([[1]], [1], weights=[2])
    assert repr(weighted) == "<Problem: n = 1, d = 1, weights>"


def test_without_pandas_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(InputError, match=r"^pandas: is not installed; run pip install pandas$"):
        FLAGSHIP.to_dataframe()


def test_a_table_without_rows_has_its_columns() -> None:
    frame = Table(("a", "b"), []).dataframe()
    assert (list(frame.columns), len(frame)) == (["a", "b"], 0)


@given(lower=st.fractions(), above=st.fractions(min_value=0))
def test_intervals_in_words(lower: Fraction, above: Fraction) -> None:
    assert str(Between(lower, None)).startswith("at least ")
    assert str(Between(None, lower)).startswith("at most ")
    assert str(Between(None, None)) == "?"
    assert (" to " in str(Between(lower, lower + above))) <= (above > 0)


@pytest.mark.parametrize("beta", [None, "1/10"])
def test_the_curve_of_a_path_is_its_loss(beta: str | None) -> None:
    """Convex between breakpoints, exact at them, and highest at the barrier."""
    if beta is None:
        landscape = theory.analyse(FLAGSHIP, 2)
        path = landscape.path(0, 1)
    else:
        tree = theory.valleys(FLAGSHIP, 2, within=theory.Penalty(beta))
        path = tree.path(tree.valleys[1])
    axes = Figure().subplots()
    draw_minimax_path(axes, path)
    times, losses = (np.asarray(values, dtype=float) for values in axes.lines[0].get_data())
    exact = dict(enumerate(map(float, path.losses)))
    at = {round(float(t), 9): float(loss) for t, loss in zip(times, losses, strict=True)}
    assert all(abs(at[k] - loss) <= 1e-6 * (1 + loss) for k, loss in exact.items())
    assert max(losses) <= float(path.value) * (1 + 1e-9) + 1e-12
    for k in range(len(path.losses) - 1):
        piece = losses[(times >= k) & (times <= k + 1)]
        assert np.all(np.diff(piece, 2) >= -1e-9)


# Data frames and floats


@given(problem=problems())
def test_frames_and_back(problem: Problem) -> None:
    assert Problem.from_dataframe(problem.to_dataframe(), "y") == problem


@given(
    digits=st.lists(st.integers(-(10**6), 10**6), min_size=1, max_size=4),
    places=st.integers(0, 6),
    kind=st.sampled_from(["list", "numpy", "torch", "pandas"]),
)
def test_decimals_come_back(digits: list[int], places: int, kind: str) -> None:
    import pandas
    import torch

    exact = tuple(Fraction(v, 10**places) for v in digits)
    floats = [float(v) for v in exact]
    if kind == "pandas":
        frame = pandas.DataFrame({"x": floats, "y": floats})
        found = Problem.from_dataframe(frame, "y", floats="decimal")
    else:
        make: Any = {
            "list": list,
            "numpy": np.array,
            "torch": lambda values: torch.tensor(values, dtype=torch.float64, requires_grad=True),
        }[kind]
        found = Problem.from_floats([make([v]) for v in floats], make(floats), floats="decimal")
    assert found == Problem([[v] for v in exact], exact)


def test_single_precision_has_its_own_decimals() -> None:
    import torch

    single = np.array([[0.1], [0.7]], dtype=np.float32)
    for X in (single, torch.from_numpy(single)):
        found = Problem.from_floats(X, [1.0, 2.0], floats="decimal")
        assert [str(row[0]) for row in found.X] == ["1/10", "7/10"]
        assert Problem.from_floats(X, [1.0, 2.0]).X[0][0] == Fraction(float(np.float32(0.1)))


def frame(**columns: Any) -> Any:
    import pandas

    return pandas.DataFrame({"x": [1, 2], "y": [3, 4]} | columns)


@pytest.mark.parametrize(
    ("columns", "options", "message"),
    [
        ({}, {"target": "z"}, r"^target: 'z' is not a column; they are x, y$"),
        ({"x": [0.5, 1]}, {}, r"^column 'x'\[0\]: 0.5 is a float; pass floats='decimal' "),
        (
            {"x": [1, None], "y": [None, 1]},
            {"floats": "decimal"},
            r"^frame: has missing values in x, y; fill or drop them, as dropna\(\) does$",
        ),
        ({"x": ["a", "1"]}, {}, r"^column 'x'\[0\]: 'a' is not a finite number"),
        ({"x": [True, False]}, {}, r"^column 'x'\[0\]: .*True.* is not a number"),
        ({"x": [np.inf, 1.0]}, {"floats": "exact"}, r"^column 'x'\[0\]: .*inf.* not a finite"),
        ({}, {"floats": "binary"}, r"^floats: 'binary' is none; write 'exact', 'decimal' or 1000"),
        ({}, {"floats": 0}, r"^floats: 0 must be at least 1"),
    ],
)
def test_frames_that_are_refused(
    columns: dict[str, Any], options: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        Problem.from_dataframe(frame(**columns), **({"target": "y"} | options))


def test_frames_without_features_or_with_a_name_twice() -> None:
    with pytest.raises(InputError, match=r"^frame: has no column but the target"):
        Problem.from_dataframe(frame()[["y"]], "y")
    with pytest.raises(InputError, match=r"^frame: has several columns x; give them names"):
        Problem.from_dataframe(frame()[["x", "x", "y"]], "y")


def test_exact_cells_need_no_word_on_floats() -> None:
    from decimal import Decimal

    found = Problem.from_dataframe(frame(x=[Fraction(1, 3), Decimal("0.1")]), "y", loss="huber:1")
    assert found == Problem([["1/3"], ["1/10"]], [3, 4], loss="huber:1")


def test_columns_that_are_no_numbers_are_to_be_flattened() -> None:
    with pytest.raises(InputError, match=r"^y\[0\]: must be one number; flatten it, as ravel"):
        Problem.from_floats(np.ones((2, 1)), np.ones((2, 1)))
