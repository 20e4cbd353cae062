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

SLAB_VOXELS = 2_000_000
"""About so many voxels are compared together."""
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
    box = ndimage.find_objects(mask.view(np.uint8))[0]
    a, b, mask = fixed.single()[box], warped.single()[box], mask[box]
    distance = max(SHIFT_MM, float(np.linalg.norm(fixed.grid.spacing)))
    steps = np.maximum(np.rint(distance / fixed.grid.spacing[::-1]), 1).astype(int)
    ranges = [max(float(np.ptp([f(_finite(plane)) for plane in image for f in (np.min, np.max)])), 1e-12) for image in (a, b)]
    shifts = [(0, 0)] + [(axis, signed) for axis, step in enumerate(steps.tolist()) for signed in (-step, step)]
    gains = []
    for start in range(0, len(a), planes := max(SLAB_VOXELS // a[0].size, 1)):
        stop = min(start + planes, len(a))
        first, last = max(start - WINDOW, 0), min(stop + WINDOW, len(a))
        here = _finite(a[first:last]) / ranges[0]
        matches = (_match(here, _shifted(b, first, last, axis, step) / ranges[1]) for axis, step in shifts)
        own = next(matches)
        best = np.zeros_like(own)
        for match in matches:
            np.maximum(best, match, out=best)
        kept = slice(start - first, stop - first)
        gains.append((best - own)[kept][mask[start:stop]])
    return np.concatenate(gains)


def _finite(values: Floats) -> Floats:
    return np.nan_to_num(values, nan=0.0)


def _match(a: Floats, b: Floats) -> Floats:
    """Squared correlation of two images with a range of 1 in the window around each voxel; 0 where one is constant."""
    mean_a, mean_b = _mean(a), _mean(b)
    spread = (_mean(a * a) - mean_a**2).clip(min=0) * (_mean(b * b) - mean_b**2).clip(min=0)
    return np.asarray((_mean(a * b) - mean_a * mean_b) ** 2 / (spread + 1e-8))


def _mean(values: Floats) -> Floats:
    return np.asarray(ndimage.uniform_filter(values, 2 * WINDOW + 1, mode="nearest"))


def _shifted(values: Floats, first: int, last: int, axis: int, step: int) -> Floats:
    """Some planes of an image that is moved by whole voxels; its border goes on."""
    if axis == 0:
        return _finite(values[np.clip(np.arange(first, last) - step, 0, len(values) - 1)])
    index = np.clip(np.arange(values.shape[axis]) - step, 0, values.shape[axis] - 1)
    return np.take(_finite(values[first:last]), index, axis=axis)


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
    counted = image.counted
    upto = np.cumsum(counted.sum(axis=(1, 2)))
    rank = np.arange(upto[-1]) if upto[-1] <= POINTS else np.random.default_rng(0).choice(upto[-1], POINTS, replace=False)
    plane = np.searchsorted(upto, rank, side="right")
    index = np.empty((len(rank), 3))
    for k in np.unique(plane):  # a list of all voxels would be larger than the image
        mine = plane == k
        places = np.flatnonzero(counted[k])[rank[mine] - upto[k] + counted[k].sum()]
        index[mine] = np.stack([*np.unravel_index(places, counted[k].shape)[::-1], np.full(len(places), k)], axis=1)
    return image.grid.to_world(index)
