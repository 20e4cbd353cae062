"""NIfTI by nibabel: values as they are, the affine as the file has it."""

from __future__ import annotations

import io
import warnings
from pathlib import Path

import nibabel
import numpy as np
import numpy.typing as npt

from INRRegistrationLib.cli.room import check_room
from INRRegistrationLib.cli.shape import READABLE, check_shape
from INRRegistrationLib.cli.units import nifti_affine
from INRRegistrationLib.core.errors import InputError
from INRRegistrationLib.core.grid import Grid

RAS_TO_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
STEP = 2**20


def read_nifti(path: Path, frame: int | None = None) -> tuple[npt.NDArray[np.generic], Grid]:
    """Values (k, j, i), and the grid by the file's own affine, sheared or not; of several frames the one that is meant, from 1.

    Raises:
        InputError: This cannot be read as one scalar 3D image, or would not fit into memory.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what is wrong with a file is said in one message of ours
            return _read(path, frame)
    except InputError:
        raise
    except Exception as error:  # damaged files make nibabel raise errors of many unrelated kinds
        raise InputError(f"cannot be read as NIfTI (its content is damaged or not what its name says); {READABLE}") from error


def _read(path: Path, frame: int | None) -> tuple[npt.NDArray[np.generic], Grid]:
    image = nibabel.load(path)
    if not isinstance(image, nibabel.Nifti1Image):  # NIfTI-2 images are of a subclass
        raise InputError(f"this is not NIfTI but {type(image).__name__}; rename it, or convert it")
    _check_spacing(path, type(image.header))
    shape, kind = image.shape, image.get_data_dtype()
    number = check_shape(shape[:4], int(np.prod(shape[4:])) if kind.names is None else len(kind.names), frame)
    if kind.kind == "c":
        raise InputError("voxels are complex numbers; give the magnitude image")
    grid = Grid((shape[0], shape[1], shape[2]), RAS_TO_LPS @ nifti_affine(image))
    check_room(shape[:3], kind.itemsize)
    values = _values(path, type(image), number).reshape(shape[:3]).transpose(2, 1, 0)
    return np.ascontiguousarray(values), grid


def _values(path: Path, kind: type[nibabel.Nifti1Image], number: int) -> npt.NDArray[np.generic]:
    """Read to the end of the file, where a compressed one has its checksum: nibabel stops at the last voxel."""
    with nibabel.openers.ImageOpener(str(path)) as stream:
        image = kind.from_stream(stream.fobj)
        values = np.asanyarray(image.dataobj[..., number] if image.ndim == 4 else image.dataobj)
        if not isinstance(stream.fobj, io.BufferedReader):
            while stream.read(STEP):
                pass
    return values


def _check_spacing(path: Path, header: type[nibabel.Nifti1Header]) -> None:
    """Look at the header as it is in the file: readers take a spacing of 0 to be 1 mm without a word."""
    with nibabel.openers.ImageOpener(str(path)) as stream:
        spacing = header.from_fileobj(stream, check=False)["pixdim"][1:4]
    if not (np.isfinite(spacing) & (spacing != 0)).all():
        raise InputError(f"the header says that the voxel spacing is {spacing.tolist()} mm; repair the header")
