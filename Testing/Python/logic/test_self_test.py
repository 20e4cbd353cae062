"""The module's own test: what it says where PyTorch is missing, and that it finds a result that is wrong."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import slicer

from inr_registration.slicer.logic import TorchStatus, register_sample_pair, self_test


class Logic:
    """Registers as a test says.

    Attributes:
        det: det J of the result, everywhere.
        moves: Whether the moving volume is put under the transform.
        asked: What it was asked for.
    """

    def __init__(self, det: float = 1.0, moves: bool = True) -> None:
        self.det, self.moves = det, moves
        self.asked: list[Any] = []

    def register(self, fixed: Any, moving: Any, **options: Any) -> SimpleNamespace:
        """As the logic of the module."""
        self.asked.append((fixed.GetName(), moving.GetName(), options))
        transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "map")
        if self.moves:
            moving.SetAndObserveTransformNodeID(transform.GetID())
        values = np.full((2, 2, 2), self.det, np.float32)
        return SimpleNamespace(transform=transform, jacobian=slicer.util.addVolumeFromArray(values, name="det"))


@pytest.fixture(autouse=True)
def _torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(self_test, "torch_status", lambda: TorchStatus(True, "2.13.0", "PyTorch 2.13.0"))


def test_a_good_result_is_told_with_what_was_seen(scene: Any) -> None:  # noqa: ARG001 (the scene is needed)
    logic = Logic(det=0.75)
    assert register_sample_pair(logic) == "Registered the sample pair: det J from 0.75 to 0.75."
    assert logic.asked == [("Trunk, fixed", "Trunk, moving", {"preset": "quick", "wait": True})]


def test_without_torch_nothing_is_tested_and_that_is_said(scene: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(self_test, "torch_status", lambda: TorchStatus(False, "", "PyTorch: not installed."))
    logic, before = Logic(), scene.GetNumberOfNodes()
    assert register_sample_pair(logic) == "Nothing was tested. PyTorch: not installed."
    assert logic.asked == []
    assert scene.GetNumberOfNodes() == before


@pytest.mark.parametrize("det", [-0.1, 0.0, 12.0])
def test_a_determinant_that_no_breathing_has_is_an_error(scene: Any, det: float) -> None:  # noqa: ARG001
    with pytest.raises(RuntimeError, match=f"between 0 and 10, got {det:g}"):
        register_sample_pair(Logic(det))


def test_a_moving_volume_that_stays_where_it_was_is_an_error(scene: Any) -> None:  # noqa: ARG001
    with pytest.raises(RuntimeError, match="'Trunk, moving' should lie under 'map'"):
        register_sample_pair(Logic(moves=False))
