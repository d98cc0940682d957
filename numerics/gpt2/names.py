"""What studies of GPT-2 models are about, and what their documents call it.

It needs neither torch nor transformers, so that pages and pictures do without.
"""

from __future__ import annotations

from typing import NamedTuple, Self

OPTIMIZERS = {
    "adamw": "AdamW",
    "muon": "Muon",
    "kaon": "Kaon",
    "muon_vof": "Muon on V, O and MLP",
    "muon_qk": "Muon on Q and K",
}
"""Of the hidden matrices, with what people call them."""

COMMON = ("adamw", "muon", "kaon")
"""Those that train all of the hidden matrices by one rule."""

NORMS = {"adamw": "entrywise", "muon": "spectral", "kaon": "spectral"}
"""Of whose ball a rule's weight decay keeps hidden matrices inside."""

TEXTS = {"in": "in distribution", "out": "out of distribution"}

KINDS = ("query", "key", "value", "output", "mlp-in", "mlp-out")
"""The matrices of a layer: four of the attention, two of the MLP."""


def kind_of(matrix: str) -> str:
    """The kind of a matrix by its name, LAYER.KIND."""
    return matrix.partition(".")[2]


_BY_MUON = {"muon_vof": ("value", "output", "mlp-in", "mlp-out"), "muon_qk": ("query", "key")}


def rule(optimizer: str, kind: str) -> str:
    """The rule, one of NORMS, by which an optimizer trains matrices of this kind.

    Muon on some kinds, and AdamW on the others, is the ablation of arXiv 2509.26030.

    >>> rule("muon", "key"), rule("muon_vof", "key"), rule("muon_qk", "key")
    ('muon', 'adamw', 'muon')
    """
    if optimizer in _BY_MUON:
        return "muon" if kind in _BY_MUON[optimizer] else "adamw"
    return optimizer


class Cell(NamedTuple):
    """Pairs of models by these optimizers, the one at t = 0 first."""

    first: str
    last: str

    def __str__(self) -> str:
        return f"{self.first}-{self.last}"

    @classmethod
    def read(cls, name: str) -> Self:
        """Of its name in a document."""
        return cls(*name.split("-"))


class Model(NamedTuple):
    """A model that is trained from the start.

    variant: what is different from the ends of paths, in a word; empty for these.
    """

    optimizer: str
    seed: int
    variant: str = ""

    def __str__(self) -> str:
        return f"{self.optimizer}-{self.seed}{self.variant and '-'}{self.variant}"

    @property
    def is_end(self) -> bool:
        """Whether paths may lead to it."""
        return not self.variant


class Pair(NamedTuple):
    """Two models that are connected, the one at t = 0 first."""

    first: Model
    last: Model

    def __str__(self) -> str:
        return f"{self.first}--{self.last}"

    @property
    def cell(self) -> Cell:
        """The pairs it is one of."""
        return Cell(self.first.optimizer, self.last.optimizer)


class Curve(NamedTuple):
    """One way between the models of a pair.

    kind: "linear", or of a path with bends. aligned: whether the last model is brought into the
    coordinates of the first. by: what trains the bends, where it is not what trains the others of
    the cell.
    """

    kind: str
    aligned: bool = True
    by: str | None = None

    def __str__(self) -> str:
        by = "" if self.by is None else f", by {self.by}"
        return f"{self.kind}{'' if self.aligned else ', not aligned'}{by}"

    @property
    def folder(self) -> str:
        """Where it is, in that of the pair."""
        return str(self).replace(", ", "-").replace(" ", "-")


LINE, POLYCHAIN = Curve("linear"), Curve("polychain")

RANDOM = "random directions"
"""What is said of the line between matrices with a pair's singular values and random vectors."""
