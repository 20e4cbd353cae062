"""From the fitted field to everything that people look at."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch

from INRRegistrationLib.core.grid import Grid
from INRRegistrationLib.core.problem import Problem
from INRRegistrationLib.core.result import Quality, SplineTransform
from INRRegistrationLib.core.settings import Settings
from INRRegistrationLib.core.volume import Volume
from INRRegistrationLib.engine import compiled
from INRRegistrationLib.engine import quality as measure
from INRRegistrationLib.engine.export import as_transform, baked, faded, sampled
from INRRegistrationLib.engine.fields.lattice import Lattice, SplineLattice
from INRRegistrationLib.engine.fitted_map import FittedMap
from INRRegistrationLib.engine.frame import Frame
from INRRegistrationLib.engine.model import Model
from INRRegistrationLib.engine.prepare import Prepared
from INRRegistrationLib.engine.sampling import Image
from INRRegistrationLib.engine.start.clean import on_grid
from INRRegistrationLib.engine.unfold import unfolded

Array = npt.NDArray[np.float64]
Floats = npt.NDArray[np.float32]

TOLERATED_VOXELS = 0.05
"""Largest difference, in voxels of the finest level, between a network and the spline that stands for it on export."""


@dataclass(frozen=True, eq=False)
class Finished:
    """What ``finish`` makes; the fields are those of ``Result``."""

    model: FittedMap
    transform: SplineTransform
    warped: Volume
    before: Volume
    aligned: Volume
    jacobian: Volume
    displacement: Floats
    quality: Quality


def finish(model: FittedMap, prepared: Prepared, problem: Problem, settings: Settings, settled: bool) -> Finished:
    """Export the map, warp the moving image, measure.

    Args:
        model: As fitted.
        prepared: What the fit started from.
        problem: The images as given.
        settings: As used.
        settled: Whether the fit ran to its end.
    """
    grid = problem.fixed.grid
    model, lattice, frame, error = _export(model, prepared, settings)
    displacement, det = sampled(lattice, frame, model.affine, grid)
    mended = 0
    if isinstance(model, Model) and model.field is lattice:
        whole, mended = unfolded(lattice, frame, grid, displacement)
        if mended:
            lattice, model = whole, replace(model, field=whole)
            displacement, det = sampled(lattice, frame, model.affine, grid)
    initial = np.eye(4) if problem.initial is None else np.asarray(problem.initial, float)
    warped = warp(problem.moving, grid, model.affine, displacement)
    before = warp(problem.moving, grid, initial, None)
    aligned = before if np.array_equal(initial, model.affine) else warp(problem.moving, grid, model.affine, None)
    quality = _measure(model, prepared, problem, (before, warped), det, displacement, initial)
    return Finished(
        model=model,
        transform=as_transform(lattice, frame, model.affine, error),
        warped=Volume(warped, grid, "warped"),
        before=Volume(before, grid, "before"),
        aligned=Volume(aligned, grid, "aligned"),
        jacobian=Volume(det, grid, "jacobian"),
        displacement=displacement,
        quality=replace(quality, notes=(*measure.notes(quality, settled, settings.landmark_weight > 0), *_about_mending(mended))),
    )


def _export(model: FittedMap, prepared: Prepared, settings: Settings) -> tuple[FittedMap, SplineLattice, Frame, float]:
    """A lattice, faded out beyond the image, becomes the model itself; any other map is stood for by a lattice."""
    if isinstance(model, Model) and isinstance(model.field, Lattice):
        lattice = faded(model.field.cpu())
        valid = [(s + t, s + (n - 2) * t) for s, t, n in zip(lattice.knots.start, lattice.knots.step, lattice.knots.count, strict=True)]
        return Model(lattice, model.frame, model.affine, np.array(valid).T), lattice, model.frame, 0.0
    lattice, frame, error = as_spline(model, prepared.fixed.grid, prepared.spacing, settings.seed)
    return model.on_cpu(), lattice, frame, error


def _about_mending(cells: int) -> tuple[str, ...]:
    return (f"the spline folded in {cells} of its cells, which were smoothed until it did not",) if cells else ()


def as_spline(model: FittedMap, grid: Grid, spacing: float, seed: int) -> tuple[SplineLattice, Frame, float]:
    """The lattice that stands for a map, its frame, and the largest difference seen between both, mm.

    Args:
        model: Any map.
        grid: Where it is needed; of right-angled axes.
        spacing: Of the finest level, mm.
        seed: Of the points at which the difference is looked at.
    """
    lattice, error = baked(model, grid, spacing, TOLERATED_VOXELS * spacing, torch.Generator().manual_seed(seed))
    return faded(lattice), Frame.millimetres(grid), error


def warp(moving: Volume, grid: Grid, affine: Array, displacement: Floats | None) -> Floats:
    """The moving image, read linearly at ``affine(p + u(p))`` for every voxel centre p of ``grid``: (k, j, i) float32.

    Points outside the moving image's outer voxel faces take its lowest value, so that nothing is made up there.
    """
    values = moving.single()
    finite = np.isfinite(values)
    if finite.all():
        lowest = float(values.min())
    else:
        lowest = float(values[finite].min())
        values = np.where(finite, values, np.float32(lowest))
    del finite
    if compiled.usable(torch.empty(0)):
        from INRRegistrationLib.engine.compiled.resample import resampled  # loading the compiler takes a second

        to_voxels = np.linalg.inv(moving.grid.affine) @ affine
        return resampled((to_voxels @ grid.affine)[:3], to_voxels[:3, :3], displacement, values, lowest, grid.shape)
    image = Image(torch.tensor(values)[None], moving.grid)
    out = np.empty(grid.shape, dtype=np.float32)
    for k in range(grid.size[2]):
        points = grid.cropped([0, 0, k], (grid.size[0], grid.size[1], 1)).all_points()[0].astype(np.float64)
        moved = points if displacement is None else points + displacement[k]
        moved = moved @ affine[:3, :3].T + affine[:3, 3]
        values_k = image.at(torch.as_tensor(moved.transpose(2, 0, 1).copy(), dtype=torch.float64).float()).numpy()
        out[k] = np.where(moving.grid.contains(moved), values_k, lowest)
    return out


def _measure(
    model: FittedMap, prepared: Prepared, problem: Problem, images: tuple[Floats, Floats], det: Floats, displacement: Floats, initial: Array
) -> Quality:
    mask = on_grid(Volume(prepared.fixed.counted, prepared.fixed.grid), problem.fixed.grid)
    fixed = problem.fixed.single()
    scores = measure.similarities(fixed if np.isfinite(fixed).all() else np.nan_to_num(fixed, nan=0.0), images, mask)
    folding, spread, sd = measure.determinant_summary(det, mask)
    length = np.concatenate([np.linalg.norm(plane[inside], axis=1) for plane, inside in zip(displacement, mask, strict=True)])
    size = {"mean": float(length.mean()), "max": float(length.max()), "p95": float(np.percentile(length, 95, overwrite_input=True))}
    return Quality(
        similarity={name: (scores[0][name], scores[1][name]) for name in scores[0]},
        folding_percent=folding,
        det=spread,
        sd_log_det=sd,
        displacement_mm=size,
        tre_mm=_landmarks(model, problem, initial),
        dice=_overlaps(model, problem, initial, displacement),
    )


def _landmarks(model: FittedMap, problem: Problem, initial: Array) -> dict[str, dict[str, float]]:
    if problem.fixed_landmarks is None or problem.moving_landmarks is None:
        return {}
    start = problem.fixed_landmarks @ initial[:3, :3].T + initial[:3, 3]
    return {
        "before": measure.tre(start, problem.moving_landmarks),
        "after": measure.tre(model.map(problem.fixed_landmarks), problem.moving_landmarks),
    }


def _overlaps(model: FittedMap, problem: Problem, initial: Array, displacement: Floats) -> dict[str, tuple[float, float]]:
    if problem.fixed_labels is None or problem.moving_labels is None:
        return {}
    fixed, moving = problem.fixed_labels, problem.moving_labels
    labels = measure.common_labels(problem)
    points = fixed.grid.all_points().astype(np.float64)
    start = points @ initial[:3, :3].T + initial[:3, 3]
    seen = fixed.values
    first = measure.dice(seen, measure.pull_labels(moving.values, moving.grid, start), labels)
    if fixed.grid.is_same(problem.fixed.grid):
        mapped = (points + displacement) @ model.affine[:3, :3].T + model.affine[:3, 3]
    else:
        mapped = model.map(points.reshape(-1, 3)).reshape(points.shape)
    last = measure.dice(seen, measure.pull_labels(moving.values, moving.grid, mapped), labels)
    return {name: (first[name], last[name]) for name in first}
