"""The node selector, with the behaviour that was observed in Slicer 5.12.3 (see the tests "node selector" of the conformance suite)."""

from __future__ import annotations

from typing import Any, ClassVar

import slicer
import vtk
from PySide6.QtCore import Property, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QInputDialog, QSizePolicy, QWidget

from stand_in.mrml_node_filter import NodeFilter
from stand_in.mrml_node_properties import FLAGS, SIGNALS, filtering, flag
from stand_in.mrml_watch import Watch

Scene = slicer.vtkMRMLScene
Node = slicer.vtkMRMLNode


class qMRMLNodeComboBox(QWidget):
    """Selector of one node of the scene."""

    node_changed = Signal(object)
    node_valid = Signal(bool)
    currentNodeIDChanged = Signal(str)
    node_activated = Signal(object)
    node_added = Signal(object)
    added_by_user = Signal(object)
    added_by_action = Signal(object)
    about_to_be_removed = Signal(object)
    about_to_be_edited = Signal(object)
    currentNodeRenamed = Signal(str)
    SIGNALS: ClassVar = SIGNALS

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._filter, self._flags = NodeFilter(), dict(FLAGS)
        self._base_names: dict[str, str] = {}
        self._labels: dict[str, str] = {}
        self._none_text, self._actions, self._requested = "None", [], ""
        self._scene: Any = None
        self._nodes: list[Any] = []
        self._names: list[str] = []
        self._current: Any = None
        self._leaving: list[Any] = []
        self._watch = Watch(self)
        self._box = QComboBox(self)
        self._box.activated.connect(self._chosen)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self._box)
        self._box.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.setEnabled(False)

    def mrmlScene(self) -> Any:
        return self._scene

    def setMRMLScene(self, scene: Scene | None) -> None:
        if scene is self._scene:
            return
        self._watch.stop()
        wanted = self._requested or self._get_id()
        self._scene, self._requested = scene, ""
        if scene is not None:
            with_node = {
                scene.NodeAddedEvent: "_node_arrived",
                scene.NodeAboutToBeRemovedEvent: "_node_leaves",
                scene.NodeRemovedEvent: "_node_left",
            }
            self._watch.scene(scene, with_node, {scene.EndCloseEvent: "_rebuild", scene.EndBatchProcessEvent: "_rebuild"})
        self._collect()
        node = next((node for node in self._nodes if node.GetID() == wanted), None)
        if node is None and not self._flags["noneEnabled"] and self._nodes:
            node = self._nodes[0]
        self._select(node)
        self.setEnabled(scene is not None)

    def _collect(self) -> None:
        """List the nodes anew and watch those of the wanted types for changes."""
        candidates = [node for node in self._filter.candidates(self._scene) if node not in self._leaving]
        self._watch.nodes(candidates, [vtk.vtkCommand.ModifiedEvent], "_node_modified")
        self._nodes = [node for node in candidates if self._filter.shows(node)]
        self._names = [node.GetName() or "" for node in self._nodes]
        self._fill_box()

    def _rebuild(self) -> None:
        row = self._nodes.index(self._current) if self._current in self._nodes else 0
        self._collect()
        if self._current is not None and self._current not in self._nodes:
            removed = self._current in self._leaving or self._current.GetScene() is None
            self._select(self._nodes[min(row, len(self._nodes) - 1)] if self._nodes and removed else None)

    def _node_arrived(self, node: Any) -> None:
        self._rebuild()
        if node in self._nodes:
            self.node_added.emit(node)

    def _node_leaves(self, node: Any) -> None:
        if node in self._nodes:
            self.about_to_be_removed.emit(node)
        self._leaving.append(node)
        self._rebuild()

    def _node_left(self, node: Any) -> None:
        if node in self._leaving:
            self._leaving.remove(node)
        self._rebuild()

    def _node_modified(self) -> None:
        former = dict(zip(self._nodes, self._names, strict=True))
        current = self._current
        self._rebuild()
        if current is not None and current is self._current and current.GetName() != former.get(current):
            self._tell()

    def _select(self, node: Any) -> None:
        if node is not self._current:
            self._current = node
            self._show_current()
            self._tell()

    def _tell(self) -> None:
        node = self._current
        self.node_changed.emit(node)
        self.node_valid.emit(node is not None)
        self.currentNodeIDChanged.emit(node.GetID() if node is not None else "")

    def nodeCount(self) -> int:
        return len(self._nodes)

    def nodeFromIndex(self, index: int) -> Any:
        return self._nodes[index] if 0 <= index < len(self._nodes) else None

    def currentNode(self) -> Any:
        return self._current

    def _get_id(self) -> str:
        return self._current.GetID() if self._current is not None else ""

    def setCurrentNode(self, node: Node | None) -> None:
        if self._scene is None:
            self._requested = (node.GetID() or "") if node is not None else ""
        self._select(node if node in self._nodes else None)

    def setCurrentNodeID(self, key: str) -> None:
        if self._scene is None:
            self._requested = key
        self._select(next((node for node in self._nodes if node.GetID() == key), None))

    def setCurrentNodeIndex(self, index: int) -> None:
        self._select(self.nodeFromIndex(index))

    def addNode(self, kind: str = "") -> Any:
        """Make a node of a listed type (default: the first one), select it, tell it."""
        types = self._filter.node_types
        kind = kind or (types[0] if types else "")
        if self._scene is None or kind not in types:
            return None
        node = self._scene.CreateNodeByClass(kind)
        node.UnRegister(None)
        node.SetName(self._scene.GetUniqueNameByString(self._base_names.get(kind) or node.GetNodeTagName()))
        for _, name, value in self._filter.attributes:
            node.SetAttribute(name, value or "")
        node = self._scene.AddNode(node)
        if self._flags["selectNodeUponCreation"]:
            self.setCurrentNode(node)
        self.added_by_user.emit(node)
        return node

    def removeCurrentNode(self) -> None:
        self._scene.RemoveNode(self._current)

    def editCurrentNode(self) -> None:
        self.about_to_be_edited.emit(self._current)

    def renameCurrentNode(self) -> None:
        if self._current is None:
            return
        name, accepted = QInputDialog.getText(self, "Rename", "New name:", text=self._current.GetName())
        if accepted and name:
            self._current.SetName(name)
            self.currentNodeRenamed.emit(name)

    def addAttribute(self, kind: str, name: str, value: Any = None) -> None:
        self._filter.attributes.append((kind, name, None if value is None else str(value)))
        self._rebuild()

    def removeAttribute(self, kind: str, name: str) -> None:
        self._filter.attributes[:] = [entry for entry in self._filter.attributes if entry[:2] != (kind, name)]
        self._rebuild()

    def setNodeTypeLabel(self, label: str, kind: str) -> None:
        self._labels[kind] = label
        self._fill_box()

    def nodeTypeLabel(self, kind: str) -> str:
        label = self._labels.get(kind) or (self._scene.GetTypeDisplayNameByClassName(kind) if self._scene is not None else "")
        return label or "node"

    def addMenuAction(self, action: QAction) -> None:
        self._actions.append(action)
        self._fill_box()

    def _entries(self) -> list[tuple[str, Any]]:
        """Texts and functions of the entries below the nodes."""
        label = self.nodeTypeLabel(self._filter.node_types[0] if len(self._filter.node_types) == 1 else "")
        entries: list[tuple[str, Any]] = []
        if self._flags["renameEnabled"]:
            entries.append((f"Rename current {label}", self.renameCurrentNode))
        if self._flags["editEnabled"]:
            entries.append((f"Edit current {label}", self.editCurrentNode))
        if self._flags["addEnabled"]:
            entries += [
                (f"Create new {self.nodeTypeLabel(kind)}", lambda kind=kind: self._created(kind)) for kind in self._filter.node_types
            ]
        if self._flags["removeEnabled"]:
            entries.append((f"Delete current {label}", self.removeCurrentNode))
        return entries + [(action.text(), action.trigger) for action in self._actions]

    def _created(self, kind: str) -> None:
        self.added_by_action.emit(self.addNode(kind))

    def _fill_box(self) -> None:
        self._box.clear()
        if self._flags["noneEnabled"]:
            self._box.addItem(self._none_text)
        self._box.addItems(self._names)
        if self._scene is not None and self._entries():
            self._box.insertSeparator(self._box.count())
            self._box.addItems([text for text, _ in self._entries()])
        self._box.setPlaceholderText(f"Select a {self.nodeTypeLabel(next(iter(self._filter.node_types), ''))}")
        self._show_current()

    def _show_current(self) -> None:
        none = int(self._flags["noneEnabled"])
        self._box.setCurrentIndex(self._nodes.index(self._current) + none if self._current in self._nodes else none - 1)

    def _chosen(self, row: int) -> None:
        index = row - int(self._flags["noneEnabled"])
        if index >= len(self._nodes):
            self._show_current()
            self._entries()[index - len(self._nodes) - 1][1]()
            return
        self._select(self.nodeFromIndex(index))
        self.node_activated.emit(self._current)

    def _set_flag(self, name: str, value: bool) -> None:
        self._flags[name] = value
        self._fill_box()

    def _set_filter(self, name: str, value: Any) -> None:
        setattr(self._filter, name, [entry for entry in value if entry] if isinstance(value, list) else value)
        self._rebuild()

    def _get_base_name(self) -> str:
        return self._base_names.get(next(iter(self._filter.node_types), ""), "")

    def _set_base_name(self, name: str) -> None:
        """As in Slicer, a base name set before the node types is lost."""
        self._base_names.update(dict.fromkeys(self._filter.node_types, name))

    def _get_none_display(self) -> str:
        return self._none_text

    def _set_none_display(self, text: str) -> None:
        self._none_text = text
        self._fill_box()

    currentNodeID = Property(str, _get_id, setCurrentNodeID, notify=currentNodeIDChanged)
    nodeTypes = filtering("QStringList", "node_types")
    hideChildNodeTypes = filtering("QStringList", "hide_child_types")
    showHidden = filtering(bool, "show_hidden")
    showChildNodeTypes = filtering(bool, "show_children")
    baseName = Property(str, _get_base_name, _set_base_name)
    noneDisplay = Property(str, _get_none_display, _set_none_display)
    noneEnabled = flag("noneEnabled")
    addEnabled = flag("addEnabled")
    removeEnabled = flag("removeEnabled")
    editEnabled = flag("editEnabled")
    renameEnabled = flag("renameEnabled")
    selectNodeUponCreation = flag("selectNodeUponCreation")
