"""Calls of Qt's functions as PythonQt makes them."""

from __future__ import annotations

from typing import Any

import shiboken6

from stand_in.pythonqt_convert import arguments_for


class Method:
    """A method of a Qt object: no keyword arguments, ValueError for arguments that do not fit."""

    __slots__ = ("_function", "_name", "_of")

    def __init__(self, of: Any, name: str, function: Any) -> None:
        self._of, self._name, self._function = of, name, function

    def __call__(self, *values: Any, **named: Any) -> Any:
        if named:
            raise ValueError(f"Called {self._name}() with keyword arguments; Qt methods take none")
        it = alive(self._of)
        return called(self._function, (type(self._of)._qt, self._name), values, getattr(it, self._name))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Method) and self._of is other._of and self._name == other._name

    def __hash__(self) -> int:
        return hash((id(self._of), self._name))


def called(function: Any, key: Any, values: tuple[Any, ...], bound: Any = None) -> Any:
    """Call a function of PySide6 with converted arguments and convert its result.

    Args:
        function: The unbound function, whose signatures count.
        key: What it is kept under.
        values: Arguments as the user gave them.
        bound: What is called; None: the function itself.
    """
    from stand_in.pythonqt_classes import wrap

    converted = arguments_for(function, key, values)
    try:
        return wrap((bound or function)(*converted))
    except TypeError as problem:
        raise ValueError(str(problem)) from problem


def alive(wrapper: Any) -> Any:
    """The Qt object of a wrapper.

    Raises:
        ValueError: It has been destroyed.
    """
    it = wrapper._it
    if not shiboken6.isValid(it):
        raise ValueError(f"Trying to use a destroyed {type(wrapper).__name__} object")
    return it
