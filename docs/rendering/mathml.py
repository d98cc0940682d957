r"""Formulas as MathML, which browsers draw by themselves.

>>> mathml("a_1", display=False).partition("<mrow>")[2]
'<msub><mi>a</mi><mn>1</mn></msub></mrow></math>'

What latex2mathml does not know it passes on as text; here that is an error.

>>> mathml(r"\nosuch{a}", display=False)
Traceback (most recent call last):
ValueError: \nosuch is not known
"""

from __future__ import annotations

from xml.etree import ElementTree

from docutils import nodes
from latex2mathml import exceptions
from latex2mathml.converter import convert
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.typing import ExtensionMetadata
from sphinx.writers.html5 import HTML5Translator

# They have no class of their own in common.
_ERRORS: tuple[type[Exception], ...] = tuple(
    each
    for each in vars(exceptions).values()
    if isinstance(each, type) and issubclass(each, Exception) and each is not Exception
)
_CHILDREN = {"mfrac": 2, "msub": 2, "msup": 2, "msubsup": 3, "mroot": 2}
_NAMESPACE = "{http://www.w3.org/1998/Math/MathML}"


def mathml(tex: str, *, display: bool) -> str:
    """A formula of TeX as a `math` element. Raises ValueError for TeX that is not known."""
    try:
        text = convert(tex, display="block" if display else "inline")
    except _ERRORS as error:
        raise ValueError(type(error).__name__) from None
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        raise ValueError(f"no MathML: {error}") from None
    for element in root.iter():
        if element.text and "\\" in element.text:
            raise ValueError(f"{element.text} is not known")
        name = element.tag.removeprefix(_NAMESPACE)
        if len(element) != _CHILDREN.get(name, len(element)):
            raise ValueError(f"{name} has {len(element)} parts")
    return text


def _visit(self: HTML5Translator, node: nodes.math | nodes.math_block) -> None:
    display = isinstance(node, nodes.math_block)
    try:
        text = mathml(node.astext(), display=display)
    except ValueError as error:
        logging.getLogger(__name__).warning(
            "%s in the formula %s", error, node.astext(), location=node, type="math"
        )
        text = ""
    self.body.append(
        self.starttag(node, "div", CLASS="math") + text + "</div>" if display else text
    )
    raise nodes.SkipNode


def setup(app: Sphinx) -> ExtensionMetadata:
    """The renderer of formulas of this name."""
    app.add_html_math_renderer("mathml", (_visit, None), (_visit, None))
    app.config.html_math_renderer = "mathml"
    return {"parallel_read_safe": True, "parallel_write_safe": True}
