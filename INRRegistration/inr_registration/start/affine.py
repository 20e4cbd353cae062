"""Rigid and affine pre-alignment by the objective of the fit itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from inr_registration.images.affine_level import AffineLevel
from inr_registration.numerics import kernels as compiled
from inr_registration.numerics.sampling import Image, sample
from inr_registration.optimise.adam import Adam
from inr_registration.optimise.step import Objective, new_step
from inr_registration.optimise.stopping import cosine
from inr_registration.start.linear_map import LinearMap
from inr_registration.terms.similarity import Similarity

Array = npt.NDArray[np.float64]

RATE = 0.02
"""First step of Adam: radians, shares of stretch, and quarters of the image's size alike."""


def centre_of_mass(image: Image, weight: Tensor) -> Array:
    """Intensity-weighted centre of an image inside its mask, (3,) LPS mm."""
    mass = (image.values[0] * weight).double().cpu().numpy()
    axes = [mass.sum(axis=tuple(a for a in range(3) if a != axis)) for axis in (2, 1, 0)]
    index = [float((profile * np.arange(len(profile))).sum() / max(profile.sum(), 1e-12)) for profile in axes]
    return image.grid.to_world(index)


def objective(data: AffineLevel, similarity: Mapping[str, float], radius: int) -> Callable[[Tensor], Tensor]:
    """The dissimilarity of one level as a function of the (4, 4) map.

    A point that leaves the moving image counts as if it saw an image without any structure there, so that moving hard
    parts out of sight never pays; the distance by which points leave gives a slope back.
    """
    fixed, weight = data.fixed.values, data.fixed_weight
    term = Similarity(similarity, fixed, radius)
    structureless = unrelated(data, similarity, radius)
    to_unit, total = np.eye(4), weight.sum()
    to_unit[:3, :3], to_unit[:3, 3] = data.moving.world_to_unit()

    fast = _compiled(data, similarity, radius, structureless, to_unit)
    if fast is not None:
        return fast
    index = _voxel_indices(data.fixed)
    into, to_world = (torch.as_tensor(a.copy(), device=index.device) for a in (to_unit, data.fixed.grid.affine))

    def loss(matrix: Tensor) -> Tensor:
        linear = (into @ matrix.to(into) @ to_world)[:3].to(index)
        unit = torch.einsum("ab,b...->a...", linear[:, :3], index) + linear[:, 3].reshape(3, 1, 1, 1)
        inside = (unit.detach().abs() <= 1).all(dim=0)
        seen = weight * inside * sample(data.moving_weight, unit.detach())[0]
        share = seen.sum() / total
        values = torch.stack(list(term(sample(data.moving.values, unit), seen[None]).values())).sum()
        outside = ((unit.abs() - 1).clamp(min=0).sum(dim=0) * weight).sum() / total
        return share * values + (1 - share) * structureless + 0.1 * outside

    return loss


def unrelated(data: AffineLevel, similarity: Mapping[str, float], radius: int) -> float:
    """The dissimilarity of the fixed image of a level and an image without any structure."""
    fixed, weight = data.fixed.values, data.fixed_weight
    flat = torch.full_like(fixed, float((fixed[0] * weight).sum() / weight.sum()))
    return float(torch.stack(list(Similarity(similarity, fixed, radius)(flat, weight[None]).values())).sum())


def _compiled(
    data: AffineLevel, similarity: Mapping[str, float], radius: int, structureless: float, to_unit: Array
) -> Callable[[Tensor], Tensor] | None:
    """The objective as a function of the (4, 4) map, where it can be compiled."""
    used = {name for name, weight in similarity.items() if weight > 0}
    size = data.moving.grid.size
    if not compiled.usable(data.fixed.values) or not used <= {"local_ncc", "mse", "ncc"} or min(size) < 2:
        return None
    from inr_registration.start.compiled_linear import LinearLevel  # loading the compiler takes a second

    level = LinearLevel(data.fixed.values, data.fixed_weight, data.moving.values, data.moving_weight, similarity, radius, structureless)
    half = (np.array(size)[:, None] - 1) / 2
    to_voxel = torch.as_tensor(half * (to_unit[:3] + np.array([0.0, 0.0, 0.0, 1.0])))
    to_world = torch.as_tensor(data.fixed.grid.affine.copy())
    return lambda matrix: level.loss(to_voxel @ matrix @ to_world)


def _voxel_indices(image: Image) -> Tensor:
    """(3, D, H, W) indices i, j, k of every voxel."""
    axes = [torch.arange(n, dtype=image.values.dtype, device=image.values.device) for n in image.grid.shape]
    return torch.stack(torch.meshgrid(*axes, indexing="ij")[::-1])


def minimise(loss: Callable[[Tensor], Tensor], linear: LinearMap, start: Tensor, rate: float, iterations: int) -> tuple[Tensor, float]:
    """Adam from given parameters, its steps falling from ``rate`` to a twentieth of it; returns the best seen and its loss.

    Where the parameters lie on a GPU nothing waits for it before the end, and the iterations are recorded.
    """
    parameters = start.clone().requires_grad_(True)
    best, lowest = start.clone(), torch.full((), torch.inf, dtype=start.dtype, device=start.device)

    def terms() -> dict[str, Tensor]:
        value = loss(linear.matrix(parameters))
        with torch.no_grad():
            better = value < lowest
            best.copy_(torch.where(better, parameters, best))
            lowest.copy_(torch.where(better, value, lowest))
        return {"unlike": value}

    run = Objective(terms, [parameters], rate, (0.8, 0.95), "pre-alignment", draw=_nothing)
    step = new_step(run, Adam(run.parameters, run.betas))
    for iteration in range(iterations):
        step(run.rate * cosine(iteration / max(iterations, 1), 0.05))
    return best, float(lowest)


def _nothing() -> None:
    """No random numbers are needed."""


def agreement_kept(data: AffineLevel, similarity: Mapping[str, float], radius: int, start: Array, found: Array) -> float:
    """How much of the agreement of two images under one linear map there is already under another.

    Agreement is by how much they are less unlike than the fixed image and one without any structure.

    Args:
        data: Both images.
        similarity: Weights of the similarity terms.
        radius: Of the window of local NCC.
        start: (4, 4) the map before.
        found: (4, 4) the map that is better, or meant to be.

    Returns:
        A share; 1 where ``found`` is no better than ``start``, or no better than nothing; 0 where only ``found`` makes them agree.
    """
    loss = objective(data, similarity, radius)
    none = unrelated(data, similarity, radius)
    with torch.no_grad():
        before, after = (none - float(loss(torch.as_tensor(matrix))) for matrix in (start, found))
    return max(before, 0.0) / after if after > max(before, 0.0) else 1.0
