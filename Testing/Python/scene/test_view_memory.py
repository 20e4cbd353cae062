from __future__ import annotations

from typing import Any

import slicer
import vtk

from inr_registration.slicer.scene import Memory


def test_a_node_speaks_again_after_its_properties_were_put_back(scene: Any) -> None:
    node = scene.AddNewNodeByClass("vtkMRMLSliceCompositeNode")
    memory, heard = Memory(), []
    memory.set(node, {"ForegroundOpacity": 0.3, "LabelOpacity": 0.2, "Compositing": 1})
    memory.restore()
    node.AddObserver(vtk.vtkCommand.ModifiedEvent, lambda *_: heard.append(1))
    node.SetForegroundOpacity(0.7)
    assert heard == [1]


def test_what_was_set_twice_goes_back_to_the_first_value(scene: Any) -> None:
    node = scene.AddNewNodeByClass("vtkMRMLSliceCompositeNode")
    before = node.GetForegroundOpacity()
    memory = Memory()
    memory.set(node, {"ForegroundOpacity": 0.3})
    memory.set(node, {"ForegroundOpacity": 0.9})
    memory.restore()
    assert node.GetForegroundOpacity() == before


def test_a_node_that_was_made_leaves_again_and_one_that_left_is_skipped(scene: Any) -> None:
    made, gone = (scene.AddNewNodeByClass("vtkMRMLSliceCompositeNode") for _ in range(2))
    memory = Memory()
    memory.made(made)
    memory.set(gone, {"ForegroundOpacity": 0.3})
    scene.RemoveNode(gone)
    memory.restore()
    assert made.GetScene() is None
    assert isinstance(gone, slicer.vtkMRMLSliceCompositeNode)
    assert gone.GetForegroundOpacity() == 0.3
