"""Python subclasses of Qt classes: the virtual functions that they override are called by Qt."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from stand_in.pythonqt_convert import to_qt
from stand_in.pythonqt_signals import report

_shells: dict[type, type] = {}


def overrides(python_class: type, kind: type) -> set[str]:
    """Names of functions of a Python subclass that the Qt class has too."""
    names = set()
    for base in python_class.__mro__:
        if "_qt" in vars(base):
            break
        names |= {
            name
            for name, value in vars(base).items()
            if callable(value) and not name.startswith("_") and callable(getattr(kind, name, None))
        }
    return names


def shell_class(python_class: type, kind: type, names: set[str]) -> type:
    """A PySide6 class whose virtual functions call the Python subclass."""
    if python_class not in _shells:
        body: dict[str, Any] = {name: _forward(kind, name) for name in names}
        _shells[python_class] = type(python_class.__name__, (kind,), {**body, "_shell_of": kind, "_wrapper": None})
    return _shells[python_class]


def _forward(kind: type, name: str) -> Callable[..., Any]:
    def virtual(it: Any, *arguments: Any) -> Any:
        from stand_in.pythonqt_classes import wrap

        if it._wrapper is None:  # called by the constructor
            return getattr(kind, name)(it, *arguments)
        try:
            return to_qt(getattr(it._wrapper, name)(*[wrap(argument) for argument in arguments]))
        except Exception as problem:
            report(problem)
            return getattr(kind, name)(it, *arguments)

    virtual.__name__ = name
    return virtual
