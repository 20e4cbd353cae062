"""What a finished fit shows about itself: the numbers that the quality control judges."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from inr_registration.core.grid import Grid
from inr_registration.core.labels import looks_like_labels
from inr_registration.core.problem import Problem
from inr_registration.core.result import Quality
from inr_registration.core.settings import Settings
from inr_registration.core.slices import disordered
from inr_registration.core.volume import Volume
from inr_registration.images.cleaning import CleanImage, on_grid
from inr_registration.maps.consensus import UNRESOLVED, Consensus
from inr_registration.maps.fitted_map import FittedMap
from inr_registration.measure.chance import Axes, Lead, Rivals
from inr_registration.measure.finished import Finished
from inr_registration.methods.prepared import Prepared
from inr_registration.numerics.windows import match

Array = npt.NDArray[np.float64]
Floats = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]

SLAB_VOXELS = 2_000_000
"""About so many voxels are compared together."""
POINTS = 5000
"""So many voxels of each image are looked at; the 95th percentile of so many is known to about one percent of rank."""
WINDOW = 3
"""Half-width, in voxels, of the window in which the match is compared with shifted ones."""
BETTER = 0.1
"""A shifted window matches better if its squared correlation is higher by more than this."""
LARGEST_CHANGE = 5.0
"""Tissue that becomes so many times larger or smaller is looked at."""


@dataclass(frozen=True)
class Evidence:
    """What a fit shows about itself, over the voxels that count in the fixed image. None stands for what was not measured.

    Args:
        explained: Share of the fixed image's local structure (mean squared local correlation) that the map explains; no more than a
            stiff fit of the same images does, since a soft map can make anything look alike.
        lead: By how much that is more than chance explains.
        mirror_lead: By how much the best mirror image explains more than the image itself; below 0 where it explains less.
        mirror_axis: In which direction that one is turned around, in words.
        fit_share: What the map explains over what the stiff fit does; well below 1 where the fit did not get there.
        folding_percent: Share of voxels with det J <= 0.
        similarity: Mean squared local correlation before and after, each from 0 to 1.
        misplaced_percent: Share of voxels around which the warped image would match better if it were shifted.
        left_percent: Share of points that the map takes out of the moving image.
        extreme_percent: Share of voxels whose volume changes more than ``LARGEST_CHANGE`` times.
        doubt_percent: Share of the voxels at which nothing speaks for the map.
        labels: Name of the one image that looks like a label map.
        disorder: Names of images whose slices seem to be in a wrong order.
        landmark_ratio: Mean distance of the landmarks after the fit over their mean distance from their centre.
        landmarks_mm: Mean distance of the landmarks before and after.
        dice: Mean overlap of the labels before and after.
        mean_mm: Of two fields: mean distance of both maps, ``U = |phi_F(x) - phi_B^-1(x)|``.
        p95_mm: Of two fields: its 95th percentile.
        voxel_mm: Diagonal of a voxel of the fixed image.
        unresolved_percent: Of two fields: share of points at which the backward map could not be inverted.
        overlap_percent: Overlap of both masks under the map, of the smaller one, where both were given.
    """

    explained: float
    lead: Lead
    mirror_lead: Lead
    mirror_axis: str
    fit_share: float
    folding_percent: float
    similarity: tuple[float, float]
    misplaced_percent: float
    left_percent: float
    extreme_percent: float
    voxel_mm: float
    doubt_percent: float = 0.0
    labels: str = ""
    disorder: str = ""
    landmark_ratio: float | None = None
    landmarks_mm: tuple[float, float] | None = None
    dice: tuple[float, float] | None = None
    mean_mm: float | None = None
    p95_mm: float | None = None
    unresolved_percent: float | None = None
    overlap_percent: float | None = None


def gather(made: Finished, prepared: Prepared, rivals: Rivals, problem: Problem, warped: Floats, seen: Floats) -> Evidence:
    """The evidence on a finished fit, from voxels that count in the fixed image.

    Args:
        made: The map, on the CPU, and what was made of it.
        prepared: What the fit started from; its intensities are not needed.
        rivals: What chance explains of the same images, where the map reaches.
        problem: The images as given.
        warped: (k, j, i) the moving image under the map on the level of the rivals, and
        seen: where it is seen there.
    """
    model, quality = made.model, made.quality
    points = _some_voxels(prepared.fixed)
    mapped = model.map(points)
    fixed, shown = (Volume(np.asarray(values), rivals.fixed.grid) for values in (rivals.fixed.values[0].numpy(), warped))
    mask = on_grid(Volume(prepared.fixed.measured, prepared.fixed.grid), problem.fixed.grid)
    return Evidence(
        **_by_chance(rivals, rivals.explained(warped, seen)),
        folding_percent=quality.folding_percent,
        similarity=quality.similarity["local correlation"],
        misplaced_percent=100 * float((better_elsewhere(fixed, shown, rivals.weight) > BETTER).mean()),
        left_percent=100 * float((~prepared.moving.grid.contains(mapped)).mean()),
        extreme_percent=_extreme(made.jacobian, mask),
        voxel_mm=float(np.linalg.norm(problem.fixed.grid.spacing)),
        labels=_labels(problem),
        disorder=" and ".join(volume.name for volume in (problem.fixed, problem.moving) if disordered(volume)),
        **_known(problem, quality),
        **_consensus(model, points),
        overlap_percent=_overlap(model, problem),
    )


def reached(rivals: Rivals, problem: Problem, settings: Settings) -> Rivals:
    """The rivals at the voxels that the map can move: all, or those in the tubes where it lives in their coordinates alone."""
    if settings.geometry is None or settings.geometry.kind != "tube" or settings.geometry.model != "tangent":
        return rivals
    from scipy.spatial import cKDTree  # loading it takes a while, and only tubes need it

    places = rivals.fixed.grid.to_world(np.argwhere(rivals.weight)[:, ::-1])
    lines = [np.linspace(a, b, 20) for line in problem.centrelines for a, b in pairwise(line)]
    near = cKDTree(np.concatenate(lines)).query(places)[0] <= settings.geometry.radius_mm
    return rivals.where(near) if near.any() else rivals


def _by_chance(rivals: Rivals, found: Floats) -> dict[str, Any]:
    """What the map explains, (n,) at the voxels of the rivals, against what chance does."""
    own = rivals.own if rivals.own.mean() <= found.mean() else found
    axes, best = rivals.best
    return {
        "explained": float(own.mean()),
        "lead": rivals.lead(rivals.chance, own),
        "mirror_lead": rivals.lead(rivals.own, best),
        "mirror_axis": in_words(rivals, axes),
        "fit_share": float(found.mean() / max(rivals.own.mean(), 1e-6)),
    }


def in_words(rivals: Rivals, axes: Axes) -> str:
    """The directions of the patient along which an image was turned around."""
    names = ("left-right", "front-back", "head-foot")
    return ", ".join(names[int(np.abs(rivals.fixed.grid.direction[:, axis]).argmax())] for axis in axes)


def _labels(problem: Problem) -> str:
    """The one image that looks like a label map; two of them may well be registered with each other."""
    alike = [volume.name for volume in (problem.fixed, problem.moving) if looks_like_labels(volume)]
    return alike[0] if len(alike) == 1 else ""


def _extreme(jacobian: Volume, mask: Mask) -> float:
    det = np.asarray(jacobian.values)[mask]
    return 100 * float(((det > LARGEST_CHANGE) | (det < 1 / LARGEST_CHANGE)).mean())


def _known(problem: Problem, quality: Quality) -> dict[str, Any]:
    """What landmarks and labels say, where they were given."""
    found: dict[str, Any] = {}
    if quality.tre_mm and problem.moving_landmarks is not None:
        spread = np.linalg.norm(problem.moving_landmarks - problem.moving_landmarks.mean(axis=0), axis=1).mean()
        after = quality.tre_mm["after"]["mean"]
        found |= {"landmarks_mm": (quality.tre_mm["before"]["mean"], after)}
        found |= {"landmark_ratio": after / float(spread) if len(problem.moving_landmarks) >= 4 and spread > 0 else None}
    if quality.dice:
        before, after = (float(np.mean([pair[n] for pair in quality.dice.values()])) for n in (0, 1))
        found["dice"] = (before, after)
    return found


def _consensus(model: FittedMap, points: Array) -> dict[str, Any]:
    """How far two fields agree."""
    if not isinstance(model, Consensus):
        return {}
    apart = model.discrepancy(points)
    missed = np.linalg.norm(model.backward.map(model.through_backward(points)) - points, axis=1)
    return {
        "mean_mm": float(apart.mean()),
        "p95_mm": float(np.percentile(apart, 95)),
        "unresolved_percent": 100 * float((missed > UNRESOLVED * model.voxel_mm).mean()),
    }


def better_elsewhere(fixed: Volume, warped: Volume, mask: Mask) -> Floats:
    """By how much the warped image would match better if it were shifted, (n,) for the voxels of the mask.

    In windows of 7 voxels, the squared correlation of both images is compared with that for the warped image moved by a voxel's
    diagonal to either side along each axis; the best of these minus the one as it is. A good match is the best one nearby, whatever
    the contrasts; where images are smooth and noisy, chance lets some shifted windows win.

    Args:
        fixed: The fixed image.
        warped: The moving image on the same grid.
        mask: (k, j, i), where it counts.
    """
    box = ndimage.find_objects(mask.view(np.uint8))[0]
    a, b, mask = fixed.single()[box], warped.single()[box], mask[box]
    distance = float(np.linalg.norm(fixed.grid.spacing))
    steps = np.maximum(np.rint(distance / fixed.grid.spacing[::-1]), 1).astype(int)
    ranges = [max(float(np.ptp([f(_finite(plane)) for plane in image for f in (np.min, np.max)])), 1e-12) for image in (a, b)]
    shifts = [(0, 0)] + [(axis, signed) for axis, step in enumerate(steps.tolist()) for signed in (-step, step)]
    gains = []
    for start in range(0, len(a), planes := max(SLAB_VOXELS // a[0].size, 1)):
        stop = min(start + planes, len(a))
        first, last = max(start - WINDOW, 0), min(stop + WINDOW, len(a))
        here = _finite(a[first:last]) / ranges[0]
        matches = (match(here, _shifted(b, first, last, axis, step) / ranges[1], WINDOW) for axis, step in shifts)
        own = next(matches)
        best = np.zeros_like(own)
        for other in matches:
            np.maximum(best, other, out=best)
        kept = slice(start - first, stop - first)
        gains.append((best - own)[kept][mask[start:stop]])
    return np.concatenate(gains)


def _finite(values: Floats) -> Floats:
    return np.nan_to_num(values, nan=0.0)


def _shifted(values: Floats, first: int, last: int, axis: int, step: int) -> Floats:
    """Some planes of an image that is moved by whole voxels; its border goes on."""
    if axis == 0:
        return _finite(values[np.clip(np.arange(first, last) - step, 0, len(values) - 1)])
    index = np.clip(np.arange(values.shape[axis]) - step, 0, values.shape[axis] - 1)
    return np.take(_finite(values[first:last]), index, axis=axis)


def _overlap(model: FittedMap, problem: Problem) -> float | None:
    """Overlap of both masks as drawn under the map, in percent of the smaller one; None where not both are given.

    The smaller one may lie wholly inside the other: that is how one draws a region of interest.
    """
    if problem.fixed_mask is None or problem.moving_mask is None:
        return None
    ours, theirs = (_voxels_of(mask.inside(), mask.grid) for mask in (problem.fixed_mask, problem.moving_mask))
    back = model.reversed().map(theirs) if isinstance(model, Consensus) else model.inverse(theirs)
    return 100 * max(_share_inside(model.map(ours), problem.moving_mask), _share_inside(back, problem.fixed_mask))


def _share_inside(points: Array, mask: Volume) -> float:
    """Share of (n, 3) world points whose nearest voxel lies in a mask."""
    index, legal = mask.grid.nearest(points)
    i, j, k = index[legal].T
    return float(mask.inside()[k, j, i].sum() / len(points))


def _some_voxels(image: CleanImage) -> Array:
    """World positions of random voxel centres that are measured, (n, 3) LPS mm; the same at every call."""
    return _voxels_of(image.measured, image.grid)


def _voxels_of(counted: Mask, grid: Grid) -> Array:
    """World positions of random voxel centres of a mask (k, j, i) on a grid, (n, 3) LPS mm; the same at every call."""
    upto = np.cumsum(counted.sum(axis=(1, 2)))
    rank = np.arange(upto[-1]) if upto[-1] <= POINTS else np.random.default_rng(0).choice(upto[-1], POINTS, replace=False)
    plane = np.searchsorted(upto, rank, side="right")
    index = np.empty((len(rank), 3))
    for k in np.unique(plane):  # a list of all voxels would be larger than the image
        mine = plane == k
        places = np.flatnonzero(counted[k])[rank[mine] - upto[k] + counted[k].sum()]
        index[mine] = np.stack([*np.unravel_index(places, counted[k].shape)[::-1], np.full(len(places), k)], axis=1)
    return grid.to_world(index)
