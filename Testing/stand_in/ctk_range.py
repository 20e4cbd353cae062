"""CTK's widget for a range, and the module ``ctk``."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Property, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QMessageBox, QSizePolicy, QWidget

from stand_in.ctk_collapsible import ctkCollapsibleButton, ctkCollapsibleGroupBox
from stand_in.ctk_sliders import clamp, ctkDoubleSlider, ctkDoubleSpinBox, ctkSliderWidget, joined, stored


class ctkRangeWidget(QWidget):
    """Two spin boxes and a bar between them."""

    valuesChanged = Signal(float, float)
    minimumValueChanged = Signal(float)
    maximumValueChanged = Signal(float)
    rangeChanged = Signal(float, float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        state = {"minimum": 0.0, "maximum": 99.0, "singleStep": 1.0, "decimals": 2, "prefix": "", "suffix": "", "tickInterval": 0.0}
        self._state: dict[str, Any] = {**state, "tracking": True, "symmetricMoves": False}
        self._low, self._high = 0.0, 99.0
        self._boxes = ctkDoubleSpinBox(self), ctkDoubleSpinBox(self)
        for box, name in zip(self._boxes, ("MinimumSpinBox", "MaximumSpinBox"), strict=True):
            box.setObjectName(name)
        self._bar = _Bar(self)
        self._boxes[0].valueChanged.connect(self.setMinimumValue)
        self._boxes[1].valueChanged.connect(self.setMaximumValue)
        joined(self, [self._boxes[0], self._bar, self._boxes[1]], lambda part: int(part is self._bar))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._refresh()

    def _refresh(self) -> None:
        for box, value in zip(self._boxes, (self._low, self._high), strict=True):
            former = box.blockSignals(True)
            for name in ("minimum", "maximum", "singleStep", "decimals", "prefix", "suffix"):
                setattr(box, name, self._state[name])
            box.setValue(value)
            box.blockSignals(former)
        self._bar.update()

    def _ranged(self) -> None:
        self.setValues(self._low, self._high)
        self._refresh()
        self.rangeChanged.emit(self._state["minimum"], self._state["maximum"])

    def setRange(self, minimum: float, maximum: float) -> None:
        self.minimum, self.maximum = minimum, maximum

    def setValues(self, low: float, high: float) -> None:
        limits = self._state["minimum"], self._state["maximum"]
        former = self._low, self._high
        self._low, self._high = sorted((clamp(low, *limits), clamp(high, *limits)))
        if former == (self._low, self._high):
            return
        self._refresh()
        if former[0] != self._low:
            self.minimumValueChanged.emit(self._low)
        if former[1] != self._high:
            self.maximumValueChanged.emit(self._high)
        self.valuesChanged.emit(self._low, self._high)

    def setMinimumValue(self, value: float) -> None:
        self.setValues(value, max(value, self._high))

    def setMaximumValue(self, value: float) -> None:
        self.setValues(min(value, self._low), value)

    def setDecimals(self, decimals: int) -> None:
        self.decimals = decimals

    def reset(self) -> None:
        self.setValues(self._state["minimum"], self._state["maximum"])

    def _get_low(self) -> float:
        return self._low

    def _get_high(self) -> float:
        return self._high

    minimumValue = Property(float, _get_low, setMinimumValue)
    maximumValue = Property(float, _get_high, setMaximumValue)
    minimum = stored(float, "minimum", "_ranged")
    maximum = stored(float, "maximum", "_ranged")
    singleStep = stored(float, "singleStep")
    decimals = stored(int, "decimals")
    prefix = stored(str, "prefix")
    suffix = stored(str, "suffix")
    tickInterval = stored(float, "tickInterval")
    tracking = stored(bool, "tracking")
    symmetricMoves = stored(bool, "symmetricMoves")


class _Bar(QWidget):
    """A picture of the range instead of CTK's slider with two handles."""

    def __init__(self, owner: ctkRangeWidget) -> None:
        super().__init__(owner)
        self.setMinimumSize(40, 12)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002 (Qt's signature)
        owner: Any = self.parent()
        span = (owner.maximum - owner.minimum) or 1.0
        first, last = (round((value - owner.minimum) / span * (self.width() - 1)) for value in (owner.minimumValue, owner.maximumValue))
        painter, middle = QPainter(self), self.height() // 2
        painter.fillRect(0, middle - 2, self.width(), 4, self.palette().dark())
        painter.fillRect(first, middle - 3, max(last - first, 1), 6, self.palette().highlight())


class ctkMessageBox(QMessageBox):
    """CTK's message box without its "don't show again"."""


CLASSES: dict[str, type] = {
    kind.__name__: kind
    for kind in (
        ctkCollapsibleButton,
        ctkCollapsibleGroupBox,
        ctkSliderWidget,
        ctkDoubleSlider,
        ctkDoubleSpinBox,
        ctkRangeWidget,
        ctkMessageBox,
    )
}
