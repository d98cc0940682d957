"""Text as tokens, with a part held out.

By default tokens are the bytes of UTF-8, the text is the source code of Python's standard library,
and text of another distribution is Python's documentation: all three are on every machine. Names of
other text are in `numerics.gpt2.corpora`.

>>> code, prose = Corpus.read(["stdlib"]), Corpus.read(["python-docs"])
>>> print(code.vocabulary, code.batch(step=0, seed=0, size=2, block=8).shape)
256 torch.Size([2, 9])
>>> print(bytes(prose.windows(1, block=5)[0].tolist()).isascii())
True
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor

from numerics.files import make_folder, write
from numerics.gpt2.corpora import CORPORA
from numerics.gpt2.model import BYTES, window_loss
from theory.errors import InputError

if TYPE_CHECKING:
    from transformers import GPT2LMHeadModel

MARK = ".isthmus"
"""The name of a file: a folder that has it was made here, and is no text to train on."""

# What is held out comes from all parts of the text: a twentieth, in pieces. Not whole novels or
# books: their names and places occur nowhere else, so they are not quite of the same distribution.
_PIECES = 200
_HELD_OUT_EVERY = 20


@dataclass(frozen=True, eq=False)
class Corpus:
    """Tokens to train on, others held out for the loss that is reported, and how many there are.

    sources: where they are from. sha256: of the whole text in UTF-8, its parts joined by newlines.
    """

    training: Int[np.ndarray, " n"]
    held_out: Int[np.ndarray, " k"]
    vocabulary: int
    sources: Sequence[str]
    sha256: str

    @classmethod
    def read(cls, sources: Sequence[str], tokenizer: Path | None = None) -> Corpus:
        """Text from files, from folders with all files in them that are text, or by one of the
        names in CORPORA. Folders in a folder that isthmus made are left out, so that the text of a
        folder stays the same when models are written there.

        tokenizer: a tokenizer.json of the tokenizers library; without one, tokens are bytes.
        Raises InputError where something cannot be read, or holds too little text.
        """
        texts = [text for source in sources for text in _texts(source)]
        whole = "\n".join(texts).encode()
        if tokenizer is None:
            tokens, vocabulary = np.frombuffer(whole, dtype=np.uint8), BYTES
        else:
            tokens, vocabulary = _tokenized(texts, tokenizer)
        if len(tokens) < _PIECES:
            name = ", ".join(sources)
            raise InputError(name, f"holds {len(tokens)} tokens, at least {_PIECES} are needed")
        pieces = np.array_split(tokens, _PIECES)
        held_out = pieces[_HELD_OUT_EVERY - 1 :: _HELD_OUT_EVERY]
        rest = [p for k, p in enumerate(pieces, 1) if k % _HELD_OUT_EVERY]
        digest = hashlib.sha256(whole).hexdigest()
        return cls(
            np.concatenate(rest), np.concatenate(held_out), vocabulary, tuple(sources), digest
        )

    def to_json(self) -> dict[str, Any]:
        """Which text it is, and how many tokens."""
        return {
            "sources": list(self.sources),
            "sha256": self.sha256,
            "training": len(self.training),
            "held_out": len(self.held_out),
        }

    def batch(self, *, step: int, seed: int, size: int, block: int) -> Int[Tensor, "size block+1"]:
        """Random windows to train on; they depend on nothing but the arguments."""
        starts = np.random.default_rng([seed, step]).integers(
            0, _last_start(self.training, block) + 1, size
        )
        return _windows(self.training, starts, block)

    def windows(self, count: int, *, block: int) -> Int[Tensor, "count block+1"]:
        """Windows spread evenly over what is held out, always the same."""
        last = _last_start(self.held_out, block)
        return _windows(self.held_out, np.linspace(0, last, count).astype(int), block)


@dataclass(frozen=True, eq=False)
class Texts:
    """Text to train on, "in", and text of another distribution, "out", by TEXTS.

    block: the length of windows. count: windows of each text for all losses that are reported.
    """

    corpora: Mapping[str, Corpus]
    block: int
    count: int

    @property
    def training(self) -> Corpus:
        """What models are trained on."""
        return self.corpora["in"]

    def windows(self, text: str, device: torch.device) -> Int[Tensor, "count block+1"]:
        """Held out, and always the same."""
        return self.corpora[text].windows(self.count, block=self.block).to(device)

    def losses(self, model: GPT2LMHeadModel) -> dict[str, float]:
        """The loss of a model on each text, held out, in nats."""
        return {t: window_loss(model, self.windows(t, model.device)) for t in self.corpora}


def _last_start(tokens: np.ndarray, block: int) -> int:
    last = len(tokens) - block - 1
    if last < 0:
        raise InputError("block", f"{block} is longer than the text: {len(tokens)} tokens")
    return last


def _windows(tokens: np.ndarray, starts: np.ndarray, block: int) -> Tensor:
    return torch.from_numpy(tokens[starts[:, None] + np.arange(block + 1)].astype(np.int64))


def make_output(folder: Path) -> None:
    """The folder, marked as one that isthmus made: it is not read as text."""
    make_folder(folder)
    write(folder / MARK, "Made by isthmus gpt2, which does not read this folder as text.\n")


def outputs(source: str) -> list[Path]:
    """The folders in a folder that isthmus made."""
    return sorted(mark.parent for mark in Path(source).rglob(f"*/{MARK}"))


def _texts(source: str) -> Iterator[str]:
    if source in CORPORA:
        yield from CORPORA[source].read()
    elif Path(source).is_dir():
        made = set(outputs(source))
        if (Path(source) / MARK).exists():
            raise InputError(source, "was made by isthmus gpt2; name a folder of text")
        found = False
        for path in sorted(p for p in Path(source).rglob("*") if p.is_file()):
            if not made.isdisjoint(path.parents):
                continue
            try:
                text = path.read_text(encoding="utf-8")
            except (UnicodeDecodeError, PermissionError):
                continue
            found = True
            yield text
        if not found:
            raise InputError(source, "holds no file with text in UTF-8")
    else:
        try:
            yield Path(source).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "is not text in UTF-8"
            raise InputError(source, f"cannot be read: {reason}") from None


def _tokenized(texts: Sequence[str], path: Path) -> tuple[np.ndarray, int]:
    from tokenizers import Tokenizer

    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises nothing narrower
        raise InputError(str(path), f"is no tokenizer: {error}") from None
    vocabulary = tokenizer.get_vocab_size()
    if (largest := max(tokenizer.get_vocab().values(), default=0)) >= vocabulary:
        raise InputError(
            str(path),
            f"has {vocabulary} tokens, but ids up to {largest}: number them 0 to {vocabulary - 1}, "
            "or add tokens for the ids that are left out",
        )
    encoded = tokenizer.encode_batch(list(texts), add_special_tokens=False)
    kind = np.uint16 if vocabulary <= 2**16 else np.uint32
    return np.concatenate([np.array(text.ids, dtype=kind) for text in encoded]), vocabulary
