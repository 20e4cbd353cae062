"""A search over displacements on a coarse lattice, for motion too large for a slope to follow.

Coupled convex search on MIND features: Heinrich, Papiez, Schnabel, Handels, "Non-parametric discrete registration with
convex optimisation", WBIR 2014; Siebert, Grossbroehmer, Hansen, Heinrich, "ConvexAdam", IEEE TMI 2024.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn.functional import avg_pool3d

from inr_registration.core.grid import Grid
from inr_registration.fields.lattice import evaluate_at_points, evaluate_on_cells
from inr_registration.images.features import parallel
from inr_registration.images.pyramid import nearest
from inr_registration.numerics.jet import jacobian_determinant
from inr_registration.numerics.knots import Knots
from inr_registration.numerics.sampling import Image, sample
from inr_registration.terms.mind import mind
from inr_registration.terms.similarity import box_sum

Array = npt.NDArray[np.float64]

HALF_WIDTH = 4
"""Displacements of so many steps of the lattice to either side are tried along each axis: 9^3 in all."""
LARGEST_REACH_MM = 32.0
REACH_SHARE = 0.25
"""The reach is this share of the image's longest side, but at most ``LARGEST_REACH_MM``."""
NODES = 32**3
"""About the most nodes of the lattice within the fixed image; the step, and with it the reach, grows in large images."""
POOL = 3
"""Voxels per step, along each axis, from which the features of a node are averaged."""
COUPLINGS = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0)
"""How strongly a node is held to its smoothed surroundings, per squared step, from one iteration to the next."""
CONSISTENCY_STEPS = 15
SMOOTHEST_DET, SMOOTHINGS = 0.1, 20
"""The map is smoothed until its volume change is nowhere less than this, at most so many times."""


@dataclass(frozen=True, eq=False)
class Found:
    """Displacements in both directions on a lattice along the axes of the fixed image, read as cubic B-splines.

    Args:
        grid: The nodes, in the fixed world.
        there: (3, D, H, W) in steps along the axes: fixed point to where it is in the moving image, before the affine.
        back: The same for the opposite direction.
        affine: (4, 4) fixed to moving world, applied after the displacement.
    """

    grid: Grid
    there: Tensor
    back: Tensor
    affine: Array

    def forward(self, points: Array) -> Array:
        """u(p) in mm at (n, 3) fixed world points: ``affine(p + u(p))`` is the moving point."""
        return self._read(self.there, points)

    def backward(self, points: Array) -> Array:
        """u(q) in mm at (n, 3) moving world points: ``affine^-1 (q + u(q))`` is the fixed point."""
        linear = self.affine[:3, :3]
        return self._read(self.back, (points - self.affine[:3, 3]) @ np.linalg.inv(linear).T) @ linear.T

    def _read(self, steps: Tensor, points: Array) -> Array:
        index = torch.as_tensor(self.grid.to_index(points).T.copy()).to(steps)
        moved = evaluate_at_points(steps, _knots(steps), index).value.double().cpu().numpy()
        return np.asarray(moved.T @ self.grid.affine[:3, :3].T)


def step_mm(extent: Array) -> float:
    """The distance of the nodes for an image of these sides (3,) in mm."""
    reach = min(REACH_SHARE * float(extent.max()), LARGEST_REACH_MM)
    return float(max(reach / HALF_WIDTH, (extent.prod() / NODES) ** (1 / 3)))


def search(fixed: Image, fixed_weight: Tensor, moving: Image, moving_weight: Tensor, affine: Array, step: float) -> Found:
    """The displacements that make the features of two images agree best, smooth and each other's inverse.

    Args:
        fixed: ``(1, D, H, W)`` at about ``step / POOL`` mm, cropped to where it counts.
        fixed_weight: ``(D, H, W)``, 0 where it does not count.
        moving: Any axes and spacing.
        moving_weight: ``(1, D', H', W')``, 0 where it does not count.
        affine: (4, 4) fixed to moving world.
        step: Distance of the nodes, mm.
    """
    pool = nearest(step / float(fixed.grid.spacing.min()))
    fine, nodes = _grids(fixed.grid, pool)
    seen = Grid(fine.size, affine @ fine.affine)
    ours = _nodes(fixed, Image(fixed_weight[None], fixed.grid), fine, pool)
    theirs = _nodes(moving, Image(moving_weight, moving.grid), seen, pool)
    tried = _displacements(ours[0])
    there = _coupled(_costs(*ours, *theirs, tried), tried, nodes.shape)
    back = _coupled(_costs(*theirs, *ours, tried), tried, nodes.shape)
    there, back = _consistent(there, back)
    return Found(nodes, _unfolded(there), _unfolded(back), affine)


def _grids(fixed: Grid, pool: int) -> tuple[Grid, Grid]:
    """The fixed grid with the reach around it; and the nodes, one per block of ``pool`` voxels and one more all around."""
    i, j, k = (-(-n // pool) + 2 for n in fixed.size)
    around, more = (1 + HALF_WIDTH) * pool, 2 * HALF_WIDTH
    fine = fixed.cropped((-around,) * 3, ((i + more) * pool, (j + more) * pool, (k + more) * pool))
    affine = fine.affine @ np.diag([pool, pool, pool, 1.0])
    affine[:3, 3] = fine.to_world((HALF_WIDTH * pool + (pool - 1) / 2,) * 3)
    return fine, Grid((i, j, k), affine)


def _nodes(image: Image, weight: Image, fine: Grid, pool: int) -> tuple[Tensor, Tensor]:
    """Features ``(12, D, H, W)`` of the nodes, averaged over what counts, and how much of each node counts, ``(D, H, W)``."""
    counts = parallel(weight, fine).values[0] * torch.as_tensor(weight.grid.contains(fine.all_points())).to(weight.values)
    features = avg_pool3d(mind(parallel(image, fine).values[0]) * counts, pool)
    share = avg_pool3d(counts[None], pool)[0]
    return features / share.clamp(min=1e-6), share


def _displacements(like: Tensor) -> Tensor:
    """All displacements to try, (n, 3) steps, the shortest first: where nothing is known, none is taken."""
    axis = torch.arange(-HALF_WIDTH, HALF_WIDTH + 1)
    all_ = torch.cartesian_prod(axis, axis, axis)
    return all_[torch.argsort(all_.square().sum(dim=1), stable=True)].to(like.device)


def _costs(ours: Tensor, our_share: Tensor, theirs: Tensor, their_share: Tensor, tried: Tensor) -> Tensor:
    """Sum of squared differences of features for every displacement and node, ``(n, D, H, W)``, smoothed over nodes.

    Features and shares reach ``HALF_WIDTH`` nodes further than the costs, on all sides.

    A place that does not count in the other image costs as much as places do on average, so that neither hiding there nor
    staying away pays.
    """
    far = HALF_WIDTH
    middle = slice(far, -far)
    ours, our_share = ours[:, middle, middle, middle], our_share[middle, middle, middle]
    costs = ours.new_empty(len(tried), *our_share.shape)
    counted = torch.empty_like(costs)
    for n, (x, y, z) in enumerate(tried.tolist()):
        part = [slice(far + d, far + d + size) for d, size in zip((z, y, x), our_share.shape, strict=True)]
        seen = their_share[part[0], part[1], part[2]]
        counted[n] = our_share * seen
        costs[n] = counted[n] * (ours - theirs[:, part[0], part[1], part[2]]).square_().sum(dim=0)
    usual = costs.sum() / counted.sum().clamp(min=1e-6)
    costs += (our_share - counted) * usual
    return _smoothed(_smoothed(costs))


def _smoothed(values: Tensor) -> Tensor:
    """Mean over the 3^3 nodes around each node that exist, ``(C, D, H, W)``."""
    return box_sum(values, 1).mul_(1 / box_sum(torch.ones_like(values[:1]), 1))


def _coupled(costs: Tensor, tried: Tensor, shape: tuple[int, int, int]) -> Tensor:
    """Displacements ``(3, D, H, W)`` in steps: the best of each node, drawn ever more towards the mean of its surroundings."""
    flat, vectors = costs.reshape(len(tried), -1), tried.to(costs)
    found = _smoothed(vectors[flat.argmin(dim=0)].T.reshape(3, *shape))
    length = vectors.square().sum(dim=1, keepdim=True)
    for coupling in COUPLINGS:
        distance = length - 2 * vectors @ found.reshape(3, -1)  # squared, less what is the same for all displacements
        found = _smoothed(vectors[(flat + coupling * distance).argmin(dim=0)].T.reshape(3, *shape))
    return found


def _consistent(there: Tensor, back: Tensor) -> tuple[Tensor, Tensor]:
    """Both displacements, each moved halfway to the inverse of the other again and again."""
    size = there.shape[1:]
    axes = [torch.linspace(-1, 1, n, dtype=there.dtype, device=there.device) for n in size]
    identity = torch.stack(torch.meshgrid(*axes, indexing="ij")[::-1])
    scale = there.new_tensor([2 / (n - 1) for n in size[::-1]])[:, None, None, None]
    for _ in range(CONSISTENCY_STEPS):
        there, back = (
            0.5 * (there - sample(back, identity + there * scale)),
            0.5 * (back - sample(there, identity + back * scale)),
        )
    return there, back


def _unfolded(steps: Tensor) -> Tensor:
    """The displacements, smoothed as often as it takes for their spline not to fold."""
    for _ in range(SMOOTHINGS):
        jet = evaluate_on_cells(steps, _knots(steps), (0.5, 0.5, 0.5), 1)
        assert jet.first is not None
        if float(jacobian_determinant(jet.first).min()) > SMOOTHEST_DET:
            break
        steps = _smoothed(steps)
    return steps


def _knots(steps: Tensor) -> Knots:
    """The nodes as control points, at whole numbers."""
    k, j, i = steps.shape[1:]
    return Knots((0.0, 0.0, 0.0), (1.0, 1.0, 1.0), (i, j, k))
