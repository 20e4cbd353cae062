"""CTK's widgets with a header that hides their content."""

from __future__ import annotations

from PySide6.QtCore import Property, QChildEvent, QEvent, QObject, QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import QAbstractButton, QGroupBox, QSizePolicy, QStyle, QStyleOption, QStyleOptionButton, QWidget

BELOW_HEADER = 14  # pixels that a collapsed button keeps below its header
UNLIMITED = 16777215  # Qt's QWIDGETSIZE_MAX


class _Content:
    """Hides and shows the child widgets of a widget without forgetting which of them were hidden by somebody else."""

    def __init__(self, owner: QWidget) -> None:
        self.owner, self.collapsed, self.busy = owner, False, False

    def adopt(self, child: QObject) -> None:
        if isinstance(child, QWidget) and not child.isWindow():
            child.installEventFilter(self.owner)
            self.apply(child)

    def noted(self, child: QObject, event: QEvent) -> None:
        kinds = {QEvent.Type.ShowToParent: True, QEvent.Type.HideToParent: False}
        if isinstance(child, QWidget) and event.type() in kinds and not self.busy:
            child.setProperty("visibilityToParent", kinds[event.type()])
            self.apply(child)

    def apply(self, child: QWidget) -> None:
        """Nothing is hidden before the owner has been shown: until then hiding would look like the user's wish."""
        if not self.owner.testAttribute(Qt.WidgetAttribute.WA_WState_Created) or child.isWindow():
            return
        hidden_before = child.isHidden() and child.testAttribute(Qt.WidgetAttribute.WA_WState_ExplicitShowHide)
        if child.property("visibilityToParent") is None and hidden_before:
            child.setProperty("visibilityToParent", False)
        wanted = child.property("visibilityToParent") is not False
        self.busy = True
        child.setVisible(wanted and not self.collapsed)
        if wanted:
            child.setAttribute(Qt.WidgetAttribute.WA_WState_ExplicitShowHide, False)
        self.busy = False

    def apply_all(self) -> None:
        for child in self.owner.children():
            if isinstance(child, QWidget):
                self.apply(child)


class ctkCollapsibleButton(QAbstractButton):
    """Header with an arrow; the widgets below it are hidden when it is collapsed."""

    contentsCollapsed = Signal(bool)

    def __init__(self, text: str | QWidget | None = "", parent: QWidget | None = None) -> None:
        super().__init__(parent if isinstance(text, str) else text)
        self._content = _Content(self)
        self._flat, self._height = False, BELOW_HEADER
        self.setText(text if isinstance(text, str) else "")
        self.setCheckable(True)
        self.setChecked(True)
        self.setSizePolicy(QSizePolicy.Policy.Minimum, QSizePolicy.Policy.Preferred)
        self.setContentsMargins(0, self._header().height(), 0, 0)
        self.setBackgroundRole(QPalette.ColorRole.Window)
        self.toggled.connect(self._toggled)

    def _is_collapsed(self) -> bool:
        return self._content.collapsed

    def _collapse(self, collapsed: bool) -> None:
        self.setChecked(not collapsed)

    def _toggled(self, checked: bool) -> None:
        self._content.collapsed = not checked
        self.setMaximumHeight(UNLIMITED if checked else self.sizeHint().height())
        self._content.apply_all()
        self.updateGeometry()
        self.contentsCollapsed.emit(not checked)

    def _is_flat(self) -> bool:
        return self._flat

    def _set_flat(self, flat: bool) -> None:
        self._flat = flat
        self.update()

    def _below(self) -> int:
        return self._height

    def _set_below(self, pixels: int) -> None:
        self._height = pixels
        self.updateGeometry()

    collapsed = Property(bool, _is_collapsed, _collapse, notify=contentsCollapsed)
    collapsedHeight = Property(int, _below, _set_below)
    flat = Property(bool, _is_flat, _set_flat)

    def _option(self) -> QStyleOptionButton:
        option = QStyleOptionButton()
        option.initFrom(self)
        option.state |= QStyle.StateFlag.State_Sunken if self.isDown() else QStyle.StateFlag.State_Raised
        if self._flat:
            option.features |= QStyleOptionButton.ButtonFeature.Flat
        option.text = self.text()
        option.rect.setHeight(self._header().height())
        return option

    def _header(self) -> QSize:
        option = QStyleOptionButton()
        option.initFrom(self)
        arrow = self._arrow(option)
        text = self.fontMetrics().size(Qt.TextFlag.TextShowMnemonic.value, self.text() or "XXXX")
        size = QSize(arrow.width() + self._gap(option) + text.width(), max(arrow.height(), text.height()))
        return self.style().sizeFromContents(QStyle.ContentsType.CT_PushButton, option, size, self)

    def _arrow(self, option: QStyleOption) -> QSize:
        metrics = (QStyle.PixelMetric.PM_IndicatorWidth, QStyle.PixelMetric.PM_IndicatorHeight)
        return QSize(*[self.style().pixelMetric(metric, option, self) for metric in metrics])

    def _gap(self, option: QStyleOption) -> int:
        return self.style().pixelMetric(QStyle.PixelMetric.PM_CheckBoxLabelSpacing, option, self)

    def sizeHint(self) -> QSize:
        header = self._header()
        closed = header + QSize(0, self._height)
        return closed if self._content.collapsed else super().sizeHint().expandedTo(closed)

    def minimumSizeHint(self) -> QSize:
        header = self._header()
        if self._content.collapsed:
            return header + QSize(0, self._height)
        return super().minimumSizeHint().expandedTo(header) if self.layout() else header

    def hitButton(self, position: QPoint) -> bool:
        return self._option().rect.contains(position)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002 (Qt's signature)
        painter, option, style = QPainter(self), self._option(), self.style()
        style.drawControl(QStyle.ControlElement.CE_PushButtonBevel, option, painter, self)
        size, height = self._arrow(option), option.rect.height()
        arrow = QStyleOption()
        arrow.initFrom(self)
        arrow.rect = QRect((height - size.width()) // 2, (height - size.height()) // 2, size.width(), size.height())
        primitive = QStyle.PrimitiveElement
        shape = primitive.PE_IndicatorArrowRight if self._content.collapsed else primitive.PE_IndicatorArrowDown
        style.drawPrimitive(shape, arrow, painter, self)
        text = option.rect.adjusted(arrow.rect.right() + self._gap(option), 0, 0, 0)
        alignment = Qt.AlignmentFlag.AlignLeft.value | Qt.AlignmentFlag.AlignVCenter.value | Qt.TextFlag.TextShowMnemonic.value
        style.drawItemText(painter, text, alignment, option.palette, self.isEnabled(), self.text(), QPalette.ColorRole.ButtonText)

    def showEvent(self, event: QEvent) -> None:
        super().showEvent(event)
        self._content.apply_all()

    def childEvent(self, event: QChildEvent) -> None:
        if event.type() == QEvent.Type.ChildPolished:
            self._content.adopt(event.child())

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        self._content.noted(watched, event)
        return False


class ctkCollapsibleGroupBox(QGroupBox):
    """Group box that is collapsed when its check mark is away."""

    def __init__(self, title: str | QWidget | None = "", parent: QWidget | None = None) -> None:
        super().__init__(parent if isinstance(title, str) else title)
        self._content = _Content(self)
        self.setTitle(title if isinstance(title, str) else "")
        self.setCheckable(True)
        self.setChecked(True)
        self.toggled.connect(self._toggled)

    def _is_collapsed(self) -> bool:
        return not self.isChecked()

    def _collapse(self, collapsed: bool) -> None:
        self.setChecked(not collapsed)

    def _toggled(self, checked: bool) -> None:
        self._content.collapsed = not checked
        self.setMaximumHeight(UNLIMITED if checked else self.fontMetrics().height() + BELOW_HEADER)
        self._content.apply_all()

    collapsed = Property(bool, _is_collapsed, _collapse)

    def showEvent(self, event: QEvent) -> None:
        super().showEvent(event)
        self._content.apply_all()

    def childEvent(self, event: QChildEvent) -> None:
        if event.type() == QEvent.Type.ChildPolished:
            self._content.adopt(event.child())

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        self._content.noted(watched, event)
        return False
