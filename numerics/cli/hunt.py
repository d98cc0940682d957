"""`isthmus hunt`: search for, shrink and certify an instance that refutes a conjecture."""

from __future__ import annotations

import re
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from numerics.cli import completion, options
from numerics.cli.output import EXIT_DONE, EXIT_UNDECIDED, console, progress, say
from numerics.cli.outputs import Folder
from numerics.cli.task import Task
from theory.errors import InputError, Interrupted

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import AbstractContextManager

    from matplotlib.figure import Figure

    from theory.hunt import Conjecture, Counterexample, Hunt, Space
    from theory.types import Progress

_SECONDS = 60  # of a hunt without a budget


def _range_of(what: str) -> Any:
    """An option with a number, or all from one to another."""
    return typer.Option(metavar="N or N-M", help=f"{what}; by default the conjecture's.")


def hunt(
    context: typer.Context,
    conjecture: Annotated[
        str | None,
        typer.Argument(
            metavar="CONJECTURE",
            help="A shipped name or a Python file of your own; without one all names are listed.",
            autocompletion=completion.conjectures,
        ),
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="OPTION=VALUE", help="An option of the conjecture."),
    ] = None,
    seed: Annotated[int, options.seed("Of the random instances.")] = 0,
    instances: Annotated[int | None, options.count("Look at so many instances at most.")] = None,
    time_budget: Annotated[
        float | None,
        options.time_budget(f"Search so long at most; by default {_SECONDS} s without a budget."),
    ] = None,
    finds: Annotated[int, options.count("Stop at so many finds; the smallest is shrunk.", "K")] = 1,
    enumerate_: Annotated[
        bool,
        typer.Option("--enumerate", help="Every instance up to symmetry, in place of random ones."),
    ] = False,
    n: Annotated[str | None, _range_of("Data points")] = None,
    d: Annotated[str | None, _range_of("Features")] = None,
    width: Annotated[str | None, _range_of("Neurons")] = None,
    entries: Annotated[int | None, options.count("Data are integers from -E to E.", "E")] = None,
    jobs: options.Jobs = None,
    backend: options.Backend = "loky",
    journal: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Keep what is done in FILE; go on from it.")
    ] = None,
    certificate: options.Certificate = None,
    plot: Annotated[Path | None, options.plot("its landscape, as `isthmus barrier` does")] = None,
    atlas: Annotated[
        bool, typer.Option("--atlas", help="List the smallest instances found so far.")
    ] = False,
    json: options.Json = None,
) -> int:
    """Look for an instance that refutes a conjecture; shrink and prove the smallest one found.

    It exits with 0 whether something was found or all was looked through without.
    """
    from numerics.files import write_json
    from theory.hunt import from_file, named
    from theory.hunt import hunt as search
    from theory.hunt.search import minimal
    from theory.parallel import Jobs

    if atlas or conjecture is None:
        document, table = _atlas() if atlas else _shipped()
        return Task(None, [], json=json).finish(document, lambda: console().print(table))
    task = Task(
        context.obj,
        [conjecture, journal],
        json=json,
        certificate=certificate,
        plot=plot,
        certificates=certificate and Folder(certificate.parent, (_part(certificate, "*").name,)),
    )
    chosen = _settings(set_ or [])
    if conjecture.endswith(".py"):
        if chosen:
            raise InputError("set", "a conjecture from a file has no options")
        stated = from_file(Path(conjecture))
    else:
        stated = named(conjecture, chosen)
    space = _space(stated.space, n, d, width, entries)
    if instances is None and time_budget is None and not enumerate_:
        time_budget = _SECONDS
    with _watched(space, instances, time_budget, enumerate_) as report:
        found = search(
            stated,
            space=space,
            enumerate_all=enumerate_,
            seed=seed,
            instances=instances,
            seconds=time_budget,
            finds=finds,
            jobs=Jobs(jobs, backend),
            journal=journal,
            progress=report,
        )
    with progress() as report:
        result = minimal(found, progress=report)
    complete = found.complete and (result is None or result.minimal)
    if not complete:
        say(str(Interrupted()))
    if result is not None and certificate is not None:
        for name, proof in result.certificates.items():
            alone = len(result.certificates) == 1
            path = certificate if alone else _part(certificate, name)
            write_json(path, proof)
            task.lines.append(f"proof: {path}")
    if result is not None:
        task.draw(partial(_figure, stated, result))
    return task.finish(
        _document(stated, chosen, found, result),
        lambda: _print(found, result),
        code=EXIT_DONE if complete else EXIT_UNDECIDED,
    )


def _watched(
    space: Space, instances: int | None, seconds: float | None, all_of_them: bool
) -> AbstractContextManager[Progress]:
    """The progress of a search, with the time left of its budget, or of all instances."""
    if instances is None and seconds is not None:
        start = time.monotonic()
        return progress(seconds, done=lambda: time.monotonic() - start)
    if instances is None and all_of_them:
        from theory.hunt import Enumeration

        instances = Enumeration(space).count
    return progress(instances)


def _part(certificate: Path, name: str) -> Path:
    """The file of one of several certificates."""
    return certificate.with_stem(f"{certificate.stem}-{name}")


def _settings(pairs: list[str]) -> dict[str, str]:
    """`--set OPTION=VALUE`, as a dictionary."""
    chosen = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals:
            raise InputError("set", f"{pair!r} must be OPTION=VALUE")
        chosen[name.strip()] = value.strip()
    return chosen


def _space(
    default: Space, n: str | None, d: str | None, width: str | None, entries: int | None
) -> Space:
    from theory.hunt import Space

    return Space(
        n=default.n if n is None else _range(n, "n"),
        d=default.d if d is None else _range(d, "d"),
        width=default.width if width is None else _range(width, "width"),
        entries=default.entries if entries is None else entries,
    )


def _range(text: str, name: str) -> tuple[int, int]:
    """ "3" or "2-4"."""
    match = re.fullmatch(r"(\d{1,4})(?:-(\d{1,4}))?", text.strip())
    if match is None:
        raise InputError(name, f"{text!r} must be a number such as 3, or a range such as 2-4")
    low = int(match[1])
    return low, int(match[2] or low)


def _document(
    stated: Conjecture, chosen: Mapping[str, str], found: Hunt, result: Counterexample | None
) -> dict[str, Any]:
    from theory.hunt import Drawn

    source = found.source
    return {
        "conjecture": stated.name,
        "options": dict(chosen),
        "statement": stated.statement,
        "status": stated.status,
        "source": stated.source,
        "searched": {
            "space": source.space.to_json(),
            "seed": source.seed if isinstance(source, Drawn) else None,
            "enumerated": not isinstance(source, Drawn),
            "indices": found.indices,
            "tested": found.tested,
            "undecided": found.undecided,
            "found": len(found.finds),
            "seconds": round(found.seconds, 3),
            "rate": round(found.rate, 1),
        },
        "complete": found.complete,
        **({"problem": None} if result is None else result.to_json()),
    }


def _print(found: Hunt, result: Counterexample | None) -> None:
    out = console()
    out.print(f"conjecture: {found.conjecture.statement}")
    more = f", {found.undecided:,} not decided" if found.undecided else ""
    out.print(
        f"{len(found.finds)} found among {found.tested:,} instances{more} "
        f"({found.rate:.3g} a second)"
    )
    if result is None:
        return
    problem = result.problem
    kind = "no single move makes it smaller" if result.minimal else "not shrunk to the end"
    out.print(f"{problem.summary}, width {problem.width} ({kind}):")
    out.print(f"  X = [{', '.join(_row(row) for row in problem.X)}], y = {_row(problem.y)}")
    for name, value in result.facts.items():
        out.print(f"  {name}: {value}")


def _row(values: Any) -> str:
    return f"[{', '.join(map(str, values))}]"


def _shipped() -> tuple[dict[str, Any], Any]:
    """All conjectures, with the options of each."""
    import inspect

    from rich.table import Table

    from theory.hunt import CONJECTURES

    table = Table("conjecture", "statement, by default", "status", "options")
    listed = []
    for name, make in CONJECTURES.items():
        stated = make()
        defaults = {k: str(v.default) for k, v in inspect.signature(make).parameters.items()}
        listed.append(
            {
                "name": name,
                "statement": stated.statement,
                "status": stated.status,
                "options": defaults,
                "description": " ".join((inspect.getdoc(make) or "").split()),
            }
        )
        shown = "\n".join(f"{k}={v}" for k, v in defaults.items())
        table.add_row(name, stated.statement, stated.status, shown, end_section=True)
    return {"conjectures": listed}, table


def _atlas() -> tuple[dict[str, Any], Any]:
    """The atlas, without its certificates in the table."""
    from rich.table import Table

    from theory.hunt.atlas import entries

    found = entries()
    table = Table("instance", "refuted", "X", "y", "width", "searched")
    for name, entry in found.items():
        problem, searched = entry["problem"], entry["searched"]
        rows = "\n".join(_row(row) for row in problem["X"])
        among = f"{searched['found']:,} of {searched['tested']:,}"
        shown = (rows, _row(problem["y"]), str(problem["width"]), among)
        table.add_row(name, entry["statement"], *shown, end_section=True)
    return {"atlas": [{"name": name, **entry} for name, entry in found.items()]}, table


def _figure(stated: Conjecture, result: Counterexample) -> Figure:
    from numerics.pictures.results import landscape

    return landscape(stated.picture(result.problem, result.facts))
