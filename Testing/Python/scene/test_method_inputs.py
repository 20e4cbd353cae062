"""Inputs that only some methods use: curves, a long axis and a ventricle, in the world."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import slicer
from test_write import a_pair
from worlds import CENTRE, LPS, OBLIQUE, deformable_node, grid_around, linear_node, turned

from inr_registration.core import InputError
from inr_registration.slicer.scene import Inputs, check_outputs
from inr_registration.slicer.scene.outputs import Outputs
from inr_registration.slicer.scene.read import read

pytestmark = pytest.mark.usefixtures("scene")

SIGNS = np.array([-1.0, -1.0, 1.0])
LINE = CENTRE + np.array([[-20.0, 0, -9], [-8, 4, -3], [6, 2, 3], [19, -5, 8]])


def markups(kind: str, points: np.ndarray, name: str = "line") -> Any:
    """A markups node with control points given in LPS."""
    node = slicer.mrmlScene.AddNewNodeByClass(f"vtkMRMLMarkups{kind}Node", name)
    for point in points:
        node.AddControlPoint(*(point * SIGNS))
    return node


def with_inputs(**more: Any) -> Inputs:
    pair = a_pair()
    return Inputs(pair.fixed, pair.moving, **more)


def distance_to(points: np.ndarray, target: np.ndarray) -> float:
    return float(np.linalg.norm(points - target, axis=1).min())


def test_a_curve_is_read_as_it_is_drawn_in_its_order() -> None:
    (line,) = read(with_inputs(centrelines=(markups("Curve", LINE),))).centrelines
    assert len(line) > 10 * len(LINE) / 2, "points between the control points too"
    np.testing.assert_allclose(line[[0, -1]], LINE[[0, -1]], atol=1e-6)
    assert max(distance_to(line, point) for point in LINE) < 1e-6
    assert (np.diff(line @ (LINE[-1] - LINE[0])) > 0).all()


def test_several_curves_keep_their_order() -> None:
    first, second = markups("Curve", LINE), markups("Curve", LINE[::-1] + 3)
    lines = read(with_inputs(centrelines=(first, second))).centrelines
    np.testing.assert_allclose([line[0] for line in lines], [LINE[0], LINE[-1] + 3], atol=1e-6)


def test_parents_of_a_curve_are_honoured(scene: Any) -> None:
    node = markups("Curve", LINE)
    node.SetAndObserveTransformNodeID(linear_node(scene, turned(25, (4, -3, 2))).GetID())
    (line,) = read(with_inputs(centrelines=(node,))).centrelines
    matrix = turned(25, (4, -3, 2))
    np.testing.assert_allclose(line[[0, -1]], LINE[[0, -1]] @ matrix[:3, :3].T + matrix[:3, 3], atol=1e-5)


def test_a_deformable_parent_bends_a_curve(scene: Any) -> None:
    node, bent = markups("Curve", LINE), deformable_node(scene)
    node.SetAndObserveTransformNodeID(bent.GetID())
    (line,) = read(with_inputs(centrelines=(node,))).centrelines
    world = [0.0, 0.0, 0.0]
    node.GetNthControlPointPositionWorld(1, world)
    assert distance_to(line, np.array(world) * SIGNS) < 0.05
    assert distance_to(line, LINE[1]) > 0.5


def test_a_closed_curve_is_refused() -> None:
    with pytest.raises(InputError, match="ring is a closed curve"):
        read(with_inputs(centrelines=(markups("ClosedCurve", LINE, "ring"),)))


@pytest.mark.parametrize("count", [0, 1])
def test_a_curve_without_a_line_is_refused(count: int) -> None:
    with pytest.raises(InputError, match="line has fewer than two placed points"):
        read(with_inputs(centrelines=(markups("Curve", LINE[:count]),)))


@pytest.mark.parametrize("kind", ["Line", "Fiducial"])
def test_the_long_axis_is_two_points_of_a_line_or_a_list(scene: Any, kind: str) -> None:
    node = markups(kind, LINE[:2])
    np.testing.assert_allclose(read(with_inputs(long_axis=node)).long_axis, LINE[:2], atol=1e-9)
    matrix = turned(8)
    node.SetAndObserveTransformNodeID(linear_node(scene, matrix).GetID())
    expected = LINE[:2] @ matrix[:3, :3].T + matrix[:3, 3]
    np.testing.assert_allclose(read(with_inputs(long_axis=node)).long_axis, expected, atol=1e-9)


@pytest.mark.parametrize("rows", [[0], [0, 1, 2], [0, 0]])
def test_another_number_of_points_is_no_axis(rows: list[int]) -> None:
    with pytest.raises(InputError, match="the apex first, then the base"):
        read(with_inputs(long_axis=markups("Fiducial", LINE[rows])))


def test_the_ventricle_is_one_segment(scene: Any) -> None:
    grid = grid_around(OBLIQUE)
    node = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "heart")
    node.CreateDefaultDisplayNodes()
    sizes = {}
    for name, box in (("left", np.s_[3:9, 4:12, 5:13]), ("right", np.s_[10:13, 4:8, 5:9])):
        labels = np.zeros(grid.shape, np.uint8)
        labels[box] = 1
        sizes[name] = int(labels.sum())
        volume = slicer.util.addVolumeFromArray(labels, LPS @ grid.affine, name, "vtkMRMLLabelMapVolumeNode")
        slicer.modules.segmentations.logic().ImportLabelmapToSegmentationNode(volume, node)
    left = node.GetSegmentation().GetNthSegmentID(0)
    ventricle = read(with_inputs(ventricle=node, ventricle_segment=left)).ventricle
    assert ventricle is not None
    assert int(ventricle.inside().sum()) == sizes["left"]
    both = read(with_inputs(ventricle=node)).ventricle
    assert both is not None
    assert int(both.inside().sum()) == sum(sizes.values())


def test_a_node_that_left_the_scene_is_refused(scene: Any) -> None:
    node = markups("Curve", LINE, "vessel")
    scene.RemoveNode(node)
    with pytest.raises(InputError, match="vessel is no longer in the scene"):
        read(with_inputs(centrelines=(node,)))


def test_nothing_is_read_where_nothing_is_given() -> None:
    problem = read(with_inputs())
    assert (problem.centrelines, problem.long_axis, problem.ventricle) == ((), None, None)


def test_a_label_map_that_is_an_input_is_no_output(scene: Any) -> None:
    labels = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "heart")
    with pytest.raises(InputError, match="heart is an input"):
        check_outputs(with_inputs(ventricle=labels), Outputs(warped=labels))
