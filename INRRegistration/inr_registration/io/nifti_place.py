"""Where the voxels of a NIfTI file lie: as ITK and Slicer see it, where ITK can hold that."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from inr_registration.core.grid import Grid
from inr_registration.io.header_notes import APART, BEYOND, far, form, of_nifti
from inr_registration.io.nifti import NiftiFile, header_copy
from inr_registration.io.silence import ITK_ERRORS, silent_libraries

UNPACKED = (".nii", ".nii.gz")
"""Endings of NIfTI files that ITK reads."""


def place(path: Path, read: NiftiFile, say: Callable[[str], None]) -> Grid:
    """The grid by ITK's rules for qform, sform and units; the file's own affine where that is sheared and ITK has nothing in its place.

    Args:
        path: Of the file.
        read: What it holds.
        say: Told what the header leaves open.
    """
    taken = _taken(path, read)
    more = path.stat().st_size - read.image.dataobj.offset - math.prod(read.image.shape) * read.image.get_data_dtype().itemsize
    if path.suffix.lower() == ".nii" and more > 0:
        say(BEYOND.format(more))
    for note in of_nifti(read.image, read.pixdim, taken):
        say(note)
    return taken


def _taken(path: Path, read: NiftiFile) -> Grid:
    qform = form(read.image, "qform")
    if read.grid.is_sheared and qform is None:
        return read.grid
    seen = _by_itk(path, read.grid)
    if read.grid.is_sheared and qform is not None and far(seen, qform) > APART * float(qform.spacing.min()):
        return read.grid  # ITK has made something of its own of the sheared one
    return seen


def _by_itk(path: Path, otherwise: Grid) -> Grid:
    try:
        with tempfile.TemporaryDirectory() as folder, silent_libraries():
            name = path if path.name.lower().endswith(UNPACKED) else header_copy(path, Path(folder))
            reader = sitk.ImageFileReader()
            reader.SetFileName(str(name))
            reader.ReadImageInformation()
    except ITK_ERRORS:
        return otherwise
    n = reader.GetDimension()
    direction = np.reshape(reader.GetDirection(), (n, n))[:3, :3]
    return Grid.from_geometry(otherwise.size, reader.GetSpacing()[:3], reader.GetOrigin()[:3], direction)
