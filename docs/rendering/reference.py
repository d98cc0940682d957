r"""The reference, from docstrings: a directive that lists what a module says is public.

In Markdown:

    ```{public} theory.lines
    ```

Docstrings are plain text with `code` and doctests; for Sphinx they are escaped.

>>> escaped(["The *least* `rho`, of ||W||."])
['The \\*least\\* ``rho``, of \\|\\|W\\|\\|.']
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from importlib import import_module
from types import ModuleType
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from sphinx.util.typing import ExtensionMetadata


def escaped(lines: list[str]) -> list[str]:
    """A docstring whose text says for Sphinx what it says for a reader; doctests as they are.

    Lines that go on are indented here as they please, which for Sphinx would mean something.
    """
    found: list[str] = []
    example = False
    for line in lines:
        if found and found[-1].strip() and found[-1][0] != " " and not example:
            line = line.lstrip()
        example = bool(line.strip()) and (example or line.lstrip().startswith(">>>"))
        parts = re.split(r"`([^`]+)`", line)
        text = [re.sub(r"([\\*|_`])", r"\\\1", part) for part in parts[::2]]
        codes = [f"``{code}``" for code in parts[1::2]] + [""]
        found.append(line if example else "".join(map("".join, zip(text, codes, strict=True))))
    return found


def _escape(app: Sphinx, what: str, name: str, of: Any, options: Any, lines: list[str]) -> None:
    lines[:] = escaped(lines)


def _directive(module: ModuleType, name: str) -> Iterator[str]:
    thing = getattr(module, name)
    where = f"{module.__name__}.{name}"
    if inspect.isclass(thing):
        yield from (f".. autoclass:: {where}", "   :members:")
    elif callable(thing) and not isinstance(thing, type(list[int])):
        yield f".. autofunction:: {where}"
    elif isinstance(thing, ModuleType):
        yield f".. automodule:: {where}"
    else:
        yield f".. autodata:: {where}"
        yield "   :no-value:"


class Public(SphinxDirective):
    """Everything that a module has in `__all__`, with its docstring."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        module = import_module(self.arguments[0])
        text = "\n\n".join("\n".join(_directive(module, name)) for name in module.__all__)
        lines = ["```{eval-rst}", *text.splitlines(), "```"]
        return self.parse_text_to_nodes("\n".join(lines), allow_section_headings=False)


def setup(app: Sphinx) -> ExtensionMetadata:
    """The directive, and docstrings as they are meant."""
    app.connect("autodoc-process-docstring", _escape)
    app.add_directive("public", Public)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
