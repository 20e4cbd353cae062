"""The uncertainty of methods that fit one map."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache

import numpy as np
import numpy.typing as npt
import pytest
import torch
from analytic import blobs, centred, wave
from fits import LATTICE, SIREN, short
from scipy import stats

from inr_registration.app import register
from inr_registration.core import (
    Command,
    Geometry,
    Grid,
    InputError,
    Outcome,
    Problem,
    Progress,
    Result,
    Volume,
    calibrated,
    estimator_for,
    load_preset,
)
from inr_registration.images import clean
from inr_registration.maps import load
from inr_registration.measure import LATTICE_ITERATIONS, PAIRS, bent, random_bend, refit_stage
from inr_registration.measure.uncertainty import laplace
from inr_registration.methods import prepare

Array = npt.NDArray[np.float64]

BALL_MM = 13.0
"""Radius of the featureless ball around the origin of the moving world."""


def with_a_ball(points: Array) -> Array:
    """Blobs with fine texture, and one value inside a ball."""
    share = 1 / (1 + np.exp((np.linalg.norm(points, axis=-1) - BALL_MM) / 0.7))
    wavelengths = np.random.default_rng(6).normal(0, 1 / 11, (3, 30)) * 2 * np.pi
    texture = 60 * np.sin(points @ wavelengths + np.arange(30)).sum(axis=-1)
    return np.asarray((blobs(points) + texture) * (1 - share) + 900 * share)


def seen(grid: Grid, seed: int, through: Callable[[Array], Array] = lambda p: p, scale: float = 1.0) -> Volume:
    """The image, seen through a map, in a world that is ``scale`` times as large, with noise."""
    values = with_a_ball(through(grid.all_points().astype(np.float64) / scale))
    noise = np.random.default_rng(seed).normal(0, 15, values.shape)
    return Volume((values + noise).astype(np.float32), grid)


def a_problem(scale: float = 1.0) -> Problem:
    """Known motion around a featureless ball; the fixed image counts within 26 mm of the centre."""
    fixed = centred((28, 28, 28), 2.0 * scale)
    mask = np.linalg.norm(fixed.all_points(), axis=-1) < 26 * scale
    return Problem(
        seen(fixed, 1, wave, scale),
        seen(centred((32, 32, 32), 2.0 * scale), 2, scale=scale),
        fixed_mask=Volume(mask.astype(np.uint8), fixed),
    )


@cache
def answered(kind: str, scale: float = 1.0) -> Result:
    return register(a_problem(scale), replace(LATTICE, uncertainty=kind))


def values_of(result: Result) -> npt.NDArray[np.float32]:
    assert result.uncertainty is not None
    return np.asarray(result.uncertainty.values)


@pytest.mark.parametrize(("kind", "rank", "contrast"), [("laplace", 0.15, 1.8), ("perturbation", 0.03, 1.2)])
def test_it_is_larger_where_the_map_is_wrong_and_where_nothing_is_seen(kind: str, rank: float, contrast: float) -> None:
    """The map itself is 1.6 times as wrong in the ball as around it; within each of the two the error is mostly noise."""
    result, problem = answered(kind), a_problem()
    assert result.model is not None
    stated, mask = values_of(result), problem.fixed_mask.inside() if problem.fixed_mask else None
    points = problem.fixed.grid.all_points()[mask].astype(np.float64)
    error = np.linalg.norm(load(result.model).map(points) - wave(points), axis=1)
    distance = np.linalg.norm(wave(points), axis=1)
    inner = distance < 21
    assert stats.spearmanr(stated[mask][inner], error[inner])[0] > rank
    blank, rich = stated[mask][distance < BALL_MM - 4], stated[mask][(distance > BALL_MM + 4) & (distance < 21)]
    assert np.median(blank) > contrast * np.median(rich)


@pytest.mark.parametrize("kind", ["laplace", "perturbation"])
def test_it_is_known_inside_the_mask_only_and_positive(kind: str) -> None:
    mask = a_problem().fixed_mask
    assert mask is not None
    assert np.array_equal(np.isfinite(values_of(answered(kind))), mask.inside())
    assert values_of(answered(kind))[mask.inside()].min() > 0


def test_it_is_in_mm() -> None:
    """Twice the spacing everywhere is the same problem in a world twice as large."""
    once, twice = values_of(answered("laplace")), values_of(answered("laplace", 2.0))
    inside = np.isfinite(once)
    assert np.median(twice[inside] / once[inside]) == pytest.approx(2.0, rel=0.1)


@pytest.mark.parametrize("kind", ["laplace", "perturbation"])
def test_it_is_the_same_in_every_run(kind: str) -> None:
    once, again = (values_of(register(a_problem(), replace(short(LATTICE), uncertainty=kind))) for _ in range(2))
    assert np.array_equal(once, again, equal_nan=True)


def test_the_result_says_how_far_it_can_be_trusted() -> None:
    (said,) = [choice for choice in answered("laplace").choices if choice.startswith("uncertainty")]
    numbers = calibrated("velocity")["laplace"]
    assert f"{100 * numbers.within:.0f} % of true errors" in said
    assert answered("laplace").quality is not None


@pytest.mark.parametrize(("command", "outcome"), [(Command.CANCEL, Outcome.CANCELLED), (Command.STOP, Outcome.ITERATION_LIMIT)])
def test_a_refit_can_be_cancelled_and_stopped(command: Command, outcome: Outcome) -> None:
    told = []

    def report(progress: Progress) -> Command:
        told.append(progress.phase)
        return command if told.count("uncertainty") == 3 else Command.CONTINUE

    result = register(a_problem(), replace(short(LATTICE), uncertainty="perturbation"), report)
    assert result.outcome is outcome
    assert told.count("uncertainty") == 3
    assert result.uncertainty is None
    assert (result.warped is not None) == outcome.usable
    assert outcome.usable == any("left out" in choice for choice in result.choices)


def test_refits_cost_a_bounded_number_of_iterations() -> None:
    told = []

    def report(progress: Progress) -> Command:
        told.append(progress.phase)
        return Command.CONTINUE

    register(a_problem(), replace(short(LATTICE), uncertainty="perturbation"), report)
    assert told.count("uncertainty") == 1 + 2 * PAIRS * short(LATTICE).stages[0].iterations
    assert refit_stage(prepare(a_problem(), LATTICE, torch.device("cpu")), LATTICE).iterations == LATTICE_ITERATIONS


def test_a_method_that_was_not_tested_states_nothing() -> None:
    strange = replace(SIREN, geometry=Geometry("tube"), uncertainty="auto")
    assert not calibrated("tube")
    for name in ("auto", "laplace"):
        with pytest.raises(InputError, match=rf"'{name}' was not calibrated for the method 'tube'; no other was, so leave it out"):
            estimator_for(replace(strange, uncertainty=name))


def test_images_of_different_contrasts_get_no_number() -> None:
    for name in ("auto", "laplace"):
        with pytest.raises(InputError, match="different contrasts"):
            register(a_problem(), replace(short(LATTICE), similarity={"nmi": 2.0}, uncertainty=name))


def test_images_whose_contrasts_turn_out_to_differ_get_none_and_a_warning() -> None:
    problem = a_problem()
    values = np.asarray(problem.moving.values)
    turned = Volume((np.sin(values / values.max() * 9) * 500).astype(np.float32), problem.moving.grid, "other contrast")
    settings = replace(short(LATTICE), similarity={"auto": 1.0}, uncertainty="laplace")
    result = register(replace(problem, moving=turned), settings)
    assert result.uncertainty is None
    assert any("no estimate was calibrated for images of different contrasts" in said for said in result.warnings)


def test_two_fields_keep_their_own_uncertainty_unless_another_is_asked_for() -> None:
    both = load_preset("cycle-siren").settings
    assert estimator_for(replace(both, uncertainty="auto")) is None
    assert estimator_for(replace(both, uncertainty="laplace")) == "laplace"
    with pytest.raises(InputError, match="choose laplace or none"):
        estimator_for(replace(both, uncertainty="perturbation"))


def test_bending_moves_what_is_seen_by_what_it_says() -> None:
    grid = centred((30, 26, 28), (1.5, 2.0, 1.8), np.array([[0.0, 0.0, 1.0], [-1.0, 0.0, 0.0], [0.0, -1.0, 0.0]]))
    image = clean(Volume(blobs(grid.all_points().astype(np.float64)).astype(np.float32), grid), None, 0.0)
    bend = random_bend(grid, 12.0, 1.0, torch.Generator().manual_seed(3))
    points = grid.all_points()[6:-6, 6:-6, 6:-6].reshape(-1, 3).astype(np.float64)
    low, high = image.scale
    expected = (blobs(points + bend(points)) - low) / (high - low)
    assert np.abs(bent(image, bend).values[6:-6, 6:-6, 6:-6].ravel() - expected).max() < 0.01
    assert np.linalg.norm(bend(points), axis=1).max() > 0.5


def test_samples_have_the_covariance_of_the_posterior() -> None:
    """Against the dense inverse of the precision on a lattice of 3 x 4 x 3 sites."""
    generator = torch.Generator().manual_seed(0)
    shape = (3, 4, 3)
    root = torch.randn(*shape, 3, 3, generator=generator, dtype=torch.float64)
    hessian = root @ root.transpose(-1, -2)
    unit = torch.eye(108, dtype=torch.float64).reshape(108, *shape, 3)
    ridge = unit.reshape(108, -1) / 4**2
    dense = torch.einsum("dhwab,sdhwb->sdhwa", hessian, unit).reshape(108, -1) + laplace._stiff(unit).reshape(108, -1) + ridge
    right = torch.randn(5, *shape, 3, generator=generator, dtype=torch.float64)
    solved = laplace._solve(hessian, right, lambda _share: None)
    assert torch.allclose(solved.reshape(5, -1), torch.linalg.solve(dense, right.reshape(5, -1).T).T, atol=1e-8)
    white = torch.randn(4000, *shape, 3, generator=generator, dtype=torch.float64)
    sources = [torch.randn(4000, *shape, 3, generator=generator, dtype=torch.float64) for _ in range(3)]
    draws = torch.einsum("dhwab,sdhwb->sdhwa", root, white) + laplace._divergence(sources)
    covariance = torch.cov(draws.reshape(4000, -1).T)
    assert torch.allclose(covariance, dense - ridge, atol=0.12 * float(dense.diagonal().max()))


def test_networks_are_refitted_on_points() -> None:
    stage = refit_stage(prepare(a_problem(), SIREN, torch.device("cpu")), SIREN)
    assert stage.points == SIREN.stages[0].points
    assert stage.iterations == SIREN.stages[0].iterations // 5
