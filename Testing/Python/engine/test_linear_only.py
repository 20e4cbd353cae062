"""Rigid and affine registration: a linear map and nothing else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from analytic import centred, pair, turn
from scipy.spatial.transform import Rotation

from inr_registration.app import register
from inr_registration.core import Affine, InputError, Level, Outcome, Settings, load_preset
from inr_registration.maps import load

FIXED, MOVING = centred((30, 28, 29), 2.0, turn(12)), centred((36, 35, 34), 2.1, turn(-6, 0), (1.0, -1.0, 0.5))
TURN = Rotation.from_euler("xyz", [5.0, -8.0, 10.0], degrees=True).as_matrix()
STRETCH = TURN @ np.array([[1.1, 0.05, 0.0], [0.0, 0.93, 0.0], [0.02, 0.0, 1.04]])


@pytest.mark.parametrize(("kind", "matrix"), [("rigid", TURN), ("affine", STRETCH)])
def test_the_map_is_found_and_is_linear(kind: str, matrix: np.ndarray) -> None:
    result = register(pair(FIXED, MOVING, lambda points: points @ matrix.T + [3.0, -2.0, 1.5]), load_preset(kind).settings)
    assert result.outcome is Outcome.ITERATION_LIMIT
    assert result.model is not None
    assert result.quality is not None
    points = np.random.default_rng(1).uniform(-18, 18, (300, 3))
    assert np.linalg.norm(load(result.model).map(points) - (points @ matrix.T + [3.0, -2.0, 1.5]), axis=1).max() < 0.5
    assert result.quality.displacement_mm["max"] == 0
    if kind == "rigid":
        assert result.quality.det["min"] == pytest.approx(1, abs=1e-4)
    assert result.transform is not None
    assert np.abs(result.transform.coefficients).max() == 0
    assert result.verdict is not None
    assert result.verdict.level is Level.GREEN
    assert result.history == ()


def test_settings_without_stages_need_a_linear_map() -> None:
    for kind in ("none", "auto"):
        with pytest.raises(InputError, match="at least one stage"):
            Settings(affine=Affine(kind), stages=())
    assert replace(load_preset("rigid").settings, seed=3).stages == ()
