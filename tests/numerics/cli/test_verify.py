"""`isthmus verify`: JSON, exit codes, and a page that needs nothing but itself."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from contextlib import nullcontext, redirect_stderr, redirect_stdout
from dataclasses import dataclass, replace
from fractions import Fraction
from html.parser import HTMLParser
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from command import run, run_json, said

from numerics.cli import main
from numerics.files import MANIFEST
from numerics.formulas import plain
from theory.certificates.checker import check_file
from theory.claims import CLAIMS, SmallWidthSeparation
from theory.claims.gallery import GALLERY
from theory.errors import Interrupted
from theory.loading import example

ID = "small-width-separation"
LANDSCAPES = {"modulo permutation", "labelled"}


@pytest.fixture(scope="module", autouse=True)
def short_training() -> Iterator[None]:
    """The flagship with fewer runs; tests/claims has it in full."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(CLAIMS, ID, SmallWidthSeparation(seeds=32, steps=2000))
        patch.setattr("numerics.coq.coqc", lambda: None)
        yield


@dataclass(frozen=True)
class Run:
    """What a run wrote and printed."""

    report: Path
    out: str
    err: str


@pytest.fixture(scope="module")
def printing(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The report, and what is printed for people."""
    folder = tmp_path_factory.mktemp("verify") / "deep" / "report"
    record = str(folder.parent.parent / "r")
    with redirect_stdout(StringIO()) as out, redirect_stderr(StringIO()) as err:
        assert main(["verify", ID, "--report", str(folder), "--json", record]) == 0
    return Run(folder, out.getvalue(), err.getvalue())


@pytest.fixture(scope="module")
def report(printing: Run) -> Path:
    return printing.report


@pytest.fixture(scope="module")
def result(report: Path) -> Any:
    (claim,) = json.loads((report.parent.parent / "r").read_text())["claims"]
    return claim


def test_json_contract(result: Any) -> None:
    assert (result["id"], result["holds"]) == (ID, True)
    assert result["predicted"]["barriers, modulo permutation"] == ["32/45"]
    assert result["predicted"]["components, modulo permutation"] == 2
    assert result["observed"]["barriers, modulo permutation"] == [pytest.approx(32 / 45)]
    assert result["observed"]["proof, labelled"] == "valid"
    assert result["predicted"]["radii of the components, adamw"] == ["2", "12/5"]
    assert result["observed"]["radii of the components, adamw"] == pytest.approx([2, 2.4])
    for bounds in result["predicted"]["radii of the components, muon"]:
        assert Fraction(bounds["lower"]) <= Fraction(bounds["upper"])


def test_json_says_where_the_runs_landed(result: Any) -> None:
    assert [runs["optimizer"] for runs in result["training"]] == ["adamw", "lion", "muon"]
    for runs, preferred in zip(result["training"], ["0", "0", "1"], strict=True):
        assert runs["runs"] == 32
        assert runs["landed"][preferred] == runs["zero_loss"] > 0


def test_certificates_lie_beside_the_page(report: Path, result: Any) -> None:
    assert set(result["certificate"]) == LANDSCAPES
    for path in result["certificate"].values():
        assert Path(path).parent == report
        check_file(path, example("flagship"))


def test_what_coq_has_not_checked_is_said(printing: Run, result: Any) -> None:
    page = (printing.report / "index.html").read_text(encoding="utf-8")
    assert set(result["coq"]) == LANDSCAPES
    for name, path in result["certificate"].items():
        found = result["coq"][name]
        assert (found["proved"], found["axioms"]) == (None, None)
        assert f"{name}: {found['statement']}. <b>not checked here" in page
        assert f"isthmus prove {path} --problem flagship --check" in page
    assert printing.out.count("not checked here: coqc is not on the path") == 2


@pytest.mark.parametrize("name", [f"{ID}.png", f"{ID}.training.png"])
def test_pictures_are_small(report: Path, name: str) -> None:
    content = (report / name).read_bytes()
    assert content.startswith(b"\x89PNG")
    assert len(content) < 150_000


def test_nothing_else_is_left(report: Path) -> None:
    assert sorted(os.listdir(report)) == [
        MANIFEST,
        "index.html",
        f"{ID}.labelled.json",
        f"{ID}.modulo-permutation.json",
        f"{ID}.png",
        f"{ID}.training.png",
    ]


def test_what_is_long_is_folded(report: Path, result: Any) -> None:
    """Unless something is wrong; the first pictures and all verdicts are seen at once."""
    text = (report / "index.html").read_text(encoding="utf-8")
    count = len(result["predicted"])
    assert count > 10
    assert f"<details><summary>{count} quantities, predicted and observed</summary>" in text
    assert "<details><summary>More pictures (7)</summary>" in text
    assert "<details><summary>2 proofs, and how to check them yourself</summary>" in text
    assert text.count("<details") == text.count("</details>")
    unfolded = re.sub(r"<details>.*?</details>", "", text, flags=re.DOTALL)
    assert unfolded.count("<svg") == 2


class _Page(HTMLParser):
    """Collects identifiers and references, and checks that elements are closed in order."""

    def __init__(self) -> None:
        super().__init__()
        self.references: list[str] = []
        self.tags: dict[str, int] = {}

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags[tag] = self.tags.get(tag, 0) + 1
        self.references += [value or "" for name, value in attributes if name in {"href", "src"}]


def test_page_is_self_contained(report: Path) -> None:
    text = (report / "index.html").read_text(encoding="utf-8")
    assert "http:" not in text
    assert "https:" not in text
    assert "@import" not in text
    page = _Page()
    page.feed(text)
    assert page.references
    assert f"#{ID}" in page.references
    beside = {name for name in page.references if not name.startswith("#")}
    assert beside == {f"{ID}.labelled.json", f"{ID}.modulo-permutation.json"}
    assert not {"script", "link", "img", "iframe"} & page.tags.keys()
    assert page.tags["svg"] == page.tags["figcaption"] == 9


def test_references_inside_pictures_resolve(report: Path) -> None:
    text = (report / "index.html").read_text(encoding="utf-8")
    wanted = set(re.findall(r'<use href="#([^"]+)"', text))
    wanted |= set(re.findall(r"url\(#(.+?)\)", text))
    names = re.findall(r' id="([^"]+)"', text)
    assert wanted
    assert wanted <= set(names)
    assert len(names) == len(set(names))


def test_page_says_what_was_found_and_how_to_check(report: Path, result: Any) -> None:
    text = (report / "index.html").read_text(encoding="utf-8")
    assert "32/45" in text
    assert "0.711111111" in text
    assert "3.0594117" in text
    assert "Each neuron of a network is a point" in text
    for runs in result["training"]:
        rho, landed = runs["rho"], runs["landed"]
        assert f"{runs['optimizer']}</th><td>{rho}</td>" in text
        assert f"0: {landed['0']}, 1: {landed['1']}</td>" in text
    for path in result["certificate"].values():
        assert f"isthmus check {path} --problem flagship" in text


def test_numbers_lead_to_the_certificates_that_show_them(report: Path) -> None:
    text = (report / "index.html").read_text(encoding="utf-8")
    rows = dict(re.findall(r"<tr><th scope=row>(.*?)</th>.*<td>(.*?)</td></tr>", text))
    for name in LANDSCAPES:
        file = f'href="{ID}.{name.replace(" ", "-")}.json"'
        shown = {row for row, links in rows.items() if file in links}
        assert shown == {
            *(f"{each}, {name}" for each in ("components", "barriers", "proof")),
            "global minimum",
        }


def test_a_second_run_writes_the_same_and_prints_json_alone(
    report: Path, result: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run(capsys, "verify", ID, "--report", tmp_path, "--json", "-")
    assert (code, err) == (0, "")
    (again,) = json.loads(out)["claims"]
    assert again["holds"] is True
    assert (again["observed"], again["training"]) == (result["observed"], result["training"])
    for name in (f"{ID}.png", f"{ID}.training.png", f"{ID}.labelled.json"):
        assert (tmp_path / name).read_bytes() == (report / name).read_bytes()


def test_a_false_claim_exits_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(CLAIMS, ID, SmallWidthSeparation(example("two-points")))
    assert main(["verify", ID, "--report", str(tmp_path)]) == 1
    out, _ = capsys.readouterr()
    assert f"{ID} is FALSE" in out
    assert "is false" in (tmp_path / "index.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "at", ["searching", "looking", "radius of component 0 for muon", "training"]
)
def test_interrupted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    def stop(stage: str, count: int) -> None:
        if f": {at}" in stage:
            raise Interrupted

    monkeypatch.setattr("numerics.cli.verify.progress", lambda *_, **of: nullcontext(stop))
    assert main(["verify", ID, "--report", str(tmp_path / "report")]) == 3
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("isthmus: interrupted")
    assert err.count("\n") == 1
    assert os.listdir(tmp_path) == []


def test_report_folder_that_cannot_be(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "file"
    file.write_text("")
    assert main(["verify", ID, "--report", str(file)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err == f"isthmus: {file}: cannot be written into: Not a directory\n"


def test_table(printing: Run) -> None:
    assert said(printing.err) == ""
    for fact in (
        "32/45",
        "2, 12/5",
        "≈ 5, ≈ 3.05941",
        "component that muon reaches",
        f"{ID} holds",
    ):
        assert fact in printing.out


def test_the_list(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is on record, also of a file's claims; nothing is verified or written."""
    monkeypatch.chdir(tmp_path)
    listed = run_json(capsys, "verify", "--list")["claims"]
    assert {each["id"]: each["recorded"] for each in listed} == {
        each.id: each.recorded for each in (CLAIMS | GALLERY).values()
    }
    (flagship,) = (each for each in listed if each["id"] == ID)
    assert flagship["statement"] == plain(CLAIMS[ID].statement)
    assert flagship["source"] == CLAIMS[ID].source
    assert flagship["hypotheses"] == [plain(text) for text in CLAIMS[ID].hypotheses]
    assert not any(
        "$" in text for each in listed for text in (each["statement"], *each["hypotheses"])
    )
    assert os.listdir() == []

    file = tmp_path / "mine.py"
    file.write_text(
        "from theory.claims import WidthNPlus1\n"
        "class Mine(WidthNPlus1):\n"
        "    id, source, recorded = 'mine', 'a talk', False\n"
    )
    code, out, err = run(capsys, "verify", "--list", file, ID)
    assert (code, err) == (0, "")
    (mine,) = (line for line in out.splitlines() if " mine " in line)
    (shipped,) = (line for line in out.splitlines() if f" {ID} " in line)
    assert "a talk" in mine
    assert "refuted" in mine
    assert "holds" in shipped
    assert "width-n-plus-1" not in out


def test_more_features_than_a_plane(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then the runs are only counted."""
    flagship = example("flagship")
    wide = replace(flagship, X=tuple((*row, Fraction()) for row in flagship.X))
    monkeypatch.setattr("theory.claims.small_width_separation._OPTIMIZERS", ("lion",))
    claim = SmallWidthSeparation(wide, seeds=4, steps=100)
    monkeypatch.setitem(CLAIMS, ID, claim)
    main(["verify", ID, "--report", str(tmp_path)])
    text = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert text.count("<svg") == 6
    assert "How many of the runs ended in which component" in text
    assert "Each neuron of a network is a point" not in text
