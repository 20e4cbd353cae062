"""What a header leaves open about where its voxels lie, in words for the user."""

from __future__ import annotations

import warnings
from pathlib import Path

import nibabel
import numpy as np
import SimpleITK as sitk
from PIL import Image

from inr_registration.core.grid import Grid
from inr_registration.io.data_parts import nrrd_header
from inr_registration.io.text_headers import meta_header
from inr_registration.io.units import NIFTI_MM, RAS_TO_LPS

APART = 0.05
"""Two places of a voxel are two where they are further apart than this share of the smallest spacing."""
BEYOND = "there are {} bytes of voxels more than the header declares, which are left out; see whether its sizes and type are right"
PLAIN = {"VTKImageIO": "VTK", "GiplImageIO": "GIPL", "BioRadImageIO": "BioRad", "StimulateImageIO": "Stimulate"}
PAGES = {"TIFFImageIO": "TIFF", "LSMImageIO": "LSM"}
DESCRIPTION = 270
"""The tag of a TIFF file with what programs say about it."""
AXES = ("TransformMatrix", "Rotation", "Orientation")


def of_nifti(image: nibabel.Nifti1Image, raw_pixdim: np.ndarray, taken: Grid) -> list[str]:
    """What is to be said of a NIfTI header.

    Args:
        image: As nibabel has it.
        raw_pixdim: The spacing as it stands in the file, (3,).
        taken: The grid that is used.
    """
    qcode, scode = int(image.header["qform_code"]), int(image.header["sform_code"])
    if qcode <= 0 and scode <= 0:
        return [no_orientation(taken, "qform_code and sform_code are 0")]
    notes = []
    forms = {name: grid for name in ("qform", "sform") if (grid := form(image, name)) is not None}
    limit = APART * float(taken.spacing.min())
    if len(forms) == 2 and (apart := far(*forms.values())) > limit:
        near = min(forms, key=lambda name: far(taken, forms[name]))
        other = next(name for name in forms if name != near)
        words = f"qform (code {qcode}) and sform (code {scode}) place voxels up to {apart:.3g} mm apart"
        notes.append(f"{words}; the {near} is taken, as ITK and Slicer do; other programs may take the {other}")
    elif (apart := far(taken, _grid(image, image.affine))) > limit:
        notes.append(
            f"voxels are placed as by ITK and Slicer, up to {apart:.3g} mm from where nibabel, FSL and SPM have them; repair the header"
        )
    norms = np.linalg.norm(image.affine[:3, :3], axis=0)
    if scode > 0 and (np.abs(np.abs(raw_pixdim) / norms - 1) > APART).any():
        seen = f"pixdim says {_list(raw_pixdim)}, the sform {_list(norms)}"
        notes.append(f"the header gives two voxel sizes ({seen}); {_list(taken.spacing)} mm is taken; repair the header")
    return notes


def of_other(path: Path, io: str, reader: sitk.ImageFileReader) -> list[str]:
    """What is to be said of a header of another format that ITK reads."""
    size, spacing = reader.GetSize()[:3], reader.GetSpacing()[:3]
    direction = np.reshape(reader.GetDirection(), (reader.GetDimension(),) * 2)[:3, :3]
    grid = Grid.from_geometry((size[0], size[1], size[2]), spacing, reader.GetOrigin()[:3], direction)
    if io in PAGES:
        return [
            f"a {PAGES[io]} file holds neither slice distance nor place nor orientation: {_list(spacing)} mm, origin 0 and axes to "
            f"L, P, S are taken{_by_imagej(path)}; convert it to NRRD with the true spacing where that is wrong"
        ]
    if io == "MRCImageIO":
        return [f"the lengths of an MRC file are in ångström and are taken as mm, as ITK does: spacing {_list(spacing)}"]
    if io in PLAIN:
        return [no_orientation(grid, f"a {PLAIN[io]} file holds none")]
    if io == "NiftiImageIO":
        image = nibabel.load(path)  # both read .hdr and .img
        if isinstance(image, nibabel.Nifti1Pair):
            return of_nifti(image, np.asarray(image.header["pixdim"][1:4]), grid)
        return [no_orientation(grid, "an Analyze file holds none")]
    if io == "MetaImageIO":
        return _of_meta(path, grid)
    return _of_nrrd(path, grid) if io == "NrrdImageIO" else []


def no_orientation(grid: Grid, why: str) -> str:
    """The sentence about an image whose orientation is unknown."""
    letters = "".join(("LR", "PA", "SI")[int(np.argmax(np.abs(axis)))][int(axis[np.argmax(np.abs(axis))] < 0)] for axis in grid.direction.T)
    axes = ", ".join(letters)
    return (
        f"the header gives no orientation ({why}): axes to {axes} and origin {_list(grid.origin)} are taken, as ITK and Slicer do; "
        "left and right may be exchanged"
    )


def _by_imagej(path: Path) -> str:
    """What ImageJ has noted about the spacing in a TIFF file; ITK does not look there."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with Image.open(path) as image:
                text = str(image.tag_v2.get(DESCRIPTION, ""))
        except (OSError, SyntaxError, ValueError, AttributeError):
            return ""
    noted = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
    return f" (ImageJ has noted a slice distance of {noted['spacing'][:20]} {noted.get('unit', '')[:20]})" if "spacing" in noted else ""


def _of_meta(path: Path, grid: Grid) -> list[str]:
    fields, _ = meta_header(path)
    notes = [] if any(name in fields for name in AXES) else [no_orientation(grid, "TransformMatrix is missing")]
    if "ElementSpacing" not in fields and "ElementSize" not in fields:
        notes.append(f"the header gives no voxel size (ElementSpacing); {_list(grid.spacing)} mm is taken")
    return notes


def _of_nrrd(path: Path, grid: Grid) -> list[str]:
    fields, _, _ = nrrd_header(path)
    notes = []
    if "space directions" not in fields:
        notes.append(no_orientation(grid, "'space directions' is missing"))
        if "spacings" not in fields:
            notes.append(f"the header gives no voxel size; {_list(grid.spacing)} mm is taken")
    elif "space" not in fields and fields.get("space dimension", "3") == "3":  # of four axes no file of ITK says it
        notes.append(no_orientation(grid, "'space' is missing"))
    return notes


def form(image: nibabel.Nifti1Image, name: str) -> Grid | None:
    """The grid by the ``qform`` or the ``sform`` of a header; None where it has none, or one that says nothing."""
    if int(image.header[f"{name}_code"]) <= 0:
        return None
    try:
        return _grid(image, getattr(image, f"get_{name}")())
    except Exception:  # quaternions that are none, axes that are not independent: nibabel raises errors of several kinds
        return None


def far(one: Grid, other: Grid) -> float:
    """The largest distance of a corner of one grid from the same of another, mm."""
    return float(np.linalg.norm(one.corners() - other.corners(), axis=1).max())


def _grid(image: nibabel.Nifti1Image, affine: np.ndarray) -> Grid:
    shape, unit = image.shape, NIFTI_MM.get(image.header.get_xyzt_units()[0], 1.0)
    return Grid((shape[0], shape[1], shape[2]), RAS_TO_LPS @ np.diag([unit, unit, unit, 1.0]) @ affine)


def _list(numbers: object) -> str:
    return " x ".join(f"{float(n):.4g}" for n in numbers)  # type: ignore[attr-defined]
