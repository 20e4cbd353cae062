from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from inr_registration.core import Centreline, InputError, ordered_points

Array = npt.NDArray[np.float64]

ACROSS, RISE = 30.0, 8.0
SPEED = np.hypot(ACROSS, RISE)


def helix(step: float = 0.5, turns: float = 2.0) -> Array:
    angle = np.arange(0, 2 * np.pi * turns, step / SPEED)
    return np.stack([ACROSS * np.cos(angle), ACROSS * np.sin(angle), RISE * angle], axis=1) + np.array([120.0, -40.0, 900.0])


def circle(step: float = 0.5) -> Array:
    angle = np.arange(0, np.pi, step / 25)
    return 25 * np.stack([np.zeros_like(angle), np.cos(angle), np.sin(angle)], axis=1)


CURVES = {"straight": np.outer(np.arange(60), [0.0, 0.0, 0.7]) + np.array([1, 2, 3]), "planar": circle(), "helix": helix()}
STEPS = {"straight": 0.7, "planar": 0.5, "helix": 0.5}


@pytest.fixture(params=CURVES)
def line(request: pytest.FixtureRequest) -> Centreline:
    return Centreline.along(CURVES[request.param], STEPS[request.param])


def test_the_frame_is_orthonormal_and_right_handed(line: Centreline) -> None:
    frames = np.stack([line.tangents, line.first, line.second], axis=2)
    np.testing.assert_allclose(frames.transpose(0, 2, 1) @ frames, np.broadcast_to(np.eye(3), frames.shape), atol=1e-12)
    np.testing.assert_allclose(np.linalg.det(frames), 1)


def test_the_frame_turns_only_with_the_tangent(line: Centreline) -> None:
    change = np.gradient(line.first, line.step, axis=0)[2:-2]
    twist = (change * line.second[2:-2]).sum(axis=1)
    assert np.abs(twist).max() < 2e-6
    k1 = line.curvature[2:-2, :1]
    np.testing.assert_allclose(change, -k1 * line.tangents[2:-2], atol=3e-5)


def test_on_a_helix_the_frame_turns_against_the_normal_by_the_torsion() -> None:
    """The Frenet frame twists by the torsion ``b / (a^2 + b^2)`` per mm; a frame without twist turns back by as much."""
    line = Centreline.along(helix(), 0.5)
    angle = np.arange(len(line.points)) * 0.5 / SPEED
    normal = -np.stack([np.cos(angle), np.sin(angle), np.zeros_like(angle)], axis=1)
    seen = np.unwrap(np.arctan2((normal * line.second).sum(axis=1), (normal * line.first).sum(axis=1)))
    torsion = RISE / SPEED**2
    assert seen[-1] - seen[0] == pytest.approx(torsion * line.length, abs=1e-5)


def test_length_and_curvature_are_those_of_the_curve() -> None:
    line = Centreline.along(helix(), 0.5)
    assert line.max_curvature == pytest.approx(ACROSS / SPEED**2, rel=1e-5)
    assert line.length == pytest.approx(2 * 2 * np.pi * SPEED, abs=0.5)
    assert Centreline.along(CURVES["straight"], 0.7).max_curvature < 1e-12


@pytest.mark.parametrize("direction", np.vstack([np.eye(3), -np.eye(3)]).tolist())
def test_a_curve_along_any_axis_of_the_world_has_a_frame(direction: list[float]) -> None:
    line = Centreline.along(np.outer(np.arange(10.0), direction), 1.0)
    assert np.isfinite(line.first).all()
    np.testing.assert_allclose(np.linalg.norm(line.first, axis=1), 1)


def test_points_that_repeat_are_taken_once() -> None:
    points = np.repeat(helix()[::40], 2, axis=0)
    np.testing.assert_array_equal(ordered_points(points), helix()[::40])


BAD = {
    "nothing": (np.zeros((0, 3)), "at least 4 different points, got 0"),
    "one place": (np.ones((9, 3)), "at least 4 different points, got 1"),
    "three points": (helix()[:3], "at least 4 different points, got 3"),
    "a plane": (np.zeros((9, 2)), r"three coordinates each, got an array of shape \(9, 2\)"),
    "undefined": (np.full((9, 3), np.nan), "finite coordinates"),
}


@pytest.mark.parametrize("case", BAD)
def test_points_that_make_no_curve_are_refused_in_words(case: str) -> None:
    points, message = BAD[case]
    with pytest.raises(InputError, match=message):
        ordered_points(points)


def test_too_few_samples_are_refused() -> None:
    with pytest.raises(InputError, match="at least 5 samples, got 4"):
        Centreline.along(helix()[:4], 0.5)
