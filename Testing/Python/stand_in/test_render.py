"""The offscreen views show what the nodes of the scene say."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import slicer
import vtk
from PIL import Image
from stand_in.boot import boot
from stand_in.messages import Messages
from stand_in.render import SliceView, ThreeDView

INSIDE, OUTSIDE, LEFT = (20.0, 15.0, 10.0), (20.0, 25.0, 10.0), (5.0, 5.0, 10.0)  # RAS mm


@pytest.fixture
def scene() -> Iterator[slicer.vtkMRMLScene]:
    boot().Clear()
    yield slicer.mrmlScene
    slicer.mrmlScene.Clear()


@pytest.fixture(scope="module")
def red() -> SliceView:
    with Messages():  # VTK looks for an X server before it takes EGL
        view = SliceView("Red", size=(320, 240))
        view.picture()
    return view


def box() -> np.ndarray:
    """A box of 100 in a volume of 0 whose voxel (i, j, k) is at RAS (i, j, k)."""
    values = np.zeros((20, 30, 40), np.int16)
    values[5:15, 10:20, 10:30] = 100
    return values


def show(values: np.ndarray, table: str = "Grey") -> slicer.vtkMRMLScalarVolumeNode:
    node = slicer.util.addVolumeFromArray(values)
    node.CreateDefaultDisplayNodes()
    node.GetDisplayNode().SetAndObserveColorNodeID(f"vtkMRMLColorTableNode{table}")
    node.GetDisplayNode().AutoWindowLevelOff()
    node.GetDisplayNode().SetWindowLevelMinMax(0, 200)
    return node


def colour(view: SliceView, ras: tuple[float, float, float]) -> list[int]:
    row, column = view.pixel_of(ras)
    return view.picture()[row - 1 : row + 2, column - 1 : column + 2].reshape(-1, 3).mean(0).round().astype(int).tolist()


@pytest.mark.usefixtures("scene")
def test_a_background_volume_has_its_grey_values_at_its_place(red: SliceView) -> None:
    slicer.util.setSliceViewerLayers(background=show(box()))
    red.fit()
    assert colour(red, INSIDE) == [127, 127, 127]
    assert colour(red, OUTSIDE) == [0, 0, 0]


@pytest.mark.usefixtures("scene")
@pytest.mark.parametrize("opacity", [0.0, 0.5, 1.0])
def test_the_foreground_is_blended_by_its_opacity(red: SliceView, opacity: float) -> None:
    slicer.util.setSliceViewerLayers(background=show(box()), foreground=show(0 * box() + 200, "Red"), foregroundOpacity=opacity)
    red.fit()
    expected = (1 - opacity) * np.array([127, 127, 127]) + opacity * np.array([255, 0, 0])
    assert np.abs(colour(red, INSIDE) - expected).max() <= 2


@pytest.mark.usefixtures("scene")
def test_further_layers_are_shown(red: SliceView) -> None:
    slicer.util.setSliceViewerLayers(background=show(box()))
    red.composite.SetNthLayerVolumeID(3, show(0 * box() + 200, "Green").GetID())
    red.composite.SetNthLayerOpacity(3, 1.0)
    red.fit()
    assert np.abs(np.array(colour(red, OUTSIDE)) - [0, 255, 0]).max() <= 2


@pytest.mark.usefixtures("scene")
def test_a_segment_is_shown_in_its_colour_with_its_opacity(red: SliceView) -> None:
    volume = show(box())
    slicer.util.setSliceViewerLayers(background=volume)
    segmentation = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode")
    segmentation.CreateDefaultDisplayNodes()
    segmentation.SetReferenceImageGeometryParameterFromVolumeNode(volume)
    identifier = segmentation.GetSegmentation().AddEmptySegment("box", "box", (0, 1, 0))
    slicer.util.updateSegmentBinaryLabelmapFromArray((box() > 50).astype(np.uint8), segmentation, identifier, volume)
    red.fit()
    assert np.abs(np.array(colour(red, INSIDE)) - [63, 191, 63]).max() <= 2
    assert colour(red, OUTSIDE) == [0, 0, 0]
    segmentation.SetDisplayVisibility(False)
    assert colour(red, INSIDE) == [127, 127, 127]


def test_a_volume_under_a_transform_is_shown_moved(scene: slicer.vtkMRMLScene, red: SliceView) -> None:
    volume = show(box())
    slicer.util.setSliceViewerLayers(background=volume)
    red.fit()
    transform = scene.AddNewNodeByClass("vtkMRMLTransformNode")
    volume.SetAndObserveTransformNodeID(transform.GetID())
    matrix = np.eye(4)
    matrix[1, 3] = 10.0  # to the front by 10 mm
    slicer.util.updateTransformMatrixFromArray(transform, matrix)
    assert colour(red, OUTSIDE) == [127, 127, 127]
    assert colour(red, INSIDE) == [0, 0, 0]


def test_a_warp_grid_is_drawn(scene: slicer.vtkMRMLScene, red: SliceView) -> None:
    slicer.util.setSliceViewerLayers(background=show(0 * box()))
    red.fit()
    empty = red.picture().astype(int)
    transform = scene.AddNewNodeByClass("vtkMRMLTransformNode")
    transform.CreateDefaultDisplayNodes()
    display = transform.GetDisplayNode()
    display.SetVisualizationMode(display.VIS_MODE_GRID)
    display.SetGridSpacingMm(8.0)
    display.SetVisibility(True)
    display.SetVisibility2D(True)
    assert (np.abs(red.picture() - empty).max(2) > 50).sum() > 200


def test_a_markup_is_drawn_at_its_place(scene: slicer.vtkMRMLScene, red: SliceView) -> None:
    slicer.util.setSliceViewerLayers(background=show(0 * box()))
    red.fit()
    points = scene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode")
    points.CreateDefaultDisplayNodes()
    points.GetDisplayNode().SetPointLabelsVisibility(False)
    points.GetDisplayNode().SetSelectedColor(1, 1, 0)
    height = red.logic.GetSliceOffset()
    points.AddControlPoint(20, 15, height)
    row, column = red.pixel_of((20, 15, height))
    assert red.picture()[row - 6 : row + 7, column - 6 : column + 7].reshape(-1, 3).max(0).tolist()[0] > 150


@pytest.mark.usefixtures("scene")
def test_a_picture_is_saved(red: SliceView, tmp_path: Path) -> None:
    volume = show(box())
    slicer.util.setSliceViewerLayers(background=volume)
    red.fit()
    red.save(tmp_path / "red.png")
    with Image.open(tmp_path / "red.png") as picture:
        assert picture.size == (320, 240)


def test_the_three_d_view_shows_a_model(scene: slicer.vtkMRMLScene) -> None:
    view = ThreeDView(size=(200, 200))
    before = view.picture()[100, 100].tolist()
    ball = vtk.vtkSphereSource()
    ball.SetRadius(40)
    model = slicer.modules.models.logic().AddModel(ball.GetOutputPort())
    model.GetDisplayNode().SetColor(1, 0, 0)
    view.reset_camera()
    red, green, blue = view.picture()[100, 100].tolist()
    assert before != [red, green, blue]
    assert red > green + 80
    assert view.camera is not None
    scene.RemoveNode(model)
