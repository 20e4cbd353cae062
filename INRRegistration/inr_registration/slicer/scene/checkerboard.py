"""Two images in the fields of a 3D checkerboard; pure numpy."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]
Window = tuple[float, float]

FIELDS = 10
"""Fields along the longest side of the image."""


SHADE = np.float32(0.8)
"""Brightness of the warped image's fields: where both images agree the fields could not be told apart otherwise."""


def checkerboard(
    fixed: npt.NDArray[np.generic], warped: npt.NDArray[np.generic], windows: tuple[Window, Window], spacing: npt.ArrayLike
) -> Bytes:
    """Fields of the fixed and the warped image in turn, each brought to grey 0 to 255; those of the warped one a little darker.

    Args:
        fixed: (k, j, i); the first field (at voxel 0, 0, 0) shows it.
        warped: (k, j, i) on the same grid.
        windows: For each, the intensities that become black and white.
        spacing: (3,) along i, j, k, mm; fields are cubes as nearly as the voxels allow.
    """
    sides = field_size(fixed.shape, spacing)
    odd = [np.arange(count) // side % 2 for count, side in zip(fixed.shape, sides, strict=True)]
    second = (odd[0][:, None, None] ^ odd[1][None, :, None] ^ odd[2][None, None, :]).astype(bool)
    out = _grey(fixed, windows[0])
    np.copyto(out, (_grey(warped, windows[1]) * SHADE).astype(np.uint8), where=second)
    return out


def field_size(shape: tuple[int, ...], spacing: npt.ArrayLike) -> tuple[int, ...]:
    """Voxels of a field along k, j, i."""
    steps = np.asarray(spacing, dtype=np.float64)[::-1]
    side = float((np.array(shape) * steps).max()) / FIELDS
    return tuple(int(n) for n in np.maximum(np.rint(side / steps), 1))


def _grey(values: npt.NDArray[np.generic], window: Window) -> Bytes:
    low, high = window
    out = np.subtract(values, np.float32(low), dtype=np.float32)
    out *= np.float32(255 / max(high - low, 1e-12))
    np.nan_to_num(out, copy=False, nan=0.0)
    return np.clip(out, 0, 255, out=out).astype(np.uint8)
