"""`isthmus problems`: the data sets that are shipped."""

from __future__ import annotations

from numerics.cli import options
from numerics.cli.output import console
from numerics.cli.task import Task
from theory.loading import example, example_names


def problems(json: options.Json = None) -> int:
    """List the shipped examples; any command takes their names for PROBLEM."""
    task = Task(None, [], json=json)
    examples = [example(name) for name in example_names()]

    def show() -> None:
        from rich.table import Table

        table = Table("name", "n", "d", "width", "description")
        for problem in examples:
            sizes = problem.n, problem.d, problem.width
            table.add_row(problem.name, *map(str, sizes), problem.description)
        console().print(table)

    listed = [
        {
            "name": problem.name,
            "n": problem.n,
            "d": problem.d,
            "width": problem.width,
            "description": problem.description,
        }
        for problem in examples
    ]
    return task.finish({"problems": listed}, show)
