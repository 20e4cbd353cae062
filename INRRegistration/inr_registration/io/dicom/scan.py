"""All DICOM images of a folder or file, by series; headers only."""

from __future__ import annotations

import math
import os
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import pydicom
from pydicom import config
from pydicom.dataset import Dataset
from pydicom.uid import UID

from inr_registration.core.errors import InputError
from inr_registration.io.dicom import values
from inr_registration.io.dicom.frame import Frame, Series
from inr_registration.io.dicom.headers import frames_of

MARK_AT, MARK = 128, b"DICM"
OLD = (b"\x08\x00", b"\x02\x00")
"""First bytes of a file from before DICOM had a preamble."""
ENDINGS = (".dcm", ".dicom", ".ima")
DIRECTORY = "1.2.840.10008.1.3.10"
UNPACKED = ("1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2")
SEGMENTATION = ("1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7")


class Head(NamedTuple):
    """The few elements that describe a series; the rest of a header can be large."""

    uid: str
    patient: str
    modality: str
    description: str
    kind: str
    number: int


Image = tuple[Head, list[Frame]]
"""One file."""


@dataclass
class Found:
    """What lies in a place.

    Args:
        series: All series with images, in the order in which they are counted for the user.
        others: Objects without pixels, in words, with their number.
        damaged: Names of DICOM files that cannot be used, with the reason.
    """

    series: list[Series] = field(default_factory=list)
    others: Counter[str] = field(default_factory=Counter)
    damaged: dict[str, str] = field(default_factory=dict)


@contextmanager
def quiet_pydicom() -> Iterator[None]:
    """Within it, odd values are taken as they are, without a word."""
    with warnings.catch_warnings(), config.disable_value_validation():
        warnings.simplefilter("ignore")
        yield


def is_dicom_file(path: Path) -> bool:
    """Whether a file says in its first bytes that it is DICOM, or by its ending where it is of the old kind."""
    marked = _head_of(path)[MARK_AT:] == MARK
    return marked or (path.suffix.lower() in ENDINGS and _looks_dicom(path))


def scan(path: Path) -> Found:
    """Read the headers of a file, or of a folder's files; of folders inside it where it holds no DICOM file itself, or a DICOMDIR."""
    found, images = Found(), list[Image]()
    with quiet_pydicom():
        for file in _candidates(path):
            _take(file, found, images)
        found.series = _by_series(images)
    return found


def _candidates(path: Path) -> list[Path]:
    """The files to look at."""
    if not path.is_dir():
        return _below(path.parent) if _is_directory(path) else [path]
    own = [file for file in sorted(path.iterdir()) if file.is_file() and _looks_dicom(file)]
    return own if any(not _is_directory(file) for file in own) else _below(path)


def _below(folder: Path) -> list[Path]:
    files = [Path(place) / name for place, _, names in os.walk(folder) for name in names]
    return [file for file in sorted(files) if file.is_file() and _looks_dicom(file)]


def _looks_dicom(path: Path) -> bool:
    """Whether to try; what may not be read is tried too, so that it is told and not missed in silence."""
    if not os.access(path, os.R_OK):
        return True
    head = _head_of(path)
    return head[MARK_AT:] == MARK or head[:2] in OLD


def _head_of(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            return stream.read(MARK_AT + len(MARK))
    except OSError:
        return b""


def _is_directory(path: Path) -> bool:
    """Whether this is a DICOMDIR: a list of files, no image."""
    if path.name.upper() != "DICOMDIR":
        return False
    try:
        return str(pydicom.dcmread(path, specific_tags=["SOPClassUID"], force=True).file_meta.MediaStorageSOPClassUID) == DIRECTORY
    except Exception:  # damaged files make pydicom raise errors of many unrelated kinds
        return False


def _take(path: Path, found: Found, images: list[Image]) -> None:
    """Put one file where it belongs."""
    try:
        data = pydicom.dcmread(path, stop_before_pixels=True, force=True)
        kind = values.text(data, "SOPClassUID") or values.text(getattr(data, "file_meta", None), "MediaStorageSOPClassUID")
        rows = values.whole(data, "Rows", 0)
        if not kind and not rows:
            raise InputError("its header is damaged")
        if rows < 1 or values.whole(data, "Columns", 0) < 1:
            found.others[UID(kind).name] += 1
            return
        _check_whole(path, data)
        frames = frames_of(data, path)
    except InputError as error:
        found.damaged[path.name] = str(error)
    except PermissionError:
        found.damaged[path.name] = "you may not read it; change its permissions"
    except Exception:  # damaged files make pydicom raise errors of many unrelated kinds
        found.damaged[path.name] = "its header is damaged"
    else:
        images.append((_head(data), frames))


def _check_whole(path: Path, data: Dataset) -> None:
    """Raise where the frames do not fit into the file: unpacked ones, or packed ones of less than a byte a frame.

    A single slice stays in its series, which is refused when its pixels are read: left out, it would be a gap to be filled.
    """
    factors = {"Rows": 0, "Columns": 0, "NumberOfFrames": 1, "BitsAllocated": 16}
    needed = math.prod(values.whole(data, keyword, otherwise) for keyword, otherwise in factors.items()) // 8
    packed = values.text(getattr(data, "file_meta", None), "TransferSyntaxUID") not in UNPACKED
    if packed or values.whole(data, "SamplesPerPixel", 1) != 1:
        needed = values.whole(data, "NumberOfFrames", 1)
    if path.stat().st_size < needed and values.whole(data, "NumberOfFrames", 1) > 1:
        raise InputError(f"it is cut off: its pixels take at least {needed} bytes, and the file has {path.stat().st_size}")


def _head(data: Dataset) -> Head:
    return Head(
        values.text(data, "SeriesInstanceUID"),
        values.text(data, "PatientID") or values.text(data, "PatientName"),
        values.text(data, "Modality"),
        values.text(data, "SeriesDescription"),
        values.text(data, "SOPClassUID"),
        values.whole(data, "SeriesNumber", 0),
    )


def _by_series(images: list[Image]) -> list[Series]:
    """Sorted by patient, number and UID."""
    patients = sorted({head.patient for head, _ in images})
    groups: dict[tuple[str, str, bool], list[Image]] = {}
    for head, frames in images:
        groups.setdefault((head.patient, head.uid, head.kind in SEGMENTATION), []).append((head, frames))
    series = [_series(members, patients.index(patient) + 1) for (patient, _, _), members in groups.items()]
    return sorted(series, key=lambda one: (one.patient, one.number, one.uid, one.segmentation))


def _series(members: list[Image], patient: int) -> Series:
    head = members[0][0]
    frames = tuple(frame for _, own in members for frame in own)
    kind = UID(head.kind).name
    return Series(head.uid, patient, head.number, head.modality, head.description, kind, frames, head.kind in SEGMENTATION)
