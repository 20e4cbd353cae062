"""The judge of the comparison with other tools: its determinants against fields whose determinants are known."""

from __future__ import annotations

import numpy as np
import pytest
from Benchmarks.peer_methods.judge import corners, smoothness

AXES = np.array([[0.0, 0.0, 2.0], [-1.5, 0.0, 0.0], [0.0, 1.2, 0.3]])
"""Voxel steps along i, j, k of a permuted, flipped and slightly sheared grid, as columns."""


def linear(matrix: np.ndarray, shape: tuple[int, int, int] = (6, 7, 8)) -> np.ndarray:
    """The displacement (k, j, i, 3) of ``p -> matrix @ p``."""
    index = np.stack(np.meshgrid(*[np.arange(n) for n in shape], indexing="ij")[::-1], axis=-1)
    points = index @ AXES.T
    return points @ matrix.T - points


@pytest.mark.parametrize("folds", [False, True])
def test_a_linear_map_has_one_determinant_everywhere(folds: bool) -> None:
    matrix = np.array([[1.1, 0.2, 0.0], [-0.1, 0.9, 0.3], [0.0, 0.1, -1.2 if folds else 1.2]])
    field = linear(matrix)
    for voxels, det in corners(field, AXES):
        np.testing.assert_allclose(det, np.linalg.det(matrix), rtol=1e-9)
        assert det.shape == np.zeros(field.shape[:3])[voxels].shape
    seen = smoothness(field, AXES, np.ones(field.shape[:3], bool))
    assert seen["fold_mask"] == seen["fold_all"] == (100 if folds else 0)
    assert seen["strict_mask"] == seen["strict_all"] == (100 if folds else 0)
    assert seen["sd_log_det"] == pytest.approx(0, abs=1e-6)


def test_the_strict_check_sees_folds_between_neighbours_that_central_differences_miss() -> None:
    field = np.zeros((9, 9, 9, 3))
    field[..., 0] = 0.6 * (-1.0) ** np.arange(9)  # neighbours along i change places; those two apart keep their distance
    seen = smoothness(field, np.eye(3), np.ones((9, 9, 9), bool))
    assert seen["fold_all"] == 0
    assert seen["strict_all"] == pytest.approx(100 * 8 / 9)  # all but the last along i, whose only neighbour is further away than before


def test_a_fold_outside_the_mask_counts_only_in_the_whole_image() -> None:
    field = np.zeros((9, 9, 9, 3))
    field[2, 2, 2, 0] = 3.0
    mask = np.zeros((9, 9, 9), bool)
    mask[5:8, 5:8, 5:8] = True
    seen = smoothness(field, np.eye(3), mask)
    assert seen["strict_mask"] == seen["fold_mask"] == 0
    assert seen["strict_all"] > 0
    assert seen["fold_all"] > 0
