"""`slicer.app.layoutManager()` and the view widgets: names, nodes and logics; pictures are made by render.py."""

from __future__ import annotations

from typing import Any, ClassVar

import slicer
import vtk
from PySide6.QtCore import Property, QObject, Signal
from PySide6.QtWidgets import QWidget

from stand_in.boot import SLICE_VIEWS, application_logic
from stand_in.messages import Messages
from stand_in.mrml_node_combo_box import qMRMLNodeComboBox
from stand_in.pythonqt_classes import wrap

Scene = slicer.vtkMRMLScene


class _PictureView(QWidget):
    """What slice and 3D views have in common; the picture is drawn when it is asked for."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._view: Any = None
        self.forced = 0

    def _drawn(self) -> Any:
        if self._view is None:
            with Messages():  # VTK looks for an X server before it takes EGL
                self._view = self._make()
                self._view.picture()
        return self._view

    def _make(self) -> Any:
        raise NotImplementedError

    def renderWindow(self) -> Any:
        return self._drawn().window

    def scheduleRender(self) -> None:
        """Slicer draws at the next turn of its loop; here a picture is always drawn anew."""

    def forceRender(self) -> None:
        self.forced += 1
        if self._view is not None:
            self._view.window.Render()

    def renderEnabled(self) -> bool:
        return slicer.app.pauses == 0


class qMRMLSliceView(_PictureView):
    """The picture of a slice view."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name

    def _make(self) -> Any:
        from stand_in.render import SliceView

        return SliceView(self._name)

    def mrmlSliceNode(self) -> Any:
        return application_logic().GetSliceLogicByLayoutName(self._name).GetSliceNode()


class qMRMLThreeDView(_PictureView):
    """The picture of the 3D view."""

    def _make(self) -> Any:
        from stand_in.render import ThreeDView

        return ThreeDView()

    def mrmlViewNode(self) -> Any:
        return application_logic().GetViewLogicByLayoutName("1").GetViewNode()

    def cameraNode(self) -> Any:
        return slicer.modules.cameras.logic().GetViewActiveCameraNode(self.mrmlViewNode())

    def resetFocalPoint(self) -> None:
        self._drawn().reset_camera()

    def resetCamera(self) -> None:
        self._drawn().reset_camera()


class LayerSelectors(QWidget):
    """The three node selectors of a slice view's controller: where a shown volume is removed, they put another one into the view.

    Args:
        composite: the node that says which volumes are shown.
    """

    LAYERS: ClassVar = {"Background": "vtkMRMLVolumeNode", "Foreground": "vtkMRMLVolumeNode", "Label": "vtkMRMLLabelMapVolumeNode"}

    def __init__(self, composite: Any, parent: QWidget) -> None:
        super().__init__(parent)
        self._composite = composite
        self._boxes = {layer: self._selector(layer, kind) for layer, kind in self.LAYERS.items()}
        composite.AddObserver(vtk.vtkCommand.ModifiedEvent, lambda *_: self._follow())
        self.hide()

    def _selector(self, layer: str, kind: str) -> qMRMLNodeComboBox:
        box = qMRMLNodeComboBox(self)
        box.nodeTypes, box.noneEnabled, box.addEnabled = [kind], True, False
        box.setMRMLScene(slicer.mrmlScene)
        box.node_changed.connect(lambda node: self._select(layer, node))
        return box

    def _select(self, layer: str, node: Any) -> None:
        getattr(self._composite, f"Set{layer}VolumeID")(None if node is None else node.GetID())

    def _follow(self) -> None:
        for layer, box in self._boxes.items():
            former = box.blockSignals(True)
            shown = getattr(self._composite, f"Get{layer}VolumeID")()
            box.setCurrentNode(slicer.mrmlScene.GetNodeByID(shown) if shown else None)
            box.blockSignals(former)


class qMRMLSliceWidget(QWidget):
    """A slice view with its controller."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name, self._view = name, qMRMLSliceView(name)
        self._view.setParent(self)
        self._selectors = LayerSelectors(self.mrmlSliceCompositeNode(), self)
        self.setObjectName(f"qMRMLSliceWidget{name}")

    def sliceLogic(self) -> Any:
        return application_logic().GetSliceLogicByLayoutName(self._name)

    def mrmlSliceNode(self) -> Any:
        return self.sliceLogic().GetSliceNode()

    def mrmlSliceCompositeNode(self) -> Any:
        return self.sliceLogic().GetSliceCompositeNode()

    def sliceView(self) -> QWidget:
        return self._view

    def sliceOrientation(self) -> str:
        return self.mrmlSliceNode().GetOrientation()

    def fitSliceToBackground(self) -> None:
        self.sliceLogic().FitSliceToBackground()


class qMRMLThreeDWidget(QWidget):
    """The 3D view with its controller."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._view = qMRMLThreeDView(self)

    def threeDView(self) -> QWidget:
        return self._view

    def mrmlViewNode(self) -> Any:
        return self._view.mrmlViewNode()


class qSlicerLayoutManager(QObject):
    """Three slice views and one 3D view, whatever the layout: the conventional ones have no others."""

    layoutChanged = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self._layout = 0
        self._slices = {name: qMRMLSliceWidget(name) for name in SLICE_VIEWS}
        self._three_d = qMRMLThreeDWidget()

    def _get_layout(self) -> int:
        return self._layout

    def setLayout(self, number: int) -> None:
        if number != self._layout:
            self._layout = number
            self.layoutChanged.emit(number)

    def _get_three_d_count(self) -> int:
        return 1

    def _get_zero(self) -> int:
        return 0

    layout = Property(int, _get_layout, setLayout)
    threeDViewCount = Property(int, _get_three_d_count)
    tableViewCount = Property(int, _get_zero)
    plotViewCount = Property(int, _get_zero)

    def sliceViewNames(self) -> list[str]:
        return list(self._slices)

    def sliceWidget(self, name: str) -> QWidget | None:
        return self._slices.get(name)

    def threeDWidget(self, index: int) -> QWidget | None:
        return self._three_d if index == 0 else None

    def mrmlSliceLogics(self) -> vtk.vtkCollection:
        return application_logic().GetSliceLogics()

    def resetSliceViews(self) -> None:
        application_logic().FitSliceToAll()

    def resetThreeDViews(self) -> None:
        self._three_d._view.resetFocalPoint()

    def setMRMLScene(self, scene: Scene | None) -> None:
        """There is one scene."""

    def mrmlScene(self) -> Scene:
        return slicer.mrmlScene


def make() -> tuple[qSlicerLayoutManager, Any]:
    """Make the layout manager; the second entry is what Python code sees of it."""
    made = qSlicerLayoutManager()
    return made, wrap(made)
