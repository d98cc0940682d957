"""How Sphinx makes the site, `make docs`; why Sphinx stands beside it in pyproject.toml.

The root of the checkout is its source, so that notes, changelog and pages lie where code hosts show
them, and a relative link is right in both places.
"""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

_PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

project = "Isthmus"
author = _PROJECT["authors"][0]["name"]
version = release = _PROJECT["version"]
copyright = author

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "docs.rendering.mathml",
    "docs.rendering.reference",
    "docs.rendering.graph",
]
root_doc = "docs/index"
include_patterns = [
    "docs/**",
    "proofs_notes/**",
    *("CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md"),
]
exclude_patterns = ["**/.ipynb_checkpoints", "**/__pycache__"]

myst_enable_extensions = ["dollarmath"]
myst_dmath_double_inline = True
myst_heading_anchors = 4
nb_execution_mode = "off"  # the tests run the notebooks

nitpicky = True
# Signatures name types of Python, of numpy and of our own that are not public: these have no pages.
nitpick_ignore_regex = [("py:.*", ".*")]

html_theme = "furo"
html_title = f"Isthmus {release}"
html_copy_source = False
html_show_sourcelink = False
html_static_path = ["static"]
html_css_files = ["isthmus.css"]
html_extra_path = ["extra"]  # index.html, which leads from the top of the site to its first page
pygments_style = "tango"
pygments_dark_style = "monokai"

autodoc_typehints = "signature"
autodoc_preserve_defaults = True
autodoc_type_aliases = {name: name for name in ("Progress", "Rational", "Within")}
autodoc_member_order = "bysource"
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 88
add_module_names = False
