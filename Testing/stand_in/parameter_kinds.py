"""How the members of a parameter node wrapper are checked, kept as text in the node, and read back."""

from __future__ import annotations

import enum
import pathlib
import types
import typing
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import slicer


class Validator:
    """A rule for values, given by `Annotated[type, rule]`."""

    def validate(self, value: Any) -> None:
        raise NotImplementedError


@dataclass
class WithinRange(Validator):
    minimum: float
    maximum: float

    def validate(self, value: Any) -> None:
        if not self.minimum <= value <= self.maximum:
            raise ValueError(f"{value} is not between {self.minimum} and {self.maximum}")


@dataclass
class Minimum(Validator):
    minimum: float

    def validate(self, value: Any) -> None:
        if value < self.minimum:
            raise ValueError(f"{value} is below {self.minimum}")


@dataclass
class Maximum(Validator):
    maximum: float

    def validate(self, value: Any) -> None:
        if value > self.maximum:
            raise ValueError(f"{value} is above {self.maximum}")


@dataclass
class Choice(Validator):
    choices: Any

    def validate(self, value: Any) -> None:
        if value not in self.choices:
            raise ValueError(f"{value} is none of {self.choices}")


@dataclass
class Exclude(Validator):
    excludedValues: Any

    def validate(self, value: Any) -> None:
        if value in self.excludedValues:
            raise ValueError(f"{value} is one of {self.excludedValues}")


@dataclass
class Default:
    """The value of a parameter that was never set, given by `Annotated[type, Default(value)]`."""

    value: Any


@dataclass
class Decimals:
    """Decimals of the widget."""

    value: int


@dataclass
class SingleStep:
    """Step of the widget."""

    value: float


def taken_apart(kind: Any) -> tuple[Any, tuple[Any, ...]]:
    """Give a type without Annotated, and what was annotated."""
    if typing.get_origin(kind) is typing.Annotated:
        plain, *annotations = typing.get_args(kind)
        return plain, tuple(annotations)
    return kind, ()


def first(annotations: tuple[Any, ...], kind: type) -> Any:
    """Give the first annotation of a class, or None."""
    return next((one for one in annotations if isinstance(one, kind)), None)


@dataclass
class Store:
    """Keeps a value of a simple type as one text.

    Attributes:
        accepted: classes of values that may be written.
        write_text, read_text: to and from text.
        default: what a parameter is without a default of its own.
    """

    accepted: tuple[type, ...]
    write_text: Callable[[Any], str]
    read_text: Callable[[str], Any]
    default: Any
    rules: tuple[Validator, ...] = ()
    none: bool = False  # a node may be None, a text may not

    def check(self, value: Any) -> None:
        """Refuse what the parameter does not take.

        Raises:
            ValueError: None, or beyond a rule.
            TypeError: the wrong type.
        """
        if value is None and not self.none:
            raise ValueError("the value may not be None")
        if value is not None and not isinstance(value, self.accepted):
            raise TypeError(f"the value must be of type {self.accepted}, is {value!r} of type {type(value)}")
        for rule in self.rules:
            rule.validate(value)

    def has(self, node: Any, name: str) -> bool:
        return bool(node.HasParameter(name))

    def write(self, node: Any, name: str, value: Any) -> None:
        self.check(value)
        node.SetParameter(name, self.write_text(value))

    def read(self, node: Any, name: str) -> Any:
        return self.read_text(node.GetParameter(name))

    def remove(self, node: Any, name: str) -> None:
        node.UnsetParameter(name)


class NodeStore(Store):
    """Keeps a node as reference."""

    def write(self, node: Any, name: str, value: Any) -> None:
        self.check(value)
        node.SetNodeReferenceID(name, None if value is None else value.GetID())
        node.SetParameter(name, "")

    def read(self, node: Any, name: str) -> Any:
        return node.GetNodeReference(name)

    def remove(self, node: Any, name: str) -> None:
        node.RemoveNodeReferenceIDs(name)
        node.UnsetParameter(name)


class UnionStore:
    """Keeps a value under the name and the number of its alternative.

    Args:
        alternatives: stores in the order of the union; None for NoneType.
    """

    def __init__(self, alternatives: list[Store | None]) -> None:
        self.alternatives = alternatives
        self.default = None if None in alternatives else alternatives[0].default

    def has(self, node: Any, name: str) -> bool:
        return any(node.HasParameter(f"{name}.{i}") for i in range(len(self.alternatives)))

    def _fitting(self, value: Any) -> int:
        problem: Exception = TypeError(f"no alternative takes {value!r}")
        if value is None and None in self.alternatives:
            return self.alternatives.index(None)
        for number, one in enumerate(self.alternatives):
            try:
                if one is not None:
                    one.check(value)
                    return number
            except (TypeError, ValueError) as refused:
                problem = refused
        raise problem

    def write(self, node: Any, name: str, value: Any) -> None:
        chosen = self._fitting(value)
        for number in range(len(self.alternatives)):
            if number != chosen:
                self._remove_one(node, name, number)
        if self.alternatives[chosen] is None:
            node.SetParameter(f"{name}.{chosen}", "None")
        else:
            self.alternatives[chosen].write(node, f"{name}.{chosen}", value)

    def _remove_one(self, node: Any, name: str, number: int) -> None:
        if node.HasParameter(f"{name}.{number}"):
            (self.alternatives[number] or _TEXT).remove(node, f"{name}.{number}")

    def read(self, node: Any, name: str) -> Any:
        for number, one in enumerate(self.alternatives):
            if node.HasParameter(f"{name}.{number}"):
                return None if one is None else one.read(node, f"{name}.{number}")
        return None


_TEXT = Store((str,), str, str, "")


def store_for(kind: Any, rules: tuple[Validator, ...] = ()) -> Store | UnionStore:
    """Give the store of a type.

    Raises:
        TypeError: the stand-in knows no store for it.
    """
    if typing.get_origin(kind) in (typing.Union, types.UnionType):
        return UnionStore([None if one is type(None) else store_for(one, rules) for one in typing.get_args(kind)])
    if kind is bool:
        return Store((bool,), str, lambda text: text == "True", False, rules)
    if kind in (int, float):
        return Store((int,) if kind is int else (int, float), str, kind, kind(0), rules)
    if kind is str:
        return Store((str,), str, str, "", rules)
    if isinstance(kind, type) and issubclass(kind, slicer.vtkMRMLNode):
        return NodeStore((kind,), str, str, None, rules, none=True)
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return Store((kind,), lambda value: value.name, lambda text: kind[text], next(iter(kind)), rules)
    if isinstance(kind, type) and issubclass(kind, pathlib.PurePath):
        return Store((kind,), str, kind, kind(), rules)
    raise TypeError(f"the stand-in has no way to keep a parameter of type {kind}")
