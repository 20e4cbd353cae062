"""Which members of a PySide6 class Python code sees under PythonQt, and how properties are read and set."""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from PySide6.QtCore import QObject

from stand_in.pythonqt_convert import Refused, enum_class, fit, to_qt

QT6_ONLY = {  # members that Qt 5.15 does not have, by class: those that a panel might use
    "QWidget": {"accessibleIdentifier", "setAccessibleIdentifier", "setScreen"},
    "QFormLayout": {"setRowVisible", "isRowVisible"},
    "QComboBox": {"labelDrawingMode", "setLabelDrawingMode"},
    "QStyleHints": {"colorScheme", "setColorScheme", "unsetColorScheme"},
    "QCheckBox": {"checkStateChanged"},
    "QApplication": {"setBadgeNumber"},
}
METHODS_IN_QT5 = {("QLayout", "contentsMargins"), ("QTimer", "singleShot")}  # properties of Qt 6, or hidden by a static function
PYSIDE_ONLY = {
    "emit",
    "findChild",
    "findChildren",
    "connect",
    "disconnect",
    "receivers",
    "sender",
    "signalsEmitted",
    "metaObject",
    "staticMetaObject",
    "tr",
}
KINDS: dict[str, Any] = {
    **dict.fromkeys(("int", "uint", "qlonglong", "qulonglong", "short", "long"), int),
    **dict.fromkeys(("double", "float", "qreal"), float),
    "bool": bool,
    "QString": str,
    **dict.fromkeys(("QStringList", "QList<QString>"), list[str]),
    "QVariant": Any,
}


@dataclass(frozen=True)
class QtProperty:
    """A property of the Qt meta object system."""

    name: str
    type_name: str
    is_enum: bool
    writable: bool

    def read(self, it: QObject) -> Any:
        value = it.property(self.name)
        return int(value.value) if isinstance(value, enum.Enum) else value

    def write(self, it: QObject, value: Any) -> None:
        """Set it, as far as PythonQt would convert the value.

        Raises:
            AttributeError: The value does not fit, or the property is read-only.
        """
        try:
            converted = self._converted(value)
        except Refused:
            converted = self
        if converted is self or not self.writable:
            raise AttributeError(
                f"Property '{self.name}' of type '{self.type_name}' does not accept an object of type {type(value).__name__} ({value!r})"
            )
        it.setProperty(self.name, converted)

    def _converted(self, value: Any) -> Any:
        if self.type_name in KINDS:
            return fit(KINDS[self.type_name], value)[1]
        if self.is_enum:
            return fit(int, value)[1]
        inner = to_qt(value)
        if type(inner).__name__ != self.type_name.rstrip("*"):
            raise Refused
        return inner


@dataclass
class Members:
    """Members of one PySide6 class, looked up once."""

    kind: type
    properties: dict[str, QtProperty] = field(default_factory=dict)
    hidden: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.hidden = PYSIDE_ONLY.union(*(QT6_ONLY.get(base.__name__, set()) for base in self.kind.__mro__))
        meta = getattr(self.kind, "staticMetaObject", None) if issubclass(self.kind, QObject) else None
        not_here = {name for base in self.kind.__mro__ for owner, name in METHODS_IN_QT5 if owner == base.__name__}
        for index in range(meta.propertyCount() if meta else 0):
            one = meta.property(index)
            if one.name() not in self.hidden | not_here:
                self.properties[one.name()] = QtProperty(one.name(), one.typeName(), one.isEnumType(), one.isWritable())

    def function(self, name: str) -> Callable[..., Any] | None:
        """The function of that name, unbound; None if there is none or if PythonQt shows none."""
        name = "exec" if name == "exec_" else name
        if name.startswith("_") or name in self.hidden or name in self.properties:
            return None
        found = getattr(self.kind, name, None)
        return found if callable(found) and not isinstance(found, type) and hasattr(found, "__name__") else None

    def constant(self, name: str) -> Any:
        """An enum class or an enum value of the class; None if there is none."""
        if name.startswith("_"):
            return None
        for base in self.kind.__mro__:
            found = vars(base).get(name)
            if isinstance(found, type) and issubclass(found, enum.Enum):
                return enum_class(found)
            for value in vars(base).values():
                if isinstance(value, type) and issubclass(value, enum.Enum) and name in value.__members__:
                    return getattr(enum_class(value), name)
        return None

    def names(self) -> set[str]:
        """All that dir() lists."""
        return set(self.properties) | {name for name in dir(self.kind) if not name.startswith("_") and name not in self.hidden}


_members: dict[type, Members] = {}


def members_of(kind: type) -> Members:
    """Members of a class, from the table."""
    if kind not in _members:
        _members[kind] = Members(kind)
    return _members[kind]
