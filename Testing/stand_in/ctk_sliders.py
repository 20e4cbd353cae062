"""CTK's widgets for real numbers. As under PythonQt, only properties, slots and invokable methods have names without underscore."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import Property, Qt, Signal
from PySide6.QtWidgets import QDoubleSpinBox, QHBoxLayout, QSizePolicy, QSlider, QVBoxLayout, QWidget

STEPS = 10_000  # positions of the inner QSlider


def stored(kind: Any, name: str, changed: str = "_refresh") -> Any:
    """A property that is kept in ``self._state``; the method called ``changed`` runs after a change."""

    def read(self: Any) -> Any:
        return self._state[name]

    def write(self: Any, value: Any) -> None:
        if self._state[name] != value:
            self._state[name] = value
            getattr(self, changed)()

    return Property(kind, read, write)


def clamp(value: float, low: float, high: float) -> float:
    """The nearest value of the range."""
    return min(max(value, low), high)


class ctkDoubleSlider(QWidget):
    """A QSlider of real numbers."""

    valueChanged = Signal(float)
    sliderMoved = Signal(float)
    sliderPressed = Signal()
    sliderReleased = Signal()
    rangeChanged = Signal(float, float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state: dict[str, Any] = {"minimum": 0.0, "maximum": 99.0, "singleStep": 1.0, "pageStep": 10.0, "tracking": True}
        self._value = 0.0
        self._slider = QSlider(Qt.Orientation.Horizontal, self)
        self._slider.setRange(0, STEPS)
        self._slider.sliderMoved.connect(self._moved)
        self._slider.actionTriggered.connect(lambda _: self._moved(self._slider.sliderPosition()))
        self._slider.sliderPressed.connect(self.sliderPressed)
        self._slider.sliderReleased.connect(self.sliderReleased)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self._slider)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def _moved(self, position: int) -> None:
        low, high = self._state["minimum"], self._state["maximum"]
        self.setValue(low + (high - low) * position / STEPS)
        self.sliderMoved.emit(self._value)

    def _refresh(self) -> None:
        low, high = self._state["minimum"], self._state["maximum"]
        self._slider.setValue(round((self._value - low) / (high - low) * STEPS) if high > low else 0)

    def _ranged(self) -> None:
        self.setValue(self._value)
        self._refresh()
        self.rangeChanged.emit(self._state["minimum"], self._state["maximum"])

    def _get_value(self) -> float:
        return self._value

    def setValue(self, value: float) -> None:
        value = clamp(value, self._state["minimum"], self._state["maximum"])
        if value != self._value:
            self._value = value
            self._refresh()
            self.valueChanged.emit(value)

    def _orientation(self) -> int:
        return int(self._slider.orientation().value)

    def setOrientation(self, orientation: Qt.Orientation) -> None:
        self._slider.setOrientation(orientation)

    value = Property(float, _get_value, setValue)
    minimum = stored(float, "minimum", "_ranged")
    maximum = stored(float, "maximum", "_ranged")
    singleStep = stored(float, "singleStep")
    pageStep = stored(float, "pageStep")
    tracking = stored(bool, "tracking")
    orientation = Property(int, _orientation, lambda self, value: self.setOrientation(Qt.Orientation(value)))


class ctkDoubleSpinBox(QWidget):
    """A QDoubleSpinBox that shows rounded numbers and keeps the exact one."""

    valueChanged = Signal(float)
    decimalsChanged = Signal(int)
    editingFinished = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state: dict[str, Any] = {
            "minimum": 0.0,
            "maximum": 99.99,
            "singleStep": 1.0,
            "decimals": 2,
            "prefix": "",
            "suffix": "",
            "readOnly": False,
        }
        self._value = 0.0
        self._box = QDoubleSpinBox(self)
        self._box.setKeyboardTracking(False)
        self._box.valueChanged.connect(self.setValue)
        self._box.editingFinished.connect(self.editingFinished)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self._box)
        self.setSizePolicy(QSizePolicy.Policy.Minimum, QSizePolicy.Policy.Fixed)

    def _refresh(self) -> None:
        state, box = self._state, self._box
        former = box.blockSignals(True)
        box.setDecimals(state["decimals"])
        box.setRange(state["minimum"], state["maximum"])
        box.setSingleStep(state["singleStep"])
        box.setPrefix(state["prefix"])
        box.setSuffix(state["suffix"])
        box.setReadOnly(state["readOnly"])
        box.setValue(self._value)
        box.blockSignals(former)

    def _ranged(self) -> None:
        self._refresh()
        self.setValue(self._value)

    def _counted(self) -> None:
        self._refresh()
        self.decimalsChanged.emit(self._state["decimals"])

    def _get_value(self) -> float:
        return self._value

    def setValue(self, value: float) -> None:
        value = clamp(value, self._state["minimum"], self._state["maximum"])
        if value != self._value:
            self._value = value
            self._refresh()
            self.valueChanged.emit(value)

    def setDecimals(self, decimals: int) -> None:
        self.decimals = decimals

    def setReadOnly(self, only: bool) -> None:
        self.readOnly = only

    def stepUp(self) -> None:
        self.setValue(self._value + self._state["singleStep"])

    def stepDown(self) -> None:
        self.setValue(self._value - self._state["singleStep"])

    value = Property(float, _get_value, setValue)
    minimum = stored(float, "minimum", "_ranged")
    maximum = stored(float, "maximum", "_ranged")
    singleStep = stored(float, "singleStep")
    decimals = stored(int, "decimals", "_counted")
    prefix = stored(str, "prefix")
    suffix = stored(str, "suffix")
    readOnly = stored(bool, "readOnly")


def joined(owner: QWidget, parts: list[QWidget], share: Callable[[QWidget], int]) -> None:
    """Put widgets in a row without margins; ``share`` gives their stretch."""
    row = QHBoxLayout(owner)
    row.setContentsMargins(0, 0, 0, 0)
    for part in parts:
        row.addWidget(part, share(part))


class ctkSliderWidget(QWidget):
    """Slider and spin box of one real number."""

    valueChanged = Signal(float)
    valueIsChanging = Signal(float)
    decimalsChanged = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        state = {"minimum": 0.0, "maximum": 99.0, "singleStep": 1.0, "pageStep": 10.0, "decimals": 2, "prefix": "", "suffix": ""}
        self._state: dict[str, Any] = {**state, "tickInterval": 0.0, "tracking": True, "spinBoxVisible": True, "popupSlider": False}
        self._value = 0.0
        self._slider, self._box = ctkDoubleSlider(self), ctkDoubleSpinBox(self)
        self._slider.setObjectName("Slider")
        self._box.setObjectName("SpinBox")
        self._slider.valueChanged.connect(self._from_slider)
        self._box.valueChanged.connect(self.setValue)
        joined(self, [self._slider, self._box], lambda part: int(part is self._slider))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._refresh()

    def _from_slider(self, value: float) -> None:
        self.setValue(round(value, self._state["decimals"]))

    def _refresh(self) -> None:
        for part, names in ((self._slider, ("singleStep", "pageStep")), (self._box, ("singleStep", "decimals", "prefix", "suffix"))):
            former = part.blockSignals(True)
            for name in ("minimum", "maximum", *names):
                setattr(part, name, self._state[name])
            part.setValue(self._value)
            part.blockSignals(former)
        self._box.setVisible(self._state["spinBoxVisible"])
        self._slider.setVisible(not self._state["popupSlider"])

    def _ranged(self) -> None:
        self._refresh()
        self.setValue(self._value)

    def _counted(self) -> None:
        self._refresh()
        self.decimalsChanged.emit(self._state["decimals"])

    def _get_value(self) -> float:
        return self._value

    def setValue(self, value: float) -> None:
        value = clamp(value, self._state["minimum"], self._state["maximum"])
        if value != self._value:
            self._value = value
            self._refresh()
            self.valueIsChanging.emit(value)
            self.valueChanged.emit(value)

    def setDecimals(self, decimals: int) -> None:
        self.decimals = decimals

    def setSpinBoxVisible(self, visible: bool) -> None:
        self.spinBoxVisible = visible

    def reset(self) -> None:
        self.setValue(self._state["minimum"])

    value = Property(float, _get_value, setValue)
    minimum = stored(float, "minimum", "_ranged")
    maximum = stored(float, "maximum", "_ranged")
    singleStep = stored(float, "singleStep")
    pageStep = stored(float, "pageStep")
    tickInterval = stored(float, "tickInterval")
    decimals = stored(int, "decimals", "_counted")
    prefix = stored(str, "prefix")
    suffix = stored(str, "suffix")
    tracking = stored(bool, "tracking")
    spinBoxVisible = stored(bool, "spinBoxVisible")
    popupSlider = stored(bool, "popupSlider")
