"""The wrappers: what ``qt``, ``ctk`` and ``slicer`` hand out instead of PySide6's classes.

A wrapper class knows its PySide6 class as ``_qt``; a wrapper holds its object as ``_it``. Wrapper classes do not inherit from each other,
as under PythonQt. The same Qt object has the same wrapper as long as Python holds it.
"""

from __future__ import annotations

import types
import weakref
from typing import Any

import shiboken6
from PySide6.QtCore import QObject

from stand_in import pythonqt_signals as signals
from stand_in.pythonqt_calls import Method, alive, called
from stand_in.pythonqt_convert import arguments_for, to_python, to_qt
from stand_in.pythonqt_members import Members, members_of
from stand_in.pythonqt_virtuals import overrides, shell_class

_classes: dict[type, type] = {}
_wrappers: weakref.WeakValueDictionary[int, Any] = weakref.WeakValueDictionary()
specials: dict[tuple[str, str], Any] = {}  # (class, member) -> function that replaces it


def wrapper_class(kind: type) -> Any:
    """The wrapper class of a PySide6 class or of one of the stand-in's own widget classes."""
    kind = getattr(kind, "_shell_of", kind)
    if kind not in _classes:
        base = ObjectWrapper if issubclass(kind, QObject) else Wrapper
        _classes[kind] = WrapperType(kind.__name__, (base,), {"__slots__": (), "_qt": kind, "__module__": "PythonQt"})
    return _classes[kind]


def wrap(value: Any) -> Any:
    """What Python code sees of a value."""
    return to_python(value, _wrap_object)


def _wrap_object(it: Any) -> Any:
    if not isinstance(it, QObject):
        return _adopt(it)
    pointer = shiboken6.getCppPointer(it)[0]
    known = _wrappers.get(pointer)
    if known is not None and shiboken6.isValid(known._it):
        return known
    return _adopt(it)


def _adopt(it: Any) -> Any:
    made = object.__new__(wrapper_class(type(it)))
    _take(made, it)
    return made


def _take(wrapper: Any, it: Any) -> None:
    object.__setattr__(wrapper, "_it", it)
    if isinstance(it, QObject):
        _wrappers[shiboken6.getCppPointer(it)[0]] = wrapper


class WrapperType(type):
    """Class of the wrapper classes: finds enums, static functions and unbound methods of the Qt class."""

    def __getattr__(cls, name: str) -> Any:
        kind = type.__getattribute__(cls, "_qt")
        special = _special(kind, name)
        if special is not None:
            return special
        members = members_of(kind)
        constant = members.constant(name)
        if constant is not None:
            return constant
        function = members.function(name)
        if function is None:
            raise AttributeError(f"type object '{cls.__name__}' has no attribute '{name}'")
        return _unbound(kind, name, function)

    def __dir__(cls) -> list[str]:
        return sorted(set(super().__dir__()) | members_of(cls._qt).names())


def _special(kind: type, name: str) -> Any:
    return next((specials[base.__name__, name] for base in kind.__mro__ if (base.__name__, name) in specials), None)


def _unbound(kind: type, name: str, function: Any) -> Any:
    static = isinstance(function, types.BuiltinFunctionType)

    def call_unbound(*values: Any, **named: Any) -> Any:
        if named:
            raise ValueError(f"Called {name}() with keyword arguments; Qt methods take none")
        if static:
            return called(function, (kind, name), values)
        if not values or not isinstance(values[0], Wrapper):
            raise ValueError(f"Called {name}() without an object")
        it = alive(values[0])
        return called(function, (kind, name), values[1:], lambda *rest: function(it, *rest))

    call_unbound.__name__ = name
    return call_unbound


class Wrapper(metaclass=WrapperType):
    """A Qt value such as QSize or QColor: methods only."""

    __slots__ = ("__weakref__", "_it")
    _qt: type = shiboken6.Object

    def __init__(self, *values: Any, **named: Any) -> None:
        kind = type(self)._qt
        if named:
            raise ValueError(f"Called {kind.__name__}() with keyword arguments; Qt constructors take none")
        converted = arguments_for(kind, kind, values)
        own = overrides(type(self), kind)
        maker = shell_class(type(self), kind, own) if _derived(type(self)) else kind
        try:
            it = maker(*converted)
        except (TypeError, NotImplementedError) as problem:
            raise ValueError(str(problem)) from problem
        _take(self, it)
        if maker is not kind:
            it._wrapper = self

    def __getattr__(self, name: str) -> Any:
        if name == "_it":
            raise AttributeError(f"__init__ of {type(self).__name__} has not been called")
        it = alive(self)
        found = self._member(it, members_of(type(self)._qt), name)
        if found is _MISSING:
            raise AttributeError(f"{type(self)._qt.__name__} has no attribute named '{name}'")
        return found

    def _member(self, it: Any, members: Members, name: str) -> Any:  # noqa: ARG002 (ObjectWrapper needs it)
        special = _special(type(self)._qt, name)
        if special is not None:
            return special
        function = members.function(name)
        if function is not None:
            return Method(self, function.__name__, function)
        constant = members.constant(name)
        return _MISSING if constant is None else constant

    def __setattr__(self, name: str, value: Any) -> None:
        if not _derived(type(self)):
            raise AttributeError(f"Attribute '{name}' does not exist on {type(self).__name__} and creating new attributes is not allowed")
        object.__setattr__(self, name, value)

    def __dir__(self) -> list[str]:
        return sorted(set(object.__dir__(self)) | members_of(type(self)._qt).names())

    def __repr__(self) -> str:
        return f"{type(self)._qt.__name__} (C++ object at {id(self._it):#x})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Wrapper) and self._it == other._it

    def __hash__(self) -> int:
        return hash(self._it)

    def __bool__(self) -> bool:
        return shiboken6.isValid(self._it)

    def delete(self) -> None:
        """Destroy the C++ object now."""
        shiboken6.delete(alive(self))


_MISSING = object()


def _derived(kind: type) -> bool:
    return "_qt" not in vars(kind)


class ObjectWrapper(Wrapper):
    """A QObject: properties, signals, dynamic properties, methods."""

    __slots__ = ()
    _qt = QObject

    def _member(self, it: Any, members: Members, name: str) -> Any:
        known = members.properties.get("objectName" if name == "name" else name)
        if known is not None:
            return wrap(known.read(it))
        signal = signals.named(it, name)
        if signal is not None:
            return signals.Signal(self, signal)
        found = super()._member(it, members, name)
        if found is _MISSING and name.encode() in it.dynamicPropertyNames():
            return wrap(it.property(name))
        return found

    def __setattr__(self, name: str, value: Any) -> None:
        known = members_of(type(self)._qt).properties.get("objectName" if name == "name" else name)
        if known is None:
            super().__setattr__(name, value)
        else:
            known.write(alive(self), value)

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return id(self)

    def className(self) -> str:
        it = alive(self)
        return type(self)._qt.__name__ if hasattr(it, "_shell_of") else it.metaObject().className()

    def inherits(self, name: str) -> bool:
        it = alive(self)
        return it.inherits(str(name)) or any(base.__name__ == str(name) for base in type(it).__mro__)

    def connect(self, *values: Any) -> bool:
        """connect(signal, function) or connect(signal, receiver, slot)."""
        if len(values) not in (2, 3) or not isinstance(values[0], str):
            raise ValueError("connect() takes a signal as text and a function, or a signal, a receiver and its slot as text")
        function = values[1] if len(values) == 2 else getattr(values[1], values[2].split("(")[0])
        return signals.connect(alive(self), values[0], function, wrap)

    def disconnect(self, *values: Any) -> bool:
        """disconnect(signal) or disconnect(signal, function)."""
        if len(values) not in (1, 2) or not isinstance(values[0], str):
            raise ValueError("disconnect() takes a signal as text and perhaps a function")
        return signals.disconnect(alive(self), *values)

    def property(self, name: str) -> Any:
        it = alive(self)
        known = members_of(type(self)._qt).properties.get(str(name))
        return wrap(known.read(it) if known else it.property(str(name)))

    def setProperty(self, name: str, value: Any) -> bool:
        return bool(alive(self).setProperty(str(name), to_qt(value)))

    def children(self) -> tuple[Any, ...]:
        return tuple(wrap(child) for child in alive(self).children())

    def findChildren(self, kind: Any = None, name: str = "") -> tuple[Any, ...]:
        """All below that are of a class, given by name or as class."""
        wanted = "QObject" if kind is None else kind if isinstance(kind, str) else kind._qt.__name__
        below = [entry for child in self.children() for entry in (child, *child.findChildren(None))]
        return tuple(entry for entry in below if entry.inherits(wanted) and (not name or entry.objectName == name))

    def findChild(self, kind: Any, name: str = "") -> Any:
        return next(iter(self.findChildren(kind, name)), None)

    def metaObject(self) -> Any:
        return wrap(alive(self).metaObject())

    def __repr__(self) -> str:
        if not shiboken6.isValid(self._it):
            return f"{type(self).__name__} (destroyed)"
        return f"{self.className()} (name={self._it.objectName()!r}, at {id(self):#x})"
