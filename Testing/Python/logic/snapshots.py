"""Everything that is in a scene, to see whether anything has changed."""

from __future__ import annotations

import hashlib
from typing import Any

import slicer
import vtk
from vtk.util.numpy_support import vtk_to_numpy

PLACES = ((0.0, 0.0, 0.0), (10.0, -7.0, 5.0), (-12.0, 8.0, 3.0))
"""Where transforms are looked at, RAS mm."""


def snapshot(scene: Any = None) -> dict[str, dict[str, Any]]:
    """ID of each node -> its class, name, attributes, references, time of its last change and content; and the tree of folders."""
    scene = slicer.mrmlScene if scene is None else scene
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)  # makes it where there is none yet
    nodes = [scene.GetNthNode(n) for n in range(scene.GetNumberOfNodes())]
    known = {node.GetID(): _described(node) for node in nodes}
    return known if hierarchy is None else {**known, "folders": {"tree": _tree(hierarchy, hierarchy.GetSceneItemID())}}


def differences(before: dict[str, dict[str, Any]], after: dict[str, dict[str, Any]]) -> list[str]:
    """What is new, gone or changed between two snapshots, a line each."""
    found = [f"new: {key} {after[key].get('name', '')}" for key in after.keys() - before.keys()]
    found += [f"gone: {key} {before[key].get('name', '')}" for key in before.keys() - after.keys()]
    for key in before.keys() & after.keys():
        old, new = before[key], after[key]
        found += [f"{key} {part}: {old[part]} -> {new[part]}" for part in old if old[part] != new[part]]
    return sorted(found)


def _described(node: Any) -> dict[str, Any]:
    return {
        "class": node.GetClassName(),
        "name": node.GetName(),
        "attributes": {name: node.GetAttribute(name) for name in node.GetAttributeNames()},
        "references": _references(node),
        "changed": node.GetMTime(),
        "content": _content(node),
    }


def _references(node: Any) -> dict[str, list[str]]:
    roles: list[str] = []
    node.GetNodeReferenceRoles(roles)
    return {role: [node.GetNthNodeReferenceID(role, n) for n in range(node.GetNumberOfNodeReferences(role))] for role in roles}


def _content(node: Any) -> Any:
    """Bytes of the arrays (as a hash) and the like, for whoever writes into them without a word."""
    if node.IsA("vtkMRMLVolumeNode") and node.GetImageData() is not None:
        matrix = vtk.vtkMatrix4x4()
        node.GetIJKToRASMatrix(matrix)
        return _image(node.GetImageData()), [matrix.GetElement(row, column) for row in range(3) for column in range(4)]
    if node.IsA("vtkMRMLTransformNode"):
        return [node.GetTransformFromParent().TransformPoint(*place) for place in PLACES]
    if node.IsA("vtkMRMLSegmentationNode"):
        return _segments(node.GetSegmentation())
    if node.IsA("vtkMRMLMarkupsNode"):
        return slicer.util.arrayFromMarkupsControlPoints(node).tolist()
    if node.IsA("vtkMRMLTextNode"):
        return node.GetText()
    if node.IsA("vtkMRMLTableNode"):
        return _table(node.GetTable())
    return None


def _image(image: Any) -> str:
    scalars = image.GetPointData().GetScalars()
    return "" if scalars is None else hashlib.sha256(vtk_to_numpy(scalars).tobytes()).hexdigest()


def _segments(segmentation: Any) -> list[tuple[str, str]]:
    segments = [segmentation.GetNthSegment(n) for n in range(segmentation.GetNumberOfSegments())]
    masks = [segment.GetRepresentation("Binary labelmap") for segment in segments]
    return [(segment.GetName(), "" if mask is None else _image(mask)) for segment, mask in zip(segments, masks, strict=True)]


def _table(table: Any) -> list[list[str]]:
    rows, columns = range(table.GetNumberOfRows()), range(table.GetNumberOfColumns())
    return [[table.GetColumnName(column), *(table.GetValue(row, column).ToString() for row in rows)] for column in columns]


def _tree(hierarchy: Any, item: int) -> list[Any]:
    children: list[int] = []
    hierarchy.GetItemChildren(item, children)
    return [(hierarchy.GetItemName(child), _tree(hierarchy, child)) for child in children]
