"""Watching the scene for a widget: observers that do not keep the widget alive and end with it."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

import vtk
from PySide6.QtWidgets import QWidget
from shiboken6 import isValid


def observer(widget: QWidget, method: str, with_node: bool = False) -> Callable[..., None]:
    """A callback for AddObserver that calls a method of the widget as long as that exists.

    Args:
        widget: Held weakly.
        method: Name of the method.
        with_node: Hand over the node that the event is about.
    """
    held = weakref.ref(widget)

    def observe(caller: Any, event: str, node: Any = None) -> None:  # noqa: ARG001 (VTK's signature)
        alive = held()
        if alive is not None and isValid(alive):
            getattr(alive, method)(*([node] if with_node else []))

    if with_node:
        return vtk.calldata_type(vtk.VTK_OBJECT)(observe)
    return lambda caller, event: observe(caller, event)


class Watch:
    """Observers of a widget on a scene and on some of its nodes."""

    def __init__(self, widget: QWidget) -> None:
        self._widget = weakref.ref(widget)
        self._scene_tags: list[tuple[Any, int]] = []
        self._node_tags: dict[Any, list[int]] = {}
        widget.destroyed.connect(lambda: self.stop())

    def scene(self, scene: Any, with_node: dict[int, str], plain: dict[int, str]) -> None:
        """Observe a scene: event -> name of the method."""
        for methods, flag in ((with_node, True), (plain, False)):
            for event, method in methods.items():
                self._scene_tags.append((scene, scene.AddObserver(event, observer(self._widget(), method, flag))))

    def nodes(self, nodes: list[Any], events: list[int], method: str) -> None:
        """Observe these nodes and no others."""
        for gone in [node for node in self._node_tags if node not in nodes]:
            self._end(gone)
        for node in nodes:
            if node not in self._node_tags:
                self._node_tags[node] = [node.AddObserver(event, observer(self._widget(), method)) for event in events]

    def observed(self) -> set[Any]:
        """The scene and the nodes that are observed."""
        return {scene for scene, _ in self._scene_tags} | set(self._node_tags)

    def _end(self, node: Any) -> None:
        for tag in self._node_tags.pop(node):
            node.RemoveObserver(tag)

    def stop(self) -> None:
        """Take away all observers."""
        for scene, tag in self._scene_tags:
            scene.RemoveObserver(tag)
        self._scene_tags.clear()
        for node in list(self._node_tags):
            self._end(node)
