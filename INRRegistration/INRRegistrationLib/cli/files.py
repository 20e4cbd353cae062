"""Images from files and to files, with their affine kept exactly: sheared ones too."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable
from pathlib import Path

import nibabel
import numpy as np
import numpy.typing as npt
import SimpleITK as sitk

from INRRegistrationLib.cli.dicom.read import read_dicom
from INRRegistrationLib.cli.dicom.scan import is_dicom_file
from INRRegistrationLib.cli.nifti import RAS_TO_LPS, read_nifti
from INRRegistrationLib.cli.room import check_room
from INRRegistrationLib.cli.shape import READABLE, check_shape
from INRRegistrationLib.cli.silence import ITK_ERRORS, silent_libraries
from INRRegistrationLib.cli.text_headers import check_meta_header
from INRRegistrationLib.cli.units import check_units
from INRRegistrationLib.core.errors import InputError
from INRRegistrationLib.core.grid import Grid
from INRRegistrationLib.core.volume import Volume

Say = Callable[[str], None]
"""Takes a sentence that the user should see."""
Values = npt.NDArray[np.generic]

NIFTI = (".nii", ".nii.gz")
HEADER_BYTES = range(348, 4096)
WRITABLE = (*NIFTI, ".nrrd", ".nhdr", ".mha", ".mhd")
DETACHED = (".nhdr", ".mhd")

sitk.ProcessObject.SetGlobalWarningDisplay(False)
nibabel.imageglobals.logger.setLevel(logging.CRITICAL)  # what is wrong with a file is said in one message of ours


def read_image(path: str | os.PathLike[str], say: Say, *, series: str | int | None = None, frame: int | None = None) -> Volume:
    """Read a scalar 3D image; 64-bit integers become float64.

    Args:
        path: A file, or a folder with DICOM files.
        say: Told what was assumed.
        series: Of several DICOM series in one place: number in their list, from 1, or UID.
        frame: Of several times, echoes and the like: its number, from 1.

    Raises:
        InputError: It cannot be read as one; the text says why.
    """
    volume = _read(Path(path), say, series, frame, labels=False)
    if volume.values.dtype in (np.int64, np.uint64):
        return Volume(volume.values.astype(np.float64), volume.grid, volume.name)
    return volume


def read_labels(path: str | os.PathLike[str], say: Say, *, series: str | int | None = None, frame: int | None = None) -> Volume:
    """Read a label image in its own pixel type; floating-point ones are legal where all values are whole.

    Raises:
        InputError: It cannot be read, or a value is not whole.
    """
    volume = _read(Path(path), say, series, frame, labels=True)
    values = volume.values
    if values.dtype.kind == "f":
        with np.errstate(invalid="ignore"):  # some bit patterns are no number at all
            wrong = values[~(np.isfinite(values) & (values == np.rint(values)))]
        if wrong.size:
            raise InputError(f"{volume.name}: labels must be whole numbers, found {wrong[0]:g}; give a label image")
    return volume


def write_image(path: Path, volume: Volume) -> None:
    """Write a volume; one on a sheared grid goes to NIfTI by nibabel, because ITK cannot hold it there.

    Raises:
        OSError: It cannot be written.
    """
    grid = volume.grid
    if grid.is_sheared and path.name.endswith(NIFTI):
        nifti = nibabel.Nifti1Image(np.ascontiguousarray(volume.values.transpose(2, 1, 0)), None)
        nifti.set_sform(RAS_TO_LPS @ grid.affine, code=1)
        nifti.set_qform(None, code=0)
        nifti.header.set_xyzt_units("mm")
        nibabel.save(nifti, path)
        return
    values = volume.values.astype(np.uint8) if volume.values.dtype == np.bool_ else volume.values
    image = sitk.GetImageFromArray(values)
    image.SetOrigin(grid.origin.tolist())
    image.SetSpacing(grid.spacing.tolist())
    image.SetDirection(grid.direction.ravel().tolist())
    try:
        sitk.WriteImage(image, str(path), useCompression=not path.name.endswith((".nii", ".mhd")))
    except RuntimeError as error:
        raise OSError(f"{path.name}: {str(error).splitlines()[-1]}") from error
    if path.name.lower().endswith(NIFTI):
        _check_whole(path, values.nbytes)


def _check_whole(path: Path, data: int) -> None:
    """Make sure that a NIfTI file holds all its bytes: ITK says nothing when the disk is full."""
    with path.open("rb") as stream:
        if path.name.lower().endswith(".gz"):
            stream.seek(-4, os.SEEK_END)
            held = int.from_bytes(stream.read(4), "little")  # gzip ends with the length of what it holds, modulo 2^32
        else:
            held = stream.seek(0, os.SEEK_END)
    if (held - data) % 2**32 not in HEADER_BYTES:
        raise OSError(f"{path.name}: not all of it could be written; is the disk full?")


def check_image_name(path: Path) -> None:
    """Raise where the name's ending is not that of a format that can be written."""
    if not path.name.lower().endswith(WRITABLE):
        raise InputError(f"{path.name}: cannot write an image of this kind; use one of {', '.join(WRITABLE)}")


def _read(path: Path, say: Say, series: str | int | None, frame: int | None, *, labels: bool) -> Volume:
    name = _name_of(path)
    try:
        if path.is_dir() or is_dicom_file(path):
            values, grid = read_dicom(path, say, series=None if series is None else str(series), frame=frame, labels=labels)
        elif series is not None:
            raise InputError("this is no DICOM, so there is no series to choose; give --series for the DICOM alone (--fixed-series, ...)")
        elif path.stat().st_size == 0:
            raise InputError(f"the file is empty (0 bytes); {READABLE}")
        else:
            values, grid = _as_itk_sees(path, frame) if path.name.lower().endswith(NIFTI) else _read_itk(path, frame)
    except InputError as error:
        raise InputError(f"{name}: {error}") from error
    except PermissionError as error:
        raise InputError(f"{name}: you may not read this file; change its permissions") from error
    values = values.astype(np.float32 if values.dtype == np.float16 else values.dtype.newbyteorder("="), copy=False)
    return Volume(values.astype(np.float64) if values.dtype.kind == "f" and values.dtype.itemsize > 8 else values, grid, name)


def check_reachable(names: Iterable[str | None]) -> None:
    """Raise where a name is empty or leads through a circle of links, before anybody follows it.

    Raises:
        InputError: It does.
    """
    for name in names:
        if name == "":
            raise InputError("the name of a file is empty; check the words of the command")
        try:
            Path(name or ".").resolve()
        except (OSError, RuntimeError) as error:
            raise InputError(f"{name}: there is no such file or folder, its links lead in a circle; check the path") from error


def _name_of(path: Path) -> str:
    """What messages and reports call it: the name that the file itself has, where it is reached by a link."""
    try:
        name = path.resolve(strict=True).name
    except (OSError, RuntimeError) as error:  # a circle of links, a name that is too long
        raise InputError(f"{path}: there is no such file or folder, or it cannot be reached; check the path") from error
    return name.encode("utf-8", "replace").decode("utf-8")


def _read_itk(path: Path, frame: int | None) -> tuple[Values, Grid]:
    """Read by SimpleITK, which also keeps the shear of an NRRD file."""
    check_meta_header(path)
    try:
        with silent_libraries():
            reader = _header(path)
            check_units(path, reader)
            size = reader.GetSize()
            number = check_shape(size, reader.GetNumberOfComponents(), frame)
            if reader.GetPixelID() in (sitk.sitkComplexFloat32, sitk.sitkComplexFloat64):
                raise InputError("voxels are complex numbers; give the magnitude image")
            check_room(size[:3], sitk.Image([1, 1, 1], reader.GetPixelID()).GetSizeOfPixelComponent())
            if len(size) > 3:
                reader.SetExtractIndex([0, 0, 0, *(int(n) for n in np.unravel_index(number, size[3:], order="F"))])
            reader.SetExtractSize([*size[:3], *[0] * (reader.GetDimension() - 3)])
            image = reader.Execute()
    except ITK_ERRORS as error:
        if "spacing is not supported" in str(error):
            raise InputError("the header says that a voxel spacing is 0 mm; repair the header") from error
        missing = ", or the file with its voxels is not where it says" if path.name.lower().endswith(DETACHED) else ""
        raise InputError(f"cannot be read as an image (its content is damaged or not what its name says{missing}); {READABLE}") from error
    grid = Grid.from_geometry(image.GetSize(), image.GetSpacing(), image.GetOrigin(), image.GetDirection())
    return np.asarray(sitk.GetArrayFromImage(image)), grid


def _as_itk_sees(path: Path, frame: int | None) -> tuple[Values, Grid]:
    """NIfTI values, and the geometry that ITK and Slicer see, unless the file's affine is sheared, which ITK would lose."""
    values, grid = read_nifti(path, frame)
    return values, grid if grid.is_sheared else _itk_grid(path, grid)


def _itk_grid(path: Path, otherwise: Grid) -> Grid:
    """The geometry by ITK's rules for qform, sform and units."""
    try:
        with silent_libraries():
            reader = _header(path)
    except ITK_ERRORS:
        return otherwise
    n = reader.GetDimension()
    direction = np.reshape(reader.GetDirection(), (n, n))[:3, :3]
    return Grid.from_geometry(otherwise.size, reader.GetSpacing()[:3], reader.GetOrigin()[:3], direction)


def _header(path: Path) -> sitk.ImageFileReader:
    reader = sitk.ImageFileReader()
    reader.SetFileName(str(path))
    reader.ReadImageInformation()
    return reader
