"""A user's script with every public name passes `mypy --strict`, with nothing of our settings, and
runs."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest
from mypy import api

import theory
from numerics import training

ROOT = Path(theory.__file__).parents[1]
SCRIPT = Path(__file__).with_name("user_script.py")
RUNS = ("Runs", "train_runs")  # what else training has is for experiments


def used(module: str) -> set[str]:
    """The attributes of a module that the script names."""
    return {
        node.attr
        for node in ast.walk(ast.parse(SCRIPT.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == module
    }


def strict(file: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """What `mypy --strict` says of a script; of what is installed it only takes the types."""
    monkeypatch.setenv("MYPYPATH", str(ROOT))
    # In a cache of its own: that of the whole project has other options.
    cache = f"--cache-dir={ROOT / '.mypy_cache' / 'user'}"
    options = ["--strict", "--follow-imports=silent", "--config-file=", cache]
    out, err, _ = api.run([*options, "--no-error-summary", str(file)])
    return out + err


def test_it_names_everything_public() -> None:
    assert used("theory") == set(theory.__all__)
    assert used("training") == set(RUNS) <= set(training.__all__)


def test_it_passes_mypy_and_is_looked_at(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert strict(SCRIPT, monkeypatch) == ""
    wrong = tmp_path / "wrong.py"
    text = SCRIPT.read_text(encoding="utf-8")
    wrong.write_text(text.replace("barrier: Fraction | None = found", "barrier: str = found"))
    assert "Incompatible types in assignment" in strict(wrong, monkeypatch)


def test_it_runs(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-W", "error", str(SCRIPT)]
    run = subprocess.run(command, cwd=tmp_path, env=environment, check=True, capture_output=True)
    # The errors that it catches: what is missing, how much is needed, which name was meant.
    said = run.stdout.decode().splitlines()
    assert said == ["format: is missing", "207374699821536 200000000", "flagshp"]
