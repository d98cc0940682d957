"""What the pages of the site say that a terminal prints."""

from __future__ import annotations

from pathlib import Path

import pytest
from command import ROOT
from console_blocks import Typed, rewritten, typed

PAGES = [
    path
    for path in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    if "```console" in path.read_text(encoding="utf-8")
]


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_terminal_prints_what_the_page_says(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for each in typed(path.read_text(encoding="utf-8")):
        assert each.right, f"$ {each.command}\n{each.printed}"


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 150


def test_each_command_has_a_page_that_runs_it() -> None:
    from numerics.cli import COMMANDS

    texts = [path.read_text(encoding="utf-8") for path in PAGES]
    shown = {name for name in COMMANDS if any(f"$ isthmus {name}" in text for text in texts)}
    assert shown == set(COMMANDS)


def test_output_that_differs_is_noticed_and_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    page = (
        "```console\n$ isthmus check nosuch.json\nvalid\n$ echo $?\n...\n```\n"
        "```console\n$ cat own.csv\nx,y\n1,2\n```\n"
    )
    found = [*typed(page)]
    assert [each.right for each in found] == [False, True, True]
    assert found[1].printed == "2\n"
    assert Path("own.csv").read_text() == "x,y\n1,2\n"
    assert rewritten(page) == page.replace("valid\n", found[0].printed)


def test_what_may_stand_where_anything_may() -> None:
    assert Typed("", "a ... b\n", "a 12 b\n").right
    assert not Typed("", "a ... b\n", "a 12 c\n").right
