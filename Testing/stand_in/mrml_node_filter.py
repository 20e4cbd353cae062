"""Which nodes of the scene a node selector lists."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass
class NodeFilter:
    """The conditions of one selector."""

    node_types: list[str] = field(default_factory=list)
    hide_child_types: list[str] = field(default_factory=list)
    show_hidden: bool = False
    show_children: bool = True
    attributes: list[tuple[str, str, str | None]] = field(default_factory=list)

    def candidates(self, scene: Any) -> list[Any]:
        """Nodes of the wanted types, hidden or not, in the order of the scene."""
        if scene is None:
            return []
        nodes = [scene.GetNthNode(index) for index in range(scene.GetNumberOfNodes())]
        return [node for node in nodes if any(node.IsA(kind) for kind in self.node_types)]

    def shows(self, node: Any) -> bool:
        """Whether a candidate is listed."""
        if node.GetHideFromEditors() and not self.show_hidden:
            return False
        if node.GetClassName() not in self.node_types and (not self.show_children or any(node.IsA(kind) for kind in self.hide_child_types)):
            return False
        return all(self._has(node, name, value) for kind, name, value in self.attributes if node.IsA(kind))

    @staticmethod
    def _has(node: Any, name: str, value: str | None) -> bool:
        found = node.GetAttribute(name)
        return found is not None and value in (None, found)
