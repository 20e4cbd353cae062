"""From the fitted field to everything that people look at."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import torch
from scipy import ndimage

from inr_registration.core.grid import Grid
from inr_registration.core.problem import Problem
from inr_registration.core.result import Quality
from inr_registration.core.settings import Settings
from inr_registration.core.volume import Volume
from inr_registration.fields.lattice import Lattice, SplineLattice
from inr_registration.images.cleaning import on_grid
from inr_registration.maps.derived import Drawn, OfSpline, draw
from inr_registration.maps.export import as_transform, baked, faded
from inr_registration.maps.fitted_map import FittedMap
from inr_registration.maps.model import Model
from inr_registration.maps.unfold import slabs, unfolded
from inr_registration.maps.warp import nearest_labels
from inr_registration.measure import quality as measure
from inr_registration.measure.finished import Finished
from inr_registration.methods.prepared import Prepared
from inr_registration.numerics.frame import Frame

Array = npt.NDArray[np.float64]
Floats = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]

TOLERATED_VOXELS = 0.05
"""Largest difference, in voxels of the finest level, between a network and the spline that stands for it on export."""

VALID = 0.999
"""A value read between voxels counts where all of those had one, but for rounding."""


def finish(
    model: FittedMap,
    prepared: Prepared,
    problem: Problem,
    settings: Settings,
    settled: bool,
    tell: Callable[[float], object] = lambda _: None,
) -> Finished:
    """Export the map, warp the moving image, measure.

    Args:
        model: As fitted.
        prepared: What the fit started from.
        problem: The images as given.
        settings: As used.
        settled: Whether the fit ran to its end.
        tell: Called with the share that is done, 0 to 1, on the way.
    """
    grid = problem.fixed.grid
    model, lattice, frame, error = _export(model, prepared, settings)
    tell(0.3)
    mask = on_grid(Volume(prepared.fixed.measured, prepared.fixed.grid), grid)
    initial = problem.linear_start()
    derived = OfSpline(lattice, frame, model.affine, initial, problem.moving, grid)
    judged = _both_measured(derived, prepared, mask)
    before = _similarities(problem.fixed, derived.before(), judged, mask)  # first: it need not be held beside what is drawn
    tell(0.5)
    drawn, mended = draw(derived, mask), 0
    if isinstance(model, Model) and model.field is lattice:
        whole, mended = unfolded(lattice, frame, grid, drawn.folded)
        if mended:
            del drawn  # two images, which need not be held beside those that replace them
            model, derived = replace(model, field=whole), replace(derived, lattice=whole)
            drawn = draw(derived, mask)
    tell(0.8)
    quality = _measure(model, problem, derived, drawn, mask, judged, before)
    return Finished(
        model=model,
        transform=as_transform(derived.lattice, frame, model.affine, error),
        warped=Volume(drawn.warped, grid, "warped"),
        jacobian=Volume(drawn.det, grid, "jacobian"),
        derived=derived,
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


def _both_measured(derived: OfSpline, prepared: Prepared, mask: Mask) -> Mask:
    """The mask without voxels whose windows see padding or no value of either image, before or after: there is nothing to compare."""
    if prepared.fixed.valid.all() and prepared.moving.valid.all():
        return mask
    where = replace(derived, moving=Volume(prepared.moving.valid.astype(np.float32), derived.moving.grid))
    seen = on_grid(Volume(prepared.fixed.valid, prepared.fixed.grid), derived.grid) & (where.before() > VALID)
    for planes in slabs(derived.grid):
        part = (planes, slice(None), slice(None))
        seen[planes] &= where.pull(derived.grid.part(part), derived.affine, derived.displacement(part)) > VALID
    whole = ndimage.binary_erosion(seen, np.ones((3, 3, 3)), iterations=measure.RADIUS, border_value=1) & mask
    return whole if whole.any() else mask


def _similarities(fixed: Volume, image: Floats, judged: Mask, mask: Mask) -> dict[str, float]:
    values = fixed.single()
    if judged is not mask:  # padding may be so far from all else that windows lose their digits
        values, image = _within_range(values, judged), _within_range(image, judged)
    return measure.similarities(values if np.isfinite(values).all() else np.nan_to_num(values, nan=0.0), [image], judged)[0]


def _within_range(values: Floats, mask: Mask) -> Floats:
    seen = values[mask]
    return np.clip(values, seen.min(), seen.max())


def _measure(
    model: FittedMap, problem: Problem, derived: OfSpline, drawn: Drawn, mask: Mask, judged: Mask, before: dict[str, float]
) -> Quality:
    after = _similarities(problem.fixed, drawn.warped, judged, mask)
    folding, spread, sd = measure.determinant_summary(drawn.det, mask)
    return Quality(
        similarity={name: (before[name], after[name]) for name in before},
        folding_percent=folding,
        det=spread,
        sd_log_det=sd,
        displacement_mm=drawn.size_mm,
        tre_mm=_landmarks(model, problem, derived.initial),
        dice=_overlaps(model, problem, derived),
    )


def _landmarks(model: FittedMap, problem: Problem, initial: Array) -> dict[str, dict[str, float]]:
    if problem.fixed_landmarks is None or problem.moving_landmarks is None:
        return {}
    start = problem.fixed_landmarks @ initial[:3, :3].T + initial[:3, 3]
    return {
        "before": measure.tre(start, problem.moving_landmarks),
        "after": measure.tre(model.map(problem.fixed_landmarks), problem.moving_landmarks),
    }


def _overlaps(model: FittedMap, problem: Problem, derived: OfSpline) -> dict[str, tuple[float, float]]:
    if problem.fixed_labels is None or problem.moving_labels is None:
        return {}
    fixed, moving = problem.fixed_labels, problem.moving_labels
    labels = measure.common_labels(problem)
    same = fixed.grid.is_same(derived.grid)
    first, last = np.empty(fixed.grid.shape, moving.values.dtype), np.empty(fixed.grid.shape, moving.values.dtype)
    for planes in slabs(fixed.grid):
        part = (planes, slice(None), slice(None))
        points = fixed.grid.part(part).all_points().astype(np.float64)
        first[planes] = nearest_labels(moving.values, moving.grid, _applied(derived.initial, points))
        mapped = _applied(model.affine, points + derived.displacement(part)) if same else model.map(points.reshape(-1, 3))
        last[planes] = nearest_labels(moving.values, moving.grid, mapped.reshape(points.shape))
    before, after = (measure.dice(fixed.values, pulled, labels) for pulled in (first, last))
    return {name: (before[name], after[name]) for name in before}


def _applied(affine: Array, points: Array) -> Array:
    return points @ affine[:3, :3].T + affine[:3, 3]
