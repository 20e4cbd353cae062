"""What is missing is said, masks follow their segments, and a removed image is never replaced by another one."""

from __future__ import annotations

from typing import Any

import slicer
from desk import Desk


def add_segmentation(*names: str) -> Any:
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "structures")
    for name in names:
        node.GetSegmentation().AddEmptySegment(name, name)
    return node


def texts(combo: Any) -> list[str]:
    return [combo.itemText(row) for row in range(combo.count)]


def test_without_volumes_the_button_is_off_and_says_what_is_missing(desk: Desk) -> None:
    ui = desk.ui
    assert not ui.registerButton.enabled
    assert "fixed" in ui.missingLabel.text
    assert "moving" in ui.missingLabel.text
    assert ui.registerButton.toolTip == ui.missingLabel.text
    assert desk.shown(ui.missingLabel)


def test_the_message_names_what_is_still_missing(desk: Desk) -> None:
    desk.ui.fixedSelector.setCurrentNode(desk.volume("A"))
    assert "moving" in desk.ui.missingLabel.text
    desk.ui.fixedSelector.setCurrentNode(None)
    desk.ui.movingSelector.setCurrentNode(desk.volume("B"))
    assert "fixed" in desk.ui.missingLabel.text
    assert not desk.ui.registerButton.enabled


def test_two_volumes_are_enough(desk: Desk) -> None:
    desk.pair()
    assert desk.ui.registerButton.enabled
    assert not desk.shown(desk.ui.missingLabel)


def test_the_same_volume_twice_is_refused(desk: Desk) -> None:
    fixed, _ = desk.pair()
    desk.ui.movingSelector.setCurrentNode(fixed)
    assert not desk.ui.registerButton.enabled
    assert "'A'" in desk.ui.missingLabel.text


def test_landmarks_for_one_image_only_are_refused(desk: Desk) -> None:
    desk.pair()
    desk.ui.fixedLandmarksSelector.setCurrentNode(slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", "F"))
    assert "Landmarks" in desk.ui.missingLabel.text
    assert not desk.ui.registerButton.enabled


def test_an_input_cannot_be_an_output(desk: Desk) -> None:
    fixed, _ = desk.pair()
    desk.ui.warpedSelector.setCurrentNode(fixed)
    assert "A is an input" in desk.ui.missingLabel.text
    assert not desk.ui.registerButton.enabled


def test_one_node_cannot_be_two_outputs(desk: Desk) -> None:
    desk.pair()
    node = desk.volume("map")
    desk.ui.warpedSelector.setCurrentNode(node)
    desk.ui.jacobianSelector.setCurrentNode(node)
    assert "map is chosen for more than one output" in desk.ui.missingLabel.text


def test_the_segments_are_offered_for_a_segmentation_only(desk: Desk) -> None:
    ui = desk.ui
    ui.moreInputs.collapsed = False
    assert not desk.shown(ui.fixedMaskSegment)
    ui.fixedMaskSelector.setCurrentNode(add_segmentation("liver", "lung"))
    assert desk.shown(ui.fixedMaskSegment)
    assert texts(ui.fixedMaskSegment) == ["All segments", "liver", "lung"]
    assert not desk.shown(ui.movingMaskSegment)
    ui.fixedMaskSelector.setCurrentNode(slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", "labels"))
    assert not desk.shown(ui.fixedMaskSegment)


def test_the_segments_follow_adding_and_renaming(desk: Desk) -> None:
    node = add_segmentation("liver")
    desk.ui.movingMaskSelector.setCurrentNode(node)
    node.GetSegmentation().AddEmptySegment("lung", "lung")
    assert texts(desk.ui.movingMaskSegment) == ["All segments", "liver", "lung"]
    node.GetSegmentation().GetSegment("liver").SetName("spleen")
    assert texts(desk.ui.movingMaskSegment) == ["All segments", "spleen", "lung"]


def test_a_chosen_segment_is_kept_and_another_mask_forgets_it(desk: Desk) -> None:
    node = add_segmentation("liver", "lung")
    desk.ui.fixedMaskSelector.setCurrentNode(node)
    desk.pick(desk.ui.fixedMaskSegment, "lung")
    assert desk.parameters.fixed_mask_segment == "lung"
    node.SetName("renamed")
    assert desk.parameters.fixed_mask_segment == "lung"
    desk.ui.fixedMaskSelector.setCurrentNode(add_segmentation("heart"))
    assert desk.parameters.fixed_mask_segment == ""
    assert desk.ui.fixedMaskSegment.currentText == "All segments"


def test_a_removed_segment_is_not_replaced_by_the_whole_mask(desk: Desk) -> None:
    node = add_segmentation("liver", "lung")
    desk.ui.fixedMaskSelector.setCurrentNode(node)
    desk.pick(desk.ui.fixedMaskSegment, "lung")
    node.GetSegmentation().RemoveSegment("lung")
    assert desk.parameters.fixed_mask_segment == "lung"
    assert desk.ui.fixedMaskSegment.currentText == "(removed segment)"


def test_a_removed_volume_is_not_replaced_by_another_one(desk: Desk) -> None:
    fixed, moving = desk.pair()
    desk.volume("C", 3)
    slicer.mrmlScene.RemoveNode(fixed)
    assert desk.parameters.fixed is None
    assert desk.ui.fixedSelector.currentNode() is None
    assert desk.parameters.moving is moving
    assert "fixed volume 'A' was removed" in desk.ui.statusLabel.text
    assert not desk.ui.registerButton.enabled


def test_a_removed_mask_is_said_too(desk: Desk) -> None:
    desk.pair()
    mask, _other = add_segmentation("a"), add_segmentation("b")
    desk.ui.fixedMaskSelector.setCurrentNode(mask)
    slicer.mrmlScene.RemoveNode(mask)
    assert desk.parameters.fixed_mask is None
    assert "'structures' was removed" in desk.ui.statusLabel.text


def test_what_was_chosen_reaches_the_run(desk: Desk) -> None:
    desk.pair()
    mask = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "mask")
    mask.GetSegmentation().AddEmptySegment("a", "a")
    desk.ui.fixedMaskSelector.setCurrentNode(mask)
    desk.ui.registerButton.click()
    assert not desk.session.running
    assert desk.ui.statusLabel.text != ""  # an empty mask is refused in words
    desk.ui.fixedMaskSelector.setCurrentNode(None)
    desk.run()
    assert desk.script.tasks[-1].problem.fixed.name == "A"
    assert desk.script.tasks[-1].problem.moving.name == "B"
