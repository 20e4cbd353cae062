"""Images from files and to files, with their affine kept exactly: sheared ones too."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from pathlib import Path

import nibabel
import numpy as np
import numpy.typing as npt
import SimpleITK as sitk

from INRRegistrationLib.cli.dicom import read_series
from INRRegistrationLib.cli.units import check_units, nifti_affine
from INRRegistrationLib.core.errors import InputError
from INRRegistrationLib.core.grid import Grid
from INRRegistrationLib.core.volume import Volume

Say = Callable[[str], None]
"""Takes a sentence that the user should see."""
Values = npt.NDArray[np.generic]

NIFTI = (".nii", ".nii.gz")
HEADER_BYTES = range(348, 4096)
WRITABLE = (*NIFTI, ".nrrd", ".nhdr", ".mha", ".mhd")
RAS_TO_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
READABLE = "give a 3D NIfTI, NRRD or MetaImage file, or a folder with a DICOM series"

sitk.ProcessObject.SetGlobalWarningDisplay(False)
nibabel.imageglobals.logger.setLevel(logging.CRITICAL)  # what is wrong with a file is said in one message of ours


def read_image(path: str | os.PathLike[str], say: Say) -> Volume:
    """Read a scalar 3D image; 64-bit integers become float64.

    Raises:
        InputError: It cannot be read as one; the text says why.
    """
    volume = _read(Path(path), say)
    if volume.values.dtype in (np.int64, np.uint64):
        return Volume(volume.values.astype(np.float64), volume.grid, volume.name)
    return volume


def read_labels(path: str | os.PathLike[str], say: Say) -> Volume:
    """Read a label image in its own pixel type; floating-point ones are legal where all values are whole.

    Raises:
        InputError: It cannot be read, or a value is not whole.
    """
    volume = _read(Path(path), say)
    values = volume.values
    if values.dtype.kind == "f":
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


def _read(path: Path, say: Say) -> Volume:
    name = path.resolve().name
    if not path.exists():
        raise InputError(f"{path}: there is no such file or folder; check the path")
    try:
        if path.is_dir():
            values, grid = read_series(path, say)
        elif path.stat().st_size == 0:
            raise InputError(f"the file is empty (0 bytes); {READABLE}")
        else:
            values, grid = _read_nifti(path) if path.name.lower().endswith(NIFTI) else _read_itk(path)
    except InputError as error:
        raise InputError(f"{name}: {error}") from error
    except PermissionError as error:
        raise InputError(f"{name}: you may not read this file; change its permissions") from error
    values = values.astype(np.float32 if values.dtype == np.float16 else values.dtype.newbyteorder("="), copy=False)
    return Volume(values.astype(np.float64) if values.dtype.kind == "f" and values.dtype.itemsize > 8 else values, grid, name)


def _read_itk(path: Path) -> tuple[Values, Grid]:
    """Read by SimpleITK, which also keeps the shear of an NRRD file."""
    try:
        reader = _header(path)
        check_units(path, reader)
        check_shape(reader.GetSize(), reader.GetNumberOfComponents())
        if reader.GetPixelID() in (sitk.sitkComplexFloat32, sitk.sitkComplexFloat64):
            raise InputError("voxels are complex numbers; give the magnitude image")
        reader.SetExtractSize([*reader.GetSize()[:3], *[0] * (reader.GetDimension() - 3)])
        image = reader.Execute()
    except RuntimeError as error:
        if "spacing is not supported" in str(error):
            raise InputError("the header says that a voxel spacing is 0 mm; repair the header") from error
        raise InputError(f"cannot be read as an image (its content is damaged or not what its name says); {READABLE}") from error
    grid = Grid.from_geometry(image.GetSize(), image.GetSpacing(), image.GetOrigin(), image.GetDirection())
    return np.asarray(sitk.GetArrayFromImage(image)), grid


def _read_nifti(path: Path) -> tuple[Values, Grid]:
    """Values by nibabel. The geometry is what ITK and Slicer see, unless the file's affine is sheared, which ITK would lose."""
    try:
        image = nibabel.load(path)
        if not isinstance(image, nibabel.Nifti1Image):  # NIfTI-2 images are of a subclass
            raise InputError(f"this is not NIfTI but {type(image).__name__}; rename it, or convert it")
        _check_spacing(path, type(image.header))
        shape, kind = image.shape, image.get_data_dtype()
        check_shape(shape[:4], int(np.prod(shape[4:])) if kind.names is None else len(kind.names))
        if kind.kind == "c":
            raise InputError("voxels are complex numbers; give the magnitude image")
        grid = Grid((shape[0], shape[1], shape[2]), RAS_TO_LPS @ nifti_affine(image))
        values = np.asanyarray(image.dataobj).reshape(shape[:3]).transpose(2, 1, 0)
    except InputError:
        raise
    except Exception as error:  # damaged files make nibabel raise errors of many unrelated kinds
        raise InputError(f"cannot be read as NIfTI (its content is damaged or not what its name says); {READABLE}") from error
    return np.ascontiguousarray(values), grid if grid.is_sheared else _itk_grid(path, grid)


def _check_spacing(path: Path, header: type[nibabel.Nifti1Header]) -> None:
    """Look at the header as it is in the file: readers take a spacing of 0 to be 1 mm without a word."""
    with nibabel.openers.ImageOpener(str(path)) as stream:
        spacing = header.from_fileobj(stream, check=False)["pixdim"][1:4]
    if not (np.isfinite(spacing) & (spacing != 0)).all():
        raise InputError(f"the header says that the voxel spacing is {spacing.tolist()} mm; repair the header")


def _itk_grid(path: Path, otherwise: Grid) -> Grid:
    """The geometry by ITK's rules for qform, sform and units."""
    try:
        reader = _header(path)
    except RuntimeError:
        return otherwise
    n = reader.GetDimension()
    direction = np.reshape(reader.GetDirection(), (n, n))[:3, :3]
    return Grid.from_geometry(otherwise.size, reader.GetSpacing()[:3], reader.GetOrigin()[:3], direction)


def _header(path: Path) -> sitk.ImageFileReader:
    reader = sitk.ImageFileReader()
    reader.SetFileName(str(path))
    reader.ReadImageInformation()
    return reader


def check_shape(shape: tuple[int, ...], components: int) -> None:
    """Raise unless this is one scalar 3D image.

    Args:
        shape: Voxels along each axis; a fourth one is time.
        components: Values per voxel.
    """
    seen = " x ".join(str(n) for n in shape)
    if len(shape) < 3 or shape[2] == 1:
        raise InputError(f"this is a 2D image ({seen} voxels); {READABLE}")
    if len(shape) > 3 and int(np.prod(shape[3:])) != 1:
        raise InputError(f"this is a 4D image of {int(np.prod(shape[3:]))} frames ({seen}); give one frame")
    if components > 1:
        raise InputError(f"every voxel has {components} values (a colour or vector image); give a scalar image")
