"""The command line `isthmus`: a thin layer; every command calls a function one can also import.

Commands import what they compute with when they run, so that `isthmus --help` is immediate.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence

import typer

from numerics.cli.barrier import barrier
from numerics.cli.check import check
from numerics.cli.gpt2 import app as gpt2
from numerics.cli.hunt import hunt
from numerics.cli.output import EXIT_INPUT, EXIT_UNDECIDED, over_budget, say
from numerics.cli.path import path
from numerics.cli.problems import problems
from numerics.cli.radii import radii
from numerics.cli.regions import regions
from numerics.cli.solve import solve
from numerics.cli.train import train
from numerics.cli.verify import verify
from numerics.cli.width import width
from theory.errors import BudgetError, InputError, Interrupted

_INTERRUPTED = 130  # what typer makes of Ctrl-C

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Exact loss landscapes of small two-layer ReLU networks, with proofs.",
    epilog="Exit codes: 0 done and true; 1 a claim is false or a certificate is not valid; "
    "2 wrong input or options; 3 not decided within the budget, or interrupted.",
)
for command in (verify, barrier, radii, regions, width, hunt, path, solve, train, check, problems):
    app.command()(command)
app.add_typer(gpt2, name="gpt2")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command line; the exit code."""
    # No picture here needs a backend, and matplotlib does not load where this names none it knows.
    os.environ.pop("MPLBACKEND", None)
    arguments = list(sys.argv[1:] if arguments is None else arguments) or ["--help"]
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # for terminals that know no box characters
    try:
        code: int = app(arguments, prog_name="isthmus", standalone_mode=False, obj=arguments)
        sys.stdout.flush()
    except InputError as error:
        say(str(error))
        return EXIT_INPUT
    except typer.TyperException as error:
        say(error.format_message())
        return EXIT_INPUT
    except BudgetError as error:
        say(over_budget(error))
        return EXIT_UNDECIDED
    except (OverflowError, MemoryError) as error:
        say(f"the numbers are too large: {error}")
        return EXIT_UNDECIDED
    except OSError as error:  # the other files are opened where their errors can say more
        say(f"cannot write the output: {error.strerror}")
        return EXIT_INPUT
    except Interrupted as error:
        say(str(error))
        return EXIT_UNDECIDED
    if code == _INTERRUPTED:
        say("interrupted")
        return EXIT_UNDECIDED
    return code
