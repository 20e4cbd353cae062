"""Images from files, with their affine kept exactly: sheared ones too. What belongs to writing is named here as well."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from inr_registration.core.errors import InputError
from inr_registration.core.grid import Grid
from inr_registration.core.volume import Volume
from inr_registration.io.by_itk import read_by_itk
from inr_registration.io.by_nibabel import kind_of, read_by_nibabel
from inr_registration.io.dicom.read import read_dicom
from inr_registration.io.dicom.scan import is_dicom_file
from inr_registration.io.image_names import NIFTI
from inr_registration.io.image_names import WRITABLE as WRITABLE
from inr_registration.io.image_names import check_image_name as check_image_name
from inr_registration.io.image_writer import write_image as write_image
from inr_registration.io.nifti import read_nifti, slope_of
from inr_registration.io.nifti_place import place
from inr_registration.io.shape import READABLE
from inr_registration.io.silence import quiet_loggers

Say = Callable[[str], None]
"""Takes a sentence that the user should see."""
Values = npt.NDArray[np.generic]

PACKED_NIFTI = (*NIFTI, ".nii.bz2", ".nii.zst")
ROUNDING, SHOWN = 1e-5, 8
"""Labels that are so far from whole, as a share of themselves, were made so by a slope in single precision."""
WITH_OTHERS = (".mhd", ".nhdr", ".hdr", ".img", ".img.gz", ".head", ".brik", ".brik.gz", ".par", ".rec", ".spr", ".sdt")
"""Endings of files that need another one beside them."""


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
    with quiet_loggers():
        volume = _read(Path(path), say, series, frame, labels=False)
    if volume.values.dtype in (np.int64, np.uint64):
        return Volume(volume.values.astype(np.float64), volume.grid, volume.name)
    return volume


def read_labels(path: str | os.PathLike[str], say: Say, *, series: str | int | None = None, frame: int | None = None) -> Volume:
    """Read a label image in its own pixel type; floating-point ones are legal where all values are whole.

    Raises:
        InputError: It cannot be read, or a value is not whole.
    """
    with quiet_loggers():
        volume = _read(Path(path), say, series, frame, labels=True)
    if volume.values.dtype.kind != "f":
        return volume
    with np.errstate(invalid="ignore"):  # some bit patterns are no number at all
        near = np.rint(volume.values)
        exact = np.isfinite(volume.values) & (volume.values == near)
        close = exact | (np.abs(volume.values - near) <= ROUNDING * np.maximum(np.abs(near), 1))
    slope, offset = slope_of(Path(path)) if _is_nifti(Path(path)) else (1.0, 0.0)
    scaled = f"the header scales its values by {slope:g} and adds {offset:g}" if (slope, offset) != (1, 0) else ""
    wrong = volume.values[~(close if scaled else exact)]
    if wrong.size:
        remedy = f"{scaled}; remove that (scl_slope, scl_inter)" if scaled else "give a label image"
        raise InputError(f"{volume.name}: labels must be whole numbers, found {wrong[0]:g}; {remedy}")
    if scaled:
        say(f"{volume.name}: {scaled}, labels too: they count as {', '.join(f'{n:g}' for n in np.unique(near)[:SHOWN])}")
    return volume if exact.all() else Volume(near, volume.grid, volume.name)


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
            values, grid = _read_file(path, lambda text: say(f"{name}: {text}"), frame)
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


def _read_file(path: Path, say: Say, frame: int | None) -> tuple[Values, Grid]:
    ending = "".join(path.suffixes[-2:] if path.suffix.lower() in (".gz", ".bz2", ".zst") else path.suffixes[-1:])
    if ending != ending.lower() and not path.name.lower().endswith(WITH_OTHERS):  # libraries go by endings, and few know them in capitals
        with tempfile.TemporaryDirectory() as folder:
            return _read_file(_linked(path, Path(folder) / f"image{ending.lower()}"), say, frame)
    if _is_nifti(path):
        read = read_nifti(path, frame)
        return read.values, place(path, read, say)
    return read_by_nibabel(path, say, frame) if kind_of(path) else read_by_itk(path, say, frame)


def _is_nifti(path: Path) -> bool:
    return path.name.lower().endswith(PACKED_NIFTI) and path.is_file() and not is_dicom_file(path)


def _linked(path: Path, name: Path) -> Path:
    """The same file under another name; a copy where links cannot be made."""
    try:
        name.symlink_to(path.resolve())
    except OSError:
        shutil.copyfile(path, name)
    return name
