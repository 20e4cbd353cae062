"""Headers that name a wrong orientation or place: what is meant is found, or said not to have been."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
import torch
from analytic import OBLIQUE, blobs, centred, turn
from fits import model_of
from scipy.spatial.transform import Rotation

from inr_registration.app import register
from inr_registration.core import Grid, Problem, Volume, load_preset
from inr_registration.methods import prealign, prepare
from inr_registration.start import orientations, turned_by

pytestmark = pytest.mark.slow

Array = npt.NDArray[np.float64]

QUICK = replace(load_preset("quick").settings, device="cpu")
GRID = centred((34, 32, 33), 2.0)
POINTS = np.random.default_rng(4).uniform(-14, 14, (500, 3))


def moved(matrix: Array, grid: Grid = GRID) -> Problem:
    """The same body twice; the map from fixed to moving is a (4, 4) matrix."""
    points = grid.all_points().astype(np.float64)
    fixed = blobs(points @ matrix[:3, :3].T + matrix[:3, 3])
    moving = Grid(grid.size, matrix @ grid.affine)
    return Problem(
        Volume(fixed.astype(np.float32), grid, "fixed"), Volume(blobs(moving.all_points().astype(np.float64)).astype(np.float32), moving)
    )


def rigid(rotation: Array, shift: tuple[float, float, float] = (0.0, 0.0, 0.0)) -> Array:
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = rotation, shift
    return matrix


def error(found: Array, matrix: Array) -> float:
    return float(np.linalg.norm(POINTS @ (found - matrix)[:3, :3].T + (found - matrix)[:3, 3], axis=1).mean())


def test_no_rotation_is_far_from_one_that_is_tried() -> None:
    tried = orientations()
    assert np.allclose(tried @ tried.transpose(0, 2, 1), np.eye(3), atol=1e-12)
    others = Rotation.random(2000, random_state=1).as_matrix()
    traces = np.einsum("nab,mab->nm", others, tried).max(axis=1)
    assert np.rad2deg(np.arccos((traces - 1) / 2)).max() < 45


@pytest.mark.parametrize("degrees", [60, 90, 120, -90, 170])
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_turns_about_the_axes_are_found_and_told(degrees: float, axis: int) -> None:
    matrix = rigid(turn(degrees, axis))
    found = prealign(prepare(moved(matrix), QUICK, torch.device("cpu")), QUICK, np.eye(4))
    assert error(np.eye(4), matrix) > 9
    assert error(found.start, matrix) < 1
    assert found.turned == pytest.approx(abs(degrees), abs=4)
    assert any("turned the moving image" in said for said in found.warnings)


@pytest.mark.parametrize("seed", range(4))
def test_any_turn_with_a_shift_is_found(seed: int) -> None:
    matrix = rigid(Rotation.random(random_state=seed).as_matrix(), (30.0, -25.0, 20.0))
    found = prealign(prepare(moved(matrix, centred((30, 33, 32), 2.0, OBLIQUE)), QUICK, torch.device("cpu")), QUICK, np.eye(4))
    assert error(found.start, matrix) < 1


def test_images_that_lie_as_their_headers_say_are_not_turned() -> None:
    matrix = rigid(turn(8), (3.0, 0.0, -2.0))
    found = prealign(prepare(moved(matrix), QUICK, torch.device("cpu")), QUICK, np.eye(4))
    assert error(found.start, matrix) < 1
    assert found.turned < 12
    assert found.warnings == []
    assert "headers" in found.said or "none" in found.said


def test_a_start_of_the_users_own_is_not_turned_around() -> None:
    matrix, given = rigid(turn(120, 1)), rigid(np.eye(3), (1.0, 0.0, 0.0))
    found = prealign(prepare(moved(matrix), QUICK, torch.device("cpu")), QUICK, given)
    assert "orientations" not in found.said


@pytest.mark.parametrize("shift", [(40.0, 0.0, 0.0), (0.0, -60.0, 25.0), (300.0, 0.0, 0.0)])
def test_a_start_far_off_is_found(shift: tuple[float, float, float]) -> None:
    """The header of the moving image alone is wrong: its voxels are those of an image in the right place."""
    near, matrix = rigid(turn(10)), rigid(turn(10), shift)
    problem = moved(near)
    moving = Volume(problem.moving.values, Grid(GRID.size, rigid(np.eye(3), shift) @ problem.moving.grid.affine))
    found = prealign(prepare(replace(problem, moving=moving), QUICK, torch.device("cpu")), QUICK, np.eye(4))
    assert error(found.start, matrix) < 1


def test_images_that_have_nothing_in_common_are_said_to_hardly_agree() -> None:
    noise = np.random.default_rng(8).normal(size=(2, *GRID.shape)).astype(np.float32)
    result = register(Problem(Volume(noise[0], GRID, "fixed"), Volume(noise[1], GRID, "moving")), QUICK)
    assert any("hardly agree" in said for said in result.warnings)
    assert not any("100 % as well" in choice for choice in result.choices)


def test_the_warning_reaches_the_result() -> None:
    matrix = rigid(turn(90, 2))
    result = register(moved(matrix), QUICK)
    assert any("turned the moving image by" in said for said in result.warnings)
    assert np.linalg.norm(model_of(result).map(POINTS) - POINTS @ matrix[:3, :3].T, axis=1).mean() < 1
    assert turned_by(matrix, np.eye(4)) == pytest.approx(90)
