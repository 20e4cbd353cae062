"""Images that SimpleITK reads, once it is known that their files are whole."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk

from inr_registration.core.errors import InputError
from inr_registration.core.grid import Grid
from inr_registration.io.header_notes import BEYOND, of_other
from inr_registration.io.image_names import DETACHED
from inr_registration.io.known import described
from inr_registration.io.room import available_bytes, check_room
from inr_registration.io.shape import READABLE, check_shape
from inr_registration.io.silence import ITK_ERRORS, silent_libraries
from inr_registration.io.slicer_segmentation import is_layered, read_segmentation
from inr_registration.io.text_headers import check_meta_header
from inr_registration.io.units import check_units
from inr_registration.io.whole import check_whole

Say = Callable[[str], None]
TRUSTED = (".nrrd", ".nhdr", ".mha", ".mhd")
"""Formats whose headers are looked at before ITK sees them; files of others are first read in a process of their own."""
PATIENCE_S = 300
NO_SPACING = "the header says that a voxel spacing is 0 mm; repair the header"
MOST = 2**62
APART = """
import math, sys, SimpleITK
SimpleITK.ProcessObject.SetGlobalWarningDisplay(False)
reader = SimpleITK.ImageFileReader()
reader.SetFileName(sys.argv[1])
reader.ReadImageInformation()
if 16 * math.prod(reader.GetSize()) * reader.GetNumberOfComponents() < int(sys.argv[2]):
    reader.Execute()
"""


def read_by_itk(path: Path, say: Say, frame: int | None = None) -> tuple[npt.NDArray[np.generic], Grid]:
    """Values (k, j, i) and the grid, LPS mm; the shear of an NRRD file is kept.

    Args:
        path: Of the file.
        say: Told what its header leaves open.
        frame: Of several, from 1.

    Raises:
        InputError: It cannot be read as one scalar 3D image, is damaged, or would not fit into memory.
    """
    check_meta_header(path)
    if path.suffix.lower() not in TRUSTED:
        _try_apart(path)
    try:
        with silent_libraries():
            io = sitk.ImageFileReader.GetImageIOFromFileName(str(path))
            reader = _header(path)
            check_units(path, reader)
            layered = is_layered(reader)
            number = 0 if layered else _check_scalar(reader, frame)
            more = check_whole(path, io, reader)
            values, grid = read_segmentation(reader, say) if layered else _scalar(reader, number)
    except ITK_ERRORS as error:
        if "spacing is not supported" in str(error):
            raise InputError(NO_SPACING) from error
        raise _unreadable(path) from error
    if more:
        say(BEYOND.format(more))
    for note in [] if layered else of_other(path, io, reader):
        say(note)
    return values, grid


def _check_scalar(reader: sitk.ImageFileReader, frame: int | None) -> int:
    size = reader.GetSize()
    number = check_shape(size, reader.GetNumberOfComponents(), frame)
    if reader.GetPixelID() in (sitk.sitkComplexFloat32, sitk.sitkComplexFloat64):
        raise InputError("voxels are complex numbers; give the magnitude image")
    check_room(size[:3], sitk.Image([1, 1, 1], reader.GetPixelID()).GetSizeOfPixelComponent())
    return number


def _scalar(reader: sitk.ImageFileReader, number: int) -> tuple[npt.NDArray[np.generic], Grid]:
    size = reader.GetSize()
    if len(size) > 3:
        reader.SetExtractIndex([0, 0, 0, *(int(n) for n in np.unravel_index(number, size[3:], order="F"))])
    reader.SetExtractSize([*reader.GetSize()[:3], *[0] * (reader.GetDimension() - 3)])
    image = reader.Execute()
    grid = Grid.from_geometry(image.GetSize(), image.GetSpacing(), image.GetOrigin(), image.GetDirection())
    return np.asarray(sitk.GetArrayFromImage(image)), grid


def _try_apart(path: Path) -> None:
    """Read a file in a process of its own first: over some damage ITK's readers end their process, or hang.

    Raises:
        InputError: It cannot be read.
    """
    most = available_bytes() or MOST
    given = [sys.executable, "-c", APART, str(path), str(most)]
    try:
        done = subprocess.run(given, capture_output=True, timeout=PATIENCE_S, check=False)
    except subprocess.TimeoutExpired as error:
        raise _unreadable(path) from error
    if done.returncode != 0:
        raise InputError(NO_SPACING) if b"spacing is not supported" in done.stderr else _unreadable(path)


def _unreadable(path: Path) -> InputError:
    known = described(path)
    if known is not None:
        return InputError(f"cannot be read as an image: this is {known}")
    missing = ", or the file with its voxels is not where it says" if path.name.lower().endswith(DETACHED) else ""
    return InputError(f"cannot be read as an image (its content is damaged or not what its name says{missing}); {READABLE}")


def _header(path: Path) -> sitk.ImageFileReader:
    reader = sitk.ImageFileReader()
    reader.SetFileName(str(path))
    reader.ReadImageInformation()
    return reader
