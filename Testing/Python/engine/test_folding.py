"""Determinants in the cells of a lattice and at the corners of voxels, against the slow way."""

from __future__ import annotations

from itertools import product

import numpy as np
import numpy.typing as npt
import pytest
import torch

from inr_registration.fields import evaluate_at_points
from inr_registration.maps import corner_folds, least_in_cells
from inr_registration.numerics import Knots, jacobian_determinant
from inr_registration.numerics import kernels as compiled

KNOTS = Knots((-2.5, 1.0, 0.0), (2.5, 2.0, 3.0), (13, 11, 30))


def control_points() -> torch.Tensor:
    return torch.randn(3, *KNOTS.shape, generator=torch.Generator().manual_seed(3)) * 0.8


def without_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled, "_has_compiler", lambda: False)


def test_a_spline_along_axes_is_that_at_every_point() -> None:
    from inr_registration.numerics import on_axes

    values = control_points()
    positions = [np.linspace(s - 3, s + (n + 1) * t, 17 + n) for s, t, n in zip(KNOTS.start, KNOTS.step, KNOTS.count, strict=True)]
    axes = np.array([[0.8, -0.6, 0.0], [0.6, 0.8, 0.0], [0.0, 0.0, -1.0]])
    displacement, det = on_axes(values.numpy(), KNOTS, positions, axes)
    k, j, i = torch.meshgrid(*(torch.as_tensor(x) for x in positions[::-1]), indexing="ij")
    jet = evaluate_at_points(values.double(), KNOTS, torch.stack([i, j, k]), 1)
    assert jet.first is not None
    assert displacement is not None
    np.testing.assert_allclose(displacement, np.einsum("ab,bkji->kjia", axes, jet.value.numpy()), atol=2e-6)
    np.testing.assert_allclose(det, jacobian_determinant(jet.first).numpy(), atol=2e-5)
    nothing, same = on_axes(values.numpy(), KNOTS, positions, None)
    assert nothing is None
    np.testing.assert_array_equal(same, det)


@pytest.mark.parametrize("fast", [True, False])
def test_the_least_determinant_of_a_cell_is_that_of_27_places(fast: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not fast:
        without_compiler(monkeypatch)
    values = control_points()
    found = least_in_cells(values, KNOTS)
    assert found.shape == (27, 8, 10)
    for cell in ((0, 0, 0), (5, 2, 7), (26, 7, 9)):
        places = [np.array([s + t * (1 + c + x) for x in (0, 0.5, 1)]) for s, t, c in zip(KNOTS.start, KNOTS.step, cell[::-1], strict=True)]
        points = torch.as_tensor(np.array(list(product(*places))).T)
        first = evaluate_at_points(values.double(), KNOTS, points, 1).first
        assert first is not None
        assert float(found[cell]) == pytest.approx(float(jacobian_determinant(first).min()), abs=1e-4)


def by_hand(displacement: npt.NDArray[np.float64], axes: npt.NDArray[np.float64], least: float) -> npt.NDArray[np.bool_]:
    size = displacement.shape[2::-1]  # i, j, k
    folded = np.zeros(displacement.shape[:3], bool)
    for k, j, i in np.ndindex(folded.shape):
        for corner in product((-1, 1), repeat=3):
            columns = []
            for d, side in enumerate(corner):
                other = np.array([i, j, k])
                other[d] += side
                if not 0 <= other[d] < size[d]:
                    break
                columns.append(axes[:, d] + side * (displacement[tuple(other[::-1])] - displacement[k, j, i]))
            else:
                folded[k, j, i] |= np.linalg.det(np.column_stack(columns)) / np.linalg.det(axes) <= least
    return folded


@pytest.mark.parametrize("fast", [True, False])
@pytest.mark.parametrize("least", [0.0, 0.2])
@pytest.mark.parametrize("grid", ["oblique", "mirrored", "sheared"])
def test_folding_at_corners_is_found(grid: str, least: float, fast: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    axes = {
        "oblique": np.array([[0.8, -0.6, 0], [0.6, 0.8, 0], [0, 0, 1]]) @ np.diag([1.0, 2.0, 3.0]),
        "mirrored": np.diag([-1.0, 1.5, 1.0]),
        "sheared": np.array([[1.0, 0.4, 0.0], [0.0, 1.0, 0.3], [0.0, 0.0, 2.0]]),
    }[grid]
    if not fast:
        without_compiler(monkeypatch)
    displacement = np.random.default_rng(5).normal(size=(7, 9, 8, 3)) * np.linspace(0.02, 0.5, 8)[:, None]
    found = corner_folds(displacement.astype(np.float32), axes, least)
    expected = by_hand(displacement, axes, least)
    assert 0.05 < expected.mean() < 0.9
    np.testing.assert_array_equal(found, expected)


def test_a_smooth_displacement_does_not_fold() -> None:
    assert not corner_folds(np.zeros((4, 5, 6, 3), np.float32), np.eye(3), 0.0).any()
