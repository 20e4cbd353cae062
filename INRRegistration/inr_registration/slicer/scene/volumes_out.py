"""Arrays into volume nodes, without copying where that is possible."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import slicer
import vtk
from vtk.util.numpy_support import numpy_to_vtk

from inr_registration.core.grid import Grid
from inr_registration.slicer.scene.frames import set_grid


def image_of(values: npt.NDArray[np.generic]) -> vtk.vtkImageData:
    """A VTK image with unit spacing around an array (k, j, i) or (k, j, i, components).

    A C-contiguous array is not copied: the image keeps it alive and shows later changes to it.
    """
    size = values.shape[2::-1]
    image = vtk.vtkImageData()
    image.SetDimensions(*size)
    flat = np.ascontiguousarray(values)
    flat = flat.reshape(-1, values.shape[3]) if values.ndim == 4 else flat.reshape(-1)
    image.GetPointData().SetScalars(numpy_to_vtk(flat, deep=False))
    return image


def set_volume(node: slicer.vtkMRMLScalarVolumeNode, values: npt.NDArray[np.float32], grid: Grid) -> None:
    """Give a volume node new voxels (k, j, i) on a grid in the world; it loses its parent transform, its display stays."""
    changing = node.StartModify()
    node.SetAndObserveTransformNodeID(None)
    node.SetAndObserveImageData(image_of(values))
    set_grid(node, grid)
    node.EndModify(changing)


def show_range(node: slicer.vtkMRMLScalarVolumeNode, low: float, high: float) -> None:
    """Fix the window of a volume node: ``low`` to ``high`` of its values."""
    display = _display(node)
    changing = display.StartModify()
    display.SetAutoWindowLevel(0)
    display.SetWindowLevelMinMax(float(low), float(max(high, low + 1e-6)))
    display.EndModify(changing)


def show_like(node: slicer.vtkMRMLScalarVolumeNode, other: slicer.vtkMRMLScalarVolumeNode, low: float, high: float) -> None:
    """Give a volume node the window and colours of another one, or the window ``low`` to ``high`` where that one is not displayed."""
    theirs = other.GetDisplayNode()
    if theirs is None or not np.isfinite([theirs.GetWindow(), theirs.GetLevel()]).all():
        show_range(node, low, high)
        return
    show_range(node, theirs.GetWindowLevelMin(), theirs.GetWindowLevelMax())
    if theirs.GetColorNodeID():
        node.GetDisplayNode().SetAndObserveColorNodeID(theirs.GetColorNodeID())


def _display(node: slicer.vtkMRMLScalarVolumeNode) -> slicer.vtkMRMLScalarVolumeDisplayNode:
    """The display node, made where there is none: without an automatic window, which would read all voxels, and in grey."""
    if node.GetDisplayNode() is None:
        display = slicer.vtkMRMLScalarVolumeDisplayNode()
        display.SetAutoWindowLevel(0)
        display.SetAndObserveColorNodeID("vtkMRMLColorTableNodeGrey")
        node.GetScene().AddNode(display)
        node.SetAndObserveDisplayNodeID(display.GetID())
    return node.GetDisplayNode()
