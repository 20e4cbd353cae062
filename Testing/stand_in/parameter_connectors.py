"""Connections between parameters and widgets: which widget can show which type, and how."""

from __future__ import annotations

import enum
import typing
from collections.abc import Callable
from typing import Any

import slicer

from stand_in.parameter_kinds import Choice, Decimals, Maximum, Minimum, SingleStep, WithinRange, first, taken_apart

LOWEST, HIGHEST = -(2**31), 2**31 - 1


class Connector:
    """A widget that shows a value.

    Args:
        widget: the widget.
        signal: name of the signal that says that the user changed it; "" for none.
        read: gives the widget's value.
        write: shows a value.
    """

    def __init__(self, widget: Any, signal: str, read: Callable[[], Any], write: Callable[[Any], None]) -> None:
        self._widget, self._signal, self.read, self.write = widget, signal, read, write
        self._heard: Callable[[], None] | None = None

    def widget(self) -> Any:
        return self._widget

    def _changed(self, *_: Any) -> None:
        if self._heard is not None:
            self._heard()

    def onChanged(self, function: Callable[[], None] | None) -> None:
        """Call a function without arguments when the user changes the widget; None: no more."""
        if self._signal and (self._heard is None) != (function is None):
            signal = getattr(self._widget, self._signal)
            (signal.disconnect if function is None else signal.connect)(self._changed)
        self._heard = function


def connector_for(widget: Any, kind: Any) -> Connector:
    """Connect a widget to a type.

    Raises:
        RuntimeError: such a widget cannot show such a type, or the type has no range and the widget needs one.
    """
    plain, annotations = taken_apart(kind)
    for make in (_check_box, _button, _int_box, _float_box, _choices, _enum_box, _line, _label, _text, _path, _node_box):
        made = make(widget, plain, annotations)
        if made is not None:
            return made
    raise RuntimeError(f"no connection between the type '{kind}' and a widget of type '{type(widget)}'")


def _is(widget: Any, *names: str) -> bool:
    return type(widget).__name__ in names  # Slicer looks at the exact class too


def _property(widget: Any, signal: str, name: str, read: Callable[[Any], Any] = lambda value: value) -> Connector:
    return Connector(widget, signal, lambda: read(getattr(widget, name)), lambda value: setattr(widget, name, value))


def _check_box(widget: Any, kind: Any, _: Any) -> Connector | None:
    return _property(widget, "toggled", "checked") if kind is bool and _is(widget, "QCheckBox", "QRadioButton") else None


def _button(widget: Any, kind: Any, _: Any) -> Connector | None:
    fits = kind is bool and _is(widget, "QPushButton") and widget.checkable
    return _property(widget, "toggled", "checked") if fits else None


def _limits(annotations: Any) -> tuple[Any, Any]:
    both, low, high = first(annotations, WithinRange), first(annotations, Minimum), first(annotations, Maximum)
    if both is not None:
        return both.minimum, both.maximum
    return (None if low is None else low.minimum), (None if high is None else high.maximum)


def _set_look(widget: Any, annotations: Any, integer: bool, has_decimals: bool) -> None:
    decimals, step = first(annotations, Decimals), first(annotations, SingleStep)
    if has_decimals and integer:
        widget.decimals = 0
    elif has_decimals and decimals is not None:
        widget.decimals = decimals.value
    if step is not None:
        widget.singleStep = step.value


def _set_limits(widget: Any, annotations: Any, lowest: float, highest: float, must: bool) -> None:
    low, high = _limits(annotations)
    if must and (low is None or high is None):
        raise RuntimeError(f"a {type(widget).__name__} needs a parameter with a range")
    widget.minimum = lowest if low is None else low
    widget.maximum = highest if high is None else high


def _int_box(widget: Any, kind: Any, annotations: Any) -> Connector | None:
    if kind is not int or not _is(widget, "QSpinBox", "QSlider"):
        return None
    _set_look(widget, annotations, True, False)
    _set_limits(widget, annotations, LOWEST, HIGHEST, _is(widget, "QSlider"))
    return _property(widget, "valueChanged", "value")


def _float_box(widget: Any, kind: Any, annotations: Any) -> Connector | None:
    boxes = ("QDoubleSpinBox", "ctkDoubleSpinBox", "ctkDoubleSlider")
    sliders = ("ctkSliderWidget", "qMRMLSliderWidget")
    if kind not in (int, float) or not _is(widget, *boxes, *sliders):
        return None
    _set_look(widget, annotations, kind is int, not _is(widget, "ctkDoubleSlider"))
    _set_limits(widget, annotations, float("-inf"), float("inf"), _is(widget, *sliders))
    return _property(widget, "valueChanged", "value", kind)


def _listed(widget: Any, values: list[Any], texts: list[str]) -> Connector:
    def show(value: Any) -> None:
        if value not in values:
            raise ValueError(f"{value} is none of {values}")
        widget.currentIndex = values.index(value)

    selected = widget.currentIndex
    widget.clear()
    for text in texts:
        widget.addItem(text)
    if 0 <= selected < len(values):
        widget.currentIndex = selected
    return Connector(widget, "currentIndexChanged", lambda: values[widget.currentIndex], show)


def _choices(widget: Any, kind: Any, annotations: Any) -> Connector | None:
    if kind not in (int, float, str, bool) or not _is(widget, "QComboBox", "ctkComboBox"):
        return None
    choice = first(annotations, Choice)
    if choice is None:
        raise RuntimeError("a combo box needs a parameter with Choice")
    return _listed(widget, list(choice.choices), [str(one) for one in choice.choices])


def _enum_box(widget: Any, kind: Any, _: Any) -> Connector | None:
    if not (isinstance(kind, type) and issubclass(kind, enum.Enum) and _is(widget, "QComboBox", "ctkComboBox")):
        return None
    label = getattr(kind, "label", lambda member: member.name)
    return _listed(widget, list(kind), [label(member) for member in kind])


def _line(widget: Any, kind: Any, _: Any) -> Connector | None:
    if kind is not str or not _is(widget, "QLineEdit"):
        return None
    return Connector(widget, "textChanged", lambda: widget.text, lambda value: value == widget.text or setattr(widget, "text", value))


def _label(widget: Any, kind: Any, _: Any) -> Connector | None:
    return _property(widget, "", "text") if kind is str and _is(widget, "QLabel") else None


def _text(widget: Any, kind: Any, _: Any) -> Connector | None:
    if kind is not str or not _is(widget, "QTextEdit"):
        return None
    return Connector(widget, "textChanged", lambda: widget.toPlainText(), lambda value: widget.setPlainText(value))


def _path(widget: Any, kind: Any, _: Any) -> Connector | None:
    import pathlib

    if not (isinstance(kind, type) and issubclass(kind, pathlib.PurePath) and _is(widget, "ctkPathLineEdit")):
        return None
    show = lambda value: setattr(widget, "currentPath", str(value))  # noqa: E731
    return Connector(widget, "currentPathChanged", lambda: kind(widget.currentPath), show)


def _node_box(widget: Any, kind: Any, _: Any) -> Connector | None:
    kinds = [one for one in typing.get_args(kind) or (kind,) if one is not type(None)]
    nodes = all(isinstance(one, type) and issubclass(one, slicer.vtkMRMLNode) for one in kinds)
    if not nodes or not _is(widget, "qMRMLNodeComboBox"):
        return None
    widget.nodeTypes = [one.__name__ for one in kinds]
    return Connector(widget, "currentNodeChanged", lambda: widget.currentNode(), lambda value: widget.setCurrentNode(value))
