"""Fitting again from the answer with something changed, to see how much of the change remains."""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import numpy.typing as npt
import torch
from scipy import ndimage
from torch import Tensor

from INRRegistrationLib.core.grid import Grid
from INRRegistrationLib.core.settings import Settings, Stage
from INRRegistrationLib.engine.fields.lattice import Knots, evaluate_at_points
from INRRegistrationLib.engine.fields.spline import apply_axes, axis_matrix
from INRRegistrationLib.engine.fit import fit_stage
from INRRegistrationLib.engine.fits.pair_fit import PairFit
from INRRegistrationLib.engine.fitted_map import FittedMap
from INRRegistrationLib.engine.frame import Frame
from INRRegistrationLib.engine.model import CHUNK
from INRRegistrationLib.engine.prepare import Prepared
from INRRegistrationLib.engine.start.clean import CleanImage
from INRRegistrationLib.engine.start.pyramid import scaled
from INRRegistrationLib.engine.uncertainty.sites import Sites, Tick, smoothed

Array = npt.NDArray[np.float64]

PAIRS = 2
"""Perturbations; each is applied forwards and backwards, so twice as many refits."""
LATTICE_ITERATIONS = 20
NETWORK_SHARE = 0.2
"""Of a stage's iterations in a refit of a network."""
BUMP = 6.0
"""Distance of the control points of a perturbation, in voxels of the level of the refit."""
AMPLITUDE = 1.0
"""Standard deviation of a perturbation along each axis, in voxels of the level of the refit."""

MASKS = ("valid", "foreground", "given")
"""Of a clean image, by their names there."""
SLAB_VOXELS = 2_000_000
"""About so many voxels of an image are bent together."""
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

    def in_voxels(self, grid: Grid, planes: slice) -> npt.NDArray[np.float32]:
        """At voxels of some planes k of the grid that the frame is of: (3, planes, nj, ni) in voxels along k, j, i."""
        matrices = []
        for axis in (2, 1, 0):
            places = torch.arange(grid.size[axis])[planes if axis == 2 else slice(None)] * float(grid.spacing[axis])
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
    """``image(y + bend(y))`` on the same grid; its masks move along. Made a few planes at a time, so that little is held besides."""
    depth, *plane = image.grid.shape
    values = np.empty(image.grid.shape, np.float32)
    masks = {name: mask for name in MASKS if (mask := getattr(image, name)) is not None and not mask.all()}
    moved = {name: np.empty(image.grid.shape, np.bool_) for name in masks}
    for start in range(0, depth, step := max(SLAB_VOXELS // (plane[0] * plane[1]), 1)):
        planes = slice(start, min(start + step, depth))
        shift = bend.in_voxels(image.grid, planes)
        reach = int(np.ceil(np.abs(shift[0]).max())) + SPLINE_REACH
        near = slice(max(planes.start - reach, 0), min(planes.stop + reach, depth))
        index = np.add(np.indices(shift.shape[1:]), shift, dtype=np.float64)
        index[0] += planes.start - near.start
        for name, mask in masks.items():
            part = mask[near].view(np.uint8)
            ndimage.map_coordinates(part, index, order=0, mode="nearest", output=moved[name][planes].view(np.uint8))
        _pull(scaled(image.raw[near], image.scale), index, values[planes])
    valid, foreground, given = (moved.get(name, getattr(image, name)) for name in MASKS)
    return replace(image, raw=values, scale=None, valid=valid, foreground=foreground, given=given)


def _pull(values: npt.NDArray[np.float32], index: Array, out: npt.NDArray[np.float32]) -> None:
    """Cubic spline interpolation (k, j, i) at index (3, ...), which is changed; in single precision, beyond the border its values."""
    padded = np.pad(values, SPLINE_REACH, mode="edge")
    ndimage.spline_filter(padded, order=3, output=padded, mode="nearest")
    index += SPLINE_REACH
    ndimage.map_coordinates(padded, index, order=3, mode="nearest", prefilter=False, output=out)


def again(fit: PairFit, prepared: Prepared, changed: Prepared) -> PairFit:
    """A copy of a fit, its fields as they are, that works on changed images from now on."""
    return copy.deepcopy(fit, {id(prepared): changed})


def refit_stage(prepared: Prepared, settings: Settings) -> Stage:
    """The last stage but one, shortened: most of the accuracy for an eighth of the voxels."""
    usable = prepared.usable_stages(settings)
    stage = usable[-2] if len(usable) > 1 else usable[-1]
    share = max(int(NETWORK_SHARE * stage.iterations), 1)
    return replace(stage, iterations=share if stage.points else min(LATTICE_ITERATIONS, stage.iterations))


def refitted(fit: PairFit, prepared: Prepared, changed: Prepared, settings: Settings, tick: Tick) -> FittedMap:
    """Fit again on changed images, from the fitted fields."""
    fresh = again(fit, prepared, changed)
    stage = refit_stage(prepared, settings)

    def counted(done: int, _terms: dict[str, float]) -> None:
        tick(done / stage.iterations)

    fit_stage(stage, fresh.begin(stage), replace(settings, tolerance=0.0), counted)
    return fresh.model()


def perturbation(
    fit: PairFit, prepared: Prepared, settings: Settings, where: Sites, strain: float, generator: torch.Generator, tick: Tick
) -> Tensor:
    """How much of a known small bend of the moving image a registration from the answer leaves, (D, H, W) mm.

    The moving image is bent by w; a perfect registration answers with a map phi' for which ``phi' + w(phi')`` is the old
    map. What is left of w is the part that the images cannot tell (after arXiv 2509.23355), and the raw estimate is what is left times
    the strain. Each bend is used in both directions and the halved difference taken, which
    cancels what any refit changes.
    """
    voxel = refit_stage(prepared, settings).shrink * prepared.spacing
    variance = torch.zeros(where.grid.shape)
    for number in range(PAIRS):
        bend = random_bend(prepared.moving.grid, BUMP * voxel, AMPLITUDE * voxel, generator)
        ends = []
        for side, chosen in enumerate((bend, bend.negative())):
            changed = replace(prepared, moving=bent(prepared.moving, chosen))
            new = refitted(fit, prepared, changed, settings, partial(_part, tick, 2 * number + side))
            del changed  # a whole image, which need not be held beside the next one
            mapped = new.map(where.points)
            ends.append(mapped + chosen(mapped))
        left = ((ends[0] - ends[1]) / 2) ** 2
        variance += torch.as_tensor(left.sum(axis=1).reshape(where.grid.shape)).float() / PAIRS
    return strain / AMPLITUDE * smoothed(variance.to(where.fixed), where.counted).sqrt()


def _part(tick: Tick, number: int, share: float) -> None:
    """One refit of all."""
    tick((number + share) / (2 * PAIRS))
