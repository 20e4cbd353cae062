"""Transforms from files and to files: ITK's formats and the model file."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt
import scipy.io
import SimpleITK as sitk

from inr_registration.core import model_file
from inr_registration.core.errors import InputError
from inr_registration.core.grid import Grid
from inr_registration.core.result import ModelState, SplineTransform
from inr_registration.core.sizes import MODEL_BYTES, check_size
from inr_registration.io.fields import FIELD_FORMATS, Say, read_field
from inr_registration.io.foreign import what_it_is
from inr_registration.io.linear_texts import DIRECTION, read_lta, read_xfm
from inr_registration.io.room import check_room
from inr_registration.io.silence import ITK_ERRORS, silent_libraries
from inr_registration.io.text_headers import check_transform_text

MODEL = ".safetensors"
HDF5 = (".h5", ".hdf5", ".hdf")
TRANSFORM_TEXTS = (".tfm", ".txt")
ITK_FORMATS = (*HDF5, *TRANSFORM_TEXTS, ".mat")
LINEAR_TEXTS = {".xfm": read_xfm, ".lta": read_lta}
DEGREE = 3
PATIENCE_S = 300
LONGEST = 2**31


def to_itk(transform: SplineTransform) -> sitk.CompositeTransform:
    """The same map as an ITK composite: the affine after the B-spline.

    ITK describes a lattice by the region where all control points of the spline exist: it starts one control point
    in and is ``degree`` cells smaller than there are control points.
    """
    affine = affine_to_itk(transform.affine)
    cells = np.array(transform.coefficients.shape[2::-1]) - DEGREE  # (nk, nj, ni, 3) -> ni, nj, nk
    spline = sitk.BSplineTransform(3, DEGREE)
    spline.SetTransformDomainMeshSize(cells.tolist())
    spline.SetTransformDomainDirection(transform.direction.ravel().tolist())
    spline.SetTransformDomainOrigin((transform.origin + transform.direction @ transform.spacing).tolist())
    spline.SetTransformDomainPhysicalDimensions((transform.spacing * cells).tolist())
    spline.SetParameters(np.moveaxis(transform.coefficients, -1, 0).astype(np.float64).ravel().tolist())
    composite = sitk.CompositeTransform(3)
    composite.AddTransform(affine)
    composite.AddTransform(spline)  # the last one added is applied first
    return composite


BYTES, OVERHEAD = 8, 2**16
"""Of a number in a transform file, and of all else in it."""


def write_transform(path: Path, transform: SplineTransform) -> None:
    """Write the map in ITK's format.

    Raises:
        OSError: It cannot be written.
    """
    write_itk(path, to_itk(transform), BYTES * transform.coefficients.size)


def write_itk(path: Path, held: sitk.Transform, size: int = 0) -> None:
    """Write a transform in ITK's format; ``size`` bytes are made sure of.

    Raises:
        OSError: It cannot be written.
    """
    _make_room(path, size + OVERHEAD)
    try:
        sitk.WriteTransform(held, str(path))
    except RuntimeError as error:
        raise OSError(f"{path.name}: {str(error).splitlines()[-1]}") from error


def _make_room(path: Path, size: int) -> None:
    """Fill a file of this size and remove it: where there is no room, HDF5 would bring the whole process down."""
    try:
        with path.open("wb") as stream:
            for _ in range(size // OVERHEAD + 1):
                stream.write(bytes(OVERHEAD))
            stream.flush()
            os.fsync(stream.fileno())
    finally:
        path.unlink(missing_ok=True)


def read_transform(path: str | os.PathLike[str], say: Say = lambda _: None) -> sitk.Transform:
    """Read any 3D transform, fixed point to moving point, LPS mm; an image of displacement vectors counts as one.

    Args:
        path: ITK's formats, linear ones of MINC (.xfm) and FreeSurfer (.lta), or a field in NIfTI, NRRD or MetaImage.
        say: Takes what was assumed.

    Raises:
        InputError: It cannot be read, it is not of 3D points, or it goes from moving to fixed points and cannot be inverted here.
    """
    transform, backwards = read_either_way(path, say)
    if backwards:
        remedy = "save it the other way, or carry images and points with it by 'inr-register apply', which inverts it"
        raise InputError(f"{Path(path).name}: this field goes from moving to fixed points ('modeling'); {remedy}")
    return transform


def read_either_way(path: str | os.PathLike[str], say: Say = lambda _: None) -> tuple[sitk.Transform, bool]:
    """The same, and whether the transform goes from moving to fixed points, as a field can say of itself.

    Raises:
        InputError: It cannot be read, or it is not of 3D points.
    """
    file = _existing(path)
    try:
        with silent_libraries():
            transform, backwards = _any_transform(file, say)
    except InputError as error:
        raise InputError(str(error) if str(error).startswith(file.name) else f"{file.name}: {error}") from error
    except OSError as error:
        raise InputError(f"{file.name}: cannot be read ({error.strerror}); check its permissions") from error
    except ITK_ERRORS as error:
        known = what_it_is(file)
        damaged = "cannot be read as an ITK transform; its content is damaged or not what its name says"
        raise InputError(f"{file.name}: {known or damaged}") from error
    if transform.GetDimension() != 3:
        raise InputError(f"{file.name}: this transform is of {transform.GetDimension()}D points; give one of 3D points")
    return transform, backwards


def _any_transform(file: Path, say: Say) -> tuple[sitk.Transform, bool]:
    ending = file.suffix.lower()
    if file.name.lower().endswith(FIELD_FORMATS):
        return read_field(file, say)
    if ending in LINEAR_TEXTS:
        say(f"{file.name} {DIRECTION}")
        return affine_to_itk(LINEAR_TEXTS[ending](file)), False
    if ending in ITK_FORMATS:
        check_transform_text(file)
        if ending in HDF5:
            _try_apart(file)
        return _of_itk(file), False
    known = what_it_is(file)
    raise InputError(known or f"not a transform; give {MODEL}, {', '.join((*ITK_FORMATS, *LINEAR_TEXTS))} or an image of displacements")


def _of_itk(file: Path) -> sitk.Transform:
    """Read by ITK, which knows formats by small letters only and takes the first of several transforms without a word.

    Raises:
        InputError: There are several.
    """
    with tempfile.TemporaryDirectory() as folder:
        named = file
        if file.suffix != file.suffix.lower():
            named = Path(folder) / f"transform{file.suffix.lower()}"
            shutil.copyfile(file, named)
        count = transforms_in(named)
        if count > 1:
            raise InputError(
                f"holds {count} transforms and does not say how they belong together: one after another, or one for each of several "
                "images; save the one that is meant, or all of them as one composite"
            )
        return sitk.ReadTransform(str(named))


def transforms_in(file: Path) -> int:
    """How many transforms lie side by side in a file of ITK; a composite counts as one."""
    if file.suffix in TRANSFORM_TEXTS:
        kinds = re.findall(r"^Transform:\s*(\S+)", file.read_text(encoding="utf-8"), re.MULTILINE)
    elif file.suffix in HDF5:
        with h5py.File(file, "r") as content:
            group = content.get("TransformGroup", {})
            kinds = [_text(group[key]["TransformType"][()]) for key in sorted(group, key=int)]
    else:
        try:
            kinds = [name for name, _, _ in scipy.io.whosmat(str(file)) if name != "fixed"]
        except Exception as error:  # damaged files make scipy raise errors of many unrelated kinds
            raise ValueError("not a file of MATLAB 4") from error
    return 1 if kinds and kinds[0].startswith("CompositeTransform") else len(kinds)


def _text(value: object) -> str:
    value = value[0] if isinstance(value, np.ndarray) and value.size else value
    return value.decode() if isinstance(value, bytes) else str(value)


def affine_to_itk(matrix: npt.NDArray[np.float64]) -> sitk.AffineTransform:
    """An affine map, (4, 4) LPS mm."""
    affine = sitk.AffineTransform(3)
    affine.SetMatrix(matrix[:3, :3].ravel().tolist())
    affine.SetTranslation(matrix[:3, 3].tolist())
    return affine


def _try_apart(file: Path) -> None:
    """Read a file in a process of its own first: over some damage the HDF5 library ends its process, or hangs.

    Raises:
        ValueError: It cannot be read.
    """
    code = "import sys, SimpleITK; SimpleITK.ReadTransform(sys.argv[1])"
    try:
        done = subprocess.run([sys.executable, "-c", code, str(file.resolve())], capture_output=True, timeout=PATIENCE_S, check=False)
    except subprocess.TimeoutExpired as error:
        raise ValueError("reading does not end") from error
    if done.returncode != 0:
        raise ValueError(f"reading ends with status {done.returncode}")


def read_linear(path: str | os.PathLike[str], say: Say = lambda _: None) -> npt.NDArray[np.float64]:
    """Read a linear transform as a (4, 4) matrix, LPS mm; ``say`` takes what was assumed.

    Raises:
        InputError: It cannot be read, or it is not linear.
    """
    transform = read_transform(path, say)
    if not transform.IsLinear():
        raise InputError(f"{Path(path).name}: this transform is not linear ({transform.GetName()}); give a rigid or affine one")
    return linear_matrix(transform)


def linear_matrix(transform: sitk.Transform) -> npt.NDArray[np.float64]:
    """The (4, 4) matrix of a linear transform, from where it takes the origin and the unit vectors."""
    ends = np.array([transform.TransformPoint(point.tolist()) for point in np.vstack([np.zeros(3), np.eye(3)])])
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = (ends[1:] - ends[0]).T, ends[0]
    return matrix


def is_model_file(path: str | os.PathLike[str]) -> bool:
    """Whether a name is that of a model file."""
    return Path(path).suffix.lower() == MODEL


def write_model(path: Path, state: ModelState, **extra: Any) -> None:
    """Write a model with further metadata; the file alone suffices to evaluate it again."""
    path.write_bytes(model_file.to_bytes(state, **extra))


def read_model(path: str | os.PathLike[str]) -> ModelState:
    """Read a model file.

    Raises:
        InputError: It is not one.
    """
    file = _existing(path)
    try:
        check_size(file.stat().st_size, MODEL_BYTES, "the file", "give the model.safetensors that inr-register wrote")
        return model_file.from_bytes(file.read_bytes())
    except InputError as error:
        raise InputError(f"{file.name}: {error}") from error
    except OSError as error:
        raise InputError(f"{file.name}: cannot be read ({error.strerror}); check its permissions") from error


def grid_to_json(grid: Grid) -> dict[str, Any]:
    """A grid for metadata."""
    return {"size": list(grid.size), "affine": grid.affine.tolist()}


def grid_from_json(data: Any) -> Grid:
    """The grid that ``grid_to_json`` wrote.

    Raises:
        InputError: It is none, or of more voxels than fit into memory.
    """
    try:
        i, j, k = (int(n) for n in data["size"])
        if max(i, j, k) > LONGEST:
            raise ValueError(f"no image has {max(i, j, k)} voxels along an axis")
        grid = Grid((i, j, k), np.array(data["affine"], dtype=np.float64))
    except (LookupError, TypeError, ValueError, OverflowError) as error:
        raise InputError(f"the model file is damaged: it describes a grid by {repr(data)[:200]}; save it again") from error
    check_room(grid.size, np.dtype(np.float32).itemsize)
    return grid


def _existing(path: str | os.PathLike[str]) -> Path:
    file = Path(path)
    if not file.is_file():
        raise InputError(f"{path}: there is no such transform file; check the path")
    return file
