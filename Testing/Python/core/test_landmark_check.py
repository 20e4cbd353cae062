"""Landmarks outside their image or paired next to randomly are told before the fit; sound ones are not."""

from __future__ import annotations

import numpy as np
import pytest

from inr_registration.core import Grid, Problem, Volume, check_landmarks

GRID = Grid((40, 40, 40), np.diag([2.0, 2.0, 2.0, 1.0]))
AFFINE = np.array([[1.1, -0.2, 0.0], [0.2, 0.9, 0.1], [0.0, 0.1, 1.0]])


def pairs(count: int, error: float, seed: int = 0, scale: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    fixed = generator.uniform(15, 60, (count, 3))
    moving = (fixed - 38) @ AFFINE.T + 38 + generator.normal(scale=error, size=(count, 3))
    return fixed * scale, moving * scale


def said(fixed: np.ndarray, moving: np.ndarray, scale: float = 1.0) -> list[str]:
    grid = Grid(GRID.size, GRID.affine * np.array([[scale], [scale], [scale], [1.0]]))
    return check_landmarks(fixed, moving, grid, grid)


@pytest.mark.parametrize("count", [8, 12, 40, 300])
@pytest.mark.parametrize("seed", range(3))
def test_sound_landmarks_are_left_alone_however_badly_they_were_clicked(count: int, seed: int) -> None:
    for error in (0.0, 1.0, 3.0):
        assert said(*pairs(count, error, seed)) == []


@pytest.mark.parametrize("count", [12, 40, 300])
@pytest.mark.parametrize("scale", [1.0, 1e-3])
def test_landmarks_in_another_order_are_told(count: int, scale: float) -> None:
    fixed, moving = pairs(count, 1.0, scale=scale)
    for order in (np.arange(count)[::-1], np.random.default_rng(5).permutation(count), np.roll(np.arange(count), 1)):
        (sentence,) = said(fixed, moving[order], scale)
        assert "paired wrongly" in sentence


def test_few_landmarks_say_nothing_about_their_order() -> None:
    fixed, moving = pairs(6, 1.0)
    assert said(fixed, moving[::-1]) == []


def test_landmarks_outside_their_image_are_counted_and_told_before_the_fit() -> None:
    fixed, moving = pairs(10, 1.0)
    image = Volume(np.random.default_rng(0).normal(size=GRID.shape).astype(np.float32), GRID, "image")
    problem = Problem(image, image, fixed_landmarks=fixed, moving_landmarks=moving * [-1, -1, 1])
    (sentence, *_) = problem.check()
    assert sentence.startswith("10 of 10 moving landmarks lie outside the moving image")
