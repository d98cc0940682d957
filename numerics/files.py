"""Result files: written whole or not at all, with a record of how they were made."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import platform
import secrets
import stat
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from theory.errors import InputError

_RECORDED = (
    "isthmus",
    "numpy",
    "scipy",
    "python-flint",
    "cvxpy",
    "clarabel",
    "torch",
    "transformers",  # which is optional
)


def write(path: Path, content: str | bytes) -> None:
    """Write a file atomically: a reader sees the old content or the new, never a part.

    Its permissions stay, and a symbolic link to it. A device or a pipe is written into, not
    replaced. Raises InputError where that cannot be.
    """
    data = content.encode() if isinstance(content, str) else content
    try:
        there = status(path)
        stream = None if there is None else _own_stream(there)
        if stream is not None:
            _pour(stream, data)
        elif there is None or stat.S_ISREG(there.st_mode):
            _replace(Path(os.path.realpath(path)), data, there)
        else:
            _pour(path, data)
    except OSError as error:
        raise InputError(str(path), f"cannot be written: {error.strerror}") from None


def append(path: Path, line: str) -> None:
    """Add a line to the end of a file, in one piece: several processes may.

    Raises InputError where that cannot be.
    """
    try:
        with path.open("ab", buffering=0) as file:
            file.write(f"{line}\n".encode())
    except OSError as error:
        raise InputError(str(path), f"cannot be written: {error.strerror}") from None


def require_writable(path: Path) -> None:
    """Raise the InputError that `write` would, as far as it can be foreseen; leaves no trace."""
    try:
        there = status(path)
        if there is not None and stat.S_ISDIR(there.st_mode):
            raise InputError(str(path), "is a folder; name a file")
        if there is not None:
            _refuse_read_only(path)
        if there is None or stat.S_ISREG(there.st_mode):
            folder = Path(os.path.realpath(path)).parent
            if not folder.is_dir():
                raise InputError(str(path), f"cannot be written: there is no folder {folder}")
            with tempfile.TemporaryFile(dir=folder):
                pass
    except OSError as error:
        raise InputError(str(path), f"cannot be written: {error.strerror}") from None


def status(path: Path) -> os.stat_result | None:
    """What is at a path, or where its symbolic link leads; None where nothing is."""
    try:
        return path.stat()
    except FileNotFoundError:
        return None


def _refuse_read_only(path: Path) -> None:
    """Renaming would replace even what its owner has protected."""
    if not os.access(path, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


def _own_stream(there: os.stat_result) -> int | None:
    """The descriptor of stdout or stderr, if that is what is there: /dev/stdout, say."""
    for descriptor in (1, 2):
        with contextlib.suppress(OSError):  # it may be closed
            if os.path.samestat(there, os.fstat(descriptor)):
                return descriptor
    return None


def _pour(target: Path | int, data: bytes) -> None:
    for stream in (sys.stdout, sys.stderr):
        stream.flush()  # what was printed before stands before
    with open(target, "wb", closefd=isinstance(target, Path)) as file:
        file.write(data)


def _replace(path: Path, data: bytes, there: os.stat_result | None) -> None:
    if there is not None:
        _refuse_read_only(path)
    partial = path.with_name(f".{secrets.token_hex(8)}")
    try:
        with partial.open("xb") as file:
            file.write(data)
        if there is not None:
            with contextlib.suppress(OSError):  # it may be someone else's
                os.chown(partial, there.st_uid, there.st_gid)
            partial.chmod(stat.S_IMODE(there.st_mode))
        partial.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            partial.unlink()
        raise


def make_folder(path: Path) -> None:
    """The folder, if it is not there yet; raises InputError where that cannot be."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(str(path), f"cannot be made: {error.strerror}") from None


def require_folder(path: Path) -> None:
    """Raise InputError where the folder cannot be made, or written into; leaves no trace."""
    try:
        nearest = next(each for each in (path, *path.absolute().parents) if each.exists())
        with tempfile.TemporaryFile(dir=nearest):
            pass
    except OSError as error:
        raise InputError(str(path), f"cannot be written into: {error.strerror}") from None


MANIFEST = ".isthmus.json"
"""Beside what `write_folder` wrote: {command: {name: digest}}."""


def write_folder(folder: Path, files: Mapping[str, str | bytes], *, command: str) -> None:
    """Write files into a folder, in place of those that an earlier run of the command wrote there.

    What else is there stays, and what was changed since. Raises InputError where that cannot be.
    """
    make_folder(folder)
    contents = {k: v.encode() if isinstance(v, str) else v for k, v in files.items()}
    written = {name: _digest(data) for name, data in contents.items()}
    manifest = _manifest(folder)
    earlier = manifest.get(command, {})
    # First of both, so that what Ctrl-C leaves is known.
    write_json(folder / MANIFEST, manifest | {command: earlier | written})
    for name, data in contents.items():
        write(folder / name, data)
    for name in earlier.keys() - written.keys():
        with contextlib.suppress(OSError):
            if _digest((folder / name).read_bytes()) == earlier[name]:
                (folder / name).unlink()
    write_json(folder / MANIFEST, manifest | {command: written})


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _manifest(folder: Path) -> dict[str, dict[str, str]]:
    """What `write_folder` left; nothing where that cannot be read."""
    try:
        text = (folder / MANIFEST).read_text(encoding="utf-8")
        return {
            command: {name: digest for name, digest in files.items() if Path(name).name == name}
            for command, files in json.loads(text).items()
        }
    except (OSError, ValueError, AttributeError):
        return {}


def as_json(document: dict[str, Any]) -> str:
    """The text of a JSON file."""
    return json.dumps(document, indent=1) + "\n"


def write_json(path: Path, document: dict[str, Any]) -> None:
    """Write a JSON document atomically."""
    write(path, as_json(document))


def provenance(command: Sequence[str]) -> dict[str, Any]:
    """What a result records about its making: the command and the versions."""
    from importlib import metadata  # takes as long to load as a proof to check

    versions = {"python": platform.python_version()}
    for name in _RECORDED:
        with contextlib.suppress(metadata.PackageNotFoundError):
            versions[name] = metadata.version(name)
    return {"command": ["isthmus", *command], "versions": versions}
