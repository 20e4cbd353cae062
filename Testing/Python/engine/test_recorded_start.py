"""The linear pre-alignment as a GPU records and repeats it, on the tape of ``test_step.py``."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from fits import a_problem
from test_step import CASES, Elsewhere, recorded

from inr_registration.methods import prepare
from inr_registration.numerics import kernels as compiled
from inr_registration.optimise import Adam, Objective, Recorded
from inr_registration.start import Alignment, LinearMap, affine


@pytest.mark.parametrize("similarity", [{"ncc": 1.0, "local_ncc": 1.0}, {"nmi": 1.0, "mse": 1.0}])
def test_the_linear_start_can_be_recorded_too(similarity: dict[str, float], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled, "usable", lambda _: False)
    monkeypatch.setattr(LinearMap, "matrix", LinearMap.on_device)
    levels = prepare(a_problem(), CASES["auto"], torch.device("cpu")).affine_levels()
    made: list[Recorded] = []

    def new_step(objective: Objective, optimiser: Adam) -> Recorded:
        made.append(recorded(objective, optimiser))
        return made[-1]

    plain = Alignment(levels, "affine", np.eye(4), similarity, 2, 24, lambda: None).best()
    monkeypatch.setattr(affine, "new_step", new_step)
    again = Alignment(levels, "affine", np.eye(4), similarity, 2, 24, lambda: None).best()
    assert made
    assert all(step.note == "" and step.repeat is not None for step in made)
    assert np.abs(plain[0] - np.eye(4)).max() > 0.01
    np.testing.assert_allclose(again[0], plain[0], rtol=0, atol=1e-3)
    assert again[1] == plain[1]


def test_the_linear_start_stays_on_its_device() -> None:
    level = prepare(a_problem(), CASES["auto"], torch.device("cpu")).affine_levels()[0]
    images = [replace(image, values=image.values.to("meta")) for image in (level.fixed, level.moving)]
    weights = level.fixed_weight.to("meta"), level.moving_weight.to("meta")
    linear = LinearMap(np.eye(4), np.zeros(3), 40.0)
    parameters = torch.zeros(12, dtype=torch.float64, device="meta", requires_grad=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(affine, "unrelated", lambda *_: 1.0)  # asks for a number, before the iterations
        loss = affine.objective(affine.AffineLevel(images[0], weights[0], images[1], weights[1], 40.0), {"ncc": 1.0, "local_ncc": 1.0}, 2)
    loss(linear.matrix(parameters)).backward()  # makes constants
    with Elsewhere():
        loss(linear.matrix(parameters)).backward()
    assert parameters.grad is not None
