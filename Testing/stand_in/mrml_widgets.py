"""Slicer's widgets that know the scene: base class, segment selector, and the table of all of them."""

from __future__ import annotations

from typing import Any, ClassVar

import slicer
from PySide6.QtCore import Property, Qt, Signal
from PySide6.QtWidgets import QComboBox, QGridLayout, QLabel, QWidget

from stand_in.mrml_node_combo_box import Scene, qMRMLNodeComboBox
from stand_in.mrml_watch import Watch


class qMRMLWidget(QWidget):
    """A widget with a scene."""

    scene_changed = Signal(object)
    SIGNALS: ClassVar = {"mrmlSceneChanged(vtkMRMLScene*)": "scene_changed(PyObject)"}

    def __init__(self, parent: QWidget | None = None, flags: Qt.WindowType = Qt.WindowType.Widget) -> None:
        super().__init__(parent, flags)
        self._scene: Any = None

    def mrmlScene(self) -> Any:
        return self._scene

    def setMRMLScene(self, scene: Scene | None) -> None:
        if scene is not self._scene:
            self._scene = scene
            self.scene_changed.emit(scene)


class qMRMLSegmentSelectorWidget(qMRMLWidget):
    """Selector of a segmentation and one of its segments."""

    node_changed = Signal(object)
    node_valid = Signal(bool)
    currentSegmentChanged = Signal(str)
    SIGNALS: ClassVar = {
        "currentNodeChanged(vtkMRMLNode*)": "node_changed(PyObject)",
        "currentNodeChanged(bool)": "node_valid(bool)",
        "node_valid(bool)": "",
    }

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._node: Any = None
        self._segment = ""
        self._watch = Watch(self)
        self._nodes, self._segments = qMRMLNodeComboBox(self), QComboBox(self)
        self._label, self._message = QLabel("Segment:", self), QLabel(self)
        self._arrange()
        self._nodes.nodeTypes = ["vtkMRMLSegmentationNode"]
        self._nodes.addEnabled = self._nodes.removeEnabled = False
        self._nodes.node_changed.connect(self._node_selected)
        self._nodes.node_valid.connect(self.node_valid)
        self._segments.currentIndexChanged.connect(self._segment_selected)
        self.scene_changed.connect(self._nodes.setMRMLScene)
        self._fill()

    def _arrange(self) -> None:
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        for name, part, place in (
            ("MRMLNodeComboBox_Segmentation", self._nodes, (0, 0, 1, 2)),
            ("label_Segment", self._label, (1, 0)),
            ("comboBox_Segment", self._segments, (1, 1)),
            ("label_Message", self._message, (2, 0, 1, 2)),
        ):
            part.setObjectName(name)
            grid.addWidget(part, *place)
        grid.setColumnStretch(1, 1)

    def _node_selected(self, node: Any) -> None:
        if node is not self._node:
            kind = slicer.vtkSegmentation
            self._node = node
            self._watch.nodes([] if node is None else [node], [kind.SegmentAdded, kind.SegmentRemoved, kind.SegmentModified], "_fill")
            self._fill()
        self.node_changed.emit(node)

    def _fill(self) -> None:
        segmentation = self._node.GetSegmentation() if self._node else None
        ids = list(segmentation.GetSegmentIDs()) if segmentation else []
        none = self._nodes.noneEnabled
        box = self._segments
        former = box.blockSignals(True)
        box.clear()
        for text, key in ([("None", "")] if none and ids else []) + [(segmentation.GetSegment(i).GetName(), i) for i in ids]:
            box.addItem(text, key)
        known = (none and not self._segment) or self._segment in ids
        box.setCurrentIndex(box.findData(self._segment) if known else -1)
        box.blockSignals(former)
        self._label.setVisible(bool(ids))
        box.setVisible(bool(ids))
        self._message.setVisible(not ids)
        self._message.setText("" if ids else "No segments in segmentation" if self._node else "No node is selected")
        if ids and not known:
            box.setCurrentIndex(int(none))

    def _segment_selected(self, index: int) -> None:
        if self._node is not None:
            self._segment = self._segments.itemData(index) or ""
            self.currentSegmentChanged.emit(self._segment)

    def currentNode(self) -> Any:
        return self._nodes.currentNode()

    def currentNodeID(self) -> str:
        return self._nodes._get_id()

    def setCurrentNode(self, node: Any) -> None:
        self._nodes.setCurrentNode(node)

    def setCurrentNodeID(self, key: str) -> None:
        self._nodes.setCurrentNodeID(key)

    def currentSegmentID(self) -> str:
        return self._segment

    def segmentIDs(self) -> list[str]:
        return [] if self._node is None else list(self._node.GetSegmentation().GetSegmentIDs())

    def setCurrentSegmentID(self, key: str) -> None:
        index = self._segments.findData(key)
        if index >= 0:
            self._segments.setCurrentIndex(index)

    def _get_none(self) -> bool:
        return self._nodes.noneEnabled

    def _set_none(self, enabled: bool) -> None:
        self._nodes.noneEnabled = enabled
        self._fill()

    def _get_edit(self) -> bool:
        return self._nodes.editEnabled

    def _set_edit(self, enabled: bool) -> None:
        self._nodes.editEnabled = enabled

    def _get_shown(self) -> bool:
        return not self._nodes.isHidden()

    def _set_shown(self, shown: bool) -> None:
        self._nodes.setVisible(shown)

    noneEnabled = Property(bool, _get_none, _set_none)
    editEnabled = Property(bool, _get_edit, _set_edit)
    segmentationNodeSelectorVisible = Property(bool, _get_shown, _set_shown)


CLASSES: dict[str, type] = {kind.__name__: kind for kind in (qMRMLWidget, qMRMLNodeComboBox, qMRMLSegmentSelectorWidget)}
