"""What chance explains: against slow, obvious computations, and that nothing of the images is changed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from analytic import DIRECTIONS, centred, image_on, pair, turn, wave
from scipy import ndimage

from inr_registration.core import Affine, Problem, Settings, Volume
from inr_registration.measure import LEAST, Rivals, chance, doubts, lead, rivals, support
from inr_registration.methods import Prepared, prepare
from inr_registration.numerics import match

SETTINGS = Settings(affine=Affine("none"), device="cpu")
FIXED = centred((26, 27, 25), 2.1, turn(12))
MOVING = centred((30, 29, 31), 2.2, turn(-6, 0), (1.0, -1.0, 0.5))


def prepared(problem: Problem) -> Prepared:
    return prepare(problem, SETTINGS, torch.device("cpu"))


@pytest.fixture(scope="module")
def sound() -> Rivals:
    return rivals(prepared(pair(FIXED, MOVING, wave)), np.eye(4))


def test_matches_are_squared_correlations_in_windows() -> None:
    generator = np.random.default_rng(3)
    a, b = generator.normal(size=(2, 9, 8, 7)).astype(np.float32)
    got = match(a, b, 2)
    for k, j, i in ((4, 4, 3), (2, 5, 4), (6, 3, 2)):
        window = np.s_[k - 2 : k + 3, j - 2 : j + 3, i - 2 : i + 3]
        assert got[k, j, i] == pytest.approx(np.corrcoef(a[window].ravel(), b[window].ravel())[0, 1] ** 2, abs=1e-5)


def test_a_window_without_structure_matches_nothing() -> None:
    assert match(np.ones((7, 7, 7), np.float32), np.random.default_rng(0).random((7, 7, 7)).astype(np.float32), 2).max() < 1e-3


def test_a_lead_is_the_mean_difference_and_its_error_comes_from_whole_blocks() -> None:
    weight = np.zeros((12, 12, 24), bool)
    weight[:, :, :18] = True  # 2 x 2 x 3 blocks
    per_block = np.random.default_rng(1).normal(0.2, 0.1, (2, 2, 3))
    values = np.kron(per_block, np.ones((6, 6, 6))).astype(np.float32)[weight[:, :, :18]]
    got = lead(values, weight)
    assert got.share == pytest.approx(per_block.mean(), rel=1e-5)
    assert got.errors == pytest.approx(per_block.mean() / (per_block.std() / np.sqrt(12)), rel=1e-4)


def test_a_lead_of_a_single_block_is_not_known_to_be_sure() -> None:
    assert lead(np.full(8, 0.4, np.float32), np.ones((2, 2, 2), bool)).errors == 0


def test_the_image_itself_explains_far_more_than_its_mirror_images(sound: Rivals) -> None:
    first = sound.lead(sound.chance)
    assert sound.own.mean() > 0.8
    assert first.share > 0.3
    assert first.errors > 8
    assert sound.lead(sound.own, sound.best[1]).share < 0


def test_what_a_map_explains_is_what_scipy_finds(sound: Rivals) -> None:
    warped, seen = sound.warped(wave)
    grid, moving = sound.fixed.grid, sound.moving
    index = moving.grid.to_index(wave(grid.all_points().astype(np.float64).reshape(-1, 3)))
    values = moving.values[0].numpy()
    slow = ndimage.map_coordinates(values, index.T[::-1], order=1, mode="nearest").reshape(grid.shape)
    inside = ((index >= 0.5) & (index <= np.array(values.shape[::-1]) - 1.5)).all(axis=1).reshape(grid.shape)
    assert np.abs(warped - slow)[inside].max() < 1e-4
    assert sound.explained(warped, seen).mean() > 0.8
    assert sound.explained(slow.astype(np.float32), np.zeros_like(slow, dtype=np.float32)).max() == 0  # unseen tissue explains nothing


@pytest.mark.parametrize("name", DIRECTIONS)
def test_the_lead_does_not_depend_on_how_the_voxels_lie(name: str) -> None:
    fixed = centred((26, 27, 25), 2.1, DIRECTIONS[name])
    found = rivals(prepared(pair(fixed, MOVING, wave)), np.eye(4))
    assert found.lead(found.chance).share > 0.25


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_flipped_image_is_beaten_by_its_mirror_image_along_that_axis(axis: int) -> None:
    problem = pair(FIXED, centred((30, 29, 31), 2.2, turn(12)), lambda points: points + 0.3 * (wave(points) - points))
    flipped = Volume(np.flip(problem.moving.values, 2 - axis).copy(), problem.moving.grid, "moving")
    found = rivals(prepared(replace(problem, moving=flipped)), np.eye(4))
    axes, best = found.best
    assert axes == (axis,)
    assert found.lead(found.own, best).share > 0.1


def test_other_anatomy_has_no_lead_and_all_seven_mirror_images_are_tried() -> None:
    generator = np.random.default_rng(8)
    noise = ndimage.gaussian_filter(generator.normal(size=MOVING.shape), 2.0).astype(np.float32)
    found = rivals(prepared(Problem(image_on(FIXED, wave), Volume(noise, MOVING, "other"))), np.eye(4))
    assert len(found.mirrored) == 7
    assert abs(found.lead(found.chance).share) < 0.08


def test_images_and_their_preparation_stay_as_they_are() -> None:
    ready = prepared(pair(FIXED, MOVING, wave))
    before = ready.fixed.values.copy(), ready.moving.values.copy()
    rivals(ready, np.eye(4))
    assert np.array_equal(before[0], ready.fixed.values)
    assert np.array_equal(before[1], ready.moving.values)


def test_the_same_images_give_the_same_bits(sound: Rivals) -> None:
    again = rivals(prepared(pair(FIXED, MOVING, wave)), np.eye(4))
    assert np.array_equal(sound.own, again.own)
    assert all(np.array_equal(values, again.mirrored[axes]) for axes, values in sound.mirrored.items())


def test_a_cancelled_run_ends_between_two_fits() -> None:
    class Enough(Exception):
        pass

    def stop() -> None:
        raise Enough

    with pytest.raises(Enough):
        rivals(prepared(pair(FIXED, MOVING, wave)), np.eye(4), stop)


def test_the_level_has_few_voxels_that_count_and_is_one_of_the_pyramid() -> None:
    ready = prepared(pair(centred((60, 60, 60), 1.0), MOVING, wave))
    found = rivals(ready, np.eye(4))
    assert len(found.own) <= chance.MOST_VOXELS
    assert np.log2(found.fixed.grid.spacing.min() / ready.spacing) == pytest.approx(1, abs=0.05)


def test_a_part_that_shows_something_else_is_found_and_measured(sound: Rivals) -> None:
    place = np.zeros(sound.weight.shape, bool)
    place[4:16, 5:17, 6:18] = True
    found = np.where(place[sound.weight], sound.chance - 0.4, sound.chance + 0.4).astype(np.float32)
    places, share = doubts(sound, found)
    assert len(places) == 1
    (doubt,) = places
    inside = place & sound.weight
    grid = sound.fixed.grid
    assert np.allclose(doubt.centre_lps, grid.to_world(np.argwhere(inside).mean(axis=0)[::-1]), atol=2)
    assert doubt.volume_mm3 == pytest.approx(inside.sum() * grid.spacing.prod(), rel=0.4)
    assert 0.5 < share / (100 * inside.sum() / sound.weight.sum()) < 1.5
    assert doubt.lead < LEAST


def test_support_is_unknown_where_the_fixed_image_does_not_count(sound: Rivals) -> None:
    assert np.array_equal(np.isnan(support(sound, sound.own)), ~sound.weight)


def test_nothing_is_in_doubt_where_everything_is_explained(sound: Rivals) -> None:
    assert doubts(sound, sound.chance + np.float32(0.4)) == ((), 0.0)
