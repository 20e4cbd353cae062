"""Linear transforms in the text formats of MINC and FreeSurfer, as matrices of this package."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import numpy.typing as npt

from inr_registration.core.errors import InputError
from inr_registration.io.units import RAS_TO_LPS

Array = npt.NDArray[np.float64]

DIRECTION = "is taken as it is written by its program, from the moving to the fixed image, and in RAS; it was inverted"
NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
VOXELS, RAS = 0, 1
"""Kinds of LTA matrices: between voxel indices, and between positions in mm."""


def read_xfm(path: Path) -> Array:
    """The matrix of an MNI transform file, (4, 4), fixed point to moving point, LPS mm.

    Such a file goes from source to target, which are the moving and the fixed image, in RAS mm. Several linear parts are
    applied one after another, the first one first.

    Raises:
        InputError: A part is not linear.
        ValueError: The text is damaged.
    """
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    text = "\n".join(line for line in lines if not line.lstrip().startswith("%"))
    parts = re.split(r"Transform_Type\s*=", text)[1:]
    whole = np.eye(4)
    for part in parts:
        kind = part.partition(";")[0].strip()
        if kind != "Linear":
            raise InputError(f"holds a part of the kind '{kind[:40]}', of which only Linear can be read; convert it to an ITK transform")
        whole = _of_xfm(part) @ whole
    if not parts:
        raise ValueError("no transform")
    return _as_pulled(whole)


def _of_xfm(part: str) -> Array:
    found = re.search(r"Linear_Transform\s*=([^;]*);", part)
    numbers = _numbers(found[1] if found else "", 12)
    matrix = np.vstack([numbers.reshape(3, 4), [0, 0, 0, 1]])
    inverted = re.search(r"Invert_Flag\s*=\s*(\w+)", part)
    return _inverse(matrix) if inverted is not None and inverted[1] == "True" else matrix


def read_lta(path: Path) -> Array:
    """The matrix of a FreeSurfer LTA file, (4, 4), fixed point to moving point, LPS mm.

    Such a file goes from its source (the moving image) to its destination (the fixed one), between positions in scanner RAS
    or between voxel indices of the volumes that it describes.

    Raises:
        InputError: It holds several matrices, or a kind of them that is not known.
        ValueError: The text is damaged.
    """
    text = re.sub(r"#[^\n]*", "", path.read_text(encoding="utf-8", errors="replace"))
    count, kind = (_field(text, name) for name in ("nxforms", "type"))
    if count != 1:
        raise InputError(f"holds {count} matrices; save each in a file of its own")
    found = re.search(r"^\s*1\s+4\s+4\s*$", text, re.MULTILINE)
    if found is None:
        raise ValueError("no matrix")
    matrix = _numbers("\n".join(text[found.end() :].split("\n")[:5]), 16).reshape(4, 4)
    if kind == RAS:
        return _as_pulled(matrix)
    if kind == VOXELS:
        source, target = (_geometry(text, name) for name in ("src", "dst"))
        return _as_pulled(target @ matrix @ _inverse(source))
    raise InputError(f"holds a matrix of type {kind}; save it as one of type 0 (voxels) or 1 (RAS), as lta_convert does")


def _geometry(text: str, side: str) -> Array:
    """Voxel index to scanner RAS, (4, 4), of the volume that an LTA file calls its source or destination."""
    block = text.partition(f"{side} volume info")[2].partition("volume info")[0]
    if _field(block, "valid") != 1:
        raise InputError(f"does not say which geometry its {side} volume has, which its matrix between voxels needs; save it as RAS to RAS")
    size, spacing, *axes, centre = (_numbers(_line(block, name), 3) for name in ("volume", "voxelsize", "xras", "yras", "zras", "cras"))
    affine = np.eye(4)
    affine[:3, :3] = np.stack(axes, axis=1) * spacing
    affine[:3, 3] = centre - affine[:3, :3] @ (size / 2)
    return affine


def _line(text: str, name: str) -> str:
    found = re.search(rf"^\s*{name}\s*=\s*(.*)$", text, re.MULTILINE)
    if found is None:
        raise ValueError(f"no {name}")
    return found[1]


def _field(text: str, name: str) -> int:
    return int(_line(text, name).split()[0])


def _numbers(text: str, count: int) -> Array:
    words = text.split()
    if len(words) != count or not all(NUMBER.fullmatch(word) for word in words):
        raise ValueError(f"{count} numbers expected")
    return np.array([float(word) for word in words])


def _inverse(matrix: Array) -> Array:
    if not np.isfinite(matrix).all() or not np.allclose(matrix[3], [0, 0, 0, 1]) or abs(np.linalg.det(matrix)) < np.finfo(float).tiny:
        raise ValueError("not an invertible affine matrix")
    return np.asarray(np.linalg.inv(matrix))


def _as_pulled(matrix: Array) -> Array:
    """From moving to fixed points in RAS, as a matrix from fixed to moving points in LPS."""
    return np.asarray(RAS_TO_LPS @ _inverse(matrix) @ RAS_TO_LPS)
