"""Reading of .ui files as Slicer's form builder does it."""

from __future__ import annotations

import atexit
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree

import shiboken6
from PySide6.QtCore import QBuffer, QByteArray, QIODevice
from PySide6.QtUiTools import QUiLoader
from PySide6.QtWidgets import QWidget

_kept: dict[int, QWidget] = {}  # what C++ owns under PythonQt: forms, until they are deleted, and the stand-in's own widgets in them


def keep(widget: QWidget) -> QWidget:
    """Keep the Python half of a widget as long as the C++ half lives."""
    pointer = shiboken6.getCppPointer(widget)[0]
    _kept[pointer] = widget
    widget.destroyed.connect(lambda: _kept.pop(pointer, None))
    return widget


@atexit.register
def delete_forms() -> None:
    """Delete what is kept before the application ends."""
    for widget in [one for one in _kept.values() if shiboken6.isValid(one) and one.parent() is None]:
        shiboken6.delete(widget)


class _Builder(QUiLoader):
    """Makes the stand-in's own widgets where a form names them."""

    def __init__(self, own: dict[str, type]) -> None:
        super().__init__()
        self._own = own

    def createWidget(self, kind: str, parent: QWidget | None = None, name: str = "") -> QWidget:
        if kind not in self._own:
            return super().createWidget(kind, parent, name)
        widget = self._own[kind](parent=parent)
        widget.setObjectName(name)
        return keep(widget)


class Loader:
    """What ``qt.QUiLoader()`` gives.

    Args:
        own: Widget classes of the stand-in by name.
        wrap: Makes the wrapper of a widget.
    """

    def __init__(self, own: dict[str, type], wrap: Callable[[Any], Any]) -> None:
        self._builder, self._own, self._wrap = _Builder(own), own, wrap

    def load(self, file: Any) -> Any:
        """The top widget of a form, or None.

        Args:
            file: An open ``qt.QFile``.
        """
        root = ElementTree.fromstring(bytes(file._it.readAll().data()))
        self._replace_unknown(root)
        wires = [{part.tag: part.text for part in one} for one in root.iterfind("connections/connection")]
        for tag in ("connections", "customwidgets"):
            for element in root.findall(tag):
                root.remove(element)
        data = QBuffer()
        data.setData(QByteArray(ElementTree.tostring(root)))
        data.open(QIODevice.OpenModeFlag.ReadOnly)
        loaded = self._builder.load(data)
        if loaded is None:
            return None
        top = self._wrap(keep(loaded))
        for wire in wires:
            self._wire(top, wire)
        return top

    def _replace_unknown(self, root: ElementTree.Element) -> None:
        """A class that nobody knows becomes what the form says it extends, or is left out."""
        extends = {one.findtext("class"): one.findtext("extends") for one in root.iterfind("customwidgets/customwidget")}
        known = {*self._builder.availableWidgets(), *self._own}
        parents = {child: parent for parent in root.iter() for child in parent}
        for widget in list(root.iter("widget")):
            while widget.get("class") not in known and widget.get("class") in extends:
                widget.set("class", extends[widget.get("class")] or "")
            if widget.get("class") not in known:
                around = parents[widget]
                outer = around if around.tag == "item" else widget
                parents[outer].remove(outer)

    def _wire(self, top: Any, wire: dict[str, str | None]) -> None:
        sender, receiver = (top if top.objectName == wire[end] else top.findChild("QObject", wire[end]) for end in ("sender", "receiver"))
        if sender is not None and receiver is not None:
            name = str(wire["slot"]).split("(")[0]
            sender.connect(wire["signal"], getattr(receiver, name))
