"""A result in the scene: Slicer shows what we computed, wherever the images lie."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import slicer
import vtk
from worlds import (
    CENTRE,
    DIRECTIONS,
    OBLIQUE,
    a_map,
    a_result,
    add_volume,
    array_of,
    deformable_node,
    grid_around,
    indices,
    linear_node,
    phi,
    pulled,
    resampled_by_mrml,
    turned,
    volume_on,
    world_affine,
)

from inr_registration.core import UNKNOWN_MM, Problem
from inr_registration.slicer.scene import Inputs, ResultNodes, SceneArrays, scene_arrays
from inr_registration.slicer.scene.outputs import Outputs
from inr_registration.slicer.scene.read import read
from inr_registration.slicer.scene.write import write

pytestmark = pytest.mark.usefixtures("scene")

SIGNS = np.array([-1.0, -1.0, 1.0])


def a_pair(direction: str = "oblique", other: str = "flipped") -> Inputs:
    fixed = add_volume(volume_on(grid_around(DIRECTIONS[direction])), "CT 1")
    moving = add_volume(volume_on(grid_around(DIRECTIONS[other], (30, 26, 28), (2.1, 2.4, 1.9))), "CT 2")
    return Inputs(fixed, moving)


def registered(inputs: Inputs, outputs: Outputs | None = None, seed: int = 0, **options: Any) -> tuple[Problem, SceneArrays, ResultNodes]:
    """Read, answer with a known map, write."""
    problem = read(inputs)
    arrays = scene_arrays(problem, a_result(problem, a_map(problem.fixed.grid, seed), uncertainty=True), **options)
    return problem, arrays, write(inputs, outputs or Outputs(), arrays)


def assert_slicer_shows_the_warped_image(problem: Problem, arrays: SceneArrays, nodes: ResultNodes, tolerance: float = 1e-3) -> None:
    """MRML resamples the moving node, through all that it lies under, to the same picture."""
    points = problem.fixed.grid.to_world(indices(problem.fixed.grid))
    mapped = phi(arrays.transform, points.reshape(-1, 3)).reshape(points.shape)
    _, inside = pulled(problem.moving, mapped)
    shown = resampled_by_mrml(nodes.moving, nodes.warped)
    inside &= in_the_original(nodes.moving, points)
    assert inside.mean() > 0.3
    difference = np.abs(shown - arrays.warped)[inside]
    assert difference.max() < tolerance
    unmoved, _ = pulled(problem.moving, points)
    assert np.abs(unmoved - arrays.warped)[inside].max() > 10, "the map must matter"
    np.testing.assert_array_equal(array_of(nodes.warped), arrays.warped)


def in_the_original(node: Any, points: np.ndarray) -> np.ndarray:
    """Whether what MRML shows at world points (..., 3) LPS lies in the node's own image, which a resampled one may exceed."""
    matrix, size, local = vtk.vtkMatrix4x4(), np.array(node.GetImageData().GetDimensions()), [0.0, 0.0, 0.0]
    node.GetRASToIJKMatrix(matrix)
    inside = []
    for point in points.reshape(-1, 3) * SIGNS:
        node.TransformPointFromWorld(point, local)
        index = np.array(matrix.MultiplyPoint((*local, 1.0))[:3])
        inside.append(((index >= 1) & (index <= size - 2)).all())
    return np.reshape(inside, points.shape[:-1])


@pytest.mark.parametrize("other", ["aligned", "flipped", "sheared"])
@pytest.mark.parametrize("direction", DIRECTIONS)
def test_slicer_shows_the_warped_image_on_every_kind_of_grid(direction: str, other: str) -> None:
    inputs = a_pair(direction, other)
    problem, arrays, nodes = registered(inputs)
    assert_slicer_shows_the_warped_image(problem, arrays, nodes)
    np.testing.assert_allclose(world_affine(nodes.warped), problem.fixed.grid.affine, atol=1e-9)
    assert nodes.warped.GetImageData().GetDimensions() == inputs.fixed.GetImageData().GetDimensions()


def test_without_the_transform_the_test_above_would_fail() -> None:
    problem, arrays, nodes = registered(a_pair())
    nodes.transform.Inverse()
    with pytest.raises(AssertionError):
        assert_slicer_shows_the_warped_image(problem, arrays, nodes)


@pytest.mark.parametrize("form", ["spline", "grid"])
@pytest.mark.parametrize(("above_fixed", "above_moving"), [("linear", "nothing"), ("nothing", "linear"), ("shared", "shared")])
def test_linear_parents_are_honoured(scene: Any, above_fixed: str, above_moving: str, form: str) -> None:
    inputs = a_pair()
    shared = linear_node(scene, turned(12, (5.0, -7.0, 3.0)), "shared")
    for volume, above in ((inputs.fixed, above_fixed), (inputs.moving, above_moving)):
        if above != "nothing":
            node = shared if above == "shared" else linear_node(scene, turned(-6, (2.0, 3.0, -4.0)))
            volume.SetAndObserveTransformNodeID(node.GetID())
    before = world_affine(inputs.fixed)
    problem, arrays, nodes = registered(inputs, form=form)
    assert_slicer_shows_the_warped_image(problem, arrays, nodes, 1e-3 if form == "spline" else 1.0)
    np.testing.assert_allclose(world_affine(nodes.warped), before, atol=1e-9)
    np.testing.assert_allclose(world_affine(inputs.fixed), before, atol=1e-9)


def test_a_deformable_parent_of_the_moving_volume_is_honoured(scene: Any) -> None:
    inputs = a_pair()
    bent = deformable_node(scene)
    inputs.moving.SetAndObserveTransformNodeID(bent.GetID())
    problem, arrays, nodes = registered(inputs)
    assert_slicer_shows_the_warped_image(problem, arrays, nodes, 6.0)  # of 180: the problem's image was resampled once more
    assert inputs.moving.GetNodeReference("INRRegistration.parent") is bent


def test_a_deformable_parent_of_the_fixed_volume_is_honoured(scene: Any) -> None:
    inputs = a_pair()
    inputs.fixed.SetAndObserveTransformNodeID(deformable_node(scene).GetID())
    problem, arrays, nodes = registered(inputs)
    assert_slicer_shows_the_warped_image(problem, arrays, nodes)
    np.testing.assert_allclose(world_affine(nodes.warped), problem.fixed.grid.affine, atol=1e-9)


@pytest.mark.parametrize("form", ["spline", "grid"])
def test_points_of_the_moving_image_go_to_the_fixed_one(scene: Any, form: str) -> None:
    _, arrays, nodes = registered(a_pair(), form=form)
    targets = CENTRE + np.random.default_rng(4).uniform(-12, 12, (20, 3))
    points = scene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", "points")
    for place in phi(arrays.transform, targets) * SIGNS:
        points.AddControlPoint(*place.tolist())
    points.SetAndObserveTransformNodeID(nodes.transform.GetID())
    shown = slicer.util.arrayFromMarkupsControlPoints(points, world=True) * SIGNS
    assert np.abs(shown - phi(arrays.transform, targets)).max() > 3
    np.testing.assert_allclose(shown, targets, atol=0.02 if form == "spline" else 0.1)


def test_a_segmentation_of_the_moving_image_goes_with_it(scene: Any) -> None:
    problem, arrays, nodes = registered(a_pair())
    moving, fixed = problem.moving.grid, problem.fixed.grid
    organ = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "organ")
    nodes.moving.SetAndObserveTransformNodeID(None)  # segments are drawn on the image as it was
    organ.SetReferenceImageGeometryParameterFromVolumeNode(nodes.moving)
    organ.GetSegmentation().AddEmptySegment("ball", "ball")
    ball = np.linalg.norm(moving.to_world(indices(moving)) - CENTRE, axis=-1) < 11
    slicer.util.updateSegmentBinaryLabelmapFromArray(ball.astype(np.uint8), organ, "ball", nodes.moving)
    organ.SetAndObserveTransformNodeID(nodes.transform.GetID())
    shown = slicer.util.arrayFromSegmentBinaryLabelmap(organ, "ball", nodes.warped) > 0
    mapped = phi(arrays.transform, fixed.to_world(indices(fixed)).reshape(-1, 3)).reshape(*fixed.shape, 3)
    expected = np.linalg.norm(mapped - CENTRE, axis=-1) < 11
    unmoved = np.linalg.norm(fixed.to_world(indices(fixed)) - CENTRE, axis=-1) < 11
    assert dice(shown, expected) > 0.85, "voxels of 2 to 3 mm, cut twice"
    assert dice(unmoved, expected) < 0.8
    middles = [np.argwhere(mask).mean(axis=0) for mask in (shown, expected, unmoved)]
    assert np.linalg.norm(middles[0] - middles[1]) < 0.2
    assert np.linalg.norm(middles[2] - middles[1]) > 0.8


def dice(first: np.ndarray, second: np.ndarray) -> float:
    return float(2 * (first & second).sum() / (first.sum() + second.sum()))


def test_writing_leaves_the_inputs_as_they_were(scene: Any) -> None:
    inputs = a_pair()
    parent = linear_node(scene, turned())
    inputs.moving.SetAndObserveTransformNodeID(parent.GetID())
    before = [(array_of(node).tobytes(), node.GetName()) for node in (inputs.fixed, inputs.moving)]
    registered(inputs)
    assert [(array_of(node).tobytes(), node.GetName()) for node in (inputs.fixed, inputs.moving)] == before
    np.testing.assert_allclose(slicer.util.arrayFromTransformMatrix(parent)[:3, 3] * SIGNS, turned()[:3, 3], atol=1e-9)
    assert parent.GetTransformNodeID() is None
    assert inputs.fixed.GetTransformNodeID() is None


def test_images_are_not_copied_and_outlive_the_arrays() -> None:
    _, arrays, nodes = registered(a_pair())
    arrays.jacobian[1, 2, 3] = 1.75
    assert array_of(nodes.jacobian)[1, 2, 3] == 1.75
    expected = arrays.warped.copy()
    del arrays
    np.testing.assert_array_equal(array_of(nodes.warped), expected)


def test_maps_are_shown_in_windows_that_mean_something() -> None:
    inputs = a_pair()
    theirs = inputs.moving.GetDisplayNode()
    theirs.SetAutoWindowLevel(0)
    theirs.SetWindowLevelMinMax(20, 170)
    _, _, nodes = registered(inputs)
    windows = {part: getattr(nodes, part).GetDisplayNode() for part in ("warped", "jacobian", "uncertainty")}
    shown = {part: (display.GetWindowLevelMin(), display.GetWindowLevelMax()) for part, display in windows.items()}
    assert shown == {"warped": (20, 170), "jacobian": (0, 2), "uncertainty": (0, pytest.approx(0.5))}
    assert not any(display.GetAutoWindowLevel() for display in windows.values())


def test_a_method_without_uncertainty_makes_no_uncertainty_node() -> None:
    inputs = a_pair()
    problem = read(inputs)
    nodes = write(inputs, Outputs(), scene_arrays(problem, a_result(problem, a_map(problem.fixed.grid))))
    assert nodes.uncertainty is None
    assert slicer.util.getNodes("*uncertainty*") == {}


def test_folding_is_a_segmentation_of_its_own() -> None:
    _, arrays, nodes = registered(a_pair())
    det = arrays.jacobian
    for segment, expected in (("folding", det <= 0), ("compressed", (det > 0) & (det < 0.3))):
        shown = slicer.util.arrayFromSegmentBinaryLabelmap(nodes.folding, segment, nodes.warped) > 0
        np.testing.assert_array_equal(shown, expected)
        assert expected.sum() in (1, 2)
    assert nodes.folding.GetSegmentation().GetSegment("folding").GetColor() == (1.0, 0.0, 1.0)
    assert nodes.folding.GetDisplayNode().GetSegmentVisibility("folding")
    assert not nodes.folding.GetDisplayNode().GetSegmentVisibility("compressed")


def test_a_map_that_does_not_fold_has_empty_segments() -> None:
    inputs = a_pair()
    problem = read(inputs)
    arrays = scene_arrays(problem, a_result(problem, a_map(problem.fixed.grid), folding=0.9), threshold=0.1)
    nodes = write(inputs, Outputs(), arrays)
    assert nodes.folding.GetSegmentation().GetNumberOfSegments() == 2
    assert arrays.regions == ()
    assert not (slicer.util.arrayFromSegmentBinaryLabelmap(nodes.folding, "folding", nodes.warped)).any()


def test_outside_the_mask_maps_are_neutral() -> None:
    inputs = a_pair()
    mask = np.zeros(grid_around(OBLIQUE).shape, dtype=np.uint8)
    mask[6:14, 6:14, 6:14] = 1
    label = slicer.util.addVolumeFromArray(mask, None, "mask", "vtkMRMLLabelMapVolumeNode")
    label.CopyOrientation(inputs.fixed)
    _, arrays, nodes = registered(Inputs(inputs.fixed, inputs.moving, fixed_mask=label))
    assert (array_of(nodes.jacobian)[mask == 0] == 1).all()
    assert (array_of(nodes.uncertainty)[mask == 0] == UNKNOWN_MM).all()
    assert [region.kind for region in arrays.regions] == ["compressed"], "the fold lies outside the mask"


def test_what_is_not_a_number_never_reaches_the_scene() -> None:
    inputs = a_pair()
    problem = read(inputs)
    result = a_result(problem, a_map(problem.fixed.grid), uncertainty=True)
    for volume in (result.warped, result.jacobian, result.uncertainty):
        volume.values.base[2, 2, 2:5] = np.nan, np.inf, -np.inf
    nodes = write(inputs, Outputs(), scene_arrays(problem, result))
    for node, neutral in ((nodes.warped, 0), (nodes.jacobian, 1), (nodes.uncertainty, UNKNOWN_MM)):
        assert array_of(node)[2, 2, 2:5].tolist() == [neutral] * 3
