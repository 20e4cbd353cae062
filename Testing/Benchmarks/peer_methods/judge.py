"""One judge for all methods: accuracy, folding and smoothness of a transform's dense displacement on the fixed grid.

It uses SimpleITK and numpy alone, not the code that it judges. Every transform is first sampled at the voxel centres of the fixed image;
landmarks and labels are then mapped by linear interpolation of that field, so that no method gains by its own representation.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
CLIPPED = (1e-3, 1e3)
"""Determinants are held to this range before the logarithm is taken."""


def judge(pair: Path, transform: Path | None) -> dict[str, float]:
    """Measure one transform.

    Args:
        pair: Folder of the pair.
        transform: ITK file of the map from fixed to moving points; None is "before".

    Returns:
        ``tre`` and ``tre_sd`` in mm where there are landmarks, ``dice`` (mean over labels) where there are labels;
        ``fold_mask`` and ``fold_all``: % of voxels with det J <= 0 by central differences, in the mask and in the whole image but for its
        border voxels, which have no central difference; ``strict_mask`` and ``strict_all``: % of voxels with det J <= 0 in
        any of the eight combinations of forward and backward differences that exist there; ``sd_log_det`` in the mask.
    """
    fixed = sitk.ReadImage(str(pair / "fixed.nii.gz"), sitk.sitkFloat32)
    given = sitk.Transform(3, sitk.sitkIdentity) if transform is None else sitk.ReadTransform(str(transform))
    field = sitk.TransformToDisplacementField(
        given, sitk.sitkVectorFloat64, fixed.GetSize(), fixed.GetOrigin(), fixed.GetSpacing(), fixed.GetDirection()
    )
    axes = np.array(fixed.GetDirection()).reshape(3, 3) * np.array(fixed.GetSpacing())
    smooth = smoothness(sitk.GetArrayFromImage(field), axes, _mask(pair, fixed))
    return smooth | accuracy(pair, sitk.DisplacementFieldTransform(field))


def accuracy(pair: Path, phi: sitk.Transform) -> dict[str, float]:
    """Landmark error and overlap of labels."""
    seen: dict[str, float] = {}
    if (pair / "fixed_landmarks.csv").exists():
        fixed, moving = (
            np.loadtxt(pair / f"{side}_landmarks.csv", delimiter=",", skiprows=1, ndmin=2)[:, :3] for side in ("fixed", "moving")
        )
        mapped = np.array([phi.TransformPoint(point) for point in fixed.tolist()])
        error = np.linalg.norm(mapped - moving, axis=1)
        seen |= {"tre": float(error.mean()), "tre_sd": float(error.std())}
    if (pair / "fixed_labels.nii.gz").exists():
        first, second = (sitk.ReadImage(str(pair / f"{side}_labels.nii.gz")) for side in ("fixed", "moving"))
        warped = sitk.GetArrayFromImage(sitk.Resample(second, first, phi, sitk.sitkNearestNeighbor, 0))
        kept = sitk.GetArrayFromImage(first)
        scores = [2 * np.sum((kept == k) & (warped == k)) / (np.sum(kept == k) + np.sum(warped == k)) for k in _labels(pair, kept, second)]
        seen["dice"] = float(np.mean(scores))
    return seen


def smoothness(displacement: Array, axes: Array, mask: Mask) -> dict[str, float]:
    """Folding and the spread of the volume change.

    Args:
        displacement: (k, j, i, 3) LPS mm.
        axes: (3, 3) the columns are the steps in mm from a voxel to the next along i, j, k.
        mask: (k, j, i).
    """
    inner = (slice(1, -1),) * 3
    central = _det([_difference(displacement, d, 2)[_others(d)] / 2 for d in range(3)], axes)
    inside = central[mask[inner]]
    folded = np.zeros(mask.shape, dtype=bool)
    for corner, det in corners(displacement, axes):
        folded[corner] |= det <= 0
    return {
        "fold_mask": _percent(inside <= 0),
        "fold_all": _percent(central <= 0),
        "strict_mask": _percent(folded[mask]),
        "strict_all": _percent(folded),
        "sd_log_det": float(np.log(np.clip(inside, *CLIPPED)).std()),
    }


def corners(displacement: Array, axes: Array) -> Iterator[tuple[tuple[slice, ...], Array]]:
    """Each combination of forward (0) and backward (1) differences: the voxels that have it, and their det J."""
    steps = [_difference(displacement, d, 1) for d in range(3)]
    for sides in product((0, 1), repeat=3):
        voxels = tuple(slice(1, None) if side else slice(None, -1) for side in sides)  # i, j, k
        columns = []
        for d, step in enumerate(steps):
            index = list(voxels)
            index[d] = slice(None)  # the difference between two voxels is forward at the first and backward at the second
            columns.append(step[tuple(reversed(index))])
        yield tuple(reversed(voxels)), _det(columns, axes)


def _difference(displacement: Array, d: int, reach: int) -> Array:
    """Difference over ``reach`` voxels along world axis number d of the grid (i, j, k are the array's axes 2, 1, 0)."""
    low, high = [slice(None)] * 3, [slice(None)] * 3
    low[2 - d], high[2 - d] = slice(None, -reach), slice(reach, None)
    return displacement[tuple(high)] - displacement[tuple(low)]


def _others(d: int) -> tuple[slice, ...]:
    """Inner voxels along the two axes that a central difference along d leaves as they are."""
    return tuple(slice(None) if axis == 2 - d else slice(1, -1) for axis in range(3))


def _det(columns: list[Array], axes: Array) -> Array:
    """det(A + D) / det(A), with A the voxel axes and the columns of D the differences of u along them; plain sums, for speed."""
    x, y, z = (column + axes[:, d] for d, column in enumerate(columns))
    det = x[..., 0] * (y[..., 1] * z[..., 2] - y[..., 2] * z[..., 1])
    det += x[..., 1] * (y[..., 2] * z[..., 0] - y[..., 0] * z[..., 2])
    det += x[..., 2] * (y[..., 0] * z[..., 1] - y[..., 1] * z[..., 0])
    return np.asarray(det / np.linalg.det(axes))


def _percent(where: Mask) -> float:
    return 100 * float(where.mean())


def _mask(pair: Path, fixed: sitk.Image) -> Mask:
    """The fixed labels where they lie on the fixed grid, else the Otsu foreground."""
    if (pair / "fixed_labels.nii.gz").exists():
        labels = sitk.GetArrayFromImage(sitk.ReadImage(str(pair / "fixed_labels.nii.gz")))
        if labels.shape == tuple(reversed(fixed.GetSize())):
            return np.asarray(labels > 0)
    return np.asarray(sitk.GetArrayFromImage(sitk.OtsuThreshold(fixed, 0, 1)) > 0)


def _labels(pair: Path, fixed: npt.NDArray[np.int64], moving: sitk.Image) -> list[int]:
    """Labels that both images have; where ``meta.json`` names the pair's own list, those of it."""
    common = set(np.unique(fixed).tolist()) & set(np.unique(sitk.GetArrayFromImage(moving)).tolist()) - {0}
    meta = pair / "meta.json"
    chosen = json.loads(meta.read_text(encoding="utf-8")) if meta.exists() else {}
    named = chosen.get("before", {}).get("dice", {}).get("per_label")
    return sorted(label for label in common if not named or str(int(label)) in named)
