"""Grids of every kind, and torch kept small and repeatable."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from inr_registration.core import Grid

sys.path.append(str(Path(__file__).parent))  # for analytic and fits, which the tests import too

from analytic import DIRECTIONS


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


@pytest.fixture(params=DIRECTIONS)
def a_grid(request: pytest.FixtureRequest) -> Grid:
    """Anisotropic and far from the origin, of every orientation."""
    return Grid.from_geometry((12, 14, 9), (0.8, 1.1, 3.5), (-120.0, 35.5, 812.25), DIRECTIONS[request.param])
