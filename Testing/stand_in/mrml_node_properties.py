"""Signals, flags and properties of the node selector."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Property

SIGNALS = {  # as Slicer writes them -> as the widget has them; without the second they are hidden
    "currentNodeChanged(vtkMRMLNode*)": "node_changed(PyObject)",
    "currentNodeChanged(bool)": "node_valid(bool)",
    "nodeActivated(vtkMRMLNode*)": "node_activated(PyObject)",
    "nodeAdded(vtkMRMLNode*)": "node_added(PyObject)",
    "nodeAddedByUser(vtkMRMLNode*)": "added_by_user(PyObject)",
    "nodeAddedByUserAction(vtkMRMLNode*)": "added_by_action(PyObject)",
    "nodeAboutToBeRemoved(vtkMRMLNode*)": "about_to_be_removed(PyObject)",
    "nodeAboutToBeEdited(vtkMRMLNode*)": "about_to_be_edited(PyObject)",
    "node_valid(bool)": "",
}
FLAGS = {
    "noneEnabled": False,
    "addEnabled": True,
    "removeEnabled": True,
    "editEnabled": False,
    "renameEnabled": False,
    "selectNodeUponCreation": True,
}


def flag(name: str) -> Any:
    """A truth value kept in ``self._flags``."""

    def read(self: Any) -> bool:
        return self._flags[name]

    def write(self: Any, value: bool) -> None:
        self._set_flag(name, value)

    return Property(bool, read, write)


def filtering(kind: Any, name: str) -> Any:
    """A member of the selector's filter as property."""

    def read(self: Any) -> Any:
        return getattr(self._filter, name)

    def write(self: Any, value: Any) -> None:
        self._set_filter(name, value)

    return Property(kind, read, write)
