"""Coordinate networks whose first and second derivatives are carried forward with the value.

One pass gives u, du/dx and d2u/dx2; an ordinary backward pass through it gives their gradients with respect to the
weights, so no derivative is ever differentiated by repeated ``autograd.grad`` (METHODS: forward-mode tangents).
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from INRRegistrationLib.engine.fields.jet import PAIRS, Jet

_ROWS = (1, 4, 10)
"""Rows carried for each point: the value, three tangents, six second tangents."""


class Network(nn.Module):
    """A multilayer perceptron from ``(3, ...)`` unit coordinates to a ``(3, ...)`` displacement in the same unit.

    Subclasses are final: they give the activation with its two derivatives, and the initial weights.

    Args:
        width: Neurons of each hidden layer.
        depth: Hidden layers.
        zero_start: Whether the last layer starts at zero, so that the field starts at exactly no displacement.
        generator: Source of the random weights.
    """

    def __init__(self, width: int, depth: int, zero_start: bool, generator: torch.Generator) -> None:
        super().__init__()
        sizes = [3, *[width] * depth, 3]
        self.weights = nn.ParameterList()
        self.biases = nn.ParameterList()
        for layer, (n_in, n_out) in enumerate(zip(sizes[:-1], sizes[1:], strict=True)):
            bound = self.weight_bound(layer, n_in)
            self.weights.append(nn.Parameter(_uniform((n_out, n_in), bound, generator)))
            self.biases.append(nn.Parameter(_uniform((n_out,), 1 / math.sqrt(n_in), generator)))
        if zero_start:
            nn.init.zeros_(self.weights[-1])
            nn.init.zeros_(self.biases[-1])

    def weight_bound(self, layer: int, n_in: int) -> float:
        """Half-width of the uniform distribution that the weights of a layer start from."""
        raise NotImplementedError

    def activate(self, z: Tensor, order: int) -> tuple[Tensor, Tensor | None, Tensor | None]:
        """The activation at ``z`` and as many of its derivatives as ``order`` asks for."""
        raise NotImplementedError

    def forward(self, points: Tensor) -> Tensor:
        """Displacement at ``(3, ...)`` points, same shape."""
        return self.evaluate(points, 0).value

    def evaluate(self, points: Tensor, order: int = 0) -> Jet:
        """Displacement and derivatives at ``(3, ...)`` points, by one forward pass.

        Args:
            points: Unit coordinates.
            order: 0 for the value, 1 for the Jacobian too, 2 for the second derivatives too.
        """
        shape = points.shape[1:]
        h = self._first_layer(points.reshape(3, -1).T, order)
        for weight, bias in zip(list(self.weights)[1:-1], list(self.biases)[1:-1], strict=True):
            h = self._propagate(h @ weight.T, bias, order)
        rows = (h @ self.weights[-1].T).transpose(1, 2)  # (R, 3, N)
        value = rows[0] + self.biases[-1][:, None]
        first = rows[1:4].transpose(0, 1).reshape(3, 3, *shape) if order >= 1 else None
        second = rows[4:10].transpose(0, 1).reshape(3, 6, *shape) if order >= 2 else None
        return Jet(value.reshape(3, *shape), first, second)

    def _first_layer(self, points: Tensor, order: int) -> Tensor:
        """The tangents of the coordinates are the unit vectors, so their rows need no product with the points."""
        weight, bias = self.weights[0], self.biases[0]
        h, slope, bend = self.activate(points @ weight.T + bias, order)
        rows = [h]
        if slope is not None:
            rows += [slope * weight[:, d] for d in range(3)]
        if bend is not None:
            rows += [bend * (weight[:, d] * weight[:, e]) for d, e in PAIRS]
        return torch.stack(rows)

    def _propagate(self, z: Tensor, bias: Tensor, order: int) -> Tensor:
        """Chain rule through one activation: ``z`` (R, N, width) holds value, tangents and second tangents."""
        h, slope, bend = self.activate(z[0] + bias, order)
        rows = [h[None]]
        if slope is not None:
            rows.append(slope * z[1:4])
        if bend is not None:
            rows.append(torch.stack([slope * z[4 + q] + bend * (z[1 + d] * z[1 + e]) for q, (d, e) in enumerate(PAIRS)]))
        return torch.cat(rows)


class Siren(Network):
    """Sine network of Sitzmann et al. (NeurIPS 2020) with one frequency factor in every layer, as in IDIR.

    Wolterink, Zwienenberg, Brune, "Implicit neural representations for deformable image registration", MIDL 2022.
    First-layer weights start in +-1/3, the others in +-sqrt(6/n_in)/omega, biases in +-1/sqrt(n_in).
    """

    def __init__(self, width: int, depth: int, omega: float, zero_start: bool, generator: torch.Generator) -> None:
        self.omega = omega
        super().__init__(width, depth, zero_start, generator)

    def weight_bound(self, layer: int, n_in: int) -> float:
        return 1 / n_in if layer == 0 else math.sqrt(6 / n_in) / self.omega

    def activate(self, z: Tensor, order: int) -> tuple[Tensor, Tensor | None, Tensor | None]:
        phase = self.omega * z
        h = torch.sin(phase)
        slope = self.omega * torch.cos(phase) if order >= 1 else None
        bend = -(self.omega**2) * h if order >= 2 else None
        return h, slope, bend


class ReluMlp(Network):
    """The same network with rectified linear units, the other variant of IDIR; its second derivatives are zero."""

    def __init__(self, width: int, depth: int, zero_start: bool, generator: torch.Generator) -> None:
        super().__init__(width, depth, zero_start, generator)

    def weight_bound(self, layer: int, n_in: int) -> float:
        return 1 / math.sqrt(n_in)

    def activate(self, z: Tensor, order: int) -> tuple[Tensor, Tensor | None, Tensor | None]:
        on = (z > 0).to(z.dtype)
        return z * on, on if order >= 1 else None, torch.zeros_like(z) if order >= 2 else None


def _uniform(shape: tuple[int, ...], bound: float, generator: torch.Generator) -> Tensor:
    """Uniform in +-bound, always drawn on the CPU so that a seed means the same on every device."""
    kwargs: dict[str, Any] = {"generator": generator, "dtype": torch.get_default_dtype()}
    return (2 * torch.rand(shape, **kwargs) - 1) * bound
