"""Images of vectors as transforms: displacements or positions, and which way they go."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from pathlib import Path

import nibabel
import numpy as np
import numpy.typing as npt
import SimpleITK as sitk

from inr_registration.core.errors import InputError
from inr_registration.core.grid import Grid
from inr_registration.io.room import check_room
from inr_registration.io.text_headers import check_meta_header
from inr_registration.io.units import RAS_TO_LPS

Array = npt.NDArray[np.float64]
Say = Callable[[str], None]

NIFTI = (".nii", ".nii.gz")
FIELD_FORMATS = (*NIFTI, ".nrrd", ".nhdr", ".mha", ".mhd")
SIGNS = np.diag(RAS_TO_LPS)[:3]
"""Of a vector in RAS, to have it in LPS."""
DISPLACEMENTS, VECTORS = 1006, 1007
"""NIfTI intents: the first is in RAS by the standard; ITK and its kin write the second, in LPS."""
FNIRT = range(2006, 2020)
WAY = re.compile(r"displacement[ _]?field[ _]?type")
FORWARDS, BACKWARDS = "resampling", "modeling"
"""What Slicer writes into NRRD fields: from fixed to moving points, or the other way."""
ALIKE = 0.97
"""Vectors that correlate by more with the positions where they lie are positions, not displacements."""


def read_field(file: Path, say: Say) -> tuple[sitk.Transform, bool]:
    """An image of vectors as a transform.

    Args:
        file: NIfTI, NRRD or MetaImage, three values a voxel.
        say: Takes what was assumed.

    Returns:
        The transform, LPS mm, and whether it goes from moving to fixed points.

    Raises:
        InputError: It cannot be taken for one; the text says why.
    """
    if file.name.lower().endswith(NIFTI):
        image = _of_nifti(file, say)
        backwards = False
    else:
        check_meta_header(file)
        reader = sitk.ImageFileReader()
        reader.SetFileName(str(file))
        reader.ReadImageInformation()
        _check_vectors(reader.GetSize(), reader.GetNumberOfComponents())
        check_room(reader.GetSize(), 3 * np.dtype(np.float64).itemsize)
        backwards = _goes_backwards({key: reader.GetMetaData(key) for key in reader.GetMetaDataKeys()}, say)
        image = sitk.ReadImage(str(file), sitk.sitkVectorFloat64)
        _check_displacements(sitk.GetArrayViewFromImage(image), _grid_of(image))
    return sitk.DisplacementFieldTransform(image), backwards


def _check_vectors(size: tuple[int, ...], components: int) -> None:
    if len(size) != 3 or components != 3:
        seen = " x ".join(str(n) for n in size)
        raise InputError(f"an image of {seen} voxels with {components} value(s) each is no transform; give one of 3 values a voxel in 3D")


def _goes_backwards(header: dict[str, str], say: Say) -> bool:
    for key, value in header.items():
        if not WAY.fullmatch(key.strip().lower()):
            continue
        way = value.strip().lower()
        if way == BACKWARDS:
            say(f"its header says '{key}: {value}': it goes from moving to fixed points, and its inverse is used")
            return True
        if way != FORWARDS:
            raise InputError(f"its header says '{key}: {value}', where {FORWARDS} or {BACKWARDS} is known; save the field again")
    return False


def _of_nifti(file: Path, say: Say) -> sitk.Image:
    """Read by nibabel, which opens the very file that is named; the field is in LPS mm."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what is wrong with a file is said in one message of ours
        try:
            image = nibabel.load(file)
        except Exception as error:  # damaged files make nibabel raise errors of many unrelated kinds
            raise InputError("cannot be read as NIfTI; its content is damaged or not what its name says") from error
        if not isinstance(image, nibabel.Nifti1Image):
            raise InputError(f"this is not NIfTI but {type(image).__name__}; rename it, or convert it")
        header = image.header
        intent = int(header["intent_code"])
        name = bytes(header["intent_name"]).rstrip(b"\0").decode("latin-1").strip()
        described = bytes(header["descrip"]).rstrip(b"\0").decode("latin-1")
        _check_nifti(image, intent, name)
        try:
            vectors = np.asarray(image.dataobj, dtype=np.float64).reshape((*image.shape[:3], 3))
        except Exception as error:
            raise InputError("cannot be read to its end; its content is damaged") from error
    grid = Grid(image.shape[:3], RAS_TO_LPS @ image.affine)
    if grid.is_sheared:
        raise InputError("its axes are not at right angles, which an ITK field cannot hold; resample it")
    vectors = vectors.transpose(2, 1, 0, 3)
    if name.lower() == "mapping":
        say("holds positions in RAS mm, as SPM writes them; they were turned into displacements")
        return _as_image(vectors * SIGNS - _positions(grid), grid)
    if intent == DISPLACEMENTS:
        vectors = vectors * SIGNS
    _check_displacements(vectors, grid, described)
    return _as_image(vectors, grid)


def _check_nifti(image: nibabel.Nifti1Image, intent: int, name: str) -> None:
    shape = image.shape
    if intent in FNIRT:
        raise InputError(
            "this is a warp of FSL, in FSL's own coordinates, which need both images; convert it (wb_command -convert-warpfield)"
        )
    if name.startswith("NREG_TRANS"):
        raise InputError("this is a transform of NiftyReg; have it saved as a displacement field by reg_transform, as ITK reads it")
    if len(shape) != 5 or shape[3:] != (1, 3):
        seen = " x ".join(str(n) for n in shape)
        raise InputError(f"an image of {seen} values is no transform; a field has the dimensions i x j x k x 1 x 3 in NIfTI")
    if intent not in (DISPLACEMENTS, VECTORS):
        raise InputError(f"its header does not say that its values are vectors (intent {intent}); set intent 1007 (LPS) or 1006 (RAS)")
    (qform, qcode), (sform, scode) = image.get_qform(coded=True), image.get_sform(coded=True)
    if qcode > 0 and scode > 0:
        ends = np.array([[*picked, 1] for picked in np.ndindex(2, 2, 2)]) * [*shape[:3], 1]
        apart = np.abs(ends @ (qform - sform).T).max()
        if apart > 0.01 * min(image.header.get_zooms()[:3]) * max(1, max(shape[:3]) / 100):
            raise InputError(f"its qform and sform place it {apart:.3g} mm apart; repair the header")
    if image.header.get_xyzt_units()[0] not in ("mm", "unknown"):
        raise InputError(f"its lengths are in {image.header.get_xyzt_units()[0]}s; save it with lengths in mm")
    check_room(shape[:3], 3 * np.dtype(np.float64).itemsize)


def _positions(grid: Grid) -> Array:
    """World positions of all voxels in double precision, (k, j, i, 3)."""
    k, j, i = np.meshgrid(*(np.arange(n, dtype=np.float64) for n in grid.shape), indexing="ij")
    return grid.to_world(np.stack([i, j, k], axis=-1))


def _check_displacements(vectors: Array, grid: Grid, described: str = "") -> None:
    """Refuse positions, in RAS or LPS: displacements that grow by a mm for each mm along all axes are not those of a registration."""
    sparse = tuple(slice(None, None, max(n // 32, 1)) for n in grid.shape)
    seen, places = (array[sparse].reshape(-1, 3) for array in (vectors, _positions(grid)))
    known = np.isfinite(seen).all(axis=1)
    if known.sum() < 8:
        if known.any() or not np.isfinite(vectors).any():
            raise InputError("next to none of its vectors are finite; save the field again")
        return
    seen, places = seen[known], places[known]
    spread = places.std(axis=0), seen.std(axis=0)
    if min(spread[0].min(), spread[1].min()) <= 0:
        return
    for a, b in zip(seen.T, places.T, strict=True):
        slope = np.polyfit(b - b.mean(), a, 1)[0]
        if abs(np.corrcoef(a, b)[0, 1]) < ALIKE or not 0.5 < abs(slope) < 2:
            return
    raise InputError(
        f"its values are positions, not displacements{f' ({described})' if described else ''}: they grow with the place along every axis; "
        "subtract each voxel's own position (LPS mm), or name the intent 'Mapping' where they are RAS mm as in SPM"
    )


def _grid_of(image: sitk.Image) -> Grid:
    return Grid.from_geometry(image.GetSize(), image.GetSpacing(), image.GetOrigin(), image.GetDirection())


def _as_image(vectors: Array, grid: Grid) -> sitk.Image:
    image = sitk.GetImageFromArray(np.ascontiguousarray(vectors), isVector=True)
    image.SetOrigin(grid.origin.tolist())
    image.SetSpacing(grid.spacing.tolist())
    image.SetDirection(grid.direction.ravel().tolist())
    return image
