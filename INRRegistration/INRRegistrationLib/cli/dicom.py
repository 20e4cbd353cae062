"""A folder with DICOM files as one volume, tilted gantry included."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk

from INRRegistrationLib.cli.silence import ITK_ERRORS, silent_libraries
from INRRegistrationLib.core.errors import InputError
from INRRegistrationLib.core.grid import Grid

UNEVEN = 0.05
"""Slices are uneven where a slice lies further from its place than this share of the mean slice distance."""


def read_series(folder: Path, say: Callable[[str], None]) -> tuple[npt.NDArray[np.generic], Grid]:
    """Read the series with most slices in a folder.

    The third voxel axis is the mean step from slice to slice, so that a tilted gantry gives a sheared grid.

    Args:
        folder: Its files, not those of folders inside it.
        say: Told which series was chosen where there are several, and of uneven slices.

    Raises:
        InputError: There is no readable series.
    """
    try:
        with silent_libraries():
            series = sitk.ImageSeriesReader.GetGDCMSeriesIDs(str(folder))
            files = {uid: sitk.ImageSeriesReader.GetGDCMSeriesFileNames(str(folder), uid) for uid in series}
    except ITK_ERRORS as error:
        raise InputError(
            "the names or the content of this folder's files cannot be read; rename them, or export the series again"
        ) from error
    if not series:
        raise InputError("no DICOM series was found in this folder; give the folder that holds the files of one series")
    chosen = max(series, key=lambda uid: len(files[uid]))
    if len(series) > 1:
        say(f"{folder.name}: {len(series)} series found; reading the one with most slices ({len(files[chosen])}), {chosen}")
    try:
        with silent_libraries():
            reader = sitk.ImageSeriesReader()
            reader.SetFileNames(files[chosen])
            image = reader.Execute()
            positions = _positions(files[chosen])
    except ITK_ERRORS as error:
        raise InputError(f"the DICOM series {chosen} cannot be read; export it again, or convert it to NIfTI") from error
    if image.GetNumberOfComponentsPerPixel() > 1:
        raise InputError(f"every voxel has {image.GetNumberOfComponentsPerPixel()} values (a colour image); give a scalar image")
    if image.GetDimension() != 3 or image.GetSize()[2] == 1:
        raise InputError(f"the largest DICOM series has a single slice of {image.GetSize()[:2]} pixels; give the folder of a 3D series")
    grid = Grid.from_geometry(image.GetSize(), image.GetSpacing(), image.GetOrigin(), image.GetDirection())
    return sitk.GetArrayFromImage(image), _with_slices(grid, positions, folder.name, say)


def _positions(files: Sequence[str]) -> npt.NDArray[np.float64]:
    """World position of the first pixel of every file, (n, 3) LPS mm."""
    found = []
    for name in files:
        reader = sitk.ImageFileReader()
        reader.SetFileName(name)
        reader.ReadImageInformation()
        found.append(reader.GetOrigin()[:3])
    return np.array(found)


def _with_slices(grid: Grid, positions: npt.NDArray[np.float64], name: str, say: Callable[[str], None]) -> Grid:
    """The grid with its third axis along the slices as they lie."""
    count = len(positions)
    if count != grid.size[2] or count < 2:
        return grid
    step = (positions[-1] - positions[0]) / (count - 1)
    off = np.linalg.norm(positions - positions[0] - np.arange(count)[:, None] * step, axis=1).max()
    if off > UNEVEN * np.linalg.norm(step):
        say(f"{name}: slices are not evenly spaced (up to {off:.2f} mm from their place); read as if they were")
    affine = grid.affine.copy()
    affine[:3, 2], affine[:3, 3] = step, positions[0]
    return Grid(grid.size, affine)
