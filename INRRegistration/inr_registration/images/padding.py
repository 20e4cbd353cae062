"""Voxels that were never measured: one value around a field of view, as scanners and resampling leave it."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from inr_registration.core.volume import Volume

Array = npt.NDArray[np.float64]
Floats = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]

LOOK_VOXELS = 64
"""An image is looked at in steps that leave about so many voxels along each axis."""
LEAST_SHARE = 0.01
"""Of the voxels: less padding than this disturbs nothing."""
LEAST_FIELD = 0.05
"""Of the voxels: a field of view smaller than this is not one."""
CONVEX = 0.88
"""Share of its convex hull that a field of view fills at least: it has no dents, but is seen in coarse steps."""
SMOOTH_WALLS = 0.85
"""Share of the hull's surface that must be planes, or the wall of one cylinder."""
SAME_PLANE = np.cos(np.deg2rad(8.0))
"""Cosine of the angle up to which facets of a digital surface belong to one plane."""
A_PLANE = 0.04
"""Share of the surface from which on facets of one direction are a plane: a ball has a quarter of that in any direction."""
ALONG = np.sin(np.deg2rad(8.0))
"""Sine of the angle up to which a facet is parallel to an axis."""

RIM = 2
"""Voxels from solid padding within which the value means padding, too."""


class Unpadded(NamedTuple):
    """An image without its padding.

    Args:
        volume: NaN where there was padding, and where resampling blends it with what lies beside it.
        value: Of the padding; None where there was none: the volume is the one that was given.
    """

    volume: Volume
    value: float | None

    @property
    def said(self) -> list[str]:
        """What was decided, for people."""
        if self.value is None:
            return []
        share = f"{100 * float(np.isnan(self.volume.values).mean()):.0f} % of the voxels"
        name = self.volume.name
        return [f"{name}: the value {self.value:g} around the field of view ({share}) is padding and does not count"]


def unpadded(volume: Volume) -> Unpadded:
    """Find the constant around a field of view, and take it for what it is: nothing that was measured.

    A skull-stripped brain, too, is surrounded by one value, but its outline is information. So the outline must be one that
    scanners and resampling draw and anatomy does not: convex, of planes and of the wall of at most one cylinder.
    """
    values = volume.single()
    value = _corner_value(values)
    if value is None:
        return Unpadded(volume, None)
    steps = [max(round(n / LOOK_VOXELS), 1) for n in values.shape]
    if not _is_field_of_view(_inside(values[tuple(slice(None, None, step) for step in steps)] == value)):
        return Unpadded(volume, None)
    same = values == value
    beyond = ~_inside(same)
    for axis in range(3):  # where a slanted wall leaves through a face, the padding tapers off and is not solid
        for face in (0, -1):
            part = tuple(slice(None) if n != axis else face for n in range(3))
            beyond[part] |= ndimage.binary_opening(same[part], np.ones((2, 2)))
    outside = ndimage.binary_dilation(beyond, np.ones((3, 3, 3)))
    if not np.ptp(values[~outside & np.isfinite(values)]) > 0:
        return Unpadded(volume, None)
    return Unpadded(Volume(np.where(outside, np.float32(np.nan), values), volume.grid, volume.name), float(value))


def extended(values: Floats, valid: Mask) -> Floats:
    """A copy in which voxels that are not valid have the value of the nearest valid one of their plane k, or of the next plane with one.

    Plane by plane it costs little, and the wall of a field of view mostly stands upright on the planes.
    """
    out, some = values.copy(), np.flatnonzero(valid.any(axis=(1, 2)))
    known, nearest = valid[0], np.indices(valid.shape[1:])
    for n, k in enumerate(some):
        if n == 0 or not np.array_equal(known, valid[k]):
            known = valid[k]
            nearest = ndimage.distance_transform_edt(~known, return_distances=False, return_indices=True)
        out[k] = values[k][tuple(nearest)]
    for k in np.setdiff1d(np.arange(len(out)), some):
        out[k] = out[some[np.abs(some - k).argmin()]]
    return out


def _corner_value(values: Floats) -> np.float32 | None:
    """The value that fills at least two corners of an image, a few voxels deep."""
    depth = [min(max(n // 40, 1), 4) for n in values.shape]
    ends = [(slice(0, d), slice(n - d, n)) for d, n in zip(depth, values.shape, strict=True)]
    corners = [values[k, j, i] for k in ends[0] for j in ends[1] for i in ends[2]]
    flat = [block.flat[0] for block in corners if (block == block.flat[0]).all()]
    found, counts = np.unique(np.array(flat, np.float32), return_counts=True)
    return found[counts.argmax()] if len(found) and counts.max() >= 2 else None


def _inside(same: Mask) -> Mask:
    """Everything but the voxels of one value that reach the border in blocks of 2^3: single ones within noise do not count."""
    block = np.ones([min(2, n) for n in same.shape], bool)
    solid = ndimage.binary_opening(same, block)
    regions, _ = ndimage.label(solid)
    reaching = np.unique(np.concatenate([np.take(regions, end, axis=axis).ravel() for axis in range(3) for end in (0, -1)]))
    keep = np.zeros(int(regions.max()) + 1, bool)
    keep[reaching] = True
    keep[0] = False
    return ~np.asarray(ndimage.binary_dilation(keep[regions], iterations=RIM, mask=same))  # with the steps of a slanted wall


def _is_field_of_view(inside: Mask) -> bool:
    """Whether the voxels within the padding have an outline that no anatomy has."""
    share = float(inside.mean())
    if not LEAST_FIELD <= share <= 1 - LEAST_SHARE or min(inside.shape) < 4:
        return False
    rim = inside & ~ndimage.binary_erosion(inside, border_value=0)
    from scipy.spatial import ConvexHull, QhullError  # loading it takes a while, and most images have no padding

    try:
        hull = ConvexHull(np.argwhere(rim).astype(np.float64))
    except QhullError:
        return False
    filled = float(inside.sum()) / (hull.volume + hull.area / 2)  # its corners are centres of voxels, which are half a voxel wide
    return filled >= CONVEX and _walls(hull) >= SMOOTH_WALLS


def _walls(hull: Any) -> float:
    """Share of the surface of a hull that are planes or the wall of one cylinder."""
    corners = hull.points[hull.simplices]
    areas = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1) / 2
    areas, normals = areas / areas.sum(), hull.equations[:, :3]
    left, axes = areas.copy(), []
    while left.max() > 0:
        near = (normals @ normals[left.argmax()] >= SAME_PLANE) & (left > 0)
        if left[near].sum() >= A_PLANE:
            axes.append(normals[left.argmax()])
            left[near] = 0.0
        else:
            left[near] *= -1  # looked at, and no plane
    planes = float(areas[left == 0].sum())
    rest = left < 0
    if not rest.any():
        return planes
    spread = np.einsum("n,na,nb->ab", areas[rest], normals[rest], normals[rest])
    axes.append(np.linalg.eigh(spread)[1][:, 0])
    return planes + max(float(areas[rest & (np.abs(normals @ axis) <= ALONG)].sum()) for axis in axes)
