"""Whether all voxels of an image file are there and undamaged, looked at before ITK reads them.

ITK's readers give what happens to be in memory where compressed data do not unpack or a file is too short, mostly without an error.
"""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Callable
from pathlib import Path

import nibabel
import SimpleITK as sitk

from inr_registration.core.errors import InputError
from inr_registration.io.data_parts import Part, meta_parts, nrrd_parts
from inr_registration.io.parts_check import STEP, check_parts, compare
from inr_registration.io.tiff_check import check_tiff

GIPL_HEADER, MRC_HEADER = 256, 1024
MRC_MORE, MRC_ENDIAN = 92, 212
"""Where an MRC header says how many bytes follow it before the voxels, and in which order its own bytes are."""
VTK_HEADER = 65536
VTK_VALUES = re.compile(rb"(?:LOOKUP_TABLE[^\n]*|(?:VECTORS|NORMALS|TENSORS|COLOR_SCALARS)[^\n]*)\r?\n", re.IGNORECASE)


def check_whole(path: Path, io: str, reader: sitk.ImageFileReader) -> int:
    """Raise where bytes of the voxels are missing, or do not fit their checksum.

    Args:
        path: Of the image.
        io: The name of ITK's class that reads it.
        reader: That has read its header.

    Returns:
        How many bytes more there are than the header declares, where voxels are all that follows it.

    Raises:
        InputError: They are, or do not; the text says what is there and what belongs there.
    """
    count = math.prod(reader.GetSize()) * reader.GetNumberOfComponents()
    item = sitk.Image([1, 1, 1], reader.GetPixelID()).GetSizeOfPixelComponent()
    check = CHECKS.get(io)
    return (check(path, count, item) or 0) if check is not None else 0


def _meta(path: Path, count: int, item: int) -> int:
    return check_parts(meta_parts(path), count, item)


def _nrrd(path: Path, count: int, item: int) -> int:
    return check_parts(nrrd_parts(path), count, item)


def _gipl(path: Path, count: int, item: int) -> None:
    with path.open("rb") as stream:
        packed = stream.read(2) == b"\x1f\x8b"
    check_parts([Part(path, "gzip" if packed else "raw", skip=GIPL_HEADER)], count, item)


def _mrc(path: Path, count: int, item: int) -> None:
    with path.open("rb") as stream:
        header = stream.read(MRC_HEADER)
    big = header[MRC_ENDIAN : MRC_ENDIAN + 1] == b"\x11"
    (more,) = struct.unpack_from(">i" if big else "<i", header.ljust(MRC_HEADER, b"\0"), MRC_MORE)
    check_parts([Part(path, "raw", start=MRC_HEADER + max(more, 0))], count, item)


def _vtk(path: Path, count: int, item: int) -> None:
    with path.open("rb") as stream:
        header = stream.read(VTK_HEADER)
    found = VTK_VALUES.search(header)
    if found is None:
        raise InputError("the header does not say where its voxels begin, so it cannot be read; repair the header")
    text = re.search(rb"^\s*ASCII\s*$", header[: found.start()], re.MULTILINE | re.IGNORECASE)
    check_parts([Part(path, "text" if text else "raw", start=found.end())], count, item)


def _nifti(path: Path, count: int, item: int) -> None:
    """Analyze, and NIfTI in two files; compressed ones are read to their end, where the checksum is."""
    try:
        image = nibabel.load(path)
        voxels, first = Path(image.file_map["image"].filename), image.dataobj.offset
        there = 0
        with nibabel.openers.ImageOpener(str(voxels)) as stream:
            while block := stream.read(STEP):
                there += len(block)
    except Exception as error:  # damaged files make nibabel raise errors of many unrelated kinds
        raise InputError(
            f"cannot be read: it is damaged, or the file with its voxels is not beside it ({error}); copy both again"
        ) from error
    compare(there - first, count * item)


def _raw(path: Path, count: int, item: int) -> None:
    """Formats of voxels as they are: no shorter than these."""
    compare(path.stat().st_size, count * item)


def _stimulate(path: Path, count: int, item: int) -> None:
    check_parts([Part(path.with_suffix(".sdt"), "raw")], count, item)


CHECKS: dict[str, Callable[[Path, int, int], int | None]] = {
    "MetaImageIO": _meta, "NrrdImageIO": _nrrd, "NiftiImageIO": _nifti, "GiplImageIO": _gipl, "MRCImageIO": _mrc, "VTKImageIO": _vtk,
    "TIFFImageIO": check_tiff, "LSMImageIO": check_tiff, "BioRadImageIO": _raw, "StimulateImageIO": _stimulate, "Bruker2dseqImageIO": _raw,
    "GE4ImageIO": _raw, "GE5ImageIO": _raw,
}  # fmt: skip
