"""The unit of length in a header, and its axes. All is taken in LPS mm: NIfTI's units are converted, others are refused."""

from __future__ import annotations

import re
from pathlib import Path

import nibabel
import numpy as np
import numpy.typing as npt
import SimpleITK as sitk

from inr_registration.core.errors import InputError

RAS_TO_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
"""From the axes of NIfTI, MINC, FreeSurfer and 3D Slicer to those of DICOM and ITK; its own inverse."""
NIFTI_MM = {"meter": 1000.0, "micron": 0.001}
MM = ("", "mm", "millimeter", "millimeters", "millimetre", "millimetres")
NRRD = (".nrrd", ".nhdr")
NRRD_UNITS = re.compile(rb"^space units:(.*)$", re.MULTILINE)
META_UNITS = "ITK_VoxelUnits"
HEADER_BYTES = 100_000


def nifti_affine(image: nibabel.Nifti1Image) -> npt.NDArray[np.float64]:
    """The (4, 4) affine of a NIfTI image in mm, RAS; nibabel gives it in the file's unit."""
    affine = np.array(image.affine, dtype=np.float64)
    affine[:3] *= NIFTI_MM.get(image.header.get_xyzt_units()[0], 1.0)
    return affine


def check_units(path: Path, reader: sitk.ImageFileReader) -> None:
    """Refuse a file whose header gives lengths in another unit than mm: ITK, and with it Slicer, takes them as mm without a word.

    Args:
        path: Of the image.
        reader: That has read its header.

    Raises:
        InputError: The unit is another one.
    """
    units = [reader.GetMetaData(META_UNITS)] if reader.HasMetaDataKey(META_UNITS) else []
    if path.suffix.lower() in NRRD:
        with path.open("rb") as stream:
            header = re.split(rb"\r?\n\r?\n", stream.read(HEADER_BYTES))[0]
        units += [unit.decode(errors="replace") for line in NRRD_UNITS.findall(header) for unit in re.findall(rb'"([^"]*)"', line)]
    other = [unit for unit in units if unit.strip().lower() not in MM]
    if other:
        raise InputError(f"the header gives lengths in '{other[0]}', which ITK and Slicer take as mm; save the image with lengths in mm")
