"""What a command writes, checked before it starts to work."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TypeAlias

from numerics.files import MANIFEST, require_folder, require_writable, status
from theory.errors import InputError

PICTURES = (".svg", ".png", ".pdf")

STDOUT = ("/dev/stdout", "/dev/fd/1", "/proc/self/fd/1")
"""Files that are this process's stdout."""

_Place: TypeAlias = tuple[int, int, str]
"""Device and number of a file, or of its folder and its name there."""


@dataclass(frozen=True)
class Folder:
    """A folder that a command writes into; names: patterns of those it may give to files there."""

    path: Path
    names: tuple[str, ...]

    def writes(self, file: Path) -> bool:
        """Whether the command may write this file, as one of those in the folder."""
        if os.path.realpath(file.parent) != os.path.realpath(self.path):
            return False
        names = (MANIFEST, *self.names)
        return any(fnmatchcase(file.name.casefold(), each.casefold()) for each in names)


def check_outputs(
    reads: Iterable[str | Path | None], **outputs: str | Path | Folder | None
) -> None:
    """Refuse outputs that cannot be written, and those that overwrite an input or each other.

    reads: files that the command reads, or names of examples. outputs: by the name of the option.
    """
    folders = {option: each for option, each in outputs.items() if isinstance(each, Folder)}
    files = {
        option: Path(each)
        for option, each in outputs.items()
        if isinstance(each, str | Path) and (option, each) != ("json", "-")
    }
    for folder in folders.values():
        require_folder(folder.path)
    for option, file in files.items():
        _require_file(option, file, folders)
    sources = [Path(each) for each in reads if each is not None and os.path.exists(each)]
    taken = {place: "is read by this command" for each in sources for place in _places(each)}
    alone = outputs.get("json") == "-"
    for place in _stdout(alone):
        taken[place] = "is where stdout goes"
    for option, folder in folders.items():
        taken |= dict.fromkeys(_places(folder.path), f"is the folder of --{option}")
        for each in (*sources, *files.values()):
            if folder.writes(each):
                raise InputError(option, f"would overwrite {each}; name another")
    for option, file in files.items():
        mine = set() if str(file) in STDOUT and not alone else _places(file)
        for place in mine & taken.keys():
            raise InputError(option, f"{file} {taken[place]}; name another file")
        taken |= dict.fromkeys(mine, f"is what --{option} writes")


def _require_file(option: str, file: Path, folders: dict[str, Folder]) -> None:
    if option == "plot" and file.suffix not in PICTURES:
        raise InputError(str(file), f"must end in {', '.join(PICTURES)}")
    if str(file) == "-":
        raise InputError(option, "only --json writes to stdout as -; name a file")
    made = {os.path.realpath(folder.path) for folder in folders.values()}
    if file.parent.exists() or os.path.realpath(file.parent) not in made:
        require_writable(file)


def _places(file: Path) -> set[_Place]:
    """Where a file is, however it is named; nothing for terminals and /dev/null.

    Names that differ only in case are one file on some systems, so they are on all.
    """
    places: set[_Place] = set()
    real = Path(os.path.realpath(file))
    try:
        there, folder = status(file), status(real.parent)
    except OSError:
        return places
    if there is not None and stat.S_ISCHR(there.st_mode):
        return places
    if there is not None:
        places.add((there.st_dev, there.st_ino, ""))
    if folder is not None:
        places.add((folder.st_dev, folder.st_ino, real.name.casefold()))
    return places


def _stdout(alone: bool) -> set[_Place]:
    """Where stdout is redirected to. alone: nothing else may go there."""
    try:
        there = os.fstat(1)
    except OSError:  # it is closed
        return set()
    shared = stat.S_ISCHR(there.st_mode) or not (alone or stat.S_ISREG(there.st_mode))
    return set() if shared else {(there.st_dev, there.st_ino, "")}
