"""The command line `isthmus`: a thin layer; every command calls a function one can also import.

Commands import what they compute with when they run, so that `isthmus --help` is immediate.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterable, Sequence
from importlib import import_module
from typing import Annotated

import typer

from numerics.cli.options import with_options
from numerics.cli.output import EXIT_DONE, EXIT_FALSE, EXIT_INPUT, EXIT_UNDECIDED, over_budget, say
from theory.errors import BudgetError, InputError, Interrupted, WorkerDied

_INTERRUPTED = 130  # what typer makes of Ctrl-C
_COMPLETION = ("--install-completion", "--show-completion")

COMMANDS = (
    *(
        "verify",
        "barrier",
        "valleys",
        "classify",
        "radii",
        "margin",
        "regions",
        "width",
        "hunt",
        "path",
        "line",
        "solve",
    ),
    *("train", "check", "prove", "problems", "gpt2", "study", "new"),
)
"""Each is a function of its name, or an `app` with commands of its own, in the module so named."""


def _version(wanted: bool) -> None:
    if wanted:
        from theory import __version__

        print(f"isthmus {__version__}")
        raise typer.Exit(EXIT_DONE)


def _main(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    """Exact loss landscapes of small two-layer ReLU networks, with proofs."""


def application(commands: Iterable[str] = COMMANDS) -> typer.Typer:
    """The command line with these commands."""
    app = typer.Typer(
        pretty_exceptions_enable=False,
        callback=_main,
        epilog="Exit codes: 0 done and true; 1 a claim is false or a certificate is not valid; "
        "2 wrong input or options; 3 not decided within the budget, or interrupted.",
    )
    for name in commands:
        module = import_module(f"numerics.cli.{name}")
        if hasattr(module, "app"):
            several = typer.Typer(help=module.app.info.help)
            for each in module.app.registered_commands:
                several.command(each.name)(with_options(each.callback))
            app.add_typer(several, name=name)
        else:
            app.command()(with_options(getattr(module, name)))
    return app


def _unread() -> int:
    """Whoever reads stdout has stopped to; what is left of it goes nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return EXIT_UNDECIDED


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command line; the exit code."""
    # No picture here needs a backend, and matplotlib does not load where this names none it knows.
    os.environ.pop("MPLBACKEND", None)
    arguments = list(sys.argv[1:] if arguments is None else arguments) or ["--help"]
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # for terminals that know no box characters
    # Building the others takes as long as a small landscape.
    app = application(arguments[:1] if arguments[0] in COMMANDS else COMMANDS)
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
    except BrokenPipeError:
        return _unread()
    except SystemExit as error:
        if error.code != EXIT_FALSE:
            raise
        return _unread()  # what typer and rich make of a broken pipe
    except OSError as error:  # the other files are opened where their errors can say more
        say(f"cannot write the output: {error.strerror}")
        return EXIT_INPUT
    except (Interrupted, WorkerDied) as error:
        say(str(error))
        return EXIT_UNDECIDED
    if code == EXIT_FALSE and arguments[0] in _COMPLETION:  # typer's where it knows no such shell
        return EXIT_INPUT
    if code == _INTERRUPTED:
        say("interrupted")
        return EXIT_UNDECIDED
    return code
