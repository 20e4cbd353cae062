"""What lies around a field of view is no anatomy, whatever its value; and anatomy on a constant background is no padding."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
from analytic import blobs, centred, turn, wave
from fits import inner_points, model_of

from inr_registration.app import register
from inr_registration.core import Grid, Problem, Result, Volume, load_preset
from inr_registration.images import extended, unpadded

pytestmark = pytest.mark.slow

Array = npt.NDArray[np.float64]
Field = Callable[[Array], npt.NDArray[np.bool_]]

GRID = centred((40, 38, 36), 2.0)


def circle(centre: tuple[float, float], radius: float) -> Field:
    return lambda p: np.hypot(p[..., 0] - centre[0], p[..., 1] - centre[1]) < radius


def box(half: tuple[float, float, float], axes: Array) -> Field:
    return lambda p: (np.abs(p @ axes) < half).all(axis=-1)


TILTED = turn(20) @ turn(-15, 0) @ turn(10, 1)
FIELDS: dict[str, Field] = {
    "circle": circle((0, 0), 37),
    "circle off centre": circle((6, -4), 34),
    "circle larger than the image": circle((0, 0), 44),
    "tilted circle": lambda p: circle((0, 0), 34)(p @ turn(12, 0).T),
    "box turned in plane": box((34, 32, 100), turn(10)),
    "tilted box": box((30, 31, 29), TILTED),
    "tilted box that leaves the image": box((38, 37, 35), TILTED),
    "smaller box along the axes": box((30, 28, 26), np.eye(3)),
}
BODIES: dict[str, Field] = {
    "ball": lambda p: np.linalg.norm(p, axis=-1) < 30,
    "ellipsoid": lambda p: np.linalg.norm(p / [34, 28, 20], axis=-1) < 1,
    "head cut at the neck": lambda p: np.linalg.norm((p - [0, 0, -14]) / [28, 32, 40], axis=-1) < 1,
    "trunk with arms": lambda p: (
        (np.linalg.norm(p[..., :2] / [22, 18], axis=-1) < 1) | (np.hypot(np.abs(p[..., 0]) - 30, p[..., 1]) < 5) & (np.abs(p[..., 2]) < 25)
    ),
}


def tissue(points: Array, seed: int = 0) -> Array:
    return np.asarray(100 + np.random.default_rng(seed).normal(0, 20, points.shape[:-1]))


def seen_through(field: Field, value: float, values: Array, grid: Grid = GRID) -> Volume:
    return Volume(np.where(field(grid.all_points()), values, value).astype(np.float32), grid, "an image")


@pytest.mark.parametrize("value", [-3024.0, -1.0, 0.0, 32767.0])
@pytest.mark.parametrize("name", FIELDS)
def test_padding_around_a_field_of_view_has_no_value(name: str, value: float) -> None:
    inside = FIELDS[name](GRID.all_points())
    found = unpadded(seen_through(FIELDS[name], value, tissue(GRID.all_points())))
    assert found.value == value
    assert np.isnan(found.volume.values[~inside]).all()
    assert np.isfinite(found.volume.values[inside]).mean() > 0.75  # but for the voxels next to the padding
    (said,) = found.said
    assert said.startswith(f"an image: the value {value:g} around the field of view")


@pytest.mark.parametrize("name", BODIES)
def test_a_body_on_a_constant_background_is_no_field_of_view(name: str) -> None:
    image = seen_through(BODIES[name], 0.0, tissue(GRID.all_points()))
    found = unpadded(image)
    assert found.volume is image
    assert found.said == []


def test_single_voxels_of_the_same_value_within_the_noise_are_measured() -> None:
    noise = np.maximum(np.random.default_rng(1).normal(8, 8, GRID.shape), 0)  # a sixth of the voxels are exactly 0
    inside = FIELDS["tilted box"](GRID.all_points())
    found = unpadded(seen_through(FIELDS["tilted box"], 0.0, noise))
    assert found.value == 0
    deep = box((24, 25, 23), TILTED)(GRID.all_points())
    assert (noise[deep] == 0).mean() > 0.1
    assert np.isfinite(found.volume.values[deep]).mean() > 0.97
    assert np.isnan(found.volume.values[~inside]).all()


def test_one_value_everywhere_and_images_of_few_planes_are_left_alone() -> None:
    assert unpadded(seen_through(FIELDS["circle"], 0.0, np.full(GRID.shape, 3.0))).value is None
    flat = centred((30, 30, 2), 2.0)
    assert unpadded(seen_through(circle((0, 0), 25), -1.0, tissue(flat.all_points()), flat)).value is None


def test_padding_takes_the_value_of_the_nearest_voxel_of_its_plane() -> None:
    values = np.arange(60, dtype=np.float32).reshape(3, 4, 5)
    valid = np.zeros(values.shape, bool)
    valid[1, 1:3, 1:4] = True
    out = extended(values, valid)
    assert out[1, 0, 0] == values[1, 1, 1]
    assert out[1, 3, 4] == values[1, 2, 3]
    np.testing.assert_array_equal(out[0], out[1])
    np.testing.assert_array_equal(out[valid], values[valid])


def error(result: Result) -> float:
    points = inner_points(14.0)
    return float(np.linalg.norm(model_of(result).map(points) - wave(points), axis=1).mean())


def a_pair(fixed: Field | None, moving: Field | None, value: float) -> Problem:
    points = GRID.all_points().astype(np.float64)
    noise = np.random.default_rng(3).normal(0, 8, (2, *GRID.shape))
    images = []
    for field, values, name in ((fixed, blobs(wave(points)) + noise[0], "fixed"), (moving, blobs(points) + noise[1], "moving")):
        seen = values + 50 if field is None else np.where(field(points), values + 50, value)
        images.append(Volume(seen.astype(np.float32), GRID, name))
    return Problem(*images)


QUICK = replace(load_preset("quick").settings, device="cpu")
CASES = {
    "circles of other centres": (circle((6, 4), 33), circle((-6, -4), 33), -2048.0),
    "a circle in the fixed image": (circle((5, 0), 33), None, -3024.0),
    "a circle in the moving image": (None, circle((5, 0), 33), -3024.0),
    "a tilted box of zeros in the moving image": (None, box((30, 31, 29), TILTED), 0.0),
    "a tilted box in the fixed image": (box((30, 31, 29), TILTED.T), None, 32767.0),
    "boxes of other tilts": (box((30, 31, 29), TILTED), box((30, 31, 29), TILTED.T), -1.0),
}


@pytest.fixture(scope="module")
def without_padding() -> float:
    return error(register(a_pair(None, None, 0.0), QUICK))


@pytest.mark.parametrize("name", CASES)
def test_padding_is_not_registered(name: str, without_padding: float) -> None:
    fixed, moving, value = CASES[name]
    result = register(a_pair(fixed, moving, value), QUICK)
    padded = [side for side, field in (("fixed", fixed), ("moving", moving)) if field is not None]
    assert [choice.split(":")[0] for choice in result.choices if "is padding" in choice] == padded
    assert error(result) < 1.3 * without_padding + 0.2


def test_the_similarity_is_measured_where_both_images_were() -> None:
    fixed, moving, _ = CASES["circles of other centres"]
    measured = [register(a_pair(fixed, moving, value), QUICK).quality for value in (-1000.0, -30000.0)]
    assert measured[0] is not None
    assert measured[1] is not None
    for name, (before, after) in measured[0].similarity.items():
        assert measured[1].similarity[name] == pytest.approx((before, after), abs=0.02)
        assert after > before
