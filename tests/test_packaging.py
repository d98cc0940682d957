"""What is installed: every file of the packages that is not code is package data."""

from __future__ import annotations

import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

from distributions import dependencies
from tried import SHIPPED

ROOT = Path(__file__).parents[1]
PACKAGES = ("theory", "numerics")
BUILD = "import sys; from setuptools import build_meta; build_meta.build_wheel(sys.argv[1])"


def data() -> set[str]:
    """The files of the packages that are not code."""
    found = (path for name in PACKAGES for path in (ROOT / name).rglob("*") if path.is_file())
    return {
        str(path.relative_to(ROOT))
        for path in found
        if path.suffix != ".py" and path.parent.name != "__pycache__" and path.name[0] != "."
    }


def test_every_data_file_is_named_in_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    named = project["tool"]["setuptools"]["package-data"]
    covered = {
        str(path.relative_to(ROOT))
        for package, patterns in named.items()
        for pattern in patterns
        for path in (ROOT / package).glob(pattern)
    }
    assert data() == covered


def test_a_wheel_has_every_data_file(tmp_path: Path) -> None:
    """Built by the setuptools that is here, without a network, from a copy."""
    source = tmp_path / "source"
    source.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        (source / name).write_bytes((ROOT / name).read_bytes())
    for name in PACKAGES:
        (source / name).symlink_to(ROOT / name)
    subprocess.run(
        [sys.executable, "-c", BUILD, str(tmp_path)], cwd=source, check=True, capture_output=True
    )
    (wheel,) = tmp_path.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    assert data() <= names
    assert "numerics/gpt2/studies/default.toml" in names


def test_what_make_dist_tries_is_there() -> None:
    """Of the dependencies torch alone is left out, and what is looked for is data of a package."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    (without,) = set(project["dependencies"]) - set(dependencies())
    assert without.startswith("torch>")
    assert set(SHIPPED) <= data()
