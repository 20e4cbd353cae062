"""Organs that slide along a body that stays: the knee of diffusion, and headers that are kept."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from analytic import Array, blobs, centred, image_on, pair, turn, wave
from fits import model_of

from inr_registration.app import register
from inr_registration.core import Affine, Problem, Result, Settings, Stage, Volume
from inr_registration.images import AffineLevel
from inr_registration.numerics import Image
from inr_registration.start import agreement_kept
from inr_registration.terms import diffusion

GRID = centred((44, 40, 42), 1.5)
TERMS = {"ncc": 1.0, "local_ncc": 1.0}
SHORT = Settings(stages=(Stage(4, 20, 1.3), Stage(2, 20, 1.6), Stage(1, 15, 0.8)), device="cpu")


def sliding(points: Array) -> Array:
    """One half moves by 6 mm along the other, which stays."""
    moved = points.copy()
    moved[..., 2] += 3 * (1 + np.tanh(points[..., 0] / 1.5))
    return moved


def error_mm(result: Result) -> float:
    points = GRID.all_points().reshape(-1, 3).astype(np.float64)
    seen = (np.abs(points) < 22).all(axis=1)
    return float(np.linalg.norm(model_of(result).map(points[seen]) - sliding(points[seen]), axis=1).mean())


def gradients(size: float) -> torch.Tensor:
    directions = torch.randn(3, 3, 50, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    return size * directions / directions.norm(dim=(0, 1))


def test_diffusion_with_a_knee_is_a_square_below_it_and_a_straight_line_above() -> None:
    assert float(diffusion(gradients(0.01), 0.3)) == pytest.approx(1e-4, rel=1e-3)
    assert float(diffusion(gradients(30.0), 0.3)) == pytest.approx(2 * 0.3 * 30 - 2 * 0.3**2, rel=1e-3)
    assert float(diffusion(gradients(0.7), 0.3)) == pytest.approx(2 * 0.09 * (np.sqrt(1 + 0.49 / 0.09) - 1))
    assert float(diffusion(gradients(0.7), 0.0)) == float(diffusion(gradients(0.7))) == pytest.approx(0.49)


@pytest.mark.parametrize("knee", [0.0, 0.3])
def test_its_derivative_is_right_where_nothing_moves_too(knee: float) -> None:
    for first in (gradients(0.4), torch.zeros(3, 3, 4, dtype=torch.float64)):
        assert torch.autograd.gradcheck(lambda some: diffusion(some, knee), first.requires_grad_(True))


def test_an_organ_that_slides_is_followed_better_with_a_knee() -> None:
    problem = pair(GRID, GRID, sliding)
    with_knee, without = (error_mm(register(problem, replace(SHORT, diffusion_knee=knee))) for knee in (0.3, 0.0))
    assert with_knee < 0.85 * without


def level(fixed: Volume, moving: Volume) -> AffineLevel:
    images = [Image(torch.tensor(some.values)[None] / 1000, some.grid) for some in (fixed, moving)]
    ones = [torch.ones_like(image.values) for image in images]
    return AffineLevel(images[0], ones[0][0], images[1], ones[1], reach=1.0)


def test_the_share_of_the_agreement_that_is_there_already() -> None:
    shift = np.eye(4)
    shift[:3, 3] = 14, -9, 8

    def moved(points: Array) -> Array:
        return points + shift[:3, 3]

    far, same = level(image_on(GRID, moved), image_on(GRID)), level(image_on(GRID), image_on(GRID))
    assert agreement_kept(far, TERMS, 2, shift, shift) == 1
    assert 0 <= agreement_kept(far, TERMS, 2, np.eye(4), shift) < 0.6
    assert agreement_kept(same, TERMS, 2, np.eye(4), shift) == 1
    opposite = level(image_on(GRID), replace(image_on(GRID), values=-image_on(GRID).values))
    assert agreement_kept(opposite, {"ncc": 1.0}, 2, np.eye(4), shift) <= 1


def test_headers_are_kept_where_an_affine_map_would_bring_little() -> None:
    result = register(pair(GRID, GRID, sliding), SHORT)
    assert np.array_equal(model_of(result).affine, np.eye(4))
    assert any(choice.startswith("pre-alignment: none") for choice in result.choices)
    asked = register(pair(GRID, GRID, sliding), replace(SHORT, affine=Affine("affine")))
    assert not np.array_equal(model_of(asked).affine, np.eye(4))


def test_headers_are_not_kept_where_the_images_lie_apart() -> None:
    matrix = turn(12)

    def apart(points: Array) -> Array:
        return np.asarray(points @ matrix.T + [5.0, -6.0, 4.0])

    result = register(pair(GRID, GRID, apart), SHORT)
    assert any(choice.startswith("pre-alignment: affine") for choice in result.choices)
    assert np.abs(model_of(result).affine[:3, :3] - matrix).max() < 0.04


def test_an_initial_transform_counts_as_the_headers_do() -> None:
    initial = np.eye(4)
    initial[:3, 3] = 8, 0, -5

    def shifted(points: Array) -> Array:
        return wave(points) + initial[:3, 3]

    result = register(pair(GRID, GRID, shifted, initial=initial), SHORT)
    assert np.array_equal(model_of(result).affine, initial)


def test_contrasts_are_compared_where_the_images_agree_best() -> None:
    """Kept headers must not make two images of one contrast look like two of different contrasts."""
    points = GRID.all_points().astype(np.float64)
    problem = Problem(Volume(blobs(sliding(points)).astype(np.float32), GRID), Volume(blobs(points).astype(np.float32), GRID))
    said = [
        next(choice for choice in register(problem, replace(SHORT, affine=Affine(kind))).choices if choice.startswith("similarity"))
        for kind in ("auto", "affine")
    ]
    assert said[0] == said[1]
