from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
import torch
from scipy.spatial import cKDTree
from torch import Tensor

from inr_registration.core import Centreline, InputError
from inr_registration.fields import WALL, Place, Tubes, smoothed

Array = npt.NDArray[np.float64]

ACROSS, RISE, STEP = 30.0, 8.0, 0.5
SPEED = np.hypot(ACROSS, RISE)
RADIUS = 15.0


def helix(turns: float = 1.0) -> Centreline:
    angle = np.arange(0, 2 * np.pi * turns, STEP / SPEED)
    return Centreline.along(
        np.stack([ACROSS * np.cos(angle), ACROSS * np.sin(angle), RISE * angle], axis=1) + np.array([120.0, -40.0, 900.0]), STEP
    )


def straight(start: tuple[float, float, float], length: int = 80) -> Centreline:
    return Centreline.along(np.outer(np.arange(length + 1), [0.0, 1.0, 0.0]) + start, 1.0)


TUBES = Tubes((helix(),), RADIUS)
PARALLEL = Tubes((straight((0, 0, 0)), straight((24, 0, 0))), RADIUS)
"""Two tubes that overlap between x = 9 and x = 15, with the same distance to both at x = 12."""


def random_q(low: float, high: float, reach: float = 0.95, count: int = 400) -> Tensor:
    generator = np.random.default_rng(3)
    radius, angle = reach * RADIUS * np.sqrt(generator.uniform(size=count)), generator.uniform(0, 2 * np.pi, count)
    return torch.tensor(np.stack([generator.uniform(low, high, count), radius * np.cos(angle), radius * np.sin(angle)]))


def in_world(tubes: Tubes, q: Tensor) -> Array:
    return tubes.rho(q).T.numpy() + tubes.centre


def weights(tubes: Tubes, points: Array) -> tuple[Array, Array, Place]:
    """Weight and its derivative at all points, 0 outside."""
    place = tubes.locate(points)
    weight, slope = np.zeros(len(points)), np.zeros((len(points), 3))
    weight[place.inside], slope[place.inside] = place.weight.numpy(), place.slope.T.numpy()
    return weight, slope, place


def test_a_point_made_from_tube_coordinates_is_found_at_them() -> None:
    q = random_q(0, TUBES.curves.span[1])
    place = TUBES.locate(in_world(TUBES, q))
    assert len(place.inside) == q.shape[1]
    np.testing.assert_allclose(place.q.numpy(), q.numpy(), atol=1e-9)
    assert not place.ambiguous.any()


def test_nothing_outside_the_radius_is_inside() -> None:
    points = np.random.default_rng(0).uniform(-70, 70, (4000, 3)) + TUBES.centre
    at = torch.linspace(0, TUBES.curves.span[1], 20000, dtype=torch.float64)
    distance = cKDTree(in_world(TUBES, torch.stack([at, 0 * at, 0 * at]))).query(points)[0]
    inside = np.zeros(len(points), dtype=bool)
    inside[TUBES.locate(points).inside] = True
    clear = np.abs(distance - RADIUS) > 1e-3
    np.testing.assert_array_equal(inside[clear], distance[clear] < RADIUS)
    assert 100 < inside.sum() < 3000


def test_beyond_an_end_the_tube_goes_straight_on_and_is_round() -> None:
    line = TUBES.centrelines[0]
    points = line.points[0] - np.outer([2.0, 14.0, 14.0, 16.0], line.tangents[0]) + np.outer([0.0, 0.0, 8.0, 0.0], line.first[0])
    place = TUBES.locate(points)
    assert place.inside.tolist() == [0, 1]
    np.testing.assert_allclose(place.q.numpy(), [[-2, -14], [0, 0], [0, 0]], atol=1e-3)
    np.testing.assert_allclose(in_world(TUBES, place.q), points[:2], atol=1e-9)


@pytest.mark.parametrize("low", [0.0, -20.0])
def test_the_jacobian_is_that_of_differences(low: float) -> None:
    q, h = random_q(low, 150), 1e-4
    found = TUBES.rho_with_jacobian(q)[1]
    for d in range(3):
        shift = h * torch.eye(3, dtype=q.dtype)[d][:, None]
        np.testing.assert_allclose(found[:, d], (TUBES.rho(q + shift) - TUBES.rho(q - shift)) / (2 * h), atol=1e-6)


def test_the_volume_element_on_a_helix_is_that_of_the_curvature() -> None:
    q = random_q(20, 150)
    line = TUBES.centrelines[0]
    at = np.arange(len(line.points)) * STEP
    k1, k2 = (np.interp(q[0], at, line.curvature[:, n]) for n in (0, 1))
    expected = 1 - k1 * q[1].numpy() - k2 * q[2].numpy()
    np.testing.assert_allclose(TUBES.volume_element(q).numpy(), expected, atol=3e-6)
    assert expected.min() < 0.65 < 1.35 < expected.max()


def test_float32_is_precise_far_from_the_origin_of_the_world() -> None:
    q = random_q(0, 180)
    np.testing.assert_allclose(TUBES.rho(q.float()).double(), TUBES.rho(q), atol=5e-5)


def test_the_weight_is_one_in_the_middle_and_falls_to_zero_at_the_wall() -> None:
    radius = np.array([0.0, 0.5, WALL - 1e-9, 0.9, 1 - 1e-6]) * RADIUS
    points = np.stack([np.zeros(5), np.full(5, 40.0), radius], axis=1)
    weight, _, _ = weights(Tubes((straight((0, 0, 0)),), RADIUS), points)
    np.testing.assert_allclose(weight, [1, 1, 1, 0.5, 0], atol=1e-9)


@pytest.mark.parametrize("tubes", [TUBES, PARALLEL], ids=["helix", "parallel"])
def test_the_slope_of_the_weight_is_that_of_differences(tubes: Tubes) -> None:
    generator = np.random.default_rng(8)
    samples = np.concatenate([line.points for line in tubes.centrelines])
    points = samples[generator.integers(len(samples), size=1500)] + generator.uniform(-RADIUS, RADIUS, (1500, 3))
    h = 1e-5
    _, slope, _ = weights(tubes, points)
    for d in range(3):
        shift = h * np.eye(3)[d]
        numeric = (weights(tubes, points + shift)[0] - weights(tubes, points - shift)[0]) / (2 * h)
        np.testing.assert_allclose(slope[:, d], numeric, atol=2e-5)
    assert (np.abs(slope).max(axis=1) > 0.05).sum() > 100


def test_the_nearest_of_several_centrelines_wins() -> None:
    place = PARALLEL.locate([[3.0, 30.0, 2.0], [21.0, 30.0, 2.0]])
    first, second = PARALLEL.curves.starts
    np.testing.assert_allclose(place.q[0], [first + 30, second + 30], atol=1e-9)
    np.testing.assert_allclose(in_world(PARALLEL, place.q), [[3.0, 30.0, 2.0], [21.0, 30.0, 2.0]], atol=1e-9)


def test_between_two_centrelines_points_are_ambiguous_and_the_weight_has_no_step() -> None:
    x = np.linspace(0, 24, 2401)
    weight, _, place = weights(PARALLEL, np.stack([x, np.full_like(x, 40), np.zeros_like(x)], axis=1))
    assert np.abs(np.diff(weight)).max() < 0.006
    assert weight[1200] == pytest.approx(0, abs=1e-9)
    np.testing.assert_array_equal(place.ambiguous.numpy(), np.abs(x - 12) < 3 - 1e-9)
    np.testing.assert_allclose(weight[:900], 1)


def test_a_curve_that_comes_back_to_itself_is_ambiguous_there() -> None:
    angle = np.arange(0, 2 * np.pi * 0.97, 1 / 30)
    ring = Tubes((Centreline.along(30 * np.stack([np.cos(angle), np.sin(angle), 0 * angle], axis=1), 1.0),), 12.0)
    gap = 30 * np.array([np.cos(2 * np.pi * 0.985), np.sin(2 * np.pi * 0.985), 0])
    assert ring.locate([gap]).ambiguous.tolist() == [True]
    assert ring.locate([[-30.0, 0.0, 0.0]]).ambiguous.tolist() == [False]


def test_no_points_lie_nowhere() -> None:
    assert TUBES.locate(np.zeros((0, 3))).q.shape == (3, 0)
    assert TUBES.locate(np.full((4, 3), 1e4)).q.shape == (3, 0)


def test_every_second_place_is_that_of_every_second_point() -> None:
    points = in_world(TUBES, random_q(-10, 190, 1.2))
    found, expected = TUBES.locate(points).every(2), TUBES.locate(points[::2])
    np.testing.assert_array_equal(found.inside, expected.inside)
    np.testing.assert_array_equal(found.q, expected.q)


def test_a_smoothed_centreline_strays_as_much_as_it_may() -> None:
    angle = np.linspace(0, 4, 40)
    clean = np.stack([30 * np.cos(angle), 30 * np.sin(angle), 8 * angle], axis=1)
    noisy = clean + np.random.default_rng(0).normal(scale=0.6, size=clean.shape)
    exact, loose = smoothed(noisy, 0.0), smoothed(noisy, 1.0)
    stray = [np.sqrt(np.mean([np.square(line.points - p).sum(axis=1).min() for p in noisy])) for line in (exact, loose)]
    assert stray[0] < 0.3  # samples are a millimetre apart
    assert 0.6 < stray[1] < 1.01
    assert loose.max_curvature < 0.1 < exact.max_curvature
    off = [np.linalg.norm(clean - p, axis=1).min() for p in loose.points[5:-5]]
    assert np.mean(off) < 1.0


@pytest.mark.parametrize("count", [4, 7, 300])
def test_samples_are_equally_far_along_whatever_the_density_of_points(count: int) -> None:
    share = np.linspace(0, 1, count) ** 2  # dense at one end
    line = smoothed(np.stack([40 * np.cos(2 * share), 40 * np.sin(2 * share), 10 * share], axis=1), 0.0)
    np.testing.assert_allclose(np.linalg.norm(np.diff(line.points, axis=0), axis=1), line.step, rtol=1e-3)
    assert line.step <= 1
    assert line.length == pytest.approx(np.hypot(80, 10), rel=0.02)


def test_a_very_short_centreline_still_has_samples() -> None:
    assert len(smoothed([[0, 0, 0], [0.5, 0, 0], [1, 0.1, 0], [1.5, 0, 0]], 0.0).points) == 17


def test_too_few_points_are_refused() -> None:
    with pytest.raises(InputError, match="at least 4 different points, got 2"):
        smoothed([[0, 0, 0], [5, 0, 0], [5, 0, 0]], 1.0)
