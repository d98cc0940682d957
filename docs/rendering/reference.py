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
from collections.abc import Collection, Iterator
from importlib import import_module
from types import GenericAlias, ModuleType
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from sphinx.util.typing import ExtensionMetadata

import theory


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


def listed(lines: list[str], names: Collection[str]) -> list[str]:
    """A docstring in which what it says of parameters or fields, `name: text`, is a list.

    >>> listed(["A ball.", "", "R: a radius. Not: a name.", "Raises InputError."], ["rho", "R"])
    ['A ball.', '', '- `R`: a radius. Not: a name.', '', 'Raises InputError.', '']
    """
    one = "(?:" + "|".join(map(re.escape, names)) + ")"
    begins = re.compile(rf"(?:^|(?<=[.;] )|(?<=\n))({one}(?:, {one})*): ")
    found: list[str] = []
    for paragraph in re.split(r"\n(?:[ ]*\n)+", "\n".join(lines)):
        for text in re.split(r"\n(?=Raises |Source: )", paragraph):
            head, *items = [text] if text.lstrip().startswith(">>>") else begins.split(text)
            if items:
                found += [" ".join(head.split()), ""] if head.strip() else []
                pairs = zip(items[::2], items[1::2], strict=True)
                found += [f"- `{name}`: {' '.join(said.split())}" for name, said in pairs]
            else:
                found += head.split("\n")
            found.append("")
    return found


def _names(of: Any) -> list[str]:
    """Parameters and fields."""
    fields = [*getattr(of, "__annotations__", ())] if inspect.isclass(of) else []
    try:
        return [*fields, *inspect.signature(of).parameters]
    except (TypeError, ValueError):  # what has no signature
        return fields


def _escape(app: Sphinx, what: str, name: str, of: Any, options: Any, lines: list[str]) -> None:
    names = _names(of)
    lines[:] = escaped(listed(lines, names) if names else lines)


def _name(
    app: Sphinx,
    what: str,
    name: str,
    of: Any,
    options: Any,
    signature: str | None,
    result: str | None,
) -> tuple[str | None, str | None]:
    """Types that have a name here by their name, also where they stand inside others."""
    named = (
        part and re.sub(r"TypeAliasForwardRef\('(\w+)'\)", r"\1", part)
        for part in (signature, result)
    )
    return next(named), next(named)


def topics(text: str) -> list[tuple[str, list[str]]]:
    """What a module's docstring lists by topic, where it is a map: each topic with its names.

    >>> topics("A map.\\n\\nLines::\\n\\n    line    the highest loss\\n    Line    what it finds")
    [('Lines', ['line', 'Line'])]
    """
    found = re.findall(r"^(\S.*)::\n\n((?: {4}.*\n?)+)", text, flags=re.MULTILINE)
    return [(topic, re.findall(r"^ {4}(\w+)", rows, flags=re.MULTILINE)) for topic, rows in found]


def _directive(module: ModuleType, name: str) -> Iterator[str]:
    thing = getattr(module, name)
    where = f"{module.__name__}.{name}"
    if inspect.isclass(thing):
        yield from (f".. autoclass:: {where}", "   :members:", "")
    elif callable(thing) and not isinstance(thing, GenericAlias):
        yield from (f".. autofunction:: {where}", "")
    elif not isinstance(thing, ModuleType):  # modules have a place of their own
        yield from (f".. autodata:: {where}", "   :no-value:", "")


class Public(SphinxDirective):
    """Everything that a module has in `__all__`, by topic where its docstring is a map."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        module = import_module(self.arguments[0])
        lines, above = [], set()
        if module is not theory:
            above = {name for name in theory.__all__ if name in module.__all__}
            if above:
                said = ", ".join(f"`{name}`" for name in sorted(above))
                lines += [f"Also here, and described under `theory`: {said}.", ""]
        for topic, names in topics(inspect.getdoc(module) or "") or [("", module.__all__)]:
            own = [name for name in names if name not in above]
            rows = [row for name in own for row in _directive(module, name)]
            if rows:
                lines += [
                    *([f"### {topic}", ""] if topic else []),
                    "```{eval-rst}",
                    *rows,
                    "```",
                    "",
                ]
        return self.parse_text_to_nodes("\n".join(lines), allow_section_headings=True)


def setup(app: Sphinx) -> ExtensionMetadata:
    """The directive, and docstrings as they are meant."""
    app.connect("autodoc-process-docstring", _escape)
    app.connect("autodoc-process-signature", _name)
    app.add_directive("public", Public)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
