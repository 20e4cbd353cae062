"""Small analytic images with a known map between them, and grids to render them on: for the tests of this folder."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from inr_registration.core import Grid, Problem, Volume

Array = npt.NDArray[np.float64]
Map = Callable[[Array], Array]


def turn(degrees: float, axis: int = 2) -> Array:
    """Rotation about a world axis."""
    c, s = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    planar = np.eye(3)
    a, b = [n for n in range(3) if n != axis]
    planar[a, a], planar[a, b], planar[b, a], planar[b, b] = c, -s, s, c
    return planar


OBLIQUE = turn(20) @ turn(-35, 0) @ turn(10, 1)
DIRECTIONS = {
    "aligned": np.eye(3),
    "oblique": OBLIQUE,
    "flipped and permuted": np.array([[0.0, 0.0, 1.0], [-1.0, 0.0, 0.0], [0.0, -1.0, 0.0]]),
    "oblique left-handed": OBLIQUE @ np.diag([-1.0, 1.0, 1.0]),
    "sheared": OBLIQUE @ np.array([[1.0, 0.0, 0.3], [0.0, 1.0, -0.2], [0.0, 0.0, 1.0]]),
}


def centred(
    size: tuple[int, int, int], spacing: npt.ArrayLike, direction: npt.ArrayLike | None = None, centre: npt.ArrayLike = 0.0
) -> Grid:
    """A grid around a world point."""
    axes, steps = np.eye(3) if direction is None else np.asarray(direction, float), np.broadcast_to(np.asarray(spacing, float), 3)
    first = np.asarray(centre) - axes @ ((np.asarray(size) - 1) / 2 * steps)
    return Grid.from_geometry(size, steps, first, axes)


def blobs(points: Array) -> Array:
    """A smooth image at (..., 3) world points that looks the same nowhere twice: 40 Gaussians within 26 mm of the origin."""
    generator = np.random.default_rng(5)
    centres, widths, heights = generator.uniform(-26, 26, (40, 3)), generator.uniform(4, 9, 40), generator.uniform(200, 900, 40)
    total = np.zeros(points.shape[:-1])
    for centre, width, height in zip(centres, widths, heights, strict=True):
        total += height * np.exp(-((points - centre) ** 2).sum(axis=-1) / (2 * width**2))
    return total


def wave(points: Array) -> Array:
    """A smooth map without folding: up to 4 mm of motion that differs from place to place."""
    return np.asarray(points + 2.4 * np.roll(np.sin(points / 11), 1, axis=-1))


def image_on(grid: Grid, through: Map | None = None, name: str = "image") -> Volume:
    """The analytic image on a grid, seen through a map."""
    points = grid.all_points().astype(np.float64)
    return Volume(blobs(points if through is None else through(points)).astype(np.float32), grid, name)


def pair(fixed: Grid, moving: Grid, phi: Map, **more: Any) -> Problem:
    """The problem whose answer is ``phi``: fixed world points to moving world points."""
    return Problem(image_on(fixed, phi, "fixed"), image_on(moving, None, "moving"), **more)
