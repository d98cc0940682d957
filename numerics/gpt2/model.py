"""GPT-2 as a plain `GPT2LMHeadModel`: from a shape, its checkpoints, its hidden matrices.

>>> import torch
>>> model = build(Shape(layers=1, width=8, heads=2, block=4), seed=0)
>>> print(len(hidden_matrices(model)), hidden_matrices(model)["0.mlp-in"].shape)
6 torch.Size([32, 8])
>>> print(token_loss(model, torch.zeros(3, 5, dtype=torch.long)).shape)
torch.Size([])

Source: Radford, Wu, Child, Luan, Amodei, Sutskever, "Language models are unsupervised multitask
learners", 2019, for the architecture.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

from numerics.files import make_folder, write
from theory.errors import InputError
from theory.problem import positive_integer

os.environ.setdefault("HF_HUB_OFFLINE", "1")  # nothing is ever downloaded
try:
    import safetensors.torch
    from transformers import GPT2Config, GPT2LMHeadModel
    from transformers.utils import logging
except ImportError as error:
    raise InputError("gpt2", f"needs the extra: pip install 'isthmus[gpt2]' ({error})") from None

logging.disable_progress_bar()  # of reading a file

BYTES = 256
"""The vocabulary without a tokenizer."""

ACTIVATIONS = ("gelu_new", "relu")
"""Of the MLP, by the names that transformers gives them: GPT-2's own, and the one theory knows."""

Parameters: TypeAlias = Mapping[str, Tensor]
"""Weights by their names in GPT2LMHeadModel."""


@dataclass(frozen=True)
class Shape:
    """The size of a GPT-2: its width is divided among the heads, block is the longest context.

    activation: of the MLP; `build` makes those in ACTIVATIONS. Raises InputError for counts that
    are not positive, and a width that does not divide.
    """

    layers: int = 2
    width: int = 64
    heads: int = 4
    block: int = 64
    vocabulary: int = BYTES
    activation: str = ACTIVATIONS[0]

    def __post_init__(self) -> None:
        for name in ("layers", "width", "heads", "block", "vocabulary"):
            positive_integer(getattr(self, name), name)
        if self.width % self.heads:
            raise InputError("heads", f"{self.heads} must divide the width {self.width}")


def build(shape: Shape, *, seed: int) -> GPT2LMHeadModel:
    """A model with random weights, without dropout, whose head is not tied to the embedding.

    (Folding the last normalisation into the head would untie it in any case.) Raises InputError for
    an activation that is not in ACTIVATIONS.
    """
    if shape.activation not in ACTIVATIONS:
        raise InputError(
            "activation", f"{shape.activation!r} is not one of {', '.join(ACTIVATIONS)}"
        )
    config = GPT2Config(
        vocab_size=shape.vocabulary,
        n_positions=shape.block,
        n_embd=shape.width,
        n_layer=shape.layers,
        n_head=shape.heads,
        activation_function=shape.activation,
        resid_pdrop=0.0,
        embd_pdrop=0.0,
        attn_pdrop=0.0,
        tie_word_embeddings=False,
        bos_token_id=None,
        eos_token_id=None,
        use_cache=False,
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return _with_one_kernel(GPT2LMHeadModel(config).eval())


def _with_one_kernel(model: GPT2LMHeadModel) -> GPT2LMHeadModel:
    """The same model, whose gelu_new is one kernel.

    As transformers spells it, it is eight operations on the largest arrays there are.
    """
    if model.config.activation_function == ACTIVATIONS[0]:
        for block in model.transformer.h:
            block.mlp.act = nn.GELU("tanh")
    return model


def save(model: GPT2LMHeadModel, folder: Path) -> None:
    """Write config.json and model.safetensors, each atomically; `load` and transformers read them.

    Raises InputError where that cannot be.
    """
    make_folder(folder)
    model.config.architectures = [type(model).__name__]
    write(folder / "config.json", model.config.to_json_string())
    # Copies: views that share memory have no place in the format.
    weights = {name: value.detach().cpu().clone() for name, value in model.state_dict().items()}
    write(folder / "model.safetensors", safetensors.torch.save(weights, {"format": "pt"}))


def load(folder: Path) -> GPT2LMHeadModel:
    """A checkpoint of GPT2LMHeadModel, such as `save` wrote; a tied head is untied.

    Weights are read as safetensors only: the other format of checkpoints is a pickle.

    Raises InputError for what is no such checkpoint, or lacks weights.
    """
    if not (folder / "config.json").is_file():
        raise InputError(str(folder), "holds no checkpoint: there is no config.json")
    try:
        model, found = GPT2LMHeadModel.from_pretrained(
            folder,
            output_loading_info=True,
            local_files_only=True,
            use_safetensors=True,
            torch_dtype=torch.float32,
        )
    except (OSError, ValueError, RuntimeError, safetensors.SafetensorError) as error:
        raise InputError(str(folder), f"is no GPT-2 checkpoint: {error}") from None
    if missing := sorted(found["missing_keys"]):
        raise InputError(str(folder), f"lacks weights: {', '.join(missing)}")
    if model.config.tie_word_embeddings:
        model.config.tie_word_embeddings = False
        model.lm_head.weight = nn.Parameter(model.transformer.wte.weight.detach().clone())
    return _with_one_kernel(model.eval())


def shape_of(model: GPT2LMHeadModel) -> Shape:
    """The size of a model."""
    config = model.config
    return Shape(
        *(config.n_layer, config.n_embd, config.n_head, config.n_positions, config.vocab_size),
        config.activation_function,
    )


_HIDDEN = re.compile(
    r"(?:^|\.)h\.(\d+)\.(attn\.c_attn|attn\.c_proj|mlp\.c_fc|mlp\.c_proj)\.weight$"
)


def is_hidden(name: str) -> bool:
    """Whether a parameter of this name holds matrices that Muon orthogonalises."""
    return _HIDDEN.search(name) is not None


def split_hidden(name: str, weight: Float[Tensor, "i o"]) -> dict[str, Float[Tensor, "o i"]]:
    """The matrices in a parameter, by LAYER.KIND, as views that map a column of inputs to outputs.

    GPT-2 keeps them the other way round, query, key and value side by side in one.
    """
    match = _HIDDEN.search(name)
    assert match is not None, name
    layer, where = match.groups()
    kinds = {
        "attn.c_attn": ("query", "key", "value"),
        "attn.c_proj": ("output",),
        "mlp.c_fc": ("mlp-in",),
        "mlp.c_proj": ("mlp-out",),
    }[where]
    parts = weight.chunk(len(kinds), dim=1)
    return {f"{layer}.{kind}": part.T for kind, part in zip(kinds, parts, strict=True)}


def hidden_matrices(model: nn.Module | Parameters) -> dict[str, Float[Tensor, "o i"]]:
    """All hidden matrices of a model or of its weights, by LAYER.KIND; see `split_hidden`."""
    weights = model.state_dict() if isinstance(model, nn.Module) else model
    found: dict[str, Any] = {}
    for name, weight in weights.items():
        if is_hidden(name):
            found |= split_hidden(name, weight)
    return found


def token_losses(
    model: GPT2LMHeadModel, tokens: Int[Tensor, "b t+1"], weights: Parameters | None = None
) -> Float[Tensor, "b t"]:
    """The cross entropy of each token given those before it in its window, in nats.

    weights: in place of the model's own, and differentiable.
    """
    inputs, targets = tokens[:, :-1], tokens[:, 1:]
    if weights is None:
        logits = model(input_ids=inputs).logits
    else:
        call = {"input_ids": inputs}
        logits = torch.func.functional_call(model, dict(weights), kwargs=call, args=()).logits
    losses: Tensor = functional.cross_entropy(
        logits.flatten(0, 1).float(), targets.flatten(), reduction="none"
    )
    return losses.view(targets.shape)


def token_loss(
    model: GPT2LMHeadModel, tokens: Int[Tensor, "b t+1"], weights: Parameters | None = None
) -> Float[Tensor, ""]:
    """The mean of `token_losses`."""
    return token_losses(model, tokens, weights).mean()


class LanguageModel(nn.Module):
    """A model for `numerics.gpt2.training.Trainer`."""

    def __init__(self, model: GPT2LMHeadModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, tokens: Int[Tensor, "b t+1"], t: float) -> Float[Tensor, ""]:
        """Its mean loss on windows of tokens."""
        return token_loss(self.model, tokens)


def window_loss(
    model: GPT2LMHeadModel,
    windows: Int[Tensor, "n t+1"],
    weights: Parameters | None = None,
    *,
    at_once: int = 64,
) -> float:
    """The loss over all windows, `at_once` of them at a time; weights: as in `token_loss`."""
    with torch.inference_mode():
        windows = windows.to(model.device)
        parts = [
            token_loss(model, part, weights) * len(part) for part in torch.split(windows, at_once)
        ]
        return float(torch.stack(parts).sum()) / len(windows)
