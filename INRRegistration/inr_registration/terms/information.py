"""Mutual information: how much the intensities of one image tell about those of the other, whatever their relation.

Intensities are scaled to [0, 1] between robust percentiles beforehand, so the bins have fixed edges that no single bright
voxel can move.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from inr_registration.numerics.spline import basis

EPSILON = 1e-8

BINS = 32


def nmi(fixed: Tensor, moving: Tensor, weight: Tensor) -> Tensor:
    """One minus normalised mutual information ``2 I(F, M) / (H(F) + H(M))``, in [0, 1]; for any relation of contrasts.

    Joint histogram of ``BINS`` squared bins over [0, 1]: nearest bin for the fixed intensities, cubic B-spline windows
    for the moving ones (Mattes et al., IEEE TMI 22(1), 2003; the normalisation is the symmetric uncertainty).
    """
    loss: Tensor = MutualInformation.apply(moving, fixed, weight)
    return loss


def information_loss(histogram: Tensor) -> Tensor:
    """One minus the symmetric uncertainty of a joint histogram (fixed bins, moving bins) that need not sum to 1."""
    joint = histogram / histogram.sum().clamp(min=EPSILON)
    rows, columns = joint.sum(dim=1), joint.sum(dim=0)
    entropies = [-(p * (p + EPSILON).log()).sum() for p in (rows, columns, joint)]
    shared = entropies[0] + entropies[1] - entropies[2]
    return 1 - 2 * shared / (entropies[0] + entropies[1]).clamp(min=EPSILON)


class MutualInformation(torch.autograd.Function):
    """Each point touches four bins, so histogram and gradient cost a few passes over the points, not a matrix of windows."""

    @staticmethod
    def forward(ctx: Any, moving: Tensor, fixed: Tensor, weight: Tensor) -> Tensor:
        row = (fixed.reshape(-1).clamp(0, 1) * (BINS - 1)).round().long() * BINS
        place = moving.reshape(-1).clamp(0, 1) * (BINS - 4) + 1
        first = place.floor()
        start, t, w = row + first.long() - 1, place - first, weight.reshape(-1)
        pieces = enumerate(basis(t).unbind(-1))
        empty = moving.new_zeros(BINS * BINS)  # not bincount: that asks a GPU for the largest bin first
        histogram = torch.stack([empty.scatter_add(0, start + shift, piece * w) for shift, piece in pieces]).sum(dim=0)
        ctx.save_for_backward(histogram, start, t, w)
        ctx.shape = moving.shape
        return information_loss(histogram.reshape(BINS, BINS))

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        histogram, start, t, w = ctx.saved_tensors
        slope = _slope(histogram.reshape(BINS, BINS)).reshape(-1)
        pieces = basis(t, 1).unbind(-1)
        pull = torch.stack([slope[start + shift] * piece for shift, piece in enumerate(pieces)]).sum(dim=0)
        return (grad * (BINS - 4) * pull * w).reshape(ctx.shape), None, None


GAUSSIAN_BINS = 64
GAUSSIAN_SIGMA = 0.1
CHUNK = 2**16
"""Points whose windows are held at a time."""


def nmi_gaussian(fixed: Tensor, moving: Tensor, weight: Tensor, sigma: float = GAUSSIAN_SIGMA) -> Tensor:
    """As ``nmi``, with Gaussian windows around 64 bin centres for both images, as SINR has it: for comparison, and slow.

    A window that is six bins wide (sigma 0.1) blurs the joint histogram, so that even equal images come nowhere near 0.
    The bins span [0, 1] here; the published code spans the smallest to the largest value of the moment.

    Sideri-Lampretsa et al., MIDL 2024, PMLR 250.
    """
    loss: Tensor = GaussianInformation.apply(moving, fixed, weight, sigma)
    return loss


class GaussianInformation(torch.autograd.Function):
    """The windows are made anew in each pass, chunk by chunk: kept, those of a whole image would take gigabytes."""

    @staticmethod
    def forward(ctx: Any, moving: Tensor, fixed: Tensor, weight: Tensor, sigma: float) -> Tensor:
        histogram = moving.new_zeros(GAUSSIAN_BINS, GAUSSIAN_BINS)
        for f, m, w in _chunks(fixed, moving, weight):
            histogram += (gaussian_windows(f, sigma) * w[:, None]).T @ gaussian_windows(m, sigma)
        ctx.save_for_backward(histogram, fixed, moving, weight)
        ctx.sigma = sigma
        return information_loss(histogram)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None, None]:
        histogram, fixed, moving, weight = ctx.saved_tensors
        slope, centres = _slope(histogram), bin_centres(moving)
        pulls = []
        for f, m, w in _chunks(fixed, moving, weight):
            steeper = gaussian_windows(m, ctx.sigma) * (centres - m[:, None]) / ctx.sigma**2
            pulls.append(w * ((gaussian_windows(f, ctx.sigma) @ slope) * steeper).sum(dim=1))
        return grad * torch.cat(pulls).reshape(moving.shape), None, None, None


def bin_centres(like: Tensor) -> Tensor:
    """Centres of the Gaussian windows, (64,)."""
    return torch.linspace(0, 1, GAUSSIAN_BINS, dtype=like.dtype, device=like.device)


def gaussian_windows(values: Tensor, sigma: float) -> Tensor:
    """How much each of (n,) values counts in each bin, (n, 64); not normalised, the joint histogram is."""
    return torch.exp(-((values[:, None] - bin_centres(values)) ** 2) / (2 * sigma**2))


def _chunks(*values: Tensor) -> Iterator[tuple[Tensor, ...]]:
    """Tensors of one shape, flat, in parts of ``CHUNK`` values."""
    return zip(*(tensor.reshape(-1).split(CHUNK) for tensor in values), strict=True)


def _slope(histogram: Tensor) -> Tensor:
    """Derivative of ``information_loss`` by each entry of the histogram, same shape."""
    with torch.enable_grad():
        bins = histogram.clone().requires_grad_(True)
        return torch.autograd.grad(information_loss(bins), bins)[0]
