"""What holds for any grid."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from odd.geometry import grids

from inr_registration.core import Grid


@given(grids())
def test_an_index_comes_back_from_the_world(grid: Grid) -> None:
    index = np.random.default_rng(0).uniform(-3, 9, (20, 3))
    lost = 1e-15 * np.abs(grid.affine[:3, 3]).max() / np.abs(np.linalg.svd(grid.affine[:3, :3])[1]).min()
    np.testing.assert_allclose(grid.to_index(grid.to_world(index)), index, atol=1e-9 + 100 * lost)


@given(grids())
def test_the_right_angled_grid_covers_the_sheared_one(grid: Grid) -> None:
    upright = grid.orthogonal()
    assert not upright.is_sheared
    assert upright.contains(grid.corners(), margin=0.5 + 1e-3 + 1e-9 * np.abs(grid.origin).max() / grid.spacing.min()).all()


@given(grids())
def test_a_grid_is_the_same_as_itself_and_not_as_one_a_voxel_further(grid: Grid) -> None:
    moved = grid.affine.copy()
    moved[:3, 3] += moved[:3, 0]
    tolerance = 0.1 * float(grid.spacing[0])
    assert grid.is_same(Grid(grid.size, grid.affine), tolerance)
    assert not grid.is_same(Grid(grid.size, moved), tolerance)


@given(grids(), st.integers(0, 2))
def test_centres_of_voxels_lie_inside_and_those_beyond_do_not(grid: Grid, axis: int) -> None:
    slack = 0.01 + 1e-9 * np.abs(grid.origin).max() / grid.spacing.min()
    last = np.asarray(grid.size, dtype=float) - 1
    beyond = last.copy()
    beyond[axis] += 1.0 + slack
    assert grid.contains(grid.to_world([[0, 0, 0], last]), margin=0.5).all()
    assert not grid.contains(grid.to_world(beyond), margin=0.5)
