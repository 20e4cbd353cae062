"""A saved and reopened scene brings everything back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import slicer
from desk import Desk

from inr_registration.slicer.ui import REVIEWED, choice_in

FOLDS = [((slice(2, 4), slice(2, 4), slice(2, 4)), -0.5), ((slice(8, 12), slice(8, 12), slice(8, 12)), -0.1)]


def save_and_reopen(desk: Desk, folder: Path) -> None:
    """Through a scene bundle, as File > Save does."""
    path = str(folder / "scene.mrb")
    assert slicer.util.saveScene(path)
    slicer.mrmlScene.Clear()
    assert desk.parameters.fixed is None
    slicer.util.loadScene(path)


def test_every_parameter_is_restored(desk: Desk, tmp_path: Path) -> None:
    desk.pair()
    ui = desk.ui
    mask = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "mask")
    mask.GetSegmentation().AddEmptySegment("liver", "liver")
    ui.fixedMaskSelector.setCurrentNode(mask)
    desk.pick(ui.fixedMaskSegment, "liver")
    ui.initialSelector.setCurrentNode(slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "start"))
    for selector, name in ((ui.fixedLandmarksSelector, "F"), (ui.movingLandmarksSelector, "M")):
        selector.setCurrentNode(slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", name))
    ui.warpedSelector.setCurrentNode(desk.volume("mine"))
    desk.pick(ui.presetCombo, "brain-t1")
    desk.pick(ui.similarityCombo, "ncc")
    desk.pick(ui.deviceCombo, "cpu")
    desk.pick(ui.affineCombo, "rigid")
    ui.bendingWeight.value, ui.seedSpin.value, ui.maxVoxelsSpin.value, ui.thresholdSpin.value = 0.125, 7, 123_456, 0.4
    before = choice_in(desk.parameters)
    save_and_reopen(desk, tmp_path)
    after = desk.parameters
    assert choice_in(after) == before
    names = ("fixed", "moving", "fixed_mask", "initial", "fixed_landmarks", "moving_landmarks", "warped")
    assert [getattr(after, name).GetName() for name in names] == ["A", "B", "mask", "start", "F", "M", "mine"]
    assert (after.fixed_mask_segment, after.threshold) == ("liver", 0.4)
    assert after.moving_mask is None
    assert ui.fixedSelector.currentNode().GetName() == "A"
    assert (ui.presetCombo.currentText, ui.similarityCombo.currentText) == ("Brain T1 to T1", "Correlation (NCC)")
    assert ui.fixedMaskSegment.currentText == "liver"
    assert (ui.bendingWeight.value, ui.seedSpin.value, ui.maxVoxelsSpin.value) == (0.125, 7, 123_456)
    assert desk.shown(ui.presetModified)
    assert ui.registerButton.enabled


def test_the_result_is_chosen_and_can_be_walked_through_again(desk: Desk, tmp_path: Path) -> None:
    desk.script.folds = FOLDS
    desk.pair()
    desk.run()
    desk.ui.foldingTable.item(1, REVIEWED).setCheckState(2)
    regions, quality = desk.cells(desk.ui.foldingTable), desk.cells(desk.ui.qualityTable)
    save_and_reopen(desk, tmp_path)
    assert desk.parameters.result is not None
    assert desk.session.nodes.transform is desk.parameters.result
    assert desk.ui.resultSelector.currentNode() is desk.parameters.result
    assert desk.ui.statusLabel.text == ""  # nothing of what was said about the former scene
    assert desk.shown(desk.ui.resultSection)
    assert desk.cells(desk.ui.foldingTable) == regions
    assert "Reviewed: 1 of 2" in desk.ui.foldingSummary.text
    assert desk.cells(desk.ui.qualityTable) == quality
    desk.ui.jacobianButton.click()
    assert desk.ui.jacobianButton.checked
    desk.ui.exportReportButton.click()
    assert "no longer in memory" in desk.ui.statusLabel.text


def test_a_result_is_found_even_where_the_parameters_do_not_name_it(desk: Desk) -> None:
    desk.pair()
    transform = desk.run().transform
    desk.leave()
    slicer.mrmlScene.RemoveNode(slicer.mrmlScene.GetSingletonNode("INRRegistration", "vtkMRMLScriptedModuleNode"))
    desk.session.choose(None)
    desk.open()
    assert desk.parameters.result is transform
    assert desk.shown(desk.ui.resultSection)


@pytest.mark.parametrize("panels", [2])
def test_opening_and_closing_panels_leaves_nothing_behind(make_desk: Callable[[], Desk], panels: int) -> None:
    made = [make_desk() for _ in range(panels)]
    for desk in made:
        desk.leave()
    made[-1].open()
    made[-1].pair()
    assert made[-1].ui.registerButton.enabled
    assert made[0].ui.fixedSelector.currentNode() is None
