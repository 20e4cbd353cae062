"""MIND-SSC: how each small patch resembles its neighbours, which looks the same in any modality.

Heinrich et al., "Towards realtime multimodal fusion for image-guided interventions using self-similarities", MICCAI 2013.
"""

from __future__ import annotations

from itertools import combinations
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import avg_pool3d, pad

from inr_registration.numerics.sampling import sample

RADIUS, DILATION = 1, 2
"""Half the width of a patch and the distance of its neighbours, in voxels of the level."""
CHANNELS = 12
CHUNK = 1 << 18
"""Points compared at a time, so that the twelve channels of all points are never held at once."""

_FACES = [(axis, sign) for axis in (0, 1, 2) for sign in (-1, 1)]
NEIGHBOURS = [(a, b) for a, b in combinations(_FACES, 2) if a[0] != b[0]]
"""The pairs of the six neighbours at a squared distance of two, each neighbour as (array axis, sign)."""


def mind(values: Tensor, radius: int = RADIUS, dilation: int = DILATION) -> Tensor:
    """The twelve self-similarities of every voxel, each in (0, 1], the largest of a voxel being 1.

    With the patch distances D_p of the twelve pairs of neighbours (mean of squared differences over the patch), less the
    smallest of them, and their mean V over the pairs, ``m_p = exp(-D_p / V)``. V is kept within 0.001 and 1000 times its
    mean over the image, so that noise in flat regions is not taken for structure. The image goes on beyond its border.

    Args:
        values: ``(D, H, W)``; the channels follow its axes, so compare only images on parallel axes.
        radius: Of the patch, voxels.
        dilation: Distance of the neighbours, voxels.

    Returns:
        ``(12, D, H, W)``.
    """
    reach = radius + dilation
    padded = pad(values[None, None], (reach,) * 6, mode="replicate")[0, 0]
    distances = torch.empty(CHANNELS, *values.shape, dtype=values.dtype, device=values.device)
    for channel, (a, b) in enumerate(NEIGHBOURS):
        difference = _shifted(padded, a, dilation) - _shifted(padded, b, dilation)
        distances[channel] = avg_pool3d(difference.square()[None, None], 2 * radius + 1, stride=1)[0, 0]
    distances -= distances.amin(dim=0)
    variance = distances.mean(dim=0)
    mean = variance.mean().clamp(min=1e-12)
    variance = torch.minimum(torch.maximum(variance, 0.001 * mean), 1000 * mean)
    return distances.div_(-variance).exp_()


def _shifted(padded: Tensor, neighbour: tuple[int, int], dilation: int) -> Tensor:
    """The image as one neighbour sees it: ``dilation`` voxels less at every border."""
    axis, sign = neighbour
    for d in range(3):
        shift = sign * dilation if d == axis else 0
        padded = padded.narrow(d, dilation + shift, padded.shape[d] - 2 * dilation)
    return padded


def mind_difference(fixed: Tensor, moving: Tensor, unit: Tensor, weight: Tensor) -> Tensor:
    """Weighted mean over points and channels of squared differences of features, in [0, 1].

    Args:
        fixed: ``(12, ...)`` features of the fixed image at the points.
        moving: ``(12, D, H, W)`` features of the moving image on axes parallel to those of the fixed ones.
        unit: ``(3, ...)`` where to read them, unit coordinates; what the gradient is for.
        weight: ``(...)``, 0 where a point does not count.
    """
    loss: Tensor = _Difference.apply(unit, fixed, moving, weight)
    return loss


class _Difference(torch.autograd.Function):
    """Goes through the points by chunks and keeps their slope, three numbers a point, instead of a graph of all channels."""

    @staticmethod
    def forward(ctx: Any, unit: Tensor, fixed: Tensor, moving: Tensor, weight: Tensor) -> Tensor:
        flat, seen, counted = unit.detach().reshape(3, -1), fixed.reshape(CHANNELS, -1), weight.reshape(-1)
        total = counted.sum().clamp(min=1e-8)
        loss, slope = flat.new_zeros(()), torch.zeros_like(flat)
        for first in range(0, flat.shape[1], CHUNK):
            part = slice(first, first + CHUNK)
            at = flat[:, part].clone().requires_grad_(ctx.needs_input_grad[0])
            with torch.enable_grad():
                unlike = (sample(moving, at) - seen[:, part]).square().mean(dim=0)
                partial = (counted[part] * unlike).sum() / total
            loss += partial.detach()
            if ctx.needs_input_grad[0]:
                slope[:, part] = torch.autograd.grad(partial, at)[0]
        ctx.save_for_backward(slope.reshape(unit.shape))
        return loss

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None, None]:
        (slope,) = ctx.saved_tensors
        return grad * slope, None, None, None
