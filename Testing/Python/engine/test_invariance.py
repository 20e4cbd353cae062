"""The same pair given in another way has the same map. The long table is made by Testing/Benchmarks/invariance.py."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from metamorphic import textured_ball

from INRRegistrationLib.core.grid import Grid
from INRRegistrationLib.core.problem import Problem
from INRRegistrationLib.core.settings import Settings, Stage
from INRRegistrationLib.core.volume import Volume
from INRRegistrationLib.engine.fields.lattice import Knots
from INRRegistrationLib.engine.prepare import prepare
from INRRegistrationLib.engine.start.clean import widened
from INRRegistrationLib.engine.start.pyramid import level

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
