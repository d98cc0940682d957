"""Data sets of an installed R package, without R: character vectors, and lists of them.

R keeps them in two files. NAME.rdx says where each object is in NAME.rdb; there each is its length
in four bytes, and what zlib makes of its serialisation. The package rdata reads .rda and .rds
files, not these, and depends on pandas and xarray, which nothing here needs.

Sources: R Core Team, "R Internals", section "Serialization Formats"; makeLazyLoadDB in R's package
base.
"""

from __future__ import annotations

import gzip
import struct
import zlib
from pathlib import Path
from typing import Any

from theory.errors import InputError

_KINDS = {"symbol": 1, "pairs": 2, "text": 9, "logical": 10, "integer": 13, "texts": 16, "list": 19}
_REFERENCE, _NULL = 255, 254
_HAS_ATTRIBUTES, _HAS_TAG = 1 << 9, 1 << 10
_LATIN_1 = 1 << 14  # among the flags of a text; all others are UTF-8, of which ASCII is a part


def lazy_loaded(database: Path) -> dict[str, list[str]]:
    """The character vectors in the database `database`.rdx and `database`.rdb, by their names.

    Raises InputError for files that cannot be read, that are damaged or hold something else.
    """
    index, file = database.with_suffix(".rdx"), database.with_suffix(".rdb")
    try:
        places = unserialize(gzip.decompress(index.read_bytes()))["variables"]
        content = file.read_bytes()
        return {
            name: unserialize(zlib.decompress(content[start + 4 : start + length]))
            for name, (start, length) in places.items()
        }
    except OSError as error:
        raise InputError(str(database), f"cannot be read: {error}") from None
    except (ValueError, KeyError, TypeError, IndexError, EOFError, zlib.error, struct.error) as e:
        raise InputError(str(database), f"is no database of R's character vectors: {e!r}") from None


def unserialize(data: bytes) -> Any:
    """The object that R has serialised in its binary format.

    Texts become str, vectors lists, lists with names dicts. Raises ValueError for other objects.
    """
    return _Reader(data).whole()


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0
        self._symbols: list[Any] = []

    def whole(self) -> Any:
        if self._take(2) != b"X\n":
            raise ValueError("not in R's binary format")
        version, _, _ = (self._integer() for _ in range(3))
        if version not in (2, 3):
            raise ValueError(f"version {version} of R's format, not 2 or 3")
        if version == 3:  # with the encoding of texts that do not say theirs
            self._take(self._integer())
        found = self._object()
        if self._at != len(self._data):
            raise ValueError(f"{len(self._data) - self._at} bytes more than an object")
        return found

    def _object(self) -> Any:
        flags = self._integer()
        kind = flags & 0xFF
        if kind == _NULL:
            return None
        if kind == _REFERENCE:
            return self._symbols[(flags >> 8 or self._integer()) - 1]
        if kind == _KINDS["symbol"]:
            self._symbols.append(self._object())
            return self._symbols[-1]
        if kind == _KINDS["text"]:
            length = self._integer()
            return self._take(length).decode("latin-1" if flags & _LATIN_1 else "utf-8")
        if kind == _KINDS["pairs"]:
            return self._pairs(flags)
        if kind in (_KINDS["logical"], _KINDS["integer"]):
            found: Any = [self._integer() for _ in range(self._integer())]
        elif kind in (_KINDS["texts"], _KINDS["list"]):
            found = [self._object() for _ in range(self._integer())]
        else:
            raise ValueError(f"an object of R's type {kind}, which is not read")
        attributes = self._object() if flags & _HAS_ATTRIBUTES else {}
        names = attributes.get("names")
        return found if names is None else dict(zip(names, found, strict=True))

    def _pairs(self, flags: int) -> dict[str, Any]:
        """A list of pairs, as attributes are: a tag and a value each, to the null at its end."""
        if flags & _HAS_ATTRIBUTES or not flags & _HAS_TAG:
            raise ValueError("pairs without a tag, or with attributes, which are not read")
        tag, value, rest = (self._object() for _ in range(3))
        return {tag: value, **(rest or {})}

    def _integer(self) -> int:
        (value,) = struct.unpack(">i", self._take(4))
        found: int = value
        return found

    def _take(self, length: int) -> bytes:
        if not 0 <= length <= len(self._data) - self._at:
            raise ValueError(f"{length} bytes at {self._at} of {len(self._data)}")
        self._at += length
        return self._data[self._at - length : self._at]
