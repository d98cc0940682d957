"""The page of all options, and what holds for all of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from command import run
from typer.main import get_command

from numerics.cli import COMMANDS, application
from numerics.cli.manual import options_page

PAGE = Path(__file__).parents[3] / "docs" / "options.md"

_SAME = {
    *("--quiet", "--json", "--rho", "--jobs", "--backend", "--labelled", "--beta", "--quick"),
    *("--target", "--bias", "--activation", "--loss"),
}
"""Options that may differ in nothing between commands, but for gpt2's."""


def commands(command: Any = None, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    """All commands with a function, by their whole names."""
    command = command or get_command(application())
    inner = getattr(command, "commands", None)
    if inner is None:
        yield " ".join(path), command
    for name, each in (inner or {}).items():
        yield from commands(each, (*path, name))


def options() -> Iterator[tuple[str, Any]]:
    for name, command in commands():
        yield from ((name, each) for each in command.params if each.param_type_name == "option")


def test_the_page_is_of_the_commands_as_they_are() -> None:
    """Else: python -m numerics.cli.manual > docs/options.md"""
    assert PAGE.read_text(encoding="utf-8") == options_page()


def test_the_page_has_each_command_and_each_option() -> None:
    page = PAGE.read_text(encoding="utf-8")
    listed = re.findall(r"^\| `isthmus ((?:gpt2 |study |new )?[\w-]+)", page, re.MULTILINE)
    assert listed == [name for name, _ in commands()]
    assert {name.split()[0] for name in listed} == set(COMMANDS)
    rows = re.findall(r"^\| `(--[\w-]+)", page, re.MULTILINE)
    assert set(rows) == {each.opts[0] for _, each in options()} - {"--quiet"}


def test_an_option_has_one_name_and_says_what_it_is() -> None:
    for command, each in options():
        assert len(each.opts) == 1, (command, each.opts)
        assert re.fullmatch(r"--[a-z]+(-[a-z]+)*", each.opts[0]), (command, each.opts)
        assert each.help, (command, each.opts)
        assert each.is_flag or each.metavar, (command, each.opts)


def test_the_same_name_is_the_same_thing() -> None:
    meanings: dict[str, set[tuple[str, str]]] = {}
    for command, each in options():
        if not command.startswith("gpt2"):
            meanings.setdefault(each.opts[0], set()).add((each.metavar, each.help))
    assert {name for name in _SAME if len(meanings[name]) != 1} == set()


def test_limits_times_and_pictures_are_named_alike() -> None:
    for command, each in options():
        name = each.opts[0]
        if each.help.startswith("Refuse"):
            assert name.startswith("--max-"), (command, name)
        assert (name == "--time-budget") == (each.metavar == "TIME"), (command, name)
        assert (name == "--plot") == each.help.startswith("Draw "), (command, name)


def test_commands_that_tell_of_a_landscape_draw_it() -> None:
    drawing = {command for command, each in options() if each.opts[0] == "--plot"}
    assert drawing == {
        *("barrier", "valleys", "classify", "radii", "margin", "regions", "width", "hunt"),
        *("path", "line", "solve", "train", "gpt2 connect", "gpt2 spectrum"),
    }


@pytest.mark.parametrize("text", ["", "soon", "-1", "1 h", "1d", "1e3", "٣", "1.", "h", "9" * 11])
def test_what_is_no_time(capsys: pytest.CaptureFixture[str], text: str) -> None:
    code, out, err = run(capsys, "barrier", "flagship", f"--time-budget={text}")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith("isthmus: Invalid value for '--time-budget': ")


@pytest.mark.parametrize(("text", "seconds"), [("0", "0"), ("0s", "0"), ("0.0m", "0"), ("0h", "0")])
def test_no_time_is_a_time(capsys: pytest.CaptureFixture[str], text: str, seconds: str) -> None:
    code, _, err = run(capsys, "barrier", "flagship", "--time-budget", text)
    assert code == 3
    assert err.startswith(f"isthmus: the time budget of {seconds} s is spent\n")


@pytest.mark.parametrize("text", ["90m", "5400", "5400s", "1.5h", "90.0m"])
def test_times_of_one_length(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    """On a clock that goes ten minutes at each look."""
    now = 0.0

    def clock() -> float:
        nonlocal now
        now += 600
        return now

    monkeypatch.setattr("time.monotonic", clock)
    code, _, err = run(capsys, "barrier", "flagship", "--time-budget", text)
    assert code == 3
    assert "the time budget of 5400 s is spent\n" in err


# Where a radius is asked for


@pytest.mark.parametrize(
    "command",
    [
        "barrier flagship --within adamw",
        "valleys flagship --width 1 --within adamw",
        "width flagship --optimizer adamw --max-width 1",
        "solve flagship --optimizer adamw",
        "train flagship --optimizer adamw --seeds 2 --steps 2",
    ],
)
def test_a_weight_decay_stands_for_a_radius(
    capsys: pytest.CaptureFixture[str], command: str
) -> None:
    """R_W = R_a = 1/L, so 1/2 is a ball of radius 4."""
    given = [
        run(capsys, *command.split(), *radius)
        for radius in (("--rho", "4"), ("--weight-decay", "1/2"))
    ]
    assert given[0][0] in (0, 3)
    assert given[0] == given[1]
    code, out, err = run(capsys, *command.split())
    assert (code, out) == (2, "")
    assert err.startswith("isthmus: rho: is ")
    code, _, err = run(capsys, *command.split(), "--rho", "4", "--weight-decay", "1/2")
    assert (code, err) == (2, "isthmus: rho: give it or --weight-decay, not both\n")


def test_a_radius_needs_an_optimizer(capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("rho", "weight-decay"):
        code, _, err = run(capsys, "barrier", "flagship", f"--{name}", "4")
        assert (code, err) == (
            2,
            f"isthmus: {name}: needs --within and the name of an optimizer\n",
        )
