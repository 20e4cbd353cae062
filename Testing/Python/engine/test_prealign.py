"""The linear start of images of any contrast."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from analytic import Array, centred, turn
from scipy import linalg, ndimage

from inr_registration.core import Affine, Problem, Settings, Volume
from inr_registration.images import AffineLevel
from inr_registration.methods import affine_similarity, prealign, prepare
from inr_registration.start import STRETCHES, TURNS, LinearMap, exponential, objective

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


@pytest.mark.parametrize("generators", [TURNS, STRETCHES], ids=["turns", "stretches"])
@pytest.mark.parametrize("size", [0.0, 1e-9, 0.3, 2.0])
def test_the_exponential_and_its_derivatives_are_those_of_other_libraries(generators: Array, size: float) -> None:
    some = size * np.array([0.6, -1.0, 0.7, 0.2, -0.4, 0.9])[: len(generators)]
    found, slopes = exponential(generators, some)
    whole = np.tensordot(some, generators, axes=1)
    np.testing.assert_allclose(found, linalg.expm(whole), rtol=0, atol=1e-13)
    for slope, generator in zip(slopes, generators, strict=True):
        np.testing.assert_allclose(slope, linalg.expm_frechet(whole, generator, compute_expm=False), rtol=0, atol=1e-12)


@pytest.mark.parametrize("count", [6, 12])
def test_the_linear_map_has_the_derivatives_that_automatic_differentiation_expects(count: int) -> None:
    linear = LinearMap(np.diag([1.1, 0.9, 1.0, 1.0]), np.array([3.0, -2.0, 5.0]), 40.0)
    some = torch.linspace(-0.3, 0.4, count, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(linear.matrix, some)


def test_the_fixed_image_is_cropped_to_where_it_counts_without_another_result() -> None:
    problem = a_crop(1.0)
    inside = np.zeros(GRID.shape, np.uint8)
    inside[:, 14:22, 16:26] = 1
    prepared = prepare(replace(problem, fixed_mask=Volume(inside, GRID)), Settings(), torch.device("cpu"))
    level = prepared.affine_levels()[1]
    fixed, weight, moving, moving_weight = prepared.level_pair(float(level.fixed.grid.spacing[0]))
    assert level.fixed.values.numel() < 0.8 * fixed.values.numel()
    matrix = torch.as_tensor(np.eye(4))
    values = [
        float(objective(one, {"ncc": 1.0, "local_ncc": 1.0}, 2)(matrix))
        for one in (level, AffineLevel(fixed, weight, moving, moving_weight, level.reach))
    ]
    assert values[0] == pytest.approx(values[1], rel=1e-6)


@pytest.mark.parametrize("count", [6, 12])
def test_what_a_gpu_computes_is_the_same_map_with_the_same_derivatives(count: int) -> None:
    linear = LinearMap(np.diag([1.1, 0.9, 1.0, 1.0]), np.array([3.0, -2.0, 5.0]), 40.0)
    some = torch.linspace(-1.5, 1.4, count, dtype=torch.float64)
    np.testing.assert_allclose(linear.on_device(some), linear.matrix(some), rtol=0, atol=1e-11)
    found, expected = (torch.autograd.functional.jacobian(way, some) for way in (linear.on_device, linear.matrix))
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-10)
