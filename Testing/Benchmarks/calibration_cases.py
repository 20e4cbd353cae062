"""Pairs with a known map for ``calibration.py``: generated tissue, the CT-like phantom, and real images warped anew."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from inr_registration.core import Grid, Problem, Volume
from inr_registration.io import read_image
from inr_registration.phantom import Warp, make_pair

Array = npt.NDArray[np.float64]

SIDE = 40
"""Voxels along the longest side of generated and real images."""
NOISE = 0.03
"""Standard deviation of the noise that is added to both images, as a share of the intensity range."""
BIAS = 0.15
"""Standard deviation of the log of the bias field of the fixed image."""
MAGNITUDES = (4.0, 8.0, 14.0)
"""Largest displacement, as a percentage of the longest side."""
TISSUE_SEEDS = {"calibrate": (0, 1), "test": (10, 11)}
MOST_REAL = 2
PHANTOM_SEEDS = {"calibrate": (0,), "test": (10,)}


@dataclass(frozen=True, eq=False)
class Case:
    """A problem and its answer.

    Args:
        name: For tables.
        problem: Images with a mask of the fixed one.
        truth: (n, 3) fixed to (n, 3) moving world points, LPS mm.
    """

    name: str
    problem: Problem
    truth: Callable[[Array], Array]


def cases(part: str, pairs: Path | None) -> Iterator[Case]:
    """The cases of ``part``: ``calibrate`` or ``test``. No image and no warp is in both."""
    for number, seed in enumerate(TISSUE_SEEDS[part]):
        yield warped(f"tissue {seed}", tissue(seed), seed, MAGNITUDES[2 * number])
    for seed in PHANTOM_SEEDS[part]:
        pair = make_pair("small", seed, 11.0)
        yield Case(f"phantom {seed}", Problem(pair.fixed, pair.moving), pair.warp)
    if pairs is not None:
        for number, path in enumerate(real_images(pairs)[part == "test" :: 2][:MOST_REAL]):
            yield warped(path.parent.name, shrunk(read_image(path, lambda _: None)), 100 + number, MAGNITUDES[number % 3])


def real_images(pairs: Path) -> list[Path]:
    """One moving image of each kind: the names of pairs begin with the kind."""
    found: dict[str, Path] = {}
    for path in sorted(pairs.glob("*/moving.nii.gz")):
        found.setdefault(path.parent.name.split("_")[0], path)
    return list(found.values())


def shrunk(volume: Volume) -> Volume:
    """The image with at most ``SIDE`` voxels along each axis, smoothed first."""
    values = np.nan_to_num(np.asarray(volume.values, dtype=np.float32))
    step = max((np.asarray(volume.grid.size) * volume.grid.spacing).max() / SIDE, volume.grid.spacing.min())
    factor = np.maximum(step / volume.grid.spacing, 1.0)
    smooth = ndimage.gaussian_filter(values, 0.5 * np.sqrt(factor[::-1] ** 2 - 1))
    size = np.maximum((np.asarray(volume.grid.size) / factor).astype(int), 8)
    index = np.meshgrid(*(np.arange(n) * f for n, f in zip(size[::-1], factor[::-1], strict=True)), indexing="ij")
    read = ndimage.map_coordinates(smooth, index, order=1, mode="nearest")
    affine = volume.grid.affine @ np.diag([*factor, 1.0])
    return Volume(read, Grid((int(size[0]), int(size[1]), int(size[2])), affine), volume.name)


def tissue(seed: int) -> Volume:
    """Two tissues with a folded border and fine structure in an ellipsoid, with a smooth ball that shows nothing."""
    generator = np.random.default_rng([seed, 7])
    shape, spacing = (SIDE,) * 3, 2.4

    def field(sigma: float) -> Array:
        values = ndimage.gaussian_filter(generator.normal(size=shape), sigma, mode="wrap")
        return np.asarray(values / values.std())

    values = 0.5 + 0.2 * np.tanh(3 * field(3.0)) + 0.1 * field(1.2) + 0.1 * field(5.0)
    position = (np.stack(np.meshgrid(*[np.arange(SIDE)] * 3, indexing="ij"), axis=-1) + 0.5) / SIDE * 2 - 1
    centre = generator.uniform(-0.3, 0.3, 3)
    ball = np.linalg.norm(position - centre, axis=-1) < 0.38
    values = np.where(ndimage.gaussian_filter(ball.astype(float), 0.7) > 0.5, 0.55, values)
    body = np.linalg.norm(position / [0.85, 0.9, 0.8], axis=-1) < 1
    values = ndimage.gaussian_filter(np.where(body, values, 0.0), 0.6)
    grid = Grid.from_geometry(shape, (spacing,) * 3, (-(SIDE - 1) / 2 * spacing,) * 3, np.eye(3))
    return Volume(values.astype(np.float32), grid, "tissue")


def known_warp(grid: Grid, seed: int, percent: float) -> Warp:
    """A smooth random warp without folding; its largest displacement is ``percent`` of the longest side, or less."""
    extent = np.ptp(grid.corners(), axis=0)
    spacing = float(extent.max() / 4)
    count = np.ceil(extent / spacing).astype(int) + 5
    coefficients = np.random.default_rng([seed, 8]).normal(size=(3, *count))
    warp = Warp(coefficients, grid.centre - (count - 1) / 2 * spacing, spacing)
    points = grid.all_points()[::3, ::3, ::3].reshape(-1, 3).astype(np.float64)
    largest = np.linalg.norm(warp(points) - points, axis=1).max()
    warp = Warp(coefficients * percent / 100 * extent.max() / largest, warp.origin, spacing)
    while warp.determinant(points).min() < 0.35:
        warp = Warp(0.9 * warp.coefficients, warp.origin, spacing)
    return warp


def warped(name: str, moving: Volume, seed: int, percent: float) -> Case:
    """The fixed image is the moving one seen through a known warp, with a bias field; both get noise of their own."""
    warp, grid = known_warp(moving.grid, seed, percent), moving.grid
    generator = np.random.default_rng([seed, 9])
    values = np.asarray(moving.values, dtype=np.float64)
    low, high = np.percentile(values, [0.5, 99.5])
    index = grid.to_index(warp(grid.all_points().reshape(-1, 3).astype(np.float64))).T[::-1].reshape(3, *grid.shape)
    seen = ndimage.map_coordinates(values, index, order=3, mode="constant", cval=float(low))
    bias = ndimage.gaussian_filter(generator.normal(size=grid.shape), min(grid.shape) / 4)
    seen = low + (seen - low) * np.exp(BIAS * bias / bias.std())
    noise = NOISE * (high - low) * generator.normal(size=(2, *grid.shape))
    fixed = Volume((seen + noise[0]).astype(np.float32), grid, name)
    return Case(name, Problem(fixed, Volume((values + noise[1]).astype(np.float32), grid, "moving")), warp)
