"""Console blocks of Markdown pages: what a reader types, run, beside what the page says it prints.

A page is run from top to bottom in one empty folder. `$ cat FILE` shows a file of the reader's own
where there is none of this name; a Python block that begins with `# NAME.py` is one too. Where
output says `...`, anything may stand. Blocks in `sh` are not run.

    python tests/support/console_blocks.py PAGE...   writes what is printed into the pages
"""

from __future__ import annotations

import doctest
import io
import os
import re
import shlex
import sys
import tempfile
from collections.abc import Iterator
from contextlib import chdir, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

from command import said

from numerics.cli import main

_BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_FILE = re.compile(r"^```python\n(# ([\w-]+\.py)\n.*?)^```$", re.MULTILINE | re.DOTALL)
_COMMAND = re.compile(r"^\$ ((?:.*\\\n)*.*)\n?", re.MULTILINE)


@dataclass(frozen=True)
class Typed:
    """A command of a page, what the page says it prints, and what it printed."""

    command: str
    expected: str
    printed: str

    @property
    def right(self) -> bool:
        """Whether the page says it."""
        pair = (self.expected, self.printed)
        if self.command.startswith("isthmus train"):
            pair = (_excluded(self.expected), _excluded(self.printed))
        return doctest.OutputChecker().check_output(
            *pair, doctest.ELLIPSIS | doctest.DONT_ACCEPT_BLANKLINE
        )


def _excluded(text: str) -> str:
    """Of training the table of components, with which of them no run is in: theory says that. How
    many are in the others is measured, and not quite the same on every machine."""
    return re.sub(r"(?<=│ )[1-9]\d* *(?=│)", "some ", text.partition("└")[0])


def typed(page: str) -> Iterator[Typed]:
    """Every command of a page, run in the folder that one is in."""
    for code, name in _FILE.findall(page):
        Path(name).write_text(code, encoding="utf-8")
    status = 0
    for block in _BLOCK.findall(page):
        start, *rest = _COMMAND.split(block)
        assert not start, f"{start!r} stands before a command"
        for command, expected in zip(rest[::2], rest[1::2], strict=True):
            words = shlex.split(command.replace("\\\n", " "))
            match words:
                case ["isthmus", *arguments]:
                    status, printed = _run(arguments)
                case ["echo", "$?"]:
                    printed = f"{status}\n"
                case ["cat", name]:
                    if not Path(name).exists():
                        Path(name).write_text(expected, encoding="utf-8")
                    printed = Path(name).read_text(encoding="utf-8")
                case _:
                    raise AssertionError(
                        f"{command!r} is not run here; in a `sh` block it need not"
                    )
            yield Typed(command, expected, printed)


def _run(arguments: list[str]) -> tuple[int, str]:
    """The exit code, and all that a terminal would show."""
    shown = io.StringIO()
    with redirect_stdout(shown), redirect_stderr(shown):
        code = main(arguments)
    return code, said(shown.getvalue())


def rewritten(page: str) -> str:
    """The page with what its commands print, where it says something else."""
    found = iter([*typed(page)])

    def block(match: re.Match[str]) -> str:
        lines = []
        for _ in _COMMAND.finditer(match[1]):
            each = next(found)
            lines.append(f"$ {each.command}\n{each.expected if each.right else each.printed}")
        return f"```console\n{''.join(lines)}```"

    return _BLOCK.sub(block, page)


if __name__ == "__main__":
    for path in map(Path, sys.argv[1:]):
        text = path.read_text(encoding="utf-8")
        with tempfile.TemporaryDirectory() as folder, chdir(folder):
            os.environ["OMP_NUM_THREADS"] = "1"
            text = rewritten(text)
        path.write_text(text, encoding="utf-8")
