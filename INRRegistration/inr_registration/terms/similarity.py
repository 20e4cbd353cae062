"""How unlike two sets of intensities are: lower is better, 0 is a perfect match.

Each takes fixed and moving values of one shape and a weight (0 where a point does not count).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from typing import Any

import torch
from torch import Tensor

from inr_registration.core.catalogue import SIMILARITY_TERMS
from inr_registration.core.errors import InputError

EPSILON = 1e-8


def mse(fixed: Tensor, moving: Tensor, weight: Tensor) -> Tensor:
    """Weighted mean of squared differences."""
    return (weight * (fixed - moving) ** 2).sum() / weight.sum().clamp(min=EPSILON)


def ncc(fixed: Tensor, moving: Tensor, weight: Tensor) -> Tensor:
    """One minus the weighted Pearson correlation of all values: in [0, 2], the same under ``a * moving + b`` with a > 0.

    A constant batch has no correlation: it counts as 0 and gives no gradient, not NaN.
    """
    w = weight / weight.sum().clamp(min=EPSILON)
    a = fixed - (w * fixed).sum()
    b = moving - (w * moving).sum()
    product = (w * a * a).sum() * (w * b * b).sum()
    return 1 - (w * a * b).sum() / (product + EPSILON**2).sqrt()


def local_ncc(fixed: Tensor, moving: Tensor, weight: Tensor, radius: int) -> Tensor:
    """One minus the weighted mean over windows of the squared local correlation, in [0, 1].

    ``cc = cov(F, M)^2 / (var F var M)`` in the window of ``2 * radius + 1`` voxels around each voxel, truncated at the
    borders; Avants et al., Medical Image Analysis 12(1), 2008, eq. 5. Insensitive to slow changes of brightness and
    contrast, and to the sign of the contrast.

    Args:
        fixed: ``(B, D, H, W)`` blocks of neighbouring voxels.
        moving: The same shape.
        weight: The same shape; a window counts by the weight of its centre.
        radius: Of the window, voxels.
    """
    loss: Tensor = LocalCorrelation.apply(moving, FixedWindows(fixed, radius), weight)
    return loss


class FixedWindows:
    """What local correlation needs of the fixed image; the same in every iteration on a whole level.

    Args:
        fixed: ``(B, D, H, W)``.
        radius: Of the window, voxels.
    """

    def __init__(self, fixed: Tensor, radius: int) -> None:
        self.radius = radius
        self.count = 1 / box_sum(torch.ones_like(fixed[:1]), radius)
        self.values = fixed
        self.mean = box_sum(fixed, radius) * self.count
        self.variance = (box_sum(fixed * fixed, radius) * self.count - self.mean**2).clamp(min=0)


class LocalCorrelation(torch.autograd.Function):
    """Local correlation with its gradient written out: four window sums backward instead of a graph of eleven."""

    @staticmethod
    def forward(ctx: Any, moving: Tensor, windows: FixedWindows, weight: Tensor) -> Tensor:
        radius, count = windows.radius, windows.count
        mean = box_sum(moving, radius) * count
        variance = (box_sum(moving * moving, radius) * count - mean**2).clamp_(min=0)
        covariance = box_sum(moving * windows.values, radius) * count - mean * windows.mean
        scale = 1 / (windows.variance * variance + EPSILON)
        cc = covariance**2 * scale
        total = weight.sum().clamp(min=EPSILON)
        if ctx.needs_input_grad[0]:
            pull = 2 * covariance * scale * (weight / total) * count
            push = pull * covariance * scale * windows.variance
            ctx.save_for_backward(moving, mean, pull, push)
            ctx.windows = windows
        return 1 - (weight * cc).sum() / total

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        moving, mean, pull, push = ctx.saved_tensors
        windows, radius = ctx.windows, ctx.windows.radius
        toward = windows.values * box_sum(pull, radius) - box_sum(pull * windows.mean, radius)
        spread = moving * box_sum(push, radius) - box_sum(push * mean, radius)
        return -grad * (toward - spread), None, None


def box_sum(values: Tensor, radius: int) -> Tensor:
    """Sum over the window of ``2 * radius + 1`` voxels along the last three axes; beyond the border counts as zero."""
    for axis in (1, 2, 3):
        out = values.clone()
        length = values.shape[axis]
        for shift in range(1, min(radius, length - 1) + 1):
            out.narrow(axis, 0, length - shift).add_(values.narrow(axis, shift, length - shift))
            out.narrow(axis, shift, length - shift).add_(values.narrow(axis, 0, length - shift))
        values = out
    return values


class Similarity:
    """The weighted sum of similarity terms against one set of fixed values.

    Args:
        weights: Term name -> weight; ``mind`` compares features, not these values, and is left out.
        fixed: ``(B, D, H, W)`` blocks where local NCC is among the terms, else any shape.
        radius: Of the window of local NCC, voxels.

    Raises:
        InputError: Local NCC was asked for on values that are not blocks.
    """

    def __init__(self, weights: Mapping[str, float], fixed: Tensor, radius: int) -> None:
        self.weights = {name: weight for name, weight in weights.items() if weight > 0 and SIMILARITY_TERMS[name].looks_at != "features"}
        self.fixed = fixed
        if fixed.dim() != 4 and needs_blocks(self.weights):
            raise InputError(f"local NCC needs blocks of voxels (B, D, H, W), got shape {tuple(fixed.shape)}")
        self.of_values = {name: _pointwise(name) for name in self.weights if name != "local_ncc"}
        self.windows = FixedWindows(fixed, radius) if "local_ncc" in self.weights else None

    def __call__(self, moving: Tensor, weight: Tensor) -> dict[str, Tensor]:
        """Each weighted term at these moving values, by name."""
        values: dict[str, Tensor] = {}
        for name, factor in self.weights.items():
            if self.windows is not None and name == "local_ncc":
                values[name] = factor * LocalCorrelation.apply(moving, self.windows, weight)
            else:
                values[name] = factor * self.of_values[name](self.fixed, moving, weight)
        return values


def needs_blocks(names: Iterable[str]) -> bool:
    """Whether one of these terms looks at windows of voxels."""
    return any(SIMILARITY_TERMS[name].looks_at == "windows" for name in names)


def _pointwise(name: str) -> Callable[[Tensor, Tensor, Tensor], Tensor]:
    """The function of a term that has no other way to be computed."""
    found: Callable[[Tensor, Tensor, Tensor], Tensor] = getattr(import_module(f"{__package__}.{SIMILARITY_TERMS[name].module}"), name)
    return found
