"""Placing, running again, updating chosen nodes, going back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from test_write import a_pair, assert_slicer_shows_the_warped_image, in_the_original, registered
from worlds import (
    Items,
    add_volume,
    array_of,
    grid_around,
    indices,
    linear_node,
    put_under,
    resampled_by_mrml,
    turned,
    volume_on,
    world_affine,
)

from inr_registration.slicer.scene import (
    Inputs,
    all_results,
    find_result,
    parents,
    remove_result,
    restore_previous,
    run_description,
    take_back,
)
from inr_registration.slicer.scene.outputs import Outputs
from inr_registration.slicer.scene.read import read

pytestmark = pytest.mark.usefixtures("scene")


@pytest.fixture
def tree(scene: Any) -> Iterator[Any]:
    items = Items(scene)
    yield items.tree
    items.end()


ABOVE = ["nothing", "linear", "deformable", "two"]


@pytest.mark.parametrize("above", ABOVE)
def test_taking_the_moving_volume_back_restores_it_exactly(scene: Any, above: str) -> None:
    inputs = a_pair()
    parent = put_under(scene, inputs.moving, above)
    count = scene.GetNumberOfNodes()
    _, _, nodes = registered(inputs)
    assert nodes.transform in parents(inputs.moving)
    assert len(parents(inputs.moving)) == (1 if above == "nothing" else 2)
    made = scene.GetNumberOfNodes()
    assert take_back(inputs.moving)
    assert inputs.moving.GetParentTransformNode() is parent
    assert scene.GetNumberOfNodes() == made - (above != "nothing")
    assert made > count
    assert not take_back(inputs.moving)


@pytest.mark.parametrize("above", ABOVE)
def test_a_second_run_starts_from_where_the_moving_volume_was(scene: Any, above: str) -> None:
    inputs = a_pair()
    parent = put_under(scene, inputs.moving, above)
    first = read(inputs)
    _, _, nodes = registered(inputs)
    again = read(inputs)
    np.testing.assert_allclose(again.moving.grid.affine, first.moving.grid.affine, atol=1e-9)
    np.testing.assert_allclose(again.moving.values, first.moving.values, atol=1e-4)
    problem, arrays, second = registered(inputs, seed=5)
    assert second.transform is not nodes.transform
    assert nodes.transform not in parents(inputs.moving)
    assert_slicer_shows_the_warped_image(problem, arrays, second, 6.0 if above == "deformable" else 1e-3)
    assert take_back(inputs.moving)
    assert inputs.moving.GetParentTransformNode() is parent


def test_masks_and_landmarks_under_a_result_start_anew_too(scene: Any) -> None:
    inputs = a_pair()
    label = add_volume(volume_on(grid_around(np.eye(3)), dtype=np.int16), "mask", "vtkMRMLLabelMapVolumeNode")
    points = scene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", "points")
    points.AddControlPoint(-12.0, 30.0, 55.0)
    with_more = Inputs(inputs.fixed, inputs.moving, moving_mask=label, fixed_landmarks=points, moving_landmarks=points)
    before = read(with_more)
    _, _, nodes = registered(inputs)
    for node in (label, points):
        node.SetAndObserveTransformNodeID(nodes.transform.GetID())
    after = read(with_more)
    np.testing.assert_allclose(after.moving_mask.grid.affine, before.moving_mask.grid.affine, atol=1e-9)
    np.testing.assert_allclose(after.moving_landmarks, before.moving_landmarks, atol=1e-9)
    assert np.abs(after.fixed_landmarks - before.fixed_landmarks).max() > 1, "as fixed landmarks they lie where they are shown"


def test_another_volume_under_a_result_lies_where_it_is_shown() -> None:
    inputs = a_pair()
    _, _, nodes = registered(inputs)
    other = add_volume(volume_on(grid_around(np.eye(3))), "PET")
    other.SetAndObserveTransformNodeID(nodes.transform.GetID())
    found = read(Inputs(inputs.fixed, other)).moving
    shown = resampled_by_mrml(other, add_volume(found, "grid"))
    inside = in_the_original(other, found.grid.to_world(indices(found.grid)))
    np.testing.assert_allclose(found.values[inside], shown[inside], atol=1e-3)
    assert not found.grid.is_same(grid_around(np.eye(3)))


def test_chosen_nodes_are_updated_and_keep_their_looks(scene: Any) -> None:
    inputs = a_pair()
    _, _, first = registered(inputs)
    first.jacobian.SetName("my map")
    first.jacobian.GetDisplayNode().SetWindowLevelMinMax(0.5, 1.5)
    first.folding.GetDisplayNode().SetSegmentVisibility("compressed", True)
    first.folding.GetDisplayNode().SetSegmentOpacity2DFill("folding", 0.25)
    count = scene.GetNumberOfNodes()
    outputs = Outputs(first.transform, first.warped, first.jacobian, first.uncertainty)
    problem, arrays, second = registered(inputs, outputs, seed=9)
    assert scene.GetNumberOfNodes() == count
    for part in ("transform", "warped", "jacobian", "uncertainty", "folding", "regions", "quality", "model"):
        assert getattr(second, part) is getattr(first, part)
    assert_slicer_shows_the_warped_image(problem, arrays, second)
    assert second.jacobian.GetName() == "my map"
    assert second.jacobian.GetDisplayNode().GetWindowLevelMax() == 1.5
    assert second.folding.GetDisplayNode().GetSegmentVisibility("compressed")
    assert second.folding.GetDisplayNode().GetSegmentOpacity2DFill("folding") == 0.25


def test_the_previous_result_comes_back_and_goes_again() -> None:
    inputs = a_pair()
    problem, first_arrays, first = registered(inputs)
    before = (first_arrays, state(first))
    outputs = Outputs(first.transform, first.warped, first.jacobian, first.uncertainty)
    _, second_arrays, second = registered(inputs, outputs, seed=9)
    after = (second_arrays, state(second))
    assert before[1] != after[1]
    for arrays, expected in (before, after, before):
        assert restore_previous(second)
        assert state(second) == expected
        assert_slicer_shows_the_warped_image(problem, arrays, second)


def state(nodes: Any) -> tuple[Any, ...]:
    images = [array_of(getattr(nodes, part)).tobytes() for part in ("warped", "jacobian", "uncertainty")]
    point = nodes.transform.GetTransformFromParent().TransformPoint(-12.0, 30.0, 55.0)
    segments = nodes.folding.GetSegmentation()
    return (
        images,
        point,
        nodes.model.GetText(),
        nodes.regions.GetTable().GetNumberOfRows(),
        run_description(nodes)["date"],
        [segments.GetNthSegment(n).GetName() for n in range(segments.GetNumberOfSegments())],
    )


def test_a_first_result_has_nothing_before_it() -> None:
    _, _, nodes = registered(a_pair())
    assert not restore_previous(nodes)


def test_nodes_that_were_the_users_own_come_back_as_they_were(scene: Any) -> None:
    inputs = a_pair()
    mine = linear_node(scene, turned(33), "mine")
    image = add_volume(volume_on(grid_around(np.eye(3))), "my image")
    image.SetAndObserveTransformNodeID(linear_node(scene, turned(1)).GetID())
    before = (world_affine(image), array_of(image).tobytes())
    _, _, nodes = registered(inputs, Outputs(transform=mine, warped=image))
    assert nodes.transform is mine
    assert nodes.warped is image
    assert image.GetTransformNodeID() is None
    assert restore_previous(nodes)
    np.testing.assert_allclose(world_affine(image), before[0], atol=1e-9)
    assert array_of(image).tobytes() == before[1]
    assert mine.IsLinear()
    assert find_result(mine) is None
    assert inputs.moving.GetParentTransformNode() is None


def test_a_result_that_was_cleared_is_not_restored(scene: Any) -> None:
    inputs = a_pair()
    _, _, first = registered(inputs)
    _, _, nodes = registered(inputs, Outputs(transform=first.transform))
    scene.Clear()
    assert not restore_previous(nodes)


def test_a_transform_that_is_used_for_another_volume_lets_the_former_one_go(scene: Any) -> None:
    inputs = a_pair()
    parent = put_under(scene, inputs.moving, "linear")
    _, _, first = registered(inputs)
    other = add_volume(volume_on(grid_around(np.eye(3), (30, 30, 30), (1.8, 1.8, 1.8))), "CT 3")
    problem, arrays, nodes = registered(Inputs(inputs.fixed, other), Outputs(transform=first.transform))
    assert inputs.moving.GetParentTransformNode() is parent
    assert_slicer_shows_the_warped_image(problem, arrays, nodes)
    assert [result.moving for result in all_results(scene)] == [other]


def test_a_volume_that_moves_to_another_result_leaves_its_own() -> None:
    inputs = a_pair()
    _, _, first = registered(inputs)
    _, _, second = registered(inputs, Outputs(jacobian=first.jacobian))
    assert find_result(first.transform).jacobian is None
    assert find_result(second.transform).jacobian is first.jacobian


@pytest.mark.parametrize("above", ABOVE)
def test_removing_a_result_leaves_the_scene_as_it_was(scene: Any, tree: Any, above: str) -> None:
    inputs = a_pair()
    parent = put_under(scene, inputs.moving, above)
    before, items = sorted(names(scene)), tree.GetNumberOfItems()
    _, _, nodes = registered(inputs)
    remove_result(nodes)
    assert sorted(names(scene)) == before
    assert tree.GetNumberOfItems() == items
    assert inputs.moving.GetParentTransformNode() is parent
    assert all_results(scene) == []


def names(scene: Any) -> list[str]:
    kinds = ("Storage", "Terminology")
    nodes = [scene.GetNthNode(n) for n in range(scene.GetNumberOfNodes())]
    return [f"{node.GetClassName()} {node.GetName()}" for node in nodes if not any(kind in node.GetClassName() for kind in kinds)]


def test_results_lie_in_one_folder_beside_the_fixed_volume(scene: Any, tree: Any) -> None:
    inputs = a_pair()
    put_under(scene, inputs.moving, "linear")
    patient = tree.CreateFolderItem(tree.GetSceneItemID(), "patient")
    tree.SetItemParent(tree.GetItemByDataNode(inputs.fixed), patient)
    _, _, nodes = registered(inputs)
    _, _, nodes = registered(inputs, Outputs(nodes.transform))
    folder = tree.GetItemByName("INR: CT 2 to CT 1")
    assert tree.GetItemParent(folder) == patient
    for part in ("transform", "warped", "jacobian", "folding", "regions", "quality", "model"):
        assert tree.GetItemParent(tree.GetItemByDataNode(getattr(nodes, part))) == folder
    assert tree.GetItemParent(tree.GetItemByDataNode(inputs.moving)) != folder


def test_results_of_several_runs_are_told_apart_by_the_names_of_their_nodes(scene: Any) -> None:
    inputs = a_pair()
    results = [registered(inputs)[2] for _ in range(3)]
    for number, nodes in enumerate(results, start=1):
        ending = "(INR)" if number == 1 else f"(INR {number})"
        made = [node for part, node in vars(nodes).items() if part not in ("fixed", "moving", "previous") and node is not None]
        assert len(made) > 5
        for node in made:
            assert node.GetName().endswith(ending)
            assert "|" not in node.GetName(), "VTK takes it for a column"
            assert scene.GetNodesByName(node.GetName()).GetNumberOfItems() == 1
