"""The module ``qt``: PySide6's classes as PythonQt shows those of Qt 5."""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import Any

from PySide6 import QtCore, QtGui, QtWidgets

from stand_in.pythonqt_calls import Method
from stand_in.pythonqt_classes import specials, wrap, wrapper_class
from stand_in.pythonqt_convert import Refused, fit
from stand_in.pythonqt_signals import call
from stand_in.ui_loader import Loader

SOURCES = (QtCore, QtGui, QtWidgets)
NOT_IN_QT5 = {"QPermission", "QKeyCombination", "QUntypedBindable", "QStringConverter", "QTaskBuilder", "QRhiWidget", "QChronoTimer"}


class Library(types.ModuleType):
    """A module whose classes are made when they are asked for.

    Args:
        name: What it is imported as.
        find: Gives the PySide6 class of a name, or None.
    """

    def __init__(self, name: str, find: Callable[[str], type | None]) -> None:
        super().__init__(name)
        self.__dict__["_find"] = find

    def __getattr__(self, name: str) -> Any:
        kind = self.__dict__["_find"](name)
        if kind is None:
            raise AttributeError(f"module '{self.__name__}' has no attribute '{name}'")
        made = wrapper_class(kind)
        self.__dict__[name] = made
        return made


def find_class(name: str) -> type | None:
    """The class of QtCore, QtGui or QtWidgets with that name, if Qt 5.15 has it too."""
    if not name.startswith("Q") or name in NOT_IN_QT5:
        return None
    found = next((getattr(source, name) for source in SOURCES if hasattr(source, name)), None)  # PySide6 makes its classes lazily
    return found if isinstance(found, type) else None


def _single_shot(*values: Any) -> None:
    """QTimer.singleShot(milliseconds, function)."""
    if len(values) != 2 or not callable(values[1]):
        raise ValueError(f"Called singleShot with wrong arguments: {values}")
    try:
        milliseconds = fit(int, values[0])[1]
    except Refused:
        raise ValueError(f"Called singleShot with wrong arguments: {values}") from None
    QtCore.QTimer.singleShot(milliseconds, lambda: _still_there(values[1]) and call(values[1], []))


def _still_there(function: Any) -> bool:
    """Without the application's outer event loop slicer.util.delayDisplay's popup is deleted at once; closing it later is no error then."""
    return not isinstance(function, Method) or bool(function._of)


def _first(static: Callable[..., tuple[Any, ...]]) -> Callable[..., Any]:
    """PySide6 gives a tuple where C++ writes to a pointer; PythonQt gives the result alone."""

    def give_first(*values: Any) -> Any:
        return wrap(static(*[getattr(value, "_it", value) for value in values])[0])

    return give_first


def _set_override_cursor(cursor: Any) -> None:
    """QApplication.setOverrideCursor(cursor or shape), without PySide6's context manager."""
    try:
        QtWidgets.QApplication.setOverrideCursor(fit(QtGui.QCursor | QtCore.Qt.CursorShape, cursor)[1])
    except Refused:
        raise ValueError(f"Called setOverrideCursor with wrong arguments: {cursor!r}") from None


def _register_specials() -> None:
    specials["QTimer", "singleShot"] = _single_shot
    specials["QGuiApplication", "setOverrideCursor"] = _set_override_cursor
    for name in ("getOpenFileName", "getOpenFileNames", "getSaveFileName"):
        specials["QFileDialog", name] = _first(getattr(QtWidgets.QFileDialog, name))
    for name in ("getText", "getInt", "getDouble", "getItem", "getMultiLineText"):
        specials["QInputDialog", name] = _first(getattr(QtWidgets.QInputDialog, name))


def make(own: dict[str, type]) -> Library:
    """The module ``qt``.

    Args:
        own: The stand-in's own widget classes, for forms.
    """
    _register_specials()
    module = Library("qt", find_class)
    module.__dict__["QUiLoader"] = lambda: Loader(own, wrap)
    return module
