"""The parts of HTML pages: verdicts, values, what is folded."""

from __future__ import annotations

import re
from fractions import Fraction

import pytest
from matplotlib.figure import Figure

from numerics.page import Entry, Html, badge, describe, figures, page, table, verdict_of
from numerics.report.chapters import _quantities
from theory.claims import Bounds


@pytest.mark.parametrize(
    ("holds", "recorded", "said", "colour"),
    [
        (True, True, "holds", "holds"),
        (False, True, "is false", "false"),
        (False, False, "refuted, as recorded", "refuted"),
        (True, False, "holds, though recorded as refuted", "false"),
        (True, None, "holds, and no verdict is recorded", "false"),
        (False, None, "is false, and no verdict is recorded", "false"),
    ],
)
def test_verdicts(holds: bool, recorded: bool | None, said: str, colour: str) -> None:
    verdict = verdict_of(holds, recorded)
    assert verdict == said
    assert badge(verdict) == f'<span class="{colour}">{said}</span>'


def test_a_wide_range_is_no_prediction_of_a_value() -> None:
    assert describe(Bounds(Fraction(0), Fraction(1))) == "anything from 0 to 1"
    assert describe(Bounds(Fraction(1, 2), Fraction(1, 2))) == "1/2"
    narrow = Bounds(Fraction(3), 3 + Fraction(1, 10**8))
    assert describe((narrow, narrow)) == "≈ 3 (2 times)"


def test_pictures_beyond_the_first_are_folded() -> None:
    pictures = [(Figure, f"caption {k}") for k in range(3)]
    first, rest = figures(pictures, "name", most=2).split("<details>")
    assert (first.count("<svg"), rest.count("<svg")) == (2, 1)
    assert rest.startswith("<summary>More pictures (1)</summary>")
    assert "<details" not in figures(pictures, "name")
    assert "<details" not in figures(pictures, "name", most=3)


def test_long_tables_are_folded_unless_something_is_wrong() -> None:
    rows = [(f"quantity {k}", "1", "1") for k in range(11)]
    assert "<details><summary>11 quantities" in _quantities(rows, Html, unfolded=False)
    assert "<details open><summary>11 quantities" in _quantities(rows, Html, unfolded=True)
    assert "<details" not in _quantities(rows[:10], Html, unfolded=False)


RECORD = {"command": ["isthmus"], "versions": {}}


def rules(text: str) -> dict[str, str]:
    """What the style of a page says of classes that it gave names."""
    return dict(re.findall(r"^\.(s\d+)\{(.*)\}$", text, re.MULTILINE))


def test_styles_become_classes_that_say_the_same() -> None:
    body = '<p style="color:red">1</p><p style="a:&quot;b&quot;">2</p><p style="color:red">3</p>'
    text = page("title", body, RECORD, {})
    assert "style=" not in text
    said = rules(text)
    shown = re.findall(r'<p class="(s\d+)">(\d)</p>', text)
    assert [(said[name], number) for name, number in shown] == [
        ("color:red", "1"),
        ('a:"b"', "2"),
        ("color:red", "3"),
    ]
    assert len(said) == 2


def test_names_and_clips_of_pictures_are_short_and_lead_to_the_same() -> None:
    digests = "p0123456789", "p9876543210"
    pictures = "".join(
        f'<svg><path clip-path="url(#{name})" style="fill:red"/><g clip-path="url(#{name})"></g>'
        f'<use href="#{name}"/><clipPath id="{name}"/></svg>'
        for name in digests
    )
    text = page("title", f'<a href="#{digests[0]}">x</a>{pictures}', RECORD, {})
    assert f'<a href="#{digests[0]}">' in text
    assert digests[1] not in text
    said = rules(text)
    for k, shown in enumerate(re.findall("<svg>.*?</svg>", text)):
        (clip,) = re.findall('<g class="(.*?)">', shown)
        assert said[clip] == f"clip-path:url(#p{k})"
        (both,) = re.findall('<path class="(.*?)"/>', shown)
        assert [said[name] for name in both.split()] == [said[clip], "fill:red"]
        assert f'<use href="#p{k}"/><clipPath id="p{k}"/>' in shown


def test_rows_of_tables_have_the_heads_of_their_columns() -> None:
    """Which narrow screens show beside each cell; whatever is in them ends no style."""
    heads = ["row", "it's 1 \\ 2", "</style>", "$n <= d$"]
    text = page(
        "title", table(heads, [["a", "b", "c", "d"]], [("", 2), ("both; of", 2)]), RECORD, {}
    )
    (labels,) = rules(text).values()
    assert text.count("</style>") == 1
    values = re.findall(r"--c(\d):'((?:[^'\\]|\\.)*)'(?:;|$)", labels)
    plain = [re.sub(r"\\([0-9a-f]+) ", lambda m: chr(int(m[1], 16)), value) for _, value in values]
    assert plain == ["it's 1 \\ 2", "both; of: </style>", "both; of: n <= d"]
    assert "td:nth-of-type(3)::before { content: var(--c3)" in text
    assert "<tr><th colspan=2></th><th colspan=2>both; of</th></tr>" in text


def test_a_table_has_no_more_columns_than_labels() -> None:
    with pytest.raises(ValueError, match="16 columns: the style has labels for 15"):
        table(["row"] * 17, [])


def test_cells_are_escaped_unless_they_are_html() -> None:
    text = table(["<1>", "2"], [["<a>", Html("<b>x</b>")]])
    assert "<th>&lt;1&gt;</th>" in text
    assert "<th scope=row>&lt;a&gt;</th><td><b>x</b></td>" in text


def test_contents_have_headings_where_they_are_named() -> None:
    contents = {"": [Entry("#a", "<a>")], "Claims": [Entry("b.html", "b", badge("holds"))]}
    text = page("title", "", RECORD, contents)
    nav = text[text.index("<nav>") : text.index("</nav>")]
    assert '<li><a href="#a">&lt;a&gt;</a> </li>' in nav
    assert nav.count("<h2>") == 1
    assert '<h2>Claims</h2>\n<ul><li><a href="b.html">b</a> <span class="holds">' in nav


def test_captions_are_typeset() -> None:
    assert "<figcaption>of <math><mrow><mi>n</mi></mrow></math></figcaption>" in figures(
        [(Figure, "of $n$")], "name"
    )
