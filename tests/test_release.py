"""What a release is told by: the version in one place, the citation, the changelog, and CI."""

from __future__ import annotations

import re
import tomllib
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[1]


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


PROJECT: dict[str, Any] = tomllib.loads(text("pyproject.toml"))["project"]
CITATION: dict[str, Any] = yaml.safe_load(text("CITATION.cff"))
WORKFLOW: dict[Any, Any] = yaml.safe_load(text(".github/workflows/ci.yml"))
KEYS = {
    *("cff-version", "message", "type", "title", "abstract", "authors", "version"),
    *("date-released", "license", "keywords", "references"),
}
"""That CFF 1.2 knows, of those in use here."""


def entries() -> list[tuple[str, str]]:
    """Version and date of each version of the changelog, the newest first."""
    return re.findall(r"^## (\d+\.\d+\.\d+) - (\S+)$", text("CHANGELOG.md"), re.MULTILINE)


def test_the_version_is_stated_once_in_the_source() -> None:
    sources = [path for part in ("theory", "numerics") for path in (ROOT / part).rglob("*.py")]
    assigned = re.compile(r"^__version__\s*=|\bversion\s*=\s*\"\d", re.MULTILINE)
    assert [path for path in sources if assigned.search(path.read_text(encoding="utf-8"))] == []
    assert re.fullmatch(r"\d+\.\d+\.\d+", PROJECT["version"])


def test_the_changelog_has_the_version_first() -> None:
    assert entries()[0] == (PROJECT["version"], CITATION["date-released"])
    released = [date.fromisoformat(day) for _, day in entries()]
    assert released == sorted(released, reverse=True)


def test_the_citation_is_that_of_the_project() -> None:
    assert CITATION["cff-version"] == "1.2.0"
    assert CITATION["version"] == PROJECT["version"]
    assert CITATION["title"].lower() == PROJECT["name"]
    assert CITATION["license"] == PROJECT["license"]
    assert [author["name"] for author in CITATION["authors"]] == [
        author["name"] for author in PROJECT["authors"]
    ]
    assert CITATION["keywords"] == PROJECT["keywords"]


def test_the_citation_is_valid() -> None:
    """By the rules of CFF 1.2 for what it has: required keys, no others, texts, dates."""
    assert {"cff-version", "message", "title", "authors"} <= set(CITATION) <= KEYS
    assert CITATION["type"] == "software"
    for name in ("message", "title", "abstract", "version", "date-released", "license"):
        assert isinstance(CITATION[name], str), name
    date.fromisoformat(CITATION["date-released"])
    for reference in CITATION["references"]:
        assert {"type", "title", "authors"} <= set(reference)
        people = [tuple(sorted(person.items())) for person in reference["authors"]]
        assert len(set(people)) == len(people)
        assert {key for person in reference["authors"] for key in person} == {
            "family-names",
            "given-names",
        }
        for identifier in reference["identifiers"]:
            assert identifier["type"] in ("doi", "url", "swh", "other")
            assert isinstance(identifier["value"], str)


def test_the_paper_is_a_reference_by_others() -> None:
    """Not what is to be cited in place of the software."""
    assert "preferred-citation" not in CITATION
    (paper,) = CITATION["references"]
    assert (paper["type"], paper["year"]) == ("article", 2026)
    assert [each["value"] for each in paper["identifiers"]] == ["arXiv:2605.09991"]
    assert paper["url"].endswith("2605.09991")
    assert "Pilanci" in [person["family-names"] for person in paper["authors"]]


# CI.

JOBS: dict[str, Any] = WORKFLOW["jobs"]


def commands(job: str) -> list[str]:
    return [step["run"] for step in JOBS[job]["steps"] if "run" in step]


def minor(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


def test_ci_tries_every_python_that_is_supported() -> None:
    pythons = JOBS["test"]["strategy"]["matrix"]["python"]
    assert all(isinstance(version, str) for version in pythons)  # 3.10 would be 3.1
    least = PROJECT["requires-python"].removeprefix(">=")
    first = minor(least)
    assert [minor(version) for version in pythons] == [
        (first[0], first[1] + k) for k in range(len(pythons))
    ]
    (setup,) = [step for step in JOBS["dist"]["steps"] if "setup-python" in step.get("uses", "")]
    assert setup["with"]["python-version"].split() == pythons
    recipe = re.search(r"^\t.*distributions\.py dist (.*)$", text("Makefile"), re.MULTILINE)
    assert recipe[1].split() == [f"python{version}" for version in pythons]


@pytest.mark.parametrize("job", JOBS)
def test_ci_runs_what_make_has(job: str) -> None:
    targets = set(re.findall(r"^(\w+):", text("Makefile"), re.MULTILINE))
    assert {command.removeprefix("make ") for command in commands(job)} <= targets


def test_ci_runs_what_the_other_ci_does() -> None:
    own = re.findall(r"^make (\w+)$", text(".ci/run"), re.MULTILINE)
    assert {f"make {target}" for target in own} <= {*commands("test")}
    assert commands("dist") == ["make dist"]
