"""The activation in torch, where networks are trained: only here is it said which it is."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor, ops


def activate(outputs: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """relu of every entry, in place."""
    return outputs.relu_()


def backward(
    gradient: Float[Tensor, "*shape"], images: Float[Tensor, "*shape"]
) -> Float[Tensor, "*shape"]:
    """From a gradient with respect to the images to that of outputs; the slope at 0 is 0."""
    found: Tensor = ops.aten.threshold_backward(gradient, images, 0)
    return found
