"""The overlays change the views as they say and put everything back exactly."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest

import numpy as np
import pytest
import slicer
from inspected import GRID, LESION, install, problem_and_arrays
from stand_in.boot import application_logic

from inr_registration.core import MAPS
from inr_registration.slicer.scene import (
    MODES,
    NAMES,
    SHADE,
    Overlays,
    ResultNodes,
    all_results,
    colour_node,
    field_size,
    table,
)


@pytest.fixture
def nodes(scene) -> ResultNodes:
    return install(scene)


@pytest.fixture
def overlays(scene) -> Iterator[Overlays]:
    made = Overlays(scene)
    yield made
    made.close()


def composites(scene) -> list:
    return slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode", scene)


def state(scene) -> str:
    """Everything that the scene would write to a file."""
    scene.SetSaveToXMLString(1)
    try:
        scene.Commit()
        return scene.GetSceneXMLString()
    finally:
        scene.SetSaveToXMLString(0)


def changes(before: str, after: str) -> list[str]:
    """The attributes that differ, line by line, but for one that the slice logic settles when it first shows a volume."""
    parts = [[line.replace('" ', '"\n').split("\n") for line in text.split("\n")] for text in (before, after)]
    if len(parts[0]) != len(parts[1]):
        return [line[0] for line in parts[0] + parts[1] if line not in parts[0] or line not in parts[1]]
    return [
        f"{a[0][:40]}: {x} -> {y}"
        for a, b in zip(*parts, strict=True)
        for x, y in zip_longest(a, b)
        if x != y and "uvwExtents" not in str(x)
    ]


def set_up_views(scene, nodes: ResultNodes) -> None:
    """Views as a user may have left them, each one different."""
    for n, composite in enumerate(composites(scene)):
        composite.SetBackgroundVolumeID(nodes.moving.GetID())
        composite.SetForegroundVolumeID(nodes.jacobian.GetID() if n else None)
        composite.SetForegroundOpacity(0.1 * n)
        composite.SetCompositing(2 if n == 1 else 0)
    nodes.jacobian.GetDisplayNode().SetWindowLevelMinMax(0.3, 1.2)
    nodes.folding.GetDisplayNode().SetVisibility(0)


@pytest.mark.parametrize("mode", MODES)
def test_reset_puts_the_whole_scene_back_as_it_was(scene, nodes, overlays, mode: str) -> None:
    set_up_views(scene, nodes)
    colour_node(scene, "jacobian"), colour_node(scene, "uncertainty"), colour_node(scene, "difference"), colour_node(scene, "strain")
    before = state(scene)
    overlays.show(mode, nodes)
    assert overlays.current == mode
    assert changes(before, state(scene))
    overlays.reset()
    assert overlays.current is None
    assert changes(before, state(scene)) == []


def test_reset_after_many_modes_puts_back_what_was_before_the_first(scene, nodes, overlays) -> None:
    set_up_views(scene, nodes)
    for kind in NAMES:
        colour_node(scene, kind)
    before = state(scene)
    for mode in (*MODES, "jacobian", "jacobian", *reversed(MODES)):
        overlays.show(mode, nodes)
    overlays.reset()
    assert changes(before, state(scene)) == []
    overlays.reset()
    assert changes(before, state(scene)) == []


def test_a_legend_and_a_grid_of_the_user_come_back_as_they_were(scene, nodes, overlays) -> None:
    for kind in NAMES:
        colour_node(scene, kind)
    legend = slicer.vtkSlicerColorLogic.AddDefaultColorLegendDisplayNode(nodes.jacobian)
    legend.SetTitleText("mine")
    legend.SetVisibility(0)
    nodes.transform.CreateDefaultDisplayNodes()
    nodes.transform.GetDisplayNode().SetGridSpacingMm(33)
    nodes.transform.GetDisplayNode().SetColor(0.1, 0.2, 0.3)
    before = state(scene)
    overlays.show("jacobian", nodes)
    assert legend.GetVisibility()
    assert legend.GetTitleText() == "det J"
    overlays.show("warp_grid", nodes)
    assert nodes.transform.GetDisplayNode().GetGridSpacingMm() != 33
    overlays.reset()
    assert changes(before, state(scene)) == []


@pytest.mark.parametrize(
    ("mode", "background", "foreground"),
    [("blend", "fixed", "warped"), ("jacobian", "fixed", "jacobian"), ("uncertainty", "fixed", "uncertainty"), ("warp_grid", "fixed", "")],
)
def test_every_slice_view_shows_the_volumes_of_the_mode(scene, nodes, overlays, mode, background, foreground) -> None:
    overlays.show(mode, nodes)
    assert len(composites(scene)) >= 3
    for composite in composites(scene):
        assert composite.GetBackgroundVolumeID() == getattr(nodes, background).GetID()
        assert (composite.GetForegroundVolumeID() or "") == (getattr(nodes, foreground).GetID() if foreground else "")
        assert composite.GetForegroundOpacity() == pytest.approx(0 if mode == "warp_grid" else 0.5)


def test_only_an_uncertainty_that_is_not_known_has_no_colour(nodes, overlays) -> None:
    values = np.full(GRID.shape, 5.0, np.float32)
    values[0], values[1] = -1.0, 0.001  # not known, and nearly certain
    slicer.util.updateVolumeFromArray(nodes.uncertainty, values)
    overlays.show("uncertainty", nodes)
    display = nodes.uncertainty.GetDisplayNode()
    assert display.GetApplyThreshold()
    assert -1.0 < display.GetLowerThreshold() < 0.001
    assert display.GetWindowLevelMax() == pytest.approx(5.0)


def test_the_jacobian_is_shown_symmetrically_around_one(nodes, overlays) -> None:
    overlays.show("jacobian", nodes)
    display = nodes.jacobian.GetDisplayNode()
    assert (display.GetWindowLevelMin(), display.GetWindowLevelMax()) == (0.0, 2.0)
    assert display.GetColorNode().GetAttribute("INRRegistration.Colours") == "jacobian"
    assert nodes.folding.GetDisplayNode().GetVisibility()


def test_the_middle_of_a_diverging_table_is_neutral_and_its_ends_differ() -> None:
    for kind, neutral in (("jacobian", (1, 1, 1)), ("difference", (12 / 255, 12 / 255, 14 / 255))):
        colours = table(kind)
        assert np.allclose(colours[127], neutral)
        assert np.allclose(colours[128], neutral)
        assert colours[0][2] > colours[0][0]
        assert colours[-1][0] > colours[-1][2]
    assert (np.diff(table("uncertainty").sum(axis=1)) > 0).all()


def test_the_warp_grid_is_drawn_in_2d_with_round_spacing(nodes, overlays) -> None:
    overlays.show("warp_grid", nodes)
    display = nodes.transform.GetDisplayNode()
    assert display.GetVisibility2D()
    assert display.GetVisualizationMode() == display.VIS_MODE_GRID
    assert display.GetGridSpacingMm() == 10.0
    assert display.GetRegionNode() is nodes.fixed


def test_the_checkerboard_shows_both_images_in_turn(nodes, overlays, scene) -> None:
    overlays.show("checkerboard", nodes)
    volume = scene.GetNodeByID(composites(scene)[0].GetBackgroundVolumeID())
    values = slicer.util.arrayFromVolume(volume)
    problem, arrays = problem_and_arrays()
    shown = [np.clip(image * 255 / 180, 0, 255).astype(np.uint8) for image in (problem.fixed.values, arrays.warped)]
    sides = field_size(values.shape, GRID.spacing)
    k, j, i = (np.indices(values.shape)[axis] // sides[axis] for axis in range(3))
    odd = (k + j + i) % 2 == 1
    assert np.abs(values[~odd].astype(int) - shown[0][~odd]).max() <= 1
    assert np.abs(values[odd].astype(int) - SHADE * shown[1][odd]).max() <= 1


def test_the_difference_keeps_its_sign_and_is_small_where_the_images_agree(nodes, overlays, scene) -> None:
    overlays.show("difference", nodes)
    values = slicer.util.arrayFromVolume(scene.GetNodeByID(composites(scene)[0].GetBackgroundVolumeID()))
    i, j, k = np.rint(GRID.to_index(LESION)).astype(int)
    assert values[k, j, i] == pytest.approx(60, abs=8)
    assert np.abs(values[k, j + 20, i]) < 8


def test_volumes_made_here_are_hidden_not_saved_and_used_again(nodes, overlays, scene) -> None:
    overlays.show("checkerboard", nodes)
    first = scene.GetNodeByID(composites(scene)[0].GetBackgroundVolumeID())
    assert first.GetHideFromEditors()
    assert not first.GetSaveWithScene()
    assert not first.GetDisplayNode().GetSaveWithScene()
    image = first.GetImageData()
    overlays.show("blend", nodes)
    overlays.show("checkerboard", nodes)
    assert scene.GetNodeByID(composites(scene)[0].GetBackgroundVolumeID()) is first
    assert first.GetImageData() is image
    slicer.util.arrayFromVolume(nodes.warped)[:] = 0
    slicer.util.arrayFromVolumeModified(nodes.warped)
    nodes.warped.GetImageData().Modified()
    overlays.show("checkerboard", nodes)
    assert first.GetImageData() is not image
    count = scene.GetNumberOfNodes()
    overlays.close()
    assert first.GetScene() is None
    assert scene.GetNumberOfNodes() == count - 2
    overlays.close()


def test_it_works_again_after_saving_and_reopening(nodes, overlays, scene, tmp_path) -> None:
    overlays.show("jacobian", nodes)
    assert scene.WriteToMRB(str(tmp_path / "scene.mrb"))
    scene.Clear()
    assert overlays.current is None
    (tmp_path / "open").mkdir()
    assert application_logic().OpenSlicerDataBundle(str(tmp_path / "scene.mrb"), str(tmp_path / "open"))
    (reopened,) = all_results(scene)
    colours = [
        node for node in slicer.util.getNodesByClass("vtkMRMLColorTableNode") if node.GetAttribute("INRRegistration.Colours") == "jacobian"
    ]
    assert len(colours) == 1
    assert reopened.jacobian.GetDisplayNode().GetColorNode() is colours[0]
    rgba = np.zeros(4)
    for entry, expected in enumerate(table("jacobian")):
        colours[0].GetColor(entry, rgba)
        assert np.allclose(rgba[:3], expected, atol=0.005)
    for mode in MODES:
        overlays.show(mode, reopened)
    overlays.reset()


def test_nodes_that_were_deleted_meanwhile_do_no_harm(nodes, overlays, scene) -> None:
    set_up_views(scene, nodes)
    overlays.show("checkerboard", nodes)
    scene.RemoveNode(nodes.moving)  # the former background
    scene.RemoveNode(nodes.jacobian)  # a former foreground
    overlays.show("blend", nodes)
    overlays.show("difference", nodes)
    scene.RemoveNode(nodes.warped)
    assert "warped image" in overlays.available("blend", nodes)
    assert "det J map" in overlays.available("jacobian", nodes)
    overlays.reset()
    for composite in composites(scene):
        assert "INR)" not in (scene.GetNodeByID(composite.GetBackgroundVolumeID()).GetName() if composite.GetBackgroundVolumeID() else "")


def test_closing_the_scene_leaves_nothing_to_put_back(nodes, overlays, scene) -> None:
    set_up_views(scene, nodes)
    overlays.show("checkerboard", nodes)
    scene.Clear()
    assert overlays.current is None
    again = install(scene)
    for composite in composites(scene):
        composite.SetBackgroundVolumeID(again.fixed.GetID())
        composite.SetForegroundOpacity(0.77)
    before = state(scene)
    overlays.reset()
    assert changes(before, state(scene)) == []
    assert "no longer in the scene" in overlays.available("blend", nodes)
    overlays.show("difference", again)


def test_a_reason_says_why_a_mode_cannot_be_shown(scene, overlays) -> None:
    nodes = install(scene, uncertainty=False)
    assert overlays.available("uncertainty", nodes) == "This method gives no uncertainty."
    assert [mode for mode in MODES if not overlays.available(mode, nodes)] == [
        mode for mode in MODES if mode != "uncertainty" and mode not in MAPS
    ]
    with pytest.raises(ValueError, match="no uncertainty"):
        overlays.show("uncertainty", nodes)
    assert "no result" in overlays.available("blend", None)
    moved = scene.AddNewNodeByClass("vtkMRMLTransformNode", "moved")
    matrix = slicer.util.vtkMatrixFromArray(np.diag([1.0, 1.0, 1.2, 1.0]))
    moved.SetMatrixTransformToParent(matrix)
    nodes.fixed.SetAndObserveTransformNodeID(moved.GetID())
    assert "voxel on voxel" in overlays.available("difference", nodes)
    assert overlays.available("blend", nodes) == ""
