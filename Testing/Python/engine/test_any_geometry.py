"""Short registrations of images of any geometry give finite results."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from odd.case import blobs
from odd.geometry import grids

from inr_registration.app import register
from inr_registration.core import Grid, Problem, Volume, load_preset
from inr_registration.maps import load

SIZES = (4, 16)


def seen(grid: Grid, centre: np.ndarray, size: float, shift: float) -> Volume:
    """Blobs of a size around a centre, whatever the grid."""
    points = (grid.all_points().astype(np.float64) - centre) / size * 30 + shift
    noise = np.random.default_rng(1).normal(size=grid.shape)
    return Volume((blobs(points) + noise).astype(np.float32), grid)


@pytest.mark.parametrize("preset", ["ffd", "quick"])
@settings(max_examples=8)
@given(grids(SIZES, (0.05, 20.0), 30.0), grids(SIZES, (0.05, 20.0), 30.0), st.floats(0.3, 3))
def test_any_two_geometries_give_a_finite_result(preset: str, fixed: Grid, other: Grid, scale: float) -> None:
    extent = np.ptp(fixed.corners(), axis=0).max()
    affine = other.affine.copy()
    affine[:3, :3] *= scale * extent / np.ptp(other.corners(), axis=0).max()
    affine[:3, 3] = fixed.centre - affine[:3, :3] @ ((np.asarray(other.size) - 1) / 2) + 0.1 * np.ptp(fixed.corners(), axis=0).min()
    moving = Grid(other.size, affine)
    chosen = load_preset(preset).settings
    few = replace(
        chosen, stages=tuple(replace(stage, iterations=2) for stage in chosen.stages), affine=replace(chosen.affine, iterations=3)
    )
    result = register(Problem(seen(fixed, fixed.centre, extent, 0.0), seen(moving, fixed.centre, extent, 2.0)), few)
    assert result.outcome.usable
    assert result.warped is not None
    assert result.jacobian is not None
    assert result.model is not None
    assert np.isfinite(result.warped.values).all()
    assert np.isfinite(result.jacobian.values).all()
    assert np.isfinite(load(result.model).map(fixed.corners())).all()
