"""What ended with a green headline and should not have: the wrong anatomy, a label map, landmarks in reversed order, a flipped axis."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from inr_registration.app import register
from inr_registration.core import Grid, Level, Problem, Result, Settings, Volume, load_preset
from inr_registration.phantom import Pair, make_pair

pytestmark = pytest.mark.slow

QUICK = load_preset("quick").settings


@pytest.fixture(scope="module")
def trunk() -> Pair:
    return make_pair("small", 0)


def judged(problem: Problem, settings: Settings = QUICK) -> tuple[Level, str]:
    result = register(problem, settings)
    return level(result), " ".join(result.verdict.reasons if result.verdict else ())


def level(result: Result) -> Level:
    assert result.verdict is not None
    return result.verdict.level


def head(grid: Grid, seed: int) -> Volume:
    """A bright ellipsoid with texture, a shell around it, air outside: another body part on the same grid."""
    places = (grid.all_points().astype(np.float64) - grid.centre) / (0.4 * np.asarray(grid.size) * grid.spacing)
    distance = np.linalg.norm(places * [1.3, 1.0, 1.1], axis=-1)
    texture = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=grid.shape), 2.5)
    values = np.where(distance < 0.8, 300 + 2000 * texture, np.where(distance < 0.95, 900, np.where(distance < 1.05, 200, -1000)))
    return Volume(values.astype(np.float32), grid, "head")


@pytest.mark.parametrize("preset", ["quick", "auto", "cycle", "ffd", "lung-ct"])
def test_a_sound_pair_is_green_for_every_method_and_its_numbers_are_there(trunk: Pair, preset: str) -> None:
    result = register(Problem(trunk.fixed, trunk.moving), load_preset(preset).settings)
    assert level(result) is Level.GREEN, result.verdict
    assert result.verdict is not None
    assert result.verdict.measured["explained"] > 0.5
    assert result.verdict.measured["lead"]["share"] > 0.2


def test_a_head_registered_onto_a_trunk_is_red(trunk: Pair) -> None:
    for seed in range(3):
        found, why = judged(Problem(trunk.fixed, head(trunk.moving.grid, seed)))
        assert found is Level.RED
        assert "mirror images" in why


def test_a_label_map_given_as_moving_image_is_red_and_so_is_one_given_as_fixed_image(trunk: Pair) -> None:
    values = np.asarray(trunk.moving.values)
    labels = Volume(np.digitize(ndimage.gaussian_filter(values, 1.0), [-500, 0, 300]).astype(np.uint8), trunk.moving.grid, "organs")
    for problem in (Problem(trunk.fixed, labels), Problem(labels, trunk.fixed)):
        found, why = judged(problem)
        assert found is Level.RED
        assert "organs has few whole values" in why


def test_two_label_maps_are_not_blamed_for_being_label_maps(trunk: Pair) -> None:
    fixed, moving = (
        Volume(np.digitize(ndimage.gaussian_filter(np.asarray(v.values), 1.0), [-500, 0, 300]).astype(np.uint8), v.grid, "organs")
        for v in (trunk.fixed, trunk.moving)
    )
    assert "few whole values" not in judged(Problem(fixed, moving))[1]


def test_landmarks_in_reversed_order_are_red_and_in_their_order_are_not(trunk: Pair) -> None:
    fixed, moving = trunk.pairs(20)
    right = Problem(trunk.fixed, trunk.moving, fixed_landmarks=fixed, moving_landmarks=moving)
    assert judged(right)[0] is Level.GREEN
    found, why = judged(replace(right, moving_landmarks=moving[::-1]))
    assert found is Level.RED
    assert "look whether they are paired rightly" in why


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_an_axis_that_is_flipped_without_its_header_is_red(trunk: Pair, axis: int) -> None:
    flipped = Volume(np.flip(trunk.moving.values, axis).copy(), trunk.moving.grid, "flipped")
    found, why = judged(Problem(trunk.fixed, flipped))
    assert found is Level.RED, why


def test_slices_in_a_wrong_order_are_red(trunk: Pair) -> None:
    order = np.random.default_rng(0).permutation(trunk.moving.grid.size[2])
    found, why = judged(Problem(trunk.fixed, Volume(trunk.moving.values[order].copy(), trunk.moving.grid, "shuffled")))
    assert found is Level.RED
    assert "shuffled are no more alike" in why


def test_a_fit_that_is_stopped_before_it_began_to_move_anything_says_so() -> None:
    still = replace(QUICK, stages=tuple(replace(stage, iterations=1, learning_rate=1e-6) for stage in QUICK.stages))
    far = make_pair("small", 3, 30.0)
    before = register(Problem(far.fixed, far.moving), replace(still, affine=replace(still.affine, kind="none")))
    assert before.verdict is not None
    assert before.verdict.measured["fit_share"] < 0.9
    assert level(before) is not Level.GREEN


def test_contrast_that_is_turned_over_is_no_failure(trunk: Pair) -> None:
    values = np.asarray(trunk.moving.values, np.float32)
    assert judged(Problem(trunk.fixed, Volume(values.max() - values, trunk.moving.grid, "inverted")))[0] is not Level.RED
