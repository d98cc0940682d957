"""The pages of a report: what is in the contents, where links lead, what is folded, what is
escaped."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from numerics.report.chapters import Chapter, write_report
from numerics.report.verification import verify_claims
from theory import analyse, certify, example
from theory.certificates.checker import check_file
from theory.claims import Claim
from theory.claims.base import Observation, Prediction, Trainer, Value, proof
from theory.claims.gallery import GALLERY
from theory.types import Progress, silent

RECORD = {"command": ["isthmus", "verify", "<all>"], "versions": {"python": "3"}}
NASTY = '<script src="http://x"></script> & "more"'
QUICK_THEOREMS = ("activation-patterns", "linear-networks-connected", "memorising-network")


@dataclass(frozen=True)
class Planted(Claim):
    """One with a certificate, whose texts are no HTML, and whose verdict is given."""

    id: str = "planted"
    found: int = 2
    recorded: bool = True

    statement = f"With $m >= n + 1$ {NASTY}."
    hypotheses = (f"$||W|| <= R_W$, {NASTY}", "nothing else")
    source = NASTY

    def predict(self, progress: Progress) -> Prediction[None]:
        flagship = example("flagship")
        certificates = {f"as sets {NASTY}": certify(analyse(flagship))}
        (name,) = certificates
        values: dict[str, Value] = {
            f"components {NASTY}": 2,
            proof(name): "valid",
            "without a proof": NASTY,
        }
        shown = {f"components {NASTY}": (name,)}
        return Prediction(values, certificates, {name: flagship}, proofs=shown)

    def observe(
        self, prediction: Prediction[Any], train: Trainer, progress: Progress
    ) -> Observation[None]:
        return Observation({**prediction.values, f"components {NASTY}": self.found})


CLAIMS = (
    Planted("holding"),
    Planted("false", found=3),
    Planted("refuted", found=3, recorded=False),
)


class Page(HTMLParser):
    """What is in a page; elements that are not closed, or in the wrong order, are an error."""

    VOID = frozenset(("meta", "br", "wbr"))

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.text = path.read_text(encoding="utf-8")
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.shown = ""
        self.feed(self.text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attributes)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attributes)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.shown += data

    def all(self, attribute: str) -> list[str]:
        """The values of an attribute."""
        return [value for _, found in self.tags if (value := found.get(attribute)) is not None]

    def part(self, name: str) -> str:
        """The text of an element that is there once, or of the first of a kind."""
        found = re.search(rf"<{name}[ >].*?</{name}>", self.text, re.DOTALL)
        assert found
        return found[0]


@dataclass
class Report:
    """A folder with pages, and the chapters it was made of."""

    folder: Path
    chapters: list[Chapter] = field(default_factory=list)

    def write(self, claims: list[Claim], **options: Any) -> None:
        by_id = {each.id: each for each in verify_claims(claims, self.folder, progress=silent)}
        self.chapters = [by_id[claim.id] for claim in claims]
        write_report(self.chapters, self.folder, RECORD, **options)

    def page(self, name: str = "index.html") -> Page:
        return Page(self.folder / name)


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Report]:
    made = Report(tmp_path_factory.mktemp("report"))
    theorems = [GALLERY[name].quick() for name in QUICK_THEOREMS]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("numerics.coq.coqc", lambda: None)
        made.write([*CLAIMS, *theorems])
        yield made


PAGES = pytest.mark.parametrize("name", ["index.html", "gallery.html"])


@PAGES
def test_every_link_leads_somewhere(report: Report, name: str) -> None:
    page = report.page(name)
    places = page.all("id")
    assert len(places) == len(set(places))
    targets = page.all("href")
    assert targets
    for target in targets:
        if target.startswith("#"):
            assert target[1:] in places
        else:
            assert (report.folder / target).is_file()


@PAGES
def test_nothing_is_from_outside(report: Report, name: str) -> None:
    page = report.page(name)
    assert not {"script", "link", "img", "iframe", "object"} & {tag for tag, _ in page.tags}
    assert page.all("src") == []
    assert "@import" not in page.text
    assert "url(" not in re.sub(r"url\(#\w+\)", "", page.text)


def test_texts_are_escaped(report: Report) -> None:
    page = report.page()
    assert page.shown.count(f"With m≥n+1 {NASTY}.") == len(CLAIMS)
    assert page.shown.count(f"Source: {NASTY}") == len(CLAIMS)
    assert f"components {NASTY}" in page.shown
    assert "Made by isthmus verify '<all>' with" in page.shown


def test_every_claim_is_in_the_contents(report: Report) -> None:
    for name, chapters in (
        ("index.html", report.chapters[: len(CLAIMS)]),
        ("gallery.html", report.chapters[len(CLAIMS) :]),
    ):
        contents = report.page(name).part("nav")
        lines = [f'<li><a href="#{each.id}">{each.id}</a> {each.badge}</li>' for each in chapters]
        assert [line for line in lines if line in contents] == lines
    assert 'href="gallery.html">The gallery: 3 theorems' in report.page().part("nav")


def test_what_does_not_hold_is_unfolded(report: Report, tmp_path: Path) -> None:
    folds = {
        found.group(2): bool(found.group(1))
        for found in re.finditer(
            r'<details class=claim( open)?>\n<summary>.*?</summary>\n<span class=anchor id="(.+?)"',
            report.page().text + report.page("gallery.html").text,
        )
    }
    assert folds == {
        "holding": False,
        "false": True,
        "refuted": True,
        "activation-patterns": False,
        "linear-networks-connected": True,  # a counterexample
        "memorising-network": False,
    }
    alone = Report(tmp_path)
    alone.write([Planted("holding")])
    assert "<details class=claim open>" in alone.page().text


def test_numbers_lead_to_their_certificates_and_commands(report: Report) -> None:
    text = report.page().text
    rows = re.findall(r"<tr><th scope=row>(.*?)</th>.*<td>(.*?)</td></tr>", text)
    linked = [links for row, links in rows if row.startswith(("components", "proof, as sets"))]
    assert len(linked) == 2 * len(CLAIMS)
    for links in linked:
        file, check, again = re.findall(r'href="(.*?)"', links)
        check_file(report.folder / file, example("flagship"))
        assert f'<code id="{check[1:]}">isthmus check ' in text
        assert f'<code id="{again[1:]}">isthmus verify ' in text
    (alone,) = {re.sub("#.*?again", "", links) for row, links in rows if row == "without a proof"}
    assert alone == '<a href="">run</a>'


def test_the_command_says_how_it_was_run(tmp_path: Path) -> None:
    (made,) = verify_claims([Planted()], tmp_path, progress=silent, quick=True)
    assert ">isthmus verify planted --quick</code>" in made.body


@PAGES
def test_formulas_are_well_formed(report: Report, name: str) -> None:
    formulas = re.findall(r"<math>.*?</math>", report.page(name).text)
    assert formulas
    for formula in formulas:
        assert len(ElementTree.fromstring(formula)) == 1


def test_the_gallery_has_a_table_for_each_topic(report: Report) -> None:
    text = report.page("gallery.html").text
    for each in report.chapters[len(CLAIMS) :]:
        assert f"<h3>{each.topic}</h3>" in text
        assert (
            f'<tr><th scope=row><a href="#{each.id}">{each.id}</a></th><td>{each.said}</td>' in text
        )


def test_what_is_not_reached_is_said(report: Report, tmp_path: Path) -> None:
    write_report(report.chapters[:1], tmp_path, RECORD, quick=True, unfinished=["later"])
    shown = Page(tmp_path / "index.html").shown
    assert "Interrupted before these were done: later." in shown
    assert "A quick run" in shown
