from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import given, settings
from hypothesis import strategies as st

from inr_registration.core import Grid, InputError


def rotation(a: float, b: float, c: float) -> np.ndarray[Any, np.dtype[np.float64]]:
    """About x, y and z by these angles."""
    x = np.array([[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]])
    y = np.array([[np.cos(b), 0, np.sin(b)], [0, 1, 0], [-np.sin(b), 0, np.cos(b)]])
    z = np.array([[np.cos(c), -np.sin(c), 0], [np.sin(c), np.cos(c), 0], [0, 0, 1]])
    return np.asarray(x @ y @ z)


@st.composite
def grids(draw: st.DrawFn) -> Grid:
    """Rotated, possibly mirrored, sheared, anisotropic and far from the origin."""
    angle, shear = st.floats(-3.2, 3.2), st.floats(-0.5, 0.5)
    axes = rotation(draw(angle), draw(angle), draw(angle)) @ np.diag([1.0, 1.0, draw(st.sampled_from([1.0, -1.0]))])
    axes = axes @ np.array([[1.0, draw(shear), draw(shear)], [0.0, 1.0, draw(shear)], [0.0, 0.0, 1.0]])
    size = tuple(draw(st.integers(1, 40)) for _ in range(3))
    spacing = [draw(st.floats(0.1, 10)) for _ in range(3)]
    return Grid.from_geometry((size[0], size[1], size[2]), spacing, [draw(st.floats(-500, 500)) for _ in range(3)], axes)


def some_indices(grid: Grid, n: int = 50) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Within the grid and a little beyond."""
    return np.asarray(np.random.default_rng(0).uniform(-2, np.asarray(grid.size) + 1, size=(n, 3)))


def test_index_to_world_and_back_is_the_identity(a_grid: Grid) -> None:
    index = some_indices(a_grid)
    np.testing.assert_allclose(a_grid.to_index(a_grid.to_world(index)), index, atol=1e-10)


@given(grids())
@settings(max_examples=100)
def test_index_to_world_and_back_is_the_identity_on_any_grid(grid: Grid) -> None:
    index = some_indices(grid, 10)
    np.testing.assert_allclose(grid.to_index(grid.to_world(index)), index, atol=1e-8)


def test_world_points_agree_with_itk(a_right_angled_grid: Grid) -> None:
    grid = a_right_angled_grid
    image = sitk.Image([int(n) for n in grid.size], sitk.sitkUInt8)
    image.SetSpacing(grid.spacing.tolist())
    image.SetOrigin(grid.origin.tolist())
    image.SetDirection(grid.direction.ravel().tolist())
    for index in some_indices(grid):
        expected = image.TransformContinuousIndexToPhysicalPoint(index.tolist())
        np.testing.assert_allclose(grid.to_world(index), expected, atol=1e-9)
        np.testing.assert_allclose(grid.to_index(expected), image.TransformPhysicalPointToContinuousIndex(expected), atol=1e-9)


def test_all_points_are_in_the_order_of_the_array(a_grid: Grid) -> None:
    points = a_grid.all_points()
    assert points.shape == (*a_grid.shape, 3) == (5, 9, 7, 3)
    np.testing.assert_allclose(points[3, 8, 2], a_grid.to_world([2, 8, 3]), atol=1e-3)
    assert a_grid.voxels == points[..., 0].size


def test_spacing_direction_origin_and_centre_are_those_that_were_given(a_right_angled_grid: Grid) -> None:
    grid = a_right_angled_grid
    np.testing.assert_allclose(grid.spacing, [0.8, 1.1, 3.5])
    np.testing.assert_allclose(grid.direction.T @ grid.direction, np.eye(3), atol=1e-12)
    np.testing.assert_allclose(grid.origin, [-120, 35.5, 812.25])
    np.testing.assert_allclose(grid.centre, grid.corners().mean(axis=0))


def test_a_flat_direction_is_read_row_by_row_as_itk_writes_it() -> None:
    flat = (0, 0, 1, -1, 0, 0, 0, -1, 0)
    grid = Grid.from_geometry((2, 2, 2), (1, 2, 3), (0, 0, 0), flat)
    np.testing.assert_allclose(grid.to_world([1, 0, 0]), [0, -1, 0])
    np.testing.assert_allclose(grid.to_world([0, 0, 1]), [3, 0, 0])


def test_corners_are_half_a_voxel_beyond_the_outermost_centres() -> None:
    corners = Grid((4, 2, 1), np.diag([1.0, 1.0, 3.0, 1.0])).corners()
    assert corners.shape == (8, 3)
    np.testing.assert_allclose(corners.min(axis=0), [-0.5, -0.5, -1.5])
    np.testing.assert_allclose(corners.max(axis=0), [3.5, 1.5, 1.5])


def test_contains_ends_at_the_outer_faces_of_the_voxels() -> None:
    grid = Grid((4, 4, 4), np.diag([2.0, 2.0, 2.0, 1.0]))
    points = np.array([[0, 0, 0], [-0.99, 0, 0], [-1.01, 0, 0], [6.99, 6, 6], [7.01, 6, 6]])
    assert grid.contains(points).tolist() == [True, True, False, True, False]
    assert grid.contains(points, margin=0).tolist() == [True, False, False, False, False]


def test_contains_follows_the_axes_of_an_oblique_grid(a_grid: Grid) -> None:
    index = some_indices(a_grid, 500)
    expected = ((index >= -0.5) & (index <= np.asarray(a_grid.size) - 0.5)).all(axis=1)
    assert 0 < expected.sum() < 500
    assert (a_grid.contains(a_grid.to_world(index)) == expected).all()


def test_a_cropped_grid_keeps_its_voxels_where_they_were(a_grid: Grid) -> None:
    part = a_grid.cropped([2, 3, 1], (4, 5, 2))
    assert part.size == (4, 5, 2)
    np.testing.assert_allclose(part.to_world([1, 2, 1]), a_grid.to_world([3, 5, 2]))


def test_shear_is_seen_only_where_it_is(a_right_angled_grid: Grid, a_sheared_grid: Grid) -> None:
    assert not a_right_angled_grid.is_sheared
    assert a_sheared_grid.is_sheared


def test_a_right_angled_grid_is_its_own_orthogonal_grid(a_right_angled_grid: Grid) -> None:
    assert a_right_angled_grid.orthogonal().is_same(a_right_angled_grid)


@given(grids())
@settings(max_examples=100)
def test_the_orthogonal_grid_has_right_angles_and_covers_every_corner(grid: Grid) -> None:
    upright = grid.orthogonal()
    assert not upright.is_sheared
    assert upright.contains(grid.corners(), margin=0.5 + 1e-5).all()
    assert np.sign(np.linalg.det(upright.direction)) == np.sign(np.linalg.det(grid.direction))


def test_the_orthogonal_grid_is_no_larger_than_it_needs_to_be(a_sheared_grid: Grid) -> None:
    upright = a_sheared_grid.orthogonal()
    index = upright.to_index(a_sheared_grid.corners())
    slack = np.stack([index.min(axis=0) + 0.5, np.asarray(upright.size) - 0.5 - index.max(axis=0)])
    assert slack.max() < 0.5 + 1e-6


def test_the_orthogonal_grid_can_be_given_one_spacing(a_sheared_grid: Grid) -> None:
    upright = a_sheared_grid.orthogonal(2.0)
    np.testing.assert_allclose(upright.spacing, 2.0)
    assert upright.contains(a_sheared_grid.corners(), margin=0.5 + 1e-5).all()


def test_grids_are_the_same_up_to_a_tolerance_in_voxels(a_grid: Grid) -> None:
    def moved(voxels: float) -> Grid:
        affine = a_grid.affine.copy()
        affine[0, 3] += voxels * a_grid.spacing.min()
        return Grid(a_grid.size, affine)

    assert a_grid.is_same(moved(5e-4))
    assert not a_grid.is_same(moved(5e-3))
    assert a_grid.is_same(moved(5e-3), tolerance=1e-2)
    assert not a_grid.is_same(Grid((7, 9, 6), a_grid.affine))


def test_grids_of_the_same_extent_with_other_voxels_are_not_the_same() -> None:
    fine = Grid.from_geometry((4, 4, 4), (1, 1, 1), (0.5, 0.5, 0.5), np.eye(3))
    coarse = Grid.from_geometry((2, 4, 4), (2, 1, 1), (1.0, 0.5, 0.5), np.eye(3))
    np.testing.assert_allclose(fine.corners(), coarse.corners())
    assert not fine.is_same(coarse)


def test_the_affine_cannot_be_changed_and_is_not_the_callers() -> None:
    affine = np.eye(4)
    grid = Grid((2, 2, 2), affine)
    affine[0, 0] = 5
    assert grid.spacing[0] == 1
    with pytest.raises(ValueError, match="read-only"):
        grid.affine[0, 0] = 5


@pytest.mark.parametrize(
    ("size", "affine", "message"),
    [
        ((4, 4), np.eye(4), r"three positive sizes, got \(4, 4\)"),
        ((4, 0, 4), np.eye(4), r"three positive sizes, got \(4, 0, 4\)"),
        ((4, 4, 4), np.eye(3), "finite 4x4 affine"),
        ((4, 4, 4), np.diag([1.0, np.nan, 1.0, 1.0]), "finite 4x4 affine"),
        ((4, 4, 4), np.diag([1.0, 1.0, 1.0, 2.0]), "last row 0 0 0 1"),
        ((4, 4, 4), np.diag([1.0, 0.0, 1.0, 1.0]), "positive spacing"),
        ((4, 4, 4), np.array([[1.0, 1, 0, 0], [1, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]), "must be independent"),
    ],
)
def test_a_header_that_makes_no_sense_is_refused(size: Any, affine: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Grid(size, affine)
