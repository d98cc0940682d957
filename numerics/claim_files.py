"""Claims of your own, read from a Python file for `isthmus verify my_claim.py`."""

from __future__ import annotations

import inspect
import re
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import cloudpickle

from theory.claims import Claim
from theory.errors import InputError

_MEMBERS = (
    *("id", "statement", "hypotheses", "source"),
    *("recorded", "quick", "predict", "observe", "compare"),
)
_ID = re.compile(r"\w[\w.-]*")


def load_claims(path: Path) -> list[Claim]:
    """The claims that a file defines, in its order.

    A claim is an object with the members of `theory.claims.Claim`, or a class of the file that
    makes one without arguments and of which the file has no object itself.

    Raises InputError, in one line, where the file fails and where, and where it defines no claim.
    """
    module = _run(path)
    values = list({id(value): value for value in vars(module).values()}.values())
    found = [value for value in values if not isinstance(value, type) and isinstance(value, Claim)]
    known = set(map(type, found))
    reasons = []
    for value in values:
        if _may_be_claim(value, module) and value not in known:
            made = _made(value, path)
            if isinstance(made, str):
                reasons.append(made)
            else:
                found.append(made)
    if not found:
        why = reasons or ["a claim derives from theory.claims.Claim"]
        raise InputError(str(path), f"defines no claim: {'; '.join(why)}")
    for claim in found:
        if not isinstance(claim.id, str) or not _ID.fullmatch(claim.id):
            raise InputError(
                str(path), f"id {claim.id!r} must be letters, digits, '-', '_' and '.', for files"
            )
        if not isinstance(claim.recorded, bool):
            raise InputError(
                str(path), f"recorded {claim.recorded!r} must be True (it holds) or False (refuted)"
            )
    return found


def _run(path: Path) -> ModuleType:
    """The module; its folder is searched for what it imports, as Python does for a script."""
    module = ModuleType(f"claims in {path.resolve()}")
    module.__file__ = str(path)
    # Dataclasses look their module up.
    sys.modules[module.__name__] = module
    if (folder := str(path.resolve().parent)) not in sys.path:
        sys.path.append(folder)
    try:
        exec(compile(path.read_bytes(), path, "exec"), vars(module))
    except OSError as error:
        raise InputError(str(path), f"cannot be read: {error.strerror}") from None
    except (Exception, SystemExit) as error:
        raise InputError(str(path), _where(error, path)) from None
    # Other processes cannot import the module by its name.
    cloudpickle.register_pickle_by_value(module)
    return module


def _may_be_claim(value: Any, module: ModuleType) -> bool:
    """Whether it is a class of this file that predicts and observes."""
    return (
        isinstance(value, type)
        and value.__module__ == module.__name__
        and hasattr(value, "predict")
        and hasattr(value, "observe")
    )


def _made(of: Any, path: Path) -> Claim | str:
    """A claim of this class, or why there is none."""
    if missing := ", ".join(sorted(getattr(of, "__abstractmethods__", ()))):
        return f"class {of.__name__} lacks {missing}"
    try:
        inspect.signature(of).bind()
    except TypeError as error:
        return f"class {of.__name__}: {error}"
    try:
        claim = of()
        missing = ", ".join(_missing(claim))
    except Exception as error:
        raise InputError(str(path), _where(error, path)) from None
    return f"class {of.__name__} lacks {missing}" if missing else claim


def _missing(claim: Any) -> Iterator[str]:
    return (name for name in _MEMBERS if not hasattr(claim, name))


def _where(error: BaseException, path: Path) -> str:
    """The line of the file, and the error."""
    lines = [
        frame.lineno
        for frame in traceback.extract_tb(error.__traceback__)
        if frame.filename == str(path)
    ]
    if isinstance(error, SyntaxError) and error.filename == str(path):
        lines.append(error.lineno)
        said = error.msg
    else:
        said = str(error)
    at = f"line {lines[-1]}: " if lines else ""
    return f"{at}{type(error).__name__}: {said}"
