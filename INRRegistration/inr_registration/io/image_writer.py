"""Images to files, with their affine kept exactly: sheared ones too, where the format can hold it."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import nibabel
import numpy as np
import SimpleITK as sitk

from inr_registration.core.volume import Volume
from inr_registration.io.image_names import NIFTI, plain_name
from inr_registration.io.units import RAS_TO_LPS

HEADER_BYTES = range(348, 4096)


def write_image(path: Path, volume: Volume) -> None:
    """Write a volume; one on a sheared grid goes to NIfTI by nibabel, because ITK cannot hold it there.

    Raises:
        OSError: It cannot be written.
    """
    plain = plain_name(path)
    if plain != path:  # ITK would cut the name, or not know its ending
        with tempfile.TemporaryDirectory(dir=path.parent) as folder:
            write_image(Path(folder) / plain.name, volume)
            (Path(folder) / plain.name).replace(path)
        return
    grid = volume.grid
    if grid.is_sheared and path.name.endswith(NIFTI):
        nifti = nibabel.Nifti1Image(np.ascontiguousarray(volume.values.transpose(2, 1, 0)), None, dtype=volume.values.dtype)
        nifti.set_sform(RAS_TO_LPS @ grid.affine, code=1)
        nifti.set_qform(None, code=0)
        nifti.header.set_xyzt_units("mm")
        nifti.header.set_zooms(grid.spacing)
        nibabel.save(nifti, path)
        return
    _write_itk(path, volume)


def _write_itk(path: Path, volume: Volume) -> None:
    grid = volume.grid
    values = volume.values.astype(np.uint8) if volume.values.dtype == np.bool_ else volume.values
    image = sitk.GetImageFromArray(values)
    image.SetOrigin(grid.origin.tolist())
    image.SetSpacing(grid.spacing.tolist())
    image.SetDirection(grid.direction.ravel().tolist())
    try:
        sitk.WriteImage(image, str(path), useCompression=not path.name.endswith((".nii", ".mhd")))
    except RuntimeError as error:
        raise OSError(f"{path.name}: {str(error).splitlines()[-1]}") from error
    if path.name.endswith(NIFTI):
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
