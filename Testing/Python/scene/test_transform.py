"""The map as VTK and ITK hold it is the map."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
import slicer
import vtk
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from worlds import CENTRE, DIRECTIONS, a_map, grid_around, phi, turned

from inr_registration.slicer.scene import DisplacementGrid, as_vtk, sample, set_transform


def through(transform: vtk.vtkAbstractTransform, points: np.ndarray) -> np.ndarray:
    """Points (n, 3) LPS through a VTK transform in RAS."""
    signs = np.array([-1.0, -1.0, 1.0])
    return np.array([transform.TransformPoint(p) for p in points * signs]) * signs


def points_in(grid: Any, count: int = 60, seed: int = 1) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return grid.to_world(rng.uniform(-0.5, np.asarray(grid.size) - 0.5, (count, 3)))


@pytest.fixture(params=DIRECTIONS)
def a_grid(request: pytest.FixtureRequest) -> Any:
    return grid_around(DIRECTIONS[request.param])


def test_the_composite_is_the_affine_part_after_the_spline(a_grid: Any) -> None:
    transform = a_map(a_grid)
    points = points_in(a_grid)
    assert np.abs(phi(transform, points) - points).max() > 2
    np.testing.assert_allclose(through(as_vtk(transform), points), phi(transform, points), atol=1e-6)


def test_the_map_agrees_beyond_the_image_too() -> None:
    transform = a_map(grid_around(DIRECTIONS["oblique"]))
    points = CENTRE + np.random.default_rng(2).uniform(-300, 300, (200, 3))
    np.testing.assert_allclose(through(as_vtk(transform), points), phi(transform, points), atol=1e-6)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seed=st.integers(0, 10**6),
    degrees=st.floats(-180, 180),
    stretch=st.floats(0.5, 2.0),
    step=st.floats(5.0, 30.0),
    spacing=st.tuples(*[st.floats(0.4, 5.0)] * 3),
)
def test_any_lattice_and_affine_part_is_handed_over_exactly(
    seed: int, degrees: float, stretch: float, step: float, spacing: tuple[float, ...]
) -> None:
    axes = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))[0]
    grid = grid_around(axes, (8, 9, 7), spacing)
    transform = a_map(grid, seed, step / 3, step, turned(degrees, (5.0, 4.0, -3.0), stretch))
    points = points_in(grid, 20, seed)
    np.testing.assert_allclose(through(as_vtk(transform), points), phi(transform, points), atol=1e-6)


def test_the_sampled_displacement_is_that_of_the_spline_at_its_nodes(a_grid: Any) -> None:
    transform = a_map(a_grid, affine=np.eye(4))
    sampled = sample(transform, 4.0)
    assert sampled.grid.contains(a_grid.corners()).all()
    assert (sampled.grid.spacing <= 4.0 + 1e-9).all()
    index = np.random.default_rng(5).integers(0, sampled.grid.size, (100, 3))
    nodes, (i, j, k) = sampled.grid.to_world(index), index.T
    np.testing.assert_allclose(nodes + sampled.values[k, j, i], phi(transform, nodes), atol=1e-4)
    assert np.abs(sampled.values).max() > 1
    assert np.abs(sampled.values[[0, -1]]).max() == 0, "it must have faded to nothing at its rim"


def test_a_sampled_grid_never_grows_without_bound() -> None:
    sampled = sample(a_map(grid_around(np.eye(3))), 0.01)
    assert 2_000_000 < sampled.grid.voxels < 3_500_000


def test_the_grid_form_is_the_map_to_within_the_interpolation(a_grid: Any) -> None:
    transform = a_map(a_grid)
    points = points_in(a_grid)
    error = np.abs(through(as_vtk(transform, sample(transform, 2.0)), points) - phi(transform, points)).max()
    assert error < 0.02
    coarse = np.abs(through(as_vtk(transform, sample(transform, 8.0)), points) - phi(transform, points)).max()
    assert coarse > 3 * error, "the grid must be what is evaluated"


@pytest.mark.parametrize("suffix", [".h5", ".tfm"])
@pytest.mark.parametrize("form", ["spline", "grid"])
def test_simpleitk_and_slicer_read_what_slicer_saves(scene: Any, tmp_path: Path, form: str, suffix: str, a_grid: Any) -> None:
    transform = a_map(a_grid)
    sampled = sample(transform, 5.0) if form == "grid" else None
    node = scene.AddNewNodeByClass("vtkMRMLTransformNode", "result")
    set_transform(node, transform, sampled)
    path = save(node, tmp_path / f"result{suffix}")
    points = places(sampled, a_grid)
    itk = sitk.ReadTransform(str(path))
    np.testing.assert_allclose([itk.TransformPoint(p) for p in points.tolist()], phi(transform, points), atol=1e-4)
    again = scene.AddNewNodeByClass("vtkMRMLTransformNode", "again")
    load(again, path)
    anywhere = points_in(a_grid)
    before, after = node.GetTransformFromParent(), again.GetTransformFromParent()
    np.testing.assert_allclose(through(after, anywhere), through(before, anywhere), atol=1e-9 if suffix == ".h5" else 1e-5)


def places(sampled: DisplacementGrid | None, grid: Any) -> np.ndarray:
    """Anywhere in the image for the spline; nodes for a grid, which ITK interpolates linearly."""
    if sampled is None:
        return points_in(grid)
    return sampled.grid.to_world(np.random.default_rng(6).integers(1, np.asarray(sampled.grid.size) - 1, (60, 3)))


def save(node: Any, path: Path) -> Path:
    storage = slicer.vtkMRMLTransformStorageNode()
    storage.SetFileName(str(path))
    assert storage.WriteData(node)
    return path


def load(node: Any, path: Path) -> None:
    storage = slicer.vtkMRMLTransformStorageNode()
    storage.SetFileName(str(path))
    assert storage.ReadData(node)
