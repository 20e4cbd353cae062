"""NIfTI by nibabel: values as they are, the affine as the file has it."""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass
from pathlib import Path

import nibabel
import numpy as np
import numpy.typing as npt

from inr_registration.core.errors import InputError
from inr_registration.core.grid import Grid
from inr_registration.io.known import described
from inr_registration.io.room import check_room
from inr_registration.io.shape import READABLE, check_shape
from inr_registration.io.units import RAS_TO_LPS, nifti_affine

STEP = 2**20
HEADER, HEADER_COPY = 348, 2**16
MAGIC = (b"n+1", b"ni1", b"n+2", b"ni2")


@dataclass(frozen=True)
class NiftiFile:
    """A NIfTI file as it is: values (k, j, i), the grid by its own affine, sheared or not, and its header.

    Args:
        values: The voxels.
        grid: LPS mm.
        image: What nibabel has read.
        pixdim: The spacing as it stands in the file, (3,).
    """

    values: npt.NDArray[np.generic]
    grid: Grid
    image: nibabel.Nifti1Image
    pixdim: npt.NDArray[np.float64]


def read_nifti(path: Path, frame: int | None = None) -> NiftiFile:
    """Read all of a file, compressed or not; of several frames the one that is meant, from 1.

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
        known = None if _begins_rightly(path) else described(path)
        what = f"this is {known}" if known else f"its content is damaged or not what its name says; {READABLE}"
        raise InputError(f"cannot be read as NIfTI: {what}") from error


def header_copy(path: Path, folder: Path) -> Path:
    """The header of a packed NIfTI file as a file of its own, for readers that cannot unpack it."""
    with nibabel.openers.ImageOpener(str(path)) as stream:
        head = stream.read(HEADER_COPY)
    copy = folder / "header.nii"
    copy.write_bytes(head)
    return copy


def slope_of(path: Path) -> tuple[float, float]:
    """Slope and intercept that the header has for the values of a NIfTI file; (1, 0) where it has none, or cannot be asked."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            image = nibabel.load(path)
    except (OSError, nibabel.filebasedimages.ImageFileError):  # a name that nibabel does not know, though the file was read
        return 1.0, 0.0
    return float(image.dataobj.slope), float(image.dataobj.inter)


def _begins_rightly(path: Path) -> bool:
    """Whether a file begins like NIfTI, or like gzip where its name says so."""
    with path.open("rb") as stream:
        head = stream.read(HEADER)
    packed = head.startswith(b"\x1f\x8b")
    return packed if path.suffix.lower() == ".gz" else not packed and (head[344:347] in MAGIC or head[4:7] in MAGIC)


def _read(path: Path, frame: int | None) -> NiftiFile:
    image = nibabel.load(path)
    if not isinstance(image, nibabel.Nifti1Image):  # NIfTI-2 images are of a subclass
        raise InputError(f"this is not NIfTI but {type(image).__name__}; rename it, or convert it")
    pixdim = _checked_spacing(path, type(image.header))
    first, least = image.dataobj.offset, image.header.single_vox_offset
    if first < least:
        raise InputError(
            f"cannot be read: the header has the voxels begin at byte {first}, within the header of {least} bytes; repair the header"
        )
    shape, kind = image.shape, image.get_data_dtype()
    number = check_shape(shape[:4], int(np.prod(shape[4:])) if kind.names is None else len(kind.names), frame)
    if kind.kind == "c":
        raise InputError("voxels are complex numbers; give the magnitude image")
    grid = Grid((shape[0], shape[1], shape[2]), RAS_TO_LPS @ nifti_affine(image))
    check_room(shape[:3], kind.itemsize)
    values = _values(path, type(image), number).reshape(shape[:3]).transpose(2, 1, 0)
    return NiftiFile(np.ascontiguousarray(values), grid, image, pixdim)


def _values(path: Path, kind: type[nibabel.Nifti1Image], number: int) -> npt.NDArray[np.generic]:
    """Read to the end of the file, where a compressed one has its checksum: nibabel stops at the last voxel."""
    with nibabel.openers.ImageOpener(str(path)) as stream:
        image = kind.from_stream(stream.fobj)
        values = np.array(
            image.dataobj[..., number] if image.ndim == 4 else image.dataobj
        )  # a copy: what stays in the file changes with it, and ends the process where that is cut
        if not isinstance(stream.fobj, io.BufferedReader):
            while stream.read(STEP):
                pass
    return values


def _checked_spacing(path: Path, header: type[nibabel.Nifti1Header]) -> npt.NDArray[np.float64]:
    """Look at the header as it is in the file: readers take a spacing of 0 to be 1 mm without a word."""
    with nibabel.openers.ImageOpener(str(path)) as stream:
        spacing = header.from_fileobj(stream, check=False)["pixdim"][1:4]
    if not (np.isfinite(spacing) & (spacing != 0)).all():
        raise InputError(f"the header says that the voxel spacing is {spacing.tolist()} mm; repair the header")
    return np.asarray(spacing, dtype=np.float64)
