"""Formats that ITK does not read, or not rightly, by nibabel: FreeSurfer, AFNI, PAR/REC and MINC."""

from __future__ import annotations

import io
import math
import struct
import warnings
from collections.abc import Callable
from pathlib import Path

import nibabel
import numpy as np
import numpy.typing as npt

from inr_registration.core.errors import InputError
from inr_registration.core.grid import Grid
from inr_registration.io.nifti import STEP
from inr_registration.io.room import check_room
from inr_registration.io.shape import READABLE, check_shape
from inr_registration.io.units import RAS_TO_LPS

KINDS = {
    ".mgz": "FreeSurfer", ".mgh": "FreeSurfer", ".mgh.gz": "FreeSurfer", ".head": "AFNI", ".brik": "AFNI", ".brik.gz": "AFNI",
    ".par": "Philips PAR/REC", ".rec": "Philips PAR/REC", ".mnc": "MINC", ".mnc.gz": "MINC", ".mnc2": "MINC",
}  # fmt: skip
"""What a file with this ending holds."""
GOOD_RAS = 28
"""The byte of FreeSurfer's header at which it says whether it has a place in the patient."""
SCALED_NOISE = 1e-6
"""MINC keeps whole numbers as fractions of a range; so far from whole, as a share of the largest one, is rounding."""


def kind_of(path: Path) -> str | None:
    """The name of the format where it is one of these."""
    name = path.name.lower()
    return next((kind for ending, kind in KINDS.items() if name.endswith(ending)), None)


def read_by_nibabel(path: Path, say: Callable[[str], None], frame: int | None = None) -> tuple[npt.NDArray[np.generic], Grid]:
    """Values (k, j, i), and the grid, LPS mm.

    Args:
        path: Of the image; one of ``KINDS``.
        say: Told where the header gives no place in the patient.
        frame: Of several, from 1.

    Raises:
        InputError: This cannot be read as one scalar 3D image, or would not fit into memory.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what is wrong with a file is said in one message of ours
            return _read(path, say, frame)
    except InputError:
        raise
    except FileNotFoundError as error:
        missing = Path(str(error.filename or "")).name
        raise InputError(f"cannot be read as {kind_of(path)}: {missing} is not beside it; copy both files together") from error
    except Exception as error:  # damaged files make nibabel raise errors of many unrelated kinds
        raise InputError(f"cannot be read as {kind_of(path)} (its content is damaged or not what its name says); {READABLE}") from error


def _read(path: Path, say: Callable[[str], None], frame: int | None) -> tuple[npt.NDArray[np.generic], Grid]:
    image = nibabel.load(path)
    affine, minc = np.array(image.affine, dtype=np.float64), kind_of(path) == "MINC"
    shape = image.shape[::-1] if minc else image.shape  # MINC files are in the order z, y, x
    number = check_shape(shape[:4], int(np.prod(shape[4:])), frame)
    check_room(shape[:3], image.get_data_dtype().itemsize)
    values = np.asanyarray(image.dataobj)
    _read_to_the_end(path)
    if minc:
        affine[:, :3] = affine[:, 2::-1]
        values = _whole_again(values, image).T
    if kind_of(path) == "FreeSurfer" and not _has_place(path):
        say("the header gives no place in the patient (goodRASFlag 0); FreeSurfer's default is taken: coronal slices around 0")
    values = (values[..., number] if len(shape) == 4 else values).reshape(shape[:3]).transpose(2, 1, 0)
    return np.ascontiguousarray(values), Grid((shape[0], shape[1], shape[2]), RAS_TO_LPS @ affine)


def _has_place(path: Path) -> bool:
    """Look at FreeSurfer's header as it is in the file: nibabel sets the flag that tells."""
    with nibabel.openers.ImageOpener(str(path)) as stream:
        (flag,) = struct.unpack_from(">h", stream.read(GOOD_RAS + 2), GOOD_RAS)
    return bool(flag > 0)


def _read_to_the_end(path: Path) -> None:
    """Where a compressed file has its checksum; nibabel stops at the last voxel."""
    with nibabel.openers.ImageOpener(str(path)) as stream:
        if not isinstance(stream.fobj, io.BufferedReader):
            while stream.read(STEP):
                pass


def _whole_again(values: npt.NDArray[np.generic], image: nibabel.spatialimages.SpatialImage) -> npt.NDArray[np.generic]:
    """Numbers stored as integers and scaled to whole ones are just these."""
    if image.get_data_dtype().kind not in "iu" or values.dtype.kind != "f":
        return values
    near = np.rint(values)
    largest = float(np.abs(near).max(initial=1.0))
    return near if math.isfinite(largest) and float(np.abs(values - near).max(initial=0.0)) <= SCALED_NOISE * largest else values
