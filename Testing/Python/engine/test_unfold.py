"""Folding at isolated places is mended; nothing else changes; much folding is left to be seen."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from inr_registration.core import Grid
from inr_registration.fields import SplineLattice, evaluate_at_points
from inr_registration.maps import FLOOR, corner_folds, sampled, unfolded
from inr_registration.maps.unfold import _bad_cells, _still_bad
from inr_registration.numerics import Frame, Knots, jacobian_determinant

KNOTS = Knots((-2.0, -2.0, -2.0), (2.0, 2.0, 2.0), (26, 24, 22))
GRID = Grid((46, 42, 38), np.eye(4))
FRAME = Frame.millimetres(GRID)


def smooth_field() -> Tensor:
    coarse = torch.randn(1, 3, 5, 5, 5, generator=torch.Generator().manual_seed(1))
    return torch.nn.functional.interpolate(coarse, size=KNOTS.shape, mode="trilinear", align_corners=True)[0]


def determinants(lattice: SplineLattice) -> Tensor:
    """At 60 000 random points, not those that the repair looks at."""
    low, step, count = (torch.tensor(v, dtype=torch.float64) for v in (KNOTS.start, KNOTS.step, KNOTS.count))
    inside = torch.rand(60_000, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    points = (low + step + inside * (count - 3) * step).T
    first = evaluate_at_points(lattice.values.detach().double(), KNOTS, points, 1).first
    assert first is not None
    return jacobian_determinant(first)


def test_two_folded_places_are_mended_and_the_rest_keeps_its_values() -> None:
    values = smooth_field()
    values[0, 8, 9, 10] += 7.0
    values[1, 15, 14, 16] -= 8.0
    lattice = SplineLattice(KNOTS, values.clone())
    assert float(determinants(lattice).min()) < 0
    mended, count = unfolded(lattice, FRAME, GRID)
    assert 0 < count <= 80
    assert float(determinants(mended).min()) > 0.8 * FLOOR
    changed = (mended.values.detach() != values).any(dim=0)
    assert 0 < int(changed.sum()) < 0.25 * changed.numel()
    assert not changed[:, :, :3].any()
    assert torch.equal(lattice.values.detach(), values)  # the input is not changed


def test_a_spline_that_does_not_fold_is_given_back_as_it_is() -> None:
    lattice = SplineLattice(KNOTS, smooth_field())
    assert float(determinants(lattice).min()) > FLOOR
    assert unfolded(lattice, FRAME, GRID) == (lattice, 0)


def test_mending_many_places_keeps_what_lies_between_them() -> None:
    knots, grid = Knots((-2.0,) * 3, (2.0,) * 3, (58, 56, 54)), Grid((110, 106, 102), np.eye(4))
    generator = torch.Generator().manual_seed(4)
    values = torch.nn.functional.interpolate(
        torch.randn(1, 3, 19, 19, 19, generator=generator), size=knots.shape, mode="trilinear", align_corners=True
    )[0]
    places = [(k, j, i) for k in (8, 22, 36, 46) for j in (8, 22, 36, 46) for i in (8, 22, 36, 46)]
    for k, j, i in places:
        values[0, k, j, i] += 7.0
    lattice = SplineLattice(knots, values.clone())
    mended, count = unfolded(lattice, Frame.millimetres(grid), grid)
    assert count >= len(places)
    change = (mended.values.detach() - values).abs().amax(dim=0)
    assert float((change > 0).double().mean()) < 0.1
    assert not bool(_bad_cells(mended, Frame.millimetres(grid), grid).any())


def test_looking_again_around_bad_cells_finds_what_looking_everywhere_finds() -> None:
    generator = torch.Generator().manual_seed(6)
    for direction in (np.eye(3), np.diag([1.0, -1.0, 1.0])):
        grid = Grid.from_geometry((46, 42, 38), np.ones(3), np.zeros(3), direction)
        frame = Frame.millimetres(grid)
        values = smooth_field()
        values[0, 8:12, 9:12, 10:14] += 4 * torch.randn(4, 3, 4, generator=generator)
        before = _bad_cells(SplineLattice(KNOTS, values), frame, grid)
        assert 0 < int(before.sum()) < 0.1 * before.numel()
        values[0, 8:12, 9:12, 10:14] *= 0.7
        after = SplineLattice(KNOTS, values)
        found = _still_bad(after, frame, grid, before)
        assert 0 < int(found.sum()) < int(before.sum())
        assert torch.equal(found, _bad_cells(after, frame, grid))


def test_folding_everywhere_is_not_hidden() -> None:
    values = smooth_field() + 3 * torch.randn(3, *KNOTS.shape, generator=torch.Generator().manual_seed(3))
    lattice = SplineLattice(KNOTS, values)
    assert float((determinants(lattice) < 0).double().mean()) > 0.02
    assert unfolded(lattice, FRAME, GRID) == (lattice, 0)


def test_folding_between_voxels_is_mended_though_the_spline_itself_does_not_fold() -> None:
    values = smooth_field()
    values[:, 8:12, 9:13, 10:14] += 1.5 * torch.randn(3, 4, 4, 4, generator=torch.Generator().manual_seed(3))
    lattice = SplineLattice(KNOTS, values)
    assert float(determinants(lattice).min()) > FLOOR

    def folds(some: SplineLattice) -> int:
        return int(corner_folds(sampled(some, FRAME, np.eye(4), GRID)[0], np.eye(3), 0.0).sum())

    assert folds(lattice) > 0
    mended, count = unfolded(lattice, FRAME, GRID)
    assert count > 0
    assert folds(mended) == 0
