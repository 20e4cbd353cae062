from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from analytic import OBLIQUE, centred, image_on, pair, turn, wave
from fits import ALL, BEFORE, BOUNDS, FIXED, LATTICE, MOVING, SAMPLED, SIREN, SPLINE, a_problem, error_mm, inner_points, model_of, short

from inr_registration.app import register
from inr_registration.core import Affine, Command, Grid, InputError, Problem, Progress, Stage, Volume
from inr_registration.methods import prepared as prepare

pytestmark = pytest.mark.slow

Array = npt.NDArray[np.float64]


def with_values(volume: Volume, change: Callable[[npt.NDArray[Any], Grid], None]) -> Volume:
    values = np.array(volume.values)
    change(values, volume.grid)
    return Volume(values, volume.grid, volume.name)


def ball(grid: Grid, radius: float, centre: tuple[float, float, float] = (0.0, 0.0, 0.0)) -> Volume:
    near = np.linalg.norm(grid.all_points() - np.array(centre), axis=-1) < radius
    return Volume(near.astype(np.uint8), grid, "mask")


@pytest.mark.parametrize("name", ["velocity", "siren"])
def test_voxels_without_a_number_are_left_out(name: str) -> None:
    def lose(values: npt.NDArray[Any], _: Grid) -> None:
        values[:4], values[5:8, 10:14, 9:13], values[-3:, 2, 2] = np.nan, np.inf, -np.inf

    problem = a_problem()
    result = register(replace(problem, fixed=with_values(problem.fixed, lose), moving=with_values(problem.moving, lose)), ALL[name])
    assert len(result.warnings) == 2
    assert result.warped is not None
    assert np.isfinite(result.warped.values).all()
    points = inner_points()
    points = points[points[:, 2] > -4]
    assert np.linalg.norm(model_of(result).map(points) - wave(points), axis=1).mean() < BOUNDS[name] + 0.5


@pytest.mark.parametrize("name", ["sampled spline", "siren"])
def test_a_mask_smaller_than_the_batch_is_enough(name: str) -> None:
    centre = (12.0, -12.0, 12.0)
    mask = ball(FIXED, 6.5, centre)
    assert 64 <= int(mask.inside().sum()) < ALL[name].stages[0].points
    result = register(a_problem(fixed_mask=mask), ALL[name])
    points = inner_points(3.0) + centre
    error = np.linalg.norm(model_of(result).map(points) - wave(points), axis=1).mean()
    assert error < 0.7 * np.linalg.norm(wave(points) - points, axis=1).mean()


def test_a_mask_of_the_smallest_size_works_on_a_coarse_level() -> None:
    values = np.zeros(FIXED.shape, np.uint8)
    values[12:16, 12:16, 12:16] = 1
    for settings in (LATTICE, SAMPLED, replace(SPLINE, similarity={"local_ncc": 1.0}), replace(SAMPLED, similarity={"local_ncc": 1.0})):
        assert register(a_problem(fixed_mask=Volume(values, FIXED, "mask")), short(settings)).outcome.usable


@pytest.mark.parametrize("side", ["fixed", "moving"])
def test_what_lies_outside_a_mask_does_not_count(side: str) -> None:
    def spoil(values: npt.NDArray[Any], grid: Grid) -> None:
        far = grid.all_points()[..., 0] > 10
        values[far] = values[::-1, ::-1, ::-1][far]

    def kept(grid: Grid) -> Volume:
        return Volume((grid.all_points()[..., 0] < 0).astype(np.uint8), grid, "mask")

    problem = a_problem()
    masks = {"fixed_mask": kept(FIXED)} if side == "fixed" else {"moving_mask": kept(MOVING)}
    image = with_values(problem.fixed if side == "fixed" else problem.moving, spoil)
    spoilt = replace(problem, fixed=image) if side == "fixed" else replace(problem, moving=image)
    clean, masked, bare = (register(p, LATTICE) for p in (replace(problem, **masks), replace(spoilt, **masks), spoilt))
    points = inner_points()
    points = points[points[:, 0] < -1]
    reference = model_of(clean).map(points)
    change, unmasked = (np.linalg.norm(model_of(result).map(points) - reference, axis=1).mean() for result in (masked, bare))
    assert change < 0.3
    assert unmasked > 2 * change


def test_masks_may_live_on_another_grid() -> None:
    coarse = centred((20, 20, 20), 3.5, OBLIQUE)
    result = register(a_problem(fixed_mask=ball(coarse, 24), moving_mask=ball(coarse, 30)), LATTICE)
    assert error_mm(result) < BOUNDS["velocity"]


@pytest.mark.parametrize("name", ALL)
def test_points_may_leave_the_moving_image(name: str) -> None:
    small = centred((15, 14, 16), 2.0)
    result = register(pair(FIXED, small, wave), short(ALL[name], 30))
    assert result.outcome.usable
    assert result.warped is not None
    assert result.quality is not None
    assert np.isfinite(result.warped.values).all()
    assert result.quality.displacement_mm["max"] < 30


def test_images_that_lie_apart_after_the_start_do_not_break() -> None:
    initial = np.eye(4)
    initial[0, 3] = 58.0  # hardly any point of the one sees the other
    for settings in (LATTICE, SIREN):
        result = register(a_problem(initial=initial), short(settings))
        assert result.outcome.usable
        assert result.warped is not None
        assert np.isfinite(result.warped.values).all()


def test_an_initial_transform_is_where_the_fit_starts() -> None:
    initial = np.eye(4)
    initial[:3, 3] = [25.0, -10.0, 5.0]
    far = replace(image_on(MOVING), grid=Grid(MOVING.size, initial @ MOVING.affine))
    result = register(Problem(image_on(FIXED, wave), far, initial=initial), LATTICE)
    assert error_mm(result, lambda p: wave(p) + initial[:3, 3]) < BOUNDS["velocity"]
    np.testing.assert_array_equal(model_of(result).affine, initial)


def test_the_linear_part_finds_an_affine_map() -> None:
    matrix = turn(7) @ turn(-4, 0) @ np.diag([1.05, 0.97, 1.0])

    def phi(p: Array) -> Array:
        return np.asarray(p @ matrix.T + [3.0, -2.0, 4.0])

    result = register(
        pair(FIXED, centred((44, 44, 44), 2.0), phi), replace(short(LATTICE, 1), similarity={"local_ncc": 1.0}, affine=Affine("affine", 80))
    )
    found, points = model_of(result).affine, inner_points()
    assert np.linalg.norm(points @ found[:3, :3].T + found[:3, 3] - phi(points), axis=1).mean() < 0.4
    assert any("affine" in choice for choice in result.choices)


def test_a_header_that_turns_the_patient_by_half_a_turn_is_seen_through() -> None:
    half = np.diag([-1.0, -1.0, 1.0, 1.0])
    turned_round = replace(image_on(MOVING), grid=Grid(MOVING.size, half @ MOVING.affine))
    settings = replace(short(LATTICE, 1), similarity={"auto": 1.0}, affine=Affine("rigid", 60))
    result = register(Problem(image_on(FIXED), turned_round), settings)
    points = inner_points()
    assert np.linalg.norm(model_of(result).map(points) - points @ half[:3, :3], axis=1).mean() < 2
    assert any("half a turn about the axis S: check the orientation" in choice for choice in result.choices)
    plain = register(Problem(image_on(FIXED), image_on(MOVING)), settings)
    assert not any("half a turn" in choice for choice in plain.choices)


def test_the_inputs_stay_as_they_are() -> None:
    problem = a_problem(
        fixed_mask=ball(FIXED, 25), initial=np.eye(4), fixed_landmarks=inner_points(), moving_landmarks=wave(inner_points())
    )
    arrays = [problem.fixed.values, problem.moving.values, problem.initial, problem.fixed_landmarks, problem.moving_landmarks]
    before = [np.asarray(array).tobytes() for array in arrays]
    hashes = problem.fixed.sha256(), problem.moving.sha256()
    for name in ("velocity", "siren"):
        register(problem, replace(short(ALL[name]), affine=Affine("rigid", 5)))
    assert [np.asarray(array).tobytes() for array in arrays] == before
    assert (problem.fixed.sha256(), problem.moving.sha256()) == hashes


@pytest.mark.parametrize("side", ["fixed", "moving"])
def test_a_sheared_image_works(side: str) -> None:
    shear = np.array([[1.0, 0.2, 0.0], [0.0, 1.0, 0.15], [0.0, 0.0, 1.0]])
    sheared = centred((34, 34, 32), 2.0, turn(10) @ shear)
    assert sheared.is_sheared
    fixed, moving = (sheared, MOVING) if side == "fixed" else (FIXED, sheared)
    result = register(pair(fixed, moving, wave), LATTICE)
    assert error_mm(result) < BOUNDS["velocity"]
    assert result.warped is not None
    assert result.warped.grid.is_same(fixed)
    assert result.quality is not None
    assert result.quality.similarity["correlation"][1] > 0.95


def test_landmarks_and_labels_are_measured() -> None:
    points = inner_points()
    fixed = Volume((np.asarray(image_on(FIXED, wave).values) / 400).astype(np.int16), FIXED, "labels")
    moving = Volume((np.asarray(image_on(MOVING).values) / 400).astype(np.int16), MOVING, "labels")
    known = {"fixed_landmarks": points, "moving_landmarks": wave(points), "fixed_labels": fixed, "moving_labels": moving}
    result = register(a_problem(**known), LATTICE)
    assert result.quality is not None
    assert result.quality.tre_mm["before"]["mean"] == pytest.approx(BEFORE)
    assert result.quality.tre_mm["after"]["mean"] == pytest.approx(error_mm(result), abs=1e-6)
    assert len(result.quality.dice) >= 3
    assert all(after > before for before, after in result.quality.dice.values())


@pytest.mark.parametrize(("invert", "word"), [(False, "agree"), (True, "differ")])
def test_the_similarity_is_chosen_from_the_contrasts(invert: bool, word: str) -> None:
    problem = a_problem()
    moving = np.asarray(problem.moving.values)
    if invert:
        problem = replace(problem, moving=Volume(moving.max() - moving, MOVING, "moving"))
    result = register(problem, replace(LATTICE, similarity={"auto": 1.0}, clip_percent=0.5))
    assert any(word in choice for choice in result.choices)
    assert error_mm(result) < 0.5 * BEFORE


def test_features_are_left_out_on_levels_too_large_for_them_where_the_terms_were_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = a_problem()
    moving = np.asarray(problem.moving.values)
    inverted = replace(problem, moving=Volume(moving.max() - moving, MOVING, "moving"))
    settings = replace(short(LATTICE, 1), similarity={"auto": 1.0})
    monkeypatch.setattr(prepare, "MOST_FEATURES", FIXED.size[0] * FIXED.size[1] * FIXED.size[2] // 4)
    coarse, fine = (set(curve.terms) for curve in register(inverted, settings).history)
    assert {"mind", "local_ncc"} <= coarse
    assert "mind" not in fine
    assert "local_ncc" in fine
    asked = register(inverted, replace(settings, similarity={"mind": 5.0, "local_ncc": 0.5}))
    assert "mind" in asked.history[-1].terms


def test_a_problem_without_an_answer_is_refused_before_any_work() -> None:
    constant = Volume(np.ones(FIXED.shape), FIXED, "flat")
    reports: list[Progress] = []

    def report(progress: Progress) -> Command:
        reports.append(progress)
        return Command.CONTINUE

    with pytest.raises(InputError, match="flat"):
        register(Problem(constant, image_on(MOVING)), LATTICE, report)
    with pytest.raises(InputError, match="cuda:99"):
        register(a_problem(), replace(LATTICE, device="cuda:99"), report)
    assert reports == []


def test_a_network_on_four_slices_is_exported() -> None:
    assert register(pair(centred((40, 40, 4), 2.0), MOVING, wave), short(SIREN, 5)).outcome.usable


def test_a_lattice_of_one_cell_is_refined() -> None:
    stages = (Stage(2, 3, 0.5, control_spacing=16), Stage(1, 3, 0.5, control_spacing=32))
    assert register(pair(FIXED, MOVING, wave), replace(SPLINE, stages=stages)).outcome.usable


def test_squared_differences_match_images_of_other_brightness() -> None:
    problem = a_problem()
    darker = Volume(0.3 * np.asarray(problem.moving.values) + 40.0, problem.moving.grid, "moving")
    settings = replace(LATTICE, similarity={"mse": 10.0})
    result = register(replace(problem, moving=darker), settings)
    assert error_mm(result) < BOUNDS["velocity"]
    assert any("intensities matched" in choice for choice in result.choices)


def test_a_stop_during_the_alignment_keeps_a_result() -> None:
    def report(progress: Progress) -> Command:
        return Command.STOP if progress.phase == "affine" else Command.CONTINUE

    result = register(a_problem(), replace(short(LATTICE, 5), affine=Affine("rigid", 5)), report)
    assert result.outcome.name == "STOPPED"
    assert result.warped is not None
