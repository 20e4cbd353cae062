from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
import SimpleITK as sitk
import torch
from analytic import OBLIQUE, centred, image_on, pair, turn, wave
from fits import LATTICE, short

from inr_registration.app import register
from inr_registration.core import Affine, Grid, Problem, Representation, Result, Settings, Stage
from inr_registration.fields import SplineLattice
from inr_registration.io import to_itk
from inr_registration.maps import as_transform, faded, load, sampled
from inr_registration.methods import prepare
from inr_registration.numerics import Frame, Knots

Array = npt.NDArray[np.float64]

SHIFT = np.array([7.3, -4.1, 2.2])


@pytest.mark.parametrize("kind", ["isotropic", "per_axis", "millimetres"])
def test_a_frame_goes_to_unit_coordinates_and_back(a_grid: Grid, kind: str) -> None:
    frame = getattr(Frame, kind)(a_grid)
    points = np.random.default_rng(0).normal(scale=300, size=(50, 3))
    np.testing.assert_allclose(frame.to_world(frame.to_unit(points)), points, atol=1e-9)


def test_frames_are_what_they_are_called(a_grid: Grid) -> None:
    ends = a_grid.to_world([[0, 0, 0], np.asarray(a_grid.size) - 1])
    np.testing.assert_allclose(Frame.per_axis(a_grid).to_unit(ends), [[-1] * 3, [1] * 3], atol=1e-9)
    half = (np.asarray(a_grid.size) * a_grid.spacing).max() / 2
    assert Frame.isotropic(a_grid).scale == pytest.approx(half)
    np.testing.assert_allclose(Frame.isotropic(a_grid).to_unit(a_grid.centre), 0, atol=1e-9)
    index = np.array([3.0, 2.0, 5.0])
    np.testing.assert_allclose(Frame.millimetres(a_grid).to_unit(a_grid.to_world(index)), index * a_grid.spacing, atol=1e-9)


def settings(kind: str = "velocity", affine: str = "none", iterations: int = 25) -> Settings:
    network = kind in ("siren", "relu")
    stages = (
        (Stage(1, 12 * iterations, 2e-3, points=3000),)
        if network
        else (Stage(2, iterations, 0.5, control_spacing=2.0), Stage(1, iterations, 0.4, control_spacing=3.0))
    )
    return Settings(
        representation=Representation(kind=kind, width=32, depth=2, omega=10.0),  # type: ignore[arg-type]
        similarity={"mse": 10.0},
        regularity={"bending": 5.0} if network else {"diffusion": 0.02},
        affine=Affine(kind=affine, iterations=60),  # type: ignore[arg-type]
        stages=stages,
        max_voxels=60_000,
        device="cpu",
    )


def oblique_pair(phi: object) -> Problem:
    """1 x 1 x 3 mm turned by 20 degrees against 2 mm isotropic and shifted."""
    fixed = centred((64, 64, 22), (1.0, 1.0, 3.0), turn(20) @ turn(20, 0))
    moving = centred((44, 46, 42), 2.0, centre=(6.0, -2.0, 3.0))
    return pair(fixed, moving, phi)  # type: ignore[arg-type]


def test_a_translation_between_oblique_and_straight_grids_is_found() -> None:
    gentle = replace(settings(affine="rigid"), similarity={"ncc": 1.0}, regularity={"diffusion": 1.0}, clip_percent=0.0)
    result = register(oblique_pair(lambda p: p + SHIFT), gentle)
    assert result.model is not None
    points = np.random.default_rng(0).uniform(-18, 18, (300, 3))
    error = np.linalg.norm(load(result.model).map(points) - (points + SHIFT), axis=1)
    assert error.mean() < 0.05
    assert error.max() < 0.2


def through_itk(result: Result, points: Array) -> Array:
    assert result.transform is not None
    transform = to_itk(result.transform)
    return np.array([transform.TransformPoint(point.tolist()) for point in points])


@pytest.fixture(scope="module")
def fitted() -> dict[str, Result]:
    """A turned, scaled, shifted and wavy map, fitted by each kind of field."""

    def phi(p: Array) -> Array:
        return (p + 1.5 * np.sin(np.roll(p, 1, axis=-1) / 12)) @ turn(4).T * 1.03 + [2.0, 1.0, -3.0]

    problem = oblique_pair(phi)
    return {kind: register(problem, settings(kind, "affine", 12)) for kind in ("velocity", "spline", "siren")}


def inside(result: Result, count: int = 400) -> Array:
    """Random world points of the fixed image."""
    assert result.warped is not None
    grid = result.warped.grid
    return grid.to_world(np.random.default_rng(3).uniform(-0.5, np.asarray(grid.size) - 0.5, (count, 3)))


@pytest.mark.parametrize("kind", ["velocity", "spline"])
def test_itk_has_the_same_map_as_the_model_of_a_lattice(fitted: dict[str, Result], kind: str) -> None:
    result = fitted[kind]
    assert result.model is not None
    assert result.transform is not None
    points = inside(result)
    mapped = load(result.model).map(points)
    assert np.linalg.norm(mapped - points, axis=1).mean() > 2
    assert np.linalg.norm(through_itk(result, points) - mapped, axis=1).max() < 1e-3
    assert result.transform.max_error_mm == 0


def test_itk_has_the_map_of_a_network_within_the_stated_error(fitted: dict[str, Result]) -> None:
    result = fitted["siren"]
    assert result.model is not None
    assert result.transform is not None
    points = inside(result)
    model = load(result.model)
    stretch = np.linalg.norm(model.affine[:3, :3], 2)
    error = np.linalg.norm(through_itk(result, points) - model.map(points), axis=1).max()
    assert 0 < error <= 1.05 * stretch * result.transform.max_error_mm + 1e-3
    assert result.transform.max_error_mm < 0.2


@pytest.mark.parametrize("kind", ["velocity", "siren"])
def test_arrays_on_the_fixed_grid_agree_with_itk(fitted: dict[str, Result], kind: str) -> None:
    result = fitted[kind]
    assert result.displacement is not None
    assert result.jacobian is not None
    assert result.transform is not None
    grid = result.jacobian.grid
    index = np.random.default_rng(5).integers(2, np.asarray(grid.size) - 2, (100, 3))
    i, j, k = index.T
    points = grid.to_world(index)
    mapped = (points + result.displacement[k, j, i]) @ result.transform.affine[:3, :3].T + result.transform.affine[:3, 3]
    np.testing.assert_allclose(mapped, through_itk(result, points), atol=2e-3)
    h = 0.01
    columns = [(through_itk(result, points + e) - through_itk(result, points - e)) / (2 * h) for e in h * np.eye(3)]
    np.testing.assert_allclose(result.jacobian.values[k, j, i], np.linalg.det(np.stack(columns, axis=2)), atol=2e-3)


def test_itk_warps_to_the_same_image(fitted: dict[str, Result]) -> None:
    result = fitted["velocity"]
    assert result.warped is not None
    assert result.transform is not None
    images = []
    for volume in (image_on(centred((44, 46, 42), 2.0, centre=(6.0, -2.0, 3.0))), result.warped):
        image = sitk.GetImageFromArray(np.asarray(volume.values, dtype=np.float32))
        image.SetSpacing(volume.grid.spacing.tolist())
        image.SetOrigin(volume.grid.origin.tolist())
        image.SetDirection(volume.grid.direction.ravel().tolist())
        images.append(image)
    expected = sitk.GetArrayFromImage(sitk.Resample(images[0], images[1], to_itk(result.transform), sitk.sitkLinear))
    inner = (slice(4, -4), slice(12, -12), slice(12, -12))
    np.testing.assert_allclose(result.warped.values[inner], expected[inner], atol=0.5)


@pytest.mark.parametrize("direction", [np.eye(3), OBLIQUE, OBLIQUE @ np.diag([-1.0, 1.0, 1.0])])
def test_a_lattice_on_any_axes_is_the_same_in_itk(direction: Array) -> None:
    grid = centred((20, 18, 9), (2.0, 2.0, 5.0), direction, (100.0, -50.0, 7.0))
    frame = Frame.millimetres(grid)
    knots = Knots.covering(tuple(-grid.spacing / 2), tuple((np.asarray(grid.size) - 0.5) * grid.spacing), 9.0)
    lattice = faded(SplineLattice(knots, torch.randn(3, *knots.shape, generator=torch.Generator().manual_seed(1))))
    affine = np.eye(4)
    affine[:3] = np.column_stack([turn(15, 0) * 1.1, [3.0, -8.0, 1.0]])
    transform = to_itk(as_transform(lattice, frame, affine, 0.0))
    displacement, _ = sampled(lattice, frame, affine, grid)
    points = grid.all_points().astype(float)
    expected = (points + displacement) @ affine[:3, :3].T + affine[:3, 3]
    for k, j, i in [(0, 0, 0), (8, 17, 19), (4, 3, 11), (7, 0, 15)]:
        np.testing.assert_allclose(transform.TransformPoint(points[k, j, i].tolist()), expected[k, j, i], atol=1e-3)


def test_separable_and_pointwise_evaluation_on_a_grid_agree() -> None:
    grid = centred((12, 10, 9), (2.0, 2.0, 4.0), OBLIQUE)
    frame = Frame.millimetres(grid)
    knots = Knots.covering(tuple(-grid.spacing / 2), tuple((np.asarray(grid.size) - 0.5) * grid.spacing), 8.0)
    lattice = SplineLattice(knots, torch.randn(3, *knots.shape, generator=torch.Generator().manual_seed(1)))
    straight, det = sampled(lattice, frame, np.eye(4), grid)
    tilted = Grid(grid.size, grid.affine @ np.array([[1, 1e-4, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1.0]]))
    pointwise, other = sampled(lattice, frame, np.eye(4), tilted)  # so little that only the way of evaluation differs
    np.testing.assert_allclose(straight, pointwise, atol=5e-3)
    np.testing.assert_allclose(det, other, atol=5e-3)


def test_thick_slices_are_worked_on_at_twice_the_spacing_and_outputs_keep_their_grid() -> None:
    fixed, moving = centred((36, 36, 10), (1.3, 1.3, 5.0)), centred((34, 36, 11), (1.3, 1.4, 5.0))
    problem = pair(fixed, moving, wave)
    prepared = prepare(problem, LATTICE, torch.device("cpu"))
    assert 1.3 <= prepared.spacing < 1.5
    levels = prepared.level_pair(prepared.spacing)
    for image in (levels[0], levels[2]):
        assert np.allclose(image.grid.spacing[[0, 2]], np.array([1, 2]) * prepared.spacing)
        assert prepared.spacing <= image.grid.spacing[1] <= 1.4
    assert np.allclose(levels[0].grid.centre, fixed.centre)
    result = register(problem, short(LATTICE, 2))
    assert result.warped is not None
    assert result.warped.grid.is_same(fixed)
    assert result.warped.values.shape == fixed.shape
