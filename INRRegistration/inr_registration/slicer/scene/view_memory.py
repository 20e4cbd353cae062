"""Changes to nodes that can be taken back exactly."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

import slicer


class Memory:
    """Sets properties of nodes and remembers what they were, and which nodes were made on the way.

    A property is a name with ``Get`` and ``Set`` (or ``SetAndObserve``) in front. A name that ends in ``ID`` refers to a node:
    the node is remembered, not its ID, because IDs are given again after a node has left.
    """

    def __init__(self) -> None:
        self._were: dict[tuple[Any, str], Any] = {}
        self._made: list[Any] = []

    def set(self, node: Any, values: Mapping[str, Any]) -> None:
        """Set properties of one node in one event. What a property was is kept at its first change only."""
        changing = node.StartModify()
        try:
            for name, value in values.items():
                self._were.setdefault((node, name), _get(node, name))
                _put(node, name, value)
        finally:
            node.EndModify(changing)

    def made(self, node: Any) -> None:
        """Remember a node that is to leave again."""
        self._made.append(node)

    def restore(self) -> None:
        """Put everything back, last change first, then forget it. Nodes that have left the scene are skipped."""
        changed = dict.fromkeys(node for node, _ in self._were)  # each once: StartModify twice would silence a node for good
        alive = {node: node.StartModify() for node in changed if node.GetScene() is not None}
        try:
            for (node, name), value in reversed(self._were.items()):
                if node in alive and not _lost(value):
                    _put(node, name, value)
        finally:
            for node, changing in alive.items():
                node.EndModify(changing)
        for node in self._made:
            if node.GetScene() is not None:
                node.GetScene().RemoveNode(node)
        self.forget()

    def forget(self) -> None:
        """Leave everything as it is now."""
        self._were, self._made = {}, []


def _get(node: Any, name: str) -> Any:
    value = getattr(node, f"Get{name}")()
    return node.GetScene().GetNodeByID(value) if name.endswith("ID") and value else value


def _put(node: Any, name: str, value: Any) -> None:
    if name.endswith("ID"):
        value = value.GetID() if value else None
    setter = getattr(node, f"SetAndObserve{name}", None) or getattr(node, f"Set{name}")
    setter(*value) if isinstance(value, tuple) else setter(value)


def _lost(value: Any) -> bool:
    """Whether a value is a node that has left its scene."""
    return isinstance(value, slicer.vtkMRMLNode) and value.GetScene() is None


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """No rendering in between, where there is an application."""
    with slicer.util.RenderBlocker() if hasattr(slicer, "app") else contextlib.nullcontext():
        yield
