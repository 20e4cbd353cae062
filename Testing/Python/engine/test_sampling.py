from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk
import torch
from analytic import OBLIQUE
from scipy import ndimage

from inr_registration.core import Grid, Volume
from inr_registration.images import level, orthogonal, working_spacing
from inr_registration.numerics import Image, outside_distance, sample

CPU = torch.device("cpu")


def noise_on(grid: Grid) -> np.ndarray:
    return np.random.default_rng(3).normal(size=grid.shape)


def image_of(values: np.ndarray, grid: Grid) -> Image:
    return Image(torch.as_tensor(values)[None], grid)


def world_points(grid: Grid, count: int = 200, margin: float = 0.0) -> np.ndarray:
    index = np.random.default_rng(4).uniform(-margin, np.asarray(grid.size) - 1 + margin, (count, 3))
    return grid.to_world(index)


def test_reading_at_world_points_is_that_of_scipy(a_grid: Grid) -> None:
    values, points = noise_on(a_grid), world_points(a_grid, margin=3.0)
    expected = ndimage.map_coordinates(values, a_grid.to_index(points).T[::-1], order=1, mode="nearest")
    found = image_of(values, a_grid).at(torch.as_tensor(points.T.copy()))
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-10)


def test_reading_the_nearest_voxel_is_that_of_scipy(a_grid: Grid) -> None:
    values, points = noise_on(a_grid), world_points(a_grid)
    expected = ndimage.map_coordinates(values, a_grid.to_index(points).T[::-1], order=0, mode="nearest")
    found = image_of(values, a_grid).at(torch.as_tensor(points.T.copy()), "nearest")
    np.testing.assert_allclose(found.numpy(), expected)


def test_voxel_centres_have_their_voxel_values(a_grid: Grid) -> None:
    values = noise_on(a_grid)
    k, j, i = np.meshgrid(*(np.arange(n) for n in a_grid.shape), indexing="ij")
    points = a_grid.to_world(np.stack([i, j, k], axis=-1))
    found = image_of(values, a_grid).at(torch.as_tensor(points).permute(3, 0, 1, 2))
    np.testing.assert_allclose(found.numpy(), values, atol=1e-9)


def test_reading_at_world_points_is_that_of_itk() -> None:
    grid = Grid.from_geometry((12, 14, 9), (0.8, 1.1, 3.5), (-120.0, 35.5, 812.25), OBLIQUE)
    values, points = noise_on(grid), world_points(grid)
    image = sitk.GetImageFromArray(values)
    image.SetSpacing(grid.spacing.tolist())
    image.SetOrigin(grid.origin.tolist())
    image.SetDirection(grid.direction.ravel().tolist())
    expected = [image.EvaluateAtPhysicalPoint(point.tolist(), sitk.sitkLinear) for point in points]
    found = image_of(values, grid).at(torch.as_tensor(points.T.copy()))
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-9)


def test_a_single_slice_can_be_read() -> None:
    grid = Grid.from_geometry((6, 5, 1), (1.0, 2.0, 4.0), (0.0, 0.0, 7.0), np.eye(3))
    values = noise_on(grid)
    found = image_of(values, grid).at(torch.tensor([[2.0], [4.0], [7.0]], dtype=torch.float64))
    assert float(found) == pytest.approx(values[0, 2, 2])


def test_the_gradient_of_a_sample_is_the_slope_of_the_image() -> None:
    ramp = 2.0 * torch.arange(8.0).reshape(1, 1, 1, 8).expand(1, 4, 4, 8).contiguous()
    unit = torch.tensor([[0.1], [0.0], [0.0]], requires_grad=True)
    sample(ramp, unit).sum().backward()
    assert unit.grad is not None
    assert unit.grad[:, 0].tolist() == pytest.approx([2.0 * 3.5, 0, 0], abs=1e-5)


@pytest.mark.parametrize(
    ("unit", "distance"),
    [((0, 0, 0), 0), ((1, -1, 1), 0), ((1 + 0.5 / 4.5, 0, 0), 0), ((1 + 1.5 / 4.5, 0, 0), 1), ((1 + 1.5 / 4.5, -1 - 2.5 / 9.5, 0), 3)],
)
def test_the_distance_outside_is_in_voxels_beyond_the_outer_faces(unit: tuple[float, float, float], distance: float) -> None:
    found = outside_distance(torch.tensor(unit, dtype=torch.float64)[:, None], (10, 20, 4))
    assert float(found) == pytest.approx(distance, abs=1e-12)


def test_the_distance_outside_has_a_slope_back() -> None:
    unit = torch.tensor([[1.5], [0.2], [-1.4]], requires_grad=True)
    outside_distance(unit, (11, 11, 11)).sum().backward()
    assert unit.grad is not None
    assert unit.grad[:, 0].tolist() == pytest.approx([5.0, 0.0, -5.0], abs=1e-5)


RAMP = np.array([0.3, -0.7, 0.2])


@pytest.mark.parametrize("spacing", [0.5, 1.0, 2.0, 3.3])
def test_a_level_keeps_a_ramp_at_its_world_positions(a_grid: Grid, spacing: float) -> None:
    values = a_grid.all_points().astype(np.float64) @ RAMP
    made = level(values, a_grid, spacing, CPU, smooth=False)
    k, j, i = np.meshgrid(*(np.arange(n) for n in made.grid.shape), indexing="ij")
    index = np.stack([i, j, k], axis=-1)
    points = made.grid.to_world(index)
    own = a_grid.to_index(points)
    inner = ((own >= 0) & (own <= np.asarray(a_grid.size) - 1)).all(axis=-1)
    assert inner.mean() > 0.2
    np.testing.assert_allclose(made.values[0].numpy()[inner], (points @ RAMP)[inner], atol=2e-3)


@pytest.mark.parametrize("spacing", [0.5, 2.0])
def test_a_smoothed_level_keeps_a_ramp_in_the_middle(a_grid: Grid, spacing: float) -> None:
    values = a_grid.all_points().astype(np.float64) @ RAMP
    made = level(values - values.mean(), a_grid, spacing, CPU)
    at_centre = made.at(torch.as_tensor(a_grid.centre)[:, None].float())
    assert float(at_centre) == pytest.approx(float(a_grid.centre @ RAMP - values.mean()), abs=0.05)


@pytest.mark.parametrize("spacing", [0.5, 1.0, 2.0])
def test_a_level_covers_the_same_field_of_view(a_grid: Grid, spacing: float) -> None:
    made = level(noise_on(a_grid), a_grid, spacing, CPU).grid
    np.testing.assert_allclose(made.centre, a_grid.centre, atol=1e-9)
    np.testing.assert_allclose(made.spacing, np.clip(a_grid.spacing, spacing, 2 * spacing), atol=1e-9)
    np.testing.assert_allclose(level(noise_on(a_grid), a_grid, spacing, CPU, thickest=1.0).grid.spacing, spacing, atol=1e-9)
    np.testing.assert_allclose(made.direction, a_grid.direction, atol=1e-9)
    extents = [np.asarray(grid.size) * grid.spacing for grid in (made, a_grid)]
    assert (np.abs(extents[0] - extents[1]) <= made.spacing / 2 + 1e-9).all()


def test_a_level_of_the_same_spacing_is_the_image() -> None:
    grid = Grid.from_geometry((10, 11, 12), (2.0, 2.0, 2.0), (5.0, 6.0, 7.0), OBLIQUE)
    values = noise_on(grid)
    made = level(values, grid, 2.0, CPU)
    assert made.grid.is_same(grid)
    np.testing.assert_allclose(made.values[0].numpy(), values, atol=1e-5)


def test_a_coarse_level_is_smoothed_before_it_is_read() -> None:
    grid = Grid.from_geometry((33, 33, 33), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0), np.eye(3))
    stripes = np.broadcast_to((-1.0) ** np.arange(33), grid.shape)
    smoothed, read = (level(stripes, grid, 3.0, CPU, smooth).values[0, 2:-2, 2:-2, 2:-2].abs() for smooth in (True, False))
    assert float(smoothed.max()) < 0.01
    assert float(read.min()) > 0.99


def test_thick_slices_are_worked_on_between_the_slices() -> None:
    thick = Grid.from_geometry((200, 200, 40), (1.0, 1.0, 5.0), (0.0, 0.0, 0.0), np.eye(3))
    cube = Grid.from_geometry((100, 100, 100), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0), np.eye(3))
    assert 1.0 <= working_spacing(thick, 10**8) < 2.0
    assert working_spacing(cube, 10**8) == pytest.approx(1.0)
    assert working_spacing(cube, 10**6 // 8) == pytest.approx(2.0)


def test_a_sheared_image_is_read_on_right_angles_at_the_same_world_positions() -> None:
    shear = OBLIQUE @ np.array([[1.0, 0.0, 0.3], [0.0, 1.0, -0.2], [0.0, 0.0, 1.0]])
    grid = Grid.from_geometry((12, 14, 9), (0.8, 1.1, 2.0), (-20.0, 35.5, 12.25), shear)
    ramp = (grid.all_points().astype(np.float64) @ RAMP).astype(np.float32)
    straight = orthogonal(Volume(ramp, grid))
    assert not straight.grid.is_sheared
    seen = np.isfinite(straight.values)
    assert 0.3 < seen.mean() < 0.95
    np.testing.assert_allclose(straight.values[seen], (straight.grid.all_points().astype(np.float64) @ RAMP)[seen], atol=1e-3)


def test_a_right_angled_image_is_left_as_it_is() -> None:
    grid = Grid.from_geometry((5, 5, 5), (1.0, 1.0, 2.0), (0.0, 0.0, 0.0), OBLIQUE)
    volume = Volume(noise_on(grid), grid)
    assert orthogonal(volume) is volume
