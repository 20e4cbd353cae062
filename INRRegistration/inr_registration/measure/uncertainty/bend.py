"""A known small smooth deformation of an image."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import pairwise, product

import numpy as np
import numpy.typing as npt
import torch
from scipy import ndimage
from torch import Tensor

from inr_registration.core.grid import Grid
from inr_registration.fields.lattice import evaluate_at_points
from inr_registration.images.cleaning import CleanImage
from inr_registration.images.pyramid import scaled
from inr_registration.maps.model import CHUNK
from inr_registration.numerics.frame import Frame
from inr_registration.numerics.knots import Knots
from inr_registration.numerics.spline import apply_axes, axis_matrix

Array = npt.NDArray[np.float64]
Single = npt.NDArray[np.float32]
Block = tuple[slice, slice, slice]

MASKS = ("valid", "foreground", "given")
"""Of a clean image, by their names there."""
BLOCK_SIDE = 100
"""Voxels along each axis that are bent together."""
SPLINE_REACH = 12
"""Voxels beyond which a value has no influence on a cubic spline through all values: less than a ten-millionth of it."""
SPLINE_SD = 0.479365**1.5
"""Standard deviation of a cubic B-spline with white coefficients: along one axis the squared weights sum to 0.479 on average."""


@dataclass(frozen=True, eq=False)
class Bend:
    """A small smooth random displacement of the moving world.

    Args:
        coefficients: (3, nk, nj, ni) mm along the axes of the frame.
        knots: Of the spline.
        frame: Millimetres along the moving image's axes.
    """

    coefficients: Tensor
    knots: Knots
    frame: Frame

    def __call__(self, points: Array) -> Array:
        """(n, 3) LPS mm to (n, 3) mm."""
        unit = torch.as_tensor(self.frame.to_unit(points).T).float()
        parts = [evaluate_at_points(self.coefficients, self.knots, part).value for part in unit.split(CHUNK, dim=1)]
        return np.asarray(torch.cat(parts, dim=1).double().numpy().T @ self.frame.axes.T)

    def in_voxels(self, grid: Grid, block: Block) -> npt.NDArray[np.float32]:
        """At voxels (k, j, i) of a block of the grid that the frame is of: (3, nk, nj, ni) in voxels along k, j, i."""
        matrices = []
        for axis, part in zip((2, 1, 0), block, strict=True):
            places = torch.arange(grid.size[axis])[part] * float(grid.spacing[axis])
            matrices.append(axis_matrix(places, self.knots.start[axis], self.knots.step[axis], self.knots.count[axis]).float())
        voxels = apply_axes(self.coefficients, *matrices).numpy() / grid.spacing.reshape(3, 1, 1, 1)
        return np.asarray(voxels[::-1], dtype=np.float32)

    def negative(self) -> Bend:
        """The same the other way."""
        return replace(self, coefficients=-self.coefficients)


def random_bend(grid: Grid, spacing: float, amplitude: float, generator: torch.Generator) -> Bend:
    """A cubic B-spline over the grid with white coefficients.

    Args:
        grid: Of the moving image.
        spacing: Between control points, mm.
        amplitude: Standard deviation along each axis, mm.
        generator: Source of the random numbers, on the CPU.
    """
    frame = Frame.millimetres(grid)
    knots = Knots.covering((0.0, 0.0, 0.0), tuple((np.asarray(grid.size) - 1) * grid.spacing), spacing)
    white = torch.randn(3, *knots.shape, generator=generator)
    return Bend(white * amplitude / SPLINE_SD, knots, frame)


def bent(image: CleanImage, bend: Bend) -> CleanImage:
    """``image(y + bend(y))`` on the same grid; its masks move along.

    Made block by block, on as many threads as torch has, so that little is held besides; scipy lets go of Python's lock meanwhile.
    """
    shape = image.grid.shape
    values = np.empty(shape, np.float32)
    masks = {name: mask for name in MASKS if (mask := getattr(image, name)) is not None and not mask.all()}
    moved = {name: np.empty(shape, np.bool_) for name in masks}

    def one(block: Block) -> None:
        shift = bend.in_voxels(image.grid, block)
        near = _around(block, shift, shape)
        index = np.add(np.indices(shift.shape[1:]), shift, dtype=np.float64)
        for axis in range(3):
            index[axis] += block[axis].start - near[axis].start
        for name, mask in masks.items():
            part = mask[near].view(np.uint8)
            ndimage.map_coordinates(part, index, order=0, mode="nearest", output=moved[name][block].view(np.uint8))
        values[block] = _pulled(scaled(image.raw[near], image.scale), index, near, shape)

    with ThreadPoolExecutor(max(torch.get_num_threads(), 1), thread_name_prefix="bend") as pool:
        for _ in pool.map(one, _blocks(shape)):  # asked for, so that an error is raised here
            pass
    valid, foreground, given = (moved.get(name, getattr(image, name)) for name in MASKS)
    return replace(image, raw=values, scale=None, valid=valid, foreground=foreground, given=given)


def _blocks(shape: tuple[int, ...]) -> Iterator[Block]:
    """Of about equal size, all voxels once."""
    along = []
    for length in shape:
        edges = np.linspace(0, length, -(-length // BLOCK_SIDE) + 1).astype(int).tolist()
        along.append([slice(start, stop) for start, stop in pairwise(edges)])
    return ((k, j, i) for k, j, i in product(*along))


def _around(block: Block, shift: Single, shape: tuple[int, ...]) -> Block:
    """The voxels that have a say in a block that is read at displaced places."""
    reach = np.ceil(np.abs(shift).max(axis=(1, 2, 3))).astype(int) + SPLINE_REACH
    parts = zip(block, reach.tolist(), shape, strict=True)
    k, j, i = (slice(max(part.start - far, 0), min(part.stop + far, length)) for part, far, length in parts)
    return k, j, i


def _pulled(values: Single, index: Array, near: Block, shape: tuple[int, ...]) -> Single:
    """Cubic spline interpolation (k, j, i) at index (3, ...), which is changed; in single precision, beyond the border its values."""
    before = [0 if part.start else SPLINE_REACH for part in near]
    after = [0 if part.stop < length else SPLINE_REACH for part, length in zip(near, shape, strict=True)]
    padded = np.pad(values, list(zip(before, after, strict=True)), mode="edge")
    ndimage.spline_filter(padded, order=3, output=padded, mode="nearest")
    for axis in range(3):
        index[axis] += before[axis]
    return np.asarray(ndimage.map_coordinates(padded, index, order=3, mode="nearest", prefilter=False, output=np.float32))
