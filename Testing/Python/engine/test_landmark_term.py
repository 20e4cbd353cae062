from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from analytic import turn, wave
from fits import ALL, FIXED, LATTICE, MOVING, SIREN, Array, a_problem, inner_points, model_of, short

from inr_registration.app import register
from inr_registration.core import Cycle, Geometry, InputError, Problem, Settings
from inr_registration.numerics import Frame
from inr_registration.terms import SOFT_MM, LandmarkTerm

CPU = torch.device("cpu")


def an_affine() -> Array:
    affine = np.eye(4)
    affine[:3, :3], affine[:3, 3] = 1.05 * turn(25, 1), (3.0, -4.0, 5.0)
    return affine


@pytest.mark.usefixtures("float64")
def test_the_term_is_the_mean_soft_distance_in_millimetres_under_displacement_then_affine() -> None:
    source, target = inner_points()[:20], wave(inner_points()[20:40])
    frame, affine = Frame.isotropic(FIXED), an_affine()
    term = LandmarkTerm.between(source, target, frame, affine, 0.7, CPU)
    shift = np.random.default_rng(3).normal(size=(3, 20))
    found = term(lambda xi: torch.as_tensor(shift) + 0 * xi)["landmarks"]
    moved = (source + shift.T @ frame.axes.T) @ affine[:3, :3].T + affine[:3, 3]
    distance = np.linalg.norm(moved - target, axis=1)
    assert float(found) == pytest.approx(0.7 * (np.sqrt(distance**2 + SOFT_MM**2) - SOFT_MM).mean(), abs=1e-9)


@pytest.mark.usefixtures("float64")
def test_the_gradient_is_that_of_finite_differences_also_where_pairs_already_agree() -> None:
    frame = Frame.per_axis(FIXED)
    term = LandmarkTerm.between(inner_points()[:6], inner_points()[:6], frame, np.eye(4), 1.0, CPU)
    shift = (0.1 * torch.rand(3, 6, generator=torch.Generator().manual_seed(0))).requires_grad_(True)
    with torch.no_grad():
        shift[:, 0] = 0
    assert torch.autograd.gradcheck(lambda u: term(lambda xi: u + 0 * xi)["landmarks"], (shift,))


def test_a_wrong_pair_pulls_no_harder_than_its_weight_per_millimetre() -> None:
    frame = Frame.millimetres(FIXED)
    far = inner_points()[:1] + 1000.0
    term = LandmarkTerm.between(inner_points()[:1], far, frame, np.eye(4), 0.5, CPU)
    shift = torch.zeros(3, 1, requires_grad=True)
    term(lambda xi: shift + 0 * xi)["landmarks"].backward()
    assert shift.grad is not None
    assert float(shift.grad.norm()) == pytest.approx(0.5, rel=1e-3)


def misleading() -> Problem:
    """Landmarks that ask for a push that the images do not show, inside the fixed image but for one of them."""
    fixed = np.vstack([inner_points(14.0)[:30], [[500.0, 0.0, 0.0]]])
    return a_problem(fixed_landmarks=fixed, moving_landmarks=wave(fixed) + np.array([0.0, 0.0, 5.0]))


def distance(settings: Settings) -> float:
    problem = misleading()
    assert problem.fixed_landmarks is not None
    assert problem.moving_landmarks is not None
    model = model_of(register(problem, settings))
    return float(np.linalg.norm(model.map(problem.fixed_landmarks) - problem.moving_landmarks, axis=1)[:30].mean())


@pytest.mark.parametrize("kind", ["velocity", "sampled spline", "siren"])
def test_landmarks_pull_every_kind_of_field(kind: str) -> None:
    settings = short(ALL[kind], 25)
    assert distance(replace(settings, landmark_weight=3.0)) < 0.5 * distance(settings)


def test_landmarks_pull_both_fields_of_a_pair() -> None:
    settings = replace(short(SIREN, 60), landmark_weight=3.0, cycle=Cycle(0.0))
    result = register(misleading(), settings)
    terms = result.history[-1].terms
    for name in ("landmarks", "landmarks (inverse)"):
        assert terms[name][-1] < 0.5 * terms[name][0]


def test_landmarks_outside_the_image_are_left_out_and_named() -> None:
    result = register(misleading(), replace(short(LATTICE, 2), landmark_weight=1.0))
    assert "1 of 31 landmark pairs lie outside the fixed image and do not steer the fit" in result.warnings


def test_the_quality_says_that_the_landmarks_steered_the_fit() -> None:
    settings = short(LATTICE, 2)
    steered, measured = (register(misleading(), replace(settings, landmark_weight=w)).quality for w in (1.0, 0.0))
    assert steered is not None
    assert measured is not None
    assert any("steered the fit" in note for note in steered.notes)
    assert not any("steered the fit" in note for note in measured.notes)


def test_a_weight_without_landmarks_is_refused() -> None:
    with pytest.raises(InputError, match=r"landmark_weight is 0\.1 but no landmark pairs were given; give both"):
        register(a_problem(), replace(short(LATTICE, 2), landmark_weight=0.1))


def test_landmarks_that_all_lie_outside_are_refused() -> None:
    points = np.full((4, 3), 900.0)
    with pytest.raises(InputError, match="none of the 4 fixed landmarks"):
        register(a_problem(fixed_landmarks=points, moving_landmarks=points), replace(short(LATTICE, 2), landmark_weight=0.1))
    inside = inner_points()[:4]
    problem = a_problem(fixed_landmarks=inside, moving_landmarks=points)
    with pytest.raises(InputError, match="none of the 4 moving landmarks"):
        register(problem, replace(short(SIREN, 2), landmark_weight=0.1, cycle=Cycle()))
    assert MOVING.contains(inside).all()


def test_no_weight_leaves_the_fit_as_it_is() -> None:
    settings = short(LATTICE, 4)
    plain, with_landmarks = (model_of(register(p, settings)).map(inner_points()) for p in (a_problem(), misleading()))
    np.testing.assert_array_equal(plain, with_landmarks)


@pytest.mark.parametrize("part", [{"landmark_weight": 1.0}, {"start": "discrete"}])
def test_tube_coordinates_refuse_what_they_would_ignore(part: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="no effect on tube coordinates"):
        replace(SIREN, geometry=Geometry("tube"), **part)
