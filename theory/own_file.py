"""A Python file of one's own: a conjecture to hunt, claims to verify."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType

from theory.errors import InputError

_NAME = "the file "  # before its path: no module that one can import is called that


@dataclass(frozen=True)
class OwnFile:
    """The file as it was read.

    It crosses to other processes as this, and each runs it for itself: what the file makes, such as
    a lock, need not be picklable. path: as it was given. folder: where it looks for what it
    imports, after everything else.
    """

    path: Path
    folder: Path
    source: bytes

    @classmethod
    def read(cls, path: Path) -> OwnFile:
        """Raises InputError where it cannot be read."""
        try:
            return cls(path, path.resolve().parent, path.read_bytes())
        except OSError as error:
            raise InputError(str(path), f"cannot be read: {error.strerror}") from None

    def module(self) -> ModuleType:
        """What the file makes; it runs once in each process.

        Raises InputError, in one line, where the file fails, and says where.
        """
        return _run(self)


@cache
def _run(file: OwnFile) -> ModuleType:
    whole = file.folder / file.path.name
    module = ModuleType(f"{_NAME}{whole}")
    module.__file__ = str(whole)
    sys.modules[module.__name__] = module  # dataclasses look their module up
    if file.folder not in _beside.folders:
        _beside.folders.append(file.folder)
    if _beside not in sys.meta_path:
        sys.meta_path.append(_beside)
    try:
        exec(compile(file.source, whole, "exec"), vars(module))
    except (Exception, SystemExit) as error:
        raise InputError(str(file.path), described(error)) from None
    return module


class _Beside(MetaPathFinder):
    """Finds modules beside files of one's own that are nowhere else.

    On sys.path these folders would come before a package that is installed editable: a `theory.py`
    there would hide `theory` from processes that start later.
    """

    def __init__(self) -> None:
        self.folders: list[Path] = []

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Of a module that is in no package."""
        return None if path else PathFinder.find_spec(fullname, [*map(str, self.folders)], target)


_beside = _Beside()


def described(error: BaseException) -> str:
    """An error in one line, after the last line of a file of one's own on the way to it."""
    lines = [
        f"line {line}: "
        for frame, line in traceback.walk_tb(error.__traceback__)
        if str(frame.f_globals.get("__name__")).startswith(_NAME)
    ]
    said = str(error)
    if isinstance(error, SyntaxError) and not lines:  # of the file itself, which did not run
        lines, said = [f"line {error.lineno}: "], error.msg
    return " ".join(f"{''.join(lines[-1:])}{type(error).__name__}: {said}".split())
