"""Whether two aligned images show the same contrast, on phantoms whose relation is known."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
import torch
from analytic import centred, turn
from scipy import ndimage

from inr_registration.core import Grid
from inr_registration.images import Contrast, compare
from inr_registration.numerics import Image

GRID = centred((40, 38, 36), 1.5, turn(10))
INSIDE = np.linalg.norm((np.indices(GRID.shape) - 18).transpose(1, 2, 3, 0) / [15, 16, 17], axis=-1) < 1
TISSUE = ndimage.gaussian_filter(np.random.default_rng(2).normal(size=GRID.shape), 2)
TISSUE = (TISSUE - TISSUE.min()) / np.ptp(TISSUE)


def image(values: npt.NDArray[np.float64], grid: Grid = GRID) -> Image:
    return Image(torch.as_tensor(values)[None].float(), grid)


def seen(fixed: npt.NDArray[np.float64], moving: npt.NDArray[np.float64]) -> Contrast:
    weight = torch.ones(fixed.shape)
    return compare(image(fixed), weight, image(moving), weight[None], np.eye(4))


def body(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Tissue within a bright shell, such as fat, that every modality shows."""
    shell = INSIDE & ~ndimage.binary_erosion(INSIDE, iterations=1)
    return np.where(shell, 1.0, np.where(INSIDE, 0.15 + 0.7 * values, 0.0))


def test_one_contrast_in_other_units_is_the_same() -> None:
    found = seen(body(TISSUE), 0.1 + 0.5 * body(TISSUE))
    assert found.same
    assert found.correlation == pytest.approx(1, abs=1e-6)
    assert found.local == pytest.approx(1, abs=1e-3)
    assert found.gain == pytest.approx((2.0, -0.2), abs=1e-5)


def test_inverted_tissue_in_a_bright_shell_is_another_contrast_though_the_images_correlate() -> None:
    found = seen(body(TISSUE), body(1 - TISSUE))
    assert found.correlation > 0.6
    assert found.local < -0.6
    assert not found.same


def test_unrelated_tissue_is_another_contrast() -> None:
    found = seen(body(TISSUE), body(np.roll(TISSUE, 17, axis=1)))
    assert abs(found.local) < 0.3
    assert not found.same


def test_a_constant_image_and_too_few_voxels_say_nothing() -> None:
    assert seen(body(TISSUE), np.full(GRID.shape, 0.5)).gain == (1.0, 0.0)
    small = TISSUE[:4, :4, :4]
    grid = Grid((4, 4, 4), GRID.affine)
    weight = torch.ones(4, 4, 4)
    found = compare(image(small, grid), weight, image(small, grid), weight[None], np.eye(4))
    assert not found.measured
    assert not found.same
    assert np.isnan([found.correlation, found.local]).all()
    assert "too few voxels" in found.words
    assert "nan" not in found.words


def test_voxels_that_do_not_count_in_either_image_are_not_looked_at() -> None:
    left = np.zeros(GRID.shape)
    left[:, :, :20] = 1
    torn = np.where(left > 0, body(TISSUE), body(1 - TISSUE))
    whole = torch.ones(GRID.shape)
    for weights in ((torch.as_tensor(left), whole[None]), (whole, torch.as_tensor(left)[None])):
        fixed_weight, moving_weight = (weight.float() for weight in weights)
        assert compare(image(body(TISSUE)), fixed_weight, image(torn), moving_weight, np.eye(4)).local > 0.9
    assert not compare(image(body(TISSUE)), whole, image(torn), whole[None], np.eye(4)).local > 0.5
