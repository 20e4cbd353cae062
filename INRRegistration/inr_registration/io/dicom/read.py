"""A DICOM folder or file as one volume. Nothing is read as an even stack that is none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from inr_registration.core.errors import InputError
from inr_registration.core.grid import Grid
from inr_registration.io.dicom.choose import choose_segment, choose_series, choose_volume
from inr_registration.io.dicom.labels import read_segmentation
from inr_registration.io.dicom.pixels import Pixels, as_itk_sees
from inr_registration.io.dicom.scan import Found, scan
from inr_registration.io.dicom.stack import Stack, resample, stack_of
from inr_registration.io.room import check_room

Say = Callable[[str], None]
NAMED = 3
"""Files that a message names."""


def read_dicom(
    path: Path, say: Say, *, series: str | None = None, frame: int | None = None, labels: bool = False
) -> tuple[npt.NDArray[np.generic], Grid]:
    """Read the volume that a folder or a file holds.

    The third voxel axis is the mean step from slice to slice, so that a tilted gantry gives a sheared grid.

    Args:
        path: A folder (of folders inside it only where it holds no DICOM file itself), a DICOMDIR, or one file.
        say: Told what was assumed, left out or resampled.
        series: Number in the list of series, from 1, or UID; needed where it is not clear which is meant.
        frame: Number in the list of volumes of the series (times, echoes, ...), from 1, or of a segment.
        labels: The voxels are labels: a segmentation is preferred to images, and uneven slices are not interpolated.

    Returns:
        Values (k, j, i) and their grid.

    Raises:
        InputError: There is no volume, or several; the text lists them and says how to choose.
    """
    try:
        found = scan(path)
    except (OSError, ValueError) as error:
        raise InputError("names or content of this folder's files cannot be read; rename them, or export the series again") from error
    if not found.series:
        raise InputError(_nothing(found, path))
    if found.damaged:
        say(f"{path.name}: {len(found.damaged)} files that cannot be read as DICOM were left out ({next(iter(found.damaged.values()))})")
    pixels = Pixels()
    chosen = choose_series(found, series, labels, pixels.same, lambda text: say(f"{path.name}: {text}"))
    if chosen.series.segmentation:
        return read_segmentation(chosen.series, lambda text: say(f"{path.name}: {text}"), choose_segment(chosen.series, frame))
    part = choose_volume(chosen, frame, lambda text: say(f"{path.name}: {text}"))
    stack = stack_of(part.frames)
    if stack.note:
        say(f"{path.name}: {stack.note}")
    values = _values(stack, pixels)
    return values if stack.even else resample(values, stack.at, stack.grid.size[2], labels), as_itk_sees(stack.grid, stack.frames[0])


def _values(stack: Stack, pixels: Pixels) -> npt.NDArray[np.generic]:
    """Values of all slices, (n, j, i), in a type that holds those of each."""
    first = pixels.of(stack.frames[0])
    check_room(stack.grid.size, first.dtype.itemsize)
    made = np.empty((len(stack.frames), *first.shape), first.dtype)
    for n, frame in enumerate(stack.frames):
        found = pixels.of(frame)
        if found.dtype != made.dtype:  # the first slice may have a slope of 1, and the next one a fraction
            made = made.astype(np.result_type(made, found), copy=False)
        made[n] = found
    return made


def _nothing(found: Found, path: Path) -> str:
    if found.damaged and not path.is_dir():
        return f"cannot be read as a DICOM image: {next(iter(found.damaged.values()))}"
    if found.damaged:
        return f"no DICOM image can be read here; {len(found.damaged)} files cannot be read ({_names(found)})"
    if found.others:
        kinds = ", ".join(f"{count} of the kind '{name}'" for name, count in found.others.most_common(NAMED))
        return f"there is no DICOM image here, only DICOM objects without pixels: {kinds}; give the images themselves"
    return "no DICOM series was found in this folder; give the folder that holds the files of one series"


def _names(found: Found) -> str:
    told = [f"{name}: {why}" for name, why in list(found.damaged.items())[:NAMED]]
    return "; ".join(told) + ("; ..." if len(found.damaged) > NAMED else "")
