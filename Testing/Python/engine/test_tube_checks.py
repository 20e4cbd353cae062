from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
from analytic import centred, turn

from inr_registration.app import register
from inr_registration.core import Centreline, Command, Geometry, InputError, Problem, Progress, Volume, load_preset
from inr_registration.fields import Tubes
from inr_registration.methods import about_motion, about_tubes, rigid_share, tubes_of

Array = npt.NDArray[np.float64]

GRID = centred((40, 60, 40), 3.0)
LONG = np.outer(np.linspace(-70, 70, 15), [0.0, 1.0, 0.0])
GEOMETRY = Geometry("tube", "combined", 10.0, 0.0)


def bent(radius: float) -> Array:
    angle = np.linspace(0, np.pi, 40)
    return radius * np.stack([np.cos(angle), np.sin(angle), 0 * angle], axis=1)


def a_problem(*centrelines: Array) -> Problem:
    image = Volume(np.random.default_rng(0).normal(size=GRID.shape).astype(np.float32), GRID, "image")
    return Problem(image, image, centrelines=centrelines)


def said(*centrelines: Array, radius: float = 10.0) -> list[str]:
    return about_tubes(tubes_of(a_problem(*centrelines), replace(GEOMETRY, radius_mm=radius)), GRID)


def test_a_long_straight_tube_inside_the_image_is_fine() -> None:
    assert said(LONG) == []


def test_without_a_centreline_the_method_says_what_it_needs() -> None:
    with pytest.raises(InputError, match="the method 'geometry' needs a centreline"):
        tubes_of(a_problem(), GEOMETRY)


def test_a_centreline_outside_the_image_is_refused() -> None:
    with pytest.raises(InputError, match="centreline 2 lies outside the fixed image"):
        tubes_of(a_problem(LONG, LONG + np.array([500, 0, 0])), GEOMETRY)


def test_a_centreline_that_leaves_the_image_is_said() -> None:
    (sentence,) = said(LONG + np.array([0, 60, 0]))
    assert sentence.startswith("the centreline leaves the fixed image with 28 % of its length")


def test_a_short_centreline_is_said() -> None:
    (sentence,) = said(LONG[:8])
    assert "70 mm long, less than 100 mm" in sentence


def test_a_tube_that_is_thick_for_its_bend_is_said_with_a_safe_radius() -> None:
    assert said(bent(36), radius=22) == []
    (sentence,) = said(bent(36), radius=30)
    assert "radius times curvature 0.8" in sentence
    safe = float(sentence.split("a radius of ")[1].split(" ")[0])
    assert 22 < safe < 25.3
    assert said(bent(36), radius=safe) == []


def test_a_tube_that_is_too_thick_is_refused_with_the_largest_radius_that_works() -> None:
    with pytest.raises(InputError, match="too thick for the tightest bend") as caught:
        tubes_of(a_problem(bent(36)), replace(GEOMETRY, radius_mm=40))
    largest = float(str(caught.value).split("take a radius of ")[1].split(" ")[0])
    assert 30 < largest < 34.3
    tubes_of(a_problem(bent(36)), replace(GEOMETRY, radius_mm=largest))


def test_a_tube_that_cannot_be_used_is_refused_before_any_work() -> None:
    told: list[Progress] = []

    def report(progress: Progress) -> Command:
        told.append(progress)
        return Command.CANCEL

    settings = load_preset("geometry").settings
    with pytest.raises(InputError, match="too thick"):
        register(a_problem(bent(36)), replace(settings, geometry=replace(GEOMETRY, radius_mm=40)), report)
    assert told == []


STRAIGHT = Tubes((Centreline.along(np.outer(np.arange(120.0), [0.0, 1.0, 0.0]), 1.0),), 10.0)
POINTS = np.random.default_rng(1).uniform([-6, 0, -5], [6, 119, 5], (2000, 3))
SQUEEZE = POINTS * [0.3, 0.0, 0.3] * np.sin(POINTS[:, 1:2] / 9)


def after(displacement: Array, combined: bool = True, tubes: Tubes = STRAIGHT, points: Array = POINTS) -> list[str]:
    return about_motion(tubes, points, displacement, 1.0, combined)


def test_peristalsis_alone_is_fine() -> None:
    assert after(SQUEEZE) == []
    assert rigid_share(POINTS, SQUEEZE) < 0.1


@pytest.mark.parametrize(("combined", "advice"), [(True, "compare with a plain method"), (False, "use the combined model")])
def test_breathing_that_dominates_is_said(combined: bool, advice: str) -> None:
    (sentence,) = after(SQUEEZE + np.array([0.0, 3.0, 4.0]), combined)
    assert "a rigid motion explains" in sentence
    assert "more than 60 %" in sentence
    assert advice in sentence


def test_a_rotation_is_a_rigid_motion() -> None:
    moved = (POINTS - [0, 60, 0]) @ turn(10, 1).T @ turn(4).T + [3, 62, 0]
    assert rigid_share(POINTS, moved - POINTS) == pytest.approx(1, abs=1e-12)


def test_a_small_shift_does_not_dominate() -> None:
    assert after(SQUEEZE + np.array([0.0, 0.3, 0.4])) == []


def test_a_tube_in_which_nothing_moves_is_said() -> None:
    (sentence,) = after(0.2 * SQUEEZE)
    assert "hardly anything moves in the tube" in sentence
    assert "less than 0.5 voxels of 1 mm" in sentence


@pytest.mark.parametrize(("gap", "warned"), [(14.0, True), (40.0, False)])
def test_tubes_that_overlap_are_said(gap: float, warned: bool) -> None:
    lines = [Centreline.along(np.outer(np.arange(120.0), [0.0, 1.0, 0.0]) + np.array([x, 0, 0]), 1.0) for x in (0, gap)]
    sentences = after(SQUEEZE, tubes=Tubes(tuple(lines), 10.0))
    assert len(sentences) == int(warned)
    if warned:
        assert "is about as near to another piece of a centreline; there the motion along the tube fades out into" in sentences[0]
        assert "more than 1 %" in sentences[0]
