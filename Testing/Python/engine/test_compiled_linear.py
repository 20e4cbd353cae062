"""The compiled objective of the linear pre-alignment against the same objective in torch, in double precision."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import pytest
import torch
from analytic import blobs, centred, turn, wave
from torch import Tensor

from inr_registration.core import Problem, Settings, Volume
from inr_registration.images import AffineLevel
from inr_registration.methods import prepare
from inr_registration.numerics import Image
from inr_registration.numerics import kernels as compiled
from inr_registration.start import LinearMap, objective

PARAMETERS = {
    "near": [0.02, -0.01, 0.03, 0.02, 0.01, -0.02, 0.01, 0.02, 0.0, 0.01, 0.02, -0.01],
    "far": [0.2, -0.3, 0.1, 0.6, -0.5, 0.7, 0.1, -0.1, 0.05, 0.1, 0.0, 0.1],
    "rigid": [0.1, 0.05, -0.1, 0.2, 0.1, 0.3],
}


@pytest.fixture(scope="module")
def level() -> AffineLevel:
    """A masked moving image that lies turned to the fixed one."""
    grids = centred((40, 42, 36), [1.5, 1.5, 2.0], turn(15)), centred((30, 34, 28), 2.0, turn(-5, 0), [1.0, 2.0, -1.0])
    fixed = Volume(blobs(wave(grids[0].all_points())).astype(np.float32), grids[0], "fixed")
    moving = Volume(blobs(grids[1].all_points()).astype(np.float32), grids[1], "moving")
    inside = np.linalg.norm(grids[1].all_points() / [24, 27, 22], axis=-1) < 1
    mask = Volume(inside.astype(np.uint8), grids[1], "mask")
    return prepare(Problem(fixed, moving, moving_mask=mask), Settings(), torch.device("cpu")).affine_levels()[1]


def in_double(data: AffineLevel) -> AffineLevel:
    """The same numbers, which no compiled loop takes."""
    images = [Image(image.values.double(), image.grid) for image in (data.fixed, data.moving)]
    return AffineLevel(images[0], data.fixed_weight.double(), images[1], data.moving_weight.double(), data.reach)


def value_and_slope(loss: Callable[[Tensor], Tensor], name: str) -> tuple[float, Tensor]:
    parameters = torch.tensor(PARAMETERS[name], dtype=torch.float64, requires_grad=True)
    value = loss(LinearMap(np.eye(4), np.array([1.0, 2.0, -3.0]), 25.0).matrix(parameters))
    value.backward()
    assert parameters.grad is not None
    return value.item(), parameters.grad


@pytest.mark.parametrize("name", list(PARAMETERS))
@pytest.mark.parametrize("similarity", [{"ncc": 1.0, "local_ncc": 1.0}, {"mse": 3.0}, {"local_ncc": 2.0, "mse": 1.0, "nmi": 0.0}])
def test_the_objective_and_its_derivative_are_those_of_double_precision(
    level: AffineLevel, similarity: Mapping[str, float], name: str
) -> None:
    assert compiled.usable(level.fixed.values)
    found = value_and_slope(objective(level, similarity, 2), name)
    expected = value_and_slope(objective(in_double(level), similarity, 2), name)
    assert found[0] == pytest.approx(expected[0], rel=1e-5)
    assert float((found[1] - expected[1]).norm() / expected[1].norm()) < 1e-3


@pytest.mark.parametrize("reason", ["another similarity", "a thin moving image", "no compiler"])
def test_what_cannot_be_compiled_is_left_to_torch(level: AffineLevel, reason: str, monkeypatch: pytest.MonkeyPatch) -> None:
    similarity = {"nmi": 1.0} if reason == "another similarity" else {"ncc": 1.0}
    if reason == "a thin moving image":
        grid = level.moving.grid
        thin = grid.cropped([0, 0, 7], (grid.size[0], grid.size[1], 1))
        level = replace(level, moving=Image(level.moving.values[:, 7:8], thin), moving_weight=level.moving_weight[:, 7:8])
    if reason == "no compiler":
        monkeypatch.setattr(compiled, "_has_compiler", lambda: False)
    found, expected = (value_and_slope(objective(data, similarity, 2), "near") for data in (level, in_double(level)))
    assert found[0] == pytest.approx(expected[0], rel=1e-4)
    assert found[1].abs().max() > 0
