"""The long axis, the coordinates around it, and the field that lives in them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
import torch
from analytic import DIRECTIONS, OBLIQUE, turn
from phantoms.ventricle import Ventricle

from inr_registration.core import Grid, Volume
from inr_registration.fields import (
    CORE,
    PORTS,
    CardiacField,
    Network,
    Siren,
    around,
    axis_of,
    coordinates,
    directions,
    height,
    is_wall,
    vectors,
)
from inr_registration.maps import CardiacMap, load
from inr_registration.numerics import Frame

Array = npt.NDArray[np.float64]

HEART = Ventricle()
WIDE = replace(HEART, length=56.0, outer=37.0, inner=27.0)
IMAGE = Frame(np.array([3.0, -6.0, 8.0]), turn(25) @ turn(-15, 0) * 70.0)
AFFINE = np.eye(4)
AFFINE[:3] = np.column_stack([turn(8, 1) @ np.diag([1.1, 0.95, 1.02]), [4.0, -7.0, 30.0]])


def segmented(heart: Ventricle, direction: str, steps: tuple[float, float, float], filled: bool) -> Volume:
    """The muscle, or all of the ventricle, on a grid of any orientation around the heart."""
    axes, size = DIRECTIONS[direction], [int(130 / step) for step in steps]
    first = heart.ends.mean(axis=0) - axes @ ((np.array(size) - 1) / 2 * steps)
    grid = Grid.from_geometry((size[0], size[1], size[2]), steps, first, axes)
    points = grid.all_points().astype(float)
    body, cavity, below = heart.depths(points)
    inside = (body > 0) & (below > 0) & (filled | (cavity < 0))
    return Volume(inside.astype(np.uint8), grid, "ventricle")


def degrees(a: Array, b: Array) -> float:
    """The angle between two axes that begin at the apex."""
    one, other = (axis[1] - axis[0] for axis in (a, b))
    return float(np.rad2deg(np.arccos(np.clip(one @ other / np.linalg.norm(one) / np.linalg.norm(other), -1, 1))))


@pytest.mark.parametrize("filled", [False, True])
@pytest.mark.parametrize("heart", [HEART, WIDE], ids=["long", "wide"])
@pytest.mark.parametrize("direction", list(DIRECTIONS))
def test_the_long_axis_is_found_on_grids_of_any_orientation_and_spacing(direction: str, heart: Ventricle, filled: bool) -> None:
    volume = segmented(heart, direction, (1.6, 1.9, 5.0), filled)
    axis, warnings = axis_of(volume)
    assert not warnings
    assert degrees(axis, heart.ends) < 3  # from 177 degrees on, apex and base would be exchanged
    assert np.linalg.norm(axis - heart.ends, axis=1).max() < 5.5  # about a slice
    assert is_wall(volume, axis) is not filled


def test_spacing_is_not_mistaken_for_length() -> None:
    """In voxel indices this heart is eight times as wide as long."""
    axis, _ = axis_of(segmented(WIDE, "aligned", (0.9, 0.9, 7.0), False))
    assert degrees(axis, WIDE.ends) < 3


def ball(radii: tuple[float, float, float]) -> Volume:
    grid = Grid.from_geometry((40, 40, 40), (1.5, 1.5, 1.5), (10.0, 20.0, 30.0), OBLIQUE)
    points = (grid.all_points() - grid.centre) @ OBLIQUE
    return Volume((np.linalg.norm(points / np.array(radii), axis=-1) < 1).astype(np.uint8), grid, "ball")


def test_a_ball_has_no_long_axis_and_a_spindle_no_apex() -> None:
    _, warnings = axis_of(ball((22.0, 22.0, 22.0)))
    assert any("too round" in text for text in warnings)
    axis, warnings = axis_of(ball((12.0, 12.0, 26.0)))
    assert abs((axis[1] - axis[0]) @ OBLIQUE[:, 2]) == pytest.approx(np.linalg.norm(axis[1] - axis[0]), rel=1e-3)
    assert len(warnings) == 1
    assert "equally wide" in warnings[0]


@pytest.mark.parametrize("ends", [HEART.ends, HEART.ends[::-1], np.array([[50.0, 1, 2], [-30.0, 3, -4]])])
def test_the_frame_of_an_axis_is_a_right_handed_rotation_with_one_scale(ends: Array) -> None:
    frame = around(ends)
    half = np.linalg.norm(ends[1] - ends[0]) / 2
    np.testing.assert_allclose(frame.axes.T @ frame.axes, half**2 * np.eye(3), atol=1e-9)
    assert np.linalg.det(frame.axes) > 0
    np.testing.assert_allclose(frame.to_unit(ends), [[0, 0, -1], [0, 0, 1]], atol=1e-12)
    np.testing.assert_allclose(height(ends, frame), [0, 1], atol=1e-12)


def near_the_heart(count: int = 500) -> Array:
    return HEART.ends.mean(axis=0) + np.random.default_rng(2).uniform(-50, 50, (count, 3))


def test_the_three_directions_are_orthonormal_and_point_where_they_should() -> None:
    points, frame = near_the_heart(), around(HEART.ends)
    axes = directions(points, frame)
    known = np.isfinite(axes).all(axis=(1, 2))
    r = HEART.cylindrical(points)[:, 0]
    np.testing.assert_array_equal(known, r >= CORE * 40)
    axes, points, r = axes[known], points[known], r[known]
    np.testing.assert_allclose(np.swapaxes(axes, 1, 2) @ axes, np.broadcast_to(np.eye(3), axes.shape), atol=1e-12)
    radial, around_, up = np.moveaxis(axes, 2, 0)
    np.testing.assert_allclose(np.cross(up, radial), around_, atol=1e-12)
    foot = points - r[:, None] * radial  # lies on the axis
    np.testing.assert_allclose(HEART.cylindrical(foot)[:, 0], 0, atol=1e-9)
    np.testing.assert_allclose(HEART.cylindrical(points + up)[:, 2] - HEART.cylindrical(points)[:, 2], 1, atol=1e-9)


@pytest.mark.usefixtures("float64")
def test_the_coordinates_and_vectors_have_the_derivatives_of_central_differences() -> None:
    unit, h = torch.as_tensor(np.random.default_rng(3).uniform(-1.2, 1.2, (3, 300))), 1e-6
    unit[:2, :50] *= CORE  # some at the axis itself
    _, slopes = coordinates(unit)
    _, turning = vectors(*coordinates(unit))
    for d in range(3):
        step = torch.zeros(3, 1)
        step[d] = h
        ahead, behind = coordinates(unit + step), coordinates(unit - step)
        torch.testing.assert_close((ahead[0] - behind[0]) / (2 * h), slopes[:, d], atol=1e-7, rtol=0)
        torch.testing.assert_close((vectors(*ahead)[0] - vectors(*behind)[0]) / (2 * h), turning[:, :, d], atol=1e-6, rtol=0)


@pytest.mark.usefixtures("float64")
def test_the_vectors_reach_every_direction_everywhere_even_on_the_axis() -> None:
    unit = torch.as_tensor(np.random.default_rng(4).uniform(-1, 1, (3, 400)))
    unit[:2, :100] *= torch.linspace(0, 3 * CORE, 100)
    reached = torch.linalg.svdvals(vectors(*coordinates(unit))[0].permute(2, 0, 1))
    assert float(reached.min()) > 0.7  # sqrt(1/2) at the edge of the core, 1 on the axis and far away
    far = torch.tensor([[0.6], [-0.5], [0.2]])
    np.testing.assert_allclose(vectors(*coordinates(far))[0][:2, 3:, 0], CORE**2 / (0.61 + CORE**2) * np.eye(2), atol=1e-12)


def network(ports: tuple[int, int], seed: int) -> Network:
    siren = Siren(20, 2, 6.0, False, torch.Generator().manual_seed(seed), ports)
    with torch.no_grad():
        siren.weights[-1].mul_(0.2)
    return siren


def a_map(combined: bool, dtype: torch.dtype = torch.float64) -> CardiacMap:
    """A map with displacements of up to several mm everywhere, the axis included."""
    plain = network((3, 3), 5).to(dtype) if combined else None
    cardiac = around(HEART.ends)
    field = CardiacField(network(PORTS, 4).to(dtype), plain, IMAGE, cardiac)
    return CardiacMap(field, IMAGE, cardiac, AFFINE, np.array([[-1.0] * 3, [1.0] * 3]))


@pytest.mark.parametrize("combined", [False, True])
def test_the_jacobian_is_that_of_central_differences(combined: bool) -> None:
    model, h = a_map(combined), 1e-4
    on_axis = HEART.ends[0] + np.linspace(0, 1, 20)[:, None] * (HEART.ends[1] - HEART.ends[0])
    points = np.concatenate([0.8 * near_the_heart(200), on_axis, on_axis + np.array([0.5, 0.2, 0.0])])
    columns = [(model.map(points + e) - model.map(points - e)) / (2 * h) for e in h * np.eye(3)]
    np.testing.assert_allclose(model.jacobian(points), np.stack(columns, axis=2), atol=1e-6)
    assert np.abs(model.gradient(points)).max() > 0.05


def circle(radius: float, degrees_: Array, at: float = 40.0) -> Array:
    angles = np.deg2rad(degrees_)
    return HEART.world(np.stack([np.full_like(angles, radius), angles, np.full_like(angles, at)], axis=-1))


@pytest.mark.parametrize("radius", [0.01, 1.0, 3.0, 25.0, 60.0])
def test_no_seam_runs_along_the_ventricle(radius: float) -> None:
    """Steps of a thousandth of a degree all around: a seam would be a step larger than the slope explains."""
    model = a_map(False)
    starts = np.arange(0.0, 360.0, 1.0)
    pairs = [model.displacement(circle(radius, starts + shift)) for shift in (0.0, 1e-3)]
    jumps = np.linalg.norm(pairs[1] - pairs[0], axis=1)
    slope = np.linalg.norm(model.gradient(circle(radius, starts)), 2, axis=(1, 2))
    assert (jumps / (1e-3 * np.deg2rad(1) * radius) < 1.01 * slope + 1e-3).all()


def test_nothing_jumps_across_the_axis() -> None:
    model = a_map(False)
    opposite = [model.displacement(circle(1e-4, np.arange(0.0, 360.0, 10.0) + shift)) for shift in (0.0, 180.0)]
    assert np.linalg.norm(opposite[0], axis=1).min() > 0.5  # and yet the axis itself moves
    assert np.abs(opposite[0] - opposite[1]).max() < 1e-3
    gradients = [model.gradient(circle(1e-4, np.arange(0.0, 360.0, 10.0) + shift)) for shift in (0.0, 180.0)]
    assert np.abs(gradients[0] - gradients[1]).max() < 1e-3


@pytest.mark.parametrize("combined", [False, True])
def test_a_saved_map_comes_back_the_same(combined: bool) -> None:
    model, points = a_map(combined, torch.float32), near_the_heart(100)
    state = model.state(note="kept")
    assert state.metadata["note"] == "kept"
    again = load(state)
    assert isinstance(again, CardiacMap)
    np.testing.assert_array_equal(again.map(points), model.map(points))
    np.testing.assert_array_equal(again.jacobian(points), model.jacobian(points))


def test_the_inverse_of_a_map_undoes_it() -> None:
    model, points = a_map(True), near_the_heart(60)
    np.testing.assert_allclose(model.map(model.inverse(model.map(points))), model.map(points), atol=2e-3)


def test_beyond_the_image_the_displacement_of_its_border_goes_on() -> None:
    model = a_map(True)
    face = np.array([[1.0, 0.3, -0.2]])
    inside, outside = (model.displacement(IMAGE.to_world(face * [reach, 1, 1])) for reach in (1.0, 1.4))
    np.testing.assert_allclose(inside, outside, atol=1e-5)
