"""The drawing of what rests on what: every arrow of the index, nothing on top of another."""

from __future__ import annotations

import re
from itertools import combinations
from xml.etree import ElementTree

import pytest
from command import ROOT

from docs.rendering.graph import columns, drawn, spread
from docs.rendering.statements import Statement, parse

ROWS = parse((ROOT / "proofs_notes" / "README.md").read_text(encoding="utf-8"))
LINKED = {row.name for row in ROWS if row.uses} | {used for row in ROWS for used in row.uses}


@pytest.fixture(scope="module")
def svg() -> ElementTree.Element:
    return ElementTree.fromstring(drawn(ROWS))


def test_every_statement_and_arrow_is_drawn(svg: ElementTree.Element) -> None:
    assert {each.text for each in svg.iter("text")} == LINKED
    arrows = {each.text for each in svg.iter("title")}
    assert arrows == {f"{row.name} uses {used}" for row in ROWS for used in row.uses}


def test_statements_stand_to_the_right_of_what_they_use() -> None:
    column = columns({row.name: row.uses for row in ROWS})
    assert all(column[used] < column[row.name] for row in ROWS for used in row.uses)


def test_no_box_covers_another_and_all_are_inside(svg: ElementTree.Element) -> None:
    boxes = [
        [float(each.attrib[name]) for name in ("x", "y", "width", "height")]
        for each in svg.iter("rect")
    ]
    for (x, y, width, height), (left, top, wide, high) in combinations(boxes, 2):
        assert x + width <= left or left + wide <= x or y + height <= top or top + high <= y
    (picture,) = svg.iter("svg")
    for x, y, width, height in boxes:
        assert x >= 0
        assert y >= 0
        assert x + width <= float(picture.attrib["width"])
        assert y + height <= float(picture.attrib["height"])


def test_an_edge_ends_at_the_boxes_of_both(svg: ElementTree.Element) -> None:
    boxes = {link.find("text").text: link.find("rect").attrib for link in svg.iter("a")}
    for path in svg.iter("path"):
        name, used = path.find("title").text.split(" uses ")
        numbers = [float(each) for each in re.findall(r"-?[\d.]+", path.attrib["d"])]
        box = boxes[used]
        assert numbers[0] == pytest.approx(float(box["x"]) + float(box["width"]), abs=2)
        assert numbers[1] == pytest.approx(float(box["y"]) + float(box["height"]) / 2, abs=0.2)
        box = boxes[name]
        assert numbers[-2] == pytest.approx(float(box["x"]), abs=2)
        assert numbers[-1] == pytest.approx(float(box["y"]) + float(box["height"]) / 2, abs=0.2)


def test_places_are_nearest_to_where_they_are_wanted() -> None:
    """By the conditions of least squares: blocks that touch have the mean they want."""
    wanted = [3.0, 1.0, 2.0, 20.0, 19.5]
    found = spread(wanted, [2.0] * 5)
    assert found == [0.0, 2.0, 4.0, 18.75, 20.75]
    assert spread([1.0, 5.0, 9.0], [2.0] * 3) == [1.0, 5.0, 9.0]


def test_a_row_that_is_none_is_named() -> None:
    text = "\n".join(
        [
            "| statement | says | proof in | uses | claim | status |",
            "|-|",
            "| `a` | b | c | | | proved |",
        ]
    )
    with pytest.raises(ValueError, match="`a`: 'c' is not"):
        parse(text)


def test_alone_a_statement_is_left_out() -> None:
    rows = [
        Statement("a", "n.md", "A", (), (), "proved"),
        Statement("b", "n.md", "B", ("a",), (), "proved"),
    ]
    alone = Statement("c", "n.md", "C", (), (), "proved")
    assert drawn([*rows, alone]) == drawn(rows)
