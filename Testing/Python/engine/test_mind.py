from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from analytic import DIRECTIONS, OBLIQUE, blobs, centred, image_on, turn, wave
from fits import ALL, BEFORE, FIXED, LATTICE, a_problem, error_mm, short
from torch import Tensor

from inr_registration.app import register
from inr_registration.core import Grid, Problem, Settings
from inr_registration.images import Features, aligned_grid, parallel
from inr_registration.methods import affine_similarity
from inr_registration.numerics import Image, sample
from inr_registration.terms import NEIGHBOURS, mind_difference
from inr_registration.terms import mind as module
from inr_registration.terms.mind import mind


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def rendered(grid: Grid) -> Image:
    return Image(torch.as_tensor(image_on(grid).values / 1000)[None].double(), grid)


def slowly(values: np.ndarray, radius: int, dilation: int) -> np.ndarray:
    """MIND by loops over voxels, pairs and patches, with indices kept within the image."""
    shape = np.array(values.shape)

    def at(place: np.ndarray) -> float:
        return float(values[tuple(np.clip(place, 0, shape - 1))])

    steps = [np.eye(3, dtype=int)[axis] * sign * dilation for axis in range(3) for sign in (-1, 1)]
    pairs = [(a, b) for n, a in enumerate(steps) for b in steps[n + 1 :] if ((a - b) ** 2).sum() == 2 * dilation**2]
    patch = [np.array(p) - radius for p in np.ndindex(*(2 * radius + 1,) * 3)]
    distances = np.empty((len(pairs), *values.shape))
    for voxel in np.ndindex(*values.shape):
        for n, (a, b) in enumerate(pairs):
            distances[(n, *voxel)] = np.mean([(at(np.array(voxel) + a + p) - at(np.array(voxel) + b + p)) ** 2 for p in patch])
    distances -= distances.min(axis=0)
    variance = distances.mean(axis=0)
    return np.exp(-distances / np.clip(variance, 1e-3 * variance.mean(), 1e3 * variance.mean()))


@pytest.mark.parametrize(("radius", "dilation"), [(1, 2), (1, 1)])
def test_features_are_those_of_a_loop(radius: int, dilation: int) -> None:
    values = noise(5, 6, 4)
    np.testing.assert_allclose(mind(values, radius, dilation).numpy(), slowly(values.numpy(), radius, dilation), atol=1e-12)


def test_there_are_twelve_different_pairs_at_right_angles() -> None:
    assert len(set(NEIGHBOURS)) == 12
    assert all(a[0] != b[0] for a, b in NEIGHBOURS)


@pytest.mark.parametrize("change", [lambda v: 1 - v, lambda v: 250 * v - 1000])
def test_features_do_not_see_brightness_contrast_nor_its_sign(change: object) -> None:
    values = noise(6, 7, 8)
    torch.testing.assert_close(mind(change(values)), mind(values))  # type: ignore[operator]


def test_a_constant_image_has_finite_features() -> None:
    assert torch.isfinite(mind(torch.full((5, 5, 5), 3.0))).all()


def test_the_difference_is_the_weighted_mean_of_squares_over_all_channels() -> None:
    fixed, moving = noise(12, 300), noise(12, 5, 6, 7, seed=1)
    unit, weight = 2 * noise(3, 300, seed=2) - 1, noise(300, seed=3)
    expected = (weight * (sample(moving, unit) - fixed).square().mean(dim=0)).sum() / weight.sum()
    assert float(mind_difference(fixed, moving, unit, weight)) == pytest.approx(float(expected), abs=1e-12)


def test_chunks_of_points_add_up(monkeypatch: pytest.MonkeyPatch) -> None:
    fixed, moving, weight = noise(12, 300), noise(12, 5, 6, 7, seed=1), noise(300, seed=3)
    units = [(1.8 * noise(3, 300, seed=2) - 0.9).requires_grad_(True) for _ in range(2)]
    whole = mind_difference(fixed, moving, units[0], weight)
    monkeypatch.setattr(module, "CHUNK", 64)
    parts = mind_difference(fixed, moving, units[1], weight)
    whole.backward()
    parts.backward()
    torch.testing.assert_close(parts, whole)
    torch.testing.assert_close(units[1].grad, units[0].grad)


def test_the_gradient_by_position_is_that_of_finite_differences() -> None:
    fixed, moving, weight = noise(12, 2, 3, 4), noise(12, 5, 6, 7, seed=1), noise(2, 3, 4, seed=3)
    unit = (1.6 * noise(3, 2, 3, 4, seed=2) - 0.8).requires_grad_(True)
    assert torch.autograd.gradcheck(lambda at: 3 * mind_difference(fixed, moving, at, weight), (unit,), eps=1e-7, atol=1e-6)


def test_points_without_weight_do_not_count() -> None:
    fixed, moving, weight = noise(12, 90), noise(12, 5, 6, 7, seed=1), (noise(90, seed=3) > 0.5).double()
    unit = (1.8 * noise(3, 90, seed=2) - 0.9).requires_grad_(True)
    spoilt = torch.where(weight > 0, fixed, 7.0)
    loss = mind_difference(spoilt, moving, unit, weight)
    assert float(loss.detach()) == pytest.approx(float(mind_difference(fixed, moving, unit.detach(), weight)), abs=1e-12)
    loss.backward()
    assert unit.grad is not None
    assert not unit.grad[:, weight == 0].any()
    assert float(mind_difference(fixed, moving, unit.detach(), torch.zeros(90, dtype=torch.float64))) == 0


@pytest.mark.parametrize("name", DIRECTIONS)
def test_features_agree_whatever_the_axes_of_the_moving_image(name: str) -> None:
    fixed = rendered(centred((24, 25, 26), 2.0))
    moving = rendered(centred((62, 60, 58), (1.0, 1.1, 0.9), DIRECTIONS[name]))
    features = Features.of(fixed, moving, np.eye(4))
    points = torch.as_tensor(fixed.grid.all_points()[4:-4, 4:-4, 4:-4].transpose(3, 0, 1, 2).copy()).double()
    matrix, offset = (torch.as_tensor(a) for a in moving.world_to_unit())
    unit = torch.einsum("ab,b...->a...", matrix, points) + offset[:, None, None, None]
    seen = features.fixed[:, 4:-4, 4:-4, 4:-4]
    aligned = float(mind_difference(seen, features.moving.values, features.unit(unit), torch.ones(seen.shape[1:])))
    swapped = float(mind_difference(seen.flip(0), features.moving.values, features.unit(unit), torch.ones(seen.shape[1:])))
    assert aligned < 0.004
    assert swapped > 10 * aligned


def test_features_follow_an_affine_that_turns_the_moving_image() -> None:
    affine = np.eye(4)
    affine[:3, :3], affine[:3, 3] = turn(90) @ turn(20, 0), (3.0, -2.0, 5.0)
    grid = centred((24, 25, 26), 2.0)
    values = blobs(grid.all_points().astype(float) @ affine[:3, :3].T + affine[:3, 3]) / 1000
    fixed, moving = Image(torch.as_tensor(values)[None], grid), rendered(centred((62, 60, 58), 1.0, OBLIQUE))
    features = Features.of(fixed, moving, affine)
    index = torch.as_tensor(grid.to_world(np.argwhere(np.ones(grid.shape))[:, ::-1]) @ affine[:3, :3].T + affine[:3, 3])
    matrix, offset = (torch.as_tensor(a) for a in moving.world_to_unit())
    unit = matrix @ index.T + offset[:, None]
    unlike = (sample(features.moving.values, features.unit(unit)) - features.fixed.reshape(12, -1)).square().mean(dim=0)
    assert float(unlike.reshape(grid.shape)[4:-4, 4:-4, 4:-4].mean()) < 0.004


def test_the_aligned_grid_continues_the_fixed_lattice_and_keeps_what_is_within_reach() -> None:
    fixed, affine = centred((20, 21, 22), 2.0, turn(12)), np.eye(4)
    affine[:3, :3], affine[:3, 3] = 1.1 * turn(30, 1), (4.0, 0.0, -3.0)
    grid = aligned_grid(fixed, centred((400, 40, 30), 1.0, OBLIQUE), affine, 10.0)
    index = fixed.to_index((grid.to_world(np.zeros(3)) - affine[:3, 3]) @ np.linalg.inv(affine[:3, :3]).T)
    np.testing.assert_allclose(index, np.round(index), atol=1e-9)
    assert (np.round(index) >= -5).all()
    assert (np.round(index) + grid.size <= np.array(fixed.size) + 5).all()
    np.testing.assert_allclose(grid.affine[:3, :3], affine[:3, :3] @ fixed.affine[:3, :3], atol=1e-12)


def test_parallel_reads_the_image_at_the_voxels_of_the_other_grid() -> None:
    image, grid = rendered(centred((30, 31, 32), 2.0, OBLIQUE)), centred((9, 8, 7), 3.0, turn(40))
    points = torch.as_tensor(grid.all_points().transpose(3, 0, 1, 2).copy()).double()
    torch.testing.assert_close(parallel(image, grid).values[0], image.at(points), rtol=1e-5, atol=1e-6)


def test_the_pre_alignment_uses_other_terms_in_place_of_mind() -> None:
    assert set(affine_similarity(Settings(similarity={"mind": 5.0}))) == {"local_ncc", "nmi"}
    assert affine_similarity(Settings(similarity={"mind": 5.0, "ncc": 3.0}))["ncc"] == 3.0
    assert affine_similarity(Settings(similarity={"ncc": 3.0})) == {"ncc": 3.0}


def turned_upside_down() -> Problem:
    """The wavy pair with the moving image inverted in brightness and stored along flipped, permuted axes."""
    moving = image_on(centred((34, 33, 32), 2.0, DIRECTIONS["flipped and permuted"]), None, "moving")
    return Problem(image_on(FIXED, wave, "fixed"), replace(moving, values=1500 - 0.7 * moving.values))


@pytest.mark.parametrize("kind", ["velocity", "sampled spline", "siren"])
def test_mind_registers_an_inverted_image_on_other_axes(kind: str) -> None:
    settings = ALL[kind]
    if kind == "siren":
        settings = short(settings, 120)
    weights = {"diffusion": 0.005} if kind != "siren" else {"bending": 0.1}
    result = register(turned_upside_down(), replace(settings, similarity={"mind": 10.0}, regularity=weights))
    assert error_mm(result) < 0.45 * BEFORE


def test_mind_mixes_with_other_terms_and_each_is_reported() -> None:
    result = register(a_problem(), replace(short(LATTICE), similarity={"mind": 5.0, "local_ncc": 1.0, "mse": 1.0}))
    assert {"mind", "local_ncc", "mse"} <= set(result.history[0].terms)
