"""`isthmus verify gallery` and `isthmus new claim`."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from command import run, run_json

from theory.claims.gallery import GALLERY, TOPICS
from theory.claims.gallery.activation_patterns import ActivationPatterns

NAME = "activation-patterns"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_list_has_sources_and_verdicts(capsys: pytest.CaptureFixture[str]) -> None:
    listed = run_json(capsys, "verify", "gallery", "--list")["claims"]
    assert [each["id"] for each in listed] == list(GALLERY)
    (patterns,) = (each for each in listed if each["id"] == NAME)
    assert patterns["verdict"] == "tight"
    assert "Cover" in patterns["source"]
    assert "at most 2 (C(n - 1, 0)" in patterns["statement"]
    assert os.listdir() == []


def test_a_page_by_topic(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "verify", NAME, "connected-sublevel-sets", "--json", "r")
    assert (code, err) == (0, "")
    assert f"{NAME} tight" in out
    assert "4 rows in general position, d = 1" in out
    document = json.loads((folder / "r").read_text())["claims"][0]
    assert (document["verdict"], document["holds"]) == ("tight", True)
    page = (folder / "report" / "part" / "gallery.html").read_text(encoding="utf-8")
    assert "<p>Tight: in general position;" in page
    headings = [topic for topic in TOPICS if f"<h3>{topic}</h3>" in page]
    assert headings == list(TOPICS[:2])
    assert page.count('class="holds">tight<') == 6  # contents, table and section
    index = (folder / "report" / "part" / "index.html").read_text(encoding="utf-8")
    assert 'href="gallery.html"' in index
    assert f'id="{NAME}"' not in index


def test_a_verdict_that_is_not_on_record(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(ActivationPatterns, "on_record", "loose by 2")
    code, out, _ = run(capsys, "verify", NAME)
    assert code == 1
    assert f"{NAME} tight, recorded as loose by 2" in out
    page = (folder / "report" / "part" / "gallery.html").read_text(encoding="utf-8")
    assert 'class="false">tight, recorded as loose by 2<' in page


def test_a_new_claim_runs_as_it_is(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "new", "claim", "my-theorem")
    assert (code, err) == (0, "")
    assert "my_theorem.py" in out
    assert "class MyTheorem(Theorem" in (folder / "my_theorem.py").read_text()
    code, out, err = run(capsys, "verify", "my_theorem.py")
    assert (code, err) == (0, "")
    assert "my-theorem tight" in out
    assert "valid" in out
    assert run(capsys, "new", "claim", "my-theorem")[0] == 2  # never replaced


@pytest.mark.parametrize(
    ("name", "why"),
    [("My", "small letters"), ("a--b", "single dashes"), (NAME, "already"), ("margin", "already")],
)
def test_names_that_are_refused(
    name: str, why: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, err = run(capsys, "new", "claim", name)
    assert code == 2
    assert why in err
    assert os.listdir() == []
