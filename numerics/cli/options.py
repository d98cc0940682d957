"""Arguments and options that several commands share."""

from __future__ import annotations

import csv
import inspect
import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from fractions import Fraction
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from numerics.cli import completion
from numerics.cli.output import note, quietly
from numerics.cli.outputs import STDOUT
from theory.errors import InputError
from theory.loading import DataWarning, load_problem
from theory.losses import LOSSES, Loss
from theory.network import Network
from theory.problem import (
    BIASES,
    Problem,
    integer,
    positive_integer,
    positive_rational,
    rational,
    read_json,
)

if TYPE_CHECKING:
    from theory.within import Ball, Within


def stdin(source: str | None) -> str | None:
    """What - stands for where a file is read."""
    return "/dev/stdin" if source == "-" else source


def _integer(text: str, name: str) -> int:
    """A whole number; 2.0 is 2, as in files."""
    try:
        return integer(text, name)
    except InputError as error:
        raise typer.BadParameter(str(error)) from None


def count(what: str, metavar: str = "N") -> Any:
    """An option with a number of things, refused where it is none."""
    return typer.Option(metavar=metavar, help=what, callback=_positive)


def plot(what: str) -> Any:
    """An option with the file for a picture."""
    return typer.Option(metavar="FILE", help=f"Draw {what}: .svg, .png or .pdf.")


_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600}


def _duration(text: str) -> float:
    """Seconds, of 90, 90s, 1.5m or 2h."""
    match = re.fullmatch(r"(\d{1,10}(?:\.\d{1,9})?)([smh]?)", text.strip(), re.ASCII)
    if match is None:
        raise typer.BadParameter(f"{text!r} must be such as 90 or 90s, seconds, or 90m or 2h")
    return float(match[1]) * _UNITS[match[2]]


def time_budget(what: str) -> Any:
    """An option with a time."""
    return typer.Option(
        metavar="TIME", help=f"{what} As 90 (seconds), 90m or 2h.", parser=_duration
    )


def seed(what: str) -> Any:
    """An option with a seed."""
    return typer.Option(metavar="K", help=what, callback=_not_negative)


def _positive(parameter: typer.CallbackParam, value: int | None) -> int | None:
    return None if value is None else positive_integer(value, _named(parameter))


def _not_negative(parameter: typer.CallbackParam, value: int) -> int:
    if value < 0:
        raise InputError(_named(parameter), f"{value} must not be negative")
    return value


def _named(parameter: typer.CallbackParam) -> str:
    return (parameter.name or "").replace("_", "-")


ProblemArgument = Annotated[
    str,
    typer.Argument(
        metavar="PROBLEM",
        help="A JSON, CSV, NPY or NPZ file, - for stdin, or a shipped example (see "
        "`isthmus problems`).",
        callback=stdin,
        autocompletion=completion.problems,
    ),
]
ProblemOption = Annotated[
    str,
    typer.Option(
        metavar="PROBLEM",
        help="A file or a shipped example, as elsewhere.",
        callback=stdin,
        autocompletion=completion.problems,
    ),
]
Insisted = Annotated[
    str | None,
    typer.Option(
        "--problem",
        metavar="PROBLEM",
        help="Insist that the proof is about this problem.",
        callback=stdin,
        autocompletion=completion.problems,
    ),
]
_ONE_OF = f"One of {', '.join(completion.OPTIMIZERS)}."
Optimizer = Annotated[
    str,
    typer.Option(
        metavar="OPT", help=_ONE_OF, autocompletion=completion.among(*completion.OPTIMIZERS)
    ),
]


def within_option(what: str) -> Any:
    """An option with an optimizer in whose ball networks are to be."""
    complete = completion.among(*completion.OPTIMIZERS)
    return typer.Option(metavar="OPT", help=what, autocompletion=complete)


def optimizers_option(what: str, metavar: str = "OPT,...") -> Any:
    """An option with several optimizers; see `names`."""
    complete = completion.several(*completion.OPTIMIZERS)
    return typer.Option(metavar=metavar, help=what, autocompletion=complete)


Labelled = Annotated[
    bool, typer.Option("--labelled", help="Tell permutations of the neurons apart.")
]
Rho = Annotated[
    str | None, typer.Option(metavar="RHO", help="The radius R_W R_a of the optimizer's ball.")
]
WeightDecay = Annotated[
    str | None, typer.Option(metavar="L", help="In place of --rho: R_W = R_a = 1/L.")
]
Beta = Annotated[
    str | None, typer.Option(metavar="B", help="For sgd: (B/2) (||W||_F^2 + ||a||^2).")
]
Width = Annotated[
    int | None,
    typer.Option(
        metavar="M",
        help="Number of neurons, if PROBLEM does not say.",
        parser=lambda text: _integer(text, "width"),
    ),
]
MaxCells = Annotated[int | None, count("Refuse problems with more cells than this.")]
_STOP = "Stop after so long with what is known (exit code 3)."
TimeBudget = Annotated[float | None, time_budget(_STOP)]
TimeBudgetAnyCells = Annotated[
    float | None,
    time_budget(
        f"{_STOP} Without a ball any number of cells is then begun on, unless --max-cells says "
        "otherwise."
    ),
]
Jobs = Annotated[int | None, count("Processes; by default one for each core.")]
Backend = Annotated[
    str,
    typer.Option(
        metavar="NAME",
        help="What runs the processes: loky, dask or ray.",
        autocompletion=completion.among("loky", "dask", "ray"),
    ),
]
Json = Annotated[
    str | None,
    typer.Option(
        "--json",
        metavar="FILE",
        help="Write the result as JSON to FILE, or - for stdout.",
        callback=lambda file: "-" if file in STDOUT else file,
    ),
]
Certificate = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Write the proof, for `isthmus check`.")
]
Quiet = Annotated[bool, typer.Option("--quiet", help="Nothing on stderr but errors.")]


def names(text: str) -> list[str]:
    """Of a list with commas."""
    return [name.strip() for name in text.split(",")]


def given(**options: Any) -> dict[str, Any]:
    """Those that were given; what they are passed to has the defaults."""
    return {name: value for name, value in options.items() if value is not None}


@dataclass(frozen=True)
class Reading:
    """How PROBLEM is read: of a command that has a parameter of this type each field is an option.
    See `with_options`.
    """

    target: Annotated[
        str | None,
        typer.Option(metavar="COLUMN", help="The column to fit in a CSV, NPY or NPZ file."),
    ] = None
    drop: Annotated[
        list[str] | None,
        typer.Option(metavar="COLUMN,...", help="Leave these columns out, by name or number."),
    ] = None
    columns: Annotated[
        list[str] | None,
        typer.Option(metavar="COLUMN,...", help="The features, in place of --drop."),
    ] = None
    rows: Annotated[
        str | None,
        typer.Option(metavar="ROWS", help="Rows to read, from 0: 0:20, or ::5, or 3,5,8."),
    ] = None
    labels: Annotated[
        str | None,
        typer.Option(
            metavar="NEGATIVE,POSITIVE",
            help="The labels in the column to fit that are -1 and 1; other rows are left out.",
        ),
    ] = None
    standardise: Annotated[
        bool,
        typer.Option(
            "--standardise",
            help="Shift features by their means, divide them by their mean absolute deviations.",
        ),
    ] = False
    floats: Annotated[
        str | None,
        typer.Option(
            metavar="exact|N",
            help="What float arrays mean: their binary value, or the nearest fraction over at most "
            "N.",
        ),
    ] = None
    bias: Annotated[
        str | None,
        typer.Option(
            metavar="RULE",
            help="Append the constant feature 1. In balls its weights are decayed as others are, "
            "or as AdamW does (adamw), or free, or as is usual for the optimizer (default).",
            autocompletion=completion.among(*BIASES),
        ),
    ] = None
    activation: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="relu, abs or leaky_relu:C, C its slope below zero.",
            autocompletion=completion.among("relu", "abs", "leaky_relu:"),
        ),
    ] = None
    loss: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="squared, absolute, quantile:Q, epsilon:E, huber:M; for labels 1 and -1 hinge, "
            "squared_hinge, logistic.",
            autocompletion=completion.among(*LOSSES),
        ),
    ] = None
    weights: Annotated[
        str | None,
        typer.Option(metavar="W,W,...", help="What the losses of the rows are multiplied by."),
    ] = None
    output_bias: Annotated[
        bool, typer.Option("--output-bias", help="Networks have an output bias, free of decay.")
    ] = False
    skip: Annotated[
        bool, typer.Option("--skip", help="Networks have a linear part, free of decay.")
    ] = False


AS_IT_IS = Reading()


_QUIET = inspect.Parameter("quiet", inspect.Parameter.KEYWORD_ONLY, default=False, annotation=Quiet)


def with_options(command: Callable[..., int]) -> Callable[..., int]:
    """The command with --quiet, and, of one with a parameter of type `Reading`, with the fields of
    that as options in its place."""
    signature = inspect.signature(command, eval_str=True)
    parameters: list[inspect.Parameter] = []
    place = None
    for name, parameter in signature.parameters.items():
        if parameter.annotation is not Reading:
            parameters.append(parameter)
            continue
        place = name
        for field in inspect.signature(Reading, eval_str=True).parameters.values():
            (option,) = field.annotation.__metadata__
            option.rich_help_panel = "How PROBLEM is read"
            parameters.append(field)
    parameters.append(_QUIET)

    @wraps(command)
    def run(**given: Any) -> int:
        quiet = given.pop(_QUIET.name)
        if place is not None:
            read = {field.name: given.pop(field.name) for field in fields(Reading)}
            given[place] = Reading(**read)
        with quietly(quiet):
            return command(**given)

    run.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {p.name: p.annotation for p in parameters}
    paragraphs = (inspect.getdoc(command) or "").split("\n\n")  # which end lines where help does
    run.__doc__ = "\n\n".join(" ".join(each.split()) for each in paragraphs)
    return run


def load(source: str, reading: Reading) -> Problem:
    """The problem that the command line names; what is doubtful about it is said."""
    with warnings.catch_warnings(record=True) as doubts:
        warnings.simplefilter("always", DataWarning)
        problem = load_problem(
            source,
            target=reading.target,
            drop=_listed(reading.drop, "drop") or (),
            columns=_listed(reading.columns, "columns"),
            rows=reading.rows,
            labels=None if reading.labels is None else _listed([reading.labels], "labels"),
            standardise=reading.standardise,
            floats=reading.floats,
        )
    for doubt in doubts:
        note(str(doubt.message))
    changes = given(
        activation=reading.activation,
        weights=None if reading.weights is None else reading.weights.split(","),
        output_bias=reading.output_bias or None,
        skip=reading.skip or None,
    )
    if reading.loss is not None:  # weights and the form that the file states remain
        loss = Loss.named(reading.loss).weighted(problem.loss.weights)
        changes["loss"] = loss if problem.loss.form is None else loss.formed(problem.loss.form)
    if changes:
        problem = replace(problem, **changes)
    return problem if reading.bias is None else problem.with_bias(reading.bias)


def _listed(given: list[str] | None, option: str) -> list[str] | None:
    """Names between commas; those that have one themselves are quoted, as in a CSV file."""
    if not given:
        return None
    names: list[str] = []
    for text in given:
        try:
            read = next(csv.reader([text], skipinitialspace=True))
        except csv.Error as error:
            raise InputError(option, f"{text!r} cannot be read: {error}") from None
        names += [name.strip() for name in read or [""]]
    return names


def radius(rho: str | None, weight_decay: str | None) -> Fraction | None:
    """`--rho`, or what `--weight-decay` makes it; None where neither is given."""
    if weight_decay is None:
        return None if rho is None else rational(rho, "rho")
    if rho is not None:
        raise InputError("rho", "give it or --weight-decay, not both")
    return 1 / positive_rational(weight_decay, "weight-decay") ** 2


def needed_radius(rho: str | None, weight_decay: str | None) -> Fraction:
    """The same where one of them is needed."""
    found = radius(rho, weight_decay)
    if found is None:
        raise InputError("rho", "is missing; give it or --weight-decay")
    return positive_rational(found, "rho")


def ball(within: str | None, rho: str | None, weight_decay: str | None) -> Ball | None:
    """`--within` and `--rho` or `--weight-decay`: an optimizer's ball, if one is asked for."""
    if within is None:
        for name, value in (("rho", rho), ("weight-decay", weight_decay)):
            if value is not None:
                raise InputError(name, "needs --within and the name of an optimizer")
        return None
    from theory.geometry import geometry
    from theory.within import Ball

    _ = geometry(within).ball  # an unknown name is refused before a missing radius
    found = radius(rho, weight_decay)
    if found is None:
        raise InputError("rho", "is missing; --within needs it")
    return Ball(within, found)


def ball_or_penalty(
    within: str | None, rho: str | None, weight_decay: str | None, beta: str | None
) -> Within | None:
    """The same, or for sgd with `--beta`; None where no place is given."""
    from theory.geometry import geometry
    from theory.within import Penalty, within_of

    if within is None and beta is not None:
        raise InputError("beta", f"needs --within {Penalty.optimizer}")
    if within is None or (beta is None and geometry(within).name != Penalty.optimizer):
        return ball(within, rho, weight_decay)
    return within_of(within, rho=radius(rho, weight_decay), beta=beta)


def within(optimizer: str, rho: str | None, weight_decay: str | None, beta: str | None) -> Within:
    """`--optimizer` and `--rho`, or what `--weight-decay` makes it, or `--beta`."""
    from theory.within import within_of

    return within_of(optimizer, rho=radius(rho, weight_decay), beta=beta)


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
