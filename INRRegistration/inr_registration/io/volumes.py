"""Images as people hold them, as volumes."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import nibabel
import numpy as np
import SimpleITK as sitk

from inr_registration.core.errors import InputError
from inr_registration.core.grid import Grid
from inr_registration.core.volume import Volume
from inr_registration.io.files import read_image, read_labels
from inr_registration.io.units import RAS_TO_LPS, nifti_affine

NUMBERS = "biuf"
"""What numpy calls booleans, integers and floating-point numbers."""
KINDS = "a path, a SimpleITK or nibabel image, a Volume, or (array (k, j, i), 4x4 affine from voxel (i, j, k) to LPS mm)"


def as_volume(
    given: Any, name: str, say: Callable[[str], None] = lambda _: None, *, series: str | int | None = None, frame: int | None = None
) -> Volume:
    """An image of any kind, under a name for messages; labels keep their own pixel type, other 64-bit integers become float64.

    Args:
        given: A path, a SimpleITK or nibabel image, a ``Volume``, or a pair: array (k, j, i) and (4, 4) affine, which takes voxel (i, j, k)
            to LPS mm, as ``Volume`` and ``Grid`` have them. nibabel's own affines are of RAS: give its image, not its array.
        name: Such as ``fixed`` or ``moving_labels``.
        say: Told what was assumed.
        series: Of several DICOM series in one place.
        frame: Of several times in one file, from 1.

    Raises:
        InputError: It is none of these, or cannot be used.
    """
    if isinstance(given, str | os.PathLike):
        return (read_labels if name.endswith("labels") else read_image)(given, say, series=series, frame=frame)
    volume = _held(given, name)
    if name.endswith("labels"):
        _check_labels(volume, name)
    elif volume.values.dtype in (np.int64, np.uint64):
        return replace(volume, values=volume.values.astype(np.float64))
    return volume


def _held(given: Any, name: str) -> Volume:
    if isinstance(given, Volume):
        return given
    if isinstance(given, sitk.Image):
        return _of_sitk(given, name)
    if isinstance(given, nibabel.Nifti1Image):
        return _placed(np.asarray(given.dataobj).T, RAS_TO_LPS @ nifti_affine(given), name)
    if isinstance(given, nibabel.spatialimages.SpatialImage):
        return _placed(np.asarray(given.dataobj).T, RAS_TO_LPS @ np.asarray(given.affine, dtype=np.float64), name)
    if isinstance(given, tuple | list) and len(given) == 2:
        values, affine = (np.asarray(part) for part in given)
        if values.dtype.kind in NUMBERS and affine.dtype.kind in NUMBERS:
            return _placed(values, affine.astype(np.float64), name)
    raise InputError(f"{name}: an image is {KINDS}; got {type(given).__name__}")


def _check_labels(volume: Volume, name: str) -> None:
    with np.errstate(invalid="ignore"):  # some bit patterns are no number at all
        wrong = volume.values[~(np.isfinite(volume.values) & (volume.values == np.rint(volume.values)))]
    if wrong.size:
        raise InputError(f"{name}: labels must be whole numbers, found {wrong[0]:g}; give a label image")


def _of_sitk(image: sitk.Image, name: str) -> Volume:
    if image.GetDimension() != 3 or image.GetNumberOfComponentsPerPixel() != 1:
        shape = f"{image.GetDimension()}D with {image.GetNumberOfComponentsPerPixel()} components"
        raise InputError(f"{name}: an image of one value per voxel in 3D is needed, got {shape}")
    grid = Grid.from_geometry(image.GetSize(), image.GetSpacing(), image.GetOrigin(), image.GetDirection())
    return Volume(sitk.GetArrayFromImage(image), grid, name)


def _placed(values: np.ndarray, affine: np.ndarray, name: str) -> Volume:
    if values.ndim != 3 or affine.shape != (4, 4):
        raise InputError(f"{name}: an array (k, j, i) and a 4x4 affine are needed, got shapes {values.shape} and {affine.shape}")
    i, j, k = values.shape[::-1]
    return Volume(values, Grid((i, j, k), affine), name)
