"""What runs as `python -m numerics.X` answers --help and refuses what it does not know, at once."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest

import numerics

ROOT = Path(numerics.__file__).parent
SCRIPTS = sorted(
    ".".join(path.relative_to(ROOT.parent).with_suffix("").parts)
    for path in ROOT.rglob("*.py")
    if "__main__" in path.read_text()
)


def test_these_are_all() -> None:
    assert SCRIPTS == [
        "numerics.studies.real_data",
        "numerics.studies.separation",
        "numerics.training.meetings",
    ]


@pytest.mark.parametrize(("option", "code"), [("--help", 0), ("--no-such-option", 2), ("word", 2)])
@pytest.mark.parametrize("name", SCRIPTS)
def test_nothing_else_is_done(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    option: str,
    code: int,
) -> None:
    module = import_module(name)
    for work in {"study", "measure", "search", "load"} & vars(module).keys():
        monkeypatch.delattr(module, work)
    with pytest.raises(SystemExit) as left:
        module.main([option])
    assert left.value.code == code
    out, err = capsys.readouterr()
    assert f"usage: python -m {name} " in (err if code else out)


def test_real_data_takes_names_in_any_case(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A ball's radius is that of sgd's network; without it one line says so."""
    module = import_module("numerics.studies.real_data")
    monkeypatch.setattr(module, "load", dict)
    with pytest.raises(SystemExit) as left:
        module.main(["--dataset", "diabetes", "--optimizer", "AdamW"])
    assert left.value.code == 2
    assert "error: measure sgd on diabetes first: it sets the radius\n" in capsys.readouterr().err
