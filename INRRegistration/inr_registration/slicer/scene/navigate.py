"""Taking all views to one place."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import slicer


def jump(scene: slicer.vtkMRMLScene, ras: Sequence[float], show_crosshair: bool = True) -> None:
    """Centre all slice views on a world point, put the crosshair there, and turn all cameras to it from where they look now.

    Args:
        scene: Its views are moved.
        ras: World point (3,), RAS mm.
        show_crosshair: Make the crosshair visible (small) where it is not.
    """
    point = [float(value) for value in ras]
    slicer.vtkMRMLSliceNode.JumpAllSlices(scene, *point, slicer.vtkMRMLSliceNode.CenteredJumpSlice)
    for crosshair in slicer.util.getNodesByClass("vtkMRMLCrosshairNode", scene):
        crosshair.SetCrosshairRAS(point)
        if show_crosshair and crosshair.GetCrosshairMode() == crosshair.NoCrosshair:
            crosshair.SetCrosshairMode(crosshair.ShowSmallBasic)
    for camera in slicer.util.getNodesByClass("vtkMRMLCameraNode", scene):
        look_at(camera, point)


def look_at(camera: slicer.vtkMRMLCameraNode, ras: Sequence[float]) -> None:
    """Move a camera so that it looks at a world point (3,), RAS mm; direction and distance stay."""
    step = np.asarray(ras, dtype=np.float64) - camera.GetFocalPoint()
    position = np.asarray(camera.GetPosition()) + step
    changing = camera.StartModify()
    camera.SetFocalPoint(*map(float, ras))
    camera.SetPosition(*position.tolist())
    camera.EndModify(changing)
    camera.ResetClippingRange()


def show_region_3d(segmentation: slicer.vtkMRMLSegmentationNode) -> bool:
    """Show a segmentation in the 3D views; its surface is made the first time. Whether there is anything to show."""
    if segmentation.GetSegmentation().GetNumberOfSegments() == 0:
        return False
    if not segmentation.CreateClosedSurfaceRepresentation():
        return False
    if segmentation.GetDisplayNode() is None:
        segmentation.CreateDefaultDisplayNodes()
    display = segmentation.GetDisplayNode()
    changing = display.StartModify()
    display.SetVisibility3D(1)
    display.SetVisibility(1)
    display.EndModify(changing)
    return True
