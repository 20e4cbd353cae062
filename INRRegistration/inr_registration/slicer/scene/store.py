"""Results in the scene: everything hangs on the transform node by node references, so that it is found after saving and reopening."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass, field
from typing import Any

import slicer

from inr_registration.core.errors import InputError
from inr_registration.core.sizes import MODEL_BYTES, RUN_BYTES, check_size
from inr_registration.core.verdict import Level, Verdict
from inr_registration.slicer.scene import roles
from inr_registration.slicer.scene.folder import remove_with_folder
from inr_registration.slicer.scene.placement import take_back
from inr_registration.slicer.scene.previous import Previous


@dataclass(eq=False)
class ResultNodes:
    """The nodes of one result; None where a node is missing, for example because the user deleted it.

    Args:
        transform: From parent: fixed world to moving world.
        warped: The moving image on the fixed grid.
        jacobian: det J on the fixed grid.
        uncertainty: In mm; None where the method has none.
        folding: Segments ``folding`` and ``compressed``.
        regions: Table of the regions, with what was reviewed.
        quality: Table of indicators.
        model: Text: the model file in base64.
        inverse: From parent: moving world to fixed world; None where the method has no inverse of its own.
        strain_radial: Strain on the fixed grid, without unit; None where the method gives none. The next two likewise.
        strain_circumferential: See ``strain_radial``.
        strain_longitudinal: See ``strain_radial``.
        fixed: The volume that it is defined on.
        moving: The volume that was registered.
        previous: What was in the nodes before; see ``restore_previous``. It lives in memory only.
    """

    transform: slicer.vtkMRMLTransformNode
    warped: slicer.vtkMRMLScalarVolumeNode | None = None
    jacobian: slicer.vtkMRMLScalarVolumeNode | None = None
    uncertainty: slicer.vtkMRMLScalarVolumeNode | None = None
    folding: slicer.vtkMRMLSegmentationNode | None = None
    regions: slicer.vtkMRMLTableNode | None = None
    quality: slicer.vtkMRMLTableNode | None = None
    model: slicer.vtkMRMLTextNode | None = None
    inverse: slicer.vtkMRMLTransformNode | None = None
    strain_radial: slicer.vtkMRMLScalarVolumeNode | None = None
    strain_circumferential: slicer.vtkMRMLScalarVolumeNode | None = None
    strain_longitudinal: slicer.vtkMRMLScalarVolumeNode | None = None
    fixed: slicer.vtkMRMLScalarVolumeNode | None = None
    moving: slicer.vtkMRMLScalarVolumeNode | None = None
    previous: Previous | None = field(default=None, repr=False)


def find_result(transform: slicer.vtkMRMLTransformNode | None) -> ResultNodes | None:
    """The result that a transform node carries, or None where it is not one of ours or no longer in a scene."""
    if transform is None or transform.GetScene() is None or transform.GetAttribute(roles.RESULT) is None:
        return None
    return ResultNodes(transform, **{part: transform.GetNodeReference(roles.role(part)) for part in roles.PARTS})


def all_results(scene: slicer.vtkMRMLScene) -> list[ResultNodes]:
    """All results in a scene, in the order of their nodes."""
    found = scene.GetNodesByClass("vtkMRMLTransformNode")
    found.UnRegister(None)  # the caller owns this collection
    results = (find_result(found.GetItemAsObject(n)) for n in range(found.GetNumberOfItems()))
    return [result for result in results if result is not None]


def connect(nodes: ResultNodes, run: str) -> None:
    """Write the references and the description of the run (JSON) onto the transform node.

    A node that was part of another result is no longer part of that one.
    """
    for other in all_results(nodes.transform.GetScene()):
        if other.transform is not nodes.transform:
            _release(other, nodes)
    transform = nodes.transform
    for part in roles.PARTS:
        node = getattr(nodes, part)
        transform.SetNodeReferenceID(roles.role(part), None if node is None else node.GetID())
    transform.SetNodeReferenceID(slicer.vtkMRMLTransformNode.GetFixedNodeReferenceRole(), nodes.fixed.GetID())
    transform.SetNodeReferenceID(slicer.vtkMRMLTransformNode.GetMovingNodeReferenceRole(), nodes.moving.GetID())
    transform.SetAttribute(roles.RESULT, run)


def run_description(nodes: ResultNodes) -> dict[str, Any]:
    """Method, outcome, message, date, device, seconds, names of the volumes and the form of the transform, as texts and numbers.

    Empty where the scene's file was changed so that it is no description any more.
    """
    text = nodes.transform.GetAttribute(roles.RESULT)
    try:
        check_size(len(text), RUN_BYTES, nodes.transform.GetName(), "run the registration again")
        described = json.loads(text)
    except (ValueError, RecursionError, InputError):
        return {}
    return described if isinstance(described, dict) else {}


def verdict_of(nodes: ResultNodes) -> Verdict | None:
    """The quality control's judgement; None where there is none, as for methods for which it was not calibrated."""
    told = run_description(nodes).get("verdict")
    try:
        return None if told is None else Verdict(Level[told["level"]], tuple(map(str, told["reasons"])), str(told["blind_spots"]))
    except (KeyError, TypeError):  # of another version
        return None


def model_bytes(nodes: ResultNodes) -> bytes:
    """Content of the model file.

    Raises:
        InputError: The node is gone or its text was changed.
    """
    if nodes.model is None or not nodes.model.GetText():
        raise InputError(f"{nodes.transform.GetName()}: the model of this result is no longer in the scene; run the registration again")
    text = nodes.model.GetText()
    check_size(len(text), 2 * MODEL_BYTES, nodes.model.GetName(), "run the registration again")
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise InputError(f"{nodes.model.GetName()}: this text is no longer a model; run the registration again") from error


def model_text(model: bytes) -> str:
    """The text that a model node holds."""
    return base64.b64encode(model).decode("ascii")


def remove_result(nodes: ResultNodes) -> None:
    """Put the moving volume back and remove every node of the result, and its folder."""
    scene = nodes.transform.GetScene()
    if scene is None:
        return
    if nodes.moving is not None:
        take_back(nodes.moving)
    remove_with_folder(nodes.transform, [node for node in _made(nodes) if node.GetScene() is scene and node is not nodes.transform])


def restore_previous(nodes: ResultNodes) -> bool:
    """Put back what was in the nodes before they were updated; calling it again undoes that.

    Returns:
        Whether there was something to put back. Nodes that have left the scene are skipped.
    """
    if nodes.previous is None or nodes.transform.GetScene() is None:
        return False
    nodes.previous = nodes.previous.restore()
    found = find_result(nodes.transform)
    for part in roles.PARTS:
        setattr(nodes, part, getattr(found, part, None))
    return True


def _made(nodes: ResultNodes) -> list[Any]:
    parts = [getattr(nodes, part) for part in roles.PARTS if part not in ("fixed", "moving")]
    return [node for node in (*parts, nodes.transform) if node is not None]


def _release(other: ResultNodes, nodes: ResultNodes) -> None:
    mine = _made(nodes)
    for part in roles.PARTS:
        if part not in ("fixed", "moving") and getattr(other, part) in mine:
            other.transform.SetNodeReferenceID(roles.role(part), None)
