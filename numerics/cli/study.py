"""`isthmus study`: the larger measurements that the report and the notes quote."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from numerics.cli import completion, options
from numerics.cli.output import EXIT_DONE, note, progress
from numerics.cli.outputs import Folder, check_outputs

app = typer.Typer(
    help="The larger measurements that the report and the notes quote, made again; some take hours."
)

Out = Annotated[Path, typer.Option(metavar="FILE", help="The JSON file for what is measured.")]


@app.command("real-data")
def real_data(
    context: typer.Context,
    out: Out,
    dataset: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Only diabetes, breast-cancer or digits.",
            autocompletion=completion.among("diabetes", "breast-cancer", "digits"),
        ),
    ] = None,
    optimizer: Annotated[
        str | None,
        typer.Option(
            metavar="OPT",
            help="Only this one, also where it is measured already.",
            autocompletion=completion.among(*completion.OPTIMIZERS),
        ),
    ] = None,
) -> int:
    """Optima in the optimizers' balls on real data, beside trained networks.

    What FILE has already is kept, so an interrupted study goes on. A ball's radius is that of sgd's
    network, which is measured first.
    """
    from numerics.studies.real_data import measure_all

    check_outputs([], json=str(out))
    with progress() as report:
        for k, (name, row) in enumerate(measure_all(out, dataset, optimizer, command=context.obj)):
            note(f"{name}, {row}")
            report(f"{name}, {row}; networks measured", k)
    return EXIT_DONE


@app.command()
def separation(
    context: typer.Context,
    out: Out,
    search: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Also find the ten problems again, and write them here."),
    ] = None,
    jobs: options.Jobs = None,
    backend: options.Backend = "loky",
) -> int:
    """The flagship and separation-01 to separation-10, on which AdamW and Muon prefer different
    components: exact barriers and radii, where trained networks land, and up to which loss and
    violation that is a theorem."""
    from numerics.files import provenance, write_json
    from numerics.studies.separation import (
        examples,
        found_again,
        measured_facts,
        rows,
        write_example,
    )
    from theory.parallel import Jobs

    many = Jobs(jobs, backend)
    written = None if search is None else Folder(search, ("separation-*.json",))
    check_outputs([], json=str(out), search=written)
    problems = examples() if search is None else found_again()
    if search is not None:
        for name, problem in problems.items():
            write_example(search / f"{name}.json", problem)
    many = many.at_most(len(problems))
    measured: dict[str, Any] = {}
    with progress(len(problems), done=lambda: len(measured), at_once=not many.alone) as report:
        found = measured_facts(problems.values(), many, report)
        for name, each in zip(problems, found, strict=True):
            measured[name] = each
            print(f"{name}: {'holds' if each['holds'] else 'is FALSE'}", flush=True)
    write_json(out, {"data_sets": measured, **provenance(context.obj)})
    for row in rows(measured):
        print(row)
    return EXIT_DONE


@app.command()
def kinks(jobs: options.Jobs = None, backend: options.Backend = "loky") -> int:
    """How often the equations of rest on kinks hold on data that were not chosen: the tables of
    proofs_notes/kink-limits.md, a line as soon as it is there; ten minutes."""
    from numerics.studies.kinks import rows, rows_of_many

    return _print(jobs, backend, rows, rows_of_many)


@app.command()
def meetings(jobs: options.Jobs = None, backend: options.Backend = "loky") -> int:
    """Both optimizers of the meetings of proofs_notes/region-interaction.md, trained: its table, a
    line as soon as it is there; some minutes."""
    from numerics.studies.meetings import rows

    return _print(jobs, backend, rows)


@app.command()
def smallest(jobs: options.Jobs = None, backend: options.Backend = "loky") -> int:
    """The smallest data on which AdamW and Muon prefer different components of exact fits, all of
    them up to symmetry: the tables of proofs_notes/small-width-separation.md; some minutes."""
    from numerics.studies.smallest import rows

    return _print(jobs, backend, rows)


def _print(jobs: int | None, backend: str, *tables: Callable[..., Iterator[str]]) -> int:
    from theory.parallel import Jobs

    many = Jobs(jobs, backend)
    with progress(at_once=not many.alone) as report:
        for rows in tables:
            for row in rows(jobs=many, progress=report):
                print(row, flush=True)
    return EXIT_DONE
