"""The README's Python, as a type checker sees it; that it runs is a doctest of its own."""

from __future__ import annotations

import doctest
from pathlib import Path

from mypy import api

README = Path(__file__).parents[2] / "README.md"


def test_the_examples_pass_mypy(tmp_path: Path) -> None:
    examples = doctest.DocTestParser().get_examples(README.read_text(encoding="utf-8"))
    assert len(examples) > 10
    file = tmp_path / "readme.py"
    file.write_text("".join(example.source for example in examples), encoding="utf-8")
    out, err, _ = api.run([str(file), "--no-error-summary"])
    assert (out, err) == ("", "")
