"""Pictures of the slice views and the 3D view, drawn without a window by Slicer's own displayable managers.

The views show what the nodes of the scene say: slice, composite and display nodes are the real ones, and each kind of node is drawn by
Slicer's C++ code. Only the image of a slice is brought to the picture here (in Slicer a widget of CTK does it).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import slicer
import vtk
from PIL import Image
from vtk.util.numpy_support import vtk_to_numpy

from stand_in.boot import application_logic, boot, make_slice_logic

SLICE_MANAGERS = (
    "vtkMRMLVolumeGlyphSliceDisplayableManager",
    "vtkMRMLModelSliceDisplayableManager",
    "vtkMRMLCrosshairDisplayableManager",
    "vtkMRMLSegmentationsDisplayableManager2D",
    "vtkMRMLTransformsDisplayableManager2D",
    "vtkMRMLMarkupsDisplayableManager",
    "vtkMRMLColorLegendDisplayableManager",
)
THREE_D_MANAGERS = (
    "vtkMRMLCameraDisplayableManager",
    "vtkMRMLViewDisplayableManager",
    "vtkMRMLModelDisplayableManager",
    "vtkMRMLCrosshairDisplayableManager3D",
    "vtkMRMLSegmentationsDisplayableManager3D",
    "vtkMRMLTransformsDisplayableManager3D",
    "vtkMRMLMarkupsDisplayableManager",
    "vtkMRMLColorLegendDisplayableManager",
)


class View:
    """A render window without a screen, and the displayable managers that fill it.

    Args:
        size: width and height of the pictures in pixels.
    """

    def __init__(self, size: tuple[int, int]) -> None:
        self.window = vtk.vtkRenderWindow()
        self.window.SetOffScreenRendering(1)
        self.window.SetMultiSamples(0)
        self.window.SetSize(*size)
        self.renderer = vtk.vtkRenderer()
        self.window.AddRenderer(self.renderer)
        self.interactor = vtk.vtkGenericRenderWindowInteractor()
        self.interactor.SetRenderWindow(self.window)
        self.renders = 0
        self.stale = True

    def _manage(self, factory: object, names: tuple[str, ...], node: slicer.vtkMRMLAbstractViewNode) -> None:
        factory.SetMRMLApplicationLogic(application_logic())
        for name in names:
            if not factory.IsDisplayableManagerRegistered(name):
                factory.RegisterDisplayableManager(name)
        self.managers = factory.InstantiateDisplayableManagers(self.renderer)
        self.managers.SetMRMLDisplayableNode(node)
        self.managers.AddObserver(vtk.vtkCommand.UpdateEvent, self._ask)

    def _ask(self, *_: object) -> None:
        self.stale = True

    def picture(self) -> np.ndarray:
        """Draw the view and give its picture, (height, width, 3) uint8, first row on top."""
        self.renders += 1
        self.stale = False
        self.window.Render()
        grab = vtk.vtkWindowToImageFilter()
        grab.SetInput(self.window)
        grab.ReadFrontBufferOff()
        grab.ShouldRerenderOff()
        grab.Update()
        image = grab.GetOutput()
        width, height, _ = image.GetDimensions()
        pixels = vtk_to_numpy(image.GetPointData().GetScalars()).reshape(height, width, -1)
        return np.ascontiguousarray(pixels[::-1, :, :3])

    def save(self, path: str | Path) -> None:
        """Write the picture as PNG."""
        Image.fromarray(self.picture()).save(path)


class SliceView(View):
    """One slice view.

    Args:
        name: layout name: "Red", "Green", "Yellow", or another one, for which nodes are made.
        orientation: "Axial", "Coronal", "Sagittal"; "" leaves the view as it is.
        size: width and height in pixels.
    """

    def __init__(self, name: str = "Red", orientation: str = "", size: tuple[int, int] = (400, 400)) -> None:
        super().__init__(size)
        self.logic = _slice_logic(name, orientation)
        self.logic.ResizeSliceNode(*size)
        self.logic.GetSliceNode().SetMappedInLayout(1)
        self.mapper = vtk.vtkImageMapper()
        self.mapper.SetColorWindow(255)
        self.mapper.SetColorLevel(127.5)
        self.actor = vtk.vtkActor2D()
        self.actor.SetMapper(self.mapper)
        self.actor.GetProperty().SetDisplayLocationToBackground()
        self.renderer.AddViewProp(self.actor)  # before the managers add theirs: what is added first is drawn first
        factory = slicer.vtkMRMLSliceViewDisplayableManagerFactory.GetInstance()
        self._manage(factory, SLICE_MANAGERS, self.logic.GetSliceNode())

    @property
    def composite(self) -> slicer.vtkMRMLSliceCompositeNode:
        """The node that says which volumes are shown."""
        return self.logic.GetSliceCompositeNode()

    def fit(self) -> None:
        """Show the whole background volume, cut through its middle."""
        self.logic.FitSliceToAll()
        self.logic.SnapSliceOffsetToIJK()

    def pixel_of(self, ras: tuple[float, float, float]) -> tuple[int, int]:
        """Row and column of the picture at a point given in RAS mm."""
        to_xy = vtk.vtkMatrix4x4()
        vtk.vtkMatrix4x4.Invert(self.logic.GetSliceNode().GetXYToRAS(), to_xy)
        x, y, *_ = to_xy.MultiplyPoint((*ras, 1.0))
        return self.window.GetSize()[1] - 1 - round(y), round(x)

    def picture(self) -> np.ndarray:
        if self.logic.GetSliceNode().GetDimensions()[:2] != self.window.GetSize():  # another view of the same node was drawn
            self.logic.ResizeSliceNode(*self.window.GetSize())
        image = self.logic.GetImageDataConnection()
        self.mapper.SetInputConnection(image)
        self.actor.SetVisibility(image is not None)
        return super().picture()


def _slice_logic(name: str, orientation: str) -> slicer.vtkMRMLSliceLogic:
    scene, application = boot(), application_logic()
    logic = application.GetSliceLogicByLayoutName(name)
    if logic is None:
        logic = make_slice_logic(application, scene, name, orientation)
        application.GetSliceLogics().AddItem(logic)
    elif orientation:
        logic.GetSliceNode().SetOrientation(orientation)
    return logic


class ThreeDView(View):
    """The 3D view "1", with its camera.

    Args:
        size: width and height in pixels.
    """

    def __init__(self, size: tuple[int, int] = (400, 400)) -> None:
        super().__init__(size)
        boot()
        self.logic = application_logic().GetViewLogicByLayoutName("1")
        self.node.SetMappedInLayout(1)
        factory = slicer.vtkMRMLThreeDViewDisplayableManagerFactory.GetInstance()
        self._manage(factory, THREE_D_MANAGERS, self.node)

    @property
    def node(self) -> slicer.vtkMRMLViewNode:
        """The node of the view."""
        return self.logic.GetViewNode()

    @property
    def camera(self) -> slicer.vtkMRMLCameraNode:
        """The camera node of the view."""
        return slicer.modules.cameras.logic().GetViewActiveCameraNode(self.node)

    def reset_camera(self) -> None:
        """Look at everything that is visible."""
        self.renderer.ResetCamera()
        self.renderer.ResetCameraClippingRange()
