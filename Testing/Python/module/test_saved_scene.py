"""A scene with a result, saved and opened again by somebody else: everything that was seen can be seen again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import slicer
from blobs import QUICK
from opened import Opened

from inr_registration.core import MAPS, from_bytes
from inr_registration.slicer.scene import MODES, Overlays, ResultNodes, find_result, model_bytes

PLACES = np.random.default_rng(5).uniform(-30, 30, (50, 3))
"""RAS mm, within the images."""


@dataclass
class Saved:
    """What was there when the scene was saved."""

    path: Path
    mapped: Any
    jacobian: Any
    warped: Any
    quality: list[list[str]]
    segments: list[str]
    model: bytes


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Saved:
    """A scene bundle with a result; the application has ended since."""
    opened = Opened()
    try:
        return save(opened, tmp_path_factory.mktemp("saved") / "scene.mrb")
    finally:
        opened.end()


def save(opened: Opened, path: Path) -> Saved:
    """Register a pair that was chosen in the panel, and save the scene."""
    opened.enter()
    fixed, moving = opened.pair()
    opened.logic.register(fixed, moving, settings=QUICK)
    nodes = opened.session.nodes
    saved = Saved(
        path,
        mapped(nodes.transform),
        slicer.util.arrayFromVolume(nodes.jacobian).copy(),
        slicer.util.arrayFromVolume(nodes.warped).copy(),
        texts(nodes.quality),
        list(nodes.folding.GetSegmentation().GetSegmentIDs()),
        model_bytes(nodes),
    )
    assert slicer.util.saveScene(str(path))
    return saved


@pytest.fixture
def reopened(saved: Saved, opened: Opened) -> Iterator[ResultNodes]:
    """The result in the scene that was opened from the bundle."""
    slicer.util.loadScene(str(saved.path))
    opened.enter()
    opened.idle(0.05)
    nodes = find_result(opened.widget.panel.parameters.result)
    assert nodes is not None
    yield nodes
    opened.leave()


def mapped(transform: Any) -> Any:
    """Where the places go, RAS mm."""
    map_ = transform.GetTransformFromParent()
    return np.array([map_.TransformPoint(place) for place in PLACES.tolist()])


def texts(table: Any) -> list[list[str]]:
    """Cells of a table node."""
    return [
        [table.GetTable().GetValue(row, column).ToString() for column in range(table.GetNumberOfColumns())]
        for row in range(table.GetNumberOfRows())
    ]


def test_the_map_is_the_same(saved: Saved, reopened: ResultNodes) -> None:
    np.testing.assert_allclose(mapped(reopened.transform), saved.mapped, atol=1e-4)
    assert np.abs(saved.mapped - PLACES).max() > 1
    assert slicer.util.getNode("moving").GetParentTransformNode() is reopened.transform


def test_the_images_are_the_same_and_belong_to_the_volumes(saved: Saved, reopened: ResultNodes) -> None:
    np.testing.assert_allclose(slicer.util.arrayFromVolume(reopened.jacobian), saved.jacobian, atol=1e-6)
    np.testing.assert_allclose(slicer.util.arrayFromVolume(reopened.warped), saved.warped, atol=1e-4)
    assert (reopened.fixed.GetName(), reopened.moving.GetName()) == ("fixed", "moving")


def test_every_overlay_that_there_was_is_there_again(opened: Opened, reopened: ResultNodes) -> None:
    overlays = Overlays(slicer.mrmlScene)
    missing = [mode for mode in MODES if overlays.available(mode, reopened)]
    assert missing == ["uncertainty", *MAPS], "this run was not asked for them"
    opened.ui.jacobianButton.click()
    assert opened.ui.jacobianButton.checked
    red = slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLSliceCompositeNode")
    assert reopened.jacobian.GetID() in (red.GetForegroundVolumeID(), red.GetBackgroundVolumeID())
    opened.ui.backButton.click()
    assert not opened.ui.jacobianButton.checked


def test_tables_and_segments_are_filled(saved: Saved, opened: Opened, reopened: ResultNodes) -> None:
    assert texts(reopened.quality) == saved.quality
    assert len(saved.quality) > 5
    assert opened.ui.qualityTable.rowCount > 0
    assert list(reopened.folding.GetSegmentation().GetSegmentIDs()) == saved.segments
    lowest = float(saved.jacobian.min())
    found = opened.session.regions(lowest + 0.05)
    assert found
    assert opened.session.nodes.regions.GetNumberOfRows() == len(found)
    assert all(region.kind == "unsupported" for region in opened.session.regions(0.0))


def test_the_model_can_be_read(saved: Saved, reopened: ResultNodes) -> None:
    assert model_bytes(reopened) == saved.model
    state = from_bytes(saved.model)
    assert state.tensors
    assert all(np.isfinite(values).all() for values in state.tensors.values())


def test_the_pair_can_be_registered_again_into_the_same_nodes(opened: Opened, reopened: ResultNodes) -> None:
    before = mapped(reopened.transform)
    nodes = opened.logic.register(reopened.fixed, reopened.moving, settings=QUICK, transform=reopened.transform)
    assert nodes.transform is reopened.transform
    assert np.isfinite(mapped(nodes.transform)).all()
    assert opened.session.restore_previous()
    np.testing.assert_allclose(mapped(reopened.transform), before, atol=1e-4)
