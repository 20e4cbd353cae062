"""Laplace approximation: how well the images pin down the displacement, given how much it may vary.

Around the fitted map the residual at a site is linear in a small error z of the displacement. With the noise variance
s^2, the gradient g of the aligned images and sites h apart, z in units of ``h tau`` has the posterior precision

    A = W h^2 g g^T / s^2 + D^T D,          D: differences between neighbouring sites,

where the prior says that the strain varies by tau, taken from the fitted displacement. The covariance A^-1 is small at edges
and corners, as large as the prior allows in featureless regions, and carried over from neighbours in between. Samples of it
are ``A^-1 (H^(1/2) e1 + D^T e2)`` with white e1 and e2, where H is the first term of A (perturb and optimise: Papandreou and
Yuille, NeurIPS 2010), solved by conjugate gradients. A proper posterior would have W = tau^2; the errors on known warps
grow with tau at the same images, which says that what is missed is motion and not noise, so W is a constant.

The structure tensor uses the gradient of both images, ``sym(g_fixed g_moving^T)``: independent noise in the two cancels
on average, so a noisy but featureless region does not look informative. Intensities are related linearly within each
window, hence neither a bias field nor another contrast matters.
"""

from __future__ import annotations

import torch
from torch import Tensor

from inr_registration.measure.uncertainty.sites import Sites, Tick, smoothed
from inr_registration.numerics.sampling import Image, sample

SAMPLES = 6
MOST_VOXELS = 1_000_000
"""Of the level at which the images are looked at."""
STEPS = 40
WEIGHT = 100.0
"""Of the images against the prior."""
WINDOW = 0.5
"""Standard deviation, in sites, of the window in which intensities and gradients are averaged."""
NOISE_FLOOR = 0.02
"""Least standard deviation of the residual, as a share of the intensity range."""


def raw(seen: Tensor, where: Sites, unit: float, generator: torch.Generator, tick: Tick) -> Tensor:
    """Standard deviation of the displacement's posterior at the sites, (D, H, W) mm, before calibration.

    Args:
        seen: ``information`` of the images at the sites.
        where: The sites.
        unit: Of z: standard deviation of the difference of the displacement between neighbouring sites, mm.
        generator: Source of the random numbers, on the CPU.
        tick: Told the share that is done; may raise.
    """
    values, vectors = torch.linalg.eigh(WEIGHT * where.spacing**2 * seen)
    values = values.clamp(min=0)
    hessian = (vectors * values[..., None, :]) @ vectors.transpose(-1, -2)
    root = (vectors * values.sqrt()[..., None, :]) @ vectors.transpose(-1, -2)
    shape = (SAMPLES, *where.grid.shape, 3)
    right = torch.einsum("dhwab,sdhwb->sdhwa", root, _white(shape, generator, root))
    right = right + _divergence([_white(shape, generator, root) for _ in range(3)])
    variance = _solve(hessian, right, tick).square().sum(dim=-1).mean(dim=0)
    return unit * smoothed(variance, where.counted).sqrt()


def information(where: Sites) -> Tensor:
    """``g g^T / s^2`` at every site, (D, H, W, 3, 3) mm^-2, in the axes of the grid; 0 where nothing counts."""
    counted = where.counted

    def mean(values: Tensor) -> Tensor:
        return smoothed(values, counted, WINDOW)

    fixed, moving = where.fixed, where.moving
    mean_f, mean_m = mean(fixed), mean(moving)
    var_f, var_m = (mean(a * a) - b * b for a, b in ((fixed, mean_f), (moving, mean_m)))
    covariance = mean(fixed * moving) - mean_f * mean_m
    slope = covariance / var_m.clamp(min=NOISE_FLOOR**2)
    noise = (var_f - slope * covariance).clamp(min=0) + NOISE_FLOOR**2
    g, h = (torch.stack(torch.gradient(a)[::-1]) / where.spacing for a in (fixed, moving))
    share = slope / noise * counted
    tensor = torch.empty(*fixed.shape, 3, 3).to(fixed)
    for a, b in ((0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2)):
        tensor[..., a, b] = tensor[..., b, a] = mean(0.5 * (g[a] * h[b] + g[b] * h[a])) * share
    return tensor


def at_sites(seen: Tensor, fine: Sites, where: Sites) -> Tensor:
    """Information of a finer level, averaged around each of the sites."""
    share = where.spacing / fine.spacing
    if share < 1.05:
        return seen
    flat = smoothed(seen.reshape(*seen.shape[:3], 9).movedim(-1, 0), fine.counted, 0.5 * share)
    points = torch.as_tensor(where.points.T.reshape(3, *where.grid.shape), dtype=torch.float32, device=flat.device)
    matrix, offset = (torch.as_tensor(a).to(points) for a in Image(flat, fine.grid).world_to_unit())
    unit = torch.einsum("ab,bkji->akji", matrix, points) + offset[:, None, None, None]
    return (sample(flat, unit) * where.counted).movedim(0, -1).reshape(*where.grid.shape, 3, 3)


def _white(shape: tuple[int, ...], generator: torch.Generator, like: Tensor) -> Tensor:
    return torch.randn(shape, generator=generator).to(like)


def _divergence(sources: list[Tensor]) -> Tensor:
    """``D^T e`` for one (S, D, H, W, 3) array per axis."""
    out = torch.zeros_like(sources[0])
    for axis, source in enumerate(sources, start=1):
        n = out.shape[axis] - 1
        inner = source.narrow(axis, 0, n)
        out.narrow(axis, 1, n).add_(inner)
        out.narrow(axis, 0, n).sub_(inner)
    return out


def _stiff(z: Tensor) -> Tensor:
    """``D^T D z``."""
    out = torch.zeros_like(z)
    for axis in (1, 2, 3):
        n = z.shape[axis] - 1
        step = z.diff(dim=axis)
        out.narrow(axis, 1, n).add_(step)
        out.narrow(axis, 0, n).sub_(step)
    return out


def _solve(hessian: Tensor, right: Tensor, tick: Tick) -> Tensor:
    """Conjugate gradients for all samples at once, preconditioned by the 3 x 3 block of each site."""
    ridge = 1 / max(right.shape[1:4]) ** 2  # where nothing at all is seen the prior alone leaves the mean free
    inverse = torch.linalg.inv(hessian + (6 + ridge) * torch.eye(3).to(hessian))
    z, left = torch.zeros_like(right), right
    better = _times(inverse, left)
    direction, size = better, _dot(left, better)
    for step in range(STEPS):
        applied = _times(hessian, direction) + _stiff(direction) + ridge * direction
        along = size / _dot(direction, applied).clamp(min=1e-30)
        z, left = z + along * direction, left - along * applied
        better = _times(inverse, left)
        size, old = _dot(left, better), size
        direction = better + size / old.clamp(min=1e-30) * direction
        tick((step + 1) / STEPS)
    return z


def _times(matrix: Tensor, z: Tensor) -> Tensor:
    return torch.einsum("dhwab,sdhwb->sdhwa", matrix, z)


def _dot(a: Tensor, b: Tensor) -> Tensor:
    return (a * b).sum(dim=(1, 2, 3, 4), keepdim=True)
