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

RAS_TO_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
KINDS = "a path, a SimpleITK or nibabel image, a Volume, or (array (k, j, i), 4x4 affine from voxel (i, j, k) to LPS mm)"


def as_volume(
    given: Any, name: str, say: Callable[[str], None] = lambda _: None, *, series: str | int | None = None, frame: int | None = None
) -> Volume:
    """An image of any kind, under a name for messages; labels and masks keep their own pixel type.

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
    if isinstance(given, Volume):
        return given
    if isinstance(given, sitk.Image):
        return _of_sitk(given, name)
    if isinstance(given, nibabel.spatialimages.SpatialImage):
        affine = np.asarray(given.affine, dtype=np.float64)
        return _placed(np.asarray(given.dataobj).T, RAS_TO_LPS @ affine, name)
    if isinstance(given, tuple | list) and len(given) == 2:
        return _placed(np.asarray(given[0]), np.asarray(given[1], dtype=np.float64), name)
    raise InputError(f"{name}: an image is {KINDS}; got {type(given).__name__}")


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
    volume = Volume(values, Grid((i, j, k), affine), name)
    return replace(volume, values=values.astype(np.float64)) if values.dtype in (np.int64, np.uint64) and "label" not in name else volume
