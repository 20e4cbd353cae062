"""What chance explains: mirror images of the moving image, fitted as coarsely and as stiffly as the image itself.

A deformation can make any two images look somewhat alike. How much of that is chance, mirror images tell: they have the textures,
the extent and the intensities of the moving image, and no place in common with the fixed one but where anatomy is symmetric.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import torch
from scipy import ndimage
from torch import Tensor

from inr_registration.core.settings import Settings, Stage
from inr_registration.fields.lattice import VelocityLattice, evaluate_on_axes
from inr_registration.images.affine_level import AffineLevel
from inr_registration.images.crop import crop_box, cropped
from inr_registration.images.features import parallel
from inr_registration.images.pyramid import THINNEST, working_spacing
from inr_registration.methods.data import StageData
from inr_registration.methods.passes import passes
from inr_registration.numerics.frame import Frame
from inr_registration.numerics.knots import Knots
from inr_registration.numerics.sampling import Image, sample
from inr_registration.numerics.windows import match
from inr_registration.optimise.fit import fit_stage
from inr_registration.optimise.step import Objective
from inr_registration.start.affine import minimise, objective
from inr_registration.start.linear_map import LinearMap

if TYPE_CHECKING:
    from inr_registration.methods.prepared import Prepared

Array = npt.NDArray[np.float64]
Floats = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]
Axes = tuple[int, ...]
"""Axes of the fixed grid (0 is i, 1 is j, 2 is k) along which an image is turned around; none for the image itself."""

MOST_VOXELS = 40_000
"""The level is the finest of the pyramid on which the fixed image counts in at most so many voxels."""
MOST_AT_ALL = 8_000_000
"""Voxels of such a level, those that do not count among them."""
MARGIN = 6
"""Voxels around where the fixed image counts that a fit may reach for."""
RADIUS = 2
"""Of the windows, voxels of the level."""
STIFF = Settings(similarity={"local_ncc": 1.0}, regularity={"diffusion": 6.0, "symmetric_jacobian": 0.5})
"""Ten times the usual regularity: a soft map lets chance explain nearly as much as the truth."""
ITERATIONS = {2.0: 20, 1.0: 15}
"""Of each level, by its spacing over that of the finer one."""
LINEAR_STEPS, LINEAR_RATE = 30, 0.01
"""Of the alignment of a mirror image."""
NAME = "chance"
"""Of the objective of these fits."""
RATE = 1.3
"""First step, in voxels of the level."""
BETAS = (0.5, 0.99)
BLOCK = 6
"""Voxels along each side of the blocks whose differences are taken to be independent: a window and its neighbours."""
SINGLE: tuple[Axes, ...] = ((0,), (1,), (2,))
DOUBLE: tuple[Axes, ...] = ((0, 1), (0, 2), (1, 2), (0, 1, 2))
CLEAR, SURE = 0.2, 8.0
"""From this lead over the second best of three mirror images on, and if it is so many standard errors, no more are tried."""


@dataclass(frozen=True)
class Lead:
    """By how much more one fit explains than another.

    Args:
        share: Difference of the mean squared local correlation.
        errors: The same in standard errors, from blocks of voxels; 0 where there are too few to tell.
        blocks: How many there are.
    """

    share: float
    errors: float
    blocks: int = 0


@dataclass(frozen=True, eq=False)
class Rivals:
    """What a stiff fit of the moving image explains, and what its mirror images do.

    Args:
        fixed: Level of the fixed image on which all of it was found, on the CPU.
        weight: (k, j, i), where the fixed image counts.
        moving: Level of the moving image, as it is.
        moving_weight: ``(1, ...)``, where it counts.
        own: (n,) squared local correlation at each voxel that counts, after a stiff fit of the image.
        mirrored: The same of its mirror images.
    """

    fixed: Image
    weight: Mask
    moving: Image
    moving_weight: Tensor
    own: Floats
    mirrored: Mapping[Axes, Floats]

    def where(self, some: Mask) -> Rivals:
        """The same at (n,) some of the voxels."""
        if some.all():
            return self
        weight = self.weight.copy()
        weight[self.weight] = some
        return replace(self, weight=weight, own=self.own[some], mirrored={axes: values[some] for axes, values in self.mirrored.items()})

    def lead(self, over: Floats, of: Floats | None = None) -> Lead:
        """Of the image's own stiff fit, or of another, over a further one; (n,) each."""
        return lead((self.own if of is None else of) - over, self.weight)

    @property
    def chance(self) -> Floats:
        """(n,) what chance explains: the second best of three mirror images, or the median of seven.

        The best may be the image itself, where anatomy is symmetric.
        """
        order = sorted(self.mirrored.values(), key=lambda values: -float(values.mean()))
        return order[1] if len(order) == len(SINGLE) else order[len(order) // 2]

    @property
    def best(self) -> tuple[Axes, Floats]:
        """The mirror image that explains most, and (n,) how much."""
        return max(self.mirrored.items(), key=lambda item: float(item[1].mean()))

    def warped(self, map_: Callable[[Array], Array]) -> tuple[Floats, Floats]:
        """The moving image under a map of world points, (m, 3) fixed to (m, 3) moving, LPS mm, and where it is seen; (k, j, i) each.

        Only the voxels that count and their windows are looked at; 0 elsewhere.
        """
        near = np.asarray(ndimage.maximum_filter(self.weight, 2 * RADIUS + 1))
        points = self.fixed.grid.to_world(np.argwhere(near)[:, ::-1])
        at = torch.as_tensor(map_(points).T.astype(np.float32))[:, None, None]
        warped = np.zeros(self.weight.shape, np.float32)
        seen = np.zeros(self.weight.shape, np.float32)
        warped[near] = self.moving.at(at).numpy().ravel()
        inside = self.moving.grid.contains(at.numpy()[:, 0, 0].T.astype(np.float64), 0.5)
        seen[near] = Image(self.moving_weight, self.moving.grid).at(at).numpy().ravel() * inside
        return warped, seen

    def explained(self, warped: Floats, seen: Floats) -> Floats:
        """(n,) squared local correlation with a warped image at the voxels that count; 0 where it is not seen."""
        return _explained(self.fixed, warped, seen, self.weight)


def rivals(prepared: Prepared, affine: Array, go_on: Callable[[], None] = lambda: None) -> Rivals:
    """Fit the moving image and its mirror images, coarsely and stiffly.

    Args:
        prepared: Both images; nothing of it is changed but its cache of levels.
        affine: (4, 4) fixed to moving world, LPS mm, under which all of them start.
        go_on: Called between fits; may raise to end the run.
    """
    pair = _Pair(prepared, affine)
    own = pair.fitted(())
    mirrored = {}
    for axes in SINGLE:
        go_on()
        mirrored[axes] = pair.fitted(axes)
    found = Rivals(pair.fixed, pair.weight, pair.moving, pair.moving_weight, own, mirrored)
    first = found.lead(found.chance)
    if first.share < CLEAR or first.errors < SURE:
        for axes in DOUBLE:
            go_on()
            mirrored[axes] = pair.fitted(axes)
    return found


def lead(difference: Floats, weight: Mask) -> Lead:
    """Mean of (n,) differences at the voxels of a mask, and how many standard errors it is, from blocks of voxels."""
    places = np.argwhere(weight) // BLOCK
    _, block = np.unique(places @ [1 << 40, 1 << 20, 1], return_inverse=True)
    sums, counts = np.bincount(block, difference), np.bincount(block)
    mean = float(difference.mean())
    error = float(np.sqrt(((sums - mean * counts) ** 2).sum())) / len(difference)
    few = len(counts) < 2 or error == 0
    return Lead(mean, 0.0 if few else mean / error, len(counts))


class _Pair:
    """Both images on two coarse levels, ready to be fitted."""

    def __init__(self, prepared: Prepared, affine: Array) -> None:
        spacing = _spacing(prepared)
        thinnest = float((np.asarray(prepared.fixed.grid.size) * prepared.fixed.grid.spacing).min())
        factors = [factor for factor in ITERATIONS if factor == 1 or thinnest / (factor * spacing) >= THINNEST]
        self.affine, self.frame = affine, Frame.millimetres(prepared.fixed.grid)
        self.data = {factor: self._data(prepared, factor * spacing) for factor in factors}
        fine = self.data[1.0]
        self.fixed, self.weight = fine.fixed, fine.fixed_weight.numpy() > 0
        self.moving, self.moving_weight = fine.moving, fine.moving_weight

    def _data(self, prepared: Prepared, spacing: float) -> StageData:
        """One level, the fixed image cropped to where it counts."""
        fixed, weight, moving, moving_weight = prepared.level_pair(spacing)
        box = crop_box((weight > 0).cpu().numpy(), RADIUS)
        seen = cropped(Image(fixed.values.cpu(), fixed.grid), box)
        return StageData(
            seen, weight.cpu()[box].contiguous(), Image(moving.values.cpu(), moving.grid), moving_weight.cpu(), self.frame, self.affine,
            STIFF.similarity, RADIUS, STIFF.outside_weight,
        )  # fmt: skip

    def fitted(self, axes: Axes) -> Floats:
        """(n,) squared local correlation at each voxel that counts, once the image, turned around along axes, is fitted."""
        affine = self.affine if not axes else self._aligned(axes)
        field: VelocityLattice | None = None
        for factor, data in self.data.items():
            turned = _read_through(data, affine)
            field = self._fit(turned, field, ITERATIONS[factor])
        assert field is not None
        return _explained(self.fixed, *_warped(turned, field), self.weight)

    def _aligned(self, axes: Axes) -> Array:
        """The affine of a mirror image: turned around in the middle of where the fixed image counts, and from there to the nearest optimum.

        The image itself was aligned as well. No other turn is tried: half a turn of a mirror image may be the image itself.
        """
        coarse = next(iter(self.data.values()))
        directions = coarse.fixed.grid.direction
        flip, centre = np.eye(4), coarse.fixed.grid.centre
        flip[:3, :3] = directions @ np.diag([-1.0 if n in axes else 1.0 for n in range(3)]) @ directions.T
        flip[:3, 3] = centre - flip[:3, :3] @ centre
        reach = float(np.linalg.norm(np.asarray(coarse.fixed.grid.size) * coarse.fixed.grid.spacing)) / 4
        level = AffineLevel(coarse.fixed, coarse.fixed_weight, coarse.moving, coarse.moving_weight, reach)
        linear = LinearMap(self.affine @ flip, centre, reach)
        still = torch.zeros(12, dtype=torch.float64)
        found, _ = minimise(objective(level, STIFF.similarity, RADIUS), linear, still, LINEAR_RATE, LINEAR_STEPS)
        return linear.matrix(found).detach().numpy()

    def _fit(self, data: StageData, before: VelocityLattice | None, iterations: int) -> VelocityLattice:
        spacing = float(data.fixed.grid.spacing.min())
        corners = self.frame.to_unit(data.fixed.grid.corners())
        knots = Knots.covering(tuple(corners.min(axis=0)), tuple(corners.max(axis=0)), 2 * spacing)
        field = VelocityLattice(knots, torch.zeros(3, *knots.shape) if before is None else before.refined(knots))
        stage = Stage(1, iterations, RATE)
        one_pass = passes(stage, data, field, STIFF, torch.Generator().manual_seed(0))
        run = Objective(
            terms=lambda: one_pass.see().terms, parameters=list(field.parameters()), rate=RATE * spacing, betas=BETAS, name=NAME,
            draw=one_pass.draw,
        )  # fmt: skip
        fit_stage(stage, run, STIFF, lambda _done, _terms: None)
        return field


def _spacing(prepared: Prepared) -> float:
    """Of the finest level of the pyramid with few voxels that count, which is made for the fit anyway.

    Where the fit is coarser than that on purpose, the pyramid goes on below it: too few windows tell nothing.
    """
    grid, counted = prepared.fixed.grid, float(prepared.fixed.counted.mean())
    volume = counted * float(np.prod(np.asarray(grid.size) * grid.spacing))
    wanted = max((volume / MOST_VOXELS) ** (1 / 3), working_spacing(grid, MOST_AT_ALL))
    return float(prepared.spacing * 2 ** np.ceil(np.log2(wanted / prepared.spacing) - 1e-6))


def _read_through(data: StageData, affine: Array) -> StageData:
    """With the moving image read through an affine on a box around where the fixed image counts."""
    grid = data.fixed.grid
    i, j, k = (n + 2 * MARGIN for n in grid.size)
    wide = grid.cropped([-MARGIN] * 3, (i, j, k))
    there = replace(wide, affine=affine @ wide.affine)
    inside = torch.as_tensor(data.moving.grid.contains(there.all_points(), 0.5).astype(np.float32))
    counted = parallel(Image(data.moving_weight, data.moving.grid), there).values * inside
    return replace(data, moving=Image(parallel(data.moving, there).values, wide), moving_weight=counted, affine=np.eye(4))


def _warped(data: StageData, field: VelocityLattice) -> tuple[Floats, Floats]:
    """The moving image under a field at each voxel of the fixed level, and where it is seen there; (k, j, i)."""
    grid, frame = data.fixed.grid, data.frame
    corner, step = frame.to_unit(grid.origin), np.linalg.inv(frame.axes) @ grid.affine[:3, :3]
    axes = [torch.as_tensor(corner[d] + step[d, d] * np.arange(grid.size[d])) for d in range(3)]
    with torch.no_grad():
        moved = evaluate_on_axes(field.coefficients().detach(), field.knots, axes, 0).value
        place = torch.stack(torch.meshgrid(*[x.float() for x in axes], indexing="ij")).permute(0, 3, 2, 1) + moved
        linear, shift = data.to_moving_unit()
        unit = torch.einsum("ab,b...->a...", linear, place) + shift.reshape(3, 1, 1, 1)
        inside = (unit.abs() <= 1).all(dim=0)
        return sample(data.moving.values, unit)[0].numpy(), (sample(data.moving_weight, unit)[0] * inside).numpy()


def _explained(fixed: Image, warped: Floats, seen: Floats, weight: Mask) -> Floats:
    """(n,) squared local correlation where the fixed image counts; 0 where the moving one is not seen."""
    return np.asarray((match(fixed.values[0].numpy(), warped, RADIUS) * (seen > 0.5))[weight])
