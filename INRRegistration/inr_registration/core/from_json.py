"""Frozen dataclasses to plain JSON data and back, naming the place of whatever does not fit."""

from __future__ import annotations

import dataclasses
import sys
import types
from collections.abc import Mapping
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from inr_registration.core.errors import InputError


def plain(value: Any) -> Any:
    """Plain dictionaries, lists, numbers and strings."""
    if dataclasses.is_dataclass(value):
        return {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, tuple) else value


def build(kind: Any, data: Any, where: str) -> Any:
    """Turn JSON data into the annotated type.

    Args:
        kind: A frozen dataclass, or the type of one of its fields.
        data: As ``json.loads`` gives it.
        where: What messages call this place.

    Raises:
        InputError: A key is unknown or a value has the wrong type.
    """
    origin = get_origin(kind)
    if dataclasses.is_dataclass(kind):
        if not isinstance(data, Mapping):
            raise InputError(f"{where} must be an object, got {data!r}")
        hints = get_type_hints(kind)
        unknown = sorted(set(data) - set(hints))
        if unknown:
            raise InputError(f"{where} has no key '{unknown[0]}'; known are {', '.join(hints)}")
        needed = [f.name for f in dataclasses.fields(kind) if f.default is f.default_factory is dataclasses.MISSING]
        missing = [name for name in needed if name not in data]
        if missing:
            raise InputError(f"{where} needs a value for '{missing[0]}'; add it")
        built = {key: build(hints[key], item, f"{where}.{key}") for key, item in data.items()}
        return kind(**built)  # type: ignore[operator]
    if origin is tuple:
        if not isinstance(data, list | tuple):
            raise InputError(f"{where} must be a list, got {data!r}")
        return tuple(build(get_args(kind)[0], item, f"{where}[{n}]") for n, item in enumerate(data))
    if origin in (Union, types.UnionType):
        return None if data is None else build(get_args(kind)[0], data, where)
    if origin is Literal:
        if data not in get_args(kind):
            raise InputError(f"{where} must be one of {', '.join(map(str, get_args(kind)))}, got {data!r}")
        return data
    if origin is not None and issubclass(origin, Mapping):
        if not isinstance(data, Mapping):
            raise InputError(f"{where} must be an object, got {data!r}")
        return {str(key): build(float, item, f"{where}.{key}") for key, item in data.items()}
    return _scalar(kind, data, where)


_WORDS = {int: "a whole number", float: "a number", bool: "true or false", str: "a text"}


def _scalar(kind: type, data: Any, where: str) -> Any:
    number = isinstance(data, int | float) and not isinstance(data, bool) and abs(data) <= sys.float_info.max
    if kind is float and number:
        return float(data)
    if kind is int and number and float(data).is_integer():
        return int(data)
    if kind in (bool, str) and isinstance(data, kind):
        return data
    raise InputError(f"{where} must be {_WORDS[kind]}, got {data!r}")
