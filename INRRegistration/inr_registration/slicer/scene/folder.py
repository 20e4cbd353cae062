"""One folder of the subject hierarchy for the nodes of one result, beside the fixed volume."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import slicer

from inr_registration.slicer.scene import roles


def put_in_folder(title: str, fixed: Any, transform: Any, nodes: Iterable[Any]) -> None:
    """Put nodes into the folder in which the transform is, or a new one beside the fixed volume.

    Args:
        title: What the folder is called from now on.
        fixed: The fixed volume node.
        transform: The result's transform node.
        nodes: Everything else that belongs in the folder.
    """
    tree = _tree(fixed.GetScene())
    if tree is None or not tree.GetItemByDataNode(transform):
        return  # the application, which makes an item for each node, is not there
    folder = _folder_of(tree, transform)
    if folder is None:
        beside = tree.GetItemByDataNode(fixed)
        folder = tree.CreateFolderItem(tree.GetItemParent(beside) if beside else tree.GetSceneItemID(), title)
        tree.SetItemAttribute(folder, roles.FOLDER, "1")
    tree.SetItemName(folder, title)
    for node in (transform, *nodes):
        item = tree.GetItemByDataNode(node)
        if item and tree.GetItemParent(item) != folder:
            tree.SetItemParent(item, folder)


def remove_with_folder(transform: Any, nodes: Iterable[Any]) -> None:
    """Remove a result's nodes with what displays and stores them, then its folder where nothing is left in it."""
    scene = transform.GetScene()
    folder = folder_of(transform)
    for node in (*nodes, transform):
        for part in (*_helpers(node), node):
            scene.RemoveNode(part)
    remove_empty(scene, () if folder is None else (folder,))


def folder_of(node: Any) -> int | None:
    """The folder of a result in which a node lies."""
    tree = _tree(node.GetScene())
    return None if tree is None else _folder_of(tree, node)


def remove_empty(scene: slicer.vtkMRMLScene, folders: Iterable[int]) -> None:
    """Remove those folders in which nothing is left."""
    tree = _tree(scene)
    for folder in folders:
        if tree.GetNumberOfItemChildren(folder) == 0:
            tree.RemoveItem(folder)


def _helpers(node: Any) -> list[Any]:
    """Display and storage nodes of a node."""
    shown = [node.GetNthDisplayNode(n) for n in range(node.GetNumberOfDisplayNodes())] if node.IsA("vtkMRMLDisplayableNode") else []
    return [part for part in (*shown, node.GetStorageNode()) if part is not None]


def _tree(scene: slicer.vtkMRMLScene) -> slicer.vtkMRMLSubjectHierarchyNode | None:
    return slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)


def _folder_of(tree: slicer.vtkMRMLSubjectHierarchyNode, node: Any) -> int | None:
    item = tree.GetItemByDataNode(node)
    folder = tree.GetItemParent(item) if item else 0
    return folder if folder and tree.GetItemAttribute(folder, roles.FOLDER) else None
