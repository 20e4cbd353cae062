"""All views go to one place, and cameras keep direction and distance."""

from __future__ import annotations

import numpy as np
import pytest
import slicer
from inspected import FOLDS, install, ras

from inr_registration.slicer.scene import jump, look_at, show_region_3d

PLACE = (12.5, -31.0, 44.25)


def middle(node) -> np.ndarray:
    matrix = node.GetSliceToRAS()
    return np.array([matrix.GetElement(row, 3) for row in range(3)])


def test_every_slice_view_is_centred_on_the_place(scene) -> None:
    slices = slicer.util.getNodesByClass("vtkMRMLSliceNode", scene)
    slices[0].SetSliceOffset(-80)
    jump(scene, PLACE)
    assert len(slices) >= 3
    for node in slices:
        assert np.allclose(middle(node), PLACE)


def test_the_crosshair_is_put_there_and_made_visible(scene) -> None:
    (crosshair,) = slicer.util.getNodesByClass("vtkMRMLCrosshairNode", scene)
    crosshair.SetCrosshairMode(crosshair.NoCrosshair)
    jump(scene, PLACE, show_crosshair=False)
    assert np.allclose(crosshair.GetCrosshairRAS(), PLACE)
    assert crosshair.GetCrosshairMode() == crosshair.NoCrosshair
    jump(scene, PLACE)
    assert crosshair.GetCrosshairMode() == crosshair.ShowSmallBasic
    crosshair.SetCrosshairMode(crosshair.ShowHashmarks)
    jump(scene, PLACE)
    assert crosshair.GetCrosshairMode() == crosshair.ShowHashmarks
    crosshair.SetCrosshairMode(crosshair.NoCrosshair)


def test_cameras_look_there_from_the_same_side_and_distance(scene) -> None:
    camera = scene.AddNewNodeByClass("vtkMRMLCameraNode")
    camera.SetPosition(100, 200, 300)
    camera.SetFocalPoint(10, 20, 30)
    before = np.array(camera.GetPosition()) - camera.GetFocalPoint()
    jump(scene, PLACE)
    assert np.allclose(camera.GetFocalPoint(), PLACE)
    assert np.allclose(np.array(camera.GetPosition()) - camera.GetFocalPoint(), before)
    look_at(camera, np.zeros(3))
    assert np.allclose(camera.GetPosition(), before)


def test_the_surface_of_a_segmentation_is_made_when_it_is_asked_for(scene) -> None:
    nodes = install(scene)
    segmentation = nodes.folding.GetSegmentation()
    assert not segmentation.ContainsRepresentation("Closed surface")
    assert show_region_3d(nodes.folding)
    assert segmentation.ContainsRepresentation("Closed surface")
    assert nodes.folding.GetDisplayNode().GetVisibility3D()
    import vtk

    surface = vtk.vtkPolyData()
    nodes.folding.GetClosedSurfaceRepresentation("folding", surface)
    assert surface.GetNumberOfPoints() > 10
    assert np.abs(np.array(surface.GetCenter()) - ras(FOLDS)).max() < 8


def test_a_segmentation_without_segments_has_nothing_to_show(scene) -> None:
    empty = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "empty")
    assert not show_region_3d(empty)


def test_a_jump_takes_any_three_numbers(scene) -> None:
    jump(scene, np.array([1, 2, 3], dtype=np.float32))
    assert np.allclose(middle(slicer.util.getNodesByClass("vtkMRMLSliceNode", scene)[0]), (1, 2, 3))
    with pytest.raises(TypeError):
        jump(scene, [1.0, 2.0])
