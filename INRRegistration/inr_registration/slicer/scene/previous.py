"""What is in nodes before they are updated, kept in memory so that it can be put back.

Nothing is copied that an update replaces as a whole (transforms, images, segments); tables and texts are copied.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import slicer

from inr_registration.slicer.scene import roles
from inr_registration.slicer.scene.folder import folder_of, remove_empty
from inr_registration.slicer.scene.segments import hold_segments

REPLACED = ("vtkMRMLTransformNode", "vtkMRMLVolumeNode")
REFERENCES = (*map(roles.role, roles.PARTS), "spatialRegistrationFixed", "spatialRegistrationMoving", roles.PARENT)


class Previous:
    """The content of some nodes, and where some others are, at the time when this was made.

    Args:
        contents: Their content, references and parent come back.
        placed: Only their parent and references come back: moving volumes.
    """

    def __init__(self, contents: Sequence[Any], placed: Sequence[Any] = ()) -> None:
        self.contents, self.placed = list(contents), list(placed)
        self._steps = [(node, _content(node)) for node in contents]
        self._steps += [(node, _place(node)) for node in (*contents, *placed)]

    def restore(self) -> Previous:
        """Put everything back, but for nodes that have left the scene.

        Returns:
            What there was until now.
        """
        until_now = Previous([node for node in self.contents if node.GetScene()], [node for node in self.placed if node.GetScene()])
        for node, step in self._steps:
            if node.GetScene() is not None:
                step()
        return until_now


@contextlib.contextmanager
def all_or_nothing(scene: Any, previous: Previous) -> Iterator[Previous]:
    """Where something fails within, put back what was there and remove the nodes that have come since.

    Args:
        scene: That will be changed.
        previous: What is in the nodes that will be updated.
    """
    known = set(_all_nodes(scene))
    try:
        yield previous
    except BaseException:  # whatever it is: half a result must not stay
        previous.restore()
        new = [node for node in _all_nodes(scene) if node not in known]
        folders = {folder for node in new if (folder := folder_of(node)) is not None}
        for node in new:
            scene.RemoveNode(node)
        remove_empty(scene, folders)
        raise


def _all_nodes(scene: Any) -> list[Any]:
    return [scene.GetNthNode(n) for n in range(scene.GetNumberOfNodes())]


def _content(node: Any) -> Callable[[], None]:
    if node.IsA("vtkMRMLSegmentationNode"):
        return hold_segments(node)
    copy = getattr(slicer, node.GetClassName())()
    copy.CopyContent(node, not any(node.IsA(kind) for kind in REPLACED))
    return lambda: node.CopyContent(copy, False)


def _place(node: Any) -> Callable[[], None]:
    """Puts back what a node refers to and lies under."""
    references = {name: node.GetNodeReference(name) for name in REFERENCES}
    transformable = node.IsA("vtkMRMLTransformableNode")
    parent = node.GetParentTransformNode() if transformable else None

    def restore() -> None:
        for name, other in references.items():
            if _is_here(other, node):
                node.SetNodeReferenceID(name, other.GetID())
            elif node.GetNodeReferenceID(name) is not None:
                node.RemoveNodeReferenceIDs(name)
        if transformable:
            node.SetAndObserveTransformNodeID(parent.GetID() if _is_here(parent, node) else None)

    return restore


def _is_here(other: Any, node: Any) -> bool:
    return other is not None and other.GetScene() is node.GetScene()
