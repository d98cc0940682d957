"""`isthmus problems`: the data sets that are shipped."""

from __future__ import annotations

from numerics.cli import options
from numerics.cli.output import EXIT_DONE, console, emit
from numerics.cli.outputs import check_outputs
from theory.loading import example, example_names


def problems(json: options.Json = None) -> int:
    """List the shipped examples; any command takes their names for PROBLEM."""
    check_outputs([], json=json)
    examples = [example(name) for name in example_names()]
    emit(
        {
            "problems": [
                {
                    "name": problem.name,
                    "n": problem.n,
                    "d": problem.d,
                    "width": problem.width,
                    "description": problem.description,
                }
                for problem in examples
            ]
        },
        json,
    )
    if json != "-":
        from rich.table import Table

        table = Table("name", "n", "d", "width", "description")
        for problem in examples:
            sizes = problem.n, problem.d, problem.width
            table.add_row(problem.name, *map(str, sizes), problem.description)
        console().print(table)
    return EXIT_DONE
