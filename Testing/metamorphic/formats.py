"""The same image through files of other formats and header conventions, written by nibabel, SimpleITK or by hand, read by the package."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import nibabel
import numpy as np
import SimpleITK as sitk

from inr_registration.core import Volume
from inr_registration.io import read_image

Write = Callable[[Volume, Path], Path]
"""Writes a volume into an empty folder and returns what is to be read."""

TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
MODALITY, SERIES, STUDY, NUMBER, POSITION, AXES, INSTANCE = (
    "0008|0060", "0020|000e", "0020|000d", "0020|0013", "0020|0032", "0020|0037", "0008|0018",
)  # fmt: skip


def nifti(sform: int, qform: int, unit: str = "mm", ending: str = "nii.gz") -> Write:
    """NIfTI with these codes of sform and qform (0: not given) and this unit of length."""

    def write(volume: Volume, folder: Path) -> Path:
        affine = TO_RAS @ volume.grid.affine
        affine[:3] *= {"mm": 1.0, "micron": 1e3, "meter": 1e-3}[unit]
        image = nibabel.Nifti1Image(np.ascontiguousarray(volume.values.transpose(2, 1, 0)), affine)
        image.set_sform(affine if sform else None, code=sform)
        image.set_qform(affine if qform else None, code=qform)
        if qform == 0:
            image.header.set_zooms(np.linalg.norm(affine[:3, :3], axis=0))
        image.header.set_xyzt_units(unit)
        nibabel.save(image, folder / f"image.{ending}")
        return folder / f"image.{ending}"

    return write


def itk(ending: str) -> Write:
    """Whatever SimpleITK writes for a name with this ending."""

    def write(volume: Volume, folder: Path) -> Path:
        sitk.WriteImage(itk_image(volume), str(folder / f"image{ending}"))
        return folder / f"image{ending}"

    return write


def itk_image(volume: Volume) -> sitk.Image:
    """The volume as SimpleITK holds it."""
    image = sitk.GetImageFromArray(volume.values)
    image.SetOrigin(volume.grid.origin.tolist())
    image.SetSpacing(volume.grid.spacing.tolist())
    image.SetDirection(volume.grid.direction.ravel().tolist())
    return image


def nrrd_in_ras(volume: Volume, folder: Path) -> Path:
    """NRRD whose header speaks of right, anterior and superior."""
    affine = TO_RAS @ volume.grid.affine
    kinds = {"int16": "short", "float32": "float", "float64": "double"}
    columns = " ".join(vector(affine[:3, axis]) for axis in range(3))
    header = (
        f"NRRD0004\ntype: {kinds[volume.values.dtype.name]}\ndimension: 3\nspace: right-anterior-superior\n"
        f"sizes: {' '.join(map(str, volume.grid.size))}\nspace directions: {columns}\nkinds: domain domain domain\n"
        f"endian: little\nencoding: raw\nspace origin: {vector(affine[:3, 3])}\n\n"
    )
    values = volume.values.astype(volume.values.dtype.newbyteorder("<"))
    (folder / "image.nrrd").write_bytes(header.encode() + values.tobytes())
    return folder / "image.nrrd"


def vector(values: np.ndarray) -> str:
    return f"({','.join(repr(float(value)) for value in values)})"


def dicom(volume: Volume, folder: Path, tags: dict[str, str] | None = None) -> Path:
    """A CT series with one slice a file, further ``tags`` in each; whole intensities only."""
    grid, writer = volume.grid, sitk.ImageFileWriter()
    writer.KeepOriginalImageUIDOn()
    numbers = "\\".join(f"{value:.12g}"[:16] for value in grid.direction.T[:2].ravel())
    for n in range(grid.size[2]):
        image = sitk.GetImageFromArray(volume.values[n : n + 1].astype(np.int16))
        image.SetSpacing(grid.spacing.tolist())
        place = "\\".join(f"{value:.12g}"[:16] for value in grid.to_world([0, 0, n]))
        own = {MODALITY: "CT", SERIES: "1.2.3.4", STUDY: "1.2.3", NUMBER: str(n), POSITION: place, AXES: numbers, INSTANCE: f"1.2.3.4.{n}"}
        for key, value in {**own, **(tags or {})}.items():
            image.SetMetaData(key, value)
        writer.SetFileName(str(folder / f"slice-{n:03d}.dcm"))
        writer.Execute(image)
    return folder


FORMATS: dict[str, Write] = {
    "NIfTI, sform and qform": nifti(1, 1),
    "NIfTI, sform alone": nifti(1, 0, ending="nii"),
    "NIfTI, qform alone": nifti(0, 1),
    "NIfTI, sform of code 2, qform of code 1": nifti(2, 1),
    "NIfTI in metres": nifti(1, 1, "meter"),
    "NIfTI in micrometres": nifti(1, 1, "micron"),
    "NRRD in LPS": itk(".nrrd"),
    "NRRD in RAS": nrrd_in_ras,
    "MetaImage, one file": itk(".mha"),
    "MetaImage, two files": itk(".mhd"),
    "DICOM series": dicom,
}


def through_file(volume: Volume, write: Write, folder: Path) -> Volume:
    """Write, and read again as the command line does."""
    folder.mkdir(parents=True)
    return read_image(write(volume, folder), lambda _: None)
