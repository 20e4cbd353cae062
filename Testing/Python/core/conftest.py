"""Grids of every kind that a file may hold, and a pair of images."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest

from inr_registration.core import Grid, Volume

OBLIQUE = np.linalg.qr(np.array([[0.9, -0.3, 0.2], [0.25, 0.95, -0.1], [-0.2, 0.15, 0.97]]))[0]
OBLIQUE = OBLIQUE * np.sign(np.diag(OBLIQUE))

DIRECTIONS = {
    "aligned": np.eye(3),
    "oblique": OBLIQUE,
    "left-handed": np.diag([1.0, 1.0, -1.0]),
    "flipped and permuted": np.array([[0.0, 0.0, 1.0], [-1.0, 0.0, 0.0], [0.0, -1.0, 0.0]]),
    "oblique left-handed": OBLIQUE @ np.diag([-1.0, 1.0, 1.0]),
}
SHEARED = OBLIQUE @ np.array([[1.0, 0.0, 0.3], [0.0, 1.0, -0.2], [0.0, 0.0, 1.0]])


def grid_with(direction: npt.NDArray[np.float64]) -> Grid:
    return Grid.from_geometry((7, 9, 5), (0.8, 1.1, 3.5), (-120.0, 35.5, 812.25), direction)


@pytest.fixture(params=DIRECTIONS)
def a_right_angled_grid(request: pytest.FixtureRequest) -> Grid:
    return grid_with(DIRECTIONS[request.param])


@pytest.fixture(params=[*DIRECTIONS, "sheared"])
def a_grid(request: pytest.FixtureRequest) -> Grid:
    return grid_with(SHEARED if request.param == "sheared" else DIRECTIONS[request.param])


@pytest.fixture
def a_sheared_grid() -> Grid:
    return grid_with(SHEARED)


@pytest.fixture
def an_image() -> Callable[..., Volume]:
    """Makes images of noise; ``shift`` moves them along z in mm."""

    def make(name: str = "image", shift: float = 0.0, size: tuple[int, int, int] = (8, 9, 10)) -> Volume:
        grid = Grid.from_geometry(size, (1.0, 1.0, 2.0), (0.0, 0.0, shift), np.eye(3))
        return Volume(np.random.default_rng(1).normal(size=grid.shape).astype(np.float32), grid, name)

    return make
