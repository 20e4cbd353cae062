"""Whether a mask can be used with an image, and what is odd about it."""

from __future__ import annotations

import numpy as np

from inr_registration.core.errors import InputError
from inr_registration.core.volume import TRACE, Volume

MIN_MASK_VOXELS = 64
"""A mask with fewer voxels inside gives a registration nothing to hold on to."""


def check_mask(mask: Volume, image: Volume) -> list[str]:
    """Make sure that a mask can be used with an image.

    Args:
        mask: On any grid.
        image: That it is of.

    Returns:
        Warnings in plain words.

    Raises:
        InputError: Too little is inside, or none of it lies in the image.
    """
    inside = mask.inside()
    count = int(inside.sum())
    if count < MIN_MASK_VOXELS:
        raise InputError(f"{mask.name}: only {count} voxels are inside, at least {MIN_MASK_VOXELS} are needed; draw a larger mask")
    points = mask.grid.to_world(np.argwhere(inside)[:: max(count // 20000, 1), ::-1])
    if not image.grid.contains(points).any():
        raise InputError(f"{mask.name}: no voxel of the mask lies in {image.name}; check that both are in the same space")
    return _soft(mask, count)


def _soft(mask: Volume, count: int) -> list[str]:
    """What to say of a mask that is not just inside and outside."""
    if mask.values.dtype.kind != "f":
        return []
    if count == mask.values.size and mask.values.min() != mask.values.max():
        return [f"{mask.name}: all of its voxels are inside, so it masks nothing; set the background to 0"]
    floor = mask.traces()
    lost = int(np.greater(mask.values, 0).sum()) - count
    full = int(np.greater(mask.values, floor / TRACE / 2).sum())
    said = f"{lost} voxels with traces of up to {floor:.2g}, as resampling leaves them, count as outside" if lost else ""
    if count > 2 * full:
        share = 100 / mask.values.size
        said += "; " if said else ""
        said += f"{share * count:.1f} % of the voxels are inside, and {share * full:.1f} % have more than half of the largest value"
    return [f"{mask.name}: {said}; threshold the mask where that is not meant"] if said else []
