"""Siemens mosaics: one picture with all slices of a volume as tiles."""

from __future__ import annotations

import math
import warnings
from dataclasses import replace

import numpy as np
from pydicom.dataset import Dataset

from inr_registration.core.errors import InputError
from inr_registration.io.dicom import values
from inr_registration.io.dicom.frame import Frame

PARALLEL = 1e-2
"""The slice normal of the private header may differ from that of the pixel axes by this much."""


def is_mosaic(data: Dataset) -> bool:
    """Whether the file says that it is one."""
    kind = values.get(data, "ImageType")
    return kind is not None and not isinstance(kind, str) and "MOSAIC" in [str(word).upper() for word in kind]


def mosaic_frames(data: Dataset, base: Frame) -> list[Frame]:
    """The tiles as slices in their places.

    The file's position is that of a picture as large as the mosaic around the first slice's centre; order and number of slices are in
    a private header (CSA), which nibabel reads.

    Args:
        data: The file's header.
        base: What it says of the whole picture.

    Raises:
        InputError: The private header is missing or makes no sense.
    """
    count, normal = _private(data)
    step = values.number(data, "SpacingBetweenSlices") or values.number(data, "SliceThickness")
    side = math.ceil(math.sqrt(count)) if count else 0
    if not side or normal is None or step is None or not base.placed or any(n % side for n in base.size):
        raise InputError(
            "this is a Siemens mosaic (all slices as tiles of one picture), and its private header, which says how many slices it has and "
            "where they lie, is missing or damaged; convert the original to NIfTI with dcm2niix"
        )
    assert base.position is not None
    assert base.axes is not None
    assert base.spacing is not None
    if abs(abs(normal @ base.normal) - 1) > PARALLEL:
        raise InputError("this is a Siemens mosaic whose private header has another slice normal than its pixel axes; export it again")
    size = base.size[0] // side, base.size[1] // side
    first = base.position + (np.subtract(base.size, size) / 2 * base.spacing) @ base.axes
    across = base.normal * np.sign(normal @ base.normal)
    return [replace(base, size=size, position=first + n * step * across, tile=divmod(n, side)) for n in range(count)]


def _private(data: Dataset) -> tuple[int, np.ndarray | None]:
    """Number of slices and the direction in which they follow each other."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it says at import that it is experimental
        from nibabel.nicom import csareader
    try:
        header = csareader.get_csa_header(data)
        if header is None:
            return 0, None
        normal = csareader.get_slice_normal(header)
        count = int(csareader.get_n_mosaic(header) or 0)
    except Exception:  # a damaged private header raises errors of many unrelated kinds
        return 0, None
    if normal is None or len(normal) != 3 or not 0 < np.linalg.norm(normal) < math.inf:
        return count, None
    return count, np.asarray(normal, dtype=np.float64) / np.linalg.norm(normal)
