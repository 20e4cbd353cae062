from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import numpy.typing as npt
import pytest
from phantoms.follow import follow
from phantoms.peristalsis import REACH, Peristalsis

from inr_registration.app import register
from inr_registration.core import Affine, Geometry, InputError, Outcome, Problem, Representation, Settings, Stage, Volume
from inr_registration.maps import FittedMap, TubeMap, half_width, load
from inr_registration.methods import TubeFit

Array = npt.NDArray[np.float64]

QUIET = Peristalsis(spacing=3.5, margin=30.0)
"""The tube is a part of the image, as the bowel is."""
BREATHING = replace(QUIET, breath=(0.0, 3.6, 4.8))
PLAIN = Settings(
    representation=Representation("siren", 40, 3, 10.0),
    similarity={"ncc": 1.0},
    regularity={"diffusion": 0.05, "symmetric_jacobian": 0.02},
    affine=Affine("none"),
    stages=(Stage(1, 120, 1e-3, 800),),
    clip_percent=0.0,
    device="cpu",
)
TANGENT = replace(PLAIN, geometry=Geometry("tube", "tangent", REACH / 0.9, 0.5))
COMBINED = replace(PLAIN, geometry=Geometry("tube", "combined", REACH / 0.9, 0.5))


def lasting(settings: Settings, iterations: int) -> Settings:
    return replace(settings, stages=(replace(settings.stages[0], iterations=iterations),))


@cache
def problem_of(phantom: Peristalsis) -> Problem:
    return phantom.problem()


@cache
def points_of(phantom: Peristalsis) -> Array:
    """Voxel centres where something moves, LPS mm."""
    points = problem_of(phantom).fixed.grid.all_points().reshape(-1, 3).astype(np.float64)
    return points[phantom.inside(points, 14.0)]


def error_mm(model: FittedMap, phantom: Peristalsis) -> float:
    points = points_of(phantom)
    return float(np.linalg.norm(model.map(points) - phantom.truth(points), axis=1).mean())


def after(settings: Settings, phantom: Peristalsis, iterations: int) -> tuple[float, list[str]]:
    """Error and warnings of a fit of so many iterations."""
    fit, _ = follow(problem_of(phantom), lasting(settings, iterations), lambda _: None, ())
    return error_mm(fit.model(), phantom), fit.warnings


def test_tangent_coordinates_need_less_than_a_third_of_the_iterations() -> None:
    tangent, plain = after(TANGENT, QUIET, 36), after(PLAIN, QUIET, 109)
    assert tangent[0] < plain[0]
    assert tangent[0] < 0.85 * after(PLAIN, QUIET, 36)[0]
    assert not any("rigid motion" in sentence for sentence in tangent[1])


def test_breathing_hurts_the_tangent_model_and_not_the_combined_one() -> None:
    plain, tangent, combined = (after(settings, BREATHING, 45) for settings in (PLAIN, TANGENT, COMBINED))
    assert tangent[0] > 1.3 * combined[0]
    assert combined[0] < 1.02 * plain[0]
    for _, warnings in (tangent, combined):
        assert sum("a rigid motion explains" in sentence for sentence in warnings) == 1
    assert any("use the combined model" in sentence for sentence in tangent[1])


def test_register_gives_a_map_along_the_tube_with_everything_besides() -> None:
    phantom = Peristalsis(spacing=4.0)
    settings = replace(COMBINED, stages=(Stage(1.25, 6, 1e-3, 400), Stage(1, 40, 1e-3, 400)))
    result = register(phantom.problem(masked=False), settings)
    assert result.outcome is Outcome.ITERATION_LIMIT
    assert [curve.name for curve in result.history] == ["5 mm", "4 mm"]
    assert any(choice.startswith("tubes of radius 20 mm along 14") for choice in result.choices)
    assert result.model is not None
    assert result.transform is not None
    model = load(result.model)
    assert isinstance(model, TubeMap)
    assert model.field.plain is not None
    corner = np.array([[30.0, 70.0, 20.0]])
    assert np.linalg.norm(model.displacement(corner)) > 1e-4  # the plain part reaches beyond the tube
    assert result.quality is not None
    before, after_ = result.quality.similarity["correlation"]
    assert after_ > before + 0.02


def test_the_same_seed_gives_the_same_map() -> None:
    phantom = Peristalsis(spacing=4.0)
    problem, settings = phantom.problem(), lasting(COMBINED, 4)
    points = phantom.curve(np.linspace(0, 1, 20)) + 3
    first, second = (follow(problem, settings, lambda _: None, ())[0].model().map(points) for _ in range(2))
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("model", ["tangent", "combined"])
def test_it_starts_from_no_displacement_and_sees_points_in_the_tube(model: str) -> None:
    phantom = Peristalsis(spacing=4.0)
    settings = lasting(TANGENT if model == "tangent" else COMBINED, 1)
    fit, _ = follow(phantom.problem(masked=False), settings, lambda _: None, ())
    assert isinstance(fit, TubeFit)
    assert phantom.inside(fit.within, REACH / 0.9 + 2).all()  # the smoothed centreline strays a little
    settings = replace(settings, stages=(replace(settings.stages[0], learning_rate=1e-12),))
    fit, _ = follow(phantom.problem(masked=False), settings, lambda _: None, ())
    assert np.abs(fit.model().displacement(fit.within)).max() < 1e-6  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("similarity", "regularity"),
    [({"local_ncc": 1.0}, {"symmetric_jacobian": 0.01}), ({"nmi": 2.0, "mse": 10.0}, {"bending": 0.2}), ({"ncc": 1.0}, {})],
)
def test_any_terms_can_be_used(similarity: dict[str, float], regularity: dict[str, float]) -> None:
    phantom = Peristalsis(spacing=4.0)
    stages = (Stage(1, 30, 1e-3, 800),)
    chosen = replace(COMBINED, stages=stages, similarity=similarity, regularity=regularity)
    result = register(phantom.problem(), chosen)
    assert set(regularity) | set(similarity) <= set(result.history[0].terms)
    assert result.quality is not None
    before, after_ = result.quality.similarity["correlation"]
    assert after_ > before + 0.005


def test_a_mask_without_any_of_the_tube_is_refused() -> None:
    problem = Peristalsis(spacing=4.0).problem()
    assert problem.fixed_mask is not None
    line = np.concatenate(problem.centrelines)
    far = np.linalg.norm(problem.fixed.grid.all_points()[..., None, :] - line[::5], axis=-1).min(axis=-1)
    corner = (far > np.partition(far.ravel(), -100)[-100]).astype(np.uint8)
    masked = replace(problem, fixed_mask=Volume(corner, problem.fixed.grid, "corner"))
    with pytest.raises(InputError, match="no voxel of the tube counts in the fixed image"):
        register(masked, lasting(TANGENT, 1))


def test_a_problem_without_a_centreline_is_refused() -> None:
    with pytest.raises(InputError, match="needs a centreline"):
        register(replace(problem_of(QUIET), centrelines=()), lasting(TANGENT, 1))


@pytest.mark.parametrize(("width", "half"), [(256, 180), (128, 90), (1, 1)])
def test_two_narrower_networks_have_as_many_weights_as_one(width: int, half: int) -> None:
    assert half_width(Representation("siren", width, 3)) == pytest.approx(half, abs=1)
    assert half_width(Representation("siren", 256, 3)) == 180
