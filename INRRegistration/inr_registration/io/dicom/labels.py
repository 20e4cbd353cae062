"""DICOM segmentations as label maps: every frame is one slice of one segment, and slices without a segment are left out of the file."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import pydicom

from inr_registration.core.errors import InputError
from inr_registration.core.grid import Grid
from inr_registration.io.dicom import values
from inr_registration.io.dicom.frame import Frame, Series
from inr_registration.io.dicom.pixels import Pixels
from inr_registration.io.dicom.scan import quiet_pydicom
from inr_registration.io.dicom.stack import sort
from inr_registration.io.room import check_room

HALF = 0.5
"""A voxel belongs to a segment where at least this share of it does."""
NEAR = 0.05
"""How far a slice may lie from its place, in slices."""


def segments_of(frames: Sequence[Frame]) -> list[int]:
    """Numbers of the segments; none where the pixels are label numbers themselves."""
    return sorted({frame.segment for frame in frames} - {0})


def read_segmentation(series: Series, say: Callable[[str], None], segment: int | None) -> tuple[npt.NDArray[np.generic], Grid]:
    """Read a segmentation as a label map whose labels are the numbers of the segments.

    Args:
        series: The segmentation.
        say: Told of overlaps, and of probabilities that were cut.
        segment: Only this one; None for all.

    Returns:
        Labels (k, j, i), 0 outside, and their grid.

    Raises:
        InputError: The frames do not lie on one grid.
    """
    frames = [frame for frame in series.frames if segment is None or frame.segment == segment]
    if not all(frame.placed for frame in frames):
        raise InputError("the frames of this segmentation do not say where they lie; export it again as NIfTI or NRRD")
    grid, slices = _grid(frames)
    check_room(grid.size, 2)
    highest, pixels, overlap = _highest(frames[0]), Pixels(), 0
    made = np.zeros(grid.shape, np.uint16)
    for n in np.argsort([frame.segment for frame in frames], kind="stable"):
        frame, plane = frames[n], made[slices[n]]
        found = np.asarray(pixels.of(frame), dtype=np.int64)
        inside = found > 0 if frame.segment == 0 or highest is None else found >= HALF * highest
        overlap += int(np.count_nonzero(plane[inside]))
        plane[inside] = found[inside] if frame.segment == 0 else frame.segment
    if highest is not None:
        say("this segmentation holds probabilities; a voxel counts as inside where it is half or more")
    if overlap:
        say(f"segments overlap in {overlap} voxels, which a label map cannot hold; there the highest number was kept")
    return made if made.max() > np.iinfo(np.uint8).max else made.astype(np.uint8), grid


def _grid(frames: Sequence[Frame]) -> tuple[Grid, list[int]]:
    """The grid that all frames lie on, and the slice of each; one slice alone gets an empty one on either side."""
    first = sort(frames)[0]
    assert first.axes is not None
    assert first.spacing is not None
    assert first.position is not None
    heights = np.array([frame.height for frame in frames]) - first.height
    step = _step(frames, heights)
    at = heights / step
    expected = first.position + heights[:, None] * first.normal
    aside = np.abs(expected - np.array([frame.position for frame in frames])).max()
    alike = all(frame.size == first.size and np.allclose(np.asarray(frame.axes), first.axes, atol=1e-3) for frame in frames)
    if not alike or aside > first.spacing.max() / 2 or np.abs(at - np.rint(at)).max() > NEAR:
        raise InputError("the frames of this segmentation do not lie on one even grid; convert it to NIfTI or NRRD")
    slices = [int(n) for n in np.rint(at)]
    alone = max(slices) == 0
    affine = np.eye(4)
    affine[:3, :2], affine[:3, 2] = first.axes.T * first.spacing, step * first.normal
    affine[:3, 3] = first.position - alone * affine[:3, 2]
    return Grid((*first.size, max(slices) + 1 + 2 * alone), affine), [n + alone for n in slices]


def _step(frames: Sequence[Frame], heights: np.ndarray) -> float:
    """Distance of slices, mm: as declared where the frames lie on such a grid, else the smallest distance of two frames."""
    with quiet_pydicom():
        data = pydicom.dcmread(frames[0].path, stop_before_pixels=True, force=True)
    shared = values.item(data, "SharedFunctionalGroupsSequence")
    own = values.item(data, "PerFrameFunctionalGroupsSequence")
    measures = values.item(own, "PixelMeasuresSequence") or values.item(shared, "PixelMeasuresSequence")
    declared = values.number(measures, "SpacingBetweenSlices") or values.number(measures, "SliceThickness") or 0.0
    gaps = np.diff(np.unique(np.round(heights, 4)))
    if declared > 0 and (not len(gaps) or np.abs(gaps / declared - np.rint(gaps / declared)).max() <= NEAR):
        return declared
    if not len(gaps):
        raise InputError("this segmentation has a single slice, and does not say how thick it is; convert it to NIfTI or NRRD")
    return float(gaps.min())


def _highest(frame: Frame) -> float | None:
    """What a probability of 1 is stored as; None for segments that are there or not."""
    with quiet_pydicom():
        data = pydicom.dcmread(frame.path, stop_before_pixels=True, force=True)
        return None if values.text(data, "SegmentationType") != "FRACTIONAL" else values.number(data, "MaximumFractionalValue") or 255.0
