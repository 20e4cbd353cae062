"""What a finished fit of two fields shows about itself: the numbers that the quality control judges."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from INRRegistrationLib.core.problem import Problem
from INRRegistrationLib.core.volume import Volume
from INRRegistrationLib.engine.consensus import UNRESOLVED, Consensus
from INRRegistrationLib.engine.finish import Finished
from INRRegistrationLib.engine.prepare import Prepared
from INRRegistrationLib.engine.start.clean import CleanImage, on_grid
from INRRegistrationLib.engine.verdict import Evidence

Array = npt.NDArray[np.float64]
Floats = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]

POINTS = 5000
"""So many voxels of each image are looked at; the 95th percentile of so many is known to about one percent of rank."""
WINDOW = 3
"""Half-width, in voxels, of the window in which the match is compared with shifted ones."""
SHIFT_MM = 2.0
"""The match is compared with those this far away, or one voxel diagonal where that is more."""
BETTER = 0.1
"""A shifted window matches better if its squared correlation is higher by more than this."""


def gather(model: Consensus, made: Finished, prepared: Prepared, problem: Problem) -> Evidence:
    """The evidence on a finished fit, from voxels that count in the fixed image.

    Args:
        model: The consensus of both fields, on the CPU.
        made: What was made of it.
        prepared: What the fit started from.
        problem: The images as given.
    """
    points = _some_voxels(prepared.fixed)
    mapped, apart = model.map(points), model.discrepancy(points)
    missed = np.linalg.norm(model.backward.map(model.inverted(points)) - points, axis=1)
    quality = made.quality
    mask = on_grid(Volume(prepared.fixed.counted, prepared.fixed.grid), problem.fixed.grid)
    return Evidence(
        mean_mm=float(apart.mean()),
        p95_mm=float(np.percentile(apart, 95)),
        voxel_mm=float(np.linalg.norm(problem.fixed.grid.spacing)),
        unresolved_percent=100 * float((missed > UNRESOLVED * model.voxel_mm).mean()),
        folding_percent=quality.folding_percent,
        similarity=quality.similarity["local correlation"],
        misplaced_percent=100 * float((better_elsewhere(problem.fixed, made.warped, mask) > BETTER).mean()),
        left_percent=100 * float((~prepared.moving.grid.contains(mapped)).mean()),
        overlap_percent=_overlap(model, mapped, prepared),
    )


def better_elsewhere(fixed: Volume, warped: Volume, mask: Mask) -> Floats:
    """By how much the warped image would match better if it were shifted, (n,) for the voxels of the mask.

    In windows of 7 voxels, the squared correlation of both images is compared with that for the warped image moved to
    either side along each axis; the best of these minus the one as it is. A good match is the best one nearby, whatever the
    contrasts; where images are smooth and noisy, chance lets some shifted windows win.

    Args:
        fixed: The fixed image.
        warped: The moving image on the same grid.
        mask: (k, j, i), where it counts.
    """
    box = ndimage.find_objects(mask.astype(np.uint8))[0]
    a, b = (np.nan_to_num(image.single()[box], nan=0.0) for image in (fixed, warped))
    distance = max(SHIFT_MM, float(np.linalg.norm(fixed.grid.spacing)))
    steps = np.maximum(np.rint(distance / fixed.grid.spacing[::-1]), 1).astype(int)
    best = np.zeros_like(a)
    for axis, step in enumerate(steps.tolist()):
        for signed in (-step, step):
            best = np.maximum(best, _match(a, _shifted(b, axis, signed)))
    return np.asarray((best - _match(a, b))[mask[box]])


def _match(a: Floats, b: Floats) -> Floats:
    """Squared correlation of two images in the window around each voxel; 0 where one is constant."""
    a, b = (image / max(float(np.ptp(image)), 1e-12) for image in (a, b))
    mean_a, mean_b = _mean(a), _mean(b)
    spread = (_mean(a * a) - mean_a**2).clip(min=0) * (_mean(b * b) - mean_b**2).clip(min=0)
    return np.asarray((_mean(a * b) - mean_a * mean_b) ** 2 / (spread + 1e-8))


def _mean(values: Floats) -> Floats:
    return np.asarray(ndimage.uniform_filter(values, 2 * WINDOW + 1, mode="nearest"))


def _shifted(values: Floats, axis: int, step: int) -> Floats:
    """Moved by whole voxels; the border goes on."""
    index = np.clip(np.arange(values.shape[axis]) - step, 0, values.shape[axis] - 1)
    return np.take(values, index, axis=axis)


def _overlap(model: Consensus, mapped: Array, prepared: Prepared) -> float | None:
    """Overlap of both masks under the map, in percent of the smaller one; None where not both are given.

    The smaller one may lie wholly inside the other: that is how one draws a region of interest.
    """
    if prepared.fixed.given is None or prepared.moving.given is None:
        return None
    back = model.reversed().map(_some_voxels(prepared.moving))
    return 100 * max(_share_inside(mapped, prepared.moving), _share_inside(back, prepared.fixed))


def _share_inside(points: Array, image: CleanImage) -> float:
    """Share of (n, 3) world points whose nearest voxel counts in the image."""
    index = np.rint(image.grid.to_index(points)).astype(np.int64)
    inside = ((index >= 0) & (index < np.asarray(image.grid.size))).all(axis=1)
    i, j, k = index[inside].T
    return float(image.counted[k, j, i].sum() / len(points))


def _some_voxels(image: CleanImage) -> Array:
    """World positions of random voxel centres that count, (n, 3) LPS mm; the same at every call."""
    chosen = np.flatnonzero(image.counted)
    if len(chosen) > POINTS:
        chosen = np.random.default_rng(0).choice(chosen, POINTS, replace=False)
    return image.grid.to_world(np.stack(np.unravel_index(chosen, image.counted.shape), axis=1)[:, ::-1])
