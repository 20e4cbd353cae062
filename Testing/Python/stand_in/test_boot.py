"""The scene without Qt."""

from __future__ import annotations

import numpy as np
import slicer
from stand_in.boot import application_logic, boot
from stand_in.messages import Messages


def test_booting_twice_gives_the_same_scene() -> None:
    assert boot() is boot() is slicer.mrmlScene


def test_the_application_has_its_slice_views_and_colours_before_and_after_a_scene_close() -> None:
    scene = boot()
    for _ in range(2):
        assert [
            application_logic().GetSliceLogicByLayoutName(name).GetSliceNode().GetOrientation() for name in ("Red", "Green", "Yellow")
        ] == [
            "Axial",
            "Coronal",
            "Sagittal",
        ]
        assert scene.GetNodeByID("vtkMRMLColorTableNodeGrey") is not None
        assert scene.GetNodesByClass("vtkMRMLCrosshairNode").GetNumberOfItems() == 1
        scene.Clear()


def test_module_logics_work() -> None:
    boot().Clear()
    fixed = slicer.util.addVolumeFromArray(np.zeros((4, 5, 6), np.int16))
    labels = slicer.modules.volumes.logic().CreateAndAddLabelVolume(fixed, "labels")
    slicer.util.arrayFromVolume(labels)[1:3, 1:3, 1:3] = 1
    segmentation = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode")
    assert slicer.modules.segmentations.logic().ImportLabelmapToSegmentationNode(labels, segmentation)
    identifier = segmentation.GetSegmentation().GetNthSegmentID(0)
    assert slicer.util.arrayFromSegmentBinaryLabelmap(segmentation, identifier, fixed).sum() == 8


def test_a_module_that_is_not_there_is_an_attribute_error() -> None:
    boot()
    assert not hasattr(slicer.modules, "nosuchmodule")


def test_messages_of_vtk_are_heard() -> None:
    with Messages() as heard:
        assert heard.text == ""
        slicer.vtkMRMLScene().AddNode(None)
        assert "AddNode" in heard.text
        heard.clear()
        assert heard.text == ""
