"""Values on their way between Python and Qt: enums, lists, and what a parameter of a certain type takes.

The names with a leading capital Q are PySide6's; what Python code sees are wrappers (pythonqt_classes.py), which hold the PySide6 object
in ``_it``.
"""

from __future__ import annotations

import collections.abc
import enum
import inspect
import numbers
import types
import typing
from collections.abc import Callable
from typing import Any

import shiboken6
from shibokensupport.signature import get_signature

EXACT, CLOSE, LOOSE = 0, 1, 2  # how well a value fits a parameter


class Refused(Exception):
    """A value does not fit a parameter."""


_enums: dict[type[enum.Enum], type[int]] = {}


def enum_class(kind: type[enum.Enum]) -> type[int]:
    """The int subclass that stands for an enum of PySide6; its values are its attributes."""
    if kind not in _enums:
        made = type(kind.__name__, (int,), {"__slots__": (), "_kind": kind})
        _enums[kind] = made
        for name, value in kind.__members__.items():
            setattr(made, name, made(value.value))
    return _enums[kind]


def to_python(value: Any, wrap: Callable[[Any], Any]) -> Any:
    """What Python code sees of a value that PySide6 gives; ``wrap`` makes the wrapper of a Qt object."""
    if isinstance(value, enum.Flag):
        return int(value.value)
    if isinstance(value, enum.Enum):
        return enum_class(type(value))(value.value)
    if isinstance(value, list | tuple):
        return tuple(to_python(entry, wrap) for entry in value)
    if isinstance(value, dict):
        return {key: to_python(entry, wrap) for key, entry in value.items()}
    return wrap(value) if isinstance(value, shiboken6.Object) else value


def to_qt(value: Any) -> Any:
    """The PySide6 object behind a wrapper, in lists too."""
    if isinstance(value, list | tuple):
        return [to_qt(entry) for entry in value]
    return getattr(value, "_it", value) if not isinstance(value, type) else value


def fit(kind: Any, value: Any) -> tuple[int, Any]:
    """How well a value fits a parameter of a type, and what to hand to PySide6.

    Raises:
        Refused: It does not fit at all.
    """
    if kind in (inspect.Parameter.empty, typing.Any, object):
        return CLOSE, to_qt(value)
    origin = typing.get_origin(kind)
    if origin in (typing.Union, types.UnionType):
        return _fit_one_of(typing.get_args(kind), value)
    if origin is not None:
        return _fit_collection(origin, typing.get_args(kind), value)
    if kind in _SIMPLE:
        return _SIMPLE[kind](value)
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return _fit_enum(kind, value)
    inner = to_qt(value)
    if kind is type(None) or not isinstance(kind, type) or not isinstance(inner, kind) or isinstance(value, shiboken6.Object):
        if inner is None and kind is type(None):
            return EXACT, None
        raise Refused
    return (EXACT if type(inner) is kind else CLOSE), inner


def _fit_one_of(kinds: tuple[Any, ...], value: Any) -> tuple[int, Any]:
    found = []
    for kind in kinds:
        try:
            found.append(fit(kind, value))
        except Refused:
            continue
    if not found:
        raise Refused
    return min(found, key=lambda entry: entry[0])


def _fit_collection(origin: Any, kinds: tuple[Any, ...], value: Any) -> tuple[int, Any]:
    if not isinstance(origin, type) or origin is collections.abc.Callable:
        raise Refused  # PythonQt hands functions over in connect() and QTimer.singleShot() only
    if issubclass(origin, dict | collections.abc.Mapping):
        if isinstance(value, dict):
            return EXACT, {key: to_qt(entry) for key, entry in value.items()}
        raise Refused
    if not issubclass(origin, collections.abc.Iterable) or not isinstance(value, list | tuple | str):
        raise Refused
    parts = [fit(kinds[0] if kinds else Any, entry) for entry in value]
    return max((score for score, _ in parts), default=EXACT), [part for _, part in parts]


def _fit_enum(kind: type[enum.Enum], value: Any) -> tuple[int, Any]:
    if not isinstance(value, int):
        raise Refused
    if issubclass(kind, enum.Flag) and int(value) & ~sum({int(one.value) for one in kind if one.value > 0}) and value >= 0:
        raise Refused  # bits of another kind of flags
    try:
        return (EXACT if getattr(type(value), "_kind", None) is kind else CLOSE), kind(int(value))
    except ValueError:
        raise Refused from None


def _fit_int(value: Any) -> tuple[int, int]:
    if type(value) is int:
        return EXACT, value
    if isinstance(value, numbers.Integral | float):
        return CLOSE, int(value)
    raise Refused


def _fit_float(value: Any) -> tuple[int, float]:
    if type(value) is float:
        return EXACT, value
    if isinstance(value, numbers.Real):
        return CLOSE, float(value)
    raise Refused


def _fit_bool(value: Any) -> tuple[int, bool]:
    return (EXACT if isinstance(value, bool) else LOOSE), bool(value)


def _fit_str(value: Any) -> tuple[int, str]:
    return (EXACT if isinstance(value, str) else LOOSE), str(value)


def _fit_bytes(value: Any) -> tuple[int, bytes]:
    if isinstance(value, bytes | bytearray):
        return EXACT, bytes(value)
    raise Refused


_SIMPLE: dict[Any, Callable[[Any], tuple[int, Any]]] = {int: _fit_int, float: _fit_float, bool: _fit_bool, str: _fit_str, bytes: _fit_bytes}

_overloads: dict[Any, list[list[inspect.Parameter]] | None] = {}


def overloads(function: Any, key: Any) -> list[list[inspect.Parameter]] | None:
    """The positional parameters of each way to call a function of PySide6 or of the stand-in's own widgets; None where unknown."""
    if key not in _overloads:
        found = _python_signature(function) or get_signature(function)
        several = found if isinstance(found, list) else [found]
        kinds = (inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.VAR_KEYWORD)
        _overloads[key] = (
            None if found is None else [[p for p in s.parameters.values() if p.name != "self" and p.kind not in kinds] for s in several]
        )
    return _overloads[key]


def _python_signature(function: Any) -> inspect.Signature | None:
    plain = function.__init__ if isinstance(function, type) else function
    if not isinstance(plain, types.FunctionType | types.MethodType):
        return None
    signature, hints = inspect.signature(plain), typing.get_type_hints(plain)
    return signature.replace(parameters=[p.replace(annotation=hints.get(p.name, Any)) for p in signature.parameters.values()])


def arguments_for(function: Any, key: Any, values: tuple[Any, ...]) -> list[Any]:
    """Arguments for the overload that fits the values best.

    Raises:
        ValueError: No overload takes them.
    """
    ways = overloads(function, key)
    if ways is None:
        return [to_qt(value) for value in values]
    best: tuple[int, int] | None = None
    chosen: list[Any] = []
    for parameters in ways:
        try:
            parts = _fit_all(parameters, values)
        except Refused:
            continue
        score = max((s for s, _ in parts), default=EXACT), sum(s for s, _ in parts)
        if best is None or score < best:
            best, chosen = score, [part for _, part in parts]
    if best is None:
        given = ", ".join(type(value).__name__ for value in values)
        raise ValueError(f"Called {getattr(function, '__name__', function)} with wrong arguments: ({given})")
    return chosen


def _fit_all(parameters: list[inspect.Parameter], values: tuple[Any, ...]) -> list[tuple[int, Any]]:
    if parameters and parameters[-1].kind is inspect.Parameter.VAR_POSITIONAL:
        parameters = parameters[:-1] + [parameters[-1]] * (len(values) - len(parameters) + 1)
    needed = [p for p in parameters if p.default is p.empty and p.kind is not p.VAR_POSITIONAL]
    if not len(needed) <= len(values) <= len(parameters):
        raise Refused
    return [fit(parameter.annotation, value) for parameter, value in zip(parameters, values, strict=False)]
