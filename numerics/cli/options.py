"""Arguments and options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from theory.errors import InputError
from theory.network import Network
from theory.problem import Problem, load_problem, positive_integer, read_json

ProblemArgument = Annotated[
    str,
    typer.Argument(
        metavar="PROBLEM",
        help="A JSON, CSV or NPZ file, or a shipped example (see `isthmus problems`).",
    ),
]
Target = Annotated[
    str | None,
    typer.Option(metavar="COLUMN", help="The column to fit in a CSV or NPZ file."),
]
Floats = Annotated[
    str | None,
    typer.Option(
        metavar="exact|N",
        help="What float arrays mean: their binary value, or the nearest fraction over at most N.",
    ),
]
Optimizer = Annotated[
    str, typer.Option(metavar="OPT", help="adamw, lion, muon, ...; a wrong name lists all.")
]
Width = Annotated[
    int | None, typer.Option(metavar="M", help="Number of neurons, if PROBLEM does not say.")
]
MaxCells = Annotated[
    int | None, typer.Option(metavar="N", help="Refuse problems with more cells than this.")
]
Bias = Annotated[bool, typer.Option("--bias", help="Append the constant feature 1.")]
Json = Annotated[
    str | None,
    typer.Option(
        "--json", metavar="FILE", help="Write the result as JSON to FILE, or - for stdout."
    ),
]


def load(source: str, target: str | None, floats: str | None, bias: bool) -> Problem:
    """The problem that the command line names."""
    problem = load_problem(source, target=target, floats=floats)
    return problem.with_bias() if bias else problem


def choose_width(width: int | None, stated: int | None) -> int:
    """`--width`, else the width that the input states."""
    if width is not None:
        return positive_integer(width, "width")
    if stated is None:
        raise InputError("width", "the problem does not state one; pass --width")
    return stated


def load_network(path: Path) -> Network:
    """A network {"W", "a"} from a JSON file; errors name the file."""
    try:
        return Network.from_json(read_json(path))
    except InputError as error:
        if error.field == str(path):
            raise
        raise InputError(str(path), str(error)) from None
