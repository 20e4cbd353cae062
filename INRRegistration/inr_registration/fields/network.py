"""Coordinate networks with their first and second derivatives in closed form.

The three tangents dh/dx_d of every layer are carried forward with its value, as rows of one product. The second
derivatives need no rows of their own: with the pre-activations z of hidden layer l and its tangents Z_d = dz/dx_d,

    d2u_i / dx_d dx_e = sum_l sum_n  (du_i/dh_ln) * phi''(z_ln) * Z_lnd * Z_lne,

so three adjoint rows du_i/dh_l, carried back once, replace six second tangents. An ordinary backward pass through all of
this gives the gradients by the weights: nothing is ever differentiated by repeated ``autograd.grad``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from inr_registration.core.settings import Representation
from inr_registration.fields.asked import Asked
from inr_registration.numerics.jet import PAIRS, Jet


class Network(nn.Module):
    """A multilayer perceptron from ``(3, ...)`` unit coordinates to a ``(3, ...)`` displacement in the same unit.

    With other ``ports``, from n coordinates to m components; second derivatives are there for three coordinates only.

    Subclasses are final: they give the activation with its two derivatives, and the initial weights.

    Args:
        width: Neurons of each hidden layer.
        depth: Hidden layers.
        zero_start: Whether the last layer starts at zero, so that the field starts at exactly no displacement.
        generator: Source of the random weights.
        ports: How many coordinates go in, and how many components come out.
    """

    def __init__(self, width: int, depth: int, zero_start: bool, generator: torch.Generator, ports: tuple[int, int] = (3, 3)) -> None:
        super().__init__()
        self.ports = ports
        sizes = [ports[0], *[width] * depth, ports[1]]
        self.weights = nn.ParameterList()
        self.biases = nn.ParameterList()
        for layer, (n_in, n_out) in enumerate(pairwise(sizes)):
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
        """Displacement and derivatives at ``(3, ...)`` points.

        Args:
            points: Unit coordinates.
            order: 0 for the value, 1 for the Jacobian too, 2 for the second derivatives too.
        """
        shape, (n, m) = points.shape[1:], self.ports
        layers = [self._first_layer(points.reshape(n, -1).T, order)]
        for weight, bias in zip(list(self.weights)[1:-1], list(self.biases)[1:-1], strict=True):
            layers.append(self._next_layer(layers[-1].rows @ weight.T, bias, order))
        rows = (layers[-1].rows @ self.weights[-1].T).transpose(1, 2)  # (1 or 1 + n, m, N)
        value = rows[0] + self.biases[-1][:, None]
        first = rows[1:].transpose(0, 1).reshape(m, n, *shape) if order >= 1 else None
        second = self._second(layers).reshape(m, len(PAIRS), *shape) if order >= 2 else None
        return Jet(value.reshape(m, *shape), first, second)

    def _first_layer(self, points: Tensor, order: int) -> _Layer:
        """The tangents of the coordinates are the unit vectors, so those of z are the columns of the weights."""
        weight = self.weights[0]
        h, slope, bend = self.activate(points @ weight.T + self.biases[0], order)
        tangents = list(weight.T[:, None, :].unbind(0))  # (1, width) each
        rows = [h] if slope is None else [h, *(slope * tangent for tangent in tangents)]
        return _Layer(torch.stack(rows), tangents, slope, bend)

    def _next_layer(self, z: Tensor, bias: Tensor, order: int) -> _Layer:
        """Chain rule through one activation: ``z`` (1 or 4, N, width) holds the value and the tangents.

        The rows are unbound, not sliced: each slice would give its gradient a zero-filled copy of all rows.
        """
        value, *tangents = z.unbind(0)
        h, slope, bend = self.activate(value + bias, order)
        rows = [h] if slope is None else [h, *(slope * tangent for tangent in tangents)]
        return _Layer(torch.stack(rows), tangents, slope, bend)

    def _second(self, layers: list[_Layer]) -> Tensor:
        """Second derivatives ``(3, 6, N)``: from the last hidden layer to the first, with the adjoints carried back."""
        last = layers[-1]
        assert last.bend is not None
        curved = torch.stack([last.bend * (last.tangents[d] * last.tangents[e]) for d, e in PAIRS])  # (6, N, width)
        total: Tensor = (curved @ self.weights[-1].T).permute(2, 0, 1)
        adjoint = self.weights[-1][:, None, :]  # (3, 1 or N, width): du_i / dh
        for layer, above, weight in zip(layers[-2::-1], layers[:0:-1], list(self.weights)[-2:0:-1], strict=True):
            assert layer.bend is not None and above.slope is not None
            adjoint = (adjoint * above.slope) @ weight
            pairs = torch.stack([layer.tangents[d] * layer.tangents[e] for d, e in PAIRS])  # (6, 1 or N, width)
            weighted = adjoint * layer.bend
            if pairs.shape[1] == 1:
                total = total + (weighted @ pairs[:, 0].T).transpose(1, 2)
            else:
                total = total + SumsOfProducts.apply(weighted, pairs)
        return total


class SumsOfProducts(torch.autograd.Function):
    """``(i, q, n)`` sums over w of ``first(i, n, w) * second(q, n, w)``, as ``torch.einsum("inw,qnw->iqn")`` gives them.

    That makes a tiny product of matrices for every n, whose gradient takes up to 60 times as long on a CPU.
    """

    @staticmethod
    def forward(ctx: Any, first: Tensor, second: Tensor) -> Tensor:
        ctx.save_for_backward(first, second)
        return torch.stack([(one * second).sum(dim=-1) for one in first])

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor]:
        first, second = ctx.saved_tensors
        grad = grad[..., None]
        by_second = grad[0] * first[0]
        for one, own in zip(first[1:], grad[1:], strict=True):
            by_second.addcmul_(own, one)
        return torch.stack([(own * second).sum(dim=0) for own in grad]), by_second


@dataclass(frozen=True)
class _Layer:
    """One hidden layer at all points.

    Args:
        rows: (1 or 4, N, width), the activations and their tangents.
        tangents: Three of (N, width), those of the pre-activations; (1, width) in the first layer, where all points share them.
        slope: (N, width), phi'(z).
        bend: (N, width), phi''(z).
    """

    rows: Tensor
    tangents: list[Tensor]
    slope: Tensor | None
    bend: Tensor | None


class Siren(Network):
    """Sine network of Sitzmann et al. (NeurIPS 2020) with one frequency factor in every layer, as in IDIR.

    Wolterink, Zwienenberg, Brune, "Implicit neural representations for deformable image registration", MIDL 2022.
    First-layer weights start in +-1/3, the others in +-sqrt(6/n_in)/omega, biases in +-1/sqrt(n_in).
    """

    def __init__(
        self, width: int, depth: int, omega: float, zero_start: bool, generator: torch.Generator, ports: tuple[int, int] = (3, 3)
    ) -> None:
        self.omega = omega
        super().__init__(width, depth, zero_start, generator, ports)

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

    def weight_bound(self, layer: int, n_in: int) -> float:
        del layer  # all layers alike
        return 1 / math.sqrt(n_in)

    def activate(self, z: Tensor, order: int) -> tuple[Tensor, Tensor | None, Tensor | None]:
        on = (z > 0).to(z.dtype)
        return z * on, on if order >= 1 else None, torch.zeros_like(z) if order >= 2 else None


def _uniform(shape: tuple[int, ...], bound: float, generator: torch.Generator) -> Tensor:
    """Uniform in +-bound, always drawn on the CPU so that a seed means the same on every device."""
    kwargs: dict[str, Any] = {"generator": generator, "dtype": torch.get_default_dtype()}
    return (2 * torch.rand(shape, **kwargs) - 1) * bound


def new_network(choice: Representation, generator: torch.Generator, ports: tuple[int, int] = (3, 3)) -> Network:
    """A coordinate network at its initial weights, with so many coordinates going in and components coming out."""
    if choice.kind in ("siren", "sinr"):
        return Siren(choice.width, choice.depth, choice.omega, choice.zero_start, generator, ports)
    return ReluMlp(choice.width, choice.depth, choice.zero_start, generator, ports)


def field_for(asked: Asked) -> Network:
    """A network goes on as it is."""
    return asked.before if isinstance(asked.before, Network) else new_network(asked.representation, asked.generator)
