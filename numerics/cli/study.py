"""`isthmus study`: the larger measurements that the report and the notes quote."""

from __future__ import annotations

from itertools import chain
from pathlib import Path
from typing import Annotated

import typer

from numerics.cli.output import EXIT_DONE, say
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
        str | None, typer.Option(metavar="NAME", help="Only diabetes, breast-cancer or digits.")
    ] = None,
    optimizer: Annotated[
        str | None,
        typer.Option(metavar="OPT", help="Only this one, also where it is measured already."),
    ] = None,
) -> int:
    """Optima in the optimizers' balls on real data, beside trained networks.

    What FILE has already is kept, so an interrupted study goes on. A ball's radius is that of sgd's
    network, which is measured first.
    """
    from numerics.studies.real_data import measure_all

    check_outputs([], json=str(out))
    for name, row in measure_all(out, dataset, optimizer, command=context.obj):
        say(f"{name}, {row}")
    return EXIT_DONE


@app.command()
def separation(
    context: typer.Context,
    out: Out,
    search: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Also find the ten problems again, and write them here."),
    ] = None,
) -> int:
    """The flagship and separation-01 to separation-10, on which AdamW and Muon prefer different
    components: exact barriers and radii, where trained networks land, and up to which loss and
    violation that is a theorem."""
    from numerics.files import provenance, write_json
    from numerics.studies.separation import (
        examples,
        facts,
        found_again,
        measure,
        rows,
        write_example,
    )

    written = None if search is None else Folder(search, ("separation-*.json",))
    check_outputs([], json=str(out), search=written)
    problems = examples() if search is None else found_again()
    measured = {}
    for name, problem in problems.items():
        if search is not None:
            write_example(search / f"{name}.json", problem)
        measured[name] = facts(measure(problem))
        print(f"{name}: {'holds' if measured[name]['holds'] else 'is FALSE'}", flush=True)
    write_json(out, {"data_sets": measured, **provenance(context.obj)})
    for row in rows(measured):
        print(row)
    return EXIT_DONE


@app.command()
def kinks() -> int:
    """How often the equations of rest on kinks hold on data that were not chosen: the tables of
    proofs_notes/kink-limits.md, a line as soon as it is there; ten minutes."""
    from numerics.studies.kinks import rows, rows_of_many

    for row in chain(rows(), rows_of_many()):
        print(row, flush=True)
    return EXIT_DONE


@app.command()
def meetings() -> int:
    """Both optimizers of the meetings of proofs_notes/region-interaction.md, trained: its table, a
    line as soon as it is there; some minutes."""
    from numerics.studies.meetings import row, study

    for each in study():
        print(row(each), flush=True)
    return EXIT_DONE
