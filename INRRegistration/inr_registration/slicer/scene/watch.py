"""Noticing that nodes which somebody still needs are leaving the scene."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import vtk


class SceneWatch:
    """Calls back once when the scene is about to close, or when one of some nodes is about to be removed from it.

    Args:
        nodes: The nodes; their scene is watched.
        on_loss: Called with the node that leaves, or None where the whole scene closes. The watch has ended by then.
    """

    def __init__(self, nodes: Iterable[Any], on_loss: Callable[[Any], object]) -> None:
        self._nodes = tuple(nodes)
        self._on_loss = on_loss
        self._scene = self._nodes[0].GetScene()
        self._tags = [
            self._scene.AddObserver(self._scene.StartCloseEvent, self._closes),
            self._scene.AddObserver(self._scene.NodeAboutToBeRemovedEvent, self._removes),
        ]

    def end(self) -> None:
        """Watch no more. May be called again."""
        for tag in self._tags:
            self._scene.RemoveObserver(tag)
        self._tags = []

    def _closes(self, _caller: Any, _event: str) -> None:
        self._lost(None)

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def _removes(self, _caller: Any, _event: str, node: Any) -> None:
        if any(node is mine for mine in self._nodes):
            self._lost(node)

    def _lost(self, node: Any) -> None:
        self.end()
        self._on_loss(node)
