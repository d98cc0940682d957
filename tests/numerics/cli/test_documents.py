"""What `to_json` of an object says is what the command line prints for the same question."""

from __future__ import annotations

import json
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from command import run_json

import theory
from theory import Ball, Network, example

FLAGSHIP = example("flagship")


def landscape() -> theory.Analysis:
    return theory.analyse(FLAGSHIP, 2)


def ends() -> list[Network]:
    return [each.representative for each in landscape().components]


def regions() -> theory.Regions:
    return theory.optimizer_regions(example("two-regions"), ("adamw", "muon"), 2)


def path() -> Any:
    wide = [Network([[*row, 0, 0] for row in end.W], [*end.a, 0, 0]) for end in ends()]
    solutions = theory.SolutionSet(FLAGSHIP, Ball("adamw", 5), Fraction())
    return theory.connect(solutions, *wide)


TWO = "regions two-regions --optimizers adamw,muon --width 2"


@pytest.mark.parametrize(
    ("command", "make"),
    [
        ("barrier flagship --width 2", landscape),
        (
            "barrier flagship --within adamw --rho 12/5 --labelled --level 1/10",
            lambda: theory.analyse(
                FLAGSHIP, 2, within=Ball("adamw", "12/5"), labelled=True, level="1/10"
            ),
        ),
        (
            "valleys flagship --within adamw --rho 11/5",
            lambda: theory.valleys(FLAGSHIP, 2, within=Ball("adamw", "11/5")),
        ),
        (
            "radii flagship --optimizers adamw,lion",
            lambda: theory.least_radii(landscape(), ["adamw", "lion"]),
        ),
        (
            "margin xor --optimizer adamw,lion --width 4",
            lambda: theory.max_margins(example("xor"), ["adamw", "lion"], 4),
        ),
        (
            "solve flagship --optimizer adamw --rho 2 --width 2",
            lambda: theory.solve(FLAGSHIP, Ball("adamw", 2), width=2),
        ),
        (
            "width flagship --optimizer adamw --rho 11/5 --max-width 2",
            lambda: theory.width_profile(FLAGSHIP, Ball("adamw", "11/5"), 2),
        ),
        (f"{TWO} --vertices 3", lambda: regions().frontier(3)),
        (f"{TWO} --at 3/5,17/10", lambda: regions().at(Fraction(3, 5), Fraction(17, 10))),
        (f"{TWO} --at 3/5,3/2", lambda: regions().at(Fraction(3, 5), Fraction(3, 2))),
    ],
)
def test_commands(
    capsys: pytest.CaptureFixture[str], command: str, make: Callable[[], Any]
) -> None:
    printed = run_json(capsys, *command.split())
    for component in printed.get("components", ()):
        component.pop("without_ball", None)  # asked of another landscape
    document = make().to_json()
    assert {name: printed[name] for name in document} == document


@pytest.mark.parametrize(
    ("command", "make"),
    [
        ("line {0} {1} --problem flagship", lambda: theory.line(FLAGSHIP, *ends())),
        ("line {0} {1} --problem flagship --align all", lambda: theory.align(FLAGSHIP, *ends())),
        ("classify {0} --problem flagship", lambda: theory.classify(FLAGSHIP, ends()[0])),
        ("path {2} {3} --problem flagship --optimizer adamw --rho 5", path),
    ],
)
def test_commands_on_networks(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, command: str, make: Callable[[], Any]
) -> None:
    files = []
    for k, network in enumerate([*ends(), *path().ends]):
        files.append(tmp_path / f"{k}.json")
        files[-1].write_text(json.dumps(network.to_json()))
    printed = run_json(capsys, *command.format(*files).split())
    document = make().to_json()
    assert {name: printed[name] for name in document} == document


def test_between_two_networks(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    files = [tmp_path / "a.json", tmp_path / "b.json"]
    for file, network in zip(files, ends(), strict=True):
        file.write_text(json.dumps(network.to_json()))
    printed = run_json(capsys, "barrier", "flagship", "--between", *files)
    assert printed["between"] == theory.barrier_between(FLAGSHIP, *ends()).to_json()
