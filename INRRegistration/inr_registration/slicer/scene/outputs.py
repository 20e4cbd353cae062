"""The nodes that a result is to be written into."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import slicer

from inr_registration.core.errors import InputError
from inr_registration.slicer.scene.placement import is_result_of, parents
from inr_registration.slicer.scene.read import Inputs


@dataclass
class Outputs:
    """Nodes to update; None makes a new one."""

    transform: slicer.vtkMRMLTransformNode | None = None
    warped: slicer.vtkMRMLScalarVolumeNode | None = None
    jacobian: slicer.vtkMRMLScalarVolumeNode | None = None
    uncertainty: slicer.vtkMRMLScalarVolumeNode | None = None


def check_outputs(inputs: Inputs, outputs: Outputs) -> None:
    """Make sure that no input would be overwritten or moved by its own result; worth asking before a run and again after it.

    Raises:
        InputError: An output cannot be used; the text names it and says what to do.
    """
    chosen = {part: node for part, node in vars(outputs).items() if node is not None}
    for part, node in chosen.items():
        name = node.GetName()
        if node.GetScene() is None:
            raise InputError(f"the {part} output {name} is no longer in the scene; choose another one")
        if node in inputs.nodes():
            raise InputError(f"{name} is an input and would be overwritten by the {part} output; choose another output")
        if [other for other in chosen.values() if other is node] != [node]:
            raise InputError(f"{name} is chosen for more than one output; choose different nodes")
        if part != "transform":
            _check_volume(part, node)
    if outputs.transform is not None:
        _check_transform(inputs, outputs.transform)


def usable_outputs(inputs: Inputs, outputs: Outputs) -> tuple[Outputs, str]:
    """The outputs at the end of a run, in which the user may have changed the scene: new nodes rather than no result.

    Returns:
        The nodes to update, and a sentence that says why they are not the chosen ones; empty where they are.
    """
    try:
        check_outputs(inputs, outputs)
    except InputError as error:
        return Outputs(), f"The result was put into new nodes, because {error}."
    return outputs, ""


def _check_volume(part: str, node: Any) -> None:
    plain = node.IsA("vtkMRMLScalarVolumeNode")
    special = any(node.IsA(kind) for kind in ("vtkMRMLLabelMapVolumeNode", "vtkMRMLTensorVolumeNode"))
    if not plain or special:
        raise InputError(f"{node.GetName()} is a {node.GetNodeTagName()} and cannot hold the {part} output; choose a scalar volume")


def _check_transform(inputs: Inputs, node: slicer.vtkMRMLTransformNode) -> None:
    name = node.GetName()
    if node in parents(inputs.fixed):
        raise InputError(
            f"{inputs.fixed.GetName()} lies under {name}, so the result would move the image that has to stay; "
            "choose another output transform"
        )
    if node in parents(inputs.moving) and not is_result_of(node, inputs.moving):
        raise InputError(
            f"{inputs.moving.GetName()} lies under {name}, which is part of its position and would be overwritten; "
            "choose another output transform"
        )
