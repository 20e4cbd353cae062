"""Volumes out of the scene lie in the world where Slicer shows them, and reading changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
import slicer
import vtk
from worlds import (
    CENTRE,
    DIRECTIONS,
    LPS,
    OBLIQUE,
    add_volume,
    array_of,
    brightness,
    deformable_node,
    grid_around,
    indices,
    linear_node,
    turned,
    volume_on,
    vtk_matrix,
    world_affine,
)

from inr_registration.core import Grid, InputError, Volume
from inr_registration.slicer.scene import Inputs
from inr_registration.slicer.scene.read import read

pytestmark = pytest.mark.usefixtures("scene")


@pytest.fixture
def fixed() -> Any:
    return add_volume(volume_on(grid_around(OBLIQUE)), "fixed")


@pytest.fixture
def moving() -> Any:
    return add_volume(volume_on(grid_around(np.eye(3), (20, 20, 20), (2.5, 2.5, 2.5))), "moving")


@contextmanager
def unchanged(scene: Any) -> Iterator[None]:
    """Within it no node may be added, removed, moved or changed, nor say that it was."""
    nodes = [scene.GetNthNode(n) for n in range(scene.GetNumberOfNodes())]
    nodes = [node for node in nodes if not node.GetName() or "Slice" not in node.GetName()]  # of the views, which update when they like
    said: list[str] = []
    tags = [(node, node.AddObserver("AnyEvent", lambda caller, event: said.append(f"{caller.GetName()}: {event}"))) for node in nodes]
    before = [content_of(node) for node in nodes]
    said.clear()
    count = scene.GetNumberOfNodes()
    yield
    assert said == []
    assert scene.GetNumberOfNodes() == count
    assert [content_of(node) for node in nodes] == before
    for node, tag in tags:
        node.RemoveObserver(tag)


def content_of(node: Any) -> tuple[Any, ...]:
    parent = node.GetTransformNodeID() if node.IsA("vtkMRMLTransformableNode") else None
    return parent, array_of(node).tobytes() if node.IsA("vtkMRMLVolumeNode") and node.GetImageData() else None


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_a_volume_is_read_where_it_is(moving: Any, direction: str) -> None:
    grid = grid_around(DIRECTIONS[direction])
    problem = read(Inputs(add_volume(volume_on(grid), "fixed"), moving))
    assert problem.fixed.grid.is_same(grid, 1e-9)
    np.testing.assert_array_equal(problem.fixed.values, volume_on(grid).values)
    assert (problem.fixed.name, problem.moving.name) == ("fixed", "moving")
    problem.check()


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_linear_parents_of_any_depth_move_the_grid(scene: Any, fixed: Any, direction: str) -> None:
    node = add_volume(volume_on(grid_around(DIRECTIONS[direction])), "moving")
    outer, inner = linear_node(scene, turned(20, (30, 10, -5), 1.2)), linear_node(scene, turned(-7, (1, 2, 3)))
    inner.SetAndObserveTransformNodeID(outer.GetID())
    node.SetAndObserveTransformNodeID(inner.GetID())
    read_grid = read(Inputs(fixed, node)).moving.grid
    expected = turned(20, (30, 10, -5), 1.2) @ turned(-7, (1, 2, 3)) @ grid_around(DIRECTIONS[direction]).affine
    np.testing.assert_allclose(read_grid.affine, expected, atol=1e-9)
    np.testing.assert_allclose(read_grid.affine, world_affine(node), atol=1e-9)


def test_a_parent_that_shears_and_mirrors_is_kept(scene: Any, fixed: Any, moving: Any) -> None:
    odd = np.eye(4)
    odd[:3, :3] = [[-1.0, 0.2, 0.0], [0.0, 0.9, 0.1], [0.0, 0.0, 1.1]]
    odd[:3, 3] = CENTRE - odd[:3, :3] @ CENTRE
    moving.SetAndObserveTransformNodeID(linear_node(scene, odd).GetID())
    grid = read(Inputs(fixed, moving)).moving.grid
    np.testing.assert_allclose(grid.affine, world_affine(moving), atol=1e-9)
    assert grid.is_sheared
    assert np.linalg.det(grid.affine[:3, :3]) < 0


@pytest.mark.parametrize("which", ["fixed", "moving"])
def test_under_a_deformable_parent_the_image_is_what_slicer_shows(scene: Any, fixed: Any, moving: Any, which: str) -> None:
    above = linear_node(scene, turned(5, (4, 0, 0)))
    bent = deformable_node(scene)
    bent.SetAndObserveTransformNodeID(above.GetID())
    node = {"fixed": fixed, "moving": moving}[which]
    node.SetAndObserveTransformNodeID(bent.GetID())
    volume = getattr(read(Inputs(fixed, moving)), which)
    expected, inside = shown_at(node, volume.grid)
    assert inside.sum() > 3000
    error = np.abs(volume.values - expected)[inside]
    assert error.max() < 3, "of a range of 180; both are interpolated linearly, from different points"
    assert np.median(error) < 0.4
    unbent = brightness(volume.grid.to_world(indices(volume.grid)))[inside]
    assert np.median(np.abs(unbent - expected[inside])) > 2, "the parent must matter here"


def shown_at(node: Any, grid: Grid) -> tuple[np.ndarray, np.ndarray]:
    """The analytic image at the voxels of a world grid through all parents, and where the node's image is."""
    back = vtk.vtkGeneralTransform()
    node.GetParentTransformNode().GetTransformFromWorld(back)
    matrix = vtk.vtkMatrix4x4()
    node.GetIJKToRASMatrix(matrix)
    signs = np.array([-1.0, -1.0, 1.0])
    points = grid.to_world(indices(grid)).reshape(-1, 3) * signs
    local = np.array([back.TransformPoint(p) for p in points]) * signs
    own = Grid(node.GetImageData().GetDimensions(), LPS @ np.array([[matrix.GetElement(r, c) for c in range(4)] for r in range(4)]))
    inside = own.contains(local, margin=-1.5).reshape(grid.shape)
    return brightness(local).reshape(grid.shape), inside


def test_labels_under_a_deformable_parent_stay_labels(scene: Any, fixed: Any, moving: Any) -> None:
    grid = grid_around(np.eye(3))
    labels = np.zeros(grid.shape, dtype=np.int16)
    labels[5:12, 6:16, 6:16] = 7
    mask = add_volume(Volume(labels, grid), "labels", "vtkMRMLLabelMapVolumeNode")
    mask.SetAndObserveTransformNodeID(deformable_node(scene).GetID())
    found = read(Inputs(fixed, moving, fixed_mask=mask)).fixed_mask
    assert found is not None
    assert found.values.dtype == np.bool_
    assert 0.5 < found.values.sum() * np.linalg.det(found.grid.affine[:3, :3]) / (7 * 10 * 10 * np.prod(grid.spacing)) < 2


@pytest.mark.parametrize("above", ["nothing", "linear", "deformable"])
def test_reading_changes_nothing_and_leaves_nothing(scene: Any, fixed: Any, moving: Any, above: str) -> None:
    if above != "nothing":
        node = linear_node(scene, turned()) if above == "linear" else deformable_node(scene)
        for volume in (fixed, moving):
            volume.SetAndObserveTransformNodeID(node.GetID())
    with unchanged(scene):
        problem = read(Inputs(fixed, moving))
    array_of(moving)[...] = 0
    assert problem.moving.values.max() > 50, "the problem has voxels of its own"


def test_where_the_scene_goes_on_the_problem_does_not_care(scene: Any, fixed: Any, moving: Any) -> None:
    problem = read(Inputs(fixed, moving))
    scene.Clear()
    assert np.isfinite(problem.fixed.values).all()


@pytest.mark.parametrize(
    ("kind", "kept"),
    [
        ("uint8", "uint8"),
        ("int8", "int8"),
        ("uint16", "uint16"),
        ("int16", "int16"),
        ("int32", "int32"),
        ("uint32", "float64"),
        ("float32", "float32"),
        ("float64", "float64"),
    ],
)
def test_voxels_of_every_type_are_read(fixed: Any, kind: str, kept: str) -> None:
    volume = volume_on(grid_around(np.eye(3)))
    node = add_volume(Volume((volume.values / 2).astype(kind), volume.grid), "moving")
    found = read(Inputs(fixed, node)).moving.values
    assert found.dtype == np.dtype(kept)
    np.testing.assert_array_equal(found, (volume.values / 2).astype(kind))


def test_the_initial_transform_takes_a_fixed_to_a_moving_point(scene: Any, fixed: Any, moving: Any) -> None:
    """Put above the moving volume, the node brings it to the fixed one; then its from-parent is the way back."""
    node, outer = linear_node(scene, turned(10, (3, 4, 5))), linear_node(scene, turned(2, (1, 0, 0)))
    node.SetAndObserveTransformNodeID(outer.GetID())
    initial = read(Inputs(fixed, moving, initial=node)).initial
    assert initial is not None
    moving.SetAndObserveTransformNodeID(node.GetID())
    at_fixed = np.array([5.0, 6.0, 7.0])
    signs = np.array([-1.0, -1.0, 1.0])
    back = vtk.vtkGeneralTransform()
    node.GetTransformFromWorld(back)
    expected = np.array(back.TransformPoint(at_fixed * signs)) * signs
    np.testing.assert_allclose(initial[:3, :3] @ at_fixed + initial[:3, 3], expected, atol=1e-9)
    np.testing.assert_allclose(initial, np.linalg.inv(turned(2, (1, 0, 0)) @ turned(10, (3, 4, 5))), atol=1e-9)


def test_a_deformable_initial_transform_is_refused(scene: Any, fixed: Any, moving: Any) -> None:
    with pytest.raises(InputError, match=r"deformable is not linear.*choose a linear initial transform"):
        read(Inputs(fixed, moving, initial=deformable_node(scene)))


def test_an_initial_transform_that_already_acts_is_refused(scene: Any, fixed: Any, moving: Any) -> None:
    node = linear_node(scene, turned())
    moving.SetAndObserveTransformNodeID(node.GetID())
    with pytest.raises(InputError, match=r"moving already lies under linear.*choose no initial transform"):
        read(Inputs(fixed, moving, initial=node))


def test_the_same_volume_twice_is_refused(fixed: Any) -> None:
    with pytest.raises(InputError, match="fixed is chosen as fixed and as moving"):
        read(Inputs(fixed, fixed))


def test_a_volume_that_is_not_chosen_is_named(fixed: Any) -> None:
    with pytest.raises(InputError, match="no moving volume is chosen"):
        read(Inputs(fixed, None))  # type: ignore[arg-type]


def test_a_volume_that_was_deleted_is_refused(scene: Any, fixed: Any, moving: Any) -> None:
    scene.RemoveNode(moving)
    with pytest.raises(InputError, match="moving is no longer in the scene"):
        read(Inputs(fixed, moving))


def test_a_volume_without_an_image_is_refused(scene: Any, fixed: Any) -> None:
    empty = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "nothing yet")
    with pytest.raises(InputError, match="nothing yet: this volume has no image data"):
        read(Inputs(fixed, empty))


def test_a_colour_image_is_refused(fixed: Any) -> None:
    colour = slicer.util.addVolumeFromArray(np.zeros((5, 6, 7, 3), np.uint8), np.eye(4), "photo", "vtkMRMLVectorVolumeNode")
    with pytest.raises(InputError, match=r"photo: each voxel has 3 values .*convert it to one value per voxel"):
        read(Inputs(fixed, colour))


def test_a_broken_geometry_is_named(scene: Any, fixed: Any, moving: Any) -> None:
    parent = scene.AddNewNodeByClass("vtkMRMLTransformNode", "flat")
    flat = np.eye(4)
    flat[:3, 2] = [1.0, 0.0, 1e-9]
    parent.SetMatrixTransformToParent(vtk_matrix(flat))
    moving.SetAndObserveTransformNodeID(parent.GetID())
    with pytest.raises(InputError, match=r"moving: voxel axes must be independent"):
        read(Inputs(fixed, moving))


def test_a_proxy_of_a_sequence_is_a_volume_like_others(scene: Any, fixed: Any) -> None:
    sequence = scene.AddNewNodeByClass("vtkMRMLSequenceNode", "4D")
    for n in range(2):
        volume = volume_on(grid_around(np.eye(3)))
        node = add_volume(Volume(volume.values + 100 * n, volume.grid), f"frame {n}")
        sequence.SetDataNodeAtValue(node, str(n))
        scene.RemoveNode(node)
    browser = scene.AddNewNodeByClass("vtkMRMLSequenceBrowserNode", "browser")
    browser.SetAndObserveMasterSequenceNodeID(sequence.GetID())
    browser.SetSelectedItemNumber(1)
    slicer.modules.sequences.logic().UpdateProxyNodesFromSequences(browser)
    proxy = browser.GetProxyNode(sequence)
    assert read(Inputs(fixed, proxy)).moving.values.mean() > 150
