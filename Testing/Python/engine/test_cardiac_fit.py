"""Fits around the long axis on the beating phantom."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Literal

import numpy as np
import numpy.typing as npt
import pytest
from fits import SIREN, a_problem, short
from phantoms.ventricle import Ventricle

from inr_registration.app import register
from inr_registration.core import Affine, Command, Geometry, InputError, Problem, Progress, Result, Settings, Stage, Volume, load_preset
from inr_registration.fields import around, directions
from inr_registration.maps import CardiacMap, load
from inr_registration.measure import DIRECTIONS, along, green_lagrange

Array = npt.NDArray[np.float64]
Model = Literal["tangent", "combined"]

HEART = Ventricle()
GRID = HEART.grid(3.0, 6.0, 8.0)
PRESET = load_preset("cardiac").settings


def small(model: Model) -> Settings:
    """The preset with small networks, few points and few iterations."""
    return replace(
        PRESET,
        representation=replace(PRESET.representation, width=64),
        geometry=Geometry("cardiac", model),
        affine=Affine("none"),
        stages=(Stage(3, 40, 2e-3, 1000), Stage(1.5, 60, 1.2e-3, 1000)),
        device="cpu",
    )


@cache
def problem() -> Problem:
    return HEART.problem(GRID, noise=20.0)


@cache
def fitted(model: Model) -> Result:
    return register(problem(), small(model))


def muscle() -> tuple[Array, Array]:
    """Points in the muscle, and the directions there."""
    points = GRID.all_points()[HEART.wall(GRID.all_points())].astype(float)
    axes = directions(points, around(HEART.ends))
    known = np.isfinite(axes).all(axis=(1, 2))
    return points[known], axes[known]


def map_of(result: Result) -> CardiacMap:
    assert result.model is not None
    model = load(result.model)
    assert isinstance(model, CardiacMap)
    return model


@pytest.mark.parametrize("model", ["tangent", "combined"])
def test_the_motion_of_the_muscle_and_its_strains_are_found(model: Model) -> None:
    """About 1.6 times what was measured; it moves by more than 7 mm, and thickens by 0.3."""
    points, axes = muscle()
    fit = map_of(fitted(model))
    error = np.linalg.norm(fit.map(points) - HEART.contract(points), axis=1)
    seen = along(green_lagrange(fit.jacobian(points)), axes)
    off = [float(np.sqrt(((seen[:, d] - HEART.strains(points)[name]) ** 2).mean())) for d, name in enumerate(DIRECTIONS)]
    assert np.linalg.norm(HEART.contract(points) - points, axis=1).mean() > 7
    assert error.mean() < 1.2
    assert off[0] < 0.16
    assert max(off[1:]) < 0.08
    assert fit.determinant(points).min() > 0


def test_the_result_tells_the_axis_and_the_strains() -> None:
    result = fitted("combined")
    assert any("long axis from the segmentation" in said for said in result.choices)
    assert set(result.maps) == {f"strain_{name}" for name in DIRECTIONS}
    assert result.quality is not None
    points, _ = muscle()
    for name in DIRECTIONS:
        truth = float(HEART.strains(points)[name].mean())
        assert result.quality.strain[name]["global"] == pytest.approx(truth, abs=0.08)


def test_the_same_seed_gives_the_same_map_and_another_one_another() -> None:
    points = muscle()[0][::50]
    first, again, other = (map_of(register(problem(), replace(short(small("combined"), 3), seed=seed))).map(points) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 1e-4


def test_two_points_are_enough_and_decide_the_axis() -> None:
    given = Problem(problem().fixed, problem().moving, long_axis=HEART.ends)
    result = register(given, short(small("tangent"), 3))
    assert any("long axis from the given points" in said for said in result.choices)
    np.testing.assert_allclose(map_of(result).cardiac.axes, around(HEART.ends).axes)
    assert result.quality is not None
    assert result.quality.strain == {}


def test_a_segmentation_with_its_cavity_is_said_to_hold_no_muscle() -> None:
    body, _, below = HEART.depths(GRID.all_points())
    filled = Volume(((body > 0) & (below > 0)).astype(np.uint8), GRID, "ventricle")
    result = register(replace(problem(), ventricle=filled), short(small("combined"), 3))
    assert any("includes the cavity" in said for said in result.choices)


def change_of_volume(ventricle: Volume | None) -> float:
    """SD of log det J in the muscle after a short fit under a strong weight."""
    settings = replace(short(small("combined"), 20), regularity={"symmetric_jacobian": 1.0})
    result = register(replace(problem(), ventricle=ventricle, long_axis=HEART.ends), settings)
    return float(np.log(map_of(result).determinant(muscle()[0])).std())


def test_the_volume_of_the_muscle_is_kept_better_where_the_muscle_is_known() -> None:
    assert change_of_volume(problem().ventricle) < 0.8 * change_of_volume(None)


def test_landmarks_pull_where_they_have_a_weight() -> None:
    points = muscle()[0][::400]
    given = replace(problem(), fixed_landmarks=points, moving_landmarks=HEART.contract(points))
    left = []
    for weight in (0.0, 5.0):
        model = map_of(register(given, replace(short(small("combined"), 10), landmark_weight=weight)))
        left.append(np.linalg.norm(model.map(points) - HEART.contract(points), axis=1).mean())
    assert left[1] < 0.7 * left[0]


@pytest.mark.parametrize(
    ("more", "settings", "message"),
    [
        ({}, small("combined"), "give its apex and base as two points, or its segmentation"),
        ({"long_axis": np.zeros((2, 3))}, small("combined"), "apex and base are 0 mm apart"),
        ({"long_axis": np.zeros((3, 2))}, small("combined"), "two points of three finite coordinates"),
        ({"long_axis": HEART.ends * np.nan}, SIREN, "two points of three finite coordinates"),
        ({"long_axis": HEART.ends}, replace(small("combined"), regularity={"bending": 1.0}), "no second derivatives"),
    ],
)
def test_what_cannot_be_done_is_refused_in_words(more: dict[str, Array], settings: Settings, message: str) -> None:
    def nothing_yet(progress: Progress) -> Command:
        pytest.fail(f"work began: {progress}")

    with pytest.raises(InputError, match=message):
        register(a_problem(**more), settings, nothing_yet)
