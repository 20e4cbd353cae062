"""Masks that are not just 0 and 1: what counts as inside, and what is said."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from inr_registration.core import TRACE, Grid, Problem, Volume

SHAPE = (20, 22, 24)
GRID = Grid(SHAPE[::-1], np.eye(4))
BALL = np.linalg.norm(np.indices(SHAPE).T - (np.array(SHAPE) - 1) / 2, axis=-1).T < 6
IMAGE = Volume(np.random.default_rng(0).random(SHAPE, np.float32), GRID, "image")


def mask(values: np.ndarray) -> Volume:
    return Volume(values, GRID, "mask")


def said(values: np.ndarray) -> tuple[str, ...]:
    return Problem(IMAGE, IMAGE, fixed_mask=mask(values)).check()


@pytest.mark.parametrize("kind", [np.bool_, np.uint8, np.int16, np.float32, np.float64])
@pytest.mark.parametrize("value", [1, 3, 255])
def test_a_plain_mask_is_as_it_is_and_nothing_is_said(kind: type, value: int) -> None:
    values = (BALL * value).astype(kind)
    np.testing.assert_array_equal(mask(values).inside(), BALL)
    assert said(values) == ()


@pytest.mark.parametrize("noise", [1e-30, 1e-17, 1e-9, 1e-5])
@pytest.mark.parametrize("kind", [np.float32, np.float64])
@pytest.mark.parametrize("scale", [1, 255])
def test_traces_in_the_background_do_not_count_and_are_said(noise: float, kind: type, scale: float) -> None:
    values = (scale * (BALL + noise * np.random.default_rng(1).random(SHAPE))).astype(kind)
    np.testing.assert_array_equal(mask(values).inside(), BALL)
    (sentence,) = said(values)
    assert "count as outside" in sentence


def test_traces_on_both_sides_of_nothing_do_not_count() -> None:
    values = BALL + 1e-12 * np.random.default_rng(1).normal(size=SHAPE)
    np.testing.assert_array_equal(mask(values).inside(), BALL)


def test_what_splines_leave_around_a_mask_is_mostly_left_out_and_said() -> None:
    values = ndimage.zoom(ndimage.zoom(BALL.astype(np.float64), 0.5, order=0), 2, order=3)[: SHAPE[0], : SHAPE[1], : SHAPE[2]]
    inside = mask(values).inside()
    assert (values > 0).sum() > 1.5 * inside.sum()
    assert "more than half of the largest value" in said(values)[0]


def test_a_soft_edge_counts_as_before_and_nothing_is_said() -> None:
    values = ndimage.uniform_filter(BALL.astype(np.float64), 3)
    values[values < 1e-9] = 0
    np.testing.assert_array_equal(mask(values).inside(), values > 0)


def test_small_whole_numbers_beside_large_ones_count() -> None:
    labels = BALL.astype(np.int32)
    labels[10, 10, 10] = 30_000
    np.testing.assert_array_equal(mask(labels).inside(), BALL)


def test_values_that_are_no_numbers_set_no_scale() -> None:
    values = BALL.astype(np.float64)
    values[0, 0, 0], values[0, 0, 1] = np.nan, np.inf
    inside = mask(values).inside()
    assert inside[BALL].all()
    assert not inside[0, 0, 0]


def test_a_background_above_traces_masks_nothing_and_is_said() -> None:
    assert "masks nothing" in said(BALL + 10 * TRACE)[0]
    assert said(np.ones(SHAPE)) == ()
