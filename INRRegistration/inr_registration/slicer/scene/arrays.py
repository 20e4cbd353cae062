"""Everything that the scene is to show, as plain arrays: made in the worker, so that the main thread has only to install it.

Pure numpy and scipy.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal

import numpy as np
import numpy.typing as npt

from inr_registration.core.grid import Grid
from inr_registration.core.measures import MAPS, UNKNOWN_MM
from inr_registration.core.model_file import to_bytes
from inr_registration.core.problem import Problem
from inr_registration.core.result import Result, SplineTransform
from inr_registration.core.verdict import Verdict
from inr_registration.slicer.scene.folding import Region, search, unsupported
from inr_registration.slicer.scene.quality import QualityTables, quality_tables
from inr_registration.slicer.scene.resample import box_of, whole
from inr_registration.slicer.scene.spline import DisplacementGrid, sample
from inr_registration.slicer.scene.structure import Structure

Floats = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]
Form = Literal["spline", "grid"]

FOLDING, COMPRESSED = 1, 2
THRESHOLD = 0.3
"""det J below which a region counts as compressed, unless the user says otherwise."""
HIGHEST_DETERMINANT = 1e6


@dataclass(frozen=True, eq=False)
class SceneArrays:
    """What ``write`` installs. All images are (k, j, i), C-contiguous, finite, on the fixed grid.

    Args:
        grid: The fixed grid in the world.
        warped: The moving image on it, float32.
        jacobian: det J, float32; 1 outside the fixed mask.
        uncertainty: mm, float32; ``UNKNOWN_MM`` outside the fixed mask and where nothing is known; None where the method has none.
        transform: The map.
        displacement_grid: The displacement before the affine part, where a sampled form was asked for; else None.
        regions: Where it folds or nearly does, and where nothing speaks for it.
        quality: The indicators, in words and numbers.
        model: Content of the model file.
        folding_labels: uint8, cropped: 1 where det J <= 0, 2 where it is above 0 and below the threshold.
        folding_first: Voxel (i, j, k) at which ``folding_labels`` starts.
        threshold: As asked for.
        warped_window: Lowest and highest value worth showing of ``warped``.
        uncertainty_top: 99th percentile of the uncertainty where it is known, mm.
        run: Description of the run, JSON.
        unlisted: Says which regions are too many to be listed; empty where all are.
        inverse: From moving to fixed; None where the method has none of its own.
        maps: Further maps by name, float32; 0 where they are not defined.
    """

    grid: Grid
    warped: Floats
    jacobian: Floats
    uncertainty: Floats | None
    transform: SplineTransform
    displacement_grid: DisplacementGrid | None
    regions: tuple[Region, ...]
    quality: QualityTables
    model: bytes
    folding_labels: npt.NDArray[np.uint8]
    folding_first: tuple[int, int, int]
    threshold: float
    warped_window: tuple[float, float]
    uncertainty_top: float
    run: str
    unlisted: str = ""
    inverse: SplineTransform | None = None
    maps: Mapping[str, Floats] = field(default_factory=dict)


def scene_arrays(
    problem: Problem,
    result: Result,
    structures: tuple[Structure, ...] = (),
    threshold: float = THRESHOLD,
    form: Form = "spline",
    spacing: float | None = None,
) -> SceneArrays:
    """Prepare a usable result for the scene.

    Args:
        problem: The question.
        result: The answer; it must be usable, whatever its outcome.
        structures: Segments on the fixed grid; labels of the problem are their numbers, from 1.
        threshold: det J below which a region counts as compressed.
        form: ``spline`` keeps the map exact; ``grid`` also samples its displacement.
        spacing: Of that grid, mm; by default twice the finest spacing of the fixed image.
    """
    if result.transform is None or result.warped is None or result.jacobian is None or result.model is None:
        raise ValueError(f"a run that ended as {result.outcome.name} has nothing to show; check Result.usable first")
    grid = problem.fixed.grid
    inside = None if problem.fixed_mask is None else whole(problem.fixed_mask, grid)
    warped = _finite(result.warped.values, 0.0)
    jacobian = _finite(result.jacobian.values, 1.0, inside)
    uncertainty = None if result.uncertainty is None else _finite(result.uncertainty.values, UNKNOWN_MM, inside)
    labels, first = label_folding(jacobian, threshold)
    found = search(jacobian, grid, threshold, structures, inside)
    quality = quality_tables(problem, result, structures, {n: structure.name for n, structure in enumerate(structures, start=1)})
    step = 2 * float(grid.spacing.min()) if spacing is None else spacing
    return SceneArrays(
        grid=grid,
        warped=warped,
        jacobian=jacobian,
        uncertainty=uncertainty,
        transform=result.transform,
        displacement_grid=sample(result.transform, step) if form == "grid" else None,
        regions=(*found.regions, *unsupported(result.doubts)),
        quality=replace(quality, notes=(*quality.notes, found.unlisted)) if found.unlisted else quality,
        model=to_bytes(result.model),
        folding_labels=labels,
        folding_first=first,
        threshold=threshold,
        warped_window=_window(warped),
        uncertainty_top=_top(uncertainty),
        run=_description(problem, result, form),
        unlisted=found.unlisted,
        inverse=result.inverse,
        maps={name: _finite(result.maps[name].values, 0.0) for name in MAPS if name in result.maps},
    )


def _finite(values: npt.NDArray[np.generic], neutral: float, inside: Mask | None = None) -> Floats:
    """A float32 copy with ``neutral`` wherever a value is not finite or not inside."""
    out = np.array(values, dtype=np.float32, order="C", copy=True)
    out[~np.isfinite(out)] = neutral
    if inside is not None:
        out[~inside] = neutral
    return np.clip(out, -HIGHEST_DETERMINANT, HIGHEST_DETERMINANT, out=out) if neutral == 1.0 else out


def label_folding(jacobian: Floats, threshold: float) -> tuple[npt.NDArray[np.uint8], tuple[int, int, int]]:
    """Labels of what folds and what is compressed, cropped, and the voxel (i, j, k) where they start."""
    box = box_of(jacobian < threshold if threshold > 0 else jacobian <= 0)
    if box is None:
        return np.zeros((0, 0, 0), dtype=np.uint8), (0, 0, 0)
    part = jacobian[box]
    labels = (part < threshold).astype(np.uint8) * np.uint8(COMPRESSED)
    labels[part <= 0] = FOLDING
    return labels, (box[2].start, box[1].start, box[0].start)


def _window(values: Floats) -> tuple[float, float]:
    """The range without the lowest and highest half percent, from at most about 100,000 voxels."""
    low, high = np.percentile(values.ravel()[:: max(values.size // 100_000, 1)], [0.5, 99.5])
    return float(low), float(high)


def _top(uncertainty: Floats | None) -> float:
    known = None if uncertainty is None else uncertainty[uncertainty >= 0]
    return 0.0 if known is None or not known.size else float(np.percentile(known, 99))


def _description(problem: Problem, result: Result, form: Form) -> str:
    return json.dumps(
        {
            "method": str(result.settings.get("method", "")),
            "outcome": result.outcome.name,
            "message": result.message,
            "date": datetime.now().astimezone().isoformat(timespec="seconds"),
            "device": result.device,
            "seconds": round(float(sum(result.timings_s.values())), 1),
            "fixed": problem.fixed.name,
            "moving": problem.moving.name,
            "form": form,
            "verdict": None if result.verdict is None else _verdict(result.verdict),
        }
    )


def _verdict(verdict: Verdict) -> dict[str, object]:
    return {"level": verdict.level.name, "reasons": list(verdict.reasons), "blind_spots": verdict.blind_spots}
