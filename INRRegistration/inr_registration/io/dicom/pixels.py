"""Pixels of slices: ITK reads single slices, pydicom the frames of multi-frame files, each with its own slope and intercept."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pydicom
import SimpleITK as sitk
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, DeflatedExplicitVRLittleEndian, RLELossless, SecondaryCaptureImageStorage

from inr_registration.core.errors import InputError
from inr_registration.core.grid import Grid
from inr_registration.io.dicom.frame import Frame
from inr_registration.io.dicom.scan import UNPACKED, quiet_pydicom
from inr_registration.io.silence import ITK_ERRORS, silent_libraries

Values = npt.NDArray[np.generic]

OWN = (*UNPACKED, DeflatedExplicitVRLittleEndian, RLELossless)
"""Transfer syntaxes that pydicom decodes by itself."""
RAW = (
    "Rows", "Columns", "SamplesPerPixel", "PhotometricInterpretation", "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation",
    "NumberOfFrames",
)  # fmt: skip
"""What describes stored pixels, and nothing that changes them."""
ROUNDED = 1e-4
"""How much of a pixel two readings of its axes may differ."""


class Pixels:
    """Reads slices; keeps the frames of the file that it read last."""

    def __init__(self) -> None:
        self._path: Path | None = None
        self._frames: Values = np.empty((0, 0, 0))

    def of(self, frame: Frame) -> Values:
        """Values of one slice, (rows, columns), in the smallest type that ITK would take for them.

        Raises:
            InputError: They cannot be decoded.
        """
        if frame.path != self._path:
            self._frames = _single(frame) if frame.count == 1 else _stored(frame)
            self._path = frame.path
        columns, rows = frame.size
        if frame.tile is not None:
            top, left = frame.tile[0] * rows, frame.tile[1] * columns
            found = self._frames[0, top : top + rows, left : left + columns]
        else:
            found = self._frames[min(frame.index, len(self._frames) - 1)]
        if found.shape != (rows, columns):
            raise InputError(f"{frame.path.name}: its pixels do not have the size that its header declares ({columns} x {rows})")
        return found if frame.count == 1 else scaled(found, frame)

    def same(self, one: Frame, other: Frame) -> bool:
        """Whether two slices have the same values."""
        first = self.of(one).copy()
        second = self.of(other)
        return first.shape == second.shape and bool(np.array_equal(first, second))


def as_itk_sees(grid: Grid, first: Frame) -> Grid:
    """The grid with the pixel axes that ITK makes of rounded directions: the same ones but for the last digits, at right angles.

    Args:
        grid: Of a stack.
        first: Its first slice.
    """
    reader = sitk.ImageFileReader()
    reader.SetFileName(str(first.path))
    try:
        with silent_libraries():
            reader.ReadImageInformation()
    except ITK_ERRORS:
        return grid
    n = reader.GetDimension()
    seen = (np.reshape(reader.GetDirection(), (n, n)) * reader.GetSpacing())[:3, :2]
    if seen.shape != (3, 2) or np.abs(seen - grid.affine[:3, :2]).max() > ROUNDED * grid.spacing[:2].min():
        return grid  # ITK does not look where this kind of object says it
    affine = grid.affine.copy()
    affine[:3, :2] = seen
    return Grid(grid.size, affine)


def scaled(stored: Values, frame: Frame) -> Values:
    """Stored values times slope plus intercept: whole numbers where both are, in the smallest type that holds them."""
    slope, intercept = frame.scale
    if (slope, intercept) == (1.0, 0.0):
        return stored
    made = stored.astype(np.float64) * slope + intercept
    if stored.dtype.kind == "f" or slope != np.rint(slope) or intercept != np.rint(intercept):
        return made
    bits, signed = frame.bits
    least, most = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    low, high = sorted((least * slope + intercept, most * slope + intercept))
    kinds = (np.uint8, np.uint16, np.uint32) if low >= 0 else (np.int8, np.int16, np.int32)
    for kind in kinds:
        if np.iinfo(kind).min <= low and high <= np.iinfo(kind).max:
            return made.astype(kind)
    return made


def _single(frame: Frame) -> Values:
    """The one image of a file as ITK reads it, (1, rows, columns), slope applied; by pydicom where ITK cannot."""
    try:
        with silent_libraries():
            image = sitk.ReadImage(str(frame.path))
    except ITK_ERRORS:
        return scaled(_stored(frame), frame)
    if image.GetNumberOfComponentsPerPixel() > 1:
        raise InputError(f"every voxel has {image.GetNumberOfComponentsPerPixel()} values (a colour image); give a scalar image")
    found = np.asarray(sitk.GetArrayFromImage(image))
    return found.reshape(-1, *found.shape[-2:])


def _stored(frame: Frame) -> Values:
    """All frames of a file as they are stored, (n, rows, columns)."""
    with quiet_pydicom():
        try:
            data = pydicom.dcmread(frame.path, force=True)
            found = None if frame.syntax in OWN else _by_itk(data)
            found = data.pixel_array if found is None else found
        except MemoryError:
            raise
        except Exception as error:  # damaged or foreign pixels make the decoders raise errors of many unrelated kinds
            raise InputError(f"{frame.path.name}: {_why(frame.syntax)}") from error
    shape = (frame.count, *found.shape[-2:])
    if found.size != np.prod(shape):
        raise InputError(
            f"{frame.path.name}: {found.shape} pixels are in it, and its header declares {frame.count} frames; export it again"
        )
    return np.asarray(found).reshape(shape)


def _why(syntax: str) -> str:
    if syntax in OWN:
        return "its pixels cannot be read, the file is damaged or cut off; export it again"
    name = UID(syntax).name if syntax else "an unknown way"
    return f"its pixels are compressed ({name}), and they are damaged or of a kind that cannot be decoded here; export them uncompressed"


def _by_itk(data: Dataset) -> Values | None:
    """Decode compressed frames by ITK without slope and intercept, of which it knows one for all: as a plain picture; None if it cannot."""
    plain = Dataset()
    for keyword in RAW:
        if keyword in data:
            setattr(plain, keyword, data[keyword].value)
    plain.SOPClassUID, plain.SOPInstanceUID = SecondaryCaptureImageStorage, UID("1.2.3")
    plain.file_meta = FileMetaDataset()
    plain.file_meta.TransferSyntaxUID = data.file_meta.TransferSyntaxUID
    plain.file_meta.MediaStorageSOPClassUID, plain.file_meta.MediaStorageSOPInstanceUID = SecondaryCaptureImageStorage, UID("1.2.3")
    plain.PixelData = data.PixelData
    plain["PixelData"].is_undefined_length = True
    with tempfile.TemporaryDirectory() as folder:
        plain.save_as(Path(folder) / "plain.dcm", enforce_file_format=True)
        try:
            with silent_libraries():
                return np.asarray(sitk.GetArrayFromImage(sitk.ReadImage(str(Path(folder) / "plain.dcm"))))
        except ITK_ERRORS:
            return None
