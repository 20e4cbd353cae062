"""An image: values on a grid."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from inr_registration.core.errors import InputError
from inr_registration.core.grid import Grid

LARGEST = 1e38
"""Images are compared in single precision, which ends a little beyond; larger values count as undefined."""
TRACE = 1e-3
"""So small a share of its largest value is nothing in a mask."""


@dataclass(frozen=True, eq=False)
class Volume:
    """Values on a grid, read-only.

    Args:
        values: ``(k, j, i)`` array of a real type.
        grid: Where the voxels lie.
        name: What messages and reports call this image.

    Raises:
        InputError: The shape is not the grid's, or the values are not real numbers.
    """

    values: npt.NDArray[np.generic]
    grid: Grid
    name: str = "image"

    def __post_init__(self) -> None:
        values = np.asarray(self.values)
        if values.dtype.kind not in "biuf":
            raise InputError(f"{self.name}: voxels must be real numbers, got {values.dtype}; convert to a scalar image")
        if values.shape != self.grid.shape:
            raise InputError(f"{self.name}: array of shape {values.shape} does not fit the grid's {self.grid.shape} (k, j, i)")
        view = values.view()
        view.setflags(write=False)
        object.__setattr__(self, "values", view)

    def inside(self) -> npt.NDArray[np.bool_]:
        """Read the volume as a mask: where the values are positive, beyond traces of the largest one, (k, j, i)."""
        if self.values.dtype == np.bool_:
            return self.values.view(np.bool_)
        return np.asarray(np.greater(self.values, self.traces()), dtype=np.bool_)

    def traces(self) -> float:
        """Positive values of a mask up to this one are what interpolation and rounding leave of 0; 0 for whole numbers."""
        if self.values.dtype.kind != "f":
            return 0.0
        return TRACE * float(np.max(self.values, initial=0.0, where=np.isfinite(self.values)))

    def defined(self) -> npt.NDArray[np.bool_]:
        """Where a value is finite and fits into single precision, (k, j, i)."""
        if self.values.dtype.kind != "f":
            return np.ones(self.values.shape, dtype=np.bool_)
        if self.values.dtype == np.float16:
            return np.asarray(np.isfinite(self.values), dtype=np.bool_)
        return np.asarray(np.less_equal(self.values, LARGEST) & np.greater_equal(self.values, -LARGEST), dtype=np.bool_)

    def single(self) -> npt.NDArray[np.float32]:
        """The values in single precision, (k, j, i), NaN where they are not defined; not a copy where they are like that already."""
        if self.values.dtype.kind != "f" or self.values.dtype == np.float16:
            return np.asarray(self.values, dtype=np.float32)
        defined = self.defined()
        if defined.all():
            return np.asarray(self.values, dtype=np.float32)
        return np.where(defined, self.values, np.nan).astype(np.float32)

    def sha256(self) -> str:
        """Hash of values and geometry, to tell later which images a result belongs to."""
        digest = hashlib.sha256(np.ascontiguousarray(self.grid.affine).tobytes())
        digest.update(str((self.values.shape, str(self.values.dtype))).encode())
        digest.update(np.ascontiguousarray(self.values).data)
        return digest.hexdigest()
