"""The readout at a point against the map itself."""

from __future__ import annotations

import numpy as np
import pytest
import slicer
from inspected import FOLDS, GRID, GROWS, QUIET, a_map, determinants, install, problem_and_arrays, ras
from worlds import phi, turned, vtk_matrix

from inr_registration.slicer.scene import read_at
from inr_registration.slicer.ui import readout

LPS = np.array([-1.0, -1.0, 1.0])


def places() -> np.ndarray:
    return np.random.default_rng(5).uniform(-60, 60, (40, 3))


def test_displacement_is_moving_minus_fixed_world_point(scene) -> None:
    nodes = install(scene)
    for place, moved in zip(places(), phi(a_map(), places()), strict=True):
        found = read_at(nodes, ras(place))
        assert np.allclose(found.displacement_ras, (moved - place) * LPS, atol=1e-4)
        assert found.displacement_mm == pytest.approx(np.linalg.norm(moved - place), abs=1e-4)


def test_det_and_uncertainty_are_those_of_the_voxel(scene) -> None:
    nodes, (_, arrays) = install(scene), problem_and_arrays()
    for place in (*places(), FOLDS, GROWS):
        i, j, k = np.rint(GRID.to_index(place)).astype(int)
        found = read_at(nodes, ras(place))
        assert found.det == pytest.approx(float(determinants()[k, j, i]))
        assert found.uncertainty_mm == pytest.approx(float(arrays.uncertainty[k, j, i]))
    assert read_at(nodes, ras(FOLDS)).det < 0 < 1.5 < read_at(nodes, ras(GROWS)).det


def test_there_is_nothing_to_read_outside_the_fixed_image(scene) -> None:
    nodes = install(scene)
    inside = GRID.to_world(np.array(GRID.size) - 0.55)
    outside = GRID.to_world(np.array(GRID.size) - 0.45)
    assert read_at(nodes, ras(inside)) is not None
    assert read_at(nodes, ras(outside)) is None
    assert read_at(nodes, (500, 0, 0)) is None


def test_parents_of_the_transform_are_honoured(scene) -> None:
    nodes = install(scene)
    parent = scene.AddNewNodeByClass("vtkMRMLTransformNode", "parent")
    flip = np.diag([-1.0, -1.0, 1.0, 1.0])
    matrix = turned(8)
    parent.SetMatrixTransformToParent(vtk_matrix(flip @ matrix @ flip))
    nodes.transform.SetAndObserveTransformNodeID(parent.GetID())
    place = GROWS + np.array([6, 4, 2])
    back = np.linalg.inv(matrix)
    moved = phi(a_map(), (back[:3, :3] @ place + back[:3, 3])[None])[0]
    assert np.allclose(read_at(nodes, ras(place)).displacement_ras, (moved - place) * LPS, atol=1e-4)


def test_a_result_that_left_the_scene_reads_nothing(scene) -> None:
    nodes = install(scene)
    scene.RemoveNode(nodes.uncertainty)
    assert read_at(nodes, ras(QUIET)).uncertainty_mm is None
    scene.RemoveNode(nodes.jacobian)
    assert read_at(nodes, ras(QUIET)).det is None
    scene.RemoveNode(nodes.transform)
    assert read_at(nodes, ras(QUIET)) is None


@pytest.mark.parametrize(("held", "said"), [(-1.0, "uncertainty unknown here"), (0.4, "uncertainty 0.4 mm")])
def test_an_uncertainty_that_is_not_known_is_never_read_as_0_mm(scene, held: float, said: str) -> None:
    nodes = install(scene)
    slicer.util.updateVolumeFromArray(nodes.uncertainty, np.full(GRID.shape, held, np.float32))
    words = readout(read_at(nodes, ras(QUIET)))
    assert words.endswith(said)
    assert "0.0 mm" not in words.partition("uncertainty")[2]
