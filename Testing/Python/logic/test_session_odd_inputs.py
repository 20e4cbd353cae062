"""Odd images as nodes of a scene: each gives a right result, or one message and a scene as it was."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import slicer
from odd.case import RAS, Case, Picture, error_mm
from odd.catalogue import CASES

from inr_registration.core import InputError, load_preset
from inr_registration.slicer.logic import Session
from inr_registration.slicer.scene import Inputs
from inr_registration.slicer.scene.outputs import Outputs

NO_NODES = ("half precision", "int64, small", "complex", "2D", "4D", "five axes", "vector", "infinite origin", "labels of")
"""What a volume node cannot hold, and labels, which a scene has as segments."""
GROUPS = ("Intensities", "Geometry", "Masks and labels")
SCENES = {name: case for name, case in CASES.items() if name.startswith(GROUPS) and not any(word in name for word in NO_NODES)}
REFUSED = {name: case for name, case in SCENES.items() if case.refused and case.in_python}
REGISTERED = [
    "Intensities: some Inf",
    "Intensities: uint64, all of its range",
    "Intensities: one voxel of 10^30",
    "Geometry: sheared, fixed",
    "Geometry: all axes mirrored, moving",
    "Masks and labels: mask on another grid",
]
"""One of each kind: what happens behind the reading is tested without a scene."""


def node_of(picture: Picture, name: str, kind: str = "vtkMRMLScalarVolumeNode") -> Any:
    return slicer.util.addVolumeFromArray(np.ascontiguousarray(picture.values), RAS @ picture.affine, name, kind)


def inputs_of(case: Case) -> Inputs:
    masks = {name: node_of(picture, name, "vtkMRMLLabelMapVolumeNode") for name, picture in case.more.items() if "mask" in name}
    return Inputs(node_of(case.fixed, "fixed"), node_of(case.moving, "moving"), **masks)


def contents() -> list[tuple[str, Any]]:
    nodes = slicer.util.getNodesByClass("vtkMRMLVolumeNode")
    return [(node.GetID(), slicer.util.arrayFromVolume(node).tobytes()) for node in nodes]


@pytest.mark.parametrize("name", REFUSED)
def test_an_image_that_cannot_be_registered_is_refused_and_the_scene_stays(scene: Any, session: Session, name: str) -> None:
    inputs = inputs_of(REFUSED[name])
    before, count = contents(), scene.GetNumberOfNodes()
    with pytest.raises(InputError) as caught:
        session.run(inputs, Outputs(), load_preset("quick").settings)
    assert len(str(caught.value).splitlines()) == 1
    assert contents() == before
    assert scene.GetNumberOfNodes() == count
    assert inputs.moving.GetParentTransformNode() is None
    assert not session.running


@pytest.mark.parametrize("name", REGISTERED)
def test_an_odd_image_that_can_be_registered_is_registered_rightly(scene: Any, session: Session, name: str) -> None:  # noqa: ARG001
    case = SCENES[name]
    inputs = inputs_of(case)
    before = contents()
    nodes = session.run(inputs, Outputs(), load_preset("quick").settings)
    assert contents()[: len(before)] == before
    transform = nodes.transform.GetTransformFromParent()
    signs = np.diag(RAS)[:3]

    def phi(points: Any) -> Any:
        return np.array([transform.TransformPoint(*point) for point in points * signs]) * signs

    assert error_mm(phi, case) < case.bound_mm


def test_a_spacing_of_zero_is_refused(scene: Any, session: Session) -> None:  # noqa: ARG001
    inputs = inputs_of(CASES["Intensities: ordinary pair"])
    inputs.moving.SetIJKToRASDirections(*np.eye(3).ravel())
    matrix = slicer.vtkMRMLTransformNode()
    flat = np.diag([1.0, 1.0, 0.0, 1.0])
    matrix.SetMatrixTransformToParent(slicer.util.vtkMatrixFromArray(flat))
    slicer.mrmlScene.AddNode(matrix)
    inputs.moving.SetAndObserveTransformNodeID(matrix.GetID())
    with pytest.raises(InputError, match="moving"):
        session.run(inputs, Outputs(), load_preset("quick").settings)


def test_a_vector_volume_is_refused(scene: Any, session: Session) -> None:  # noqa: ARG001
    case = CASES["Intensities: ordinary pair"]
    vectors = np.stack([case.fixed.values] * 3, axis=-1)
    colour = slicer.util.addVolumeFromArray(vectors, RAS @ case.fixed.affine, "colour", "vtkMRMLVectorVolumeNode")
    with pytest.raises(InputError, match="colour: each voxel has 3 values"):
        session.run(Inputs(colour, node_of(case.moving, "moving")), Outputs(), load_preset("quick").settings)
