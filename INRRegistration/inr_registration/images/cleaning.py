"""From a volume as it was read to numbers that can be fitted."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from inr_registration.core.errors import InputError
from inr_registration.core.grid import Grid
from inr_registration.core.volume import Volume
from inr_registration.images.padding import extended
from inr_registration.images.pyramid import Scale, orthogonal, scaled

Mask = npt.NDArray[np.bool_]

MARGIN = 4.0
"""Voxels by which a mask is widened: half a window on the finest level, and as much again for the smoothing of the one before."""
FOREGROUND_SHARE = 0.06
"""A voxel is foreground where it differs from the border's value by this share of the intensity range."""
NO_LENGTH = 1e-3
"""Lengths that differ by this share of a voxel are one length: headers round them."""
ROW_BY_ROW = 20
"""Voxels of reach up to which a mask is widened row by row."""


@dataclass(frozen=True, eq=False)
class CleanImage:
    """Finite intensities, robustly scaled to [0, 1].

    Args:
        raw: (k, j, i), finite; outside a given mask the values of the nearest voxel that counts. The volume's own array where it can be.
        grid: LPS mm.
        valid: Where the volume had finite values.
        foreground: Where something is seen: the given mask, or what is not the value that surrounds the body, widened by
            a few mm.
        given: The user's mask on this grid with its margin, or None.
        scale: The intensities that are to be 0 and 1; None where raw values are scaled already.
        drawn: The user's mask on this grid as it was drawn, or None.
    """

    raw: npt.NDArray[np.generic]
    grid: Grid
    valid: Mask
    foreground: Mask
    given: Mask | None
    scale: Scale
    drawn: Mask | None = None

    @property
    def values(self) -> npt.NDArray[np.float32]:
        """(k, j, i) scaled; computed here, and a few planes at a time where a level is made, so that no scaled copy is held."""
        return scaled(self.raw, self.scale)

    @property
    def counted(self) -> Mask:
        """Where similarity is to be judged in this image."""
        seen = self.foreground if self.given is None else self.given
        return seen if self.valid.strides == (0, 0, 0) and self.valid.all() else self.valid & seen

    @property
    def measured(self) -> Mask:
        """Where figures are given: inside the mask as it was drawn, where there is one."""
        return self.counted if self.drawn is None else self.counted & self.drawn

    def without_values(self) -> CleanImage:
        """The image without its intensities, and with one mask for all."""
        counted, shape = self.counted, self.raw.shape
        return replace(
            self,
            raw=np.broadcast_to(np.float32(np.nan), shape),
            valid=np.broadcast_to(np.True_, shape) if self.valid.all() else self.valid,
            foreground=counted,
            given=None if self.given is None else counted,
        )


def clean(volume: Volume, mask: Volume | None, clip_percent: float, padded: bool = False) -> CleanImage:
    """Scale a volume to [0, 1] between robust percentiles of its foreground, and find that foreground.

    With a mask, nothing outside it and a margin (``with_margin``) has any influence: the percentiles are those inside, and every voxel
    outside takes the value of the nearest one inside, so that no smoothing and no window can reach what was there.

    Args:
        volume: The image.
        mask: Where it counts, or None.
        clip_percent: Share of the voxels on either side that may lie beyond the range.
        padded: Whether what is not finite lies beyond the field of view: its edge must not look like one of the body.

    Raises:
        InputError: The mask has no voxel on the image's grid, or the image is constant inside it.
    """
    values = volume.single()
    valid = np.isfinite(values)
    whole = bool(valid.all())
    if whole:
        valid = np.broadcast_to(np.True_, values.shape)
    if mask is not None:
        return _clean_inside(volume, values, valid, mask, clip_percent)
    fill, raw = _surrounding(values, valid, padded), volume.values
    if padded:
        raw = values = extended(values, valid)
    elif not whole:
        raw = values = np.where(valid, values, np.float32(fill))
    foreground = _foreground(values, fill, volume.grid)
    low, high = _robust_range(values[foreground & valid], clip_percent)
    low, high = min(low, fill), max(high, fill)
    if not high > low:
        low, high = float(values.min()), float(values.max())
    return CleanImage(raw, volume.grid, valid, foreground, None, (low, high))


def rescaled(image: CleanImage, clip_percent: float) -> CleanImage:
    """The image scaled anew, after its intensities were changed."""
    seen = np.asarray(image.raw[image.counted], np.float32)
    low, high = _robust_range(seen.copy(), clip_percent)
    return replace(image, scale=(min(low, 0.0), high)) if high > low else image


def _clean_inside(volume: Volume, values: npt.NDArray[np.float32], valid: Mask, mask: Volume, clip_percent: float) -> CleanImage:
    """``clean`` where only a mask, and a margin around it, counts."""
    drawn = on_grid(mask, volume.grid)
    given = with_margin(drawn, volume.grid)
    counted = given & valid
    if not counted.any():
        raise InputError(f"{mask.name}: no voxel of {volume.name} lies inside; check that both are in the same space")
    inside = values[counted]
    low, high = _robust_range(inside, clip_percent)
    if not high > low:
        low, high = float(inside.min()), float(inside.max())
    if not high > low:
        raise InputError(f"{volume.name}: every voxel inside {mask.name} has the value {low:g}; draw a mask that holds some structure")
    nearest = ndimage.distance_transform_edt(~counted, volume.grid.spacing[::-1], return_distances=False, return_indices=True)
    return CleanImage(values[tuple(nearest)], volume.grid, valid, given, given, (low, high), drawn)


def with_margin(mask: Mask, grid: Grid) -> Mask:
    """A mask (k, j, i) with the margin that similarity needs: an organ is told by its edge, and windows must see what it borders on.

    Cavities in it, such as a lesion that is to be left out, do not get smaller.
    """
    near = widened(mask, MARGIN * float(grid.spacing.prod() ** (1 / 3)), grid.spacing)
    regions, _ = ndimage.label(~mask)
    open_ = np.zeros(int(regions.max()) + 1, bool)
    for axis in range(3):
        for end in (0, -1):
            open_[np.unique(np.take(regions, end, axis=axis))] = True
    return np.asarray(mask | (near & open_[regions]))


def _robust_range(seen: npt.NDArray[np.float32], clip_percent: float) -> tuple[float, float]:
    """Both percentiles of an array of its own, whose order is lost: a copy of a large image would double the memory."""
    low, high = np.percentile(seen, [clip_percent, 100 - clip_percent], overwrite_input=True)
    return float(low), float(high)


def upright(image: CleanImage) -> CleanImage:
    """The image itself, or resampled to right-angled axes where its grid is sheared."""
    if not image.grid.is_sheared:
        return image
    volume = orthogonal(Volume(image.values, image.grid))  # NaN outside the sheared image
    seen = np.isfinite(volume.values)
    valid, foreground = (on_grid(Volume(mask, image.grid), volume.grid) & seen for mask in (image.valid, image.foreground))
    given, drawn = (None if mask is None else on_grid(Volume(mask, image.grid), volume.grid) for mask in (image.given, image.drawn))
    values = np.nan_to_num(volume.values, nan=0.0).astype(np.float32)
    return CleanImage(values, volume.grid, valid, foreground, given, None, drawn)


def on_grid(mask: Volume, grid: Grid) -> Mask:
    """A mask on another grid, nearest voxel, (k, j, i); False outside the mask's own grid."""
    if mask.grid.is_same(grid):
        return mask.inside()
    step = np.linalg.inv(mask.grid.affine) @ grid.affine  # voxel of grid -> voxel of mask, i j k
    flip = np.ix_([2, 1, 0], [2, 1, 0])
    moved = ndimage.affine_transform(
        mask.inside().astype(np.uint8), step[:3, :3][flip], step[:3, 3][::-1], output_shape=grid.shape, order=0, mode="constant"
    )
    return np.asarray(moved > 0)


def _surrounding(values: npt.NDArray[np.float32], valid: Mask, padded: bool) -> float:
    """The value around the body: the median of the outermost voxels that are finite, those next to padding among them."""
    shell = np.ones(values.shape, dtype=bool)
    shell[1:-1, 1:-1, 1:-1] = False
    if padded:
        shell |= ndimage.binary_dilation(~valid)
    border = values[shell & valid]
    return float(np.median(border if border.size else values[valid]))


def _foreground(values: npt.NDArray[np.float32], fill: float, grid: Grid) -> Mask:
    """Voxels unlike the surrounding value, closed and widened by 5 mm; everything where the body fills the image."""
    low, high = np.percentile(values, [0.5, 99.5])
    least = FOREGROUND_SHARE * max(high - low, 1e-12)
    unlike = np.stack([np.abs(plane - np.float32(fill)) > least for plane in values])
    if not 0.02 < unlike.mean() < 0.7:
        return np.ones(values.shape, dtype=bool)
    return widened(unlike, 5.0, grid.spacing)


def widened(mask: Mask, reach: float, spacing: npt.NDArray[np.float64]) -> Mask:
    """Every voxel whose centre is within ``reach`` mm of one of a mask's, (k, j, i).

    Row by row where the reach is a few voxels; a distance transform would take six times as long there.

    Args:
        mask: (k, j, i).
        reach: mm.
        spacing: (3,) along i, j, k, mm.
    """
    x, y, z = spacing
    reach += NO_LENGTH * float(spacing.min())
    if reach / spacing.min() > ROW_BY_ROW:
        return np.asarray(ndimage.distance_transform_edt(~mask, sampling=spacing[::-1]) <= reach)
    apart = np.stack([_steps_along_rows(plane) for plane in mask])
    out = np.zeros_like(mask)
    planes, rows = int(reach / z), min(int(reach / y), mask.shape[1] - 1)
    for k, plane in enumerate(out):  # a plane at a time: it stays near the processor while the rows around it are looked at
        for source in range(max(k - planes, 0), min(k + planes + 1, len(mask))):
            for dj in range(-rows, rows + 1):
                left = reach**2 - ((source - k) * z) ** 2 - (dj * y) ** 2
                if left >= 0:
                    plane[_shifted(dj, len(plane))] |= apart[source, _shifted(-dj, len(plane))] <= int(np.sqrt(left) / x + 1e-9)
    return out


def _steps_along_rows(mask: Mask) -> npt.NDArray[np.uint8]:
    """How many voxels lie between each voxel of a plane and the nearest of the mask in its row, at most 255."""
    place, nowhere = np.arange(mask.shape[1], dtype=np.int32), np.int32(10**6)
    before = np.maximum.accumulate(np.where(mask, place, -nowhere), axis=1)
    after = np.minimum.accumulate(np.where(mask, place, nowhere)[:, ::-1], axis=1)[:, ::-1]
    return np.minimum(np.minimum(place - before, after - place), 255).astype(np.uint8)


def _shifted(by: int, length: int) -> slice:
    """The part of an axis that is still there when it is moved by so many places."""
    return slice(max(by, 0), length + min(by, 0))
