"""Grids of every kind, and torch kept small and repeatable."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from INRRegistrationLib.core.grid import Grid

sys.path.append(str(Path(__file__).parent))  # for analytic, which the tests import too

from analytic import DIRECTIONS, Array


@pytest.fixture(autouse=True, scope="session")
def two_threads() -> None:
    torch.set_num_threads(2)
    torch.set_warn_always(True)


@pytest.fixture
def float64() -> Iterator[None]:
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(before)


@pytest.fixture
def seeded() -> Callable[[int], torch.Generator]:
    return lambda seed: torch.Generator().manual_seed(seed)


@pytest.fixture(params=DIRECTIONS)
def a_grid(request: pytest.FixtureRequest) -> Grid:
    """Anisotropic and far from the origin, of every orientation."""
    return Grid.from_geometry((12, 14, 9), (0.8, 1.1, 3.5), (-120.0, 35.5, 812.25), DIRECTIONS[request.param])


@pytest.fixture
def inner_points() -> Array:
    """Random world points in the middle of the analytic image, (400, 3) mm."""
    return np.random.default_rng(9).uniform(-18, 18, (400, 3))
