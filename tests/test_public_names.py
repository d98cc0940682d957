"""The public names: each in its place, on the map of `help(theory)`, and free to import."""

from __future__ import annotations

import pydoc
import re
import subprocess
import sys
from pkgutil import iter_modules
from types import ModuleType

import pytest

import numerics.training
import theory

_LINE = re.compile(r"^    (\w+) +(module: )?(\S.*\S)$")


def listed() -> list[tuple[str, bool]]:
    """The names on the map, and whether it says that they are modules."""
    assert theory.__doc__ is not None
    topics = re.split(r"^[A-Z][\w ,]*::$", theory.__doc__, flags=re.MULTILINE)[1:]
    found = []
    for text in topics:
        lines = text.split("\n\n")[1].splitlines()
        matched = [_LINE.match(line) for line in lines]
        assert all(matched), lines
        found += [(each[1], each[2] is not None) for each in matched if each]
    return found


def test_the_map_has_exactly_the_public_names() -> None:
    names = [name for name, _ in listed()]
    assert sorted(names) == sorted(theory.__all__)
    assert list(theory.__all__) == sorted(theory.__all__, key=lambda name: (name.islower(), name))


@pytest.mark.parametrize(("name", "is_module"), listed())
def test_each_name_is_what_the_map_says(name: str, is_module: bool) -> None:
    found = getattr(theory, name)
    assert isinstance(found, ModuleType) is is_module
    assert found.__name__.rpartition(".")[2] == name
    if is_module:
        assert found.__all__
        assert all(hasattr(found, each) for each in found.__all__)
    else:
        assert found.__module__.startswith("theory.")
        assert found.__doc__


@pytest.mark.parametrize("name", numerics.training.__all__)
def test_each_name_of_training_is_there(name: str) -> None:
    assert getattr(numerics.training, name) is not None


def test_no_name_is_also_that_of_another_part() -> None:
    """`theory.NAME` would be one or the other, by what was imported before."""
    parts = {each.name for each in iter_modules(theory.__path__)}
    assert {name for name, is_module in listed() if not is_module}.isdisjoint(parts)
    assert {name for name, is_module in listed() if is_module} <= parts


def test_other_names_are_refused() -> None:
    with pytest.raises(AttributeError, match="no attribute 'radii_of'"):
        theory.radii_of  # noqa: B018


def test_help_shows_the_map() -> None:
    text = pydoc.plain(pydoc.render_doc(theory))
    assert all(
        re.search(rf"^ +{name} +(module: )?[a-z]", text, re.MULTILINE) for name in theory.__all__
    )


def test_the_import_loads_nothing_else() -> None:
    code = (
        "import sys; before = set(sys.modules); import theory; print(*sys.modules.keys() - before)"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in found.stdout.split()}
    assert loaded - set(sys.stdlib_module_names) == {"theory"}
    assert not re.search(r"theory\.", found.stdout)
