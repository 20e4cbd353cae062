"""Volumes that only an overlay needs: computed from the result's nodes, hidden from selectors, not saved with the scene."""

from __future__ import annotations

from typing import Any

import numpy as np
import slicer

from inr_registration.slicer.scene.checkerboard import checkerboard
from inr_registration.slicer.scene.colours import colour_node
from inr_registration.slicer.scene.contrast import match, robust_window
from inr_registration.slicer.scene.difference import difference, half_range
from inr_registration.slicer.scene.frames import ijk_to_ras, to_matrix
from inr_registration.slicer.scene.maps import map_words, strain_range
from inr_registration.slicer.scene.store import ResultNodes
from inr_registration.slicer.scene.volumes_out import image_of

SAME_PLACE_MM = 0.01
_NOT_DRAWN = -1000.0
"""Far below any strain."""


class OverlayVolumes:
    """Makes and keeps at most one volume of each kind; computes again only when an input has changed."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[Any, tuple[Any, ...]]] = {}

    def checkerboard(self, nodes: ResultNodes) -> slicer.vtkMRMLScalarVolumeNode:
        """Fixed and warped in turn, each in the grey in which it is shown alone."""
        windows = (_window(nodes.fixed), _window(nodes.warped))
        node, stale = self._node("checkerboard", "Checkerboard (INR)", nodes, windows)
        if stale:
            values = checkerboard(_array(nodes.fixed), _array(nodes.warped), windows, nodes.warped.GetSpacing())
            _install(node, values, nodes.warped, (0.0, 255.0), "vtkMRMLColorTableNodeGrey")
        return node

    def difference(self, nodes: ResultNodes) -> slicer.vtkMRMLScalarVolumeNode:
        """Fixed minus warped in intensities of the fixed image."""
        node, stale = self._node("difference", "Fixed − warped (INR)", nodes, ())
        if stale:
            fixed, warped = _array(nodes.fixed), _array(nodes.warped)
            how = match(fixed, warped)
            colours = colour_node(node.GetScene(), "difference").GetID()
            half = half_range(how)
            _install(node, difference(fixed, warped, how), nodes.warped, (-half, half), colours)
        return node

    def strain(self, nodes: ResultNodes, name: str) -> slicer.vtkMRMLScalarVolumeNode:
        """A strain map that is not drawn where it is not defined (0)."""
        volume = getattr(nodes, name)
        image = volume.GetImageData()
        node, stale = self._node(name, f"{map_words(name).capitalize()} (INR)", nodes, (image, image.GetMTime()))
        if stale:
            values = _array(volume)
            half = strain_range(values)
            drawn = np.where(values == 0, np.float32(_NOT_DRAWN), values)
            _install(node, drawn, volume, (-half, half), colour_node(node.GetScene(), "strain").GetID())
            node.GetDisplayNode().SetThreshold(_NOT_DRAWN / 2, -_NOT_DRAWN)
            node.GetDisplayNode().SetApplyThreshold(1)
        return node

    def holds(self, node: Any) -> bool:
        """Whether a node is one of these volumes."""
        return any(node is mine for mine, _ in self._kept.values())

    def remove(self) -> None:
        """Take all of them out of the scene."""
        for node, _ in self._kept.values():
            if node.GetScene() is not None:
                display = node.GetDisplayNode()
                scene = node.GetScene()
                scene.RemoveNode(node)
                if display is not None:
                    scene.RemoveNode(display)
        self._kept = {}

    def _node(self, kind: str, name: str, nodes: ResultNodes, extra: tuple[Any, ...]) -> tuple[slicer.vtkMRMLScalarVolumeNode, bool]:
        """The volume of a kind, and whether its content is out of date."""
        state = (*((volume, volume.GetImageData(), volume.GetImageData().GetMTime()) for volume in (nodes.fixed, nodes.warped)), *extra)
        node, former = self._kept.get(kind, (None, ()))
        scene = nodes.warped.GetScene()
        if node is None or node.GetScene() is not scene:
            node, former = _hidden(scene, name), ()
        self._kept[kind] = (node, state)
        return node, state != former


def same_grid(nodes: ResultNodes) -> bool:
    """Whether the fixed image still has the grid of the warped one, in the world."""
    if nodes.fixed.GetImageData() is None or nodes.warped.GetImageData() is None:
        return False
    if nodes.fixed.GetImageData().GetDimensions() != nodes.warped.GetImageData().GetDimensions():
        return False
    ends = np.array(nodes.fixed.GetImageData().GetDimensions()) - 1.0
    corners = np.indices((2, 2, 2)).reshape(3, -1).T * ends
    return bool(np.abs(_world(nodes.fixed, corners) - _world(nodes.warped, corners)).max() < SAME_PLACE_MM)


def _world(node: slicer.vtkMRMLVolumeNode, index: np.ndarray) -> np.ndarray:
    """World positions (n, 3), RAS mm, of voxels (n, 3) i, j, k, with the parents of the volume."""
    affine, out = ijk_to_ras(node), []
    for point in index @ affine[:3, :3].T + affine[:3, 3]:
        world = [0.0, 0.0, 0.0]
        node.TransformPointToWorld(point.tolist(), world)
        out.append(world)
    return np.array(out)


def _array(node: slicer.vtkMRMLVolumeNode) -> np.ndarray:
    return np.asarray(slicer.util.arrayFromVolume(node))


def _window(node: slicer.vtkMRMLVolumeNode) -> tuple[float, float]:
    """The intensities that a volume is shown in, chosen by a person; else a robust range."""
    display = node.GetDisplayNode()
    if display is not None and not display.GetAutoWindowLevel() and display.GetWindow() > 0:
        return display.GetWindowLevelMin(), display.GetWindowLevelMax()
    return robust_window(_array(node))


def _hidden(scene: slicer.vtkMRMLScene, name: str) -> slicer.vtkMRMLScalarVolumeNode:
    display = slicer.vtkMRMLScalarVolumeDisplayNode()
    display.SetAutoWindowLevel(0)
    node = slicer.vtkMRMLScalarVolumeNode()
    node.SetName(name)
    for part in (display, node):
        part.SetHideFromEditors(1)  # before it is added, so that the subject hierarchy does not list it
        part.SetSaveWithScene(0)
        scene.AddNode(part)
    node.SetAndObserveDisplayNodeID(display.GetID())
    return node


def _install(
    node: slicer.vtkMRMLScalarVolumeNode, values: np.ndarray, like: slicer.vtkMRMLVolumeNode, window: tuple[float, float], colours: str
) -> None:
    """Put values on the grid of another volume, shown in a window and colours."""
    display = node.GetDisplayNode()
    changing = display.StartModify()
    display.SetAutoWindowLevel(0)
    display.SetWindowLevelMinMax(*window)
    display.SetAndObserveColorNodeID(colours)
    display.EndModify(changing)
    changing = node.StartModify()
    node.SetAndObserveTransformNodeID(like.GetTransformNodeID())
    node.SetAndObserveImageData(image_of(values))
    node.SetIJKToRASMatrix(to_matrix(ijk_to_ras(like)))
    node.EndModify(changing)
