"""The activation in torch, where networks are trained: only here is it said what it computes."""

from __future__ import annotations

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor, ops
from torch.nn.functional import leaky_relu, relu

from theory.activation import RELU, Activation


@dataclass(frozen=True)
class Neurons:
    """The same activation as `theory.activation` has it, of tensors. Its slope above zero is 1."""

    activation: Activation

    def images(self, outputs: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        """sigma of every entry; autograd can follow."""
        found: Tensor = relu(outputs) if self._is_relu else leaky_relu(outputs, self._below)
        return found

    def forward(
        self, outputs: Float[Tensor, "*shape"]
    ) -> tuple[Float[Tensor, "*shape"], Float[Tensor, "*shape"]]:
        """sigma of every entry, and what `backward` needs; the outputs are no longer needed."""
        if self._is_relu:
            return outputs.relu_(), outputs
        return self.images(outputs), outputs

    def backward(
        self, gradient: Float[Tensor, "*shape"], kept: Float[Tensor, "*shape"]
    ) -> Float[Tensor, "*shape"]:
        """From a gradient with respect to the images to that of outputs; the slope at 0 is that
        below it."""
        found: Tensor
        if self._is_relu:
            found = ops.aten.threshold_backward(gradient, kept, 0)
        else:
            found = ops.aten.leaky_relu_backward(gradient, kept, self._below, False)
        return found

    @property
    def _is_relu(self) -> bool:
        return self.activation == RELU

    @property
    def _below(self) -> float:
        return float(self.activation.negative)
