"""Another GPT-2 model in the coordinates of a first one, with the logits it had.

Many weights give one function. `fold` chooses among those that differ by scales and shifts of
normalisations; `align` among those that differ by an orthogonal map of the residual stream, the
order of heads and neurons and orthogonal maps within heads: there it looks for the weights closest
to those of the first model. Neither changes logits, beyond rounding, and what comes out is a plain
`GPT2LMHeadModel`. Maps are orthogonal, so `align` keeps the singular values of hidden matrices;
`fold` does not, as it puts scales into them. Both compute in float64 and keep the model's dtype.

>>> import torch
>>> from numerics.gpt2.model import Shape, build
>>> shape = Shape(layers=1, width=8, heads=2, block=4)
>>> first, second = (fold(build(shape, seed=seed)) for seed in (0, 1))
>>> moved = align(first, second).of(second)
>>> tokens = torch.arange(4)[None]
>>> print(bool(torch.allclose(moved(tokens).logits, second(tokens).logits, atol=1e-4)))
True
>>> print(similarity(first, second) < similarity(first, moved) < similarity(first, first))
True

Letters: d width, h heads of size e, m neurons of a layer, V vocabulary.

Sources: Ashkboos, Croci, Gennari do Nascimento, Hoefler, Hensman, "SliceGPT: compress large
language models by deleting rows and columns", ICLR 2024, for the rotation of a residual stream;
Ainsworth, Hayase, Srinivasa, "Git Re-Basin: merging models modulo permutation symmetries", ICLR
2023, for matching weights layer by layer in turns; Schoenemann, "A generalized solution of the
orthogonal Procrustes problem", Psychometrika 31, 1966.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float, Int
from scipy.linalg import helmert
from scipy.optimize import linear_sum_assignment
from torch import Tensor, nn

from numerics.gpt2.model import Parameters, token_loss
from numerics.training.loop import one_thread
from theory.errors import InputError
from theory.problem import positive_integer

if TYPE_CHECKING:
    from transformers import GPT2LMHeadModel

# Folding


def fold(model: GPT2LMHeadModel) -> GPT2LMHeadModel:
    """A model with the same logits, in which scales and shifts that do not show are chosen.

    - Normalisations in blocks have scale 1 and shift 0; both are in the weights that follow.
    - What they put out has mean 0, so those weights are made orthogonal to the vector of ones;
      normalisations subtract the mean, so what writes to the residual stream is given mean 0.
    - A bias of keys shifts all scores of a query alike: it becomes 0. Attention sums to 1, so a
      bias of values becomes one of the outputs.
    - The last normalisation has scale 1 and shift 1/sqrt(d) everywhere: the head is orthogonal to
      ones up to ones times a bias of logits, as GPT-2 has no other place for one.

    Parameters of normalisations do not require gradients, as training them would add nothing.
    """
    folded = copy.deepcopy(model)
    folded.config.tie_word_embeddings = False
    folded.lm_head.weight = nn.Parameter(model.lm_head.weight.detach().clone())
    weights = _exact(folded)
    for k in range(model.config.n_layer):
        block = f"transformer.h.{k}."
        for norm, reader in (("ln_1", "attn.c_attn"), ("ln_2", "mlp.c_fc")):
            scale, shift = (weights[f"{block}{norm}.{part}"] for part in ("weight", "bias"))
            matrix = weights[f"{block}{reader}.weight"]
            weights[f"{block}{reader}.bias"] += shift @ matrix
            weights[f"{block}{reader}.weight"] = _centred(scale[:, None] * matrix, 0)
        _, key, value = weights[f"{block}attn.c_attn.bias"].chunk(3)
        weights[f"{block}attn.c_proj.bias"] += value @ weights[f"{block}attn.c_proj.weight"]
        key.zero_()
        value.zero_()
        for name in (
            "attn.c_proj.weight",
            "attn.c_proj.bias",
            "mlp.c_proj.weight",
            "mlp.c_proj.bias",
        ):
            weights[block + name] = _centred(weights[block + name], -1)
    for name in ("transformer.wte.weight", "transformer.wpe.weight"):
        weights[name] = _centred(weights[name], -1)
    scale, shift = (weights[f"transformer.ln_f.{part}"] for part in ("weight", "bias"))
    head, ones = weights["lm_head.weight"], torch.ones_like(scale) / len(scale) ** 0.5
    weights["lm_head.weight"] = _centred(head * scale, -1) + torch.outer(head @ shift, ones)
    weights |= _folded_norms(weights)
    folded = _holding(folded, weights)
    for name, parameter in folded.named_parameters():
        if _is_norm(name):
            parameter.requires_grad_(False)
    return folded


def _folded_norms(weights: Parameters) -> dict[str, Tensor]:
    """Normalisations as `fold` leaves them."""
    norms = {}
    for name, weight in weights.items():
        if _is_norm(name):
            shift = len(weight) ** -0.5 if ".ln_f." in name else 0.0
            norms[name] = torch.full_like(weight, 1.0 if name.endswith(".weight") else shift)
    return norms


def _is_norm(name: str) -> bool:
    return ".ln_" in name


def _centred(weight: Tensor, axis: int) -> Tensor:
    return weight - weight.mean(dim=axis, keepdim=True)


def _weights(model: nn.Module) -> dict[str, Tensor]:
    return {name: p.detach() for name, p in model.named_parameters()}


def _exact(model: nn.Module) -> dict[str, Tensor]:
    """A copy of the weights in float64, for scipy and rounding that does not add up."""
    return {name: w.to("cpu", torch.float64, copy=True) for name, w in _weights(model).items()}


def _holding(model: GPT2LMHeadModel, weights: Parameters) -> GPT2LMHeadModel:
    """A copy with other weights."""
    other = copy.deepcopy(model)
    other.load_state_dict(dict(weights))
    return other


# Maps that keep the function

_LAYER = re.compile(r"transformer\.h\.(\d+)\.(.+)")


@dataclass(frozen=True, eq=False)
class LayerMap:
    """What a layer does within: new head i is the old one heads[i], new neuron i the old
    neurons[i]; queries and keys of new head i, as rows, are multiplied by query_key[i] and its
    values by value[i], orthogonal matrices both.
    """

    heads: Int[Tensor, " h"]
    query_key: Float[Tensor, "h e e"]
    value: Float[Tensor, "h e e"]
    neurons: Int[Tensor, " m"]

    def _inside(self, part: str, weight: Tensor) -> Tensor:
        """One of the layer's weights after it."""
        h, e, _ = self.value.shape
        match part:
            case "attn.c_attn.weight" | "attn.c_attn.bias":
                heads = weight.reshape(*weight.shape[:-1], 3, h, e)[..., self.heads, :]
                maps = torch.stack([self.query_key, self.query_key, self.value]).to(weight)
                return torch.einsum("...khe,khef->...khf", heads, maps).flatten(-3)
            case "attn.c_proj.weight":
                outputs = self.value.mT.to(weight) @ weight.reshape(h, e, -1)[self.heads]
                return outputs.flatten(0, 1)
            case "mlp.c_fc.weight" | "mlp.c_fc.bias":
                return weight[..., self.neurons]
            case "mlp.c_proj.weight":
                return weight[self.neurons]
            case _:
                return weight


@dataclass(frozen=True, eq=False)
class Alignment:
    """Maps of weights that leave the function of a folded model as it is.

    residual: an orthogonal R with R 1 = 1, so that it commutes with normalisations; new states of
        the residual stream, as columns, are R times the old.
    """

    residual: Float[Tensor, "d d"]
    layers: tuple[LayerMap, ...]

    @classmethod
    def identity(cls, model: GPT2LMHeadModel) -> Alignment:
        """What changes nothing."""
        config = model.config
        h, e = config.n_head, config.n_embd // config.n_head
        layers = []
        for block in model.transformer.h:
            m = len(block.mlp.c_proj.weight)
            turns = torch.eye(e, dtype=torch.float64).repeat(h, 1, 1)
            layers.append(LayerMap(torch.arange(h), turns, turns, torch.arange(m)))
        return cls(torch.eye(config.n_embd, dtype=torch.float64), tuple(layers))

    def apply(self, weights: Parameters) -> dict[str, Tensor]:
        """Weights after the maps, in the dtype they had; differentiable."""
        moved = {}
        for name, weight in weights.items():
            new = weight.to(self.residual.dtype)
            if match := _LAYER.fullmatch(name):
                new = self.layers[int(match[1])]._inside(match[2], new)
            moved[name] = _turned(name, new, self.residual).to(weight.dtype)
        return moved

    def of(self, model: GPT2LMHeadModel) -> GPT2LMHeadModel:
        """A copy of a folded model with the maps applied to its weights."""
        return _holding(model, self.apply(_weights(model)))


def _axis(name: str) -> int | None:
    """Which axis of a weight is the residual stream, if any."""
    if re.search(r"\.(c_attn|c_fc)\.weight$", name):
        return 0
    if re.search(r"\.(wte|wpe|c_proj)\.|^lm_head\.", name):
        return -1
    # Normalisations are alike along it.
    return None


def _turned(name: str, weight: Tensor, residual: Tensor) -> Tensor:
    axis, turn = _axis(name), residual.to(weight)
    if axis is None:
        return weight
    return turn @ weight if axis == 0 else weight @ turn.T


# Alignment by weights


def similarity(first: nn.Module, second: nn.Module) -> float:
    """The inner product of all weights of two models, without their normalisations.

    The higher it is for models of given norms, the shorter the straight line between them.
    """
    return _product(_exact(first), _exact(second))


def _product(ours: Parameters, theirs: Parameters) -> float:
    return sum(float((w * theirs[name]).sum()) for name, w in ours.items() if not _is_norm(name))


@one_thread()
def align(
    first: GPT2LMHeadModel,
    second: GPT2LMHeadModel,
    *,
    residual: str = "orthogonal",
    rounds: int = 100,
) -> Alignment:
    """Maps of the second model that bring its weights close to those of the first.

    In turns, the residual map and the maps within layers are each the best for the others, as long
    as `similarity` grows, and for no more than `rounds`. What that finds need not be the best of
    all. The first residual map is that of embeddings and head, which nothing else moves.
    residual: one of RESIDUAL_MAPS.

    Raises InputError for models that are not folded or not alike, and for an unknown residual map.
    """
    if residual not in RESIDUAL_MAPS:
        raise InputError("residual", f"{residual!r} is not one of {', '.join(RESIDUAL_MAPS)}")
    rounds = positive_integer(rounds, "rounds")
    _check_alike(first, second)
    ours, theirs = _exact(first), _exact(second)
    best = Alignment.identity(second)
    ends = [name for name in ours if not _LAYER.fullmatch(name)]
    best = replace(best, residual=RESIDUAL_MAPS[residual](_correlation(ours, theirs, ends)))
    best = _match_layers(ours, theirs, best)
    reached = _product(ours, best.apply(theirs))
    for _ in range(rounds - 1):
        inside = replace(best, residual=torch.eye(len(best.residual), dtype=torch.float64))
        correlation = _correlation(ours, inside.apply(theirs), list(ours))
        turned = replace(best, residual=RESIDUAL_MAPS[residual](correlation))
        turned = _match_layers(ours, theirs, turned)
        value = _product(ours, turned.apply(theirs))
        growth = value - reached
        if growth > 0:
            best, reached = turned, value
        if growth <= _LITTLE * abs(reached):
            break
    return best


_LITTLE = 1e-9  # relative growth, with which it ends


def _check_alike(first: GPT2LMHeadModel, second: GPT2LMHeadModel) -> None:
    for field in _ALIKE:
        ours, theirs = (getattr(model.config, field) for model in (first, second))
        if ours != theirs:
            raise InputError("second", f"has {field} {theirs}, but the first model has {ours}")
    shapes = [{name: tuple(p.shape) for name, p in m.named_parameters()} for m in (first, second)]
    for name, shape in shapes[0].items():
        if (other := shapes[1].get(name)) != shape:
            raise InputError("second", f"has {name} {other}, but the first model has {shape}")
    for which, model in (("first", first), ("second", second)):
        weights = _weights(model)
        for name, norm in _folded_norms(weights).items():
            if not torch.allclose(weights[name], norm, rtol=_ROUNDED, atol=_ROUNDED):
                raise InputError(which, f"is not folded: {name} is not {norm[0]:g}; fold it first")


_ROUNDED = 1e-6  # a float32 in float64

_ALIKE = (
    "n_layer",
    "n_embd",
    "n_head",
    "n_positions",
    "vocab_size",
    "activation_function",
    "layer_norm_epsilon",
    "scale_attn_weights",
    "scale_attn_by_inverse_layer_idx",
)
"""Settings that models between which a line is drawn have in common."""


def _correlation(ours: Parameters, theirs: Parameters, names: list[str]) -> Float[Tensor, "d d"]:
    """M such that <ours, R theirs> = <M, R> for all residual maps R."""
    found = []
    for name in names:
        axis = _axis(name)
        if axis is not None:
            w, v = (
                weights[name].movedim(axis, 0).reshape(weights[name].shape[axis], -1)
                for weights in (ours, theirs)
            )
            found.append(w @ v.T)
    return torch.stack(found).sum(dim=0)


def _complement(d: int) -> Float[Tensor, "d-1 d"]:
    """Orthonormal rows, orthogonal to the vector of ones."""
    return torch.from_numpy(helmert(d))


def _fixing_ones(turn: Float[Tensor, "d-1 d-1"]) -> Float[Tensor, "d d"]:
    """An orthogonal map of the complement of ones as one of all; ones stay."""
    d = len(turn) + 1
    rows = _complement(d).to(turn)
    return rows.T @ turn @ rows + 1 / d


def _procrustes(correlation: Float[Tensor, "*n e e"]) -> Float[Tensor, "*n e e"]:
    """The orthogonal matrices with the largest inner product; the identity if nothing decides."""
    e = correlation.shape[-1]
    tie = _TIE * torch.linalg.matrix_norm(correlation)[..., None, None].clamp(min=1e-300)
    U, _, Vh = torch.linalg.svd(correlation + tie * torch.eye(e, dtype=correlation.dtype))
    turns: Tensor = U @ Vh
    return turns


_TIE = 1e-12  # relative


def _assignment(gain: Float[Tensor, "n n"]) -> Int[Tensor, " n"]:
    """For each row a column of its own, with the largest sum."""
    _, columns = linear_sum_assignment(gain.numpy(), maximize=True)
    return torch.from_numpy(columns)


def _orthogonal(correlation: Float[Tensor, "d d"]) -> Float[Tensor, "d d"]:
    rows = _complement(len(correlation))
    return _fixing_ones(_procrustes(rows @ correlation @ rows.T))


def _permutation(correlation: Float[Tensor, "d d"]) -> Float[Tensor, "d d"]:
    return torch.eye(len(correlation), dtype=torch.float64)[_assignment(correlation)]


RESIDUAL_MAPS: Mapping[str, Callable[[Tensor], Tensor]] = {
    "orthogonal": _orthogonal,
    "permutation": _permutation,
}
"""The kinds of residual maps: the best of each, given a correlation."""


def _match_layers(ours: Parameters, theirs: Parameters, alignment: Alignment) -> Alignment:
    """With the best maps within layers, given the residual map."""
    turned = {name: _turned(name, w, alignment.residual) for name, w in theirs.items()}
    layers = []
    for k, old in enumerate(alignment.layers):
        names = {part: f"transformer.h.{k}.{part}" for part in _INSIDE}
        ends = ({part: w[name] for part, name in names.items()} for w in (ours, turned))
        layers.append(_matched(*ends, h=len(old.heads)))
    return replace(alignment, layers=tuple(layers))


_INSIDE = (
    "attn.c_attn.weight",
    "attn.c_attn.bias",
    "attn.c_proj.weight",
    "mlp.c_fc.weight",
    "mlp.c_fc.bias",
    "mlp.c_proj.weight",
)
"""Weights of a layer that its own maps change."""


def _matched(ours: Parameters, theirs: Parameters, *, h: int) -> LayerMap:
    rows = [
        torch.cat([w["mlp.c_fc.weight"], w["mlp.c_fc.bias"][None], w["mlp.c_proj.weight"].T]).T
        for w in (ours, theirs)
    ]  # (m, 2d + 1)
    neurons = _assignment(rows[0] @ rows[1].T)
    maps, gains = [], []
    for a, b in zip(_circuits(ours, h), _circuits(theirs, h), strict=True):
        # For each head here and each there: what the best orthogonal map between them gains.
        correlation = torch.einsum("hre,grf->hgfe", a, b)
        maps.append(_procrustes(correlation))
        gains.append((maps[-1] * correlation).sum(dim=(2, 3)))
    heads = _assignment(gains[0] + gains[1])
    query_key, value = (m[torch.arange(h), heads] for m in maps)
    return LayerMap(heads, query_key, value, neurons)


def _circuits(weights: Parameters, h: int) -> tuple[Float[Tensor, "h r e"], Float[Tensor, "h s e"]]:
    """Queries and keys of each head over each other, with biases; values and outputs."""
    joined = torch.cat([weights["attn.c_attn.weight"], weights["attn.c_attn.bias"][None]])
    query, key, value = joined.reshape(len(joined), 3, h, -1).permute(1, 2, 0, 3)  # (h, d + 1, e)
    output = weights["attn.c_proj.weight"].reshape(h, value.shape[2], -1).mT  # (h, d, e)
    return torch.cat([query, key], dim=1), torch.cat([value, output], dim=1)


# Alignment by the loss


class LearnedRotation(nn.Module):
    """A residual rotation of the second model that lowers the loss half way to the first.

    What `numerics.gpt2.training.Trainer` trains is one A (d-1, d-1), without weight decay: the
    rotation is exp(A - A^T) on the complement of ones, at first the identity. So give it a second
    model that `align` moved. Heads and neurons are matched anew, by weights, for the rotation of
    each step; the residual map is not, as the closest one would undo what was learned.

    Raises InputError for models that are not folded or not alike.
    """

    def __init__(self, first: GPT2LMHeadModel, second: GPT2LMHeadModel) -> None:
        super().__init__()
        _check_alike(first, second)
        self.first, self.second = (copy.deepcopy(m).requires_grad_(False) for m in (first, second))
        d = first.config.n_embd
        self.skew = nn.Parameter(torch.zeros(d - 1, d - 1, device=first.device))
        self._exact = _exact(first), _exact(second)
        self._identity = Alignment.identity(second)

    @one_thread()
    def alignment(self) -> Alignment:
        """The rotation in float64, with heads and neurons matched."""
        with torch.no_grad():
            residual = _rotation(self.skew.cpu().double())
        return _match_layers(*self._exact, replace(self._identity, residual=residual))

    def model(self) -> GPT2LMHeadModel:
        """The second model so aligned."""
        return self.alignment().of(self.second)

    def forward(self, tokens: Int[Tensor, "b t+1"], t: float) -> Float[Tensor, ""]:
        """The loss on the straight line to the first model, in its middle fifth: t from 0 to 1 is
        the way through that.
        """
        s = _MIDDLE[0] + (_MIDDLE[1] - _MIDDLE[0]) * t
        # In mixed precision the map would not be orthogonal.
        with torch.autocast(tokens.device.type, enabled=False):
            turned = replace(self.alignment(), residual=_rotation(self.skew))
            theirs = turned.apply(_weights(self.second))
            between = {
                name: torch.lerp(w, theirs[name], s) for name, w in _weights(self.first).items()
            }
        return token_loss(self.first, tokens, between)


_MIDDLE = (0.4, 0.6)


def _rotation(skew: Float[Tensor, "d-1 d-1"]) -> Float[Tensor, "d d"]:
    return _fixing_ones(torch.linalg.matrix_exp(skew - skew.T))
