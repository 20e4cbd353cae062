"""Where a volume lies, and how the moving one is put under a result without touching what is above it.

Inputs are never hardened and their parents never changed. A moving volume that has a parent gets a node between itself and the
result: "<moving> own position", a copy of its parents up to the world. Its former parent is remembered by a node reference.
"""

from __future__ import annotations

import slicer
import vtk

from inr_registration.slicer.scene import roles
from inr_registration.slicer.scene.frames import linear_matrix, to_matrix

Node = slicer.vtkMRMLTransformableNode
TransformNode = slicer.vtkMRMLTransformNode


def is_result_of(node: TransformNode, moving: Node | None) -> bool:
    """Whether a transform node is a result of ours that was made for this moving volume."""
    if moving is None or node.GetAttribute(roles.RESULT) is None:
        return False
    return node.GetNodeReference(roles.role("moving")) is moving


def parents(node: Node) -> list[TransformNode]:
    """The transform nodes above a node, the nearest first."""
    found = []
    above = node.GetParentTransformNode()
    while above is not None and above not in found:
        found.append(above)
        above = above.GetParentTransformNode()
    return found


def to_world(node: Node, moving: Node | None = None) -> vtk.vtkGeneralTransform:
    """From a node's own frame to the world (RAS mm), through all of its parents.

    Args:
        node: A volume, segmentation or markups node.
        moving: Where given, results of ours for this volume and what is above them do not count: that is where ``node`` was
            before the registration.
    """
    top = next((above for above in parents(node) if is_result_of(above, moving)), None)
    general = vtk.vtkGeneralTransform()
    TransformNode.GetTransformBetweenNodes(node.GetParentTransformNode(), top, general)
    return general


def place(moving: Node, transform: TransformNode) -> TransformNode | None:
    """Put the moving volume under a result's transform.

    It is put there directly where it has no parent; where it lies under one of its former results, the new one takes its place.

    Returns:
        The node that holds its own position, where there is one.
    """
    parent = moving.GetParentTransformNode()
    if parent is not None and parent.GetAttribute(roles.OWN_POSITION):
        own = parent
    elif parent is None or is_result_of(parent, moving):
        own = None
    else:
        own = _own_position(moving)
    below = moving if own is None else own
    below.SetAndObserveTransformNodeID(transform.GetID())
    if own is not None and parent is not own:
        moving.SetNodeReferenceID(roles.PARENT, parent.GetID())
        moving.SetAndObserveTransformNodeID(own.GetID())
    return own


def take_back(moving: Node) -> bool:
    """Put the moving volume back where it was before it was placed under a result.

    Its former parent is its parent again; if that node is gone, the volume keeps the copy of its position.

    Returns:
        Whether it was under a result.
    """
    parent = moving.GetParentTransformNode()
    if parent is None:
        return False
    if not parent.GetAttribute(roles.OWN_POSITION):
        if not is_result_of(parent, moving):
            return False
        moving.SetAndObserveTransformNodeID(None)
        return True
    former = moving.GetNodeReference(roles.PARENT)
    if former is None:
        parent.SetAndObserveTransformNodeID(None)
        return True
    moving.SetAndObserveTransformNodeID(former.GetID())
    moving.RemoveNodeReferenceIDs(roles.PARENT)
    if not any(parent in parents(node) for node in _transformables(moving.GetScene())):
        moving.GetScene().RemoveNode(parent)
    return True


def _transformables(scene: slicer.vtkMRMLScene) -> list[Node]:
    found = scene.GetNodesByClass("vtkMRMLTransformableNode")
    found.UnRegister(None)  # the caller owns this collection
    return [found.GetItemAsObject(n) for n in range(found.GetNumberOfItems())]


def _own_position(moving: Node) -> TransformNode:
    """A node with a copy of where the volume is without its results; later changes of its parents do not reach it."""
    general = to_world(moving, moving)
    node = moving.GetScene().AddNewNodeByClass("vtkMRMLTransformNode", f"{moving.GetName()} own position")
    node.SetAttribute(roles.OWN_POSITION, "1")
    node.SetDescription(f"Where {moving.GetName()} was before it was registered; a copy of the transforms that were above it.")
    matrix = linear_matrix(general)
    if matrix is not None:
        node.SetMatrixTransformToParent(to_matrix(matrix))
        return node
    copy = vtk.vtkGeneralTransform()
    TransformNode.DeepCopyTransform(copy, general)
    node.SetAndObserveTransformToParent(copy)
    return node
