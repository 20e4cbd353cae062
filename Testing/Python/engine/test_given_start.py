"""A deformable map that the user gives to start from."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from analytic import centred, pair, turn, wave
from fits import ALL, BEFORE, FIXED, LATTICE, SIREN, Array, a_problem, error_mm, inner_points, short

import inr_registration as inr
from inr_registration.app import register
from inr_registration.core import Affine, Cycle, Displacements, InputError, Settings, load_preset
from inr_registration.methods import hash_of
from inr_registration.start import Given

pytestmark = pytest.mark.slow

TILT = np.eye(4)
TILT[:3] = np.column_stack([turn(9) @ np.diag([1.05, 0.95, 1.0]), [3.0, -2.0, 1.0]])


def displacements(phi: object = wave) -> Displacements:
    assert callable(phi)
    points = FIXED.all_points().astype(np.float64)
    return Displacements(phi(points.reshape(-1, 3)).reshape(points.shape) - points, FIXED)


def linear(points: Array) -> Array:
    return points @ TILT[:3, :3].T + TILT[:3, 3]


@pytest.mark.parametrize("name", ALL)
def test_every_field_begins_at_the_given_map(name: str) -> None:
    settings = short(ALL[name], 1)
    settings = replace(settings, stages=tuple(replace(stage, learning_rate=1e-6) for stage in settings.stages))
    bare = error_mm(register(a_problem(), settings))
    begun = register(a_problem(initial_displacement=displacements()), settings)
    assert bare > 0.8 * BEFORE
    assert error_mm(begun) < 0.35 * BEFORE
    assert any(said.startswith("start: the deformable initial transform") for said in begun.choices)


def test_both_directions_of_a_cycle_begin_at_it() -> None:
    settings = replace(short(SIREN, 1), cycle=Cycle())
    result = register(a_problem(initial_displacement=displacements()), settings)
    assert error_mm(result) < 0.35 * BEFORE


def test_it_is_kept_whatever_linear_part_is_found_beside_it() -> None:
    fixed = centred((30, 28, 29), 2.0)
    start = displacements(lambda p: linear(wave(p)))
    problem = pair(fixed, centred((40, 38, 39), 2.0), lambda p: linear(wave(p)), initial_displacement=start)
    for affine in ("none", "affine"):
        result = register(problem, replace(LATTICE, affine=Affine(affine)))
        assert error_mm(result, lambda p: linear(wave(p))) < 0.75


def test_what_is_left_beside_the_affine_part_is_the_given_map_in_both_directions() -> None:
    given = Given(displacements(), inr.Affine(TILT))
    points = inner_points(14)
    np.testing.assert_allclose(linear(points + given.forward(points)), wave(points), atol=0.1)  # read linearly between voxels
    back = (points + given.backward(points) - TILT[:3, 3]) @ np.linalg.inv(TILT[:3, :3]).T
    np.testing.assert_allclose(given.map(back), points, atol=1e-6)


def test_its_linear_part_is_the_nearest_affine_map() -> None:
    np.testing.assert_allclose(displacements(linear).linear, TILT, atol=1e-9)


def test_it_is_refused_where_it_cannot_be_used() -> None:
    start = displacements()
    with pytest.raises(InputError, match=r"two initial transforms.*give one of them"):
        a_problem(initial=np.eye(4), initial_displacement=start).check()
    searching = replace(LATTICE, start="discrete")
    for settings, said in ((searching, "exclude each other"), (load_preset("affine").settings, "finds a linear map")):
        with pytest.raises(InputError, match=said):
            register(a_problem(initial_displacement=start), settings)
    values = np.zeros((*FIXED.shape, 3))
    with pytest.raises(InputError, match="do not fit"):
        Displacements(values[1:], FIXED)
    values[0, 0, 0, 0] = np.nan
    with pytest.raises(InputError, match="not finite"):
        Displacements(values, FIXED)


def test_a_checkpoint_of_another_start_is_another_run() -> None:
    starts = [None, displacements(), displacements(linear)]
    assert len({hash_of(a_problem(initial_displacement=start)) for start in starts}) == 3


def test_a_start_that_is_given_is_never_replaced_by_its_linear_part() -> None:
    same = Settings()
    problem = replace(a_problem(), moving=a_problem().fixed, initial_displacement=displacements(lambda p: p + 0.01 * (wave(p) - p)))
    result = register(problem, replace(short(LATTICE, 3), similarity={"mse": 1.0}, clip_percent=same.clip_percent))
    assert not any("the start was kept" in said for said in result.warnings)


def test_what_was_noted_while_reading_does_not_make_another_run_and_can_be_hashed() -> None:
    """A note is words: a checkpoint of a run with notes ended in an error."""
    assert hash_of(a_problem(notes=("fixed: slices are not evenly spaced",))) == hash_of(a_problem())
    assert hash_of(a_problem(fixed_landmarks=np.zeros((2, 3)))) != hash_of(a_problem())
