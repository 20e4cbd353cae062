"""The linear start of images of any contrast."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from analytic import Array, centred, turn
from scipy import ndimage

from INRRegistrationLib.core.problem import Problem
from INRRegistrationLib.core.settings import Affine, Settings
from INRRegistrationLib.core.volume import Volume
from INRRegistrationLib.engine.prepare import prepare
from INRRegistrationLib.engine.start.prealign import affine_similarity, prealign

GRID = centred((36, 34, 38), 1.0)
MATRIX = turn(8)
OFFSET = np.array([4.0, -3.0, 5.0])


def tissue(points: Array) -> Array:
    """Texture everywhere: a crop without a dark surround, whose two halves differ in brightness."""
    noise = ndimage.gaussian_filter(np.random.default_rng(5).normal(size=(96, 96, 96)), 3)
    noise = (noise - noise.mean()) / noise.std()
    index = np.moveaxis(points + 48, -1, 0)[::-1]
    return np.asarray(ndimage.map_coordinates(noise, index, order=1) + 0.7 * np.tanh((points[..., 0] - 4) / 6))


def a_crop(sign: float) -> Problem:
    points = GRID.all_points().astype(np.float64)
    there = points @ MATRIX.T + OFFSET
    fixed, moving = 500 + 100 * tissue(there), 500 + sign * 100 * tissue(points)
    return Problem(Volume(fixed.astype(np.float32), GRID), Volume(moving.astype(np.float32), GRID))


def error_mm(found: Array) -> float:
    points = GRID.all_points().reshape(-1, 3)
    return float(np.linalg.norm(points @ (found[:3, :3] - MATRIX).T + found[:3, 3] - OFFSET, axis=1).mean())


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_crops_of_one_and_of_opposite_contrasts_are_aligned(sign: float) -> None:
    settings = Settings()
    prepared = prepare(a_crop(sign), settings, torch.device("cpu"))
    found = prealign(prepared, settings, np.eye(4))
    assert error_mm(np.eye(4)) > 7
    assert error_mm(found.closest) < 1
    assert np.array_equal(found.start, found.closest)
    assert np.sign(prepared.contrast(found.closest).correlation) == sign


def test_terms_that_were_asked_for_are_kept_whatever_the_contrasts() -> None:
    settings = Settings(similarity={"ncc": 1.0})
    prepared = prepare(a_crop(-1.0), settings, torch.device("cpu"))
    assert affine_similarity(settings) == {"ncc": 1.0}
    assert error_mm(prealign(prepared, settings, np.eye(4)).closest) > 3


def test_none_leaves_the_start_as_it_is() -> None:
    settings = replace(Settings(), affine=Affine("none"))
    found = prealign(prepare(a_crop(1.0), settings, torch.device("cpu")), settings, np.diag([2.0, 1.0, 1.0, 1.0]))
    assert found.said == "none"
    assert np.array_equal(found.start, np.diag([2.0, 1.0, 1.0, 1.0]))
    assert found.closest is found.start
