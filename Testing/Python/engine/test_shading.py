"""A smooth gain over one of the images is found, taken away and told; without one nothing is touched."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
import torch
from analytic import blobs, centred, turn, wave
from fits import error_mm

from inr_registration.app import register
from inr_registration.core import Problem, Volume, load_preset
from inr_registration.methods import prepare

pytestmark = pytest.mark.slow

Array = npt.NDArray[np.float64]
Gain = Callable[[Array], Array]

QUICK = replace(load_preset("quick").settings, device="cpu")
FIXED, MOVING = centred((32, 30, 31), 2.0, turn(12)), centred((34, 33, 32), 2.0, turn(-6, 0))
SIDE = 62.0


def along(axis: int, ratio: float) -> Gain:
    return lambda p: ratio ** (p[..., axis] / SIDE)


GAINS: dict[str, Gain] = {
    "5 along x": along(0, 5),
    "5 along z": along(2, 5),
    "22 along y": along(1, 22),
    "10 from the middle out": lambda p: 10 ** (-(np.linalg.norm(p, axis=-1) ** 2) / 40**2),
    "4 across": lambda p: 4 ** ((p[..., 0] + p[..., 1]) / SIDE),
}


def pair(fixed: Gain | None = None, moving: Gain | None = None, offset: float = 20.0) -> Problem:
    images = []
    for grid, through, gain, name in ((FIXED, wave, fixed, "fixed"), (MOVING, None, moving, "moving")):
        points = grid.all_points().astype(np.float64)
        values = offset + blobs(points if through is None else through(points))
        images.append(Volume((values if gain is None else values * gain(points)).astype(np.float32), grid, name))
    return Problem(*images)


@pytest.fixture(scope="module")
def without() -> float:
    return error_mm(register(pair(), QUICK))


@pytest.mark.parametrize("side", ["fixed", "moving"])
@pytest.mark.parametrize("name", GAINS)
def test_a_smooth_gain_costs_little_and_is_told(name: str, side: str, without: float) -> None:
    result = register(pair(**{side: GAINS[name]}), QUICK)
    assert any("bias field" in said for said in result.warnings)
    assert error_mm(result) < 1.5 * without + 0.1


def test_without_a_gain_nothing_is_said() -> None:
    result = register(pair(), QUICK)
    assert not any("bias field" in said for said in result.warnings)


def test_the_factor_is_that_of_the_gain() -> None:
    problem = pair()
    points = FIXED.all_points().astype(np.float64)
    moving = Volume((problem.fixed.values * along(0, 6)(points)).astype(np.float32), FIXED, "moving")
    prepared = prepare(Problem(problem.fixed, moving), QUICK, torch.device("cpu"))
    whole = np.ones(FIXED.shape)
    for _ in range(3):
        found = prepared.shading(np.eye(4), 1.02)
        if found is None:
            break
        before = np.asarray(prepared.moving.raw, np.float64)
        prepared.take_away(found, QUICK)
        whole *= prepared.moving.raw / before
    off = np.log(whole * along(0, 6)(points))[4:-4, 4:-4, 4:-4]
    assert off.std() < 0.12  # that of the gain itself is 0.4


def test_intensities_below_zero_are_no_amounts_of_a_signal() -> None:
    points = MOVING.all_points().astype(np.float64)
    problem = pair(offset=-400.0)
    shaded = Volume((problem.moving.values + 3 * points[..., 0]).astype(np.float32), MOVING, "moving")
    prepared = prepare(replace(problem, moving=shaded), QUICK, torch.device("cpu"))
    assert prepared.shading(np.eye(4), 1.0) is None
