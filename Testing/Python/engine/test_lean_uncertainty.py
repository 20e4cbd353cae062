"""An uncertainty is estimated a few planes, or one channel, at a time: the same numbers, without copies of whole images."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import ndimage

from inr_registration.core import Grid, Volume
from inr_registration.images import CleanImage, clean
from inr_registration.measure import Bend, bent, evidence, in_mask, random_bend, smoothed
from inr_registration.measure.uncertainty import bend as bending

SHAPE = (90, 46, 40)


def an_image(masked: bool) -> tuple[CleanImage, Bend]:
    """Noise with a hole of values that do not count, and a bend by up to several voxels."""
    random = np.random.default_rng(5)
    grid = Grid.from_geometry((SHAPE[2], SHAPE[1], SHAPE[0]), (1.1, 1.0, 1.3), (3.0, -4.0, 5.0), np.eye(3))
    values = random.uniform(100, 900, SHAPE).astype(np.float32)
    values[20:30, 20:30, 20:30] = np.nan
    mask = Volume(ndimage.gaussian_filter(random.normal(size=SHAPE), 3) > 0, grid, "mask") if masked else None
    return clean(Volume(values, grid, "noise"), mask, 0.5), random_bend(grid, 9.0, 2.0, torch.Generator().manual_seed(1))


WHOLE = (slice(None),) * 3


@pytest.mark.parametrize("masked", [False, True])
def test_an_image_bent_by_blocks_is_the_whole_image_bent(masked: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    image, bend = an_image(masked)
    index = np.indices(SHAPE) + bend.in_voxels(image.grid, WHOLE)
    monkeypatch.setattr(bending, "BLOCK_SIDE", 13)  # divides no side; blocks with a border, and without one
    parts = bent(image, bend)
    assert np.abs(index - np.indices(SHAPE)).max() > 3
    whole = ndimage.map_coordinates(image.values, index, order=3, mode="nearest")  # filtered in double precision
    np.testing.assert_allclose(parts.values, whole, rtol=0, atol=3e-6)
    for name in ("valid", "foreground", "given"):
        mask, moved = getattr(image, name), getattr(parts, name)
        if mask is None:
            assert moved is None
        else:
            expected = ndimage.map_coordinates(mask.astype(np.uint8), index, order=0, mode="nearest") > 0
            np.testing.assert_array_equal(moved, expected, err_msg=name)
    assert not parts.valid.all(), "the hole must matter here"


def test_bending_holds_little_besides_the_bent_image(monkeypatch: pytest.MonkeyPatch) -> None:
    image, _ = an_image(masked=False)
    tall = replace(
        image,
        raw=np.tile(image.raw, (8, 1, 1)),
        grid=Grid((SHAPE[2], SHAPE[1], 8 * SHAPE[0]), image.grid.affine),
        valid=np.broadcast_to(np.True_, (8 * SHAPE[0], *SHAPE[1:])),
        foreground=np.tile(image.foreground, (8, 1, 1)),
    )
    bend = random_bend(tall.grid, 9.0, 2.0, torch.Generator().manual_seed(1))
    monkeypatch.setattr(bending, "BLOCK_SIDE", 24)
    tracemalloc.start()
    try:
        bent(tall, bend)
        assert tracemalloc.get_traced_memory()[1] < 2.2 * tall.raw.nbytes  # the whole at once: more than 15
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("strides", [(1, 2, 3), (4, 3, 5), (50, 50, 50)])
def test_values_are_asked_for_around_every_voxel_of_the_mask(strides: tuple[int, int, int]) -> None:
    mask = np.random.default_rng(2).random((23, 19, 31)) < 0.01
    grid = Grid((31, 19, 23), np.eye(4))
    asked = in_mask._on_nodes(lambda points: np.ones(len(points)), mask, grid, strides) > 0
    expected = np.zeros_like(asked)
    for cell in np.argwhere(mask) // np.asarray(strides):
        expected[tuple(slice(n, n + 2) for n in cell)] = True
    np.testing.assert_array_equal(asked, expected)


def test_channels_are_smoothed_each_as_if_alone() -> None:
    random = np.random.default_rng(4)
    values = random.normal(size=(3, 12, 11, 10))
    counted = random.random((12, 11, 10)) < 0.7
    weight = ndimage.gaussian_filter(counted.astype(float), 1.4, mode="constant", radius=5)
    found = smoothed(torch.as_tensor(values), torch.as_tensor(counted), 1.4).numpy()
    for one, smooth in zip(values, found, strict=True):
        expected = ndimage.gaussian_filter(one * counted, 1.4, mode="constant", radius=5) / weight
        np.testing.assert_allclose(smooth[counted], expected[counted], atol=1e-6)  # the kernel is in single precision
        np.testing.assert_array_equal(smoothed(torch.as_tensor(one), torch.as_tensor(counted), 1.4), torch.as_tensor(smooth))


def test_small_slabs_find_the_same_better_matches(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(7)
    shape = (31, 24, 20)
    grid = Grid.from_geometry((20, 24, 31), (1.1, 0.9, 1.3), (3.0, -4.0, 5.0), np.eye(3))
    warped = ndimage.gaussian_filter(random.normal(size=shape), 1.2).astype(np.float32)
    fixed = np.roll(warped, 2, axis=2) + random.normal(0, 0.01, shape).astype(np.float32)
    fixed[10:12] = np.nan
    mask = random.random(shape) < 0.7
    mask[:4] = mask[:, :, 17:] = False
    asked = Volume(fixed, grid), Volume(warped, grid), mask
    whole = evidence.better_elsewhere(*asked)
    monkeypatch.setattr(evidence, "SLAB_VOXELS", 5 * 24 * 17)
    np.testing.assert_allclose(evidence.better_elsewhere(*asked), whole, atol=1e-5)
    assert whole.shape == (mask.sum(),)
    assert whole.max() > 0.3


def test_random_voxels_count_and_are_spread_evenly(monkeypatch: pytest.MonkeyPatch) -> None:
    image, _ = an_image(masked=True)
    every = image.grid.to_world(np.argwhere(image.measured)[:, ::-1])
    monkeypatch.setattr(evidence, "POINTS", len(every))
    np.testing.assert_allclose(evidence._some_voxels(image), every)
    monkeypatch.setattr(evidence, "POINTS", 3000)
    some = evidence._some_voxels(image)
    assert len(np.unique(some, axis=0)) == 3000
    assert set(map(tuple, some.round(6))) <= set(map(tuple, every.round(6)))
    np.testing.assert_allclose(some.mean(axis=0), every.mean(axis=0), atol=2.0)
