"""The quality control on real runs: a sound one, and ones that are broken on purpose."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
from analytic import blobs, centred, pair, turn, wave
from fits import SIREN, error_mm, short

from inr_registration.app import register
from inr_registration.core import Cycle, Grid, Level, Problem, Result, Stage, Volume
from inr_registration.measure import BETTER, INDICATORS, better_elsewhere

pytestmark = pytest.mark.slow

Array = npt.NDArray[np.float64]

FIXED = centred((24, 23, 23), 2.4, turn(12))
MOVING = centred((27, 26, 26), 2.4, turn(-6, 0), (1.0, -1.0, 0.5))
CYCLE = replace(SIREN, regularity={"symmetric_jacobian": 0.05}, stages=(Stage(1, 85, 3e-3, 1000),), cycle=Cycle(0.001))
BRIEF = short(CYCLE, 15)
OFFSET = np.array([60.0, 0.0, 0.0])


def misplaced(fixed: Volume, warped: Volume, mask: npt.NDArray[np.bool_]) -> float:
    """Percent of the mask."""
    return 100 * float((better_elsewhere(fixed, warped, mask) > BETTER).mean())


def ball(grid: Grid, centre: Array, name: str) -> Volume:
    points = grid.all_points().astype(np.float64)
    return Volume((np.linalg.norm(points - centre, axis=-1) < 22).astype(np.uint8), grid, name)


def a_problem(offset: npt.ArrayLike = 0.0) -> Problem:
    """The wavy pair with a mask of the middle in both images, that of the fixed one moved."""
    masks = ball(FIXED, np.zeros(3) + offset, "fixed mask"), ball(MOVING, np.zeros(3), "moving mask")
    return pair(FIXED, MOVING, wave, fixed_mask=masks[0], moving_mask=masks[1])


def level(result: Result) -> Level:
    assert result.verdict is not None
    return result.verdict.level


def test_a_sound_registration_is_green() -> None:
    result = register(a_problem(), CYCLE)
    assert error_mm(result) < 1.2
    assert level(result) is Level.GREEN, result.verdict


def test_a_mask_in_the_wrong_place_is_red() -> None:
    result = register(a_problem((20.0, -16.0, 0.0)), BRIEF)
    assert level(result) is Level.RED
    assert result.verdict is not None
    assert any("masks cover only" in reason for reason in result.verdict.reasons)


def test_an_offset_of_60_mm_without_affine_is_red() -> None:
    affine = MOVING.affine.copy()
    affine[:3, 3] += OFFSET
    problem = pair(FIXED, MOVING, wave)
    result = register(replace(problem, moving=Volume(problem.moving.values, Grid(MOVING.size, affine), "moving")), BRIEF)
    assert error_mm(result, lambda points: wave(points) + OFFSET) > 10
    assert level(result) is Level.RED


def test_an_image_of_something_else_is_red() -> None:
    other = blobs(MOVING.all_points().astype(np.float64)[::-1, ::-1, :] * [1.3, 0.8, 1.0] + 9.0)
    result = register(Problem(pair(FIXED, MOVING, wave).fixed, Volume(other.astype(np.float32), MOVING, "moving")), BRIEF)
    assert level(result) is Level.RED, result.verdict


def test_a_pattern_that_moved_by_one_period_is_green_although_it_is_wrong() -> None:
    """The blind spot that is stated with every verdict."""

    def bars(points: Array) -> Array:
        return np.asarray(np.sin(2 * np.pi * points / [12.0, 17.0, 23.0]).sum(axis=-1))

    points, period = FIXED.all_points().astype(np.float64), np.array([12.0, 0.0, 0.0])
    fixed, moving = (Volume(bars(place).astype(np.float32), FIXED, "bars") for place in (points + period, points))
    result = register(Problem(fixed, moving), replace(CYCLE, stages=(Stage(1, 10, 1e-4, 1000),)))
    assert error_mm(result, lambda points: points + period) > 11
    assert level(result) is Level.GREEN, result.verdict
    assert result.verdict is not None
    assert "symmetric match" in result.verdict.blind_spots


def test_equal_images_with_noise_stay_below_the_limit_for_misplaced_tissue() -> None:
    image = a_problem().moving
    mask = np.ones(image.grid.shape, dtype=bool)
    noise = np.random.default_rng(0).normal(scale=25, size=(2, *image.grid.shape))
    one, two = (Volume((image.values + part).astype(np.float32), image.grid, "noisy") for part in noise)
    assert misplaced(one, two, mask) < next(i.amber for i in INDICATORS if i.name.startswith("misplaced"))


def test_a_shifted_image_is_misplaced_and_the_scale_of_intensities_does_not_matter() -> None:
    image = a_problem().moving
    mask = np.zeros(image.grid.shape, dtype=bool)
    mask[8:-8, 8:-8, 8:-8] = True
    shifted = Volume(np.roll(image.values, 2, axis=1) * -7 + 100, image.grid, "shifted")
    assert misplaced(image, shifted, mask) > 50
    assert misplaced(image, Volume(image.values * -7 + 100, image.grid, "inverted"), mask) == 0
