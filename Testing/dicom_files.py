"""DICOM files of many kinds, written by pydicom; the truth they hold is an array and where its voxels lie."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, EnhancedMRImageStorage, ExplicitVRLittleEndian, MRImageStorage, SegmentationStorage, generate_uid

from inr_registration.core import InputError
from inr_registration.io import read_image

PLACES, SHUFFLED = range(8), (3, 0, 7, 5, 1, 2, 6, 4)
STEP, ORIGIN = 3.0, np.array([-20.0, -30.0, 10.0])
AXIAL, CORONAL = [1.0, 0, 0, 0, 1, 0], [1.0, 0, 0, 0, 0, -1]
KK, JJ, II = np.meshgrid(np.arange(8), np.arange(12), np.arange(10), indexing="ij")
TRUTH = (500 * np.exp(-((II - 4) ** 2 / 20 + (JJ - 5) ** 2 / 30 + (KK - 3) ** 2 / 9)) + 20 * II + 7 * JJ + 50 * KK).round().astype(np.int16)
"""(8, 12, 10) voxels of 2 x 2 x 3 mm whose first one lies at ``ORIGIN``."""


def at(n: float) -> list[float]:
    """Position of slice ``n``."""
    return [float(ORIGIN[0]), float(ORIGIN[1]), float(ORIGIN[2] + n * STEP)]


def save(path: Path, values: np.ndarray, **elements: Any) -> Path:
    """One file with pixels (frames, rows, columns) or (rows, columns); ``elements`` by keyword, None to leave one out."""
    meta = FileMetaDataset()
    elements.setdefault("SOPClassUID", CTImageStorage)
    meta.MediaStorageSOPClassUID = elements["SOPClassUID"]
    meta.MediaStorageSOPInstanceUID = elements.setdefault("SOPInstanceUID", generate_uid())
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data = FileDataset(None, {}, file_meta=meta, preamble=bytes(128))
    size = values.dtype.itemsize * 8
    base = {
        "PatientID": "p", "PatientName": "p", "Modality": "CT", "StudyInstanceUID": "1.2.3", "SeriesInstanceUID": "1.2.3.4",
        "SeriesNumber": 1, "ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"], "SamplesPerPixel": 1, "PhotometricInterpretation": "MONOCHROME2",
        "Rows": values.shape[-2], "Columns": values.shape[-1], "BitsAllocated": size, "BitsStored": size, "HighBit": size - 1,
        "PixelRepresentation": int(values.dtype.kind == "i"), "PixelData": values.tobytes() + bytes(values.nbytes % 2),
    }  # fmt: skip
    for keyword, value in (base | elements).items():
        if value is not None:
            setattr(data, keyword, value)
    path.parent.mkdir(parents=True, exist_ok=True)
    data.save_as(path, enforce_file_format=True)
    return path


def one_slice(path: Path, n: float, values: np.ndarray, **elements: Any) -> Path:
    """A classic slice at place ``n``."""
    base = {
        "ImagePositionPatient": at(n), "ImageOrientationPatient": AXIAL, "PixelSpacing": [2.0, 2.0], "SliceThickness": 3.0,
        "InstanceNumber": int(n) + 1, "RescaleSlope": 1, "RescaleIntercept": 0,
    }  # fmt: skip
    return save(path, values, **(base | elements))


def series(folder: Path, places: Sequence[int] = range(8), prefix: str = "im", values: np.ndarray = TRUTH, **elements: Any) -> Path:
    """A classic series of the truth's slices at these places."""
    for n in places:
        one_slice(folder / f"{prefix}{n:03d}.dcm", n, values[n], **elements)
    return folder


def item(**elements: Any) -> Dataset:
    """One item of a sequence."""
    found = Dataset()
    for keyword, value in elements.items():
        setattr(found, keyword, value)
    return found


def group(n: float, **macros: Any) -> Dataset:
    """The functional groups of a frame at place ``n``; ``macros`` are sequences of one item."""
    found = item(PlanePositionSequence=[item(ImagePositionPatient=at(n))])
    for keyword, value in macros.items():
        setattr(found, keyword, [value])
    return found


def shared() -> Dataset:
    measures = item(PixelSpacing=[2.0, 2.0], SliceThickness=3.0, SpacingBetweenSlices=STEP)
    return item(PlaneOrientationSequence=[item(ImageOrientationPatient=AXIAL)], PixelMeasuresSequence=[measures])


def enhanced(path: Path, values: np.ndarray, groups: Sequence[Dataset], **elements: Any) -> Path:
    """An enhanced multi-frame file."""
    base = {
        "SOPClassUID": EnhancedMRImageStorage, "Modality": "MR", "NumberOfFrames": len(values),
        "SharedFunctionalGroupsSequence": [shared()], "PerFrameFunctionalGroupsSequence": list(groups),
    }  # fmt: skip
    return save(path, values, **(base | elements))


def segmentation(path: Path, frames: Sequence[tuple[int, int, np.ndarray]], highest: int = 0, **elements: Any) -> Path:
    """A segmentation from (segment, place, mask) of each frame; with probabilities up to ``highest`` where that is given."""
    groups = [group(n, SegmentIdentificationSequence=item(ReferencedSegmentNumber=segment)) for segment, n, _ in frames]
    planes = np.stack([plane for _, _, plane in frames])
    more: dict[str, Any] = {"SegmentationType": "FRACTIONAL", "MaximumFractionalValue": highest}
    if not highest:
        bits = np.packbits(planes.ravel().astype(bool), bitorder="little").tobytes()
        more = {"SegmentationType": "BINARY", "BitsAllocated": 1, "BitsStored": 1, "HighBit": 0, "PixelData": bits + bytes(len(bits) % 2)}
    base = {"SOPClassUID": SegmentationStorage, "Modality": "SEG", "SeriesInstanceUID": "1.2.3.5"}
    return enhanced(path, planes.astype(np.uint8), groups, **(base | more | elements))


def mosaic(path: Path, values: np.ndarray, down: bool = False, **elements: Any) -> Path:
    """A Siemens mosaic of the slices, with a private header (CSA2); ``down``: they follow each other against the pixel axes' normal."""
    side = int(np.ceil(np.sqrt(len(values))))
    rows, columns = values.shape[1:]
    picture = np.zeros((side * rows, side * columns), values.dtype)
    for n, plane in enumerate(values[::-1] if down else values):
        top, left = n // side * rows, n % side * columns
        picture[top : top + rows, left : left + columns] = plane
    first = at(len(values) - 1 if down else 0)
    corner = [first[0] - (side - 1) * columns, first[1] - (side - 1) * rows, first[2]]  # pixels of 2 mm, half of them to this side
    header = csa({"NumberOfImagesInMosaic": ("US", [len(values)]), "SliceNormalVector": ("FD", [0.0, 0.0, -1.0 if down else 1.0])})
    kind = ["ORIGINAL", "PRIMARY", "M", "ND", "MOSAIC"]
    base = {
        "SOPClassUID": MRImageStorage, "Modality": "MR", "ImageType": kind, "ImagePositionPatient": corner,
        "ImageOrientationPatient": AXIAL, "PixelSpacing": [2.0, 2.0], "SpacingBetweenSlices": STEP, "SliceThickness": 3.0,
    }  # fmt: skip
    made = save(path, picture, **(base | elements))
    return with_private(made, header)


def with_private(path: Path, header: bytes) -> Path:
    """Add Siemens's private header to a file."""
    from pydicom import dcmread

    data = dcmread(path)
    data.private_block(0x0029, "SIEMENS CSA HEADER", create=True).add_new(0x10, "OB", header)
    data.save_as(path)
    return path


def csa(elements: dict[str, tuple[str, list[float]]]) -> bytes:
    """The private header's format, version 2: names, types and values as text."""
    out = b"SV10\4\3\2\1" + struct.pack("<2I", len(elements), 77)
    for name, (kind, numbers) in elements.items():
        out += name.encode().ljust(64, b"\0") + struct.pack("<i4s3i", len(numbers), kind.encode(), 6, 6, 77)
        for number in numbers:
            word = f"{number:.8f}".encode() + b"\0" if kind == "FD" else f"{number}".encode() + b"\0"
            out += struct.pack("<4i", len(word), len(word), 77, len(word)) + word.ljust(-(-len(word) // 4) * 4, b"\0")
        for _ in range(6 - len(numbers)):
            out += struct.pack("<4i", 0, 0, 77, 0)
    return out


AFFINE = np.array([[2, 0, 0, *at(0)[:1]], [0, 2, 0, at(0)[1]], [0, 0, STEP, at(0)[2]], [0, 0, 0, 1]])
"""Of the truth, from voxel (i, j, k) to LPS mm."""


def is_truth(path: Path, said: Callable[[str], Any] = pytest.fail, plus: int = 0, **choice: Any) -> None:
    """Make sure that reading gives the truth plus a number, in its place."""
    volume = read_image(path, said, **choice)
    np.testing.assert_array_equal(volume.values, TRUTH + plus)
    np.testing.assert_allclose(volume.grid.affine, AFFINE, atol=1e-9)


def refused(path: Path, match: str, **choice: Any) -> None:
    """Make sure that reading ends with a message."""
    with pytest.raises(InputError, match=match):
        read_image(path, lambda _: None, **choice)
