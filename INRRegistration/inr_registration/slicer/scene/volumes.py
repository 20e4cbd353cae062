"""A volume of ours as a node of the scene."""

from __future__ import annotations

import numpy as np
import slicer
import vtk

from inr_registration.core.volume import Volume

LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


def current_scene() -> slicer.vtkMRMLScene:
    """The scene that the application shows."""
    return slicer.mrmlScene


def volume_node(scene: slicer.vtkMRMLScene, volume: Volume, name: str) -> slicer.vtkMRMLScalarVolumeNode:
    """Make a scalar volume node with these values.

    Args:
        scene: Gets the node.
        volume: Values (k, j, i) on a grid in LPS mm; the values are copied.
        name: Of the node.

    Returns:
        The node, in RAS mm as all of the scene, with a display node.
    """
    node = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", name)
    matrix = vtk.vtkMatrix4x4()
    matrix.DeepCopy((LPS_TO_RAS @ volume.grid.affine).ravel().tolist())
    node.SetIJKToRASMatrix(matrix)
    slicer.util.updateVolumeFromArray(node, np.ascontiguousarray(volume.values))
    node.CreateDefaultDisplayNodes()
    return node


def show_pair(scene: slicer.vtkMRMLScene, background: slicer.vtkMRMLVolumeNode, foreground: slicer.vtkMRMLVolumeNode) -> None:
    """Show two volumes on top of each other, half and half, in all slice views, and fit the views to the first one."""
    logic = slicer.modules.volumes.logic().GetMRMLApplicationLogic()
    selection = logic.GetSelectionNode()
    selection.SetActiveVolumeID(background.GetID())
    selection.SetSecondaryVolumeID(foreground.GetID())
    for composite in slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode", scene):
        composite.SetForegroundOpacity(0.5)
    logic.PropagateVolumeSelection(logic.BackgroundLayer | logic.ForegroundLayer, 0)  # with one argument it would be all layers
    logic.FitSliceToAll()
