"""Files of theorems, and what Coq says of them."""

from __future__ import annotations

import re
from collections.abc import Callable

from numerics.coq import compiled

AXIOMS = {
    "ClassicalDedekindReals.sig_not_dec",
    "ClassicalDedekindReals.sig_forall_dec",
    "FunctionalExtensionality.functional_extensionality_dep",
    "Classical_Prop.classic",
}
"""Those of the reals in Coq's own library."""


def refused_if(text: str, pattern: str, by: str | Callable[[re.Match[str]], str]) -> bool:
    """Whether Coq refuses a file, as no proof, with what a pattern finds in it first replaced."""
    changed = re.sub(pattern, by, text, count=1)
    assert changed != text
    found = compiled(changed)
    # What is no text for Coq, or cannot be read, would be refused too.
    wrong = "Unable to unify" in found.errors or "expected to have type" in found.errors
    return not found.accepted and wrong
