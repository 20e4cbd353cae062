"""Warped images and widened masks, against the slow way."""

from __future__ import annotations

import numpy as np
import pytest
from analytic import blobs, centred, turn
from scipy import ndimage

from inr_registration.core import Volume
from inr_registration.images import ROW_BY_ROW, widened
from inr_registration.maps.resample import warp
from inr_registration.numerics import kernels as compiled


@pytest.mark.parametrize("displaced", [False, True])
def test_a_warped_image_is_the_same_with_and_without_a_compiler(displaced: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    grid, other = centred((22, 19, 17), [2.0, 2.5, 3.0], turn(20, 1)), centred((20, 24, 21), 2.0, turn(-10), [3.0, 1.0, -2.0])
    moving = Volume(blobs(other.all_points()).astype(np.int16), other, "moving")
    affine = np.eye(4)
    affine[:3, :3], affine[:3, 3] = turn(8, 0) * 1.1, (2.0, -1.0, 0.5)
    points = grid.all_points()
    displacement = (4 * np.sin(points / 6)).astype(np.float32) if displaced else None
    fast = warp(moving, grid, affine, displacement)
    monkeypatch.setattr(compiled, "_has_compiler", lambda: False)
    slow = warp(moving, grid, affine, displacement)
    outside = slow == moving.values.min()
    assert 0.05 < outside.mean() < 0.95
    assert abs(fast - slow).max() < 0.01 * np.ptp(slow) / 10


@pytest.mark.parametrize("spacing", [(1.0, 1.5, 1.0), (0.8, 0.8, 5.0), (3.0, 2.0, 7.0), (0.1, 0.1, 0.1)])
def test_a_widened_mask_holds_what_a_distance_transform_finds(spacing: tuple[float, float, float]) -> None:
    generator = np.random.default_rng(3)
    mask = np.zeros((21, 30, 33), bool)
    mask[tuple(generator.integers(0, n, 6) for n in mask.shape)] = True
    reach = 5.0 if min(spacing) > 0.2 else 0.87
    assert reach / min(spacing) < ROW_BY_ROW
    expected = ndimage.distance_transform_edt(~mask, sampling=spacing[::-1]) <= reach
    assert 0 < expected.mean() < 0.9
    np.testing.assert_array_equal(widened(mask, reach, np.array(spacing)), expected)


def test_a_mask_of_tiny_voxels_is_widened_too() -> None:
    mask = np.zeros((5, 6, 900), bool)
    mask[2, 3, 450] = True
    out = widened(mask, 3.0, np.array([0.01, 0.01, 0.01]))
    assert out[2, 3].sum() == 2 * 300 + 1
    assert not widened(np.zeros_like(mask), 1.0, np.array([1.0, 1.0, 1.0])).any()


@pytest.mark.parametrize("shape", [(3, 9, 9), (9, 4, 9), (4, 4, 4), (1, 2, 9)])
def test_a_mask_thinner_than_the_reach_is_widened_too(shape: tuple[int, int, int]) -> None:
    mask = np.zeros(shape, dtype=bool)
    mask[0, 0, 0] = True
    expected = ndimage.distance_transform_edt(~mask) <= 5
    np.testing.assert_array_equal(widened(mask, 5.0, np.ones(3)), expected)
