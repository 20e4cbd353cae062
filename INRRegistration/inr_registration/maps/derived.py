"""What a map makes of the images on the fixed grid: never more of it at a time than is looked at."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from inr_registration.core.grid import Grid, Part
from inr_registration.core.result import WHOLE
from inr_registration.core.volume import Volume
from inr_registration.fields.lattice import SplineLattice
from inr_registration.maps.export import sampled
from inr_registration.maps.resample import warper
from inr_registration.maps.unfold import folded_voxels, slabs
from inr_registration.numerics.frame import Frame

Array = npt.NDArray[np.float64]
Floats = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]

ALL = slice(None)


@dataclass(frozen=True, eq=False)
class OfSpline:
    """``Derived`` of a spline: displacement, and the moving image before and after the affine part.

    Args:
        lattice: On the CPU.
        frame: Of its axes.
        affine: Applied after it, (4, 4).
        initial: What the affine part started from, (4, 4).
        moving: The image as given.
        grid: Of the fixed image.
    """

    lattice: SplineLattice
    frame: Frame
    affine: Array
    initial: Array
    moving: Volume
    grid: Grid

    def __getstate__(self) -> dict[str, Any]:
        """Without what can be made again and cannot be sent to another process."""
        return {name: value for name, value in vars(self).items() if name != "pull"}

    @cached_property
    def pull(self) -> Callable[[Grid, Array, Floats | None], Floats]:
        """``warp`` of the moving image: it is looked through once, however many planes are asked for later."""
        return warper(self.moving)

    def displacement(self, part: Part = WHOLE) -> Floats:
        """(k, j, i, 3) displacement of the deformable part, LPS mm."""
        return sampled(self.lattice, self.frame, self.affine, self.grid.part(part))[0]

    def before(self, part: Part = WHOLE) -> Floats:
        """(k, j, i) the moving image under the initial alignment alone."""
        return self.pull(self.grid.part(part), self.initial, None)

    def aligned(self, part: Part = WHOLE) -> Floats:
        """(k, j, i) the moving image after the affine part."""
        return self.pull(self.grid.part(part), self.affine, None)


@dataclass(frozen=True, eq=False)
class Drawn:
    """A map on the fixed grid: what is kept of it.

    Args:
        warped: (k, j, i), the moving image.
        det: (k, j, i), determinant of the whole map.
        size_mm: Mean, largest and 95th percentile of the displacement's length at the voxels of a mask.
        folded: (n, 3) voxels (i, j, k) that fold together with their neighbours.
    """

    warped: Floats
    det: Floats
    size_mm: dict[str, float]
    folded: npt.NDArray[np.int64]


def draw(derived: OfSpline, mask: Mask) -> Drawn:
    """The map on the whole grid, a few planes at a time: all of its displacement is three images.

    Args:
        derived: Of the map.
        mask: (k, j, i), where its size is judged.
    """
    grid = derived.grid
    warped, det = np.empty(grid.shape, np.float32), np.empty(grid.shape, np.float32)
    lengths, folded = [], []
    for planes in slabs(grid):
        displacement, det[planes] = sampled(derived.lattice, derived.frame, derived.affine, grid, planes)
        warped[planes] = derived.pull(grid.part((planes, ALL, ALL)), derived.affine, displacement)
        folded.append(folded_voxels(displacement, grid, planes))
        again = int(planes.start > 0)  # the first plane was the last of the slab before
        for plane, inside in zip(displacement[again:], mask[planes][again:], strict=True):
            lengths.append(np.linalg.norm(plane[inside], axis=1))
    length = np.concatenate(lengths)
    size = {"mean": float(length.mean()), "max": float(length.max()), "p95": float(np.percentile(length, 95, overwrite_input=True))}
    return Drawn(warped, det, size, np.concatenate(folded))
