"""A textured ball with nothing around it, seen through a known smooth warp: both images come from one formula."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from inr_registration.core import Grid, Volume

Array = npt.NDArray[np.float64]

RADIUS = 26.0
"""Of the ball, mm."""
NOISE = 6.0
"""Standard deviation, in units of which the ball spans about 1500."""


def tissue(points: Array) -> Array:
    """Values at (..., 3) world points: Gaussians of either sign inside a ball with a soft edge, 0 outside."""
    generator = np.random.default_rng(8)
    centres, widths, heights = generator.uniform(-24, 24, (60, 3)), generator.uniform(3, 7, 60), generator.uniform(-400, 600, 60)
    total = np.full(points.shape[:-1], 500.0)
    for centre, width, height in zip(centres, widths, heights, strict=True):
        total += height * np.exp(-((points - centre) ** 2).sum(axis=-1) / (2 * width**2))
    return np.asarray(total / (1 + np.exp(np.minimum((np.linalg.norm(points, axis=-1) - RADIUS) / 0.7, 60))))


def warp(points: Array) -> Array:
    """The true map, fixed to moving world points (..., 3): up to 3 mm, different from place to place."""
    return np.asarray(points + 1.8 * np.roll(np.sin(points / 10), 1, axis=-1))


def places(count: int = 1500) -> Array:
    """Random fixed world points (n, 3) in the ball."""
    points = np.random.default_rng(9).uniform(-RADIUS, RADIUS, (4 * count, 3))
    return points[np.linalg.norm(warp(points), axis=1) < RADIUS - 2][:count]


def pair(spacing: float = 1.5) -> tuple[Volume, Volume]:
    """Fixed and moving image as int16: both oblique, of odd and even sizes, with some room around the ball."""
    fixed = centred((80.0, 75.0, 77.0), (spacing, spacing, 1.2 * spacing), 12.0)
    moving = centred((76.0, 80.0, 74.0), (1.1 * spacing, spacing, spacing), -7.0)
    return image(fixed, warp(fixed.all_points().astype(np.float64)), 1, "fixed"), image(moving, moving.all_points(), 2, "moving")


def centred(extent: tuple[float, float, float], spacing: tuple[float, float, float], degrees: float) -> Grid:
    """A grid of about this extent in mm around the origin, turned about the third axis."""
    c, s = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    axes = np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])
    i, j, k = (round(length / step) for length, step in zip(extent, spacing, strict=True))
    return Grid.from_geometry((i, j, k), spacing, -axes @ ((np.array([i, j, k]) - 1) / 2 * np.asarray(spacing)), axes)


def image(grid: Grid, points: npt.NDArray[np.floating], seed: int, name: str) -> Volume:
    values = tissue(points.astype(np.float64)) + np.random.default_rng(seed).normal(scale=NOISE, size=grid.shape)
    return Volume(np.rint(values).astype(np.int16), grid, name)
