"""The same pair given in another way has the same map. The long table is made by Testing/Benchmarks/invariance.py."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
import torch
from metamorphic import textured_ball
from metamorphic.stiff import STIFF
from metamorphic.variations import Map, Pair, Variation, in_memory

from inr_registration.app import register
from inr_registration.core import Grid, Problem, Representation, Settings, Stage, Volume
from inr_registration.images import level, widened
from inr_registration.maps import load
from inr_registration.methods import prepare
from inr_registration.numerics import Knots

pytestmark = pytest.mark.slow

CPU = torch.device("cpu")
ROUNDING = (-4e-7, -1e-12, 1e-12, 4e-7)
"""How much spacings change, as a share, where a header keeps them as float32 or turns them with the axes."""


def rescaled(volume: Volume, *shares: float) -> Volume:
    """A volume whose header says a very little more or less of the lengths along its axes."""
    return Volume(volume.values, Grid(volume.grid.size, volume.grid.affine @ np.diag([1 + share for share in shares] + [1])), volume.name)


@pytest.mark.parametrize("share", ROUNDING)
def test_the_rounding_of_a_header_does_not_change_how_many_voxels_a_level_has(share: float) -> None:
    grid = textured_ball.centred((77 * 1.2, 57 * 1.2, 33 * 1.8), (1.2, 1.2, 1.8), 12.0)  # halves of 77 and 57 lie between two counts
    image = rescaled(Volume(np.zeros(grid.shape, np.int16), grid), share, share, share)
    sizes = {spacing: level(image.values, image.grid, spacing, CPU).grid.size for spacing in (2.4, 4.8)}
    assert sizes == {2.4: (38, 28, 25), 4.8: (19, 14, 12)}


@pytest.mark.parametrize("share", ROUNDING)
def test_the_rounding_of_a_header_does_not_drop_a_stage(share: float) -> None:
    grid = textured_ball.centred((48.0, 60.0, 48.0), (1.5, 1.5, 3.0), 12.0)  # 48 mm: 8 voxels remain at a shrink of 4
    image = rescaled(Volume(np.random.default_rng(0).normal(size=grid.shape).astype(np.float32), grid), 0, 0, share)
    settings = Settings(stages=(Stage(8, 1, 0.1), Stage(4, 1, 0.1), Stage(2, 1, 0.1)))
    stages = prepare(Problem(image, image), settings, CPU).usable_stages(settings)
    assert [stage.shrink for stage in stages] == [4, 2]


@pytest.mark.parametrize("share", ROUNDING)
def test_the_rounding_of_a_header_does_not_change_how_many_control_points_there_are(share: float) -> None:
    high = tuple(1.2 * n * (1 + share) for n in (60, 80, 40))
    assert Knots.covering((0.0, 0.0, 0.0), high, 2.4).count == (33, 43, 23)


@pytest.mark.parametrize("reach", [5.0, 40.0])
@pytest.mark.parametrize("share", ROUNDING)
def test_the_rounding_of_a_header_does_not_change_how_far_a_mask_is_widened(share: float, reach: float) -> None:
    mask = np.zeros((41, 41, 41), bool)
    mask[20, 20, 20] = True
    spacing = np.array([2.5, 5.0, 2.0]) if reach < 20 else np.array([2.0, 4.0, 2.5])
    distance = np.sqrt(sum((step * axis) ** 2 for step, axis in zip(spacing[::-1], np.indices(mask.shape) - 20, strict=True)))
    np.testing.assert_array_equal(widened(mask, reach, spacing * (1 + share)), distance <= reach)


NETWORK = replace(STIFF, representation=Representation("siren", 24, 2, 10.0), stages=(Stage(1, 60, 2e-3, 1000),))

UNSEEN = ("moving: voxel", "moving: one", "moving: all", "moving: inten", "both: inten", "both: pix", "world")
"""Nothing of these is seen by a lattice or a network on the fixed image's own axes; rounding remains."""
EXACT_MM = 1e-3
"""Largest distance; 0.00003 mm was measured."""
LATTICE_MM = {"fixed: voxel axes permuted": 0.045, "fixed: all voxel axes reversed": 0.25, "fixed: 6 voxels of background added": 0.6}
"""Mean distance, twice what was measured: other random points of the regularity, then other control points, which begin at one corner."""


@pytest.fixture(scope="module")
def a_pair() -> Pair:
    return textured_ball.pair(3.0)


def fitted(pair: Pair, settings: Settings) -> Map:
    result = register(Problem(*pair), settings)
    assert result.model is not None, result.message
    return load(result.model).map


def apart(variation: Variation, pair: Pair, settings: Settings, reference: Map) -> npt.NDArray[np.float64]:
    """Distance of the varied pair's map from the reference, mm."""
    points = textured_ball.places(500)
    return np.asarray(np.linalg.norm(variation.back(fitted(variation(pair), settings))(points) - reference(points), axis=1))


@pytest.mark.parametrize("settings", [STIFF, NETWORK], ids=["lattice", "network"])
def test_the_map_does_not_depend_on_how_the_moving_image_the_intensities_or_the_world_are_given(a_pair: Pair, settings: Settings) -> None:
    reference = fitted(a_pair, settings)
    points = textured_ball.places(500)
    assert np.linalg.norm(reference(points) - points, axis=1).mean() > 1, "nothing moved, so nothing is compared"
    variations = [variation for variation in in_memory() if variation.name.startswith(UNSEEN)]
    assert len(variations) == 11
    off = {variation.name: apart(variation, a_pair, settings, reference).max() for variation in variations}
    assert {name: round(float(mm), 4) for name, mm in off.items() if mm > EXACT_MM} == {}


def test_other_fixed_voxel_axes_change_the_map_no_more_than_other_control_points_do(a_pair: Pair) -> None:
    reference = fitted(a_pair, STIFF)
    variations = {variation.name: variation for variation in in_memory()}
    off = {name: apart(variations[name], a_pair, STIFF, reference).mean() for name in LATTICE_MM}
    assert {name: round(float(mm), 3) for name, mm in off.items() if mm > LATTICE_MM[name]} == {}


def test_the_rounding_of_a_header_does_not_change_the_map(a_pair: Pair) -> None:
    variation = Variation("", lambda volume: rescaled(volume, 3e-7, -2e-7, 1e-7), lambda volume: rescaled(volume, -3e-7, 2e-7, 1e-7))
    assert apart(variation, a_pair, STIFF, fitted(a_pair, STIFF)).max() < EXACT_MM
