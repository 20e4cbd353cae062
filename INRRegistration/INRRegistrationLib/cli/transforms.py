"""Transforms from files and to files: ITK's formats and the model file."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk

from INRRegistrationLib.cli.room import check_room
from INRRegistrationLib.cli.silence import ITK_ERRORS, silent_libraries
from INRRegistrationLib.cli.text_headers import check_meta_header, check_transform_text
from INRRegistrationLib.core import model_file
from INRRegistrationLib.core.errors import InputError
from INRRegistrationLib.core.grid import Grid
from INRRegistrationLib.core.result import ModelState, SplineTransform
from INRRegistrationLib.core.sizes import MODEL_BYTES, check_size

MODEL = ".safetensors"
HDF5 = (".h5", ".hdf5", ".hdf")
ITK_FORMATS = (*HDF5, ".tfm", ".txt", ".mat", ".xfm")
FIELD_FORMATS = (".nii", ".nii.gz", ".nrrd", ".mha", ".mhd")
DEGREE = 3
PATIENCE_S = 300
LONGEST = 2**31


def to_itk(transform: SplineTransform) -> sitk.CompositeTransform:
    """The same map as an ITK composite: the affine after the B-spline.

    ITK describes a lattice by the region where all control points of the spline exist: it starts one control point
    in and is ``degree`` cells smaller than there are control points.
    """
    affine = sitk.AffineTransform(3)
    affine.SetMatrix(transform.affine[:3, :3].ravel().tolist())
    affine.SetTranslation(transform.affine[:3, 3].tolist())
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
    held = to_itk(transform)
    _make_room(path, BYTES * transform.coefficients.size + OVERHEAD)
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


def read_transform(path: str | os.PathLike[str]) -> sitk.Transform:
    """Read any 3D ITK transform; an image of displacement vectors (LPS mm) counts as one.

    Raises:
        InputError: It cannot be read, or it is not of 3D points.
    """
    file = _existing(path)
    try:
        with silent_libraries():
            transform = _any_transform(file)
    except OSError as error:
        raise InputError(f"{file.name}: cannot be read ({error.strerror}); check its permissions") from error
    except ITK_ERRORS as error:
        raise InputError(f"{file.name}: cannot be read as an ITK transform; its content is damaged or not what its name says") from error
    if transform.GetDimension() != 3:
        raise InputError(f"{file.name}: this transform is of {transform.GetDimension()}D points; give one of 3D points")
    return transform


def _any_transform(file: Path) -> sitk.Transform:
    if file.name.lower().endswith(FIELD_FORMATS):
        try:
            check_meta_header(file)
        except InputError as error:
            raise InputError(f"{file.name}: {error}") from error
        return sitk.DisplacementFieldTransform(sitk.ReadImage(str(file), sitk.sitkVectorFloat64))
    if file.suffix.lower() in ITK_FORMATS:
        check_transform_text(file)
        if file.suffix.lower() in HDF5:
            _try_apart(file)
        return sitk.ReadTransform(str(file))
    raise InputError(f"{file.name}: not a transform; give {MODEL}, {', '.join(ITK_FORMATS)} or an image of displacements")


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


def read_linear(path: str | os.PathLike[str]) -> npt.NDArray[np.float64]:
    """Read a linear ITK transform as a (4, 4) matrix, LPS mm.

    Raises:
        InputError: It cannot be read, or it is not linear.
    """
    transform = read_transform(path)
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
