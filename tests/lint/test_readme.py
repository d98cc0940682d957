"""The Python of README and pages, as a type checker sees it; that it runs are doctests."""

from __future__ import annotations

import doctest
from pathlib import Path

from mypy import api

ROOT = Path(__file__).parents[2]
PAGES = [
    path
    for path in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    if ">>> " in path.read_text(encoding="utf-8")
]


def source(path: Path) -> str:
    """The examples of a page, in a row."""
    examples = doctest.DocTestParser().get_examples(path.read_text(encoding="utf-8"))
    return "".join(example.source for example in examples)


def test_the_examples_pass_mypy(tmp_path: Path) -> None:
    assert len(PAGES) > 5
    files = []
    for path in PAGES:
        files.append(tmp_path / f"{path.stem.replace('-', '_').lower()}.py")
        files[-1].write_text(source(path), encoding="utf-8")
    out, err, _ = api.run([*map(str, files), "--no-error-summary"])
    assert (out, err) == ("", "")
