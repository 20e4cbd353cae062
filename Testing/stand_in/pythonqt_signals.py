"""Connections as PythonQt makes them: by written signature, with True or False, alive until they are taken away."""

from __future__ import annotations

import inspect
import re
import sys
import traceback
import types
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import shiboken6
from PySide6.QtCore import SIGNAL, QMetaMethod, QObject

slot_errors: list[BaseException] = []
failed_connections: list[str] = []

QT5_SIGNALS = {  # signals that Qt 5 has under another name than Qt 6
    "QSpinBox": {"valueChanged(QString)": "textChanged(QString)"},
    "QDoubleSpinBox": {"valueChanged(QString)": "textChanged(QString)"},
    "QComboBox": {"currentIndexChanged(QString)": "currentTextChanged(QString)", "activated(QString)": "textActivated(QString)"},
    "QButtonGroup": {"buttonClicked(int)": "idClicked(int)"},
}
QT6_SIGNALS = {"checkStateChanged(Qt::CheckState)"}


def report(problem: BaseException) -> None:
    """Print an exception that nobody can catch, and remember it for the test."""
    slot_errors.append(problem)
    traceback.print_exception(problem, file=sys.stderr)


@dataclass(eq=False)
class Connection:
    """One connection: the function as the user gave it, and what Qt calls."""

    signature: str
    function: Any
    relay: Callable[..., None]


_connections: dict[int, list[Connection]] = {}
_signals: dict[type, dict[str, str]] = {}


def signals_of(it: QObject) -> dict[str, str]:
    """Signals of an object as Qt 5 and CTK write them -> as the object itself writes them."""
    kind = type(it)
    if kind not in _signals:
        meta = it.metaObject()
        methods = [meta.method(i) for i in range(meta.methodCount())]
        texts = [bytes(m.methodSignature().data()).decode() for m in methods if m.methodType() == QMetaMethod.MethodType.Signal]
        found = {text: text for text in texts if "PyObject" not in text and text not in QT6_SIGNALS}
        for base in kind.__mro__:
            found.update(QT5_SIGNALS.get(base.__name__, {}))
            found.update(vars(base).get("SIGNALS", {}))
        _signals[kind] = {text: real for text, real in found.items() if real}
    return _signals[kind]


def named(it: QObject, name: str) -> str | None:
    """The first signal of that name, in full."""
    return next((text for text in signals_of(it) if text.startswith(name + "(")), None)


def normal(signature: str) -> str:
    """A signature without the spaces, const and & that Qt does not care for."""
    name, _, types_written = str(signature).partition("(")
    return name.strip() + "(" + re.sub(r"\bconst\b|[&\s]", "", types_written) if types_written else name.strip()


def connect(it: QObject, signature: str, function: Any, wrap: Callable[[Any], Any]) -> bool:
    """Connect a function; False and a line on standard error where there is no such signal."""
    signature = normal(signature)
    real = signals_of(it).get(signature)
    if real is None:
        failed_connections.append(f"{it.metaObject().className()}::{signature}")
        print(f"QObject::connect: no such signal {failed_connections[-1]}", file=sys.stderr)  # noqa: T201
        return False

    def relay(*arguments: Any) -> None:
        call(function, [wrap(argument) for argument in arguments])

    QObject.connect(it, SIGNAL(real), relay)
    _kept(it).append(Connection(signature, function, relay))
    return True


def disconnect(it: QObject, signature: str, function: Any = None) -> bool:
    """Take away one connection of a function, or all of a signal."""
    signature = normal(signature)
    kept = _kept(it)
    found = [one for one in kept if one.signature == signature and (function is None or _same(one.function, function))]
    for one in found if function is None else found[:1]:
        QObject.disconnect(it, SIGNAL(signals_of(it)[signature]), one.relay)
        kept.remove(one)
    return bool(found)


def call(function: Any, arguments: list[Any]) -> None:
    """Call a slot with as many of the arguments as it takes; what it raises is reported."""
    try:
        function(*arguments[: _taken(function)])
    except Exception as problem:
        report(problem)


def _taken(function: Any) -> int | None:
    plain = function.__func__ if inspect.ismethod(function) else function
    if not isinstance(plain, types.FunctionType) or plain.__code__.co_flags & inspect.CO_VARARGS:
        return None
    return plain.__code__.co_argcount - inspect.ismethod(function)


def _same(one: Any, other: Any) -> bool:
    return one is other or (type(one) is type(other) and (inspect.ismethod(one) or hasattr(one, "_of")) and one == other)


def _kept(it: QObject) -> list[Connection]:
    pointer = shiboken6.getCppPointer(it)[0]
    if pointer not in _connections:
        _connections[pointer] = []
        it.destroyed.connect(lambda: _connections.pop(pointer, None))
    return _connections[pointer]


class Signal:
    """What ``widget.clicked`` gives: it connects, disconnects and emits."""

    __slots__ = ("_of", "_signature")

    def __init__(self, of: Any, signature: str) -> None:
        self._of, self._signature = of, signature

    def connect(self, function: Any) -> bool:
        return self._of.connect(self._signature, function)

    def disconnect(self, function: Any = None) -> bool:
        return self._of.disconnect(self._signature, *([] if function is None else [function]))

    def emit(self, *arguments: Any) -> None:
        it = self._of._it
        it.emit(SIGNAL(signals_of(it)[self._signature]), *[getattr(argument, "_it", argument) for argument in arguments])

    __call__ = emit

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Signal) and (self._of, self._signature) == (other._of, other._signature)

    def __hash__(self) -> int:
        return hash((id(self._of), self._signature))
