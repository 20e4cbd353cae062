"""Masks, structures and landmarks out of the scene."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import slicer
import vtk
from test_read import unchanged
from worlds import CENTRE, OBLIQUE, SHEAR, add_volume, deformable_node, grid_around, indices, linear_node, turned, volume_on

from inr_registration.core import Grid, InputError, Problem, Volume
from inr_registration.slicer.scene import Inputs, on_grid, read_structures, whole
from inr_registration.slicer.scene.read import read

pytestmark = pytest.mark.usefixtures("scene")

SIGNS = np.array([-1.0, -1.0, 1.0])


@pytest.fixture
def fixed() -> Any:
    return add_volume(volume_on(grid_around(OBLIQUE)), "fixed")


@pytest.fixture
def moving() -> Any:
    return add_volume(volume_on(grid_around(np.eye(3), (20, 20, 20), (2.5, 2.5, 2.5))), "moving")


def near(*offset: float) -> np.ndarray:
    return CENTRE + np.array(offset)


def ball(centre: Any, radius: float, grid: Grid) -> np.ndarray:
    return np.linalg.norm(grid.to_world(indices(grid)) - centre, axis=-1) < radius


def segmentation(scene: Any, reference: Any, name: str, **masks: np.ndarray) -> Any:
    node = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", name)
    node.SetReferenceImageGeometryParameterFromVolumeNode(reference)
    for segment, mask in masks.items():
        node.GetSegmentation().AddEmptySegment(segment, segment)
        if mask.any():
            slicer.util.updateSegmentBinaryLabelmapFromArray(mask.astype(np.uint8), node, segment, reference)
    return node


def centre_of(mask: Volume) -> np.ndarray:
    return np.asarray(mask.grid.to_world(np.argwhere(mask.inside())[:, ::-1]).mean(axis=0))


def two_balls(scene: Any, volume: Any, grid: Grid) -> tuple[Any, np.ndarray, np.ndarray]:
    left, right = near(-9.0, 0, 0), near(9.0, 4.0, 0)
    return segmentation(scene, volume, "organs", left=ball(left, 7, grid), right=ball(right, 8, grid)), left, right


def test_a_segment_is_a_mask_where_slicer_shows_it(scene: Any, fixed: Any, moving: Any) -> None:
    node, left, right = two_balls(scene, fixed, grid_around(OBLIQUE))
    for segment, centre in (("left", left), ("right", right)):
        mask = read(Inputs(fixed, moving, fixed_mask=node, fixed_mask_segment=segment)).fixed_mask
        assert np.abs(centre_of(mask) - centre).max() < 0.5
        reference = slicer.util.arrayFromSegmentBinaryLabelmap(node, segment, fixed) > 0
        np.testing.assert_array_equal(whole(mask, grid_around(OBLIQUE)), reference)


def test_without_a_segment_all_of_them_count(scene: Any, fixed: Any, moving: Any) -> None:
    grid = grid_around(OBLIQUE)
    node, left, right = two_balls(scene, fixed, grid)
    mask = read(Inputs(fixed, moving, fixed_mask=node)).fixed_mask
    np.testing.assert_array_equal(whole(mask, grid), ball(left, 7, grid) | ball(right, 8, grid))


def test_overlapping_segments_lose_nothing(scene: Any, fixed: Any, moving: Any) -> None:
    grid = grid_around(OBLIQUE)
    node = segmentation(scene, fixed, "nested", outer=ball(CENTRE, 12, grid), inner=ball(CENTRE, 5, grid))
    inputs = Inputs(fixed, moving, fixed_mask=node, fixed_mask_segment="outer", fixed_segmentation=node)
    reference = slicer.util.arrayFromSegmentBinaryLabelmap(node, "outer", fixed) > 0
    np.testing.assert_array_equal(whole(read(inputs).fixed_mask, grid), reference)
    assert [structure.name for structure in read_structures(inputs)] == ["outer", "inner"]


def test_parents_of_segmentation_and_volume_count_each_for_itself(scene: Any, fixed: Any, moving: Any) -> None:
    node, left, _ = two_balls(scene, fixed, grid_around(OBLIQUE))
    shift = linear_node(scene, turned(0, (20.0, -10.0, 5.0)))
    node.SetAndObserveTransformNodeID(shift.GetID())
    mask = read(Inputs(fixed, moving, fixed_mask=node, fixed_mask_segment="left")).fixed_mask
    assert np.abs(centre_of(mask) - left - [20.0, -10.0, 5.0]).max() < 0.5


def test_a_segment_under_a_deformable_parent_is_bent_with_it(scene: Any, fixed: Any, moving: Any) -> None:
    node, _, right = two_balls(scene, fixed, grid_around(OBLIQUE))
    bent = deformable_node(scene)
    node.SetAndObserveTransformNodeID(bent.GetID())
    with unchanged(scene):
        mask = read(Inputs(fixed, moving, fixed_mask=node, fixed_mask_segment="right")).fixed_mask
    back = vtk.vtkGeneralTransform()
    bent.GetTransformFromWorld(back)
    places = mask.grid.to_world(indices(mask.grid)).reshape(-1, 3) * SIGNS
    there = np.array([back.TransformPoint(place) for place in places]).reshape(*mask.grid.shape, 3) * SIGNS
    expected, unbent = (np.linalg.norm(points - right, axis=-1) < 8 for points in (there, mask.grid.to_world(indices(mask.grid))))
    assert dice(mask.values, expected) > 0.85, "voxels of 2 to 3 mm, cut twice"
    assert dice(unbent, expected) < 0.8


def dice(first: np.ndarray, second: np.ndarray) -> float:
    return float(2 * (first & second).sum() / (first.sum() + second.sum()))


def test_a_segment_that_is_only_a_surface_is_turned_into_voxels_in_a_copy(scene: Any, fixed: Any, moving: Any) -> None:
    sphere = vtk.vtkSphereSource()
    sphere.SetCenter(*(CENTRE * SIGNS))
    sphere.SetRadius(8)
    sphere.SetThetaResolution(24)
    sphere.SetPhiResolution(24)
    sphere.Update()
    node = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "surface")
    node.SetReferenceImageGeometryParameterFromVolumeNode(fixed)
    node.GetSegmentation().SetSourceRepresentationName("Closed surface")
    node.AddSegmentFromClosedSurfaceRepresentation(sphere.GetOutput(), "ball", [1, 0, 0], "ball")
    mask = read(Inputs(fixed, moving, fixed_mask=node)).fixed_mask
    volume = mask.values.sum() * abs(np.linalg.det(mask.grid.affine[:3, :3]))
    assert volume == pytest.approx(4 / 3 * np.pi * 8**3, rel=0.1)
    assert np.abs(centre_of(mask) - CENTRE).max() < 0.7
    assert not node.GetSegmentation().ContainsRepresentation("Binary labelmap")


def test_every_label_of_a_label_map_counts(scene: Any, fixed: Any, moving: Any) -> None:
    grid = grid_around(OBLIQUE @ SHEAR, (14, 15, 16))
    labels = np.zeros(grid.shape, np.int16)
    labels[2:8, 3:9, 4:9], labels[10:12, 3:9, 4:9] = 3, -1
    node = add_volume(Volume(labels, grid), "labels", "vtkMRMLLabelMapVolumeNode")
    node.SetAndObserveTransformNodeID(linear_node(scene, turned(5)).GetID())
    problem = read(Inputs(fixed, moving, moving_mask=node))
    np.testing.assert_array_equal(problem.moving_mask.values, labels != 0)
    np.testing.assert_allclose(problem.moving_mask.grid.affine, turned(5) @ grid.affine, atol=1e-9)


@pytest.mark.parametrize("segment", ["", "nothing"])
def test_an_empty_mask_is_refused(scene: Any, fixed: Any, moving: Any, segment: str) -> None:
    node = segmentation(scene, fixed, "organs", nothing=np.zeros(grid_around(OBLIQUE).shape, bool))
    with pytest.raises(InputError, match=r"organs: nothing: this mask is empty; draw something"):
        read(Inputs(fixed, moving, fixed_mask=node, fixed_mask_segment=segment))


def test_a_segmentation_without_segments_is_refused(scene: Any, fixed: Any, moving: Any) -> None:
    with pytest.raises(InputError, match="organs: this segmentation has no segment"):
        read(Inputs(fixed, moving, fixed_mask=segmentation(scene, fixed, "organs")))


def test_a_segment_that_is_gone_is_named_with_what_there_is(scene: Any, fixed: Any, moving: Any) -> None:
    node, *_ = two_balls(scene, fixed, grid_around(OBLIQUE))
    with pytest.raises(InputError, match=r"organs: there is no segment with the ID 'liver' \(there are: left, right\)"):
        read(Inputs(fixed, moving, fixed_mask=node, fixed_mask_segment="liver"))


def test_structures_are_cropped_segments_on_the_fixed_grid(scene: Any, fixed: Any, moving: Any) -> None:
    grid = grid_around(OBLIQUE)
    node, *_ = two_balls(scene, fixed, grid)
    node.GetSegmentation().AddEmptySegment("empty", "empty")
    for parent in (None, linear_node(scene, turned(15, (6.0, 1.0, -2.0)))):
        node.SetAndObserveTransformNodeID(None if parent is None else parent.GetID())
        structures = read_structures(Inputs(fixed, moving, fixed_segmentation=node))
        assert [structure.name for structure in structures] == ["left", "right"]
        for structure in structures:
            full = np.zeros(grid.shape, bool)
            box = tuple(slice(a, a + n) for a, n in zip(structure.first[::-1], structure.mask.shape, strict=True))
            full[box] = structure.mask
            reference = slicer.util.arrayFromSegmentBinaryLabelmap(node, structure.name, fixed) > 0
            overlap = 2 * (full & reference).sum() / (full.sum() + reference.sum())
            assert overlap == 1 if parent is None else overlap > 0.93
            assert all(structure.mask.any(axis=axes).all() for axes in ((1, 2), (0, 2), (0, 1))) or structure.mask.all()


def test_segments_of_the_same_name_become_the_same_label(scene: Any, fixed: Any, moving: Any) -> None:
    first, second = grid_around(OBLIQUE), grid_around(np.eye(3), (20, 20, 20), (2.5, 2.5, 2.5))
    mine = segmentation(scene, fixed, "mine", liver=ball(CENTRE, 8, first), spleen=ball(near(14, 0, 0), 5, first))
    spleen, heart = ball(near(10, 0, 0), 6, second), ball(near(-15, 0, 0), 4, second)
    theirs = segmentation(scene, moving, "theirs", spleen=spleen, heart=heart)
    problem = read(Inputs(fixed, moving, fixed_segmentation=mine, moving_segmentation=theirs))
    np.testing.assert_array_equal(problem.fixed_labels.values == 1, ball(CENTRE, 8, first))
    np.testing.assert_array_equal(problem.moving_labels.values, 2 * spleen)


def test_segmentations_without_a_common_name_are_refused(scene: Any, fixed: Any, moving: Any) -> None:
    mine = segmentation(scene, fixed, "mine", liver=ball(CENTRE, 8, grid_around(OBLIQUE)))
    theirs = segmentation(scene, moving, "theirs", Leber=ball(CENTRE, 8, grid_around(np.eye(3), (20, 20, 20), (2.5, 2.5, 2.5))))
    with pytest.raises(InputError, match=r"no segment of mine and theirs has the same name \(liver\)"):
        read(Inputs(fixed, moving, fixed_segmentation=mine, moving_segmentation=theirs))


@pytest.mark.parametrize("direction", [np.eye(3), np.diag([-1.0, 1.0, -1.0]), OBLIQUE, OBLIQUE @ SHEAR])
def test_a_mask_on_another_grid_is_that_of_the_nearest_voxel(direction: np.ndarray) -> None:
    source, target = grid_around(np.eye(3), (18, 17, 16), (1.7, 2.1, 2.3)), grid_around(direction)
    mask = Volume(ball(near(1.0, 2.0, -1.0), 9, source), source)
    index = np.rint(source.to_index(target.to_world(indices(target)))).astype(int)
    valid = ((index >= 0) & (index < source.size)).all(axis=-1)
    i, j, k = np.where(valid[..., None], index, 0).transpose(3, 0, 1, 2)
    expected = mask.values[k, j, i] & valid
    assert expected.sum() > 100
    assert (whole(mask, target) != expected).mean() < 1e-4, "but for ties"


def test_a_mask_that_lies_elsewhere_has_no_voxel() -> None:
    far = grid_around(np.eye(3))
    elsewhere = Grid(far.size, turned(0, (500.0, 0.0, 0.0)) @ far.affine)
    first, mask = on_grid(Volume(np.ones(far.shape, bool), far), elsewhere)
    assert mask.size == 0
    assert not whole(Volume(np.ones(far.shape, bool), far), elsewhere).any()
    assert first == (0, 0, 0)


def points(scene: Any, name: str, places: Any, labels: Any = None) -> Any:
    node = scene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", name)
    for n, place in enumerate(places):
        node.AddControlPoint(*(np.asarray(place, float) * SIGNS).tolist())
        if labels:
            node.SetNthControlPointLabel(n, labels[n])
    return node


PLACES = [near(*offset) for offset in ([0, 0, 0], [5, 1, 2], [-3, 4, 6])]


def pairs(fixed: Any, moving: Any, first: Any, second: Any) -> tuple[np.ndarray, np.ndarray]:
    problem: Problem = read(Inputs(fixed, moving, fixed_landmarks=first, moving_landmarks=second))
    problem.check()
    return problem.fixed_landmarks, problem.moving_landmarks


def test_landmarks_are_paired_by_order_in_the_world(scene: Any, fixed: Any, moving: Any) -> None:
    first, second = points(scene, "F", PLACES), points(scene, "M", PLACES)
    second.SetAndObserveTransformNodeID(linear_node(scene, turned(30, (1.0, 2.0, 3.0))).GetID())
    found = pairs(fixed, moving, first, second)
    np.testing.assert_allclose(found[0], PLACES, atol=1e-9)
    expected = [turned(30, (1.0, 2.0, 3.0))[:3] @ [*place, 1] for place in PLACES]
    np.testing.assert_allclose(found[1], expected, atol=1e-9)


def test_landmarks_under_a_deformable_parent_are_where_slicer_shows_them(scene: Any, fixed: Any, moving: Any) -> None:
    first, second = points(scene, "F", PLACES), points(scene, "M", PLACES)
    second.SetAndObserveTransformNodeID(deformable_node(scene).GetID())
    shown = slicer.util.arrayFromMarkupsControlPoints(second, world=True) * SIGNS
    np.testing.assert_allclose(pairs(fixed, moving, first, second)[1], shown, atol=1e-6)


def test_the_same_labels_pair_landmarks_whatever_their_order(scene: Any, fixed: Any, moving: Any) -> None:
    first = points(scene, "F", PLACES, ["apex", "hilum", "carina"])
    second = points(scene, "M", PLACES, ["carina", "apex", "hilum"])
    np.testing.assert_allclose(pairs(fixed, moving, first, second)[1], [PLACES[1], PLACES[2], PLACES[0]], atol=1e-9)


@pytest.mark.parametrize(
    ("labels", "others"), [(["F-2", "F-1", "F-3"], ["F-1", "F-2", "F-3"]), (["a", "a", "b"], ["b", "a", "a"]), (["", "", ""], ["", "", ""])]
)
def test_labels_that_tell_nothing_leave_the_order(scene: Any, fixed: Any, moving: Any, labels: list[str], others: list[str]) -> None:
    found = pairs(fixed, moving, points(scene, "F", PLACES, labels), points(scene, "M", PLACES, others))
    np.testing.assert_allclose(found[0], found[1], atol=1e-9)


def test_a_point_that_is_not_placed_takes_its_partner_away(scene: Any, fixed: Any, moving: Any) -> None:
    first, second = points(scene, "F", PLACES), points(scene, "M", PLACES)
    second.UnsetNthControlPointPosition(1)
    found = pairs(fixed, moving, first, second)
    np.testing.assert_allclose(found[0], [PLACES[0], PLACES[2]], atol=1e-9)
    np.testing.assert_allclose(found[1], [PLACES[0], PLACES[2]], atol=1e-9)


def test_different_numbers_of_landmarks_are_refused(scene: Any, fixed: Any, moving: Any) -> None:
    with pytest.raises(InputError, match=r"landmarks must come in pairs: F has 3 placed points and M has 2"):
        pairs(fixed, moving, points(scene, "F", PLACES), points(scene, "M", PLACES[:2]))


def test_landmarks_for_one_image_only_are_refused(scene: Any, fixed: Any, moving: Any) -> None:
    with pytest.raises(InputError, match=r"F is chosen, but no moving landmarks; choose both, or none"):
        pairs(fixed, moving, points(scene, "F", PLACES), None)


def test_landmarks_without_a_point_are_refused(scene: Any, fixed: Any, moving: Any) -> None:
    with pytest.raises(InputError, match="F and M have no pair of placed points"):
        pairs(fixed, moving, points(scene, "F", []), points(scene, "M", []))
