"""Strains of maps whose strains are known."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from analytic import centred, image_on, turn
from fits import LATTICE, a_problem, short
from phantoms.ventricle import Ventricle

from inr_registration.app import register
from inr_registration.core import ModelState, Problem, Volume
from inr_registration.fields import around, axis_of, directions, height
from inr_registration.maps import FittedMap
from inr_registration.measure import DIRECTIONS, along, green_lagrange, means
from inr_registration.measure.strain import strain

Array = npt.NDArray[np.float64]

HEART = Ventricle()
GRID = HEART.grid(2.5, 5.0)
MUSCLE = Volume(HEART.wall(GRID.all_points().astype(float)).astype(np.uint8), GRID, "muscle")
POINTS = GRID.to_world(np.argwhere(MUSCLE.inside())[:, ::-1])
FRAME = around(HEART.ends)


@dataclass(frozen=True, eq=False)
class Known(FittedMap):
    """The phantom's motion under an affine; its derivative by central differences."""

    heart: Ventricle
    affine: Array

    def displacement(self, points: npt.ArrayLike) -> Array:
        return self.heart.contract(points) - np.asarray(points)

    def gradient(self, points: npt.ArrayLike) -> Array:
        steps = 1e-4 * np.eye(3)
        ahead, behind = ([self.displacement(np.asarray(points) + sign * e) for e in steps] for sign in (1, -1))
        return np.stack([(a - b) / 2e-4 for a, b in zip(ahead, behind, strict=True)], axis=2)

    def state(self, **extra: Any) -> ModelState:
        raise NotImplementedError

    @classmethod
    def restored(cls, state: ModelState) -> Known:
        raise NotImplementedError

    def on_cpu(self) -> Known:
        return self


STILL = replace(HEART, stretch=1.0, emptying=1e-6, twist=0.0)


def moved(matrix: npt.ArrayLike, shift: npt.ArrayLike = 0.0) -> Array:
    affine = np.eye(4)
    affine[:3, :3] = matrix
    affine[:3, 3] = shift
    return affine


def strains_of(model: FittedMap) -> Array:
    """(n, 3) in the muscle."""
    values = along(green_lagrange(model.jacobian(POINTS)), directions(POINTS, FRAME))
    return values[np.isfinite(values).all(axis=1)]


def test_a_rotation_and_a_shift_are_no_strain() -> None:
    rigid = moved(turn(40) @ turn(-25, 0), [30.0, -12.0, 5.0])
    np.testing.assert_allclose(strains_of(Known(STILL, rigid)), 0, atol=1e-7)


@pytest.mark.parametrize("factor", [0.8, 1.0, 1.3])
def test_a_uniform_stretch_is_the_same_strain_in_every_direction(factor: float) -> None:
    uniform = moved(turn(15) * factor)
    np.testing.assert_allclose(strains_of(Known(STILL, uniform)), (factor**2 - 1) / 2, atol=1e-7)


def test_a_stretch_along_the_axis_is_longitudinal_strain_only() -> None:
    up = FRAME.axes[:, 2] / np.linalg.norm(FRAME.axes[:, 2])
    expected = np.broadcast_to([0, 0, (0.85**2 - 1) / 2], (1, 3))
    seen = strains_of(Known(STILL, moved(np.eye(3) - 0.15 * np.outer(up, up))))
    np.testing.assert_allclose(seen, np.repeat(expected, len(seen), axis=0), atol=1e-7)


def test_a_twist_stretches_fibres_along_the_axis_only() -> None:
    """theta' = theta + T (1 - z / L) shears; E_ll = (r T / L)^2 / 2 and the two others are zero."""
    r = HEART.cylindrical(POINTS)[:, 0]
    seen = strains_of(Known(replace(STILL, twist=0.5), np.eye(4)))
    r = r[np.isfinite(directions(POINTS, FRAME)).all(axis=(1, 2))]
    np.testing.assert_allclose(seen[:, :2], 0, atol=1e-7)
    np.testing.assert_allclose(seen[:, 2], (r * 0.5 / HEART.length) ** 2 / 2, atol=1e-7)


def test_the_phantom_beats_as_its_formulas_say() -> None:
    """The analytic strains against those of central differences; volume is kept in nearly all of the muscle."""
    model = Known(HEART, np.eye(4))
    seen = strains_of(model)
    known = np.isfinite(directions(POINTS, FRAME)).all(axis=(1, 2))
    np.testing.assert_allclose(seen, np.column_stack(list(HEART.strains(POINTS[known]).values())), atol=1e-6)
    determinants = model.determinant(POINTS)
    np.testing.assert_allclose(determinants[known], np.linalg.det(HEART.deformation(POINTS[known])), atol=1e-6)
    assert (np.abs(determinants - 1) < 0.1).mean() > 0.9
    assert determinants.min() > 0.2
    np.testing.assert_allclose(HEART.relax(HEART.contract(POINTS)), POINTS, atol=1e-8)
    mean = seen.mean(axis=0)
    assert mean[0] > 0.2
    assert mean[1] < -0.05
    assert mean[2] < -0.1


def a_heart(**more: Any) -> Problem:
    image = image_on(GRID)
    return Problem(image, image, **more)


def test_strain_images_are_known_in_the_muscle_only_and_not_at_the_axis() -> None:
    maps, _ = strain(Known(HEART, np.eye(4)), a_heart(ventricle=MUSCLE))
    assert set(maps) == {f"strain_{name}" for name in DIRECTIONS}
    np.testing.assert_array_equal(np.isfinite(maps["strain_longitudinal"].values), MUSCLE.inside())
    for name in ("radial", "circumferential"):
        known = np.isfinite(maps[f"strain_{name}"].values)
        assert not (known & ~MUSCLE.inside()).any()
        assert 0 < (MUSCLE.inside() & ~known).sum() < 0.02 * MUSCLE.inside().sum()
    axis, _ = axis_of(MUSCLE)
    truth = HEART.strains(POINTS)
    known = np.isfinite(directions(POINTS, around(axis))).all(axis=(1, 2))
    for name in DIRECTIONS:
        seen = maps[f"strain_{name}"].values[MUSCLE.inside()][known]
        assert np.abs(seen - truth[name][known]).mean() < 0.01  # the axis is that of the segmentation, not the true one


def test_the_means_are_those_of_the_thirds_of_the_axis() -> None:
    problem = a_heart(ventricle=MUSCLE, long_axis=HEART.ends)
    maps, found = strain(Known(HEART, np.eye(4)), problem)
    thirds = np.digitize(height(POINTS, FRAME), [1 / 3, 2 / 3])
    for name in DIRECTIONS:
        assert list(found[name]) == ["basal", "mid", "apical", "global"]
        values = maps[f"strain_{name}"].values[MUSCLE.inside()].astype(float)
        assert found[name]["global"] == pytest.approx(np.nanmean(values), abs=1e-6)
        for third, part in enumerate(("apical", "mid", "basal")):
            assert found[name][part] == pytest.approx(np.nanmean(values[thirds == third]), abs=1e-6)


def test_a_part_without_a_voxel_has_no_mean() -> None:
    found = means(np.array([[0.1, np.nan, 0.3], [0.2, np.nan, 0.4]]), np.array([0.5, 0.6]))
    assert set(found["radial"]) == {"mid", "global"}
    assert found["circumferential"] == {}
    assert found["longitudinal"] == pytest.approx({"mid": 0.35, "global": 0.35})


def test_with_the_axis_alone_there_are_images_around_it_and_no_means() -> None:
    mask = Volume((GRID.all_points()[..., 0] < 5).astype(np.uint8), GRID, "mask")
    maps, found = strain(Known(HEART, np.eye(4)), a_heart(long_axis=HEART.ends, fixed_mask=mask))
    assert found == {}
    r, _, z = np.moveaxis(HEART.cylindrical(GRID.all_points()), -1, 0)
    expected = (r <= HEART.length / 2) & (z >= 0) & (z <= HEART.length) & mask.inside()
    np.testing.assert_array_equal(np.isfinite(maps["strain_longitudinal"].values), expected)


def test_without_anatomy_there_is_nothing() -> None:
    assert strain(Known(HEART, np.eye(4)), a_heart()) == ({}, {})


def test_any_method_gives_strains_where_the_anatomy_is_known() -> None:
    inside = Volume(np.ones((12, 12, 12), np.uint8), centred((12, 12, 12), 2.0), "ventricle")
    result = register(a_problem(long_axis=np.array([[0.0, 0, -12], [0, 0, 12]]), ventricle=inside), short(LATTICE))
    assert set(result.maps) == {f"strain_{name}" for name in DIRECTIONS}
    assert result.quality is not None
    assert set(result.quality.strain) == set(DIRECTIONS)
    for volume in result.maps.values():
        assert volume.grid.is_same(a_problem().fixed.grid)
    assert register(a_problem(), short(LATTICE)).maps == {}
