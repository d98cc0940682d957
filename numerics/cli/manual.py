"""The page docs/options.md, made from the commands themselves: `python -m numerics.cli.manual`
prints it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any

from typer.main import get_command

from numerics.cli import application
from numerics.cli.options import Reading

_BEGINNING = """\
# Options

All commands, and all their options. This page is made from the commands, by
`python -m numerics.cli.manual > docs/options.md`; `isthmus COMMAND --help` says the same.

- **Numbers** are exact: integers, decimals, and fractions such as 2/3. In tables `≈` marks what was
  rounded to be read; JSON and certificates have all of it.
- **Lists** have commas: `--optimizers adamw,muon`. What is a list itself, or a file, is an option
  that may be given again.
- **Times** are `90` or `90s` (seconds), `90m` or `2h`.
- **Limits** are `--max-...`: work that would take more is refused before it begins, and the message
  says which number would allow it.
- **Results** are on stdout, as a table, or as JSON with `--json -`. All else is on stderr: where
  long work stands, with the time left where that is known, and what is doubtful about data.
  `--quiet` leaves errors only.
- **Exit codes** are 0: done and true; 1: a claim is false, or a certificate is not valid; 2: wrong
  input or options; 3: not decided within the budget, or interrupted; what is known is printed.
- **Completion** of commands, options, examples, optimizers, claims and conjectures in bash, zsh,
  fish and PowerShell: `isthmus --install-completion`, once.
"""


@dataclass(frozen=True)
class _Option:
    """name: with its dashes, or of an argument as it is in the usage. value: empty for a switch."""

    command: str
    name: str
    value: str
    help: str
    required: bool

    @property
    def is_argument(self) -> bool:
        return not self.name.startswith("-")


def options_page() -> str:
    """Markdown: what holds for all, the commands, and each option by its name."""
    found = list(_options(get_command(application()), ()))
    commands = dict.fromkeys(each.command for each in found)
    of_data = {f"--{field.name.replace('_', '-')}" for field in fields(Reading)}
    names = {c: {each.name for each in found if each.command == c} for c in commands}
    reading = [command for command in commands if of_data <= names[command]]
    data = [each for each in found if each.command in reading and each.name in of_data]
    everywhere = set.intersection(*names.values())
    table = ["| command | options |", "|---|---|"]
    for command in commands:
        mine = [each for each in found if each.command == command and each.name not in everywhere]
        rest = [
            f"`{each.name}`"
            for each in mine
            if each not in data and not each.is_argument and not each.required
        ]
        more = ["and those of data"] if command in reading else []
        table.append(f"| `{_cell(_usage(command, mine))}` | {' '.join([*rest, *more])} |")
    own = [each for each in found if each not in data and each.name not in everywhere]
    return "\n".join(
        [
            _BEGINNING,
            "## Commands",
            "",
            f"All have {', '.join(f'`{name}`' for name in sorted(everywhere))}: "
            f"{next(each.help for each in found if each.name in everywhere)}",
            "",
            *table,
            "",
            "## Options of data",
            "",
            f"How PROBLEM is read, by {', '.join(reading)}.",
            "",
            *_by_name(data, with_commands=False),
            "",
            "## Other options by name",
            "",
            *_by_name(own, with_commands=True),
            "",
        ]
    )


def _options(command: Any, path: tuple[str, ...]) -> Iterator[_Option]:
    if inner := getattr(command, "commands", None):
        for name, each in inner.items():
            yield from _options(each, (*path, name))
        return
    for each in command.params:
        argument = each.param_type_name == "argument"
        value = each.metavar or each.name.upper()
        said = " ".join((each.help or "").split())
        yield _Option(
            " ".join(path),
            value if argument else each.opts[0],
            "" if argument or each.is_flag else value,
            said if argument else said + _default(each.default),
            each.required,
        )


def _default(value: object) -> str:
    return "" if value is None or isinstance(value, bool) else f" By default {value}."


def _usage(command: str, mine: Sequence[_Option]) -> str:
    words = ["isthmus", command]
    for each in mine:
        if each.is_argument:
            words.append(each.name if each.required or "[" in each.name else f"[{each.name}]")
    words += [f"{each.name} {each.value}" for each in mine if each.required and each.value]
    return " ".join(words)


def _by_name(found: Iterable[_Option], *, with_commands: bool) -> Iterator[str]:
    """A row for each meaning of a name."""
    meanings: dict[tuple[str, str, str], list[str]] = {}
    for each in found:
        if not each.is_argument:
            meanings.setdefault((each.name, each.value, each.help), []).append(each.command)
    yield "| option | of | what it is |" if with_commands else "| option | what it is |"
    yield "|---|---|---|" if with_commands else "|---|---|"
    for (name, value, said), commands in sorted(meanings.items(), key=lambda item: item[0][0]):
        where = [", ".join(commands)] if with_commands else []
        cells = [f"`{_cell(f'{name} {value}'.strip())}`", *where, _cell(said)]
        yield f"| {' | '.join(cells)} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    print(options_page(), end="")
